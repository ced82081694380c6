"""A document on a terminal: its tables, laid out to the width there is; figures are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plansim.output.report import document as doc
from plansim.output.tables import layout
from plansim.output.tables.layout import Grid, Prose, RenderableType, Style, blocks, stacked

__all__ = ["terminal_text"]

_STYLES: Mapping[doc.Tone, Style | None] = {
    doc.Tone.PLAIN: None,
    doc.Tone.GOOD: Style.GOOD,
    doc.Tone.BAD: Style.BAD,
    doc.Tone.DOUBT: Style.DOUBT,
    doc.Tone.FAINT: Style.FAINT,
    doc.Tone.STRONG: Style.STRONG,
}
LEAST = 6
"""Terminal columns of the narrowest cell."""


def terminal_text(document: doc.Document) -> RenderableType:
    """Lay out a document for a terminal.

    A table that does not fit is written all the same, with its cells as narrow as they may be.
    """
    head = layout.lines([Prose(document.title, Style.STRONG), document.subtitle])
    sections = (
        block for section in document.sections for block in ("", Prose(section.title, Style.STRONG),
                                                             *_blocks(section))
    )  # fmt: skip
    return blocks([head, *sections])


def _blocks(section: doc.Section) -> Iterator[RenderableType]:
    for block in section.blocks:
        match block:
            case doc.Paragraph(text):
                yield text
            case doc.Bullets(items):
                yield Grid(
                    [layout.Column(), layout.text_column()],
                    [("-", item) for item in items],
                    gap=1,
                )
            case doc.ReportTable():
                yield _table(block.on(doc.Medium.PAGE))
            case doc.Picture():
                pass


def _table(block: doc.ReportTable) -> RenderableType:
    columns = [
        layout.Column(
            "\n".join(filter(None, [column.head, column.below])),
            right=column.right,
            wraps=True,
            least=LEAST,
        )
        for column in block.columns
    ]
    rows = [
        layout.Band(row.text) if isinstance(row, doc.GroupRow) else [*map(_cell, row.cells)]
        for row in block.rows
    ]
    parts: list[RenderableType] = [block.caption, Grid(columns, rows)]
    return layout.lines([*parts, block.note] if block.note else parts)


def _cell(cell: doc.Cell) -> RenderableType:
    style = _STYLES[cell.tone]
    first, *further = cell.text.split("\n")
    return stacked([(first, style) if style else first, *further, *cell.below])
