"""Random functions: the generator by known answers, distributions, seeds, and steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

import plansim
from plansim.analysis.evaluator import Evaluator, Request
from plansim.compiler.functions.random import normal_cdf, normal_quantile
from plansim.compiler.graph import Graph
from plansim.compiler.ir import Program
from plansim.compiler.native import host_platform
from plansim.compiler.tracing import Trace
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import compile_model, kernel_of
from plansim.engine.simulate import simulate
from plansim.model.reader import load_model
from plansim.model.records import Integration, Model, TimeSpec
from plansim.scenario.scenario_file import as_written, read_scenario
from tests.helpers.javascript import run_in_node
from tests.helpers.reference import by

EQUATIONS = """
flat= RANDOM UNIFORM(2, 5, 0) ~ Dmnl ~|
other= RANDOM UNIFORM(2, 5, 0) ~ Dmnl ~|
streamed= RANDOM UNIFORM(2, 5, 7) ~ Dmnl ~|
bell= RANDOM NORMAL(-1, 3, 0.5, 1.2, 0) ~ Dmnl ~|
far bell= RANDOM NORMAL(4, 9, 0.5, 1.2, 0) ~ Dmnl ~|
wait= RANDOM EXPONENTIAL(0.2, 4, 0.1, 1.3, 0) ~ Dmnl ~|
roof= RANDOM TRIANGULAR(0, 4, -1, 1.5, 5, 0) ~ Dmnl ~|
plain= RANDOM 0 1() ~ Dmnl ~|
steady= RANDOM NORMAL(0, 3, growth, 0, 0) + RANDOM EXPONENTIAL(0, 9, 2, 0, 0) ~ Dmnl ~|
growth= 0.5 ~ Dmnl ~|
level= INTEG(growth*bell + wait, flat) ~ Dmnl ~|
first= INITIAL(flat) ~ Dmnl ~|
INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 10 ~ Year ~|
TIME STEP= 0.25 ~ Year ~|
SAVEPER= 0.25 ~ Year ~|
"""
MEMBERS = 2000
ROOF = stats.triang(2.5 / 6, loc=-1, scale=6)
DISTRIBUTIONS = {
    "flat": stats.uniform(2, 3).cdf,
    "bell": stats.truncnorm(-1.5 / 1.2, 2.5 / 1.2, loc=0.5, scale=1.2).cdf,
    "far bell": stats.truncnorm(3.5 / 1.2, 8.5 / 1.2, loc=0.5, scale=1.2).cdf,
    "wait": stats.truncexpon(3.8 / 1.3, loc=0.2, scale=1.3).cdf,
    "roof": lambda x: (ROOF.cdf(x) - ROOF.cdf(0)) / (ROOF.cdf(4) - ROOF.cdf(0)),
    "plain": stats.uniform(0, 1).cdf,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("random") / "noise.mdl"
    path.write_text(EQUATIONS, "utf-8")
    return load_model(path, strict=False)


@pytest.fixture(scope="module")
def drawn(model: Model) -> dict[str, np.ndarray]:
    """Give the values of many members, ``(member, time)``."""
    kernel = compile_model(model, cache=False)
    assert kernel.inputs == ("NOISE SEED",)
    found = simulate_ensemble(kernel, np.arange(float(MEMBERS))[:, None], model.time, threads=2)
    assert not found.bad.any()
    return dict(zip(kernel.outputs, found.values.swapaxes(0, 1), strict=True))


# Key, counter and result of Threefry-2x32-20, as published with Random123 (Salmon et al.).
KNOWN = (
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
)


def run_compiled(program: Program, row: list[float]) -> np.ndarray:
    kernel = kernel_of(program, "", host_platform())
    return simulate_ensemble(kernel, np.array([row]), TimeSpec(0, 1, 1, 1)).values[0, :, 0]


def run_javascript(program: Program, row: list[float]) -> np.ndarray:
    return run_in_node(program, [(row, None)])[0]


@pytest.mark.parametrize(("key", "counter", "words"), KNOWN)
@pytest.mark.parametrize("run", [run_compiled, run_javascript])
def test_the_generator_gives_known_answers(
    run: Callable[[Program, list[float]], np.ndarray],
    key: tuple[int, int],
    counter: tuple[int, int],
    words: tuple[int, int],
) -> None:
    trace = Trace()
    seed, stream, step = (trace.input(name).place for name in ("seed", "stream", "step"))
    trace.outputs["u"] = trace.graph.random(seed, stream, step, counter[1])
    found = run(trace.program(), [*map(float, (*key, counter[0]))])
    high, low = (word >> 6 for word in words)
    assert found.item() == (high * 2**26 + low + 0.5) / 2**52


def test_the_normal_distribution_and_its_quantiles_are_scipys() -> None:
    g = Graph()
    for z in np.linspace(-37, 9, 200):
        assert g.value(normal_cdf(g, g.number(z))) == pytest.approx(special.ndtr(z), rel=1e-12)
    for p in [*np.geomspace(1e-299, 0.4, 100), *(1 - np.geomspace(1e-15, 0.4, 100)), 0.5]:
        found = g.value(normal_quantile(g, g.number(p)))
        assert found == pytest.approx(special.ndtri(p), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions_are_those_of_scipy(drawn: dict[str, np.ndarray], name: str) -> None:
    assert stats.kstest(drawn[name].ravel(), DISTRIBUTIONS[name]).pvalue > 1e-3


def test_draws_of_functions_steps_and_members_are_independent(
    drawn: dict[str, np.ndarray],
) -> None:
    flat = drawn["flat"]
    pairs = {
        "of functions": (flat, drawn["other"]),
        "of streams": (flat, drawn["streamed"]),
        "of steps": (flat[:, 1:], flat[:, :-1]),
        "of members": (flat[1:], flat[:-1]),
    }
    for what, (left, right) in pairs.items():
        correlation = np.corrcoef(left.ravel(), right.ravel())[0, 1]
        assert abs(correlation) < 4 / np.sqrt(left.size), what


def test_bounds_of_no_width_and_first_values(drawn: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(drawn["steady"], 2.5)
    first = np.broadcast_to(drawn["flat"][:, :1], drawn["first"].shape)
    np.testing.assert_array_equal(drawn["first"], first)
    np.testing.assert_array_equal(drawn["level"][:, 0], drawn["flat"][:, 0])


@pytest.mark.parametrize("method", Integration)
def test_a_number_is_drawn_once_a_step(
    model: Model, method: Integration, drawn: dict[str, np.ndarray]
) -> None:
    scenario = by(as_written(model), method)
    found = simulate(model, scenario, cache=False)
    for name in DISTRIBUTIONS:
        np.testing.assert_array_equal(found[name], drawn[name][0])
    rates = (0.5 * found["bell"] + found["wait"]).to_numpy()
    rise = np.diff(found["level"]) / model.time.step
    np.testing.assert_allclose(rise, rates[:-1], rtol=1e-9)


def test_a_seed_is_set_by_scenarios_and_added_to_by_members(
    model: Model, drawn: dict[str, np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "seeded.yaml"
    path.write_text("title: seeded\nvalues: {NOISE SEED: 5}\n", "utf-8")
    scenario = read_scenario(path, model)
    found = simulate(model, scenario, cache=False)
    for name in (*DISTRIBUTIONS, "streamed", "level"):
        np.testing.assert_array_equal(found[name], drawn[name][5])
    request = Request(outputs=("level",), years=(7,))
    evaluator = Evaluator(model, scenario, ["growth"], request)
    table = np.full((4, 1), 0.5)
    alike = evaluator.evaluate(table).output("level")[:, 0]
    np.testing.assert_array_equal(alike, alike[0])
    apart = evaluator.evaluate(table, threads=2, seeds=np.arange(4.0)).output("level")[:, 0]
    at = int((7 - model.time.initial) / model.time.step)
    np.testing.assert_array_equal(apart, drawn["level"][5:9, at])


def test_a_sweep_draws_by_its_points_and_can_be_replayed(model: Model, tmp_path: Path) -> None:
    design = plansim.quick_design(None, {"growth": (0.5, 0.6)}, model, samples=8)
    plansim.sweep(model, design, tmp_path / "noise.zarr", targets=(), threads=1)
    found = plansim.open_sweep(tmp_path / "noise.zarr")
    assert len(set(found["plain"].sel(year=5).to_numpy().tolist())) == 8
    for index in (0, 5):
        again = plansim.replay(tmp_path / "noise.zarr", index, model, ())
        assert again.deviation == 0
        assert again.scenario.values["NOISE SEED"] == index
