"""The result of a test of the model: its cases, its figures, and whether it is passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np

__all__ = ["Case", "Message", "Named", "Number", "Result", "Status", "case", "result"]

Number: TypeAlias = "float | int | str"
"""What a template is filled with."""

Named: TypeAlias = "str | tuple[str, str, str]"
"""An id, alone or with its English and Chinese names."""


class Status(StrEnum):
    """Outcome of a test."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


class Message(StrEnum):
    """Template of a case; its words stand under ``case`` in the catalogue of texts."""

    # structure and documentation
    REPORTED = "reported"
    UNUSED = "unused"
    NO_EXCEPTION = "no_exception"
    HIDDEN_NUMBER = "hidden_number"
    LACKS = "lacks"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    TOO_MANY = "too_many"
    TOO_FEW = "too_few"
    OUT_OF_RANGE = "out_of_range"
    BAD_RANGE = "bad_range"
    READS_FILE = "reads_file"
    TREND = "trend"
    # loops
    LOOP_FOUND = "loop_found"
    NO_LINK = "no_link"
    WRONG_SIGN = "wrong_sign"
    WRONG_POLARITY = "wrong_polarity"
    INACTIVE = "inactive"
    NO_SWITCH = "no_switch"
    NOT_FROZEN = "not_frozen"
    LOOP_EFFECT = "loop_effect"
    # values of runs
    COMPARED = "compared"
    FIGURE = "figure"
    NOT_FINITE = "not_finite"
    OUT_OF_BOUNDS = "out_of_bounds"
    MOVED = "moved"
    VERDICT_CHANGED = "verdict_changed"
    WRONG_STATUS = "wrong_status"
    DRIFT = "drift"
    AT_REST = "at_rest"
    SIGN = "sign"
    SIGN_SHARE = "sign_share"
    SERIES = "series"
    SERIES_SHOWN = "series_shown"
    DEPENDS = "depends"
    ENGINES = "engines"
    # uncertainty
    DRIVERS = "drivers"
    PROBABILITY = "probability"
    STANDARD_ERROR = "standard_error"
    RANK = "rank"
    # of the test itself
    RUN_CARD = "run_card"
    REPRODUCED = "reproduced"
    SOUND = "sound"
    INEFFECTIVE = "ineffective"
    NOTHING = "nothing"
    MISSING = "missing"


@dataclass(frozen=True)
class Case:
    """One thing that a test looked at."""

    subject: str
    """The id of a scenario, a check or a target, or the name of a variable."""
    holds: bool
    message: Message
    values: Mapping[str, Number] = field(default_factory=dict)
    """What fills the template."""
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
    status: Status
    figures: Mapping[str, Number]
    """What fills the test's line of results."""
    limits: Mapping[str, Number]
    """What fills the sentence of its criterion."""
    cases: tuple[Case, ...]
    """All that was looked at; of many alike the worst."""
    seconds: float = 0.0
    """Time that the test took."""

    @property
    def faults(self) -> tuple[Case, ...]:
        """The cases that do not hold."""
        return tuple(case for case in self.cases if not case.holds)


def case(subject: Named, holds: bool | np.bool_, message: Message, /, **values: Number) -> Case:
    """Return a case of a subject; the values fill the template of the message."""
    name, en, zh = (subject, "", "") if isinstance(subject, str) else subject
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

    A test that looked at nothing fails. One whose cases are faults alone names in ``sound`` what is
    in order where there are none. A test of which a part cannot be made here, since the things in
    ``lacking`` are missing, fails where the other part does and is never passed; where no part was
    made it has no figures.

    >>> result("Q99", []).status.value, result("Q99", [], sound="model").status.value
    ('fail', 'pass')
    >>> result("Q99", [], sound="model", lacking=["pysimlin"]).status.value
    'not applicable'
    """
    made = tuple(cases)
    missing = tuple(case(test, True, Message.MISSING, lacking=name) for name in lacking)
    if not made and not missing:
        made = (case(sound or test, bool(sound), Message.SOUND if sound else Message.NOTHING),)
    faults = sum(not case.holds for case in made)
    status = Status.FAIL if faults else Status.NOT_APPLICABLE if missing else Status.PASS
    whole = (*made, *missing)
    counted = {"cases": len(whole), "faults": faults, **figures} if made else {}
    return Result(test, status, counted, dict(limits or {}), whole)
