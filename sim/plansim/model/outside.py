"""What a model takes from files beside it, written into its text as equations of its own.

GET DIRECT and GET XLS … CONSTANTS, DATA, LOOKUPS and SUBSCRIPT are replaced by numbers, tables and
names, data variables by tables over Time, so that every engine, variant and page has one text, and
none reads a file. Lines stay as they are. A data variable without data is left out if no equation
refers to it, and else a fault.

Between its points data are linear; with ``:HOLD BACKWARD:`` they keep the point before, with
``:LOOK FORWARD:`` they have the next one already. Beyond the ends the first and the last hold on.

Reference: https://www.vensim.com/documentation/fn_get_direct_data.html and its neighbours.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import math
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from plansim.errors import Fault, FaultLog, InputError, Message, ModelError, foreign, nearest
from plansim.files.reading import MOST_BYTES, read_regular
from plansim.model.expression import Call, Name, QuotedText
from plansim.model.scan import Equation, EquationForm, Scan, scan_text, short
from plansim.model.syntax import name_key

__all__ = ["Series", "inlined", "read_series"]

Cell: TypeAlias = float | str | None
Grid: TypeAlias = Sequence[Sequence[Cell]]
Points: TypeAlias = list[tuple[float, float]]
Series: TypeAlias = Mapping[str, Points]
"""Points of time and value by the name of a variable, ``name`` or ``name[e1,e2]``."""

_SUBSCRIPT = re.compile(r"GET[\s_]+(?:DIRECT|XLS)[\s_]+SUBSCRIPT\s*\(([^()]*)\)", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']*)'")
_CELL = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,8})")
_ROW = re.compile(r"[1-9][0-9]{0,8}")
_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_KEYWORD = re.compile(r":\s*(INTERPOLATE|LOOK\s+FORWARD|HOLD\s+BACKWARD|RAW)\s*:", re.IGNORECASE)
_SETTING = re.compile(r"^30:(\?[^=\n]+)=([^\n]+)$", re.MULTILINE)
"""What the settings of a file say of a name: ``30:?data=data.xlsx``."""
_BOOKS = (".xlsx", ".xlsm")
_JUST = 1e-7
"""How close to a point data jump that hold or look, relative to its time."""


def read_series(path: Path) -> dict[str, Points]:
    """Read a table of data: a header, a column of times, and a column for each variable.

    A ``.tab`` or ``.tsv`` file has tabs between its cells. As Vensim writes them, tables may also
    have a row for each variable, and the times in the first row.

    Raises:
        InputError: the file cannot be read, or a cell is no number.
    """
    from plansim.files.csv_table import read_csv

    tabs = path.suffix.lower() in (".tab", ".tsv")
    table = read_csv(path, separator="\t" if tabs else ",")
    series: dict[str, Points] = {}
    across = len(table.columns) > 1 and all(_is_number(cell) for cell in table.columns[1:])
    for line, (first, *values) in table.rows:
        for head, value in zip(table.columns[1:], values, strict=True):
            time, name = (head, first) if across else (first, head)
            points = series.setdefault(name, [])
            if not value:
                continue
            for text in (time, value):
                if not _is_number(text):
                    message = Message("'{name}' is not a number", name=name)
                    raise InputError(Fault(message, path, line, found=text))
            points.append((float(time), float(value)))
    return series


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@dataclass
class _Files:
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
                raise _OutsideError(
                    Message("the file '{name}' cannot be read: {reason}", name=file, reason=reason),
                    nearest(file, others),
                ) from error
        return self.read[file]

    def _book(self, file: str) -> Any:
        if file not in self.books:
            if not self._named(file).lower().endswith(_BOOKS):
                message = Message("'{name}' is no workbook of the form .xlsx", name=file)
                raise _OutsideError(message)
            from openpyxl import load_workbook

            try:
                packed = io.BytesIO(self._bytes(file))
                with zipfile.ZipFile(packed) as parts:  # a small file may unpack to any size
                    if sum(part.file_size for part in parts.infolist()) > MOST_BYTES:
                        raise ValueError(file)
                self.books[file] = load_workbook(packed, data_only=True)
            except _OutsideError:
                raise
            except Exception as error:  # openpyxl raises whatever zipfile, xml or it does
                message = Message("'{name}' is no workbook of the form .xlsx", name=file)
                raise _OutsideError(message) from error
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
                raise _OutsideError(message, nearest(tab, [*sheets.values()]))
            rows = book[sheets[tab.lower()]].iter_rows(values_only=True)
            return [[_value(cell) for cell in row] for row in rows]
        text = self._bytes(file).decode("utf-8-sig", "replace")
        plain = "," if kind == "csv" else "\t"
        separator = tab if tab and not tab[0].isalnum() else plain
        separator = "\t" if separator == "\\t" else separator[0]
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=separator))
        except (csv.Error, TypeError, ValueError) as error:  # a cell too long, no separator
            message = Message("the table is not a CSV file")
            raise _OutsideError(message) from error
        return [[_value(cell) for cell in row] for row in rows]

    def _old_sheet(self, file: str, tab: str) -> Grid:
        """Return the cells of a sheet of a workbook as Excel wrote it before 2007."""
        import pandas as pd

        try:
            book = pd.ExcelFile(io.BytesIO(self._bytes(file)))
            sheets = {str(name).lower(): name for name in book.sheet_names}
            table = book.parse(sheets[tab.lower()], header=None)
        except _OutsideError:
            raise
        except KeyError:
            message = Message("'{name}' has no sheet '{sheet}'", name=file, sheet=tab)
            raise _OutsideError(message, nearest(tab, map(str, sheets.values()))) from None
        except Exception as error:  # whatever pandas or what it reads by raises
            raise _OutsideError(Message("'{name}' is no workbook", name=file)) from error
        return [[_value(cell) for cell in row] for row in table.to_numpy(dtype=object).tolist()]


class _OutsideError(Exception):
    """Why something cannot be taken from a file."""

    def __init__(self, message: Message, close: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.close = close


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
        raise _OutsideError(Message("'{name}' is no column", name=letters))
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def inlined(
    text: str, folder: Path, file: Path, series: Series | None = None
) -> tuple[str, str, tuple[Fault, ...]]:
    """Return the text of a model with all that it takes from outside in it.

    Args:
        text: the text of the file.
        folder: where its files lie.
        file: what faults name.
        series: data of variables, as `read_series` gives them.

    Returns:
        The text, a digest of what was read, and warnings.

    Raises:
        ModelError: with a fault for each equation that cannot be had, by line.
    """
    settings = {name.lower(): path.strip() for name, path in _SETTING.findall(text)}
    files, faults = _Files(folder, settings), FaultLog(file)
    text = _with_subscripts(text, files, faults)
    scan = scan_text(text, FaultLog(file))
    given = {name_key(name): points for name, points in (series or {}).items()}
    used = {
        ref.key for group in scan.equations.values() for eq in group for ref, _ in eq.references
    }
    pieces, done = [], 0
    warnings = []
    equations = sorted(
        (eq for group in scan.equations.values() for eq in group), key=lambda eq: eq.start
    )
    for equation in equations:
        try:
            new = _replacement(scan, equation, files, given)
        except _OutsideError as error:
            about = Message("'{name}': {fault}", name=short(equation.name), fault=error.message)
            faults.fault(about, equation.line, nearest=error.close)
            continue
        if new is None and _is_empty(equation) and name_key(equation.name) in used:
            left = equation.text.partition(":=")[0]
            new = f"{_KEYWORD.sub('', left).rstrip()} = :NA:"
            warnings.append(
                Fault(
                    "'{name}' has no data: it is missing (:NA:), and so is what follows from it",
                    file,
                    equation.line,
                    expected=Message("an equation, or its data in a table: --data FILE.csv"),
                    name=short(equation.name),
                )
            )
        if new is None and _is_empty(equation):
            warnings.append(
                Fault(
                    "'{name}' has no data and is left out",
                    file,
                    equation.line,
                    name=short(equation.name),
                )
            )
            end = text.index("|", equation.start + len(equation.text)) + 1
            gone = re.sub(r"[^\n]", " ", text[equation.start : end])
            pieces += [text[done : equation.start], gone]
            done = end
        elif new is not None:
            pieces += [text[done : equation.start], new, "\n" * equation.text.count("\n")]
            done = equation.start + len(equation.text)
    if faults:
        raise ModelError(faults.by_line())
    digest = hashlib.sha256(b"\0".join(files.read[name] for name in sorted(files.read)))
    return "".join([*pieces, text[done:]]), digest.hexdigest(), tuple(warnings)


def _is_empty(equation: Equation) -> bool:
    return equation.form is EquationForm.DATA and equation.tree is None


def _with_subscripts(text: str, files: _Files, faults: FaultLog) -> str:
    """Put the elements of ranges that stand in files in the place of GET … SUBSCRIPT."""

    def names(match: re.Match[str]) -> str:
        arguments = _QUOTED.findall(match[1])
        line = text.count("\n", 0, match.start()) + 1
        try:
            if len(arguments) != 5:
                raise _OutsideError(Message("{name} takes five texts", name="GET DIRECT SUBSCRIPT"))
            return ", ".join(_elements(files, *arguments)) + "\n" * match[0].count("\n")
        except _OutsideError as error:
            faults.fault(error.message, line, nearest=error.close)
            return "x"

    return _SUBSCRIPT.sub(names, text)


def _elements(files: _Files, file: str, tab: str, first: str, last: str, prefix: str) -> list[str]:
    grid = files.grid(file, tab)
    corner = _cell(first)
    if corner is None:
        area = files.named(file, tab, first)
        if area is None:
            raise _OutsideError(Message("'{name}' has no cells '{cells}'", name=file, cells=first))
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
        raise _OutsideError(
            Message("'{name}' has no cells '{cells}'", name=file, cells=f"{first}:{last}")
        )
    return words


def _replacement(scan: Scan, equation: Equation, files: _Files, given: Series) -> str | None:
    """Return what stands in the place of an equation; None if it takes nothing from outside."""
    tree = equation.tree
    if _is_empty(equation):
        return _of_series(scan, equation, given)
    if not isinstance(tree, Call) or not tree.key.startswith(("get_direct_", "get_xls_")):
        if equation.form is not EquationForm.DATA:
            return None
        left, _, right = equation.text.partition(":=")  # an equation of data is one as any other
        if equation.is_raw:
            raw = _raw_points(scan, equation, files, given)
            parts = (_over_time(equation, points) for points in raw)
            return _joined(equation, zip(scan.covered(equation), parts, strict=True))
        return f"{_KEYWORD.sub('', left).rstrip()} = {right.strip()}"
    points = _points_of(scan, equation, files)
    if points is not None:
        over_time = (_over_time(equation, p) for p in points)
        return _joined(equation, zip(scan.covered(equation), over_time, strict=True))
    kind = tree.key.rpartition("_")[2]
    texts = _texts(tree, {"constants": 3, "lookups": 4}.get(kind, 0))
    cells = scan.covered(equation)
    shape = [
        len(scan.dimension(name)) for name in equation.subscripts if name_key(name) in scan.ranges
    ]
    book, tab, first, *more = texts
    if kind == "constants":
        numbers = _constants(files, book, tab, first, shape)
        return _joined(equation, zip(cells, (f"= {number!r}" for number in numbers), strict=True))
    tables = _tables(files, book, tab, first, more[0], len(cells))
    return _joined(equation, zip(cells, (f"({_points(p)})" for p in tables), strict=True))


def _raw_points(scan: Scan, equation: Equation, files: _Files, given: Series) -> list[Points]:
    """Return the points of the data of each element, taken by name from others if need be."""
    if _is_empty(equation):
        return _given_points(scan, equation, given) or [[] for _ in scan.covered(equation)]
    own = _points_of(scan, equation, files)
    if own is not None:
        return own
    tree = equation.tree
    same = tuple(map(name_key, equation.subscripts))
    if not isinstance(tree, Name) or tree.subscripts != same or tree.key not in scan.equations:
        raise _OutsideError(Message("only data can be :RAW:, by the name of another variable"))
    points: dict[tuple[str, ...], Points] = {}
    for other in scan.equations[tree.key]:
        if other.form is not EquationForm.DATA or name_key(other.name) == name_key(equation.name):
            raise _OutsideError(Message("only data can be :RAW:, by the name of another variable"))
        found = _raw_points(scan, other, files, given)
        points |= zip(scan.covered(other), found, strict=True)
    return [points.get(cell, []) for cell in scan.covered(equation)]


def _of_series(scan: Scan, equation: Equation, given: Series) -> str | None:
    """Return the equations of a data variable whose data are given."""
    points = _given_points(scan, equation, given)
    if points is None:
        return None
    cells = scan.covered(equation)
    return _joined(equation, zip(cells, (_over_time(equation, p) for p in points), strict=True))


def _given_points(scan: Scan, equation: Equation, given: Series) -> list[Points] | None:
    """Return the data that are given for each element of a variable; None if for none."""
    key = name_key(equation.name)
    labels = (f"{equation.name}[{','.join(cell)}]" for cell in scan.covered(equation))
    found = [given.get(name_key(label)) or given.get(key) or [] for label in labels]
    return found if any(found) else None


def _points_of(scan: Scan, equation: Equation, files: _Files) -> list[Points] | None:
    """Return the data of each element that GET … DATA takes from a file; None if it is another."""
    tree = equation.tree
    if not isinstance(tree, Call) or tree.key not in ("get_direct_data", "get_xls_data"):
        return None
    book, tab, across, cell = _texts(tree, 4)
    return _tables(files, book, tab, across, cell, len(scan.covered(equation)))


def _texts(tree: Call, count: int) -> list[str]:
    """Return the arguments of a function, which are texts."""
    texts = [node.value.strip("'") for node in tree.arguments if isinstance(node, QuotedText)]
    if len(texts) != len(tree.arguments) or len(texts) != count:
        raise _OutsideError(
            Message("{name} cannot be read", name=tree.key.replace("_", " ").upper())
        )
    return texts


def _joined(equation: Equation, parts: Iterable[tuple[Sequence[str], str]]) -> str:
    """Return equations element by element; the last one has the unit and comment of the file."""
    return " ~~| ".join(
        (f"{equation.name}[{','.join(cell)}]" if cell else equation.name) + right
        for cell, right in parts
    )


def _way(equation: Equation) -> str:
    """Return the keyword by which data are read between their points."""
    keyword = _KEYWORD.search(equation.text.partition(":=")[0])
    return " ".join(keyword[1].upper().split()) if keyword else "INTERPOLATE"


def _over_time(equation: Equation, points: Points) -> str:
    """Return a table over Time, by the data's way between its points."""
    way = _way(equation)
    points = sorted(points)
    if not points:
        return "= :NA:"
    if way == "RAW":
        near: Points = []
        for time, _ in points:
            just = _JUST * max(1.0, abs(time))
            near += [(time - just, 0.0), (time, 1.0), (time + just, 0.0)]
        there, value = (f"WITH LOOKUP(Time, ({_points(some)}))" for some in (near, points))
        return f"= IF THEN ELSE({there} > 0.5, {value}, :NA:)"
    if way != "INTERPOLATE":
        steps: Points = points[:1]
        for (before, old), (after, new) in itertools.pairwise(points):
            just = _JUST * max(1.0, abs(before), abs(after))
            steps += [(after - just, old)] if way == "HOLD BACKWARD" else [(before + just, new)]
            steps.append((after, new))
        points = steps
    return f"= WITH LOOKUP(Time, ({_points(points)}))"


