# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own data and scenario · 自己的数据与情景
#
# **What if orders from outside follow your own survey and credit tightens early, and how hard would the
# city have to press for pension cover to keep its promise all the same?** A scenario is a small YAML file
# that names only what differs; here from `momentum`, where the model invests by itself. Figures may
# stand in a table beside it.
#
# 如果市外订单按你自己的调查变化，信贷又提前收紧，会怎样？**要照样兑现承诺，养老保险扩面要下多大力气**？情景是一个很短的 YAML 文件，只写不同之处；这里以 `momentum` 为上级，其投资由模型自行得出。数字可以放在旁边的表格里。

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
import tempfile
from io import StringIO
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "tight-credit.yaml"
path.with_name("survey.csv").write_text(
    "year,orders\n2006,0.13\n2007,0.11\n2008,0.04\n2009,0.02\n2010,0.08\n", encoding="utf-8"
)
path.write_text(
    """
title: {en: Tight credit, zh: 信贷收紧}
description:
  en: Orders as in our survey; banks hold back from 2008 on.
  zh: 市外订单按本单位调查，2008年起银行收紧信贷。
parent: momentum
levers:
  external demand growth:
    series: {file: survey.csv, column: orders}
  credit ease: {before: 1.0, after: 0.8, from: 2008}
""",
    encoding="utf-8",
)
mine = plansim.read_scenario(path, model)
mine

# %% [markdown]
# ## What it does · 它的影响
#
# The shaded band is what tight credit and fewer orders cost, or save.
#
# 阴影部分是信贷收紧与订单减少的代价，或者节省。

# %%
runs = plansim.simulate(model, ["momentum", mine])
targets = plansim.load_targets(model=model)
plansim.plot.small_multiples(
    runs,
    ["reported investment", "GDP", "COD emission", "energy intensity of GDP"],
    targets,
    columns=2,
    lang=LANG,
)[0].figure

# %%
runs.plansim.verdicts([target for target in targets if target.attribute == "binding"])

# %% [markdown]
# ## Your own figures beside the run · 自己的数字与模拟对照
#
# What you have counted yourself is a table, too; the tidy frame of a run joins it by year. The figures
# here are made up.
#
# 自己统计的数字也是一张表，与模拟的长表按年份连接即可。这里的数字是虚构的。

# %%
counted = pd.read_csv(StringIO("year,counted\n2006,650\n2007,735\n2008,800\n"))
beside = runs.plansim.frame("GDP").merge(counted, on="year")
beside["off by"] = (beside["value"] / beside["counted"] - 1).map("{:+.1%}".format)
assert len(beside) == 2 * len(counted)
beside[["scenario", "year", "value", "counted", "off by"]].round(1)

# %% [markdown]
# ## A mistake is told · 写错会得到提示
#
# A name that does not exist, a value outside of its admissible range, a unit that does not convert:
# each is refused, with the place and the nearest name.
#
# 名称不存在、取值超出容许范围、单位无法换算，都会被拒绝，并指明位置和最相近的名称（在 Python 中错误信息为英文，命令行则随语言而定）。

# %%
try:
    plansim.read_scenario(path, model, ["credit eas after=0.9"])
except plansim.PlansimError as error:
    told = str(error)
    print(told)
assert "credit ease after" in told

# %% [markdown]
# ## What would it take? · 需要付出什么？
#
# `solve` moves one lever, as little as it can, until a target is just met: first over the plausible
# range, then over the admissible one.
#
# `solve` 只调整一个政策变量，以最小的幅度使某项指标刚好达标：先在合理范围内搜索，再扩大到容许范围。

# %%
M24 = next(target for target in targets if target.id == "M24")
solution = plansim.solve(model, mine, levers=["pension enforcement"], targets=[M24.id])
(lever,), (present,) = solution.levers, solution.present
now = solution.margins_present[M24.id]
unit = text.unit(M24.unit)
named = text.pick(M24.name_en, M24.name_zh)
moved = text.pick(lever.name_en, lever.name_zh)
needed = "–" if solution.values is None else f"{solution.values[0]:.3g}"
then = "–" if solution.values is None else f"{abs(solution.margins[M24.id]):.2g} {unit}"
Markdown(
    f"| | {text('mix.present')} | {text('mix.value')} |\n|:---|---|---|\n"
    f"| {moved} | {present:g} | {needed} |\n"
    f"| {named}{text('list_sep.colon')}{text('causes.margin')} | {now:+.2g} {unit} | {then} |"
)

# %% [markdown]
# ## The answer · 答案

# %%
due = runs.plansim.compare("GDP", "reported investment").query("year == 2010").set_index("scenario")
cost = due.loc[mine.id].set_index("variable")["change"]
assert cost["reported investment"] < 0, "tight credit holds investment back"
share = runs.plansim.verdicts([M24.id]).set_index("scenario")["share"][mine.id]
met = f"{100 * share:.0f}/100"
if solution.values is None:
    said = text.pick(
        f"no value of *{moved}* in the ranges that were searched meets it",
        f"在搜索过的范围内，{moved}取任何值都不能使其达标",
    )
elif now >= 0:
    said = text.pick(
        f"it is met as things are, by {now:.3g} {unit}, and in {met} plausible models",
        f"按现状已经达标，余量为{now:.3g} {unit}，{met}个合理模型达标",
    )
else:
    assert solution.margins[M24.id] >= -1e-6
    said = text.pick(
        f"*{moved}* would have to be {solution.values[0]:.3g} instead of {present:g}; as things are, "
        f"{met} plausible models meet it",
        f"{moved}须由{present:g}调至{solution.values[0]:.3g}；按现状，{met}个合理模型达标",
    )
    if solution.implausible:
        said += text.pick(", more than the evidence lets one expect", "，超出证据支持的范围")
Markdown(
    text.pick(
        f"Fewer orders and tight credit take {-cost['reported investment']:.1%} off investment and "
        f"{-cost['GDP']:.1%} off output in 2010. For *{named}*: {said}.",
        f"订单减少和信贷收紧使2010年的投资减少{-cost['reported investment']:.1%}，产出减少"
        f"{-cost['GDP']:.1%}。就“{named}”而言，{said}。",
    )
)

# %%
folder.cleanup()
