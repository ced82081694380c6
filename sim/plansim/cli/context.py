"""What the commands share: streams, width, language, options, completion, reading.

Whatever is imported from the package is imported inside the functions, so that ``--help`` and
completion are quick.
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
from click.shell_completion import CompletionItem

from plansim.errors import Message, foreign

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import RenderableType

    from plansim.errors import Fault, Say
    from plansim.model.records import Model
    from plansim.output.text import Text
    from plansim.scenario.reader import Scenario
    from plansim.targets.annual import Annual
    from plansim.targets.catalogue import Target

__all__ = [
    "MOST_CHANGES",
    "PATIENCE",
    "PIPE_WIDTH",
    "Page",
    "ReaderLeftError",
    "UsageError",
    "WholeNumber",
    "all_names",
    "all_or_faults",
    "changes_of",
    "constant_names",
    "engine_option",
    "format_option",
    "items",
    "lang_option",
    "machine",
    "model_at",
    "model_option",
    "named_or_whole",
    "page_for",
    "raise_all",
    "remark",
    "scenario_names",
    "scenarios_of",
    "set_option",
    "simulated",
    "simulated_years",
    "target_ids",
    "targets_of",
    "variable_names",
    "warn",
    "write",
]

PIPE_WIDTH = 100
"""Columns of a table where nobody says how wide the terminal is."""
PATIENCE = 1.0
"""Seconds of silence before what takes long says how far it is."""

Input = TypeVar("Input")
AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any] | click.Command)


# --- streams, width, language ---------------------------------------------------------------------


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

    @contextmanager
    def progress(self, message: str) -> Iterator[Callable[[int, int], None]]:
        """Show on a terminal's standard error what takes long: how far it is, the time to go.

        It appears after `PATIENCE` seconds and is wiped out at the end. Whoever works may tell how
        many steps are done, of how many; until then only the time that has passed is shown.
        """
        if not sys.stderr.isatty():
            yield lambda done, steps: None
            return
        from rich import progress
        from rich.console import Console

        bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.TimeElapsedColumn(),
            progress.BarColumn(bar_width=20),
            progress.TextColumn("{task.fields[steps]}", markup=False),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task(message, total=None, steps="")

        def tell(done: int, steps: int) -> None:
            told = self.text("progress.steps", done=f"{done:,}", steps=f"{steps:,}")
            bar.update(task, completed=done, total=steps, steps=told)

        timer = threading.Timer(PATIENCE, bar.start)
        timer.start()
        try:
            yield tell
        finally:
            timer.cancel()
            timer.join()
            bar.stop()

    def show(self, *parts: RenderableType) -> None:
        """Write paragraphs and tables to standard output, a blank line between two."""
        from plansim.output.tables.layout import blocks, shown

        write(shown(blocks(parts), self.width, colour=self.colour), colour=self.colour)


class WholeNumber(click.IntRange):
    """A whole number inside of ends; what is none is told "not a valid integer"."""

    name = "integer"


class UsageError(click.UsageError):
    """What is asked for on the command line cannot be."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.said = message


class ReaderLeftError(Exception):
    """Whoever read the output wants no more; click would leave with 1, which means missed here."""


def write(text: str, *, colour: bool = False) -> None:
    """Write to standard output.

    Raises:
        ReaderLeftError: nobody reads it any more.
        OutputError: it cannot be written.
    """
    try:
        click.echo(text, color=colour)
    except BrokenPipeError as error:
        raise ReaderLeftError from error
    except OSError as error:  # a full disk behind a redirection
        from plansim.errors import OutputError

        # What is left in the buffer must go somewhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(
            Message("standard output cannot be written: {reason}", reason=foreign(error.strerror))
        ) from error


def page_for(lang: str | None) -> Page:
    """Choose the language: what is asked for, else the locale's."""
    from plansim.output.text import language, read_text

    return Page(read_text(language(lang, os.environ)))


