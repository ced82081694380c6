"""The package's YAML files as plain data, with the line of every entry.

`read_document` supports mappings, lists and the scalars of YAML 1.2, which suffice for files
written by hand. It reads the file event by event and constructs no objects, so that a file cannot
run code; tags (``!!python/…``), aliases (by which a file could refer to itself) and merge keys
(``<<``) are refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from plansim.errors import Fault, Message, foreign, nearest
from plansim.files.reading import read_regular, reason_of

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Location",
    "Plain",
    "YamlDocument",
    "parse_document",
    "read_document",
]

MAX_BYTES = 1_000_000
"""Maximum size of a file."""

MAX_DEPTH = 12
"""Maximum depth of nesting, since the reader is recursive."""

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""The data of a document."""

Location: TypeAlias = tuple[str | int, ...]
"""The location of an entry: the keys and list positions from the top."""


@dataclass(frozen=True)
class YamlDocument:
    """The data of a YAML file, and its faults."""

    file: str
    """Name of the file in messages."""
    sha256: str
    """Digest of the file's bytes, in hexadecimal."""
    data: Plain
    """None if `faults` prevented reading."""
    lines: Mapping[Location, int]
    faults: tuple[Fault, ...]

    def line(self, at: Location) -> int | None:
        """Return the line of an entry, or of the nearest entry around it that has one."""
        while at not in self.lines and at:
            at = at[:-1]
        return self.lines.get(at)

    def placed(self, fault: Fault, at: Location = ()) -> Fault:
        """Return a fault of an entry with file and line, unless it is one of another file."""
        if fault.file is not None:
            return fault
        return replace(fault, file=self.file, line=self.line((*at, *fault.at)), at=())


def read_document(path: Path) -> YamlDocument:
    """Read a YAML file; every error becomes a fault of the document, never an exception."""
    raw, close, line = b"", None, None
    try:
        raw = read_regular(path, MAX_BYTES)
        return parse_document(raw.decode("utf-8-sig"), str(path), hashlib.sha256(raw).hexdigest())
    except FileNotFoundError:
        message = Message("no such file")
        close = nearest(path.name, sorted(other.name for other in path.parent.glob("*.y*ml")))
    except UnicodeDecodeError as error:
        message = Message("the file is not UTF-8 text")
        line = raw[: error.start].count(b"\n") + 1
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        message = Message("the file cannot be read: {why}", why=reason_of(error))
    fault = Fault(message, str(path), line, nearest=close)
    return YamlDocument(str(path), hashlib.sha256(raw).hexdigest(), None, {}, (fault,))


def parse_document(text: str, file: str, sha256: str = "") -> YamlDocument:
    r"""Read YAML text.

    >>> document = parse_document("a: 1\nb:\n  - two\n  - 3.0\na: 4", "x.yaml")
    >>> document.data
    {'a': 1, 'b': ['two', 3.0]}
    >>> document.line(("b", 1))
    4
    >>> print(*document.faults)
    x.yaml:5: the key 'a' is given twice; found a first one on line 1
    """
    reader = _DocumentReader(file)
    events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))
    data: Plain = None
    try:
        next(events), (start := next(events))
        if isinstance(start, StreamEndEvent):
            reader.fault(Message("the file is empty"), 1)
            raise _UnreadableError
        data = reader.read(next(events), events, ())
        next(events)
        if not isinstance(extra := next(events), StreamEndEvent):
            reader.fault(Message("the file has more than one YAML document"), _line(extra))
    except _UnreadableError:
        data = None
    except ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        reader.fault(Message("the file has control characters"), line)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        words = str(getattr(error, "context", "")).split()
        if mark is None or words[3:4] in (["flow"], ["quoted"]):
            mark = getattr(error, "context_mark", None)  # where the bracket or text begins
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        # The parser's ", but got '<scalar>'" is its internal name, and is dropped.
        message = Message("not valid YAML: {why}", why=foreign(problem.split(", but ")[0]))
        reader.fault(message, None if mark is None else mark.line + 1)
    return YamlDocument(file, sha256, data, reader.lines, tuple(reader.faults))


class _UnreadableError(Exception):
    """Reading must stop; the fault is already logged."""


@dataclass
class _DocumentReader:
    """Turns events into plain data, and records lines and faults."""

    file: str
    lines: dict[Location, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, message: str | Message, line: int | None, found: Message | str | None = None
    ) -> None:
        self.faults.append(Fault(message, file=self.file, line=line, found=found))

    def read(self, event: Event, events: Iterator[Event], at: Location) -> Plain:
        """Read the node that ``event`` opens."""
        line = _line(event)
        self.lines.setdefault(at, line)
        if len(at) > MAX_DEPTH:
            self.fault(Message("the file is nested too deeply"), line)
            raise _UnreadableError
        if isinstance(event, AliasEvent):
            self.fault(Message("aliases are not allowed"), line, found=f"*{event.anchor}")
            return None
        if tag := _tag(event):
            self.fault(Message("tags are not allowed"), line, found=tag)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, at)
        items: list[Plain] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self.read(event, events, (*at, len(items))))
        return items

    def _mapping(self, events: Iterator[Event], at: Location) -> Plain:
        entries: dict[str, Plain] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = _line(event)
            if not isinstance(event, ScalarEvent):
                self.fault(Message("a key must be plain text"), line)
                raise _UnreadableError
            key = event.value
            if key.startswith("<"):  # pydantic marks the alternatives of a union so
                unsupported = Message("a key must not begin with '<'")
                if key == "<<" and event.style is None:
                    unsupported = Message("merge keys are not supported")
                self.fault(unsupported, line, key)
                raise _UnreadableError
            entry = (*at, key)
            if key in entries:
                first = Message("a first one on line {line}", line=self.lines[entry])
                self.fault(Message("the key '{key}' is given twice", key=key), line, found=first)
                self.read(next(events), events, (*entry, "again"))
            else:
                self.lines[entry] = line
                entries[key] = self.read(next(events), events, entry)
        return entries


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _tag(event: Event) -> str | None:
    """Return the tag that the file writes out, as it writes it."""
    if isinstance(event, ScalarEvent):
        implicit = any(event.implicit)
    else:
        implicit = not isinstance(event, CollectionStartEvent) or event.implicit
    return None if implicit else str(getattr(event, "tag", "")).replace("tag:yaml.org,2002:", "!!")


_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: Mapping[str, float | bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
}


def _scalar(event: ScalarEvent) -> Plain:
    """Resolve a plain scalar by the core schema of YAML 1.2; a quoted one is text."""
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
