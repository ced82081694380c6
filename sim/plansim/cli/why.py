"""The commands on causes: ``loops``, ``attribute``, ``solve``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    UsageError,
    constant_names,
    format_option,
    items,
    lang_option,
    machine,
    model_at,
    model_option,
    page_for,
    raise_all,
    scenario_names,
    scenarios_of,
    set_option,
    target_ids,
    targets_of,
    variable_names,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.scenario.reader import Scenario
    from plansim.targets.catalogue import Target

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
    """Show the feedback loops, when each of them dominates, and what cutting it does.

    Loops are declared in the file loops.yaml beside the model and looked for in its equations. They
    are scored and cut under SCENARIO; without one, under the model as it is written. Scores need
    pysimlin: plansim[loops].
    """
    from plansim.analysis.feedback.loop_scores import score_loops
    from plansim.analysis.feedback.loops import cut_loops, load_loops
    from plansim.output.export.json_text import json_text
    from plansim.output.tables.loops import loops_table
    from plansim.targets.catalogue import Attribute, judged_targets

    if overrides and scenario is None:
        raise UsageError(Message("--set needs a scenario"))
    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    (chosen,) = _scenarios([scenario] if scenario else [], overrides, read, targets)
    judged = [each for each in judged_targets(targets) if each.attribute is Attribute.BINDING]
    declared = load_loops(read)
    with page.progress(page.text("run.simulating", scenario=chosen.id)) as progress:
        cuts = cut_loops(read, chosen, declared, judged)
        progress(1, 2)
        scores = score_loops(read, chosen, declared)
    if form == "json":
        record = {
            "scenario": scores.scenario,
            "loops": cuts,
            "partitions": scores.partitions,
            "years": scores.years,
            "shares": scores.yearly,
            "missing": scores.missing,
        }
        machine(json_text(record))
    else:
        page.show(loops_table(cuts, scores, page.text))


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
    from plansim.analysis.attribution import attribute as shares_of
    from plansim.output.export.json_text import json_text
    from plansim.output.tables.attribution import attribution_table
    from plansim.targets.catalogue import judged_targets, target_named
    from plansim.targets.views_file import load_views

    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    pair = _scenarios([before, after], (), read, targets)
    chosen = [target_named(each, targets) for each in dict.fromkeys(ids)] or judged_targets(targets)
    with page.progress(page.text("run.simulating", scenario=pair[-1].id)):
        found = shares_of(read, pair[0], pair[-1], chosen)
    if form == "json":
        machine(json_text(found))
    else:
        labelled = found.labelled(load_views(read, targets).levers)
        page.show(attribution_table(labelled, page.text))


@click.command()
@click.argument("scenario", shell_complete=items(scenario_names))
@click.option(
    "--lever",
    "levers",
    metavar="NAME",
    multiple=True,
    required=True,
    shell_complete=items(_lever_names),
    help="The constant, or element of one, that is moved; of a lever, what it is set to after its "
    "change. May be given again.",
)
@click.option(
    "--target",
    "ids",
    metavar="ID",
    multiple=True,
    required=True,
    shell_complete=items(_target_names),
    help="The target to be met; may be given again.",
)
@click.option(
    "--price",
    "prices",
    metavar="NAME=COST",
    multiple=True,
    shell_complete=items(constant_names),
    help="What a unit of a lever's change costs; else 1 for the whole of its plausible range.",
)
@click.option(
    "--cost",
    metavar="VARIABLE",
    shell_complete=items(variable_names),
    help="Let the model count the cost: a flow added up to the target's year, or a stock then.",
)
@set_option
@model_option
@format_option("table", "json")
@lang_option
def solve(
    scenario: str,
    levers: tuple[str, ...],
    ids: tuple[str, ...],
    prices: tuple[str, ...],
    cost: str | None,
    overrides: tuple[str, ...],
    model: Path | None,
    form: str,
    lang: str | None,
) -> None:
    """Find the least change of levers under SCENARIO that just meets targets.

    Of one lever the least change, of several the cheapest mix by the cost that --price or --cost
    states. The plausible ranges are searched first, then the admissible ones.
    """
    from plansim.analysis.optimization.target_seeking import solve as solved
    from plansim.output.export.json_text import json_text
    from plansim.output.tables.solution import solution_table
    from plansim.targets.catalogue import variable_of

    if prices and cost is not None:
        raise UsageError(Message("the cost is either of --price or of --cost"))
    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    (chosen,) = _scenarios([scenario], overrides, read, targets)
    by_lever = _prices(prices)
    with page.progress(page.text("run.simulating", scenario=chosen.id)):
        found = solved(
            read, chosen, tuple(dict.fromkeys(levers)), tuple(dict.fromkeys(ids)),
            prices=by_lever, outlay=cost or "", plan=targets,
        )  # fmt: skip
    if form == "json":
        machine(json_text(found))
        return
    name = variable_of(read, found.outlay).name_zh if found.outlay else ""
    page.show(solution_table(found, page.text, outlay_zh=name))


def _prices(texts: Sequence[str]) -> dict[str, float]:
    """Read texts ``NAME=COST``."""
    from plansim.errors import Fault

    prices: dict[str, float] = {}
    faults: list[Fault] = []
    for text in texts:
        name, _, size = text.rpartition("=")
        try:
            price = float(size)
        except ValueError:
            price = math.nan
        if name and 0 <= price < math.inf:
            prices[name] = price
        else:
            expected = Message("NAME=COST, a number from 0 on")
            faults.append(Fault("not a price", "--price", expected=expected, found=text))
    raise_all(faults)
    return prices


def _scenarios(
    names: Sequence[str], overrides: Sequence[str], model: Model, targets: Sequence[Target]
) -> list[Scenario]:
    faults: list[Fault] = []
    found = scenarios_of(names, overrides, model, targets, faults)
    raise_all(faults)
    return found


COMMANDS = (loops, attribute, solve)
