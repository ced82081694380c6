"""The command ``plansim``: parse, call, print.

Nothing is computed here. Each command reads its inputs, calls the package and writes one text to
standard output; remarks (changes of a scenario under json and csv, warnings, progress) go to
standard error. The rest of the package is imported inside the commands, so that ``--help`` and
completion are quick.

Exit codes: 0, all well; 1, ``--strict`` and a binding target is missed; 2, the input or the
output is at fault (one message, no traceback); 130, interrupted; 141, the reader of the output
has left.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    import xarray as xr

    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.model.scenario import Scenario
    from plansim.plan.audit import Clash
    from plansim.plan.targets import Target
    from plansim.present.text import Text

__all__ = ["main", "plansim"]

PROGRAM = "plansim"
COMPLETE_VARIABLE = "_PLANSIM_COMPLETE"
PIPE_WIDTH = 100
"""Columns of a table where nobody says how wide the terminal is."""
PATIENCE = 1.0
"""Seconds of silence before a run says that it is at work."""
BROKEN_PIPE = 128 + 13
INTERRUPTED = 128 + 2

Input = TypeVar("Input")


# --- the edge: streams, width, language, errors ---------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    from plansim.errors import PlansimError

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
        hint = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
        click.echo(f"{PROGRAM}: {error.format_message()}{hint}", err=True)
        return 2
    except PlansimError as error:
        click.echo(f"{PROGRAM}: {error}", err=True)
        return 2
    except _ReaderLeftError:
        # What is left in the buffer must go somewhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return code if isinstance(code, int) else 0


@dataclass(frozen=True)
class Page:
    """How to write for whoever reads: the phrases, the width, whether there is colour."""

    text: Text
    width: int = field(default_factory=lambda: shutil.get_terminal_size((PIPE_WIDTH, 24)).columns)
    colour: bool = field(
        default_factory=lambda: (
            sys.stdout.isatty()
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )
    )

    def show(self, text: str) -> None:
        """Write to standard output."""
        _write(text, colour=self.colour)


class _ReaderLeftError(Exception):
    """Whoever read the output wants no more; click would leave with 1, which means missed here."""


def _write(text: str, *, colour: bool = False) -> None:
    try:
        click.echo(text, color=colour)
    except BrokenPipeError as error:
        raise _ReaderLeftError from error


def _page(lang: str | None) -> Page:
    from plansim.present.text import language, read_text

    return Page(read_text(language(lang, os.environ)))


def _machine(text: str) -> None:
    """Write JSON or CSV: UTF-8 whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    _write(text.removesuffix("\n"))


def _remark(text: str) -> None:
    click.echo(text, err=True)


@contextmanager
def _patience(message: str) -> Iterator[None]:
    """Say on a terminal's standard error what takes so long, and wipe it out afterwards."""
    if not sys.stderr.isatty():
        yield
        return
    said = threading.Event()

    def say() -> None:
        said.set()
        click.echo(f"{message} ...", err=True, nl=False)

    timer = threading.Timer(PATIENCE, say)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if said.is_set():
            click.echo("\r\x1b[K", err=True, nl=False)


def _all_or_faults(
    read: Callable[[str], Input], names: Iterable[str], faults: list[Fault]
) -> list[Input]:
    """Read each name; collect the faults of all instead of stopping at the first."""
    from plansim.errors import InputError

    found = []
    for name in names:
        try:
            found.append(read(name))
        except InputError as error:
            faults += error.faults
    return found


def _raise(faults: Sequence[Fault]) -> None:
    from plansim.errors import InputError

    if faults:
        raise InputError(dict.fromkeys(faults))


# --- completion -----------------------------------------------------------------------------------


