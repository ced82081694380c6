"""The search over the whole space, against linear programmes and surfaces that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from plansim.analysis.optimization.evolution import best_of, evolve, sample
from plansim.analysis.optimization.slp import maximise
from plansim.scenario.factors import FloatArray


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
