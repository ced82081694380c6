"""Search over a box of levers: the cheapest place where all margins hold, or the best margins.

Levers are counted from 0 to 1 across their ranges. The box is looked over by a Sobol sequence of
many runs at once, so that a region that meets the margins is found wherever it lies; from the best
of its points SLSQP climbs (Kraft 1988), with slopes from central differences that are runs of one
batch. Models have corners; where SLSQP stops short of one, what is kept is the best that was seen.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.stats import qmc

from plansim.plan.measure import Floats

__all__ = ["POINTS", "Evaluate", "Found", "Samples", "best_worst", "cheapest", "look_over"]

Evaluate: TypeAlias = Callable[[Floats], Floats]
"""From places ``(run, lever)`` to what counts there, ``(run, part)``; NaN where a run is broken."""

POINTS = 4096
"""Of the sequence that a box is looked over with."""
STEP = 1e-4
"""Of the differences that slopes are taken from, as a part of a lever's range."""
STARTS = 6
MOST_STEPS = 40
MOST_LOOKS = 60
"""Places that one climb may look at; at a corner it would step to and fro for ever."""
CLOSE = 1e-9
BROKEN = -1e3
"""Stands for the margin of a run that broke down: far below all others, which are scaled."""


@dataclass(frozen=True)
class Samples:
    """Places that were looked at, ``(point, lever)``, and what was found, ``(point, part)``."""

    places: Floats
    values: Floats


@dataclass(frozen=True)
class Found:
    """A place of the box, and what counts there."""

    place: Floats
    values: Floats


def look_over(
    evaluate: Evaluate,
    levers: int,
    *,
    points: int = POINTS,
    seed: int = 0,
    more: Floats | None = None,
) -> Samples:
    """Look over the whole box, its middle, and ``more`` places."""
    if levers:
        rng = np.random.default_rng(seed)
        sequence = qmc.Sobol(levers, scramble=True, rng=rng)
        drawn = sequence.random_base2(math.ceil(math.log2(points)))
    else:
        drawn = np.empty((1, 0))
    parts = [np.full((1, levers), 0.5), drawn, *([] if more is None else [more])]
    places = np.concatenate(parts)
    return Samples(places, _sound(evaluate(places)))


def _sound(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, BROKEN)


class _EnoughError(Exception):
    """A climb has looked at as many places as it may."""


