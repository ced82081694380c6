"""A verdict in words: the target, the value, its margin, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import numpy as np

from plansim.output.words.text import (
    Text,
    decimals_for,
    decimals_of,
    figure,
    margin_figure,
    target_figure,
)
from plansim.targets.target import Attribute, Direction, Gap, Status, Target
from plansim.targets.verdict import Verdict, margin_of

__all__ = [
    "MARKS",
    "SIGNS",
    "bases_of",
    "breaks_later",
    "by_section",
    "gap_text",
    "limit_of",
    "margin_size",
    "margin_text",
    "others_of",
    "section_of",
    "value_text",
]

MARKS: Mapping[Status, str] = {
    Status.MET: "✓",
    Status.MISSED: "✗",
    Status.UNDECIDED: "?",
    Status.ASSUMED: "=",
    Status.UNTESTABLE: "–",
}


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


def margin_text(verdict: Verdict, target: Target) -> str:
    """Write a verdict's margin in the target's unit, with the decimals of its value."""
    if verdict.margin is None:
        return ""
    return margin_figure(verdict.margin, _decimals(target, verdict.value))


def margin_size(target: Target, margin: float, nothing: float = 1e-6) -> str:
    """Write a margin of a search or a sweep.

    One below the share ``nothing`` of the target is written as 0, none as ``–``.
    """
    if math.isnan(margin):
        return "–"
    assert target.value is not None
    if abs(margin) <= nothing * abs(target.value):
        margin = 0.0
    return margin_figure(margin, decimals_for(target.value, slack=target.tolerance or 0.0))


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
