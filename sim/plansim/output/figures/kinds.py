"""Kinds of figures, whole, as the command ``plot`` writes them: a chart, or several side by side.

`FIGURES` has a function for each kind; `cli/commands/plot_page.py` has their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plansim.analysis.calibration.observed_past import PointKind
from plansim.analysis.ensemble import with_shares
from plansim.analysis.feedback.loop_scores import score_loops
from plansim.analysis.validation.history import HistorySeries
from plansim.errors import InputError, Message
from plansim.model.records import Model
from plansim.output.figures import canvas
from plansim.output.figures.lines import fan, small_multiples, trajectories
from plansim.output.figures.loops import loop_shares
from plansim.output.figures.verdicts import verdict_map
from plansim.output.series import titles
from plansim.output.words.text import Lang, Text, read_text
from plansim.scenario.records import Scenario
from plansim.targets.target import (
    Attribute,
    Status,
    Target,
    answering_series,
    binding_targets,
)
from plansim.targets.verdict import check_targets

__all__ = [
    "FIGURES",
    "Subject",
    "history_sheet",
]

_ACROSS = 3
"""Panels of a row of the sheet of history."""


@dataclass(frozen=True)
class Subject:
    """What a figure is to show."""

    model: Model
    scenarios: tuple[Scenario, ...]
    runs: Sequence[xr.Dataset]
    """One for each scenario; a sweep alone; none for a kind of figure that needs none."""
    variables: tuple[str, ...]
    """References ``name`` or ``name[element]``; none if the kind of figure chooses them."""
    targets: tuple[Target, ...]
    lang: Lang
    every: bool = False
    """Whether targets that are not binding are shown too."""


def _lines_sheet(subject: Subject) -> Figure:
    """Draw one variable large, or several small; of none, those that binding targets judge.

    Raises:
        InputError: no variable is given, and no binding target names one.
        UnknownNameError: a run holds no such series.
    """
    runs, targets, lang = subject.runs, subject.targets, subject.lang
    if len(subject.variables) == 1:
        return canvas.figure_of(trajectories(runs, subject.variables[0], targets, lang=lang))
    wanted = subject.variables or answering_series(binding_targets(targets))
    if not wanted:
        raise InputError("no binding target names a variable; --variable gives one to draw")
    return canvas.figure_of(small_multiples(runs, wanted, targets, lang=lang)[0])


def _verdicts_sheet(subject: Subject) -> Figure:
    """Draw the verdicts on runs, with the shares of plausible models.

    Raises:
        InputError: nothing is judged.
    """
    every, lang = subject.every, subject.lang
    judged = (one for run in subject.runs for one in check_targets(run, subject.targets))
    shared = with_shares(judged, subject.model, subject.scenarios, subject.targets)
    verdicts = [one for one in shared if every or one.attribute is Attribute.BINDING]
    if all(verdict.status is Status.UNTESTABLE for verdict in verdicts):
        if every:
            raise InputError("no target is judged")
        raise InputError("no binding target is judged; --all draws the others too")
    axes = verdict_map(verdicts, titles=titles(subject.runs, read_text(lang)), lang=lang)
    return canvas.figure_of(axes)


def _loops_sheet(subject: Subject) -> Figure:
    """Draw `loop_shares` for each scenario, for every group of loops that are compared."""
    draws = [
        partial(loop_shares, scores, number, lang=subject.lang)
        for scores in (score_loops(subject.model, one) for one in subject.scenarios)
        for number in range(len(scores.partitions) if scores.missing is None else 1)
    ]
    return _sheet(draws, 7.4, 4.6)


def _fan_sheet(subject: Subject) -> Figure:
    """Draw `fan` for each variable; of none, for what the sweep keeps that binding targets judge.

    Raises:
        InputError: there is nothing to draw.
    """
    (sweep,), targets = subject.runs, subject.targets
    judging = answering_series(binding_targets(targets))
    wanted = subject.variables or [name for name in judging if name in sweep]
    if not wanted:
        expected = Message("--variable with one of its outputs")
        raise InputError("the sweep keeps nothing that a binding target is judged by",
                         expected=expected)  # fmt: skip
    draws = [partial(fan, sweep, variable, targets, lang=subject.lang) for variable in wanted]
    return _sheet(draws, 6.4, 3.8)


FIGURES: Mapping[str, Callable[[Subject], Figure]] = MappingProxyType(
    {
        "fan": _fan_sheet,
        "lines": _lines_sheet,
        "loops": _loops_sheet,
        "verdicts": _verdicts_sheet,
    }
)
"""The function that draws each kind of figure."""


def history_sheet(history: Sequence[HistorySeries], text: Text) -> Figure:
    """Draw each observed series with the model's band and the observations."""
    rows = -(-len(history) // _ACROSS)
    with canvas.style():
        sheet = Figure(figsize=(9.0, 2.5 * rows + 0.3), layout="constrained")
        hue = canvas.colours()[0]
        for axes, shown in zip(
            canvas.panels_in(sheet, len(history), _ACROSS), history, strict=True
        ):
            own, low, high = (shown.simulated[0], *np.sort(shown.simulated, axis=0)[[0, -1]])
            axes.fill_between(shown.years, low, high, color=hue, alpha=0.2, linewidth=0)
            axes.plot(shown.years, own, color=hue)
            points = shown.series.points
            for point in points:
                fill = canvas.INK if point.kind is PointKind.OBSERVED else "none"
                axes.plot(point.year, point.value, "o", color=canvas.INK, markersize=4, mfc=fill)
            name = text.pick(shown.series.en, shown.series.zh).partition(" (")[0].partition("（")[0]
            canvas.name_axes(axes, name, text.unit(shown.series.unit), columns=34)
            known = [point.value for point in points]
            least, most = min(*low, *known), max(*high, *known)
            room = max(0.12 * (most - least), 0.02 * most)
            axes.set_ylim(least - room, most + room)
            canvas.plain_numbers(axes, 4)
            canvas.year_axis(axes, shown.years[0], shown.years[-1])
        sheet.supxlabel(text("validation_page.past_picture"), fontsize=8, color=canvas.GREY)
    return sheet


def _sheet(draws: Sequence[Callable[..., Axes]], width: float, height: float) -> Figure:
    """Draw on axes side by side, two a row; width and height of each in inches."""
    columns = min(len(draws), 2)
    rows = -(-len(draws) // columns)
    with canvas.style():
        figure = canvas.ShownFigure(figsize=(width * columns, height * rows))
        figure.set_layout_engine("constrained", hspace=0.06, wspace=0.04)
        panels = canvas.panels_in(figure, len(draws), columns)
    for draw, axes in zip(draws, panels, strict=True):
        draw(axes=axes)
    return figure
