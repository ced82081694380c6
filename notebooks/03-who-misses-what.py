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
# # A hundred thousand cities: who misses what · 十万座城市：谁在何处落空
#
# One run is one set of assumptions, and nobody knows them well. **Over all growth and investment
# assumptions that the evidence allows, how often does each binding target hold, and what do the runs
# that miss it have in common?**
#
# 一次运行只代表一组假设，而谁也不能确知这些假设。**在证据允许的全部增长与投资假设之中，各项约束性指标有多大比例能够达标，未达标的运行又有什么共同之处？**

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
targets = plansim.load_targets(model=model)
design = plansim.read_design("growth-investment", model, samples=100_000)
design = replace(design, outputs=("GDP", "SO2 emission"), years=tuple(range(2005, 2021)))
levers = {lever.id: lever for lever in plansim.load_views(model).levers}
factors = {
    factor.name: text.pick(lever.name_en, lever.name_zh)
    if (lever := levers.get(factor.name))
    else text.pick(factor.name.capitalize(), factor.name_zh)
    for factor in design.factors
}
Markdown(
    text.pick(
        "Varied at once, over their plausible ranges: ",
        "在合理范围内同时变动的因素：",
    )
    + text.join(list(factors.values()))
    + text("list_sep.stop").rstrip()
)

# %% [markdown]
# The sweep is written to disk block by block; what comes back are the runs, read when they are used.
#
# 扫描结果分块写入磁盘，返回的是全部运行结果，用到时才读取。

# %%
folder = tempfile.TemporaryDirectory()
sweep = plansim.sweep(model, design, Path(folder.name) / "growth.zarr")
assert sweep.sizes["run"] == design.runs == 100_000

# %% [markdown]
# ## In what share of runs each binding target is met · 各约束性指标的达标比例
#
# The share of the runs that meet each. Most are decided one way or the other whatever is assumed;
# the interesting ones lie between.
#
# 各指标达标的模拟所占比例。多数指标无论怎样假设，结论都一样；值得细看的是介于两者之间的。

# %%
binding = [target for target in targets if target.attribute is plansim.Attribute.BINDING]
names = {target.id: text.pick(target.name_en, target.name_zh) for target in binding}
shares = sweep.plansim.shares(binding).set_index("target")["share"]
assert shares.between(0, 1).all()
with plansim.plot.style():
    figure, axes = plt.subplots(figsize=(7, 0.27 * len(shares) + 0.6))
    bars = axes.barh([names[key] for key in shares.index], 100 * shares)
    axes.bar_label(bars, [f"{share:.0%}" for share in shares], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlim(0, 108)
    axes.margins(y=0.02)
    axes.set_xticks(range(0, 101, 25))
    axes.set_xlabel(text.pick("runs that meet it, %", "达标的模拟占比，%"), loc="left")
    plt.show()

# %% [markdown]
# ## Where output and sulphur end up · 产出与二氧化硫的分布
#
# Of the same runs, year by year: where half of them lie, and nine tenths, with the plan's targets, those
# of growth among them.
#
# 同一批模拟逐年的分布：深色为半数所在，浅色为九成所在，并标出包括增速在内的规划值。

# %%
sweep.plansim.plot.fan("GDP", lang=LANG).figure

# %%
sweep.plansim.plot.fan("SO2 emission", lang=LANG).figure

# %% [markdown]
# ## What the runs that miss have in common · 未达标的模拟有何共同之处
#
# For the binding target whose verdict is least certain: the mean of each factor among the runs that miss,
# against that of the runs that meet, in standard deviations. Nought says that the factor does not
# matter.
#
# 针对最无定论的一项约束性指标，比较各因素在未达标与达标两组模拟中的均值，差距以标准差计；为零则该因素无关紧要。

# %%
doubtful = (shares - 0.5).abs().idxmin()
met = sweep["margin"].sel(target=doubtful).values >= 0
values = {name: sweep[name].values for name in factors}
apart = {
    name: (drawn[~met].mean() - drawn[met].mean()) / drawn.std() if 0 < met.mean() < 1 else 0
    for name, drawn in values.items()
}
order = sorted(factors, key=lambda name: abs(apart[name]))
with plansim.plot.style():
    figure, axes = plt.subplots(figsize=(7, 0.27 * len(order) + 0.8))
    lengths = [apart[name] for name in order]
    hues = ["C0" if length < 0 else "C1" for length in lengths]
    bars = axes.barh([factors[name] for name in order], lengths, color=hues)
    axes.bar_label(
        bars, [f"{length:+.2f}".replace("-", "−") for length in lengths], padding=3, fontsize=8
    )
    axes.axvline(0, color="black", lw=0.8)
    axes.grid(visible=False)
    axes.margins(x=0.12, y=0.02)
    axes.set_title(names[doubtful])
    axes.set_xlabel(
        text.pick(
            "lower (−) or higher (+) in the runs that miss it, standard deviations",
            "在未达标的模拟中偏低（−）或偏高（+），以标准差计",
        ),
        loc="left",
    )
    plt.show()

# %% [markdown]
# ## The answer · 答案

# %%
safe, never = shares.index[shares > 0.99], shares.index[shares < 0.01]
assert abs(met.mean() - shares[doubtful]) < 1e-9, "met is what has no negative margin"
nearly, hardly = (
    text.join([names[key] for key in keys]) or text("show.nothing") for keys in (safe, never)
)
Markdown(
    text.pick(
        f"Over {design.runs:,} runs, {len(safe)} of {len(shares)} binding targets hold in nearly all "
        f"({nearly}) and {len(never)} in hardly any ({hardly}). Least certain is *{names[doubtful]}*, "
        f"met in {shares[doubtful]:.0%}; what separates the runs that miss it is first of all "
        f"*{factors[order[-1]]}*, then *{factors[order[-2]]}*. Shares are shares of what was assumed, "
        "not chances of history.",
        f"在{design.runs:,}次模拟中，{len(shares)}项约束性指标有{len(safe)}项几乎总能达标（{nearly}），"
        f"{len(never)}项几乎从不达标（{hardly}）。最无定论的是“{names[doubtful]}”，"
        f"达标比例为{shares[doubtful]:.0%}；未达标的模拟与其他模拟相比，差别首先在于"
        f"“{factors[order[-1]]}”，其次是“{factors[order[-2]]}”。"
        "达标比例是所设假设之中的比例，并不是历史走向的概率。",
    )
)

# %%
folder.cleanup()
