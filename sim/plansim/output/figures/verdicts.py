"""The verdicts of scenarios on targets as a coloured table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from plansim.output.figures.canvas import GREY, INK, ShownFigure, figure_of, style, typeset, wrapped
from plansim.output.words.text import Lang, Text, margin_figure, percent, read_text, target_figure
from plansim.output.words.verdicts import MARKS, OPEN_MARKS, SIGNS, share_text, verdict_mark
from plansim.targets.target import Attribute, Status
from plansim.targets.verdict import Verdict

__all__ = ["verdict_map"]

STEPS = (2.0, 10.0)
"""Margins, in per cent of the target, at which the colour of a cell grows stronger."""
MET = ("#DCEBF5", "#9CC7E4", "#4E9BCB")
MISSED = ("#FBE3D6", "#F5B48E", "#E5834C")
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
    ``titles`` head the columns instead of the scenarios' ids. The stronger a colour, the larger the
    margin; a mark repeats what the colour says. Behind it stands how many of 100 plausible models
    meet the target, if the verdicts have shares.

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
        axes = axes or _axes(len(rows), wide * len(scenarios))
        axes.set_axis_off()
        axes.set_xlim(-NAME, wide * len(scenarios))
        axes.set_ylim(len(rows) + 0.1, -1.5)
        for index, head in enumerate(titles or scenarios):
            axes.text(
                wide * (index + 0.5), -0.15, wrapped(head, 17), ha="center", va="bottom",
                fontsize=8, color=INK, linespacing=1.1,
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


def _axes(rows: int, cells: float) -> Axes:
    width, height = NAME + cells + 0.2, ROW * (rows + 1.6) + 0.6
    return ShownFigure(figsize=(width, height)).subplots()


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


def _colour(verdict: Verdict) -> str:
    if verdict.is_open:
        return OPEN
    if verdict.status not in (Status.MET, Status.MISSED):
        return NEUTRAL
    strength = sum(abs(_margin(verdict)) >= step for step in STEPS)
    return (MET if verdict.status is Status.MET else MISSED)[strength]


def _margin(verdict: Verdict) -> float:
    """Return the margin in per cent of the target, or in points of a percentage."""
    return (verdict.margin if verdict.margin_pct is None else verdict.margin_pct) or 0.0


def _size(verdict: Verdict, text: Text) -> str:
    if verdict.margin_pct is not None:
        return percent(verdict.margin_pct)
    margin = _margin(verdict)
    return text("plot.points", margin=margin_figure(margin, 1))


def _key(axes: Axes, judged: Sequence[Verdict], text: Text) -> None:
    """Explain colours and marks below the table."""
    result = {verdict.status for verdict in judged if not verdict.is_open}
    entries = []
    for status, shades in ((Status.MET, MET), (Status.MISSED, MISSED)):
        if status in result:
            word = f"{MARKS[status]} {text(f'status.{status}')}"
            bounds = ("plot.under", "plot.between", "plot.over")
            for shade, bound in zip(shades, bounds, strict=True):
                size = text(bound, low=f"{STEPS[0]:g}", high=f"{STEPS[1]:g}")
                entries.append((Patch(facecolor=shade), text("plot.step", verdict=word, size=size)))
    entries += [
        (Patch(facecolor=NEUTRAL), f"{MARKS[status]} {text(f'status.{status}')}")
        for status in (Status.ASSUMED,)
        if status in result
    ]
    entries += [
        (Patch(facecolor=OPEN), f"{mark} {text('verdicts.open')}")
        for certainty, mark in OPEN_MARKS.items()
        if any(verdict.certainty is certainty for verdict in judged)
    ]
    if len(entries) % 3:  # blanks fill a column, so that each has one verdict
        entries += [(Patch(alpha=0), "")] * (3 - len(entries) % 3)
    figure = figure_of(axes)
    title = "plot.margins_shares" if any(one.share for one in judged) else "plot.margins"
    handles, words = zip(*entries, strict=True)
    figure.legend(
        handles, words, loc="outside lower left", ncols=len(entries) // 3, fontsize=7,
        title=text(title), title_fontsize=7, alignment="left",
    )  # fmt: skip
