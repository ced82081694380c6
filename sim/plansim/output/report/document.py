"""A document before it is a file: headings, paragraphs, tables and figures as frozen records.

It is built once, in one language; each writer turns the same records into its own form. What is
text here is what a reader sees; a cell also has its number, for forms that keep numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import compress
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from plansim.output.words.text import Lang

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = [
    "EPOCH",
    "HUES",
    "Block",
    "Bullets",
    "Cell",
    "Document",
    "GroupRow",
    "Medium",
    "Paragraph",
    "Picture",
    "ReportTable",
    "Row",
    "Section",
    "TableColumn",
    "Tone",
    "grouped",
    "numbered",
]


class Tone(StrEnum):
    """How a cell stands out; what it says is said in its text too."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"
    FAINT = "faint"
    STRONG = "strong"


HUES = MappingProxyType(
    {Tone.GOOD: "#00598A", Tone.BAD: "#A33B00", Tone.DOUBT: "#6B5500", Tone.FAINT: "#5C5C5C"}
)
"""Colours of text, of the tones that have one."""
EPOCH = datetime(2000, 1, 1)
"""Stands in a file's properties instead of the time of writing."""
HEADING = 2
"""Number of columns of a workbook that say what a row is about."""
MOST_UPRIGHT = 7
"""Number of columns of a table that an upright page has room for."""


class Medium(StrEnum):
    """Where a column is shown: on a page, in a workbook, or in both."""

    BOTH = "both"
    PAGE = "page"
    BOOK = "book"


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str = ""
    below: tuple[str, ...] = ()
    """Further lines of a page, smaller; a workbook has columns for what they say."""
    tone: Tone = Tone.PLAIN
    number: float | None = None
    """What the text says, in full."""
    decimals: int = 0
    """With which the number is shown."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table."""

    head: str
    below: str = ""
    right: bool = False
    """Whether it is set flush right, as numbers are."""
    width: float = 1.0
    """Its share of the width, against the other columns."""
    medium: Medium = Medium.BOTH


@dataclass(frozen=True)
class Row:
    """A row of a table: a cell for each column."""

    cells: tuple[Cell, ...]
    joined: bool = False
    """Whether it belongs to the row above, whose first cell then stands for both."""


@dataclass(frozen=True)
class GroupRow:
    """A row that runs across a table: the title of the rows below it."""

    text: str


@dataclass(frozen=True)
class ReportTable:
    """A table with its caption, and a note that explains it."""

    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[Row | GroupRow, ...]
    note: str = ""
    titles: str = ""
    """What the titles of rows are: the head of their column in a workbook."""

    def on(self, medium: Medium) -> ReportTable:
        """Return the table with the columns of one medium alone."""
        kept = [column.medium in (Medium.BOTH, medium) for column in self.columns]
        rows = (
            row
            if isinstance(row, GroupRow)
            else replace(row, cells=tuple(compress(row.cells, kept)))
            for row in self.rows
        )
        titles = "" if medium is Medium.PAGE else self.titles
        columns = tuple(compress(self.columns, kept))
        return replace(self, columns=columns, rows=tuple(rows), titles=titles)

    @property
    def flat(self) -> tuple[tuple[TableColumn, ...], list[tuple[Cell, ...]]]:
        """The columns and rows of a workbook: every row is complete by itself, and can be filtered.

        The titles of rows have a column of their own, the first; a joined row says again what heads
        the one above.
        """
        table = self.on(Medium.BOOK)
        titled = any(isinstance(row, GroupRow) for row in table.rows)
        title, head = Cell(), (Cell(),) * HEADING
        rows = []
        for row in table.rows:
            if isinstance(row, GroupRow):
                title = Cell(row.text)
                continue
            own = row.cells[:HEADING]
            head = tuple(
                above if row.joined and cell == Cell() else cell
                for cell, above in zip(own, head, strict=True)
            )
            rows.append((*[title] * titled, *head, *row.cells[HEADING:]))
        return (*[TableColumn(self.titles, width=2.0)] * titled, *table.columns), rows


@dataclass(frozen=True)
class Picture:
    """A picture with its caption, and a description for those who do not see it."""

    caption: str
    description: str
    draw: Callable[[], Drawing]


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``lead`` is what must not be missed."""

    text: str
    lead: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


Block: TypeAlias = Paragraph | Bullets | ReportTable | Picture


@dataclass(frozen=True)
class Section:
    """A part of a document with a heading; a sheet of a workbook."""

    title: str
    """The heading."""
    short: str
    """For the tab of a sheet."""
    blocks: tuple[Block, ...]
    new_page: bool = False


@dataclass(frozen=True)
class Document:
    """All that a reader is given."""

    lang: Lang
    title: str
    subtitle: str
    sections: tuple[Section, ...]

    @property
    def wide(self) -> bool:
        """Whether tables of the first section, which grow with the scenarios, need wide pages."""
        tables = [block for block in self.sections[0].blocks if isinstance(block, ReportTable)]
        return any(len(table.on(Medium.PAGE).columns) > MOST_UPRIGHT for table in tables)


def grouped(rows: Sequence[Row | GroupRow]) -> Iterator[tuple[Row | GroupRow, ...]]:
    """Yield the rows of a table in groups that are not parted: a row and those joined to it."""
    group: tuple[Row | GroupRow, ...] = ()
    for row in rows:
        if group and not (isinstance(row, Row) and row.joined):
            yield group
            group = ()
        group = (*group, row)
    if group:
        yield group


def numbered(document: Document) -> Iterator[tuple[Block, int]]:
    """Yield all blocks with the numbers of tables and figures, each counted by itself; else 0."""
    tables = figures = 0
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, ReportTable):
                tables += 1
                yield block, tables
            elif isinstance(block, Picture):
                figures += 1
                yield block, figures
            else:
                yield block, 0
