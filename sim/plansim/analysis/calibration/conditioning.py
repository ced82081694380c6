"""The file ``conditioning.yaml`` beside a model: what its plausible members have to fit.

``model/conditioning.schema.json`` is the form for editors; ``python -m
plansim.analysis.calibration.conditioning > model/conditioning.schema.json`` renews it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plansim.analysis.calibration.observed_past import (
    HISTORY,
    OBSERVATIONS,
    Observed,
    ObservedContext,
    ObservedPoint,
    StartSource,
    load_history,
    load_seam,
    observed_context,
    series_equations,
)
from plansim.analysis.checks_form import CHECKS, load_checks
from plansim.analysis.experiments.design import Design, DesignKind
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.design_form import FactorOrShort, factor_of, scenario_beside
from plansim.analysis.experiments.distributions import Discrete
from plansim.errors import DesignError, Fault, InputError, Message, nearest
from plansim.files.forms import (
    Entries,
    Form,
    Items,
    Names,
    Resolved,
    Wording,
    Words,
    doubled,
    form_of,
    noting,
    schema_of,
)
from plansim.files.shipped import shipped
from plansim.files.yaml_document import Location, read_document
from plansim.model.records import Model, Timing
from plansim.model.rewrite import AddedEquation
from plansim.scenario.cells import range_text
from plansim.scenario.factors import Factor, clashing
from plansim.scenario.scenario_file import Scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import Measure, moment

__all__ = [
    "CONDITIONING",
    "ConditioningSpec",
    "HistoryRun",
    "Observation",
    "read_conditioning",
    "schema_text",
    "uncertainty_design",
]

CONDITIONING = "conditioning.yaml"
ASSUMED = "assumption"
"""Beginning of the sources of rows that are assumed, not observed."""
SET_BY_DATA = (StartSource.OBSERVED, StartSource.RATE)
"""Marks of starts that were read off a figure, which therefore tests nothing."""


# --- the form -------------------------------------------------------------------------------------


class ObservedSeriesForm(Form):
    """An observed series, and how far off a plausible member may be."""

    series: str = Field(description="Its id in history.yaml, or in the list of this file.")
    years: Items[int] = Field(default=(), description="Of its points; else all of them.")
    error: float | None = Field(
        default=None, gt=0, description="Standard deviation of the figure, in its unit."
    )
    relative_error: float | None = Field(
        default=None, alias="relative error", gt=0, description="The same as a part of the figure."
    )
    discrepancy: float | None = Field(
        default=None,
        ge=0,
        description="Standard deviation of what even the best member misses, in the same unit.",
    )
    relative_discrepancy: float | None = Field(
        default=None,
        alias="relative discrepancy",
        ge=0,
        description="The same as a part of the figure.",
    )
    stated: bool = Field(
        default=False,
        description="Whether a base constant states the figure, so that it tests no forecast.",
    )
    why: Wording = Words(en="", zh="")

    def _misfits(self, _: object) -> Iterator[Fault]:
        if (self.error is None) == (self.relative_error is None):
            expected = Message("either error or relative error")
            yield Fault("an observation has one error", expected=expected)
        if self.discrepancy is not None and self.relative_discrepancy is not None:
            yield Fault("an observation has one discrepancy", at=("discrepancy",))


_Factors = Annotated[dict[str, Factor], Entries(dict[str, FactorOrShort], factor_of)]


class RunForm(Form):
    """A run of the past, and what is compared with it."""

    scenario: Annotated[Scenario, Resolved(str, scenario_beside)] = Field(
        description="An id or a relative path."
    )
    without: Names = Field(
        default=(), description="Factors that say nothing of these years and stay out of this run."
    )
    factors: _Factors = Field(
        default={}, description="What is unknown of this run alone, and no part of a member."
    )
    observations: list[ObservedSeriesForm] = Field(min_length=1)


class ConditioningForm(Form):
    """The form of ``conditioning.yaml``."""

    members: int = Field(default=500, ge=1, le=100_000, description="So many are kept.")
    seed: int = Field(default=0, ge=0)
    waves: int = Field(default=2, ge=2, le=20)
    draws: int = Field(default=131_072, ge=64, le=2**24, description="A wave.")
    limit: float = Field(
        default=3, gt=0, description="The implausibility up to which an observation is fitted."
    )
    matched: int = Field(
        default=12, ge=1, description="So many factors, those that matter most, waves narrow."
    )
    factors: _Factors = Field(
        default={},
        description="What varies beside the design of uncertainty that checks.yaml names.",
    )
    structures: Items[str] = Field(
        default=(), description="Factors that are switches between structures, to be told apart."
    )
    series: Items[Observed] = Field(
        default=(), description="Series beside those of history.yaml, in the same form."
    )
    runs: list[RunForm] = Field(min_length=1)
    hold_out: int | None = Field(
        default=None,
        alias="hold out from",
        description="The year from which figures test a forecast of those before.",
    )


# --- what the file says ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Observation:
    """A figure of the past, and the series of the model that is compared with it."""

    id: str
    name_en: str
    name_zh: str
    series: str
    """Name of the equation that answers for it."""
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
    discrepancy: float
    """Standard deviation of what even the best run misses, in `unit`."""
    stated: bool
    """Whether a base constant of the model states the figure."""

    @property
    def deviation(self) -> float:
        """Standard deviation of the difference to a run, in `unit`."""
        return math.hypot(self.error, self.discrepancy)


@dataclass(frozen=True)
class HistoryRun:
    """A run of the past with its observations."""

    scenario: Scenario
    without: tuple[str, ...]
    """Factors of the design that stay out of this run."""
    factors: tuple[Factor, ...]
    """What is unknown of this run alone."""
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class ConditioningSpec:
    """A validated ``conditioning.yaml``."""

    path: Path
    design: Design
    """The prior: what members change."""
    runs: tuple[HistoryRun, ...]
    equations: tuple[AddedEquation, ...]
    """What answers for the observations."""
    members: int
    seed: int
    waves: int
    draws: int
    limit: float
    matched: int
    structures: tuple[str, ...]
    hold_out: int | None
    prior_files: tuple[Path, ...]
    """The files that say what members change."""
    until: float = math.inf
    """Figures from this year on are not fitted."""

    def files(self, model: Model) -> tuple[Path, ...]:
        """Return the files that decide which members are plausible, but the model itself."""
        beside = (model.path.with_name(name) for name in (HISTORY, OBSERVATIONS))
        past = (
            run.scenario.path.with_name(f"{name}.yaml")
            for run in self.runs
            if run.scenario.path is not None
            for name in run.scenario.lineage
        )
        return (*self.prior_files, *beside, *past)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Those of all runs."""
        return tuple(one for run in self.runs for one in run.observations)


