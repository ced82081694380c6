"""What is known of one variable, target or scenario: labels with their texts.

`table.facts` lays them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plansim.model.evidence import Evidence
from plansim.model.records import Model, SubscriptRange, Timing, Variable
from plansim.model.scenario import Change, Scenario
from plansim.plan.targets import Target, split_reference
from plansim.present.table import limit_of
from plansim.present.text import Lang, Text, target_figure

__all__ = ["change_line", "changes_head", "scenario_facts", "target_facts", "variable_facts"]

Fact = tuple[str, str]

ASSUMPTION = "A"
DERIVED = "D"
"""The source ids that stand for no entry of a table, as the convention of the model has it."""


def variable_facts(
    variable: Variable,
    model: Model,
    targets: Iterable[Target],
    evidence: Mapping[str, Evidence],
    text: Text,
) -> list[Fact]:
    """Say all that the model's file and the tables beside it tell of a variable."""
    by_id = {target.id: target for target in targets}
    judges = [
        f"{target.id} {text.pick(target.name_en, target.name_zh)}"
        for target in by_id.values()
        if any(split_reference(name)[0] == variable.name for name in target.variables.values())
    ]
    initial = set(variable.initial_causes)
    facts = [
        ("show.variable", _both(variable.name, variable.name_zh, text)),
        ("show.meaning", variable.meaning),
        ("show.kind", _kind(variable, text)),
        ("show.module", variable.module),
        ("show.unit", text.unit(variable.unit)),
        (
            "show.subscripts",
            "\n".join(_range(model.subscripts[n], text) for n in variable.subscripts),
        ),
        ("show.equation", variable.equation),
        ("show.value", _value(variable)),
        ("show.admissible", _noted("show.admissible_note", variable.admissible, variable, text)),
        ("show.plausible", _noted("show.plausible_note", variable.plausible, variable, text)),
        ("show.causes", _names([n for n in variable.causes if n not in initial], model, text)),
        ("show.initial_causes", _names(variable.initial_causes, model, text)),
        ("show.uses", _names(model.uses(variable.name), model, text)),
        ("show.judged_by", "\n".join(judges)),
        (
            "show.sources",
            "\n".join(_source(tag, by_id, evidence, text) for tag in variable.sources),
        ),
        ("show.place", f"{model.path}:{variable.line}"),
    ]
    return _told(facts, text)


def target_facts(target: Target, text: Text) -> list[Fact]:
    """Say what the plan's catalogue holds of a target, or of a figure of the past."""
    unit = text.unit(target.unit)
    judged = "\n".join(
        f"{name} ({text.word('basis', basis)})" if basis else name
        for basis, name in target.variables.items()
    )
    facts = [
        (f"show.{target.kind}", f"{target.id}  {_both(target.name_en, target.name_zh, text)}"),
        ("show.attribute", text.word("attribute", target.attribute) if target.year else ""),
        ("show.plan", _goal(target, unit, text)),
        ("show.base", _base(target, text)),
        ("show.basis", text.join([text.word("basis", each) for each in target.basis])),
        ("show.measure", text.word("measure", target.measure) if judged else ""),
        ("show.judged", judged),
        ("show.not_judged", text.pick(target.reason_en, target.reason_zh)),
        ("show.planned", text.join(list(target.planned.values()))),
        ("show.wording", target.wording),
        ("show.in_plan", text.pick(target.place_en, target.place_zh)),
        ("show.note", text.pick(target.note_en, target.note_zh)),
        ("show.place", f"{target.file}:{target.line}"),
    ]
    return _told(facts, text)


