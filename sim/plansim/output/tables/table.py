"""Tables for a terminal: verdicts side by side, annual series, lists and fact sheets.

Every function takes records and gives a string; nothing here prints, asks the terminal or knows
where its output goes. Widths are counted in terminal columns, in which a Chinese character takes
two. A table is laid out to a given width: the verdicts of a few scenarios stand in one line a
target where that fits, else value over margin in a narrow column, else in several panels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np

from plansim.output.series import Series
from plansim.output.tables.columns import columns, wrap
from plansim.output.text import (
    Text,
    decimals_for,
    decimals_of,
    figure,
    margin_figure,
    percent,
    target_figure,
)
from plansim.targets.catalogue import Attribute, Direction, Gap, Status, Target
from plansim.targets.verdict import Verdict, margin_of

__all__ = [
    "MARKS",
    "Band",
    "Line",
    "Row",
    "Style",
    "bases_of",
    "breach_text",
    "columns",
    "facts",
    "gap_text",
    "limit_of",
    "margin_text",
    "paragraph",
    "render",
    "render_within",
    "rows_within",
    "section_of",
    "series_table",
    "total_width",
    "value_text",
    "verdict_table",
    "wrap",
    "wrapped",
]

GAP = 2
"""Blank columns between two columns of a table."""


class Style(StrEnum):
    """How a piece of text stands out on a terminal with colour: its SGR code."""

    STRONG = "1"
    FAINT = "2"
    BAD = "31"
    GOOD = "32"
    DOUBT = "33"


@dataclass(frozen=True)
class Line:
    """One line of a cell: a left part, in ``style``, and a right part at the other edge."""

    left: str = ""
    right: str = ""
    style: Style | None = None

    @property
    def width(self) -> int:
        """Terminal columns that the line takes at least."""
        return columns(self.left) + columns(self.right) + bool(self.left and self.right)


Cell = tuple[Line, ...]
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Band:
    """A row that runs across the table: a section's title, or a rule (one ``-``)."""

    text: str
    style: Style | None = None


# --- widths -------------------------------------------------------------------------------------


def _pad(line: Line, width: int, *, colour: bool) -> str:
    blanks = " " * (width - columns(line.left) - columns(line.right))
    return _paint(line.left, line.style, colour=colour) + blanks + line.right


def _paint(text: str, style: Style | None, *, colour: bool) -> str:
    return f"\x1b[{style.value}m{text}\x1b[0m" if colour and style and text else text


# --- the grid -----------------------------------------------------------------------------------


def render(rows: Sequence[Row | Band], *, colour: bool = False) -> str:
    """Lay rows out in columns as wide as their widest cell; cells may hold several lines.

    >>> print(render([((Line("a"),), (Line("", "1"),)), ((Line("b"),), (Line("", "20"),))]))
    a   1
    b  20
    """
    widths = _widths(rows)
    total = sum(widths) + GAP * (len(widths) - 1)
    lines: list[str] = []
    for row in rows:
        if isinstance(row, Band):
            text = "-" * total if row.text == "-" else row.text
            lines.append(_paint(text, row.style, colour=colour))
            continue
        for index in range(max(map(len, row))):
            cells = (cell[index] if index < len(cell) else Line() for cell in row)
            padded = [
                _pad(line, width, colour=colour) for line, width in zip(cells, widths, strict=True)
            ]
            lines.append((" " * GAP).join(padded).rstrip())
    return "\n".join(lines)


def render_within(
    make: Callable[[int], list[Row | Band]], width: int, *, colour: bool = False
) -> str:
    """Render the rows that `rows_within` gives."""
    return render(rows_within(make, width), colour=colour)


