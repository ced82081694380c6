"""Facts of a target, scenario or clash: labels with texts; `layout.facts` lays them out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from plansim.model.records import Model
from plansim.model.units import shown_in
from plansim.output.words.language import say_in
from plansim.output.words.text import Lang, Text, read_text, target_figure
from plansim.output.words.verdicts import limit_of
from plansim.scenario.factors import Apply
from plansim.scenario.scenario_file import Change, Scenario, ScenarioKind
from plansim.scenario.variant import for_scenarios
from plansim.targets.target import Kind, Target, split_reference

if TYPE_CHECKING:
    from plansim.targets.audit import Clash, Statement
    from plansim.targets.views import Lever

__all__ = [
    "both_names",
    "changes_head",
    "changes_in_short",
    "clash_facts",
    "constants_name",
    "element_changes",
    "elements_name",
    "lever_of",
    "noted",
    "range_words",
    "reference_name",
    "scenario_facts",
    "target_facts",
    "with_text",
]


_KIND = {Kind.TARGET: "show.target", Kind.FIGURE: "show.figure", Kind.PAST: "show.past"}


def target_facts(target: Target, model: Model, text: Text) -> list[tuple[str, str]]:
    """Return the facts of a target, or a figure of the past, in the plan's catalogue."""
    judged = "\n".join(
        reference_name(name, model, text) + (f" ({text.word('basis', basis)})" if basis else "")
        for basis, name in target.variables.items()
    )
    facts = [
        (_KIND[target.kind], f"{target.id}  {both_names(target.name_en, target.name_zh, text)}"),
        ("show.attribute", text.word("attribute", target.attribute) if target.year else ""),
        ("show.plan", _goal(target, text)),
        ("show.base", _base(target, text)),
        ("show.basis", text.join([text.word("basis", basis) for basis in target.basis])),
        ("show.measure", text.word("measure", target.measure) if judged else ""),
        ("show.judged", judged),
        ("show.not_judged", text.pick(target.reason_en, target.reason_zh)),
        ("show.wording", target.wording),
        ("show.in_plan", text.pick(target.place_en, target.place_zh)),
        ("show.note", text.pick(target.note_en, target.note_zh)),
        ("show.place", f"{target.file}:{target.line}"),
    ]
    return with_text(facts, text)


