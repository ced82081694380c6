"""What would mend a plan: the least moves of levers for each target that fails, and for all.

All levers are tried alike, over the range in which people may move them (`views`): first one
by one on a grid, all runs at once; where a margin turns good nearest to where the lever stands,
that place is closed in on by halving. Where no lever does it alone, and for all targets together,
the smallest mix is looked for: the one that takes least of the levers' ranges, added up
(`descent`). It is a cost that needs no prices, which a catalogue of levers does not have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plansim.analysis.evaluator import Engine, compiled
from plansim.analysis.optimization.descent import Weights, cheapest
from plansim.analysis.optimization.search_space import Evaluate, Found
from plansim.analysis.optimization.solve import brackets
from plansim.analysis.optimization.workshop import Move, Remedy, Workshop, scale_of, workshop_of
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import Target
from plansim.targets.indicator import Floats
from plansim.targets.views import Lever

__all__ = ["Joint", "Left", "Mended", "Mending", "Package", "mend"]

HALVINGS = 30
WORTH = 0.02
"""A mix of fewer levers is worth so much more of the cost."""
FIRST = 100.0
"""How much more it counts that the targets which are mended hold, where it is asked how near
another one comes to holding too."""


@dataclass(frozen=True)
class Package:
    """Levers moved to where a target comes nearest, where even that does not meet it."""

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
    """Where no lever does it alone: the smallest mix of several."""
    nearest: Package | None
    """Where nothing that was found does it: the best there was."""


@dataclass(frozen=True)
class Left:
    """A target that is not mended together with others."""

    target: Target
    never: bool
    """Whether it was not even met where it is taken alone."""
    margin: float
    """The best that was found, in its unit, below zero: while all others hold, or, where it is
    never met, of all places."""


@dataclass(frozen=True)
class Joint:
    """What would mend several targets under one scenario at once, and lose no binding one."""

    mended: tuple[Target, ...]
    remedy: Remedy | None
    """The smallest mix; None if not even one of them can be met so."""
    left: tuple[Left, ...]
    """The failing targets that hold in no mix found in which all ``mended`` ones do."""


@dataclass(frozen=True)
class Mended:
    """What would mend one scenario."""

    each: tuple[Mending, ...]
    """The failing targets, each taken alone."""
    joint: Joint | None
    """All at once; None where fewer than two fail."""


def mend(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    failing: Sequence[Target],
    others: Sequence[Target] = (),
    kept: Sequence[Target] = (),
    engine: Engine = compiled,
) -> Mended:
    """Say what would mend the failing targets: each alone, in their order, and all at once.

    ``others`` are the targets of which is said whether a remedy gains or loses them; ``kept`` are
    those that hold and must go on holding where several are mended at once. A lever that sets a
    constant moves it from what the scenario has; one that adds or multiplies acts on what the
    scenario has.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the engine cannot compute the model.
        SimulationError: the scenario itself breaks down.
    """
    if not failing or not levers:
        none = (Mending(scenario.id, each, math.nan, (), None, None) for each in failing)
        return Mended(tuple(none), None)
    workshop = workshop_of(model, scenario, levers, (*failing, *kept, *others), engine)
    workshop.run([()]).require_ok()
    # Searching asks for few targets, for which the code is smaller and quicker.
    narrow = workshop_of(model, scenario, levers, (*failing, *kept), engine)
    grid = _Grid(narrow)
    ends: list[Floats] = []
    found = []
    for target in failing:
        one, place = _mending(workshop, narrow, grid, target)
        found.append(one)
        ends.append(place)
    joint = None
    if len(failing) > 1:
        joint = _joint(workshop, narrow, grid, kept, list(zip(found, ends, strict=True)))
    return Mended(tuple(found), joint)


class _Grid:
    """All levers, each tried alone over its range."""

    def __init__(self, workshop: Workshop) -> None:
        count = len(workshop.levers)
        self.lines = [workshop.grid(place) for place in range(count)]
        tried = workshop.run([((place, at),) for place in range(count) for at in self.lines[place]])
        start = workshop.run([()])
        ends = np.cumsum([len(line) for line in self.lines])[:-1]
        self.present: dict[str, float] = {}
        self.margins: dict[str, list[Floats]] = {}
        """By target, of each lever along its line; minus infinity where a run breaks down."""
        for target in workshop.targets:
            least = tried[target.id].least_margin
            parts = np.split(np.where(np.isnan(least), -np.inf, least), ends)
            self.margins[target.id] = parts
            self.present[target.id] = float(start[target.id].least_margin[0])

    def corner(self, workshop: Workshop, targets: Sequence[Target]) -> Floats:
        """Give the place with each lever where it helps most by itself, if it helps.

        Of several targets, help to one counts until it is met, in parts of what it lacks.
        """
        setting = []
        for lever, line in enumerate(self.lines):
            gain = np.zeros(len(line))
            for target in targets:
                margin, present = self.margins[target.id][lever], self.present[target.id]
                rise = margin - present
                short = max(-present, 1e-6 * scale_of(target))
                gain += rise / short if len(targets) == 1 else np.minimum(rise / short, 1.0)
            best = int(np.argmax(gain))
            if gain[best] > 0:
                setting.append((lever, float(line[best])))
        return workshop.place(setting)

    def stairs(self, workshop: Workshop, target: Target) -> Floats:
        """Give the place with so many levers as would do if their gains added up.

        Those come first that gain most for the part of the range that they take.
        """
        margins, present = self.margins[target.id], self.present[target.id]
        steps = []
        for lever, (line, margin) in enumerate(zip(self.lines, margins, strict=True)):
            best = int(np.argmax(margin))
            gain = float(margin[best]) - present
            way = abs(float(line[best]) - workshop.present(lever)) / (line[-1] - line[0])
            if gain > 0 and way > 0:
                steps.append((gain / way, gain, lever, float(line[best])))
        setting, reached = [], present
        for _, gain, lever, at in sorted(steps, reverse=True):
            if reached >= 0:
                break
            setting.append((lever, at))
            reached += gain
        return workshop.place(setting)


def _mending(
    workshop: Workshop, narrow: Workshop, grid: _Grid, target: Target
) -> tuple[Mending, Floats]:
    """Say what mends one target, and give the place where it is met, or nearest to it."""
    present, margins = grid.present[target.id], grid.margins[target.id]
    edges = [
        (place, bad, good)
        for place, (line, margin) in enumerate(zip(grid.lines, margins, strict=True))
        for bad, good in brackets(line, margin, narrow.present(place))
    ]
    values = _closed_in(narrow, target, edges)
    nearest: dict[int, float] = {}
    for (place, _, _), value in zip(edges, values, strict=True):
        here = narrow.present(place)
        if place not in nearest or abs(value - here) < abs(nearest[place] - here):
            nearest[place] = float(value)
    alone = [workshop.remedy([target], [(place, value)]) for place, value in nearest.items()]
    alone.sort(key=lambda each: (bool(each.lost), each.moves[0].effort))
    if alone:
        best = alone[0].moves[0]
        at = narrow.place([(narrow.levers.index(best.lever), best.value)])
        return Mending(narrow.scenario.id, target, present, tuple(alone), None, None), at
    starts = [narrow.here, grid.stairs(narrow, target), grid.corner(narrow, [target])]
    found = _least_moves(narrow.evaluate([target]), starts, [0], narrow.here)
    setting = narrow.setting(found.place)
    if found.values[0] >= 0:
        remedy = workshop.remedy([target], setting)
        return Mending(narrow.scenario.id, target, present, (), remedy, None), found.place
    margin = float(found.values[0]) * scale_of(target)
    package = Package(narrow.moves(setting), margin) if margin > present else None
    return Mending(narrow.scenario.id, target, present, (), None, package), found.place


def _closed_in(
    workshop: Workshop, target: Target, edges: Sequence[tuple[int, float, float]]
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


def _least_moves(
    evaluate: Evaluate, starts: Sequence[Floats], floors: Sequence[int], here: Floats
) -> Found:
    weights = Weights(np.ones(len(here)))
    return cheapest(evaluate, starts, floors, here, weights, worth=WORTH)


# --- all at once ----------------------------------------------------------------------------------


def _joint(
    workshop: Workshop,
    narrow: Workshop,
    grid: _Grid,
    kept: Sequence[Target],
    single: Sequence[tuple[Mending, Floats]],
) -> Joint:
    """Mend as many targets as hold together: leave out the one furthest off until the others do.

    ``single`` says how each is mended by itself, and where.
    """
    here = narrow.here
    order = [each.target for each, _ in single]
    left = [
        Left(each.target, True, each.margin if each.nearest is None else each.nearest.margin)
        for each, _ in single
        if not each.alone and each.together is None
    ]
    ends = {each.target.id: place for each, place in single}
    mended = [each for each in order if each not in [one.target for one in left]]
    clashing: list[Target] = []
    found = Found(here, np.empty(0))
    while mended:
        wanted = [*mended, *kept]
        places = np.stack([ends[each.id] for each in mended])
        # Each lever as far as any one target asks.
        union = places[np.abs(places - here).argmax(axis=0), np.arange(len(here))]
        starts = [union, found.place if clashing else grid.corner(narrow, mended)]
        found = _least_moves(narrow.evaluate(wanted), starts, range(len(wanted)), here)
        if found.values.min() >= 0:
            break
        clashing.append(mended.pop(int(np.argmin(found.values[: len(mended)]))))
    for target in reversed(clashing) if mended else []:
        wanted = [*mended, *kept, target]
        weights = np.append(np.full(len(wanted) - 1, FIRST), 1.0)
        starts = [found.place, ends[target.id]]
        near = _least_moves(narrow.evaluate(wanted, weights), starts, range(len(wanted)), here)
        if near.values.min() >= 0:
            mended, found = [*mended, target], near
        else:
            left.append(Left(target, False, float(near.values[-1]) * scale_of(target)))
    if not mended:
        left += [Left(each, False, grid.present[each.id]) for each in clashing]
    return Joint(
        tuple(sorted(mended, key=order.index)),
        workshop.remedy(mended, workshop.setting(found.place)) if mended else None,
        tuple(sorted(left, key=lambda each: order.index(each.target))),
    )
