"""Levers that are bent: ramps, ends and series, by a variant of the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plansim
from plansim.engine.simulate import simulate
from plansim.errors import ModelError, ScenarioError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.scenario_file import as_written, read_scenario
from plansim.scenario.variant import for_scenarios

TOY = """{UTF-8}
branch: farms, works ~~ 部门。Branches. [zh: 农业, 工业]|
stock= INTEG(inflow - wear*stock, 10) ~ t ~ 存量。A stock. |
inflow= pull*(tax + SUM(share[branch!]*weight[branch!])) ~ t/Year ~ 流入。An inflow. |
pull= pull before + STEP(pull after - pull before, pull from year) ~ Dmnl ~ 拉力。A lever. |
pull before= 1 ~ Dmnl [0,10] ~ 拉力（前）。Before. [A: 0.5–2] |
pull after= 1.7 ~ Dmnl [0,10] ~ 拉力（后）。After. [A: 1–3] |
pull from year= 2006 ~ Year [2000,2030] ~ 拉力年份。When. [A: 2005–2008] |
tax= 2*(duty before + STEP(duty after - duty before, duty from year)) ~ Dmnl ~ 税。Tax. |
duty before= 0.1 ~ Dmnl [0,?] ~ 税率（前）。Before. |
duty after= 0.3 ~ Dmnl [0,?] ~ 税率（后）。After. |
duty from year= 2008 ~ Year ~ 税率年份。When. |
share[branch]= share before[branch] + STEP(share after[branch] - share before[branch],
\tshare from year) ~ Dmnl ~ 比重。Shares. |
share before[branch]= 0.2, 0.4 ~ Dmnl [0,1] ~ 比重（前）。Before. |
share after[branch]= 0.3, 0.1 ~ Dmnl [0,1] ~ 比重（后）。After. |
share from year= 2007 ~ Year ~ 比重年份。When. |
weight[branch]= 0.7, 0.9 ~ Dmnl [0,1] ~ 权重。Weights. |
wear= 0.125 ~ 1/Year [0,1] ~ 磨损率。Wear. [A: 0.05–0.2] |
price effect= 2*(1 + STEP(price after - 1, programmes year)) ~ Dmnl ~ 水价作用。Of the price. |
price after= 1.4 ~ Dmnl [0,5] ~ 水价（后）。A lever that shares its year. [A: 1–2] |
programmes year= 2008 ~ Year [2000,2030] ~ 措施年份。A year for several. |
drained= wear*stock + rise index ~ t/Year ~ 流出。What no lever is. |
rise index= (1 + rise before)^MIN(Time, rise from year) + rise after*stock ~ t/Year ~ 指数。Index. |
rise before= 0.001 ~ Dmnl ~ 一。One. |
rise after= 0 ~ Dmnl ~ 二。Two. |
rise from year= 2007 ~ Year ~ 年。Year. |
INITIAL TIME = 2005 ~ Year ~|
FINAL TIME = 2012 ~ Year ~|
TIME STEP = 0.25 ~ Year ~|
SAVEPER = TIME STEP ~ Year ~|
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("toy") / "toy.mdl"
    path.write_text(TOY, "utf-8")
    return load_model(path)


def write(folder: Path, text: str, name: str = "x") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"title: x\n{text}\n", "utf-8")
    return path


def run(model: Model, folder: Path, text: str) -> xr.Dataset:
    return simulate(model, read_scenario(write(folder, text), model))


def assert_same_bits(one: xr.Dataset, other: xr.Dataset, model: Model) -> None:
    for name in model.variables:
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=name)


# --- what the forms mean --------------------------------------------------------------------------


def test_a_series_is_linear_between_years_and_holds_at_its_ends(toy: Model, tmp_path: Path) -> None:
    points = {2006: 1.3, 2007: 0.4, 2008: 2.2, 2009: 1.9}
    for name, variable in (("pull", "pull"), ("wear", "wear by year"), ("duty", "tax")):
        factor = {"wear": 0.1, "duty": 0.5}.get(name, 1)
        scaled = ", ".join(f"{year}: {value * factor!r}" for year, value in points.items())
        found = run(toy, tmp_path, f"levers: {{{name}: {{series: {{{scaled}}}}}}}")[variable]
        values = [value * factor * (2 if name == "duty" else 1) for value in points.values()]
        np.testing.assert_allclose(found, np.interp(found.time, [*points], values), rtol=1e-13)


