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
# # A look inside: loops, cuts, causes · 深入内部：回路、切断与原因
#
# A verdict is worth what its reasons are worth. **Which feedback loops make the city grow, what
# happens to the targets when a loop is cut, and which assumption moves which target?**
#
# 结论的分量取决于理由。**哪些反馈回路推动城市增长，切断一条回路对各项指标有何影响，哪项假设影响哪项指标？**

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
import numpy as np
from IPython.display import SVG, Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
plan = plansim.load_targets(model=model)
targets = [target for target in plan if target.attribute is plansim.Attribute.BINDING]
loops = plansim.load_loops(model)
assert all(loop.found for loop in loops), "each declared loop stands in the equations"
names = {loop.id: text.pick(loop.name_en, loop.name_zh) for loop in loops}
rows = "\n".join(
    f"| {loop.id} | {names[loop.id]} "
    f"| {text.word('polarity', loop.polarity)} | {text.pick(loop.meaning.en, loop.meaning.zh)} |"
    for loop in loops
)
Markdown(f"| {text('loops.loop')} | | | {text('show.meaning')} |\n|---|:---|:---|:---|\n{rows}")

# %% [markdown]
# One module in detail, its stocks as boxes and its flows as pipes:
#
# 下面是其中一个模块的细节，方框为存量，管道为流量：

# %%
SVG(plansim.module_diagram(model, "land", (LANG,)))

# %% [markdown]
# ## Cutting each loop · 逐一切断回路
#
# A cut freezes what the loop's last link feels at its value of 2005. The strongest shift of any
# binding indicator in any year says how much the loop does.
#
# 切断，就是把回路最后一环所感受到的量固定在2005年的水平。任一约束性指标在任一年份的最大变动，表明这条回路的作用有多大。

# %%
baseline = plansim.read_scenario("baseline", model)
cuts = plansim.cut_loops(model, baseline, loops, targets)


def turned(cut):
    """List the targets whose verdict is another one without the loop."""
    return text.join([text.pick(target.name_en, target.name_zh) for target in cut.turned])


strength = {cut.loop.id: cut.strongest for cut in cuts if not cut.fault}
rows = "\n".join(
    f"| {cut.loop.id} | {names[cut.loop.id]} | "
    f"{text('loops.breaks') if cut.fault else f'{cut.strongest:.1%}'} | "
    f"{turned(cut) or '–'} |"
    for cut in cuts
)
turns = text.pick("verdicts that turn", "结论改变的指标")
Markdown(
    f"| {text('loops.loop')} | | {text('loops.cut_moves')} | {turns} |\n|---|:---|---|---|\n{rows}"
)

# %% [markdown]
# ## When which loop dominates · 何时由哪条回路主导
#
# A cut says how much a loop does to the targets in all, not when. *Loops That Matter* (Schoenberg,
# Davidsen and Eberlein 2020) says which loops drive the stocks of the model at each time: the score of
# a loop is the product of the scores of its links, and its share is of the scores of all loops. Above
# the line stand reinforcing loops, below it balancing ones; together they make 100 %.
#
# 切断说明回路对指标的总影响，不说明何时起作用。“关键回路”法（Schoenberg、Davidsen、Eberlein，2020年）给出各时刻推动模型存量的回路：回路得分为其各因果链得分之积，占比以全部回路得分为准。横线以上为增强回路，以下为平衡回路，合计为100%。

# %%
scores = plansim.score_loops(model, baseline, loops)
plansim.plot.loop_shares(scores, lang=LANG).figure

# %% [markdown]
# The share of each loop on the mean of all years, and the years in which no other has a larger one, among
# loops that can be reached from one another. Scores are believed only where pysimlin, which computes
# them, runs the model as plansim does.
#
# 各回路全程平均的占比，以及其占比居首的年份，限于可相互到达的回路。得分由pysimlin计算，仅在其运行结果与plansim一致时才予采用。

# %%
assert scores.missing is None, scores.missing
together = max(scores.partitions, key=len)
assert np.allclose(sum(abs(scores.relative[key]) for key in together), 1)
mean = {key: scores.yearly[key].mean() for key in together}
led = {key: text.join([f"{year}" for year in scores.years_led(key)]) for key in together}
rows = "\n".join(
    f"| {key} | {names[key]} | {mean[key]:+.0%} | {led[key] or '–'} |"
    for key in sorted(together, key=lambda key: -abs(mean[key]))
    if abs(mean[key]) >= 0.005
)
heads = f"{text('loops.share')} | {text('loops.dominates')}"
Markdown(f"| {text('loops.loop')} | | {heads} |\n|---|:---|---:|:---|\n{rows}")

# %% [markdown]
# ## Which assumption moves which target · 哪项假设影响哪项指标
#
# From the baseline to accelerated growth several assumptions change at once. Shapley's value gives
# each its share: the mean of what it adds over all orders in which they may be changed. The shares
# add up to the whole change.
#
# 从规划基准到加速增长，有多项假设同时改变。沙普利值给出每一项的贡献，即它在所有改动次序中所带来增量的平均；各项贡献之和等于全部变动。

# %%
faster = plansim.read_scenario("accelerated-growth", model)
attribution = plansim.attribute(model, baseline, faster, targets)
assert attribution.orders == 0, "every subset was run: the shares are exact"
for due in attribution.targets:
    change = due.margin_after - due.margin_before
    assert abs(sum(due.shares) - change) <= 1e-9 * max(1, abs(change))
most = max(attribution.targets, key=lambda due: abs(sum(due.shares) / (due.target.value or 1)))
rows = "\n".join(
    f"| {text.pick(group.name, group.name_zh)} | {share:+.2f} |"
    for group, share in sorted(
        zip(attribution.groups, most.shares, strict=True), key=lambda pair: -abs(pair[1])
    )
)
named = text.pick(most.target.name_en, most.target.name_zh)
Markdown(
    text.pick(
        f"What moves the margin of *{named}*, in {text.unit(most.target.unit)}:",
        f"“{named}”余量变动的来源（{text.unit(most.target.unit)}）：",
    )
    + f"\n\n| {text('report.assumption')} | {text('causes.share')} |\n|:---|---:|\n{rows}"
)

# %% [markdown]
# ## The answer · 答案

# %%
strongest = max(strength, key=lambda key: strength[key])
weak = [names[key] for key, shift in strength.items() if shift <= 0.01]
groups = [text.pick(group.name, group.name_zh) for group in attribution.groups]
drivers = dict(zip(groups, most.shares, strict=True))
driver = max(drivers, key=lambda name: abs(drivers[name]))
leader = max(together, key=lambda key: abs(mean[key]))
faint = text.join(weak) or text("show.nothing")
Markdown(
    text.pick(
        f"The loop that does most is *{names[strongest]}*: without it a binding indicator moves by up "
        f"to {strength[strongest]:.0%}. Weak in this scenario, moving nothing by one per cent: {faint}. "
        f"What drives the stocks of the model most is *{names[leader]}*, with {abs(mean[leader]):.0%} "
        f"of all loop scores. Faster growth moves *{named}* most, and of that most is due to *{driver}*.",
        f"作用最大的是“{names[strongest]}”：切断后，约束性指标的变动最大达{strength[strongest]:.0%}。"
        f"此情景下偏弱、所致变动均不足1%的有：{faint}。推动模型存量最多的是“{names[leader]}”，"
        f"占全部回路得分的{abs(mean[leader]):.0%}。增长加快对“{named}”影响最大，其中主要来自“{driver}”。",
    )
)
