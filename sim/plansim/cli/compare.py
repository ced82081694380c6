"""The commands that show scenarios side by side: ``compare``, ``page``, ``plot``, ``export``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Inputs,
    Page,
    UsageError,
    check_files,
    page_for,
    read_inputs,
    write,
)
from plansim.cli.options import (
    PICTURES,
    engine_option,
    force_option,
    lang_option,
    model_option,
    output_option,
    scenario_argument,
    set_option,
    variable_option,
    with_option,
)
from plansim.errors import Message

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from plansim.targets.catalogue import Target

__all__ = ["compare", "export", "page", "plot"]

SWEEP = ".zarr"


@click.command(
    epilog="Example: plansim compare baseline accelerated-growth -o report.docx",
)
@scenario_argument(several=True)
@with_option
@set_option
@output_option("Write a report: FILE.html, .docx, .xlsx or .pdf.")
@force_option
@click.option(
    "--sweep",
    metavar="RESULT.zarr",
    type=click.Path(path_type=Path),
    help="Add what this sweep says of the same scenarios: bands, and shares of runs.",
)
@click.option(
    "--no-remedies", is_flag=True, help="Leave out the search for remedies of targets that fail."
)
@model_option
@engine_option
@lang_option
def compare(
    scenario: tuple[str, ...],
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
    output: Path | None,
    force: bool,
    sweep: Path | None,
    no_remedies: bool,
    model: Path | None,
    engine: str,
    lang: str | None,
) -> None:
    """Hold scenarios against the first of them: verdicts, differences, causes, remedies.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; two or more. --set lays a
    value over every one of them.
    """
    from plansim.analysis.comparison import compare as comparison_of
    from plansim.analysis.comparison import read_spread
    from plansim.output.report.comparison import comparison_report
    from plansim.output.report.file import FORMATS, report
    from plansim.output.report.terminal import terminal_text

    shell = page_for(lang)
    if len(scenario) < 2:
        raise UsageError(Message("a comparison needs two scenarios or more."))
    check_files((output, FORMATS), force=force)
    inputs = read_inputs(scenario, model, overrides, overlays)
    with shell.progress(shell.text("report.searching")) as progress:
        comparison = comparison_of(
            inputs.model,
            inputs.scenarios,
            inputs.targets,
            spread=None if sweep is None else read_spread(sweep, inputs.model),
            remedies=not no_remedies,
            engine=engine,
            progress=progress,
        )
    if output is None:
        shell.show(terminal_text(comparison_report(comparison, shell.text)))
        return
    with shell.progress(shell.text("report.writing")):
        report(comparison, output, lang=shell.text.lang, force=force)
    write(shell.text("run.written", path=output))


@click.command(epilog="Example: plansim page baseline accelerated-growth -o city.html --open")
@scenario_argument(several=True, required=False)
@with_option
@model_option
@output_option(
    "Where to write the page.", "FILE.html", default=Path("page.html"), show_default=True
)
@force_option
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@lang_option
def page(
    scenario: tuple[str, ...],
    overlays: tuple[str, ...],
    model: Path | None,
    output: Path,
    force: bool,
    show: bool,
    lang: str | None,
) -> None:
    """Make a web page that is the model: sliders, charts and verdicts, without a network.

    The first two SCENARIOs are compared when the page opens; of the shipped model all others can be
    picked, too. The page can be mailed and opens from disk.
    """
    from plansim.output.page.page import page as page_of
    from plansim.scenario.reader import shipped_overlays, with_shipped

    shell = page_for(lang)
    check_files((output, (".html",)), force=force)
    inputs = read_inputs(scenario, model, overlays=overlays, whole=True)
    scenarios = with_shipped(inputs.scenarios if scenario else (), inputs.model)
    with shell.progress(shell.text("page.making")):
        made = page_of(
            inputs.model,
            scenarios,
            inputs.targets,
            overlays=shipped_overlays(inputs.model),
            lang=shell.text.lang,
        )
        made.save(output, force=force)
    write(shell.text("run.written", path=output))
    if show:
        click.launch(output.resolve().as_uri())


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


@click.command(epilog="Example: plansim plot baseline --variable GDP -o gdp.png")
@scenario_argument(several=True, required=False)
@with_option
@set_option
@variable_option(
    "Draw this variable, or NAME[ELEMENT], instead of those that binding targets judge; may be "
    "given again."
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PlotKind]),
    default=PlotKind.LINES.value,
    show_default=True,
    help="What is drawn: lines over years; verdicts as a coloured table; parts of a total (stack); "
    "an array of two ranges (pyramid); one variable against another (phase); the runs of a sweep "
    "(fan); the main drivers of the uncertainty of binding targets (drivers); scores of feedback "
    "loops (loops).",
)
@click.option(
    "--all", "every", is_flag=True, help="With verdicts: expected and unlabelled targets too."
)
@model_option
@output_option("FILE.png, FILE.svg or FILE.pdf.", required=True)
@force_option
@engine_option
@lang_option
def plot(
    scenario: tuple[str, ...],
    overlays: tuple[str, ...],
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
    some 7000 runs, ten seconds or more. plansim why sensitivity --plot draws a larger one.
    """
    from plansim.output.figures.canvas import save_figure

    shell, what = page_for(lang), PlotKind(kind)
    _check_usage(what, scenario, (*overrides, *overlays), names)
    check_files((output, PICTURES), force=force)
    shown = () if what is PlotKind.FAN else scenario
    inputs = read_inputs(
        shown,
        model,
        overrides,
        overlays,
        names=names,
        find=_reference,
        whole=what is PlotKind.FAN,
    )
    if what is PlotKind.DRIVERS:
        figure = _drivers(inputs, shell)
    elif what is PlotKind.LOOPS:
        figure = _loops(inputs, shell)
    else:
        runs = _runs(what, scenario, inputs, engine, shell)
        with shell.progress(shell.text("plot.drawing")):
            figure = _figure(what, runs, inputs, shell, every=every)
    save_figure(figure, output, force=force)
    write(shell.text("plot.written", path=output))


