"""A decision problem: a scenario, levers that may be moved in ranges, targets that are to be met.

Every search of this package asks the same: what becomes of targets where levers stand at positions,
each from 0 to 1 across its range. `solve`, the remedies of reports and the frontier ask it of the
model's own run; policies and conflicts, and how sure a frontier is, of states of the world: draws
of what is uncertain beside the levers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.evaluator import Evaluation, Evaluator, Request
from plansim.model.records import Integration, Model
from plansim.scenario.factors import Factor, FloatArray, applied, default_of, neutral_value
from plansim.scenario.members import LIMIT, Members
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Target, in_year, scale_of
from plansim.targets.verdict import PART_MET
from plansim.targets.views import Lever

__all__ = [
    "DecisionProblem",
    "Judged",
    "Move",
    "decision_problem",
    "parts_met",
]

States: TypeAlias = npt.NDArray[np.intp] | slice
"""Rows of the draws."""
UNMOVED = 1e-9
"""A lever that is moved by less of its range is not moved."""
PART = 4096
"""Runs a thread that are set up at a time."""


@dataclass(frozen=True)
class Move:
    """A lever, where it is and where it is moved to, in its own unit."""

    lever: Lever
    present: float
    """The constant's value; 0 of a lever that adds, 1 of one that multiplies."""
    value: float

    @property
    def effort(self) -> float:
        """The part of the lever's range that the move takes."""
        return abs(self.value - self.present) / (self.lever.high - self.lever.low)


@dataclass(frozen=True)
class Judged:
    """Results of settings of levers in each state; NaN where a run breaks down."""

    met: FloatArray = field(repr=False)
    """``(setting, state, target)``: as `parts_met` gives it."""
    margins: FloatArray = field(repr=False)
    """``(setting, state, target)``, scaled."""
    indicators: FloatArray = field(repr=False)
    """``(setting, state, indicator)``, in their units."""

    def share(self, columns: Sequence[int]) -> FloatArray:
        """Return the share of states in which every one of some targets is met: ``(setting,)``.

        A state in which one is undecided, and none missed, counts as half.
        """
        least = self.met[:, :, list(columns)].min(axis=2, initial=1.0)
        return np.asarray(np.nan_to_num(least).mean(axis=1))


