"""Sweeps: every run is what one run by itself gives, however the sweep was made."""

from __future__ import annotations

import json
import os
import pickle
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr
import zarr
from scipy.stats import binomtest

import plansim.xarray  # noqa: F401  (the accessor)
from plansim.analysis.ensemble import evaluate_members, load_ensemble
from plansim.analysis.evaluator import RunStatus
from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.replay import deviation, run_scenario_text, stored_run
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.experiments.store import Store, open_store, open_summary, open_sweep
from plansim.analysis.experiments.sweep import sweep
from plansim.analysis.sensitivity.given_data import sensitivity
from plansim.engine.simulate import simulate
from plansim.errors import DesignError, InputError, OutputError
from plansim.files.shipped import shipped
from plansim.model.records import Integration, Model
from plansim.output.figures.lines import fan
from plansim.scenario.scenario_file import read_scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Status, Target
from plansim.targets.verdict import check_targets
from tests.helpers.vensim_text import small_model
from tests.toys.village import EQUATIONS, OTHER, village, write_ensemble

DESIGN = """\
title: {en: A sweep, zh: 抽样}
scenarios: [plain.yaml, other.yaml]
design: {kind: sobol, samples: 700, seed: 5}
factors:
  growth: [0.02, 0.2]
  level: [0.2, 2]
  weights: {constants: weight, apply: multiply, uniform: [0.5, 1.5], zh: 权重系数}
outputs: [stock, output]
years: [2003, 2005, 2009]
"""


@dataclass(frozen=True)
class Town:
    """The village with its targets, two scenarios and a design, in a folder of its own."""

    folder: Path
    model: Model
    aims: tuple[Target, ...]

    @property
    def path(self) -> Path:
        """The result, where no other is named."""
        return self.folder / "r.zarr"

    def design(self, text: str = DESIGN, **over: Any) -> Design:
        path = self.folder / "design.yaml"
        path.write_text(text, "utf-8")
        return read_design(path, self.model, **over)

    def sweep(self, design: Design, path: Path | None = None, **how: Any) -> xr.Dataset:
        path = path or self.path
        sweep(self.model, design, path, targets=self.aims, **how)
        return open_summary(path)


def town_in(folder: Path, equations: str = EQUATIONS) -> Town:
    """Write the town into a folder, and read it."""
    (folder / "plain.yaml").write_text("title: Plain\n", "utf-8")
    model = village(folder, equations)
    return Town(folder, model, load_targets(model=model))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return town_in(tmp_path)


def arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read everything of a result but what says where it came from."""
    with xr.open_zarr(path, chunks=None) as found:
        return {str(name): found[name].values for name in found.variables}


def same(one: Path, other: Path) -> bool:
    """Tell whether two results hold the same bits."""
    a, b = arrays(one), arrays(other)
    assert a.keys() == b.keys()
    return all(a[name].tobytes() == b[name].tobytes() for name in a if a[name].dtype.kind != "T")


# --- each run is the run by itself ----------------------------------------------------------------


def test_each_run_is_what_it_is_by_itself(town: Town) -> None:
    method = Integration.MIDPOINT
    design = town.design(f"{DESIGN}integration: {method}\n", samples=9)
    path = town.path
    town.sweep(design, path, threads=2)
    found = xr.open_zarr(path, chunks=None)
    seen = set()
    for index in range(design.runs):
        run, scenario = stored_run(path, index, town.model)
        assert scenario.time.integration is method
        dataset = simulate(town.model, scenario)
        assert deviation(dataset, run) < 1e-12
        moved = run.assign(stock=1.25 * run["stock"])
        assert deviation(dataset, moved) == pytest.approx(0.2)  # of the larger value
        for verdict in check_targets(dataset, town.aims):
            if verdict.id == "S6":
                continue
            one = found.isel(run=index).sel(target=verdict.id)
            assert Status.of(one["verdict"]) is verdict.status
            assert float(one["margin"]) == pytest.approx(verdict.margin, rel=1e-6, abs=1e-5)
            if verdict.attribute == "binding":
                breach = int(found["first_breach"].isel(run=index).sel(binding_target=verdict.id))
                assert (breach or None) == verdict.first_breach
            seen.add(verdict.status)
    assert seen == set(Status) - {Status.UNTESTABLE}, "every verdict was put to the test"


def test_the_growth_of_a_run_follows_from_its_factors(town: Town) -> None:
    """The oracle is the closed form of Euler's method: 100 (1 + g/2)^n after n half years."""
    design = town.design()
    town.sweep(design, threads=2)
    found = xr.open_zarr(town.path, chunks=None)
    is_other = np.arange(design.runs) % 2 == 1
    assert (found["scenario"].values == is_other).all()
    for factor, points in zip(design.factors, Sampler(design).draw(0, 700).T, strict=True):
        np.testing.assert_array_equal(found[factor.name].values, np.repeat(points, 2))
    growth = np.where(is_other, 1.2, 1) * found["growth"].values  # with the effort of each
    expected = 100 * (1 + growth[:, np.newaxis] / 2) ** (2 * (found["year"].values + 0.5 - 2000))
    np.testing.assert_allclose(found["stock"].values, expected, rtol=1e-12)
    mills = np.where(is_other, 3, 2) * found["weights"].values * 100 * (1 + growth / 2) ** 6
    np.testing.assert_allclose(found["output[mills]"].sel(year=2003).values, mills, rtol=1e-12)


