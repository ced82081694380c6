"""The tables behind a decision: all verdicts, what moves the margins, what scenarios assume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from plansim.analysis.attribution.assumptions import Attribution, Shares
from plansim.analysis.comparison import Assumption, Comparison
from plansim.model.units import NO_UNIT
from plansim.output.report.document import (
    Cell,
    GroupRow,
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
    signed,
)
from plansim.scenario.factors import Apply
from plansim.targets.target import Attribute, Status, Target
from plansim.targets.verdict import Verdict
from plansim.targets.views import Lever

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = [
    "assumption_section",
    "cause_in_short",
    "cause_section",
    "chart_section",
    "count_cell",
    "number_cell",
    "target_cell",
    "target_column",
    "verdict_cells",
    "verdict_columns",
    "verdict_section",
]

MOST_CAUSES = 4
EM_SPACE = "\u2003"
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


def number_cell(
    number: float | None, shown: str, tone: Tone = Tone.PLAIN, decimals: int | None = None
) -> Cell:
    """Return a cell with a number; a workbook shows as many decimals of it, or as ``shown`` has."""
    if decimals is None:
        decimals = len(shown.partition(".")[2])
    return Cell(shown, tone=tone, number=number, decimals=max(decimals, 0))


def count_cell(count: int | None, missing: str = "", tone: Tone = Tone.PLAIN) -> Cell:
    """Return a cell with a whole number, or with what stands where there is none."""
    return number_cell(count, missing if count is None else str(count), tone)


def target_column(text: Text, width: float) -> TableColumn:
    """Return the column of targets, which `target_cell` fills."""
    heads = ("verdicts.name", "verdicts.id", "verdicts.target", "run.unit")
    widths = (width, 0.8, 1.0, 0.9)
    parts = [TableColumn(text(head), width=size) for head, size in zip(heads, widths, strict=True)]
    return TableColumn(text("verdicts.name"), width=width, parts=tuple(parts))


def target_cell(target: Target, text: Text, tone: Tone = Tone.PLAIN) -> Cell:
    """Return what heads the row of a target: its name; below what it asks, and its id."""
    name, limit, unit = text.name(target), wording.limit_of(target, text), text.unit(target.unit)
    behind = text("list_sep.dot").join([f"{limit} {unit}".strip(), target.id])
    parts = (Cell(name), Cell(target.id), number_cell(target.value, limit), Cell(unit))
    return Cell(name, (behind,), tone, parts=parts)


def _sectioned(
    targets: Sequence[Target], row: Callable[[Target], Row], text: Text
) -> Iterator[Row | GroupRow]:
    """Yield a row for each target, under a band for each attribute and year."""
    for title, section in wording.by_section(targets, text):
        yield GroupRow(title)
        yield from map(row, section)


# --- verdicts -------------------------------------------------------------------------------------


def verdict_columns(names: Sequence[str], text: Text, width: float) -> list[TableColumn]:
    """Return the columns of scenarios, which `verdict_cells` fills.

    In a workbook the letter alone stands for a scenario, whose name would not fit.
    """
    keys = ("report.verdict", "report.value", "causes.margin", "report.models_head",
            "report.first_breach")  # fmt: skip
    return [
        TableColumn(
            name,
            width=width,
            parts=tuple(
                TableColumn(f"{name[0]} {text(key)}", right=key != "report.verdict") for key in keys
            ),
        )
        for name in names
    ]


def verdict_cells(comparison: Comparison, target: Target, text: Text) -> list[Cell]:
    """Return what becomes of a target under each scenario, and in how many plausible models."""
    return [_verdict_cell(verdicts[target.id], target, text) for verdicts in comparison.verdicts]


def _verdict_cell(verdict: Verdict, target: Target, text: Text) -> Cell:
    # A verdict stands out by its status, if plausible models agree with it.
    tone = Tone.DOUBT if verdict.is_open else TONES[verdict.status]
    word = wording.outcome_words(verdict, text)
    if verdict.value is None:
        return Cell(word, tone=tone, parts=(Cell(word, tone=tone), *[Cell()] * 4))
    share, breach = wording.share_text(verdict), verdict.first_breach
    shown = wording.value_words(target, verdict.value, text)
    below = [wording.margin_words(verdict, target, text)]
    value = number_cell(verdict.value, wording.value_text(target, verdict.value))
    if bases := wording.bases_of(verdict, target, text):
        shown, below = "", [text.join([side for _, side in bases])]
        value = Cell(below[0])
    if wording.breaks_later(verdict):
        below.append(text("report.fails_first", year=breach))
    parts = (
        Cell(word, tone=tone),
        value,
        number_cell(verdict.margin, wording.margin_text(verdict, target)),
        count_cell(verdict.share.of_hundred if verdict.share else None),
        count_cell(breach),
    )
    line = f"{wording.verdict_mark(verdict)} {shown}{EM_SPACE}{share}".rstrip()
    return Cell(line, (text("list_sep.clause").join(below),), tone, parts=parts)


def verdict_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the matrix of all targets that are judged, with a picture of the binding ones."""
    judged = [
        target
        for target in comparison.targets
        if any(v[target.id].status is not Status.UNTESTABLE for v in comparison.verdicts)
    ]
    rows = _sectioned(
        judged,
        lambda target: (target_cell(target, text), *verdict_cells(comparison, target, text)),
        text,
    )
    columns = (target_column(text, 4.0), *verdict_columns(names, text, 2.4))
    listed = text.join(names)
    note = listed + text("list_sep.stop") + text("report.matrix_note")
    table = ReportTable(
        text("report.matrix"), columns, tuple(rows), note, titles=text("report.attribute")
    )
    picture = Picture(
        text("report.map"),
        text("report.map_alt", scenarios=listed),
        lambda: _map(comparison, names, text),
    )
    title = text("report.verdicts")
    return Section(title, title, (picture, table), new_page=True)


