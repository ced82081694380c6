"""exp, ln and power on vectors of doubles, as LLVM text.

LLVM calls the C library for each element of a vector; these work on all at once, with the same
operations on every processor, so that results do not depend on it. They keep within 4 units in the
last place over the whole range, subnormal numbers, infinities and NaN included (tests compare them
with mpmath; mostly they are within 1).

Tables of sixteen numbers, as many as AVX-512 picks from by one permute, leave short polynomials.
ln x = e·ln 2 + ln c + ln(1 + r) with x = 2ᵉ·m, a c near m and r = m/c - 1, which is exact since 1/c
has few bits. exp x = 2ⁿ·2^(i/16)·exp r with an r up to ln 2/32.

For a power the logarithm is carried as the sum of two doubles, since an exponent near 1000 times a
relative error of 2⁻⁵³ would cost the power ten bits. A shorter logarithm serves where the result
lies between e⁻³² and e³² in all lanes. Fused multiply-add gives the rounding error of a product;
where the processor has none, the C library's function is as exact.

References: J.-M. Muller et al., Handbook of Floating-Point Arithmetic, ch. 4 and 11 (error-free
transformations, range reduction); P. T. P. Tang, Table-driven implementation of the logarithm
function, ACM TOMS 16 (1990), and of the exponential function, TOMS 15 (1989). The polynomials are
Chebyshev fits made with mpmath.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal

from plansim.compiler.llvm.writer import BITS, LANES, VECTOR, Shared, Writer, bits_of

__all__ = ["MOST_POWERS", "any_exp", "math_functions"]

_DIGITS = Context(prec=40)
_MAGIC = 1.5 * 2.0**52
"""Added to a number below 2⁵¹, leaves it rounded to an integer, in the low bits too."""
_ONE = bits_of(1.0)
_EXPONENT = 0x7FF << 52
_UPPER = -1 << 52
"""Sign and exponent."""
_LN2_HIGH = 0.6931471805598903  # 42 bits: exact times any exponent
_LN2_LOW = 5.497923018708371e-14
_LOWEST_M = _ONE - (5 << 48) - (122 << 40)
"""The bits of the least m, 0.829; from the next multiple of 2⁴⁸ on another c takes over."""
_INVERSES = tuple(n / 64 for n in (76, 74, 70, 68, 66, 64, 60, 57, 54, 51, 49, 46, 44, 43, 41, 39))
"""1/c: of those with which every r is exact the one with the least."""
_LN = (
    -0.5, 0.3333333333333287, -0.24999999999999573, 0.20000000005646182, -0.1666666667184247,
    0.1428569577033298, -0.12499983027163192, 0.11133593270795264, -0.1002060901949929,
)  # fmt: skip
"""(ln(1 + r) - r) / r² in r, for r up to 0.0332."""
_LONG_LN = (
    0.3333333333333333, -0.24999999999999573, 0.19999999999999607, -0.1666666667184247,
    0.14285714290492058, -0.12499983027163192, 0.11111095443553966, -0.1002060901949929,
    0.09109933099725219,
)  # fmt: skip
"""(ln(1 + r) - r + r²/2) / r³ in r, likewise."""
_STEPS = 16
_EXP = (
    0.5, 0.16666666665301144, 0.041666666664959766, 0.008333449724528355, 0.0013889034377693012,
)  # fmt: skip
"""(exp(r) - 1 - r) / r² in r, for r up to ln 2 / 32."""
_MODERATE = 32.0
"""Up to here the error of a short logarithm, times the exponent, stays below two units."""


def _ln_of_c(inverse: float) -> tuple[float, float]:
    """Return ln c as the sum of two numbers, the first with no more digits than `_LN2_HIGH`."""
    exact = -_DIGITS.ln(Decimal(inverse))
    high = round(exact * 2**42) / 2.0**42
    return high, float(_DIGITS.subtract(exact, Decimal(high)))


_LN_C = tuple(map(_ln_of_c, _INVERSES))
_ROOTS = tuple(
    float(_DIGITS.power(Decimal(2), _DIGITS.divide(Decimal(i), _STEPS))) for i in range(_STEPS)
)
"""2^(i/16)."""
_LOWERED_ROOTS = tuple(bits_of(root) - (i << 48) for i, root in enumerate(_ROOTS))
"""Their bits, to which the bits of n + i/16, moved to the exponent's place, are added."""


