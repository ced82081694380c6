"""What levers must be, against roots and mixes known by hand and a fine grid of runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plansim.analysis.evaluator import Evaluator, Request
from plansim.analysis.optimization.levers import lever_named
from plansim.analysis.optimization.target_seeking import SearchRange, Solution, solve
from plansim.errors import InputError, SimulationError
from plansim.model.records import Model
from plansim.scenario.scenario_file import as_written
from plansim.targets.catalogue import load_targets
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model

EQUATIONS = """
trade: farms, mills ~~|
pull= 1 ~ Dmnl [0,10] ~ 拉力。Squared. [A: 0–2.5] |
push= 1 ~ Dmnl [0,10] ~ 推力。No plausible range. [D: as it is] |
step= 0 ~ Dmnl [-4,4] ~ 台阶。Counts from its half on. [A: -1–3] |
effort before= 1 ~ Dmnl [0,?] ~ 力度（前）。Before. [A: 0–5] |
effort after= 1 ~ Dmnl [0,10] ~ 力度（后）。After. [A: 0–5] |
effort from year= 2003 ~ Year [1990,2030] ~ 力度起始年。When. [A: 2000–2010] |
effort= effort before + STEP(effort after - effort before, effort from year) ~ Dmnl ~ 力度。Now. |
weight[trade]= 1, 2 ~ Dmnl [0,10] ~ 权重。One a trade. [A: 0.5–3] |
square= pull*pull + push ~ Dmnl ~ 平方。Of the pull. |
hill= 4 - (pull - 5)^2 + 0*effort + 0*SUM(weight[trade!]) ~ Dmnl ~ 山。Good from 3 to 7. |
stair= IF THEN ELSE(step > 0.5, 3, 1) ~ Dmnl ~ 阶。Jumps. |
valley= ABS(step - 0.5) ~ Dmnl ~ 谷。Good on either side. |
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
    ("V1", "at least: 1", "valley"),
    ("D1", "at least: 7", "double"),
    ("Q1", "at most: 1.01", "square"),
    ("L1", "at most: 2.5", "square"),
    ("X1", "at least: 1000", "square"),
    ("B1", "at least: 0", "root"),
]


@pytest.fixture
def town(tmp_path: Path) -> Model:
    rows = (aim(key, f"{limit}, year: 2005", name) for key, limit, name in AIMS)
    return small_model(tmp_path, EQUATIONS, targets=plan(*rows))


@pytest.mark.parametrize(
    ("lever", "id_", "expected", "ranges"),
    [
        ("pull", "S1", 2.0, 1),
        ("拉力", "S1", 2.0, 1),
        ("pull", "H1", 3.0, 2),  # not 7, which is further away
        ("push", "S1", 4.0, 1),  # it has no plausible range
        ("step", "T1", 0.5, 1),  # a jump has no root, only an edge
        ("step", "W1", 1 / 6, 1),  # again at 5/6 and 13/6, and below at -7/6
        ("step", "V1", -0.5, 1),  # down, which is nearer than 1.5
        ("effort", "D1", 3.5, 1),
        ("effort after", "D1", 3.5, 1),
    ],
)
def test_the_nearest_value_that_meets_a_target(
    town: Model, lever: str, id_: str, expected: float, ranges: int
) -> None:
    found = solve(town, as_written(town), [lever], [id_])
    assert found.values == pytest.approx((expected,), abs=1e-7)
    assert found.margins[id_] >= 0
    low, high = found.levers[0].low, found.levers[0].high
    width = high - low if lever != "push" else 10
    assert found.cost == pytest.approx(abs(expected - found.present[0]) / width)
    if id_ == "H1":
        assert (found.gained, found.lost, found.implausible) == (("S1",), ("L1",), ("pull",))
    searched = [one.range for one in found.searched]
    both = [SearchRange.PLAUSIBLE, SearchRange.ADMISSIBLE]
    assert searched == (both[1:] if lever == "push" else both[:ranges])


