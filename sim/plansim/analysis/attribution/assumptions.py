"""What a scenario's change of margins is due to: Shapley shares of its changed assumptions.

The share of a group of changes is what making it adds to a margin, on the mean over all orders in
which the groups may be made. The shares of all groups add up to the whole change, and two
groups that do the same have the same share (Shapley 1953; Sundararajan & Najmi 2020).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from plansim.analysis.attribution.shapley import MOST_EXACT, ORDERS, Masks, game_of
from plansim.errors import InputError, Message
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model, TimeSpec, VariableKind
from plansim.model.units import shown_in
from plansim.scenario.factors import Apply, FloatArray, default_of
from plansim.scenario.levers import input_of, model_lever
from plansim.scenario.references import split_name
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.scenario.variant import for_scenarios
from plansim.targets.catalogue import targets_of
from plansim.targets.target import Status, Target, judged_targets, split_reference
from plansim.targets.views import Lever

__all__ = [
    "Attribution",
    "Group",
    "Shares",
    "attribute",
    "change_of",
    "groups_of",
    "share_table",
]


@dataclass(frozen=True)
class Group:
    """Changes that count as one: of a lever's constants, or of an array's elements."""

    name: str
    """Name of the lever or of the constant."""
    name_zh: str
    unit: str
    """Unit of the first constant, in the order of the file."""
    constants: tuple[str, ...]
    """``name`` or ``name[e1,e2]``."""
    before: tuple[float, ...]
    """Values in the first scenario, in the model's units."""
    after: tuple[float, ...]
    """Values in the second scenario."""
    set_before: tuple[bool, ...]
    """Whether the first scenario sets a constant that only variants of the model have: if not, its
    value there is one that changes nothing. True for all constants of the model itself."""
    set_after: tuple[bool, ...]


@dataclass(frozen=True)
class Shares:
    """What the change of one target's margin is due to."""

    target: Target
    margin_before: float
    """The margin under the first scenario, in the target's unit; of several bases the first. NaN
    where nothing can be said."""
    margin_after: float
    status_before: Status
    status_after: Status
    shares: tuple[float, ...]
    """By group, in the target's unit; they add up to the change of the margin."""
    errors: tuple[float, ...]
    """The standard error of each share; zeros where every subset was run."""


def share_table(targets: Iterable[Shares], names: Sequence[tuple[str, str]]) -> Table:
    """Return shares as a table; ``names`` of what they are due to, in English and Chinese."""
    columns = ("target", "name_en", "name_zh", "change", "change_zh", "share", "error", "unit")
    rows = (
        (one.target.id, one.target.name_en, one.target.name_zh, *name, share, error,
         one.target.unit)
        for one in targets
        for name, share, error in zip(names, one.shares, one.errors, strict=True)
    )  # fmt: skip
    return columns, rows


@dataclass(frozen=True)
class Attribution(Tabular):
    """What the difference between two scenarios does to targets, group by group.

    As a table: a row for each target and change, its ``share`` in the margin in ``unit``.
    """

    before: str
    """The id of the first scenario."""
    after: str
    groups: tuple[Group, ...]
    targets: tuple[Shares, ...]
    runs: int
    """Number of different runs."""
    orders: int
    """Number of orders of the groups drawn; 0 where every subset was run."""

    def _table(self) -> Table:
        return share_table(self.targets, [(group.name, group.name_zh) for group in self.groups])

    def labelled(self, levers: Iterable[Lever]) -> Attribution:
        """Return the same with changes of just what a lever moves as the lever is shown.

        They have its label, and if it sets values, its unit; other constants as `shown_in` says.
        """
        by_constants = {frozenset(lever.constants): lever for lever in levers}

        def shown(group: Group) -> Group:
            lever = by_constants.get(frozenset(group.constants))
            unit, factor = group.unit, 1.0
            if lever is not None:
                group = replace(group, name=lever.name_en, name_zh=lever.name_zh)
                if lever.apply is Apply.SET:
                    unit, factor = lever.shown_unit, lever.shown_factor
            elif len({split_reference(constant)[0] for constant in group.constants}) == 1:
                unit, factor = shown_in(unit)
            before, after = (
                tuple(value * factor for value in side) for side in (group.before, group.after)
            )
            return replace(group, unit=unit, before=before, after=after)

        return replace(self, groups=tuple(map(shown, self.groups)))


