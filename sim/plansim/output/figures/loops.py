"""How much each feedback loop bears on the model, as bands over years."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import Loop, Polarity
from plansim.output.figures import canvas
from plansim.output.tables.why import missing_scores
from plansim.output.words.text import Lang, Text, read_text
from plansim.scenario.factors import FloatArray

__all__ = ["loop_drawing", "loop_shares"]

LEAST = 0.05
"""A loop whose share is below this in every year is drawn with the others."""
LABELLED = 0.09
"""Share that a band must have somewhere to bear the id of its loop."""
HUES = {Polarity.REINFORCING: (0, 2, 4, 7), Polarity.BALANCING: (1, 5, 3, 8)}
"""Which colours of the style loops have in turn: cold ones above, warm ones below."""
WHITE = (0.35, 0.65, 0.8)
"""Parts of white in colours, so that dark words can be read on them; where there are more loops
than colours, these come again, paler."""
OTHERS = "#CFCFCF"


@dataclass(frozen=True)
class _Band:
    """A loop, or all others together, with its relative scores by year, in per cent."""

    id: str
    name: str
    hue: str
    sides: tuple[FloatArray, FloatArray]
    """``(year,)`` each: what is above 0, and what is below."""


def loop_shares(
    scores: LoopScores, partition: int = 0, *, axes: Axes | None = None, lang: str = Lang.EN
) -> Axes:
    """Stack the relative scores of loops by year: reinforcing ones above 0, balancing ones below.

    Of several groups of loops that are not compared with one another, ``partition`` is drawn. Where
    there are no scores, one line says why.

    >>> scores = plansim.score_loops(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> plansim.plot.loop_shares(scores).get_title(loc="left")
    'Loop scores: More boats'
    """
    text = read_text(Lang(lang))
    scenario = scores.scenario
    title = text("loops.chart", scenario=text.title(scenario) or scenario.id)
    if (groups := len(scores.partitions)) > 1:
        title = text("loops.chart_group", title=title, number=partition + 1, count=groups)
    with canvas.style():
        axes = axes or canvas.new_axes(7.4, 4.8)
        axes.set_title(canvas.wrapped(canvas.typeset(title), 80), color=canvas.INK, pad=10)
        if scores.missing is not None:
            why = canvas.wrapped(missing_scores(scores, text), 90)
            axes.text(
                0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=canvas.GREY
            )
            axes.set_axis_off()
            return axes
        bands = _bands(scores, scores.partitions[partition], text)
        for side in (0, 1):
            end = np.zeros(len(scores.years))
            for band in bands:
                start, end = end, end + band.sides[side]
                axes.fill_between(
                    scores.years, start, end, facecolor=band.hue, edgecolor="white", linewidth=0.7
                )
                _label(axes, scores.years, start, end, band.id)
        _dress(axes, scores.years, text)
        axes.legend(
            [Patch(facecolor=band.hue) for band in bands],
            [canvas.wrapped(canvas.typeset(f"{one.id} {one.name}".strip()), 30) for one in bands],
            loc="upper left", bbox_to_anchor=(0, -0.1), ncols=3, fontsize=7.5, borderaxespad=0,
            title=canvas.wrapped(text("loops.chart_note"), 110), title_fontsize=7, alignment="left",
        )  # fmt: skip
    return axes


def loop_drawing(scores: LoopScores) -> str:
    """Return the picture as an SVG element for the page, whose style shows one of both languages.

    Texts are texts, in the fonts of the page.
    """
    parts, box = [], ""
    for lang in Lang:
        file = io.StringIO()
        with canvas.style(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": lang.value}):
            figure = canvas.figure_of(loop_shares(scores, lang=lang))
            figure.savefig(file, format="svg", metadata={"Date": None})
        svg = file.getvalue()
        box = svg.partition('viewBox="')[2].partition('"')[0]
        body = svg.partition("</defs>")[2].rpartition("</svg>")[0]  # the first ones are its style
        body = re.sub(r' id="[A-Za-z]+_\d+"', "", body)  # the same in both languages
        body = re.sub(r"'Noto Sans SC', 'DejaVu Sans'", "plansim, plansim-signs, sans-serif", body)
        parts.append(f'<g class="{lang}">{body}</g>')
    return (
        f'<svg class="picture" role="img" viewBox="{box}" '
        f'style="stroke-linejoin: round; stroke-linecap: butt">{"".join(parts)}</svg>'
    )


def _bands(scores: LoopScores, ids: Sequence[str], text: Text) -> list[_Band]:
    """Return the bands of loops in the order of the file, and one of all that are small."""
    hues, shown, small = _hues(scores.loops), [], []
    for loop in scores.loops:
        if loop.id in ids:
            own = scores.yearly[loop.id] * 100
            sides = own.clip(min=0), own.clip(max=0)
            if (np.abs(own) < 100 * LEAST).all():
                small.append(sides)
            else:
                shown.append(_Band(loop.id, text.name(loop), hues[loop.id], sides))
    if small:
        above, below = np.sum(small, axis=0)
        name = text("loops.chart_others", count=len(small))
        shown.append(_Band("", name, OTHERS, (above, below)))
    return shown


def _hues(loops: Sequence[Loop]) -> dict[str, str]:
    """Return the colour of each loop by its id: by its place in the file, so that it stays.

    Colours of lines are lightened, so that dark words can be read on them.
    """
    result: dict[str, str] = {}
    for polarity, order in HUES.items():
        ids = [loop.id for loop in loops if loop.polarity is polarity]
        for number, id_ in enumerate(ids):
            again, index = divmod(number, len(order))
            white = WHITE[again % len(WHITE)]
            hue = to_rgb(canvas.colours()[order[index]])
            red, green, blue = (part + (1 - part) * white for part in hue)
            result[id_] = to_hex((red, green, blue))
    return result


def _label(axes: Axes, years: Sequence[int], start: FloatArray, end: FloatArray, name: str) -> None:
    """Write the id of a loop where its band is broadest, if there is room."""
    heights = np.abs(end - start)
    # A band is as broad to the eye as it is over three years; labels at the ends would be cut.
    broad = np.minimum(heights[1:-1], (heights[:-2] + heights[2:]) / 2)
    if not len(broad) or broad.max() < LABELLED * 100:
        return
    at = int(broad.argmax()) + 1
    axes.text(years[at], (start[at] + end[at]) / 2, name, ha="center", va="center", fontsize=8,
              color=canvas.INK)  # fmt: skip


def _dress(axes: Axes, years: Sequence[int], text: Text) -> None:
    axes.axhline(0, color=canvas.INK, linewidth=0.8)
    if years:
        canvas.year_axis(axes, years[0], years[-1])
        axes.set_xlim(years[0], max(years[-1], years[0] + 1))
    axes.set_ylim(-100, 100)
    axes.set_yticks(range(-100, 101, 50))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):.0f} %"))
    for side, at in (("loops.chart_up", 0.985), ("loops.chart_down", 0.015)):
        axes.text(0.008, at, text(side), transform=axes.transAxes, color=canvas.GREY,
                  fontsize=7.5, va="top" if at > 0.5 else "bottom")  # fmt: skip
