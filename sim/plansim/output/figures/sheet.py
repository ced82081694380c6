"""Whole figures, as the command ``plot`` writes them: one chart, or several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.errors import Fault, InputError, Message
from plansim.output.figures.canvas import ShownFigure, figure_of, panels_in, style
from plansim.output.figures.lines import fan, small_multiples, titles, trajectories
from plansim.output.figures.loops import loop_shares
from plansim.output.figures.parts import pyramid, stack, tallest, widest
from plansim.output.figures.verdicts import verdict_map
from plansim.output.marks import judged_references
from plansim.output.words.text import Lang, read_text
from plansim.targets.target import Attribute, Target
from plansim.targets.verdict import Verdict

__all__ = [
    "fan_sheet",
    "line_sheet",
    "loop_sheet",
    "pyramid_sheet",
    "stack_sheet",
    "verdict_sheet",
]


def line_sheet(
    runs: Sequence[xr.Dataset], variables: Sequence[str], targets: Sequence[Target], lang: Lang
) -> Figure:
    """Draw one variable large, or several small; of none, those that binding targets judge.

    Raises:
        InputError: no variable is given, and no binding target names one.
        UnknownNameError: a run holds no such series.
    """
    if len(variables) == 1:
        return figure_of(trajectories(runs, variables[0], targets, lang=lang))
    wanted = variables or judged_references(targets)
    if not wanted:
        raise InputError(Fault("no binding target names a variable; --variable gives one to draw"))
    return figure_of(small_multiples(runs, wanted, targets, lang=lang)[0])


def verdict_sheet(
    runs: Sequence[xr.Dataset], verdicts: Iterable[Verdict], lang: Lang, *, every: bool = False
) -> Figure:
    """Draw the verdicts on runs: on binding targets, or on ``every`` one.

    Raises:
        InputError: nothing is judged.
    """
    verdicts = [one for one in verdicts if every or one.attribute is Attribute.BINDING]
    try:
        axes = verdict_map(verdicts, titles=titles(runs, read_text(lang)), lang=lang)
    except ValueError:
        if every:
            raise InputError(Fault("no binding target is judged")) from None
        raise InputError(Fault("no binding target is judged; --all draws the others too")) from None
    return figure_of(axes)


def stack_sheet(runs: Sequence[xr.Dataset], variable: str, lang: Lang) -> Figure:
    """Draw `stack` for each run, on one scale."""
    top = 1.04 * max(tallest(run, variable) for run in runs)
    draws = [partial(stack, run, variable, lang=lang, top=top) for run in runs]
    return _sheet(draws, 6.4, 3.8)


def pyramid_sheet(runs: Sequence[xr.Dataset], variable: str, lang: Lang) -> Figure:
    """Draw `pyramid` for each run, on one scale."""
    end_at = 1.08 * max(widest(run, variable) for run in runs)
    draws = [partial(pyramid, run, variable, lang=lang, end_at=end_at) for run in runs]
    return _sheet(draws, 6.4, 4.8)


def loop_sheet(runs: Sequence[LoopScores], lang: Lang) -> Figure:
    """Draw `loop_shares` for each run, and in each for every group of loops that are compared."""
    draws = [
        partial(loop_shares, scores, number, lang=lang)
        for scores in runs
        for number in range(len(scores.partitions) if scores.missing is None else 1)
    ]
    return _sheet(draws, 7.4, 4.6)


def fan_sheet(
    sweep: xr.Dataset, variables: Sequence[str], targets: Sequence[Target], lang: Lang
) -> Figure:
    """Draw `fan` for each variable; of none, for what the sweep keeps that binding targets judge.

    Raises:
        InputError: there is nothing to draw.
    """
    kept: Iterable[str] = (name for name in judged_references(targets) if name in sweep)
    wanted = list(variables or kept)
    if not wanted:
        raise InputError(Fault("the sweep keeps nothing that a binding target is judged by",
                               expected=Message("--variable with one of its outputs")))  # fmt: skip

    draws = [partial(fan, sweep, variable, targets, lang=lang) for variable in wanted]
    return _sheet(draws, 6.4, 3.8)


def _sheet(draws: Sequence[Callable[..., Axes]], width: float, height: float) -> Figure:
    """Draw on axes side by side, two a row; width and height of each in inches."""
    columns = min(len(draws), 2)
    rows = -(-len(draws) // columns)
    with style():
        figure = ShownFigure(figsize=(width * columns, height * rows))
        figure.set_layout_engine("constrained", hspace=0.06, wspace=0.04)
        panels = panels_in(figure, len(draws), columns)
    for draw, axes in zip(draws, panels, strict=True):
        draw(axes=axes)
    return figure