def math_functions(shared: Shared) -> str:
    """Return the definitions of ``@vector_ln``, ``@vector_pow`` and ``@vector_pows``.

    ``@vector_pows(memory, vectors, stride, bases, exponents, count)`` puts ``count`` powers, at
    most `MOST_POWERS`, in the place of their bases, in the memory of each of some vectors of runs.
    """
    return "\n".join([_ln(shared), _special_pow(shared), _pow(shared), _pows(shared)])


def _ln(shared: Shared) -> str:
    w = Writer(shared)
    high, low = _any_ln(w, "%x", short=True)
    return _function(w, "vector_ln", "%x", w.two("fadd", high, low))


def _pow(shared: Shared) -> str:
    """Write the power: straight on for ordinary numbers, with all of IEEE's cases otherwise."""
    w = Writer(shared)
    found, good = _ordinary_exp(w, *_ordinary_ln(w))
    w.lines.append(f"  br i1 {good}, label %plain, label %special")
    w.lines.append("plain:")
    w.lines.append(f"  ret {VECTOR} {found}")
    w.lines.append("special:")
    slow = w.put(f"call fastcc {VECTOR} @special_pow({VECTOR} %x, {VECTOR} %y)")
    return _function(w, "vector_pow", "%x, %y", slow)


def _ordinary_ln(w: Writer) -> tuple[str, str]:
    """Write ``%y`` ln ``%x`` as a sum of two numbers, the first NaN if x is no ordinary number."""
    bits = w.as_bits("%x")
    above = w.two_bits("sub", bits, w.integer(1 << 52))
    ordinary = w.put(f"icmp ult {BITS} {above}, {w.integer(_EXPONENT - (1 << 52))}")
    high, low = _normal_ln(w, bits, None, short=True)
    product, rest = _times(w, "%y", high, low)
    return w.select(ordinary, product, w.number(math.nan)), rest


def _ordinary_exp(w: Writer, product: str, rest: str) -> tuple[str, str]:
    """Write exp of a sum of two numbers, and whether they are moderate in all lanes."""
    total = w.two("fadd", product, rest)
    small = w.compare("olt", w.call("fabs", total), w.number(_MODERATE))
    tail, shifted = _reduced_exp(w, total, product, rest)
    moved = w.two_bits("shl", w.as_bits(shifted), w.integer(48))
    root = w.pick_bits(_LOWERED_ROOTS, w.as_bits(shifted))
    root = w.as_numbers(w.two_bits("add", root, moved))
    return w.fma(root, tail, root), w.all(small)