def _items(found: Callable[[click.Context], Iterable[str]]) -> Callable[..., list[CompletionItem]]:
    """Make a completer of a function that gives names; a broken input completes to nothing."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from plansim.errors import PlansimError
        from plansim.model.records import folded

        if "/" in incomplete or incomplete.startswith("."):
            return [CompletionItem(incomplete, type="file")]
        try:
            names = list(found(context))
        except PlansimError:
            return []
        typed = folded(incomplete)
        # A blank would end the word in the shell; `_` stands for one in every name.
        return [
            CompletionItem(name.replace(" ", "_"))
            for name in names
            if folded(name).startswith(typed)
        ]

    return complete


def _scenario_names(context: click.Context) -> Iterator[str]:
    from plansim.resources import shipped

    return (path.stem for path in sorted(shipped("scenarios").glob("*.yaml")))


def _variable_names(context: click.Context) -> Iterator[str]:
    model = _model(context.params.get("model"), quiet=True)
    for variable in model.variables.values():
        yield variable.name
        if variable.name_zh:
            yield variable.name_zh


def _constant_names(context: click.Context) -> Iterator[str]:
    from plansim.model.records import VariableKind

    settable = {VariableKind.CONSTANT, VariableKind.CONTROL}
    model = _model(context.params.get("model"), quiet=True)
    return (f"{each.name}=" for each in model.variables.values() if each.kind in settable)


def _all_names(context: click.Context) -> Iterator[str]:
    yield from _scenario_names(context)
    yield from _variable_names(context)
    yield from _target_ids()


def _target_ids() -> Iterator[str]:
    """Give the ids in the shipped catalogue by their lines.

    To read it whole, or only to import `plan.targets` for the file's name, takes too long between
    two keys.
    """
    from plansim.resources import shipped

    for line in shipped("model", "targets.yaml").read_text("utf-8").splitlines():
        if line.startswith("- id: "):
            yield line.removeprefix("- id: ").strip()


# --- options --------------------------------------------------------------------------------------

_lang = click.option(
    "--lang", type=click.Choice(["en", "zh"]), help="Language of the output; else the locale's."
)
_model_option = click.option(
    "--model",
    metavar="FILE.mdl",
    type=click.Path(path_type=Path),
    help="Another Vensim model, with its own targets.yaml beside it if it has one.",
)
_set = click.option(
    "--set",
    "overrides",
    metavar="NAME=VALUE",
    multiple=True,
    shell_complete=_items(_constant_names),
    help="Set a constant over the scenario; may be given again.",
)


_engine = click.option(
    "--engine",
    type=click.Choice(["compiled", "pysd"]),
    default="compiled",
    show_default=True,
    help="What computes the run; pysd is the slow reference.",
)


def _format(*choices: str) -> Callable[[Any], Any]:
    return click.option(
        "--format", "form", type=click.Choice(choices), default=choices[0], show_default=True
    )


# --- reading --------------------------------------------------------------------------------------


def _model(path: Path | None, *, quiet: bool = False) -> Model:
    from plansim.model.mdl import load_model

    model = load_model(path)
    if not quiet:
        _warn(model.warnings)
    return model


def _targets(model: Model) -> tuple[Target, ...]:
    from plansim.plan.targets import load_targets

    return load_targets(model=model)


def _named(names: Sequence[str], overrides: Sequence[str], model: Path | None) -> Sequence[str]:
    """See that there is something to run; no names stand for another model as it is written."""
    if not names and (model is None or overrides):
        why = "--set needs a scenario" if overrides else "Missing argument 'SCENARIO'"
        raise click.UsageError(f"{why}; 'plansim list scenarios' gives those that there are.")
    return names


def _scenarios(
    names: Sequence[str],
    overrides: Sequence[str],
    model: Model,
    targets: Sequence[Target],
    faults: list[Fault],
) -> list[Scenario]:
    """Read scenarios, each once; what is wrong with any of them goes to ``faults``."""
    from plansim.errors import Fault, nearest
    from plansim.model.scenario import as_written, read_scenario

    if not names:
        return [as_written(model)]
    read = _all_or_faults(lambda name: read_scenario(name, model, overrides), names, faults)
    found = list({each.path and each.path.resolve(): each for each in read}.values())
    by_id: dict[str, Scenario] = {}
    for scenario in found:
        if (other := by_id.setdefault(scenario.id, scenario)) is not scenario:
            message = f"two scenarios are called '{scenario.id}'; one of the files needs a new name"
            faults.append(Fault(message, scenario.path, found=f"also {other.path}"))
    ids = [target.id for target in targets]
    for scenario in found:
        for key, (file, line) in scenario.assumed_lines.items():
            if key not in ids:
                message = f"no target has the id '{key}'"
                faults.append(Fault(message, file, line, nearest=nearest(key, ids)))
        _warn(scenario.warnings)
    return found


def _warn(warnings: Iterable[Fault]) -> None:
    for warning in dict.fromkeys(warnings):
        _remark(f"warning: {warning}")


def _simulate(model: Model, scenario: Scenario, engine: str, page: Page) -> xr.Dataset:
    with _patience(page.text("run.simulating", scenario=scenario.id)):
        from plansim.engine.run import simulate

        return simulate(model, scenario, engine=engine)


MOST_CHANGES = 8
"""Changes of a scenario that are shown before a table; `plansim show` gives all."""


def _changes(scenario: Scenario, model: Model, page: Page) -> str:
    from plansim.present.describe import changes_head, changes_in_short

    changes = changes_in_short(scenario, model, page.text)
    lines = changes[:MOST_CHANGES]
    if (more := len(changes) - MOST_CHANGES) > 0:
        lines.append(page.text("changes.more", count=more, scenario=scenario.id))
    if scenario.assumed:
        ids = page.text.join(list(scenario.assumed))
        lines.append(page.text("changes.assumes", ids=ids))
    return "\n  ".join([changes_head(scenario, page.text), *lines])


# --- the commands ---------------------------------------------------------------------------------


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name=PROGRAM)
@click.pass_context
def plansim(context: click.Context) -> None:
    """Simulate a city under its five-year plan and judge every target of the plan.

    Names may be English or Chinese. Exit codes: 0, all well; 1, --strict and a binding target is
    missed; 2, the input or the output is at fault.
    """
    _help_alone(context)


def _help_alone(context: click.Context) -> None:
    """Show the help of a group that is called without a command."""
    if context.invoked_subcommand is None:
        _write(context.get_help())


@plansim.command()
@click.argument("scenario", required=False, shell_complete=_items(_scenario_names))
@_set
@click.option(
    "--variable",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=_items(_variable_names),
    help="Show this variable instead of those that targets judge; may be given again.",
)
@_model_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write the run to FILE.nc, .csv, .xlsx or .parquet.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@_format("table", "json", "csv")
@_engine
@_lang
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
    from plansim.engine.dataset import annual
    from plansim.present import export
    from plansim.present.export import check_destination, write_run
    from plansim.present.series import as_judged, judged_series, series_of
    from plansim.present.table import series_table

    page = _page(lang)
    if output is not None:
        check_destination(output, force=force)
    named = _named([scenario] if scenario else [], overrides, model)
    read = _model(model)
    targets = _targets(read)
    faults: list[Fault] = []
    scenarios = _scenarios(named, overrides, read, targets, faults)
    chosen = _chosen(names, read, faults)
    _raise(faults)
    dataset = _simulate(read, scenarios[0], engine, page)
    by_year = annual(dataset)
    moving = [str(name) for name in by_year if "year" in by_year[name].dims]
    yearly = by_year[chosen or moving].assign_coords(year=by_year["year"])
    if output is not None:
        write_run(dataset[chosen] if chosen else dataset, yearly, output, force=force)
    series = list(series_of(yearly))
    # A model that the targets do not know shows all that moves.
    shown = (not chosen and judged_series(series, targets)) or list(as_judged(series, targets))
    changes = _changes(scenarios[0], read, page)
    if form == "table":
        years = [int(year) for year in yearly["year"].values]
        first = sorted({target.year for target in targets if target.year is not None})
        table = series_table(shown, years, page.text, page.width, first=first, colour=page.colour)
        page.show(f"{changes}\n\n{table}\n{page.text('run.timing')}")
    else:
        _remark(changes)
        write = export.run_json if form == "json" else export.run_csv
        _machine(write(shown, export.card_of(dataset)))
    if output is not None:
        _remark(page.text("run.written", path=output))


def _chosen(names: Iterable[str], model: Model, faults: list[Fault]) -> list[str]:
    """Find variables to show; a table of a function has no value to be shown."""
    from plansim.errors import Fault
    from plansim.model.records import VariableKind

    found = _all_or_faults(model.find, names, faults)
    faults += [
        Fault(f"'{each.name}' is a lookup table: it has no value over time", model.path, each.line)
        for each in found
        if each.kind is VariableKind.LOOKUP
    ]
    return list(dict.fromkeys(each.name for each in found))


@plansim.command()
@click.argument("scenario", nargs=-1, shell_complete=_items(_scenario_names))
@_set
@_model_option
@click.option("--strict", is_flag=True, help="Exit with 1 where a binding target is missed.")
@click.option("--all", "every", is_flag=True, help="List the targets that cannot be judged too.")
@_format("table", "json", "csv")
@_engine
@_lang
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
    from plansim.plan.check import check_targets
    from plansim.plan.targets import FILE_NAME, Attribute, Status
    from plansim.present import export
    from plansim.present.table import verdict_table

    page = _page(lang)
    named = _named(scenario, overrides, model)
    read = _model(model)
    targets = _targets(read)
    faults: list[Fault] = []
    scenarios = _scenarios(named, overrides, read, targets, faults)
    _raise(faults)
    if not read.path.with_name(FILE_NAME).is_file():
        _remark(page.text("check.borrowed", model=read.path))
    verdicts = [
        verdict
        for each in scenarios
        for verdict in check_targets(_simulate(read, each, engine, page), targets)
    ]
    changes = "\n".join(_changes(each, read, page) for each in scenarios)
    if form == "table":
        table = verdict_table(
            verdicts,
            targets,
            page.text,
            page.width,
            titles={each.id: page.text.pick(each.title_en, each.title_zh) for each in scenarios},
            every=every,
            colour=page.colour,
        )
        page.show(f"{changes}\n\n{table}")
    else:
        _remark(changes)
        write = export.verdicts_json if form == "json" else export.verdicts_csv
        _machine(write(verdicts))
    failed = any(
        verdict.attribute is Attribute.BINDING and verdict.status is Status.MISSED
        for verdict in verdicts
    )
    return 1 if strict and failed else 0


@plansim.group(name="list", invoke_without_command=True)
@click.pass_context
def list_(context: click.Context) -> None:
    """List what there is: scenarios, variables, targets."""
    _help_alone(context)


@list_.command(name="scenarios")
@_lang
def list_scenarios(lang: str | None) -> None:
    """List the scenarios that come with plansim, each below its parent."""
    from plansim.model.scenario import list_scenarios as heads
    from plansim.present.listing import scenario_list

    page = _page(lang)
    page.show(scenario_list(heads(), page.text, page.width, colour=page.colour))


@list_.command(name="variables")
@_model_option
@_lang
def list_variables(model: Path | None, lang: str | None) -> None:
    """List the variables of the model, by module."""
    from plansim.present.listing import variable_list

    page = _page(lang)
    page.show(variable_list(_model(model), page.text, page.width, colour=page.colour))


@list_.command(name="targets")
@_model_option
@_lang
def list_targets(model: Path | None, lang: str | None) -> None:
    """List the plan's targets, each with the variable that judges it or why none does."""
    from plansim.present.listing import target_list

    page = _page(lang)
    page.show(target_list(_targets(_model(model)), page.text, page.width, colour=page.colour))


