"""The order of scenarios by targets met, and how stable it is: runs at equal draws compared.

Scenarios are compared draw by draw, so that the uncertain factors are the same for both.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plansim.targets.indicator import Floats

__all__ = ["FRAGILE", "Pairing", "Rank", "Ranking", "rank"]

FRAGILE = 0.05
"""An order that is reversed in more than this share of the draws is fragile."""


@dataclass(frozen=True)
class Rank:
    """The number of targets that one scenario meets."""

    scenario: str
    met: float
    """Mean number of targets met over the draws."""
    low: float
    """Number met at least in all but 5 % of the draws."""
    high: float
    """Number not exceeded in all but 5 % of the draws."""


@dataclass(frozen=True)
class Pairing:
    """Two scenarios at equal draws; shares of the draws in which both are sound."""

    ahead: str
    """The one that meets more targets on the mean."""
    behind: str
    more: float
    """Share in which the one ahead meets more targets."""
    equal: float
    fewer: float
    margins: Mapping[str, float]
    """By target, share in which the one ahead has the larger margin; equal margins count half."""

    @property
    def stable(self) -> bool:
        """Whether the order is reversed in at most `FRAGILE` of the draws."""
        return self.fewer <= FRAGILE and self.fewer < self.more


@dataclass(frozen=True)
class Ranking:
    """Scenarios by the number of targets that they meet."""

    places: tuple[Rank, ...]
    """From the most targets met to the least."""
    pairings: tuple[Pairing, ...]
    """All pairs of scenarios."""
    draws: int
    """Number of draws in which no scenario failed."""

    @property
    def stable(self) -> bool:
        """Whether the order of all neighbours is stable."""
        order = [rank.scenario for rank in self.places]
        neighbours = set(itertools.pairwise(order))
        return all(pairing.stable for pairing in self.pairings
                   if (pairing.ahead, pairing.behind) in neighbours)  # fmt: skip


def rank(
    scenarios: Sequence[str],
    targets: Sequence[str],
    met: Floats,
    margins: Floats,
) -> Ranking:
    """Rank scenarios by how many targets they meet.

    Args:
        scenarios: ids.
        targets: ids of the targets that count.
        met: ``(scenario, target, draw)``: 1, 0, or one half of an undecided target.
        margins: ``(scenario, target, draw)``; a draw with a NaN in any scenario is left out.
    """
    sound = np.isfinite(margins).all(axis=(0, 1))
    met, margins = met[:, :, sound], margins[:, :, sound]
    counts = met.sum(axis=1)
    means = counts.mean(axis=1) if sound.any() else np.full(len(scenarios), np.nan)
    order = np.argsort(-means, kind="stable")
    places = tuple(_rank(scenarios[index], counts[index]) for index in order)
    pairings = tuple(
        _pairing(
            scenarios[ahead],
            scenarios[behind],
            counts[ahead] - counts[behind],
            dict(zip(targets, margins[ahead] - margins[behind], strict=True)),
        )
        for ahead, behind in itertools.combinations(order, 2)
    )
    return Ranking(places, pairings, int(sound.sum()))


def _rank(scenario: str, counts: Floats) -> Rank:
    if not counts.size:
        return Rank(scenario, float("nan"), 0, 0)
    low, high = np.quantile(counts, [0.05, 0.95], method="inverted_cdf")
    return Rank(scenario, float(counts.mean()), float(low), float(high))


def _pairing(ahead: str, behind: str, lead: Floats, margins: Mapping[str, Floats]) -> Pairing:
    count = max(lead.size, 1)
    return Pairing(
        ahead,
        behind,
        float(np.count_nonzero(lead > 0) / count),
        float(np.count_nonzero(lead == 0) / count),
        float(np.count_nonzero(lead < 0) / count),
        {
            key: float((np.count_nonzero(margin > 0) + np.count_nonzero(margin == 0) / 2) / count)
            for key, margin in margins.items()
        },
    )
