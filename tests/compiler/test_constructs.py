"""What the language of Vensim has, construct by construct: against closed formulas and PySD."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import xarray as xr

from plansim.compiler.lower import lower
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import compile_model
from plansim.engine.simulate import simulate
from plansim.errors import ModelError, SimulationError
from plansim.model.records import Model
from plansim.output.export.export import export
from plansim.output.words.language import Lang, say_in

Load = Callable[..., Model]
Array: TypeAlias = "np.ndarray | float"
Expected: TypeAlias = "Mapping[str, Array | list[float] | str]"
"""By variable, its values over time, or the name of another that has the same."""

CLOCK = "INITIAL TIME= 0 ~Year~|\nFINAL TIME= 8 ~Year~|\nTIME STEP= 0.5 ~Year~|\nSAVEPER= 0.5 ~~|\n"
T = np.arange(0, 8.5, 0.5)
STEPS = np.arange(len(T))


def run(model: Model) -> xr.Dataset:
    return simulate(model, cache=False)


def stepwise(start: float, follow: Callable[[float, int], float]) -> np.ndarray:
    values = [start]
    for i in range(len(T) - 1):
        values.append(follow(values[-1], i))
    return np.array(values)


WATER = 6 - 4 * 0.75**STEPS
LAKE = np.outer(0.875**STEPS, [-2, -6]) + np.array([4, 8])
WAVE = 2 * np.cos(2 * T)
DISCOUNTED = (1 + T) * 0.5 / (1 + 0.08 * 0.5) ** STEPS
FLOWS = np.stack([2 * T, 4 * T, 8 * T], axis=1)
GRID = 3 * np.array([[1], [2]]) + np.array([1, 2, 3]) + T[:, None, None]
PRICE = 1.5 + 20 / 60  # where 30 (2.5 - p) = 10 + 30 (p - 1.5)
BOUGHT, SPENT = ((start <= T) & (start + 3 > T) for start in (1, 2))

CASES: Mapping[str, tuple[str, Expected]] = {
    "a chain of elements of one array": (
        "level: (level1-level3) ~~|\nx[level1]= Time ~~|\nx[level2]= x[level1] + 1 ~~|\n"
        "x[level3]= x[level2]*2 ~~|",
        {"x": np.stack([T, T + 1, 2 * T + 2], axis=1)},
    ),
    # PySD drops the brackets and gives -4; of two keywords it takes the last first.
    "a bracketed negative number": ("x= (-2)^2 + 0*Time ~~|", {"x": 4.0}),
    "AND binds closer than OR": (
        "x= IF THEN ELSE(Time < 2 :AND: Time > 9 :OR: Time < 3, 1, 0) ~~|",
        {"x": T < 3},
    ),
    "subscripts as numbers": (
        "part: north, south ~~|\nall: west, north, south ~~|\ny[part]= part + 0*Time ~~|\n"
        "x= ELMCOUNT(part) + 10*south + 0*Time ~~|\n",
        {"x": 32.0, "y": [2.0, 3.0]},
    ),
    "another name of a range counts for itself": (
        "all: one, part, four ~~|\npart: two, three ~~|\nalso <-> part ~~|\ncopy: part ~~|\n"
        "x[part]= part ~~|\ny[also]= also ~~|\nz[copy]= copy ~~|",
        {"x": [2, 3], "y": [1, 2], "z": [2, 3]},
    ),
    "a mapping by elements and sub-ranges": (
        "Place: north, south, east ~~|\nZone: warm, cold -> (Place: Rest, north) ~~|\n"
        "Half: upper, lower -> (Place: Top, Rest) ~~|\nTop: north ~~|\nRest: south, east ~~|\n"
        "heat[warm]= 30 ~~|\nheat[cold]= 5 ~~|\nat[Place]= heat[Zone] ~~|\n"
        "side[upper]= 1 ~~|\nside[lower]= 2 ~~|\nof[Place]= side[Half] ~~|",
        {"at": [5, 30, 30], "of": [1, 2, 2]},
    ),
    "names, keywords and numbers in any way": (
        "Place: North, South ~~|\nx[place]= 007 ~~|\nz= y[NORTH] ~~|\n"
        "y[PLACE]= if then else(x[pLace] > 3 :and: :Not: Time > 2, x[place], 0) ~~|\n",
        {"z": np.where(T > 2, 0, 7)},
    ),
    "tables of DYNAMO, and remarks": (
        "curve(0, 2, 4, 1, 3, 0) ~~|\nat= curve( {of {the} year} Time) {done} ~~|\n",
        {"at": np.interp(T, [0, 2, 4], [1, 3, 0])},
    ),
    "a table called as functions are": (
        "k: a, b ~~|\nlookup of k[a]((0,0),(4,8)) ~~|\nlookup of k[b]((0,1),(4,1)) ~~|\n"
        "x[k]= lookup of k[k](Time) ~~|",
        {"x": np.stack([2 * np.minimum(T, 4), np.ones_like(T)], axis=1)},
    ),
    "macros with outputs are computed once": (
        """
