"""The instructions of a function, each written when it comes."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from plansim.compiler.ir import Instruction, Op, PiecewiseLinear, Program, is_truth
from plansim.compiler.llvm.vector_math import any_exp
from plansim.compiler.llvm.writer import BITS, LANES, TRUTH, VECTOR, Writer

__all__ = ["FunctionBody"]

_ARITHMETIC = {Op.ADD: "fadd", Op.SUBTRACT: "fsub", Op.MULTIPLY: "fmul", Op.DIVIDE: "fdiv"}
_COMPARISONS = {
    Op.LESS: "olt",
    Op.LESS_EQUAL: "ole",
    Op.EQUAL: "oeq",
    Op.NOT_EQUAL: "une",
}
_INTRINSICS = {Op.ABSOLUTE: "fabs", Op.TRUNCATE: "trunc", Op.SQRT: "sqrt"}
_OWN = {Op.LN: "vector_ln", Op.POWER: "vector_pow"}
_C_LIBRARY = {
    Op.SIN: "sin",
    Op.COS: "cos",
    Op.TAN: "tan",
    Op.ARCSIN: "asin",
    Op.ARCCOS: "acos",
    Op.ARCTAN: "atan",
    Op.SINH: "sinh",
    Op.COSH: "cosh",
    Op.TANH: "tanh",
}

_NEAR = 200
"""Number of lines for which a value stays in a register, as a rule."""


class FunctionBody:
    """Writes the instructions of one function, each when it comes."""

    def __init__(
        self, w: Writer, program: Program, leaf: Callable[[int, Instruction], str | None]
    ) -> None:
        self.w = w
        self.program = program
        self.leaf = leaf
        self.names: dict[int, str] = {}
        self.loads: dict[int, tuple[int, str]] = {}  # when leaves were loaded, and their names
        self.freeze: Callable[[int, str], str] = lambda place, value: value

    def of(self, place: int) -> str:
        """Return the name of a value that was written, or can be loaded.

        What was loaded long ago is loaded again: it would have been put aside meanwhile, at the
        cost of a store.
        """
        if place in self.names:
            return self.names[place]
        instruction = self.program.instructions[place]
        if instruction.op is Op.NUMBER:
            return self.w.number(instruction.number)
        when, name = self.loads.get(place, (-_NEAR, ""))
        if len(self.w.lines) - when >= _NEAR:
            loaded = self.leaf(place, instruction)
            assert loaded is not None, instruction
            name = loaded
            self.loads[place] = len(self.w.lines), name
        return name

    def as_number(self, place: int) -> str:
        """Return a value as a number that can be kept in memory."""
        return self.number_of(place, self.of(place))

    def number_of(self, place: int, name: str) -> str:
        """Turn a value that an instruction gives into a number."""
        if not is_truth(self.program.instructions, place):
            return name
        return self.w.select(name, self.w.number(1.0), self.w.number(0.0))

    def as_truth(self, place: int, loaded: str) -> str:
        """Turn what was kept in memory into what an instruction gives."""
        if not is_truth(self.program.instructions, place):
            return loaded
        return self.w.compare("une", loaded, self.w.number(0.0))

    def write(self, places: Iterable[int]) -> None:
        """Write instructions in their order."""
        for place in places:
            instruction = self.program.instructions[place]
            if place in self.names or not instruction.operands:
                continue  # leaves are loaded where they are used
            self.names[place] = (
                self.freeze(place, self.of(instruction.operands[0]))
                if instruction.op is Op.FROZEN
                else self._written(instruction)
            )

    def write_powers(self, places: Iterable[int], bases: int, exponents: int) -> None:
        """Write where `math_functions` reads what the powers are made of."""
        for row, place in enumerate(places):
            operands = self.program.instructions[place].operands
            for first, operand in zip((bases, exponents), operands, strict=True):
                self.w.store("%own", first + row, self.of(operand))

    def _written(self, instruction: Instruction) -> str:
        w, op = self.w, instruction.op
        operands = [self.of(operand) for operand in instruction.operands]
        if op in _ARITHMETIC:
            return w.two(_ARITHMETIC[op], *operands)
        if op in _COMPARISONS:
            return w.compare(_COMPARISONS[op], *operands)
        if op in _INTRINSICS:
            return w.call(_INTRINSICS[op], *operands)
        given = ", ".join(f"{VECTOR} {operand}" for operand in operands)
        if op in _OWN:
            return w.put(f"call fastcc {VECTOR} @{_OWN[op]}({given})")
        if op in _C_LIBRARY:
            return _by_elements(w, _C_LIBRARY[op], operands)
        match op:
            case Op.EXP:  # a call would put aside all that is in registers
                return any_exp(w, *operands)
            case Op.REMAINDER:
                return _floored(w, _by_elements(w, "fmod", operands), operands[1])
            case Op.NEGATE:
                return w.negative(operands[0])
            case Op.SELECT:
                return w.select(*operands)
            case Op.MINIMUM | Op.MAXIMUM:
                return self._extreme(instruction, operands)
            case Op.AND | Op.OR:
                return w.two_truths(op.value, *operands)
            case Op.NOT:
                return w.inverted(operands[0])
            case Op.LOOKUP:
                return _looked_up(w, self.program.tables[instruction.index], operands[0])
            case Op.RANDOM:
                given = f"{given}, i32 {instruction.index}"
                return w.put(f"call fastcc {VECTOR} @vector_random({given})")
        raise AssertionError(op)

    def _extreme(self, instruction: Instruction, operands: list[str]) -> str:
        """Write min or max so that NaN comes through; processors give their second operand."""
        w = self.w
        a, b = operands
        known = [self.program.instructions[e].op is Op.NUMBER for e in instruction.operands]
        if known[1]:
            a, b = b, a
        less = "olt" if instruction.op is Op.MINIMUM else "ogt"
        found = w.select(w.compare(less, a, b), a, b)
        if any(known):
            return found
        return w.select(w.compare("uno", a, a), a, found)


def _by_elements(w: Writer, name: str, operands: list[str]) -> str:
    """Write a call of the C library for each element."""
    w.shared.declared.add(f"declare double @{name}({', '.join(['double'] * len(operands))})")
    found = "poison"
    for lane in range(LANES):
        parts = [w.put(f"extractelement {VECTOR} {e}, i32 {lane}") for e in operands]
        value = w.put(f"call double @{name}({', '.join(f'double {part}' for part in parts)})")
        found = w.put(f"insertelement {VECTOR} {found}, double {value}, i32 {lane}")
    return found


def _floored(w: Writer, remainder: str, divisor: str) -> str:
    """Write a remainder with the sign of the divisor, as ``%`` has it in Python, from C's."""
    zero = w.number(0.0)
    below, above = (
        w.two_truths("and", w.compare(of_rest, remainder, zero), w.compare(other, divisor, zero))
        for of_rest, other in (("olt", "ogt"), ("ogt", "olt"))
    )
    differ = w.two_truths("or", below, above)
    return w.select(differ, w.two("fadd", remainder, divisor), remainder)


