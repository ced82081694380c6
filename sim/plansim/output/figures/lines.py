"""Lines over years: one chart, or a panel for each of several series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import CARETDOWNBASE, CARETUPBASE
from matplotlib.patheffects import withStroke
from rich.cells import cell_len

from plansim.output.figures.canvas import (
    GREY,
    HALO,
    INK,
    ShownFigure,
    colours,
    darker,
    figure_of,
    name_axes,
    new_axes,
    plain_numbers,
    spread,
    style,
    typeset,
    year_axis,
)
from plansim.output.marks import Mark, mark_label, marks_on, scaled_mark, series_in
from plansim.output.series import Series
from plansim.output.text import Lang, Text, read_text
from plansim.targets.catalogue import Target, reported_factor

__all__ = [
    "Runs",
    "Shown",
    "dashes_of",
    "draw_mark",
    "halo",
    "hues_of",
    "label_ends",
    "label_marks",
    "listed_runs",
    "not_too_flat",
    "shown_name",
    "small_multiples",
    "titles",
    "trajectories",
]

Runs = xr.Dataset | Sequence[xr.Dataset]


@dataclass(frozen=True)
class Shown:
    """How a series is shown, where not under its own name and in its target's unit."""

    name: str
    unit: str
    """To which that of the series converts."""


DASHES = ("-", "--", "-.", ":")
MOST_ASKED = 34
"""Columns, a Chinese character being two, that say above a small chart what targets ask."""
FLATTEST = 0.04
"""A vertical axis covers at least this share of the values on it: less would be a lens on noise."""


def titles(runs: Sequence[xr.Dataset], text: Text) -> list[str]:
    """Give the titles of runs; where two are the same, with the ids of their scenarios."""
    found = [
        text.pick(each.attrs.get("scenario_title_en"), each.attrs.get("scenario_title_zh"))
        or str(each.attrs.get("scenario", ""))
        for each in runs
    ]
    return [
        f"{title} ({run.attrs.get('scenario', '')})" if found.count(title) > 1 else title
        for title, run in zip(found, runs, strict=True)
    ]


