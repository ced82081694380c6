"""A document on a terminal, without its pictures."""

from __future__ import annotations

from plansim.output.report import document as doc
from plansim.output.tables import layout
from plansim.output.tables.layout import Grid, Prose, RenderableType, Style, blocks, stacked

__all__ = ["terminal_text"]

LEAST = 6
"""Terminal columns of the narrowest cell."""


def terminal_text(document: doc.Document) -> RenderableType:
    """Lay out a document for a terminal.

    A table that does not fit is written all the same, with its cells as narrow as they may be.
    """
    parts: list[RenderableType] = [
        layout.lines([Prose(document.title, Style.STRONG), document.subtitle])
    ]
    for section in document.sections:
        shown = [block for block in section.blocks if not isinstance(block, doc.Picture)]
        if shown:
            parts += [Prose(section.title, Style.STRONG), *map(_in_terminal, shown)]
    return blocks(parts)


def _in_terminal(block: doc.Paragraph | doc.Bullets | doc.ReportTable) -> RenderableType:
    match block:
        case doc.Paragraph(text):
            return text
        case doc.Bullets(items):
            columns = [layout.Column(), layout.text_column()]
            return Grid(columns, [("-", item) for item in items], gap=1)
        case doc.ReportTable():
            columns = [
                layout.Column(column.head, right=column.right, wraps=True, least=LEAST)
                for column in block.columns
            ]
            rows = [
                layout.Band(row.text) if isinstance(row, doc.GroupRow) else [*map(_cell, row)]
                for row in block.rows
            ]
            return layout.lines([block.caption, Grid(columns, rows), *filter(None, [block.note])])


def _cell(cell: doc.Cell) -> layout.Cell:
    style = Style.__members__.get(cell.tone.name)
    first, *further = cell.text.split("\n")
    return stacked([(first, style) if style else first, *further, *cell.below])