def rows_within(
    make: Callable[[int], list[Row | Band]], width: int, *, least: int = 16
) -> list[Row | Band]:
    """Make rows with the most room for wrapped cells that keeps them within ``width``.

    ``make`` takes the columns that its wrapped cells may have between them. They get ``least`` in
    any case, so the result may be wider.
    """
    rows = make(width)
    excess = total_width(rows) - width
    if excess <= 0:
        return rows
    low, high = least, max(width - excess, least)
    rows = make(high)
    while low < high and total_width(rows) > width:
        # No wider than `high`, and `low` in any case: halve what lies between.
        middle = (low + high) // 2
        tried = make(middle)
        if total_width(tried) > width:
            high, rows = middle, tried
        elif middle == low:
            return tried
        else:
            low = middle
        if high - low <= 1:
            return make(low)
    return rows


def _widths(rows: Iterable[Row | Band]) -> list[int]:
    found: list[int] = []
    for row in rows:
        if isinstance(row, Band):
            continue
        found += [0] * (len(row) - len(found))
        for index, cell in enumerate(row):
            found[index] = max([found[index], *(line.width for line in cell)])
    return found


def total_width(rows: Iterable[Row | Band]) -> int:
    """Count the terminal columns that rows take when rendered."""
    widths = _widths(rows)
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def wrapped(text: str, width: int, style: Style | None = None) -> Cell:
    """Make a cell of running text."""
    return tuple(Line(part, style=style) for part in wrap(text, width))


def paragraph(text: str, width: int, indent: str = "") -> str:
    """Wrap running text to ``width``, each line after ``indent``."""
    return "\n".join(indent + line for line in wrap(text, width - columns(indent)))


def facts(pairs: Sequence[tuple[str, str]], width: int, *, colour: bool = False) -> str:
    r"""Lay out labels and their texts in two columns; a text's own line breaks are kept.

    >>> print(facts([("unit", "亿元/Year"), ("equation", "GDP =\n  a + b")], 80))
    unit      亿元/Year
    equation  GDP =
                a + b
    """
    label_width = max((columns(label) for label, _ in pairs), default=0)
    room = max(width - label_width - GAP, 20)
    rows: list[Row] = []
    for label, text in pairs:
        lines = [
            Line(part if index == 0 else _indent(raw) + part)
            for raw in text.splitlines() or [""]
            for index, part in enumerate(_wrap_kept(raw, room))
        ]
        rows.append(((Line(label, style=Style.STRONG),), tuple(lines)))
    return render(rows, colour=colour)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _wrap_kept(line: str, width: int) -> list[str]:
    """Wrap one line; its own indent stays on the first part."""
    indent = _indent(line)
    parts = wrap(line.strip(), max(width - len(indent), 10))
    return [indent + parts[0], *parts[1:]]


# --- verdicts -----------------------------------------------------------------------------------

MARKS = {
    Status.MET: ("✓", Style.GOOD),
    Status.MISSED: ("✗", Style.BAD),
    Status.UNDECIDED: ("?", Style.DOUBT),
    Status.ASSUMED: ("=", Style.DOUBT),
    Status.UNTESTABLE: ("–", Style.FAINT),
}
_NAME_WIDTH = 40
"""Wider names are wrapped."""
_TITLE_WIDTH = 18
"""A scenario's title is wrapped to this in the head of its column."""
_NAME_WRAPPED = 24
"""Names of variables are wrapped to this before years are left out."""
_NAME_AT_LEAST = 16
"""Below that, scenarios go into another panel instead."""