def test_elements_of_arrays_have_series_of_their_own(toy: Model, tmp_path: Path) -> None:
    text = (
        "levers:\n"
        "  share[工业]: {series: {2006: 0.2, 2007: 0.6}}\n"
        "  weight[farms]: {series: {2005: 0.1, 2006: 50 %}}\n"
    )
    changed, plain = run(toy, tmp_path, text), simulate(toy)
    share, weight = changed["share"], changed["weight by year"]
    np.testing.assert_allclose(
        share.sel(branch="works"), np.interp(share.time, [2006, 2007], [0.2, 0.6])
    )
    np.testing.assert_array_equal(share.sel(branch="farms"), plain["share"].sel(branch="farms"))
    np.testing.assert_allclose(
        weight.sel(branch="farms"), np.interp(weight.time, [2005, 2006], [0.1, 0.5])
    )
    assert set(weight.sel(branch="works").values) == {0.9}
    inflow = changed["pull"] * (changed["tax"] + (share * weight).sum("branch"))
    np.testing.assert_allclose(changed["inflow"], inflow, rtol=1e-14)


def test_a_series_may_come_from_a_table(toy: Model, tmp_path: Path) -> None:
    table = "年份,note,Pull\n2006,a,1.3\n\n2007,b,40 %\n2008,c,2.2\n"
    (tmp_path / "x.csv").write_text(table, "utf-8-sig")
    one = run(toy, tmp_path, "levers: {pull: {series: {file: x.csv, column: pull}}}")
    other = run(toy, tmp_path, "levers: {pull: {series: {2006: 1.3, 2007: 0.4, 2008: 2.2}}}")
    assert_same_bits(one, other, toy)
    (tmp_path / "x.csv").write_text(table.replace("2.2", "2.5"), "utf-8")
    again = read_scenario(
        write(tmp_path, "levers: {pull: {series: {file: x.csv, column: pull}}}"), toy
    )
    assert again.values["pull in 2008"] == 2.5


MORE = (
    "levers:\n"
    "  price after: {after: 1.5, from: 2009, to: 2011, until: 2011.5}\n"
    "  wear: {before: 0.1, after: 0.2, from: 2006.5, to: 2008.5}\n"
    "  weight[farms]: {after: 0.1, from: 2008, until: 2010}\n"
    "  税率: {before: 0.1, after: 0.3, from: 2006, to: 2008, until: 2011}\n"
    "  tax: {after: 3, from: 2009}\n"
    "  pull: {series: {2005: 1, 2006: 2}}\n"
)


def test_every_lever_and_every_input_has_ramps_and_ends(toy: Model, tmp_path: Path) -> None:
    found = run(toy, tmp_path, MORE)
    time = found.time.to_numpy()
    duty = np.where(time < 2011, np.interp(time, [2006, 2008], [0.1, 0.3]), 0.1)
    np.testing.assert_allclose(found["tax"], 2 * duty, rtol=1e-14)
    after = np.where(time < 2011.5, np.interp(time, [2009, 2011], [1.4, 1.5]), 1.4)
    np.testing.assert_allclose(found["price effect"], 2 * np.where(time < 2008, 1, after))
    wear = np.interp(time, [2006.5, 2008.5], [0.1, 0.2])
    np.testing.assert_allclose(found["wear by year"], wear, rtol=1e-14)
    farms = np.where((time >= 2008) & (time < 2010), 0.1, 0.7)
    weight = found["weight by year"]
    np.testing.assert_allclose(weight.sel(branch="farms"), farms, rtol=1e-14)
    assert set(weight.sel(branch="works").values) == {0.9}
    tax = np.where(time >= 2009, 3, found["tax"])
    np.testing.assert_allclose(found["tax by year"], tax, rtol=1e-14)
    inflow = found["pull"] * (found["tax by year"] + (found["share"] * weight).sum("branch"))
    np.testing.assert_allclose(found["inflow"], inflow, rtol=1e-14)


# --- what changes nothing -------------------------------------------------------------------------

years = st.integers(2005 * 8, 2012 * 8).map(lambda eighths: eighths / 8)


@given(start=years, values=st.tuples(st.floats(0, 10), st.floats(0, 10)))
@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_ramp_of_no_length_is_the_step(
    toy: Model, tmp_path: Path, start: float, values: tuple[float, float]
) -> None:
    before, after = values
    step = f"before: {before!r}, after: {after!r}, from: {start}"
    one = run(toy, tmp_path, f"levers: {{pull: {{{step}}}}}")
    ramp = run(toy, tmp_path, f"levers: {{pull: {{{step}, to: {start}}}}}")
    assert_same_bits(one, ramp, toy)
    short = run(toy, tmp_path, f"levers: {{pull: {{{step}, to: {start + 1e-6}}}}}")
    apart = np.abs(one.time - start) > 0.125  # the step begins half a step of time early
    np.testing.assert_allclose(one["pull"][apart], short["pull"][apart], rtol=1e-9, atol=1e-9)


