"""Levers one by one: a grid over the range of each, then bisection to where margins turn positive.

An interval of good values that lies between two points of a grid is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from plansim.analysis.optimization.problem import DecisionProblem
from plansim.analysis.optimization.slp import finite
from plansim.scenario.factors import FloatArray

__all__ = ["Scan", "brackets", "nearest_crossings", "scan"]

Scan: TypeAlias = list[tuple[FloatArray, FloatArray]]
"""Positions of each lever's grid, and the scaled margins there: ``(point, target)``."""


def scan(problem: DecisionProblem, points: int) -> Scan:
    """Evaluate each lever alone over a grid of its range and at its present value, in one block."""
    start = problem.start
    grids = [np.unique(np.append(np.linspace(0.0, 1.0, points), at)) for at in start]
    values = finite(problem.evaluate(_single_moves(start, enumerate(grids))))
    ends = np.cumsum([len(grid) for grid in grids])[:-1]
    return list(zip(grids, np.split(values, ends), strict=True))


def nearest_crossings(
    problem: DecisionProblem, scanned: Scan, columns: Sequence[int]
) -> dict[int, float]:
    """Return by lever the position nearest to its present one at which margins are good.

    ``columns`` are the margins. A lever that does not make them good by itself is not in it.
    """
    start = problem.start
    edges = [
        (lever, bad, good)
        for lever, (grid, values) in enumerate(scanned)
        for bad, good in brackets(grid, values[:, list(columns)].min(axis=1), float(start[lever]))
    ]
    bad = np.array([edge[1] for edge in edges])
    good = np.array([edge[2] for edge in edges])
    for _ in range(30 if edges else 0):
        middle = (bad + good) / 2
        moves = [(edge[0], at) for edge, at in zip(edges, middle, strict=True)]
        values = finite(problem.evaluate(_single_moves(start, moves)))
        holds = (values[:, list(columns)] >= 0).all(axis=1)
        good, bad = np.where(holds, middle, good), np.where(holds, bad, middle)
    nearest: dict[int, float] = {}
    for (lever, _, _), at in zip(edges, good.tolist(), strict=True):
        if lever not in nearest or abs(at - start[lever]) < abs(nearest[lever] - start[lever]):
            nearest[lever] = at
    return nearest


def _single_moves(start: FloatArray, moves: Iterable[tuple[int, ArrayLike]]) -> FloatArray:
    """Return positions at each of which one lever is moved: ``(run, lever)``."""
    parts = []
    for lever, at in moves:
        part = np.tile(start, (np.size(at), 1))
        part[:, lever] = at
        parts.append(part)
    return np.concatenate(parts)


def brackets(grid: FloatArray, margins: FloatArray, present: float) -> list[tuple[float, float]]:
    """Return where a margin turns good nearest to the present value, on either side of it.

    Of each side the first point of the grid with a margin not below zero, after the one before it.

    >>> brackets(np.arange(5.0), np.array([1.0, -1.0, -1.0, -1.0, 2.0]), 2.0)
    [(3.0, 4.0), (1.0, 0.0)]
    """
    good = np.flatnonzero(margins >= 0)
    middle = int(np.searchsorted(grid, present))
    pairs = []
    if len(right := good[good > middle]):
        pairs.append((float(grid[right[0] - 1]), float(grid[right[0]])))
    if len(left := good[good < middle]):
        pairs.append((float(grid[left[-1] + 1]), float(grid[left[-1]])))
    return pairs
