"""The methods of integration in machine code: their order, and docs/topics/integration.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plansim.compiler.integration import moved_by_stocks, reads_stock
from plansim.compiler.ir import Op
from plansim.compiler.lower import lower
from plansim.compiler.order import schedule
from plansim.engine.batch import Ensemble, simulate_ensemble
from plansim.engine.kernel import Kernel, compile_model
from plansim.model.reader import load_model
from plansim.model.reading.syntax import read_expression
from plansim.model.records import Integration, Model, TimeSpec
from plansim.scenario.factors import FloatArray

Build = Callable[[str], Model]

EULER, MIDPOINT, RK4 = Integration
CLOCK = """
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 4 ~ Year ~|
TIME STEP= 0.5 ~ Year ~|
SAVEPER= TIME STEP ~ Year ~|
"""


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def build(equations: str) -> Model:
        path = tmp_path / "small.mdl"
        path.write_text(equations + CLOCK, encoding="utf-8")
        return load_model(path, strict=False)

    return build


def clock(model: Model, method: Integration, step: float = 0.5) -> TimeSpec:
    return replace(model.time, step=step, saveper=step, integration=method)


def run(kernel: Kernel, time: TimeSpec, inputs: Mapping[str, FloatArray] | None = None) -> Ensemble:
    return simulate_ensemble(kernel, inputs or {}, time)


def series(model: Model, outputs: Sequence[str], time: TimeSpec) -> FloatArray:
    kernel = compile_model(model, outputs=outputs, effort=0, cache=False)
    values: FloatArray = run(kernel, time).values[0]
    return values


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
def test_halving_the_step_divides_the_error_by_two_to_the_order(build: Build, name: str) -> None:
    equations, solution = SMOOTH[name]
    model = build(equations)
    kernel = compile_model(model, outputs=["x"], cache=False)
    for method, order in {EULER: 1, MIDPOINT: 2, RK4: 4}.items():
        errors = []
        for step in (1 / 32, 1 / 64, 1 / 128):
            found = run(kernel, clock(model, method, step))
            errors.append(np.abs(found.values[0, 0] - solution(found.time)).max())
        orders = np.log2(np.divide(errors[:-1], errors[1:]))
        np.testing.assert_allclose(orders, order, atol=0.15, err_msg=f"{method}: {errors}")


# --- the rule, against a slow interpreter of it ---------------------------------------------------

State = Mapping[str, float]
Start = Callable[[float, State], State]
Flows = Callable[[float, State, State], State]


def by_hand(
    method: Integration, start: State, frozen: Start, flows: Flows, renewed: Start | None = None
) -> list[State]:
    """Integrate by the rule: what is frozen is computed once a step, flows at each stage.

    ``renewed`` gives what is remembered from step to step, from the frozen values.
    """
    h = 0.5
    states = [start]
    for i in range(8):
        time, x = i * h, states[-1]
        kept = frozen(time, x)

        def moved(by: State, way: float, x: State = x) -> State:
            return {**x, **{name: x[name] + way * flow for name, flow in by.items()}}

        def rate(part: float, at: State, time: float = time, kept: State = kept) -> State:
            return flows(time + part * h, at, kept)

        k1 = rate(0, x)
        match method:
            case Integration.EULER:
                slope = k1
            case Integration.MIDPOINT:
                slope = rate(0.5, moved(k1, h / 2))
            case Integration.RK4:
                k2 = rate(1 / 3, moved(k1, h / 3))
                k3 = rate(5 / 9, moved(k2, h * 5 / 9))
                way = {n: 0.56 * k1[n] - k2[n] + 1.44 * k3[n] for n in k1}
                k4 = rate(1, moved(way, h))
                slope = {n: (24 * k1[n] + 30 * k2[n] + 81 * k3[n] + 25 * k4[n]) / 160 for n in k1}
        states.append({**moved(slope, h), **(renewed(time, kept) if renewed else {})})
    return states


@pytest.mark.parametrize("method", Integration)
def test_a_test_on_a_stock_is_taken_at_the_stage_and_one_on_time_at_the_start(
    build: Build, method: Integration
) -> None:
    model = build(
        "x= INTEG(IF THEN ELSE(x > limit, -1, 2)*IF THEN ELSE(Time >= 1.75, 1, 0.5), 0.1) ~ Dmnl ~|"
        "\nlimit= 1 + Time/10 ~ Dmnl ~|\n"
    )
    expected = by_hand(
        method,
        {"x": 0.1},
        lambda t, x: {"late": 1 if t >= 1.75 else 0.5},
        lambda t, x, kept: {"x": (-1 if x["x"] > 1 + t / 10 else 2) * kept["late"]},
    )
    found = series(model, ["x"], clock(model, method))[0]
    np.testing.assert_allclose(found, [state["x"] for state in expected], rtol=1e-13)


@pytest.mark.parametrize("method", Integration)
def test_what_is_sampled_and_delayed_moves_once_a_step(build: Build, method: Integration) -> None:
    model = build(
        "x= INTEG(delayed - 0.3*x + 0.1*sampled*Time, 1) ~ Dmnl ~|\n"
        "sampled= SAMPLE IF TRUE(x < 1.4, x + Time, 5) ~ Dmnl ~|\n"
        "delayed= DELAY FIXED(x*Time, 1, 0.7) ~ Dmnl ~|\n"
    )
    queue = [0.7, 0.7]

    def frozen(time: float, x: State) -> State:
        queue.append(x["x"] * time)
        sampled = x["x"] + time if x["x"] < 1.4 else x["sampled"]
        return {"sampled": sampled, "delayed": queue[-3]}

    expected = by_hand(
        method,
        {"x": 1, "sampled": 5},
        frozen,
        lambda t, x, kept: {"x": kept["delayed"] - 0.3 * x["x"] + 0.1 * kept["sampled"] * t},
        lambda t, kept: {"sampled": kept["sampled"]},
    )
    found = series(model, ["x"], clock(model, method))[0]
    np.testing.assert_allclose(found, [state["x"] for state in expected], rtol=1e-13)


@pytest.mark.parametrize("method", Integration)
def test_a_delay_whose_time_varies_takes_its_time_at_the_start_of_a_step(
    build: Build, method: Integration
) -> None:
    model = build("x= DELAY N(Time, 2 + 0.25*Time, 1, 2) ~ Dmnl ~|")

    def flows(t: float, x: State, kept: State) -> State:
        first = x["a"] / (2 + 0.25 * t)
        return {"a": (t - first) * 2, "b": (first - x["b"] / x["lag"]) * 2}

    expected = by_hand(
        method,
        {"a": 2, "b": 2, "lag": 2, "last": 2},
        lambda t, x: {"lag": 2 + 0.25 * t, "last": x["lag"]},
        flows,
        lambda t, kept: {"lag": kept["lag"], "last": kept["last"]},
    )
    found = series(model, ["x"], clock(model, method))[0]
    by_rule = [state["b"] / state["lag"] for state in expected]
    np.testing.assert_allclose(found, by_rule, rtol=1e-13)


@pytest.mark.parametrize("method", Integration)
def test_test_inputs_that_switch_on_the_grid_add_up_exactly(
    build: Build, method: Integration
) -> None:
    model = build(
        "stepped= INTEG(STEP(3, 1), 0) ~ Dmnl ~|\npulsed= INTEG(PULSE(1, 1.5), 0) ~ Dmnl ~|\n"
        "trained= INTEG(PULSE TRAIN(0.5, 0.5, 1.5, 3), 0) ~ Dmnl ~|\n"
        "steps= INTEG(1/TIME STEP, 0) ~ Dmnl ~|\n"
    )
    found = series(model, ["stepped", "pulsed", "trained", "steps"], clock(model, method))
    time = np.arange(9) / 2
    expected = [
        3 * np.maximum(time - 1, 0),
        np.clip(time - 1, 0, 1.5),
        np.clip(time - 0.5, 0, 0.5) + np.clip(time - 2, 0, 0.5),
        np.arange(9.0),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize(("method", "exact"), [(EULER, False), (MIDPOINT, True), (RK4, True)])
def test_a_ramp_is_continuous_within_a_step(build: Build, method: Integration, exact: bool) -> None:
    model = build("x= INTEG(RAMP(2, 1, 3), 0) ~ Dmnl ~|")
    time = np.arange(9) / 2
    risen = np.clip(time - 1, 0, 2)
    area = risen**2 + 4 * np.maximum(time - 3, 0)
    found = series(model, ["x"], clock(model, method))[0]
    assert np.allclose(found, area, rtol=0, atol=2e-6) == exact  # RAMP begins 1e-6 early


# --- what is saved, and when ----------------------------------------------------------------------


@pytest.mark.parametrize("method", Integration)
def test_saved_values_are_those_of_the_first_stage_however_seldom_they_are_saved(
    build: Build, method: Integration
) -> None:
    model = build(
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


def test_nothing_is_computed_beyond_the_final_time_but_for_one_stage(build: Build) -> None:
    # At 4.25, which only a second stage of a step from 4 would reach, the root is not a number.
    model = build("x= INTEG(SQRT(4.1 - Time), 1) ~ Dmnl ~|")
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
    build: Build, method: Integration, choice: float
) -> None:
    model = build(MANY)
    folded = compile_model(model, outputs=["x", "y"], values={"choice": choice}, cache=False)
    varied = compile_model(
        model, vary=["a", "b", "begin", "choice"], outputs=["x", "y"], cache=False
    )
    time = clock(model, method)
    inputs = {"choice": np.array([choice])}
    np.testing.assert_array_equal(run(folded, time).values, run(varied, time, inputs).values)


@pytest.mark.parametrize("runs", [1, 9, 100])
def test_a_batch_gives_the_bits_of_single_runs_by_every_method(build: Build, runs: int) -> None:
    model = build(MANY)
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


def test_a_condition_of_constants_alone_takes_no_slot_and_one_of_the_clock_no_time(
    build: Build,
) -> None:
    model = build(
        "x= INTEG(IF THEN ELSE(a > 1, x, IF THEN ELSE(Time > 2, 1, x)), 0) ~ Dmnl ~|\n"
        "a= 0 ~ Dmnl ~|\n"
    )
    kinds = {}
    for vary in ((), ("a",)):
        program = lower(model, vary, ["x"])
        plan = schedule(program)
        frozen = [i for i, node in enumerate(program.instructions) if node.op is Op.FROZEN]
        assert len(frozen) == 1
        assert frozen[0] in plan.clock
        kinds[vary] = len(plan.frozen_kept)
    assert kinds == {(): 0, ("a",): 0}


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
    build: Build, expression: str, moves: bool
) -> None:
    model = build(
        "part: one, two ~~|\nx= INTEG(through, 1) ~ Dmnl ~|\nthrough= 2*x + late ~ Dmnl ~|\n"
        "late= level + Time ~ Dmnl ~|\nlevel= 3 ~ Dmnl ~|\ntable((0,0),(9,9)) ~ Dmnl ~|\n"
        "sampled= SAMPLE IF TRUE(Time > 1, x, 0) ~ Dmnl ~|\n"
        "chosen= IF THEN ELSE(level = 3, Time, x) ~ Dmnl ~|\n"
        "parts[one]= Time ~ Dmnl ~|\nparts[two]= x ~ Dmnl ~|\n"
    )
    moved = moved_by_stocks(model.scan.equations)
    assert reads_stock(read_expression(expression), moved) == moves
