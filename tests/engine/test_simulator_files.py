"""A scenario that another simulator reads gives the run that it gives here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plansim.engine.simlin import run_simlin
from plansim.engine.simulator_files import changes_text, export_scenario
from plansim.errors import InputError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.model.rewrite import with_constants
from plansim.scenario.scenario_file import Scenario, read_scenario

POND = """{UTF-8}
kind: big, small ~~|
basin: north, far south ~~|
fish[kind]= INTEG(births[kind] - catch[kind], start[kind]) ~ t ~ Fish.|
start[kind]= 10, 4 ~ t [0,100] ~ At first.|
births[kind]= birth rate*fish[kind] ~ t/Year ~|
birth rate= 0.1 ~ 1/Year [0,1] ~ Of a year.|
catch[kind]= SUM(effort[kind,basin!]) ~ t/Year ~|
most[kind]= VMAX(effort[kind,basin!]) ~ t/Year ~|
worth= SUM(fish[kind!]*most[kind!])/(Time - INITIAL TIME + TIME STEP) ~ ~|
effort[kind,basin]= 0.1, 0.2; 0.3, 0.4; ~ t/Year [0,9] ~ By kind and basin.|
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 4 ~ Year ~|
TIME STEP= 0.5 ~ Year ~|
SAVEPER= 1 ~ Year ~|
"""
DROUGHT = """title: {en: Drought, zh: 干旱}
values:
  birth rate: 0.05
  start[small]: 6
  effort[big,far south]: 0.6
  FINAL TIME: 6
"""


@pytest.fixture
def pond(tmp_path: Path) -> Model:
    path = tmp_path / "pond.mdl"
    path.write_text(POND, "utf-8")
    return load_model(path)


@pytest.fixture
def drought(pond: Model, tmp_path: Path) -> Scenario:
    path = tmp_path / "drought.yaml"
    path.write_text(DROUGHT, "utf-8")
    return read_scenario(path, pond)


def test_a_changes_file_says_what_the_scenario_sets_and_its_clock(
    pond: Model, drought: Scenario
) -> None:
    pairs = [line.rsplit(" = ", 1) for line in changes_text(pond, drought).splitlines()]
    told = {name: float(value) for name, value in pairs}
    assert {name: told[name] for name in drought.values} == dict(drought.values)
    assert (told["INITIAL TIME"], told["FINAL TIME"]) == (0.0, 6.0)
    # A model into which these lines are put is the scenario: that is what Vensim does with them.
    assert with_constants(pond, told).variables["effort"].value == {
        "big,north": 0.1, "big,far south": 0.6, "small,north": 0.3, "small,far south": 0.4
    }  # fmt: skip


def test_what_bends_equations_needs_the_model_too(pond: Model, tmp_path: Path) -> None:
    path = tmp_path / "late.yaml"
    path.write_text("title: Late\nlevers:\n  birth rate: {series: {2: 0.05, 3: 0.02}}\n", "utf-8")
    late = read_scenario(path, pond)
    with pytest.raises(InputError, match=r"changes the form of equations.*FILE\.xmile"):
        changes_text(pond, late)


@pytest.mark.parametrize("name", ["drought", "baseline"])
def test_xmile_read_back_gives_the_run_of_the_scenario(
    name: str, city: Model, pond: Model, drought: Scenario, tmp_path: Path
) -> None:
    import simlin

    model = pond if name == "drought" else city
    scenario = drought if name == "drought" else read_scenario(name, city)
    export_scenario(model, scenario, tmp_path / "out.xmile")
    loaded = simlin.load(tmp_path / "out.xmile")
    assert loaded.project is not None
    time = scenario.time
    loaded.project.set_sim_specs(
        start=time.initial, stop=time.final, dt=time.step, save_step=time.saveper,
        sim_method="euler",
    )  # fmt: skip
    simulation = loaded.simulate()
    simulation.run_to_end()
    for label, values in run_simlin(model, scenario).items():
        read = np.asarray(simulation.get_series(label))
        np.testing.assert_allclose(read, values, rtol=1e-9, atol=1e-12, err_msg=label)
