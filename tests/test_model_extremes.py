"""Q09 to Q12: the model keeps its senses in worlds that never were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from plansim.model.records import Model, VariableKind
from plansim.model.scenario import Scenario
from plansim.study.validation.corners import corners
from plansim.study.validation.dossier import Dossier
from tests.pysimlin_engine import Equation, FastEngine, Run, assigned, shipped_yaml

CHECKS = shipped_yaml("checks.yaml")
EXTREMES: list[dict[str, Any]] = CHECKS["extremes"]
EXACT = 1e-9


# --- Q09 to Q11 -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(city: Model, tmp_path_factory: pytest.TempPathFactory) -> FastEngine:
    """The model with both sides of all that is expected of the extremes."""
    sides = tuple(
        _equation(f"{side} {extreme['id']} {number}", expected, side)
        for extreme in EXTREMES
        for number, expected in enumerate(extreme["expect"])
        for side in ("left", "right")
    )
    return FastEngine(city, tmp_path_factory.mktemp("extremes"), sides)


def _equation(name: str, expected: Mapping[str, Any], side: str) -> Equation:
    return Equation(name, expected[side], tuple(expected.get("over", ())))


@pytest.mark.parametrize("extreme", EXTREMES, ids=lambda extreme: extreme["id"])
def test_an_extreme_world_does_what_it_must(
    extreme: dict[str, Any], city: Model, stories: Mapping[str, Scenario], engine: FastEngine
) -> None:
    run = engine.run(stories["baseline"], assigned(city, extreme["set"]))
    off = []
    for number, expected in enumerate(extreme["expect"]):
        within = (run.time >= expected.get("from", -np.inf)) & (
            run.time <= expected.get("to", np.inf)
        )
        assert within.any()
        left, right = (
            run.series(f"{side} {extreme['id']} {number}")[within] for side in ("left", "right")
        )
        size = np.nanmax(np.abs([left, right]), initial=1e-6)
        match expected["is"]:
            case "equal":
                holds = np.abs(left - right) <= EXACT * size
            case "at most":
                holds = left <= right + EXACT * size
            case "at least":
                holds = left >= right - EXACT * size
            case other:
                pytest.fail(f"no comparison: {other}")
        if not holds.all():
            first = np.argwhere(~holds)[0]
            off.append(
                f"{expected['left']} should be {expected['is']} {expected['right']}, and is "
                f"{left[tuple(first)]:.6g} against {right[tuple(first)]:.6g} "
                f"at {run.time[within][first[0]]:g}"
            )
    assert off == []


@pytest.mark.parametrize("extreme", EXTREMES, ids=lambda extreme: extreme["id"])
def test_no_extreme_breaks_the_model(
    extreme: dict[str, Any], city: Model, stories: Mapping[str, Scenario], watched: FastEngine
) -> None:
    assert faults(watched.run(stories["baseline"], assigned(city, extreme["set"]))) == []


@pytest.mark.parametrize("extreme", EXTREMES, ids=lambda extreme: extreme["id"])
def test_what_an_extreme_expects_is_not_true_anyway(
    extreme: dict[str, Any], stories: Mapping[str, Scenario], engine: FastEngine
) -> None:
    """At least one of its expectations fails in the baseline: else it tests nothing."""
    run = engine.run(stories["baseline"])
    for number, expected in enumerate(extreme["expect"]):
        within = run.time >= expected.get("from", -np.inf)
        left, right = (
            run.series(f"{side} {extreme['id']} {number}")[within] for side in ("left", "right")
        )
        if not np.allclose(left, right, rtol=1e-6, atol=1e-9):
            return
    pytest.fail("all sides are equal in the baseline")


# --- Q12 ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def watched(city: Model, tmp_path_factory: pytest.TempPathFactory) -> FastEngine:
    """The model with a sum of all that changes, times nil: not a number if any part is none."""
    changing = [
        variable
        for variable in city.variables.values()
        if variable.kind not in (VariableKind.CONSTANT, VariableKind.CONTROL)
    ]
    terms = []
    for variable in changing:
        ranges = ",".join(f"{each}!" for each in variable.subscripts)
        terms.append(f"SUM({variable.name}[{ranges}])" if ranges else variable.name)
    equation = Equation("everything", f"0*({' + '.join(terms)})")
    return FastEngine(city, tmp_path_factory.mktemp("watched"), (equation,))


def faults(run: Run) -> list[str]:
    """Say what in a run is not a finite number, negative though it cannot be, or no share."""
    model = run.engine.model
    found = []
    broken = ~np.isfinite(run.series("everything"))
    if broken.any():
        first = run.time[int(np.argmax(broken))]
        found.append(f"not finite from {first:g} on: {', '.join(_sources(run)[:3])}")
    stocks = [each.name for each in model.variables.values() if each.kind is VariableKind.STOCK]
    for name in (*(set(stocks) - set(CHECKS["signed"])), *CHECKS["non_negative"]):
        values = run.series(name)
        least = np.nanmin(values, initial=np.inf)
        if least < -EXACT * np.nanmax(np.abs(values), initial=1e-6):
            found.append(f"{name} falls to {least:.4g}")
    for name in CHECKS["shares"]:
        values = run.series(name)
        least, most = np.nanmin(values, initial=np.inf), np.nanmax(values, initial=-np.inf)
        if least < -EXACT or most > 1 + EXACT:
            found.append(f"{name} runs from {least:.4g} to {most:.4g}")
    return sorted(found, key=lambda fault: not fault.startswith("not finite"))


def _sources(run: Run) -> list[str]:
    """Give the variables that are not finite first, those without such causes before the rest."""
    bad = {}
    for variable in run.engine.model.variables.values():
        if variable.kind is not VariableKind.CONTROL:
            values = run.series(variable.name)
            broken = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
            if broken.any():
                bad[variable.name] = int(np.argmax(broken))
    first = {name for name, when in bad.items() if when == min(bad.values())}
    causes = {name: set(run.engine.model.variables[name].causes) for name in first}
    return sorted(first, key=lambda name: len((causes[name] - {name}) & first))


def test_no_constant_and_no_corner_of_the_plausible_breaks_the_model(dossier: Dossier) -> None:
    finding = corners(dossier)
    assert finding.faults == ()
    assert int(finding.figures["scaled"]) > 400


def test_what_is_no_number_is_found(
    city: Model, stories: Mapping[str, Scenario], tmp_path_factory: pytest.TempPathFactory
) -> None:
    holed = city.text.replace("GDP= SUM(", "GDP= LN(2009 - Time)*0 + SUM(")
    negative = city.text.replace("SO2 emission= power", "SO2 emission= -power")
    for text, wrong in ((holed, "not finite from 2009"), (negative, "SO2 emission falls to")):
        assert text != city.text
        watched = FastEngine(
            city, tmp_path_factory.mktemp("holed"), (Equation("everything", "0*GDP"),), text
        )
        assert any(each.startswith(wrong) for each in faults(watched.run(stories["baseline"])))
