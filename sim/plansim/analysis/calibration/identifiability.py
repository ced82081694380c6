"""Practical identifiability: which parameters the data determine, and which they confound.

It is computed from the Jacobian of a fit, with each parameter as a share of its range and residuals
in standard deviations. The data do not determine a direction in which the whole range changes the
residuals by less than two standard deviations. Two parameters whose columns of the Jacobian are
almost parallel are confounded: a change of one is compensated by the other.

References: R. Brun, P. Reichert, H. R. Künsch, Practical identifiability analysis of large
environmental simulation models, Water Resources Research 37 (2001) 1015-1030.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from plansim.analysis.calibration.least_squares import Fit
from plansim.targets.indicator import Floats

__all__ = ["ConfoundedPair", "Identifiability", "ParameterDirection", "identifiability"]

COLLINEAR = 10.0
"""Collinearity from which two parameters count as confounded (Brun and others: 5 to 20)."""
NO_EFFECT = 1e-9
"""A parameter whose column of slopes is smaller affects no observation."""
PART = 0.3
"""A parameter with a smaller weight in a direction is not named in it."""


@dataclass(frozen=True)
class ConfoundedPair:
    """Two parameters that the data confound."""

    first: int
    second: int
    cosine: float
    """Cosine between the columns of slopes: near 1, a rise of one acts as a rise of the other;
    near -1, as a fall."""
    collinearity: float
    """Collinearity index of Brun and others; infinite if the columns are parallel."""


@dataclass(frozen=True)
class ParameterDirection:
    """A direction in the space of the parameters."""

    weights: Floats
    """``(parameter,)`` of length one, in shares of the ranges."""
    spread: float
    """Half of the interval along it, in shares of the ranges."""

    def named(self) -> tuple[int, ...]:
        """Return the parameters with weights of at least `PART`, the largest first."""
        order = np.argsort(-np.abs(self.weights), kind="stable")
        return tuple(int(index) for index in order if abs(self.weights[index]) >= PART)


@dataclass(frozen=True)
class Identifiability:
    """Which parameters and directions the data determine."""

    sensitivity: Floats
    """``(parameter,)``: the norm of the residuals' change over its range, in their errors."""
    condition: float
    """Largest over smallest singular value of the slopes; infinite if one is nil."""
    rank: int
    """Number of directions that the data determine to within half of a range."""
    correlation: Floats
    """``(parameter, parameter)`` of the estimates; NaN where nothing observed moves, and all
    over where a direction is lost altogether."""
    loose: tuple[ParameterDirection, ...]
    """The directions that the data do not determine, the least determined first."""
    pairs: tuple[ConfoundedPair, ...]
    """Confounded pairs, the most collinear first."""


def identifiability(best: Fit, *, halfwidth: float = 1.959964) -> Identifiability:
    """Compute the identifiability of a fit's parameters from its Jacobian.

    ``halfwidth`` is that of an interval in standard deviations.
    """
    slopes = best.slopes
    count = slopes.shape[1]
    norms = np.linalg.norm(slopes, axis=0)
    _, singular, ways = np.linalg.svd(slopes, full_matrices=True)
    sizes = np.zeros(count)
    sizes[: len(singular)] = singular
    negligible = max(sizes[0] * 1e-9, NO_EFFECT)
    with np.errstate(divide="ignore"):
        spreads = halfwidth * math.sqrt(best.inflation) / np.where(sizes > negligible, sizes, 0.0)
    loose = tuple(
        ParameterDirection(_oriented(ways[index]), float(spreads[index]))
        for index in reversed(range(count))
        if spreads[index] > 0.5
    )
    least = float(sizes[-1])
    return Identifiability(
        sensitivity=norms,
        condition=float(sizes[0]) / least if least > negligible else math.inf,
        rank=count - len(loose),
        correlation=_correlation(slopes, norms, negligible),
        loose=loose,
        pairs=tuple(_pairs(slopes, norms)),
    )


def _oriented(way: Floats) -> Floats:
    """Make the largest weight positive, since a direction has no sign of its own."""
    return way if way[np.argmax(np.abs(way))] > 0 else -way


def _correlation(slopes: Floats, norms: Floats, negligible: float) -> Floats:
    heard = norms > negligible
    result = np.full((len(norms), len(norms)), np.nan)
    audible = slopes[:, heard]
    if heard.any() and np.linalg.svd(audible, compute_uv=False)[-1] > negligible:
        inverse = np.linalg.inv(audible.T @ audible)
        spread = np.sqrt(np.maximum(np.diag(inverse), 1e-300))
        result[np.ix_(heard, heard)] = np.clip(inverse / np.outer(spread, spread), -1, 1)
    return result


def _pairs(slopes: Floats, norms: Floats) -> list[ConfoundedPair]:
    result = []
    for first, second in itertools.combinations(range(len(norms)), 2):
        if min(norms[first], norms[second]) <= NO_EFFECT:
            continue
        cosine = float(slopes[:, first] @ slopes[:, second] / (norms[first] * norms[second]))
        apart = max(0.0, 1.0 - abs(cosine))
        collinearity = math.inf if apart < 1e-10 else 1.0 / math.sqrt(apart)
        if collinearity >= COLLINEAR:
            result.append(ConfoundedPair(first, second, cosine, collinearity))
    return sorted(result, key=lambda pair: -pair.collinearity)
