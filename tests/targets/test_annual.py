"""The light way of the command line gives the very numbers of the datasets of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from plansim import UnknownNameError, annual, check_targets, frame, load_targets, simulate
from plansim.engine.simulate import simulate_years
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario, as_written
from plansim.targets.annual import Annual, annual_of
from plansim.targets.verdict import verdicts_of


@pytest.mark.parametrize("name", ["baseline", "accelerated-growth"])
def test_the_figures_and_verdicts_are_those_of_the_dataset(
    city: Model, stories: Mapping[str, Scenario], name: str
) -> None:
    light = simulate_years(city, stories[name])
    dataset = simulate(city, stories[name])
    assert_same(light, annual_of(dataset))
    assert_same(light, annual_of(annual(dataset)))
    targets = load_targets(model=city)
    assert verdicts_of(light, targets) == check_targets(dataset, targets)
    assert verdicts_of(light, targets) == check_targets(annual(dataset), targets)


def assert_same(one: Annual, other: Annual) -> None:
    assert one.years == other.years
    assert list(one.variables) == list(other.variables)
    assert one.card == other.card
    for name, variable in one.variables.items():
        twin = other.variables[name]
        np.testing.assert_array_equal(variable.values, twin.values, name)
        plain = replace(variable, values=np.empty(0))
        assert plain == replace(twin, values=plain.values)


def test_a_year_that_was_not_saved_has_no_figure(town: Model) -> None:
    coarse = replace(as_written(town), time=replace(town.time, saveper=2.0))
    light = simulate_years(town, coarse)
    assert_same(light, annual_of(annual(simulate(town, coarse))))
    assert set(np.diff(light.years)) == {2}


def test_a_frame_has_one_row_a_figure_and_they_are_those_of_the_dataset(
    city: Model, stories: Mapping[str, Scenario]
) -> None:
    runs = [simulate(city, stories[name]) for name in ("baseline", "accelerated-growth")]
    table = frame(runs)
    assert list(table) == ["scenario", "variable", "element", "year", "value", "unit"]
    assert not table.duplicated(["scenario", "variable", "element", "year"]).any()
    by_year = [annual(run) for run in runs]
    moving = [name for name in by_year[0] if "year" in by_year[0][name].dims]
    assert set(table["variable"]) == set(moving)
    assert len(table) == sum(run[name].size for run in by_year for name in moving)
    assert table.memory_usage(deep=True).sum() < 50e6, "all ranges crossed would take 25 GB"
    for run in by_year:
        rows = table[table["scenario"] == run.attrs["scenario"]]
        for name, part in rows.groupby("variable"):
            array = run[name]
            dims = [dim for dim in array.dims if dim != "year"]
            assert set(part["unit"]) == {array.attrs["units"]}
            for element, series in part.groupby("element"):
                key = dict(zip(dims, str(element).split(",") if dims else [], strict=True))
                picked = array.sel(key)
                np.testing.assert_array_equal(series["year"], picked["year"])
                np.testing.assert_array_equal(series["value"], picked)


def test_a_frame_takes_names_as_people_write_them(town: Model) -> None:
    run = simulate(town)
    moving = next(name for name in run if "time" in run[name].dims)
    chinese = run[moving].attrs["long_name_zh"]
    expected = frame(run, str(moving))
    assert set(expected["variable"]) == {moving}
    for written in (str(moving).upper().replace(" ", "_"), chinese):
        assert written
        pd.testing.assert_frame_equal(frame(annual(run), written), expected)
    with pytest.raises(UnknownNameError, match=f"did you mean '?{moving}"):
        frame(run, f"{moving}x")
    assert frame(()).empty
