"""Decisions under uncertainty as tables: corners, robustness, signposts, conflicts, information."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from plansim.analysis.decisions.adaptation import Adaptation, MidtermReview
from plansim.analysis.decisions.conflicts import Conflicts
from plansim.analysis.decisions.discovery import Discovery, FailureBox, Limit, Outcome
from plansim.analysis.decisions.information import Information
from plansim.analysis.decisions.robustness import PolicyPair, PolicyRobustness, Robustness
from plansim.analysis.decisions.signposts import Signpost, best_signs
from plansim.analysis.ensemble import NORMAL
from plansim.model.records import Model
from plansim.output.describe import constants_name
from plansim.output.tables.layout import (
    Column,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    lines,
    text_column,
    unit_cell,
)
from plansim.output.words.text import Text
from plansim.scenario.factors import Apply
from plansim.targets.verdict import of_hundred

__all__ = [
    "conflicts_table",
    "discovery_table",
    "information_table",
    "limit_of",
    "robustness_table",
    "signposts_table",
]


def discovery_table(found: Sequence[Discovery], model: Model, text: Text) -> RenderableType:
    """Lay out the corners in which targets fail, target by target."""
    parts = [_target(one, model, text) for one in found]
    has_boxes = any(one.boxes for one in found)
    return blocks([*parts, *([text("discover.legend")] if has_boxes else [])])


def _target(found: Discovery, model: Model, text: Text) -> RenderableType:
    name = text.name(found)
    head = text(
        "discover.head",
        id=found.target,
        name=name,
        share=_hundred(found.failing),
        source=found.source,
    )
    if not found.boxes:
        why = "discover.no_box"
        if found.runs == 0:
            why = "discover.not_judged"
        elif found.failing == 1:
            why = "discover.always"
        elif found.failing == 0:
            why = "discover.never"
        elif found.is_rare:
            why = "discover.rare"
        return lines([Prose(head, Style.STRONG), text(why, runs=found.runs)])
    what = text("discover.holds" if found.outcome is Outcome.HOLDS else "discover.fails")
    parts: list[RenderableType] = [Prose(head, Style.STRONG)]
    for number, box in enumerate(found.boxes, 1):
        said = text(
            "discover.box",
            number=number,
            what=what,
            density=_hundred(box.density),
            coverage=_hundred(box.coverage),
            mass=_hundred(box.mass),
        )
        parts += [f"  {said}{_fresh(box, text)}", _limits(box, model, text)]
    return lines(parts)


def _fresh(box: FailureBox, text: Text) -> str:
    if box.test is None:
        return ""
    if not box.test.members:
        return text("discover.fresh_none")
    return text(
        "discover.fresh",
        density=_hundred(box.test.density),
        low=_hundred(box.test.low),
        high=_hundred(box.test.high),
        coverage=_hundred(box.test.coverage),
        count=box.test.members,
    )


def _limits(box: FailureBox, model: Model, text: Text) -> Grid:
    columns = [
        Column("  "),
        text_column(text("discover.unknown")),
        figure_column(text("discover.limit")),
        Column(text("mix.unit")),
        figure_column(text("discover.range")),
        figure_column(text("discover.found")),
        text_column(text("discover.sources")),
    ]
    return Grid(columns, [_limit(limit, model, text) for limit in box.limits])


def _limit(limit: Limit, model: Model, text: Text) -> Row:
    ends = limit.plausible or (None, None)
    plausible = "" if None in ends else f"{ends[0]:.4g}–{ends[1]:.4g}"
    return (
        "",
        *limit_of(limit, model, text),
        plausible,
        _hundred(limit.frequency),
        text.join(source.split(" ")[0].rstrip(":") for source in limit.sources),
    )


def limit_of(limit: Limit, model: Model, text: Text) -> tuple[str, str, str]:
    """Return an unknown, what limits it, as ``≤ 0.3``, and its unit, if it has one."""
    factor = limit.factor
    name = constants_name(factor.constants, model, text) or text.pick(factor.name, factor.name_zh)
    low, high, unit = limit.shown
    is_value = (low, high) == (limit.value_low, limit.value_high)
    sign = "" if is_value else {Apply.MULTIPLY: "×", Apply.ADD: "+"}.get(factor.apply, "")
    if low is None:
        asked = f"≤ {sign}{high:.4g}"
    elif high is None:
        asked = f"≥ {sign}{low:.4g}"
    else:
        asked = f"{sign}{low:.4g}–{sign}{high:.4g}"
    return name, asked, "" if unit == "Dmnl" else text.unit(unit)


def robustness_table(result: Robustness, text: Text) -> RenderableType:
    """Lay out how robust policies are, then what each meets and how each pair compares."""
    columns = [
        text_column(text("robust.policy")),
        figure_column(text("robust.mean_met")),
        figure_column(text("robust.named")),
        figure_column(text("robust.all")),
        figure_column(text("robust.distance")),
        figure_column(text("robust.regret")),
        figure_column(text("robust.margin")),
        text_column(text("robust.beaten")),
    ]
    titles = {p.policy: _title(p, text) for p in result.policies}
    rows = [_policy(policy, titles, text) for policy in result.policies]
    parts: list[RenderableType] = [
        text(
            "robust.head",
            binding=len(result.binding),
            members=result.members,
            unsound=result.unsound,
        ),
        Grid(columns, rows),
        text("robust.set", ids=text.join(result.named), count=len(result.named)),
    ]
    if result.pairs:
        parts.append(
            lines([Prose(text("robust.pairs"), Style.STRONG), *_pairs(result, titles, text)])
        )
    return blocks([*parts, text("robust.legend")])


def _title(policy: PolicyRobustness, text: Text) -> str:
    return text.pick(policy.title_en, policy.title_zh) or policy.policy


def _policy(policy: PolicyRobustness, titles: Mapping[str, str], text: Text) -> Row:
    return (
        titles[policy.policy],
        f"{policy.mean_met:.1f} ± {policy.mean_met_error:.2f}",
        f"{_hundred(policy.named_share)}/100",
        f"{_hundred(policy.all_share)}/100",
        "–" if policy.distance is None else f"{policy.distance:.2f}",
        f"{policy.regret_targets.upper:g} ({policy.regret_targets.largest:g})",
        f"{100 * policy.regret_margin.upper:.0f} ({100 * policy.regret_margin.largest:.0f}) %",
        _beaten(policy, titles, text),
    )


def _beaten(policy: PolicyRobustness, titles: Mapping[str, str], text: Text) -> str:
    """Name the policy that meets more targets in most members."""
    name, share = next(iter(policy.beaten_by.items()), ("", 0.0))
    if not share:
        return "–"
    return text("robust.beaten_by", name=titles[name], share=_hundred(share))


def _pairs(result: Robustness, titles: Mapping[str, str], text: Text) -> Iterator[str]:
    for pair in result.pairs:
        yield f"  {_pair(pair, titles[pair.first], titles[pair.second], text)}"


def _pair(pair: PolicyPair, first: str, second: str, text: Text) -> str:
    if pair.is_tie:
        return text("robust.tie", first=first, second=second)
    return text(
        "robust.pair",
        first=first,
        second=second,
        more=f"{pair.difference:+.2f}",
        error=f"{pair.error:.2f}",
        share=f"{100 * pair.share_difference:+.0f}",
        share_error=f"{100 * pair.share_error:.0f}",
    )


def signposts_table(review: MidtermReview, names: Mapping[str, str], text: Text) -> RenderableType:
    """Lay out, of each target, the statistics that foretell it best, year by year.

    What rules by which the policy adapts gain comes below; ``names`` of targets by their ids.
    """
    signs, gain = review.signposts, review.adaptation
    parts = [_signs(signs, text) if signs else text("signposts.none")]
    return blocks(parts if gain is None else [*parts, _gain(gain, names, text)])


LEAST_GAIN = 0.01
"""Share of members by which a target's share changes, so that it is shown."""


