"""What levers must be, against roots and mixes known by hand and a fine grid of runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.attribution.assumptions import attribute
from plansim.analysis.evaluator import Evaluator, Request
from plansim.analysis.optimization.levers import lever_named
from plansim.analysis.optimization.target_seeking import GRID, SearchRange, Solution, solve
from plansim.errors import InputError, SimulationError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.factors import Apply
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target
from plansim.targets.views_file import load_views
from tests.helpers.plan import aim, plan
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
    rows = (aim(key, f"{limit}, year: 2005", name) for key, limit, name in AIMS)
    (tmp_path / "targets.yaml").write_text(plan(*rows), "utf-8")
    return load_model(writer(tmp_path)(EQUATIONS))


@pytest.fixture
def aims(town: Model) -> dict[str, Target]:
    return {target.id: target for target in load_targets(model=town)}


def solved(town: Model, aims: dict[str, Target], lever: str, id_: str) -> Solution:
    return solve(town, as_written(town), [lever], [aims[id_]], plan=tuple(aims.values()))


@pytest.mark.parametrize(
    ("lever", "id_", "expected", "ranges"),
    [
        ("pull", "S1", 2.0, [SearchRange.PLAUSIBLE]),
        ("拉力", "S1", 2.0, [SearchRange.PLAUSIBLE]),
        (
            "pull",
            "H1",
            3.0,
            [SearchRange.PLAUSIBLE, SearchRange.ADMISSIBLE],
        ),  # not 7, which is further away
        ("push", "S1", 4.0, [SearchRange.ADMISSIBLE]),
        ("step", "T1", 0.5, [SearchRange.PLAUSIBLE]),  # a jump has no root, only an edge
        ("step", "W1", 1 / 6, [SearchRange.PLAUSIBLE]),  # again at 5/6 and 13/6, and below at -7/6
        ("effort", "D1", 3.5, [SearchRange.PLAUSIBLE]),
        ("effort after", "D1", 3.5, [SearchRange.PLAUSIBLE]),
    ],
)
def test_the_nearest_value_that_meets_a_target(
    town: Model,
    aims: dict[str, Target],
    lever: str,
    id_: str,
    expected: float,
    ranges: list[SearchRange],
) -> None:
    found = solved(town, aims, lever, id_)
    assert found.values == pytest.approx((expected,), abs=1e-7)
    assert found.margins[id_] >= 0
    assert [searched.range for searched in found.searched] == ranges


def test_a_run_that_breaks_down_meets_nothing(town: Model, aims: dict[str, Target]) -> None:
    # A pull of 0.1 would do for the square, but below a half there is no root.
    found = solved(town, aims, "pull", "Q1")
    assert found.values is None
    assert found.searched[0].best["Q1"] > 1.01 - 1.3


def test_what_is_met_already_needs_no_change(town: Model, aims: dict[str, Target]) -> None:
    found = solved(town, aims, "pull", "L1")
    assert (found.values, found.cost, found.searched) == ((1.0,), 0.0, ())
    assert found.margins["L1"] == found.margins_present["L1"] == pytest.approx(0.5)


def test_where_nothing_meets_a_target_it_is_said_where_was_looked(
    town: Model, aims: dict[str, Target]
) -> None:
    found = solved(town, aims, "pull", "X1")
    assert found.values is None
    assert found.margins == {}
    assert [searched.ends for searched in found.searched] == [((0, 2.5),), ((0, 10),)]
    assert found.searched[1].points in {GRID, GRID + 1}
    assert found.searched[1].best == pytest.approx({"X1": 101 - 1000})


def test_it_is_said_which_other_targets_a_move_gains_and_loses(
    town: Model, aims: dict[str, Target]
) -> None:
    found = solved(town, aims, "pull", "H1")
    assert found.gained == ("S1",)
    assert found.lost == ("L1",)
    assert found.implausible == ("pull",)


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
        lever_named(town, lever)


def test_an_element_of_an_array_is_a_lever(town: Model) -> None:
    found = lever_named(town, "weight[mills]")
    assert (found.id, found.low, found.high) == ("weight[mills]", 0.5, 3.0)


def test_the_label_of_a_lever_names_it_in_either_language(city: Model) -> None:
    views = load_views(city)
    levers = [*views.levers]
    assert len({lever.name_en for lever in levers}) == len(levers)
    assert len({lever.name_zh for lever in levers}) == len(levers)
    setting = [lever for lever in levers if lever.apply is Apply.SET]
    assert len(setting) > 30
    for lever in setting[::5]:
        for label in (lever.name_en, lever.name_zh.upper()):
            assert lever_named(city, label).constants == lever.constants
    assert lever_named(city, "Credit for local firms").name_zh == "本地企业信贷宽松度"


def test_what_a_lever_moves_is_attributed_to_its_label(city: Model) -> None:
    before = read_scenario("baseline", city)
    after = read_scenario("baseline", city, ["credit ease after=1.1", "sewage goal[city]=0.7"])
    found = attribute(city, before, after, load_targets()[:1]).labelled(load_views(city).levers)
    assert {group.name: group.constants for group in found.groups} == {
        "Credit for local firms": ("credit ease after",),
        "sewage goal": ("sewage goal[city]",),  # the lever moves the county towns, too
    }


def _story(town: Model, folder: Path, text: str) -> Scenario:
    (folder / "other.yaml").write_text("title: Other\n" + text, "utf-8")
    return read_scenario(folder / "other.yaml", town)


def test_a_target_that_the_scenario_assumes_is_refused(
    town: Model, aims: dict[str, Target], tmp_path: Path
) -> None:
    other = _story(town, tmp_path, "assumes: {S1: It is told to.}\n")
    with pytest.raises(InputError, match="'other' itself sets what S1 asks"):
        solve(town, other, ["pull"], [aims["S1"]], plan=[])


def test_a_scenario_that_breaks_down_is_refused(
    town: Model, aims: dict[str, Target], tmp_path: Path
) -> None:
    other = _story(town, tmp_path, "values: {pull: 0.2}\n")
    with pytest.raises(SimulationError, match="first at 'root', at 2000"):
        solve(town, other, ["push"], [aims["S1"]], plan=[aims["B1"]])


def test_a_run_that_does_not_reach_the_target_is_refused(
    town: Model, aims: dict[str, Target], tmp_path: Path
) -> None:
    other = _story(town, tmp_path, "values: {FINAL TIME: 2004}\n")
    with pytest.raises(InputError, match="a run of 'other' gives no figure for S1"):
        solve(town, other, ["push"], [aims["S1"]], plan=[])


# --- mixes ----------------------------------------------------------------------------------------

MIX_EQUATIONS = """
pull= 1 ~ Dmnl [0,10] ~ 拉力。Strong. [A: 0–4] |
push= 1 ~ Dmnl [0,10] ~ 推力。Weak. [A: 0–2] |
sum= 2*pull + push ~ Dmnl ~ 和。Of both. |
product= pull*push ~ Dmnl ~ 积。Together. |
outlay= (pull^2 + 3*push)/one year ~ Dmnl/Year ~ 花费。A year. |
spent= INTEG(outlay, 0) ~ Dmnl ~ 累计花费。In all. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
MIX_AIMS = [
    ("S1", "at least: 6", "sum"),
    ("P1", "at least: 3", "product"),
    ("L1", "at most: 4", "sum"),
    ("F1", "at least: 25", "sum"),
    ("X1", "at least: 1000", "sum"),
    ("E1", "at least: 3", "sum"),
]


