"""Sobol's indices and Morris' effects, of functions and of models that have them by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import plansim
from plansim.analysis.experiments.design import Design, DesignKind
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.distributions import Uniform
from plansim.analysis.sensitivity.given_data import pawn
from plansim.analysis.sensitivity.morris import elementary_effects, screening_points
from plansim.analysis.sensitivity.sobol import (
    Sensitivity,
    draw_pair,
    estimate_indices,
    sobol,
    with_group,
)
from plansim.errors import DesignError
from plansim.model.records import Model
from plansim.output.tables.layout import shown
from plansim.output.tables.why import sensitivity_table
from plansim.output.words.text import read_text
from plansim.scenario.factors import Apply, Distribution, Factor, FloatArray
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model

# --- functions ------------------------------------------------------------------------------------

ANGLE = Uniform(-math.pi, math.pi)


def factors_of(*distributions: Distribution) -> list[Factor]:
    return [
        Factor(f"x{place}", (f"x{place}",), Apply.SET, one, "Dmnl")
        for place, one in enumerate(distributions)
    ]


def ishigami(x: FloatArray) -> FloatArray:
    return np.asarray(
        np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    )


# Ishigami & Homma 1990: variances of the parts with a = 7, b = 0.1.
ALONE_1 = (1 + 0.1 * math.pi**4 / 5) ** 2 / 2
ALONE_2 = 7**2 / 8
WITH_3 = 0.1**2 * math.pi**8 * (1 / 18 - 1 / 50)
ALL = ALONE_1 + ALONE_2 + WITH_3


Function = Callable[[FloatArray], FloatArray]


def estimated(inputs: list[Factor], function: Function, groups: list[list[int]]) -> FloatArray:
    a, b = draw_pair(inputs, 4096, seed=3)
    mixed = np.stack([function(with_group(a, b, group))[None] for group in groups])
    return estimate_indices(function(a)[None], function(b)[None], mixed)


def test_indices_of_the_ishigami_function_are_those_of_its_variances() -> None:
    found = estimated(factors_of(ANGLE, ANGLE, ANGLE), ishigami, [[0], [1], [2], [0, 2]])
    first = np.array([ALONE_1, ALONE_2, 0, ALONE_1 + WITH_3]) / ALL
    total = np.array([ALONE_1 + WITH_3, ALONE_2, WITH_3, ALONE_1 + WITH_3]) / ALL
    for expected, (index, low, high) in ((first, found[:3, 0]), (total, found[3:, 0])):
        np.testing.assert_allclose(index, expected, atol=0.02)
        assert ((low <= expected) & (expected <= high)).all()


def test_the_estimators_are_those_of_scipy() -> None:
    first, second = draw_pair(factors_of(ANGLE, ANGLE, ANGLE), 256, seed=5)
    a, b = ishigami(first)[None], ishigami(second)[None]
    mixed = np.stack([ishigami(with_group(first, second, [place]))[None] for place in range(3)])
    found = estimate_indices(a, b, mixed)
    theirs = stats.sobol_indices(func={"f_A": a, "f_B": b, "f_AB": mixed}, n=256)
    np.testing.assert_allclose(found[0, 0], theirs.first_order, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[3, 0], theirs.total_order, rtol=1e-12, atol=1e-12)


def test_intervals_are_those_of_resampled_rows() -> None:
    a, b = draw_pair(factors_of(ANGLE, ANGLE, ANGLE), 256, seed=5)
    mixed = np.stack([ishigami(with_group(a, b, [place])) for place in range(3)])
    found = estimate_indices(ishigami(a)[None], ishigami(b)[None], mixed[:, None])[:, 0]
    rows = np.random.default_rng(1).integers(256, size=(4000, 256))
    middle = (ishigami(a).mean() + ishigami(b).mean()) / 2
    one, other = ((ishigami(part) - middle)[rows] for part in (a, b))
    swapped = (mixed - middle)[:, rows]
    both = np.concatenate([one, other], axis=1)
    parts = np.stack([(other * (swapped - one)).mean(axis=2) / both.var(axis=1),
                      ((one - swapped) ** 2).mean(axis=2) / 2 / both.var(axis=1)])  # fmt: skip
    ends = np.quantile(parts, [0.025, 0.975], axis=2)
    apart = (found[[[1, 4], [2, 5]]] - ends) / parts.std(axis=2)
    assert np.abs(apart).max() < 0.3
    assert np.abs(apart.mean(axis=(1, 2))).max() < 0.12


def a_design(*reaches: tuple[float, float]) -> Design:
    factors = tuple(factors_of(*(Uniform(*one) for one in reaches)))
    return Design("d", "", "", DesignKind.SOBOL, (), factors, 8, 7, 4, (), ())


def test_effects_are_over_the_whole_reach() -> None:
    x = screening_points(a_design((0, 1), (10, 30), (-1, 1)), 30)
    outputs = np.stack([3 * x[:, 0] - 0.5 * x[:, 1], x[:, 2] ** 2 + 0 * x[:, 0]])
    found = elementary_effects(x, outputs)
    np.testing.assert_allclose(found.mean[0], [3, -10, 0], atol=1e-9)
    np.testing.assert_allclose(found.strength[0], [3, 10, 0], atol=1e-9)
    np.testing.assert_allclose(found.spread[0], 0, atol=1e-9)
    np.testing.assert_allclose(found.strength_error[0], 0, atol=1e-9)
    # A square on four levels -1, -1/3, 1/3, 1: a step of two levels changes it by 8/9 up or down.
    np.testing.assert_allclose(found.strength[1, 2], 8 / 9 / (2 / 3))
    assert abs(found.mean[1, 2]) < found.strength[1, 2], "up on one side, down on the other"
    assert found.spread[1, 2] > 1
    assert found.trajectories == 30


def test_a_trajectory_on_which_a_run_breaks_down_is_left_out_whole() -> None:
    x = screening_points(a_design((0, 1), (10, 30)), 12)
    outputs = np.stack([x[:, 0] ** 2 + x[:, 1], x[:, 0] * x[:, 1]])
    outputs[1, [4, 20]] = np.nan  # the second and the seventh trajectory, of three points each
    kept = np.repeat(~np.isin(np.arange(12), (1, 6)), 3)
    found = elementary_effects(x, outputs, 1)
    assert found.trajectories == 10
    for name in ("mean", "strength", "strength_error", "spread"):
        expected = getattr(elementary_effects(x[kept], outputs[:, kept], 1), name)
        np.testing.assert_array_equal(getattr(found, name), expected)
    one = elementary_effects(x[:6], outputs[:, :6])
    assert one.trajectories == 1
    assert np.isnan(one.mean).all()


# --- a model --------------------------------------------------------------------------------------

EQUATIONS = """
pull= 1 ~ Dmnl [0,10] ~ 拉力。Strong. [A: 0–2] |
push= 1 ~ Dmnl [0,10] ~ 推力。Weak. [A: 0–1] |
idle= 1 ~ Dmnl [0,10] ~ 闲。Does nothing. [A: 0–2] |
plan= 0 ~ Dmnl [-10,10] ~ 计划。What scenarios set. |
sum= 2*pull + push + 0*idle + plan ~ Dmnl ~ 和。Additive. |
product= pull*push ~ Dmnl ~ 积。Together. |
level= 1 + 0*pull ~ Dmnl ~ 平。Never moves. |
against= -3*pull ~ Dmnl ~ 反。Falls. |
alone= pull*(1 - plan) ~ Dmnl ~ 独。Nothing under the second scenario. |
root= SQRT(1.95 - pull) ~ Dmnl ~ 根。Breaks down above 1.95. |
stock= INTEG(sum/one year, 1) ~ Dmnl ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
AIMS = [
    ("S1", "binding", 3, "sum"),
    ("P1", "binding", 0.5, "product"),
    ("L1", "binding", 1, "level"),
    ("E1", "expected", 2, "sum"),
]
DESIGN = """
title: D
scenarios: [low.yaml, high.yaml]
design: {kind: sobol, samples: 1024, seed: 4}
rest: {}
"""


