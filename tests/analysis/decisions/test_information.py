"""The value of information where it can be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from plansim.analysis.decisions.information import value_of_information


def test_it_is_that_of_a_choice_that_hangs_on_one_unknown() -> None:
    # To act is worth x + noise, x even between -1 and 1, and not to act nothing. Who knows x acts
    # where it is positive: E[max(x, 0)] = 1/4.
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, (4000, 3))
    utilities = np.stack([np.zeros(4000), points[:, 1] + rng.normal(0, 0.5, 4000)])
    values, errors = value_of_information(utilities, points)
    assert values[1] == pytest.approx(0.25, abs=0.02)
    assert values[1] > 10 * errors[1]
    assert np.delete(values, 1).max() < 0.01


def test_what_one_policy_is_better_in_everywhere_is_worth_nothing_to_know() -> None:
    rng = np.random.default_rng(2)
    points = rng.uniform(0, 1, (1000, 2))
    utilities = np.stack([points[:, 0], points[:, 0] + 2 + 0.1 * points[:, 1]])
    values, _ = value_of_information(utilities, points)
    assert values.max() < 1e-9


def test_a_switch_is_worth_what_its_two_means_say() -> None:
    """Of two values no polynomial says more, and of one value nothing can be known."""
    rng = np.random.default_rng(3)
    switch = rng.random(500) < 0.3
    gain = np.where(switch, 2.0, -1.0) + rng.normal(0, 3, 500)

    def worth(switch: np.ndarray, gain: np.ndarray) -> float:
        """Who knows the switch acts where it gains in the mean."""
        parts = [max(gain[part].mean(), 0) * part.mean() for part in (switch, ~switch)]
        return float(sum(parts) - max(gain.mean(), 0))

    by_chance = np.mean([worth(rng.permutation(switch), gain) for _ in range(500)])
    again = [worth(switch[drawn], gain[drawn]) for drawn in rng.integers(500, size=(500, 500))]
    points = np.stack([switch, np.full(500, 7.0)], axis=1)
    values, errors = value_of_information(np.stack([np.zeros(500), gain]), points)
    assert values[0] == pytest.approx(worth(switch, gain) - by_chance, abs=0.02)
    assert errors[0] == pytest.approx(np.std(again), rel=0.25)
    assert values[1] == 0.0
