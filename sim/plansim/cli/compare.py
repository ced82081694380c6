"""The commands that show scenarios side by side: ``compare``, ``page``, ``plot``, ``export``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Arguments,
    Inputs,
    Terminal,
    UsageError,
    check_files,
    note_misfit,
    write,
)
from plansim.cli.options import (
    PICTURES,
    force_option,
    output_option,
    scenario_options,
    variable_option,
)
from plansim.errors import Message

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from plansim.targets.target import Target

__all__ = ["compare", "export", "page", "plot"]

SWEEP = ".zarr"


@click.command(
    epilog="Example: plansim compare baseline accelerated-growth -o report.docx",
)
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
@click.option("--full", is_flag=True, help="Show the whole report, not one page.")
@scenario_options(several=True, required=True, engine=True)
def compare(
    arguments: Arguments,
    output: Path | None,
    force: bool,
    full: bool,
    sweep: Path | None,
    no_remedies: bool,
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
    from plansim.output.tables.comparison import comparison_table

    terminal = arguments.terminal
    if len(arguments.scenarios) < 2:
        raise UsageError(Message("a comparison needs two scenarios or more."))
    check_files((output, FORMATS), force=force)
    inputs = arguments.read()
    note_misfit(inputs.model, terminal)
    with terminal.progress(terminal.text("report.searching")) as progress:
        comparison = comparison_of(
            inputs.model,
            inputs.scenarios,
            inputs.targets,
            spread=None if sweep is None else read_spread(sweep, inputs.model),
            remedies=not no_remedies,
            engine=arguments.engine,
            progress=progress,
        )
    if output is None:
        if full:
            terminal.show(terminal_text(comparison_report(comparison, terminal.text)))
        else:
            terminal.show(
                comparison_table(comparison, terminal.text), terminal.text("report.hint_full")
            )
        return
    with terminal.progress(terminal.text("report.writing")):
        report(comparison, output, lang=terminal.text.lang, force=force)
    write(terminal.text("run.written", path=output))


@click.command(epilog="Example: plansim page baseline accelerated-growth -o city.html --open")
@output_option(
    "Where to write the page.", "FILE.html", default=Path("page.html"), show_default=True
)
@force_option
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@scenario_options(several=True, settings=False)
def page(
    arguments: Arguments,
    output: Path,
    force: bool,
    show: bool,
) -> None:
    """Make a web page that is the model: sliders, charts and verdicts, without a network.

    The first two SCENARIOs are compared when the page opens; of the shipped model all others can be
    picked, too. The page can be mailed and opens from disk.
    """
    from plansim.output.page.page import page as page_of
    from plansim.scenario.reader import shipped_overlays, with_shipped

    terminal = arguments.terminal
    check_files((output, (".html",)), force=force)
    inputs = arguments.read(whole=True)
    scenarios = with_shipped(inputs.scenarios if arguments.scenarios else (), inputs.model)
    with terminal.progress(terminal.text("page.making")):
        made = page_of(
            inputs.model,
            scenarios,
            inputs.targets,
            overlays=shipped_overlays(inputs.model),
            lang=terminal.text.lang,
        )
        made.save(output, force=force)
    write(terminal.text("run.written", path=output))
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
    LOOPS = "loops"


NAMED = {PlotKind.STACK: 1, PlotKind.PYRAMID: 1, PlotKind.PHASE: 2}
"""How many variables a figure needs, where the targets do not say which."""


@click.command(epilog="Example: plansim plot baseline --variable GDP -o gdp.png")
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
    "(fan); scores of feedback loops (loops).",
)
@click.option(
    "--all", "every", is_flag=True, help="With verdicts: expected and unlabelled targets too."
)
@output_option("FILE.png, FILE.svg or FILE.pdf.", required=True)
@force_option
@scenario_options(several=True, engine=True)
def plot(
    arguments: Arguments,
    names: tuple[str, ...],
    kind: str,
    every: bool,
    output: Path,
    force: bool,
) -> None:
    """Draw runs of one or more scenarios to a file.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --kind fan it is
    the result of a sweep, RESULT.zarr.
    """
    from plansim.output.figures.canvas import save_figure

    terminal, what = arguments.terminal, PlotKind(kind)
    _check_usage(what, arguments, names)
    check_files((output, PICTURES), force=force)
    is_fan = what is PlotKind.FAN
    asked = replace(arguments, scenarios=()) if is_fan else arguments
    inputs = asked.read(names=names, find=_reference, whole=is_fan)
    if what is PlotKind.LOOPS:
        figure = _loops(inputs, terminal)
    else:
        runs = _runs(what, arguments, inputs)
        with terminal.progress(terminal.text("plot.drawing")):
            figure = _figure(what, runs, inputs, terminal, every=every)
    save_figure(figure, output, force=force)
    write(terminal.text("plot.written", path=output))


def _check_usage(what: PlotKind, arguments: Arguments, names: Sequence[str]) -> None:
    """Refuse options that do not go with a kind of figure."""
    if what in NAMED and len(names) != NAMED[what]:
        wanted = Message("--kind {kind} needs two --variable", kind=what)
        if NAMED[what] == 1:
            wanted = Message("--kind {kind} needs one --variable", kind=what)
        raise UsageError(wanted)
    if what is PlotKind.FAN:
        if len(arguments.scenarios) != 1 or arguments.overrides or arguments.overlays:
            raise UsageError(Message("--kind fan needs one RESULT.zarr, without --set and --with"))
        if not (path := Path(arguments.scenarios[0])).exists() and path.suffix != SWEEP:
            raise UsageError(
                Message("--kind fan takes a RESULT.zarr that 'plansim sweep' has made")
            )
    if what is PlotKind.LOOPS and names:
        raise UsageError(Message("--kind loops draws the declared loops, not --variable"))


def _reference(inputs: Inputs, name: str) -> str:
    """Return the model's name of a variable; elements in brackets stay as they are."""
    from plansim.targets.labels import reference_named

    head, bracket, elements = reference_named(inputs.model, name).partition("[")
    return inputs.model.find(head).name + bracket + elements


