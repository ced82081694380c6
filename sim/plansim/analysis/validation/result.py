"""The result of a test of the model: its cases, its figures, and whether it is passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np

from plansim.analysis.calibration.conditioning import Observation
from plansim.analysis.feedback.loops import Loop
from plansim.files.notebook import Table, Tabular
from plansim.targets.target import Target

__all__ = ["Case", "Named", "Number", "Result", "Results", "ValidationOutcome", "case", "result"]

Number: TypeAlias = "float | int | str"
"""A value that fills a template."""

Named: TypeAlias = "str | tuple[str, str, str] | Target | Loop | Observation"
"""An id, alone or with its English and Chinese names."""


class ValidationOutcome(StrEnum):
    """Whether a test passed, failed or could not be run."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Case:
    """One object that a test examined."""

    subject: str
    """The id of a scenario, a check or a target, or the name of a variable."""
    holds: bool
    message: str
    """Key of its template under ``case`` in the catalogue of texts."""
    values: Mapping[str, Number] = field(default_factory=dict)
    """Values that fill the template."""
    name_en: str = ""
    """The subject's name, where its id is not enough."""
    name_zh: str = ""

    def __getitem__(self, name: str) -> float:
        """Return one of the values as a number."""
        return float(self.values[name])


@dataclass(frozen=True)
class Result:
    """The result of one test."""

    id: str
    status: ValidationOutcome
    figures: Mapping[str, Number]
    """Values that fill the test's line of results."""
    limits: Mapping[str, Number]
    """Values that fill the sentence of its criterion."""
    cases: tuple[Case, ...]
    """The cases that were examined; of many similar ones the worst."""
    seconds: float = 0.0
    """Time that the test took."""

    @property
    def faults(self) -> tuple[Case, ...]:
        """The cases that do not hold."""
        return tuple(case for case in self.cases if not case.holds)


class Results(Tabular, tuple[Result, ...]):
    """The results of tests; as a table a row a test."""

    def _table(self) -> Table:
        rows = [
            (one.id, one.status.value, len(one.cases), len(one.faults), one.seconds)
            for one in self
        ]  # fmt: skip
        return ("test", "status", "cases", "faults", "seconds"), rows


def case(subject: Named, holds: bool | np.bool_, message: str, /, **values: Number) -> Case:
    """Return a case of a subject; the values fill the template of the message."""
    match subject:
        case str():
            name, en, zh = subject, "", ""
        case tuple():
            name, en, zh = subject
        case _:
            name, en, zh = subject.id, subject.name_en, subject.name_zh
    return Case(name, bool(holds), message, values, en, zh)


def result(
    test: str,
    cases: Iterable[Case],
    limits: Mapping[str, Number] | None = None,
    *,
    sound: str = "",
    lacking: Iterable[str] = (),
    **figures: Number,
) -> Result:
    """Return the result of a test: passed where every case holds.

    A test without cases fails. One whose cases are only faults names in ``sound`` what is in order
    if there are none. If part of a test cannot be run because things in ``lacking`` are missing,
    it fails if the other part does and never passes; if no part was run it has no figures.

    >>> result("Q99", []).status.value, result("Q99", [], sound="model").status.value
    ('fail', 'pass')
    >>> result("Q99", [], sound="model", lacking=["pysimlin"]).status.value
    'not applicable'
    """
    made = tuple(cases)
    missing = tuple(case(test, True, "missing", lacking=name) for name in lacking)
    if not made and not missing:
        made = (case(sound or test, bool(sound), "sound" if sound else "nothing"),)
    faults = sum(not case.holds for case in made)
    status = (
        ValidationOutcome.FAIL
        if faults
        else ValidationOutcome.NOT_APPLICABLE
        if missing
        else ValidationOutcome.PASS
    )
    whole = (*made, *missing)
    counted = {"cases": len(whole), "faults": faults, **figures} if made and figures else {}
    return Result(test, status, counted, dict(limits or {}), whole)
