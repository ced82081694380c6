"""A study of uncertainty on a model whose margins are known functions of what is uncertain."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from plansim.analysis.experiments.design import Design, DesignKind
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.sensitivity.study import Sensitivity, sobol
from plansim.errors import DesignError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import writer

EQUATIONS = """
pull= 1 ~ Dmnl [0,10] ~ 拉力。Strong. [A: 0–2] |
push= 1 ~ Dmnl [0,10] ~ 推力。Weak. [A: 0–1] |
idle= 1 ~ Dmnl [0,10] ~ 闲。Does nothing. [A: 0–2] |
plan= 0 ~ Dmnl [-10,10] ~ 计划。What scenarios set. |
sum= 2*pull + push + 0*idle + plan ~ Dmnl ~ 和。Additive. |
product= pull*push ~ Dmnl ~ 积。Together. |
level= 1 + 0*pull ~ Dmnl ~ 平。Never moves. |
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


@pytest.fixture
def reads(tmp_path: Path) -> Callable[..., tuple[Model, Design, tuple[Target, ...]]]:
    def read(
        aims: list[tuple[str, str, float, str]] = AIMS, design: str = DESIGN
    ) -> tuple[Model, Design, tuple[Target, ...]]:
        (tmp_path / "targets.yaml").write_text(
            plan(
                *(
                    aim(key, f"at least: {least}, year: 2003", judged_by, attribute=attribute)
                    for key, attribute, least, judged_by in aims
                ),
                horizon=2005,
            ),
            "utf-8",
        )
        (tmp_path / "low.yaml").write_text("title: Low\nvalues: {plan: 0}\n", "utf-8")
        (tmp_path / "high.yaml").write_text(
            "title: High\nvalues: {plan: 1}\nassumes: {L1: It is so.}\n", "utf-8"
        )
        (tmp_path / "design.yaml").write_text(design, "utf-8")
        model = load_model(writer(tmp_path)(EQUATIONS))
        return model, read_design(tmp_path / "design.yaml", model), load_targets(model=model)

    return read


@pytest.fixture
def found(reads: Callable[..., tuple[Model, Design, tuple[Target, ...]]]) -> Sensitivity:
    return sobol(*reads(), trajectories=10)


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


def test_what_screening_leaves_out_is_one_group(found: Sensitivity) -> None:
    assert found.chosen == ("pull", "push"), "what moves nothing gets no index of its own"
    drivers = {driven.target.id: driven for driven in found.drivers}
    rest = drivers["S1"].rest
    assert rest is not None
    assert rest.total == pytest.approx(0, abs=1e-12)
    assert found.runs == 2048 + 10 * 4 + 3 * 1024
    assert found.broken == 0


def test_a_run_that_breaks_down_counts_nowhere(
    reads: Callable[..., tuple[Model, Design, tuple[Target, ...]]],
) -> None:
    model, design, targets = reads([*AIMS, ("R1", "binding", 0, "root")])
    study = sobol(model, replace(design, points=64), targets, trajectories=4)
    assert study.broken > 0
    assert all(math.isfinite(index.total) for driven in study.drivers for index in driven.main)


def test_threads_and_progress_change_nothing_and_the_seed_all(
    reads: Callable[..., tuple[Model, Design, tuple[Target, ...]]],
) -> None:
    model, design, targets = reads()
    told: list[tuple[int, int]] = []
    small = replace(design, points=64)
    one = sobol(
        model, small, targets, trajectories=4, threads=1, progress=lambda *steps: told.append(steps)
    )
    other = replace(small, seed=small.seed + 1)
    two = sobol(model, other, targets, trajectories=4, threads=2, seed=small.seed)
    assert repr(one.drivers) == repr(two.drivers)
    assert repr(one.drivers) != repr(sobol(model, other, targets, trajectories=4).drivers)
    assert told[-1] == (one.runs, one.runs)


def test_what_is_no_sample_is_refused(
    reads: Callable[..., tuple[Model, Design, tuple[Target, ...]]],
) -> None:
    model, design, targets = reads()
    with pytest.raises(DesignError, match="only a sample says how likely"):
        sobol(model, replace(design, kind=DesignKind.GRID), targets)


def test_the_shipped_design_says_how_sure_the_verdicts_are(city: Model, root: Path) -> None:
    design = read_design(root / "scenarios" / "sweeps" / "uncertainty.yaml", city, samples=64)
    design = replace(design, scenarios=design.scenarios[:2])
    found = sobol(city, design, load_targets(model=city), trajectories=3)
    assert len(design.factors) > 200
    assert len(found.chosen) >= 20
    assert found.broken == 0
    assert {len(driven.main) for driven in found.drivers} == {5}
