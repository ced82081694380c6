"""The frontier of growth for a reader: how far, what stops it, how surely, by which levers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from plansim.analysis.optimization.frontier_records import (
    SURE,
    Alone,
    Check,
    Frontier,
    Horizon,
    Surest,
    Way,
)
from plansim.output.tables.table import (
    Band,
    Line,
    Row,
    Style,
    paragraph,
    render_within,
    section_of,
    wrapped,
)
from plansim.output.text import Text, decimals_for, margin_figure

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


def frontier_table(
    found: Frontier, text: Text, width: int, *, growth_zh: str, colour: bool = False
) -> str:
    """Lay out the frontier to each year, then the levers there."""
    name = text.pick(found.quest.growth, growth_zh)
    parts = [
        paragraph(
            text(
                "frontier.title",
                name=name,
                scenario=found.quest.scenario.id,
                count=len(found.quest.levers),
            ),
            width,
        )
    ]
    if given := [each for each in found.quest.levers if each.outside]:
        names = text.join([text.pick(each.name_en, each.name_zh) for each in given])
        parts.append(paragraph(text("frontier.outside", count=len(given), names=names), width))
    for horizon in found.horizons:
        parts.append(Band(text("frontier.year", year=horizon.year)).text)
        parts.append("\n".join(paragraph(each, width) for each in _said(found, horizon, text)))
        if said := list(_surely(found, horizon, text)):
            parts.append("\n".join(paragraph(each, width) for each in said))
        parts.append(
            render_within(
                lambda room, one=horizon: _alone_rows(one, text, room),  # type: ignore[misc]
                width,
                colour=colour,
            )
        )
        parts += _checked(found, horizon, text, width, colour=colour)
        if horizon.along:
            parts.append(render_within(
                lambda room, one=horizon: _along_rows(one, text, room),  # type: ignore[misc]
                width,
                colour=colour,
            ))  # fmt: skip
    if any(each.highest for each in found.horizons):
        parts.append(
            render_within(lambda room: _lever_rows(found, text, room), width, colour=colour)
        )
    parts.append(paragraph(text("frontier.legend"), width))
    return "\n\n".join(parts)


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


def _checked(
    found: Frontier, horizon: Horizon, text: Text, width: int, *, colour: bool
) -> Iterator[str]:
    """Say what brute force found against the answer."""
    check = horizon.check
    if horizon.highest is None:
        return
    if check is None:
        yield paragraph(text("frontier.unchecked"), width)
        return
    yield render_within(lambda room: _look_rows(check, text, room), width, colour=colour)
    yield "\n".join(paragraph(each, width) for each in _verdict(found, horizon, check, text))


def _look_rows(check: Check, text: Text, room: int) -> list[Row | Band]:
    heads = ("frontier.look", "frontier.settings", "frontier.feasible", "frontier.top")
    rows: list[Row | Band] = [
        Band(text("frontier.check"), Style.STRONG),
        _head(heads, text),
        Band("-", Style.FAINT),
    ]
    near, far = (f"{each * 100:g} %" for each in (min(check.radii), max(check.radii)))
    for each in check.looks:
        said = text(_WAYS[each.way], count=len(each.levers), side=each.side, near=near, far=far)
        rows.append(
            (
                wrapped(said, max(room // 2, 16)),
                (Line("", f"{each.settings:,}"),),
                (Line("", f"{each.feasible:,}"),),
                (Line("", "–" if math.isnan(each.best) else _rate(each.best, 3)),),
            )
        )
    return rows


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


def _alone_rows(horizon: Horizon, text: Text, room: int) -> list[Row | Band]:
    heads = ("verdicts.id", "verdicts.name", "frontier.now", "frontier.best", "frontier.there",
             "mix.unit", "frontier.alone")  # fmt: skip
    rows: list[Row | Band] = [_head(heads, text), Band("-", Style.FAINT)]
    top = horizon.growth_reach[1]
    for each in sorted(horizon.alone, key=lambda one: section_of(one.target)):
        there = math.nan if horizon.highest is None else horizon.highest.margins[each.target.id]
        never = math.isnan(each.growth)
        any_growth = not never and each.growth >= top - _ANY
        growth = "frontier.no_growth" if never else "frontier.any_growth" if any_growth else None
        stops = each.target.id in horizon.binding
        rows.append(
            (
                (Line(each.target.id),),
                wrapped(text.pick(each.target.name_en, each.target.name_zh), max(room // 2, 16)),
                (Line("", _margin(each, each.present), _side(each.present)),),
                (Line("", _margin(each, each.best), _side(each.best)),),
                (Line("", _margin(each, there), Style.DOUBT if stops else _side(there)),),
                (Line(text.unit(each.target.unit)),),
                (Line("", text(growth) if growth else f"≤ {_rate(each.growth)}"),),
            )
        )
    return rows


def _margin(alone: Alone, size: float) -> str:
    if math.isnan(size):
        return "–"
    target = alone.target
    assert target.value is not None
    if abs(size) <= _NOTHING * abs(target.value):
        size = 0.0
    return margin_figure(size, decimals_for(target.value, slack=target.tolerance or 0.0))


def _side(margin: float) -> Style | None:
    return None if math.isnan(margin) else Style.GOOD if margin >= 0 else Style.BAD


def _along_rows(horizon: Horizon, text: Text, room: int) -> list[Row | Band]:
    heads = ["frontier.growth", "frontier.worst", "frontier.margin", "frontier.spreads"]
    if horizon.chances:
        heads += ["frontier.chance", "frontier.median"]
    rows: list[Row | Band] = [
        Band(text("frontier.along"), Style.STRONG),
        _head(heads, text),
        Band("-", Style.FAINT),
    ]
    by_id = {each.target.id: each for each in horizon.alone}
    for place, policy in enumerate(horizon.along):
        one = by_id[policy.tight[0]]
        size = policy.margins[policy.tight[0]]
        unit = text.unit(one.target.unit)
        row: Row = (
            (Line("", _rate(policy.growth)),),
            wrapped(text.join(list(policy.tight)), max(room // 4, 12)),
            (Line("", f"{_margin(one, size)} {unit}", _side(size)),),
            (Line("", margin_figure(policy.worst_margin, 2)),),
        )
        if horizon.chances:
            row = (
                *row,
                (Line("", f"{horizon.chances[place]:.2f}"),),
                (Line("", _rate(horizon.medians[place])),),
            )
        rows.append(row)
    return rows


def _lever_rows(found: Frontier, text: Text, room: int) -> list[Row | Band]:
    tops = [each for each in found.horizons if each.highest is not None]
    rows: list[Row | Band] = [
        Band(text("frontier.levers"), Style.STRONG),
        (
            (Line(text("mix.lever"), style=Style.STRONG),),
            (Line("", text("mix.present"), Style.STRONG),),
            *((Line("", text("frontier.to", year=each.year), Style.STRONG),) for each in tops),
            (Line("", text("mix.range"), Style.STRONG),),
            (Line(text("mix.unit"), style=Style.STRONG),),
        ),
        Band("-", Style.FAINT),
    ]
    for place, lever in enumerate(found.quest.levers):
        factor = lever.shown_factor
        present = found.present[place] * factor
        cells = [
            (Line("", f"{each.highest.values[place] * factor:.4g}"),)
            for each in tops
            if each.highest is not None
        ]
        if lever in found.quest.mend and lever is found.quest.mend[0]:
            rows.append(Band("-", Style.FAINT))
        unit = "" if lever.shown_unit == _NO_UNIT else text.unit(lever.shown_unit)
        rows.append(
            (
                wrapped(text.pick(lever.name_en, lever.name_zh), max(room // 2, 16)),
                (Line("", f"{present:.4g}"),),
                *cells,
                (Line("", f"{lever.low * factor:.4g}–{lever.high * factor:.4g}"),),
                (Line(unit),),
            )
        )
    return rows


def _head(keys: Sequence[str], text: Text) -> Row:
    return tuple((Line(text(key), style=Style.STRONG),) for key in keys)


def _rate(growth: float, places: int = 1) -> str:
    """Write a growth rate in per cent a year.

    >>> _rate(0.13456), _rate(-0.002), _rate(0.13456, 3)
    ('13.5 %', '-0.2 %', '13.456 %')
    """
    return f"{growth * 100:.{places}f} %"
