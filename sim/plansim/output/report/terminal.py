"""A document on a terminal: its tables, laid out to a width; figures are left out."""

from __future__ import annotations

from collections.abc import Mapping

from plansim.output.report.document import (
    Band,
    Bullets,
    Cell,
    Document,
    Figure,
    Heading,
    Medium,
    Paragraph,
    Section,
    Table,
    Tone,
)
from plansim.output.tables import table
from plansim.output.tables.table import Line, Style

__all__ = ["terminal_text"]

_STYLES: Mapping[Tone, Style | None] = {
    Tone.PLAIN: None,
    Tone.GOOD: Style.GOOD,
    Tone.BAD: Style.BAD,
    Tone.DOUBT: Style.DOUBT,
    Tone.FAINT: Style.FAINT,
    Tone.STRONG: Style.STRONG,
}
LEAST = 6
"""Terminal columns of the narrowest cell."""


def terminal_text(document: Document, width: int, *, colour: bool = False) -> str:
    """Write a document for a terminal of so many columns, the decision last, where the eye rests.

    A table that does not fit is written all the same, with its cells as narrow as they may be.
    """
    first, *others = document.sections
    parts = [_section(each, width, colour=colour) for each in (*others, first)]
    head = table.render([table.Band(document.title, Style.STRONG)], colour=colour)
    return "\n\n\n".join([f"{head}\n{document.subtitle}", *parts])


def _section(section: Section, width: int, *, colour: bool) -> str:
    title = table.render([table.Band(section.title, Style.STRONG)], colour=colour)
    parts = []
    for block in section.blocks:
        match block:
            case Heading(text) | Paragraph(text):
                parts.append(table.paragraph(text, width))
            case Bullets(items):
                parts.append("\n".join(_bullet(each, width) for each in items))
            case Table():
                parts.append(_table(block.on(Medium.PAGE), width, colour=colour))
            case Figure():
                pass
    return "\n\n".join([title, *parts])


def _bullet(text: str, width: int) -> str:
    lines = table.wrap(text, width - 2)
    return "\n".join(("- " if place == 0 else "  ") + line for place, line in enumerate(lines))


def _table(block: Table, width: int, *, colour: bool) -> str:
    """Lay a table out: each column as wide as it wants to be, the widest ones cut to fit."""
    wants = [
        max(
            [table.columns(block.columns[place].head), table.columns(block.columns[place].below)]
            + [
                table.columns(line)
                for row in block.rows
                if not isinstance(row, Band)
                for line in (*row.cells[place].text.split("\n"), *row.cells[place].below)
            ]
        )
        for place in range(len(block.columns))
    ]
    widths = _shrunk(wants, width - table.GAP * (len(wants) - 1))
    rows: list[table.Row | table.Band] = [
        tuple(
            _cell(Cell(each.head, (each.below,) if each.below else (), Tone.STRONG), room,
                  right=each.right)
            for each, room in zip(block.columns, widths, strict=True)
        )
    ]  # fmt: skip
    rows.append(table.Band("-", Style.FAINT))
    for row in block.rows:
        if isinstance(row, Band):
            rows.append(table.Band(row.text, Style.STRONG))
        else:
            rows.append(
                tuple(
                    _cell(cell, room, right=column.right)
                    for cell, room, column in zip(row.cells, widths, block.columns, strict=True)
                )
            )
    said = [block.caption, table.render(rows, colour=colour)]
    if block.note:
        said.append(table.paragraph(block.note, width))
    return "\n".join(said)


def _shrunk(wants: list[int], room: int) -> list[int]:
    """Cut the widest columns until all fit into so many terminal columns.

    >>> _shrunk([30, 10, 5], 30)
    [15, 10, 5]
    """
    widths = list(wants)
    while sum(widths) > room and max(widths) > LEAST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cell(cell: Cell, room: int, *, right: bool) -> table.Cell:
    style = _STYLES[cell.tone]
    lines = [*cell.text.split("\n"), *cell.below]
    found = []
    for place, line in enumerate(lines):
        for part in table.wrap(line, room):
            shown = style if place == 0 else None
            found.append(Line("", part, shown) if right else Line(part, style=shown))
    return tuple(found)
