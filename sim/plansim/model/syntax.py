"""The right-hand side of a Vensim equation: its syntax, and what it refers to.

It is read once, from left to right, with a stack for the brackets and without recursion, in time
proportional to its length. Nothing is computed, save by `evaluate`, which the clock needs.

Reference: https://www.vensim.com/documentation/ref_functions.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from plansim.errors import Message

__all__ = [
    "FUNCTIONS",
    "NAME",
    "UNCOMPUTED_FUNCTIONS",
    "EquationSyntaxError",
    "Expression",
    "Reference",
    "Role",
    "evaluate",
    "name_key",
    "read_expression",
    "read_lookup",
    "read_subscripts",
    "single_spaced",
]

FUNCTIONS: dict[str, int | None] = {
    "abs": 1,
    "active_initial": 2,
    "allocate_available": 3,
    "allocate_by_priority": 5,
    "arccos": 1,
    "arcsin": 1,
    "arctan": 1,
    "cos": 1,
    "cosh": 1,
    "delay1": 2,
    "delay1i": 3,
    "delay3": 2,
    "delay3i": 3,
    "delay_fixed": 3,
    "delay_n": 4,
    "elmcount": 1,
    "exp": 1,
    "forecast": 3,
    "game": 1,
    "get_direct_constants": 3,
    "get_direct_data": 4,
    "get_direct_lookups": 4,
    "get_time_value": 3,
    "get_xls_constants": 3,
    "get_xls_data": 4,
    "get_xls_lookups": 4,
    "if_then_else": 3,
    "initial": 1,
    "integ": 2,
    "integer": 1,
    "invert_matrix": None,
    "ln": 1,
    "log": 2,
    "max": 2,
    "min": 2,
    "modulo": 2,
    "power": 2,
    "prod": 1,
    "pulse": 2,
    "pulse_train": 4,
    "quantum": 2,
    "ramp": 3,
    "random_0_1": 0,
    "random_exponential": 5,
    "random_normal": 5,
    "random_uniform": 3,
    "sample_if_true": 3,
    "sin": 1,
    "sinh": 1,
    "smooth": 2,
    "smooth3": 2,
    "smooth3i": 3,
    "smooth_n": 4,
    "smoothi": 3,
    "sqrt": 1,
    "step": 2,
    "sum": 1,
    "tan": 1,
    "tanh": 1,
    "trend": 3,
    "vector_rank": 2,
    "vector_reorder": 2,
    "vector_select": 5,
    "vector_sort_order": 2,
    "vmax": 1,
    "vmin": 1,
    "with_lookup": 2,
    "xidz": 3,
    "zidz": 2,
}
"""The functions that the reference engine computes, by `name_key`, and how many arguments they
take; None where Vensim's own manual and the engine differ."""

UNCOMPUTED_FUNCTIONS: frozenset[str] = frozenset(
    name_group + suffix
    for name_group, suffixes in {
        "": "a_function_of alloc_p cumulate cumulatef find_market_price find_zero gamma_ln "
        "internal_rate_of_return marketp message npv npve reinitial sample_until shift_if_true "
        "simultaneous sshape supply_at_price demand_at_price time_base time_shift vector_elm_map "
        "vector_lookup",
        "delay_": "batch conveyor information leakage material profile",
        "depreciate_": "by_schedule straightline",
        "get_123_": "constants data lookups",
        "get_data_": "at_time between_times first_time last_time max mean median min stdv "
        "total_points",
        "get_odbc_": "constants data lookups",
        "get_vdf_": "constants data lookups",
        "lookup_": "area backward extrapolate forward invert slope",
        "queue_": "age_average age_oldest age_in_range attrib_average attrib_in_range attrib_max "
        "attrib_min attrib_quantity fifo fifo_attrib",
        "random_": "beta binomial gamma lookup negative_binomial pink_noise poisson triangular "
        "weibull",
    }.items()
    for suffix in suffixes.split()
)
"""Functions of Vensim that the reference engine reads but cannot compute."""

NAME = r"""\w[\w'$\s]*|"(?:\\"|[^"\n])*\""""
"""A variable's or subscript's name where no number can stand."""