def test_a_run_that_breaks_down_meets_nothing_and_what_is_met_stays(town: Model) -> None:
    # A pull of 0.1 would do for the square, but below a half there is no root.
    found = solve(town, as_written(town), ["pull"], ["Q1"])
    assert found.values is None
    assert found.searched[0].best["Q1"] > 1.01 - 1.3
    open_ended = solve(town, as_written(town), ["effort before"], ["D1"])
    assert [one.ends for one in open_ended.searched] == [((0.0, 5.0),)]
    already = solve(town, as_written(town), ["pull"], ["L1"])
    assert (already.values, already.cost, already.searched) == ((1.0,), 0.0, ())
    assert already.margins["L1"] == already.margins_present["L1"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("lever", "message"),
    [
        ("pul", "argument levers: no variable is called 'pul'.*did you mean 'pull'"),
        ("weight", r"several elements.*one of weight\[farms\], weight\[mills\]"),
        ("weight[shops]", "has no element 'shops'"),
        ("square", "'square' cannot be set"),
        ("TIME STEP", "belongs to the clock"),
    ],
)
def test_what_is_no_lever_is_refused(town: Model, lever: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        lever_named(town, lever)


@pytest.mark.parametrize(("text", "lever", "id_", "error", "message"), [
    ("assumes: {S1: It is told to.}", "pull", "S1", InputError, "'other' itself sets what S1 asks"),
    ("values: {pull: 0.2}", "push", "B1", SimulationError, "first at 'root', at 2000"),
    ("values: {FINAL TIME: 2004}", "push", "S1", InputError, "of 'other' gives no figure for S1"),
])  # fmt: skip
def test_a_scenario_under_which_nothing_can_be_sought_is_refused(
    town: Model, tmp_path: Path, text: str, lever: str, id_: str, error: type, message: str
) -> None:
    (tmp_path / "other.yaml").write_text(f"title: Other\n{text}\n", "utf-8")
    with pytest.raises(error, match=message):
        solve(town, tmp_path / "other.yaml", [lever], [id_])


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
    rows = [aim(key, f"{limit}, year: 2003", name) for key, limit, name in MIX_AIMS]
    rows.append(aim("Y1", "at least: 3, year: 2005", "sum"))
    return small_model(tmp_path, MIX_EQUATIONS, targets=plan(*rows))


@pytest.fixture
def mixed(village: Model) -> Callable[..., Solution]:
    def find(ids: str, **given: Any) -> Solution:
        return solve(village, as_written(village), ["pull", "push"], ids.split(), **given)

    return find


def test_the_lever_that_does_more_for_its_price_is_moved(mixed: Callable[..., Solution]) -> None:
    found = mixed("S1", prices={"pull": 3.0, "push": 1.0})
    # Three more of the sum: a unit of push costs 1, two of the sum by pull cost 3; push ends at 2.
    assert found.values == pytest.approx((2.0, 2.0), abs=1e-5)
    assert found.cost == pytest.approx(4.0, abs=1e-4)
    assert found.margins["S1"] >= 0
    assert [searched.range for searched in found.searched] == [SearchRange.PLAUSIBLE]
    assert found.lost == ("L1",)
    # Without prices, a quarter a unit of pull for two of the sum, half a unit of push for one.
    cheap = mixed("S1")
    assert cheap.values == pytest.approx((2.5, 1.0), abs=1e-5)
    assert cheap.cost == pytest.approx(1.5 / 4, abs=1e-5)


def test_several_targets_hold_together(mixed: Callable[..., Solution]) -> None:
    found = mixed("S1 P1", prices={"pull": 1.0, "push": 1.0})
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
    assert mixed("Y1 S1", outlay="outlay").cost == pytest.approx(45.0, abs=1e-3)  # to 2005
    stock = mixed("S1", outlay="spent")
    assert stock.cost == pytest.approx(3.5 * 9, abs=1e-3)


def test_where_nothing_does_it_is_said_how_near_one_comes(mixed: Callable[..., Solution]) -> None:
    found = mixed("S1 X1")
    assert found.values is None
    assert math.isnan(found.cost)
    assert found.searched[1].ends == ((0, 10), (0, 10))
    assert found.searched[1].best == pytest.approx({"S1": 30 - 6, "X1": 30 - 1000})
    assert mixed("S1 L1").values is None


def test_no_point_of_a_fine_grid_of_runs_is_cheaper(
    village: Model, mixed: Callable[..., Solution]
) -> None:
    prices = {"pull": 1.3, "push": 0.7}
    found = mixed("S1 P1", prices=prices)
    aims = [target for target in load_targets(model=village) if target.id in {"S1", "P1"}]
    evaluator = Evaluator(village, as_written(village), ["pull", "push"], Request(tuple(aims)))
    grid = np.array(list(itertools.product(np.linspace(0, 4, 161), np.linspace(0, 2, 81))))
    good = (evaluator.evaluate(grid).least_margins(aims) >= 0).all(axis=1)
    cost = np.abs(grid - 1) @ np.array(list(prices.values()))
    assert good.any()
    assert found.cost <= cost[good].min() + 1e-9
    # And it is not cheaper than the grid can be for its coarseness.
    assert found.cost >= cost[good].min() - 0.025 * 2
