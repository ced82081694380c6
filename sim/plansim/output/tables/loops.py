"""Feedback loops for a reader: what they are, where they stand, what cutting them does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence

from plansim.analysis.feedback.loops import MOVES, Cut, Effect, Link, Loop
from plansim.output.tables.table import (
    Band,
    Line,
    Row,
    Style,
    facts,
    paragraph,
    render,
    total_width,
    wrapped,
)
from plansim.output.text import Text, decimals_for, figure, margin_figure
from plansim.targets.catalogue import Status

__all__ = ["loops_json", "loops_table"]

_NAME_WIDTH = 24


def loops_table(
    cuts: Sequence[Cut], scenario: str, text: Text, width: int, *, colour: bool = False
) -> str:
    """Describe each loop with its paths, then lay out what each cut does, a table a year."""
    parts = [facts(_loop_facts(cut, text), width, colour=colour) for cut in cuts]
    parts.append(text("loops.title", scenario=scenario))
    years = sorted({year for cut in cuts for each in cut.effects for year in each.whole})
    for year in years:
        parts.append(text("loops.shifts", year=year))
        parts += [render(rows, colour=colour) for rows in _panels(cuts, year, text, width)]
    parts.append("\n".join(paragraph(line, width) for line in text("loops.legend").split("\n")))
    return "\n\n".join(parts)


def _loop_facts(cut: Cut, text: Text) -> list[tuple[str, str]]:
    loop = cut.loop
    name = text.pick(loop.name_en, loop.name_zh)
    found = [
        (text("loops.loop"), f"{loop.id}  {name} ({text.word('polarity', loop.polarity)})"),
        (text("show.meaning"), text.pick(loop.meaning_en, loop.meaning_zh)),
        (text("loops.switch"), loop.switch),
        *((text("loops.path"), _path(path)) for path in loop.paths),
        (text("loops.stands"), _standing(loop, text)),
        (text("loops.strongest"), _strongest(cut, text)),
    ]
    if loop.weak_en:
        found.append((text("loops.declared_weak"), text.pick(loop.weak_en, loop.weak_zh)))
    return found


def _path(path: Sequence[Link]) -> str:
    """Write a way round: ``output →+ profit →+ capital →+ output``."""
    steps = [f" →{'+' if link.sign > 0 else '−'} {link.effect}" for link in path]
    return path[0].cause + "".join(steps)


def _standing(loop: Loop, text: Text) -> str:
    links = [link for path in loop.paths for link in path]
    lacking = [f"{link.cause} → {link.effect}" for link in links if not link.stands]
    if lacking:
        return text("loops.missing", links=text.join(lacking))
    if not loop.found:
        return text("loops.other_polarity")
    return text("loops.all_stand", count=len(links))


def _strongest(cut: Cut, text: Text) -> str:
    if cut.fault:
        return text("loops.broken", fault=cut.fault)
    said = f"{cut.strongest * 100:.2g} %"
    if cut.strongest <= MOVES:
        said += text("list_sep.stop").rstrip() + " " + text("loops.weak")
    return said


def _panels(cuts: Sequence[Cut], year: int, text: Text, width: int) -> list[list[Row | Band]]:
    """Lay out targets by loops, as many loops side by side as fit."""
    for size in range(len(cuts), 0, -1):
        panels = [
            _rows(cuts[start : start + size], year, text) for start in range(0, len(cuts), size)
        ]
        if max(map(total_width, panels)) <= width:
            break
    return panels


def _rows(cuts: Sequence[Cut], year: int, text: Text) -> list[Row | Band]:
    heads = [text("verdicts.id"), text("verdicts.name"), text("loops.whole")]
    head = (
        *(((Line(each, style=Style.STRONG)),) for each in heads),
        *((Line("", cut.loop.id),) for cut in cuts),
    )
    rows: list[Row | Band] = [head, Band("-", Style.FAINT)]
    for effects in zip(*(cut.effects for cut in cuts), strict=True):
        target, first = effects[0].target, effects[0]
        if year not in first.whole:
            continue
        assert target.value is not None
        decimals = decimals_for(target.value, first.whole[year], target.tolerance or 0.0)
        value = f"{figure(first.whole[year], decimals)} {text.unit(target.unit)}"
        rows.append(
            (
                (Line(target.id),),
                wrapped(text.pick(target.name_en, target.name_zh), _NAME_WIDTH),
                (Line("", value),),
                *((_shift(each, year),) for each in effects),
            )
        )
    return rows


def _shift(effect: Effect, year: int) -> Line:
    """Write how a value shifts, with a mark where the verdict turns."""
    shift = effect.cut[year] - effect.whole[year]
    mark, style = "", None
    if year == effect.target.year and effect.status_cut is not effect.status_whole:
        mark, style = {
            Status.MET: ("✓", Style.GOOD),
            Status.MISSED: ("✗", Style.BAD),
        }.get(effect.status_cut, ("?", Style.DOUBT))
    shown = "0" if abs(shift) < 0.005 else margin_figure(shift, 2)
    return Line(mark, shown, style)


def loops_json(cuts: Iterable[Cut], scenario: str, more: Mapping[str, object] | None = None) -> str:
    """Write loops and what cutting them does as JSON; a value that is no number is null.

    ``more`` is what else is known under the scenario.
    """
    return json.dumps(
        {
            "scenario": scenario,
            "loops": [
                {
                    "id": cut.loop.id,
                    "name_en": cut.loop.name_en,
                    "name_zh": cut.loop.name_zh,
                    "polarity": cut.loop.polarity,
                    "switch": cut.loop.switch,
                    "found": cut.loop.found,
                    "paths": [
                        [
                            {
                                "cause": link.cause,
                                "effect": link.effect,
                                "sign": link.sign,
                                "stands": link.stands,
                            }
                            for link in path
                        ]
                        for path in cut.loop.paths
                    ],
                    "declared_weak": bool(cut.loop.weak_en),
                    "strongest": _number(cut.strongest),
                    "fault": cut.fault or None,
                    "effects": [_effect(each) for each in cut.effects],
                }
                for cut in cuts
            ],
            **(more or {}),
        },
        ensure_ascii=False,
        indent=2,
        allow_nan=False,
    )


def _effect(effect: Effect) -> dict[str, object]:
    return {
        "target": effect.target.id,
        "unit": effect.target.unit,
        "whole": {year: _number(value) for year, value in effect.whole.items()},
        "cut": {year: _number(value) for year, value in effect.cut.items()},
        "status_whole": effect.status_whole,
        "status_cut": effect.status_cut,
        "strongest": _number(effect.strongest),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