@plansim.command()
@click.argument("name", shell_complete=_items(_all_names))
@_model_option
@_lang
def show(name: str, model: Path | None, lang: str | None) -> None:
    """Show all that is known of NAME: a variable, a scenario, the id of a target or a clash."""
    from plansim.present.table import facts

    page = _page(lang)
    page.show(facts(_facts(name, _model(model), page), page.width, colour=page.colour))


def _facts(name: str, model: Model, page: Page) -> list[tuple[str, str]]:
    """Find what NAME names: the id of a target, a variable, a scenario, or a clash."""
    from plansim.errors import Fault, UnknownNameError, nearest
    from plansim.model.evidence import load_evidence
    from plansim.model.records import folded
    from plansim.model.scenario import list_scenarios as heads
    from plansim.model.scenario import read_scenario
    from plansim.present.describe import clash_facts, scenario_facts, target_facts, variable_facts

    targets = {folded(target.id): target for target in _targets(model)}
    if folded(name) in targets:
        return target_facts(targets[folded(name)], page.text)
    clashes = {folded(clash.id): clash for clash in _clashes(model)}
    if folded(name) in clashes:
        return clash_facts(clashes[folded(name)], page.text)
    try:
        variable = model.find(name)
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
        message = f"no variable, target, scenario or clash is called '{name}'"
        raise UnknownNameError(Fault(message, nearest=close)) from None


