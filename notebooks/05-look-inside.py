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
from IPython.display import SVG, Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
targets = [each for each in plansim.load_targets() if each.attribute is plansim.Attribute.BINDING]
loops = plansim.load_loops(model)
SVG(plansim.loop_map(loops, model, text.pick("Feedback loops", "反馈回路"), (LANG,)))

# %% [markdown]
# Where loops meet or part, with the loops that go each way. Full lines: the effect moves with the
# cause; dashed ones: against it. One module in detail, its stocks as boxes and its flows as pipes:
#
# 图中只画回路汇合或分开之处，并标出经过每条连线的回路。实线表示结果与原因同向变动，虚线表示反向变动。下面是其中一个模块的细节，方框为存量，管道为流量：

# %%
SVG(plansim.module_diagram(model, "land", (LANG,)))

# %%
assert all(loop.found for loop in loops), "each declared loop stands in the equations"
rows = "\n".join(
    f"| {each.id} | {text.pick(each.name_en, each.name_zh)} "
    f"| {text.word('polarity', each.polarity)} | {text.pick(each.meaning_en, each.meaning_zh)} |"
    for each in loops
)
Markdown(f"| {text('loops.loop')} | | | {text('show.meaning')} |\n|---|:---|:---|:---|\n{rows}")

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
    each = [e.target.id for e in cut.effects if e.status_cut is not e.status_whole]
    return text.join(each)


strength = {cut.loop.id: cut.strongest for cut in cuts if not cut.fault}
rows = "\n".join(
    f"| {cut.loop.id} | {text.pick(cut.loop.name_en, cut.loop.name_zh)} | "
    f"{text('loops.broken', fault=cut.fault) if cut.fault else f'{cut.strongest:.1%}'} | "
    f"{turned(cut) or '–'} |"
    for cut in cuts
)
turns = text.pick("verdicts that turn", "结论改变的指标")
Markdown(
    f"| {text('loops.loop')} | | {text('loops.strongest')} | {turns} |\n|---|:---|---|---|\n{rows}"
)

# %% [markdown]
# ## When which loop dominates · 何时由哪个回路主导
#
# A cut says how much a loop does in all, not when. So in each year each loop is held still as it is
# then, and the indicator is read three years later: the loop that made the largest difference
# dominates. ↑ pushes the indicator up, ↓ holds it down; where two are as strong, a band has two halves.
#
# 切断只说明回路作用的总量，不说明何时起作用。为此逐年将各回路固定在当年状态，三年后再看指标：造成差别最大的
# 回路即为主导。↑表示推高指标，↓表示压低指标；两个回路作用相当时，色带分为上下两半。

# %%
indicators = plansim.indicators_of(model, targets, plansim.load_views(model, targets))
dominance = plansim.find_dominance(model, baseline, loops, indicators)
plansim.plot.loop_phases(dominance, lang=LANG).figure

# %% [markdown]
# How long a loop is held decides much. One year favours the loops that act at once, five those that
# have to build first. What all three agree on can be quoted:
#
# 固定多久影响很大：固定一年有利于即时起作用的回路，固定五年有利于须先积累的回路。三种结果一致之处方可引用：

# %%
windows = {
    years: plansim.find_dominance(model, baseline, loops, indicators, years) for years in (1, 3, 5)
}


def said(row):
    """Write the phases of one indicator."""
    return text.join(
        [
            f"{phase.first}{f'–{phase.last % 100:02}' if phase.last > phase.first else ''} "
            f"{' ≈ '.join(phase.leaders) or text.word('dominance', phase.lead)}"
            for phase in row.phases
        ]
    )


rows = "\n".join(
    f"| {text.pick(same[0].indicator.name_en, same[0].indicator.name_zh)} | "
    f"{' | '.join(map(said, same))} |"
    for same in zip(*(each.rows for each in windows.values()), strict=True)
)
heads = text.pick("held for | 1 year | 3 years | 5 years", "固定时长 | 1年 | 3年 | 5年")
Markdown(f"| {heads} |\n|---|---|---|---|\n{rows}")

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
for each in attribution.targets:
    change = each.margin_after - each.margin_before
    assert abs(sum(each.shares) - change) <= 1e-9 * max(1, abs(change))
most = max(attribution.targets, key=lambda each: abs(sum(each.shares) / (each.target.value or 1)))
rows = "\n".join(
    f"| {text.pick(group.name, group.name_zh)} | {share:+.2f} |"
    for group, share in sorted(
        zip(attribution.groups, most.shares, strict=True), key=lambda pair: -abs(pair[1])
    )
)
named = text.pick(most.target.name_en, most.target.name_zh)
Markdown(
    text.pick(
        f"What moves the margin of {most.target.id} ({named}, in {most.target.unit}):",
        f"{most.target.id}（{named}）余量变动的来源（{most.target.unit}）：",
    )
    + f"\n\n| {text('report.assumption')} | {text('causes.share')} |\n|:---|---:|\n{rows}"
)

# %% [markdown]
# ## The answer · 答案

# %%
strongest = max(strength, key=lambda key: strength[key])
weak = [key for key, each in strength.items() if each <= 0.01]
names = {loop.id: text.pick(loop.name_en, loop.name_zh) for loop in loops}
groups = [text.pick(each.name, each.name_zh) for each in attribution.groups]
drivers = dict(zip(groups, most.shares, strict=True))
driver = max(drivers, key=lambda name: abs(drivers[name]))
output = dominance.rows[0]
faint = text.join(weak) or text("show.nothing")
Markdown(
    text.pick(
        f"The loop that does most is {strongest} ({names[strongest]}): without it a binding "
        f"indicator moves by up to {strength[strongest]:.0%}. Weak in this scenario, moving nothing "
        f"by one per cent: {faint}. Faster growth moves {most.target.id} most, and of that most is "
        f"due to *{driver}*. Held still for {dominance.window} years at a time, what dominates "
        f"{output.indicator.name_en} is: {said(output)}.",
        f"作用最大的是{strongest}（{names[strongest]}）：切断后，约束性指标的变动最大达"
        f"{strength[strongest]:.0%}。此情景下偏弱、所致变动均不足1%的有：{faint}。"
        f"增长加快对{most.target.id}影响最大，其中主要来自“{driver}”。"
        f"各回路逐次固定{dominance.window}年时，主导{output.indicator.name_zh}的依次为：{said(output)}。",
    )
)
