"""What model/premises.yaml says is so: every change of the model has to solve it anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.validation.context import ValidationContext
from plansim.errors import InputError
from plansim.files.yaml_document import read_document
from tools.solve_premises import (
    FILE,
    Premises,
    growth_unknown,
    read_premises,
    solved,
    starts_unknown,
    written,
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


def test_a_constant_is_written_where_it_is_set(tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(
        "values:\n  # parts\n  part of it: [1, 2]  # two\n"
        "levers:\n  demand growth: {before: -0.01, after: 1}\n"
        "questions:\n  - from: {set: {demand growth before: 3}}\n",
        "utf-8",
    )
    written(path, (), {"part of it": [0.123456, 3], "demand growth before": [-0.04]})
    written(path, ("questions", 0), {"demand growth before": [0.5]})
    document = read_document(path)
    assert document.data == {
        "values": {"part of it": [0.1235, 3]},
        "levers": {"demand growth": {"before": -0.04, "after": 1}},
        "questions": [{"from": {"set": {"demand growth before": 0.5}}}],
    }
    assert "# two" in path.read_text("utf-8")
    with pytest.raises(InputError, match="'water' is not set"):
        written(path, (), {"water": [1.0]})
