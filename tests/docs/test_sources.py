"""The observations stand once, in their ranges, and close on the figures of the plan for 2005."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import pytest

from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target

Row = dict[str, str]


@pytest.fixture(scope="module")
def observations(root: Path) -> list[Row]:
    with (root / "model" / "observations.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_observations_are_named_in_chinese_lie_in_their_ranges_and_stand_once(
    observations: list[Row],
) -> None:
    named: dict[str, tuple[str, str]] = {}
    for row in observations:
        chinese, what = row["quantity_zh"], (row["quantity"], row["part"])
        assert re.fullmatch(r"[^A-Za-z]*[\u4e00-\u9fff][^A-Za-z]*", chinese), row
        assert named.setdefault(chinese, what) == what
        if row["low"]:
            low, high = float(row["low"]), float(row["high"])
            assert low < high
            assert not row["value"] or low <= float(row["value"]) <= high, row
    keys = [
        tuple(row[key] for key in ("place", "quantity", "part", "year")) for row in observations
    ]
    assert len(keys) == len(set(keys))
    assert max(row["year"] for row in observations) == "2005", "what came later calibrates nothing"


@pytest.fixture(scope="module")
def targets() -> dict[str, Target]:
    return {target.id: target for target in load_targets()}


@pytest.fixture(scope="module")
def sums(observations: list[Row]) -> dict[str, float]:
    """The city's figures of 2005 over all parts, by quantity."""
    found: defaultdict[str, float] = defaultdict(float)
    for row in observations:
        if row["place"] == "Jiaozuo" and row["year"] == "2005" and row["value"]:
            found[row["quantity"]] += float(row["value"])
    return found


def base(targets: dict[str, Target], name: str) -> float:
    value = targets[name].base_value
    assert value is not None
    return value


def test_the_base_year_closes_on_the_plan(
    sums: dict[str, float], targets: dict[str, Target]
) -> None:
    gdp = base(targets, "M01")
    assert sums["value added"] == pytest.approx(gdp)
    assert sums["energy use"] == pytest.approx(gdp * base(targets, "M28"), rel=1e-4)
    assert sums["water use"] == pytest.approx(gdp * base(targets, "M29") / 1e4, rel=1e-3)
    assert sums["investment source"] == pytest.approx(base(targets, "M03"))
    assert sums["share of investment"] == pytest.approx(1)


def test_shares_of_the_plan_follow_from_the_base_year(
    observations: list[Row], targets: dict[str, Target]
) -> None:
    figures = {
        (row["quantity"], row["part"]): float(row["value"])
        for row in observations
        if row["place"] == "Jiaozuo" and row["year"] == "2005" and row["value"]
    }
    workers = {part: value for (name, part), value in figures.items() if name == "workers"}
    parts = set(workers) - {"agriculture", "services", "construction"}
    industry = sum(figures["value added", part] for part in parts)
    assert industry == pytest.approx(base(targets, "C04"))
    pillars = industry - figures["value added", "other industry"]
    assert pillars / industry * 100 == pytest.approx(base(targets, "M11"), abs=0.05)
    for part, row in (("agriculture", "M10a"), ("services", "M10c")):
        share = workers[part] / sum(workers.values()) * 100
        assert share == pytest.approx(base(targets, row), abs=0.05)
