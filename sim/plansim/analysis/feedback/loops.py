"""The feedback loops of a model: as declared, as found in the equations, and what cutting does.

A loop is cut by a switch, a constant of the model: at 1 the loop is closed, at 0 its variable is
frozen at the initial value. The change of the targets is the effect of the loop on them (Q14).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from plansim.analysis.evaluator import Evaluator, Request
from plansim.errors import InputError, Message, UnknownNameError, nearest
from plansim.files.forms import LAX, Entries, Form, Items, Resolved, Words, form_of, listed
from plansim.files.notebook import Table, Tabular
from plansim.files.yaml_document import read_document
from plansim.model.records import Model, check_model, folded
from plansim.scenario.factors import FloatArray, default_of
from plansim.scenario.references import constant_cells, reference_of
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import studied_targets
from plansim.targets.target import (
    Status,
    Target,
    answering_series,
    split_reference,
)

__all__ = [
    "FILE_NAME",
    "MOVES",
    "Cut",
    "Cuts",
    "Effect",
    "Loop",
    "LoopLink",
    "Polarity",
    "cut_loops",
    "load_loops",
    "loops_of",
    "target_shifts",
    "years_to_horizon",
]

FILE_NAME = "loops.yaml"
"""Name of the file beside the model."""

MOVES = 0.01
"""A loop is weak if its cut shifts no indicator by more than this share of its size."""


class Polarity(StrEnum):
    """Polarity of a loop."""

    REINFORCING = "reinforcing"
    BALANCING = "balancing"


@dataclass(frozen=True)
class LoopLink:
    """A direct link of a loop's path."""

    cause: str
    """A variable, or some elements of one."""
    effect: str
    sign: int
    """1: the effect moves with the cause; -1: against it."""
    stands: bool
    """Whether an equation of the effect, other than its initial value's, names the cause."""


def polarity_of(path: Sequence[LoopLink]) -> Polarity:
    """Return the polarity of a path from the signs of its links.

    >>> links = [LoopLink("a", "b", -1, True), LoopLink("b", "a", -1, True)]
    >>> polarity_of(links).value, polarity_of(links[:1]).value
    ('reinforcing', 'balancing')
    """
    product = math.prod(link.sign for link in path)
    return Polarity.REINFORCING if product > 0 else Polarity.BALANCING


# --- the file -------------------------------------------------------------------------------------


def _switch(name: str, model: Model) -> str:
    variable, _ = constant_cells(model, name)
    if variable.subscripts:
        expected = Message("a constant of the model")
        raise InputError("'{name}' is not a switch", expected=expected, name=name)
    return variable.name


def _path(signs: dict[str, int], model: Model) -> tuple[LoopLink, ...]:
    links = []
    for cause, effect in pairwise([*signs, *list(signs)[:1]]):
        felt = model.variables[split_reference(effect)[0]].felt
        stands = split_reference(cause)[0] in felt
        links.append(LoopLink(cause, effect, signs[cause], stands))
    return tuple(links)


_Signs = Annotated[
    dict[str, int],
    Entries(
        dict[str, Literal[1, -1]],
        lambda name, sign, model: reference_of(model, name) and sign,
    ),
]


class Loop(Form):
    """A declared loop, with its links in the graph of the model."""

    id: str
    name_en: str = Field(alias="en")
    name_zh: str = Field(alias="zh")
    polarity: Annotated[Polarity, LAX]
    """The polarity that the file declares."""
    switch: Annotated[str, Resolved(str, _switch)]
    felt: Items[str]
    """Variables that the switch freezes, or sums in Vensim's language."""
    meaning: Words
    weak: Words = Words(en="", zh="")
    """Why it is declared to be weak; empty if it is not."""
    paths: Annotated[tuple[tuple[LoopLink, ...], ...], listed(list[_Signs], _path)]
    """Each way round; the last link leads back to the first cause."""

    @property
    def found(self) -> bool:
        """Whether all links stand in the equations and all paths have the declared polarity."""
        return all(
            all(link.stands for link in path) and polarity_of(path) is self.polarity
            for path in self.paths
        )


class _LoopsForm(Form):
    loops: Annotated[tuple[Loop, ...], listed(list[Loop], unique="id")]


class Loops(Tabular, tuple[Loop, ...]):
    """Declared loops; as a table a row each."""

    def _table(self) -> Table:
        columns = ("loop", "name_en", "name_zh", "polarity", "switch", "found")
        return columns, [
            (one.id, one.name_en, one.name_zh, one.polarity.value, one.switch, one.found)
            for one in self
        ]


def load_loops(model: Model) -> Loops:
    """Read the loops that are declared beside a model, and look for them in its equations.

    Raises:
        InputError: no file declares any.
        CatalogueError: with every fault of the file, each with its line.

    >>> (loop,) = plansim.load_loops(plansim.load_model("lake.mdl"))
    >>> loop.id, loop.polarity.value, loop.found
    ('B', 'balancing', True)
    """
    check_model(model)
    path = model.path.with_name(FILE_NAME)
    if not path.is_file():
        raise InputError("no loops are declared for the model", path, found=Message("no such file"))
    return Loops(form_of(_LoopsForm, read_document(path), model).loops)


