"""Subscript ranges as equations use them: which element a name stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plansim.errors import Message
from plansim.model.reading.equations import Range, Scan
from plansim.model.reading.expression import Call, Name, Node, Operation, name_key
from plansim.model.reading.functions import OVER_ELEMENTS

__all__ = ["Subscripts", "UnboundError", "free_marks"]


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
    """Of each element in the largest range that holds it, counted from 1."""

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
        """Return elements from one on, in the smallest range that has so many; else none."""
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
