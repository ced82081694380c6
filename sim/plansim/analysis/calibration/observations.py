"""Observations: figures of the past, and what runs give for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field

from plansim.analysis.evaluator import Evaluator, Request
from plansim.errors import Fault, InputError, Message
from plansim.files.forms import Form, Wording, Words
from plansim.files.reading import read_csv
from plansim.model.records import Model, Timing, folded
from plansim.scenario.cells import range_text
from plansim.scenario.factors import Factor, FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import Measure, moment
from plansim.targets.target import indicator_of

__all__ = [
    "ASSUMED",
    "OBSERVATIONS",
    "ErrorForm",
    "GoodnessOfFit",
    "Observation",
    "ObservationEvaluator",
    "ObservationRow",
    "ObservationTable",
    "fit",
    "read_table",
    "unreached",
]


OBSERVATIONS = "observations.csv"

ASSUMED = "assumption"
_COLUMNS = ("place", "quantity", "source", "unit", "value", "year")


@dataclass(frozen=True)
class ObservationRow:
    """A row of a table; all cells are texts."""

    file: Path
    line: int
    cells: Mapping[str, str]

    def __str__(self) -> str:
        names = ("place", "quantity", "part", "year")
        return ", ".join(cell for name in names if (cell := self.cells.get(name)))


@dataclass(frozen=True)
class ObservationTable:
    """A table of figures."""

    path: Path
    sha256: str
    rows: tuple[ObservationRow, ...]

    def find(self, wanted: Mapping[str, str]) -> list[ObservationRow]:
        """Return the rows whose cells in the named columns have the wanted texts."""
        texts = {name: folded(text) for name, text in wanted.items()}
        return [
            row
            for row in self.rows
            if all(folded(row.cells.get(name, "")) == text for name, text in texts.items())
        ]


def read_table(path: Path) -> ObservationTable:
    """Read a CSV table with the columns quantity, place, year, value, unit and source, or more.

    Raises:
        InputError: as `read_csv`.
    """
    table = read_csv(path, _COLUMNS)
    rows = (ObservationRow(path, line, cells) for line, cells in table.records())
    return ObservationTable(path, table.sha256, tuple(rows))


# --- figures that runs are compared with ----------------------------------------------------------


class ErrorForm(Form):
    """How far off a figure may be, in an entry of a file that names it."""

    error: float | None = Field(
        default=None, gt=0, description="Standard deviation of the figure, in its unit."
    )
    relative_error: float | None = Field(
        default=None, alias="relative error", gt=0, description="The same as a part of the figure."
    )
    why: Wording = Words(en="", zh="")

    def _misfits(self, context: object) -> Iterator[Fault]:
        if (self.error is None) == (self.relative_error is None):
            expected = Message("either error or relative error")
            yield Fault("an observation has one error", expected=expected)

    def error_of(self, value: float) -> float:
        """Return the standard deviation of a figure, in its unit.

        Raises:
            InputError: a figure of zero has a relative error.
        """
        error = self.error or abs(value) * (self.relative_error or 0.0)
        if not error:
            expected = Message("an error in the unit of the figure")
            raise InputError("a figure of zero has no relative error", expected=expected)
        return error


@dataclass(frozen=True)
class Observation:
    """A figure, and the series of the model that is compared with it."""

    id: str
    name_en: str
    name_zh: str
    series: str
    """``name`` or ``name[element]``."""
    measure: Measure
    since: int
    """Base year of the measure; of a level its own year."""
    year: int
    value: float
    unit: str
    factor: float
    """Factor from the measure of the series, in the model's unit, to `unit`."""
    error: float
    """Standard deviation of the figure, in `unit`."""
    discrepancy: float = 0.0
    """Standard deviation of what even the best run misses, in `unit`."""
    stated: bool = False
    """Whether a base constant of the model states the figure."""
    held_out: bool = False
    """Whether it is forecast rather than fitted."""

    @property
    def deviation(self) -> float:
        """Standard deviation of the difference to a run, in `unit`."""
        return math.hypot(self.error, self.discrepancy)


def unreached(observation: Observation, scenario: Scenario, timing: Timing) -> Fault | None:
    """Return a fault if no run of a scenario has the years of an observation; else None."""
    clock, first, last = scenario.time, observation.since, observation.year
    if clock.initial <= moment(timing, first) <= moment(timing, last) <= clock.final:
        return None
    return Fault(
        "no run of '{scenario}' has '{series}' of {first}–{last}",
        expected=range_text(clock.initial, clock.final, ""),
        scenario=scenario.id,
        series=observation.series,
        first=first,
        last=last,
    )


class ObservationEvaluator:
    """What runs of a scenario give for some observations."""

    def __init__(
        self,
        model: Model,
        scenario: Scenario,
        factors: Sequence[Factor | str],
        observations: Sequence[Observation],
    ) -> None:
        """Prepare runs that differ in ``factors``; the other arguments of `Evaluator`."""
        self._indicators = [
            indicator_of(model, one.series, one.measure, one.since, one.year)
            for one in observations
        ]
        self._units = np.array([one.factor for one in observations])
        request = Request(tuple({one.id: one for one in self._indicators}.values()))
        self._evaluator = Evaluator(model, scenario, factors, request, stop_early=True)

    def evaluate(self, values: npt.ArrayLike, threads: int = 1) -> FloatArray:
        """Return ``(run, observation)`` in the observations' units; NaN for a failed run."""
        evaluation = self._evaluator.evaluate(values, threads)
        measured = [evaluation[indicator.id].value for indicator in self._indicators]
        in_units: FloatArray = np.stack(measured, axis=1) * self._units
        return in_units


# --- goodness of fit -----------------------------------------------------------------------------


@dataclass(frozen=True)
class GoodnessOfFit:
    """The measures of one series; NaN where its observations are too few to say."""

    points: int
    mape: float
    """The mean absolute error as a part of the observations."""
    rmse: float
    """The root of the mean square error, in the unit of the series."""
    r2: float
    """The square of the correlation."""
    um: float
    us: float
    uc: float


def fit(simulated: FloatArray, observed: FloatArray) -> GoodnessOfFit:
    """Measure how well a series fits its observations, both ``(point,)``.

    An observation of 0 has no relative error. The shares of an error of 0 are NaN.

    >>> measures = fit(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    >>> measures.rmse, round(measures.r2, 12), measures.um, measures.us, measures.uc
    (1.0, 1.0, 1.0, 0.0, 0.0)
    """
    error = simulated - observed
    mse = float(np.mean(error**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        mape = float(np.mean(np.abs(error / observed)))
    spread_s, spread_o = float(np.std(simulated)), float(np.std(observed))
    together = float(np.mean((simulated - simulated.mean()) * (observed - observed.mean())))
    moves = spread_s > 0 and spread_o > 0
    r2 = (together / (spread_s * spread_o)) ** 2 if moves else math.nan
    if mse == 0 or not math.isfinite(mse):
        um = us = uc = math.nan
    else:
        um = float(np.mean(error)) ** 2 / mse
        us = (spread_s - spread_o) ** 2 / mse
        # 2 (1 - r) s_s s_o, written without r, which is none where a series stands still.
        uc = 2 * (spread_s * spread_o - together) / mse
    return GoodnessOfFit(observed.size, mape, math.sqrt(mse), r2, um, us, uc)