def _loops(inputs: Inputs, terminal: Terminal) -> Figure:
    """Draw the relative scores of the declared loops, a panel a scenario."""
    from plansim.analysis.feedback.loop_scores import score_loops
    from plansim.output.figures.sheet import loop_sheet

    with terminal.progress(terminal.text("plot.drawing")):
        scores = [score_loops(inputs.model, scenario) for scenario in inputs.scenarios]
        return loop_sheet(scores, terminal.text.lang)


def _runs(what: PlotKind, arguments: Arguments, inputs: Inputs) -> list[xr.Dataset]:
    """Return the runs that are drawn: of scenarios, or all of a sweep."""
    from plansim.analysis.experiments.store import open_sweep
    from plansim.engine.simulate import simulate

    if what is PlotKind.FAN:
        return [open_sweep(arguments.scenarios[0])]
    text = arguments.terminal.text
    with arguments.terminal.progress(
        text("run.simulating", scenario=text.join(arguments.scenarios))
    ):
        return [
            simulate(inputs.model, scenario, engine=arguments.engine)
            for scenario in inputs.scenarios
        ]


def _figure(
    what: PlotKind, runs: Sequence[xr.Dataset], inputs: Inputs, terminal: Terminal, *, every: bool
) -> Figure:
    from plansim.analysis.ensemble import judged_with_shares
    from plansim.output.figures import sheet
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.plot import phase

    chosen, lang = list(inputs.named), terminal.text.lang
    targets: Sequence[Target] = inputs.targets
    match what:
        case PlotKind.LINES:
            return sheet.line_sheet(runs, chosen, targets, lang)
        case PlotKind.VERDICTS:
            verdicts = judged_with_shares(inputs.model, inputs.scenarios, runs, targets)
            return sheet.verdict_sheet(runs, verdicts, lang, every=every)
        case PlotKind.STACK:
            return sheet.stack_sheet(runs, chosen[0], lang)
        case PlotKind.PYRAMID:
            return sheet.pyramid_sheet(runs, chosen[0], lang)
        case PlotKind.PHASE:
            return figure_of(phase(runs, chosen[0], chosen[1], targets, lang=lang))
        case PlotKind.FAN:
            return sheet.fan_sheet(runs[0], chosen, targets, lang)
        case PlotKind.LOOPS:
            raise AssertionError("loops are not drawn from runs")


@click.command(epilog="Example: plansim export baseline --form iamc -o baseline.xlsx")
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
@scenario_options(several=True, engine=True, metavar="SCENARIO...|RESULT.zarr")
def export(
    arguments: Arguments,
    names: tuple[str, ...],
    form: str | None,
    output: Path,
    force: bool,
) -> None:
    """Write annual figures of scenarios, or the runs of a sweep, for other programs.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; several go into one file.
    RESULT.zarr is the result of a sweep, of which each run is a row.
    """
    from plansim.engine.dataset import annual
    from plansim.output.export.results import FORMATS
    from plansim.output.export.tables import export as write_all
    from plansim.targets.catalogue import plan_region

    terminal = arguments.terminal
    if any(name.endswith(SWEEP) for name in arguments.scenarios):
        others = (arguments.overrides, arguments.overlays, names, form, arguments.model)
        if len(arguments.scenarios) > 1 or any(others):
            raise UsageError(
                Message(
                    "a RESULT.zarr is exported whole and alone, without --set, --with, --variable, "
                    "--form or --model."
                )
            )
        with terminal.progress(terminal.text("sweep.exporting")):
            count = write_all(arguments.scenarios[0], output, force=force)
        write(terminal.text("sweep.exported", runs=f"{count:,}", path=output))
        return
    check_files((output, FORMATS), force=force)
    if form is not None and output.suffix.lower() == ".nc":
        raise UsageError(Message("--form is for tables; a NetCDF file holds arrays."))
    inputs = arguments.read(names=names)
    runs = [annual(run) for run in _runs(PlotKind.LINES, arguments, inputs)]
    with terminal.progress(terminal.text("sweep.exporting")):
        write_all(
            runs,
            output,
            form=form or "wide",
            names=inputs.named,
            region=plan_region(inputs.model),
            force=force,
        )
    write(terminal.text("run.written", path=output))
