"""The check of a frontier by brute force: it agrees with what is right, and finds what is wrong."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.evaluator import compiled
from plansim.analysis.optimization.frontier import frontier
from plansim.analysis.optimization.frontier_check import TOLERANCE, check, grid_of
from plansim.analysis.optimization.frontier_field import Field
from plansim.analysis.optimization.frontier_file import Quest, read_quest
from plansim.analysis.optimization.frontier_records import Frontier, Horizon, Way
from plansim.analysis.optimization.search_space import Found
from plansim.model.reader import load_model
from plansim.targets.catalogue import Target, load_targets
from plansim.targets.indicator import Floats
from plansim.targets.views_file import load_views
from tests.helpers.vensim_text import writer

# Each target is one row of a programme that is solved apart.
LINEAR = """
drive a= 0.05 ~ 1/Year [0,0.1] ~ 干劲甲。One. [A: 0–0.1] |
drive b= 0.02 ~ 1/Year [0,0.1] ~ 干劲乙。Two. [A: 0–0.1] |
care= 0.5 ~ Dmnl [0,1] ~ 治理。Abatement. [A: 0–1] |
thrift= 0.5 ~ Dmnl [0,1] ~ 节俭。Saving. [A: 0–1] |
rate= {rate} ~ 1/Year ~ 增速。Net. |
output= 100*EXP(rate*(Time - 2000)/one year) ~ 亿元/Year ~ 产出。Grows. |
dirt= {dirt} ~ Dmnl ~ 污染。Of growth. |
waste= {waste} ~ Dmnl ~ 浪费。Of growth. |
stock= INTEG(output*0, 1) ~ 亿元 ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
MODELS = {
    "linear": {
        "rate": "drive a + drive b - 0.02*care - 0.01*thrift",
        "dirt": "(10*drive a + 4*drive b)*one year - care",
        "waste": "(3*drive a + 9*drive b)*one year - thrift",
    },
    # Growth has a ridge where both drives are alike, and dirt jumps: no slope leads round either.
    "corner": {
        "rate": "2*MIN(drive a, drive b) - 0.02*care - 0.01*thrift",
        "dirt": "(10*drive a + 4*drive b)*one year - MIN(care, 0.6) + 0.3*STEP(1, 2000 + 4*thrift)",
        "waste": "MAX(3*drive a, 9*drive b)*one year - thrift",
    },
}
TARGETS = """\
title: {en: A plan, zh: 规划}
base_year: 2000
horizon: 2008
places:
  ch 1: {en: Chapter 1, zh: 第一章}
reasons:
  detail: {en: Too fine., zh: 过细。}
targets:
- {id: D1, en: Dirt, zh: 污染, unit: Dmnl, attribute: binding, target: {at most: 0.1, year: 2004},
   place: [ch 1], variable: dirt}
- {id: W1, en: Waste, zh: 浪费, unit: Dmnl, attribute: binding, target: {at most: 0.1, year: 2004},
   place: [ch 1], variable: waste}
"""
SPEC = """\
growth: output
years: [2004]
scenario: plain.yaml
push: [drive a, drive b]
mend: [care, thrift]
"""


def _exact(name: str, levers: Floats) -> tuple[Floats, Floats]:
    """The model by hand: the rate, and whether both targets hold, of ``(run, lever)``."""
    a, b, care, thrift = levers.T
    if name == "linear":
        rate = a + b - 0.02 * care - 0.01 * thrift
        dirt, waste = 10 * a + 4 * b - care, 3 * a + 9 * b - thrift
    else:
        rate = 2 * np.minimum(a, b) - 0.02 * care - 0.01 * thrift
        dirt = 10 * a + 4 * b - np.minimum(care, 0.6) + 0.3
        waste = np.maximum(3 * a, 9 * b) - thrift
    return rate, (dirt <= 0.1 + 1e-12) & (waste <= 0.1 + 1e-12)


Town = tuple[str, Quest, tuple[Target, ...], Field, Frontier]


@pytest.fixture(scope="module", params=sorted(MODELS))
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Town:
    place = tmp_path_factory.mktemp(request.param)
    (place / "targets.yaml").write_text(TARGETS, "utf-8")
    (place / "plain.yaml").write_text("title: Plain\n", "utf-8")
    (place / "frontier.yaml").write_text(SPEC, "utf-8")
    model = load_model(writer(place)(LINEAR.format(**MODELS[request.param])))
    targets = load_targets(model=model)
    quest = read_quest(model, load_views(model), Path)
    field = Field(model, quest, targets, 2004, 2, 1, compiled)
    found = frontier(model, quest, targets, settings=2**16, levels=1, threads=1)
    return request.param, quest, tuple(targets), field, found


def _answer(field: Field, horizon: Horizon) -> Found:
    assert horizon.highest is not None
    low, high = np.array([0.0] * 4), np.array([0.1, 0.1, 1.0, 1.0])
    place = (np.array(horizon.highest.values) - low) / (high - low)
    return Found(place, field.evaluate(place[None])[0])


