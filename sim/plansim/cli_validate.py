"""The command on the model's own tests: ``validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from plansim.shell import (
    format_option,
    items,
    lang_option,
    machine,
    model_at,
    page_for,
    patience,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COMMANDS"]


def _test_ids(context: click.Context) -> Iterable[str]:
    from plansim.study.validation.suite import TESTS

    return TESTS


@click.command()
@click.argument("tests", metavar="[TEST]...", nargs=-1, shell_complete=items(_test_ids))
@click.option(
    "--with-reference",
    "reference",
    is_flag=True,
    help="Run every scenario by PySD, too; it takes minutes.",
)
@format_option("table", "json")
@lang_option
def validate(tests: tuple[str, ...], reference: bool, form: str, lang: str | None) -> int:
    """Hold the model to its tests, Q01 to Q25, or to those TESTs alone.

    Exit codes: 0, every test that can be made here is passed; 1, one fails.
    """
    from plansim.present.validation_table import validation_json, validation_table
    from plansim.study.validation.dossier import load_dossier
    from plansim.study.validation.findings import Status
    from plansim.study.validation.suite import chosen
    from plansim.study.validation.suite import validate as made

    page = page_for(lang)
    wanted = chosen(tests)
    dossier = load_dossier(model_at(None))
    with patience(page.text("validation.working")):
        found = list(made(dossier, wanted, reference=reference))
    if form == "json":
        machine(validation_json(found, page.text))
    else:
        page.show(validation_table(found, page.text, page.width, colour=page.colour))
    return int(any(each.status is Status.FAIL for each in found))


COMMANDS = (validate,)