def scenario_facts(scenario: Scenario, text: Text) -> list[Fact]:
    """Say what a scenario is and what it sets against its parent."""
    assumes = "\n".join(
        f"{key}{text('list_sep.colon')}{text.pick(reason.en, reason.zh)}"
        for key, reason in scenario.assumed.items()
    )
    title = _both(scenario.title_en, scenario.title_zh, text)
    facts = [
        ("show.scenario", f"{scenario.id}  {title}"),
        ("show.description", text.pick(scenario.description_en, scenario.description_zh)),
        ("show.lineage", " → ".join(scenario.lineage)),
        ("show.changes", "\n".join(map(change_line, scenario.changes)) or text("show.nothing")),
        ("show.assumes", assumes),
        ("show.sources", "\n".join(scenario.sources)),
        ("show.warnings", "\n".join(map(str, scenario.warnings))),
        ("show.place", str(scenario.path or "")),
    ]
    return _told(facts, text)


def changes_head(scenario: Scenario, text: Text) -> str:
    """Say against what a scenario's changes stand, or that it has none."""
    against = scenario.parent or (scenario.id if scenario.overrides else None)
    key = "changes.against" if against else "changes.model"
    if not scenario.changes:
        key = "changes.none" if against else "changes.none_model"
    return text(key, scenario=scenario.id, parent=against)


def change_line(change: Change) -> str:
    """Write one change: ``name  old → new unit``."""
    return f"{change.name}: {change.old:g} → {change.new:g} {change.unit}".rstrip()


def _told(facts: Iterable[Fact], text: Text) -> list[Fact]:
    """Keep what there is something to say about, with the labels in words."""
    return [(text(label), said) for label, said in facts if said.strip()]


def _both(en: str, zh: str, text: Text) -> str:
    """Give both names, that of the reader's language first."""
    names = (zh, en) if text.lang is Lang.ZH else (en, zh)
    return "  ".join(name for name in names if name)


def _kind(variable: Variable, text: Text) -> str:
    timing = "show.timing_year_end" if variable.timing is Timing.YEAR_END else "show.timing_year"
    return text.word("kind", variable.kind) + text("list_sep.comma") + text(timing)


def _range(subscript: SubscriptRange, text: Text) -> str:
    elements = subscript.elements
    if text.lang is Lang.ZH and subscript.elements_zh:
        elements = subscript.elements_zh
    name = text.pick(subscript.name, subscript.name_zh)
    return name + text("list_sep.colon") + text.join(list(elements))


def _value(variable: Variable) -> str:
    if isinstance(variable.value, Mapping):
        return "\n".join(f"{element}: {value:g}" for element, value in variable.value.items())
    return "" if variable.value is None else f"{variable.value:g} {variable.unit}".strip()


def _noted(
    key: str, bounds: tuple[float | None, float | None] | None, variable: Variable, text: Text
) -> str:
    if bounds is None or bounds == (None, None):
        return ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    span = f"{low} – {high}" if low and high else f"≥ {low}" if low else f"≤ {high}"
    return text(key, range=f"{span} {text.unit(variable.unit)}".strip())


def _names(names: Iterable[str], model: Model, text: Text) -> str:
    """Enumerate variables; in Chinese each with its Chinese name."""
    written = []
    for name in names:
        name_zh = model.variables[name].name_zh
        written.append(f"{name_zh}（{name}）" if text.lang is Lang.ZH and name_zh else name)
    return text.join(written)


def _source(
    tag: str, targets: Mapping[str, Target], evidence: Mapping[str, Evidence], text: Text
) -> str:
    """Write a source tag with what it stands for."""
    key, _, rest = (part.strip() for part in tag.partition(":"))
    if key in (ASSUMPTION, DERIVED):
        label = text("show.assumption" if key == ASSUMPTION else "show.derived")
        return f"{label}{text('list_sep.colon')}{rest}" if rest else label
    said = f"{key} [{rest}]" if rest else key
    if key in evidence:
        return f"{said}  {evidence[key]}"
    if key in targets:
        target = targets[key]
        name = text.pick(target.name_en, target.name_zh)
        place = text.pick(target.place_en, target.place_zh)
        return f"{said}  {name}{text('list_sep.stop')}{place}"
    return said


def _goal(target: Target, unit: str, text: Text) -> str:
    """Say what the plan asks for, and when."""
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
