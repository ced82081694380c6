"""A yearly series in a CSV file: a header, a column of years, and columns of values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from plansim.errors import Fault, InputError, Message, ScenarioError, nearest
from plansim.files.forms import Form
from plansim.files.reading import read_csv
from plansim.files.yaml_document import YamlDocument
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
    try:
        table = read_csv(folder / series.file)
    except InputError as error:
        tables = {path.name for path in folder.glob("*.csv")} - {series.file}
        close = nearest(series.file, sorted(tables))
        raise ScenarioError(
            fault
            if fault.line
            else replace(
                fault,
                message=Message("'{name}': {message}", name=series.file, message=fault.message),
                file=None,
                at=("series", "file"),
                nearest=close,
            )
            for fault in error.faults
        ) from None
    names = table.columns
    headers = [folded(name) for name in names]
    if folded(series.column) not in headers:
        fault = Fault(
            "the table has no column '{name}'",
            at=("series", "column"),
            expected=Message("one of {names}", names=names),
            nearest=nearest(series.column, names),
            name=series.column,
        )
        raise ScenarioError(fault)
    column = headers.index(folded(series.column))
    years = next((headers.index(name) for name in YEARS if name in headers), 0)
    cells: dict[str, str] = {}
    lines: dict[tuple[str | int, ...], int] = {(): 1}
    faults = []
    for line, row in table.rows:
        year = row[years]
        if year in cells:
            found = Message("a first one on line {line}", line=lines[year,])
            fault = Fault(
                "the year {year} is given twice", table.path, line, found=found, year=year
            )
            faults.append(fault)
        cells[year], lines[year,] = row[column], line
    if faults:
        raise ScenarioError(faults)
    return cells, YamlDocument(str(table.path), table.sha256, None, lines, ())