:MACRO: TANK(inflow, lasts : outflow, full)
TANK= INTEG(inflow - outflow, 2) ~ inflow ~|
outflow= TANK/lasts ~ inflow ~|
full= IF THEN ELSE(TANK > brim$, 1, 0) ~ Dmnl ~|
:END OF MACRO:
brim= 4 ~~|
Place: north, south ~~|
water= TANK(3, 2 : drain, too full) ~~|
lake[Place]= TANK(Place, 4 : loss[Place], flag[Place]) ~~|
sum of flows= drain + SUM(loss[Place!]) ~~|
""",
        {
            "water": WATER,
            "drain": WATER / 2,
            "too full": WATER > 4,
            "lake": LAKE,
            "sum of flows": WATER / 2 + LAKE.sum(axis=1) / 4,
        },
    ),
    "what is missing": (
        "gone= IF THEN ELSE(Time < 2, :NA:, Time) ~~|\nworse= gone*2 ~~|\n"
        "counted= IF THEN ELSE(gone = :NA:, -1, gone) ~~|\n"
        "also counted= IF THEN ELSE(gone < -1e9, -1, gone) ~~|\n",
        {
            "gone": np.where(T < 2, np.nan, T),
            "worse": np.where(T < 2, np.nan, 2 * T),
            "counted": np.where(T < 2, -1, T),
            "also counted": "counted",
        },
    ),
    "a sample that refers to itself": (
        "wave= SIN(3*Time) ~~|\nhighest= SAMPLE IF TRUE(wave > highest, wave, wave) ~~|\n",
        {"highest": np.maximum.accumulate(np.sin(3 * T))},
    ),
    "delays that stay": (
        "wave= SIN(Time) ~~|\nlasts= 1.5 ~~|\nfixed= DELAY FIXED(wave, lasts, 4) ~~|\n"
        "goods= DELAY MATERIAL(wave, lasts, 4, 0) ~~|\nnews= DELAY INFORMATION(wave, lasts, 4) ~~|",
        {"fixed": np.where(T < 1.5, 4, np.sin(T - 1.5)), "goods": "fixed", "news": "fixed"},
    ),
    "DELAYP keeps what is under way": (
        "s: a, b ~~|\nin[s]= 5 + STEP(3, 2) ~~|\ntime in= 4 + STEP(2, 5) ~~|\n"
        "out[s]= DelayP (in[s], time in: under way[s]) ~~|\nsame[s]= DELAY3(in[s], time in) ~~|\n"
        "stock[s]= INTEG(in[s] - same[s], in[s]*time in) ~~|\n",
        {"out": "same", "under way": "stock"},
    ),
    "a bounded stock": (
        "wave= 2*COS(2*Time) ~~|\nplain= INTEG(wave, 1) ~~|\nread= kept*2 ~~|\n"
        "free= SINTEG(wave, 1, :NA:, :NA:, :NA:, :NA:, :NA:) ~~|\n"
        "kept= SINTEG(wave, 3, 0, 2, :NA:, :NA:, :NA:) ~~|\n"
        "sticky= SINTEG(wave, 1, :NA:, :NA:, :NA:, 0, 0.6) ~~|\n",
        {
            "free": "plain",
            "kept": (kept := stepwise(2, lambda v, i: min(2, max(0, v + WAVE[i] / 2)))),
            "read": 2 * kept,
            "sticky": stepwise(
                1, lambda v, i: 0.0 if abs(v + WAVE[i] / 2) < 0.6 else v + WAVE[i] / 2
            ),
        },
    ),
    "what is written off evenly": (
        "bought= IF THEN ELSE(Time = 1, 12, IF THEN ELSE(Time = 2, 6, 0)) ~~|\n"
        "off= DEPRECIATE STRAIGHTLINE(bought, 3, 0.5, 0) ~~|\n",
        {"off": BOUGHT * 2.0 + SPENT * 1.0},
    ),
    "present values": (
        "flow= 1 + Time ~~|\nvalue= NPV(flow, 0.08, -2, 3) ~~|\n"
        "late= NPVE(flow, 0.08, -2, 3) ~~|\n",
        {
            "value": (DISCOUNTED.cumsum() - 2) * 3,
            "late": ((DISCOUNTED / (1 + 0.08 * 0.5)).cumsum() - 2) * 3,
        },
    ),
    "the logarithm of gamma": (
        "x= 0.01 + Time^4 ~~|\nlog gamma= GAMMA LN(x) ~~|\n",
        {"log gamma": np.array([math.lgamma(0.01 + t**4) for t in T])},
    ),
    "sums that are the same for some elements, calls and phases, and others": (
        """
