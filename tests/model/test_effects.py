"""The questions that the shipped model is asked."""

from __future__ import annotations

import pytest

import plansim
from plansim.analysis.validation.context import ValidationContext


def test_the_question_of_growth_is_ten_against_fifteen(context: ValidationContext) -> None:
    """As the premises of the plan's scenarios are, its own is solved for; this holds it to that."""
    assert context.effects is not None
    (growth,) = (one for one in context.effects.questions if one.id == "growth")
    for side, wanted in ((growth.first, 10), (growth.last, 15)):
        verdicts = {one.id: one for one in plansim.check_scenarios(context.model, side)}
        assert verdicts["M01g"].value == pytest.approx(wanted, abs=0.5)
