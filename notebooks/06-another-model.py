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
# # Another model · 换一个模型
#
# **Does all this work for a model that has nothing to do with this city?** Any Vensim file that holds
# to what two engines compute alike will do; a `targets.yaml` beside it says what it is judged by. Here:
# a lake whose fish are caught.
#
# 换成与这座城市毫不相干的模型，**以上做法还行得通吗**？任何 Vensim 文件，只要限于两个引擎计算一致的功能，都可以使用；与它同目录的 `targets.yaml` 规定用什么来检验它。这里的例子是一个有人捕鱼的湖。

# %%
LANG = "en"  # of pictures, tables and answers; 图、表与答案的语言，中文为 "zh"

# %%
import tempfile
from pathlib import Path

from IPython.display import SVG, Markdown

import plansim

text = plansim.read_text(LANG)
MODEL = """{UTF-8}
********************************************************
	.lake
********************************************************~
		湖。A lake whose fish are caught.
	|
fish= INTEG(growth - catch, initial fish)
	~	t
	~	鱼。Fish in the lake.
	|
growth= growth rate*fish*(1 - fish/room)
	~	t/Year
	~	增长量。Fish that grow up in a year.
	|
catch= effort*fish
	~	t/Year
	~	捕捞量。What the boats bring home.
	|
effort= 0.1
	~	1/Year [0,1]
	~	捕捞强度。Share of the fish that is caught. [A: 0.05–0.3]
	|
growth rate= 0.4
	~	1/Year
	~	增长率。Of few fish.
	|
room= 1000
	~	t
	~	环境容量。Fish that the lake can feed.
	|
initial fish= 900.0
	~	t
	~	初始鱼量。At the start.
	|
INITIAL TIME= 2005 ~ Year ~ |
FINAL TIME= 2020.5 ~ Year ~ |
TIME STEP= 0.125 ~ Year ~ |
SAVEPER= 0.5 ~ Year ~ |
"""
TARGETS = """
title: {en: A plan for the lake, zh: 湖泊规划}
base_year: 2005
horizon: 2020
places: {ch 1: {en: Chapter 1, zh: 第一章}}
reasons: {detail: {en: Too fine., zh: 过细。}}
targets:
- id: F1
  en: Fish in the lake
  zh: 湖中鱼量
  unit: t
  target: {at least: 600, year: 2010}
  attribute: binding
  place: [ch 1]
  wording: 湖中鱼量不低于600吨
  variable: fish
"""
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "lake.mdl"
path.write_text(MODEL, encoding="utf-8")
path.with_name("targets.yaml").write_text(TARGETS, encoding="utf-8")
model = plansim.load_model(path)
targets = plansim.load_targets(model=model)
SVG(plansim.module_diagram(model, "lake", (LANG,)))

# %% [markdown]
# ## How much may be caught · 最多可以捕多少
#
# The model as it is written, and one with more boats; then the effort at which the lake just keeps
# what its plan promises.
#
# 先运行模型本身，再运行渔船增加的情景，然后求出恰好能守住规划目标的捕捞强度。

# %%
written = plansim.as_written(model)
run = plansim.simulate(model, written)
(verdict,) = plansim.check_targets(run, targets)
effort = model.find("effort").value
harder = Path(folder.name) / "harder.yaml"
harder.write_text(
    "title: {en: More boats, zh: 渔船增加}\nvalues: {effort: 0.25 1/Year}\n", encoding="utf-8"
)
scenario = plansim.read_scenario(harder, model)
runs = [run, plansim.simulate(model, scenario)]
solution = plansim.solve(model, scenario, levers=["effort"], targets=[targets[0].id])
(boats,) = solution.present
plansim.plot.trajectories(runs, "fish", targets, lang=LANG).figure

# %% [markdown]
# ## A check by hand · 手算核对
#
# In the long run growth equals catch, so that fish = room · (1 − effort/rate). The run with more boats
# ends near it.
#
# 长期来看，增长量等于捕捞量，因此鱼量 = 环境容量 ×（1 − 捕捞强度 / 增长率）。渔船增加的情景最终接近这一数值。

# %%
balance = model.find("room").value * (1 - boats / model.find("growth rate").value)
ends = float(runs[1]["fish"].isel(time=-1))
assert abs(ends - balance) < 0.1 * balance
Markdown(
    text.pick(
        f"By hand {balance:.0f} t; at the end of the run {ends:.0f} t, and still falling.",
        f"手算为{balance:.0f} t；运行结束时为{ends:.0f} t，仍在下降。",
    )
)

# %% [markdown]
# ## The answer · 答案

# %%
assert verdict.status is plansim.Status.MET
assert solution.margins_present[targets[0].id] < 0 <= solution.margins[targets[0].id] + 1e-6
assert solution.values is not None
Markdown(
    text.pick(
        f"It does. At an effort of {effort:g} the lake keeps {verdict.value:.0f} t in 2010, "
        f"{verdict.margin:+.0f} t against its target. At {boats:g} it does not; the target "
        f"just holds at {solution.values[0]:.3f}. In the long run {balance:.0f} t would be left.",
        f"行得通。捕捞强度为{effort:g}时，2010年湖中尚有{verdict.value:.0f} t鱼，"
        f"余量{verdict.margin:+.0f} t；为{boats:g}时则守不住，"
        f"降到{solution.values[0]:.3f}才恰好达标。长期来看只会剩下{balance:.0f} t。",
    )
)

# %%
folder.cleanup()