_SPACE = re.compile(r"[\s\\]*")
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SIGN = r"[\s\\]*+[+-]?+[\s\\]*+"  # possessive: no run of spaces is tried twice
_TOKEN = re.compile(
    rf"""(?P<space>[\s\\]+)
    |(?P<number>{_NUMBER})
    |(?P<name>[^\W\d][\w'$\s]*|"(?:\\"|[^"\n])*")
    |(?P<string>'[^'\n]*')
    |(?P<keyword>:[A-Za-z ]+:)
    |(?P<operator><>|<=|>=|[-+*/^=<>])
    |(?P<mark>[(),])""",
    re.VERBOSE,
)
_NUMERALS_ONLY = re.compile(r"[0-9eE+\-.,;\s\\]+")
_SIGNED_NUMBER = re.compile(rf"([+-]?)\s*({_NUMBER})")
_TABBED = re.compile(r"TABBED[\s]+ARRAY[\s\\]*\(([^()]*)\)")
_SUBSCRIPTS = re.compile(r"""\[((?:"[^"\n]*"|[^\[\]"~|])*)\]""")
_QUOTED = re.compile(r'"[^"\n]*"')
_POINT_PATTERN = rf"\({_SIGN}({_NUMBER})[\s\\]*+,{_SIGN}({_NUMBER})[\s\\]*+\)"
_POINT = re.compile(_POINT_PATTERN)
_CORNER = _POINT_PATTERN.replace(f"({_NUMBER})", _NUMBER)
# The reference engine hands what stands here to Python's eval: let nothing but figures through.
_LIMITS = re.compile(rf"\[\s*+{_CORNER}\s*+-\s*+{_CORNER}\s*+(?:,\s*+{_CORNER}\s*+)*+\][\s\\]*+,")
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


class Role(StrEnum):
    """Where in an equation a name stands."""

    PLAIN = "plain"
    RATE = "rate"  # in the first argument of INTEG
    INITIAL = "initial"  # in the second argument of INTEG


@dataclass(frozen=True, slots=True)
class Reference:
    """A name on the right-hand side, of a variable or of a function."""

    name: str
    subscripts: tuple[str, ...]
    offset: int
    role: Role
    arguments: int | None = None
    """How many arguments follow in brackets; None if no brackets follow."""


@dataclass(frozen=True)
class Expression:
    """What a right-hand side consists of."""

    references: tuple[Reference, ...] = ()
    numbers: tuple[float, ...] | None = None
    """The numbers, row by row, if there is nothing else."""

    @property
    def integrates(self) -> bool:
        """Whether it has an INTEG."""
        return any(ref.role is not Role.PLAIN for ref in self.references) or any(
            ref.arguments is not None and name_key(ref.name) == "integ" for ref in self.references
        )

    @property
    def reads_lookup(self) -> bool:
        """Whether it takes a lookup table from another file."""
        return any(
            ref.arguments is not None
            and name_key(ref.name) in ("get_direct_lookups", "get_xls_lookups")
            for ref in self.references
        )


def single_spaced(text: str) -> str:
    """Make each run of white space one space, and strip the ends."""
    return " ".join(text.split())


def name_key(name: str) -> str:
    """Make names equal that are the same to the engine: letter case and ``_`` do not count.

    >>> name_key("GDP per Head") == name_key("gdp_per_head")
    True
    """
    return single_spaced(name).lower().replace(" ", "_")


def read_expression(text: str, start: int, end: int) -> Expression:
    """Read ``text[start:end]`` as the right-hand side of an equation.

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    if _NUMERALS_ONLY.fullmatch(text, start, end):
        numbers = _read_numbers(text, start, end)
        if numbers is not None:
            return Expression(numbers=numbers)
    tabbed = _TABBED.fullmatch(text, start, end)
    if tabbed:
        return Expression(numbers=_read_tabbed(text, *tabbed.span(1)))
    return Expression(references=_Reader(text, start, end).read())


def read_lookup(text: str, start: int, end: int) -> None:
    """Check that ``text[start:end]`` is a lookup table: ``([limits], (x, y), …)``.

    A table may also be taken from another file by GET XLS LOOKUPS or GET DIRECT LOOKUPS.

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    inside = _skip(text, start + 1, end)
    if text.startswith("(", start) and text[inside : inside + 3].upper() == "GET":
        if not text.endswith(")", start, end):
            raise EquationSyntaxError(start, Message("a bracket is never closed"), expected="')'")
        if read_expression(text, inside, end - 1).reads_lookup:
            return
    after = _skip(text, _read_table(text, start, end), end)
    if after < end:
        raise EquationSyntaxError(
            after,
            Message("something follows the lookup table"),
            expected="'~'",
            found=_shown(text, after),
        )


