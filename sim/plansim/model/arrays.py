"""Subscript ranges as equations use them: which element a name stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plansim.errors import Message
from plansim.model.expression import Call, Name, Node, Operation
from plansim.model.functions import OVER_ELEMENTS
from plansim.model.scan import Scan
from plansim.model.syntax import name_key

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
    mapped: Mapping[str, tuple[str, ...]]
    """By range, those whose elements stand for its own, one for one."""
    positions: Mapping[str, int]
    """Of each element in the largest range that holds it, counted from 1."""

    @classmethod
    def of(cls, scan: Scan) -> Subscripts:
        """Take the ranges from the scan of a model."""
        ranges = {key: tuple(map(name_key, one.elements)) for key, one in scan.ranges.items()}
        mapped = {key: tuple(map(name_key, one.mapped)) for key, one in scan.ranges.items()}
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
        own = self.ranges[subscript]
        for other, element in bound.items():
            related = other in self.mapped[subscript] or subscript in self.mapped.get(other, ())
            if related and len(self.ranges[other]) == len(own):
                return own[self.ranges[other].index(element)]
        raise UnboundError(
            Message(
                "the subscript '{name}' stands neither on its left-hand side nor within a "
                "function over elements",
                name=subscript,
            )
        )

    def position(self, key: str, bound: Mapping[str, str]) -> int:
        """Return the position of an element, when a subscript is used as a number."""
        return self.positions[self.element(key, bound)]


def free_marks(tree: Node) -> Iterator[str]:
    """Yield the subscripts with ``!`` that no function within the expression binds."""
    match tree:
        case Name(subscripts=names):
            yield from (name for name in names if name.endswith("!"))
        case Call(key=key, subscripts=names, arguments=below):
            yield from (name for name in names if name.endswith("!"))
            for argument in below if key not in OVER_ELEMENTS else ():
                yield from free_marks(argument)
        case Operation(operands=below):
            for operand in below:
                yield from free_marks(operand)
