"""Distributions of a factor's values.

A design gives each factor a number u between 0 and 1; the distribution's quantile of u is the
factor's value, so that one design serves all distributions.

`scipy.stats` would draw the same values: norm and lognorm to 2 ulp, triang to 2 ulp away from zero,
truncnorm to 3e-16 of the standard deviation. But triang takes 6 times and truncnorm 20 times as
long (210 ns a value where a whole run takes 20 µs), so a design of many truncated normals would be
slower by more than a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plansim.scenario.factors import Distribution, Factor
from plansim.targets.indicator import Floats

__all__ = ["Discrete", "Lognormal", "Normal", "Triangular", "Uniform", "levels_of", "quantiles"]


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution from ``low`` to ``high``."""

    low: float
    high: float

    def quantile(self, u: Floats) -> Floats:
        """Return the quantiles of the probabilities ``u``, in the same shape."""
        return np.clip(self.low + (self.high - self.low) * u, self.low, self.high)


@dataclass(frozen=True)
class Triangular:
    """The triangular distribution from ``low`` to ``high`` with its mode."""

    low: float
    mode: float
    high: float

    def quantile(self, u: Floats) -> Floats:
        """Return the quantiles of the probabilities ``u``, in the same shape."""
        width = self.high - self.low
        left, right = self.mode - self.low, self.high - self.mode
        values = np.where(
            u * width < left,
            self.low + np.sqrt(u * width * left),
            self.high - np.sqrt((1 - u) * width * right),
        )
        return np.clip(values, self.low, self.high)


@dataclass(frozen=True)
class Normal:
    """A normal distribution, cut off at ``low`` and ``high``."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    def quantile(self, u: Floats) -> Floats:
        """Return the quantiles of the probabilities ``u``, in the same shape."""
        from scipy.special import ndtr, ndtri  # slow to load, and other distributions do without

        ends = ndtr((np.array([self.low, self.high]) - self.mean) / self.sd)
        inside = ends[0] + (ends[1] - ends[0]) * u
        values: Floats = np.clip(self.mean + self.sd * ndtri(inside), self.low, self.high)
        return values


@dataclass(frozen=True)
class Lognormal:
    """A normal distribution of the logarithm, cut off at ``low`` and ``high``."""

    median: float
    spread: float
    """The standard deviation of the natural logarithm."""
    low: float = 0.0
    high: float = math.inf

    def quantile(self, u: Floats) -> Floats:
        """Return the quantiles of the probabilities ``u``, in the same shape."""
        ends = [math.log(end) if end > 0 else -math.inf for end in (self.low, self.high)]
        inner = Normal(math.log(self.median), self.spread, *ends)
        return np.clip(np.exp(inner.quantile(u)), self.low, self.high)


@dataclass(frozen=True)
class Discrete:
    """One of ``values``, with probabilities in proportion to ``weights``."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)

    def quantile(self, u: Floats) -> Floats:
        """Return the first value whose summed probability exceeds ``u``; the shape stays."""
        ends = np.cumsum(self.weights) / np.sum(self.weights)
        index = np.searchsorted(ends, u, side="right")
        return np.array(self.values)[np.minimum(index, len(self.values) - 1)]


def quantiles(factors: Sequence[Factor], shares: Floats) -> Floats:
    """Return the values of factors at probabilities, both ``(point, factor)``.

    Without those of factors that have no distribution.
    """
    columns = [
        factor.distribution.quantile(shares[:, column])
        for column, factor in enumerate(factors)
        if factor.distribution is not None
    ]
    return np.stack(columns, axis=1)


def levels_of(distribution: Distribution, count: int) -> Floats:
    """Return the values of a grid's axis: all of a discrete distribution, else ``count`` of them.

    They are the quantiles of evenly spaced shares, both ends included; where the distribution has
    no ends, the middles of as many equal shares.
    """
    match distribution:
        case Discrete():
            return np.array(distribution.values)
        case _ if count == 1:
            return distribution.quantile(np.array([0.5]))
        case _ if math.isfinite(distribution.low) and math.isfinite(distribution.high):
            return distribution.quantile(np.linspace(0, 1, count))
        case _:
            return distribution.quantile((np.arange(count) + 0.5) / count)
