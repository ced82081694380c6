"""Q13: what everyone would expect happens, in the baseline and in nearly every draw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from plansim.model.records import Model
from plansim.model.scenario import Scenario
from plansim.plan.targets import split_reference
from tests.pysimlin_engine import (
    FastEngine,
    assigned,
    cells,
    draw,
    limits,
    numbers_of,
    shipped_yaml,
)

TESTS: list[dict[str, Any]] = shipped_yaml("reality.yaml")["tests"]
DRAWS = 50
SEED = 20_060_101
MOST = 0.95
"""Of the draws: in so many a test has to hold."""
STAYS = 1e-9
"""Of a value: less than this is no change."""


@pytest.fixture(scope="module")
def engine(city: Model, tmp_path_factory: pytest.TempPathFactory) -> FastEngine:
    return FastEngine(city, tmp_path_factory.mktemp("reality"))


@pytest.fixture(scope="module")
def draws(city: Model) -> list[dict[str, float]]:
    random = np.random.default_rng(SEED)
    return [draw(city, random) for _ in range(DRAWS)]


Look = Callable[[dict[str, Any], int | None, bool], float]


@pytest.fixture(scope="module")
def look(
    city: Model,
    stories: Mapping[str, Scenario],
    engine: FastEngine,
    draws: list[dict[str, float]],
) -> Look:
    """Give what a test looks at, in a draw (None: the baseline), before or after its change.

    A run that several tests look at is made once, and forgotten but for what they look at.
    """
    seen: dict[str, dict[str, float]] = {}

    def look(test: dict[str, Any], number: int | None, changed: bool) -> float:
        given = test.get("given", {})
        change = test["change"] if changed else {}
        key = json.dumps([number, given, change])
        if key not in seen:
            values = dict(stories["baseline"].values) if number is None else dict(draws[number])
            values |= assigned(city, given)
            values |= _changed(city, change, values)
            run = engine.run(stories["baseline"], values)
            seen[key] = {
                _wanted(each): run.annual(each["variable"])[each["year"]]
                for each in TESTS
                if given == each.get("given", {}) and change in ({}, each["change"])
            }
        return seen[key][_wanted(test)]

    return look


def _wanted(test: dict[str, Any]) -> str:
    return f"{test['variable']} in {test['year']}"


def test_there_are_enough_tests_and_each_says_something_else() -> None:
    assert len(TESTS) >= 25
    assert len({test["id"] for test in TESTS}) == len(TESTS)
    for test in TESTS:
        assert re.search(r"[一-鿿]", test["zh"])
        assert len(test["en"].split()) > 4
        assert test["sign"] in ("rises", "falls", "stays")
    assert sum(test["sign"] == "stays" for test in TESTS) < len(TESTS) / 5


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test["id"])
def test_it_happens_in_the_baseline(test: dict[str, Any], look: Look) -> None:
    before, after = look(test, None, False), look(test, None, True)
    assert _sign(before, after) == test["sign"], f"from {before:.9g} to {after:.9g}"


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test["id"])
def test_it_happens_in_nearly_every_draw(test: dict[str, Any], look: Look) -> None:
    found = [_sign(look(test, each, False), look(test, each, True)) for each in range(DRAWS)]
    count = {sign: found.count(sign) for sign in sorted(set(found))}
    assert found.count(test["sign"]) >= MOST * DRAWS, f"of {DRAWS} draws: {count}"


def _sign(before: float, after: float) -> str:
    if not (np.isfinite(before) and np.isfinite(after)):
        return "breaks"
    if abs(after - before) <= STAYS * max(abs(before), abs(after)):
        return "stays"
    return "rises" if after > before else "falls"


def _changed(
    model: Model, changes: Mapping[str, Mapping[str, float]], values: Mapping[str, float]
) -> dict[str, float]:
    """Give what a test sets, by element, where ``values`` hold what is set before."""
    changed = {}
    for reference, change in changes.items():
        variable = model.variables[split_reference(reference)[0]]
        assert set(change) <= {"to", "times", "plus"}
        for key in cells(model, reference):
            old = values.get(key, numbers_of(variable)[key])
            new = change.get("to", old) * change.get("times", 1) + change.get("plus", 0)
            changed[key] = float(np.clip(new, *limits(variable)))
    return changed
