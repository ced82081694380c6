"""What model/premises.yaml says is so: every change of the model has to solve it anew."""

from __future__ import annotations

import numpy as np
import pytest

from plansim.analysis.validation.context import ValidationContext
from tools.solve_premises import (
    FILE,
    Premises,
    growth_unknown,
    read_premises,
    solved,
    starts_unknown,
)


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
