"""The page on the tests of a model and their results (docs/results/validation.md)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from plansim.analysis.ensemble import ensemble_fits
from plansim.analysis.sensitivity.unknowns import DecidedTarget, deciding_unknowns
from plansim.analysis.validation.context import ValidationContext, verdicts
from plansim.analysis.validation.history import history_series
from plansim.analysis.validation.result import Case, Result, ValidationOutcome
from plansim.files.forms import Words
from plansim.files.writing import check_destination, write_text
from plansim.model.records import Model
from plansim.output.describe import constants_name
from plansim.output.tables.model import (
    case_text,
    criterion_text,
    effect_rows,
    figure_text,
    result_mark,
    title_text,
)
from plansim.output.words.text import Lang, Text, decimals_for, figure, read_text
from plansim.targets.judging import Verdicts
from plansim.targets.target import Target

__all__ = [
    "HISTORY_PICTURE",
    "Report",
    "check_report",
    "collect_report",
    "validation_page",
    "validation_report",
]

PICTURES = "pictures"
"""The folder of the pictures, beside the page."""

HISTORY_PICTURE = "validation-history.png"
MOST_DRIVERS = 3
FEWEST_SIGNS = 5
"""Number of reality checks that are shown: those that hold in the fewest draws."""


@dataclass(frozen=True)
class Report:
    """What the page is about."""

    model: Model
    version: str
    results: tuple[Result, ...]
    verdicts: tuple[tuple[Target, Verdicts], ...] = ()
    """Of the baseline on each binding target."""
    decided: tuple[DecidedTarget, ...] = ()
    """The unknowns that decide these over the ensemble; none without one."""
    reasons: Mapping[str, Words] = field(default_factory=dict)
    """Why a test fails and what would be needed, by its id."""


def check_report(path: Path, *, force: bool = False) -> None:
    """See, before any test, that the page and its pictures can be written.

    Raises:
        OutputError: as for `check_destination`.
    """
    check_destination(path, force=force, formats=(".md",))
    folder = path.parent / PICTURES
    if folder.is_dir():
        check_destination(folder / HISTORY_PICTURE, force=force, formats=(".png",))


def validation_report(
    context: ValidationContext,
    results: Sequence[Result],
    path: str | Path,
    *,
    lang: str = Lang.EN,
    force: bool = False,
) -> None:
    """Write the page on all tests of a model, FILE.md, with its pictures in a folder beside it.

    Raises:
        OutputError: as for `check_report`, or the system refuses to write.

    >>> context = plansim.load_context(plansim.load_model("lake.mdl"), "stories")
    >>> results = plansim.validate(context, ["Q02"])
    >>> plansim.validation_report(context, results, "tests.md", force=True)
    """
    from plansim.output.figures.canvas import save_figure
    from plansim.output.figures.kinds import history_sheet

    path, text = Path(path), read_text(Lang(lang))
    check_report(path, force=force)
    tested = collect_report(context, results)
    folder = path.parent / PICTURES
    folder.mkdir(exist_ok=True)
    history = history_sheet(history_series(context), text)
    save_figure(history, folder / HISTORY_PICTURE, force=True)
    write_text(validation_page(tested, PICTURES, text), path, force=True)


def collect_report(context: ValidationContext, results: Sequence[Result]) -> Report:
    """Return what the page is about."""
    model, baseline = context.model, context.baseline
    runs, fits = context.runs[baseline.id], ensemble_fits(context.model)
    return Report(
        model,
        version("plansim"),
        tuple(results),
        tuple((target, verdicts(runs, target, baseline)) for target in context.binding),
        deciding_unknowns(model, baseline, targets=context.binding) if fits else (),
        context.checks.reasons,
    )


def validation_page(tested: Report, pictures: str, text: Text) -> str:
    """Return the page as Markdown; ``pictures`` is the folder of its pictures in its links."""
    by_id = {made.id: made for made in tested.results}
    parts: list[str] = [
        f"# {text('validation_page.title')}",
        text("validation_page.intro"),
        f"## {text('validation_page.fails')}",
        *_failures(tested, text),
        f"## {text('validation_page.summary')}",
        text(
            "validation_page.card",
            name=tested.model.path.name,
            sha=tested.model.sha256[:16],
            version=tested.version,
            method=text.word("integration", tested.model.time.integration),
            step=tested.model.time.step,
        ),
        _summary(tested.results, text),
    ]
    if history := by_id.get("Q15"):
        parts += [
            f"## {text('validation_page.past')}",
            text("validation_page.past_text"),
            f"![{text('validation_page.past_picture')}]({pictures}/{HISTORY_PICTURE})",
            _history(history, text),
        ]
    parts += [
        f"## {text('validation_page.hangs')}",
        text("validation_page.hangs_text"),
        _targets(tested, by_id, text),
    ]
    head, rows = effect_rows(by_id["Q26"], text) if "Q26" in by_id else ([], [])
    if rows:
        table = _table(f"| {' | '.join(head)} |", rows)
        parts += [f"## {text('validation_page.effects')}", f"{text('validation.effects')}.", table]
    for test, title, explanation in (
        ("Q20", "validation_page.rank", "validation_page.rank_text"),
        ("Q14", "validation_page.loops", "validation_page.loops_text"),
    ):
        if (made := by_id.get(test)) and made.figures:
            parts += [f"## {text(title)}", text(explanation), _cases(made.cases, text)]
    if checks := by_id.get("Q13"):
        parts += [f"## {text('validation_page.signs')}", *_reality_checks(checks, text)]
    parts += [
        f"## {text('validation_page.demands')}",
        _items(
            f"**{made.id}** {title_text(made, text)}: {criterion_text(made, text)}."
            for made in tested.results
        ),
        f"## {text('validation_page.limits')}",
        text("validation_page.limits_text"),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _summary(results: Sequence[Result], text: Text) -> str:
    rows = [
        (result_mark(made), made.id, title_text(made, text), figure_text(made, text))
        for made in results
    ]
    counted = Counter(made.status for made in results)
    count = text(
        "validation_page.count",
        passed=counted[ValidationOutcome.PASS],
        failed=counted[ValidationOutcome.FAIL],
        left=counted[ValidationOutcome.NOT_APPLICABLE],
    )
    return f"{count}\n\n{_table(text('validation_page.head'), rows)}"


def _failures(tested: Report, text: Text) -> Iterator[str]:
    failing = [made for made in tested.results if made.status is ValidationOutcome.FAIL]
    if not failing:
        yield text("validation_page.nothing_fails")
    for made in failing:
        criterion = text("validation_page.asked", criterion=criterion_text(made, text))
        yield f"**{made.id}. {title_text(made, text)}.** {criterion}"
        yield _cases(made.faults, text)
        if reason := tested.reasons.get(made.id):
            yield text.pick(reason.en, reason.zh)


def _history(made: Result, text: Text) -> str:
    rows = [
        (
            text.name(case),
            str(case.values["years"]),
            f"{case.values['simulated']} {text.unit(str(case.values['unit']))}",
            str(case.values["observed"]),
            f"{_percent(case['mape'])} {'' if case.holds else '✗'}",
            f"{_percent(case['mape_low'])} – {_percent(case['mape_high'])}",
            *(_plain(case[name], 2) for name in ("rmse", "r2", "um", "us", "uc")),
        )
        for case in made.cases
        if case.message in ("series", "series_shown")
    ]
    return _table(text("validation_page.past_head"), rows)


def _targets(tested: Report, by_id: Mapping[str, Result], text: Text) -> str:
    probability = _by_subject(by_id.get("Q19"), "probability")
    drivers = _by_subject(by_id.get("Q18"), "drivers")
    decided = {one.target: _decided_by(one, tested.model, text) for one in tested.decided}
    rows = []
    for target, judged in tested.verdicts:
        assert target.value is not None
        reached = float(judged.value[0])
        decimals = max(decimals_for(target.value, reached, target.tolerance or 0.0), 1)
        value = f"{figure(reached, decimals)} {text.unit(target.unit)}"
        met, main = "–", "–"
        if case := probability.get(target.id):
            met = f"{_percent(case['met'])} ± {_percent(case['error'])}"
        if case := drivers.get(target.id):
            main = "; ".join(str(case.values["drivers"]).split("; ")[:MOST_DRIVERS])
        name, status = text.name(target), judged.status_of()
        outcome = f"{text.word('status', status)} {value}"
        rows.append((target.id, name, outcome, met, decided.get(target.id, "–"), main))
    return _table(text("validation_page.hangs_head"), rows)


def _decided_by(decided: DecidedTarget, model: Model, text: Text) -> str:
    """Return the unknowns that decide a target, each with the shares in its two halves."""
    named = (
        f"{constants_name(unknown.constants, model, text) or unknown.name} "
        f"{100 * unknown.share_low:.0f} … {100 * unknown.share_high:.0f}"
        for unknown in decided.unknowns
    )
    return "; ".join(named) or "–"


def _reality_checks(made: Result, text: Text) -> Iterator[str]:
    shares = [case for case in made.cases if case.message == "sign_share"]
    if shares:
        yield text("validation_page.signs_text", draws=shares[0].values["draws"])
        yield _cases(sorted(shares, key=lambda case: case["share"])[:FEWEST_SIGNS], text)


def _by_subject(made: Result | None, message: str) -> dict[str, Case]:
    cases = () if made is None else made.cases
    return {case.subject: case for case in cases if case.message == message}


def _cases(cases: Iterable[Case], text: Text) -> str:
    return _items(case_text(case, text) for case in cases)


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    rule = "|" + " --- |" * (head.count("|") - 1)
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([head, rule, *body])


def _percent(value: float) -> str:
    return _plain(value * 100, 1) + " %"


def _plain(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else "–"
