"""All that the tests of a model look at: the model, its scenarios, what it is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
from plansim.analysis.feedback.loops import Loop, load_loops
from plansim.analysis.validation.checks import CHECKS, Checks, SignTest, load_checks, load_signs
from plansim.analysis.validation.observed import History, load_history
from plansim.errors import Fault, InputError, nearest
from plansim.model.records import Model, TimeSpec
from plansim.scenario.reader import Scenario, list_scenarios, read_scenario
from plansim.targets.catalogue import Kind, Target, load_targets

__all__ = ["Dossier", "by_clock", "indicators", "load_dossier"]


@dataclass(frozen=True)
class Dossier:
    """A model and what is asked of it."""

    model: Model
    scenarios: Mapping[str, Scenario]
    """By id, sorted."""
    targets: tuple[Target, ...]
    """The whole catalogue."""
    checks: Checks
    signs: tuple[SignTest, ...]
    loops: tuple[Loop, ...]
    history: History | None

    @property
    def baseline(self) -> Scenario:
        """Give the scenario on top of which worlds are changed."""
        return self.scenarios[self.checks.scenarios.baseline]

    @property
    def judged(self) -> tuple[Target, ...]:
        """Give the targets that something in the model answers for."""
        return tuple(each for each in self.targets if each.kind is Kind.TARGET and each.variables)


def load_dossier(model: Model, scenarios: Path | None = None) -> Dossier:
    """Read all that lies beside a model; ``scenarios`` is a folder, None the shipped one.

    Raises:
        InputError: a file is missing, or is not what it should be; with every fault.
    """
    checks = load_checks(model)
    read = {head.id: read_scenario(head.path, model) for head in list_scenarios(scenarios)}
    parts = checks.scenarios.model_dump(exclude={"uncertainty"})
    wanted = [each for each in parts.values() if each is not None]
    if unknown := [each for each in wanted if each not in read]:
        path = model.path.with_name(CHECKS)
        raise InputError(
            Fault("no scenario is called '{name}'", path, nearest=nearest(each, read), name=each)
            for each in unknown
        )
    targets = load_targets(model=model)
    return Dossier(
        model,
        read,
        targets,
        checks,
        load_signs(model),
        load_loops(model) if model.path.with_name(LOOPS).is_file() else (),
        load_history(model, targets),
    )


def indicators(dossier: Dossier) -> tuple[str, ...]:
    """Give what targets are judged by, each ``name`` or ``name[element]`` once, sorted."""
    return tuple(sorted({each for target in dossier.judged for each in target.variables.values()}))


def by_clock(scenarios: Mapping[str, Scenario]) -> dict[TimeSpec, list[Scenario]]:
    """Put together the scenarios that run on one clock."""
    groups: dict[TimeSpec, list[Scenario]] = {}
    for scenario in scenarios.values():
        groups.setdefault(scenario.time, []).append(scenario)
    return groups
