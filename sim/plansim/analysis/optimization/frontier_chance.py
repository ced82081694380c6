"""How surely policies on a frontier hold all targets, and which targets keep them from it.

P(all hold) is the share of the draws in which they do. The surest policy is climbed for: what rises
is the share with each draw's verdict made smooth, over draws of its own, so that it is not judged
by those that it was chosen by.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from plansim.analysis.optimization.frontier_field import Field
from plansim.analysis.optimization.frontier_records import SURE, Policy, Sure, Surest
from plansim.analysis.optimization.search_space import Found, slopes_at
from plansim.targets.indicator import Floats

__all__ = ["Chances", "surely", "without"]

BETWEEN = 8
"""Policies between two neighbours along the frontier, mixed of both, that are judged too."""
SMOOTH = (0.5, 0.2, 0.1, 0.05)
"""The verdict of a draw rises from no to yes over so many standard deviations of the margin."""
STEPS = 6
"""For each of these, at most."""
STEP = 0.02
"""Of the differences: wide, for a year from which something works moves in steps of the clock."""
LENGTHS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Of moves that are tried at once, as parts of the levers' ranges."""
MOST = 16
"""Targets of which all sets are looked at: the ones that are missed most often."""


@dataclass(frozen=True)
class Chances:
    """What became of policies over the draws."""

    chances: tuple[float, ...] = ()
    medians: tuple[float, ...] = ()
    sure: tuple[Sure, ...] = ()
    surest: Surest | None = None


@dataclass(frozen=True)
class _Tried:
    place: Floats
    chance: float
    median: float


def surely(
    field: Field, along: Sequence[Found], kept: Sequence[int], highest: Found | None
) -> Chances:
    """Judge policies on the frontier, mixtures of neighbours, and the surest, over the draws."""
    if not along or not len(field.drawn):
        return Chances()
    rows = list(kept)
    tried = [_tried(field, each.place, rows) for each in along]
    known = tuple(tried)
    for one, other in itertools.pairwise(along):
        tried += _between(field, one.place, other.place, rows)
    start = max(tried, key=lambda each: each.chance)
    climbed = _tried(field, _climbed(field, start.place, rows), rows)
    tried.append(climbed)
    if highest is not None:
        tried += _between(field, climbed.place, highest.place, rows)
    top = max(tried, key=lambda each: each.chance)
    return Chances(
        tuple(each.chance for each in known),
        tuple(each.median for each in known),
        tuple(_sure(field, tried, top, share, rows) for share in SURE),
        _surest(field, top, rows),
    )


def _between(field: Field, one: Floats, other: Floats, rows: list[int]) -> list[_Tried]:
    shares = np.arange(1, BETWEEN) / BETWEEN
    return [_tried(field, one + share * (other - one), rows) for share in shares]


def _tried(field: Field, place: Floats, rows: list[int]) -> _Tried:
    """Judge one policy; a broken draw holds nothing."""
    margins, growth = field.over_draws(place[None])
    sound = growth[np.isfinite(growth)]
    median = float(np.median(sound)) if sound.size else math.nan
    return _Tried(place, float(_holds(margins[0], rows).all(axis=1).mean()), median)


def _holds(margins: Floats, rows: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    with np.errstate(invalid="ignore"):
        return np.asarray(margins[:, rows] >= 0)


def _error(field: Field, chance: float) -> float:
    return math.sqrt(chance * (1 - chance) / len(field.drawn))


def _policy(field: Field, place: Floats, rows: list[int]) -> Policy:
    return field.policy(Found(place, field.evaluate(place[None])[0]), rows)


def _sure(field: Field, tried: list[_Tried], top: _Tried, share: float, rows: list[int]) -> Sure:
    enough = [each for each in tried if each.chance >= share]
    best = max(enough, key=lambda each: each.median) if enough else top
    policy = _policy(field, best.place, rows) if enough else None
    return Sure(share, policy, best.chance, _error(field, best.chance), best.median)


def _surest(field: Field, top: _Tried, rows: list[int]) -> Surest:
    margins, _ = field.over_draws(top.place[None])
    holds = _holds(margins[0], rows)
    ids = [field.targets[row].id for row in rows]
    single = dict(zip(ids, holds.mean(axis=0).tolist(), strict=True))
    return Surest(
        policy=_policy(field, top.place, rows),
        met=top.chance,
        error=_error(field, top.chance),
        growth=top.median,
        single=single,
        product=math.prod(single.values()),
        without=tuple(
            (tuple(ids[column] for column in columns), chance) for columns, chance in without(holds)
        ),
    )


def without(
    holds: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
) -> list[tuple[tuple[int, ...], float]]:
    """Say which one column it would help most to leave out, which two, and so on.

    ``holds`` is ``(draw, target)``. Gives for each number of columns the best set of so many, of
    all sets, and the share of the draws in which all other columns hold, until it is 1. To leave
    out one after the other would not do: targets that fail together must go together.

    >>> without(np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]], dtype=bool))
    [((0,), 0.5), ((1, 2), 0.75), ((0, 1, 2), 1.0)]
    """
    missed = ~holds
    often = np.argsort(-missed.sum(axis=0), kind="stable")[:MOST]
    often = np.sort(often[missed[:, often].any(axis=0)])
    rest = np.delete(missed, often, axis=1).any(axis=1)
    masks = (missed[:, often] << np.arange(len(often))).sum(axis=1)[~rest]
    shares = np.bincount(masks, minlength=1 << len(often)) / len(holds)
    # Then, by set, the draws in which nothing outside of it is missed: sums over all its subsets.
    sets = np.arange(len(shares))
    for bit in range(len(often)):
        inside = sets[sets >> bit & 1 == 1]
        shares[inside] += shares[inside ^ (1 << bit)]
    sizes = sum((sets >> bit & 1 for bit in range(len(often))), np.zeros_like(sets))
    found: list[tuple[tuple[int, ...], float]] = []
    for size in range(1, len(often) + 1):
        these = sets[sizes == size]
        best = these[int(np.argmax(shares[these]))]
        columns = tuple(int(often[bit]) for bit in range(len(often)) if best >> bit & 1)
        found.append((columns, float(shares[best])))
        if shares[best] >= 1 - 1e-12:
            break
    return found


def _climbed(field: Field, place: Floats, rows: list[int]) -> Floats:
    """Climb to where the smooth share of `Field.other` in which all hold is largest."""
    for smooth in SMOOTH:

        def share(places: Floats, smooth: float = smooth) -> Floats:
            return _smooth(field, places, rows, smooth)[:, None]

        worth = _smooth(field, place[None], rows, smooth)[0]
        for _ in range(STEPS):
            slopes = slopes_at(share, place, STEP)[0]
            steepest = np.abs(slopes).max()
            if steepest == 0:
                break
            ways = [slopes / steepest, np.sign(slopes)]
            tried = np.array([place + length * way for way in ways for length in LENGTHS])
            tried = np.clip(tried, 0.0, 1.0)
            found = _smooth(field, tried, rows, smooth)
            best = int(np.argmax(found))
            if found[best] <= worth:
                break
            place, worth = tried[best], found[best]
    return place


def _smooth(field: Field, places: Floats, rows: list[int], smooth: float) -> Floats:
    """Give the share of draws in which all hold, each draw's verdict made smooth: ``(policy,)``."""
    margins, _ = field.over_draws(places, field.other)
    with np.errstate(invalid="ignore"):
        least = (margins[:, :, rows] / field.spreads[rows]).min(axis=2)
    return np.asarray(expit(np.where(np.isnan(least), -np.inf, least) / smooth).mean(axis=1))
