"""Random models with arrays, memory, macros and data: the engines against plain numpy."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from plansim.engine.compiled import run_compiled
from plansim.engine.pysd import run_reference
from plansim.engine.simulate import simulate
from plansim.engine.trajectory import cells
from plansim.model.reader import load_model
from plansim.model.records import Integration, Model
from plansim.scenario.scenario_file import as_written
from tests.helpers.javascript import simulate_in_node
from tests.helpers.plain_numpy import DATA
from tests.helpers.random_model import Written, write_model
from tests.helpers.reference import by, disagreements


def loaded(written: Written, folder: Path) -> Model:
    path = folder / "random.mdl"
    path.write_text(written.text, "utf-8")
    data = folder / "data.csv"
    data.write_text("Time,seen\n" + "".join(f"{t},{v}\n" for t, v in zip(*DATA, strict=True)))
    return load_model(path, strict=False, data=[data])


def differences(written: Written, model: Model) -> list[str]:
    """Name the variables that the compiled engine computes otherwise than numpy."""
    found = simulate(model, cache=False)
    wrong = []
    for name, expected in written.values.items():
        ours = found[name]
        axes = tuple(i for i, dim in enumerate("AB", 1) if dim not in written.dims[name])
        right = expected.squeeze(axes)
        values = ours.to_numpy() if "time" in ours.dims else ours.to_numpy()[None]
        assert values.shape[1:] == right.shape[1:], name
        if not np.abs(values - right).max() <= 1e-9 * max(np.abs(right).max(), 1):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize(
    "seeds", [range(30, 42), pytest.param(range(42, 600), marks=pytest.mark.slow)]
)
def test_a_random_model_with_arrays_is_computed_as_by_numpy(tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        written = write_model(Random(seed))
        assert not differences(written, loaded(written, tmp_path)), (seed, written.text)


@pytest.mark.parametrize("method", Integration)
def test_a_random_model_is_computed_as_by_pysd(tmp_path: Path, method: Integration) -> None:
    for seed in range(4):
        model = loaded(write_model(Random(f"{method} {seed}"), for_pysd=True), tmp_path)
        scenario = by(as_written(model), method)
        ours, theirs = (
            cells(model, run(model, scenario, cache=False)) for run in (run_compiled, run_reference)
        )
        assert disagreements(ours, theirs) == [], (method, seed, model.text)


@pytest.mark.parametrize("seed", range(4))
def test_a_random_model_is_computed_in_javascript_by_every_method(
    tmp_path: Path, seed: int
) -> None:
    model = loaded(write_model(Random(seed)), tmp_path)
    scenarios = [by(as_written(model), method) for method in Integration]
    program, runs = simulate_in_node(model, ["row of it", "tabbed"], scenarios)
    assert len(program.outputs) > 20
    for scenario, run in zip(scenarios, runs, strict=True):
        theirs = cells(model, run_compiled(model, scenario, cache=False))
        ours = dict(zip(program.outputs, run, strict=True))
        assert disagreements(ours, theirs) == [], scenario.time.integration
