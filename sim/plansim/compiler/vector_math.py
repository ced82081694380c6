"""exp, ln, power and random numbers on vectors of doubles, as LLVM text.

LLVM calls the C library for each element of a vector; these work on all at once, without tables
and with the same operations on every processor, so that results do not depend on it. They keep
within 4 units in the last place over the whole range, subnormal numbers, infinities and NaN
included (tests compare them with mpmath; mostly they are within 1).

For a power the logarithm is carried as the sum of two doubles, since an exponent near 1000 times a
relative error of 2⁻⁵³ would cost the power ten bits. A shorter logarithm serves where the result
lies between e⁻³² and e³² in all lanes. Fused multiply-add gives the rounding error of a product;
where the processor has none, the C library's function is as exact.

References: J.-M. Muller et al., Handbook of Floating-Point Arithmetic, ch. 4 and 11 (error-free
transformations, range reduction); N. Shibata, F. Petrogalli, SLEEF, IEEE TPDS 31 (2020). The
polynomials are Chebyshev fits made with mpmath. J. K. Salmon et al., Parallel random numbers: as
easy as 1, 2, 3 (SC 2011), for Threefry.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field

__all__ = ["Writer", "math_functions", "random_function"]

_MAGIC = 1.5 * 2.0**52
"""Added to a number below 2⁵¹, leaves it rounded to an integer, in the low bits too."""
_LN2_HIGH = 0.6931471805598903  # 42 bits: exact times any exponent
_LN2_LOW = 5.497923018708371e-14
_LOG2_E = 1.4426950408889634
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_ONE_BITS = 0x3FF0000000000000
_LN = (
    0.4, 0.2857142857142938, 0.2222222222164882, 0.1818181833699257,
    0.15384594791762352, 0.13334813971292003, 0.11705988156500907, 0.11725771221811145,
)  # fmt: skip
"""(ln((1+s)/(1-s)) - 2s - 2/3 s³) / s⁵ in s², for s² up to 0.0295."""
_EXP = (
    0.5, 0.16666666666666666, 0.04166666666665132, 0.008333333333332154, 0.0013888888905908563,
    0.0001984126985435939, 2.4801536334724617e-05, 2.7557280025515365e-06, 2.7613836801372293e-07,
    2.509557770167194e-08,
)  # fmt: skip
"""(exp(r) - 1 - r) / r² in r, for r up to half of ln 2."""
_SHORT_LN = (
    0.6666666666666666, 0.4000000000000089, 0.2857142857079543, 0.2222222239356661,
    0.18181795442371984, 0.1538625044794019, 0.13268485680654427, 0.13089629160674623,
)  # fmt: skip
"""(ln((1+s)/(1-s)) - 2s) / s³ in s², likewise."""
_MODERATE = 32.0
"""Up to here the error of a short logarithm, times the exponent, stays below two units."""
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


@dataclass
class Writer:
    """Writes instructions on vectors of some width (1: scalars), a name for each result."""

    width: int
    declared: set[str]
    """Declarations of what is called, for the whole module."""
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
        """Give the type of vectors of an element's type."""
        return element if self.width == 1 else f"<{self.width} x {element}>"

    def put(self, text: str) -> str:
        """Write an instruction and give the name of its result."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def number(self, value: float) -> str:
        """Give a constant in every element."""
        raw = struct.pack(">d", value).hex().upper()
        return f"0x{raw}" if self.width == 1 else f"splat (double 0x{raw})"

    def integer(self, value: int) -> str:
        """Give an integer constant in every element."""
        return str(value) if self.width == 1 else f"splat (i64 {value})"

    def zero_bits(self) -> str:
        """Give the integer 0 in every element."""
        return "0" if self.width == 1 else "zeroinitializer"

    def truth_value(self, value: bool) -> str:
        """Give a truth value in every element."""
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
        self.declared.add(f"declare {self.vector} {name}({types})")
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

    def all(self, truths: str) -> str:
        """Write whether every element is true."""
        if self.width == 1:
            return truths
        name = f"@llvm.vector.reduce.and.v{self.width}i1"
        self.declared.add(f"declare i1 {name}({self.truth})")
        return self.put(f"call i1 {name}({self.truth} {truths})")

    def polynomial(self, coefficients: tuple[float, ...], x: str) -> str:
        """Write a polynomial, lowest coefficient first, by Estrin's scheme."""
        terms = [self.number(coefficient) for coefficient in coefficients]
        power = x
        while len(terms) > 1:
            paired = [
                self.fma(high, power, low)
                for low, high in zip(terms[::2], terms[1::2], strict=False)
            ]
            terms = paired + terms[len(terms) - len(terms) % 2 :]
            if len(terms) > 1:
                power = self.two("fmul", power, power)
        return terms[0]


