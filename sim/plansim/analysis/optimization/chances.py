"""The probability that policies hold all targets, and the targets that limit it.

P(all hold) is the share of the draws in which all targets hold. The policy that maximises it is
searched by its smooth approximation over separate draws, so that a policy is not judged by the
draws by which it was chosen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from plansim.analysis.optimization.problem import DecisionProblem
from plansim.analysis.optimization.slp import slopes_at
from plansim.targets.indicator import Floats

__all__ = ["JudgedPolicy", "Uncertainty", "fewest_left_out", "judge_front"]

Flags: TypeAlias = npt.NDArray[np.bool_]

MIXTURES = 8
"""Number of intervals between two neighbouring policies, whose mixtures are judged too."""
SMOOTH_WIDTHS = (0.5, 0.2, 0.1, 0.05)
"""Widths of the smooth verdict, from not met to met, in standard deviations of the margin."""
STEPS = 6
"""Maximum number of steps for each width."""
DIFFERENCE_WIDTH = 0.02
"""Width of finite differences: wide, since the year of a measure acts by whole time steps."""
MOVE_LENGTHS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Lengths of moves that are tried at once, as shares of the levers' ranges."""
MOST_TARGETS = 16
"""Maximum number of targets, those missed most often, all sets of which are counted."""


@dataclass(frozen=True)
class Uncertainty:
    """The uncertain factors beside the levers, and draws of them."""

    problem: DecisionProblem
    """With the uncertain factors."""
    draws: Floats
    """``(draw, factor)``: policies are judged over them."""
    other: Floats
    """Further draws, over which the surest policy is chosen."""

    def margins(self, position: Floats) -> tuple[Floats, Floats]:
        """Return margins ``(draw, target)`` in their units, and growth ``(draw,)``."""
        margins, growth = self.problem.over_draws(position[None], self.draws)
        return margins[0], growth[0]

    def holds(self, position: Floats, rows: Sequence[int]) -> Flags:
        """Return whether targets hold, ``(draw, target)``; where a run breaks down none does."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.margins(position)[0][:, list(rows)] >= 0)


@dataclass(frozen=True)
class JudgedPolicy:
    """A policy over the draws."""

    position: Floats
    share: float = math.nan
    """P(all hold); NaN where nothing is uncertain."""
    median: float = math.nan
    """Median growth over the draws."""


def judge_front(
    uncertainty: Uncertainty, front: Sequence[Floats], kept: Sequence[int], highest: Floats | None
) -> list[JudgedPolicy]:
    """Judge policies, then mixtures of neighbours and the surest policy, over the draws.

    Args:
        uncertainty: what is uncertain.
        front: positions of policies, in the order of their growth.
        kept: rows of the targets that are to hold.
        highest: the position of the highest growth at which they do.
    """
    rows = list(kept)
    judged = [_chance(uncertainty, position, rows) for position in front]
    for first, second in itertools.pairwise(front):
        judged += _between(uncertainty, first, second, rows)
    start = max(judged, key=lambda chance: chance.share)
    climbed = _chance(uncertainty, _climb(uncertainty, start.position, rows), rows)
    judged.append(climbed)
    if highest is not None:
        judged += _between(uncertainty, climbed.position, highest, rows)
    return judged


def _between(
    uncertainty: Uncertainty, first: Floats, second: Floats, rows: list[int]
) -> list[JudgedPolicy]:
    parts = np.arange(1, MIXTURES) / MIXTURES
    return [_chance(uncertainty, first + part * (second - first), rows) for part in parts]


def _chance(uncertainty: Uncertainty, position: Floats, rows: list[int]) -> JudgedPolicy:
    margins, growth = uncertainty.margins(position)
    finite = growth[np.isfinite(growth)]
    median = float(np.median(finite)) if finite.size else math.nan
    with np.errstate(invalid="ignore"):
        return JudgedPolicy(position, float((margins[:, rows] >= 0).all(axis=1).mean()), median)


def _climb(uncertainty: Uncertainty, position: Floats, rows: list[int]) -> Floats:
    """Return the position with the largest smooth share of `other` draws in which all hold."""
    for smooth in SMOOTH_WIDTHS:

        def share(positions: Floats, smooth: float = smooth) -> Floats:
            return _smooth(uncertainty, positions, rows, smooth)[:, None]

        height = share(position[None])[0, 0]
        for _ in range(STEPS):
            slopes = slopes_at(share, position, DIFFERENCE_WIDTH)[0]
            steepest = np.abs(slopes).max()
            if steepest == 0:
                break
            directions = [slopes / steepest, np.sign(slopes)]
            moves = [length * direction for direction in directions for length in MOVE_LENGTHS]
            positions = np.clip(position + np.array(moves), 0.0, 1.0)
            heights = share(positions)[:, 0]
            best = int(np.argmax(heights))
            if heights[best] <= height:
                break
            position, height = positions[best], heights[best]
    return position


def _smooth(uncertainty: Uncertainty, positions: Floats, rows: list[int], smooth: float) -> Floats:
    """Return the share of draws in which all hold, each draw's verdict smooth: ``(policy,)``."""
    margins, _ = uncertainty.problem.over_draws(positions, uncertainty.other)
    with np.errstate(invalid="ignore"):
        worst = (margins[:, :, rows] / uncertainty.problem.scales[rows]).min(axis=2)
    return np.asarray(expit(np.where(np.isnan(worst), -np.inf, worst) / smooth).mean(axis=1))


def fewest_left_out(holds: Flags) -> list[tuple[tuple[int, ...], float]]:
    """Return which one column it would help most to leave out, which two, and so on.

    Args:
        holds: ``(draw, target)``.

    Returns:
        For each number of columns the best set of so many, of all sets, and the share of the draws
        in which all other columns hold, until it is 1. To leave out one after the other would not
        do: targets that fail together must go together.

    >>> fewest_left_out(np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]], dtype=bool))
    [((0,), 0.5), ((1, 2), 0.75), ((0, 1, 2), 1.0)]
    """
    missed = ~holds
    often = np.argsort(-missed.sum(axis=0), kind="stable")[:MOST_TARGETS]
    often = np.sort(often[missed[:, often].any(axis=0)])
    rest = np.delete(missed, often, axis=1).any(axis=1)
    masks = (missed[:, often] << np.arange(len(often))).sum(axis=1)[~rest]
    shares = np.bincount(masks, minlength=1 << len(often)) / len(holds)
    # Then, by set, the draws in which nothing outside of it is missed: sums over all its subsets.
    sets = np.arange(len(shares))
    for bit in range(len(often)):
        inside = sets[sets >> bit & 1 == 1]
        shares[inside] += shares[inside ^ (1 << bit)]
    sizes = sum((sets >> bit & 1 for bit in range(len(often))), np.zeros_like(sets))
    result: list[tuple[tuple[int, ...], float]] = []
    for size in range(1, len(often) + 1):
        candidates = sets[sizes == size]
        best = candidates[int(np.argmax(shares[candidates]))]
        columns = tuple(int(often[bit]) for bit in range(len(often)) if best >> bit & 1)
        result.append((columns, float(shares[best])))
        if shares[best] >= 1 - 1e-12:
            break
    return result
