"""The commands ``check`` and ``compare``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli import options
from plansim.cli.context import Terminal, UsageError, check_files, machine, remark, write
from plansim.cli.inputs import Arguments, Inputs, changes_of, note_misfit, simulated_years
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.targets.verdict import Verdict

__all__ = ["check", "compare"]


@click.command(epilog="Example: plansim check baseline accelerated-growth --all")
@click.option("--strict", is_flag=True, help="Exit with 1 where a binding target is missed.")
@options.number(
    "--strict-share",
    "least",
    most=100,
    text="Exit with 1 where fewer than N of 100 plausible models meet a binding target.",
)
@click.option(
    "--all", "every", is_flag=True, help="List all targets, also those that cannot be judged."
)
@click.option("--changes", is_flag=True, help="Say first what each scenario changes.")
@options.form("table", "json")
@options.scenarios(several=True, by_engine=True)
def check(
    arguments: Arguments,
    strict: bool,
    least: int | None,
    every: bool,
    changes: bool,
    form: str,
) -> int:
    """Judge the plan's targets under one or more scenarios, side by side.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --model it may be
    left out, to judge the model as it is written. The table has the binding targets.
    """
    from plansim.output.tables.verdicts import verdict_table
    from plansim.targets.catalogue import FILE_NAME
    from plansim.targets.target import Attribute, Status
    from plansim.targets.verdict import verdicts_of

    terminal = arguments.terminal
    if least is not None and arguments.engine != "compiled":
        raise UsageError(Message("--strict-share needs the compiled engine."))
    inputs = arguments.read()
    scenarios, targets = inputs.scenarios, inputs.targets
    if not inputs.model.path.with_name(FILE_NAME).is_file():
        remark(terminal.text("check.borrowed", model=inputs.model.path))
    verdicts = [
        verdict
        for scenario in scenarios
        for verdict in verdicts_of(
            simulated_years(inputs.model, scenario, arguments.engine, terminal), targets
        )
    ]
    if arguments.engine == "compiled":
        verdicts = _with_shares(verdicts, inputs, terminal, required=least is not None)
    changed = [changes_of(one, inputs.model, terminal) for one in scenarios if changes]
    if form == "table":
        titles = {
            scenario.id: terminal.text.pick(scenario.title_en, scenario.title_zh)
            for scenario in scenarios
        }
        table = verdict_table(verdicts, targets, terminal.text, titles=titles, every=every)
        hints = _hints(verdicts, arguments, every=every, changes=changes)
        terminal.show(*["\n".join(changed)] * changes, table, *hints)
    else:
        from plansim.output.export.json_text import verdicts_json

        if changed:
            remark("\n".join(changed))
        machine(verdicts_json(verdicts))
    binding = [verdict for verdict in verdicts if verdict.attribute is Attribute.BINDING]
    missed = strict and any(verdict.status is Status.MISSED for verdict in binding)
    shares = [verdict.share.of_hundred for verdict in binding if verdict.share]
    unsure = least is not None and any(share < least for share in shares if share is not None)
    return 1 if missed or unsure else 0


def _hints(
    verdicts: list[Verdict], arguments: Arguments, *, every: bool, changes: bool
) -> list[str]:
    """Return what else can be asked, each with its option or command."""
    from plansim.targets.target import Attribute

    text, names = arguments.terminal.text, shlex.join(arguments.scenarios)
    hints = [
        *[text("check.hint_all")] * (not every),
        *[text("check.hint_changes")] * (not changes and bool(names)),
    ]
    binding = [verdict for verdict in verdicts if verdict.attribute is Attribute.BINDING]
    if names and any(verdict.is_open and verdict.share for verdict in binding):
        hints.append(text("check.hint_unknowns", scenarios=names))
    return [text("check.hint_sep").join(hints)] if hints else []


def _with_shares(
    verdicts: list[Verdict], inputs: Inputs, terminal: Terminal, *, required: bool
) -> list[Verdict]:
    """Return verdicts with the shares of plausible models, if the model has an ensemble of them.

    Raises:
        InputError: they are required, and there are none, or none that fit.
    """
    from plansim.analysis.ensemble import load_ensemble, with_shares

    if required:
        load_ensemble(inputs.model)
    if not note_misfit(inputs.model, terminal):
        return verdicts
    with terminal.progress("check.members"):
        return list(with_shares(verdicts, inputs.model, inputs.scenarios, inputs.targets))


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
    from plansim.output.report.file import FORMATS, terminal_text, write_report
    from plansim.output.report.sections import comparison_report
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
