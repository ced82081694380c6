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

import math
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType

from plansim.errors import Message
from plansim.model.expression import (
    COMPARISONS,
    MISSING,
    Call,
    Name,
    Node,
    Number,
    Numbers,
    Operation,
    QuotedText,
    Table,
)

__all__ = [
    "NAME",
    "TABLES_FROM_FILES",
    "EquationSyntaxError",
    "name_key",
    "read_expression",
    "read_lookup",
    "read_right_side",
    "read_subscripts",
    "single_spaced",
]

NAME = r"""\w[\w'$\s]*|"(?:\\"|[^"\n])*\""""
"""A variable's or subscript's name where no number can stand."""

TABLES_FROM_FILES = frozenset({"get_direct_lookups", "get_xls_lookups"})
"""The functions that take a lookup table from another file, by `name_key`."""

_SPACE = re.compile(r"[\s\\]*")
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SIGN = r"[\s\\]*+([+-]?+)[\s\\]*+"  # possessive: no run of spaces is tried twice
_TOKEN = re.compile(
    rf"""[\s\\]*+(?:(?P<number>{_NUMBER})
    |(?P<name>[^\W\d][\w'$\s]*|"(?:\\"|[^"\n])*")
    |(?P<string>'[^'\n]*')
    |(?P<keyword>:[A-Za-z ]+:)
    |(?P<operator><>|<=|>=|[-+*/^=<>])
    |(?P<mark>[(),:]))""",
    re.VERBOSE,
)
_NUMERALS_ONLY = re.compile(r"[0-9eE+\-.,;\s\\]+")
_SIGNED_NUMBER = re.compile(rf"([+-]?)\s*({_NUMBER})")
_TABBED = re.compile(r"TABBED[\s]+ARRAY[\s\\]*\(([^()]*)\)")
_SUBSCRIPTS = re.compile(r"""\[((?:"[^"\n]*"|[^\[\]"~|])*)\]""")
_QUOTED = re.compile(r'"[^"\n]*"')
_POINT_PATTERN = rf"\({_SIGN}({_NUMBER})[\s\\]*+,{_SIGN}({_NUMBER})[\s\\]*+\)"
_POINT = re.compile(_POINT_PATTERN)
# The reference engine hands what stands here to Python's eval: let nothing but figures through.
_LIMITS = re.compile(
    rf"\[\s*+{_POINT_PATTERN}\s*+-\s*+{_POINT_PATTERN}\s*+(?:,\s*+{_POINT_PATTERN}\s*+)*+\][\s\\]*+,"
)
_LISTED_NUMBER = rf"[\s\\]*+[+-]?+[\s\\]*+{_NUMBER}[\s\\]*+"
_LISTED = re.compile(rf"({_LISTED_NUMBER}(?:,{_LISTED_NUMBER}){{2,}})(?=\))")
"""The points of a table as DYNAMO has them: all x, then all y."""
_BLANK = "\\ \t\n\r\f\v"
_ONE_NAME = re.compile(NAME)


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


def read_right_side(text: str, start: int, end: int) -> Node:
    """Return the tree of ``text[start:end]``, the right-hand side of an equation.

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    if _NUMERALS_ONLY.fullmatch(text, start, end):
        numbers = _read_numbers(text, start, end)
        if numbers is not None:
            return Numbers(numbers)
    tabbed = _TABBED.fullmatch(text, start, end)
    if tabbed:
        return Numbers(_read_tabbed(text, *tabbed.span(1)))
    return _Reader(text, start, end).read()


def read_expression(text: str) -> Node:
    """Return the tree of an expression that may stand within another one.

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
    inside = _skip(text, start + 1, end)
    if text.startswith("(", start) and text[inside : inside + 3].upper() == "GET":
        if not text.endswith(")", start, end):
            raise EquationSyntaxError(start, Message("a bracket is never closed"), expected="')'")
        tree = _Reader(text, inside, end - 1).read()
        if isinstance(tree, Call) and tree.key in TABLES_FROM_FILES:
            return tree
    table, after = _read_table(text, start, end)
    after = _skip(text, after, end)
    if after < end:
        raise EquationSyntaxError(
            after,
            Message("something follows the lookup table"),
            expected="'~'",
            found=_shown(text, after),
        )
    return table


