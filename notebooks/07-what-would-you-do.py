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
# # What would you do? · 换作是你，怎么办？
#
# Nobody knew early in 2006 which of the plausible models was true. **Which policy is best whatever turns
# out to be true, where does the plan fail, and what should a mid-term review look at?**
#
# 2006年初，没有人知道哪一个合理模型为真。**无论哪个为真，哪种政策最好？规划在何处失守？中期评估该看什么？**

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
targets = plansim.load_targets(model=model)
name = {target.id: text.pick(target.name_en, target.name_zh) for target in targets}

# %% [markdown]
# ## What is robust · 哪些政策稳健
#
# Three policies over the same plausible models. A number is in how many of 100 models the target is met;
# the darker a cell, the more often another of the three meets a target that this one misses.
#
# 三种政策在同一批合理模型中运行。数字为100个模型中达标的个数；颜色越深，表示该政策不达标而另两种之一达标的次数越多。

# %%
robust = plansim.robustness(model, ["baseline", "accelerated-growth", "green-transition"])
plansim.plot.robustness_sheet(robust, targets, lang=LANG)

# %% [markdown]
# ## Where the plan fails · 规划在何处失守
#
# Of three open targets the corner of what is uncertain in which they are mostly missed.
#
# 三项未定指标多不达标的不确定因素区域。

# %%
catalogue = {target.id: target for target in targets}
corners = plansim.discover(model, "baseline", [catalogue[id_] for id_ in ("M25", "M32", "M34b")])
plansim.plot.discovery_sheet(corners, model, lang=LANG)

# %% [markdown]
# ## What to watch · 该看什么
#
# How well a statistic of the first years tells the models that meet a target from those that miss it.
#
# 头几年的统计能在多大程度上区分达标与不达标的模型。

# %%
signs = plansim.signposts(model, "baseline", [catalogue["M32"], catalogue["M34b"]], by=2008)
plansim.plot.signpost_sheet(signs, lang=LANG)

# %% [markdown]
# Which policies there are besides, none better than another in every aim, `plansim decide policies` searches in
# some minutes; what it saves are scenarios that the cells above take as well.
#
# 还有哪些互不占优的政策，可用 `plansim decide policies` 搜索数分钟得出；它保存的情景同样可供以上各格使用。

# %% [markdown]
# ## The answer · 答案

# %%
best = max(robust.policies, key=lambda policy: policy.mean_met)
others = [policy for policy in robust.policies if policy is not best]
beaten = max(best.beaten_by.values())
title = text.pick(best.title_en, best.title_zh)
boxed = [one for one in corners if one.boxes]
densest = max(boxed, key=lambda one: one.boxes[0].density)
sign = max((one for one in signs if one.year == 2008), key=lambda one: one.area)
watched = text.pick(sign.statistic_en, sign.statistic_zh)
assert best.mean_met > max(policy.mean_met for policy in others)
assert 0.5 <= sign.area <= 1
Markdown(
    text.pick(
        f"*{title}* meets {best.mean_met:.1f} of {len(robust.binding)} binding targets on the mean, and "
        f"another of the three meets more in {beaten:.0%} of the models. *{name[densest.target]}* has the "
        f"clearest corner: {densest.boxes[0].density:.0%} of the models inside miss it. In 2008 "
        f"*{watched}* tells best.",
        f"“{title}”在{len(robust.binding)}项约束性指标中平均实现{best.mean_met:.1f}项；在{beaten:.0%}"
        f"的模型中，另两种政策之一实现得更多。区域最清晰的是“{name[densest.target]}”：其中{densest.boxes[0].density:.0%}"
        f"的模型不达标。2008年最能预示结果的是“{watched}”。",
    )
)
