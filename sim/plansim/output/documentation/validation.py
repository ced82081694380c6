"""The page on the tests of a model and their results (docs/results/validation.md)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from plansim.analysis.ensemble import ensemble_fits
from plansim.analysis.sensitivity.unknowns import deciding_unknowns
from plansim.analysis.validation.context import ValidationContext, verdicts
from plansim.analysis.validation.history import history_series
from plansim.analysis.validation.result import Case, Result
from plansim.files.writing import check_destination, write_text
from plansim.output.describe import constants_name
from plansim.output.tables.validation import (
    case_text,
    criterion_text,
    effect_rows,
    figure_text,
    result_mark,
    title_text,
)
from plansim.output.words.text import Lang, Text, decimals_for, figure, read_text
from plansim.targets.verdict import of_hundred

__all__ = ["check_report", "validation_page", "validation_report"]

PICTURE = "pictures/validation-history.png"
"""Path of the picture, from the folder of the page."""
MOST_DRIVERS = 3
FEWEST_SIGNS = 5
"""Number of reality checks that are shown: those that hold in the fewest draws."""


def check_report(path: Path, *, force: bool = False) -> None:
    """See, before any test, that the page and its pictures can be written.

    Raises:
        OutputError: as for `check_destination`.
    """
    check_destination(path, force=force, formats=(".md",))
    if (picture := path.parent / PICTURE).parent.is_dir():
        check_destination(picture, force=force, formats=(".png",))


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
    page, picture = validation_page(context, results, text), path.parent / PICTURE
    picture.parent.mkdir(exist_ok=True)
    save_figure(history_sheet(history_series(context), text), picture, force=True)
    write_text(page, path, force=True)


def validation_page(context: ValidationContext, results: Sequence[Result], text: Text) -> str:
    """Return the page as Markdown, which links to the picture `PICTURE`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    by_id = {made.id: made for made in results}
    summary = [
        (result_mark(made), made.id, title_text(made, text), figure_text(made, text))
        for made in results
    ]
    past = _history(by_id["Q15"], text) if "Q15" in by_id else []
    head, effects = effect_rows(by_id["Q26"], text) if "Q26" in by_id else ([], [])
    signs = _cases(by_id, "Q13", "sign_share")
    environment = Environment(  # Markdown, not HTML
        loader=PackageLoader(__package__), undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("validation.md").render(
        text=text,
        title=lambda made: title_text(made, text),
        criterion=lambda made: criterion_text(made, text),
        sentences=lambda cases: "\n".join(f"- {case_text(case, text)}" for case in cases),
        model=context.model,
        baseline=context.baseline,
        version=version("plansim"),
        reasons=context.checks.reasons,
        results=results,
        by_id=by_id,
        counted=Counter(made.status.value for made in results),
        summary=_table(text("validation_page.head"), summary),
        history=past and _table(text("validation_page.past_head"), past),
        picture=PICTURE,
        targets=_table(text("validation_page.hangs_head"), _targets(context, by_id, text)),
        effects=effects and _table(f"| {' | '.join(head)} |", effects),
        signs=sorted(signs, key=lambda case: case["share"])[:FEWEST_SIGNS],
    )
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"


def _history(made: Result, text: Text) -> list[Sequence[str]]:
    """Return the rows of the table of observed series."""
    return [
        (
            text.name(case),
            str(case.values["years"]),
            f"{case.values['simulated']} {text.unit(str(case.values['unit']))}",
            str(case.values["observed"]),
            f"{_percent(case['mape'])} {'' if case.holds else '✗'}",
            f"{100 * case['most']:.0f} %" if case.message == "series" else "–",
            f"{_percent(case['mape_low'])} – {_percent(case['mape_high'])}",
            *(_plain(case[name], 2) for name in ("rmse", "r2", "um", "us", "uc")),
        )
        for case in made.cases
        if case.message in ("series", "series_shown")
    ]


def _targets(
    context: ValidationContext, by_id: Mapping[str, Result], text: Text
) -> Iterator[Sequence[str]]:
    """Yield for each binding target the verdict of the baseline, and what it depends on."""
    model, baseline = context.model, context.baseline
    probability = {case.subject: case for case in _cases(by_id, "Q19", "probability")}
    drivers = {case.subject: case for case in _cases(by_id, "Q18", "drivers")}
    decided = {}
    if ensemble_fits(model):
        for one in deciding_unknowns(model, baseline, targets=context.binding):
            # Each unknown with the shares in its two halves.
            decided[one.target] = "; ".join(
                f"{constants_name(unknown.constants, model, text) or unknown.name} "
                f"{of_hundred(unknown.share_low)} … {of_hundred(unknown.share_high)}"
                for unknown in one.unknowns
            )
    for target in context.binding:
        assert target.value is not None
        judged = verdicts(context.runs[baseline.id], target, baseline)
        reached = float(judged.value[0])
        decimals = max(decimals_for(target.value, reached, target.tolerance or 0.0), 1)
        status = text.word("status", judged.status_of())
        outcome = f"{status} {figure(reached, decimals)} {text.unit(target.unit)}"
        met, main = "–", "–"
        if case := probability.get(target.id):
            met = f"{_percent(case['met'])} ± {_percent(case['error'])}"
        if case := drivers.get(target.id):
            main = "; ".join(str(case.values["drivers"]).split("; ")[:MOST_DRIVERS])
        name = text.name(target)
        yield target.id, name, outcome, met, decided.get(target.id) or "–", main


def _cases(by_id: Mapping[str, Result], test: str, message: str) -> list[Case]:
    cases = by_id[test].cases if test in by_id else ()
    return [case for case in cases if case.message == message]


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    rule = "|" + " --- |" * (head.count("|") - 1)
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([head, rule, *body])


def _percent(value: float) -> str:
    return _plain(value * 100, 1) + " %"


def _plain(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else "–"
