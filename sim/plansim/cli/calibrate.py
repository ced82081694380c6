"""The command that fits constants to figures of the past: ``calibrate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    WholeNumber,
    format_option,
    items,
    lang_option,
    machine,
    model_at,
    model_option,
    page_for,
    remark,
)
from plansim.errors import Message, foreign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plansim.analysis.calibration.file import Spec

__all__ = ["COMMANDS"]


def _spec_names(context: click.Context) -> Iterator[str]:
    from plansim.files import shipped

    return (path.stem for path in sorted(shipped("scenarios", "calibration").glob("*.yaml")))


@click.command()
@click.argument("spec", metavar="SPEC", shell_complete=items(_spec_names))
@click.option(
    "-o",
    "--output",
    metavar="OVERLAY.yaml",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the fitted values as a scenario.",
)
@click.option("--force", is_flag=True, help="Replace OVERLAY.yaml if it exists.")
@click.option("--seed", type=WholeNumber(0), help="Of the starts; else as in SPEC.")
@model_option
@format_option("table", "json")
@lang_option
def calibrate(
    spec: str,
    output: Path | None,
    force: bool,
    seed: int | None,
    model: Path | None,
    form: str,
    lang: str | None,
) -> None:
    """Fit constants to figures of the past, and say what the figures can tell of them.

    SPEC is the path of a calibration file or the name of one that comes with plansim. Only what was
    observed up to the model's own start is taken as data. The model itself is not changed.
    """
    from plansim.analysis.calibration.calibrate import calibrate as fitted
    from plansim.analysis.calibration.calibrate import overlay_text
    from plansim.analysis.calibration.file import read_calibration
    from plansim.errors import Fault, OutputError
    from plansim.output.export.json_text import json_text
    from plansim.output.tables.calibration import calibration_table

    page = page_for(lang)
    read = model_at(model)
    plan = read_calibration(spec, read, seed=seed)
    if output is not None and output.exists() and not force:
        raise OutputError(Fault("the output file exists already; --force replaces it", output))
    if output is not None and not output.absolute().parent.is_dir():
        raise OutputError(Fault("cannot write the output", output, found=Message("no such folder")))
    with page.progress(page.text("calibration.working", id=plan.id)) as progress:
        found = fitted(plan, read, progress=progress)
    if output is not None:
        try:
            output.write_text(overlay_text(found, _parent(plan, output), read), "utf-8")
        except OSError as error:
            raise OutputError(
                Fault("cannot write the output", output, found=foreign(error.strerror))
            ) from error
        remark(page.text("calibration.written", path=output))
    if form == "json":
        machine(json_text(found))
    else:
        page.show(calibration_table(found, page.text))


def _parent(plan: Spec, output: Path) -> str:
    """Give how a scenario written to a place names the one that it is a child of."""
    path = plan.path.parent / plan.parent
    if path.suffix not in {".yaml", ".yml"}:
        return plan.parent
    return Path(os.path.relpath(path.resolve(), output.resolve().parent)).as_posix()


COMMANDS = (calibrate,)
