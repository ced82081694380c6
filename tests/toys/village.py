"""A village with targets, a lever of policy and an ensemble: what members change and what not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plansim.model.records import Model
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model

__all__ = ["EQUATIONS", "OTHER", "open_village", "village", "write_ensemble"]

# The stock overflows where it is fed with itself often enough; the root is not a number below zero.
EQUATIONS = """
trade: farms, mills ~~|
growth= 0.1 ~ 1/Year [-2,100000] ~ 增长率。Of the stock. [A: 0.05–0.15] |
level= 1 ~ Dmnl [-10,10] ~ 水平。Of the root. [A: 0–2] |
effort= 1 ~ Dmnl [0,3] ~ 力度。What the village decides on. [A: 0.5–1.5] |
first year= 2002 ~ Year [1990,2010] ~ 起始年。Of the bonus. [A: 2001–2004] |
weight[trade]= 1, 2 ~ Dmnl [0,10] ~ 权重。One a trade. [A: 0.5–3] |
fed= growth*effort*stock ~ 亿元/Year ~ 增量。What is added. |
stock= INTEG(fed, 100) ~ 亿元 ~ 存量。Grows. |
output[trade]= weight[trade]*stock ~ 亿元 ~ 产出。Of a trade. |
root= SQRT(level) ~ Dmnl ~ 根。Breaks down below zero. |
used= root*stock + STEP(10, first year) ~ 亿元 ~ 用量。Needs the root. |
"""
_TARGETS = plan(
    aim("S1", "at least: 160, year: 2005", "stock", unit="亿元", name="Stock, zh: 存量"),
    aim("S4", "at least: 250, year: 2010",
        "variables: {constant: 'output[farms]', current: 'output[mills]'}",
        unit="亿元", attribute="unlabelled", name="Either, zh: 两种"),
    aim("S5", "at least: 160, year: 2005", "used", unit="亿元", attribute="unlabelled",
        name="Used, zh: 用量"),
    aim("S6", "at least: 1, year: 2005", "not_modelled: detail", unit="亿元",
        attribute="unlabelled", name="Untold, zh: 未述"),
    horizon=2010,
)  # fmt: skip
_VIEWS = """\
themes: []
groups:
  - id: village
    en: Village
    zh: 村
    levers:
      - {moves: effort, policy: true}
      - {moves: growth, outside: true}
"""
OTHER = """\
title: {en: Other, zh: 另一}
values: {growth: 0.08, effort: 1.2, weight: {mills: 3}}
assumes: {S1: {en: It is told to., zh: 指定。}}
"""


def village(folder: Path, equations: str = EQUATIONS) -> Model:
    """Write the model, its targets, views and another scenario into a folder, and read it."""
    return small_model(folder, equations, targets=_TARGETS, views=_VIEWS, other=OTHER)


def open_village(folder: Path, members: int) -> Model:
    """Return the village with so many members, whose growth, effort and weights are not known."""
    model, random = village(folder), np.random.default_rng(1)
    draws = random.uniform([-0.05, 0.9, 0.8], [0.05, 1.1, 1.2], (members, 3)).round(4)
    write_ensemble(model, *(f"{n},{g},{e},{w}" for n, (g, e, w) in enumerate(draws)))
    return model


def write_ensemble(
    model: Model, *rows: str, sha256: str = "", multiplied: str = "", kind: str = "prior"
) -> Path:
    """Write an ensemble beside the model; each row is a member, or stands for what is at fault.

    ``multiplied`` names the constants that members multiply, else they are those of the village.
    """
    table = [f"factor,{multiplied}", "apply" + ",multiply" * (1 + multiplied.count(",")),
             f"constants,{multiplied}"] if multiplied else [
             "factor,growth,effort,weights", "apply,add,multiply,multiply",
             "constants,growth,effort,weight"]  # fmt: skip
    head = ["# Members by hand.", f"# kind: {kind}", f"# model: {sha256 or model.equations_sha256}",
            "# seed: 1", "# drawn: by hand"]  # fmt: skip
    path = model.path.with_name("ensemble.csv")
    path.write_text("\n".join([*head, *table, *rows]) + "\n", "utf-8")
    return path
