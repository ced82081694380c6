"""What moves the margins from one scenario to another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from plansim.analysis.attribution.assumptions import Attribution, Shares
from plansim.analysis.comparison import Comparison
from plansim.output.report.document import Cell, Paragraph, ReportTable, Row, Section, TableColumn
from plansim.output.report.sections.verdicts import (
    number_cell,
    sectioned,
    target_cell,
    target_column,
    tone_of,
)
from plansim.output.words import verdicts as wording
from plansim.output.words.text import SHARPEST, Text, decimals_for, decimals_of, figure, signed
from plansim.targets.target import Attribute
from plansim.targets.verdict import Verdict

__all__ = ["cause_in_short", "cause_section"]

_Pair: TypeAlias = tuple[Mapping[str, Verdict], Mapping[str, Verdict]]
"""The verdicts under both scenarios, by target."""

MOST_CAUSES = 4
SMALL = 0.02
"""A share below this part of the largest is not named."""
LEAST_CHANGE = 0.001
"""Smallest change of a margin that is listed, as a part of the target."""


def cause_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the section on what moves the margins from the first scenario to each other one."""
    blocks: list[ReportTable | Paragraph] = []
    for place, attribution in enumerate(comparison.attributions, 1):
        ends = names[0], names[place]
        if attribution is None:
            blocks.append(Paragraph(text("report.clocks", first=ends[0], scenario=ends[1])))
            continue
        verdicts = comparison.verdicts[0], comparison.verdicts[place]
        labelled = attribution.labelled(comparison.views.levers)
        if table := _cause_table(labelled, ends, verdicts, text):
            blocks.append(table)
    return Section(text("report.causes"), text("report.causes_tab"), tuple(blocks))


def _cause_table(
    attribution: Attribution, ends: tuple[str, str], verdicts: _Pair, text: Text
) -> ReportTable | None:
    moved = {shares.target.id: shares for shares in attribution.targets if _is_listed(shares)}
    if not moved:
        return None
    groups = [text.pick(group.name, group.name_zh) for group in attribution.groups]
    columns = (
        target_column(text, 3.2),
        *(
            TableColumn(text("report.margin_under", scenario=name[0]), right=True, width=1.3)
            for name in ends
        ),
        TableColumn(text("report.change"), right=True, width=1.2),
        TableColumn(
            text("causes.due"),
            width=5.0,
            parts=tuple(TableColumn(group, right=True) for group in groups),
        ),
    )
    rows = sectioned(
        [shares.target for shares in moved.values()],
        lambda target: _cause_row(attribution, moved[target.id], verdicts, text),
        text,
    )
    how = text("causes.sampled_bare" if attribution.orders else "causes.exact",
               runs=attribution.runs, orders=attribution.orders)  # fmt: skip
    note = text("list_sep.sentence").join([text("report.causes_note"), how])
    caption = text("report.causes_table", first=ends[0], scenario=ends[1])
    return ReportTable(caption, columns, tuple(rows), note, titles=text("report.attribute"))


def _is_listed(shares: Shares) -> bool:
    """Whether a verdict turns, or a binding target's margin moves by `LEAST_CHANGE` or more."""
    change, size = shares.margin_after - shares.margin_before, shares.target.value or math.nan
    if shares.status_before != shares.status_after:
        return math.isfinite(change)
    binding = shares.target.attribute is Attribute.BINDING
    return binding and math.isfinite(change) and abs(change) >= LEAST_CHANGE * abs(size)


def _cause_row(attribution: Attribution, shares: Shares, verdicts: _Pair, text: Text) -> Row:
    target, decimals = shares.target, _share_decimals(shares)
    assert target.value is not None
    fine = max(decimals_for(target.value, slack=target.tolerance or 0.0), decimals, 0)
    ends = shares.margin_before, shares.margin_after
    while fine < SHARPEST and not all(round(end, fine) or not end for end in ends):
        fine += 1  # no margin reads as none where there is one
    before, after = (round(margin, fine) for margin in ends)
    margins = (
        number_cell(
            margin, f"{wording.verdict_mark(one)} {signed(margin, fine)}", tone_of(one), fine
        )
        for margin, one in zip(ends, (own[target.id] for own in verdicts), strict=True)
    )
    return (
        target_cell(target, text),
        *margins,
        number_cell(shares.margin_after - shares.margin_before, signed(after - before, fine)),
        Cell(
            _shares_in_words(attribution, shares, decimals, text),
            parts=tuple(number_cell(share, figure(share, decimals)) for share in shares.shares),
        ),
    )


def _share_decimals(shares: Shares) -> int:
    return min(max(decimals_of([max(map(abs, shares.shares))]) - 1, 0), 3)


def cause_in_short(attribution: Attribution, shares: Shares, text: Text) -> str:
    """Write by how much a margin changes, and what that is due to most."""
    decimals = _share_decimals(shares)
    change = signed(shares.margin_after - shares.margin_before, decimals)
    size = wording.difference_words(change, shares.target.unit, text)
    return size + text("list_sep.colon") + _shares_in_words(attribution, shares, decimals, text)


def _shares_in_words(attribution: Attribution, shares: Shares, decimals: int, text: Text) -> str:
    """Name the largest shares and add up the others; none that rounds to zero is named."""
    pairs = sorted(
        zip(attribution.groups, shares.shares, strict=True), key=lambda pair: -abs(pair[1])
    )
    least = abs(pairs[0][1]) * SMALL
    worth = [pair for pair in pairs if abs(pair[1]) > least and round(pair[1], decimals)]
    # In place of a single one that would be left over, "others" says less.
    named = worth if len(worth) == MOST_CAUSES + 1 else worth[:MOST_CAUSES]
    parts = [
        f"{text.pick(group.name, group.name_zh)} {signed(share, decimals)}"
        for group, share in named
    ]
    rest = math.fsum(share for _, share in pairs[len(named) :])
    if round(rest, decimals):
        parts.append(text("causes.rest_bare", share=signed(rest, decimals)))
    return text.join(parts) or "–"
