"""PySD as the reference: its numbers where it is known to err by itself, and its failures."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from plansim.engine import simulate as compiled
from plansim.errors import ModelError, SimulationError
from plansim.model.reader import load_model, parse_model
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario, read_scenario

CLOCK = """
INITIAL TIME = 2000 ~ Year ~|
FINAL TIME = 2004 ~ Year ~|
TIME STEP = 0.25 ~ Year ~|
SAVEPER = 0.5 ~ Year ~|
"""

Build = Callable[[str], Model]
Play = Callable[..., Scenario]
simulate = partial(compiled.simulate, engine="pysd")


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Load a model from the text of its equations."""

    def make(equations: str) -> Model:
        path = tmp_path / "small.mdl"
        path.write_text("{UTF-8}\n" + textwrap.dedent(equations) + CLOCK, "utf-8")
        return load_model(path)

    return make


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Make a scenario of values."""

    def make(model: Model, **values: object) -> Scenario:
        path = tmp_path / "played.yaml"
        named = {name.replace("_", " "): value for name, value in values.items()}
        path.write_text(f"title: {{en: T, zh: 题}}\nvalues: {json.dumps(named)}", "utf-8")
        return read_scenario(path, model)

    return make


# --- The right numbers ----------------------------------------------------------------------------


def test_initial_values_are_taken_at_the_scenarios_initial_time(build: Build, play: Play) -> None:
    model = build("level = INTEG(0, Time - 1990) ~ Dmnl ~|\nsince = INITIAL(Time) ~ Year ~|")
    run = simulate(model, play(model, **{"INITIAL TIME": 1995}))
    np.testing.assert_array_equal(run["level"], 5)
    np.testing.assert_array_equal(run["since"], 1995)


def test_a_whole_number_as_initial_value_does_not_make_an_integer_state(build: Build) -> None:
    text = "followed = 0.5 ~ Dmnl ~|\nsmooth = SMOOTHI(followed, 2, 1) ~ Dmnl ~|"
    expected = 0.5 + 0.5 * (1 - 0.25 / 2) ** np.arange(17)
    np.testing.assert_allclose(simulate(build(text))["smooth"], expected[::2], rtol=1e-13)


def test_an_order_is_a_whole_number(build: Build) -> None:
    names = {"x": "DELAY N", "y": "SMOOTH N"}
    rows = [f"{x} = {name}(Time, 1, 2000, stages) ~ Year ~|" for x, name in names.items()]
    model = build("\n".join(["stages = 3 ~ Dmnl ~|", *rows]))
    run, ours = simulate(model, cache=False), compiled.simulate(model, cache=False)
    for name in names:
        np.testing.assert_allclose(run[name], ours[name], rtol=1e-13)


def test_arrays_keep_the_range_that_they_were_declared_over(build: Build, play: Play) -> None:
    model = build(
        """
        branch: farms, works, shops, banks ~~|
        town branch: shops, works ~~|
        weight[branch] = 1, 2, 3, 4 ~ Dmnl ~|
        part[town branch] = weight[town branch] * 10 ~ Dmnl ~|
        own[works] = Time ~ Dmnl ~~|
        own[shops] = 7 ~ Dmnl ~|
        """
    )
    run = simulate(model, play(model, **{"weight[shops]": 30}))
    for name in ("part", "own"):
        assert run[name].dims == ("time", "town branch")
    assert list(run["town branch"].to_numpy()) == ["shops", "works"]
    np.testing.assert_array_equal(run["part"].isel(time=0), [300, 20])
    np.testing.assert_array_equal(run["weight"], [1, 2, 30, 4])
    np.testing.assert_array_equal(run["own"].isel(time=3), [7, 2001.5])


@pytest.mark.parametrize("saveper", [0.25, 0.5, 1])
def test_what_is_saved_does_not_change_a_run(build: Build, play: Play, saveper: float) -> None:
    """PySD by itself moves a delay before what reads it, where nothing was saved in a step."""
    model = build(
        """
        level = INTEG(delayed + late - 0.5*sampled, 2) ~ Dmnl ~|
        delayed = DELAY N(level, 1.5 + 0.3*SIN(level), 2, 3) ~ Dmnl ~|
        late = DELAY FIXED(0.2*level + 0.1*sampled, 1, 1) ~ Dmnl ~|
        sampled = SAMPLE IF TRUE(level > 3, level + late, 0.5) ~ Dmnl ~|
        """
    )
    saved = simulate(model, play(model, SAVEPER=saveper))
    ours = compiled.simulate(model, play(model, SAVEPER=saveper), cache=False)
    for name in ("level", "delayed", "late", "sampled"):
        np.testing.assert_allclose(saved[name], ours[name], rtol=1e-13)


# --- The same numbers -----------------------------------------------------------------------------


def test_random_functions_repeat_themselves_and_leave_numpys_generator_alone(build: Build) -> None:
    model = build("noise = RANDOM UNIFORM(0, 1, 5) ~ Dmnl ~|")
    np.random.seed(7)
    expected = np.random.uniform(size=3)
    np.random.seed(7)
    first, again = (simulate(model, cache=False)["noise"] for _ in range(2))
    np.testing.assert_array_equal(np.random.uniform(size=3), expected)
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first)) > 1


# --- What goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ("good = 1 ~ Dmnl ~|\ngrows = INTEG(grows * 1e300, 1) ~ Dmnl ~|\n"
         "after = grows * good ~ Dmnl ~|",
         r"small.mdl:3: scenario 'as-written': 'grows' is not a finite number at time 2000.5, nor "
         r"are 1 others; found inf"),
        ("area: east, west ~~|\nbase[area] = 1, 2 ~ Dmnl ~|\n"
         "ratio[area] = base[area] / (base[area] - 2) ~ Dmnl ~|\n"
         "follows = SUM(ratio[area!]) ~ Dmnl ~|",
         r"small.mdl:4: .*'ratio\[west\]' is not a finite number at time 2000, nor are 1 others"),
        ("one = 1 ~ Dmnl ~|\nratio = one / (Time - 2001) ~ Dmnl ~|",
         r"'as-written': the run breaks down at time 2001; found division by zero"),
        ("a = b + 1 ~ Dmnl ~|\nb = c ~ Dmnl ~|\nc = a ~ Dmnl ~|",
         r"the run breaks down.*refer to each other in a circle without a stock"),
        ("area: east, west ~~|\nbase[area] = 1, 2 ~ Dmnl ~|\nx = base[area] ~ Dmnl ~|",
         "the run breaks down"),
    ],
)  # fmt: skip
def test_a_run_that_breaks_down_says_when_and_why(
    build: Build, equations: str, message: str
) -> None:
    with pytest.raises(SimulationError, match=message):
        simulate(build(equations))


def test_a_model_file_never_runs_code(build: Build, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f'__import__("pathlib").Path("{mark}").touch()'
    comment = f'ends the docstring """ + str({code}) + """ and goes on \\'
    model = build(f"x = 1 ~ Dmnl'+str({code})+' ~ {comment}|\ny = INTEG(x, 0) ~ Dmnl ~ {comment}|")
    simulate(model, cache=False)
    assert not mark.exists()


def test_what_pysd_cannot_do_is_refused(build: Build) -> None:
    plain = build("x = 1 ~ Dmnl ~|")
    text = plain.text.replace("x = 1", "x = GET DIRECT CONSTANTS('secret.xlsx', 'a', 'B2')")
    with pytest.raises(ModelError, match=r"\.mdl:2: 'x' reads another file"):
        simulate(parse_model(text, plain.path))
    with pytest.raises(ModelError, match=r"small.mdl: PySD cannot translate the model; found"):
        simulate(build("y = 1 ~ Dmnl ~|\nx = MESSAGE('a text', 1) ~ Dmnl ~|"))
