"""Main drivers of the uncertainty of targets: bars of total indices, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plansim.analysis.sensitivity.study import Drivers, Index, Sensitivity
from plansim.errors import Fault, InputError
from plansim.output.figures.canvas import (
    GREY,
    INK,
    ShownFigure,
    name_rows,
    new_axes,
    note_above,
    panels_in,
    style,
    typeset,
    wrapped,
)
from plansim.output.words.text import Lang, Text, figure, read_text

__all__ = ["driver_sheet", "drivers"]

WITH, AGAINST, OTHERS = "#0072B2", "#D55E00", "#BBBBBB"
"""A factor that raises the margin, one that lowers it, and all that were screened out."""
HATCH = "////"
"""Tells those that lower the margin where colours are not seen."""
NAME = 24
"""Columns of a factor's name before it is broken."""


def drivers(result: Drivers, *, axes: Axes | None = None, lang: str = Lang.EN) -> Axes:
    """Draw the main drivers of one target, and all factors that were screened out as one bar.

    A bar is the total index in per cent of the margin's variance, its dark part the first index;
    the line is the 95 % interval of the total.

    >>> study = plansim.sobol(plansim.load_model("lake.mdl"), "design.yaml", trajectories=4)
    >>> plansim.plot.drivers(study.drivers[0]).get_title(loc="left")
    'F1  Fish in the lake'
    """
    text = read_text(Lang(lang))
    bars: list[Index] = [*result.main, *([result.rest] if result.rest else [])]
    with style():
        axes = axes or new_axes(5.2, 2.6)
        for row, index in enumerate(bars):
            hue = OTHERS if not index.factor else WITH if index.effect >= 0 else AGAINST
            total, first = (
                max(index.total, 0.0) * 100,
                max(min(index.first, index.total), 0.0) * 100,
            )
            hatch = HATCH if hue == AGAINST else None
            look: dict[str, Any] = {"facecolor": hue, "edgecolor": "white", "hatch": hatch}
            look |= {"height": 0.68, "linewidth": 0}
            axes.barh(row, total, alpha=0.4, **look)
            axes.barh(row, first, **look)
            ends = [max(end, 0.0) * 100 for end in (index.total_low, index.total_high)]
            axes.plot(ends, [row, row], color=INK, linewidth=1, solid_capstyle="butt")
        name_rows(axes, [_name(index, text) for index in bars], least=5, size=7.5)
        axes.set_xlim(0, 100)
        axes.set_xticks([0, 25, 50, 75, 100])
        title = wrapped(typeset(text.pick(result.target.name_en, result.target.name_zh)), 52)
        head = f"{result.target.id}  {title}"
        axes.set_title(head, color=INK, pad=16, fontsize=9)
        size = figure(result.spread, 2 if result.spread < 10 else 1)
        words = text("sensitivity.caption", size=size, unit=typeset(text.unit(result.target.unit)))
        note_above(axes, words, left=True, size=7.5)
        if not bars:
            axes.text(
                50, 2, text("sensitivity.still"), ha="center", va="center", color=GREY, fontsize=8
            )
    return axes


def _name(index: Index, text: Text) -> str:
    named = text.pick(index.factor, index.factor_zh) or text("sensitivity.rest")
    return wrapped(typeset(named), NAME)


def driver_sheet(result: Sensitivity, lang: Lang, *, ids: Sequence[str] = ()) -> Figure:
    """Draw the main drivers of each binding target, or of those with ``ids``, two a row.

    Raises:
        InputError: there is nothing to draw.
    """
    text = read_text(lang)
    scenario = result.design.scenarios[0]
    chosen = [driver for driver in result.drivers if not ids or driver.target.id in ids]
    if not chosen:
        raise InputError(Fault("no binding target is judged, of which drivers could be drawn"))
    columns = min(len(chosen), 2)
    rows = -(-len(chosen) // columns)
    with style():
        whole = ShownFigure(figsize=(5.4 * columns, 2.05 * rows + 0.9))
        whole.set_layout_engine("constrained", hspace=0.05, wspace=0.04)
        panels = panels_in(whole, len(chosen), columns)
        for drawn, axes in zip(chosen, panels, strict=True):
            drivers(drawn, axes=axes, lang=lang)
        title = text.pick(scenario.title_en, scenario.title_zh) or scenario.id
        whole.suptitle(text("sensitivity.sheet", scenario=title), x=0.01, ha="left")
        _key(whole, text)
    return whole


def _key(whole: Figure, text: Text) -> None:
    handles: list[Patch | Line2D] = [
        Patch(facecolor=WITH),
        Patch(facecolor=AGAINST, hatch=HATCH, edgecolor="white", linewidth=0),
        Patch(facecolor=OTHERS),
        Patch(facecolor=INK, alpha=0.4),
        Line2D([], [], color=INK, linewidth=1),
    ]
    keys = ("raises", "lowers", "rest", "together", "interval_key")
    words = [text.word("sensitivity", key) for key in keys]
    with mpl.rc_context({"legend.handlelength": 1.4}):
        whole.legend(handles, words, loc="outside lower left", ncols=len(words), fontsize=7.5)
