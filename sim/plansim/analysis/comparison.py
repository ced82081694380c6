"""Scenarios side by side: verdicts, the assumptions that differ, what moves margins, remedies.

Nothing is judged or attributed anew here; what the other modules find is put into one record,
which a report shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from plansim.analysis.attribution.assumptions import Attribution, attribute
from plansim.analysis.ensemble import ensemble_fits, load_ensemble, study_key, with_shares
from plansim.analysis.optimization.orders import ScenarioOrders, seek_orders
from plansim.cache import digest, kept
from plansim.engine.dataset import Origin, origin_of
from plansim.engine.simulate import EngineChoice, simulate
from plansim.errors import InputError, Message
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model, VariableKind, several
from plansim.scenario.factors import default_of
from plansim.scenario.members import Members
from plansim.scenario.records import BilingualText
from plansim.scenario.scenario_file import Scenario, scenario_of, with_shipped
from plansim.scenario.variant import for_scenarios
from plansim.targets.annual import MANY, annual, check_runs
from plansim.targets.catalogue import plan_title, targets_of
from plansim.targets.target import (
    Attribute,
    Kind,
    Status,
    Target,
    binding_targets,
    judged_targets,
    split_reference,
)
from plansim.targets.verdict import CheckedTargets, Verdict, check_targets
from plansim.targets.views import Views, names_of
from plansim.targets.views_file import load_views

if TYPE_CHECKING:
    from plansim.analysis.decisions.robustness import Robustness

__all__ = ["Assumption", "Comparison", "compare", "required_origin"]


@dataclass(frozen=True)
class Assumption:
    """A constant, or an element of one, that not all scenarios set alike."""

    reference: str
    name_en: str
    name_zh: str
    unit: str
    values: tuple[float | None, ...]
    """By scenario, in the model's unit; None where only other scenarios have such a constant."""


@dataclass(frozen=True)
class Comparison(Tabular):
    """What there is to say about some scenarios; the others are compared with the first.

    As a table it holds the verdicts (`CheckedTargets`).
    """

    model: Model
    scenarios: tuple[Scenario, ...]
    runs: tuple[xr.Dataset, ...]
    """The run of each scenario by years, as `annual` gives it."""
    plan: BilingualText
    """The title of the plan."""
    targets: tuple[Target, ...]
    views: Views
    verdicts: tuple[Mapping[str, Verdict], ...]
    """The verdicts on each scenario, by target."""
    assumptions: tuple[Assumption, ...]
    attributions: tuple[Attribution | None, ...]
    """One for each scenario but the first; None where the clocks differ, so that nothing can be
    attributed."""
    remedies: tuple[ScenarioOrders, ...]
    """Orders for each scenario, for the binding targets that it fails or that are open; none where
    the search was left out."""
    robust: Robustness | None
    """How robust the scenarios are over the ensemble beside the model; None where none fits it, or
    no member of it judges a binding target."""

    def _table(self) -> Table:
        return CheckedTargets(verdict for own in self.verdicts for verdict in own.values())._table()

    @property
    def unsure(self) -> tuple[Target, ...]:
        """The binding targets that some scenario does not meet, or not in full certainty."""
        return self._where(_unsure)

    @property
    def binding(self) -> tuple[Target, ...]:
        """The binding targets that some scenario judges."""
        return self._where(lambda verdict: verdict.status.judged)

    def _where(self, holds: Callable[[Verdict], bool]) -> tuple[Target, ...]:
        """Return the binding targets of which something is true of the verdict of a scenario."""
        return tuple(
            target
            for target in binding_targets(self.targets)
            if any(holds(own[target.id]) for own in self.verdicts)
        )


def _unsure(verdict: Verdict) -> bool:
    return verdict.is_open or verdict.status in (Status.MISSED, Status.UNDECIDED)


