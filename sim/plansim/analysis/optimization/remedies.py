"""Remedies of a plan: the smallest moves of levers for each target that fails, and for all.

All levers are treated alike, over the range in which people may move them (`views`): first one by
one (`lever_scan`). Where no single lever suffices, and for all targets together, the mix with the
least sum of moves, as shares of the levers' ranges, is computed (`slp.minimise`): no prices needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plansim.analysis.optimization.lever_scan import Scan, nearest_crossings, scan
from plansim.analysis.optimization.problem import DecisionProblem, Move, decision_problem
from plansim.analysis.optimization.slp import MoveCost, Point, minimise
from plansim.analysis.optimization.target_seeking import changed_verdicts
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import Target
from plansim.targets.indicator import Floats
from plansim.targets.views import Lever

__all__ = [
    "JointRemedy",
    "NearMiss",
    "Remedies",
    "Remedy",
    "TargetRemedies",
    "Unmet",
    "seek_remedies",
]

GRID = 33
"""Number of points of the grid over a lever's range, to which its present value is added."""
COST_OF_FEWER = 0.02
"""A mix of fewer levers is preferred if its cost is higher by no more than this share."""
PRIORITY = 100.0
"""Weight of the margins that must hold while another one is brought as near to zero as possible."""


@dataclass(frozen=True)
class Remedy:
    """Moves of levers that just meet one target, or several."""

    moves: tuple[Move, ...]
    """The moves, the largest share of a lever's range first."""
    margin: float
    """The target's margin after the moves, in its unit, the smallest of all bases; of several
    targets the smallest, as a share of the target."""
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


@dataclass(frozen=True)
class Unmet:
    """A target that is not met together with others."""

    target: Target
    never: bool
    """Whether it cannot be met even alone."""
    margin: float
    """The largest (negative) margin in its unit, while all others hold, or of all if `never`."""


@dataclass(frozen=True)
class JointRemedy:
    """Remedies for several failing targets at once that lose no binding one."""

    targets: tuple[Target, ...]
    remedy: Remedy | None
    """The smallest mix; None if none of the targets can be met."""
    unmet: tuple[Unmet, ...]
    """The failing targets that are left out so that the others hold together."""


@dataclass(frozen=True)
class Remedies:
    """Remedies for the failing targets of one scenario."""

    single: tuple[TargetRemedies, ...]
    """For each failing target by itself."""
    joint: JointRemedy | None
    """For all at once; None where fewer than two fail."""


def seek_remedies(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    failing: Sequence[Target],
    others: Sequence[Target] = (),
    kept: Sequence[Target] = (),
) -> Remedies:
    """Return the smallest moves of levers that meet failing targets, one by one and all at once.

    ``others`` are the targets that a remedy may gain or lose; ``kept`` are those that hold and must
    continue to hold where several are met at once.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.
    """
    if not failing or not levers:
        none = (TargetRemedies(scenario.id, t, math.nan, (), None, None) for t in failing)
        return Remedies(tuple(none), None)
    seeker = _Seeker.of(model, scenario, levers, failing, others, kept)
    single = []
    ends: dict[str, Floats] = {}
    for target in failing:
        remedies, ends[target.id] = seeker.single(target)
        single.append(remedies)
    joint = seeker.joint(single, ends, kept) if len(failing) > 1 else None
    return Remedies(tuple(single), joint)


