"""Subscript ranges: their elements, sub-ranges and mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from plansim.errors import FaultLog, Message
from plansim.model.reading.entries import RawEntry, SourceText
from plansim.model.reading.equations import MAX_ELEMENTS, Range, short
from plansim.model.reading.expression import (
    NAME,
    EquationSyntaxError,
    name_key,
    single_spaced,
)

__all__ = ["NAMED", "RawRange", "add_range", "read_range", "resolve_ranges"]

NAMED = re.compile(NAME)
_NUMERIC_RANGE = re.compile(r"\(\s*(\w[\w'$\s]*?)(\d{1,9})\s*-\s*(\w[\w'$\s]*?)(\d{1,9})\s*\)")
_MAPPED = re.compile(r"\(\s*([^:()]+):([^()]*)\)|([^,()]+)")


@dataclass(frozen=True)
class RawRange:
    """A subscript range as it is in the file."""

    name: str
    members: tuple[str, ...]
    comment: str
    line: int
    mapped: tuple[tuple[str, tuple[str, ...]], ...] = ()
    open: bool = False  # its elements are in another file


def read_range(source: SourceText, name: str, start: int, end: int, entry: RawEntry) -> RawRange:
    """Return the subscript range whose definition is ``text[start:end]``.

    Raises:
        EquationSyntaxError: it is no list of names.
    """
    definition, _, mapping = source.text[start:end].partition("->")
    line = source.line(entry.start)
    if re.match(r"\s*GET\b", definition, re.IGNORECASE):
        return RawRange(name, (), entry.comment, line, open=True)
    members: list[str] = []
    for piece in definition.replace("\\", " ").split(","):
        numeric = _NUMERIC_RANGE.fullmatch(piece.strip())
        word = NAMED.fullmatch(piece.strip())
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
    return RawRange(name, tuple(members), entry.comment, line, mapped)


def add_range(log: FaultLog, ranges: dict[str, RawRange], new: RawRange) -> None:
    """Add a range to others; that it is there already is a fault."""
    old = ranges.setdefault(name_key(new.name), new)
    if old is not new:
        log.fault(
            "the subscript range '{name}' is defined twice",
            new.line,
            found=Message("the first one on line {number}", number=old.line),
            name=short(new.name),
        )


def resolve_ranges(
    log: FaultLog, raw: Mapping[str, RawRange]
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
