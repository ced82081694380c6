"""The methods of integration in machine code: their order, and docs/topics/integration.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from plansim.engine.batch import Ensemble, simulate_ensemble
from plansim.engine.kernel import Kernel, compile_model
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