def _check_usage(
    what: PlotKind, scenario: Sequence[str], over: Sequence[str], names: Sequence[str]
) -> None:
    """Refuse options that do not go with a kind of figure."""
    if what in NAMED and len(names) != NAMED[what]:
        wanted = Message("--kind {kind} needs two --variable", kind=what)
        if NAMED[what] == 1:
            wanted = Message("--kind {kind} needs one --variable", kind=what)
        raise UsageError(wanted)
    if what is PlotKind.FAN:
        if len(scenario) != 1 or over:
            raise UsageError(Message("--kind fan needs one RESULT.zarr, without --set and --with"))
        if not (path := Path(scenario[0])).exists() and path.suffix != SWEEP:
            raise UsageError(
                Message("--kind fan takes a RESULT.zarr that 'plansim sweep' has made")
            )
    if what is PlotKind.DRIVERS and (len(scenario) != 1 or over or names):
        raise UsageError(
            Message(
                "--kind drivers needs one SCENARIO, without --set, --with and --variable; "
                "SCENARIO+OVERLAY may stand for it"
            )
        )
    if what is PlotKind.LOOPS and names:
        raise UsageError(Message("--kind loops draws the declared loops, not --variable"))


def _reference(inputs: Inputs, name: str) -> str:
    """Return the model's name of a variable; elements in brackets stay as they are."""
    head, bracket, elements = name.partition("[")
    return inputs.model.find(head).name + bracket + elements


STUDY = "uncertainty"
DRAWS, TRAJECTORIES = 512, 20
"""Of a small study: fewer than ``plansim why sensitivity`` takes by itself."""


def _drivers(inputs: Inputs, shell: Page) -> Figure:
    """Draw the main drivers of the uncertainty of each binding target, from a small study."""
    from plansim.analysis.experiments.design_file import read_design
    from plansim.analysis.sensitivity.study import sensitivity
    from plansim.output.figures.drivers import driver_sheet

    plan = read_design(STUDY, inputs.model, samples=DRAWS, scenarios=inputs.scenarios)
    with shell.progress(shell.text("sweep.running")) as progress:
        study = sensitivity(
            inputs.model, plan, inputs.targets, trajectories=TRAJECTORIES, progress=progress
        )
    with shell.progress(shell.text("plot.drawing")):
        return driver_sheet(study, shell.text.lang)


def _loops(inputs: Inputs, shell: Page) -> Figure:
    """Draw the relative scores of the declared loops, a panel a scenario."""
    from plansim.analysis.feedback.loop_scores import score_loops
    from plansim.output.figures.sheet import loop_sheet

    with shell.progress(shell.text("plot.drawing")):
        scores = [score_loops(inputs.model, each) for each in inputs.scenarios]
        return loop_sheet(scores, shell.text.lang)


