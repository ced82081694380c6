"""What commands share that compute for long: how it is run, and where the result goes.

Whatever is imported from the package is imported inside the functions, so that ``--help`` and
completion are quick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plansim.cli.context import Terminal, check_files, remark
from plansim.cli.inputs import Arguments, Inputs, chosen_target
from plansim.cli.options import (
    PICTURES,
    force_option,
    format_option,
    output_option,
    threads_option,
)

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
    picture: Path | None
    force: bool
    form: str

    def finish(
        self,
        terminal: Terminal,
        record: object,
        table: Callable[[], RenderableType],
        draw: Callable[[], Figure],
    ) -> None:
        """Write a result to the files that are asked for, and print it."""
        if self.output is not None:
            from plansim.files.writing import write_text
            from plansim.output.export.json_text import json_text

            write_text(json_text(record), self.output, force=self.force)
            remark(terminal.text("plot.written", path=self.output))
        if self.picture is not None:
            from plansim.output.figures.canvas import save_figure

            save_figure(draw(), self.picture, force=self.force)
            remark(terminal.text("plot.written", path=self.picture))
        terminal.answer(self.form, record, table)


_OPTIONS = (
    threads_option,
    output_option("Also write all figures.", "FILE.json"),
    click.option(
        "--plot",
        "picture",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Also draw the result: FILE.png, FILE.svg or FILE.pdf.",
    ),
    force_option,
    format_option("table", "json"),
)


def study_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add threads, files and form of a long computation, given as `Study`.

    That the files can be written is seen before any work.
    """

    @wraps(function)
    def command(
        threads: int | None,
        output: Path | None,
        picture: Path | None,
        force: bool,
        form: str,
        **rest: Any,
    ) -> Any:
        check_files((output, (".json",)), (picture, PICTURES), force=force)
        return function(study=Study(threads, output, picture, force, form), **rest)

    for option in reversed(_OPTIONS):
        option(command)
    return command


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
    first = arguments.scenarios[0]
    if not Path(first).is_dir():
        return read_targets(arguments, ids), None
    from plansim.analysis.experiments.store import open_sweep

    return read_targets(replace(arguments, scenarios=()), ids, whole=True), open_sweep(first)


def ids_of(inputs: Inputs) -> list[str] | None:
    """Return the ids of the targets that are named, if any is."""
    return [target.id for target in inputs.named] or None