# --- Tables that are straight between their points ------------------------------------------------

_MAGIC = 1.5 * 2.0**52
"""Added to a number below 2⁵¹, leaves it rounded to an integer, in the low bits."""
_MOST_CELLS = 1024


def _looked_up(w: Writer, table: PiecewiseLinear, at: str) -> str:
    """Write the value of a table: y + slope·(x - start) of the segment that x lies in.

    No operation depends on how the segment is found, so that every way gives the same bits.
    """
    x, y = table.x, table.y
    low, high = w.number(x[0]), w.number(x[-1])
    inside = w.select(w.compare("olt", at, low), low, at)
    inside = w.select(w.compare("ogt", inside, high), high, inside)  # NaN stays
    grid = _grid(x)
    place = _counted(w, x, inside) if grid is None else _guessed(w, x, inside, grid)
    slopes = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    start, height, slope = (w.pick(values, place) for values in (x[:-1], y[:-1], slopes))
    rise = w.two("fmul", slope, w.two("fsub", inside, start))
    return w.two("fadd", height, rise)


def _counted(w: Writer, x: tuple[float, ...], inside: str) -> str:
    """Write the number of points between the ends that are passed."""
    place = "zeroinitializer"
    for point in x[1:-1]:
        place = _one_more(w, place, w.compare("oge", inside, w.number(point)))
    return place


def _one_more(w: Writer, place: str, where: str) -> str:
    more = w.put(f"sext {TRUTH} {where} to {BITS}")
    return w.two_bits("sub", place, more)


@dataclass(frozen=True)
class _Grid:
    """Even cells, and where points lie in them."""

    inverse: float
    """One over a cell's width."""
    before: Sequence[int]
    """By cell, the number of points between the ends that lie in cells before it."""
    most: int
    """The most points between the ends in one cell."""


def _guessed(w: Writer, x: tuple[float, ...], inside: str, grid: _Grid) -> str:
    """Write the segment by the cell of an even grid, and comparisons with the points in it.

    Cells are found by the same operations for x as for the points. These never fall where their
    operand rises, so that all points in cells before that of x are passed, and none in later ones.
    """
    cells = w.two("fmul", w.two("fsub", inside, w.number(x[0])), w.number(grid.inverse))
    place = w.pick_bits(grid.before, w.as_bits(w.two("fadd", cells, w.number(_MAGIC))))
    for _ in range(grid.most):
        following = w.pick([*x[1:-1], math.inf], place)
        place = _one_more(w, place, w.compare("oge", inside, following))
    return place


def _grid(x: tuple[float, ...]) -> _Grid | None:
    """Return the grid with the fewest points in a cell; None if to compare with each is faster."""
    few = 2 * LANES
    most = few if len(x) <= few else min(_MOST_CELLS, 8 * len(x))
    inverses = [(count - 1) / (x[-1] - x[0]) for count in (len(x), most)]
    grids = [_laid(x, inverse) for inverse in inverses if 0 < inverse < math.inf]
    best = min(grids, key=lambda grid: grid.most, default=None)
    if best is None or 2 * (len(x) - 2) <= 4 + 3 * best.most:  # operations of each way
        return None
    return best


def _laid(x: tuple[float, ...], inverse: float) -> _Grid:
    *cells, last = (int((point - x[0]) * inverse + _MAGIC - _MAGIC) for point in x[1:])
    counts = Counter(cells)
    before = itertools.accumulate((counts[cell] for cell in range(last)), initial=0)
    return _Grid(inverse, tuple(before), max(counts.values(), default=0))
