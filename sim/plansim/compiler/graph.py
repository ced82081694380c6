"""A program in the making: nodes of scalar operations, each written once.

A `Graph` grows while a model is lowered. It keeps one node for equal operations, computes what
consists of numbers only, and knows of each node what it depends on.

All arithmetic is that of IEEE 754 in double precision. Nothing is reordered; only what gives the
same bits is simplified (``x + 0``, ``x * 1``; -0 counts as 0).
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from plansim.compiler.ir import (
    CONTROLS,
    Depends,
    Instruction,
    Op,
    PiecewiseLinear,
    Pipe,
    Program,
    State,
    is_truth,
)

__all__ = ["Graph"]


@dataclass
class Graph:
    """Grows by one node at a time and keeps equal nodes once."""

    instructions: list[Instruction] = field(default_factory=list)
    depends: list[int] = field(default_factory=list)
    tables: dict[PiecewiseLinear, int] = field(default_factory=dict)
    _places: dict[tuple[object, ...], int] = field(default_factory=dict)

    def program(
        self,
        inputs: Mapping[str, float],
        outputs: Mapping[str, int],
        states: Iterable[State] = (),
        pipes: Iterable[Pipe] = (),
        equations: int = 0,
    ) -> Program:
        """Return the finished form: inputs by name with what the model says, outputs by node."""
        return Program(
            tuple(self.instructions), tuple(self.depends), tuple(states), tuple(pipes),
            tuple(self.tables), tuple(inputs), tuple(inputs.values()), outputs, equations,
        )  # fmt: skip

    # Leaves

    def number(self, value: float) -> int:
        """Return the node of a number."""
        value = float(value) + 0.0  # -0 becomes 0
        return self._place((Op.NUMBER, value.hex()), Instruction(Op.NUMBER, number=value), 0)

    def leaf(self, op: Op, index: int = 0) -> int:
        """Return the node of an input, a state, a pipe, the time or a control."""
        if op in CONTROLS:
            depends = Depends.CONTROLS
        elif op is Op.TIME:
            depends = Depends.TIME
        else:
            depends = Depends.INPUTS if op is Op.INPUT else Depends.STATE
        return self._place((op, index), Instruction(op, index=index), depends)

    def value(self, place: int) -> float | None:
        """Return the number that a node is, or None if it depends on anything."""
        instruction = self.instructions[place]
        return instruction.number if instruction.op is Op.NUMBER else None

    # Operations

    def make(self, op: Op, *operands: int) -> int:
        """Return the node of an operation; truth values and numbers are turned as ``op`` needs."""
        if op in (Op.AND, Op.OR, Op.NOT):
            operands = tuple(map(self._as_truth, operands))
        elif op is Op.SELECT:
            condition, *values = operands
            operands = (self._as_truth(condition), *map(self._as_number, values))
        else:
            operands = tuple(map(self._as_number, operands))
        numbers = [self.instructions[place] for place in operands]
        if all(operand.op is Op.NUMBER for operand in numbers):
            return self.number(_FOLD[op](*(operand.number for operand in numbers)))
        return self._simpler(op, operands)

    def freeze(self, place: int) -> int:
        """Return the node of what another is at the first stage of a step.

        It is the other one itself where that does not move within a step.
        """
        moving = self.depends[place] & (Depends.TIME | Depends.STATE)
        if not moving or self.instructions[place].op is Op.FROZEN:
            return place
        return self._place(
            (Op.FROZEN, place), Instruction(Op.FROZEN, (place,)), self.depends[place]
        )

    def lookup(self, table: PiecewiseLinear, at: int) -> int:
        """Return the node of a table's value."""
        at = self._as_number(at)
        known = self.value(at)
        if known is not None:
            return self.number(read_table(table, known))
        index = self.tables.setdefault(table, len(self.tables))
        return self._place(
            (Op.LOOKUP, index, at), Instruction(Op.LOOKUP, (at,), index=index), self.depends[at]
        )

    def random(self, seed: int, stream: int, step: int, place: int) -> int:
        """Return the node of a random number, which is drawn once a step.

        ``place`` tells the random functions of a model apart: a number of 32 bits.
        """
        operands = tuple(map(self._as_number, (seed, stream, step)))
        depends: int = Depends.INPUTS  # never known, lest it be computed here
        for operand in operands:
            depends |= self.depends[operand]
        drawn = Instruction(Op.RANDOM, operands, index=place)
        return self.freeze(self._place((Op.RANDOM, operands, place), drawn, depends))

    def add(self, left: int, right: int) -> int:
        """Return the node of ``left + right``."""
        return self.make(Op.ADD, left, right)

    def subtract(self, left: int, right: int) -> int:
        """Return the node of ``left - right``."""
        return self.make(Op.SUBTRACT, left, right)

    def multiply(self, left: int, right: int) -> int:
        """Return the node of ``left * right``."""
        return self.make(Op.MULTIPLY, left, right)

    def divide(self, left: int, right: int) -> int:
        """Return the node of ``left / right``."""
        return self.make(Op.DIVIDE, left, right)

    def select(self, condition: int, then: int, otherwise: int) -> int:
        """Return the node of ``then`` where the condition holds, else ``otherwise``."""
        return self.make(Op.SELECT, condition, then, otherwise)

    def _as_truth(self, place: int) -> int:
        if is_truth(self.instructions, place) or self.value(place) is not None:
            return place
        return self.make(Op.NOT_EQUAL, place, self.number(0.0))

    def _as_number(self, place: int) -> int:
        if not is_truth(self.instructions, place):
            return place
        return self._simpler(Op.SELECT, (place, self.number(1.0), self.number(0.0)))

    def _simpler(self, op: Op, operands: tuple[int, ...]) -> int:
        values = [self.value(place) for place in operands]
        match op, values:
            case (Op.ADD | Op.SUBTRACT | Op.MULTIPLY | Op.DIVIDE, [None, None]):
                pass  # by far the most
            case (Op.ADD, [0.0, None]) | (Op.MULTIPLY, [1.0, None]):
                return operands[1]
            case (Op.ADD | Op.SUBTRACT, [None, 0.0]) | (
                Op.MULTIPLY | Op.DIVIDE | Op.POWER,
                [None, 1.0],
            ):
                return operands[0]
            case (Op.SUBTRACT, [0.0, None]) | (Op.MULTIPLY, [-1.0, None]):
                return self.make(Op.NEGATE, operands[1])
            case (Op.MULTIPLY | Op.DIVIDE, [None, -1.0]):
                return self.make(Op.NEGATE, operands[0])
            case (Op.DIVIDE, [None, float(divisor)]) if _has_exact_inverse(divisor):
                return self.make(Op.MULTIPLY, operands[0], self.number(1.0 / divisor))
            case (Op.POWER, [None, 0.0]) | (Op.POWER, [1.0, None]):
                return self.number(1.0)
            case (Op.POWER, [None, float(exponent)]) if exponent in _PLAIN_POWERS:
                return self._plain_power(operands[0], exponent)
            case (Op.SELECT, [float(condition), _, _]):
                return operands[1] if condition else operands[2]
            case (Op.SELECT, _) if operands[1] == operands[2]:
                return operands[1]
            case (Op.MINIMUM | Op.MAXIMUM, _) if operands[0] == operands[1]:
                return operands[0]
            case (Op.AND | Op.OR, [float(truth), None]):  # either the known one decides, or not
                return operands[0] if bool(truth) is (op is Op.OR) else operands[1]
            case (Op.AND | Op.OR, [None, float(truth)]):
                return operands[1] if bool(truth) is (op is Op.OR) else operands[0]
        if op is Op.NEGATE and self.instructions[operands[0]].op is Op.NEGATE:
            return self.instructions[operands[0]].operands[0]
        if op in _COMMUTES:
            operands = tuple(sorted(operands))
        depends = 0
        for place in operands:
            depends |= self.depends[place]
        return self._place((op, operands), Instruction(op, operands), depends)

    def _plain_power(self, base: int, exponent: float) -> int:
        """Return a power by a root and products: within three units of the last place."""
        match exponent:
            case -1.0:
                return self.divide(self.number(1.0), base)
            case -2.0:  # the inverse first: where the square would overflow, nothing is lost
                return self._plain_power(self.divide(self.number(1.0), base), 2.0)
            case 0.5 | -0.5:
                # A root of -0 is -0, and of -∞ it is NaN; the powers are 0 and ∞.
                size = self.make(Op.ABSOLUTE, self.make(Op.SQRT, base))
                endless = self.make(Op.EQUAL, base, self.number(-math.inf))
                root = self.select(endless, self.number(math.inf), size)
                return root if exponent > 0 else self.divide(self.number(1.0), root)
            case 2.0:
                return self.multiply(base, base)
            case 3.0:
                return self.multiply(base, self.multiply(base, base))
            case _:
                square = self.multiply(base, base)
                return self.multiply(square, square)

    def _place(self, key: tuple[object, ...], instruction: Instruction, depends: int) -> int:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.instructions)
            self.instructions.append(instruction)
            self.depends.append(depends)
        return place


