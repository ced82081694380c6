"""What would help, and what is robust: orders that meet targets, and scenarios over all members."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from plansim.analysis.comparison import Comparison
from plansim.analysis.decisions.robustness import PolicyPair, PolicyRobustness, Robustness
from plansim.analysis.ensemble import NORMAL
from plansim.analysis.optimization.orders import (
    FIRST_YEAR,
    Order,
    Package,
    ScenarioOrders,
    TargetOrders,
)
from plansim.analysis.optimization.problem import Move
from plansim.model.units import NO_UNIT
from plansim.output.report.document import (
    Cell,
    GroupRow,
    Paragraph,
    ReportTable,
    Row,
    Section,
    TableColumn,
    Tone,
)
from plansim.output.report.sections.verdicts import (
    count_cell,
    number_cell,
    target_cell,
    target_column,
)
from plansim.output.words.text import Text
from plansim.output.words.verdicts import difference_words, margin_size, share_words
from plansim.scenario.factors import Apply
from plansim.targets.verdict import of_hundred

__all__ = [
    "order_in_words",
    "packages_in_words",
    "remedies_section",
    "robust_section",
]

MOST_NAMED = 1
"""Number of levers that are named in short."""


def _move_in_words(move: Move, text: Text) -> str:
    """Write ``Tree planting +7 %``, ``Scrubbers really run 85 → 88 %`` or ``Sewage +5 points``."""
    lever = move.lever
    name = text.name(lever)
    present, value = (end * lever.shown_factor for end in (move.present, move.value))
    unit = "" if lever.shown_unit == NO_UNIT else f"\u00a0{text.unit(lever.shown_unit)}"
    if lever.shown_unit == "Year" and value >= FIRST_YEAR:
        key = "report.not_before" if value > present else "report.by_month"
        return f"{name} {text.month(present)} → {text(key, month=text.month(value))}"
    if lever.apply is Apply.ADD:
        return f"{name} {difference_words(f'{value:+.6g}', lever.shown_unit, text)}"
    change = round(100 * (value / present - 1), 6) if present else math.nan
    if lever.shown_unit == NO_UNIT and change == round(change, 1):
        return f"{name} {change:+.6g}\u00a0%"
    return f"{name} {present:.6g} → {value:.6g}{unit}"


def _moves_in_words(moves: Sequence[Move], text: Text, most: int | None = None) -> str:
    """Write moves one after the other; of more than ``most`` the others are counted."""
    words = [_move_in_words(move, text) for move in moves[:most]]
    if most is not None and len(moves) > most:
        words.append(text("report.more", count=len(moves) - most))
    return text.join(words)


def order_in_words(orders: TargetOrders, text: Text) -> str:
    """Say in short what would help a target, and how many plausible models confirm it."""
    best = orders.best
    if best is None:
        return text("report.no_lever" if orders.nearest is None else "report.nothing")
    moves, share = _moves_in_words(best.moves, text, MOST_NAMED), share_words(best.share)
    if best.margin < 0:
        return text("report.not_enough", moves=moves, share=share)
    price = text("report.price", count=len(best.lost)) if best.lost else ""
    if not share:
        return moves + price
    key = "report.confirmed" if best.sure else "report.confirmed_most"
    return text(key, moves=moves, share=share) + price


def packages_in_words(
    found: Iterable[ScenarioOrders], names: Iterable[str], text: Text
) -> list[str]:
    """Say for each scenario what becomes of binding targets if its best orders are made at once."""
    parts = [
        _package_in_words(orders.package, name, text)
        for name, orders in zip(names, found, strict=False)
        if orders.package is not None
    ]
    return [text("report.packages", parts=text("list_sep.semicolon").join(parts))] if parts else []


def _package_in_words(package: Package, scenario: str, text: Text) -> str:
    """Say what becomes of all binding targets if the best orders are made at once."""
    count = len(package.met) + len(package.missed)
    parts = [text("report.package", scenario=scenario, met=len(package.met), count=count)]
    if package.share is not None:
        share = package.share.of_hundred
        parts.append(text("report.package_share", met=len(package.met), share=share))
    if package.missed:
        parts.append(text("report.package_missed", names=text.join(map(text.name, package.missed))))
    return text("answer.clause").join(parts)


# --- the table ------------------------------------------------------------------------------------


def remedies_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return for each binding target that is not sure the orders that meet it, at what price."""
    columns = (
        target_column(text, 2.8),
        TableColumn(text("report.moves"), width=4.8),
        TableColumn(text("report.models_head"), right=True, width=1.1),
        TableColumn(text("report.own_margin"), right=True, width=1.2),
        TableColumn(text("report.others"), width=2.2),
    )
    called = {one.id: text.name(one) for one in comparison.targets}
    rows: list[Row | GroupRow] = []
    for name, found in zip(names, comparison.remedies, strict=True):
        if found.targets:
            rows.append(GroupRow(name))
        for orders in found.targets:
            rows += _rows(orders, called, text)
    title, tab = text("report.remedies"), text("report.remedies_tab")
    if not rows:
        return Section(title, tab, ())
    note = text("report.remedies_note")
    caption, titles = text("report.remedies_table"), text("report.scenario")
    table = ReportTable(caption, columns, tuple(rows), note, titles)
    said = packages_in_words(comparison.remedies, (name[0] for name in names), text)
    return Section(title, tab, (*map(Paragraph, said), table))


