"""The documentation of a model as a folder of HTML pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
from plansim.analysis.feedback.loops import load_loops
from plansim.files.folder import write_folder
from plansim.model.evidence import load_evidence
from plansim.model.records import Model
from plansim.output.book.pages import document_pages, front_page, style_sheet
from plansim.output.variables import ModelFacts
from plansim.output.words.text import Lang, Text, read_text
from plansim.targets.audit import clashes_beside
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target

__all__ = ["document"]


def document(
    model: Model,
    folder: str | Path,
    *,
    langs: Sequence[str] = tuple(Lang),
    force: bool = False,
) -> int:
    """Write the documentation of a model into a folder; return the number of its pages.

    The front page opens in the first of ``langs``.

    Raises:
        OutputError: the folder exists and ``force`` is not given, or the system refuses to write.
        InputError: a file beside the model is at fault.

    >>> model = plansim.load_model("lake.mdl")
    >>> plansim.document(model, "pages", force=True)
    11
    """
    pages = _pages(model, load_targets(model=model), [Lang(lang) for lang in langs])
    write_folder(pages, Path(folder), force=force)
    return sum(name.endswith(".html") for name in pages)


def _pages(model: Model, targets: Sequence[Target], langs: Sequence[Lang]) -> dict[str, str]:
    """Return all files by their paths in the folder."""
    folder = model.path.parent
    evidence = load_evidence(folder)
    clashes = clashes_beside(model)
    loops = load_loops(model) if (folder / LOOPS).is_file() else ()
    files = {"index.html": front_page(langs), "style.css": style_sheet()}
    for lang in langs:
        text = read_text(lang)
        facts = ModelFacts(model, tuple(targets), evidence, clashes, text)
        other = next((language for language in langs if language is not lang), None)
        for name, html in document_pages(facts, loops, _card(model, text), other).items():
            files[f"{lang}/{name}"] = html
    return files


def _card(model: Model, text: Text) -> Mapping[str, str]:
    """Identify the model and the program."""
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