def scenario_facts(scenario: Scenario, model: Model, text: Text) -> list[tuple[str, str]]:
    """Return the facts of a scenario and its changes from its parent."""
    model = for_scenarios(model, [scenario])
    changes = [_change(change, model, text) for change in scenario.changes]
    colon, say = text("list_sep.colon"), say_in(text.lang)
    assumes = [f"{key}{colon}{text.pick(why.en, why.zh)}" for key, why in scenario.assumed.items()]
    sources = [text.pick(source.en, source.zh) for source in scenario.sources]
    title = both_names(scenario.title_en, scenario.title_zh, text)
    nothing = text("show.nothing")
    is_overlay = scenario.kind is ScenarioKind.OVERLAY
    facts = [
        ("show.overlay" if is_overlay else "show.scenario", f"{scenario.id}  {title}"),
        ("show.description", text.pick(scenario.description_en, scenario.description_zh)),
        ("show.lineage", " → ".join(scenario.lineage)),
        ("show.changes", "\n".join([*_method_change(scenario, text), *changes]) or nothing),
        ("run_card.method", text("integration." + scenario.time.integration)),
        ("show.assumes", "\n".join(assumes)),
        ("show.sources", "\n".join(sources)),
        ("show.warnings", "\n".join(warning.written(say) for warning in scenario.warnings)),
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


def changes_in_short(scenario: Scenario, model: Model, text: Text | str) -> list[str]:
    """Write the changes of a scenario, one line for each variable, by its label.

    Elements of an array that do not change alike are named. ``text`` is the language, ``en`` or
    ``zh``, or its phrases.

    >>> model = plansim.load_model("lake.mdl")
    >>> boats = plansim.read_scenario("boats.yaml", model)
    >>> plansim.changes_in_short(boats, model, "zh")
    ['捕捞强度：10 → 20 %/年']
    """
    model, text = for_scenarios(model, [scenario]), read_text(text)
    lines = _method_change(scenario, text)
    by_variable = groupby(scenario.changes, key=lambda change: split_reference(change.name)[0])
    for name, group in by_variable:
        first, *others = changes = list(group)
        if not others:
            lines.append(_change(first, model, text))
            continue
        lever = lever_of([change.name for change in changes], model)
        label = text.name(lever) if lever else _name(name, model, text)
        unit, factor = shown_in(first.unit)
        pairs = [
            (elements_name(change.name, model, text), change.old * factor, change.new * factor)
            for change in changes
        ]
        changed = label + text("list_sep.colon") + element_changes(pairs, text)
        lines.append(text.amount(changed, unit))
    return lines


MOST_ELEMENTS = 6
"""Number of different changes of elements that are named; others are counted."""


def element_changes(pairs: Sequence[tuple[str, float, float]], text: Text) -> str:
    """Write how elements of an array change: their names, and the value before and after.

    Elements that change alike are written together; if all do, they are only counted.

    >>> from plansim.output.words.text import read_text
    >>> element_changes([("a", 1, 2), ("b", 3, 2), ("c", 1, 2)], read_text("en"))
    'a, c 1 → 2; b 3 → 2'
    """
    alike: dict[str, list[str]] = {}
    for name, old, new in pairs:
        span = f"{new:g}" if math.isnan(old) else f"{old:g} → {new:g}"
        alike.setdefault(span, []).append(name)
    if len(alike) == 1:
        return text("changes.all_elements", count=len(pairs), change=next(iter(alike)))
    parts = [f"{text.join(names)} {span}" for span, names in alike.items()]
    shown = text("list_sep.semicolon").join(parts[:MOST_ELEMENTS])
    more = len(pairs) - sum(len(names) for names in list(alike.values())[:MOST_ELEMENTS])
    return text("changes.and_more", name=shown, count=more) if more else shown


def elements_name(reference: str, model: Model, text: Text) -> str:
    """Return the elements of ``name[e1,e2]`` in the reader's language."""
    _, elements = split_reference(reference)
    return ",".join(text.pick(element, model.elements_zh.get(element)) for element in elements)


def constants_name(constants: Sequence[str], model: Model, text: Text) -> str:
    """Return what constants are called together: the label of their lever, or their names.

    Of several elements of one array that is the array, of several variables the first and how many
    more there are. Empty if the model has none of them.
    """
    if lever := lever_of(constants, model):
        return text.name(lever)
    known = [name for name in constants if split_reference(name)[0] in model.variables]
    first, *others = dict.fromkeys(split_reference(name)[0] for name in known) or [""]
    if len(known) <= 1:
        return reference_name(known[0], model, text) if known else ""
    name = _name(first, model, text)
    return text("changes.and_more", name=name, count=len(others)) if others else name


def lever_of(constants: Sequence[str], model: Model) -> Lever | None:
    """Return the lever that moves just these constants; of one constant it has to set the value."""
    from plansim.targets.views_file import load_views  # loads what most facts do without

    wanted = set(constants)
    for lever in load_views(model).levers:
        is_value = lever.apply is Apply.SET or len(lever.constants) > 1
        if is_value and set(lever.constants) == wanted:
            return lever
    return None


def reference_name(reference: str, model: Model, text: Text) -> str:
    """Write ``name`` or ``name[element]`` in the reader's language; unchanged if unknown."""
    name, elements = split_reference(reference)
    if name not in model.variables:
        return reference
    label = _name(name, model, text)
    return f"{label}[{elements_name(reference, model, text)}]" if elements else label


def _method_change(scenario: Scenario, text: Text) -> list[str]:
    """Write the method of integration, if it is another than the parent's; else nothing."""
    before, method = scenario.method_before, scenario.time.integration
    if before in {None, method}:
        return []
    named = " → ".join(text(f"integration.{one}") for one in (before, method))
    return [f"{text('run_card.method')}{text('list_sep.colon')}{named}"]


def _change(change: Change, model: Model, text: Text) -> str:
    """Write a change, in the unit of its lever if any."""
    lever = lever_of([change.name], model)
    label = text.name(lever) if lever else reference_name(change.name, model, text)
    unit, factor = (lever.shown_unit, lever.shown_factor) if lever else shown_in(change.unit)
    ends = [value * factor for value in (change.old, change.new) if not math.isnan(value)]
    shown = " → ".join(f"{value:g}" for value in ends).replace("-", "−")
    return text.amount(label + text("list_sep.colon") + shown, unit)


def _name(name: str, model: Model, text: Text) -> str:
    return text.pick(name, model.variables[name].name_zh)


def with_text(facts: Iterable[tuple[str, str]], text: Text) -> list[tuple[str, str]]:
    """Drop facts without a text, and put labels in words."""
    return [(text(label), words) for label, words in facts if words.strip()]


def both_names(en: str, zh: str, text: Text) -> str:
    """Return both names, the one in the reader's language first; one if they are the same."""
    names = (zh, en) if text.lang is Lang.ZH else (en, zh)
    return "  ".join(dict.fromkeys(name for name in names if name))


def noted(key: str, bounds: tuple[float | None, float | None] | None, unit: str, text: Text) -> str:
    """Write a range of values of a unit in words; nothing if there is none."""
    shown = range_words(bounds)
    return text(key, range=f"{shown} {text.unit(unit)}".strip()) if shown else ""


def range_words(bounds: tuple[float | None, float | None] | None) -> str:
    """Write a range of values; nothing if there is none.

    >>> range_words((0.5, 2.0)), range_words((0.0, None)), range_words((None, None))
    ('0.5 – 2', '≥ 0', '')
    """
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds or (None, None))
    if low and high:
        return f"{low} – {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def _goal(target: Target, text: Text) -> str:
    """Return the plan's goal and its year."""
    if target.year is None:
        return ""
    limit = f"{limit_of(target, text)} {text.unit(target.unit)}"
    asked = [limit] if target.value is not None else []
    asked += [f"{text.name(part)} {part.value:g} {text.unit(part.unit)}" for part in target.parts]
    return text("show.in_year", what=text.join(asked), year=target.year)


def _base(target: Target, text: Text) -> str:
    if target.base_period is None:
        return ""
    if target.base_value is None:
        return str(target.base_period)
    figure = f"{target_figure(target.base_value)} {text.unit(target.base_unit)}"
    return text("show.in_year", what=figure, year=target.base_period)
