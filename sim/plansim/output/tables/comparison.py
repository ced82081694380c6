"""A comparison of scenarios: verdicts, why some turn, remedies; and shares of single causes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from plansim.analysis.attribution.assumptions import Attribution, Group, Shares
from plansim.analysis.attribution.models import ModelDifference
from plansim.analysis.comparison import Comparison
from plansim.analysis.optimization.orders import TargetOrders
from plansim.model.difference import EntryDifference
from plansim.model.records import Model
from plansim.model.units import shown_in
from plansim.output.describe import element_changes, elements_name, lever_of
from plansim.output.report.sections.causes import cause_in_short
from plansim.output.report.sections.remedies import order_in_words
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
    lines,
    section,
    table,
    text_column,
    unit_column,
)
from plansim.output.tables.verdicts import STYLES, letter_of, verdict_table
from plansim.output.words.answer import gained, lost
from plansim.output.words.language import say_in
from plansim.output.words.text import Text, decimals_for, decimals_of, figure, signed
from plansim.output.words.verdicts import MARKS, by_section, difference_words
from plansim.targets.target import Attribute, Status, split_reference
from plansim.targets.verdict import SURE

__all__ = ["attribution_table", "comparison_table", "difference_table"]

MOST_SHARES = 5
"""Maximum number of changes that are named for a target, the largest first; the others are added
up."""


def comparison_table(comparison: Comparison, text: Text) -> RenderableType:
    """Lay out a comparison: what `check` shows, then causes and remedies in short."""
    titles = {scenario.id: text.title(scenario) for scenario in comparison.scenarios}
    verdicts = [one for by_id in comparison.verdicts for one in by_id.values()]
    parts: list[RenderableType] = [verdict_table(verdicts, comparison.targets, text, titles=titles)]
    told = {"report.why_turned": (_causes(comparison, text), "")}
    if any(found.targets for found in comparison.remedies):
        told["report.help"] = _remedies(comparison, text), _rest(comparison, text)
    for key, (rows, note) in told.items():
        listed = list(rows)
        below = [Grid([text_column(), text_column()], listed)] * bool(listed) + [note] * bool(note)
        if below:
            parts.append(lines([Prose(text(key), Style.STRONG), *below]))
    return blocks(parts)


def _causes(comparison: Comparison, text: Text) -> Iterator[Row]:
    """Yield the binding targets that turn from the first scenario to another, and why."""
    first, *others = (
        {key: one for key, one in own.items() if one.attribute is Attribute.BINDING}
        for own in comparison.verdicts
    )
    pairs = zip(others, comparison.attributions, strict=True)
    for place, (other, attribution) in enumerate(pairs, 1):
        if attribution is None:
            continue
        turned = {*lost(first, other), *gained(first, other)}
        labelled = attribution.labelled(comparison.views.levers) if turned else attribution
        for shares in labelled.targets:
            if shares.target.id in turned:
                name = f"{letter_of(place)}  {text.name(shares.target)}"
                yield name, cause_in_short(labelled, shares, text)


def _remedies(comparison: Comparison, text: Text) -> Iterator[Row]:
    """Yield for each scenario the targets that a move of few levers meets as surely as is asked."""
    for place, found in enumerate(comparison.remedies):
        for orders in filter(_helps, found.targets):
            name = f"{letter_of(place)}  {text.name(orders.target)}"
            yield name, order_in_words(orders, text)


def _rest(comparison: Comparison, text: Text) -> str:
    """Say what the moves are, and which targets have none."""
    without: dict[str, str] = {}
    helped = set()
    for place, found in enumerate(comparison.remedies):
        for one in found.targets:
            name = text.name(one.target)
            if _helps(one):
                helped.add(name)
            else:
                without[name] = without.get(name, "") + letter_of(place)
    names = text("list_sep.clause").join(
        text("report.help_rest_under", name=name, letters=text.join(letters))
        if name in helped
        else name
        for name, letters in without.items()
    )
    if not any(one.share for own in comparison.verdicts for one in own.values()):  # no members
        return text("report.nothing") + text("list_sep.colon") + names if names else ""
    parts = [text("report.help_short", sure=SURE)]
    parts += [text("report.help_rest", names=names)] * bool(names)
    return text("list_sep.sentence").join(parts)


def _helps(orders: TargetOrders) -> bool:
    """Return whether a move meets a target: in the model's own run, and in its ensemble if any."""
    best = orders.best
    return best is not None and best.margin >= 0 and (best.sure or best.share is None)


# --- shares ---------------------------------------------------------------------------------------


