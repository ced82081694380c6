"""One series against another."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from plansim.plan.targets import Target
from plansim.present.figure import GREY, name_axes, new_axes, plain_numbers, style, typeset
from plansim.present.marks import series_in
from plansim.present.plot_lines import (
    Runs,
    dashes_of,
    halo,
    hues_of,
    listed_runs,
    shown_name,
    titles,
)
from plansim.present.text import Lang, read_text

__all__ = ["phase"]


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
        for later, (run, (hue, dash)) in enumerate(zip(listed, looks, strict=True)):
            x, y = (series_in(run, each, wanted) for each in (across, upward))
            places = {
                year: (x.values[year], y.values[year]) for year in x.values if year in y.values
            }
            dots = [year for year in places if year % 5 == 0 or year == max(places)]
            axes.plot(*zip(*places.values(), strict=True), color=hue, ls=dash)
            axes.plot(*zip(*(places[year] for year in dots), strict=True), "o", color=hue, ms=4)
            # The first year is the same for all, or nearly so: its number is written once.
            for year in dots[bool(later) :]:
                axes.annotate(
                    str(year), places[year], (5, 4) if later else (-5, -10),
                    textcoords="offset points",
                    ha="left" if later else "right", fontsize=7.5, color=GREY, path_effects=halo(),
                )  # fmt: skip
        axes.set_xlabel(typeset(f"{shown_name(x, text)} ({text.unit(x.unit)})"))
        axes.margins(0.06)
        axes.grid(visible=True, axis="both")
        name_axes(axes, shown_name(y, text), text.unit(y.unit))
        plain_numbers(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(axes.yaxis.get_major_formatter())
        if len(listed) > 1:
            lines = [Line2D([], [], color=hue, ls=dash) for hue, dash in looks]
            axes.legend(lines, titles(listed, text), loc="best", labelcolor="linecolor")
    return axes
