"""Writes LLVM's text, instruction by instruction."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["LANES", "Shared", "Writer", "bits_of"]

LANES = 8
"""Runs in a vector."""


_HORNER = 5
"""Maximum number of terms that follow each other without more terms at once."""
_PERMUTED = 16
"""Maximum number of values that AVX-512 picks from by one permute."""


@dataclass
class Shared:
    """What the functions of a module share."""

    permutes: bool
    """Whether the processor permutes vectors by an index, as AVX-512 does."""
    declared: set[str] = field(default_factory=set)
    """Declarations of what is called."""
    constants: dict[tuple[int, ...], str] = field(default_factory=dict)
    """Names of arrays of constants, by what they hold."""

    def array(self, values: Sequence[int]) -> str:
        """Return the name of an array of constants, integers of 64 bits."""
        return self.constants.setdefault(tuple(values), f"@constants_{len(self.constants)}")

    def text(self) -> str:
        """Return LLVM's text of what the functions share."""
        arrays = [
            f"{name} = internal constant [{len(values)} x i64] "
            f"[{', '.join(f'i64 {value}' for value in values)}]"
            for values, name in self.constants.items()
        ]
        return "\n".join([*arrays, *sorted(self.declared)]) + "\n"


def bits_of(value: float) -> int:
    """Return a number seen as an integer.

    >>> hex(bits_of(1.0))
    '0x3ff0000000000000'
    """
    return int.from_bytes(struct.pack(">d", value))