def read_subscripts(text: str, start: int, end: int) -> tuple[tuple[str, ...], int]:
    """Read ``[a, b!]`` at ``start``: the names (with their ``!``), and where they end.

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


def evaluate(text: str, value_of: Callable[[str], float | None]) -> float | None:
    """Compute a sound expression of numbers, names, ``+ - * / ^`` and brackets.

    Args:
        text: an expression that `read_expression` accepts.
        value_of: gives the number of a name, or None if it has none.

    Returns:
        The number; None if the expression holds anything else, or is not finite.

    >>> evaluate("start + 2 * (10 - 4)", {"start": 2000.0}.get)
    2012.0
    """
    tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup != "space"]
    values: list[float] = []
    pending: list[str] = []
    operand = True
    try:
        for token in tokens:
            word = token[0].strip()
            if token.lastgroup in ("number", "name") and operand:
                value = float(word) if token.lastgroup == "number" else value_of(word)
                if value is None:
                    return None
                values.append(value)
                operand = False
            elif word == "(" and operand:
                pending.append(word)
            elif word == ")":
                while pending[-1] != "(":
                    _apply(pending.pop(), values)
                pending.pop()
            elif operand and word in ("+", "-"):
                pending.append("sign" + word)
            elif word in _PRECEDENCE:
                while pending and _PRECEDENCE.get(pending[-1], 0) >= _PRECEDENCE[word]:
                    _apply(pending.pop(), values)
                pending.append(word)
                operand = True
            else:
                return None
        while pending:
            _apply(pending.pop(), values)
    except (ArithmeticError, IndexError, ValueError):
        return None
    return values[0] if len(values) == 1 and math.isfinite(values[0]) else None


_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3, "sign+": 4, "sign-": 4}


def _apply(operator: str, values: list[float]) -> None:
    right = values.pop()
    if operator.startswith("sign"):
        values.append(-right if operator == "sign-" else right)
        return
    left = values.pop()
    match operator:
        case "+":
            values.append(left + right)
        case "-":
            values.append(left - right)
        case "*":
            values.append(left * right)
        case "/":
            values.append(left / right)
        case _:
            values.append(math.pow(left, right))


class _State(Enum):
    """What may come next."""

    START = auto()  # an operand, a sign or :NOT:
    OPERAND = auto()  # an operand or a sign
    SIGNED = auto()  # an operand, or a number with a sign of its own
    OPERATOR = auto()  # an operator, a comma or a closing bracket
    STRING_READ = auto()  # a comma or a closing bracket


@dataclass
class _Frame:
    """A bracket that is open; the bottom one stands for the whole expression."""

    offset: int
    function: str | None = None
    reference: int = -1  # index of the function's reference
    argument: int = 0
    compared: bool = False


class _Reader:
    """Reads one expression; used once."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.at = start
        self.end = end
        self.state = _State.START
        self.frames = [_Frame(start)]
        self.integ: _Frame | None = None  # the outermost INTEG that is open
        self.references: list[Reference] = []

    def read(self) -> tuple[Reference, ...]:
        while self.at < self.end:
            token = _TOKEN.match(self.text, self.at, self.end)
            if not token:
                raise self._unexpected()
            start, self.at = token.span()
            word = token[0]
            match token.lastgroup:
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
                case "mark":
                    self._mark(start, word)
        if len(self.frames) > 1:
            raise EquationSyntaxError(
                self.frames[-1].offset, Message("a bracket is never closed"), expected="')'"
            )
        self._operand_read(self.end)
        return tuple(self.references)

    def _number(self, start: int, word: str) -> None:
        self._operand_wanted(start)
        _finite(start, word)
        self.state = _State.OPERATOR

    def _name(self, start: int, word: str) -> None:
        self._operand_wanted(start)
        name = single_spaced(word)
        role = Role.PLAIN
        if self.integ:
            role = Role.RATE if self.integ.argument == 0 else Role.INITIAL
        after = _skip(self.text, self.at, self.end)
        subscripts: tuple[str, ...] = ()
        if self.text.startswith("[", after, self.end):
            subscripts, self.at = read_subscripts(self.text, after, self.end)
            after = _skip(self.text, self.at, self.end)
        self.references.append(Reference(name, subscripts, start, role))
        self.state = _State.OPERATOR
        if self.text.startswith("(", after, self.end):
            self.at = after + 1
            frame = _Frame(after, name_key(name), len(self.references) - 1)
            self.frames.append(frame)
            if frame.function == "integ" and self.integ is None:
                self.integ = frame
            self.state = _State.START

    def _string(self, start: int, word: str) -> None:
        if self.state is not _State.START or self.frames[-1].function is None:
            raise EquationSyntaxError(
                start, Message("a text stands where a number must"), found=word[:40]
            )
        self.state = _State.STRING_READ

    def _keyword(self, start: int, word: str) -> None:
        match word:
            case ":AND:" | ":OR:":
                self._operator_wanted(start, word)
                self.frames[-1].compared = False
                self.state = _State.START
            case ":NOT:" if self.state is _State.START:
                self.state = _State.OPERAND
            case ":NA:":
                self._operand_wanted(start)
                self.state = _State.OPERATOR
            case _:
                upper = word.upper()
                known = upper in (":AND:", ":OR:", ":NOT:", ":NA:") and word != upper
                raise EquationSyntaxError(
                    start,
                    Message("a keyword cannot stand here"),
                    expected=upper if known else Message("an operator"),
                    found=word[:40],
                )

    def _operator(self, start: int, word: str) -> None:
        if word in ("+", "-") and self.state in (_State.START, _State.OPERAND):
            self.state = _State.SIGNED
            return
        if word in ("+", "-") and self.state is _State.SIGNED:
            number = _TOKEN.match(self.text, _skip(self.text, self.at, self.end), self.end)
            if number and number.lastgroup == "number":
                return
        self._operator_wanted(start, word)
        if word in ("=", "<>", "<", "<=", ">", ">="):
            if self.frames[-1].compared:
                raise EquationSyntaxError(
                    start,
                    Message("comparisons cannot follow one another"),
                    expected=Message("':AND:' between them"),
                    found=Message("'{text}'", text=word),
                )
            self.frames[-1].compared = True
        self.state = _State.OPERAND

    def _mark(self, start: int, word: str) -> None:
        frame = self.frames[-1]
        if word == "(":
            self._operand_wanted(start)
            self.frames.append(_Frame(start))
            self.state = _State.START
        elif word == ",":
            if frame.function is None:
                raise EquationSyntaxError(
                    start, Message("a comma stands outside of a function's brackets")
                )
            self._operand_read(start)
            frame.argument += 1
            frame.compared = False
            self.state = _State.START
            if frame.function == "with_lookup" and frame.argument == 1:
                table = _skip(self.text, self.at, self.end)
                self.at = _read_table(self.text, table, self.end)
                self.state = _State.OPERATOR
        else:
            self._close(start, frame)

    def _close(self, start: int, frame: _Frame) -> None:
        if len(self.frames) == 1:
            raise EquationSyntaxError(
                start, Message("a closing bracket has no opening one"), found="')'"
            )
        empty_call = frame.function is not None and frame.argument == 0
        if empty_call and self.state is _State.START:
            arguments = 0
        else:
            self._operand_read(start)
            arguments = frame.argument + 1
        if frame.function is not None:
            reference = self.references[frame.reference]
            self.references[frame.reference] = replace(reference, arguments=arguments)
        if frame is self.integ:
            self.integ = None
        self.frames.pop()
        self.state = _State.OPERATOR

    def _operand_wanted(self, start: int) -> None:
        if self.state in (_State.OPERATOR, _State.STRING_READ):
            raise EquationSyntaxError(
                start,
                Message("an operator is missing"),
                expected=Message("one of + - * / ^ before it"),
                found=_shown(self.text, start),
            )

    def _operator_wanted(self, start: int, word: str) -> None:
        if self.state is not _State.OPERATOR:
            raise EquationSyntaxError(
                start,
                Message("an operand is missing"),
                expected=Message("a number, a name or a bracket before '{word}'", word=word[:40]),
            )

    def _operand_read(self, start: int) -> None:
        if self.state not in (_State.OPERATOR, _State.STRING_READ):
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
    """Give the place of the next character that is no white space."""
    match = _SPACE.match(text, start, end)
    return match.end() if match else start


