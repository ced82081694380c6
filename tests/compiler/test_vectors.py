"""Functions of whole vectors, held to numpy and PySD."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pysd.py_backend.allocation import _allocate_available_1d, _allocate_by_priority_1d

from plansim.compiler.functions.vectors import (
    Curve,
    allocated,
    inverse,
    market_price,
    ranks,
    reordered,
    selected,
    sort_order,
    supplied,
)
from plansim.compiler.graph import Graph

NUMBERS = st.lists(st.floats(-5, 5), min_size=1, max_size=6)
AMOUNTS = st.lists(
    st.tuples(st.floats(0.1, 5), st.floats(0, 10), st.floats(0.5, 4)), min_size=1, max_size=5
)


class Folding(Graph):
    """A graph that is asked for numbers."""

    def list(self, values: Iterable[float]) -> list[int]:
        return [self.number(value) for value in values]

    def values(self, nodes: Sequence[int]) -> NDArray[np.float64]:
        found = [self.value(node) for node in nodes]
        return np.array(found, dtype=np.float64)


@given(NUMBERS)
def test_sorting_is_that_of_numpy(numbers: list[float]) -> None:
    g = Folding()
    vector = g.list(numbers)
    upward = np.argsort(numbers, kind="stable")
    np.testing.assert_array_equal(g.values(sort_order(g, vector, g.number(1))), upward)
    np.testing.assert_array_equal(g.values(sort_order(g, vector, g.number(0))), upward[::-1])
    order = g.list(upward.astype(float))
    np.testing.assert_array_equal(g.values(reordered(g, vector, order)), np.sort(numbers))
    np.testing.assert_array_equal(g.values(ranks(g, vector, g.number(2))), np.argsort(upward))
    beyond = reordered(g, vector, g.list([-1.0, len(numbers)]))
    assert np.isnan(g.values(beyond)).all()


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.0, 1.0, 2.0]), st.floats(0.5, 5)), min_size=1))
def test_selections_are_those_of_numpy(pairs: list[tuple[float, float]]) -> None:
    g = Folding()
    chosen, values = np.array(pairs).T
    taken = chosen != 0
    both, plain = (chosen * values)[taken], values[taken]
    expected = [both.sum(), both.prod(), np.min, np.max, np.mean, (plain ** chosen[taken]).prod()]
    expected[2:5] = [function(both) if taken.any() else -7 for function in expected[2:5]]
    expected += [
        plain.sum(),
        plain.prod(),
        *(f(plain) if taken.any() else -7 for f in (np.min, np.max, np.mean)),
    ]
    for action, right in enumerate(expected):
        node = selected(g, g.list(chosen), g.list(values), g.number(-7), action, 0)
        assert g.value(node) == pytest.approx(right if taken.any() else -7, rel=1e-12)
    for error, wrong in ((1, not taken.any()), (2, taken.sum() > 1), (3, taken.sum() != 1)):
        node = selected(g, g.list(chosen), g.list(values), g.number(-7), 0, error)
        assert np.isnan(g.values([node])[0]) == wrong


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_an_inverse_is_that_of_numpy(size: int, seed: int) -> None:
    g = Folding()
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    matrix[np.random.default_rng(seed).random((size, size)) < 0.3] = 0  # so that pivots are needed
    if abs(np.linalg.det(matrix)) < 1e-3:
        return
    found = np.array([g.values(row) for row in inverse(g, [g.list(row) for row in matrix])])
    np.testing.assert_allclose(found @ matrix, np.eye(size), atol=1e-9)


def curves(g: Folding, *parts: Iterable[float]) -> list[Curve]:
    return [Curve(*g.list(row)) for row in zip(*parts, strict=True)]


@settings(deadline=None, max_examples=20)
@given(AMOUNTS, AMOUNTS, st.integers(1, 4), st.integers(0, 4))
def test_at_the_price_of_a_market_as_much_is_supplied_as_is_demanded(
    wanted: list[tuple[float, float, float]],
    offered: list[tuple[float, float, float]],
    kind: int,
    other: int,
) -> None:
    g = Folding()
    demand, supply = (
        curves(g, amounts, [k] * len(amounts), priorities, widths)
        for k, (amounts, priorities, widths) in zip(
            (kind, other), (np.array(rows).T for rows in (wanted, offered)), strict=True
        )
    )
    price = market_price(g, demand, supply)
    taken = g.values([curve.at(g, price) for curve in demand]).sum()
    given = g.values([supplied(g, curve, price) for curve in supply]).sum()
    most = sum(row[0] for row in offered)
    if other or most < sum(row[0] for row in wanted):  # else there is no price
        assert taken == pytest.approx(given, rel=1e-6, abs=1e-6 * most)


@settings(deadline=None, max_examples=20)
@given(AMOUNTS, st.floats(0.01, 1.2), st.data())
def test_allocations_use_up_the_supply_as_pysd_s_do(
    requests: list[tuple[float, float, float]], share: float, data: st.DataObject
) -> None:
    g = Folding()
    amounts, priorities, widths = np.array(requests).T
    supply = share * amounts.sum()
    kinds = data.draw(st.lists(st.integers(1, 4), min_size=len(amounts), max_size=len(amounts)))
    found = g.values(allocated(g, curves(g, amounts, kinds, priorities, widths), g.number(supply)))
    assert found.sum() == pytest.approx(min(supply, amounts.sum()), rel=1e-9)
    assert (found >= 0).all()
    assert (found <= amounts).all()
    profiles = np.column_stack([kinds, priorities, widths, np.zeros(len(amounts))])
    try:
        theirs = np.array(_allocate_available_1d(amounts, profiles, supply))
    except (UnboundLocalError, ValueError):  # it does not find an interval for some
        return
    if abs(theirs.sum() - found.sum()) < 1e-6 * amounts.sum():
        np.testing.assert_allclose(found, theirs, atol=1e-5 * amounts.sum())


@given(AMOUNTS, st.floats(0.01, 1.2))
def test_allocations_by_priority_are_those_of_pysd(
    requests: list[tuple[float, float, float]], share: float
) -> None:
    g = Folding()
    amounts, priorities, widths = np.array(requests).T
    priorities = np.unique(priorities.round(2))  # PySD divides by zero where some are equal
    amounts = amounts[: len(priorities)]
    width, supply = widths[0], share * amounts.sum()
    alike = [np.full(len(amounts), number) for number in (1, width)]
    ours = curves(g, amounts, alike[0], priorities, alike[1])
    found = g.values(allocated(g, ours, g.number(supply)))
    theirs = _allocate_by_priority_1d(amounts, priorities, width, supply)
    np.testing.assert_allclose(found, theirs, atol=1e-9 * amounts.sum())
