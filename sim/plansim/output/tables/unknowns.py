"""What decides whether targets are met: for each open target the unknowns that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from plansim.analysis.unknowns import DecidedTarget, DecidingUnknown
from plansim.model.records import Model
from plansim.output.describe import constants_name
from plansim.output.tables.layout import (
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    lines,
    text_column,
)
from plansim.output.words.text import Text
from plansim.targets.verdict import of_hundred

__all__ = ["unknowns_table"]


def unknowns_table(decided: Sequence[DecidedTarget], model: Model, text: Text) -> RenderableType:
    """Lay out the unknowns that decide targets, by scenario."""
    if not decided:
        return text("unknowns.none")
    parts: list[RenderableType] = []
    for scenario, group in groupby(decided, key=lambda one: one.scenario):
        columns = [
            text_column(text("verdicts.name")),
            figure_column(text("unknowns.met")),
            text_column(text("unknowns.unknown")),
            figure_column(text("unknowns.low")),
            figure_column(text("unknowns.high")),
            figure_column(text("unknowns.explained")),
        ]
        rows = [row for one in group for row in _rows(one, model, text)]
        parts.append(lines([Prose(scenario, Style.STRONG), Grid(columns, rows)]))
    return blocks([*parts, text("unknowns.legend")])


def _rows(decided: DecidedTarget, model: Model, text: Text) -> list[Row]:
    name, share = text.pick(decided.name_en, decided.name_zh), _of_hundred(decided.share)
    first, *others = [_cells(unknown, model, text) for unknown in decided.unknowns] or [
        (text("unknowns.many"), "", "", "")
    ]
    return [(name, share, *first), *(("", "", *other) for other in others)]


def _cells(unknown: DecidingUnknown, model: Model, text: Text) -> tuple[str, str, str, str]:
    name = constants_name(unknown.constants, model, text) or unknown.name
    low, high = _of_hundred(unknown.share_low), _of_hundred(unknown.share_high)
    return name, low, high, f"{100 * unknown.explained:.0f} %"


def _of_hundred(share: float) -> str:
    return f"{of_hundred(share)}/100"
