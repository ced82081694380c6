"""What the commands share: streams, width, language, warnings.

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.errors import Message, foreign
from plansim.files.escaping import for_terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from plansim.errors import Fault, Say
    from plansim.model.records import Model
    from plansim.output.words.text import Text

__all__ = [
    "PATIENCE",
    "PIPE_WIDTH",
    "ReaderLeftError",
    "Terminal",
    "UsageError",
    "check_files",
    "current_terminal",
    "drop_output",
    "machine",
    "model_at",
    "remark",
    "terminal_for",
    "warn",
    "write",
]

PIPE_WIDTH = 100
"""Columns of a table where nobody says how wide the terminal is."""
PATIENCE = 1.0
"""Seconds of silence before what takes long says how far it is."""


# --- streams, width, language ---------------------------------------------------------------------


@dataclass(frozen=True)
class Terminal:
    """How to write for the reader: the phrases, the width, whether there is colour."""

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
    def progress(self, key: str, /, **values: object) -> Iterator[Callable[[int, int], None]]:
        """Show a phrase on a terminal's standard error, how far the work is, and the time to go.

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
        task = bar.add_task(for_terminal(self.text(key, **values)), total=None, steps="")

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
    def resumable(self, key: str) -> Iterator[Callable[[int, int], None]]:
        """Do as `progress` for work that goes on where it was interrupted; say how far it was."""
        reached = 0, 0

        def note(done: int, steps: int) -> None:
            nonlocal reached
            reached = done, steps
            tell(done, steps)

        try:
            with self.progress(key) as tell:
                yield note
        except KeyboardInterrupt:
            if reached[0]:
                remark(
                    self.text("progress.stopped", done=f"{reached[0]:,}", steps=f"{reached[1]:,}")
                )
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
    model = load_model(
        path, strict, [_as_table(table) for table in options.get("plansim.data", ())]
    )
    if not quiet:
        warn(model.warnings)
    return model


def _as_table(path: Path) -> Path:
    """Return a table of data; of a run in Vensim's own form, the table that it is written to."""
    if path.suffix.lower() != ".vdf":
        return path
    from plansim.engine.simlin import vdf_as_csv

    return vdf_as_csv(path)


def check_files(*files: tuple[Path | None, Sequence[str]], force: bool) -> None:
    """See, before any work, that each file, with its formats, can be written; None is no file.

    Raises:
        OutputError: as for `check_destination`.
    """
    from plansim.files.writing import check_destination

    for path, formats in files:
        if path is not None:
            check_destination(path, force=force, formats=formats)


def warn(warnings: Iterable[Fault]) -> None:
    """Show warnings, each once."""
    say = _say()
    for warning in dict.fromkeys(warnings):
        remark(Message("warning: {warning}", warning=warning.written(say)).written(say))


def current_terminal() -> Terminal:
    """Return the terminal of the command that is at work."""
    context = click.get_current_context(silent=True)
    options = context.params if context else {}
    return options.get("terminal") or terminal_for(options.get("lang"))


def _say() -> Say:
    """Choose how warnings are said: in the language of the command that is at work."""
    from plansim.output.words.language import say_in

    return say_in(current_terminal().text.lang)
