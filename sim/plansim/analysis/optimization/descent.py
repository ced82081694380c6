"""The cheapest place of a box in which floors hold, by linear programmes (`slp`).

What costs is how far levers are moved from where they stand, or a part of what counts. The cost of
a move has a corner where the lever stands, so that the cheapest setting moves few levers and leaves
the others alone: programmes find such corners exactly, and with dozens of levers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.optimization.search_space import Evaluate, Found, slopes_at, sound
from plansim.analysis.optimization.slp import LEAST, WIDEST, Maxima, descended
from plansim.targets.indicator import Floats

__all__ = ["Part", "Weights", "cheapest"]

Flags: TypeAlias = npt.NDArray[np.bool_]

PENALTY = 1e6
"""For each whole target by which a floor falls short, against 1 for the whole range of a lever."""
FINE = 0.02
"""Within such a reach, levers that act by jumps are left where they are."""
CLEAR = (1e-9, 1e-6, 1e-4, 1e-3)
"""A floor is held this far above zero, in targets; further where a descent ends just below."""
NEAR = 1e-2
"""What is just below, in targets."""
LINE = np.linspace(0.0, 1.0, 65)
SLIGHT = (0.2, 0.1, 0.05)
"""A lever that is moved by less of its range is left alone, if that is hardly dearer."""


@dataclass(frozen=True)
class Weights:
    """A cost of moves: what each lever's whole range costs, ``(lever,)``, the dearest about 1."""

    each: Floats

    def of(self, places: Floats, _: Floats, present: Floats) -> Floats:
        """Give the cost of places: ``(run,)``."""
        return np.asarray(np.abs(places - present) @ self.each)

    def term(self, here: Found, _: Floats, present: Floats) -> Maxima:
        """Give the cost about a place: of each lever, the larger of its moves up and down."""
        away, unit = here.place - present, np.eye(len(present))
        return Maxima(np.stack([away, -away]), np.stack([unit, -unit]), self.each)


@dataclass(frozen=True)
class Part:
    """A cost that is one of the parts that count."""

    row: int
    unit: float = 1.0
    """How much it differs over the box: what counts 1."""

    def of(self, _: Floats, values: Floats, __: Floats) -> Floats:
        """Give the cost of places: ``(run,)``."""
        return values[:, self.row] / self.unit

    def term(self, here: Found, slopes: Floats, _: Floats) -> Maxima:
        """Give the cost about a place."""
        row = [self.row]
        prices = np.array([1 / self.unit])
        return Maxima(here.values[None, row], slopes[None, row], prices, -np.inf)


@dataclass(frozen=True)
class _Aim:
    """The cost is to be small, and what floors fall short by nothing."""

    cost: Weights | Part
    floors: list[int]
    present: Floats
    clear: float = CLEAR[0]

    def price(self, places: Floats, values: Floats) -> Floats:
        short = np.maximum(self.clear - values[:, self.floors], 0.0).sum(axis=1)
        return np.asarray(self.cost.of(places, values, self.present) + PENALTY * short)

    def terms(self, here: Found, slopes: Floats) -> tuple[Maxima, Maxima]:
        # What a programme is not exact to must not be felt by the penalty.
        short = 2 * self.clear - here.values[None, self.floors]
        penalties = np.full(len(self.floors), PENALTY)
        return (
            self.cost.term(here, slopes, self.present),
            Maxima(short, -slopes[None, self.floors], penalties),
        )

    def price_of(self, found: Found) -> float:
        return float(self.price(found.place[None], found.values[None])[0])

    def lacks(self, found: Found) -> float:
        """Give what the worst floor falls short by; below zero where all hold."""
        return -float(found.values[self.floors].min())


def cheapest(
    evaluate: Evaluate,
    starts: Sequence[Floats],
    floors: Sequence[int],
    present: Floats,
    cost: Weights | Part,
    *,
    worth: float = 0.0,
) -> Found:
    """Find the cheapest place with no floor below zero.

    Where none is found, the place is given that falls short by least, all floors added up; the
    caller sees by its values which it is.

    Args:
        evaluate: from places ``(run, lever)`` to what counts, ``(run, part)``: floors in parts of a
            target.
        starts: places that it is descended from; the best end counts.
        floors: the parts that must not be negative.
        present: ``(lever,)``: where levers stand.
        cost: what is to be small.
        worth: by so much of the cost it may be dearer if fewer levers are moved.
    """
    aim = _Aim(cost, list(floors), present)
    free = np.ones(len(present), dtype=bool)
    ends = list(starts)
    for clear in CLEAR:
        aim = replace(aim, clear=clear)
        found = [_descended(evaluate, aim, each, free) for each in ends]
        best = min(found, key=aim.price_of)
        if aim.lacks(best) >= NEAR:
            break
        best = _fewer(evaluate, aim, best, worth) if worth else best
        if aim.lacks(best) <= 0:
            break
        ends = [best.place]
    return best


def _descended(evaluate: Evaluate, aim: _Aim, start: Floats, free: Flags) -> Found:
    """Descend from a place by moving some levers; those that act by jumps only at first."""
    place = np.clip(start, 0.0, 1.0)
    found = Found(place, sound(evaluate(place[None]))[0])
    found = descended(evaluate, aim, found, free=free, least=FINE)
    jumps = free & _jumping(evaluate, found.place)
    found = _put(evaluate, aim, found, jumps)
    return descended(evaluate, aim, found, free=free & ~jumps, first=FINE)


def _jumping(evaluate: Evaluate, place: Floats) -> Flags:
    """Say which levers act by jumps: nothing changes close by, something further off."""
    near, far = (np.abs(slopes_at(evaluate, place, width)).max(axis=0) for width in (LEAST, WIDEST))
    return np.asarray((near == 0) & (far > 0))


def _put(evaluate: Evaluate, aim: _Aim, found: Found, chosen: Flags) -> Found:
    """Put some levers, one by one, to where it is cheapest, most often back some of the way."""
    for lever in np.flatnonzero(chosen):
        here, back = found.place[lever], aim.present[lever]
        line = np.concatenate([here + LINE * (back - here), LINE])
        places = np.repeat(found.place[None], len(line), axis=0)
        places[:, lever] = line
        values = sound(evaluate(places))
        best = int(np.argmin(aim.price(places, values)))  # the first is where it is
        found = Found(places[best], values[best])
    return found


def _fewer(evaluate: Evaluate, aim: _Aim, found: Found, worth: float) -> Found:
    """Leave levers alone that are hardly moved, if that is hardly dearer."""
    for slight in SLIGHT:
        moves = np.abs(found.place - aim.present)
        kept = moves > slight
        if kept.all() or not (moves[~kept] > 0).any():
            continue
        other = _descended(evaluate, aim, np.where(kept, found.place, aim.present), kept)
        if aim.price_of(other) <= (1 + worth) * aim.price_of(found):
            return other
    return found
