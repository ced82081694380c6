"""What levers have to be: at which targets are met, how far growth can go, sets of policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from plansim.analysis.decisions.policies import PolicyPoint, PolicySet, at_equal_growth
from plansim.analysis.decisions.policy_search import Aim
from plansim.analysis.optimization.frontier import Alone, Frontier, Horizon, Policy
from plansim.analysis.optimization.target_seeking import Searched, Solution
from plansim.model.records import Model
from plansim.output.describe import reference_name
from plansim.output.tables.layout import (
    Band,
    Column,
    Grid,
    Prose,
    RenderableType,
    Style,
    blocks,
    figure_column,
    lines,
    section,
    table,
    target_columns,
    text_column,
    unit_column,
)
from plansim.output.words.text import Text, four_digits, margin_figure, outward
from plansim.output.words.verdicts import difference_words, margin_size, section_of
from plansim.targets.target import Target
from plansim.targets.verdict import of_hundred
from plansim.targets.views import Lever

__all__ = ["frontier_table", "policies_table", "solution_table"]

_UNLIMITED = 1e-3
"""A target that holds to within a tenth of a point of the highest growth does not limit it."""


def _lever_table(
    text: Text,
    levers: Sequence[Lever],
    present: Sequence[float],
    ranges: Sequence[tuple[float, float]],
    moved: Mapping[str, Sequence[float | None]],
    *,
    digits: int,
    own: int | None = None,
) -> Grid:
    """Lay out levers as they are shown: present values, values in ``moved`` by head, and ranges.

    The first ``own`` are parted from the others.
    """

    def value(size: float, index: int) -> str:
        return f"{size * levers[index].shown_factor:.{digits}g}"

    def cell(values: Sequence[float | None], index: int) -> Prose:
        size = values[index]
        if size is None:
            return Prose("–")
        if size == present[index]:
            return Prose(text("mix.stays"), Style.FAINT)
        return Prose(value(size, index))

    columns = [
        text_column("mix.lever", lambda index: text.name(levers[index])),
        figure_column("mix.present", lambda index: value(present[index], index)),
        *(figure_column(head, partial(cell, of)) for head, of in moved.items()),
        figure_column("mix.range", lambda i: "–".join(value(end, i) for end in ranges[i])),
        unit_column(text, lambda index: levers[index].shown_unit),
    ]
    rows: list[int | Band] = list(range(len(levers)))
    if own and own < len(levers):
        rows.insert(own, section())
    return table(text, columns, rows)


def _margin_cell(target: Target, margin: float, style: Style | None = None) -> Prose:
    """Return a margin of a search in ``style``, by default in the colour of its sign."""
    side = Style.GOOD if margin >= 0 else Style.BAD
    return Prose(margin_size(target, margin), style or ("" if math.isnan(margin) else side))


def solution_table(solution: Solution, model: Model, text: Text) -> RenderableType:
    """Lay out the values of the levers, or the ranges that were searched in vain."""
    key = "mix.already" if not solution.searched else "mix.found" if solution.values else "mix.none"
    levers = solution.levers
    values: Sequence[float | None] = [None] * len(levers)
    if solution.values is not None:
        pairs = zip(solution.values, solution.present, strict=True)
        values = [
            now if math.isclose(size, now, rel_tol=1e-7, abs_tol=1e-9) else outward(size, now)
            for size, now in pairs
        ]
    ranges = [(lever.low, lever.high) for lever in levers]
    if solution.searched:
        ranges = list(solution.searched[-1].ends)
    parts: list[RenderableType] = [
        text(key, scenario=solution.scenario, targets=text.join(t.id for t in solution.targets)),
        _lever_table(text, levers, solution.present, ranges, {"mix.value": values}, digits=6),
    ]
    if len(levers) > 1 or solution.prices or solution.outlay:
        parts.append(_cost(solution, model, text))
    notes = [_searched(solution, searched, text) for searched in solution.searched]
    if solution.implausible:
        far = (lever for lever in levers if lever.id in solution.implausible)
        notes.append(text("solve.implausible", names=text.join(map(text.name, far))))
    effects = {"solve.gained": solution.gained, "solve.lost": solution.lost}
    notes += [text(word, ids=text.join(ids)) for word, ids in effects.items() if ids]
    parts.append(_margins(solution, text))
    return blocks([*parts, *[lines(notes)] * bool(notes)])


def _cost(solution: Solution, model: Model, text: Text) -> str:
    if solution.outlay:
        name = reference_name(solution.outlay, model, text)
        sizes = (solution.cost_present, solution.cost)
        now, cost = (text.amount(f"{size:.6g}", solution.cost_unit) for size in sizes)
        key = "mix.outlay_now" if solution.values is None else "mix.outlay"
        return text(key, name=name, now=now, cost=cost)
    prices = [
        text(
            "mix.price",
            price=f"{price / lever.shown_factor:g}",
            one=text.amount("1", lever.shown_unit),
            lever=text.name(lever),
        )
        for lever in solution.levers
        if (price := solution.prices.get(lever.id)) is not None
    ]
    if len(prices) < len(solution.levers):
        prices.append(text("mix.price_else" if prices else "mix.price_default"))
    stated = text("mix.prices", prices=text.join(prices))
    if solution.values is None:
        return stated
    return text("mix.cost", cost=f"{solution.cost:.6g}") + text("list_sep.sentence") + stated


def _margins(solution: Solution, text: Text) -> Grid:
    met = solution.values is not None
    now, then = solution.margins_present, (solution.margins if met else solution.searched[-1].best)
    columns = [
        *target_columns(text, lambda target: target),
        figure_column("mix.margin_now", lambda one: margin_size(one, now[one.id])),
        figure_column(
            "mix.margin_then" if met else "mix.margin_best",
            lambda one: _margin_cell(one, then[one.id]),
        ),
        Column("mix.unit", lambda one: _difference_unit(one, text)),
    ]
    return table(text, columns, solution.targets)


def _searched(solution: Solution, searched: Searched, text: Text) -> str:
    short = [id_ for id_, margin in searched.best.items() if not margin >= 0]
    word = text.word("range", searched.range)
    sentence = text("mix.looked", range=word, points=f"{searched.points:,}")
    if short and not (solution.values is not None and searched is solution.searched[-1]):
        sentence += text("list_sep.sentence") + text("mix.short", ids=text.join(short))
    return sentence


# --- the frontier of growth -----------------------------------------------------------------------


def frontier_table(frontier: Frontier, model: Model, text: Text) -> RenderableType:
    """Return the frontier to each year, then the levers there."""
    spec = frontier.spec
    head = {"name": reference_name(spec.growth, model, text), "scenario": spec.scenario.id}
    parts: list[RenderableType] = [text("frontier.title", count=len(spec.levers), **head)]
    if given := [text.name(lever) for lever in spec.levers if lever.outside]:
        parts.append(text("frontier.outside", count=len(given), names=text.join(given)))
    for horizon in frontier.horizons:
        parts.append(Prose(text("frontier.year", year=horizon.year), Style.STRONG))
        parts += [lines(_summary(frontier, horizon, text)), _alone(horizon, text)]
        if horizon.front:
            parts.append(_front(frontier, horizon, text))
    if tops := {
        text("frontier.to", year=horizon.year): horizon.highest.values
        for horizon in frontier.horizons
        if horizon.highest is not None
    }:
        ranges = [(lever.low, lever.high) for lever in spec.levers]
        own = len(spec.growth_levers)
        found = _lever_table(text, spec.levers, frontier.present, ranges, tops, digits=4, own=own)
        parts.append(lines([Prose(text("frontier.levers"), Style.STRONG), found]))
    return blocks([*parts, text("frontier.legend")])


def _summary(frontier: Frontier, horizon: Horizon, text: Text) -> Iterator[str]:
    low, high = horizon.growth_range
    ends = {"now": _rate(horizon.growth_present), "low": _rate(low), "high": _rate(high)}
    yield text("frontier.reach", year=horizon.year, **ends)
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
        bounds = [alone for alone in horizon.alone if alone.target.id in horizon.kept]
        first = min(bounds, key=lambda alone: alone.growth)
        if first.growth < high - _UNLIMITED:
            yield text("frontier.bound", id=first.target.id, growth=_rate(first.growth, 2))
    else:
        yield text("frontier.unbound")
    yield text("frontier.ends", rates=text.join([_rate(end, 3) for end in horizon.searches]))


def _alone(horizon: Horizon, text: Text) -> Grid:
    """Return the limit of growth of each target by itself, and its margin on the frontier."""

    def limit(alone: Alone) -> str:
        if math.isnan(alone.growth):
            return text("frontier.no_growth")
        if alone.growth >= horizon.growth_range[1] - _UNLIMITED:
            return text("frontier.any_growth")
        return f"≤ {_rate(alone.growth)}"

    def there(alone: Alone) -> Prose:
        key, highest = alone.target.id, horizon.highest
        margin = math.nan if highest is None else highest.margins[key]
        return _margin_cell(alone.target, margin, Style.DOUBT if key in horizon.binding else None)

    columns = [
        *target_columns(text, lambda alone: alone.target),
        figure_column("frontier.now", lambda alone: _margin_cell(alone.target, alone.present)),
        figure_column("frontier.best", lambda alone: _margin_cell(alone.target, alone.best)),
        figure_column("frontier.there", there),
        Column("mix.unit", lambda alone: _difference_unit(alone.target, text)),
        figure_column("frontier.alone", limit),
    ]
    rows = sorted(horizon.alone, key=lambda one: section_of(one.target))
    return table(text, columns, rows)


def _difference_unit(target: Target, text: Text) -> str:
    """Return the unit of a margin: points where the target is a percentage."""
    return difference_words("", target.unit, text).strip()


def _front(frontier: Frontier, horizon: Horizon, text: Text) -> Grid:
    """Return the policies on the Pareto front of growth and smallest margin."""
    targets = {one.target.id: one.target for one in horizon.alone}

    def smallest(policy: Policy) -> Prose:
        target = targets[policy.tight[0]]
        margin = _margin_cell(target, policy.margins[target.id])
        return Prose.assemble(margin, f" {_difference_unit(target, text)}")  # type: ignore[return-value]

    columns = [
        figure_column("frontier.growth", lambda policy: _rate(policy.growth)),
        text_column("frontier.worst", lambda policy: text.join(policy.tight), least=12),
        figure_column("frontier.margin", smallest),
        figure_column("frontier.spreads", lambda one: margin_figure(one.worst_margin, 2)),
    ]
    if frontier.draws:
        columns += [
            figure_column("frontier.chance", lambda policy: f"{policy.chance:.2f}"),
            figure_column("frontier.median", lambda policy: _rate(policy.median)),
        ]
    return table(text, columns, horizon.front, "frontier.front")


def _rate(growth: float, decimals: int = 1) -> str:
    """Write a growth rate in per cent a year.

    >>> _rate(0.13456), _rate(-0.002), _rate(0.13456, 3)
    ('13.5 %', '-0.2 %', '13.456 %')
    """
    return f"{growth * 100:.{decimals}f} %"


# --- sets of policies -----------------------------------------------------------------------------

_MOST_MOVES = 4
"""Number of levers that are named of a policy."""
_AIMS: Mapping[Aim, tuple[str, Callable[[float], str]]] = {
    Aim.GROWTH: ("policies.growth", _rate),
    Aim.SHARE: ("robust.named", lambda share: f"{of_hundred(share)}/100"),
    Aim.MET: ("robust.mean_met", lambda count: f"{count:.4g}"),
    Aim.EFFORT: ("policies.effort", lambda part: f"{100 * part:.0f} %"),
    Aim.COST: ("policies.cost", four_digits),
}
"""The head of each aim, and how its values are written."""


def policies_table(result: PolicySet, text: Text, *, most: int = 20) -> RenderableType:
    """Lay out the policies of which none is better in every aim, and the levers they move most."""
    step = max(1, -(-len(result.points) // most))
    listed = [(text("policies.start"), result.start)]
    listed += [(f"{number}", point) for number, point in list(enumerate(result.points, 1))[::step]]
    columns = [
        text_column("robust.policy", lambda row: row[0]),
        *_aim_columns(result, 1),
        text_column("policies.moves", lambda row: _moves(result, row[1], text)),
    ]
    counts = {"count": len(result.points), "runs": result.runs, "members": result.members}
    parts: list[RenderableType] = [
        text("policies.head", fresh=result.fresh, **counts),
        table(text, columns, listed),
    ]
    if Aim.SHARE in result.aims:
        parts.append(text("robust.set", ids=text.join(result.named), count=len(result.named)))
    if beside := list(at_equal_growth(result)):
        numbers = {id(point): f"{number}" for number, point in enumerate(result.points, 1)}
        columns = [
            text_column("run_card.scenario", lambda pair: pair[0].name),
            *_aim_columns(result, 0),
            figure_column("policies.found", lambda pair: numbers.get(id(pair[1]), "–")),
            *_aim_columns(result, 1),
        ]
        parts.append(table(text, columns, beside, "policies.beside"))
    last = result.hypervolumes[:, -1]
    low, high = f"{last.min():.2f}", f"{last.max():.2f}"
    search = text("policies.search", low=low, high=high, seeds=len(last))
    drop = text("policies.drop", parts=text.join(_drops(result, text)))
    return blocks([*parts, search + text("list_sep.sentence") + drop])


def _aim_columns(result: PolicySet, place: int) -> Iterator[Column]:
    """Yield a column for each aim, of the point at a place of each row."""

    def column(aim: Aim) -> Column:
        head, written = _AIMS[aim]

        def cell(row: Sequence[PolicyPoint | None]) -> str:
            point = row[place]
            return "–" if point is None else written(point.aims[aim])

        return figure_column(head, cell)

    return map(column, result.aims)


def _drops(result: PolicySet, text: Text) -> Iterator[str]:
    for aim in result.aims:
        drop = result.drop[aim]
        size = f"{drop:.2f}" if aim in (Aim.MET, Aim.COST) else f"{100 * drop:.1f}"
        yield text("policies.aim_drop", aim=text(_AIMS[aim][0]), size=size)


def _moves(result: PolicySet, point: PolicyPoint, text: Text) -> str:
    """Name the levers that a policy moves most; count the others."""

    def part(lever: Lever) -> float:
        move = point.values[lever.id] - result.start.values[lever.id]
        return abs(move) / (lever.high - lever.low)

    levers = sorted(result.levers, key=lambda lever: -part(lever))
    moved = [text.name(lever) for lever in levers if part(lever)]
    named, more = text.join(moved[:_MOST_MOVES]), len(moved) - _MOST_MOVES
    return text("changes.and_more", name=named, count=more) if more > 0 else named
