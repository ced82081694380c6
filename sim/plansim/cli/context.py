"""The edge of the command line: streams, width, colour, progress, warnings.

Whatever is imported from the package is imported inside the functions, so that ``--help`` and
completion are quick.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from plansim.errors import Message, foreign
from plansim.files.escaping import for_terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from plansim.errors import Fault
    from plansim.output.words.text import Text

__all__ = [
    "UsageError",
    "current_text",
    "display",
    "drop_output",
    "machine",
    "remark",
    "warn",
    "working",
    "write",
]


@contextmanager
def working(text: Text, key: str, /, **values: object) -> Iterator[Callable[[int, int], None]]:
    """Show a phrase on a terminal's standard error, how far the work is, and the time to go.

    It appears after a second and is wiped out at the end. Whoever works may tell how many steps are
    done, of how many; until then only the time that has passed is shown.
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
    task = bar.add_task(for_terminal(text(key, **values)), total=None, steps="")

    def tell(done: int, steps: int) -> None:
        steps_text = text("progress.steps", done=f"{done:,}", steps=f"{steps:,}")
        bar.update(task, completed=done, total=steps, steps=steps_text)

    timer = threading.Timer(1.0, bar.start)  # what is quick says nothing
    timer.start()
    try:
        yield tell
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def display(*parts: RenderableType) -> None:
    """Write paragraphs and tables to standard output, a blank line between two."""
    from plansim.output.tables.layout import blocks, shown

    width = shutil.get_terminal_size((100, 24)).columns  # of a pipe that nobody sets: 100
    is_dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    colour = sys.stdout.isatty() and not is_dumb
    write(shown(blocks(parts), width, colour=colour), colour=colour)


class UsageError(click.UsageError):
    """What is asked for on the command line cannot be."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.template = message


def write(text: str, *, colour: bool = False) -> None:
    """Write to standard output.

    Raises:
        BrokenPipeError: nobody reads it any more.
        OutputError: it cannot be written.
    """
    try:
        click.echo(text if colour else for_terminal(text), color=colour)
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk behind a redirection, a terminal that was closed
        from plansim.errors import OutputError

        drop_output()
        raise OutputError(
            Message("standard output cannot be written: {reason}", reason=foreign(error.strerror))
        ) from error


def drop_output() -> None:
    """Let what is left in the buffer go nowhere when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def machine(text: str) -> None:
    """Write JSON or CSV: UTF-8 whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    write(text.removesuffix("\n"))


def remark(text: str) -> None:
    """Write to standard error, if anybody reads it."""
    with suppress(OSError):
        click.echo(for_terminal(text), err=True)


def warn(warnings: Iterable[Fault | str]) -> None:
    """Show warnings, each once; those that are texts are in the language of the output."""
    from plansim.output.words.language import say_in

    say = say_in(current_text().lang)
    for warning in dict.fromkeys(warnings):
        told = warning if isinstance(warning, str) else warning.written(say)
        remark(Message("warning: {warning}", warning=told).written(say))


def current_text() -> Text:
    """Return the phrases in the language of the command line."""
    from plansim.output.words.text import read_text

    return read_text(click.get_current_context().find_root().obj)
