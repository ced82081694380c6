"""The searches of a frontier: the highest growth at which targets hold, alone and together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from plansim.analysis.optimization.evolution import Points, best_of, evolve, fitness
from plansim.analysis.optimization.slp import Evaluate, Point, finite, maximise
from plansim.scenario.factors import FloatArray

__all__ = ["JUST_MET", "FrontierSearch"]

SEARCHES = 2
"""Number of populations, each from other random points, for the highest growth; if they agree,
it is likely the global maximum."""
LOCAL_SEARCHES = 3
"""Number of local searches from the best points of each population."""
POPULATION, GENERATIONS = 96, 120
"""Sizes of the evolutions other than those for the highest growth."""
LEVEL_STEP = 5e-4
"""Minimum difference in growth of two policies on the front: where margins do not depend on growth,
many levels lead to one policy."""
MARGIN_STEP = 1e-6
"""The same in the smallest scaled margin, which searches settle to within this."""
BEYOND = 1 / 3
"""Share of the way to the highest growth of all that the front covers beyond the frontier."""
JUST_MET = 1e-3
"""Scaled margins below this are just met."""


class FrontierSearch:
    """The searches of one frontier; each begins from what those before it have found.

    Columns of a point are the scaled margins of all targets, and growth.
    """

    def __init__(self, evaluate: Evaluate, start: FloatArray, growth: int, points: Points) -> None:
        """Begin with points; ``start``, ``(lever,)``, is where the levers are.

        ``growth`` is the column of growth.
        """
        self.evaluate, self.start, self.growth, self.points = evaluate, start, growth, points

    def best(
        self,
        columns: Sequence[int],
        margins: Sequence[int] = (),
        *,
        climbs: int = 2,
        evolved: bool = False,
    ) -> Point:
        """Find where the smallest of some columns is largest while margins are not negative.

        The best end of local searches from the best points, and from as many evolved ones.
        """
        starts = list(best_of(self.points, columns, margins, climbs))
        if evolved:
            sizes = {"population": POPULATION, "generations": GENERATIONS}
            grown = evolve(self.evaluate, self.points, columns, margins, **sizes)
            starts += best_of(grown, columns, margins, climbs)
        return self._best_end(starts, columns, margins)

    def _best_end(
        self, starts: Sequence[Point], columns: Sequence[int], margins: Sequence[int]
    ) -> Point:
        ends = [maximise(self.evaluate, start, columns, margins) for start in starts]
        fit = fitness(np.stack([end.values for end in ends]), columns, margins)
        return ends[int(np.argmax(fit))]

    def add(self, *points: Point) -> None:
        """Let later searches begin from these points too."""
        self.points = self.points.with_points(points)

    def fastest(self) -> float:
        """Find the highest growth, whatever is broken."""
        self.add(best := self.best([self.growth], climbs=LOCAL_SEARCHES))
        return float(best.values[self.growth])

    def alone(self, row: int, fastest: float) -> None:
        """Find a target's largest margin, and the highest growth while it holds.

        Only the first where the target does not limit growth, or never holds.
        """
        self.add(self.best([row]))
        rates = self.points.values[self.points.values[:, row] >= 0, self.growth]
        if len(rates) and rates.max() < fastest - 1e-5:
            self.add(self.best([self.growth], [row], climbs=LOCAL_SEARCHES, evolved=True))

    def hold_together(self, kept: list[int]) -> tuple[list[int], list[int]]:
        """Leave out one target after the other, the worst, until the others hold together."""
        conflicting: list[int] = []
        while kept:
            self.add(best := self.best(kept, evolved=True))
            if best.values[kept].min() >= 0:
                break
            conflicting.append(min(kept, key=lambda row: float(best.values[row])))
            kept = [row for row in kept if row != conflicting[-1]]
        return kept, conflicting

    def highest(self, kept: Sequence[int]) -> tuple[Point | None, list[Point]]:
        """Return the point of the highest growth at which targets hold, None if there is none.

        And by each search from other random points, the best it ended at.
        """
        growth, ends = [self.growth], []
        for seed in range(SEARCHES if kept else 0):
            grown = evolve(self.evaluate, self.points, growth, kept, seed=seed)
            starts = list(best_of(grown, growth, kept, LOCAL_SEARCHES))
            ends.append(self._best_end(starts, growth, kept))
        self.add(*ends)
        good = self.points[np.asarray((self.points.values[:, list(kept)] >= 0).all(axis=1))]
        if not kept or not len(good):
            return None, ends
        (top,) = best_of(good, growth, [], 1)
        # What limits growth for all may, by itself, allow a little more.
        tight = [row for row in kept if top.values[row] < JUST_MET]
        self.add(*(maximise(self.evaluate, top, growth, [row]) for row in tight))
        return self._settled(top, kept), ends

    def _settled(self, top: Point, kept: Sequence[int]) -> Point:
        """Put each lever back where it is if that costs no growth and breaks no target.

        Many levers do not affect growth, so that their positions after an evolution are arbitrary.
        """
        best = top
        for lever, own in enumerate(self.start):
            position = best.position.copy()
            position[lever] = own
            values = finite(self.evaluate(position[None]))[0]
            is_as_fast = values[self.growth] >= top.values[self.growth] - 1e-9
            if is_as_fast and (values[list(kept)] >= 0).all():
                best = Point(position, values)
        return best

    def front(
        self,
        kept: Sequence[int],
        top: Point | None,
        levels: int,
        tell: Callable[[int], None],
    ) -> list[Point]:
        """Return the policies whose smallest margin is largest, at rates of growth, rising.

        Searched from above: a policy with more growth is one with at least so much, so that margins
        cannot rise with growth.
        """
        if not kept:
            return []
        slow = self.best(kept, evolved=True)
        rates = self.points.values[:, self.growth]
        first, fastest = float(slow.values[self.growth]), float(rates.max())
        last = fastest if top is None else float(top.values[self.growth])
        beyond = last + BEYOND * (fastest - last)
        wanted = np.unique([*np.linspace(first, last, levels)[1:], beyond])
        front: list[Point] = []
        for number, rate in enumerate(wanted[wanted > first][::-1].tolist(), start=1):
            front.append(self._best_at(kept, rate))
            self.add(front[-1])
            tell(number)
        apart: list[Point] = []
        growth, margin = math.inf, -math.inf
        for point in [*front, slow]:
            # One that grows less has to have more margin: else another is better in both.
            least = float(point.values[list(kept)].min())
            if point.values[-1] < growth - LEVEL_STEP and least > margin + MARGIN_STEP:
                apart.append(point)
                growth, margin = float(point.values[-1]), least
        return apart[::-1]

    def _best_at(self, kept: Sequence[int], rate: float) -> Point:
        """Find the policy with at least some growth whose smallest margin is largest."""

        def with_surplus(values: FloatArray) -> FloatArray:
            # In tenths of a point, so that growth compares with scaled margins.
            return np.column_stack([values, (values[:, self.growth] - rate) * 1000.0])

        search = FrontierSearch(
            lambda positions: with_surplus(self.evaluate(positions)),
            self.start,
            self.growth,
            Points(self.points.positions, with_surplus(self.points.values)),
        )
        best = search.best(kept, [self.growth + 1], evolved=True)
        return Point(best.position, best.values[:-1])
