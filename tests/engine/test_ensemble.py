"""Many runs at once against single ones, and what is kept on disk."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from plansim.compiler import native as machine
from plansim.compiler.native import Platform
from plansim.engine import kernel as kernels
from plansim.engine.batch import Ensemble, simulate_ensemble, simulate_readings
from plansim.engine.kernel import compile_model
from plansim.engine.readings import CompiledRuns, Reading, RunStatus
from plansim.engine.simulate import simulate
from plansim.errors import InputError, SimulationError, UnknownNameError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.output.figures.lines import fan
from plansim.scenario.factors import Apply, Factor
from plansim.scenario.members import EnsembleKind, Members, MembersHead
from plansim.scenario.records import as_written
from tests.helpers.vensim_text import writer

RANDOM = np.random.default_rng(7)


# --- runs -----------------------------------------------------------------------------------------


def test_what_is_missing_is_no_number_and_no_failure(tmp_path: Path) -> None:
    path = writer(tmp_path)("k= 3 ~ m ~ |\nseen= IF THEN ELSE(Time < 2005, k, :NA:) ~ m ~|\n")
    model, years = load_model(path), [2004.0, 2006.0]
    kernel = compile_model(model, vary=["k"], outputs=["seen"])
    found = simulate_ensemble(kernel, {"k": np.array([4.0, np.inf])}, model.time, keep=years)
    np.testing.assert_array_equal(found.values[:, 0], [[4, np.nan], [np.nan] * 2])
    assert found.bad.tolist() == [False, True]
    limited, bad = simulate_readings(
        kernel, np.array([[4.0], [6.0]]), model.time, [("seen", at) for at in years], limit=5
    )
    np.testing.assert_array_equal(limited, [[4, 6], [np.nan, np.nan]])
    assert bad.tolist() == [False, True]
    head = MembersHead(EnsembleKind.PRIOR, model.equations_sha256, 0, "drawn", path, 1)
    factors = (Factor("k", ("k",), Apply.ADD, None, "m"),)
    members = Members(head, factors, (1, 2), np.array([[1.0], [3.0]]))
    runs = simulate(model, ensemble=members)
    assert runs["sound"].all()
    np.testing.assert_array_equal(runs["seen"].sel(time=years)[0], [[4, np.nan], [6, np.nan]])
    axes = fan(runs, "seen")
    assert np.asarray(axes.lines[0].get_xydata())[-1].tolist() == [2004, 5]


def test_a_run_that_fails_says_how_and_what_failed_first_and_when(tmp_path: Path) -> None:
    model = load_model(writer(tmp_path)(
        "k= 0.1 ~ 1/Year ~ |\nr= 0 ~ 1/Year ~ |\nx= INTEG(k*x, 1) ~ m ~ |\n"
        "root= SQRT(5 - r*(Time - 2000)) ~ Dmnl ~ |\nover= EXP(-1000*r) ~ Dmnl ~ |\n"
        "seen= IF THEN ELSE(Time < 2005, 1, :NA:) ~ m ~ |\nleft= FINAL TIME - Time ~ Year ~ |\n"
    ))  # fmt: skip
    written = as_written(model)
    readings = [Reading(name, 2009.0) for name in ("x", "root", "over", "seen")]
    runs = CompiledRuns(model, written, ["k", "r"], readings, limit=100)
    found = runs.simulate(np.array([[0.1, 0.0], [1.0, 0.0], [0.1, 1.0], [0.1, -1.0]]))
    assert found.status.tolist() == [
        RunStatus.OK, RunStatus.EXCESSIVE, RunStatus.NAN, RunStatus.OVERFLOW,
    ]  # fmt: skip
    assert found.values[:3, 0] == pytest.approx([1.05**18, math.sqrt(5), 1])
    assert np.isnan(found.values[3, 0])
    failed = [[*model.variables][place] for place in found.failed_variable[1:]]
    assert failed == ["x", "root", "over"]
    np.testing.assert_array_equal(found.failed_time, [np.nan, 2006, 2005.5, 2000])  # 1.5^12 > 100
    short = CompiledRuns(model, written, ["k"], [Reading("left", 2002.0)], stop_early=True)
    assert short.simulate(np.array([[0.1]])).values.tolist() == [[8]]


@pytest.mark.parametrize("runs", [1, 21, 700])
def test_readings_are_single_values_of_an_ensemble(town: Model, runs: int) -> None:
    kernel = compile_model(town, vary=["birth rate"], outputs=["GDP", "residents"])
    inputs = RANDOM.uniform(0, 0.1, (runs, 1))
    inputs[runs // 2] = np.inf
    whole = simulate_ensemble(kernel, inputs, town.time)
    wanted = [("residents", 2020.0), ("GDP", 2006.0), ("residents", 2006.0)]
    found, bad = simulate_readings(kernel, inputs, town.time, wanted)
    for values, (name, at) in zip(found, wanted, strict=True):
        same = whole.values[:, kernel.outputs.index(name), list(whole.time).index(at)]
        np.testing.assert_array_equal(values, same)
    np.testing.assert_array_equal(bad, whole.bad)
    assert bad.any()


def test_a_reading_may_lie_on_a_saved_time_whose_float_is_another(town: Model) -> None:
    """A tenth is no binary fraction: 3 * 0.1 is saved, 0.3 is asked."""
    kernel = compile_model(town, outputs=["GDP"])
    tenths = dataclasses.replace(town.time, initial=0.0, final=1.0, step=0.1, saveper=0.1)
    inputs = np.empty((1, 0))
    plain, _ = simulate_readings(kernel, inputs, tenths, [("GDP", 0.3)])
    limited, _ = simulate_readings(kernel, inputs, tenths, [("GDP", 0.3)], limit=1e30)
    np.testing.assert_array_equal(limited, plain)


def test_an_element_a_stock_and_a_table_can_vary(town: Model) -> None:
    vary = ["investment share[industry]", "residents", "water effect table"]
    kernel = compile_model(town, vary=vary, outputs=["residents", "output", "water effect"])
    assert set(kernel.inputs) == {
        "investment share[industry]",
        "residents",
        *(f"water effect table({x})" for x in ("0.0", "1.0", "2.0", "4.0")),
    }
    branches = [f"output[{one}]" for one in ("farming", "industry", "services")]
    assert kernel.outputs == ("residents", *branches, "water effect")
    rates = {"residents": np.array([34.0, 68.0]), "water effect table(0.0)": np.array([1.0, 0.5])}
    found = simulate_ensemble(kernel, rates, town.time)
    first = simulate(town)
    np.testing.assert_allclose(found.values[0, 0], first["residents"], rtol=1e-12)
    np.testing.assert_allclose(found.values[0, 1:4].T, first["output"], rtol=1e-12)
    np.testing.assert_allclose(found.values[0, 4], first["water effect"], rtol=1e-12)
    np.testing.assert_allclose(found.values[1, 0], 2 * found.values[0, 0], rtol=1e-12)
    assert found.values[1, 4, 0] < found.values[0, 4, 0]


def test_times_are_chosen_from_the_steps(town: Model) -> None:
    kernel = compile_model(town, outputs=["GDP"])
    nothing = np.empty((1, 0))
    whole = simulate_ensemble(kernel, nothing, town.time)
    some = simulate_ensemble(kernel, nothing, town.time, keep=[2010, 2015, 2020])
    np.testing.assert_array_equal(some.time, [2010, 2015, 2020])
    np.testing.assert_array_equal(some.values[0, 0], whole.values[0, 0][[10, 20, 30]])


def test_a_run_that_breaks_down_is_marked_and_spoils_no_other(town: Model) -> None:
    kernel = compile_model(town, vary=["residents", "death rate"], outputs=["births"])
    inputs = np.tile(kernel.defaults, (20, 1))
    good = simulate_ensemble(kernel, inputs, town.time)
    place = kernel.inputs.index("death rate")
    inputs[3, place], inputs[11, place], inputs[12, place] = np.nan, np.inf, -1e308
    found = simulate_ensemble(kernel, inputs, town.time)
    assert np.flatnonzero(found.bad).tolist() == [3, 11, 12]
    np.testing.assert_array_equal(found.values[~found.bad], good.values[~found.bad])


def test_what_does_not_fit_is_refused(town: Model) -> None:
    kernel = compile_model(town, vary=["birth rate", "death rate"], outputs=["residents"])
    inputs = np.zeros((3, 2))
    with pytest.raises(InputError, match=r"do not fit the kernel; expected \(run, 2\); found \(3,"):
        simulate_ensemble(kernel, np.zeros((3, 1)), town.time)
    with pytest.raises(InputError, match="the kernel has no input 'GDP'"):
        simulate_ensemble(kernel, {"GDP": np.zeros(3)}, town.time)
    columns = {"birth rate": np.zeros(3), "death rate": np.zeros(2)}
    with pytest.raises(InputError, match="'death rate' does not have as many runs; expected 3"):
        simulate_ensemble(kernel, columns, town.time)
    for bad in ([2010.1], [2021], [2000], [2010, 2010], [2011, 2010]):
        with pytest.raises(SimulationError, match="times to keep are rising multiples of the step"):
            simulate_ensemble(kernel, inputs, town.time, keep=bad)
    with pytest.raises(InputError, match="the kernel has no output 'births'"):
        simulate_readings(kernel, inputs, town.time, [("births", 2010.0)])
    with pytest.raises(UnknownNameError, match="did you mean 'birth rate'"):
        compile_model(town, vary=["birth rat"])
    with pytest.raises(InputError, match="'water effect table' is a lookup table"):
        compile_model(town, outputs=["water effect table"])
    with pytest.raises(TypeError, match=r"expected a Scenario or the name of one, found int"):
        simulate(town, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a Model"):
        simulate("baseline", None)  # type: ignore[arg-type]


# --- on disk --------------------------------------------------------------------------------------


def test_code_is_made_once(town: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANSIM_CACHE", str(tmp_path / "cache"))
    made: list[Platform] = []

    def watched(text: str, target: Platform, effort: int) -> bytes:
        made.append(target)
        return machine.assemble(text, target, effort)

    monkeypatch.setattr(kernels, "assemble", watched)
    first, second = (compile_model(town, vary=["birth rate"], outputs=["GDP"]) for _ in range(2))
    assert len(made) == 1
    assert first == second
    assert first.model_sha256 == town.sha256
    compile_model(town, vary=["death rate"], outputs=["GDP"])
    compile_model(town, vary=["birth rate"], outputs=["births"])
    compile_model(town, vary=["birth rate"], outputs=["GDP"], values={"death rate": 0.1})
    other = dataclasses.replace(town, text=town.text + "\n")
    compile_model(other, vary=["birth rate"], outputs=["GDP"])
    assert len(made) == 5


def test_the_guide_s_example_runs(root: Path) -> None:
    text = (root / "docs" / "topics" / "compiler.md").read_text("utf-8")
    names: dict[str, Ensemble] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], names)
    assert names["ensemble"].values.shape[0] == 1000
    assert not names["ensemble"].bad.any()


@pytest.mark.parametrize("place", ["blocked/below", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written_is_done_without(
    town: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    expected = simulate(town)
    (tmp_path / "blocked").write_text("a file, no folder")
    monkeypatch.setenv("PLANSIM_CACHE", str(tmp_path / place))
    assert simulate(town).identical(expected)
