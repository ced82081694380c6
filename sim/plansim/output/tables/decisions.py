"""Decisions under uncertainty as tables: corners, robustness, signposts, conflicts, information."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby

from plansim.analysis.decisions.conflicts import Conflict, Conflicts
from plansim.analysis.decisions.discovery import Discovery, FailureBox, Limit, Outcome
from plansim.analysis.decisions.information import Information
from plansim.analysis.decisions.robustness import PolicyPair, PolicyRobustness, Regret, Robustness
from plansim.analysis.decisions.signposts import Adaptation, Signpost, best_signs
from plansim.analysis.ensemble import NORMAL
from plansim.model.records import Model
from plansim.output.describe import constants_name
from plansim.output.tables.layout import (
    Band,
    Column,
    FirstFitting,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    lines,
    table,
    text_column,
    unit_cell,
    unit_column,
)
from plansim.output.words.text import Text, four_digits
from plansim.output.words.verdicts import difference_words
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
    legend = [text("discover.legend")] if any(one.boxes for one in found) else []
    return blocks([*(_target(one, model, text) for one in found), *legend])


def _target(found: Discovery, model: Model, text: Text) -> RenderableType:
    source = text.title(found) or found.source
    about = {"id": found.target, "name": text.name(found), "source": source}
    parts: list[RenderableType] = [
        Prose(text("discover.head", share=_hundred(found.failing), **about), Style.STRONG)
    ]
    what = text("discover.holds" if found.outcome is Outcome.HOLDS else "discover.fails")
    for number, box in enumerate(found.boxes, 1):
        key = "discover.box" if number == 1 else "discover.further"
        said = text(key, number=number, what=what, **_shares(box, "mass"))
        parts += [f"  {said}{_fresh(box, text)}", _limits(box, model, text)]
    if not found.boxes:
        known = {0.0: "discover.never", 1.0: "discover.always"}
        why = known.get(found.failing, "discover.rare" if found.is_rare else "discover.no_box")
        parts.append(text(why if found.runs else "discover.not_judged", runs=found.runs))
    return lines(parts)


def _shares(found: object, *more: str) -> dict[str, str]:
    return {name: _hundred(getattr(found, name)) for name in ("density", "coverage", *more)}


def _fresh(box: FailureBox, text: Text) -> str:
    if box.test is None:
        return ""
    if not box.test.members:
        return text("discover.fresh_none")
    return text("discover.fresh", count=box.test.members, **_shares(box.test, "low", "high"))


def _limits(box: FailureBox, model: Model, text: Text) -> FirstFitting:
    columns = [
        Column("  ", lambda _: ""),
        text_column("discover.unknown", lambda row: row[1]),
        figure_column("discover.limit", lambda row: row[2]),
        Column("mix.unit", lambda row: row[3]),
        figure_column("discover.range", lambda row: _plausible(row[0])),
        figure_column("discover.found", lambda row: _hundred(row[0].frequency)),
        text_column("discover.sources", lambda row: text.join(_cited(row[0]))),
    ]
    rows = [(limit, *limit_of(limit, model, text)) for limit in box.asked]
    # Where it is narrow nothing is indented.
    return FirstFitting([partial(table, text, columns[start:], rows) for start in (0, 1)])


def _plausible(limit: Limit) -> str:
    low, high = limit.plausible or (None, None)
    return "" if low is None or high is None else f"{four_digits(low)}–{four_digits(high)}"


def _cited(limit: Limit) -> Iterator[str]:
    return (source.split(" ")[0].rstrip(":") for source in limit.sources)


def limit_of(limit: Limit, model: Model, text: Text) -> tuple[str, str, str]:
    """Return an unknown, what limits it, as ``≤ 0.3``, and its unit, if it has one."""
    factor = limit.factor
    name = constants_name(factor.constants, model, text) or text.pick(factor.name, factor.name_zh)
    low, high, unit = limit.low, limit.high, limit.unit
    sign = "" if limit.is_value else {Apply.MULTIPLY: "×", Apply.ADD: "+"}.get(factor.apply, "")
    if low is None:
        assert high is not None
        asked = f"≤ {sign}{four_digits(high)}"
    elif high is None:
        asked = f"≥ {sign}{four_digits(low)}"
    else:
        asked = f"{sign}{four_digits(low)}–{sign}{four_digits(high)}"
    return name, asked, unit_cell(unit, text)


def robustness_table(result: Robustness, text: Text) -> RenderableType:
    """Lay out how robust policies are, then what each meets and how each pair compares."""
    titles = {p.policy: text.title(p) or p.policy for p in result.policies}

    def regret(size: Regret, form: str, factor: float = 1.0) -> str:
        return f"{factor * size.upper:{form}} ({factor * size.largest:{form}})"

    def beaten(policy: PolicyRobustness) -> str:
        name, share = next(iter(policy.beaten_by.items()), ("", 0.0))
        if not share:
            return "–"
        return text("robust.beaten_by", name=titles[name], share=_hundred(share))

    columns = [
        text_column("robust.policy", lambda p: titles[p.policy], least=12),
        figure_column("robust.mean_met", lambda p: f"{p.mean_met:.1f} ± {p.mean_met_error:.2f}"),
        figure_column("robust.named", lambda p: f"{_hundred(p.named_share)}/100"),
        figure_column("robust.all", lambda p: f"{_hundred(p.all_share)}/100"),
        figure_column(
            "robust.distance", lambda p: "–" if p.distance is None else f"{p.distance:.2f}"
        ),
        figure_column("robust.regret", lambda p: regret(p.regret_targets, "g")),
        figure_column("robust.margin", lambda p: regret(p.regret_margin, ".0f", 100) + " %"),
        text_column("robust.beaten", beaten),
    ]
    head = {"binding": len(result.binding), "members": result.members, "unsound": result.unsound}
    # The last column is told by the pairs, too.
    layouts = [partial(table, text, columns[:end], result.policies) for end in (None, -1)]
    parts: list[RenderableType] = [
        text("robust.head", **head),
        FirstFitting(layouts),
        text("robust.set", ids=text.join(result.named), count=len(result.named)),
    ]
    if result.pairs:
        pairs = (f"  {_pair(pair, titles, text)}" for pair in result.pairs)
        parts.append(lines([Prose(text("robust.pairs"), Style.STRONG), *pairs]))
    return blocks([*parts, text("robust.legend")])


def _pair(pair: PolicyPair, titles: Mapping[str, str], text: Text) -> str:
    return text(
        "robust.tie" if pair.is_tie else "robust.pair",
        first=titles[pair.first],
        second=titles[pair.second],
        more=f"{pair.difference:+.2f}",
        error=f"{pair.error:.2f}",
        share=f"{100 * pair.share_difference:+.1f}",
        share_error=f"{100 * pair.share_error:.1f}",
    )


def signposts_table(
    signs: Sequence[Signpost], gain: Adaptation | None, names: Mapping[str, str], text: Text
) -> RenderableType:
    """Lay out, of each target, the statistics that foretell it best, year by year.

    What rules by which the policy adapts gain comes below; ``names`` of targets by their ids.
    """
    parts = [_signs(signs, text) if signs else text("signposts.none")]
    return blocks(parts if gain is None else [*parts, _gain(gain, names, text)])


def _gain(gain: Adaptation, names: Mapping[str, str], text: Text) -> RenderableType:
    """Lay out an adaptive policy beside the same without its rules."""
    columns = [
        text_column(text("adaptation.head", count=gain.robustness.members)),
        figure_column(text("adaptation.without")),
        figure_column(text("adaptation.within")),
        figure_column(text("adaptation.gain")),
        Column(text("mix.unit")),
    ]
    (without, within), (pair,) = gain.robustness.policies, gain.robustness.pairs
    hundred = text("adaptation.of_hundred")
    shares = f"{100 * without.named_share:.1f}", f"{100 * within.named_share:.1f}"
    share = f"{100 * pair.share_difference:+.1f} ± {100 * pair.share_error:.1f}"
    means = f"{without.mean_met:.2f}", f"{within.mean_met:.2f}"
    rows: list[Row] = [
        (text("robust.mean_met"), *means, f"{pair.difference:+.2f} ± {pair.error:.2f}", ""),
        (text("robust.named"), *shares, share, hundred),
    ]
    for key, met in without.met.items():
        if abs(within.met[key] - met) >= 0.01:  # one of a hundred members
            ends = 100 * met, 100 * within.met[key]
            shown = f"{ends[0]:.1f}", f"{ends[1]:.1f}", f"{ends[1] - ends[0]:+.1f}"
            rows.append((f"{key}  {names[key]}", *shown, hundred))
    for one in gain.effort:
        change = f"{one.difference:+.2g} ± {one.error:.1g}"
        ends_shown = f"{one.without:.3g}", f"{one.within:.3g}"
        rows.append((text.name(one), *ends_shown, change, unit_cell(one.unit, text)))
    tie = [text("adaptation.tie")] if pair.is_tie else []
    named = gain.robustness.named
    legend = text("adaptation.legend", count=len(named), ids=text.join(named))
    return blocks([Grid(columns, rows), *tie, legend])


def _signs(signs: Sequence[Signpost], text: Text) -> RenderableType:
    def area(sign: Signpost) -> Prose:
        figure = f"{sign.area:.2f} ± {sign.area_error:.2f}"
        return Prose(figure) if sign.is_useful else Prose(f"({figure})", Style.FAINT)

    def threshold(sign: Signpost) -> str:
        return f"{'≥' if sign.is_met_above else '≤'} {four_digits(sign.threshold)}"

    columns = [
        Column("signposts.year", lambda s: f"  {s.year}"),
        text_column("signposts.statistic", lambda s: text.pick(s.statistic_en, s.statistic_zh)),
        figure_column("signposts.area", area),
        figure_column("signposts.threshold", threshold),
        unit_column(text, lambda s: s.unit),
        figure_column("signposts.hope", lambda s: _hundred(s.false_hope)),
        figure_column("signposts.alarm", lambda s: _hundred(s.false_alarm)),
    ]
    rows: list[Signpost | Band] = []
    for name, best in groupby(best_signs(signs), key=text.name):
        rows += [Band(name, style=None), *best]
    count = len({sign.statistic for sign in signs})
    return blocks([table(text, columns, rows), text("signposts.legend", statistics=count)])


def conflicts_table(result: Conflicts, names: Mapping[str, str], text: Text) -> RenderableType:
    """Lay out the smallest conflicts; ``names`` of targets by their ids."""
    counts = {"sets": result.sets, "runs": result.runs, "members": result.members}
    head = text("conflicts.head", largest=result.largest, **counts)
    if not result.conflicts:
        return blocks([head, text("conflicts.none")])

    def relaxed(conflict: Conflict) -> str:
        ways = [
            text(
                "conflicts.by",
                name=names[one.target],
                amount=difference_words(f"{one.amount:.2g}", one.unit, text),
            )
            for one in conflict.relaxations
            if one.amount is not None
        ]
        return text("conflicts.or").join(ways) or text("conflicts.nothing")

    columns = [
        text_column("conflicts.set", lambda c: text.join(names[one] for one in c.targets)),
        figure_column("conflicts.share", lambda c: f"{_hundred(c.share)}/100"),
        text_column("conflicts.relax", relaxed),
    ]
    return blocks([head, table(text, columns, result.conflicts), text("conflicts.legend")])


def information_table(
    result: Information, titles: Mapping[str, str], model: Model, text: Text, *, most: int = 10
) -> RenderableType:
    """Lay out which unknowns are worth knowing to the choice among policies.

    ``titles`` of the policies by their ids; one without a title is called by its id.
    """
    pairs = zip(result.policies, result.means, strict=True)
    policies = text.join(f"{titles.get(name, name)} {mean:.2f}" for name, mean in pairs)
    best = titles.get(result.best, result.best)
    known = {"best": best, "members": result.members, "perfect": f"{result.perfect:.2f}"}
    head = text("information.head", policies=policies, **known)
    worth = [one for one in result.unknowns if one.value > NORMAL * one.error][:most]
    shown = worth or sorted(result.unknowns, key=lambda one: -one.pawn)[:3]
    columns = [
        text_column(
            "discover.unknown",
            lambda one: constants_name(one.factor.constants, model, text) or one.factor.name,
        ),
        figure_column("information.value", lambda one: f"{one.value:.3f} ± {one.error:.3f}"),
        figure_column("PAWN", lambda one: f"{one.pawn:.2f}"),
    ]
    none = [] if worth else [text("information.none")]
    legend = text("information.legend", by_chance=f"{result.by_chance:.2f}")
    return blocks([head, *none, table(text, columns, shown), legend])


def _hundred(share: float) -> str:
    return str(of_hundred(share)) if math.isfinite(share) else "–"
