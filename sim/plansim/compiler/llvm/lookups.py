"""Tables that are straight between their points."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from plansim.compiler.ir import PiecewiseLinear
from plansim.compiler.llvm.writer import BITS, LANES, TRUTH, Writer

__all__ = ["looked_up"]

_MAGIC = 1.5 * 2.0**52
"""Added to a number below 2⁵¹, leaves it rounded to an integer, in the low bits."""
_MOST_CELLS = 1024


def looked_up(w: Writer, table: PiecewiseLinear, at: str) -> str:
    """Write the value of a table: y + slope·(x - start) of the segment that x lies in.

    No operation depends on how the segment is found, so that every way gives the same bits.
    """
    x, y = table.x, table.y
    low, high = w.number(x[0]), w.number(x[-1])
    inside = w.select(w.compare("olt", at, low), low, at)
    inside = w.select(w.compare("ogt", inside, high), high, inside)  # NaN stays
    grid = _grid(x)
    place = _counted(w, x, inside) if grid is None else _guessed(w, x, inside, grid)
    slopes = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    start, height, slope = (w.pick(values, place) for values in (x[:-1], y[:-1], slopes))
    rise = w.two("fmul", slope, w.two("fsub", inside, start))
    return w.two("fadd", height, rise)


def _counted(w: Writer, x: tuple[float, ...], inside: str) -> str:
    """Write the number of points between the ends that are passed."""
    place = "zeroinitializer"
    for point in x[1:-1]:
        place = _one_more(w, place, w.compare("oge", inside, w.number(point)))
    return place


def _one_more(w: Writer, place: str, where: str) -> str:
    more = w.put(f"sext {TRUTH} {where} to {BITS}")
    return w.two_bits("sub", place, more)


@dataclass(frozen=True)
class _Grid:
    """Even cells, and where points lie in them."""

    inverse: float
    """Of a cell's width."""
    before: Sequence[int]
    """By cell, the number of points between the ends that lie in cells before it."""
    most: int
    """The most points between the ends in one cell."""


def _guessed(w: Writer, x: tuple[float, ...], inside: str, grid: _Grid) -> str:
    """Write the segment by the cell of an even grid, and comparisons with the points in it.

    Cells are found by the same operations for x as for the points. These never fall where their
    operand rises, so that all points in cells before that of x are passed, and none in later ones.
    """
    cells = w.two("fmul", w.two("fsub", inside, w.number(x[0])), w.number(grid.inverse))
    place = w.pick_bits(grid.before, w.as_bits(w.two("fadd", cells, w.number(_MAGIC))))
    for _ in range(grid.most):
        following = w.pick([*x[1:-1], math.inf], place)
        place = _one_more(w, place, w.compare("oge", inside, following))
    return place


def _grid(x: tuple[float, ...]) -> _Grid | None:
    """Return the grid with the fewest points in a cell; None if to compare with each is faster."""
    few = 2 * LANES
    most = few if len(x) <= few else min(_MOST_CELLS, 8 * len(x))
    inverses = [(count - 1) / (x[-1] - x[0]) for count in (len(x), most)]
    grids = [_laid(x, inverse) for inverse in inverses if 0 < inverse < math.inf]
    best = min(grids, key=lambda grid: grid.most, default=None)
    if best is None or 2 * (len(x) - 2) <= 4 + 3 * best.most:  # operations of each way
        return None
    return best


def _laid(x: tuple[float, ...], inverse: float) -> _Grid:
    *cells, last = (int((point - x[0]) * inverse + _MAGIC - _MAGIC) for point in x[1:])
    counts = Counter(cells)
    before = itertools.accumulate((counts[cell] for cell in range(last)), initial=0)
    return _Grid(inverse, tuple(before), max(counts.values(), default=0))
