"""The light way of the command line gives the very numbers of the datasets of the API."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim import annual, check_targets, load_model, load_targets, simulate
from plansim.engine.run import simulate_years
from plansim.model.records import Model
from plansim.model.scenario import Scenario, as_written
from plansim.plan.annual import Annual, annual_of
from plansim.plan.check import verdicts_of


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
        plain = dataclasses.replace(variable, values=np.empty(0))
        assert plain == dataclasses.replace(twin, values=plain.values)


def test_a_year_that_was_not_saved_has_no_figure(root: Path) -> None:
    town = load_model(root / "tests" / "models" / "toy_town.mdl")
    written = as_written(town)
    coarse = dataclasses.replace(written, time=dataclasses.replace(town.time, saveper=2.0))
    light = simulate_years(town, coarse)
    assert_same(light, annual_of(annual(simulate(town, coarse))))
    assert set(np.diff(light.years)) == {2}


def test_a_kept_run_is_the_run_itself(root: Path) -> None:
    town = load_model(root / "tests" / "models" / "toy_town.mdl")
    first = simulate(town)
    xr.testing.assert_identical(simulate(town), first)
    xr.testing.assert_identical(simulate(town, cache=False), first)


def test_several_runs_are_refused(city: Model, stories: Mapping[str, Scenario]) -> None:
    run = simulate(city, stories["baseline"])
    both = xr.concat([run, run], "run")
    with pytest.raises(ValueError, match="more than one run"):
        check_targets(both, load_targets(model=city))
