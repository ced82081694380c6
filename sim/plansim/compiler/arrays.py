"""Subscript ranges as equations use them: which element a name stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plansim.errors import Message
from plansim.model.scan import Scan
from plansim.model.syntax import name_key

__all__ = ["Subscripts", "UnboundError"]

_MAPPING = re.compile(r"->(.*)", re.DOTALL)
_MAPPED = re.compile(r"\(\s*([^:()]+):[^()]*\)|([^,()]+)")


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
    def of(cls, scan: Scan, text: str) -> Subscripts:
        """Take the ranges from the scan of a model's text."""
        ranges = {key: tuple(map(name_key, each.elements)) for key, each in scan.ranges.items()}
        lines = text.split("\n")
        mapped: dict[str, tuple[str, ...]] = {}
        for key, range_ in scan.ranges.items():
            entry = "\n".join(lines[range_.line - 1 :]).partition("~")[0].replace("\\\n", " ")
            copied = entry.partition("<->")[2]
            arrow = _MAPPING.search(entry)
            if copied:
                mapped[key] = (name_key(copied),)
            elif arrow:
                mapped[key] = tuple(
                    name_key(whole or single) for whole, single in _MAPPED.findall(arrow[1])
                )
        largest = sorted(ranges.values(), key=len)
        positions = {element: i for each in largest for i, element in enumerate(each, start=1)}
        return cls(ranges, scan.elements, mapped, positions)

    def is_range(self, key: str) -> bool:
        """Whether a subscript is a range and not an element."""
        return key in self.ranges

    def elements(self, key: str) -> tuple[str, ...]:
        """Give the elements of a range; an element is its own only one."""
        return self.ranges.get(key, (key,))

    def written(self, element: str) -> str:
        """Give an element's name as the model writes it."""
        return self.names.get(element, element)

    def element(self, subscript: str, bound: Mapping[str, str]) -> str:
        """Give the element that a subscript stands for, ranges being bound to elements.

        Raises:
            UnboundError: the subscript is a range that is bound to none.
        """
        if subscript in bound:
            return bound[subscript]
        if subscript not in self.ranges:
            return subscript
        own = self.ranges[subscript]
        for other, element in bound.items():
            related = other in self.mapped.get(subscript, ()) or subscript in self.mapped.get(
                other, ()
            )
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
        """Give the place of an element, when a subscript is used as a number."""
        return self.positions[self.element(key, bound)]
