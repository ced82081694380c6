"""A lake whose fish are caught: the model of the examples in docstrings."""

from __future__ import annotations

from pathlib import Path

from plansim.model.reader import load_model
from plansim.model.records import Model
from tests.helpers.plan import aim, plan

__all__ = ["lake"]

_MODEL = """{UTF-8}
fish= INTEG(growth - catch, initial fish) ~ t ~ 鱼量。Fish in the lake. |
growth= growth rate*fish*(1 - fish/room) ~ t/Year ~ 增长量。Fish that grow up in a year. |
catch= effort*(initial fish + switch B*(fish - initial fish))
  ~ t/Year ~ 捕捞量。What the boats bring home in a year. |
switch B= 1 ~ Dmnl [0,1] ~ 回路开关。Cuts the loop of the catch. [D: 开关。switch] |
effort= 0.1 ~ 1/Year [0,1] ~ 捕捞强度。Share of the fish that is caught. [A: 0.05–0.3] |
growth rate= 0.4 ~ 1/Year [0,1] ~ 增长率。Of few fish. [A: 0.3–0.5] |
room= 1000 ~ t [1,10000] ~ 环境容量。Fish that the lake can feed. [A: 800–1200] |
initial fish= 900.0 ~ t [0,10000] ~ 初始鱼量。At the start. [A: 800–1000] |
INITIAL TIME= 2005 ~ Year ~ |
FINAL TIME= 2020.5 ~ Year ~ |
TIME STEP= 0.125 ~ Year ~ |
SAVEPER= 0.5 ~ Year ~ |
"""
_TARGETS = plan(
    aim("F1", "at least: 600, year: 2010", "fish", unit="t", name="Fish in the lake, zh: 湖中鱼量"),
    aim("F2", "at least: 85, year: 2010", "catch", unit="t/Year", attribute="expected",
        name="Catch, zh: 渔获量"),
    base_year=2005,
    horizon=2020,
)  # fmt: skip
_VIEWS = """\
themes: []
groups:
  - id: lake
    en: Lake
    zh: 湖
    levers: [{moves: effort, policy: true}, {moves: growth rate}]
"""
_LOOPS = """\
loops:
- id: B
  en: Catch
  zh: 捕捞
  polarity: balancing
  switch: switch B
  felt: [catch]
  meaning: {en: More fish are caught where there are more., zh: 鱼多则捕得多。}
  paths:
  - {fish: 1, catch: -1}
"""
_DECISION = """\
growth: catch
years: [2010]
scenario: boats.yaml
growth_levers: [effort]
target_levers: [growth rate]
uncertainty: design.yaml
"""
_PAST = """\
title: {en: The past, zh: 历史}
values: {INITIAL TIME: 2000, FINAL TIME: 2005.5}
"""
_OBSERVED = """\
place,quantity,part,year,value,unit,source
Lake,fish,,2002,820,t,books
Lake,fish,,2004,760,t,books
"""
_HISTORY = """\
place: Lake
series:
  - {id: fish, en: Fish, zh: 鱼量, of: fish, unit: t, points: [
      {year: 2002, observation: [fish, ""]}, {year: 2004, observation: [fish, ""]}]}
published:
  - {id: catch, en: Catch, zh: 渔获量, of: catch, unit: t/Year}
"""
_CONDITIONING = """\
members: 8
seed: 1
draws: 1024
factors: {growth rate: , room: }
runs:
  - scenario: past.yaml
    observations: [{series: fish, error: 30, discrepancy: 30}]
"""
_CHECKS = """\
scenarios: {baseline: boats, history: past}
years: [2010]
main table: {rows: F1}
size: 9
"""
_BOATS = """\
title: {en: More boats, zh: 渔船增加}
description: {en: A fifth of the fish is caught each year., zh: 每年捕捞五分之一。}
values: {effort: 0.2}
"""
_DESIGN = """\
title: {en: An unknown lake, zh: 未知的湖}
design: {samples: 64, seed: 1}
scenarios: boats.yaml
factors: {growth rate: , room: }
"""
_MEMBERS = """\
# Members by hand.
# kind: prior
# model: {sha256}
# seed: 1
# drawn: by hand
factor,growth rate,room
apply,multiply,multiply
constants,growth rate,room
1,0.8,0.9
2,0.9,1.1
3,1.0,0.8
4,1.1,1.0
5,1.2,1.2
"""


def lake(folder: Path) -> Model:
    """Write the lake, its plan, a scenario, a design and an ensemble to a folder, and read it."""
    texts = {"lake.mdl": _MODEL, "targets.yaml": _TARGETS, "views.yaml": _VIEWS}
    texts |= {"boats.yaml": _BOATS, "design.yaml": _DESIGN, "loops.yaml": _LOOPS}
    texts |= {"decision.yaml": _DECISION, "past.yaml": _PAST, "history.yaml": _HISTORY}
    texts |= {"observations.csv": _OBSERVED, "conditioning.yaml": _CONDITIONING}
    texts |= {"checks.yaml": _CHECKS}
    texts |= {"stories/boats.yaml": _BOATS, "stories/past.yaml": _PAST}
    (folder / "stories").mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    model = load_model(folder / "lake.mdl")
    members = _MEMBERS.format(sha256=model.equations_sha256)
    (folder / "ensemble.csv").write_text(members, "utf-8")
    return model
