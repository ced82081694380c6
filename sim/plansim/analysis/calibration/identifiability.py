"""What data can tell of parameters, and which of them they cannot tell apart.

Read off the slopes of a fit, with each parameter in shares of its range and each miss in standard
deviations. A direction in which the whole range moves the misses by less than two standard
deviations is one of which the data say nothing. Two parameters whose columns of slopes point almost
the same way cannot be told apart: the change of one is made good by the other.

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

__all__ = ["Direction", "Identifiability", "Pair", "identifiability"]

COLLINEAR = 10.0
"""Brun and others: from 5 to 20 on, two parameters are hard to tell apart."""
SPEECHLESS = 1e-9
"""A column of slopes below this says that nothing observed moves with the parameter."""
PART = 0.3
"""A parameter with less than this part in a direction is not named in it."""


@dataclass(frozen=True)
class Pair:
    """Two parameters that the data cannot tell apart."""

    first: int
    second: int
    cosine: float
    """Between the columns of slopes: near 1, a rise of one does what a rise of the other does;
    near -1, what a fall does."""
    collinearity: float
    """Of Brun and others; infinite if they are one and the same to the data."""


@dataclass(frozen=True)
class Direction:
    """A way of moving several parameters at once."""

    weights: Floats
    """``(parameter,)`` of length one, in shares of the ranges."""
    spread: float
    """Half of the interval along it, in shares of the ranges."""

    def named(self) -> tuple[int, ...]:
        """Return the parameters that take part in earnest, the largest first."""
        order = np.argsort(-np.abs(self.weights), kind="stable")
        return tuple(int(index) for index in order if abs(self.weights[index]) >= PART)


@dataclass(frozen=True)
class Identifiability:
    """What the data can tell."""

    sensitivity: Floats
    """``(parameter,)``: by how many standard deviations the misses together move over a range."""
    condition: float
    """Largest over smallest singular value of the slopes; infinite if one is nil."""
    rank: int
    """So many directions the data fix to within half of a range."""
    correlation: Floats
    """``(parameter, parameter)`` of the estimates; NaN where nothing observed moves, and all
    over where a direction is lost altogether."""
    loose: tuple[Direction, ...]
    """The others, the loosest first."""
    pairs: tuple[Pair, ...]
    """The closest first."""


def identifiability(best: Fit, *, halfwidth: float = 1.959964) -> Identifiability:
    """Read off a fit's slopes what its data can tell.

    ``halfwidth`` is that of an interval in standard deviations.
    """
    slopes = best.slopes
    count = slopes.shape[1]
    norms = np.linalg.norm(slopes, axis=0)
    _, singular, ways = np.linalg.svd(slopes, full_matrices=True)
    sizes = np.zeros(count)
    sizes[: len(singular)] = singular
    negligible = max(sizes[0] * 1e-9, SPEECHLESS)
    with np.errstate(divide="ignore"):
        spreads = halfwidth * math.sqrt(best.inflation) / np.where(sizes > negligible, sizes, 0.0)
    loose = tuple(
        Direction(_oriented(ways[index]), float(spreads[index]))
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
    """Let the largest part point up: a direction has no sign of its own."""
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


def _pairs(slopes: Floats, norms: Floats) -> list[Pair]:
    result = []
    for first, second in itertools.combinations(range(len(norms)), 2):
        if min(norms[first], norms[second]) <= SPEECHLESS:
            continue
        cosine = float(slopes[:, first] @ slopes[:, second] / (norms[first] * norms[second]))
        apart = max(0.0, 1.0 - abs(cosine))
        collinearity = math.inf if apart < 1e-10 else 1.0 / math.sqrt(apart)
        if collinearity >= COLLINEAR:
            result.append(Pair(first, second, cosine, collinearity))
    return sorted(result, key=lambda pair: -pair.collinearity)
