"""Cells of files: a number, a text with its unit, or a column of a table."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Discriminator, Tag

from plansim.errors import InputError, Message, nearest
from plansim.files.forms import Form, shown
from plansim.files.reading import read_csv
from plansim.files.yaml_document import Location, YamlDocument
from plansim.model.records import folded
from plansim.model.units import NO_UNIT, convert

__all__ = [
    "Cell",
    "ColumnForm",
    "Scalar",
    "column_of",
    "entry_shape",
    "number_in",
    "outside",
    "range_text",
]


def entry_shape(value: object) -> str:
    """Return the form that an entry is meant to have, so that pydantic reports only its faults."""
    shapes: dict[type, str] = {str: "<text>", list: "<list>", dict: "<mapping>"}
    return shapes.get(type(value), "<number>")


Scalar: TypeAlias = Annotated[float, Tag("<number>")] | Annotated[str, Tag("<text>")]
Cell: TypeAlias = Annotated[
    Scalar, Discriminator(lambda value: "<text>" if isinstance(value, str) else "<number>")
]

_NUMBER_AND_UNIT = re.compile(
    r"(?!.*\d\s*,\s*\d)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", re.DOTALL
)
"""A decimal comma is none: 1,012 may mean either."""


def number_in(unit_wanted: str, name: str, cell: Cell, at: Location = ()) -> float:
    """Return the number that a cell of the entry ``name`` holds, in the unit that is wanted.

    Raises:
        InputError: the cell is no finite number, or its unit does not convert.
    """
    unit = ""
    if isinstance(cell, str):
        plain = unicodedata.normalize("NFKC", cell).replace("\N{MINUS SIGN}", "-")
        if (match := _NUMBER_AND_UNIT.fullmatch(plain)) is None:
            expected = Message("a number")
            if unit_wanted not in ("", NO_UNIT):
                expected = Message(
                    "a number, or one with its unit, as '1.5 {unit}'", unit=unit_wanted
                )
            raise InputError(
                "'{name}' is not a number", at=at, expected=expected, found=shown(cell), name=name
            )
        cell, unit = float(match[1]), match[2]
    number = cell
    if unit and unit != unit_wanted:
        try:
            number = convert(number, unit, unit_wanted)
        except InputError as error:
            (fault,) = error.faults
            message = Message("'{name}': {message}", name=name, message=fault.message)
            raise InputError(replace(fault, message=message, at=at)) from None
    if not math.isfinite(number):
        raise InputError("'{name}' is not a finite number", at=at, name=name)
    return number


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


class ColumnForm(Form):
    """A column of a CSV file, whose path is relative to the scenario file."""

    file: str
    column: str


def column_of(
    form: ColumnForm, folder: Path
) -> tuple[YamlDocument, list[tuple[str | int, str, Cell]]]:
    """Return the line, the first cell and the cell of a column of each row of a table.

    They come with a document that has the lines.

    Raises:
        InputError: the file cannot be read, or has no such column.
    """
    table = read_csv(folder / form.file)
    headers = [folded(name) for name in table.columns]
    if folded(form.column) not in headers:
        raise InputError(
            "the table has no column '{name}'",
            table.path,
            1,
            expected=Message("one of {names}", names=table.columns),
            nearest=nearest(form.column, table.columns),
            name=form.column,
        )
    column = headers.index(folded(form.column))
    lines: dict[Location, int] = {(): 1, **{(line,): line for line, _ in table.rows}}
    document = YamlDocument(str(table.path), table.sha256, None, lines, ())
    return document, [(line, row[0], row[column]) for line, row in table.rows]
