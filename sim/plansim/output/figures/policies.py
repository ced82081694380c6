"""Sets of policies: their aims, the levers they move, and how far searches came."""

from __future__ import annotations

import itertools
import math
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
from plansim.output.words.text import Lang, Text, read_text
from plansim.scenario.factors import FloatArray

__all__ = ["policy_sheet"]

HUE = "#0072B2"
"""Of policies without a third aim."""
RAMP = "viridis_r"
"""Map of colours of the third aim."""
MOST_LEVERS = 16
"""Levers that are drawn."""
STILL = 0.02
"""A lever that no policy moves by so much of its range is not drawn."""
NAME_SIZE = 7
RISES = (0, 9, -9, 18, -18, 27, -27, 36, -36)
"""Size of names of scenarios beside their points, and how far above or below they may stand."""


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
        figure.set_layout_engine("constrained", hspace=0.06, wspace=0.05)
        heights = [4.2, below] if moved else [4.2]
        grid = figure.add_gridspec(len(heights), 2, width_ratios=[2.2, 1], height_ratios=heights)
        plane = figure.add_subplot(grid[0, 0])
        _aims(figure, plane, result, text)
        _search(figure.add_subplot(grid[0, 1]), result, text)
        if moved:
            _levers(figure, figure.add_subplot(grid[1, :]), result, moved, text)
        title = text.pick(result.scenario.title_en, result.scenario.title_zh) or result.scenario.id
        figure.suptitle(text("policies.sheet", scenario=canvas.typeset(title)), x=0.01, ha="left")
        _name_points(plane, (result.start, *result.shipped), *result.aims[:2])
    return figure


def _shown(aim: Aim, value: float) -> float:
    return value if aim in (Aim.MET, Aim.COST) else value * 100


def _label(aim: Aim, text: Text) -> str:
    match aim:
        case Aim.GROWTH:
            return text("policies.growth_axis")
        case Aim.SHARE:
            return text("policies.share_axis")
        case Aim.MET:
            return text("policies.met_axis")
        case Aim.EFFORT:
            return text("policies.effort_axis")
        case Aim.COST:
            return text("policies.cost_axis")


def _column(points: Sequence[PolicyPoint], aim: Aim) -> FloatArray:
    return np.array([_shown(aim, point.aims[aim]) for point in points])


def _aims(figure: Figure, axes: Axes, result: PolicySet, text: Text) -> None:
    first, second, *others = result.aims
    x, y = _column(result.points, first), _column(result.points, second)
    third = _column(result.points, others[0]) if others else None
    hue: dict[str, Any] = {"color": HUE} if third is None else {"c": third, "cmap": RAMP}
    shown = axes.scatter(x, y, s=26, linewidths=0, **hue)
    beside = (result.start, *result.shipped)
    for point, mark in zip(beside, itertools.chain("s", itertools.repeat("D")), strict=False):
        axes.plot(
            _shown(first, point.aims[first]), _shown(second, point.aims[second]), mark, ms=5.5,
            mfc="white", mec=canvas.INK, mew=1.1,
        )  # fmt: skip
    axes.set_xlabel(_label(first, text), loc="left")
    axes.set_ylabel(_label(second, text))
    axes.grid(visible=True, axis="both")
    axes.set_title(text("policies.aims_title", count=len(result.points)), pad=16, color=canvas.INK)
    canvas.note_above(axes, text("policies.aims_note", fresh=result.fresh), left=True)
    if third is not None:
        bar = figure.colorbar(shown, ax=axes, location="right", aspect=30, pad=0.01)
        bar.set_label(_label(others[0], text), fontsize=7.5)
        bar.outline.set_visible(False)


def _name_points(axes: Axes, points: Sequence[PolicyPoint], first: Aim, second: Aim) -> None:
    """Write a name beside each point, at the nearest of some places where it covers no other."""
    figure = canvas.figure_of(axes)
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    places = [(_shown(first, p.aims[first]), _shown(second, p.aims[second])) for p in points]
    spots = axes.transData.transform(places) * scale
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in spots]
    frame = np.asarray(axes.get_window_extent().extents) * scale
    for point, place, (x, y) in zip(points, places, spots, strict=True):
        width = NAME_SIZE * 0.56 * len(point.name)
        best, fewest = (7.0, 0.0), math.inf
        for (side, shift), rise in itertools.product(((7, 0), (-7, -width)), RISES):
            left = x + side + shift
            box = (left, y + rise - NAME_SIZE / 2, left + width, y + rise + NAME_SIZE / 2)
            outside = box[0] < frame[0] or box[2] > frame[2] or box[1] < frame[1]
            covered = sum(_overlap(box, other) for other in taken) + 9 * outside + abs(rise) / 100
            if covered < fewest:
                best, fewest, chosen = (side, rise), covered, box
        taken.append(chosen)
        line = {"arrowstyle": "-", "color": canvas.GREY, "lw": 0.5}
        axes.annotate(
            point.name, place, xytext=best, textcoords="offset points", fontsize=NAME_SIZE,
            color=canvas.INK, va="center", ha="left" if best[0] > 0 else "right",
            arrowprops=line if abs(best[1]) > 9 else None,
        )  # fmt: skip


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _search(axes: Axes, result: PolicySet, text: Text) -> None:
    generations = np.arange(1, result.hypervolumes.shape[1] + 1)
    for line in result.hypervolumes:
        axes.plot(generations, line, linewidth=1.3, alpha=0.85)
    axes.set_ylim(0, max(1.1 * float(result.hypervolumes.max(initial=0.0)), 0.01))
    axes.set_xlabel(text("policies.generation_axis"), loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_title(text("policies.search_title"), pad=16, color=canvas.INK)
    canvas.note_above(axes, text("policies.search_note", seeds=len(result.hypervolumes)), left=True)


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


def _levers(
    figure: Figure, axes: Axes, result: PolicySet, moved: Sequence[int], text: Text
) -> None:
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
        ends = "–".join(f"{end * lever.shown_factor:.3g}" for end in (lever.low, lever.high))
        unit = (
            "" if lever.shown_unit == "Dmnl" else f" {canvas.typeset(text.unit(lever.shown_unit))}"
        )
        axes.annotate(
            ends + unit, (1, row), xycoords=axes.get_yaxis_transform(), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=7, color=canvas.GREY,
            annotation_clip=False,
        )  # fmt: skip
    axes.set_title(text("policies.levers_title"), pad=16, color=canvas.INK)
    canvas.note_above(axes, text("policies.levers_note"), left=True)
    mappable = mpl.cm.ScalarMappable(norm, colour)
    bar = figure.colorbar(mappable, ax=axes, location="bottom", fraction=0.03, aspect=60, pad=0.02)
    bar.set_label(_label(second, text), fontsize=7.5)
    bar.outline.set_visible(False)


def _part(low: float, high: float, value: float) -> float:
    return (value - low) / ((high - low) or 1.0)