:MACRO: SCALED(by)
SCALED= SUM(x$[k!]*by) ~ by ~|
:END OF MACRO:
Place: north, south ~~|
Zone: warm, cold -> (Place: south, north) ~~|
k: a, b ~~|
x[k]= 1, 10 ~~|
n[Place]= 2, 3 ~~|
shared[Place]= SUM(x[k!]) ~~|
own[Place]= SUM(x[k!]*n[Place]) ~~|
mapped[Zone]= SUM(x[k!]*n[Place]) ~~|
drawn[Place]= SUM(x[k!]*RANDOM UNIFORM(0, 1, 1)) ~~|
alike= IF THEN ELSE(drawn[north] = drawn[south], 1, 0) ~~|
double= SCALED(2) ~~|
triple= SCALED(3) ~~|
moving= SUM(x[k!]*(2 + Time)) ~~|
begun= INITIAL(moving) + 0*Time ~~|
""",
        {
            "shared": 11,
            "own": [22, 33],
            "mapped": [33, 22],
            "alike": 0,
            "double": 22,
            "triple": 33,
            "moving": 11 * (2 + T),
            "begun": 22,
        },
    ),
    "a sum around a selection": (
        "Place: north, south, east ~~|\nHalf: upper, lower ~~|\nx[Place]= 2, 5, 3 ~~|\n"
        "y[Half]= 1, 10 ~~|\n"
        "some= SUM(y[Half!]*VECTOR SELECT(x[Place!], x[Place!], 0, 6, 0)) ~~|",
        {"some": 110},
    ),
    "an equation replaces A FUNCTION OF": (
        "s: a, b ~~|\nx= A FUNCTION OF( -y, nowhere) ~~|\nx[s]= y + 1 ~~|\n"
        "z= y ~~|\nz= A FUNCTION OF( ) ~~|\ny= 2 ~~|\n",
        {"x": [3, 3], "z": 2},
    ),
    "VECTOR ELM MAP, within an array and over rows": (
        """
