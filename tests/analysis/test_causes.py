"""Shapley shares: against every order counted out, by their axioms, and over real runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plansim.analysis.attribution import assumptions as causes
from plansim.analysis.attribution.assumptions import attribute, groups_of
from plansim.analysis.attribution.shapley import MOST_EXACT, game_of, shapley
from plansim.errors import SimulationError
from plansim.model.records import Model
from plansim.output.tables.comparison import attribution_table
from plansim.output.tables.layout import shown
from plansim.output.words.text import Lang, read_text
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from plansim.targets.target import Status
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model

# What each setting adds to the sum is known; `both` is a product, which two settings share.
EQUATIONS = """
trade: farms, mills ~~ 行业。Trades. [zh: 农场, 工厂] |
effort before= 1 ~ Dmnl [0,10] ~ 力度（前）。Before. [A: 0–5] |
effort after= 1 ~ Dmnl [0,10] ~ 力度（后）。After. [A: 0–5] |
effort from year= 2003 ~ Year [1990,2030] ~ 力度起始年。When. [A: 2000–2010] |
exerted= effort before + STEP(effort after - effort before, effort from year) ~ Dmnl ~ 用力。Now. |
weight[trade]= 1, 2 ~ Dmnl [0,10] ~ 权重。One a trade. [A: 0.5–3] |
left= 1 ~ Dmnl [-10,10] ~ 左。One of two. [A: 0–5] |
right= 1 ~ Dmnl [-10,10] ~ 右。The other. [A: 0–5] |
idle= 1 ~ Dmnl [0,10] ~ 闲。Moves nothing that is judged. [A: 0–5] |
output= 10*exerted + SUM(weight[trade!]) + left*right + 0*idle ~ Dmnl ~ 产出。All of it. |
stock= INTEG(output/one year, 1) ~ Dmnl ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. [A: 1–1] |
root= SQRT(left + right) ~ Dmnl ~ 根。Breaks down below zero. |
"""
TARGETS = plan(
    aim("S1", "at least: 20, year: 2005", "output"), aim("S2", "at most: 3, year: 2005", "root")
)
OTHER = """\
title: Other
values: {weight: [3, 2.5], left: 4, right: 3, idle: 2}
levers:
  effort: {before: 0, after: 2, from: 2002}
"""

Story = Callable[[str], Scenario]


@pytest.fixture
def town(tmp_path: Path) -> Model:
    return small_model(tmp_path, EQUATIONS, targets=TARGETS)


@pytest.fixture
def story(town: Model, tmp_path: Path) -> Story:
    def read(text: str) -> Scenario:
        path = tmp_path / "other.yaml"
        path.write_text(text, "utf-8")
        return read_scenario(path, town)

    return read


# --- the arithmetic -------------------------------------------------------------------------------


@settings(max_examples=40)
@given(size=st.integers(1, 4), seed=st.integers(0, 99), sound=st.sampled_from([0.7, 1.0]))
def test_shares_are_the_mean_over_all_orders_that_can_be(
    size: int, seed: int, sound: float
) -> None:
    rng = np.random.default_rng(seed)
    worth, runs = rng.normal(size=2**size), rng.random(2**size) < sound
    runs[[0, -1]] = True
    gains = []
    for order in itertools.permutations(range(size)):
        passed = np.cumsum([0, *(1 << (size - 1 - member) for member in order)])
        if runs[passed].all():
            gains.append(np.diff(worth[passed])[np.argsort(order)])
    found = shapley(np.where(runs, worth, np.nan), runs)
    np.testing.assert_allclose(found, np.mean(gains, axis=0) if gains else np.nan, atol=1e-12)


def test_the_error_of_shares_by_some_orders_is_that_of_other_orders() -> None:
    worth = np.random.default_rng(1).normal(size=2**5)
    shares, errors = [], []
    for seed in range(300):
        game = game_of(5, 16, seed)
        found = game.shares(worth[game.subsets @ (1 << np.arange(5)[::-1])])
        shares.append(found[0])
        errors.append(found[1])
    np.testing.assert_allclose(np.mean(shares, axis=0), shapley(worth), atol=0.05)
    spread = np.std(shares, axis=0)
    np.testing.assert_allclose(np.sqrt(np.mean(np.square(errors), axis=0)), spread, rtol=0.15)


def test_one_pair_of_orders_has_no_error_and_an_order_counts_as_its_reverse_does() -> None:
    game = game_of(4, 4, 0)
    runs = np.ones(len(game.subsets), bool)
    runs[game.rows[1]] = False  # what the first order passes after its first change
    assert game.without(runs).orders in (0, 2)
    shares, errors = game.shares(np.zeros(len(runs)), runs)
    assert np.isnan([*shares, *errors]).all()


# --- what counts as one change --------------------------------------------------------------------


def test_a_lever_and_an_array_count_as_one_change(town: Model, story: Story) -> None:
    effort, weight, *others = groups_of(town, as_written(town), story(OTHER))
    assert effort.constants == ("effort before", "effort after", "effort from year")
    assert weight.constants == ("weight[farms]", "weight[mills]")
    assert (weight.before, weight.after) == ((1.0, 2.0), (3.0, 2.5))
    assert [group.constants for group in others] == [("left",), ("right",), ("idle",)]
    assert [group.name_zh for group in (effort, weight, *others)] == [
        "力度",
        "权重",
        "左",
        "右",
        "闲",
    ]
    assert groups_of(town, story(OTHER), story(OTHER)) == ()


def test_one_element_is_named_in_the_language_of_the_reader(town: Model, story: Story) -> None:
    found = attribute(town, as_written(town), story("title: Other\nvalues: {weight: [3, 2]}\n"))
    told = {lang: shown(attribution_table(found, town, read_text(lang)), 80) for lang in Lang}
    assert "weight  farms: 1 → 3" in told[Lang.EN]
    assert "权重  农场：1 → 3" in told[Lang.ZH]


# --- over runs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [MOST_EXACT, 2])
def test_shares_are_those_known_by_hand(
    town: Model, story: Story, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(causes, "MOST_EXACT", most)
    found = attribute(town, as_written(town), story(OTHER), ["S1"])
    (shares,) = found.targets
    by_name = dict(zip([group.name for group in found.groups], shares.shares, strict=True))
    assert (shares.margin_before, shares.margin_after) == pytest.approx((-6, 17.5))
    assert (shares.status_before, shares.status_after) == (Status.MISSED, Status.MET)
    # 1·1 → 4·3: alone, the left adds 3 and the right 2; second, 9 and 8. Reverses share them out.
    expected = {"effort": 10, "weight": 2.5, "left": 6, "right": 5, "idle": 0}
    assert by_name == pytest.approx(expected)
    assert math.fsum(shares.shares) == pytest.approx(23.5, abs=1e-9)
    assert bool(found.orders) == (most == 2)


def test_a_target_that_the_second_scenario_assumes_is_no_success(town: Model, story: Story) -> None:
    other = story(OTHER + "assumes: {S1: It is told to.}\n")
    (shares,) = attribute(town, as_written(town), other, ["S1"]).targets
    assert shares.status_after is Status.ASSUMED


def test_a_run_that_breaks_down_is_no_share(town: Model, story: Story) -> None:
    # Whole, both scenarios run; with the first change alone there is a root of less than zero.
    other = story("title: Other\nvalues: {left: -4, right: 6}\n")
    with pytest.raises(SimulationError, match="1 of 4 runs break down; run 2 first at 'root'"):
        attribute(town, as_written(town), other)
