"""The least moves of many levers that keep margins above zero, by a sequence of linear programs.

Levers are counted from 0 to 1 across their ranges, as in `study.search`. What a move costs has a
corner where the lever stands, so that the cheapest setting moves few levers and leaves the others
alone. A linear program finds such corners exactly where a climb along slopes stops beside them, and
with dozens of levers: margins are taken as straight within a step that shrinks where they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from plansim.plan.measure import Floats
from plansim.study.search import BROKEN, Evaluate, Found

__all__ = ["least_moves"]

Flags: TypeAlias = npt.NDArray[np.bool_]

PENALTY = 1e6
"""For each whole target by which a margin falls short, against 1 for the whole range of a lever."""
FIRST, LEAST = 0.25, 1e-4
"""Steps at the beginning and at the end, as parts of a range."""
WIDEST = 0.05
"""Of the differences that slopes are taken from: a year that something begins acts by whole steps
of the clock, and has no slope closer by."""
FINE = 0.02
"""From steps of this size on, levers that act by jumps are left where they are."""
MOST_STEPS = 60
CLEAR = (1e-6, 1e-4, 1e-3)
"""A margin is held this far above zero, in targets; further where a descent ends just below."""
PARTS = (1.0, 0.5, 0.25, 0.1)
"""Of a step, that are tried at once."""
SURE = 0.05
"""Of a step, counted as a cost: what it must gain, or it is planned again."""
SLIGHT = (0.2, 0.1, 0.05)
"""A lever that is moved by less of its range is left alone, if that makes the whole
`WORTH` dearer at most."""
WORTH = 0.02
NEAR = 1e-2
"""What is just below, in targets."""


def least_moves(
    evaluate: Evaluate,
    starts: Sequence[Floats],
    floors: Sequence[int],
    present: Floats,
) -> Found:
    """Find the places nearest to ``present``, by the sum of all moves, with no floor below zero.

    Where none is found, the place is given that falls short by least, all floors added up; the
    caller sees by its values which it is.

    Args:
        evaluate: from places ``(run, lever)`` to margins ``(run, part)``, in parts of a target.
        starts: places that it is descended from; the best end counts.
        floors: the parts that must not be negative.
        present: ``(lever,)``, where moving costs nothing.
    """
    free = np.ones(len(present), dtype=bool)
    found = [Found(np.clip(each, 0.0, 1.0), np.empty(0)) for each in starts]
    for clear in CLEAR:
        slope = _Slope(evaluate, tuple(floors), present, clear)
        found = [_descended(slope, each.place, free) for each in found]
        best = min(found, key=slope.price_of)
        if best.values[list(floors)].min() <= -NEAR:
            break
        best = _fewer(slope, best)
        if best.values[list(floors)].min() >= 0:
            break
        found = [best]
    return best


def _fewer(slope: _Slope, found: Found) -> Found:
    """Leave levers alone that are hardly moved: a mix of few is worth a little more."""
    for slight in SLIGHT:
        moves = np.abs(found.place - slope.present)
        kept = moves > slight
        if kept.all() or not (moves[~kept] > 0).any():
            continue
        other = _descended(slope, np.where(kept, found.place, slope.present), kept)
        if slope.price_of(other) <= (1 + WORTH) * slope.price_of(found):
            return other
    return found


@dataclass(frozen=True)
class _Slope:
    """What is descended."""

    evaluate: Evaluate
    floors: tuple[int, ...]
    present: Floats
    clear: float

    def values(self, places: Floats) -> Floats:
        values = self.evaluate(places)
        return np.where(np.isfinite(values), values, BROKEN)

    def price(self, places: Floats, values: Floats) -> Floats:
        short = np.maximum(self.clear - values[:, list(self.floors)], 0.0).sum(axis=1)
        return np.asarray(np.abs(places - self.present).sum(axis=1) + PENALTY * short)

    def price_of(self, found: Found) -> float:
        return float(self.price(found.place[None], found.values[None])[0])

    def slopes(self, place: Floats, width: float) -> Floats:
        """Give ``(floor, lever)``, by differences of a width on both sides."""
        up = np.minimum(place + width * np.eye(len(place)), 1.0)
        down = np.maximum(place - width * np.eye(len(place)), 0.0)
        values = self.values(np.concatenate([up, down]))[:, list(self.floors)]
        apart = np.diagonal(up - down)[:, None]
        return np.asarray(((values[: len(place)] - values[len(place) :]) / apart).T)


def _descended(slope: _Slope, start: Floats, free: Flags) -> Found:
    """Descend from a place by moving some levers alone."""
    place, jumps = start, None
    values = slope.values(place[None])[0]
    price = float(slope.price(place[None], values[None])[0])
    radius = FIRST
    for _ in range(MOST_STEPS):
        if radius < LEAST:
            break
        if radius < FINE and jumps is None:
            jumps = free & _jumping(slope, place)
            place, values, price = _taken_back(slope, place, values, price, jumps)
            free = free & ~jumps
        slopes = slope.slopes(place, min(max(radius / 2, LEAST), WIDEST))
        reach = np.where(free, radius, 0.0)
        wished = _planned(slope, place, values, slopes, reach)
        other = _tried(slope, place, wished)
        if other.price > price - SURE * np.abs(wished - place).sum():
            # Margins are bent: plan again with what they really are at the end of the way.
            bent = np.array(values)
            rows = list(slope.floors)
            bent[rows] = other.end[rows] - slopes @ (wished - place)
            again = _tried(slope, place, _planned(slope, place, bent, slopes, reach))
            other = min(other, again, key=lambda each: each.price)
        if other.price < price - 1e-9:
            radius = min(radius * 1.5, 0.5) if other.part == 1 else radius * other.part
            place, values, price = other.place, other.values, other.price
        else:
            radius /= 4
    return Found(place, values)


@dataclass(frozen=True)
class _Try:
    """The best place on the way to one that was wished for."""

    place: Floats
    values: Floats
    price: float
    part: float
    end: Floats
    """The values at the end of the way."""


def _tried(slope: _Slope, place: Floats, wished: Floats) -> _Try:
    tried = place + np.array(PARTS)[:, None] * (wished - place)
    found = slope.values(tried)
    prices = slope.price(tried, found)
    best = int(np.argmin(prices))
    return _Try(tried[best], found[best], float(prices[best]), PARTS[best], found[0])


def _planned(
    slope: _Slope, place: Floats, values: Floats, slopes: Floats, radius: Floats
) -> Floats:
    """Give the cheapest place within reach if margins were straight."""
    levers, floors = len(place), len(slope.floors)
    # Unknown: the place, the size of each move, what each floor falls short by.
    cost = np.concatenate([np.zeros(levers), np.ones(levers), np.full(floors, PENALTY)])
    one, none = np.eye(levers), np.zeros((levers, floors))
    matrix = np.vstack([
        np.hstack([one, -one, none]),
        np.hstack([-one, -one, none]),
        np.hstack([-slopes, np.zeros((floors, levers)), -np.eye(floors)]),
    ])  # fmt: skip
    # The program is exact to 1e-7, which the penalty must not feel.
    margins = values[list(slope.floors)] - 2 * slope.clear
    limit = np.concatenate([slope.present, -slope.present, margins - slopes @ place])
    low, high = np.maximum(place - radius, 0.0), np.minimum(place + radius, 1.0)
    bounds = [*zip(low, high, strict=True), *[(0.0, None)] * (levers + floors)]
    found = linprog(cost, matrix, limit, bounds=bounds, method="highs")
    return np.clip(found.x[:levers], low, high) if found.x is not None else place


def _jumping(slope: _Slope, place: Floats) -> Flags:
    """Say which levers act by jumps: nothing changes close by, something further off."""
    near, far = (np.abs(slope.slopes(place, width)).max(axis=0) for width in (LEAST, WIDEST))
    return np.asarray((near == 0) & (far > 0))


def _taken_back(
    slope: _Slope, place: Floats, values: Floats, price: float, chosen: Flags
) -> tuple[Floats, Floats, float]:
    """Take some levers back, one by one, as far as that is cheaper."""
    shares = np.linspace(0.0, 1.0, 65)[1:]
    for lever in np.flatnonzero(chosen):
        tried = np.repeat(place[None], len(shares), axis=0)
        tried[:, lever] += shares * (slope.present[lever] - place[lever])
        found = slope.values(tried)
        prices = slope.price(tried, found)
        best = int(np.argmin(prices))
        if prices[best] < price:
            place, values, price = tried[best], found[best], float(prices[best])
    return place, values, price
