"""What policies can be: levers over their ranges, and what a setting of them comes to over members.

A policy is a position: each lever from 0 to 1 across its range. Levers are moved about a scenario;
members change what no policy decides, by the same amounts under every policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from plansim.analysis.evaluator import Evaluator, Request, processors
from plansim.analysis.optimization.problem import scale_of
from plansim.model.records import Model
from plansim.scenario.factors import Apply, acted, default_of, neutral_value
from plansim.scenario.members import LIMIT, Members
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import Floats
from plansim.targets.target import Target
from plansim.targets.verdict import PART_MET
from plansim.targets.views import Lever

__all__ = ["Judged", "PolicySpace", "policy_space"]


@dataclass(frozen=True)
class Judged:
    """What policies come to, member by member; NaN where a run breaks down."""

    met: Floats = field(repr=False)
    """``(policy, member, target)``: 1 if it is met, 0 if it is missed, 0.5 if it is undecided."""
    margins: Floats = field(repr=False)
    """``(policy, member, target)``, as parts of the targets' values."""
    indicators: Mapping[str, Floats] = field(repr=False)
    """By the id of an indicator ``(policy, member)``, in its unit."""

    def holds(self, columns: Sequence[int]) -> Floats:
        """Return where every one of some targets is met: ``(policy, member)``, 1 or 0."""
        return np.asarray((self.met[:, :, list(columns)] == 1).all(axis=2), np.float64)

    def share(self, columns: Sequence[int]) -> Floats:
        """Return the share of members in which every one of some targets is met: ``(policy,)``."""
        return np.asarray(self.holds(columns).mean(axis=1))


@dataclass(frozen=True)
class PolicySpace:
    """Levers that are moved about a scenario, and the members under which policies are judged."""

    scenario: Scenario
    levers: tuple[Lever, ...]
    targets: tuple[Target, ...]
    low: Floats
    """``(lever,)``: the ends of the ranges in the levers' units."""
    high: Floats
    present: Floats
    """``(lever,)``: where the scenario has them; 0 of a lever that adds, 1 of one that multiplies.
    """
    members: Members
    settings: Floats = field(repr=False)
    """``(member, constant)``: the constants under the scenario in each member."""
    columns: Mapping[str, int] = field(repr=False)
    """Of the constants in `settings`."""
    evaluator: Evaluator = field(repr=False)
    indicators: tuple[str, ...]
    threads: int

    @property
    def start(self) -> Floats:
        """``(lever,)``: the position of the scenario itself."""
        return self.positions(self.present)

    def positions(self, values: Floats) -> Floats:
        """Return the positions of values in the levers' units."""
        return np.asarray((values - self.low) / np.where(self.high > self.low, self._width, 1.0))

    def values(self, positions: Floats) -> Floats:
        """Return the levers' values at positions; one that is not moved has its exact value."""
        values = self.low + positions * self._width
        return np.where(positions == self.start, self.present, values)

    def constants(self, position: Floats) -> dict[str, float]:
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

    def effort(self, positions: Floats) -> Floats:
        """Return the mean move of the levers, in parts of their ranges: ``(policy,)``."""
        return np.asarray(np.abs(positions - self.start).mean(axis=1))

    @property
    def _width(self) -> Floats:
        return np.asarray(self.high - self.low)

    def judge(self, positions: Floats, rows: npt.NDArray[np.intp] | slice = slice(None)) -> Judged:
        """Run policies under members, all or those in some rows: ``(policy, lever)`` positions."""
        members = self.settings[rows]
        table = np.tile(members, (len(positions), 1))
        for lever, values in zip(self.levers, self.values(positions).T, strict=True):
            columns = [self.columns[constant] for constant in lever.constants]
            moved = np.repeat(values, len(members))[:, None]
            match lever.apply:
                case Apply.SET:
                    table[:, columns] = moved
                case Apply.ADD:
                    table[:, columns] += moved
                case Apply.MULTIPLY:
                    table[:, columns] *= moved
        evaluation = self.evaluator.evaluate(table, self.threads)
        shape = len(positions), len(members)
        met = np.stack([PART_MET[evaluation[target.id].status] for target in self.targets], axis=1)
        met = np.nan_to_num(met, nan=0.0)
        met[evaluation.failed] = np.nan
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
    threads: int | None = None,
) -> PolicySpace:
    """Return the space of policies over levers about a scenario.

    ``shared`` takes the machine code of single runs, which spares compiling where runs are few.

    A lever that the scenario has outside of its range has the range extended to where it is.

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
    present = np.array(
        [neutral_value(model, scenario.values, lever.apply, lever.constants) for lever in levers]
    )
    # No verdict is asked for after the year of its target, so that runs end there.
    ended = [replace(target, horizon=target.year or target.horizon) for target in targets]
    request = Request((*ended, *indicators))
    return PolicySpace(
        scenario,
        tuple(levers),
        tuple(targets),
        np.minimum([lever.low for lever in levers], present),
        np.maximum([lever.high for lever in levers], present),
        present,
        members,
        settings,
        columns,
        Evaluator(
            model, scenario, constants, request, shared=shared, limit=LIMIT, stop_early=not shared
        ),
        tuple(indicator.id for indicator in indicators),
        threads or processors(),
    )
