"""What a sweep varies: a factor, its distribution, and what it does to constants of the model.

A design gives each factor a number u between 0 and 1; the distribution's quantile of u is the
factor's value, so that one design serves all distributions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.special import ndtr, ndtri

from plansim.model.records import Model
from plansim.scenario.values import Apply
from plansim.targets.indicator import Floats

__all__ = [
    "Apply",
    "Discrete",
    "Distribution",
    "Factor",
    "Lognormal",
    "Normal",
    "Triangular",
    "Uniform",
    "applied",
    "default_of",
    "levels_of",
    "reach",
]


@dataclass(frozen=True)
class Uniform:
    """Every value from ``low`` to ``high`` alike."""

    low: float
    high: float

    def quantile(self, u: Floats) -> Floats:
        """Give the values below which the shares ``u`` lie; the shape stays."""
        return np.clip(self.low + (self.high - self.low) * u, self.low, self.high)


@dataclass(frozen=True)
class Triangular:
    """From ``low`` to ``high``, ``mode`` the likeliest."""

    low: float
    mode: float
    high: float

    def quantile(self, u: Floats) -> Floats:
        """Give the values below which the shares ``u`` lie; the shape stays."""
        width = self.high - self.low
        left, right = self.mode - self.low, self.high - self.mode
        found = np.where(
            u * width < left,
            self.low + np.sqrt(u * width * left),
            self.high - np.sqrt((1 - u) * width * right),
        )
        return np.clip(found, self.low, self.high)


@dataclass(frozen=True)
class Normal:
    """A normal distribution, cut off at ``low`` and ``high``."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    def quantile(self, u: Floats) -> Floats:
        """Give the values below which the shares ``u`` lie; the shape stays."""
        ends = ndtr((np.array([self.low, self.high]) - self.mean) / self.sd)
        inside = ends[0] + (ends[1] - ends[0]) * u
        found: Floats = np.clip(self.mean + self.sd * ndtri(inside), self.low, self.high)
        return found


@dataclass(frozen=True)
class Lognormal:
    """A normal distribution of the logarithm, cut off at ``low`` and ``high``."""

    median: float
    spread: float
    """The standard deviation of the natural logarithm."""
    low: float = 0.0
    high: float = math.inf

    def quantile(self, u: Floats) -> Floats:
        """Give the values below which the shares ``u`` lie; the shape stays."""
        ends = [math.log(end) if end > 0 else -math.inf for end in (self.low, self.high)]
        inner = Normal(math.log(self.median), self.spread, *ends)
        return np.clip(np.exp(inner.quantile(u)), self.low, self.high)


@dataclass(frozen=True)
class Discrete:
    """One of ``values``, with probabilities in proportion to ``weights``."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    def quantile(self, u: Floats) -> Floats:
        """Give the first value whose summed probability exceeds ``u``; the shape stays."""
        ends = np.cumsum(self.weights) / np.sum(self.weights)
        place = np.searchsorted(ends, u, side="right")
        return np.array(self.values)[np.minimum(place, len(self.values) - 1)]


Distribution: TypeAlias = Uniform | Triangular | Normal | Lognormal | Discrete


@dataclass(frozen=True)
class Factor:
    """One thing that varies from run to run."""

    name: str
    constants: tuple[str, ...]
    """What it acts on, element by element: ``name`` or ``name[e1,e2]``."""
    apply: Apply
    distribution: Distribution | None
    """None where a table gives the values."""
    unit: str
    """Of the factor: ``Dmnl`` where it multiplies."""
    name_zh: str = ""
    levels: int | None = None
    """In a grid; None for the design's."""


def reach(distribution: Distribution) -> tuple[float, float]:
    """Give the smallest and the largest value that a distribution can take."""
    match distribution:
        case Discrete():
            return min(distribution.values), max(distribution.values)
        case _:
            return distribution.low, distribution.high


def levels_of(distribution: Distribution, count: int) -> Floats:
    """Give the values of a grid's axis: all of a discrete distribution, else ``count`` of them.

    They are the quantiles of evenly spaced shares, both ends included; where the distribution has
    no ends, the middles of as many equal shares.
    """
    match distribution:
        case Discrete():
            return np.array(distribution.values)
        case _ if count == 1:
            return distribution.quantile(np.array([0.5]))
        case _ if np.isfinite(reach(distribution)).all():
            return distribution.quantile(np.linspace(0, 1, count))
        case _:
            return distribution.quantile((np.arange(count) + 0.5) / count)


def default_of(model: Model, values: Mapping[str, float], reference: str) -> float:
    """Give what a constant's element is where no factor acts: the scenario's value, or the model's.

    ``values`` are those of the scenario.
    """
    if reference in values:
        return values[reference]
    if reference in model.variables:
        value = model.variables[reference].value
        assert isinstance(value, float), f"{reference} is not one constant"
        return value
    name, _, element = reference.removesuffix("]").partition("[")
    array = model.variables[name].value
    assert isinstance(array, Mapping), f"{name} is not an array of constants"
    return float(array[element])


def applied(factors: Sequence[Factor], values: Floats, defaults: Mapping[str, float]) -> Floats:
    """Give the constants that the factors act on: ``(run, factor)`` → ``(run, constant)``.

    The constants come in the order of the factors, and of each one's ``constants``; ``defaults``
    holds what they are without the factor, in their units.
    """
    columns = []
    for place, factor in enumerate(factors):
        for reference in factor.constants:
            match factor.apply:
                case Apply.SET:
                    columns.append(values[:, place])
                case Apply.ADD:
                    columns.append(defaults[reference] + values[:, place])
                case Apply.MULTIPLY:
                    columns.append(defaults[reference] * values[:, place])
    return np.stack(columns, axis=1) if columns else np.empty((len(values), 0))