stage: s1, s2, s3 ~~|
kind: k1, k2 ~~|
outflow[stage]= inflow[stage]*2 ~~|
inflow[stage]= IF THEN ELSE(stage = 1, Time, VECTOR ELM MAP(outflow[stage], -1)) ~~|
other[stage]= VECTOR ELM MAP(outflow[s1], MODULO(Time, 3)) ~~|
grid[kind, stage]= 3*kind + stage + Time ~~|
all of it[kind, stage]= VECTOR ELM MAP(grid[k1, s1], (kind-1)*ELMCOUNT(stage) + stage - 1) ~~|
moving= VECTOR ELM MAP(grid[k1, s2], MODULO(Time, 5)) ~~|
""",
        {
            "outflow": FLOWS,
            "other": np.stack([FLOWS[STEPS, (T % 3).astype(int)]] * 3, axis=1),
            "all of it": GRID,
            "moving": GRID.reshape(len(T), 6)[STEPS, 1 + (T % 5).astype(int)],
        },
    ),
    "tables beyond their ends, jumps and single points": (
        "table((1,2),(2,4),(3,3)) ~~|\nbeyond= LOOKUP EXTRAPOLATE(table, Time) ~~|\n"
        "ahead= LOOKUP FORWARD(table, Time) ~~|\nback= LOOKUP BACKWARD(table, Time) ~~|\n"
        "jumps((0,1),(2,1),(2,3),(2,5),(4,7)) ~~|\njumping= jumps(Time) ~~|\n"
        "single((3,4)) ~~|\nflat= single(Time) ~~|\n",
        {
            "beyond": np.interp(T, [1, 2, 3], [2, 4, 3])
            + 2 * np.minimum(0, T - 1)
            - np.maximum(0, T - 3),
            "ahead": np.array([2, 4, 3, 3])[np.searchsorted([1, 2, 3], T, side="left")],
            "back": np.array([2, 2, 4, 3])[np.searchsorted([1, 2, 3], T, side="right")],
            "jumping": np.interp(T, [0, 2, 2, 2, 4], [1, 1, 3, 5, 7]),
            "flat": 4,
        },
    ),
    "a market": (
        """
buyer: b1, b2 ~~|
seller: s1, s2, s3 ~~|
profile: ptype, ppriority, pwidth, pextra ~~|
have[seller]= 10, 30, 45 ~~|
mind[seller,profile]= 1, 1, 1, 0; 1, 2, 1, 0; 1, 3, 1, 0; ~~|
asked[buyer]= 50, 30 ~~|
hope[buyer,profile]= 1, 1, 1, 0; 1, 2, 1, 0; ~~|
price= FIND MARKET PRICE(asked[b1], hope[b1,ptype], have[s1], mind[s1,ptype]) ~~|
sold[seller]= SUPPLY AT PRICE(have[seller], mind[seller,ptype], price) ~~|
bought[buyer]= DEMAND AT PRICE(asked[buyer], hope[buyer,ptype], price) ~~|
""",
        {"price": PRICE, "sold": [10, 30 * (PRICE - 1.5), 0], "bought": [0, 30 * (2.5 - PRICE)]},
    ),
    "an action that changes": (
        "k: a, b ~~|\nx[k]= 2, 3 ~~|\n"
        "y= VECTOR SELECT(x[k!], x[k!], 0, IF THEN ELSE(Time < 2, 6, 7), 0) ~~|",
        {"y": np.where(T < 2, 5, 6)},
    ),
    "a market of normal profiles": (
        """
