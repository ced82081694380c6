"""Scenarios at equal draws: counts by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plansim.analysis.sensitivity.ranking import rank


def test_scenarios_are_counted_draw_by_draw() -> None:
    met = np.array(
        [  # scenario, target, draw
            [[True, True, True, False], [True, False, False, False]],
            [[True, True, True, True], [True, True, True, False]],
        ]
    )
    margins = np.where(met, 1.0, -1.0)
    margins[1, 0] += 0.5
    found = rank(["a", "b"], ["x", "y"], met, margins)
    assert [(each.scenario, each.met, each.low, each.high) for each in found.places] == [
        ("b", 7 / 4, 1, 2),
        ("a", 4 / 4, 0, 2),
    ]
    (pairing,) = found.pairings
    assert (pairing.ahead, pairing.behind) == ("b", "a")
    assert (pairing.more, pairing.equal, pairing.fewer) == (3 / 4, 1 / 4, 0)
    assert pairing.margins == {"x": 1.0, "y": (2 + 2 / 2) / 4}
    assert pairing.stable
    assert found.stable
    assert found.draws == 4


@pytest.mark.parametrize(("turned", "stable"), [(5, True), (6, False), (40, False)])
def test_an_order_that_is_often_turned_round_is_fragile(turned: int, stable: bool) -> None:
    first, second = np.ones(100, bool), np.zeros(100, bool)
    first[:turned], second[:turned] = False, True
    met = np.stack([first, second])[:, None]
    found = rank(["a", "b"], ["x"], met, met.astype(float))
    assert found.places[0].scenario == "a"
    assert found.pairings[0].fewer == turned / 100
    assert found.stable is stable


def test_equal_scenarios_have_no_order() -> None:
    met = np.ones((2, 1, 10), bool)
    assert not rank(["a", "b"], ["x"], met, met.astype(float)).stable


def test_a_draw_that_breaks_one_scenario_counts_for_none() -> None:
    met = np.array([[[True, True]], [[False, True]]])
    margins = np.array([[[1.0, 1.0]], [[math.nan, 1.0]]])
    found = rank(["a", "b"], ["x"], met, margins)
    assert found.draws == 1
    assert found.pairings[0].equal == 1
