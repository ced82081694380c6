"""Sobol's indices against functions whose indices are known, and against scipy's estimators."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from plansim.analysis.experiments.design import Uniform
from plansim.analysis.sensitivity.sobol import Estimates, draw_pair, estimate_indices
from plansim.scenario.factors import Apply, Distribution, Factor, FloatArray

ANGLE = Uniform(-math.pi, math.pi)


def factors(*distributions: Distribution) -> list[Factor]:
    return [
        Factor(f"x{place}", (f"x{place}",), Apply.SET, one, "Dmnl")
        for place, one in enumerate(distributions)
    ]


def ishigami(x: FloatArray) -> FloatArray:
    return np.asarray(
        np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    )


# Ishigami & Homma 1990: variances of the parts with a = 7, b = 0.1.
ALONE_1 = (1 + 0.1 * math.pi**4 / 5) ** 2 / 2
ALONE_2 = 7**2 / 8
WITH_3 = 0.1**2 * math.pi**8 * (1 / 18 - 1 / 50)
ALL = ALONE_1 + ALONE_2 + WITH_3


def estimated(
    inputs: list[Factor], function: object, groups: list[list[int]], points: int = 4096
) -> Estimates:
    assert callable(function)
    pair = draw_pair(inputs, points, seed=3)
    mixed = np.stack([function(pair.mixed(group))[None] for group in groups])
    return estimate_indices(function(pair.a)[None], function(pair.b)[None], mixed)


def test_ishigami() -> None:
    found = estimated(factors(ANGLE, ANGLE, ANGLE), ishigami, [[0], [1], [2], [0, 2]])
    first = np.array([ALONE_1, ALONE_2, 0, ALONE_1 + WITH_3]) / ALL
    total = np.array([ALONE_1 + WITH_3, ALONE_2, WITH_3, ALONE_1 + WITH_3]) / ALL
    np.testing.assert_allclose(found.first[0], first, atol=0.02)
    np.testing.assert_allclose(found.total[0], total, atol=0.02)
    assert (found.first_low[0] <= first).all()
    assert (found.first_high[0] >= first).all()
    assert (found.total_low[0] <= total).all()
    assert (found.total_high[0] >= total).all()


def test_the_estimators_are_those_of_scipy() -> None:
    inputs = factors(ANGLE, ANGLE, ANGLE)
    pair = draw_pair(inputs, 256, seed=5)
    a, b = ishigami(pair.a)[None], ishigami(pair.b)[None]
    mixed = np.stack([ishigami(pair.mixed([place]))[None] for place in range(3)])
    found = estimate_indices(a, b, mixed)
    theirs = stats.sobol_indices(func={"f_A": a, "f_B": b, "f_AB": mixed}, n=256)
    np.testing.assert_allclose(found.first[0], theirs.first_order, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.total[0], theirs.total_order, rtol=1e-12, atol=1e-12)


def test_intervals_hold_the_index_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(60):  # independent draws, for which a bootstrap is meant
        a, b = rng.uniform(size=(2, 300, 2))
        mixed = a.copy()
        mixed[:, 0] = b[:, 0]
        a_out, b_out, ab_out = (one.sum(axis=1)[None] for one in (a, b, mixed))
        found = estimate_indices(a_out, b_out, ab_out[None], seed=seed)
        held += bool(found.total_low[0, 0] <= 0.5 <= found.total_high[0, 0])
    assert held >= 50


def test_an_output_that_does_not_vary_has_no_indices() -> None:
    found = estimated(factors(ANGLE), lambda x: np.full(len(x), 3.0), [[0]])
    assert np.isnan(found.first).all()
    assert np.isnan(found.total_high).all()


def test_the_two_samples_are_drawn_evenly_and_anew_from_the_seed() -> None:
    inputs = factors(Uniform(0, 1), Uniform(2, 4))
    pair = draw_pair(inputs, 100, seed=1)
    assert pair.a.shape == pair.b.shape == (128, 2), "up to a power of two"
    for one in (pair.a, pair.b):
        assert sorted((one[:, 0] * 128).astype(int).tolist()) == list(range(128))
        assert ((one[:, 1] > 2) & (one[:, 1] < 4)).all()
    assert abs(np.corrcoef(pair.a[:, 0], pair.b[:, 0])[0, 1]) < 0.2
    np.testing.assert_array_equal(pair.b, draw_pair(inputs, 100, seed=1).b)
    assert (pair.a != draw_pair(inputs, 100, seed=2).a).any()
    mixed = pair.mixed([1])
    np.testing.assert_array_equal(mixed[:, 0], pair.a[:, 0])
    np.testing.assert_array_equal(mixed[:, 1], pair.b[:, 1])
