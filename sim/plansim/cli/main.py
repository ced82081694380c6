"""The command ``plansim``: parse, call, print.

Nothing is computed here. Each command reads its inputs, calls the package and writes one text to
standard output; remarks (changes of a scenario under json and csv, warnings, progress) go to
standard error. The rest of the package is imported inside the commands, so that ``--help`` and
completion are quick.

Exit codes: 0, all well; 1, ``--strict`` and a binding target is missed, or a test of ``validate``
fails; 2, the input or the output is at fault (one message, no traceback); 130, interrupted; 141,
the reader of the output has left.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import get_completion_class

from plansim.cli.calibrate import COMMANDS as CALIBRATE
from plansim.cli.compare import COMMANDS as COMPARE
from plansim.cli.context import (
    Page,
    ReaderLeftError,
    UsageError,
    all_names,
    changes_of,
    engine_option,
    format_option,
    items,
    lang_option,
    machine,
    model_at,
    model_option,
    named_or_whole,
    page_for,
    raise_all,
    remark,
    scenario_names,
    scenarios_of,
    set_option,
    simulated,
    simulated_years,
    targets_of,
    variable_names,
    write,
)
from plansim.cli.decide import COMMANDS as UNCERTAINTY
from plansim.cli.document import COMMANDS as DOCUMENT
from plansim.cli.export import COMMANDS as EXPORT
from plansim.cli.help import BilingualGroup, language_on
from plansim.cli.page import COMMANDS as PAGE
from plansim.cli.plot import COMMANDS as PLOT
from plansim.cli.sweep import COMMANDS
from plansim.cli.validate import COMMANDS as VALIDATE
from plansim.cli.why import COMMANDS as CAUSES
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.errors import Fault, Say
    from plansim.model.records import Model, Variable
    from plansim.scenario.reader import Scenario
    from plansim.targets.audit import Clash

__all__ = ["main", "plansim"]

PROGRAM = "plansim"
COMPLETE_VARIABLE = "_PLANSIM_COMPLETE"
BROKEN_PIPE = 128 + 13
INTERRUPTED = 128 + 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    from plansim.errors import PlansimError

    line = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Chinese shows ?
    try:
        code = plansim.main(
            arguments,
            prog_name=PROGRAM,
            complete_var=COMPLETE_VARIABLE,
            standalone_mode=False,
        )
    except click.UsageError as error:
        click.echo(f"{PROGRAM}: {_in_words(error, _say_on(line))}", err=True)
        return 2
    except PlansimError as error:
        click.echo(f"{PROGRAM}: {error.written(_say_on(line))}", err=True)
        return 2
    except ReaderLeftError:
        # What is left in the buffer must go somewhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _in_words(error: click.UsageError, say: Say) -> str:
    """Return what is wrong with a line, and which help says more."""
    text = error.format_message()
    if isinstance(error, UsageError):
        text = error.said.written(say)
    if error.ctx is None:
        return text
    command = error.ctx.command_path
    if text.endswith(("?", "？", ")", "）")):
        return Message("{text} See '{command} --help'.", text=text, command=command).written(say)
    text = text.rstrip(".。")
    return Message("{text}. See '{command} --help'.", text=text, command=command).written(say)


def _say_on(line: Sequence[str]) -> Say:
    """Choose how errors are said to whoever typed this line."""
    from plansim.output.messages import say_in

    return say_in(language_on(line))


# --- the commands ---------------------------------------------------------------------------------


@click.group(
    cls=BilingualGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name=PROGRAM)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    help="Language of the output and of this help; else the locale's.",
)
@click.pass_context
def plansim(context: click.Context, lang: str | None) -> None:
    """Simulate a city under its five-year plan and judge every target of the plan.

    Names may be English or Chinese. Exit codes: 0, all well; 1, --strict and a binding target is
    missed; 2, the input or the output is at fault.
    """
    _begin_group(context, plansim, lang)


def _defaults(group: click.Group, lang: str) -> dict[str, Any]:
    """Make a language the default of every command of a group."""
    return {
        name: _defaults(command, lang) if isinstance(command, click.Group) else {"lang": lang}
        for name, command in group.commands.items()
    }


def _begin_group(context: click.Context, group: click.Group, lang: str | None) -> None:
    """Hand the language on to the group's command; without a command, show the group's help."""
    if lang is not None:
        context.default_map = _defaults(group, lang)
    if context.invoked_subcommand is None:
        write(context.get_help())


@plansim.command()
@click.argument("scenario", required=False, shell_complete=items(scenario_names))
@set_option
@click.option(
    "--variable",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=items(variable_names),
    help="Show this variable instead of those that targets judge; may be given again.",
)
@model_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write the run to FILE.nc, .csv, .xlsx or .parquet.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@format_option("table", "json", "csv")
@engine_option
@lang_option
def run(
    scenario: str | None,
    overrides: tuple[str, ...],
    names: tuple[str, ...],
    model: Path | None,
    output: Path | None,
    force: bool,
    form: str,
    engine: str,
    lang: str | None,
) -> None:
    """Simulate SCENARIO and show annual figures.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --model it may be
    left out, to run the model as it is written. Without --variable the table shows what targets
    judge, in their units; a file holds all variables.
    """
    from plansim.output.export import results as export
    from plansim.output.export.results import check_destination
    from plansim.output.series import as_judged, judged_series, rows_of
    from plansim.output.tables.layout import lines
    from plansim.output.tables.series import series_table

    page = page_for(lang)
    if output is not None:
        check_destination(output, force=force)
    named = named_or_whole([scenario] if scenario else [], overrides, model)
    read = model_at(model)
    targets = targets_of(read)
    faults: list[Fault] = []
    scenarios = scenarios_of(named, overrides, read, targets, faults)
    chosen = _chosen(names, read, faults)
    raise_all(faults)
    years = simulated_years(read, scenarios[0], engine, page)
    if output is not None:
        _write(read, scenarios[0], engine, page, list(chosen), output, force=force)
    moving = [name for name, each in years.variables.items() if each.moves]
    some = {name: labels for name, labels in chosen.items() if labels}
    series = [
        each
        for each in rows_of(years, chosen or moving)
        if each.name in some.get(each.name.partition("[")[0], {each.name})
    ]
    # A model that the targets do not know shows all that moves.
    shown = (not chosen and judged_series(series, targets)) or list(as_judged(series, targets))
    changes = changes_of(scenarios[0], read, page)
    if form == "table":
        first = sorted({target.year for target in targets if target.year is not None})
        table = series_table(shown, years.years, page.text, first=first)
        page.show(changes, lines([table, page.text("run.timing")]))
    else:
        remark(changes)
        write = export.run_json if form == "json" else export.run_csv
        machine(write(shown, years.card))
    if output is not None:
        remark(page.text("run.written", path=output))


def _write(
    model: Model,
    scenario: Scenario,
    engine: str,
    page: Page,
    chosen: Sequence[str],
    output: Path,
    *,
    force: bool,
) -> None:
    """Write a run, whole or what was chosen of it, to a file."""
    from plansim.engine.dataset import annual
    from plansim.output.export.tables import write_run

    dataset = simulated(model, scenario, engine, page)
    by_year = annual(dataset)
    moving = [str(name) for name in by_year if "year" in by_year[name].dims]
    yearly = by_year[list(chosen) or moving].assign_coords(year=by_year["year"])
    write_run(dataset[list(chosen)] if chosen else dataset, yearly, output, force=force)


def _chosen(names: Iterable[str], model: Model, faults: list[Fault]) -> dict[str, set[str]]:
    """Find variables to show, and of each the series if not all; a table of a function has none."""
    from plansim.errors import Fault, InputError
    from plansim.model.records import VariableKind

    origin, hint = "--variable", Message("a name of 'plansim list variables'")
    found: dict[str, set[str]] = {}
    for name in names:
        try:
            variable, cells = _series_meant(name, model)
        except InputError as error:
            faults += [
                replace(each, file=origin, expected=each.expected or hint) for each in error.faults
            ]
            continue
        if variable.kind is VariableKind.LOOKUP:
            message = Message(
                "'{name}' is a lookup table: it has no value over time", name=variable.name
            )
            faults.append(Fault(message, model.path, variable.line))
        labels = (f"{variable.name}[{cell}]" for cell in cells)
        found.setdefault(variable.name, set()).update(labels)
    return found


def _series_meant(name: str, model: Model) -> tuple[Variable, tuple[str, ...]]:
    """Find a variable, and the elements that are named in brackets; none stand for all."""
    if "[" not in name:
        return model.find(name), ()
    from plansim.scenario.references import cells_meant

    return cells_meant(model, name)


@plansim.command()
@click.argument("scenario", nargs=-1, shell_complete=items(scenario_names))
@set_option
@model_option
@click.option("--strict", is_flag=True, help="Exit with 1 where a binding target is missed.")
@click.option("--all", "every", is_flag=True, help="List the targets that cannot be judged too.")
@format_option("table", "json", "csv")
@engine_option
@lang_option
def check(
    scenario: tuple[str, ...],
    overrides: tuple[str, ...],
    model: Path | None,
    strict: bool,
    every: bool,
    form: str,
    engine: str,
    lang: str | None,
) -> int:
    """Judge the plan's targets under one or more scenarios, side by side.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --model it may be
    left out, to judge the model as it is written.
    """
    from plansim.output.export import results as export
    from plansim.output.tables.verdicts import verdict_table
    from plansim.targets.catalogue import FILE_NAME, Attribute, Status
    from plansim.targets.verdict import verdicts_of

    page = page_for(lang)
    named = named_or_whole(scenario, overrides, model)
    read = model_at(model)
    targets = targets_of(read)
    faults: list[Fault] = []
    scenarios = scenarios_of(named, overrides, read, targets, faults)
    raise_all(faults)
    if not read.path.with_name(FILE_NAME).is_file():
        remark(page.text("check.borrowed", model=read.path))
    verdicts = [
        verdict
        for each in scenarios
        for verdict in verdicts_of(simulated_years(read, each, engine, page), targets)
    ]
    changes = "\n".join(changes_of(each, read, page) for each in scenarios)
    if form == "table":
        table = verdict_table(
            verdicts,
            targets,
            page.text,
            titles={each.id: page.text.pick(each.title_en, each.title_zh) for each in scenarios},
            every=every,
        )
        page.show(changes, table)
    else:
        remark(changes)
        write = export.verdicts_json if form == "json" else export.verdicts_csv
        machine(write(verdicts))
    failed = any(
        verdict.attribute is Attribute.BINDING and verdict.status is Status.MISSED
        for verdict in verdicts
    )
    return 1 if strict and failed else 0


@plansim.group(name="list", invoke_without_command=True)
@lang_option
@click.pass_context
def list_(context: click.Context, lang: str | None) -> None:
    """List what there is: scenarios, variables, targets."""
    _begin_group(context, list_, lang)


@list_.command(name="scenarios")
@lang_option
def list_scenarios(lang: str | None) -> None:
    """List the scenarios that come with plansim, each below its parent."""
    from plansim.output.tables.listing import scenario_list
    from plansim.scenario.reader import list_scenarios as heads

    page = page_for(lang)
    page.show(scenario_list(heads(), page.text))


@list_.command(name="variables")
@click.argument("words", metavar="[WORD]...", nargs=-1)
@model_option
@lang_option
def list_variables(words: tuple[str, ...], model: Path | None, lang: str | None) -> None:
    """List the variables of the model, by module.

    With WORD only those whose names, meaning, module, kind or unit hold it, in either language.
    """
    from plansim.output.tables.listing import variable_list

    page = page_for(lang)
    page.show(variable_list(model_at(model), page.text, words=words))


@list_.command(name="targets")
@click.argument("words", metavar="[WORD]...", nargs=-1)
@model_option
@lang_option
def list_targets(words: tuple[str, ...], model: Path | None, lang: str | None) -> None:
    """List the plan's targets, each with the variable that judges it or why none does.

    With WORD only those whose id, names, wording, label or variable hold it, in either language.
    """
    from plansim.output.tables.listing import target_list

    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    page.show(target_list(targets, read, page.text, words=words))


@plansim.command()
@click.argument("name", shell_complete=items(all_names))
@model_option
@lang_option
def show(name: str, model: Path | None, lang: str | None) -> None:
    """Show all that is known of NAME: a variable, a scenario, the id of a target or a clash."""
    from plansim.output.tables.layout import facts

    page = page_for(lang)
    page.show(facts(_facts(name, model_at(model), page)))


def _facts(name: str, model: Model, page: Page) -> list[tuple[str, str]]:
    """Find what NAME names: the id of a target, a variable, a scenario, or a clash."""
    from plansim.errors import Fault, UnknownNameError, nearest
    from plansim.model.evidence import load_evidence
    from plansim.model.records import folded
    from plansim.output.describe import clash_facts, scenario_facts, target_facts, variable_facts
    from plansim.scenario.reader import list_scenarios as heads
    from plansim.scenario.reader import read_scenario

    targets = {folded(target.id): target for target in targets_of(model)}
    if folded(name) in targets:
        return target_facts(targets[folded(name)], model, page.text)
    clashes = {folded(clash.id): clash for clash in _clashes(model)}
    if folded(name) in clashes:
        return clash_facts(clashes[folded(name)], page.text)
    try:
        variable = _variable(name, model)
    except UnknownNameError:
        pass
    else:
        evidence = load_evidence(model.path.parent)
        return variable_facts(
            variable, model, targets.values(), evidence, clashes.values(), page.text
        )
    try:
        return scenario_facts(read_scenario(name, model), model, page.text)
    except UnknownNameError:
        names = [*model.variables, *(each.name_zh for each in model.variables.values())]
        names += [head.id for head in heads()]
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


def _clashes(model: Model) -> tuple[Clash, ...]:
    """Read the audit beside a model, if there is one."""
    from plansim.targets.audit import FILE_NAME, audit_plan

    folder = model.path.parent
    return audit_plan(folder) if (folder / FILE_NAME).is_file() else ()


@plansim.command()
@format_option("table", "json")
@lang_option
def audit(form: str, lang: str | None) -> None:
    """Recompute where the plan's own figures disagree, and say what the model does about it."""
    from plansim.output.describe import clash_facts
    from plansim.output.export.json_text import json_text
    from plansim.output.tables.layout import facts
    from plansim.targets.audit import audit_plan

    page = page_for(lang)
    clashes = audit_plan()
    if form == "json":
        machine(json_text(clashes))
        return
    blocks = (facts(clash_facts(clash, page.text, figures=False)) for clash in clashes)
    page.show(page.text("audit.title", count=len(clashes)), *blocks)


COMPLETION_HELP = """Print the script that makes SHELL complete commands, scenarios and names.

\b
bash: echo 'eval "$(plansim completion bash)"' >> ~/.bashrc
zsh:  echo 'eval "$(plansim completion zsh)"' >> ~/.zshrc
fish: plansim completion fish > ~/.config/fish/completions/plansim.fish
"""


@plansim.command(help=COMPLETION_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@lang_option
def completion(shell: str, lang: str | None) -> None:
    """Print the script that makes SHELL complete commands, scenarios, variables and targets.

    ``lang`` is that of the command's help and errors: the script is in no language.
    """
    found = get_completion_class(shell)
    assert found is not None  # click knows the three shells of the choice
    click.echo(found(plansim, {}, PROGRAM, COMPLETE_VARIABLE).source())


EVERY = (
    *COMMANDS,
    *CALIBRATE,
    *CAUSES,
    *COMPARE,
    *DOCUMENT,
    *EXPORT,
    *PAGE,
    *PLOT,
    *UNCERTAINTY,
    *VALIDATE,
)
for command in EVERY:
    plansim.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
