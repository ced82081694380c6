"""The commands on single runs: ``run``, ``check``, ``list``, ``show``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Arguments,
    Inputs,
    Terminal,
    UsageError,
    changes_of,
    check_files,
    machine,
    model_at,
    note_misfit,
    read_inputs,
    remark,
    simulated,
    simulated_years,
)
from plansim.cli.options import (
    WholeNumber,
    all_names,
    combined,
    command_group,
    force_option,
    format_option,
    items,
    model_option,
    output_option,
    scenario_options,
    terminal_option,
    variable_option,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.model.records import Model, Variable
    from plansim.output.series import Series
    from plansim.targets.annual import Annual
    from plansim.targets.verdict import Verdict

__all__ = ["check", "list_", "run", "show"]


@click.command(epilog="Example: plansim run baseline accelerated-growth --variable GDP")
@variable_option("Show this variable instead of those that targets judge; may be given again.")
@output_option("Also write the runs to FILE.nc, .csv, .xlsx or .parquet.")
@force_option
@format_option("table", "json", "csv")
@scenario_options(several=True, engine=True)
def run(
    arguments: Arguments,
    names: tuple[str, ...],
    output: Path | None,
    force: bool,
    form: str,
) -> None:
    """Simulate SCENARIOs and show annual figures.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --model it may be
    left out, to run the model as it is written. Without --variable the table shows what targets
    judge, in their units; a file holds all variables.
    """
    from plansim.output.export import results

    terminal = arguments.terminal
    check_files((output, results.FORMATS), force=force)
    inputs = arguments.read(names=names, find=_series_named)
    runs = [
        simulated_years(inputs.model, scenario, arguments.engine, terminal)
        for scenario in inputs.scenarios
    ]
    shown = [_shown(run, inputs) for run in runs]
    changes = [changes_of(scenario, inputs.model, terminal) for scenario in inputs.scenarios]
    if output is not None:
        from plansim.output.export.tables import write_run
        from plansim.targets.annual import annual

        chosen = list(dict.fromkeys(variable for variable, _ in inputs.named))
        dataset = simulated(inputs, arguments.engine, terminal)
        write_run(dataset, annual(dataset), output, names=chosen, force=force)
    if form == "table":
        _show_tables(runs, shown, changes, inputs, terminal)
    else:
        remark("\n".join(changes))
        text = results.run_json if form == "json" else results.run_csv
        machine(text([(series, run.card) for series, run in zip(shown, runs, strict=True)]))
    if output is not None:
        remark(terminal.text("run.written", path=output))


def _series_named(inputs: Inputs, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the variable of a name, and its series that are meant: none for all."""
    from plansim.errors import Fault, InputError
    from plansim.model.records import VariableKind

    try:
        variable, cells = _series_meant(name, inputs.model)
    except InputError as error:
        hint = Message("a name of 'plansim list variables'")
        raise InputError(
            replace(fault, file="--variable", expected=fault.expected or hint)
            for fault in error.faults
        ) from None
    if variable.kind is VariableKind.LOOKUP:
        message = Message(
            "'{name}' is a lookup table: it has no value over time", name=variable.name
        )
        raise InputError(Fault(message, inputs.model.path, variable.line))
    return variable.name, tuple(f"{variable.name}[{cell}]" for cell in cells)


def _shown(run: Annual, inputs: Inputs) -> list[Series]:
    """Return the series of a run that are asked for, else those that targets judge."""
    from plansim.output.series import as_judged, judged_series, rows_of

    wanted: dict[str, set[str]] = {}
    for variable, labels in inputs.named:
        wanted.setdefault(variable, set()).update(labels)
    moving = [name for name, variable in run.variables.items() if variable.moves]
    series = [
        row
        for row in rows_of(run, wanted or moving)
        if row.name in (wanted.get(row.name.partition("[")[0]) or {row.name})
    ]
    # A model that the targets do not know shows all that moves.
    return (not wanted and judged_series(series, inputs.targets)) or list(
        as_judged(series, inputs.targets)
    )


