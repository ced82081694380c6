"""What policies can be: levers over their ranges, and what a setting of them comes to over members.

A policy is a position: each lever from 0 to 1 across its range. Levers are moved about a scenario;
members change what no policy decides, by the same amounts under every policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from plansim.analysis.decisions.sample import parts_met
from plansim.analysis.evaluator import Evaluator, Request, processors
from plansim.analysis.optimization.moves import ranges_of, scale_of
from plansim.analysis.optimization.problem import SearchSpace
from plansim.model.records import Integration, Model
from plansim.scenario.factors import FloatArray, acted, default_of
from plansim.scenario.members import LIMIT, Members
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Target
from plansim.targets.views import Lever

__all__ = ["Judged", "PolicySpace", "policy_space"]

PART = 4096
"""Runs that a thread sets up, simulates and judges at a time: what they are set to stays in the
processor's cache."""


@dataclass(frozen=True)
class Judged:
    """What policies come to, member by member; NaN where a run breaks down."""

    met: FloatArray = field(repr=False)
    """``(policy, member, target)``: 1 if it is met, 0 if it is missed, 0.5 if it is undecided."""
    margins: FloatArray = field(repr=False)
    """``(policy, member, target)``, as parts of the targets' values."""
    indicators: Mapping[str, FloatArray] = field(repr=False)
    """By the id of an indicator ``(policy, member)``, in its unit."""

    def share(self, columns: Sequence[int]) -> FloatArray:
        """Return the share of members in which every one of some targets is met: ``(policy,)``.

        A member in which one is undecided, and none missed, counts as half.
        """
        least = self.met[:, :, list(columns)].min(axis=2, initial=1.0)
        return np.asarray(np.nan_to_num(least).mean(axis=1))


@dataclass(frozen=True, kw_only=True)
class PolicySpace(SearchSpace):
    """Levers that are moved about a scenario, and the members under which policies are judged."""

    targets: tuple[Target, ...]
    members: Members
    settings: FloatArray = field(repr=False)
    """``(member, constant)``: the constants under the scenario in each member."""
    evaluator: Evaluator = field(repr=False)
    indicators: tuple[str, ...]
    threads: int

    def constants(self, position: FloatArray) -> dict[str, float]:
        """Return the constants that levers set which are moved, under the scenario."""
        values, base = self.values(position[None])[0], self.scenario.values
        return {
            constant: acted(lever.apply, default_of(self.evaluator.model, base, constant), value)
            for lever, value, present in zip(
                self.levers, values.tolist(), self.present.tolist(), strict=True
            )
            if value != present
            for constant in lever.constants
        }

    def effort(self, positions: FloatArray) -> FloatArray:
        """Return the mean move of the levers, in parts of their ranges: ``(policy,)``."""
        return np.asarray(np.abs(positions - self.start).mean(axis=1))

    def under(self, scenario: Scenario, members: Members, *, shared: bool = False) -> PolicySpace:
        """Return the space of the same levers about a scenario, under some members."""
        model, every = self.evaluator.model, self.evaluator.request.targets
        asked = [one for one in every if one.id in self.indicators]
        return policy_space(
            model.original or model, scenario, self.levers, self.targets, members,
            indicators=asked, shared=shared, threads=self.threads,
        )  # fmt: skip

    def judge(
        self, positions: FloatArray, rows: npt.NDArray[np.intp] | slice = slice(None)
    ) -> Judged:
        """Run policies under members, all or those in some rows: ``(policy, lever)`` positions."""
        members = self.settings[rows]
        rounds = -(-len(positions) * len(members) // (PART * self.threads))
        if rounds * self.threads > len(positions):
            return self._judged(members, positions, self.threads)
        parts = np.array_split(positions, rounds * self.threads)  # all threads have as much to do
        with ThreadPoolExecutor(self.threads) as pool:
            judged = list(pool.map(partial(self._judged, members), parts))
        return Judged(
            np.concatenate([part.met for part in judged]),
            np.concatenate([part.margins for part in judged]),
            {
                name: np.concatenate([part.indicators[name] for part in judged])
                for name in self.indicators
            },
        )

    def _judged(self, members: FloatArray, positions: FloatArray, threads: int = 1) -> Judged:
        table = np.tile(members, (len(positions), 1))
        for lever, values in zip(self.levers, self.values(positions).T, strict=True):
            self.act(table, lever, np.repeat(values, len(members)))
        evaluation = self.evaluator.evaluate(table, threads)
        shape = len(positions), len(members)
        met = parts_met(evaluation, self.targets)
        margins = evaluation.least_margins(self.targets)
        margins /= [scale_of(target) for target in self.targets]
        return Judged(
            met.reshape(*shape, -1),
            margins.reshape(*shape, -1),
            {name: evaluation[name].value.reshape(shape) for name in self.indicators},
        )


def policy_space(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    members: Members,
    *,
    indicators: Sequence[Target] = (),
    shared: bool = False,
    coarse: bool = False,
    threads: int | None = None,
) -> PolicySpace:
    """Return the space of policies over levers about a scenario.

    ``shared`` takes the machine code of single runs, which spares compiling where runs are few.
    With ``coarse``, runs of a model that is integrated by rk4 take the midpoint rule, twice as fast
    and near enough to compare policies (docs/decisions/0081).

    Raises:
        InputError: the shape of the code depends on a lever or on what members change.
        ModelError: the compiler does not support the model.
    """
    moved = [constant for lever in levers for constant in lever.constants]
    names, values = members.constants_under(model, scenario)
    constants = tuple(dict.fromkeys((*names, *moved)))
    columns = {constant: column for column, constant in enumerate(constants)}
    settings = np.tile(
        [default_of(model, scenario.values, name) for name in constants], (len(members), 1)
    )
    settings[:, [columns[name] for name in names]] = values
    # A lever is where the scenario has it: what members change is what nobody decides.
    for lever in levers:
        for constant in lever.constants:
            settings[:, columns[constant]] = default_of(model, scenario.values, constant)
    low, high, present = ranges_of(model, scenario, levers)
    # No verdict is asked for after the year of its target, so that runs end there.
    ended = [replace(target, horizon=target.year or target.horizon) for target in targets]
    request = Request((*ended, *indicators))
    run = scenario
    if coarse and scenario.time.integration is Integration.RK4:
        run = replace(scenario, time=replace(scenario.time, integration=Integration.MIDPOINT))
    return PolicySpace(
        scenario=scenario,
        levers=tuple(levers),
        low=low,
        high=high,
        present=present,
        columns=columns,
        targets=tuple(targets),
        members=members,
        settings=settings,
        evaluator=Evaluator(
            model, run, constants, request, shared=shared, limit=LIMIT, stop_early=not shared
        ),
        indicators=tuple(indicator.id for indicator in indicators),
        threads=threads or processors(),
    )
