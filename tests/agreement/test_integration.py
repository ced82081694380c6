"""Inside a step, by docs/topics/integration.md: the engines against the rule written by hand.

Each function of the time is the net flow of a stock, whose steps are then sums of its values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from plansim.engine.compiled import run_compiled
from plansim.engine.simlin import run_simlin
from plansim.engine.simulate import simulate
from plansim.engine.trajectory import cells
from plansim.model.reader import load_model
from plansim.model.records import Integration, Model
from plansim.scenario.scenario_file import Scenario, as_written
from tests.helpers.javascript import simulate_in_node
from tests.helpers.reference import by

STEP = 0.25
STEPS = 16

Flow = Callable[[float, float], float]
"""The value at a stage, by the time at which the step starts and the stage's own time."""

FLOWS: Mapping[str, Flow] = {
    "Time": lambda start, now: now,
    "STEP(Time, 2001.1)": lambda start, now: now if start + STEP / 2 > 2001.1 else 0,
    "STEP(Time, 4002.2 - moving)": lambda start, now: now if start > 2001.0375 else 0,
    "RAMP(2, 2000.6, 2002.3)": lambda start, now: 2 * (min(max(now, 2000.6), 2002.3) - 2000.6),
    "PULSE(2001, 1.5)*Time": lambda start, now: now * (2001 <= start < 2002.5),
    "PULSE TRAIN(2000.5, 0.5, 1.25, 2003)*Time": lambda start, now: (
        now * (2000.5 <= start <= 2003 and (start - 2000.5) % 1.25 < 0.5)
    ),
    "IF THEN ELSE(Time > 2001, Time, 0)": lambda start, now: now if start > 2001 else 0,
    "IF THEN ELSE(later >= 2001.5, Time, 0)": lambda start, now: now if start >= 2001.25 else 0,
    "IF THEN ELSE(Time > 2001.3 :AND: moving > 2002.1, Time, 0)": lambda start, now: (
        now if start > 2001.3 and now > 2002.1 else 0
    ),
    # The inner comparison is not evaluated at the start of the step in which the outer one turns.
    "IF THEN ELSE(moving > 2001.1, IF THEN ELSE(Time > 2001.05, 1, 2), 0)": lambda start, now: (
        0 if now <= 2001.1 else 1 if start > 2001.05 else 2
    ),
    "IF THEN ELSE(MODULO(Time, 0.5), 1, 0)": lambda start, now: float(now % 0.5 > 0),
    "yearly(Time)": lambda start, now: abs(now - 2001.1),
    "SAMPLE IF TRUE(Time > 2001, Time, 5)": lambda start, now: start if start > 2001 else 5,
    "IF THEN ELSE(SAMPLE IF TRUE(moving < 2001, moving, 0) < Time, 1, 0)": lambda start, now: float(
        min(start, 2001 - STEP) < start
    ),
    "DELAY FIXED(Time, 0.5, 7)": lambda start, now: start - 0.5 if start >= 2000.5 else 7,
    "IF THEN ELSE(DELAY FIXED(moving, 0.5, 2000.1) < Time, 1, 0)": lambda start, now: float(
        start > 2000
    ),
    "INTEGER(Time)*TIME STEP": lambda start, now: math.trunc(now) * STEP,
    "INITIAL(Time)": lambda start, now: 2000,
}
STAGES: Mapping[Integration, Sequence[tuple[float, float]]] = {
    Integration.EULER: [(0, 1)],
    Integration.MIDPOINT: [(1 / 2, 1)],
    Integration.RK4: [(0, 3 / 20), (1 / 3, 3 / 16), (5 / 9, 81 / 160), (1, 5 / 32)],
}
"""Where in a step a function of the time counts, and how much."""
ORDERS = {Integration.EULER: 1, Integration.MIDPOINT: 2, Integration.RK4: 4}
"""A linear stock grows, in a step, by as many terms of the exponential series."""
MODEL = (
    "{UTF-8}\n"
    + "".join(f"level {i}= INTEG({flow}, 1) ~ Dmnl ~|\n" for i, flow in enumerate(FLOWS))
    + f"""
moving= INTEG(1, 2000) ~ Year ~|
later= Time + 0.25 ~ Year ~|
yearly((2000,1.1),(2001.1,0),(2010,8.9)) ~ Dmnl ~|
decay= INTEG(-0.7*decay, 1) ~ Dmnl ~|
INITIAL TIME= 2000 ~ Year ~|
FINAL TIME= {2000 + STEPS * STEP} ~ Year ~|
TIME STEP= {STEP} ~ Year ~|
SAVEPER= TIME STEP ~ Year ~|
"""
)

