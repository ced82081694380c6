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
from scipy.optimize import linprog

from plansim.scenario.factors import FloatArray

__all__ = [
    "FAILED",
    "CostFunction",
    "Evaluate",
    "MoveCost",
    "Point",
    "WorstOf",
    "finite",
    "maximise",
    "minimise",
    "slopes_at",
]

Flags: TypeAlias = npt.NDArray[np.bool_]
Evaluate: TypeAlias = Callable[[FloatArray], FloatArray]
"""From positions ``(run, lever)`` to their values, ``(run, column)``: scaled margins, and
further values such as growth or an outlay; NaN where a run broke down."""

FAILED = -1e3
"""Replaces every value of a run that broke down: far below all scaled margins."""
START_RADIUS, MINIMUM_RADIUS = 0.25, 1e-4
"""Radius of the trust region, as a share of each lever's range."""
NEAR_RADIUS = 0.1
"""Start radius of a search from a point that another search has brought near."""
MAXIMUM_RADIUS = 0.5
MAXIMUM_WIDTH = 0.05
"""Maximum width of finite differences: the start year of a measure acts by whole time steps, and
its slope is zero over smaller widths."""
MAXIMUM_STEPS = 60
FRACTIONS = np.array([1.0, 0.98, 0.9, 0.5, 0.25, 0.1])
"""Fractions of a planned step, all tried at once, since the whole step may go a little too far."""
GOOD_RATIO = 0.9
"""A step that gains a smaller share than this of the predicted gain is corrected."""
MINIMUM_GAIN = 1e-9
PROGRAMME_TOLERANCE = 1e-10
"""The smallest tolerance that HiGHS accepts."""
PENALTY = 1e6
"""Penalty for each unit by which a margin is below zero; costs are scaled to about 1."""
CLEARANCES = (1e-9, 1e-6, 1e-4, 1e-3)
"""Margins are kept above these; the next one is tried where a search ends just below zero."""
JUST_BELOW = 1e-2
STEP_LEVER_RADIUS = 0.02
"""In a trust region smaller than this, levers that act by steps stay at their positions."""
LINE = np.linspace(0.0, 1.0, 65)
SLIGHT_MOVES = (0.2, 0.1, 0.05)
"""Levers that are moved by less are moved back if the cost hardly rises."""


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


def slopes_at(
    evaluate: Evaluate, position: FloatArray, width: float = MINIMUM_RADIUS
) -> FloatArray:
    """Return the slopes of all columns, ``(column, lever)``, by differences of a width."""
    count = len(position)
    up = np.minimum(position + width * np.eye(count), 1.0)
    down = np.maximum(position - width * np.eye(count), 0.0)
    values = finite(evaluate(np.concatenate([up, down])))
    distance = np.diagonal(up - down)[:, None]
    return np.asarray(((values[:count] - values[count:]) / distance).T)


# --- costs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Maxima:
    """A sum of terms around a point, each the largest of some linear pieces."""

    levels: FloatArray
    """``(piece, term)``, at the point."""
    slopes: FloatArray
    """``(piece, term, lever)``"""
    prices: FloatArray
    """``(term,)``"""
    minimum: float = 0.0
    """No term is less."""

    def total(self, step: FloatArray) -> float:
        largest = (self.levels + self.slopes @ step).max(axis=0)
        return float(self.prices @ np.maximum(largest, self.minimum))


@dataclass(frozen=True)
class MoveCost:
    """A cost of moving levers from their present positions."""

    weights: FloatArray
    """``(lever,)``: of a move across the whole range; the largest about 1."""
    present: FloatArray
    """``(lever,)``: positions."""

    def of(self, positions: FloatArray, _: FloatArray) -> FloatArray:
        """Return the cost at positions: ``(run,)``."""
        return np.asarray(np.abs(positions - self.present) @ self.weights)

    def around(self, point: Point, _: FloatArray) -> _Maxima:
        """Return the cost around a point: of each lever the larger of its moves up and down."""
        moved, unit = point.position - self.present, np.eye(len(self.present))
        return _Maxima(np.stack([moved, -moved]), np.stack([unit, -unit]), self.weights)


@dataclass(frozen=True)
class WorstOf:
    """The largest of some columns, each times a factor."""

    columns: Sequence[int]
    factor: float = 1.0
    """Scales the cost to about 1; negative to make the smallest of the columns large."""

    def of(self, _: FloatArray, values: FloatArray) -> FloatArray:
        """Return the cost at values: ``(run,)``."""
        return np.asarray((self.factor * values[:, list(self.columns)]).max(axis=1))

    def around(self, point: Point, slopes: FloatArray) -> _Maxima:
        """Return the cost around a point."""
        columns = list(self.columns)
        return _Maxima(
            self.factor * point.values[columns, None],
            self.factor * slopes[columns, None],
            np.ones(1),
            -np.inf,
        )


CostFunction: TypeAlias = MoveCost | WorstOf
"""A cost that is minimised: what it is at positions, and around a point but for a constant."""


