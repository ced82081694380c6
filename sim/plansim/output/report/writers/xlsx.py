"""A document as a workbook: a sheet a section, numbers as numbers, pictures below the tables."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from plansim.output.report import document as doc
from plansim.output.report.writers.html_pdf import picture
from plansim.output.words.text import Text, read_text

__all__ = ["write_xlsx"]

FONT = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
LINE = 15
"""Height of a line of running text, in points. Rows of tables are as high as programs make them."""
LEAST_ACROSS, STANDARD_WIDTH = 8, 8.43
"""Running text runs over the sheet's columns: the minimum number, and their standard width."""
HIGHEST_FREEZE = 12
"""A table that begins lower has no frozen head: it would take the screen."""
DPI, SCALE = 110, 0.85
"""Of a picture: how fine it is drawn, and at which part of its size it is shown."""
LEAST_WIDTH, PER_SHARE = 7.0, 11.0
"""Characters of the narrowest column, and of the widest for a share of 1 on a page."""


def write_xlsx(document: doc.Document, path: Path) -> None:
    """Write a document as a workbook; the same document gives the same bytes.

    Raises:
        OSError: the system refuses to write.
    """
    from xlsxwriter import Workbook

    memory = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = Workbook(memory, options)
    book.set_properties({"title": document.title, "subject": document.subtitle,
                         "author": "plansim", "created": doc.EPOCH})  # fmt: skip
    for index, section in enumerate(document.sections):
        sheet = _Sheet(book, section)
        if not index:
            sheet.line(document.title, bold=True, font_size=16)
            sheet.line(document.subtitle, font_color=doc.HUES[doc.Tone.FAINT])
        sheet.line(section.title, bold=True, font_size=13)
        sheet.blocks(section)
        sheet.print_setup(read_text(document.lang), one_page=not index)
    book.close()
    path.write_bytes(memory.getvalue())


