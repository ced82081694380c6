"""Functions of a line through points, whose places and heights are nodes of the graph.

The points rise by place. Beyond its ends a line keeps the height of the end or, ``onward``, goes on
as between the last two points.

Reference: Vensim's manual, fn_lookup_invert.
"""

from __future__ import annotations

from collections.abc import Sequence

from plansim.compiler.graph import Graph
from plansim.compiler.ir import Op
from plansim.model.reading.expression import MISSING

__all__ = ["between", "inverse", "stepped"]


def between(g: Graph, x: Sequence[int], y: Sequence[int], at: int, *, onward: bool = False) -> int:
    """Return the height of a line at a place."""
    inside = at
    if not onward:
        inside = g.make(Op.MAXIMUM, x[0], g.make(Op.MINIMUM, x[-1], at))
    found = y[0]
    for i in range(len(x) - 1):
        rise = _rise(g, x, y, i)
        part = g.add(y[i], g.multiply(rise, g.subtract(inside, x[i])))
        found = g.select(g.make(Op.LESS, inside, x[i]), found, part) if i else part
    return found


def inverse(g: Graph, x: Sequence[int], y: Sequence[int], height: int) -> int:
    """Return the first place at which a line has a height; missing if it never has."""
    found = g.number(MISSING)
    for i in range(len(x) - 2, -1, -1):
        low, high = (g.make(op, y[i], y[i + 1]) for op in (Op.MINIMUM, Op.MAXIMUM))
        above, below = g.make(Op.LESS_EQUAL, low, height), g.make(Op.LESS_EQUAL, height, high)
        found = g.select(g.make(Op.AND, above, below), _place(g, x, y, i, height), found)
    return found


def stepped(g: Graph, x: Sequence[int], y: Sequence[int], at: int, *, forward: bool) -> int:
    """Return the height of the next point, or of the one before."""
    found = y[-1] if forward else y[0]
    points = list(zip(x, y, strict=True))
    for point, height in reversed(points) if forward else points:
        order = (at, point) if forward else (point, at)
        found = g.select(g.make(Op.LESS_EQUAL, *order), height, found)
    return found


def _rise(g: Graph, x: Sequence[int], y: Sequence[int], i: int) -> int:
    return g.divide(g.subtract(y[i + 1], y[i]), g.subtract(x[i + 1], x[i]))


def _place(g: Graph, x: Sequence[int], y: Sequence[int], i: int, height: int) -> int:
    """Return where the line of a part reaches a height; its first point if it is level."""
    rise = g.subtract(y[i + 1], y[i])
    width = g.subtract(x[i + 1], x[i])
    reached = g.multiply(g.divide(g.subtract(height, y[i]), rise), width)
    level = g.make(Op.EQUAL, y[i], y[i + 1])
    return g.add(x[i], g.select(level, g.number(0.0), reached))
