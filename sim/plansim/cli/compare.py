"""The command ``compare``: scenarios side by side, on the terminal or as a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Page,
    UsageError,
    engine_option,
    items,
    lang_option,
    model_at,
    model_option,
    page_for,
    raise_all,
    scenario_names,
    scenarios_of,
    set_option,
    simulated,
    targets_of,
    write,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.analysis.comparison import Spread
    from plansim.errors import Fault
    from plansim.model.records import Model

__all__ = ["COMMANDS"]


@click.command()
@click.argument("scenario", nargs=-1, required=True, shell_complete=items(scenario_names))
@set_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a report: FILE.html, .docx, .xlsx or .pdf.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option(
    "--sweep",
    metavar="RESULT.zarr",
    type=click.Path(path_type=Path),
    help="Add what this sweep says of the same scenarios: bands, and shares of runs.",
)
@click.option(
    "--no-remedies", is_flag=True, help="Leave out the search for remedies of targets that fail."
)
@model_option
@engine_option
@lang_option
def compare(
    scenario: tuple[str, ...],
    overrides: tuple[str, ...],
    output: Path | None,
    force: bool,
    sweep: Path | None,
    no_remedies: bool,
    model: Path | None,
    engine: str,
    lang: str | None,
) -> None:
    """Hold scenarios against the first of them: verdicts, differences, causes, remedies.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; two or more. --set lays a
    value over every one of them.
    """
    from plansim.analysis.comparison import compare as compared
    from plansim.engine.dataset import annual
    from plansim.output.report.comparison import report
    from plansim.output.report.file import FORMATS, write_report
    from plansim.output.report.terminal import terminal_text
    from plansim.targets.catalogue import plan_region, plan_title
    from plansim.targets.views_file import load_views

    page = page_for(lang)
    if len(scenario) < 2:
        raise UsageError(Message("a comparison needs two scenarios or more."))
    if output is not None:
        from plansim.output.export.results import check_destination

        check_destination(output, force=force, formats=FORMATS)
    read = model_at(model)
    targets = targets_of(read)
    faults: list[Fault] = []
    scenarios = scenarios_of(scenario, overrides, read, targets, faults)
    raise_all(faults)
    spread = None if sweep is None else _spread(sweep, read)
    runs = [annual(simulated(read, each, engine, page)) for each in scenarios]
    with page.progress(page.text("report.searching")) as progress:
        found = compared(
            read,
            scenarios,
            runs,
            plan_title(read) or plan_region(read),
            targets,
            load_views(read, targets),
            spread=spread,
            progress=progress,
            remedies=not no_remedies,
        )
    document = report(found, page.text)
    if output is None:
        page.show(terminal_text(document))
        return
    with page.progress(page.text("report.writing")):
        write_report(document, output, force=force)
    _say(output, page)


def _say(output: Path, page: Page) -> None:
    write(page.text("run.written", path=output))


def _spread(path: Path, model: Model) -> Spread:
    """Read what a finished sweep says in short."""
    import xarray as xr

    from plansim.analysis.comparison import Spread
    from plansim.analysis.experiments.store import SUMMARY, open_store
    from plansim.errors import Fault, InputError

    store = open_store(path)
    if not (path / SUMMARY).is_dir():
        raise InputError(Fault("the sweep is not finished; plansim sweep --resume goes on", path))
    summary = xr.open_zarr(path, group=SUMMARY, consolidated=False, chunks=None).load()
    same = store.card["model"]["sha256"] == model.sha256
    return Spread(str(store.card["design"].get("id", path.stem)), summary, same)


COMMANDS = (compare,)
"""The command on comparisons."""
