"""Studies of uncertainty for a terminal: drivers, and the unknowns that decide targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from plansim.analysis.sensitivity.study import Drivers, Sensitivity
from plansim.analysis.sensitivity.unknowns import DecidedTarget, DecidingUnknown
from plansim.model.records import Model
from plansim.output.describe import constants_name
from plansim.output.tables import layout
from plansim.output.words.text import Text, decimals_of, figure
from plansim.output.words.verdicts import section_of
from plansim.targets.verdict import of_hundred

__all__ = ["sensitivity_table", "unknowns_table"]

NOTABLE = 0.05
"""The group of remaining factors is mentioned if its share of the variance is larger."""


def sensitivity_table(study: Sensitivity, text: Text) -> layout.RenderableType:
    """Lay out what the uncertainty of each binding target is due to."""
    first = study.design.scenarios[0]
    counts = {
        "draws": f"{study.draws:,}",
        "factors": len(study.design.factors),
        "runs": f"{study.runs:,}",
        "scenario": text.pick(first.title_en, first.title_zh) or first.id,
    }
    parts: list[layout.RenderableType] = [text("sensitivity.title", **counts)]
    if study.broken:
        parts.append(text("sensitivity.broken", count=f"{study.broken:,}"))
    if study.drivers:
        parts += [_driver_table(study, text), _on_drivers(study, text)]
    return layout.blocks(parts)


def _driver_table(study: Sensitivity, text: Text) -> layout.Grid:
    columns = [
        layout.text_column(text("sensitivity.driver")),
        layout.figure_column(text("sensitivity.total")),
        layout.figure_column(text("sensitivity.interval")),
        layout.figure_column(text("sensitivity.first")),
        layout.figure_column(text("sensitivity.moves")),
    ]
    rows: list[layout.Row | layout.Band] = []
    for drivers in sorted(study.drivers, key=lambda driven: section_of(driven.target)):
        rows.append(layout.Band(_driven(drivers, text), style=None))
        rows += _driver_rows(drivers, text)
    return layout.Grid(columns, rows)


def _driven(drivers: Drivers, text: Text) -> str:
    """Write a target and the standard deviation of its margin."""
    target = drivers.target
    spread = figure(drivers.spread, min(decimals_of([drivers.spread]), 3))
    name = text.name(target)
    return f"{target.id}  {name}{text('list_sep.colon')}± {spread} {text.unit(target.unit)}"


def _driver_rows(drivers: Drivers, text: Text) -> Iterator[layout.Row]:
    if not drivers.main:
        yield "  " + text("sensitivity.still"), "", "", "", ""
        return
    decimals = max(min(decimals_of([index.effect for index in drivers.main]), 3), 0)
    rest = [drivers.rest] if drivers.rest and drivers.rest.total >= NOTABLE else []
    for index in [*drivers.main, *rest]:
        name = text.pick(index.factor, index.factor_zh) or text("sensitivity.rest")
        yield (
            layout.Prose("  " + name, "" if index.factor else layout.Style.FAINT),
            _percent(index.total),
            f"{index.total_low * 100:.0f}–{index.total_high * 100:.0f}",
            _percent(index.first),
            "" if math.isnan(index.effect) else f"{index.effect:+.{decimals}f}",
        )


def _on_drivers(study: Sensitivity, text: Text) -> str:
    worst = max((driver.rest.total for driver in study.drivers if driver.rest), default=0.0)
    return text("list_sep.sentence").join(
        [
            text("sensitivity.legend"),
            text(
                "sensitivity.screened",
                trajectories=study.screening.trajectories,
                chosen=len(study.chosen),
                others=len(study.design.factors) - len(study.chosen),
                worst=_percent(worst),
            ),
        ]
    )


def _percent(share: float) -> str:
    """Write a share in per cent, with a digit where it is small or near all.

    >>> _percent(0.354), _percent(0.004), _percent(0.9996), _percent(1.0), _percent(-0.001)
    ('35 %', '0.4 %', '99.96 %', '100 %', '0 %')
    """
    if math.isnan(share):
        return "–"
    decimals = 0
    while 0 < share < 1 and decimals < 2 and round(share * 100, decimals) in (0.0, 100.0):
        decimals += 1
    return f"{max(share, 0.0) * 100:.{decimals}f} %"


# --- the unknowns that decide open targets --------------------------------------------------------


def unknowns_table(
    decided: Sequence[DecidedTarget], model: Model, text: Text
) -> layout.RenderableType:
    """Lay out the unknowns that decide targets, by scenario."""
    if not decided:
        return text("unknowns.none")
    parts: list[layout.RenderableType] = []
    for scenario, group in groupby(decided, key=lambda one: one.scenario):
        columns = [
            layout.text_column(text("verdicts.name")),
            layout.figure_column(text("unknowns.met")),
            layout.text_column(text("unknowns.unknown")),
            layout.figure_column(text("unknowns.low")),
            layout.figure_column(text("unknowns.high")),
            layout.figure_column(text("unknowns.explained")),
        ]
        rows = [row for one in group for row in _rows(one, model, text)]
        parts.append(
            layout.lines([layout.Prose(scenario, layout.Style.STRONG), layout.Grid(columns, rows)])
        )
    return layout.blocks([*parts, text("unknowns.legend")])


def _rows(decided: DecidedTarget, model: Model, text: Text) -> list[layout.Row]:
    name, share = text.name(decided), _of_hundred(decided.share)
    first, *others = [_cells(unknown, model, text) for unknown in decided.unknowns] or [
        (text("unknowns.many"), "", "", "")
    ]
    return [(name, share, *first), *(("", "", *other) for other in others)]


def _cells(unknown: DecidingUnknown, model: Model, text: Text) -> tuple[str, str, str, str]:
    name = constants_name(unknown.constants, model, text) or unknown.name
    low, high = _of_hundred(unknown.share_low), _of_hundred(unknown.share_high)
    return name, low, high, f"{100 * unknown.explained:.0f} %"


def _of_hundred(share: float) -> str:
    return f"{of_hundred(share)}/100"
