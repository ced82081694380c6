"""Functions of whole vectors and matrices: an element of the result rests on all of the argument.

A vector is a list of nodes. Nothing is sorted while a run goes on: a rank counts what stands
before, so that the same operations serve all runs of a vector of the processor.

References: Vensim's manual, fn_vector_select, fn_vector_sort_order, fn_vector_rank,
fn_vector_reorder, fn_invert_matrix, fn_allocate_available, fn_find_market_price at
https://www.vensim.com/documentation/.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from plansim.compiler.graph import Graph
from plansim.compiler.ir import Op

__all__ = [
    "ACTIONS",
    "PROFILES",
    "Curve",
    "allocated",
    "inverse",
    "market_price",
    "ranks",
    "reordered",
    "selected",
    "sort_order",
    "supplied",
    "total",
]

Vector = Sequence[int]

_BISECTIONS = 60
"""Halvings of the range of prices: what is left is less than rounding."""


def total(g: Graph, parts: Vector, op: Op = Op.ADD) -> int:
    """Return a sum, or what another operation makes of all: a tree, which is short and exact."""
    parts = list(parts)
    while len(parts) > 1:
        halves = [g.make(op, a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = halves + parts[len(parts) - len(parts) % 2 :]
    return g._as_number(parts[0])


def ranks(g: Graph, vector: Vector, direction: int) -> list[int]:
    """Count the elements that come before each: upward if the direction is positive, else downward.

    Of equal ones the first comes first if upward, and last if downward.
    """
    upward = g.make(Op.LESS, g.number(0.0), direction)
    one, zero = g.number(1.0), g.number(0.0)
    found = []
    for i, here in enumerate(vector):
        before = []
        for j, other in enumerate(vector):
            if i == j:
                continue
            up = g.make(Op.LESS_EQUAL if j < i else Op.LESS, other, here)
            down = g.make(Op.LESS if j < i else Op.LESS_EQUAL, here, other)
            before.append(g.select(upward, g.select(up, one, zero), g.select(down, one, zero)))
        found.append(total(g, before) if before else zero)
    return found


def sort_order(g: Graph, vector: Vector, direction: int) -> list[int]:
    """Return the index, from 0, of the element that comes first, of the next one, and so on."""
    found = ranks(g, vector, direction)
    indices = [g.number(index) for index in range(len(vector))]
    return [_picked(g, found, indices, g.number(place)) for place in range(len(vector))]


def reordered(g: Graph, vector: Vector, order: Vector) -> list[int]:
    """Return the elements with the indices of ``order``, from 0; NaN where there is none."""
    indices = [g.number(index) for index in range(len(vector))]
    return [_picked(g, indices, vector, g.make(Op.TRUNCATE, index)) for index in order]


def _picked(g: Graph, keys: Vector, values: Vector, key: int) -> int:
    """Return the value whose key is the one asked for."""
    found = g.number(float("nan"))
    for own, value in zip(keys, values, strict=True):
        found = g.select(g.make(Op.EQUAL, own, key), value, found)
    return found


ACTIONS = range(11)
"""What VECTOR SELECT may do with the elements that are chosen."""


def selected(
    g: Graph, chosen: Vector, values: Vector, missing: int, action: int, error: int
) -> int:
    """Return what VECTOR SELECT makes of the elements that are chosen, those that are not zero.

    As Vensim computes it, not as its manual says, action 5 raises the expression to the selection.
    A selection that ``error`` does not allow gives NaN.
    """
    zero, nan = g.number(0.0), g.number(float("nan"))
    taken = [g.make(Op.NOT_EQUAL, one, zero) for one in chosen]
    parts = list(values)
    if action <= 5:
        weigh = Op.POWER if action == 5 else Op.MULTIPLY
        parts = [g.make(weigh, value, one) for one, value in zip(chosen, values, strict=True)]
    op, neutral = {
        0: (Op.ADD, 0.0), 6: (Op.ADD, 0.0), 4: (Op.ADD, 0.0), 10: (Op.ADD, 0.0),
        1: (Op.MULTIPLY, 1.0), 5: (Op.MULTIPLY, 1.0), 7: (Op.MULTIPLY, 1.0),
        2: (Op.MINIMUM, float("inf")), 8: (Op.MINIMUM, float("inf")),
        3: (Op.MAXIMUM, float("-inf")), 9: (Op.MAXIMUM, float("-inf")),
    }[action]  # fmt: skip
    kept = [
        g.select(is_in, part, g.number(neutral)) for is_in, part in zip(taken, parts, strict=True)
    ]
    found = total(g, kept, op)
    count = total(g, [g.select(is_in, g.number(1.0), zero) for is_in in taken])
    if action in (4, 10):
        found = g.divide(found, count)
    none = g.make(Op.EQUAL, count, zero)
    found = g.select(none, missing, found)
    if error in (1, 3):
        found = g.select(none, nan, found)
    if error in (2, 3):
        found = g.select(g.make(Op.LESS, g.number(1.0), count), nan, found)
    return found


def inverse(g: Graph, matrix: Sequence[Vector]) -> list[list[int]]:
    """Return the inverse of a matrix by elimination, with the largest pivot of each column."""
    size = len(matrix)
    rows = [[*row, *(g.number(float(i == j)) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        for other in range(column + 1, size):
            own, theirs = (g.make(Op.ABSOLUTE, rows[at][column]) for at in (column, other))
            larger = g.make(Op.LESS, own, theirs)
            pairs = list(zip(rows[column], rows[other], strict=True))
            rows[column] = [g.select(larger, b, a) for a, b in pairs]
            rows[other] = [g.select(larger, a, b) for a, b in pairs]
        pivot = rows[column][column]
        rows[column] = [g.divide(value, pivot) for value in rows[column]]
        for other in range(size):
            if other != column:
                factor = rows[other][column]
                rows[other] = [
                    g.subtract(value, g.multiply(factor, own))
                    for value, own in zip(rows[other], rows[column], strict=True)
                ]
    return [row[size:] for row in rows]


# --- Allocation -----------------------------------------------------------------------------------

Profile = Callable[[Graph, int, int, int], int]
"""The part of a request that is met at a price: of the price, the priority and the width."""


def _rectangular(g: Graph, price: int, priority: int, width: int) -> int:
    part = g.add(g.number(0.5), g.divide(g.subtract(priority, price), width))
    return g.make(Op.MINIMUM, g.number(1.0), g.make(Op.MAXIMUM, g.number(0.0), part))


def _triangular(g: Graph, price: int, priority: int, width: int) -> int:
    linear = _rectangular(g, price, priority, width)
    rest = g.subtract(g.number(1.0), linear)
    two, half = g.number(2.0), g.number(0.5)
    low = g.multiply(two, g.multiply(linear, linear))
    high = g.subtract(g.number(1.0), g.multiply(two, g.multiply(rest, rest)))
    return g.select(g.make(Op.LESS, linear, half), low, high)


_LEAST_WIDTH = 0.05
"""Of a normal profile, for Vensim."""


def _normal(g: Graph, price: int, priority: int, width: int) -> int:
    """Give what Vensim does: by Hastings, to 1e-5 (Abramowitz and Stegun, 26.2.16)."""
    width = g.make(Op.MAXIMUM, width, g.number(_LEAST_WIDTH))
    away, one = g.divide(g.subtract(priority, price), width), g.number(1.0)
    size = g.make(Op.ABSOLUTE, away)
    t = g.divide(one, g.add(one, g.multiply(g.number(0.33267), size)))
    tail = g.number(0.0)
    for factor in (0.937298, -0.1201676, 0.4361836):
        tail = g.multiply(t, g.add(g.number(factor), tail))
    half = g.multiply(g.number(-0.5), size)
    bell = g.multiply(g.number(1 / math.sqrt(2 * math.pi)), g.make(Op.EXP, g.multiply(half, size)))
    tail = g.multiply(bell, tail)
    return g.select(g.make(Op.LESS, away, g.number(0.0)), tail, g.subtract(one, tail))


def _exponential(g: Graph, price: int, priority: int, width: int) -> int:
    away = g.divide(g.subtract(priority, price), width)
    tail = g.make(Op.EXP, g.make(Op.NEGATE, g.make(Op.ABSOLUTE, away)))
    half = g.multiply(g.number(0.5), tail)
    return g.select(g.make(Op.LESS, away, g.number(0.0)), half, g.subtract(g.number(1.0), half))


_NORMAL, _ALL, _MARKET = 3, 8.3, 5.0
"""The number of normal profiles; within how many widths all is met, and a market's price is."""
PROFILES: dict[int, tuple[Profile, float]] = {
    0: (lambda g, price, priority, width: g.number(1.0), 0.0),
    1: (_rectangular, 0.5),
    2: (_triangular, 0.5),
    3: (_normal, _ALL),
    4: (_exponential, 37.0),
}
"""By Vensim's number, and within how many widths of the priority a request is met."""


