"""A mix of levers for a reader: what each must be and what it costs, or that nothing does."""

from __future__ import annotations

import json
import math

from plansim.analysis.optimization.mix import Looked, Mix, Outlay
from plansim.analysis.optimization.solve import Lever
from plansim.output.tables.table import Band, Line, Row, Style, paragraph, render_within, wrapped
from plansim.output.text import Text, decimals_for, margin_figure
from plansim.targets.catalogue import Target

__all__ = ["mix_json", "mix_text"]

_NO_UNIT = "Dmnl"
_NOTHING = 1e-6
"""A margin below this part of the target is shown as none."""


def mix_text(found: Mix, text: Text, width: int, *, cost_zh: str = "", colour: bool = False) -> str:
    """Say what the levers must be and what that costs, or that nothing does and what was tried.

    ``cost_zh`` is the Chinese name of the variable that counts the cost.
    """
    asked = text.join([each.id for each in found.targets])
    common = {"scenario": found.scenario, "targets": asked}
    if not found.looked:
        parts = [text("mix.already", **common)]
    elif found.values is None:
        parts = [text("mix.none", **common)]
    else:
        parts = [text("mix.found", **common)]
    rows = render_within(lambda room: _lever_rows(found, text, room), width, colour=colour)
    blocks = [paragraph(parts[0], width), rows, _costs(found, text, width, cost_zh)]
    blocks.append(render_within(lambda room: _target_rows(found, text, room), width, colour=colour))
    lines = [_looked(found, each, text) for each in found.looked]
    if found.gained:
        lines.append(text("solve.gained", ids=text.join(list(found.gained))))
    if found.lost:
        lines.append(text("solve.lost", ids=text.join(list(found.lost))))
    if lines:
        blocks.append("\n".join(paragraph(line, width) for line in lines))
    return "\n\n".join(blocks)


def _lever_rows(found: Mix, text: Text, room: int) -> list[Row | Band]:
    heads = ["mix.lever", "mix.present", "mix.value", "mix.range", "mix.unit"]
    rows: list[Row | Band] = [
        tuple((Line(text(key), style=Style.STRONG),) for key in heads),
        Band("-", Style.FAINT),
    ]
    for place, lever in enumerate(found.levers):
        value = None if found.values is None else found.values[place]
        still = value is not None and math.isclose(value, lever.present, rel_tol=1e-7, abs_tol=1e-9)
        moved = "–" if value is None else text("mix.stays") if still else f"{value:.6g}"
        span = _range_of(found, lever, place)
        unit = "" if lever.variable.unit == _NO_UNIT else text.unit(lever.variable.unit)
        rows.append(
            (
                wrapped(_name(lever, text), max(room // 2, 16)),
                (Line("", f"{lever.present:.6g}"),),
                (Line("", moved, Style.FAINT if still else None),),
                (Line("", span),),
                (Line(unit),),
            )
        )
    return rows


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


def _costs(found: Mix, text: Text, width: int, cost_zh: str) -> str:
    if isinstance(found.cost_of, Outlay):
        name = text.pick(found.cost_of.variable, cost_zh)
        unit = "" if found.unit == _NO_UNIT else text.unit(found.unit)
        now = f"{found.cost_present:.6g} {unit}".strip()
        if found.values is None:
            return paragraph(text("mix.outlay_now", name=name, now=now), width)
        cost = f"{found.cost:.6g} {unit}".strip()
        return paragraph(text("mix.outlay", name=name, now=now, cost=cost), width)
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
    return paragraph(said, width)


def _target_rows(found: Mix, text: Text, room: int) -> list[Row | Band]:
    heads = ["verdicts.id", "verdicts.name", "mix.margin_now", "mix.margin_then", "mix.unit"]
    if found.values is None:
        heads[3] = "mix.margin_best"
    rows: list[Row | Band] = [
        tuple((Line(text(key), style=Style.STRONG),) for key in heads),
        Band("-", Style.FAINT),
    ]
    then = found.margins if found.values is not None else found.looked[-1].best
    for target in found.targets:
        style = Style.GOOD if then[target.id] >= 0 else Style.BAD
        rows.append(
            (
                (Line(target.id),),
                wrapped(text.pick(target.name_en, target.name_zh), max(room // 2, 16)),
                (Line("", _margin(target, found.margins_present[target.id])),),
                (Line("", _margin(target, then[target.id]), style),),
                (Line(text.unit(target.unit)),),
            )
        )
    return rows


def _margin(target: Target, size: float) -> str:
    if math.isnan(size):
        return "–"
    assert target.value is not None
    if abs(size) <= _NOTHING * abs(target.value):
        size = 0.0
    return margin_figure(size, decimals_for(target.value, slack=target.tolerance or 0.0))


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
