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
# # A first run, and its verdicts
#
# In 2006 a city wrote down what it wanted to be by 2010. **If everything goes as the plan assumes,
# which of its promises hold?** Three steps answer: read the model, run a scenario, judge the run.

# %%
from collections import Counter

from IPython.display import Markdown

import plansim

model = plansim.load_model()
baseline = plansim.read_scenario("baseline", model)
run = plansim.simulate(model, baseline)
targets = plansim.load_targets()
verdicts = plansim.check_targets(run, targets)

# %% [markdown]
# ## What a run is
#
# A run is an `xarray.Dataset`. Each variable knows its unit and its Chinese name; time stands at
# mid-years and year-ends. `plansim.annual` takes the figure of each year from it: flows at mid-year,
# stocks at the year's end.

# %%
by_year = plansim.annual(run)
by_year["GDP"]

# %%
assert run["GDP"].attrs["units"] == model.find("GDP").unit
assert {2005, 2010, 2020} <= set(by_year["year"].values.tolist())

# %% [markdown]
# ## The verdicts
#
# A target is *met* or *missed*; it is *undecided* where the plan does not say which prices or which
# people it means and the readings disagree, *assumed* where the scenario takes it for granted, and
# *untestable* where no variable of the model answers for it.

# %%
binding = [each for each in verdicts if each.attribute is plansim.Attribute.BINDING]
missed = [each for each in binding if each.status is plansim.Status.MISSED]
counts = Counter(each.status.value for each in verdicts)
rows = "\n".join(
    f"| {each.id} | {each.name_en} {each.name_zh} | {each.target:g} {each.unit} "
    f"| {each.value:.4g} | {each.margin:+.3g} | {each.status} |"
    for each in binding
)
Markdown(f"| id | target | plan | model | margin | |\n|---|---|---|---|---|---|\n{rows}")

# %%
plansim.plot.verdict_map(binding).figure

# %% [markdown]
# ## One of them over time

# %%
first = next(each for each in targets if each.id == (missed or binding)[0].id)
variable = next(iter(first.variables.values()))
plansim.plot.trajectories(run, variable, targets).figure

# %% [markdown]
# ## The answer

# %%
assert all(each.margin < 0 for each in missed)
assert sum(counts.values()) == len(verdicts)
Markdown(
    f"Of **{len(binding)}** binding targets the baseline misses **{len(missed)}**"
    + (": " + ", ".join(f"{each.name_en} ({each.margin:+.3g} {each.unit})" for each in missed))
    * bool(missed)
    + f". Of all {len(verdicts)} figures that the plan sets, {counts['met']} are met, "
    f"{counts['missed']} missed, {counts['undecided']} undecided, {counts['assumed']} assumed, and "
    f"{counts['untestable']} cannot be judged by this model. The next notebook asks what faster "
    "growth does to these."
)
