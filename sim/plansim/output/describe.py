"""Facts of a target, scenario or clash: labels with texts; `layout.facts` lays them out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from plansim.model.records import Model, Variable
from plansim.model.units import NO_UNIT
from plansim.output.words.messages import say_in
from plansim.output.words.text import Lang, Text, target_figure
from plansim.output.words.verdicts import limit_of
from plansim.scenario.scenario_file import Change, Scenario
from plansim.scenario.variant import for_scenarios
from plansim.targets.target import Kind, Target, split_reference

if TYPE_CHECKING:
    from plansim.targets.audit import Clash, Statement

__all__ = [
    "both_names",
    "changes_head",
    "changes_in_short",
    "clash_facts",
    "noted",
    "reference_name",
    "scenario_facts",
    "target_facts",
    "with_text",
]


_KIND = {Kind.TARGET: "show.target", Kind.FIGURE: "show.figure", Kind.PAST: "show.past"}


def target_facts(target: Target, model: Model, text: Text) -> list[tuple[str, str]]:
    """Return the facts of a target, or a figure of the past, in the plan's catalogue."""
    unit = text.unit(target.unit)
    judged = "\n".join(
        f"{label} ({text.word('basis', basis)})" if basis else label
        for basis, label in (
            (basis, reference_name(name, model, text)) for basis, name in target.variables.items()
        )
    )
    facts = [
        (_KIND[target.kind], f"{target.id}  {both_names(target.name_en, target.name_zh, text)}"),
        ("show.attribute", text.word("attribute", target.attribute) if target.year else ""),
        ("show.plan", _goal(target, unit, text)),
        ("show.base", _base(target, text)),
        ("show.basis", text.join([text.word("basis", basis) for basis in target.basis])),
        ("show.measure", text.word("measure", target.measure) if judged else ""),
        ("show.judged", judged),
        ("show.not_judged", text.pick(target.reason_en, target.reason_zh)),
        ("show.planned", text.join(target.planned.values())),
        ("show.wording", target.wording),
        ("show.in_plan", text.pick(target.place_en, target.place_zh)),
        ("show.note", text.pick(target.note_en, target.note_zh)),
        ("show.place", f"{target.file}:{target.line}"),
    ]
    return with_text(facts, text)


def scenario_facts(scenario: Scenario, model: Model, text: Text) -> list[tuple[str, str]]:
    """Return the facts of a scenario and its changes from its parent."""
    model = for_scenarios(model, [scenario])
    changes = _method_change(scenario, text)
    changes += [
        _change(change, model, text) + _exceeded(change, model, text) for change in scenario.changes
    ]
    assumes = "\n".join(
        f"{key}{text('list_sep.colon')}{text.pick(reason.en, reason.zh)}"
        for key, reason in scenario.assumed.items()
    )
    title = both_names(scenario.title_en, scenario.title_zh, text)
    facts = [
        ("show.scenario", f"{scenario.id}  {title}"),
        ("show.description", text.pick(scenario.description_en, scenario.description_zh)),
        ("show.lineage", " → ".join(scenario.lineage)),
        ("show.changes", "\n".join(changes) or text("show.nothing")),
        ("run_card.method", text("integration." + scenario.time.integration)),
        ("show.assumes", assumes),
        ("show.sources", "\n".join(scenario.sources)),
        (
            "show.warnings",
            "\n".join(warning.written(say_in(text.lang)) for warning in scenario.warnings),
        ),
        ("show.place", str(scenario.path or "")),
    ]
    return with_text(facts, text)


def clash_facts(clash: Clash, text: Text, *, figures: bool = True) -> list[tuple[str, str]]:
    """Return the facts of a clash of the plan's figures, its consequence and the model's handling.

    With ``figures``, each figure is given with its source.
    """
    statements = clash.statements if figures else ()
    finding = text.pick(clash.finding_en, clash.finding_zh)
    if not clash.stands:
        finding += text("list_sep.sentence") + text("audit.fallen", condition=clash.condition)
    topic = text.pick(clash.topic_en, clash.topic_zh)
    facts = [
        ("audit.clash", f"{clash.id}  {topic} ({text.word('nature', clash.nature)})"),
        ("audit.figures", "\n".join(_statement(statement, text) for statement in statements)),
        ("audit.arithmetic", "\n".join(map(str, clash.arithmetic))),
        ("audit.finding", finding),
        ("audit.handling", text.pick(clash.handling_en, clash.handling_zh)),
    ]
    return with_text(facts, text)


def _statement(statement: Statement, text: Text) -> str:
    """Write ``name = figure: label (source)``."""
    year = f" ({statement.year})" if statement.year else ""
    figure = f"{target_figure(statement.value)} {text.unit(statement.unit)}".strip() + year
    # Without a Chinese label the name alone is written.
    named = text.lang is Lang.EN or statement.label_zh
    label = text.pick(statement.label_en, statement.label_zh) if named else ""
    place = text.pick(statement.place_en, statement.place_zh)
    origin = text("list_sep.stop").join(part for part in (label, place) if part)
    return f"{statement.name} = {figure}{text('list_sep.colon')}{origin}"


