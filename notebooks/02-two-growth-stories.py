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
# # The baseline against accelerated growth
#
# Many cities overshot their growth targets. **If this one grows faster than it planned, which
# promises does it keep that it would have missed, and which does it break?**

# %%
from IPython.display import Markdown

import plansim

model = plansim.load_model()
targets = plansim.load_targets()
names = ("baseline", "accelerated-growth")
scenarios = [plansim.read_scenario(name, model) for name in names]
runs = [plansim.simulate(model, scenario) for scenario in scenarios]

# %% [markdown]
# ## What differs between the two
#
# A scenario names only what it changes against its parent. Nothing else differs.

# %%
changes = scenarios[1].changes
rows = "\n".join(f"| {each.name} | {each.old:g} | {each.new:g} | {each.unit} |" for each in changes)
Markdown(f"| constant | baseline | accelerated | unit |\n|---|---|---|---|\n{rows}")

# %% [markdown]
# ## Six indicators

# %%
shown = [
    "GDP",
    "reported investment",
    "energy intensity of GDP",
    "SO2 emission",
    "cultivated land",
    "urbanisation rate",
]
plansim.plot.small_multiples(runs, shown, targets)[0].figure

# %% [markdown]
# ## Where the verdicts differ

# %%
before, after = ({each.id: each for each in plansim.check_targets(run, targets)} for run in runs)
moved = [key for key in before if before[key].status is not after[key].status]
rows = "\n".join(
    f"| {key} | {before[key].name_en} | {before[key].status} | {after[key].status} |"
    for key in moved
)
Markdown(f"| id | target | baseline | accelerated |\n|---|---|---|---|\n{rows}")

# %% [markdown]
# ## The answer

# %%
gdp = [float(plansim.annual(run)["GDP"].sel(year=2010)) for run in runs]
assert gdp[1] > gdp[0], "the accelerated story is the one that grows faster"
gained = [key for key in moved if after[key].status is plansim.Status.MET]
lost = [key for key in moved if before[key].status is plansim.Status.MET]
worse = [
    key
    for key, each in before.items()
    if each.attribute is plansim.Attribute.BINDING and after[key].margin < each.margin
]
binding = [k for k, each in before.items() if each.attribute is plansim.Attribute.BINDING]
Markdown(
    f"Output in 2010 is {gdp[1] / gdp[0] - 1:.0%} higher. That gains {len(gained)} targets "
    f"({', '.join(gained) or 'none'}) and loses {len(lost)} ({', '.join(lost) or 'none'}). "
    f"Of {len(binding)} binding targets the margin shrinks for {len(worse)}: "
    f"{', '.join(worse) or 'none'}."
)
