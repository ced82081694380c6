"""Functions of whole vectors, held to numpy and PySD; macros, held to equations written out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

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
from plansim.compiler.ir import Graph
from plansim.engine.simulate import simulate
from plansim.errors import ModelError
from plansim.model.reader import load_model
from plansim.model.records import Integration
from plansim.scenario.scenario_file import as_written
from tests.helpers import reference
from tests.helpers.clock import by

CLOCK = """
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 5 ~ Year ~|
TIME STEP= 0.25 ~ Year ~|
SAVEPER= 0.5 ~ Year ~|
"""
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
        node = selected(g, g.list(chosen), g.list(values), g.number(-7), g.number(action), 0)
        assert g.value(node) == pytest.approx(right if taken.any() else -7, rel=1e-12)
    for error, wrong in ((1, not taken.any()), (2, taken.sum() > 1), (3, taken.sum() != 1)):
        node = selected(g, g.list(chosen), g.list(values), g.number(-7), g.number(0), error)
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


def write(folder: Path, text: str) -> Path:
    path = folder / "small.mdl"
    path.write_text(text + CLOCK, "utf-8")
    return path


def test_a_market_and_kinds_that_change_with_time(tmp_path: Path) -> None:
    text = """
buyer: b1, b2 ~~|
seller: s1, s2, s3 ~~|
profile: ptype, ppriority, pwidth, pextra ~~|
k= MIN(4, INTEGER(Time)) ~~|
want[buyer]= 200, 50 ~~|
wish[buyer,ptype]= k ~~|
wish[buyer,ppriority]= 0.1, 0.9 ~~|
wish[buyer,pwidth]= 0.5 ~~|
wish[buyer,pextra]= 0 ~~|
got[buyer]= ALLOCATE AVAILABLE(want[buyer], wish[buyer,ptype], 100) ~~|
have[seller]= 10, 30, 45 ~~|
mind[seller,profile]= 1, 1, 1, 0; 1, 2, 1, 0; 1, 3, 1, 0; ~~|
asked[buyer]= 50, 30 ~~|
hope[buyer,profile]= 1, 1, 1, 0; 1, 2, 1, 0; ~~|
price= FIND MARKET PRICE(asked[b1], hope[b1,ptype], have[s1], mind[s1,ptype]) ~~|
sold[seller]= SUPPLY AT PRICE(have[seller], mind[seller,ptype], price) ~~|
bought[buyer]= DEMAND AT PRICE(asked[buyer], hope[buyer,ptype], price) ~~|
"""
    found = simulate(load_model(write(tmp_path, text), strict=False), cache=False)
    price = 1.5 + 20 / 60  # where 30 (2.5 - p) = 10 + 30 (p - 1.5)
    np.testing.assert_allclose(found["price"], price)
    np.testing.assert_allclose(found["sold"][0], [10, 30 * (price - 1.5), 0])
    np.testing.assert_allclose(found["bought"][0], [0, 30 * (2.5 - price)])
    got = found["got"].sel(time=[0, 1], buyer="b1")
    np.testing.assert_allclose(got, [80, 50])
    for kind in (2, 3):
        path = write(tmp_path, text.replace("k= MIN(4, INTEGER(Time))", f"k= {kind}"))
        still = simulate(load_model(path, strict=False), cache=False)["got"]
        np.testing.assert_allclose(found["got"].sel(time=kind), still[0], rtol=1e-9)


def test_a_model_allocates_by_profiles(tmp_path: Path) -> None:
    model = load_model(
        write(
            tmp_path,
            """
user: u1, u2, u3 ~~|
profile: ptype, ppriority, pwidth, pextra ~~|
request[user]= 2 + Time, 3, 1.5 ~ Dmnl ~|
request[user]= 2, 3, 1.5 ~ Dmnl ~|
priority[user,ptype]= 1, 2, 3 ~ Dmnl ~|
priority[user,ppriority]= 3, 2, 1 ~ Dmnl ~|
priority[user,pwidth]= 2, 2, 1.5 ~ Dmnl ~|
priority[user,pextra]= 0 ~ Dmnl ~|
given[user]= ALLOCATE AVAILABLE(request[user], priority[user,ptype], 1 + Time) ~ Dmnl ~|
""".replace("request[user]= 2 + Time, 3, 1.5 ~ Dmnl ~|\n", ""),
        ),
        strict=False,
    )
    ours, theirs = simulate(model, cache=False), reference.simulate(model, cache=False)
    np.testing.assert_allclose(ours["given"], theirs["given"], atol=1e-6)
    expected = np.minimum(1 + ours.time, 6.5)
    np.testing.assert_allclose(ours["given"].sum("user"), expected, rtol=1e-12)


def test_elements_are_mapped_and_tables_go_on_beyond_their_ends(tmp_path: Path) -> None:
    text = """
