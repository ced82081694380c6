"""Pictures of the page on the tests: history beside the model, and ranges of the targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from plansim.analysis.validation.history import HistorySeries
from plansim.analysis.validation.parameters import TargetRange
from plansim.output.figures.canvas import (
    GREY,
    INK,
    colours,
    name_axes,
    name_rows,
    panels_in,
    plain_numbers,
    style,
    typeset,
    wrapped,
    year_axis,
)
from plansim.output.text import Text
from plansim.targets.catalogue import Status
from plansim.targets.verdict import margin_of

__all__ = ["history_sheet", "ranges_chart"]

_ACROSS = 3
_GOOD, _BAD = "#0072B2", "#D55E00"
_FINE = 10.0
"""Per cent of a target up to which margins are drawn evenly, and by their logarithm beyond."""
_TICKS = (-300, -100, -30, -10, -5, 0, 5, 10, 30, 100, 300)


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


def ranges_chart(ranges: Sequence[TargetRange], text: Text) -> Figure:
    """Draw the margin of each binding target, and where one constant at a time takes it."""
    with style():
        sheet = Figure(figsize=(8.0, 0.36 * len(ranges) + 1.3), layout="constrained")
        axes = sheet.subplots()
        axes.axvline(0, color=INK, linewidth=1)
        for row, ranged in enumerate(ranges):
            ends = [end for effect in ranged.effects for end in (effect.low, effect.high)]
            places = _margins(ranged, [ranged.value, *ends])
            hue = _GOOD if ranged.status is Status.MET else _BAD
            axes.plot([places.min(), places.max()], [row, row], color=hue, alpha=0.35, linewidth=4)
            axes.plot(places[1:], np.full(len(ends), row), "|", color=GREY, markersize=7, alpha=0.6)
            axes.plot(places[:1], [row], "o", color=hue, markersize=6, zorder=3)
        names = [
            f"{ranged.target.id}  "
            + wrapped(typeset(text.pick(ranged.target.name_en, ranged.target.name_zh)), 60)
            for ranged in ranges
        ]
        name_rows(axes, [name.partition("\n")[0] for name in names])
        axes.set_xscale("symlog", linthresh=_FINE, linscale=1.5)
        low, high = axes.get_xlim()
        axes.set_xticks([tick for tick in _TICKS if low <= tick <= high])
        axes.xaxis.set_major_formatter(FuncFormatter(_signed))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(text("validation_page.margin"))
        sheet.supxlabel(
            wrapped(text("validation_page.hangs_picture"), 110), fontsize=7.5, color=GREY
        )
    return sheet


def _margins(
    of: TargetRange, values: Sequence[float]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return margins in per cent of the target: ``(value,)``."""
    assert of.target.value is not None
    margins = margin_of(np.array(values, dtype=np.float64), of.target)
    size = abs(of.target.value) or 1.0
    return np.asarray(margins / size * 100)


def _signed(value: float, position: int | None = None) -> str:
    """Write the margin at a tick.

    >>> _signed(5.0), _signed(0.0), _signed(-30.0)
    ('+5', '0', '−30')
    """
    return "0" if value == 0 else f"{value:+.0f}".replace("-", "−")
