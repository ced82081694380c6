"""The group ``plansim why``: what moves and decides verdicts, and which loops act."""

from __future__ import annotations

from dataclasses import replace

import click

import plansim
from plansim.cli import options
from plansim.cli.context import warn, working
from plansim.cli.help import CommandGroup
from plansim.cli.inputs import Arguments

__all__ = ["why"]

why = CommandGroup(
    "why",
    help="Explain verdicts: what moves them, how sure they are, which feedback loops act.",
    epilog="Example: plansim why attribute baseline accelerated-growth",
)


@why.command(epilog="Example: plansim why attribute baseline slow-growth --target M28")
@click.argument("before", metavar="A", shell_complete=options.items(options.scenario_names))
@click.argument("after", metavar="B", shell_complete=options.items(options.scenario_names))
@options.overlays
@options.targets("Only this target; may be given again.")
@options.model
@options.form("table", "json")
def attribute(asked: Arguments, before: str, after: str, ids: tuple[str, ...]) -> None:
    """Say which of the assumptions that B changes against A move the margin of each target.

    Shapley shares: exact up to 12 changes, from sampled orders above that. What a scenario changes
    of one lever or of one array counts as one change.
    """
    from plansim.output.tables.comparison import attribution_table

    inputs = replace(asked, scenarios=(before, after)).read_targets(ids)
    model, targets = inputs.model, inputs.targets
    first, last = inputs.scenario, inputs.scenarios[-1]
    with working(asked.text, "run.simulating", scenario=last.id):
        shares = plansim.attribute(model, first, last, inputs.named or targets)
    labelled = shares.labelled(plansim.load_views(model, targets).levers)
    asked.answer(shares, lambda: attribution_table(labelled, model, asked.text))


@why.command(epilog="Example: plansim why unknowns baseline")
@options.targets("Only this target, open or not; may be given again.")
@options.form("table", "json")
@options.scenarios(several=True)
def unknowns(asked: Arguments, ids: tuple[str, ...]) -> None:
    """Name the two unknowns that decide each open binding target.

    They are found among the members of the ensemble beside the model: of all that these differ in,
    what goes most with the margin of the target.
    """
    from plansim.output.tables.why import unknowns_table
    from plansim.output.words.answer import binding_first

    inputs = asked.read_targets(ids)
    ensemble = plansim.load_ensemble(inputs.model)
    found: list[plansim.DecidedTarget] = []
    for scenario in inputs.scenarios:
        chosen = inputs.named
        if not chosen:
            verdicts = plansim.check_scenarios(inputs.model, scenario, inputs.targets)
            still = {one.id for one in binding_first(verdicts) if one.is_open}
            chosen = tuple(target for target in inputs.targets if target.id in still)
        with working(asked.text, "check.members"):
            found += plansim.deciding_unknowns(inputs.model, [scenario], ensemble, chosen)
    asked.answer(found, lambda: unknowns_table(found, inputs.model, asked.text))


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
@options.study()
@options.scenarios(settable=False)
def sensitivity(
    asked: Arguments, design: str, samples: int | None, trajectories: int, seed: int | None
) -> None:
    """Say what makes the verdicts under SCENARIO uncertain.

    All that DESIGN leaves open varies at once, and the margins of the binding targets are
    explained. Without SCENARIO the first of DESIGN is taken.
    """
    from plansim.output.tables.why import sensitivity_table

    inputs = asked.read(whole=True)
    about = inputs.given or None
    plan = plansim.read_design(design, inputs.model, samples=samples, seed=seed, scenarios=about)
    warn(plan.warnings)
    result = asked.study(
        "sweep.running",
        plansim.sobol,
        inputs.model,
        plan,
        inputs.targets,
        trajectories=trajectories,
    )
    asked.answer(result, lambda: sensitivity_table(result, asked.text))


@why.command(epilog="Example: plansim why loops baseline")
@options.form("table", "json")
@options.scenarios()
def loops(asked: Arguments) -> None:
    """Show the feedback loops, when each of them dominates, and what cutting it does.

    Loops are declared in the file loops.yaml beside the model and looked for in its equations. They
    are scored and cut under SCENARIO; without one, under the model as it is written. Scores need
    pysimlin: plansim[loops].
    """
    from plansim.output.tables.why import loops_table

    inputs = asked.read(whole=True)
    with working(asked.text, "run.simulating", scenario=inputs.scenario.id) as progress:
        cuts = plansim.cut_loops(inputs.model, inputs.scenario)
        progress(1, 2)
        scores = plansim.score_loops(inputs.model, inputs.scenario)
    record = {
        "scenario": scores.scenario,
        "loops": cuts,
        "partitions": scores.partitions,
        "years": scores.years,
        "shares": scores.yearly,
        "missing": scores.missing,
    }
    asked.answer(record, lambda: loops_table(cuts, scores, inputs.model, asked.text))
