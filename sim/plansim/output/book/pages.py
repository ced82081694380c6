"""The documentation of a model as pages of HTML, made from its file and the tables beside it.

A page a module with an entry a variable, the feedback loops, the parameters with their evidence,
the sources. The pages need no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

from plansim.analysis.feedback.loops import Loop, LoopLink
from plansim.model.records import Model, Variable, VariableKind
from plansim.output.book.entry import entry_of
from plansim.output.describe import reference_name
from plansim.output.diagrams.modules import STYLE, module_diagram, modules_drawn
from plansim.output.diagrams.parts import module_parts
from plansim.output.variables import ModelFacts, Part, link_to, page_of, values_of
from plansim.output.words.text import Lang, typeset

__all__ = ["document_pages", "front_page", "style_sheet"]

_FOLDER = "templates"
_COUNTED = (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY, VariableKind.CONSTANT)


def style_sheet() -> str:
    """Return the style of all pages and drawings."""
    folder = files(__package__).joinpath(_FOLDER)
    return folder.joinpath("style.css").read_text("utf-8") + STYLE


def front_page(langs: Sequence[Lang]) -> str:
    """Return the page at the top, which leads to the reader's language."""
    links = {Lang.EN: "English", Lang.ZH: "中文"}
    first = langs[0]
    anchors = " · ".join(
        f'<a lang="{lang}" href="{lang}/index.html">{links[lang]}</a>' for lang in langs
    )
    return (
        f'<!doctype html>\n<html lang="{first}"><meta charset="utf-8"><title>plansim</title>'
        f'<meta http-equiv="refresh" content="0; url={first}/index.html"><p>{anchors}</p></html>\n'
    )


def document_pages(
    facts: ModelFacts, loops: Sequence[Loop], card: Mapping[str, str], other: Lang | None
) -> dict[str, str]:
    """Return the pages of one language by their file names.

    Args:
        facts: the model with what is known of it.
        loops: its declared feedback loops, if it has any.
        card: what identifies the model and the program, by label.
        other: the language that the same pages are also written in.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    text, model = facts.text, facts.model
    environment = Environment(
        loader=PackageLoader(__package__, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    shared: dict[str, Any] = {
        "lang": text.lang.value,
        "other": other.value if other else "",
        "model": model,
        "modules": list(_modules(facts)),
        "say": lambda key, **values: text(f"document.{key}", **values),
        "label": text,
        "tongue": partial(_tongue, text.lang),
        "comma": text("list_sep.comma"),
        "colon": text("list_sep.colon"),
        "stop": "。" if text.lang is Lang.ZH else ".",
    }

    def page(name: str, template: str, title: str, **more: object) -> str:
        from markupsafe import Markup

        def current(link: str) -> str:
            return Markup(' aria-current="page"') if link == name else ""

        loaded = environment.get_template(template)
        return loaded.render({**shared, "page": name, "title": title, "current": current, **more})

    say = shared["say"]
    pages = {
        "index.html": page("index.html", "index.html", say("title"), **_index(facts, card)),
        "loops.html": page("loops.html", "loops.html", say("loops"), **_loops(facts, loops)),
        "parameters.html": page(
            "parameters.html", "parameters.html", say("parameters"), groups=list(_parameters(facts))
        ),
        "sources.html": page(
            "sources.html", "sources.html", say("sources"), groups=list(_sources(facts))
        ),
    }
    drawn = set(modules_drawn(model))
    for name in model.modules:
        title, link = facts.module_title(name), page_of(name)
        pages[link] = page(link, "module.html", title, **_module(facts, name, name in drawn))
    return pages


def _tongue(lang: Lang, words: str) -> str:
    """Return the attribute of an element whose text is not in the page's language."""
    from markupsafe import Markup

    spoken = Lang.ZH if re.search(r"[\u4e00-\u9fff]", words.rpartition("。")[0]) else Lang.EN
    return Markup("" if spoken is lang else f' lang="{spoken}"')


def _in_module(model: Model, module: str) -> list[Variable]:
    return [variable for variable in model.variables.values() if variable.module == module]


def _modules(facts: ModelFacts) -> Iterator[dict[str, object]]:
    for name, module in facts.model.modules.items():
        kinds = [variable.kind for variable in _in_module(facts.model, name)]
        yield {
            "title": facts.module_title(name),
            "page": page_of(name),
            "meaning": facts.text.pick(module.meaning_en, module.meaning_zh),
            "counts": [kinds.count(kind) for kind in _COUNTED],
        }


