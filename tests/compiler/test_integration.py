"""The methods of integration in machine code: their order, and docs/topics/integration.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from plansim.compiler.integration import moved_by_stocks, reads_stock
from plansim.engine.batch import Ensemble, simulate_ensemble
from plansim.engine.kernel import Kernel, compile_model
from plansim.model.reading.syntax import read_expression
from plansim.model.records import Integration, Model, TimeSpec
from plansim.scenario.factors import FloatArray

Load = Callable[[str], Model]

EULER, MIDPOINT, RK4 = Integration
CLOCK = """
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 4 ~ Year ~|
TIME STEP= 0.5 ~ Year ~|
SAVEPER= TIME STEP ~ Year ~|
"""


def clock(model: Model, method: Integration, step: float = 0.5) -> TimeSpec:
    return replace(model.time, step=step, saveper=step, integration=method)


def run(kernel: Kernel, time: TimeSpec, inputs: Mapping[str, FloatArray] | None = None) -> Ensemble:
    return simulate_ensemble(kernel, inputs or {}, time)


# --- order ----------------------------------------------------------------------------------------

SMOOTH: Mapping[str, tuple[str, Callable[[FloatArray], FloatArray]]] = {
    "exponential": ("x= INTEG(0.8*x, 1) ~ Dmnl ~|", lambda t: np.exp(0.8 * t)),
    "logistic": (
        "x= INTEG(1.5*x*(1 - x/3), 0.2) ~ Dmnl ~|",
        lambda t: 3 / (1 + 14 * np.exp(-1.5 * t)),
    ),
    "oscillator": (
        "x= INTEG(-2*y, 1) ~ Dmnl ~|\ny= INTEG(2*x, 0) ~ Dmnl ~|",
        lambda t: np.cos(2 * t),
    ),
    "forced": (
        "x= INTEG(COS(Time) - x, 0) ~ Dmnl ~|",
        lambda t: (np.cos(t) + np.sin(t) - np.exp(-t)) / 2,
    ),
    "smoothed": (
        "x= SMOOTH3I(Time, 1.5, 0) ~ Dmnl ~|",
        lambda t: t - 1.5 + np.exp(-2 * t) * (1.5 + 2 * t + t * t),
    ),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_halving_the_step_divides_the_error_by_two_to_the_order(load: Load, name: str) -> None:
    equations, solution = SMOOTH[name]
    model = load(equations)
    kernel = compile_model(model, outputs=["x"], cache=False)
    for method, order in {EULER: 1, MIDPOINT: 2, RK4: 4}.items():
        errors = []
        for step in (1 / 32, 1 / 64, 1 / 128):
            found = run(kernel, clock(model, method, step))
            errors.append(np.abs(found.values[0, 0] - solution(found.time)).max())
        orders = np.log2(np.divide(errors[:-1], errors[1:]))
        np.testing.assert_allclose(orders, order, atol=0.15, err_msg=f"{method}: {errors}")


# --- what is saved, and when ----------------------------------------------------------------------


@pytest.mark.parametrize("method", Integration)
def test_saved_values_are_those_of_the_first_stage_however_seldom_they_are_saved(
    load: Load, method: Integration
) -> None:
    model = load(
        "x= INTEG(rate, 1) ~ Dmnl ~|\nrate= x*COS(Time) + kept ~ Dmnl ~|\n"
        "kept= SAMPLE IF TRUE(x > 1.5, x, 0) ~ Dmnl ~|\n"
    )
    kernel = compile_model(model, outputs=["x", "rate", "kept"], cache=False)
    time = clock(model, method)
    x, rate, kept = run(kernel, time).values[0]
    np.testing.assert_allclose(rate, x * np.cos(np.arange(9) / 2) + kept, rtol=1e-14)
    for saveper in (1.0, 1.5, 4.0):
        seldom = run(kernel, replace(time, saveper=saveper))
        chosen = np.rint(seldom.time / 0.5).astype(int)
        np.testing.assert_array_equal(seldom.values[0, 0], x[chosen])
        np.testing.assert_array_equal(seldom.values[0, 1], rate[chosen])


def test_nothing_is_computed_beyond_the_final_time_but_for_one_stage(load: Load) -> None:
    # At 4.25, which only a second stage of a step from 4 would reach, the root is not a number.
    model = load("x= INTEG(SQRT(4.1 - Time), 1) ~ Dmnl ~|")
    kernel = compile_model(model, outputs=["x"], cache=False)
    for method in Integration:
        assert not run(kernel, clock(model, method)).bad.any(), method


# --- one code for all methods, and the same bits whatever is folded or run beside -----------------

MANY = """
x= INTEG(IF THEN ELSE(event > 2, a*x, b) - IF THEN ELSE(Time >= begin, s/5, 0), 1) ~ Dmnl ~|
event= IF THEN ELSE(choice = 1, Time, 10*x) ~ Dmnl ~|
s= SMOOTH3(x, 2) + DELAY FIXED(x, lag, 0) ~ Dmnl ~|
y= INTEG(SAMPLE IF TRUE(x > 1.1, x, 0) + STEP(a, begin) + PULSE(begin, 1), 0) ~ Dmnl ~|
a= 0.3 ~ Dmnl ~|
b= 0.2 ~ Dmnl ~|
begin= 1.25 ~ Year ~|
choice= 1 ~ Dmnl ~|
lag= 1 ~ Year ~|
"""


@pytest.mark.parametrize("method", Integration)
@pytest.mark.parametrize("choice", [1.0, 0.0])
def test_folding_of_constants_changes_no_bit(
    load: Load, method: Integration, choice: float
) -> None:
    model = load(MANY)
    folded = compile_model(model, outputs=["x", "y"], values={"choice": choice}, cache=False)
    varied = compile_model(
        model, vary=["a", "b", "begin", "choice"], outputs=["x", "y"], cache=False
    )
    time = clock(model, method)
    inputs = {"choice": np.array([choice])}
    np.testing.assert_array_equal(run(folded, time).values, run(varied, time, inputs).values)


@pytest.mark.parametrize("runs", [1, 9, 100])
def test_a_batch_gives_the_bits_of_single_runs_by_every_method(load: Load, runs: int) -> None:
    model = load(MANY)
    kernel = compile_model(model, vary=["a", "begin"], outputs=["x", "y"], cache=False)
    random = np.random.default_rng(1)
    inputs = np.stack([random.uniform(0, 1, runs), random.uniform(0, 4, runs)], axis=1)
    times = [clock(model, method) for method in Integration]
    alone = np.stack([
        [simulate_ensemble(kernel, row[np.newaxis], time).values[0] for row in inputs]
        for time in times
    ])  # fmt: skip
    for time, expected in zip(times, alone, strict=True):
        for threads in (1, 3):
            together = simulate_ensemble(kernel, inputs, time, threads=threads)
            np.testing.assert_array_equal(together.values, expected)
    assert len({part.tobytes() for part in alone}) == 3


# --- what is frozen -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "moves"),
    [
        ("Time > late", False),
        ("x > 1", True),
        ("through > 1", True),
        ("table(Time) > level", False),
        ("table(through) > 1", True),
        ("INITIAL(x) > Time", False),
        ("ACTIVE INITIAL(Time, x) > 1", False),
        ("ACTIVE INITIAL(x, Time) > 1", True),
        ("SAMPLE IF TRUE(x > 1, x, 0) > Time", False),
        ("DELAY FIXED(x, 1, 0) > Time", False),
        ("SMOOTH(Time, 2) > 1", True),
        ("sampled > Time", False),
        ("chosen > Time", True),
        ("SUM(parts[part!]) > 2", True),
    ],
)
def test_a_comparison_depends_on_what_moves_within_a_step(
    load: Load, expression: str, moves: bool
) -> None:
    model = load(
        "part: one, two ~~|\nx= INTEG(through, 1) ~ Dmnl ~|\nthrough= 2*x + late ~ Dmnl ~|\n"
        "late= level + Time ~ Dmnl ~|\nlevel= 3 ~ Dmnl ~|\ntable((0,0),(9,9)) ~ Dmnl ~|\n"
        "sampled= SAMPLE IF TRUE(Time > 1, x, 0) ~ Dmnl ~|\n"
        "chosen= IF THEN ELSE(level = 3, Time, x) ~ Dmnl ~|\n"
        "parts[one]= Time ~ Dmnl ~|\nparts[two]= x ~ Dmnl ~|\n"
    )
    moved = moved_by_stocks(model.scan.equations)
    assert reads_stock(read_expression(expression), moved) == moves