stage: s1, s2, s3 ~~|
outflow[stage]= inflow[stage]*2 ~ Dmnl ~|
inflow[stage]= IF THEN ELSE(stage = 1, Time, VECTOR ELM MAP(outflow[stage], -1)) ~ Dmnl ~|
other[stage]= VECTOR ELM MAP(outflow[s1], MODULO(Time, 3)) ~ Dmnl ~|
kind: k1, k2 ~~|
grid[kind, stage]= 3*kind + stage + Time ~ Dmnl ~|
all of it[kind, stage]= VECTOR ELM MAP(grid[k1, s1], (kind-1)*ELMCOUNT(stage) + stage - 1) ~ Dmnl ~|
moving= VECTOR ELM MAP(grid[k1, s2], MODULO(Time, 5)) ~ Dmnl ~|
table((1,2),(2,4),(3,3)) ~ Dmnl ~|
beyond= LOOKUP EXTRAPOLATE(table, Time) ~ Dmnl ~|
ahead= LOOKUP FORWARD(table, Time) ~ Dmnl ~|
back= LOOKUP BACKWARD(table, Time) ~ Dmnl ~|
jumps((0,1),(2,1),(2,3),(2,5),(4,7)) ~ Dmnl ~|
jumping= jumps(Time) ~ Dmnl ~|
single((3,4)) ~ Dmnl ~|
flat= single(Time) ~ Dmnl ~|
"""
    model = load_model(write(tmp_path, text), strict=False)
    found = simulate(model, cache=False)
    time = found.time.to_numpy()
    flows = np.stack([2 * time, 4 * time, 8 * time], axis=1)
    np.testing.assert_allclose(found["outflow"], flows)
    picked = flows[np.arange(len(time)), (time % 3).astype(int)]
    np.testing.assert_allclose(found["other"], np.stack([picked] * 3, axis=1))
    np.testing.assert_array_equal(found["all of it"], found["grid"])
    grid = found["grid"].to_numpy().reshape(len(time), 6)
    at = 1 + (time % 5).astype(int)
    np.testing.assert_array_equal(found["moving"], grid[np.arange(len(time)), at])
    inside = np.interp(time, [1, 2, 3], [2, 4, 3])
    expected = inside + 2 * np.minimum(0, time - 1) - np.maximum(0, time - 3)
    np.testing.assert_allclose(found["beyond"], expected)
    behind = np.searchsorted([1, 2, 3], time, side="right")
    np.testing.assert_array_equal(found["back"], np.array([2, 2, 4, 3])[behind])
    before = np.searchsorted([1, 2, 3], time, side="left")
    np.testing.assert_array_equal(found["ahead"], np.array([2, 4, 3, 3])[before])
    np.testing.assert_allclose(found["jumping"], np.interp(time, [0, 2, 2, 2, 4], [1, 1, 3, 5, 7]))
    np.testing.assert_array_equal(found["flat"], 4)


# --- macros ---------------------------------------------------------------------------------------

MACROS = """{UTF-8}
:MACRO: FILLED(rate, start)
FILLED = INTEG(inflow, start)
\t~\tDmnl
\t~\tA stock of its own. |
inflow = rate*FILLED/span + IF THEN ELSE(Time$ > 1.1, 0.1, 0) ~ Dmnl ~|
span = 2 ~ Dmnl ~|
:END OF MACRO:
:MACRO: TWICE(x, y)
TWICE = FILLED(x, y) + k$*FILLED(x*2, y) + curve(x)*SMOOTHI(x, 2, y) ~ Dmnl ~|
curve((0,1),(1,3)) ~ Dmnl ~|
:END OF MACRO:
k = 0.3 ~ Dmnl ~|
"""
CALLS = """
part: p, q ~~|
rate[part] = 0.1, 0.2 ~ Dmnl ~|
scalar = TWICE(SIN(Time), 1 + k) ~ Dmnl ~|
array[part] = FILLED(rate[part], 2) + 0.5*FILLED(rate[part]*Time, 1) ~ Dmnl ~|
summed = SUM(FILLED(rate[part!], 2)) ~ Dmnl ~|
loop = INTEG(FILLED(-0.1*loop, 1) - 0.2*loop, 1) ~ Dmnl ~|
"""
WRITTEN_OUT = """
part: p, q ~~|
k = 0.3 ~ Dmnl ~|
rate[part] = 0.1, 0.2 ~ Dmnl ~|
late = IF THEN ELSE(Time > 1.1, 0.1, 0) ~ Dmnl ~|
curve((0,1),(1,3)) ~ Dmnl ~|
one = INTEG(SIN(Time)*one/2 + late, 1 + k) ~ Dmnl ~|
two = INTEG(2*SIN(Time)*two/2 + late, 1 + k) ~ Dmnl ~|
scalar = one + k*two + curve(SIN(Time))*SMOOTHI(SIN(Time), 2, 1 + k) ~ Dmnl ~|
first[part] = INTEG(rate[part]*first[part]/2 + late, 2) ~ Dmnl ~|
second[part] = INTEG(rate[part]*Time*second[part]/2 + late, 1) ~ Dmnl ~|
array[part] = first[part] + 0.5*second[part] ~ Dmnl ~|
summed = SUM(first[part!]) ~ Dmnl ~|
filled = INTEG(-0.1*loop*filled/2 + late, 1) ~ Dmnl ~|
loop = INTEG(filled - 0.2*loop, 1) ~ Dmnl ~|
"""


@pytest.mark.parametrize("method", Integration)
def test_macros_are_their_equations_at_each_call(tmp_path: Path, method: Integration) -> None:
    model = load_model(write(tmp_path, MACROS + CALLS), strict=False)
    assert "FILLED" not in model.variables
    found = simulate(model, by(as_written(model), method), cache=False)
    plain = load_model(write(tmp_path, WRITTEN_OUT), strict=False)
    expected = simulate(plain, by(as_written(plain), method), cache=False)
    for name in ("scalar", "array", "summed", "loop"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            ":MACRO: M(a)\nM = a + b ~~|\n:END OF MACRO:\nx = M(1) ~~|",
            "2: no variable is called 'b', in 'M'",
        ),
        (
            ":MACRO: M(a)\nM = a ~~|\n:END OF MACRO:\nx = M(1, 2) ~~|",
            "4: M has the wrong number of arg",
        ),
        (
            ":MACRO: M(a)\nN = a ~~|\n:END OF MACRO:\nx = 1 ~~|",
            "1: no equation gives the value of the macro 'M'",
        ),
        (
            "x = 1 ~~|\n:MACRO: M(a)\nM = a ~~|\n",
            "2: a macro cannot be read; expected :MACRO: name(",
        ),
        (
            ":MACRO: M(a : b)\nM = a ~~|\n:END OF MACRO:\nx = 1 ~~|",
            "1: no equation gives 'b' of the macro 'M'",
        ),
        (
            ":MACRO: M(a : b)\nM = a ~~|\nb = a ~~|\n:END OF MACRO:\nx = M(1: y, z) ~~|",
            "5: M has the wrong number of outputs; expected 1; found 2",
        ),
        (":MACRO: M(a)\nM = a + * ~~|\n:END OF MACRO:\nx = 1 ~~|", "2: an operand is missing"),
    ],
)
def test_what_is_wrong_with_a_macro_is_one_fault(tmp_path: Path, text: str, fault: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ModelError) as refusal:
        load_model(path, strict=False)
    (one,) = refusal.value.faults
    assert str(one).startswith(f"{path}:{fault}")


# --- delays that are shorter than their stages ----------------------------------------------------


@pytest.mark.parametrize("lasts", [0.1, 0.5, 0.7, 1.0, 3.0])
def test_the_order_of_delay_n_is_lowered(tmp_path: Path, lasts: float) -> None:
    text = f"x = DELAY N(STEP(1, 1), {lasts}, 0, 5) ~ Dmnl ~|\n"
    model = load_model(write(tmp_path, text), strict=False)
    found = simulate(model, cache=False)["x"]
    order = max(1, min(5, int(lasts / 0.25)))
    model = load_model(write(tmp_path, text.replace(" 5)", f" {order})")), strict=False)
    np.testing.assert_array_equal(found, simulate(model, cache=False)["x"])
    if order * 0.25 <= lasts:
        np.testing.assert_allclose(found, reference.simulate(model, cache=False)["x"], rtol=1e-12)
