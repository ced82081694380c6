"""The commands ``check`` and ``compare``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

import plansim
from plansim.cli import options
from plansim.cli.context import UsageError, display, machine, remark, working, write
from plansim.cli.help import command
from plansim.cli.inputs import Arguments, Inputs, changes_of, note_misfit
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.targets.verdict import Verdict

__all__ = ["check", "compare"]


@command(epilog="Example: plansim check baseline accelerated-growth --all")
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
def check(asked: Arguments, strict: bool, least: int | None, every: bool, changes: bool) -> int:
    """Judge the plan's targets under one or more scenarios, side by side.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --model it may be
    left out, to judge the model as it is written. The table has the binding targets.
    """
    from plansim.output.tables.verdicts import verdict_table
    from plansim.targets.catalogue import FILE_NAME
    from plansim.targets.target import Attribute, Status
    from plansim.targets.verdict import verdicts_of

    if least is not None and asked.engine != "compiled":
        raise UsageError(Message("--strict-share needs the compiled engine."))
    inputs = asked.read()
    model, targets = inputs.model, inputs.targets
    if not model.path.with_name(FILE_NAME).is_file():
        remark(asked.text("check.borrowed", model=model.path))
    verdicts = [one for run in asked.years(inputs) for one in verdicts_of(run, targets)]
    if asked.engine == "compiled":
        verdicts = _with_shares(verdicts, inputs, asked, required=least is not None)
    changed = [changes_of(one, model, asked.text) for one in inputs.scenarios if changes]
    binding = [one for one in verdicts if one.attribute is Attribute.BINDING]
    if asked.form == "table":
        titles = {one.id: asked.text.title(one) for one in inputs.scenarios}
        table = verdict_table(verdicts, targets, asked.text, titles=titles, every=every)
        hints = asked.text("check.hint_sep").join(
            _hints(binding, asked, every=every, changes=changes)
        )
        display(*["\n".join(changed)] * changes, table, *[hints] * bool(hints))
    else:
        from plansim.output.export.json_text import verdicts_json

        if changed:
            remark("\n".join(changed))
        machine(verdicts_json(verdicts))
    missed = strict and any(one.status is Status.MISSED for one in binding)
    shares = [one.share.of_hundred for one in binding if one.share]
    unsure = least is not None and any(share < least for share in shares if share is not None)
    return 1 if missed or unsure else 0


def _hints(
    binding: Sequence[Verdict], asked: Arguments, every: bool, changes: bool
) -> Iterator[str]:
    """Yield what else can be asked, each with its option or command."""
    if not every:
        yield asked.text("check.hint_all")
    if not asked.scenarios:
        return
    if not changes:
        yield asked.text("check.hint_changes")
    if any(verdict.is_open and verdict.share for verdict in binding):
        yield asked.text("check.hint_unknowns", scenarios=shlex.join(asked.scenarios))


def _with_shares(
    verdicts: list[Verdict], inputs: Inputs, asked: Arguments, required: bool
) -> list[Verdict]:
    """Return verdicts with the shares of plausible models, if the model has an ensemble of them.

    Raises:
        InputError: they are required, and there are none, or none that fit.
    """
    from plansim.analysis.ensemble import load_ensemble, with_shares

    if required:
        load_ensemble(inputs.model)
    if not note_misfit(inputs.model, asked.text):
        return verdicts
    with working(asked.text, "check.members"):
        return list(with_shares(verdicts, inputs.model, inputs.scenarios, inputs.targets))


@command(epilog="Example: plansim compare baseline accelerated-growth -o report.docx")
@options.output(
    "Write a report: FILE.html, .docx, .xlsx or .pdf.", ".docx", ".html", ".pdf", ".xlsx"
)
@options.force
@click.option(
    "--no-remedies", is_flag=True, help="Leave out the search for remedies of targets that fail."
)
@click.option("--full", is_flag=True, help="Show the whole report, not one page.")
@options.scenarios(several=True, required=True, by_engine=True)
def compare(asked: Arguments, full: bool, no_remedies: bool) -> None:
    """Compare scenarios with the first of them: verdicts, differences, causes, remedies.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; two or more. --set lays a
    value over every one of them.
    """
    from plansim.output.report.contents import comparison_report
    from plansim.output.report.report import write_report
    from plansim.output.report.writers.terminal import terminal_text
    from plansim.output.tables.comparison import comparison_table

    if len(asked.scenarios) < 2:
        raise UsageError(Message("a comparison needs two scenarios or more."))
    inputs = asked.read()
    note_misfit(inputs.model, asked.text)
    with working(asked.text, "report.searching") as progress:
        comparison = plansim.compare(
            inputs.model,
            inputs.scenarios,
            inputs.targets,
            remedies=not no_remedies,
            engine=asked.engine,
            progress=progress,
        )
    if asked.output is not None:
        with working(asked.text, "report.writing"):
            write_report(comparison_report(comparison, asked.text), asked.output, force=asked.force)
        write(asked.text("run.written", path=asked.output))
    elif full:
        display(terminal_text(comparison_report(comparison, asked.text)))
    else:
        hint = asked.text("report.hint_full")
        display(comparison_table(comparison, asked.text), hint)