def machine(text: str) -> None:
    """Write JSON or CSV: UTF-8 whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    write(text.removesuffix("\n"))


def remark(text: str) -> None:
    """Write to standard error."""
    click.echo(text, err=True)


def all_or_faults(
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


def raise_all(faults: Sequence[Fault]) -> None:
    """Raise the faults, each once, if there are any."""
    from plansim.errors import InputError

    if faults:
        raise InputError(dict.fromkeys(faults))


# --- completion -----------------------------------------------------------------------------------


def items(found: Callable[[click.Context], Iterable[str]]) -> Callable[..., list[CompletionItem]]:
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


def scenario_names(context: click.Context) -> Iterator[str]:
    """Give the ids of the shipped scenarios."""
    from plansim.files import shipped

    return (path.stem for path in sorted(shipped("scenarios").glob("*.yaml")))


def variable_names(context: click.Context) -> Iterator[str]:
    """Give the variables of the model that the command line names, in both languages."""
    model = model_at(context.params.get("model"), quiet=True)
    for variable in model.variables.values():
        yield variable.name
        if variable.name_zh:
            yield variable.name_zh


def constant_names(context: click.Context) -> Iterator[str]:
    """Give its constants, each with the ``=`` of a setting."""
    from plansim.model.records import VariableKind

    settable = {VariableKind.CONSTANT, VariableKind.CONTROL}
    model = model_at(context.params.get("model"), quiet=True)
    return (f"{each.name}=" for each in model.variables.values() if each.kind in settable)


def all_names(context: click.Context) -> Iterator[str]:
    """Give all that ``show`` knows."""
    yield from scenario_names(context)
    yield from variable_names(context)
    yield from target_ids()


def target_ids() -> Iterator[str]:
    """Give the ids in the shipped catalogue by their lines.

    To read it whole, or only to import `catalogue` for the file's name, takes too long between
    two keys.
    """
    from plansim.files import shipped

    for line in shipped("model", "targets.yaml").read_text("utf-8").splitlines():
        if line.startswith("- id: "):
            yield line.removeprefix("- id: ").strip()


# --- options --------------------------------------------------------------------------------------


def lang_option(command: AnyCommand) -> AnyCommand:
    """Add the option ``--lang``."""
    return click.option(
        "--lang", type=click.Choice(["en", "zh"]), help="Language of the output; else the locale's."
    )(command)


def model_option(command: AnyCommand) -> AnyCommand:
    """Add the option ``--model``."""
    return click.option(
        "--model",
        metavar="FILE.mdl",
        type=click.Path(path_type=Path),
        help="Another Vensim model, with its own targets.yaml beside it if it has one.",
    )(command)


def set_option(command: AnyCommand) -> AnyCommand:
    """Add the option ``--set``."""
    return click.option(
        "--set",
        "overrides",
        metavar="NAME=VALUE",
        multiple=True,
        shell_complete=items(constant_names),
        help="Set a constant over the scenario; may be given again.",
    )(command)


def engine_option(command: AnyCommand) -> AnyCommand:
    """Add the option ``--engine``."""
    return click.option(
        "--engine",
        type=click.Choice(["compiled", "pysd"]),
        default="compiled",
        show_default=True,
        help="What computes the run; pysd is the slow reference.",
    )(command)


def format_option(*choices: str) -> Callable[[Any], Any]:
    """Make the option ``--format``; the first choice is the default."""
    return click.option(
        "--format", "form", type=click.Choice(choices), default=choices[0], show_default=True
    )


# --- reading --------------------------------------------------------------------------------------


def model_at(path: Path | None, *, quiet: bool = False) -> Model:
    """Load a model (None: the shipped one) and show its warnings."""
    from plansim.model.reader import load_model

    model = load_model(path)
    if not quiet:
        warn(model.warnings)
    return model


def targets_of(model: Model) -> tuple[Target, ...]:
    """Read the targets that a model is judged by."""
    from plansim.targets.catalogue import load_targets

    return load_targets(model=model)


def named_or_whole(
    names: Sequence[str], overrides: Sequence[str], model: Path | None
) -> Sequence[str]:
    """See that there is something to run; no names stand for another model as it is written."""
    if not names and (model is None or overrides):
        why = Message("Missing argument 'SCENARIO'")
        if overrides:
            why = Message("--set needs a scenario")
        raise UsageError(
            Message("{why}; 'plansim list scenarios' gives those that there are.", why=why)
        )
    return names


def scenarios_of(
    names: Sequence[str],
    overrides: Sequence[str],
    model: Model,
    targets: Sequence[Target],
    faults: list[Fault],
) -> list[Scenario]:
    """Read scenarios, each once; what is wrong with any of them goes to ``faults``."""
    from plansim.errors import Fault, nearest
    from plansim.scenario.reader import as_written, read_scenario

    if not names:
        return [as_written(model)]
    read = all_or_faults(lambda name: read_scenario(name, model, overrides), names, faults)
    found = list({each.path and each.path.resolve(): each for each in read}.values())
    by_id: dict[str, Scenario] = {}
    for scenario in found:
        if (other := by_id.setdefault(scenario.id, scenario)) is not scenario:
            message = Message(
                "two scenarios are called '{id}'; one of the files needs a new name", id=scenario.id
            )
            faults.append(
                Fault(message, scenario.path, found=Message("also {path}", path=str(other.path)))
            )
    ids = [target.id for target in targets]
    for scenario in found:
        for key, (file, line) in scenario.assumed_lines.items():
            if key not in ids:
                message = Message("no target has the id '{id}'", id=key)
                faults.append(Fault(message, file, line, nearest=nearest(key, ids)))
        warn(scenario.cautions)
        _warn_in_short(scenario)
    return found


def _warn_in_short(scenario: Scenario) -> None:
    """Count the values of its files that are implausible; what --set gives is named."""
    from plansim.scenario.records import OVERRIDE

    asked = [each for each in scenario.warnings if each.file == OVERRIDE]
    listed = [each for each in scenario.warnings if each not in asked]
    warn(asked)
    if len(listed) > 1:
        lang = click.get_current_context().params.get("lang")
        said = page_for(lang).text(
            "check.implausible",
            scenario=scenario.id,
            count=len(listed),
            shown=scenario.path,
        )
        remark(Message("warning: {warning}", warning=said).written(_say()))
    else:
        warn(listed)


def warn(warnings: Iterable[Fault]) -> None:
    """Show warnings, each once."""
    say = _say()
    for warning in dict.fromkeys(warnings):
        remark(Message("warning: {warning}", warning=warning.written(say)).written(say))


def _say() -> Say:
    """Choose how warnings are said: in the language of the command that is at work."""
    from plansim.output.language import language
    from plansim.output.messages import say_in

    context = click.get_current_context(silent=True)
    return say_in(language(context.params.get("lang") if context else None, os.environ))


def simulated(model: Model, scenario: Scenario, engine: str, page: Page) -> xr.Dataset:
    """Run a scenario; say so if it takes long."""
    with page.progress(page.text("run.simulating", scenario=scenario.id)):
        from plansim.engine.simulate import simulate

        return simulate(model, scenario, engine=engine)


def simulated_years(model: Model, scenario: Scenario, engine: str, page: Page) -> Annual:
    """Do as `simulated`, and give the annual figures, for which no array library is loaded."""
    with page.progress(page.text("run.simulating", scenario=scenario.id)):
        from plansim.engine.simulate import simulate_years

        return simulate_years(model, scenario, engine=engine)


MOST_CHANGES = 8
"""Changes of a scenario that are shown before a table; `plansim show` gives all."""


def changes_of(scenario: Scenario, model: Model, page: Page) -> str:
    """Say in a few lines what a scenario changes against its parent."""
    from plansim.output.describe import changes_head, changes_in_short

    changes = changes_in_short(scenario, model, page.text)
    lines = changes[:MOST_CHANGES]
    if (more := len(changes) - MOST_CHANGES) > 0:
        lines.append(page.text("changes.more", count=more, scenario=scenario.id))
    if scenario.assumed:
        ids = page.text.join(list(scenario.assumed))
        lines.append(page.text("changes.assumes", ids=ids))
    return "\n  ".join([changes_head(scenario, page.text), *lines])