@dataclass(frozen=True, kw_only=True)
class DecisionProblem:
    """Levers over their ranges under a scenario, and what is asked of a run at each setting."""

    scenario: Scenario
    levers: tuple[Lever, ...]
    low: FloatArray
    """``(lever,)``: the ends of the ranges in the levers' units, what is present in them."""
    high: FloatArray
    present: FloatArray
    """``(lever,)``: where the scenario has them; 0 of a lever that adds, 1 of one that multiplies.
    """
    targets: tuple[Target, ...]
    scales: FloatArray
    """``(target,)``: margins are divided by them."""
    indicators: tuple[Target, ...]
    """What is computed beside the margins: growth, or an outlay."""
    by_year: tuple[tuple[str, ...], ...] = field(repr=False)
    """By target, the ids of what is judged: the target in each year in which it must hold."""
    columns: Mapping[str, int] = field(repr=False)
    """Positions of the constants in a row of settings."""
    states: FloatArray = field(repr=False)
    """``(state, constant)``: values under the scenario in each state of the world, before levers
    act; a single one where nothing is uncertain."""
    uncertain: tuple[Factor, ...]
    """Factors that act on what levers leave."""
    draws: FloatArray = field(repr=False)
    """``(state, factor)``: their values."""
    evaluator: Evaluator = field(repr=False)
    threads: int

    # Positions, values and moves of levers.

    @property
    def start(self) -> FloatArray:
        """``(lever,)``: the positions where the levers are."""
        return self.positions(self.present)

    def positions(self, values: FloatArray) -> FloatArray:
        """Return the positions of values in the levers' units."""
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        return np.asarray((values - self.low) / width)

    def values(self, positions: FloatArray) -> FloatArray:
        """Return the levers' values at positions; one that is not moved has its exact value."""
        values = self.low + positions * (self.high - self.low)
        return np.where(positions == self.start, self.present, values)

    def effort(self, positions: FloatArray) -> FloatArray:
        """Return the mean move of the levers, in parts of their ranges: ``(setting,)``."""
        return np.asarray(np.abs(positions - self.start).mean(axis=1))

    def moves(self, position: FloatArray) -> tuple[Move, ...]:
        """Return the levers that are moved at a position, the longest move first."""
        values = self.values(position)
        moves = [
            Move(self.levers[lever], float(self.present[lever]), float(values[lever]))
            for lever in np.flatnonzero(np.abs(position - self.start) > UNMOVED)
        ]
        return tuple(sorted(moves, key=lambda move: -move.effort))

    def position_of(self, moves: Sequence[Move]) -> FloatArray:
        """Return the position at which these levers are moved and no others."""
        values = self.present.copy()
        for move in moves:
            values[self.levers.index(move.lever)] = move.value
        return np.where(values == self.present, self.start, self.positions(values))

    def moved(self, position: FloatArray) -> dict[str, float]:
        """Return the constants that are set anew where levers stand at a position."""
        (still,) = self.states[:1]
        (settings,) = replace(self, uncertain=())._settings(position[None], slice(1))
        return {
            name: float(settings[column])
            for name, column in self.columns.items()
            if settings[column] != still[column]
        }

    def scenario_at(self, position: FloatArray) -> Scenario:
        """Return the scenario with the levers at a position; it sets what is moved."""
        values = {**self.scenario.values, **self.moved(position)}
        return replace(self.scenario, values=values)

    # What runs say.

    def runs(self, positions: FloatArray, states: States = slice(None)) -> Evaluation:
        """Return what comes out of runs, targets judged in their own years: ``(setting · state,)``.

        Each setting is run in all of some states of the world, one after the other.
        """
        return self.evaluator.evaluate(self._settings(positions, states), self.threads)

    def evaluate(self, positions: FloatArray) -> FloatArray:
        """Return scaled margins, then indicators, of the first state: ``(setting, column)``.

        NaN where a run breaks down.
        """
        evaluation = self.runs(positions, slice(1))
        return np.hstack([self._margins(evaluation), self._indicators(evaluation)])

    def judge(self, positions: FloatArray, states: States = slice(None)) -> Judged:
        """Return what becomes of each setting in each of some states, all by default."""
        count = len(self.states[states])
        size = max(1, PART * self.threads // count)
        parts = []
        for start in range(0, len(positions), size):
            part = positions[start : start + size]
            evaluation = self.runs(part, states)
            met = parts_met(evaluation, self.targets)
            columns = met, self._margins(evaluation), self._indicators(evaluation)
            parts.append([column.reshape(len(part), count, -1) for column in columns])
        return Judged(*map(np.concatenate, zip(*parts, strict=True)))

    def _settings(self, positions: FloatArray, states: States) -> FloatArray:
        """Return the constants of runs: ``(setting · state, constant)``."""
        still, draws = self.states[states], self.draws[states]
        settings = np.tile(still, (len(positions), 1))

        def act(changed: Lever | Factor, values: FloatArray) -> None:
            columns = [self.columns[constant] for constant in changed.constants]
            settings[:, columns] = applied(changed.apply, settings[:, columns], values[:, None])

        for lever, values in zip(self.levers, self.values(positions).T, strict=True):
            act(lever, np.repeat(values, len(still)))
        for factor, values in zip(self.uncertain, draws.T, strict=True):
            act(factor, np.tile(values, len(positions)))
        return settings

    def _margins(self, evaluation: Evaluation) -> FloatArray:
        """Return the least margins in the years in which targets must hold: ``(run, target)``."""
        columns = [
            np.min([evaluation[id_].least_margin for id_ in ids], axis=0) for ids in self.by_year
        ]
        return np.stack(columns, axis=1) / self.scales

    def _indicators(self, evaluation: Evaluation) -> FloatArray:
        columns = [evaluation[one.id].value for one in self.indicators]
        return np.stack(columns, axis=1) if columns else np.empty((len(evaluation.status), 0))


def parts_met(
    evaluation: Evaluation, targets: Sequence[Target], *, assumed: float = 0.0
) -> FloatArray:
    """Return how far targets are met: ``(run, target)``, NaN where a run breaks down.

    1 if it is met, 0 if it is missed, 0.5 if it is undecided. One that the scenario assumes counts
    as not met, unless ``assumed`` says otherwise: to assume it is no achievement.
    """
    status = np.stack([evaluation[target.id].status for target in targets], axis=1)
    parts = np.asarray(np.nan_to_num(PART_MET[status], nan=assumed))
    parts[evaluation.failed] = np.nan
    return parts


def decision_problem(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    *,
    indicators: Sequence[Target] = (),
    until: int | None = None,
    uncertain: Sequence[Factor] = (),
    draws: FloatArray | None = None,
    members: Members | None = None,
    threads: int = 1,
    shared: bool = False,
    coarse: bool = False,
) -> DecisionProblem:
    """Return the problem of moving levers under a scenario, each over its own range.

    A lever that sets a constant moves it from what the scenario has; one that adds or multiplies
    acts on what the scenario has. Until ``until`` a target must hold from its own year on; by
    default in that alone. A lever that is outside of its range has the range extended to
    where it is; a range without an end stops there. ``shared`` is as for `Evaluator`.

    States of the world are ``draws`` of factors that are ``uncertain``, or ``members``. Of these, a
    lever is where a policy has it: what members change is what nobody decides. With ``coarse``,
    runs of a model that is integrated by rk4 take the midpoint rule, twice as fast and near enough
    to compare policies (docs/decisions/0081).

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the model cannot be compiled.
        SimulationError: nothing is uncertain, and the scenario itself breaks down.
    """
    own = [constant for lever in levers for constant in lever.constants]
    acting = [constant for factor in uncertain for constant in factor.constants]
    names, values = members.constants_under(model, scenario) if members else ((), np.empty((1, 0)))
    draws = np.empty((len(values), 0)) if draws is None else draws
    constants = tuple(dict.fromkeys([*own, *acting, *names]))
    columns = {constant: column for column, constant in enumerate(constants)}
    still = np.array([default_of(model, scenario.values, name) for name in constants])
    states = np.tile(still, (len(draws), 1))
    states[:, [columns[name] for name in names]] = values
    states[:, [columns[name] for name in own]] = still[[columns[name] for name in own]]
    judged = tuple({target.id: target for target in targets}.values())
    last = until or 0
    by_year = [
        [target, *(in_year(target, year) for year in range((target.year or last) + 1, last + 1))]
        for target in judged
    ]
    asked = [*indicators, *(target for years in by_year for target in years)]
    present = np.array(
        [neutral_value(model, scenario.values, lever.apply, lever.constants) for lever in levers]
    )
    ends = np.array([(lever.low, lever.high) for lever in levers]).reshape(-1, 2).T
    low, high = np.where(np.isfinite(ends), ends, present)
    run = scenario
    if coarse and scenario.time.integration is Integration.RK4:
        run = replace(scenario, time=replace(scenario.time, integration=Integration.MIDPOINT))
    problem = DecisionProblem(
        scenario=scenario,
        levers=tuple(levers),
        low=np.minimum(low, present),
        high=np.maximum(high, present),
        present=present,
        targets=judged,
        scales=np.array([scale_of(target) for target in judged]),
        indicators=tuple(indicators),
        by_year=tuple(tuple(target.id for target in years) for years in by_year),
        columns=columns,
        states=states,
        uncertain=tuple(uncertain),
        draws=draws,
        evaluator=Evaluator(
            model,
            run,
            constants,
            Request(tuple(asked)),
            shared=shared,
            stop_early=True,  # nothing here asks when a limit is broken after its year
            limit=math.inf if members is None else LIMIT,
        ),
        threads=threads,
    )
    if len(states) == 1:
        problem.runs(problem.start[None]).require_ok()
    return problem