BENT = (
    "levers:\n"
    "  pull: {after: 3, from: 2006, to: 2008, until: 2010}\n"
    "  duty: {series: {2005: 0.1, 2006: 0.5}}\n"
    "  wear: {series: {2007: 0.2}}\n"
    "  share: {until: 2009}\n"
    "  weight: {series: {2007: 0.2, 2008: 0.4}}\n"
)


def test_others_run_by_the_variant_as_by_the_model(toy: Model, tmp_path: Path) -> None:
    bent = read_scenario(write(tmp_path, BENT, "bent"), toy)
    plain = read_scenario(write(tmp_path, "levers: {pull: {from: 2007}}", "plain"), toy)
    variant = for_scenarios(toy, [bent, plain])
    assert variant.original is toy
    names = {name.partition("[")[0] for name in bent.values} - toy.variables.keys()
    assert set(variant.added) == names | {"wear by year", "weight by year"}
    more = read_scenario(write(tmp_path, MORE, "more"), toy)
    for wider in (variant, for_scenarios(toy, [more, plain])):
        for scenario in (plain, as_written(toy)):
            assert_same_bits(simulate(toy, scenario), simulate(wider, scenario), toy)
    together = simulate(toy, [plain, bent])
    for scenario in (plain, bent):
        joined = together["stock"].sel(scenario=scenario.id)
        np.testing.assert_array_equal(joined, simulate(toy, scenario)["stock"])


# --- engines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [BENT, MORE])
def test_pysd_computes_the_same_variant(toy: Model, tmp_path: Path, text: str) -> None:
    scenario = read_scenario(write(tmp_path, text), toy)
    ours, theirs = simulate(toy, scenario), simulate(toy, scenario, engine="pysd")
    for name, values in ours.data_vars.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-9, err_msg=str(name))


# --- inheritance ----------------------------------------------------------------------------------


def values_of(model: Model, folder: Path, text: str) -> Mapping[str, float]:
    return read_scenario(write(folder, text, "child"), model).values


def test_what_is_set_later_ends_a_series(toy: Model, tmp_path: Path) -> None:
    write(
        tmp_path,
        "levers: {pull: {series: {2005: 1, 2006: 2}}, wear: {series: {2006: 0.1}},"
        " 'weight[farms]': {series: {2006: 0.5}}}",
        "root",
    )
    inherited = values_of(toy, tmp_path, "parent: root\nlevers: {pull: {series: {2006: 3}}}")
    assert inherited["pull series start"] == 2006
    assert inherited["wear in 2006"] == 0.1
    point = values_of(toy, tmp_path, "parent: root\nvalues: {pull in 2006: 3}")
    assert (point["pull in 2005"], point["pull in 2006"]) == (1, 3)
    assert (point["pull series start"], point["pull series end"]) == (2005, 2006)
    for text in ("levers: {pull: {after: 2}}", "values: {pull before: 2}"):
        assert not [
            name for name in values_of(toy, tmp_path, f"parent: root\n{text}") if "pull in" in name
        ]
    over = write(tmp_path, "kind: overlay\nlevers: {pull: {after: 2, from: 2006}}", "over")
    for setting in ("pull in 2006=3", "pull series start=2005"):  # the series is ended already
        with pytest.raises(ScenarioError, match=f"{setting[:-5]}.* without 'pull series end'"):
            read_scenario(tmp_path / "root.yaml", toy, [setting], overlays=[over])
    ended = values_of(toy, tmp_path, "parent: root\nvalues: {wear: 0.2, 'weight[works]': 0.1}")
    assert "wear in 2006" not in ended
    assert "weight in 2006[farms]" in ended
    assert "pull in 2005" in ended


