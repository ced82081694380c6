"""Sobol's indices: which share of an output's variance is due to which group of inputs.

Two independent samples A and B of all inputs; for each group, A again with that group's columns
taken from B. The first-order index (S1) is the share of the variance that goes when the group alone
is known (estimator of Saltelli and others 2010), the total index (ST) the share that stays when all
else is known (Jansen 1999). Intervals are those of a bootstrap over the rows.

`scipy.stats.sobol_indices` has the same estimators (a test holds these to it), but no groups, and
its bootstrap corrects for bias by a jackknife, which takes minutes for as many indices as here.

References: A. Saltelli and others, Variance based sensitivity analysis of model output, Computer
Physics Communications 181 (2010) 259-270; M. Jansen, ibid. 117 (1999) 35-43.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from plansim.analysis.experiments.design import quantiles
from plansim.scenario.factors import Factor, FloatArray

__all__ = ["LEVEL", "RESAMPLES", "Estimates", "MatrixPair", "draw_pair", "estimate_indices"]

LEVEL = 0.95
"""How surely an interval is to hold the index."""
RESAMPLES = 500


@dataclass(frozen=True)
class MatrixPair:
    """Two independent samples of the factors, each ``(point, factor)``."""

    a: FloatArray
    b: FloatArray

    def mixed(self, group: Sequence[int]) -> FloatArray:
        """Return A with a group's columns taken from B."""
        mixed = self.a.copy()
        mixed[:, list(group)] = self.b[:, list(group)]
        return mixed


def draw_pair(factors: Sequence[Factor], points: int, seed: int) -> MatrixPair:
    """Draw two samples from one scrambled Sobol sequence of twice as many columns.

    ``points`` is rounded up to a power of two, for which the sequence is made.
    """
    count = len(factors)
    rng = np.random.default_rng(seed)
    sequence = qmc.Sobol(2 * count, scramble=True, bits=32, rng=rng)
    shares = sequence.random_base2(max(1, math.ceil(math.log2(points)))) + 2.0**-33
    return MatrixPair(quantiles(factors, shares[:, :count]), quantiles(factors, shares[:, count:]))


@dataclass(frozen=True)
class Estimates:
    """Indices of every group for every output; each array is ``(output, group)``.

    NaN for an output that does not vary.
    """

    first: FloatArray
    first_low: FloatArray
    first_high: FloatArray
    total: FloatArray
    total_low: FloatArray
    total_high: FloatArray


def estimate_indices(
    a: FloatArray, b: FloatArray, mixed: FloatArray, *, seed: int = 0
) -> Estimates:
    """Estimate first and total indices, with intervals of `LEVEL` by `RESAMPLES` of the rows.

    Args:
        a: the outputs on A, ``(output, point)``.
        b: the outputs on B.
        mixed: the outputs on A with a group from B, ``(group, output, point)``.
        seed: of the resamples; any whole number.
    """
    middle = (a.mean(axis=1) + b.mean(axis=1))[:, None] / 2
    a, b, mixed = a - middle, b - middle, mixed - middle
    groups, outputs, points = mixed.shape
    rng = np.random.default_rng(seed)
    # How often each row is drawn; the first line is the sample itself.
    weights = np.vstack(
        [np.ones(points), rng.multinomial(points, np.full(points, 1 / points), RESAMPLES)]
    )
    weights /= points
    mean = weights @ ((a + b) / 2).T  # (resample, output)
    spread = weights @ ((a**2 + b**2) / 2).T - mean**2
    shape = (len(weights), groups, outputs)
    first = (weights @ (b * (mixed - a)).reshape(-1, points).T).reshape(shape)
    total = (weights @ ((a - mixed) ** 2 / 2).reshape(-1, points).T).reshape(shape)
    constant = np.ptp(np.concatenate([a, b], axis=1), axis=1) == 0
    spread[:, constant] = math.nan
    with np.errstate(all="ignore"):
        first, total = (part / spread[:, None, :] for part in (first, total))
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    bounds = [np.quantile(part[1:], tails, axis=0) for part in (first, total)]
    return Estimates(
        first[0].T, bounds[0][0].T, bounds[0][1].T, total[0].T, bounds[1][0].T, bounds[1][1].T
    )
