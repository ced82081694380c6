"""Functions that PySD lacks: against the examples of Vensim's manual, and against each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

import plansim
from plansim.engine.simulate import simulate
from plansim.errors import ModelError
from plansim.model.reader import load_model
from tests.helpers import reference

Run = Callable[[str], xr.Dataset]

CLOCK = "INITIAL TIME= 0 ~~|\nFINAL TIME= 8 ~~|\nTIME STEP= 0.5 ~~|\nSAVEPER= 0.5 ~~|\n"
TIMES = np.arange(0, 8.5, 0.5)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(equations: str) -> xr.Dataset:
        path = tmp_path / "small.mdl"
        path.write_text(equations + CLOCK, "utf-8")
        return simulate(load_model(path, strict=False), cache=False)

    return run


def test_tables_are_read_backwards_and_summed_as_the_manual_has_it(run: Run) -> None:
    cases = {
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
        "LOOKUP SLOPE(up, 1.5, 0)": 0.5,
        "LOOKUP SLOPE(jump, 1, 0)": np.nan,
        "LOOKUP SLOPE(jump, 1.5, 0)": 3,
        "LOOKUP AREA(jump, 0, 2)": 1.5,
        "TIME BASE(1970, 2)": 1970,
    }
    equations = [f"x{i}= {text} ~~|\n" for i, text in enumerate(cases)]
    found = run(
        "up((0,0),(1,1),(3,2)) ~~|\nlevel((0,1),(1,1),(2,2)) ~~|\nhill((0,0),(1,1),(2,0)) ~~|\n"
        "jump((0,0),(1,0),(1,0),(2,3)) ~~|\n" + "".join(equations)
    )
    values = {text: float(found[f"x{i}"][0]) for i, text in enumerate(cases)}
    assert values == pytest.approx(cases, nan_ok=True, rel=1e-12)
    np.testing.assert_array_equal(found["x19"], 1970 + 2 * TIMES)


def test_a_vector_is_looked_up_as_a_table_with_its_heights(run: Run) -> None:
    others = {
        0: "flat(at)",
        1: "LOOKUP AREA(flat, -1, at)",
        2: "LOOKUP BACKWARD(flat, at)",
        3: "LOOKUP EXTRAPOLATE(flat, at)",
        4: "LOOKUP FORWARD(flat, at)",
        5: "LOOKUP INVERT(flat, at)",
        6: "LOOKUP SLOPE(flat, at, 0)",
        7: "LOOKUP AREA(long, -1, at)",
        8: "LOOKUP INVERT(long, at)",
        9: "LOOKUP SLOPE(flat, at, 1)",
    }
    found = run(
        "Point: p1, p2, p3, p4 ~~|\nheight[Point]= 1, 2, 0.5, 3 ~~|\nat= Time - 3.25 ~~|\n"
        "moving[Point]= height[Point]*(1 + Time) ~~|\nmode= 3 ~~|\n"
        "flat((-1,1),(1,2),(3,0.5),(5,3)) ~~|\n"
        "long((-29,-13),(-1,1),(1,2),(3,0.5),(5,3),(9,8)) ~~|\n"
        "grown= VECTOR LOOKUP(moving[p1], at, -1, 5, mode) ~~|\n"
        + "".join(
            f"v{mode}= VECTOR LOOKUP(height[p1], at, -1, 5, {mode}) ~~|\nt{mode}= {text} ~~|\n"
            for mode, text in others.items()
        )
    )
    for mode in others:
        np.testing.assert_allclose(
            found[f"v{mode}"], found[f"t{mode}"], rtol=1e-9, atol=1e-12, err_msg=f"mode {mode}"
        )
    np.testing.assert_allclose(found["grown"], found["v3"] * (1 + TIMES), rtol=1e-9)


def test_a_table_that_varies_does_so_in_all_that_is_made_of_it(tmp_path: Path) -> None:
    path = tmp_path / "table.mdl"
    path.write_text(
        "look((0,1),(2,3)) ~~|\nat= look(1) ~~|\nunder= LOOKUP AREA(look, 0, 2) ~~|\n"
        "past= LOOKUP EXTRAPOLATE(look, 3) ~~|\n" + CLOCK,
        "utf-8",
    )
    model = load_model(path, strict=False)
    names = ["at", "under", "past"]
    kernel = plansim.compile_model(model, vary=["look"], outputs=names)
    heights = {"look(0.0)": np.array([1.0, 5.0]), "look(2.0)": np.array([3.0, 3.0])}
    values = plansim.simulate_ensemble(kernel, heights, model.time).values
    np.testing.assert_allclose(values[..., 0], [[2, 4, 4], [4, 8, 2]])


def stepwise(start: float, follow: Callable[[float, int], float]) -> NDArray[np.float64]:
    values = [start]
    for i in range(len(TIMES) - 1):
        values.append(follow(values[-1], i))
    return np.array(values)


def test_a_bounded_stock_keeps_to_its_bounds(run: Run) -> None:
    found = run(
        "wave= 2*COS(2*Time) ~~|\n"
        "free= SINTEG(wave, 1, :NA:, :NA:, :NA:, :NA:, :NA:) ~~|\nplain= INTEG(wave, 1) ~~|\n"
        "kept= SINTEG(wave, 3, 0, 2, :NA:, :NA:, :NA:) ~~|\n"
        "sticky= SINTEG(wave, 1, :NA:, :NA:, :NA:, 0, 0.6) ~~|\nread= kept*2 ~~|\n"
    )
    wave = 2 * np.cos(2 * TIMES)
    np.testing.assert_allclose(found["free"], found["plain"], rtol=1e-12)
    kept = stepwise(2, lambda value, i: min(2, max(0, value + wave[i] / 2)))
    np.testing.assert_allclose(found["kept"], kept, rtol=1e-12)
    np.testing.assert_allclose(found["read"], 2 * kept, rtol=1e-12)
    nearly = stepwise(1, lambda value, i: value + wave[i] / 2)
    sticky = stepwise(
        1, lambda value, i: 0.0 if abs(value + wave[i] / 2) < 0.6 else value + wave[i] / 2
    )
    assert not np.allclose(nearly, sticky)
    np.testing.assert_allclose(found["sticky"], sticky, rtol=1e-12)


def test_a_delay_that_stays_is_a_fixed_one(run: Run) -> None:
    found = run(
        "wave= SIN(Time) ~~|\nlasts= 1.5 ~~|\nfixed= DELAY FIXED(wave, lasts, 4) ~~|\n"
        "goods= DELAY MATERIAL(wave, lasts, 4, 0) ~~|\n"
        "news= DELAY INFORMATION(wave, lasts, 4) ~~|\n"
    )
    assert found["fixed"][3] == found["wave"][0]
    for name in ("goods", "news"):
        np.testing.assert_array_equal(found[name], found["fixed"])
    with pytest.raises(ModelError, match="'news' cannot be compiled: its delay varies"):
        run("news= DELAY INFORMATION(Time, 1 + Time/2, 0) ~~|\n")


def test_what_is_written_off_evenly_lasts_as_long_as_it_should(run: Run) -> None:
    found = run(
        "bought= IF THEN ELSE(Time = 1, 12, IF THEN ELSE(Time = 2, 6, 0)) ~~|\n"
        "off= DEPRECIATE STRAIGHTLINE(bought, 3, 0.5, 0) ~~|\n"
    )
    each_step = 0.5 * np.array([12, 6]) / 3
    one, two = ((start <= TIMES) & (start + 3 > TIMES) for start in (1, 2))
    np.testing.assert_allclose(found["off"], one * each_step[0] + two * each_step[1])
    with pytest.raises(ModelError, match="a fiscal period other than TIME STEP"):
        run("off= DEPRECIATE STRAIGHTLINE(Time, 3, 2, 0) ~~|\n")
    with pytest.raises(ModelError, match="an initial amount other than 0"):
        run("off= DEPRECIATE STRAIGHTLINE(Time, 3, 0.5, 9) ~~|\n")


def test_what_pysd_lacks_is_refused_by_name_before_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "small.mdl"
    path.write_text("x= 1 ~~|\nlook((0,0),(1,1)) ~~|\ny= LOOKUP INVERT(look, x) ~~|\n" + CLOCK)
    with pytest.raises(
        ModelError, match=r":3: PySD has no function LOOKUP INVERT; expected the compiled engine"
    ):
        reference.simulate(load_model(path, strict=False))


def test_delayp_conserves_what_is_under_way(run: Run) -> None:
    found = run(
        "s: a, b ~~|\nin[s]= 5 + STEP(3, 2) ~~|\ntime in= 4 + STEP(2, 5) ~~|\n"
        "out[s]= DelayP (in[s], time in: under way[s]) ~~|\n"
        "same= DELAY3(in[a], time in) ~~|\n"
        "stock= INTEG(in[a] - same, in[a]*time in) ~~|\n"
    )
    for element in ("a", "b"):
        np.testing.assert_allclose(found["out"].sel(s=element), found["same"], rtol=1e-12)
        np.testing.assert_allclose(found["under way"].sel(s=element), found["stock"], rtol=1e-12)


def test_pink_noise_has_its_deviation_and_its_memory(tmp_path: Path) -> None:
    path = tmp_path / "pink.mdl"
    path.write_text(
        "s: a, b ~~|\nx[s]= 3*RANDOM Pink NOISE(10, 2, 4, s) ~~|\n"
        "INITIAL TIME= 0 ~~|\nFINAL TIME= 20000 ~~|\nTIME STEP= 0.5 ~~|\nSAVEPER= 0.5 ~~|\n",
        "utf-8",
    )
    found = simulate(load_model(path, strict=False), cache=False)["x"].to_numpy() / 3
    for noise in found.T:
        assert noise.mean() == pytest.approx(10, abs=0.15)
        assert noise.std() == pytest.approx(2, rel=0.05)
        again = np.corrcoef(noise[1:], noise[:-1])[0, 1]
        assert again == pytest.approx(1 - 0.5 / 4, abs=0.01)
    assert abs(np.corrcoef(found[:, 0], found[:, 1])[0, 1]) < 0.1
