"""The tests of a model for a reader: what each found, against what, and where it fails."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from plansim.analysis.validation.result import Case, Finding, Number, Said, Status
from plansim.output.tables.layout import (
    Column,
    Grid,
    Prose,
    RenderableType,
    Style,
    blocks,
    lines,
    text_column,
)
from plansim.output.text import Text

__all__ = [
    "MOST_FAULTS",
    "case_text",
    "criterion_text",
    "figure_text",
    "mark_of",
    "title_text",
    "validation_json",
    "validation_table",
]

MOST_FAULTS = 12
"""So many faults of a test are named; JSON holds all."""
_MARK = {
    Status.PASS: ("✓", Style.GOOD),
    Status.FAIL: ("✗", Style.BAD),
    Status.NOT_APPLICABLE: ("–", Style.FAINT),
}


def title_text(finding: Finding, text: Text) -> str:
    """Give what a test is called."""
    return text.word("q_title", finding.id)


def criterion_text(finding: Finding, text: Text) -> str:
    """Say when a test is passed."""
    return _spaced(text.word("q_criterion", finding.id).format(**finding.limits))


def figure_text(finding: Finding, text: Text) -> str:
    """Say in figures what a test found; where it could not be made, why."""
    said = [_said(case, text) for case in finding.cases if case.said is Said.MISSING]
    if finding.figures:
        figures = text.word("q_figure", finding.id).format(**finding.figures)
        said.insert(0, _spaced(figures))
    return text("list_sep.semicolon").join(said)


def case_text(case: Case, text: Text) -> str:
    """Say what a case says, after the name of its subject."""
    said = _said(case, text)
    subject = text.pick(case.name_en, case.name_zh)
    subject = f"{case.subject} ({subject})" if subject else case.subject
    return f"{subject}{text('list_sep.colon')}{said}"


def _said(case: Case, text: Text) -> str:
    words = {name: _word(name, value, text) for name, value in case.values.items()}
    return _spaced(text.word("case", case.said).format(**words))


def _spaced(said: str) -> str:
    """Write per cent as everywhere here.

    >>> _spaced("at most 1%")
    'at most 1 %'
    """
    return re.sub(r"(?<=[0-9])%", " %", said)


def _word(name: str, value: Number, text: Text) -> Number:
    """Translate those values that are words of ours; names of variables stay as they are."""
    if not isinstance(value, str):
        return value
    match name:
        case "wanted" | "way":
            return text.word("way", value)
        case "lacking":
            return text.word("lacking", value)
        case "declared":
            return text.word("polarity", value)
        case "before" | "after" | "status":
            return text.word("status", value)
        case "unit":
            return text.unit(value)
        case _:
            return value


def validation_table(findings: Sequence[Finding], text: Text) -> RenderableType:
    """Lay out what tests found, a row a test; then what fails, fault by fault; last the count."""
    columns = [
        Column(),
        Column(text("validation.id")),
        text_column(text("validation.test"), most=32),
        text_column(text("validation.found")),
    ]
    rows = [
        (Prose(*_MARK[each.status]), each.id, title_text(each, text), figure_text(each, text))
        for each in findings
    ]
    failed = (_faults(each, text) for each in findings if each.status is Status.FAIL)
    return blocks([Grid(columns, rows), *failed, _count(findings, text)])


def _faults(finding: Finding, text: Text) -> RenderableType:
    faults = [f"  {case_text(case, text)}" for case in finding.faults]
    told = faults[:MOST_FAULTS]
    if (more := len(faults) - MOST_FAULTS) > 0:
        told.append("  " + text("validation.more", count=more))
    return lines([f"{finding.id}{text('list_sep.colon')}{criterion_text(finding, text)}", *told])


def mark_of(finding: Finding) -> str:
    """Give the mark of what became of a test."""
    return _MARK[finding.status][0]


def _count(findings: Iterable[Finding], text: Text) -> str:
    by_status = dict.fromkeys(Status, 0)
    seconds = 0.0
    for each in findings:
        by_status[each.status] += 1
        seconds += each.seconds
    return text(
        "validation.count",
        passed=by_status[Status.PASS],
        failed=by_status[Status.FAIL],
        left=by_status[Status.NOT_APPLICABLE],
        seconds=seconds,
    )


def validation_json(findings: Iterable[Finding], text: Text) -> str:
    """Write what tests found as JSON: all cases; a number that there is none of is null."""
    return json.dumps(
        {
            "tests": [
                {
                    "id": each.id,
                    "title": title_text(each, text),
                    "status": each.status,
                    "figure": figure_text(each, text),
                    "criterion": criterion_text(each, text),
                    "detail": [case_text(case, text) for case in each.faults],
                    "figures": _numbers(each.figures),
                    "limits": _numbers(each.limits),
                    "cases": [
                        {
                            "subject": case.subject,
                            "holds": case.holds,
                            "said": case.said,
                            "values": _numbers(case.values),
                        }
                        for case in each.cases
                    ],
                    "seconds": round(each.seconds, 3),
                }
                for each in findings
            ]
        },
        ensure_ascii=False,
        indent=2,
        allow_nan=False,
    )


def _numbers(values: Mapping[str, Number]) -> dict[str, Number | None]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
