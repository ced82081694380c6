"""The searches against linear programmes, and surfaces whose best point is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import linprog

from plansim.analysis.optimization.evolution import best_of, evolve, sample
from plansim.analysis.optimization.slp import (
    Evaluate,
    MoveCost,
    Point,
    WorstOf,
    maximise,
    minimise,
    slopes_at,
)
from plansim.scenario.factors import FloatArray


def least_moves(
    evaluate: Evaluate, starts: Sequence[FloatArray], margins: Sequence[int], present: FloatArray
) -> Point:
    """Moves that all cost alike, and a mix of few may cost a fiftieth more, as in reports."""
    cost = MoveCost(np.ones(len(present)), present)
    return minimise(evaluate, starts, cost, margins, present, worth=0.02)


def plane(slopes: FloatArray, levels: FloatArray) -> Evaluate:
    return lambda places: places @ slopes.T - levels


@pytest.mark.parametrize("seed", range(6))
def test_on_planes_it_costs_as_much_as_the_linear_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    levers, floors = 12, 4
    slopes = rng.normal(size=(floors, levers))
    present = rng.random(levers)
    somewhere = rng.random(levers)
    levels = slopes @ somewhere - 0.05  # so that some place meets all of them
    found = least_moves(plane(slopes, levels), [present, somewhere], range(floors), present)
    assert found.values.min() >= 0
    # x = present + a - b
    both = np.hstack([-slopes, slopes])
    oracle = linprog(
        np.ones(2 * levers),
        both,
        slopes @ present - levels,
        bounds=[(0, one) for one in [*(1 - present), *present]],
    )
    moved = np.abs(found.position - present)
    assert moved.sum() == pytest.approx(oracle.fun, rel=0.021, abs=1e-4)  # few levers are worth 2 %
    assert (moved > 1e-9).sum() <= (np.abs(oracle.x) > 1e-9).sum()


def test_on_a_bent_surface_it_finds_the_nearest_point_of_the_edge() -> None:
    def ball(places: FloatArray) -> FloatArray:
        return np.asarray(((places - 0.1) ** 2).sum(axis=1, keepdims=True) - 0.25)

    # Moving one lever alone by 0.5 is the shortest way out of the ball, by the sum of moves.
    start = np.full(3, 0.1)
    found = least_moves(ball, [np.array([0.7, 0.2, 0.1]), np.ones(3)], [0], start)
    assert found.values[0] >= 0
    assert np.sort(found.position - start) == pytest.approx([0, 0, 0.5], abs=1e-3)


def test_a_lever_that_acts_by_jumps_does_not_stop_the_others() -> None:
    def stairs(places: FloatArray) -> FloatArray:
        return (np.floor(places[:, :1] * 8 + 1e-9) / 8 + 2 * places[:, 1:2]) - 1.0

    found = least_moves(stairs, [np.zeros(2), np.ones(2)], [0], np.zeros(2))
    assert found.values[0] >= 0
    assert found.position == pytest.approx([0, 0.5], abs=1e-3)


@pytest.mark.parametrize(("price", "place"), [(0.5, [0.2, 0.5]), (1.0, [0.5, 0.9])])
def test_the_cheapest_place_may_be_below_the_present_and_around_a_corner(
    price: float, place: list[float]
) -> None:
    def either(places: FloatArray) -> FloatArray:
        x, y = places.T
        # Either x down to 0.2, or y up to 0.9; and where x is tiny all breaks down.
        return np.where(x < 0.1, np.nan, np.maximum(0.2 - x, y - 0.9))[:, None]

    starts = [np.array([0.15, 0.5]), np.array([0.5, 0.95])]
    present = np.full(2, 0.5)
    cost = MoveCost(np.array([price, 0.6]), present)
    found = minimise(either, starts, cost, [0], present)
    assert found.values[0] >= 0
    assert found.position == pytest.approx(place, abs=1e-6)


# Nothing binds; on x + y = 1.3 the slopes are alike, x - 0.9 = 3·(y - 0.3); at 1.5, x has ended.
COSTS = [(1.0, 5.0), (1.3, 5 + 3 * 0.1**2 / 4), (1.5, 5 + 0.1**2 + 3 * 0.2**2)]


@pytest.mark.parametrize("unit", [1.0, 1e5])
@pytest.mark.parametrize(("least", "cost"), COSTS)
def test_a_cost_that_is_computed_is_descended(unit: float, least: float, cost: float) -> None:
    def evaluate(places: FloatArray) -> FloatArray:
        x, y = places.T
        return np.stack([x + y - least, unit * ((x - 0.9) ** 2 + 3 * (y - 0.3) ** 2 + 5)], axis=1)

    found = minimise(evaluate, [np.ones(2)], WorstOf([1], 1 / unit), [0], np.zeros(2))
    assert found.values[0] >= 0
    assert found.values[1] / unit == pytest.approx(cost, abs=1e-6)


def test_a_climb_from_where_nothing_holds_is_led_to_where_all_does() -> None:
    def evaluate(places: FloatArray) -> FloatArray:
        one, other = places.T
        return np.column_stack([one - 0.8, 0.1 - np.abs(other - one), -one])

    place = np.array([0.1, 0.9])
    found = maximise(evaluate, Point(place, evaluate(place[None])[0]), [2], [0, 1])
    assert found.values[2] == pytest.approx(-0.8, abs=1e-6)


def test_floors_hold_where_the_smallest_part_is_largest() -> None:
    def evaluate(places: FloatArray) -> FloatArray:
        x, y = places.T
        return np.stack([x - y, 0.5 - x, y + 0.1, x - 0.5], axis=1)

    start = Point(np.array([0.9, 0.9]), evaluate(np.array([[0.9, 0.9]]))[0])
    # x - y = 1/2 - x = y + 1/10: a third of their sum. With x at least 1/2 the second is at most 0.
    assert maximise(evaluate, start, [0, 1, 2], []).values[:3].min() == pytest.approx(0.2, abs=1e-6)
    floored = maximise(evaluate, start, [0, 1, 2], [3])
    assert floored.values[3] >= 0
    assert floored.values[:3].min() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("width", [1e-4, 0.05])
def test_slopes_at_an_end_are_those_inwards(width: float) -> None:
    found = slopes_at(
        lambda p: np.column_stack([p @ [2.0, -1.0], p[:, 0] ** 2, p[:, 1] ** 2]),
        np.array([0.0, 0.5]),
        width,
    )
    assert found[0] == pytest.approx([2.0, -1.0])
    assert found[1] == pytest.approx([width, 0.0])
    assert found[2] == pytest.approx([0.0, 1.0])


# --- over the whole space ---


@pytest.mark.parametrize("seed", range(5))
def test_both_ways_end_where_a_linear_programme_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pull, holds, limits = rng.normal(size=6), rng.normal(size=(4, 6)), rng.uniform(0.2, 1, 4)

    def evaluate(places: FloatArray) -> FloatArray:
        return np.column_stack([limits - places @ holds.T, places @ pull])

    exact = linprog(-pull, A_ub=holds, b_ub=limits, bounds=[(0, 1)] * 6)
    samples = sample(evaluate, 6, np.empty((0, 6)), samples=256)
    floors = [0, 1, 2, 3]
    grown = evolve(evaluate, samples, [4], floors, seed=seed)
    assert grown.values[0, 4] == pytest.approx(-exact.fun, abs=1e-4)
    (start,) = best_of(samples, [4], floors, 1)
    climbed = maximise(evaluate, start, [4], floors)
    assert climbed.values[4] == pytest.approx(-exact.fun, abs=1e-8)
    assert (climbed.values[floors] >= 0).all()


def test_a_population_finds_the_higher_of_two_hills_and_a_step() -> None:
    def evaluate(places: FloatArray) -> FloatArray:
        one, other = places.T
        hills = np.maximum(1 - 3 * np.abs(one - 0.2), 1.2 - 6 * np.abs(one - 0.9))
        return np.column_stack([hills + np.floor(other * 8) / 8, 1 - other])

    samples = sample(evaluate, 2, np.empty((0, 2)), samples=64)
    for seed in range(3):
        grown = evolve(evaluate, samples, [0], [1], population=64, generations=120, seed=seed)
        assert grown.values[0, 0] == pytest.approx(1.2 + 1.0, abs=1e-3)
