"""Why verdicts are as they are: drivers, the unknowns that decide targets, feedback loops."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import MOVES, Cut, Loop, LoopLink
from plansim.analysis.sensitivity.sobol import Drivers, Sensitivity
from plansim.analysis.sensitivity.unknowns import DecidedTarget, DecidingUnknown
from plansim.model.records import Model
from plansim.output.describe import constants_name, reference_name
from plansim.output.tables.layout import (
    Band,
    Cell,
    Column,
    FirstFitting,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    facts,
    figure_column,
    lines,
    stacked,
    table,
    text_column,
)
from plansim.output.words.language import say_in
from plansim.output.words.text import Text, decimals_of, figure
from plansim.output.words.verdicts import MARKS, difference_words, section_of
from plansim.targets.target import Status
from plansim.targets.verdict import of_hundred

__all__ = ["loops_table", "missing_scores", "sensitivity_table", "spans", "unknowns_table"]


def sensitivity_table(study: Sensitivity, text: Text) -> RenderableType:
    """Lay out what the uncertainty of each binding target is due to."""
    first = study.design.scenarios[0]
    counts = {"draws": f"{study.draws:,}", "runs": f"{study.runs:,}"}
    title = text.title(first) or first.id
    factors = len(study.design.factors)
    parts: list[RenderableType] = [
        text("sensitivity.title", factors=factors, scenario=title, **counts)
    ]
    if study.broken:
        parts.append(text("sensitivity.broken", count=f"{study.broken:,}"))
    if study.drivers:
        columns = [
            text_column(text("sensitivity.driver")),
            figure_column(text("sensitivity.total")),
            figure_column(text("sensitivity.interval")),
            figure_column(text("sensitivity.first")),
            figure_column(text("sensitivity.moves")),
        ]
        rows: list[Row | Band] = []
        for drivers in sorted(study.drivers, key=lambda driven: section_of(driven.target)):
            rows += [Band(_driven(drivers, text), style=None), *_driver_rows(drivers, text)]
        screened = text(
            "sensitivity.screened",
            trajectories=study.screening.trajectories,
            chosen=len(study.chosen),
            others=factors - len(study.chosen),
            worst=_percent(max((one.rest.total for one in study.drivers if one.rest), default=0)),
        )
        legend = text("sensitivity.legend") + text("list_sep.sentence") + screened
        parts += [Grid(columns, rows), legend]
    return blocks(parts)


def _driven(drivers: Drivers, text: Text) -> str:
    """Write a target and the standard deviation of its margin."""
    target = drivers.target
    spread = figure(drivers.spread, min(decimals_of([drivers.spread]), 3))
    name = text.name(target)
    size = difference_words(spread, target.unit, text)
    return f"{target.id}  {name}{text('list_sep.colon')}± {size}"


def _driver_rows(drivers: Drivers, text: Text) -> Iterator[Row]:
    if not drivers.main:
        yield "  " + text("sensitivity.still"), "", "", "", ""
        return
    decimals = max(min(decimals_of([index.effect for index in drivers.main]), 3), 0)
    # The group of all other factors is told of if it explains a twentieth or more.
    rest = [drivers.rest] if drivers.rest and drivers.rest.total >= 0.05 else []
    for index in [*drivers.main, *rest]:
        name = text.pick(index.factor, index.factor_zh) or text("sensitivity.rest")
        yield (
            Prose("  " + name, "" if index.factor else Style.FAINT),
            _percent(index.total),
            f"{index.total_low * 100:.0f}–{index.total_high * 100:.0f}",
            _percent(index.first),
            "" if math.isnan(index.effect) else f"{index.effect:+.{decimals}f}",
        )


def _percent(share: float) -> str:
    """Write an index in per cent; errors of sampling may make it negative."""
    return "–" if math.isnan(share) else f"{max(share, 0.0) * 100:.1f} %"


# --- the unknowns that decide open targets --------------------------------------------------------


def unknowns_table(decided: Sequence[DecidedTarget], model: Model, text: Text) -> RenderableType:
    """Lay out the unknowns that decide targets, by scenario."""
    if not decided:
        return text("unknowns.none")
    parts: list[RenderableType] = []
    for scenario, group in groupby(decided, key=lambda one: one.scenario):
        columns = [
            text_column(text("verdicts.name")),
            figure_column(text("unknowns.met")),
            text_column(text("unknowns.unknown")),
            figure_column(text("unknowns.low")),
            figure_column(text("unknowns.high")),
            figure_column(text("unknowns.explained")),
        ]
        rows = [row for one in group for row in _rows(one, model, text)]
        parts.append(lines([Prose(scenario, Style.STRONG), Grid(columns, rows)]))
    return blocks([*parts, text("unknowns.legend")])


def _rows(decided: DecidedTarget, model: Model, text: Text) -> list[Row]:
    name, share = text.name(decided), _of_hundred(decided.share)
    first, *others = [_cells(unknown, model, text) for unknown in decided.unknowns] or [
        (text("unknowns.many"), "", "", "")
    ]
    return [(name, share, *first), *(("", "", *other) for other in others)]


def _cells(unknown: DecidingUnknown, model: Model, text: Text) -> tuple[str, str, str, str]:
    name = constants_name(unknown.constants, model, text) or unknown.name
    low, high = _of_hundred(unknown.share_low), _of_hundred(unknown.share_high)
    return name, low, high, f"{100 * unknown.explained:.0f} %"


def _of_hundred(share: float) -> str:
    return f"{of_hundred(share)}/100"


_TURNS = {Status.MET: MARKS[Status.MET], Status.MISSED: MARKS[Status.MISSED]}
"""Marks of verdicts that a cut changes."""


def loops_table(
    cuts: Sequence[Cut], scores: LoopScores, model: Model, text: Text
) -> RenderableType:
    """Lay out each loop, then all in one table."""
    legend = missing_scores(scores, text) if scores.missing else text("loops.scores_legend")
    return blocks(
        [
            *(facts(_loop_facts(cut, model, text)) for cut in cuts),
            text("loops.summary", scenario=scores.scenario.id),
            _summary(cuts, scores, text),
            lines([legend, text("loops.cut_legend")]),
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


def _summary(cuts: Sequence[Cut], scores: LoopScores, text: Text) -> RenderableType:
    def count(loop: Loop) -> str:
        lengths = [len(path) for path in loop.paths]
        return "–".join(dict.fromkeys(f"{length}" for length in (min(lengths), max(lengths))))

    def share(cut: Cut) -> str:
        return _share(float(scores.yearly[cut.loop.id].mean()) if scores.years else math.nan)

    def turned(cut: Cut) -> Cell:
        return stacked(
            [
                f"{effect.target.id} {_TURNS.get(effect.status_cut, '?')}"
                for effect in cut.effects
                if effect.status_cut is not effect.status_whole
            ]
            or ["–"]
        )

    def moves(cut: Cut) -> str:
        return text("loops.breaks") if cut.fault else f"{cut.strongest * 100:.2g} %"

    def led(cut: Cut) -> str:
        return text.join(spans(scores.years_led(cut.loop.id)))

    scored = [figure_column("loops.share", share), text_column("loops.dominates", led, least=9)]
    names = [
        Column("loops.loop", lambda cut: cut.loop.id),
        text_column("", lambda cut: text.name(cut.loop)),
    ]
    kinds = [Column("loops.kind", lambda cut: text.word("polarity", cut.loop.polarity))]
    others = [
        figure_column("loops.links", lambda cut: count(cut.loop)),
        *(scored if scores.missing is None else []),
        figure_column("loops.cut_moves", moves),
        Column("loops.turns", turned),
    ]
    # The kind of each loop stands above, too.
    layouts = [[*names, *kinds, *others], [*names, *others]]
    return FirstFitting([partial(table, text, columns, cuts) for columns in layouts])


def _share(share: float) -> str:
    """Write a relative score with its sign.

    >>> _share(0.411), _share(-0.066), _share(0.0001)
    ('+41 %', '−7 %', '0 %')
    """
    if math.isnan(share):
        return "–"
    return f"{share * 100:+.0f} %".replace("-", "−") if abs(share) >= 0.005 else "0 %"


# --- a loop -----------------------------------------------------------------------------------


def _loop_facts(cut: Cut, model: Model, text: Text) -> list[tuple[str, str]]:
    loop = cut.loop
    name = text.name(loop)
    parts = [
        (text("loops.loop"), f"{loop.id}  {name} ({text.word('polarity', loop.polarity)})"),
        (text("show.meaning"), text.pick(loop.meaning.en, loop.meaning.zh)),
        (text("loops.switch"), reference_name(loop.switch, model, text)),
        *((text("loops.path"), _path(path, model, text)) for path in loop.paths),
        (text("loops.stands"), _standing(loop, model, text)),
    ]
    if cut.fault:
        fault = cut.fault.written(say_in(text.lang))
        parts.append((text("loops.cut_moves"), text("loops.broken", fault=fault)))
    elif cut.strongest <= MOVES:
        parts.append((text("loops.cut_moves"), text("loops.weak")))
    if loop.weak.en:
        parts.append((text("loops.declared_weak"), text.pick(loop.weak.en, loop.weak.zh)))
    return parts


def _path(path: Sequence[LoopLink], model: Model, text: Text) -> str:
    """Write a path: ``output →+ profit →+ capital →+ output``."""
    steps = [
        f" →{'+' if link.sign > 0 else '−'} {reference_name(link.effect, model, text)}"
        for link in path
    ]
    return reference_name(path[0].cause, model, text) + "".join(steps)


def _standing(loop: Loop, model: Model, text: Text) -> str:
    links = [link for path in loop.paths for link in path]
    lacking = [
        " → ".join(reference_name(end, model, text) for end in (link.cause, link.effect))
        for link in links
        if not link.stands
    ]
    if lacking:
        return text("loops.missing", links=text.join(lacking))
    if not loop.found:
        return text("loops.other_polarity")
    return text("loops.all_stand", count=len(links))
