"""A study of uncertainty for a terminal: which story does better, how sure, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from plansim.analysis.sensitivity.ranking import Pairing
from plansim.analysis.sensitivity.study import (
    ENOUGH,
    QUANTILES,
    Chance,
    Drivers,
    Fan,
    Index,
    Sensitivity,
)
from plansim.output.series import Series, as_judged
from plansim.output.tables.table import (
    Band,
    Cell,
    Line,
    Row,
    Style,
    limit_of,
    paragraph,
    render_within,
    section_of,
    wrapped,
)
from plansim.output.text import Text, decimals_of, figure
from plansim.targets.catalogue import Target

__all__ = ["sensitivity_table"]

NOTABLE = 0.05
"""A rest group with more of the variance than this is spoken of."""


def sensitivity_table(
    found: Sensitivity,
    text: Text,
    width: int,
    *,
    titles: Mapping[str, str],
    colour: bool = False,
) -> str:
    """Lay out the ranking of scenarios, chances, drivers, and where the series lie.

    ``titles`` holds the names of scenarios by id.
    """
    first = found.design.scenarios[0].id

    def table(make: object) -> str:
        assert callable(make)
        return render_within(make, width, colour=colour)

    parts = [
        paragraph(
            text(
                "sensitivity.title",
                draws=f"{found.draws:,}",
                factors=len(found.design.factors),
                runs=f"{found.runs:,}",
            ),
            width,
        )
    ]
    if found.broken:
        parts.append(paragraph(text("sensitivity.broken", count=f"{found.broken:,}"), width))
    order = _order(found)
    if found.ranking is not None:
        parts.append(table(lambda room: _ranking_rows(found, order, titles, text, room)))
        parts.append(paragraph(_verdict_on_order(found, text), width))
    parts.append(table(lambda room: _chance_rows(found, order, text, room)))
    parts.append(paragraph(_errors(found, text), width))
    if found.drivers:
        title = titles.get(first, first)
        parts.append(paragraph(text("sensitivity.drivers", scenario=title), width))
        parts.append(table(lambda room: _driver_rows(found, text, room)))
        parts.append(paragraph(_on_drivers(found, text), width))
    if fans := _judging_fans(found, first):
        parts.append(table(lambda room: _fan_rows(fans, found.binding, text, room)))
    return "\n\n".join(parts)


def _order(found: Sensitivity) -> list[str]:
    """Give the scenarios from the best to the worst."""
    if found.ranking is None:
        return [each.id for each in found.design.scenarios]
    return [each.scenario for each in found.ranking.places]


# --- which is better ------------------------------------------------------------------------------


def _ranking_rows(
    found: Sensitivity, order: Sequence[str], titles: Mapping[str, str], text: Text, room: int
) -> list[Row | Band]:
    assert found.ranking is not None
    heads = ("sensitivity.place", "sensitivity.story", "sensitivity.mean", "sensitivity.span",
             "sensitivity.all", "sensitivity.next")  # fmt: skip
    rows: list[Row | Band] = [
        Band(text("sensitivity.ranking", count=len(found.binding)), Style.STRONG),
        _head(heads, text),
        Band("-", Style.FAINT),
    ]
    pairings = {(each.ahead, each.behind): each for each in found.ranking.pairings}
    together = {each.scenario: each for each in found.chances if each.target is None}
    for number, place in enumerate(found.ranking.places):
        after = order[number + 1] if number + 1 < len(order) else None
        pairing = pairings.get((place.scenario, after)) if after else None
        rows.append(
            (
                (Line("", str(number + 1)),),
                wrapped(titles.get(place.scenario, place.scenario), max(room // 2, 16)),
                (Line("", figure(place.met, 1)),),
                (Line("", f"{place.low}–{place.high}"),),
                (Line("", _percent(together[place.scenario].met)),),
                _next_cell(pairing, text),
            )
        )
    return rows


def _next_cell(pairing: Pairing | None, text: Text) -> Cell:
    if pairing is None:
        return (Line(),)
    kind = "sensitivity.stable" if pairing.stable else "sensitivity.fragile"
    shares = "/".join(f"{each * 100:.0f}" for each in (pairing.more, pairing.equal, pairing.fewer))
    return (Line(text(kind), shares, Style.GOOD if pairing.stable else Style.DOUBT),)


def _verdict_on_order(found: Sensitivity, text: Text) -> str:
    assert found.ranking is not None
    kind = "sensitivity.order_stable" if found.ranking.stable else "sensitivity.order_fragile"
    return text(kind) + text("list_sep.sentence") + text("sensitivity.order_legend")


# --- how sure -------------------------------------------------------------------------------------


def _chance_rows(
    found: Sensitivity, order: Sequence[str], text: Text, room: int
) -> list[Row | Band]:
    chances = {(each.scenario, each.target.id): each for each in found.chances if each.target}
    heads = (text("verdicts.id"), text("verdicts.name"), text("verdicts.target"))
    numbered = found.ranking is not None
    columns = [str(place + 1) if numbered else text("sweep.p_met") for place in range(len(order))]
    rows: list[Row | Band] = [
        Band(text("sensitivity.chances"), Style.STRONG),
        (
            *((Line(head, style=Style.STRONG),) for head in heads),
            *((Line("", head, Style.STRONG),) for head in columns),
        ),
        Band("-", Style.FAINT),
    ]
    for target in sorted(found.binding, key=section_of):
        cells = [_chance_cell(chances[scenario, target.id], text) for scenario in order]
        rows.append((*_named(target, text, room), *cells))
    return rows


def _named(target: Target, text: Text, room: int) -> tuple[Cell, Cell, Cell]:
    return (
        (Line(target.id),),
        wrapped(text.pick(target.name_en, target.name_zh), max(room // 3, 16)),
        (Line("", limit_of(target, text)), Line("", text.unit(target.unit))),
    )


def _chance_cell(chance: Chance, text: Text) -> Cell:
    if math.isnan(chance.met):
        return (Line("", text("status.assumed")),)
    style = Style.GOOD if chance.met >= 0.5 else Style.BAD
    return (Line("", _percent(chance.met), style),)


def _errors(found: Sensitivity, text: Text) -> str:
    errors = [each.error for each in found.chances if not math.isnan(each.error)]
    worst = max(errors, default=math.nan)
    said = text("sensitivity.error", error=figure(worst * 100, 2))
    if not worst <= ENOUGH:
        said += text("list_sep.sentence") + text(
            "sensitivity.rough", enough=figure(ENOUGH * 100, 1)
        )
    return said


# --- why ------------------------------------------------------------------------------------------


def _driver_rows(found: Sensitivity, text: Text, room: int) -> list[Row | Band]:
    heads = ("verdicts.id", "verdicts.name", "sensitivity.driver", "sensitivity.total",
             "sensitivity.interval", "sensitivity.first", "sensitivity.moves")  # fmt: skip
    rows: list[Row | Band] = [_head(heads, text), Band("-", Style.FAINT)]
    for drivers in sorted(found.drivers, key=lambda each: section_of(each.target)):
        if not drivers.main:
            still = text("sensitivity.still")
            rows.append((*_driver_name(drivers, text, room), (Line(still),), *[(Line(),)] * 4))
            continue
        decimals = min(decimals_of([index.effect for index in drivers.main]), 3)
        indices = [*drivers.main, *([drivers.rest] if _matters(drivers.rest) else [])]
        cells = [_index_cells(index, decimals, text, room) for index in indices if index]
        stacked = tuple(tuple(line for cell in column for line in cell)
                        for column in zip(*cells, strict=True))  # fmt: skip
        rows.append((*_driver_name(drivers, text, room), *stacked))
    return rows


def _driver_name(drivers: Drivers, text: Text, room: int) -> tuple[Cell, Cell]:
    name = text.pick(drivers.target.name_en, drivers.target.name_zh)
    spread = figure(drivers.spread, min(decimals_of([drivers.spread]), 3))
    told = f"± {spread} {text.unit(drivers.target.unit)}"
    return (
        (Line(drivers.target.id),),
        (*wrapped(name, max(room // 2, 16)), Line(told, style=Style.FAINT)),
    )


def _index_cells(index: Index, decimals: int, text: Text, room: int) -> tuple[Cell, ...]:
    named = text.pick(index.factor, index.factor_zh) or text("sensitivity.rest")
    name = wrapped(named, max(room - room // 2, 16), None if index.factor else Style.FAINT)
    size = "" if math.isnan(index.effect) else f"{index.effect:+.{max(decimals, 0)}f}"
    cells = (
        _percent(index.total),
        f"{index.total_low * 100:.0f}–{index.total_high * 100:.0f}",
        _percent(index.first),
        size,
    )
    blank = [Line()] * (len(name) - 1)
    return (name, *((Line("", each), *blank) for each in cells))


def _matters(rest: Index | None) -> bool:
    return rest is not None and rest.total >= NOTABLE


def _on_drivers(found: Sensitivity, text: Text) -> str:
    worst = max((each.rest.total for each in found.drivers if each.rest), default=0.0)
    return text("list_sep.sentence").join(
        [
            text("sensitivity.legend"),
            text(
                "sensitivity.screened",
                trajectories=found.screening.trajectories,
                chosen=len(found.chosen),
                others=len(found.design.factors) - len(found.chosen),
                worst=_percent(worst),
            ),
        ]
    )


# --- where ----------------------------------------------------------------------------------------


def _judging_fans(found: Sensitivity, scenario: str) -> list[Fan]:
    names = {name for target in found.binding for name in target.variables.values()}
    return [each for each in found.fans if each.scenario == scenario and each.series in names]


def _fan_rows(
    fans: Sequence[Fan], targets: Sequence[Target], text: Text, room: int
) -> list[Row | Band]:
    years = [each for each in fans[0].years[1:] if each % 5 == 0]
    rows: list[Row | Band] = [
        Band(text("sensitivity.fans"), Style.STRONG),
        (
            (Line(text("sweep.output"), style=Style.STRONG),),
            (Line(text("sweep.unit"), style=Style.STRONG),),
            *((Line("", str(year), Style.STRONG),) for year in years),
        ),
        Band("-", Style.FAINT),
    ]
    low, middle, high = (QUANTILES.index(share) for share in (0.05, 0.5, 0.95))
    for fan in fans:
        shown = [
            Series(fan.series, fan.series_zh, fan.unit, "",
                   dict(zip(fan.years, fan.quantiles[row], strict=True)))
            for row in (low, middle, high)
        ]  # fmt: skip
        lines = list(as_judged(shown, targets))
        cells = []
        for year in years:
            ends = [line.values[year] for line in lines]
            decimals = max(decimals_of(ends), 0)
            told = [figure(each, decimals) for each in ends]
            cells.append((Line("", told[1]), Line("", f"{told[0]}–{told[2]}", Style.FAINT)))
        name = wrapped(text.pick(fan.series, fan.series_zh), max(room // 2, 16))
        rows.append((name, (Line(text.unit(lines[0].unit)),), *cells))
    return rows


def _head(keys: Sequence[str], text: Text) -> Row:
    return tuple((Line(text(key), style=Style.STRONG),) for key in keys)


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
