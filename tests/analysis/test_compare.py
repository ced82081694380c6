"""A comparison puts side by side what single commands find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from plansim.analysis.attribution.assumptions import groups_of
from plansim.analysis.comparison import Comparison, compare
from plansim.engine.simulate import simulate
from plansim.errors import InputError
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario, read_scenario
from plansim.targets.catalogue import load_targets, plan_region, plan_title
from plansim.targets.target import Attribute, Kind, Status
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


def test_unsure_are_the_binding_targets_that_do_not_hold(found: Comparison) -> None:
    bad = (Status.MISSED, Status.UNDECIDED)
    for target in found.targets:
        own = [verdicts[target.id] for verdicts in found.verdicts]
        is_binding = target.attribute is Attribute.BINDING
        is_unsure = any(one.status in bad or one.is_open for one in own)
        assert (target in found.unsure) == (is_binding and is_unsure)


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


def test_one_scenario_is_refused(found: Comparison) -> None:
    with pytest.raises(InputError, match="needs two different scenarios; found baseline"):
        compare(found.model, found.scenarios[:1], remedies=False)


def test_scenarios_on_different_clocks_are_compared_without_causes(
    city: Model, stories: Mapping[str, Scenario]
) -> None:
    other = read_scenario("baseline", city, ["TIME STEP=0.125"])
    told: list[tuple[int, int]] = []
    found = compare(
        city,
        ["baseline", other],
        remedies=False,
        progress=lambda done, steps: told.append((done, steps)),
    )
    assert found.attributions == (None,)
    assert told == [(1, 1)]


def test_the_plan_names_its_place(city: Model, tmp_path: Path) -> None:
    title, region = plan_title(city), plan_region(city)
    assert title is not None
    assert region.en in title.en
    assert region.zh in title.zh
    alone = replace(city, path=tmp_path / city.path.name)
    assert (plan_title(alone), plan_region(alone).en) == (None, city.name)
