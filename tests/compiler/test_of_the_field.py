"""What models of the field have beside the plain language: against closed formulas and PySD."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim.compiler.lower import lower
from plansim.engine.batch import simulate_ensemble
from plansim.engine.dataset import origin_of
from plansim.engine.kernel import compile_model
from plansim.engine.simulate import simulate
from plansim.errors import ModelError, SimulationError
from plansim.model.reader import load_model
from plansim.output.export.run_files import export
from tests.helpers import reference

Run = Callable[..., xr.Dataset]

CLOCK = """
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 4 ~ Year ~|
TIME STEP= 0.5 ~ Year ~|
SAVEPER= 0.5 ~ Year ~|
"""
TIMES = np.arange(0, 4.5, 0.5)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(equations: str, clock: str = CLOCK, **data: str) -> xr.Dataset:
        path = tmp_path / "small.mdl"
        path.write_text(equations + clock, "utf-8")
        for name, text in data.items():
            (tmp_path / f"data.{name}").write_text(text, "utf-8")
        tables = [tmp_path / f"data.{name}" for name in data]
        return simulate(load_model(path, strict=False, data=tables), cache=False)

    return run


def test_a_mapping_by_elements_and_sub_ranges(run: Run) -> None:
    found = run(
        """
Place: north, south, east ~~|
Zone: warm, cold -> (Place: Rest, north) ~~|
Half: upper, lower -> (Place: Top, Rest) ~~|
Top: north ~~|
Rest: south, east ~~|
heat[warm]= 30 ~~|
heat[cold]= 5 ~~|
at[Place]= heat[Zone] ~~|
side[upper]= 1 ~~|
side[lower]= 2 ~~|
of[Place]= side[Half] ~~|
"""
    )
    assert found["at"][0].to_series().to_dict() == {"north": 5, "south": 30, "east": 30}
    assert found["of"][0].to_series().to_dict() == {"north": 1, "south": 2, "east": 2}


def test_tables_of_dynamo_and_remarks_amid_equations(run: Run) -> None:
    found = run("curve(0, 2, 4, 1, 3, 0) ~~|\nat= curve( {of {the} year} Time) {done} ~~|\n")
    np.testing.assert_array_equal(found["at"], np.interp(TIMES, [0, 2, 4], [1, 3, 0]))


def test_keywords_subscripts_and_numbers_may_be_written_in_any_way(run: Run) -> None:
    found = run(
        "Place: North, South ~~|\nx[place]= 007 ~~|\n"
        "y[PLACE]= if then else(x[pLace] > 3 :and: :Not: Time > 2, x[place], 0) ~~|\n"
        "z= y[NORTH] ~~|\n"
    )
    np.testing.assert_array_equal(found["z"], np.where(TIMES > 2, 0, 7))


def test_a_macro_with_outputs_is_computed_once(run: Run) -> None:
    found = run(
        """
:MACRO: TANK(inflow, lasts : outflow, full)
TANK= INTEG(inflow - outflow, 2) ~ inflow ~|
outflow= TANK/lasts ~ inflow ~|
full= IF THEN ELSE(TANK > 4, 1, 0) ~ Dmnl ~|
:END OF MACRO:
Place: north, south ~~|
water= TANK(3, 2 : drain, too full) ~~|
lake[Place]= TANK(Place, 4 : loss[Place], flag[Place]) ~~|
sum of flows= drain + SUM(loss[Place!]) ~~|
"""
    )
    steps = np.arange(len(TIMES))
    water = 6 - 4 * 0.75**steps
    np.testing.assert_allclose(found["water"], water, rtol=1e-12)
    np.testing.assert_allclose(found["drain"], water / 2, rtol=1e-12)
    np.testing.assert_array_equal(found["too full"], water > 4)
    lake = np.outer(0.875**steps, [-2, -6]) + np.array([4, 8])
    np.testing.assert_allclose(found["lake"], lake, rtol=1e-12)
    np.testing.assert_allclose(found["sum of flows"], water / 2 + lake.sum(axis=1) / 4, rtol=1e-12)


def test_what_is_missing_is_known_in_equations_and_nan_in_results(run: Run) -> None:
    found = run(
        """