def _show_tables(
    runs: list[Annual],
    shown: list[list[Series]],
    changes: list[str],
    inputs: Inputs,
    terminal: Terminal,
) -> None:
    from plansim.model.records import Timing
    from plansim.output.tables.layout import lines
    from plansim.output.tables.series import series_table

    first = sorted({target.year for target in inputs.targets if target.year is not None})
    for run, series, head in zip(runs, shown, changes, strict=True):
        table = series_table(series, run.years, terminal.text, first=first)
        yearly = any(v.timing is Timing.YEAR_END for v in inputs.model.variables.values())
        timing = terminal.text("run.timing" if yearly else "run.moments")
        terminal.show(head, lines([table, timing] if run is runs[-1] else [table]))


def _series_meant(name: str, model: Model) -> tuple[Variable, tuple[str, ...]]:
    """Find a variable, and the elements that are named in brackets; none stand for all."""
    from plansim.scenario.references import cells_meant
    from plansim.targets.labels import reference_named

    reference = reference_named(model, name)
    return cells_meant(model, reference) if "[" in reference else (model.find(reference), ())


@click.command(epilog="Example: plansim check baseline accelerated-growth --all")
@click.option("--strict", is_flag=True, help="Exit with 1 where a binding target is missed.")
@click.option(
    "--strict-share",
    "least",
    metavar="N",
    type=WholeNumber(1, 100),
    help="Exit with 1 where fewer than N of 100 plausible models meet a binding target.",
)
@click.option(
    "--all", "every", is_flag=True, help="List all targets, also those that cannot be judged."
)
@click.option("--changes", is_flag=True, help="Say first what each scenario changes.")
@format_option("table", "json", "csv")
@scenario_options(several=True, engine=True)
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
    from plansim.output.export import results as export
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
    told = [changes_of(one, inputs.model, terminal) for one in scenarios if changes]
    if form == "table":
        titles = {
            scenario.id: terminal.text.pick(scenario.title_en, scenario.title_zh)
            for scenario in scenarios
        }
        table = verdict_table(verdicts, targets, terminal.text, titles=titles, every=every)
        hints = _hints(verdicts, arguments, every=every, changes=changes)
        terminal.show(*["\n".join(told)] * changes, table, *hints)
    else:
        if told:
            remark("\n".join(told))
        write = export.verdicts_json if form == "json" else export.verdicts_csv
        machine(write(verdicts))
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
    with terminal.progress(terminal.text("check.members")):
        return list(with_shares(verdicts, inputs.model, inputs.scenarios, inputs.targets))


word_options = combined(
    click.argument("words", metavar="[WORD]...", nargs=-1), model_option, terminal_option
)


@command_group(
    name="list",
    epilog="Example: plansim list variables pension",
)
def list_() -> None:
    """List what there is: scenarios, variables, levers, targets."""


@list_.command(name="scenarios", epilog="Example: plansim list scenarios")
@terminal_option
def list_scenarios(terminal: Terminal) -> None:
    """List the scenarios that come with plansim, each below its parent, and the overlays."""
    from plansim.output.tables.listing import scenario_list
    from plansim.scenario.scenario_file import list_overlays
    from plansim.scenario.scenario_file import list_scenarios as heads

    terminal.show(scenario_list([*heads(), *list_overlays()], terminal.text))


@list_.command(name="variables", epilog="Example: plansim list variables pension")
@word_options
def list_variables(words: tuple[str, ...], model: Path | None, terminal: Terminal) -> None:
    """List the variables of the model, by module.

    With WORD only those whose names, meaning, module, kind or unit hold it, in either language.
    """
    from plansim.output.tables.listing import variable_list

    terminal.show(variable_list(model_at(model), terminal.text, words=words))


