"""The form of a Vensim file: its entries and equations, where they stand, and faults of syntax.

The scan comes before any engine reads the file, since engines give no lines and stop at the first
fault. It takes time proportional to the file's length. What must hold between equations is for
`lint` to judge, what they say about variables for `build`.

Reference: https://www.vensim.com/documentation/ref_text_editor.html
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import product
from math import prod
from typing import NamedTuple, TypeAlias

from plansim.errors import FaultLog, Message
from plansim.model.expression import Call, Name, Node, Numbers, Role, references, walk
from plansim.model.syntax import (
    NAME,
    TABLES_FROM_FILES,
    EquationSyntaxError,
    name_key,
    read_lookup,
    read_right_side,
    read_subscripts,
    single_spaced,
)

__all__ = [
    "MAX_ELEMENTS",
    "SKETCH",
    "Equation",
    "EquationForm",
    "Macro",
    "Range",
    "Scan",
    "around_sketch",
    "scan_text",
    "short",
]

MAX_ELEMENTS = 200_000
"""How many elements the subscript ranges, or the equations of arrays, may have in all."""

SKETCH = "\\\\\\---///"
"""Where the drawings begin, after the equations."""
_AFTER_SKETCH = re.compile(rb"^(?:///---\\\\\\|:L\x7f?<%\^E!@)", re.MULTILINE)
"""Where the drawings end, or without such a line the settings begin."""
_SEPARATOR = re.compile(r'"(?:\\"|[^"\n])*"|[~|{]')
_RAW = re.compile(r":\s*RAW\s*:", re.IGNORECASE)
_CURLY = re.compile(r"[{}]")
_COMMENT_SEPARATOR = re.compile(r"[~|]")
_SPACE = re.compile(r"[\s\\]*")
_NO_BREAK = re.compile(r"[^\n]")
_ENCODING = re.compile(r"\s*\{[^{}\n]*\}")
_NAME = re.compile(NAME)
_MACRO = re.compile(r"^[ \t]*:MACRO:", re.IGNORECASE | re.MULTILINE)
_MACRO_HEAD = re.compile(r"\s*(\w[\w'$\s]*?)\s*\(([^()]*)\)", re.IGNORECASE)
_MACRO_END = re.compile(r":END OF MACRO:", re.IGNORECASE)
_KEYWORD = re.compile(r":[A-Za-z ]+:")
_EXCEPT = re.compile(r":EXCEPT:", re.IGNORECASE)
_NEXT_ENTRY = re.compile(r"\n(?=\*{3}|[\w\"][^\n~|]*[=(:])")
_LIMIT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMERIC_RANGE = re.compile(r"\(\s*(\w[\w'$\s]*?)(\d{1,9})\s*-\s*(\w[\w'$\s]*?)(\d{1,9})\s*\)")
_MAPPED = re.compile(r"\(\s*([^:()]+):([^()]*)\)|([^,()]+)")


class EquationForm(StrEnum):
    """How an equation is written."""

    EQUATION = "="
    UNCHANGEABLE = "=="
    DATA = ":="
    LOOKUP = "()"
    OUTPUT = ":"
    """A macro that another equation calls gives it."""


@dataclass(frozen=True)
class Equation:
    """One equation as it stands in the file; an array may have several."""

    name: str
    subscripts: tuple[str, ...]
    exceptions: tuple[tuple[str, ...], ...]
    form: EquationForm
    text: str
    unit: str
    limits: tuple[float | None, float | None]
    comment: str
    group: str
    line: int
    start: int
    """The offset of its first character in the file."""
    tree: Node | None
    """The right-hand side; None if it cannot be read, or is missing as data may."""

    @cached_property
    def references(self) -> tuple[tuple[Name | Call, Role], ...]:
        """All names on the right-hand side, of variables and of functions, with their roles."""
        return tuple(references(self.tree)) if self.tree else ()

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The numbers, row by row, of a right-hand side that has nothing else."""
        return self.tree.values if isinstance(self.tree, Numbers) else None

    @property
    def formula(self) -> Node | None:
        """The right-hand side of an equation that computes its variable from others."""
        plain = self.form in (EquationForm.EQUATION, EquationForm.UNCHANGEABLE)
        return self.tree if plain and not isinstance(self.tree, Numbers) else None

    @cached_property
    def called(self) -> frozenset[str]:
        """The keys of all functions and lookup tables that are called."""
        return frozenset(ref.key for ref, _ in self.references if isinstance(ref, Call))

    @property
    def is_raw(self) -> bool:
        """Whether it gives data that have no value between their points."""
        return self.form is EquationForm.DATA and bool(_RAW.search(self.text.partition(":=")[0]))

    @property
    def is_table(self) -> bool:
        """Whether it gives a lookup table, be it from another file."""
        return self.form is EquationForm.LOOKUP or not self.called.isdisjoint(TABLES_FROM_FILES)

    def line_of(self, node: Name | Call) -> int:
        """Return the line in the file on which a name of the right-hand side begins."""
        return self.line + self.text.count("\n", 0, node.start - self.start)


