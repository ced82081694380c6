"""The searches against linear programmes, and surfaces whose best point is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import linprog

from plansim.analysis.optimization.evolution import best_of, evolve, sample
from plansim.analysis.optimization.slp import Evaluate, Point, maximise, minimise, move_cost
from plansim.scenario.factors import FloatArray


def least_moves(
    evaluate: Evaluate, starts: Sequence[FloatArray], margins: Sequence[int], present: FloatArray
) -> Point:
    """Moves that all cost alike, and a mix of few may cost a fiftieth more, as in reports."""
    cost = move_cost(np.ones(len(present)), present)
    return minimise(evaluate, starts, cost, margins, present, worth=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_on_planes_it_costs_as_much_as_the_linear_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    levers, floors = 12, 4
    slopes = rng.normal(size=(floors, levers))
    present = rng.random(levers)
    somewhere = rng.random(levers)
    levels = slopes @ somewhere - 0.05  # so that some place meets all of them

    def plane(places: FloatArray) -> FloatArray:
        return np.asarray(places @ slopes.T - levels)

    found = least_moves(plane, [present, somewhere], range(floors), present)
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
