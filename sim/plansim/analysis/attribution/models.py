"""What two versions of a model differ in, and what that does to indicators and verdicts.

::

    difference = model_difference("old.mdl", "new.mdl", "baseline")
    for moved in difference.moved:
        print(moved.target.id, moved.margin_before, moved.margin_after, moved.shares)

A share is what a change adds to a margin, on the mean over all orders in which the changes may be
made, as for assumptions. Numbers are set for a run; every other subset of changes is a model of its
own. One that does not load or breaks down is passed by no order. What was run stands in the cache
after every model, so that a comparison that was interrupted goes on when the same is asked again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plansim.analysis.attribution.assumptions import Shares, share_table
from plansim.analysis.attribution.shapley import MOST_EXACT, Masks, game_of
from plansim.analysis.ensemble import study_key
from plansim.cache import keep, recall
from plansim.errors import Fault, InputError, ModelError, SimulationError
from plansim.files.notebook import Table, Tabular
from plansim.model.difference import (
    Differences,
    EntryDifference,
    differences,
    hybrid,
    units_of_change,
)
from plansim.model.reader import load_model
from plansim.model.records import Model, Variable, cells_of
from plansim.scenario.factors import FloatArray, default_of
from plansim.scenario.levers import added_constant
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import FILE_NAME, load_targets
from plansim.targets.target import (
    Status,
    Target,
    answering_series,
    judged_targets,
    scale_of,
    split_reference,
    target_named,
)

__all__ = ["ModelChange", "ModelDifference", "NoModel", "model_difference"]

MOST_MODELS = 64
"""Maximum number of models that are read and compiled so that every subset is run."""
ORDERS = 16
"""Number of orders drawn where there are more models: each takes one model for each group."""
FOLDER = "differences"
"""Folder of the cache."""
SAME = 1e-9
"""Part of a target's value below which a margin does not move."""


@dataclass(frozen=True)
class ModelChange:
    """Changes that are made together: of a variable with all that it newly needs, or a module's."""

    name: str
    name_zh: str
    variables: tuple[str, ...]
    parts: tuple[EntryDifference, ...] = field(repr=False)

    @property
    def is_of_numbers(self) -> bool:
        """Whether a run can be given it."""
        return all(part.is_number for part in self.parts)


@dataclass(frozen=True)
class NoModel:
    """A subset of the changes that is not a model, or one that breaks down."""

    changes: tuple[str, ...]
    """Names of the changes that are made in it."""
    reason: Fault


@dataclass(frozen=True)
class ModelDifference(Tabular):
    """What two versions of a model differ in, and what that does.

    As a table: a row for each target and change, its ``share`` in the margin in ``unit``; what
    differs is the table of `differences`.
    """

    old: str
    """The path of its file."""
    new: str
    scenario: str
    differences: Differences
    changes: tuple[ModelChange, ...]
    """The differences in groups of which each can be made without the others."""
    targets: tuple[Shares, ...]
    """The shares of each change in the margin of each target that both versions answer."""
    values: tuple[tuple[float, float], ...]
    """The indicator of each target, before and after, in its unit."""
    models: int
    """Number of models that were compiled."""
    orders: int
    """Number of orders of the changes drawn; 0 where every subset was run."""
    no_models: tuple[NoModel, ...]

    def _table(self) -> Table:
        return share_table(self.targets, [(one.name, one.name_zh) for one in self.changes])

    def _repr_html_(self) -> str:
        return self.differences._repr_html_() + super()._repr_html_()

    @property
    def moved(self) -> tuple[Shares, ...]:
        """Those targets whose margin or verdict moves."""
        return tuple(shares for shares in self.targets if _moves(shares))


def _moves(shares: Shares) -> bool:
    before, after = shares.margin_before, shares.margin_after
    if shares.status_before is not shares.status_after:
        return True
    if math.isnan(before) or math.isnan(after):
        return math.isnan(before) != math.isnan(after)
    return abs(after - before) > SAME * scale_of(shares.target)


