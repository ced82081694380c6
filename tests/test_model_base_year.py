"""Q06: the model's base year is that of the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from plansim.model.records import Model
from plansim.model.scenario import Scenario
from plansim.plan.measure import Measure
from plansim.plan.targets import (
    Basis,
    Kind,
    Target,
    load_targets,
    split_reference,
    unit_factor,
)
from tests.pysimlin_engine import FastEngine, Run

CLOSE = 0.005
"""Of the plan's figure."""

STATED = [
    target
    for target in load_targets()
    if target.kind is Kind.TARGET
    and re.fullmatch(r"M\d+[a-z]?", target.id)
    and target.base_value is not None
    and target.base_period is not None
    and target.base_period.first == target.base_period.last == target.since
]
"""The rows of the main table that state a figure of the base year itself."""


@pytest.fixture(scope="module")
def baseline(
    city: Model, stories: Mapping[str, Scenario], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return FastEngine(city, tmp_path_factory.mktemp("base")).run(stories["baseline"])


@pytest.mark.parametrize("target", STATED, ids=lambda target: target.id)
def test_the_base_year_is_that_of_the_plan(target: Target, city: Model, baseline: Run) -> None:
    """The plan divides by registered people (clash I16): residents are not held to its figure."""
    as_stated = replace(target, measure=Measure.LEVEL, unit=target.base_unit)
    read = {
        reference: baseline.annual(reference)[target.since]
        * unit_factor(city.variables[split_reference(reference)[0]].unit, as_stated)
        for basis, reference in target.variables.items()
        if basis is not Basis.RESIDENT
    }
    assert read == pytest.approx(dict.fromkeys(read, target.base_value), rel=CLOSE)
    assert read


def test_most_rows_of_the_main_table_are_held_to_the_base_year() -> None:
    assert len(STATED) >= 30
