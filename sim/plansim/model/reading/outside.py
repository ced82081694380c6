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

import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from plansim.errors import Fault, FaultLog, InputError, Message, ModelError, Option
from plansim.files.reading import read_csv, read_regular, reason_of
from plansim.model.reading.equations import Equation, EquationForm, Scan, short, spliced
from plansim.model.reading.expression import Call, Name, QuotedText, name_key
from plansim.model.reading.scan import scan_text
from plansim.model.reading.sheets import GoneError, OutsideFiles, Points

__all__ = ["JUST", "Series", "inlined", "read_series"]

Series: TypeAlias = Mapping[str, Points]
"""Points of time and value by the name of a variable, ``name`` or ``name[e1,e2]``."""
_SUBSCRIPT = re.compile(r"GET[\s_]+(?:DIRECT|XLS)[\s_]+SUBSCRIPT\s*\(([^()]*)\)", re.IGNORECASE)
_FROM_FILE = re.compile(
    r"(GET[\s_]+(?:DIRECT|XLS|VDF|ODBC|123)[\s_]+\w+\s*\()([^()]*)(?=\))", re.IGNORECASE
)
_STRING = re.compile(r"([^|~\n]+?)\s*:\s*IS\s*:\s*('[^']*')", re.IGNORECASE)
_ARGUMENT = re.compile(r"\s*('[^']*'|[^,']+)")
_QUOTED = re.compile(r"'([^']*)'")
_KEYWORD = re.compile(r":\s*(INTERPOLATE|LOOK\s+FORWARD|HOLD\s+BACKWARD|RAW)\s*:", re.IGNORECASE)
_SETTING = re.compile(r"^30:(\?[^=\n]+)=([^\n]+)$", re.MULTILINE)
"""What the settings of a file say of a name: ``30:?data=data.xlsx``."""
_DATA_OF_SHEETS = ("get_direct_data", "get_xls_data")
_DATA_OF_OTHERS = ("get_123_data", "get_odbc_data", "get_vdf_data")
"""Functions whose files are not read: such data are given by ``--data``, or missing."""
JUST = 1e-7
"""How close to a point data jump that hold or look, relative to its time."""


def read_series(path: Path) -> dict[str, Points]:
    """Read a table of data: a header, a column of times, and a column for each variable.

    A ``.tab`` or ``.tsv`` file has tabs between its cells. As Vensim writes them, tables may also
    have a row for each variable, and the times in the first row. A ``.dat`` file has the name of
    each variable on a line, and below it a line for each time: the time, a tab and the value.

    Raises:
        InputError: the file cannot be read, or a cell is not a number.
    """
    if path.suffix.lower() == ".dat":
        return _read_dat(path)
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
                    raise InputError("'{name}' is not a number", path, line, found=text, name=name)
            points.append((float(time), float(value)))
    return series


def _read_dat(path: Path) -> dict[str, Points]:
    try:
        text = read_regular(path).decode("utf-8-sig")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a path that no file can have
        raise InputError("the table cannot be read", path, found=reason_of(error)) from None
    series: dict[str, Points] = {}
    points: Points | None = None
    for line, row in enumerate(text.splitlines(), start=1):
        time, tab, value = (part.strip(" ") for part in row.partition("\t"))
        if not tab and time:
            points = series.setdefault(time, [])
        elif time or value:
            if points is None or not (_is_number(time) and _is_number(value)):
                expected = Message("a name on a line of its own, or a time, a tab and a number")
                raise InputError("the line cannot be read", path, line, expected, row.strip()[:40])
            points.append((float(time), float(value)))
    return series


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


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
    files, faults = OutsideFiles(folder, settings), FaultLog(file)
    text = _with_subscripts(_with_strings(text), files, faults)
    scan = scan_text(text, FaultLog(file))
    given = {name_key(name): points for name, points in (series or {}).items()}
    outside = _Outside(scan, files, given)
    equations = [equation for group in scan.equations.values() for equation in group]
    used = {ref.key for equation in equations for ref, _ in equation.references}
    warnings: list[Fault] = []
    changes: list[tuple[int, int, str]] = []
    for equation in sorted(equations, key=lambda one: one.start):
        name, found = short(equation.name), None
        try:
            new = outside.replacement(equation)
        except ModelError as error:
            (fault,) = error.faults
            if not (isinstance(error, GoneError) and _takes_data(equation)):
                about = Message("'{name}': {fault}", name=name, fault=fault.message)
                faults.fault(about, equation.line, nearest=fault.nearest)
                continue
            points, found = outside.given_points(equation), fault.message
            new = None if points is None else outside.over_time(equation, points)
        end = equation.end
        if new is None and (found or (_is_empty(equation) and name_key(equation.name) in used)):
            new = f"{_left(equation)} = :NA:"
            warnings.append(
                Fault(
                    "'{name}' has no data: it is missing (:NA:), and so is what follows from it",
                    file,
                    equation.line,
                    expected=Message(
                        "an equation, or a table of its data ({data})", data=Option.DATA
                    ),
                    found=found,
                    name=name,
                )
            )
        elif new is not None and equation.form is EquationForm.DATA and "= :NA:" in new:
            message = Message(
                "elements of '{name}' have no data: they are missing (:NA:)", name=name
            )
            warnings.append(Fault(message, file, equation.line))
        elif new is None and _is_empty(equation):
            message = Message("'{name}' has no data and is left out", name=name)
            warnings.append(Fault(message, file, equation.line))
            new, end = "", text.index("|", end) + 1
        if new is not None:
            lines = text.count("\n", equation.start, end) - new.count("\n")
            changes.append((equation.start, end, new + "\n" * lines))
    if faults:
        raise ModelError(faults.by_line())
    digest = hashlib.sha256(b"\0".join(files.read[name] for name in sorted(files.read)))
    return spliced(text, changes), digest.hexdigest(), tuple(warnings)


