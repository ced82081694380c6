"""What the compiler gives and refuses: against closed formulas, and by the messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim.compiler.llvm import layout, parts
from plansim.compiler.lower import StructuralError, lower
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import compile_model
from plansim.engine.simulate import simulate
from plansim.errors import ModelError
from plansim.model.reader import load_model
from plansim.model.records import Model

Load = Callable[[str], Model]

CLOCK = """
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 4 ~ Year ~|
TIME STEP= 0.5 ~ Year ~|
SAVEPER= 1 ~ Year ~|
"""


# --- what comes out -------------------------------------------------------------------------------


def test_time_is_never_added_up(tmp_path: Path) -> None:
    path = tmp_path / "long.mdl"
    clock = CLOCK.replace("FINAL TIME= 4", "FINAL TIME= 1000").replace("STEP= 0.5", "STEP= 0.1")
    path.write_text("x= INTEG(0*Time, 1) ~ Dmnl ~|\ny= Time*1 + x*0 ~ Dmnl ~|" + clock, "utf-8")
    found = simulate(load_model(path, strict=False), cache=False)
    np.testing.assert_array_equal(found["y"], np.arange(1001.0))


@pytest.mark.parametrize("bad", ["MAX(0, LN(x))", "MIN(LN(x), 1)", "MAX(LN(x), x)", "f(LN(x))"])
def test_nan_is_not_hidden_by_limits_or_tables(bad: str, load: Load) -> None:
    model = load(f"f((0,1),(1,2)) ~ Dmnl ~|\nx= INTEG(-1, 1.5) ~ Dmnl ~|\ny= {bad} ~ Dmnl ~|\n")
    kernel = compile_model(model, outputs=["y"], cache=False)
    found = simulate_ensemble(kernel, np.empty((1, 0)), model.time)
    np.testing.assert_array_equal(np.isnan(found.values[0, 0]), [False, False, True, True, True])
    assert found.bad.tolist() == [True]


def test_outputs_that_a_loop_copies_are_watched_too(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("x= INTEG(-1, 1.5) ~ Dmnl ~|\ny= LN(x) ~ Dmnl ~|\nz= 2*x ~ Dmnl ~|\n")
    for whole in (4000, 1):
        monkeypatch.setattr(layout, "_WHOLE", whole)
        kernel = compile_model(model, outputs=["x", "y", "z"], cache=False)
        found = simulate_ensemble(kernel, np.empty((1, 0)), model.time)
        np.testing.assert_array_equal(found.values[0, 2], 2 * found.values[0, 0])
        assert found.bad.tolist() == [True]


# --- only what is needed --------------------------------------------------------------------------


def test_what_no_output_needs_is_left_out(load: Load) -> None:
    model = load(
        "x= INTEG(a, 1) ~ Dmnl ~|\na= x*k ~ Dmnl ~|\nk= 0.1 ~ Dmnl ~|\n"
        "y= INTEG(RANDOM GAMMA(0, 1, 2, 0, 1, 1)*x, 1) ~ Dmnl ~|\n"
    )
    program = lower(model, ["k"], ["a"])
    assert len(program.states) == 1
    assert program.inputs == ("k",)
    with pytest.raises(ModelError, match=r"small.mdl:4: 'y' cannot be compiled: the function RAND"):
        lower(model, [], ["y"])


@pytest.mark.parametrize("exponent", [0.5, -0.5, 2.0, 3.0, 4.0, -1.0, -2.0])
def test_powers_by_products_and_roots_are_powers_within_four_units(
    exponent: float, load: Load
) -> None:
    model = load(f"x= 1 ~ Dmnl ~|\ny= x^({exponent}) ~ Dmnl ~|\n")
    program = lower(model, ["x"], ["y"])
    assert "^" not in [instruction.op.value for instruction in program.instructions]
    kernel = compile_model(model, vary=["x"], outputs=["y"], cache=False)
    ends = [-math.inf, -1e200, -1e-310, -2.5, -0.0, 0.0, 5e-324, 1e-310, 1.0, math.inf, math.nan]
    random = np.random.default_rng(3)
    wide = np.exp(random.uniform(-740, 709, 3000))
    x = np.concatenate([ends, wide, -wide[:500], np.exp(random.uniform(-300, 300, 3000))])
    found = simulate_ensemble(kernel, {"x": x}, model.time, keep=[0]).values[:, 0, 0]
    for base, value in zip(x.tolist(), found.tolist(), strict=True):
        right = power(base, exponent)  # of the C library, less than a unit off
        if math.isfinite(right):
            assert abs(value - right) <= 4 * math.ulp(right), (base, value, right)
        else:
            assert str(value) == str(right), (base, value, right)


def power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent in (3, -1) else math.inf
    except ValueError:  # negative to a fraction, or zero to a negative whole number
        return math.nan if base else math.copysign(math.inf, base if exponent == -1 else 1)


def test_all_refusals_come_at_once(load: Load) -> None:
    model = load(
        "x= FIND ZERO(1) ~ Dmnl ~|\ny= x + 1 ~ Dmnl ~|\nz= RANDOM GAMMA(0,1,2,0,1,1) ~ Dmnl ~|"
    )
    with pytest.raises(ModelError) as refusal:
        lower(model, [], ["x", "y", "z"])
    assert [fault.line for fault in refusal.value.faults] == [1, 3]


def test_a_constant_that_shapes_the_code_cannot_vary_but_can_be_set(load: Load) -> None:
    model = load("x= DELAY N(Time, 2, 0, n) ~ Dmnl ~|\nn= 3 ~ Dmnl ~|")
    with pytest.raises(StructuralError, match="n"):
        lower(model, ["n"], ["x"])
    assert len(lower(model, [], ["x"], {"n": 5.0}).states) == 5
    assert simulate(model, cache=False)["x"][-1] < 4


def test_numbers_are_computed_as_ieee_754_has_it(load: Load) -> None:
    model = load(
        "a= 1 ~ Dmnl ~|\nzero= a - 1 ~ Dmnl ~|\nx= 1/zero + 0*Time ~ Dmnl ~|\n"
        "y= LN(zero) ~ Dmnl ~|\nz= EXP(1000*a) ~ Dmnl ~|\nw= (zero - 8)^(1/3) ~ Dmnl ~|\n"
    )
    wanted = [math.nan, -math.inf, math.inf, math.nan]
    for vary in ((), ("a",)):
        kernel = compile_model(model, vary=vary, outputs=["x", "y", "z", "w"], cache=False)
        inputs = np.ones((1, len(kernel.inputs)))
        found = simulate_ensemble(kernel, inputs, model.time).values[0, :, 0]
        wanted[0] = math.inf
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("feature", ["delays", "initial", "logic", "memory"])
def test_a_model_cut_into_many_functions_computes_the_same(
    root: Path, feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(root / "tests" / "agreement" / "vensim" / feature / f"{feature}.mdl")
    whole = simulate(model, cache=False)
    monkeypatch.setattr(layout, "_WHOLE", 3)
    monkeypatch.setattr(layout, "_PART", 2)
    monkeypatch.setattr(parts, "_BEGUN", 2)
    xr.testing.assert_equal(simulate(model, cache=False), whole)
