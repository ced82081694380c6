"""The sections of a report on its themes: charts, and figures by indicator and year."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from plansim.analysis.comparison import Comparison
from plansim.output.marks import Mark, marks_on, scaled_mark, series_in
from plansim.output.report.document import (
    Cell,
    Column,
    Curve,
    Figure,
    Medium,
    Panel,
    Row,
    Section,
    Table,
    Tone,
)
from plansim.output.tables.attribution import signed
from plansim.output.text import Text, decimals_of, figure
from plansim.targets.catalogue import Target, reported_factor
from plansim.targets.indicator import Measure
from plansim.targets.views import Chart, ChartSeries, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
    marks: tuple[Mark, ...]
    """What the plan asks of it; where that follows from a base, from the first scenario's."""


def theme_section(
    comparison: Comparison, theme: Theme, names: Sequence[str], text: Text
) -> Section:
    """Give the section on a theme: its charts as a figure, its indicators as a table."""
    found = [each for chart in theme.charts for each in _indicators(comparison, chart, text)]
    title = text.pick(theme.name_en, theme.name_zh)
    rows, panels = _rows(comparison, found, names, text)
    years = sorted({year for each in found for values in each.values for year in values})
    on_page = _key_years(years, comparison.targets)
    table = Table(
        text("report.theme_table", theme=title),
        (
            Column(text("report.indicator"), width=3.0),
            Column("", width=1.2),
            *(
                Column(
                    str(year),
                    right=True,
                    width=1.25,
                    medium=Medium.BOTH if year in on_page else Medium.BOOK,
                )
                for year in years
            ),
        ),
        tuple(rows),
        text.join(list(names)) + text("list_sep.stop") + text("report.theme_note"),
    )
    banded = comparison.spread is not None and any(
        _bands(comparison, each, place) for each in found for place in range(len(names))
    )
    picture = Figure(
        text("report.theme_figure", theme=title) + (text("report.banded") if banded else ""),
        text("report.theme_alt", names=text.join([each.title for each in found]),
             scenarios=text.join(list(names))),
        lambda: _draw(comparison, found, text),
        tuple(panels),
    )  # fmt: skip
    return Section(title, title, (picture, table))


def _indicators(comparison: Comparison, chart: Chart, text: Text) -> Iterator[_Indicator]:
    for line in chart.lines:
        series = [series_in(run, line.reference) for run in comparison.runs]
        title = text.pick(chart.name_en, chart.name_zh)
        if len(chart.lines) > 1:
            title = text.pick(line.name_en, line.name_zh)
        judged = series_in(comparison.runs[0], line.reference, comparison.targets)
        factor = reported_factor(judged.unit, chart.unit)
        marks = marks_on(comparison.runs[0], line.reference, comparison.targets)
        yield _Indicator(
            line,
            title[:1].upper() + title[1:],
            chart.unit,
            tuple(
                {
                    year: value * line.factor
                    for year, value in each.values.items()
                    if math.isfinite(value)
                }
                for each in series
            ),
            tuple(scaled_mark(mark, factor) for mark in marks),
        )


def _key_years(years: Sequence[int], targets: Sequence[Target]) -> set[int]:
    """Choose the years that stand on a page: the plan's own, then every fifth, and the last."""
    if len(years) <= MOST_YEARS:
        return set(years)
    since = min((each.since for each in targets), default=years[0])
    until = min((each.year for each in targets if each.year is not None), default=years[-1])
    fifth = {year for year in years if year % 5 == 0} | {years[0], years[-1]}
    chosen = fifth | {year for year in years if since <= year <= until}
    return chosen if len(chosen) <= MOST_YEARS else fifth


def _rows(
    comparison: Comparison, found: Sequence[_Indicator], names: Sequence[str], text: Text
) -> tuple[list[Row], list[Panel]]:
    """Give the rows of all indicators, and the charts of what stands in them."""
    years = sorted({year for each in found for values in each.values for year in values})
    rows: list[Row] = []
    panels = []
    for each in found:
        decimals = decimals_of([value for values in each.values for value in values.values()])
        unit = text.unit(each.unit)
        curves = []
        for place, (name, values) in enumerate(zip(names, each.values, strict=True)):
            head = Cell(each.title, (unit,), Tone.STRONG) if place == 0 else Cell()
            row, band = len(rows), _bands(comparison, each, place)
            cells = tuple(_cell(values, year, decimals) for year in years)
            rows.append(Row((head, Cell(name[0]), *cells), joined=bool(place)))
            if place:
                other = f"{name[0]} − {names[0][0]}"
                cells = tuple(_difference(each.values[0], values, y, decimals) for y in years)
                rows.append(Row((Cell(), Cell(other, tone=Tone.FAINT), *cells), joined=True))
            places = len(rows), len(rows) + 1, len(rows) + 2
            rows += _band_rows(band, name[0], years, decimals, text)
            curves.append(Curve(name, values, row=row, band=band, band_rows=places))
        if asked := _asked(each.marks):
            curves.append(
                Curve(text("report.plan"), {y: level for y, (_, level) in asked.items()},
                      target=True, row=len(rows))
            )  # fmt: skip
            cells = tuple(_asked_cell(asked, year, decimals) for year in years)
            label = Cell(text("report.plan"), tone=Tone.DOUBT)
            rows.append(Row((Cell(), label, *cells), joined=True))
        panels.append(Panel(each.title, unit, tuple(curves)))
    return rows, panels