# --- reading --------------------------------------------------------------------------------------


def uncertainty_design(model: Model) -> Design | None:
    """Return the design of uncertainty that ``checks.yaml`` beside a model names; None if none."""
    if not model.path.with_name(CHECKS).is_file():
        return None
    name = load_checks(model).scenarios.uncertainty
    return None if name is None else read_design(shipped("scenarios") / name, model)


def schema_text() -> str:
    """Return the JSON Schema of ``conditioning.yaml``, as the shipped schema holds it."""
    return schema_of(ConditioningForm, "Conditioning")


def read_conditioning(model: Model, path: Path | None = None) -> ConditioningSpec:
    """Read what members have to fit, by default ``conditioning.yaml`` beside the model.

    Raises:
        DesignError: with every fault of the file, each with its line.

    >>> plansim.read_conditioning(plansim.load_model("lake.mdl")).members
    8
    """
    path = path or model.path.with_name(CONDITIONING)
    document, targets = read_document(path), load_targets(model=model)
    history = load_history(model, targets)
    known = history.series if history else ()
    context = observed_context(model, path, targets, history.place if history else "")
    form = form_of(ConditioningForm, document, context, DesignError)
    own = [(("series", index), one.id) for index, one in enumerate(form.series)]
    faults = list(doubled([*((("history",), one.id) for one in known), *own]))
    design, files = _design(form, context, faults)
    series = {one.id: one for one in (*known, *form.series)}
    runs = []
    for index, run in enumerate(form.runs):
        at: Location = ("runs", index)
        faults += _unknown(run.without, design.factors, (*at, "without"))
        acting = [factor for factor in design.factors if factor.name not in run.without]
        with noting(faults, *at):
            if wrong := list(clashing("factors", [*acting, *run.factors.values()])):
                raise InputError(wrong)
        starts = _observed_starts(context, run.scenario)
        observations: list[tuple[Location, Observation]] = []
        for number, entry in enumerate(run.observations):
            where = (*at, "observations", number)
            with noting(faults, *where):
                made = _observations(entry, series, run.scenario, starts, model)
                observations += ((where, one) for one in made)
        faults += doubled((where, one.id) for where, one in observations)
        figures, unknown = (one for _, one in observations), tuple(run.factors.values())
        runs.append(HistoryRun(run.scenario, run.without, unknown, tuple(figures)))
    faults += _no_forecast(form.hold_out, [one for run in runs for one in run.observations])
    if faults:
        raise DesignError(dict.fromkeys(document.placed(fault) for fault in faults))
    used = {one.series for run in runs for one in run.observations}
    beside = model.path.with_name(HISTORY)
    equations = (*series_equations(beside, known), *series_equations(path, form.series))
    return ConditioningSpec(
        path=path,
        design=design,
        runs=tuple(runs),
        equations=tuple(one for one in equations if one.name in used),
        prior_files=files,
        **form.model_dump(exclude={"factors", "series", "runs"}),
    )