def loops_of(model: Model, loops: Loop | str | Iterable[Loop | str] | None) -> tuple[Loop, ...]:
    """Return loops that are given as records, ids or names; of None all beside the model.

    Raises:
        UnknownNameError: no loop has one of the names.
    """
    if loops is None:
        return load_loops(model)
    asked = (loops,) if isinstance(loops, Loop | str) else tuple(loops)
    declared = load_loops(model) if any(isinstance(one, str) for one in asked) else ()
    by_name = {folded(name): one for one in declared for name in (one.name_zh, one.name_en, one.id)}
    chosen: dict[str, Loop] = {}
    for one in asked:
        loop = by_name.get(folded(one)) if isinstance(one, str) else one
        if loop is None:
            names = [name for own in declared for name in (own.id, own.name_en, own.name_zh)]
            raise UnknownNameError(
                "no loop has the id or name '{id}'", nearest=nearest(str(one), names), id=str(one)
            )
        chosen[loop.id] = loop
    return tuple(chosen.values())


# --- cuts -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """The effect of a cut on one target."""

    target: Target
    whole: float
    """The value in the target's year with all loops, in its unit; of several bases the first."""
    cut: float
    """The same without the loop; NaN where that run breaks down."""
    status_whole: Status
    status_cut: Status
    strongest: float
    """The largest shift of the variables that answer for the target, in any year up to the
    horizon, as a part of the larger of the value and that of the first year."""


@dataclass(frozen=True)
class Cut:
    """The effects of cutting one loop in a scenario."""

    loop: Loop
    effects: tuple[Effect, ...]
    fault: Message | None
    """The variable that fails without the loop, and when; None if none does."""

    @property
    def strongest(self) -> float:
        """The largest shift of all targets' variables."""
        return max((effect.strongest for effect in self.effects), default=math.nan)

    @property
    def turned(self) -> tuple[Target, ...]:
        """The targets whose verdict is another one without the loop."""
        return tuple(one.target for one in self.effects if one.status_cut is not one.status_whole)


class Cuts(Tabular, tuple[Cut, ...]):
    """The effects of cutting loops; as a table a row a loop, with the verdicts that turn."""

    _parts = ("strongest",)

    def _table(self) -> Table:
        columns = ("loop", "name_en", "name_zh", "polarity", "strongest", "turned", "fault")
        rows = [
            (cut.loop.id, cut.loop.name_en, cut.loop.name_zh, cut.loop.polarity.value,
             cut.strongest, ", ".join(target.id for target in cut.turned), str(cut.fault or ""))
            for cut in self
        ]  # fmt: skip
        return columns, rows


def cut_loops(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    loops: Loop | str | Iterable[Loop | str] | None = None,
    targets: Sequence[Target | str] | None = None,
) -> Cuts:
    """Run a scenario whole, and once without each loop.

    The scenario is a record, a name, a path, or None for the model as written; loops are records,
    ids or names, by default all that are declared beside the model, targets all binding ones of the
    plan. Targets that nothing in the model answers are left out.

    Raises:
        UnknownNameError: no loop has one of the names.
        SimulationError: the scenario breaks down with all loops.
        ModelError: the model cannot be compiled.

    >>> (cut,) = plansim.cut_loops(plansim.load_model("lake.mdl"))
    >>> [(one.target.id, one.status_whole.value, one.status_cut.value) for one in cut.effects]
    [('F1', 'met', 'met')]
    """
    scenario = scenario_of(model, scenario)
    loops = loops_of(model, loops)
    judged = studied_targets(model, targets)
    years = years_to_horizon(scenario, judged)
    request = Request(judged, outputs=answering_series(judged), years=years)
    switches = list(dict.fromkeys(loop.switch for loop in loops))
    evaluator = Evaluator(model, scenario, switches, request)
    whole = [default_of(model, scenario.values, name) for name in switches]
    settings = np.tile(whole, (len(loops) + 1, 1))
    for run, loop in enumerate(loops, start=1):
        settings[run, switches.index(loop.switch)] = 0.0
    evaluation = evaluator.evaluate(settings)
    if evaluation.failed[0]:
        evaluation.require_ok()
    shifts = target_shifts(judged, evaluation.output)

    def effect(target: Target, run: int) -> Effect:
        verdicts = evaluation[target.id]
        return Effect(
            target,
            float(verdicts.value[0]),
            float(verdicts.value[run]),
            verdicts.status_of(0),
            verdicts.status_of(run),
            float(shifts[target.id][run]),
        )

    return Cuts(
        Cut(
            loop,
            tuple(effect(target, run) for target in judged),
            evaluation.failure(run) if evaluation.failed[run] else None,
        )
        for run, loop in enumerate(loops, start=1)
    )


def years_to_horizon(scenario: Scenario, targets: Iterable[Target]) -> tuple[int, ...]:
    """Return the years from a scenario's first to the last horizon of targets."""
    last = max((target.horizon for target in targets), default=0)
    return tuple(range(math.ceil(scenario.time.initial), last + 1))


def target_shifts(
    targets: Iterable[Target], series: Callable[[str], FloatArray]
) -> dict[str, FloatArray]:
    """Return the largest shift of the variables that answer for each target: ``(run,)`` by its id.

    ``series`` gives the values of a variable, ``(run, year)``; the first run is that with all
    loops. A shift is a part of the larger of its value and that of the first year. NaN where a run
    has failed or the first one saves nothing.
    """
    return {
        target.id: np.max([_shift(series(name)) for name in target.variables.values()], axis=0)
        for target in targets
    }


def _shift(values: FloatArray) -> FloatArray:
    """Return the largest shift of each run against the first: ``(run, year)`` → ``(run,)``."""
    before = values[0]
    if not (known := np.isfinite(before)).any():
        return np.full(len(values), np.nan)
    size = np.maximum(np.maximum(abs(before), abs(before[known.argmax()])), 1e-12)
    return np.asarray((abs(values - before) / size)[:, known].max(axis=1))