def model_difference(
    old: Model | str | Path,
    new: Model | str | Path,
    scenario: Scenario | str | Path | None = None,
    targets: Sequence[str] | None = None,
    *,
    orders: int = ORDERS,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, steps: None,
) -> ModelDifference:
    """Compare two versions of a model: what differs, what moves, and due to which change.

    One change with all variables that it newly needs counts as one; beyond `MOST_EXACT` those of a
    module do. Where that would take more than `MOST_MODELS` models, ``orders`` orders are drawn
    from ``seed``.

    Args:
        old: the earlier version, or its file.
        new: the later one.
        scenario: under which both are run; what it sets that a version does not have is left out
            there. By default both run as they are written.
        targets: ids; by default all of the catalogue beside the new version, or else beside the
            old one, that both versions answer.
        orders: number of orders drawn.
        seed: of the orders.
        progress: is told how many models are run, of how many.

    Raises:
        ModelError: a version cannot be read or compiled.
        ScenarioError: the scenario does not fit the new version.
        SimulationError: a version breaks down.

    >>> lake = plansim.load_model("lake.mdl")
    >>> text = lake.text.replace("effort= 0.1", "effort= 0.15").replace("rate= 0.4", "rate= 0.5")
    >>> path = Path("other.mdl")
    >>> _ = path.write_text(text, "utf-8")
    >>> found = plansim.model_difference(lake, path, targets=["F1"])
    >>> found.frame()[["target", "change", "share", "unit"]].round()
      target       change  share unit
    0     F1       effort  -93.0    t
    1     F1  growth rate   41.0    t
    """
    one, other = (
        version if isinstance(version, Model) else load_model(version) for version in (old, new)
    )
    story = scenario_of(other, scenario)
    judged = _judged(one, other, targets)
    found = differences(one, other)
    read = {split_reference(name)[0] for name in answering_series(judged)}
    changes = _changes(other, units_of_change(found, read))
    study = _Study(one, other, story, judged, changes)
    is_exact = len(changes) <= MOST_EXACT and 2 ** len(study.structural) <= MOST_MODELS
    game = game_of(len(changes), None if is_exact else orders, seed)
    outcome = study.run(game.subsets, progress)
    shares = []
    for column, target in enumerate(judged):
        margins = outcome.margins[:, column]
        first, last = map(Status.of, outcome.status[[0, -1], column].tolist())
        parts = game.shares(margins, outcome.runs)
        shares.append(Shares(target, float(margins[0]), float(margins[-1]), first, last, *parts))
    return ModelDifference(
        str(one.path),
        str(other.path),
        story.id,
        found,
        changes,
        tuple(shares),
        tuple((before, after) for before, after in outcome.values[[0, -1]].T.tolist()),
        outcome.models,
        game.without(outcome.runs).orders,
        tuple(outcome.no_models),
    )


def _judged(old: Model, new: Model, ids: Sequence[str] | None) -> tuple[Target, ...]:
    """Return the targets that both versions answer."""
    beside = [model.path.with_name(FILE_NAME) for model in (new, old)]
    every = load_targets(next((path for path in beside if path.is_file()), None), new)
    chosen = every if ids is None else [target_named(one, every) for one in ids]

    def is_answered(target: Target) -> bool:
        names = {split_reference(name)[0] for name in answering_series([target])}
        return all(name in model.variables for model in (old, new) for name in names)

    return tuple(target for target in judged_targets(chosen) if is_answered(target))


def _changes(model: Model, units: Sequence[tuple[EntryDifference, ...]]) -> tuple[ModelChange, ...]:
    """Return units of change by their first variable, or by its module if they are too many."""
    named: dict[tuple[str, str], list[EntryDifference]] = {}
    for unit in units:
        first = next(one for one in unit if one.before is not None and one.after is not None)
        name, name_zh = first.name, first.name_zh
        if len(units) > MOST_EXACT and first.module in model.modules:
            name, name_zh = first.module, model.modules[first.module].name_zh
        named.setdefault((name, name_zh), []).extend(unit)
    return tuple(
        ModelChange(*names, tuple(part.name for part in parts), tuple(parts))
        for names, parts in named.items()
    )


@dataclass
class _Outcome:
    """The results of subsets of the changes: ``(subset, target)``, no change first, all last."""

    values: FloatArray
    margins: FloatArray
    status: npt.NDArray[np.int8]
    """The codes of `Status`."""
    runs: Masks
    """``(subset,)``: whether it is a model that runs."""
    models: int = 0
    no_models: list[NoModel] = field(default_factory=list)


