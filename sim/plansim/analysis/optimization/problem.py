"""A decision problem: a scenario, levers that may be moved in ranges, targets that are to be met.

Every search of this package (`solve`, the remedies of reports, the frontier) asks the same of it:
what margins the targets have where levers stand at positions, each from 0 to 1 across its range.
The frontier's problem is stated in ``decision.yaml`` beside the model; others come from options of
a command or from the levers of ``views.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import Field

from plansim.analysis.evaluator import Evaluation, Evaluator, Request
from plansim.analysis.experiments.design_file import design_named
from plansim.analysis.experiments.design_form import DesignContext, scenario_beside
from plansim.analysis.optimization.moves import Move, ranges_of, scale_of
from plansim.errors import DesignError, Fault, InputError, Message, nearest
from plansim.files.forms import LAX, Entries, Form, Resolved, form_of
from plansim.files.yaml_document import read_document
from plansim.model.records import Model
from plansim.scenario.factors import Factor, FloatArray, acted, default_of
from plansim.scenario.references import one_series
from plansim.scenario.scenario_file import Scenario, read_overlay
from plansim.targets.judging import margin_of
from plansim.targets.target import Target, in_year
from plansim.targets.views import Lever, Views

__all__ = [
    "FILE_NAME",
    "DecisionProblem",
    "FrontierSpec",
    "Lever",
    "Responses",
    "SearchSpace",
    "decision_problem",
    "read_frontier_spec",
]

FILE_NAME = "decision.yaml"
"""Beside the model."""
UNMOVED = 1e-9
"""A lever that is moved by less of its range is not moved."""


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Levers over their ranges under a scenario; positions go from 0 to 1 across each range."""

    scenario: Scenario
    levers: tuple[Lever, ...]
    low: FloatArray
    """``(lever,)``: the ends of the ranges in the levers' units, what is present in them."""
    high: FloatArray
    present: FloatArray
    """``(lever,)``: where the scenario has them; 0 of a lever that adds, 1 of one that multiplies.
    """
    columns: Mapping[str, int]
    """Of the constants in a row of settings: those of levers among them."""

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

    def act(self, settings: FloatArray, changed: Lever | Factor, values: FloatArray) -> None:
        """Let a lever or factor act with values, ``(run,)``, on settings."""
        columns = [self.columns[constant] for constant in changed.constants]
        settings[:, columns] = acted(changed.apply, settings[:, columns], values[:, None])


