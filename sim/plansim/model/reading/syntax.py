"""The right-hand side of a Vensim equation: text to a tree, with every fault of syntax placed.

It is read once, from left to right, with a stack for the brackets and without recursion, in time
proportional to its length.

Precedence, from loose to tight: ``:OR:``, ``:AND:``, ``:NOT:``, comparison, ``+ -``, ``* /``,
sign, ``^``. As PySD has it, ``^`` associates to the right, and a sign after it belongs to the
exponent: ``-a^2`` is -(a²), ``a^-b^c`` is a^(-(b^c)).

References:
    https://www.vensim.com/documentation/ref_operators.html
    https://www.vensim.com/documentation/ref_functions.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

from plansim.errors import Message
from plansim.model.reading.expression import (
    COMPARISONS,
    MISSING,
    Call,
    EquationSyntaxError,
    Name,
    Node,
    Number,
    Numbers,
    Operation,
    QuotedText,
    Table,
    name_key,
    single_spaced,
)
from plansim.model.reading.lookups import (
    NUMBER,
    NUMERALS_ONLY,
    finite,
    read_numbers,
    read_subscripts,
    read_tabbed,
    read_table,
    shown,
    skip,
)

__all__ = ["TABLES_FROM_FILES", "read_expression", "read_lookup", "read_right_side"]

TABLES_FROM_FILES = frozenset({"get_direct_lookups", "get_xls_lookups"})
"""The functions that take a lookup table from another file, by `name_key`."""
_TOKEN = re.compile(
    rf"""[\s\\]*+(?:(?P<number>{NUMBER})
    |(?P<name>[^\W\d][\w'$\s]*|"(?:\\"|[^"\n])*")
    |(?P<string>'[^'\n]*')
    |(?P<keyword>:[A-Za-z ]+:)
    |(?P<operator><>|<=|>=|[-+*/^=<>])
    |(?P<mark>[(),:]))""",
    re.VERBOSE,
)
_TABBED = re.compile(r"TABBED[\s]+ARRAY[\s\\]*\(([^()]*)\)")
_BINDING = MappingProxyType(
    {":OR:": 1, ":AND:": 2, ":NOT:": 3, **dict.fromkeys(COMPARISONS, 4)}
    | {"+": 5, "-": 5, "*": 6, "/": 6, "negative": 7, "^": 8}
)
"""How tightly each operator binds."""


def read_right_side(text: str, start: int, end: int) -> Node:
    """Return the tree of ``text[start:end]``, the right-hand side of an equation.

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    if NUMERALS_ONLY.fullmatch(text, start, end):
        numbers = read_numbers(text, start, end)
        if numbers is not None:
            return Numbers(numbers)
    tabbed = _TABBED.fullmatch(text, start, end)
    if tabbed:
        return Numbers(read_tabbed(text, *tabbed.span(1)))
    return _Reader(text, start, end).read()


def read_expression(text: str) -> Node:
    """Return the tree of an expression that may be within another one.

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    return _Reader(text, 0, len(text)).read()


def read_lookup(text: str, start: int, end: int) -> Table | Call:
    """Return the table that is ``text[start:end]``: ``([limits], (x, y), …)``.

    A table may also be taken from another file by GET XLS LOOKUPS or GET DIRECT LOOKUPS.

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    inside = skip(text, start + 1, end)
    if text.startswith("(", start) and text[inside : inside + 3].upper() == "GET":
        if not text.endswith(")", start, end):
            raise EquationSyntaxError(start, Message("a bracket is never closed"), expected="')'")
        tree = _Reader(text, inside, end - 1).read()
        if isinstance(tree, Call) and tree.key in TABLES_FROM_FILES:
            return tree
    table, after = read_table(text, start, end)
    after = skip(text, after, end)
    if after < end:
        raise EquationSyntaxError(
            after,
            Message("something follows the lookup table"),
            expected="'~'",
            found=shown(text, after),
        )
    return table


class _State(Enum):
    """What may come next."""

    START = auto()  # an operand, a sign or :NOT:
    OPERAND = auto()  # an operand or a sign
    OPERATOR = auto()  # an operator, a comma or a closing bracket
    TEXT_READ = auto()  # a comma or a closing bracket


@dataclass(slots=True)
class _Bracket:
    """A bracket that is open; the bottom one stands for the whole expression."""

    start: int
    called: Name | None
    """What is before the bracket, if that is a function or a lookup table."""
    arguments: list[Node]
    operands: list[Node]
    operators: list[str]
    """Those that wait for their last operand."""
    outputs: list[Name] = field(default_factory=list)
    """The text behind a colon."""

    def add(self, operator: str) -> None:
        """Let an operator between two operands wait, after those that bind no less have theirs."""
        binds = _BINDING[operator] + (operator == "^")
        while self.operators and _BINDING[self.operators[-1]] >= binds:
            self._apply()
        self.operators.append(operator)

    def finish(self) -> Node:
        """Return the tree of all that was read since the bracket or the last comma."""
        while self.operators:
            self._apply()
        return self.operands.pop()

    def _apply(self) -> None:
        operator = self.operators.pop()
        right = self.operands.pop()
        unary = operator in ("negative", ":NOT:")
        operands = (right,) if unary else (self.operands.pop(), right)
        self.operands.append(Operation(operator, operands))


class _Reader:
    """Reads one expression; used once."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.at = start
        self.end = end
        self.state = _State.START
        self.frame = _Bracket(start, None, [], [], [])
        self.outer: list[_Bracket] = []

    def read(self) -> Node:
        while token := _TOKEN.match(self.text, self.at, self.end):
            kind = token.lastgroup or ""
            start, self.at = token.span(kind)
            word = token[kind]
            match kind:
                case "number":
                    self._number(start, word)
                case "name":
                    self._name(start, word)
                case "string":
                    self._string(start, word)
                case "keyword":
                    self._keyword(start, word)
                case "operator":
                    self._operator(start, word)
                case "mark" if word == ":":
                    self._outputs(start)
                case "mark":
                    self._mark(start, word)
        self.at = skip(self.text, self.at, self.end)
        if self.at < self.end:
            raise self._unexpected()
        if self.outer:
            raise EquationSyntaxError(
                self.frame.start, Message("a bracket is never closed"), expected="')'"
            )
        self._check_operand_read(self.end)
        return self.frame.finish()

    def _number(self, start: int, word: str) -> None:
        self._check_operand_wanted(start)
        self._add_operand(Number(finite(start, word), start, self.at))

    def _name(self, start: int, word: str) -> None:
        self._check_operand_wanted(start)
        end = start + len(word.rstrip())
        written: tuple[str, ...] = (single_spaced(word),)
        after = skip(self.text, self.at, self.end)
        if self.text.startswith("[", after, self.end):
            subscripts, end = read_subscripts(self.text, after, self.end)
            written += subscripts
            self.at = end
            after = skip(self.text, end, self.end)
        key, *keys = map(name_key, written)
        name = Name(key, tuple(keys), written, start, end)
        if self.text.startswith("(", after, self.end):
            self.at = after + 1
            self._open(after, name)
        else:
            self._add_operand(name)

    def _string(self, start: int, word: str) -> None:
        if self.state is not _State.START or self.frame.called is None:
            raise EquationSyntaxError(
                start, Message("a text where a number is expected"), found=word[:40]
            )
        self._add_operand(QuotedText(word))
        self.state = _State.TEXT_READ

    def _keyword(self, start: int, word: str) -> None:
        match word := single_spaced(word).upper():
            case ":AND:" | ":OR:":
                self._check_operator_wanted(start, word)
                self.frame.add(word)
                self.state = _State.START
            case ":NOT:" if self.state is _State.START:
                self.frame.operators.append(word)
                self.state = _State.OPERAND
            case ":NA:":
                self._check_operand_wanted(start)
                self._add_operand(Number(MISSING, start, self.at))
            case _:
                raise EquationSyntaxError(
                    start,
                    Message("a keyword is not allowed here"),
                    expected=Message("an operator"),
                    found=word[:40],
                )

    def _operator(self, start: int, word: str) -> None:
        if word in ("+", "-") and self.state in (_State.START, _State.OPERAND):
            if word == "-":
                self.frame.operators.append("negative")
            self.state = _State.OPERAND
            return
        self._check_operator_wanted(start, word)
        if word in COMPARISONS and any(other in COMPARISONS for other in self.frame.operators):
            raise EquationSyntaxError(
                start,
                Message("comparisons cannot follow one another"),
                expected=Message("':AND:' between them"),
                found=Message("'{text}'", text=word),
            )
        self.frame.add(word)
        self.state = _State.OPERAND

    def _mark(self, start: int, word: str) -> None:
        if word == "(":
            self._check_operand_wanted(start)
            self._open(start)
        elif word == ",":
            if self.frame.called is None:
                raise EquationSyntaxError(
                    start, Message("a comma outside of a function's brackets")
                )
            self._end_argument(start)
            self.state = _State.START
            if self.frame.called.key == "with_lookup" and len(self.frame.arguments) == 1:
                table, self.at = read_table(self.text, skip(self.text, self.at, self.end), self.end)
                self._add_operand(table)
        else:
            self._close(start)

    def _outputs(self, start: int) -> None:
        """Read the names behind the colon in the call of a macro, up to the bracket's end."""
        if self.frame.called is None or self.frame.outputs:
            raise EquationSyntaxError(
                start,
                Message("a character is not allowed here"),
                found=shown(self.text, start),
            )
        self._end_argument(start)
        frame = self.frame
        while True:
            self.state = _State.START
            token = _TOKEN.match(self.text, self.at, self.end)
            if token is None or token.lastgroup != "name":
                self._check_operand_read(skip(self.text, self.at, self.end))
            else:
                self.at = token.end()
                self._name(token.start("name"), token["name"])
            self.at = skip(self.text, self.at, self.end)
            following = self.text[self.at : self.at + 1]
            if self.frame is not frame or following not in (",", ")"):
                message = Message("the outputs of a macro cannot be read")
                names = Message("names separated by commas")
                raise EquationSyntaxError(start, message, expected=names)
            frame.outputs += [name for name in (frame.operands.pop(),) if isinstance(name, Name)]
            if following == ")":
                self.state = _State.START
                return
            self.at += 1

    def _open(self, start: int, called: Name | None = None) -> None:
        self.outer.append(self.frame)
        self.frame = _Bracket(start, called, [], [], [])
        self.state = _State.START

    def _close(self, start: int) -> None:
        if not self.outer:
            raise EquationSyntaxError(
                start, Message("a closing bracket has no opening one"), found="')'"
            )
        name = self.frame.called
        empty = not self.frame.arguments and self.state is _State.START
        if name is None or not (empty or self.frame.outputs):
            self._end_argument(start)
        arguments, outputs = tuple(self.frame.arguments), tuple(self.frame.outputs)
        self.frame = self.outer.pop()
        if name is None:
            self._add_operand(arguments[0])
        else:
            self._add_operand(
                Call(
                    name.key, name.subscripts, arguments, name.written, name.start, self.at, outputs
                )
            )

    def _end_argument(self, start: int) -> None:
        self._check_operand_read(start)
        self.frame.arguments.append(self.frame.finish())

    def _add_operand(self, node: Node) -> None:
        self.frame.operands.append(node)
        self.state = _State.OPERATOR

    def _check_operand_wanted(self, start: int) -> None:
        if self.state in (_State.OPERATOR, _State.TEXT_READ):
            raise EquationSyntaxError(
                start,
                Message("an operator is missing"),
                expected=Message("one of + - * / ^ before it"),
                found=shown(self.text, start),
            )

    def _check_operator_wanted(self, start: int, word: str) -> None:
        if self.state is not _State.OPERATOR:
            raise EquationSyntaxError(
                start,
                Message("an operand is missing"),
                expected=Message("a number, a name or a bracket before '{word}'", word=word[:40]),
            )

    def _check_operand_read(self, start: int) -> None:
        if self.state not in (_State.OPERATOR, _State.TEXT_READ):
            found = (
                shown(self.text, start) if start < self.end else Message("the end of the equation")
            )
            raise EquationSyntaxError(
                start,
                Message("an operand is missing"),
                expected=Message("a number, a name or a bracket"),
                found=found,
            )

    def _unexpected(self) -> EquationSyntaxError:
        character = self.text[self.at]
        if character == '"':
            return EquationSyntaxError(
                self.at,
                Message("a quotation mark is never closed"),
                expected=Message("'\"' on the same line"),
            )
        return EquationSyntaxError(
            self.at, Message("a character is not allowed here"), found=shown(self.text, self.at)
        )
