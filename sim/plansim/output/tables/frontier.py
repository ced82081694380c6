"""The frontier of growth for a reader: how far, what stops it, how surely, by which levers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.optimization.frontier_records import (
    SURE,
    Alone,
    Check,
    Frontier,
    Horizon,
    Surest,
    Way,
)
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
    lines,
    section,
    text_column,
)
from plansim.output.text import Text, margin_figure
from plansim.output.verdict_words import margin_size, section_of

__all__ = ["frontier_table"]

_NO_UNIT = "Dmnl"
_NOTHING = 1e-5
_ANY = 1e-3
"""A target that holds to within a tenth of a point of the highest growth does not stop it."""
_WAYS = {
    Way.SWEEP: "frontier.by_sweep",
    Way.ENDS: "frontier.by_ends",
    Way.GRID: "frontier.by_grid",
    Way.NEIGHBOURS: "frontier.by_neighbours",
    Way.DIRECTIONS: "frontier.by_directions",
}
_DOUBTFUL = 0.8
"""Targets that are less sure are named."""


def frontier_table(found: Frontier, text: Text, *, growth_zh: str) -> RenderableType:
    """Lay out the frontier to each year, then the levers there."""
    quest = found.quest
    name = text.pick(quest.growth, growth_zh)
    title = {"name": name, "scenario": quest.scenario.id, "count": len(quest.levers)}
    parts: list[RenderableType] = [text("frontier.title", **title)]
    if given := [each for each in quest.levers if each.outside]:
        names = text.join([text.pick(each.name_en, each.name_zh) for each in given])
        parts.append(text("frontier.outside", count=len(given), names=names))
    for horizon in found.horizons:
        parts.append(text("frontier.year", year=horizon.year))
        parts.append(lines(_said(found, horizon, text)))
        if said := list(_surely(found, horizon, text)):
            parts.append(lines(said))
        parts.append(_alone_table(horizon, text))
        parts += _checked(found, horizon, text)
        if horizon.along:
            parts.append(_along_table(horizon, text))
    if any(each.highest for each in found.horizons):
        parts.append(_lever_table(found, text))
    return blocks([*parts, text("frontier.legend")])


def _said(found: Frontier, horizon: Horizon, text: Text) -> Iterator[str]:
    """Say how far growth may go, in sentences."""
    low, high = horizon.growth_reach
    yield text(
        "frontier.reach",
        now=_rate(horizon.growth_present),
        low=_rate(low),
        high=_rate(high),
        year=horizon.year,
    )
    everything = len(found.targets)
    if len(horizon.kept) < everything:
        yield text("frontier.empty", count=everything)
        if horizon.never:
            yield text("frontier.never", ids=text.join(list(horizon.never)))
        if horizon.clashing:
            yield text("frontier.clashing", ids=text.join(list(horizon.clashing)))
    if horizon.highest is None:
        yield text("frontier.nothing")
        return
    key = "frontier.highest" if len(horizon.kept) == everything else "frontier.highest_of"
    yield text(key, growth=_rate(horizon.highest.growth, 2), count=len(horizon.kept))
    if horizon.binding:
        yield text("frontier.binding", ids=text.join(list(horizon.binding)))
    else:
        yield text("frontier.unbound")
    bounds = [each for each in horizon.alone if each.target.id in horizon.kept]
    first = min(bounds, key=lambda each: each.growth)
    if horizon.binding and first.growth < horizon.growth_reach[1] - _ANY:
        yield text("frontier.bound", id=first.target.id, growth=_rate(first.growth, 2))


def _checked(found: Frontier, horizon: Horizon, text: Text) -> Iterator[RenderableType]:
    """Say what brute force found against the answer."""
    check = horizon.check
    if horizon.highest is None:
        return
    if check is None:
        yield text("frontier.unchecked")
        return
    yield _look_table(check, text)
    yield lines(_verdict(found, horizon, check, text))


def _look_table(check: Check, text: Text) -> Grid:
    columns = [
        text_column(text("frontier.look")),
        figure_column(text("frontier.settings")),
        figure_column(text("frontier.feasible")),
        figure_column(text("frontier.top")),
    ]
    near, far = (f"{each * 100:g} %" for each in (min(check.radii), max(check.radii)))
    rows = [
        (
            text(_WAYS[each.way], count=len(each.levers), side=each.side, near=near, far=far),
            f"{each.settings:,}",
            f"{each.feasible:,}",
            "–" if math.isnan(each.best) else _rate(each.best, 3),
        )
        for each in check.looks
    ]
    return Grid(columns, rows, title=text("frontier.check"))


def _verdict(found: Frontier, horizon: Horizon, check: Check, text: Text) -> Iterator[str]:
    assert horizon.highest is not None
    points = f"{check.tolerance * 100:g}"
    yield text(
        "frontier.beaten" if check.beaten else "frontier.unbeaten",
        settings=f"{check.settings:,}",
        growth=_rate(horizon.highest.growth, 3),
        by=f"{check.by * 100:.3f}",
        points=points,
    )
    if ends := horizon.search.ends:
        yield text("frontier.ends", rates=text.join([_rate(each, 3) for each in ends]))
    if horizon.search.resumed:
        yield text("frontier.resumed", count=horizon.search.resumed)
    if check.alone_beaten:
        yield text("frontier.alone_beaten", ids=text.join(list(check.alone_beaten)))
    else:
        stops = [
            each
            for each in horizon.alone
            if not math.isnan(each.growth) and each.growth < horizon.growth_reach[1] - _ANY
        ]
        rates = [
            f"{each.target.id} {_rate(check.alone[each.target.id])}"
            for each in stops
            if not math.isnan(check.alone[each.target.id])
        ]
        key = "frontier.alone_unbeaten" if rates else "frontier.alone_sound"
        yield text(key, rates=text.join(rates))
    names = {each.id: text.pick(each.name_en, each.name_zh) for each in found.quest.levers}
    for each in check.looks:
        if each.levers:
            yield text("frontier.grid", levers=text.join([names[id_] for id_ in each.levers]))


def _surely(found: Frontier, horizon: Horizon, text: Text) -> Iterator[str]:
    if not horizon.sure:
        return
    parts = [
        text(
            "frontier.sure",
            share=f"{each.share:g}",
            growth=_rate(each.growth),
            met=f"{each.met:.2f}",
        )
        for each in horizon.sure
        if each.policy is not None
    ]
    count = len(horizon.kept)
    if parts:
        all_parts = text("list_sep.clause").join(parts)
        yield text("frontier.surely", parts=all_parts, draws=f"{found.draws:,}", count=count)
    if none := [f"{each.share:g}" for each in horizon.sure if each.policy is None]:
        yield text("frontier.unsure", shares=text.join(none), draws=f"{found.draws:,}", count=count)
    if (surest := horizon.surest) is None:
        return
    yield text(
        "frontier.surest",
        met=f"{surest.met:.2f}",
        error=f"{surest.error:.2f}",
        growth=_rate(surest.growth),
    )
    least = sorted(surest.single.items(), key=lambda one: one[1])
    doubtful = [f"{id_} {share:.2f}" for id_, share in least if share < _DOUBTFUL]
    if doubtful:
        yield text("frontier.single", shares=text.join(doubtful), product=f"{surest.product:.2f}")
    yield from _without(surest, text)


def _without(surest: Surest, text: Text) -> Iterator[str]:
    """Say which few targets it is that make it unlikely that all hold."""
    parts = [
        text("frontier.without", ids=text.join(list(ids)), met=f"{met:.2f}")
        for ids, met in surest.without[:2]
    ]
    for share in SURE:
        if surest.met >= share:
            continue
        enough = next((ids for ids, met in surest.without if met >= share), None)
        if enough is None:
            parts.append(text("frontier.hopeless", share=f"{share:g}", count=len(surest.without)))
            break
        if len(enough) > 2:
            ids = text.join(list(enough))
            parts.append(text("frontier.needed", share=f"{share:g}", count=len(enough), ids=ids))
    if parts and surest.met < max(SURE):
        yield text("frontier.blame", parts=text("list_sep.clause").join(parts))


def _alone_table(horizon: Horizon, text: Text) -> Grid:
    columns = [
        Column(text("verdicts.id")),
        text_column(text("verdicts.name")),
        figure_column(text("frontier.now")),
        figure_column(text("frontier.best")),
        figure_column(text("frontier.there")),
        Column(text("mix.unit")),
        figure_column(text("frontier.alone")),
    ]
    rows = []
    top = horizon.growth_reach[1]
    for each in sorted(horizon.alone, key=lambda one: section_of(one.target)):
        there = math.nan if horizon.highest is None else horizon.highest.margins[each.target.id]
        never = math.isnan(each.growth)
        any_growth = not never and each.growth >= top - _ANY
        growth = "frontier.no_growth" if never else "frontier.any_growth" if any_growth else None
        stops = each.target.id in horizon.binding
        rows.append(
            (
                each.target.id,
                text.pick(each.target.name_en, each.target.name_zh),
                _margin(each, each.present),
                _margin(each, each.best),
                _margin(each, there, Style.DOUBT if stops else None),
                text.unit(each.target.unit),
                text(growth) if growth else f"≤ {_rate(each.growth)}",
            )
        )
    return Grid(columns, rows)


def _margin(alone: Alone, size: float, style: Style | None = None, unit: str = "") -> Prose:
    """Write a margin, in the colour of its side if in no other."""
    side = Style.GOOD if size >= 0 else "" if math.isnan(size) else Style.BAD
    return Prose(f"{margin_size(alone.target, size, _NOTHING)} {unit}".rstrip(), style or side)


def _along_table(horizon: Horizon, text: Text) -> Grid:
    columns = [
        figure_column(text("frontier.growth")),
        text_column(text("frontier.worst"), least=12),
        figure_column(text("frontier.margin")),
        figure_column(text("frontier.spreads")),
    ]
    if horizon.chances:
        columns += [figure_column(text("frontier.chance")), figure_column(text("frontier.median"))]
    rows: list[Row] = []
    by_id = {each.target.id: each for each in horizon.alone}
    for index, policy in enumerate(horizon.along):
        one = by_id[policy.tight[0]]
        size = policy.margins[policy.tight[0]]
        surely = (
            (f"{horizon.chances[index]:.2f}", _rate(horizon.medians[index]))
            if horizon.chances
            else ()
        )
        rows.append(
            (
                _rate(policy.growth),
                text.join(list(policy.tight)),
                _margin(one, size, unit=text.unit(one.target.unit)),
                margin_figure(policy.worst_margin, 2),
                *surely,
            )
        )
    return Grid(columns, rows, title=text("frontier.along"))


def _lever_table(found: Frontier, text: Text) -> Grid:
    tops = [(each.year, each.highest.values) for each in found.horizons if each.highest is not None]
    columns = [
        text_column(text("mix.lever")),
        figure_column(text("mix.present")),
        *(figure_column(text("frontier.to", year=year)) for year, _ in tops),
        figure_column(text("mix.range")),
        Column(text("mix.unit")),
    ]
    rows: list[Row | Band] = []
    for index, lever in enumerate(found.quest.levers):
        if lever in found.quest.mend and lever is found.quest.mend[0]:
            rows.append(section())
        factor = lever.shown_factor
        rows.append(
            (
                text.pick(lever.name_en, lever.name_zh),
                f"{found.present[index] * factor:.4g}",
                *(f"{values[index] * factor:.4g}" for _, values in tops),
                f"{lever.low * factor:.4g}–{lever.high * factor:.4g}",
                "" if lever.shown_unit == _NO_UNIT else text.unit(lever.shown_unit),
            )
        )
    return Grid(columns, rows, title=text("frontier.levers"))


def _rate(growth: float, places: int = 1) -> str:
    """Write a growth rate in per cent a year.

    >>> _rate(0.13456), _rate(-0.002), _rate(0.13456, 3)
    ('13.5 %', '-0.2 %', '13.456 %')
    """
    return f"{growth * 100:.{places}f} %"
