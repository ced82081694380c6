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
# # Your own scenario, and what it would take
#
# **What if credit tightens early, and how hard would the city have to work on abatement to keep a
# promise all the same?** A scenario is a small YAML file that names only what differs.

# %%
import tempfile
from pathlib import Path

from IPython.display import Markdown

import plansim

model = plansim.load_model()
targets = plansim.load_targets()
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "tight-credit.yaml"
path.write_text(
    """
title: {en: Tight credit, zh: 信贷收紧}
description: {en: Banks hold back from 2008 on., zh: 2008年起银行收紧信贷。}
parent: baseline
levers:
  credit ease: {before: 1.0, after: 0.8, from: 2008}
""",
    encoding="utf-8",
)
mine = plansim.read_scenario(path, model)
baseline = plansim.read_scenario("baseline", model)
runs = [plansim.simulate(model, each) for each in (baseline, mine)]
[f"{each.name}: {each.old:g} → {each.new:g} {each.unit}" for each in mine.changes]

# %%
plansim.plot.small_multiples(
    runs,
    ["reported investment", "GDP", "COD emission", "energy intensity of GDP"],
    targets,
    columns=2,
)[0].figure

# %% [markdown]
# ## A mistake is told
#
# A name that does not exist, a value outside of its admissible range, a unit that does not convert:
# each is refused, with the place and the nearest name.

# %%
try:
    plansim.read_scenario(path, model, ["credit eas after=0.9"])
except plansim.PlansimError as error:
    told = str(error)
    print(told)
assert "credit ease after" in told

# %% [markdown]
# ## What would it take?
#
# `solve` moves one lever, as little as it can, until a target is just met: first over the plausible
# range, then over the admissible one.

# %%
target = next(each for each in targets if each.id == "M34b")
lever = plansim.lever_named(model, mine, "abatement effort")
solution = plansim.solve(model, mine, lever, target, targets)
solution.value, solution.margin_present, solution.margin, solution.plausible

# %% [markdown]
# ## The answer

# %%
gdp = [float(plansim.annual(run)["GDP"].sel(year=2010)) for run in runs]
money = [float(plansim.annual(run)["reported investment"].sel(year=2010)) for run in runs]
assert money[1] < money[0], "tight credit holds investment back"
if solution.value is None:
    said = "no abatement effort in the ranges that were looked over meets it"
elif solution.margin_present >= 0:
    said = f"it is met as things are, by {solution.margin_present:.3g} {target.unit}"
else:
    assert solution.margin >= -1e-6
    said = f"the effort would have to be {solution.value:.3g} instead of {lever.present:g}"
    said += "" if solution.plausible else ", more than the evidence lets one expect"
Markdown(
    f"Tight credit takes {1 - money[1] / money[0]:.1%} off investment and {1 - gdp[1] / gdp[0]:.1%} "
    f"off output in 2010. For {target.id} ({target.name_en}): {said}."
)

# %%
folder.cleanup()
