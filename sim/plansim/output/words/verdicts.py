"""A verdict in words: the target, the value, its margin, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import numpy as np

from plansim.output.words.text import (
    Lang,
    Text,
    decimals_for,
    decimals_of,
    figure,
    margin_figure,
    percent,
    signed,
    target_figure,
    written_decimals,
)
from plansim.targets.indicator import Measure
from plansim.targets.judging import margin_of
from plansim.targets.target import Attribute, Direction, Gap, Status, Target, is_percentage
from plansim.targets.verdict import Certainty, Share, Verdict

__all__ = [
    "MARKS",
    "OPEN_MARKS",
    "SIGNS",
    "bases_of",
    "bases_words",
    "breaks_later",
    "by_section",
    "difference_words",
    "gap_text",
    "limit_of",
    "margin_size",
    "margin_text",
    "margin_words",
    "others_of",
    "outcome_words",
    "section_of",
    "share_text",
    "share_words",
    "units_words",
    "value_text",
    "value_words",
    "verdict_mark",
]

MARKS: Mapping[Status, str] = {
    Status.MET: "✓",
    Status.MISSED: "✗",
    Status.UNDECIDED: "?",
    Status.ASSUMED: "=",
    Status.UNTESTABLE: "–",
}
OPEN_MARKS: Mapping[Certainty, str] = {Certainty.OPEN: "?", Certainty.AGAINST: "!"}
"""Marks of verdicts with which plausible models do not agree."""

SIGNS: Mapping[Direction, str] = {
    Direction.AT_LEAST: "≥",
    Direction.AT_MOST: "≤",
    Direction.ABOUT: "≈",
}


def section_of(target: Target) -> tuple[int, int]:
    """Return the sort key of targets: by attribute, binding ones first, then by year."""
    return list(Attribute).index(target.attribute), target.year or 0


def by_section(targets: Iterable[Target], text: Text) -> Iterator[tuple[str, list[Target]]]:
    """Yield the targets of each attribute and year, with their heading."""
    for (_, year), group in groupby(sorted(targets, key=section_of), key=section_of):
        section = list(group)
        yield text.word("section", section[0].attribute).format(year=year or None), section


def limit_of(target: Target, text: Text) -> str:
    """Write a target's limit without its unit: ``≥ 1020``, ``7 ± 1``."""
    if target.value is None or target.direction is None:
        return ""
    value = target_figure(target.value)
    if target.tolerance is not None:
        return f"{value} ± {target_figure(target.tolerance)}"
    return f"{text.word('direction', target.direction)} {value}"


def value_text(target: Target, value: float | None) -> str:
    """Write a value beside its target, with enough decimals to show on which side it lies."""
    return figure(value, _decimals(target, value))


def _decimals(target: Target, value: float | None) -> int:
    """Return enough decimals to show on which side of the target's limits a value lies."""
    if target.value is None:
        return 0 if value is None else decimals_of([value])
    return decimals_for(target.value, value, target.tolerance or 0.0)


def value_words(target: Target, value: float | None, text: Text) -> str:
    """Write a value beside its target; a fall that is none is written as the rise that it is."""
    shown = value_text(target, value)
    if target.measure is Measure.REDUCTION and shown.startswith("-"):
        return text("margin.rises", value=shown.removeprefix("-"))
    return shown


def bases_words(verdicts: Iterable[Verdict], text: Text) -> list[str]:
    """Say between which bases verdicts are undecided."""
    undecided = (one for one in verdicts if one.status is Status.UNDECIDED)
    bases = dict.fromkeys(text.word("basis", basis) for one in undecided for basis in one.bases)
    return [text("verdicts.legend_undecided", bases=text.join(bases))] * bool(bases)


def units_words(targets: Iterable[Target], text: Text) -> list[str]:
    """Say in English what Chinese characters in the units of targets mean."""
    used = {character for target in targets for character in target.unit or ""}
    known = [key.partition(".")[2] for key in text.phrases if key.startswith("character.")]
    parts = [text.word("character", one) for one in known if one in used]
    if text.lang is Lang.ZH or not parts:
        return []
    return [text("verdicts.legend_units", parts=text.join(parts))]


def verdict_mark(verdict: Verdict) -> str:
    """Return the mark of a verdict: whether it stands, and if not, how it is open."""
    certainty = verdict.certainty
    return OPEN_MARKS.get(certainty, MARKS[verdict.status]) if certainty else MARKS[verdict.status]


