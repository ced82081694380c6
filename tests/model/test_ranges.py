"""What the ranges of the model's constants admit, the model can compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from plansim.analysis.evaluator import CompiledModel, compile_whole, every_step
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.validation.conservation import unsound
from plansim.analysis.validation.context import (
    Settings,
    ValidationContext,
    cells,
    limits,
    model_constants,
)
from plansim.scenario.factors import constants_of

STORIES = ("baseline", "accelerated-growth")
LARGEST = 1e12
"""No quantity of the city is as large, in whatever unit."""
CONTRADICTIONS = {"participation = 0"}
"""Nobody would work, in a base year that has workers; of children it is 0."""
CORNERS = 2048
SOUND = 0.995
AT_ONCE = 64
"""Number of runs whose values are held at a time."""


@pytest.fixture(scope="module")
def compiled(context: ValidationContext) -> CompiledModel:
    return compile_whole(context.model, effort=1)


def faults(
    context: ValidationContext,
    compiled: CompiledModel,
    story: str,
    runs: Sequence[tuple[str, Settings]],
) -> Iterator[tuple[str, str]]:
    """Return the run, and what is wrong in it, of runs that are not sound."""
    scenario = context.scenarios[story]
    for first in range(0, len(runs), AT_ONCE):
        subjects, settings = zip(*runs[first : first + AT_ONCE], strict=True)
        made = compiled.run(
            [{**scenario.values, **values} for values in settings], every_step(scenario.time)
        )
        for case in unsound(context, made, subjects):
            yield case.subject, f"{case.message}: {case.values['what']}"
        largest = np.abs(made.values).max(axis=(1, 2))
        yield from ((subjects[run], "large") for run in np.flatnonzero(largest > LARGEST))


def test_every_end_of_an_admissible_range_can_be_computed(
    context: ValidationContext, compiled: CompiledModel
) -> None:
    """Each constant alone, and each array as a whole, at either end."""
    runs = [
        (f"{reference} = {end:g}", dict.fromkeys(cells(context.model, reference), end))
        for name in (constant.name for constant in model_constants(context.model))
        for end in limits(context.model.variables[name])
        for reference in dict.fromkeys([name, *cells(context.model, name)])
    ]
    assert len(runs) > 1600
    assert {subject for subject, _ in faults(context, compiled, "baseline", runs)} == CONTRADICTIONS


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
def test_corners_of_the_plausible_are_sound(
    context: ValidationContext, compiled: CompiledModel, story: str
) -> None:
    """Every factor of the design of uncertainty at one end or the other."""
    path, scenario = context.baseline.path, context.scenarios[story]
    assert path is not None
    assert context.checks.scenarios.uncertainty is not None
    design = read_design(path.parent / context.checks.scenarios.uncertainty, context.model)
    ends = np.array(
        [(f.distribution.low, f.distribution.high) for f in design.factors if f.distribution]
    )
    assert len(ends) == len(design.factors) > 200
    assert np.isfinite(ends).all()
    corners = np.random.default_rng(2005).integers(2, size=(CORNERS, len(ends)))
    values = np.take_along_axis(ends.T, corners, axis=0)
    constants = [name for factor in design.factors for name in factor.constants]
    table = constants_of(context.model, scenario.values, design.factors, values)
    runs = [(f"{row}", dict(zip(constants, one, strict=True))) for row, one in enumerate(table)]
    broken = {subject for subject, _ in faults(context, compiled, story, runs)}
    assert len(broken) <= (1 - SOUND) * CORNERS