@dataclass(frozen=True)
class _Seeker:
    whole: DecisionProblem
    """Judges all targets."""
    problem: DecisionProblem
    """Judges the failing and kept targets only, since its code is smaller and faster."""
    scanned: Scan

    @classmethod
    def of(
        cls,
        model: Model,
        scenario: Scenario,
        levers: Sequence[Lever],
        failing: Sequence[Target],
        others: Sequence[Target],
        kept: Sequence[Target],
    ) -> _Seeker:
        wanted = [*failing, *kept]
        whole = decision_problem(model, scenario, levers, [*wanted, *others])
        problem = decision_problem(model, scenario, levers, wanted)
        return cls(whole, problem, scan(problem, GRID))

    # --- one target ---

    def single(self, target: Target) -> tuple[TargetRemedies, Floats]:
        """Return the remedies for one target, and the position that meets it or comes nearest."""
        problem, column = self.problem, self._column(target)
        present = self._present(column) * float(problem.scales[column])
        start = problem.start
        crossings = nearest_crossings(problem, self.scanned, [column])
        positions = {
            lever: np.where(np.arange(len(start)) == lever, at, start)
            for lever, at in crossings.items()
        }
        ranked = sorted(
            ((self._remedy([target], position), position) for position in positions.values()),
            key=lambda pair: (bool(pair[0].lost), pair[0].effort),
        )
        result = TargetRemedies(
            problem.scenario.id, target, present, tuple(one for one, _ in ranked), None, None
        )
        if ranked:
            return result, ranked[0][1]
        starts = [start, self._greedy(column), self._best_by_itself([column])]
        best = self._least_moves([target], starts)
        margin = float(best.values[column]) * float(problem.scales[column])
        if margin >= 0:
            return replace(result, together=self._remedy([target], best.position)), best.position
        nearest = NearMiss(problem.moves(best.position), margin) if margin > present else None
        return replace(result, nearest=nearest), best.position

    def _column(self, target: Target) -> int:
        return self.problem.targets.index(target)

    def _present(self, column: int) -> float:
        """Return the scaled margin of a target as things are."""
        grid, values = self.scanned[0]
        return float(values[np.searchsorted(grid, self.problem.start[0]), column])

    def _least_moves(
        self, targets: Sequence[Target], starts: Sequence[Floats], priority: float = 1.0
    ) -> Point:
        """Return the smallest mix that meets targets; all but the last count ``priority`` times."""
        columns = [self._column(target) for target in targets]
        weights = np.ones(len(self.problem.targets))
        weights[columns[:-1]] = priority
        start = self.problem.start
        best = minimise(
            lambda positions: self.problem.evaluate(positions) * weights,
            starts,
            MoveCost(np.ones(len(start)), start),
            columns,
            start,
            worth=COST_OF_FEWER,
        )
        return Point(best.position, best.values / weights)

    def _remedy(self, targets: Sequence[Target], position: Floats) -> Remedy:
        """Return the moves to a position as a remedy."""
        evaluation = self.whole.judge(np.stack([self.whole.start, position]))
        wanted = [target.id for target in targets]
        gained, lost = changed_verdicts(
            evaluation, [target.id for target in self.whole.targets if target.id not in wanted]
        )
        margins = [float(evaluation[id_].least_margin[1]) for id_ in wanted]
        scales = [float(self.problem.scales[self._column(target)]) for target in targets]
        margin = (
            margins[0]
            if len(margins) == 1
            else min(margin / scale for margin, scale in zip(margins, scales, strict=True))
        )
        return Remedy(self.whole.moves(position), margin, gained, lost)

    # --- starts of a mix ---

    def _best_by_itself(self, columns: Sequence[int]) -> Floats:
        """Return the position with each lever at the value that by itself helps most, if any does.

        Of several targets, help to one counts until it is met, as a share of its shortfall.
        """
        position = self.problem.start
        for lever, (grid, values) in enumerate(self.scanned):
            gain = np.zeros(len(grid))
            for column in columns:
                present = self._present(column)
                rise = (values[:, column] - present) / max(-present, 1e-6)
                gain += rise if len(columns) == 1 else np.minimum(rise, 1.0)
            best = int(np.argmax(gain))
            if gain[best] > 0:
                position[lever] = grid[best]
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

    # --- all targets at once ---

    def joint(
        self,
        single: Sequence[TargetRemedies],
        ends: dict[str, Floats],
        kept: Sequence[Target],
    ) -> JointRemedy:
        """Meet as many failing targets as hold together; ``ends`` are positions of each alone.

        The one furthest from being met is left out until the others hold; then each of those left
        out is tried again, and the result says how near it comes.
        """
        start = self.problem.start
        order = [one.target for one in single]
        unmet = [
            Unmet(one.target, True, one.nearest.margin if one.nearest else one.margin)
            for one in single
            if not one.alone and one.together is None
        ]
        met = [target for target in order if target not in [one.target for one in unmet]]
        conflicting: list[Target] = []
        best: Point | None = None
        while met:
            positions = np.stack([ends[target.id] for target in met])
            # Each lever moved as far as any single target needs.
            union = positions[np.abs(positions - start).argmax(axis=0), np.arange(len(start))]
            second = (
                self._best_by_itself([self._column(t) for t in met])
                if best is None
                else best.position
            )
            best = self._least_moves([*met, *kept], [union, second])
            if best.values[[self._column(target) for target in (*met, *kept)]].min() >= 0:
                break
            margins = best.values[[self._column(target) for target in met]]
            conflicting.append(met.pop(int(np.argmin(margins))))
        for target in reversed(conflicting) if met else ():
            assert best is not None
            wanted = [*met, *kept, target]
            near = self._least_moves(wanted, [best.position, ends[target.id]], PRIORITY)
            columns = [self._column(one) for one in wanted]
            if near.values[columns].min() >= 0:
                met, best = [*met, target], near
            else:
                column = columns[-1]
                margin = float(near.values[column] * self.problem.scales[column])
                unmet.append(Unmet(target, False, margin))
        if not met or best is None:
            unmet += [self._unmet(target) for target in conflicting]
        return JointRemedy(
            tuple(sorted(met, key=order.index)),
            self._remedy(met, best.position) if met and best is not None else None,
            tuple(sorted(unmet, key=lambda one: order.index(one.target))),
        )

    def _unmet(self, target: Target) -> Unmet:
        column = self._column(target)
        return Unmet(target, False, self._present(column) * float(self.problem.scales[column]))
