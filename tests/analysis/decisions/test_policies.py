"""The Pareto set of policies, against brute force on a problem of three levers."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import plansim
from plansim.analysis.decisions.pareto import hypervolume, nondominated
from plansim.analysis.decisions.policies import policies, policy_text
from plansim.analysis.decisions.policy_space import policy_space
from plansim.analysis.decisions.sample import states_of
from plansim.errors import InputError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.targets.indicator import Measure
from plansim.targets.target import indicator_of
from tests.helpers.vensim_text import writer
from tests.toys.village import write_ensemble

# Building makes output and smoke, filters take smoke away, trees clean what is left.
EQUATIONS = """
building= 0.5 ~ Dmnl [0,1] ~ 建设。How much is built. [A: 0–1] |
filters= 0.2 ~ Dmnl [0,1] ~ 过滤。How much is filtered. [A: 0–1] |
trees= 0.1 ~ Dmnl [0,1] ~ 植树。How much is planted. [A: 0–1] |
yield= 0.1 ~ 1/Year [0,1] ~ 产率。Of building. [A: 0.08–0.12] |
dirt= 1 ~ Dmnl [0,5] ~ 污染率。Of output. [A: 0.7–1.3] |
made= yield*building*output ~ 亿元/Year ~ 增量。What is added. |
output= INTEG(made, 100) ~ 亿元 ~ 产出。Grows. |
smoke= dirt*output*(1-0.6*filters) ~ 亿元 ~ 烟尘。What is left of it. |
clean= trees*50 + 200 - smoke ~ 亿元 ~ 清洁。Trees help. |
"""
TARGETS = """\
title: {en: A plan, zh: 规划}
base_year: 2000
horizon: 2010
places:
  ch 1: {en: Chapter 1, zh: 第一章}
reasons:
  detail: {en: Too fine., zh: 过细。}
targets:
- {id: S1, en: Smoke, zh: 烟尘, unit: 亿元, target: {at most: 110, year: 2005}, place: [ch 1],
   attribute: binding, variable: smoke}
- {id: S2, en: Clean, zh: 清洁, unit: 亿元, target: {at least: 110, year: 2005}, place: [ch 1],
   attribute: binding, variable: clean}
"""
VIEWS = """\
themes: []
groups:
  - id: village
    en: Village
    zh: 村
    levers:
      - {moves: building, policy: true}
      - {moves: filters, policy: true}
      - {moves: trees, policy: true}
"""
DECISION = """\
growth: output
years: [2005]
scenario: plain.yaml
growth_levers: [building]
target_levers: [filters, trees]
"""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    texts = {"targets": TARGETS, "views": VIEWS, "decision": DECISION,
             "plain": "title: {en: Plain, zh: 原样}\nvalues: {}\n"}  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    made = load_model(writer(tmp_path)(EQUATIONS))
    path = write_ensemble(made)
    head = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    rows = ["factor,yield,dirt", "apply,multiply,multiply", "constants,yield,dirt", "0,1.01,0.99"]
    path.write_text("\n".join([*head, *rows]) + "\n", "utf-8")
    return made


def test_the_set_reaches_what_brute_force_reaches(model: Model) -> None:
    result = policies(model, aims=["growth", "met", "effort"], seeds=1, generations=24, members=40)
    targets = plansim.load_targets(model=model)
    growth = indicator_of(model, "output", Measure.GROWTH, 2000, 2005)
    space = policy_space(
        model,
        result.scenario,
        result.levers,
        targets,
        states_of(model, 500, other=3),
        indicators=[growth],
    )
    grid = np.array(list(itertools.product(np.linspace(0, 1, 11), repeat=3)))
    judged = space.judge(grid)
    aims = np.stack(
        [
            judged.indicators[growth.id].mean(axis=1),
            judged.met.sum(axis=2).mean(axis=1),
            -space.effort(grid),
        ],
        axis=1,
    )
    found = np.array([[p.aims["growth"], p.aims["met"], -p.aims["effort"]] for p in result.points])
    low, width = aims.min(axis=0), np.ptp(aims, axis=0)
    by_force = hypervolume((aims[nondominated(aims)] - low) / width, np.zeros(3) - 1e-9)
    by_search = hypervolume((found - low) / width, np.zeros(3) - 1e-9)
    assert by_search > 0.97 * by_force
    # No point of the grid is better than one that was found by more than the steps that count.
    steps = np.array([0.002, 0.2, 0.02])
    beaten = (aims[:, None] >= found + steps).all(axis=2).any(axis=0)
    assert not beaten.any()


def test_a_policy_is_a_scenario_that_gives_the_same_again(model: Model, tmp_path: Path) -> None:
    result = policies(model, aims=["met", "effort"], seeds=1, generations=10, members=40)
    number = len(result.points) // 2
    path = tmp_path / "policy.yaml"
    path.write_text(policy_text(result, number).replace("parent: as-written\n", ""), "utf-8")
    again = plansim.robustness(model, [path], named=[], members=states_of(model, 500, other=3))
    assert again.policies[0].mean_met == pytest.approx(result.points[number].aims["met"])


def test_dominance_and_volume() -> None:
    points = np.random.default_rng(1).random((60, 3))
    front = nondominated(points)
    for index in range(60):
        others = (points >= points[index]).all(axis=1) & (points > points[index]).any(axis=1)
        assert front[index] == (not others.any())
    draws = np.random.default_rng(2).random((40_000, 3))
    inside = (draws[:, None] <= points[front]).all(axis=2).any(axis=1).mean()
    assert hypervolume(points[front], np.zeros(3)) == pytest.approx(inside, abs=0.01)


@pytest.mark.parametrize(
    ("aims", "message"),
    [
        (["growth"], "two aims"),
        (["growth", "sahre"], "unknown aim"),
        (["growth", "cost"], "go together"),
    ],
)
def test_what_is_no_problem_is_refused(model: Model, aims: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        policies(model, aims=aims)
