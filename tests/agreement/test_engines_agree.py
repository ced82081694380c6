"""PySD and our engine against pysimlin: engines that share no code read the same file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simlin
import xarray as xr

from plansim.engine import simulate as compiled
from plansim.files.shipped import shipped_model
from plansim.model.reader import load_model
from plansim.model.records import Integration, Model, VariableKind, folded
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from tests.helpers.reference import simulate

TOLERANCE = 1e-6
"""Of the largest value of a series."""

Run = Callable[[Model, Scenario], xr.Dataset]

NOISE = 1e-9
"""A series that stays below is what rounding leaves of the difference of equal numbers."""


def pysimlin(model: Model, scenario: Scenario) -> dict[str, np.ndarray]:
    """Run a model by pysimlin and Euler's method; return each ``(time,)`` series by folded name."""
    overrides = {key.replace(" ", "_").lower(): value for key, value in scenario.values.items()}
    loaded: Any = simlin.load(model.path)
    time = scenario.time
    loaded.project.set_sim_specs(
        start=time.initial,
        stop=time.final,
        dt=time.step,
        save_step=time.saveper,
        sim_method="euler",
    )
    run = loaded.run(overrides=overrides, analyze_loops=False)
    results = run.results.sort_index()
    names = {str(column): folded(str(column)).replace(", ", ",") for column in results}
    return {names[column]: results[column].to_numpy() for column in names}


def scalars(model: Model, dataset: xr.Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Give each scalar series of a run by its folded name; constants as flat series."""
    length = dataset.sizes["time"]
    for name, values in dataset.data_vars.items():
        variable = model.variables[str(name)]
        if variable.kind is VariableKind.CONTROL:
            continue
        ranges = [model.subscripts[each].elements for each in variable.subscripts]
        for elements in itertools.product(*ranges):
            series = values.sel(dict(zip(variable.subscripts, elements, strict=True)))
            inside = f"[{','.join(elements)}]" if elements else ""
            yield folded(f"{name}{inside}"), np.broadcast_to(series.to_numpy(), length)


def disagreements(model: Model, scenario: Scenario, run: Run | None = None) -> list[str]:
    theirs = pysimlin(model, scenario)
    found = []
    for name, ours in scalars(model, (run or simulate)(model, scenario)):
        scale = max(np.abs(ours).max(), NOISE)
        error = np.abs(ours - theirs[name]) / scale
        if not error.max() <= TOLERANCE:
            found.append(f"{name}: {error.max():.1e}")
    return found


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("as written", compiled.simulate),
        ("accelerated-growth", compiled.simulate),
        pytest.param("accelerated-growth", simulate, marks=pytest.mark.slow),
    ],
)
def test_the_engines_agree_on_the_shipped_model(name: str, run: Run) -> None:
    model = load_model(shipped_model())
    scenario = as_written(model) if name == "as written" else read_scenario(name, model)
    by_euler = replace(scenario.time, integration=Integration.EULER)
    assert disagreements(model, replace(scenario, time=by_euler), run) == []


PREY = """{UTF-8}
prey= INTEG(prey*(1.1 - 0.4*predators) + 0.1*SIN(Time), 3) ~ Dmnl ~|
predators= INTEG(predators*(0.1*seen - 0.4), 2) ~ Dmnl ~|
seen= SMOOTH3I(prey, 0.5, 3) ~ Dmnl ~|
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 16 ~ Year ~|
TIME STEP= 0.015625 ~ Year ~|
SAVEPER= 1 ~ Year ~|
\\\\\\---/// Sketch information - do not modify anything except names
V300  Do not put anything below this section - it will be ignored
///---\\\\\\
:L\x7f<%^E!@
1:Current.vdf
15:0,0,0,5,0,0
"""


def test_other_methods_approach_pysimlin_s_rk4(tmp_path: Path) -> None:
    path = tmp_path / "prey.mdl"
    path.write_text(PREY, "utf-8")
    model = load_model(path, strict=False)
    assert model.time.integration is Integration.RK4
    theirs = simlin.load(path).run(analyze_loops=False).results.sort_index()["predators"]

    def error(integration: Integration, step: float) -> float:
        time = replace(model.time, integration=integration, step=step)
        run = compiled.simulate(model, replace(as_written(model), time=time), cache=False)
        return float(np.abs(run["predators"].to_numpy() / theirs.to_numpy() - 1).max())

    for method, ratio in {Integration.RK4: 16, Integration.MIDPOINT: 4}.items():
        errors = [error(method, 1 / steps) for steps in (8, 16, 32)]
        np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), ratio, rtol=0.1)
    assert error(Integration.EULER, 1 / 32) > 5 * errors[-1]
