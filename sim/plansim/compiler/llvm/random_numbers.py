"""Random numbers by position, as LLVM text.

Reference: J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011), for Threefry.
"""

from __future__ import annotations

from plansim.compiler.llvm.writer import Shared, Writer

__all__ = ["random_function"]

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
"""Of Threefry with two words of 32 bits, for one round after the other."""
PARITY = 0x1BD11BDA


def random_function(width: int, shared: Shared) -> str:
    """Return the definition of ``@random_W(seed, stream, step, place)``: a number between 0 and 1.

    It is Threefry-2x32-20 with the key (seed, stream) and the counter (step, place), whole numbers
    of which the lowest 32 bits count.
    """
    w = Writer(width, shared)
    words = w.typed("i32")
    to_integer = f"@llvm.fptosi.sat.{w.suffix.replace('f', 'i')}.{w.suffix}"
    rotate = f"@llvm.fshl.{w.suffix.replace('f64', 'i32')}"
    shared.declared.add(f"declare {w.bits} {to_integer}({w.vector})")
    shared.declared.add(f"declare {words} {rotate}({words}, {words}, {words})")

    def constant(value: int) -> str:
        return str(value) if width == 1 else f"splat (i32 {value})"

    def word(name: str) -> str:
        whole = w.put(f"call {w.bits} {to_integer}({w.vector} {name})")
        return w.put(f"trunc {w.bits} {whole} to {words}")

    def two(operation: str, a: str, b: str) -> str:
        return w.put(f"{operation} {words} {a}, {b}")

    place = "%place"
    if width > 1:
        first = w.put(f"insertelement {words} poison, i32 %place, i32 0")
        place = w.put(f"shufflevector {words} {first}, {words} poison, {words} zeroinitializer")
    keys = [word("%seed"), word("%stream")]
    keys.append(two("xor", two("xor", *keys), constant(PARITY)))
    a, b = two("add", word("%step"), keys[0]), two("add", place, keys[1])
    for turn in range(5):
        for distance in ROTATIONS[:4] if turn % 2 == 0 else ROTATIONS[4:]:
            a = two("add", a, b)
            operands = f"{words} {b}, {words} {b}, {words} {constant(distance)}"
            b = two("xor", w.put(f"call {words} {rotate}({operands})"), a)
        a = two("add", a, keys[(turn + 1) % 3])
        b = two("add", two("add", b, keys[(turn + 2) % 3]), constant(turn + 1))
    high, low = (
        w.put(f"uitofp {words} {two('lshr', part, constant(6))} to {w.vector}") for part in (a, b)
    )
    found = w.two("fadd", w.two("fmul", high, w.number(2.0**26)), low)
    found = w.two("fmul", w.two("fadd", found, w.number(0.5)), w.number(2.0**-52))
    given = ", ".join(f"{w.vector} %{name}" for name in ("seed", "stream", "step"))
    head = f"define internal fastcc {w.vector} @random_{width}({given}, i32 %place) {{"
    return "\n".join([head, "entry:", *w.lines, f"  ret {w.vector} {found}", "}"])
