"""A document as a workbook: a sheet a section, numbers as numbers, pictures below the tables."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from plansim.output.report import document as doc
from plansim.output.report.html_pdf_writer import picture
from plansim.output.words.text import Lang, Text, read_text
from plansim.output.words.wrapping import wrap

__all__ = ["write_xlsx"]

FONT = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
LINES = {Lang.EN: 18, Lang.ZH: 20}
"""Height of a line of a sheet, in pixels."""
BUTTON = 6
"""What a row with the buttons of a filter has more."""
LEAST_ACROSS, STANDARD_WIDTH = 8, 8.43
"""Running text runs over the sheet's columns, but over so many at least, of that width."""
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
    writer = _Book(book, read_text(document.lang))
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

    def __init__(self, book: Any, text: Text) -> None:
        self._book = book
        self._text = text
        self._line = LINES[text.lang]
        self._formats: dict[tuple[object, ...], Any] = {}

    def _format(self, **what: object) -> Any:
        key = tuple(sorted(what.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({**FONT, **what})
        return self._formats[key]

    def section(self, sheet: Any, section: doc.Section, head: Sequence[tuple[str, str]]) -> None:
        """Write the blocks of a section below one another, pictures below its tables."""
        looks = {
            "title": self._format(bold=True, font_size=16),
            "faint": self._format(font_color=doc.HUES[doc.Tone.FAINT]),
            "section": self._format(bold=True, font_size=13),
        }
        tables = {id(one): one.flat for one in section.blocks if isinstance(one, doc.ReportTable)}
        widths = _widths(tables.values())
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        for at, (words, look) in enumerate(head):
            sheet.write_string(at, 0, words, looks[look])
            sheet.set_row_pixels(at, {"title": 28, "faint": 18, "section": 24}[look])
        at = len(head) + 1
        for block in section.blocks:
            match block:
                case doc.Paragraph():
                    at = self._words(sheet, at, block.text, widths, bold=block.lead) + 1
                case doc.Bullets():
                    for item in block.items:
                        at = self._words(sheet, at, f"• {item}", widths)
                    at += 1
                case doc.ReportTable():
                    sheet.write_string(at, 0, block.caption, self._format(bold=True))
                    self._table(sheet, at + 1, *tables[id(block)], widths)
                    at += 2 + len(tables[id(block)][1])
                    if block.note:
                        at = self._words(
                            sheet, at, block.note, widths, font_color=doc.HUES[doc.Tone.FAINT]
                        )
                    at += 1
        for figure in (block for block in section.blocks if isinstance(block, doc.Picture)):
            at = self._figure(sheet, at, figure)
        self._print(sheet, one_page=head[0][1] == "title")

    def _print(self, sheet: Any, *, one_page: bool) -> None:
        """Set up how a sheet is printed: A4 across, as wide as the page, its number below."""
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.5, right=0.5, top=0.5, bottom=0.6)
        sheet.fit_to_pages(1, 1 if one_page else 0)
        page = self._text("report.page", page="&P", pages="&N")
        sheet.set_footer(f"&L&8&A&R&8{page}")

    def _words(
        self, sheet: Any, at: int, words: str, widths: Sequence[float], **look: object
    ) -> int:
        """Write running text over the width of the sheet; return the next free row."""
        across = max(len(widths) - 1, LEAST_ACROSS)
        total = sum(widths) + STANDARD_WIDTH * (across + 1 - len(widths))
        sheet.merge_range(at, 0, at, across, words, self._format(text_wrap=True, **look))
        sheet.set_row_pixels(at, self._line * _lines([words], [total]))
        return at + 1

    def _table(
        self,
        sheet: Any,
        at: int,
        columns: Sequence[doc.TableColumn],
        rows: Sequence[Sequence[doc.Cell]],
        widths: Sequence[float],
    ) -> None:
        """Write a table from row ``at`` on, its first row frozen, repeated in print, and filtered.

        Of several tables on a sheet, the last one is filtered.
        """
        heads = [column.head for column in columns]
        for column, (item, words) in enumerate(zip(columns, heads, strict=True)):
            look = self._format(bold=True, bottom=1, text_wrap=True, valign="bottom",
                                **_aside(column, right=item.right))  # fmt: skip
            if words.isdecimal():  # a year
                sheet.write_number(at, column, int(words), look)
            else:
                sheet.write_string(at, column, words, look)
        sheet.set_row_pixels(at, self._line * _lines(heads, widths) + BUTTON)
        for index, row in enumerate(rows, start=at + 1):
            for column, (cell, item) in enumerate(zip(row, columns, strict=True)):
                self._cell(sheet, index, column, cell, right=item.right)
            texts = ["" if cell.number is not None else cell.text for cell in row]
            sheet.set_row_pixels(index, self._line * _lines(texts, widths))
        sheet.autofilter(at, 0, at + len(rows), len(columns) - 1)
        sheet.repeat_rows(at)
        if at < HIGHEST_FREEZE:
            sheet.freeze_panes(at + 1, 1)

    def _cell(self, sheet: Any, row: int, column: int, cell: doc.Cell, *, right: bool) -> None:
        look: dict[str, object] = {"text_wrap": True, **_aside(column, right=right)}
        if hue := doc.HUES.get(cell.tone):
            look["font_color"] = hue
        if cell.tone in (doc.Tone.STRONG, doc.Tone.BAD):
            look["bold"] = True
        if cell.number is None:
            if cell.text:
                sheet.write_string(row, column, cell.text, self._format(**look))
            return
        look |= {"num_format": _number_format(cell), "align": "right"}
        sheet.write_number(row, column, cell.number, self._format(**look))

    def _figure(self, sheet: Any, at: int, figure: doc.Picture) -> int:
        """Write the picture of a figure; return the next free row."""
        sheet.write_string(at, 0, figure.caption, self._format(bold=True))
        content, width = picture(figure, "png", DPI)
        scale = {"x_scale": SCALE, "y_scale": SCALE, "description": figure.description}
        sheet.insert_image(at + 1, 0, "figure.png", {"image_data": io.BytesIO(content), **scale})
        return at + round(width * DPI)


def _aside(column: int, *, right: bool) -> dict[str, object]:
    """Return to which side a column's texts stand; those to the left keep off numbers before."""
    return {"align": "right" if right else "left"} | ({"indent": 1} if column and not right else {})


def _number_format(cell: doc.Cell) -> str:
    """Return how a number is shown: its decimals, its sign, and the marks about it in the text.

    >>> _number_format(doc.Cell("+5.6 %", number=5.6, decimals=1))
    '+0.0" %";-0.0" %";0.0" %"'
    >>> _number_format(doc.Cell("≥ 12,345", number=12345))
    '"≥ "#,##0'
    """
    number = "#,##0" if abs(cell.number or 0.0) >= 9999.5 else "0"
    number += "." + "0" * cell.decimals if cell.decimals else ""
    if mark := re.match(r"[✓✗?!=≥≤≈] ", cell.text):
        return f'"{mark[0]}"{number}'
    parts = [f"+{number}", f"-{number}", number] if cell.text[:1] == "+" else [number]
    percent = '" %"' if cell.text.endswith("%") else ""
    return ";".join(part + percent for part in parts)


def _widths(
    tables: Iterable[tuple[Sequence[doc.TableColumn], Sequence[Sequence[doc.Cell]]]],
) -> list[float]:
    """Return how wide the columns of a sheet are, in characters: by their contents."""
    widths: list[float] = []
    for columns, rows in tables:
        for index, column in enumerate(columns):
            words = [row[index].text for row in rows] + [max(column.head.split(), key=len)]
            longest = max(map(cell_len, words)) + 3.0
            width = min(max(longest, LEAST_WIDTH), max(LEAST_WIDTH, PER_SHARE * column.width))
            widths[index:] = [max([width, *widths[index : index + 1]]), *widths[index + 1 :]]
    return widths


def _lines(words: Sequence[str], widths: Sequence[float]) -> int:
    """Count the lines that a row needs; programs do not all do so by themselves."""
    return max(
        sum(max(len(wrap(line, max(int(width * 0.95), 1))), 1) for line in word.split("\n"))
        for word, width in zip(words, widths, strict=False)
    )
