"""Layout of running text, tables and facts on a terminal, by rich.

Table modules return renderables for `shown` or a console of rich, independent of width and colour.
This module adds to rich the line breaking of Chinese (docs/decisions/0019), rows that run across a
table, and columns that are never truncated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from io import StringIO
from typing import Any, TypeAlias

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.containers import Lines
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text as RichText

from plansim.files.escaping import for_terminal
from plansim.model.units import NO_UNIT
from plansim.output.words.text import Text
from plansim.output.words.wrapping import breaks, unbroken
from plansim.targets.target import Target

__all__ = [
    "LEAST",
    "Band",
    "Cell",
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
    "unit_column",
]

LEAST = 16
"""Minimum width of a column of running text, in terminal columns."""
_UNBOUNDED = 100_000


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


Cell: TypeAlias = str | RichText
Row: TypeAlias = Sequence[Cell]


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, its cells, and their layout."""

    head: Cell = ""
    cell: Callable[[Any], Cell] = str
    """What the row of an item has in this column."""
    right: bool = False
    wraps: bool = False
    """Whether cells are wrapped if the table would be too wide."""
    least: int = LEAST
    """Minimum width to which they are wrapped."""
    most: int = _UNBOUNDED
    """Maximum width above which they are always wrapped."""


def text_column(
    head: Cell = "",
    cell: Callable[[Any], Cell] = str,
    *,
    least: int = LEAST,
    most: int = _UNBOUNDED,
) -> Column:
    """Return a column of running text."""
    return Column(head, cell, wraps=True, least=least, most=most)


def figure_column(head: Cell = "", cell: Callable[[Any], Cell] = str) -> Column:
    """Return a column of figures, aligned to the right."""
    return Column(head, cell, right=True)


def target_columns(
    text: Text, target_of: Callable[[Any], Target], *, least: int = LEAST
) -> list[Column]:
    """Return the columns of the ids and the names of targets."""
    return [
        Column("verdicts.id", lambda item: target_of(item).id),
        text_column("verdicts.name", lambda item: text.name(target_of(item)), least=least),
    ]


def unit_cell(unit: str, text: Text) -> str:
    """Return a unit in the language of the text; nothing for a pure number."""
    return "" if unit == NO_UNIT else text.unit(unit)


def unit_column(text: Text, unit_of: Callable[[Any], str]) -> Column:
    """Return a column of units."""
    return Column("mix.unit", lambda item: unit_cell(unit_of(item), text))


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


def table(text: Text, columns: Sequence[Column], items: Iterable[Any], title: str = "") -> Grid:
    """Return a table with a row for each item, whose cells its columns give.

    Heads and title are keys of phrases, or else stand as they are.

    >>> from plansim.output.words.text import read_text
    >>> columns = [Column("n"), figure_column("verdicts.target", lambda n: f"{n * n}")]
    >>> print(shown(table(read_text("en"), columns, [2, 9]), 80))
    n  plan says
    ------------
    2          4
    9         81
    """
    known = text.phrases
    heads = [replace(one, head=known.get(str(one.head), one.head)) for one in columns]
    rows = (
        item if isinstance(item, Band) else [column.cell(item) for column in columns]
        for item in items
    )
    return Grid(heads, rows, title=known.get(title, title))


class Grid:
    """A table: columns with their heads, rows of cells, bands across; above it a title.

    Columns are separated by ``gap`` spaces. Cells are texts, or `Prose` for styled ones. A column
    that does not wrap is as wide as its widest cell; those that do share the remaining width. If
    need be, heads are broken, a single space separates columns and texts are as narrow as their
    longest word. If that is not enough, the table is wider than the terminal: nothing is truncated.

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
        wanted, least = self._widths()
        gaps = self.gap * (len(wanted) - 1)
        return Measurement(sum(least) + gaps, sum(wanted) + gaps)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType | Segment]:
        """Lay the table out."""
        wanted, least = self._widths()
        between = len(wanted) - 1
        gap = self.gap if sum(least) + self.gap * between <= options.max_width else 1
        room = options.max_width - gap * between
        if sum(least) > room:
            widths = _shrunk(least, self._words(least), room)
        else:
            widths = _shrunk(wanted, least, room)
        rule = Prose.assemble(("-" * (sum(widths) + gap * between), Style.FAINT))
        if self.title:
            yield Prose(self.title, Style.STRONG)
        if any(column.head for column in self.columns):
            heads = [_cell(column.head, Style.STRONG) for column in self.columns]
            yield from self._lines(console, heads, widths, gap, bottom=True)
            yield from rule.render(console, "\n")
        for index, row in enumerate(self.rows):
            if not isinstance(row, Band):
                yield from self._lines(console, map(_cell, row), widths, gap)
                continue
            if row.rule and index:  # the first has that of the head
                yield from rule.render(console, "\n")
            if row.text or not row.rule:
                yield Prose(row.text, row.style or "")

    def _lines(
        self,
        console: Console,
        cells: Iterable[RichText],
        widths: Sequence[int],
        gap: int,
        *,
        bottom: bool = False,
    ) -> Iterator[Segment]:
        """Yield the lines of a row, whose cells are aligned at the top, or at the bottom."""
        wrapped = [
            list(cell.wrap(console, width, justify="right" if column.right else "left"))
            for column, cell, width in zip(self.columns, cells, widths, strict=True)
        ]
        height = max(map(len, wrapped))
        for lines, width in zip(wrapped, widths, strict=True):
            blank = [RichText()] * (height - len(lines))
            lines[:] = [line.copy() for line in (blank + lines if bottom else lines + blank)]
            for line in lines:
                line.pad_right(width - line.cell_len)
        for parts in zip(*wrapped, strict=True):
            line = RichText(" " * gap).join(parts)
            line.rstrip()
            yield from line.render(console, "\n")

    def _widths(self) -> tuple[list[int], list[int]]:
        """Return the preferred and the minimum width of each column."""
        rows = [row for row in self.rows if not isinstance(row, Band)]
        wanted, least = [], []
        for index, column in enumerate(self.columns):
            width = max((_width(row[index]) for row in rows), default=0)
            wanted.append(min(max(width, _width(column.head)), column.most))
            word = max(unbroken(str(column.head)), min(_width(column.head), 6))
            must = min(column.least, wanted[-1]) if column.wraps else width
            least.append(max(must, min(word, wanted[-1])))
        return wanted, least

    def _words(self, least: Sequence[int]) -> list[int]:
        """Return the widths below which columns would break words."""
        rows = [row for row in self.rows if not isinstance(row, Band)]
        words = [
            max((unbroken(str(row[at])) for row in rows), default=0) for at in range(len(least))
        ]
        return [
            min(width, max(word, unbroken(str(column.head)))) if column.wraps else width
            for column, width, word in zip(self.columns, least, words, strict=True)
        ]


def _cell(cell: Cell, style: Style | str = "") -> RichText:
    return Prose(cell, style) if isinstance(cell, str) else cell


def _width(cell: Cell) -> int:
    return max(map(cell_len, str(cell).split("\n")))


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
    return Prose("\n").join(Prose.assemble(part) for part in parts)


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
    return Group(*(Prose(part) if isinstance(part, str) else part for part in parts))


def blocks(parts: Iterable[RenderableType]) -> Group:
    """Stack paragraphs or tables, with a blank line between two."""
    spaced = [spaced for part in parts for spaced in ("", part)]
    return lines(spaced[1:])


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
        console.print(lines([what]), crop=False)
    return written.get().removesuffix("\n")
