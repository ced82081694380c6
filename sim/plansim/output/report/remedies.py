"""Remedies: moves of levers, and which other targets they gain and lose, in words and a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from plansim.analysis.comparison import Comparison
from plansim.analysis.optimization.problem import Move
from plansim.analysis.optimization.remedies import NearMiss, Remedy, TargetRemedies
from plansim.model.units import NO_UNIT
from plansim.output.report.document import (
    Cell,
    GroupRow,
    ReportTable,
    Row,
    Section,
    TableColumn,
    Tone,
)
from plansim.output.report.tables import number_cell, target_cell
from plansim.output.words.text import Text, outward
from plansim.output.words.verdicts import margin_size
from plansim.scenario.factors import Apply
from plansim.targets.target import Target, is_percentage

__all__ = ["move_in_words", "remedies_section", "remedy_in_short", "remedy_in_words"]

FIRST_YEAR = 1500
"""From here on a number of years is taken for a year."""
MOST_REMEDIES, MOST_NEAREST = 3, 5
MOST_NAMED = 2
"""Number of levers that are named in short."""


def _moves_in_words(moves: Sequence[Move], text: Text, most: int | None = None) -> str:
    """Write moves one after the other; of more than ``most`` the others are counted.

    A move that comes with others may not go much further than computed, so its year is to the
    tenth.
    """
    words = [move_in_words(move, text, half=len(moves) == 1) for move in moves[:most]]
    if len(moves) > len(words):
        words.append(text("report.more", count=len(moves) - len(words)))
    return text.join(words)


def move_in_words(move: Move, text: Text, *, half: bool = True) -> str:
    """Write ``Tree planting 1 → 1.2``, ``Sewage plants +3.2 %`` or ``Heavy industry × 0.7``.

    It is as precise as one could order it, rounded away from where the lever stands: a year to the
    ``half`` or the tenth, an index by its change in per cent, all else to about a fifth of the way.
    """
    lever, forward = move.lever, move.value > move.present
    factor = lever.shown_factor
    name = text.pick(lever.name_en, lever.name_zh)
    present, value = move.present * factor, move.value * factor
    low, high = lever.low * factor, lever.high * factor
    if lever.shown_unit == "Year" and value >= FIRST_YEAR:
        key = "report.not_before" if forward else "report.by_year"
        return (
            f"{name} {present:g} → {text(key, year=f'{_year(present, value, low, high, half):g}')}"
        )
    if lever.shown_unit == NO_UNIT and present and lever.apply is not Apply.ADD:
        # More than its change in two digits would be an index that nobody can order.
        change = round(100 * (value / present - 1), 9)
        digits = 2 if _within(present * (1 + outward(change, 0, 2) / 100), low, high) else 4
        return f"{name} {'+' if forward else '−'}{abs(outward(change, 0, digits)):g}\u00a0%"
    after = _rounded(present, value, 5)
    if not _within(after, low, high):
        after = _rounded(present, value, 10)
    unit = "" if lever.shown_unit == NO_UNIT else f"\u00a0{text.unit(lever.shown_unit)}"
    match lever.apply:
        case Apply.SET:
            return f"{name} {present:.6g} → {after:.6g}{unit}"
        case Apply.ADD:
            return f"{name} {'+' if forward else ''}{after:.6g}{unit}"
        case Apply.MULTIPLY:
            return f"{name} × {after:.6g}"


def _year(present: float, value: float, low: float, high: float, half: bool) -> float:
    """Round a year outward: to the half if that is in the lever's range, else to the tenth.

    >>> _year(2006.5, 2006.31, 2006, 2009, True), _year(2006.5, 2006.31, 2006.2, 2009, True)
    (2006.0, 2006.3)
    """
    away = math.ceil if value > present else math.floor
    year = away(round(2 * value, 6)) / 2
    return year if half and _within(year, low, high) else away(round(10 * value, 6)) / 10


def _within(value: float, low: float, high: float) -> bool:
    slack = 1e-6 * (high - low)
    return low - slack <= value <= high + slack


def _rounded(present: float, value: float, parts: int) -> float:
    """Round a move outward, to the power of ten below one of so many parts of its way.

    >>> _rounded(1.0, 1.1096, 10), _rounded(0.0, 8.52301, 10)
    (1.11, 8.6)
    """
    size = abs(value - present)
    if not size:
        return value
    unit = math.floor(math.log10(size / parts))
    top = math.floor(math.log10(abs(value))) if value else 0
    return outward(value, present, max(1, top - unit + 1))


def remedy_in_words(remedies: TargetRemedies, text: Text) -> str:
    """Say in short what meets a target: one lever, several together, or nothing."""
    if remedies.alone:
        best = remedies.alone[0]
        return _moves_in_words(best.moves, text) + _price(best, text)
    if remedies.together is not None:
        moves = _moves_in_words(remedies.together.moves, text, MOST_NAMED)
        return text("report.together", moves=moves) + _price(remedies.together, text)
    if remedies.nearest is not None:
        return _nothing_in_words(remedies.nearest, remedies.target, text)
    return text("report.no_lever")


def remedy_in_short(remedies: TargetRemedies, text: Text) -> str:
    """Name the lever of a remedy that moves most, and how many others move with it."""
    best = remedies.alone[0] if remedies.alone else remedies.together
    if best is not None:
        return _moves_in_words(best.moves, text, 1) + _price(best, text)
    if remedies.nearest is not None:
        return _nothing_in_words(remedies.nearest, remedies.target, text)
    return text("report.no_lever")


def _nothing_in_words(nearest: NearMiss, target: Target, text: Text) -> str:
    """Say how near the best that was tried comes."""
    short = margin_size(target, nearest.margin).removeprefix("-")
    size = f"{short} {text.unit(target.unit)}"
    if is_percentage(target.unit):
        size = text.word("margin", target.unit.partition("/")[0]).format(margin=short)
    return text("report.nothing", margin=size)


def _price(remedy: Remedy, text: Text) -> str:
    return text("report.price", count=len(remedy.lost)) if remedy.lost else ""


def _side_effects(remedy: Remedy, text: Text) -> str:
    """Say which other targets a remedy gains and loses."""
    words = []
    if remedy.gained:
        words.append(text("report.gains", ids=text.join(remedy.gained)))
    if remedy.lost:
        words.append(text("report.loses", ids=text.join(remedy.lost)))
    return text("list_sep.semicolon").join(words) or "–"


# --- the table ------------------------------------------------------------------------------------


def remedies_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return for each binding target that fails the levers that meet it, and at what price."""
    columns = (
        TableColumn(text("verdicts.name"), text("causes.margin"), width=3.2),
        TableColumn(text("report.moves"), width=4.4),
        TableColumn(text("report.effort"), right=True, width=1.2),
        TableColumn(text("report.others"), width=2.6),
    )
    rows: list[Row | GroupRow] = []
    for name, remedies in zip(names, comparison.remedies, strict=True):
        if remedies:
            rows.append(GroupRow(name))
        for of_target in remedies:
            rows += _remedy_rows(of_target, text)
    if not rows:
        return Section(text("report.remedies"), text("report.remedies_tab"), ())
    table = ReportTable(
        text("report.remedies_table"), columns, tuple(rows), text("report.remedies_note")
    )
    return Section(text("report.remedies"), text("report.remedies_tab"), (table,), True)


def _remedy_rows(remedies: TargetRemedies, text: Text) -> Iterator[Row]:
    target = remedies.target
    margin = f"{margin_size(target, remedies.margin)} {text.unit(target.unit)}"
    head = target_cell(target, margin, text, Tone.STRONG)
    shown = remedies.alone[:MOST_REMEDIES] or tuple(filter(None, [remedies.together]))
    for number, remedy in enumerate(shown):
        effort = 100 * remedy.effort
        cells = (
            head if number == 0 else Cell(),
            Cell(_moves_in_words(remedy.moves, text)),
            number_cell(effort, f"{effort:.0f} %"),
            Cell(_side_effects(remedy, text)),
        )
        yield Row(cells, joined=number > 0)
    if not shown:
        words = Cell(text("report.no_lever"), tone=Tone.BAD)
        if (nearest := remedies.nearest) is not None:
            moves = _moves_in_words(nearest.moves, text, MOST_NEAREST)
            words = Cell(_nothing_in_words(nearest, target, text), (moves,), Tone.BAD)
        yield Row((head, words, Cell("–"), Cell("–")))
