"""Ascent in a box, against linear programmes and surfaces whose highest place is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from plansim.analysis.optimization.ascent import STRETCH, ascend, best_of, evolve, worths
from plansim.analysis.optimization.search_space import Found, Samples, look_over
from plansim.targets.indicator import Floats


@pytest.mark.parametrize("seed", range(5))
def test_both_ways_end_where_a_linear_programme_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pull, holds, limits = rng.normal(size=6), rng.normal(size=(4, 6)), rng.uniform(0.2, 1, 4)

    def evaluate(places: Floats) -> Floats:
        return np.column_stack([limits - places @ holds.T, places @ pull])

    exact = linprog(-pull, A_ub=holds, b_ub=limits, bounds=[(0, 1)] * 6)
    samples = look_over(evaluate, 6, points=256)
    floors = [0, 1, 2, 3]
    grown = evolve(evaluate, samples, [4], floors, seed=seed)
    assert grown.values[0, 4] == pytest.approx(-exact.fun, abs=1e-4)
    start = best_of(samples, [4], floors)
    climbed = ascend(evaluate, Found(start.places[0], start.values[0]), [4], floors)
    assert climbed.values[4] == pytest.approx(-exact.fun, abs=1e-8)
    assert (climbed.values[floors] >= 0).all()


def test_a_climb_from_where_nothing_holds_is_led_to_where_all_does() -> None:
    def evaluate(places: Floats) -> Floats:
        one, other = places.T
        return np.column_stack([one - 0.8, 0.1 - np.abs(other - one), -one])

    place = np.array([0.1, 0.9])
    found = ascend(evaluate, Found(place, evaluate(place[None])[0]), [2], [0, 1])
    assert found.values[2] == pytest.approx(-0.8, abs=1e-6)


def test_a_population_finds_the_higher_of_two_hills_and_a_step() -> None:
    def evaluate(places: Floats) -> Floats:
        one, other = places.T
        hills = np.maximum(1 - 3 * np.abs(one - 0.2), 1.2 - 6 * np.abs(one - 0.9))
        return np.column_stack([hills + np.floor(other * 8) / 8, 1 - other])

    samples = look_over(evaluate, 2, points=64)
    for seed in range(3):
        grown = evolve(evaluate, samples, [0], [1], size=64, generations=120, seed=seed)
        assert grown.values[0, 0] == pytest.approx(1.2 + 1.0, abs=1e-3)


def test_the_smallest_of_several_parts_is_made_largest_at_a_bend() -> None:
    def evaluate(places: Floats) -> Floats:
        one, other = places.T
        return np.column_stack([one + other, 1.5 - 2 * one, 1.2 - np.abs(other - 0.5) * 2])

    place = np.array([0.9, 0.1])
    found = ascend(evaluate, Found(place, evaluate(place[None])[0]), [0, 1, 2], [])
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 1001)] * 2), -1).reshape(-1, 2)
    best = evaluate(grid).min(axis=1).max()
    assert found.values.min() == pytest.approx(best, abs=2e-3)
    assert found.values.min() >= best - 1e-9


def test_what_falls_short_ranks_below_all_that_holds() -> None:
    values = np.array([[5.0, -0.1, -0.1], [1.0, 0.0, 0.0], [9.0, -0.3, 0.0], [0.5, 1.0, 1.0]])
    order = np.argsort(-worths(values, [0], [1, 2]), kind="stable")
    assert order.tolist() == [1, 3, 0, 2]
    best = best_of(Samples(values[:, :1], values), [0], [1, 2], 2)
    assert best.places[:, 0].tolist() == [1.0, 0.5]


def test_populations_are_drawn_from_a_wider_box_so_that_they_reach_the_ends() -> None:
    assert STRETCH > 1
    samples = look_over(lambda p: p[:, :1], 3, points=4)
    grown = evolve(lambda p: p[:, :1], samples, [0], [], size=64, generations=0)
    assert (grown.places == 1.0).any()
    assert (grown.places == 0.0).any()


def test_a_climb_beats_a_fine_grid_on_a_bent_surface() -> None:
    def evaluate(places: Floats) -> Floats:
        x, y = places.T
        return np.stack([np.sin(5 * x) + y, np.minimum(1.2 - y, 2 * x), np.cos(3 * x * y)], axis=1)

    (start,) = best_of(look_over(evaluate, 2, points=256), [0, 1, 2], []).each()
    found = ascend(evaluate, start, [0, 1, 2], [])
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 401)] * 2), -1).reshape(-1, 2)
    assert found.values.min() >= evaluate(grid).min(axis=1).max() - 1e-6


def test_floors_hold_where_the_smallest_part_is_largest() -> None:
    def evaluate(places: Floats) -> Floats:
        x, y = places.T
        return np.stack([x - y, 0.5 - x, y + 0.1, x - 0.5], axis=1)

    start = Found(np.array([0.9, 0.9]), evaluate(np.array([[0.9, 0.9]]))[0])
    # x - y = 1/2 - x = y + 1/10: a third of their sum. With x at least 1/2 the second is at most 0.
    assert ascend(evaluate, start, [0, 1, 2], []).values[:3].min() == pytest.approx(0.2, abs=1e-6)
    floored = ascend(evaluate, start, [0, 1, 2], [3])
    assert floored.values[3] >= 0
    assert floored.values[:3].min() == pytest.approx(0.0, abs=1e-6)