def verdict_table(
    verdicts: Sequence[Verdict],
    targets: Iterable[Target],
    text: Text,
    width: int,
    *,
    titles: Mapping[str, str] | None = None,
    every: bool = False,
    colour: bool = False,
) -> str:
    """Lay out the verdicts of one or more scenarios side by side, binding targets first.

    ``targets`` are those that the verdicts are about, ``titles`` are the scenarios' by id. Below
    the table come a legend of what it uses, and the targets that no scenario can judge: counted,
    or with ``every`` listed with their reasons. Last, where a terminal leaves the eye, the count
    for each scenario.
    """
    scenarios = list(dict.fromkeys(verdict.scenario for verdict in verdicts))
    found: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.id, {})[verdict.scenario] = verdict
    judged = [target for target in targets if target.id in found]
    judged.sort(key=section_of)
    shown = [
        _Judged(target, found[target.id])
        for target in judged
        if any(each.status is not Status.UNTESTABLE for each in found[target.id].values())
    ]
    hidden = [target for target in judged if target not in [each.target for each in shown]]
    heads = {each: _scenario_head(each, (titles or {}).get(each, "")) for each in scenarios}
    panels, stacked = _panels(shown, heads, text, width) if shown else ([], False)
    parts = [render(rows, colour=colour) for rows in panels] or [text("verdicts.none")]
    if shown:
        parts.append(_legend(verdicts, text, width, stacked=stacked))
    partly = [each for each in shown if _gaps(each.verdicts)]
    if every and partly:
        hidden = [*hidden, *(each.target for each in partly)]
    if hidden:
        parts.append(_unjudged(hidden, found, text, width, every=every, colour=colour))
    parts.append(_summary(verdicts, text, colour=colour))
    return "\n\n".join(parts)


@dataclass(frozen=True)
class _Judged:
    """A row of the table: a target, and its verdict in each scenario."""

    target: Target
    verdicts: Mapping[str, Verdict]


def section_of(target: Target) -> tuple[int, int]:
    """Sort targets by attribute, binding ones first, then by year."""
    return list(Attribute).index(target.attribute), target.year or 0


def _scenario_head(scenario: str, title: str) -> Cell:
    lines = wrap(title, _TITLE_WIDTH) if title else []
    return Line(scenario, style=Style.STRONG), *(Line(part, style=Style.FAINT) for part in lines)


def _panels(
    shown: Sequence[_Judged], heads: Mapping[str, Cell], text: Text, width: int
) -> tuple[list[list[Row | Band]], bool]:
    """Give the rows of each panel, and whether values stand over margins in them.

    First choice is one line a target, with the name wrapped if need be; then all scenarios side
    by side with values over margins; then as many side by side as fit.
    """

    def make(group: Mapping[str, Cell], *, stacked: bool) -> Callable[[int], list[Row | Band]]:
        rows = _rows(shown, group, text, stacked=stacked)
        return lambda room: _named(rows, min(room, _NAME_WIDTH))

    flat = rows_within(make(heads, stacked=False), width, least=_NAME_WRAPPED)
    if total_width(flat) <= width:
        return [flat], False
    ids = list(heads)
    for size in range(len(ids), 0, -1):
        groups = [
            {each: heads[each] for each in ids[start : start + size]}
            for start in range(0, len(ids), size)
        ]
        panels = [rows_within(make(group, stacked=True), width) for group in groups]
        if max(map(total_width, panels)) <= width:
            break
    return panels, True


@dataclass(frozen=True)
class _Named:
    """A row with a name that is yet to be wrapped: the id, the name, the cells after it."""

    id: Cell
    name: str
    cells: tuple[Cell, ...]


def _named(rows: Sequence[Row | Band | _Named], width: int) -> list[Row | Band]:
    """Wrap the names of rows to a width."""
    return [
        (row.id, wrapped(row.name, width), *row.cells) if isinstance(row, _Named) else row
        for row in rows
    ]


def _rows(
    shown: Sequence[_Judged], heads: Mapping[str, Cell], text: Text, *, stacked: bool
) -> list[Row | Band | _Named]:
    head: list[Cell] = [
        (Line(text("verdicts.id"), style=Style.STRONG),),
        (Line(text("verdicts.name"), style=Style.STRONG),),
        (Line("", text("verdicts.target")),),
    ]
    blanks = 0 if stacked else 3
    for cell in heads.values():
        head += [cell, *[(Line(),)] * blanks]
    rows: list[Row | Band | _Named] = [tuple(head)]
    cells = _stacked_cell if stacked else _flat_cells
    for _, group in groupby(shown, key=lambda each: section_of(each.target)):
        section = list(group)
        first = section[0].target
        rows.append(Band("-", Style.FAINT))
        title = text.word("section", first.attribute).format(year=first.year)
        rows.append(Band(title, Style.STRONG))
        for each in section:
            target = each.target
            after: list[Cell] = [_target_cell(target, text, stacked=stacked)]
            for scenario in heads:
                after += cells(each.verdicts[scenario], target, text)
            name = text.pick(target.name_en, target.name_zh)
            rows.append(_Named((Line(target.id),), name, tuple(after)))
    return rows


