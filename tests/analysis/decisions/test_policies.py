"""The Pareto set of policies, against brute force on a problem of three levers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plansim
from plansim.analysis.decisions.member_states import Purpose, states_of
from plansim.analysis.decisions.policies import at_equal_growth, policies, policy_text
from plansim.analysis.decisions.policy_search import (
    STEPS,
    Aim,
    PolicyProblem,
    hypervolume,
    nondominated,
    thinned,
)
from plansim.analysis.optimization.evolution import INFEASIBLE, fitness
from plansim.analysis.optimization.problem import Judged, decision_problem
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
        members=states_of(model, 500, purpose=Purpose.TEST_OF_POLICIES),
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
    assert result.scenario.id == "plain", "as the file of the decision says"
    number = len(result.points) // 2
    path = tmp_path / "elsewhere" / "policy.yaml"
    path.parent.mkdir()
    path.write_text(policy_text(result, number), "utf-8")
    again = plansim.robustness(
        model, [path], named=[], members=states_of(model, 500, purpose=Purpose.TEST_OF_POLICIES)
    )
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


def problem_over(model: Model, members: int, purpose: Purpose, *, coarse: bool) -> PolicyProblem:
    chosen = plansim.read_frontier_spec(model, plansim.load_views(model))
    space = decision_problem(
        model, chosen.scenario, chosen.levers, plansim.load_targets(model=model),
        indicators=[indicator_of(model, "output", Measure.GROWTH, 2000, 2005)],
        members=states_of(model, members, purpose=purpose), coarse=coarse,
    )  # fmt: skip
    return PolicyProblem(space, (Aim.GROWTH, Aim.MET, Aim.EFFORT), [], 40)


@pytest.fixture
def problem(model: Model) -> PolicyProblem:
    """Return the problem of `policies` with 40 members a turn, for eight generations."""
    return problem_over(model, 120, Purpose.SEARCH_FOR_POLICIES, coarse=True)


def test_what_a_search_finds_is_judged_by_the_members_of_its_turn_and_then_by_others(
    model: Model, problem: PolicyProblem
) -> None:
    search = problem.search(0, 8, "a key of its own", lambda done, steps: None)
    turn = problem.space.judge(search.positions, slice(40, 80))
    assert search.aims == pytest.approx(problem.aims_of(search.positions, turn))
    result = policies(model, seeds=1, generations=8, members=40)
    kept = thinned(search.aims, problem.steps)
    fresh = problem_over(model, 500, Purpose.TEST_OF_POLICIES, coarse=False)
    positions = search.positions[kept]
    anew = fresh.aims_of(positions, fresh.space.judge(positions))
    worse = (search.aims[kept] - anew).mean(axis=0)
    assert [result.drop[aim] for aim in result.aims] == pytest.approx(worse, abs=1e-9)
    # What is shown is what no other is better than, by the figures that are shown.
    best = []
    for one in anew:
        beaten = [(two >= one).all() and (two > one).any() for two in anew]
        if not any(beaten):
            best.append(one)
    assert 1 < len(best) < len(anew)
    shown = [[aim.sign * one.aims[aim] for aim in result.aims] for one in result.points]
    assert np.array(shown) == pytest.approx(np.array(sorted(best, key=lambda one: -one[0])))
    fronts = np.vstack(search.fronts)
    low, width = fronts.min(axis=0), np.ptp(fronts, axis=0)
    volumes = [hypervolume((one - low) / width, np.zeros(3) - 1e-9) for one in search.fronts]
    assert result.hypervolumes == pytest.approx(np.array([volumes]))


def test_a_state_that_breaks_down_holds_nothing_and_one_that_is_undecided_half() -> None:
    met = np.array([[[1.0, 1.0, 0.0], [np.nan, np.nan, np.nan], [0.5, 1.0, 0.0]]])
    judged = Judged(met, met, met)
    assert judged.share([0, 1]) == pytest.approx([0.5])
    assert judged.share([1]) == pytest.approx([2 / 3])


def test_a_lever_that_is_outside_of_its_range_has_the_range_extended(model: Model) -> None:
    lever = replace(plansim.lever_named(model, "building"), low=0.6, high=0.9)
    targets = plansim.load_targets(model=model)
    problem = decision_problem(model, plansim.as_written(model), [lever], targets)
    ends = np.concatenate([problem.low, problem.high, problem.start])
    assert ends.tolist() == [0.5, 0.9, 0.0]
    assert problem.values(np.array([[0.5]])) == pytest.approx(np.array([[0.7]]))


def test_what_falls_short_is_worse_than_all_that_does_not() -> None:
    values = np.array([[3.0, 4.0, -1.0, 1.0], [9.0, 9.0, -2.0, -0.5], [1.0, 2.0, 0.0, 7.0]])
    found = fitness(values, [0, 1], [2, 3])
    assert found.tolist() == [INFEASIBLE - 1, INFEASIBLE - 2.5, 1.0]


def test_children_of_like_parents_are_moved_either_way(problem: PolicyProblem) -> None:
    parents = np.full((2, 3), 0.75)
    rng = np.random.default_rng(3)
    children = np.concatenate([problem._children(parents, rng) for _ in range(40)])
    moves = children[(children != 0.75) & (children != problem.space.start)] - 0.75
    assert len(moves) > 2000
    assert np.mean(moves > 0) == pytest.approx(0.5, abs=0.04)
    assert 0.01 < np.abs(moves).mean() < 0.1


def test_at_equal_growth_is_within_the_step_that_counts(model: Model) -> None:
    result = policies(model, aims=["growth", "met"], seeds=1, generations=4, members=8, fresh=8)
    fastest = max(result.points, key=lambda one: one.aims["growth"])

    def beside(more: float) -> object:
        aims = {"growth": fastest.aims["growth"] + more, "met": 0.0}
        start = replace(result.start, aims=aims)
        return next(at_equal_growth(replace(result, start=start)))[1]

    assert beside(0.9 * STEPS[Aim.GROWTH]) == fastest
    assert beside(1.1 * STEPS[Aim.GROWTH]) is None


def test_of_each_box_that_no_other_dominates_the_point_nearest_its_best_corner_remains() -> None:
    points, steps = np.random.default_rng(4).random((300, 3)), np.array([0.1, 0.2, 0.05])
    boxes = np.floor(points / steps)
    rest = points / steps - boxes
    kept = thinned(points, steps)
    wanted = {}
    for box in boxes:
        if not ((boxes >= box).all(axis=1) & (boxes > box).any(axis=1)).any():
            alike = np.flatnonzero((boxes == box).all(axis=1))
            wanted[tuple(box)] = alike[rest[alike].sum(axis=1).argmax()]
    assert kept.tolist() == sorted(wanted.values())
    assert len(kept) < nondominated(points).sum()


def test_what_no_point_dominates_and_the_volume_below_it_are_those_of_all_pairs_and_draws() -> None:
    points = np.random.default_rng(1).random((60, 3))
    front = nondominated(points)
    for index in range(60):
        others = (points >= points[index]).all(axis=1) & (points > points[index]).any(axis=1)
        assert front[index] == (not others.any())
    draws = np.random.default_rng(2).random((40_000, 3))
    inside = (draws[:, None] <= points[front]).all(axis=2).any(axis=1).mean()
    assert hypervolume(points[front], np.zeros(3)) == pytest.approx(inside, abs=0.01)
