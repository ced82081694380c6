"""Runs that differ in a few constants, and where each of them stands to the plan's targets.

What is asked of a model by cutting loops, by taking a scenario's changes one by one, and by moving
a lever: one question, many runs at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.runs import Engine, Outcome, Reading, Simulate, compiled, variable_of
from plansim.errors import SimulationError
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import Status, Target, unit_factor
from plansim.targets.indicator import Floats, Yearly, measured, moment, trailing_base
from plansim.targets.verdict import Answer, findings, margin_of

__all__ = ["Bench", "Question", "Standing", "Trials", "bench_of"]


@dataclass(frozen=True)
class Question:
    """What is asked of each run."""

    targets: tuple[Target, ...]
    """Each with a variable, a value and a year."""
    later: tuple[int, ...] = ()
    """Years after the target's own at which its value is wanted again."""
    series: tuple[int, ...] = ()
    """Years for which the variables that answer for targets are wanted."""


@dataclass(frozen=True)
class Standing:
    """Where runs stand to one target; each array is ``(run,)``, a broken run has NaN."""

    value: Floats
    """In the target's unit; of several bases the first, as in verdicts."""
    margin: Floats
    """Its distance to the target on the good side."""
    least: Floats
    """The smallest margin of all bases: the target is met where it is not below zero."""
    status: npt.NDArray[np.int8]
    """`Status.code`."""
    later: Mapping[int, Floats]
    """The value at later years."""


@dataclass(frozen=True)
class Trials:
    """What became of some runs."""

    standings: Mapping[str, Standing]
    """By the id of a target."""
    series: Mapping[str, Floats]
    """``(run, year)`` of each variable that answers for a target, in the model's unit."""
    broken: npt.NDArray[np.bool_]
    """``(run,)``: whether a value in the run is no finite number."""
    faults: Mapping[int, str]
    """By broken run, what was at fault first, and when."""

    def require_sound(self) -> None:
        """See that no run broke down.

        Raises:
            SimulationError: one did.
        """
        for run, fault in self.faults.items():
            count = int(self.broken.sum())
            raise SimulationError(
                f"{count} of {len(self.broken)} runs break down; run {run} first at {fault}"
            )


_Source: TypeAlias = Callable[[str], Yearly]
"""From the name of a series to its values by years."""


@dataclass(frozen=True)
class Bench:
    """A scenario, ready to be run with some constants set anew."""

    model: Model
    scenario: Scenario
    question: Question
    readings: tuple[Reading, ...]
    simulate: Simulate

    def run(self, settings: Floats) -> Trials:
        """Run the scenario once for each row of ``(run, constant)``."""
        members = self.simulate(np.asarray(settings, dtype=np.float64))
        rows = {reading: row for row, reading in enumerate(self.readings)}
        broken = members.outcome != Outcome.OK
        values = np.where(broken, np.nan, members.values)

        def source(reference: str) -> Yearly:
            timing = variable_of(self.model, reference).timing
            return lambda year: np.asarray(values[rows[Reading(reference, moment(timing, year))]])

        with np.errstate(all="ignore"):  # broken runs are known as such
            standings, series = _answers(self.model, self.scenario, self.question, source)
        names = [*self.model.variables, "?"]
        faults = {
            int(run): f"'{names[members.culprit[run]]}', at {members.when[run]:g}"
            for run in np.flatnonzero(broken)
        }
        return Trials(standings, series, broken, faults)


def bench_of(
    model: Model,
    scenario: Scenario,
    constants: Sequence[str],
    question: Question,
    engine: Engine = compiled,
) -> Bench:
    """Prepare runs of a scenario that differ in some constants.

    Args:
        model: the model.
        scenario: gives all other constants, and the clock.
        constants: what differs, element by element: ``name`` or ``name[e1,e2]``.
        question: what is asked of each run.
        engine: what runs them.

    Raises:
        InputError: a constant that the shape of the code depends on cannot differ.
        ModelError: what the engine cannot compute.
    """
    needed: dict[tuple[str, int], None] = {}

    def asked(reference: str) -> Yearly:
        def at(year: int) -> Floats:
            needed[reference, year] = None
            return np.ones(1)

        return at

    # Nobody needs to say which years an answer takes: answering itself asks for them.
    _answers(model, scenario, question, asked)
    readings = tuple(
        dict.fromkeys(
            Reading(name, moment(variable_of(model, name).timing, year)) for name, year in needed
        )
    )
    simulate = engine(model, scenario, tuple(constants), readings)
    return Bench(model, scenario, question, readings, simulate)


def _answers(
    model: Model, scenario: Scenario, question: Question, source: _Source
) -> tuple[dict[str, Standing], dict[str, Floats]]:
    standings = {
        target.id: _standing(model, target, question, source, target.id in scenario.assumed)
        for target in question.targets
    }
    names = {name for target in question.targets for name in target.variables.values()}
    series = {
        name: np.stack([source(name)(year) for year in question.series], axis=-1)
        for name in sorted(names)
        if question.series
    }
    return standings, series


def _standing(
    model: Model, target: Target, question: Question, source: _Source, assumed: bool
) -> Standing:
    answers = {
        basis: Answer(source(name), unit_factor(variable_of(model, name).unit, target))
        for basis, name in target.variables.items()
    }
    found = findings(answers, target, assumed=assumed)
    margins = [margin_of(each, target) for each in found.bases.values()] or [found.margin]
    status = np.where(np.isnan(found.margin), Status.UNTESTABLE.code, found.status)
    return Standing(
        found.value,
        found.margin,
        np.min(margins, axis=0),
        status.astype(np.int8),
        {year: _again(next(iter(answers.values())), target, year) for year in question.later},
    )


def _again(answer: Answer, target: Target, year: int) -> Floats:
    """Give the value of a target as measured at a year after its own."""
    assert target.year is not None
    base = trailing_base(target.measure, target.since, target.year, year)
    return measured(answer.at, target.measure, base, year) * answer.factor
