"""The group ``plansim why``: what moves and decides verdicts, and which loops act."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli import options
from plansim.cli.context import Terminal, remark, warn
from plansim.cli.inputs import Arguments, chosen_target, read_inputs, simulated_years
from plansim.cli.study import Study, study_options

if TYPE_CHECKING:
    from plansim.analysis.sensitivity.unknowns import DecidedTarget

__all__ = ["why"]


@options.group(
    epilog="Example: plansim why attribute baseline accelerated-growth",
)
def why() -> None:
    """Explain verdicts: what moves them, how sure they are, which feedback loops act."""


@why.command(epilog="Example: plansim why attribute baseline slow-growth --target M28")
@click.argument("before", metavar="A", shell_complete=options.items(options.scenario_names))
@click.argument("after", metavar="B", shell_complete=options.items(options.scenario_names))
@options.overlays
@options.targets("Only this target; may be given again.")
@options.model
@options.form("table", "json")
@options.terminal
def attribute(
    before: str,
    after: str,
    overlays: tuple[str, ...],
    ids: tuple[str, ...],
    model: Path | None,
    form: str,
    terminal: Terminal,
) -> None:
    """Say which of the assumptions that B changes against A move the margin of each target.

    Shapley shares: exact up to 12 changes, from sampled orders above that. What a scenario changes
    of one lever or of one array counts as one change.
    """
    from plansim.analysis.attribution.assumptions import attribute as shares_of
    from plansim.output.tables.comparison import attribution_table
    from plansim.targets.views_file import load_views

    inputs = read_inputs([before, after], model, (), overlays, names=ids, find=chosen_target)
    first, last = inputs.scenario, inputs.scenarios[-1]
    with terminal.progress("run.simulating", scenario=last.id):
        shares = shares_of(inputs.model, first, last, inputs.named or inputs.targets)
    labelled = shares.labelled(load_views(inputs.model, inputs.targets).levers)
    terminal.answer(form, shares, lambda: attribution_table(labelled, terminal.text))


@why.command(epilog="Example: plansim why unknowns baseline")
@options.targets("Only this target, open or not; may be given again.")
@options.form("table", "json")
@options.scenarios(several=True)
def unknowns(arguments: Arguments, ids: tuple[str, ...], form: str) -> None:
    """Name the two unknowns that decide each open binding target.

    They are found among the members of the ensemble beside the model: of all that these differ in,
    what goes most with the margin of the target.
    """
    from plansim.analysis.ensemble import load_ensemble, with_shares
    from plansim.analysis.sensitivity.unknowns import deciding_unknowns
    from plansim.output.tables.why import unknowns_table
    from plansim.output.words.answer import binding_first
    from plansim.targets.verdict import verdicts_of

    terminal = arguments.terminal
    inputs = arguments.read(names=ids, find=chosen_target)
    ensemble = load_ensemble(inputs.model)
    found: list[DecidedTarget] = []
    for scenario in inputs.scenarios:
        chosen = inputs.named
        if not chosen:
            run = simulated_years(inputs.model, scenario, arguments.engine, terminal)
            verdicts = binding_first(verdicts_of(run, inputs.targets))
            shared = with_shares(verdicts, inputs.model, [scenario], inputs.targets)
            still = {verdict.id for verdict in shared if verdict.is_open}
            chosen = tuple(target for target in inputs.targets if target.id in still)
        with terminal.progress("check.members"):
            found += deciding_unknowns(inputs.model, [scenario], ensemble, chosen)
    terminal.answer(form, found, lambda: unknowns_table(found, inputs.model, terminal.text))


MOST_WARNINGS = 5
"""Warnings of a design that are shown: factors that vary about a scenario repeat its own."""


@why.command(epilog="Example: plansim why sensitivity baseline -n 512")
@click.option(
    "--design",
    metavar="DESIGN",
    default="uncertainty",
    show_default=True,
    shell_complete=options.items(options.design_names),
    help="What varies: the path of a design file, or the name of one that comes with plansim.",
)
@options.number(
    "-n",
    "samples",
    least=2,
    text="Half of the draws, rounded up to a power of two; else as in DESIGN.",
)
@options.number(
    "--trajectories",
    least=2,
    default=50,
    text="Number of Morris trajectories; each takes one run more than there are factors.",
)
@options.seed
@study_options()
@options.scenarios(settable=False)
def sensitivity(
    arguments: Arguments,
    study: Study,
    design: str,
    samples: int | None,
    trajectories: int,
    seed: int | None,
) -> None:
    """Say what makes the verdicts under SCENARIO uncertain.

    All that DESIGN leaves open varies at once, and the margins of the binding targets are
    explained. Without SCENARIO the first of DESIGN is taken.
    """
    from plansim.analysis.experiments.design_file import read_design
    from plansim.analysis.sensitivity.sobol import sobol
    from plansim.output.tables.why import sensitivity_table

    terminal = arguments.terminal
    inputs = arguments.read(whole=True)
    chosen = inputs.scenarios if arguments.scenarios else None
    plan = read_design(design, inputs.model, samples=samples, seed=seed, scenarios=chosen)
    warn(plan.warnings[:MOST_WARNINGS])
    if (more := len(plan.warnings) - MOST_WARNINGS) > 0:
        remark(terminal.text("sensitivity.warnings", count=more))
    with terminal.progress("sweep.running") as progress:
        result = sobol(
            inputs.model,
            plan,
            inputs.targets,
            trajectories=trajectories,
            threads=study.threads,
            progress=progress,
        )

    study.finish(terminal, result, lambda: sensitivity_table(result, terminal.text))


@why.command(epilog="Example: plansim why loops baseline")
@options.form("table", "json")
@options.scenarios()
def loops(
    arguments: Arguments,
    form: str,
) -> None:
    """Show the feedback loops, when each of them dominates, and what cutting it does.

    Loops are declared in the file loops.yaml beside the model and looked for in its equations. They
    are scored and cut under SCENARIO; without one, under the model as it is written. Scores need
    pysimlin: plansim[loops].
    """
    from plansim.analysis.feedback.loop_scores import score_loops
    from plansim.analysis.feedback.loops import cut_loops
    from plansim.output.tables.why import loops_table

    terminal = arguments.terminal
    inputs = arguments.read(whole=True)
    with terminal.progress("run.simulating", scenario=inputs.scenario.id) as progress:
        cuts = cut_loops(inputs.model, inputs.scenario)
        progress(1, 2)
        scores = score_loops(inputs.model, inputs.scenario)
    record = {
        "scenario": scores.scenario,
        "loops": cuts,
        "partitions": scores.partitions,
        "years": scores.years,
        "shares": scores.yearly,
        "missing": scores.missing,
    }
    terminal.answer(form, record, lambda: loops_table(cuts, scores, terminal.text))
