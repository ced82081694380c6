"""The Pareto set of policies, against brute force on a problem of three levers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plansim
from plansim.analysis.decisions.member_states import states_of
from plansim.analysis.decisions.policies import policies, policy_text
from plansim.analysis.decisions.policy_search import STEPS, Aim, hypervolume, nondominated
from plansim.analysis.optimization.problem import decision_problem
from plansim.model.records import Integration, Model
from plansim.targets.indicator import Measure
from plansim.targets.target import indicator_of
from tests.toys.chimney import chimney


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return chimney(tmp_path)


@pytest.mark.long
def test_the_set_reaches_what_brute_force_reaches(model: Model) -> None:
    result = policies(model, aims=["growth", "met", "effort"], seeds=1, generations=24, members=40)
    space = decision_problem(
        model, result.scenario, result.levers, plansim.load_targets(model=model),
        indicators=[indicator_of(model, "output", Measure.GROWTH, 2000, 2005)],
        members=states_of(model, 500, other=3),
    )  # fmt: skip
    grid = np.array(list(itertools.product(np.linspace(0, 1, 11), repeat=3)))
    judged = space.judge(grid)
    growth, met = judged.indicators[..., 0].mean(axis=1), judged.met.sum(axis=2).mean(axis=1)
    aims = np.stack([growth, met, -space.effort(grid)], axis=1)
    found = np.array([[p.aims["growth"], p.aims["met"], -p.aims["effort"]] for p in result.points])
    low, width = aims.min(axis=0), np.ptp(aims, axis=0)
    by_force = hypervolume((aims[nondominated(aims)] - low) / width, np.zeros(3) - 1e-9)
    by_search = hypervolume((found - low) / width, np.zeros(3) - 1e-9)
    assert by_search > 0.97 * by_force
    # No point of the grid is better than one that was found by more than the steps that count.
    assert not (aims[:, None] >= np.add(found, [0.002, 0.2, 0.02])).all(axis=2).any()


def test_a_policy_is_a_scenario_that_gives_the_same_again(model: Model, tmp_path: Path) -> None:
    result = policies(model, aims=["met", "effort"], seeds=1, generations=10, members=40)
    number = len(result.points) // 2
    path = tmp_path / "policy.yaml"
    path.write_text(policy_text(result, number), "utf-8")
    again = plansim.robustness(model, [path], named=[], members=states_of(model, 500, other=3))
    assert again.policies[0].mean_met == pytest.approx(result.points[number].aims["met"])


def test_the_highest_growth_that_holds_all_is_that_of_the_frontier(tmp_path: Path) -> None:
    """Where nothing is uncertain, to within the step of growth that counts and the search's."""
    town = chimney(tmp_path, certain=True)
    (horizon,) = plansim.frontier(town, levels=2).horizons
    assert horizon.highest is not None
    found = policies(town, aims=["growth", "met"], seeds=1, generations=20, members=4, fresh=8)
    holding = [point.aims["growth"] for point in found.points if point.aims["met"] == 2]
    assert max(holding) == pytest.approx(horizon.highest.growth, abs=3 * STEPS[Aim.GROWTH])


def test_a_search_takes_the_midpoint_rule_where_the_model_takes_rk4(model: Model) -> None:
    levers, members = [plansim.lever_named(model, "building")], states_of(model, 8)
    growth = indicator_of(model, "output", Measure.GROWTH, 2000, 2005)
    targets = plansim.load_targets(model=model)

    def growth_by(method: Integration, *, coarse: bool) -> np.ndarray:
        written = plansim.as_written(model)
        scenario = replace(written, time=replace(written.time, integration=method))
        problem = decision_problem(
            model, scenario, levers, targets, indicators=[growth], members=members, coarse=coarse
        )
        return problem.judge(np.array([[0.3], [0.9]])).indicators

    searched = growth_by(Integration.RK4, coarse=True)
    assert (searched == growth_by(Integration.MIDPOINT, coarse=False)).all()
    assert searched == pytest.approx(growth_by(Integration.RK4, coarse=False), rel=2e-3)
    euler = growth_by(Integration.EULER, coarse=False)
    assert (growth_by(Integration.EULER, coarse=True) == euler).all()
    assert (searched != euler).all()


def test_dominance_and_volume() -> None:
    points = np.random.default_rng(1).random((60, 3))
    front = nondominated(points)
    for index in range(60):
        others = (points >= points[index]).all(axis=1) & (points > points[index]).any(axis=1)
        assert front[index] == (not others.any())
    draws = np.random.default_rng(2).random((40_000, 3))
    inside = (draws[:, None] <= points[front]).all(axis=2).any(axis=1).mean()
    assert hypervolume(points[front], np.zeros(3)) == pytest.approx(inside, abs=0.01)
