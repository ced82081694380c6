"""The tables behind a decision: all verdicts, what moves the margins, what scenarios assume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from plansim.analysis.attribution.assumptions import Attribution, Shares
from plansim.analysis.comparison import Assumption, Comparison
from plansim.model.units import NO_UNIT
from plansim.output.report.document import (
    Cell,
    GroupRow,
    Medium,
    Paragraph,
    Picture,
    ReportTable,
    Row,
    Section,
    TableColumn,
    Tone,
)
from plansim.output.words import verdicts as wording
from plansim.output.words.text import (
    Text,
    decimals_for,
    decimals_of,
    figure,
    percent,
    signed,
)
from plansim.scenario.factors import Apply
from plansim.targets.target import Attribute, Status, Target, is_percentage
from plansim.targets.verdict import Verdict
from plansim.targets.views import Lever

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = [
    "TONES",
    "assumption_section",
    "cause_in_short",
    "cause_section",
    "names_of",
    "number_cell",
    "target_cells",
    "target_columns",
    "tone_of",
    "verdict_section",
]

MOST_CAUSES = 4
SMALL = 0.02
"""A share below this part of the largest is not named."""
LEAST_CHANGE = 0.001
"""Smallest change of a margin that is listed, as a part of the target."""
TONES = MappingProxyType(
    {
        Status.MET: Tone.GOOD,
        Status.MISSED: Tone.BAD,
        Status.UNDECIDED: Tone.DOUBT,
        Status.ASSUMED: Tone.DOUBT,
        Status.UNTESTABLE: Tone.FAINT,
    }
)


def tone_of(verdict: Verdict) -> Tone:
    """Return how a verdict stands out: by its status, if plausible models agree with it."""
    return Tone.DOUBT if verdict.is_open else TONES[verdict.status]


def number_cell(
    number: float | None, shown: str, tone: Tone = Tone.PLAIN, decimals: int | None = None
) -> Cell:
    """Return a cell with a number; a workbook shows as many decimals of it, or as ``shown`` has."""
    if decimals is None:
        decimals = len(shown.partition(".")[2])
    return Cell(shown, tone=tone, number=number, decimals=max(decimals, 0))


def target_cells(
    target: Target, below: str, text: Text, tone: Tone = Tone.PLAIN
) -> tuple[Cell, Cell]:
    """Return the cells that head the row of a target: its name, with the id behind; its id."""
    behind = text("list_sep.dot").join(filter(None, [below, target.id]))
    return Cell(text.name(target), (behind,), tone), Cell(target.id)


def target_columns(below: str, text: Text, width: float = 3.2) -> tuple[TableColumn, TableColumn]:
    """Return the columns that `target_cells` fill."""
    return (
        TableColumn(text("verdicts.name"), below, width=width),
        TableColumn(text("verdicts.id"), width=0.8, medium=Medium.BOOK),
    )


def names_of(targets: Iterable[Target], text: Text) -> list[str]:
    """Return the names of targets."""
    return [text.name(target) for target in targets]


def _sectioned(
    targets: Sequence[Target], row: Callable[[Target], Row], text: Text
) -> Iterator[Row | GroupRow]:
    """Yield a row for each target, under a band for each attribute and year."""
    for title, section in wording.by_section(targets, text):
        yield GroupRow(title)
        yield from map(row, section)


# --- verdicts -------------------------------------------------------------------------------------


def verdict_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the matrix of all targets that are judged, with a picture of the binding ones."""
    judged = [
        target
        for target in comparison.targets
        if any(v[target.id].status is not Status.UNTESTABLE for v in comparison.verdicts)
    ]
    columns = [
        *target_columns("", text, width=4.0),
        TableColumn(text("verdicts.target"), right=True, width=1.6, medium=Medium.PAGE),
        TableColumn(text("verdicts.target"), right=True, medium=Medium.BOOK),
        TableColumn(text("run.unit"), medium=Medium.BOOK),
    ]
    for name in names:
        columns.append(TableColumn(name, right=True, width=2.4, medium=Medium.PAGE))
        columns += [
            # The name itself would not fit; the note says whose letter it is.
            TableColumn(f"{name[0]} {text(key)}", right=key != "report.verdict", medium=Medium.BOOK)
            for key in ("report.verdict", "report.value", "causes.margin", "report.margin_pct",
                        "report.models_head", "report.first_breach")
        ]  # fmt: skip

    def row(target: Target) -> Row:
        unit = text.unit(target.unit)
        cells = [
            *target_cells(target, "", text),
            Cell(f"{wording.limit_of(target, text)} {unit}"),
            number_cell(target.value, wording.limit_of(target, text)),
            Cell(unit),
        ]
        for verdicts in comparison.verdicts:
            cells += _verdict_cells(verdicts[target.id], target, text)
        return Row(tuple(cells))

    listed = text.join(names)
    note = listed + text("list_sep.stop") + text("report.matrix_note")
    rows = tuple(_sectioned(judged, row, text))
    table = ReportTable(text("report.matrix"), tuple(columns), rows, note, text("report.attribute"))
    picture = Picture(
        text("report.map"),
        text("report.map_alt", scenarios=listed),
        lambda: _map(comparison, names, text),
    )
    return Section(text("report.verdicts"), text("report.verdicts"), (picture, table), True)


