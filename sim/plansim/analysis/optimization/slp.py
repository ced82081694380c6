"""Descent in a box by linear programmes, each within a reach no longer than the last was right in.

After Griffith and Stewart (1961), for what is to be small having corners: a sum of maxima, such as
of moves in either direction, of what falls short of a floor, or of several parts the largest. A
climb along slopes stops beside such corners; the programme goes to them. Where all is bent, a step
is planned again with what was found at its end (Fletcher 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from plansim.analysis.optimization.search_space import Evaluate, Found, slopes_at, sound
from plansim.targets.indicator import Floats

__all__ = ["LEAST", "WIDEST", "Aim", "Maxima", "descended"]

FIRST, LEAST = 0.25, 1e-4
"""Reaches at the beginning and at the end, as parts of each lever's range."""
WIDEST = 0.05
"""Of the differences that slopes are taken from: a year that something begins acts by whole steps
of the clock, and has no slope closer by."""
LONGEST = 0.5
MOST_STEPS = 60
PARTS = np.array([1.0, 0.98, 0.9, 0.5, 0.25, 0.1])
"""Of the way to where a programme says, tried at once: all of it may be a hair too far."""
SURE = 0.9
"""A step that gains less of what was promised is planned again."""
GAIN = 1e-9
EXACT = 1e-10
"""Of a programme: the least that HiGHS takes."""


@dataclass(frozen=True)
class Maxima:
    """Terms of a sum about a place, each the largest of some straight pieces."""

    levels: Floats
    """``(piece, term)``, at the place."""
    slopes: Floats
    """``(piece, term, lever)``."""
    prices: Floats
    """``(term,)``: what a unit of each counts."""
    least: float = 0.0
    """No term is less."""

    def total(self, move: Floats) -> float:
        """Give what the terms come to after a move."""
        largest = (self.levels + self.slopes @ move).max(axis=0)
        return float(self.prices @ np.maximum(largest, self.least))


class Aim(Protocol):
    """What is to be small."""

    def price(self, places: Floats, values: Floats) -> Floats:
        """Give how large it is at places with values: ``(run,)``."""

    def terms(self, here: Found, slopes: Floats) -> Sequence[Maxima]:
        """Give what it is about a place with slopes ``(part, lever)``, but for a constant."""


def descended(
    evaluate: Evaluate,
    aim: Aim,
    start: Found,
    *,
    free: npt.NDArray[np.bool_] | None = None,
    first: float = FIRST,
    least: float = LEAST,
) -> Found:
    """Descend from a place by moving the levers that are free; the end is never worse."""
    here, price, reach = start, _price(aim, start), first
    moved = np.ones(len(start.place)) if free is None else free.astype(np.float64)
    for _ in range(MOST_STEPS):
        if reach < least:
            break
        slopes = slopes_at(evaluate, here.place, min(max(reach / 2, LEAST), WIDEST))
        terms = aim.terms(here, slopes)
        move = _planned(terms, here.place, reach * moved)
        tried = _tried(evaluate, aim, here.place, move)
        promised = sum(each.total(0 * move) - each.total(move) for each in terms)
        if price - tried.price < SURE * promised:
            bent = Found(here.place, tried.end - slopes @ move)
            again = _planned(aim.terms(bent, slopes), here.place, reach * moved)
            tried = min(
                tried, _tried(evaluate, aim, here.place, again), key=lambda each: each.price
            )
        if tried.price < price - GAIN:
            reach = min(reach * 1.5, LONGEST) if tried.part == 1 else reach * tried.part
            here, price = tried.found, tried.price
        else:
            reach /= 4
    return here


def _price(aim: Aim, found: Found) -> float:
    return float(aim.price(found.place[None], found.values[None])[0])


@dataclass(frozen=True)
class _Try:
    """The best place on the way to one that was planned."""

    found: Found
    price: float
    part: float
    end: Floats
    """The values at the end of the way."""


def _tried(evaluate: Evaluate, aim: Aim, place: Floats, move: Floats) -> _Try:
    places = np.clip(place + PARTS[:, None] * move, 0.0, 1.0)
    values = sound(evaluate(places))
    prices = aim.price(places, values)
    best = int(np.argmin(prices))
    return _Try(
        Found(places[best], values[best]), float(prices[best]), float(PARTS[best]), values[0]
    )


def _planned(terms: Sequence[Maxima], place: Floats, reach: Floats) -> Floats:
    """Give the move within reach that is best where all is straight.

    Unknown are the move and the terms, none of which is below any of its pieces.
    """
    low, high = np.maximum(-reach, -place), np.minimum(reach, 1.0 - place)
    sizes = [len(each.prices) for each in terms]
    rows = []
    for each, before in zip(terms, np.cumsum([0, *sizes]), strict=False):
        own = np.eye(len(each.prices), sum(sizes), before)
        rows += [np.hstack([slopes, -own]) for slopes in each.slopes]
    found = linprog(
        np.concatenate([np.zeros(len(place)), *(each.prices for each in terms)]),
        A_ub=np.vstack(rows),
        b_ub=-np.concatenate([each.levels.ravel() for each in terms]),
        bounds=[
            *zip(low, high, strict=True),
            *((each.least, None) for each in terms for _ in each.prices),
        ],
        method="highs",
        options={"primal_feasibility_tolerance": EXACT, "dual_feasibility_tolerance": EXACT},
    )
    return np.zeros(len(place)) if found.x is None else np.clip(found.x[: len(place)], low, high)
