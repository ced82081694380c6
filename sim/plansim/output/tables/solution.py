"""What levers must be so that targets are met, for a terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.optimization.problem import Lever
from plansim.analysis.optimization.target_seeking import Searched, Solution
from plansim.model.units import NO_UNIT
from plansim.output.tables.attribution import outward
from plansim.output.tables.layout import (
    Column,
    Grid,
    Prose,
    RenderableType,
    Style,
    blocks,
    figure_column,
    lines,
    text_column,
)
from plansim.output.tables.verdicts import margin_cell
from plansim.output.text import Text
from plansim.output.verdict_words import margin_size

__all__ = ["solution_table"]


def solution_table(found: Solution, text: Text, *, outlay_zh: str = "") -> RenderableType:
    """Return what the levers must be, or that nothing does and what was searched.

    ``outlay_zh`` is the Chinese name of the variable that counts the cost.
    """
    if len(found.levers) == len(found.targets) == 1 and not found.prices and not found.outlay:
        return lines([*_sentences(found, text), *_side_effects(found, text)])
    key = "mix.already" if not found.searched else "mix.found" if found.values else "mix.none"
    asked = text.join([target.id for target in found.targets])
    last = [_searched(found, searched, text) for searched in found.searched]
    last += _side_effects(found, text)
    return blocks(
        [
            text(key, scenario=found.scenario, targets=asked),
            _levers(found, text),
            _cost(found, text, outlay_zh),
            _targets(found, text),
            *([lines(last)] if last else []),
        ]
    )


def _side_effects(found: Solution, text: Text) -> Iterator[str]:
    if found.gained:
        yield text("solve.gained", ids=text.join(list(found.gained)))
    if found.lost:
        yield text("solve.lost", ids=text.join(list(found.lost)))


def _name(lever: Lever, text: Text) -> str:
    return text.pick(lever.name_en, lever.name_zh)


# --- one lever and one target ---------------------------------------------------------------------


def _sentences(found: Solution, text: Text) -> Iterator[str]:
    (lever,), (target,), (before,) = found.levers, found.targets, found.present

    def setting(value: float) -> str:
        unit = "" if lever.shown_unit == NO_UNIT else f" {text.unit(lever.shown_unit)}"
        return f"{value * lever.shown_factor:.6g}{unit}"

    def margin(size: float) -> str:
        return f"{margin_size(target, size)} {text.unit(target.unit)}"

    common = {
        "scenario": found.scenario,
        "target": f"{target.id} ({text.pick(target.name_en, target.name_zh)})",
        "lever": _name(lever, text),
    }
    present = setting(before)
    if not found.searched:
        yield text(
            "solve.already", value=present, margin=margin(found.margins[target.id]), **common
        )
    elif found.values is None:
        yield text("solve.none", **common)
    else:
        value = setting(outward(found.values[0], before))
        yield text("solve.found", present=present, value=value, **common)
    if found.searched:
        yield text("solve.now", present=present, margin=margin(found.margins_present[target.id]))
    for searched in found.searched:
        ((low, high),) = searched.ends
        over = {
            "range": text.word("range", searched.range),
            "low": f"{low * lever.shown_factor:g}",
            "high": setting(high),
            "points": searched.points,
        }
        best = searched.best[target.id]
        if math.isnan(best):
            yield text("solve.broken", **over)
        else:
            at = f"{searched.best_at[0] * lever.shown_factor:g}"
            yield text("solve.sought", best=margin(best), at=at, **over)
    if found.implausible:
        ends = {"low": f"{lever.low * lever.shown_factor:g}", "high": setting(lever.high)}
        yield text("solve.implausible", **ends)


# --- several --------------------------------------------------------------------------------------


def _levers(found: Solution, text: Text) -> Grid:
    columns = [
        text_column(text("mix.lever")),
        *(figure_column(text(key)) for key in ("mix.present", "mix.value", "mix.range")),
        Column(text("mix.unit")),
    ]
    rows = []
    for index, (lever, present) in enumerate(zip(found.levers, found.present, strict=True)):
        factor = lever.shown_factor
        value = None if found.values is None else found.values[index]
        still = value is not None and math.isclose(value, present, rel_tol=1e-7, abs_tol=1e-9)
        ends = found.searched[-1].ends[index] if found.searched else (lever.low, lever.high)
        moved = "–" if value is None else text("mix.stays") if still else f"{value * factor:.6g}"
        rows.append(
            (
                _name(lever, text),
                f"{present * factor:.6g}",
                Prose(moved, Style.FAINT if still else ""),
                "–".join(f"{end * factor:g}" for end in ends),
                "" if lever.shown_unit == NO_UNIT else text.unit(lever.shown_unit),
            )
        )
    return Grid(columns, rows)


def _cost(found: Solution, text: Text, outlay_zh: str) -> str:
    if found.outlay:
        unit = "" if found.cost_unit == NO_UNIT else text.unit(found.cost_unit)
        figures = {
            "name": text.pick(found.outlay, outlay_zh),
            "now": f"{found.cost_present:.6g} {unit}".strip(),
        }
        if found.values is None:
            return text("mix.outlay_now", **figures)
        return text("mix.outlay", cost=f"{found.cost:.6g} {unit}".strip(), **figures)
    prices = [
        text("mix.price", price=f"{price:g}", lever=_name(lever, text))
        for lever in found.levers
        if (price := found.prices.get(lever.id)) is not None
    ]
    if len(prices) < len(found.levers):
        prices.append(text("mix.price_else" if prices else "mix.price_default"))
    stated = text("mix.prices", prices=text.join(prices))
    if found.values is None:
        return stated
    return text("mix.cost", cost=f"{found.cost:.6g}") + text("list_sep.sentence") + stated


def _targets(found: Solution, text: Text) -> Grid:
    met = found.values is not None
    then = found.margins if met else found.searched[-1].best
    columns = [
        Column(text("verdicts.id")),
        text_column(text("verdicts.name")),
        figure_column(text("mix.margin_now")),
        figure_column(text("mix.margin_then" if met else "mix.margin_best")),
        Column(text("mix.unit")),
    ]
    rows = [
        (
            target.id,
            text.pick(target.name_en, target.name_zh),
            margin_size(target, found.margins_present[target.id]),
            margin_cell(target, then[target.id]),
            text.unit(target.unit),
        )
        for target in found.targets
    ]
    return Grid(columns, rows)


def _searched(found: Solution, searched: Searched, text: Text) -> str:
    short = [id_ for id_, margin in searched.best.items() if not margin >= 0]
    word = text.word("range", searched.range)
    sentence = text("mix.looked", range=word, points=f"{searched.points:,}")
    if short and not (found.values is not None and searched is found.searched[-1]):
        sentence += text("list_sep.sentence") + text("mix.short", ids=text.join(short))
    return sentence
