"""Evolution of policies over members that change, and which policies dominate others.

References: K. Deb, R. B. Agrawal, Simulated binary crossover for continuous search space, Complex
Systems 9 (1995) 115-148; M. Laumanns, L. Thiele, K. Deb, E. Zitzler, Combining convergence and
diversity in evolutionary multiobjective optimization, Evolutionary Computation 10 (2002) 263-282
(epsilon dominance); E. Zitzler, L. Thiele, Multiobjective evolutionary algorithms, IEEE
Transactions on Evolutionary Computation 3 (1999) 257-271 (hypervolume).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plansim.analysis.evaluator import Progress
from plansim.analysis.optimization.problem import DecisionProblem, Judged
from plansim.cache import keep, recall
from plansim.errors import Choice
from plansim.scenario.factors import FloatArray

__all__ = [
    "RENEWAL",
    "STEPS",
    "Aim",
    "PolicyProblem",
    "PolicySearch",
    "hypervolume",
    "nondominated",
    "thinned",
]

POPULATION = 64
"""Candidates of a generation."""
RENEWAL = 4
"""Number of generations after which candidates are judged by other members, and the search is kept
in the cache."""
FOLDER = "policies"
"""Folder of the cache in which searches are kept."""
SPREAD_CROSS = 15.0
SPREAD_MUTATE = 20.0
"""How near children are to their parents: larger is nearer."""


class Aim(Choice):
    """A quantity that policies are compared by."""

    GROWTH = "growth"  # mean rate of the series of the decision problem, over members; more
    SHARE = "share"  # share of members that meet every target of the named set; more
    MET = "met"  # mean number of binding targets met; more
    EFFORT = "effort"  # mean move of the levers, in parts of their ranges; less
    COST = "cost"  # mean of a series added up to the year; less

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""
        return 1.0 if self in (Aim.GROWTH, Aim.SHARE, Aim.MET) else -1.0


STEPS = {Aim.GROWTH: 0.001, Aim.SHARE: 0.01, Aim.MET: 0.1, Aim.EFFORT: 0.01, Aim.COST: 0.01}
"""Differences that count, in an aim's unit; of a cost, as a part of what it is at the start."""


@dataclass(frozen=True)
class PolicySearch:
    """The state of a search after some generations."""

    rng: np.random.Generator
    positions: FloatArray
    aims: FloatArray
    """``(policy, aim)``, signed so that more is better."""
    fronts: tuple[FloatArray, ...] = ()
    """By generation, the aims of the set."""
    runs: int = 0


