"""The group ``plansim decide``: what would meet targets, where policies fail, which are robust."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

import plansim
from plansim.cli import options
from plansim.cli.context import UsageError, remark, working
from plansim.cli.help import CommandGroup
from plansim.cli.inputs import Arguments, Inputs
from plansim.errors import Fault, InputError, Message

__all__ = ["decide"]

POLICY = "policy-{:03d}.yaml"
"""Name of the file of a policy, by its number."""

decide = CommandGroup(
    "decide",
    help="Find what would meet targets, where policies fail, and which are robust.",
    epilog='Example: plansim decide solve baseline --lever "retrofit rate after" --target M28',
)


@decide.command(epilog="Example: plansim decide discover baseline --target M34b --fresh 1000")
@options.targets("Only this target; may be given again.")
@click.option("--all-binding", is_flag=True, help="Every binding target, not the open ones only.")
@options.members
@options.number(
    "--fresh",
    least=0,
    default=0,
    text="Draw N members anew, and measure the density of each corner among them.",
)
@options.number("--conditions", default=2, text="Maximum number of unknowns that a corner limits.")
@options.study(picture=True)
@options.scenarios(required=True, settable=False, metavar="SCENARIO|STORE.zarr")
def discover(
    asked: Arguments,
    ids: tuple[str, ...],
    all_binding: bool,
    conditions: int,
    **drawn: Any,
) -> None:
    """Find the corner of what is uncertain in which a target fails.

    Of a scenario it is looked for among the plausible models, of a stored sweep among its runs.
    Without --target the binding targets are taken that are not met or missed nearly everywhere.
    """
    from plansim.output.tables.decisions import discovery_table
    from plansim.targets.target import binding_targets

    inputs, sweep = asked.read_source(ids)
    found = asked.study(
        "discover.working",
        plansim.discover,
        inputs.model,
        inputs.scenario if sweep is None else sweep,
        inputs.named or binding_targets(inputs.targets),
        only_open=not (ids or all_binding),
        conditions=conditions,
        **drawn,
    )
    asked.answer(
        found,
        lambda: discovery_table(found, inputs.model, asked.text),
        lambda plot: plot.discovery_sheet(found, inputs.model, asked.text.lang),
    )


@decide.command(epilog="Example: plansim decide robust baseline green-transition")
@options.targets("A target of the set that should hold; may be given again.")
@options.members
@options.study(picture=True)
@options.scenarios(several=True, required=True)
def robust(asked: Arguments, ids: tuple[str, ...], members: int | None) -> None:
    """Compare policies, each a SCENARIO, over plausible models: what each meets and forgoes.

    The set that should hold is by default all binding targets that any shipped scenario meets in
    at least 5 of 100 models.
    """
    from plansim.output.tables.decisions import robustness_table

    inputs = asked.read_targets(ids)
    result = asked.study(
        "discover.working",
        plansim.robustness,
        inputs.model,
        inputs.scenarios,
        named=inputs.ids,
        members=members,
        targets=inputs.targets,
    )
    asked.answer(
        result,
        lambda: robustness_table(result, asked.text),
        lambda plot: plot.robustness_sheet(result, inputs.targets, asked.text.lang),
    )


@decide.command(epilog="Example: plansim decide signposts baseline --by 2008")
@options.targets("Only this target; may be given again.")
@click.option(
    "--by",
    metavar="YEAR",
    type=int,
    help="The last year of the statistics; by default the middle of the plan.",
)
@options.members
@options.study(picture=True)
@options.scenarios(required=True)
def signposts(asked: Arguments, ids: tuple[str, ...], by: int | None, **drawn: Any) -> None:
    """Say which published statistics of the first years foretell whether a target will be met.

    What a mid-term review would have to look at: over plausible models, how well members that meet
    a target can be told early from those that miss it, and by which threshold. Then what the rules
    by which the policy adapts gain over the same policy without them, if the model has any.
    """
    from plansim.output.tables.decisions import signposts_table

    inputs = asked.read_targets(ids)
    model, scenario, key = inputs.model, inputs.scenario, "signposts.working"
    wanted = inputs.named or inputs.targets
    signs = asked.study(key, plansim.signposts, model, scenario, wanted, by=by, **drawn)
    gain = asked.study(
        key, plansim.adaptation, model, scenario, inputs.targets, named=inputs.ids, **drawn
    )
    asked.answer(
        {"signposts": signs, "adaptation": gain},
        lambda: signposts_table(signs, gain, _names(inputs, asked), asked.text),
        lambda plot: plot.signpost_sheet(signs, asked.text.lang),
    )


@decide.command(epilog="Example: plansim decide conflicts baseline --largest 2")
@options.targets("Only sets of these targets; may be given again.")
@options.number("--largest", default=2, text="Maximum number of targets in a set.")
@options.members
@options.study()
@options.scenarios(settable=False)
def conflicts(asked: Arguments, ids: tuple[str, ...], **drawn: Any) -> None:
    """Find the smallest sets of binding targets that no setting found holds together.

    A set is in conflict if all of it is met in less than one half of the plausible models under
    every setting that was tried; the least relaxation of one target that dissolves it is named. A
    search that was interrupted goes on where it was, if the same command is given again.
    """
    from plansim.output.tables.decisions import conflicts_table

    inputs = asked.read_targets(ids, whole=True)
    result = asked.study(
        "conflicts.working",
        plansim.conflicts,
        inputs.model,
        inputs.about,
        targets=inputs.named or inputs.targets,
        resumes=True,
        **drawn,
    )
    asked.answer(result, lambda: conflicts_table(result, _names(inputs, asked), asked.text))


@decide.command(epilog="Example: plansim decide information baseline slow-growth momentum")
@options.members
@options.study()
@options.scenarios(several=True, required=True, settable=False, metavar="SCENARIO...|STORE.zarr")
def information(asked: Arguments, members: int | None) -> None:
    """Say which unknown, if it were known, would change the choice among policies.

    Policies are scenarios, which are run over plausible models, or the scenarios of a stored sweep.
    """
    from plansim.output.tables.decisions import information_table

    inputs, sweep = asked.read_source()
    result = asked.study(
        "discover.working",
        plansim.information,
        inputs.model,
        inputs.scenarios if sweep is None else sweep,
        targets=inputs.targets,
        members=members,
    )
    scenarios = inputs.scenarios if sweep is None else ()
    titles = {one.id: asked.text.title(one) or one.id for one in scenarios}
    asked.answer(result, lambda: information_table(result, titles, inputs.model, asked.text))


def _names(inputs: Inputs, asked: Arguments) -> dict[str, str]:
    """Return the names of targets in the language of the output, by their ids."""
    return {one.id: asked.text.name(one) for one in inputs.targets}


@decide.command(
    epilog='Example: plansim decide solve baseline --lever "retrofit rate after" --target M28'
)
@options.names(
    "--lever",
    "levers",
    options.settable_names,
    "The constant, or element of one, that is moved; of a lever, what it is set to after its "
    "change. May be given again.",
    required=True,
)
@options.targets("The target to be met; may be given again.", required=True)
@options.names(
    "--price",
    "prices",
    options.constant_names,
    "What a unit of a lever's change costs, in the model's unit; else 1 for the whole of its "
    "plausible range.",
    "NAME=COST",
)
@click.option(
    "--cost",
    metavar="VARIABLE",
    shell_complete=options.items(options.variable_names),
    help="Let the model count the cost: a flow added up to the target's year, or a stock then.",
)
@options.form("table", "json")
@options.scenarios(required=True)
def solve(
    asked: Arguments,
    levers: tuple[str, ...],
    ids: tuple[str, ...],
    prices: tuple[str, ...],
    cost: str | None,
) -> None:
    """Find the least change of levers under SCENARIO that just meets targets.

    Of one lever the least change, of several the cheapest mix by the cost that --price or --cost
    states. The plausible ranges are searched first, then the admissible ones.
    """
    from plansim.output.tables.policies import solution_table

    if prices and cost is not None:
        raise UsageError(Message("the cost is either of --price or of --cost"))
    inputs = asked.read()
    priced = _priced(prices)
    with working(asked.text, "run.simulating", scenario=inputs.scenario.id):
        solution = plansim.solve(
            inputs.model,
            inputs.scenario,
            tuple(dict.fromkeys(levers)),
            tuple(dict.fromkeys(ids)),
            prices=priced,
            outlay=cost or "",
            plan=inputs.targets,
        )
    asked.answer(solution, lambda: solution_table(solution, inputs.model, asked.text))


def _priced(texts: Sequence[str]) -> dict[str, float]:
    """Read texts ``NAME=COST``, each a number from 0 on."""
    prices: dict[str, float] = {}
    faults: list[Fault] = []
    for text in texts:
        name, _, size = text.rpartition("=")
        with suppress(ValueError):
            if name and 0 <= float(size) < math.inf:
                prices[name] = float(size)
                continue
        expected = Message("NAME=COST, a number from 0 on")
        faults.append(Fault("not a price", "--price", expected=expected, found=text))
    if faults:
        raise InputError(faults)
    return prices


@decide.command(epilog="Example: plansim decide frontier baseline -o frontier.json")
@options.path(
    "--spec",
    metavar="FILE.yaml",
    text="The decision problem: whose growth, to which years, by which levers; else decision.yaml "
    "beside the model.",
)
@options.number(
    "-n",
    "draws",
    least=2,
    default=1024,
    text="Draws of what is uncertain, for each policy that is judged over them.",
)
@options.study()
@options.scenarios(settable=False)
def frontier(asked: Arguments, spec: Path | None, draws: int) -> None:
    """Find how far growth may go while all binding targets hold, and which target limits it.

    Levers are moved about SCENARIO, or the scenario that the file names. Where no setting holds
    all targets, the answer names those that make it so, and the frontier is that of the others.
    """
    from plansim.output.tables.policies import frontier_table

    inputs = asked.read(whole=True)
    result = asked.study(
        "frontier.searching",
        plansim.frontier,
        inputs.model,
        spec,
        inputs.targets,
        scenario=inputs.about,
        draws=draws,
    )
    asked.answer(result, lambda: frontier_table(result, inputs.model, asked.text))


@decide.command(epilog="Example: plansim decide policies baseline --aim met --aim effort")
@click.option(
    "--aim",
    "aims",
    metavar="AIM",
    multiple=True,
    default=("growth", "met", "effort"),
    show_default=True,
    help="growth, share, met, effort or cost; two or more.",
)
@options.names(
    "--lever",
    "levers",
    options.settable_names,
    "A lever that may be moved; by default those of decision.yaml. May be given again.",
)
@options.names(
    "--without",
    "without",
    options.settable_names,
    "One of these levers that is not moved; may be given again.",
)
@options.targets("A target of the set that should hold; may be given again.")
@click.option(
    "--cost",
    metavar="VARIABLE",
    default="",
    shell_complete=options.items(options.variable_names),
    help="Let the model count the cost: a series added up to the targets' year.",
)
@options.number("--seeds", default=5, text="Number of searches, each with other random numbers.")
@options.number("--generations", default=60, text="Generations of each search.")
@options.number(
    "-n", "members", least=20, default=100, text="Members that candidates are judged by at a time."
)
@options.path(
    "--save",
    "folder",
    metavar="FOLDER",
    text="Also write each policy as a scenario file into FOLDER.",
)
@options.study(picture=True)
@options.scenarios(settable=False)
def policies(
    asked: Arguments,
    ids: tuple[str, ...],
    levers: tuple[str, ...],
    folder: Path | None,
    **search: Any,  # as the function calls them
) -> None:
    """Find policies about SCENARIO of which none is better than another in every aim.

    Every candidate is judged over plausible models, which are replaced by others every few
    generations; the figures are those over models that the search never used. A search that was
    interrupted goes on where it was, if the same command is given again.
    """
    from plansim.files.writing import check_destination, check_folder, write_text
    from plansim.output.tables.policies import policies_table

    if folder is not None and folder.is_dir():  # seen before any work
        check_destination(folder / POLICY.format(1), force=asked.force)
    elif folder is not None:
        check_folder(folder)
    inputs = asked.read_targets(ids, whole=True)
    result = asked.study(
        "policies.working",
        plansim.policies,
        inputs.model,
        inputs.about,
        levers=levers or None,
        named=inputs.ids,
        resumes=True,
        **search,
    )
    if folder is not None:
        folder.mkdir(exist_ok=True)
        for number in range(len(result.points)):
            path = folder / POLICY.format(number + 1)
            write_text(plansim.policy_text(result, number), path, force=asked.force)
        remark(asked.text("policies.written", count=len(result.points), folder=folder))
    asked.answer(
        result,
        lambda: policies_table(result, asked.text),
        lambda plot: plot.policy_sheet(result, asked.text.lang),
    )
