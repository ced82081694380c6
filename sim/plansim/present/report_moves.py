"""What would mend a target, in words: moves of levers, and what they cost elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plansim.model.assignment import Apply
from plansim.model.units import NO_UNIT
from plansim.plan.targets import Target
from plansim.present.causes_table import outward
from plansim.present.text import Text, decimals_for, margin_figure
from plansim.study.mend import Mending, Move, Package, Remedy

__all__ = [
    "margin_in_words",
    "moves_in_words",
    "nothing_in_words",
    "remedy_in_words",
    "side_effects",
]

FIRST_YEAR = 1500
"""From here on a number of years is taken for a year."""
MOST_NAMED = 3
"""Levers that are named in short."""


def moves_in_words(moves: Sequence[Move], text: Text, most: int | None = None) -> str:
    """Write moves one after the other, each rounded away from where the lever stands.

    Of more than ``most`` the others are counted.
    """
    said = [_move(each, text) for each in moves[:most]]
    if len(moves) > len(said):
        said.append(text("report.more", count=len(moves) - len(said)))
    return text.join(said)


def _move(move: Move, text: Text) -> str:
    """Write ``Tree planting 1 → 1.11``, ``Sewage plants +3.2 %`` or ``Heavy industry × 0.72``."""
    lever = move.lever
    name = text.pick(lever.name_en, lever.name_zh)
    before, after = _figures(move.present * lever.shown_factor, move.value * lever.shown_factor)
    # A place in time is written as the year that it is.
    plain = lever.shown_unit == NO_UNIT or (lever.shown_unit == "Year" and move.value >= FIRST_YEAR)
    unit = "" if plain else f"\u00a0{text.unit(lever.shown_unit)}"
    match lever.apply:
        case Apply.SET:
            return f"{name} {before} → {after}{unit}"
        case Apply.ADD:
            return f"{name} {'+' if move.value > 0 else ''}{after}{unit}"
        case Apply.MULTIPLY:
            return f"{name} × {after}"


def _figures(present: float, value: float) -> tuple[str, str]:
    """Round a move so that it can be told from no move, and goes far enough.

    >>> _figures(1.0, 1.1096), _figures(2007.0, 2006.875), _figures(0.0, 1.96618)
    (('1', '1.11'), ('2007', '2006.87'), ('0', '1.97'))
    """
    size = abs(value - present)
    whole = max(abs(value), abs(present))
    digits = 1 + max(0, math.ceil(math.log10(whole / size))) if size else 4
    return f"{present:.6g}", f"{outward(value, present, max(3, min(digits, 6))):.6g}"


def margin_in_words(margin: float, target: Target, text: Text) -> str:
    """Write a margin with its unit."""
    assert target.value is not None
    decimals = decimals_for(target.value, slack=target.tolerance or 0.0)
    return f"{margin_figure(margin, decimals)} {text.unit(target.unit)}"


def remedy_in_words(mending: Mending, text: Text) -> str:
    """Say in short what would mend a target: one lever, several together, or nothing."""
    if mending.alone:
        best = mending.alone[0]
        return moves_in_words(best.moves, text) + _price(best, text)
    if mending.together is not None:
        moves = moves_in_words(mending.together.moves, text, MOST_NAMED)
        return text("report.together", moves=moves) + _price(mending.together, text)
    if mending.nearest is not None:
        return nothing_in_words(mending.nearest, mending.target, text)
    return text("report.no_lever")


def nothing_in_words(nearest: Package, target: Target, text: Text) -> str:
    """Say how near the best that was tried comes."""
    short = margin_in_words(nearest.margin, target, text).removeprefix("-")
    return text("report.nothing", count=len(nearest.moves), margin=short)


def _price(remedy: Remedy, text: Text) -> str:
    return text("report.price", count=len(remedy.lost)) if remedy.lost else ""


def side_effects(remedy: Remedy, text: Text) -> str:
    """Say which other targets a remedy gains and loses."""
    said = []
    if remedy.gained:
        said.append(text("report.gains", ids=text.join(list(remedy.gained))))
    if remedy.lost:
        said.append(text("report.loses", ids=text.join(list(remedy.lost))))
    return text("list_sep.semicolon").join(said) or "–"
