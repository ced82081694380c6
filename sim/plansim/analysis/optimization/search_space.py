"""A box of levers: places in it, what counts there, and its slopes.

Levers are counted from 0 to 1 across their ranges. All that is wanted of a model is a function from
places to what counts there, many at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.stats import qmc

from plansim.targets.indicator import Floats

__all__ = ["BROKEN", "POINTS", "Evaluate", "Found", "Samples", "look_over", "slopes_at", "sound"]

Evaluate: TypeAlias = Callable[[Floats], Floats]
"""From places ``(run, lever)`` to what counts there, ``(run, part)``; NaN where a run is broken."""

POINTS = 4096
"""Of the sequence that a box is looked over with."""
STEP = 1e-4
"""Of the differences that slopes are taken from, as a part of a lever's range."""
BROKEN = -1e3
"""Stands for the margin of a run that broke down: far below all others, which are scaled."""


@dataclass(frozen=True)
class Found:
    """A place of the box, and what counts there."""

    place: Floats
    values: Floats


@dataclass(frozen=True)
class Samples:
    """Places that were looked at, ``(point, lever)``, and what was found, ``(point, part)``."""

    places: Floats
    values: Floats

    def each(self) -> list[Found]:
        """Give them one by one."""
        return [Found(*one) for one in zip(self.places, self.values, strict=True)]

    def also(self, found: Iterable[Found]) -> Samples:
        """Add places."""
        more = list(found)
        return Samples(
            np.vstack([self.places, *(each.place for each in more)]),
            np.vstack([self.values, *(each.values for each in more)]),
        )


def sound(values: Floats) -> Floats:
    """Put `BROKEN` in place of what is no number."""
    return np.asarray(np.where(np.isfinite(values), values, BROKEN))


def look_over(
    evaluate: Evaluate,
    levers: int,
    *,
    points: int = POINTS,
    seed: int = 0,
    more: Floats | None = None,
) -> Samples:
    """Look over the whole box by a Sobol sequence, at its middle, and at ``more`` places."""
    if levers:
        rng = np.random.default_rng(seed)
        sequence = qmc.Sobol(levers, scramble=True, rng=rng)
        drawn = sequence.random_base2(math.ceil(math.log2(points)))
    else:
        drawn = np.empty((1, 0))
    parts = [np.full((1, levers), 0.5), drawn, *([] if more is None else [more])]
    places = np.concatenate(parts)
    return Samples(places, sound(evaluate(places)))


def slopes_at(evaluate: Evaluate, place: Floats, width: float = STEP) -> Floats:
    """Give the slopes of all parts at a place, ``(part, lever)``, by central differences."""
    count = len(place)
    up = np.minimum(place + width * np.eye(count), 1.0)
    down = np.maximum(place - width * np.eye(count), 0.0)
    values = sound(evaluate(np.concatenate([up, down])))
    apart = np.diagonal(up - down)[:, None]
    return np.asarray(((values[:count] - values[count:]) / apart).T)
