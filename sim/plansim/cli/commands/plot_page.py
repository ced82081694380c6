"""The commands ``plot`` and ``page``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

import plansim
from plansim.cli import options
from plansim.cli.context import UsageError, working, write
from plansim.cli.help import command
from plansim.cli.inputs import Arguments
from plansim.errors import Message

__all__ = ["page", "plot"]

KINDS = ("lines", "verdicts", "fan", "loops")
"""Kinds of figures; `FIGURES` of `output/figures/kinds.py` has their functions."""


@command(epilog="Example: plansim plot baseline --variable GDP -o gdp.png")
@options.variables(
    "Draw this variable, or NAME[ELEMENT], instead of those that binding targets judge; may be "
    "given again."
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default=KINDS[0],
    show_default=True,
    help="What is drawn: lines over years; verdicts as a coloured table; the runs of a sweep "
    "(fan); scores of feedback loops (loops).",
)
@click.option(
    "--all", "every", is_flag=True, help="With verdicts: expected and unlabelled targets too."
)
@options.output("FILE.png, FILE.svg or FILE.pdf.", *options.PICTURES, required=True)
@options.force
@options.scenarios(several=True, by_engine=True)
def plot(asked: Arguments, names: Sequence[str], kind: str, every: bool) -> None:
    """Draw runs of one or more scenarios to a file.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --kind fan it is
    the result of a sweep, RESULT.zarr.
    """
    from plansim.output.figures import kinds
    from plansim.output.figures.canvas import save_figure

    assert asked.output is not None
    _check_usage(kind, asked, names, every=every)
    if kind == "fan":
        inputs = replace(asked, scenarios=()).read(names, whole=True)
        runs = [plansim.open_sweep(asked.scenarios[0])]
    else:
        inputs = asked.read(names)
        runs = [] if kind == "loops" else asked.runs(inputs)
    series = tuple(one for variable, cells in inputs.named for one in cells or (variable,))
    lang = asked.text.lang
    subject = kinds.Subject(
        inputs.model, inputs.scenarios, runs, series, inputs.targets, lang, every
    )
    with working(asked.text, "plot.drawing"):
        figure = kinds.FIGURES[kind](subject)
    save_figure(figure, asked.output, force=asked.force)
    write(asked.text("plot.written", path=asked.output))


def _check_usage(kind: str, asked: Arguments, names: Sequence[str], *, every: bool) -> None:
    """Refuse options that do not go with a kind of figure."""
    if names and kind in {"loops", "verdicts"}:
        raise UsageError(Message("--kind {kind} takes no --variable", kind=kind))
    if every and kind != "verdicts":
        raise UsageError(Message("--all goes with --kind verdicts alone"))
    if kind == "fan":
        paths = [Path(name) for name in asked.scenarios]
        stored = [path for path in paths if path.exists() or path.suffix == ".zarr"]
        if len(paths) != 1 or paths != stored or asked.overrides or asked.overlays:
            raise UsageError(
                Message(
                    "--kind fan draws one sweep: the RESULT.zarr that 'plansim sweep' has made, "
                    "without --set and --with"
                )
            )


@command(epilog="Example: plansim page baseline accelerated-growth -o city.html --open")
@options.output(
    "Where to write the page.",
    ".html",
    metavar="FILE.html",
    default=Path("page.html"),
    show_default=True,
)
@options.force
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@options.scenarios(several=True, settable=False)
def page(asked: Arguments, show: bool) -> None:
    """Make a web page that is the model: sliders, charts and verdicts, without a network.

    The first two SCENARIOs are compared when the page opens; of the shipped model all others can be
    picked, too. Files that 'plansim decide policies --save' wrote are listed under a heading of
    their own. The page can be mailed and opens from disk.
    """
    from plansim.files.writing import write_text
    from plansim.output.page.page import make_page
    from plansim.scenario.scenario_file import shipped_overlays, with_shipped

    assert asked.output is not None
    inputs = asked.read(whole=True)
    with working(asked.text, "page.making"):
        made = make_page(
            inputs.model,
            with_shipped(inputs.given, inputs.model),
            inputs.targets,
            overlays=shipped_overlays(inputs.model),
            lang=asked.text.lang,
        )
        write_text(made.text, asked.output, force=asked.force)
    write(asked.text("run.written", path=asked.output))
    if show:
        click.launch(asked.output.resolve().as_uri())