def math_functions(width: int, declared: set[str]) -> str:
    """Give the definitions of ``@exp_W``, ``@ln_W``, ``@pow_W`` and ``@pows_W`` for a width W.

    ``@pows_W(x, y, count)`` puts powers in the place of their bases.
    """
    parts = [_exp(width, declared), _ln(width, declared), _pow(width, declared)]
    return "\n".join([*parts, _pows(width, declared)])


ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
"""Of Threefry with two words of 32 bits, for one round after the other."""
PARITY = 0x1BD11BDA


def random_function(width: int, declared: set[str]) -> str:
    """Give the definition of ``@random_W(seed, stream, step, place)``: a number between 0 and 1.

    It is Threefry-2x32-20 with the key (seed, stream) and the counter (step, place), whole numbers
    of which the lowest 32 bits count.
    """
    w = Writer(width, declared)
    words = w.typed("i32")
    to_integer = f"@llvm.fptosi.sat.{w.suffix.replace('f', 'i')}.{w.suffix}"
    rotate = f"@llvm.fshl.{w.suffix.replace('f64', 'i32')}"
    declared.add(f"declare {w.bits} {to_integer}({w.vector})")
    declared.add(f"declare {words} {rotate}({words}, {words}, {words})")

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


def _exp(width: int, declared: set[str]) -> str:
    w = Writer(width, declared)
    found = _any_exp(w, "%x", None)
    found = w.select(w.compare("uno", "%x", "%x"), "%x", found)
    return _function(w, f"exp_{width}", "%x", found)


def _ln(width: int, declared: set[str]) -> str:
    w = Writer(width, declared)
    high, _ = _any_ln(w, "%x")
    return _function(w, f"ln_{width}", "%x", high)


def _pow(width: int, declared: set[str]) -> str:
    """Write the power: straight on for ordinary numbers, with all of IEEE's cases otherwise."""
    w = Writer(width, declared)
    found, good = _ordinary_pow(w)
    w.lines.append(f"  br i1 {good}, label %plain, label %special")
    w.lines.append("plain:")
    w.lines.append(f"  ret {w.vector} {found}")
    w.lines.append("special:")
    slow = w.put(f"call fastcc {w.vector} @pow_special_{width}({w.vector} %x, {w.vector} %y)")
    fast = _function(w, f"pow_{width}", "%x, %y", slow)
    return _special_pow(width, declared) + "\n" + fast


def _ordinary_pow(w: Writer) -> tuple[str, str]:
    """Write ``%x`` to the power of ``%y``, and whether all lanes are ordinary numbers."""
    normal = w.compare("oge", "%x", w.number(2.0**-1022))
    finite = w.compare("olt", "%x", w.number(math.inf))
    high, low = _short_ln(w, "%x")
    product, rest = _times(w, "%y", high, low)
    small = w.compare("olt", w.call("fabs", product), w.number(_MODERATE))
    good = w.put(f"and {w.truth} {normal}, {finite}")
    good = w.put(f"and {w.truth} {good}, {small}")
    return _normal_exp(w, product, rest), w.all(good)


_LOOP = """define internal fastcc void @pows_{width}(ptr %xs, ptr %ys, i64 %count) {{
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %j, %done ]
  %at = getelementptr {vector}, ptr %xs, i64 %i
  %to = getelementptr {vector}, ptr %ys, i64 %i
  %x = load {vector}, ptr %at, align {align}
  %y = load {vector}, ptr %to, align {align}
{ordinary}
  store {vector} {found}, ptr %at, align {align}
  br i1 {good}, label %done, label %special
special:
  %slow = call fastcc {vector} @pow_special_{width}({vector} %x, {vector} %y)
  store {vector} %slow, ptr %at, align {align}
  br label %done
done:
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %count
  br i1 %more, label %next, label %end
end:
  ret void
}}"""


def _pows(width: int, declared: set[str]) -> str:
    """Write the loop over powers: those after each other do not wait for each other."""
    w = Writer(width, declared)
    found, good = _ordinary_pow(w)
    return _LOOP.format(
        width=width,
        vector=w.vector,
        align=8 * width,
        ordinary="\n".join(w.lines),
        found=found,
        good=good,
    )


