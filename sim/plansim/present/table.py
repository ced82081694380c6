"""Tables for a terminal: verdicts side by side, annual series, lists and fact sheets.

Every function takes records and gives a string; nothing here prints, asks the terminal or knows
where its output goes. Widths are counted in terminal columns, in which a Chinese character takes
two. A table is laid out to a given width: the verdicts of a few scenarios stand in one line a
target where that fits, else value over margin in a narrow column, else in several panels.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from plansim.plan.check import Verdict
from plansim.plan.targets import Attribute, Direction, Status
from plansim.present.text import (
    Lang,
    Text,
    decimals_for,
    decimals_of,
    figure,
    margin_figure,
    percent,
    target_figure,
)

__all__ = [
    "Band",
    "Line",
    "Row",
    "Series",
    "Style",
    "columns",
    "facts",
    "paragraph",
    "render",
    "series_table",
    "verdict_table",
    "wrap",
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


@dataclass(frozen=True)
class Series:
    """The annual figures of one variable or array element; ``unit`` is as it is to be shown."""

    name: str
    unit: str
    values: Mapping[int, float]


# --- widths -------------------------------------------------------------------------------------


def columns(text: str) -> int:
    """Count the terminal columns of ``text``; ambiguous characters take one, as is the default.

    >>> columns("GDP"), columns("亿元/年")
    (3, 7)
    """
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


def wrap(text: str, width: int) -> list[str]:
    """Break ``text`` into lines of at most ``width`` terminal columns.

    Breaks at blanks and beside Chinese characters, never before a closing mark or after an
    opening one; a longer word is cut.

    >>> wrap("natural growth rate", 14)
    ['natural growth', 'rate']
    >>> wrap("城镇居民（人均）可支配收入", 10)
    ['城镇居民', '（人均）可', '支配收入']
    """
    lines: list[str] = []
    line = ""
    for word in _words(text):
        if columns(line + word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = word.lstrip()
        while columns(line.rstrip()) > width:
            cut = _fit(line, width)
            lines.append(line[:cut])
            line = line[cut:]
    if line.strip() or not lines:
        lines.append(line.rstrip())
    return lines


def _words(text: str) -> Iterable[str]:
    """Cut ``text`` where a line may break; blanks stay at the end of the word before."""
    word = ""
    for char in text:
        if word and _may_break(word[-1], char):
            yield word
            word = ""
        word += char
    if word:
        yield word


def _may_break(before: str, after: str) -> bool:
    if after.isspace():
        return False
    if before.isspace():
        return True
    if after in "，。、；：！？）》」』】％%" or before in "（《「『【":
        return False
    return columns(before) == 2 or columns(after) == 2


def _fit(text: str, width: int) -> int:
    """How many leading characters of ``text`` fit into ``width`` columns; at least one."""
    used = 0
    for index, char in enumerate(text):
        used += columns(char)
        if used > width:
            return max(index, 1)
    return len(text)


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
                _pad(line, width, colour=colour)
                for line, width in zip(cells, widths, strict=True)
            ]
            lines.append((" " * GAP).join(padded).rstrip())
    return "\n".join(lines)


def _widths(rows: Iterable[Row | Band]) -> list[int]:
    found: list[int] = []
    for row in rows:
        if isinstance(row, Band):
            continue
        found += [0] * (len(row) - len(found))
        for index, cell in enumerate(row):
            found[index] = max([found[index], *(line.width for line in cell)])
    return found


def _total(rows: Iterable[Row | Band]) -> int:
    widths = _widths(rows)
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def _wrapped(text: str, width: int, style: Style | None = None) -> Cell:
    return tuple(Line(part, style=style) for part in wrap(text, width))


def paragraph(text: str, width: int, indent: str = "") -> str:
    """Wrap running text to ``width``, each line after ``indent``."""
    return "\n".join(indent + line for line in wrap(text, width - columns(indent)))


def facts(pairs: Sequence[tuple[str, str]], width: int, *, colour: bool = False) -> str:
    """Lay out labels and their texts in two columns; a text's own line breaks are kept.

    >>> print(facts([("unit", "亿元/Year"), ("equation", "GDP =\\n  a + b")], 80))
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