Read = tuple[Model, Design, tuple[Target, ...]]


def read(folder: Path, *more: tuple[str, str, float, str]) -> Read:
    """Write the model with its aims and more, two scenarios and a design, and read them."""
    rows = (aim(key, f"at least: {least}, year: 2003", by, attribute=attribute)
            for key, attribute, least, by in (*AIMS, *more))  # fmt: skip
    low = "title: Low\nvalues: {plan: 0}\n"
    high = "title: High\nvalues: {plan: 1}\nassumes: {L1: It is so.}\n"
    texts = {"targets": plan(*rows, horizon=2005), "low": low, "high": high, "design": DESIGN}
    model = small_model(folder, EQUATIONS, **texts)
    return model, read_design(folder / "design.yaml", model), load_targets(model=model)


@pytest.fixture
def found(tmp_path: Path) -> Sensitivity:
    return sobol(*read(tmp_path), trajectories=10)


def test_drivers_are_shared_out_as_the_formulas_say(found: Sensitivity) -> None:
    drivers = {driven.target.id: driven for driven in found.drivers}
    pull, push = drivers["S1"].main[:2]
    # Variances 4·4/12 and 1/12.
    assert [pull.factor, pull.factor_zh, push.factor] == ["pull", "拉力", "push"]
    assert pull.first == pytest.approx(16 / 17, abs=0.02)
    assert pull.total == pytest.approx(16 / 17, abs=0.02)
    assert push.total == pytest.approx(1 / 17, abs=0.02)
    assert pull.total_low <= 16 / 17 <= pull.total_high
    assert pull.effect == pytest.approx(4)
    assert drivers["S1"].spread == pytest.approx(math.sqrt(17 / 12), rel=0.02)
    # E[xy]: alone 1/4·1/3 and 1·1/12, together 1/3·1/12.
    alone, together = 1 / 12, 1 / 36
    variance = 2 * alone + together
    for index in drivers["P1"].main[:2]:
        assert index.first == pytest.approx(alone / variance, abs=0.03)
        assert index.total == pytest.approx((alone + together) / variance, abs=0.03)
    assert drivers["L1"].main == ()


