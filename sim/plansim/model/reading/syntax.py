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
    LETTER,
    MISSING,
    NAME,
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
    |(?P<name>[{LETTER}][0-9{LETTER}'$\s]*|"(?:\\"|[^"\n])*")
    |(?P<string>'[^'\n]*')
    |(?P<keyword>:[A-Za-z ]+:)
    |(?P<operator><>|<=|>=|[-+*/^=<>])
    |(?P<mark>[(),:]))""",
    re.VERBOSE,
)
_OUTPUT = re.compile(rf"[\s\\]*({NAME})[\s\\]*(\[[^\]]*\])?[\s\\]*([,)])")
_TABBED = re.compile(r"TABBED[\s_]+ARRAY[\s\\]*\(([^()]*)\)", re.IGNORECASE)
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
    if tabbed := _TABBED.fullmatch(text, start, end):
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


@dataclass(slots=True)
class _Bracket:
    """A bracket that is open; the bottom one stands for the whole expression."""

    start: int
    called: Name | None = None
    """What is before the bracket, if that is a function or a lookup table."""
    arguments: list[Node] = field(default_factory=list)
    operands: list[Node] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)
    """Those that wait for their last operand."""
    outputs: list[Name] = field(default_factory=list)
    """The text behind a colon."""

    def add(self, operator: str) -> None:
        """Let an operator between two operands wait, after those that bind no less have theirs."""
        binds = _BINDING[operator] + (operator == "^")
        while self.operators and _BINDING[self.operators[-1]] >= binds:
            self._apply()
        self.operators.append(operator)

    def finish(self) -> None:
        """Make an argument of all that was read since the bracket or the last comma."""
        while self.operators:
            self._apply()
        self.arguments.append(self.operands.pop())

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
        self.frame = _Bracket(start)
        self.outer: list[_Bracket] = []

    def read(self) -> Node:
        while token := _TOKEN.match(self.text, self.at, self.end):
            kind = token.lastgroup or ""
            start, self.at = token.span(kind)
            self._take(kind, start, token[kind])
        self.at = skip(self.text, self.at, self.end)
        if self.at < self.end and self.text[self.at] == '"':
            message = Message("a quotation mark is never closed")
            on_line = Message("'\"' on the same line")
            raise EquationSyntaxError(self.at, message, expected=on_line)
        if self.at < self.end:
            raise self._misplaced(self.at)
        if self.outer:
            message = Message("a bracket is never closed")
            raise EquationSyntaxError(self.frame.start, message, expected="')'")
        self._end_argument(self.end)
        return self.frame.arguments[0]

    def _take(self, kind: str, start: int, word: str) -> None:
        match kind:
            case "number":
                self._add(start, Number(finite(start, word), start, self.at))
            case "name":
                self._name(start, word)
            case "string":
                if self.state is not _State.START or self.frame.called is None:
                    message = Message("a text where a number is expected")
                    raise EquationSyntaxError(start, message, found=word[:40])
                self._add(start, QuotedText(word))
            case "keyword":
                self._keyword(start, single_spaced(word).upper())
            case "operator" if word in ("+", "-") and self.state is not _State.OPERATOR:
                self.frame.operators += ["negative"] if word == "-" else []
                self.state = _State.OPERAND
            case "operator":
                self._operate(start, word)
            case _:
                self._mark(start, word)

    def _name(self, start: int, word: str) -> None:
        end = start + len(word.rstrip())
        written: tuple[str, ...] = (single_spaced(word),)
        after = skip(self.text, self.at, self.end)
        if self.text.startswith("[", after, self.end):
            subscripts, self.at = read_subscripts(self.text, after, self.end)
            written += subscripts
            end, after = self.at, skip(self.text, self.at, self.end)
        key, *keys = map(name_key, written)
        name = Name(key, tuple(keys), written, start, end)
        if self.text.startswith("(", after, self.end):
            self.at = after + 1
            self._open(start, _Bracket(after, name))
        else:
            self._add(start, name)

    def _keyword(self, start: int, word: str) -> None:
        if word in (":AND:", ":OR:"):
            self._operate(start, word)
            self.state = _State.START
        elif word == ":NOT:" and self.state is _State.START:
            self.frame.operators.append(word)
            self.state = _State.OPERAND
        elif word == ":NA:":
            self._add(start, Number(MISSING, start, self.at))
        else:
            message, operator = Message("a keyword is not allowed here"), Message("an operator")
            raise EquationSyntaxError(start, message, expected=operator, found=word[:40])

    def _operate(self, start: int, word: str) -> None:
        """Let an operator between two operands follow the first one."""
        if self.state is not _State.OPERATOR or isinstance(self.frame.operands[-1], QuotedText):
            raise EquationSyntaxError(
                start,
                Message("an operand is missing"),
                expected=Message("a number, a name or a bracket before '{word}'", word=word[:40]),
            )
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
        called = self.frame.called
        if word == "(":
            self._open(start, _Bracket(start))
        elif word == ")":
            self._close(start)
        elif called is None:
            if word == ",":
                message = Message("a comma outside of a function's brackets")
                raise EquationSyntaxError(start, message)
            raise self._misplaced(start)
        elif word == ":":
            self._outputs(start)
        else:
            self._end_argument(start)
            if called.key == "with_lookup" and len(self.frame.arguments) == 1:
                at = skip(self.text, self.at, self.end)
                table, self.at = read_table(self.text, at, self.end)
                self._add(at, table)

    def _outputs(self, start: int) -> None:
        """Read the names behind the colon in the call of a macro, up to the bracket's end."""
        if self.frame.outputs:
            raise self._misplaced(start)
        self._end_argument(start)
        while True:
            found = _OUTPUT.match(self.text, self.at, self.end)
            if found is None:
                message = Message("the outputs of a macro cannot be read")
                names = Message("names separated by commas")
                raise EquationSyntaxError(start, message, expected=names)
            written: tuple[str, ...] = (single_spaced(found[1]),)
            if found[2]:
                written += read_subscripts(self.text, found.start(2), self.end)[0]
            key, *keys = map(name_key, written)
            span = found.start(1), found.end(2 if found[2] else 1)
            self.frame.outputs.append(Name(key, tuple(keys), written, *span))
            self.at = found.end()
            if found[3] == ")":
                self.at -= 1
                return

    def _open(self, start: int, bracket: _Bracket) -> None:
        self._check_wanted(start)
        self.outer.append(self.frame)
        self.frame = bracket
        self.state = _State.START

    def _close(self, start: int) -> None:
        if not self.outer:
            message = Message("a closing bracket has no opening one")
            raise EquationSyntaxError(start, message, found="')'")
        frame = self.frame
        empty = frame.called and not frame.arguments and self.state is _State.START
        if not (empty or frame.outputs):
            self._end_argument(start)
        self.frame, self.state = self.outer.pop(), _State.OPERAND
        node = frame.arguments[0] if frame.arguments else None
        if name := frame.called:
            node = Call(
                name.key, name.subscripts, tuple(frame.arguments), name.written, name.start,
                self.at, tuple(frame.outputs),
            )  # fmt: skip
        assert node is not None
        self._add(start, node)

    def _end_argument(self, start: int) -> None:
        if self.state is not _State.OPERATOR:
            end = Message("the end of the equation")
            raise EquationSyntaxError(
                start,
                Message("an operand is missing"),
                expected=Message("a number, a name or a bracket"),
                found=shown(self.text, start) if start < self.end else end,
            )
        self.frame.finish()
        self.state = _State.START

    def _add(self, start: int, node: Node) -> None:
        self._check_wanted(start)
        self.frame.operands.append(node)
        self.state = _State.OPERATOR

    def _check_wanted(self, start: int) -> None:
        if self.state is _State.OPERATOR:
            raise EquationSyntaxError(
                start,
                Message("an operator is missing"),
                expected=Message("one of + - * / ^ before it"),
                found=shown(self.text, start),
            )

    def _misplaced(self, at: int) -> EquationSyntaxError:
        message = Message("a character is not allowed here")
        return EquationSyntaxError(at, message, found=shown(self.text, at))
