"""The documentation of a model as HTML pages, made from its file and the tables beside it.

A page a module with an entry a variable, the feedback loops, the parameters with their evidence,
the sources. The templates are given the records themselves. The pages need no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
from plansim.analysis.feedback.loops import Loop, LoopLink, load_loops
from plansim.files.writing import write_folder
from plansim.model.comment import load_evidence
from plansim.model.reading.expression import Table, name_key
from plansim.model.records import Model, Variable, VariableKind, several
from plansim.model.units import NO_UNIT
from plansim.output.describe import range_words, reference_name
from plansim.output.diagrams.draw import STYLE, module_diagram, modules_drawn
from plansim.output.variables import (
    ModelFacts,
    Part,
    kind_of,
    link_to,
    page_of,
    slug,
    values_of,
    variable_notes,
)
from plansim.output.words.text import Lang, Text, read_text, typeset
from plansim.targets.audit import clashes_beside
from plansim.targets.catalogue import load_targets

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["document"]

_LANGUAGES = {Lang.EN: "English", Lang.ZH: "中文"}
_COUNTED = (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY, VariableKind.CONSTANT)


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
    beside, chosen = model.path.parent, [Lang(lang) for lang in several(langs)]
    known, evidence = load_targets(model=model), load_evidence(beside)
    # Where it judges no target, the plan is another model's.
    targets = known if any(target.variables for target in known) else ()
    clashes = clashes_beside(model)
    loops = load_loops(model) if (beside / LOOPS).is_file() else ()
    templates = _environment()
    front = templates.get_template("front.html").render(langs=chosen, languages=_LANGUAGES)
    style = files(__package__).joinpath("templates", "style.css").read_text("utf-8") + STYLE
    pages = {"index.html": front, "style.css": style}
    for lang in chosen:
        facts = ModelFacts(model, targets, evidence, clashes, read_text(lang))
        other = next((language for language in chosen if language is not lang), None)
        for name, html in _pages_of(facts, loops, other).items():
            pages[f"{lang}/{name}"] = html
    write_folder(pages, Path(folder), force=force)
    return sum(name.endswith(".html") for name in pages)


def _pages_of(facts: ModelFacts, loops: Sequence[Loop], other: Lang | None) -> dict[str, str]:
    """Return the pages of one language by their file names; ``other`` has the same ones."""
    from markupsafe import Markup

    text, model = facts.text, facts.model
    in_module: dict[str, list[Variable]] = {name: [] for name in model.modules}
    for variable in model.variables.values():
        in_module.setdefault(variable.module, []).append(variable)
    environment = _environment()
    environment.globals |= {
        "facts": facts,
        "model": model,
        "loops": loops,
        "in_module": in_module,
        "lang": text.lang.value,
        "other": other,
        "languages": _LANGUAGES,
        "kinds": list(VariableKind),
        "counted": _COUNTED,
        "version": version("plansim"),
        "page_of": page_of,
        "link_to": link_to,
        "span": range_words,
        "comma": text("list_sep.comma"),
        "colon": text("list_sep.colon"),
        "stop": "。" if text.lang is Lang.ZH else ".",
        "label": text,
        "say": lambda key, **values: text(f"document.{key}", **values),
        "tongue": partial(_tongue, text.lang),
        "second": partial(_other_name, facts),
        "names": sorted(model.variables.values(), key=lambda one: facts.name(one).casefold()),
        "path": partial(_path_in_words, facts),
        "short": partial(_short, facts),
        "unit": lambda variable: typeset(text.unit(variable.unit)),
        "cited": lambda variable: list(_cited_in_short(variable, facts)),
        "uses": _uses(facts),
        "groups": {
            "evidence": list(facts.evidence),
            "targets": [target.id for target in facts.targets],
            "clashes": [clash.id for clash in facts.clashes],
        },
        "anchor": lambda variable: slug(variable.name),
        "summary": partial(_summary, text),
        "notes": lambda variable: variable_notes(variable, facts, text("list_sep.semicolon")),
        "source": partial(_source, model),
    }

    def page(name: str, template: str, title: str, **more: object) -> str:
        def current(link: str) -> str:
            return Markup(' aria-current="page"') if link == name else ""

        loaded = environment.get_template(template)
        return loaded.render(page=name, title=title, current=current, **more)

    titles = {"index": "title"} | {name: name for name in ("loops", "parameters", "sources")}
    pages = {
        f"{name}.html": page(f"{name}.html", f"{name}.html", text(f"document.{title}"))
        for name, title in titles.items()
    }
    drawn = set(modules_drawn(model))
    for name, module in model.modules.items():
        drawing = ""
        if name in drawn:
            drawing = module_diagram(model, name, (text.lang,), style=False, href=link_to)
        shown = {"module": module, "drawing": Markup(drawing)}
        file = page_of(name)
        pages[file] = page(file, "module.html", facts.module_title(name), **shown)
    return pages


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def _tongue(lang: Lang, words: str) -> str:
    """Return the attribute of an element whose text is not in the page's language."""
    from markupsafe import Markup

    spoken = Lang.ZH if re.search(r"[\u4e00-\u9fff]", words.rpartition("。")[0]) else Lang.EN
    return Markup("" if spoken is lang else f' lang="{spoken}"')


