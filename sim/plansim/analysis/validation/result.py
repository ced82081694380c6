"""What a test of the model found: its cases, its figures, and whether it is passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

__all__ = [
    "Case",
    "Finding",
    "Number",
    "Said",
    "Status",
    "found",
    "not_applicable",
    "unfinished",
]

Number: TypeAlias = "float | int | str"
"""What a sentence about a case is filled with."""


class Status(StrEnum):
    """What became of a test."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


class Said(StrEnum):
    """What a case says; the catalogue of phrases holds a sentence for each."""

    WARNED = "warned"  # by the reader of the model's file
    ORPHAN = "orphan"  # a variable that nothing uses
    IDLE_VARIABLE = "idle_variable"  # one that bears on nothing that is judged
    NO_ORPHAN = "no_orphan"  # one that is reported as an end, and is used
    HIDDEN = "hidden"  # a number in an equation
    LARGE = "large"
    UNANSWERED = "unanswered"  # a row of the main table
    LOOP = "loop"  # found as declared
    NO_LINK = "no_link"
    OTHER_SIGN = "other_sign"
    NOT_ALIVE = "not_alive"
    NO_SWITCH = "no_switch"
    POLARITY = "polarity"
    UNIT = "unit"
    NO_UNIT = "no_unit"
    UNDOCUMENTED = "undocumented"
    DOUBLED = "doubled"
    OUTSIDE = "outside"
    NO_EDGE = "no_edge"  # a value that is excused for standing on an edge, and does not
    NO_RANGE = "no_range"
    ODD_RANGE = "odd_range"
    UNKNOWN_SOURCE = "unknown_source"
    BALANCED = "balanced"  # two sides that are equal
    BOUNDED = "bounded"  # a side that is at most the other
    STATED = "stated"  # a figure of the base year
    EXPECTED = "expected"  # of an extreme world
    IDLE = "idle"  # an extreme that asks for nothing
    MOVED = "moved"  # an indicator, by another step
    FLIPPED = "flipped"  # a verdict, by another step
    DRIFTED = "drifted"  # a stock that should stand still
    AT_REST = "at_rest"  # what a constant has to be for that
    NOT_FINITE = "not_finite"
    NEGATIVE = "negative"
    NO_SHARE = "no_share"
    SOUND = "sound"  # a run, or many
    SOUND_MODEL = "sound_model"
    SIGN = "sign"  # which way a change works
    SIGN_SHARE = "sign_share"  # in how many draws it works so
    FITS = "fits"  # a series of the past
    SHOWN = "shown"  # one that is not judged
    FAMILY = "family"  # a figure of another place
    DRIVEN = "driven"  # a target, by its main drivers
    CHANCE = "chance"  # that a target is met
    UNSURE = "unsure"  # a chance that is not known well enough
    BROKEN = "broken"  # runs of a study
    STABLE = "stable"  # the order of two scenarios
    FRAGILE = "fragile"
    STRONG = "strong"  # a loop, by what its cut does
    WEAK = "weak"  # one that is listed as such
    BREAKS = "breaks"  # a run without a loop
    NOT_FROZEN = "not_frozen"  # what a switch should freeze
    FORCED = "forced"  # a series that hangs on the targets
    NOT_SCRAMBLED = "not_scrambled"
    READS = "reads"  # an equation, from outside
    TREND = "trend"  # an indicator that no stock bears on
    NO_TARGET = "no_target"
    NOT_ASSUMED = "not_assumed"
    AGREES = "agrees"  # another engine, or the same one again
    CARD = "card"  # an entry of a run card
    AGAIN = "again"  # the same run, made twice
    TOO_FEW = "too_few"
    NOTHING = "nothing"  # the test looked at nothing
    MISSING = "missing"  # what a test needs is not there


@dataclass(frozen=True)
class Case:
    """One thing that a test looked at."""

    subject: str
    """The id of a scenario, a check, a target; or the name of a variable."""
    holds: bool
    said: Said
    values: Mapping[str, Number] = field(default_factory=dict)
    """What fills the sentence."""
    name_en: str = ""
    """What the subject is called, where its id says too little."""
    name_zh: str = ""


@dataclass(frozen=True)
class Finding:
    """What one test found."""

    id: str
    status: Status
    figures: Mapping[str, Number]
    """What fills the test's line of results."""
    limits: Mapping[str, Number]
    """What fills the sentence of its criterion."""
    cases: tuple[Case, ...]
    """All that was looked at; of many alike the worst."""
    seconds: float = 0.0
    """What it took."""

    @property
    def faults(self) -> tuple[Case, ...]:
        """Give the cases that do not hold."""
        return tuple(case for case in self.cases if not case.holds)


def found(
    test: str,
    cases: Iterable[Case],
    figures: Mapping[str, Number] | None = None,
    limits: Mapping[str, Number] | None = None,
) -> Finding:
    """Make a finding: passed where every case holds. A test that looked at nothing fails.

    >>> found("Q99", []).status.value
    'fail'
    """
    held = tuple(cases) or (Case(test, False, Said.NOTHING),)
    status = Status.PASS if all(case.holds for case in held) else Status.FAIL
    counts = {"cases": len(held), "faults": sum(not case.holds for case in held)}
    return Finding(
        test,
        status,
        MappingProxyType(counts | dict(figures or {})),
        MappingProxyType(dict(limits or {})),
        held,
    )


def not_applicable(test: str, what: str, limits: Mapping[str, Number] | None = None) -> Finding:
    """Make the finding of a test that cannot be made here, for want of ``what``."""
    case = Case(test, True, Said.MISSING, {"lacking": what})
    return Finding(test, Status.NOT_APPLICABLE, {}, dict(limits or {}), (case,))


def unfinished(
    test: str,
    cases: Iterable[Case],
    figures: Mapping[str, Number],
    limits: Mapping[str, Number],
    lacking: Iterable[str],
) -> Finding:
    """Make the finding of a test of which only a part could be made, for want of some things.

    It fails where that part fails, and is never passed. Where no part could be made it has no
    figures: of nothing there is no largest difference.
    """
    made = tuple(cases)
    left = tuple(Case(test, True, Said.MISSING, {"lacking": each}) for each in lacking)
    whole = found(test, (*made, *left), figures, limits)
    if not made:
        whole = replace(whole, figures={})
    return whole if whole.faults else replace(whole, status=Status.NOT_APPLICABLE)
