"""Cells of files: a number, a text with its unit, ``{value, unit}``, or a column of a table."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Discriminator, Tag

from plansim.errors import Fault, InputError, Message, ScenarioError, nearest
from plansim.files.forms import Form, shown
from plansim.files.reading import read_csv
from plansim.files.yaml_document import Location, YamlDocument
from plansim.model.records import folded
from plansim.model.units import NO_UNIT, convert

__all__ = [
    "Cell",
    "Quantity",
    "Scalar",
    "SeriesForm",
    "entry_shape",
    "number_in",
    "outside",
    "range_text",
    "read_series",
]


class Quantity(Form):
    """A number with its unit."""

    value: float
    unit: str


def entry_shape(value: object) -> str:
    """Return the form that an entry is meant to have, so that pydantic reports only its faults."""
    if isinstance(value, str):
        return "<text>"
    if isinstance(value, list):
        return "<list>"
    if isinstance(value, dict):
        return "<quantity>" if {"value", "unit"} & value.keys() else "<mapping>"
    return "<number>"


def _or_quantity(value: object) -> str:
    shape = entry_shape(value)
    return shape if shape in {"<text>", "<number>"} else "<quantity>"


Scalar: TypeAlias = (
    Annotated[float, Tag("<number>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Quantity, Tag("<quantity>")]
)
Cell: TypeAlias = Annotated[Scalar, Discriminator(_or_quantity)]

_NUMBER_AND_UNIT = re.compile(
    r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", re.DOTALL
)
_DECIMAL_COMMA = re.compile(r"\s*([-+]?\d+)\s*[,，]\s*(\d+)")


def number_in(unit_wanted: str, name: str, cell: Cell, at: Location = ()) -> float:
    """Return the number that a cell of the entry ``name`` holds, in the unit that is wanted.

    Raises:
        InputError: the cell is no finite number, or its unit does not convert.
    """
    match cell:
        case str():
            plain = unicodedata.normalize("NFKC", cell).replace("\N{MINUS SIGN}", "-")
            match = _NUMBER_AND_UNIT.fullmatch(plain)
            if match is None or _DECIMAL_COMMA.match(plain):
                expected = _number_expected(plain, unit_wanted)
                message = Message("'{name}' is not a number", name=name)
                raise InputError(message, at=at, expected=expected, found=shown(cell))
            number, unit = float(match[1]), match[2]
        case Quantity():
            number, unit = cell.value, cell.unit
        case _:
            number, unit = cell, ""
    if unit and unit != unit_wanted:
        try:
            number = convert(number, unit, unit_wanted)
        except InputError as error:
            raise InputError(
                replace(
                    fault,
                    message=Message("'{name}': {message}", name=name, message=fault.message),
                    file=None,
                    line=None,
                    at=at,
                )
                for fault in error.faults
            ) from None
    if not math.isfinite(number):
        raise InputError("'{name}' is not a finite number", at=at, name=name)
    return number


def _number_expected(text: str, unit_wanted: str) -> Message:
    """Return a message with the format of numbers, in particular for numbers with a comma."""
    comma = _DECIMAL_COMMA.match(text)
    if comma is None:
        if unit_wanted in ("", NO_UNIT):
            return Message("a number")
        return Message("a number, or one with its unit, as '1 {unit}'", unit=unit_wanted)
    whole, rest = comma.groups()
    point = Message("a decimal point: '{whole}.{rest}'", whole=whole, rest=rest)
    if len(rest) != 3 or whole.lstrip("+-").startswith("0"):
        return point
    number = whole + rest
    return Message("{point}, or '{number}' if that is meant", point=point, number=number)


def outside(number: float, low: float | None, high: float | None) -> bool:
    """Return whether a number lies beyond a bound by more than a rounding error."""
    # A number converted to another unit may miss a bound by a rounding error.
    slack = 1e-12 * abs(number)
    return (low is not None and number < low - slack) or (
        high is not None and number > high + slack
    )


def range_text(low: float | None, high: float | None, unit: str) -> Message:
    """Return a range in words.

    >>> print(range_text(0.0, None, "Year"), "/", range_text(0.5, 2.0, ""))
    at least 0 Year / 0.5 to 2
    """
    unit = "" if unit in ("", NO_UNIT) else f" {unit}"
    if low is None:
        return Message("at most {high:g}{unit}", high=high or 0.0, unit=unit)
    if high is None:
        return Message("at least {low:g}{unit}", low=low, unit=unit)
    return Message("{low:g} to {high:g}{unit}", low=low, high=high, unit=unit)


# --- a yearly series in a table ---

YEARS = ("year", "time", "年份", "年")
"""Headers of the column of years; without any of them it is the first column."""


class SeriesForm(Form):
    """A column of a CSV file, whose path is relative to the scenario file."""

    file: str
    column: str


def read_series(series: SeriesForm, folder: Path) -> tuple[dict[str, str], YamlDocument]:
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
