"""The cheapest mix of levers, against mixes known by hand and a fine grid of runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.evaluator import Evaluator, Request
from plansim.analysis.optimization.mix import Mix, Outlay, Prices, cheapest_mix
from plansim.analysis.optimization.solve import Range, lever_named
from plansim.engine.simulate import simulate
from plansim.errors import InputError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.reader import as_written, read_scenario
from plansim.targets.catalogue import Status, Target, judged_targets, load_targets
from plansim.targets.verdict import check_targets
from tests.helpers.vensim_text import writer

EQUATIONS = """
pull= 1 ~ Dmnl [0,10] ~ 拉力。Strong. [A: 0–4] |
push= 1 ~ Dmnl [0,10] ~ 推力。Weak. [A: 0–2] |
sum= 2*pull + push ~ Dmnl ~ 和。Of both. |
product= pull*push ~ Dmnl ~ 积。Together. |
outlay= (pull^2 + 3*push)/one year ~ Dmnl/Year ~ 花费。A year. |
spent= INTEG(outlay, 0) ~ Dmnl ~ 累计花费。In all. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
HEAD = """\
title: {en: A plan, zh: 规划}
base_year: 2000
horizon: 2005
places:
  ch 1: {en: Chapter 1, zh: 第一章}
reasons:
  detail: {en: Too fine., zh: 过细。}
targets:
"""
ROW = (
    "- {{id: {}, en: Aim, zh: 目标, unit: Dmnl, target: {{{}, year: 2003}}, place: [ch 1],"
    " variable: {}}}\n"
)
AIMS = [
    ("S1", "at least: 6", "sum"),
    ("P1", "at least: 3", "product"),
    ("L1", "at most: 4", "sum"),
    ("F1", "at least: 25", "sum"),
    ("X1", "at least: 1000", "sum"),
    ("E1", "at least: 3", "sum"),
]


@pytest.fixture
def town(tmp_path: Path) -> Model:
    text = HEAD + "".join(ROW.format(*each) for each in AIMS)
    (tmp_path / "targets.yaml").write_text(text, "utf-8")
    return load_model(writer(tmp_path)(EQUATIONS))


@pytest.fixture
def mixed(town: Model) -> Callable[..., Mix]:
    aims = {each.id: each for each in load_targets(model=town)}
    scenario = as_written(town)

    def find(ids: str, cost_of: Prices | Outlay, levers: str = "pull push") -> Mix:
        moved = [lever_named(town, scenario, name) for name in levers.split()]
        wanted = [aims[each] for each in ids.split()]
        return cheapest_mix(town, scenario, moved, wanted, cost_of, tuple(aims.values()))

    return find


def test_the_lever_that_does_more_for_its_price_is_moved(mixed: Callable[..., Mix]) -> None:
    found = mixed("S1", Prices({"pull": 3.0, "push": 1.0}))
    # Three more of the sum: a unit of push costs 1, two of the sum by pull cost 3; push ends at 2.
    assert found.values == pytest.approx((2.0, 2.0), abs=1e-5)
    assert found.cost == pytest.approx(4.0, abs=1e-4)
    assert found.margins["S1"] >= 0
    assert [each.range for each in found.looked] == [Range.PLAUSIBLE]
    assert found.lost == ("L1",)
    cheap = mixed("S1", Prices({"pull": 1.0, "push": 1.0}))
    assert cheap.values == pytest.approx((2.5, 1.0), abs=1e-5)


def test_without_a_price_a_lever_costs_one_for_its_plausible_range(
    mixed: Callable[..., Mix],
) -> None:
    found = mixed("S1", Prices({}))
    # A quarter a unit of pull for two of the sum; half a unit of push for one.
    assert found.values == pytest.approx((2.5, 1.0), abs=1e-5)
    assert found.cost == pytest.approx(1.5 / 4, abs=1e-5)


def test_several_targets_hold_together(mixed: Callable[..., Mix]) -> None:
    found = mixed("S1 P1", Prices({"pull": 1.0, "push": 1.0}))
    assert min(found.margins.values()) >= 0
    # pull·push = 3 at the least of pull + push - 2: both √3, where the sum, 5.2, is too small;
    # along the product's edge to 2·pull + 3/pull = 6.
    pull = (6 + math.sqrt(36 - 24)) / 4
    assert found.values == pytest.approx((pull, 3 / pull), abs=1e-4)


