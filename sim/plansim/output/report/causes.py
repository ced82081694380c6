"""What moves the margins from one scenario to another, as a table of a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from plansim.analysis.attribution import Attribution, Shares
from plansim.analysis.comparison import Comparison
from plansim.output.report.document import (
    Band,
    Cell,
    Column,
    Medium,
    Paragraph,
    Row,
    Section,
    Table,
    Tone,
)
from plansim.output.tables.attribution import signed
from plansim.output.text import (
    Text,
    decimals_for,
    decimals_of,
    figure,
    margin_figure,
)
from plansim.output.verdict_words import MARKS, section_of
from plansim.targets.catalogue import Attribute, Status
from plansim.targets.views import Lever

__all__ = ["cause_section", "levers_by_constants"]

MOST_CAUSES = 4
SMALL = 0.02
"""A share below this part of the largest is not named."""
LEAST_CHANGE = 0.001
"""Of a margin, as a part of the target."""
_TONES = {
    Status.MET: Tone.GOOD,
    Status.MISSED: Tone.BAD,
    Status.UNDECIDED: Tone.DOUBT,
    Status.ASSUMED: Tone.DOUBT,
    Status.UNTESTABLE: Tone.FAINT,
}


def levers_by_constants(comparison: Comparison) -> dict[frozenset[str], Lever]:
    """Give levers by what they move: a table calls a change as page 1 does if it is just that."""
    return {frozenset(each.constants): each for each in comparison.views.levers}


def cause_section(comparison: Comparison, names: Sequence[str], text: Text) -> Iterator[Section]:
    """Give what moves the margins from the first scenario to each other one."""
    blocks: list[Table | Paragraph] = []
    for name, found in zip(names[1:], comparison.attributions, strict=True):
        if found is None:
            blocks.append(Paragraph(text("report.clocks", first=names[0], scenario=name)))
        elif table := _cause_table(found.labelled(comparison.views.levers), names[0], name, text):
            blocks.append(table)
    if blocks:
        yield Section(text("report.causes"), text("report.causes_tab"), tuple(blocks), True)


def _cause_table(found: Attribution, first: str, name: str, text: Text) -> Table | None:
    moved = [
        each
        for each in found.targets
        if _moves(each)
        and (each.target.attribute is Attribute.BINDING or each.status_before != each.status_after)
    ]
    if not moved:
        return None
    columns = [
        Column(text("verdicts.name"), text("run.unit"), width=3.2),
        Column(text("report.from", scenario=first), right=True, width=1.6),
        Column(text("report.to", scenario=name), right=True, width=1.6),
        Column(text("report.change"), right=True, width=1.2),
        Column(text("causes.due"), width=4.4, medium=Medium.PAGE),
        *(
            Column(text.pick(each.name, each.name_zh), right=True, medium=Medium.BOOK)
            for each in found.groups
        ),
    ]
    rows: list[Row | Band] = []
    for (_, year), group in groupby(
        sorted(moved, key=lambda each: section_of(each.target)),
        lambda each: section_of(each.target),
    ):
        section = list(group)
        rows.append(Band(text.word("section", section[0].target.attribute).format(year=year)))
        rows += [_cause_row(found, each, text) for each in section]
    how = text("causes.sampled_bare" if found.orders else "causes.exact", runs=found.runs,
               orders=found.orders)  # fmt: skip
    note = text("list_sep.sentence").join([text("report.causes_note"), how])
    caption = text("report.causes_table", first=first, scenario=name)
    return Table(caption, tuple(columns), tuple(rows), note)


def _moves(shares: Shares) -> bool:
    """Whether a margin moves by what is worth saying, `LEAST_CHANGE` of its target."""
    change, size = shares.margin_after - shares.margin_before, shares.target.value or math.nan
    turns = shares.status_before != shares.status_after
    return math.isfinite(change) and (turns or abs(change) >= LEAST_CHANGE * abs(size))


def _cause_row(found: Attribution, shares: Shares, text: Text) -> Row:
    target, change = shares.target, shares.margin_after - shares.margin_before
    largest = max(map(abs, shares.shares))
    decimals = min(max(decimals_of([largest]) - 1, 0), 3)
    assert target.value is not None
    fine = max(decimals_for(target.value, slack=target.tolerance or 0.0), 0)

    def margin(size: float, status: Status) -> Cell:
        mark = MARKS[status]
        shown = margin_figure(size, fine)
        return Cell(f"{mark} {shown}", tone=_TONES[status], number=size, decimals=fine)

    return Row(
        (
            Cell(
                f"{target.id}  {text.pick(target.name_en, target.name_zh)}",
                (text.unit(target.unit),),
            ),
            margin(shares.margin_before, shares.status_before),
            margin(shares.margin_after, shares.status_after),
            Cell(signed(change, decimals), number=change, decimals=decimals),
            Cell(_shares_in_words(found, shares, decimals, text)),
            *(
                Cell(figure(each, decimals), number=each, decimals=decimals)
                for each in shares.shares
            ),
        )
    )


def _shares_in_words(found: Attribution, shares: Shares, decimals: int, text: Text) -> str:
    """Name the largest shares and add up the others; none that rounds to nil is named."""
    order = sorted(range(len(found.groups)), key=lambda place: -abs(shares.shares[place]))
    least = abs(shares.shares[order[0]]) * SMALL
    worth = [
        place
        for place in order
        if abs(shares.shares[place]) > least and round(shares.shares[place], decimals)
    ]
    # In the place of one that would be left over alone, "others" says less.
    named = worth if len(worth) == MOST_CAUSES + 1 else worth[:MOST_CAUSES]
    said = [
        f"{text.pick(found.groups[place].name, found.groups[place].name_zh)} "
        f"{signed(shares.shares[place], decimals)}"
        for place in named
    ]
    rest = math.fsum(shares.shares[place] for place in order[len(named) :])
    if round(rest, decimals):
        said.append(text("causes.rest_bare", share=signed(rest, decimals)))
    return text.join(said) or "–"