@dataclass(frozen=True)
class Curve:
    """What a request takes, by the price: nodes, the kind as in `PROFILES`."""

    request: int
    kind: int
    priority: int
    width: int

    def at(self, g: Graph, price: int) -> int:
        """Return what is taken at a price."""
        share = self._by_kind(g, lambda k: PROFILES[k][0](g, price, self.priority, self.width))
        return g.multiply(self.request, share)

    def reach(self, g: Graph, normal: float) -> int:
        """Return how far from the priority the price matters; ``normal`` is of normal profiles."""
        wide = g.make(Op.MAXIMUM, self.width, g.number(_LEAST_WIDTH))
        return self._by_kind(
            g,
            lambda kind: (
                g.multiply(g.number(normal), wide)
                if kind == _NORMAL
                else g.multiply(g.number(PROFILES[kind][1]), self.width)
            ),
        )

    def _by_kind(self, g: Graph, make: Callable[[int], int]) -> int:
        """Return what is made for the kind; NaN where there is no such kind."""
        known = g.value(self.kind)
        kinds = list(PROFILES) if known is None else [int(known)]
        return _picked(g, [g.number(kind) for kind in kinds], [*map(make, kinds)], self.kind)


def allocated(g: Graph, curves: Sequence[Curve], supply: int) -> list[int]:
    """Return what each request gets of a supply: what it takes at the price at which all is taken.

    Where none minds the price (kind 0), each gets the same part of its request.
    """
    requested = total(g, [curve.request for curve in curves])
    supply = g.make(Op.MAXIMUM, supply, g.number(0.0))
    enough = g.make(Op.LESS_EQUAL, requested, supply)
    part, price = g.divide(supply, requested), _price(g, curves, supply)
    kinds = total(g, [g.make(Op.ABSOLUTE, curve.kind) for curve in curves])
    found = []
    for curve in curves:
        taken = g.select(kinds, curve.at(g, price), g.multiply(curve.request, part))
        found.append(g.select(enough, curve.request, taken))
    return found


