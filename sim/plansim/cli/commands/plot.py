"""The command ``plot``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import Terminal, UsageError, check_files, write
from plansim.cli.inputs import Arguments, Inputs, simulated_apart
from plansim.cli.options import (
    PICTURES,
    SWEEP,
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

__all__ = ["plot"]


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
        from plansim.analysis.experiments.store import open_sweep

        runs = (
            [open_sweep(arguments.scenarios[0])]
            if is_fan
            else simulated_apart(inputs, arguments.engine, terminal)
        )
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
