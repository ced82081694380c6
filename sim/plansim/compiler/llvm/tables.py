"""Tables that are straight between their points."""

from __future__ import annotations

from plansim.compiler.ir import PiecewiseLinear
from plansim.compiler.llvm.writer import LANES, Writer

__all__ = ["looked_up"]

_MAGIC = 1.5 * 2.0**52
"""Added to a number below 2⁵¹, leaves it rounded to an integer, in the low bits."""
_COUNTED = 5
"""Up to so many points between the ends it takes less to compare with each."""
_MOST_CELLS = 1024


def looked_up(w: Writer, table: PiecewiseLinear, at: str) -> str:
    """Write the value of a table: y + slope·(x - start) of the segment that x lies in.

    No operation depends on how the segment is found, so that every way gives the same bits.
    """
    x, y = table.x, table.y
    low, high = w.number(x[0]), w.number(x[-1])
    inside = w.select(w.compare("olt", at, low), low, at)
    inside = w.select(w.compare("ogt", inside, high), high, inside)  # NaN stays
    place = _counted(w, x, inside) if len(x) - 2 <= _COUNTED else _guessed(w, x, inside)
    slopes = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    start, height, slope = (w.pick(values, place) for values in (x[:-1], y[:-1], slopes))
    rise = w.two("fmul", slope, w.two("fsub", inside, start))
    return w.two("fadd", height, rise)


def _counted(w: Writer, x: tuple[float, ...], inside: str) -> str:
    """Write the number of points between the ends that are passed."""
    place = w.zero_bits()
    for point in x[1:-1]:
        place = _one_more(w, place, w.compare("oge", inside, w.number(point)))
    return place


def _one_more(w: Writer, place: str, where: str) -> str:
    more = w.put(f"sext {w.truth} {where} to {w.bits}")
    return w.two_bits("sub", place, more)


def _guessed(w: Writer, x: tuple[float, ...], inside: str) -> str:
    """Write the segment by the cell of an even grid, and comparisons with the points in it.

    Cells are found by the same operations for x as for the points. These never fall where their
    operand rises, so that all points of cells before x's are passed, and none of those after it.
    """
    inverse, cells = _grid(x)
    shifted = w.two("fmul", w.two("fsub", inside, w.number(x[0])), w.number(inverse))
    cell = w.as_bits(w.two("fadd", shifted, w.number(_MAGIC)))
    before = [sum(c < i for c in cells) for i in range(cells[-1] + 1)]
    place = w.pick_bits(before, cell)
    for _ in range(max(map(cells[:-1].count, cells[:-1]), default=0)):
        following = w.pick([*x[1:-1], float("inf")], place)
        place = _one_more(w, place, w.compare("oge", inside, following))
    return place


def _grid(x: tuple[float, ...]) -> tuple[float, list[int]]:
    """Return what to multiply with to find a cell, and the cells of all points but the first."""
    candidates = [_cells(x, count) for count in _counts(len(x))]
    return min(candidates, key=lambda found: _cost(found[1]))


def _counts(points: int) -> list[int]:
    most = 2 * LANES if points <= 2 * LANES else min(_MOST_CELLS, 8 * points)
    return sorted({points, most - 1})


def _cost(cells: list[int]) -> int:
    return max(map(cells[:-1].count, cells[:-1]), default=0)


def _cells(x: tuple[float, ...], count: int) -> tuple[float, list[int]]:
    inverse = (count - 1) / (x[-1] - x[0])
    return inverse, [int((point - x[0]) * inverse + _MAGIC - _MAGIC) for point in x[1:]]
