"""What levers have to be: at which targets are met, and how far growth can go."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.optimization.frontier import Frontier, Horizon
from plansim.analysis.optimization.problem import Lever
from plansim.analysis.optimization.target_seeking import Searched, Solution
from plansim.output.tables.layout import (
    Band,
    Column,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    figure_columns,
    lines,
    section,
    target_columns,
    text_column,
    unit_cell,
)
from plansim.output.tables.verdicts import margin_cell
from plansim.output.words.text import Text, margin_figure, outward
from plansim.output.words.verdicts import margin_size, section_of

__all__ = ["frontier_table", "solution_table"]

_NOTHING = 1e-5
"""A margin below this share of the target is shown as none."""
_UNLIMITED = 1e-3
"""A target that holds to within a tenth of a point of the highest growth does not limit it."""


def solution_table(solution: Solution, text: Text, *, outlay_zh: str = "") -> RenderableType:
    """Lay out the values of the levers, or the ranges that were searched in vain.

    ``outlay_zh`` is the Chinese name of the variable that counts the cost.
    """
    key = "mix.already" if not solution.searched else "mix.found" if solution.values else "mix.none"
    asked = text.join([target.id for target in solution.targets])
    last = [_searched(solution, searched, text) for searched in solution.searched]
    if solution.implausible:
        far = (lever for lever in solution.levers if lever.id in solution.implausible)
        names = text.join(_name(lever, text) for lever in far)
        last.append(text("solve.implausible", names=names))
    last += _side_effects(solution, text)
    costs = len(solution.levers) > 1 or solution.prices or solution.outlay
    return blocks(
        [
            text(key, scenario=solution.scenario, targets=asked),
            _levers(solution, text),
            *([_cost(solution, text, outlay_zh)] if costs else []),
            _targets(solution, text),
            *([lines(last)] if last else []),
        ]
    )


def _side_effects(solution: Solution, text: Text) -> Iterator[str]:
    if solution.gained:
        yield text("solve.gained", ids=text.join(solution.gained))
    if solution.lost:
        yield text("solve.lost", ids=text.join(solution.lost))


def _name(lever: Lever, text: Text) -> str:
    return text.name(lever)


def _levers(solution: Solution, text: Text) -> Grid:
    columns = [
        text_column(text("mix.lever")),
        *figure_columns(text, "mix.present", "mix.value", "mix.range"),
        Column(text("mix.unit")),
    ]
    rows = []
    for index, (lever, present) in enumerate(zip(solution.levers, solution.present, strict=True)):
        factor = lever.shown_factor
        value = None if solution.values is None else solution.values[index]
        still = value is not None and math.isclose(value, present, rel_tol=1e-7, abs_tol=1e-9)
        ends = solution.searched[-1].ends[index] if solution.searched else (lever.low, lever.high)
        moved = text("mix.stays")
        if not still:
            moved = "–" if value is None else f"{outward(value, present) * factor:.6g}"
        rows.append(
            (
                _name(lever, text),
                f"{present * factor:.6g}",
                Prose(moved, Style.FAINT if still else ""),
                "–".join(f"{end * factor:g}" for end in ends),
                unit_cell(lever.shown_unit, text),
            )
        )
    return Grid(columns, rows)


def _cost(solution: Solution, text: Text, outlay_zh: str) -> str:
    if solution.outlay:
        unit = unit_cell(solution.cost_unit, text)
        figures = {
            "name": text.pick(solution.outlay, outlay_zh),
            "now": f"{solution.cost_present:.6g} {unit}".strip(),
        }
        if solution.values is None:
            return text("mix.outlay_now", **figures)
        return text("mix.outlay", cost=f"{solution.cost:.6g} {unit}".strip(), **figures)
    prices = [
        text("mix.price", price=f"{price:g}", lever=_name(lever, text))
        for lever in solution.levers
        if (price := solution.prices.get(lever.id)) is not None
    ]
    if len(prices) < len(solution.levers):
        prices.append(text("mix.price_else" if prices else "mix.price_default"))
    stated = text("mix.prices", prices=text.join(prices))
    if solution.values is None:
        return stated
    return text("mix.cost", cost=f"{solution.cost:.6g}") + text("list_sep.sentence") + stated


def _targets(solution: Solution, text: Text) -> Grid:
    met = solution.values is not None
    then = solution.margins if met else solution.searched[-1].best
    columns = [
        *target_columns(text),
        *figure_columns(text, "mix.margin_now", "mix.margin_then" if met else "mix.margin_best"),
        Column(text("mix.unit")),
    ]
    rows = [
        (
            target.id,
            text.name(target),
            margin_size(target, solution.margins_present[target.id]),
            margin_cell(target, then[target.id]),
            text.unit(target.unit),
        )
        for target in solution.targets
    ]
    return Grid(columns, rows)


def _searched(solution: Solution, searched: Searched, text: Text) -> str:
    short = [id_ for id_, margin in searched.best.items() if not margin >= 0]
    word = text.word("range", searched.range)
    sentence = text("mix.looked", range=word, points=f"{searched.points:,}")
    if short and not (solution.values is not None and searched is solution.searched[-1]):
        sentence += text("list_sep.sentence") + text("mix.short", ids=text.join(short))
    return sentence


# --- the frontier of growth -----------------------------------------------------------------------


def frontier_table(frontier: Frontier, text: Text, *, growth_zh: str) -> RenderableType:
    """Return the frontier to each year, then the levers there."""
    spec = frontier.spec
    parts: list[RenderableType] = [
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
        parts.append(Prose(text("frontier.year", year=horizon.year), Style.STRONG))
        parts.append(lines(_summary(frontier, horizon, text)))
        parts.append(_alone(horizon, text))
        if horizon.front:
            parts.append(_front(frontier, horizon, text))
    if any(horizon.highest for horizon in frontier.horizons):
        parts.append(_tops(frontier, text))
    return blocks([*parts, text("frontier.legend")])


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


def _alone(horizon: Horizon, text: Text) -> Grid:
    """Return the limit of growth of each target by itself, and its margin on the frontier."""
    columns = [
        *target_columns(text),
        *figure_columns(text, "frontier.now", "frontier.best", "frontier.there"),
        Column(text("mix.unit")),
        figure_column(text("frontier.alone")),
    ]
    rows: list[Row] = []
    for alone in sorted(horizon.alone, key=lambda alone: section_of(alone.target)):
        target = alone.target
        margin = math.nan if horizon.highest is None else horizon.highest.margins[target.id]
        style = Style.DOUBT if target.id in horizon.binding else None
        if math.isnan(alone.growth):
            growth = text("frontier.no_growth")
        elif alone.growth >= horizon.growth_range[1] - _UNLIMITED:
            growth = text("frontier.any_growth")
        else:
            growth = f"≤ {_rate(alone.growth)}"
        rows.append(
            (
                target.id,
                text.name(target),
                margin_cell(target, alone.present, nothing=_NOTHING),
                margin_cell(target, alone.best, nothing=_NOTHING),
                margin_cell(target, margin, style=style, nothing=_NOTHING),
                text.unit(target.unit),
                growth,
            )
        )
    return Grid(columns, rows)


def _front(frontier: Frontier, horizon: Horizon, text: Text) -> Grid:
    """Return the policies on the Pareto front of growth and smallest margin."""
    columns = [
        figure_column(text("frontier.growth")),
        text_column(text("frontier.worst"), least=12),
        *figure_columns(text, "frontier.margin", "frontier.spreads"),
    ]
    if frontier.draws:
        columns += figure_columns(text, "frontier.chance", "frontier.median")
    alone = {one.target.id: one for one in horizon.alone}
    rows: list[Row] = []
    for policy in horizon.front:
        worst = alone[policy.tight[0]]
        margin = policy.margins[worst.target.id]
        row: list[RenderableType] = [
            _rate(policy.growth),
            text.join(policy.tight),
            Prose.assemble(
                margin_cell(worst.target, margin, nothing=_NOTHING),
                f" {text.unit(worst.target.unit)}",
            ),
            margin_figure(policy.worst_margin, 2),
        ]
        if frontier.draws:
            row += [f"{policy.chance:.2f}", _rate(policy.median)]
        rows.append(row)
    return Grid(columns, rows, title=text("frontier.front"))


def _tops(frontier: Frontier, text: Text) -> Grid:
    tops = [(h.year, h.highest.values) for h in frontier.horizons if h.highest is not None]
    columns = [
        text_column(text("mix.lever")),
        figure_column(text("mix.present")),
        *(figure_column(text("frontier.to", year=year)) for year, _ in tops),
        figure_column(text("mix.range")),
        Column(text("mix.unit")),
    ]
    rows: list[Row | Band] = []
    for index, lever in enumerate(frontier.spec.levers):
        factor = lever.shown_factor
        if index == len(frontier.spec.growth_levers):
            rows.append(section())
        rows.append(
            (
                text.name(lever),
                f"{frontier.present[index] * factor:.4g}",
                *(f"{values[index] * factor:.4g}" for _, values in tops),
                f"{lever.low * factor:.4g}–{lever.high * factor:.4g}",
                unit_cell(lever.shown_unit, text),
            )
        )
    return Grid(columns, rows, title=text("frontier.levers"))


def _rate(growth: float, decimals: int = 1) -> str:
    """Write a growth rate in per cent a year.

    >>> _rate(0.13456), _rate(-0.002), _rate(0.13456, 3)
    ('13.5 %', '-0.2 %', '13.456 %')
    """
    return f"{growth * 100:.{decimals}f} %"
