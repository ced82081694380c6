"""Sequential linear programming with a trust region: the one local solver of decision problems.

A cost is minimised over positions of levers, each from 0 to 1 across its range, subject to margins
that must not be negative (Griffith and Stewart 1961). The cost and the penalty for violated margins
may have kinks, such as the distance that a lever is moved in either direction or the worst of
several margins. Gradient methods stop beside such kinks; the linear programme reaches them. Where
the functions are curved, a step is planned again with the values at its end (the second-order
correction of Fletcher 1982).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.scenario.factors import FloatArray

__all__ = [
    "FAILED",
    "Evaluate",
    "Point",
    "TermCost",
    "finite",
    "maximise",
    "minimise",
    "move_cost",
    "worst_of",
]

Flags: TypeAlias = npt.NDArray[np.bool_]
Evaluate: TypeAlias = Callable[[FloatArray], FloatArray]
"""Evaluates positions ``(run, lever)``: scaled margins, and further values such as growth or an
outlay, ``(run, column)``; NaN where a run broke down."""

FAILED = -1e3
"""Replaces every value of a run that broke down: far below all scaled margins."""
START_RADIUS, MINIMUM_RADIUS, MAXIMUM_RADIUS = 0.25, 1e-4, 0.5
"""Radius of the trust region, as a share of each lever's range."""
MAXIMUM_WIDTH = 0.05
"""Maximum width of finite differences: the start year of a measure acts by whole time steps, and
its slope is zero over smaller widths."""
FRACTIONS = np.array([1.0, 0.98, 0.9, 0.5, 0.25, 0.1])
"""Fractions of a planned step, all tried at once, since the whole step may go a little too far."""
PENALTY = 1e6
"""Penalty for each unit by which a margin is below zero; costs are scaled to about 1."""
CLEARANCES = (1e-9, 1e-6, 1e-4, 1e-3)
"""Margins are kept above these; the next one is tried where a search ends just below zero."""
STEP_LEVER_RADIUS = 0.02
"""In a trust region smaller than this, levers that act by steps stay at their positions."""


@dataclass(frozen=True)
class Point:
    """A point of the search space."""

    position: FloatArray
    """``(lever,)``"""
    values: FloatArray
    """``(column,)``"""


def finite(values: FloatArray) -> FloatArray:
    """Return the values with `FAILED` in place of all that are not finite."""
    return np.asarray(np.where(np.isfinite(values), values, FAILED))


def _slopes(evaluate: Evaluate, position: FloatArray, width: float) -> FloatArray:
    """Return the slopes of all columns, ``(column, lever)``, by differences of a width."""
    count = len(position)
    up = np.minimum(position + width * np.eye(count), 1.0)
    down = np.maximum(position - width * np.eye(count), 0.0)
    values = finite(evaluate(np.concatenate([up, down])))
    distance = np.diagonal(up - down)[:, None]
    return np.asarray(((values[:count] - values[count:]) / distance).T)


