"""Ascent in a box of levers: to where the smallest of some parts is largest, others not below zero.

Two ways that know nothing of one another. A population of places (differential evolution after
Zhang and Sanderson 2009, with the rules of Deb 2000 for what must hold) finds the region, whatever
the corners, steps and hills on the way; linear programmes (`slp`) then go to the corner
where most levers stand at an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plansim.analysis.optimization.search_space import Evaluate, Found, Samples, sound
from plansim.analysis.optimization.slp import Maxima, descended
from plansim.targets.indicator import Floats

__all__ = ["ascend", "best_of", "evolve", "worths"]

SIZE = 256
"""Of the population."""
GENERATIONS = 400
ELITE = 0.1
"""The part of the population that the others move towards."""
ALIKE = 1e-6
"""It has settled where its better half differs by no more."""
STRETCH = 1.4
"""Places are drawn from a box so much wider and put back to its edge: many best levers stand
there."""
FIRST = 0.1
"""Reach of a climb at its beginning: a population has come near."""
MISSED = -1e6
"""Far below all that counts."""
PENALTY = 1e3


def worths(values: Floats, rows: Sequence[int], floors: Sequence[int]) -> Floats:
    """Give the smallest of ``rows`` where no part of ``floors`` is below zero: ``(run,)``.

    Elsewhere it is far below, the nearer to zero they are together the better.
    """
    short = np.minimum(values[:, list(floors)], 0.0).sum(axis=1)
    return np.asarray(np.where(short < 0, MISSED + short, values[:, list(rows)].min(axis=1)))


def best_of(
    samples: Samples, rows: Sequence[int], floors: Sequence[int], count: int = 1
) -> Samples:
    """Give the best places, best first."""
    order = np.argsort(-worths(samples.values, rows, floors), kind="stable")[:count]
    return Samples(samples.places[order], samples.values[order])


def evolve(
    evaluate: Evaluate,
    samples: Samples,
    rows: Sequence[int],
    floors: Sequence[int],
    *,
    size: int = SIZE,
    generations: int = GENERATIONS,
    seed: int = 0,
) -> Samples:
    """Let a population move to where the smallest of ``rows`` is largest; give it, best first.

    A quarter of it are the best of the samples, the others are drawn at random.
    """
    rng = np.random.default_rng(seed)
    levers = samples.places.shape[1]
    known = best_of(samples, rows, floors, size // 4)
    wide = STRETCH * (rng.random((size - len(known.places), levers)) - 0.5) + 0.5
    drawn = np.clip(wide, 0.0, 1.0)
    places = np.concatenate([known.places, drawn])
    values = np.concatenate([known.values, sound(evaluate(drawn))])
    worth = worths(values, rows, floors)
    for _ in range(generations):
        order = np.argsort(-worth)
        if worth[order[0]] - worth[order[size // 2]] < ALIKE:
            break
        elite = places[rng.choice(order[: max(2, int(ELITE * size))], size)]
        one, other = places[rng.integers(0, size, size)], places[rng.integers(0, size, size)]
        pace = rng.uniform(0.3, 0.9, (size, 1))
        mutants = np.clip(places + pace * (elite - places) + pace * (one - other), 0.0, 1.0)
        crossed = rng.random(places.shape) < rng.choice([0.1, 0.5, 0.9, 1.0], (size, 1))
        tried = np.where(crossed, mutants, places)
        found = sound(evaluate(tried))
        better = worths(found, rows, floors)
        wins = better >= worth
        places[wins], values[wins], worth[wins] = tried[wins], found[wins], better[wins]
    return best_of(Samples(places, values), rows, floors, size)


@dataclass(frozen=True)
class _Smallest:
    """The smallest of the rows is to be large, and what floors fall short by nothing."""

    rows: list[int]
    floors: list[int]

    def price(self, _: Floats, values: Floats) -> Floats:
        return np.asarray(-worths(values, self.rows, self.floors))

    def terms(self, here: Found, slopes: Floats) -> tuple[Maxima, Maxima]:
        rows, floors = self.rows, self.floors
        # What falls short costs more than any gain: a bad start is led to where all holds.
        penalties = np.full(len(floors), PENALTY)
        return (
            Maxima(-here.values[rows, None], -slopes[rows, None], np.ones(1), -np.inf),
            Maxima(-here.values[None, floors], -slopes[None, floors], penalties),
        )


def ascend(evaluate: Evaluate, start: Found, rows: Sequence[int], floors: Sequence[int]) -> Found:
    """Climb from a place by linear programmes; the result is never worse than the start."""
    return descended(evaluate, _Smallest(list(rows), list(floors)), start, first=FIRST)