def attribution_table(attribution: Attribution, model: Model, text: Text) -> RenderableType:
    """Lay out the changes, then for each target whose margin moves what that is due to."""
    ends = {"before": attribution.before, "after": attribution.after}
    if not attribution.groups:
        return text("causes.same", **ends)
    names = [text.pick(group.name, group.name_zh) for group in attribution.groups]
    spans = [_span(group, model, text) for group in attribution.groups]
    parts: list[RenderableType] = [
        text("causes.title", **ends),
        text("causes.changes"),
        facts(zip(names, spans, strict=True)),
    ]
    by_id = {shares.target.id: shares for shares in attribution.targets}
    unknown = [key for key, shares in by_id.items() if not math.isfinite(_change(shares))]
    still = [key for key, shares in by_id.items() if _change(shares) == 0]
    moved = {key: shares for key, shares in by_id.items() if key not in {*unknown, *still}}
    if moved:
        columns = [text_column(text("causes.due")), figure_column(text("causes.share"))]
        rows = _share_rows(moved, names, text, sampled=bool(attribution.orders))
        parts.append(Grid(columns, rows))
    rest = {"causes.still": still, "causes.unknown": unknown}
    parts += [text(key, ids=text.join(ids)) for key, ids in rest.items() if ids]
    how = "causes.sampled" if attribution.orders else "causes.exact"
    parts += [text(how, runs=attribution.runs, orders=attribution.orders), text("causes.units")]
    return blocks(parts)


def _change(shares: Shares) -> float:
    return shares.margin_after - shares.margin_before


def _span(group: Group, model: Model, text: Text) -> str:
    """Write what a group changes: each constant of a lever, or the span of an array."""
    bare = {split_reference(constant)[0] for constant in group.constants}
    if len(bare) == 1 and len(group.constants) > 1:
        elements = (elements_name(constant, model, text) for constant in group.constants)
        pairs = list(zip(elements, group.before, group.after, strict=True))
        return text.amount(element_changes(pairs, text), group.unit)
    lines = []
    ends = zip(group.before, group.after, group.set_before, group.set_after, strict=True)
    for constant, (before, after, *known) in zip(group.constants, ends, strict=True):
        factor, unit = 1.0, group.unit
        if len(bare) > 1:  # a single one is in its lever's unit already
            lever, variable = lever_of([constant], model), model.variables.get(constant)
            unit, factor = shown_in(variable.unit if variable else unit)
            if lever:
                unit, factor = lever.shown_unit, lever.shown_factor
        sides = zip((before, after), known, strict=True)
        change = " → ".join(f"{value * factor:g}" if is_set else "–" for value, is_set in sides)
        name, inside = split_reference(constant)[0], elements_name(constant, model, text)
        part = name.removeprefix(group.name).strip() if group.name in name else ""
        head = " ".join(filter(None, [text.word("part", part), inside]))
        head += text("list_sep.colon") if head else ""
        lines.append(text.amount(head + change, unit))
    return text("list_sep.semicolon").join(lines)


def _share_rows(
    moved: Mapping[str, Shares], names: Sequence[str], text: Text, *, sampled: bool
) -> Iterator[Row | Band]:
    """Yield each target with what its margin moves by, the largest first; ``names`` by change."""
    for title, targets in by_section([shares.target for shares in moved.values()], text):
        yield section(title)
        for target in targets:
            shares = moved[target.id]
            order = sorted(range(len(names)), key=lambda i: -abs(shares.shares[i]))
            decimals = min(decimals_of([abs(shares.shares[order[0]])]), 6)
            yield Band(_margins(shares, decimals, text), style=None)
            yield from _largest(shares, names, order, decimals, text, sampled=sampled)


def _margins(shares: Shares, decimals: int, text: Text) -> str:
    """Write a target and how its margin moves."""
    target = shares.target
    assert target.value is not None
    wanted = (
        decimals_for(target.value, slack=target.tolerance or 0.0),
        decimals_of([_change(shares)]) - 1,
        decimals,
    )
    finest = min(max(wanted), 6)
    ends = [round(margin, finest) for margin in (shares.margin_before, shares.margin_after)]
    before, after, change = (signed(end, finest) for end in (*ends, ends[1] - ends[0]))
    name = text.name(target) + text("list_sep.colon")
    moved = difference_words(f"{before} → {after}", target.unit, text)
    return f"{target.id}  {name}{moved} ({change})"


def _largest(
    shares: Shares,
    names: Sequence[str],
    order: Sequence[int],
    decimals: int,
    text: Text,
    *,
    sampled: bool,
) -> Iterator[Row]:
    """Return the largest shares, each with the change that it is due to; the others added up."""
    least = 0.02 * abs(shares.shares[order[0]])
    named = [i for i in order if abs(shares.shares[i]) > least][:MOST_SHARES]
    rest = order[len(named) :]
    if len(rest) == 1:  # its name takes the line that "others (1)" would
        named, rest = list(order), []
    for index in named:
        size = signed(shares.shares[index], decimals)
        if sampled:
            size += f" ± {figure(shares.errors[index], decimals)}"
        yield "  " + names[index], size
    if rest:
        total = math.fsum(shares.shares[index] for index in rest)
        others = Prose("  " + text("causes.rest", count=len(rest)), Style.FAINT)
        yield others, signed(total, decimals)


