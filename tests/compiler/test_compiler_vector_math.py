"""exp, ln and power against mpmath, on every kind of processor that this machine can be."""

from __future__ import annotations

import ctypes
import itertools
import math
import struct
from functools import cache

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from plansim.compiler.llvm.vector_math import any_exp, math_functions
from plansim.compiler.llvm.writer import LANES, VECTOR, Shared, Writer
from plansim.compiler.native import (
    Library,
    Platform,
    Processor,
    assemble,
    host_platform,
    processors,
)
from plansim.engine.batch import aligned

ULPS = 4.0
Numbers = NDArray[np.float64]

_DRIVER = """
define void @drive_{name}(ptr %memory, i64 %vectors) {{
entry:
  br label %vector
vector:
  %i = phi i64 [ 0, %entry ], [ %i_next, %vector ]
  %row = mul i64 %i, 2
  %at = getelementptr {vector}, ptr %memory, i64 %row
  %y_at = getelementptr {vector}, ptr %at, i64 1
  %x = load {vector}, ptr %at, align 64
  %y = load {vector}, ptr %y_at, align 64
{lines}
  store {vector} {result}, ptr %at, align 64
  %i_next = add i64 %i, 1
  %over = icmp sge i64 %i_next, %vectors
  br i1 %over, label %through, label %vector
through:
  ret void
}}
"""


_LOOP = """
define void @drive_pows(ptr %memory, i64 %vectors) {
  call fastcc void @vector_pows(ptr %memory, i64 %vectors, i64 7, i64 0, i64 4, i64 3)
  ret void
}
"""


