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
names = ["baseline", "accelerated-growth"]
scenarios = [plansim.read_scenario(name, model) for name in names]
titles = {one.id: text.pick(one.title_en, one.title_zh) for one in scenarios}
runs = plansim.simulate(model, scenarios)
verdicts = plansim.check_scenarios(model, scenarios)
Markdown(plansim.answer(verdicts, text, titles))

# %% [markdown]
# That is the answer; what follows says what it rests on.
#
# 以上就是答案，以下说明其依据。
#
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
# The shaded band is the difference that faster growth makes; arrowheads are the plan's targets.
#
# 阴影部分就是增长加快造成的差距，箭头为规划值。

# %%
shown = [
    "GDP",
    "reported investment",
    "energy intensity of GDP",
    "SO2 emission",
    "cultivated land",
    "urbanisation rate",
]
targets = plansim.load_targets(model=model)
plansim.plot.small_multiples(runs, shown, targets, lang=LANG)[0].figure

# %% [markdown]
# By 2010, in per cent of the baseline's figures:
#
# 到2010年，与基准情景相差的百分比：

# %%
differences = runs.plansim.compare(*shown).query("scenario == @names[1] and year == 2010")
rows = "\n".join(
    f"| {text.pick(row.variable, runs[row.variable].attrs['long_name_zh'])} | {row.change:+z.1%} |"
    for row in differences.itertuples()
)
Markdown(
    f"| {text.pick('indicator', '指标')} | {text.pick('change', '变化')} |\n|:---|---:|\n{rows}"
)

# %% [markdown]
# ## The binding targets, side by side · 约束性指标对照
#
# A verdict may stay while its margin and its share shrink. That is where faster growth is paid for:
#
# 结论不变，余量和达标比例也可能缩小，加快增长的代价正在这里：

# %%
binding = [target for target in targets if target.attribute is plansim.Attribute.BINDING]
table = runs.plansim.verdicts(binding)
table

# %%
runs.plansim.plot.verdicts(binding, titles=list(titles.values()), lang=LANG).figure

# %% [markdown]
# ## The answer, once more · 再看答案

# %%
before, after = (table[table["scenario"] == name].set_index("target") for name in names)
falls = (after["share"] - before["share"]).sort_values()
assert runs["GDP"].sel(scenario=names[1], time=2010) > runs["GDP"].sel(scenario=names[0], time=2010)
assert falls.iloc[0] <= 0, "faster growth costs some target something"
lost = text.join(
    [
        f"{text.pick(before.name_en[key], before.name_zh[key])} "
        f"{100 * before.share[key]:.0f} → {100 * after.share[key]:.0f}/100"
        for key in falls.index[:3]
        if falls[key] < 0
    ]
)
Markdown(
    text.pick(
        f"What faster growth puts at risk most, in plausible models that meet it: {lost}.",
        f"增长加快后风险上升最多的指标，按达标的合理模型个数：{lost}。",
    )
)
