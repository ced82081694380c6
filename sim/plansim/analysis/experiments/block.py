"""A block of a sweep: from run numbers to the arrays that are stored, without reading or writing.

::

    run numbers → points of the design → values of the factors → constants of each run
                → the engine → series at the years that count → verdicts
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.experiments.design import Design, Sampler
from plansim.analysis.experiments.factors import applied, default_of
from plansim.analysis.runs import Engine, Members, Outcome, Reading, Simulate, variable_of
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import (
    Attribute,
    Kind,
    Status,
    Target,
    unit_factor,
)
from plansim.targets.indicator import Floats, Yearly, moment
from plansim.targets.verdict import Answer, findings

__all__ = [
    "NEVER",
    "NO_BREACH",
    "TILE",
    "Bench",
    "RunBlock",
    "Wants",
    "judged_targets",
    "output_series",
    "wants_of",
]

NEVER = -1
"""Stands in arrays of whole numbers for a run that was never made."""

NO_BREACH = 0

TILE = 4096
"""Runs that are simulated and judged at once: few enough to stay in the cache."""


@dataclass(frozen=True)
class Wants:
    """What a sweep keeps of each run."""

    targets: tuple[Target, ...]
    """All of which something in the model answers."""
    outputs: tuple[str, ...]
    years: tuple[int, ...]
    readings: tuple[Reading, ...]
    """All that it takes to know the outputs and the verdicts."""

    @property
    def binding(self) -> tuple[int, ...]:
        """The places of the targets that are followed to the horizon."""
        return tuple(
            place
            for place, target in enumerate(self.targets)
            if target.attribute is Attribute.BINDING
        )


RunBlock: TypeAlias = Mapping[str, npt.NDArray[np.generic]]
"""Arrays by name, the first dimension of each being the run; see `Bench.block`."""


def judged_targets(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Give the targets of which something in the model answers."""
    return tuple(
        target
        for target in targets
        if target.kind is Kind.TARGET
        and target.variables
        and None not in (target.value, target.year)
    )


def output_series(design: Design, targets: Sequence[Target]) -> tuple[str, ...]:
    """Give the series that a sweep keeps: the design's, else those that targets judge."""
    if design.outputs:
        return design.outputs
    judged = judged_targets(targets)
    return tuple(dict.fromkeys(name for each in judged for name in each.variables.values()))


def wants_of(model: Model, design: Design, targets: Sequence[Target]) -> Wants:
    """Say what a design keeps of each run, and which values that takes."""
    judged = judged_targets(targets)
    outputs = output_series(design, targets)
    due = {each.year for each in judged if each.year is not None}
    years = design.years or tuple(sorted(due | {each.horizon for each in judged}))
    needed: dict[tuple[str, int], None] = {}

    def asked(reference: str) -> Yearly:
        """Note which years are asked for."""

        def at(year: int) -> Floats:
            needed[reference, year] = None
            return np.ones(1)

        return at

    # Nobody needs to say which years a verdict takes: judging itself asks for them.
    for target in judged:
        answers = {basis: Answer(asked(name), 1.0) for basis, name in target.variables.items()}
        findings(answers, target)
    needed |= dict.fromkeys((name, year) for name in outputs for year in years)
    readings = (Reading(name, _moment(model, name, year)) for name, year in needed)
    # Targets are sent to other processes, which refuse mappings that cannot be changed.
    plain = (
        replace(each, variables=dict(each.variables), planned=dict(each.planned)) for each in judged
    )
    return Wants(tuple(plain), outputs, years, tuple(dict.fromkeys(readings)))


def _moment(model: Model, reference: str, year: int) -> float:
    return moment(variable_of(model, reference).timing, year)


@dataclass
class _Course:
    """One scenario, ready to run."""

    simulate: Simulate
    defaults: Mapping[str, float]
    assumed: frozenset[str]


