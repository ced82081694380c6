"""What the tests of a model look at: the model, its scenarios, what it is tested by, its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np

from plansim.analysis.calibration.family import Family, load_family
from plansim.analysis.calibration.observed_past import (
    HISTORY,
    History,
    Seam,
    load_history,
    load_seam,
    series_equations,
)
from plansim.analysis.checks_form import (
    CHECKS,
    Checks,
    Effects,
    RealityCheck,
    check_equations,
    load_checks,
    load_effects,
    load_reality_checks,
)
from plansim.analysis.decisions.member_states import states_of
from plansim.analysis.ensemble import ensemble_fits
from plansim.analysis.evaluator import CompiledModel, Trajectories, compile_whole
from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
from plansim.analysis.feedback.loops import Loop, load_loops
from plansim.errors import Fault, InputError, nearest
from plansim.model.records import Model, Variable, VariableKind, cells_of
from plansim.model.rewrite import AddedEquation
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, list_scenarios, read_scenario
from plansim.scenario.variant import for_scenarios
from plansim.targets.catalogue import load_targets
from plansim.targets.judging import Answer, Verdicts, judge
from plansim.targets.target import Kind, Target, binding_targets, split_reference, unit_factor

__all__ = [
    "MOST_FACTOR",
    "Settings",
    "ValidationContext",
    "cells",
    "drawn",
    "elements_of",
    "frozen_name",
    "limits",
    "load_context",
    "model_constants",
    "scaled",
    "uncertain",
    "verdicts",
]

Settings: TypeAlias = Mapping[str, float]
"""Values of constants by ``name`` or ``name[e1,e2]``, in the model's units."""

MEMBERS = 1200
"""Number of plausible models: enough for the standard errors of Q19."""
MOST_FACTOR = 1.5
"""Maximum factor for an array as a whole, since its range may span different elements."""


@dataclass(frozen=True)
class ValidationContext:
    """A model with everything that its tests need; what runs share is computed once."""

    model: Model
    scenarios: Mapping[str, Scenario]
    """By id, sorted."""
    targets: tuple[Target, ...]
    """The whole catalogue."""
    checks: Checks
    reality_checks: tuple[RealityCheck, ...]
    loops: tuple[Loop, ...]
    history: History | None
    seam: Seam | None
    family: Family | None
    effects: Effects | None
    reference: bool = False
    """Whether to run every scenario by PySD, too."""

    @property
    def baseline(self) -> Scenario:
        """Scenario on which extreme conditions and changes of constants are laid."""
        return self.scenarios[self.checks.scenarios.baseline]

    @property
    def stocks(self) -> tuple[str, ...]:
        """Names of the stocks of the model."""
        variables = self.model.variables.values()
        return tuple(one.name for one in variables if one.kind is VariableKind.STOCK)

    @property
    def judged(self) -> tuple[Target, ...]:
        """Targets that variables of the model answer for."""
        return tuple(row for row in self.targets if row.kind is Kind.TARGET and row.variables)

    @property
    def binding(self) -> tuple[Target, ...]:
        """Binding targets that variables of the model answer for."""
        return binding_targets(self.targets)

    @property
    def indicators(self) -> tuple[str, ...]:
        """Variables that targets are judged by, each ``name`` or ``name[element]``, sorted."""
        return tuple(sorted({name for target in self.judged for name in target.variables.values()}))

    @cached_property
    def compiled(self) -> CompiledModel:
        """The model, compiled with every equation of the files beside it, all constants free.

        It has the constants of ramps and series that a scenario uses.
        """
        history = self.model.path.with_name(HISTORY)
        equations = [
            *check_equations(self.model, self.checks),
            *_frozen_expressions(self.model, self.loops),
            *(series_equations(history, self.history.series) if self.history else ()),
        ]
        return compile_whole(for_scenarios(self.model, self.scenarios.values()), equations)

    @cached_property
    def series(self) -> tuple[str, ...]:
        """Every ``name`` or ``name[e1,e2]`` of the model itself that changes over time."""
        return tuple(
            label
            for label in self.compiled.kernel.outputs
            if label.partition("[")[0] in self.model.variables
        )

    def series_of(self, runs: Trajectories) -> dict[str, FloatArray]:
        """Return what changes over time in the first of some runs: ``(time,)`` by `series`."""
        return {label: runs.values[0, runs.compiled.kernel.rows_of[label]] for label in self.series}

    @cached_property
    def runs(self) -> Mapping[str, Trajectories]:
        """The one run of each scenario, by its id."""
        return {
            scenario.id: self.compiled.run([scenario.values], scenario.time)
            for scenario in self.scenarios.values()
        }

    @cached_property
    def members(self) -> Members | None:
        """Plausible models, other than those of the ensemble; None where none fits the model."""
        return states_of(self.model, MEMBERS) if ensemble_fits(self.model) else None