def _special_pow(width: int, declared: set[str]) -> str:
    w = Writer(width, declared)
    zero, one, inf = w.number(0.0), w.number(1.0), w.number(math.inf)
    size = w.call("fabs", "%x")
    high, low = _any_ln(w, size)
    product, rest = _times(w, "%y", high, low)
    small = w.compare("olt", w.call("fabs", product), w.number(1000.0))
    rest = w.select(small, rest, zero)
    found = _any_exp(w, product, rest)
    # A negative base: a whole exponent decides on the sign, and any other has no answer.
    of_y = w.call("fabs", "%y")
    whole = _is_whole(w, of_y)
    half_whole = _is_whole(w, w.two("fmul", of_y, w.number(0.5)))
    even_or_not = w.put(f"xor {w.truth} {half_whole}, {w.truth_value(True)}")
    odd = w.put(f"and {w.truth} {whole}, {even_or_not}")
    below = w.put(f"icmp slt {w.bits} {w.as_bits('%x')}, {w.zero_bits()}")
    turned = w.put(f"fneg {w.vector} {found}")
    found = w.select(w.put(f"and {w.truth} {below}, {odd}"), turned, found)
    negative = w.compare("olt", "%x", zero)
    bounded = w.compare("ogt", "%x", w.number(-math.inf))
    neither = w.put(f"xor {w.truth} {whole}, {w.truth_value(True)}")
    hopeless = w.put(f"and {w.truth} {negative}, {bounded}")
    hopeless = w.put(f"and {w.truth} {hopeless}, {neither}")
    found = w.select(hopeless, w.number(math.nan), found)
    # |base| = 1 to an infinite exponent is 1; NaN stays, but for exponent 0 and base 1.
    endless = w.compare("oeq", of_y, inf)
    unit = w.compare("oeq", size, one)
    found = w.select(w.put(f"and {w.truth} {endless}, {unit}"), one, found)
    found = w.select(w.compare("uno", "%x", "%y"), w.number(math.nan), found)
    found = w.select(w.compare("oeq", "%x", one), one, found)
    found = w.select(w.compare("oeq", "%y", zero), one, found)
    return _function(w, f"pow_special_{width}", "%x, %y", found, "noinline cold")


def _function(w: Writer, name: str, parameters: str, result: str, attributes: str = "") -> str:
    given = ", ".join(f"{w.vector} {parameter}" for parameter in parameters.split(", "))
    head = f"define internal fastcc {w.vector} @{name}({given}) {attributes} {{"
    return "\n".join([head, "entry:", *w.lines, f"  ret {w.vector} {result}", "}"])


def _is_whole(w: Writer, size: str) -> str:
    """Write whether a number that is not negative has no fraction."""
    two52 = w.number(2.0**52)
    rounded = w.two("fsub", w.two("fadd", size, two52), two52)
    same = w.compare("oeq", rounded, size)
    large = w.compare("oge", size, two52)
    return w.put(f"or {w.truth} {same}, {large}")


def _times(w: Writer, y: str, high: str, low: str) -> tuple[str, str]:
    """Write ``y*(high + low)`` as a sum of two numbers."""
    product = w.two("fmul", y, high)
    error = w.fma(y, high, w.put(f"fneg {w.vector} {product}"))
    return product, w.fma(y, low, error)


def _reduced_exp(w: Writer, x: str, rest: str | None) -> tuple[str, str, str]:
    """Write exp as ``p * 2^k``: p, k as a number, and k in the low bits of a number."""
    magic = w.number(_MAGIC)
    shifted = w.fma(x, w.number(_LOG2_E), magic)
    k = w.two("fsub", shifted, magic)
    r = w.fma(k, w.number(-_LN2_HIGH), x)
    r = w.fma(k, w.number(-_LN2_LOW), r)
    if rest is not None:
        r = w.two("fadd", r, rest)
    series = w.polynomial(_EXP, r)
    p = w.fma(w.two("fmul", r, r), series, r)
    return w.two("fadd", p, w.number(1.0)), k, shifted


def _scale(w: Writer, shifted: str) -> str:
    """Write 2^k for a k in the low bits of a number."""
    biased = w.two_bits("add", w.as_bits(shifted), w.integer(1023))
    return w.as_numbers(w.two_bits("shl", biased, w.integer(52)))


def _normal_exp(w: Writer, x: str, rest: str) -> str:
    """Write exp(x + rest) for a moderate x."""
    p, _, shifted = _reduced_exp(w, x, rest)
    return w.two("fmul", p, _scale(w, shifted))


def _any_exp(w: Writer, x: str, rest: str | None) -> str:
    """Write exp of any number but NaN; the scale in two steps reaches 0, ∞ and all between."""
    low, high = w.number(-750.0), w.number(715.0)
    x = w.select(w.compare("ogt", x, low), x, low)
    x = w.select(w.compare("olt", x, high), x, high)
    p, k, _ = _reduced_exp(w, x, rest)
    magic = w.number(_MAGIC)
    half = w.fma(k, w.number(0.5), magic)
    other = w.two("fadd", w.two("fsub", k, w.two("fsub", half, magic)), magic)
    return w.two("fmul", w.two("fmul", p, _scale(w, half)), _scale(w, other))


