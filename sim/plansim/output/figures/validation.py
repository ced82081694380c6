"""Picture of the page on the tests: history beside the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from plansim.analysis.validation.history import HistorySeries
from plansim.output.figures.canvas import (
    GREY,
    INK,
    colours,
    name_axes,
    panels_in,
    plain_numbers,
    style,
    year_axis,
)
from plansim.output.words.text import Text

__all__ = ["history_sheet"]

_ACROSS = 3


def history_sheet(history: Sequence[HistorySeries], text: Text) -> Figure:
    """Draw each observed series with the model's band and the observations."""
    rows = -(-len(history) // _ACROSS)
    with style():
        sheet = Figure(figsize=(9.0, 2.5 * rows + 0.3), layout="constrained")
        hue = colours()[0]
        for axes, shown in zip(panels_in(sheet, len(history), _ACROSS), history, strict=True):
            own, low, high = (shown.simulated[0], *np.sort(shown.simulated, axis=0)[[0, -1]])
            axes.fill_between(shown.years, low, high, color=hue, alpha=0.2, linewidth=0)
            axes.plot(shown.years, own, color=hue)
            observed = {point.year: point.value for point in shown.series.observations}
            axes.plot([*observed], [*observed.values()], "o", color=INK, markersize=4)
            name = text.pick(shown.series.en, shown.series.zh).partition(" (")[0].partition("（")[0]
            name_axes(axes, name, text.unit(shown.series.unit), columns=34)
            least, most = min(*low, *observed.values()), max(*high, *observed.values())
            room = max(0.12 * (most - least), 0.02 * most)
            axes.set_ylim(least - room, most + room)
            plain_numbers(axes, 4)
            year_axis(axes, shown.years[0], shown.years[-1])
        sheet.supxlabel(text("validation_page.past_picture"), fontsize=8, color=GREY)
    return sheet
