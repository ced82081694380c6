"""The command ``check``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from plansim.cli import options
from plansim.cli.context import Terminal, UsageError, machine, remark
from plansim.cli.inputs import Arguments, Inputs, changes_of, note_misfit, simulated_years
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.targets.verdict import Verdict

__all__ = ["check"]


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
        _warn_of_idle(inputs, terminal)
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


def _warn_of_idle(inputs: Inputs, terminal: Terminal) -> None:
    """Name what the line lays over scenarios although it moves no binding target there."""
    from plansim.analysis.attribution.assumptions import idle_groups
    from plansim.scenario.scenario_file import read_scenario

    text = terminal.text
    for scenario in inputs.scenarios:
        plain = scenario.path and read_scenario(scenario.path, inputs.model)
        if not plain or plain.values == scenario.values:
            continue
        idle = [
            text("check.idle_but", lever=name, ids=text.join(one.moved)) if one.moved else name
            for one in idle_groups(inputs.model, plain, scenario, inputs.targets)
            for name in [text.pick(one.group.name, one.group.name_zh)]
        ]
        if idle:
            remark(
                text(
                    "check.idle", scenario=scenario.id, levers=text("list_sep.semicolon").join(idle)
                )
            )


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
