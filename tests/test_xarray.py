"""The accessor says what the functions say that it stands for."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import plansim
import plansim.xarray
from plansim.analysis.decisions.conflicts import Conflict, Relaxation
from plansim.analysis.experiments.design_file import quick_design
from plansim.analysis.experiments.store import open_summary
from plansim.files.notebook import Tabular
from plansim.model.difference import differences
from plansim.model.reader import parse_model
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario
from tests.toys.lake import lake
from tests.toys.newtown import newtown

NAMES = ["baseline", "accelerated-growth"]


@pytest.fixture(scope="module")
def runs(city: Model, stories: Mapping[str, Scenario]) -> xr.Dataset:
    return plansim.simulate(city, [stories[name] for name in NAMES])


def test_a_variable_is_found_by_any_of_its_names(runs: xr.Dataset) -> None:
    gdp = runs["GDP"]
    for name in ("GDP", "gdp", gdp.attrs["long_name_zh"]):
        xr.testing.assert_identical(runs.plansim[name], gdp)
    array = next(runs[name] for name in runs if len(runs[name].dims) == 3)
    (dim,) = set(array.dims) - {"scenario", "time"}
    element = str(array[dim].to_numpy()[-1])
    picked = runs.plansim[f"{array.name}[{element}]".upper().replace(element.upper(), element)]
    xr.testing.assert_identical(picked, array.sel({dim: element}))
    with pytest.raises(plansim.UnknownNameError, match="did you mean 'GDP'"):
        runs.plansim["GPD"]


def test_tables_are_those_of_the_functions_differences_to_the_first(runs: xr.Dataset) -> None:
    xr.testing.assert_identical(runs.plansim.annual().plansim.annual(), plansim.annual(runs))
    pd.testing.assert_frame_equal(runs.plansim.frame("GDP"), plansim.frame(runs, "GDP"))
    table = runs.plansim.compare("GDP", "value added")
    own = table[table["scenario"] == NAMES[0]]
    assert (own["difference"] == 0).all()
    gdp = plansim.annual(runs)["GDP"].sel(year=2010)
    row = table.query("scenario == @NAMES[1] and variable == 'GDP' and year == 2010").iloc[0]
    assert row["difference"] == float(gdp[1] - gdp[0])
    assert row["change"] == float((gdp[1] - gdp[0]) / gdp[0])


def test_drawings_show_the_runs(runs: xr.Dataset) -> None:
    gdp = plansim.annual(runs)["GDP"]
    lines = runs.plansim.plot.lines("gdp", lang="zh").lines
    drawn = [line.get_ydata() for line in lines]
    assert all(any(np.array_equal(row, series) for row in drawn) for series in gdp.to_numpy())
    model = plansim.load_model()
    judged = plansim.check_scenarios(model, NAMES)
    heads = [plansim.read_scenario(name, model).title_zh for name in NAMES]
    words, wanted = (
        [text.get_text() for text in axes.texts]
        for axes in (
            runs.plansim.plot.verdicts(lang="zh"),
            plansim.plot.verdict_map(judged, titles=heads, lang="zh"),
        )
    )
    assert words == wanted


def test_a_sweep_has_shares_with_their_intervals(tmp_path: Path) -> None:
    sound = newtown(tmp_path)
    scenario = str(sound.baseline.path)
    design = quick_design(scenario, ["saving", "wear rate"], sound.model, samples=64, seed=1)
    path = tmp_path / "runs.zarr"
    plansim.sweep(sound.model, design, path, targets=sound.targets, threads=1)
    summary = open_summary(path)
    runs = plansim.open_sweep(path)
    table = runs.plansim.shares()
    pd.testing.assert_frame_equal(runs.plansim.verdicts(), table)
    assert list(table["target"]) == [str(key) for key in summary["target"].to_numpy()]
    assert set(table["members"]) == {64}
    for end in ("", "_low", "_high"):
        expected = summary[f"p_met{end}"].to_numpy().ravel()
        np.testing.assert_array_equal(table[f"share{end}"], expected)
    frame = runs.plansim.frame("output")
    year = int(runs["year"].to_numpy()[-1])
    last = runs["output"].sel(year=year).to_numpy()
    np.testing.assert_array_equal(frame.loc[frame["year"] == year, "value"], last)
    assert set(frame["scenario"]) == {sound.baseline.id}


def test_verdicts_have_the_shares_of_the_ensemble_beside_the_model(tmp_path: Path) -> None:
    model = lake(tmp_path)
    boats = str(tmp_path / "boats.yaml")
    runs = plansim.simulate(model, [plansim.as_written(model), boats])
    shares = plansim.verdict_shares(model, [plansim.as_written(model), boats])
    table = runs.plansim.verdicts()
    for column in ("share", "share_low", "share_high"):
        np.testing.assert_array_equal(table[column], shares[column])
    judged = plansim.check_targets(runs, plansim.load_targets(model=model))
    assert [*table["status"]] == [verdict.status for verdict in judged]
    np.testing.assert_array_equal(table["margin"], [verdict.margin for verdict in judged])
    one = runs.sel(scenario="boats")[["fish", "catch"]].plansim.verdicts(["F1"])
    assert (one["scenario"].item(), one["share"].item()) == ("boats", 0.6)
    changed = runs.assign(fish=runs["fish"].where(runs["scenario"] != "boats", 2 * runs["fish"]))
    lost = changed.plansim.verdicts().set_index(["scenario", "target"])["share"].isna()
    assert lost.to_dict() == {
        ("as-written", "F1"): False,
        ("as-written", "F2"): False,
        ("boats", "F1"): True,
        ("boats", "F2"): False,
    }
    assert runs.plansim.frame("fish")["scenario"].unique().tolist() == ["as-written", "boats"]
    runs.to_netcdf(tmp_path / "runs.nc")
    with xr.open_dataset(tmp_path / "runs.nc") as read:
        far = read.plansim.verdicts(plansim.load_targets(model=model))
    assert far["share"].isna().all()
    np.testing.assert_array_equal(far["value"], table["value"])


def test_selections_say_the_same_as_the_whole(tmp_path: Path) -> None:
    model = lake(tmp_path)
    runs = plansim.simulate(model, [plansim.as_written(model), tmp_path / "boats.yaml"])
    whole = runs.plansim.frame()
    verdicts = runs.plansim.verdicts().set_index(["scenario", "target"])
    runs.to_netcdf(tmp_path / "kept.nc")
    with xr.open_dataset(tmp_path / "kept.nc", chunks={}) as lazy:
        pd.testing.assert_frame_equal(lazy.plansim.frame(), whole)
    for one in (runs.sel(time=2010), plansim.annual(runs).sel(year=2010)):
        frame = one.plansim.frame().dropna()
        assert len(frame) > 0
        assert not {"effort", "room"} & {*frame["variable"]}  # constants
        pd.testing.assert_frame_equal(frame.merge(whole), frame.reset_index(drop=True))
    # A year that was cut off leaves nothing to judge, hence no share.
    early = runs.sel(time=slice(None, 2008)).plansim.verdicts()
    assert {*early["status"]} == {"untestable"}
    assert early["share"].isna().all()
    only = runs.sel(time=[2010]).plansim.verdicts(["F2"]).set_index(["scenario", "target"])
    columns = ["value", "share", "status"]
    pd.testing.assert_frame_equal(only[columns], verdicts.loc[only.index][columns])
    named = runs.assign_coords(scenario=["A", "B"]).plansim.verdicts()
    assert named["share"].isna().all()
    np.testing.assert_array_equal(named["value"], verdicts["value"])
    apart = [plansim.simulate(model), plansim.simulate(model, tmp_path / "boats.yaml")]
    by_hand = xr.concat(apart, pd.Index(["as-written", "boats"], name="scenario"))
    with pytest.raises(ValueError, match=r"join them by simulate\(model"):
        by_hand.plansim.frame()
    with pytest.raises(ValueError, match=r"more than one run \(policy\)"):
        runs.rename(scenario="policy").plansim.frame("fish")


def test_runs_of_a_sweep_keep_their_numbers(tmp_path: Path) -> None:
    toy = newtown(tmp_path)
    path = str(toy.baseline.path)
    design = tmp_path / "design.yaml"
    second = tmp_path / "second.yaml"
    second.write_text(f"parent: {path}\ntitle: Second\n", "utf-8")
    array = next(v for v in toy.model.variables.values() if v.subscripts and v.kind.moves)
    element = toy.model.subscripts[array.subscripts[0]].elements[-1]
    share = toy.model.variables["investment share"]
    plant = toy.model.subscripts[share.subscripts[0]]
    design.write_text(
        f"title: Two\nscenarios: [{path}, {second}]\ndesign: {{kind: grid, levels: 4}}\n"
        f"factors: {{saving: , '{share.name_zh}[{plant.elements_zh[0]}]': [0.5, 0.6]}}\n"
        f"outputs: ['output', '{array.name}[{element}]']\n",
        "utf-8",
    )
    runs = plansim.sweep(toy.model, design, tmp_path / "two.zarr", targets=toy.targets, threads=1)
    whole, shares = runs.plansim.frame(), runs.plansim.shares()
    factor = runs[f"{share.name}[{plant.elements[0]}]"]  # whatever the language of the design
    assert factor.attrs["long_name_zh"] == f"{share.name_zh}[{plant.elements_zh[0]}]"
    own = runs[f"{array.name}[{element}]"]
    chinese = f"{array.name_zh}[{toy.model.subscripts[array.subscripts[0]].elements_zh[-1]}]"
    assert own.attrs["long_name_zh"] == chinese
    assert runs.plansim[chinese].identical(own)
    with pytest.raises(plansim.UnknownNameError, match="did you mean"):
        runs.plansim[array.name_zh]  # not the only element that was kept
    assert {*whole["variable"]} == {"output", array.name}
    assert {*whole["element"]} == {"", element}
    pd.testing.assert_frame_equal(runs.transpose(..., "run").plansim.shares(), shares)
    others = {
        "slice": runs.isel(run=slice(3, 6)),
        "one": runs.isel(run=5),
        "second": runs.where(runs["scenario"] == 1, drop=True),
        "year": runs.isel(year=-1),
    }
    for name, some in others.items():
        frame = some.plansim.frame()
        wanted = whole[whole["run"].isin(np.atleast_1d(some["run"]))]
        wanted = wanted[wanted["year"].isin(np.atleast_1d(some["year"]))]
        pd.testing.assert_frame_equal(frame, wanted.reset_index(drop=True), obj=name)
    assert others["one"].plansim.shares()["members"].sum() == len(runs["target"])
    axes = others["second"].plansim.plot.fan("output")
    assert axes.get_title(loc="left")
    undone = runs.isel(run=[0]).assign(scenario=("run", np.array([-1], "i2")))
    assert {*undone.plansim.frame()["scenario"]} == {""}


def test_members_have_a_frame_and_shares_of_their_own(tmp_path: Path) -> None:
    model = lake(tmp_path)
    boats = tmp_path / "boats.yaml"
    scenarios: list[Scenario | Path] = [plansim.as_written(model), boats]
    fan = plansim.simulate(model, scenarios, ensemble=plansim.load_ensemble(model))
    pd.testing.assert_frame_equal(
        fan.plansim.shares(), plansim.verdict_shares(model, scenarios), check_dtype=False
    )
    keys = ["scenario", "member", "variable", "year"]
    frame = fan.plansim.frame("fish", "effort").set_index(keys)
    by_year = fan.plansim.annual()
    for member in (1, 5):
        wanted = by_year["fish"].sel(scenario="boats", member=member, year=2012)
        assert frame.loc[("boats", member, "fish", 2012), "value"] == float(wanted)
        assert frame.loc[("boats", member, "effort", 2012), "value"] == 0.2
    with pytest.raises(ValueError, match="nothing to count"):
        plansim.simulate(model, boats).plansim.shares()


def test_a_notebook_shows_verdicts_as_a_row_a_target(tmp_path: Path) -> None:
    model = lake(tmp_path)
    table = plansim.simulate(model, str(tmp_path / "boats.yaml")).plansim.verdicts()
    shown = table._repr_html_()
    for text in ("Fish in the lake", "湖中鱼量", "≥ 600 t", "60/100", "boats", "✓"):
        assert text in shown
    assert " ? (" in shown  # three of five models meet the target that the run misses
    assert "Fish in the lake" not in table[["target", "share"]]._repr_html_()
    for record in (model, plansim.read_scenario(tmp_path / "boats.yaml", model)):
        assert "<table>" in record._repr_html_()


def test_a_notebook_shows_both_values_where_readings_disagree_and_no_margin(
    runs: xr.Dataset,
) -> None:
    shown = runs.isel(scenario=[0]).plansim.verdicts(["M25", "M26"])._repr_html_()
    assert "<td>✗ 84.1 / ✓ 98.9 ? 59/100</td>" in shown
    assert "<td>4.91 ✓ (+1.39) 88/100</td>" in shown


def test_results_are_tables_for_pandas_and_for_the_eye(tmp_path: Path) -> None:
    model = lake(tmp_path)
    scenarios = [plansim.as_written(model), plansim.read_scenario(tmp_path / "boats.yaml", model)]
    boats = scenarios[1]
    conflict = Conflict(("F1",), 0.2, {}, (Relaxation("F1", None, "t"),))
    other = parse_model(model.text.replace("effort= 0.1", "effort= 0.2"), model.path)
    results: list[Tabular] = [
        plansim.discover(model, boats, members=64),
        plansim.robustness(model, scenarios),
        plansim.policies(
            model, boats, ["share", "effort"], seeds=1, generations=2, members=16, fresh=16
        ),
        plansim.signposts(model, boats, members=64),
        plansim.Conflicts("boats", (conflict,), 1, 1, 5, 10),
        plansim.information(model, scenarios, members=64),
        plansim.model_difference(model, other),
        differences(model, other),
        plansim.attribute(model, scenarios[0], boats),
        plansim.solve(model, boats, ["effort"], ["F1"]),
        plansim.frontier(model, draws=16, levels=2),
        plansim.sobol(model, tmp_path / "design.yaml", trajectories=2),
        plansim.check_scenarios(model, scenarios),
        plansim.compare(model, scenarios, remedies=False),
        plansim.cut_loops(model, boats),
        plansim.deciding_unknowns(model, scenarios),
        plansim.load_targets(model=model),
        plansim.load_loops(model),
        plansim.list_scenarios(),
        plansim.validate(plansim.load_context(model, tmp_path / "stories"), "Q02"),
    ]
    for result in results:
        frame, shown = result.frame(), result._repr_html_()
        assert len(frame), type(result)
        heads = re.findall("<th[^>]*>(.*?)</th>", shown)
        plain = {target.id for target in plansim.load_targets(model=model)} | {"PAWN"}
        bare = {head for head in heads if not re.search("[\u4e00-\u9fff]|Dmnl", head)}
        assert bare <= plain, (type(result), bare)
    assert results[2].frame().attrs["units"]["effort"] == "1/Year"


def test_the_first_dataset_brings_the_accessor_and_the_import_does_not_wait_for_it() -> None:
    code = (
        "import sys, plansim; assert 'xarray' not in sys.modules; plansim.simulate; "
        "import xarray; xarray.Dataset().plansim"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_scenario_of_another_model_is_refused(city: Model, tmp_path: Path) -> None:
    model = lake(tmp_path)
    late = parse_model(model.text.replace("INITIAL TIME= 2005", "INITIAL TIME= 2006"), model.path)
    for other in (plansim.read_scenario("baseline", city), plansim.as_written(late)):
        with pytest.raises(plansim.InputError, match=f"'{other.id}' was read for another model"):
            plansim.simulate(model, other)


def test_one_is_as_good_as_a_list_of_one(city: Model, runs: xr.Dataset, tmp_path: Path) -> None:
    """A text is one name, not its letters; what simulate, solve and others take is taken so."""
    one = runs.plansim.verdicts("M28")
    pd.testing.assert_frame_equal(one, runs.plansim.verdicts(["M28"]))
    assert list(plansim.simulate(city, NAMES[0], "GDP")) == ["GDP"]
    assert plansim.read_scenario("momentum", city, "credit ease after=0.9") == (
        plansim.read_scenario("momentum", city, {"credit ease after": 0.9})
    )
    assert quick_design(NAMES[0], "credit ease after", city).factors == (
        quick_design(NAMES[0], ["credit ease after"], city).factors
    )
    found = plansim.solve(city, NAMES[0], "pension enforcement", "M24")
    assert [target.id for target in found.targets] == ["M24"]
    designed = plansim.read_design("growth-plane", city, overlays="drought")
    assert designed.scenarios[0].id.endswith("+drought")
    assert plansim.module_diagram(city, "water", "en") == plansim.module_diagram(
        city, "water", ["en"]
    )
    assert plansim.load_targets(city) == plansim.load_targets(model=city)
    plansim.export(runs, tmp_path / "gdp.csv", names="gdp")
    assert set(pd.read_csv(tmp_path / "gdp.csv")["variable"]) == {"GDP"}


def test_elements_of_an_array_are_tables_too(runs: xr.Dataset) -> None:
    whole = runs.plansim.frame("value added")
    part = runs.plansim.frame("value added[services]", "GDP")
    wanted = whole[whole["element"] == "services"].reset_index(drop=True)
    part = part[part["variable"] == "value added"].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, wanted)


ELSEWHERE = xr.Dataset({"a": ("x", np.arange(3.0))})
api: Any = plansim
MISUSED: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "element": (lambda m, r: r.plansim["value added[servces]"], "did you mean 'services'"),
    "element of a table": (lambda m, r: r.plansim.frame("value added[servces]"), "'services'"),
    "list of names": (lambda m, r: r.plansim.frame(["GDP"]), r"give several as \*names"),
    "number as target": (lambda m, r: r.plansim.verdicts([3]), "id of one, found int"),
    "id without a plan": (lambda m, r: api.check_targets(r, ["M28"]), "found str"),
    "table for a run": (lambda m, r: api.annual(r.plansim.frame("GDP")), "found DataFrame"),
    "frame from elsewhere": (lambda m, r: ELSEWHERE.plansim.frame("a"), "holds no runs; expected"),
    "shares from elsewhere": (lambda m, r: ELSEWHERE.plansim.shares(), "holds no runs; expected"),
    "runs for a sweep": (lambda m, r: api.sensitivity(r), "not hold the runs of a sweep"),
    "runs to discover": (lambda m, r: api.discover(m, r), "not hold the runs of a sweep"),
    "name for runs": (lambda m, r: api.page(m, "baseline"), "a dataset of runs.*found str"),
    "model last": (lambda m, r: api.read_scenario(m, "baseline"), "a Model.*found str"),
    "runs as scenario": (lambda m, r: api.read_scenario(r, m), "a scenario, found Dataset"),
    "no scenario": (lambda m, r: api.simulate(m, []), "no scenario is given"),
    "twice": (lambda m, r: api.check_scenarios(m, ["momentum"] * 2), "is given twice"),
    "twice side by side": (lambda m, r: api.simulate(m, ["momentum"] * 2), "found momentum, mom"),
    "clocks": (lambda m, r: api.simulate(m, ["momentum", "hindcast-2000"]), "different clocks"),
    "number of members": (lambda m, r: api.simulate(m, ensemble=100), "Members.*found int"),
    "engine": (lambda m, r: api.simulate(m, engine="pysdd"), "one of compiled, pysd; did you"),
    "language": (lambda m, r: r.plansim.plot.lines("GDP", lang="de"), "expected one of en, zh"),
    "no lever": (lambda m, r: api.solve(m, "baseline", [], ["M28"]), "no lever is given"),
    "one end": (lambda m, r: api.quick_design(None, {"credit ease after": 1.0}, m), "LOW..HIGH"),
    "export": (lambda m, r: api.export(r, "no.csv", names="GPD"), "did you mean 'GDP'"),
    "one to compare": (lambda m, r: api.compare(m, "baseline"), "two .* scenarios; found baseline"),
    "text as views": (lambda m, r: api.load_views("model"), "a Model.*found str"),
    "text as ensemble": (lambda m, r: api.load_ensemble("model"), "a Model.*found str"),
    "test for a model": (lambda m, r: api.validate("Q01"), "a Model.*found str"),
    "no sweep": (lambda m, r: api.sensitivity(3), "found int"),
    "no samples": (lambda m, r: api.read_design("growth-plane", m, samples=0), "from 1 on"),
    "half a seed": (lambda m, r: api.draw_prior(m, 4, seed=0.5), "from 0 on; found 0.5"),
    "no member": (lambda m, r: api.draw_members(m, 0, 1), "'members' has.*found 0"),
    "no trajectory": (lambda m, r: api.morris(m, "growth-plane", trajectories=0), "from 1 on"),
    "no search": (lambda m, r: api.policies(m, seeds=0), "'seeds' has the wrong value"),
    "nothing binding": (lambda m, r: api.robustness(m, NAMES, targets=["M01"]), "no binding"),
    "nothing to foretell": (lambda m, r: api.signposts(m, targets=["M01"]), "no binding target"),
    "module": (lambda m, r: api.module_diagram(m, "watr"), "no module is called 'watr'"),
    "lever": (lambda m, r: api.conflicts(m, levers="wages"), "no variable is called 'wages'"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISUSED)
def test_misuse_is_told_as_plainly_as_at_the_terminal(
    case: str, city: Model, runs: xr.Dataset
) -> None:
    misuse, told = MISUSED[case]
    with pytest.raises((plansim.PlansimError, TypeError), match=told):
        misuse(city, runs)