@list_.command(name="levers", epilog="Example: plansim list levers water")
@word_options
def list_levers(words: tuple[str, ...], model: Path | None, terminal: Terminal) -> None:
    """List the levers, each with its range, its present value, its unit and its constant.

    With WORD only those whose label, meaning or constant hold it, in either language. Every command
    that takes a constant takes the label, too.
    """
    from plansim.output.tables.listing import lever_list
    from plansim.targets.views_file import load_views

    read = model_at(model)
    terminal.show(lever_list(load_views(read), read, terminal.text, words=words))


@list_.command(name="targets", epilog="Example: plansim list targets water")
@word_options
def list_targets(words: tuple[str, ...], model: Path | None, terminal: Terminal) -> None:
    """List the plan's targets, each with the variable that judges it or why none does.

    With WORD only those whose id, names, wording, label or variable hold it, in either language.
    """
    from plansim.output.tables.listing import target_list

    inputs = read_inputs((), model, whole=True)
    terminal.show(target_list(inputs.targets, inputs.model, terminal.text, words=words))


@click.command(epilog="Example: plansim show M28")
@click.argument("name", shell_complete=items(all_names))
@model_option
@terminal_option
def show(name: str, model: Path | None, terminal: Terminal) -> None:
    """Show all that is known of NAME: a variable, a scenario, the id of a target or a clash."""
    from plansim.output.tables.layout import facts

    terminal.show(facts(_facts(name, _with_constant(name, model_at(model)), terminal)))


def _with_constant(name: str, model: Model) -> Model:
    """Return the variant of a model that has a constant by which a lever is bent."""
    from plansim.scenario.levers import added_constant
    from plansim.scenario.variant import for_scenarios

    added = added_constant(model, name.partition("[")[0])
    return for_scenarios(model, (), [added.name]) if added else model


def _facts(name: str, model: Model, terminal: Terminal) -> list[tuple[str, str]]:
    """Find what NAME names: the id of a target, a variable, a scenario, or a clash."""
    from plansim.errors import Fault, UnknownNameError, nearest
    from plansim.model.evidence import load_evidence
    from plansim.model.records import folded
    from plansim.output.describe import (
        clash_facts,
        scenario_facts,
        target_facts,
    )
    from plansim.output.variables import ModelFacts, variable_facts
    from plansim.scenario.scenario_file import list_overlays, read_overlay, read_scenario
    from plansim.scenario.scenario_file import list_scenarios as heads
    from plansim.targets.catalogue import load_targets

    targets = {folded(target.id): target for target in load_targets(model=model)}
    if folded(name) in targets:
        return target_facts(targets[folded(name)], model, terminal.text)
    from plansim.targets.audit import clashes_beside  # loads what a target does without

    clashes = {folded(clash.id): clash for clash in clashes_beside(model)}
    if folded(name) in clashes:
        return clash_facts(clashes[folded(name)], terminal.text)
    try:
        variable = _variable(name, model)
    except UnknownNameError:
        pass
    else:
        evidence = load_evidence(model.path.parent)
        facts = ModelFacts(
            model, tuple(targets.values()), evidence, tuple(clashes.values()), terminal.text
        )
        return variable_facts(variable, facts)
    try:
        return scenario_facts(read_scenario(name, model), model, terminal.text)
    except UnknownNameError:
        pass
    try:
        return scenario_facts(read_overlay(name, model), model, terminal.text)
    except UnknownNameError:
        names = [*model.variables, *(variable.name_zh for variable in model.variables.values())]
        names += [head.id for head in (*heads(), *list_overlays())]
        names += [target.id for target in targets.values()]
        names += [clash.id for clash in clashes.values()]
        close = nearest(name, names)
        message = Message("no variable, target, scenario or clash is called '{name}'", name=name)
        raise UnknownNameError(Fault(message, nearest=close)) from None


def _variable(name: str, model: Model) -> Variable:
    """Find a variable, or one element of a constant: ``NAME[element]``."""
    variable, cells = _series_meant(name, model)
    if not cells or not isinstance(variable.value, Mapping):
        return variable
    return replace(variable, value={cell: variable.value[cell] for cell in cells})
