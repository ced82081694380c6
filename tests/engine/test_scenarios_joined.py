"""Runs of several scenarios as one dataset: nothing is lost, and all that takes runs takes it."""

from __future__ import annotations

import pandas as pd
import pytest
import xarray as xr

import plansim
from plansim.model.records import Model
from plansim.targets.annual import joined, separate

NAMES = ["baseline", "slow-growth"]


@pytest.fixture(scope="module")
def alone(city: Model) -> list[xr.Dataset]:
    return [plansim.simulate(city, name) for name in NAMES]


@pytest.fixture(scope="module")
def both(city: Model) -> xr.Dataset:
    return plansim.simulate(city, NAMES)


def test_each_run_comes_out_as_it_went_in(both: xr.Dataset, alone: list[xr.Dataset]) -> None:
    assert both.sizes["scenario"] == len(NAMES)
    for run, again in zip(alone, separate(both), strict=True):
        xr.testing.assert_identical(run, again.assign_attrs(run.attrs))
        assert {key: str(value) for key, value in again.attrs.items()} == {
            key: str(value) for key, value in run.attrs.items()
        }


def test_verdicts_and_frames_are_those_of_the_runs(
    city: Model, both: xr.Dataset, alone: list[xr.Dataset]
) -> None:
    targets = plansim.load_targets(model=city)
    one_by_one = [v for run in alone for v in plansim.check_targets(run, targets)]
    assert list(plansim.check_targets(both, targets)) == one_by_one
    assert list(plansim.check_targets(plansim.annual(both), targets)) == one_by_one
    pd.testing.assert_frame_equal(plansim.frame(both, "GDP"), plansim.frame(alone, "GDP"))


def test_what_cannot_stand_side_by_side_is_refused(city: Model, alone: list[xr.Dataset]) -> None:
    with pytest.raises(plansim.InputError, match="different clocks"):
        plansim.simulate(city, ["baseline", "hindcast-2000"])
    with pytest.raises(plansim.InputError, match="given twice; found baseline, baseline"):
        joined([alone[0], alone[0]])
