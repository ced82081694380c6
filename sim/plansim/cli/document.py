"""The command ``document``: the documentation of a model as pages of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    Page,
    items,
    model_at,
    model_option,
    page_for,
    raise_all,
    remark,
    scenario_names,
    scenarios_of,
    simulated_years,
    targets_of,
    write,
)

if TYPE_CHECKING:
    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.output.book.run import Run
    from plansim.output.text import Lang, Text
    from plansim.scenario.reader import Scenario
    from plansim.targets.catalogue import Target

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
    "--scenario",
    metavar="SCENARIO",
    shell_complete=items(scenario_names),
    help="The run whose card, courses and signs are shown: a name or a YAML file; else the one "
    "that the shipped others descend from, or with --model the model as it is written.",
)
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), help="Write this language only; else both."
)
def document(
    output: Path, force: bool, model: Path | None, scenario: str | None, lang: str | None
) -> None:
    """Write the documentation of the model: a page a module, loops, parameters, sources, run card.

    The pages are made from the model's file and the tables beside it, and from one run, which gives
    each entry its course and each link of a drawing its sign. Open FOLDER/index.html; no
    network is needed.
    """
    from plansim.output.book.folder import check_folder, write_folder
    from plansim.output.text import Lang

    page = page_for(lang)
    check_folder(output, force=force)
    read = model_at(model)
    targets = targets_of(read)
    faults: list[Fault] = []
    named = [scenario] if scenario else [] if model else _first()
    (chosen,) = scenarios_of(named, (), read, targets, faults) or (None,)
    raise_all(faults)
    assert chosen is not None
    langs = [Lang(lang)] if lang else [page.text.lang, *(x for x in Lang if x != page.text.lang)]
    with page.progress(page.text("document.writing")):
        run = _run(read, chosen, page)
        pages = _pages(read, targets, run, langs)
        write_folder(pages, output, force=force)
    written = sum(name.endswith(".html") for name in pages)
    write(page.text("document.written", count=written, path=output))


def _first() -> list[str]:
    """Give the scenario that all others descend from."""
    from plansim.scenario.reader import list_scenarios

    return [head.id for head in list_scenarios() if head.parent is None][:1]


def _run(model: Model, scenario: Scenario, page: Page) -> Run | None:
    """Run the model; a model that cannot be run is documented all the same."""
    from plansim.analysis.feedback.polarity import link_signs
    from plansim.errors import ModelError, SimulationError
    from plansim.output.book.run import Run

    try:
        years = simulated_years(model, scenario, "compiled", page)
        return Run(scenario, years, link_signs(model, scenario))
    except (ModelError, SimulationError) as error:
        remark(f"{page.text('document.no_run')}\n{error}")
        return None


def _pages(
    model: Model, targets: Sequence[Target], run: Run | None, langs: Sequence[Lang]
) -> dict[str, str]:
    """Give all files by their paths in the folder."""
    from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
    from plansim.analysis.feedback.loops import load_loops
    from plansim.model.evidence import load_evidence
    from plansim.output.book.entry import Book
    from plansim.output.book.pages import document_pages, front_page, style_sheet
    from plansim.output.text import read_text
    from plansim.targets.audit import FILE_NAME as AUDIT
    from plansim.targets.audit import audit_plan

    folder = model.path.parent
    evidence = load_evidence(folder)
    clashes = audit_plan(folder) if (folder / AUDIT).is_file() else ()
    loops = load_loops(model) if (folder / LOOPS).is_file() else ()
    files = {"index.html": front_page(langs), "style.css": style_sheet()}
    for lang in langs:
        text = read_text(lang)
        book = Book(model, tuple(targets), evidence, clashes, text, run)
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