def _map(comparison: Comparison, names: Sequence[str], text: Text) -> Drawing:
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.verdicts import verdict_map

    everything = [verdict for by_id in comparison.verdicts for verdict in by_id.values()]
    binding = [verdict for verdict in everything if verdict.attribute is Attribute.BINDING]
    return figure_of(verdict_map(binding, titles=names, lang=text.lang))


def _verdict_cells(verdict: Verdict, target: Target, text: Text) -> list[Cell]:
    """Return one cell for a page, and those of a workbook, which hold its parts."""
    tone, share = tone_of(verdict), wording.share_text(verdict)
    word = Cell(wording.outcome_words(verdict, text), tone=tone)
    if verdict.value is None or verdict.margin is None:
        return [word, word, *[Cell()] * 5]
    value = wording.value_words(target, verdict.value, text)
    breach = verdict.first_breach
    if bases := wording.bases_of(verdict, target, text):
        below = [f"{name} {value}" for name, value in bases]
        page = Cell(word.text, tuple(below), tone)
    else:
        below = [wording.margin_words(verdict, target, text)]
        # That a target which is missed in its year is first missed then goes without saying.
        if breach is not None and verdict.status is Status.MET:
            below.append(text("report.fails_first", year=breach))
        page = Cell(f"{wording.verdict_mark(verdict)} {value}", (text.join(below),), tone)
    if share:
        page = replace(page, below=(*page.below, share))
    met = verdict.share.of_hundred if verdict.share else None
    return [
        page,
        word,
        number_cell(verdict.value, wording.value_text(target, verdict.value)),
        number_cell(verdict.margin, wording.margin_text(verdict, target)),
        number_cell(
            verdict.margin_pct,
            "" if verdict.margin_pct is None else percent(verdict.margin_pct),
            decimals=1,
        ),
        number_cell(met, "" if met is None else str(met)),
        number_cell(breach, "" if breach is None else str(breach)),
    ]


# --- causes ---------------------------------------------------------------------------------------


def _levers_by_constants(comparison: Comparison) -> dict[frozenset[str], Lever]:
    """Return levers by what they move: a change that is just that has the lever's name."""
    return {frozenset(lever.constants): lever for lever in comparison.views.levers}


def cause_section(comparison: Comparison, names: Sequence[str], text: Text) -> Iterator[Section]:
    """Yield the section on what moves the margins from the first scenario to each other one."""
    blocks: list[ReportTable | Paragraph] = []
    for name, attribution in zip(names[1:], comparison.attributions, strict=True):
        if attribution is None:
            blocks.append(Paragraph(text("report.clocks", first=names[0], scenario=name)))
        elif table := _cause_table(
            attribution.labelled(comparison.views.levers), names[0], name, text
        ):
            blocks.append(table)
    if blocks:
        yield Section(text("report.causes"), text("report.causes_tab"), tuple(blocks), True)


def _cause_table(attribution: Attribution, first: str, name: str, text: Text) -> ReportTable | None:
    moved = {shares.target.id: shares for shares in attribution.targets if _is_listed(shares)}
    if not moved:
        return None
    columns = [
        *target_columns(text("run.unit"), text),
        TableColumn(text("run.unit"), medium=Medium.BOOK),
        TableColumn(text("report.from", scenario=first), right=True, width=1.6),
        TableColumn(text("report.to", scenario=name), right=True, width=1.6),
        TableColumn(text("report.change"), right=True, width=1.2),
        TableColumn(text("causes.due"), width=4.4, medium=Medium.PAGE),
        *(
            TableColumn(text.pick(group.name, group.name_zh), right=True, medium=Medium.BOOK)
            for group in attribution.groups
        ),
    ]
    rows = _sectioned(
        [shares.target for shares in moved.values()],
        lambda target: _cause_row(attribution, moved[target.id], text),
        text,
    )
    how = text("causes.sampled_bare" if attribution.orders else "causes.exact",
               runs=attribution.runs, orders=attribution.orders)  # fmt: skip
    note = text("list_sep.sentence").join([text("report.causes_note"), how])
    caption = text("report.causes_table", first=first, scenario=name)
    return ReportTable(caption, tuple(columns), tuple(rows), note, text("report.attribute"))


