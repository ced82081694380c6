"""A scan of a Vensim file (``.mdl``): its entries, where they stand, and what is wrong with them.

The scan comes before any engine reads the file, since engines give no lines and stop at the first
fault. It knows the form of the file and of its equations, not what they mean: see `records`.

Reference: https://www.vensim.com/documentation/ref_text_editor.html
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from itertools import product
from math import prod
from pathlib import Path

from plansim.errors import Fault, nearest
from plansim.model.expression import (
    FUNCTIONS,
    NAME,
    UNCOMPUTED_FUNCTIONS,
    EquationSyntaxError,
    Expression,
    Reference,
    name_key,
    read_expression,
    read_lookup,
    read_subscripts,
    single_spaced,
)

__all__ = ["MAX_ELEMENTS", "Equation", "Form", "Range", "Scan", "scan"]

MAX_ELEMENTS = 200_000
"""How many elements the subscript ranges, or the equations of arrays, may have in all."""

_MAX_GUESSES = 20  # names for which the nearest is looked up: a page of faults, not seconds
_SKETCH = "\\\\\\---///"
_SEPARATOR = re.compile(r'"(?:\\"|[^"\n])*"|[~|]')
_COMMENT_SEPARATOR = re.compile(r"[~|]")
_SPACE = re.compile(r"[\s\\]*")
_ENCODING = re.compile(r"\s*\{[^{}\n]*\}")
_NAME = re.compile(NAME)
_KEYWORD = re.compile(r":[A-Za-z ]+:")
_EXCEPT = re.compile(r":EXCEPT:", re.IGNORECASE)
_NEXT_ENTRY = re.compile(r"\n(?=\*{3}|[\w\"][^\n~|]*[=(:])")
_LIMITS = re.compile(r"\[([^\[\]]*)\]$")
_LIMIT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NUMERIC_RANGE = re.compile(r"\(\s*(\w[\w'$\s]*?)(\d{1,9})\s*-\s*(\w[\w'$\s]*?)(\d{1,9})\s*\)")


class Form(StrEnum):
    """How an equation is written."""

    EQUATION = "="
    UNCHANGEABLE = "=="
    DATA = ":="
    LOOKUP = "()"


@dataclass(frozen=True)
class Equation:
    """One equation as it stands in the file; an array may have several."""

    name: str
    subscripts: tuple[str, ...]
    exceptions: tuple[tuple[str, ...], ...]
    form: Form
    text: str
    unit: str
    limits: tuple[float | None, float | None]
    comment: str
    group: str
    line: int
    expression: Expression
    lines: Mapping[int, int] = field(repr=False)
    """The line of each reference, by its offset."""


@dataclass(frozen=True)
class Range:
    """A subscript range with its elements, sub-ranges resolved."""

    name: str
    elements: tuple[str, ...]
    comment: str
    line: int


@dataclass(frozen=True)
class Scan:
    """What a file says, and what is wrong with it."""

    equations: Mapping[str, tuple[Equation, ...]]
    """By `name_key`, in the order of the file."""
    ranges: Mapping[str, Range]
    """By `name_key`."""
    elements: Mapping[str, str]
    """The names of the elements of all ranges, by `name_key`."""
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]

    def dimension(self, subscript: str) -> tuple[str, ...]:
        """Give the elements that a subscript on a left-hand side stands for."""
        key = name_key(subscript)
        if key in self.ranges:
            return self.ranges[key].elements
        return (self.elements.get(key, subscript),)

    def covered(self, equation: Equation) -> tuple[tuple[str, ...], ...]:
        """Give the elements that an equation defines, in order, row by row."""
        excepted = {
            element
            for exception in equation.exceptions
            for element in product(*map(self.dimension, exception))
        }
        cells = product(*map(self.dimension, equation.subscripts))
        return tuple(cell for cell in cells if cell not in excepted)


@dataclass(frozen=True)
class _Entry:
    """The parts of an entry as offsets; the comment may be missing."""

    start: int
    end: int
    unit: str
    comment: str
    group: str


@dataclass(frozen=True)
class _RawRange:
    name: str
    members: tuple[str, ...]
    comment: str
    line: int
    open: bool = False  # its elements stand in another file


class _Source:
    """The text of a file with its lines."""

    def __init__(self, text: str, file: Path) -> None:
        self.file = file
        self.raw = text
        # A backslash at the end of a line continues it: spaces keep every offset.
        self.text = text.replace("\\\n", "  ")
        self.end = len(self.text)
        sketch = self.text.find(_SKETCH)
        if sketch >= 0:
            self.end = sketch
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.unreadable: set[str] = set()  # keys of equations with a fault of syntax

    def line(self, offset: int) -> int:
        """Give the line of an offset, counted from 1."""
        return bisect_right(self._newlines, offset - 1) + 1

    def skip(self, offset: int, end: int) -> int:
        """Give the next place that is no white space."""
        match = _SPACE.match(self.text, offset, end)
        return match.end() if match else offset

    def fault(
        self,
        message: str,
        line: int,
        expected: str | None = None,
        found: str | None = None,
        nearest: str | None = None,
    ) -> None:
        """Note a fault."""
        self.faults.append(Fault(message, self.file, line, expected, found, nearest))


def scan(text: str, file: Path) -> Scan:
    """Scan the text of a Vensim file.

    Args:
        text: the whole file, with line feeds only.
        file: how messages call the file.

    Returns:
        All equations and ranges that could be read, and all faults, by line.
    """
    source = _Source(text, file)
    macro = re.search(r":MACRO:", source.text[: source.end], re.IGNORECASE)
    if macro:
        source.fault(
            "macros cannot be read",
            source.line(macro.start()),
            expected="the macro's equations written out where they are used",
        )
        return _result(source, {}, {}, {})
    equations: dict[str, list[Equation]] = {}
    raw_ranges: dict[str, _RawRange] = {}
    for entry in _entries(source):
        try:
            item = _read_entry(source, entry)
        except EquationSyntaxError as error:
            line = source.line(min(error.offset, max(entry.start, entry.end - 1)))
            source.fault(_about(source, entry, error), line, error.expected, error.found)
            item = _left_side(source, entry)
        if isinstance(item, Equation):
            equations.setdefault(name_key(item.name), []).append(item)
        elif isinstance(item, _RawRange):
            _add_range(source, raw_ranges, item)
    ranges, elements = _resolve_ranges(source, raw_ranges)
    any_open = any(raw.open for raw in raw_ranges.values())
    result = _result(source, equations, ranges, elements)
    _check_subscripts(source, result, any_open)
    _check_doubled(source, result)
    _check_names(source, result)
    return _result(source, equations, ranges, elements)


def _result(
    source: _Source,
    equations: Mapping[str, list[Equation]],
    ranges: Mapping[str, Range],
    elements: Mapping[str, str],
) -> Scan:
    return Scan(
        equations={key: tuple(group) for key, group in equations.items()},
        ranges=ranges,
        elements=elements,
        faults=tuple(sorted(source.faults, key=lambda fault: fault.line or 0)),
        warnings=tuple(sorted(source.warnings, key=lambda fault: fault.line or 0)),
    )


# Entries: ``equation ~ unit ~ comment |``


def _entries(source: _Source) -> Iterator[_Entry]:
    """Cut the text at its separators; group headings are read and passed over."""
    group = ""
    at = 0
    encoding = _ENCODING.match(source.text)
    if encoding:
        at = encoding.end()
    while (start := source.skip(at, source.end)) < source.end:
        cuts, ended = _cuts(source, start)
        at = cuts[-1] + 1
        parts = list(zip([start, *(cut + 1 for cut in cuts[:-1])], cuts, strict=True))
        if source.text.startswith("*", start):
            heading = source.text[slice(*parts[0])]
            group = single_spaced(heading.strip("*\\ \t\n")).lstrip(".")
            if not ended or len(parts) > 3:
                source.fault("the heading of a group has no '|' at its end", source.line(start))
                following = _NEXT_ENTRY.search(source.text, parts[0][1], at)
                at = following.end() if following else at
            continue
        flagged = len(parts) == 4 and source.text[slice(*parts[3])].strip()[:1] in ("", ":")
        if ended and (len(parts) == 3 or flagged):
            pass
        elif len(parts) < 3:
            source.fault(
                f"an equation is incomplete: {_first_words(source, start)}",
                source.line(start),
                expected="equation ~ unit ~ comment |",
                found=f"{len(parts) - 1} '~'" + ("" if ended else " and no '|'"),
            )
        else:
            # What follows was taken for its comment: find the next entry in there.
            following = _NEXT_ENTRY.search(source.text, *parts[2])
            expected = "'|' after its comment"
            if following:
                expected += f", before {_first_words(source, following.end())}"
                at = following.end()
                parts[2] = (parts[2][0], following.start())
            source.fault(
                f"an equation has no '|' at its end: {_first_words(source, start)}",
                source.line(start),
                expected=expected,
            )
        texts = [source.text[slice(*part)] for part in parts[1:3]]
        unit, comment = [*texts, "", ""][:2]
        yield _Entry(start, parts[0][1], unit.strip(), comment, group)


def _cuts(source: _Source, start: int) -> tuple[list[int], bool]:
    """Give the places of an entry's ``~`` and of its end, and whether ``|`` stands there."""
    cuts: list[int] = []
    at = start
    while True:
        # A quoted name may hold a separator, but a comment may hold a single quotation mark.
        pattern = _COMMENT_SEPARATOR if len(cuts) == 2 else _SEPARATOR
        match = pattern.search(source.text, at, source.end)
        if not match:
            return [*cuts, source.end], False
        at = match.end()
        if match[0] == "|":
            return [*cuts, match.start()], True
        if match[0] == "~":
            cuts.append(match.start())
            if len(cuts) > 4:  # far beyond what an entry has: its end was forgotten
                return cuts, False


