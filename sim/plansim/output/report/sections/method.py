"""The last page of a report: how its figures came about, and the run cards."""

from __future__ import annotations

import json

from plansim.analysis.comparison import Comparison
from plansim.output.report.document import (
    Bullets,
    Cell,
    ReportTable,
    Section,
    TableColumn,
)
from plansim.output.words.text import Text
from plansim.targets.target import Status

__all__ = ["method_section"]


def method_section(comparison: Comparison, names: list[str], text: Text) -> Section:
    """Return how the figures came about, and the run cards."""
    judged = sum(one.status is not Status.UNTESTABLE for one in comparison.verdicts[0].values())
    count = f"{len(comparison.model.variables):,}"
    points = [
        text("report.method_model", variables=count, count=judged),
        text("report.method_verdicts"),
        text("report.method_causes"),
    ]
    if any(found.targets for found in comparison.remedies):
        points.append(text("report.method_remedies"))
    points += [text("report.method_units"), text("report.method_trust")]
    cards = [{str(k): str(v) for k, v in run.attrs.items()} for run in comparison.runs]
    keys = [key for key in cards[0] if not key.startswith("scenario_title")]
    rows = []
    for key in keys:
        values = [_readable(card.get(key, "")) for card in cards]
        if any(values):
            label = text.word("run_card", key)
            rows.append((Cell(label), *map(Cell, values)))
    table = ReportTable(
        text("report.card"),
        (
            TableColumn(text("report.entry"), width=1.5),
            *(TableColumn(name, width=3.0) for name in names),
        ),
        tuple(rows),
    )
    blocks = Bullets(tuple(points)), table
    return Section(text("report.method"), text("report.method_tab"), blocks)


def _readable(value: str) -> str:
    """Write a list without its brackets, a check sum by its first digits.

    >>> _readable('["a", "b"]'), _readable("0" * 64), _readable("0.125")
    ('a, b', '000000000000…', '0.125')
    """
    if value.startswith("["):
        return ", ".join(map(str, json.loads(value)))
    return f"{value[:12]}…" if len(value) == 64 else value
