"""A sound toy model with all that its tests look at, as texts: so that each can be broken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plansim.analysis.validation.context import ValidationContext, load_context
from plansim.model.reader import load_model
from tests.helpers.plan import aim, plan

__all__ = ["FIRST_SIGN", "MILL", "mill"]

_MODEL = """{UTF-8}
plant: old plant, new plant
  ~ ~ 设备。The plant of the mill. [zh: 旧设备, 新设备] |
capital[plant]= INTEG(investment[plant] - wear[plant], base capital[plant])
  ~ 亿元 [0,?] ~ 资本。工厂各设备的资本。Capital of the mill by plant. [D: 合计。sum] |
investment[plant]= investment share[plant]*saving*(switch R*output + (1 - switch R)*base output)
  ~ 亿元/Year [0,?] ~ 投资。一年中新建的设备。What is built in a year. [D: 合计。sum] |
wear[plant]= wear rate*capital[plant]
  ~ 亿元/Year [0,?] ~ 磨损。一年中磨损的设备。What wears out in a year. [D: 合计。sum] |
output= yield*skill*SUM(capital[plant!])*water share
  ~ 亿元/Year [0,?] ~ 产出。工厂一年的产品。What the mill makes in a year. [D: 合计。sum] |
skill= INTEG(learning, 1.0)
  ~ Dmnl [0,?] ~ 技能。工人之能，起于一。What the workers can do, 1 at the start. [D: 合计。sum] |
learning= learning rate*skill*(expected output - base output)/base output
  ~ 1/Year [-9,9] ~ 学习。一年中学到的技能。What they learn in a year. [D: 合计。sum] |
learning rate= 0.02
  ~ 1/Year [0,0.1] ~ 学习率。产出加倍时所学。What they learn where output doubles. [A: 0.01–0.03] |
base output= yield*SUM(base capital[plant!])
  ~ 亿元/Year [0,?] ~ 基年产出。工厂在基年的产品。What it made in the base year. [D: 合计。sum] |
water share= MIN(1, water/(water need*SUM(capital[plant!])))
  ~ Dmnl [0,1] ~ 水满足率。用水满足之比。The share of the water called for. [D: 比值。ratio] |
expected output= SMOOTHI(output, patience, base output now)
  ~ 亿元/Year [0,?] ~ 预期产出。众所认为的产出。What is believed of output. [D: 平滑。smoothed] |
base output now= 20.0
  ~ 亿元/Year [0,1000] ~ 预期初值。期初人们认为的产出。What is believed at the start. [A: 15–25] |
patience= 2
  ~ Year [1,10] ~ 滞后。预期跟上产出所需的时间。How long belief takes to follow. [A: 1–4] |
base capital[plant]= 60, 40
  ~ 亿元 [0,1000] ~ 基年资本。期初各设备的资本。Capital at the start. [A: 30–70] |
investment share[plant]= 0.3, 0.7
  ~ Dmnl [0,1] ~ 投资比重。新建中之占比。The part of a plant in what is built. [D: 给定。given] |
saving= 0.3
  ~ Dmnl [0,1] ~ 储蓄率。产出中用于建设的部分。The part of output that is built from. [A: 0.2–0.4] |
wear rate= 0.05
  ~ 1/Year [0,0.5] ~ 磨损率。一年中磨损掉的比例。The part that wears out in a year. [A: 0.04–0.06] |
yield= 0.2
  ~ 1/Year [0,1] ~ 产出率。产出与资本之比。Output over capital. [A: 0.15–0.25] |
water= 200
  ~ 万t [0.1,1000] ~ 水量。可供使用的水量。The water there is. [A: 180–220] |
water need= 1
  ~ 万t/亿元 [0.1,10] ~ 用水系数。单位资本所需的用水。The water that capital needs. [A: 0.8–1.2] |
switch R= 1
  ~ Dmnl [0,1] ~ 回路开关。用来切断积累过程。Cuts the accumulation. [D: 开关。switch] |
INITIAL TIME= 2005 ~ Year ~ 起始时间。Start. |
FINAL TIME= 2020.5 ~ Year ~ 结束时间。End. |
TIME STEP= 0.0625 ~ Year ~ 时间步长。Step. |
SAVEPER= 0.5 ~ Year ~ 保存间隔。Saving. |
"""
_TARGETS = plan(
    aim("M01", "at least: 21, year: 2010", "base: {year: 2005, value: 20}, variable: output",
        unit="亿元", name="Output, zh: 产出"),
    aim("M02", "at least: 500, year: 2010", "expected output", unit="亿元",
        attribute="unlabelled", name="Belief, zh: 预期"),
    base_year=2005,
    horizon=2020,
)  # fmt: skip
_CHECKS = """\
scenarios: {baseline: plain, equilibrium: rest, history: plain}
years: [2010, 2020]
main table: {rows: 'M\\d+'}
size: 20
conservation:
  - id: capital
    en: Capital is what was built less what wore out
    zh: 资本守恒
    left: SUM(capital[plant!])
    right: INTEG(SUM(investment[plant!]) - SUM(wear[plant!]), SUM(base capital[plant!]))
