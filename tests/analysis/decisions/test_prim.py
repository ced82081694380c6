"""PRIM against another program's trajectory, and against boxes that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plansim.analysis.decisions import prim
from plansim.analysis.decisions.prim import SMALLEST, find_boxes, peel, restriction_frequencies
from plansim.scenario.factors import FloatArray


def weyl_sample() -> tuple[FloatArray, FloatArray]:
    """Return an even sequence of 2,000 points in eight dimensions, and cases in a corner of it.

    Four of 100 points outside of the corner are cases too.
    """
    steps = np.arange(1, 2001)
    points = np.modf(steps[:, None] * np.sqrt([2, 3, 5, 7, 11, 13, 17, 19]))[0]
    inside = (points[:, 1] > 0.55) & (points[:, 4] < 0.4) & (points[:, 6] > 0.2)
    return points, (inside | (np.modf(steps * np.sqrt(23))[0] < 0.04)).astype(np.float64)


# EMA Workbench 2.5.3, Prim(points, cases, threshold=0.5, peel_alpha=0.05, mass_min=0.05), on this
# sample: step; coverage, density, mass; then the limits of factors 1, 4 (upper) and 6.
EMA_WORKBENCH = {
    1: (0.994460, 0.188947, 0.9500, None, 0.950209, None),
    4: (0.963989, 0.213759, 0.8140, 0.098027, 0.950209, 0.050947),
    17: (0.872576, 0.379061, 0.4155, 0.537045, 0.950209, 0.050947),
    23: (0.822715, 0.488487, 0.3040, 0.537045, 0.800293, 0.187930),
    30: (0.822715, 0.703791, 0.2110, 0.537045, 0.563421, 0.187930),
    39: (0.725762, 1.000000, 0.1310, 0.563509, 0.387060, 0.231645),
}


def test_a_peeling_is_that_of_ema_workbench() -> None:
    points, cases = weyl_sample()
    peeling = peel(points, cases)
    assert len(peeling.coverage) == 40
    for step, (coverage, density, mass, first, second, third) in EMA_WORKBENCH.items():
        found = peeling.coverage[step], peeling.density[step], peeling.mass[step]
        assert found == pytest.approx((coverage, density, mass), abs=1e-6)
        limits = peeling.limits[step, (0, 1, 0), (1, 4, 6)]
        for limit, expected in zip(limits, (first, second, third), strict=True):
            if expected is None:
                assert np.isinf(limit)
            else:
                assert limit == pytest.approx(expected, abs=1e-6)
    assert peeling.restricted[-1] == 3


def test_a_box_among_thirty_factors_is_found_within_two_per_cent() -> None:
    rng = np.random.default_rng(16)
    points = rng.random((10_000, 30))
    inside = (points[:, 3] > 0.35) & (points[:, 7] < 0.6)
    inside &= (points[:, 20] > 0.2) & (points[:, 20] < 0.75)
    cases = (inside ^ (rng.random(10_000) < 0.05)).astype(np.float64)
    first = find_boxes(points, cases, 3)[0]
    assert first.restricted == (3, 7, 20)
    found = first.limits[(0, 1, 0, 1), (3, 7, 20, 20)]
    assert found == pytest.approx((0.35, 0.6, 0.2, 0.75), abs=0.02)
    held = first.contains(points)
    assert (first.mass, first.density) == (held.mean(), cases[held].mean())
    assert first.coverage == cases[held].sum() / cases.sum()
    assert np.nanmax(first.quasi_p) < 1e-6


def test_two_boxes_are_found_one_after_the_other() -> None:
    points = np.random.default_rng(2).random((4000, 5))
    first = (points[:, 0] > 0.6) & (points[:, 1] > 0.5)
    second = (points[:, 2] < 0.25) & (points[:, 3] > 0.6)
    boxes = find_boxes(points, (first | second).astype(np.float64), conditions=2)
    assert [box.restricted for box in boxes[:2]] == [(0, 1), (2, 3)]
    assert sum(box.coverage for box in boxes) > 0.95
    assert not (boxes[0].contains(points) & boxes[1].contains(points) & ~first).any()
    held = boxes[1].contains(points) & ~boxes[0].contains(points)
    assert boxes[1].coverage == (first | second)[held].sum() / (first | second).sum()
    assert boxes[1].mass == held.mean()


def test_no_box_is_smaller_than_a_twentieth_of_all_points() -> None:
    points = np.random.default_rng(5).random((2000, 3))
    cases, left = (points[:, 0] > 0.995).astype(np.float64), points[:, 1] < 0.6
    for peeling in (peel(points, cases), peel(points, cases, left=left)):
        assert SMALLEST <= peeling.mass[-1] < 1.06 * SMALLEST


def test_of_equal_cuts_the_one_is_made_that_limits_no_further_factor() -> None:
    values = np.random.default_rng(6).random(1000)
    peeling = peel(np.stack([values, values], axis=1), (values > 0.7).astype(np.float64))
    assert peeling.restricted[-1] == 1
    assert np.isinf(peeling.limits[-1, :, 1]).all()


def test_levels_of_a_switch_are_cut_between_them() -> None:
    rng = np.random.default_rng(7)
    points = np.stack([rng.integers(0, 4, 1000), rng.integers(0, 4, 1000)], axis=1).astype(float)
    cases = (points[:, 0] == 3) & (points[:, 1] < 2)
    (box,) = find_boxes(points, cases.astype(np.float64))
    np.testing.assert_array_equal(box.limits, [[2.5, -np.inf], [np.inf, 1.5]])


def test_quasi_p_is_the_chance_of_so_many_cases_at_the_density_without_the_limit() -> None:
    """As a sum of the binomial distribution, with undecided points, which count as half."""
    rng = np.random.default_rng(8)
    points = rng.random((101, 3))
    cases = np.where((points[:, 1] > 0.6) & (points[:, 0] < 0.7), 1.0, 0.0)
    cases[::4] = 0.5
    box = find_boxes(points, cases)[0]
    held = box.contains(points)
    for end, column in np.argwhere(np.isfinite(box.limits)):
        opened = box.limits.copy()
        opened[end, column] = (-np.inf, np.inf)[end]
        wider = ((points >= opened[0]) & (points <= opened[1])).all(axis=1)
        count, least = int(held.sum()), math.ceil(cases[held].sum())
        p = cases[wider].mean()
        ways = [(k, math.comb(count, k)) for k in range(least, count + 1)]
        chance = math.fsum(ways_of_k * p**k * (1 - p) ** (count - k) for k, ways_of_k in ways)
        assert box.quasi_p[end, column] == pytest.approx(chance, rel=1e-9)
        assert chance <= 0.05


def test_where_most_points_are_cases_a_box_is_half_way_from_them_to_all() -> None:
    steps = np.arange(1, 4001)
    points = np.modf(steps[:, None] * np.sqrt([2, 3]))[0]
    corner = (points[:, 0] > 0.5) & (points[:, 1] > 0.5)
    cases = corner | (np.modf(steps * np.sqrt(23))[0] < 0.85)
    box = find_boxes(points, cases.astype(np.float64))[0]
    assert box.restricted == (0, 1)
    assert box.density > (1 + cases.mean()) / 2 > 0.94


def test_what_is_denser_than_the_rest_but_not_than_the_whole_is_no_box() -> None:
    rng = np.random.default_rng(10)
    points = rng.random((2000, 3))
    second = (points[:, 1] > 0.8) & (rng.random(2000) < 0.3)
    boxes = find_boxes(points, ((points[:, 0] > 0.5) | second).astype(np.float64))
    assert [box.restricted for box in boxes] == [(0,)]


def test_pasting_widens_a_box_as_long_as_it_becomes_denser() -> None:
    points = np.arange(100.0)[:, None]
    cases = ((points >= 40) & (points < 60))[:, 0].astype(np.float64)
    pasted = prim._Search(points, cases, 20.0).pasted(np.array([[44.5], [64.5]]))
    np.testing.assert_array_equal(pasted, [[39.5], [64.5]])


def test_nothing_is_found_where_cases_are_spread_by_chance() -> None:
    rng = np.random.default_rng(4)
    points, cases = rng.random((1000, 40)), (rng.random(1000) < 0.4).astype(np.float64)
    noise = restriction_frequencies(points, cases)
    corner = restriction_frequencies(points, (points[:, 5] > 0.7).astype(np.float64))
    assert noise.max() < 0.8
    assert corner[5] == 1.0
    assert np.delete(corner, 5).max() < 0.2
