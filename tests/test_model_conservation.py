"""Q05: what must add up adds up, at every step of every scenario; nothing is negative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plansim.model.records import Model, VariableKind
from plansim.model.scenario import Scenario
from tests.pysimlin_engine import Equation, FastEngine, Run, shipped_yaml

CHECKS = shipped_yaml("checks.yaml")

EXACT = 1e-9
"""Of the larger side: what rounding may leave of an identity."""


@pytest.fixture(scope="module")
def runs(
    city: Model, stories: Mapping[str, Scenario], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Run]:
    """Every scenario, saved at every time step, with both sides of every check."""
    sides = tuple(
        Equation(f"{side} {check['id']}", check[side])
        for check in (*CHECKS["conservation"], *CHECKS["bounds"])
        for side in ("left", "right")
    )
    engine = FastEngine(city, tmp_path_factory.mktemp("checks"), sides)
    return {
        name: engine.run(story, clock=replace(story.time, saveper=story.time.step))
        for name, story in stories.items()
    }


@pytest.mark.parametrize("check", CHECKS["conservation"], ids=lambda check: check["id"])
def test_what_is_conserved_adds_up(check: dict[str, Any], runs: Mapping[str, Run]) -> None:
    off = {}
    for name, run in runs.items():
        left, right = (run.series(f"{side} {check['id']}") for side in ("left", "right"))
        size = np.maximum(np.abs(left), np.abs(right)).max()
        error = np.abs(left - right) / size
        if not error.max() <= EXACT:
            worst = int(np.argmax(error))
            off[name] = f"{left[worst]:.9g} against {right[worst]:.9g} at {run.time[worst]:g}"
    assert not off


@pytest.mark.parametrize("check", CHECKS["bounds"], ids=lambda check: check["id"])
def test_no_bound_is_passed(check: dict[str, Any], runs: Mapping[str, Run]) -> None:
    off = {}
    for name, run in runs.items():
        left, right = (run.series(f"{side} {check['id']}") for side in ("left", "right"))
        passed = ~(left <= right + EXACT * np.abs(right).max())
        if passed.any():
            first = int(np.argmax(passed))
            off[name] = f"{left[first]:.6g} above {right[first]:.6g} at {run.time[first]:g}"
    assert not off


def test_nothing_is_negative(city: Model, runs: Mapping[str, Run]) -> None:
    low = {
        (name, variable): float(values.min())
        for name, run in runs.items()
        for variable in (*(stocks_of(city) - set(CHECKS["signed"])), *CHECKS["non_negative"])
        if not (values := run.series(variable)).min() >= -EXACT * np.abs(values).max()
    }
    assert not low


def test_shares_lie_between_zero_and_one(runs: Mapping[str, Run]) -> None:
    off = {
        (name, variable): (float(values.min()), float(values.max()))
        for name, run in runs.items()
        for variable in CHECKS["shares"]
        if not ((values := run.series(variable)).min() >= -EXACT and values.max() <= 1 + EXACT)
    }
    assert not off


def stocks_of(model: Model) -> set[str]:
    return {each.name for each in model.variables.values() if each.kind is VariableKind.STOCK}


def test_the_lists_name_variables_once_and_shares_have_no_unit(city: Model) -> None:
    for key in ("signed", "non_negative", "shares"):
        names = CHECKS[key]
        assert len(names) == len(set(names))
        assert set(names) <= set(city.variables)
    assert set(CHECKS["signed"]) <= stocks_of(city)
    assert not stocks_of(city) & set(CHECKS["non_negative"]), "stocks are listed if signed"
    without_unit = (*CHECKS["signed"], *CHECKS["shares"])
    assert {city.variables[name].unit for name in without_unit} == {"Dmnl"}
