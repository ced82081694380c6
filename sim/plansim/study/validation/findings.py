"""What a test of the model found: its cases, its figures, and whether it is passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

__all__ = ["Case", "Finding", "Number", "Said", "Status", "found", "not_applicable"]

Number: TypeAlias = "float | int | str"
"""What a sentence about a case is filled with."""


class Status(StrEnum):
    """What became of a test."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


class Said(StrEnum):
    """What a case says; the catalogue of phrases holds a sentence for each."""

    MOVED = "moved"  # an indicator, by another step
    FLIPPED = "flipped"  # a verdict, by another step
    DRIFTED = "drifted"  # a stock that should stand still
    NOT_FINITE = "not_finite"
    NEGATIVE = "negative"
    NO_SHARE = "no_share"
    SOUND = "sound"  # a run, or many
    SIGN = "sign"  # which way a change works
    SIGN_SHARE = "sign_share"  # in how many draws it works so
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
