"""Measures of fit against closed formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plansim.analysis.validation.history import fit

SERIES = st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), min_size=2, max_size=12).map(
    np.array
)


@given(SERIES)
def test_the_measures_are_those_of_the_books(pairs: np.ndarray) -> None:
    simulated, observed = pairs.T
    found = fit(simulated, observed)
    assert found.rmse**2 == pytest.approx(np.mean((simulated - observed) ** 2))
    assert found.mape == pytest.approx(np.mean(np.abs(simulated / observed - 1)))
    if found.rmse < 1e-6:
        return  # what is left is rounding
    assert found.um + found.us + found.uc == pytest.approx(1, abs=1e-9)
    assert min(found.um, found.us, found.uc) >= -1e-9
    if min(np.std(simulated), np.std(observed), found.rmse) > 1e-3:
        correlation = np.corrcoef(simulated, observed)[0, 1]
        covaried = 2 * (1 - correlation) * np.std(simulated) * np.std(observed)
        assert found.r2 == pytest.approx(correlation**2, abs=1e-9)
        assert found.uc == pytest.approx(covaried / found.rmse**2, abs=1e-6)


def test_what_is_not_to_be_known_is_no_number() -> None:
    exact = fit(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    assert (exact.mape, exact.rmse) == (0, 0)
    assert math.isnan(exact.um)
    assert math.isnan(fit(np.array([1.0]), np.array([2.0])).r2)
    assert not math.isfinite(fit(np.array([math.nan]), np.array([2.0])).mape)
