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
from pathlib import Path
from typing import TypeAlias

from plansim.errors import Fault, FaultLog, InputError, Message, ModelError, foreign
from plansim.files.reading import read_regular
from plansim.model.reading.equations import Equation, EquationForm, Scan, short
from plansim.model.reading.expression import Call, Name, QuotedText, name_key
from plansim.model.reading.scan import scan_text
from plansim.model.reading.sheets import (
    OutsideError,
    OutsideFiles,
    Points,
    read_constants,
    read_elements,
    read_tables,
)

__all__ = ["JUST", "Series", "inlined", "read_series"]

Series: TypeAlias = Mapping[str, Points]
"""Points of time and value by the name of a variable, ``name`` or ``name[e1,e2]``."""
_SUBSCRIPT = re.compile(r"GET[\s_]+(?:DIRECT|XLS)[\s_]+SUBSCRIPT\s*\(([^()]*)\)", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']*)'")
_KEYWORD = re.compile(r":\s*(INTERPOLATE|LOOK\s+FORWARD|HOLD\s+BACKWARD|RAW)\s*:", re.IGNORECASE)
_SETTING = re.compile(r"^30:(\?[^=\n]+)=([^\n]+)$", re.MULTILINE)
"""What the settings of a file say of a name: ``30:?data=data.xlsx``."""
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
    from plansim.files.reading import read_csv

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
                    message = Message("'{name}' is not a number", name=name)
                    raise InputError(Fault(message, path, line, found=text))
            points.append((float(time), float(value)))
    return series


def _read_dat(path: Path) -> dict[str, Points]:
    try:
        text = read_regular(path).decode("utf-8-sig")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a path that no file can have
        why = foreign(getattr(error, "strerror", None) or error)
        raise InputError(Fault("the table cannot be read", path, found=why)) from None
    series: dict[str, Points] = {}
    points: Points | None = None
    for line, row in enumerate(text.splitlines(), start=1):
        time, tab, value = (part.strip(" ") for part in row.partition("\t"))
        if not tab and time:
            points = series.setdefault(time, [])
        elif time or value:
            if points is None or not (_is_number(time) and _is_number(value)):
                expected = Message("a name on a line of its own, or a time, a tab and a number")
                fault = Fault("the line cannot be read", path, line, expected, row.strip()[:40])
                raise InputError(fault)
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
        except OutsideError as error:
            if error.gone and _takes_data(equation):
                new = _of_series(scan, equation, given)
                if new is None:
                    new = _joined(equation, ((cell, "= :NA:") for cell in scan.covered(equation)))
                    warnings.append(_no_data(equation, file, error.message))
            else:
                about = Message("'{name}': {fault}", name=short(equation.name), fault=error.message)
                faults.fault(about, equation.line, nearest=error.close)
                continue
        if new is None and _is_empty(equation) and name_key(equation.name) in used:
            left = equation.text.partition(":=")[0]
            new = f"{_KEYWORD.sub('', left).rstrip()} = :NA:"
            warnings.append(_no_data(equation, file))
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


def _no_data(equation: Equation, file: Path, found: Message | None = None) -> Fault:
    """Return the warning that a data variable is missing."""
    return Fault(
        "'{name}' has no data: it is missing (:NA:), and so is what follows from it",
        file,
        equation.line,
        expected=Message("an equation, or its data in a table: --data FILE.csv"),
        found=found,
        name=short(equation.name),
    )


def _takes_data(equation: Equation) -> bool:
    tree = equation.tree
    return isinstance(tree, Call) and tree.key in ("get_direct_data", "get_xls_data")


def _is_empty(equation: Equation) -> bool:
    return equation.form is EquationForm.DATA and equation.tree is None


def _with_subscripts(text: str, files: OutsideFiles, faults: FaultLog) -> str:
    """Put the elements of ranges that are in files in the place of GET … SUBSCRIPT."""

    def names(match: re.Match[str]) -> str:
        arguments = _QUOTED.findall(match[1])
        line = text.count("\n", 0, match.start()) + 1
        try:
            if len(arguments) != 5:
                raise OutsideError(Message("{name} takes five texts", name="GET DIRECT SUBSCRIPT"))
            return ", ".join(read_elements(files, *arguments)) + "\n" * match[0].count("\n")
        except OutsideError as error:
            faults.fault(error.message, line, nearest=error.close)
            return "x"

    return _SUBSCRIPT.sub(names, text)


def _replacement(scan: Scan, equation: Equation, files: OutsideFiles, given: Series) -> str | None:
    """Return what replaces an equation; None if it takes nothing from outside."""
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
        numbers = read_constants(files, book, tab, first, shape)
        return _joined(equation, zip(cells, (f"= {number!r}" for number in numbers), strict=True))
    tables = read_tables(files, book, tab, first, more[0], len(cells))
    return _joined(equation, zip(cells, (f"({_points(p)})" for p in tables), strict=True))


def _raw_points(scan: Scan, equation: Equation, files: OutsideFiles, given: Series) -> list[Points]:
    """Return the points of the data of each element, taken by name from others if need be."""
    if _is_empty(equation):
        return _given_points(scan, equation, given) or [[] for _ in scan.covered(equation)]
    own = _points_of(scan, equation, files)
    if own is not None:
        return own
    tree = equation.tree
    refused = OutsideError(Message("only data can be :RAW:, by the name of another variable"))
    if not isinstance(tree, Name):
        raise refused
    own_ranges = [name_key(name) for name in equation.subscripts]
    points: dict[tuple[str, ...], Points] = {}
    for other in scan.equations.get(tree.key, ()):
        if other.form is not EquationForm.DATA or name_key(other.name) == name_key(equation.name):
            raise refused
        found = _raw_points(scan, other, files, given)
        points |= zip((_keys(cell) for cell in scan.covered(other)), found, strict=True)
    wanted = [
        tuple(dict(zip(own_ranges, _keys(cell), strict=True)).get(s, s) for s in tree.subscripts)
        for cell in scan.covered(equation)
    ]
    if any(cell not in points for cell in wanted):
        raise refused
    return [points[cell] for cell in wanted]


def _keys(cell: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(name_key, cell))


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


def _points_of(scan: Scan, equation: Equation, files: OutsideFiles) -> list[Points] | None:
    """Return the data of each element that GET … DATA takes from a file; None if it is another."""
    tree = equation.tree
    if not isinstance(tree, Call) or not _takes_data(equation):
        return None
    book, tab, across, cell = _texts(tree, 4)
    return read_tables(files, book, tab, across, cell, len(scan.covered(equation)))


def _texts(tree: Call, count: int) -> list[str]:
    """Return the arguments of a function, which are texts."""
    texts = [node.value.strip("'") for node in tree.arguments if isinstance(node, QuotedText)]
    if len(texts) != len(tree.arguments) or len(texts) != count:
        raise OutsideError(
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
            just = JUST * max(1.0, abs(time))
            near += [(time - just, 0.0), (time, 1.0), (time + just, 0.0)]
        there, value = (f"WITH LOOKUP(Time, ({_points(some)}))" for some in (near, points))
        return f"= IF THEN ELSE({there} > 0.5, {value}, :NA:)"
    if way != "INTERPOLATE":
        steps: Points = points[:1]
        for (before, old), (after, new) in itertools.pairwise(points):
            just = JUST * max(1.0, abs(before), abs(after))
            steps += [(after - just, old)] if way == "HOLD BACKWARD" else [(before + just, new)]
            steps.append((after, new))
        points = steps
    return f"= WITH LOOKUP(Time, ({_points(points)}))"


def _points(points: Points) -> str:
    if len(points) == 1:  # a table has two points or more
        time, value = points[0]
        points = [*points, (time + JUST * max(1.0, abs(time)), value)]
    return ",".join(f"({x!r},{y!r})" for x, y in points)
