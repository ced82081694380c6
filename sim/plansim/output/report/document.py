"""A document before it is a file: headings, paragraphs, tables and figures as frozen records.

It is built once, in one language; each writer turns the same records into its own form. What is
text here is what a reader sees; a cell also has its number, for forms that keep numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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
    "Paragraph",
    "Picture",
    "ReportTable",
    "Row",
    "Section",
    "TableColumn",
    "Tone",
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
MOST_UPRIGHT = 7
"""Number of columns of a table that an upright page has room for."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str = ""
    below: tuple[str, ...] = ()
    """Further lines of a page, smaller."""
    tone: Tone = Tone.PLAIN
    number: float | None = None
    """What the text says, in full."""
    decimals: int = 0
    """Number of decimals with which the number is shown."""
    parts: tuple[Cell, ...] = ()
    """What the cell says, each by itself: a workbook has a column for each."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table."""

    head: str
    right: bool = False
    """Whether it is set flush right, as numbers are."""
    width: float = 1.0
    """Its share of the width, against the other columns."""
    parts: tuple[TableColumn, ...] = ()
    """The columns of a workbook that stand for it, for the parts of its cells."""


Row: TypeAlias = tuple[Cell, ...]
"""A row of a table: a cell for each column."""


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
    """What the titles of rows are, if they have some: the head of their column in a workbook."""

    @property
    def flat(self) -> tuple[list[TableColumn], list[Row]]:
        """The columns and rows of a workbook: every row is complete by itself, and can be filtered.

        Cells are in their parts, and the titles of rows in a column of their own, the first.
        """
        titled = bool(self.titles)
        columns = [part for column in self.columns for part in column.parts or (column,)]
        title, rows = Cell(), []
        for row in self.rows:
            if isinstance(row, GroupRow):
                title = Cell(row.text)
                continue
            parts = [
                part
                for cell, column in zip(row, self.columns, strict=True)
                for part in (cell.parts if column.parts else (cell,))
            ]
            rows.append((*[title] * titled, *parts))
        return [*[TableColumn(self.titles, width=2.0)] * titled, *columns], rows


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
    """The heading on the tab of a sheet."""
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
        tables = (block for block in self.sections[0].blocks if isinstance(block, ReportTable))
        return any(len(table.columns) > MOST_UPRIGHT for table in tables)


def numbered(document: Document) -> Iterator[tuple[Block, int]]:
    """Yield all blocks with the numbers of tables and figures, each counted by itself; else 0."""
    counts = {ReportTable: 0, Picture: 0}
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, ReportTable | Picture):
                counts[type(block)] += 1
            yield block, counts.get(type(block), 0)
