"""The command ``export``: figures of scenarios, or the runs of a sweep, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Page,
    UsageError,
    all_or_faults,
    engine_option,
    items,
    lang_option,
    model_at,
    model_option,
    named_or_whole,
    page_for,
    raise_all,
    scenario_names,
    scenarios_of,
    set_option,
    simulated,
    targets_of,
    variable_names,
    write,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.errors import Fault

__all__ = ["COMMANDS"]

SWEEP = ".zarr"


@click.command()
@click.argument(
    "source", metavar="SCENARIO...|RESULT.zarr", nargs=-1, shell_complete=items(scenario_names)
)
@set_option
@click.option(
    "--variable",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=items(variable_names),
    help="Only this variable; may be given again. Without it all that change over time.",
)
@click.option(
    "--form",
    type=click.Choice(["wide", "tidy", "iamc"]),
    help="Of a table: a row a variable and a column a year (wide, the default), a row a figure "
    "(tidy), or the columns of the IAMC.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="FILE.csv, .xlsx, .parquet or .nc (CF); of a sweep FILE.csv or .parquet.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@model_option
@engine_option
@lang_option
def export(
    source: tuple[str, ...],
    overrides: tuple[str, ...],
    names: tuple[str, ...],
    form: str | None,
    output: Path,
    force: bool,
    model: Path | None,
    engine: str,
    lang: str | None,
) -> None:
    """Write annual figures of scenarios, or the runs of a sweep, for other programs.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; several go into one file.
    RESULT.zarr is the result of a sweep, of which each run is a row.
    """
    page = page_for(lang)
    if any(each.endswith(SWEEP) for each in source):
        if len(source) > 1 or overrides or names or form or model is not None:
            raise UsageError(
                Message(
                    "a RESULT.zarr is exported whole and alone, without --set, --variable, --form "
                    "or --model."
                )
            )
        _sweep(Path(source[0]), output, page, force=force)
        return
    from plansim.engine.dataset import annual
    from plansim.output.export.results import FORMATS, check_destination
    from plansim.output.export.scenarios import TableForm, write_scenarios
    from plansim.targets.catalogue import plan_region

    check_destination(output, force=force, formats=FORMATS)
    if form is not None and output.suffix.lower() == ".nc":
        raise UsageError(Message("--form is for tables; a NetCDF file holds arrays."))
    named = named_or_whole(source, overrides, model)
    read = model_at(model)
    faults: list[Fault] = []
    scenarios = scenarios_of(named, overrides, read, targets_of(read), faults)
    chosen = [each.name for each in all_or_faults(read.find, names, faults)]
    raise_all(faults)
    runs = [annual(simulated(read, each, engine, page)) for each in scenarios]
    with page.progress(page.text("sweep.exporting")):
        write_scenarios(
            runs,
            output,
            TableForm(form or TableForm.WIDE),
            plan_region(read),
            names=chosen,
            force=force,
        )
    write(page.text("run.written", path=output))


def _sweep(result: Path, output: Path, page: Page, *, force: bool) -> None:
    from plansim.analysis.experiments.store import open_store
    from plansim.output.export.sweep import write_runs

    with page.progress(page.text("sweep.exporting")):
        count = write_runs(open_store(result), output, force=force)
    write(page.text("sweep.exported", runs=f"{count:,}", path=output))


COMMANDS = (export,)
"""The command on files for other programs."""
