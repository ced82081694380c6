"""When which feedback loop dominates what people watch.

For each year and each loop two more runs are made, in which loops do their work until that year and
are held still from then on (`frozen`): this loop alone, and all others but this. By how much an
indicator ends up elsewhere, some years later, is what the loop does to the run with all loops and
to the run with none. The mean of both is what it contributed in between, with its sign: whether it
pushed the indicator up or held it down. The loop that contributes most dominates. Either run alone
would be partial, since what one loop did the others damp or amplify.

This is Ford's test (1999, System Dynamics Review 15:3-36), made in every year and with a size in
the place of his yes or no; as the years shrink it becomes the impact of a loop on the indicator's
acceleration (Hayward and Boswell 2014, System Dynamics Review 30:29-57). See
docs/decisions/0013-when-which-loop-dominates.md for why, and for its limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np

from plansim.analysis.evaluator import Engine, Reading, RunStatus, compiled
from plansim.analysis.feedback.frozen import holdable
from plansim.analysis.feedback.loops import Loop
from plansim.errors import Fault, InputError, Message, SimulationError
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import Target, variable_of
from plansim.targets.indicator import Floats
from plansim.targets.views import Views

__all__ = [
    "CLOSE",
    "WEAK",
    "WINDOW",
    "Dominance",
    "Indicator",
    "Lead",
    "Phase",
    "Row",
    "Year",
    "find_dominance",
    "indicators_of",
    "phases_of",
]

WINDOW = 3
"""Years that a loop is held still. Less than it takes a push to go round, and the loop whose switch
stands nearest to the indicator wins; much more, and the years blur."""

WEAK = 0.001
"""No loop dominates where none moves the indicator by more than this part of its size."""

CLOSE = 1.1
"""Nor does the first where it contributes less than so many times what the second does."""


@dataclass(frozen=True)
class Indicator:
    """A series that is asked about."""

    reference: str
    """``name`` or ``name[element]``."""
    name_en: str
    name_zh: str
    """Of the series, not of a target."""
    targets: tuple[str, ...]
    """The ids of the targets that it answers for; empty for the indicator of growth."""


class Lead(StrEnum):
    """How clear it is which loop dominates."""

    CLEAR = "clear"
    CLOSE = "close"  # two are as strong
    WEAK = "weak"  # none moves the indicator to speak of
    NONE = "none"  # none moves it at all
    UNKNOWN = "unknown"  # no run without a loop holds out


@dataclass(frozen=True)
class Year:
    """What loops contribute over the years that follow the middle of a year."""

    year: int
    value: float
    """Of the indicator at the end of those years, in the model's unit."""
    size: float
    """The larger of that and the first value, both without sign: what is large, what is small."""
    parts: Mapping[str, float]
    """By loop, what it contributes to the value, in the model's unit: the mean of two comparisons;
    where a run for one of them breaks down, the other; NaN where for both. A loop that cannot be
    held is left out."""

    @property
    def total(self) -> float:
        """All contributions, without their signs."""
        return math.fsum(abs(each) for each in self.parts.values() if math.isfinite(each))

    @property
    def ranked(self) -> tuple[str, ...]:
        """The loops that contribute anything, the strongest first."""
        known = {id_: abs(each) for id_, each in self.parts.items() if abs(each) > 0}
        return tuple(sorted(known, key=lambda id_: -known[id_]))

    @property
    def lead(self) -> Lead:
        """How clear it is which loop dominates."""
        if self.parts and all(map(math.isnan, self.parts.values())):
            return Lead.UNKNOWN
        first, second = [*(abs(self.parts[each]) for each in self.ranked[:2]), 0.0, 0.0][:2]
        # Less than this is the rounding of two runs.
        if first <= 1e-12 * self.size:
            return Lead.NONE
        if first <= WEAK * self.size:
            return Lead.WEAK
        return Lead.CLOSE if first < CLOSE * second else Lead.CLEAR

    @property
    def leaders(self) -> tuple[str, ...]:
        """The loop that dominates; the two that are as strong; none where all are weak."""
        return self.ranked[: {Lead.CLEAR: 1, Lead.CLOSE: 2}.get(self.lead, 0)]

    def share(self, loop: str) -> float:
        """Give what part of all contributions, without their signs, is a loop's."""
        return abs(self.parts[loop]) / self.total if self.total else math.nan


@dataclass(frozen=True)
class Phase:
    """Years on end with the same answer."""

    years: tuple[Year, ...]

    @property
    def first(self) -> int:
        """The first year."""
        return self.years[0].year

    @property
    def last(self) -> int:
        """The last year."""
        return self.years[-1].year

    @property
    def lead(self) -> Lead:
        """How clear the answer is."""
        return self.years[0].lead

    @property
    def leaders(self) -> tuple[str, ...]:
        """The loop that dominates; of two that are as strong, in the order of their ids."""
        return tuple(sorted(self.years[0].leaders))

    def pushes_up(self, loop: str) -> bool:
        """Say whether a leader pushes the indicator up, or else holds it down."""
        return self.years[0].parts[loop] > 0

    @property
    def shares(self) -> tuple[float, float]:
        """The smallest and the largest share of the strongest loop."""
        shares = [each.share(each.leaders[0]) for each in self.years if each.leaders]
        return (min(shares), max(shares)) if shares else (math.nan, math.nan)