def test_effects_are_those_of_formulas_under_the_first_scenario(tmp_path: Path) -> None:
    more = ("N1", "binding", -1.0, "against"), ("H1", "binding", 1.0, "alone")
    model, design, _ = read(tmp_path, *more)
    found = plansim.morris(model, design, ["S1", "N1", "H1"], trajectories=6)
    columns = ["mu", "mu_star", "mu_star_conf", "sigma"]
    table = found.set_index(["target", "factor"])[columns]
    for target, pull, push in (("S1", 4, 1), ("N1", -6, 0), ("H1", 2, 0)):
        for factor, effect in (("pull", pull), ("push", push), ("idle", 0)):
            expected = [effect, abs(effect), 0, 0]
            row = np.asarray(table.loc[(target, factor)], np.float64)
            assert row == pytest.approx(np.array(expected), abs=1e-9)
    assert found["factor"].tolist()[:2] == ["pull", "push"], "the strongest first"


def test_the_deviation_of_a_percentage_is_in_points(found: Sensitivity) -> None:
    first = found.drivers[0]
    in_percent = replace(first, target=replace(first.target, unit="%"))
    told = shown(sensitivity_table(replace(found, drivers=(in_percent,)), read_text("en")), 100)
    assert f"± {first.spread:.2f} points" in told


def test_what_screening_leaves_out_is_one_group(found: Sensitivity) -> None:
    assert found.chosen == ("pull", "push"), "what moves nothing gets no index of its own"
    drivers = {driven.target.id: driven for driven in found.drivers}
    rest = drivers["S1"].rest
    assert rest is not None
    assert rest.total == pytest.approx(0, abs=1e-12)
    assert found.runs == 2048 + 10 * 4 + 3 * 1024
    assert found.broken == 0


def test_a_run_that_breaks_down_counts_nowhere(tmp_path: Path) -> None:
    model, design, targets = read(tmp_path, ("R1", "binding", 0, "root"))
    study = sobol(model, replace(design, points=64), targets, trajectories=4)
    assert study.broken > 0
    drivers = {driven.target.id: driven.main for driven in study.drivers}
    assert [index.factor for index in drivers["S1"]] == ["pull", "push"]
    assert all(math.isfinite(index.total) for main in drivers.values() for index in main)
    assert drivers["R1"][0].effect < 0  # the root falls as the pull rises


def test_threads_change_nothing_and_the_seed_all(tmp_path: Path) -> None:
    model, design, targets = read(tmp_path)
    small = replace(design, points=48)
    one = sobol(model, small, targets, trajectories=4, threads=1)
    assert one.draws == 2 * 64, "a power of two that is not less than what was asked for"
    other = replace(small, seed=small.seed + 1)
    two = sobol(model, other, targets, trajectories=4, threads=2, seed=small.seed)
    assert repr(one.drivers) == repr(two.drivers)
    assert repr(one.drivers) != repr(sobol(model, other, targets, trajectories=4).drivers)
    with pytest.raises(DesignError, match="only a sample says how likely"):
        sobol(model, replace(design, kind=DesignKind.GRID), targets)


# --- on runs that are there -----------------------------------------------------------------------


def test_pawn_is_the_median_distance_of_tenths_by_its_definition() -> None:
    rng = np.random.default_rng(2)
    points, noise = rng.random((1000, 2)), rng.normal(size=1000)
    values = points[:, 0] ** 2 + 0.1 * noise
    for column, found in enumerate(pawn(points, values)):
        tenths = np.array_split(np.argsort(points[:, column]), 10)
        distances = [stats.ks_2samp(values[tenth], values).statistic for tenth in tenths]
        assert found == pytest.approx(np.median(distances), abs=0.01)


def test_a_switch_is_cut_into_tenths_as_all_others_are() -> None:
    """Each value counts as often as it is drawn, the largest too; what is still does nothing."""
    rng = np.random.default_rng(3)
    rare = (rng.random(2000) >= 0.1).astype(np.float64)  # 0 in a tenth of the runs
    values = np.where(rare == 0, 1.0, 0.0) + 0.01 * rng.normal(size=2000)
    switch, still = pawn(np.stack([rare, np.full(2000, 5.0)], axis=1), values)
    assert switch == pytest.approx(0.1, abs=0.03)  # nine of ten tenths are of the value 1
    assert still == 0.0