gone= IF THEN ELSE(Time < 2, :NA:, Time) ~~|
counted= IF THEN ELSE(gone = :NA:, -1, gone) ~~|
also counted= IF THEN ELSE(gone < -1e9, -1, gone) ~~|
worse= gone*2 ~~|
"""
    )
    np.testing.assert_array_equal(found["gone"], np.where(TIMES < 2, np.nan, TIMES))
    np.testing.assert_array_equal(found["worse"], np.where(TIMES < 2, np.nan, 2 * TIMES))
    for name in ("counted", "also counted"):
        np.testing.assert_array_equal(found[name], np.where(TIMES < 2, -1, TIMES))


def test_a_sample_may_refer_to_itself(run: Run) -> None:
    found = run("wave= SIN(3*Time) ~~|\nhighest= SAMPLE IF TRUE(wave > highest, wave, wave) ~~|\n")
    np.testing.assert_array_equal(found["highest"], np.maximum.accumulate(found["wave"].to_numpy()))


def test_the_delay_of_delay_fixed_may_be_a_number_of_steps(run: Run) -> None:
    found = run("steps= 3 ~~|\nlate= DELAY FIXED(Time, steps*TIME STEP, -1) ~~|\n")
    np.testing.assert_allclose(found["late"], np.where(TIMES < 1.5, -1, TIMES - 1.5), rtol=1e-12)


@pytest.mark.parametrize("call", ["SMOOTH N(STEP(1, 1)", "DELAY N(STEP(1, 1)"])
def test_an_order_is_that_of_the_start_and_varies_within_its_range(run: Run, call: str) -> None:
    fixed = "".join(f"x{n}= {call}, 2, 0, {n}) ~~|\n" for n in (1, 2, 3, 4))
    text = f"{fixed}y= {call}, 2, 0, n) ~~|\nz= {call}, 2, 0, m) ~~|\nn= 2 ~ Dmnl [1, 4] ~|\n"
    found = run(text + "m= 3 + STEP(5, 1) ~~|\n")
    xr.testing.assert_equal(found["z"].drop_attrs(), found["x3"].drop_attrs().rename("z"))
    origin = origin_of(found)
    assert origin is not None
    kernel = compile_model(origin.model, vary=["n"], outputs=["y"], cache=False)
    ensemble = simulate_ensemble(kernel, {"n": np.array([1.0, 2, 3, 4, 5, 0])}, origin.model.time)
    for row, order in enumerate((1, 2, 3, 4)):
        np.testing.assert_array_equal(ensemble.values[row, 0], found[f"x{order}"])
    assert ensemble.bad.tolist() == [False] * 4 + [True] * 2


def test_a_fixed_delay_varies_from_run_to_run_within_its_range(run: Run) -> None:
    delays = [0.0, 0.4, 0.75, 1.0, 2.3, 3.0]
    fixed = "".join(f"x{i}= DELAY FIXED(Time^2, {d}, -1) ~~|\n" for i, d in enumerate(delays))
    found = run(f"{fixed}y= DELAY FIXED(Time^2, d, -1) ~~|\nd= 2 ~ Year [0, 3] ~|\n")
    origin = origin_of(found)
    assert origin is not None
    kernel = compile_model(origin.model, vary=["d"], outputs=["y"], cache=False)
    drawn = np.array([*delays, 3.5, np.nan, 1e300])
    ensemble = simulate_ensemble(kernel, {"d": drawn}, origin.model.time)
    for row in range(len(delays)):
        np.testing.assert_array_equal(ensemble.values[row, 0], found[f"x{row}"])
    assert ensemble.bad.tolist() == [False] * len(delays) + [True] * 3


def test_a_table_may_be_called_as_functions_are(run: Run) -> None:
    found = run("k: a, b ~~|\nlookup of k[a]((0,0),(4,8)) ~~|\nlookup of k[b]((0,1),(4,1)) ~~|\n"
                "x[k]= lookup of k[k](Time) ~~|")  # fmt: skip
    np.testing.assert_array_equal(found["x"].sel(k="a"), 2 * TIMES)


def test_another_name_of_a_range_counts_for_itself(run: Run) -> None:
    found = run(
        "all: one, part, four ~~|\npart: two, three ~~|\nalso <-> part ~~|\ncopy: part ~~|\n"
        "x[part]= part ~~|\ny[also]= also ~~|\nz[copy]= copy ~~|"
    )
    assert [found[name][0].to_numpy().tolist() for name in "xyz"] == [[2, 3], [1, 2], [2, 3]]


def test_a_range_may_come_twice_in_a_variable(run: Run, tmp_path: Path) -> None:
    found = run("scenario: a, b ~~|\nx[a, scenario]= 1, 2 ~~|\nx[b, scenario]= Time ~~|")
    assert found["x"].dims == ("time", "scenario 2", "scenario 3")
    assert found["x"].sel({"scenario 2": "a", "scenario 3": "b"}).to_numpy().tolist() == [2] * 9
    export(found, tmp_path / "x.csv")


def test_the_action_of_vector_select_may_be_known_only_during_the_run(run: Run) -> None:
    found = run(
        """
Place: north, south, east ~~|
x[Place]= 2, 5, 3 ~~|
chosen[Place]= 1, 0, 1 ~~|
some= VECTOR SELECT(chosen[Place!], x[Place!], 0, IF THEN ELSE(Time < 2, 0, 3), 0) ~~|
"""
    )
    np.testing.assert_array_equal(found["some"], np.where(TIMES < 2, 5, 3))


def test_a_sum_leaves_the_marks_of_a_selection_within_to_it(run: Run) -> None:
    found = run(
        """
