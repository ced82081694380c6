"""The command ``document``: the documentation of a model as pages of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.shell import Page, model_at, model_option, page_for, patience, targets_of

if TYPE_CHECKING:
    from plansim.model.records import Model
    from plansim.present.text import Lang, Text

__all__ = ["COMMANDS"]


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=Path("documentation"),
    show_default=True,
    help="Where the pages go.",
)
@click.option("--force", is_flag=True, help="Replace FOLDER if it exists.")
@model_option
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), help="Write this language only; else both."
)
def document(output: Path, force: bool, model: Path | None, lang: str | None) -> None:
    """Write the documentation of the model: a page a module, loops, parameters, sources.

    The pages are made from the model's file and the tables beside it. Open FOLDER/index.html; no
    network is needed.
    """
    from plansim.present.folder import check_folder, write_folder
    from plansim.present.text import Lang

    page = page_for(lang)
    check_folder(output, force=force)
    read = model_at(model)
    langs = [Lang(lang)] if lang else [page.text.lang, *(x for x in Lang if x != page.text.lang)]
    with patience(page.text("document.writing")):
        pages = _pages(read, langs, page)
        write_folder(pages, output, force=force)
    written = sum(name.endswith(".html") for name in pages)
    page.show(page.text("document.written", count=written, path=output))


def _pages(model: Model, langs: Sequence[Lang], page: Page) -> dict[str, str]:
    """Give all files by their paths in the folder."""
    from plansim.model.evidence import load_evidence
    from plansim.plan.audit import FILE_NAME as AUDIT
    from plansim.plan.audit import audit_plan
    from plansim.present.document_entry import Book
    from plansim.present.document_pages import document_pages, front_page, style_sheet
    from plansim.present.text import read_text
    from plansim.study.loops import FILE_NAME as LOOPS
    from plansim.study.loops import load_loops

    folder = model.path.parent
    targets = targets_of(model)
    evidence = load_evidence(folder)
    clashes = audit_plan(folder) if (folder / AUDIT).is_file() else ()
    loops = load_loops(model) if (folder / LOOPS).is_file() else ()
    files = {"index.html": front_page(langs), "style.css": style_sheet()}
    for lang in langs:
        text = read_text(lang)
        book = Book(model, targets, evidence, clashes, text)
        other = next((each for each in langs if each is not lang), None)
        for name, html in document_pages(book, loops, _card(model, text), other).items():
            files[f"{lang}/{name}"] = html
    return files


def _card(model: Model, text: Text) -> Mapping[str, str]:
    """Identify the model and the program."""
    from importlib.metadata import version

    time = model.time
    clock = text(
        "document.clock_said",
        initial=f"{time.initial:g}",
        final=f"{time.final:g}",
        step=f"{time.step:g}",
        saveper=f"{time.saveper:g}",
        unit=text.unit("Year"),
    )
    return {
        text("document.model_file"): model.path.name,
        text("document.sha256"): model.sha256,
        text("document.variables"): f"{len(model.variables):,}",
        text("document.clock"): clock,
        text("document.version"): version("plansim"),
    }


COMMANDS = (document,)
"""The command on the documentation."""
