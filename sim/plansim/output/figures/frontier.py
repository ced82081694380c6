"""Margins along the Pareto front of growth, and how surely all targets hold there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plansim.analysis.optimization.frontier import Frontier, Horizon
from plansim.errors import Fault, InputError
from plansim.output.figures.canvas import INK, colours, note_above, spread, style, typeset
from plansim.output.words.text import Lang, Text, read_text
from plansim.targets.indicator import Floats

__all__ = ["frontier_sheet"]

NEAR = 5
"""So many targets that come nearest to being broken are coloured; the others are grey."""
DASHES = ("-", (0, (8, 2)), (2, (5, 2)), (0, (3, 2)), (1, (1, 1.5)))
"""Of the coloured lines: where several lie on one another, each shows in the gaps of the others."""
SHARES = (0.5, 0.8, 0.95)
"""Chances at which lines are drawn."""
FAR = 3.5
"""Margins beyond so many standard deviations are not shown."""


def frontier_sheet(result: Frontier, lang: Lang, *, growth_zh: str = "") -> Figure:
    """Draw, for each year, margins on the Pareto front above, and chances below.

    Raises:
        InputError: there is no frontier to draw.
    """
    text = read_text(lang)
    drawn = [horizon for horizon in result.horizons if len(horizon.front) > 1]
    if not drawn:
        raise InputError(Fault("there is no frontier to draw: no target can be held"))
    name = text.pick(result.spec.growth, growth_zh)
    below = result.draws > 0
    with style():
        figure = Figure(figsize=(6.2 * len(drawn), 6.4 if below else 4.4))
        figure.set_layout_engine("constrained", hspace=0.03, wspace=0.05)
        heights = [2.4, 1.0] if below else [1.0]
        grid = figure.subplots(
            len(heights), len(drawn), squeeze=False, sharex="col",
            gridspec_kw={"height_ratios": heights},
        )  # fmt: skip
        hues = _hues(drawn)
        for column, horizon in enumerate(drawn):
            _margins(grid[0, column], horizon, hues, text)
            if below:
                _chances(grid[1, column], horizon, text)
            grid[-1, column].set_xlabel(
                text("frontier.axis", name=typeset(name), year=horizon.year), loc="left"
            )
        title = text.pick(result.spec.scenario.title_en, result.spec.scenario.title_zh)
        figure.suptitle(text("frontier.sheet", scenario=title), x=0.01, ha="left")
    return figure


def _rates(horizon: Horizon) -> list[float]:
    return [policy.growth * 100 for policy in horizon.front]


def _lines(horizon: Horizon) -> dict[str, Floats]:
    """Return the margins on the front, by target, in standard deviations."""
    spreads = {alone.target.id: alone.spread for alone in horizon.alone}
    return {
        id_: np.array([policy.margins[id_] / spreads[id_] for policy in horizon.front])
        for id_ in horizon.kept
    }


def _near(lines: Mapping[str, Floats]) -> list[str]:
    return sorted(lines, key=lambda id_: float(np.min(lines[id_])))[:NEAR]


def _hues(horizons: Sequence[Horizon]) -> dict[str, str]:
    """Return each target that is coloured anywhere one colour for all panels."""
    near = dict.fromkeys(id_ for horizon in horizons for id_ in _near(_lines(horizon)))
    hues = colours()
    return {id_: hues[index % len(hues)] for index, id_ in enumerate(near)}


def _margins(axes: Axes, horizon: Horizon, hues: Mapping[str, str], text: Text) -> None:
    rates, lines = _rates(horizon), _lines(horizon)
    near = _near(lines)
    axes.axhline(0, color=INK, linewidth=0.9)
    for id_, line in lines.items():
        if id_ not in near:
            axes.plot(rates, line, color="#CCCCCC", linewidth=1)
    bottom = min(float(np.min(line)) for line in lines.values())
    axes.set_ylim(max(min(bottom, 0) - 0.4, -FAR), FAR)
    low, high = axes.get_ylim()
    ends = [min(max(float(lines[id_][-1]), low), high) for id_ in near]
    for id_, dash, end in zip(near, DASHES, spread(ends, (high - low) / 22), strict=False):
        axes.plot(rates, lines[id_], color=hues[id_], marker="o", ms=3, ls=dash, label=id_)
        axes.annotate(
            id_, (rates[-1], end), xytext=(6, 0), textcoords="offset points", va="center",
            color=hues[id_], fontsize=8, annotation_clip=False,
        )  # fmt: skip
    _place(axes, horizon, text, note=True)
    kept = text("frontier.kept", count=len(horizon.kept))
    if left := [*horizon.never, *horizon.conflicting]:
        kept += text("list_sep.clause") + text("frontier.left", ids=text.join(left))
    axes.set_title(text("frontier.to_title", year=horizon.year), pad=20, color=INK)
    note_above(axes, kept, left=True)
    axes.set_ylabel(text("frontier.margin_axis"))
    room = (max(rates) - min(rates)) * 0.03
    axes.set_xlim(min(rates) - room, max(rates) + room)


def _place(axes: Axes, horizon: Horizon, text: Text, *, note: bool) -> None:
    """Mark where the frontier is, and where the scenario stands."""
    if horizon.highest is not None:
        rate = horizon.highest.growth * 100
        axes.axvline(rate, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        if note:
            words = text("frontier.mark", growth=f"{rate:.2f}")
            axes.annotate(
                words, (rate, 1), xycoords=("data", "axes fraction"), xytext=(-4, -3),
                textcoords="offset points", ha="right", va="top", fontsize=8, color=INK,
            )  # fmt: skip


def _chances(axes: Axes, horizon: Horizon, text: Text) -> None:
    _place(axes, horizon, text, note=False)
    axes.plot(
        _rates(horizon), [policy.chance for policy in horizon.front], color=INK, marker="o", ms=3
    )
    for share in SHARES:
        axes.axhline(share, color="#BBBBBB", linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, *SHARES], ["0", *(f"{share:g}" for share in SHARES)])
    axes.set_ylabel(text("frontier.chance_axis"))