def attribute(
    model: Model,
    before: Scenario | str | Path,
    after: Scenario | str | Path,
    targets: Sequence[Target | str] | None = None,
    *,
    orders: int = ORDERS,
    seed: int = 0,
) -> Attribution:
    """Say which changed assumptions move the margins of targets, and by how much.

    Scenarios are records, names or paths; targets are records or ids, by default all of the plan.
    With more than `MOST_EXACT` groups, ``orders`` orders are drawn from ``seed``. Targets that
    nothing in the model answers are left out.

    Raises:
        InputError: the scenarios differ in their clocks, or in what the shape of the code depends
            on.
        ModelError: the model cannot be compiled.
        SimulationError: a run with some of the changes breaks down.

    >>> model = plansim.load_model("lake.mdl")
    >>> due = plansim.attribute(model, plansim.as_written(model), "boats.yaml", targets=["F1"])
    >>> due.frame()[["target", "change", "share", "unit"]].round()
      target  change  share unit
    0     F1  effort -190.0    t
    """
    from plansim.analysis.evaluator import Evaluator, Request  # loads the compiler

    before, after = scenario_of(model, before), scenario_of(model, after)
    model = for_scenarios(model, [before, after])
    targets = targets_of(model, targets)
    if before.time != after.time:
        raise InputError(
            "'{first}' and '{second}' run on different clocks: no run can have only a part of that",
            expected=_clock(before.time),
            found=_clock(after.time),
            first=before.id,
            second=after.id,
        )
    targets = judged_targets(targets)
    groups = groups_of(model, before, after)
    game = game_of(len(groups), None if len(groups) <= MOST_EXACT else orders, seed)
    constants = [name for group in groups for name in group.constants]
    evaluator = Evaluator(model, before, constants, Request(targets), shared=True)
    evaluation = evaluator.evaluate(_settings(groups, game.subsets))
    evaluation.require_ok()
    runs, results = len(game.subsets), []
    for target in targets:
        verdicts = evaluation[target.id]
        first, last = float(verdicts.margin[0]), float(verdicts.margin[-1])
        # The runs are judged as the first scenario's; what the second assumes, its file says.
        is_assumed = target.id in after.assumed
        then = Status.ASSUMED if is_assumed else verdicts.status_of(runs - 1)
        shares = game.shares(verdicts.margin)
        results.append(Shares(target, first, last, verdicts.status_of(0), then, *shares))
    return Attribution(before.id, after.id, groups, tuple(results), runs, game.orders)


def _clock(time: TimeSpec) -> Message:
    """Write a clock.

    >>> print(_clock(TimeSpec(initial=2000, final=2010, step=0.25, saveper=0.5)))
    2000 to 2010 by 0.25, saved every 0.5, euler
    """
    return Message(
        "{first:g} to {last:g} by {step:g}, saved every {saveper:g}, {method}",
        first=time.initial,
        last=time.final,
        step=time.step,
        saveper=time.saveper,
        method=time.integration.value,
    )


def groups_of(model: Model, before: Scenario, after: Scenario) -> tuple[Group, ...]:
    """Return the groups of changes from the first of two scenarios to the second.

    Groups come in the order in which the model's file has their first constants.
    """
    references = dict.fromkeys([*before.values, *after.values])
    changed: dict[tuple[str, str], list[tuple[str, float, float]]] = {}
    order = {name: column for column, name in enumerate(model.variables)}
    for reference in sorted(references, key=lambda name: order[split_name(name)[0]]):
        name = split_name(reference)[0]
        if model.variables[name].kind is VariableKind.CONTROL:
            continue
        old, new = (default_of(model, one.values, reference) for one in (before, after))
        if old != new:
            changed.setdefault(change_of(model, reference), []).append((reference, old, new))
    groups = []
    for (name, name_zh), found in changed.items():
        constants, olds, news = zip(*found, strict=True)
        names = [split_name(constant)[0] for constant in constants]
        first = model.variables[names[0]]
        set_before, set_after = (
            tuple(
                own not in model.added or constant in scenario.values
                for own, constant in zip(names, constants, strict=True)
            )
            for scenario in (before, after)
        )
        groups.append(
            Group(name, name_zh, first.unit, constants, olds, news, set_before, set_after)
        )
    return tuple(groups)


def change_of(model: Model, reference: str) -> tuple[str, str]:
    """Return the names of the group of a constant, its lever's or its array's: English, Chinese."""
    constant = split_name(reference)[0]
    name = input_of(model, constant)
    lever = model_lever(model, name)
    return name, lever.stem_zh if lever else model.variables[constant].name_zh


def _settings(groups: Sequence[Group], masks: Masks) -> FloatArray:
    """Return the constants of each subset of groups: ``(run, group)`` → ``(run, constant)``."""
    columns = [
        np.where(masks[:, column], new, old)
        for column, group in enumerate(groups)
        for old, new in zip(group.before, group.after, strict=True)
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(masks), 0))
