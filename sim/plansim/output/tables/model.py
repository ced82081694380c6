"""Tests of a model, one row each with the faults, and what conditioning came to."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from plansim.analysis.calibration.diagnostics import Diagnostics, ObservationFit, TargetShift
from plansim.analysis.validation.result import Case, Number, Result, ValidationOutcome
from plansim.output.tables import layout
from plansim.output.words.text import Text

__all__ = [
    "MOST_FAULTS",
    "case_text",
    "conditioning_table",
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
    ValidationOutcome.PASS: ("✓", layout.Style.GOOD),
    ValidationOutcome.FAIL: ("✗", layout.Style.BAD),
    ValidationOutcome.NOT_APPLICABLE: ("–", layout.Style.FAINT),
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


def validation_table(results: Sequence[Result], text: Text) -> layout.RenderableType:
    """Return a row for each test, then the faults of those that fail, and last the count."""
    columns = [
        layout.Column(),
        layout.Column(text("validation.id")),
        layout.text_column(text("validation.test"), most=32),
        layout.text_column(text("validation.found")),
    ]
    rows = [
        (
            layout.Prose(*_MARK[result.status]),
            result.id,
            title_text(result, text),
            figure_text(result, text),
        )
        for result in results
    ]
    failed = (
        _faults(result, text) for result in results if result.status is ValidationOutcome.FAIL
    )
    effects = (table for result in results if (table := _effects(result, text)) is not None)
    return layout.blocks([layout.Grid(columns, rows), *effects, *failed, _count(results, text)])


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


def _effects(result: Result, text: Text) -> layout.RenderableType | None:
    (first, *questions), rows = effect_rows(result, text)
    columns = [layout.text_column(first), *map(layout.figure_column, questions)]
    return layout.Grid(columns, rows, title=text("validation.effects")) if rows else None


def _faults(result: Result, text: Text) -> layout.RenderableType:
    faults = [f"  {case_text(case, text)}" for case in result.faults]
    shown = faults[:MOST_FAULTS]
    if (more := len(faults) - MOST_FAULTS) > 0:
        shown.append("  " + text("validation.more", count=more))
    return layout.lines(
        [f"{result.id}{text('list_sep.colon')}{criterion_text(result, text)}", *shown]
    )


def result_mark(result: Result) -> str:
    """Return the mark of a test's status."""
    return _MARK[result.status][0]


def _count(results: Sequence[Result], text: Text) -> str:
    counted = Counter(result.status for result in results)
    return text(
        "validation.count",
        passed=counted[ValidationOutcome.PASS],
        failed=counted[ValidationOutcome.FAIL],
        left=counted[ValidationOutcome.NOT_APPLICABLE],
        seconds=sum(result.seconds for result in results),
    )


MOST = 20
"""So many factors are shown, those whose range shrank most."""


def conditioning_table(made: Diagnostics, text: Text) -> layout.RenderableType:
    """Lay out what conditioning did."""
    parts: list[layout.RenderableType] = [
        layout.lines(_waves(made, text)),
        _observations(made, text),
        _factors(made, text),
    ]
    if made.pairs or made.structures:
        parts.append(layout.lines([*_pairs(made, text), *_structures(made, text)]))
    targets = [_targets(made, text)] if made.targets else []
    return layout.blocks([*parts, *targets, text("condition.legend")])


def _waves(made: Diagnostics, text: Text) -> Iterator[str]:
    for number, wave in enumerate(made.waves, start=1):
        yield text(
            "condition.wave",
            number=number,
            draws=f"{wave.draws:,}",
            accepted=f"{wave.accepted:,}",
            share=f"{wave.accepted / wave.draws:.2%}",
            volume=f"{wave.volume:.3g}",
            broken=wave.broken,
        )


def _observations(made: Diagnostics, text: Text) -> layout.Grid:
    def figure(one: ObservationFit) -> str:
        return f"{one.observation.value:.4g} {text.unit(one.observation.unit)}"

    def rejects(one: ObservationFit) -> layout.Prose:
        return layout.Prose(f"{one.rejects:.1%}", layout.Style.DOUBT if one.rejects > 0.5 else "")

    columns = [
        layout.text_column(text("condition.observation"), lambda one: text.name(one.observation)),
        layout.figure_column(text("condition.figure"), figure),
        layout.figure_column(
            text("condition.deviation"), lambda one: f"{one.observation.deviation:.2g}"
        ),
        layout.figure_column(text("condition.prior"), lambda one: _range(one.prior)),
        layout.figure_column(text("condition.conditioned"), lambda one: _range(one.conditioned)),
        layout.figure_column(text("condition.rejects"), rejects),
        layout.figure_column(text("condition.alone"), lambda one: f"{one.alone:.1%}"),
        layout.figure_column(text("condition.least"), lambda one: f"{one.least:.1f}"),
    ]
    return layout.table(columns, sorted(made.observations, key=lambda one: -one.rejects))


def _range(band: tuple[float, ...]) -> str:
    return "–".join(f"{end:.3g}" for end in (band[0], band[-1]))


def _factors(made: Diagnostics, text: Text) -> layout.Grid:
    columns = [
        layout.text_column(
            text("condition.factor"),
            lambda one: text.pick(one.name, one.name_zh) + " *" * one.matched,
        ),
        layout.figure_column(text("condition.width"), lambda one: f"{one.width:.2f}"),
        layout.figure_column(text("condition.middle"), lambda one: f"{one.middle:.2f}"),
    ]
    return layout.table(columns, made.factors[:MOST])


def _pairs(made: Diagnostics, text: Text) -> Iterator[str]:
    for one in made.pairs:
        yield text(
            "condition.pair",
            first=text.pick(one.first, one.first_zh),
            second=text.pick(one.second, one.second_zh),
            correlation=f"{one.correlation:+.2f}",
        )


def _structures(made: Diagnostics, text: Text) -> Iterator[str]:
    for one in made.structures:
        yield text(
            "condition.structure",
            name=text.pick(one.factor, one.factor_zh),
            value=f"{one.value:g}",
            prior=f"{one.prior:.0%}",
            conditioned=f"{one.conditioned:.1%}",
        )


def _targets(made: Diagnostics, text: Text) -> layout.Grid:
    """Lay out the shares of members that meet targets: prior, conditioned, by structure."""

    def of_structure(index: int) -> Callable[[TargetShift], str]:
        def cell(one: TargetShift) -> str:
            share = one.structures[index]
            return "–" if math.isnan(share) else f"{share:.2f}"

        return cell

    columns = [
        layout.text_column(
            text("condition.target"), lambda one: f"{one.target.id} {text.name(one.target)}"
        ),
        layout.figure_column(text("condition.prior"), lambda one: f"{one.prior:.2f}"),
        layout.figure_column(text("condition.conditioned"), lambda one: f"{one.conditioned:.2f}"),
        *(
            layout.figure_column(
                f"{text.pick(one.factor, one.factor_zh)} {one.value:g}", of_structure(i)
            )
            for i, one in enumerate(made.structures)
        ),
        layout.text_column("", lambda one: "" if one.moved else text("condition.unmoved")),
    ]
    return layout.table(columns, made.targets)
