"""The distributions of factors, by their quantiles.

A point of a design gives each factor a number u between 0 and 1; the distribution's quantile of u
is the factor's value, so that one design serves all distributions.

`scipy.stats` would draw the same values: norm and lognorm to 2 ulp, triang to 2 ulp away from zero,
truncnorm to 3e-16 of the standard deviation. But triang takes 6 times and truncnorm 20 times as
long (210 ns a value where a whole run takes 20 µs), so a design of many truncated normals would be
slower by more than a tenth.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plansim.scenario.factors import Distribution, Factor, FloatArray

__all__ = ["Discrete", "Lognormal", "Normal", "Triangular", "Uniform", "levels_of", "quantiles"]


class Between(ABC):
    """A continuous distribution between two ends."""

    low: float
    high: float

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the quantiles of the probabilities ``u``, in the same shape."""
        return np.clip(self._inverse(u), self.low, self.high)

    @abstractmethod
    def _inverse(self, u: FloatArray) -> FloatArray: ...


@dataclass(frozen=True)
class Uniform(Between):
    """The uniform distribution from ``low`` to ``high``."""

    low: float
    high: float

    def _inverse(self, u: FloatArray) -> FloatArray:
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Triangular(Between):
    """The triangular distribution from ``low`` to ``high`` with its mode."""

    low: float
    mode: float
    high: float

    def _inverse(self, u: FloatArray) -> FloatArray:
        width = self.high - self.low
        left, right = self.mode - self.low, self.high - self.mode
        return np.where(
            u * width < left,
            self.low + np.sqrt(u * width * left),
            self.high - np.sqrt((1 - u) * width * right),
        )


@dataclass(frozen=True)
class Normal(Between):
    """A normal distribution, cut off at ``low`` and ``high``."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    def _inverse(self, u: FloatArray) -> FloatArray:
        from scipy.special import ndtr, ndtri  # slow to load, and other distributions do without

        ends = ndtr((np.array([self.low, self.high]) - self.mean) / self.sd)
        return np.asarray(self.mean + self.sd * ndtri(ends[0] + (ends[1] - ends[0]) * u))


@dataclass(frozen=True)
class Lognormal(Between):
    """A normal distribution of the logarithm, cut off at ``low`` and ``high``."""

    median: float
    spread: float
    """The standard deviation of the natural logarithm."""
    low: float = 0.0
    high: float = math.inf

    def _inverse(self, u: FloatArray) -> FloatArray:
        ends = [math.log(end) if end > 0 else -math.inf for end in (self.low, self.high)]
        return np.exp(Normal(math.log(self.median), self.spread, *ends).quantile(u))


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

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the first value whose summed probability exceeds ``u``; the shape stays."""
        ends = np.cumsum(self.weights) / np.sum(self.weights)
        index = np.searchsorted(ends, u, side="right")
        return np.array(self.values)[np.minimum(index, len(self.values) - 1)]


def quantiles(factors: Sequence[Factor], shares: FloatArray) -> FloatArray:
    """Return the values of factors at probabilities, both ``(point, factor)``.

    Without those of factors that have no distribution.
    """
    columns = [
        factor.distribution.quantile(shares[:, column])
        for column, factor in enumerate(factors)
        if factor.distribution is not None
    ]
    return np.stack(columns, axis=1)


def levels_of(distribution: Distribution, count: int) -> FloatArray:
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
