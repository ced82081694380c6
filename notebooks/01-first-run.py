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
from collections import Counter

from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
baseline = plansim.read_scenario("baseline", model)
run = plansim.simulate(model, baseline)
targets = plansim.load_targets()
verdicts = plansim.check_targets(run, targets)

# %% [markdown]
# ## What a run is · 什么是一次运行
#
# A run is an `xarray.Dataset`. Each variable knows its unit and its Chinese name; time stands at
# mid-years and year-ends. `plansim.annual` takes the figure of each year from it: flows at mid-year,
# stocks at the year's end. `plansim.frame` gives the same figures as a table, a row a figure.
#
# 一次运行是一个 `xarray.Dataset`，每个变量都带有单位和中文名，时间点为各年的年中与年末。`plansim.annual` 从中取出逐年数值：流量取年中，存量取年末。`plansim.frame` 把同样的数值列成表格，每个数值一行。

# %%
by_year = plansim.annual(run)
by_year["GDP"].round(1)

# %%
plansim.frame(run, "GDP", "value added").query("year in (2005, 2010)").round(1)

# %%
assert run["GDP"].attrs["units"] == model.find("GDP").unit
assert {2005, 2010, 2020} <= set(by_year["year"].values.tolist())

# %% [markdown]
# ## The verdicts · 结论
#
# A target is *met* or *missed*; it is *undecided* where the plan does not say which prices or which
# people it means and the readings disagree, *assumed* where the scenario takes it for granted, and
# *not judged* where no variable of the model answers for it. A binding target is one that the
# government answers for; here they all are, each with its margin.
#
# 指标的结论或为“达标”，或为“未达标”；规划未说明按何种价格或何种人口计算，而不同口径结论相反的，记为“口径不一”；由情景直接给定的，记为“情景设定”；模型中没有对应变量的，“未作检验”。约束性指标是政府必须负责完成的指标，下图逐项列出及其余量。

# %%
binding = [each for each in verdicts if each.attribute is plansim.Attribute.BINDING]
missed = [each for each in binding if each.status is plansim.Status.MISSED]
counts = Counter(each.status.value for each in verdicts)
title = text.pick(baseline.title_en, baseline.title_zh)
plansim.plot.verdict_map(binding, titles=[title], lang=LANG).figure

# %% [markdown]
# ## One of them over time · 其中一项的历年变化
#
# The first of those that are missed. The arrowhead stands where the plan wants the line to be in the
# target's year, and points to the good side; dots carry a binding limit on to the plan's horizon.
#
# 取未达标指标中的第一项。箭头标出目标年份的规划值，并指向有利一侧；虚线表示约束性限值延续到规划远景期末。

# %%
first = next(each for each in targets if each.id == (missed or binding)[0].id)
variable = next(iter(first.variables.values()))
plansim.plot.trajectories(run, variable, targets, lang=LANG).figure

# %% [markdown]
# ## The answer · 答案

# %%
assert all(each.margin < 0 for each in missed)
assert sum(counts.values()) == len(verdicts)
named = text.join(
    [
        f"{each.id} {text.pick(each.name_en, each.name_zh)} "
        + text.pick("({})", "（{}）").format(f"{each.margin:+.2g} {each.unit}")
        for each in missed
    ]
)
Markdown(
    text.pick(
        f"Of **{len(binding)}** binding targets the baseline misses **{len(missed)}**: "
        f"{named or 'none'}.\n\nOf all {len(verdicts)} figures that the plan sets, {counts['met']} "
        f"are met, {counts['missed']} missed, {counts['undecided']} undecided, "
        f"{counts['assumed']} assumed, and {counts['untestable']} cannot be judged by this model. "
        "The next notebook asks what faster growth does to these.",
        f"在 **{len(binding)}** 项约束性指标中，基准情景有 **{len(missed)}** 项未达标：{named or '无'}。"
        f"\n\n规划所列全部{len(verdicts)}项数字中，达标{counts['met']}项，未达标{counts['missed']}项，"
        f"口径不一{counts['undecided']}项，情景设定{counts['assumed']}项，"
        f"另有{counts['untestable']}项未作检验。下一篇考察增长加快会带来什么变化。",
    )
)