@pytest.fixture
def village(tmp_path: Path) -> Model:
    rows = (aim(key, f"{limit}, year: 2003", name) for key, limit, name in MIX_AIMS)
    (tmp_path / "targets.yaml").write_text(plan(*rows), "utf-8")
    return load_model(writer(tmp_path)(MIX_EQUATIONS))


@pytest.fixture
def mixed(village: Model) -> Callable[..., Solution]:
    def find(
        ids: str,
        prices: Mapping[str, float] | None = None,
        levers: str = "pull push",
        outlay: str = "",
    ) -> Solution:
        return solve(
            village, as_written(village), levers.split(), ids.split(), prices=prices, outlay=outlay
        )

    return find


def test_the_lever_that_does_more_for_its_price_is_moved(mixed: Callable[..., Solution]) -> None:
    found = mixed("S1", {"pull": 3.0, "push": 1.0})
    # Three more of the sum: a unit of push costs 1, two of the sum by pull cost 3; push ends at 2.
    assert found.values == pytest.approx((2.0, 2.0), abs=1e-5)
    assert found.cost == pytest.approx(4.0, abs=1e-4)
    assert found.margins["S1"] >= 0
    assert [searched.range for searched in found.searched] == [SearchRange.PLAUSIBLE]
    assert found.lost == ("L1",)
    cheap = mixed("S1", {"pull": 1.0, "push": 1.0})
    assert cheap.values == pytest.approx((2.5, 1.0), abs=1e-5)


