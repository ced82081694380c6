"""Scenarios side by side: verdicts, the assumptions that differ, what moves margins, remedies.

The results of the other modules are put into one record, which a report shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

import xarray as xr

from plansim.analysis.attribution import Attribution, attribute
from plansim.analysis.optimization.remedies import Remedies, seek_remedies
from plansim.errors import Fault, InputError, Message
from plansim.model.records import Model, VariableKind
from plansim.scenario.factors import default_of
from plansim.scenario.reader import Scenario
from plansim.scenario.records import BilingualText
from plansim.targets.catalogue import (
    Attribute,
    Kind,
    Status,
    Target,
    judged_targets,
    split_reference,
)
from plansim.targets.verdict import Verdict, check_targets
from plansim.targets.views import Views
from plansim.targets.views_default import names_of

T = TypeVar("T")

__all__ = ["Assumption", "Comparison", "Spread", "compare"]


@dataclass(frozen=True)
class Assumption:
    """A constant, or an element of one, that not all scenarios set alike."""

    reference: str
    name_en: str
    name_zh: str
    unit: str
    values: tuple[float, ...]
    """By scenario, in the model's unit."""


@dataclass(frozen=True)
class Spread:
    """The summary of a sweep that is shown beside single runs."""

    name: str
    """Name of the design."""
    summary: xr.Dataset
    """As `analysis.experiments.summary.summarise` gives it."""
    same_model: bool
    """Whether it ran on the model that is compared here."""


@dataclass(frozen=True)
class Comparison:
    """The comparison of some scenarios with the first of them."""

    model: Model
    scenarios: tuple[Scenario, ...]
    runs: tuple[xr.Dataset, ...]
    """The run of each scenario, by years, as `annual` gives it."""
    plan: BilingualText
    """The title of the plan."""
    targets: tuple[Target, ...]
    views: Views
    verdicts: tuple[Mapping[str, Verdict], ...]
    """Verdicts of each scenario, by target id."""
    assumptions: tuple[Assumption, ...]
    attributions: tuple[Attribution | None, ...]
    """For each scenario but the first; None where the clocks differ: nothing can be attributed."""
    remedies: tuple[Remedies, ...]
    """For each scenario, for the binding targets that it fails; empty without the search."""
    spread: Spread | None = None

    @property
    def failing(self) -> tuple[Target, ...]:
        """The binding targets that some scenario does not meet in their year."""
        return tuple(
            target for target in self.targets if any(_fails(v, target) for v in self.verdicts)
        )

    @property
    def breached(self) -> tuple[Target, ...]:
        """The binding targets that every scenario meets in their year, but some breach later."""
        return tuple(
            target
            for target in self.targets
            if target not in self.failing
            and any(
                (verdict := verdicts.get(target.id)) is not None
                and verdict.first_breach is not None
                for verdicts in self.verdicts
            )
        )


def _fails(verdicts: Mapping[str, Verdict], target: Target) -> bool:
    verdict = verdicts.get(target.id)
    return (
        verdict is not None
        and verdict.attribute is Attribute.BINDING
        and verdict.status in (Status.MISSED, Status.UNDECIDED)
    )


def _holds(verdicts: Mapping[str, Verdict], target: Target) -> bool:
    verdict = verdicts[target.id]
    return verdict.attribute is Attribute.BINDING and verdict.status is Status.MET


def compare(
    model: Model,
    scenarios: Sequence[Scenario],
    runs: Sequence[xr.Dataset],
    plan: BilingualText,
    targets: Sequence[Target],
    views: Views,
    *,
    spread: Spread | None = None,
    remedies: bool = True,
    progress: Callable[[int, int], None] = lambda done, steps: None,
) -> Comparison:
    """Compare scenarios of a plan with the first of them.

    ``runs`` are theirs, by years. With ``remedies``, those of each binding target that fails
    are looked for among the levers of the views that are in the plan makers' hands. ``progress`` is
    told how many of the attributions and searches are done, of how many.

    Raises:
        InputError: fewer than two scenarios, or a sweep that has run none of them.
        CatalogueError: a target is judged by a variable that a run does not hold.
        ModelError: the compiled engine, which the searches need, cannot compute the model.
    """
    if len(scenarios) < 2:
        ids = tuple(scenario.id for scenario in scenarios)
        found = Message("{names}", names=ids) if ids else Message("none")
        raise InputError(Fault("a comparison needs two different scenarios", found=found))
    if spread is not None:
        swept = [str(scenario) for scenario in spread.summary["scenario"].to_numpy()]
        if not set(swept) & {scenario.id for scenario in scenarios}:
            raise InputError(
                Fault(
                    "the sweep has run none of the scenarios that are compared",
                    expected=Message(
                        "one of {names}", names=tuple(scenario.id for scenario in scenarios)
                    ),
                    found=Message("{names}", names=tuple(swept)),
                )
            )
    wanted = tuple(target for target in targets if target.kind is Kind.TARGET)
    verdicts = tuple(
        {verdict.id: verdict for verdict in check_targets(run, wanted)} for run in runs
    )
    judged = judged_targets(wanted)
    levers = [lever for lever in views.levers if not lever.outside]
    first = scenarios[0]
    done, steps = count(1), len(scenarios) - 1 + remedies * len(scenarios)

    def told(result: T) -> T:
        progress(next(done), steps)
        return result

    return Comparison(
        model,
        tuple(scenarios),
        tuple(runs),
        plan,
        wanted,
        views,
        verdicts,
        _assumptions(model, scenarios),
        tuple(
            told(attribute(model, first, scenario, judged) if scenario.time == first.time else None)
            for scenario in scenarios[1:]
        ),
        tuple(
            told(
                seek_remedies(
                    model,
                    scenario,
                    levers,
                    [e for e in judged if _fails(of_run, e)],
                    judged,
                    [e for e in judged if _holds(of_run, e)],
                )
            )
            if remedies
            else Remedies((), None)
            for scenario, of_run in zip(scenarios, verdicts, strict=True)
        ),
        spread,
    )


def _assumptions(model: Model, scenarios: Sequence[Scenario]) -> tuple[Assumption, ...]:
    """Return what scenarios set differently, in the order of the model's file."""
    order = {name: index for index, name in enumerate(model.variables)}
    references = dict.fromkeys(reference for scenario in scenarios for reference in scenario.values)
    changes = []
    for reference in sorted(references, key=lambda name: order[split_reference(name)[0]]):
        name, elements = split_reference(reference)
        variable = model.variables[name]
        if variable.kind is VariableKind.CONTROL:
            continue
        values = tuple(default_of(model, scenario.values, reference) for scenario in scenarios)
        if len(set(values)) > 1:
            english, chinese = names_of(model, variable, elements)
            changes.append(Assumption(reference, english, chinese, variable.unit, values))
    return tuple(changes)
