"""A YAML file as plain data, with the line of every entry and every fault of its form.

Only what a hand-written file needs is understood: mappings, lists and the scalars of YAML 1.2.
The file is read event by event and nothing is ever constructed from it, so that it cannot run
code; tags (``!!python/…``), aliases (by which a file could refer to itself) and merge keys
(``<<``) are refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
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

from plansim.errors import Fault, nearest

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Document",
    "Place",
    "Plain",
    "parse_document",
    "read_document",
]

MAX_BYTES = 1_000_000
"""A larger file is refused before it is read whole."""

MAX_DEPTH = 12
"""Deeper nesting is refused: no file of ours comes near it, and the reader recurses."""

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""What a document is made of."""

Place: TypeAlias = tuple[str | int, ...]
"""The way to an entry: the keys and list positions from the top."""


@dataclass(frozen=True)
class Document:
    """What a YAML file says, and what is wrong with its form."""

    file: str
    """As messages name it."""
    sha256: str
    """Of the file's bytes, in hexadecimal."""
    data: Plain
    """None where `faults` left nothing to read."""
    lines: Mapping[Place, int]
    faults: tuple[Fault, ...]

    def line(self, place: Place) -> int | None:
        """Give the line of an entry, or of the nearest entry around it that has one."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place)


def read_document(path: Path) -> Document:
    """Read a YAML file; whatever is wrong becomes a fault of the document, never an exception."""
    try:
        if not path.is_file():
            if path.exists():
                return _unread(path, b"", "not a file", expected="a YAML text file")
            siblings = sorted(each.name for each in path.parent.glob("*.y*ml"))
            return _unread(path, b"", "no such file", close=nearest(path.name, siblings))
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _unread(path, b"", f"the file cannot be read: {error.strerror}")
    if len(raw) > MAX_BYTES:
        return _unread(path, raw, f"the file is larger than {MAX_BYTES // 1_000_000} MB")
    if b"\0" in raw:
        return _unread(path, raw, "the file is binary", expected="a YAML text file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return _unread(path, raw, "the file is not UTF-8 text", line=line)
    return parse_document(text, str(path), hashlib.sha256(raw).hexdigest())


def parse_document(text: str, file: str, sha256: str = "") -> Document:
    r"""Read YAML text.

    >>> document = parse_document("a: 1\nb:\n  - two\n  - 3.0\na: 4", "x.yaml")
    >>> document.data
    {'a': 1, 'b': ['two', 3.0]}
    >>> document.line(("b", 1))
    4
    >>> print(*document.faults)
    x.yaml:5: the key 'a' stands twice; found a first one on line 1
    """
    reader = _Reader(file)
    events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))
    data: Plain = None
    try:
        next(events), (start := next(events))
        if isinstance(start, StreamEndEvent):
            reader.fault("the file is empty", 1)
        else:
            data = reader.read(next(events), events, ())
            next(events)
            if not isinstance(extra := next(events), StreamEndEvent):
                reader.fault("the file has more than one YAML document", _line(extra))
    except _UnreadableError:
        data = None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.fault(
            f"not valid YAML: {error.problem or error.context}",
            None if mark is None else mark.line + 1,
        )
        data = None
    except ReaderError as error:
        place = int(error.position)
        reader.fault("the file has control characters", text.count("\n", 0, place) + 1)
        data = None
    except YAMLError as error:
        reader.fault(f"not valid YAML: {error}".splitlines()[0], None)
        data = None
    return Document(file, sha256, data, reader.lines, tuple(reader.faults))


def _unread(
    path: Path,
    raw: bytes,
    message: str,
    line: int | None = None,
    expected: str | None = None,
    close: str | None = None,
) -> Document:
    fault = Fault(message, file=str(path), line=line, expected=expected, nearest=close)
    return Document(str(path), hashlib.sha256(raw).hexdigest(), None, {}, (fault,))


class _UnreadableError(Exception):
    """Reading on would be unsafe; the fault is already noted."""


@dataclass
class _Reader:
    """Turns events into plain data, noting lines and faults on the way."""

    file: str
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, message: str, line: int | None, found: str | None = None) -> None:
        self.faults.append(Fault(message, file=self.file, line=line, found=found))

    def read(self, event: Event, events: Iterator[Event], place: Place) -> Plain:
        """Read the node that ``event`` opens."""
        line = _line(event)
        self.lines.setdefault(place, line)
        if len(place) > MAX_DEPTH:
            self.fault("the file is nested too deeply", line)
            raise _UnreadableError
        if isinstance(event, AliasEvent):
            self.fault("aliases are not allowed", line, found=f"*{event.anchor}")
            return None
        if tag := _tag(event):
            self.fault("tags are not allowed", line, found=tag)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, place)
        items: list[Plain] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self.read(event, events, (*place, len(items))))
        return items

    def _mapping(self, events: Iterator[Event], place: Place) -> Plain:
        entries: dict[str, Plain] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = _line(event)
            if not isinstance(event, ScalarEvent):
                self.fault("a key must be plain text", line)
                raise _UnreadableError
            key = event.value
            if key.startswith("<"):  # so pydantic marks the forms that an entry may have
                is_merge = key == "<<" and event.style is None
                unsupported = "merge keys are not supported"
                self.fault(unsupported if is_merge else "a key must not begin with '<'", line, key)
                raise _UnreadableError
            here = (*place, key)
            if key in entries:
                first = f"a first one on line {self.lines[here]}"
                self.fault(f"the key '{key}' stands twice", line, found=first)
                self.read(next(events), events, (*here, "again"))
            else:
                self.lines[here] = line
                entries[key] = self.read(next(events), events, here)
        return entries


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _tag(event: Event) -> str | None:
    """Give the tag that the file writes out, as it writes it."""
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
