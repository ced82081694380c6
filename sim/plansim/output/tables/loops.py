"""Feedback loops for a terminal: their paths, scores, and what cutting them does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import MOVES, Cut, Loop, LoopLink
from plansim.output.tables import layout
from plansim.output.words.messages import say_in
from plansim.output.words.text import Text
from plansim.targets.target import Status

__all__ = ["loops_table", "missing_scores", "spans"]

_TURNS = {Status.MET: ("✓", layout.Style.GOOD), Status.MISSED: ("✗", layout.Style.BAD)}
"""Marks of verdicts that a cut changes."""


def loops_table(cuts: Sequence[Cut], scores: LoopScores, text: Text) -> layout.RenderableType:
    """Lay out each loop, then all in one table."""
    legend = missing_scores(scores, text) if scores.missing else text("loops.scores_legend")
    return layout.blocks(
        [
            *(layout.facts(_loop_facts(cut, text)) for cut in cuts),
            text("loops.summary", scenario=scores.scenario.id),
            _summary(cuts, scores, text),
            layout.lines([legend, text("loops.cut_legend")]),
        ]
    )


def missing_scores(scores: LoopScores, text: Text) -> str:
    """Return in one line why there are no scores."""
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


# --- all loops in one table -----------------------------------------------------------------------


def _summary(cuts: Sequence[Cut], scores: LoopScores, text: Text) -> layout.Grid:
    scored = scores.missing is None
    columns = [
        layout.Column(text("loops.loop")),
        layout.text_column(least=12),
        layout.Column(text("loops.kind")),
        layout.figure_column(text("loops.links")),
        *[
            layout.figure_column(text("loops.share")),
            layout.text_column(text("loops.dominates"), least=9),
        ]
        * scored,
        layout.figure_column(text("loops.cut_moves")),
        layout.Column(text("loops.turns")),
    ]
    rows = []
    for cut in cuts:
        loop = cut.loop
        lengths = [len(path) for path in loop.paths]
        row: list[layout.RenderableType] = [
            loop.id,
            text.name(loop),
            text.word("polarity", loop.polarity),
            "–".join(dict.fromkeys(f"{length}" for length in (min(lengths), max(lengths)))),
        ]
        if scored:
            share = float(scores.yearly[loop.id].mean()) if scores.years else math.nan
            row += [_share(share), text.join(spans(scores.years_led(loop.id)))]
        turned = [
            f"{effect.target.id} {_TURNS.get(effect.status_cut, ('?', None))[0]}"
            for effect in cut.effects
            if effect.status_cut is not effect.status_whole
        ]
        moves = text("loops.breaks") if cut.fault else f"{cut.strongest * 100:.2g} %"
        rows.append([*row, moves, layout.stacked(turned) if turned else "–"])
    return layout.Grid(columns, rows)


def _share(share: float) -> str:
    """Write a relative score with its sign.

    >>> _share(0.411), _share(-0.066), _share(0.0001)
    ('+41 %', '−7 %', '0 %')
    """
    if math.isnan(share):
        return "–"
    return f"{share * 100:+.0f} %".replace("-", "−") if abs(share) >= 0.005 else "0 %"


# --- a loop -----------------------------------------------------------------------------------


def _loop_facts(cut: Cut, text: Text) -> list[tuple[str, str]]:
    loop = cut.loop
    name = text.name(loop)
    parts = [
        (text("loops.loop"), f"{loop.id}  {name} ({text.word('polarity', loop.polarity)})"),
        (text("show.meaning"), text.pick(loop.meaning_en, loop.meaning_zh)),
        (text("loops.switch"), loop.switch),
        *((text("loops.path"), _path(path)) for path in loop.paths),
        (text("loops.stands"), _standing(loop, text)),
    ]
    if cut.fault:
        parts.append((text("loops.cut_moves"), text("loops.broken", fault=cut.fault)))
    elif cut.strongest <= MOVES:
        parts.append((text("loops.cut_moves"), text("loops.weak")))
    if loop.weak_en:
        parts.append((text("loops.declared_weak"), text.pick(loop.weak_en, loop.weak_zh)))
    return parts


def _path(path: Sequence[LoopLink]) -> str:
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
