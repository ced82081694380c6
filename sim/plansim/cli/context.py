"""What the commands share: streams, width, language, reading.

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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from plansim.errors import Message, foreign
from plansim.files.escaping import for_terminal

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import RenderableType

    from plansim.errors import Fault, Say
    from plansim.model.records import Model, Variable
    from plansim.output.words.text import Text
    from plansim.scenario.scenario_file import Scenario
    from plansim.targets.annual import Annual
    from plansim.targets.target import Target

__all__ = [
    "MOST_CHANGES",
    "PATIENCE",
    "PIPE_WIDTH",
    "Arguments",
    "Inputs",
    "ReaderLeftError",
    "Terminal",
    "UsageError",
    "changes_of",
    "check_files",
    "drop_output",
    "machine",
    "model_at",
    "note_misfit",
    "read_inputs",
    "remark",
    "simulated",
    "simulated_apart",
    "simulated_years",
    "target_meant",
    "terminal_for",
    "variable_meant",
    "warn",
    "write",
]

PIPE_WIDTH = 100
"""Columns of a table where nobody says how wide the terminal is."""
PATIENCE = 1.0
"""Seconds of silence before what takes long says how far it is."""

Item = TypeVar("Item")


# --- streams, width, language ---------------------------------------------------------------------


@dataclass(frozen=True)
class Terminal:
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
        task = bar.add_task(for_terminal(message), total=None, steps="")

        def tell(done: int, steps: int) -> None:
            steps_text = self.text("progress.steps", done=f"{done:,}", steps=f"{steps:,}")
            bar.update(task, completed=done, total=steps, steps=steps_text)

        timer = threading.Timer(PATIENCE, bar.start)
        timer.start()
        try:
            yield tell
        finally:
            timer.cancel()
            timer.join()
            bar.stop()

    @contextmanager
    def resumable(self, message: str) -> Iterator[Callable[[int, int], None]]:
        """Do as `progress` for work that goes on where it was interrupted; say how far it was."""
        told = 0, 0

        def note(done: int, steps: int) -> None:
            nonlocal told
            told = done, steps
            tell(done, steps)

        try:
            with self.progress(message) as tell:
                yield note
        except KeyboardInterrupt:
            if told[0]:
                remark(self.text("progress.stopped", done=f"{told[0]:,}", steps=f"{told[1]:,}"))
            raise

    def answer(self, form: str, record: object, table: Callable[[], RenderableType]) -> None:
        """Write a result as JSON, or as the table that is made of it."""
        if form != "json":
            self.show(table())
            return
        from plansim.output.export.json_text import json_text

        machine(json_text(record))

    def show(self, *parts: RenderableType) -> None:
        """Write paragraphs and tables to standard output, a blank line between two."""
        from plansim.output.tables.layout import blocks, shown

        write(shown(blocks(parts), self.width, colour=self.colour), colour=self.colour)


class UsageError(click.UsageError):
    """What is asked for on the command line cannot be."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.template = message


class ReaderLeftError(Exception):
    """Whoever read the output wants no more; click would leave with 1, which means missed here."""


def write(text: str, *, colour: bool = False) -> None:
    """Write to standard output.

    Raises:
        ReaderLeftError: nobody reads it any more.
        OutputError: it cannot be written.
    """
    try:
        click.echo(text if colour else for_terminal(text), color=colour)
    except BrokenPipeError as error:
        raise ReaderLeftError from error
    except OSError as error:  # a full disk behind a redirection, a terminal that was closed
        from plansim.errors import OutputError

        drop_output()
        raise OutputError(
            Message("standard output cannot be written: {reason}", reason=foreign(error.strerror))
        ) from error


def drop_output() -> None:
    """Let what is left in the buffer go nowhere when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def terminal_for(lang: str | None) -> Terminal:
    """Choose the language: what is asked for, else the locale's."""
    from plansim.output.words.text import language, read_text

    return Terminal(read_text(language(lang, os.environ)))


