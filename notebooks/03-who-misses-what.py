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
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
targets = plansim.load_targets()
design = plansim.read_design("growth-investment", model, samples=100_000)
assert design.runs == 100_000
factors = {each.name: text.pick(each.name, each.name_zh) for each in design.factors}
Markdown(
    text.pick(
        "Varied at once, over their plausible ranges: ",
        "在合理范围内同时变动的因素：",
    )
    + text.join(list(factors.values()))
    + text("list_sep.stop").rstrip()
)

# %% [markdown]
# The sweep is written to disk block by block; the summary comes back.
#
# 扫描结果分块写入磁盘，返回的是汇总。

# %%
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "growth.zarr"
summary = plansim.sweep(design, model, targets, path)
sweep = xr.open_zarr(path, consolidated=False, chunks=None)
assert int(summary["runs"].sum()) == sweep.sizes["run"] == 100_000

# %% [markdown]
# ## How likely each binding target is · 各约束性指标的达标比例
#
# The share of the runs that meet each. Most are decided one way or the other whatever is assumed;
# the interesting ones lie between.
#
# 各指标达标的模拟所占比例。多数指标无论怎样假设，结论都一样；值得细看的是介于两者之间的。

# %%
judged = set(summary["target"].values)
binding = {
    each.id: text.pick(each.name_en, each.name_zh)
    for each in targets
    if each.attribute is plansim.Attribute.BINDING and each.id in judged
}
ids = list(binding)
likely = summary["p_met"].isel(scenario=0).sel(target=ids).values
with plansim.plot.style():
    figure, axes = plt.subplots(figsize=(7, 0.27 * len(ids) + 0.6))
    bars = axes.barh([f"{key}  {name}" for key, name in binding.items()], 100 * likely)
    axes.bar_label(bars, [f"{each:.0%}" for each in likely], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlim(0, 108)
    axes.margins(y=0.02)
    axes.set_xticks(range(0, 101, 25))
    axes.set_xlabel(text.pick("runs that meet it, %", "达标的模拟占比，%"), loc="left")
    plt.show()

# %% [markdown]
# ## Where output ends up · 产出的分布
#
# Of the same runs, for the years that the sweep keeps.
#
# 同一批模拟，取扫描所保存的年份。

# %%
plansim.plot.fan(sweep, "GDP", targets, lang=LANG).figure

# %% [markdown]
# ## What the runs that miss have in common · 未达标的模拟有何共同之处
#
# For the binding target whose verdict is least certain: the mean of each factor among the runs that miss,
# against that of the runs that meet, in standard deviations. Nought says that the factor does not
# matter.
#
# 针对最无定论的一项约束性指标，比较各因素在未达标与达标两组模拟中的均值，差距以标准差计；为零则该因素无关紧要。

# %%
doubtful = ids[int(np.argmin(np.abs(likely - 0.5)))]
margin = sweep["margin"].sel(target=doubtful).values
met = margin >= 0
values = {name: sweep[name].values for name in factors}
apart = {
    name: (each[~met].mean() - each[met].mean()) / each.std() if met.any() and (~met).any() else 0
    for name, each in values.items()
}
order = sorted(factors, key=lambda name: abs(apart[name]))
with plansim.plot.style():
    figure, axes = plt.subplots(figsize=(7, 0.27 * len(order) + 0.8))
    lengths = [apart[name] for name in order]
    hues = ["C0" if each < 0 else "C1" for each in lengths]
    bars = axes.barh([factors[name] for name in order], lengths, color=hues)
    axes.bar_label(bars, [f"{each:+.2f}" for each in lengths], padding=3, fontsize=8)
    axes.axvline(0, color="black", lw=0.8)
    axes.grid(visible=False)
    axes.margins(x=0.12, y=0.02)
    axes.set_title(f"{doubtful}  {binding[doubtful]}")
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
share = dict(zip(ids, likely, strict=True))
never = [key for key in ids if share[key] < 0.01]
safe = [key for key in ids if share[key] > 0.99]
assert all(0 <= each <= 1 for each in share.values())
assert abs(met.mean() - share[doubtful]) < 1e-9, "a target is met where its margin is not negative"
nearly, hardly = (text.join(keys) or text("show.nothing") for keys in (safe, never))
Markdown(
    text.pick(
        f"Over {design.runs:,} runs, {len(safe)} of {len(ids)} binding targets hold in nearly all "
        f"({nearly}) and {len(never)} in hardly any ({hardly}). Least certain is {doubtful}, met in "
        f"{share[doubtful]:.0%}; what separates the runs that miss it is first of all "
        f"*{factors[order[-1]]}*, then *{factors[order[-2]]}*. Shares are shares of what was assumed, "
        "not chances of history.",
        f"在{design.runs:,}次模拟中，{len(ids)}项约束性指标有{len(safe)}项几乎总能达标（{nearly}），"
        f"{len(never)}项几乎从不达标（{hardly}）。最无定论的是{doubtful}（{binding[doubtful]}），"
        f"达标比例为{share[doubtful]:.0%}；未达标的模拟与其他模拟相比，差别首先在于"
        f"“{factors[order[-1]]}”，其次是“{factors[order[-2]]}”。"
        "达标比例是所设假设之中的比例，并不是历史走向的概率。",
    )
)

# %%
folder.cleanup()