def _design(
    form: ConditioningForm, context: ObservedContext, faults: list[Fault]
) -> tuple[Design, tuple[Path, ...]]:
    """Return the design with the factors of the file, and the files that it comes from."""
    read = uncertainty_design(context.model)
    factors = (*(read.factors if read else ()), *form.factors.values())
    faults += (*clashing("factors", factors), *_unknown(form.structures, factors, ("structures",)))
    structures = [one for one in factors if one.name in form.structures]
    faults += (
        Fault("'{name}' is not a switch", at=("structures",),
              expected=Message("a discrete distribution"), name=one.name)
        for one in structures if not isinstance(one.distribution, Discrete)
    )  # fmt: skip
    if not factors:
        faults.append(Fault("no constant of the model has a plausible range"))
    assert context.path is not None
    scenarios = () if read is None else read.scenarios
    design = Design(
        context.path.stem, "", "", DesignKind.SOBOL, scenarios, factors, 1, form.seed, 0, (), (),
        path=context.path,
    )  # fmt: skip
    return design, (context.path, *((read.path,) if read and read.path else ()))


def _no_forecast(year: int | None, figures: Sequence[Observation]) -> Iterator[Fault]:
    """Yield a fault where no figures are before a year, or none to forecast from it on."""
    first = min((one.year for one in figures), default=0) + 1
    last = max((one.year for one in figures if not one.stated), default=0)
    if year is not None and not first <= year <= last:
        expected = range_text(first, last, "") if first <= last else None
        at = ("hold out from",)
        yield Fault("no figures to fit, or none to forecast", at=at, expected=expected)


def _unknown(names: Sequence[str], factors: Sequence[Factor], at: Location) -> Iterator[Fault]:
    """Yield a fault for each name in a list that is no factor's."""
    known = [factor.name for factor in factors]
    for index, name in enumerate(names):
        if name not in known:
            close = nearest(name, known)
            yield Fault("unknown factor '{name}'", at=(*at, index), nearest=close, name=name)


