"""Weighted least squares inside ranges: the best point, and intervals of its parameters.

Parameters are moved in shares of their ranges, so that 0 and 1 are the ends. A gradient takes one
call with all its points, since an ensemble of runs costs little more than one.

Intervals are those of the profile likelihood: a parameter is fixed, all others are fitted again,
and the values at which the sum of squares has risen by the quantile of chi-squared are the ends.
For a linear model that is the interval of the textbooks. Where the model misses the data by more
than the errors that are stated, errors are taken to be larger in that proportion (Birge's ratio).

References: S. S. Wilks, Annals of Mathematical Statistics 9 (1938) 60-62; A. Raue and others,
Structural and practical identifiability analysis by exploiting the profile likelihood,
Bioinformatics 25 (2009) 1923-1929; R. T. Birge, Physical Review 40 (1932) 207-227.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.stats import chi2, qmc

from plansim.targets.indicator import Floats

__all__ = ["LEVEL", "Fit", "Interval", "Residuals", "fit", "profile"]

LEVEL = 0.95
"""Default confidence level of intervals."""
STEP = 1e-4
"""Width of a finite difference, as a share of the range."""
PROFILE_POINTS = 12
"""Number of points between the best value and an end at which a profile is evaluated."""
FAILED = 1e4
"""The residual of a run that breaks down, too large for any fit to end at."""
SAME = 1e-6
"""Sums of squares that differ by less, relatively, are the same optimum."""

Residuals: TypeAlias = Callable[[Floats], Floats]
"""From points, ``(run, parameter)`` in shares of the ranges, to weighted misses in standard
deviations, ``(run, observation)``; NaN where a run breaks down."""


@dataclass(frozen=True)
class Fit:
    """The point of least squares."""

    point: Floats
    """``(parameter,)`` in shares of the ranges."""
    misses: Floats
    """``(observation,)``: the residuals at the point, in standard deviations."""
    slopes: Floats
    """``(observation, parameter)``: the Jacobian of the residuals at the point."""
    starts: int
    agreed: int
    """Number of starts that ended at this sum of squares."""

    @property
    def chi_squared(self) -> float:
        """The weighted sum of squares."""
        return float(self.misses @ self.misses)

    @property
    def freedom(self) -> int:
        """Degrees of freedom: observations less the parameters that they determine."""
        return len(self.misses) - len(self.point)

    @property
    def inflation(self) -> float:
        """Factor by which squared errors are taken to be larger than stated (Birge); at least 1."""
        return max(1.0, self.chi_squared / self.freedom) if self.freedom > 0 else 1.0


@dataclass(frozen=True)
class Interval:
    """Confidence interval of a parameter, in shares of its range."""

    low: float
    high: float
    open_low: bool
    """Whether the range ends before the limit of the profile is reached."""
    open_high: bool


def fit(
    residuals: Residuals,
    start: Floats,
    *,
    starts: int = 1,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> Fit:
    """Find the point of least squares from a start and from others all over the ranges.

    Args:
        residuals: the function whose sum of squares is minimised.
        start: the first start, ``(parameter,)``.
        starts: number of starts; the others are points of a scrambled Sobol sequence.
        seed: seed of that sequence.
        progress: is told how many starts are done.
    """
    start = np.clip(np.asarray(start, dtype=np.float64), 0.0, 1.0)
    points = [start]
    if starts > 1:
        sequence = qmc.Sobol(len(start), scramble=True, rng=np.random.default_rng(seed))
        power = int(np.ceil(np.log2(starts - 1)))
        points += list(sequence.random_base2(power)[: starts - 1])
    problem = _LeastSquares(residuals)
    ends = []
    for point in points:
        ends.append(problem.least(point))
        progress(len(ends))
    costs = np.array([problem.cost(end) for end in ends])
    best = ends[int(np.argmin(costs))]
    agreed = int(np.sum(costs <= costs.min() * (1 + SAME) + SAME))
    return Fit(best, problem.misses(best), problem.slopes(best), starts, agreed)


def profile(residuals: Residuals, best: Fit, index: int, *, level: float = LEVEL) -> Interval:
    """Return the interval of one parameter by the profile of its likelihood."""
    limit = best.chi_squared + best.inflation * float(chi2.ppf(level, 1))
    low, high = (_end(residuals, best, index, toward, limit) for toward in (0.0, 1.0))
    open_low, open_high = low is None, high is None
    return Interval(0.0 if low is None else low, 1.0 if high is None else high, open_low, open_high)


def _end(residuals: Residuals, best: Fit, index: int, toward: float, limit: float) -> float | None:
    """Return the value where the profile first passes the limit towards an end; None if nowhere."""
    problem = _LeastSquares(residuals, index)
    start = best.point[index]
    if start == toward:
        return None
    guess = best.point
    before = start

    def above(value: float) -> float:
        return problem.cost(problem.least(_with_fixed(guess, index, value))) - limit

    for value in np.linspace(start, toward, PROFILE_POINTS + 1)[1:]:
        result = problem.least(_with_fixed(guess, index, value))
        if problem.cost(result) >= limit:
            return float(brentq(above, before, value, xtol=1e-9, rtol=1e-9))
        guess, before = result, float(value)
    return None


def _with_fixed(point: Floats, index: int, value: float) -> Floats:
    moved = point.copy()
    moved[index] = value
    return moved


@dataclass
class _LeastSquares:
    """Residuals as a function of the free parameters; one may be fixed."""

    residuals: Residuals
    fixed: int | None = None

    def misses(self, point: Floats) -> Floats:
        return np.asarray(self._sound(point[np.newaxis])[0])

    def cost(self, point: Floats) -> float:
        misses = self.misses(point)
        return float(misses @ misses)

    def slopes(self, point: Floats) -> Floats:
        """Return the Jacobian by central differences, one-sided at the ends, all in one call."""
        count = len(point)
        low, high = np.tile(point, (count, 1)), np.tile(point, (count, 1))
        diagonal = np.arange(count)
        low[diagonal, diagonal] = np.maximum(point - STEP, 0.0)
        high[diagonal, diagonal] = np.minimum(point + STEP, 1.0)
        values = self._sound(np.concatenate([low, high]))
        width = (high - low)[diagonal, diagonal]
        slopes: Floats = ((values[count:] - values[:count]) / width[:, np.newaxis]).T
        return slopes

    def least(self, start: Floats) -> Floats:
        """Return the local least-squares solution from a start."""
        free = [index for index in range(len(start)) if index != self.fixed]
        if not free:
            return start

        def whole(part: Floats) -> Floats:
            point = start.copy()
            point[free] = part
            return point

        result = least_squares(
            lambda part: self.misses(whole(part)),
            np.clip(start[free], 1e-9, 1 - 1e-9),  # the method must start in the interior
            jac=lambda part: self.slopes(whole(part))[:, free],
            bounds=(0.0, 1.0),
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
            max_nfev=200,
        )
        # The solver never quite reaches an end: move close values onto it, unless that is worse.
        ends = np.round(result.x)
        snapped = whole(np.where(np.abs(result.x - ends) < 1e-6, ends, result.x))
        inside = whole(result.x)
        return snapped if self.cost(snapped) <= self.cost(inside) * (1 + SAME) else inside

    def _sound(self, points: Floats) -> Floats:
        values = np.asarray(self.residuals(points), dtype=np.float64)
        return np.where(np.isfinite(values), values, FAILED)