class Functions:
    """The functions, compiled for one kind of processor."""

    def __init__(self, processor: Processor) -> None:
        target = Platform(host_platform().triple, processor)
        shared = Shared(permutes=processor is Processor.AVX512)
        parts = [math_functions(shared), _LOOP]
        for name, given in (
            ("exp", ""),
            ("ln", f"{VECTOR} %x"),
            ("pow", f"{VECTOR} %x, {VECTOR} %y"),
        ):
            w = Writer(shared)
            call = f"call fastcc {VECTOR} @vector_{name}({given})"
            result = w.put(call) if given else any_exp(w, "%x")
            lines = "\n".join(w.lines)
            parts.append(_DRIVER.format(name=name, vector=VECTOR, lines=lines, result=result))
        code = assemble("\n".join([*parts, shared.text()]), target, 2)
        self.library = Library(code, [f"drive_{name}" for name in ("exp", "ln", "pow", "pows")])

    def go(self, name: str, memory: Numbers) -> None:
        drive = self.library.function(f"drive_{name}", ctypes.c_void_p, ctypes.c_int64)
        drive(memory.ctypes.data, len(memory))

    def __call__(self, name: str, x: Numbers, y: Numbers) -> Numbers:
        # Ordinary numbers fill up, so that what a vector holds decides on its way.
        memory = aligned((-(-len(x) // LANES), 2, LANES))
        for row, column in enumerate((x, y)):
            padded = np.append(column, np.full(memory[:, 0].size - len(x), 1.5))
            memory[:, row] = padded.reshape(-1, LANES)
        self.go(name, memory)
        return memory[:, 0].reshape(-1)[: len(x)]


@pytest.fixture(scope="module", params=processors(), ids=str)
def functions(request: pytest.FixtureRequest) -> Functions:
    return Functions(request.param)


SPECIAL = np.array(
    [
        *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 1e-310, 5e-324, -5e-324, 2.0**-1022),
        *(1e308, -1e308, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 1 + 2**-52),
        *(1 - 2**-53, 2.0**53, 2.0**53 + 2, 2.0**52 + 1, -(2.0**52 + 1), 1e-20, 709.78, -745.1),
        *(709.8, -745.2, -708.5, -730.0, math.sqrt(0.5), math.sqrt(2)),
    ]
)
RANDOM = np.random.default_rng(20260101)


def ulps(found: float, exact: mpmath.mpf) -> float:
    """Give the distance in units of the last place of a double at the exact value."""
    if math.isnan(found) or mpmath.isnan(exact) or mpmath.isinf(exact) or math.isinf(found):
        nearest = float(exact)
        return 0.0 if found == nearest or math.isnan(found) == math.isnan(nearest) == 1 else 1e9
    exponent = max(mpmath.frexp(exact)[1] - 53, -1074) if exact else -1074
    return float(abs(mpmath.mpf(found) - exact) / mpmath.ldexp(1, exponent))


def worst(found: Numbers, exact: list[mpmath.mpf]) -> float:
    return max(ulps(float(a), b) for a, b in zip(found, exact, strict=True))


def exact(function: str, x: float, y: float = 0.0) -> mpmath.mpf:
    """Give the value to 40 digits; at the edges, what IEEE 754 and the C library say."""
    with mpmath.workdps(40):
        match function:
            case "exp" if math.isfinite(x):
                return mpmath.exp(mpmath.mpf(x))
            case "ln" if math.isfinite(x) and x > 0:
                return mpmath.log(mpmath.mpf(x))
            case "pow" if math.isfinite(x) and math.isfinite(y) and x > 0:
                return mpmath.power(mpmath.mpf(x), mpmath.mpf(y))
    if function == "pow":
        try:
            return mpmath.mpf(math.pow(x, y))
        except ValueError:  # numpy has NaN for -inf^0.5, against C
            return mpmath.mpf(math.nan if x else math.copysign(math.inf, x if y % 2 == 1 else 1))
    with np.errstate(all="ignore"):
        return mpmath.mpf(float(np.exp(x) if function == "exp" else np.log(x)))


Sample = tuple[str, Numbers, Numbers, list[mpmath.mpf]]


@cache
def sample(name: str) -> Sample:
    """Give arguments of a function and its values, the same for every processor."""
    random = np.random.default_rng(20260101)
    match name:
        case "exp":
            x = np.concatenate(
                [SPECIAL, random.uniform(-746, 710, 4000), random.uniform(-1, 1, 2000)]
            )
        case "ln":
            bits = random.integers(0, 0x7FF0000000000000, 3000, dtype=np.int64).view(np.float64)
            near_one = 1 + random.uniform(-1, 1, 3000) * 2.0 ** -random.integers(1, 50, 3000)
            x = np.concatenate([SPECIAL, bits, near_one, random.uniform(0.6, 1.6, 2000)])
        case "pow, ordinary":
            x, y = np.exp(random.uniform(-3, 3, 6000)), random.uniform(-4, 4, 6000)
        case "pow, from overflow to subnormal":
            x = np.exp(random.uniform(-700, 700, 6000))
            y = random.uniform(-760, 720, 6000) / np.log(x)
        case _:  # where one logarithm takes over from the other
            x = np.concatenate(
                [np.exp(random.uniform(-30, 30, 3000)), random.uniform(0.7, 1.4, 3000)]
            )
            y = random.choice([-1, 1], 6000) * random.uniform(28, 33, 6000) / np.log(x)
    function = name.partition(",")[0]
    if function != "pow":
        return function, x, x, [exact(function, number) for number in x.tolist()]
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    return function, x, y, [exact(function, *pair) for pair in pairs]


@pytest.mark.parametrize(
    "name",
    ["exp", "ln", "pow, ordinary", "pow, from overflow to subnormal", "pow, between logarithms"],
)
def test_values_are_right_to_four_units_in_the_last_place(name: str, functions: Functions) -> None:
    function, x, y, values = sample(name)
    assert worst(functions(function, x, y), values) <= ULPS


@pytest.mark.long
def test_power_at_the_edges(functions: Functions) -> None:
    pairs = np.array(list(itertools.product(SPECIAL, SPECIAL)))
    x, y = pairs[:, 0].copy(), pairs[:, 1].copy()
    found = functions("pow", x, y)
    for a, b, value in zip(x.tolist(), y.tolist(), found.tolist(), strict=True):
        if a < 0 and math.isfinite(a) and math.isfinite(b) and b == int(b):
            sign = -1 if int(b) % 2 else 1
            assert ulps(value, sign * exact("pow", -a, b)) <= ULPS, (a, b, value)
        else:
            assert ulps(value, exact("pow", a, b)) <= ULPS, (a, b, value)


def test_powers_in_one_go_are_those_one_by_one(functions: Functions) -> None:
    vectors = 50  # more than are computed at a time
    length = 3 * vectors * LANES
    x = np.resize([*RANDOM.uniform(0.1, 9, 300), *SPECIAL], length)
    y = np.resize([*SPECIAL, *RANDOM.uniform(-4, 4, 300)], length)
    memory = aligned((vectors, 7, LANES))
    memory[:] = -1.0
    memory[:, :3] = x.reshape(vectors, 3, LANES)
    memory[:, 4:] = y.reshape(vectors, 3, LANES)
    functions.go("pows", memory)
    np.testing.assert_array_equal(memory[:, :3].reshape(-1), functions("pow", x, y))
    assert (memory[:, 3] == -1.0).all()


def test_a_zero_has_the_sign_that_ieee_754_gives_it(functions: Functions) -> None:
    x = np.array([-0.0, -0.0, -0.0, 0.0, -math.inf, -math.inf])
    y = np.array([3.0, 2.0, -3.0, -3.0, -3.0, -2.0])
    found = functions("pow", x, y)
    assert struct.pack("6d", *found) == struct.pack("6d", -0.0, 0.0, -math.inf, math.inf, -0.0, 0.0)


def test_all_processors_give_the_same_bits() -> None:
    x = np.concatenate([SPECIAL, np.exp(RANDOM.uniform(-3, 3, 500))])
    y = np.concatenate([SPECIAL[::-1], RANDOM.uniform(-4, 4, 500)])
    made = [Functions(processor) for processor in processors()]
    for name in ("exp", "ln", "pow"):
        first, *others = (functions(name, x, y) for functions in made)
        for other in others:
            np.testing.assert_array_equal(first, other)
    assert len(made) >= 2
