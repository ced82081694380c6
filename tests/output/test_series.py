"""A run taken apart into rows, in the units in which the plan speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim.output.series import Series, as_judged, judged_series, series_of
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target
from tests.helpers.plan import aim, plan

CATALOGUE = plan(
    aim("G1", "at least: 9, year: 2010", "measure: growth, variable: GDP", unit="%/Year"),
    aim("G2", "at least: 20, year: 2010", "variable: 'share[services]'", unit="%"),
    aim("G3", "at least: 20, year: 2010", "GDP", unit="万元"),
    aim("G4", "at most: 6, year: 2010", "measure: mean, variable: rate", unit="‰"),
    base_year=2005,
    horizon=2020,
)


@pytest.fixture
def targets(tmp_path: Path) -> tuple[Target, ...]:
    path = tmp_path / "targets.yaml"
    path.write_text(CATALOGUE, "utf-8")
    return load_targets(path)


def series(name: str, unit: str, value: float = 0.5) -> Series:
    return Series(name, "", unit, "year", {2005: value, 2010: 2 * value})


def test_series_of_orders_elements_as_the_subscripts_whatever_the_order_of_dims() -> None:
    values = np.arange(12.0).reshape(2, 2, 3)
    annual = xr.Dataset(
        {"x": (("sector", "area", "year"), values)},
        coords={"sector": ["a", "b"], "area": ["u", "v"], "year": [2005, 2006, 2007]},
    )
    flipped = annual.transpose("year", "sector", "area")
    for made in (annual, flipped):
        found = {row.name: list(row.values.values()) for row in series_of(made)}
        assert found == {
            "x[a,u]": [0, 1, 2],
            "x[a,v]": [3, 4, 5],
            "x[b,u]": [6, 7, 8],
            "x[b,v]": [9, 10, 11],
        }


def test_a_level_and_a_mean_are_shown_in_the_unit_of_the_plan(targets: tuple[Target, ...]) -> None:
    shown = list(
        as_judged(
            [
                series("share[services]", "Dmnl"),
                series("share[farming]", "Dmnl"),
                series("GDP", "亿元/Year"),
                series("rate", "1/Year", 0.006),
            ],
            targets,
        )
    )
    assert [row.unit for row in shown] == ["%", "Dmnl", "万元", "‰"]
    assert [row.values[2010] for row in shown] == pytest.approx([100.0, 1.0, 10_000.0, 12.0])
    assert [row.values[2005] for row in shown] == pytest.approx([50.0, 0.5, 5_000.0, 6.0])


def test_what_targets_judge_comes_once_in_their_order(targets: tuple[Target, ...]) -> None:
    run = [series(name, "Dmnl") for name in ("rate", "other", "share[services]")]
    run = [series("rate", "1/Year"), series("GDP", "亿元/Year"), *run[1:]]
    found = judged_series(run, targets)
    assert [row.name for row in found] == ["GDP", "share[services]", "rate"]