def changes_head(scenario: Scenario, text: Text) -> str:
    """Return the heading of a scenario's changes: from what, or that it has none."""
    name = scenario.id
    if scenario.overrides:
        name = text("changes.with_set", scenario=name)
    key = "changes.against" if scenario.parent else "changes.model"
    if not scenario.changes and not _method_change(scenario, text):
        key = "changes.none" if scenario.parent else "changes.none_model"
    return text(key, scenario=name, parent=scenario.parent)


def changes_in_short(scenario: Scenario, model: Model, text: Text) -> list[str]:
    """Write the changes of a scenario, one line for each variable: those of an array as ranges."""
    model = for_scenarios(model, [scenario])
    lines = _method_change(scenario, text)
    for name, group in groupby(
        scenario.changes, key=lambda change: split_reference(change.name)[0]
    ):
        changes = list(group)
        if len(changes) == 1:
            lines.append(_change(changes[0], model, text))
            continue
        label = text("changes.elements", name=_name(name, model, text), count=len(changes))
        old, new = ([getattr(change, key) for change in changes] for key in ("old", "new"))
        lines.append(_arrow(label, old, new, changes[0].unit, text))
    return lines


def reference_name(reference: str, model: Model, text: Text) -> str:
    """Write ``name`` or ``name[element]`` in the reader's language; unchanged if unknown."""
    name, elements = split_reference(reference)
    if name not in model.variables:
        return reference
    label = _name(name, model, text)
    if elements:
        chinese = {} if text.lang is Lang.EN else _elements_zh(model)
        label += f"[{','.join(chinese.get(element, element) for element in elements)}]"
    return label


def _method_change(scenario: Scenario, text: Text) -> list[str]:
    """Write the method of integration, if it is another than the parent's; else nothing."""
    before, method = scenario.method_before, scenario.time.integration
    if before in {None, method}:
        return []
    named = " → ".join(text(f"integration.{one}") for one in (before, method))
    return [f"{text('run_card.method')}{text('list_sep.colon')}{named}"]


def _change(change: Change, model: Model, text: Text) -> str:
    label = reference_name(change.name, model, text)
    return _arrow(label, [change.old], [change.new], change.unit, text)


def _exceeded(change: Change, model: Model, text: Text) -> str:
    """Write the plausible range that a change leaves; nothing if it stays inside or has none."""
    from plansim.scenario.values import outside  # loads what only scenario files need

    variable = model.variables[split_reference(change.name)[0]]
    if variable.plausible is None or not outside(change.new, *variable.plausible):
        return ""
    return noted("show.exceeded", variable.plausible, variable, text)


def _arrow(label: str, old: Sequence[float], new: Sequence[float], unit: str, text: Text) -> str:
    """Write a change; of a constant that the parent does not have, only what it is set to."""
    known = [number for number in old if not math.isnan(number)]
    before = f"{_span(known)} → " if known else ""
    change = f"{label}{text('list_sep.colon')}{before}{_span(new)}"
    return change if unit == NO_UNIT else f"{change} {text.unit(unit)}"


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _name(name: str, model: Model, text: Text) -> str:
    return text.pick(name, model.variables[name].name_zh)


def _elements_zh(model: Model) -> Mapping[str, str]:
    return {
        english: chinese
        for subscript in model.subscripts.values()
        for english, chinese in zip(subscript.elements, subscript.elements_zh, strict=False)
    }


def with_text(facts: Iterable[tuple[str, str]], text: Text) -> list[tuple[str, str]]:
    """Drop facts without a text, and put labels in words."""
    return [(text(label), words) for label, words in facts if words.strip()]


def both_names(en: str, zh: str, text: Text) -> str:
    """Return both names, the one in the reader's language first; one if they are the same."""
    names = (zh, en) if text.lang is Lang.ZH else (en, zh)
    return "  ".join(dict.fromkeys(name for name in names if name))


def noted(
    key: str, bounds: tuple[float | None, float | None] | None, variable: Variable, text: Text
) -> str:
    """Write a range of values in words; nothing if there is none."""
    if bounds is None or bounds == (None, None):
        return ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    span = f"{low} – {high}" if low and high else f"≥ {low}" if low else f"≤ {high}"
    return text(key, range=f"{span} {text.unit(variable.unit)}".strip())


def _goal(target: Target, unit: str, text: Text) -> str:
    """Return the plan's goal and its year."""
    if target.year is None:
        return ""
    asked = [f"{limit_of(target, text)} {unit}"] if target.value is not None else []
    asked += [
        f"{text.pick(part.name_en, part.name_zh)} {part.value:g} {text.unit(part.unit)}"
        for part in target.parts
    ]
    return text("show.in_year", what=text.join(asked), year=target.year)


def _base(target: Target, text: Text) -> str:
    if target.base_period is None:
        return ""
    if target.base_value is None:
        return str(target.base_period)
    figure = f"{target_figure(target.base_value)} {text.unit(target.base_unit)}"
    return text("show.in_year", what=figure, year=target.base_period)
