"""An expression of a Vensim equation, as the tree that `plansim.model.reading.syntax` reads it to.

Causes, machine code, the formulas of the book and variants of a model are made from it. A node
knows its place in the text, which is no part of its equality.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from plansim.errors import Message
from plansim.model.reading.function_names import INTEGRALS

__all__ = [
    "COMPARISONS",
    "LETTER",
    "MISSING",
    "NAME",
    "WORD",
    "Call",
    "EquationSyntaxError",
    "Name",
    "NoValueError",
    "Node",
    "Number",
    "Numbers",
    "Operation",
    "QuotedText",
    "Role",
    "Table",
    "evaluate",
    "name_key",
    "references",
    "single_spaced",
    "walk",
]


MISSING = -(2.0**109)
"""What Vensim takes ``:NA:`` for, the mark of a value that is missing."""
_MISSES = re.compile(
    r":NA:|\bGET[\s_]DATA[\s_]AT\b|\b(?:LOOKUP[\s_](?:INVERT|SLOPE)|VECTOR[\s_]LOOKUP)\b",
    re.IGNORECASE,
)


def _unshown(default: object = 0) -> Any:
    """Return a field that says where a node is in the text, which is no part of the tree."""
    return field(default=default, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A numeral; ``:NA:`` is `MISSING`."""

    value: float
    start: int = _unshown()
    end: int = _unshown()


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or a subscript used as a number."""

    key: str
    """By `name_key`."""
    subscripts: tuple[str, ...] = ()
    """By `name_key`, with their ``!``."""
    written: tuple[str, ...] = _unshown(())
    """The name and the subscripts as the text has them."""
    start: int = _unshown()
    end: int = _unshown()


@dataclass(frozen=True, slots=True)
class Call:
    """A function or a lookup table, called."""

    key: str
    subscripts: tuple[str, ...]
    arguments: tuple[Node, ...]
    written: tuple[str, ...] = _unshown(())
    """The name and the subscripts as the text has them."""
    start: int = _unshown()
    end: int = _unshown()
    outputs: tuple[Name, ...] = ()
    """What is behind a ``:``: the variables that a macro gives beside its own value."""
    part: str = ""
    """Which of a macro's variables is its value, by key; that of the macro's own name if empty."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator on two operands; ``negative`` and ``:NOT:`` have one."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class QuotedText:
    """An argument with its single quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table, sorted by x."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """A right-hand side of nothing but one or more numbers, row by row."""

    values: tuple[float, ...]


Node: TypeAlias = Number | Name | Call | Operation | QuotedText | Table | Numbers


class Role(StrEnum):
    """Where in an equation a name stands."""

    PLAIN = "plain"
    RATE = "rate"  # in the first argument of INTEG
    INITIAL = "initial"  # in the second argument of INTEG


def walk(node: Node) -> Iterator[Node]:
    """Yield the nodes of a tree in the order of the text, each before those below it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case Call(arguments=below) | Operation(operands=below):
                waiting += reversed(below)


def references(node: Node) -> Iterator[tuple[Name | Call, Role]]:
    """Yield each name of a tree, of a variable or of a function, with its role."""
    waiting = [(node, Role.PLAIN)]
    while waiting:
        node, role = waiting.pop()
        match node:
            case Name():
                yield node, role
            case Operation(operands=below):
                waiting += [(operand, role) for operand in reversed(below)]
            case Call(arguments=below):
                yield node, role
                if node.key in INTEGRALS and role is Role.PLAIN:
                    waiting += [(argument, Role.INITIAL) for argument in reversed(below[1:])]
                    below, role = below[:1], Role.RATE
                waiting += [(argument, role) for argument in reversed(below)]


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {
        "=": operator.eq,
        "<>": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
)
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "^": lambda base, exponent: _power(base, exponent),
    }
)


class NoValueError(ValueError):
    """An expression that cannot be computed, or has no finite value."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


def evaluate(
    tree: Node,
    value_of: Callable[[Name], float],
    functions: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType({}),
    *,
    logic: bool = False,
) -> float:
    """Compute an expression of numbers, names, ``+ - * / ^`` and some functions.

    Args:
        tree: the expression.
        value_of: gives the number of a name without subscripts; what rests on NaN is NaN.
        functions: by key, what they make of their arguments, of which there is one at least.
        logic: whether comparisons, ``:AND:``, ``:OR:`` and ``:NOT:`` are computed, as 1 or 0.

    Raises:
        NoValueError: the expression holds anything else, or has no finite value.

    >>> from plansim.model.reading.syntax import read_expression
    >>> evaluate(read_expression("start + 2 * (10 - 4)"), lambda name: 2000.0)
    2012.0
    """
    values: list[float] = []
    try:
        for node in reversed(list(walk(tree))):  # operands come before what is made of them
            match node:
                case Number(value) if value != MISSING:
                    values.append(value)
                case Name(subscripts=()):
                    values.append(value_of(node))
                case Operation("negative"):
                    values.append(-values.pop())
                case Operation(sign) if sign in _ARITHMETIC:
                    values.append(_ARITHMETIC[sign](values.pop(), values.pop()))
                case Operation(sign) if logic and sign in COMPARISONS:
                    values.append(float(COMPARISONS[sign](values.pop(), values.pop())))
                case Operation(":AND:" | ":OR:" as sign) if logic:
                    both = [bool(values.pop()), bool(values.pop())]
                    values.append(float(all(both) if sign == ":AND:" else any(both)))
                case Operation(":NOT:") if logic:
                    values.append(float(not values.pop()))
                case Call(key, (), (_, *_) as arguments) if key in functions:
                    values.append(functions[key]([values.pop() for _ in arguments]))
                case _:
                    raise NoValueError(
                        Message("only numbers, names, + - * / ^, sum, min, max are understood")
                    )
            if math.isinf(values[-1]):
                raise OverflowError
    except ArithmeticError:
        raise NoValueError(Message("the expression has no finite value")) from None
    return values[0]


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except ValueError as error:  # of a negative base, or of zero
        raise ArithmeticError from error


LETTER = r"A-Za-z_\x80-\U0010ffff"
"""What a name begins with, within a character class: signs of every script are letters, as the
vowels of Hindi and Urdu, which Python takes for none; blanks among them end no name."""
WORD = rf"[0-9{LETTER}][0-9{LETTER}'$\s]*"
"""A name without quotation marks where no number can stand."""
NAME = rf"""{WORD}|"(?:\\"|[^"\n])*\""""
"""A variable's or subscript's name where no number can stand."""


@lru_cache(maxsize=8)  # a look through a long model takes as long as a hundred runs
def absurd_size(text: str) -> float:
    """Return from what size on a number of a model, by its text, was made of a missing value."""
    return 2.0**100 if _MISSES.search(text) else math.inf


class EquationSyntaxError(Exception):
    """Where and why an equation cannot be read; never leaves the package."""

    def __init__(
        self,
        offset: int,
        message: Message,
        expected: str | Message | None = None,
        found: str | Message | None = None,
    ) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.expected = expected
        self.found = found


def single_spaced(text: str) -> str:
    """Return a text with each run of white space as one space, and none at its ends."""
    return " ".join(text.split())


@lru_cache(maxsize=10_000)
def name_key(name: str) -> str:
    """Return what is equal of names that the engine takes for one: case and ``_`` do not count.

    >>> name_key("GDP per Head") == name_key("gdp_per_head")
    True
    """
    return single_spaced(name).lower().replace(" ", "_")
