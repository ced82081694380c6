"""Numbers, lists of numbers and lookup tables, and subscripts, as a Vensim file writes them."""

from __future__ import annotations

import math
import re
from operator import itemgetter

from plansim.errors import Message
from plansim.model.reading.expression import (
    NAME,
    EquationSyntaxError,
    Table,
    single_spaced,
)

__all__ = [
    "NUMBER",
    "NUMERALS_ONLY",
    "finite",
    "read_numbers",
    "read_subscripts",
    "read_tabbed",
    "read_table",
    "shown",
    "skip",
]

_SPACE = re.compile(r"[\s\\]*")
NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SIGN = r"[\s\\]*+([+-]?+)[\s\\]*+"  # possessive: no run of spaces is tried twice
NUMERALS_ONLY = re.compile(r"[0-9eE+\-.,;\s\\]+")
_SIGNED_NUMBER = re.compile(rf"([+-]?)[\s\\]*({NUMBER})")
_SUBSCRIPTS = re.compile(r"""\[((?:"[^"\n]*"|[^\[\]"~|])*)\]""")
_QUOTED = re.compile(r'"[^"\n]*"')
_POINT_PATTERN = rf"\({_SIGN}({NUMBER})[\s\\]*+,{_SIGN}({NUMBER})[\s\\]*+\)"
_POINT = re.compile(_POINT_PATTERN)
# The reference engine hands what is here to Python's eval: let nothing but figures through.
_LIMITS = re.compile(
    rf"\[\s*+{_POINT_PATTERN}\s*+-\s*+{_POINT_PATTERN}\s*+(?:,\s*+{_POINT_PATTERN}\s*+)*+\][\s\\]*+,"
)
_LISTED_NUMBER = rf"[\s\\]*+[+-]?+[\s\\]*+{NUMBER}[\s\\]*+"
_LISTED = re.compile(rf"({_LISTED_NUMBER}(?:,{_LISTED_NUMBER}){{2,}})(?=\))")
"""The points of a table as DYNAMO has them: all x, then all y."""
_BLANK = "\\ \t\n\r\f\v"
_ONE_NAME = re.compile(NAME)


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
                found=shown(match[0], 0),
            )
        bang = "!" if word.endswith("!") else ""
        names.append(single_spaced(name).replace("\0", ",") + bang)
    return tuple(names), match.end()


def skip(text: str, start: int, end: int) -> int:
    """Return the offset of the next character that is no white space."""
    match = _SPACE.match(text, start, end)
    return match.end() if match else start


def shown(text: str, start: int, limit: int = 24) -> Message:
    """Return, in quotes, what is at an offset, up to the end of its line."""
    line = text[start : start + limit].split("\n")[0].rstrip("\\ \t") or text[start]
    return Message("'{text}'", text=line)


def finite(offset: int, word: str) -> float:
    """Return a number.

    Raises:
        EquationSyntaxError: it is larger than any.
    """
    value = float(word)
    if math.isinf(value):
        raise EquationSyntaxError(offset, Message("a number is too large"), found=word[:40])
    return value


def read_numbers(text: str, start: int, end: int) -> tuple[float, ...] | None:
    """Return the numbers of ``1, 2; 3, 4;``; None if it is one term that is none, as ``5-3``."""
    content = text[start:end].strip(_BLANK).removesuffix(";")
    pieces = re.split("[,;]", content)
    if len(pieces) == 1 and not _SIGNED_NUMBER.fullmatch(content):
        return None
    numbers, at = [], start
    for piece in pieces:
        numbers.append(_number(at, piece))
        at = min(at + len(piece) + 1, end - 1)
    return tuple(numbers)


def read_tabbed(text: str, start: int, end: int) -> tuple[float, ...]:
    """Return the numbers of TABBED ARRAY, which white space separates."""
    words = re.sub(r"([+-])[\s\\]+", r"\1", text[start:end]).replace("\\", " ").split()
    return tuple(_number(start, word) for word in words or [""])


def _number(offset: int, piece: str) -> float:
    """Return a number of a list."""
    number = _SIGNED_NUMBER.fullmatch(piece.strip(_BLANK))
    if number is None:
        raise EquationSyntaxError(
            offset,
            Message("a list of numbers cannot be read"),
            expected=Message("a number"),
            found=Message("'{text}'", text=single_spaced(piece)[:24]),
        )
    return finite(offset, number[1] + number[2])


def read_table(text: str, start: int, end: int) -> tuple[Table, int]:
    """Return the table ``([limits], (x, y), …)`` at ``start``, and the offset after it.

    The points may also be a list of all x and then of all y.
    """
    if not text.startswith("(", start, end):
        raise EquationSyntaxError(
            start, Message("a lookup table is missing"), expected=Message("'((x, y), (x, y), …)'")
        )
    at = skip(text, start + 1, end)
    if text.startswith("[", at, end):
        limits = _LIMITS.match(text, at, end)
        if not limits:
            raise EquationSyntaxError(
                at,
                Message("the limits of a lookup table cannot be read"),
                expected=Message("'[(x min,y min)-(x max,y max)],'"),
                found=shown(text, at),
            )
        at = skip(text, limits.end(), end)
    points: list[tuple[float, float]] = []
    if listed := _LISTED.match(text, at, end):
        numbers = [_number(at, piece) for piece in listed[1].split(",")]
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
                found=shown(text, at),
            )
        points.append((finite(at, point[1] + point[2]), finite(at, point[3] + point[4])))
        at = skip(text, point.end(), end)
        if text.startswith(",", at, end):
            at = skip(text, at + 1, end)
    if at >= end:
        raise EquationSyntaxError(start, Message("a bracket is never closed"), expected="')'")
    if not points:
        raise EquationSyntaxError(
            start, Message("a lookup table is empty"), expected=Message("'(x, y)'")
        )
    points.sort(key=itemgetter(0))
    return Table(tuple(x for x, _ in points), tuple(y for _, y in points)), at + 1
