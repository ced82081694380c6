"""Runs as datasets: units, names, run cards, years; of several scenarios side by side."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from plansim.engine.compiled import run_compiled
from plansim.engine.simulate import simulate
from plansim.engine.trajectory import version_of
from plansim.errors import SimulationError
from plansim.model.records import Model, Timing, VariableKind
from plansim.scenario.scenario_file import as_written, read_scenario
from plansim.targets.annual import annual, frame, separate
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import annual_series
from plansim.targets.verdict import check_targets


@pytest.fixture(scope="module")
def dataset(town: Model) -> xr.Dataset:
    return simulate(town)


def test_each_variable_has_its_numbers_dimensions_and_meaning(
    town: Model, dataset: xr.Dataset
) -> None:
    run = run_compiled(town, as_written(town))
    assert {*dataset.data_vars} == {*run.series, *run.constants}
    for name, variable in town.variables.items():
        if variable.kind is VariableKind.LOOKUP:
            continue
        once = variable.kind in {VariableKind.CONSTANT, VariableKind.CONTROL}
        values = dataset[name]
        assert values.dims == (() if once else ("time",)) + variable.subscripts
        np.testing.assert_array_equal(values, (run.constants if once else run.series)[name])
        assert values.attrs == {
            "units": variable.unit,
            "long_name": variable.name,
            "long_name_zh": variable.name_zh,
            "kind": str(variable.kind),
            "timing": str(variable.timing),
            "module": variable.module,
        }
    sector = dataset["capital"]["sector"]
    assert list(sector.to_numpy()) == ["farming", "industry", "services"]
    assert sector.attrs["long_name_zh"] == "部门"
    assert json.loads(sector.attrs["elements_zh"]) == ["农业", "工业", "服务业"]
    assert dataset["time"].attrs["units"] == "Year"


def test_the_run_card_names_inputs_and_versions_but_no_moment(town: Model, tmp_path: Path) -> None:
    path = tmp_path / "given.yaml"
    path.write_text(
        "title: {en: Given, zh: 给定}\nvalues: {TIME STEP: 0.125}\nassumes: {B: x, A: y}", "utf-8"
    )
    scenario = read_scenario(path, town, ["capital life=21"])
    run = simulate(town, scenario)
    assert run.attrs == {
        "scenario": "given",
        "scenario_title_en": "Given (changed)",
        "scenario_title_zh": "给定（已调整）",
        "scenario_sha256": scenario.sha256,
        "overrides": '["capital life=21"]',
        "assumed": '["A", "B"]',
        "model": "toy_town",
        "model_sha256": town.sha256,
        "engine": "plansim",
        "engine_version": version_of("plansim"),
        "method": "euler",
        "time_step": 0.125,
        "plansim_version": version_of("plansim"),
        "python": platform.python_version(),
    }
    assert run.identical(simulate(town, scenario))


def test_annual_reads_figures_in_mid_year_and_stocks_at_its_end(
    town: Model, dataset: xr.Dataset
) -> None:
    by_year = annual(dataset)
    assert list(by_year["year"].to_numpy()) == list(range(2005, 2021))
    assert by_year.attrs == dataset.attrs
    for name, values in by_year.data_vars.items():
        if "time" not in dataset[name].dims:
            xr.testing.assert_identical(values, dataset[name])
            continue
        shift = 0.5 if town.variables[str(name)].timing is Timing.YEAR_END else 0.0
        at = dataset[name].sel(time=by_year["year"].to_numpy() + shift)
        np.testing.assert_array_equal(values, at)
        xr.testing.assert_identical(values, annual_series(dataset[name]))
    with pytest.raises(SimulationError, match="a variable called 'year' cannot be shown"):
        annual(dataset.assign(year=dataset["GDP"]))


# --- several scenarios ----------------------------------------------------------------------------

NAMES = ["baseline", "slow-growth"]


@pytest.fixture(scope="module")
def alone(city: Model) -> list[xr.Dataset]:
    return [simulate(city, name) for name in NAMES]


@pytest.fixture(scope="module")
def both(city: Model) -> xr.Dataset:
    return simulate(city, NAMES)


def test_each_run_comes_out_as_it_went_in(both: xr.Dataset, alone: list[xr.Dataset]) -> None:
    assert both.sizes["scenario"] == len(NAMES)
    for run, again in zip(alone, separate(both), strict=True):
        xr.testing.assert_identical(run, again.assign_attrs(run.attrs))
        cards = ({key: str(value) for key, value in one.attrs.items()} for one in (run, again))
        assert next(cards) == next(cards)


def test_verdicts_and_frames_are_those_of_the_runs(
    city: Model, both: xr.Dataset, alone: list[xr.Dataset]
) -> None:
    targets = load_targets(model=city)
    one_by_one = [verdict for run in alone for verdict in check_targets(run, targets)]
    assert list(check_targets(both, targets)) == one_by_one
    assert list(check_targets(annual(both), targets)) == one_by_one
    pd.testing.assert_frame_equal(frame(both, "GDP"), frame(alone, "GDP"))