def _rows(orders: TargetOrders, called: dict[str, str], text: Text) -> Iterator[Row]:
    """Yield a row for each order: those that are just enough, then the one that is confirmed."""
    target, best = orders.target, orders.best
    head = target_cell(target, text)
    listed = [order for order in orders.enough if order is not best] + ([best] if best else [])
    for order in listed:
        tone = Tone.GOOD if order.sure else Tone.DOUBT if order.margin >= 0 else Tone.BAD
        yield (
            head,
            Cell(_moves_in_words(order.moves, text)),
            count_cell(order.share.of_hundred if order.share else None, "–", tone),
            number_cell(order.margin, margin_size(target, order.margin)),
            Cell(_side_effects(order, called, text)),
        )
        head = replace(head, below=(), tone=Tone.FAINT)
    if orders.nearest is not None or not listed:
        words = text("report.no_lever")
        if orders.nearest is not None:
            short = margin_size(target, orders.nearest).removeprefix("-")
            words = text("report.far", margin=difference_words(short, target.unit, text))
        yield (head, Cell(words, tone=Tone.BAD), *[Cell("–")] * 3)


def _side_effects(order: Order, called: dict[str, str], text: Text) -> str:
    """Say which other targets an order gains and loses."""
    words = [
        text(key, names=text.join(called.get(one, one) for one in ids))
        for key, ids in (("report.gains", order.gained), ("report.loses", order.lost))
        if ids
    ]
    return text("list_sep.semicolon").join(words) or "–"


# --- what is robust -------------------------------------------------------------------------------


def robust_section(
    comparison: Comparison, titles: Sequence[str], names: Sequence[str], text: Text
) -> Section:
    """Return what scenarios achieve over all members, and what each forgoes against the others."""
    title, tab, robust = text("report.robust"), text("report.robust_tab"), comparison.robust
    if robust is None:
        return Section(title, tab, ())
    columns = (
        TableColumn(text("report.scenario"), width=3.0),
        TableColumn(text("report.robust_mean", count=len(robust.binding)), right=True, width=1.6),
        TableColumn(text("report.robust_named"), right=True, width=1.6),
        TableColumn(text("report.robust_all"), right=True, width=1.4),
        TableColumn(text("report.robust_regret"), right=True, width=1.4),
        TableColumn(text("report.robust_upper"), right=True, width=1.6),
    )
    policies = {one.policy: one for one in robust.policies}
    rows = tuple(
        _robust_row(policies[scenario.id], name, text)
        for scenario, name in zip(comparison.scenarios, names, strict=True)
    )
    called = {one.id: text.name(one) for one in comparison.targets}
    in_set = text.join(called.get(one, one) for one in robust.named)
    in_words = text("report.robust_set", count=len(robust.named), names=in_set)
    note = text("list_sep.sentence").join([text("report.robust_note"), in_words])
    heading = {s.id: title for s, title in zip(comparison.scenarios, titles, strict=True)}
    first = comparison.scenarios[0].id
    said = [
        _pair_in_words(robust, pair, heading, text) for pair in robust.pairs if pair.first == first
    ]
    caption = text("report.robust_table", members=robust.members)
    table = ReportTable(caption, columns, rows, note)
    return Section(title, tab, (Paragraph(text("list_sep.sentence").join(said)), table))


def _robust_row(policy: PolicyRobustness, name: str, text: Text) -> Row:
    regret = policy.regret_targets
    low, high = of_hundred(policy.named_low), of_hundred(policy.named_high)
    upper = text("report.robust_largest", largest=f"{regret.largest:g}")
    return (
        Cell(name),
        number_cell(policy.mean_met, f"{policy.mean_met:.1f}"),
        replace(count_cell(of_hundred(policy.named_share)), below=(f"{low}–{high}",)),
        count_cell(of_hundred(policy.all_share)),
        number_cell(regret.mean, f"{regret.mean:.1f}"),
        replace(number_cell(regret.upper, f"{regret.upper:g}"), below=(upper,)),
    )


def _pair_in_words(
    robust: Robustness, pair: PolicyPair, titles: Mapping[str, str], text: Text
) -> str:
    """Say which of two scenarios is more robust, and by what; ties are called ties."""
    policies = {one.policy: one for one in robust.policies}
    is_surer = abs(pair.difference) <= NORMAL * pair.error
    ahead = pair.share_difference if is_surer else pair.difference
    better, worse = (pair.first, pair.second)
    if ahead > 0 and not pair.is_tie:
        better, worse = worse, better
    one, other = policies[better], policies[worse]
    holds, others = of_hundred(one.named_share), of_hundred(other.named_share)
    # What both do as often tells nothing apart.
    in_set = text("report.robust_in_set", holds=holds, others=others) if holds != others else ""
    return text(
        "report.robust_tie" if pair.is_tie else "report.robust_more",
        better=titles[better],
        worse=titles[worse],
        count=len(robust.binding),
        mean=f"{one.mean_met:.1f}",
        other=f"{other.mean_met:.1f}",
        in_set=in_set,
    )
