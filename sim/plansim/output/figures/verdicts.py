"""The verdicts of scenarios on targets as a coloured table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from plansim.output.figures.canvas import GREY, INK, figure_of, new_axes, style, typeset, wrapped
from plansim.output.words.text import Lang, Text, margin_figure, percent, read_text, target_figure
from plansim.output.words.verdicts import (
    MARKS,
    OPEN_MARKS,
    SIGNS,
    difference_words,
    outcome_words,
    share_text,
    verdict_mark,
)
from plansim.output.words.wrapping import shortened
from plansim.targets.target import Attribute, Status
from plansim.targets.verdict import Verdict

__all__ = ["verdict_map"]

HUES = MappingProxyType({Status.MET: "#9CC7E4", Status.MISSED: "#F5B48E"})
NEUTRAL = "#EEEEEE"
OPEN = "#F6EFC9"
ROW = 0.265
"""Height of a row, in inches."""
NAME, CELL, SHARE = 3.7, 1.0, 0.42
"""Width of the names, of a cell, and of a share in it, in inches."""


def verdict_map(
    verdicts: Iterable[Verdict],
    *,
    titles: Sequence[str] = (),
    axes: Axes | None = None,
    lang: str = Lang.EN,
) -> Axes:
    """Draw verdicts as a table: a target a row, a scenario a column, its margin in each cell.

    Targets are sorted by attribute; those that no scenario can judge are left out.
    ``titles`` head the columns instead of the scenarios' ids. A mark repeats what the colour says.
    Behind it stands how many of 100 plausible models meet the target, if the verdicts have shares.

    Raises:
        ValueError: nothing is judged.

    >>> verdicts = plansim.check_scenarios(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> len(plansim.plot.verdict_map(verdicts).patches)
    2
    """
    text = read_text(Lang(lang))
    cells = {(verdict.id, verdict.scenario): verdict for verdict in verdicts}
    scenarios = list(dict.fromkeys(scenario for _, scenario in cells))
    judged = [cell for cell in cells.values() if cell.status is not Status.UNTESTABLE]
    if not judged:
        raise ValueError("there is no verdict to draw")
    rows: list[Verdict | Attribute] = []
    for attribute in Attribute:
        same = {verdict.id: verdict for verdict in judged if verdict.attribute is attribute}
        rows += [attribute, *same.values()] if same else []
    wide = CELL + SHARE * any(verdict.share for verdict in judged)
    with style():
        width = wide * len(scenarios)
        axes = axes or new_axes(NAME + width + 0.2, ROW * (len(rows) + 1.6) + 0.6)
        axes.set_axis_off()
        axes.set_xlim(-NAME, width)
        axes.set_ylim(len(rows) + 0.1, -1.5)
        for index, head in enumerate(titles or scenarios):
            axes.text(
                wide * (index + 0.5), -0.15, wrapped(shortened(head, 60), 17), ha="center",
                va="bottom", fontsize=8, color=INK, linespacing=1.1,
            )  # fmt: skip
        for index, row in enumerate(rows):
            if isinstance(row, Attribute):
                word = text.word("targets", row)
                axes.text(-NAME, index + 0.62, word, va="center", color=GREY, fontsize=9)
                continue
            _write_name(axes, index, row, text)
            for column, scenario in enumerate(scenarios):
                if (verdict := cells.get((row.id, scenario))) is not None:
                    _fill(axes, wide * column, index, wide, verdict, text)
        _key(axes, judged, text)
    return axes


def _write_name(axes: Axes, index: int, row: Verdict, text: Text) -> None:
    name = text.name(row)
    lines = wrapped(name, 48).split("\n")
    head = "\n".join(lines[:2]) + (" …" if len(lines) > 2 else "")
    axes.text(-NAME, index + 0.5, row.id, va="center", fontsize=7, color=GREY)
    axes.text(
        -NAME + 0.43,
        index + 0.5,
        head,
        va="center",
        color=INK,
        fontsize=7 if len(lines) > 1 else 8,
        linespacing=1.05,
    )
    if row.target is not None and row.direction is not None:
        value = target_figure(row.target).replace("-", "−")
        asked = f"{SIGNS[row.direction]} {value} {text.unit(row.unit)}"
        axes.text(
            -0.06, index + 0.5, typeset(asked), va="center", ha="right", fontsize=7, color=GREY
        )


def _fill(axes: Axes, left: float, index: int, wide: float, verdict: Verdict, text: Text) -> None:
    corner = (left + 0.02, index + 0.04)
    axes.add_patch(Rectangle(corner, wide - 0.04, 0.92, facecolor=_colour(verdict), linewidth=0))
    words, middle = verdict_mark(verdict), index + 0.5
    if verdict.status in (Status.MET, Status.MISSED):
        words += "  " + _size(verdict, text).replace("-", "−")
    axes.text(left + CELL / 2, middle, words, ha="center", va="center", fontsize=8, color=INK)
    share, edge = share_text(verdict), left + wide - 0.08
    axes.text(edge, middle, share, ha="right", va="center", fontsize=7, color=INK)


def _size(verdict: Verdict, text: Text) -> str:
    """Write the margin in per cent of the target, or in points of a percentage."""
    if verdict.margin_pct is not None:
        return percent(verdict.margin_pct)
    return difference_words(margin_figure(verdict.margin or 0.0, 1), verdict.unit, text)


def _colour(verdict: Verdict) -> str:
    return OPEN if verdict.is_open else HUES.get(verdict.status, NEUTRAL)


def _key(axes: Axes, judged: Sequence[Verdict], text: Text) -> None:
    """Explain colours and marks below the table."""
    entries = {verdict_mark(one): (_colour(one), outcome_words(one, text)) for one in judged}
    marks = [*MARKS.values(), *OPEN_MARKS.values()]
    hues, words = zip(*(entries[mark] for mark in sorted(entries, key=marks.index)), strict=True)
    title = "plot.margins_shares" if any(one.share for one in judged) else "plot.margins"
    figure_of(axes).legend(
        [Patch(facecolor=hue) for hue in hues], words, loc="outside lower left", ncols=len(words),
        fontsize=7, title=text(title), title_fontsize=7, alignment="left",
    )  # fmt: skip
