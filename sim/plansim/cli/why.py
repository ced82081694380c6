"""The group ``plansim why``: what moves verdicts, how sure they are, and which loops act."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Inputs,
    UsageError,
    check_files,
    machine,
    page_for,
    read_inputs,
    remark,
    warn,
)
from plansim.cli.help import BilingualGroup, begin_group
from plansim.cli.options import (
    PICTURES,
    WholeNumber,
    design_names,
    force_option,
    format_option,
    items,
    lang_option,
    model_option,
    output_option,
    picture_option,
    scenario_argument,
    scenario_names,
    seed_option,
    set_option,
    target_option,
    threads_option,
    with_option,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.analysis.sensitivity.study import Sensitivity
    from plansim.cli.context import Page
    from plansim.targets.catalogue import Target

__all__ = ["why"]


@click.group(
    cls=BilingualGroup,
    invoke_without_command=True,
    epilog="Example: plansim why attribute baseline accelerated-growth",
)
@lang_option
@click.pass_context
def why(context: click.Context, lang: str | None) -> None:
    """Explain verdicts: what moves them, how sure they are, which feedback loops act."""
    begin_group(context, why, lang)


def _target(inputs: Inputs, name: str) -> Target:
    from plansim.targets.catalogue import target_named

    return target_named(name, inputs.targets)


@why.command(epilog="Example: plansim why attribute baseline slow-growth --target M28")
@click.argument("before", metavar="A", shell_complete=items(scenario_names))
@click.argument("after", metavar="B", shell_complete=items(scenario_names))
@with_option
@target_option("Only this target; may be given again.")
@model_option
@format_option("table", "json")
@lang_option
def attribute(
    before: str,
    after: str,
    overlays: tuple[str, ...],
    ids: tuple[str, ...],
    model: Path | None,
    form: str,
    lang: str | None,
) -> None:
    """Say which of the assumptions that B changes against A move the margin of each target.

    Shapley shares: exact up to 12 changes, from sampled orders above that. What a scenario changes
    of one lever or of one array counts as one change.
    """
    from plansim.analysis.attribution import attribute as shares_of
    from plansim.output.tables.attribution import attribution_table
    from plansim.targets.views_file import load_views

    page = page_for(lang)
    inputs = read_inputs([before, after], model, (), overlays, names=ids, find=_target)
    first, last = inputs.scenario, inputs.scenarios[-1]
    with page.progress(page.text("run.simulating", scenario=last.id)):
        shares = shares_of(inputs.model, first, last, inputs.named or inputs.targets)
    if form == "json":
        from plansim.output.export.json_text import json_text

        machine(json_text(shares))
    else:
        labelled = shares.labelled(load_views(inputs.model, inputs.targets).levers)
        page.show(attribution_table(labelled, page.text))


MOST_WARNINGS = 5
"""Warnings of a design that are shown: factors that vary about a scenario repeat its own."""


@why.command(epilog="Example: plansim why sensitivity baseline -n 512 --plot drivers.png")
@scenario_argument(several=True, required=False)
@with_option
@click.option(
    "--design",
    metavar="DESIGN",
    default="uncertainty",
    show_default=True,
    shell_complete=items(design_names),
    help="What varies: the path of a design file, or the name of one that comes with plansim.",
)
@click.option(
    "-n",
    "samples",
    metavar="N",
    type=WholeNumber(2),
    help="Half of the draws under each scenario, rounded up to a power of two; else as in DESIGN.",
)
@click.option(
    "--trajectories",
    metavar="N",
    type=WholeNumber(2),
    default=50,
    show_default=True,
    help="Number of Morris trajectories; each takes one run more than there are factors.",
)
@seed_option
@threads_option
@output_option("Also write all figures: FILE.json or FILE.csv.")
@picture_option("--plot", "picture", "Also draw the drivers: FILE.png, FILE.svg or FILE.pdf.")
@picture_option("--fans", "fans", "Also draw where the series lie that binding targets judge.")
@force_option
@model_option
@format_option("table", "json", "csv")
@lang_option
def sensitivity(
    scenario: tuple[str, ...],
    overlays: tuple[str, ...],
    design: str,
    samples: int | None,
    trajectories: int,
    seed: int | None,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    fans: Path | None,
    force: bool,
    model: Path | None,
    form: str,
    lang: str | None,
) -> None:
    """Say how sure the verdicts are, which scenario does better, and what makes them uncertain.

    All that DESIGN leaves open varies at once. The margins of the binding targets are explained
    under the first SCENARIO; without any, the scenarios of DESIGN are taken.
    """
    from plansim.analysis.experiments.design_file import read_design
    from plansim.analysis.sensitivity.study import sensitivity as study_of

    page = page_for(lang)
    check_files((output, (".json", ".csv")), (picture, PICTURES), (fans, PICTURES), force=force)
    inputs = read_inputs(scenario, model, overlays=overlays, whole=True)
    chosen = inputs.scenarios if scenario else None
    plan = read_design(design, inputs.model, samples=samples, seed=seed, scenarios=chosen)
    warn(plan.warnings[:MOST_WARNINGS])
    if (more := len(plan.warnings) - MOST_WARNINGS) > 0:
        remark(page.text("sensitivity.warnings", count=more))
    with page.progress(page.text("sweep.running")) as progress:
        study = study_of(
            inputs.model,
            plan,
            inputs.targets,
            trajectories=trajectories,
            threads=threads,
            progress=progress,
        )
    _write(study, inputs.targets, output, picture, fans, page, force=force)
    _show(study, form, page)


def _write(
    study: Sensitivity,
    targets: Sequence[Target],
    output: Path | None,
    picture: Path | None,
    fans: Path | None,
    page: Page,
    *,
    force: bool,
) -> None:
    """Write the files that are asked for."""
    from plansim.files import write_text

    if output is not None:
        write_text(_as_text(study, output.suffix.lower().removeprefix(".")), output, force=force)
        remark(page.text("plot.written", path=output))
    if picture is None and fans is None:
        return
    from plansim.output.figures.canvas import save_figure
    from plansim.output.figures.drivers import driver_sheet
    from plansim.output.figures.sheet import quantile_sheet

    with page.progress(page.text("sensitivity.drawing")):
        if picture is not None:
            save_figure(driver_sheet(study, page.text.lang), picture, force=force)
            remark(page.text("plot.written", path=picture))
        if fans is not None:
            save_figure(quantile_sheet(study, targets, page.text.lang), fans, force=force)
            remark(page.text("plot.written", path=fans))


def _as_text(study: Sensitivity, form: str) -> str:
    from plansim.output.export.json_text import json_text
    from plansim.output.export.sensitivity import sensitivity_csv

    return sensitivity_csv(study) if form == "csv" else json_text(study)


def _show(study: Sensitivity, form: str, page: Page) -> None:
    from plansim.output.tables.sensitivity import sensitivity_table

    if form != "table":
        machine(_as_text(study, form))
        return
    titles = {
        scenario.id: page.text.pick(scenario.title_en, scenario.title_zh) or scenario.id
        for scenario in study.design.scenarios
    }
    page.show(sensitivity_table(study, page.text, titles=titles))


@why.command(epilog="Example: plansim why loops baseline")
@scenario_argument(required=False)
@with_option
@set_option
@model_option
@format_option("table", "json")
@lang_option
def loops(
    scenario: str | None,
    overlays: tuple[str, ...],
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
    from plansim.analysis.feedback.loops import cut_loops
    from plansim.output.tables.loops import loops_table

    if overrides and scenario is None:
        raise UsageError(Message("--set needs a scenario"))
    page = page_for(lang)
    inputs = read_inputs(scenario, model, overrides, overlays, whole=True)
    with page.progress(page.text("run.simulating", scenario=inputs.scenario.id)) as progress:
        cuts = cut_loops(inputs.model, inputs.scenario)
        progress(1, 2)
        scores = score_loops(inputs.model, inputs.scenario)
    if form == "json":
        from plansim.output.export.json_text import json_text

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
