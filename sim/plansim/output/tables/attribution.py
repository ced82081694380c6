"""Causes for a reader: what moved the margins between two scenarios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from plansim.analysis.attribution import Attribution, Group, Shares
from plansim.output.tables.layout import (
    Band,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    facts,
    figure_column,
    section,
    text_column,
)
from plansim.output.text import Text, decimals_for, decimals_of, figure, signed
from plansim.output.verdict_words import by_section

__all__ = ["attribution_table"]

MOST_SHARES = 5
"""So many changes are named for a target, the largest first; the others are added up."""
SMALL = 0.02
"""A share below this part of the largest is not named either."""
_NO_UNIT = "Dmnl"


# --- shares ---------------------------------------------------------------------------------------


def attribution_table(found: Attribution, text: Text) -> RenderableType:
    """Lay out the changes, then for each target whose margin moves what that is due to."""
    names = {"before": found.before, "after": found.after}
    if not found.groups:
        return text("causes.same", **names)
    known = [each for each in found.targets if math.isfinite(_change(each))]
    moved = {each.target.id: each for each in known if _change(each)}
    still = [each.target.id for each in known if not _change(each)]
    unknown = [each.target.id for each in found.targets if not math.isfinite(_change(each))]
    changes = [(text.pick(each.name, each.name_zh), _span(each, text)) for each in found.groups]
    parts: list[RenderableType] = [
        text("causes.title", **names),
        text("causes.changes"),
        facts(changes),
    ]
    if moved:
        columns = [text_column(text("causes.due")), figure_column(text("causes.share"))]
        parts.append(Grid(columns, _share_rows(found, moved, text)))
    if still:
        parts.append(text("causes.still", ids=text.join(still)))
    if unknown:
        parts.append(text("causes.unknown", ids=text.join(unknown)))
    how = "causes.sampled" if found.orders else "causes.exact"
    parts += [text(how, runs=found.runs, orders=found.orders), text("causes.units")]
    return blocks(parts)


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
        part = constant.removeprefix(group.name).strip() if group.name in constant else ""
        said = f"{before_one:g} → {after_one:g}"
        label = text.word("part", part)
        lines.append(f"{label}{text('list_sep.colon')}{said}" if part else said)
    return _with_unit("; ".join(lines), group, text) if len(bare) == 1 else "; ".join(lines)


def _with_unit(said: str, group: Group, text: Text) -> str:
    return said if group.unit == _NO_UNIT else f"{said} {text.unit(group.unit)}"


def _share_rows(
    found: Attribution, moved: Mapping[str, Shares], text: Text
) -> Iterator[Row | Band]:
    for title, targets in by_section([each.target for each in moved.values()], text):
        yield section(title)
        for target in targets:
            shares = moved[target.id]
            order = sorted(range(len(found.groups)), key=lambda i: -abs(shares.shares[i]))
            decimals = min(decimals_of([abs(shares.shares[order[0]])]), 6)
            yield Band(_margins(shares, decimals, text), style=None)
            yield from _largest(found, shares, order, decimals, text)


def _margins(shares: Shares, decimals: int, text: Text) -> str:
    """Write a target and how its margin moves."""
    target, change = shares.target, _change(shares)
    assert target.value is not None
    finest = max(
        decimals_for(target.value, slack=target.tolerance or 0.0), decimals_of([change]) - 1
    )
    before, after = (
        signed(each, min(finest, 6)) for each in (shares.margin_before, shares.margin_after)
    )
    name = text.pick(target.name_en, target.name_zh) + text("list_sep.colon")
    moves = f"{before} → {after} {text.unit(target.unit)} ({signed(change, decimals)})"
    return f"{target.id}  {name}{moves}"


def _largest(
    found: Attribution, shares: Shares, order: Sequence[int], decimals: int, text: Text
) -> Iterator[Row]:
    """Give the largest shares, each with the change that it is due to; the others added up."""
    largest = abs(shares.shares[order[0]])
    named = [i for i in order if abs(shares.shares[i]) > largest * SMALL][:MOST_SHARES]
    rest = order[len(named) :]
    if len(rest) == 1:  # its name takes the line that "others (1)" would
        named, rest = list(order), []
    for index in named:
        group = found.groups[index]
        size = signed(shares.shares[index], decimals)
        if found.orders:
            size += f" ± {figure(shares.errors[index], decimals)}"
        yield "  " + text.pick(group.name, group.name_zh), size
    if rest:
        total = math.fsum(shares.shares[index] for index in rest)
        others = Prose("  " + text("causes.rest", count=len(rest)), Style.FAINT)
        yield others, signed(total, decimals)
