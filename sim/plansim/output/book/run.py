"""The run that a documentation shows: its card, what its scenario changes, each variable's course.

The card is the one that every result carries; here its entries get names in the reader's language.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from plansim.analysis.feedback.polarity import SignedRun
from plansim.model.records import Model, Variable
from plansim.output.describe import changes_head, changes_in_short
from plansim.output.series import rows_of
from plansim.output.words.text import Text, decimals_of, figure
from plansim.targets.annual import Annual
from plansim.targets.target import Kind, Target

__all__ = ["Course", "card_rows", "course_of", "run_facts", "years_shown"]

WIDTH, HEIGHT, EDGE = 120, 28, 3
"""Of the little picture of a course, in pixels; lines keep the edge free."""
MOST = 12
"""Elements of an array whose lines are drawn: more would be a blot."""


@dataclass(frozen=True)
class Course:
    """What became of a variable."""

    svg: str
    words: str
    """Its values in some years; of an array the lowest and highest of its elements."""


def card_rows(run: SignedRun, text: Text) -> list[tuple[str, str]]:
    """Write the run card: what has to be the same for the same numbers to come out."""
    title = text.pick(run.scenario.title_en, run.scenario.title_zh)
    card = {key: words for key, words in run.years.card.items() if "title" not in key}
    time = run.scenario.time
    rows = []
    for key, words in card.items():
        shown = text.join(list(map(str, json.loads(words)))) if words.startswith("[") else words
        if key == "scenario" and title:
            shown += text("list_sep.colon") + title
        rows.append((text.word("run_card", key), shown))
        if key == "time_step":
            span = f"{time.initial:g}–{time.final:g}"
            rows.append((text("run_card.time"), span))
            rows.append((text("run_card.saveper"), f"{time.saveper:g}"))
            rows.append((text("run_card.seed"), text("run_card.no_seed")))
    return [(label, shown) for label, shown in rows if shown]


def run_facts(run: SignedRun, model: Model, text: Text) -> dict[str, object]:
    """Say what the scenario of a run is and sets."""
    scenario = run.scenario
    colon = text("list_sep.colon")
    return {
        "about": text.pick(scenario.description_en, scenario.description_zh),
        "head": changes_head(scenario, text),
        "changes": changes_in_short(scenario, model, text),
        "assumes": [
            f"{key}{colon}{text.pick(reason.en, reason.zh)}"
            for key, reason in scenario.assumed.items()
        ],
        "sources": [text.pick(source.en, source.zh) for source in scenario.sources],
        "warnings": list(map(str, scenario.warnings)),
    }


def years_shown(run: Annual, targets: Iterable[Target]) -> tuple[int, ...]:
    """Choose the years whose values are told: the first, those that the plan judges, the last."""
    judged = {
        target.year for target in targets if target.kind is Kind.TARGET and target.year is not None
    }
    first, last = run.years[0], run.years[-1]
    inner = sorted(year for year in judged if first < year < last)
    return tuple(dict.fromkeys((first, *inner, last)))


def course_of(variable: Variable, run: Annual, years: Sequence[int], text: Text) -> Course | None:
    """Draw what became of a variable, and tell it in some years; None if it stands still."""
    result = run.variables.get(variable.name)
    if result is None or not result.moves:
        return None
    rows = [row.values for row in rows_of(run, [variable.name])]
    spans = list(_spans(rows, years))
    if not spans:
        return None
    decimals = decimals_of([value for _, span in spans for value in span])
    words = [
        f"{year}{text('list_sep.colon')}" + "–".join(_ends(span, decimals)) for year, span in spans
    ]
    return Course(_svg(rows, run.years), " → ".join(words))


def _spans(
    rows: Sequence[Mapping[int, float]], years: Iterable[int]
) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield the lowest and the highest value in some years; the last may have to be an earlier one.

    The end of a run's last year may lie beyond it, and then no stock has a value there.
    """
    known = [year for year in rows[0] if not all(math.isnan(row[year]) for row in rows)]
    wanted = dict.fromkeys([*(year for year in years if year in known), *known[-1:]])
    for year in sorted(wanted):
        values = [row[year] for row in rows if not math.isnan(row[year])]
        yield year, (min(values), max(values))


def _ends(span: tuple[float, float], decimals: int) -> list[str]:
    return list(dict.fromkeys(figure(value, decimals) for value in span))


def _svg(rows: Sequence[Mapping[int, float]], years: Sequence[int]) -> str:
    """Draw a line for each row on one scale; a level course runs through the middle."""
    drawn = rows if len(rows) <= MOST else ()
    known = [value for row in rows for value in row.values() if not math.isnan(value)]
    low, high = min(known), max(known)

    def height(value: float) -> float:
        part = 0.5 if high == low else (value - low) / (high - low)
        return HEIGHT - EDGE - part * (HEIGHT - 2 * EDGE)

    across = (WIDTH - 2 * EDGE) / max(len(years) - 1, 1)
    lines = []
    for row in drawn:
        points = [
            f"{EDGE + index * across:.0f},{height(row[year]):.1f}"
            for index, year in enumerate(years)
            if not math.isnan(row[year])
        ]
        lines.append(f'<polyline points="{" ".join(points)}"/>')
    if not lines:
        return ""
    return (
        f'<svg class="course" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'aria-hidden="true">{"".join(lines)}</svg>'
    )
