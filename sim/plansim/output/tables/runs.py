"""Runs for a terminal: annual figures of one, the summary of a sweep."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from plansim.output.series import Series, as_judged
from plansim.output.tables.layout import (
    LEAST,
    Column,
    FirstFitting,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    lines,
    section,
    table,
    target_columns,
    text_column,
)
from plansim.output.words.text import Text, decimals_of, figure
from plansim.output.words.verdicts import by_section, limit_of, margin_size
from plansim.targets.target import Status, Target

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["percent", "series_table", "sweep_table"]

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
        grid = Grid(columns, _year_rows(series, kept, text))
        return grid if len(kept) == len(years) else lines([grid, text("run.years")])

    counts = range(len(optional), -1, -1)
    return FirstFitting([partial(layout, more) for more in counts])


def _year_rows(series: Sequence[Series], years: Sequence[int], text: Text) -> Iterator[Row]:
    for row in series:
        decimals = decimals_of(row.values.values())
        figures = (figure(row.values.get(year), decimals) for year in years)
        yield (text.pick(row.name, row.name_zh), text.unit(row.unit), *figures)


# --- a sweep --------------------------------------------------------------------------------------


def sweep_table(
    summary: xr.Dataset,
    targets: Iterable[Target],
    text: Text,
    *,
    names_zh: Mapping[str, str],
    steps: tuple[float, float] | None = None,
) -> RenderableType:
    """Lay out the summary of a sweep.

    For each scenario: runs by how they ended; the shares of runs that meet each target, with their
    standard error or interval, that miss it, and that leave it undecided or untestable where there
    are any; the worst margin and the run that has it; quantiles of each output by year.
    ``names_zh`` holds the Chinese names of outputs, which are in the units of the targets that
    judge them, as ``run`` shows them. ``steps`` are that of the sweep and that of the model, in
    years; a coarser one is told, since a verdict near its limit may turn with it.
    """
    targets = list(targets)
    known = {target.id: target for target in targets}
    judged = [known[str(target_id)] for target_id in summary["target"].values]
    parts: list[RenderableType] = []
    for scenario in summary["scenario"].values:
        one = summary.sel(scenario=scenario)
        if summary.sizes["scenario"] > 1:
            parts.append(text("sweep.scenario", scenario=scenario))
        parts.append(_runs(one, text))
        if judged:
            parts.append(_target_table(one, judged, text))
        parts.append(_output_table(one, targets, names_zh, text))
    if judged:
        parts.append(text("sweep.legend"))
    if steps is not None and steps[0] > steps[1]:
        parts.append(text("sweep.coarse", step=f"{steps[0]:g}", own=f"{steps[1]:g}"))
    return blocks(parts)


def _runs(one: xr.Dataset, text: Text) -> str:
    counts = one["runs"].to_series().items()
    line = text.join(
        text.word("outcome", f"{key}").format(count=f"{n:,}") for key, n in counts if n
    )
    bad: dict[str, int] = json.loads(one.attrs["bad_variables"])
    if bad:
        where = text.join([f"{name} ({count:,})" for name, count in list(bad.items())[:5]])
        line += "\n" + text("sweep.bad", where=where)
    return line


def _target_table(one: xr.Dataset, targets: Sequence[Target], text: Text) -> FirstFitting:
    """Lay out the verdicts of targets; if the terminal is narrow, units are below limits."""
    totals = one["verdicts"].sum("target").to_series()
    # A status that no run has takes no column.
    rare = [status for status in (Status.UNDECIDED, Status.UNTESTABLE) if totals[status]]

    def worst_run(target: Target) -> str:
        row = one.sel(target=target.id)
        return "–" if math.isnan(float(row["worst_margin"])) else str(int(row["worst_run"]))

    def worst_margin(target: Target) -> str:
        return margin_size(target, float(one.sel(target=target.id)["worst_margin"]))

    def layout(least: int, between: str) -> Grid:
        def limit(target: Target) -> str:
            return f"{limit_of(target, text)}{between}{text.unit(target.unit)}"

        columns = [
            *target_columns(text, lambda target: target, least=least),
            figure_column("verdicts.target", limit),
            figure_column("sweep.p_met", lambda target: _met(one.sel(target=target.id), text)),
            *(
                figure_column(f"status.{status}", partial(_other, one, status))
                for status in (Status.MISSED, *rare)
            ),
            figure_column("sweep.worst", worst_margin),
            figure_column("sweep.in_run", worst_run),
        ]
        sections = by_section(targets, text)
        rows = (row for title, group in sections for row in [section(title), *group])
        return table(text, columns, rows)

    return FirstFitting([lambda: layout(24, " "), lambda: layout(10, "\n")])


def _other(one: xr.Dataset, status: Status, target: Target) -> str:
    """Write the share of runs with another verdict than met; none where there is no share."""
    row = one.sel(target=target.id)
    counts = row["verdicts"].to_series()
    if math.isnan(float(row["p_met"])) or not counts[status]:
        return "–"
    return f"{percent(counts[status] / counts.sum())} %"


def _met(row: xr.Dataset, text: Text) -> str | Prose:
    """Write the share of runs that meet a target, ``71.3 ± 0.4 %``.

    If all or none do, its interval: an error on both sides would claim what cannot be.
    """
    counts, share = row["verdicts"].to_series(), float(row["p_met"])
    if math.isnan(share):  # assumed, or no sound run judges it
        return text(f"status.{Status.ASSUMED if counts[Status.ASSUMED] else Status.UNTESTABLE}")
    part = counts[Status.MET] / counts.sum()
    error, low, high = (float(row[f"p_met_{measure}"]) for measure in ("se", "low", "high"))
    ends = dict.fromkeys((percent(low), percent(high)))
    written = f"{percent(part)} ± {percent(error)}" if 0 < part < 1 else "–".join(ends)
    written = percent(part) if math.isnan(error) else written
    return Prose(f"{written} %", Style.GOOD if share >= 0.5 else Style.BAD)


def percent(share: float) -> str:
    """Write a share in per cent; only what is zero is written as 0, what is all as 100.

    >>> percent(0.713), percent(0.0), percent(1e-6), percent(0.99999), percent(1.0)
    ('71.3', '0', '<0.1', '>99.9', '100')
    """
    if share in (0, 1):
        return f"{share * 100:.0f}"
    if share < 0.0005:
        return "<0.1"
    return ">99.9" if share >= 0.9995 else f"{share * 100:.1f}"


def _output_table(
    one: xr.Dataset, targets: Sequence[Target], names_zh: Mapping[str, str], text: Text
) -> Grid:
    columns = [
        text_column(text("sweep.output")),
        Column(text("sweep.unit")),
        Column(text("sweep.year")),
        *(figure_column(f"{share * 100:g} %") for share in one["quantile"].values),
    ]
    rows = []
    for output, unit in zip(one["output"].values, one["output_unit"].values, strict=True):
        name, name_zh = str(output), names_zh.get(str(output), "")
        values = one["quantiles"].sel(output=output).transpose("quantile", "year")
        years = [int(year) for year in values["year"].values]
        shown = [
            Series(name, name_zh, str(unit), "", dict(zip(years, row, strict=True)))
            for row in values.values.tolist()
        ]
        lines = list(as_judged(shown, targets))
        decimals = decimals_of(value for line in lines for value in line.values.values())
        figures = (
            "\n".join(figure(line.values[year], decimals) for year in years) for line in lines
        )
        own = text.unit(lines[0].unit)
        rows.append((text.pick(name, name_zh), own, "\n".join(map(str, years)), *figures))
    return Grid(columns, rows)