seller: s1, s2 ~~|
buyer: b1 ~~|
profile: ptype, ppriority, pwidth, pextra ~~|
have[seller]= 2 ~~|
mind[seller,profile]= 3, 10, 0, 0; 3, 11, 1, 0; ~~|
asked[buyer]= IF THEN ELSE(Time < 2, 0, 9) ~~|
hope[buyer,profile]= 0 ~~|
price= FIND MARKET PRICE(asked[b1], hope[b1,ptype], have[s1], mind[s1,ptype]) ~~|
wanted= DEMAND AT PRICE(1, mind[s1,ptype], 10.03) ~~|
""",
        {"price": np.where(T < 2, 6, 16), "wanted": 0.2742637460},
    ),
}

OF_TABLES = {
    "LOOKUP INVERT(up, -1)": np.nan,
    "LOOKUP INVERT(up, 0.5)": 0.5,
    "LOOKUP INVERT(up, 1.5)": 2,
    "LOOKUP INVERT(hill, 1)": 1,
    "LOOKUP INVERT(level, 1)": 0,
    "LOOKUP AREA(level, 0, 1)": 1,
    "LOOKUP AREA(level, 2, 4)": 4,
    "LOOKUP AREA(level, 0.5, 2.5)": 3,
    "LOOKUP AREA(level, -2, 0)": 2,
    "LOOKUP SLOPE(up, -1, -1)": np.nan,
    "LOOKUP SLOPE(up, -1, 0)": 0,
    "LOOKUP SLOPE(up, -1, 1)": 1,
    "LOOKUP SLOPE(up, 9, 1)": 0.5,
    "LOOKUP SLOPE(up, 1, 0)": 0.75,
    "LOOKUP SLOPE(up, 0.5, 0)": 1,
    "LOOKUP SLOPE(jump, 1, 0)": np.nan,
    "LOOKUP SLOPE(jump, 1.5, 0)": 3,
    "LOOKUP AREA(jump, 0, 2)": 1.5,
    "TIME BASE(1970, 2)": 1970 + 2 * T,
}
"""Examples of Vensim's manual."""
MODES = (
    "flat(at)", "LOOKUP AREA(flat, -1, at)", "LOOKUP BACKWARD(flat, at)",
    "LOOKUP EXTRAPOLATE(flat, at)", "LOOKUP FORWARD(flat, at)", "LOOKUP INVERT(flat, at)",
    "LOOKUP SLOPE(flat, at, 0)", "LOOKUP AREA(long, -1, at)", "LOOKUP INVERT(long, at)",
    "LOOKUP SLOPE(flat, at, 1)",
)  # fmt: skip
"""What VECTOR LOOKUP is by its modes."""
MADE = {
    "tables read backwards and summed": (
        "up((0,0),(1,1),(3,2)) ~~|\nlevel((0,1),(1,1),(2,2)) ~~|\nhill((0,0),(1,1),(2,0)) ~~|\n"
        "jump((0,0),(1,0),(1,0),(2,3)) ~~|\n"
        + "".join(f"x{i}= {text} + 0*Time ~~|\n" for i, text in enumerate(OF_TABLES)),
        {f"x{i}": value for i, value in enumerate(OF_TABLES.values())},
    ),
    "VECTOR LOOKUP is a table of the heights": (
        "Point: p1, p2, p3, p4 ~~|\nheight[Point]= 1, 2, 0.5, 3 ~~|\nat= Time/2 - 3.2 ~~|\n"
        "moving[Point]= height[Point]*(1 + Time) ~~|\nflat((-1,1),(1,2),(3,0.5),(5,3)) ~~|\n"
        "long((-29,-13),(-1,1),(1,2),(3,0.5),(5,3),(9,8)) ~~|\nonward= v3*(1 + Time) ~~|\n"
        "grown= VECTOR LOOKUP(moving[p1], at, -1, 5, 3) ~~|\n"
        + "".join(
            f"v{mode}= VECTOR LOOKUP(height[p1], at, -1, 5, {mode}) ~~|\nt{mode}= {text} ~~|\n"
            for mode, text in enumerate(MODES)
        ),
        {"grown": "onward", **{f"v{mode}": f"t{mode}" for mode in range(len(MODES))}},
    ),
}


