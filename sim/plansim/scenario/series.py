"""A yearly series in a CSV file: a header, a column of years, and columns of values."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

from plansim.errors import Fault, Message, ScenarioError, foreign, nearest
from plansim.forms import MAX_BYTES, Form, YamlDocument
from plansim.model.records import folded

__all__ = ["SeriesFile", "read_series"]

YEARS = ("year", "time", "年份", "年")
"""Headers of the column of years; without any of them it is the first column."""


class SeriesFile(Form):
    """A column of a CSV file, whose path is relative to the scenario file."""

    file: str
    column: str


def read_series(series: SeriesFile, folder: Path) -> tuple[dict[str, str], YamlDocument]:
    """Return the values of a column by year, as the file has them, and a document for their lines.

    Raises:
        ScenarioError: the file cannot be read, or has no such column.
    """
    path = folder / series.file
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        reason = foreign(getattr(error, "strerror", None) or error)
        message = Message("the file cannot be read: {why}", why=reason)
        raise ScenarioError(Fault(message, at=("series", "file"), found=series.file)) from None
    try:
        if len(raw) > MAX_BYTES:
            raise csv.Error(f"{len(raw)} bytes")
        reader = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        names = [name.strip() for name in next(reader, [])]
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except (csv.Error, UnicodeDecodeError) as error:
        fault = Fault("the table is not a CSV file", path, found=foreign(error))
        raise ScenarioError(fault) from None
    headers = [folded(name) for name in names]
    if folded(series.column) not in headers:
        fault = Fault(
            "the table has no column '{name}'",
            at=("series", "column"),
            expected=Message("one of {names}", names=tuple(names)),
            nearest=nearest(series.column, names),
            name=series.column,
        )
        raise ScenarioError(fault)
    column = headers.index(folded(series.column))
    years = next((headers.index(name) for name in YEARS if name in headers), 0)
    cells: dict[str, str] = {}
    lines: dict[tuple[str | int, ...], int] = {(): 1}
    faults = []
    for line, row in rows:
        if len(row) != len(names):
            expected = Message("{count} cells", count=len(names))
            faults.append(Fault("a row of another length", path, line, expected, str(len(row))))
            continue
        year = row[years].strip()
        if year in cells:
            found = Message("a first one on line {line}", line=lines[year,])
            faults.append(Fault("the year {year} stands twice", path, line, found=found, year=year))
        cells[year], lines[year,] = row[column].strip(), line
    if faults:
        raise ScenarioError(faults)
    sha256 = hashlib.sha256(raw).hexdigest()
    return cells, YamlDocument(str(path), sha256, None, lines, ())
