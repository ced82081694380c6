"""The searches of a frontier: the highest growth at which targets hold, alone and together.

Columns of a point are the scaled margins of all targets, and growth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from plansim.analysis.optimization.evolution import Points, best_of, evolve, fitness
from plansim.analysis.optimization.problem import DecisionProblem
from plansim.analysis.optimization.slp import Evaluate, Point, finite, maximise
from plansim.scenario.factors import FloatArray

__all__ = [
    "LOCAL_SEARCHES",
    "alone_points",
    "highest_growth",
    "hold_together",
    "pareto_front",
    "search",
    "settle",
    "top_of",
]

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
SAME_GROWTH = 1e-9
"""Maximum growth given up to leave a lever at its present value."""


def search(
    evaluate: Evaluate,
    points: Points,
    columns: Sequence[int],
    margins: Sequence[int],
    climbs: int,
    *,
    evolved: bool = False,
) -> Point:
    """Return the best result of local searches from the best points and from evolved ones."""
    starts = list(best_of(points, columns, margins, climbs))
    if evolved:
        grown = evolve(
            evaluate, points, columns, margins, population=POPULATION, generations=GENERATIONS
        )
        starts += best_of(grown, columns, margins, climbs)
    return _best_end(evaluate, starts, columns, margins)


def _best_end(
    evaluate: Evaluate, starts: Sequence[Point], columns: Sequence[int], margins: Sequence[int]
) -> Point:
    ends = [maximise(evaluate, start, columns, margins) for start in starts]
    fit = fitness(np.stack([end.values for end in ends]), columns, margins)
    return ends[int(np.argmax(fit))]


def alone_points(problem: DecisionProblem, points: Points, row: int, fastest: float) -> list[Point]:
    """Return the points of a target's largest margin, and of the highest growth while it holds."""
    growth = len(problem.targets)
    best = search(problem.evaluate, points, [row], [], 2)
    known = points.with_points([best])
    rates = known.values[known.values[:, row] >= 0, growth]
    if not len(rates) or rates.max() >= fastest - UNLIMITED:
        return [best]
    return [best, search(problem.evaluate, known, [growth], [row], LOCAL_SEARCHES, evolved=True)]


def hold_together(
    problem: DecisionProblem, points: Points, kept: list[int]
) -> tuple[list[int], list[int], Points]:
    """Leave out one target after the other, the worst, until the others hold together."""
    conflicting: list[int] = []
    while kept:
        best = search(problem.evaluate, points, kept, [], 2, evolved=True)
        points = points.with_points([best])
        if best.values[kept].min() >= 0:
            break
        worst = min(kept, key=lambda row: float(best.values[row]))
        kept = [row for row in kept if row != worst]
        conflicting.append(worst)
    return kept, conflicting, points


def highest_growth(problem: DecisionProblem, points: Points, kept: Sequence[int]) -> list[Point]:
    """Return the highest growth at which targets hold: by each search, the best it ended at."""
    growth = [len(problem.targets)]
    ends = []
    for seed in range(SEARCHES):
        grown = evolve(problem.evaluate, points, growth, kept, seed=seed)
        starts = list(best_of(grown, growth, kept, LOCAL_SEARCHES))
        ends.append(_best_end(problem.evaluate, starts, growth, kept))
    return ends


def top_of(points: Points, kept: Sequence[int]) -> Point | None:
    """Return the point of the highest growth at which targets hold."""
    good = points[np.asarray((points.values[:, list(kept)] >= 0).all(axis=1))]
    if not kept or not len(good):
        return None
    best = int(np.argmax(good.values[:, -1]))
    return Point(good.positions[best], good.values[best])


def settle(problem: DecisionProblem, top: Point, kept: Sequence[int]) -> Point:
    """Put each lever back where it is if that costs no growth and breaks no target.

    Many levers do not affect growth, so that their positions after an evolution are arbitrary.
    """
    rows, start = list(kept), problem.start
    best = top
    for lever in range(len(start)):
        position = best.position.copy()
        position[lever] = start[lever]
        values = finite(problem.evaluate(position[None]))[0]
        if (values[rows] >= 0).all() and values[-1] >= top.values[-1] - SAME_GROWTH:
            best = Point(position, values)
    return best


def pareto_front(
    problem: DecisionProblem,
    points: Points,
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
    growth = len(problem.targets)
    slow = search(problem.evaluate, points, kept, [], 2, evolved=True)
    first, fastest = float(slow.values[growth]), float(points.values[:, growth].max())
    last = fastest if top is None else float(top.values[growth])
    beyond = last + BEYOND * (fastest - last)
    rates: list[float] = []
    if beyond > first:
        rates += np.linspace(first, last, levels)[1:].tolist() if last > first else []
        rates += [beyond] if beyond > last else []
    policies: list[Point] = []
    for number, rate in enumerate(reversed(rates)):
        policies.append(_best_at(problem, points.with_points(policies), kept, rate))
        tell(number + 1)
    front: list[Point] = []
    for point in [*policies, slow]:
        if not front or point.values[growth] < front[-1].values[growth] - LEVEL_STEP:
            front.append(point)
    return front[::-1]


def _best_at(problem: DecisionProblem, points: Points, kept: Sequence[int], rate: float) -> Point:
    """Return the policy with at least some growth whose smallest margin is largest."""
    growth = len(problem.targets)

    def with_surplus(values: FloatArray) -> FloatArray:
        return np.column_stack([values, (values[:, growth] - rate) * LEVEL_WEIGHT])

    def evaluate(positions: FloatArray) -> FloatArray:
        return with_surplus(problem.evaluate(positions))

    known = Points(points.positions, with_surplus(points.values))
    best = search(evaluate, known, kept, [growth + 1], 2, evolved=True)
    return Point(best.position, best.values[:-1])