def read_subscripts(text: str, start: int, end: int) -> tuple[tuple[str, ...], int]:
    """Return the names (with their ``!``) of ``[a, b!]`` at ``start``, and where they end.

    Raises:
        EquationSyntaxError: the bracket is not closed, or holds something else than names.
    """
    match = _SUBSCRIPTS.match(text, start, end)
    if not match:
        raise EquationSyntaxError(
            start, Message("a subscript bracket is never closed"), expected="']'"
        )
    content = match[1]
    if '"' in content:  # a comma in a quoted name does not separate
        content = _QUOTED.sub(lambda quoted: quoted[0].replace(",", "\0"), content)
    names = []
    for piece in content.split(","):
        word = piece.strip(_BLANK)
        name = word.removesuffix("!").rstrip(_BLANK)
        if not _ONE_NAME.fullmatch(name):
            raise EquationSyntaxError(
                start,
                Message("a subscript cannot be read"),
                expected=Message("names separated by commas"),
                found=_shown(match[0], 0),
            )
        bang = "!" if word.endswith("!") else ""
        names.append(single_spaced(name).replace("\0", ",") + bang)
    return tuple(names), match.end()


class _State(Enum):
    """What may come next."""

    START = auto()  # an operand, a sign or :NOT:
    OPERAND = auto()  # an operand or a sign
    SIGNED = auto()  # an operand, or a number with a sign of its own
    OPERATOR = auto()  # an operator, a comma or a closing bracket
    TEXT_READ = auto()  # a comma or a closing bracket


_BINDING = MappingProxyType(
    {":OR:": 1, ":AND:": 2, ":NOT:": 3, **dict.fromkeys(COMPARISONS, 4)}
    | {"+": 5, "-": 5, "*": 6, "/": 6, "negative": 7, "^": 8}
)
"""How tightly each operator binds."""


@dataclass(slots=True)
class _Bracket:
    """A bracket that is open; the bottom one stands for the whole expression."""

    start: int
    called: Name | None
    """What stands before the bracket, if that is a function or a lookup table."""
    arguments: list[Node]
    operands: list[Node]
    operators: list[str]
    """Those that wait for their last operand."""
    outputs: list[Name] = field(default_factory=list)
    """What stands behind a colon."""

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
        self.at = _skip(self.text, self.at, self.end)
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
        self._add_operand(Number(_finite(start, word), start, self.at))

    def _name(self, start: int, word: str) -> None:
        self._check_operand_wanted(start)
        end = start + len(word.rstrip())
        written: tuple[str, ...] = (single_spaced(word),)
        after = _skip(self.text, self.at, self.end)
        if self.text.startswith("[", after, self.end):
            subscripts, end = read_subscripts(self.text, after, self.end)
            written += subscripts
            self.at = end
            after = _skip(self.text, end, self.end)
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
                start, Message("a text stands where a number must"), found=word[:40]
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
                    Message("a keyword cannot stand here"),
                    expected=Message("an operator"),
                    found=word[:40],
                )

    def _operator(self, start: int, word: str) -> None:
        if word in ("+", "-") and self._may_be_sign():
            if word == "-":
                self.frame.operators.append("negative")
            self.state = _State.SIGNED
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

    def _may_be_sign(self) -> bool:
        """Return whether a plus or minus is the sign of what follows; a numeral may have two."""
        if self.state is _State.SIGNED:
            following = _TOKEN.match(self.text, self.at, self.end)
            return following is not None and following.lastgroup == "number"
        return self.state in (_State.START, _State.OPERAND)

    def _mark(self, start: int, word: str) -> None:
        if word == "(":
            self._check_operand_wanted(start)
            self._open(start)
        elif word == ",":
            if self.frame.called is None:
                raise EquationSyntaxError(
                    start, Message("a comma stands outside of a function's brackets")
                )
            self._end_argument(start)
            self.state = _State.START
            if self.frame.called.key == "with_lookup" and len(self.frame.arguments) == 1:
                table, self.at = _read_table(
                    self.text, _skip(self.text, self.at, self.end), self.end
                )
                self._add_operand(table)
        else:
            self._close(start)

    def _outputs(self, start: int) -> None:
        """Read the names behind the colon in the call of a macro, up to the bracket's end."""
        if self.frame.called is None or self.frame.outputs:
            raise EquationSyntaxError(
                start,
                Message("a character cannot stand here"),
                found=_shown(self.text, start),
            )
        self._end_argument(start)
        frame = self.frame
        while True:
            self.state = _State.START
            token = _TOKEN.match(self.text, self.at, self.end)
            if token is None or token.lastgroup != "name":
                self._check_operand_read(_skip(self.text, self.at, self.end))
            else:
                self.at = token.end()
                self._name(token.start("name"), token["name"])
            self.at = _skip(self.text, self.at, self.end)
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
                found=_shown(self.text, start),
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
                _shown(self.text, start) if start < self.end else Message("the end of the equation")
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
            self.at, Message("a character cannot stand here"), found=_shown(self.text, self.at)
        )


