"""A frontier of growth as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from plansim.analysis.optimization.frontier_file import Quest
from plansim.targets.catalogue import Target

__all__ = [
    "SURE",
    "Alone",
    "Check",
    "Frontier",
    "Horizon",
    "Look",
    "Policy",
    "Search",
    "Sure",
    "Surest",
    "Way",
]

SURE = (0.5, 0.8, 0.95)
"""How sure it is to be that all targets hold."""


@dataclass(frozen=True)
class Policy:
    """Settings of all levers, and what they lead to where nothing is in doubt."""

    values: tuple[float, ...]
    """By lever, in its unit."""
    growth: float
    """Mean rate, a fraction a year."""
    margins: Mapping[str, float]
    """By target, the smallest of the years in which it must hold, in its unit."""
    tight: tuple[str, ...]
    """Ids of the targets with the smallest margin, in standard deviations, of those that are to
    hold, the smallest first: several where the policy balances them."""
    worst_margin: float
    """In standard deviations of its doubt."""


@dataclass(frozen=True)
class Alone:
    """What one target asks of growth, all others left aside."""

    target: Target
    spread: float
    """The standard deviation of its margin as things are, in its unit."""
    present: float
    """Its margin as things are."""
    best: float
    """The largest margin that was found at any growth."""
    growth: float
    """The highest growth at which it was found to hold; NaN if it never was."""


class Way(StrEnum):
    """How brute force looks."""

    SWEEP = "sweep"  # evenly over the whole box
    ENDS = "ends"  # the same, with many levers at an end of their range
    GRID = "grid"  # every combination of a few levers, the others as in the answer
    NEIGHBOURS = "neighbours"  # each lever and each pair moved from the answer
    DIRECTIONS = "directions"  # all levers, or some, moved at random from the answer


@dataclass(frozen=True)
class Look:
    """One way in which brute force looked for more growth."""

    way: Way
    settings: int
    feasible: int
    """Settings at which all targets hold whose frontier it is."""
    best: float
    """The highest growth of these; NaN if there are none."""
    levers: tuple[str, ...] = ()
    """Ids, of a grid."""
    side: int = 0
    """Points a lever, of a grid."""


@dataclass(frozen=True)
class Check:
    """What brute force found against an answer."""

    looks: tuple[Look, ...]
    radii: tuple[float, ...]
    """Of neighbours and directions, as parts of each lever's range."""
    tolerance: float
    """Of growth: the answer is beaten by more than this."""
    beaten: bool
    """Whether a setting at which all targets hold grows faster than the answer."""
    by: float
    """How much faster the fastest is; below zero if none is as fast."""
    alone: Mapping[str, float]
    """By target, the highest growth of all settings at which it holds; NaN if it never does."""
    best: Mapping[str, float]
    """By target, its largest margin of all settings, in its unit."""
    alone_beaten: tuple[str, ...]
    """Ids of the targets that hold at more growth than was said, or hold though said never to."""

    @property
    def settings(self) -> int:
        """All that was tried."""
        return sum(each.settings for each in self.looks)


@dataclass(frozen=True)
class Search:
    """How the answer was searched for."""

    ends: tuple[float, ...]
    """The growth that each search of its own, from other random places, ended at."""
    resumed: int
    """How often it was resumed since brute force beat it."""


@dataclass(frozen=True)
class Sure:
    """A policy that is as sure as is asked."""

    share: float
    """What is asked: P(all hold)."""
    policy: Policy | None
    """None if no policy that was judged is as sure."""
    met: float
    """P(all hold), of the surest policy if none is as sure."""
    error: float
    growth: float
    """The median over the draws."""


@dataclass(frozen=True)
class Surest:
    """The policy that is surest to hold all targets, and what keeps it from being surer."""

    policy: Policy
    met: float
    """P(all hold)."""
    error: float
    """Its standard error."""
    growth: float
    """The median over the draws."""
    single: Mapping[str, float]
    """By target, P(it holds)."""
    product: float
    """Of these: P(all hold) if no target had to do with another."""
    without: tuple[tuple[tuple[str, ...], float], ...]
    """The one target that it would help most to leave out, the two, and so on, and P(all others
    hold) then, of the same policy."""


@dataclass(frozen=True)
class Horizon:
    """The frontier to one year."""

    year: int
    growth_present: float
    growth_reach: tuple[float, float]
    """The lowest growth of the sweep, and the highest that the levers were found to lead to."""
    alone: tuple[Alone, ...]
    never: tuple[str, ...]
    """Ids of targets that no policy found holds, whatever the growth."""
    clashing: tuple[str, ...]
    """Ids of targets left out since they and the others were not found to hold together."""
    kept: tuple[str, ...]
    """Ids of the targets whose frontier this is."""
    highest: Policy | None
    """The highest growth at which all of these hold; None if there are none."""
    binding: tuple[str, ...]
    """Ids of the targets that are just met there, and so stop growth."""
    search: Search
    check: Check | None
    """None if it was not asked for, or there is nothing to check."""
    along: tuple[Policy, ...]
    """At rising growth, the policy whose smallest margin is largest: below zero beyond the
    frontier."""
    chances: tuple[float, ...]
    """Of these policies, P(all kept hold)."""
    medians: tuple[float, ...]
    """Of these policies, the median growth over the draws."""
    sure: tuple[Sure, ...]
    """At each of `SURE`."""
    surest: Surest | None
    """None if nothing is in doubt."""


@dataclass(frozen=True)
class Frontier:
    """How far growth may go."""

    quest: Quest
    targets: tuple[Target, ...]
    present: tuple[float, ...]
    """By lever, in its unit: no change, for one that adds or multiplies."""
    horizons: tuple[Horizon, ...]
    draws: int
    """0 if nothing is in doubt."""
    runs: int
