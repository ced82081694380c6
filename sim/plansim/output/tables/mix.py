"""A mix of levers for a reader: what each must be and what it costs, or that nothing does."""

from __future__ import annotations

import json
import math

from plansim.analysis.optimization.mix import Looked, Mix, Outlay
from plansim.analysis.optimization.solve import Lever
from plansim.output.tables.layout import (
    Column,
    Grid,
    Prose,
    RenderableType,
    Style,
    blocks,
    figure_column,
    lines,
    text_column,
)
from plansim.output.text import Text
from plansim.output.verdict_words import margin_size

__all__ = ["mix_json", "mix_text"]

_NO_UNIT = "Dmnl"


def mix_text(found: Mix, text: Text, *, cost_zh: str = "") -> RenderableType:
    """Say what the levers must be and what that costs, or that nothing does and what was tried.

    ``cost_zh`` is the Chinese name of the variable that counts the cost.
    """
    asked = text.join([each.id for each in found.targets])
    key = "mix.none" if found.values is None else "mix.found"
    if not found.looked:
        key = "mix.already"
    parts: list[RenderableType] = [
        text(key, scenario=found.scenario, targets=asked),
        _lever_table(found, text),
        _costs(found, text, cost_zh),
        _target_table(found, text),
    ]
    notes = [_looked(found, each, text) for each in found.looked]
    if found.gained:
        notes.append(text("solve.gained", ids=text.join(list(found.gained))))
    if found.lost:
        notes.append(text("solve.lost", ids=text.join(list(found.lost))))
    return blocks([*parts, lines(notes)] if notes else parts)


def _lever_table(found: Mix, text: Text) -> Grid:
    columns = [
        text_column(text("mix.lever")),
        figure_column(text("mix.present")),
        figure_column(text("mix.value")),
        figure_column(text("mix.range")),
        Column(text("mix.unit")),
    ]
    rows = []
    for index, lever in enumerate(found.levers):
        value = None if found.values is None else found.values[index]
        still = value is not None and math.isclose(value, lever.present, rel_tol=1e-7, abs_tol=1e-9)
        moved = "–" if value is None else text("mix.stays") if still else f"{value:.6g}"
        rows.append(
            (
                _name(lever, text),
                f"{lever.present:.6g}",
                Prose(moved, Style.FAINT if still else ""),
                _range_of(found, lever, index),
                "" if lever.variable.unit == _NO_UNIT else text.unit(lever.variable.unit),
            )
        )
    return Grid(columns, rows)


def _range_of(found: Mix, lever: Lever, place: int) -> str:
    if found.looked:
        low, high = found.looked[-1].ends[place]
    elif lever.variable.plausible is not None:
        low, high = lever.variable.plausible
    else:
        return ""
    return f"{low:g}–{high:g}"


def _name(lever: Lever, text: Text) -> str:
    name = text.pick(lever.reference, lever.variable.name_zh)
    if name != lever.reference and lever.variable.subscripts:
        name += lever.reference.removeprefix(lever.variable.name)
    return name


def _costs(found: Mix, text: Text, cost_zh: str) -> str:
    if isinstance(found.cost_of, Outlay):
        name = text.pick(found.cost_of.variable, cost_zh)
        unit = "" if found.unit == _NO_UNIT else text.unit(found.unit)
        now = f"{found.cost_present:.6g} {unit}".strip()
        if found.values is None:
            return text("mix.outlay_now", name=name, now=now)
        cost = f"{found.cost:.6g} {unit}".strip()
        return text("mix.outlay", name=name, now=now, cost=cost)
    prices = [
        text("mix.price", price=f"{price:g}", lever=_name(lever, text))
        for lever in found.levers
        if (price := found.cost_of.each.get(lever.reference)) is not None
    ]
    if len(prices) < len(found.levers):
        prices.append(text("mix.price_else" if prices else "mix.price_default"))
    said = text("mix.prices", prices=text.join(prices))
    if found.values is not None:
        said = text("mix.cost", cost=f"{found.cost:.6g}") + text("list_sep.sentence") + said
    return said


def _target_table(found: Mix, text: Text) -> Grid:
    then = found.margins if found.values is not None else found.looked[-1].best
    columns = [
        Column(text("verdicts.id")),
        text_column(text("verdicts.name")),
        figure_column(text("mix.margin_now")),
        figure_column(text("mix.margin_best" if found.values is None else "mix.margin_then")),
        Column(text("mix.unit")),
    ]
    rows = [
        (
            target.id,
            text.pick(target.name_en, target.name_zh),
            margin_size(target, found.margins_present[target.id]),
            Prose(
                margin_size(target, then[target.id]),
                Style.GOOD if then[target.id] >= 0 else Style.BAD,
            ),
            text.unit(target.unit),
        )
        for target in found.targets
    ]
    return Grid(columns, rows)


def _looked(found: Mix, looked: Looked, text: Text) -> str:
    short = [key for key, margin in looked.best.items() if not margin >= 0]
    word = text.word("range", looked.range)
    said = text("mix.looked", range=word, points=f"{looked.points:,}")
    if short and not (found.values is not None and looked is found.looked[-1]):
        said += text("list_sep.sentence") + text("mix.short", ids=text.join(short))
    return said


def mix_json(found: Mix) -> str:
    """Write a mix as JSON; ``values`` is null where nothing meets the targets."""
    names = [each.reference for each in found.levers]
    content = {
        "scenario": found.scenario,
        "targets": [each.id for each in found.targets],
        "levers": [
            {
                "name": lever.reference,
                "unit": lever.variable.unit,
                "present": lever.present,
                "value": None if found.values is None else found.values[place],
            }
            for place, lever in enumerate(found.levers)
        ],
        "cost_of": {"variable": found.cost_of.variable, "unit": found.unit}
        if isinstance(found.cost_of, Outlay)
        else {"prices": dict(found.cost_of.each)},
        "cost_present": _number(found.cost_present),
        "cost": _number(found.cost),
        "margins_present": {key: _number(each) for key, each in found.margins_present.items()},
        "margins": {key: _number(each) for key, each in found.margins.items()},
        "sought": [
            {
                "range": each.range,
                "ends": dict(zip(names, each.ends, strict=True)),
                "points": each.points,
                "best": {key: _number(margin) for key, margin in each.best.items()},
                "best_at": dict(zip(names, each.best_at, strict=True)),
            }
            for each in found.looked
        ],
        "gained": found.gained,
        "lost": found.lost,
    }
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