def _skip(text: str, start: int, end: int) -> int:
    """Return the offset of the next character that is no white space."""
    match = _SPACE.match(text, start, end)
    return match.end() if match else start


def _shown(text: str, start: int, limit: int = 24) -> Message:
    """Return, in quotes, what stands at an offset, up to the end of its line."""
    line = text[start : start + limit].split("\n")[0].rstrip("\\ \t") or text[start]
    return Message("'{text}'", text=line)


def _finite(offset: int, word: str) -> float:
    value = float(word)
    if math.isinf(value):
        raise EquationSyntaxError(offset, Message("a number is too large"), found=word[:40])
    return value


def _read_numbers(text: str, start: int, end: int) -> tuple[float, ...] | None:
    """Return the numbers of ``1, 2; 3, 4;``; None if it is one term that is none, as ``5-3``."""
    content = text[start:end].strip(_BLANK)
    is_list = "," in content or ";" in content
    numbers = []
    at = start
    pieces = re.split("[,;]", content.removesuffix(";"))
    for piece in pieces:
        number = _SIGNED_NUMBER.fullmatch(piece.strip(_BLANK))
        if number:
            numbers.append(_finite(at, number[2]) * (-1 if number[1] == "-" else 1))
        elif is_list:
            raise EquationSyntaxError(
                at,
                Message("a list of numbers cannot be read"),
                expected=Message("a number"),
                found=Message("'{text}'", text=single_spaced(piece)[:24]),
            )
        else:
            return None
        at = min(at + len(piece) + 1, end - 1)
    return tuple(numbers)


def _read_tabbed(text: str, start: int, end: int) -> tuple[float, ...]:
    words = re.sub(r"([+-])\s+", r"\1", text[start:end].replace("\\", " ")).split()
    for word in words:
        if not _SIGNED_NUMBER.fullmatch(word):
            raise EquationSyntaxError(
                start,
                Message("a table cannot be read"),
                expected=Message("a number"),
                found=Message("'{text}'", text=word[:24]),
            )
    if not words:
        raise EquationSyntaxError(start, Message("a table is empty"), expected=Message("numbers"))
    return tuple(_finite(start, word.lstrip("+")) for word in words)


def _listed_number(offset: int, piece: str) -> float:
    sign, number = re.findall(r"([+-]?)[\s\\]*([^\s\\]+)", piece)[0]
    return _finite(offset, number) * (-1 if sign == "-" else 1)


def _read_table(text: str, start: int, end: int) -> tuple[Table, int]:
    """Return the table ``([limits], (x, y), …)`` at ``start``, and the offset after it.

    The points may also be a list of all x and then of all y.
    """
    if not text.startswith("(", start, end):
        raise EquationSyntaxError(
            start, Message("a lookup table is missing"), expected=Message("'((x, y), (x, y), …)'")
        )
    at = _skip(text, start + 1, end)
    if text.startswith("[", at, end):
        limits = _LIMITS.match(text, at, end)
        if not limits:
            raise EquationSyntaxError(
                at,
                Message("the limits of a lookup table cannot be read"),
                expected=Message("'[(x min,y min)-(x max,y max)],'"),
                found=_shown(text, at),
            )
        at = _skip(text, limits.end(), end)
    points: list[tuple[float, float]] = []
    if listed := _LISTED.match(text, at, end):
        numbers = [_listed_number(at, piece) for piece in listed[1].split(",")]
        half, odd = divmod(len(numbers), 2)
        if odd:
            raise EquationSyntaxError(
                at,
                Message("a lookup table does not have as many heights as places"),
                expected=Message("all x, then all y"),
                found=f"{len(numbers)}",
            )
        points = list(zip(numbers[:half], numbers[half:], strict=True))
        at = listed.end()
    while at < end and text[at] != ")":
        point = _POINT.match(text, at, end)
        if not point:
            raise EquationSyntaxError(
                at,
                Message("a point of a lookup table cannot be read"),
                expected=Message("'(x, y)'"),
                found=_shown(text, at),
            )
        x, y = _finite(at, point[2]), _finite(at, point[4])
        points.append((-x if point[1] == "-" else x, -y if point[3] == "-" else y))
        at = _skip(text, point.end(), end)
        if text.startswith(",", at, end):
            at = _skip(text, at + 1, end)
    if at >= end:
        raise EquationSyntaxError(start, Message("a bracket is never closed"), expected="')'")
    if not points:
        raise EquationSyntaxError(
            start, Message("a lookup table is empty"), expected=Message("'(x, y)'")
        )
    points.sort(key=itemgetter(0))
    return Table(tuple(x for x, _ in points), tuple(y for _, y in points)), at + 1
