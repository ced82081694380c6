"""The group ``plansim decide``: what would meet targets, where policies fail, which are robust."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plansim.cli import options
from plansim.cli.commands.decide_uncertainty import (
    conflicts,
    discover,
    information,
    robust,
    signposts,
)
from plansim.cli.context import UsageError, remark
from plansim.cli.inputs import Arguments
from plansim.cli.study import Study, ids_of, read_targets, study_options
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.errors import Fault

__all__ = ["decide"]

POLICY = "policy-{:03d}.yaml"
"""Name of the file of a policy, by its number."""


@options.group(
    epilog='Example: plansim decide solve baseline --lever "retrofit rate after" --target M28',
)
def decide() -> None:
    """Find what would meet targets, where policies fail, and which are robust."""


for command in (discover, robust, signposts, conflicts, information):
    decide.add_command(command)


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
    "What a unit of a lever's change costs; else 1 for the whole of its plausible range.",
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
    arguments: Arguments,
    levers: tuple[str, ...],
    ids: tuple[str, ...],
    prices: tuple[str, ...],
    cost: str | None,
    form: str,
) -> None:
    """Find the least change of levers under SCENARIO that just meets targets.

    Of one lever the least change, of several the cheapest mix by the cost that --price or --cost
    states. The plausible ranges are searched first, then the admissible ones.
    """
    from plansim.analysis.optimization.target_seeking import solve as solution_of
    from plansim.output.tables.decisions import solution_table
    from plansim.targets.target import variable_of

    if prices and cost is not None:
        raise UsageError(Message("the cost is either of --price or of --cost"))
    terminal = arguments.terminal
    inputs = arguments.read()
    by_lever = _prices(prices)
    with terminal.progress("run.simulating", scenario=inputs.scenario.id):
        solution = solution_of(
            inputs.model,
            inputs.scenario,
            tuple(dict.fromkeys(levers)),
            tuple(dict.fromkeys(ids)),
            prices=by_lever,
            outlay=cost or "",
            plan=inputs.targets,
        )
    name = variable_of(inputs.model, solution.outlay).name_zh if solution.outlay else ""
    terminal.answer(form, solution, lambda: solution_table(solution, terminal.text, outlay_zh=name))


def _prices(texts: Sequence[str]) -> dict[str, float]:
    """Read texts ``NAME=COST``."""
    from plansim.errors import Fault, InputError

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
@study_options()
@options.scenarios(settable=False)
def frontier(arguments: Arguments, study: Study, spec: Path | None, draws: int) -> None:
    """Find how far growth may go while all binding targets hold, and which target limits it.

    Levers are moved about SCENARIO, or the scenario that the file names. Where no setting holds
    all targets, the answer names those that make it so, and the frontier is that of the others.
    """
    from plansim.analysis.optimization.frontier import frontier as frontier_of
    from plansim.output.tables.decisions import frontier_table

    terminal = arguments.terminal
    inputs = arguments.read(whole=True)
    with terminal.progress("frontier.searching") as progress:
        result = frontier_of(
            inputs.model,
            spec,
            inputs.targets,
            scenario=inputs.scenario if arguments.scenarios else None,
            draws=draws,
            threads=study.threads,
            progress=progress,
        )
    name = inputs.model.variables[result.spec.growth].name_zh

    study.finish(terminal, result, lambda: frontier_table(result, terminal.text, growth_zh=name))


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
    "A lever of those that is not moved; may be given again.",
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
@study_options(picture=True)
@options.scenarios(settable=False)
def policies(
    arguments: Arguments,
    study: Study,
    aims: tuple[str, ...],
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
    from plansim.analysis.decisions.policies import policies as policies_of
    from plansim.analysis.decisions.policies import policy_text
    from plansim.files.writing import check_destination, check_folder, write_text
    from plansim.output.tables.decisions import policies_table

    terminal = arguments.terminal
    if folder is not None and folder.is_dir():  # seen before any work
        check_destination(folder / POLICY.format(1), force=study.force)
    elif folder is not None:
        check_folder(folder)
    inputs = read_targets(arguments, ids, whole=True)
    with terminal.resumable("policies.working") as progress:
        result = policies_of(
            inputs.model,
            inputs.scenario if arguments.scenarios else None,
            aims,
            levers=levers or None,
            named=ids_of(inputs),
            threads=study.threads,
            progress=progress,
            **search,
        )
    if folder is not None:
        folder.mkdir(exist_ok=True)
        for number in range(len(result.points)):
            path = folder / POLICY.format(number + 1)
            write_text(policy_text(result, number), path, force=study.force)
        remark(terminal.text("policies.written", count=len(result.points), folder=folder))

    study.finish(
        terminal,
        result,
        lambda: policies_table(result, terminal.text),
        lambda plot: plot.policy_sheet(result, terminal.text.lang),
    )
