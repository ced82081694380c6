"""Another place under the same structure, as shipped."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from plansim.analysis.validation.context import ValidationContext
from plansim.model.comment import load_evidence


def test_the_figures_are_context_and_the_base_year_is_that_of_the_observations(
    context: ValidationContext, root: Path
) -> None:
    family, evidence = context.family, load_evidence(root / "model")
    assert family is not None
    rows = [evidence[source] for figure in family.figures for source in figure.sources]
    assert rows
    assert all(row.use == "context" and int(row.year) > 2005 for row in rows)
    with (root / "model" / "observations.csv").open(encoding="utf-8", newline="") as file:
        seen = [row for row in csv.DictReader(file)
                if row["place"] == "Henan" and row["year"] == "2005"]  # fmt: skip
    run = context.runs[family.scenario]
    for variable, quantity, error in (
        ("GDP", "value added at current prices", 1e-3),
        ("total energy use", "energy use", 5e-3),
        ("reported investment", "reported fixed investment", 1e-3),
    ):
        figure = math.fsum(float(row["value"]) for row in seen if row["quantity"] == quantity)
        simulated = run.yearly(variable)(2005)[0] * family.size
        assert simulated == pytest.approx(figure, rel=error), variable


def test_the_province_keeps_every_rate_elasticity_and_trend_of_the_model(
    context: ValidationContext,
) -> None:
    assert context.family is not None
    scenario, baseline = context.scenarios[context.family.scenario], context.scenarios["baseline"]
    changed = {
        name.partition("[")[0]
        for name, value in scenario.values.items()
        if baseline.values.get(name) != value
    }
    levels = {
        # Levels of the base year that bear no `base` in their name, and one that is a target's.
        "resident share of registered population",
        "seasonal migrants",
        "farm income part",
        "household energy per head",
        "water sources",
        "farmland floor",
        "planting programme",
        "policy emphasis",
        # A work of the city that its plan names.
        "announced landfill",
    }
    assert {name for name in changed if not name.startswith("base ")} == levels
    assert not {"base growth", "base investment growth", "base wage growth"} & changed
