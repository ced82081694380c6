"""The sections of a report on its themes: charts, and figures by indicator and year."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from plansim.analysis.comparison import Comparison
from plansim.output.report import document as doc
from plansim.output.report.tables import number_cell
from plansim.output.series import Mark, marks_on, scaled_mark, series_in
from plansim.output.words.text import Text, decimals_of, figure, signed
from plansim.targets.indicator import Measure
from plansim.targets.target import Target, reported_factor
from plansim.targets.views import Chart, ChartSeries, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["theme_section"]

MOST_YEARS = 9
"""Columns of years on a page."""


@dataclass(frozen=True)
class _Indicator:
    """A line of a chart of the views, under every scenario."""

    line: ChartSeries
    title: str
    unit: str
    """As the views have it."""
    values: tuple[dict[int, float], ...]
    """By scenario, in the unit."""
    asked: dict[int, tuple[str, float]]
    """By year the sign and the level that the plan asks for."""


def theme_section(
    comparison: Comparison, theme: Theme, names: Sequence[str], text: Text
) -> doc.Section:
    """Return the section on a theme: its charts as a figure, its indicators as a table."""
    indicators = [
        indicator for chart in theme.charts for indicator in _indicators(comparison, chart, text)
    ]
    title, listed = text.name(theme), text.join(names)
    years = sorted({year for indicator in indicators for run in indicator.values for year in run})
    on_page = _key_years(years, comparison.targets)
    rows = [row for indicator in indicators for row in _rows(indicator, names, years, text)]
    columns = [
        doc.TableColumn(text("report.indicator"), width=3.0),
        doc.TableColumn(text("run.unit"), medium=doc.Medium.BOOK),
        doc.TableColumn(text("report.scenario"), width=1.2),
    ]
    columns += [
        doc.TableColumn(str(year), right=True, width=1.25,
               medium=doc.Medium.BOTH if year in on_page else doc.Medium.BOOK)
        for year in years
    ]  # fmt: skip
    note = listed + text("list_sep.stop") + text("report.theme_note")
    table = doc.ReportTable(
        text("report.theme_table", theme=title), tuple(columns), tuple(rows), note
    )
    titles = text.join([indicator.title for indicator in indicators])
    picture = doc.Picture(
        text("report.theme_figure", theme=title),
        text("report.theme_alt", names=titles, scenarios=listed),
        lambda: _draw(comparison, indicators, text),
    )
    return doc.Section(title, title, (picture, table))


def _indicators(comparison: Comparison, chart: Chart, text: Text) -> Iterator[_Indicator]:
    for line in chart.lines:
        called = line if len(chart.lines) > 1 else chart
        title = text.name(called)
        first = comparison.runs[0]
        judged = series_in(first, line.reference, comparison.targets)
        factor = reported_factor(judged.unit, chart.unit)
        # A level that follows from a base is that of the first scenario.
        marks = marks_on(first, line.reference, comparison.targets)
        values = [
            {
                year: value * line.factor
                for year, value in series_in(run, line.reference).values.items()
                if math.isfinite(value)
            }
            for run in comparison.runs
        ]
        yield _Indicator(
            line,
            title[:1].upper() + title[1:],
            chart.unit,
            tuple(values),
            _asked([scaled_mark(mark, factor) for mark in marks]),
        )


def _asked(marks: Sequence[Mark]) -> dict[int, tuple[str, float]]:
    """Return what the plan asks for by year; a level goes before what implies one.

    Sums and means are asked of several years together and have no cell of their own.
    """
    asked: dict[int, tuple[str, float]] = {}
    for mark in sorted(marks, key=lambda mark: mark.target.measure is not Measure.LEVEL):
        if mark.target.measure in (Measure.SUM, Measure.MEAN):
            continue
        if mark.low is not None and mark.high is not None:
            asked.setdefault(mark.year, ("≈", (mark.low + mark.high) / 2))
        elif mark.low is not None:
            asked.setdefault(mark.year, ("≥", mark.low))
        elif mark.high is not None:
            asked.setdefault(mark.year, ("≤", mark.high))
    return asked


def _key_years(years: Sequence[int], targets: Sequence[Target]) -> set[int]:
    """Choose the years that are on a page: the plan's own, then every fifth, and the last."""
    if len(years) <= MOST_YEARS:
        return set(years)
    since = min((target.since for target in targets), default=years[0])
    until = min((target.year for target in targets if target.year is not None), default=years[-1])
    fifth = {year for year in years if year % 5 == 0} | {years[0], years[-1]}
    chosen = fifth | {year for year in years if since <= year <= until}
    return chosen if len(chosen) <= MOST_YEARS else fifth


# --- the table ------------------------------------------------------------------------------------


def _rows(
    indicator: _Indicator, names: Sequence[str], years: Sequence[int], text: Text
) -> Iterator[doc.Row]:
    """Yield the rows of an indicator.

    Of each scenario its figures and their difference to the first one's; last what the plan asks
    for.
    """
    decimals = decimals_of([value for run in indicator.values for value in run.values()])
    unit = doc.Cell(text.unit(indicator.unit), tone=doc.Tone.FAINT)
    head = doc.Cell(indicator.title, (unit.text,), doc.Tone.STRONG)

    def figures(
        values: Mapping[int, float], tone: doc.Tone, write: Callable[[float, int], str] = figure
    ) -> list[doc.Cell]:
        return [
            number_cell(values[year], write(values[year], decimals), tone)
            if year in values
            else doc.Cell("–", tone=tone)
            for year in years
        ]

    first = indicator.values[0]
    for name, values in zip(names, indicator.values, strict=True):
        is_first = values is first
        cells = figures(values, doc.Tone.PLAIN)
        yield doc.Row(
            (head if is_first else doc.Cell(), unit, doc.Cell(name[0]), *cells), not is_first
        )
        if not is_first:
            change = {year: values[year] - first[year] for year in values if year in first}
            label = doc.Cell(f"{name[0]} − {names[0][0]}", tone=doc.Tone.FAINT)
            yield doc.Row((doc.Cell(), unit, label, *figures(change, doc.Tone.FAINT, signed)), True)
    if asked := indicator.asked:
        levels = figures({year: level for year, (_, level) in asked.items()}, doc.Tone.DOUBT)
        cells = [
            replace(cell, text=f"{asked[year][0]} {cell.text}") if year in asked else doc.Cell()
            for year, cell in zip(years, levels, strict=True)
        ]
        yield doc.Row(
            (doc.Cell(), unit, doc.Cell(text("report.plan"), tone=doc.Tone.DOUBT), *cells), True
        )


# --- the picture ----------------------------------------------------------------------------------


def _draw(comparison: Comparison, indicators: Sequence[_Indicator], text: Text) -> Drawing:
    """Draw a panel an indicator."""
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.lines import Shown, small_multiples

    axes = small_multiples(
        comparison.runs,
        [indicator.line.reference for indicator in indicators],
        comparison.targets,
        shown={
            indicator.line.reference: Shown(indicator.title, indicator.unit)
            for indicator in indicators
        },
        lang=text.lang,
    )
    return figure_of(axes[0])
