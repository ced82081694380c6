"""The command ``plot``: figures of runs, of verdicts, of sweeps and of what verdicts depend on."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Page,
    UsageError,
    all_or_faults,
    engine_option,
    items,
    lang_option,
    model_at,
    model_option,
    named_or_whole,
    page_for,
    raise_all,
    scenario_names,
    scenarios_of,
    set_option,
    simulated,
    targets_of,
    variable_names,
    write,
)
from plansim.errors import Message

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.output.text import Lang
    from plansim.scenario.reader import Scenario
    from plansim.targets.catalogue import Target

__all__ = ["COMMANDS"]


class PlotKind(StrEnum):
    """What is drawn."""

    LINES = "lines"
    VERDICTS = "verdicts"
    STACK = "stack"
    PYRAMID = "pyramid"
    PHASE = "phase"
    FAN = "fan"
    DRIVERS = "drivers"
    LOOPS = "loops"


NAMED = {PlotKind.STACK: 1, PlotKind.PYRAMID: 1, PlotKind.PHASE: 2}
"""How many variables a figure needs, where the targets do not say which."""


@click.command()
@click.argument("scenario", nargs=-1, shell_complete=items(scenario_names))
@set_option
@click.option(
    "--variable",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=items(variable_names),
    help="Draw this variable, or NAME[ELEMENT], instead of those that binding targets judge; may "
    "be given again.",
)
@click.option(
    "--kind",
    type=click.Choice([each.value for each in PlotKind]),
    default=PlotKind.LINES.value,
    show_default=True,
    help="Lines over years; verdicts as a coloured table; parts of a total (stack); an array of "
    "two ranges (pyramid); one variable against another (phase); the runs of a sweep (fan); what "
    "the uncertainty of each binding target is due to (drivers); scores of feedback loops (loops).",
)
@click.option(
    "--all", "every", is_flag=True, help="With verdicts: expected and unlabelled targets too."
)
@model_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="FILE.png, FILE.svg or FILE.pdf.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@engine_option
@lang_option
def plot(
    scenario: tuple[str, ...],
    overrides: tuple[str, ...],
    names: tuple[str, ...],
    kind: str,
    every: bool,
    model: Path | None,
    output: Path,
    force: bool,
    engine: str,
    lang: str | None,
) -> None:
    """Draw runs of one or more scenarios to a file.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --kind fan it is
    the result of a sweep, RESULT.zarr. With --kind drivers a small study of uncertainty is made:
    some 7000 runs, ten seconds or more. plansim sensitivity --plot draws a larger one.
    """
    from plansim.output.export.results import check_destination

    page, what = page_for(lang), PlotKind(kind)
    if what in NAMED and len(names) != NAMED[what]:
        wanted = Message("--kind {kind} needs two --variable", kind=kind)
        if NAMED[what] == 1:
            wanted = Message("--kind {kind} needs one --variable", kind=kind)
        raise UsageError(wanted)
    if what is PlotKind.FAN and (len(scenario) != 1 or overrides):
        raise UsageError(Message("--kind fan needs one RESULT.zarr, without --set"))
    if what is PlotKind.DRIVERS and (len(scenario) != 1 or overrides or names):
        raise UsageError(Message("--kind drivers needs one SCENARIO, without --set and --variable"))
    check_destination(output, force=force, formats=(".pdf", ".png", ".svg"))
    if what is PlotKind.DRIVERS:
        _draw_drivers(scenario[0], model, output, force, page)
        return
    if what is PlotKind.LOOPS and names:
        raise UsageError(Message("--kind loops draws the declared loops, not --variable"))
    if what is not PlotKind.FAN:
        named_or_whole(scenario, overrides, model)
    read = model_at(model)
    targets = targets_of(read)
    faults: list[Fault] = []
    if what is PlotKind.FAN:
        runs = [_sweep(Path(scenario[0]))]
        chosen = _references(names, read, faults)
        raise_all(faults)
    else:
        scenarios = scenarios_of(scenario, overrides, read, targets, faults)
        chosen = _references(names, read, faults)
        raise_all(faults)
        if what is PlotKind.LOOPS:
            _draw_loops(read, scenarios, output, force, page)
            return
        runs = [simulated(read, each, engine, page) for each in scenarios]
    with page.progress(page.text("plot.drawing")):
        figure = _figure(what, runs, chosen, targets, page.text.lang, every=every)
    _write(figure, output, force, page)


def _write(figure: Figure, output: Path, force: bool, page: Page) -> None:
    """Write a figure to its file, and say so."""
    from plansim.output.figures.plot import save_figure

    save_figure(figure, output, force=force)
    write(page.text("plot.written", path=output))


STUDY = "uncertainty"
DRAWS, TRAJECTORIES = 512, 20
"""Of a small study: fewer than ``plansim sensitivity`` takes by itself."""


def _draw_drivers(source: str, model: Path | None, output: Path, force: bool, page: Page) -> None:
    """Draw the main drivers of the uncertainty of each binding target, from a small study."""
    from plansim.analysis.experiments.design_file import read_design
    from plansim.analysis.sensitivity.study import sensitivity
    from plansim.output.figures.drivers import driver_sheet

    read = model_at(model)
    targets = targets_of(read)
    faults: list[Fault] = []
    chosen = scenarios_of([source], (), read, targets, faults)
    raise_all(faults)
    plan = read_design(STUDY, read, samples=DRAWS, scenarios=chosen)
    with page.progress(page.text("sweep.running")) as progress:
        found = sensitivity(read, plan, targets, trajectories=TRAJECTORIES, progress=progress)
    with page.progress(page.text("plot.drawing")):
        figure = driver_sheet(found, page.text.lang)
    _write(figure, output, force, page)


def _draw_loops(
    model: Model, scenarios: Sequence[Scenario], output: Path, force: bool, page: Page
) -> None:
    """Draw the relative scores of the declared loops, a panel a scenario."""
    from plansim.analysis.feedback.loop_scores import score_loops
    from plansim.analysis.feedback.loops import load_loops
    from plansim.output.figures.sheet import loop_sheet

    loops = load_loops(model)
    with page.progress(page.text("plot.drawing")):
        scores = [score_loops(model, each, loops) for each in scenarios]
        figure = loop_sheet(scores, page.text.lang)
    _write(figure, output, force, page)


def _sweep(path: Path) -> xr.Dataset:
    """Open the result of a sweep; figures are read when they are drawn."""
    import xarray as xr

    from plansim.analysis.experiments.store import open_store

    if not path.exists() and path.suffix != ".zarr":  # a scenario, most likely
        raise UsageError(Message("--kind fan takes a RESULT.zarr that 'plansim sweep' has made"))
    sweep: xr.Dataset = xr.open_zarr(open_store(path).path, consolidated=False, chunks=None)
    return sweep


def _references(names: Sequence[str], model: Model, faults: list[Fault]) -> list[str]:
    """Find variables by their names; elements in brackets stay as they are."""

    def reference(name: str) -> str:
        head, bracket, elements = name.partition("[")
        return model.find(head).name + bracket + elements

    return list(dict.fromkeys(all_or_faults(reference, names, faults)))


def _figure(
    kind: PlotKind,
    runs: Sequence[xr.Dataset],
    chosen: Sequence[str],
    targets: Sequence[Target],
    lang: Lang,
    *,
    every: bool,
) -> Figure:
    from plansim.output.figures import sheet as plot_sheet
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.plot import phase

    match kind:
        case PlotKind.LINES:
            return plot_sheet.line_sheet(runs, chosen, targets, lang)
        case PlotKind.VERDICTS:
            return plot_sheet.verdict_sheet(runs, targets, lang, every=every)
        case PlotKind.STACK:
            return plot_sheet.stack_sheet(runs, chosen[0], lang)
        case PlotKind.PYRAMID:
            return plot_sheet.pyramid_sheet(runs, chosen[0], lang)
        case PlotKind.PHASE:
            return figure_of(phase(runs, chosen[0], chosen[1], targets, lang=lang))
        case PlotKind.FAN:
            return plot_sheet.fan_sheet(runs[0], chosen, targets, lang)
        case PlotKind.DRIVERS | PlotKind.LOOPS:
            raise AssertionError(f"{kind} are not drawn from runs")


COMMANDS = (plot,)
"""The command on figures."""
