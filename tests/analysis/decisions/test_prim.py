"""PRIM against another program's trajectory, and against boxes that are known."""

from __future__ import annotations

import numpy as np
import pytest

from plansim.analysis.decisions.prim import find_boxes, peel, restriction_frequencies
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
    first = find_boxes(points, cases)[0]
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


def test_nothing_is_found_where_cases_are_spread_by_chance() -> None:
    rng = np.random.default_rng(4)
    points, cases = rng.random((1000, 40)), (rng.random(1000) < 0.4).astype(np.float64)
    noise = restriction_frequencies(points, cases)
    corner = restriction_frequencies(points, (points[:, 5] > 0.7).astype(np.float64))
    assert noise.max() < 0.8
    assert corner[5] == 1.0
    assert np.delete(corner, 5).max() < 0.2
