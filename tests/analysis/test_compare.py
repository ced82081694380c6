"""A comparison puts side by side what single commands find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from plansim.analysis.attribution.assumptions import groups_of
from plansim.analysis.comparison import Comparison, compare
from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario, read_scenario
from plansim.targets.catalogue import load_targets, plan_title
from plansim.targets.target import Kind
from plansim.targets.verdict import check_targets

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


def test_scenarios_on_different_clocks_are_compared_without_causes(
    city: Model, stories: Mapping[str, Scenario]
) -> None:
    other = read_scenario("baseline", city, ["TIME STEP=0.125"])
    assert compare(city, ["baseline", other], remedies=False).attributions == (None,)


def test_a_plan_has_a_title(city: Model, tmp_path: Path) -> None:
    alone = replace(city, path=tmp_path / city.path.name)
    assert (plan_title(alone).zh, plan_title(city).zh[:3]) == (city.name, "焦作市")