_PLAIN_POWERS = frozenset({0.5, -0.5, 2.0, 3.0, 4.0, -1.0, -2.0})
"""Exponents of which products and roots are at most three roundings off; -3 would be five."""
_COMMUTES = frozenset({Op.ADD, Op.MULTIPLY, Op.EQUAL, Op.NOT_EQUAL, Op.AND, Op.OR})


def _has_exact_inverse(value: float) -> bool:
    """Whether 1/value is a power of two, so that to multiply by it is to divide."""
    return math.isfinite(value) and abs(math.frexp(value)[0]) == 0.5 and 1e-300 < abs(value) < 1e300


# --- Arithmetic on numbers that are known, with IEEE's answers where Python raises ----------------


def read_table(table: PiecewiseLinear, at: float) -> float:
    """Return a table's value: straight between points, flat beyond the ends, NaN at NaN."""
    x, y = table.x, table.y
    inside = min(max(at, x[0]), x[-1])
    i = bisect_right(x, inside, 1, len(x) - 1) - 1
    return y[i] + (y[i + 1] - y[i]) / (x[i + 1] - x[i]) * (inside - x[i])


def _of_python(function: Callable[..., float], ufunc: Callable[..., float]) -> Callable[..., float]:
    """Return a function of Python that is infinite or NaN where NumPy's is, instead of raising.

    NumPy's own values would do, but that their last bits depend on the processor.
    """

    def guarded(*operands: float) -> float:
        try:
            return function(*operands)
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                return ufunc(*operands)

    return guarded


