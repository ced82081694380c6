"""Remedies of a plan: the smallest moves of levers for each target that fails.

All levers are treated alike, over the range in which people may move them (`views`): first one by
one (`lever_scan`). Where no single lever suffices, the mix with the least sum of moves, as shares
of the levers' ranges, is computed (`slp.minimise`): no prices needed. For several targets at once
there are `target_seeking.solve` and `frontier`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plansim.analysis.optimization.lever_scan import Scan, nearest_crossings, scan
from plansim.analysis.optimization.problem import DecisionProblem, Move, decision_problem
from plansim.analysis.optimization.slp import MoveCost, minimise
from plansim.analysis.optimization.target_seeking import changed_verdicts
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import Floats
from plansim.targets.target import Target
from plansim.targets.views import Lever

__all__ = [
    "NearMiss",
    "Remedy",
    "RemedySearch",
    "TargetRemedies",
    "remedy_search",
    "seek_remedies",
]

GRID = 33
"""Number of points of the grid over a lever's range, to which its present value is added."""
COST_OF_FEWER = 0.02
"""A mix of fewer levers is preferred if its cost is higher by no more than this share."""


@dataclass(frozen=True)
class Remedy:
    """Moves of levers that just meet one target."""

    moves: tuple[Move, ...]
    """The moves, the largest share of a lever's range first."""
    margin: float
    """The target's margin after the moves, in its unit, the smallest of all bases."""
    gained: tuple[str, ...]
    """Ids of the other targets that are newly met."""
    lost: tuple[str, ...]
    """Ids of the other targets that are no longer met."""

    @property
    def effort(self) -> float:
        """The sum of the moves, as shares of the levers' ranges."""
        return sum(move.effort for move in self.moves)


@dataclass(frozen=True)
class NearMiss:
    """The moves that bring a target nearest, where none meet it."""

    moves: tuple[Move, ...]
    margin: float


@dataclass(frozen=True)
class TargetRemedies:
    """Remedies for one target under one scenario."""

    scenario: str
    target: Target
    margin: float
    """As things are."""
    alone: tuple[Remedy, ...]
    """Remedies of one lever: first those that lose no other target, then by the effort."""
    together: Remedy | None
    """The smallest mix of levers, where no single one suffices."""
    nearest: NearMiss | None
    """The nearest miss, where no remedy exists; None where nothing improves the margin."""


def seek_remedies(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    failing: Sequence[Target],
    others: Sequence[Target] = (),
) -> tuple[TargetRemedies, ...]:
    """Return the smallest moves of levers that meet each failing target by itself.

    ``others`` are the targets that a remedy may gain or lose.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.
    """
    if not failing or not levers:
        return tuple(TargetRemedies(scenario.id, t, math.nan, (), None, None) for t in failing)
    search = remedy_search(model, scenario, levers, failing, others)
    return tuple(search.remedies(target) for target in failing)


def remedy_search(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    sought: Sequence[Target],
    others: Sequence[Target] = (),
) -> RemedySearch:
    """Prepare the search for remedies of targets; as `seek_remedies`, with the same errors."""
    whole = decision_problem(model, scenario, levers, [*sought, *others])
    problem = decision_problem(model, scenario, levers, sought)
    return RemedySearch(whole, problem, scan(problem, GRID))


@dataclass(frozen=True)
class RemedySearch:
    """The search for remedies of some targets under a scenario."""

    whole: DecisionProblem
    """Judges all targets."""
    problem: DecisionProblem
    """Judges the targets in question only, since its code is smaller and faster."""
    scanned: Scan

    def remedies(self, target: Target) -> TargetRemedies:
        """Return the remedies for one target."""
        problem, column = self.problem, self.problem.targets.index(target)
        scale = float(problem.scales[column])
        present, start = self._present(column) * scale, problem.start
        crossings = nearest_crossings(problem, self.scanned, [column])
        ranked = sorted(
            (
                self._remedy(target, np.where(np.arange(len(start)) == lever, at, start))
                for lever, at in crossings.items()
            ),
            key=lambda remedy: (bool(remedy.lost), remedy.effort),
        )
        result = TargetRemedies(problem.scenario.id, target, present, tuple(ranked), None, None)
        if ranked:
            return result
        alone = problem.only(target)
        best = minimise(
            alone.evaluate,
            [start, self._greedy(column), self._best_by_itself(target)],
            MoveCost(np.ones(len(start)), start),
            [0],
            start,
            worth=COST_OF_FEWER,
        )
        margin = float(best.values[0]) * scale
        if margin >= 0:
            return replace(result, together=self._remedy(target, best.position))
        nearest = NearMiss(problem.moves(best.position), margin) if margin > present else None
        return replace(result, nearest=nearest)

    def _present(self, column: int) -> float:
        """Return the scaled margin of a target as things are."""
        grid, values = self.scanned[0]
        return float(values[np.searchsorted(grid, self.problem.start[0]), column])

    def _remedy(self, target: Target, position: Floats) -> Remedy:
        """Return the moves to a position as a remedy."""
        evaluation = self.whole.judge(np.stack([self.whole.start, position]))
        others = [other.id for other in self.whole.targets if other.id != target.id]
        gained, lost = changed_verdicts(evaluation, others)
        margin = float(evaluation[target.id].least_margin[1])
        return Remedy(self.whole.moves(position), margin, gained, lost)

    def helpful(self, target: Target) -> list[tuple[int, float]]:
        """Return the levers that by themselves improve a target's margin, the best first.

        Each with the position at which it helps most.
        """
        column = self.problem.targets.index(target)
        present, gains = self._present(column), []
        for lever, (grid, values) in enumerate(self.scanned):
            best = int(np.argmax(values[:, column]))
            gains.append((float(values[best, column]) - present, lever, float(grid[best])))
        return [(lever, at) for gain, lever, at in sorted(gains, reverse=True) if gain > 0]

    # --- starts of a mix ---

    def _best_by_itself(self, target: Target) -> Floats:
        """Return the position with each lever at the value that by itself helps most."""
        position = self.problem.start
        for lever, at in self.helpful(target):
            position[lever] = at
        return position

    def _greedy(self, column: int) -> Floats:
        """Return the position with as many levers moved as would suffice if their gains added up.

        Levers with the largest gain per share of their range come first.
        """
        position = self.problem.start
        margin = self._present(column)
        steps = []
        for lever, (grid, values) in enumerate(self.scanned):
            best = int(np.argmax(values[:, column]))
            gain = float(values[best, column]) - margin
            effort = abs(float(grid[best]) - position[lever])
            if gain > 0 and effort > 0:
                steps.append((gain / effort, gain, lever, float(grid[best])))
        for _, gain, lever, at in sorted(steps, reverse=True):
            if margin >= 0:
                break
            position[lever] = at
            margin += gain
        return position