bounds:
  - {id: water, en: The mill gets no more than all, zh: 不超过全部, left: water share, right: "1"}
non_negative: [output]
shares: [water share]
extremes:
  - id: no saving
    test: Q09
    en: Without saving nothing is built
    zh: 无储蓄
    set: {saving: 0}
    expect:
      - {left: "SUM(investment[plant!])", is: equal, right: "0"}
      - {left: output, is: at most, right: base output, from: 2006}
  - id: hardly any water
    test: Q10
    en: Without water there is hardly any output
    zh: 断水
    set: {water: 0.1}
    expect:
      - {left: output, is: at most, right: 0.01*base output}
  - id: no wear
    test: Q11
    en: What does not wear lasts
    zh: 无磨损
    set: {wear rate: 0}
    expect:
      - {left: "capital[plant]", is: at least, right: "base capital[plant]", over: [plant]}
      - {left: "SUM(wear[plant!])", is: equal, right: "0"}
"""
_SIGNS = "tests:\n" + "".join(
    f"""\
  - id: saving {number}
    en: Whoever saves more makes more
    zh: 储蓄越多产出越多
    change: {{saving: {{plus: 0.01}}}}
    variable: output
    year: {2010 + number % 10}
    sign: rises
"""
    for number in range(25)
)
FIRST_SIGN = "  - id" + _SIGNS.split("  - id")[1]
"""The first of its comparisons."""
_LOOPS = """\
loops:
- id: R1
  en: Growth
  zh: 增长
  polarity: reinforcing
  switch: switch R
  felt: ["SUM(investment[plant!])"]
  meaning: {en: More gives more., zh: 多则更多。}
  paths:
  - {capital: +1, output: +1, investment: +1}
"""
_HISTORY = """\
capital: {constant: base capital, low: 0.99, high: 1.01, points: 3}
place: Mill
series:
  - id: output
    en: What the mill made
    zh: 产出
    of: output
    unit: 亿元
    most: 0.1
    points:
      - {year: 2005, target: M01}
      - {year: 2006, observation: [output, ""]}
  - id: growth
    en: How it grew
    zh: 增长
    of: output
    unit: "%"
    scale: 0.01
    points:
      - {year: 2006, since: 2005, observation: [growth, ""]}
free:
  scenario: plain
  figures:
    - id: two years
      en: What the mill made in two years
      zh: 两年产出
      of: output
      unit: 亿元
      most: 0.05
      observed: {year: 2006, since: 2004, observation: [made in two years, ""]}
  held:
    - {id: saving, en: Saving, zh: 储蓄, set: {saving: 0}}
"""
_SEAM = """\
most: 0.1
by element: 0.3
least: 1
known: 1
items:
  - {of: capital, mark: inventory, source: books}
  - {of: output, mark: flow, source: books, known: [M01]}
  - {of: expected output, mark: led back, source: "–"}
"""
_EFFECTS = """\
questions:
  - {id: saving, en: Saving, zh: 储蓄, from: {scenario: plain, set: {saving: 0.25}}, to: plain}
  - {id: rest, en: Rest, zh: 静止, from: plain, to: rest}
beside: [expected output]
least: {M01: 0.02}
margins: {question: saving, least: 1, part: 0.02, deviations: 9}
"""
_OBSERVED = """\
place,quantity,part,year,value,unit,source
Mill,output,,2006,20.2,亿元,books
Mill,growth,,2006,1.05,%,books
Mill,made in two years,,2006,40.2,亿元,books
"""
_HEAD = "title: {en: Story, zh: 情景}\ndescription: {en: A story., zh: 情景。}\n"
_REST = "parent: plain\nvalues: {saving: 0.25, 'investment share': [0.6, 0.4]}\n"
_ASSUMING = "parent: plain\nassumes: {M02: {en: It is given., zh: 给定。}}\n"

MILL: Mapping[str, str] = {
    "model/mill.mdl": _MODEL,
    "model/targets.yaml": _TARGETS,
    "model/checks.yaml": _CHECKS,
    "model/reality.yaml": _SIGNS,
    "model/loops.yaml": _LOOPS,
    "model/history.yaml": _HISTORY,
    "model/seam.yaml": _SEAM,
    "model/effects.yaml": _EFFECTS,
    "model/observations.csv": _OBSERVED,
    "scenarios/plain.yaml": _HEAD,
    "scenarios/rest.yaml": _HEAD + _REST,
    "scenarios/assuming.yaml": _HEAD + _ASSUMING,
}
"""By the path of the file."""


def mill(folder: Path, *changes: tuple[str, str, str]) -> ValidationContext:
    """Write the mill to a folder and read it, with changes: (file, text, other text)."""
    texts = dict(MILL)
    for file, old, new in changes:
        assert old in texts[file], f"{file} has no {old!r}"
        texts[file] = texts[file].replace(old, new)
    for file, text in texts.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return load_context(
        load_model(folder / "model" / "mill.mdl", strict=False), folder / "scenarios"
    )