def _takes_data(equation: Equation) -> bool:
    tree = equation.tree
    return isinstance(tree, Call) and tree.key in (*_DATA_OF_SHEETS, *_DATA_OF_OTHERS)


def _is_empty(equation: Equation) -> bool:
    return equation.form is EquationForm.DATA and equation.tree is None


def _with_strings(text: str) -> str:
    """Put the texts of string variables in the place of their names where files are read."""
    strings = {name_key(name): value for name, value in _STRING.findall(text)}

    def quoted(argument: re.Match[str]) -> str:
        known = strings.get(name_key(argument[1].replace("\\", " ")))
        return argument[0] if known is None else known + "\n" * argument[0].count("\n")

    def call(match: re.Match[str]) -> str:
        return match[1] + _ARGUMENT.sub(quoted, match[2])

    return _FROM_FILE.sub(call, text) if strings else text


def _with_subscripts(text: str, files: OutsideFiles, faults: FaultLog) -> str:
    """Put the elements of ranges that are in files in the place of GET … SUBSCRIPT."""

    def names(match: re.Match[str]) -> str:
        try:
            if len(arguments := _QUOTED.findall(match[1])) != 5:
                raise ModelError("{name} takes five texts", name="GET DIRECT SUBSCRIPT")
            book, tab, *area = arguments
            return ", ".join(files.sheet(book, tab).elements(*area)) + "\n" * match[0].count("\n")
        except ModelError as error:
            line = text.count("\n", 0, match.start()) + 1
            faults.fault(error.faults[0].message, line, nearest=error.faults[0].nearest)
            return "x"

    return _SUBSCRIPT.sub(names, text)