@pytest.mark.parametrize(
    ("equations", "expected"), [*CASES.values(), *MADE.values()], ids=[*CASES, *MADE]
)
def test_a_construct_is_its_formula(load: Load, equations: str, expected: Expected) -> None:
    found = run(load(equations))
    for name, values in expected.items():
        right = found[values] if isinstance(values, str) else values
        ours = found[name].to_numpy()
        np.testing.assert_allclose(
            ours, np.broadcast_to(right, ours.shape), rtol=1e-9, atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ("none= GAMMA LN(-Time) ~~|", "'none' is not a finite number"),
        ("news= DELAY INFORMATION(Time, 1 + Time/2, 0) ~~|",
         "'news' cannot be compiled: its delay varies"),
        ("off= DEPRECIATE STRAIGHTLINE(Time, 3, 2, 0) ~~|",
         "a fiscal period other than TIME STEP"),
        ("x= RANDOM GAMMA(0,1,2,0,1,1)*Time ~~|",
         ":1: 'x' cannot be compiled: the function RANDOM GAMMA is not supported"),
        ("k: a, b ~~|\ny[k]= Time ~~|\nx[k]=\nFIND ZERO(y[k], 1) ~~|",
         ":4: 'x' cannot be compiled: the function FIND ZERO is not supported"),
        ("x= DELAY N(Time, 2, 0, 0) ~~|", "the order is 0: it has to be 1 or more"),
        ("x= DELAY N(Time, 2, 0, y) ~~|\ny= WITH LOOKUP(Time, ((0,1),(9,3))) ~~|",
         "the order is not known before the run"),
        ("k: a, b ~~|\ny[a]= Time ~~|\nx= y[a]\n+ SUM(y[k!]) ~~|",
         ":3: 'x' cannot be compiled: 'y[b]' has no equation"),
        ("k: a, b ~~|\nl <-> k ~~|\nm[k,l]= k*l ~~|\nx[k,l]= INVERT MATRIX(2*m[k,l], 2) ~~|",
         ":4: 'x' cannot be compiled: it takes a matrix over two ranges"),
        ("x= A FUNCTION OF(Time,-y) ~~|\ny= 1 ~~|",
         ":1: 'x' cannot be compiled: the function A FUNCTION OF is not supported"),
        ("k: a, b ~~|\nl: c, d ~~|\ny[k]= Time ~~|\nx[l]= y[k] ~~|",
         ":4: 'x' cannot be compiled: the subscript 'k' is neither on its left-hand side"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused_with_its_place(
    load: Load, equations: str, message: str
) -> None:
    with pytest.raises((ModelError, SimulationError)) as refusal:
        run(load(equations))
    assert message in str(refusal.value)


def test_what_is_not_known_before_a_run_is_named_in_chinese(load: Load) -> None:
    model = load("x= DELAY N(Time, 2, 0, y) ~~|\ny= WITH LOOKUP(Time, ((0,1),(9,3))) ~~|")
    with pytest.raises(ModelError) as refusal:
        run(model)
    assert "阶数在运行前无法确定" in refusal.value.written(say_in(Lang.ZH))


# --- what varies from run to run ------------------------------------------------------------------


@pytest.mark.parametrize("call", ["SMOOTH N(STEP(1, 1)", "DELAY N(STEP(1, 1)"])
def test_an_order_is_that_of_the_start_and_varies_within_its_range(load: Load, call: str) -> None:
    fixed = "".join(f"x{n}= {call}, 2, 0, {n}) ~~|\n" for n in (1, 2, 3, 4))
    text = f"{fixed}y= {call}, 2, 0, n) ~~|\nz= {call}, 2, 0, m) ~~|\nn= 2 ~ Dmnl [1, 4] ~|\n"
    model = load(text + "m= 3 + STEP(5, 1) ~~|\n")
    found = run(model)
    np.testing.assert_array_equal(found["z"], found["x3"])
    kernel = compile_model(model, vary=["n"], outputs=["y"], cache=False)
    ensemble = simulate_ensemble(kernel, {"n": np.array([1.0, 2, 3, 4, 5, 0])}, model.time)
    for row, order in enumerate((1, 2, 3, 4)):
        np.testing.assert_array_equal(ensemble.values[row, 0], found[f"x{order}"])
    assert ensemble.bad.tolist() == [False] * 4 + [True] * 2


def test_a_fixed_delay_varies_from_run_to_run_within_its_range(load: Load) -> None:
    delays = [0.0, 0.4, 0.75, 1.0, 2.3, 3.0]
    fixed = "".join(f"x{i}= DELAY FIXED(Time^2, {d}, -1) ~~|\n" for i, d in enumerate(delays))
    model = load(f"{fixed}y= DELAY FIXED(Time^2, d, -1) ~~|\nd= 2 ~ Year [0, 3] ~|\n")
    found = run(model)
    kernel = compile_model(model, vary=["d"], outputs=["y"], cache=False)
    drawn = np.array([*delays, 3.5, np.nan, 1e300])
    ensemble = simulate_ensemble(kernel, {"d": drawn}, model.time)
    for row in range(len(delays)):
        np.testing.assert_array_equal(ensemble.values[row, 0], found[f"x{row}"])
    assert ensemble.bad.tolist() == [False] * len(delays) + [True] * 3


@pytest.mark.parametrize("lasts", [0.1, 1.0, 1.4, 2.0, 6.0])
def test_the_order_of_delay_n_is_lowered(load: Load, lasts: float) -> None:
    text = f"x = DELAY N(STEP(1, 1), {lasts}, 0, 5) ~ Dmnl ~|\n"
    found = run(load(text))["x"]
    order = max(1, min(5, int(lasts / 0.5)))
    model = load(text.replace(" 5)", f" {order})"))
    np.testing.assert_array_equal(found, run(model)["x"])
    if order * 0.5 <= lasts:
        theirs = simulate(model, cache=False, engine="pysd")["x"]
        np.testing.assert_allclose(found, theirs, rtol=1e-12)


# --- beside a plain run ---------------------------------------------------------------------------


def test_a_range_may_come_twice_in_a_variable(load: Load, tmp_path: Path) -> None:
    found = run(load("scenario: a, b ~~|\nx[a, scenario]= 1, 2 ~~|\nx[b, scenario]= Time ~~|"))
    assert found["x"].dims == ("time", "scenario 2", "scenario 3")
    assert (found["x"].sel({"scenario 2": "a", "scenario 3": "b"}) == 2).all()
    export(found, tmp_path / "x.csv")


def test_an_element_without_an_equation_has_no_value_and_stops_no_run(load: Load) -> None:
    model = load("k: a, b ~~|\ny[a]= Time ~~|\nc[b]= 2 ~~|\nx= INTEG(y[a]*c[b], 0) ~~|", CLOCK)
    found, again = run(model), simulate(model, engine="pysd")
    np.testing.assert_array_equal(found["y"].sel(k="a"), found.time)
    assert np.isnan(found["y"].sel(k="b")).all()
    np.testing.assert_allclose(again["x"], found["x"])


DATA = "Time,seen,once,stepped\n1,2,,2\n2,6,11,3\n3,4,,4\n"


@pytest.mark.parametrize("kind", ["csv", "tab"])
def test_data_are_asked_for_by_time(load: Load, kind: str) -> None:
    model = load(
        """
seen ~~|
at= GET DATA AT TIME(seen, 2) ~~|
between= GET DATA AT TIME(seen, 1.5) ~~|
ahead= GET DATA BETWEEN TIMES(seen, Time + 1, 0) ~~|
next= GET DATA BETWEEN TIMES(seen, 2.5, 1) ~~|
held= GET DATA BETWEEN TIMES(seen, 2.5, -1) ~~|
before= GET DATA BETWEEN TIMES(seen, 3, -1) ~~|
first= GET DATA FIRST TIME(seen) ~~|
last= GET DATA LAST TIME(seen) ~~|
stepped :HOLD BACKWARD: ~~|
few:RAW: := once ~~|
once ~~|
most= GET DATA MAX(seen, 1, 3) ~~|
least= GET DATA MIN(seen, first + 1, 9) ~~|
mean= GET DATA MEAN(stepped, 0, last) ~~|
none= GET DATA MEAN(seen, 1.25, 1.75) ~~|
single= GET DATA LAST TIME(once) + GET DATA LAST TIME(few) + GET DATA MAX(few, 0, 9) ~~|
""",
        **{kind: DATA if kind == "csv" else DATA.replace(",", "\t")},
    )
    found = run(model)
    expected = {"at": 6, "next": 6, "held": 2, "before": 6, "first": 1, "last": 3,
                "most": 6, "least": 4, "mean": 3, "single": 15,
                "between": np.nan, "none": np.nan}  # fmt: skip
    values = {name: float(found[name][0]) for name in expected}
    assert values == pytest.approx(expected, nan_ok=True)
    inside = T <= 2
    ahead = np.interp(T + 1, [1, 2, 3], [2, 6, 4])[inside]
    np.testing.assert_allclose(found["ahead"][inside], ahead, rtol=1e-12)


def test_a_clock_that_moves_is_followed(load: Load) -> None:
    model = load(
        "x= INTEG(1, 0) ~~|\n",
        "FINAL TIME= IF THEN ELSE(x > 2, Time, 10) ~~|\nINITIAL TIME= 0 ~~|\n"
        "TIME STEP= 0.5 ~~|\nSAVEPER= TIME STEP ~~|\n",
    )
    assert model.moving_clock
    found = run(model)
    np.testing.assert_array_equal(found["time"], np.arange(0, 3, 0.5))
    np.testing.assert_array_equal(found["x"], found["time"])
    with pytest.raises(ModelError, match="clock depends on the time"):
        lower(model, [], ["x"])


def test_what_pysd_cannot_read_is_written_plainly_for_it(load: Load) -> None:
    names = "names, keywords and numbers in any way", "tables of DYNAMO, and remarks"
    rows = (
        "Half: upper, lower ~~|\nm[place, half]= 1, 2; 3, 4; ~~|\nn[PLACE,half]= M[place,half] ~~|"
    )
    model = load("".join(CASES[name][0] for name in names) + rows)
    ours, theirs = run(model), simulate(model, cache=False, engine="pysd")
    for name in theirs.data_vars:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12, err_msg=str(name))


@pytest.mark.parametrize(
    ("equations", "function"),
    [
        ("look((0,0),(1,1)) ~~|\n\ny= LOOKUP INVERT(look, 1) ~~|\n", "LOOKUP INVERT"),
        (":MACRO: M(a)\nM= a ~~|:END OF MACRO:\ny= M(2) ~~|\n", "M"),
        ("s: a, b ~~|\nx[s]= 1, 2 ~~|\ny[s]= VECTOR ELM MAP(x[a], 1) ~~|\n", "VECTOR ELM MAP"),
        ("\n\ny= RANDOM TRIANGULAR(0, 1, 0, 0.5, 1, 3) ~~|\n", "RANDOM TRIANGULAR"),
    ],
)
def test_what_pysd_lacks_is_refused_by_name_before_it_runs(
    load: Load, equations: str, function: str
) -> None:
    fault = rf":3: PySD has no function {function}; expected the compiled engine"
    with pytest.raises(ModelError, match=fault):
        simulate(load(equations), engine="pysd")


def test_pink_noise_has_its_deviation_and_its_memory(load: Load) -> None:
    clock = CLOCK.replace("FINAL TIME= 8", "FINAL TIME= 20000")
    model = load("s: a, b ~~|\nx[s]= 3*RANDOM Pink NOISE(10, 2, 4, s) ~~|\n", clock)
    found = run(model)["x"].to_numpy() / 3
    for noise in found.T:
        assert noise.mean() == pytest.approx(10, abs=0.15)
        assert noise.std() == pytest.approx(2, rel=0.05)
        again = np.corrcoef(noise[1:], noise[:-1])[0, 1]
        assert again == pytest.approx(1 - 0.5 / 4, abs=0.01)
    assert abs(np.corrcoef(found[:, 0], found[:, 1])[0, 1]) < 0.1


# --- allocations ----------------------------------------------------------------------------------

PROFILES = """
user: u1, u2, u3 ~~|
profile: ptype, ppriority, pwidth, pextra ~~|
request[user]= 2, 3, 1.5 ~~|
priority[user,ptype]= 1, 2, 3 ~~|
priority[user,ppriority]= 3, 2, 1 ~~|
priority[user,pwidth]= 2, 2, 1.5 ~~|
priority[user,pextra]= 0 ~~|
given[user]= ALLOCATE AVAILABLE(request[user], priority[user,ptype], 1 + Time) ~~|
"""


def test_the_kind_of_a_priority_may_change_during_a_run(load: Load) -> None:
    moving, *fixed = (
        run(load(PROFILES.replace("= 1, 2, 3", f"= {kind}")))["given"]
        for kind in ("IF THEN ELSE(Time < 3, 1, 2)", "1", "2")
    )
    expected = np.where(T[:, None] < 3, *fixed)
    np.testing.assert_allclose(moving, expected, rtol=1e-12, atol=1e-12)


def test_a_model_allocates_by_profiles(load: Load) -> None:
    model = load(PROFILES)
    ours, theirs = run(model), simulate(model, cache=False, engine="pysd")
    np.testing.assert_allclose(ours["given"], theirs["given"], atol=1e-4)
    expected = np.minimum(1 + ours.time, 6.5)
    np.testing.assert_allclose(ours["given"].sum("user"), expected, rtol=1e-12)
