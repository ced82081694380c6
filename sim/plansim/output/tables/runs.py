"""Runs for a terminal: annual figures of one, the summary of a sweep."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from plansim.output.series import Series, as_judged
from plansim.output.tables.layout import (
    LEAST,
    Band,
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
    target_columns,
    text_column,
)
from plansim.output.words.text import SHARPEST, Text, decimals_of, figure
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
    return FirstFitting([lambda more=more: layout(more) for more in counts])  # type: ignore[misc]


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
        parts += [
            _runs(one, text),
            *([_target_table(one, judged, text)] if judged else []),
            _output_table(one, targets, names_zh, text),
        ]
    if judged:
        parts.append(text("sweep.legend"))
    if steps is not None and steps[0] > steps[1]:
        parts.append(text("sweep.coarse", step=f"{steps[0]:g}", own=f"{steps[1]:g}"))
    return blocks(parts)


def _runs(one: xr.Dataset, text: Text) -> str:
    counts = {str(key): int(count) for key, count in zip(one["outcome"].values, one["runs"].values,
                                                       strict=True)}  # fmt: skip
    outcomes = [
        text.word("outcome", key).format(count=f"{count:,}")
        for key, count in counts.items()
        if count
    ]
    bad: dict[str, int] = json.loads(one.attrs["bad_variables"])
    line = text.join(outcomes)
    if bad:
        where = text.join([f"{name} ({count:,})" for name, count in list(bad.items())[:5]])
        line += "\n" + text("sweep.bad", where=where)
    return line


def _target_table(one: xr.Dataset, targets: Sequence[Target], text: Text) -> FirstFitting:
    """Lay out the verdicts of targets; if the terminal is narrow, units are below limits."""
    counts = one["verdicts"].sum("target")
    # A status that no run has takes no column.
    rare = [
        status
        for status in (Status.UNDECIDED, Status.UNTESTABLE)
        if int(counts.sel(verdict=status.value))
    ]
    figures = [
        text("verdicts.target"),
        text("sweep.p_met"),
        *(text(f"status.{status.value}") for status in (Status.MISSED, *rare)),
        text("sweep.worst"),
        text("sweep.in_run"),
    ]

    def table(least: int, between: str) -> Grid:
        columns = [*target_columns(text, least=least), *map(figure_column, figures)]
        return Grid(columns, _target_rows(one, targets, text, rare, between))

    return FirstFitting([lambda: table(24, " "), lambda: table(10, "\n")])


def _target_rows(
    one: xr.Dataset, targets: Sequence[Target], text: Text, rare: Sequence[Status], between: str
) -> Iterator[Row | Band]:
    for title, group in by_section(targets, text):
        yield section(title)
        for target in group:
            row = one.sel(target=target.id)
            worst = float(row["worst_margin"])
            yield (
                target.id,
                text.name(target),
                f"{limit_of(target, text)}{between}{text.unit(target.unit)}",
                *_shares(row, text, rare),
                margin_size(target, worst),
                "–" if math.isnan(worst) else str(int(row["worst_run"])),
            )


def _shares(one: xr.Dataset, text: Text, rare: Sequence[Status]) -> Iterator[str | Prose]:
    """Write the shares of a target's verdicts: ``71.3 ± 0.4 %``, ``20.1 %``, ``8.6 %``."""
    counts = dict(zip(map(str, one["verdict"].values), map(int, one["verdicts"].values),
                      strict=True))  # fmt: skip
    total = sum(counts.values())
    share = float(one["p_met"])
    if math.isnan(share):  # assumed, or there is no sound run
        status = Status.ASSUMED if counts[Status.ASSUMED] else Status.UNTESTABLE
        yield text(f"status.{status.value}")
        yield from ["–"] * (1 + len(rare))
        return
    yield Prose(_met(one, counts[Status.MET], total), Style.GOOD if share >= 0.5 else Style.BAD)
    for status in (Status.MISSED, *rare):
        yield f"{percent(counts[status] / total)} %" if counts[status] else "–"


def _met(one: xr.Dataset, met: int, total: int) -> str:
    """Write the share of runs that meet a target, with its error; if all or none do, the interval.

    There an error on both sides would claim what cannot be.
    """
    error, low, high = (float(one[f"p_met_{measure}"]) for measure in ("se", "low", "high"))
    if math.isnan(error):
        return f"{percent(met / total)} %"
    if 0 < met < total:
        return f"{percent(met / total)} ± {percent(error)} %"
    ends = dict.fromkeys((percent(low), percent(high)))
    return f"{'–'.join(ends)} %"


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
    for name, unit in zip(one["output"].values, one["output_unit"].values, strict=True):
        values = one["quantiles"].sel(output=name).transpose("quantile", "year")
        years = [int(year) for year in values["year"].values]
        name_zh = names_zh.get(str(name), "")
        shown = [
            Series(str(name), name_zh, str(unit), "", dict(zip(years, row, strict=True)))
            for row in values.values.tolist()
        ]
        lines = list(as_judged(shown, targets))
        decimals = _telling_decimals(lines)
        figures = (
            "\n".join(figure(line.values[year], decimals) for year in years) for line in lines
        )
        rows.append(
            (
                text.pick(str(name), name_zh),
                text.unit(lines[0].unit),
                "\n".join(map(str, years)),
                *figures,
            )
        )
    return Grid(columns, rows)


def _telling_decimals(lines: Sequence[Series]) -> int:
    """Return the decimals of a run's figures, more where lowest and highest would read alike."""
    decimals = decimals_of(value for line in lines for value in line.values.values())
    low, high = lines[0].values, lines[-1].values
    for more in range(SHARPEST):
        if any(
            figure(low[year], decimals + more) != figure(high[year], decimals + more)
            for year in low
        ):
            return decimals + more
    return decimals