def _index(facts: ModelFacts, card: Mapping[str, str]) -> dict[str, object]:
    variables = sorted(
        facts.model.variables.values(), key=lambda variable: facts.name(variable).casefold()
    )
    return {
        "kinds": [facts.text.word("kind", kind) for kind in _COUNTED],
        "card": list(card.items()),
        "names": [
            {
                "name": facts.name(variable),
                "second": variable.name if facts.text.lang is Lang.ZH else variable.name_zh,
                "find": f"{variable.name} {variable.name_zh}".lower(),
                "link": link_to(variable),
            }
            for variable in variables
        ],
    }


def _module(facts: ModelFacts, name: str, drawn: bool) -> dict[str, object]:
    from markupsafe import Markup

    text, model, module = facts.text, facts.model, facts.model.modules[name]
    drawing, folded = "", tuple[str, ...]()
    if drawn:
        drawing = module_diagram(model, name, (text.lang,), style=False, href=link_to)
        folded = module_parts(model, name).folded
    groups: dict[VariableKind, list[object]] = {}
    for variable in _in_module(model, name):
        groups.setdefault(variable.kind, []).append(entry_of(variable, facts))
    return {
        "meaning": text.pick(module.meaning_en, module.meaning_zh),
        "drawing": Markup(drawing),
        "folded": [{"name": part.text, "link": part.link} for part in map(facts.part, folded)],
        "groups": [
            {"title": text.word("kinds", kind), "entries": groups[kind]}
            for kind in VariableKind
            if kind in groups
        ],
    }


def _loops(facts: ModelFacts, loops: Sequence[Loop]) -> dict[str, object]:
    text, model = facts.text, facts.model
    return {
        "loops": [
            {
                "id": loop.id,
                "name": text.name(loop),
                "polarity": text.word("polarity", loop.polarity),
                "meaning": text.pick(loop.meaning_en, loop.meaning_zh),
                "weak": text.pick(loop.weak_en, loop.weak_zh),
                "switch": facts.name(model.variables[loop.switch]),
                "link": link_to(model.variables[loop.switch]),
                "paths": [_path_in_words(path, facts) for path in loop.paths],
            }
            for loop in loops
        ],
    }


def _path_in_words(links: Sequence[LoopLink], facts: ModelFacts) -> str:
    """Write the variables round a loop, with the sign of each link before its arrow."""
    names = [reference_name(link.cause, facts.model, facts.text) for link in links]
    steps = zip(names, links, strict=True)
    arrows = [f"{name} {'+' if link.sign > 0 else '−'}→" for name, link in steps]
    return " ".join([*arrows, names[0]])


def _parameters(facts: ModelFacts) -> Iterator[dict[str, object]]:
    text = facts.text
    for name in facts.model.modules:
        rows = [
            {
                "name": facts.name(variable),
                "link": link_to(variable),
                "value": _short(variable, facts),
                "unit": typeset(text.unit(variable.unit)),
                "plausible": _span(variable.plausible),
                "admissible": _span(variable.admissible),
                "sources": [part for tag in variable.sources for part in _brief(facts.cited(tag))],
            }
            for variable in _in_module(facts.model, name)
            if variable.kind is VariableKind.CONSTANT
        ]
        if rows:
            yield {"title": facts.module_title(name), "rows": rows}


def _short(variable: Variable, facts: ModelFacts) -> str:
    """Write the value of a constant; of an array with different ones the lowest and highest."""
    values = values_of(variable, facts)
    if len(values) < 2 or not isinstance(variable.value, Mapping):
        return "".join(values)
    numbers = variable.value.values()
    span = f"{min(numbers):g}–{max(numbers):g}"
    return facts.text("document.elements", span=span, count=len(numbers))


def _span(bounds: tuple[float | None, float | None] | None) -> str:
    if bounds is None or bounds == (None, None):
        return ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    return f"{low}–{high}" if low and high else f"≥ {low}" if low else f"≤ {high}"


def _brief(parts: Iterable[Part]) -> Iterator[Part]:
    """Of a source that has a row of its own, give the id alone."""
    for part in parts:
        yield Part(part.text.split("  ")[0], part.link) if part.link else part


def _sources(facts: ModelFacts) -> Iterator[dict[str, object]]:
    uses: dict[str, list[Part]] = {}
    for variable in facts.model.variables.values():
        cited = {part.link for tag in variable.sources for part in facts.cited(tag)}
        for link in cited:
            uses.setdefault(link.rpartition("#")[2], []).append(facts.part(variable.name))
    tables: Mapping[str, Iterable[str]] = {
        "evidence": facts.evidence,
        "targets": (target.id for target in facts.targets),
        "clashes": (clash.id for clash in facts.clashes),
    }
    for key, ids in tables.items():
        rows = [{"id": id_, "text": facts.known[id_], "uses": uses.get(id_, [])} for id_ in ids]
        if rows:
            yield {"title": facts.text.word("document", key), "rows": rows}
