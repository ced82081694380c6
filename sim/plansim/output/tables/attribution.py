"""Causes for a reader: what moved the margins between two scenarios."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from plansim.analysis.attribution import Attribution, Group, Shares
from plansim.output.tables.table import (
    Band,
    Cell,
    Line,
    Row,
    Style,
    facts,
    paragraph,
    render_within,
    section_of,
    wrapped,
)
from plansim.output.text import Text, decimals_for, decimals_of, figure

__all__ = [
    "attribution_json",
    "attribution_table",
    "outward",
    "signed",
]

MOST_SHARES = 5
"""So many changes are named for a target, the largest first; the others are added up."""
SMALL = 0.02
"""A share below this part of the largest is not named either."""
_NO_UNIT = "Dmnl"


# --- shares ---------------------------------------------------------------------------------------


def attribution_table(found: Attribution, text: Text, width: int, *, colour: bool = False) -> str:
    """Lay out the changes, then for each target whose margin moves what that is due to."""
    names = {"before": found.before, "after": found.after}
    if not found.groups:
        return text("causes.same", **names)
    known = [each for each in found.targets if math.isfinite(_change(each))]
    moved = sorted((each for each in known if _change(each)), key=lambda e: section_of(e.target))
    still = [each.target.id for each in known if not _change(each)]
    unknown = [each.target.id for each in found.targets if not math.isfinite(_change(each))]
    groups = [(text.pick(each.name, each.name_zh), _span(each, text)) for each in found.groups]
    parts = [
        text("causes.title", **names),
        text("causes.changes"),
        facts(groups, width, colour=colour),
    ]
    if moved:
        parts.append(
            render_within(lambda room: _share_rows(found, moved, text, room), width, colour=colour)
        )
    if still:
        parts.append(paragraph(text("causes.still", ids=text.join(still)), width))
    if unknown:
        parts.append(paragraph(text("causes.unknown", ids=text.join(unknown)), width))
    how = "causes.sampled" if found.orders else "causes.exact"
    parts.append(paragraph(text(how, runs=found.runs, orders=found.orders), width))
    parts.append(paragraph(text("causes.units"), width))
    return "\n\n".join(parts)


def _change(shares: Shares) -> float:
    return shares.margin_after - shares.margin_before


def _span(group: Group, text: Text) -> str:
    """Write what a group changes: each constant of a lever, or the span of an array."""
    bare = {each.partition("[")[0] for each in group.constants}
    if len(bare) == 1 and len(group.constants) > 1:
        before, after = ("–".join(dict.fromkeys(f"{end(each):g}" for end in (min, max)))
                         for each in (group.before, group.after))  # fmt: skip
        return _with_unit(f"{before} → {after}", group, text)
    lines = []
    for constant, before_one, after_one in zip(
        group.constants, group.before, group.after, strict=True
    ):
        part = constant.removeprefix(group.name).strip()
        said = f"{before_one:g} → {after_one:g}"
        label = text.word("part", part)
        lines.append(f"{label}{text('list_sep.colon')}{said}" if part else said)
    return _with_unit("; ".join(lines), group, text) if len(bare) == 1 else "; ".join(lines)


def _with_unit(said: str, group: Group, text: Text) -> str:
    return said if group.unit == _NO_UNIT else f"{said} {text.unit(group.unit)}"


def _share_rows(
    found: Attribution, moved: Sequence[Shares], text: Text, room: int
) -> list[Row | Band]:
    heads = ("verdicts.id", "verdicts.name", "causes.margin", "causes.due", "causes.share")
    rows: list[Row | Band] = [tuple((Line(text(key), style=Style.STRONG),) for key in heads)]
    for _, group in groupby(moved, key=lambda each: section_of(each.target)):
        section = list(group)
        first = section[0].target
        title = text.word("section", first.attribute).format(year=first.year)
        rows += [Band("-", Style.FAINT), Band(title, Style.STRONG)]
        rows += [_share_row(found, each, text, room) for each in section]
    return rows


def _share_row(found: Attribution, shares: Shares, text: Text, room: int) -> Row:
    target, change = shares.target, _change(shares)
    order = sorted(range(len(found.groups)), key=lambda place: -abs(shares.shares[place]))
    largest = abs(shares.shares[order[0]])
    named = [each for each in order if abs(shares.shares[each]) > largest * SMALL][:MOST_SHARES]
    rest = order[len(named) :]
    if len(rest) == 1:  # its name takes the line that "others (1)" would
        named, rest = order, []
    decimals = min(decimals_of([largest]), 6)
    due: list[Line] = []
    sizes: list[Line] = []
    for place in named:
        group = found.groups[place]
        cell = wrapped(text.pick(group.name, group.name_zh), max(room - room // 2, 16))
        size = signed(shares.shares[place], decimals)
        if found.orders:
            size += f" ± {figure(shares.errors[place], decimals)}"
        due += cell
        sizes += [Line("", size), *[Line()] * (len(cell) - 1)]
    if rest:
        total = math.fsum(shares.shares[place] for place in rest)
        due.append(Line(text("causes.rest", count=len(rest)), style=Style.FAINT))
        sizes.append(Line("", signed(total, decimals)))
    assert target.value is not None
    finest = max(
        decimals_for(target.value, slack=target.tolerance or 0.0), decimals_of([change]) - 1
    )
    ends = [signed(each, min(finest, 6)) for each in (shares.margin_before, shares.margin_after)]
    margin: Cell = (
        Line("", f"{' → '.join(ends)} {text.unit(target.unit)}"),
        Line("", f"= {signed(change, decimals)}"),
    )
    name = wrapped(text.pick(target.name_en, target.name_zh), max(room // 2, 16))
    return (Line(target.id),), name, margin, tuple(due), tuple(sizes)


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign, none if it rounds to zero.

    >>> signed(0.24, 1), signed(-1.26, 1), signed(-0.04, 1)
    ('+0.2', '-1.3', '0.0')
    """
    shown = figure(value, decimals)
    return f"+{shown}" if round(value, decimals) > 0 else shown


def attribution_json(found: Attribution) -> str:
    """Write an attribution as JSON; a number that there is none of is null."""
    names = [group.name for group in found.groups]
    return _json(
        {
            "before": found.before,
            "after": found.after,
            "runs": found.runs,
            "orders": found.orders,
            "changes": [asdict(group) for group in found.groups],
            "targets": [
                {
                    "id": each.target.id,
                    "unit": each.target.unit,
                    "margin_before": _number(each.margin_before),
                    "margin_after": _number(each.margin_after),
                    "status_before": each.status_before,
                    "status_after": each.status_after,
                    "shares": dict(zip(names, map(_number, each.shares), strict=True)),
                    "errors": dict(zip(names, map(_number, each.errors), strict=True)),
                }
                for each in found.targets
            ],
        }
    )


def outward(value: float, present: float, digits: int = 5) -> float:
    """Round to some digits away from the present value, where the target stays met.

    >>> outward(1.0424352, 1.0), outward(0.8731566, 1.0), outward(1.0424352, 1.0, 3)
    (1.0425, 0.87315, 1.05)
    >>> outward(0.7, 1.0, 3)
    0.7
    """
    if value == present or float(f"{value:.{digits}g}") == value:
        return value
    unit = 10.0 ** (math.floor(math.log10(max(abs(value), 1e-300))) - digits + 1)
    steps = math.ceil(value / unit) if value > present else math.floor(value / unit)
    return float(f"{steps * unit:.6g}")


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
