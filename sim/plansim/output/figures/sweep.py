"""Where the runs of a sweep lie: a fan over years."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from plansim.errors import Fault, InputError, Message, UnknownNameError, nearest
from plansim.output.figures.canvas import INK, name_axes, new_axes, plain_numbers, style, year_axis
from plansim.output.figures.lines import (
    dashes_of,
    draw_mark,
    hues_of,
    label_ends,
    label_marks,
    not_too_flat,
    shown_name,
)
from plansim.output.marks import marks_on, series_in, unplaced
from plansim.output.series import Series
from plansim.output.text import Lang, Text, read_text
from plansim.targets.catalogue import Target
from plansim.targets.indicator import annual_series

__all__ = ["QUANTILES", "fan", "fan_of"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Bounds of the outer band, of the inner one, and the line between."""


def fan(
    sweep: xr.Dataset,
    variable: str,
    targets: Iterable[Target] = (),
    *,
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw where 90 % and 50 % of the runs lie in each year, and their median, with the targets.

    ``sweep`` is what ``xarray.open_zarr`` gives for the result of a sweep, or any dataset with
    ``variable`` over ``run`` and ``time`` or ``year``. Runs that broke down or never ran are left
    out. Of several scenarios (the variable ``scenario``, their ids in the attribute ``scenarios``)
    each has a fan, of 90 % alone. Levels that follow from a base are counted from the median's, if
    the sweep keeps that year; else a note under the axes says so.

    Raises:
        UnknownNameError: the sweep has not kept the variable.
        InputError: the variable is not over runs and years, or no run is sound.
    """
    return fan_of(dict(_fans(sweep, variable)), variable, targets, axes=axes, lang=lang)


def fan_of(
    fans: Mapping[str, Sequence[xr.DataArray]],
    variable: str,
    targets: Iterable[Target] = (),
    *,
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw as `fan` does what is known by its quantiles alone.

    ``fans`` holds, by scenario, the values at `QUANTILES`, each over ``year``.
    """
    text, wanted = read_text(Lang(lang)), list(targets)
    with style():
        axes = axes or new_axes()
        medians = []
        looks = zip(hues_of(len(fans)), dashes_of(len(fans)), strict=True)
        for found, (hue, dash) in zip(fans.values(), looks, strict=True):
            shown = [_series(each, variable, wanted) for each in found]
            outer_low, inner_low, median, inner_high, outer_high = (
                list(each.values.values()) for each in shown
            )
            years = list(shown[0].values)
            axes.fill_between(years, outer_low, outer_high, color=hue, alpha=0.18, linewidth=0)
            if len(fans) == 1:  # several inner bands, one on the other, would be a muddle
                axes.fill_between(years, inner_low, inner_high, color=hue, alpha=0.3, linewidth=0)
            gaps = years[-1] - years[0] >= len(years)  # dots say which years are kept
            axes.plot(years, median, color=hue, ls=dash, marker="o" if gaps else "", ms=3.5)
            medians.append(shown[len(shown) // 2])
        year_axis(axes, years[0], years[-1])
        middle = next(iter(fans.values()))[len(QUANTILES) // 2].to_dataset(name=variable)
        marks = marks_on(middle, variable, wanted)
        for mark in marks:
            draw_mark(axes, mark, INK, 9)
        plain_numbers(axes, 6)
        not_too_flat(axes)
        label_marks(axes, marks, medians[0], text)
        name_axes(axes, shown_name(medians[0], text), text.unit(medians[0].unit))
        below = [text("plot.fan" if len(fans) == 1 else "plot.fans")]
        below += _without_base(middle, variable, wanted, text)
        axes.set_xlabel("\n".join(below), loc="left", linespacing=1.4)
        if len(fans) > 1:
            label_ends(axes, medians, list(fans))
    return axes


def _without_base(
    median: xr.Dataset, variable: str, targets: Sequence[Target], text: Text
) -> Iterator[str]:
    """Say which targets have no level, since the year that they are counted from is not kept."""
    missing: dict[int, list[str]] = {}
    for each in unplaced(median, variable, targets):
        missing.setdefault(each.since, []).append(each.id)
    for year, ids in missing.items():
        yield text("plot.no_base", ids=text.join(ids), year=year)


def _series(quantile: xr.DataArray, variable: str, targets: Iterable[Target]) -> Series:
    return series_in(quantile.to_dataset(name=variable), variable, targets)


def _fans(sweep: xr.Dataset, variable: str) -> Iterator[tuple[str, list[xr.DataArray]]]:
    """Give the quantiles of the sound runs of each scenario, each over ``year``."""
    if variable not in sweep:
        near = nearest(variable, map(str, sweep))
        raise UnknownNameError(
            Fault("the sweep holds no output '{name}'", nearest=near, name=variable)
        )
    array = sweep[variable]
    if set(array.dims) not in ({"run", "year"}, {"run", "time"}):
        raise InputError(
            Fault(
                "'{name}' cannot be drawn as a fan",
                expected=Message("a variable over runs and years"),
                found=Message("{names}", names=tuple(map(str, array.dims)))
                if array.dims
                else Message("one number"),
                name=variable,
            )
        )
    yearly = annual_series(array) if "time" in array.dims else array
    values = np.asarray(yearly.transpose("run", "year").to_numpy(), dtype=np.float64)
    sound = np.isfinite(values).all(axis=1)
    if "status" in sweep:
        sound &= sweep["status"].to_numpy() == 0
    names = [str(each) for each in sweep.attrs.get("scenarios", [""])]
    for place, name in enumerate(names):
        rows = sound & _belong(sweep, place)
        if not rows.any():
            raise InputError(
                Fault("no run is sound, to draw '{name}' of", found=name or None, name=variable)
            )
        quantiles = np.quantile(values[rows], QUANTILES, axis=0)
        yield (
            name,
            [
                xr.DataArray(each, {"year": yearly["year"].to_numpy()}, ["year"], attrs=array.attrs)
                for each in quantiles
            ],
        )


def _belong(sweep: xr.Dataset, place: int) -> npt.NDArray[np.bool_]:
    if "scenario" not in sweep:
        return np.ones(sweep.sizes["run"], dtype=bool)
    return np.asarray(sweep["scenario"].to_numpy() == place)
