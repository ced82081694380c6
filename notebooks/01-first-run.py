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
# # A first run, and its verdicts · 第一次运行与结论
#
# In 2006 a city wrote down what it wanted to be by 2010. **If everything goes as the plan assumes,
# which of its promises hold?** Three steps answer: read the model, run a scenario, judge the run.
#
# 2006年，一座城市写下了它到2010年要达到的目标。如果一切都按规划的假设发展，**哪些承诺能够兑现**？回答分三步：读入模型，运行一个情景，检验运行结果。

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
run = plansim.simulate(model, "baseline")
model

# %% [markdown]
# ## What a run is · 什么是一次运行
#
# A run is an `xarray.Dataset`. Each variable knows its unit and its Chinese name; time stands at
# mid-years and year-ends. Its accessor `plansim` finds a variable by either name, in any letter case;
# `annual` takes the figure of each year: flows at mid-year, stocks at the year's end; `frame` gives the
# same figures as a table, a row a figure.
#
# 一次运行是一个 `xarray.Dataset`，每个变量都带有单位和中文名，时间点为各年的年中与年末。其访问器 `plansim` 可按中文名或英文名查找变量，不分大小写；`annual` 取出逐年数值：流量取年中，存量取年末；`frame` 把同样的数值列成表格，每个数值一行。

# %%
run.plansim.annual()["GDP"].round(1)

# %%
run.plansim.frame("GDP", "value added").query("year in (2005, 2010)").round(1)

# %%
assert run.plansim["地区生产总值"].identical(run["GDP"])
assert {2005, 2010, 2020} <= set(run.plansim.annual()["year"].values.tolist())

# %% [markdown]
# ## The verdicts · 结论
#
# A target is *met* or *missed*; it is *undecided* where the plan does not say which prices or which
# people it means and the readings disagree, *assumed* where the scenario takes it for granted, and
# *not judged* where no variable of the model answers for it. A binding target is one that the
# government answers for; here they all are. Behind the verdict stands how many of 100 plausible models
# meet the target: models of the same equations, whose constants differ as far as the evidence leaves
# them open. Where fewer than 80 agree with the run, the target is *open*, whatever the run says.
#
# 指标的结论或为“达标”，或为“未达标”；规划未说明按何种价格或何种人口计算，而不同口径结论相反的，记为“口径不一”；由情景直接给定的，记为“情景设定”；模型中没有对应变量的，“未作检验”。约束性指标是政府必须负责完成的指标，下表逐项列出。结论之后为每100个合理模型中达标的个数：这些模型方程相同，常数在证据允许的范围内取值。与模型自身运行结论一致的不足80个时，不论该次运行结论如何，该指标均为“未定”。

# %%
targets = plansim.load_targets(model=model)
binding = [target for target in targets if target.attribute is plansim.Attribute.BINDING]
table = run.plansim.verdicts(binding)
table

# %%
run.plansim.plot.verdicts(binding, lang=LANG).figure

# %% [markdown]
# ## One of them over time · 其中一项的历年变化
#
# The one that is missed by the widest margin, as a part of what the plan asks. The arrowhead stands
# where the plan wants the line to be in the target's year, and points to the good side; dots carry a
# binding limit on to the plan's horizon.
#
# 取未达标指标中差距占规划值比例最大的一项。箭头标出目标年份的规划值，并指向有利一侧；虚线表示约束性限值延续到规划远景期末。

# %%
judged = table[table["certainty"].notna()]
worst = judged.loc[(judged["margin"] / judged["asked"].abs()).idxmin()]
first = next(target for target in binding if target.id == worst["target"])
run.plansim.plot.lines(next(iter(first.variables.values())), lang=LANG).figure

# %% [markdown]
# ## The answer · 答案

# %%
verdicts = plansim.check_scenarios(model, "baseline")
baseline = plansim.read_scenario("baseline", model)
titles = {"baseline": text.pick(baseline.title_en, baseline.title_zh)}
assert worst["margin"] < 0
assert len(verdicts) > len(table)
farthest = next(verdict for verdict in verdicts if verdict.id == worst["target"])
name, unit = text.pick(farthest.name_en, farthest.name_zh), text.unit(farthest.unit)
met = farthest.share.of_hundred
widest = text.pick(
    f"Farthest from its limit is *{name}*: {farthest.value:.3g} {unit} where the plan wants "
    f"{farthest.target:g} {unit}; {met} of 100 plausible models meet it.",
    f"差距最大的是“{name}”：模拟值{farthest.value:.3g} {unit}，规划值{farthest.target:g} {unit}，"
    f"每100个合理模型中有{met}个达标。",
)
after = text.pick(
    "The next notebook asks what faster growth does to these.",
    "下一篇考察增长加快会带来什么变化。",
)
Markdown(f"{plansim.answer(verdicts, text, titles)}\n\n{widest} {after}")
