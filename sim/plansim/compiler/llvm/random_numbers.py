"""Random numbers by position, as LLVM text.

Reference: J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011), for Threefry.
"""

from __future__ import annotations

from plansim.compiler.llvm.writer import BITS, LANES, VECTOR, Shared, Writer

__all__ = ["random_function"]

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
"""Of Threefry with two words of 32 bits, for one round after the other."""
PARITY = 0x1BD11BDA


def random_function(shared: Shared) -> str:
    """Return the definition of ``@vector_random(seed, stream, step, place)``, between 0 and 1.

    It is Threefry-2x32-20 with the key (seed, stream) and the counter (step, place), whole numbers
    of which the lowest 32 bits count.
    """
    w = Writer(shared)
    words = f"<{LANES} x i32>"
    to_integer = f"@llvm.fptosi.sat.v{LANES}i64.v{LANES}f64"
    rotate = f"@llvm.fshl.v{LANES}i32"
    shared.declared.add(f"declare {BITS} {to_integer}({VECTOR})")
    shared.declared.add(f"declare {words} {rotate}({words}, {words}, {words})")

    def word(name: str) -> str:
        whole = w.put(f"call {BITS} {to_integer}({VECTOR} {name})")
        return w.put(f"trunc {BITS} {whole} to {words}")

    def two(operation: str, a: str, b: str | int) -> str:
        return w.put(f"{operation} {words} {a}, {b if isinstance(b, str) else constant(b)}")

    def constant(value: int) -> str:
        return f"splat (i32 {value})"

    keys = [word("%seed"), word("%stream")]
    keys.append(two("xor", two("xor", *keys), PARITY))
    a, b = two("add", word("%step"), keys[0]), two("add", w.spread("%place", "i32"), keys[1])
    for turn in range(5):
        for distance in ROTATIONS[:4] if turn % 2 == 0 else ROTATIONS[4:]:
            a = two("add", a, b)
            operands = f"{words} {b}, {words} {b}, {words} {constant(distance)}"
            b = two("xor", w.put(f"call {words} {rotate}({operands})"), a)
        a = two("add", a, keys[(turn + 1) % 3])
        b = two("add", two("add", b, keys[(turn + 2) % 3]), turn + 1)
    high, low = (w.put(f"uitofp {words} {two('lshr', part, 6)} to {VECTOR}") for part in (a, b))
    found = w.two("fadd", w.two("fmul", high, w.number(2.0**26)), low)
    found = w.two("fmul", w.two("fadd", found, w.number(0.5)), w.number(2.0**-52))
    given = ", ".join(f"{VECTOR} %{name}" for name in ("seed", "stream", "step"))
    head = f"define internal fastcc {VECTOR} @vector_random({given}, i32 %place) {{"
    return "\n".join([head, "entry:", *w.lines, f"  ret {VECTOR} {found}", "}"])