def outcome_words(verdict: Verdict, text: Text) -> str:
    """Write a verdict as its mark and a word: ``✓ met``, ``? open``."""
    word = text("verdicts.open") if verdict.is_open else text.word("status", verdict.status)
    return f"{verdict_mark(verdict)} {word}"


def share_text(verdict: Verdict) -> str:
    """Write how many of 100 plausible models meet a target, ``44/100``; empty if unknown."""
    return share_words(verdict.share)


def share_words(share: Share | None) -> str:
    """Write a share of plausible models, ``44/100``; empty if unknown."""
    count = share.of_hundred if share else None
    return "" if count is None else f"{count}/100"


def margin_text(verdict: Verdict, target: Target) -> str:
    """Write a verdict's margin in the target's unit: the difference of the figures as shown."""
    if verdict.margin is None or verdict.value is None:
        return ""
    return _margin(target, verdict.value, verdict.margin)


def _margin(target: Target, value: float, margin: float) -> str:
    """Write a margin as the difference of a value and its target as they are shown."""
    assert target.value is not None
    decimals = _decimals(target, value)
    shown = float(margin_of(np.array(round(value, decimals)), target))
    decimals = max(decimals, *map(written_decimals, (target.value, target.tolerance or 0.0)))
    return signed(shown, decimals) if round(shown, decimals) else margin_figure(margin, decimals)


def margin_words(verdict: Verdict, target: Target, text: Text) -> str:
    """Write a margin with its size: in points of a percentage, else in per cent of the target.

    Of a fall that is a rise, say what it should be.
    """
    margin = margin_text(verdict, target)
    if not margin:
        return ""
    if value_words(target, verdict.value, text) != value_text(target, verdict.value):
        asked = f"{target_figure(target.value or 0.0)} {text.unit(target.unit)}"
        return text("margin.should_fall", value=asked)
    if is_percentage(target.unit):
        return difference_words(margin, target.unit, text)
    return f"{margin} ({percent(verdict.margin_pct)})"


def difference_words(size: str, unit: str, text: Text) -> str:
    """Write a difference with its unit: in points of a percentage."""
    if is_percentage(unit):
        return text.word("margin", unit.partition("/")[0]).format(margin=size)
    return text.amount(size, unit)


def margin_size(target: Target, margin: float) -> str:
    """Write a margin of a search or a sweep as `margin_text` does; none as ``–``."""
    if math.isnan(margin):
        return "–"
    assert target.value is not None
    if abs(margin) <= 1e-5 * abs(target.value):  # searches come no nearer
        margin = 0.0
    short = margin - (target.tolerance or 0.0 if target.direction is Direction.ABOUT else 0.0)
    side = 1.0 if target.direction is Direction.AT_LEAST else -1.0
    return _margin(target, target.value + side * short, margin)


def bases_of(verdict: Verdict, target: Target, text: Text) -> list[tuple[str, str]]:
    """Return both values of an undecided verdict, each with the side of the target it lies on."""
    if verdict.status is not Status.UNDECIDED:
        return []
    return [
        (text.word("basis", basis), f"{_side(target, value)} {value_text(target, value)}")
        for basis, value in verdict.bases.items()
    ]


def others_of(verdict: Verdict, target: Target, text: Text) -> list[tuple[str, str]]:
    """Return the values on the other bases, where they differ in print, of an agreed verdict."""
    if verdict.status is Status.UNDECIDED:
        return []
    shown = value_text(target, verdict.value)
    others = [
        (text.word("basis", basis), value_text(target, value))
        for basis, value in list(verdict.bases.items())[1:]
    ]
    return [(basis, value) for basis, value in others if value != shown]


def _side(target: Target, value: float) -> str:
    holds = bool(margin_of(np.array(value), target) >= 0)
    return MARKS[Status.MET if holds else Status.MISSED]


def breaks_later(verdict: Verdict) -> bool:
    """Return whether a limit holds in its year and is broken in a later one."""
    return verdict.first_breach is not None and verdict.first_breach != verdict.year


def gap_text(verdict: Verdict, text: Text) -> str:
    """Return why there is no verdict; empty if there is one."""
    if verdict.gap is None:
        return ""
    reason = text.pick(verdict.reason_en, verdict.reason_zh)
    if verdict.gap is Gap.NOT_MODELLED and reason:
        return reason
    return text.word("gap", verdict.gap).format(year=verdict.gap_year)
