"""A chart over years: lines with bands, targets as marks, and the labels of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.markers import CARETDOWNBASE, CARETUPBASE
from matplotlib.patheffects import withStroke
from rich.cells import cell_len

from plansim.output.figures import canvas
from plansim.output.series import Mark, Series, mark_label
from plansim.output.words.text import Text
from plansim.output.words.wrapping import shortened, wrap

__all__ = ["Line", "draw_chart", "label_ends", "looks_of"]

DASHES = ("-", "--", "-.", ":")
"""Tell lines apart in grey print, where colours are lost."""
SHADES = (0.18, 0.3)
"""How dense bands are, the broadest first."""
MARK = 9
"""Size of a target's mark on a large chart, in points."""
MOST_ASKED = 34
"""Columns, a Chinese character being two, that say above a small chart what targets ask."""
LABEL, FEW = 28, 4
"""Columns of a label at the end of one of few lines; with more of them a label has one line."""
FLATTEST = 0.04
"""A vertical axis covers at least this share of the values on it: less would be a lens on noise."""


@dataclass(frozen=True)
class Line:
    """A series of a chart and the bands about it, the broadest first, each from its lower end."""

    series: Series
    bands: Sequence[tuple[Series, Series]] = ()


def looks_of(count: int) -> list[tuple[str, str]]:
    """Return a colour and a kind of dash for each of some lines, in the order of `style`."""
    hues = canvas.colours()
    return [(hues[i % len(hues)], DASHES[i % len(DASHES)]) for i in range(count)]


def draw_chart(
    axes: Axes,
    lines: Sequence[Line],
    marks: Sequence[tuple[Mark, str]],
    text: Text,
    *,
    small: bool = False,
) -> None:
    """Draw lines with their bands, and the marks of targets in their colours, within `style`.

    Between two lines without bands the area is shaded. Where years are left out, dots and bars
    mark those that are there. A small chart names its targets above, a large one beside marks.
    """
    for line, (hue, dash) in zip(lines, looks_of(len(lines)), strict=True):
        values = line.series.values
        for band, shade in zip(line.bands, SHADES, strict=False):
            _draw_band(axes, band, hue, shade)
        marker = "" if _in_sequence(list(values)) else "o"
        axes.plot(list(values), list(values.values()), color=hue, ls=dash, marker=marker, ms=3.5)
    if len(lines) == 2 and not any(line.bands for line in lines):
        first, second = (line.series.values for line in lines)
        both = sorted(first.keys() & second.keys())
        low, high = ([values[year] for year in both] for values in (first, second))
        axes.fill_between(both, low, high, color=canvas.GREY, alpha=0.15, linewidth=0)
    years = [year for line in lines for year in line.series.values]
    canvas.year_axis(axes, min(years), max(years))
    for mark, hue in marks:
        _draw_mark(axes, mark, hue, 6.5 if small else MARK)
    canvas.plain_numbers(axes, 4 if small else 6)
    _widen(axes)
    series = lines[0].series
    name = text.pick(series.name, series.name_zh)
    canvas.name_axes(axes, name, text.unit(series.unit), columns=34 if small else 60)
    if small:
        asked = list(dict.fromkeys(mark_label(mark.target, text) for mark, _ in marks))
        words = text.join(asked[:2])
        canvas.note_above(axes, asked[0] if cell_len(words) > MOST_ASKED else words, size=7.5)
    else:
        _label_marks(axes, [mark for mark, _ in marks], series, text)


def _in_sequence(years: Sequence[int]) -> bool:
    """Whether no year is left out between the first and the last of several."""
    return len(years) > 1 and years[-1] - years[0] == len(years) - 1


def _draw_band(axes: Axes, band: tuple[Series, Series], hue: str, shade: float) -> None:
    years = list(band[0].values)
    low, high = (list(end.values.values()) for end in band)
    if _in_sequence(years):
        axes.fill_between(years, low, high, color=hue, alpha=shade, linewidth=0)
    else:
        axes.vlines(years, low, high, color=hue, alpha=2 * shade, linewidth=5)


def _draw_mark(axes: Axes, mark: Mark, hue: str, size: float) -> None:
    """Draw a target: an arrowhead towards where it is met, and the years that it covers."""
    for level, marker in ((mark.low, CARETUPBASE), (mark.high, CARETDOWNBASE)):
        if level is None:
            continue
        axes.plot(mark.year, level, marker=marker, ms=size, color=hue, mec="white", mew=0.6,
                  ls="", zorder=4, clip_on=False)  # fmt: skip
        if mark.until > mark.year:
            axes.plot([mark.year, mark.until], [level] * 2, color=hue, lw=1, ls=(0, (1, 2)))
        if mark.first < mark.year:
            axes.plot([mark.first, mark.year], [level] * 2, color=hue, lw=1.2)


def _widen(axes: Axes) -> None:
    """Widen the vertical axis to `FLATTEST`, so that small differences look small."""
    low, high = axes.get_ylim()
    least = FLATTEST * max(abs(low), abs(high))
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)


# --- labels ---------------------------------------------------------------------------------------


def _label_marks(axes: Axes, marks: Sequence[Mark], series: Series, text: Text) -> None:
    """Write what each target asks for on the side of its mark where it is missed.

    Targets of one year and direction share a text, at the outermost of their marks; it runs to the
    left or right, to where a series leaves room.
    """
    values = [value for value in series.values.values() if math.isfinite(value)]
    rising = bool(values) and values[-1] >= values[0]
    first, last = axes.get_xlim()

    def position(mark: Mark) -> tuple[int, bool]:
        return mark.year, mark.low is not None

    for (year, upward), group in groupby(sorted(marks, key=position), position):
        same = list(group)
        lines = list(dict.fromkeys(mark_label(mark.target, text) for mark in same))
        levels = [level for mark in same for level in (mark.low, mark.high) if level is not None]
        right = (rising == upward or year < first + 3) and year < last - 3
        axes.annotate(
            canvas.typeset("\n".join(lines)),
            (year, min(levels) if upward else max(levels)),
            (-4 if right else 4, -5 if upward else 5),
            textcoords="offset points",
            ha="left" if right else "right",
            va="top" if upward else "bottom",
            fontsize=8,
            color=canvas.INK,
            path_effects=[withStroke(linewidth=canvas.HALO, foreground="white")],
            zorder=5,
        )


def label_ends(axes: Axes, series: Sequence[Series], names: Sequence[str]) -> None:
    """Write each run's title where its line ends, the titles apart from one another."""
    ends = [list(line.values.items())[-1] for line in series]
    low, high = axes.get_ylim()
    points = axes.get_window_extent().height * 72 / canvas.figure_of(axes).dpi
    columns = LABEL if len(names) <= FEW else 2 * LABEL
    labels = ["\n".join(wrap(shortened(name, 50), columns)) for name in names]
    gap = (high - low) * (22 if any("\n" in label for label in labels) else 12) / points
    heights = canvas.spread([value if math.isfinite(value) else low for _, value in ends], gap)
    for (year, _), height, label, (hue, _) in zip(
        ends, heights, labels, looks_of(len(series)), strict=True
    ):
        axes.annotate(
            label, (year, height), (8, 0), textcoords="offset points", va="center",
            color=canvas.darker(hue), linespacing=1.1, annotation_clip=False,
        )  # fmt: skip