MOST_POWERS = 64
"""Maximum number of powers that are computed in one go."""
_LOOP = """define internal fastcc void @vector_pows(ptr %memory, i64 %vectors, i64 %stride,
    i64 %bases, i64 %exponents, i64 %count) {{
entry:
  %products = alloca [{most} x {vector}], align {align}
  %rests = alloca [{most} x {vector}], align {align}
  %fit = udiv i64 {most}, %count
  br label %group
group:
  %from = phi i64 [ 0, %entry ], [ %to, %through ]
  %left = sub i64 %vectors, %from
  %few = icmp slt i64 %left, %fit
  %size = select i1 %few, i64 %left, i64 %fit
  %to = add i64 %from, %size
  br label %ln_vector
ln_vector:
  %v = phi i64 [ %from, %group ], [ %v_next, %ln_done ]
  %slot = phi i64 [ 0, %group ], [ %slot_next, %ln_done ]
  %own_from = mul i64 %v, %stride
  %bases_from = add i64 %own_from, %bases
  %exponents_from = add i64 %own_from, %exponents
  br label %ln
ln:
  %i = phi i64 [ 0, %ln_vector ], [ %i_next, %ln ]
  %x_index = add i64 %bases_from, %i
  %y_index = add i64 %exponents_from, %i
  %s_index = add i64 %slot, %i
  %x_at = getelementptr {vector}, ptr %memory, i64 %x_index
  %y_at = getelementptr {vector}, ptr %memory, i64 %y_index
  %product_at = getelementptr {vector}, ptr %products, i64 %s_index
  %rest_at = getelementptr {vector}, ptr %rests, i64 %s_index
  %x = load {vector}, ptr %x_at, align {align}
  %y = load {vector}, ptr %y_at, align {align}
{ln}
  store {vector} {product}, ptr %product_at, align {align}
  store {vector} {rest}, ptr %rest_at, align {align}
  %i_next = add i64 %i, 1
  %more = icmp slt i64 %i_next, %count
  br i1 %more, label %ln, label %ln_done
ln_done:
  %slot_next = add i64 %slot, %count
  %v_next = add i64 %v, 1
  %more_vectors = icmp slt i64 %v_next, %to
  br i1 %more_vectors, label %ln_vector, label %exp_vector
exp_vector:
  %u = phi i64 [ %from, %ln_done ], [ %u_next, %exp_done ]
  %place = phi i64 [ 0, %ln_done ], [ %place_next, %exp_done ]
  %to_from = mul i64 %u, %stride
  %powers_from = add i64 %to_from, %bases
  br label %exp
exp:
  %j = phi i64 [ 0, %exp_vector ], [ %j_next, %done ]
  %to_index = add i64 %powers_from, %j
  %p_index = add i64 %place, %j
  %to_at = getelementptr {vector}, ptr %memory, i64 %to_index
  %of_product = getelementptr {vector}, ptr %products, i64 %p_index
  %of_rest = getelementptr {vector}, ptr %rests, i64 %p_index
  %product = load {vector}, ptr %of_product, align {align}
  %rest = load {vector}, ptr %of_rest, align {align}
{exp}
  br i1 {good}, label %plain, label %special
plain:
  store {vector} {found}, ptr %to_at, align {align}
  br label %done
special:
  %base = load {vector}, ptr %to_at, align {align}
  %exponents_at = add i64 %to_from, %exponents
  %exponent_index = add i64 %exponents_at, %j
  %exponent_at = getelementptr {vector}, ptr %memory, i64 %exponent_index
  %exponent = load {vector}, ptr %exponent_at, align {align}
  %slow = call fastcc {vector} @special_pow({vector} %base, {vector} %exponent)
  store {vector} %slow, ptr %to_at, align {align}
  br label %done
done:
  %j_next = add i64 %j, 1
  %others = icmp slt i64 %j_next, %count
  br i1 %others, label %exp, label %exp_done
exp_done:
  %place_next = add i64 %place, %count
  %u_next = add i64 %u, 1
  %other_vectors = icmp slt i64 %u_next, %to
  br i1 %other_vectors, label %exp_vector, label %through
through:
  %rest_of_all = icmp slt i64 %to, %vectors
  br i1 %rest_of_all, label %group, label %end
end:
  ret void
}}"""


def _pows(shared: Shared) -> str:
    """Write loops over logarithms and exponentials, of several vectors of runs at a time.

    Short ones, so that a processor has enough of them under way at once: none waits for another.
    """
    w = Writer(shared)
    product, rest = _ordinary_ln(w)
    ln = "\n".join(w.lines)
    w.lines.clear()
    found, good = _ordinary_exp(w, "%product", "%rest")
    return _LOOP.format(
        vector=VECTOR,
        align=8 * LANES,
        most=MOST_POWERS,
        ln=ln,
        product=product,
        rest=rest,
        exp="\n".join(w.lines),
        found=found,
        good=good,
    )