def _band_rows(
    band: Mapping[int, tuple[float, float]],
    name: str,
    years: Sequence[int],
    decimals: int,
    text: Text,
) -> list[Row]:
    """Give the ends of a band and its width, which a workbook draws it from."""
    if not band:
        return []
    lines = {
        "report.band_low": {year: low for year, (low, _) in band.items()},
        "report.band_high": {year: high for year, (_, high) in band.items()},
        "report.band_width": {year: high - low for year, (low, high) in band.items()},
    }
    return [
        Row(
            (
                Cell(),
                Cell(text(key, scenario=name), tone=Tone.FAINT),
                *(
                    # A sign for nothing would be drawn as zero.
                    replace(_cell(values, y, decimals), tone=Tone.FAINT) if y in values else Cell()
                    for y in years
                ),
            ),
            joined=True,
            medium=Medium.BOOK,
        )
        for key, values in lines.items()
    ]


def _cell(values: dict[int, float], year: int, decimals: int) -> Cell:
    value = values.get(year)
    return Cell(figure(value, decimals), number=value, decimals=max(decimals, 0))


def _difference(first: dict[int, float], other: dict[int, float], year: int, decimals: int) -> Cell:
    if year not in first or year not in other:
        return Cell("–", tone=Tone.FAINT)
    size = other[year] - first[year]
    return Cell(signed(size, decimals), tone=Tone.FAINT, number=size, decimals=max(decimals, 0))


def _asked(marks: Sequence[Mark]) -> dict[int, tuple[str, float]]:
    """Give by year the sign and the level that the plan asks for; a level before what implies one.

    Sums and means are asked of several years together and have no cell of their own.
    """
    found: dict[int, tuple[str, float]] = {}
    for mark in sorted(marks, key=lambda each: each.target.measure is not Measure.LEVEL):
        if mark.target.measure in (Measure.SUM, Measure.MEAN):
            continue
        if mark.low is not None and mark.high is not None:
            found.setdefault(mark.year, ("≈", (mark.low + mark.high) / 2))
        elif mark.low is not None:
            found.setdefault(mark.year, ("≥", mark.low))
        elif mark.high is not None:
            found.setdefault(mark.year, ("≤", mark.high))
    return found


def _asked_cell(asked: dict[int, tuple[str, float]], year: int, decimals: int) -> Cell:
    if year not in asked:
        return Cell()
    sign, level = asked[year]
    return Cell(f"{sign} {figure(level, decimals)}", tone=Tone.DOUBT, number=level,
                decimals=max(decimals, 0))  # fmt: skip


# --- the picture ----------------------------------------------------------------------------------


def _draw(comparison: Comparison, found: Sequence[_Indicator], text: Text) -> Drawing:
    """Draw a panel an indicator, with bands where a sweep is given."""
    from plansim.output.figures.canvas import figure_of, style
    from plansim.output.figures.lines import Shown, hues_of, small_multiples

    references = [each.line.reference for each in found]
    axes = small_multiples(
        comparison.runs,
        references,
        comparison.targets,
        shown={each.line.reference: Shown(each.title, each.unit) for each in found},
        lang=text.lang,
    )
    with style():
        hues = hues_of(len(comparison.runs))
        for panel, each in zip(axes, found, strict=True):
            for place, hue in enumerate(hues):
                _draw_bands(panel, _bands(comparison, each, place), hue)
    return figure_of(axes[0])


def _bands(
    comparison: Comparison, indicator: _Indicator, place: int
) -> dict[int, tuple[float, float]]:
    """Give by year between what 90 % of the runs of a sweep lie, if it keeps the series."""
    spread, scenario = comparison.spread, comparison.scenarios[place].id
    if spread is None:
        return {}
    summary, reference = spread.summary, indicator.line.reference
    if scenario not in summary["scenario"] or reference not in summary["output"]:
        return {}
    ours = summary["quantiles"].sel(scenario=scenario, output=reference)
    low, high = (
        ours.sel(quantile=each).to_numpy() * indicator.line.factor for each in (0.05, 0.95)
    )
    years = summary["year"].to_numpy().tolist()
    return {
        int(year): (float(a), float(b))
        for year, a, b in zip(years, low, high, strict=True)
        if math.isfinite(a) and math.isfinite(b)
    }


def _draw_bands(axes: Axes, bands: dict[int, tuple[float, float]], hue: str) -> None:
    """Draw a band where the years follow one another, else a bar at each that is kept."""
    if not bands:
        return
    years = sorted(bands)
    low, high = ([bands[year][end] for year in years] for end in (0, 1))
    if years[-1] - years[0] == len(years) - 1 and len(years) > 1:
        axes.fill_between(years, low, high, color=hue, alpha=0.18, linewidth=0)
    else:
        axes.vlines(years, low, high, color=hue, alpha=0.35, linewidth=5)
