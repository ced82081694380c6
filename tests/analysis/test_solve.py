"""A lever's least change, against roots known by hand; where none is, what was looked over."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from plansim.analysis.optimization.solve import POINTS, Range, Solution, lever_named, solve
from plansim.engine.simulate import simulate
from plansim.errors import InputError, SimulationError, UnknownNameError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.reader import Scenario, as_written, read_scenario
from plansim.targets.catalogue import Status, Target, judged_targets, load_targets
from plansim.targets.verdict import check_targets
from tests.helpers.vensim_text import writer

EQUATIONS = """
trade: farms, mills ~~|
pull= 1 ~ Dmnl [0,10] ~ 拉力。Squared. [A: 0–2.5] |
push= 1 ~ Dmnl [0,10] ~ 推力。No plausible range. [D: as it is] |
step= 0 ~ Dmnl [-4,4] ~ 台阶。Counts from its half on. [A: -1–3] |
effort before= 1 ~ Dmnl [0,10] ~ 力度（前）。Before. [A: 0–5] |
effort after= 1 ~ Dmnl [0,10] ~ 力度（后）。After. [A: 0–5] |
effort from year= 2003 ~ Year [1990,2030] ~ 力度起始年。When. [A: 2000–2010] |
effort= effort before + STEP(effort after - effort before, effort from year) ~ Dmnl ~ 力度。Now. |
weight[trade]= 1, 2 ~ Dmnl [0,10] ~ 权重。One a trade. [A: 0.5–3] |
square= pull*pull + push ~ Dmnl ~ 平方。Of the pull. |
hill= 4 - (pull - 5)^2 + 0*effort + 0*SUM(weight[trade!]) ~ Dmnl ~ 山。Good from 3 to 7. |
stair= IF THEN ELSE(step > 0.5, 3, 1) ~ Dmnl ~ 阶。Jumps. |
wave= SIN(step*3.14159265) ~ Dmnl ~ 波。Up and down. |
root= SQRT(pull - 0.5) ~ Dmnl ~ 根。Breaks down below a half. |
stock= INTEG((square + root)/one year, 1) ~ Dmnl ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. [A: 1–1] |
double= 2*effort ~ Dmnl ~ 两倍。Of the effort. |
"""
HEAD = """\
title: {en: A plan, zh: 规划}
base_year: 2000
horizon: 2008
places:
  ch 1: {en: Chapter 1, zh: 第一章}
reasons:
  detail: {en: Too fine., zh: 过细。}
