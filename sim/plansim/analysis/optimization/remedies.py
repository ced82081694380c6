"""Remedies of a plan: the smallest moves of levers for each target that fails.

All levers are treated alike, over the range in which people may move them (`views`): first one by
one (`lever_scan`). Where no single lever suffices, the mix with the least sum of moves, as shares
of the levers' ranges, is computed (`slp.minimise`): no prices needed. For several targets at once
there are `target_seeking.solve` and `frontier`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from plansim.analysis.optimization.lever_scan import Scan, nearest_crossings, scan
from plansim.analysis.optimization.problem import DecisionProblem, Move, decision_problem
from plansim.analysis.optimization.slp import MoveCost, minimise
from plansim.analysis.optimization.target_seeking import changed_verdicts
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Target
from plansim.targets.views import Lever

__all__ = ["RemedySearch", "remedy_search"]

GRID = 33
"""Number of points of the grid over a lever's range, to which its present value is added."""
COST_OF_FEWER = 0.02
"""A mix of fewer levers is preferred if its cost is higher by no more than this share."""


def remedy_search(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    sought: Sequence[Target],
    others: Sequence[Target] = (),
) -> RemedySearch:
    """Prepare the search for remedies of targets; ``others`` are what they may gain or lose.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.
    """
    whole = decision_problem(model, scenario, levers, [*sought, *others], shared=True)
    problem = decision_problem(model, scenario, levers, sought, shared=True)
    return RemedySearch(whole, problem, scan(problem, GRID))


@dataclass(frozen=True)
class RemedySearch:
    """The search for remedies of some targets under a scenario."""

    whole: DecisionProblem
    """Judges all targets."""
    problem: DecisionProblem
    """Judges the targets in question only, which is faster."""
    scanned: Scan

    def remedies(self, target: Target) -> tuple[list[tuple[Move, ...]], float | None]:
        """Return the smallest moves that meet a target, and the nearest margin where none do.

        Those of one lever each: first what loses no other target, then by the effort. Where no
        single lever suffices, the smallest mix of levers. The margin, in the target's unit, is that
        of the mix that comes nearest; None where nothing improves it.
        """
        column, start = self.problem.targets.index(target), self.problem.start
        alone = self.problem.only(target)
        scanned = [(grid, values[:, [column]]) for grid, values in self.scanned]
        crossings = nearest_crossings(alone, scanned, [0])
        if crossings:
            positions = [
                np.where(np.arange(len(start)) == lever, at, start)
                for lever, at in crossings.items()
            ]
            return sorted(map(self.whole.moves, positions), key=self._rank(target)), None
        best = minimise(
            alone.evaluate,
            [start, self._greedy(column), self._best_by_itself(target)],
            MoveCost(np.ones(len(start)), start),
            [0],
            start,
            worth=COST_OF_FEWER,
        )
        margin = float(best.values[0])
        if margin >= 0:
            return [self.whole.moves(best.position)], None
        scale = float(self.problem.scales[column])
        return [], margin * scale if margin > self._present(column) else None

    def _rank(self, target: Target) -> Callable[[Sequence[Move]], tuple[bool, float]]:
        """Return what remedies of one lever are sorted by."""
        others = [other.id for other in self.whole.targets if other.id != target.id]

        def rank(moves: Sequence[Move]) -> tuple[bool, float]:
            positions = [self.whole.start, self.whole.position_of(moves)]
            _, lost = changed_verdicts(self.whole.runs(np.stack(positions)), others)
            return bool(lost), sum(move.effort for move in moves)

        return rank

    def _present(self, column: int) -> float:
        """Return the scaled margin of a target as things are."""
        grid, values = self.scanned[0]
        return float(values[np.searchsorted(grid, self.problem.start[0]), column])

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

    def _best_by_itself(self, target: Target) -> FloatArray:
        """Return the position with each lever at the value that by itself helps most."""
        position = self.problem.start
        for lever, at in self.helpful(target):
            position[lever] = at
        return position

    def _greedy(self, column: int) -> FloatArray:
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
