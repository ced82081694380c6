"""Where an expression stands while a model is lowered, and why one cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from plansim.errors import Message
from plansim.model.reading.equations import Equation, Macro
from plansim.model.reading.expression import Node

__all__ = [
    "Bound",
    "Cell",
    "Frame",
    "KnownError",
    "Place",
    "RefusedError",
    "Scope",
    "StructuralError",
    "at_start",
    "running",
]

Cell = tuple[str, ...]
Bound = Mapping[str, str]


class StructuralError(Exception):
    """Constants cannot vary, since the shape of the program depends on them.

    To be answered by folding them to their values.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        super().__init__(", ".join(sorted(self.names)))


class RefusedError(Exception):
    """Why an equation cannot be lowered."""

    def __init__(self, message: Message, function: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.function = function


class KnownError(Exception):
    """A fault is in the log already; what depends on it cannot be lowered either."""


@dataclass(frozen=True)
class Place:
    """An element of a variable with its equation."""

    equation: Equation
    bound: Bound
    position: int
    """Row by row among the elements of the equation's left-hand side."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A macro where it is called."""

    macro: Macro
    label: str
    """Tells calls apart."""
    arguments: Mapping[str, Node]
    """By input, in the scope of the call."""
    caller: Scope
    moved: frozenset[str]
    """The names within that a stock moves."""


@dataclass(frozen=True)
class Scope:
    """Where an expression stands."""

    key: str
    cell: Cell
    bound: Bound
    initial: bool
    frame: Frame | None = None
    itself: int | None = None
    """What the variable of the equation is, where its equation refers to itself."""


def at_start(scope: Scope) -> Scope:
    """Return a scope in the initial phase."""
    return scope if scope.initial else replace(scope, initial=True)


def running(scope: Scope) -> Scope:
    """Return a scope in the running phase."""
    return replace(scope, initial=False) if scope.initial else scope
