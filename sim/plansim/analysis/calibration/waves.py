"""The waves of history matching: what is drawn, how far it is from the past, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plansim.analysis.calibration.conditioning_file import ConditioningSpec
from plansim.analysis.calibration.observations import Observation
from plansim.scenario.factors import Factor, FloatArray
from plansim.scenario.members import Members

__all__ = [
    "BLOCK",
    "Conditioned",
    "Draws",
    "Narrowed",
    "Ranges",
    "Rows",
    "Wave",
    "around",
    "implausibility",
    "screened",
]

BLOCK = 16_384
"""Draws that are in memory at once."""
MARGIN = 0.05
"""The box is wider on each side by this part of the extent of what it is around."""

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Wave:
    """One wave of draws."""

    draws: int
    accepted: int
    broken: int
    """Draws of which a figure is not finite."""
    volume: float
    """The part of the prior inside the box that it was drawn from."""


@dataclass(frozen=True)
class Conditioned:
    """Accepted members, with what shows what conditioning did."""

    spec: ConditioningSpec
    members: Members
    prior: Members
    """As many draws, accepted or not: those of `draw_prior`."""
    waves: tuple[Wave, ...]
    matched: tuple[str, ...]
    """The factors that waves narrowed, those first that matter most."""
    factors: tuple[Factor, ...]
    """Of the prior, then of single runs."""
    shares: FloatArray
    """``(draw, factor)``: accepted draws of the last wave, as parts of the prior's probability."""
    points: FloatArray
    """``(member, factor)`` in the factors' units."""
    simulated: FloatArray
    """``(member, observation)`` in the observations' units."""
    prior_simulated: FloatArray
    """``(draw, observation)``: of the first wave."""


def implausibility(simulated: FloatArray, observations: Sequence[Observation]) -> FloatArray:
    """Return distances in standard deviations, ``(draw, observation)``; infinite if not finite."""
    value = np.array([one.value for one in observations])
    deviation = np.array([one.deviation for one in observations])
    with np.errstate(invalid="ignore"):
        distance: FloatArray = np.abs(simulated - value) / deviation
    return np.where(np.isfinite(distance), distance, np.inf)


@dataclass(frozen=True)
class Draws:
    """The draws of a wave, as parts of the prior's probability.

    Draws are independent: in so many dimensions Sobol's sequence is even only as a whole, and
    factors of the draws that are accepted would be correlated by it.
    """

    seed: tuple[int, int]
    """The seed, and the number of the wave."""
    low: FloatArray
    """``(factor,)``: the ends of the part of the prior that they are from."""
    high: FloatArray

    @property
    def volume(self) -> float:
        """That part of the prior."""
        return float(np.prod(self.high - self.low))

    def shares(self, rows: Rows) -> FloatArray:
        """Return some draws, ``(row, factor)``; rows rise. The same at each call."""
        numbers = rows // BLOCK
        blocks = [np.empty((0, len(self.low)))]
        for number in np.unique(numbers).tolist():
            drawn = np.random.default_rng([*self.seed, number]).random((BLOCK, len(self.low)))
            block = self.low + (self.high - self.low) * drawn
            blocks.append(block[rows[numbers == number] - number * BLOCK])
        return np.concatenate(blocks)


@dataclass(frozen=True)
class Ranges:
    """The part of the prior that the last wave is drawn from."""

    low: FloatArray
    """``(factor,)``, as parts of the prior's probability."""
    high: FloatArray


@dataclass(frozen=True)
class Narrowed:
    """What all waves but the last come to."""

    box: Ranges
    waves: tuple[Wave, ...]
    chosen: Rows
    """The factors that they narrowed."""
    first: FloatArray
    """``(draw, observation)`` of the first wave."""


def screened(shares: FloatArray, count: int) -> Rows:
    """Return the factors in which plausible draws differ most from all, those first.

    ``shares`` is ``(draw, factor)``, of all draws even between 0 and 1. The measure is the largest
    difference of the distribution functions, as in the test of Kolmogorov and Smirnov.
    """
    ordered = np.sort(shares, axis=0)
    ranks = np.arange(1, len(shares) + 1)[:, np.newaxis] / len(shares)
    above = (ranks - ordered).max(axis=0)
    below = (ordered - (ranks - 1 / len(shares))).max(axis=0)
    return np.argsort(-np.maximum(above, below), kind="stable")[:count]


def around(
    shares: FloatArray, low: FloatArray, high: FloatArray, chosen: Rows
) -> tuple[FloatArray, FloatArray]:
    """Return the box around draws in the chosen factors, inside the box they were drawn from."""
    low, high = low.copy(), high.copy()
    least, most = shares[:, chosen].min(axis=0), shares[:, chosen].max(axis=0)
    more = MARGIN * (most - least)
    low[chosen] = np.maximum(low[chosen], least - more)
    high[chosen] = np.minimum(high[chosen], most + more)
    return low, high
