"""One model, two starts and two places, as shipped; and what model/premises.yaml says is so."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.calibration.observed_past import StartSource
from plansim.analysis.validation.context import ValidationContext, cells
from plansim.analysis.validation.suite import validate
from plansim.model.records import Model
from tools.solve_premises import (
    FILE,
    Premises,
    growth_unknown,
    read_premises,
    solved,
    starts_unknown,
)

PART = "part at start of "
PAST = "hindcast-2000"


@pytest.fixture(scope="module")
def started(city: Model) -> list[str]:
    """Return the stocks that have a part."""
    return [name.removeprefix(PART) for name in city.variables if name.startswith(PART)]


def test_each_part_of_2000_has_a_mark_and_a_source(
    context: ValidationContext, started: list[str]
) -> None:
    assert context.seam is not None
    marks = {item.of: item.mark for item in context.seam.items}
    assert len(marks) == len(context.seam.items)
    beginning = {name for name, mark in marks.items() if mark is not StartSource.FLOW}
    fixed = {name for name in beginning if marks[name] is StartSource.UNCHANGED}
    assert beginning - fixed <= set(started) <= beginning  # what never changes needs no part
    changed = {name.partition("[")[0] for name in context.scenarios[PAST].values}
    for name in started:
        assert (PART + name in changed) is (marks[name] is not StartSource.UNCHANGED), name
    coefficients = changed - {PART + name for name in started}
    assert not {name for name in coefficients if name.startswith(("base ", "initial "))}


def test_a_part_moves_one_stock_at_the_start(
    context: ValidationContext, started: list[str]
) -> None:
    """Of land the residual moves, too; of plant the list, and the energy of what is modern."""
    model, clock = context.model, context.baseline.time
    settings = [dict.fromkeys(cells(model, PART + name), 1.25) for name in started]
    runs = context.compiled.run([{}, *settings], clock)
    values = {name: runs.series(name)[:, 0] for name in {*context.stocks, *started}}
    for row, name in enumerate(started, start=1):
        moved = {name for name, stock in values.items() if np.any(stock[row] != stock[0])}
        follow = {"other land", "listed plant", "energy of modern plant"}
        assert moved - follow == {name}
        assert values[name][row] == pytest.approx(1.25 * values[name][0], rel=1e-12)


def test_every_index_is_one_in_the_base_year(context: ValidationContext) -> None:
    """But for what counts from the base year on: there a scenario gives the past as a series."""
    run = context.runs[PAST]
    at = int(np.flatnonzero(run.time == 2005)[0])
    logs = [name for name in context.stocks if name.endswith(" log")]
    indices = [name for name in logs if not name.startswith(("added", "outside", "given"))]
    assert len(indices) == 2
    for name in indices:
        assert run.series(name)[0, 0] != 0
        assert run.series(name)[0, at] == pytest.approx(0, abs=1e-12)


def test_what_is_led_back_arrives(context: ValidationContext) -> None:
    """But for sets being built: they were solved so that large sets arrive."""
    (made,) = validate(context, ["Q17"])
    for case in (one for one in made.cases if one.values.get("mark") == "led back"):
        near = 0.1 if case.subject == "power capacity under construction" else 0.02
        assert case["arrives"] == pytest.approx(1, abs=near), case.subject


# --- another place -------------------------------------------------------------------------------


def test_the_figures_are_context_and_the_base_year_is_that_of_the_observations(
    context: ValidationContext, root: Path
) -> None:
    family = context.family
    assert family is not None
    rows = [row for figure in family.figures for row in figure.evidence]
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


# --- what model/premises.yaml says is so ----------------------------------------------------------


@pytest.fixture(scope="module")
def premises(context: ValidationContext) -> Premises:
    return read_premises(context.model.path.with_name(FILE))


def test_output_grows_at_the_rate_that_a_story_assumes(
    context: ValidationContext, premises: Premises
) -> None:
    assert [premise.rate for premise in premises.growth] == [0.12, 0.15, 0.10]
    for premise in premises.growth:
        unknown = growth_unknown(context, premise)
        assert unknown.misfit(unknown.scenario.values) == pytest.approx(0, abs=5e-4)


def test_starts_are_solved_so_that_stocks_arrive(
    context: ValidationContext, premises: Premises
) -> None:
    assert premises.starts is not None
    unknown = starts_unknown(context, premises.starts)
    assert unknown.misfit(unknown.scenario.values) == pytest.approx(0, abs=0.05)
    point, misfits = solved(context, unknown)
    assert misfits == pytest.approx(0, abs=1e-6)
    present = [unknown.scenario.values[name] for name in unknown.names]
    np.testing.assert_allclose(point, present, rtol=0.1)
