"""What random models come to by plain numpy: arrays over two ranges, of length 1 where none varies.

Nothing of the package is asked for what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
ELEMENTS = {"A": ("a1", "a2", "a3"), "B": ("b1", "b2")}
START, STEP, STEPS = 1.0, 0.25, 20
CURVES = (
    ((-2, 0, 1.5, 4), (1, 2, 0.5, 3)),
    ((-1, 0, 2), (0.5, -1, 1.5)),
    ((-2.5, 0.137, 0.137, 2), (-1, 0.4, 0.9, 2)),
)
DATA = ((0.9, 1.6, 2.5, 4.1, 5.3), (0.4, 1.3, -0.7, 0.2, 0.9))


@dataclass
class Run:
    """A run at a step: its time, the values so far, and what is remembered."""

    step: int = 0
    values: dict[str, Array] = field(default_factory=dict)
    memory: dict[object, Array] = field(default_factory=dict)
    """What follows is put here while a step is computed; each term is asked once a step."""

    @property
    def time(self) -> float:
        return START + self.step * STEP

    def level(self, key: object, initial: Array, change: Callable[[Array], Array]) -> Array:
        """Return a level, and let it go on by its change."""
        now = self.memory.get(key, initial) + np.zeros_like(change(initial))
        self.memory[key] = now + STEP * change(now)
        return now

    def first(self, key: object, x: Array, initial: float | None) -> Array:
        """Return what a delay began with: a number, or what went into it."""
        return self.memory.setdefault((key, "at"), x if initial is None else 0 * x + initial)

    def smoothed(self, key: object, x: Array, initial: float | None, order: int, d: float) -> Array:
        first = self.first(key, x, initial)
        for i in range(order):
            x = self.level((key, i), first, partial(_gap, x, order / d))
        return x

    def delayed(self, key: object, x: Array, initial: float | None, order: int, d: float) -> Array:
        first = self.first(key, x, initial) * d / order
        for i in range(order):
            x = self.level((key, i), first, partial(_drained, x, order / d)) * order / d
        return x


def _gap(x: Array, rate: float, now: Array) -> Array:
    return rate * (x - now)


def _drained(x: Array, rate: float, now: Array) -> Array:
    return x - now * rate


def whole(value: float | Array) -> Array:
    return np.atleast_2d(np.asarray(value, dtype=np.float64))


def looked_up(x: Array, xs: Sequence[float], ys: Sequence[float]) -> Array:
    """Return heights between points; where two stand at one place, the second holds there."""
    right = np.searchsorted(xs, x, side="right")
    low = np.clip(right - 1, 0, len(xs) - 2)
    a, b = np.take(xs, low), np.take(xs, low + 1)
    share = np.clip((x - a) / np.where(b > a, b - a, 1), 0, 1)
    return np.asarray(np.take(ys, low) * (1 - share) + np.take(ys, low + 1) * share)


def divided(a: Array, b: Array) -> Array:
    """Return XIDZ of two arrays, which is 0.6 where it divides by nil."""
    return np.where(b == 0, 0.6, a / np.where(b == 0, 1, b))


def by_row(x: Array) -> Array:
    rows = np.broadcast_to(x, (3, x.shape[1]))
    return np.stack([looked_up(row, *CURVES[i]) for i, row in enumerate(rows)])


def held(x: float, backward: bool) -> float:
    times, values = DATA
    place = np.searchsorted(times, x, side="right" if backward else "left")
    return values[int(np.clip(place - backward, 0, len(times) - 1))]


ONE: Sequence[tuple[str, Callable[[Array], Array]]] = (
    ("ABS(%s)", np.abs),
    ("-ABS(%s)^2", lambda a: -(a**2)),
    ("(0 - %s)", np.negative),
    ("(0 - - -%s)", np.negative),
    ("EXP(-ABS(%s))", lambda a: np.exp(-np.abs(a))),
    ("LN(1.5 + ABS(%s))", lambda a: np.log(1.5 + np.abs(a))),
    ("SQRT(ABS(%s))", lambda a: np.sqrt(np.abs(a))),
    ("SIN(%s)", np.sin),
    ("TANH(%s)", np.tanh),
    ("INTEGER(2.93*%s)", lambda a: np.trunc(2.93 * a)),
    ("MODULO(%s, 0.713)", lambda a: np.fmod(a, 0.713)),
    ("QUANTUM(%s, 0.317)", lambda a: 0.317 * np.trunc(a / 0.317)),
    ("LOG(2 + ABS(%s), 3)", lambda a: np.log(2 + np.abs(a)) / np.log(3)),
    ("WITH LOOKUP(%s, ([(0,0)-(9,9)],(-1,2),(.5,1E0),(3,-1.)))",
     lambda a: np.interp(a, (-1, 0.5, 3), (2, 1, -1))),
    ("IF THEN ELSE(:NOT: %s > 0.21, .7, -1.e-1)", lambda a: np.where(a > 0.21, -0.1, 0.7)),
)  # fmt: skip
TWO: Sequence[tuple[str, Callable[[Array, Array], Array]]] = (
    ("(%s + %s)", np.add),
    ("(%s - %s)", np.subtract),
    ("0.3*%s*%s", lambda a, b: 0.3 * a * b),
    ("(%s/(1 + ABS(%s)))", lambda a, b: a / (1 + np.abs(b))),
    ("MIN(%s, %s)", np.minimum),
    ("MAX(%s, %s)", np.maximum),
    ("(1 + ABS(%s))^(0.4*TANH(%s))", lambda a, b: (1 + np.abs(a)) ** (0.4 * np.tanh(b))),
    ("POWER(1.1 + ABS(%s), -ABS(%s))", lambda a, b: (1.1 + np.abs(a)) ** -np.abs(b)),
    ("XIDZ(%s, INTEGER(0.93*%s), 0.6)", lambda a, b: divided(a, np.trunc(0.93 * b))),
    ("IF THEN ELSE(%s <= 0.4 :OR: %s <> 0.5 :AND: Time > 9, 1.5, 0.25)",
     lambda a, b: np.where(a + 0 * b <= 0.4, 1.5, 0.25)),
)  # fmt: skip
