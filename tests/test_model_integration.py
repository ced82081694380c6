"""Q07 and Q08: the step is short enough, and what should stand still does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from plansim.model.records import Model, VariableKind
from plansim.model.scenario import Scenario, list_scenarios
from plansim.plan.check import check_targets
from plansim.plan.targets import Kind, Target, load_targets, split_reference
from tests.pysimlin_engine import FastEngine

SCENARIOS = [head.id for head in list_scenarios()]
YEARS = (2010, 2020)
MOVED = 0.01
"""Of an indicator: more than this may not come from the step."""
DRIFT = 1e-4
"""A year, of a stock: more than this is no standstill."""
REST = 15
"""For so many years."""


@pytest.fixture(scope="module")
def engine(city: Model, tmp_path_factory: pytest.TempPathFactory) -> FastEngine:
    return FastEngine(city, tmp_path_factory.mktemp("steps"))


@pytest.fixture(scope="module")
def targets() -> tuple[Target, ...]:
    return tuple(each for each in load_targets() if each.kind is Kind.TARGET and each.variables)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_half_the_step_gives_the_same_indicators(
    scenario: str,
    stories: Mapping[str, Scenario],
    engine: FastEngine,
    targets: tuple[Target, ...],
) -> None:
    story = stories[scenario]
    whole = engine.run(story)
    half = engine.run(story, clock=replace(story.time, step=story.time.step / 2))
    moved = {}
    for reference in {each for target in targets for each in target.variables.values()}:
        before, after = whole.annual(reference), half.annual(reference)
        for year in set(YEARS) & set(before):
            change = abs(after[year] - before[year])
            if not change <= MOVED * abs(before[year]):
                moved[reference, year] = f"{before[year]:.6g} becomes {after[year]:.6g}"
    assert moved == {}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_half_the_step_gives_the_same_verdicts(
    scenario: str,
    stories: Mapping[str, Scenario],
    engine: FastEngine,
    targets: tuple[Target, ...],
) -> None:
    story = stories[scenario]
    names = {split_reference(each)[0] for target in targets for each in target.variables.values()}
    clocks = (story.time, replace(story.time, step=story.time.step / 2))
    whole, half = (
        check_targets(engine.run(story, clock=clock).dataset(sorted(names)), targets)
        for clock in clocks
    )
    flipped = {
        before.id: f"{before.status} at {before.value}, {after.status} at {after.value}"
        for before, after in zip(whole, half, strict=True)
        if before.status is not after.status
    }
    assert flipped == {}


def test_an_equilibrium_stands_still(
    city: Model, stories: Mapping[str, Scenario], engine: FastEngine
) -> None:
    """Over any year. Smoothed variables are stocks too; one that starts at nil stays there."""
    story = stories["equilibrium"]
    assert story.time.final - story.time.initial > REST
    run = engine.run(story, clock=replace(story.time, saveper=1.0))
    states = [
        each.name
        for each in city.variables.values()
        if each.kind is VariableKind.STOCK or "SMOOTH" in each.equation
    ]
    assert len(states) > 50
    drifts = {}
    for name in states:
        values = run.series(name)[: REST + 1].reshape(REST + 1, -1)
        size = np.where(values[0] == 0, 1, np.abs(values[:-1]))
        change = np.abs(np.diff(values, axis=0)) / size
        if not change.max() <= DRIFT:
            drifts[name] = float(change.max())
    assert drifts == {}


def test_an_equilibrium_has_every_loop_at_work(
    city: Model, stories: Mapping[str, Scenario], engine: FastEngine
) -> None:
    """Nothing is switched off to make it stand still, and a push does move it."""
    story = stories["equilibrium"]
    assert [name for name in story.values if name.startswith("switch")] == []
    still = engine.run(story).annual("GDP")
    pushed = engine.run(story, {"credit ease after": 1.1}).annual("GDP")
    assert still[2020] == pytest.approx(still[2005], rel=1e-3)
    assert pushed[2020] > still[2020] * 1.01
