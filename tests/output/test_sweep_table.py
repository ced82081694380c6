"""Summaries of sweeps and series claim no more than the runs say, in the units of the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim.analysis.experiments.summary import shares
from plansim.output.series import Series, as_judged, judged_series, series_of
from plansim.output.tables.layout import shown
from plansim.output.tables.runs import sweep_table
from plansim.output.words.text import Lang, read_text
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import Measure
from plansim.targets.target import Status, Target
from tests.helpers.plan import aim, plan


@pytest.fixture(scope="module")
def target() -> Target:
    return next(goal for goal in load_targets() if goal.value is not None and goal.year)


def summary(target: Target, counts: Mapping[Status, int], *, is_sample: bool = True) -> xr.Dataset:
    verdicts = np.array([[[counts.get(status, 0) for status in Status]]])
    names = ("p_met", "p_met_se", "p_met_low", "p_met_high")
    found = shares(verdicts, is_sample=is_sample)
    dims = ("scenario", "target")
    return xr.Dataset(
        {
            **{name: (dims, values) for name, values in zip(names, found, strict=True)},
            "verdicts": ((*dims, "verdict"), verdicts),
            "worst_margin": (dims, [[-1.5]]),
            "worst_run": (dims, [[3]]),
            "quantiles": ((dims[0], "output", "year", "quantile"), np.ones((1, 1, 1, 2))),
            "runs": ((dims[0], "outcome"), [[sum(counts.values()), 0]]),
        },
        {
            "scenario": ["plain"], "target": [target.id], "outcome": ["ok", "never_run"],
            "verdict": [status.value for status in Status], "output": ["x"], "year": [2010],
            "quantile": [0.05, 0.95], "output_unit": ("output", ["Dmnl"]),
        },
        {"bad_variables": json.dumps({})},
    )  # fmt: skip


def row(target: Target, counts: Mapping[Status, int], *, is_sample: bool = True) -> list[str]:
    """Give the words of a target's row after its limit, and the heads of their columns."""
    short = replace(target, name_en="Name", unit="")
    found = summary(short, counts, is_sample=is_sample)
    table = sweep_table(found, [short], read_text(Lang.EN), names_zh={})
    lines = shown(table, 100).splitlines()
    head = next(line for line in lines if line.startswith("id"))
    line = next(line for line in lines if line.startswith(target.id))
    start = head.index("plan says")
    columns = [column for column in ("missed", "undecided", "not judged") if column in head]
    return [*columns, "|", " ".join(line[start:].split()[2:-2])]


MET, MISSED, OPEN, NOT = Status.MET, Status.MISSED, Status.UNDECIDED, Status.UNTESTABLE


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({MET: 70, MISSED: 30}, ["missed", "|", "70.0 ± 4.5 % 30.0 %"]),
        ({MET: 60, MISSED: 20, OPEN: 20},
         ["missed", "undecided", "|", "60.0 ± 4.8 % 20.0 % 20.0 %"]),
        ({MET: 60, MISSED: 20, OPEN: 15, NOT: 5},
         ["missed", "undecided", "not judged", "|", "60.0 ± 4.8 % 20.0 % 15.0 % 5.0 %"]),
        ({MET: 100}, ["missed", "|", "96.3–100 % –"]),
        ({MISSED: 100}, ["missed", "|", "0–3.7 % 100 %"]),
        ({MET: 3, OPEN: 97}, ["missed", "undecided", "|", "3.0 ± 2.1 % – 97.0 %"]),
        ({MET: 10**6, MISSED: 1}, ["missed", "|", ">99.9 ± <0.1 % <0.1 %"]),
        ({MET: 10**6}, ["missed", "|", ">99.9–100 % –"]),
        ({Status.ASSUMED: 100}, ["missed", "|", "assumed –"]),
    ],
)  # fmt: skip
def test_shares_are_all_shown_and_certain_to_no_more_than_the_runs_say(
    counts: Mapping[Status, int], expected: list[str], target: Target
) -> None:
    assert row(target, counts) == expected


def test_shares_of_what_is_no_sample_have_no_error(target: Target) -> None:
    assert row(target, {MET: 70, MISSED: 30}, is_sample=False) == ["missed", "|", "70.0 % 30.0 %"]


def outputs(target: Target, low: float, high: float, *, lang: Lang = Lang.EN) -> str:
    """Give the words of the row of an output that a target judges."""
    found = summary(target, {Status.MET: 9, Status.MISSED: 1})
    name = next(iter(target.variables.values()))
    found = found.assign_coords(output=[name])
    found["quantiles"][...] = np.array([low, high])
    table = sweep_table(found, [target], read_text(lang), names_zh={})
    line = next(told for told in shown(table, 200).splitlines() if told.startswith(name))
    return " ".join(line.removeprefix(name).split())


@pytest.fixture(scope="module")
def share() -> Target:
    return next(
        one
        for one in load_targets()
        if one.unit == "%" and one.measure is Measure.LEVEL and one.value is not None
    )


def test_an_output_is_in_the_unit_of_the_target_that_judges_it(share: Target) -> None:
    assert outputs(share, 0.4807, 0.4891) == "% 2010 48.1 48.9"


def test_quantiles_that_would_read_alike_get_more_digits(share: Target) -> None:
    assert outputs(share, 0.48101, 0.48134) == "% 2010 48.10 48.13"
    assert outputs(share, 0.481, 0.481) == "% 2010 48.1 48.1"


@pytest.mark.parametrize(("step", "said"), [(0.25, True), (0.0625, False), (0.03125, False)])
def test_a_coarser_step_than_the_models_is_told(target: Target, step: float, said: bool) -> None:
    table = sweep_table(
        summary(target, {Status.MET: 9}),
        [target],
        read_text(Lang.EN),
        names_zh={},
        steps=(step, 0.0625),
    )
    assert ("Made at a step of 0.25 years; `check` uses 0.0625" in shown(table, 100)) is said


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