@dataclass
class Bench:
    """A design, ready to run any block of it, by any number of threads."""

    model: Model
    design: Design
    wants: Wants
    engine: Engine
    tile: int = TILE
    _courses: Sequence[_Course] = field(init=False, repr=False)
    _rows: Mapping[Reading, int] = field(init=False, repr=False)
    _scales: Mapping[tuple[str, str], float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._courses = [self._course(scenario) for scenario in self.design.scenarios]
        self._rows = {reading: row for row, reading in enumerate(self.wants.readings)}
        self._scales = {
            (target.id, name): unit_factor(variable_of(self.model, name).unit, target)
            for target in self.wants.targets
            for name in target.variables.values()
        }

    def _course(self, scenario: Scenario) -> _Course:
        constants = [each for factor in self.design.factors for each in factor.constants]
        return _Course(
            simulate=self.engine(self.model, scenario, constants, self.wants.readings),
            defaults={each: default_of(self.model, scenario.values, each) for each in constants},
            assumed=frozenset(scenario.assumed),
        )

    def draw(self, sampler: Sampler, start: int, stop: int) -> Floats:
        """Draw the factors' values of the points that the runs from start to stop take."""
        return sampler.draw(*self._points(start, stop))

    def _points(self, start: int, stop: int) -> tuple[int, int]:
        scenarios = len(self.design.scenarios)
        return start // scenarios, -(-stop // scenarios)

    def block(self, start: int, stop: int, points: Floats) -> dict[str, npt.NDArray[np.generic]]:
        """Run the runs from ``start`` to before ``stop``, whose points were drawn.

        Gives, each with the run as its first dimension: ``inputs`` (run, factor), ``outputs``
        (run, output, year), ``verdict`` and ``margin`` (run, target), ``first_breach`` (run,
        binding target), ``outcome``, ``culprit``, ``when`` and ``scenario`` (run). A bad run has
        no verdict: all its targets are untestable.
        """
        runs = np.arange(start, stop)
        scenario = runs % len(self._courses)
        inputs = points[runs // len(self._courses) - self._points(start, stop)[0]]
        found = self._empty(stop - start)
        found["inputs"] = inputs
        found["scenario"] = scenario.astype(np.int16)
        for number, course in enumerate(self._courses):
            rows = np.flatnonzero(scenario == number)
            for first in range(0, len(rows), self.tile):
                tile = rows[first : first + self.tile]
                # A slice is written much faster than a list of places.
                where = slice(tile[0], tile[-1] + 1, len(self._courses))
                self._run(course, inputs[where], {key: found[key][where] for key in found})
        return found

    def _empty(self, count: int) -> dict[str, npt.NDArray[np.generic]]:
        targets, binding = len(self.wants.targets), len(self.wants.binding)
        outputs = (count, len(self.wants.outputs), len(self.wants.years))
        return {
            "outputs": np.empty(outputs),
            "verdict": np.empty((count, targets), np.int8),
            "margin": np.empty((count, targets), np.float32),
            "first_breach": np.empty((count, binding), np.int16),
            "outcome": np.empty(count, np.int8),
            "culprit": np.empty(count, np.int32),
            "when": np.empty(count),
        }

    def _run(
        self, course: _Course, inputs: Floats, into: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Run some members of one scenario and write what comes out ``into`` arrays."""
        members = course.simulate(applied(self.design.factors, inputs, course.defaults))
        into["outcome"][:] = members.outcome
        into["culprit"][:] = members.culprit
        into["when"][:] = members.when
        for place, name in enumerate(self.wants.outputs):
            at = self._series(members, name)
            for column, year in enumerate(self.wants.years):
                into["outputs"][:, place, column] = at(year)
        with np.errstate(all="ignore"):  # bad runs are known by their outcome
            self._judge(course, members, into)

    def _judge(
        self, course: _Course, members: Members, into: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Judge members and write the verdicts ``into`` arrays; bad runs have none."""
        bad = np.flatnonzero(members.outcome != Outcome.OK)
        followed = {target: column for column, target in enumerate(self.wants.binding)}
        for place, target in enumerate(self.wants.targets):
            answers = {
                basis: Answer(self._series(members, name), self._scales[target.id, name])
                for basis, name in target.variables.items()
            }
            found = findings(answers, target, assumed=target.id in course.assumed)
            into["verdict"][:, place] = found.status
            into["margin"][:, place] = found.margin
            if place in followed:
                breach = np.where(np.isnan(found.first_breach), NO_BREACH, found.first_breach)
                into["first_breach"][:, followed[place]] = breach
        into["verdict"][bad] = Status.UNTESTABLE.code
        into["margin"][bad] = math.nan
        into["first_breach"][bad] = NO_BREACH

    def _series(self, members: Members, reference: str) -> Yearly:
        """Give a series of the members by years."""
        timing = variable_of(self.model, reference).timing

        def at(year: int) -> Floats:
            row: Floats = members.values[self._rows[Reading(reference, moment(timing, year))]]
            return row

        return at
