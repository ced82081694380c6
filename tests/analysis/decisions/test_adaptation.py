"""What a rule gains: on a town that builds more where it is behind its goal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import plansim
from plansim.errors import InputError
from plansim.model.records import Model
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model
from tests.toys.village import write_ensemble

EQUATIONS = """
growth= 0.09 ~ 1/Year [0,1] ~ 增长率。Of the stock. [A: 0.05–0.13] |
response= 1 ~ Dmnl [0,5] ~ 响应。To being behind. [A: 0.5–1.5] |
gap= MAX(0, 1 - stock/(100*1.1^(Time - 2000))) ~ Dmnl ~ 差距。Behind the goal. |
done= 1 + response*gap ~ Dmnl ~ 力度。What is done. |
fed= growth*done*stock ~ 亿元/Year ~ 增量。What is added. |
stock= INTEG(fed, 100) ~ 亿元 ~ 存量。Grows. |
"""
DECISION = """\
growth: stock
years: [2009]
scenario: plain.yaml
growth_levers: [growth]
responses: {overlay: rigid.yaml, effort: [done]}
"""
VIEWS = """\
themes: []
groups: [{id: town, en: Town, zh: 镇, levers: [{moves: growth, policy: true}]}]
"""
RIGID = "title: {en: Rigid, zh: 不响应}\nkind: overlay\nvalues: {response: 0}\n"


@pytest.fixture
def town(tmp_path: Path) -> Model:
    targets = plan(aim("S1", "at least: 225, year: 2009", "stock", unit="亿元"), horizon=2009)
    texts = {"targets": targets, "decision": DECISION, "views": VIEWS, "rigid": RIGID,
             "plain": "title: {en: Plain, zh: 原样}\nvalues: {}\n"}  # fmt: skip
    model = small_model(tmp_path, EQUATIONS, **texts)
    draws = np.random.default_rng(5).permutation(np.linspace(0.6, 1.4, 300)).round(6)
    write_ensemble(model, *(f"{n},{growth}" for n, growth in enumerate(draws)), multiplied="growth")
    return model


def test_a_rule_gains_what_robustness_finds_and_takes_effort(town: Model) -> None:
    plain, rigid = (town.path.with_name(f"{name}.yaml") for name in ("plain", "rigid"))
    gain = plansim.adaptation(town, plain)
    assert gain is not None
    without = plansim.read_scenario(plain, town, overlays=[rigid])
    same = plansim.robustness(town, [without, plain])
    assert gain.robustness.pairs[0].share_difference == same.pairs[0].share_difference
    assert gain.robustness.pairs[0].difference == same.pairs[0].difference
    assert same.pairs[0].share_difference > 3 * same.pairs[0].share_error > 0
    (effort,) = gain.effort
    assert effort.without == 1  # nothing is added without the rule
    runs = plansim.annual(plansim.simulate(town, plain, ensemble=plansim.load_ensemble(town)))
    done = runs["done"].sel(year=slice(2001, 2009)).mean("year").to_numpy()[0]
    assert effort.within == pytest.approx(done.mean())
    assert effort.error == pytest.approx(done.std(ddof=1) / np.sqrt(300))


@pytest.mark.parametrize("file", ["plain", "decision"])
def test_without_rules_there_is_no_gain(town: Model, file: str) -> None:
    """Where the scenario has them out already, or the model declares none."""
    path = town.path.with_name(f"{file}.yaml")
    text = path.read_text("utf-8").replace("{}", "{response: 0}").split("responses: {o")[0]
    path.write_text(text, "utf-8")
    assert plansim.adaptation(town, town.path.with_name("plain.yaml")) is None


def test_an_overlay_that_is_none_is_refused_by_its_line(town: Model) -> None:
    path = town.path.with_name("decision.yaml")
    path.write_text(path.read_text("utf-8").replace("rigid.yaml", "plain.yaml"), "utf-8")
    with pytest.raises(InputError, match="'plain' is not an overlay"):
        plansim.adaptation(town, path.with_name("plain.yaml"))