def limit_of(target: Target, text: Text) -> str:
    """Write what a plan asks for, without the unit: ``≥ 1020``, ``7 ± 1``."""
    if target.value is None or target.direction is None:
        return ""
    value = target_figure(target.value)
    if target.tolerance is not None:
        return f"{value} ± {target_figure(target.tolerance)}"
    return f"{text.word('direction', target.direction)} {value}"


def _target_cell(target: Target, text: Text, *, stacked: bool) -> Cell:
    unit = text.unit(target.unit)
    if stacked:
        return Line("", limit_of(target, text)), Line("", unit)
    return (Line("", f"{limit_of(target, text)} {unit}"),)


def _status_line(verdict: Verdict, text: Text, right: str = "") -> Line:
    mark, style = MARKS[verdict.status]
    return Line(f"{mark} {text.word('status', verdict.status)}", right, style)


def value_text(target: Target, value: float | None) -> str:
    """Write a value beside its target: fine enough to show on which side of it it lies."""
    return figure(value, _decimals(target, value))


def _decimals(target: Target, value: float | None) -> int:
    """Enough decimals to show on which side of the target's limits a value lies."""
    if target.value is None:
        return 0 if value is None else decimals_of([value])
    return decimals_for(target.value, value, target.tolerance or 0.0)


def margin_text(verdict: Verdict, target: Target) -> str:
    """Write a verdict's margin in the target's unit, as fine as its value."""
    if verdict.margin is None:
        return ""
    return margin_figure(verdict.margin, _decimals(target, verdict.value))


def bases_of(verdict: Verdict, target: Target, text: Text) -> list[tuple[str, str]]:
    """Give both values of an undecided verdict, each with the side of the target it lies on."""
    if verdict.status is not Status.UNDECIDED:
        return []
    return [
        (text.word("basis", basis), f"{_side(target, value)} {value_text(target, value)}")
        for basis, value in verdict.bases.items()
    ]


def others_of(verdict: Verdict, target: Target, text: Text) -> list[tuple[str, str]]:
    """Give the values on the other bases of a verdict on which all agree, where they look other."""
    if verdict.status is Status.UNDECIDED:
        return []
    shown = value_text(target, verdict.value)
    others = [
        (text.word("basis", basis), value_text(target, value))
        for basis, value in list(verdict.bases.items())[1:]
    ]
    return [(basis, value) for basis, value in others if value != shown]


def _side(target: Target, value: float) -> str:
    holds = bool(margin_of(np.array(value), target) >= 0)
    return MARKS[Status.MET if holds else Status.MISSED][0]


def breach_text(verdict: Verdict, target: Target, text: Text) -> str:
    """Say until when a binding limit holds; nothing for targets that are not followed."""
    if verdict.first_breach is not None:
        return text("verdicts.breach", year=verdict.first_breach)
    follows = target.attribute is Attribute.BINDING and target.direction is not Direction.ABOUT
    if not follows or verdict.value is None:
        return ""
    return text("verdicts.holds", year=verdict.followed_to or target.horizon)


def _stacked_cell(verdict: Verdict, target: Target, text: Text) -> list[Cell]:
    """One cell: status and value, below it the margin or the bases, and the year of breach."""
    if verdict.value is None:
        return [(_status_line(verdict, text),)]
    bases = bases_of(verdict, target, text)
    lines = [_status_line(verdict, text, "" if bases else value_text(target, verdict.value))]
    lines += [Line(f"  {basis}", value) for basis, value in bases]
    if not bases:
        lines.append(Line("", f"{margin_text(verdict, target)} ({percent(verdict.margin_pct)})"))
    lines += [
        Line(f"  {basis}", value, Style.FAINT) for basis, value in others_of(verdict, target, text)
    ]
    if breach := breach_text(verdict, target, text):
        lines.append(Line("", breach))
    return [tuple(lines)]


