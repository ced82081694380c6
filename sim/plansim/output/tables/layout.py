"""Layout of running text, tables and facts on a terminal, by rich.

Table modules return renderables for `shown` or a console of rich, independent of width and colour.
This module adds to rich the line breaking of Chinese (docs/decisions/0019), rows that run across a
table, and columns that are never truncated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from typing import Any

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.containers import Lines
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text as RichText

from plansim.files.escaping import for_terminal
from plansim.model.units import NO_UNIT
from plansim.output.words.text import Text
from plansim.output.words.wrapping import breaks
from plansim.targets.target import Target

__all__ = [
    "LEAST",
    "Band",
    "Column",
    "FirstFitting",
    "Grid",
    "Prose",
    "RenderableType",
    "Row",
    "Style",
    "blocks",
    "facts",
    "figure_column",
    "lines",
    "section",
    "shown",
    "stacked",
    "table",
    "target_columns",
    "text_column",
    "unit_cell",
]

LEAST = 16
"""Minimum width of a column of running text, in terminal columns."""
_UNBOUNDED = 100_000
_ACROSS = "\ue000"
"""Placeholder of a band, since tables of rich have no rows that run across; no text has it."""
_BOX = Box("    \n    \n -- \n    \n -- \n -- \n    \n    \n", ascii=True)
"""A box with rules below the head and between sections only."""


class Style(StrEnum):
    """Styles of text on a terminal with colour, as rich writes them."""

    STRONG = "bold"
    FAINT = "dim"
    BAD = "red"
    GOOD = "green"
    DOUBT = "yellow"


class Prose(RichText):
    """Running text with line breaking of Chinese; broken lines keep their indent."""

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the minimum and the preferred width of the text."""
        return Measurement(1, max(map(cell_len, self.plain.split("\n"))))

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: Any = None,
        overflow: Any = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        """Return the text in lines of at most ``width`` columns."""
        lines = Lines()
        for line in self.split(allow_blank=True):
            indent = len(line) - len(line.plain.lstrip())
            words = line[indent:]
            ends = [] if no_wrap else breaks(words.plain, max(width - indent, 1))
            for part in words.divide(ends):
                part.rstrip()
                part.pad_left(indent)
                lines.append(part)
        lines.justify(console, width, justify=justify or self.justify or "left", overflow="ignore")
        return lines


Cell = Callable[[Any], RenderableType]
"""What the row of an item has in a column."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, its cells, and their layout."""

    head: RenderableType = ""
    cell: Cell | None = None
    """None where rows are given as cells."""
    right: bool = False
    wraps: bool = False
    """Whether cells are wrapped if the table would be too wide."""
    least: int = LEAST
    """Minimum width to which they are wrapped."""
    most: int = _UNBOUNDED
    """Maximum width above which they are always wrapped."""


def text_column(
    head: RenderableType = "",
    cell: Cell | None = None,
    *,
    least: int = LEAST,
    most: int = _UNBOUNDED,
) -> Column:
    """Return a column of running text."""
    return Column(head, cell, wraps=True, least=least, most=most)


def figure_column(head: RenderableType = "", cell: Cell | None = None) -> Column:
    """Return a column of figures, aligned to the right."""
    return Column(head, cell, right=True)


def target_columns(
    text: Text, target_of: Callable[[Any], Target], *, least: int = LEAST
) -> list[Column]:
    """Return the columns of the ids and the names of targets."""
    return [
        Column(text("verdicts.id"), lambda item: target_of(item).id),
        text_column(text("verdicts.name"), lambda item: text.name(target_of(item)), least=least),
    ]


def unit_cell(unit: str, text: Text) -> str:
    """Return a unit in the language of the text; nothing for a pure number."""
    return "" if unit == NO_UNIT else text.unit(unit)


@dataclass(frozen=True)
class Band:
    """A row that runs across the table; without a text, a blank line or a rule."""

    text: str = ""
    style: Style | None = Style.STRONG
    rule: bool = False
    """Whether a rule parts it from the row above."""


def section(title: str = "") -> Band:
    """Return the heading of a section of a table: a rule and a title."""
    return Band(title, rule=True)


Row = Sequence[RenderableType]


def table(columns: Sequence[Column], items: Iterable[Any], *, title: str = "") -> Grid:
    """Return a table with a row for each item, whose cells its columns give.

    >>> columns = [Column("n", str), figure_column("n²", lambda n: f"{n * n}")]
    >>> print(shown(table(columns, [2, 9]), 80))
    n  n²
    -----
    2   4
    9  81
    """
    rows = (
        item if isinstance(item, Band) else [column.cell(item) for column in columns if column.cell]
        for item in items
    )
    return Grid(columns, rows, title=title)


