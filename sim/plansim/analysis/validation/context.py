"""What the tests of a model look at: the model, its scenarios, what it is held to, its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
from plansim.analysis.feedback.loops import Loop, load_loops
from plansim.analysis.sensitivity.study import Sensitivity, sensitivity
from plansim.analysis.validation.checks import (
    CHECKS,
    Checks,
    RealityCheck,
    check_equations,
    load_checks,
    load_reality_checks,
)
from plansim.analysis.validation.observed import (
    Family,
    History,
    history_equations,
    load_family,
    load_history,
)
from plansim.analysis.validation.probe import Probe, Runs, probe_of
from plansim.errors import Fault, InputError, nearest
from plansim.model.records import Model, VariableKind
from plansim.model.rewrite import AddedEquation
from plansim.scenario.reader import Scenario, list_scenarios, read_scenario
from plansim.targets.catalogue import (
    Attribute,
    Kind,
    Status,
    Target,
    load_targets,
    split_reference,
    unit_factor,
)
from plansim.targets.verdict import Answer, Findings, findings

__all__ = [
    "SAMPLES",
    "ValidationContext",
    "frozen_name",
    "load_context",
    "status_of",
    "verdicts",
]

SAMPLES = 1024
"""Rows of each of the two matrices of the uncertainty study: the fewest that keep the standard
errors of Q19."""


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
    family: Family | None
    reference: bool = False
    """Whether to run every scenario by PySD, too."""

    @property
    def baseline(self) -> Scenario:
        """Scenario on which extreme conditions and changes of constants are laid."""
        return self.scenarios[self.checks.scenarios.baseline]

    @property
    def constants(self) -> tuple[str, ...]:
        """Names of the constants of the model."""
        return self._of_kind(VariableKind.CONSTANT)

    @property
    def stocks(self) -> tuple[str, ...]:
        """Names of the stocks of the model."""
        return self._of_kind(VariableKind.STOCK)

    def _of_kind(self, kind: VariableKind) -> tuple[str, ...]:
        return tuple(each.name for each in self.model.variables.values() if each.kind is kind)

    @property
    def judged(self) -> tuple[Target, ...]:
        """Targets that variables of the model answer for."""
        return tuple(each for each in self.targets if each.kind is Kind.TARGET and each.variables)

    @property
    def binding(self) -> tuple[Target, ...]:
        """Binding targets that variables of the model answer for."""
        return tuple(
            target
            for target in self.judged
            if target.attribute is Attribute.BINDING and None not in (target.value, target.year)
        )

    @property
    def indicators(self) -> tuple[str, ...]:
        """Variables that targets are judged by, each ``name`` or ``name[element]``, sorted."""
        return tuple(sorted({name for target in self.judged for name in target.variables.values()}))

    @cached_property
    def probe(self) -> Probe:
        """The model, compiled with every equation of the files beside it, all constants free."""
        equations = [
            *check_equations(self.model, self.checks),
            *_frozen_expressions(self.model, self.loops),
            *(history_equations(self.model, self.history) if self.history else ()),
        ]
        return probe_of(self.model, equations)

    @cached_property
    def series(self) -> tuple[str, ...]:
        """Every ``name`` or ``name[e1,e2]`` of the model itself that changes over time."""
        return tuple(
            label for label in self.probe.rows if label.partition("[")[0] in self.model.variables
        )

    @cached_property
    def runs(self) -> Mapping[str, Runs]:
        """The one run of each scenario, by its id."""
        return {
            scenario.id: self.probe.run([scenario.values], scenario.time)
            for scenario in self.scenarios.values()
        }

    @cached_property
    def uncertainty(self) -> Sensitivity | None:
        """The study of uncertainty that the checks name; None where they name none."""
        name, path = self.checks.scenarios.uncertainty, self.baseline.path
        if name is None or path is None:
            return None
        design = read_design(path.parent / name, self.model, samples=SAMPLES)
        return sensitivity(self.model, design, self.targets)


def load_context(
    model: Model, scenarios: Path | None = None, *, reference: bool = False
) -> ValidationContext:
    """Read all that lies beside a model; ``scenarios`` is a folder, None the shipped one.

    Raises:
        InputError: a file is missing, or is not what it should be; with every fault.
    """
    checks = load_checks(model)
    read = {head.id: read_scenario(head.path, model) for head in list_scenarios(scenarios)}
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
        load_family(model),
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


def verdicts(runs: Runs, target: Target, scenario: Scenario) -> Findings:
    """Judge runs of a scenario by a target: arrays ``(run,)``."""
    variables = runs.probe.model.variables
    answers = {
        basis: Answer(
            runs.yearly(name), unit_factor(variables[split_reference(name)[0]].unit, target)
        )
        for basis, name in target.variables.items()
    }
    return findings(answers, target, assumed=target.id in scenario.assumed)


def status_of(verdict: Findings, run: int = 0) -> Status:
    """Return the status of one run."""
    return list(Status)[int(verdict.status.reshape(-1)[run])]
