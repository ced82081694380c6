"""Series of runs: over years, as small multiples, as fans of a sweep, one against another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from rich.cells import cell_len

from plansim.errors import InputError, Message, UnknownNameError, nearest
from plansim.model.records import several
from plansim.output.figures import canvas, chart
from plansim.output.series import Mark, marks_on, series_in, unplaced
from plansim.output.series import titles as titles_of
from plansim.output.words.text import Lang, Text, read_text
from plansim.output.words.wrapping import shortened
from plansim.targets.annual import MANY, separate
from plansim.targets.indicator import annual_series
from plansim.targets.target import Target, records_of, split_reference

__all__ = [
    "QUANTILES",
    "Runs",
    "fan",
    "small_multiples",
    "trajectories",
]

Runs = xr.Dataset | Sequence[xr.Dataset]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Bounds of the outer band, of the inner one, and the line between."""
MOST_NAMED = 60
"""Columns of a title in the key."""
ROW = 0.18
"""Height of a row of the key, in inches."""


def _listed(runs: Runs) -> list[xr.Dataset]:
    listed = separate(runs) if isinstance(runs, xr.Dataset) else list(runs)
    if not listed:
        raise ValueError("there is no run to draw")
    return listed


# --- runs over years ------------------------------------------------------------------------------


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
    arrowhead marks a target's level and points to where it is met; dots carry on the level of a
    binding target to the plan's horizon, a bar covers the years of a sum or a mean. A level that
    follows from a run's own base is drawn for each run where these differ.

    Raises:
        UnknownNameError: a run holds no such series.

    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> plansim.plot.trajectories(runs, "fish", lang="zh").get_title(loc="left")
    '鱼量'
    """
    text, listed = read_text(Lang(lang)), _listed(runs)
    with canvas.style():
        axes = axes or canvas.new_axes()
        lines, marks = _read(listed, variable, records_of(targets))
        chart.draw_chart(axes, lines, marks, text)
        chart.label_ends(axes, [line.series for line in lines], titles_of(listed, text))
    return axes


def small_multiples(
    runs: Runs,
    variables: Sequence[str],
    targets: Iterable[Target] = (),
    *,
    columns: int = 3,
    titles: Sequence[str] = (),
    lang: str = Lang.EN,
) -> list[Axes]:
    """Draw a panel for each series, as `trajectories` does, under one key to lines and marks.

    ``titles`` name the lines instead of the scenarios' own.

    Raises:
        UnknownNameError: a run holds no such series.
        ValueError: no variable is given.

    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> len(plansim.plot.small_multiples(runs, ["fish", "catch"]))
    2
    """
    if not variables:
        raise ValueError("small multiples need a variable")
    text, listed, wanted = read_text(Lang(lang)), _listed(runs), records_of(targets)
    columns = min(columns, len(variables))
    rows = math.ceil(len(variables) / columns)
    drawn: list[Mark] = []
    with canvas.style():
        figure = canvas.ShownFigure(figsize=(1.0 + 2.9 * columns, 0.6 + 2.15 * rows))
        panels = canvas.panels_in(figure, len(variables), columns)
        for axes, variable in zip(panels, variables, strict=True):
            lines, marks = _read(listed, variable, wanted)
            chart.draw_chart(axes, lines, marks, text, small=True)
            drawn += [mark for mark, _ in marks]
        _key(figure, titles or titles_of(listed, text), drawn, text)
        figure.set_layout_engine("constrained", hspace=0.08, wspace=0.05)
    return panels


def _read(
    runs: Sequence[xr.Dataset], variable: str, targets: Sequence[Target]
) -> tuple[list[chart.Line], list[tuple[Mark, str]]]:
    """Return the lines of a series under runs and the marks of its targets with their colours."""
    lines = [chart.Line(series_in(run, variable, targets)) for run in runs]
    marks = [marks_on(run, variable, targets) for run in runs]
    return lines, _distinct(marks, [hue for hue, _ in chart.looks_of(len(runs))])


def _distinct(by_run: Sequence[Sequence[Mark]], hues: Sequence[str]) -> list[tuple[Mark, str]]:
    """Return the marks to draw: one in ink where runs agree on the level, else in their colours."""
    marks: list[tuple[Mark, str]] = []
    for same in zip(*by_run, strict=True):
        levels = [mark.low if mark.low is not None else mark.high or 0.0 for mark in same]
        if max(levels) - min(levels) <= 0.002 * max(map(abs, levels)):
            marks.append((same[0], canvas.INK))
        else:
            marks += zip(same, hues, strict=True)
    return marks


def _key(figure: Figure, names: Sequence[str], marks: Sequence[Mark], text: Text) -> None:
    """Put above all panels what the lines and marks are; the figure grows by what that takes."""
    looks = chart.looks_of(len(names))
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=hue, ls=dash), shortened(name, MOST_NAMED))
        for (hue, dash), name in zip(looks, names, strict=True)
    ]
    if len(names) == 2:
        entries.append((Patch(facecolor=canvas.GREY, alpha=0.15), text("mark.between")))
    kinds = (
        ("mark.least", "^", any(mark.low is not None for mark in marks)),
        ("mark.most", "v", any(mark.high is not None for mark in marks)),
    )
    entries += [
        (Line2D([], [], marker=marker, ls="", color=canvas.INK, ms=5), text(key))
        for key, marker, wanted in kinds
        if wanted
    ]
    if any(mark.until > mark.year for mark in marks):
        entries.append(
            (Line2D([], [], color=canvas.INK, lw=1, ls=(0, (1, 2))), text("mark.lasting"))
        )
    handles, words = zip(*entries, strict=True)
    room = 0.5 + 0.07 * max(map(cell_len, words))
    wide = int(np.clip(figure.get_figwidth() // room, 1, len(entries)))
    figure.set_figheight(figure.get_figheight() + ROW * max(math.ceil(len(entries) / wide) - 2, 0))
    figure.legend(handles, words, loc="outside upper left", ncols=wide, handlelength=2.2)


# --- fans -----------------------------------------------------------------------------------------


def fan(
    runs: xr.Dataset,
    variable: str,
    targets: Iterable[Target] = (),
    *,
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw where 90 % and 50 % of the runs lie in each year, and their median, with the targets.

    ``runs`` are those of the members of an ensemble (`simulate`) or of a sweep (`open_sweep`), or
    any dataset with ``variable`` over ``member`` or ``run`` and ``time`` or ``year``. Runs that
    broke down, never ran or miss what others have are left out. Of several scenarios each has a
    fan, of 90 % alone. Levels that follow from a base are counted from the median's, if the runs
    keep that year.

    Raises:
        UnknownNameError: the runs do not hold the variable.
        InputError: the variable is not over runs and years, or no sound run has a value.

    >>> model = plansim.load_model("lake.mdl")
    >>> fan = plansim.simulate(model, "boats.yaml", ensemble=plansim.load_ensemble(model))
    >>> axes = plansim.plot.fan(fan, "fish", plansim.load_targets(model=model), lang="zh")
    >>> axes.get_title(loc="left")
    '鱼量'
    """
    text, wanted, lines = read_text(Lang(lang)), records_of(targets), []
    fans = dict(_quantiles(runs, variable, text))
    for quantiles in fans.values():
        low, inner_low, median, inner_high, high = (
            series_in(quantile, variable, wanted) for quantile in quantiles
        )
        bands = [(low, high), (inner_low, inner_high)]
        # Several inner bands, one on the other, would be a muddle.
        lines.append(chart.Line(median, bands[: 2 if len(fans) == 1 else 1]))
    middle = next(iter(fans.values()))[len(QUANTILES) // 2]
    marks = [(mark, canvas.INK) for mark in marks_on(middle, variable, wanted)]
    notes = [text("plot.fan" if len(fans) == 1 else "plot.fans")]
    away = unplaced(middle, variable, wanted)
    for year in sorted({target.since for target in away}):
        ids = text.join(target.id for target in away if target.since == year)
        notes.append(text("plot.no_base", ids=ids, year=year))
    with canvas.style():
        axes = axes or canvas.new_axes()
        chart.draw_chart(axes, lines, marks, text)
        axes.set_xlabel("\n".join(notes), loc="left", linespacing=1.4)
        if len(fans) > 1:
            chart.label_ends(axes, [line.series for line in lines], list(fans))
    return axes


def _quantiles(
    runs: xr.Dataset, variable: str, text: Text
) -> Iterator[tuple[str, list[xr.Dataset]]]:
    """Yield the quantiles of the sound runs of each scenario, each over ``year``."""
    base, _ = split_reference(variable)
    if variable not in runs and base not in runs:
        near = nearest(variable, map(str, runs))
        raise UnknownNameError("the sweep holds no output '{name}'", nearest=near, name=variable)
    name = variable if variable in runs else base
    for scenario, of_scenario in _by_scenario(runs, text):
        array = of_scenario[name]
        over = next((dim for dim in MANY if dim in array.dims), None)
        if over is None or not {"year", "time"}.intersection(array.dims):
            dims = Message("{names}", names=tuple(map(str, array.dims)))
            raise InputError(
                "'{name}' cannot be drawn as a fan",
                expected=Message("a variable over runs and years"),
                found=dims if array.dims else Message("one number"),
                name=variable,
            )
        yearly = annual_series(array) if "time" in array.dims else array
        finite = abs(yearly) < np.inf
        # A value that no run has is missing, as of years without data, and makes none unsound.
        sound = (finite | ~finite.any(over)).all([dim for dim in yearly.dims if dim != over])
        if "status" in of_scenario:
            sound &= of_scenario["status"] == 0
        if "sound" in of_scenario.coords:
            sound &= of_scenario["sound"].astype(bool)
        if not (sound & finite).any():
            found = scenario or None
            raise InputError("no sound run has a value of '{name}'", found=found, name=variable)
        drawn = yearly.isel({over: np.flatnonzero(sound)}).astype(float)
        quantiles = drawn.quantile(QUANTILES, over, keep_attrs=True, skipna=False)
        apart = (quantiles.isel(quantile=at, drop=True) for at in range(len(QUANTILES)))
        yield scenario, [one.to_dataset(name=name) for one in apart]


def _by_scenario(runs: xr.Dataset, text: Text) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield the runs of each scenario with its title; of a sweep with its id."""
    if "run" not in runs.dims:
        apart = separate(runs)
        yield from zip(titles_of(apart, text), apart, strict=True)
        return
    code = runs["scenario"].to_numpy() if "scenario" in runs else np.zeros(runs.sizes["run"])
    for index, scenario in enumerate(several(runs.attrs.get("scenarios", ""))):
        if (own := np.flatnonzero(code == index)).size:
            yield str(scenario), runs.isel(run=own)
