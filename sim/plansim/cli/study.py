"""What commands share that compute for long: how it is run, and where the result goes.

Whatever is imported from the package is imported inside the functions, so that ``--help`` and
completion are quick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from plansim.cli import options
from plansim.cli.context import Terminal, check_files, remark
from plansim.cli.inputs import Arguments, Inputs, chosen_target
from plansim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from rich.console import RenderableType

__all__ = ["Study", "ids_of", "read_source", "read_targets", "study_options"]


@dataclass(frozen=True)
class Study:
    """What a command line says of a long computation."""

    threads: int | None
    output: Path | None
    """Where its figures go as JSON."""
    force: bool
    form: str
    picture: Path | None = None

    def finish(
        self,
        terminal: Terminal,
        record: object,
        table: Callable[[], RenderableType],
        draw: Callable[[ModuleType], Figure] | None = None,
    ) -> None:
        """Write a result to the files that are asked for, and print it.

        ``draw`` is given `plansim.plot`, which is loaded for a picture only.
        """
        if self.output is not None:
            from plansim.files.writing import write_text
            from plansim.output.export.json_text import json_text

            write_text(json_text(record), self.output, force=self.force)
            remark(terminal.text("plot.written", path=self.output))
        if self.picture is not None and draw is not None:
            from plansim.output.figures import plot

            plot.save_figure(draw(plot), self.picture, force=self.force)
            remark(terminal.text("plot.written", path=self.picture))
        terminal.answer(self.form, record, table)


_PICTURE = options.path(
    "--plot", "picture", text="Also draw the result: FILE.png, FILE.svg or FILE.pdf."
)


def study_options(*, picture: bool = False) -> options.Decorator:
    """Add threads, files and form of a long computation, given as `Study`.

    That the files can be written is seen before any work.
    """
    chosen = (
        options.threads,
        options.output("Also write all figures.", "FILE.json"),
        *[_PICTURE] * picture,
        options.force,
        options.form("table", "json"),
    )

    def add(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def command(
            threads: int | None,
            output: Path | None,
            force: bool,
            form: str,
            picture: Path | None = None,
            **rest: Any,
        ) -> Any:
            check_files((output, (".json",)), (picture, options.PICTURES), force=force)
            return function(study=Study(threads, output, force, form, picture), **rest)

        return options.combined(*chosen)(command)

    return add


def read_targets(arguments: Arguments, ids: tuple[str, ...], **options: Any) -> Inputs:
    """Read what is asked for, with the targets that are named."""
    return arguments.read(names=ids, find=chosen_target, **options)


def read_source(
    arguments: Arguments, ids: tuple[str, ...] = ()
) -> tuple[Inputs, xr.Dataset | None]:
    """Read scenarios, or the sweep that is stored in a folder of that name.

    Raises:
        InputError: a scenario or the sweep is at fault.
    """
    first, *others = arguments.scenarios
    if not Path(first).is_dir():
        return read_targets(arguments, ids), None
    if others:
        raise InputError("a sweep is asked about by itself", found=others[0])
    from plansim.analysis.experiments.store import open_sweep

    return read_targets(replace(arguments, scenarios=()), ids, whole=True), open_sweep(first)


def ids_of(inputs: Inputs) -> list[str] | None:
    """Return the ids of the targets that are named, if any is."""
    return [target.id for target in inputs.named] or None
