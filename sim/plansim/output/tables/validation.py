"""Tests of a model, one row each, with the faults of those that fail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from plansim.analysis.validation.result import Case, Number, Result, ValidationOutcome
from plansim.output.tables.layout import (
    Column,
    Grid,
    Prose,
    RenderableType,
    Style,
    blocks,
    figure_column,
    lines,
    table,
    text_column,
)
from plansim.output.words.text import Text

__all__ = [
    "MOST_FAULTS",
    "case_text",
    "criterion_text",
    "effect_rows",
    "figure_text",
    "result_mark",
    "title_text",
    "validation_table",
]

MOST_FAULTS = 12
"""Number of faults of a test that the table shows; JSON has all."""
_MARK = {
    ValidationOutcome.PASS: ("✓", Style.GOOD),
    ValidationOutcome.FAIL: ("✗", Style.BAD),
    ValidationOutcome.NOT_APPLICABLE: ("–", Style.FAINT),
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
    parts += [_sentence(case, text) for case in result.cases if case.message == "missing"]
    return text("list_sep.semicolon").join(parts)


def case_text(case: Case, text: Text) -> str:
    """Return the sentence of a case, after the name of its subject."""
    name = text.name(case)
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


WORD_GROUPS = {
    **{"wanted": "way", "way": "way", "mark": "start_mark", "lacking": "lacking"},
    **{"declared": "polarity", "expected": "strength", "comparison": "comparison"},
    **{"stability": "stability", "before": "status", "after": "status", "status": "status"},
}
"""The values of results that are words of the catalogue, by the group that has them."""


def _word(name: str, value: Number, text: Text) -> Number:
    """Translate values that are words of the catalogue; names of variables are kept."""
    if not isinstance(value, str):
        return value
    if name == "unit":
        return text.unit(value)
    return text.word(WORD_GROUPS[name], value) if name in WORD_GROUPS else value


def validation_table(results: Sequence[Result], text: Text) -> RenderableType:
    """Return a row for each test, then the faults of those that fail, and last the count."""
    columns = [
        Column("", lambda result: Prose(*_MARK[result.status])),
        Column("validation.id", lambda result: result.id),
        text_column("validation.test", lambda result: title_text(result, text), most=32),
        text_column("validation.found", lambda result: figure_text(result, text)),
    ]
    failed = [one for one in results if one.status is ValidationOutcome.FAIL]
    effects = (grid for one in results if (grid := _effects(one, text)) is not None)
    faults = (_faults(one, text) for one in failed)
    counted = Counter(result.status for result in results)
    count = text(
        "validation.count",
        passed=counted[ValidationOutcome.PASS],
        failed=len(failed),
        left=counted[ValidationOutcome.NOT_APPLICABLE],
        seconds=sum(result.seconds for result in results),
    )
    return blocks([table(text, columns, results), *effects, *faults, count])


def effect_rows(result: Result, text: Text) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the table of what questions change; empty if there is none.

    A cell has the median and the band over members, in per cent of the level.
    """
    questions: dict[Number, str] = {}
    rows: dict[str, list[str]] = {}
    for one in result.cases:
        if one.message not in ("effect", "effect_beside"):
            continue
        values = one.values
        question = text.pick(str(values["question_en"]), str(values["question_zh"]))
        questions[values["of"]] = question
        name = text.name(one)
        first = f"{one.subject} {name}" if one.message == "effect" else name
        median, low, high = (_in_percent(one[key]) for key in ("median", "low", "high"))
        rows.setdefault(one.subject, [first]).append(f"{median} ({low}…{high})")
    return [text("validation.effects_of"), *questions.values()], list(rows.values())


def _in_percent(part: float) -> str:
    return f"{100 * part:.1f}".replace("-0.0", "0.0").replace("-", "−")


def _effects(result: Result, text: Text) -> RenderableType | None:
    (first, *questions), rows = effect_rows(result, text)
    columns = [text_column(first), *map(figure_column, questions)]
    return Grid(columns, rows, title=text("validation.effects")) if rows else None


def _faults(result: Result, text: Text) -> RenderableType:
    faults = [f"  {case_text(case, text)}" for case in result.faults]
    shown = faults[:MOST_FAULTS]
    if (more := len(faults) - MOST_FAULTS) > 0:
        shown.append("  " + text("validation.more", count=more))
    return lines([f"{result.id}{text('list_sep.colon')}{criterion_text(result, text)}", *shown])


def result_mark(result: Result) -> str:
    """Return the mark of a test's status."""
    return _MARK[result.status][0]
