"""Search in a box against places known by hand and by a fine grid."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from plansim.plan.measure import Floats
from plansim.study.search import BROKEN, best_worst, cheapest, look_over


def test_the_cheapest_place_by_prices_is_that_of_a_linear_programme() -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        slopes, weights = rng.uniform(0.2, 2, (3, 4)), rng.uniform(0.5, 2, 4)
        floor = slopes.sum(axis=1) * 0.4

        def evaluate(places: Floats, slopes: Floats = slopes, floor: Floats = floor) -> Floats:
            return np.asarray(places @ slopes.T - floor)

        samples = look_over(evaluate, 4, points=256)
        found = cheapest(evaluate, samples, [0, 1, 2], np.zeros(4), weights)
        best = linprog(weights, A_ub=-slopes, b_ub=-floor, bounds=[(0, 1)] * 4)
        assert found is not None
        assert (found.values >= 0).all()
        assert found.place @ weights == pytest.approx(best.fun, rel=1e-4)


def test_the_cheapest_place_may_be_below_the_present_and_around_a_corner() -> None:
    def evaluate(places: Floats) -> Floats:
        x, y = places.T
        # Either x down to 0.2, or y up to 0.9; and where x·y is tiny nothing counts.
        good = np.maximum(0.2 - x, y - 0.9)
        return np.stack([np.where(x < 0.1, np.nan, good)], axis=1)

    present = np.array([0.5, 0.5])
    samples = look_over(evaluate, 2, points=512, more=present[None])
    one = cheapest(evaluate, samples, [0], present, np.array([1.0, 1.0]))
    assert one is not None
    np.testing.assert_allclose(one.place, [0.2, 0.5], atol=1e-6)
    other = cheapest(evaluate, samples, [0], present, np.array([2.0, 1.0]))
    assert other is not None
    np.testing.assert_allclose(other.place, [0.5, 0.9], atol=1e-6)


def test_a_cost_that_is_computed_is_descended() -> None:
    def evaluate(places: Floats) -> Floats:
        x, y = places.T
        return np.stack([x + y - 1, (x - 0.9) ** 2 + 3 * (y - 0.3) ** 2 + 5], axis=1)

    samples = look_over(evaluate, 2, points=128)
    found = cheapest(evaluate, samples, [0], np.zeros(2), None, cost=1)
    assert found is not None
    assert found.values[1] == pytest.approx(5, abs=1e-6)
    tight = look_over(lambda p: evaluate(p) - [0.5, 0], 2, points=128)
    found = cheapest(lambda p: evaluate(p) - [0.5, 0], tight, [0], np.zeros(2), None, cost=1)
    axis = np.linspace(0, 1, 401)
    grid = np.array(list(itertools.product(axis, axis)))
    values = evaluate(grid) - [0.5, 0]
    assert found is not None
    assert found.values[0] >= 0
    assert found.values[1] <= values[values[:, 0] >= 0, 1].min() + 1e-9


def test_where_nothing_is_good_there_is_no_place() -> None:
    samples = look_over(lambda p: p[:, :1] - 2, 3, points=64)
    assert cheapest(lambda p: p[:, :1] - 2, samples, [0], np.zeros(3), np.ones(3)) is None


def test_the_best_worst_of_several_parts() -> None:
    def evaluate(places: Floats) -> Floats:
        x, y = places.T
        return np.stack([x - y, 0.5 - x, y + 0.1, x], axis=1)

    samples = look_over(evaluate, 2, points=256)
    found = best_worst(evaluate, samples, [0, 1, 2])
    # x - y = 1/2 - x = y + 1/10: a third of their sum.
    assert found.values[:3].min() == pytest.approx(0.2, abs=1e-6)

    # With x at least 1/2, the second part is at most zero.
    def shifted(places: Floats) -> Floats:
        return np.asarray(evaluate(places) - [0, 0, 0, 0.5])

    floored = best_worst(shifted, look_over(shifted, 2, points=256), [0, 1, 2], [3])
    assert floored.values[3] >= -1e-9
    assert floored.values[:3].min() == pytest.approx(0.0, abs=1e-6)


def test_the_best_worst_beats_a_fine_grid_on_a_bent_surface() -> None:
    def evaluate(places: Floats) -> Floats:
        x, y = places.T
        return np.stack([np.sin(5 * x) + y, np.minimum(1.2 - y, 2 * x), np.cos(3 * x * y)], axis=1)

    found = best_worst(evaluate, look_over(evaluate, 2, points=256), [0, 1, 2])
    axis = np.linspace(0, 1, 401)
    grid = evaluate(np.array(list(itertools.product(axis, axis))))
    assert found.values.min() >= grid.min(axis=1).max() - 1e-6


def test_a_broken_run_is_worse_than_any_margin() -> None:
    samples = look_over(lambda p: np.where(p < 0.5, np.nan, -p), 1, points=64)
    found = best_worst(lambda p: np.where(p < 0.5, np.nan, -p), samples, [0])
    assert found.values[0] > BROKEN
    assert found.place[0] == pytest.approx(0.5, abs=0.05)
