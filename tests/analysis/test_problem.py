"""A decision problem: positions and values of levers, moves, and what a run says there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.experiments.design import Uniform
from plansim.analysis.optimization.problem import decision_problem
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.factors import Apply, Factor
from plansim.scenario.scenario_file import as_written
from plansim.targets.catalogue import load_targets
from plansim.targets.views import Lever
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import writer

EQUATIONS = """
pull= 1 ~ Dmnl [0,10] ~ 拉力。Set. |
push= 2 ~ Dmnl [0,10] ~ 推力。Added to. |
heat= 3 ~ Dmnl [0,10] ~ 热。Multiplied. |
sum= pull + push*heat + 0*stock ~ Dmnl ~ 和。Of all. |
level= sum - 0.5*(Time - 2000)/one year ~ Dmnl ~ 水平。Falls. |
stock= INTEG(sum/one year, 1) ~ Dmnl ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
PLAN = plan(aim("L1", "at least: 4, year: 2002", "level", attribute="unlabelled"))


@pytest.fixture
def town(tmp_path: Path) -> Model:
    (tmp_path / "targets.yaml").write_text(PLAN, "utf-8")
    return load_model(writer(tmp_path)(EQUATIONS))


def lever(name: str, apply: Apply, low: float, high: float) -> Lever:
    return Lever(name, name, name, "", "", (name,), apply, low, high, "Dmnl", "Dmnl", 1.0)


LEVERS = [
    lever("pull", Apply.SET, 0, 4),
    lever("push", Apply.ADD, -1, 3),
    lever("heat", Apply.MULTIPLY, 0.5, 2),
]


def test_values_go_to_positions_and_back(town: Model) -> None:
    problem = decision_problem(town, as_written(town), LEVERS, load_targets(model=town))
    assert problem.present.tolist() == [1, 0, 1]
    assert problem.start == pytest.approx([0.25, 0.25, 1 / 3])
    assert problem.values(problem.start[None]).tolist() == [[1, 0, 1]], "no rounding error away"
    values = np.array([[4.0, -1.0, 0.5], [2.0, 1.0, 1.25]])
    assert problem.values(problem.positions(values)) == pytest.approx(values)
    moves = problem.moves(problem.positions(np.array([1.0, 1.0, 2.0])))
    assert [move.lever.id for move in moves] == ["heat", "push"]
    assert [move.effort for move in moves] == pytest.approx([2 / 3, 1 / 4])


def test_margins_are_those_of_the_levers_values(town: Model) -> None:
    problem = decision_problem(town, as_written(town), LEVERS, load_targets(model=town))
    values = np.array([[1.0, 0.0, 1.0], [0.0, -1.0, 0.5], [4.0, 3.0, 2.0]])
    margins = problem.evaluate(problem.positions(values))[:, 0] * problem.scales[0]
    level = values[:, 0] + (2 + values[:, 1]) * (3 * values[:, 2]) - 0.5 * 2
    assert margins == pytest.approx(level - 4)


def test_a_target_that_must_hold_until_a_year_is_judged_in_all_of_them(town: Model) -> None:
    scenario, targets = as_written(town), load_targets(model=town)
    problem = decision_problem(town, scenario, LEVERS, targets, until=2008)
    assert problem.evaluate(problem.start[None])[0, 0] * problem.scales[0] == pytest.approx(-1)
    own = decision_problem(town, scenario, LEVERS, targets)
    assert own.evaluate(own.start[None])[0, 0] * own.scales[0] == pytest.approx(2)


def test_what_is_uncertain_acts_on_what_the_levers_leave(town: Model) -> None:
    factor = Factor("heat", ("heat",), Apply.MULTIPLY, Uniform(0.5, 1.5), "Dmnl")
    problem = decision_problem(
        town, as_written(town), LEVERS, load_targets(model=town), uncertain=[factor],
        draws=np.array([[0.5], [1.5]]),
    )  # fmt: skip
    positions = problem.positions(np.array([[1.0, 0.0, 1.0], [2.0, 1.0, 2.0]]))
    margins = problem.judge(positions).margins * problem.scales
    expected = [[1 + 2 * 3 * 0.5, 1 + 2 * 3 * 1.5], [2 + 3 * 6 * 0.5, 2 + 3 * 6 * 1.5]]
    assert margins[:, :, 0] == pytest.approx(np.array(expected) - 1 - 4)


def test_a_scenario_outside_of_a_range_extends_it(town: Model) -> None:
    narrow = [lever("pull", Apply.SET, 2, 4), lever("push", Apply.ADD, -np.inf, np.inf)]
    problem = decision_problem(town, as_written(town), narrow, load_targets(model=town))
    assert (problem.low.tolist(), problem.high.tolist()) == ([1, 0], [4, 0])