_FOLD: Mapping[Op, Callable[..., float]] = {
    Op.ADD: operator.add,
    Op.SUBTRACT: operator.sub,
    Op.MULTIPLY: operator.mul,
    Op.DIVIDE: _of_python(operator.truediv, np.divide),
    Op.POWER: _of_python(math.pow, np.power),
    Op.NEGATE: operator.neg,
    Op.MINIMUM: np.minimum,
    Op.MAXIMUM: np.maximum,
    Op.ABSOLUTE: abs,
    Op.TRUNCATE: np.trunc,
    Op.REMAINDER: _of_python(operator.mod, np.mod),
    Op.EXP: _of_python(math.exp, np.exp),
    Op.LN: _of_python(math.log, np.log),
    Op.SQRT: _of_python(math.sqrt, np.sqrt),
    Op.SIN: _of_python(math.sin, np.sin),
    Op.COS: _of_python(math.cos, np.cos),
    Op.TAN: _of_python(math.tan, np.tan),
    Op.ARCSIN: _of_python(math.asin, np.arcsin),
    Op.ARCCOS: _of_python(math.acos, np.arccos),
    Op.ARCTAN: math.atan,
    Op.SINH: _of_python(math.sinh, np.sinh),
    Op.COSH: _of_python(math.cosh, np.cosh),
    Op.TANH: math.tanh,
    Op.LESS: operator.lt,
    Op.LESS_EQUAL: operator.le,
    Op.EQUAL: operator.eq,
    Op.NOT_EQUAL: operator.ne,
    Op.AND: lambda a, b: bool(a and b),
    Op.OR: lambda a, b: bool(a or b),
    Op.NOT: operator.not_,
    Op.SELECT: lambda a, b, c: b if a else c,
}
