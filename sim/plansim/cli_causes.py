"""The commands on causes: ``loops``, ``attribute``, ``solve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.shell import (
    constant_names,
    format_option,
    items,
    lang_option,
    machine,
    model_at,
    model_option,
    page_for,
    patience,
    raise_all,
    scenario_names,
    scenarios_of,
    set_option,
    target_ids,
    targets_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.model.scenario import Scenario
    from plansim.plan.targets import Target

__all__ = ["COMMANDS"]


def _target_names(context: click.Context) -> Iterator[str]:
    return target_ids()


def _lever_names(context: click.Context) -> Iterator[str]:
    return (name.removesuffix("=") for name in constant_names(context))


@click.command()
@click.argument("scenario", required=False, shell_complete=items(scenario_names))
@set_option
@model_option
@format_option("table", "json")
@lang_option
def loops(
    scenario: str | None,
    overrides: tuple[str, ...],
    model: Path | None,
    form: str,
    lang: str | None,
) -> None:
    """Show the feedback loops, and what cutting each does to the binding targets.

    Loops are declared in the file loops.yaml beside the model and looked for in its equations. They
    are cut under SCENARIO; without one, under the model as it is written.
    """
    from plansim.plan.targets import Attribute
    from plansim.present.loops_table import loops_json, loops_table
    from plansim.study.block import judged_targets
    from plansim.study.loops import cut_loops, load_loops

    if overrides and scenario is None:
        raise click.UsageError("--set needs a scenario")
    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    (chosen,) = _scenarios([scenario] if scenario else [], overrides, read, targets)
    judged = [each for each in judged_targets(targets) if each.attribute is Attribute.BINDING]
    declared = load_loops(read)
    with patience(page.text("run.simulating", scenario=chosen.id)):
        cuts = cut_loops(read, chosen, declared, judged)
    if form == "json":
        machine(loops_json(cuts, chosen.id))
    else:
        page.show(loops_table(cuts, chosen.id, page.text, page.width, colour=page.colour))


@click.command()
@click.argument("before", metavar="A", shell_complete=items(scenario_names))
@click.argument("after", metavar="B", shell_complete=items(scenario_names))
@click.option(
    "--target",
    "ids",
    metavar="ID",
    multiple=True,
    shell_complete=items(_target_names),
    help="Only this target; may be given again.",
)
@model_option
@format_option("table", "json")
@lang_option
def attribute(
    before: str, after: str, ids: tuple[str, ...], model: Path | None, form: str, lang: str | None
) -> None:
    """Say which of the assumptions that B changes against A move the margin of each target.

    Shapley shares: exact up to 12 changes, from sampled orders above that. What a scenario changes
    of one lever or of one array counts as one change.
    """
    from plansim.present.causes_table import attribution_json, attribution_table
    from plansim.study.block import judged_targets
    from plansim.study.causes import attribute as shares_of

    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    pair = _scenarios([before, after], (), read, targets)
    chosen = [_judged(each, targets) for each in dict.fromkeys(ids)] or judged_targets(targets)
    with patience(page.text("run.simulating", scenario=pair[-1].id)):
        found = shares_of(read, pair[0], pair[-1], chosen)
    if form == "json":
        machine(attribution_json(found))
    else:
        page.show(attribution_table(found, page.text, page.width, colour=page.colour))


@click.command()
@click.argument("scenario", shell_complete=items(scenario_names))
@click.option(
    "--lever",
    metavar="NAME",
    required=True,
    shell_complete=items(_lever_names),
    help="The constant, or element of one, that is moved; of a lever, what it is set to after its "
    "change.",
)
@click.option(
    "--target",
    "id_",
    metavar="ID",
    required=True,
    shell_complete=items(_target_names),
    help="The target to be met.",
)
@set_option
@model_option
@format_option("table", "json")
@lang_option
def solve(
    scenario: str,
    lever: str,
    id_: str,
    overrides: tuple[str, ...],
    model: Path | None,
    form: str,
    lang: str | None,
) -> None:
    """Find the least change of a lever under SCENARIO that just meets a target.

    The plausible range of the lever is looked over first, then the admissible one.
    """
    from plansim.present.causes_table import solution_json, solution_text
    from plansim.study.block import judged_targets
    from plansim.study.solve import lever_named
    from plansim.study.solve import solve as least_change

    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    (chosen,) = _scenarios([scenario], overrides, read, targets)
    moved, target = lever_named(read, chosen, lever), _judged(id_, targets)
    with patience(page.text("run.simulating", scenario=chosen.id)):
        found = least_change(read, chosen, moved, target, judged_targets(targets))
    if form == "json":
        machine(solution_json(found))
    else:
        page.show(solution_text(found, page.text, page.width))


def _scenarios(
    names: Sequence[str], overrides: Sequence[str], model: Model, targets: Sequence[Target]
) -> list[Scenario]:
    faults: list[Fault] = []
    found = scenarios_of(names, overrides, model, targets, faults)
    raise_all(faults)
    return found


def _judged(name: str, targets: Sequence[Target]) -> Target:
    """Find a target by its id, and see that something in the model answers for it."""
    from plansim.errors import Fault, InputError, UnknownNameError, nearest
    from plansim.model.records import folded
    from plansim.study.block import judged_targets

    judged = {folded(each.id): each for each in judged_targets(targets)}
    if found := judged.get(folded(name)):
        return found
    ids = [each.id for each in targets]
    if folded(name) in map(folded, ids):
        raise InputError(Fault(f"nothing in the model answers for '{name}'"))
    known = [each.id for each in judged.values()]
    raise UnknownNameError(Fault(f"no target has the id '{name}'", nearest=nearest(name, known)))


COMMANDS = (loops, attribute, solve)
