"""Charts that a spreadsheet program draws by itself from the cells of a sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plansim.output.figures.canvas import INK
from plansim.output.report.document import Curve, Panel

__all__ = ["HIGH", "WIDE", "Cells", "native_chart"]

WIDE, HIGH = 400, 240
"""Size of a chart, in pixels."""
STEPS = 5
"""About how many steps an axis has."""
DASHES = ("solid", "dash", "square_dot", "long_dash")
"""Tell lines apart where colours are not seen."""


@dataclass(frozen=True)
class Cells:
    """Where the table of a chart stands in a workbook."""

    sheet: str
    row: int
    """The sheet's row of the table's first row; the heads with the years stand above it."""
    columns: Sequence[int]
    """The sheet's columns of the years."""

    def of(self, row: int) -> list[Any]:
        """Return the cells of all years in a row of the table, as XlsxWriter reads them."""
        row += self.row
        return [self.sheet, row, self.columns[0], row, self.columns[-1]]


def native_chart(book: Any, cells: Cells, panel: Panel, hues: Sequence[str]) -> Any:
    """Return a chart of rows of a table: scenarios as lines, targets as marks, bands as bars."""
    chart = book.add_chart({"type": "line"})
    banded = [(index, curve) for index, curve in enumerate(panel.curves) if curve.band]
    for index, curve in enumerate(panel.curves):
        chart.add_series(_series(cells, curve.name, curve.row) | _look(curve, index, hues))
    for index, curve in banded:
        chart.add_series(
            _series(cells, curve.name, curve.band_low)
            | {
                "line": {"none": True},
                "y_error_bars": _bar(cells.of(curve.band_width), index, hues),
            }
        )
    _lay_out(chart, panel, fixed=bool(banded))
    # The legend names the lines; what bars hold is said once, in the caption.
    hidden = [len(panel.curves) + number for number in range(len(banded))]
    chart.set_legend({"position": "bottom", "font": {"size": 8}, "delete_series": hidden})
    return chart


def _series(cells: Cells, name: str, row: int) -> dict[str, Any]:
    return {"name": name, "categories": cells.of(-1), "values": cells.of(row)}


def _look(curve: Curve, index: int, hues: Sequence[str]) -> dict[str, Any]:
    if curve.target:
        ink = {"color": INK}
        marker = {"type": "diamond", "size": 7, "fill": ink, "border": ink}
        return {"line": {"none": True}, "marker": marker}
    dash = DASHES[index % len(DASHES)]
    return {"line": {"color": hues[index % len(hues)], "width": 2, "dash_type": dash}}


def _bar(widths: Sequence[Any], index: int, hues: Sequence[str]) -> dict[str, Any]:
    """Return bars between the ends of a band, broader for the first scenario."""
    from xlsxwriter.utility import quote_sheetname, xl_range_abs

    sheet, first_row, first, last_row, last = widths
    span = f"={quote_sheetname(sheet)}!{xl_range_abs(first_row, first, last_row, last)}"
    line = {"color": hues[index % len(hues)], "width": 3 if index else 7, "transparency": 60}
    return {
        "type": "custom",
        "direction": "plus",
        "end_style": 0,
        "plus_values": span,
        "minus_values": [0],
        "line": line,
    }


def _lay_out(chart: Any, panel: Panel, *, fixed: bool) -> None:
    values = [value for curve in panel.curves for value in curve.values.values()]
    values += [end for curve in panel.curves for ends in curve.band.values() for end in ends]
    axis: dict[str, Any] = {"major_gridlines": {"visible": True, "line": {"color": "#E4E4E4"}},
                            "line": {"none": True}, "num_font": {"size": 8}}  # fmt: skip
    if values:
        near = min(values) > 0 and max(values) < 2 * min(values)
        low, high, step = scale_of(values if near else [*values, 0.0])
        if fixed or near:
            axis |= {"min": low, "major_unit": step}
        if fixed:
            axis["max"] = high
    chart.set_title({"name": f"{panel.title} ({panel.unit})", "overlay": False,
                     "name_font": {"size": 10, "bold": True}})  # fmt: skip
    chart.set_y_axis(axis)
    chart.set_x_axis({"num_font": {"size": 8}, "interval_unit": 5, "interval_tick": 5,
                      "position_axis": "on_tick", "label_position": "low"})  # fmt: skip
    chart.set_size({"width": WIDE, "height": HIGH})
    chart.show_blanks_as("gap")


def scale_of(values: Sequence[float]) -> tuple[float, float, float]:
    """Return round numbers between which all values lie, and the step between two on the axis.

    >>> scale_of([352.0, 374.0]), scale_of([0.41, 0.66]), scale_of([0.0, 1234.0])
    ((350.0, 375.0, 5.0), (0.4, 0.7, 0.05), (0.0, 1250.0, 250.0))
    """
    low, high = min(values), max(values)
    rough = (high - low) / STEPS or abs(low) or 1.0
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * size for size in (1, 2, 2.5, 5, 10) if unit * size >= rough * 0.999)
    ends = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return round(ends[0], 10), round(ends[1], 10), round(step, 10)
