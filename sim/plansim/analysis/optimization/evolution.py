"""Search over the whole search space: a Sobol sequence, and differential evolution.

The objective may have steps and several local optima. The result is refined by the local solver
(`slp`), which reaches the vertices at which most levers are at an end of their range.
That scipy's differential evolution ends at a local optimum more often is in docs/decisions/0014.
Infeasible points, those with negative margins, are ranked by the rule of Deb (2000): below all
feasible ones, by the sum of what their margins fall short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plansim.analysis.optimization.slp import Evaluate, Point, finite
from plansim.scenario.factors import FloatArray

__all__ = ["SAMPLES", "Points", "best_of", "evolve", "fitness", "sample"]

SAMPLES = 4096
"""Points of the Sobol sequence."""
POPULATION, GENERATIONS = 256, 400
INFEASIBLE = -1e6
"""Fitness where a margin is negative, less what margins are short by."""


@dataclass(frozen=True)
class Points:
    """Points of the search space that were evaluated."""

    positions: FloatArray
    """``(point, lever)``"""
    values: FloatArray
    """``(point, column)``"""

    def __iter__(self) -> Iterator[Point]:
        return (Point(*pair) for pair in zip(self.positions, self.values, strict=True))

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Points:
        return Points(self.positions[rows], self.values[rows])

    def with_points(self, points: Iterable[Point]) -> Points:
        """Return these points and others."""
        more = list(points)
        return Points(
            np.vstack([self.positions, *(point.position for point in more)]),
            np.vstack([self.values, *(point.values for point in more)]),
        )


def sample(evaluate: Evaluate, levers: int, more: FloatArray, *, samples: int = SAMPLES) -> Points:
    """Evaluate the middle of the search space, a Sobol sequence, and ``more`` positions."""
    from scipy.stats import qmc  # slow to load

    sequence = qmc.Sobol(levers, scramble=True, rng=np.random.default_rng(0))
    drawn = sequence.random_base2(math.ceil(math.log2(samples)))
    positions = np.concatenate([np.full((1, levers), 0.5), drawn, more])
    return Points(positions, finite(evaluate(positions)))


def fitness(values: FloatArray, columns: Sequence[int], margins: Sequence[int]) -> FloatArray:
    """Return the smallest of ``columns`` where no margin is negative: ``(run,)``.

    Elsewhere it is below `INFEASIBLE` by the sum of what margins fall short.
    """
    short = np.minimum(values[:, list(margins)], 0.0).sum(axis=1)
    smallest = values[:, list(columns)].min(axis=1)
    return np.asarray(np.where(short < 0, INFEASIBLE + short, smallest))


def best_of(points: Points, columns: Sequence[int], margins: Sequence[int], count: int) -> Points:
    """Return the points of the highest fitness, the best first."""
    order = np.argsort(-fitness(points.values, columns, margins), kind="stable")
    return points[order[:count]]


def evolve(
    evaluate: Evaluate,
    points: Points,
    columns: Sequence[int],
    margins: Sequence[int],
    *,
    population: int = POPULATION,
    generations: int = GENERATIONS,
    seed: int = 0,
) -> Points:
    """Evolve a population towards the highest fitness; return it, the best first.

    A quarter of it are the best of ``points``, the others are drawn at random. Each member is
    tried against a mixture of itself with a mutant, which lies on the way to one of the best
    members (current-to-pbest of Zhang and Sanderson 2009).
    """
    rng = np.random.default_rng(seed)
    levers = points.positions.shape[1]
    known = best_of(points, columns, margins, population // 4)
    # From a wider space, since the best positions of many levers are at an end of their range.
    uniform = rng.random((population - len(known), levers))
    drawn = np.clip(1.4 * (uniform - 0.5) + 0.5, 0.0, 1.0)
    positions = np.concatenate([known.positions, drawn])
    values = np.concatenate([known.values, finite(evaluate(drawn))])
    fit = fitness(values, columns, margins)
    for _ in range(generations):
        order = np.argsort(-fit)
        if fit[order[0]] - fit[order[population // 2]] < 1e-6:  # the better half has settled
            break
        best = positions[rng.choice(order[: max(2, int(0.1 * population))], population)]
        first, second = (positions[rng.integers(0, population, population)] for _ in range(2))
        weight = rng.uniform(0.3, 0.9, (population, 1))
        mutants = positions + weight * (best - positions) + weight * (first - second)
        share = rng.choice((0.1, 0.5, 0.9, 1.0), (population, 1))  # of the mutant's levers
        taken = rng.random(positions.shape) < share
        trials = np.where(taken, np.clip(mutants, 0.0, 1.0), positions)
        trial_values = finite(evaluate(trials))
        trial_fit = fitness(trial_values, columns, margins)
        wins = trial_fit >= fit
        positions[wins], values[wins], fit[wins] = trials[wins], trial_values[wins], trial_fit[wins]
    return best_of(Points(positions, values), columns, margins, population)