_MARK = {
    Status.MET: ("✓", Style.GOOD),
    Status.MISSED: ("✗", Style.BAD),
    Status.UNDECIDED: ("?", Style.DOUBT),
    Status.ASSUMED: ("=", Style.DOUBT),
    Status.UNTESTABLE: ("–", Style.FAINT),
}
_ATTRIBUTES = (Attribute.BINDING, Attribute.EXPECTED, Attribute.UNLABELLED)
_NAME_WIDTH = 40
"""Wider names are wrapped."""
_NAME_AT_LEAST = 16
"""Below that, scenarios go into another panel instead."""


def verdict_table(
    verdicts: Sequence[Verdict],
    text: Text,
    width: int,
    *,
    reasons: Mapping[str, str] | None = None,
    every: bool = False,
    colour: bool = False,
) -> str:
    """Lay out the verdicts of one or more scenarios side by side, binding targets first.

    Targets that no scenario can judge are counted below the table; with ``every`` each is
    listed with its reason, from ``reasons`` (target id → text). Ends with a count for each
    scenario and a legend of what was used.
    """
    scenarios = list(dict.fromkeys(verdict.scenario for verdict in verdicts))
    by_target: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        by_target.setdefault(verdict.id, {})[verdict.scenario] = verdict
    shown = [
        found
        for found in by_target.values()
        if any(verdict.status is not Status.UNTESTABLE for verdict in found.values())
    ]
    hidden = [
        next(iter(found.values())) for found in by_target.values() if found not in shown
    ]
    shown.sort(key=lambda found: _section(next(iter(found.values()))))
    parts: list[str] = []
    stacked = False
    if shown:
        for rows, stacked in _panels(shown, scenarios, text, width):
            parts.append(render(rows, colour=colour))
    else:
        parts.append(text("verdicts.none"))
    parts.append(_summary(verdicts, scenarios, text, width))
    if hidden:
        parts.append(_unjudged(hidden, text, width, reasons or {}, every=every, colour=colour))
    if shown:
        parts.append(_legend(verdicts, text, width, stacked=stacked))
    return "\n\n".join(parts)


def _section(verdict: Verdict) -> tuple[int, int]:
    return _ATTRIBUTES.index(verdict.attribute), verdict.year or 0


def _panels(
    shown: Sequence[Mapping[str, Verdict]], scenarios: Sequence[str], text: Text, width: int
) -> Iterable[tuple[list[Row | Band], bool]]:
    """Give the rows of each panel, and whether value stands over margin in it."""
    flat = _rows(shown, scenarios, text, _NAME_WIDTH, stacked=False)
    if _total(flat) <= width:
        yield flat, False
        return
    narrow = min(_NAME_AT_LEAST, width)
    if len(scenarios) == 1:
        flat = _rows(shown, scenarios, text, narrow, stacked=False)
        if (spare := width - _total(flat)) >= 0:
            yield _rows(shown, scenarios, text, narrow + spare, stacked=False), False
            return
    for size in range(len(scenarios), 0, -1):
        panels = [scenarios[start : start + size] for start in range(0, len(scenarios), size)]
        tables = [_rows(shown, panel, text, narrow, stacked=True) for panel in panels]
        if size == 1 or max(map(_total, tables)) <= width:
            for panel, rows in zip(panels, tables, strict=True):
                room = min(narrow + max(width - _total(rows), 0), _NAME_WIDTH)
                yield _rows(shown, panel, text, room, stacked=True), True
            return


