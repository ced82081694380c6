"""Q22 and Q23: no target drives the model, and what is assumed never counts as met."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim.engine.reference import simulate
from plansim.model.mdl import load_model
from plansim.model.records import Model, VariableKind
from plansim.model.scenario import Scenario, list_scenarios, read_scenario
from plansim.plan.check import check_targets
from plansim.plan.targets import Kind, Status, Target, load_targets, split_reference
from plansim.resources import shipped
from tests.pysimlin_engine import FastEngine

SCENARIOS = [head.id for head in list_scenarios()]


@pytest.fixture(scope="module")
def targets() -> tuple[Target, ...]:
    return tuple(each for each in load_targets() if each.kind is Kind.TARGET)


@pytest.fixture(scope="module")
def runs(
    city: Model,
    stories: Mapping[str, Scenario],
    targets: tuple[Target, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, xr.Dataset]:
    """Every scenario, with the variables that targets are judged by."""
    names = {split_reference(each)[0] for target in targets for each in target.variables.values()}
    engine = FastEngine(city, tmp_path_factory.mktemp("forcing"))
    return {name: engine.run(story).dataset(sorted(names)) for name, story in stories.items()}


# --- Q22 ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scrambled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is shipped, with every figure of the catalogue put off."""
    folder = tmp_path_factory.mktemp("scrambled")
    for part in ("model", "scenarios"):
        shutil.copytree(shipped(part), folder / part)
    catalogue = folder / "model" / "targets.yaml"
    text = catalogue.read_text("utf-8")
    figure = re.compile(r"((?:at least|at most|about|value): )(-?\d+(?:\.\d+)?)")
    catalogue.write_text(figure.sub(lambda found: f"{found[1]}{float(found[2]) * 1.7}", text))
    return folder


def test_scrambled_targets_leave_the_trajectories_bit_identical(
    city: Model, stories: Mapping[str, Scenario], targets: tuple[Target, ...], scrambled: Path
) -> None:
    """By the reference engine, from files of which none but the catalogue differs."""
    model = load_model(scrambled / "model" / city.path.name)
    scenario = read_scenario(scrambled / "scenarios" / "baseline.yaml", model)
    plain = simulate(city, stories["baseline"])
    again = simulate(model, scenario, cache=False)
    assert set(plain) == set(again)
    for name, values in plain.items():
        assert values.to_numpy().tobytes() == again[name].to_numpy().tobytes(), name
    others = load_targets(scrambled / "model" / "targets.yaml", model)
    verdicts = check_targets(plain, targets)
    moved = check_targets(again, [each for each in others if each.kind is Kind.TARGET])
    flipped = [
        before.id
        for before, after in zip(verdicts, moved, strict=True)
        if before.status is not after.status
    ]
    assert len(flipped) > 10, "the catalogue was not scrambled"


def test_no_equation_reads_anything_from_outside_the_model_file(city: Model) -> None:
    reading = re.compile(r"GET\s+(?:XLS|DIRECT|VDF|123|ODBC|DATA)|:=|:RAW:|TABBED", re.IGNORECASE)
    found = {
        variable.name
        for variable in city.variables.values()
        if reading.search(variable.equation) or variable.kind is VariableKind.LOOKUP
    }
    assert found == set()


def test_no_output_is_a_trend_of_time_alone(city: Model, targets: tuple[Target, ...]) -> None:
    """An indicator that no stock of the model bears on would be a target in disguise."""
    stocks = {each.name for each in city.variables.values() if each.kind is VariableKind.STOCK}
    exogenous = {name for name in stocks if _own_clock(city, name)}
    for target in targets:
        for reference in target.variables.values():
            causes = _all_causes(city, split_reference(reference)[0])
            assert causes & (stocks - exogenous), f"{target.id} by {reference}"


def _own_clock(model: Model, stock: str) -> bool:
    """Say whether a stock depends on no other stock: it grows by itself, as a trend does."""
    others = _all_causes(model, stock) - {stock}
    return all(model.variables[name].kind is not VariableKind.STOCK for name in others)


def _all_causes(model: Model, name: str) -> set[str]:
    seen: set[str] = {name}
    ahead = [name]
    while ahead:
        causes = set(model.variables[ahead.pop()].causes) - seen
        seen |= causes
        ahead += causes
    return seen


# --- Q23 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_a_scenario_assumes_is_reported_assumed(
    scenario: str,
    stories: Mapping[str, Scenario],
    runs: Mapping[str, xr.Dataset],
    targets: tuple[Target, ...],
) -> None:
    assumed = set(stories[scenario].assumed)
    assert assumed <= {each.id for each in targets}, "an assumed target that the plan has not"
    verdicts = check_targets(runs[scenario], targets)
    found = {each.id for each in verdicts if each.status is Status.ASSUMED}
    assert found == assumed


def test_some_scenario_assumes_a_target(stories: Mapping[str, Scenario]) -> None:
    assert any(story.assumed for story in stories.values())


def test_no_target_counts_as_met_once_it_is_assumed(
    runs: Mapping[str, xr.Dataset], targets: tuple[Target, ...]
) -> None:
    plain = check_targets(runs["baseline"], targets)
    assert sum(each.status is Status.MET for each in plain) > 5
    everything = runs["baseline"].assign_attrs(assumed=json.dumps([each.id for each in targets]))
    verdicts = check_targets(everything, targets)
    assert {each.status for each in verdicts} == {Status.ASSUMED}
    for before, after in zip(plain, verdicts, strict=True):
        assert replace(before, status=Status.ASSUMED) == after


def test_no_constant_answers_to_a_target(city: Model, targets: tuple[Target, ...]) -> None:
    """It would be met by setting it."""
    kinds = {
        target.id: city.variables[split_reference(each)[0]].kind
        for target in targets
        for each in target.variables.values()
    }
    fixed = (VariableKind.CONSTANT, VariableKind.CONTROL)
    assert [key for key, kind in kinds.items() if kind in fixed] == []


def test_every_verdict_of_the_main_table_is_a_number(
    runs: Mapping[str, xr.Dataset], targets: tuple[Target, ...]
) -> None:
    rows = [each for each in targets if re.fullmatch(r"[MO]\d+[a-z]?", each.id)]
    for name in ("baseline", "accelerated-growth"):
        untestable = [
            each.id
            for each in check_targets(runs[name], rows)
            if each.status is Status.UNTESTABLE or each.value is None or not np.isfinite(each.value)
        ]
        assert untestable == []
