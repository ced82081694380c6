"""The searches of a frontier: the highest growth at which targets hold, alone and together.

Columns of a point are the scaled margins of all targets, and growth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
LEVEL_WEIGHT = 1000.0
"""Growth as a constraint counts in tenths of a point, so that it compares with scaled margins."""
BEYOND = 1 / 3
"""Share of the way to the highest growth of all that the front covers beyond the frontier."""
UNLIMITED = 1e-5
"""A target that holds so near to the highest growth of all does not limit it."""
JUST_MET = 1e-3
"""Scaled margins below this are just met."""
SAME_GROWTH = 1e-9
"""Maximum growth given up to leave a lever at its present value."""


@dataclass(frozen=True)
class FrontierSearch:
    """The searches of one frontier, by what was evaluated so far.

    Columns of a point are the scaled margins of all targets, and growth.
    """

    evaluate: Evaluate
    start: FloatArray
    """``(lever,)``: the positions where the levers are."""
    growth: int
    """The column of growth."""
    points: Points

    def with_points(self, points: Sequence[Point]) -> FrontierSearch:
        """Return the searches by further points."""
        return replace(self, points=self.points.with_points(points))

    def best(
        self,
        columns: Sequence[int],
        margins: Sequence[int] = (),
        *,
        climbs: int = 2,
        evolved: bool = False,
    ) -> Point:
        """Return where the smallest of some columns is largest while margins are not negative.

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

    def fastest(self) -> Point:
        """Return the point of the highest growth, whatever is broken."""
        return self.best([self.growth], climbs=LOCAL_SEARCHES)

    def alone(self, row: int, fastest: float) -> list[Point]:
        """Return the points of a target's largest margin, and of the highest growth while it holds.

        Only the first where the target does not limit growth, or never holds.
        """
        best = self.best([row])
        known = self.with_points([best])
        rates = known.points.values[known.points.values[:, row] >= 0, self.growth]
        if not len(rates) or rates.max() >= fastest - UNLIMITED:
            return [best]
        return [best, known.best([self.growth], [row], climbs=LOCAL_SEARCHES, evolved=True)]

    def hold_together(self, kept: list[int]) -> tuple[list[int], list[int], FrontierSearch]:
        """Leave out one target after the other, the worst, until the others hold together."""
        conflicting: list[int] = []
        search = self
        while kept:
            best = search.best(kept, evolved=True)
            search = search.with_points([best])
            if best.values[kept].min() >= 0:
                break
            worst = min(kept, key=lambda row: float(best.values[row]))
            kept = [row for row in kept if row != worst]
            conflicting.append(worst)
        return kept, conflicting, search

    def highest(self, kept: Sequence[int]) -> tuple[Point | None, list[Point], FrontierSearch]:
        """Return the point of the highest growth at which targets hold, None if there is none.

        And by each search from other random points, the best it ended at.
        """
        growth, ends = [self.growth], []
        for seed in range(SEARCHES if kept else 0):
            grown = evolve(self.evaluate, self.points, growth, kept, seed=seed)
            starts = list(best_of(grown, growth, kept, LOCAL_SEARCHES))
            ends.append(self._best_end(starts, growth, kept))
        search = self.with_points(ends)
        if (top := search._top(kept)) is None:
            return None, ends, search
        # What limits growth for all may, by itself, allow a little more.
        tight = [row for row in kept if top.values[row] < JUST_MET]
        further = [maximise(self.evaluate, top, growth, [row]) for row in tight]
        return self._settled(top, kept), ends, search.with_points(further)

    def _top(self, kept: Sequence[int]) -> Point | None:
        values = self.points.values
        good = self.points[np.asarray((values[:, list(kept)] >= 0).all(axis=1))]
        if not kept or not len(good):
            return None
        best = int(np.argmax(good.values[:, self.growth]))
        return Point(good.positions[best], good.values[best])

    def _settled(self, top: Point, kept: Sequence[int]) -> Point:
        """Put each lever back where it is if that costs no growth and breaks no target.

        Many levers do not affect growth, so that their positions after an evolution are arbitrary.
        """
        best = top
        for lever, own in enumerate(self.start):
            position = best.position.copy()
            position[lever] = own
            values = finite(self.evaluate(position[None]))[0]
            is_as_fast = values[self.growth] >= top.values[self.growth] - SAME_GROWTH
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
        first, fastest = float(slow.values[self.growth]), float(self.points.values[:, -1].max())
        last = fastest if top is None else float(top.values[self.growth])
        beyond = last + BEYOND * (fastest - last)
        rates: list[float] = []
        if beyond > first:
            rates += np.linspace(first, last, levels)[1:].tolist() if last > first else []
            rates += [beyond] if beyond > last else []
        policies: list[Point] = []
        for number, rate in enumerate(reversed(rates)):
            policies.append(self.with_points(policies)._best_at(kept, rate))
            tell(number + 1)
        front: list[Point] = []
        for point in [*policies, slow]:
            if not front or point.values[-1] < front[-1].values[-1] - LEVEL_STEP:
                front.append(point)
        return front[::-1]

    def _best_at(self, kept: Sequence[int], rate: float) -> Point:
        """Return the policy with at least some growth whose smallest margin is largest."""

        def with_surplus(values: FloatArray) -> FloatArray:
            return np.column_stack([values, (values[:, self.growth] - rate) * LEVEL_WEIGHT])

        other = replace(
            self,
            evaluate=lambda positions: with_surplus(self.evaluate(positions)),
            points=replace(self.points, values=with_surplus(self.points.values)),
        )
        best = other.best(kept, [self.growth + 1], evolved=True)
        return Point(best.position, best.values[:-1])
