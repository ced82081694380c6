"""Q09 to Q11: the model keeps its senses in worlds that never were."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from plansim.analysis.validation.checks import (
    Comparison,
    Expected,
    Extreme,
    expectations_of,
    side_name,
)
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.probe import Runs, every_step, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found
from plansim.analysis.validation.settings import assigned
from plansim.analysis.validation.soundness import EXACT, breaches
from plansim.targets.indicator import Floats

__all__ = ["extremes"]


def extremes(dossier: Dossier, test: str) -> Finding:
    """Run the baseline and the extreme worlds of a test, with both sides of what is expected.

    An extreme all of whose expectations are true in the baseline too tests nothing, and fails.
    """
    worlds = [each for each in dossier.checks.extremes if each.test == test]
    equations = tuple(expectations_of(dossier.model, dossier.checks))
    probe = probe_of(dossier.model, equations)
    base = dossier.baseline
    settings = [{**base.values, **assigned(dossier.model, each.set)} for each in worlds]
    runs = probe.run([base.values, *settings], every_step(base))
    cases: list[Case] = []
    expected = 0
    for run, world in enumerate(worlds, start=1):
        for number, each in enumerate(world.expect):
            expected += 1
            cases.append(_held(runs, run, world, number, each))
        if not any(_tells(runs, world, number, each) for number, each in enumerate(world.expect)):
            cases.append(Case(world.id, False, Said.IDLE, {}, world.en, world.zh))
    subjects = [base.id, *(world.id for world in worlds)]
    cases += breaches(runs, dossier.model, dossier.checks, subjects)
    figures: dict[str, Number] = {
        "worlds": len(worlds),
        "expected": expected,
        "held": sum(case.holds for case in cases),
        "names": ", ".join(each.id for each in worlds),
    }
    return found(test, cases, figures)


def _within(runs: Runs, expected: Expected) -> npt.NDArray[np.bool_]:
    return (runs.time >= expected.first) & (runs.time <= expected.last)


def _sides(
    runs: Runs, run: int, world: Extreme, number: int, expected: Expected
) -> Iterator[Floats]:
    """Give the left and the right side while it is expected: ``(time, *elements)``."""
    for side in ("left", "right"):
        yield runs.series(side_name(side, world.id, number))[run][_within(runs, expected)]


def _held(runs: Runs, run: int, world: Extreme, number: int, expected: Expected) -> Case:
    left, right = _sides(runs, run, world, number, expected)
    if not left.size:
        return Case(world.id, False, Said.NOTHING, {}, world.en, world.zh)
    size = np.nanmax(np.abs([left, right]), initial=1e-6)
    match expected.comparison:
        case Comparison.EQUAL:
            over = np.abs(left - right)
        case Comparison.AT_MOST:
            over = left - right
        case Comparison.AT_LEAST:
            over = right - left
    error = np.where(np.isnan(over), np.inf, over) / size
    worst = np.unravel_index(int(np.argmax(error)), error.shape)
    values: dict[str, Number] = {"what": expected.left, "comparison": expected.comparison.value}
    values |= {"than": expected.right, "left": float(left[worst]), "right": float(right[worst])}
    values |= {"time": float(runs.time[_within(runs, expected)][worst[0]])}
    holds = bool(error[worst] <= EXACT)
    return Case(world.id, holds, Said.EXPECTED, values, world.en, world.zh)


def _tells(runs: Runs, world: Extreme, number: int, expected: Expected) -> bool:
    """Say whether the two sides differ in the baseline, the first of the runs."""
    left, right = _sides(runs, 0, world, number, expected)
    return not np.allclose(left, right, rtol=1e-6, atol=1e-9)