def test_search_grid_and_sweep_agree_with_a_fine_grid_by_hand(town: Town) -> None:
    name, _, _, _, found = town
    horizon = found.horizons[0]
    axes = [np.linspace(0, end, 41) for end in (0.1, 0.1, 1, 1)]
    levers = np.array(list(itertools.product(*axes)))
    rate, holds = _exact(name, levers)
    best = math.exp(rate[holds].max()) - 1
    assert horizon.highest is not None
    assert horizon.check is not None
    growth = horizon.highest.growth
    assert best - 1e-9 <= growth <= best + 0.004, "the grid by hand is a fortieth of a range apart"
    rate, holds = _exact(name, np.array([horizon.highest.values]))
    assert growth == pytest.approx(math.exp(rate[0]) - 1, abs=1e-9)
    assert not horizon.check.beaten
    assert horizon.search.ends == pytest.approx([growth] * len(horizon.search.ends), abs=1e-5)
    by_way = {each.way: each for each in horizon.check.looks}
    assert by_way[Way.SWEEP].settings == by_way[Way.GRID].settings == 2**16
    # Of 2^16 settings of four levers one lies within a sixteenth of the ranges from any place.
    assert growth - 0.0125 < by_way[Way.SWEEP].best <= growth + TOLERANCE
    assert growth - TOLERANCE <= by_way[Way.GRID].best <= growth + TOLERANCE
    # The nearest settings are a thousandth of the ranges away, which is as much growth at most.
    assert growth - 1e-4 <= by_way[Way.DIRECTIONS].best <= growth + TOLERANCE


def test_a_linear_frontier_is_that_of_the_programme(town: Town) -> None:
    from scipy.optimize import linprog

    name, _, _, _, found = town
    if name != "linear":
        assert found.horizons[0].binding, "something stops growth at the corner"
        return
    exact = linprog(
        [-1, -1, 0.02, 0.01],
        A_ub=[[10, 4, -1, 0], [3, 9, 0, -1]],
        b_ub=[0.1, 0.1],
        bounds=[(0, 0.1), (0, 0.1), (0, 1), (0, 1)],
    )
    assert found.horizons[0].highest is not None
    assert found.horizons[0].highest.growth == pytest.approx(math.exp(-exact.fun) - 1, abs=1e-8)


def test_the_check_counts_what_holds_as_one_does_by_hand(town: Town) -> None:
    name, quest, _, field, found = town
    horizon = found.horizons[0]
    result, _ = check(field, [0, 1], _answer(field, horizon), horizon.alone, 4096)
    assert [each.way for each in result.looks] == list(Way)
    sweep = result.looks[0]
    rng = np.random.default_rng(5)
    levers = rng.random((200_000, 4)) * [0.1, 0.1, 1, 1]
    share = _exact(name, levers)[1].mean()
    assert sweep.feasible / sweep.settings == pytest.approx(share, abs=0.015)
    grid = result.looks[2]
    assert grid.side ** len(grid.levers) == grid.settings
    assert set(grid.levers) <= {each.id for each in quest.levers}
    assert result.settings == sum(each.settings for each in result.looks)


@pytest.mark.parametrize("part", [0.5, 0.9, 0.995])
def test_a_policy_below_the_frontier_is_found_out(town: Town, part: float) -> None:
    _, _, _, field, found = town
    horizon = found.horizons[0]
    best = _answer(field, horizon)
    place = best.place * [part, part, 1, 1]
    planted = Found(place, field.evaluate(place[None])[0])
    result, better = check(field, [0, 1], planted, horizon.alone, 2**14)
    assert result.beaten
    assert result.by > TOLERANCE
    assert better[-1].values[-1] - planted.values[-1] == pytest.approx(result.by)
    assert (better[-1].values[:2] >= 0).all()
    assert result.by <= best.values[-1] - planted.values[-1] + TOLERANCE
    fine, none = check(field, [0, 1], best, horizon.alone, 2**14)
    assert not fine.beaten
    assert none == []


def test_a_false_word_on_one_target_is_found_out(town: Town) -> None:
    _, _, _, field, found = town
    horizon = found.horizons[0]
    best = _answer(field, horizon)
    first, second = horizon.alone
    for wrong in (replace(first, growth=first.growth - 0.01), replace(first, growth=math.nan)):
        result, better = check(field, [0, 1], best, [wrong, second], 4096)
        assert result.alone_beaten == ("D1",)
        assert len(better) == 1
        assert better[0].values[0] >= 0


def test_a_search_that_is_beaten_goes_on_from_there(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    import plansim.analysis.optimization.frontier as module

    name, quest, targets, _, found = town
    right = found.horizons[0].highest
    assert right is not None

    def lazy(field: Field, *_: object) -> list[Found]:
        place = field.here[None] * [0.1, 0.1, 1.0, 1.0]
        return [Found(place[0], field.evaluate(place)[0])]

    monkeypatch.setattr(module, "highest", lazy)
    monkeypatch.setattr(module, "ascend", lambda _, start, *__: start)
    model = load_model(Path(targets[0].file).with_name("small.mdl"))
    again = frontier(model, quest, targets, settings=2**12, levels=1, threads=1).horizons[0]
    assert again.search.resumed > 0, name
    assert again.highest is not None
    assert again.highest.growth == pytest.approx(right.growth, abs=0.002)
    assert again.check is not None


def test_without_settings_there_is_no_check(town: Town) -> None:
    _, quest, targets, _, _ = town
    model = load_model(Path(targets[0].file).with_name("small.mdl"))
    unchecked = frontier(model, quest, targets, settings=0, levels=1, threads=1)
    assert unchecked.horizons[0].check is None


def test_the_grid_takes_the_strongest_levers_and_as_many_as_are_affordable(town: Town) -> None:
    name, _, _, field, found = town
    horizon = found.horizons[0]
    best = _answer(field, horizon)
    sides = {2**16: (4, 16), 27_000: (3, 30), 2**10: (2, 32), 100: (1, 100)}
    for most, (levers, side) in sides.items():
        chosen, points = grid_of(field, [0, 1], best, horizon.alone, most)
        assert (len(chosen), points) == (levers, side)
        assert len(set(chosen)) == levers
    if name == "linear":
        chosen, _ = grid_of(field, [0, 1], best, horizon.alone, 27_000)
        assert {0, 1} <= set(chosen), "the drives make growth and dirt"