def _gain(gain: Adaptation, names: Mapping[str, str], text: Text) -> RenderableType:
    """Lay out an adaptive policy beside the same without its rules."""
    columns = [
        text_column(text("adaptation.head", count=gain.members)),
        figure_column(text("adaptation.without")),
        figure_column(text("adaptation.within")),
        figure_column(text("adaptation.gain")),
        Column(text("mix.unit")),
    ]
    without, within, pair = gain.without, gain.within, gain.pair
    hundred = text("adaptation.of_hundred")
    rows: list[Row] = [
        (
            text("robust.mean_met"),
            f"{without.mean_met:.2f}",
            f"{within.mean_met:.2f}",
            f"{pair.difference:+.2f} ± {pair.error:.2f}",
            "",
        ),
        (
            text("robust.named"),
            f"{100 * without.named_share:.1f}",
            f"{100 * within.named_share:.1f}",
            f"{100 * pair.share_difference:+.1f} ± {100 * pair.share_error:.1f}",
            hundred,
        ),
    ]
    rows += [
        (f"{key}  {names[key]}", f"{100 * share:.1f}", f"{100 * met:.1f}",
         f"{100 * (met - share):+.1f}", hundred)
        for key, share in without.met.items()
        for met in [within.met[key]]
        if abs(met - share) >= LEAST_GAIN
    ]  # fmt: skip
    rows += [
        (
            text.name(one),
            f"{one.without:.3g}",
            f"{one.within:.3g}",
            f"{one.difference:+.2g} ± {one.error:.1g}",
            unit_cell(one.unit, text),
        )
        for one in gain.effort
    ]
    tie = [text("adaptation.tie")] if pair.is_tie else []
    legend = text("adaptation.legend", count=len(gain.named), ids=text.join(gain.named))
    return blocks([Grid(columns, rows), *tie, legend])


