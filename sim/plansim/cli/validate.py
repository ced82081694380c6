"""The command on the model's own tests: ``validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    UsageError,
    format_option,
    items,
    lang_option,
    machine,
    model_at,
    page_for,
)
from plansim.cli.sweep import write_text
from plansim.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plansim.analysis.validation.context import ValidationContext
    from plansim.analysis.validation.result import Result
    from plansim.cli.context import Page

__all__ = ["COMMANDS"]

PICTURES = "pictures"
"""The folder of the pictures, beside the page."""


def _test_ids(context: click.Context) -> Iterable[str]:
    from plansim.analysis.validation.suite import TESTS

    return TESTS


@click.command()
@click.argument("tests", metavar="[TEST]...", nargs=-1, shell_complete=items(_test_ids))
@click.option(
    "--with-reference",
    "reference",
    is_flag=True,
    help="Run every scenario by PySD, too; it takes minutes.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE.md",
    type=click.Path(path_type=Path),
    help="Also write the page on all tests, with its pictures in the folder 'pictures' beside it.",
)
@click.option("--force", is_flag=True, help="Replace FILE.md and its pictures if they exist.")
@format_option("table", "json")
@lang_option
def validate(
    tests: tuple[str, ...],
    reference: bool,
    output: Path | None,
    force: bool,
    form: str,
    lang: str | None,
) -> int:
    """Hold the model to its tests, Q01 to Q25, or to those TESTs alone.

    Exit codes: 0, every test that can be made here is passed; 1, one fails.
    """
    from plansim.analysis.validation.context import load_context
    from plansim.analysis.validation.result import Outcome
    from plansim.analysis.validation.suite import chosen
    from plansim.analysis.validation.suite import validate as made
    from plansim.output.export.json_text import json_text
    from plansim.output.tables.validation import validation_table

    page = page_for(lang)
    if output is not None:
        _check_page(output, tests, force)
    wanted = chosen(tests)
    context = load_context(model_at(None), reference=reference)
    results = []
    with page.progress(page.text("validation.working")) as progress:
        for result in made(context, wanted):
            results.append(result)
            progress(len(results), len(wanted))
    if output is not None:
        with page.progress(page.text("validation.writing")):
            _write_page(output, context, results, page)
    if form == "json":
        machine(json_text({"tests": results}))
    else:
        page.show(validation_table(results, page.text))
    return int(any(each.status is Outcome.FAIL for each in results))


def _check_page(path: Path, tests: tuple[str, ...], force: bool) -> None:
    from plansim.output.book.validation import HISTORY_PICTURE, RANGES_PICTURE
    from plansim.output.export.results import check_destination

    if tests:
        raise UsageError(Message("the page is about all tests: -o goes without any TEST"))
    check_destination(path, force=force, formats=(".md",))
    for name in (HISTORY_PICTURE, RANGES_PICTURE):
        if (folder := path.parent / PICTURES).is_dir():
            check_destination(folder / name, force=force, formats=(".png",))


def _write_page(path: Path, context: ValidationContext, results: list[Result], page: Page) -> None:
    from plansim.analysis.validation.history import history_series
    from plansim.analysis.validation.parameters import target_ranges
    from plansim.engine.trajectory import version_of
    from plansim.output.book.validation import (
        HISTORY_PICTURE,
        RANGES_PICTURE,
        Report,
        validation_page,
    )
    from plansim.output.figures.canvas import save_figure
    from plansim.output.figures.validation import history_sheet, ranges_chart

    ranges = target_ranges(context)
    tested = Report(context.model, version_of("plansim"), tuple(results), ranges)
    folder = path.parent / PICTURES
    folder.mkdir(exist_ok=True)
    save_figure(
        history_sheet(history_series(context), page.text), folder / HISTORY_PICTURE, force=True
    )
    save_figure(ranges_chart(ranges, page.text), folder / RANGES_PICTURE, force=True)
    write_text(path, validation_page(tested, PICTURES, page.text), force=True)


COMMANDS = (validate,)
