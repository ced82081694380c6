# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The baseline against accelerated growth · 规划基准与加速增长
#
# Many cities overshot their growth targets. **If this one grows faster than it planned, which
# promises does it keep that it would have missed, and which does it break?**
#
# 许多城市的增长都超过了自己的目标。**如果这座城市比规划增长得更快，哪些原本落空的承诺得以兑现，哪些又会因此失守？**

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
targets = plansim.load_targets()
names = ("baseline", "accelerated-growth")
scenarios = [plansim.read_scenario(name, model) for name in names]
runs = [plansim.simulate(model, scenario) for scenario in scenarios]
titles = [text.pick(each.title_en, each.title_zh) for each in scenarios]

# %% [markdown]
# ## What differs between the two · 两个情景的差别
#
# A scenario names only what it changes against its parent. Nothing else differs. Of an array the
# range of its elements is shown.
#
# 情景文件只写与上级情景不同之处，此外完全相同。数组变量列出各元素的取值范围。

# %%
changed = plansim.changes_in_short(scenarios[1], model, text)
Markdown("\n".join(f"- {line}" for line in changed))

# %% [markdown]
# ## Six indicators · 六项指标
#
# The shaded band is the difference that faster growth makes.
#
# 阴影部分就是增长加快造成的差距。

# %%
shown = [
    "GDP",
    "reported investment",
    "energy intensity of GDP",
    "SO2 emission",
    "cultivated land",
    "urbanisation rate",
]
plansim.plot.small_multiples(runs, shown, targets, lang=LANG)[0].figure

# %% [markdown]
# ## Where the verdicts differ · 结论不同的指标
#
# Most verdicts are the same in both. These are not:
#
# 多数指标在两个情景下结论相同，以下各项不同：

# %%
before, after = ({each.id: each for each in plansim.check_targets(run, targets)} for run in runs)
moved = [key for key in before if before[key].status is not after[key].status]
rows = "\n".join(
    f"| {key} | {text.pick(each.name_en, each.name_zh)} "
    f"| {text(f'status.{each.status}')} | {text(f'status.{after[key].status}')} |"
    for key, each in before.items()
    if key in moved
)
Markdown(
    f"| {text('verdicts.id')} | {text('verdicts.name')} | {' | '.join(titles)} |\n"
    f"|---|:---|---|---|\n{rows}"
)

# %% [markdown]
# ## The binding targets, side by side · 约束性指标对照
#
# A verdict may stay while its margin shrinks. That is where faster growth is paid for:
#
# 结论不变，余量也可能缩小，加快增长的代价正在这里：

# %%
binding = [
    each
    for found in (before, after)
    for each in found.values()
    if each.attribute is plansim.Attribute.BINDING
]
plansim.plot.verdict_map(binding, titles=titles, lang=LANG).figure

# %% [markdown]
# ## The answer · 答案
#
# Also in view of what the model leaves open: a target is *open* where plausible models disagree.
#
# 兼顾模型的不确定性：各合理模型结论不一的指标为“未定”。

# %%
names_of = dict(zip(names, titles, strict=True))
verdicts = plansim.check_scenarios(model, names, targets)
gdp = [float(plansim.annual(run)["GDP"].sel(year=2010)) for run in runs]
assert gdp[1] > gdp[0], "the accelerated story is the one that grows faster"
higher = f"{gdp[1] / gdp[0] - 1:.0%}"
output = text.pick(f"Output in 2010 is {higher} higher.", f"2010年产出高出{higher}。")
Markdown(f"{plansim.answer(verdicts, text, names_of)} {output}")
