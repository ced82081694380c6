"""What a total is made of: parts stacked over years, a pyramid of groups."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from plansim.errors import Fault, InputError, Message, UnknownNameError, nearest
from plansim.output.figures.canvas import (
    GREY,
    INK,
    colours,
    darker,
    figure_of,
    name_axes,
    new_axes,
    note_above,
    plain_numbers,
    spread,
    style,
    typeset,
    year_axis,
)
from plansim.output.figures.chart import looks_of
from plansim.output.figures.lines import titles
from plansim.output.words.text import Lang, Text, figure, read_text
from plansim.targets.indicator import annual_series

__all__ = ["pyramid", "stack", "tallest", "widest"]


@dataclass(frozen=True)
class _Parts:
    """A variable over years and subscript ranges: ``(year, range, …)``."""

    name: str
    unit: str
    years: list[int]
    elements: list[list[str]]
    """The elements of each range, in the language of the figure."""
    ranges: list[str]
    values: npt.NDArray[np.float64]


def stack(
    run: xr.Dataset,
    variable: str,
    *,
    axes: Axes | None = None,
    lang: str = Lang.EN,
    top: float | None = None,
) -> Axes:
    """Stack the elements of an array over one subscript range, year by year, each with its name.

    ``top`` is where the axis ends, for several runs on one scale.

    Raises:
        UnknownNameError: the run holds no such variable.
        InputError: it is not over one subscript range, or has negative values.

    >>> runs = plansim.simulate(plansim.load_model(), "baseline", ["value added"])
    >>> plansim.plot.stack(runs, "value added", lang="zh").get_title(loc="left")
    '增加值'
    """
    text = read_text(Lang(lang))
    parts = _parts(run, variable, 1, text)
    if (parts.values < 0).any():
        raise InputError(
            Fault("'{name}' has negative values, which cannot be stacked", name=variable)
        )
    with style():
        axes = axes or new_axes()
        hues = [hue for hue, _ in looks_of(len(parts.elements[0]))]
        areas = axes.stackplot(parts.years, parts.values.T, colors=hues, alpha=0.88)
        for area in areas:
            area.set_edgecolor("white")
        year_axis(axes, parts.years[0], parts.years[-1])
        axes.set_xlim(parts.years[0], parts.years[-1])
        axes.set_ylim(0, top)
        plain_numbers(axes, 6)
        name_axes(axes, parts.name, parts.unit)
        _name_run(axes, run, text)
        _label_parts(axes, parts, hues)
    return axes


def tallest(run: xr.Dataset, variable: str) -> float:
    """Return the greatest total of an array over one subscript range, for a common scale."""
    return float(_parts(run, variable, 1, read_text(Lang.EN)).values.sum(axis=1).max())


def widest(run: xr.Dataset, variable: str) -> float:
    """Return the greatest element of an array over two ranges, for a scale of several runs."""
    return float(_parts(run, variable, 2, read_text(Lang.EN)).values.max())


def _label_parts(axes: Axes, parts: _Parts, hues: Sequence[str]) -> None:
    """Write the elements' names to the right of their areas, with lines where they had to move."""
    last = parts.values[-1]
    middles = np.cumsum(last) - last / 2
    top = axes.get_ylim()[1]
    points = axes.get_window_extent().height * 72 / figure_of(axes).dpi
    heights = spread(middles.tolist(), top * 12.5 / points)
    lift = max(0.0, -min(heights))
    shares = last / last.sum() * 100 if last.sum() > 0 else np.full(len(last), np.nan)
    for name, middle, height, share, hue in zip(
        parts.elements[0], middles, heights, shares, hues, strict=True
    ):
        axes.annotate(
            f"{name}  {figure(share, 0)} %",
            (parts.years[-1], middle),
            (parts.years[-1] + 0.06 * (parts.years[-1] - parts.years[0]), height + lift),
            va="center",
            fontsize=8,
            color=darker(hue),
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": hue, "lw": 0.8, "shrinkA": 1, "shrinkB": 0},
        )