@dataclass(frozen=True)
class Row:
    """When which loop dominates one indicator."""

    indicator: Indicator
    unit: str
    years: tuple[Year, ...]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Years on end with the same answer, taken together."""
        return phases_of(self.years)


def phases_of(years: Sequence[Year]) -> tuple[Phase, ...]:
    """Take years on end with the same answer together."""
    return tuple(Phase(tuple(group)) for _, group in groupby(years, key=_answer))


def _answer(year: Year) -> tuple[Lead, tuple[tuple[str, bool], ...]]:
    return year.lead, tuple(sorted((each, year.parts[each] > 0) for each in year.leaders))


@dataclass(frozen=True)
class Dominance:
    """When which loop dominates each indicator under a scenario."""

    scenario: Scenario
    window: int
    loops: tuple[Loop, ...]
    """Those that were held, in the order of the file."""
    unheld: tuple[str, ...]
    """The ids of those whose switch multiplies nothing, and which cannot be held."""
    rows: tuple[Row, ...]
    runs: int


def indicators_of(model: Model, targets: Sequence[Target], views: Views) -> tuple[Indicator, ...]:
    """Give what is asked about: what people look at first, and what targets judge.

    What is looked at first is the first line of the first chart that `views` counts as key: in the
    shipped model the output of the city. Of a target with several bases, the first.
    """
    chart = next((each for each in views.charts if each.key), None)
    judged: dict[str, list[str]] = {chart.lines[0].reference: []} if chart else {}
    for target in targets:
        judged.setdefault(next(iter(target.variables.values())), []).append(target.id)
    # A target may be worded the other way round, as the fall of what is followed here.
    shown = {each.lines[0].reference: each for each in views.charts if len(each.lines) == 1}
    found = []
    for reference, ids in judged.items():
        variable = variable_of(model, reference)
        names = (reference, variable.name_zh or reference)
        if reference in shown:
            names = (shown[reference].name_en, shown[reference].name_zh)
        found.append(Indicator(reference, *names, tuple(ids)))
    return tuple(found)


def find_dominance(
    model: Model,
    scenario: Scenario,
    loops: Sequence[Loop],
    indicators: Sequence[Indicator],
    window: int = WINDOW,
    engine: Engine = compiled,
) -> Dominance:
    """Hold each loop still in each year, and see what becomes of indicators ``window`` years later.

    Raises:
        InputError: the window is none, or longer than the run.
        SimulationError: the scenario breaks down with all loops.
        ModelError: the engine cannot compute the model.
    """
    years = _years(scenario, window)
    variant = holdable(model, [loop.switch for loop in loops])
    held = [loop for loop in loops if loop.switch in variant.holds]
    unheld = tuple(loop.id for loop in loops if loop not in held)
    if not indicators:
        return Dominance(scenario, window, tuple(held), unheld, (), 0)
    constants = list(variant.holds.values())
    settings = _settings(
        [constants.index(variant.holds[loop.switch]) for loop in held], years, variant.never
    )
    readings = [
        Reading(each.reference, float(year))
        for each in indicators
        for year in (years[0], *(year + window for year in years))
    ]
    members = engine(variant.model, scenario, constants, readings)(settings)
    if members.status[0] != RunStatus.OK:
        time = members.failed_time[0]
        raise SimulationError(
            Message(
                "{scenario} breaks down with all loops at {time:g}", scenario=scenario.id, time=time
            )
        )
    values = np.where(members.status != RunStatus.OK, np.nan, members.values)
    # (indicator, reading, run)
    series = values.reshape(len(indicators), 1 + len(years), -1)
    rows = [
        Row(each, variable_of(model, each.reference).unit, tuple(_row(found, held, years)))
        for each, found in zip(indicators, series, strict=True)
    ]
    return Dominance(scenario, window, tuple(held), unheld, tuple(rows), len(settings))


def _years(scenario: Scenario, window: int) -> list[int]:
    first, last = math.ceil(scenario.time.initial), math.floor(scenario.time.final)
    if not 1 <= window <= last - first:
        raise InputError(
            Fault(
                "a loop cannot be held for so long",
                expected=Message("1 to {last} years", last=last - first),
                found=f"{window}",
            )
        )
    return list(range(first, last - window + 1))


def _settings(columns: Sequence[int], years: Sequence[int], never: float) -> Floats:
    """Say from when on which constant's loop is held in each run: ``(run, constant)``.

    The first run holds none. For each year then follow one that holds all, one for each loop that
    holds it alone, and one for each that holds all others; loops may share a switch.
    """
    wide = max(columns, default=-1) + 1
    table = [np.full((1, wide), never)]
    for year in years:
        alone = np.full((len(columns), wide), never)
        alone[range(len(columns)), columns] = year
        others = np.where(alone == year, never, float(year))
        table += [np.full((1, wide), float(year)), alone, others]
    return np.concatenate(table)


def _row(series: Floats, loops: Sequence[Loop], years: Sequence[int]) -> list[Year]:
    """Take the contributions out of ``(reading, run)``; the first reading is that of the start."""
    found = []
    for place, year in enumerate(years):
        ends = series[1 + place]
        whole = float(ends[0])
        runs = ends[1 + place * (1 + 2 * len(loops)) :][: 1 + 2 * len(loops)]
        none, alone, others = runs[0], runs[1 : 1 + len(loops)], runs[1 + len(loops) :]
        last, first = whole - alone, others - none
        parts = np.where(np.isnan(first), last, np.where(np.isnan(last), first, (last + first) / 2))
        size = max(abs(whole), abs(float(series[0, 0])), 1e-300)
        by_loop = {loop.id: float(each) for loop, each in zip(loops, parts, strict=True)}
        found.append(Year(year, whole, size, by_loop))
    return found