Series = Mapping[str, NDArray[np.float64]]
Run = Callable[[Model, Scenario], Series]


def by_kernel(model: Model, scenario: Scenario) -> Series:
    run = simulate(model, scenario)
    return {str(name): values.to_numpy() for name, values in run.items()}


def by_pysd(model: Model, scenario: Scenario) -> Series:
    run = simulate(model, scenario, engine="pysd")
    return {str(name): values.to_numpy() for name, values in run.items()}


def by_javascript(model: Model, scenario: Scenario) -> Series:
    program, (values,) = simulate_in_node(model, [], [scenario])
    return dict(zip(program.outputs, values, strict=True))


@pytest.mark.parametrize("run", [by_kernel, by_pysd, by_javascript])
@pytest.mark.parametrize("method", Integration)
def test_an_engine_follows_the_rule(tmp_path: Path, method: Integration, run: Run) -> None:
    path = tmp_path / "flows.mdl"
    path.write_text(MODEL, "utf-8")
    model = load_model(path)
    series = run(model, by(as_written(model), method))
    starts = 2000 + STEP * np.arange(STEPS)
    for index, (text, flow) in enumerate(FLOWS.items()):
        flows = [
            sum(weight * flow(start, start + part * STEP) for part, weight in STAGES[method])
            for start in starts
        ]
        np.testing.assert_allclose(
            series[f"level {index}"], 1 + STEP * np.cumsum([0, *flows]), rtol=1e-13, err_msg=text
        )
    powers = np.arange(ORDERS[method] + 1)
    growth = sum((-0.7 * STEP) ** power / math.factorial(power) for power in powers)
    np.testing.assert_allclose(series["decay"], growth ** np.arange(STEPS + 1), rtol=1e-13)


def beyond_order_two(
    model: Model, scenario: Scenario, method: Integration, limits: Series
) -> list[str]:
    """Return the series that are farther from their limits of small steps than by order two.

    Of a method of order p, what is left at a step of h/2 is 1/(2^p - 1) of the change from h to
    h/2: all of it at order one, a third at order two. A half is the bound here.
    """
    one, half = (
        cells(model, run_compiled(model, by(scenario, method, 1 / steps))) for steps in (32, 64)
    )
    beyond = []
    for name, values in half.items():
        size = max(np.abs(limits[name]).max(), 1e-9)
        change, left = np.abs(one[name] - values).max(), np.abs(values - limits[name]).max()
        if not left <= change / 2 + 5e-6 * size:
            beyond.append(f"{name}: {left / size:.1e} after {change / size:.1e}")
    return beyond


def test_the_midpoint_rule_is_of_order_two_on_the_shipped_model(
    city: Model, stories: Mapping[str, Scenario]
) -> None:
    scenario = stories["accelerated-growth"]
    # pysimlin lets switches turn within a step, which errs in proportion to the step.
    wide, narrow = (run_simlin(city, by(scenario, step=1 / steps), "rk4") for steps in (256, 512))
    limits = {name: 2 * narrow[name] - wide[name] for name in wide}
    assert beyond_order_two(city, scenario, Integration.MIDPOINT, limits) == []
    assert len(beyond_order_two(city, scenario, Integration.EULER, limits)) > 100