Equations: TypeAlias = Mapping[str, tuple[Equation, ...]]
"""By `name_key`."""


@dataclass(frozen=True)
class Range:
    """A subscript range with its elements, sub-ranges resolved."""

    name: str
    elements: tuple[str, ...]
    mapped: tuple[tuple[str, tuple[str, ...]], ...]
    """The names of those whose elements stand for its own, each with what stands for each of its
    elements, an element or a sub-range; with nothing if that is one for one."""
    comment: str
    line: int


@dataclass(frozen=True)
class Macro:
    """A function that the model defines by equations of its own."""

    name: str
    inputs: tuple[str, ...]
    """By `name_key`."""
    equations: Equations
    """By `name_key`; that of the macro's own name gives its value."""
    line: int
    outputs: tuple[str, ...] = ()
    """The variables that it gives beside its value, by `name_key`."""


@dataclass(frozen=True)
class Scan:
    """What a file says, and what is wrong with it."""

    equations: Mapping[str, tuple[Equation, ...]]
    """By `name_key`, in the order of the file."""
    ranges: Mapping[str, Range]
    """By `name_key`."""
    elements: Mapping[str, str]
    """The names of the elements of all ranges, by `name_key`."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """The comments of the groups, by name, in the order of the file."""
    unreadable: frozenset[str] = frozenset()
    """The keys of those equations that have a fault of syntax."""
    open_ended: bool = False
    """Whether there are elements that the scan cannot know: they stand in another file."""
    macros: Mapping[str, Macro] = field(default_factory=dict)
    """By `name_key`."""

    def dimension(self, subscript: str) -> tuple[str, ...]:
        """Return the elements that a subscript on a left-hand side stands for."""
        key = name_key(subscript)
        if key in self.ranges:
            return self.ranges[key].elements
        return (self.elements.get(key, subscript),)

    def size(self, equation: Equation) -> int:
        """Return how many elements `covered` would have to look at."""
        return sum(
            prod(len(self.dimension(name)) for name in subscripts)
            for subscripts in (equation.subscripts, *equation.exceptions)
        )

    def covered(self, equation: Equation) -> tuple[tuple[str, ...], ...]:
        """Return the elements that an equation defines, in order, row by row."""
        excepted = {
            element
            for exception in equation.exceptions
            for element in product(*map(self.dimension, exception))
        }
        cells = product(*map(self.dimension, equation.subscripts))
        return tuple(cell for cell in cells if cell not in excepted)


@dataclass(frozen=True)
class _Entry:
    """The parts of an entry; the equation as offsets."""

    start: int
    end: int
    unit: str
    comment: str
    group: str
    complete: bool  # else only its left-hand side is of use


@dataclass(frozen=True)
class _RawRange:
    name: str
    members: tuple[str, ...]
    comment: str
    line: int
    mapped: tuple[tuple[str, tuple[str, ...]], ...] = ()
    open: bool = False  # its elements stand in another file


class _Source:
    """The text of a file with its lines."""

    def __init__(self, text: str, log: FaultLog, slips: FaultLog) -> None:
        self.raw = text
        self.slips = slips
        # A backslash at the end of a line continues it: spaces keep every offset.
        self.text = text.replace("\\\n", "  ")
        sketch = text.find(SKETCH)
        self.end = sketch if sketch >= 0 else len(text)
        self.log = log
        self.unreadable: set[str] = set()
        self.groups: dict[str, str] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]

    def line(self, offset: int) -> int:
        """Return the line of an offset, counted from 1."""
        return bisect_right(self._newlines, offset - 1) + 1

    def blank(self, start: int, end: int) -> None:
        """Put spaces in the place of a part of the text, which keeps every offset."""
        kept = self.text[:start] + _NO_BREAK.sub(" ", self.text[start:end])
        self.text = kept + self.text[end:]

    def only(self, start: int, end: int) -> _Source:
        """Return a source of a part of the text; it shares what is noted."""
        part = copy.copy(self)
        part.blank(0, start)
        part.end = end
        return part

    def skip(self, offset: int, end: int) -> int:
        """Return the next place that is no white space."""
        match = _SPACE.match(self.text, offset, end)
        return match.end() if match else offset


def around_sketch(data: bytes) -> tuple[bytes, bytes]:
    """Return what stands in a Vensim file before its drawings and what stands after them.

    Before are the equations, after are the settings, from the line on that ends the drawings.
    """
    start = data.find(SKETCH.encode())
    if start < 0:
        return data, b""
    end = _AFTER_SKETCH.search(data, start)
    return data[:start], data[end.start() :] if end else b""


def scan_text(text: str, log: FaultLog, slips: FaultLog | None = None) -> Scan:
    """Scan the text of a Vensim file.

    Args:
        text: the whole file, with line feeds only.
        log: is given the faults of syntax.
        slips: is given those that hinder no run; by default as ``log``.

    Returns:
        All equations and ranges, those with a fault of syntax included as far as they go.
    """
    source = _Source(text, log, log if slips is None else slips)
    macros = dict(_macros(source))
    if _MACRO.search(source.text, 0, source.end):
        return Scan({}, {}, {})  # without its end a macro holds the rest of the file
    equations, raw_ranges = _read_all(source)
    ranges, elements = _resolve_ranges(log, raw_ranges)
    macros = {
        key: replace(macro, equations=_with_outputs(log, macro.equations, macros))
        for key, macro in macros.items()
    }
    return Scan(
        equations=_with_outputs(log, equations, macros),
        ranges=ranges,
        elements=elements,
        groups=source.groups,
        unreadable=frozenset(source.unreadable),
        open_ended=any(raw.open for raw in raw_ranges.values()) or len(ranges) < len(raw_ranges),
        macros=macros,
    )


def _read_all(source: _Source) -> tuple[dict[str, tuple[Equation, ...]], dict[str, _RawRange]]:
    """Read all equations and ranges of a text; faults are noted."""
    equations: dict[str, list[Equation]] = {}
    raw_ranges: dict[str, _RawRange] = {}
    log = source.log
    for entry in _entries(source):
        _blank_remarks(source, entry)
        try:
            item = (_read_entry if entry.complete else _left_side_alone)(source, entry)
        except EquationSyntaxError as error:
            if _is_unfinished(source, entry, equations):
                continue
            line = source.line(min(error.offset, max(entry.start, entry.end - 1)))
            log.fault(_about(source, entry, error), line, error.expected, error.found)
            item = _left_side_alone(source, entry)
        if isinstance(item, Equation):
            equations.setdefault(name_key(item.name), []).append(item)
        elif isinstance(item, _RawRange):
            _add_range(log, raw_ranges, item)
        if log.is_full:
            break
    return {key: tuple(group) for key, group in equations.items()}, raw_ranges


def _blank_remarks(source: _Source, entry: _Entry) -> None:
    """Blank the remarks in curly brackets of an equation, which keeps every offset."""
    at = entry.start
    while found := _SEPARATOR.search(source.text, at, entry.end):
        at = found.end()
        if found[0] == "{":
            at = _remark_end(source, found.start())
            source.blank(found.start(), at if at > found.end() else found.start())


def _remark_end(source: _Source, start: int) -> int:
    """Return where a remark ends, within which others may stand; where it began if it does not."""
    depth = 0
    for found in _CURLY.finditer(source.text, start, source.end):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.end()
    return start + 1


def _is_unfinished(
    source: _Source, entry: _Entry, equations: Mapping[str, Sequence[Equation]]
) -> bool:
    """Return whether an entry is the blank one that Vensim writes behind A FUNCTION OF."""
    name, _, right = source.text[entry.start : entry.end].partition("=")
    before = equations.get(name_key(name.strip()), ())
    return not right.strip() and any("a_function_of" in one.called for one in before)


def _macros(source: _Source) -> Iterator[tuple[str, Macro]]:
    """Read the macros of a file, by key, and blank them, so that the rest is read without them."""
    for opening in list(_MACRO.finditer(source.text, 0, source.end)):
        line = source.line(opening.end() - 1)
        head = _MACRO_HEAD.match(source.text, opening.end(), source.end)
        closing = _MACRO_END.search(source.text, opening.end(), source.end)
        if (
            head is None
            or closing is None
            or _MACRO.search(source.text, opening.end(), closing.start())
        ):
            form = Message(":MACRO: name(input, …) … :END OF MACRO:")
            source.log.fault("a macro cannot be read", line, expected=form)
            return
        name, (inputs, _, outputs) = single_spaced(head[1]), head[2].partition(":")
        body = source.only(head.end(), closing.start())
        equations, _ = _read_all(body)
        source.blank(opening.start(), closing.end())
        keys, given = (
            tuple(name_key(word) for word in words.replace("\\", " ").split(",") if word.strip())
            for words in (inputs, outputs)
        )
        missing = [key for key in (name_key(name), *given) if key not in equations]
        about = Message("no equation gives the value of the macro '{name}'", name=short(name))
        for key in missing:
            if key != name_key(name):
                output = key.replace("_", " ")
                about = Message(
                    "no equation gives '{output}' of the macro '{name}'",
                    output=output,
                    name=short(name),
                )
            source.log.fault(about, line)
        if not missing:
            yield name_key(name), Macro(name, keys, equations, line, given)


def _with_outputs(
    log: FaultLog, equations: Equations, macros: Mapping[str, Macro]
) -> dict[str, tuple[Equation, ...]]:
    """Return equations, and one for each output of a macro that one of them calls."""
    found = dict(equations)
    calls = [
        (equation, node)
        for group in equations.values()
        for equation in group
        if equation.tree
        for node in walk(equation.tree)
        if isinstance(node, Call) and node.outputs
    ]
    for equation, call in calls:
        known = macros[call.key].outputs if call.key in macros else ()
        if len(known) != len(call.outputs):
            log.fault(
                "{name} has the wrong number of outputs",
                equation.line_of(call),
                expected=f"{len(known)}",
                found=f"{len(call.outputs)}",
                name=short(call.written[0]),
            )
            continue
        for output, part in zip(call.outputs, known, strict=True):
            if output.key == name_key(equation.name):
                continue  # the value of the call holds
            name, *subscripts = output.written
            new = replace(
                equation, name=name, subscripts=tuple(subscripts), form=EquationForm.OUTPUT,
                unit="", limits=(None, None), comment="",
                tree=replace(call, outputs=(), part=part),
            )  # fmt: skip
            found[output.key] = (*found.get(output.key, ()), new)
    return found


def short(name: str) -> str:
    """Cut a name that would flood a message."""
    return name if len(name) <= 80 else name[:79] + "…"


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
            said = source.text[slice(*parts[1])] if len(parts) > 1 else ""
            source.groups[group] = source.groups.get(group) or said
            if not ended or len(parts) != 2:
                source.log.fault(
                    "the heading of a group cannot be read",
                    source.line(start),
                    expected=Message("name ~ comment |"),
                    found=_marks(len(parts) - 1, ended),
                )
                following = _NEXT_ENTRY.search(source.text, parts[0][1], at)
                at = following.end() if following else at
            continue
        flagged = len(parts) == 4 and source.text[slice(*parts[3])].strip()[:1] in ("", ":")
        complete = len(parts) >= 3
        if not (ended and (len(parts) == 3 or flagged)):
            following = _NEXT_ENTRY.search(source.text, *parts[2]) if complete else None
            if following:  # it was taken for a part of this one's comment
                at = following.end()
                parts[2] = (parts[2][0], following.start())
            _report_form(source, start, len(parts) - 1, ended, following)
        unit, comment = (source.text[slice(*part)] for part in parts[1:3]) if complete else ("", "")
        yield _Entry(start, parts[0][1], unit.strip(), comment, group, complete)


def _report_form(
    source: _Source, start: int, tildes: int, ended: bool, following: re.Match[str] | None
) -> None:
    """Say what is wrong with the form of an entry."""
    name = _first_words(source, start)
    form = Message("equation ~ unit ~ comment |")
    if following:
        message = Message("an equation has no '|' at its end: {words}", words=name)
        form = Message("'|' before {words}", words=_first_words(source, following.end()))
    elif tildes < 2:
        message = Message("an equation is incomplete: {words}", words=name)
    elif ended:
        message = Message("an equation has too many parts: {words}", words=name)
    else:
        message = Message("an equation has no '|' at its end: {words}", words=name)
    found = None if following else _marks(tildes, ended)
    source.log.fault(message, source.line(start), expected=form, found=found)


def _marks(tildes: int, ended: bool) -> Message:
    """Count the marks of an entry."""
    if ended:
        return Message("{count} '~'", count=tildes)
    return Message("{count} '~' and no '|'", count=tildes)


def _cuts(source: _Source, start: int) -> tuple[list[int], bool]:
    """Return the places of an entry's ``~`` and of its end, and whether ``|`` stands there."""
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
        if match[0] == "{":
            at = _remark_end(source, match.start())
        if match[0] == "~":
            cuts.append(match.start())
            if len(cuts) > 4:  # far beyond what an entry has: its end was forgotten
                return cuts, False