def _signs(signs: Sequence[Signpost], text: Text) -> RenderableType:
    columns = [
        text_column(text("verdicts.name")),
        figure_column(text("signposts.year")),
        text_column(text("signposts.statistic")),
        figure_column(text("signposts.area")),
        figure_column(text("signposts.threshold")),
        Column(text("mix.unit")),
        figure_column(text("signposts.hope")),
        figure_column(text("signposts.alarm")),
    ]
    rows: list[Row] = []
    last = ""
    for sign in best_signs(signs):
        name = "" if sign.target == last else text.name(sign)
        last = sign.target
        rows.append(
            (
                name,
                str(sign.year),
                Prose(
                    text.pick(sign.statistic_en, sign.statistic_zh),
                    "" if sign.is_useful else Style.FAINT,
                ),
                f"{sign.area:.2f} ± {sign.area_error:.2f}",
                f"{'≥' if sign.is_met_above else '≤'} {sign.threshold:.4g}",
                text.unit(sign.unit),
                _hundred(sign.false_hope),
                _hundred(sign.false_alarm),
            )
        )
    return blocks([Grid(columns, rows), text("signposts.legend")])


def conflicts_table(result: Conflicts, names: Mapping[str, str], text: Text) -> RenderableType:
    """Lay out the smallest conflicts; ``names`` of targets by their ids."""
    head = text(
        "conflicts.head",
        sets=result.sets,
        largest=result.largest,
        runs=result.runs,
        members=result.members,
    )
    if not result.conflicts:
        return blocks([head, text("conflicts.none")])
    columns = [
        text_column(text("conflicts.set")),
        figure_column(text("conflicts.share")),
        text_column(text("conflicts.relax")),
    ]
    rows: list[Row] = [
        (
            text.join(names[one] for one in conflict.targets),
            f"{_hundred(conflict.share)}/100",
            text("conflicts.or").join(
                text(
                    "conflicts.by",
                    name=names[one.target],
                    amount=f"{one.amount:.2g}",
                    unit=text.unit(one.unit),
                )
                for one in conflict.relaxations
                if one.amount is not None
            )
            or text("conflicts.nothing"),
        )
        for conflict in result.conflicts
    ]
    return blocks([head, Grid(columns, rows), text("conflicts.legend")])


def information_table(
    result: Information, model: Model, text: Text, *, most: int = 10
) -> RenderableType:
    """Lay out which unknowns are worth knowing to the choice among policies."""
    head = text(
        "information.head",
        best=result.best,
        policies=text.join(
            f"{name} {mean:.2f}" for name, mean in zip(result.policies, result.means, strict=True)
        ),
        members=result.members,
        perfect=f"{result.perfect:.2f}",
    )
    worth = [one for one in result.unknowns if one.value > NORMAL * one.error][:most]
    parts: list[RenderableType] = [head]
    columns = [
        text_column(text("discover.unknown")),
        figure_column(text("information.value")),
        figure_column("PAWN"),
    ]
    shown = worth or sorted(result.unknowns, key=lambda one: -one.pawn)[:3]
    if not worth:
        parts.append(text("information.none"))
    rows: list[Row] = [
        (
            constants_name(one.factor.constants, model, text) or one.factor.name,
            f"{one.value:.3f} ± {one.error:.3f}",
            f"{one.pawn:.2f}",
        )
        for one in shown
    ]
    return blocks([*parts, Grid(columns, rows), text("information.legend")])


def _hundred(share: float) -> str:
    return str(of_hundred(share)) if math.isfinite(share) else "–"
