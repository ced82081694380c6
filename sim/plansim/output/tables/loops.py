"""Feedback loops for a reader: what they are, when each dominates, what cutting them does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import MOVES, Cut, Effect, Link, Loop
from plansim.output.messages import say_in
from plansim.output.tables.table import (
    Band,
    Line,
    Row,
    Style,
    facts,
    paragraph,
    render,
    render_within,
    total_width,
    wrapped,
)
from plansim.output.text import Text, decimals_for, figure, margin_figure
from plansim.targets.catalogue import Status

__all__ = ["loops_json", "loops_table", "missing_scores", "spans"]

_NAME_WIDTH = 24
_TURNS = {Status.MET: ("✓", Style.GOOD), Status.MISSED: ("✗", Style.BAD)}
"""How a verdict is marked that a cut turns."""


def loops_table(
    cuts: Sequence[Cut], scores: LoopScores, text: Text, width: int, *, colour: bool = False
) -> str:
    """Describe each loop, lay out what each cut does, a table a year, then sum up all loops."""
    scenario = scores.scenario.id
    parts = [facts(_loop_facts(cut, text), width, colour=colour) for cut in cuts]
    parts.append(text("loops.title", scenario=scenario))
    years = sorted({year for cut in cuts for each in cut.effects for year in each.whole})
    for year in years:
        parts.append(text("loops.shifts", year=year))
        parts += [render(rows, colour=colour) for rows in _panels(cuts, year, text, width)]
    parts.append(_lines(text("loops.legend"), width))
    parts.append(text("loops.summary", scenario=scenario))
    parts.append(
        render_within(lambda room: _summary(cuts, scores, text, room), width, colour=colour)
    )
    legend = missing_scores(scores, text) if scores.missing else text("loops.scores_legend")
    parts.append(_lines(f"{legend}\n{text('loops.cut_legend')}", width))
    return "\n\n".join(parts)


def missing_scores(scores: LoopScores, text: Text) -> str:
    """Say in one line why there are no scores."""
    assert scores.missing is not None
    return text("loops.no_scores", why=scores.missing.written(say_in(text.lang)))


def spans(years: Sequence[int]) -> list[str]:
    """Write years in order, those that follow one another as one span.

    >>> spans([2006, 2009, 2010, 2011])
    ['2006', '2009–2011']
    """
    runs = [
        [year for _, year in run]
        for _, run in groupby(enumerate(years), key=lambda pair: pair[1] - pair[0])
    ]
    return [f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]


def _lines(legend: str, width: int) -> str:
    return "\n".join(paragraph(line, width) for line in legend.split("\n"))


# --- all loops in one table -----------------------------------------------------------------------


def _summary(cuts: Sequence[Cut], scores: LoopScores, text: Text, room: int) -> list[Row | Band]:
    scored = scores.missing is None
    heads = [text("loops.loop"), "", text("loops.kind")]
    figures = [text("loops.links"), *[text("loops.share")] * scored]
    last = [*[text("loops.dominates")] * scored, text("loops.cut_moves"), text("loops.turns")]
    rows: list[Row | Band] = [
        (
            *((Line(each, style=Style.STRONG),) for each in heads),
            *((Line("", each),) for each in figures),
            *((Line(each, style=Style.STRONG),) for each in last),
        ),
        Band("-", Style.FAINT),
    ]
    for cut in cuts:
        loop = cut.loop
        lengths = sorted({len(path) for path in loop.paths})
        row: list[tuple[Line, ...]] = [
            (Line(loop.id),),
            wrapped(text.pick(loop.name_en, loop.name_zh), max(room // 3, 12)),
            (Line(text.word("polarity", loop.polarity)),),
            (Line("", spans(lengths)[0] if len(lengths) == 1 else f"{lengths[0]}–{lengths[-1]}"),),
        ]
        if scored:
            share = float(scores.yearly[loop.id].mean()) if scores.years else math.nan
            led = text.join(spans(scores.years_led(loop.id)))
            row += [(Line("", _share(share)),), wrapped(led, max(room // 3, 9))]
        turned = [
            Line(f"{effect.target.id} {_TURNS.get(effect.status_cut, ('?', None))[0]}")
            for effect in cut.effects
            if effect.status_cut is not effect.status_whole
        ]
        row += [(Line("", _strongest(cut, text)),), tuple(turned) or (Line("–"),)]
        rows.append(tuple(row))
    return rows


def _share(share: float) -> str:
    """Write a relative score with its sign.

    >>> _share(0.411), _share(-0.066), _share(0.0001)
    ('+41 %', '−7 %', '0 %')
    """
    if math.isnan(share):
        return "–"
    return f"{share * 100:+.0f} %".replace("-", "−") if abs(share) >= 0.005 else "0 %"


def _strongest(cut: Cut, text: Text) -> str:
    return text("loops.breaks") if cut.fault else f"{cut.strongest * 100:.2g} %"


# --- a loop -----------------------------------------------------------------------------------


def _loop_facts(cut: Cut, text: Text) -> list[tuple[str, str]]:
    loop = cut.loop
    name = text.pick(loop.name_en, loop.name_zh)
    found = [
        (text("loops.loop"), f"{loop.id}  {name} ({text.word('polarity', loop.polarity)})"),
        (text("show.meaning"), text.pick(loop.meaning_en, loop.meaning_zh)),
        (text("loops.switch"), loop.switch),
        *((text("loops.path"), _path(path)) for path in loop.paths),
        (text("loops.stands"), _standing(loop, text)),
    ]
    if cut.fault:
        found.append((text("loops.cut_moves"), text("loops.broken", fault=cut.fault)))
    elif cut.strongest <= MOVES:
        found.append((text("loops.cut_moves"), text("loops.weak")))
    if loop.weak_en:
        found.append((text("loops.declared_weak"), text.pick(loop.weak_en, loop.weak_zh)))
    return found


def _path(path: Sequence[Link]) -> str:
    """Write a path: ``output →+ profit →+ capital →+ output``."""
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


# --- targets by loops -------------------------------------------------------------------------


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
        mark, style = _TURNS.get(effect.status_cut, ("?", Style.DOUBT))
    shown = "0" if abs(shift) < 0.005 else margin_figure(shift, 2)
    return Line(mark, shown, style)


# --- JSON -------------------------------------------------------------------------------------


def loops_json(cuts: Iterable[Cut], scores: LoopScores) -> str:
    """Write loops, their scores and what cutting them does as JSON.

    A value that is no number is null; without scores ``scores`` is the reason.
    """
    missing = scores.missing
    record = {
        "scenario": scores.scenario.id,
        "scores": {"missing": str(missing)}
        if missing
        else {"source": "pysimlin", "years": scores.years, "partitions": scores.partitions},
        "loops": [_loop(cut, scores) for cut in cuts],
    }
    return json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False)


def _loop(cut: Cut, scores: LoopScores) -> dict[str, object]:
    loop = cut.loop
    shares = scores.yearly.get(loop.id)
    return {
        "id": loop.id,
        "name_en": loop.name_en,
        "name_zh": loop.name_zh,
        "polarity": loop.polarity,
        "switch": loop.switch,
        "found": loop.found,
        "paths": [
            [
                {"cause": link.cause, "effect": link.effect, "sign": link.sign,
                 "stands": link.stands}
                for link in path
            ]
            for path in loop.paths
        ],
        "declared_weak": bool(loop.weak_en),
        "shares": None if shares is None else dict(zip(scores.years, shares.tolist(), strict=True)),
        "dominates": None if shares is None else scores.years_led(loop.id),
        "strongest": _number(cut.strongest),
        "fault": cut.fault or None,
        "effects": [_effect(each) for each in cut.effects],
    }  # fmt: skip


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
