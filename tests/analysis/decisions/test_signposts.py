"""Signposts on samples, and the area under the curve by its definition."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plansim
from plansim.analysis.decisions.signposts import area_under_curve
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model
from tests.toys.village import write_ensemble


def test_the_area_is_the_chance_that_a_good_member_is_larger() -> None:
    rng = np.random.default_rng(1)
    values, good = rng.integers(0, 8, 60).astype(np.float64), rng.random(60) < 0.4
    pairs = itertools.product(values[good], values[~good])
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs]
    assert area_under_curve(values, good)[0] == pytest.approx(np.mean(wins))


@pytest.mark.parametrize("many", [20, 100])
def test_the_error_of_the_area_is_that_of_samples(many: int) -> None:
    """Of exponential values it is Hanley and McNeil's: good and other members change places."""
    rng = np.random.default_rng(2)
    areas, errors = [], []
    for _ in range(1500):
        good = np.arange(120) < many
        area, error = area_under_curve(rng.exponential(size=120) * np.where(good, 6, 1), good)
        areas.append(area)
        errors.append(error)
    assert np.mean(areas) == pytest.approx(6 / 7, abs=0.005)
    assert np.std(areas) == pytest.approx(np.mean(errors), rel=0.05)


# The stock goes by its growth, which its additions of 2002 tell; the wind goes by nothing of that.
EQUATIONS = """
growth= 0.1 ~ 1/Year [0,1] ~ 增长率。Of the stock. [A: 0.05–0.15] |
luck= 1 ~ Dmnl [0,10] ~ 运气。Of the wind. [A: 0–2] |
fed= growth*stock ~ 亿元/Year ~ 增量。What is added. |
stock= INTEG(fed, 100) ~ 亿元 ~ 存量。Grows. |
rest= INTEGER(20 - fed + 9*luck) ~ Dmnl ~ 余数。Falls with what is added, by steps. |
more= 1.2*stock ~ 亿元 ~ 多算。By another basis. |
calm= 0.3 + growth - growth ~ Dmnl ~ 静。The same but for rounding. |
wind= luck*Time/2000 ~ Dmnl ~ 风。Blows. |
"""
HISTORY = """\
place: Town
series: []
published:
  - {id: fed, en: Additions, zh: 增量, of: fed, unit: 亿元/Year}
  - {id: wind, en: Wind, zh: 风, of: wind, unit: Dmnl}
  - {id: calm, en: Calm, zh: 静, of: calm, unit: Dmnl}
  - {id: rest, en: Rest, zh: 余数, of: rest, unit: '%', scale: 0.01}
"""


@pytest.fixture
def town(tmp_path: Path) -> Model:
    limit, both = "at least: 250, year: 2009", "variables: {constant: stock, current: more}"
    aims = aim("S1", limit, "stock", unit="亿元"), aim("S2", limit, both, unit="亿元")
    targets = plan(*aims, horizon=2009)
    town = small_model(tmp_path, EQUATIONS, targets=targets, history=HISTORY)
    draws = np.random.default_rng(3).uniform([0.5, 0], [1.5, 2], (400, 2)).round(6)
    rows = (f"{number},{growth},{luck}" for number, (growth, luck) in enumerate(draws))
    write_ensemble(town, *rows, multiplied="growth,luck")
    return town


def test_what_decides_a_target_foretells_it_and_what_does_not_does_not(town: Model) -> None:
    signs = plansim.signposts(town)
    shares = plansim.verdict_shares(town).set_index("target")["share"]
    assert {sign.target: sign.share for sign in signs} == pytest.approx(dict(shares))
    assert shares["S2"] > shares["S1"], "some leave it undecided"
    assert {sign.statistic for sign in signs} == {"fed", "wind", "rest"}, "rounding tells nothing"
    assert {sign.year for sign in signs} == {2001, 2002, 2003, 2004, 2005}
    assert [-sign.area for sign in signs[:3]] == sorted(-sign.area for sign in signs[:3])
    for sign in (one for one in signs if one.statistic != "rest"):
        assert 0.2 < sign.share < 0.8
        if sign.statistic == "fed":
            assert (sign.area, sign.is_met_above) == (1.0, True)
            assert max(sign.false_hope, sign.false_alarm) < 0.05
            assert sign.is_useful
        else:
            assert sign.area == pytest.approx(0.5, abs=3 * sign.area_error)
            assert not sign.is_useful


def test_no_threshold_in_one_half_of_the_members_is_better_and_errors_are_of_the_other(
    town: Model,
) -> None:
    """By brute force, for a statistic with ties that falls where the target is met."""
    runs = plansim.annual(plansim.simulate(town, ensemble=plansim.load_ensemble(town)))
    good = runs["stock"].sel(year=2009).to_numpy()[0] >= 250
    for sign in plansim.signposts(town, targets=["S1"]):
        if sign.statistic != "rest":
            continue
        values = runs["rest"].sel(year=sign.year).to_numpy()[0]
        area, error = area_under_curve(-values, good)
        assert sign.area == pytest.approx(area)
        assert not sign.is_met_above
        assert sign.area_error == pytest.approx(error, rel=0.2)  # good members count as the others
        uses = [replace(sign, area=area, area_error=0.02).is_useful for area in (0.73, 0.75)]
        assert uses == [False, True]  # beyond 0.7 at 95 %

        def errors(half: slice, limit: float, values: FloatArray = values) -> tuple[float, float]:
            hopeful, met = values[half] < limit, good[half]
            return float(hopeful[~met].mean()), float((~hopeful[met]).mean())

        limit, first, second = sign.threshold / 100, slice(0, None, 2), slice(1, None, 2)
        assert not (values == limit).any()
        tried = [sum(errors(first, between)) for between in np.unique(values) + 0.5]
        assert sum(errors(first, limit)) == pytest.approx(min(tried))
        assert errors(second, limit) == (sign.false_hope, sign.false_alarm)
