"""What levers have to be: at which targets are met, how far growth can go, sets of policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from plansim.analysis.decisions.policies import PolicyPoint, PolicySet, at_equal_growth
from plansim.analysis.decisions.policy_search import Aim
from plansim.analysis.optimization.frontier import Alone, Frontier, Horizon, Policy
from plansim.analysis.optimization.target_seeking import Searched, Solution
from plansim.output.tables import layout
from plansim.output.tables.verdicts import margin_cell
from plansim.output.words.text import Text, margin_figure, outward
from plansim.output.words.verdicts import margin_size, section_of
from plansim.targets.verdict import of_hundred

__all__ = ["frontier_table", "policies_table", "solution_table"]

_NOTHING = 1e-5
"""A margin below this share of the target is shown as none."""
_UNLIMITED = 1e-3
"""A target that holds to within a tenth of a point of the highest growth does not limit it."""


def solution_table(solution: Solution, text: Text, *, outlay_zh: str = "") -> layout.RenderableType:
    """Lay out the values of the levers, or the ranges that were searched in vain.

    ``outlay_zh`` is the Chinese name of the variable that counts the cost.
    """
    key = "mix.already" if not solution.searched else "mix.found" if solution.values else "mix.none"
    asked = text.join([target.id for target in solution.targets])
    last = [_searched(solution, searched, text) for searched in solution.searched]
    if solution.implausible:
        far = (lever for lever in solution.levers if lever.id in solution.implausible)
        names = text.join(map(text.name, far))
        last.append(text("solve.implausible", names=names))
    effects = {"solve.gained": solution.gained, "solve.lost": solution.lost}
    last += [text(word, ids=text.join(ids)) for word, ids in effects.items() if ids]
    costs = len(solution.levers) > 1 or solution.prices or solution.outlay
    return layout.blocks(
        [
            text(key, scenario=solution.scenario, targets=asked),
            _levers(solution, text),
            *([_cost(solution, text, outlay_zh)] if costs else []),
            _targets(solution, text),
            *([layout.lines(last)] if last else []),
        ]
    )


def _levers(solution: Solution, text: Text) -> layout.Grid:
    def range_of(index: int) -> str:
        lever, searched = solution.levers[index], solution.searched
        ends = searched[-1].ends[index] if searched else (lever.low, lever.high)
        return "–".join(f"{end * lever.shown_factor:g}" for end in ends)

    def moved(index: int) -> layout.Prose:
        if solution.values is None:
            return layout.Prose("–")
        value, present = solution.values[index], solution.present[index]
        if math.isclose(value, present, rel_tol=1e-7, abs_tol=1e-9):
            return layout.Prose(text("mix.stays"), layout.Style.FAINT)
        return layout.Prose(f"{outward(value, present) * solution.levers[index].shown_factor:.6g}")

    levers, present = solution.levers, solution.present
    columns = [
        layout.text_column(text("mix.lever"), lambda i: text.name(levers[i])),
        layout.figure_column(
            text("mix.present"), lambda i: f"{present[i] * levers[i].shown_factor:.6g}"
        ),
        layout.figure_column(text("mix.value"), moved),
        layout.figure_column(text("mix.range"), range_of),
        layout.Column(text("mix.unit"), lambda i: layout.unit_cell(levers[i].shown_unit, text)),
    ]
    return layout.table(columns, range(len(levers)))


def _cost(solution: Solution, text: Text, outlay_zh: str) -> str:
    if solution.outlay:
        unit = layout.unit_cell(solution.cost_unit, text)
        figures = {
            "name": text.pick(solution.outlay, outlay_zh),
            "now": f"{solution.cost_present:.6g} {unit}".strip(),
        }
        if solution.values is None:
            return text("mix.outlay_now", **figures)
        return text("mix.outlay", cost=f"{solution.cost:.6g} {unit}".strip(), **figures)
    prices = [
        text("mix.price", price=f"{price:g}", lever=text.name(lever))
        for lever in solution.levers
        if (price := solution.prices.get(lever.id)) is not None
    ]
    if len(prices) < len(solution.levers):
        prices.append(text("mix.price_else" if prices else "mix.price_default"))
    stated = text("mix.prices", prices=text.join(prices))
    if solution.values is None:
        return stated
    return text("mix.cost", cost=f"{solution.cost:.6g}") + text("list_sep.sentence") + stated


def _targets(solution: Solution, text: Text) -> layout.Grid:
    met = solution.values is not None
    then = solution.margins if met else solution.searched[-1].best
    best = text("mix.margin_then" if met else "mix.margin_best")
    columns = [
        *layout.target_columns(text, lambda target: target),
        layout.figure_column(
            text("mix.margin_now"), lambda one: margin_size(one, solution.margins_present[one.id])
        ),
        layout.figure_column(best, lambda target: margin_cell(target, then[target.id])),
        layout.Column(text("mix.unit"), lambda target: text.unit(target.unit)),
    ]
    return layout.table(columns, solution.targets)


def _searched(solution: Solution, searched: Searched, text: Text) -> str:
    short = [id_ for id_, margin in searched.best.items() if not margin >= 0]
    word = text.word("range", searched.range)
    sentence = text("mix.looked", range=word, points=f"{searched.points:,}")
    if short and not (solution.values is not None and searched is solution.searched[-1]):
        sentence += text("list_sep.sentence") + text("mix.short", ids=text.join(short))
    return sentence


# --- the frontier of growth -----------------------------------------------------------------------


def frontier_table(frontier: Frontier, text: Text, *, growth_zh: str) -> layout.RenderableType:
    """Return the frontier to each year, then the levers there."""
    spec = frontier.spec
    parts: list[layout.RenderableType] = [
        text(
            "frontier.title",
            name=text.pick(spec.growth, growth_zh),
            scenario=spec.scenario.id,
            count=len(spec.levers),
        )
    ]
    if given := [lever for lever in spec.levers if lever.outside]:
        names = text.join([text.name(lever) for lever in given])
        parts.append(text("frontier.outside", count=len(given), names=names))
    for horizon in frontier.horizons:
        parts.append(layout.Prose(text("frontier.year", year=horizon.year), layout.Style.STRONG))
        parts.append(layout.lines(_summary(frontier, horizon, text)))
        parts.append(_alone(horizon, text))
        if horizon.front:
            parts.append(_front(frontier, horizon, text))
    if any(horizon.highest for horizon in frontier.horizons):
        parts.append(_tops(frontier, text))
    return layout.blocks([*parts, text("frontier.legend")])


def _summary(frontier: Frontier, horizon: Horizon, text: Text) -> Iterator[str]:
    low, high = horizon.growth_range
    yield text(
        "frontier.reach",
        now=_rate(horizon.growth_present),
        low=_rate(low),
        high=_rate(high),
        year=horizon.year,
    )
    everything = len(frontier.targets)
    if len(horizon.kept) < everything:
        yield text("frontier.empty", count=everything)
        if horizon.never:
            yield text("frontier.never", ids=text.join(horizon.never))
        if horizon.conflicting:
            yield text("frontier.clashing", ids=text.join(horizon.conflicting))
    if horizon.highest is None:
        yield text("frontier.nothing")
        return
    key = "frontier.highest" if len(horizon.kept) == everything else "frontier.highest_of"
    yield text(key, growth=_rate(horizon.highest.growth, 2), count=len(horizon.kept))
    if horizon.binding:
        yield text("frontier.binding", ids=text.join(horizon.binding))
    else:
        yield text("frontier.unbound")
    bounds = [alone for alone in horizon.alone if alone.target.id in horizon.kept]
    first = min(bounds, key=lambda alone: alone.growth)
    if horizon.binding and first.growth < high - _UNLIMITED:
        yield text("frontier.bound", id=first.target.id, growth=_rate(first.growth, 2))
    yield text("frontier.ends", rates=text.join([_rate(end, 3) for end in horizon.searches]))


def _alone(horizon: Horizon, text: Text) -> layout.Grid:
    """Return the limit of growth of each target by itself, and its margin on the frontier."""
    highest = horizon.highest

    def limit(alone: Alone) -> str:
        if math.isnan(alone.growth):
            return text("frontier.no_growth")
        if alone.growth >= horizon.growth_range[1] - _UNLIMITED:
            return text("frontier.any_growth")
        return f"≤ {_rate(alone.growth)}"

    def there(alone: Alone) -> layout.Prose:
        margin = math.nan if highest is None else highest.margins[alone.target.id]
        style = layout.Style.DOUBT if alone.target.id in horizon.binding else None
        return margin_cell(alone.target, margin, style=style, nothing=_NOTHING)

    columns = [
        *layout.target_columns(text, lambda alone: alone.target),
        layout.figure_column(
            text("frontier.now"), lambda one: margin_cell(one.target, one.present, nothing=_NOTHING)
        ),
        layout.figure_column(
            text("frontier.best"), lambda one: margin_cell(one.target, one.best, nothing=_NOTHING)
        ),
        layout.figure_column(text("frontier.there"), there),
        layout.Column(text("mix.unit"), lambda alone: text.unit(alone.target.unit)),
        layout.figure_column(text("frontier.alone"), limit),
    ]
    return layout.table(columns, sorted(horizon.alone, key=lambda one: section_of(one.target)))


def _front(frontier: Frontier, horizon: Horizon, text: Text) -> layout.Grid:
    """Return the policies on the Pareto front of growth and smallest margin."""
    alone = {one.target.id: one.target for one in horizon.alone}

    def smallest(policy: Policy) -> layout.Prose:
        target = alone[policy.tight[0]]
        margin = margin_cell(target, policy.margins[target.id], nothing=_NOTHING)
        return layout.Prose.assemble(margin, f" {text.unit(target.unit)}")  # type: ignore[return-value]

    columns = [
        layout.figure_column(text("frontier.growth"), lambda policy: _rate(policy.growth)),
        layout.text_column(
            text("frontier.worst"), lambda policy: text.join(policy.tight), least=12
        ),
        layout.figure_column(text("frontier.margin"), smallest),
        layout.figure_column(
            text("frontier.spreads"), lambda one: margin_figure(one.worst_margin, 2)
        ),
    ]
    if frontier.draws:
        columns += [
            layout.figure_column(text("frontier.chance"), lambda policy: f"{policy.chance:.2f}"),
            layout.figure_column(text("frontier.median"), lambda policy: _rate(policy.median)),
        ]
    return layout.table(columns, horizon.front, title=text("frontier.front"))


def _tops(frontier: Frontier, text: Text) -> layout.Grid:
    spec = frontier.spec
    levers = dict(enumerate(spec.levers))

    def figure_of(values: Sequence[float]) -> Callable[[int], str]:
        return lambda index: f"{values[index] * levers[index].shown_factor:.4g}"

    def range_of(index: int) -> str:
        lever = levers[index]
        return "–".join(f"{end * lever.shown_factor:.4g}" for end in (lever.low, lever.high))

    columns = [
        layout.text_column(text("mix.lever"), lambda index: text.name(levers[index])),
        layout.figure_column(text("mix.present"), figure_of(frontier.present)),
        *(
            layout.figure_column(text("frontier.to", year=one.year), figure_of(one.highest.values))
            for one in frontier.horizons
            if one.highest is not None
        ),
        layout.figure_column(text("mix.range"), range_of),
        layout.Column(
            text("mix.unit"), lambda index: layout.unit_cell(levers[index].shown_unit, text)
        ),
    ]
    rows: list[int | layout.Band] = list(levers)
    if 0 <= len(spec.growth_levers) < len(levers):
        rows.insert(len(spec.growth_levers), layout.section())
    return layout.table(columns, rows, title=text("frontier.levers"))


def _rate(growth: float, decimals: int = 1) -> str:
    """Write a growth rate in per cent a year.

    >>> _rate(0.13456), _rate(-0.002), _rate(0.13456, 3)
    ('13.5 %', '-0.2 %', '13.456 %')
    """
    return f"{growth * 100:.{decimals}f} %"


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
