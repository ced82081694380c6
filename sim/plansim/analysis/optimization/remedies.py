"""Remedies of a plan: the smallest moves of levers for each target that fails, and for all.

All levers are treated alike, over the range in which people may move them (`views`): first one by
one (`lever_scan`). Where no lever does it alone, and for all targets
together, the mix is computed that takes least of the levers' ranges, added up (`slp.minimise`): a
cost that needs no prices, which a catalogue of levers does not have.
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
"""Points of the grid over a lever's range, and where it is beside."""
WORTH = 0.02
"""A mix of fewer levers is worth so much more of the cost."""
PRIORITY = 100.0
"""Weight of the margins that must hold, where the question is how near another comes to zero."""


@dataclass(frozen=True)
class Remedy:
    """Moves that just meet one target, or several."""

    moves: tuple[Move, ...]
    """The one that takes most of its lever's range first."""
    margin: float
    """Of the target then, in its unit, the smallest of all bases, as all margins here; of several
    targets the smallest, in parts of a target."""
    gained: tuple[str, ...]
    """Ids of the other targets that are met then and were not."""
    lost: tuple[str, ...]
    """Ids of the other targets that were met and are not then."""

    @property
    def effort(self) -> float:
        """The parts of the levers' ranges that the moves take, added up."""
        return sum(move.effort for move in self.moves)


@dataclass(frozen=True)
class NearMiss:
    """Moves with which a target comes nearest, where even that does not meet it."""

    moves: tuple[Move, ...]
    margin: float


@dataclass(frozen=True)
class TargetRemedies:
    """What meets one target under one scenario."""

    scenario: str
    target: Target
    margin: float
    """As things are."""
    alone: tuple[Remedy, ...]
    """One lever each: first those that lose no other target, then by the part of the range."""
    together: Remedy | None
    """The smallest mix of levers, where no single one does it."""
    nearest: NearMiss | None
    """The best there was, where nothing does it; None where nothing improves it."""


@dataclass(frozen=True)
class Unmet:
    """A target that is not met together with others."""

    target: Target
    never: bool
    """Whether it was not even met by itself."""
    margin: float
    """The best, in its unit, below zero: while all others hold, or of all if it is never met."""


@dataclass(frozen=True)
class JointRemedy:
    """What meets several failing targets under one scenario at once, and loses no binding one."""

    targets: tuple[Target, ...]
    remedy: Remedy | None
    """The smallest mix; None if not even one of the targets can be met so."""
    unmet: tuple[Unmet, ...]
    """The failing targets that are left out so that the others hold together."""


@dataclass(frozen=True)
class Remedies:
    """What meets the failing targets of one scenario."""

    single: tuple[TargetRemedies, ...]
    """Of each failing target by itself."""
    joint: JointRemedy | None
    """Of all at once; None where fewer than two fail."""


def seek_remedies(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    failing: Sequence[Target],
    others: Sequence[Target] = (),
    kept: Sequence[Target] = (),
) -> Remedies:
    """Return the smallest moves of levers that meet failing targets, one by one and all at once.

    ``others`` are the targets of which is said whether a remedy gains or loses them; ``kept`` are
    those that hold and must go on holding where several are met at once.

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
    """Judges those that are searched for, for which the code is smaller and quicker."""
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
        """Return what meets one target, and the position at which it is met, or nearest to it."""
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
        starts = [start, self._greedy(column), self._corner([column])]
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
            worth=WORTH,
        )
        return Point(best.position, best.values / weights)

    def _remedy(self, targets: Sequence[Target], position: Floats) -> Remedy:
        """Return what moves to a position do."""
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

    def _corner(self, columns: Sequence[int]) -> Floats:
        """Return the position with each lever where it helps most by itself, if it helps.

        Of several targets, help to one counts until it is met, in parts of what it lacks.
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
        """Return the position with as many levers moved as would do if their gains added up.

        Those come first that gain most for the part of the range that they take.
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

        The one that is furthest off is left out until the others hold; then each of these is tried
        again, and it is said how near it comes.
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
            # Each lever as far as any one target asks.
            union = positions[np.abs(positions - start).argmax(axis=0), np.arange(len(start))]
            second = self._corner([self._column(t) for t in met]) if best is None else best.position
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
