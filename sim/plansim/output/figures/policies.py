"""Sets of policies: their aims, the levers they move, and how far searches came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from plansim.analysis.decisions.policies import PolicyPoint, PolicySet
from plansim.analysis.decisions.policy_search import Aim
from plansim.output.figures import canvas
from plansim.output.words.text import Lang, Text, four_digits, read_text
from plansim.scenario.factors import FloatArray

__all__ = ["policy_sheet"]

HUE = "#0072B2"
"""Colour of policies without a third aim."""
RAMP = "viridis_r"
"""Map of colours of the third aim."""
MOST_LEVERS = 16
"""Levers that are drawn."""
STILL = 0.02
"""A lever that no policy moves by so much of its range is not drawn."""


def policy_sheet(result: PolicySet, lang: str = Lang.EN) -> Figure:
    """Draw policies by their aims beside scenarios, the levers they move, and the search.

    >>> few = {"seeds": 1, "generations": 4, "members": 16, "fresh": 32}
    >>> result = plansim.policies(plansim.load_model("lake.mdl"), aims=["growth", "met"], **few)
    >>> plansim.plot.policy_sheet(result).axes[1].get_title(loc="left")
    'Hypervolume'
    """
    text = read_text(Lang(lang))
    moved = _moved(result)
    below = 0.27 * len(moved) + 1.6 if moved else 0.0
    with canvas.style():
        figure = canvas.ShownFigure(figsize=(10.4, 4.8 + below))
        heights = [4.2, below] if moved else [4.2]
        grid = figure.add_gridspec(len(heights), 2, width_ratios=[2.2, 1], height_ratios=heights)
        _aims(figure.add_subplot(grid[0, 0]), result, text)
        _search(figure.add_subplot(grid[0, 1]), result, text)
        if moved:
            _levers(figure.add_subplot(grid[1, :]), result, moved, text)
        title = text.pick(result.scenario.title_en, result.scenario.title_zh) or result.scenario.id
        figure.suptitle(text("policies.sheet", scenario=canvas.typeset(title)), x=0.01, ha="left")
    return figure


def _shown(aim: Aim, value: float) -> float:
    return value if aim in (Aim.MET, Aim.COST) else value * 100


def _column(points: Sequence[PolicyPoint], aim: Aim) -> FloatArray:
    return np.array([_shown(aim, point.aims[aim]) for point in points])


def _aims(axes: Axes, result: PolicySet, text: Text) -> None:
    first, second, *others = result.aims
    x, y = _column(result.points, first), _column(result.points, second)
    third = _column(result.points, others[0]) if others else None
    hue: dict[str, Any] = {"color": HUE} if third is None else {"c": third, "cmap": RAMP}
    shown = axes.scatter(x, y, s=26, linewidths=0, **hue)
    hues = canvas.colours()
    for number, point in enumerate((result.start, *result.shipped)):
        at = _shown(first, point.aims[first]), _shown(second, point.aims[second])
        mark = "s" if point is result.start else "Dd"[number // len(hues) % 2]
        rim, name = hues[number % len(hues)], canvas.typeset(point.name)
        axes.plot(*at, mark, ms=6, mfc="white", mec=rim, mew=1.6, ls="", label=name)
    axes.legend(loc="best", fontsize=7)
    axes.set_xlabel(text.word("aim_axis", first), loc="left")
    axes.set_ylabel(text.word("aim_axis", second))
    axes.grid(visible=True, axis="both")
    title = text("policies.aims_title", count=len(result.points))
    canvas.head(axes, title, text("policies.aims_note", fresh=result.fresh))
    if third is not None:
        where = {"location": "right", "aspect": 30, "pad": 0.01}
        canvas.colour_bar(shown, axes, text.word("aim_axis", others[0]), **where)


def _search(axes: Axes, result: PolicySet, text: Text) -> None:
    generations = np.arange(1, result.hypervolumes.shape[1] + 1)
    for line in result.hypervolumes:
        axes.plot(generations, line, linewidth=1.3, alpha=0.85)
    axes.set_ylim(0, max(1.1 * float(result.hypervolumes.max(initial=0.0)), 0.01))
    axes.set_xlabel(text("policies.generation_axis"), loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    note = text("policies.search_note", seeds=len(result.hypervolumes))
    canvas.head(axes, text("policies.search_title"), note)


def _moved(result: PolicySet) -> list[int]:
    """Return the levers that policies move most, in the order of the problem."""
    start = result.start.values
    extents = [
        np.mean([abs(p.values[lever.id] - start[lever.id]) for p in result.points] or [0.0])
        / ((lever.high - lever.low) or 1.0)
        for lever in result.levers
    ]
    order = sorted(range(len(extents)), key=lambda index: -extents[index])[:MOST_LEVERS]
    return sorted(index for index in order if extents[index] > STILL)


def _levers(axes: Axes, result: PolicySet, moved: Sequence[int], text: Text) -> None:
    """Draw policies as lines from lever to lever, each lever across its range."""
    levers = [result.levers[index] for index in moved]
    second = result.aims[1]
    values = _column(result.points, second)
    norm = mpl.colors.Normalize(values.min(), max(values.max(), values.min() + 1))
    colour = mpl.colormaps[RAMP]
    rows = range(len(levers))
    for index in np.argsort(values):
        point = result.points[index]
        places = [_part(lever.low, lever.high, point.values[lever.id]) for lever in levers]
        axes.plot(places, rows, color=colour(norm(values[index])), linewidth=1, alpha=0.6)
    start = [_part(lever.low, lever.high, result.start.values[lever.id]) for lever in levers]
    axes.plot(start, rows, "s", ms=5, mfc="white", mec=canvas.INK, mew=1.2, zorder=5)
    canvas.name_rows(axes, [canvas.typeset(text.name(one)) for one in levers], size=7.5)
    axes.grid(visible=True, axis="both")
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    for row, lever in enumerate(levers):
        ends = "–".join(four_digits(end * lever.shown_factor) for end in (lever.low, lever.high))
        unit = (
            "" if lever.shown_unit == "Dmnl" else f" {canvas.typeset(text.unit(lever.shown_unit))}"
        )
        axes.annotate(
            ends + unit, (1, row), xycoords=axes.get_yaxis_transform(), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=7, color=canvas.GREY,
            annotation_clip=False,
        )  # fmt: skip
    canvas.head(axes, text("policies.levers_title"), text("policies.levers_note"))
    mappable = mpl.cm.ScalarMappable(norm, colour)
    where = {"location": "bottom", "fraction": 0.03, "aspect": 60, "pad": 0.02}
    canvas.colour_bar(mappable, axes, text.word("aim_axis", second), **where)


def _part(low: float, high: float, value: float) -> float:
    return (value - low) / ((high - low) or 1.0)