def _first_words(source: _Source, start: int) -> Message:
    """Quote how an entry begins."""
    line = single_spaced(source.text[start : start + 60].split("\n")[0])
    return Message("'{text}'", text=line[:40].strip())


def _about(source: _Source, entry: _Entry, error: EquationSyntaxError) -> Message:
    match = _NAME.match(source.text, entry.start, entry.end)
    name = single_spaced(match[0]) if match else ""
    if not _can_name(name):
        return error.message
    return Message("{fault} in '{name}'", fault=error.message, name=short(name))


def _can_name(word: str) -> bool:
    """Return whether a word can be told from a number."""
    return word != "" and not word.isdecimal()


# Left-hand sides


def _read_entry(source: _Source, entry: _Entry) -> Equation | _RawRange | None:
    """Read an entry; None if it is no part of the simulation (a Reality Check, a text).

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    text, end = source.text, entry.end
    while end > entry.start and text[end - 1] in " \t\n\\":
        end -= 1
    left = _read_left_side(source, entry.start, end)
    at = left.end
    keyword = _KEYWORD.match(text, at, end)
    if keyword:
        if keyword[0].upper() in (":THE CONDITION:", ":TEST INPUT:", ":IS:"):
            return None
        at = source.skip(keyword.end(), end)
        if at < end and not text.startswith(":=", at):
            raise EquationSyntaxError(
                at,
                Message("nothing but data can follow {keyword}", keyword=keyword[0]),
                expected="':='",
            )
    if text.startswith("<->", at, end):
        copied = single_spaced(text[at + 3 : end])
        line = source.line(entry.start)
        return _RawRange(left.name, (copied,), entry.comment, line, ((copied, ()),))
    form = next((form for form in _WITH_MARK if text.startswith(form, at, end)), None)
    right = source.skip(at + len(form), end) if form else at
    if form is None and keyword:
        form, right = EquationForm.DATA, end
    elif text.startswith("(", at, end):
        form = EquationForm.LOOKUP
    elif form is None and text.startswith(":", at, end):
        return _read_range(source, left.name, at + 1, end, entry)
    elif form is None and at >= end:
        form, right = EquationForm.DATA, end
    elif form is None:
        raise EquationSyntaxError(
            min(at, end - 1),
            Message("there is no equation"),
            expected=Message("'=' after the name"),
            found=Message("'{text}'", text=single_spaced(text[at : min(end, at + 20)]))
            if at < end
            else None,
        )
    tree: Node | None = None
    if form is EquationForm.LOOKUP:
        tree = read_lookup(text, right, end)
    elif right < end:
        tree = read_right_side(text, right, end)
    elif form is not EquationForm.DATA:
        raise EquationSyntaxError(end - 1, Message("nothing follows the sign of equality"))
    return _equation(source, entry, left, form, tree)


_WITH_MARK = (
    EquationForm.DATA,
    EquationForm.UNCHANGEABLE,
    EquationForm.EQUATION,
)  # tried in this order


def _equation(
    source: _Source, entry: _Entry, left: _LeftSide, form: EquationForm, tree: Node | None
) -> Equation:
    unit, limits = _read_unit(source, entry)
    return Equation(
        name=left.name,
        subscripts=left.subscripts,
        exceptions=left.exceptions,
        form=form,
        text=source.raw[entry.start : entry.end].strip(),
        unit=unit,
        limits=limits,
        comment=entry.comment,
        group=entry.group,
        line=source.line(entry.start),
        start=entry.start,
        tree=tree,
    )


def _left_side_alone(source: _Source, entry: _Entry) -> Equation | _RawRange | None:
    """Keep the name of what cannot be read, lest all who use it be called faulty too."""
    try:
        left = _read_left_side(source, entry.start, entry.end)
    except EquationSyntaxError:
        return None
    if source.text.startswith(":", left.end) and not source.text.startswith(":=", left.end):
        return _RawRange(left.name, (), entry.comment, source.line(entry.start), open=True)
    source.unreadable.add(name_key(left.name))
    return _equation(source, entry, left, EquationForm.EQUATION, None)


class _LeftSide(NamedTuple):
    """``name [subscripts] :EXCEPT: [subscripts], …``."""

    name: str
    subscripts: tuple[str, ...]
    exceptions: tuple[tuple[str, ...], ...]
    end: int
    """The offset of what follows."""


def _read_left_side(source: _Source, start: int, end: int) -> _LeftSide:
    text = source.text
    match = _NAME.match(text, start, end)
    if not match or not _can_name(single_spaced(match[0])):
        raise EquationSyntaxError(
            start,
            Message("an equation does not begin with a name"),
            found=_first_words(source, start),
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
                    min(at, end - 1), Message("no subscripts follow :EXCEPT:"), expected="'['"
                )
            exception, at = read_subscripts(text, at, end)
            exceptions.append(exception)
            at = source.skip(at, end)
            if not text.startswith(",", at, end):
                break
            at = source.skip(at + 1, end)
    return _LeftSide(single_spaced(match[0]), subscripts, tuple(exceptions), at)


def _read_unit(source: _Source, entry: _Entry) -> tuple[str, tuple[float | None, float | None]]:
    """Part ``unit [low, high]``."""
    unit, bracket, inside = single_spaced(entry.unit).partition("[")
    unit = unit.strip()
    if not bracket and not unit.endswith("]"):
        return unit, (None, None)
    bounds = [piece.strip() for piece in inside.removesuffix("]").split(",")]
    readable = all(bound == "?" or _LIMIT.fullmatch(bound) for bound in bounds)
    if inside.endswith("]") and readable and len(bounds) <= 3:
        low, high = (None if bound == "?" else float(bound) for bound in [*bounds, "?"][:2])
        if low is None or high is None or low <= high:
            return unit, (low, high)
    source.slips.fault(
        "the limits in the unit cannot be read: {words}",
        source.line(entry.start),
        expected=Message("'[lowest,highest]' with '?' for none"),
        found=Message("'{text}'", text=single_spaced(entry.unit)[-60:]),
        words=_first_words(source, entry.start),
    )
    return unit, (None, None)


# Subscript ranges


def _read_range(source: _Source, name: str, start: int, end: int, entry: _Entry) -> _RawRange:
    definition, _, mapping = source.text[start:end].partition("->")
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
                    Message("a numeric subscript range cannot be read"),
                    expected=Message("'(name1-name9)'"),
                    found=Message("'{text}'", text=piece.strip()[:40]),
                )
            members += (f"{numeric[1]}{number}" for number in range(first, last + 1))
        elif word:
            members.append(single_spaced(word[0]))
        else:
            raise EquationSyntaxError(
                start,
                Message("the elements of a subscript range cannot be read"),
                expected=Message("names separated by commas"),
                found=Message("'{text}'", text=single_spaced(piece)[:40]),
            )
    seen: set[str] = set()
    for member in members:
        if name_key(member) in seen:
            source.log.fault(
                "the range '{name}' names '{element}' twice",
                line,
                name=short(name),
                element=short(member),
            )
        seen.add(name_key(member))
    mapped = tuple(
        (single_spaced(whole or single), tuple(map(single_spaced, re.findall("[^,]+", listed))))
        for whole, listed, single in _MAPPED.findall(mapping.replace("\\", " "))
        if (whole or single).strip()
    )
    return _RawRange(name, tuple(members), entry.comment, line, mapped)


def _add_range(log: FaultLog, ranges: dict[str, _RawRange], new: _RawRange) -> None:
    old = ranges.setdefault(name_key(new.name), new)
    if old is not new:
        log.fault(
            "the subscript range '{name}' is defined twice",
            new.line,
            found=Message("the first one on line {number}", number=old.line),
            name=short(new.name),
        )


def _resolve_ranges(
    log: FaultLog, raw: Mapping[str, _RawRange]
) -> tuple[dict[str, Range], dict[str, str]]:
    """Put the elements of sub-ranges in the place of their names."""
    parts = {
        key: [other for member in range_.members if (other := name_key(member)) in raw]
        for key, range_ in raw.items()
    }
    try:
        order = list(TopologicalSorter(parts).static_order())
    except CycleError as error:
        cycle = [raw[key] for key in reversed(error.args[1])]
        log.fault(
            "subscript ranges contain each other",
            cycle[0].line,
            found=Message("{names}", names=tuple(short(range_.name) for range_ in cycle[:10])),
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
            log.fault(
                "the subscript ranges are too large",
                raw[key].line,
                expected=Message("at most {limit} elements in all", limit=MAX_ELEMENTS),
            )
            return {}, {}
        members[key] = own
    ranges = {
        key: Range(new.name, tuple(members[key].values()), new.mapped, new.comment, new.line)
        for key, new in raw.items()
    }
    return ranges, elements
