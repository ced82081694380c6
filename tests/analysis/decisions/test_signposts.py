"""Signposts on samples, and the area under the curve by its definition."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import plansim
from plansim.analysis.decisions.signposts import area_under_curve
from plansim.model.reader import load_model
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import writer
from tests.toys.village import write_ensemble


def test_the_area_is_the_chance_that_a_good_member_is_larger() -> None:
    rng = np.random.default_rng(1)
    values, good = rng.integers(0, 8, 60).astype(np.float64), rng.random(60) < 0.4
    pairs = itertools.product(values[good], values[~good])
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs]
    assert area_under_curve(values, good)[0] == pytest.approx(np.mean(wins))


def test_the_error_of_the_area_is_that_of_samples() -> None:
    rng = np.random.default_rng(2)
    areas, errors = [], []
    for _ in range(400):
        good = np.arange(120) < 50
        area, error = area_under_curve(rng.normal(size=120) + good, good)
        areas.append(area)
        errors.append(error)
    assert np.std(areas) == pytest.approx(np.mean(errors), rel=0.15)


# The stock goes by its growth, which its additions of 2002 tell; the wind goes by nothing of that.
EQUATIONS = """
growth= 0.1 ~ 1/Year [0,1] ~ 增长率。Of the stock. [A: 0.05–0.15] |
luck= 1 ~ Dmnl [0,10] ~ 运气。Of the wind. [A: 0–2] |
fed= growth*stock ~ 亿元/Year ~ 增量。What is added. |
stock= INTEG(fed, 100) ~ 亿元 ~ 存量。Grows. |
wind= luck*Time/2000 ~ Dmnl ~ 风。Blows. |
"""
HISTORY = """\
place: Town
series: []
published:
  - {id: fed, en: Additions, zh: 增量, of: fed, unit: 亿元/Year}
  - {id: wind, en: Wind, zh: 风, of: wind, unit: Dmnl}
"""


def test_what_decides_a_target_foretells_it_and_what_does_not_does_not(tmp_path: Path) -> None:
    targets = plan(aim("S1", "at least: 250, year: 2009", "stock", unit="亿元"), horizon=2009)
    (tmp_path / "targets.yaml").write_text(targets, "utf-8")
    (tmp_path / "history.yaml").write_text(HISTORY, "utf-8")
    town = load_model(writer(tmp_path)(EQUATIONS))
    draws = np.random.default_rng(3).uniform([0.5, 0], [1.5, 2], (400, 2)).round(6)
    rows = (f"{number},{growth},{luck}" for number, (growth, luck) in enumerate(draws))
    write_ensemble(town, *rows, multiplied="growth,luck")
    signs = plansim.signposts(town)
    assert {sign.year for sign in signs} == {2001, 2002, 2003, 2004, 2005}
    for sign in signs:
        assert 0.2 < sign.share < 0.8
        if sign.statistic == "fed":
            assert (sign.area, sign.is_met_above) == (1.0, True)
            assert max(sign.false_hope, sign.false_alarm) < 0.05
            assert sign.is_useful
        else:
            assert sign.area == pytest.approx(0.5, abs=3 * sign.area_error)
            assert not sign.is_useful