@dataclass(frozen=True)
class _Outside:
    """What stands outside for the equations of one model."""

    scan: Scan
    files: OutsideFiles
    given: Series

    def replacement(self, equation: Equation) -> str | None:
        """Return what replaces an equation; None if it takes nothing from outside, or has none."""
        tree = equation.tree
        if _takes_data(equation):
            pass
        elif isinstance(tree, Call) and tree.key.startswith(("get_direct_", "get_xls_")):
            numbers = self._numbers(equation, tree)
            return _joined(equation, zip(self.scan.covered(equation), numbers, strict=True))
        elif equation.form is not EquationForm.DATA:
            return None
        elif tree and not equation.is_raw and not self._is_read_otherwise(equation):
            right = equation.text.partition(":=")[2]  # it is one as any other
            return f"{_left(equation)} = {right.strip()}"
        points = self._points(equation)
        return None if points is None else self.over_time(equation, points)

    def over_time(self, equation: Equation, points: Sequence[Points]) -> str:
        """Return the equations of data whose points are known."""
        parts = (_over_time(equation, one) for one in points)
        return _joined(equation, zip(self.scan.covered(equation), parts, strict=True))

    def given_points(self, equation: Equation) -> list[Points] | None:
        """Return the data that are given for each element of a variable; None if for none."""
        key = name_key(equation.name)
        labels = (f"{equation.name}[{','.join(cell)}]" for cell in self.scan.covered(equation))
        found = [self.given.get(name_key(label)) or self.given.get(key) or [] for label in labels]
        return found if any(found) else None

    def _numbers(self, equation: Equation, tree: Call) -> Iterable[str]:
        """Return the right-hand side of each element: a number, or a table."""
        kind = tree.key.rpartition("_")[2]
        book, tab, first, *more = _texts(tree, {"constants": 3, "lookups": 4}.get(kind, 0))
        sheet = self.files.sheet(book, tab)
        if kind == "constants":
            ranges = [one for one in equation.subscripts if name_key(one) in self.scan.ranges]
            shape = [len(self.scan.dimension(name)) for name in ranges]
            return [f"= {number!r}" for number in sheet.constants(first, shape)]
        tables = sheet.tables(first, more[0], len(self.scan.covered(equation)))
        if not all(tables):
            raise ModelError("'{name}' has no numbers at '{cells}'", name=book, cells=more[0])
        return [f"({_points(points)})" for points in tables]

    def _points(self, equation: Equation) -> list[Points] | None:
        """Return the points of each element of data; None if it has none."""
        tree = equation.tree
        if isinstance(tree, Call) and tree.key in _DATA_OF_OTHERS:
            raise GoneError("{name} cannot be read", name=tree.key.replace("_", " ").upper())
        if isinstance(tree, Call) and _takes_data(equation):
            book, tab, across, cell = _texts(tree, 4)
            count = len(self.scan.covered(equation))
            return self.files.sheet(book, tab).tables(across, cell, count)
        return self.given_points(equation) if tree is None else self._by_name(equation)

    def _is_read_otherwise(self, equation: Equation) -> bool:
        """Return whether data are another variable's, with another way between their points."""
        match equation.tree:
            case Name(key):
                others = self.scan.equations.get(key, ())
                ways = {_way(other) for other in others if other.form is EquationForm.DATA}
                return bool(ways - {_way(equation)})
            case Call("time_shift"):
                return _way(equation) != "INTERPOLATE"
        return False

    def _by_name(self, equation: Equation) -> list[Points]:
        """Return the points of data that are those of another variable."""
        tree, ranges = equation.tree, [name_key(name) for name in equation.subscripts]
        points: dict[tuple[str, ...], Points] = {}
        others = self.scan.equations.get(tree.key, ()) if isinstance(tree, Name) else ()
        for other in others:
            if other.form is EquationForm.DATA and name_key(other.name) != name_key(equation.name):
                cells = [_keys(cell) for cell in self.scan.covered(other)]
                points |= zip(cells, self._points(other) or [[] for _ in cells], strict=True)
        wanted = []
        for cell in map(_keys, self.scan.covered(equation)):
            bound = dict(zip(ranges, cell, strict=True))
            wanted.append(tuple(bound.get(s, s) for s in getattr(tree, "subscripts", ())))
        if not points.keys() >= set(wanted):
            raise ModelError(
                "only data can be {keyword}, by the name of another variable",
                keyword=f":{_way(equation)}:",
            )
        return [points[cell] for cell in wanted]


def _keys(cell: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(name_key, cell))


def _texts(tree: Call, count: int) -> list[str]:
    """Return the arguments of a function, which are texts."""
    texts = [node.value.strip("'") for node in tree.arguments if isinstance(node, QuotedText)]
    if len(texts) != len(tree.arguments) or len(texts) != count:
        raise ModelError("{name} cannot be read", name=tree.key.replace("_", " ").upper())
    return texts


def _left(equation: Equation) -> str:
    """Return the left-hand side of data without the keyword."""
    return _KEYWORD.sub("", equation.text.partition(":=")[0]).rstrip()


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
            just = JUST * max(1.0, abs(time))
            near += [(time - just, 0.0), (time, 1.0), (time + just, 0.0)]
        there, value = (f"WITH LOOKUP(Time, ({_points(some)}))" for some in (near, points))
        return f"= IF THEN ELSE({there} > 0.5, {value}, :NA:)"
    if way != "INTERPOLATE":
        steps: Points = points[:1]
        for (before, old), (after, new) in itertools.pairwise(points):
            place, step = (after, -JUST) if way == "HOLD BACKWARD" else (before, JUST)
            steps.append((place + step * max(1.0, abs(place)), old if step < 0 else new))
            steps.append((after, new))
        points = steps
    return f"= WITH LOOKUP(Time, ({_points(points)}))"


def _points(points: Points) -> str:
    if len(points) == 1:  # a table has two points or more
        time, value = points[0]
        points = [*points, (time + JUST * max(1.0, abs(time)), value)]
    return ",".join(f"({x!r},{y!r})" for x, y in points)