def _points(points: Points) -> str:
    if len(points) == 1:  # a table has two points or more
        points = [*points, (points[0][0] + 1, points[0][1])]
    return ",".join(f"({x!r},{y!r})" for x, y in points)


def _constants(files: _Files, file: str, tab: str, cell: str, shape: Sequence[int]) -> list[float]:
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
    files: _Files, file: str, tab: str, cell: str, rows: int, columns: int
) -> tuple[int, int]:
    """Return where a table of a size begins, at a cell or in a range with a name."""
    if (corner := _cell(cell)) is not None:
        return corner
    area = files.named(file, tab, cell)
    if area is None:
        raise _OutsideError(Message("'{name}' has no cells '{cells}'", name=file, cells=cell))
    top, bottom, left, right = area
    if (bottom - top + 1, right - left + 1) != (rows, columns):
        raise _OutsideError(
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
        raise _OutsideError(
            Message("the cell {cell} of '{name}' is no number", cell=name, name=file)
        )
    return value


def _name_of(row: int, column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _tables(files: _Files, file: str, tab: str, across: str, cell: str, count: int) -> list[Points]:
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
            raise _OutsideError(
                Message("'{name}' has no numbers at '{cells}'", name=file, cells=cell)
            )
        if len({x for x, _ in points}) < len(points):
            raise _OutsideError(
                Message(
                    "'{name}' has two values at one point of '{cells}'", name=file, cells=across
                )
            )
        found.append(points)
    return found


def _table_origins(
    files: _Files, file: str, tab: str, across: str, cell: str
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
        raise _OutsideError(Message("'{name}' has no cells '{cells}'", name=file, cells=missing))
    is_row = xs[2] != xs[3]
    length = (xs[3] - xs[2] if is_row else xs[1] - xs[0]) + 1
    return (xs[0], xs[2]), (values[0], values[2]), length, is_row
