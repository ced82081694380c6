"""Which feedback loop dominates which indicator when, as bands over years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle

from plansim.analysis.feedback.dominance import Dominance, Phase
from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.output.figures.canvas import (
    GREY,
    INK,
    ShownFigure,
    colours,
    figure_of,
    style,
    typeset,
    wrapped,
    year_axis,
)
from plansim.output.tables.dominance import held_for
from plansim.output.text import Lang, Text, read_text

__all__ = ["loop_phases"]

Colour: TypeAlias = tuple[float, float, float]
WHITE = (0.45, 0.78)
"""By how much colours are lightened, so that dark words can be read on them; where there are more
loops than colours, these come again, paler."""

PALE, FAINT = "#EEEEEE", "#AAAAAA"
"""Where all loops are weak, and the words that say so."""
ROW, NAME, YEAR = 0.34, 2.75, 0.34
"""Height of a row, width of the names and of a year, in inches."""
THIN = 2
"""In bands of fewer years no words find room."""


def loop_phases(
    found: Dominance,
    scores: LoopScores | None = None,
    *,
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw which loop dominates each indicator when: an indicator a row, a loop a colour.

    A mark says whether the loop pushes the indicator up or holds it down; where two are as strong,
    a band has two halves. With ``scores`` a row below says which loop scores highest.

    Raises:
        ValueError: there is no indicator to draw.
    """
    if not found.rows:
        raise ValueError("there is no indicator to draw")
    text = read_text(Lang(lang))
    rows: list[tuple[str, str, Sequence[Phase], tuple[str, str]]] = [
        (
            " ".join(row.indicator.targets),
            text.pick(row.indicator.name_en, row.indicator.name_zh),
            row.phases,
            ("↑", "↓"),
        )
        for row in found.rows
    ]
    scored = scores.partitions if scores else ()
    rows += [("", text("dominance.scored"), each.phases, ("+", "−")) for each in scored]
    last = max(phase.last for _, _, phases, _ in rows for phase in phases)
    first = min(phase.first for _, _, phases, _ in rows for phase in phases)
    leading = {id_ for _, _, phases, _ in rows for phase in phases for id_ in phase.leaders}
    with style():
        # By the place in the file, so that a loop has the same colour in every picture of a model.
        bright = [each for each in colours() if len(set(to_rgb(each))) > 1]  # grey means weak
        fills = {
            loop.id: _tint(bright[place % len(bright)], WHITE[place // len(bright) % len(WHITE)])
            for place, loop in enumerate(found.loops)
            if loop.id in leading
        }
        alone = axes is None
        axes = axes or _axes(len(rows), last - first + 1)
        places = [place + 0.35 * (place >= len(found.rows)) for place in range(len(rows))]
        for place, (ids, name, phases, marks) in zip(places, rows, strict=True):
            for phase in phases:
                _band(axes, place, phase, fills, marks, text)
            axes.annotate(
                wrapped(typeset(name), 40), (0, place), xycoords=("axes fraction", "data"),
                xytext=(-6, 0), textcoords="offset points", ha="right", va="center",
                fontsize=8 if "\n" not in wrapped(typeset(name), 40) else 7, color=INK,
                linespacing=1.0,
            )  # fmt: skip
            axes.annotate(
                ids, (0, place), xycoords=("axes fraction", "data"),
                xytext=(-NAME * 72 + 4, 0), textcoords="offset points", ha="left", va="center",
                fontsize=7, color=GREY,
            )  # fmt: skip
        axes.set_ylim(places[-1] + 0.6, -0.6)
        axes.set_yticks([])
        axes.grid(visible=False)
        year_axis(axes, first, last)
        axes.set_xlim(first - 0.5, last + 0.5)
        if alone:
            _dress(axes, found, fills, text, scored=bool(scored))
    return axes


def _axes(rows: int, years: int) -> Axes:
    figure = ShownFigure(figsize=(NAME + YEAR * years + 0.3, ROW * rows + 1.75))
    return figure.subplots()


def _band(
    axes: Axes,
    place: float,
    phase: Phase,
    hues: Mapping[str, Colour],
    marks: tuple[str, str],
    text: Text,
) -> None:
    left, years = phase.first - 0.5, phase.last - phase.first + 1
    weak = not phase.leaders
    fills: list[Colour | str] = [PALE] if weak else [hues[each] for each in phase.leaders]
    height = 0.8 / len(fills)
    for number, fill in enumerate(fills):
        corner = (left + 0.03, place - 0.4 + number * height)
        axes.add_patch(Rectangle(corner, years - 0.06, height, facecolor=fill, linewidth=0))
    middle = left + years / 2
    if weak:
        if years > THIN:
            word = text.word("dominance", phase.lead)
            axes.text(middle, place, word, ha="center", va="center", fontsize=7, color=FAINT)
        return
    for number, id_ in enumerate(phase.leaders):
        mark = marks[0] if phase.pushes_up(id_) else marks[1]
        small = len(fills) > 1 or years == 1
        axes.text(
            middle, place - 0.4 + (number + 0.5) * height, f"{id_} {mark}",
            ha="center", va="center_baseline", fontsize=6 if small else 8, color=INK,
        )  # fmt: skip


def _tint(hue: str, white: float) -> Colour:
    """Lighten a colour of lines to one that dark words can be read on."""
    red, green, blue = to_rgb(hue)
    return (
        red + (1 - red) * white,
        green + (1 - green) * white,
        blue + (1 - blue) * white,
    )


def _dress(
    axes: Axes, found: Dominance, hues: Mapping[str, Colour], text: Text, *, scored: bool
) -> None:
    """Give a figure of its own its title, and say which colour is which loop."""
    figure = figure_of(axes)
    names = {loop.id: text.pick(loop.name_en, loop.name_zh) for loop in found.loops}
    scenario = found.scenario
    title = text.pick(scenario.title_en, scenario.title_zh) or scenario.id
    figure.suptitle(text("dominance.sheet", scenario=title), x=0.01, ha="left")
    if not hues:
        return
    note = wrapped(text("dominance.sheet_note", span=held_for(found, text)), 150)
    if scored:
        note += "\n" + text("dominance.sheet_scores")
    figure.legend(
        [Patch(facecolor=hue) for hue in hues.values()],
        [f"{id_} {typeset(names[id_])}" for id_ in hues],
        loc="outside lower left", ncols=min(len(hues), 4), fontsize=7.5,
        title=typeset(note), title_fontsize=7, alignment="left",
    )  # fmt: skip
