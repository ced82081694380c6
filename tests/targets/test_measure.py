"""From a trajectory to a number: by hand, in fractions, and against each run taken alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plansim.targets.indicator import Measure, measured

FIGURES = st.lists(st.integers(1, 10**6), min_size=7, max_size=7)


def measure(values: Sequence[float], kind: Measure, *, missing: int = 0) -> float:
    """Measure the series of the years from 2004 on, of 2010 since 2005."""
    series = {year: value for year, value in enumerate(values, 2004) if year != missing}
    with np.errstate(invalid="ignore"):
        return float(measured(lambda year: np.array(series.get(year, math.nan)), kind, 2005, 2010))


@settings(deadline=None, max_examples=50)
@given(FIGURES)
def test_each_measure_is_its_formula(figures: list[int]) -> None:
    exact = Fraction(sum(figures[2:]))  # 2006 to 2010; 2004 and 2005 lie before
    assert measure(figures, Measure.SUM) == pytest.approx(float(exact))
    assert measure(figures, Measure.MEAN) == pytest.approx(float(exact / 5))
    assert measure(figures, Measure.LEVEL) == figures[6]
    assert figures[1] * (1 + measure(figures, Measure.GROWTH)) ** 5 == pytest.approx(figures[6])
    part = float(1 - Fraction(figures[6], figures[1]))
    assert measure(figures, Measure.REDUCTION) == pytest.approx(part, abs=1e-9)


@pytest.mark.parametrize("kind", list(Measure))
def test_a_year_that_is_missing_gives_no_number(kind: Measure) -> None:
    needed = {
        year
        for year in (2005, 2008, 2010)
        if math.isnan(measure([1, 2, 3, 4, 5, 6, 7], kind, missing=year))
    }
    base = kind in (Measure.GROWTH, Measure.REDUCTION)
    between = kind in (Measure.SUM, Measure.MEAN)
    assert needed == {2010, *([2005] if base else []), *([2008] if between else [])}


def test_growth_from_nothing_has_no_meaning_but_growth_to_nothing_has() -> None:
    end = [1, 1, 1, 1, 1, 1, 0]
    assert (measure(end, Measure.GROWTH), measure(end, Measure.REDUCTION)) == (-1, 1)
    for values in ([1, 0, 1, 1, 1, 1, 1], [1, -2, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, -1]):
        for kind in (Measure.GROWTH, Measure.REDUCTION):
            assert math.isnan(measure(values, kind))
    with pytest.raises(ValueError, match="a growth needs a base year before 2005, not 2005"):
        measured(lambda year: np.ones(1), Measure.GROWTH, 2005, 2005)
