"""The values of levers at which targets are met, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.optimization.problem import Lever
from plansim.analysis.optimization.target_seeking import Searched, Solution
from plansim.model.units import NO_UNIT
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
from plansim.output.words.text import Text, outward
from plansim.output.words.verdicts import margin_size

__all__ = ["solution_table"]


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
    return text.pick(lever.name_en, lever.name_zh)


def _levers(solution: Solution, text: Text) -> Grid:
    columns = [
        text_column(text("mix.lever")),
        *(figure_column(text(key)) for key in ("mix.present", "mix.value", "mix.range")),
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
                "" if lever.shown_unit == NO_UNIT else text.unit(lever.shown_unit),
            )
        )
    return Grid(columns, rows)


def _cost(solution: Solution, text: Text, outlay_zh: str) -> str:
    if solution.outlay:
        unit = "" if solution.cost_unit == NO_UNIT else text.unit(solution.cost_unit)
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