@pytest.mark.slow
def test_runs_of_the_shipped_model_are_what_pysd_gives(city: Model, tmp_path: Path) -> None:
    design = read_design(shipped("scenarios", "sweeps", "growth-investment.yaml"), city, samples=32)
    sweep(city, design, tmp_path / "r.zarr")
    run, scenario = stored_run(tmp_path / "r.zarr", 21, city)
    assert deviation(simulate(city, scenario, engine="pysd"), run) < 1e-9


# --- it does not matter how -----------------------------------------------------------------------


def test_values_do_not_depend_on_threads_blocks_or_tiles(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = town.design(samples=300)
    town.sweep(design, town.folder / "a.zarr", threads=2)
    monkeypatch.setattr("plansim.analysis.experiments.sweep.TILE", 13)
    town.sweep(design, town.folder / "b.zarr", threads=5, block=17)
    assert same(town.folder / "a.zarr", town.folder / "b.zarr")
    one, other = (xr.open_zarr(town.folder / n, group="summary") for n in ("a.zarr", "b.zarr"))
    xr.testing.assert_identical(one.load(), other.load())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda town, design: (town, replace(design, seed=6)),
         "another design, seed; expected 5; found 6"),
        (lambda town, design: (town, replace(design, points=11)),
         "another design, points; expected 10; found 11"),
        (lambda town, design: (replace(town, model=replace(town.model, sha256="0")), design),
         "another model, sha256"),
        (lambda town, design: (replace(town, aims=(replace(town.aims[0], value=170.0),
                                                   *town.aims[1:])), design),
         "another targets, S1; expected [160"),
    ],
)  # fmt: skip
def test_a_sweep_of_something_else_is_refused_with_the_difference(
    town: Town, change: Callable[[Town, Design], tuple[Town, Design]], expected: str
) -> None:
    town.sweep(town.design(samples=10))
    other, design = change(town, town.design(samples=10))
    with pytest.raises(DesignError) as caught:
        other.sweep(design, resume=True)
    assert expected in str(caught.value)


