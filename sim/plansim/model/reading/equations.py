"""What a Vensim file says: its equations, subscript ranges and macros, as records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import product
from math import prod
from typing import TypeAlias

from plansim.model.reading.expression import (
    Call,
    Name,
    Node,
    Numbers,
    Role,
    name_key,
    references,
)
from plansim.model.reading.syntax import TABLES_FROM_FILES

__all__ = [
    "MAX_ELEMENTS",
    "Equation",
    "EquationForm",
    "Equations",
    "Macro",
    "Range",
    "Scan",
    "short",
    "spliced",
]

MAX_ELEMENTS = 200_000
"""How many elements the subscript ranges, or the equations of arrays, may have in all."""
_RAW = re.compile(r":\s*RAW\s*:", re.IGNORECASE)


class EquationForm(StrEnum):
    """How an equation is written."""

    EQUATION = "="
    DATA = ":="
    LOOKUP = "()"
    OUTPUT = ":"
    """A macro that another equation calls gives it."""


@dataclass(frozen=True)
class Equation:
    """One equation as it is in the file; an array may have several."""

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
    def end(self) -> int:
        """The offset behind its last character; its unit and comment follow."""
        return self.start + len(self.text)

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The numbers, row by row, of a right-hand side that has nothing else."""
        return self.tree.values if isinstance(self.tree, Numbers) else None

    @property
    def formula(self) -> Node | None:
        """The right-hand side of an equation that computes its variable from others."""
        is_plain = self.form is EquationForm.EQUATION and not isinstance(self.tree, Numbers)
        return self.tree if is_plain else None

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
"""The equations of each variable, by `name_key`."""


@dataclass(frozen=True)
class Range:
    """A subscript range."""

    name: str
    elements: tuple[str, ...]
    """As `Scan` has it, sub-ranges are resolved."""
    comment: str
    line: int
    mapped: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The names of those whose elements stand for its own, each with what stands for each of its
    elements, an element or a sub-range; with nothing if that is one for one."""


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
    """Whether there are elements that the scan cannot know: a range cannot be read."""
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


def spliced(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """Return a text with others in the place of some of its parts: from, up to, and what is new."""
    pieces, done = [], 0
    for start, end, new in sorted(changes):
        pieces += [text[done:start], new]
        done = end
    return "".join([*pieces, text[done:]])


def short(name: str) -> str:
    """Cut a name that would flood a message."""
    return name if len(name) <= 80 else name[:79] + "…"