def _rows(
    shown: Sequence[Mapping[str, Verdict]],
    scenarios: Sequence[str],
    text: Text,
    name_width: int,
    *,
    stacked: bool,
) -> list[Row | Band]:
    head: list[Cell] = [
        (Line(text("verdicts.id"), style=Style.STRONG),),
        (Line(text("verdicts.name"), style=Style.STRONG),),
        (Line("", text("verdicts.target")),),
    ]
    blanks = 0 if stacked else 3
    for scenario in scenarios:
        head += [(Line(scenario, style=Style.STRONG),), *[(Line(),)] * blanks]
    rows: list[Row | Band] = [tuple(head)]
    first = [next(iter(found.values())) for found in shown]
    for (attribute, year), group in groupby(
        zip(first, shown, strict=True), key=lambda pair: (pair[0].attribute, pair[0].year)
    ):
        rows.append(Band("-", Style.FAINT))
        rows.append(Band(text(f"section.{attribute.value}", year=year), Style.STRONG))
        for verdict, found in group:
            row: list[Cell] = [
                (Line(verdict.id),),
                _wrapped(text.pick(verdict.name_en, verdict.name_zh), name_width),
                _target_cell(verdict, text, stacked=stacked),
            ]
            for scenario in scenarios:
                cell = _stacked_cell if stacked else _flat_cells
                row += cell(found[scenario], text)
            rows.append(tuple(row))
    return rows


def _target_cell(verdict: Verdict, text: Text, *, stacked: bool) -> Cell:
    unit = text.unit(verdict.unit)
    if verdict.target is None:
        return (Line("", unit),)
    limit = f"{_sign(verdict.direction, text)} {target_figure(verdict.target)}"
    if stacked:
        return Line("", limit), Line("", unit)
    return (Line("", f"{limit} {unit}"),)


def _sign(direction: Direction, text: Text) -> str:
    return text.word("direction", direction.value)


def _status_line(verdict: Verdict, text: Text, right: str = "") -> Line:
    mark, style = _MARK[verdict.status]
    return Line(f"{mark} {text.word('status', verdict.status.value)}", right, style)


def _value(verdict: Verdict, value: float | None) -> str:
    if value is None or verdict.target is None:
        return figure(value, 1 if value is None else decimals_for(value))
    return figure(value, decimals_for(verdict.target, value))


def _margin(verdict: Verdict) -> str:
    if verdict.margin is None or verdict.target is None:
        return figure(verdict.margin, 1)
    return margin_figure(verdict.margin, decimals_for(verdict.target, verdict.value))


def _bases(verdict: Verdict, text: Text) -> list[tuple[str, str]]:
    """Both values of an undecided verdict, each with the side of the target it lies on."""
    if verdict.status is not Status.UNDECIDED:
        return []
    return [
        (text.word("basis", basis), f"{_side(verdict, value)} {_value(verdict, value)}".strip())
        for basis, value in verdict.bases.items()
    ]


def _side(verdict: Verdict, value: float) -> str:
    if verdict.target is None or math.isnan(value):
        return ""
    match verdict.direction:
        case Direction.AT_LEAST:
            holds = value >= verdict.target
        case Direction.AT_MOST:
            holds = value <= verdict.target
        case _:
            return ""
    return _MARK[Status.MET if holds else Status.MISSED][0]


def _breach(verdict: Verdict, text: Text) -> str:
    if verdict.attribute is not Attribute.BINDING or verdict.status is Status.UNTESTABLE:
        return ""
    if verdict.first_breach is not None:
        return text("verdicts.breach", year=verdict.first_breach)
    return text("verdicts.holds")


def _stacked_cell(verdict: Verdict, text: Text) -> list[Cell]:
    if verdict.status is Status.UNTESTABLE:
        return [(_status_line(verdict, text),)]
    lines = [_status_line(verdict, text, _value(verdict, verdict.value))]
    bases = _bases(verdict, text)
    if bases:
        lines[0] = _status_line(verdict, text)
        lines += [Line(f"  {basis}", value) for basis, value in bases]
    elif verdict.margin is not None:
        lines.append(Line("", f"{_margin(verdict)} ({percent(verdict.margin_pct)})"))
    if breach := _breach(verdict, text):
        lines.append(Line("", breach))
    return [tuple(lines)]