@dataclass(frozen=True)
class _Penalised:
    """A cost, and a penalty for margins that fall short."""

    cost: CostFunction
    margins: list[int]
    clearance: float = CLEARANCES[0]
    fixed: float = 0.0
    """Penalty for any shortfall, so that a feasible point is never left."""

    def of(self, positions: FloatArray, values: FloatArray) -> FloatArray:
        short = np.maximum(self.clearance - values[:, self.margins], 0.0).sum(axis=1)
        penalty = PENALTY * short + self.fixed * (short > 0)
        return np.asarray(self.cost.of(positions, values) + penalty)

    def at(self, point: Point) -> float:
        return float(self.of(point.position[None], point.values[None])[0])

    def around(self, point: Point, slopes: FloatArray) -> tuple[_Maxima, ...]:
        # Twice the clearance: the penalty must not react to the tolerance of the linear programme.
        short = 2 * self.clearance - point.values[None, self.margins]
        penalties = np.full(len(self.margins), PENALTY)
        return (
            self.cost.around(point, slopes),
            _Maxima(short, -slopes[None, self.margins], penalties),
        )

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
    cost = _Penalised(WorstOf(columns, -1.0), list(margins), clearance=0.0, fixed=PENALTY)
    return _descend(evaluate, cost, start, radius=NEAR_RADIUS)


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
    for _ in range(MAXIMUM_STEPS):
        if radius < minimum:
            break
        width = min(max(radius / 2, MINIMUM_RADIUS), MAXIMUM_WIDTH)
        slopes = slopes_at(evaluate, point.position, width)
        terms = cost.around(point, slopes)
        step = _plan(terms, point.position, radius * moved)
        trial = _try(evaluate, cost, point.position, step)
        promised = sum(term.total(0 * step) - term.total(step) for term in terms)
        if price - trial.price < GOOD_RATIO * promised:
            corrected = Point(point.position, trial.end - slopes @ step)
            step = _plan(cost.around(corrected, slopes), point.position, radius * moved)
            second = _try(evaluate, cost, point.position, step)
            trial = second if second.price < trial.price else trial
        if trial.price < price - MINIMUM_GAIN:
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


def _plan(terms: Sequence[_Maxima], position: FloatArray, radius: FloatArray) -> FloatArray:
    """Return the best step of the linearised problem inside the trust region.

    The unknowns are the step and the terms, none of which is below any of its pieces.
    """
    low, high = np.maximum(-radius, -position), np.minimum(radius, 1.0 - position)
    sizes = [len(term.prices) for term in terms]
    rows = []
    for term, before in zip(terms, np.cumsum([0, *sizes]), strict=False):
        own = np.eye(len(term.prices), sum(sizes), before)
        rows += [np.hstack([slopes, -own]) for slopes in term.slopes]
    result = linprog(
        np.concatenate([np.zeros(len(position)), *(term.prices for term in terms)]),
        A_ub=np.vstack(rows),
        b_ub=-np.concatenate([term.levels.ravel() for term in terms]),
        bounds=[
            *zip(low, high, strict=True),
            *((term.minimum, None) for term in terms for _ in term.prices),
        ],
        method="highs",
        options={
            "primal_feasibility_tolerance": PROGRAMME_TOLERANCE,
            "dual_feasibility_tolerance": PROGRAMME_TOLERANCE,
        },
    )
    if result.x is None:
        return np.zeros(len(position))
    return np.asarray(np.clip(result.x[: len(position)], low, high))


# --- minimum cost subject to margins -----------------------------------------------------


def minimise(
    evaluate: Evaluate,
    starts: Sequence[FloatArray],
    cost: CostFunction,
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
    penalised = _Penalised(cost, list(margins))
    free = np.ones(len(present), dtype=bool)
    positions = list(starts)
    for clearance in CLEARANCES:
        penalised = _Penalised(cost, list(margins), clearance)
        ends = [_descend_all(evaluate, penalised, start, present, free) for start in positions]
        best = min(ends, key=penalised.at)
        if penalised.shortfall(best) >= JUST_BELOW:
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
        np.abs(slopes_at(evaluate, position, width)).max(axis=0)
        for width in (MINIMUM_RADIUS, MAXIMUM_WIDTH)
    )
    return np.asarray((near == 0) & (far > 0))


def _line_searches(
    evaluate: Evaluate, cost: _Penalised, point: Point, present: FloatArray, chosen: Flags
) -> Point:
    """Move some levers, one by one, to the position of least cost, mostly part of the way back."""
    for lever in np.flatnonzero(chosen):
        own, back = point.position[lever], present[lever]
        line = np.concatenate([own + LINE * (back - own), LINE])
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
    for slight in SLIGHT_MOVES:
        moves = np.abs(point.position - present)
        kept = moves > slight
        if kept.all() or not (moves[~kept] > 0).any():
            continue
        start = np.where(kept, point.position, present)
        other = _descend_all(evaluate, cost, start, present, kept)
        if cost.at(other) <= (1 + worth) * cost.at(point):
            return other
    return point