def _special_pow(shared: Shared) -> str:
    w = Writer(shared)
    zero, one, inf = w.number(0.0), w.number(1.0), w.number(math.inf)
    size = w.call("fabs", "%x")
    high, low = _any_ln(w, size, short=False)
    product, rest = _times(w, "%y", high, low)
    total = w.two("fadd", product, rest)
    rest = w.two("fsub", rest, w.two("fsub", total, product))
    small = w.compare("olt", w.call("fabs", total), w.number(1000.0))
    total = w.select(small, total, product)
    rest = w.select(small, rest, zero)
    found = any_exp(w, total, rest)
    # A negative base: a whole exponent decides on the sign, and any other has no answer.
    of_y = w.call("fabs", "%y")
    whole = _is_whole(w, of_y)
    half_whole = _is_whole(w, w.two("fmul", of_y, w.number(0.5)))
    odd = w.two_truths("and", whole, w.inverted(half_whole))
    below = w.put(f"icmp slt {BITS} {w.as_bits('%x')}, zeroinitializer")
    found = w.select(w.two_truths("and", below, odd), w.negative(found), found)
    negative = w.compare("olt", "%x", zero)
    bounded = w.compare("ogt", "%x", w.number(-math.inf))
    hopeless = w.two_truths("and", w.two_truths("and", negative, bounded), w.inverted(whole))
    found = w.select(hopeless, w.number(math.nan), found)
    # |base| = 1 to an infinite exponent is 1; NaN stays, but for exponent 0 and base 1.
    endless = w.compare("oeq", of_y, inf)
    unit = w.compare("oeq", size, one)
    found = w.select(w.two_truths("and", endless, unit), one, found)
    found = w.select(w.compare("uno", "%x", "%y"), w.number(math.nan), found)
    found = w.select(w.compare("oeq", "%x", one), one, found)
    found = w.select(w.compare("oeq", "%y", zero), one, found)
    return _function(w, "special_pow", "%x, %y", found, "noinline cold")


def _function(w: Writer, name: str, parameters: str, result: str, attributes: str = "") -> str:
    given = ", ".join(f"{VECTOR} {parameter}" for parameter in parameters.split(", "))
    head = f"define internal fastcc {VECTOR} @{name}({given}) {attributes} {{"
    return "\n".join([head, "entry:", *w.lines, f"  ret {VECTOR} {result}", "}"])


def _is_whole(w: Writer, size: str) -> str:
    """Write whether a number that is not negative has no fraction."""
    two52 = w.number(2.0**52)
    rounded = w.two("fsub", w.two("fadd", size, two52), two52)
    same = w.compare("oeq", rounded, size)
    large = w.compare("oge", size, two52)
    return w.two_truths("or", same, large)


def _times(w: Writer, y: str, high: str, low: str) -> tuple[str, str]:
    """Write ``y*(high + low)`` as a sum of two numbers."""
    product = w.two("fmul", y, high)
    error = w.fma(y, high, w.negative(product))
    return product, w.fma(y, low, error)


def _reduced_exp(w: Writer, total: str, x: str, rest: str | None) -> tuple[str, str]:
    """Write exp(r) - 1 for x + rest = k·ln 2 / 16 + r, and k in the low bits of a number.

    ``total`` is the rounded sum.
    """
    magic = w.number(_MAGIC)
    shifted = w.fma(total, w.number(float(_STEPS / _DIGITS.ln(Decimal(2)))), magic)
    k = w.two("fsub", shifted, magic)
    r = w.fma(k, w.number(-_LN2_HIGH / _STEPS), x)
    r = w.fma(k, w.number(-_LN2_LOW / _STEPS), r)
    if rest is not None:
        r = w.two("fadd", r, rest)
    square = w.two("fmul", r, r)
    return w.fma(square, w.polynomial(_EXP, r, square), r), shifted


