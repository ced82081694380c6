"""What a command line names, read and run: the model, its targets, scenarios and variables.

Whatever is imported from the package is imported inside the functions, so that ``--help`` and
completion are quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from plansim.cli.context import Terminal, UsageError, current_terminal, model_at, remark, warn
from plansim.errors import Message

if TYPE_CHECKING:
    import xarray as xr

    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.scenario.scenario_file import Scenario
    from plansim.targets.annual import Annual
    from plansim.targets.target import Target

__all__ = [
    "MOST_CHANGES",
    "Arguments",
    "Inputs",
    "changes_of",
    "chosen_target",
    "note_misfit",
    "read_inputs",
    "simulated",
    "simulated_apart",
    "simulated_years",
]

Item = TypeVar("Item")
Text = TypeVar("Text")


@dataclass(frozen=True)
class Arguments:
    """What a command line says of scenarios, the model and the language."""

    terminal: Terminal
    scenarios: tuple[str, ...]
    model: Path | None
    overlays: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    engine: str = "compiled"

    def read(self, **options: Any) -> Inputs:
        """Read what is asked for, with the options of `read_inputs`."""
        return read_inputs(self.scenarios, self.model, self.overrides, self.overlays, **options)


@dataclass(frozen=True)
class Inputs:
    """What a command reads before it begins to work."""

    model: Model
    targets: tuple[Target, ...]
    scenarios: tuple[Scenario, ...]
    """Each once, in the order of the line; the model as written where none is named."""
    named: tuple[Any, ...]
    """What ``find`` made of the names of variables or targets."""

    @property
    def scenario(self) -> Scenario:
        """The first scenario."""
        return self.scenarios[0]


def chosen_variable(inputs: Inputs, name: str) -> str:
    """Return the name of the variable that a name or label means, in either language.

    Raises:
        InputError: there is none.
    """
    from plansim.targets.labels import variable_named

    return variable_named(inputs.model, name).name


def read_inputs(
    scenarios: Iterable[str] | str | None,
    model: Path | None,
    overrides: Sequence[str] = (),
    overlays: Sequence[str] = (),
    *,
    names: Iterable[str] = (),
    find: Callable[[Inputs, str], object] = chosen_variable,
    whole: bool = False,
) -> Inputs:
    """Read the model, its targets, scenarios and names; all faults of all of them come at once.

    Of no scenarios the model is taken as it is written, if it is another one or ``whole``;
    ``overrides`` lie over it.

    Raises:
        InputError: with every fault.
    """
    from plansim.errors import InputError
    from plansim.scenario.scenario_file import as_written
    from plansim.scenario.variant import for_scenarios
    from plansim.targets.catalogue import load_targets

    wanted = [scenarios] if isinstance(scenarios, str) else list(scenarios or ())
    if not wanted and (overlays or (model is None and (overrides or not whole))):
        raise _no_scenario(overrides, overlays)
    read = model_at(model)
    targets = load_targets(model=read)
    faults: list[Fault] = []
    settings = _settings(read, overrides, faults)
    chosen = _read_scenarios(read, wanted, settings, overlays, faults)
    faults += _clashes(chosen, targets)
    try:
        read = for_scenarios(read, chosen)
    except InputError as error:
        faults.extend(error.faults)
    for scenario in chosen:
        _warn_in_short(scenario)
    inputs = Inputs(read, targets, tuple(chosen) or (as_written(read),), ())
    named = _all_made(lambda name: find(inputs, name), names, faults)
    if faults:
        raise InputError(dict.fromkeys(faults))
    different = [item for index, item in enumerate(named) if item not in named[:index]]
    return replace(inputs, named=tuple(different))


def _no_scenario(overrides: Sequence[str], overlays: Sequence[str]) -> UsageError:
    """Return the error of a line that needs a scenario and names none."""
    why = Message("Missing argument 'SCENARIO'")
    if overrides:
        why = Message("--set needs a scenario")
    elif overlays:
        why = Message("--with needs a scenario")
    return UsageError(Message("{why}; 'plansim list scenarios' lists them.", why=why))


def _read_scenarios(
    model: Model,
    names: Iterable[str],
    settings: Sequence[str],
    overlays: Sequence[str],
    faults: list[Fault],
) -> list[Scenario]:
    """Read scenarios, each once; of no names the model as written, if there are settings."""
    from plansim.scenario.scenario_file import read_scenario

    wanted: list[str | None] = [*names] or ([None] if settings else [])
    read = _all_made(
        lambda name: read_scenario(name, model, settings, overlays=overlays), wanted, faults
    )
    return list({(one.path and one.path.resolve(), one.id): one for one in read}.values())


def _all_made(
    make: Callable[[Text], Item], texts: Iterable[Text], faults: list[Fault]
) -> list[Item]:
    """Return what is made of texts; the faults of those of which nothing can be made are added."""
    from plansim.errors import InputError

    made = []
    for text in texts:
        try:
            made.append(make(text))
        except InputError as error:
            faults.extend(error.faults)
    return made


def chosen_target(inputs: Inputs, name: str) -> Target:
    """Return the target of an id or name, in either language.

    Raises:
        InputError: there is none.
    """
    from plansim.targets.target import target_named

    return target_named(name, inputs.targets)


def _settings(model: Model, overrides: Sequence[str], faults: list[Fault]) -> list[str]:
    """Return texts ``NAME=VALUE`` with a label replaced by the constant that it stands for."""
    if not overrides:
        return []
    from plansim.errors import InputError
    from plansim.scenario.records import OVERRIDE
    from plansim.targets.labels import reference_named

    settings = []
    for text in overrides:
        name, equals, value = text.partition("=")
        try:
            known = reference_named(model, name.strip()) if name and value else name
            settings.append(known + equals + value)
        except InputError as error:
            faults += (replace(fault, file=OVERRIDE) for fault in error.faults)
    return settings


def _clashes(scenarios: Sequence[Scenario], targets: Sequence[Target]) -> Iterator[Fault]:
    """Yield a fault for two scenarios of one id, and for an assumed target that there is not."""
    from plansim.errors import Fault, nearest

    by_id: dict[str, Scenario] = {}
    for scenario in scenarios:
        if (other := by_id.setdefault(scenario.id, scenario)) is not scenario:
            message = Message(
                "two scenarios are called '{id}'; one of the files needs a new name", id=scenario.id
            )
            also = Message("also {path}", path=str(other.path))
            yield Fault(message, scenario.path, found=also)
    ids = [target.id for target in targets]
    for scenario in scenarios:
        for key, (file, line) in scenario.assumed_lines.items():
            if key not in ids:
                message = Message("no target has the id '{id}'", id=key)
                yield Fault(message, file, line, nearest=nearest(key, ids))


def _warn_in_short(scenario: Scenario) -> None:
    """Count the values of its files that are implausible; what --set gives is named."""
    from plansim.output.words.language import say_in
    from plansim.scenario.records import OVERRIDE

    asked = [warning for warning in scenario.warnings if warning.file == OVERRIDE]
    listed = [warning for warning in scenario.warnings if warning not in asked]
    warn(asked)
    if len(listed) > 1:
        text = current_terminal().text
        template = text(
            "check.implausible",
            scenario=scenario.id,
            count=len(listed),
            shown=scenario.path,
        )
        remark(Message("warning: {warning}", warning=template).written(say_in(text.lang)))
    else:
        warn(listed)


def note_misfit(model: Model, terminal: Terminal) -> bool:
    """Return whether an ensemble beside a model fits it; say so if there is one that does not.

    Raises:
        InputError: the header of the ensemble is at fault.
    """
    from plansim.analysis.ensemble import read_ensemble_head
    from plansim.scenario.members import renewal

    head = read_ensemble_head(model)
    if head is not None and head.misfit(model):
        command = renewal(model, head.kind)
        remark(terminal.text("check.misfit", path=head.path, command=command))
        return False
    return head is not None


def simulated(inputs: Inputs, engine: str, terminal: Terminal) -> xr.Dataset:
    """Run the scenarios, of several over ``scenario``; say so if it takes long."""
    from plansim.engine.simulate import simulate

    names = terminal.text.join([scenario.id for scenario in inputs.scenarios])
    with terminal.progress("run.simulating", scenario=names):
        chosen = inputs.scenario if len(inputs.scenarios) == 1 else inputs.scenarios
        return simulate(inputs.model, chosen, engine=engine)


def simulated_apart(inputs: Inputs, engine: str, terminal: Terminal) -> list[xr.Dataset]:
    """Do as `simulated`, and give a dataset a scenario."""
    alone = [replace(inputs, scenarios=(scenario,)) for scenario in inputs.scenarios]
    return [simulated(one, engine, terminal) for one in alone]


def simulated_years(model: Model, scenario: Scenario, engine: str, terminal: Terminal) -> Annual:
    """Do as `simulated`, and give the annual figures, for which no array library is loaded."""
    with terminal.progress("run.simulating", scenario=scenario.id):
        from plansim.engine.simulate import simulate_years

        return simulate_years(model, scenario, engine=engine)


MOST_CHANGES = 8
"""Changes of a scenario that are shown before a table; `plansim show` gives all."""


def changes_of(scenario: Scenario, model: Model, terminal: Terminal) -> str:
    """Say in a few lines what a scenario changes against its parent."""
    from plansim.output.describe import changes_head, changes_in_short

    changes = changes_in_short(scenario, model, terminal.text)
    lines = changes[:MOST_CHANGES]
    if (more := len(changes) - MOST_CHANGES) > 0:
        lines.append(terminal.text("changes.more", count=more, scenario=scenario.id))
    if scenario.assumed:
        ids = terminal.text.join(scenario.assumed)
        lines.append(terminal.text("changes.assumes", ids=ids))
    return "\n  ".join([changes_head(scenario, terminal.text), *lines])
