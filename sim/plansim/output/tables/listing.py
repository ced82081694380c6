"""Lists of what there is: scenarios, variables by module, targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from plansim.model.records import Model, Variable, folded
from plansim.output.describe import reference_name
from plansim.output.tables.table import (
    Band,
    Line,
    Row,
    Style,
    limit_of,
    render_within,
    section_of,
    wrapped,
)
from plansim.output.text import Text
from plansim.scenario.reader import ScenarioHead
from plansim.targets.catalogue import Kind, Target, split_reference

__all__ = ["scenario_list", "target_list", "variable_list"]


def scenario_list(
    heads: Iterable[ScenarioHead], text: Text, width: int, *, colour: bool = False
) -> str:
    """List scenarios with their titles, children indented below their parents."""

    def rows(room: int) -> list[Row | Band]:
        return [
            (
                (Line("  " * depth + head.id, style=Style.STRONG),),
                wrapped(text.pick(head.title_en, head.title_zh), room),
            )
            for head, depth in _family(list(heads))
        ]

    return render_within(rows, width, colour=colour)


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


def variable_list(
    model: Model, text: Text, width: int, *, words: Sequence[str] = (), colour: bool = False
) -> str:
    """List the variables of a model with kind and unit, by module in the order of the file.

    With ``words`` only those of which some text holds all of these.
    """
    modules: dict[str, list[Variable]] = {}
    wanted = [
        each for each in model.variables.values() if _matches(words, _texts_of_variable(each, text))
    ]
    if not wanted and words:
        return text("list.nothing_matches", words=" ".join(words))
    for variable in wanted:
        modules.setdefault(variable.module, []).append(variable)

    def rows(room: int) -> list[Row | Band]:
        found: list[Row | Band] = []
        for module, variables in modules.items():
            if found:
                found.append(Band(""))
            known = model.modules.get(module)
            name = text.pick(module, known.name_zh if known else "")
            found.append(Band(name or text("list.no_module"), Style.STRONG))
            found += [_variable_row(variable, room, text) for variable in variables]
        found += [Band(""), Band(_count(len(wanted), len(model.variables), words, text))]
        return found

    return render_within(rows, width, colour=colour)


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
    names = (model.variables.get(split_reference(each)[0]) for each in judges)
    return (
        *(target.id, target.name_en, target.name_zh, target.unit, target.attribute),
        *(target.wording, *judges, *(each.name_zh for each in names if each)),
    )


def _count(found: int, total: int, words: Sequence[str], text: Text) -> str:
    key = "list.matches" if words else "list.count"
    return text(key, count=found, total=total)


def _variable_row(variable: Variable, room: int, text: Text) -> Row:
    name = variable.name
    if variable.subscripts:
        name += f"[{','.join(variable.subscripts)}]"
    return (
        wrapped(name, room * 3 // 5),
        wrapped(variable.name_zh, room * 2 // 5),
        (Line(text.word("kind", variable.kind)),),
        (Line(text.unit(variable.unit)),),
    )


def target_list(
    targets: Iterable[Target],
    model: Model,
    text: Text,
    width: int,
    *,
    words: Sequence[str] = (),
    colour: bool = False,
) -> str:
    """List a plan's targets by attribute and year, each with what judges it or why nothing does.

    With ``words`` only those of which some text holds all of these.
    """
    every = [target for target in targets if target.kind is Kind.TARGET]
    wanted = [each for each in every if _matches(words, _texts_of_target(each, model))]
    wanted.sort(key=section_of)
    if not wanted and words:
        return text("list.nothing_matches", words=" ".join(words))

    def rows(room: int) -> list[Row | Band]:
        found: list[Row | Band] = []
        for _, group in groupby(wanted, key=section_of):
            section = list(group)
            first = section[0]
            if found:
                found.append(Band(""))
            title = text.word("section", first.attribute).format(year=first.year)
            found.append(Band(title, Style.STRONG))
            found += [_target_row(target, model, room, text) for target in section]
        found += [Band(""), Band(_count(len(wanted), len(every), words, text))]
        return found

    return render_within(rows, width, colour=colour)


def _target_row(target: Target, model: Model, room: int, text: Text) -> Row:
    if target.variables:
        judged = text.join(
            [reference_name(each, model, text) for each in target.variables.values()]
        )
    else:
        reason = text.pick(target.reason_en, target.reason_zh)
        judged = text("list.not_judged", reason=reason)
    limit = limit_of(target, text)
    return (
        (Line(target.id),),
        wrapped(text.pick(target.name_en, target.name_zh), room // 2),
        (Line("", f"{limit} {text.unit(target.unit)}" if limit else "–"),),
        wrapped(judged, room - room // 2, None if target.variables else Style.FAINT),
    )