@dataclass
class Writer:
    """Writes instructions on vectors of some width (1: scalars), a name for each result."""

    width: int
    shared: Shared
    lines: list[str] = field(default_factory=list)
    _count: int = 0

    @property
    def vector(self) -> str:
        """The type of numbers."""
        return self.typed("double")

    @property
    def truth(self) -> str:
        """The type of truth values."""
        return self.typed("i1")

    @property
    def bits(self) -> str:
        """The type of numbers seen as integers."""
        return self.typed("i64")

    @property
    def suffix(self) -> str:
        """What LLVM adds to an intrinsic's name."""
        return "f64" if self.width == 1 else f"v{self.width}f64"

    def typed(self, element: str) -> str:
        """Return the type of vectors of an element's type."""
        return element if self.width == 1 else f"<{self.width} x {element}>"

    def put(self, text: str) -> str:
        """Write an instruction and give the name of its result."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def number(self, value: float) -> str:
        """Return a constant in every element."""
        raw = f"0x{bits_of(value):016X}"
        return raw if self.width == 1 else f"splat (double {raw})"

    def integer(self, value: int) -> str:
        """Return an integer constant in every element."""
        return str(value) if self.width == 1 else f"splat (i64 {value})"

    def zero_bits(self) -> str:
        """Return the integer 0 in every element."""
        return "0" if self.width == 1 else "zeroinitializer"

    def truth_value(self, value: bool) -> str:
        """Return a truth value in every element."""
        word = "true" if value else "false"
        return word if self.width == 1 else f"splat (i1 {word})"

    def two(self, operation: str, a: str, b: str) -> str:
        """Write an operation on two vectors of numbers."""
        return self.put(f"{operation} {self.vector} {a}, {b}")

    def two_bits(self, operation: str, a: str, b: str) -> str:
        """Write an operation on two vectors of integers."""
        return self.put(f"{operation} {self.bits} {a}, {b}")

    def compare(self, condition: str, a: str, b: str) -> str:
        """Write a comparison, as ``olt``; it is false for NaN if it begins with o."""
        return self.put(f"fcmp {condition} {self.vector} {a}, {b}")

    def select(self, condition: str, a: str, b: str) -> str:
        """Write the choice between two vectors, element by element."""
        return self.put(f"select {self.truth} {condition}, {self.vector} {a}, {self.vector} {b}")

    def call(self, intrinsic: str, *operands: str) -> str:
        """Write the call of one of LLVM's own functions on numbers."""
        name = f"@llvm.{intrinsic}.{self.suffix}"
        types = ", ".join([self.vector] * len(operands))
        self.shared.declared.add(f"declare {self.vector} {name}({types})")
        given = ", ".join(f"{self.vector} {operand}" for operand in operands)
        return self.put(f"call {self.vector} {name}({given})")

    def fma(self, a: str, b: str, c: str) -> str:
        """Write ``a*b + c`` with one rounding."""
        return self.call("fma", a, b, c)

    def as_bits(self, a: str) -> str:
        """See numbers as integers."""
        return self.put(f"bitcast {self.vector} {a} to {self.bits}")

    def as_numbers(self, a: str) -> str:
        """See integers as numbers."""
        return self.put(f"bitcast {self.bits} {a} to {self.vector}")

    def pick(self, values: Sequence[float], index: str) -> str:
        """Write the choice of one of some numbers by an integer, of which the low bits count.

        Of ``n`` numbers these are the lowest ⌈log₂ n⌉ bits, which must not be ``n`` or more.
        """
        return self.as_numbers(self.pick_bits([bits_of(value) for value in values], index))

    def pick_bits(self, values: Sequence[int], index: str) -> str:
        """Write the choice of one of some integers of 64 bits, as `pick` does."""
        size = max(LANES, 1 << (len(values) - 1).bit_length())
        filled = [*values, *[0] * (size - len(values))]
        if self.width == LANES and self.shared.permutes and size <= _PERMUTED:
            return self._permuted(filled, index)
        array = self.shared.array(filled)
        within = self.two_bits("and", index, self.integer(size - 1))
        address = self.put(f"getelementptr i64, ptr {array}, {self.bits} {within}")
        if self.width == 1:
            return self.put(f"load i64, ptr {address}, align 8")
        return self.gathered(address)

    def gathered(self, address: str) -> str:
        """Write the loads of integers of 64 bits from an address each."""
        name = f"@llvm.masked.gather.v{self.width}i64.v{self.width}p0"
        self.shared.declared.add(
            f"declare {self.bits} {name}({self.typed('ptr')}, i32, {self.truth}, {self.bits})"
        )
        given = f"{self.typed('ptr')} {address}, i32 8, {self.truth} {self.truth_value(True)}"
        return self.put(f"call {self.bits} {name}({given}, {self.bits} poison)")

    def _permuted(self, values: Sequence[int], index: str) -> str:
        parts = [
            f"<{', '.join(f'i64 {value}' for value in values[i : i + LANES])}>"
            for i in range(0, len(values), LANES)
        ]
        if len(parts) == 1:
            name = "@llvm.x86.avx512.permvar.di.512"
            operands = [parts[0], index]
        else:
            name = "@llvm.x86.avx512.vpermi2var.q.512"
            operands = [parts[0], index, parts[1]]
        types = ", ".join([self.bits] * len(operands))
        self.shared.declared.add(f"declare {self.bits} {name}({types})")
        given = ", ".join(f"{self.bits} {operand}" for operand in operands)
        return self.put(f"call {self.bits} {name}({given})")

    def all(self, truths: str) -> str:
        """Write whether every element is true."""
        if self.width == 1:
            return truths
        name = f"@llvm.vector.reduce.and.v{self.width}i1"
        self.shared.declared.add(f"declare i1 {name}({self.truth})")
        return self.put(f"call i1 {name}({self.truth} {truths})")

    def polynomial(self, coefficients: Sequence[float], x: str, square: str) -> str:
        """Write a polynomial, lowest coefficient first: pairs, or fours, and then Horner's rule."""
        terms = self._paired([self.number(coefficient) for coefficient in coefficients], x)
        power = square
        if len(terms) > _HORNER:
            terms, power = self._paired(terms, square), self.two("fmul", square, square)
        total = terms[-1]
        for term in reversed(terms[:-1]):
            total = self.fma(total, power, term)
        return total

    def _paired(self, terms: Sequence[str], power: str) -> list[str]:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        odd = terms[len(terms) - len(terms) % 2 :]
        return [*(self.fma(high, power, low) for low, high in pairs), *odd]

    def loaded(self, base: str, index: int | str) -> str:
        """Write the load of a vector of an array."""
        address = self.put(f"getelementptr {self.vector}, ptr {base}, i64 {index}")
        return self.put(f"load {self.vector}, ptr {address}, align {8 * self.width}")

    def store(self, base: str, index: int | str, value: str) -> None:
        """Write the store of a vector into an array."""
        address = self.put(f"getelementptr {self.vector}, ptr {base}, i64 {index}")
        self.lines.append(f"  store {self.vector} {value}, ptr {address}, align {8 * self.width}")
