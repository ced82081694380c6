"""Commands on what is uncertain: where policies fail, what is robust, foretells, conflicts."""

from __future__ import annotations

from typing import Any

import click

from plansim.cli import options
from plansim.cli.context import Terminal
from plansim.cli.inputs import Arguments, Inputs
from plansim.cli.study import Study, ids_of, read_source, read_targets, study_options

__all__ = ["conflicts", "discover", "information", "robust", "signposts"]


@click.command(epilog="Example: plansim decide discover baseline --target M34b --fresh 1000")
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
@study_options(picture=True)
@options.scenarios(required=True, settable=False, metavar="SCENARIO|STORE.zarr")
def discover(
    arguments: Arguments,
    study: Study,
    ids: tuple[str, ...],
    all_binding: bool,
    draws: int | None,
    fresh: int,
    conditions: int,
) -> None:
    """Find the corner of what is uncertain in which a target fails.

    Of a scenario it is looked for among the plausible models, of a stored sweep among its runs.
    Without --target the binding targets are taken that are not met or missed nearly everywhere.
    """
    from plansim.analysis.decisions.discovery import discover as corners_of
    from plansim.analysis.decisions.prim import Rule
    from plansim.output.tables.robustness import discovery_table
    from plansim.targets.target import binding_targets

    terminal = arguments.terminal
    inputs, sweep = read_source(arguments, ids)
    with terminal.progress("discover.working", scenario=arguments.scenarios[0]) as progress:
        found = corners_of(
            inputs.model,
            inputs.scenario if sweep is None else sweep,
            inputs.named or binding_targets(inputs.targets),
            members=draws,
            only_open=not (ids or all_binding),
            rule=Rule(conditions=conditions),
            fresh=fresh,
            threads=study.threads,
            progress=progress,
        )

    study.finish(
        terminal,
        found,
        lambda: discovery_table(found, inputs.model, terminal.text),
        lambda plot: plot.discovery_sheet(found, inputs.model, terminal.text.lang),
    )


@click.command(epilog="Example: plansim decide robust baseline green-transition")
@options.targets("A target of the set that should hold; may be given again.")
@options.members
@study_options(picture=True)
@options.scenarios(several=True, required=True)
def robust(arguments: Arguments, study: Study, ids: tuple[str, ...], draws: int | None) -> None:
    """Compare policies, each a SCENARIO, over plausible models: what each meets and forgoes.

    The set that should hold is by default all binding targets that any shipped scenario meets in
    at least 5 of 100 models.
    """
    from plansim.analysis.decisions.robustness import robustness
    from plansim.output.tables.robustness import robustness_table

    terminal = arguments.terminal
    inputs = read_targets(arguments, ids)
    with terminal.progress("discover.working", scenario=inputs.scenario.id) as progress:
        result = robustness(
            inputs.model,
            inputs.scenarios,
            named=ids_of(inputs),
            members=draws,
            targets=inputs.targets,
            threads=study.threads,
            progress=progress,
        )

    study.finish(
        terminal,
        result,
        lambda: robustness_table(result, terminal.text),
        lambda plot: plot.robustness_sheet(result, inputs.targets, terminal.text.lang),
    )


@click.command(epilog="Example: plansim decide signposts baseline --by 2008")
@options.targets("Only this target; may be given again.")
@click.option(
    "--by",
    metavar="YEAR",
    type=int,
    help="The last year of the statistics; by default the middle of the plan.",
)
@options.members
@study_options(picture=True)
@options.scenarios(required=True)
def signposts(
    arguments: Arguments,
    study: Study,
    ids: tuple[str, ...],
    by: int | None,
    draws: int | None,
) -> None:
    """Say which published statistics of the first years foretell whether a target will be met.

    What a mid-term review would have to look at: over plausible models, how well members that meet
    a target can be told early from those that miss it, and by which threshold. Then what the rules
    by which the policy adapts gain over the same policy without them, if the model has any.
    """
    from plansim.analysis.decisions.adaptation import adaptation
    from plansim.analysis.decisions.signposts import signposts as signposts_of
    from plansim.output.tables.robustness import signposts_table

    terminal = arguments.terminal
    inputs = read_targets(arguments, ids)
    with terminal.progress("signposts.working", scenario=inputs.scenario.id) as progress:
        options: Any = {"members": draws, "threads": study.threads, "progress": progress}
        targets = inputs.named or inputs.targets
        signs = signposts_of(inputs.model, inputs.scenario, targets, by=by, **options)
        gain = adaptation(
            inputs.model, inputs.scenario, inputs.targets, named=ids_of(inputs), **options
        )
    names = _names(inputs, terminal)

    study.finish(
        terminal,
        {"signposts": signs, "adaptation": gain},
        lambda: signposts_table(signs, gain, names, terminal.text),
        lambda plot: plot.signpost_sheet(signs, terminal.text.lang),
    )


@click.command(epilog="Example: plansim decide conflicts baseline --largest 2")
@options.targets("Only sets of these targets; may be given again.")
@options.number("--largest", default=2, text="Maximum number of targets in a set.")
@options.members
@study_options()
@options.scenarios(settable=False)
def conflicts(
    arguments: Arguments, study: Study, ids: tuple[str, ...], largest: int, draws: int | None
) -> None:
    """Find the smallest sets of binding targets that no setting of the levers holds together.

    A set is in conflict if all of it is met in less than one half of the plausible models under
    every setting that was found; the least relaxation of one target that dissolves it is named. A
    search that was interrupted goes on where it was, if the same command is given again.
    """
    from plansim.analysis.decisions.conflicts import conflicts as conflicts_of
    from plansim.output.tables.robustness import conflicts_table

    terminal = arguments.terminal
    inputs = read_targets(arguments, ids, whole=True)
    with terminal.resumable("conflicts.working") as progress:
        result = conflicts_of(
            inputs.model,
            inputs.scenario if arguments.scenarios else None,
            targets=inputs.named or inputs.targets,
            members=draws,
            largest=largest,
            threads=study.threads,
            progress=progress,
        )
    names = _names(inputs, terminal)

    study.finish(terminal, result, lambda: conflicts_table(result, names, terminal.text))


@click.command(epilog="Example: plansim decide information baseline slow-growth momentum")
@options.members
@study_options()
@options.scenarios(several=True, required=True, settable=False, metavar="SCENARIO...|STORE.zarr")
def information(arguments: Arguments, study: Study, draws: int | None) -> None:
    """Say which unknown, if it were known, would change the choice among policies.

    Policies are scenarios, which are run over plausible models, or the scenarios of a stored sweep.
    """
    from plansim.analysis.decisions.information import information as information_of
    from plansim.output.tables.robustness import information_table

    terminal = arguments.terminal
    inputs, sweep = read_source(arguments)
    with terminal.progress("discover.working", scenario=arguments.scenarios[0]) as progress:
        result = information_of(
            inputs.model,
            inputs.scenarios if sweep is None else sweep,
            targets=inputs.targets,
            members=draws,
            threads=study.threads,
            progress=progress,
        )

    study.finish(terminal, result, lambda: information_table(result, inputs.model, terminal.text))


def _names(inputs: Inputs, terminal: Terminal) -> dict[str, str]:
    """Return the names of targets in the language of the output, by their ids."""
    return {one.id: terminal.text.name(one) for one in inputs.targets}