def compare(
    model: Model,
    scenarios: Sequence[Scenario | str | Path],
    targets: Sequence[Target | str] | None = None,
    *,
    runs: Sequence[xr.Dataset] | None = None,
    remedies: bool = True,
    engine: EngineChoice | str = EngineChoice.COMPILED,
    progress: Callable[[int, int], None] = lambda done, steps: None,
) -> Comparison:
    """Put side by side what becomes of a plan under scenarios.

    Args:
        model: the model.
        scenarios: records, names or paths; the others are compared with the first.
        targets: records or ids; by default those of the catalogue beside the model.
        runs: of the scenarios by years, where they are there already.
        remedies: whether to look, among the levers in the plan makers' hands, for what would meet
            each binding target that fails or is open, and in how many plausible models it does.
        engine: what computes the runs; searches are always compiled.
        progress: is told how many of the attributions and searches are done, of how many.

    Raises:
        InputError: fewer than two scenarios.
        CatalogueError: a target is judged by a variable that a run does not hold.
        ModelError: the compiled engine, which the searches need, cannot compute the model.

    >>> model = plansim.load_model("lake.mdl")
    >>> scenarios = [plansim.as_written(model), "boats.yaml"]
    >>> comparison = plansim.compare(model, scenarios, remedies=False)
    >>> [scenario.id for scenario in comparison.scenarios]
    ['as-written', 'boats']
    """
    chosen = [scenario_of(model, scenario) for scenario in several(scenarios)]
    model = for_scenarios(model, chosen)
    if len(chosen) < 2:
        names = tuple(scenario.id for scenario in chosen)
        found = Message("{names}", names=names) if names else Message("none")
        raise InputError("a comparison needs two different scenarios", found=found)
    targets = targets_of(model, targets)
    views = load_views(model, targets)
    if runs is None:
        runs = [annual(simulate(model, scenario, engine=engine)) for scenario in chosen]
    wanted = tuple(target for target in targets if target.kind is Kind.TARGET)
    judgements = (verdict for run in runs for verdict in check_targets(run, targets))
    shared = with_shares(judgements, model, chosen, targets)
    verdicts = tuple(
        {one.id: one for one in shared if one.scenario == scenario.id} for scenario in chosen
    )
    judged = judged_targets(wanted)
    levers = [lever for lever in views.levers if not lever.outside]
    members = load_ensemble(model) if ensemble_fits(model) else None
    first, *others = chosen
    attributions: list[Attribution | None] = []
    orders: list[ScenarioOrders] = []
    steps = len(others) + remedies * len(chosen)
    for other in others:
        is_alike = other.time == first.time
        attributions.append(attribute(model, first, other, judged) if is_alike else None)
        progress(len(attributions), steps)
    for scenario, own in zip(chosen, verdicts, strict=True):
        if remedies:
            sought = [one for one in binding_targets(judged) if _unsure(own[one.id])]
            orders.append(seek_orders(model, scenario, levers, sought, judged, members))
            progress(len(others) + len(orders), steps)
        else:
            orders.append(ScenarioOrders())
    return Comparison(
        model,
        tuple(chosen),
        tuple(runs),
        plan_title(model),
        wanted,
        views,
        verdicts,
        _assumptions(model, chosen),
        tuple(attributions),
        tuple(orders),
        None if members is None else _robust(model, chosen, targets, verdicts, members),
    )


def _robust(
    model: Model,
    scenarios: Sequence[Scenario],
    targets: Sequence[Target],
    verdicts: Sequence[Mapping[str, Verdict]],
    members: Members,
) -> Robustness | None:
    """Compare scenarios over the ensemble beside the model, from the cache."""
    from plansim.analysis.decisions.robustness import Robustness, robustness

    shares = (one.share for own in verdicts for one in own.values()
              if one.attribute is Attribute.BINDING)  # fmt: skip
    if not any(share.members for share in shares if share is not None):
        return None
    policies = {scenario.id: scenario for scenario in scenarios}
    # Which targets are the named set depends on all shipped scenarios.
    asked = [*policies.values(), *with_shipped([], model)]
    key = digest(*(study_key(model, scenario) for scenario in asked), repr(tuple(targets)))
    make = partial(robustness, model, [*policies.values()], members=members, targets=targets)
    return kept("robust", key, Robustness, make)


def required_origin(dataset: xr.Dataset) -> Origin:
    """Return where the single runs of a dataset come from, with the scenarios that are in it.

    Raises:
        InputError: the dataset does not say so, or holds many runs of a scenario.
    """
    check_runs(dataset)
    origin = origin_of(dataset)
    expected = Message("runs as `simulate` returns them, or a selection of these")
    if origin is None:
        raise InputError("the dataset does not know its model and scenarios", expected=expected)
    if many := [dim for dim in MANY if dim in dataset.dims]:
        found = Message("the dimension {name}", name=many[0])
        raise InputError("one run a scenario is wanted", expected=expected, found=found)
    ids = np.atleast_1d(dataset["scenario"] if "scenario" in dataset.coords
                        else dataset.attrs["scenario"]).tolist()  # fmt: skip
    by_id = {scenario.id: scenario for scenario in origin.scenarios}
    return Origin(origin.model, tuple(by_id[one] for one in ids))


def _assumptions(model: Model, scenarios: Sequence[Scenario]) -> tuple[Assumption, ...]:
    """Return what scenarios set differently, in the order of the model's file."""
    order = {name: index for index, name in enumerate(model.variables)}
    references = dict.fromkeys(name for scenario in scenarios for name in scenario.values)
    assumptions = []
    for reference in sorted(references, key=lambda name: order[split_reference(name)[0]]):
        name, elements = split_reference(reference)
        variable = model.variables[name]
        if variable.kind is VariableKind.CONTROL:
            continue
        is_own = name in (model.original or model).variables
        values = tuple(
            default_of(model, one.values, reference) if is_own or reference in one.values else None
            for one in scenarios
        )
        if len(set(values)) > 1:
            english, chinese = names_of(model, variable, elements)
            assumptions.append(Assumption(reference, english, chinese, variable.unit, values))
    return tuple(assumptions)
