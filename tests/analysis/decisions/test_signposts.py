"""Signposts on samples, and the area under the curve by its definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from plansim.analysis.decisions.signposts import area_under_curve


def test_the_area_is_the_chance_that_a_good_member_is_larger() -> None:
    rng = np.random.default_rng(1)
    values, good = rng.integers(0, 8, 60).astype(np.float64), rng.random(60) < 0.4
    pairs = itertools.product(values[good], values[~good])
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs]
    assert area_under_curve(values, good)[0] == pytest.approx(np.mean(wins))


def test_the_error_of_the_area_is_that_of_samples() -> None:
    rng = np.random.default_rng(2)
    areas, errors = [], []
    for _ in range(400):
        good = np.arange(120) < 50
        area, error = area_under_curve(rng.normal(size=120) + good, good)
        areas.append(area)
        errors.append(error)
    assert np.std(areas) == pytest.approx(np.mean(errors), rel=0.15)