def _is_listed(shares: Shares) -> bool:
    """Whether a verdict turns, or a binding target's margin moves by `LEAST_CHANGE` or more."""
    change, size = shares.margin_after - shares.margin_before, shares.target.value or math.nan
    if shares.status_before != shares.status_after:
        return math.isfinite(change)
    binding = shares.target.attribute is Attribute.BINDING
    return binding and math.isfinite(change) and abs(change) >= LEAST_CHANGE * abs(size)


def _cause_row(attribution: Attribution, shares: Shares, text: Text) -> Row:
    target, change = shares.target, shares.margin_after - shares.margin_before
    decimals = min(max(decimals_of([max(map(abs, shares.shares))]) - 1, 0), 3)
    assert target.value is not None
    fine = max(decimals_for(target.value, slack=target.tolerance or 0.0), decimals, 0)
    before, after = (round(end, fine) for end in (shares.margin_before, shares.margin_after))
    margins = (
        number_cell(margin, f"{wording.MARKS[status]} {signed(margin, fine)}", TONES[status], fine)
        for margin, status in (
            (shares.margin_before, shares.status_before),
            (shares.margin_after, shares.status_after),
        )
    )
    return Row(
        (
            *target_cells(target, text.unit(target.unit), text),
            Cell(text.unit(target.unit)),
            *margins,
            number_cell(change, signed(after - before, fine)),
            Cell(_shares_in_words(attribution, shares, decimals, text)),
            *(number_cell(share, figure(share, decimals)) for share in shares.shares),
        )
    )


def cause_in_short(attribution: Attribution, shares: Shares, text: Text) -> str:
    """Write by how much a margin changes, and what that is due to most."""
    decimals = min(max(decimals_of([max(map(abs, shares.shares))]) - 1, 0), 3)
    change = shares.margin_after - shares.margin_before
    size = f"{signed(change, decimals)} {text.unit(shares.target.unit)}"
    if is_percentage(shares.target.unit):
        percent_sign = shares.target.unit.partition("/")[0]
        size = text.word("margin", percent_sign).format(margin=signed(change, decimals))
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


# --- assumptions ----------------------------------------------------------------------------------


def assumption_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the assumptions that differ, with their values; and what scenarios take as given."""
    columns = (
        TableColumn(text("report.assumption"), width=4.0),
        TableColumn(text("run.unit"), width=1.4),
        *(TableColumn(name, right=True, width=1.6) for name in names),
    )
    levers = _levers_by_constants(comparison)
    rows = []
    for assumption in comparison.assumptions:
        lever = levers.get(frozenset([assumption.reference]))
        called: Assumption | Lever = assumption
        shown, factor = assumption.unit, 1.0
        # A lever that adds or multiplies is no name for the value that results.
        if lever is not None and lever.apply is Apply.SET:
            called, shown, factor = lever, lever.shown_unit, lever.shown_factor
        name = text.name(called)
        unit = "" if shown == NO_UNIT else text.unit(shown)
        cells = [
            number_cell(
                None if value is None else value * factor,
                "–" if value is None else f"{value * factor:.6g}",
                Tone.PLAIN if value == assumption.values[0] else Tone.STRONG,
            )
            for value in assumption.values
        ]
        rows.append(Row((Cell(name[:1].upper() + name[1:]), Cell(unit), *cells)))
    title, tab = text("report.assumptions"), text("report.assumptions_tab")
    if not rows:
        return Section(title, tab, (Paragraph(text("report.no_assumptions")),))
    note = [
        text(
            "report.premises",
            scenario=name,
            names=text.join(
                names_of((one for one in comparison.targets if one.id in scenario.assumed), text)
            ),
        )
        for name, scenario in zip(names, comparison.scenarios, strict=True)
        if scenario.assumed
    ]
    table = ReportTable(text("report.assumptions_table"), columns, tuple(rows),
                  text("list_sep.sentence").join(note))  # fmt: skip
    return Section(title, tab, (table,), True)
