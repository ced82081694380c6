"""What decides a target is what its margin depends on, and nothing that chance brings about."""

from __future__ import annotations

from pathlib import Path

import pytest

import plansim
from plansim.model.records import Model
from tests.toys.village import open_village, village, write_ensemble


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return open_village(tmp_path, 200)


def by_target(model: Model) -> dict[str, plansim.DecidedTarget]:
    found = plansim.deciding_unknowns(model, targets=plansim.load_targets(model=model))
    return {decided.target: decided for decided in found}


def test_growth_decides_the_stock_and_weights_do_not(model: Model) -> None:
    growth, effort = by_target(model)["S1"].unknowns
    assert (growth.name, effort.name) == ("growth", "effort")
    assert growth.correlation > 0.9
    assert growth.share_high > 0.5 > growth.share_low
    assert growth.explained > effort.explained > 0
    assert growth.explained + effort.explained <= 1


def test_shares_are_those_of_check_and_of_the_halves(model: Model) -> None:
    shares = plansim.verdict_shares(model).set_index("target")["share"]
    for key, decided in by_target(model).items():
        assert decided.share == pytest.approx(shares[key])
        for unknown in decided.unknowns:
            assert (unknown.share_low + unknown.share_high) / 2 == pytest.approx(decided.share)


def test_what_chance_would_bring_about_is_not_named(tmp_path: Path) -> None:
    few = village(tmp_path)
    write_ensemble(few, "0,0.01,1.02,1", "1,0.02,1.01,1", "2,-0.01,1,1.1")
    assert all(not decided.unknowns for decided in by_target(few).values())


def test_what_policy_has_decided_under_a_scenario_decides_nothing(model: Model) -> None:
    (decided,) = [
        one
        for one in plansim.deciding_unknowns(
            model, [model.path.with_name("other.yaml")], targets=plansim.load_targets(model=model)
        )
        if one.target == "S5"
    ]
    assert [unknown.name for unknown in decided.unknowns] == ["growth"]