class Grid:
    """A table: columns with their heads, rows of cells, bands across; above it a title.

    Columns are separated by ``gap`` spaces. Cells are texts, or `Prose` for styled ones. A column
    that does not wrap is as wide as its widest cell; those that do share the remaining width. If
    need be, heads are broken and a single space separates columns. If that is not enough, the table
    is wider than the terminal: nothing is truncated.

    >>> print(shown(Grid([Column("what"), figure_column("kt")], [("COD", "1"), ("SO2", "20")]), 80))
    what  kt
    --------
    COD    1
    SO2   20
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Iterable[Row | Band],
        *,
        title: str = "",
        gap: int = 2,
    ) -> None:
        self.columns, self.rows, self.title, self.gap = columns, list(rows), title, gap

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the minimum and the preferred width of the table."""
        wanted, least = self._widths(console, options)
        gaps = self.gap * (len(wanted) - 1)
        return Measurement(sum(least) + gaps, sum(wanted) + gaps)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType | Segment]:
        """Lay the table out."""
        wanted, least = self._widths(console, options)
        between = len(wanted) - 1
        gap = self.gap if sum(least) + self.gap * between <= options.max_width else 1
        gaps = gap * between
        widths = _shrunk(wanted, least, options.max_width - gaps)
        table = Table(
            box=_BOX,
            padding=(0, gap - 1, 0, 0),
            show_edge=False,
            pad_edge=False,
            show_header=any(map(_written, self.columns)),
            header_style=Style.STRONG,
            border_style=Style.FAINT,
        )
        for column, width in zip(self.columns, widths, strict=True):
            head, justify = _cell(column.head), "right" if column.right else "left"
            table.add_column(head, justify=justify, width=width)  # type: ignore[arg-type]
        for row in self.rows:
            if not isinstance(row, Band):
                table.add_row(*map(_cell, row))
                continue
            if row.rule:
                table.add_section()
            if row.text or not row.rule:
                table.add_row(_ACROSS)
        if self.title:
            yield Prose(self.title, Style.STRONG)
        bands = (row for row in self.rows if isinstance(row, Band) and (row.text or not row.rule))
        wide = options.update_width(max(options.max_width, sum(widths) + gaps))
        for line in Segment.split_lines(console.render(table, wide)):
            if any(_ACROSS in part.text for part in line):
                band = next(bands)
                yield Prose(band.text, band.style or "")
                continue
            while line and not line[-1].text.strip():
                line.pop()
            yield from line[:-1]
            yield from (Segment(part.text.rstrip(), part.style) for part in line[-1:])
            yield Segment.line()

    def _widths(self, console: Console, options: ConsoleOptions) -> tuple[list[int], list[int]]:
        """Return the preferred and the minimum width of each column."""
        wide = options.update_width(_UNBOUNDED)
        cells = [0] * len(self.columns)
        for row in self.rows:
            if not isinstance(row, Band):
                cells = [
                    max(width, _width(cell, console, wide))
                    for width, cell in zip(cells, row, strict=True)
                ]
        wanted, least = [], []
        for column, width in zip(self.columns, cells, strict=True):
            head = column.head
            wanted.append(min(max(width, _width(head, console, wide)), column.most))
            word = max(map(cell_len, str(head).split()), default=0)
            must = min(column.least, wanted[-1]) if column.wraps else width
            least.append(max(must, min(word, wanted[-1])))
        return wanted, least


def _written(column: Column) -> bool:
    return bool(column.head)


def _cell(cell: RenderableType) -> RenderableType:
    return Prose(cell) if isinstance(cell, str) else cell


def _width(cell: RenderableType, console: Console, options: ConsoleOptions) -> int:
    if isinstance(cell, str):
        return max(map(cell_len, cell.split("\n")))
    return Measurement.get(console, options, cell).maximum


def _shrunk(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Cut the widest columns until all fit or none can be cut.

    >>> _shrunk([30, 20, 5], [16, 16, 5], 40)
    [17, 18, 5]
    """
    widths = list(wanted)
    while sum(widths) > room:
        free = [index for index, width in enumerate(widths) if width > least[index]]
        if not free:
            break
        widths[max(free, key=widths.__getitem__)] -= 1
    return widths


class FirstFitting:
    """The first of several layouts that fits the terminal; else the last."""

    def __init__(self, layouts: Sequence[Callable[[], RenderableType]]) -> None:
        self.layouts = layouts

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield the layout."""
        wide = options.update_width(_UNBOUNDED)
        for make in self.layouts:
            layout = make()
            if Measurement.get(console, wide, layout).minimum <= options.max_width:
                break
        yield layout


def stacked(parts: Iterable[str | tuple[str, str]]) -> RichText:
    """Return the lines of a cell; each may have a style.

    >>> print(shown(stacked(["44.7", ("-0.3", Style.BAD)]), 80))
    44.7
    -0.3
    """
    pieces: list[str | tuple[str, str]] = []
    for part in parts:
        pieces += ["\n", part] if pieces else [part]
    return Prose.assemble(*pieces)


def facts(pairs: Iterable[tuple[str, str]]) -> Grid:
    r"""Lay out labels and their texts in two columns; a text's own line breaks are kept.

    >>> print(shown(facts([("unit", "亿元/Year"), ("equation", "GDP =\n  a + b")]), 80))
    unit      亿元/Year
    equation  GDP =
                a + b
    """
    rows = [(Prose(label, Style.STRONG), text) for label, text in pairs]
    return Grid([Column(), text_column(least=20)], rows)


def lines(parts: Iterable[RenderableType]) -> Group:
    """Stack paragraphs or tables."""
    return Group(*map(_cell, parts))


def blocks(parts: Iterable[RenderableType]) -> Group:
    """Stack paragraphs or tables, with a blank line between two."""
    stacked: list[RenderableType] = []
    for part in parts:
        stacked += ["", _cell(part)] if stacked else [_cell(part)]
    return Group(*stacked)


class _Console(Console):
    """A console on which no text of a model is obeyed by the terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Render in segments."""
        for text, style, control in super().render(renderable, options):
            yield Segment(for_terminal(text), style, control)


def shown(what: RenderableType, width: int, *, colour: bool = False) -> str:
    """Return the text of a renderable on a terminal of some width, without its last line break."""
    console = _Console(
        file=StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        emoji=False,
        highlight=False,
    )
    with console.capture() as written:
        console.print(Group(_cell(what)), crop=False)
    return written.get().removesuffix("\n")