Place: north, south, east ~~|
Half: upper, lower ~~|
x[Place]= 2, 5, 3 ~~|
y[Half]= 1, 10 ~~|
some= SUM(y[Half!]*VECTOR SELECT(x[Place!], x[Place!], 0, 6, 0)) ~~|
"""
    )
    assert float(found["some"][0]) == 110


def test_the_logarithm_of_gamma_is_that_of_the_c_library(run: Run) -> None:
    found = run("x= 0.01 + Time^4 ~~|\nlog gamma= GAMMA LN(x) ~~|\n")
    expected = [math.lgamma(x) for x in found["x"].to_numpy()]
    np.testing.assert_allclose(found["log gamma"], expected, rtol=1e-12, atol=1e-12)
    with pytest.raises(SimulationError, match="'none' is not a finite number"):
        run("none= GAMMA LN(-Time) ~~|\n")


def test_present_values_follow_their_recurrence(run: Run) -> None:
    found = run(
        "flow= 1 + Time ~~|\nvalue= NPV(flow, 0.08, -2, 3) ~~|\n"
        "late value= NPVE(flow, 0.08, -2, 3) ~~|\n"
    )
    flow = 1 + TIMES
    discounted = flow * 0.5 / (1 + 0.08 * 0.5) ** np.arange(len(TIMES))
    np.testing.assert_allclose(found["value"], (discounted.cumsum() - 2) * 3, rtol=1e-12)
    late = discounted / (1 + 0.08 * 0.5)
    np.testing.assert_allclose(found["late value"], (late.cumsum() - 2) * 3, rtol=1e-12)


DATA = "Time,seen,once,stepped\n1,2,,2\n2,6,11,3\n3,4,,4\n"


@pytest.mark.parametrize("kind", ["csv", "tab"])
def test_data_are_asked_for_by_time(run: Run, kind: str) -> None:
    found = run(
        """
seen ~~|
at= GET DATA AT TIME(seen, 2) ~~|
between= GET DATA AT TIME(seen, 1.5) ~~|
ahead= GET DATA BETWEEN TIMES(seen, Time + 1, 0) ~~|
next= GET DATA BETWEEN TIMES(seen, 1.5, 1) ~~|
held= GET DATA BETWEEN TIMES(seen, 1.5, -1) ~~|
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
    one = {name: float(found[name][0]) for name in ("at", "next", "held", "first", "last")}
    assert one == {"at": 6, "next": 6, "held": 2, "first": 1, "last": 3}
    assert np.isnan(found["between"]).all()
    assert np.isnan(found["none"]).all()
    rest = {name: float(found[name][0]) for name in ("most", "least", "mean", "single")}
    assert rest == {"most": 6, "least": 4, "mean": 3, "single": 15}
    inside = TIMES <= 2
    np.testing.assert_allclose(
        found["ahead"][inside], np.interp(TIMES + 1, [1, 2, 3], [2, 6, 4])[inside], rtol=1e-12
    )


def test_an_equation_replaces_the_function_that_stood_for_it(run: Run) -> None:
    found = run(
        "s: a, b ~~|\nx= A FUNCTION OF( -y, nowhere) ~~|\nx[s]= y + 1 ~~|\n"
        "z= y ~~|\nz= A FUNCTION OF( ) ~~|\ny= 2 ~~|\n"
    )
    assert found["x"].dims == ("time", "s")
    assert (found["x"] == 3).all()
    assert (found["z"] == 2).all()


def test_a_clock_that_moves_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "clock.mdl"
    path.write_text(
        "x= INTEG(1, 0) ~~|\nFINAL TIME= IF THEN ELSE(x > 2, Time, 10) ~~|\nINITIAL TIME= 0 ~~|\n"
        "TIME STEP= 0.5 ~~|\nSAVEPER= TIME STEP ~~|\n",
        "utf-8",
    )
    model = load_model(path, strict=False)
    assert model.moving_clock
    found = simulate(model, cache=False)
    np.testing.assert_array_equal(found["time"], np.arange(0, 3, 0.5))
    np.testing.assert_array_equal(found["x"], found["time"])
    with pytest.raises(ModelError, match="clock depends on the time"):
        lower(model, [], ["x"])


def test_macros_are_written_out_for_pysd(tmp_path: Path) -> None:
    path = tmp_path / "macros.mdl"
    path.write_text(
        ":MACRO: GROWN(x : rate)\nGROWN= INTEG(rate, x) ~ x ~|\nrate= 0.1*GROWN ~ x ~|\n"
        ":END OF MACRO:\n"
        "a= GROWN(GROWN(2 : inner) : outer) ~~|\nrate= inner + outer ~~|\n" + CLOCK,
        "utf-8",
    )
    model = load_model(path, strict=False)
    ours, theirs = (engine(model, cache=False) for engine in (simulate, reference.simulate))
    for name in ("a", "rate", "inner", "outer"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12)