@dataclass(frozen=True, kw_only=True)
class DecisionProblem(SearchSpace):
    """Levers over a search space, and what is asked of a run at each point of it."""

    targets: tuple[Target, ...]
    scales: FloatArray
    """``(target,)``: margins are divided by them."""
    objective: Target | None
    """An indicator that is computed beside the margins: growth, or an outlay."""
    until: int | None
    """A target must hold from its own year to this one; None for its own year alone."""
    uncertain: tuple[Factor, ...]
    """Factors whose constants come after those of levers in a row of settings."""
    threads: int
    evaluator: Evaluator
    defaults: FloatArray
    """``(constant,)``: values under the scenario."""

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

    def only(self, target: Target) -> DecisionProblem:
        """Return the problem with one of its targets alone, and no objective."""
        row = self.targets.index(target)
        (asked,) = [one for one in self.evaluator.request.targets if one.id == target.id]
        return replace(
            self,
            targets=(target,),
            scales=self.scales[[row]],
            objective=None,
            evaluator=self.evaluator.only(asked),
        )

    def scenario_at(self, position: FloatArray) -> Scenario:
        """Return the scenario with the levers at a position; it sets what is moved."""
        settings = self._settings(position[None])[0]
        moved = {
            name: float(settings[column])
            for name, column in self.columns.items()
            if settings[column] != self.defaults[column]
        }
        return replace(self.scenario, values={**self.scenario.values, **moved})

    # What a run says.

    def evaluate(self, positions: FloatArray) -> FloatArray:
        """Return scaled margins, and the objective if there is one: ``(run, column)``.

        NaN where a run breaks down.
        """
        margins, objective = self.over_draws(positions, np.empty((1, 0)))
        scaled = margins[:, 0] / self.scales
        return scaled if self.objective is None else np.hstack([scaled, objective])

    def over_draws(self, positions: FloatArray, draws: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what becomes of each position under each draw of what is uncertain.

        Margins ``(position, draw, target)`` in the targets' units, and the objective
        ``(position, draw)``; NaN where a run breaks down.
        """
        settings = np.repeat(self._settings(positions), len(draws), axis=0)
        for factor, values in zip(self.uncertain, draws.T, strict=False):
            self.act(settings, factor, np.tile(values, len(positions)))
        evaluation = self.evaluator.evaluate(settings, self.threads)
        margins = [self._margin(target, evaluation) for target in self.targets]
        shape = len(positions), len(draws)
        objective = (
            np.empty(shape)
            if self.objective is None
            else evaluation[self.objective.id].value.reshape(shape)
        )
        return np.stack(margins, axis=1).reshape(*shape, len(margins)), objective

    def judge(self, positions: FloatArray) -> Evaluation:
        """Return what comes out of runs at positions, targets judged in their own years."""
        return self.evaluator.evaluate(self._settings(positions))

    def _settings(self, positions: FloatArray) -> FloatArray:
        settings = np.tile(self.defaults, (len(positions), 1))
        for lever, values in zip(self.levers, self.values(positions).T, strict=True):
            self.act(settings, lever, values)
        return settings

    def _margin(self, target: Target, evaluation: Evaluation) -> FloatArray:
        """Return the smallest margin in the years in which a target must hold."""
        margins = [evaluation[target.id].least_margin]
        if self.until is not None and len(target.variables) > 1:
            margins += [evaluation[t.id].least_margin for t in _followed(target, self.until)]
        elif self.until is not None:
            # A value is quicker than a verdict, and says the same of a target on one basis.
            margins += [
                margin_of(value, target)
                for year, value in evaluation.later[target.id].items()
                if year > (target.year or year)
            ]
        return np.asarray(np.min(margins, axis=0))


def _followed(target: Target, until: int) -> list[Target]:
    first = target.year or until
    return [in_year(target, year) for year in range(first + 1, until + 1)]


def decision_problem(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    *,
    objective: Target | None = None,
    until: int | None = None,
    uncertain: Sequence[Factor] = (),
    threads: int = 1,
    shared: bool = False,
) -> DecisionProblem:
    """Return the problem of moving levers under a scenario, each over its own range.

    A lever that sets a constant moves it from what the scenario has; one that adds or multiplies
    acts on what the scenario has. Ranges are those of `ranges_of`,
    and ``shared`` is as for `Evaluator`.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.
    """
    changed: list[Lever | Factor] = [*levers, *uncertain]
    constants = tuple(dict.fromkeys(constant for item in changed for constant in item.constants))
    judged = tuple({target.id: target for target in targets}.values())
    asked = [*judged, *([] if objective is None else [objective])]
    years: Sequence[int] = ()
    if until is not None:
        years = range(min(target.year or until for target in judged) + 1, until + 1)
        asked += [
            t for target in judged if len(target.variables) > 1 for t in _followed(target, until)
        ]
    # Nothing here asks when a limit is broken after its year: runs can end with the targets.
    unfollowed = [replace(target, horizon=target.year or target.horizon) for target in asked]
    request = Request(tuple(unfollowed), later=tuple(years))
    low, high, present = ranges_of(model, scenario, levers)
    problem = DecisionProblem(
        scenario=scenario,
        levers=tuple(levers),
        low=low,
        high=high,
        present=present,
        targets=judged,
        scales=np.array([scale_of(target) for target in judged]),
        objective=objective,
        until=until,
        uncertain=tuple(uncertain),
        threads=threads,
        evaluator=Evaluator(model, scenario, constants, request, shared=shared, stop_early=True),
        columns={constant: column for column, constant in enumerate(constants)},
        defaults=np.array([default_of(model, scenario.values, name) for name in constants]),
    )
    problem.judge(problem.start[None]).require_ok()
    return problem


# --- the file -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Context(DesignContext):
    """What the file is read against."""

    views: Views
    scenario: Scenario | None

    def lever(self, name: str) -> Lever:
        if (lever := self.views.lever(name)) is not None:
            return lever
        near = nearest(name, [lever.id for lever in self.views.levers])
        raise InputError("views.yaml has no lever '{name}'", nearest=near, name=name)


_Levers: TypeAlias = Annotated[
    tuple[Lever, ...], Entries(list[str], lambda _, name, context: context.lever(name))
]


class Responses(Form):
    """What takes the rules out of a policy that adapts, and what shows what they do."""

    overlay: Annotated[
        Scenario,
        Resolved(str, lambda name, context: read_overlay(context.named(name), context.model)),
    ]
    effort: Annotated[
        tuple[str, ...],
        Entries(list[str], lambda _, name, context: one_series(context.model, name)),
    ] = ()
    """Series that the rules add to."""


class FrontierSpec(Form):
    """Over which levers, and to which years, a frontier of growth is computed."""

    growth: Annotated[str, Resolved(str, lambda name, context: one_series(context.model, name))]
    """The series whose growth is maximised."""
    years: Annotated[tuple[int, ...], LAX] = Field(min_length=1)
    """To which its mean growth is taken."""
    scenario: Annotated[
        Scenario,
        Resolved(str, lambda name, context: context.scenario or scenario_beside(name, context)),
    ]
    growth_levers: _Levers = Field(min_length=1)
    target_levers: _Levers = ()
    uncertainty: Annotated[
        Path | None, Resolved(str, lambda name, context: design_named(context.named(name)))
    ] = None
    """The design file of what is uncertain beside the levers; None for nothing."""
    responses: Responses | None = None
    """None where no policy adapts."""

    @property
    def levers(self) -> tuple[Lever, ...]:
        """All levers."""
        return (*self.growth_levers, *self.target_levers)

    def _misfits(self, _: _Context) -> Iterator[Fault]:
        first, last = self.scenario.time.initial, self.scenario.time.final
        expected = Message("after {first:g}, to {last:g}", first=first, last=last)
        for row, year in enumerate(self.years):
            if not first < year <= last:
                yield Fault("no growth to {year}", at=("years", row), expected=expected, year=year)
        owners: dict[str, str] = {}
        for lever in self.levers:
            for constant in lever.constants:
                if constant in owners:
                    yield Fault(
                        "'{first}' and '{second}' move one constant",
                        found=constant,
                        first=lever.id,
                        second=owners[constant],
                    )
                owners[constant] = lever.id


def read_frontier_spec(
    model: Model, views: Views, *, path: Path | None = None, scenario: Scenario | None = None
) -> FrontierSpec:
    """Read the file at ``path``, else ``decision.yaml`` beside the model.

    Scenario and design are named as those that come with plansim, or are paths beside the file;
    ``scenario`` takes the place of the one that the file names.

    Raises:
        DesignError: with every fault of the file.

    >>> model = plansim.load_model("lake.mdl")
    >>> plansim.read_frontier_spec(model, plansim.load_views(model)).years
    (2010,)
    """
    path = model.path.with_name(FILE_NAME) if path is None else path
    if not path.is_file():
        expected = Message("{name} beside the model, or --spec", name=FILE_NAME)
        raise DesignError("no file states the decision problem", path, expected=expected)
    context = _Context(model, path, views=views, scenario=scenario)
    return form_of(FrontierSpec, read_document(path), context, DesignError)
