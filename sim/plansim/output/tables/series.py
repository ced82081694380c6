"""Annual figures: a variable a row, a year a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plansim.output.series import Series
from plansim.output.tables.layout import (
    LEAST,
    Column,
    FirstFitting,
    Grid,
    RenderableType,
    Row,
    figure_column,
    lines,
    text_column,
)
from plansim.output.words.text import Text, decimals_of, figure

__all__ = ["series_table"]

_NAME_WIDTH, _NAME_WRAPPED = 40, 20
"""Width above which names are wrapped, and to which before years are left out."""


def series_table(
    series: Sequence[Series], years: Sequence[int], text: Text, *, first: Sequence[int] = ()
) -> FirstFitting:
    """Lay out annual figures, a variable a row and a year a column.

    Where not all ``years`` fit, the first and the last and those named in ``first`` are kept,
    then the earliest ones; a line below says so.
    """
    wanted = {years[0], years[-1], *(set(first) & set(years))}
    optional = [year for year in years if year not in wanted]

    def layout(more: int) -> RenderableType:
        kept = sorted({*wanted, *optional[:more]})
        columns = [
            text_column(
                text("run.variable"), least=_NAME_WRAPPED if more else LEAST, most=_NAME_WIDTH
            ),
            Column(text("run.unit")),
            *(figure_column(str(year)) for year in kept),
        ]
        grid = Grid(columns, _rows(series, kept, text))
        return grid if len(kept) == len(years) else lines([grid, text("run.years")])

    counts = range(len(optional), -1, -1)
    return FirstFitting([lambda more=more: layout(more) for more in counts])  # type: ignore[misc]


def _rows(series: Sequence[Series], years: Sequence[int], text: Text) -> Iterator[Row]:
    for row in series:
        decimals = decimals_of(row.values.values())
        figures = (figure(row.values.get(year), decimals) for year in years)
        yield (text.pick(row.name, row.name_zh), text.unit(row.unit), *figures)
