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
# # A hundred thousand cities: who misses what
#
# One run is one set of assumptions, and nobody knows them well. **Over all growth and investment
# assumptions that the evidence allows, how often does each binding target hold, and what do the runs
# that miss it have in common?**

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from IPython.display import Markdown

import plansim

model = plansim.load_model()
targets = plansim.load_targets()
design = plansim.read_design("growth-investment", model, samples=100_000)
assert design.runs == 100_000
rows = "\n".join(f"| {each.name} | {each.name_zh} |" for each in design.factors)
Markdown(f"Varied at once, over their plausible ranges:\n\n| factor | |\n|---|---|\n{rows}")

# %% [markdown]
# The sweep is written to disk block by block; the summary comes back.

# %%
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "growth.zarr"
summary = plansim.sweep(design, model, targets, path)
sweep = xr.open_zarr(path, consolidated=False, chunks=None)
assert int(summary["runs"].sum()) == sweep.sizes["run"] == 100_000

# %% [markdown]
# ## How likely each binding target is

# %%
judged = set(summary["target"].values)
binding = [
    each for each in targets if each.attribute is plansim.Attribute.BINDING and each.id in judged
]
ids = [each.id for each in binding]
likely = summary["p_met"].isel(scenario=0).sel(target=ids).values
figure, axes = plt.subplots(figsize=(7, 0.34 * len(ids) + 1))
axes.barh(range(len(ids)), likely, color="#1f4e79")
axes.set_yticks(
    range(len(ids)), [f"{key}  {t.name_en}" for key, t in zip(ids, binding, strict=True)]
)
axes.invert_yaxis()
axes.set_xlim(0, 1)
_ = axes.set_xlabel("share of runs that meet it")

# %% [markdown]
# ## Where output ends up

# %%
plansim.plot.fan(sweep, "GDP", targets).figure

# %% [markdown]
# ## What the runs that miss have in common
#
# For the binding target that is most in doubt: the mean of each factor among the runs that miss,
# against that of the runs that meet, in standard deviations. Nought says that the factor does not
# matter.

# %%
doubtful = ids[int(np.argmin(np.abs(likely - 0.5)))]
margin = sweep["margin"].sel(target=doubtful).values
met = margin >= 0
factors = [each.name for each in design.factors]
values = {name: sweep[name].values for name in factors}
apart = {
    name: (each[~met].mean() - each[met].mean()) / each.std() if met.any() and (~met).any() else 0
    for name, each in values.items()
}
order = sorted(factors, key=lambda name: abs(apart[name]))
figure, axes = plt.subplots(figsize=(7, 0.34 * len(order) + 1))
axes.barh(order, [apart[name] for name in order], color="#b3261e")
axes.axvline(0, color="black", lw=0.8)
_ = axes.set_xlabel(f"runs that miss {doubtful}, against those that meet it (standard deviations)")

# %% [markdown]
# ## The answer

# %%
share = dict(zip(ids, likely, strict=True))
never = [key for key in ids if share[key] < 0.01]
safe = [key for key in ids if share[key] > 0.99]
assert all(0 <= each <= 1 for each in share.values())
assert abs(met.mean() - share[doubtful]) < 1e-9, "a target is met where its margin is not negative"
Markdown(
    f"Over 100 000 runs, {len(safe)} of {len(ids)} binding targets hold in nearly all "
    f"({', '.join(safe) or 'none'}) and {len(never)} in hardly any ({', '.join(never) or 'none'}). "
    f"Most in doubt is {doubtful}, met in {share[doubtful]:.0%}; what separates the runs that miss "
    f"it is first of all *{order[-1]}*, then *{order[-2]}*. Shares are shares of what was assumed, "
    "not chances of history."
)

# %%
folder.cleanup()
