"""Writes LLVM's text, instruction by instruction."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["BITS", "LANES", "TRUTH", "VECTOR", "Shared", "Writer", "bits_of"]

LANES = 8
"""Runs in a vector."""
VECTOR, TRUTH, BITS = (f"<{LANES} x {element}>" for element in ("double", "i1", "i64"))
"""Types of vectors: of numbers, of truth values, of numbers seen as integers."""

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
    """Writes instructions on vectors, a name for each result."""

    shared: Shared
    lines: list[str] = field(default_factory=list)
    block: str = "vector"
    """The label of the block that is being written."""
    _count: int = 0

    def put(self, text: str) -> str:
        """Write an instruction and give the name of its result."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def number(self, value: float) -> str:
        """Return a constant in every element."""
        return f"splat (double 0x{bits_of(value):016X})"

    def integer(self, value: int) -> str:
        """Return an integer constant in every element."""
        return f"splat (i64 {value})"

    def two(self, operation: str, a: str, b: str) -> str:
        """Write an operation on two vectors of numbers."""
        return self.put(f"{operation} {VECTOR} {a}, {b}")

    def two_bits(self, operation: str, a: str, b: str) -> str:
        """Write an operation on two vectors of integers."""
        return self.put(f"{operation} {BITS} {a}, {b}")

    def two_truths(self, operation: str, a: str, b: str) -> str:
        """Write ``and``, ``or`` or ``xor`` of two vectors of truth values."""
        return self.put(f"{operation} {TRUTH} {a}, {b}")

    def inverted(self, a: str) -> str:
        """Write what is true where truth values are false."""
        return self.two_truths("xor", a, "splat (i1 true)")

    def negative(self, a: str) -> str:
        """Write numbers with the other sign."""
        return self.put(f"fneg {VECTOR} {a}")

    def spread(self, value: str, element: str = "double") -> str:
        """Write a vector that has one value in all elements."""
        kind = f"<{LANES} x {element}>"
        first = self.put(f"insertelement {kind} poison, {element} {value}, i32 0")
        return self.put(
            f"shufflevector {kind} {first}, {kind} poison, <{LANES} x i32> zeroinitializer"
        )

    def compare(self, condition: str, a: str, b: str) -> str:
        """Write a comparison, as ``olt``; it is false for NaN if it begins with o."""
        return self.put(f"fcmp {condition} {VECTOR} {a}, {b}")

    def select(self, condition: str, a: str, b: str) -> str:
        """Write the choice between two vectors, element by element."""
        return self.put(f"select {TRUTH} {condition}, {VECTOR} {a}, {VECTOR} {b}")

    def call(self, intrinsic: str, *operands: str) -> str:
        """Write the call of one of LLVM's own functions on numbers."""
        name = f"@llvm.{intrinsic}.v{LANES}f64"
        types = ", ".join([VECTOR] * len(operands))
        self.shared.declared.add(f"declare {VECTOR} {name}({types})")
        given = ", ".join(f"{VECTOR} {operand}" for operand in operands)
        return self.put(f"call {VECTOR} {name}({given})")

    def fma(self, a: str, b: str, c: str) -> str:
        """Write ``a*b + c`` with one rounding."""
        return self.call("fma", a, b, c)

    def as_bits(self, a: str) -> str:
        """See numbers as integers."""
        return self.put(f"bitcast {VECTOR} {a} to {BITS}")

    def as_numbers(self, a: str) -> str:
        """See integers as numbers."""
        return self.put(f"bitcast {BITS} {a} to {VECTOR}")

    def pick(self, values: Sequence[float], index: str) -> str:
        """Write the choice of one of some numbers by an integer, of which the low bits count.

        Of ``n`` numbers these are the lowest ⌈log₂ n⌉ bits, which must not be ``n`` or more.
        """
        return self.as_numbers(self.pick_bits([bits_of(value) for value in values], index))

    def pick_bits(self, values: Sequence[int], index: str) -> str:
        """Write the choice of one of some integers of 64 bits, as `pick` does."""
        size = max(LANES, 1 << (len(values) - 1).bit_length())
        filled = [*values, *[0] * (size - len(values))]
        if self.shared.permutes and size <= _PERMUTED:
            return self._permuted(filled, index)
        array = self.shared.array(filled)
        within = self.two_bits("and", index, self.integer(size - 1))
        address = self.put(f"getelementptr i64, ptr {array}, {BITS} {within}")
        return self.gathered(address)

    def gathered(self, address: str) -> str:
        """Write the loads of integers of 64 bits from an address each."""
        name, addresses = f"@llvm.masked.gather.v{LANES}i64.v{LANES}p0", f"<{LANES} x ptr>"
        self.shared.declared.add(f"declare {BITS} {name}({addresses}, i32, {TRUTH}, {BITS})")
        given = f"{addresses} {address}, i32 8, {TRUTH} splat (i1 true), {BITS} poison"
        return self.put(f"call {BITS} {name}({given})")

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
        types = ", ".join([BITS] * len(operands))
        self.shared.declared.add(f"declare {BITS} {name}({types})")
        given = ", ".join(f"{BITS} {operand}" for operand in operands)
        return self.put(f"call {BITS} {name}({given})")

    def all(self, truths: str) -> str:
        """Write whether every element is true."""
        name = f"@llvm.vector.reduce.and.v{LANES}i1"
        self.shared.declared.add(f"declare i1 {name}({TRUTH})")
        return self.put(f"call i1 {name}({TRUTH} {truths})")

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
        address = self.put(f"getelementptr {VECTOR}, ptr {base}, i64 {index}")
        return self.put(f"load {VECTOR}, ptr {address}, align {8 * LANES}")

    def store(self, base: str, index: int | str, value: str) -> None:
        """Write the store of a vector into an array."""
        address = self.put(f"getelementptr {VECTOR}, ptr {base}, i64 {index}")
        self.lines.append(f"  store {VECTOR} {value}, ptr {address}, align {8 * LANES}")

    def spread_from(self, address: str) -> str:
        """Write a vector that has the number at an address in all elements."""
        return self.spread(self.put(f"load double, ptr {address}, align 8"))

    @contextmanager
    def loop(self, name: str, count: str | int) -> Iterator[str]:
        """Write a loop around what is written within, which is passed ``count`` times or once.

        Gives the number of the turn, from 0.
        """
        turn = f"%{name}_turn"
        self.lines += [f"  br label %{name}", f"{name}:"]
        self.lines.append(f"  {turn} = phi i64 [ 0, %{self.block} ], [ {turn}_next, %{name} ]")
        yield turn
        self.block = f"{name}_through"
        self.lines.append(f"  {turn}_next = add i64 {turn}, 1")
        over = self.put(f"icmp sge i64 {turn}_next, {count}")
        self.lines += [f"  br i1 {over}, label %{self.block}, label %{name}", f"{self.block}:"]
