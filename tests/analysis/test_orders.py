"""An order is round, goes far enough, and is confirmed by as many members as it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from plansim.analysis.ensemble import evaluate_members, load_ensemble
from plansim.analysis.optimization.orders import (
    Order,
    ScenarioOrders,
    order_search,
    orderable,
    seek_orders,
)
from plansim.analysis.optimization.problem import Move, decision_problem
from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.scenario.factors import Apply
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Status, Target, binding_targets, judged_targets
from plansim.targets.verdict import Verdict, check_targets
from plansim.targets.views import Lever
from plansim.targets.views_file import load_views

IDS = ("M28", "M32", "M34a", "M34b", "M35")
"""Only a mix of many levers does; one lever does; two are needed; the model's own run meets it; no
order is sure."""


@pytest.fixture(scope="module")
def levers(city: Model, targets: tuple[Target, ...]) -> list[Lever]:
    return [lever for lever in load_views(city, targets).levers if not lever.outside]


@pytest.fixture(scope="module")
def found(
    city: Model, stories: Mapping[str, Scenario], targets: tuple[Target, ...], levers: list[Lever]
) -> ScenarioOrders:
    judged = judged_targets(targets)
    sought = [target for target in judged if target.id in IDS]
    return seek_orders(city, stories["baseline"], levers, sought, judged, load_ensemble(city))


Ordered = Callable[[Order], tuple[Scenario, dict[str, Verdict]]]


@pytest.fixture(scope="module")
def ordered(
    city: Model, stories: Mapping[str, Scenario], targets: tuple[Target, ...], levers: list[Lever]
) -> Ordered:
    """Give a function that makes an order, and judges the model's own run after it."""
    problem = decision_problem(city, stories["baseline"], levers, [])

    def make(order: Order) -> tuple[Scenario, dict[str, Verdict]]:
        scenario = problem.scenario_at(problem.position_of(order.moves))
        return scenario, {one.id: one for one in check_targets(simulate(city, scenario), targets)}

    return make


def test_an_order_meets_its_target_in_a_run_and_in_as_many_members_as_it_says(
    city: Model, ordered: Ordered, found: ScenarioOrders
) -> None:
    members = load_ensemble(city)
    _, base = ordered(Order((), 0.0, (), (), None))
    for one in found.targets:
        for order in (*one.enough, *filter(None, [one.best])):
            scenario, verdicts = ordered(order)
            assert verdicts[one.target.id].status is Status.MET
            assert set(order.lost) == {
                key for key, before in base.items()
                if before.status is Status.MET and verdicts[key].status is not Status.MET
            }  # fmt: skip
            judged = evaluate_members(city, scenario, [one.target], members)[one.target.id]
            assert order.share is not None
            assert order.share.share == pytest.approx((judged.status == Status.MET.code).mean())
        if one.best is not None and not one.best.sure:
            assert one.best.part == max(order.part for order in (*one.enough, one.best))


def test_a_remedy_meets_its_target_and_97_percent_of_it_do_not(
    city: Model, stories: Mapping[str, Scenario], targets: tuple[Target, ...], levers: list[Lever]
) -> None:
    judged = judged_targets(targets)
    sought = [target for target in judged if target.id in IDS]
    search = order_search(city, stories["baseline"], levers, sought, judged)
    start = search.whole.start
    present = search.whole.runs(start[None])
    failing = [target for target in sought if present[target.id].least_margin[0] < 0]
    assert failing
    for target in failing:
        remedies, nearest = search.remedies(target)
        assert bool(remedies) is (nearest is None)
        for moves in remedies:
            end = search.whole.position_of(moves)
            evaluation = search.whole.runs(np.stack([start + 0.97 * (end - start), end]))
            less, whole = evaluation[target.id].least_margin
            assert less < 0 <= whole + 1e-9


def test_all_at_once_counts_members_that_meet_all_at_once(
    city: Model, targets: tuple[Target, ...], ordered: Ordered, found: ScenarioOrders
) -> None:
    package = found.package
    assert package is not None
    assert package.share is not None
    scenario, verdicts = ordered(Order(package.moves, 0.0, (), (), None))
    binding = binding_targets(targets)
    held = {target.id for target in binding if verdicts[target.id].status is Status.MET}
    assert {target.id for target in package.met} == held
    assert {target.id for target in package.missed} == {target.id for target in binding} - held
    evaluation = evaluate_members(city, scenario, package.met, load_ensemble(city))
    assert package.share.share == pytest.approx(evaluation.met(package.met).all(axis=1).mean())


LEVER = Lever("x", "x", "x", "", "", ("x",), Apply.SET, 0.0, 100.0, "%", "%", 1.0)


KINDS = [
    LEVER,
    replace(LEVER, apply=Apply.ADD, low=-0.15, high=0.1, shown_factor=100.0),
    replace(LEVER, apply=Apply.MULTIPLY, low=0.5, high=1.6, unit="Dmnl", shown_unit="Dmnl"),
    replace(LEVER, low=2004.0, high=2012.0, unit="Year", shown_unit="Year"),
]


@pytest.mark.parametrize("lever", KINDS)
def test_an_order_is_round_outward_and_in_range(lever: Lever) -> None:
    rng = np.random.default_rng(0)
    year = lever.shown_unit == "Year"
    neutral = {Apply.ADD: 0.0, Apply.MULTIPLY: 1.0}.get(lever.apply)
    for present, value in rng.uniform(lever.low, lever.high, (200, 2)).tolist():
        present = round(present) if year else present if neutral is None else neutral
        rounded = orderable(Move(lever, present, value)).value
        assert lever.low <= rounded <= lever.high
        assert (rounded - value) * (value - present) >= -1e-9
        most = 0.5 if year else abs(value - present) / 3 * (1 + 1e-6)
        assert abs(rounded - value) <= most
        if rounded in (lever.low, lever.high):
            continue
        if year:
            assert (2 * rounded) % 1 == 0
        elif neutral is not None:
            size = 100 * (rounded - 1) if neutral else rounded * lever.shown_factor
            assert len(f"{abs(size):.9g}".strip("0").replace(".", "").strip("0")) <= 2, size