def _runs(
    what: PlotKind, scenario: Sequence[str], inputs: Inputs, engine: str, shell: Page
) -> list[xr.Dataset]:
    """Return the runs that are drawn: of scenarios, or all of a sweep."""
    from plansim.analysis.experiments.store import open_sweep
    from plansim.engine.simulate import simulate

    if what is PlotKind.FAN:
        return [open_sweep(scenario[0])]
    with shell.progress(shell.text("run.simulating", scenario=shell.text.join(scenario))):
        return [simulate(inputs.model, each, engine=engine) for each in inputs.scenarios]


def _figure(
    what: PlotKind, runs: Sequence[xr.Dataset], inputs: Inputs, shell: Page, *, every: bool
) -> Figure:
    from plansim.output.figures import sheet
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.plot import phase

    chosen, lang = list(inputs.named), shell.text.lang
    targets: Sequence[Target] = inputs.targets
    match what:
        case PlotKind.LINES:
            return sheet.line_sheet(runs, chosen, targets, lang)
        case PlotKind.VERDICTS:
            return sheet.verdict_sheet(runs, targets, lang, every=every)
        case PlotKind.STACK:
            return sheet.stack_sheet(runs, chosen[0], lang)
        case PlotKind.PYRAMID:
            return sheet.pyramid_sheet(runs, chosen[0], lang)
        case PlotKind.PHASE:
            return figure_of(phase(runs, chosen[0], chosen[1], targets, lang=lang))
        case PlotKind.FAN:
            return sheet.fan_sheet(runs[0], chosen, targets, lang)
        case PlotKind.DRIVERS | PlotKind.LOOPS:
            raise AssertionError(f"{what} are not drawn from runs")


@click.command(epilog="Example: plansim export baseline --form iamc -o baseline.xlsx")
@scenario_argument(several=True, required=False, metavar="SCENARIO...|RESULT.zarr")
@with_option
@set_option
@variable_option("Only this variable; may be given again. Without it all that change over time.")
@click.option(
    "--form",
    type=click.Choice(["wide", "tidy", "iamc"]),
    help="Of a table: a row a variable and a column a year (wide, the default), a row a figure "
    "(tidy), or the columns of the IAMC.",
)
@output_option(
    "FILE.csv, .xlsx, .parquet or .nc (CF); of a sweep FILE.csv or .parquet.", required=True
)
@force_option
@model_option
@engine_option
@lang_option
def export(
    scenario: tuple[str, ...],
    overlays: tuple[str, ...],
    overrides: tuple[str, ...],
    names: tuple[str, ...],
    form: str | None,
    output: Path,
    force: bool,
    model: Path | None,
    engine: str,
    lang: str | None,
) -> None:
    """Write annual figures of scenarios, or the runs of a sweep, for other programs.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; several go into one file.
    RESULT.zarr is the result of a sweep, of which each run is a row.
    """
    from plansim.engine.dataset import annual
    from plansim.output.export.results import FORMATS
    from plansim.output.export.tables import export as write_all
    from plansim.targets.catalogue import plan_region

    shell = page_for(lang)
    if any(each.endswith(SWEEP) for each in scenario):
        if len(scenario) > 1 or overrides or overlays or names or form or model is not None:
            raise UsageError(
                Message(
                    "a RESULT.zarr is exported whole and alone, without --set, --with, --variable, "
                    "--form or --model."
                )
            )
        with shell.progress(shell.text("sweep.exporting")):
            count = write_all(scenario[0], output, force=force)
        write(shell.text("sweep.exported", runs=f"{count:,}", path=output))
        return
    check_files((output, FORMATS), force=force)
    if form is not None and output.suffix.lower() == ".nc":
        raise UsageError(Message("--form is for tables; a NetCDF file holds arrays."))
    inputs = read_inputs(scenario, model, overrides, overlays, names=names)
    runs = [annual(run) for run in _runs(PlotKind.LINES, scenario, inputs, engine, shell)]
    with shell.progress(shell.text("sweep.exporting")):
        write_all(
            runs,
            output,
            form=form or "wide",
            names=inputs.named,
            region=plan_region(inputs.model),
            force=force,
        )
    write(shell.text("run.written", path=output))