def load_context(
    model: Model, scenarios: str | Path | None = None, *, reference: bool = False
) -> ValidationContext:
    """Read all that lies beside a model; ``scenarios`` is a folder, None the shipped one.

    Raises:
        InputError: a file is missing, or is not what it should be; with every fault.

    >>> context = plansim.load_context(plansim.load_model("lake.mdl"), "stories")
    >>> context.baseline.id, len(context.targets)
    ('boats', 2)
    """
    checks = load_checks(model)
    heads = list_scenarios(None if scenarios is None else Path(scenarios))
    read = {head.id: read_scenario(head.path, model) for head in heads}
    parts = checks.scenarios.model_dump(exclude={"uncertainty"})
    if unknown := [name for name in parts.values() if name is not None and name not in read]:
        path = model.path.with_name(CHECKS)
        raise InputError(
            Fault("no scenario is called '{name}'", path, nearest=nearest(name, read), name=name)
            for name in unknown
        )
    targets = load_targets(model=model)
    return ValidationContext(
        model,
        read,
        targets,
        checks,
        load_reality_checks(model),
        load_loops(model) if model.path.with_name(LOOPS).is_file() else (),
        load_history(model, targets),
        load_seam(model, targets),
        load_family(model),
        load_effects(model, read, targets),
        reference,
    )


def _frozen_expressions(model: Model, loops: tuple[Loop, ...]) -> Iterator[AddedEquation]:
    """Return what the switch of each loop freezes, as equations to be computed."""
    for loop in loops:
        for number, text in enumerate(loop.felt):
            variable = model.variables.get(text)
            subscripts = () if variable is None else variable.subscripts
            right = f"{text}[{','.join(subscripts)}]" if subscripts else text
            yield AddedEquation(frozen_name(loop, number), right, subscripts)


def frozen_name(loop: Loop, number: int) -> str:
    """Return the name of the equation of one expression that a loop's switch freezes."""
    return f"frozen {loop.id} {number}"


def verdicts(runs: Trajectories, target: Target, scenario: Scenario) -> Verdicts:
    """Judge runs of a scenario by a target: arrays ``(run,)``."""
    variables = runs.compiled.model.variables
    answers = {
        basis: Answer(
            runs.yearly(name), unit_factor(variables[split_reference(name)[0]].unit, target)
        )
        for basis, name in target.variables.items()
    }
    return judge(answers, target, assumed=target.id in scenario.assumed)


# --- settings of constants ------------------------------------------------------------------------


def cells(model: Model, reference: str) -> list[str]:
    """Return the elements that a reference means, each as a reference of its own."""
    name, elements = split_reference(reference)
    return [reference] if elements else list(cells_of(model, model.variables[name]))


def elements_of(variable: Variable) -> dict[str, float]:
    """Return the numbers of a constant by reference, as the model's file has them."""
    if isinstance(variable.value, Mapping):
        return {f"{variable.name}[{key}]": value for key, value in variable.value.items()}
    return {} if variable.value is None else {variable.name: variable.value}


def limits(variable: Variable) -> tuple[float, float]:
    """Return the admissible range of a variable; an open end is infinite."""
    low, high = variable.admissible
    return (-np.inf if low is None else low, np.inf if high is None else high)


def scaled(model: Model, factor: float) -> Iterator[tuple[str, dict[str, float]]]:
    """Return each constant that a factor changes, with its numbers times the factor.

    An array changes as a whole; what is not admissible is clipped.
    """
    for variable in model_constants(model):
        old = elements_of(variable)
        new = {key: float(np.clip(x * factor, *limits(variable))) for key, x in old.items()}
        if new != old:
            yield variable.name, new


def model_constants(model: Model) -> list[Variable]:
    """Return the constants of a model."""
    return [one for one in model.variables.values() if one.kind is VariableKind.CONSTANT]


def uncertain(model: Model) -> list[Variable]:
    """Return the constants that have a plausible range."""
    return [constant for constant in model_constants(model) if constant.plausible is not None]


def drawn(model: Model, positions: FloatArray) -> dict[str, FloatArray]:
    """Return the values of the constants of `uncertain` in draws: ``(draw,)`` by element.

    ``positions`` is ``(constant, draw)``, from 0 to 1 across the plausible range. An array moves as
    a whole, by one factor, so that its pattern stays.
    """
    values: dict[str, FloatArray] = {}
    for variable, position in zip(uncertain(model), positions, strict=True):
        assert variable.plausible is not None
        low, high = variable.plausible
        if not variable.subscripts:
            values[variable.name] = low + position * (high - low)
            continue
        numbers = elements_of(variable)
        sizes = [number for number in numbers.values() if number > 0]
        factor = np.ones_like(position)
        if sizes:
            least = max(low / min(sizes), 1 / MOST_FACTOR)
            factor = least + position * (min(high / max(sizes), MOST_FACTOR) - least)
        for name, number in numbers.items():
            values[name] = np.clip(number * factor, *limits(variable))
    return values
