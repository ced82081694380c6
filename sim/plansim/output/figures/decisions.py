"""Decisions under uncertainty: corners, robustness, signposts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plansim.analysis.decisions.discovery import Discovery, FailureBox, Limit, Outcome
from plansim.analysis.decisions.robustness import Robustness
from plansim.analysis.decisions.signposts import USEFUL, Signpost
from plansim.errors import InputError
from plansim.model.records import Model
from plansim.output.describe import constants_name
from plansim.output.figures import canvas
from plansim.output.words.text import Lang, Text, read_text
from plansim.output.words.wrapping import shortened
from plansim.targets.target import Target
from plansim.targets.verdict import of_hundred

__all__ = [
    "discovery_sheet",
    "robustness_sheet",
    "signpost_sheet",
]

PALE, FAINT = "#DDDDDD", "#999999"
INSIDE, OUTSIDE = "#0072B2", "#E4E4E4"
"""What a corner leaves of a range, and the rest of it."""
FORGONE = "Oranges"
"""Map of colours of what is forgone."""
MOST_SIGNS = 4
"""Statistics of a target that are drawn."""
GAP = 0.052
"""Between names of statistics, in area."""


# --- where targets fail ---------------------------------------------------------------------------


def discovery_sheet(found: Sequence[Discovery], model: Model, lang: str = Lang.EN) -> Figure:
    """Draw the first corner of each target: its way of peeling, and its limits in their ranges.

    Raises:
        InputError: no target has a corner.

    >>> model = plansim.load_model("lake.mdl")
    >>> found = plansim.discover(model, "boats.yaml", members=64)
    >>> plansim.plot.discovery_sheet(found, model).axes[0].get_title(loc="left")
    'F1  Fish in the lake'
    """
    text = read_text(Lang(lang))
    drawn = [one for one in found if one.boxes]
    if not drawn:
        raise InputError("there is no corner to draw: no target has one")
    with canvas.style():
        figure = canvas.ShownFigure(figsize=(9.6, 2.75 * len(drawn) + 0.7))
        grid = figure.subplots(len(drawn), 2, squeeze=False, gridspec_kw={"width_ratios": [1, 1.5]})
        for (left, right), one in zip(grid, drawn, strict=True):
            _peeling(left, one, text)
            _ranges(right, one.boxes[0], model, text)
        source = text.pick(drawn[0].title_en, drawn[0].title_zh)
        heads = text("discover.sheet", source=source)
        figure.suptitle(canvas.typeset(heads), x=0.01, ha="left")
    return figure


def _peeling(axes: Axes, found: Discovery, text: Text) -> None:
    """Draw density against coverage along a peeling, the chosen box and its test among others."""
    box = found.boxes[0]
    way = box.peeling
    hues = canvas.colours()
    axes.plot(way.coverage * 100, way.density * 100, color=PALE, zorder=1)
    for count in sorted(set(way.restricted.tolist())):
        rows = way.restricted == count
        axes.plot(
            way.coverage[rows] * 100, way.density[rows] * 100, "o", ms=3.5,
            color=(canvas.GREY, hues[0], hues[1], hues[2])[min(count, 3)],
            label=text("discover.restricted", count=count),
        )  # fmt: skip
    axes.plot(
        box.coverage * 100, box.density * 100, "o", ms=9, mfc="none", mec=canvas.INK, mew=1.6,
        label=text("discover.chosen"),
    )  # fmt: skip
    if box.test is not None and box.test.members:
        ends = [
            [(box.test.density - box.test.low) * 100],
            [(box.test.high - box.test.density) * 100],
        ]
        axes.errorbar(
            [box.test.coverage * 100], [box.test.density * 100], yerr=ends, fmt="D", ms=4.5,
            color=hues[3], elinewidth=1, label=text("discover.fresh_key"),
        )  # fmt: skip
    axes.set_xlim(-3, 104)
    axes.set_ylim(0, 104)
    axes.set_xlabel(text("discover.coverage_axis"), loc="left")
    axes.set_ylabel(text("discover.density_axis"))
    name = canvas.wrapped(canvas.typeset(text.name(found)), 40)
    key = "discover.holds_note" if found.outcome is Outcome.HOLDS else "discover.fails_note"
    canvas.head(axes, f"{found.target}  {name}", text(key, share=of_hundred(found.failing)))
    axes.legend(loc="lower left", fontsize=7, handletextpad=0.3, borderaxespad=0.1)


def _ranges(axes: Axes, box: FailureBox, model: Model, text: Text) -> None:
    """Draw each limit as the part of the range that the corner leaves."""
    names = []
    for row, limit in enumerate(box.asked):
        factor = limit.factor
        name = constants_name(factor.constants, model, text) or text.pick(
            factor.name, factor.name_zh
        )
        unit = "" if limit.unit == "Dmnl" else f" ({canvas.typeset(text.unit(limit.unit))})"
        names.append(canvas.wrapped(canvas.typeset(name), 26) + unit)
        low, high = _span(limit)
        inside = [
            low if limit.low is None else limit.low,
            high if limit.high is None else limit.high,
        ]
        first, last = np.clip((np.array(inside) - low) / (high - low or 1.0), 0, 1)
        axes.barh(row, 1, height=0.34, color=OUTSIDE, linewidth=0)
        axes.barh(row, last - first, left=first, height=0.34, color=INSIDE, linewidth=0)
        for end, at in ((limit.low, first), (limit.high, last)):
            if end is not None:
                axes.text(at, row - 0.22, f"{end:.4g}", ha="center", va="bottom", fontsize=8,
                          color=canvas.darker(INSIDE))  # fmt: skip
        frequency = text("discover.found_in", count=of_hundred(limit.frequency))
        below = (f"{low:.4g}", frequency, f"{high:.4g}")
        for place, words, side in zip((0, 0.5, 1), below, ("left", "center", "right"), strict=True):
            axes.text(place, row + 0.22, words, ha=side, va="top", fontsize=7, color=canvas.GREY)
    canvas.name_rows(axes, names, least=2)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    canvas.head(axes, text("discover.ranges"))


def _span(limit: Limit) -> tuple[float, float]:
    """Return the range that evidence leaves, else that of the sample."""
    low, high = limit.plausible or (None, None)
    return limit.sampled if low is None or high is None else (low, high)


# --- what is robust -------------------------------------------------------------------------------


def robustness_sheet(result: Robustness, targets: Sequence[Target], lang: str = Lang.EN) -> Figure:
    """Draw what policies meet and forgo, target by target, and their regret.

    ``targets`` of the catalogue give the names.

    >>> model = plansim.load_model("lake.mdl")
    >>> result = plansim.robustness(model, [plansim.as_written(model), "boats.yaml"])
    >>> figure = plansim.plot.robustness_sheet(result, plansim.load_targets(model=model))
    >>> figure.axes[0].get_title(loc="left")
    'Plausible models, of 100, that meet the target'
    """
    text = read_text(Lang(lang))
    policies, ids = result.policies, result.binding
    names = {target.id: text.name(target) for target in targets}
    titles = [
        canvas.wrapped(canvas.typeset(shortened(text.title(p) or p.policy, 54)), 30)
        for p in policies
    ]
    forgone = np.array([[100 * p.forgone[id_] for id_ in ids] for p in policies])
    with canvas.style():
        height = 0.42 * len(policies) + 2.9
        figure = canvas.ShownFigure(figsize=(3.6 + 0.5 * len(ids) + 2.6, height))
        cells, regret = figure.subplots(
            1, 2, gridspec_kw={"width_ratios": [0.5 * len(ids) + 0.5, 2.6]}, sharey=True
        )
        shown = cells.imshow(forgone, cmap=FORGONE, vmin=0, vmax=100, aspect="auto")
        for row, policy in enumerate(policies):
            for column, id_ in enumerate(ids):
                hue = "white" if forgone[row, column] > 55 else canvas.INK
                share = of_hundred(policy.met[id_])
                cells.text(column, row, str(share), ha="center", va="center", fontsize=8, color=hue)
        canvas.name_rows(cells, titles)
        cells.set_ylim(len(policies) - 0.5, -0.5)
        cells.grid(visible=False)
        heads = [canvas.wrapped(canvas.typeset(names[id_]), 24) for id_ in ids]
        cells.set_xticks(range(len(ids)), heads, rotation=50, ha="right", rotation_mode="anchor")
        cells.tick_params(axis="x", labelsize=7, labelcolor=canvas.INK, length=0)
        for label, id_ in zip(cells.get_xticklabels(), ids, strict=True):
            label.set_color(canvas.INK if id_ in result.named else FAINT)
        is_part = bool(set(ids) - set(result.named))
        canvas.head(
            cells, text("robust.cells"), text("robust.cells_note") if is_part else "", pad=22
        )
        _regrets(regret, result, text)
        where = {"location": "bottom", "fraction": 0.04, "aspect": 50, "pad": 0.02}
        canvas.colour_bar(shown, cells, text("robust.forgone"), **where)
        figure.suptitle(text("robust.sheet", members=result.members), x=0.01, ha="left")
    return figure


def _regrets(axes: Axes, result: Robustness, text: Text) -> None:
    hue = canvas.colours()[1]
    for row, policy in enumerate(result.policies):
        one = policy.regret_targets
        axes.plot([0, one.largest], [row, row], color=PALE, linewidth=1.2, zorder=0)
        axes.barh(row, one.upper, height=0.5, color=hue, alpha=0.35, linewidth=0)
        axes.barh(row, one.mean, height=0.5, color=hue, linewidth=0)
        axes.plot([one.largest], [row], "|", color=canvas.GREY, ms=8, mew=1.4)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(axis="y", labelleft=False)
    canvas.head(axes, text("robust.regret_title"), text("robust.regret_note"), pad=22)


# --- what to watch --------------------------------------------------------------------------------


def signpost_sheet(signs: Sequence[Signpost], lang: str = Lang.EN) -> Figure:
    """Draw, for each target, the area under the curve of its best statistics by year.

    Raises:
        InputError: no target is met by some members and missed by others.

    >>> signs = plansim.signposts(plansim.load_model("lake.mdl"), "boats.yaml", members=64)
    >>> plansim.plot.signpost_sheet(signs, lang="zh").axes[0].get_title(loc="left")
    'F1  湖中鱼量'
    """
    text = read_text(Lang(lang))
    targets = list(dict.fromkeys(sign.target for sign in signs))
    if not targets:
        raise InputError("there is nothing to draw: no target is open")
    with canvas.style():
        columns = min(len(targets), 2)
        figure = canvas.ShownFigure(
            figsize=(6.2 * columns, 2.7 * -(-len(targets) // columns) + 0.6)
        )
        for axes, target in zip(
            canvas.panels_in(figure, len(targets), columns), targets, strict=True
        ):
            _areas(axes, [sign for sign in signs if sign.target == target], text)
        figure.suptitle(text("signposts.sheet"), x=0.01, ha="left")
    return figure


def _areas(axes: Axes, signs: Sequence[Signpost], text: Text) -> None:
    years = sorted({sign.year for sign in signs})
    best = sorted((s for s in signs if s.year == years[-1]), key=lambda sign: -sign.area)
    chosen = list(dict.fromkeys(sign.statistic for sign in best))[:MOST_SIGNS]
    lines = {name: {sign.year: sign for sign in signs if sign.statistic == name} for name in chosen}
    heights = canvas.spread([lines[name][years[-1]].area for name in chosen], GAP)
    heights = [height + max(0.0, 0.5 - min(heights)) for height in heights]
    axes.axhline(USEFUL, color=canvas.GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    for (name, line), hue, height in zip(lines.items(), canvas.colours(), heights, strict=False):
        drawn = sorted(line)
        areas = np.array([line[year].area for year in drawn])
        errors = np.array([line[year].area_error for year in drawn])
        if name == chosen[0]:
            axes.fill_between(drawn, areas - errors, areas + errors, color=hue, alpha=0.15, lw=0)
        axes.plot(drawn, areas, color=hue, marker="o", ms=3.5)
        sign = line[years[-1]]
        words = canvas.wrapped(canvas.typeset(text.pick(sign.statistic_en, sign.statistic_zh)), 44)
        axes.annotate(
            words.split("\n")[0] + ("…" if "\n" in words else ""), (years[-1], height),
            xytext=(8, 0), textcoords="offset points", va="center", fontsize=7.5,
            color=canvas.darker(hue), annotation_clip=False,
        )  # fmt: skip
    axes.set_ylim(0.48, 1.02)
    axes.set_xticks(years, [str(year) for year in years])
    axes.set_xlim(years[0] - 0.15, years[-1] + 0.15)
    axes.set_ylabel(text("signposts.axis"))
    first = signs[0]
    name = canvas.wrapped(canvas.typeset(text.name(first)), 48)
    met = text("signposts.met_in", count=of_hundred(first.share))
    canvas.head(axes, f"{first.target}  {name}", met)
