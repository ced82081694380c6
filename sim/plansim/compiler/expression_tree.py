"""The syntax of an equation's right-hand side, as a tree.

The text has passed `plansim.model.scan`, which finds faults of syntax with their lines; here it is
only taken apart. PySD's parser takes some seconds for a model of a thousand equations, and its
import two more; tests hold the two engines to each other by what they compute, not by their trees.

Precedence, from loose to tight: ``:OR:``, ``:AND:``, ``:NOT:``, comparison, ``+ -``, ``* /``,
sign, ``^``. As PySD has it, ``^`` associates to the right, and a sign after it belongs to the
exponent: ``-a^2`` is -(a²), ``a^-b^c`` is a^(-(b^c)).

Reference: https://www.vensim.com/documentation/ref_operators.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from plansim.model.scan import Equation, Form
from plansim.model.syntax import NAME, name_key, read_subscripts

__all__ = [
    "Call",
    "Name",
    "Node",
    "Number",
    "Operation",
    "Table",
    "left_side",
    "read_operand",
    "read_right_side",
    "read_table",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A literal; ``:NA:`` is NaN."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or a subscript used as a number."""

    key: str
    """By `name_key`."""
    subscripts: tuple[str, ...] = ()
    """By `name_key`, with their ``!``."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function or a lookup table, called."""

    key: str
    subscripts: tuple[str, ...]
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator on two operands; ``negative`` and ``:NOT:`` have one."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table, sorted by x."""

    x: tuple[float, ...]
    y: tuple[float, ...]


Node = Number | Name | Call | Operation | Table

_NUMERAL = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(
    rf"""[\s\\]*(?:(?P<number>{_NUMERAL})
    |(?P<name>[^\W\d][\w'$\s]*|"(?:\\"|[^"\n])*")
    |(?P<string>'[^'\n]*')
    |(?P<keyword>:[A-Za-z ]+:)
    |(?P<mark><>|<=|>=|[-+*/^=<>(),]))""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[\s\\]*")
_NAME = re.compile(NAME)
_LIMITS = re.compile(r"[\s\\]*\[[^\]]*\][\s\\]*,")
_SIGNED = rf"[\s\\]*([+-]?)[\s\\]*({_NUMERAL})[\s\\]*"
_POINT = re.compile(rf"\({_SIGNED},{_SIGNED}\)")
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})


def read_right_side(equation: Equation) -> Node:
    """Give the tree of an equation that is neither numbers only nor data nor a lookup."""
    text = _after_left_side(equation)
    return read_operand(text[len(equation.form.value) :])


def left_side(equation: Equation) -> str:
    """Give what stands before an equation's right-hand side and its ``=``, as the file has it."""
    return equation.text[: len(equation.text) - len(_after_left_side(equation))]


def read_operand(text: str) -> Node:
    """Give the tree of an expression."""
    return _Reader(text).expression()


def read_table(equation: Equation) -> Table:
    """Give the table of an equation whose form is LOOKUP."""
    assert equation.form is Form.LOOKUP
    return _table(_after_left_side(equation)[1:])


def walk(node: Node) -> Iterator[Node]:
    """Give a tree's nodes, each before those below it."""
    yield node
    match node:
        case Call(arguments=below) | Operation(operands=below):
            for each in below:
                yield from walk(each)


def _after_left_side(equation: Equation) -> str:
    """Give the text from ``=``, ``==``, ``:=`` or the bracket of a table on."""
    text = equation.text.replace("\\\n", "  ")
    name = _NAME.match(text)
    assert name is not None
    at = _skip(text, name.end())
    if text.startswith("[", at):
        at = _skip(text, read_subscripts(text, at, len(text))[1])
    if equation.exceptions:
        at = text.index("[", at)
        for _ in equation.exceptions:
            at = _skip(text, read_subscripts(text, at, len(text))[1])
            at = _skip(text, at + 1) if text.startswith(",", at) else at
    return text[at:]


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _table(text: str) -> Table:
    limits = _LIMITS.match(text)
    points = sorted(
        (
            (float(sign_x + x), float(sign_y + y))
            for sign_x, x, sign_y, y in _POINT.findall(text, limits.end() if limits else 0)
        ),
        key=lambda point: point[0],
    )
    return Table(tuple(x for x, _ in points), tuple(y for _, y in points))


class _Reader:
    """Reads one expression by recursive descent; used once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.kind: str | None = None
        self.word = ""
        self._next()

    def _next(self) -> str:
        """Go one token on; give the word that was read."""
        old = self.word
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            self.kind, self.word = None, ""
        else:
            self.at = found.end()
            self.kind = found.lastgroup
            self.word = found[found.lastgroup or 0]
            if self.kind == "keyword":
                self.word = " ".join(self.word.upper().split())
        return old

    def expression(self) -> Node:
        node = self._conjunction()
        while self.word == ":OR:":
            node = Operation(self._next(), (node, self._conjunction()))
        return node

    def _conjunction(self) -> Node:
        node = self._negation()
        while self.word == ":AND:":
            node = Operation(self._next(), (node, self._negation()))
        return node

    def _negation(self) -> Node:
        if self.word == ":NOT:":
            return Operation(self._next(), (self._comparison(),))
        return self._comparison()

    def _comparison(self) -> Node:
        node = self._sum()
        if self.word in _COMPARISONS:
            node = Operation(self._next(), (node, self._sum()))
        return node

    def _sum(self) -> Node:
        node = self._product()
        while self.word in ("+", "-"):
            node = Operation(self._next(), (node, self._product()))
        return node

    def _product(self) -> Node:
        node = self._power()
        while self.word in ("*", "/"):
            node = Operation(self._next(), (node, self._power()))
        return node

    def _power(self) -> Node:
        negative, base = self._signed()
        node = base
        if self.word == "^":
            node = Operation(self._next(), (base, self._power()))
        return Operation("negative", (node,)) if negative else node

    def _signed(self) -> tuple[bool, Node]:
        """Give an operand, and whether a minus stands before it."""
        negative = False
        while self.word in ("+", "-"):  # a numeral may have a sign beside the operator's
            negative ^= self._next() == "-"
        return negative, self._primary()

    def _primary(self) -> Node:
        match self.kind:
            case "number":
                return Number(float(self._next()))
            case "keyword":  # :NA:
                self._next()
                return Number(math.nan)
            case "name":
                return self._named()
            case _:
                assert self.word == "(", "the scan lets nothing else through"
                self._next()
                node = self.expression()
                self._next()
                return node

    def _named(self) -> Node:
        key = name_key(self.word)
        subscripts: tuple[str, ...] = ()
        at = _skip(self.text, self.at)
        if self.text.startswith("[", at):
            names, self.at = read_subscripts(self.text, at, len(self.text))
            subscripts = tuple(map(name_key, names))
        self._next()
        if self.word != "(":
            return Name(key, subscripts)
        arguments: list[Node] = []
        self._next()
        while self.word != ")":
            if key == "with_lookup" and arguments:
                arguments.append(self._points())
            elif self.kind == "string":
                self._next()
                arguments.append(Number(math.nan))
            else:
                arguments.append(self.expression())
            if self.word == ",":
                self._next()
        self._next()
        return Call(key, subscripts, tuple(arguments))

    def _points(self) -> Table:
        """Read the table in a WITH LOOKUP; the token at hand is its opening bracket."""
        depth, end = 1, self.at
        while depth:
            depth += {"(": 1, ")": -1}.get(self.text[end], 0)
            end += 1
        table = _table(self.text[self.at : end - 1])
        self.at = end
        self._next()
        return table
