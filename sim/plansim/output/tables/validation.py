"""The results of the tests of a model: one row each, then the faults; or all as JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from plansim.analysis.validation.result import Case, CaseTemplate, Number, Outcome, Result
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
    "validation_table",
]

MOST_FAULTS = 12
"""Number of faults of a test that the table shows; JSON has all."""
_MARK = {
    Outcome.PASS: ("✓", Style.GOOD),
    Outcome.FAIL: ("✗", Style.BAD),
    Outcome.NOT_APPLICABLE: ("–", Style.FAINT),
}


def title_text(made: Result, text: Text) -> str:
    """Return the name of a test."""
    return text.word("q_title", made.id)


def criterion_text(made: Result, text: Text) -> str:
    """Return the criterion by which a test is passed."""
    return _filled(text.word("q_criterion", made.id), made.limits, text)


def figure_text(made: Result, text: Text) -> str:
    """Return the result of a test in figures; if it was not run, why."""
    parts = [_filled(text.word("q_figure", made.id), made.figures, text)] if made.figures else []
    parts += [_sentence(case, text) for case in made.cases if case.message is CaseTemplate.MISSING]
    return text("list_sep.semicolon").join(parts)


def case_text(case: Case, text: Text) -> str:
    """Return the sentence of a case, after the name of its subject."""
    name = text.pick(case.name_en, case.name_zh)
    subject = f"{case.subject} ({name})" if name else case.subject
    return f"{subject}{text('list_sep.colon')}{_sentence(case, text)}"


def _sentence(case: Case, text: Text) -> str:
    return _filled(text.word("case", case.message), case.values, text)


def _filled(template: str, values: Mapping[str, Number], text: Text) -> str:
    """Fill a template, with a blank before per cent."""
    words = {name: _word(name, value, text) for name, value in values.items()}
    return re.sub(r"(?<=[0-9])%", " %", template.format(**words))


def _word(name: str, value: Number, text: Text) -> Number:
    """Translate values that are words of the catalogue; names of variables are kept."""
    if not isinstance(value, str):
        return value
    match name:
        case "wanted" | "way":
            return text.word("way", value)
        case "lacking":
            return text.word("lacking", value)
        case "declared":
            return text.word("polarity", value)
        case "expected":
            return text.word("strength", value)
        case "comparison":
            return text.word("comparison", value)
        case "stability":
            return text.word("stability", value)
        case "before" | "after" | "status":
            return text.word("status", value)
        case "unit":
            return text.unit(value)
        case _:
            return value


def validation_table(results: Sequence[Result], text: Text) -> RenderableType:
    """Return a row for each test, then the faults of those that fail, and last the count."""
    columns = [
        Column(),
        Column(text("validation.id")),
        text_column(text("validation.test"), most=32),
        text_column(text("validation.found")),
    ]
    rows = [
        (Prose(*_MARK[made.status]), made.id, title_text(made, text), figure_text(made, text))
        for made in results
    ]
    failed = (_faults(made, text) for made in results if made.status is Outcome.FAIL)
    return blocks([Grid(columns, rows), *failed, _count(results, text)])


def _faults(made: Result, text: Text) -> RenderableType:
    faults = [f"  {case_text(case, text)}" for case in made.faults]
    told = faults[:MOST_FAULTS]
    if (more := len(faults) - MOST_FAULTS) > 0:
        told.append("  " + text("validation.more", count=more))
    return lines([f"{made.id}{text('list_sep.colon')}{criterion_text(made, text)}", *told])


def mark_of(made: Result) -> str:
    """Return the mark of a test's status."""
    return _MARK[made.status][0]


def _count(results: Sequence[Result], text: Text) -> str:
    counted = Counter(made.status for made in results)
    return text(
        "validation.count",
        passed=counted[Outcome.PASS],
        failed=counted[Outcome.FAIL],
        left=counted[Outcome.NOT_APPLICABLE],
        seconds=sum(made.seconds for made in results),
    )
