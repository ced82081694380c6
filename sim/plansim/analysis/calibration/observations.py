"""Tables of observations as data for a fit: a row, its line, and whether it may be used.

A figure later than the model's own start is *context*: it may be compared with, never fitted to. So
is a row whose column ``use`` has any value but *calibration*. Assumptions and targets of a plan are
no observations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.errors import Fault, Message
from plansim.files.csv_table import read_csv

__all__ = [
    "EVIDENCE",
    "OBSERVATIONS",
    "ObservationRow",
    "ObservationTable",
    "datum",
    "read_table",
    "why_not",
]

OBSERVATIONS = "observations.csv"
EVIDENCE = "evidence.csv"
"""Files beside a model: its observations, and figures with an id."""

USABLE = "calibration"
ASSUMED = "assumption"
_COLUMNS = ("place", "quantity", "source", "unit", "value", "year")


@dataclass(frozen=True)
class ObservationRow:
    """A row of a table; all cells are texts."""

    file: Path
    line: int
    cells: Mapping[str, str]

    def __str__(self) -> str:
        names = ("place", "quantity", "part", "year")
        return ", ".join(cell for name in names if (cell := self.cells.get(name)))


@dataclass(frozen=True)
class ObservationTable:
    """A table of figures."""

    path: Path
    sha256: str
    rows: tuple[ObservationRow, ...]

    def find(self, wanted: Mapping[str, str]) -> list[ObservationRow]:
        """Return the rows whose cells in the named columns have the wanted texts."""
        return [
            row
            for row in self.rows
            if all(_same(row.cells.get(name, ""), text) for name, text in wanted.items())
        ]

    def words(self, column: str) -> list[str]:
        """Return the distinct texts of a column."""
        return list(filter(None, dict.fromkeys(row.cells.get(column, "") for row in self.rows)))


def _same(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()


def read_table(path: Path) -> ObservationTable:
    """Read a CSV table with the columns quantity, place, year, value, unit and source, or more.

    Raises:
        InputError: as `read_csv`.
    """
    table = read_csv(path, _COLUMNS)
    rows = (ObservationRow(path, line, cells) for line, cells in table.records())
    return ObservationTable(path, table.sha256, tuple(rows))


def why_not(row: ObservationRow, last: int, target_ids: Sequence[str] = ()) -> Fault | None:
    """Return the reason why a row is no data for a fit, with its file and line; None if it is.

    Args:
        row: the row.
        last: the last year of which a figure may be used.
        target_ids: ids of the plan's targets, none of which is an observation.
    """
    cells = row.cells
    use, year = cells.get("use", ""), _year(cells["year"])
    found: str | Message
    if use and not _same(use, USABLE):
        reason = Message("the row is not for calibration")
        expected, found = (Message("use: {names}", names=word) for word in (USABLE, use))
    elif cells.get("id", "") in target_ids or cells["quantity"] in target_ids:
        reason = Message("a target of the plan is no observation")
        expected, found = Message("what was observed"), Message("a target")
    elif year is None:
        reason = Message("the row has no year to fit to")
        expected, found = Message("one year"), cells["year"] or Message("nothing")
    elif _number(cells["value"]) is None:
        reason = Message("the row has no value to fit to")
        expected, found = Message("one value"), cells["value"] or Message("nothing")
    elif year > last:
        reason = Message("the row is context, not data for calibration")
        expected, found = Message("a year up to {year}", year=last), str(year)
    elif cells["source"].casefold().startswith(ASSUMED):
        reason = Message("the row is an assumption, not an observation")
        expected, found = Message("an observed figure"), ASSUMED
    else:
        return None
    about = Message("{reason}: {row}", reason=reason, row=str(row))
    return Fault(about, row.file, row.line, expected, found)


def datum(row: ObservationRow) -> tuple[int, float, str]:
    """Return the year, the value and the unit of a row that `why_not` lets pass."""
    year, value = _year(row.cells["year"]), _number(row.cells["value"])
    assert year is not None, row
    assert value is not None, row
    return year, value, row.cells["unit"]


def _year(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
