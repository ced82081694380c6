"""One series against another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from plansim.output.figures.canvas import GREY, name_axes, new_axes, plain_numbers, style, typeset
from plansim.output.figures.lines import (
    Runs,
    dashes_of,
    halo,
    hues_of,
    listed_runs,
    shown_name,
    titles,
)
from plansim.output.marks import series_in
from plansim.output.text import Lang, read_text
from plansim.targets.catalogue import Target

__all__ = ["phase"]

Places: TypeAlias = Mapping[int, tuple[float, float]]
AWAY = 6.0
"""Of a year from its dot, in points."""
SLANT = 0.38
"""Below this part of it a year is centred on its dot."""
LOWER = (-1.0, -1.5)


def phase(
    runs: Runs,
    across: str,
    upward: str,
    targets: Iterable[Target] = (),
    *,
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw one series against another, a dot every fifth year; targets only decide the units.

    Raises:
        UnknownNameError: a run holds no such series.
    """
    text, listed, wanted = read_text(Lang(lang)), listed_runs(runs), list(targets)
    with style():
        axes = axes or new_axes(6.5, 4.6)
        looks = list(zip(hues_of(len(listed)), dashes_of(len(listed)), strict=True))
        labelled: list[tuple[Places, list[int]]] = []
        for later, (run, (hue, dash)) in enumerate(zip(listed, looks, strict=True)):
            x, y = (series_in(run, each, wanted) for each in (across, upward))
            places = {
                year: (x.values[year], y.values[year]) for year in x.values if year in y.values
            }
            dots = [year for year in places if year % 5 == 0 or year == max(places)]
            axes.plot(*zip(*places.values(), strict=True), color=hue, ls=dash)
            axes.plot(*zip(*(places[year] for year in dots), strict=True), "o", color=hue, ms=4)
            # The first year is the same for all, or nearly so: its number is written once.
            labelled.append((places, dots[bool(later) :]))
        axes.set_xlabel(typeset(f"{shown_name(x, text)} ({text.unit(x.unit)})"))
        axes.margins(0.06)
        axes.grid(visible=True, axis="both")
        name_axes(axes, shown_name(y, text), text.unit(y.unit))
        plain_numbers(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(axes.yaxis.get_major_formatter())
        for later, (held, years) in enumerate(labelled):
            _label_years(axes, held, years, below=not later)
        if len(listed) > 1:
            lines = [Line2D([], [], color=hue, ls=dash) for hue, dash in looks]
            axes.legend(lines, titles(listed, text), loc="best", labelcolor="linecolor")
    return axes


def _label_years(axes: Axes, places: Places, dots: Sequence[int], *, below: bool) -> None:
    """Write years beside the line, square to its slope at their dots, on one side of it."""
    axes.autoscale_view()  # else slopes are those of axes from 0 to 1
    ways = axes.transData.transform(np.array(list(places.values())))
    order = {year: place for place, year in enumerate(places)}
    for year in dots:
        place = order[year]
        along = ways[min(place + 1, len(ways) - 1)] - ways[max(place - 1, 0)]
        length = float(np.hypot(*along))
        across = np.array([along[1], -along[0]]) / length if length else np.array([0.0, -1.0])
        # Of the two sides the lower one, of a steep line the left one.
        if (float(across @ LOWER) > 0) is not below:
            across = -across
        x, y = (float(each) for each in across)
        axes.annotate(
            str(year), places[year], (AWAY * x, AWAY * y), textcoords="offset points",
            ha="center" if abs(x) < SLANT else "left" if x > 0 else "right",
            va="center" if abs(y) < SLANT else "bottom" if y > 0 else "top",
            fontsize=7.5, color=GREY, path_effects=halo(),
        )  # fmt: skip
