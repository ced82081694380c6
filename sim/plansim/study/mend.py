"""What would mend a plan: for each target that fails, the least move of a lever that meets it.

All levers are tried alike, over the range in which people may move them (`plan.views`): first on a
grid, all at once; where a margin turns good nearest to where the lever stands, that place is closed
in on by halving. Where no lever does it alone, those that help most are moved together, each by the
same part of its way to where it helps best.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plansim.model.assignment import Apply
from plansim.model.records import Model
from plansim.model.scenario import Scenario
from plansim.plan.measure import Floats
from plansim.plan.targets import Status, Target
from plansim.plan.views import Lever
from plansim.study.factor import default_of
from plansim.study.members import Engine, compiled
from plansim.study.solve import brackets
from plansim.study.trials import Bench, Question, Trials, bench_of

__all__ = ["POINTS", "Mending", "Move", "Package", "Remedy", "mend"]

POINTS = 33
"""Of the grid over a lever's range, where it stands beside."""
HALVINGS = 30
MOST_TOGETHER = 6
"""So many levers are moved together at most."""


@dataclass(frozen=True)
class Move:
    """A lever and where it is moved to; its present place and the new one in its own unit."""

    lever: Lever
    present: float
    """The constant's value; 0 of a lever that adds, 1 of one that multiplies."""
    value: float

    @property
    def effort(self) -> float:
        """The part of the lever's range that the move takes."""
        return abs(self.value - self.present) / (self.lever.high - self.lever.low)


@dataclass(frozen=True)
class Remedy:
    """Moves that just meet a target."""

    moves: tuple[Move, ...]
    margin: float
    """Of the target there, in its unit, the smallest of all bases, as all margins here."""
    gained: tuple[str, ...]
    """Ids of the other targets that are met there and were not."""
    lost: tuple[str, ...]
    """Ids of the other targets that were met and are not there."""


@dataclass(frozen=True)
class Package:
    """Levers moved as far as each helps most, where even that does not meet a target."""

    moves: tuple[Move, ...]
    margin: float


@dataclass(frozen=True)
class Mending:
    """What would mend one target under one scenario."""

    scenario: str
    target: Target
    margin: float
    """As things are."""
    alone: tuple[Remedy, ...]
    """One lever each: first those that lose no other target, then by the part of the range."""
    together: Remedy | None
    """Where no lever does it alone: several."""
    nearest: Package | None
    """Where nothing that was tried does it: the best there was."""


def mend(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    failing: Sequence[Target],
    others: Sequence[Target] = (),
    engine: Engine = compiled,
) -> tuple[Mending, ...]:
    """Say for each of the failing targets what would mend it, in their order.

    ``others`` are the targets of which is said whether a remedy gains or loses them. A lever that
    sets a constant moves it from what the scenario has; one that adds or multiplies acts on what
    the scenario has.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the engine cannot compute the model.
        SimulationError: the scenario itself breaks down.
    """
    if not failing or not levers:
        return tuple(Mending(scenario.id, each, math.nan, (), None, None) for each in failing)
    workshop = _workshop(model, scenario, levers, (*failing, *others), engine)
    start = workshop.run([()])
    start.require_sound()
    grids = [workshop.grid(place) for place in range(len(levers))]
    tried = workshop.run([((place, at),) for place, grid in enumerate(grids) for at in grid])
    ends = np.cumsum([len(grid) for grid in grids])[:-1]
    found = []
    for target in failing:
        margins = [
            np.where(np.isnan(part), -np.inf, part)
            for part in np.split(tried.standings[target.id].least, ends)
        ]
        found.append(_mending(workshop, target, start, grids, margins))
    return tuple(found)


_Setting = Sequence[tuple[int, float]]
"""Levers by place, each with its value."""


@dataclass(frozen=True)
class _Workshop:
    """A scenario whose levers may be moved."""

    scenario: Scenario
    levers: tuple[Lever, ...]
    targets: tuple[Target, ...]
    bench: Bench
    columns: Mapping[str, int]
    """Of the constants in a row of settings."""
    defaults: Floats
    """``(constant,)``: as the scenario has them."""

    def present(self, place: int) -> float:
        """Give where a lever stands."""
        lever = self.levers[place]
        match lever.apply:
            case Apply.SET:
                return float(self.defaults[self.columns[lever.constants[0]]])
            case Apply.ADD:
                return 0.0
            case Apply.MULTIPLY:
                return 1.0

    def grid(self, place: int) -> Floats:
        """Give the places at which a lever is tried: its range, and where it stands."""
        lever, present = self.levers[place], self.present(place)
        ends = min(lever.low, present), max(lever.high, present)
        return np.unique(np.append(np.linspace(*ends, POINTS), present))

    def run(self, settings: Sequence[_Setting]) -> Trials:
        """Run the scenario once for each setting of some levers."""
        rows = np.tile(self.defaults, (len(settings), 1))
        for row, setting in zip(rows, settings, strict=True):
            for place, value in setting:
                lever = self.levers[place]
                columns = [self.columns[each] for each in lever.constants]
                match lever.apply:
                    case Apply.SET:
                        row[columns] = value
                    case Apply.ADD:
                        row[columns] += value
                    case Apply.MULTIPLY:
                        row[columns] *= value
        return self.bench.run(rows)

    def margins(self, target: Target, settings: Sequence[_Setting]) -> Floats:
        """Give the margins of a target; minus infinity where there is none."""
        least = self.run(settings).standings[target.id].least
        return np.where(np.isnan(least), -np.inf, least)

    def remedy(self, target: Target, setting: _Setting) -> Remedy:
        """Say what a setting that meets a target does."""
        trials = self.run([(), setting])
        met = {
            each.id: trials.standings[each.id].status == Status.MET.code
            for each in self.targets
            if each.id != target.id
        }
        return Remedy(
            self.moves(setting),
            float(trials.standings[target.id].least[1]),
            tuple(key for key, (before, after) in met.items() if after and not before),
            tuple(key for key, (before, after) in met.items() if before and not after),
        )

    def moves(self, setting: _Setting) -> tuple[Move, ...]:
        """Give a setting as records."""
        return tuple(
            Move(self.levers[place], self.present(place), value) for place, value in setting
        )