# --- costs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TermCost:
    """A sum of terms, each the largest of some pieces, which are linear."""

    pieces: Callable[[FloatArray, FloatArray], FloatArray]
    """Returns the pieces, ``(run, piece, term)``, at positions ``(run, lever)`` with values ``(run,
    column)``."""
    prices: FloatArray
    """``(term,)``"""
    minimum: float = 0.0
    """No term is less."""

    def of(self, positions: FloatArray, values: FloatArray) -> FloatArray:
        """Return the cost at positions, with the values there: ``(run,)``."""
        largest = self.pieces(positions, values).max(axis=1)
        return np.asarray(np.maximum(largest, self.minimum) @ self.prices)

    def around(self, point: Point, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the pieces at a point, ``(piece, term)``, and their slopes by lever."""
        moved = point.position + np.vstack([np.zeros_like(point.position), np.eye(slopes.shape[1])])
        pieces = self.pieces(moved, np.vstack([point.values, point.values + slopes.T]))
        return pieces[0], np.moveaxis(pieces[1:] - pieces[0], 0, -1)


def move_cost(weights: FloatArray, present: FloatArray) -> TermCost:
    """Return the cost of moving levers, either way, from their present positions.

    ``weights``, ``(lever,)``, are of a move across the whole range; the largest is about 1.
    """
    return TermCost(
        lambda positions, _: np.stack([positions - present, present - positions], axis=1), weights
    )


def worst_of(columns: Sequence[int], factor: float) -> TermCost:
    """Return the cost that is the largest of some columns, each times a factor.

    The factor scales it to about 1, and is negative to make the smallest of the columns large.
    """
    return TermCost(
        lambda _, values: factor * values[:, list(columns), None], np.ones(1), minimum=-np.inf
    )


@dataclass(frozen=True)
class _Penalised:
    """A cost, and a penalty for margins that fall short."""

    cost: TermCost
    margins: list[int]
    clearance: float
    fixed: float = 0.0
    """Penalty for any shortfall, so that a feasible point is never left."""

    def short_of(self, clearance: float) -> TermCost:
        return TermCost(
            lambda _, values: clearance - values[:, None, self.margins],
            np.full(len(self.margins), PENALTY),
        )

    def of(self, positions: FloatArray, values: FloatArray) -> FloatArray:
        penalty = self.short_of(self.clearance).of(positions, values)
        cost = self.cost.of(positions, values) + penalty + self.fixed * (penalty > 0)
        return np.asarray(cost)

    def at(self, point: Point) -> float:
        return float(self.of(point.position[None], point.values[None])[0])

    @property
    def planned(self) -> tuple[TermCost, TermCost]:
        """The terms by which steps are planned."""
        # Twice the clearance: the penalty must not react to the tolerance of the linear programme.
        return self.cost, self.short_of(2 * self.clearance)

    def shortfall(self, point: Point) -> float:
        """Return what the worst margin falls short by; negative where all hold."""
        return -float(point.values[self.margins].min())


# --- the local search -----------------------------------------------------------------------------


def maximise(
    evaluate: Evaluate, start: Point, columns: Sequence[int], margins: Sequence[int]
) -> Point:
    """Maximise the smallest of some columns while margins are not negative.

    The result is never worse than the start.
    """
    cost = _Penalised(worst_of(columns, -1.0), list(margins), clearance=0.0, fixed=PENALTY)
    return _descend(evaluate, cost, start, radius=0.1)  # another search has brought the start near


def _descend(
    evaluate: Evaluate,
    cost: _Penalised,
    start: Point,
    *,
    free: Flags | None = None,
    radius: float = START_RADIUS,
    minimum: float = MINIMUM_RADIUS,
) -> Point:
    """Minimise over the levers that are free until the trust region is small."""
    point, price = start, cost.at(start)
    moved = np.ones(len(start.position)) if free is None else free.astype(np.float64)
    for _ in range(60):
        if radius < minimum:
            break
        width = min(max(radius / 2, MINIMUM_RADIUS), MAXIMUM_WIDTH)
        slopes = _slopes(evaluate, point.position, width)
        step, promised = _plan(cost, point, slopes, radius * moved)
        trial = _try(evaluate, cost, point.position, step)
        if price - trial.price < 0.9 * promised:
            corrected = Point(point.position, trial.end - slopes @ step)
            step, _ = _plan(cost, corrected, slopes, radius * moved)
            second = _try(evaluate, cost, point.position, step)
            trial = second if second.price < trial.price else trial
        if trial.price < price - 1e-9:
            whole = trial.fraction == 1
            radius = min(radius * 1.5, MAXIMUM_RADIUS) if whole else radius * trial.fraction
            point, price = trial.point, trial.price
        else:
            radius /= 4
    return point


@dataclass(frozen=True)
class _Trial:
    """The best point on the way to the end of a planned step."""

    point: Point
    price: float
    fraction: float
    end: FloatArray
    """The values at the end of the step."""


def _try(evaluate: Evaluate, cost: _Penalised, position: FloatArray, step: FloatArray) -> _Trial:
    positions = np.clip(position + FRACTIONS[:, None] * step, 0.0, 1.0)
    values = finite(evaluate(positions))
    prices = cost.of(positions, values)
    best = int(np.argmin(prices))
    return _Trial(
        Point(positions[best], values[best]), float(prices[best]), float(FRACTIONS[best]), values[0]
    )


def _plan(
    cost: _Penalised, point: Point, slopes: FloatArray, radius: FloatArray
) -> tuple[FloatArray, float]:
    """Return the best step of the linearised problem in the trust region, and what it promises.

    The unknowns are the step and the terms, none of which is below any of its pieces.
    """
    from scipy.optimize import linprog

    levers, terms = len(radius), [(*one.around(point, slopes), one) for one in cost.planned]
    low = np.maximum(-radius, -point.position)
    high = np.minimum(radius, 1.0 - point.position)
    count = sum(len(one.prices) for *_, one in terms)
    rows, before = [], 0
    for _, leaning, one in terms:
        own = np.eye(len(one.prices), count, before)
        rows += [np.hstack([piece, -own]) for piece in leaning]
        before += len(one.prices)
    result = linprog(
        np.concatenate([np.zeros(levers), *(one.prices for *_, one in terms)]),
        A_ub=np.vstack(rows),
        b_ub=-np.concatenate([levels.ravel() for levels, *_ in terms]),
        bounds=[
            *zip(low, high, strict=True),
            *((one.minimum, None) for *_, one in terms for _ in one.prices),
        ],
        method="highs",
        # The smallest that HiGHS accepts.
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    step = np.zeros(levers) if result.x is None else np.clip(result.x[:levers], low, high)

    def total(step: FloatArray) -> float:
        return sum(
            float(one.prices @ np.maximum((levels + leaning @ step).max(axis=0), one.minimum))
            for levels, leaning, one in terms
        )

    return step, total(0 * step) - total(step)


# --- minimum cost subject to margins -----------------------------------------------------


def minimise(
    evaluate: Evaluate,
    starts: Sequence[FloatArray],
    cost: TermCost,
    margins: Sequence[int],
    present: FloatArray,
    *,
    worth: float = 0.0,
) -> Point:
    """Return the point of least cost at which no margin is negative.

    If none is reached, return the point with the least sum of shortfalls; its values tell which
    it is.

    Args:
        evaluate: computes the values at positions; margins as shares of a target.
        starts: positions to start from; the best result counts.
        cost: the cost to minimise.
        margins: the columns that must not be negative.
        present: ``(lever,)``, present positions.
        worth: share by which the cost may be higher if fewer levers are moved.
    """
    free = np.ones(len(present), dtype=bool)
    positions = list(starts)
    for clearance in CLEARANCES:
        penalised = _Penalised(cost, list(margins), clearance)
        ends = [_descend_all(evaluate, penalised, start, present, free) for start in positions]
        best = min(ends, key=penalised.at)
        if penalised.shortfall(best) >= 1e-2:
            break
        best = _fewer(evaluate, penalised, best, present, worth) if worth else best
        if penalised.shortfall(best) <= 0:
            break
        positions = [best.position]
    return best


def _descend_all(
    evaluate: Evaluate, cost: _Penalised, start: FloatArray, present: FloatArray, free: Flags
) -> Point:
    """Minimise over the levers that are free, with those that act by steps only at first."""
    position = np.clip(start, 0.0, 1.0)
    point = Point(position, finite(evaluate(position[None]))[0])
    point = _descend(evaluate, cost, point, free=free, minimum=STEP_LEVER_RADIUS)
    stepwise = free & _act_by_steps(evaluate, point.position)
    point = _line_searches(evaluate, cost, point, present, stepwise)
    return _descend(evaluate, cost, point, free=free & ~stepwise, radius=STEP_LEVER_RADIUS)


def _act_by_steps(evaluate: Evaluate, position: FloatArray) -> Flags:
    """Return the levers with an effect over a wide difference but none over a narrow one."""
    near, far = (
        np.abs(_slopes(evaluate, position, width)).max(axis=0)
        for width in (MINIMUM_RADIUS, MAXIMUM_WIDTH)
    )
    return np.asarray((near == 0) & (far > 0))


def _line_searches(
    evaluate: Evaluate, cost: _Penalised, point: Point, present: FloatArray, chosen: Flags
) -> Point:
    """Move some levers, one by one, to the position of least cost, mostly part of the way back."""
    grid = np.linspace(0.0, 1.0, 65)
    for lever in np.flatnonzero(chosen):
        own, back = point.position[lever], present[lever]
        line = np.concatenate([own + grid * (back - own), grid])
        positions = np.repeat(point.position[None], len(line), axis=0)
        positions[:, lever] = line
        values = finite(evaluate(positions))
        best = int(np.argmin(cost.of(positions, values)))  # the first is its present position
        point = Point(positions[best], values[best])
    return point


def _fewer(
    evaluate: Evaluate, cost: _Penalised, point: Point, present: FloatArray, worth: float
) -> Point:
    """Move levers that are hardly moved back to the start if the cost hardly rises."""
    for slight in (0.2, 0.1, 0.05):
        moves = np.abs(point.position - present)
        kept = moves > slight
        if kept.all() or not (moves[~kept] > 0).any():
            continue
        start = np.where(kept, point.position, present)
        other = _descend_all(evaluate, cost, start, present, kept)
        if cost.at(other) <= (1 + worth) * cost.at(point):
            return other
    return point