def pyramid(
    run: xr.Dataset,
    variable: str,
    year: int | None = None,
    *,
    against: int | None = None,
    end_at: float | None = None,
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw an array over two subscript ranges, one of them of two elements, as a pyramid.

    Bars are ``year`` (the last one if not given), outlines the year ``against`` (the first one).
    ``reach`` is where both sides end, for several runs on one scale.

    Raises:
        UnknownNameError: the run holds no such variable.
        InputError: it does not have such ranges, or no figures for a year.

    >>> runs = plansim.simulate(plansim.load_model(), "baseline", ["resident population"])
    >>> plansim.plot.pyramid(runs, "resident population").get_title(loc="left")
    'Resident population, 2020 (bars) and 2005 (outline)'
    """
    text = read_text(Lang(lang))
    parts = _parts(run, variable, 2, text)
    sizes = [len(element) for element in parts.elements]
    if 2 not in sizes:
        raise InputError(
            Fault(
                "'{name}' cannot be drawn as a pyramid",
                expected=Message("a range of two elements, for the sides"),
                found=" and ".join(f"{size} in {name}" for size, name in
                                   zip(sizes, parts.ranges, strict=True)), name=variable,
            )
        )  # fmt: skip
    values = parts.values if sizes[1] == 2 else parts.values.transpose(0, 2, 1)
    groups, sides = parts.elements if sizes[1] == 2 else parts.elements[::-1]
    shown = parts.years[-1] if year is None else year
    before = parts.years[0] if against is None else against
    for drawn_year in (shown, before):
        if drawn_year not in parts.years:
            span = Message("{first} to {last}", first=parts.years[0], last=parts.years[-1])
            raise InputError(Fault("the run has no figures for the year", expected=span,
                                   found=str(drawn_year)))  # fmt: skip
    bars, outline = (values[parts.years.index(drawn_year)] for drawn_year in (shown, before))
    with style():
        axes = axes or new_axes(7.0, 1.2 + 0.2 * len(groups))
        _draw_pyramid(axes, groups, bars, outline)
        end = end_at or 1.08 * max(bars.max(), outline.max())
        axes.set_xlim(-end, end)
        for side, (name, hue) in enumerate(zip(sides, colours(), strict=False)):
            at = (0.01 + 0.98 * side, 0.97)
            total = figure(bars[:, side].sum(), 0 if bars.sum() >= 100 else 1)
            axes.text(*at, f"{name}\n{total} {parts.unit}", transform=axes.transAxes,
                      ha=("left", "right")[side], va="top",
                      color=darker(hue))  # fmt: skip
        axes.set_title(
            text("plot.pyramid", name=parts.name[:1].upper() + parts.name[1:], year=shown,
                 before=before), pad=17,
        )  # fmt: skip
        axes.set_xlabel(parts.unit)
        _name_run(axes, run, text)
    return axes


def _name_run(axes: Axes, run: xr.Dataset, text: Text) -> None:
    """Write at the right above the axes which scenario this is."""
    (title,) = titles([run], text)
    note_above(axes, title)


def _draw_pyramid(
    axes: Axes, groups: Sequence[str], bars: npt.NDArray[np.float64],
    outline: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    positions = np.arange(len(groups))
    steps = np.arange(len(groups) + 1) - 0.5
    for side, sign in enumerate((-1, 1)):
        axes.barh(positions, sign * bars[:, side], height=0.86, color=colours()[side], alpha=0.75)
        axes.stairs(sign * outline[:, side], steps, orientation="horizontal", color=INK, lw=1.0)
    axes.axvline(0, color="white", lw=1)
    axes.set_yticks(positions, groups, fontsize=7.5)
    axes.set_ylim(-0.6, len(groups) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10], symmetric=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):g}"))
    axes.tick_params(axis="y", labelcolor=GREY)


def _parts(run: xr.Dataset, variable: str, ranges: int, text: Text) -> _Parts:
    if variable not in run:
        near = nearest(variable, map(str, run))
        raise UnknownNameError(
            Fault("the run holds no variable '{name}'", nearest=near, name=variable)
        )
    array = run[variable]
    dims = [str(dim) for dim in array.dims if dim not in ("time", "year")]
    if len(dims) != ranges or len(dims) == array.ndim:
        wanted = Message("an array over years and two subscript ranges")
        if ranges == 1:
            wanted = Message("an array over years and one subscript range")
        raise InputError(
            Fault(
                "'{name}' cannot be drawn in parts",
                expected=wanted,
                found=Message("{names}", names=tuple(map(str, array.dims)))
                if array.dims
                else Message("one number"),
                name=variable,
            )
        )
    yearly = annual_series(array) if "time" in array.dims else array
    yearly = yearly.transpose("year", *dims).dropna("year", how="all")
    return _Parts(
        text.pick(str(array.attrs.get("long_name", variable)), array.attrs.get("long_name_zh")),
        typeset(text.unit(str(array.attrs.get("units", "")))),
        [int(drawn_year) for drawn_year in yearly["year"].to_numpy()],
        [_elements(run[dim], text) for dim in dims],
        dims,
        np.asarray(yearly.to_numpy(), dtype=np.float64),
    )


def _elements(coordinate: xr.DataArray, text: Text) -> list[str]:
    english = [str(element) for element in coordinate.to_numpy()]
    chinese = json.loads(coordinate.attrs.get("elements_zh", "[]"))
    if len(chinese) != len(english):  # none, or the dataset is a part of a run
        chinese = english
    return [text.pick(*both) for both in zip(english, chinese, strict=True)]