def _workshop(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    engine: Engine,
) -> _Workshop:
    constants = list(dict.fromkeys(each for lever in levers for each in lever.constants))
    listed = tuple({each.id: each for each in targets}.values())
    return _Workshop(
        scenario,
        tuple(levers),
        listed,
        bench_of(model, scenario, constants, Question(listed), engine),
        {name: column for column, name in enumerate(constants)},
        np.array([default_of(model, scenario.values, name) for name in constants]),
    )


def _mending(
    workshop: _Workshop,
    target: Target,
    start: Trials,
    grids: Sequence[Floats],
    margins: Sequence[Floats],
) -> Mending:
    present = float(start.standings[target.id].least[0])
    edges = [
        (place, bad, good)
        for place, (grid, margin) in enumerate(zip(grids, margins, strict=True))
        for bad, good in brackets(grid, margin, workshop.present(place))
    ]
    values = _closed_in(workshop, target, edges)
    nearest: dict[int, float] = {}
    for (place, _, _), value in zip(edges, values, strict=True):
        here = workshop.present(place)
        if place not in nearest or abs(value - here) < abs(nearest[place] - here):
            nearest[place] = float(value)
    alone = [workshop.remedy(target, [(place, value)]) for place, value in nearest.items()]
    alone.sort(key=lambda each: (bool(each.lost), each.moves[0].effort))
    if alone:
        return Mending(workshop.scenario.id, target, present, tuple(alone), None, None)
    together, best = _together(workshop, target, present, grids, margins)
    return Mending(workshop.scenario.id, target, present, (), together, best)


def _closed_in(
    workshop: _Workshop, target: Target, edges: Sequence[tuple[int, float, float]]
) -> Floats:
    """Halve the way between a bad and a good place of each lever; give the good ends."""
    bad = np.array([each for _, each, _ in edges], dtype=np.float64)
    good = np.array([each for _, _, each in edges], dtype=np.float64)
    for _ in range(HALVINGS if edges else 0):
        middle = (bad + good) / 2
        settings = [((place, at),) for (place, _, _), at in zip(edges, middle, strict=True)]
        fine = workshop.margins(target, settings) >= 0
        good, bad = np.where(fine, middle, good), np.where(fine, bad, middle)
    return good


def _together(
    workshop: _Workshop,
    target: Target,
    present: float,
    grids: Sequence[Floats],
    margins: Sequence[Floats],
) -> tuple[Remedy | None, Package | None]:
    """Move the levers that help most, one more at a time, until the target is met.

    A lever that helps alone and not beside the others is left out.
    """
    gains = [float(margin.max()) - present for margin in margins]
    ends = [float(grid[margin.argmax()]) for grid, margin in zip(grids, margins, strict=True)]
    order = [place for place in np.argsort(gains)[::-1].tolist() if gains[place] > 0]
    chosen: list[tuple[int, float]] = []
    margin = present
    for place in order:
        if margin >= 0 or len(chosen) == MOST_TOGETHER:
            break
        more = [*chosen, (place, ends[place])]
        found = float(workshop.margins(target, [more])[0])
        if found > margin:
            chosen, margin = more, found
    if margin < 0:
        return None, Package(workshop.moves(chosen), margin) if chosen else None
    return workshop.remedy(target, _part_of(workshop, target, chosen)), None


def _part_of(workshop: _Workshop, target: Target, whole: _Setting) -> _Setting:
    """Give the least common part of the way to a setting that still meets the target."""

    def at(part: float) -> list[tuple[int, float]]:
        return [
            (place, workshop.present(place) + part * (value - workshop.present(place)))
            for place, value in whole
        ]

    parts = np.linspace(0, 1, POINTS)
    good = np.flatnonzero(workshop.margins(target, [at(part) for part in parts]) >= 0)
    low, high = float(parts[good[0] - 1]), float(parts[good[0]])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if workshop.margins(target, [at(middle)])[0] >= 0:
            high = middle
        else:
            low = middle
    return at(high)