targets:
"""
ROW = (
    "- {{id: {}, en: Aim, zh: 目标, unit: Dmnl, target: {{{}, year: 2005}}, place: [ch 1],"
    " variable: {}}}\n"
)
AIMS = [
    ("S1", "at least: 5", "square"),
    ("H1", "at least: 0", "hill"),
    ("T1", "at least: 2", "stair"),
    ("W1", "at least: 0.5", "wave"),
    ("D1", "at least: 7", "double"),
    ("Q1", "at most: 1.01", "square"),
    ("L1", "at most: 2.5", "square"),
    ("X1", "at least: 1000", "square"),
    ("B1", "at least: 0", "root"),
]


@pytest.fixture
def town(tmp_path: Path) -> Model:
    text = HEAD + "".join(ROW.format(*each) for each in AIMS)
    (tmp_path / "targets.yaml").write_text(text, "utf-8")
    return load_model(writer(tmp_path)(EQUATIONS))


@pytest.fixture
def aims(town: Model) -> dict[str, Target]:
    return {each.id: each for each in load_targets(model=town)}


def solved(town: Model, aims: dict[str, Target], lever: str, id_: str) -> Solution:
    scenario = as_written(town)
    return solve(
        town, scenario, lever_named(town, scenario, lever), aims[id_], tuple(aims.values())
    )


@pytest.mark.parametrize(
    ("lever", "id_", "expected", "ranges"),
    [
        ("pull", "S1", 2.0, [Range.PLAUSIBLE]),
        ("拉力", "S1", 2.0, [Range.PLAUSIBLE]),
        ("pull", "H1", 3.0, [Range.PLAUSIBLE, Range.ADMISSIBLE]),  # not 7, which is further away
        ("push", "S1", 4.0, [Range.ADMISSIBLE]),
        ("step", "T1", 0.5, [Range.PLAUSIBLE]),  # a jump has no root, only an edge
        ("step", "W1", 1 / 6, [Range.PLAUSIBLE]),  # again at 5/6 and 13/6, and below at -7/6
        ("effort", "D1", 3.5, [Range.PLAUSIBLE]),
        ("effort after", "D1", 3.5, [Range.PLAUSIBLE]),
    ],
)
def test_the_nearest_value_that_meets_a_target(
    town: Model, aims: dict[str, Target], lever: str, id_: str, expected: float, ranges: list[Range]
) -> None:
    found = solved(town, aims, lever, id_)
    assert found.value == pytest.approx(expected, abs=1e-7)
    assert found.margin >= 0
    assert [each.range for each in found.sought] == ranges


def test_just_less_does_not_meet_it(town: Model, aims: dict[str, Target], tmp_path: Path) -> None:
    found = solved(town, aims, "pull", "S1")
    assert found.value is not None
    status = {}
    for part, value in (("there", found.value), ("short", found.value - 1e-6)):
        path = tmp_path / f"{part}.yaml"
        path.write_text(f"title: T\nvalues: {{pull: {value!r}}}\n", "utf-8")
        run = simulate(town, read_scenario(path, town))
        status[part] = {each.id: each.status for each in check_targets(run, aims.values())}["S1"]
    assert status == {"there": Status.MET, "short": Status.MISSED}


def test_a_run_that_breaks_down_meets_nothing(town: Model, aims: dict[str, Target]) -> None:
    # A pull of 0.1 would do for the square, but below a half there is no root.
    found = solved(town, aims, "pull", "Q1")
    assert found.value is None
    assert found.sought[0].best > 1.01 - 1.3


def test_what_is_met_already_needs_no_change(town: Model, aims: dict[str, Target]) -> None:
    found = solved(town, aims, "pull", "L1")
    assert (found.value, found.sought) == (1.0, ())
    assert found.margin == found.margin_present == pytest.approx(0.5)


def test_where_nothing_meets_a_target_it_is_said_where_was_looked(
    town: Model, aims: dict[str, Target]
) -> None:
    found = solved(town, aims, "pull", "X1")
    assert found.value is None
    assert math.isnan(found.margin)
    assert [(each.low, each.high) for each in found.sought] == [(0, 2.5), (0, 10)]
    assert found.sought[1].points in {POINTS, POINTS + 1}
    assert found.sought[1].best == pytest.approx(101 - 1000)
    assert found.sought[1].best_at == 10


def test_it_is_said_which_other_targets_a_move_gains_and_loses(
    town: Model, aims: dict[str, Target]
) -> None:
    found = solved(town, aims, "pull", "H1")
    assert found.gained == ("S1",)
    assert found.lost == ("L1",)
    assert not found.plausible


@pytest.mark.parametrize(
    ("lever", "message"),
    [
        ("pul", "--lever: no variable is called 'pul'.*did you mean 'pull'"),
        ("weight", r"several elements.*one of weight\[farms\], weight\[mills\]"),
        ("weight[shops]", "has no element 'shops'"),
        ("square", "'square' cannot be set"),
        ("TIME STEP", "belongs to the clock"),
    ],
)
def test_what_is_no_lever_is_refused(town: Model, lever: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        lever_named(town, as_written(town), lever)


def test_an_element_of_an_array_is_a_lever(town: Model) -> None:
    found = lever_named(town, as_written(town), "weight[mills]")
    assert (found.reference, found.present) == ("weight[mills]", 2.0)


def _story(town: Model, folder: Path, text: str) -> Scenario:
    (folder / "other.yaml").write_text("title: Other\n" + text, "utf-8")
    return read_scenario(folder / "other.yaml", town)


def test_a_target_that_the_scenario_assumes_is_refused(
    town: Model, aims: dict[str, Target], tmp_path: Path
) -> None:
    other = _story(town, tmp_path, "assumes: {S1: It is told to.}\n")
    with pytest.raises(InputError, match="'other' itself sets what S1 asks"):
        solve(town, other, lever_named(town, other, "pull"), aims["S1"])


def test_a_scenario_that_breaks_down_is_refused(
    town: Model, aims: dict[str, Target], tmp_path: Path
) -> None:
    other = _story(town, tmp_path, "values: {pull: 0.2}\n")
    with pytest.raises(SimulationError, match="first at 'root', at 2000"):
        solve(town, other, lever_named(town, other, "push"), aims["S1"], [aims["B1"]])


def test_a_run_that_does_not_reach_the_target_is_refused(
    town: Model, aims: dict[str, Target], tmp_path: Path
) -> None:
    other = _story(town, tmp_path, "values: {FINAL TIME: 2004}\n")
    with pytest.raises(InputError, match="a run of 'other' gives no figure for S1"):
        solve(town, other, lever_named(town, other, "push"), aims["S1"])


def test_the_shipped_scenario_with_the_lever_there_just_meets_the_target(city: Model) -> None:
    targets = {each.id: each for each in judged_targets(load_targets(model=city))}
    story = read_scenario("baseline", city)
    found = solve(city, story, lever_named(city, story, "pension enforcement"), targets["M24"])
    assert found.value is not None
    assert 1.03 < found.value < 1.15
    moved = read_scenario("baseline", city, [f"{found.lever.reference}={found.value!r}"])
    (verdict,) = check_targets(simulate(city, moved), [targets["M24"]])
    assert verdict.status is Status.MET
    assert verdict.margin == pytest.approx(0, abs=1e-6)


def test_an_unknown_name_says_so(town: Model) -> None:
    with pytest.raises(InputError) as caught:
        lever_named(town, as_written(town), "nothing like it")
    assert not isinstance(caught.value, UnknownNameError)
    assert caught.value.faults[0].file == "--lever"
