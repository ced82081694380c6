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
from plansim.output.words.text import Text

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


def title_text(result: Result, text: Text) -> str:
    """Return the name of a test."""
    return text.word("q_title", result.id)


def criterion_text(result: Result, text: Text) -> str:
    """Return the criterion by which a test is passed."""
    return _filled(text.word("q_criterion", result.id), result.limits, text)


def figure_text(result: Result, text: Text) -> str:
    """Return the result of a test in figures; if it was not run, why."""
    parts = (
        [_filled(text.word("q_figure", result.id), result.figures, text)] if result.figures else []
    )
    parts += [
        _sentence(case, text) for case in result.cases if case.message is CaseTemplate.MISSING
    ]
    return text("list_sep.semicolon").join(parts)


def case_text(case: Case, text: Text) -> str:
    """Return the sentence of a case, after the name of its subject."""
    name = text.pick(case.name_en, case.name_zh)
    subject = f"{case.subject} ({name})" if name else case.subject
    return f"{subject}{text('list_sep.colon')}{_sentence(case, text)}"


def _sentence(case: Case, text: Text) -> str:
    return _filled(text.word("case", case.message), case.values, text)


def _filled(template: str, values: Mapping[str, Number], text: Text) -> str:
    """Fill a template with values, those in two languages in that of the text."""
    words = {name: _word(name, value, text) for name, value in values.items()}
    for name in [name.removesuffix("_en") for name in values if name.endswith("_en")]:
        words[name] = text.pick(str(values[f"{name}_en"]), str(values[f"{name}_zh"]))
    return re.sub(r"(?<=[0-9])%", " %", template.format(**words))


def _word(name: str, value: Number, text: Text) -> Number:
    """Translate values that are words of the catalogue; names of variables are kept."""
    if not isinstance(value, str):
        return value
    match name:
        case "wanted" | "way":
            return text.word("way", value)
        case "mark":
            return text.word("start_mark", value)
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
        (
            Prose(*_MARK[result.status]),
            result.id,
            title_text(result, text),
            figure_text(result, text),
        )
        for result in results
    ]
    failed = (_faults(result, text) for result in results if result.status is Outcome.FAIL)
    return blocks([Grid(columns, rows), *failed, _count(results, text)])


def _faults(result: Result, text: Text) -> RenderableType:
    faults = [f"  {case_text(case, text)}" for case in result.faults]
    shown = faults[:MOST_FAULTS]
    if (more := len(faults) - MOST_FAULTS) > 0:
        shown.append("  " + text("validation.more", count=more))
    return lines([f"{result.id}{text('list_sep.colon')}{criterion_text(result, text)}", *shown])


def mark_of(result: Result) -> str:
    """Return the mark of a test's status."""
    return _MARK[result.status][0]


def _count(results: Sequence[Result], text: Text) -> str:
    counted = Counter(result.status for result in results)
    return text(
        "validation.count",
        passed=counted[Outcome.PASS],
        failed=counted[Outcome.FAIL],
        left=counted[Outcome.NOT_APPLICABLE],
        seconds=sum(result.seconds for result in results),
    )
