"""Functions of a line through points, whose places and heights are nodes of the graph.

The points rise by place. Beyond its ends a line keeps the height of the end or, ``onward``, goes on
as between the last two points.

References: Vensim's manual, fn_lookup_area, fn_lookup_invert, fn_lookup_slope, fn_vector_lookup.
"""

from __future__ import annotations

from collections.abc import Sequence

from plansim.compiler.graph import Graph
from plansim.compiler.ir import Op
from plansim.model.reading.expression import MISSING

__all__ = ["area", "between", "inverse", "slope", "stepped"]


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


def area(g: Graph, x: Sequence[int], y: Sequence[int], to: int, *, onward: bool = False) -> int:
    """Return the area under a line from its first point on; before that it is negative."""
    last = len(x) - 1
    rises = [_rise(g, x, y, i) if onward else g.number(0.0) for i in (0, last - 1)]
    before = g.subtract(g.make(Op.MINIMUM, to, x[0]), x[0])
    behind = g.subtract(g.make(Op.MAXIMUM, to, x[last]), x[last])
    found = g.add(_under(g, y[0], rises[0], before), _under(g, y[last], rises[1], behind))
    for i in range(last):
        if not _is_jump(x, i):
            reached = g.make(Op.MAXIMUM, x[i], g.make(Op.MINIMUM, x[i + 1], to))
            width = g.subtract(reached, x[i])
            found = g.add(found, _under(g, y[i], _rise(g, x, y, i), width))
    return found


def slope(g: Graph, x: Sequence[int], y: Sequence[int], at: int, beyond: int) -> int:
    """Return the slope of a line; at a point in its middle the mean of both sides, at a jump none.

    ``beyond`` is the slope past the ends: 0 is zero, 1 that of the nearest part, -1 missing.
    """
    missing = g.number(MISSING)
    rises = [_rise(g, x, y, i) for i in range(len(x) - 1)]
    ends = {0: (g.number(0.0),) * 2, 1: (rises[0], rises[-1]), -1: (missing, missing)}[beyond]
    found = ends[0]
    for i, rise in enumerate(rises):
        if not _is_jump(x, i):
            found = g.select(g.make(Op.LESS, x[i], at), rise, found)
    found = g.select(g.make(Op.LESS, x[-1], at), ends[1], found)
    found = g.select(g.make(Op.EQUAL, x[0], at), rises[0], found)
    for i in range(1, len(x) - 1):
        mean = g.multiply(g.number(0.5), g.add(rises[i - 1], rises[i]))
        at_jump = _is_jump(x, i) or _is_jump(x, i - 1)
        found = g.select(g.make(Op.EQUAL, x[i], at), missing if at_jump else mean, found)
    return found


def inverse(
    g: Graph, x: Sequence[int], y: Sequence[int], height: int, *, onward: bool = False
) -> int:
    """Return the first place at which a line has a height; missing if it never has."""
    found = g.number(MISSING)
    last = len(x) - 2
    if onward:
        place = _place(g, x, y, last, height)
        found = g.select(g.make(Op.LESS, x[-1], place), place, found)
    for i in range(last, -1, -1):
        low, high = (g.make(op, y[i], y[i + 1]) for op in (Op.MINIMUM, Op.MAXIMUM))
        above, below = g.make(Op.LESS_EQUAL, low, height), g.make(Op.LESS_EQUAL, height, high)
        found = g.select(g.make(Op.AND, above, below), _place(g, x, y, i, height), found)
    if onward:
        place = _place(g, x, y, 0, height)
        found = g.select(g.make(Op.LESS, place, x[0]), place, found)
    return found


def stepped(g: Graph, x: Sequence[int], y: Sequence[int], at: int, *, forward: bool) -> int:
    """Return the height of the next point, or of the one before."""
    found = y[-1] if forward else y[0]
    points = list(zip(x, y, strict=True))
    for point, height in reversed(points) if forward else points:
        order = (at, point) if forward else (point, at)
        found = g.select(g.make(Op.LESS_EQUAL, *order), height, found)
    return found


def _is_jump(x: Sequence[int], i: int) -> bool:
    """Return whether a point and the next one are at one place."""
    return x[i] == x[i + 1]


def _rise(g: Graph, x: Sequence[int], y: Sequence[int], i: int) -> int:
    return g.divide(g.subtract(y[i + 1], y[i]), g.subtract(x[i + 1], x[i]))


def _under(g: Graph, height: int, rise: int, width: int) -> int:
    """Return the area under a line that begins at a height."""
    middle = g.add(height, g.multiply(g.number(0.5), g.multiply(rise, width)))
    return g.multiply(width, middle)


def _place(g: Graph, x: Sequence[int], y: Sequence[int], i: int, height: int) -> int:
    """Return where the line of a part reaches a height; its first point if it is level."""
    rise = g.subtract(y[i + 1], y[i])
    width = g.subtract(x[i + 1], x[i])
    reached = g.multiply(g.divide(g.subtract(height, y[i]), rise), width)
    level = g.make(Op.EQUAL, y[i], y[i + 1])
    return g.add(x[i], g.select(level, g.number(0.0), reached))
