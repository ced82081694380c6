"""Sheets of files beside a model: their cells, numbers, names and tables.

Reference: https://www.vensim.com/documentation/fn_get_direct_constants.html and its neighbours.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import math
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from plansim.errors import Message, ModelError, nearest
from plansim.files.reading import MOST_BYTES, read_regular, reason_of

__all__ = ["GoneError", "OutsideFiles", "Points", "Sheet"]

Cell: TypeAlias = float | str | None
Points: TypeAlias = list[tuple[float, float]]
_CELL = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,8})")
_ROW = re.compile(r"[1-9][0-9]{0,8}")
_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_DRIVE = re.compile(r"[A-Za-z]:/|//")
MOST_CELLS = 5_000_000
"""Maximum number of cells between the first of a sheet and its last, empty ones too."""


class GoneError(ModelError):
    """There is no such file."""


class _Area(NamedTuple):
    """First and last row and column, from 0; of a single cell the last ones are open."""

    top: int
    left: int
    bottom: int | None = None
    right: int | None = None


@dataclass(frozen=True)
class Sheet:
    """The cells of a sheet, or of a text."""

    file: str
    cells: Sequence[Sequence[Cell]]
    names: Mapping[str, _Area]
    """Ranges with a name, in small letters."""

    def elements(self, first: str, last: str, prefix: str) -> list[str]:
        """Return the names in an area, each behind a prefix, as elements of a range.

        ``last`` is a cell, a row, a column or nothing.
        """
        top, left, bottom, right = self._area(first)
        if bottom is None and (end := _CELL.fullmatch(last)):
            bottom, right = int(end[2]) - 1, _column(end[1])
        elif bottom is None and _ROW.fullmatch(last):
            bottom = int(last) - 1
        elif bottom is None and last:
            right = _column(last)
        stop = (None if bottom is None else bottom + 1, None if right is None else right + 1)
        found = [cell for row in self.cells[top : stop[0]] for cell in row[left : stop[1]]]
        words = [f"{cell:g}" if isinstance(cell, float) else cell for cell in found]
        elements = [f"{prefix}{word}" for word in words if word is not None]
        if not elements:
            raise self._no_cells(f"{first}:{last}")
        return elements

    def constants(self, cell: str, shape: Sequence[int]) -> list[float]:
        """Return numbers, row by row: the last subscript runs along rows, or with ``*`` down."""
        rows, columns = math.prod(shape[:-1]), shape[-1] if shape else 1
        turned = cell.endswith("*")
        high, wide = (columns, rows) if turned else (rows, columns)
        top, left, bottom, right = self._area(cell.rstrip("*"))
        if bottom is not None and (bottom, right) != (top + high - 1, left + wide - 1):
            raise ModelError(
                "the cells '{cells}' of '{name}' are not {rows} by {columns}",
                name=self.file, cells=cell, rows=high, columns=wide,
            )  # fmt: skip
        places = itertools.product(range(rows), range(columns))
        return [self._number(top, left, *(reversed(at) if turned else at)) for at in places]

    def tables(self, across: str, cell: str, count: int) -> list[Points]:
        """Return tables, one for each element: their x in a row or a column of the sheet.

        The points follow one another along that row or column, the elements across it; an element
        may have none.
        """
        first = self._area(cell)
        if _ROW.fullmatch(across):
            xs, is_row = _Area(int(across) - 1, first.left), True
        elif first.bottom is None:
            xs, is_row = _Area(first.top, _column(across)), False
        else:
            xs = self._area(across)
            is_row = xs.left != xs.right
        last = xs.right if is_row else xs.bottom
        if last is None and is_row:
            last = len(self.cells[xs.top]) - 1 if xs.top < len(self.cells) else -1
        elif last is None:
            last = len(self.cells) - 1
        steps = range(last - (xs.left if is_row else xs.top) + 1)

        def line(place: _Area, element: int) -> Iterator[Cell]:
            for step in steps:
                down, right = (element, step) if is_row else (step, element)
                yield self._at(place.top + down, place.left + right)

        found = []
        for element in range(count):
            pairs = zip(line(xs, 0), line(first, element), strict=True)
            points = sorted(
                (x, y) for x, y in pairs if isinstance(x, float) and isinstance(y, float)
            )
            if len({x for x, _ in points}) < len(points):
                raise ModelError(
                    "'{name}' has two values at one point of '{cells}'",
                    name=self.file,
                    cells=across,
                )
            found.append(points)
        if not any(found):
            raise ModelError("'{name}' has no numbers at '{cells}'", name=self.file, cells=cell)
        return found

    def _area(self, name: str) -> _Area:
        """Return the place of a cell such as ``B3``, or of a range with a name."""
        if match := _CELL.fullmatch(name.strip()):
            return _Area(int(match[2]) - 1, _column(match[1]))
        if name.lower() not in self.names:
            raise self._no_cells(name)
        return self.names[name.lower()]

    def _no_cells(self, cells: str) -> ModelError:
        return ModelError("'{name}' has no cells '{cells}'", name=self.file, cells=cells)

    def _at(self, row: int, column: int) -> Cell:
        inside = row < len(self.cells) and column < len(self.cells[row])
        return self.cells[row][column] if inside else None

    def _number(self, top: int, left: int, down: int, right: int) -> float:
        row, column = top + down, left + right
        value = self._at(row, column)
        if not isinstance(value, float):
            from openpyxl.utils import get_column_letter

            cell = f"{get_column_letter(column + 1)}{row + 1}"
            raise ModelError(
                "the cell {cell} of '{name}' is not a number", cell=cell, name=self.file
            )
        return value


@dataclass
class OutsideFiles:
    """The files beside a model, each read once."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """What files are that names with a question mark stand for."""
    read: dict[str, bytes] = field(default_factory=dict)
    sheets: dict[tuple[str, str], Sheet] = field(default_factory=dict)
    _books: dict[str, Any] = field(default_factory=dict)

    def sheet(self, file: str, tab: str) -> Sheet:
        """Return a sheet of a workbook, or a text whose separator ``tab`` gives."""
        if (file, tab) not in self.sheets:
            kind = self._named(file).lower().rpartition(".")[2]
            read = {"xls": self._old_sheet, "xlsx": self._new_sheet, "xlsm": self._new_sheet}
            self.sheets[file, tab] = read.get(kind, self._text)(file, tab)
        return self.sheets[file, tab]

    def _named(self, file: str) -> str:
        """Return the path of a file; ``?name`` is what the settings say, or else ``name``."""
        return self.settings.get(file.lower(), file.removeprefix("?")).replace("\\", "/")

    def _path(self, file: str) -> Path:
        """Return where a file lies; models made on Windows do not tell capitals in names apart.

        A file on a drive of another machine is looked for beside the model.
        """
        named = self._named(file)
        path = self.folder / named
        if not path.exists() and _DRIVE.match(named):
            path = self.folder / named.rpartition("/")[2]
        alike = (one for one in path.parent.glob("*") if one.name.lower() == path.name.lower())
        return path if path.exists() else next(alike, path)

    def _bytes(self, file: str) -> bytes:
        if file not in self.read:
            try:
                path = self._path(file)
                self.read[file] = read_regular(path)
            except (OSError, ValueError) as error:  # ValueError: a path that no file can have
                others = sorted(p.name for p in self.folder.glob("*") if p.is_file())
                message = Message(
                    "the file '{name}' cannot be read: {reason}", name=file, reason=reason_of(error)
                )
                kind = GoneError if isinstance(error, FileNotFoundError) else ModelError
                raise kind(message, nearest=nearest(file, others)) from error
        return self.read[file]

    def _new_sheet(self, file: str, tab: str) -> Sheet:
        from openpyxl import load_workbook
        from openpyxl.utils import range_boundaries

        packed = io.BytesIO(self._bytes(file))
        try:
            with zipfile.ZipFile(packed) as parts:  # a small file may unpack to any size
                if sum(part.file_size for part in parts.infolist()) > MOST_BYTES:
                    raise ValueError(file)
            if file not in self._books:
                self._books[file] = load_workbook(packed, data_only=True)
            book = self._books[file]
        except Exception as error:  # openpyxl raises whatever zipfile, xml or it does
            raise ModelError("'{name}' is not a workbook of the form .xlsx", name=file) from error
        sheet = book[_found(file, tab, book.sheetnames)]
        _bounded(file, sheet.max_row * sheet.max_column)
        areas = {}
        for name, defined in (*book.defined_names.items(), *sheet.defined_names.items()):
            _, cells = next(iter(defined.destinations), ("", ""))
            with contextlib.suppress(TypeError, ValueError):  # whole columns, or no cells at all
                left, top, right, bottom = (edge - 1 for edge in range_boundaries(cells))
                areas[name.lower()] = _Area(top, left, bottom, right)
        return _sheet(file, sheet.iter_rows(values_only=True), areas)

    def _old_sheet(self, file: str, tab: str) -> Sheet:
        """Return a sheet of a workbook as Excel wrote it before 2007."""
        import pandas as pd

        packed = io.BytesIO(self._bytes(file))
        try:
            tables = pd.read_excel(packed, sheet_name=None, header=None)
        except Exception as error:  # whatever pandas or what it reads by raises
            raise ModelError("'{name}' is not a workbook", name=file) from error
        return _sheet(file, tables[_found(file, tab, [*tables])].to_numpy(dtype=object).tolist())

    def _text(self, file: str, tab: str) -> Sheet:
        text = self._bytes(file).decode("utf-8-sig", "replace")
        plain = "," if self._named(file).lower().endswith(".csv") else "\t"
        separator = tab[0] if tab and not tab[0].isalnum() else plain
        separator = "\t" if tab == "\\t" else separator
        _bounded(file, text.count(separator) + text.count("\n"))
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=separator))
        except (csv.Error, TypeError, ValueError) as error:  # a cell too long, no separator
            raise ModelError("the table is not a CSV file") from error
        return _sheet(file, rows)


def _sheet(file: str, rows: Any, names: Mapping[str, _Area] | None = None) -> Sheet:
    return Sheet(file, [[_value(cell) for cell in row] for row in rows], names or {})


def _found(file: str, tab: str, sheets: Sequence[str]) -> str:
    """Return the name of a sheet as the workbook has it."""
    for name in sheets:
        if name.lower() == tab.lower():
            return name
    close = nearest(tab, sheets)
    raise ModelError("'{name}' has no sheet '{sheet}'", nearest=close, name=file, sheet=tab)


def _bounded(file: str, cells: int) -> None:
    """Refuse a table that has too many cells."""
    if cells > MOST_CELLS:
        raise ModelError(
            "a table of '{name}' has more than {count} cells", name=file, count=MOST_CELLS
        )


def _value(cell: object) -> Cell:
    """Return a cell as a number, a text, or nothing."""
    if cell is None or isinstance(cell, bool):
        return None
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(cell).strip() or None
    return number if math.isfinite(number) else None


def _column(letters: str) -> int:
    """Return the number of a column, from 0."""
    if not _LETTERS.fullmatch(letters):
        raise ModelError("'{name}' is no column", name=letters)
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
