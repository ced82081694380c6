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
# # Another model
#
# **Does all this work for a model that has nothing to do with this city?** Any Vensim file that holds
# to what two engines compute alike will do; a `targets.yaml` beside it says what it is judged by. Here:
# a lake whose fish are caught.

# %%
import tempfile
from pathlib import Path

from IPython.display import SVG, Markdown

import plansim

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
SVG(plansim.module_diagram(model, "lake", ("en",)))

# %% [markdown]
# ## How much may be caught
#
# The model as it is written, and the effort at which the lake just keeps what its plan promises.

# %%
written = plansim.as_written(model)
run = plansim.simulate(model, written)
(verdict,) = plansim.check_targets(run, targets)
lever = plansim.lever_named(model, written, "effort")
harder = Path(folder.name) / "harder.yaml"
harder.write_text("title: More boats\nvalues: {effort: 0.25 1/Year}\n", encoding="utf-8")
scenario = plansim.read_scenario(harder, model)
runs = [run, plansim.simulate(model, scenario)]
solution = plansim.solve(
    model, scenario, plansim.lever_named(model, scenario, "effort"), targets[0]
)
plansim.plot.trajectories(runs, "fish", targets).figure

# %% [markdown]
# ## A check by hand
#
# In the long run growth equals catch, so that fish = room · (1 − effort/rate). The run ends near it.

# %%
balance = 1000 * (1 - 0.25 / 0.4)
ends = float(runs[1]["fish"].isel(time=-1))
assert abs(ends - balance) < 0.1 * balance
balance, ends

# %% [markdown]
# ## The answer

# %%
assert verdict.status is plansim.Status.MET
assert solution.margin_present < 0 <= solution.margin + 1e-6
Markdown(
    f"It does. At an effort of {lever.present:g} the lake keeps {verdict.value:.0f} t in 2010, "
    f"{verdict.margin:+.0f} t against its target. At 0.25 it does not; the target just holds at "
    f"{solution.value:.3f}. In the long run {balance:.0f} t would be left."
)

# %%
folder.cleanup()
