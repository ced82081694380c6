"""The compiled engine against PySD: a small model for each feature, and the shipped one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plansim.compiler.functions.numbers import PLAIN, VECTOR
from plansim.compiler.functions.random import RANDOM
from plansim.compiler.lower.memory import STATEFUL
from plansim.engine.compiled import run_compiled
from plansim.engine.pysd import run_reference
from plansim.engine.trajectory import cells
from plansim.model.reader import load_model
from plansim.model.reading.function_names import OF_VECTORS
from plansim.model.records import Integration, Model
from plansim.scenario.scenario_file import Scenario, as_written, list_scenarios
from plansim.scenario.variant import for_scenarios
from tests.helpers.reference import by, disagreements

FEATURES = sorted((Path(__file__).parents[1] / "agreement" / "vensim").glob("*/*.mdl"))
BY_PYSD = [path for path in FEATURES if path.stem != "macros"]


def wrong(model: Model, scenario: Scenario) -> list[str]:
    ours, theirs = (run(model, scenario) for run in (run_compiled, run_reference))
    np.testing.assert_array_equal(ours.time, theirs.time)
    np.testing.assert_equal(ours.constants, theirs.constants)
    return disagreements(cells(model, ours), cells(model, theirs))


@pytest.mark.parametrize("method", Integration)
@pytest.mark.parametrize("path", BY_PYSD, ids=lambda path: path.stem)
def test_a_feature_is_computed_as_by_pysd(path: Path, method: Integration) -> None:
    model = load_model(path)
    scenario = by(as_written(model), method)
    assert wrong(model, scenario) == []


BEYOND_PYSD = {
    *("allocate_available", "elmcount", "gamma_ln", "npv", "npve", "delay_information"),
    *("delay_material", "depreciate_straightline", "sinteg", "time_base", *RANDOM),
}
"""What PySD breaks on, draws otherwise or computes less exactly: `tests/compiler` holds these to
closed formulas."""


def test_what_is_supported_is_in_the_guide_s_table_and_among_the_features(root: Path) -> None:
    page = (root / "docs" / "topics" / "compiler.md").read_text("utf-8")
    table = page.partition("## What is supported")[2].partition("## ")[0]
    features = "\n".join(path.read_text("utf-8") for path in FEATURES)
    functions = {*PLAIN, *VECTOR, *RANDOM, *STATEFUL, "initial", "active_initial", "elmcount"}
    functions |= {"with_lookup", "tabbed_array", "get_time_value", *OF_VECTORS}
    assert len(functions) > 50
    for key in functions:
        spelt = key.replace("_", " ").upper()
        assert re.search(rf"\b{spelt}\b", table), f"{spelt} is not in the table"
        if key not in BEYOND_PYSD:
            assert re.search(rf"\b{spelt}\s*\(", features), f"no feature has {spelt}"
    for form in (":EXCEPT:", "<->", "->", ":AND:", ":OR:", ":NOT:"):
        assert form in features


SCENARIOS = [head.id for head in list_scenarios()]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_shipped_model_is_computed_as_by_pysd(
    name: str, city: Model, stories: Mapping[str, Scenario]
) -> None:
    assert wrong(for_scenarios(city, [stories[name]]), stories[name]) == []


@pytest.mark.parametrize(
    ("method", "years"),
    [
        (Integration.MIDPOINT, 4),  # translating the model by PySD takes most of this test
        pytest.param(Integration.MIDPOINT, 15.5, marks=pytest.mark.slow),
        pytest.param(Integration.RK4, 15.5, marks=pytest.mark.slow),
    ],
)
def test_the_shipped_model_is_computed_as_by_pysd_at_a_quarter_year(
    city: Model, stories: Mapping[str, Scenario], method: Integration, years: float
) -> None:
    whole = by(stories["accelerated-growth"], method, 0.25)
    short = replace(whole, time=replace(whole.time, final=whole.time.initial + years))
    assert wrong(for_scenarios(city, [short]), short) == []