def trajectories(
    runs: Runs,
    variable: str,
    targets: Iterable[Target] = (),
    *,
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw one series under one or more scenarios, with its targets and a label at each line's end.

    ``variable`` is ``name`` or ``name[element]``. Between two scenarios the band is shaded. An
    arrowhead stands on a target's level and points to where it is met; dots carry on the level of a
    binding target to the plan's horizon, a bar covers the years of a sum or a mean. A level that
    follows from a run's own base is drawn for each run where these differ.

    Raises:
        UnknownNameError: a run holds no such series.
    """
    text, listed = read_text(Lang(lang)), listed_runs(runs)
    with style():
        axes = axes or new_axes()
        series = _draw(axes, listed, variable, list(targets), text, mark_size=9, labelled=True)
        label_ends(axes, series, titles(listed, text))
    return axes


def small_multiples(
    runs: Runs,
    variables: Sequence[str],
    targets: Iterable[Target] = (),
    *,
    figure: Figure | None = None,
    columns: int = 3,
    shown: Mapping[str, Shown] = MappingProxyType({}),
    lang: str = Lang.EN,
) -> list[Axes]:
    """Draw a panel for each series, as `trajectories` does, under one key to lines and marks.

    ``shown`` says of some series how they are called and in which unit they are drawn.

    Raises:
        UnknownNameError: a run holds no such series.
        ValueError: no variable is given.
    """
    if not variables:
        raise ValueError("small multiples need a variable")
    text, listed, wanted = read_text(Lang(lang)), listed_runs(runs), list(targets)
    columns = min(columns, len(variables))
    rows = math.ceil(len(variables) / columns)
    with style():
        figure = figure or ShownFigure(figsize=(1.0 + 2.9 * columns, 0.6 + 2.15 * rows))
        grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
        for empty in grid[len(variables) :]:
            empty.remove()
        panels: list[Axes] = grid[: len(variables)]
        for axes, variable in zip(panels, variables, strict=True):
            _draw(axes, listed, variable, wanted, text, mark_size=6.5, labelled=False, columns=34,
                  shown=shown.get(variable))  # fmt: skip
        marked = [mark for each in variables for mark in marks_on(listed[0], each, wanted)]
        _key(figure, listed, marked, text)
        figure.set_layout_engine("constrained", hspace=0.08, wspace=0.05)
    return panels


def listed_runs(runs: Runs) -> list[xr.Dataset]:
    """Give one run or several as a list; ValueError if there is none."""
    found = [runs] if isinstance(runs, xr.Dataset) else list(runs)
    if not found:
        raise ValueError("there is no run to draw")
    return found


def hues_of(count: int) -> list[str]:
    """Give a colour for each of so many lines, in the style's order, within `style`."""
    hues = colours()
    return [hues[place % len(hues)] for place in range(count)]


def dashes_of(count: int) -> list[str]:
    """Give a kind of dash for each of so many lines: colours alone are lost in grey print."""
    return [DASHES[place % len(DASHES)] for place in range(count)]


def shown_name(series: Series, text: Text) -> str:
    """Give the name of a series in the language of the figure, with a capital."""
    name = text.pick(series.name, series.name_zh)
    return name[:1].upper() + name[1:]


# --- a chart over years ---------------------------------------------------------------------------


def _draw(
    axes: Axes,
    runs: Sequence[xr.Dataset],
    variable: str,
    targets: Sequence[Target],
    text: Text,
    *,
    mark_size: float,
    labelled: bool,
    columns: int = 60,
    shown: Shown | None = None,
) -> list[Series]:
    """Draw lines, the band between two, and the marks of targets."""
    series = [series_in(run, variable, targets) for run in runs]
    marks = [marks_on(run, variable, targets) for run in runs]
    title, unit = shown_name(series[0], text), series[0].unit
    if shown is not None:
        factor = reported_factor(unit, shown.unit)
        series = [_scaled(each, factor) for each in series]
        marks = [[scaled_mark(mark, factor) for mark in each] for each in marks]
        title, unit = shown.name, shown.unit
    hues = hues_of(len(runs))
    for each, colour, dash in zip(series, hues, dashes_of(len(runs)), strict=True):
        axes.plot(list(each.values), list(each.values.values()), color=colour, ls=dash)
    if len(series) == 2:
        both = sorted(series[0].values.keys() & series[1].values.keys())
        low, high = ([each.values[year] for year in both] for each in series)
        axes.fill_between(both, low, high, color=GREY, alpha=0.15, linewidth=0)
    years = [year for each in series for year in each.values]
    year_axis(axes, min(years), max(years))
    placed = _distinct(marks, hues)
    for mark, colour in placed:
        draw_mark(axes, mark, colour, mark_size)
    plain_numbers(axes, 6 if labelled else 4)
    not_too_flat(axes)
    name_axes(axes, title, text.unit(unit), columns=columns)
    if labelled:
        label_marks(axes, [mark for mark, _ in placed], series[0], text)
    else:
        asked = list(dict.fromkeys(mark_label(mark.target, text) for mark, _ in placed))
        words = text.join(asked[:2])
        if cell_len(words) > MOST_ASKED:
            words = asked[0]
        axes.text(1.0, 1.015, typeset(words), transform=axes.transAxes,
                  ha="right", va="bottom", fontsize=7.5, color=GREY)  # fmt: skip
    return series


def _scaled(series: Series, factor: float) -> Series:
    return replace(series, values={year: each * factor for year, each in series.values.items()})


def _distinct(by_run: Sequence[Sequence[Mark]], hues: Sequence[str]) -> list[tuple[Mark, str]]:
    """Give the marks to draw: once in ink where the runs agree on the level, else in their hues."""
    found = []
    for same in zip(*by_run, strict=True):
        levels = [each.low if each.low is not None else each.high or 0.0 for each in same]
        if max(levels) - min(levels) <= 0.002 * max(map(abs, levels)):
            found.append((same[0], INK))
        else:
            found += zip(same, hues, strict=True)
    return found


def draw_mark(axes: Axes, mark: Mark, colour: str, size: float) -> None:
    """Draw a target: an arrowhead towards where it is met, and the years that it covers."""
    for level, marker in ((mark.low, CARETUPBASE), (mark.high, CARETDOWNBASE)):
        if level is None:
            continue
        axes.plot(mark.year, level, marker=marker, ms=size, color=colour, mec="white", mew=0.6,
                  ls="", zorder=4, clip_on=False)  # fmt: skip
        if mark.until > mark.year:
            axes.plot([mark.year, mark.until], [level] * 2, color=colour, lw=1, ls=(0, (1, 2)))
        if mark.first < mark.year:
            axes.plot([mark.first, mark.year], [level] * 2, color=colour, lw=1.2)


def not_too_flat(axes: Axes) -> None:
    """Widen the vertical axis to `FLATTEST`, so that small differences look small."""
    low, high = axes.get_ylim()
    least = FLATTEST * max(abs(low), abs(high))
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)


