"""Lists of scenarios, of variables by module, of levers and of targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from plansim.model.records import Model, Variable, folded
from plansim.output.describe import reference_name
from plansim.output.tables.layout import (
    Band,
    Column,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    figure_column,
    text_column,
    unit_cell,
)
from plansim.output.words.text import Text
from plansim.output.words.verdicts import by_section, limit_of
from plansim.scenario.factors import Apply, neutral_value
from plansim.scenario.scenario_file import ScenarioHead, ScenarioKind
from plansim.targets.target import Kind, Target, split_reference
from plansim.targets.views import Lever, Views

__all__ = ["lever_list", "scenario_list", "target_list", "variable_list"]

_Entry = tuple[str, Row, Sequence[str]]
"""The heading that a row stands under, the row, and texts beyond its own that may be looked for."""


def _listed(
    columns: Sequence[Column],
    entries: Iterable[_Entry],
    text: Text,
    words: Sequence[str],
    *notes: str,
) -> RenderableType:
    """Lay out entries by their headings, and count them; with ``words`` those that hold all."""

    def holds(entry: _Entry) -> bool:
        whole = folded("\n".join([entry[0], *map(str, entry[1]), *entry[2]]))
        return all(folded(word) in whole for word in words)

    every = list(entries)
    found = [entry for entry in every if holds(entry)]
    if words and not found:
        return text("list.nothing_matches", words=" ".join(words))
    rows: list[Row | Band] = []
    for heading, group in groupby(found, key=lambda entry: entry[0]):
        rows += [Band(heading), *(row for _, row, _ in group), Band()]
    key = "list.matches" if words else "list.count"
    count = text(key, count=len(found), total=len(every))
    return Grid(columns, [*rows, *(Band(note, style=None) for note in (*notes, count))])


def scenario_list(heads: Iterable[ScenarioHead], text: Text) -> RenderableType:
    """List scenarios with their titles, children indented below their parents.

    Tests of the model and overlays are listed apart, below the stories.
    """
    listed = list(heads)
    rows: list[Row | Band] = []
    for kind in ScenarioKind:
        family = list(_family([head for head in listed if head.kind is kind]))
        if family and rows:
            rows += [Band(), Band(text.word("scenario_kind", kind))]
        rows += [
            (Prose("  " * depth + head.id, Style.STRONG), text.title(head))
            for head, depth in family
        ]
    return Grid([Column(), text_column()], rows)


def _family(
    heads: Sequence[ScenarioHead], parent: str | None = None, depth: int = 0
) -> Iterator[tuple[ScenarioHead, int]]:
    """Walk the tree of parents; a scenario whose parent is not listed counts as a root."""
    known = {head.id for head in heads}
    for head in heads:
        above = head.parent if head.parent in known else None
        if above == parent:
            yield head, depth
            yield from _family(heads, head.id, depth + 1)


def variable_list(model: Model, text: Text, *, words: Sequence[str] = ()) -> RenderableType:
    """List the variables of a model with kind and unit, by module in the order of the file.

    With ``words`` only those whose texts hold all of these.
    """

    def entry(variable: Variable) -> _Entry:
        module = model.modules.get(variable.module)
        title = text.pick(variable.module, module.name_zh if module else "")
        elements = f"[{','.join(variable.subscripts)}]" if variable.subscripts else ""
        kind, unit = text.word("kind", variable.kind), text.unit(variable.unit)
        more = variable.meaning_en, variable.meaning_zh, variable.module, variable.unit
        row = variable.name + elements, variable.name_zh, kind, unit
        return title or text("list.no_module"), row, (*more, variable.kind)

    places = list(dict.fromkeys(variable.module for variable in model.variables.values()))
    ordered = sorted(model.variables.values(), key=lambda one: places.index(one.module))
    columns = [text_column(), text_column(), Column(), Column()]
    return _listed(columns, map(entry, ordered), text, words)


def lever_list(
    views: Views, model: Model, text: Text, *, words: Sequence[str] = ()
) -> RenderableType:
    """List the levers that people may move, by group: label, range, present value, constants.

    One that adds or multiplies starts from + 0 or × 1. With ``words`` only those whose texts hold
    all of these.
    """

    def entry(title: str, lever: Lever) -> _Entry:
        present = neutral_value(model, {}, lever.apply, lever.constants)
        low, now, high = (
            f"{value * lever.shown_factor:.4g}" for value in (lever.low, present, lever.high)
        )
        sign = {Apply.SET: "", Apply.ADD: "+ ", Apply.MULTIPLY: "× "}[lever.apply]
        first, *others = lever.constants
        if others:
            first = text("changes.and_more", name=first, count=len(others))
        unit = unit_cell(lever.shown_unit, text)
        row = text.name(lever), f"{low} – {high}", f"{sign}{now}", unit, first
        more = lever.name_en, lever.name_zh, lever.help_en, lever.help_zh, *lever.constants
        return title, row, more

    columns = [
        text_column(text("list.lever")),
        figure_column(text("list.range")),
        figure_column(text("list.present")),
        Column(text("run.unit")),
        text_column(text("list.constant")),
    ]
    notes = [
        text("list.set_hint", name=text.name(lever), value=value)
        for lever in views.levers
        if lever.apply is Apply.SET and lever.shown_factor != 1
        if (value := f"{lever.high * lever.shown_factor:.4g} {text.unit(lever.shown_unit)}")
    ]
    entries = (entry(text.name(group), lever) for group in views.groups for lever in group.levers)
    return _listed(columns, entries, text, words, *notes[:1])


def target_list(
    targets: Iterable[Target], model: Model, text: Text, *, words: Sequence[str] = ()
) -> RenderableType:
    """List a plan's targets by attribute and year, each with its variables or why it has none.

    With ``words`` only those whose texts hold all of these.
    """

    def entry(title: str, target: Target) -> _Entry:
        judges = list(target.variables.values())
        names = [reference_name(variable, model, text) for variable in judges]
        reason = text("list.not_judged", reason=text.pick(target.reason_en, target.reason_zh))
        limit = limit_of(target, text)
        row: Row = (
            target.id,
            text.name(target),
            f"{limit} {text.unit(target.unit)}" if limit else "–",
            text.join(names) if names else Prose(reason, Style.FAINT),
        )
        variables = (model.variables.get(split_reference(name)[0]) for name in judges)
        known = [variable.name_zh for variable in variables if variable]
        named = target.name_en, target.name_zh, target.unit, target.attribute, target.wording
        return title, row, (*named, *judges, *known)

    wanted = [target for target in targets if target.kind is Kind.TARGET]
    entries = (entry(title, one) for title, group in by_section(wanted, text) for one in group)
    columns = [Column(), text_column(), figure_column(), text_column()]
    return _listed(columns, entries, text, words)
