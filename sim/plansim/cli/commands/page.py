"""The command ``page``."""

from __future__ import annotations

from pathlib import Path

import click

from plansim.cli import options
from plansim.cli.context import check_files, write
from plansim.cli.inputs import Arguments

__all__ = ["page"]


@click.command(epilog="Example: plansim page baseline accelerated-growth -o city.html --open")
@options.output(
    "Where to write the page.", "FILE.html", default=Path("page.html"), show_default=True
)
@options.force
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@options.scenarios(several=True, settable=False)
def page(
    arguments: Arguments,
    output: Path,
    force: bool,
    show: bool,
) -> None:
    """Make a web page that is the model: sliders, charts and verdicts, without a network.

    The first two SCENARIOs are compared when the page opens; of the shipped model all others can be
    picked, too. Files that 'plansim decide policies --save' wrote are listed under a heading of
    their own. The page can be mailed and opens from disk.
    """
    from plansim.files.writing import write_text
    from plansim.output.page.page import make_page
    from plansim.scenario.scenario_file import shipped_overlays, with_shipped

    terminal = arguments.terminal
    check_files((output, (".html",)), force=force)
    inputs = arguments.read(whole=True)
    scenarios = with_shipped(inputs.scenarios if arguments.scenarios else (), inputs.model)
    with terminal.progress("page.making"):
        made = make_page(
            inputs.model,
            scenarios,
            inputs.targets,
            overlays=shipped_overlays(inputs.model),
            lang=terminal.text.lang,
        )
        write_text(made.text, output, force=force)
    write(terminal.text("run.written", path=output))
    if show:
        click.launch(output.resolve().as_uri())
