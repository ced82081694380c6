"""The group ``plansim decide``: what would meet targets, where policies fail, which are robust."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Arguments,
    Inputs,
    Terminal,
    UsageError,
    check_files,
    read_inputs,
    remark,
)
from plansim.cli.options import (
    PICTURES,
    WholeNumber,
    command_group,
    constant_names,
    format_option,
    items,
    lever_names,
    members_option,
    model_option,
    scenario_names,
    scenario_options,
    study_options,
    target_option,
    terminal_option,
    variable_names,
    with_option,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from plansim.errors import Fault
    from plansim.targets.target import Target

__all__ = ["decide"]


@command_group(
    epilog='Example: plansim decide solve baseline --lever "retrofit rate after" --target M28',
)
def decide() -> None:
    """Find what would meet targets, where policies fail, and which are robust."""


@decide.command(
    epilog='Example: plansim decide solve baseline --lever "retrofit rate after" --target M28'
)
@click.option(
    "--lever",
    "levers",
    metavar="NAME",
    multiple=True,
    required=True,
    shell_complete=items(lever_names),
    help="The constant, or element of one, that is moved; of a lever, what it is set to after its "
    "change. May be given again.",
)
@target_option("The target to be met; may be given again.", required=True)
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
@format_option("table", "json")
@scenario_options(required=True)
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
    with terminal.progress(terminal.text("run.simulating", scenario=inputs.scenario.id)):
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


@decide.command(epilog="Example: plansim decide frontier baseline --plot frontier.png")
@click.option(
    "--spec",
    metavar="FILE.yaml",
    type=click.Path(path_type=Path),
    help="The decision problem: whose growth, to which years, by which levers; else decision.yaml "
    "beside the model.",
)
@click.option(
    "-n",
    "draws",
    metavar="N",
    type=WholeNumber(2),
    default=1024,
    show_default=True,
    help="Draws of what is uncertain, for each policy that is judged over them.",
)
@study_options
@scenario_options(settings=False)
def frontier(
    arguments: Arguments,
    spec: Path | None,
    draws: int,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    form: str,
) -> None:
    """Find how far growth may go while all binding targets hold, and which target limits it.

    Levers are moved about SCENARIO, or the scenario that the file names. Where no setting holds
    all targets, the answer names those that make it so, and the frontier is that of the others.
    """
    from plansim.analysis.optimization.frontier import frontier as frontier_of
    from plansim.output.tables.decisions import frontier_table

    terminal = arguments.terminal
    check_files((output, (".json",)), (picture, PICTURES), force=force)
    inputs = arguments.read(whole=True)
    with terminal.progress(terminal.text("frontier.searching")) as progress:
        result = frontier_of(
            inputs.model,
            spec,
            inputs.targets,
            scenario=inputs.scenario if arguments.scenarios else None,
            draws=draws,
            threads=threads,
            progress=progress,
        )
    name = inputs.model.variables[result.spec.growth].name_zh

    def draw() -> Figure:
        from plansim.output.figures.frontier import frontier_sheet

        return frontier_sheet(result, terminal.text.lang, growth_zh=name)

    terminal.keep(result, output, draw, picture, force)
    terminal.answer(form, result, lambda: frontier_table(result, terminal.text, growth_zh=name))


@decide.command(epilog="Example: plansim decide discover baseline --target M34b --fresh 1000")
@click.argument("source", metavar="SCENARIO|STORE.zarr", shell_complete=items(scenario_names))
@target_option("Only this target; may be given again.")
@click.option("--all-binding", is_flag=True, help="Every binding target, not the open ones only.")
@members_option
@click.option(
    "--fresh",
    metavar="N",
    type=WholeNumber(0),
    default=0,
    help="Draw N members anew, and measure the density of each corner among them.",
)
@click.option(
    "--conditions",
    metavar="N",
    type=WholeNumber(1),
    default=2,
    show_default=True,
    help="Maximum number of unknowns that a corner limits.",
)
@study_options
@with_option
@model_option
@terminal_option
def discover(
    source: str,
    ids: tuple[str, ...],
    all_binding: bool,
    draws: int | None,
    fresh: int,
    conditions: int,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    overlays: tuple[str, ...],
    model: Path | None,
    form: str,
    terminal: Terminal,
) -> None:
    """Find the corner of what is uncertain in which a target fails.

    Of a scenario it is looked for among the plausible models, of a stored sweep among its runs.
    Without --target the binding targets are taken that are not met or missed nearly everywhere.
    """
    from plansim.analysis.decisions.discovery import discover as corners_of
    from plansim.analysis.decisions.discovery import is_open
    from plansim.analysis.decisions.prim import Rule
    from plansim.analysis.experiments.store import open_sweep
    from plansim.output.tables.robustness import discovery_table
    from plansim.targets.target import binding_targets

    check_files((output, (".json",)), (picture, PICTURES), force=force)
    is_store = Path(source).is_dir()
    inputs = read_inputs(
        [] if is_store else [source],
        model,
        (),
        overlays,
        names=ids,
        find=_target,
        whole=is_store,
    )
    with terminal.progress(terminal.text("discover.working", scenario=source)):
        found = corners_of(
            inputs.model,
            open_sweep(source) if is_store else inputs.scenario,
            inputs.named or binding_targets(inputs.targets),
            members=draws,
            rule=Rule(conditions=conditions),
            fresh=fresh,
            threads=threads,
        )
    if not ids and not all_binding:
        found = tuple(one for one in found if is_open(one)) or found

    def draw() -> Figure:
        from plansim.output.figures.decisions import discovery_sheet

        return discovery_sheet(found, inputs.model, terminal.text.lang)

    terminal.keep(found, output, draw, picture, force)
    terminal.answer(form, found, lambda: discovery_table(found, inputs.model, terminal.text))


@decide.command(epilog="Example: plansim decide robust baseline green-transition")
@target_option("A target of the set that should hold; may be given again.")
@members_option
@study_options
@scenario_options(several=True, required=True)
def robust(
    arguments: Arguments,
    ids: tuple[str, ...],
    draws: int | None,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    form: str,
) -> None:
    """Compare policies, each a SCENARIO, over plausible models: what each meets and forgoes.

    The set that should hold is by default all binding targets that any shipped scenario meets in
    at least 5 of 100 models.
    """
    from plansim.analysis.decisions.robustness import robustness
    from plansim.output.tables.robustness import robustness_table

    terminal = arguments.terminal
    check_files((output, (".json",)), (picture, PICTURES), force=force)
    inputs = arguments.read(names=ids, find=_target)
    with terminal.progress(terminal.text("discover.working", scenario=inputs.scenario.id)):
        result = robustness(
            inputs.model,
            inputs.scenarios,
            named=[target.id for target in inputs.named] or None,
            members=draws,
            targets=inputs.targets,
            threads=threads,
        )

    def draw() -> Figure:
        from plansim.output.figures.decisions import robustness_sheet

        return robustness_sheet(result, inputs.targets, terminal.text.lang)

    terminal.keep(result, output, draw, picture, force)
    terminal.answer(form, result, lambda: robustness_table(result, terminal.text))


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
@click.option(
    "--lever",
    "levers",
    metavar="NAME",
    multiple=True,
    shell_complete=items(lever_names),
    help="A lever that may be moved; by default those of decision.yaml. May be given again.",
)
@click.option(
    "--without",
    metavar="NAME",
    multiple=True,
    shell_complete=items(lever_names),
    help="A lever of those that is not moved; may be given again.",
)
@target_option("A target of the set that should hold; may be given again.")
@click.option(
    "--cost",
    metavar="VARIABLE",
    default="",
    shell_complete=items(variable_names),
    help="Let the model count the cost: a series added up to the targets' year.",
)
@click.option(
    "--seeds",
    metavar="N",
    type=WholeNumber(1),
    default=5,
    show_default=True,
    help="Number of searches, each with other random numbers.",
)
@click.option(
    "--generations",
    metavar="N",
    type=WholeNumber(1),
    default=60,
    show_default=True,
    help="Generations of each search.",
)
@click.option(
    "-n",
    "members",
    metavar="N",
    type=WholeNumber(20),
    default=100,
    show_default=True,
    help="Members that candidates are judged by at a time.",
)
@click.option(
    "--save",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Also write each policy as a scenario file into FOLDER.",
)
@study_options
@scenario_options(settings=False)
def policies(
    arguments: Arguments,
    aims: tuple[str, ...],
    levers: tuple[str, ...],
    without: tuple[str, ...],
    ids: tuple[str, ...],
    cost: str,
    seeds: int,
    generations: int,
    members: int,
    folder: Path | None,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    form: str,
) -> None:
    """Find policies about SCENARIO of which none is better than another in every aim.

    Every candidate is judged over plausible models, which are replaced by others every few
    generations; the figures are those over models that the search never used.
    """
    from plansim.analysis.decisions.policies import policies as policies_of
    from plansim.analysis.decisions.policies import policy_text
    from plansim.files.writing import write_text
    from plansim.output.tables.robustness import policies_table

    terminal = arguments.terminal
    check_files((output, (".json",)), (picture, PICTURES), force=force)
    inputs = arguments.read(whole=True, names=ids, find=_target)
    with terminal.progress(terminal.text("policies.working")) as progress:
        result = policies_of(
            inputs.model,
            inputs.scenario if arguments.scenarios else None,
            aims,
            levers=levers or None,
            without=without,
            named=[target.id for target in inputs.named] or None,
            cost=cost,
            seeds=seeds,
            generations=generations,
            members=members,
            threads=threads,
            progress=progress,
        )
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(len(result.points)):
            write_text(policy_text(result, number), folder / f"policy-{number + 1:03d}.yaml",
                       force=force)  # fmt: skip
        remark(terminal.text("policies.written", count=len(result.points), folder=folder))

    def draw() -> Figure:
        from plansim.output.figures.decisions import policy_sheet

        return policy_sheet(result, terminal.text.lang)

    terminal.keep(result, output, draw, picture, force)
    terminal.answer(form, result, lambda: policies_table(result, terminal.text))


@decide.command(epilog="Example: plansim decide signposts baseline --by 2008")
@target_option("Only this target; may be given again.")
@click.option(
    "--by",
    metavar="YEAR",
    type=int,
    help="The last year of the statistics; by default the middle of the plan.",
)
@members_option
@study_options
@scenario_options(required=True)
def signposts(
    arguments: Arguments,
    ids: tuple[str, ...],
    by: int | None,
    draws: int | None,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    form: str,
) -> None:
    """Say which published statistics of the first years foretell whether a target will be met.

    What a mid-term review would have to look at: over plausible models, how well members that meet
    a target can be told early from those that miss it, and by which threshold. Then what the rules
    by which the policy adapts gain over the same policy without them, if the model has any.
    """
    from plansim.analysis.decisions.adaptation import adaptation
    from plansim.analysis.decisions.sample import states_of
    from plansim.analysis.decisions.signposts import signposts as signposts_of
    from plansim.output.tables.robustness import signposts_table

    terminal = arguments.terminal
    check_files((output, (".json",)), (picture, PICTURES), force=force)
    inputs = arguments.read(names=ids, find=_target)
    with terminal.progress(terminal.text("signposts.working", scenario=inputs.scenario.id)):
        states = states_of(inputs.model, draws, threads=threads)
        signs = signposts_of(
            inputs.model,
            inputs.scenario,
            inputs.named or inputs.targets,
            by=by,
            members=states,
            threads=threads,
        )
        gain = adaptation(
            inputs.model,
            inputs.scenario,
            inputs.targets,
            named=[target.id for target in inputs.named] or None,
            members=states,
            threads=threads,
        )
    record = {"signposts": signs, "adaptation": gain}
    names = _names(inputs, terminal)

    def draw() -> Figure:
        from plansim.output.figures.decisions import signpost_sheet

        return signpost_sheet(signs, terminal.text.lang)

    terminal.keep(record, output, draw, picture, force)
    terminal.answer(form, record, lambda: signposts_table(signs, gain, names, terminal.text))


@decide.command(epilog="Example: plansim decide conflicts baseline --largest 2")
@target_option("Only sets of these targets; may be given again.")
@click.option(
    "--largest",
    metavar="N",
    type=WholeNumber(1),
    default=2,
    show_default=True,
    help="Maximum number of targets in a set.",
)
@members_option
@study_options
@scenario_options(settings=False)
def conflicts(
    arguments: Arguments,
    ids: tuple[str, ...],
    largest: int,
    draws: int | None,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    form: str,
) -> None:
    """Find the smallest sets of binding targets that no setting of the levers holds together.

    A set is in conflict if all of it is met in less than one half of the plausible models under
    every setting that was found; the least relaxation of one target that dissolves it is named.
    """
    from plansim.analysis.decisions.conflicts import conflicts as conflicts_of
    from plansim.output.tables.robustness import conflicts_table

    terminal = arguments.terminal
    check_files((output, (".json",)), (picture, PICTURES), force=force)
    inputs = arguments.read(whole=True, names=ids, find=_target)
    with terminal.progress(terminal.text("conflicts.working")) as progress:
        result = conflicts_of(
            inputs.model,
            inputs.scenario if arguments.scenarios else None,
            targets=inputs.named or inputs.targets,
            members=draws,
            largest=largest,
            threads=threads,
            progress=progress,
        )
    names = _names(inputs, terminal)

    def draw() -> Figure:
        from plansim.output.figures.decisions import conflict_sheet

        return conflict_sheet(result, names, terminal.text.lang)

    terminal.keep(result, output, draw, picture, force)
    terminal.answer(form, result, lambda: conflicts_table(result, names, terminal.text))


@decide.command(epilog="Example: plansim decide information baseline slow-growth momentum")
@click.argument(
    "sources",
    metavar="SCENARIO...|STORE.zarr",
    nargs=-1,
    required=True,
    shell_complete=items(scenario_names),
)
@members_option
@study_options
@with_option
@model_option
@terminal_option
def information(
    sources: tuple[str, ...],
    draws: int | None,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    overlays: tuple[str, ...],
    model: Path | None,
    form: str,
    terminal: Terminal,
) -> None:
    """Say which unknown, if it were known, would change the choice among policies.

    Policies are scenarios, which are run over plausible models, or the scenarios of a stored sweep.
    """
    from plansim.analysis.decisions.information import information as information_of
    from plansim.analysis.experiments.store import open_sweep
    from plansim.output.tables.robustness import information_table

    check_files((output, (".json",)), (picture, PICTURES), force=force)
    is_store = Path(sources[0]).is_dir()
    inputs = read_inputs([] if is_store else sources, model, (), overlays, whole=is_store)
    with terminal.progress(terminal.text("discover.working", scenario=sources[0])):
        result = information_of(
            inputs.model,
            open_sweep(sources[0]) if is_store else inputs.scenarios,
            targets=inputs.targets,
            members=draws,
            threads=threads,
        )

    def draw() -> Figure:
        from plansim.output.figures.decisions import information_sheet

        return information_sheet(result, inputs.model, terminal.text.lang)

    terminal.keep(result, output, draw, picture, force)
    terminal.answer(form, result, lambda: information_table(result, inputs.model, terminal.text))


def _names(inputs: Inputs, terminal: Terminal) -> dict[str, str]:
    """Return the names of targets in the language of the output, by their ids."""
    return {one.id: terminal.text.pick(one.name_en, one.name_zh) for one in inputs.targets}


def _target(inputs: Inputs, name: str) -> Target:
    from plansim.targets.target import target_named

    return target_named(name, inputs.targets)