def _map(comparison: Comparison, names: Sequence[str], text: Text) -> Drawing:
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.verdicts import verdict_map

    everything = [verdict for by_id in comparison.verdicts for verdict in by_id.values()]
    binding = [verdict for verdict in everything if verdict.attribute is Attribute.BINDING]
    return figure_of(verdict_map(binding, titles=names, lang=text.lang))


# --- charts ---------------------------------------------------------------------------------------


def chart_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the key charts of the views; nothing where there are none."""
    charts = [chart for chart in comparison.views.charts if chart.key]
    series = [line.reference for chart in charts for line in chart.lines]

    def draw() -> Drawing:
        from plansim.output.figures.canvas import figure_of
        from plansim.output.figures.lines import small_multiples

        runs, targets = comparison.runs, comparison.targets
        return figure_of(small_multiples(runs, series, targets, lang=text.lang)[0])

    called = text.join([text.name(chart) for chart in charts])
    alt = text("report.charts_alt", names=called, scenarios=text.join(names))
    picture = Picture(text("report.charts_caption"), alt, draw)
    title = text("report.charts")
    return Section(title, title, (picture,) if series else (), new_page=True)


# --- causes ---------------------------------------------------------------------------------------


def cause_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the section on what moves the margins from the first scenario to each other one."""
    blocks: list[ReportTable | Paragraph] = []
    for name, attribution in zip(names[1:], comparison.attributions, strict=True):
        if attribution is None:
            blocks.append(Paragraph(text("report.clocks", first=names[0], scenario=name)))
        elif table := _cause_table(
            attribution.labelled(comparison.views.levers), names[0], name, text
        ):
            blocks.append(table)
    return Section(text("report.causes"), text("report.causes_tab"), tuple(blocks), new_page=True)


def _cause_table(attribution: Attribution, first: str, name: str, text: Text) -> ReportTable | None:
    moved = {shares.target.id: shares for shares in attribution.targets if _is_listed(shares)}
    if not moved:
        return None
    groups = [text.pick(group.name, group.name_zh) for group in attribution.groups]
    columns = (
        target_column(text, 3.2),
        TableColumn(text("report.from", scenario=first), right=True, width=1.6),
        TableColumn(text("report.to", scenario=name), right=True, width=1.6),
        TableColumn(text("report.change"), right=True, width=1.2),
        TableColumn(
            text("causes.due"),
            width=4.4,
            parts=tuple(TableColumn(group, right=True) for group in groups),
        ),
    )
    rows = _sectioned(
        [shares.target for shares in moved.values()],
        lambda target: _cause_row(attribution, moved[target.id], text),
        text,
    )
    how = text("causes.sampled_bare" if attribution.orders else "causes.exact",
               runs=attribution.runs, orders=attribution.orders)  # fmt: skip
    note = text("list_sep.sentence").join([text("report.causes_note"), how])
    caption = text("report.causes_table", first=first, scenario=name)
    return ReportTable(caption, columns, tuple(rows), note, titles=text("report.attribute"))


def _is_listed(shares: Shares) -> bool:
    """Whether a verdict turns, or a binding target's margin moves by `LEAST_CHANGE` or more."""
    change, size = shares.margin_after - shares.margin_before, shares.target.value or math.nan
    if shares.status_before != shares.status_after:
        return math.isfinite(change)
    binding = shares.target.attribute is Attribute.BINDING
    return binding and math.isfinite(change) and abs(change) >= LEAST_CHANGE * abs(size)


def _cause_row(attribution: Attribution, shares: Shares, text: Text) -> Row:
    target, decimals = shares.target, _share_decimals(shares)
    assert target.value is not None
    fine = max(decimals_for(target.value, slack=target.tolerance or 0.0), decimals, 0)
    ends = (
        (shares.margin_before, shares.status_before),
        (shares.margin_after, shares.status_after),
    )
    before, after = (round(margin, fine) for margin, _ in ends)
    margins = (
        number_cell(margin, f"{wording.MARKS[status]} {signed(margin, fine)}", TONES[status], fine)
        for margin, status in ends
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


# --- assumptions ----------------------------------------------------------------------------------


def assumption_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the assumptions that differ, with their values; and what scenarios take as given."""
    columns = (
        TableColumn(text("report.assumption"), width=4.0),
        TableColumn(text("run.unit"), width=1.4),
        *(TableColumn(name, right=True, width=1.6) for name in names),
    )
    levers = {frozenset(lever.constants): lever for lever in comparison.views.levers}
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
        rows.append((Cell(name[:1].upper() + name[1:]), Cell(unit), *cells))
    title, tab = text("report.assumptions"), text("report.assumptions_tab")
    if not rows:
        return Section(title, tab, (Paragraph(text("report.no_assumptions")),))
    note = [
        text(
            "report.premises",
            scenario=name,
            names=text.join(
                text.name(one) for one in comparison.targets if one.id in scenario.assumed
            ),
        )
        for name, scenario in zip(names, comparison.scenarios, strict=True)
        if scenario.assumed
    ]
    table = ReportTable(text("report.assumptions_table"), columns, tuple(rows),
                  text("list_sep.sentence").join(note))  # fmt: skip
    return Section(title, tab, (table,), True)
