"""The commands ``list`` and ``show``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

import plansim
from plansim.cli import options
from plansim.cli.context import display
from plansim.cli.help import CommandGroup, command
from plansim.cli.inputs import Arguments

if TYPE_CHECKING:
    from plansim.model.records import Model, Variable
    from plansim.output.words.text import Text

__all__ = ["list_", "show"]

words = click.argument("words", metavar="[WORD]...", nargs=-1)
list_ = CommandGroup(
    "list",
    help="List what there is: scenarios, variables, levers, targets.",
    epilog="Example: plansim list variables pension",
)


@list_.command("scenarios", epilog="Example: plansim list scenarios")
def list_scenarios(asked: Arguments) -> None:
    """List the scenarios that come with plansim, each below its parent, and the overlays."""
    from plansim.output.tables.listing import scenario_list

    heads = [*plansim.list_scenarios(), *plansim.list_overlays()]
    display(scenario_list(heads, asked.text))


@list_.command("variables", epilog="Example: plansim list variables pension")
@words
@options.model
def list_variables(asked: Arguments, words: tuple[str, ...]) -> None:
    """List the variables of the model, by module.

    With WORD only those whose names, meaning, module, kind or unit hold it, in either language.
    """
    from plansim.output.tables.listing import variable_list

    display(variable_list(asked.load_model(), asked.text, words=words))


@list_.command("levers", epilog="Example: plansim list levers water")
@words
@options.model
def list_levers(asked: Arguments, words: tuple[str, ...]) -> None:
    """List the levers, each with its range, its present value, its unit and its constant.

    With WORD only those whose label, meaning or constant hold it, in either language. Every command
    that takes a constant takes the label, too.
    """
    from plansim.output.tables.listing import lever_list

    model = asked.load_model()
    display(lever_list(plansim.load_views(model), model, asked.text, words=words))


@list_.command("targets", epilog="Example: plansim list targets water")
@words
@options.model
def list_targets(asked: Arguments, words: tuple[str, ...]) -> None:
    """List the plan's targets, each with the variable that judges it or why none does.

    With WORD only those whose id, names, wording, label or variable hold it, in either language.
    """
    from plansim.output.tables.listing import target_list

    model = asked.load_model()
    targets = plansim.load_targets(model=model)
    display(target_list(targets, model, asked.text, words=words))


@command(epilog="Example: plansim show M28")
@click.argument("name", shell_complete=options.items(options.all_names))
@options.model
def show(asked: Arguments, name: str) -> None:
    """Show all that is known of NAME: a variable, a scenario, the id of a target or a clash."""
    from plansim.output.tables.layout import facts
    from plansim.scenario.levers import added_constant
    from plansim.scenario.variant import for_scenarios

    model = asked.load_model()
    if added := added_constant(model, name.partition("[")[0]):  # by which a lever is bent
        model = for_scenarios(model, (), [added.name])
    display(facts(_facts(name, model, asked.text)))


def _facts(name: str, model: Model, text: Text) -> list[tuple[str, str]]:
    """Find what NAME names: the id of a target or a clash, a variable, a scenario or an overlay."""
    from plansim.errors import UnknownNameError, nearest
    from plansim.model.comment import load_evidence
    from plansim.model.records import folded
    from plansim.output.describe import clash_facts, scenario_facts, target_facts
    from plansim.output.variables import ModelFacts, variable_facts
    from plansim.scenario.scenario_file import read_overlay

    targets = {folded(target.id): target for target in plansim.load_targets(model=model)}
    if target := targets.get(folded(name)):
        return target_facts(target, model, text)
    from plansim.targets.audit import clashes_beside  # loads what a target does without

    clashes = {folded(clash.id): clash for clash in clashes_beside(model)}
    if clash := clashes.get(folded(name)):
        return clash_facts(clash, text)
    close: list[str] = []
    try:
        variable = _variable(name, model)
        evidence = load_evidence(model.path.parent)
        plan = tuple(targets.values())
        facts = ModelFacts(model, plan, evidence, tuple(clashes.values()), text)
        return variable_facts(variable, facts)
    except UnknownNameError as error:
        close += [fault.nearest for fault in error.faults if fault.nearest]
    for read in (plansim.read_scenario, read_overlay):
        try:
            return scenario_facts(read(name, model), model, text)
        except UnknownNameError:
            continue
    known = [*close, *options.all_names(click.get_current_context())]
    known += [head.id for head in plansim.list_overlays()]
    known += [target.id for target in targets.values()]
    known += [clash.id for clash in clashes.values()]
    near = nearest(name, known)
    raise UnknownNameError(
        "no variable, target, scenario or clash is called '{name}'", nearest=near, name=name
    )


def _variable(name: str, model: Model) -> Variable:
    """Find a variable, or one element of a constant: ``NAME[element]``."""
    from plansim.targets.labels import elements_named

    variable, cells = elements_named(model, name)
    if not cells or not isinstance(variable.value, Mapping):
        return variable
    return replace(variable, value={cell: variable.value[cell] for cell in cells})
