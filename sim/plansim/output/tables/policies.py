"""Sets of policies as tables: their aims, the levers they move, scenarios beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from plansim.analysis.decisions.policies import PolicyPoint, PolicySet, at_equal_growth
from plansim.analysis.decisions.policy_search import Aim
from plansim.output.tables import layout
from plansim.output.words.text import Text
from plansim.targets.verdict import of_hundred

__all__ = ["policies_table"]

_MOST_MOVES = 4
"""Number of levers that are named of a policy."""
_AIMS: Mapping[Aim, Callable[[Text], str]] = {
    Aim.GROWTH: lambda text: text("policies.growth"),
    Aim.SHARE: lambda text: text("robust.named"),
    Aim.MET: lambda text: text("robust.mean_met"),
    Aim.EFFORT: lambda text: text("policies.effort"),
    Aim.COST: lambda text: text("policies.cost"),
}


def policies_table(result: PolicySet, text: Text, *, most: int = 20) -> layout.RenderableType:
    """Lay out the policies of which none is better in every aim, and the levers they move most."""
    step = max(1, -(-len(result.points) // most))
    listed = [(text("policies.start"), result.start)]
    listed += [(f"{number}", point) for number, point in list(enumerate(result.points, 1))[::step]]
    columns = [
        layout.text_column(text("robust.policy"), lambda row: row[0]),
        *_aim_columns(result, text, lambda row: row[1]),
        layout.text_column(text("policies.moves"), lambda row: _moves(result, row[1], text)),
    ]
    counts = {"count": len(result.points), "runs": result.runs, "members": result.members}
    parts: list[layout.RenderableType] = [
        text("policies.head", fresh=result.fresh, **counts),
        layout.table(columns, listed),
    ]
    if Aim.SHARE in result.aims:
        parts.append(text("robust.set", ids=text.join(result.named), count=len(result.named)))
    if beside := list(at_equal_growth(result)):
        parts.append(_beside(result, beside, text))
    last = result.hypervolumes[:, -1]
    low, high = f"{last.min():.2f}", f"{last.max():.2f}"
    search = text("policies.search", low=low, high=high, seeds=len(last))
    drop = text("policies.drop", parts=text.join(_drops(result, text)))
    return layout.blocks([*parts, search + text("list_sep.sentence") + drop])


def _aim_columns(
    result: PolicySet, text: Text, point_of: Callable[[Any], PolicyPoint | None]
) -> Iterator[layout.Column]:
    """Yield a column for each aim, of the point that a row is about."""

    def column(aim: Aim) -> layout.Column:
        def cell(row: object) -> str:
            point = point_of(row)
            return "–" if point is None else _aim(aim, point.aims[aim])

        return layout.figure_column(_AIMS[aim](text), cell)

    return map(column, result.aims)


def _beside(
    result: PolicySet, pairs: Sequence[tuple[PolicyPoint, PolicyPoint | None]], text: Text
) -> layout.Grid:
    """Lay out scenarios beside the policies that grow no more slowly."""
    numbers = {id(point): f"{number}" for number, point in enumerate(result.points, 1)}
    columns = [
        layout.text_column(text("run_card.scenario"), lambda pair: pair[0].name),
        *_aim_columns(result, text, lambda pair: pair[0]),
        layout.figure_column(text("policies.found"), lambda pair: numbers.get(id(pair[1]), "–")),
        *_aim_columns(result, text, lambda pair: pair[1]),
    ]
    return layout.table(columns, pairs, title=text("policies.beside"))


def _drops(result: PolicySet, text: Text) -> Iterator[str]:
    for aim in result.aims:
        drop = result.drop[aim]
        is_plain = aim in (Aim.MET, Aim.COST)
        size = f"{drop:.2f}" if is_plain else f"{100 * drop:.1f}"
        yield text("policies.aim_drop", aim=_AIMS[aim](text), size=size)


def _moves(result: PolicySet, point: PolicyPoint, text: Text) -> str:
    """Name the levers that a policy moves most; count the others."""
    parts = {
        lever: abs(point.values[lever.id] - result.start.values[lever.id])
        / (lever.high - lever.low)
        for lever in result.levers
    }
    moved = sorted((lever for lever in parts if parts[lever]), key=lambda lever: -parts[lever])
    more = [f"+{len(moved) - _MOST_MOVES}"] if len(moved) > _MOST_MOVES else []
    return text.join([*map(text.name, moved[:_MOST_MOVES]), *more])


def _aim(aim: Aim, value: float) -> str:
    match aim:
        case Aim.GROWTH:
            return f"{100 * value:.1f} %"
        case Aim.SHARE:
            return f"{of_hundred(value)}/100"
        case Aim.EFFORT:
            return f"{100 * value:.0f} %"
        case _:
            return f"{value:.4g}"