# --- two versions of a model ----------------------------------------------------------------------


def difference_table(difference: ModelDifference, model: Model, text: Text) -> RenderableType:
    """Lay out what two versions of a model differ in, then what moves, and due to what.

    ``model`` is the new version.
    """
    names = {"old": difference.old, "new": difference.new}
    if not difference.differences:
        return text("difference.same", **names)
    by_heading: dict[str, list[Row]] = {}
    for one in difference.differences:
        known = model.modules.get(one.module)
        title = text.pick(one.module, known.name_zh if known else one.module)
        heading = text("difference.ranges") if one.is_range else title
        by_heading.setdefault(heading, []).extend(_difference_rows(one, model, text))
    rows: list[Row | Band] = []
    for heading, changed in by_heading.items():
        rows += [section(heading), *changed]
    head = text("difference.title", count=len(difference.differences), **names)
    grid = Grid([text_column(), text_column(), text_column()], rows)
    return blocks([head, grid, *_moves(difference, text)])


def _difference_rows(difference: EntryDifference, model: Model, text: Text) -> Iterator[Row]:
    name = text.pick(difference.name, difference.name_zh)
    for detail in difference.details:
        what = text.word("model_aspect", detail.aspect)
        before, after = (" ".join(side.split()) for side in (detail.before, detail.after))
        change = f"{before or '–'} → {after or '–'}"
        if difference.before is None:
            what, change = text("difference.added"), after
        elif difference.after is None:
            what, change = text("difference.removed"), before
        elif detail.element:
            element = elements_name(f"{difference.name}[{detail.element}]", model, text)
            change = f"{element}{text('list_sep.colon')}{change}"
        yield name, what, change
        name = ""


def _moves(difference: ModelDifference, text: Text) -> Iterator[RenderableType]:
    """Yield which indicators and verdicts move, what that is due to, and what is not a model."""
    if not difference.targets:
        yield text("verdicts.none")
        return
    moved = difference.moved
    if not moved:
        count = len(difference.targets)
        yield text("difference.still", count=count, scenario=difference.scenario)
        return
    yield text(
        "difference.moved",
        count=len(moved),
        total=len(difference.targets),
        scenario=difference.scenario,
    )
    values = {shares.target.id: pair for shares, pair in zip(
        difference.targets, difference.values, strict=True)}  # fmt: skip
    columns = [
        text_column("verdicts.name", lambda one: f"{one.target.id}  {text.name(one.target)}"),
        figure_column("difference.before", lambda one: _apart(*values[one.target.id])[0]),
        text_column("", lambda one: _mark(one.status_before)),
        figure_column("difference.after", lambda one: _apart(*values[one.target.id])[1]),
        text_column("", lambda one: _mark(one.status_after)),
        unit_column(text, lambda one: one.target.unit),
    ]
    yield table(text, columns, moved)
    known = {one.target.id: one for one in moved if math.isfinite(sum(one.shares)) and one.shares}
    deciding = {key: one for key, one in known.items() if _decides(one)}
    if known:
        names = [text.pick(one.name, one.name_zh) for one in difference.changes]
        heads = [text_column(text("causes.due")), figure_column(text("causes.share"))]
        sampled = bool(difference.orders)
        yield Grid(heads, _share_rows(deciding or known, names, text, sampled=sampled))
        if deciding and len(deciding) < len(known):
            yield text("difference.others", count=len(known) - len(deciding))
        how = "difference.sampled" if sampled else "difference.exact"
        yield text(how, models=difference.models, orders=difference.orders)
    else:
        yield text("difference.no_order")
    for none in difference.no_models[:MOST_SHARES]:
        reason = none.reason.written(say_in(text.lang))
        yield text("difference.no_model", names=text.join(none.changes), reason=reason)
    if (more := len(difference.no_models) - MOST_SHARES) > 0:
        yield text("difference.more", count=more)


def _decides(shares: Shares) -> bool:
    """Return whether a target is binding, or its verdict turns."""
    is_binding = shares.target.attribute is Attribute.BINDING
    return is_binding or shares.status_before is not shares.status_after


def _mark(status: Status) -> Prose:
    return Prose(MARKS[status], STYLES[status])


def _apart(before: float, after: float) -> tuple[str, str]:
    """Write two numbers with as many digits as tell them apart.

    >>> _apart(12.0, 12.0037)
    ('12.0000', '12.0037')
    """
    decimals = min(max(decimals_of([abs(after - before)]) - 1, 0), 6)
    return figure(before, decimals), figure(after, decimals)