def _flat_cells(verdict: Verdict, target: Target, text: Text) -> list[Cell]:
    """Four cells: status, value, margin, margin in per cent; the year of breach below that."""
    if verdict.value is None:
        return [(_status_line(verdict, text),), (Line(),), (Line(),), (Line(),)]
    bases = bases_of(verdict, target, text)
    breach = breach_text(verdict, target, text)
    values = [Line() if bases else Line("", value_text(target, verdict.value))]
    bases = bases or others_of(verdict, target, text)
    decided = verdict.status is not Status.UNDECIDED
    return [
        (_status_line(verdict, text), *(Line(f"  {basis}") for basis, _ in bases)),
        (*values, *(Line("", value) for _, value in bases)),
        (Line("", margin_text(verdict, target) if decided else ""),),
        (
            Line("", percent(verdict.margin_pct) if decided else ""),
            *([Line("", breach)] if breach else []),
        ),
    ]


def _summary(verdicts: Sequence[Verdict], text: Text, *, colour: bool) -> str:
    """Count the verdicts of each scenario, and those on binding targets among them."""
    head: Row = ((Line(),), *((Line("", text.word("status", each)),) for each in Status))
    rows: list[Row | Band] = [head, Band("-", Style.FAINT)]
    for scenario in dict.fromkeys(verdict.scenario for verdict in verdicts):
        mine = [verdict for verdict in verdicts if verdict.scenario == scenario]
        binding = [verdict for verdict in mine if verdict.attribute is Attribute.BINDING]
        rows.append(((Line(scenario, style=Style.STRONG),), *_counts(mine)))
        if binding:
            rows.append(((Line(text("verdicts.binding")),), *_counts(binding)))
    return render(rows, colour=colour)


def _counts(verdicts: Iterable[Verdict]) -> tuple[Cell, ...]:
    found = Counter(verdict.status for verdict in verdicts)
    return tuple((Line("", str(found[status])),) for status in Status)


def gap_text(verdict: Verdict, text: Text) -> str:
    """Say why a verdict could not be given; empty if it could."""
    if verdict.gap is None:
        return ""
    reason = text.pick(verdict.reason_en, verdict.reason_zh)
    if verdict.gap is Gap.NOT_MODELLED and reason:
        return reason
    return text.word("gap", verdict.gap).format(year=verdict.gap_year)


