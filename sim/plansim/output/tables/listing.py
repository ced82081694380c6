"""Lists of scenarios, of variables by module, of levers and of targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from plansim.model.records import Model, Variable, folded
from plansim.output.describe import reference_name
from plansim.output.tables import layout
from plansim.output.words.text import Text
from plansim.output.words.verdicts import by_section, limit_of
from plansim.scenario.factors import Apply, neutral_value
from plansim.scenario.scenario_file import ScenarioHead, ScenarioKind
from plansim.targets.target import Kind, Target, split_reference
from plansim.targets.views import Lever, Views

__all__ = ["lever_list", "scenario_list", "target_list", "variable_list"]


def scenario_list(heads: Iterable[ScenarioHead], text: Text) -> layout.RenderableType:
    """List scenarios with their titles, children indented below their parents.

    Tests of the model and overlays are listed apart, below the stories.
    """
    by_kind: dict[ScenarioKind, list[ScenarioHead]] = {kind: [] for kind in ScenarioKind}
    for head in heads:
        by_kind[head.kind].append(head)
    rows: list[layout.Row | layout.Band] = []
    for kind, alike in by_kind.items():
        if alike and rows:
            rows += [layout.Band(), layout.Band(text.word("scenario_kind", kind))]
        rows += [
            (
                layout.Prose("  " * depth + head.id, layout.Style.STRONG),
                text.pick(head.title_en, head.title_zh),
            )
            for head, depth in _family(alike)
        ]
    return layout.Grid([layout.Column(), layout.text_column()], rows)


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


def variable_list(model: Model, text: Text, *, words: Sequence[str] = ()) -> layout.RenderableType:
    """List the variables of a model with kind and unit, by module in the order of the file.

    With ``words`` only those whose texts hold all of these.
    """
    modules: dict[str, list[Variable]] = {}
    wanted = [
        variable
        for variable in model.variables.values()
        if _matches(words, _texts_of_variable(variable, text))
    ]
    if not wanted and words:
        return text("list.nothing_matches", words=" ".join(words))
    for variable in wanted:
        modules.setdefault(variable.module, []).append(variable)
    rows: list[layout.Row | layout.Band] = []
    for module, variables in modules.items():
        known = model.modules.get(module)
        name = text.pick(module, known.name_zh if known else "")
        rows.append(layout.Band(name or text("list.no_module")))
        rows += [_variable_row(variable, text) for variable in variables]
        rows.append(layout.Band())
    rows.append(layout.Band(_count(len(wanted), len(model.variables), words, text), style=None))
    return layout.Grid(
        [layout.text_column(), layout.text_column(), layout.Column(), layout.Column()], rows
    )


def _matches(words: Sequence[str], texts: Iterable[str]) -> bool:
    """Whether all words stand somewhere in some texts, whatever their case."""
    whole = folded("\n".join(texts))
    return all(folded(word) in whole for word in words)


def _texts_of_variable(variable: Variable, text: Text) -> tuple[str, ...]:
    kinds = (variable.kind, text.word("kind", variable.kind))
    return (
        variable.name,
        variable.name_zh,
        variable.meaning_en,
        variable.meaning_zh,
        variable.module,
        variable.unit,
        *kinds,
    )


def _texts_of_target(target: Target, model: Model) -> tuple[str, ...]:
    judges = target.variables.values()
    names = (model.variables.get(split_reference(reference)[0]) for reference in judges)
    return (
        *(target.id, target.name_en, target.name_zh, target.unit, target.attribute),
        *(target.wording, *judges, *(variable.name_zh for variable in names if variable)),
    )


def _count(listed: int, total: int, words: Sequence[str], text: Text) -> str:
    key = "list.matches" if words else "list.count"
    return text(key, count=listed, total=total)


def _variable_row(variable: Variable, text: Text) -> layout.Row:
    name = variable.name
    if variable.subscripts:
        name += f"[{','.join(variable.subscripts)}]"
    kind = text.word("kind", variable.kind)
    return name, variable.name_zh, kind, text.unit(variable.unit)


def lever_list(
    views: Views, model: Model, text: Text, *, words: Sequence[str] = ()
) -> layout.RenderableType:
    """List the levers that people may move, by group: label, range, present value, constants.

    One that adds or multiplies starts from + 0 or × 1. With ``words`` only those whose texts hold
    all of these.
    """
    rows: list[layout.Row | layout.Band] = []
    levers = list(views.levers)
    count = 0
    for group in views.groups:
        wanted = [lever for lever in group.levers if _matches(words, _texts_of_lever(lever))]
        count += len(wanted)
        if wanted:
            rows += [layout.Band(text.name(group))]
            rows += [_lever_row(lever, model, text) for lever in wanted]
            rows.append(layout.Band())
    if not count and words:
        return text("list.nothing_matches", words=" ".join(words))
    for lever in [one for one in levers if one.apply is Apply.SET and one.shown_factor != 1][:1]:
        value = f"{lever.high * lever.shown_factor:.4g} {text.unit(lever.shown_unit)}"
        hint = text("list.set_hint", name=text.name(lever), value=value)
        rows.append(layout.Band(hint, style=None))
    rows.append(layout.Band(_count(count, len(levers), words, text), style=None))
    columns = [
        layout.text_column(text("list.lever"), least=24),
        layout.figure_column(text("list.range")),
        layout.figure_column(text("list.present")),
        layout.Column(text("run.unit")),
        layout.text_column(text("list.constant"), least=24),
    ]
    return layout.Grid(columns, rows)


def _texts_of_lever(lever: Lever) -> tuple[str, ...]:
    return (lever.name_en, lever.name_zh, lever.help_en, lever.help_zh, *lever.constants)


def _lever_row(lever: Lever, model: Model, text: Text) -> layout.Row:
    present = neutral_value(model, {}, lever.apply, lever.constants)
    low, now, high = (
        f"{value * lever.shown_factor:.4g}" for value in (lever.low, present, lever.high)
    )
    sign = {Apply.SET: "", Apply.ADD: "+ ", Apply.MULTIPLY: "× "}[lever.apply]
    first, *others = lever.constants
    if others:
        first = text("changes.and_more", name=first, count=len(others))
    return (
        text.name(lever),
        f"{low} – {high}",
        f"{sign}{now}",
        layout.unit_cell(lever.shown_unit, text),
        first,
    )


def target_list(
    targets: Iterable[Target], model: Model, text: Text, *, words: Sequence[str] = ()
) -> layout.RenderableType:
    """List a plan's targets by attribute and year, each with its variables or why it has none.

    With ``words`` only those whose texts hold all of these.
    """
    every = [target for target in targets if target.kind is Kind.TARGET]
    wanted = [target for target in every if _matches(words, _texts_of_target(target, model))]
    if not wanted and words:
        return text("list.nothing_matches", words=" ".join(words))
    rows: list[layout.Row | layout.Band] = []
    for title, section in by_section(wanted, text):
        rows.append(layout.Band(title))
        rows += [_target_row(target, model, text) for target in section]
        rows.append(layout.Band())
    rows.append(layout.Band(_count(len(wanted), len(every), words, text), style=None))
    return layout.Grid(
        [layout.Column(), layout.text_column(), layout.Column(right=True), layout.text_column()],
        rows,
    )


def _target_row(target: Target, model: Model, text: Text) -> layout.Row:
    names = [reference_name(variable, model, text) for variable in target.variables.values()]
    reason = text("list.not_judged", reason=text.pick(target.reason_en, target.reason_zh))
    limit = limit_of(target, text)
    return (
        target.id,
        text.name(target),
        f"{limit} {text.unit(target.unit)}" if limit else "–",
        text.join(names) if names else layout.Prose(reason, layout.Style.FAINT),
    )
