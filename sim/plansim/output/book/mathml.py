"""Equations as MathML, which browsers show without help.

A name stands upright, in the language that is asked for, with its subscripts below. A sum or a
product that is too wide for a page is broken into lines at its top level.

Reference: https://www.w3.org/TR/mathml-core/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from plansim.model.reading.arrays import free_marks
from plansim.model.reading.expression import (
    Call,
    Name,
    Node,
    Number,
    Numbers,
    Operation,
    QuotedText,
    Table,
)

__all__ = ["Namer", "equation_mathml"]

Namer = Callable[[str], str]
"""Gives what to call the variable, range or element of a key."""

WIDE = 72
"""More letters than that in a line are too many."""

_LOOSE = {":OR:": 1, ":AND:": 2, ":NOT:": 3, "+": 5, "-": 5, "*": 6, "/": 6, "negative": 7, "^": 8}
_SIGNS = {"<=": "≤", ">=": "≥", "<>": "≠", "-": "−", ":OR:": "∨", ":AND:": "∧", ":NOT:": "¬"}
_BIG = {"sum": "∑", "prod": "∏", "vmax": "max", "vmin": "min"}
_PLAIN = {"ln": "ln", "exp": "exp", "max": "max", "min": "min", "sin": "sin", "cos": "cos"}
_TIGHT = 9


@dataclass(frozen=True)
class _Writer:
    name_of: Namer

    def name(self, key: str, subscripts: Sequence[str] = ()) -> str:
        markup = _text(self.name_of(key))
        if not subscripts:
            return markup
        below = ", ".join(
            self.name_of(subscript.rstrip("!").rstrip("_")) for subscript in subscripts
        )
        return f"<msub>{markup}{_text(below)}</msub>"

    def node(self, node: Node, tight: int = 0) -> str:
        """Write a tree; in brackets where it binds less than ``tight``."""
        inner, binds = self._bare(node)
        return f"<mrow>{_sign('(')}{inner}{_sign(')')}</mrow>" if binds < tight else inner

    def _bare(self, node: Node) -> tuple[str, int]:
        match node:
            case Number(value):
                whole = value >= 0 and "e" not in f"{value:.10g}"
                return _number(value), _TIGHT if whole else 6
            case Name(key, subscripts):
                return self.name(key, subscripts), _TIGHT
            case Call():
                return self._call(node)
            case QuotedText(text):
                return _text(text), _TIGHT
            case Table(x, y):
                points = "; ".join(f"({a:g}, {b:g})" for a, b in zip(x, y, strict=True))
                return _text(points), _TIGHT
            case Operation("/", (top, bottom)):
                return f"<mfrac>{_row(self.node(top))}{_row(self.node(bottom))}</mfrac>", _TIGHT
            case Operation("^", (base, exponent)):
                raised = f"{_row(self.node(base, _TIGHT))}{_row(self.node(exponent))}"
                return f"<msup>{raised}</msup>", 8
            case Operation("negative", (inner,)):
                return _sign("−") + self.node(inner, 6), 6
            case Operation(":NOT:", (inner,)):
                return _sign("¬") + self.node(inner, _TIGHT), 3
            case Operation(operator, (left, right)):
                binds = _LOOSE.get(operator, 4)
                sign = "·" if operator == "*" else _SIGNS.get(operator, operator)
                after = self.node(right, binds + (operator == "-"))
                return self.node(left, binds) + _sign(sign) + after, binds
            case _:
                raise AssertionError(node)

    def _call(self, node: Call) -> tuple[str, int]:
        key, arguments = node.key, node.arguments
        if key in _BIG:
            return self._big(key, arguments[0]), 6
        if key == "if_then_else":
            condition, then, otherwise = (_cell(self.node(argument)) for argument in arguments)
            when = _cell(_text(" if "), plain=True)
            rows = (
                f"<mtr>{then}{when}{condition}</mtr><mtr>{otherwise}{_cell(_text(' else '))}</mtr>"
            )
            return f"<mrow>{_sign('{')}<mtable columnalign='left'>{rows}</mtable></mrow>", _TIGHT
        if key == "sqrt":
            return f"<msqrt>{self.node(arguments[0])}</msqrt>", _TIGHT
        if key == "abs":
            return _sign("|") + self.node(arguments[0]) + _sign("|"), _TIGHT
        markup = _PLAIN.get(key) or (
            self.name(key, node.subscripts) if self.name_of(key) != key else key.upper()
        )
        head = (
            markup if markup.startswith("<") else f"<mi mathvariant='normal'>{escape(markup)}</mi>"
        )
        inner = _sign(",").join(self.node(argument) for argument in arguments)
        return f"{head}<mrow>{_sign('(')}{inner}{_sign(')')}</mrow>", _TIGHT

    def _big(self, key: str, inner: Node) -> str:
        over = dict.fromkeys(mark.rstrip("!").rstrip("_") for mark in free_marks(inner))
        sign = _BIG[key]
        mark = f"<mo>{sign}</mo>" if len(sign) == 1 else f"<mi mathvariant='normal'>{sign}</mi>"
        below = _text(", ".join(self.name_of(mark) for mark in over))
        return f"<munder>{mark}{below}</munder>{self.node(inner, 6)}"


def equation_mathml(
    left: str,
    subscripts: Sequence[str],
    right: Node,
    name_of: Namer,
    *,
    initially: str = "t₀",
) -> str:
    """Write an equation.

    A stock is written as its rate and its initial value: d stock / d t = …; stock(t₀) = ….

    Args:
        left: the key of the variable.
        subscripts: of the left-hand side, by key.
        right: the tree of the right-hand side.
        name_of: names what keys stand for.
        initially: what the first moment is called.
    """
    writer = _Writer(name_of)
    name = writer.name(left, subscripts)
    if isinstance(right, Call) and right.key == "integ":
        rate, start = right.arguments[:2]
        change = f"<mfrac><mrow>{_d()}{name}</mrow><mrow>{_d()}<mi>t</mi></mrow></mfrac>"
        first = name + f"<mrow>{_sign('(')}<mi>{initially}</mi>{_sign(')')}</mrow>"
        return _math(writer, change, rate) + _math(writer, first, start)
    return _math(writer, name, right)


def _math(writer: _Writer, left: str, right: Node) -> str:
    lines = list(_broken(writer, right))
    rows = "".join(
        f"<mtr><mtd>{left if not row else ''}</mtd><mtd>{_sign('=') if not row else ''}</mtd>"
        f"<mtd>{line}</mtd></mtr>"
        for row, line in enumerate(lines)
    )
    return f'<math><mtable class="eq">{rows}</mtable></math>'


def _broken(writer: _Writer, node: Node) -> Iterator[str]:
    """Break a wide right-hand side at its summands, or at its factors."""
    parts = list(_parts(node))
    if _length(writer, node) <= WIDE or len(parts) == 1:
        yield writer.node(node)
        return
    line, used = "", 0
    for sign, part in parts:
        before = f'<mo form="infix">{sign}</mo>' if sign else ""
        markup = before + writer.node(part, 7 if sign == "·" else 6)
        size = _length(writer, part)
        if line and used + size > WIDE:
            yield line
            line, used = "", 0
        line += markup
        used += size
    yield line


def _parts(node: Node) -> Iterator[tuple[str, Node]]:
    """Return the summands of a sum, or the factors of a product, with the sign before each."""
    match node:
        case Operation("+" | "-" as operator, (left, right)):
            yield from _parts(left) if _is(left, "+-") else [("", left)]
            yield "+" if operator == "+" else "−", right
        case Operation("*", (left, right)):
            yield from _parts(left) if _is(left, "*") else [("", left)]
            yield "·", right
        case _:
            yield "", node


def _is(node: Node, operators: str) -> bool:
    return isinstance(node, Operation) and node.operator in operators


def _length(writer: _Writer, node: Node) -> int:
    """Estimate how many letters wide a tree is; a fraction is as wide as its wider half."""
    match node:
        case Number(value):
            return len(f"{value:g}")
        case Name(key, subscripts):
            name = writer.name_of(key)
            wide = 1 if name.isascii() else 2
            return wide * len(name) + sum(len(subscript) for subscript in subscripts) * 2 // 3
        case Operation("/", operands):
            return max(_length(writer, operand) for operand in operands)
        case Operation(_, operands):
            return sum(_length(writer, operand) + 2 for operand in operands)
        case Call(key, _, arguments):
            return len(key) + 2 + sum(_length(writer, argument) + 1 for argument in arguments)
        case Table(x, _) | Numbers(x):
            return 10 * len(x)
        case QuotedText(text):
            return len(text)


def _row(inner: str) -> str:
    return f"<mrow>{inner}</mrow>"


def _cell(inner: str, *, plain: bool = False) -> str:
    return f"<mtd>{inner}</mtd>" if plain else f"<mtd>{_row(inner)}</mtd>"


def _text(markup: str) -> str:
    return f"<mtext>{escape(markup)}</mtext>"


def _sign(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _d() -> str:
    return "<mi mathvariant='normal'>d</mi><mspace width='.15em'/>"


def _number(value: float) -> str:
    if value != value:
        return _text("NA")
    markup = f"{abs(value):.10g}"
    mantissa, _, exponent = markup.partition("e")
    number = f"<mn>{mantissa}</mn>"
    if exponent:
        number += f"{_sign('·')}<msup><mn>10</mn><mn>{int(exponent)}</mn></msup>"
    return _sign("−") + number if value < 0 else number