def machine(text: str) -> None:
    """Write JSON or CSV: UTF-8 whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    write(text.removesuffix("\n"))


def remark(text: str) -> None:
    """Write to standard error, if anybody reads it."""
    with suppress(OSError):
        click.echo(for_terminal(text), err=True)


# --- reading --------------------------------------------------------------------------------------


def model_at(path: Path | None, *, quiet: bool = False) -> Model:
    """Load a model (None: the shipped one) and show its warnings."""
    from plansim.model.reader import load_model

    context = click.get_current_context(silent=True)
    options = context.meta if context else {}
    strict = options.get("plansim.strict_units") or None
    model = load_model(path, strict, options.get("plansim.data", ()))
    if not quiet:
        warn(model.warnings)
    return model


@dataclass(frozen=True)
class Arguments:
    """What a command line says of scenarios, the model and the language."""

    terminal: Terminal
    scenarios: tuple[str, ...]
    model: Path | None
    overlays: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    engine: str = "compiled"

    def read(self, **options: Any) -> Inputs:
        """Read what is asked for, with the options of `read_inputs`."""
        return read_inputs(self.scenarios, self.model, self.overrides, self.overlays, **options)


@dataclass(frozen=True)
class Inputs:
    """What a command reads before it begins to work."""

    model: Model
    targets: tuple[Target, ...]
    scenarios: tuple[Scenario, ...]
    """Each once, in the order of the line; the model as written where none is named."""
    named: tuple[Any, ...]
    """What ``find`` made of the names of variables or targets."""

    @property
    def scenario(self) -> Scenario:
        """The first scenario."""
        return self.scenarios[0]


def read_inputs(
    scenarios: Iterable[str] | str | None,
    model: Path | None,
    overrides: Sequence[str] = (),
    overlays: Sequence[str] = (),
    *,
    names: Iterable[str] = (),
    find: Callable[[Inputs, str], object] = lambda inputs, name: (
        variable_meant(inputs.model, name).name
    ),
    whole: bool = False,
) -> Inputs:
    """Read the model, its targets, scenarios and names; all faults of all of them come at once.

    Of no scenarios the model is taken as it is written, if it is another one or ``whole``;
    ``overrides`` lie over it.

    Raises:
        InputError: with every fault.
    """
    from plansim.errors import InputError
    from plansim.scenario.scenario_file import as_written, read_scenario
    from plansim.scenario.variant import for_scenarios
    from plansim.targets.catalogue import load_targets

    wanted = [scenarios] if isinstance(scenarios, str) else list(scenarios or ())
    if not wanted and (overlays or (model is None and (overrides or not whole))):
        why = Message("Missing argument 'SCENARIO'")
        if overrides:
            why = Message("--set needs a scenario")
        elif overlays:
            why = Message("--with needs a scenario")
        raise UsageError(
            Message("{why}; 'plansim list scenarios' gives those that there are.", why=why)
        )
    read = model_at(model)
    targets = load_targets(model=read)
    faults: list[Fault] = []
    overrides = _settings(read, overrides, faults)

    def all_of(make: Callable[[str], Item], texts: Iterable[str]) -> list[Item]:
        made = []
        for text in texts:
            try:
                made.append(make(text))
            except InputError as error:
                faults.extend(error.faults)
        return made

    chosen = all_of(lambda name: read_scenario(name, read, overrides, overlays=overlays), wanted)
    once = {(one.path and one.path.resolve(), one.id): one for one in chosen}
    chosen = list(once.values())
    if overrides and not wanted:
        from plansim.scenario.inheritance import written_with

        chosen = all_of(lambda _: written_with(read, overrides), [""])
    faults += _clashes(chosen, targets)
    try:
        read = for_scenarios(read, chosen)
    except InputError as error:
        faults.extend(error.faults)
    for scenario in chosen:
        warn(scenario.cautions)
        _warn_in_short(scenario)
    inputs = Inputs(read, targets, tuple(chosen) or (as_written(read),), ())
    named = all_of(lambda name: find(inputs, name), names)
    if faults:
        raise InputError(dict.fromkeys(faults))
    different = [item for index, item in enumerate(named) if item not in named[:index]]
    return replace(inputs, named=tuple(different))


def variable_meant(model: Model, name: str) -> Variable:
    """Return the variable of a name or label, in either language.

    Raises:
        InputError: there is none.
    """
    from plansim.targets.labels import reference_named

    return model.find(reference_named(model, name).partition("[")[0])


def target_meant(inputs: Inputs, name: str) -> Target:
    """Return the target of an id or name, in either language.

    Raises:
        InputError: there is none.
    """
    from plansim.targets.target import target_named

    return target_named(name, inputs.targets)


def _settings(model: Model, overrides: Sequence[str], faults: list[Fault]) -> list[str]:
    """Return texts ``NAME=VALUE`` with a label replaced by the constant that it stands for."""
    if not overrides:
        return []
    from plansim.errors import InputError
    from plansim.scenario.records import OVERRIDE
    from plansim.targets.labels import reference_named

    settings = []
    for text in overrides:
        name, equals, value = text.partition("=")
        try:
            known = reference_named(model, name.strip()) if name and value else name
            settings.append(known + equals + value)
        except InputError as error:
            faults += (replace(fault, file=OVERRIDE) for fault in error.faults)
    return settings


def _clashes(scenarios: Sequence[Scenario], targets: Sequence[Target]) -> Iterator[Fault]:
    """Yield a fault for two scenarios of one id, and for an assumed target that there is not."""
    from plansim.errors import Fault, nearest

    by_id: dict[str, Scenario] = {}
    for scenario in scenarios:
        if (other := by_id.setdefault(scenario.id, scenario)) is not scenario:
            message = Message(
                "two scenarios are called '{id}'; one of the files needs a new name", id=scenario.id
            )
            also = Message("also {path}", path=str(other.path))
            yield Fault(message, scenario.path, found=also)
    ids = [target.id for target in targets]
    for scenario in scenarios:
        for key, (file, line) in scenario.assumed_lines.items():
            if key not in ids:
                message = Message("no target has the id '{id}'", id=key)
                yield Fault(message, file, line, nearest=nearest(key, ids))


def check_files(*files: tuple[Path | None, Sequence[str]], force: bool) -> None:
    """See, before any work, that each file, with its formats, can be written; None is no file.

    Raises:
        OutputError: as for `check_destination`.
    """
    from plansim.files.writing import check_destination

    for path, formats in files:
        if path is not None:
            check_destination(path, force=force, formats=formats)


def _warn_in_short(scenario: Scenario) -> None:
    """Count the values of its files that are implausible; what --set gives is named."""
    from plansim.scenario.records import OVERRIDE

    asked = [warning for warning in scenario.warnings if warning.file == OVERRIDE]
    listed = [warning for warning in scenario.warnings if warning not in asked]
    warn(asked)
    if len(listed) > 1:
        template = _terminal().text(
            "check.implausible",
            scenario=scenario.id,
            count=len(listed),
            shown=scenario.path,
        )
        remark(Message("warning: {warning}", warning=template).written(_say()))
    else:
        warn(listed)


def warn(warnings: Iterable[Fault]) -> None:
    """Show warnings, each once."""
    say = _say()
    for warning in dict.fromkeys(warnings):
        remark(Message("warning: {warning}", warning=warning.written(say)).written(say))


def _terminal() -> Terminal:
    """Return the terminal of the command that is at work."""
    context = click.get_current_context(silent=True)
    options = context.params if context else {}
    return options.get("terminal") or terminal_for(options.get("lang"))


def _say() -> Say:
    """Choose how warnings are said: in the language of the command that is at work."""
    from plansim.output.words.messages import say_in

    return say_in(_terminal().text.lang)


def note_misfit(model: Model, terminal: Terminal) -> bool:
    """Return whether an ensemble beside a model fits it; say so if there is one that does not.

    Raises:
        InputError: the header of the ensemble is at fault.
    """
    from plansim.analysis.ensemble import read_ensemble_head
    from plansim.scenario.members import renewal

    head = read_ensemble_head(model)
    if head is not None and head.misfit(model):
        command = renewal(model, head.kind)
        remark(terminal.text("check.misfit", path=head.path, command=command))
        return False
    return head is not None


def simulated(inputs: Inputs, engine: str, terminal: Terminal) -> xr.Dataset:
    """Run the scenarios, of several over ``scenario``; say so if it takes long."""
    from plansim.engine.simulate import simulate

    names = terminal.text.join([scenario.id for scenario in inputs.scenarios])
    with terminal.progress(terminal.text("run.simulating", scenario=names)):
        chosen = inputs.scenario if len(inputs.scenarios) == 1 else inputs.scenarios
        return simulate(inputs.model, chosen, engine=engine)


def simulated_apart(inputs: Inputs, engine: str, terminal: Terminal) -> list[xr.Dataset]:
    """Do as `simulated`, and give a dataset a scenario."""
    alone = [replace(inputs, scenarios=(scenario,)) for scenario in inputs.scenarios]
    return [simulated(one, engine, terminal) for one in alone]


def simulated_years(model: Model, scenario: Scenario, engine: str, terminal: Terminal) -> Annual:
    """Do as `simulated`, and give the annual figures, for which no array library is loaded."""
    with terminal.progress(terminal.text("run.simulating", scenario=scenario.id)):
        from plansim.engine.simulate import simulate_years

        return simulate_years(model, scenario, engine=engine)


MOST_CHANGES = 8
"""Changes of a scenario that are shown before a table; `plansim show` gives all."""


def changes_of(scenario: Scenario, model: Model, terminal: Terminal) -> str:
    """Say in a few lines what a scenario changes against its parent."""
    from plansim.output.describe import changes_head, changes_in_short

    changes = changes_in_short(scenario, model, terminal.text)
    lines = changes[:MOST_CHANGES]
    if (more := len(changes) - MOST_CHANGES) > 0:
        lines.append(terminal.text("changes.more", count=more, scenario=scenario.id))
    if scenario.assumed:
        ids = terminal.text.join(scenario.assumed)
        lines.append(terminal.text("changes.assumes", ids=ids))
    return "\n  ".join([changes_head(scenario, terminal.text), *lines])
