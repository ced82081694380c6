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
# # Your own scenario, and what it would take · 自己的情景，以及需要付出什么
#
# **What if credit tightens early, and how hard would the city have to press for pension cover to keep
# its promise all the same?** A scenario is a small YAML file that names only what differs; here from
# `momentum`, where the model invests by itself.
#
# 如果信贷提前收紧会怎样？**要照样兑现承诺，养老保险扩面要下多大力气**？情景是一个很短的 YAML 文件，只写不同之处；这里以 `momentum` 为上级，其投资由模型自行得出。

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
import tempfile
from pathlib import Path

from IPython.display import Markdown

import plansim

text = plansim.read_text(LANG)
model = plansim.load_model()
targets = plansim.load_targets()
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "tight-credit.yaml"
path.write_text(
    """
title: {en: Tight credit, zh: 信贷收紧}
description: {en: Banks hold back from 2008 on., zh: 2008年起银行收紧信贷。}
parent: momentum
levers:
  credit ease: {before: 1.0, after: 0.8, from: 2008}
""",
    encoding="utf-8",
)
mine = plansim.read_scenario(path, model)
usual = plansim.read_scenario("momentum", model)
runs = [plansim.simulate(model, each) for each in (usual, mine)]
Markdown("\n".join(f"- {line}" for line in plansim.changes_in_short(mine, model, text)))

# %% [markdown]
# ## What it does · 它的影响
#
# The shaded band is what tight credit costs, or saves.
#
# 阴影部分是信贷收紧的代价，或者节省。

# %%
plansim.plot.small_multiples(
    runs,
    ["reported investment", "GDP", "COD emission", "energy intensity of GDP"],
    targets,
    columns=2,
    lang=LANG,
)[0].figure

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
target = next(each for each in targets if each.id == "M24")
solution = plansim.solve(model, mine, levers=["pension enforcement"], targets=["M24"])
(lever,), (present,) = solution.levers, solution.present
now = solution.margins_present["M24"]
named = text.pick(target.name_en, target.name_zh)
moved = text.pick(lever.name_en, lever.name_zh)
needed = "–" if solution.values is None else f"{solution.values[0]:.3g}"
then = "–" if solution.values is None else f"{abs(solution.margins['M24']):.2g} {target.unit}"
Markdown(
    f"| | {text('mix.present')} | {text('mix.value')} |\n|:---|---|---|\n"
    f"| {moved} | {present:g} | {needed} |\n"
    f"| {target.id} {named}{text('list_sep.colon')}{text('causes.margin')} "
    f"| {now:+.2g} {target.unit} | {then} |"
)

# %% [markdown]
# ## The answer · 答案

# %%
gdp = [float(plansim.annual(run)["GDP"].sel(year=2010)) for run in runs]
money = [float(plansim.annual(run)["reported investment"].sel(year=2010)) for run in runs]
assert money[1] < money[0], "tight credit holds investment back"
if solution.values is None:
    said = text.pick(
        f"no value of *{moved}* in the ranges that were searched meets it",
        f"在搜索过的范围内，{moved}取任何值都不能使其达标",
    )
elif now >= 0:
    said = text.pick(
        f"it is met as things are, by {now:.3g} {target.unit}",
        f"按现状已经达标，余量为{now:.3g} {target.unit}",
    )
else:
    assert solution.margins["M24"] >= -1e-6
    said = text.pick(
        f"*{moved}* would have to be {solution.values[0]:.3g} instead of {present:g}",
        f"{moved}须由{present:g}调至{solution.values[0]:.3g}",
    )
    if solution.implausible:
        said += text.pick(", more than the evidence lets one expect", "，超出证据支持的范围")
Markdown(
    text.pick(
        f"Tight credit takes {1 - money[1] / money[0]:.1%} off investment and "
        f"{1 - gdp[1] / gdp[0]:.1%} off output in 2010. For {target.id} ({named}): {said}.",
        f"信贷收紧使2010年的投资减少{1 - money[1] / money[0]:.1%}，产出减少"
        f"{1 - gdp[1] / gdp[0]:.1%}。就{target.id}（{named}）而言，{said}。",
    )
)

# %%
folder.cleanup()
