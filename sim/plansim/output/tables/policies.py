"""Sets of policies as tables: their aims, the levers they move, scenarios beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from plansim.analysis.decisions.policies import PolicyPoint, PolicySet, at_equal_growth
from plansim.analysis.decisions.policy_search import Aim
from plansim.output.tables.layout import (
    Grid,
    RenderableType,
    Row,
    blocks,
    figure_column,
    text_column,
)
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


def policies_table(result: PolicySet, text: Text, *, most: int = 20) -> RenderableType:
    """Lay out the policies of which none is better in every aim, and the levers they move most."""
    columns = [
        text_column(text("robust.policy")),
        *(figure_column(_AIMS[aim](text)) for aim in result.aims),
        text_column(text("policies.moves")),
    ]
    rows = [_point(result, result.start, text("policies.start"), text)]
    step = max(1, -(-len(result.points) // most))
    for number, point in list(enumerate(result.points, 1))[::step]:
        rows.append(_point(result, point, str(number), text))
    parts: list[RenderableType] = [
        text(
            "policies.head",
            count=len(result.points),
            runs=result.runs,
            members=result.members,
            fresh=result.fresh,
        ),
        Grid(columns, rows),
    ]
    if Aim.SHARE in result.aims:
        parts.append(text("robust.set", ids=text.join(result.named), count=len(result.named)))
    if beside := list(at_equal_growth(result)):
        parts.append(_beside(result, beside, text))
    last = result.hypervolumes[:, -1]
    parts.append(
        text(
            "policies.search",
            low=f"{last.min():.2f}",
            high=f"{last.max():.2f}",
            seeds=len(last),
        )
        + text("list_sep.sentence")
        + text("policies.drop", parts=text.join(_drops(result, text)))
    )
    return blocks(parts)


def _beside(
    result: PolicySet, pairs: Sequence[tuple[PolicyPoint, PolicyPoint | None]], text: Text
) -> Grid:
    """Lay out scenarios beside the policies that grow no more slowly."""
    columns = [
        text_column(text("run_card.scenario")),
        *(figure_column(_AIMS[aim](text)) for aim in result.aims),
        figure_column(text("policies.found")),
        *(figure_column(_AIMS[aim](text)) for aim in result.aims),
    ]
    rows: list[Row] = []
    for scenario, found in pairs:
        row = [scenario.name, *(_aim(aim, scenario.aims[aim]) for aim in result.aims)]
        if found is None:
            row += ["–"] * (1 + len(result.aims))
        else:
            number = next(n for n, point in enumerate(result.points, 1) if point is found)
            row += [str(number), *(_aim(aim, found.aims[aim]) for aim in result.aims)]
        rows.append(tuple(row))
    return Grid(columns, rows, title=text("policies.beside"))


def _drops(result: PolicySet, text: Text) -> Iterator[str]:
    for aim in result.aims:
        drop = result.drop[aim]
        is_plain = aim in (Aim.MET, Aim.COST)
        size = f"{drop:.2f}" if is_plain else f"{100 * drop:.1f}"
        yield text("policies.aim_drop", aim=_AIMS[aim](text), size=size)


def _point(result: PolicySet, point: PolicyPoint, name: str, text: Text) -> Row:
    moved = sorted(
        (one for one in result.levers if point.values[one.id] != result.start.values[one.id]),
        key=lambda lever: (
            -abs(point.values[lever.id] - result.start.values[lever.id]) / (lever.high - lever.low)
        ),
    )
    shown = [text.name(lever) for lever in moved[:_MOST_MOVES]]
    more = len(moved) - len(shown)
    return (
        name,
        *(_aim(aim, point.aims[aim]) for aim in result.aims),
        text.join([*shown, *([f"+{more}"] if more > 0 else [])]),
    )


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
