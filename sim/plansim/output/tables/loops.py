"""Feedback loops for a reader: what they are, where they stand, what cutting them does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence

from plansim.analysis.feedback.loops import MOVES, Cut, Effect, Link, Loop
from plansim.output.tables.layout import (
    Column,
    FirstFitting,
    Grid,
    Prose,
    RenderableType,
    Row,
    blocks,
    facts,
    figure_column,
    text_column,
)
from plansim.output.tables.verdicts import STYLES
from plansim.output.text import Text, margin_figure
from plansim.output.verdict_words import MARKS, value_text
from plansim.targets.catalogue import Status

__all__ = ["loops_json", "loops_table"]


def loops_table(cuts: Sequence[Cut], scenario: str, text: Text) -> RenderableType:
    """Describe each loop with its paths, then lay out what each cut does, a table a year."""
    parts: list[RenderableType] = [facts(_loop_facts(cut, text)) for cut in cuts]
    parts.append(text("loops.title", scenario=scenario))
    for year in sorted({year for cut in cuts for each in cut.effects for year in each.whole}):
        parts += [text("loops.shifts", year=year), _shifts(cuts, year, text)]
    return blocks([*parts, text("loops.legend")])


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


def _shifts(cuts: Sequence[Cut], year: int, text: Text) -> FirstFitting:
    """Lay out targets by loops, as many loops side by side as fit."""

    def panels(size: int) -> RenderableType:
        groups = [cuts[start : start + size] for start in range(0, len(cuts), size)]
        return blocks(_panel(each, year, text) for each in groups)

    sizes = range(len(cuts), 0, -1)
    return FirstFitting([lambda size=size: panels(size) for size in sizes])  # type: ignore[misc]


def _panel(cuts: Sequence[Cut], year: int, text: Text) -> Grid:
    columns = [
        Column(text("verdicts.id")),
        text_column(text("verdicts.name"), least=24),
        figure_column(text("loops.whole")),
        *(figure_column(cut.loop.id) for cut in cuts),
    ]
    rows: list[Row] = []
    for effects in zip(*(cut.effects for cut in cuts), strict=True):
        target, whole = effects[0].target, effects[0].whole
        if year in whole:
            rows.append(
                (
                    target.id,
                    text.pick(target.name_en, target.name_zh),
                    f"{value_text(target, whole[year])} {text.unit(target.unit)}",
                    *(_shift(each, year) for each in effects),
                )
            )
    return Grid(columns, rows)


def _shift(effect: Effect, year: int) -> RenderableType:
    """Write how a value shifts, with a mark where the verdict turns."""
    shift = effect.cut[year] - effect.whole[year]
    shown = "0" if abs(shift) < 0.005 else margin_figure(shift, 2)
    status = effect.status_cut
    if year != effect.target.year or status is effect.status_whole:
        return shown
    if status not in (Status.MET, Status.MISSED):
        status = Status.UNDECIDED
    return Prose.assemble((MARKS[status], STYLES[status]), " ", shown)


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
