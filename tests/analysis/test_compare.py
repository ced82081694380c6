"""A comparison puts side by side what single commands find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.attribution.assumptions import groups_of
from plansim.analysis.comparison import Comparison, compare, required_origin
from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from plansim.targets.catalogue import load_targets, plan_title
from plansim.targets.target import Kind
from plansim.targets.verdict import check_targets
from tests.toys.village import village, write_ensemble

IDS = ("baseline", "accelerated-growth", "slow-growth")


@pytest.fixture(scope="module")
def found(city: Model, stories: Mapping[str, Scenario]) -> Comparison:
    return compare(city, [stories[name] for name in IDS], remedies=False)


def test_verdicts_are_those_of_check(found: Comparison, stories: Mapping[str, Scenario]) -> None:
    for name, verdicts in zip(IDS, found.verdicts, strict=True):
        alone = check_targets(simulate(found.model, stories[name]), load_targets(model=found.model))
        assert {key: replace(verdict, share=None) for key, verdict in verdicts.items()} == {
            verdict.id: verdict for verdict in alone
        }
    assert all(target.kind is Kind.TARGET for target in found.targets)


def test_assumptions_are_what_scenarios_set_differently(found: Comparison) -> None:
    changed = {
        constant
        for other in found.scenarios[1:]
        for group in groups_of(found.model, found.scenarios[0], other)
        for constant in group.constants
    }
    assert {assumption.reference for assumption in found.assumptions} == changed
    for assumption in found.assumptions:
        assert len(assumption.values) == len(IDS)
        assert len(set(assumption.values)) > 1
        assert assumption.name_zh != assumption.reference


def test_causes_lead_from_the_first_scenario_to_each_other_one(found: Comparison) -> None:
    for number, due in enumerate(found.attributions, 1):
        assert due is not None
        assert (due.before, due.after) == (IDS[0], IDS[number])
        for one in due.targets:
            before, after = (found.verdicts[at][one.target.id].margin for at in (0, number))
            assert before is not None
            assert after is not None
            assert (one.margin_before, one.margin_after) == pytest.approx((before, after))
            assert sum(one.shares) == pytest.approx(after - before, abs=1e-9)


def test_orders_are_for_what_is_unsure_by_levers_of_the_place(tmp_path: Path) -> None:
    """At 2005.5 the stock is 100 (1 + growth effort / 2)^11; growth is outside of the village."""
    model, growth = village(tmp_path), np.linspace(0.05, 0.15, 101)
    write_ensemble(model, *(f"{n},{g - 0.1:.3f},1.1,1" for n, g in enumerate(growth)))
    other = read_scenario(tmp_path / "other.yaml", model)  # it assumes the target
    for name, rate in (("near", 0.08), ("slow", 0.02)):
        (tmp_path / f"{name}.yaml").write_text(f"title: T\nvalues: {{growth: {rate}}}\n", "utf-8")
    near, slow = (read_scenario(tmp_path / f"{name}.yaml", model) for name in ("near", "slow"))
    made = compare(model, [as_written(model), other, near, slow])

    def stock(growth: FloatArray, effort: float) -> FloatArray:
        return 100 * (1 + growth * effort / 2) ** 11

    def share(effort: float, rate: float = 0.1) -> float:
        return float((stock(growth + (rate - 0.1), effort) >= 160).mean())

    assert {one.id for one in made.unsure} == {one.id for one in made.binding} == {"S1"}
    orders, nothing, *missed = made.remedies
    assert (nothing.targets, orders.package) == ((), None)
    least, most = (one.targets[0] for one in missed)
    (order,), (move,) = least.enough, least.enough[0].moves
    assert (move.value, order.margin) == pytest.approx((1.1, stock(np.array(0.08), 1.1) - 160))
    assert order.part == share(1.1, 0.08)  # 1.091 would do, and a part more is no round figure
    assert most.enough == ()
    assert most.nearest == pytest.approx(stock(np.array(0.02), 1.5) - 160)
    (found,) = orders.targets
    assert (found.target.id, found.enough, found.nearest) == ("S1", (), None)
    assert found.margin == pytest.approx(stock(np.array(0.1), 1.0) - 160)
    assert found.best is not None
    (move,) = found.best.moves
    assert (move.lever.id, move.present) == ("effort", 1.0)
    assert found.best.margin == pytest.approx(stock(np.array(0.1), move.value) - 160)
    assert found.best.part == share(move.value) >= 0.8 > share(move.value - 0.2)
    assert made.robust is not None
    assert made.robust.policies[0].met == {"S1": pytest.approx(share(1.1))}
    runs = simulate(model, [as_written(model), near, slow]).sel(scenario=["slow", "near"])
    assert [one.id for one in required_origin(runs).scenarios] == ["slow", "near"]


def test_scenarios_on_different_clocks_are_compared_without_causes(
    city: Model, stories: Mapping[str, Scenario]
) -> None:
    other = read_scenario("baseline", city, ["TIME STEP=0.125"])
    assert compare(city, ["baseline", other], remedies=False).attributions == (None,)


def test_a_plan_has_a_title(city: Model, tmp_path: Path) -> None:
    alone = replace(city, path=tmp_path / city.path.name)
    assert (plan_title(alone).zh, plan_title(city).zh[:3]) == (city.name, "焦作市")