def test_without_a_price_a_lever_costs_one_for_its_plausible_range(
    mixed: Callable[..., Solution],
) -> None:
    found = mixed("S1", {})
    # A quarter a unit of pull for two of the sum; half a unit of push for one.
    assert found.values == pytest.approx((2.5, 1.0), abs=1e-5)
    assert found.cost == pytest.approx(1.5 / 4, abs=1e-5)


def test_several_targets_hold_together(mixed: Callable[..., Solution]) -> None:
    found = mixed("S1 P1", {"pull": 1.0, "push": 1.0})
    assert min(found.margins.values()) >= 0
    # pull·push = 3 at the least of pull + push - 2: both √3, where the sum, 5.2, is too small;
    # along the product's edge to 2·pull + 3/pull = 6.
    pull = (6 + math.sqrt(36 - 24)) / 4
    assert found.values == pytest.approx((pull, 3 / pull), abs=1e-4)


def test_a_cost_that_the_model_counts(mixed: Callable[..., Solution]) -> None:
    flow = mixed("S1", outlay="outlay")
    # pull² + 3·push at the least on 2·pull + push = 6: pull = 3, push = 0; three years of it.
    assert flow.values == pytest.approx((3.0, 0.0), abs=1e-4)
    assert flow.cost == pytest.approx(27.0, abs=1e-3)
    assert flow.cost_present == pytest.approx(12.0)
    assert flow.cost_unit == "Dmnl"
    stock = mixed("S1", outlay="spent")
    assert stock.cost == pytest.approx(3.5 * 9, abs=1e-3)


def test_the_admissible_ranges_are_looked_over_where_the_plausible_do_not_do(
    mixed: Callable[..., Solution],
) -> None:
    found = mixed("F1", {})
    assert [searched.range for searched in found.searched] == [
        SearchRange.PLAUSIBLE,
        SearchRange.ADMISSIBLE,
    ]
    assert found.searched[0].best == pytest.approx({"F1": 10 - 25})
    assert found.values is not None
    assert 2 * found.values[0] + found.values[1] == pytest.approx(25, abs=1e-6)


def test_where_nothing_does_it_is_said_how_near_one_comes(mixed: Callable[..., Solution]) -> None:
    found = mixed("S1 X1", {})
    assert found.values is None
    assert math.isnan(found.cost)
    assert found.searched[1].ends == ((0, 10), (0, 10))
    assert found.searched[1].best == pytest.approx({"S1": 30 - 6, "X1": 30 - 1000})
    clash = mixed("S1 L1", {})
    assert clash.values is None


def test_no_point_of_a_fine_grid_of_runs_is_cheaper(
    village: Model, mixed: Callable[..., Solution]
) -> None:
    prices = {"pull": 1.3, "push": 0.7}
    found = mixed("S1 P1", prices)
    aims = [target for target in load_targets(model=village) if target.id in {"S1", "P1"}]
    evaluator = Evaluator(village, as_written(village), ["pull", "push"], Request(tuple(aims)))
    grid = np.array(list(itertools.product(np.linspace(0, 4, 161), np.linspace(0, 2, 81))))
    good = (evaluator.evaluate(grid).least_margins(aims) >= 0).all(axis=1)
    cost = np.abs(grid - 1) @ np.array(list(prices.values()))
    assert good.any()
    assert found.cost <= cost[good].min() + 1e-9
    # And it is not cheaper than the grid can be for its coarseness.
    assert found.cost >= cost[good].min() - 0.025 * 2


def test_one_lever_meets_several_targets_and_its_price_is_counted(
    mixed: Callable[..., Solution],
) -> None:
    found = mixed("S1 P1", {"pull": 2.0}, "pull")
    assert found.values == pytest.approx((3.0,), abs=1e-7)
    assert found.cost == pytest.approx(4.0)