def test_overlays_on_one_lever_are_refused_whatever_their_form(toy: Model, tmp_path: Path) -> None:
    base = write(tmp_path, "", "base")
    series = write(tmp_path, "kind: overlay\nlevers: {pull: {series: {2006: 1}}}", "series")
    switch = write(tmp_path, "kind: overlay\nvalues: {pull after: 2}", "switch")
    for pair in ([series, switch], [switch, series]):
        with pytest.raises(ScenarioError, match=r"overlays '\w+' and '\w+' both set 'pull"):
            read_scenario(base, toy, overlays=pair)


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lever", "fault"),
    [
        ("pull: {from: 2008, to: 2007}",
         "'pull to year' must come after 'pull from year', 2008; found 2007"),
        ("pull: {from: 2008, until: 2008}",
         "'pull until year' must come after 'pull from year', 2008; found 2008"),
        ("push: {to: 2008}", "the model has no lever 'push' with before, after, from, to, until; "),
        ("pull: {series: {2006: 1, 2008: 2}}", "the series has a gap; expected the year 2007"),
        ("pull: {series: {2006.5: 1}}", "'2006.5' is not a year; expected a whole number"),
        ("pull: {series: {}}", "the series of 'pull' is empty"),
        ("pull: {series: {2006: 11}}", "'pull in 2006' is outside its admissible range; "),
        ("pull: {series: {2004: 1, 2005: 1}}", "the series of 'pull' leaves the run; expected"),
        ("pull: {series: {2006: 1}, from: 2006}",
         "the lever 'pull' must have one form; expected before, after, from, to, until; or size, "
         "start, length; or series; found from, series"),
        ("wear: {after: 0.2}", "'wear after' changes nothing without 'wear from year'"),
        ("inflow: {before: 2}", "'inflow' has no 'before'; expected one of after, from, to, un"),
        ("drained: {series: {2006: 1}}", "'drained' cannot be set: its equation gives its val"),
        ("TIME STEP: {series: {2006: 1}}", "'TIME STEP' cannot follow a series; expected a le"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_lever_is_said_with_its_line(
    toy: Model, tmp_path: Path, lever: str, fault: str
) -> None:
    path = write(tmp_path, f"levers:\n  {lever}\n")
    assert fault_of(path, toy).startswith(f"{path}:3: {fault}")


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("year,pull\n2006,1\n2008,1\n", ":3: the series has a gap; expected the year 2007"),
        ("year,pull\n2006,1\n2007,99\n", ":3: 'pull in 2007' is outside its admissible range"),
        ("year,pull\n2006,1,3\n", ":2: the row has more cells than the table has columns; "),
        ("year,pulls\n2006,1\n", ":1: the table has no column 'pull'; expected one of year, pul"),
        ("", ": the table cannot be read; found No such file"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(
    toy: Model, tmp_path: Path, table: str, fault: str
) -> None:
    path = tmp_path / "x.csv"
    if table:
        path.write_text(table, "utf-8")
    scenario = write(tmp_path, "levers: {pull: {series: {file: x.csv, column: pull}}}")
    assert fault_of(scenario, toy).startswith(f"{path}{fault}")


def fault_of(path: Path, model: Model) -> str:
    """Give the one fault for which a scenario is refused."""
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, model)
    (fault,) = caught.value.faults
    return str(fault)


def test_a_lever_of_another_form_cannot_be_bent(toy: Model, tmp_path: Path) -> None:
    scenario = read_scenario(write(tmp_path, "levers: {rise: {to: 2008}}"), toy)
    with pytest.raises(ModelError, match=r"toy.mdl:\d+: the equation of the lever 'rise' has a"):
        simulate(toy, scenario)


# --- the other ways to use them -------------------------------------------------------------------


def test_a_sweep_varies_the_end_of_a_ramp_and_can_be_replayed(toy: Model, tmp_path: Path) -> None:
    path = write(tmp_path, "levers: {pull: {after: 3, from: 2006, to: 2008}}", "ramp")
    design = tmp_path / "design.yaml"
    design.write_text(
        "title: x\nscenarios: ramp.yaml\noutputs: [stock]\nyears: [2008, 2010]\n"
        "design: {kind: grid}\n"
        "factors: {pull to year: {discrete: {values: [2007, 2008]}}, wear: [0.1, 0.15]}\n",
        "utf-8",
    )
    plan = plansim.read_design(design, toy)
    plansim.sweep(toy, plan, tmp_path / "x.zarr", targets=(), threads=1)
    for index in range(plan.runs):
        again = plansim.replay(tmp_path / "x.zarr", index, toy, ())
        assert again.deviation == 0
        to, wear = (float(again.stored[name]) for name in ("pull to year", "wear"))
        scenario = read_scenario(path, toy, [f"pull to year={to}", f"wear={wear}"])
        expected = simulate(toy, scenario)["stock"].sel(time=[2008.0, 2010.0])
        np.testing.assert_array_equal(again.stored["stock"], expected)