def _flat_cells(verdict: Verdict, text: Text) -> list[Cell]:
    """Status, value, margin, margin in per cent with the year of breach."""
    if verdict.status is Status.UNTESTABLE:
        return [(_status_line(verdict, text),), (Line(),), (Line(),), (Line(),)]
    bases = _bases(verdict, text)
    values = [Line("", _value(verdict, verdict.value))]
    if bases:
        values = [Line(), *(Line("", value) for _, value in bases)]
    breach = _breach(verdict, text)
    margin = "" if bases or verdict.margin is None else _margin(verdict)
    share = "" if bases or verdict.margin is None else percent(verdict.margin_pct)
    return [
        (_status_line(verdict, text), *(Line(f"  {basis}") for basis, _ in bases)),
        tuple(values),
        (Line("", margin),),
        (Line("", share), *([Line("", breach)] if breach else [])),
    ]


def _summary(
    verdicts: Sequence[Verdict], scenarios: Sequence[str], text: Text, width: int
) -> str:
    lines: list[str] = []
    for scenario in scenarios:
        mine = [verdict for verdict in verdicts if verdict.scenario == scenario]
        binding = [verdict for verdict in mine if verdict.attribute is Attribute.BINDING]
        counted = text("verdicts.summary", **_counts(mine))
        lines.append(paragraph(scenario + text("list_sep.colon") + counted, width))
        if binding:
            lines.append(paragraph(text("verdicts.binding", **_counts(binding)), width, "  "))
    return "\n".join(lines)


def _counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    found = Counter(verdict.status for verdict in verdicts)
    return {status.value: found[status] for status in Status}


def _unjudged(
    hidden: Sequence[Verdict],
    text: Text,
    width: int,
    reasons: Mapping[str, str],
    *,
    every: bool,
    colour: bool,
) -> str:
    if every:
        id_width = max(columns(verdict.id) for verdict in hidden)
        rows: list[Row | Band] = [Band(text("verdicts.untestable_title"), Style.STRONG)]
        for verdict in sorted(hidden, key=_section):
            name = text.pick(verdict.name_en, verdict.name_zh)
            reason = reasons.get(verdict.id, "")
            line = name + text("list_sep.colon") + reason if reason else name
            room = max(width - id_width - GAP, _NAME_AT_LEAST)
            rows.append(((Line(verdict.id),), _wrapped(line, room)))
        return render(rows, colour=colour)
    count = Counter(verdict.attribute for verdict in hidden)
    parts = [
        text("verdicts.untestable_part", count=count[each], attribute=text.word("attribute", each))
        for each in _ATTRIBUTES
        if count[each]
    ]
    blank = "" if text.lang is Lang.ZH else " "
    said = [text("verdicts.untestable", parts=text.join(parts))]
    binding = [verdict.id for verdict in hidden if verdict.attribute is Attribute.BINDING]
    if binding:
        said.append(text("verdicts.untestable_binding", ids=text.join(binding)))
    said.append(text("verdicts.untestable_hint"))
    return paragraph(blank.join(said), width)


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
    kept = list(years)
    table = _series_rows(series, kept, text, _NAME_WIDTH)
    wanted = sorted({years[0], years[-1], *(set(first) & set(years))})
    optional = [year for year in years if year not in wanted]
    name_width = _NAME_WIDTH
    while _total(table) > width:
        if optional:
            del optional[-1]
            kept = sorted({*wanted, *optional})
        elif name_width > _NAME_AT_LEAST:
            name_width -= 1
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
        row: list[Cell] = [_wrapped(each.name, name_width), (Line(text.unit(each.unit)),)]
        row += [(Line("", figure(each.values.get(year), decimals)),) for year in years]
        rows.append(tuple(row))
    return rows
