"""Functions of numbers at one time: what each means, in operations of the graph.

Times are compared as Vensim's manual says: STEP and PULSE by the middle of the step, RAMP with
Vensim's small number for slack. A PULSE TRAIN is on at its end, too, as Vensim's results show. What
switches with time does so at the start of a step (`Graph.freeze`).

References: https://www.vensim.com/documentation/ref_functions.html and PySD's `functions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plansim.compiler.graph import Graph
from plansim.compiler.ir import Op

__all__ = ["PLAIN", "SMALL", "VECTOR", "Clock", "stages", "zidz"]

SMALL = 1e-6
"""What Vensim takes for zero."""


@dataclass(frozen=True)
class Clock:
    """The nodes of the time and the step, in one phase of a run."""

    time: int
    step: int


def _plain(op: Op) -> Callable[..., int]:
    return lambda g, clock, *operands: g.make(op, *operands)


def zidz(g: Graph, above: int, below: int, otherwise: int | None = None) -> int:
    """Return a quotient, or ``otherwise`` (zero) where the divisor is nearly zero."""
    near = g.make(Op.LESS, g.make(Op.ABSOLUTE, below), g.number(SMALL))
    return g.select(near, g.number(0.0) if otherwise is None else otherwise, g.divide(above, below))


def _quantum(g: Graph, a: int, b: int) -> int:
    whole = g.multiply(b, g.make(Op.TRUNCATE, g.divide(a, b)))
    return g.select(g.make(Op.LESS, b, g.number(SMALL)), a, whole)


def _step(g: Graph, clock: Clock, height: int, when: int) -> int:
    return g.select(g.freeze(g.make(Op.LESS, when, _plus(g, clock))), height, g.number(0.0))


def _ramp(g: Graph, clock: Clock, slope: int, start: int, finish: int) -> int:
    begun = g.make(Op.LESS, start, g.add(clock.time, g.number(SMALL)))
    risen = g.subtract(g.make(Op.MINIMUM, finish, clock.time), start)
    return g.select(begun, g.multiply(slope, risen), g.number(0.0))


def _plus(g: Graph, clock: Clock) -> int:
    """Return the middle of the step, by which Vensim says whether a time has come."""
    return g.add(clock.time, g.multiply(clock.step, g.number(0.5)))


def _pulse(g: Graph, clock: Clock, start: int, width: int) -> int:
    plus, none = _plus(g, clock), g.make(Op.EQUAL, width, g.number(0.0))
    lasts = g.make(Op.LESS, plus, g.add(start, g.select(none, clock.step, width)))
    return g.freeze(g.make(Op.AND, g.make(Op.LESS, start, plus), lasts))


def _pulse_train(g: Graph, clock: Clock, start: int, width: int, interval: int, end: int) -> int:
    since = g.subtract(_plus(g, clock), start)
    width = g.make(Op.MAXIMUM, width, clock.step)
    on = g.make(Op.LESS, g.make(Op.REMAINDER, since, interval), width)
    on = g.make(Op.OR, g.make(Op.LESS, interval, width), on)
    begun = g.make(Op.LESS, g.number(0.0), since)
    lasts = g.make(Op.LESS, clock.time, g.add(end, g.number(SMALL)))
    return g.freeze(g.make(Op.AND, g.make(Op.AND, begun, lasts), on))


def _gamma_ln(g: Graph, x: int) -> int:
    """Return the logarithm of the gamma function by Stirling's series at x + 8; NaN unless x > 0.

    Reference: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.15 and 6.1.41.
    """
    below, far = x, g.add(x, g.number(8.0))
    for i in range(1, 8):
        below = g.multiply(below, g.add(x, g.number(float(i))))
    inverse = g.divide(g.number(1.0), far)
    square = g.multiply(inverse, inverse)
    series = g.number(1 / 1188)
    for coefficient in (-1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        series = g.add(g.number(coefficient), g.multiply(square, series))
    main = g.multiply(g.subtract(far, g.number(0.5)), g.make(Op.LN, far))
    tail = g.add(g.number(0.5 * math.log(2 * math.pi)), g.multiply(inverse, series))
    found = g.subtract(g.add(g.subtract(main, far), tail), g.make(Op.LN, below))
    return g.select(g.make(Op.LESS, g.number(0.0), x), found, g.number(math.nan))


PLAIN: Mapping[str, Callable[..., int]] = {
    "abs": _plain(Op.ABSOLUTE),
    "arccos": _plain(Op.ARCCOS),
    "arcsin": _plain(Op.ARCSIN),
    "arctan": _plain(Op.ARCTAN),
    "cos": _plain(Op.COS),
    "cosh": _plain(Op.COSH),
    "exp": _plain(Op.EXP),
    "game": lambda g, clock, x: x,
    "gamma_ln": lambda g, clock, x: _gamma_ln(g, x),
    "if_then_else": lambda g, clock, condition, then, otherwise: g.select(
        condition, then, otherwise
    ),
    "integer": _plain(Op.TRUNCATE),
    "ln": _plain(Op.LN),
    "log": lambda g, clock, x, base: g.divide(g.make(Op.LN, x), g.make(Op.LN, base)),
    "max": _plain(Op.MAXIMUM),
    "min": _plain(Op.MINIMUM),
    "modulo": lambda g, clock, x, m: g.subtract(x, _quantum(g, x, m)),
    "power": _plain(Op.POWER),
    "pulse": _pulse,
    "pulse_train": _pulse_train,
    "quantum": lambda g, clock, a, b: _quantum(g, a, b),
    "ramp": _ramp,
    "sin": _plain(Op.SIN),
    "sinh": _plain(Op.SINH),
    "sqrt": _plain(Op.SQRT),
    "step": _step,
    "tan": _plain(Op.TAN),
    "tanh": _plain(Op.TANH),
    "time_base": lambda g, clock, start, slope: g.add(start, g.multiply(slope, clock.time)),
    "xidz": lambda g, clock, a, b, x: zidz(g, a, b, x),
    "zidz": lambda g, clock, a, b: zidz(g, a, b),
}
"""Functions of the present: graph, clock and the nodes of the arguments to a node."""

VECTOR: Mapping[str, Op] = {
    "prod": Op.MULTIPLY,
    "sum": Op.ADD,
    "vmax": Op.MAXIMUM,
    "vmin": Op.MINIMUM,
}
"""Functions over the elements that are marked with ``!``."""


def stages(key: str) -> int | None:
    """Return how many stages a smoothing or delay has; None if an argument says so.

    >>> stages("smooth3i"), stages("delay_n")
    (3, None)
    """
    return None if key.endswith("_n") else 3 if "3" in key else 1
