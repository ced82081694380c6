"""Lists of what there is: scenarios, variables by module, targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from plansim.model.records import Model, Variable
from plansim.model.scenario import ScenarioHead
from plansim.plan.targets import Kind, Target
from plansim.present.table import (
    Band,
    Line,
    Row,
    Style,
    limit_of,
    render_within,
    section_of,
    wrapped,
)
from plansim.present.text import Text

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


def variable_list(model: Model, text: Text, width: int, *, colour: bool = False) -> str:
    """List the variables of a model with kind and unit, by module in the order of the file."""
    modules: dict[str, list[Variable]] = {}
    for variable in model.variables.values():
        modules.setdefault(variable.module, []).append(variable)

    def rows(room: int) -> list[Row | Band]:
        found: list[Row | Band] = []
        for module, variables in modules.items():
            if found:
                found.append(Band(""))
            found.append(Band(module or text("list.no_module"), Style.STRONG))
            found += [_variable_row(variable, room, text) for variable in variables]
        found += [Band(""), Band(text("list.count", count=len(model.variables)))]
        return found

    return render_within(rows, width, colour=colour)


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


def target_list(targets: Iterable[Target], text: Text, width: int, *, colour: bool = False) -> str:
    """List a plan's targets by attribute and year, each with what judges it or why nothing does."""
    wanted = [target for target in targets if target.kind is Kind.TARGET]
    wanted.sort(key=section_of)

    def rows(room: int) -> list[Row | Band]:
        found: list[Row | Band] = []
        for _, group in groupby(wanted, key=section_of):
            section = list(group)
            first = section[0]
            if found:
                found.append(Band(""))
            title = text.word("section", first.attribute).format(year=first.year)
            found.append(Band(title, Style.STRONG))
            found += [_target_row(target, room, text) for target in section]
        found += [Band(""), Band(text("list.count", count=len(wanted)))]
        return found

    return render_within(rows, width, colour=colour)


def _target_row(target: Target, room: int, text: Text) -> Row:
    if target.variables:
        judged = text.join(list(target.variables.values()))
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
