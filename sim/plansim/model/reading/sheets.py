"""Sheets of files beside a model: their cells, numbers, names and tables.

Reference: https://www.vensim.com/documentation/fn_get_direct_constants.html and its neighbours.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from plansim.errors import Message, foreign, nearest
from plansim.files.reading import MOST_BYTES, read_regular

__all__ = [
    "OutsideError",
    "OutsideFiles",
    "Points",
    "read_constants",
    "read_elements",
    "read_tables",
]

Cell: TypeAlias = float | str | None
Grid: TypeAlias = Sequence[Sequence[Cell]]
Points: TypeAlias = list[tuple[float, float]]
_CELL = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,8})")
_ROW = re.compile(r"[1-9][0-9]{0,8}")
_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_BOOKS = (".xlsx", ".xlsm")
MOST_CELLS = 5_000_000
"""Maximum number of cells between the first of a sheet and its last, empty ones too."""


@dataclass
class OutsideFiles:
    """The files beside a model, each read once."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """What files are that names with a question mark stand for."""
    grids: dict[tuple[str, str], Grid] = field(default_factory=dict)
    read: dict[str, bytes] = field(default_factory=dict)
    books: dict[str, Any] = field(default_factory=dict)

    def grid(self, file: str, tab: str) -> Grid:
        """Return the cells of a sheet, or of a text whose separator ``tab`` gives."""
        if (file, tab) not in self.grids:
            self.grids[file, tab] = self._grid(file, tab)
        return self.grids[file, tab]

    def named(self, file: str, tab: str, name: str) -> tuple[int, int, int, int] | None:
        """Return the first and last row and column, from 0, of a range with a name."""
        if not self._named(file).lower().endswith(_BOOKS):
            return None  # in a text no cells have names
        book = self._book(file)
        sheet = next((s for s in book.sheetnames if s.lower() == tab.lower()), None)
        spaces = [book.defined_names]
        if sheet is not None:
            spaces.insert(0, book[sheet].defined_names)
        for names in spaces:
            for key, found in names.items():
                if key.lower() == name.lower():
                    _, cells = next(iter(found.destinations), ("", ""))
                    corners = cells.replace("$", "").split(":")
                    (top, left), (bottom, right) = (
                        _cell(corner) or (0, 0) for corner in (corners[0], corners[-1])
                    )
                    return top, bottom, left, right
        return None

    def _named(self, file: str) -> str:
        """Return the path of a file; ``?name`` is what the settings say, or else ``name``."""
        return self.settings.get(file.lower(), file.removeprefix("?")).replace("\\", "/")

    def _bytes(self, file: str) -> bytes:
        if file not in self.read:
            path = self.folder / self._named(file)
            try:
                self.read[file] = read_regular(path)
            except (OSError, ValueError) as error:  # ValueError: a path that no file can have
                others = sorted(p.name for p in self.folder.glob("*") if p.is_file())
                reason = foreign(getattr(error, "strerror", None) or error)
                raise OutsideError(
                    Message("the file '{name}' cannot be read: {reason}", name=file, reason=reason),
                    nearest(file, others),
                    gone=isinstance(error, FileNotFoundError),
                ) from error
        return self.read[file]

    def _book(self, file: str) -> Any:
        if file not in self.books:
            if not self._named(file).lower().endswith(_BOOKS):
                message = Message("'{name}' is not a workbook of the form .xlsx", name=file)
                raise OutsideError(message)
            from openpyxl import load_workbook

            try:
                packed = io.BytesIO(self._bytes(file))
                with zipfile.ZipFile(packed) as parts:  # a small file may unpack to any size
                    if sum(part.file_size for part in parts.infolist()) > MOST_BYTES:
                        raise ValueError(file)
                self.books[file] = load_workbook(packed, data_only=True)
            except OutsideError:
                raise
            except Exception as error:  # openpyxl raises whatever zipfile, xml or it does
                message = Message("'{name}' is not a workbook of the form .xlsx", name=file)
                raise OutsideError(message) from error
        return self.books[file]

    def _grid(self, file: str, tab: str) -> Grid:
        kind = self._named(file).lower().rpartition(".")[2]
        if kind == "xls":
            return self._old_sheet(file, tab)
        if kind in ("xlsx", "xlsm"):
            book = self._book(file)
            sheets = {name.lower(): name for name in book.sheetnames}
            if tab.lower() not in sheets:
                message = Message("'{name}' has no sheet '{sheet}'", name=file, sheet=tab)
                raise OutsideError(message, nearest(tab, [*sheets.values()]))
            sheet = book[sheets[tab.lower()]]
            _bounded(file, sheet.max_row * sheet.max_column)
            return [[_value(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        text = self._bytes(file).decode("utf-8-sig", "replace")
        plain = "," if kind == "csv" else "\t"
        separator = tab if tab and not tab[0].isalnum() else plain
        separator = "\t" if separator == "\\t" else separator[0]
        _bounded(file, text.count(separator) + text.count("\n"))
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=separator))
        except (csv.Error, TypeError, ValueError) as error:  # a cell too long, no separator
            message = Message("the table is not a CSV file")
            raise OutsideError(message) from error
        return [[_value(cell) for cell in row] for row in rows]

    def _old_sheet(self, file: str, tab: str) -> Grid:
        """Return the cells of a sheet of a workbook as Excel wrote it before 2007."""
        import pandas as pd

        try:
            book = pd.ExcelFile(io.BytesIO(self._bytes(file)))
            sheets = {str(name).lower(): name for name in book.sheet_names}
            table = book.parse(sheets[tab.lower()], header=None)
        except OutsideError:
            raise
        except KeyError:
            message = Message("'{name}' has no sheet '{sheet}'", name=file, sheet=tab)
            raise OutsideError(message, nearest(tab, map(str, sheets.values()))) from None
        except Exception as error:  # whatever pandas or what it reads by raises
            raise OutsideError(Message("'{name}' is not a workbook", name=file)) from error
        return [[_value(cell) for cell in row] for row in table.to_numpy(dtype=object).tolist()]


class OutsideError(Exception):
    """Why something cannot be taken from a file."""

    def __init__(self, message: Message, close: str | None = None, *, gone: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.close = close
        self.gone = gone
        """Whether there is no such file."""


def _bounded(file: str, cells: int) -> None:
    """Raise an `OutsideError` if a table has too many cells."""
    if cells > MOST_CELLS:
        message = Message(
            "a table of '{name}' has more than {count} cells", name=file, count=MOST_CELLS
        )
        raise OutsideError(message)


def _value(cell: object) -> Cell:
    """Return a cell as a number, a text, or nothing."""
    if cell is None or isinstance(cell, bool):
        return None
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(cell).strip() or None
    return number if math.isfinite(number) else None


def _cell(text: str) -> tuple[int, int] | None:
    """Return the row and column, from 0, of a cell such as ``B3``; None if it is none."""
    match = _CELL.fullmatch(text.strip())
    return (int(match[2]) - 1, _column(match[1])) if match else None


def _column(letters: str) -> int:
    if not _LETTERS.fullmatch(letters):
        raise OutsideError(Message("'{name}' is no column", name=letters))
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def read_elements(
    files: OutsideFiles, file: str, tab: str, first: str, last: str, prefix: str
) -> list[str]:
    """Return the names in an area of a sheet, each behind a prefix, as elements of a range."""
    grid = files.grid(file, tab)
    corner = _cell(first)
    if corner is None:
        area = files.named(file, tab, first)
        if area is None:
            raise OutsideError(Message("'{name}' has no cells '{cells}'", name=file, cells=first))
        top, bottom, left, right = area
    else:
        top, left = corner
        bottom, right = len(grid) - 1, max(map(len, grid), default=1) - 1
        if end := _cell(last):
            bottom, right = end
        elif _ROW.fullmatch(last):
            bottom = int(last) - 1
        elif last:
            right = _column(last)
    found = [cell for row in grid[top : bottom + 1] for cell in row[left : right + 1]]
    words = [
        f"{prefix}{cell:g}" if isinstance(cell, float) else f"{prefix}{cell}"
        for cell in found
        if cell is not None
    ]
    if not words:
        raise OutsideError(
            Message("'{name}' has no cells '{cells}'", name=file, cells=f"{first}:{last}")
        )
    return words


def read_constants(
    files: OutsideFiles, file: str, tab: str, cell: str, shape: Sequence[int]
) -> list[float]:
    """Return numbers, row by row: the last subscript runs along rows, with ``*`` down columns."""
    turned = cell.endswith("*")
    rows = math.prod(shape[:-1]) if len(shape) > 1 else 1
    columns = shape[-1] if shape else 1
    if turned:
        rows, columns = columns, rows
    top, left = _corner(files, file, tab, cell.rstrip("*"), rows, columns)
    grid = files.grid(file, tab)
    table = [[_number(grid, file, top + i, left + j) for j in range(columns)] for i in range(rows)]
    if turned:
        table = [list(column) for column in zip(*table, strict=True)]
    return [number for row in table for number in row]


def _corner(
    files: OutsideFiles, file: str, tab: str, cell: str, rows: int, columns: int
) -> tuple[int, int]:
    """Return where a table of a size begins, at a cell or in a range with a name."""
    if (corner := _cell(cell)) is not None:
        return corner
    area = files.named(file, tab, cell)
    if area is None:
        raise OutsideError(Message("'{name}' has no cells '{cells}'", name=file, cells=cell))
    top, bottom, left, right = area
    if (bottom - top + 1, right - left + 1) != (rows, columns):
        raise OutsideError(
            Message(
                "the cells '{cells}' of '{name}' are not {rows} by {columns}",
                name=file, cells=cell, rows=rows, columns=columns,
            )
        )  # fmt: skip
    return top, left


def _at(grid: Grid, row: int, column: int) -> Cell:
    return grid[row][column] if row < len(grid) and column < len(grid[row]) else None


def _number(grid: Grid, file: str, row: int, column: int) -> float:
    value = _at(grid, row, column)
    if not isinstance(value, float):
        name = _name_of(row, column)
        raise OutsideError(
            Message("the cell {cell} of '{name}' is not a number", cell=name, name=file)
        )
    return value


def _name_of(row: int, column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def read_tables(
    files: OutsideFiles, file: str, tab: str, across: str, cell: str, count: int
) -> list[Points]:
    """Return tables, one for each element: their x in a row or a column of the sheet.

    The points follow one another along that row or column, the elements across it.
    """
    grid = files.grid(file, tab)
    (x_row, x_column), (row, column), length, is_row = _table_origins(
        files, file, tab, across, cell
    )
    found = []
    for element in range(count):
        pairs = [
            (_at(grid, x_row, x_column + point), _at(grid, row + element, column + point))
            if is_row
            else (_at(grid, x_row + point, x_column), _at(grid, row + point, column + element))
            for point in range(length)
        ]
        points = sorted((x, y) for x, y in pairs if isinstance(x, float) and isinstance(y, float))
        if not points:
            raise OutsideError(
                Message("'{name}' has no numbers at '{cells}'", name=file, cells=cell)
            )
        if len({x for x, _ in points}) < len(points):
            raise OutsideError(
                Message(
                    "'{name}' has two values at one point of '{cells}'", name=file, cells=across
                )
            )
        found.append(points)
    return found


def _table_origins(
    files: OutsideFiles, file: str, tab: str, across: str, cell: str
) -> tuple[tuple[int, int], tuple[int, int], int, bool]:
    """Return the first cells of x and of the values, how many points, and whether along a row."""
    grid = files.grid(file, tab)
    corner = _cell(cell)
    if corner is not None and _ROW.fullmatch(across):
        line, left = int(across) - 1, corner[1]
        length = len(grid[line]) - left if line < len(grid) else 0
        return (line, left), corner, length, True
    if corner is not None:
        return (corner[0], _column(across)), corner, len(grid) - corner[0], False
    xs, values = files.named(file, tab, across), files.named(file, tab, cell)
    if xs is None or values is None:
        missing = across if xs is None else cell
        raise OutsideError(Message("'{name}' has no cells '{cells}'", name=file, cells=missing))
    is_row = xs[2] != xs[3]
    length = (xs[3] - xs[2] if is_row else xs[1] - xs[0]) + 1
    return (xs[0], xs[2]), (values[0], values[2]), length, is_row
