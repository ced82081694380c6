"""Tables of observations as data for a fit: a row, its line, and whether it may be used.

A figure later than the model's own start is *context*: it may be compared with, never fitted to. So
is a row whose column ``use`` has any value but *calibration*. Assumptions and targets of a plan are
no observations.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.errors import Fault, InputError, Message, foreign

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
_COLUMNS = {"year", "value", "unit", "quantity", "place", "source"}
_MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class ObservationRow:
    """A row of a table; all cells are texts."""

    file: Path
    line: int
    cells: Mapping[str, str]

    def __str__(self) -> str:
        names = ("place", "quantity", "part", "year")
        return ", ".join(each for name in names if (each := self.cells.get(name)))


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
        return [
            cell for cell in dict.fromkeys(row.cells.get(column, "") for row in self.rows) if cell
        ]


def _same(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()


def read_table(path: Path) -> ObservationTable:
    """Read a CSV table with the columns quantity, place, year, value, unit and source, or more.

    Raises:
        InputError: the table cannot be read, or lacks a column.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
        if len(raw) > _MOST_BYTES:
            raise InputError(
                Fault("the table is larger than {limit} MB", path, limit=_MOST_BYTES // 1000000)
            )
        reader = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        missing = sorted(_COLUMNS - set(reader.fieldnames or ()))
        rows = tuple(_rows(reader, path)) if not missing else ()
    except OSError as error:
        raise InputError(
            Fault("the table of data cannot be read", path, found=foreign(error.strerror))
        ) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(Fault("not a table of data", path, found=str(error))) from None
    if missing:
        raise InputError(
            Fault(
                "the table of data lacks a column",
                path,
                1,
                expected=Message("{columns}", columns=tuple(sorted(_COLUMNS))),
                found=Message("no {names}", names=tuple(missing)),
            )
        )
    return ObservationTable(path, hashlib.sha256(raw).hexdigest(), rows)


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[ObservationRow]:
    before = reader.line_num
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        # A row begins on the line after the last one's end; blank lines are passed over.
        first = max(before + 1, reader.line_num - sum(str(v).count("\n") for v in cells.values()))
        before = reader.line_num
        yield ObservationRow(
            path, first, {k: (v or "").strip() for k, v in cells.items() if isinstance(k, str)}
        )


def why_not(row: ObservationRow, last: int, target_ids: Sequence[str] = ()) -> Fault | None:
    """Return the reason why a row is no data for a fit, with its file and line; None if it is.

    Args:
        row: the row.
        last: the last year of which a figure may be used.
        target_ids: ids of the plan's targets, none of which is an observation.
    """

    def no(reason: Message, expected: Message, found: Message | str) -> Fault:
        about = Message("{reason}: {row}", reason=reason, row=str(row))
        return Fault(about, row.file, row.line, expected, found)

    cells = row.cells
    if (use := cells.get("use")) and not _same(use, USABLE):
        return no(
            Message("the row is not for calibration"),
            Message("use: {names}", names=USABLE),
            Message("use: {names}", names=use),
        )
    if cells.get("id", "") in target_ids or cells["quantity"] in target_ids:
        return no(
            Message("a target of the plan is no observation"),
            Message("what was observed"),
            Message("a target"),
        )
    if _year(cells["year"]) is None or _number(cells["value"]) is None:
        if _year(cells["year"]) is None:
            text, reason = cells["year"], Message("the row has no year to fit to")
            return no(reason, Message("one year"), text or Message("nothing"))
        text, reason = cells["value"], Message("the row has no value to fit to")
        return no(reason, Message("one value"), text or Message("nothing"))
    if (year := _year(cells["year"])) is not None and year > last:
        return no(
            Message("the row is context, not data for calibration"),
            Message("a year up to {year}", year=last),
            str(year),
        )
    if cells["source"].casefold().startswith(ASSUMED):
        return no(
            Message("the row is an assumption, not an observation"),
            Message("an observed figure"),
            ASSUMED,
        )
    return None


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
