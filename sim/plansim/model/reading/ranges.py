"""Subscript ranges: their elements, sub-ranges and mappings, and what a name stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from plansim.errors import FaultLog, Message
from plansim.model.reading.entries import RawEntry, SourceText
from plansim.model.reading.equations import MAX_ELEMENTS, Range, Scan, short
from plansim.model.reading.expression import (
    NAME,
    WORD,
    Call,
    EquationSyntaxError,
    Name,
    Node,
    Operation,
    name_key,
    single_spaced,
)
from plansim.model.reading.function_names import OVER_ELEMENTS

__all__ = [
    "NAMED",
    "Subscripts",
    "UnboundError",
    "add_range",
    "free_marks",
    "read_range",
    "resolve_ranges",
]

NAMED = re.compile(NAME)
_NUMERIC_RANGE = re.compile(rf"\(\s*({WORD}?)(\d{{1,9}})\s*-\s*({WORD}?)(\d{{1,9}})\s*\)")
_MAPPED = re.compile(r"\(\s*([^:()]+):([^()]*)\)|([^,()]+)")


def read_range(source: SourceText, name: str, start: int, end: int, entry: RawEntry) -> Range:
    """Return the subscript range whose definition is ``text[start:end]``.

    Raises:
        EquationSyntaxError: it is no list of names.
    """
    definition, _, mapping = source.text[start:end].partition("->")
    line = source.line(entry.start)
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
    return Range(name, tuple(members), entry.comment, line, mapped)


def add_range(log: FaultLog, ranges: dict[str, Range], new: Range) -> None:
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
    log: FaultLog, raw: Mapping[str, Range]
) -> tuple[dict[str, Range], dict[str, str]]:
    """Put the elements of sub-ranges in the place of their names."""
    parts = {
        key: [other for member in range_.elements if (other := name_key(member)) in raw]
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
        for member in raw[key].elements:
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
    ranges = {key: replace(one, elements=tuple(members[key].values())) for key, one in raw.items()}
    return ranges, elements


class UnboundError(Exception):
    """A range is used that the left-hand side does not name, and that maps to none of its."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Subscripts:
    """All ranges of a model, by `name_key`."""

    ranges: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]
    """The elements as the model writes them."""
    mapped: Mapping[str, Mapping[str, Mapping[str, str]]]
    """By range, and by each range whose elements stand for its own: what each stands for."""
    positions: Mapping[str, int]
    """By element, its position in the largest range that holds it, counted from 1."""

    @classmethod
    def of(cls, scan: Scan) -> Subscripts:
        """Take the ranges from the scan of a model."""
        ranges = {key: tuple(map(name_key, one.elements)) for key, one in scan.ranges.items()}
        mapped = {key: _mappings(ranges, ranges[key], one) for key, one in scan.ranges.items()}
        largest = sorted(ranges.values(), key=len)
        positions = {
            element: i for elements in largest for i, element in enumerate(elements, start=1)
        }
        return cls(ranges, scan.elements, mapped, positions)

    def is_range(self, key: str) -> bool:
        """Return whether a subscript is a range and not an element."""
        return key in self.ranges

    def elements(self, key: str) -> tuple[str, ...]:
        """Return the elements of a range; an element is its own only one."""
        return self.ranges.get(key, (key,))

    def written(self, element: str) -> str:
        """Return an element's name as the model writes it."""
        return self.names.get(element, element)

    def following(self, element: str, count: int) -> tuple[str, ...]:
        """Return ``count`` elements from one on, in the smallest range that has them; else none."""
        found = [
            own[start : start + count]
            for own in sorted(self.ranges.values(), key=len)
            if element in own and len(own) >= (start := own.index(element)) + count
        ]
        return found[0] if found else ()

    def element(self, subscript: str, bound: Mapping[str, str]) -> str:
        """Return the element that a subscript stands for, ranges being bound to elements.

        Raises:
            UnboundError: the subscript is a range that is bound to none.
        """
        if subscript in bound:
            return bound[subscript]
        if subscript not in self.ranges:
            return subscript
        for other, element in bound.items():
            if found := self._mapped(subscript, other, element):
                return found
        raise UnboundError(
            Message(
                "the subscript '{name}' is neither on its left-hand side nor within a "
                "function over elements",
                name=subscript,
            )
        )

    def _mapped(self, subscript: str, other: str, element: str) -> str | None:
        """Return the element of a range for which one of another range stands, if any does."""
        own = self.mapped[subscript]
        wider = [key for key in own if {*self.elements(other)} <= {*self.ranges[key]}]
        for key in (other, *wider):
            if element in own.get(key, {}):
                return own[key][element]
        back = self.mapped.get(other, {}).get(subscript, {})
        found = [mine for mine, theirs in back.items() if theirs == element]
        return found[0] if len(found) == 1 else None

    def position(self, key: str, bound: Mapping[str, str]) -> int:
        """Return the position of an element, when a subscript is used as a number.

        Vensim counts within the range itself where that is another name (``<->``) of a range.
        """
        element = self.element(key, bound)
        if any(
            one == other
            for pairs in self.mapped.get(key, {}).values()
            for one, other in pairs.items()
        ):
            return self.ranges[key].index(element) + 1
        return self.positions[element]


def _mappings(
    ranges: Mapping[str, tuple[str, ...]], own: Sequence[str], range_: Range
) -> dict[str, dict[str, str]]:
    """Return what the mappings of a range say; one that does not fit its elements says nothing."""
    found: dict[str, dict[str, str]] = {}
    for target, members in range_.mapped:
        key = name_key(target)
        listed = tuple(map(name_key, members)) or ranges.get(key, ())
        if len(listed) == len(own):
            pairs = zip(listed, own, strict=True)
            found[key] = {e: mine for part, mine in pairs for e in ranges.get(part, (part,))}
    return found


def free_marks(tree: Node) -> Iterator[str]:
    """Yield the subscripts with ``!`` that no function within the expression binds."""
    match tree:
        case Name(subscripts=names):
            yield from (name for name in names if name.endswith("!"))
        case Call(key=key, subscripts=names, arguments=below):
            yield from (name for name in names if name.endswith("!"))
            bound = len(below) if key in OVER_ELEMENTS else 2 if key == "vector_select" else 0
            for argument in below[bound:]:
                yield from free_marks(argument)
        case Operation(operands=below):
            for operand in below:
                yield from free_marks(operand)