@dataclass(frozen=True)
class _Study:
    """Runs of models between two versions."""

    old: Model
    new: Model
    scenario: Scenario
    targets: tuple[Target, ...]
    changes: tuple[ModelChange, ...]

    @property
    def structural(self) -> list[int]:
        """The changes that take a model of their own."""
        return [at for at, one in enumerate(self.changes) if not one.is_of_numbers]

    def run(self, masks: Masks, progress: Callable[[int, int], None]) -> _Outcome:
        """Run subsets of the changes, ``(subset, change)``: all that share a model at once."""
        from plansim.analysis.evaluator import Evaluator, Request  # loads the compiler

        key = study_key(self.new, self.scenario, self.old.text, self.targets, masks.tobytes())
        outcome: _Outcome | None = recall(FOLDER, key, _Outcome)
        if outcome is None:
            shape = len(masks), len(self.targets)
            values, margins = np.full((2, *shape), math.nan)
            status, runs = np.zeros(shape, np.int8), np.zeros(len(masks), bool)
            outcome = _Outcome(values, margins, status, runs)
        shapes, models = np.unique(masks[:, self.structural], axis=0, return_inverse=True)
        names, columns = self._numbers(masks)
        for done, shape in list(enumerate(shapes))[outcome.models :]:
            progress(done, len(shapes))
            rows = np.flatnonzero(models.reshape(-1) == done)
            taken = [self.changes[at] for at, is_in in zip(self.structural, shape, strict=True)
                     if is_in]  # fmt: skip
            try:
                model = self._model(taken)
                evaluator = Evaluator(model, self._under(model), names, Request(self.targets))
                evaluation = evaluator.evaluate(columns[rows])
                if {0, len(masks) - 1} & set(rows[evaluation.failed].tolist()):
                    evaluation.require_ok()
            except (ModelError, SimulationError, InputError) as error:
                if len(taken) in (0, len(self.structural)):  # one of the versions itself
                    raise
                # The text that has the line is in no file.
                reason = replace(error.faults[0], file=None, line=None)
                outcome.no_models.append(NoModel(tuple(one.name for one in taken), reason))
            else:
                sound, at = ~evaluation.failed, rows[~evaluation.failed]
                outcome.runs[at] = True
                for column, target in enumerate(self.targets):
                    verdicts = evaluation[target.id]
                    outcome.values[at, column] = verdicts.value[sound]
                    outcome.margins[at, column] = verdicts.margin[sound]
                    outcome.status[at, column] = verdicts.status[sound]
                for run in map(int, np.flatnonzero(evaluation.failed)):
                    made = tuple(self.changes[at].name for at in np.flatnonzero(masks[rows[run]]))
                    reason = Fault("it breaks down: {what}", what=evaluation.failure(run))
                    outcome.no_models.append(NoModel(made, reason))
            outcome.models += 1
            keep(FOLDER, key, outcome)
        progress(len(shapes), len(shapes))
        return outcome

    def _model(self, taken: Sequence[ModelChange]) -> Model:
        if not taken:
            return self.old
        if len(taken) == len(self.structural):
            return self.new
        return hybrid(self.old, self.new, [part for one in taken for part in one.parts])

    def _numbers(self, masks: Masks) -> tuple[list[str], FloatArray]:
        """Return the constants that changes set, and their values: ``(subset, constant)``."""
        columns: dict[str, FloatArray] = {}
        for column, change in enumerate(self.changes):
            for part in change.parts:
                if not part.is_number or not isinstance(part.either, Variable):
                    continue
                for reference in cells_of(self.new, part.either):
                    before, after = (
                        default_of(model, self.scenario.values, reference)
                        for model in (self.old, self.new)
                    )
                    if before != after:
                        columns[reference] = np.where(masks[:, column], after, before)
        return [*columns], np.array([*columns.values()]).reshape(-1, len(masks)).T

    def _under(self, model: Model) -> Scenario:
        """Return the scenario as far as a model has what it sets."""
        values = {
            key: number
            for key, number in self.scenario.values.items()
            if split_reference(key)[0] in model.variables
            or added_constant(model, split_reference(key)[0]) is not None
        }
        time = model.time if self.scenario.time == self.new.time else self.scenario.time
        return replace(self.scenario, values=values, time=time)
