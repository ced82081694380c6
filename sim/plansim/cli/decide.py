"""The commands on what is not known and how far one may go: ``sensitivity``, ``frontier``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    WholeNumber,
    format_option,
    items,
    lang_option,
    machine,
    model_at,
    model_option,
    page_for,
    raise_all,
    remark,
    scenario_names,
    scenarios_of,
    targets_of,
    warn,
)
from plansim.cli.sweep import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plansim.analysis.experiments.design import Design
    from plansim.analysis.sensitivity.study import Sensitivity
    from plansim.cli.context import Page
    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.targets.catalogue import Target

__all__ = ["COMMANDS"]

DESIGN = "uncertainty"
MOST_WARNINGS = 5
"""Warnings of a design that are shown: factors that vary about a scenario repeat its own."""
PICTURES = (".pdf", ".png", ".svg")


def _designs(context: click.Context) -> Iterator[str]:
    from plansim.files import shipped

    return (path.stem for path in sorted(shipped("scenarios", "sweeps").glob("*.yaml")))


@click.command()
@click.argument("scenario", nargs=-1, shell_complete=items(scenario_names))
@click.option(
    "--design",
    metavar="DESIGN",
    default=DESIGN,
    show_default=True,
    shell_complete=items(_designs),
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
    help="Of the screening; each takes one run more than there are factors.",
)
@click.option("--seed", type=WholeNumber(0), help="Of the draws; else as in DESIGN.")
@click.option("--threads", metavar="N", type=WholeNumber(1, 1024), help="Else one a processor.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write all figures: FILE.json or FILE.csv.",
)
@click.option(
    "--plot",
    "picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also draw the drivers: FILE.png, FILE.svg or FILE.pdf.",
)
@click.option(
    "--fans",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also draw where the series lie that binding targets judge.",
)
@click.option("--force", is_flag=True, help="Replace files if they exist.")
@model_option
@format_option("table", "json", "csv")
@lang_option
def sensitivity(
    scenario: tuple[str, ...],
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
    from plansim.analysis.sensitivity.study import sensitivity as study

    page = page_for(lang)
    _check_files(output, (".json", ".csv"), force)
    _check_files(picture, PICTURES, force)
    _check_files(fans, PICTURES, force)
    read = model_at(model)
    targets = targets_of(read)
    plan = _plan(design, scenario, samples, seed, read, targets)
    warn(plan.warnings[:MOST_WARNINGS])
    if (more := len(plan.warnings) - MOST_WARNINGS) > 0:
        remark(page.text("sensitivity.warnings", count=more))
    with page.progress(page.text("sweep.running")) as progress:
        found = study(
            read, plan, targets, trajectories=trajectories, threads=threads, progress=progress
        )
    _write(found, output, force, page)
    if picture is not None or fans is not None:
        with page.progress(page.text("sensitivity.drawing")):
            _draw(found, targets, picture, fans, force, page)
    _show(found, form, page)


def _plan(
    name: str,
    scenario: Sequence[str],
    samples: int | None,
    seed: int | None,
    model: Model,
    targets: Sequence[Target],
) -> Design:
    from plansim.analysis.experiments.design_file import read_design

    faults: list[Fault] = []
    chosen = scenarios_of(scenario, (), model, targets, faults) if scenario else None
    raise_all(faults)
    return read_design(name, model, samples=samples, seed=seed, scenarios=chosen)


def _check_files(path: Path | None, formats: tuple[str, ...], force: bool) -> None:
    from plansim.output.export.results import check_destination

    if path is not None:
        check_destination(path, force=force, formats=formats)


def _write(found: Sensitivity, path: Path | None, force: bool, page: Page) -> None:
    from plansim.output.export.json_text import json_text
    from plansim.output.export.sensitivity import sensitivity_csv

    if path is None:
        return
    make = sensitivity_csv if path.suffix.lower() == ".csv" else json_text
    write_text(path, make(found), force=force)
    remark(page.text("plot.written", path=path))


def _draw(
    found: Sensitivity,
    targets: Sequence[Target],
    picture: Path | None,
    fans: Path | None,
    force: bool,
    page: Page,
) -> None:
    from plansim.output.figures.canvas import save_figure
    from plansim.output.figures.drivers import driver_sheet
    from plansim.output.figures.sheet import quantile_sheet

    if picture is not None:
        save_figure(driver_sheet(found, page.text.lang), picture, force=force)
        remark(page.text("plot.written", path=picture))
    if fans is not None:
        save_figure(quantile_sheet(found, targets, page.text.lang), fans, force=force)
        remark(page.text("plot.written", path=fans))


def _show(found: Sensitivity, form: str, page: Page) -> None:
    from plansim.output.export.json_text import json_text
    from plansim.output.export.sensitivity import sensitivity_csv
    from plansim.output.tables.sensitivity import sensitivity_table

    if form == "json":
        machine(json_text(found))
        return
    if form == "csv":
        machine(sensitivity_csv(found))
        return
    titles = {
        each.id: page.text.pick(each.title_en, each.title_zh) or each.id
        for each in found.design.scenarios
    }
    page.show(sensitivity_table(found, page.text, titles=titles))


@click.command()
@click.argument("scenario", required=False, shell_complete=items(scenario_names))
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
@click.option("--threads", metavar="N", type=WholeNumber(1, 1024), help="Else one a processor.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="Also write all figures.",
)
@click.option(
    "--plot",
    "picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also draw the frontier: FILE.png, FILE.svg or FILE.pdf.",
)
@click.option("--force", is_flag=True, help="Replace files if they exist.")
@model_option
@format_option("table", "json")
@lang_option
def frontier(
    scenario: str | None,
    spec: Path | None,
    draws: int,
    threads: int | None,
    output: Path | None,
    picture: Path | None,
    force: bool,
    model: Path | None,
    form: str,
    lang: str | None,
) -> None:
    """Find how far growth may go while all binding targets hold, and which target limits it.

    Levers are moved about SCENARIO, or the scenario that the file names. Where no setting holds
    all targets, the answer names those that make it so, and the frontier is that of the others.
    """
    from plansim.analysis.optimization.frontier import frontier as search
    from plansim.analysis.optimization.problem import read_frontier_spec
    from plansim.output.export.json_text import json_text
    from plansim.output.tables.frontier import frontier_table
    from plansim.targets.views_file import load_views

    page = page_for(lang)
    _check_files(output, (".json",), force)
    _check_files(picture, PICTURES, force)
    read = model_at(model)
    targets = targets_of(read)
    faults: list[Fault] = []
    chosen = scenarios_of([scenario], (), read, targets, faults)[:1] if scenario else []
    raise_all(faults)
    problem = read_frontier_spec(
        read,
        load_views(read, targets),
        path=spec,
        scenario=chosen[0] if chosen else None,
    )
    with page.progress(page.text("frontier.searching")) as progress:
        found = search(read, problem, targets, draws=draws, threads=threads, progress=progress)
    name = read.variables[problem.growth].name_zh
    if output is not None:
        write_text(output, json_text(found), force=force)
        remark(page.text("plot.written", path=output))
    if picture is not None:
        from plansim.output.figures.canvas import save_figure
        from plansim.output.figures.frontier import frontier_sheet

        save_figure(frontier_sheet(found, page.text.lang, growth_zh=name), picture, force=force)
        remark(page.text("plot.written", path=picture))
    if form == "json":
        machine(json_text(found))
        return
    page.show(frontier_table(found, page.text, growth_zh=name))


COMMANDS = (sensitivity, frontier)