@dataclass(frozen=True)
class PolicyProblem:
    """Aims of policies over the members of a space."""

    space: DecisionProblem
    aims: tuple[Aim, ...]
    named: list[int]
    """Columns of the targets of the named set."""
    members: int
    """Number of members that policies are judged by at a time."""

    @cached_property
    def steps(self) -> FloatArray:
        """``(aim,)``: differences that count."""
        steps = np.array([STEPS[aim] for aim in self.aims])
        if Aim.COST in self.aims:
            column = self.aims.index(Aim.COST)
            steps[column] *= abs(self.judged(self.space.start[None], self.rows(0))[0, column])
        return np.where(steps > 0, steps, 1.0)

    def search(self, seed: int, generations: int, key: str, report: Progress) -> PolicySearch:
        """Search with one seed, from where an earlier search of this key was interrupted."""
        search = recall(FOLDER, key, PolicySearch) or self._begin(seed)
        while (done := len(search.fronts)) < generations:
            report(done, generations)
            search = self._next(search)
            if (done + 1) % RENEWAL == 0 or done + 1 == generations:
                keep(FOLDER, key, search)
        report(generations, generations)
        return search

    def _begin(self, seed: int) -> PolicySearch:
        rng = np.random.default_rng(seed)
        count = len(self.space.levers)
        ends = np.stack([self.space.start, np.zeros(count), np.ones(count)])
        positions = np.vstack([ends, rng.random((POPULATION - len(ends), count))])
        return PolicySearch(rng, positions, np.empty((0, len(self.aims))))

    def _next(self, search: PolicySearch) -> PolicySearch:
        """Return a search after one more generation."""
        generation, runs = len(search.fronts), search.runs
        rows = self.rows(generation // RENEWAL)
        archive, aims = search.positions, search.aims
        if generation % RENEWAL == 0:  # other members
            aims = self.judged(archive, rows)
            runs += len(archive) * self.members
        children = self._children(archive, search.rng)
        archive = np.vstack([archive, children])
        aims = np.vstack([aims, self.judged(children, rows)])
        sound = np.flatnonzero(np.isfinite(aims).all(axis=1))
        kept = sound[thinned(aims[sound], self.steps)]
        archive, aims = archive[kept], aims[kept]
        runs += len(children) * self.members
        return PolicySearch(search.rng, archive, aims, (*search.fronts, aims), runs)

    def rows(self, number: int) -> slice:
        """Return the members by which the policies of a turn are judged."""
        return slice(number * self.members, (number + 1) * self.members)

    def judged(self, positions: FloatArray, rows: slice) -> FloatArray:
        """Return the aims of policies, signed so that more is better: ``(policy, aim)``."""
        return self.aims_of(positions, self.space.judge(positions, rows))

    def aims_of(self, positions: FloatArray, judged: Judged) -> FloatArray:
        """Return the aims of policies that were judged, as `judged` does."""
        growth, *costs = np.moveaxis(judged.indicators, 2, 0)
        columns = []
        for aim in self.aims:
            match aim:
                case Aim.GROWTH:
                    value = np.nanmean(growth, axis=1)
                case Aim.SHARE:
                    value = judged.share(self.named)
                case Aim.MET:
                    value = np.nanmean(judged.met.sum(axis=2), axis=1)
                case Aim.EFFORT:
                    value = self.space.effort(positions)
                case Aim.COST:
                    value = np.nanmean(costs[0], axis=1)
            columns.append(aim.sign * value)
        return np.stack(columns, axis=1)

    def _children(self, parents: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return new candidates: crossed from pairs of parents, then mutated in a lever or two."""
        count, width = POPULATION, parents.shape[1]
        first, second = (parents[rng.integers(len(parents), size=count)] for _ in range(2))
        draws = rng.random((count, width))
        spread = np.where(draws < 0.5, 2 * draws, 1 / (2 * np.maximum(1 - draws, 1e-12)))
        spread **= 1 / (SPREAD_CROSS + 1)
        crossed = (first + second + spread * (first - second)) / 2
        children = np.where(rng.random((count, width)) < 0.5, crossed, first)
        draws = rng.random((count, width))
        moves = (2 * np.minimum(draws, 1 - draws)) ** (1 / (SPREAD_MUTATE + 1)) - 1
        moves = np.where(draws < 0.5, moves, -moves)
        mutated = np.where(rng.random((count, width)) < 1.5 / width, children + moves, children)
        # Some levers go back to where they are, as do those that hardly moved: what is not needed
        # costs effort.
        rests = rng.random((count, width)) < 0.5 / width
        rests |= np.abs(mutated - self.space.start) < STEPS[Aim.EFFORT]
        return np.clip(np.where(rests, self.space.start, mutated), 0.0, 1.0)


# --- dominance ---


def nondominated(aims: FloatArray) -> FloatArray:
    """Return which points no other dominates: ``(point, aim)``, more is better → ``(point,)``.

    >>> nondominated(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.5], [1.0, 0.0]]))
    array([ True,  True, False,  True])
    """
    better = (aims[:, None] >= aims).all(axis=2) & (aims[:, None] > aims).any(axis=2)
    return np.asarray(~better.any(axis=0))


def thinned(aims: FloatArray, steps: FloatArray) -> FloatArray:
    """Return the rows that remain where points of one box, a step wide, count as one.

    >>> thinned(np.array([[1.0, 0.0], [0.99, 0.01], [0.0, 1.0]]), np.array([0.1, 0.1]))
    array([0, 2])
    """
    boxes = np.floor(aims / steps)
    kept = np.flatnonzero(nondominated(boxes))
    _, groups = np.unique(boxes[kept], axis=0, return_inverse=True)
    corner = ((aims[kept] - boxes[kept] * steps) / steps).sum(axis=1)
    order = np.lexsort((-corner, groups))
    firsts = np.unique(groups[order], return_index=True)[1]
    return np.asarray(np.sort(kept[order[firsts]]))


def hypervolume(aims: FloatArray, worst: FloatArray) -> float:
    """Return the volume that points dominate above a reference point: ``(point, aim)``.

    By slicing along the last aim, aim after aim.

    >>> float(hypervolume(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2)))
    3.0
    """
    points = aims[(aims > worst).all(axis=1)]
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(points.max() - worst[0])
    levels = np.unique(points[:, -1])[::-1]
    total, floors = 0.0, np.append(levels[1:], worst[-1])
    for level, floor in zip(levels, floors, strict=True):
        slab = points[points[:, -1] >= level, :-1]
        slab = np.unique(slab[nondominated(slab)], axis=0)
        total += (level - floor) * hypervolume(slab, worst[:-1])
    return total
