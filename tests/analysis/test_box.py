"""A box of levers: what is looked at, and slopes."""

from __future__ import annotations

import numpy as np
import pytest

from plansim.analysis.optimization.search_space import BROKEN, Found, look_over, slopes_at


def test_a_box_is_looked_over_evenly_at_its_middle_and_at_more_places() -> None:
    seen = look_over(lambda p: np.where(p < 0.5, np.nan, -p), 1, points=60, more=np.array([[0.7]]))
    assert seen.places[0] == 0.5
    assert seen.places[-1] == 0.7
    (even,) = np.histogram(seen.places[1:-1], np.linspace(0, 1, 9))[:1]
    assert even.tolist() == [8] * 8, "rounded up to a power of two"
    assert (seen.values[seen.places < 0.5] == BROKEN).all()
    assert (seen.values == -seen.places)[seen.places >= 0.5].all()
    assert look_over(lambda p: np.ones((len(p), 1)), 0).values.tolist() == [[1.0], [1.0]]


def test_samples_are_added_to() -> None:
    seen = look_over(lambda p: p * 2, 1, points=2)
    more = seen.also(Found(each.place, each.values + 1) for each in seen.each())
    assert more.places.tolist() == [*seen.places.tolist()] * 2
    assert more.values.tolist() == [*seen.values.tolist(), *(seen.values + 1).tolist()]


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
