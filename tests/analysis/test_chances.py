"""Which targets keep all from holding together, against every set that could be left out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from plansim.analysis.optimization.chances import MOST_TARGETS, fewest_left_out


@pytest.mark.parametrize("seed", range(4))
def test_no_other_set_of_so_many_would_help_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    common = rng.random((500, 1))
    # Some fail together, some apart, one never, one always.
    holds = np.hstack(
        [common > 0.4, common > 0.5, rng.random((500, 4)) > [0.1, 0.3, 0.6, 0.2],
         np.ones((500, 1)), np.zeros((500, 1))]
    ).astype(bool)  # fmt: skip
    found = fewest_left_out(holds)
    columns = range(holds.shape[1])
    for size, (left_out, share) in enumerate(found, start=1):
        assert len(left_out) == size
        shares = {
            each: float(np.delete(holds, each, axis=1).all(axis=1).mean())
            for each in itertools.combinations(columns, size)
        }
        assert share == pytest.approx(max(shares.values()))
        assert shares[left_out] == pytest.approx(share)
    assert found[0][0] == (7,), "what never holds goes first"
    assert found[-1][1] == pytest.approx(1.0)
    assert all(6 not in left_out for left_out, _ in found), "what always holds need not go"


def test_targets_that_fail_together_go_together() -> None:
    rng = np.random.default_rng(1)
    common, apart = rng.random(1000) > 0.5, rng.random(1000) > 0.2
    found = fewest_left_out(np.stack([common, apart, common], axis=1))
    assert [each for each, _ in found] == [(1,), (0, 2), (0, 1, 2)]
    assert found[1][1] == pytest.approx(apart.mean())


def test_of_very_many_targets_the_ones_missed_most_are_looked_at() -> None:
    rng = np.random.default_rng(2)
    holds = rng.random((400, MOST_TARGETS + 4)) > np.linspace(0.3, 0.01, MOST_TARGETS + 4)
    found = fewest_left_out(holds)
    assert found[0][0][0] < MOST_TARGETS
    assert found[-1][1] < 1, "the others still fail"
    assert [share for _, share in found] == sorted(share for _, share in found)


def test_nothing_needs_to_go_where_all_hold() -> None:
    assert fewest_left_out(np.ones((10, 3), dtype=bool)) == []