def _gaps(verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Give the verdicts that could not be given, by scenario."""
    return {scenario: each for scenario, each in verdicts.items() if each.gap is not None}


def _unjudged(
    hidden: Sequence[Target],
    found: Mapping[str, Mapping[str, Verdict]],
    text: Text,
    width: int,
    *,
    every: bool,
    colour: bool,
) -> str:
    if every:
        room = max(width - GAP - max(columns(target.id) for target in hidden), _NAME_AT_LEAST)
        rows: list[Row | Band] = [Band(text("verdicts.untestable_title"), Style.STRONG)]
        for target in hidden:
            name = text.pick(target.name_en, target.name_zh)
            line = name + text("list_sep.colon") + _reasons(found[target.id], text)
            rows.append(((Line(target.id),), wrapped(line, room)))
        return render(rows, colour=colour)
    wanting = [each for each in hidden if _not_modelled(found[each.id])]
    said = [*_wanting(wanting, text)] if wanting else []
    said += _gap_counts([found[each.id] for each in hidden if each not in wanting], text)
    said.append(text("verdicts.untestable_hint"))
    return paragraph(text("list_sep.sentence").join(said), width)


def _not_modelled(verdicts: Mapping[str, Verdict]) -> bool:
    return any(each.gap is Gap.NOT_MODELLED for each in verdicts.values())


def _reasons(verdicts: Mapping[str, Verdict], text: Text) -> str:
    """Say why a target is not judged, and under which scenarios if not under all."""
    gaps = {scenario: gap_text(each, text) for scenario, each in _gaps(verdicts).items()}
    reasons = set(gaps.values())
    if len(reasons) == 1 and len(gaps) == len(verdicts):
        return reasons.pop()
    each_one = (
        text("verdicts.gap_under", scenario=scenario, reason=reason)
        for scenario, reason in gaps.items()
    )
    return text("list_sep.sentence").join(each_one)


def _wanting(targets: Sequence[Target], text: Text) -> Iterable[str]:
    """Count the targets for which the model has no variable."""
    count = Counter(target.attribute for target in targets)
    parts = [
        text("verdicts.untestable_part", count=count[each], attribute=text.word("attribute", each))
        for each in Attribute
        if count[each]
    ]
    yield text("verdicts.untestable", parts=text.join(parts))
    binding = [target.id for target in targets if target.attribute is Attribute.BINDING]
    if binding:
        yield text("verdicts.untestable_binding", ids=text.join(binding))


def _gap_counts(verdicts: Iterable[Mapping[str, Verdict]], text: Text) -> list[str]:
    """Count the targets that a run does not answer, by scenario and reason."""
    count = Counter(
        (scenario, gap_text(each, text))
        for by_scenario in verdicts
        for scenario, each in _gaps(by_scenario).items()
    )
    return [
        text("verdicts.gap_count", scenario=scenario, count=number, reason=reason)
        for (scenario, reason), number in count.items()
    ]


def _legend(verdicts: Sequence[Verdict], text: Text, width: int, *, stacked: bool) -> str:
    """Explain only what the table above used."""
    statuses = {verdict.status for verdict in verdicts}
    said = [text("verdicts.legend_margin" if stacked else "verdicts.legend_margin_wide")]
    if any(verdict.first_breach is not None for verdict in verdicts):
        said.append(text("verdicts.legend_breach"))
    if Status.UNDECIDED in statuses:
        said.append(text("verdicts.legend_undecided"))
    if Status.ASSUMED in statuses:
        said.append(text("verdicts.legend_assumed"))
    return "\n".join(paragraph(each, width) for each in said)


# --- annual series ------------------------------------------------------------------------------


def series_table(
    series: Sequence[Series],
    years: Sequence[int],
    text: Text,
    width: int,
    *,
    first: Sequence[int] = (),
    colour: bool = False,
) -> str:
    """Lay out annual figures, a variable a row and a year a column.

    Where not all ``years`` fit, the first and the last and those named in ``first`` are kept,
    then the earliest ones; a line below says so.
    """
    wanted = sorted({years[0], years[-1], *(set(first) & set(years))})
    optional = [year for year in years if year not in wanted]
    kept, name_width = list(years), _NAME_WIDTH
    table = _series_rows(series, kept, text, name_width)
    while total_width(table) > width:
        if name_width > _NAME_WRAPPED or (name_width > _NAME_AT_LEAST and not optional):
            name_width -= 1
        elif optional:
            del optional[-1]
            kept = sorted({*wanted, *optional})
        else:
            break
        table = _series_rows(series, kept, text, name_width)
    said = [render(table, colour=colour)]
    if len(kept) < len(years):
        said.append(paragraph(text("run.years"), width))
    return "\n".join(said)


def _series_rows(
    series: Sequence[Series], years: Sequence[int], text: Text, name_width: int
) -> list[Row | Band]:
    head: list[Cell] = [
        (Line(text("run.variable"), style=Style.STRONG),),
        (Line(text("run.unit")),),
    ]
    head += [(Line("", str(year)),) for year in years]
    rows: list[Row | Band] = [tuple(head), Band("-", Style.FAINT)]
    for each in series:
        decimals = decimals_of(each.values.values())
        row: list[Cell] = [
            wrapped(text.pick(each.name, each.name_zh), name_width),
            (Line(text.unit(each.unit)),),
        ]
        row += [(Line("", figure(each.values.get(year), decimals)),) for year in years]
        rows.append(tuple(row))
    return rows
