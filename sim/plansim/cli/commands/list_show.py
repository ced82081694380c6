"""The commands ``list`` and ``show``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli import options
from plansim.cli.context import Terminal, model_at
from plansim.cli.inputs import read_inputs
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.model.records import Model, Variable

__all__ = ["list_", "show"]


word_options = options.combined(
    click.argument("words", metavar="[WORD]...", nargs=-1), options.model, options.terminal
)


@options.group(
    name="list",
    epilog="Example: plansim list variables pension",
)
def list_() -> None:
    """List what there is: scenarios, variables, levers, targets."""


@list_.command(name="scenarios", epilog="Example: plansim list scenarios")
@options.terminal
def list_scenarios(terminal: Terminal) -> None:
    """List the scenarios that come with plansim, each below its parent, and the overlays."""
    from plansim.output.tables.listing import scenario_list
    from plansim.scenario.scenario_file import list_overlays
    from plansim.scenario.scenario_file import list_scenarios as heads

    terminal.show(scenario_list([*heads(), *list_overlays()], terminal.text))


@list_.command(name="variables", epilog="Example: plansim list variables pension")
@word_options
def list_variables(words: tuple[str, ...], model: Path | None, terminal: Terminal) -> None:
    """List the variables of the model, by module.

    With WORD only those whose names, meaning, module, kind or unit hold it, in either language.
    """
    from plansim.output.tables.listing import variable_list

    terminal.show(variable_list(model_at(model), terminal.text, words=words))


@list_.command(name="levers", epilog="Example: plansim list levers water")
@word_options
def list_levers(words: tuple[str, ...], model: Path | None, terminal: Terminal) -> None:
    """List the levers, each with its range, its present value, its unit and its constant.

    With WORD only those whose label, meaning or constant hold it, in either language. Every command
    that takes a constant takes the label, too.
    """
    from plansim.output.tables.listing import lever_list
    from plansim.targets.views_file import load_views

    read = model_at(model)
    terminal.show(lever_list(load_views(read), read, terminal.text, words=words))


@list_.command(name="targets", epilog="Example: plansim list targets water")
@word_options
def list_targets(words: tuple[str, ...], model: Path | None, terminal: Terminal) -> None:
    """List the plan's targets, each with the variable that judges it or why none does.

    With WORD only those whose id, names, wording, label or variable hold it, in either language.
    """
    from plansim.output.tables.listing import target_list

    inputs = read_inputs((), model, whole=True)
    terminal.show(target_list(inputs.targets, inputs.model, terminal.text, words=words))


@click.command(epilog="Example: plansim show M28")
@click.argument("name", shell_complete=options.items(options.all_names))
@options.model
@options.terminal
def show(name: str, model: Path | None, terminal: Terminal) -> None:
    """Show all that is known of NAME: a variable, a scenario, the id of a target or a clash."""
    from plansim.output.tables.layout import facts

    terminal.show(facts(_facts(name, _with_constant(name, model_at(model)), terminal)))


def _with_constant(name: str, model: Model) -> Model:
    """Return the variant of a model that has a constant by which a lever is bent."""
    from plansim.scenario.levers import added_constant
    from plansim.scenario.variant import for_scenarios

    added = added_constant(model, name.partition("[")[0])
    return for_scenarios(model, (), [added.name]) if added else model


def _facts(name: str, model: Model, terminal: Terminal) -> list[tuple[str, str]]:
    """Find what NAME names: the id of a target, a variable, a scenario, or a clash."""
    from plansim.errors import Fault, UnknownNameError, nearest
    from plansim.model.comment import load_evidence
    from plansim.model.records import folded
    from plansim.output.describe import (
        clash_facts,
        scenario_facts,
        target_facts,
    )
    from plansim.output.variables import ModelFacts, variable_facts
    from plansim.scenario.scenario_file import list_overlays, read_overlay, read_scenario
    from plansim.scenario.scenario_file import list_scenarios as heads
    from plansim.targets.catalogue import load_targets

    targets = {folded(target.id): target for target in load_targets(model=model)}
    if folded(name) in targets:
        return target_facts(targets[folded(name)], model, terminal.text)
    from plansim.targets.audit import clashes_beside  # loads what a target does without

    clashes = {folded(clash.id): clash for clash in clashes_beside(model)}
    if folded(name) in clashes:
        return clash_facts(clashes[folded(name)], terminal.text)
    try:
        variable = _variable(name, model)
    except UnknownNameError as error:
        labelled = [fault.nearest for fault in error.faults if fault.nearest]
    else:
        evidence = load_evidence(model.path.parent)
        facts = ModelFacts(
            model, tuple(targets.values()), evidence, tuple(clashes.values()), terminal.text
        )
        return variable_facts(variable, facts)
    try:
        return scenario_facts(read_scenario(name, model), model, terminal.text)
    except UnknownNameError:
        pass
    try:
        return scenario_facts(read_overlay(name, model), model, terminal.text)
    except UnknownNameError:
        names = [*labelled, *model.variables]
        names += [variable.name_zh for variable in model.variables.values()]
        names += [head.id for head in (*heads(), *list_overlays())]
        names += [target.id for target in targets.values()]
        names += [clash.id for clash in clashes.values()]
        close = nearest(name, names)
        message = Message("no variable, target, scenario or clash is called '{name}'", name=name)
        raise UnknownNameError(Fault(message, nearest=close)) from None


def _variable(name: str, model: Model) -> Variable:
    """Find a variable, or one element of a constant: ``NAME[element]``."""
    from plansim.targets.labels import elements_named

    variable, cells = elements_named(model, name)
    if not cells or not isinstance(variable.value, Mapping):
        return variable
    return replace(variable, value={cell: variable.value[cell] for cell in cells})