class _Sheet:
    """Writes a section into a sheet, from the top down."""

    def __init__(self, book: Any, section: doc.Section) -> None:
        self._sheet = book.add_worksheet(section.short)
        self._format = cache(lambda **look: book.add_format({**FONT, **look}))
        self._row = 0
        tables = (block.flat for block in section.blocks if isinstance(block, doc.ReportTable))
        self._widths = _widths(tables)
        for column, width in enumerate(self._widths):
            self._sheet.set_column(column, column, width)

    def line(self, words: str, **look: object) -> None:
        """Write a line that needs no room of its own."""
        self._sheet.write_string(self._row, 0, words, self._format(**look))
        self._row += 1

    def blocks(self, section: doc.Section) -> None:
        """Write the blocks of a section below one another, pictures below its tables."""
        for block in sorted(section.blocks, key=lambda block: isinstance(block, doc.Picture)):
            self._row += 1
            match block:
                case doc.Paragraph():
                    self._words(block.text, bold=block.lead)
                case doc.Bullets():
                    for item in block.items:
                        self._words(f"• {item}")
                case doc.ReportTable():
                    self.line(block.caption, bold=True)
                    self._table(*block.flat)
                    if block.note:
                        self._words(block.note, font_color=doc.HUES[doc.Tone.FAINT])
                case doc.Picture():
                    self._picture(block)

    def print_setup(self, text: Text, *, one_page: bool) -> None:
        """Set up how the sheet is printed: A4 across, as wide as the page, its number below."""
        self._sheet.hide_gridlines(2)
        self._sheet.set_landscape()
        self._sheet.set_paper(9)
        self._sheet.set_margins(left=0.5, right=0.5, top=0.5, bottom=0.6)
        self._sheet.fit_to_pages(1, 1 if one_page else 0)
        self._sheet.set_footer(f"&L&8&A&R&8{text('report.page', page='&P', pages='&N')}")

    def _words(self, words: str, **look: object) -> None:
        """Write running text over the width of the sheet."""
        across = max(len(self._widths), LEAST_ACROSS)
        width = sum(self._widths) + STANDARD_WIDTH * (across - len(self._widths))
        looks = self._format(text_wrap=True, **look)
        self._sheet.merge_range(self._row, 0, self._row, across - 1, words, looks)
        count = sum(1 + int(cell_len(line) / (0.95 * width)) for line in words.split("\n"))
        self._sheet.set_row(self._row, LINE * count)
        self._row += 1

    def _table(self, columns: Sequence[doc.TableColumn], rows: Sequence[doc.Row]) -> None:
        """Write a table, its first row frozen, repeated in print, and filtered.

        Of several tables on a sheet, the last one is filtered.
        """
        top = self._row
        for at, column in enumerate(columns):
            look = self._format(bold=True, bottom=1, text_wrap=True, valign="bottom",
                                **_aside(at, right=column.right))  # fmt: skip
            self._sheet.write_string(top, at, column.head, look)
        self._row += 1
        for row in rows:
            for at, (cell, column) in enumerate(zip(row, columns, strict=True)):
                self._cell(at, cell, right=column.right)
            self._row += 1
        self._sheet.autofilter(top, 0, self._row - 1, len(columns) - 1)
        self._sheet.repeat_rows(top)
        if top < HIGHEST_FREEZE:
            self._sheet.freeze_panes(top + 1, 1)

    def _cell(self, column: int, cell: doc.Cell, *, right: bool) -> None:
        look: dict[str, object] = {"text_wrap": True, **_aside(column, right=right)}
        if hue := doc.HUES.get(cell.tone):
            look["font_color"] = hue
        if cell.tone in (doc.Tone.STRONG, doc.Tone.BAD):
            look["bold"] = True
        if cell.number is not None:
            look |= {"num_format": _number_format(cell), "align": "right"}
            self._sheet.write_number(self._row, column, cell.number, self._format(**look))
        elif cell.text:
            self._sheet.write_string(self._row, column, cell.text, self._format(**look))

    def _picture(self, figure: doc.Picture) -> None:
        self.line(figure.caption, bold=True)
        content, _ = picture(figure, "png", DPI)
        options = {"x_scale": SCALE, "y_scale": SCALE, "description": figure.description,
                   "image_data": io.BytesIO(content)}  # fmt: skip
        self._sheet.insert_image(self._row, 0, "figure.png", options)


def _aside(column: int, *, right: bool) -> dict[str, object]:
    """Return to which side a column's texts stand; those to the left keep off numbers before."""
    return {"align": "right" if right else "left"} | ({"indent": 1} if column and not right else {})


def _number_format(cell: doc.Cell) -> str:
    """Return how a number is shown: its decimals, its sign, and the mark before it in the text.

    >>> _number_format(doc.Cell("+5.6", number=5.6, decimals=1))
    '+0.0;-0.0;0.0'
    >>> _number_format(doc.Cell("≥ 12,345", number=12345))
    '"≥ "#,##0'
    """
    number = "#,##0" if abs(cell.number or 0.0) >= 9999.5 else "0"
    number += "." + "0" * cell.decimals if cell.decimals else ""
    if mark := re.match(r"[✓✗?!=≥≤≈] ", cell.text):
        return f'"{mark[0]}"{number}'
    return f"+{number};-{number};{number}" if cell.text[:1] == "+" else number


def _widths(tables: Iterable[tuple[Sequence[doc.TableColumn], Sequence[doc.Row]]]) -> list[float]:
    """Return how wide the columns of a sheet are, in characters: by their contents."""
    widths: list[float] = []
    for columns, rows in tables:
        for index, column in enumerate(columns):
            words = [row[index].text for row in rows] + column.head.split()
            longest = max(map(cell_len, words)) + 3.0
            width = min(max(longest, LEAST_WIDTH), max(LEAST_WIDTH, PER_SHARE * column.width))
            widths[index:] = [max([width, *widths[index : index + 1]]), *widths[index + 1 :]]
    return widths
