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
# # A look inside: loops, cuts, causes
#
# A verdict is worth what its reasons are worth. **Which feedback loops make the city grow, what
# happens to the targets when a loop is cut, and which assumption moves which target?**

# %%
from IPython.display import SVG, Markdown

import plansim

model = plansim.load_model()
targets = [each for each in plansim.load_targets() if each.attribute is plansim.Attribute.BINDING]
loops = plansim.load_loops(model)
SVG(plansim.loop_map(loops, model, "Feedback loops", ("en",)))

# %% [markdown]
# Where loops meet or part, with the loops that go each way. Full lines: the effect moves with the
# cause; dashed ones: against it. One module in detail, its stocks as boxes and its flows as pipes:

# %%
SVG(plansim.module_diagram(model, "land", ("en",)))

# %%
assert all(loop.found for loop in loops), "each declared loop stands in the equations"
rows = "\n".join(
    f"| {each.id} | {each.name_en} {each.name_zh} | {each.polarity} | {each.meaning_en} |"
    for each in loops
)
Markdown(f"| loop | | | |\n|---|---|---|---|\n{rows}")

# %% [markdown]
# ## Cutting each loop
#
# A cut freezes what the loop's last link feels at its value of 2005. The strongest shift of any
# binding indicator in any year says how much the loop does.

# %%
baseline = plansim.read_scenario("baseline", model)
cuts = plansim.cut_loops(model, baseline, loops, targets)
strength = {cut.loop.id: cut.strongest for cut in cuts if not cut.fault}
rows = "\n".join(
    f"| {cut.loop.id} | {cut.loop.name_en} | "
    f"{'breaks down' if cut.fault else f'{cut.strongest:.1%}'} | "
    f"{', '.join(e.target.id for e in cut.effects if e.status_cut is not e.status_whole)} |"
    for cut in cuts
)
Markdown(f"| loop | | strongest shift | verdicts that turn |\n|---|---|---|---|\n{rows}")

# %% [markdown]
# ## When which loop dominates
#
# A cut says how much a loop does in all, not when. So in each year each loop is held still as it is
# then, and the indicator is read three years later: the loop that made the largest difference
# dominates. ↑ pushes the indicator up, ↓ holds it down; where two are as strong, a band has two halves.

# %%
indicators = plansim.indicators_of(model, targets, plansim.load_views(model, targets))
dominance = plansim.find_dominance(model, baseline, loops, indicators)
plansim.plot.loop_phases(dominance).figure

# %% [markdown]
# How long a loop is held decides much. One year favours the loops that act at once, five those that
# have to build first. What all three agree on can be quoted:

# %%
windows = {
    years: plansim.find_dominance(model, baseline, loops, indicators, years) for years in (1, 3, 5)
}


def said(row):
    """Write the phases of one indicator."""
    return ", ".join(
        f"{phase.first}–{phase.last % 100:02} {' ≈ '.join(phase.leaders) or phase.lead}"
        for phase in row.phases
    )


rows = "\n".join(
    f"| {same[0].indicator.name_en} | {' | '.join(map(said, same))} |"
    for same in zip(*(each.rows for each in windows.values()), strict=True)
)
Markdown(f"| held for | 1 year | 3 years | 5 years |\n|---|---|---|---|\n{rows}")

# %% [markdown]
# ## Which assumption moves which target
#
# From the baseline to accelerated growth several assumptions change at once. Shapley's value gives
# each its share: the mean of what it adds over all orders in which they may be changed. The shares
# add up to the whole change.

# %%
faster = plansim.read_scenario("accelerated-growth", model)
attribution = plansim.attribute(model, baseline, faster, targets)
assert attribution.orders == 0, "every subset was run: the shares are exact"
for each in attribution.targets:
    change = each.margin_after - each.margin_before
    assert abs(sum(each.shares) - change) <= 1e-9 * max(1, abs(change))
most = max(attribution.targets, key=lambda each: abs(sum(each.shares) / (each.target.value or 1)))
rows = "\n".join(
    f"| {group.name} | {share:+.3g} |"
    for group, share in sorted(
        zip(attribution.groups, most.shares, strict=True), key=lambda pair: -abs(pair[1])
    )
)
Markdown(
    f"What moves {most.target.id} ({most.target.name_en}, in {most.target.unit}):\n\n"
    f"| assumption | share |\n|---|---|\n{rows}"
)

# %% [markdown]
# ## The answer

# %%
strongest = max(strength, key=lambda key: strength[key])
weak = [key for key, each in strength.items() if each <= 0.01]
names = {loop.id: loop.name_en for loop in loops}
drivers = dict(zip((each.name for each in attribution.groups), most.shares, strict=True))
driver = max(drivers, key=lambda name: abs(drivers[name]))
output = dominance.rows[0]
Markdown(
    f"The loop that does most is {strongest} ({names[strongest]}): without it a binding indicator "
    f"moves by up to {strength[strongest]:.0%}. Weak in this scenario, moving nothing by one per cent: "
    f"{', '.join(weak) or 'none'}. Faster growth moves {most.target.id} most, and of that most is due "
    f"to *{driver}*. Held still for {dominance.window} years at a time, what dominates "
    f"{output.indicator.name_en} is: {said(output)}."
)