def label_marks(axes: Axes, marks: Sequence[Mark], series: Series, text: Text) -> None:
    """Write what each target asks for on the side of its mark where it is missed.

    Targets of one year and direction share a text, at the outermost of their marks; it runs to
    the left or right, to where ``series`` leaves room.
    """

    def place(mark: Mark) -> tuple[int, bool]:
        return mark.year, mark.low is not None

    for (year, upward), group in groupby(sorted(marks, key=place), place):
        same = list(group)
        lines = list(dict.fromkeys(mark_label(mark.target, text) for mark in same))
        levels = [level for mark in same for level in (mark.low, mark.high) if level is not None]
        values = [each for each in series.values.values() if math.isfinite(each)]
        rising = bool(values) and values[-1] >= values[0]
        left_edge, right_edge = axes.get_xlim()
        right = (rising == upward or year < left_edge + 3) and year < right_edge - 3
        axes.annotate(
            typeset("\n".join(lines)),
            (year, min(levels) if upward else max(levels)),
            (-4 if right else 4, -5 if upward else 5),
            textcoords="offset points",
            ha="left" if right else "right",
            va="top" if upward else "bottom",
            fontsize=8,
            color=INK,
            path_effects=halo(),
            zorder=5,
        )


def halo() -> list[withStroke]:
    """Give the white rim of labels that lie on lines."""
    return [withStroke(linewidth=HALO, foreground="white")]


def label_ends(axes: Axes, series: Sequence[Series], names: Sequence[str]) -> None:
    """Write each run's title where its line ends, the titles apart from one another."""
    ends = [list(each.values.items())[-1] for each in series]
    low, high = axes.get_ylim()
    points = axes.get_window_extent().height * 72 / figure_of(axes).dpi
    gap = (high - low) * 12 / points
    sound = [value if math.isfinite(value) else low for _, value in ends]
    heights = spread(sound, gap)
    for (year, _), height, name, colour in zip(
        ends, heights, names, hues_of(len(series)), strict=True
    ):
        axes.annotate(
            name, (year, height), (8, 0), textcoords="offset points", va="center",
            color=darker(colour), annotation_clip=False,
        )  # fmt: skip


def _key(figure: Figure, runs: Sequence[xr.Dataset], marks: Sequence[Mark], text: Text) -> None:
    """Put above all panels what the lines and marks are."""
    looks = zip(hues_of(len(runs)), dashes_of(len(runs)), strict=True)
    lines = [Line2D([], [], color=hue, ls=dash) for hue, dash in looks]
    entries = list(zip(lines, titles(runs, text), strict=True))
    kinds = (
        ("mark.least", "^", any(mark.low is not None for mark in marks)),
        ("mark.most", "v", any(mark.high is not None for mark in marks)),
    )
    entries += [
        (Line2D([], [], marker=marker, ls="", color=INK, ms=5), text(key))
        for key, marker, wanted in kinds
        if wanted
    ]
    if any(mark.until > mark.year for mark in marks):
        entries.append((Line2D([], [], color=INK, lw=1, ls=(0, (1, 2))), text("mark.lasting")))
    handles, words = zip(*entries, strict=True)
    wide = int(np.clip(figure.get_figwidth() // 2.4, 1, len(entries)))
    figure.legend(handles, words, loc="outside upper left", ncols=wide, handlelength=2.2)