def _observed_starts(context: ObservedContext, scenario: Scenario) -> Mapping[str, set[str]]:
    """Return the stocks whose starts in a scenario are figures, with the words of their sources."""
    model = context.model
    seam = load_seam(model, tuple(context.targets.values()))
    has_checks = model.path.with_name(CHECKS).is_file()
    if seam is None or not has_checks or load_checks(model).scenarios.history != scenario.id:
        return {}
    return {
        item.of: set(re.split(r"[^A-Za-z0-9]+", item.source.en))
        for item in seam.items
        if item.mark in SET_BY_DATA
    }


def _observations(
    entry: ObservedSeriesForm,
    series: Mapping[str, Observed],
    scenario: Scenario,
    starts: Mapping[str, set[str]],
    model: Model,
) -> list[Observation]:
    """Return the figures that an entry means.

    Raises:
        InputError: with every fault of the entry.
    """
    one = series.get(entry.series)
    if one is None:
        message = Message("no observed series is called '{name}'", name=entry.series)
        raise InputError(message, at=("series",), nearest=nearest(entry.series, series))
    known = [point.year for point in one.points]
    expected = Message("{years}", years=", ".join(map(str, known)))
    faults = [
        Fault("'{name}' has no figure of {year}", at=("years",), expected=expected,
              name=one.id, year=year)
        for year in entry.years if year not in known
    ]  # fmt: skip
    points = [point for point in one.points if not entry.years or point.year in entry.years]
    for point in points:
        faults += _refused(one, point, scenario, starts, model)
    if any(point.value == 0 for point in points) and entry.error is None:
        expected = Message("an error in the unit of the figure")
        faults.append(Fault("a figure of zero has no relative error", expected=expected))
    if faults:
        raise InputError(faults)
    return [_observation(entry, one, point) for point in points]


def _refused(
    series: Observed,
    point: ObservedPoint,
    scenario: Scenario,
    starts: Mapping[str, set[str]],
    model: Model,
) -> Iterator[Fault]:
    """Yield why a figure is not an observation of a run of a scenario."""
    label = f"{series.id} {point.year}"
    if point.year > (last := int(model.time.initial)):
        expected = Message("a year up to {year}", year=last)
        yield Fault("an observation is of the past: {label}", expected=expected, label=label)
        return
    if any(source.casefold().startswith(ASSUMED) for source in point.sources):
        yield Fault("an assumption is not an observation: {label}", label=label)
    timing = Timing.YEAR_END if series.end_of_year else Timing.YEAR
    clock, first, end = scenario.time, moment(timing, point.base), moment(timing, point.year)
    if not clock.initial <= first <= end <= clock.final:
        yield Fault(
            "no run of '{scenario}' has '{series}' of {first}–{last}",
            expected=range_text(clock.initial, clock.final, ""),
            scenario=scenario.id,
            series=series.id,
            first=point.base,
            last=point.year,
        )
    # A start is named after the sources of its figure, or is the series itself.
    sources = {source for source in point.sources if re.fullmatch(r"\w+", source)}
    for stock, words in starts.items():
        is_start = words & sources or (point.since is None and series.of == stock)
        if is_start and first - clock.initial < 1:
            expected = Message("a figure that did not set the start of '{name}'", name=stock)
            yield Fault("a figure that sets a start is not an observation: {label}",
                        expected=expected, label=label)  # fmt: skip
            return


def _observation(entry: ObservedSeriesForm, series: Observed, point: ObservedPoint) -> Observation:
    span = str(point.year) if point.since is None else f"{point.since}–{point.year}"
    size = abs(point.value)
    return Observation(
        f"{series.id} {span}",
        series.en if span in series.en else f"{series.en}: {span}",
        series.zh if span in series.zh else f"{series.zh}：{span}",
        series.variable,
        point.measure,
        point.base,
        point.year,
        point.value,
        series.unit,
        1 / series.scale,
        entry.error or size * (entry.relative_error or 0),
        entry.discrepancy or size * (entry.relative_discrepancy or 0),
        entry.stated,
    )


if __name__ == "__main__":
    print(schema_text(), end="")
