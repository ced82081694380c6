"""A document as a workbook: a sheet a section, numbers as numbers, pictures below the tables."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from plansim.output.report.document import (
    EPOCH,
    HUES,
    Bullets,
    Cell,
    Document,
    GroupRow,
    Heading,
    Medium,
    Paragraph,
    Picture,
    ReportTable,
    Row,
    Section,
    TableColumn,
    Tone,
)
from plansim.output.report.pages import picture
from plansim.output.words.wrapping import wrap

__all__ = ["write_xlsx"]

FONT = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
LINE = 18
"""Height of a row of a sheet, in pixels."""
ACROSS_PAGE = 100
"""Terminal columns of a line of running text."""
DPI, SCALE = 110, 0.85
"""Of a picture: how fine it is drawn, and at which part of its size it is shown."""
PER_SHARE = 9.0
"""Characters of a column for a share of 1 on a page."""


def write_xlsx(document: Document, path: Path) -> None:
    """Write a document as a workbook; the same document gives the same bytes.

    Raises:
        OSError: the system refuses to write.
    """
    from xlsxwriter import Workbook

    memory = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = Workbook(memory, options)
    book.set_properties({"title": document.title, "subject": document.subtitle,
                         "author": "plansim", "created": EPOCH})  # fmt: skip
    writer = _Book(book)
    taken: set[str] = set()
    for index, section in enumerate(document.sections):
        sheet = book.add_worksheet(_tab(section.short, taken))
        head = [(document.title, "title"), (document.subtitle, "faint")] if not index else []
        writer.section(sheet, section, [*head, (section.title, "section")])
    book.close()
    path.write_bytes(memory.getvalue())


def _tab(name: str, taken: set[str]) -> str:
    """Make a name that a sheet may have, other than those taken.

    >>> _tab("Air, sewage: all", {"air, sewage all"})
    'Air, sewage all 2'
    """
    plain = re.sub(r"[\[\]:*?/\\]", "", name)[:28]
    result, count = plain, 1
    while result.casefold() in taken:
        count += 1
        result = f"{plain} {count}"
    taken.add(result.casefold())
    return result


class _Book:
    """Writes sections into sheets of a workbook."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._widths: dict[tuple[str, int], float] = {}
        self._formats: dict[tuple[object, ...], Any] = {}

    def _format(self, **what: object) -> Any:
        key = tuple(sorted(what.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({**FONT, **what})
        return self._formats[key]

    def section(self, sheet: Any, section: Section, head: Sequence[tuple[str, str]]) -> None:
        """Write the blocks of a section below one another, pictures below its tables."""
        looks = {
            "title": self._format(bold=True, font_size=16),
            "faint": self._format(font_color=HUES[Tone.FAINT]),
            "section": self._format(bold=True, font_size=13),
        }
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 1 if head[0][1] == "title" else 0)
        at = 0
        for words, look in head:
            sheet.write_string(at, 0, words, looks[look])
            sheet.set_row_pixels(at, {"title": 28, "faint": 18, "section": 24}[look])
            at += 1
        tables = [block for block in section.blocks if isinstance(block, ReportTable)]
        wide = max((len(table.on(Medium.BOOK).columns) for table in tables), default=8)
        at += 1
        for block in section.blocks:
            match block:
                case Heading():
                    sheet.write_string(at, 0, block.text, self._format(bold=True))
                    at += 2
                case Paragraph():
                    at = self._words(sheet, at, block.text, wide, bold=block.lead)
                case Bullets():
                    for item in block.items:
                        at = self._words(sheet, at, f"• {item}", wide, bold=False)
                case ReportTable():
                    at = self._table(
                        sheet, at, block.on(Medium.BOOK), wide, freeze=len(tables) == 1
                    )
                case Picture():
                    pass
        for figure in (block for block in section.blocks if isinstance(block, Picture)):
            at = self._figure(sheet, at, figure)

    def _words(self, sheet: Any, at: int, words: str, wide: int, *, bold: bool) -> int:
        """Write running text over the width of the sheet; give the next free row."""
        look = self._format(text_wrap=True, bold=bold)
        sheet.merge_range(at, 0, at, max(wide - 1, 5), words, look)
        sheet.set_row_pixels(at, LINE * len(wrap(words, ACROSS_PAGE)))
        return at + 1

    def _table(self, sheet: Any, at: int, table: ReportTable, wide: int, *, freeze: bool) -> int:
        """Write a table; give the row after it."""
        sheet.write_string(at, 0, table.caption, self._format(bold=True))
        heads = [f"{column.head}\n{column.below}".strip() for column in table.columns]
        for column, (item, words) in enumerate(zip(table.columns, heads, strict=True)):
            look = self._format(bold=True, bottom=1, text_wrap=True,
                                align="right" if item.right else "left")  # fmt: skip
            if words.isdecimal():  # a year
                sheet.write_number(at + 1, column, int(words), look)
            else:
                sheet.write_string(at + 1, column, words, look)
            # Tables below one another share their columns.
            wide_enough = max(_wide(item), self._widths.get((sheet.get_name(), column), 0.0))
            self._widths[sheet.get_name(), column] = wide_enough
            sheet.set_column(column, column, wide_enough)
        sheet.set_row_pixels(at + 1, LINE * _lines(heads, table.columns))
        if freeze:
            named = sum(not column.right for column in table.columns[:2])
            sheet.freeze_panes(at + 2, named)
            sheet.repeat_rows(at + 1)
        spare: tuple[str, ...] = ()
        for index, row in enumerate(table.rows, start=at + 2):
            if isinstance(row, GroupRow):
                look = self._format(bold=True, bg_color="#EFEFEF")
                for column in range(len(table.columns)):
                    sheet.write_string(index, column, row.text if column == 0 else "", look)
                continue
            cells = list(row.cells)
            if row.joined and cells[0] == Cell():  # a row that is joined has room for its unit
                cells[0] = Cell("\n".join(spare), tone=Tone.FAINT)
                spare = ()
            else:
                spare = cells[0].below
                if _followed(table, index - at - 2):
                    cells[0] = replace(cells[0], below=())
            for column, (cell, head) in enumerate(zip(cells, table.columns, strict=True)):
                self._cell(sheet, index, column, cell, right=head.right)
            texts = ["" if e.number is not None and not e.below else "\n".join([e.text, *e.below])
                     for e in cells]  # fmt: skip
            sheet.set_row_pixels(index, LINE * _lines(texts, table.columns))
        at += 2 + len(table.rows)
        if table.note:
            at = self._words(sheet, at, table.note, wide, bold=False)
        return at + 1

    def _cell(self, sheet: Any, row: int, column: int, cell: Cell, *, right: bool) -> None:
        look: dict[str, object] = {"text_wrap": True, "align": "right" if right else "left"}
        if not right and column:
            look["indent"] = 1
        if hue := HUES.get(cell.tone):
            look["font_color"] = hue
        if cell.tone in (Tone.STRONG, Tone.BAD):
            look["bold"] = True
        if cell.number is None or cell.below:
            words = "\n".join([cell.text, *cell.below])
            if words:
                sheet.write_string(row, column, words, self._format(**look))
            return
        places = "." + "0" * cell.decimals if cell.decimals else ""
        parted = "#,##0" if abs(cell.number) >= 9999.5 else "0"
        sign = re.match(r"[≥≤≈] ", cell.text)
        number = parted + places
        signs = f"+{number};-{number};{number}" if cell.text[:1] == "+" else number
        look |= {"num_format": f'"{sign[0]}"{number}' if sign else signs, "align": "right"}
        if cell.text.endswith("%"):
            # Each part of the format, above, below and at zero, needs its own sign.
            look["num_format"] = ";".join(f'{part}" %"' for part in signs.split(";"))
        sheet.write_number(row, column, cell.number, self._format(**look))

    def _figure(self, sheet: Any, at: int, figure: Picture) -> int:
        """Write the picture of a figure; return the next free row."""
        sheet.write_string(at, 0, figure.caption, self._format(bold=True))
        content, width = picture(figure, "png", DPI)
        scale = {"x_scale": SCALE, "y_scale": SCALE, "description": figure.description}
        sheet.insert_image(at + 1, 0, "figure.png", {"image_data": io.BytesIO(content), **scale})
        return at + round(width * DPI)


def _wide(column: TableColumn) -> float:
    """Return the width of a column in characters."""
    return max(9.0, PER_SHARE * column.width)


def _lines(words: Sequence[str], columns: Sequence[TableColumn]) -> int:
    """Count the lines that a row needs; programs do not all do so by themselves."""
    return max(
        sum(len(wrap(line, int(_wide(column) * 0.95))) for line in word.split("\n"))
        for word, column in zip(words, columns, strict=True)
    )


def _followed(table: ReportTable, index: int) -> bool:
    """Whether a row that is joined to this one comes after it."""
    after = table.rows[index + 1 : index + 2]
    return any(isinstance(row, Row) and row.joined for row in after)