def _clashes(model: Model) -> tuple[Clash, ...]:
    """Read the audit beside a model, if there is one."""
    from plansim.plan.audit import FILE_NAME, audit_plan

    folder = model.path.parent
    return audit_plan(folder) if (folder / FILE_NAME).is_file() else ()


@plansim.command()
@_format("table", "json")
@_lang
def audit(form: str, lang: str | None) -> None:
    """Recompute where the plan's own figures disagree, and say what the model does about it."""
    from plansim.plan.audit import audit_plan
    from plansim.present.describe import clash_facts
    from plansim.present.export import audit_json
    from plansim.present.table import facts

    page = _page(lang)
    clashes = audit_plan()
    if form == "json":
        _machine(audit_json(clashes))
        return
    blocks = [
        facts(clash_facts(clash, page.text, figures=False), page.width, colour=page.colour)
        for clash in clashes
    ]
    page.show("\n\n".join([page.text("audit.title", count=len(clashes)), *blocks]))


@plansim.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print the script that makes SHELL complete commands, scenarios, variables and targets.

    \b
    bash: echo 'eval "$(plansim completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(plansim completion zsh)"' >> ~/.zshrc
    fish: plansim completion fish > ~/.config/fish/completions/plansim.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # click knows the three shells of the choice
    click.echo(found(plansim, {}, PROGRAM, COMPLETE_VARIABLE).source())


if __name__ == "__main__":
    sys.exit(main())
