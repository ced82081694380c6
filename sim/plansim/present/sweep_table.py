"""A sweep in short, for a terminal: how likely each target is met, and how outputs spread."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import xarray as xr

from plansim.plan.targets import Status, Target
from plansim.present.table import (
    Band,
    Cell,
    Line,
    Row,
    Style,
    limit_of,
    render_within,
    section_of,
    wrapped,
)
from plansim.present.text import Text, decimals_for, decimals_of, figure, margin_figure

__all__ = ["sweep_table"]


def sweep_table(
    summary: xr.Dataset,
    targets: Iterable[Target],
    text: Text,
    width: int,
    *,
    names_zh: Mapping[str, str],
    colour: bool = False,
) -> str:
    """Lay out the summary of a sweep.

    For each scenario: runs by how they ended, the share of runs that meets each target with its
    standard error, the worst margin and the run that has it, and quantiles of each output by
    year. ``names_zh`` holds the Chinese names of outputs.
    """
    known = {target.id: target for target in targets}
    judged = sorted((known[str(each)] for each in summary["target"].values), key=section_of)
    parts = []
    for scenario in summary["scenario"].values:
        one = summary.sel(scenario=scenario)
        if summary.sizes["scenario"] > 1:
            parts.append(text("sweep.scenario", scenario=scenario))
        parts.append(_runs(one, text))
        parts.append(
            render_within(
                lambda room, one=one: _target_rows(one, judged, text, room),  # type: ignore[misc]
                width,
                colour=colour,
            )
        )
        parts.append(
            render_within(
                lambda room, one=one: _output_rows(one, names_zh, text, room),  # type: ignore[misc]
                width,
                colour=colour,
            )
        )
    parts.append(text("sweep.legend"))
    return "\n\n".join(parts)


def _runs(one: xr.Dataset, text: Text) -> str:
    counts = {str(key): int(each) for key, each in zip(one["outcome"].values, one["runs"].values,
                                                       strict=True)}  # fmt: skip
    told = [
        text.word("outcome", key).format(count=f"{count:,}")
        for key, count in counts.items()
        if count
    ]
    bad: dict[str, int] = json.loads(one.attrs["bad_variables"])
    line = text.join(told)
    if bad:
        where = text.join([f"{name} ({count:,})" for name, count in list(bad.items())[:5]])
        line += "\n" + text("sweep.bad", where=where)
    return line


def _target_rows(
    one: xr.Dataset, targets: Sequence[Target], text: Text, room: int
) -> list[Row | Band]:
    heads = ("verdicts.id", "verdicts.name", "verdicts.target", "sweep.p_met", "sweep.worst",
             "sweep.in_run")  # fmt: skip
    found: list[Row | Band] = [tuple((Line(text(key), style=Style.STRONG),) for key in heads)]
    for _, group in groupby(targets, key=section_of):
        section = list(group)
        title = text.word("section", section[0].attribute).format(year=section[0].year)
        found += [Band("-"), Band(title, Style.STRONG)]
        found += [_target_row(one.sel(target=target.id), target, text, room) for target in section]
    return found


def _target_row(one: xr.Dataset, target: Target, text: Text, room: int) -> Row:
    worst = float(one["worst_margin"])
    assert target.value is not None
    decimals = decimals_for(target.value, slack=target.tolerance or 0.0)
    return (
        (Line(target.id),),
        wrapped(text.pick(target.name_en, target.name_zh), room),
        (Line("", f"{limit_of(target, text)} {text.unit(target.unit)}"),),
        (_share(one, text),),
        (Line("", margin_figure(worst, decimals)),),
        (Line("", "–" if math.isnan(worst) else str(int(one["worst_run"]))),),
    )


def _share(one: xr.Dataset, text: Text) -> Line:
    """Write the share of runs that meets a target: ``71.3 ± 0.4 %``."""
    counts = dict(zip(map(str, one["verdict"].values), one["verdicts"].values, strict=True))
    if counts[Status.ASSUMED]:
        return Line("", text("status.assumed"))
    share, error = float(one["p_met"]), float(one["p_met_se"])
    if math.isnan(share):
        return Line("", text("status.untestable"))
    style = Style.GOOD if share >= 0.5 else Style.BAD
    if math.isnan(error):
        return Line("", f"{share * 100:.1f} %", style)
    return Line("", f"{share * 100:.1f} ± {error * 100:.1f} %", style)


def _output_rows(
    one: xr.Dataset, names_zh: Mapping[str, str], text: Text, room: int
) -> list[Row | Band]:
    quantiles = [f"{share * 100:g} %" for share in one["quantile"].values]
    heads = [text("sweep.output"), text("sweep.unit"), text("sweep.year"), *quantiles]
    found: list[Row | Band] = [tuple((Line(head, style=Style.STRONG),) for head in heads)]
    found.append(Band("-"))
    for name, unit in zip(one["output"].values, one["output_unit"].values, strict=True):
        values = one["quantiles"].sel(output=name)
        decimals = decimals_of(values.values.ravel().tolist())
        years = [str(year) for year in values["year"].values]
        columns: list[Cell] = [
            tuple(Line("", figure(float(each), decimals)) for each in values.sel(quantile=share))
            for share in values["quantile"].values
        ]
        found.append(
            (
                wrapped(text.pick(str(name), names_zh.get(str(name), "")), room),
                (Line(text.unit(str(unit))),),
                tuple(Line(year) for year in years),
                *columns,
            )
        )
    return found
