"""What decides a target is what its margin depends on, and nothing that chance brings about."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

import plansim
from plansim.analysis.sensitivity.unknowns import _largest_by_chance
from plansim.model.records import Model
from tests.toys.village import open_village, village, write_ensemble


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return open_village(tmp_path, 200)


def by_target(model: Model) -> dict[str, plansim.DecidedTarget]:
    found = plansim.deciding_unknowns(model, targets=plansim.load_targets(model=model))
    return {decided.target: decided for decided in found}


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


def test_unknowns_are_those_of_stepwise_regression_on_ranks(model: Model) -> None:
    members = plansim.load_ensemble(model)
    runs = plansim.annual(plansim.simulate(model, ensemble=members))
    margin = rankdata(runs["stock"].sel(year=2005).to_numpy()[0])
    ranks = rankdata(members.values, axis=0)

    def explained(*columns: int) -> float:
        table = np.column_stack([np.ones(len(ranks)), ranks[:, columns]])
        left = margin - table @ np.linalg.lstsq(table, margin, rcond=None)[0]
        return float(1 - left.var() / margin.var())

    first, *others = sorted(range(3), key=explained, reverse=True)
    second = max(others, key=lambda column: explained(first, column))
    found = by_target(model)["S1"].unknowns
    assert [one.name for one in found] == [members.factors[at].name for at in (first, second)]
    more = explained(first, second) - explained(first)
    assert [one.explained for one in found] == pytest.approx([explained(first), more])
    assert found[0].correlation == pytest.approx(np.corrcoef(margin, ranks[:, first])[0, 1])
    partial = math.sqrt(more / (1 - explained(first)))
    assert abs(found[1].correlation) == pytest.approx(partial)


def test_one_factor_in_twenty_trials_is_beyond_what_chance_brings_about() -> None:
    rng, count = np.random.default_rng(6), 12
    largest = []
    for _ in range(2000):
        margin, *factors = rng.normal(size=(count + 1, 100))
        largest.append(max(abs(np.corrcoef(margin, factor)[0, 1]) for factor in factors))
    beyond = np.mean(np.array(largest) > _largest_by_chance(100, count))
    assert beyond == pytest.approx(0.05, abs=0.02)