def test_a_result_is_not_overwritten_unless_told(town: Town) -> None:
    design, path = town.design(samples=10), town.path
    town.sweep(design, path)
    with pytest.raises(OutputError, match="exists already; resume=True goes on with it, force"):
        town.sweep(design, path)
    town.sweep(town.design(samples=11), path, force=True)
    assert open_store(path).runs == 22
    (town.folder / "mine").mkdir()
    (town.folder / "mine" / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(InputError, match="not the result of a sweep"):
        town.sweep(design, town.folder / "mine", force=True)
    assert (town.folder / "mine" / "letter.txt").exists()
    with pytest.raises(InputError, match=r"no such folder; expected a RESULT\.zarr that 'plansim"):
        town.sweep(design, town.folder / "nothing.zarr", resume=True)
    with pytest.raises(OutputError, match="expected an existing folder"):
        town.sweep(design, town.folder / "no" / "where.zarr")


def test_a_scenario_cannot_assume_what_is_no_target(town: Town) -> None:
    design = town.design(samples=10)
    (town.folder / "other.yaml").write_text(OTHER.replace("S1", "S9"), "utf-8")
    with pytest.raises(DesignError, match=r"other\.yaml:3: no target has the id 'S9'"):
        town.sweep(town.design(samples=10))
    town.sweep(design)


# --- bad runs -------------------------------------------------------------------------------------

BAD = """\
title: Bad
scenarios: plain.yaml
design: {kind: grid}
factors:
  growth: {discrete: {values: [0.1, 100000]}}
  level: {discrete: {values: [1, -1]}}
outputs: [stock]
years: [2005]
"""


def test_a_bad_run_is_a_status(town: Town) -> None:
    design = town.design(BAD)
    (plain,) = design.scenarios
    longer = replace(plain, time=replace(plain.time, final=2040.0))
    summary = town.sweep(replace(design, scenarios=(longer,)))
    found = xr.open_zarr(town.path, chunks=None)
    assert found["status"].values.tolist() == [0, RunStatus.NAN, RunStatus.OVERFLOW, RunStatus.NAN]
    names = found["bad_variable"].attrs["names"]
    assert [names[i] if i >= 0 else "" for i in found["bad_variable"].values] == [
        "", "root", "fed", "root"
    ]  # fmt: skip
    # What is added, 1e5 · 100 · 50001^n, passes the largest number, 1.8e308, after 65 half years.
    np.testing.assert_array_equal(found["bad_time"].values, [np.nan, 2000, 2032.5, 2000])
    assert (found["verdict"].values[1:] == Status.UNTESTABLE.code).all()
    assert np.isnan(found["margin"].values[1:]).all()
    runs = summary["runs"].sel(scenario="plain").to_series()
    assert runs.to_dict() == {"ok": 1, "overflow": 1, "nan": 2, "excessive": 0, "never_run": 0}
    assert json.loads(summary.attrs["bad_variables"]) == {"root": 2, "fed": 1}
    assert summary["verdicts"].sel(target="S1").values.sum() == 1, "bad runs have no verdict"


# --- what a user sees -----------------------------------------------------------------------------


def test_the_result_explains_itself(town: Town) -> None:
    town.sweep(town.design(samples=10))
    found = xr.open_zarr(town.path, chunks=None)
    assert found.attrs["title_zh"] == "抽样"
    assert found.attrs["design_text"] == DESIGN
    assert found.attrs["plansim"]["model"]["sha256"] == town.model.sha256
    assert found["stock"].attrs["units"] == "亿元"
    assert found["stock"].attrs["long_name_zh"] == "存量"
    assert found["growth"].attrs["factor"]["distribution"] == "uniform"
    assert found["target_name"].sel(target="S4").item() == "Either"
    assert "S6" not in found["target"].values, "what nothing judges is left out"


@pytest.mark.parametrize("names", [["plain.yaml"], ["plain.yaml", "other.yaml"]])
def test_runs_of_a_sweep_are_saved_and_read_back(names: list[str], town: Town) -> None:
    text = DESIGN.replace("[plain.yaml, other.yaml]", str(names))
    town.sweep(town.design(text, samples=32))
    runs = open_sweep(town.path)
    for number, chosen in enumerate([runs, runs.isel(run=[3]).sel(year=2005)]):
        path = town.folder / f"{number}.nc"
        chosen.to_netcdf(path)
        with xr.open_dataset(path) as back:
            xr.testing.assert_equal(back, chosen)
            pd.testing.assert_frame_equal(back.plansim.shares(), chosen.plansim.shares())
            pd.testing.assert_frame_equal(back.plansim.frame(), chosen.plansim.frame())
    with xr.open_dataset(town.folder / "0.nc") as back:
        for study in (back, pickle.loads(pickle.dumps(runs))):
            pd.testing.assert_frame_equal(sensitivity(study), sensitivity(runs))
            assert fan(study, "stock").get_title(loc="left") == "Stock"


def test_chance_is_that_of_the_point_or_member_however_it_is_run(tmp_path: Path) -> None:
    equations = "k= 1 ~ Dmnl [0,9] ~ 甲。K. [A: 0–2] |\nx= k*RANDOM UNIFORM(0, 1, 5) ~ Dmnl ~ |\n"
    texts = {"a": "title: A\n", "b": "title: B\nvalues: {NOISE SEED: 7}\n"}
    texts["design"] = ("title: D\nscenarios: [a.yaml, b.yaml]\ndesign: {samples: 4}\n"
                       "factors: {k: }\noutputs: [x]\nyears: [2005]\n")  # fmt: skip
    model = small_model(tmp_path, equations, **texts)
    path = tmp_path / "runs.zarr"
    with sweep(model, tmp_path / "design.yaml", path, targets=[]) as made:
        drawn = (made["x"] / made["k"]).to_numpy().ravel()
    assert len(set(drawn.round(9))) == 8
    for index in range(8):
        run, scenario = stored_run(path, index, model)
        assert deviation(simulate(model, scenario), run) == 0
    write_ensemble(model, *(f"{number},{number + 1}" for number in range(3)), multiplied="k")
    base, members = read_scenario(tmp_path / "b.yaml", model), load_ensemble(model)
    asked: dict[str, Any] = {"outputs": ["x"], "years": [2005]}
    of_members = evaluate_members(model, base, (), members, **asked).output("x")[:, 0]
    np.testing.assert_allclose(of_members / [1, 2, 3], drawn[1:6:2], rtol=1e-12)


def test_the_summary_is_that_of_the_runs(town: Town) -> None:
    told = town.sweep(town.design(), block=100)
    found = xr.open_zarr(town.path, chunks=None)
    plain = found.isel(run=found["scenario"].values == 0)
    met = (plain["verdict"] == Status.MET.code).mean("run")
    one = told.sel(scenario="plain")
    np.testing.assert_allclose(one["p_met"], met)
    for target in told["target"].values:
        share = one.sel(target=target)
        count = round(float(met.sel(target=target)) * 700)
        part, more = (count + 1.96**2 / 2) / (700 + 1.96**2), 700 + 1.96**2  # Agresti & Coull
        error = np.sqrt(part * (1 - part) / more)
        assert float(share["p_met_se"]) == pytest.approx(error, rel=1e-3)
        wilson = binomtest(count, 700).proportion_ci(0.95, "wilson")
        assert float(share["p_met_low"]) == pytest.approx(wilson.low, abs=1e-5)
        assert float(share["p_met_high"]) == pytest.approx(wilson.high, abs=1e-5)
    np.testing.assert_allclose(one["worst_margin"], plain["margin"].min("run"))
    for target in ("S1", "S4"):
        worst = int(one["worst_run"].sel(target=target))
        assert float(found["margin"].isel(run=worst).sel(target=target)) == float(
            one["worst_margin"].sel(target=target)
        )
    np.testing.assert_allclose(
        one["quantiles"].sel(output="stock").T, plain["stock"].quantile(one["quantile"], "run")
    )
    other = told.sel(scenario="other", target="S1")
    assert np.isnan(other["p_met"]), "an assumed target is not met with any probability"
    assert int(other["verdicts"].sel(verdict="assumed")) == 700


def test_shares_of_a_grid_have_no_standard_error(town: Town) -> None:
    grid = DESIGN.replace("{kind: sobol, samples: 700, seed: 5}", "{kind: grid, levels: 3}")
    told = town.sweep(town.design(grid))
    assert int(told["runs"].sum()) == 54
    assert told["p_met"].sel(scenario="plain").notnull().all()
    for name in ("p_met_se", "p_met_low", "p_met_high"):
        assert told[name].isnull().all()


def test_quantiles_of_very_many_runs_are_those_of_every_kth_point(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The k is odd: every second run would be of one scenario, every fourth from a corner."""
    runs, values = 2 * 700, 3 * 3
    monkeypatch.setattr("plansim.analysis.experiments.summary.MOST_VALUES", runs * values // 2)
    told = town.sweep(town.design(), block=64)
    assert told["quantiles"].attrs["every"] == 3
    found = xr.open_zarr(town.path, chunks=None)["stock"]
    for index, scenario in enumerate(told["scenario"].values):
        np.testing.assert_allclose(
            told["quantiles"].sel(scenario=scenario, output="stock").T,
            found[index::2][::3].quantile(told["quantile"], "run"),
        )


def test_a_run_is_written_as_a_scenario_and_read_back_to_the_last_bit(town: Town) -> None:
    town.sweep(town.design(DESIGN + "integration: midpoint\n", samples=10))
    _, scenario = stored_run(town.path, 7, town.model)
    (town.folder / "again.yaml").write_text(run_scenario_text(scenario), "utf-8")
    read = read_scenario(town.folder / "again.yaml", town.model)
    assert dict(read.values) == dict(scenario.values)
    assert read.time == scenario.time
    assert read.assumed == scenario.assumed
    assert (read.title_en, read.title_zh) == (scenario.title_en, scenario.title_zh)
    bent = DESIGN.replace(
        "  level: [0.2, 2]",
        "  growth until year: [1999, 2009]\n"
        "  level after: [0.2, 2]\n  level from year: [1990, 2009]",
    )
    (town.folder / "other.yaml").write_text(
        "title: Bent\nlevers: {growth: {after: 0.2, from: 2003}}\n", "utf-8"
    )
    made = sweep(
        town.model, town.design(bent, samples=10), town.folder / "bent.zarr", targets=town.aims
    )
    for index in made["run"].to_numpy():  # what changes nothing is left out of the file
        stored, scenario = stored_run(town.folder / "bent.zarr", index, town.model)
        (town.folder / "again.yaml").write_text(run_scenario_text(scenario), "utf-8")
        again = simulate(town.model, read_scenario(town.folder / "again.yaml", town.model))
        assert deviation(again, stored) < 1e-15
    with pytest.raises(InputError, match=r"no such run; .*expected 0 to 19; found 20"):
        stored_run(town.path, 20, town.model)
    with pytest.raises(DesignError, match="made with another model"):
        stored_run(town.path, 7, replace(town.model, sha256="0"))


# --- trouble from outside -------------------------------------------------------------------------


def test_a_full_disk_is_said_clearly_and_the_sweep_is_resumed_to_the_same_values(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    design, path, whole = town.design(), town.path, town.folder / "whole.zarr"
    write, limits = Store.write, resource.getrlimit(resource.RLIMIT_FSIZE)

    def fails(self: Store, number: int, found: Any) -> None:
        if number == 5:  # as the system says it: no file may grow beyond this many bytes
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        try:
            write(self, number, found)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(Store, "write", fails)
    with pytest.raises(OutputError, match=r"the disk is full; what is written so far stays valid"):
        town.sweep(design, path, block=64, threads=1)
    monkeypatch.undo()
    # What a kill leaves behind: half a line in the list, half a block in the arrays.
    with (path / "status" / "blocks.done").open("a") as file:
        file.write("1")
    zarr.open_group(path)["stock"][640:660] = 1.0  # type: ignore[index]
    assert open_store(path).done() == set(range(5))
    status = open_sweep(path)["status"].values
    assert (status[:320] == RunStatus.OK).all()
    assert (status[320:] == -1).all(), "fill values mean never run"
    told: list[int] = []
    town.sweep(design, path, resume=True, threads=2, progress=lambda n, _: told.append(n))
    assert told[0] == 320, "what is done is not done again"
    town.sweep(design, whole)
    assert same(path, whole)
    town.sweep(design, path, resume=True, progress=lambda n, _: told.append(n))
    assert told[-2:] == [1400, 1400], "nothing is left to do"


# --- on the workers of a scheduler ----------------------------------------------------------------


@pytest.fixture
def cluster(root: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A real scheduler and two worker processes on loopback."""
    address = f"tcp://127.0.0.1:{(port := _free_port())}"

    def started(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", "--no-dashboard", *arguments],
            env=os.environ | {"PYTHONPATH": str(root / "sim")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    scheduler = started("dask_scheduler", "--host", "127.0.0.1", "--port", str(port))
    workers = [started("dask_worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
    try:
        yield address, [*workers, scheduler]
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.long
def test_the_values_are_the_same_though_a_worker_and_then_the_scheduler_is_killed(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], town: Town
) -> None:
    from distributed import Client

    address, processes = cluster
    design, here = town.design(samples=10_000), town.folder / "here.zarr"

    def progress(done: int, runs: int) -> None:
        if done >= 2048:
            processes[0].kill()  # a worker
        if done >= 10_240:
            assert processes[0].wait(timeout=10) != 0
            processes[-1].kill()  # the scheduler

    with Client(address, timeout="60s", set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(2, timeout=60)
    with pytest.raises(OutputError, match="their scheduler died; resume=True goes on"):
        town.sweep(design, scheduler=address, block=512, progress=progress)
    assert len(open_store(town.path).done()) >= 20
    town.sweep(design, resume=True)
    town.sweep(design, here)
    assert same(town.path, here)


def test_no_scheduler_answers(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plansim.analysis.experiments.sweep.PATIENCE", "1s")
    address = f"tcp://127.0.0.1:{_free_port()}"
    with pytest.raises(InputError, match="no scheduler answers"):
        town.sweep(town.design(), scheduler=address)
    assert not town.path.exists()


def test_a_sweep_that_is_refused_writes_and_replaces_nothing(town: Town) -> None:
    delay = (
        "order= 3 ~ Dmnl ~ 阶。Of the delay. [A: 1–5] |\n"
        "late= DELAY N(stock, 2, 100, order) ~ 亿元 ~ 迟。Comes late. |\n"
    )
    other = town_in(town.folder, EQUATIONS + delay)
    text = DESIGN.replace("level: [0.2, 2]", "order: [1, 3]").replace("[stock,", "[late,")
    town.sweep(town.design(samples=4))
    before = arrays(town.path)
    for path in (town.path, town.folder / "new.zarr"):
        with pytest.raises(InputError, match="'order' cannot vary"):
            other.sweep(other.design(text), path, force=True)
    assert not (town.folder / "new.zarr").exists()
    np.testing.assert_equal(arrays(town.path), before)