def _any_ln(w: Writer, x: str) -> tuple[str, str]:
    """Write ln of any number, as a sum of two."""
    tiny = w.compare("olt", x, w.number(2.0**-1022))
    scaled = w.select(tiny, w.two("fmul", x, w.number(2.0**54)), x)
    shift = w.select(tiny, w.number(-54.0), w.number(0.0))
    high, low = _normal_ln(w, scaled, shift)
    zero, inf = w.number(0.0), w.number(math.inf)
    for condition, value in (
        (w.compare("oeq", x, zero), w.number(-math.inf)),
        (w.compare("oeq", x, inf), inf),
        (w.compare("ult", x, zero), w.number(math.nan)),
    ):
        high = w.select(condition, value, high)
        low = w.select(condition, zero, low)
    return high, low


def _parts(w: Writer, x: str) -> tuple[str, str, str]:
    """Write x = m·2^e, with m between √½ and √2, as e, s = (m-1)/(m+1) and what s lacks."""
    bits = w.as_bits(x)
    biased = w.two_bits("add", bits, w.integer(_ONE_BITS - _SQRT_HALF_BITS))
    exponent = w.two_bits("lshr", biased, w.integer(52))
    m_bits = w.two_bits("sub", bits, w.two_bits("shl", exponent, w.integer(52)))
    m = w.as_numbers(w.two_bits("add", m_bits, w.integer(_ONE_BITS)))
    two52 = 0x4330000000000000
    e = w.as_numbers(w.two_bits("or", exponent, w.integer(two52)))
    e = w.two("fsub", e, w.number(2.0**52 + 1023))
    one = w.number(1.0)
    above = w.two("fsub", m, one)
    below = w.two("fadd", m, one)
    below_low = w.two("fsub", m, w.two("fsub", below, one))
    inverse = w.two("fdiv", one, below)
    s = w.two("fmul", above, inverse)
    minus_s = w.put(f"fneg {w.vector} {s}")
    rest = w.fma(minus_s, below_low, w.fma(minus_s, below, above))
    return e, s, w.two("fmul", rest, inverse)


def _short_ln(w: Writer, x: str) -> tuple[str, str]:
    """Write ln of a positive normal number as a sum of two, with 58 bits in all.

    ln x = e·ln 2 + 2s + s³·p(s²). That suffices where an exponent is moderate.
    """
    e, s, s_low = _parts(w, x)
    z = w.two("fmul", s, s)
    tail = w.two("fmul", w.two("fmul", z, s), w.polynomial(_SHORT_LN, z))
    whole = w.two("fmul", e, w.number(_LN2_HIGH))
    twice = w.two("fadd", s, s)
    first = w.two("fadd", whole, twice)
    first_low = w.two("fsub", twice, w.two("fsub", first, whole))
    rest = w.fma(s_low, w.number(2.0), w.fma(e, w.number(_LN2_LOW), first_low))
    rest = w.two("fadd", rest, tail)
    high = w.two("fadd", first, rest)
    return high, w.two("fsub", rest, w.two("fsub", high, first))


def _normal_ln(w: Writer, x: str, shift: str) -> tuple[str, str]:
    """Write ln of a positive normal number as a sum of two, plus ``shift`` times ln 2.

    ln x = e·ln 2 + 2s + ⅔s³ + s⁵·p(s²), with 65 bits in all.
    """
    e, s, s_low = _parts(w, x)
    e = w.two("fadd", e, shift)
    # z = s², c = ⅔s³, each with what rounding took.
    z = w.two("fmul", s, s)
    twice = w.two("fadd", s, s)
    z_low = w.fma(twice, s_low, w.fma(s, s, w.put(f"fneg {w.vector} {z}")))
    cube = w.two("fmul", z, s)
    cube_error = w.fma(z, s, w.put(f"fneg {w.vector} {cube}"))
    cube_low = w.fma(z_low, s, w.fma(z, s_low, cube_error))
    third, third_low = (w.number(part) for part in _TWO_THIRDS)
    c = w.two("fmul", cube, third)
    c_error = w.fma(cube, third, w.put(f"fneg {w.vector} {c}"))
    c_low = w.fma(cube_low, third, w.fma(cube, third_low, c_error))
    fifth = w.two("fmul", z, cube)
    tail = w.fma(fifth, w.polynomial(_LN, z), c_low)
    # Each sum is larger than what is added to it, so that the error comes out exactly.
    whole = w.two("fmul", e, w.number(_LN2_HIGH))
    first = w.two("fadd", whole, twice)
    first_low = w.two("fsub", twice, w.two("fsub", first, whole))
    second = w.two("fadd", first, c)
    second_low = w.two("fsub", c, w.two("fsub", second, first))
    rest = w.fma(e, w.number(_LN2_LOW), tail)
    rest = w.fma(s_low, w.number(2.0), rest)
    rest = w.two("fadd", w.two("fadd", first_low, second_low), rest)
    high = w.two("fadd", second, rest)
    low = w.two("fsub", rest, w.two("fsub", high, second))
    return high, low
