"""Charts that a spreadsheet program draws by itself from the cells of a sheet, with bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plansim.output.figures.canvas import INK
from plansim.output.report.document import Curve, Panel

__all__ = ["WIDE_HIGH", "native_chart"]

WIDE_HIGH = 400, 240
"""Of a chart, in pixels."""
CLEAR = 75
"""How transparent a band is, in per cent."""
MOST_AREAS = 2
"""Bands that are drawn as areas: one stack belongs to each of the two axes there are."""
STEPS = 5
"""Between the ends of an axis, about."""


def native_chart(
    book: Any, sheet: str, panel: Panel, rows: int, columns: Sequence[int], hues: Sequence[str],
    band_name: str,
) -> Any:  # fmt: skip
    """Make a chart of what stands in a sheet: a line a scenario, a mark a target, a band a sweep.

    ``rows`` is the row of the sheet at which the table begins that the panel speaks of, ``columns``
    are those of its years, ``band_name`` says what a band holds, with ``{scenario}`` in it. A band
    where years follow one another is an area; else a bar stands at each year that is kept.
    """
    drawn = _Drawn(book, sheet, rows, columns, hues, band_name)
    banded = [each for each in panel.curves if each.band]
    areas = [each for each in banded if _is_whole(each)]
    if len(areas) > MOST_AREAS or len(areas) < len(banded):
        areas = []
    bars = [each for each in banded if each not in areas]
    lines = book.add_chart({"type": "line"})
    for place, curve in enumerate(panel.curves):
        drawn.line(lines, curve, place)
    for place, curve in enumerate(panel.curves):
        if curve in bars:
            drawn.bars(lines, curve, place)
    chart = lines
    hidden: list[int] = []
    if areas:
        chart = book.add_chart({"type": "area", "subtype": "stacked"})
        for axis, curve in enumerate(areas):
            hidden += [2 * axis, 2 * axis + 1]
            drawn.area(chart, curve, panel.curves.index(curve), second=axis == 1)
        chart.combine(lines)
    _lay_out(chart, panel, second=len(areas) == MOST_AREAS, fixed=bool(banded))
    # The legend names the lines; what bands hold is said once, in the caption.
    first = 2 * len(areas) + len(panel.curves)
    hidden += range(first, first + len(bars))
    chart.set_legend({"position": "bottom", "font": {"size": 8}, "delete_series": hidden})
    return chart


def _is_whole(curve: Curve) -> bool:
    years = sorted(curve.band)
    return len(years) > 1 and years[-1] - years[0] == len(years) - 1


class _Drawn:
    """Adds series to charts."""

    def __init__(
        self, book: Any, sheet: str, rows: int, columns: Sequence[int], hues: Sequence[str],
        band_name: str,
    ) -> None:  # fmt: skip
        self._sheet, self._rows, self._columns = sheet, rows, columns
        self._hues, self._band_name = hues, band_name

    def _cells(self, row: int) -> list[Any]:
        return [self._sheet, row, self._columns[0], row, self._columns[-1]]

    def _series(self, name: str, row: int) -> dict[str, Any]:
        return {
            "name": name,
            "categories": self._cells(self._rows - 1),
            "values": self._cells(self._rows + row),
        }

    def _hue(self, place: int) -> str:
        return self._hues[place % len(self._hues)]

    def line(self, chart: Any, curve: Curve, place: int) -> None:
        series = self._series(curve.name, curve.row)
        if curve.target:
            look = {"color": INK}
            series["line"] = {"none": True}
            series["marker"] = {"type": "diamond", "size": 7, "fill": look, "border": look}
        else:
            # Dashes tell lines apart where colours are not seen.
            dash = ("solid", "dash", "square_dot", "long_dash")[place % 4]
            series["line"] = {"color": self._hue(place), "width": 2, "dash_type": dash}
        chart.add_series(series)

    def bars(self, chart: Any, curve: Curve, place: int) -> None:
        """Stand a bar on the lower end of the band in each year that is kept."""
        low, _, between = curve.band_rows
        cells = self._cells(self._rows + between)
        chart.add_series(
            self._series(self._band_name.format(scenario=curve.name), low)
            | {
                "line": {"none": True},
                "y_error_bars": {
                    "type": "custom",
                    "direction": "plus",
                    "end_style": 0,
                    "plus_values": _range(cells),
                    "minus_values": [0],
                    "line": {"color": self._hue(place), "width": 7 if place == 0 else 3},
                },
            }
        )

    def area(self, chart: Any, curve: Curve, place: int, *, second: bool) -> None:
        """Stack the width of the band on its lower end, which is not seen."""
        low, _, between = curve.band_rows
        name = self._band_name.format(scenario=curve.name)
        axis = {"y2_axis": True} if second else {}
        nothing = {"fill": {"none": True}, "border": {"none": True}}
        fill = {"color": self._hue(place), "transparency": CLEAR}
        seen = {"fill": fill, "border": {"none": True}}
        chart.add_series(self._series(name, low) | nothing | axis)
        chart.add_series(self._series(name, between) | seen | axis)


def _range(cells: Sequence[Any]) -> str:
    from xlsxwriter.utility import quote_sheetname, xl_range_abs

    sheet, first_row, first, last_row, last = cells
    return f"={quote_sheetname(sheet)}!{xl_range_abs(first_row, first, last_row, last)}"


def _lay_out(chart: Any, panel: Panel, *, second: bool, fixed: bool) -> None:
    values = [value for curve in panel.curves for value in curve.values.values()]
    values += [end for curve in panel.curves for ends in curve.band.values() for end in ends]
    axis: dict[str, Any] = {"major_gridlines": {"visible": True, "line": {"color": "#E4E4E4"}},
                            "line": {"none": True}, "num_font": {"size": 8}}  # fmt: skip
    if values:
        near = min(values) > 0 and max(values) < 2 * min(values)
        low, high, step = scale_of(values if near else [*values, 0.0])
        if fixed or near:
            axis |= {"min": low, "major_unit": step}
        if fixed:  # both axes must go the same way
            axis["max"] = high
    chart.set_title({"name": f"{panel.title} ({panel.unit})", "overlay": False,
                     "name_font": {"size": 10, "bold": True}})  # fmt: skip
    chart.set_y_axis(axis)
    if second:
        # Not to be seen, but there: without it the second stack would stand on the first.
        unseen = {"label_position": "none", "major_tick_mark": "none", "line": {"none": True}}
        chart.set_y2_axis(axis | unseen | {"major_gridlines": {"visible": False}})
    chart.set_x_axis({"num_font": {"size": 8}, "interval_unit": 5, "interval_tick": 5,
                      "position_axis": "on_tick", "label_position": "low"})  # fmt: skip
    wide, high_ = WIDE_HIGH
    chart.set_size({"width": wide, "height": high_})
    chart.show_blanks_as("gap")


def scale_of(values: Sequence[float]) -> tuple[float, float, float]:
    """Give round numbers between which all values lie, and the step between two on the axis.

    >>> scale_of([352.0, 374.0]), scale_of([0.41, 0.66]), scale_of([0.0, 1234.0])
    ((350.0, 375.0, 5.0), (0.4, 0.7, 0.05), (0.0, 1250.0, 250.0))
    """
    low, high = min(values), max(values)
    rough = (high - low) / STEPS or abs(low) or 1.0
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1, 2, 2.5, 5, 10) if unit * each >= rough * 0.999)
    ends = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return round(ends[0], 10), round(ends[1], 10), round(step, 10)