def market_price(g: Graph, demand: Sequence[Curve], supply: Sequence[Curve]) -> int:
    """Return the price at which as much is supplied as is demanded."""
    capacity = total(g, [curve.request for curve in supply])
    curves = [*demand, *(_kept(g, curve) for curve in supply)]
    return _price(g, curves, capacity, within=_MARKET)


def supplied(g: Graph, curve: Curve, price: int) -> int:
    """Return what a supplier of a curve gives at a price."""
    return g.subtract(curve.request, _kept(g, curve).at(g, price))


def _kept(g: Graph, curve: Curve) -> Curve:
    """Return what a supplier holds back: what a request takes, unless it minds no price."""
    return replace(curve, request=g.select(curve.kind, curve.request, g.number(0.0)))


def _price(g: Graph, curves: Sequence[Curve], supply: int, within: float = _ALL) -> int:
    """Return the price at which all of a supply is taken, by halving the range in which it lies."""
    minding = [curve for curve in curves if g.value(curve.kind) != 0.0] or curves
    low, high = (
        total(g, [g.make(op, curve.priority, curve.reach(g, within)) for curve in minding], end)
        for op, end in ((Op.SUBTRACT, Op.MINIMUM), (Op.ADD, Op.MAXIMUM))
    )
    for _ in range(_BISECTIONS):
        middle = g.multiply(g.number(0.5), g.add(low, high))
        above = g.make(Op.LESS, supply, total(g, [curve.at(g, middle) for curve in curves]))
        low, high = g.select(above, middle, low), g.select(above, high, middle)
    return g.multiply(g.number(0.5), g.add(low, high))