def test_a_cost_that_the_model_counts(mixed: Callable[..., Mix]) -> None:
    flow = mixed("S1", Outlay("outlay"))
    # pull² + 3·push at the least on 2·pull + push = 6: pull = 3, push = 0; three years of it.
    assert flow.values == pytest.approx((3.0, 0.0), abs=1e-4)
    assert flow.cost == pytest.approx(27.0, abs=1e-3)
    assert flow.cost_present == pytest.approx(12.0)
    assert flow.unit == "Dmnl"
    stock = mixed("S1", Outlay("spent"))
    assert stock.cost == pytest.approx(3.5 * 9, abs=1e-3)


def test_the_admissible_ranges_are_looked_over_where_the_plausible_do_not_do(
    mixed: Callable[..., Mix],
) -> None:
    found = mixed("F1", Prices({}))
    assert [each.range for each in found.looked] == [Range.PLAUSIBLE, Range.ADMISSIBLE]
    assert found.looked[0].best == pytest.approx({"F1": 10 - 25})
    assert found.values is not None
    assert 2 * found.values[0] + found.values[1] == pytest.approx(25, abs=1e-6)


def test_where_nothing_does_it_is_said_how_near_one_comes(mixed: Callable[..., Mix]) -> None:
    found = mixed("S1 X1", Prices({}))
    assert found.values is None
    assert math.isnan(found.cost)
    assert found.looked[1].ends == ((0, 10), (0, 10))
    assert found.looked[1].best == pytest.approx({"S1": 30 - 6, "X1": 30 - 1000})
    assert found.looked[1].best_at == pytest.approx((10, 10))
    clash = mixed("S1 L1", Prices({}))
    assert clash.values is None


def test_what_is_met_already_costs_nothing(mixed: Callable[..., Mix]) -> None:
    found = mixed("L1 E1", Prices({}))
    assert (found.values, found.cost, found.looked) == ((1.0, 1.0), 0.0, ())


def test_no_point_of_a_fine_grid_of_runs_is_cheaper(town: Model, mixed: Callable[..., Mix]) -> None:
    prices = {"pull": 1.3, "push": 0.7}
    found = mixed("S1 P1", Prices(prices))
    aims = [each for each in load_targets(model=town) if each.id in {"S1", "P1"}]
    evaluator = Evaluator(town, as_written(town), ["pull", "push"], Request(tuple(aims)))
    grid = np.array(list(itertools.product(np.linspace(0, 4, 161), np.linspace(0, 2, 81))))
    good = evaluator.evaluate(grid).met(aims).all(axis=1)
    cost = np.abs(grid - 1) @ np.array(list(prices.values()))
    assert good.any()
    assert found.cost <= cost[good].min() + 1e-9
    # And it is not cheaper than the grid can be for its coarseness.
    assert found.cost >= cost[good].min() - 0.025 * 2


@pytest.mark.parametrize(
    ("ids", "levers", "message"),
    [("S1", "pull pull", "'pull' is given twice")],
)
def test_what_is_refused(mixed: Callable[..., Mix], ids: str, levers: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mixed(ids, Prices({}), levers)


def test_the_shipped_scenario_with_the_mix_meets_the_targets(city: Model) -> None:
    targets: dict[str, Target] = {
        each.id: each for each in judged_targets(load_targets(model=city))
    }
    story = read_scenario("accelerated-growth", city)
    levers = [lever_named(city, story, name) for name in ("abatement effort", "COD removal")]
    found = cheapest_mix(city, story, levers, [targets["M34b"]], Prices({}))
    assert found.values is not None
    settings = [
        f"{lever.reference}={value!r}" for lever, value in zip(levers, found.values, strict=True)
    ]
    (verdict,) = check_targets(
        simulate(city, read_scenario("accelerated-growth", city, settings)), [targets["M34b"]]
    )
    assert verdict.status is Status.MET