def _path_in_words(facts: ModelFacts, links: Sequence[LoopLink]) -> str:
    """Write the variables round a loop, with the sign of each link before its arrow."""
    names = [reference_name(link.cause, facts.model, facts.text) for link in links]
    steps = zip(names, links, strict=True)
    arrows = [f"{name} {'+' if link.sign > 0 else '−'}→" for name, link in steps]
    return " ".join([*arrows, names[0]])


# --- an entry -------------------------------------------------------------------------------------


def _other_name(facts: ModelFacts, variable: Variable) -> str:
    """Return the name of a variable in the other language; empty if it has none."""
    name = facts.name(variable)
    return next((one for one in (variable.name, variable.name_zh) if one != name), "")


def _summary(text: Text, variable: Variable) -> str:
    """Return kind and unit in a line."""
    unit = "" if variable.unit == NO_UNIT else typeset(text.unit(variable.unit))
    return text("list_sep.comma").join(filter(None, [kind_of(variable, text), unit]))


def _source(model: Model, variable: Variable) -> str:
    """Return the equation as the file writes it; empty for what holds numbers only."""
    computed = any(
        equation.formula is not None or isinstance(equation.tree, Table)
        for equation in model.scan.equations[name_key(variable.name)]
    )
    return variable.equation.expandtabs(4).replace("\\\n", "\n") if computed else ""


# --- parameters and sources -----------------------------------------------------------------------


def _short(facts: ModelFacts, variable: Variable) -> str:
    """Write the value of a constant; of an array with different ones the lowest and highest."""
    values = values_of(variable, facts)
    if len(values) < 2 or not isinstance(variable.value, Mapping):
        return "".join(values)
    numbers = variable.value.values()
    span = f"{min(numbers):g}–{max(numbers):g}"
    return facts.text("document.elements", span=span, count=len(numbers))


def _cited_in_short(variable: Variable, facts: ModelFacts) -> Iterator[Part]:
    """Yield the sources of a variable; of one that has a row of its own the id alone."""
    for tag in variable.sources:
        for part in facts.cited(tag):
            yield Part(part.text.split("  ")[0], part.link) if part.link else part


def _uses(facts: ModelFacts) -> dict[str, list[Part]]:
    """Return the variables that cite each source, by its id."""
    uses: dict[str, list[Part]] = {}
    for variable in facts.model.variables.values():
        cited = {part.link for tag in variable.sources for part in facts.cited(tag)}
        for link in cited:
            uses.setdefault(link.rpartition("#")[2], []).append(facts.part(variable.name))
    return uses