def any_exp(w: Writer, x: str, rest: str | None = None) -> str:
    """Write exp of any number; the scale in two steps reaches 0, ∞ and all between."""
    low, high = w.number(-750.0), w.number(715.0)
    x = w.select(w.compare("olt", x, low), low, x)  # NaN stays
    x = w.select(w.compare("ogt", x, high), high, x)
    tail, shifted = _reduced_exp(w, x, x, rest)
    # n + i/16, of which the first factor has half of n.
    moved = w.two_bits("shl", w.as_bits(shifted), w.integer(48))
    half = w.two_bits("and", w.two_bits("ashr", moved, w.integer(1)), w.integer(_UPPER))
    scale = w.as_numbers(w.two_bits("add", half, w.integer(_ONE)))
    root = w.pick_bits(_LOWERED_ROOTS, w.as_bits(shifted))
    root = w.as_numbers(w.two_bits("add", root, w.two_bits("sub", moved, half)))
    return w.two("fmul", w.fma(root, tail, root), scale)


def _any_ln(w: Writer, x: str, short: bool) -> tuple[str, str]:
    """Write ln of any number, as a sum of two."""
    tiny = w.compare("olt", x, w.number(2.0**-1022))
    scaled = w.select(tiny, w.two("fmul", x, w.number(2.0**54)), x)
    shift = w.select(tiny, w.number(-54.0 * 2**52), w.number(0.0))
    high, low = _normal_ln(w, w.as_bits(scaled), shift, short)
    zero, inf = w.number(0.0), w.number(math.inf)
    for condition, value in (
        (w.compare("oeq", x, zero), w.number(-math.inf)),
        (w.compare("oeq", x, inf), inf),
        (w.compare("ult", x, zero), w.number(math.nan)),
    ):
        high = w.select(condition, value, high)
        low = w.select(condition, zero, low)
    return high, low


def _normal_ln(w: Writer, bits: str, shift: str | None, short: bool) -> tuple[str, str]:
    """Write ln of a positive normal number as a sum of two, with 58 bits in all or with 65.

    To the exponent, times 2⁵², ``shift`` is added. The second part may be as large as r². What two
    numbers lose when they are added comes out exactly, since the first is the larger.
    """
    above = w.two_bits("sub", bits, w.integer(_LOWEST_M))
    upper = w.two_bits("and", above, w.integer(_UPPER))
    m = w.as_numbers(w.two_bits("sub", bits, upper))
    e = w.put(f"sitofp {BITS} {upper} to {VECTOR}")  # times 2⁵²
    if shift is not None:
        e = w.two("fadd", e, shift)
    index = w.two_bits("lshr", above, w.integer(48))
    r = w.fma(m, w.pick(_INVERSES, index), w.number(-1.0))
    whole = w.fma(e, w.number(_LN2_HIGH / 2**52), w.pick([high for high, _ in _LN_C], index))
    first = w.two("fadd", whole, r)
    first_low = w.two("fsub", r, w.two("fsub", first, whole))
    rest = w.fma(e, w.number(_LN2_LOW / 2**52), w.pick([low for _, low in _LN_C], index))
    rest = w.two("fadd", rest, first_low)
    square = w.two("fmul", r, r)
    if short:
        return first, w.fma(square, w.polynomial(_LN, r, square), rest)
    half = w.two("fmul", r, w.number(-0.5))
    quadratic = w.two("fmul", half, r)
    error = w.fma(half, r, w.negative(quadratic))
    second = w.two("fadd", first, quadratic)
    second_low = w.two("fsub", quadratic, w.two("fsub", second, first))
    cube = w.two("fmul", square, r)
    rest = w.two("fadd", w.two("fadd", rest, error), second_low)
    return second, w.fma(cube, w.polynomial(_LONG_LN, r, square), rest)
