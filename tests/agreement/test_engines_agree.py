"""PySD and our engine against pysimlin: engines that share no code read the same file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plansim.engine.compiled import run_compiled
from plansim.engine.pysd import run_reference
from plansim.engine.simlin import run_simlin
from plansim.engine.trajectory import Trajectory, cells, largest_difference
from plansim.model.reader import load_model
from plansim.model.records import Integration, Model
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from tests.helpers.reference import by

TOLERANCE = 1e-6
"""Of the largest value of a series."""
Run = Callable[[Model, Scenario], Trajectory]


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("as written", run_compiled),
        ("accelerated-growth", run_compiled),
        pytest.param("accelerated-growth", run_reference, marks=pytest.mark.slow),
    ],
)
def test_the_engines_agree_on_the_shipped_model(city: Model, name: str, run: Run) -> None:
    scenario = as_written(city) if name == "as written" else read_scenario(name, city)
    scenario = by(scenario, Integration.EULER)
    worst = largest_difference(cells(city, run(city, scenario)), run_simlin(city, scenario))
    assert worst.error <= TOLERANCE, worst


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
    scenario = as_written(model)
    theirs = run_simlin(model, scenario, "rk4")["predators"]

    def error(integration: Integration, step: float) -> float:
        run = run_compiled(model, by(scenario, integration, step), cache=False)
        return float(np.abs(run.series["predators"] / theirs - 1).max())

    for method, ratio in {Integration.RK4: 16, Integration.MIDPOINT: 4}.items():
        errors = [error(method, 1 / steps) for steps in (8, 16, 32)]
        np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), ratio, rtol=0.1)
    assert error(Integration.EULER, 1 / 32) > 5 * errors[-1]
