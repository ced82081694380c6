"""The command ``compare``."""

from __future__ import annotations

from pathlib import Path

import click

from plansim.cli import options
from plansim.cli.context import UsageError, check_files, write
from plansim.cli.inputs import Arguments, note_misfit
from plansim.errors import Message

__all__ = ["compare"]


@click.command(
    epilog="Example: plansim compare baseline accelerated-growth -o report.docx",
)
@options.output("Write a report: FILE.html, .docx, .xlsx or .pdf.")
@options.force
@click.option(
    "--no-remedies", is_flag=True, help="Leave out the search for remedies of targets that fail."
)
@click.option("--full", is_flag=True, help="Show the whole report, not one page.")
@options.scenarios(several=True, required=True, by_engine=True)
def compare(
    arguments: Arguments,
    output: Path | None,
    force: bool,
    full: bool,
    no_remedies: bool,
) -> None:
    """Compare scenarios with the first of them: verdicts, differences, causes, remedies.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; two or more. --set lays a
    value over every one of them.
    """
    from plansim.analysis.comparison import compare as comparison_of
    from plansim.output.report.comparison import comparison_report
    from plansim.output.report.file import FORMATS, write_report
    from plansim.output.report.terminal import terminal_text
    from plansim.output.tables.comparison import comparison_table

    terminal = arguments.terminal
    if len(arguments.scenarios) < 2:
        raise UsageError(Message("a comparison needs two scenarios or more."))
    check_files((output, FORMATS), force=force)
    inputs = arguments.read()
    note_misfit(inputs.model, terminal)
    with terminal.progress("report.searching") as progress:
        comparison = comparison_of(
            inputs.model,
            inputs.scenarios,
            inputs.targets,
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
    with terminal.progress("report.writing"):
        write_report(comparison_report(comparison, terminal.text), output, force=force)
    write(terminal.text("run.written", path=output))