class _Surface:
    """Values and slopes at a place, by one batch of runs, kept until another place is asked for."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._at: Floats | None = None
        self.best: list[Found] = []

    def __call__(self, place: Floats) -> tuple[Floats, Floats]:
        place = np.clip(np.asarray(place, np.float64), 0.0, 1.0)
        if self._at is None or not np.array_equal(place, self._at):
            if len(self.best) >= MOST_LOOKS:
                raise _EnoughError
            count = len(place)
            up = np.minimum(place + STEP * np.eye(count), 1.0)
            down = np.maximum(place - STEP * np.eye(count), 0.0)
            values = _sound(self._evaluate(np.concatenate([place[None], up, down])))
            self._at, self._values = place, values[0]
            width = np.diagonal(up - down)[:, None]
            self._slopes = (values[1 : count + 1] - values[count + 1 :]) / width
            self.best.append(Found(place, values[0]))
        return self._values, self._slopes.T


def _slsqp(function: Any, start: Floats, bounds: Any, constraints: Any) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"), suppress(_EnoughError):
        warnings.simplefilter("ignore")  # of steps a hair's breadth outside the box
        minimize(
            function,
            start,
            jac=True,
            bounds=bounds,
            constraints=constraints,
            method="SLSQP",
            options={"maxiter": MOST_STEPS, "ftol": 1e-9},
        )


def best_worst(
    evaluate: Evaluate,
    samples: Samples,
    rows: Sequence[int],
    floors: Sequence[int] = (),
    *,
    starts: int = STARTS,
) -> Found:
    """Find where the smallest of the parts ``rows`` is largest, with no part of ``floors`` < 0.

    The result is never worse than the best of the samples; if none of them has the floors, nor
    anything that was seen on the way, the one that comes nearest to having them is given.
    """
    rows, floors = list(rows), list(floors)

    def worth(values: Floats) -> Floats:
        floor = values[:, floors].min(axis=1) if floors else np.zeros(len(values))
        worst = values[:, rows].min(axis=1) if rows else np.zeros(len(values))
        return np.where(floor >= -CLOSE, worst, 2 * BROKEN + np.minimum(floor, 0.0))

    order = np.argsort(-worth(samples.values), kind="stable")
    seen = [Found(samples.places[place], samples.values[place]) for place in order[:1]]
    if samples.places.shape[1] and rows:
        for start in _apart(samples.places[order], starts):
            surface = _Surface(evaluate)
            values, _ = surface(start)
            count = len(start)

            def risen(x: Floats, count: int = count) -> tuple[float, Floats]:
                return -float(x[-1]), np.append(np.zeros(count), -1.0)

            def above(x: Floats, surface: _Surface = surface) -> Floats:
                values, _ = surface(x[:-1])
                return np.concatenate([values[rows] - x[-1], values[floors]])

            def slopes(x: Floats, surface: _Surface = surface) -> Floats:
                _, found = surface(x[:-1])
                level = np.append(-np.ones(len(rows)), np.zeros(len(floors)))
                return np.column_stack([found[[*rows, *floors]], level])

            _slsqp(
                risen,
                np.append(start, values[rows].min()),
                [(0.0, 1.0)] * count + [(None, None)],
                {"type": "ineq", "fun": above, "jac": slopes},
            )
            seen += surface.best
    return seen[int(np.argmax(worth(np.stack([each.values for each in seen]))))]


def cheapest(
    evaluate: Evaluate,
    samples: Samples,
    floors: Sequence[int],
    present: Floats,
    weights: Floats | None,
    cost: int | None = None,
    *,
    starts: int = STARTS,
) -> Found | None:
    """Find the cheapest place where no part of ``floors`` is below zero; None if none is seen.

    The cost is ``weights`` times how far each lever is from ``present``, or the part ``cost``.
    """
    floors = list(floors)

    def price(places: Floats, values: Floats) -> Floats:
        if weights is not None:
            return np.asarray(np.abs(places - present) @ weights)
        assert cost is not None
        return values[:, cost]

    def good(values: Floats) -> Any:
        return (values[:, floors] >= 0).all(axis=1)

    fine = good(samples.values)
    if not fine.any():
        return None
    places, values = samples.places[fine], samples.values[fine]
    places, values = _drawn_in(evaluate, places, values, price, good, present)
    order = np.argsort(price(places, values), kind="stable")
    seen = [Found(places[place], values[place]) for place in order[:starts]]
    for start in _apart(places[order], starts):
        surface = _Surface(evaluate)
        if weights is None:
            assert cost is not None
            _descend_part(surface, start, floors, cost)
        else:
            _descend_moves(surface, start, floors, present, weights)
        seen += surface.best
        last = surface.best[-1]
        seen.append(_onto(evaluate, start, last.place, good))
    kept = [each for each in seen if good(each.values[None])[0]]
    prices = price(np.stack([e.place for e in kept]), np.stack([e.values for e in kept]))
    best = kept[int(np.argmin(prices))]
    return best if weights is None else _trimmed(evaluate, best, price, good, present)


def _descend_part(surface: _Surface, start: Floats, floors: list[int], cost: int) -> None:
    def priced(x: Floats) -> tuple[float, Floats]:
        values, slopes = surface(x)
        return float(values[cost]), slopes[cost].copy()  # SLSQP writes into what it is given

    _slsqp(
        priced,
        start,
        [(0.0, 1.0)] * len(start),
        {"type": "ineq", "fun": lambda x: surface(x)[0][floors],
         "jac": lambda x: surface(x)[1][floors]},
    )  # fmt: skip


def _descend_moves(
    surface: _Surface, start: Floats, floors: list[int], present: Floats, weights: Floats
) -> None:
    """Descend a cost that has a corner at the present: moves up and down are counted apart."""
    count = len(start)

    def place(x: Floats) -> Floats:
        return np.asarray(present + x[:count] - x[count:])

    both = np.concatenate([weights, weights])
    move = start - present
    _slsqp(
        lambda x: (float(both @ x), both.copy()),  # SLSQP writes into what it is given
        np.concatenate([np.maximum(move, 0), np.maximum(-move, 0)]),
        [(0.0, float(1 - each)) for each in present] + [(0.0, float(each)) for each in present],
        {
            "type": "ineq",
            "fun": lambda x: surface(place(x))[0][floors],
            "jac": lambda x: np.hstack([surface(place(x))[1][floors],
                                        -surface(place(x))[1][floors]]),
        },
    )  # fmt: skip


def _drawn_in(
    evaluate: Evaluate, places: Floats, values: Floats, price: Any, good: Any, present: Floats
) -> tuple[Floats, Floats]:
    """Draw the cheapest good places towards the present for as long as they stay good."""
    order = np.argsort(price(places, values), kind="stable")[:64]
    far, near, kept = places[order], np.broadcast_to(present, places[order].shape), values[order]
    for _ in range(30):
        middle = (far + near) / 2
        found = _sound(evaluate(middle))
        fine = good(found)[:, None]
        kept = np.where(fine, found, kept)
        far, near = np.where(fine, middle, far), np.where(fine, near, middle)
    return np.concatenate([places[order], far]), np.concatenate([values[order], kept])


def _onto(evaluate: Evaluate, good_place: Floats, wished: Floats, good: Any) -> Found:
    """Give the place nearest to a wished one, on the way from a good one, that is good."""
    low, high = 0.0, 1.0
    best = good_place
    values = _sound(evaluate(np.stack([good_place, wished])))
    if good(values[1:])[0]:
        return Found(wished, values[1])
    kept = values[0]
    for _ in range(40):
        middle = (low + high) / 2
        place = good_place + middle * (wished - good_place)
        found = _sound(evaluate(place[None]))
        if good(found)[0]:
            low, best, kept = middle, place, found[0]
        else:
            high = middle
    return Found(best, kept)


def _trimmed(evaluate: Evaluate, found: Found, price: Any, good: Any, present: Floats) -> Found:
    """Take back each lever as far towards the present as all stays good and it gets cheaper."""
    best = found
    for _ in range(2):
        for lever in range(len(present)):
            shares = np.linspace(0.0, 1.0, 65)
            for _ in range(4):
                tried = np.repeat(best.place[None], len(shares), axis=0)
                tried[:, lever] += shares * (present[lever] - best.place[lever])
                values = _sound(evaluate(tried))
                prices = np.where(good(values), price(tried, values), np.inf)
                place = int(np.argmin(prices))
                if prices[place] < price(best.place[None], best.values[None])[0]:
                    best = Found(tried[place], values[place])
                shares = np.linspace(0.0, 1.0 / 64, 65)
    return best


def _apart(places: Floats, count: int) -> list[Floats]:
    """Give the first places that are not close to one another."""
    chosen: list[Floats] = []
    for place in places[:512]:
        if len(chosen) >= count:
            break
        if all(np.abs(place - each).max() > 0.1 for each in chosen):
            chosen.append(place)
    return chosen or [places[0]]