def _first_words(source: _Source, start: int) -> str:
    """Quote how an entry begins."""
    return "'" + single_spaced(source.text[start : start + 60].split("\n")[0])[:40].strip() + "'"


def _about(source: _Source, entry: _Entry, error: EquationSyntaxError) -> str:
    name = _NAME.match(source.text, entry.start, entry.end)
    return f"{error.message} in '{single_spaced(name[0])[:80]}'" if name else error.message


# Left-hand sides


def _read_entry(source: _Source, entry: _Entry) -> Equation | _RawRange | None:
    """Read an entry; None if it is no part of the simulation (a Reality Check).

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    text, end = source.text, entry.end
    while end > entry.start and text[end - 1] in " \t\n\\":
        end -= 1
    name, subscripts, exceptions, at = _read_name(source, entry.start, end)
    keyword = _KEYWORD.match(text, at, end)
    if keyword:
        if keyword[0].upper() in (":THE CONDITION:", ":TEST INPUT:"):
            return None
        at = source.skip(keyword.end(), end)
        if at < end and not text.startswith(":=", at):
            raise EquationSyntaxError(
                at, f"nothing but data can follow {keyword[0]}", expected="':='"
            )
    if text.startswith("<->", at, end):
        copied = single_spaced(text[at + 3 : end])
        return _RawRange(name, (copied,), entry.comment, source.line(entry.start))
    form = next((form for form in _WITH_MARK if text.startswith(form, at, end)), None)
    right = source.skip(at + len(form), end) if form else at
    if form is None and keyword:
        form, right = Form.DATA, end
    elif text.startswith("(", at, end):
        form = Form.LOOKUP
    elif form is None and text.startswith(":", at, end):
        return _read_range(source, name, at + 1, end, entry)
    elif form is None:
        raise EquationSyntaxError(
            min(at, end - 1),
            "there is no equation",
            expected="'=' after the name",
            found=f"'{single_spaced(text[at : min(end, at + 20)])}'" if at < end else None,
        )
    expression = Expression()
    if form is Form.LOOKUP:
        read_lookup(text, right, end)
    elif right < end:
        expression = read_expression(text, right, end)
    elif form is not Form.DATA:
        raise EquationSyntaxError(end - 1, "nothing follows the sign of equality")
    return _equation(source, entry, name, subscripts, exceptions, form, expression)


_WITH_MARK = (Form.DATA, Form.UNCHANGEABLE, Form.EQUATION)  # tried in this order


def _equation(
    source: _Source,
    entry: _Entry,
    name: str,
    subscripts: tuple[str, ...],
    exceptions: tuple[tuple[str, ...], ...],
    form: Form,
    expression: Expression,
) -> Equation:
    unit, limits = _read_unit(source, entry)
    return Equation(
        name=name,
        subscripts=subscripts,
        exceptions=exceptions,
        form=form,
        text=source.raw[entry.start : entry.end].strip(),
        unit=unit,
        limits=limits,
        comment=entry.comment,
        group=entry.group,
        line=source.line(entry.start),
        expression=expression,
        lines={ref.offset: source.line(ref.offset) for ref in expression.references},
    )


def _left_side(source: _Source, entry: _Entry) -> Equation | _RawRange | None:
    """Keep the name of what cannot be read, lest all who use it be called faulty too."""
    try:
        name, subscripts, exceptions, at = _read_name(source, entry.start, entry.end)
    except EquationSyntaxError:
        return None
    if source.text[at : at + 1] == ":" and source.text[at : at + 2] != ":=":
        return _RawRange(name, (), entry.comment, source.line(entry.start), open=True)
    source.unreadable.add(name_key(name))
    return _equation(source, entry, name, subscripts, exceptions, Form.EQUATION, Expression())


def _read_name(
    source: _Source, start: int, end: int
) -> tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...], int]:
    """Read ``name [subscripts] :EXCEPT: [subscripts], …``; also give where it ends."""
    text = source.text
    match = _NAME.match(text, start, end)
    if not match or match[0][0].isdecimal():
        raise EquationSyntaxError(
            start, "an equation does not begin with a name", found=_first_words(source, start)
        )
    subscripts: tuple[str, ...] = ()
    exceptions = []
    at = source.skip(match.end(), end)
    if text.startswith("[", at, end):
        subscripts, at = read_subscripts(text, at, end)
        at = source.skip(at, end)
    excepted = _EXCEPT.match(text, at, end)
    if excepted:
        at = source.skip(excepted.end(), end)
        while True:
            if not text.startswith("[", at, end):
                raise EquationSyntaxError(
                    min(at, end - 1), "no subscripts follow :EXCEPT:", expected="'['"
                )
            exception, at = read_subscripts(text, at, end)
            exceptions.append(exception)
            at = source.skip(at, end)
            if not text.startswith(",", at, end):
                break
            at = source.skip(at + 1, end)
    return single_spaced(match[0]), subscripts, tuple(exceptions), at


def _read_unit(source: _Source, entry: _Entry) -> tuple[str, tuple[float | None, float | None]]:
    """Part ``unit [low, high]``."""
    unit = single_spaced(entry.unit)
    match = _LIMITS.search(unit) if unit.endswith("]") else None
    if not match:
        if unit.endswith("]"):
            _limits_fault(source, entry, unit)
        return unit, (None, None)
    low_high: list[float | None] = []
    for word in (piece.strip() for piece in match[1].split(",")):
        if word == "?":
            low_high.append(None)
        elif _LIMIT.fullmatch(word):
            low_high.append(float(word))
        else:
            _limits_fault(source, entry, unit)
            return unit[: match.start()].strip(), (None, None)
    low, high = [*low_high, None][:2]
    if len(low_high) > 3 or (low is not None and high is not None and low > high):
        _limits_fault(source, entry, unit)
    return unit[: match.start()].strip(), (low, high)


def _limits_fault(source: _Source, entry: _Entry, unit: str) -> None:
    source.fault(
        f"the limits in the unit cannot be read: {_first_words(source, entry.start)}",
        source.line(entry.start),
        expected="'[lowest,highest]' with '?' for none",
        found=f"'{unit[-60:]}'",
    )


# Subscript ranges


def _read_range(source: _Source, name: str, start: int, end: int, entry: _Entry) -> _RawRange:
    definition = source.text[start:end].partition("->")[0]
    line = source.line(entry.start)
    if re.match(r"\s*GET\b", definition, re.IGNORECASE):
        return _RawRange(name, (), entry.comment, line, open=True)
    members: list[str] = []
    for piece in definition.replace("\\", " ").split(","):
        numeric = _NUMERIC_RANGE.fullmatch(piece.strip())
        word = _NAME.fullmatch(piece.strip())
        if numeric:
            first, last = int(numeric[2]), int(numeric[4])
            if numeric[1] != numeric[3] or not 0 < last - first < MAX_ELEMENTS:
                raise EquationSyntaxError(
                    start,
                    "a numeric subscript range cannot be read",
                    expected="'(name1-name9)'",
                    found=f"'{piece.strip()[:40]}'",
                )
            members += (f"{numeric[1]}{number}" for number in range(first, last + 1))
        elif word:
            members.append(single_spaced(word[0]))
        else:
            raise EquationSyntaxError(
                start,
                "the elements of a subscript range cannot be read",
                expected="names separated by commas",
                found=f"'{single_spaced(piece)[:40]}'",
            )
    seen: set[str] = set()
    for member in members:
        if name_key(member) in seen:
            source.fault(f"the range '{name}' names '{member}' twice", line)
        seen.add(name_key(member))
    return _RawRange(name, tuple(members), entry.comment, line)


def _add_range(source: _Source, ranges: dict[str, _RawRange], new: _RawRange) -> None:
    old = ranges.setdefault(name_key(new.name), new)
    if old is not new:
        source.fault(
            f"the subscript range '{new.name}' is defined twice",
            new.line,
            found=f"the first one on line {old.line}",
        )


def _resolve_ranges(
    source: _Source, raw: Mapping[str, _RawRange]
) -> tuple[dict[str, Range], dict[str, str]]:
    """Put the elements of sub-ranges in the place of their names."""
    parts = {
        key: [other for member in range_.members if (other := name_key(member)) in raw]
        for key, range_ in raw.items()
    }
    try:
        order = list(TopologicalSorter(parts).static_order())
    except CycleError as error:
        cycle = [raw[key] for key in error.args[1]]
        source.fault(
            "subscript ranges contain each other",
            cycle[0].line,
            found=", ".join(range_.name for range_ in cycle[:10]),
        )
        return {}, {}
    elements: dict[str, str] = {}
    members: dict[str, dict[str, str]] = {}
    total = 0
    for key in order:
        own: dict[str, str] = {}
        for member in raw[key].members:
            inner = name_key(member)
            own.update(
                members[inner] if inner in raw else {inner: elements.setdefault(inner, member)}
            )
        total += len(own)
        if total > MAX_ELEMENTS:
            source.fault(
                "the subscript ranges are too large",
                raw[key].line,
                expected=f"at most {MAX_ELEMENTS} elements in all",
            )
            return {}, {}
        members[key] = own
    ranges = {
        key: Range(raw[key].name, tuple(members[key].values()), raw[key].comment, raw[key].line)
        for key in raw
    }
    return ranges, elements


# Checks across equations


def _check_subscripts(source: _Source, result: Scan, any_open: bool) -> None:
    """Find subscripts that no range knows, and arrays whose number of subscripts varies."""
    known = result.ranges.keys() | result.elements.keys()
    names = [
        *(range_.name for range_ in result.ranges.values()),
        *result.elements.values(),
    ]
    guesses = 0

    def check(subscripts: tuple[str, ...], line: int, owner: str) -> None:
        nonlocal guesses
        for subscript in subscripts:
            if any_open or name_key(subscript.rstrip("!")) in known:
                continue
            guesses += 1
            source.fault(
                f"no subscript range or element is called '{subscript[:80]}', in '{owner}'",
                line,
                nearest=nearest(subscript, names) if guesses <= _MAX_GUESSES else None,
            )

    rank = {key: len(group[0].subscripts) for key, group in result.equations.items()}
    for key, group in result.equations.items():
        for equation in group:
            check(equation.subscripts, equation.line, equation.name)
            for exception in equation.exceptions:
                check(exception, equation.line, equation.name)
            if any(len(part) != rank[key] for part in (equation.subscripts, *equation.exceptions)):
                source.fault(
                    f"'{equation.name}' does not have as many subscripts everywhere",
                    equation.line,
                    expected=f"{rank[key]}, as on line {group[0].line}",
                    found=f"{len(equation.subscripts)}",
                )
            for ref in equation.expression.references:
                line = equation.lines[ref.offset]
                check(ref.subscripts, line, equation.name)
                wanted = rank.get(name_key(ref.name))
                if wanted is not None and wanted != len(ref.subscripts) and not _computed(ref):
                    source.fault(
                        f"'{ref.name}' is used with the wrong number of subscripts "
                        f"in '{equation.name}'",
                        line,
                        expected=f"{wanted}",
                        found=f"{len(ref.subscripts)}",
                    )


def _check_doubled(source: _Source, result: Scan) -> None:
    """Find variables, or elements of arrays, that have more than one equation."""
    cells_left = MAX_ELEMENTS
    for group in result.equations.values():
        first_line: dict[tuple[str, ...], int] = {}
        if len(group) == 1:
            continue
        for equation in group:
            cells_left -= sum(
                prod(len(result.dimension(subscript)) for subscript in subscripts)
                for subscripts in (equation.subscripts, *equation.exceptions)
            )
            if cells_left < 0:
                source.fault(
                    "arrays with several equations are too large to be checked",
                    equation.line,
                    expected=f"at most {MAX_ELEMENTS} elements in all",
                )
                return
            cells = [tuple(map(name_key, cell)) for cell in result.covered(equation)]
            twice = next((cell for cell in cells if cell in first_line), None)
            if twice is not None:
                what = f"'{equation.name}'"
                if equation.subscripts:
                    what += f" for [{', '.join(result.elements.get(key, key) for key in twice)}]"
                source.fault(
                    f"{what} is defined twice",
                    equation.line,
                    found=f"the first one on line {first_line[twice]}",
                )
            for cell in cells:
                first_line.setdefault(cell, equation.line)


def _check_names(source: _Source, result: Scan) -> None:
    """Find names that nothing defines, and functions that are used wrongly."""
    names = [group[0].name for group in result.equations.values()]
    functions = [key.replace("_", " ").upper() for key in FUNCTIONS]
    lookups = {
        key: group[0].name
        for key, group in result.equations.items()
        if any(eq.form is Form.LOOKUP or eq.expression.reads_lookup for eq in group)
    }
    guesses = 0
    for group in result.equations.values():
        for equation in group:
            reported: set[str] = set()
            for ref in equation.expression.references:
                key = name_key(ref.name)
                line = equation.lines[ref.offset]
                if ref.arguments is not None and key in FUNCTIONS:
                    _check_arguments(source, ref, FUNCTIONS[key], line)
                elif ref.arguments is not None and key in UNCOMPUTED_FUNCTIONS:
                    source.warnings.append(
                        Fault(f"the engine cannot compute {ref.name}", source.file, line)
                    )
                elif key in reported or (ref.arguments is None and _is_known(result, key)):
                    continue
                elif ref.arguments is not None and key in lookups:
                    if ref.arguments != 1:
                        _check_arguments(source, ref, 1, line)
                elif ref.arguments is not None and key in result.equations:
                    if key not in source.unreadable:
                        source.fault(
                            f"'{ref.name}' is neither a function nor a lookup, "
                            f"but is used as one in '{equation.name}'",
                            line,
                        )
                else:
                    reported.add(key)
                    guesses += 1
                    called = ref.arguments is not None
                    candidates = [*functions, *lookups.values()] if called else names
                    source.fault(
                        f"no {'function or lookup' if called else 'variable'} is called "
                        f"'{ref.name[:80]}', in '{equation.name}'",
                        line,
                        nearest=nearest(ref.name, candidates) if guesses <= _MAX_GUESSES else None,
                    )


def _is_known(result: Scan, key: str) -> bool:
    return (
        key in result.equations or key == "time" or key in result.ranges or key in result.elements
    )


def _computed(ref: Reference) -> bool:
    """Whether a reference is a call of one of Vensim's own functions."""
    key = name_key(ref.name)
    return ref.arguments is not None and (key in FUNCTIONS or key in UNCOMPUTED_FUNCTIONS)


def _check_arguments(source: _Source, ref: Reference, wanted: int | None, line: int) -> None:
    if wanted is not None and ref.arguments != wanted:
        source.fault(
            f"{ref.name} has the wrong number of arguments",
            line,
            expected=f"{wanted}",
            found=f"{ref.arguments}",
        )
