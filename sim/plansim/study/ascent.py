"""Ascent in a box of levers: to where the smallest of some parts is largest, others not below zero.

Two ways that know nothing of one another. A population of places (differential evolution after
Zhang and Sanderson 2009, with the rules of Deb 2000 for what must hold) finds the region, whatever
the corners, steps and hills on the way; a linear programme about one place, in a box no wider than
it was right in (after Griffith and Stewart 1961), then goes to the corner where most levers stand
at an end. SLSQP, which `search` climbs with, stops short at such corners: on the shipped model it
ended a tenth of a point of growth lower, and elsewhere for each start.

Levers are counted from 0 to 1, as in `search`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from plansim.plan.measure import Floats
from plansim.study.search import BROKEN, STEP, Evaluate, Found, Samples

__all__ = ["ascend", "best_of", "evolve", "slopes_at", "sound", "worths"]

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
MOST_STEPS = 60
WIDTH = 0.1
"""Of the first box of a linear programme, as a part of each lever's range."""
WIDTHS = (4.0, 1.0, 0.25, 0.06, 0.015)
"""Tried at once, as multiples of the last that was right."""
PARTS = (1.0, 0.98, 0.9)
"""Of the way to where the linear programme says: all of it may be a hair too far."""
GAIN = 1e-9
MISSED = -1e6
"""Far below all that counts."""
PENALTY = 1e3


def sound(values: Floats) -> Floats:
    """Put `BROKEN` in place of what is no number."""
    return np.asarray(np.where(np.isfinite(values), values, BROKEN))


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


def slopes_at(evaluate: Evaluate, place: Floats) -> Floats:
    """Give the slopes of all parts at a place, ``(part, lever)``, by central differences."""
    count = len(place)
    up = np.minimum(place + STEP * np.eye(count), 1.0)
    down = np.maximum(place - STEP * np.eye(count), 0.0)
    values = sound(evaluate(np.concatenate([up, down])))
    width = np.diagonal(up - down)[:, None]
    return np.asarray(((values[:count] - values[count:]) / width).T)


def ascend(
    evaluate: Evaluate,
    start: Found,
    rows: Sequence[int],
    floors: Sequence[int],
    *,
    steps: int = MOST_STEPS,
) -> Found:
    """Climb from a place by linear programmes; the result is never worse than the start."""
    rows, floors = list(rows), list(floors)
    here, width = start, WIDTH
    worth = float(worths(here.values[None], rows, floors)[0])
    for _ in range(steps):
        slopes = slopes_at(evaluate, here.place)
        widths = np.minimum(width * np.array(WIDTHS), 1.0)
        moves = [_planned(here, slopes, rows, floors, each) for each in widths]
        tried = np.clip(
            [here.place + part * move for move in moves for part in PARTS], 0.0, 1.0
        )  # fmt: skip
        values = sound(evaluate(tried))
        found = worths(values, rows, floors)
        best = int(np.argmax(found))
        if found[best] <= worth + GAIN:
            break
        width = float(widths[best // len(PARTS)])
        here, worth = Found(tried[best], values[best]), float(found[best])
    return here


def _planned(
    here: Found, slopes: Floats, rows: list[int], floors: list[int], width: float
) -> Floats:
    """Give the move within a box that is best where all parts are straight.

    Unknown are the moves, the smallest of the rows, and what each floor falls short by, which costs
    more than any gain: a start at which not all hold is led to where they do.
    """
    count, kept = len(here.place), len(floors)
    aims = np.concatenate([np.zeros(count), [-1.0], np.full(kept, PENALTY)])
    above = np.hstack([-slopes[rows], np.ones((len(rows), 1)), np.zeros((len(rows), kept))])
    holds = np.hstack([-slopes[floors], np.zeros((kept, 1)), -np.eye(kept)])
    low = np.maximum(-width, -here.place)
    high = np.minimum(width, 1.0 - here.place)
    bounds = [*zip(low, high, strict=True), (None, None), *[(0.0, None)] * kept]
    found = linprog(
        aims,
        A_ub=np.vstack([above, holds]),
        b_ub=np.concatenate([here.values[rows], here.values[floors]]),
        bounds=bounds,
        method="highs",
    )
    return np.zeros(count) if found.x is None else np.asarray(found.x[:count])
