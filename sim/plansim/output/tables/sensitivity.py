"""Studies of uncertainty for a terminal: ranking, probabilities, drivers, deciding unknowns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from plansim.analysis.sensitivity.ranking import Pairing
from plansim.analysis.sensitivity.study import (
    ACCURATE,
    Chance,
    Drivers,
    Sensitivity,
)
from plansim.analysis.sensitivity.unknowns import DecidedTarget, DecidingUnknown
from plansim.model.records import Model
from plansim.output.describe import constants_name
from plansim.output.tables.layout import (
    Band,
    Column,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    edges,
    figure_column,
    figure_columns,
    lines,
    target_columns,
    text_column,
)
from plansim.output.words.text import Text, decimals_of, figure
from plansim.output.words.verdicts import limit_of, section_of
from plansim.targets.verdict import of_hundred

__all__ = ["sensitivity_table", "unknowns_table"]

NOTABLE = 0.05
"""The group of remaining factors is mentioned if its share of the variance is larger."""


def sensitivity_table(
    study: Sensitivity, text: Text, *, titles: Mapping[str, str]
) -> RenderableType:
    """Lay out the ranking of scenarios, probabilities, drivers, and quantiles of series.

    ``titles`` holds the names of scenarios by id.
    """
    first = study.design.scenarios[0].id
    counts = {
        "draws": f"{study.draws:,}",
        "factors": len(study.design.factors),
        "runs": f"{study.runs:,}",
    }
    kind = "sensitivity.title_members" if study.members else "sensitivity.title"
    parts: list[RenderableType] = [text(kind, members=f"{study.members:,}", **counts)]
    if study.broken:
        parts.append(text("sensitivity.broken", count=f"{study.broken:,}"))
    order = _order(study)
    if study.ranking is not None:
        parts += [_ranking(study, order, titles, text), _verdict_on_order(study, text)]
    parts += [_chances(study, order, text), _errors(study, text)]
    if study.drivers:
        parts.append(text("sensitivity.drivers", scenario=titles.get(first, first)))
        parts += [_driver_table(study, text), _on_drivers(study, text)]
    return blocks(parts)


def _order(study: Sensitivity) -> list[str]:
    """Return the scenarios from the best to the worst."""
    if study.ranking is None:
        return [scenario.id for scenario in study.design.scenarios]
    return [rank.scenario for rank in study.ranking.places]


# --- ranking --------------------------------------------------------------------------------------


def _ranking(
    study: Sensitivity, order: Sequence[str], titles: Mapping[str, str], text: Text
) -> Grid:
    assert study.ranking is not None
    columns = [
        figure_column(text("sensitivity.place")),
        text_column(text("sensitivity.story")),
        *figure_columns(text, "sensitivity.mean", "sensitivity.span", "sensitivity.all"),
        Column(text("sensitivity.next")),
    ]
    pairings = {(pairing.ahead, pairing.behind): pairing for pairing in study.ranking.pairings}
    together = {chance.scenario: chance for chance in study.chances if chance.target is None}
    rows = [
        (
            str(number),
            titles.get(rank.scenario, rank.scenario),
            figure(rank.met, 1),
            f"{rank.low:g}–{rank.high:g}",
            _percent(together[rank.scenario].met),
            _next_cell(pairings.get((rank.scenario, after)), text),
        )
        for number, (rank, after) in enumerate(
            zip(study.ranking.places, [*order[1:], ""], strict=True), start=1
        )
    ]
    return Grid(columns, rows, title=text("sensitivity.ranking", count=len(study.binding)))


def _next_cell(pairing: Pairing | None, text: Text) -> RenderableType:
    if pairing is None:
        return ""
    kind = "sensitivity.stable" if pairing.stable else "sensitivity.fragile"
    shares = "/".join(
        f"{share * 100:.0f}" for share in (pairing.more, pairing.equal, pairing.fewer)
    )
    return edges(Prose(text(kind), Style.GOOD if pairing.stable else Style.DOUBT), shares)


def _verdict_on_order(study: Sensitivity, text: Text) -> str:
    assert study.ranking is not None
    kind = "sensitivity.order_stable" if study.ranking.stable else "sensitivity.order_fragile"
    return text(kind) + text("list_sep.sentence") + text("sensitivity.order_legend")


# --- probabilities --------------------------------------------------------------------------------


def _chances(study: Sensitivity, order: Sequence[str], text: Text) -> Grid:
    chances = {
        (chance.scenario, chance.target.id): chance for chance in study.chances if chance.target
    }
    numbered = study.ranking is not None
    columns = [
        *target_columns(text),
        figure_column(text("verdicts.target")),
        *(
            figure_column(str(number) if numbered else text("sweep.p_met"))
            for number, _ in enumerate(order, start=1)
        ),
    ]
    rows = [
        (
            target.id,
            text.name(target),
            f"{limit_of(target, text)}\n{text.unit(target.unit)}",
            *(_chance_cell(chances[scenario, target.id], text) for scenario in order),
        )
        for target in sorted(study.binding, key=section_of)
    ]
    return Grid(columns, rows, title=text("sensitivity.chances"))


def _chance_cell(chance: Chance, text: Text) -> str | Prose:
    if math.isnan(chance.met):
        return text("status.assumed")
    return Prose(_percent(chance.met), Style.GOOD if chance.met >= 0.5 else Style.BAD)


def _errors(study: Sensitivity, text: Text) -> str:
    errors = [chance.error for chance in study.chances if not math.isnan(chance.error)]
    worst = max(errors, default=math.nan)
    sentence = text("sensitivity.error", error=figure(worst * 100, 2))
    if not worst <= ACCURATE and not study.members:
        sentence += text("list_sep.sentence") + text(
            "sensitivity.rough", enough=figure(ACCURATE * 100, 1)
        )
    return sentence


# --- why ------------------------------------------------------------------------------------------


def _driver_table(study: Sensitivity, text: Text) -> Grid:
    columns = [
        text_column(text("sensitivity.driver")),
        *figure_columns(
            text,
            "sensitivity.total",
            "sensitivity.interval",
            "sensitivity.first",
            "sensitivity.moves",
        ),
    ]
    rows: list[Row | Band] = []
    for drivers in sorted(study.drivers, key=lambda driven: section_of(driven.target)):
        rows.append(Band(_driven(drivers, text), style=None))
        rows += _driver_rows(drivers, text)
    return Grid(columns, rows)


def _driven(drivers: Drivers, text: Text) -> str:
    """Write a target and the standard deviation of its margin."""
    target = drivers.target
    spread = figure(drivers.spread, min(decimals_of([drivers.spread]), 3))
    name = text.name(target)
    return f"{target.id}  {name}{text('list_sep.colon')}± {spread} {text.unit(target.unit)}"


def _driver_rows(drivers: Drivers, text: Text) -> Iterator[Row]:
    if not drivers.main:
        yield "  " + text("sensitivity.still"), "", "", "", ""
        return
    decimals = max(min(decimals_of([index.effect for index in drivers.main]), 3), 0)
    rest = [drivers.rest] if drivers.rest and drivers.rest.total >= NOTABLE else []
    for index in [*drivers.main, *rest]:
        name = text.pick(index.factor, index.factor_zh) or text("sensitivity.rest")
        yield (
            Prose("  " + name, "" if index.factor else Style.FAINT),
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


# --- where ----------------------------------------------------------------------------------------


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


def unknowns_table(decided: Sequence[DecidedTarget], model: Model, text: Text) -> RenderableType:
    """Lay out the unknowns that decide targets, by scenario."""
    if not decided:
        return text("unknowns.none")
    parts: list[RenderableType] = []
    for scenario, group in groupby(decided, key=lambda one: one.scenario):
        columns = [
            text_column(text("verdicts.name")),
            figure_column(text("unknowns.met")),
            text_column(text("unknowns.unknown")),
            *figure_columns(text, "unknowns.low", "unknowns.high", "unknowns.explained"),
        ]
        rows = [row for one in group for row in _rows(one, model, text)]
        parts.append(lines([Prose(scenario, Style.STRONG), Grid(columns, rows)]))
    return blocks([*parts, text("unknowns.legend")])


def _rows(decided: DecidedTarget, model: Model, text: Text) -> list[Row]:
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