def _shown(text: str, start: int, limit: int = 24) -> Message:
    """Quote what stands at a place, up to the end of its line, in a message."""
    line = text[start : start + limit].split("\n")[0].rstrip("\\ \t") or text[start]
    return Message("'{text}'", text=line)


def _finite(offset: int, word: str) -> float:
    value = float(word)
    if math.isinf(value):
        raise EquationSyntaxError(offset, Message("a number is too large"), found=word[:40])
    if value and word.isdecimal() and word.startswith("0"):
        raise EquationSyntaxError(
            offset,
            Message("a number begins with a zero"),
            expected=word.lstrip("0")[:40],
            found=word[:40],
        )
    return value


def _read_numbers(text: str, start: int, end: int) -> tuple[float, ...] | None:
    """Read ``1, 2; 3, 4;``; None if it is a single term that is no number, such as ``5-3``."""
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


def _read_table(text: str, start: int, end: int) -> int:
    """Read ``([limits], (x, y), …)`` at ``start``; give the place after it."""
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
    points = 0
    while at < end and text[at] != ")":
        point = _POINT.match(text, at, end)
        if not point:
            raise EquationSyntaxError(
                at,
                Message("a point of a lookup table cannot be read"),
                expected=Message("'(x, y)'"),
                found=_shown(text, at),
            )
        _finite(at, point[1])
        _finite(at, point[2])
        points += 1
        at = _skip(text, point.end(), end)
        if text.startswith(",", at, end):
            at = _skip(text, at + 1, end)
    if at >= end:
        raise EquationSyntaxError(start, Message("a bracket is never closed"), expected="')'")
    if not points:
        raise EquationSyntaxError(
            start, Message("a lookup table is empty"), expected=Message("'(x, y)'")
        )
    return at + 1
