"""The frontier of growth for a reader: how far, what stops it, how surely, by which levers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from plansim.present.table import (
    Band,
    Line,
    Row,
    Style,
    paragraph,
    render_within,
    section_of,
    wrapped,
)
from plansim.present.text import Text, decimals_for, margin_figure
from plansim.study.frontier import Alone, Frontier, Horizon, Policy

__all__ = ["frontier_json", "frontier_table"]

_NO_UNIT = "Dmnl"
_NOTHING = 1e-5


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
    for horizon in found.horizons:
        parts.append(Band(text("frontier.year", year=horizon.year)).text)
        parts.append("\n".join(paragraph(each, width) for each in _said(found, horizon, text)))
        parts.append(
            render_within(
                lambda room, one=horizon: _alone_rows(one, text, room),  # type: ignore[misc]
                width,
                colour=colour,
            )
        )
        if horizon.along:
            parts.append(render_within(
                lambda room, one=horizon: _along_rows(one, text, room),  # type: ignore[misc]
                width,
                colour=colour,
            ))  # fmt: skip
        parts += [paragraph(each, width) for each in _surely(found, horizon, text)]
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
        yield text("frontier.empty", count=everything, points=f"{horizon.points:,}")
        if horizon.never:
            yield text("frontier.never", ids=text.join(list(horizon.never)))
        if horizon.clashing:
            yield text("frontier.clashing", ids=text.join(list(horizon.clashing)))
    if horizon.highest is None:
        yield text("frontier.nothing")
        return
    key = "frontier.highest" if len(horizon.kept) == everything else "frontier.highest_of"
    yield text(key, growth=_rate(horizon.highest.growth), count=len(horizon.kept))
    if horizon.binding:
        yield text("frontier.binding", ids=text.join(list(horizon.binding)))
    else:
        yield text("frontier.unbound")
    if math.isnan(horizon.swept):
        yield text("frontier.swept_none", points=f"{horizon.points:,}")
    else:
        yield text("frontier.swept", points=f"{horizon.points:,}", growth=_rate(horizon.swept))


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
    if none := [f"{each.share:g}" for each in horizon.sure if each.policy is None]:
        parts.append(text("frontier.unsure", shares=text.join(none)))
    surest = max(horizon.chances)
    growth = horizon.medians[horizon.chances.index(surest)]
    all_parts = text("list_sep.clause").join(parts)
    yield text("frontier.surely", parts=all_parts, draws=f"{found.draws:,}",
               count=len(horizon.kept)) + text("list_sep.sentence") + text(
        "frontier.surest", met=f"{surest:.2f}", growth=_rate(growth)
    )  # fmt: skip


def _alone_rows(horizon: Horizon, text: Text, room: int) -> list[Row | Band]:
    heads = ("verdicts.id", "verdicts.name", "frontier.now", "frontier.best", "frontier.there",
             "mix.unit", "frontier.alone")  # fmt: skip
    rows: list[Row | Band] = [_head(heads, text), Band("-", Style.FAINT)]
    top = horizon.growth_reach[1]
    for each in sorted(horizon.alone, key=lambda one: section_of(one.target)):
        there = math.nan if horizon.highest is None else horizon.highest.margins[each.target.id]
        never = math.isnan(each.growth)
        any_growth = not never and each.growth >= top - 1e-3
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
        one = by_id[policy.worst]
        size = policy.margins[policy.worst]
        unit = text.unit(one.target.unit)
        row: Row = (
            (Line("", _rate(policy.growth)),),
            (Line(policy.worst),),
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


def _rate(growth: float) -> str:
    """Write a growth rate in per cent a year.

    >>> _rate(0.13456), _rate(-0.002)
    ('13.5 %', '-0.2 %')
    """
    return f"{growth * 100:.1f} %"


def frontier_json(found: Frontier) -> str:
    """Write a frontier as JSON: growth a fraction a year; null where there is no number."""
    names = [each.id for each in found.quest.levers]

    def policy(one: Policy | None) -> object:
        return one and {
            "growth": _number(one.growth),
            "worst": one.worst,
            "worst_margin_in_spreads": _number(one.worst_margin),
            "margins": {key: _number(each) for key, each in one.margins.items()},
            "levers": dict(zip(names, one.values, strict=True)),
        }

    content = {
        "growth_of": found.quest.growth,
        "scenario": found.quest.scenario.id,
        "push": [each.id for each in found.quest.push],
        "mend": [each.id for each in found.quest.mend],
        "uncertainty": found.quest.uncertainty and found.quest.uncertainty.id,
        "levers": [
            {"id": each.id, "unit": each.unit, "apply": each.apply, "low": each.low,
             "high": each.high, "present": present}
            for each, present in zip(found.quest.levers, found.present, strict=True)
        ],
        "draws": found.draws,
        "runs": found.runs,
        "horizons": [
            {
                "year": each.year,
                "growth_present": _number(each.growth_present),
                "growth_reach": [_number(end) for end in each.growth_reach],
                "targets": {
                    one.target.id: {
                        "unit": one.target.unit,
                        "spread": _number(one.spread),
                        "present": _number(one.present),
                        "best": _number(one.best),
                        "alone_holds_to_growth": _number(one.growth),
                    }
                    for one in each.alone
                },
                "never": each.never,
                "clashing": each.clashing,
                "kept": each.kept,
                "highest": policy(each.highest),
                "binding": each.binding,
                "swept": {"points": each.points, "highest": _number(each.swept)},
                "along": [policy(one) for one in each.along],
                "chances": [_number(one) for one in each.chances],
                "medians": [_number(one) for one in each.medians],
                "sure": [
                    {
                        "share": one.share,
                        "met": one.met,
                        "error": one.error,
                        "growth": _number(one.growth) if one.policy else None,
                        "policy": policy(one.policy),
                    }
                    for one in each.sure
                ],
            }
            for each in found.horizons
        ],
    }  # fmt: skip
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
