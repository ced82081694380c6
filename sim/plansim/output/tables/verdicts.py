"""The verdicts of one or more scenarios side by side, and their counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from plansim.output.tables.layout import (
    LEAST,
    Band,
    Column,
    FirstFitting,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    edges,
    figure_column,
    lines,
    section,
    stacked,
    text_column,
)
from plansim.output.words.text import Text, percent
from plansim.output.words.verdicts import (
    MARKS,
    bases_of,
    breaks_later,
    by_section,
    gap_text,
    limit_of,
    margin_size,
    margin_text,
    others_of,
    section_of,
    value_text,
)
from plansim.output.words.wrapping import wrap
from plansim.targets.target import Attribute, Gap, Status, Target
from plansim.targets.verdict import Verdict

__all__ = ["STYLES", "margin_cell", "verdict_table"]

STYLES = {
    Status.MET: Style.GOOD,
    Status.MISSED: Style.BAD,
    Status.UNDECIDED: Style.DOUBT,
    Status.ASSUMED: Style.DOUBT,
    Status.UNTESTABLE: Style.FAINT,
}
_NAME_WIDTH = 40
"""Wider names are wrapped."""
_TITLE_WIDTH = 18
"""A scenario's title is wrapped to this in the head of its column."""
_NAME_WRAPPED = 24
"""Names are wrapped to this before values stand over margins."""

ByScenario = Mapping[str, Verdict]
Unjudged = Sequence[tuple[Target, ByScenario]]


def verdict_table(
    verdicts: Sequence[Verdict],
    targets: Iterable[Target],
    text: Text,
    *,
    titles: Mapping[str, str] | None = None,
    every: bool = False,
) -> RenderableType:
    """Lay out the verdicts of one or more scenarios side by side, binding targets first.

    ``targets`` are those that were judged, ``titles`` are the scenarios' by id. Below the table are
    a legend, and the targets that no scenario can judge: counted, or with ``every`` listed with
    their reasons. The counts for each scenario come last.
    """
    by_target: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        by_target.setdefault(verdict.id, {})[verdict.scenario] = verdict
    judged = sorted((target for target in targets if target.id in by_target), key=section_of)
    shown = [target for target in judged if not _all_untestable(by_target[target.id])]
    hidden = [target for target in judged if target not in shown]
    scenarios = list(dict.fromkeys(verdict.scenario for verdict in verdicts))
    heads = {scenario: _head(scenario, (titles or {}).get(scenario, "")) for scenario in scenarios}
    parts: list[RenderableType] = [
        _table(shown, by_target, heads, text) if shown else text("verdicts.none")
    ]
    if every:
        hidden += [target for target in shown if _gaps(by_target[target.id])]
    if hidden:
        unjudged = [(target, by_target[target.id]) for target in hidden]
        parts.append(_reasons(unjudged, text) if every else _counted(unjudged, text))
    return blocks([*parts, _summary(verdicts, text)])


def margin_cell(
    target: Target, margin: float, *, style: Style | None = None, nothing: float = 1e-6
) -> Prose:
    """Return a margin of a search in ``style``, by default in the colour of its sign."""
    side = Style.GOOD if margin >= 0 else Style.BAD
    return Prose(
        margin_size(target, margin, nothing), style or ("" if math.isnan(margin) else side)
    )


def _all_untestable(verdicts: ByScenario) -> bool:
    return all(verdict.status is Status.UNTESTABLE for verdict in verdicts.values())


def _head(scenario: str, title: str) -> RenderableType:
    below = [(part, Style.FAINT.value) for part in wrap(title, _TITLE_WIDTH) if part]
    return stacked([(scenario, Style.STRONG.value), *below])


# --- the table ------------------------------------------------------------------------------------


def _table(
    shown: Sequence[Target],
    by_target: Mapping[str, ByScenario],
    heads: Mapping[str, RenderableType],
    text: Text,
) -> FirstFitting:
    """Lay the verdicts out in one line a target, if need be with the name wrapped.

    If that is too wide, values are above margins: all scenarios side by side, or as many as fit.
    """
    ids = list(heads)
    kind = _kind([verdict for target in shown for verdict in by_target[target.id].values()], text)

    def panel(scenarios: Sequence[str], *, flat: bool) -> Grid:
        least = _NAME_WRAPPED if flat else LEAST
        columns = [
            Column(text("verdicts.id")),
            text_column(text("verdicts.name"), least=least, most=_NAME_WIDTH),
            figure_column(text("verdicts.target")),
        ]
        for scenario in scenarios:
            columns.append(Column(heads[scenario], wraps=not flat, least=_TITLE_WIDTH))
            columns += [figure_column()] * 3 * flat
            if flat and kind:
                columns.append(figure_column(text("verdicts.share_head", kind=kind)))
        rows: list[Row | Band] = []
        for title, targets in by_section(shown, text):
            rows.append(section(title))
            for target in targets:
                name = text.pick(target.name_en, target.name_zh)
                limit = limit_of(target, text) + (" " if flat else "\n") + text.unit(target.unit)
                row: list[RenderableType] = [target.id, name, limit]
                for scenario in scenarios:
                    verdict = by_target[target.id][scenario]
                    if not flat:
                        row.append(_stacked_cell(verdict, target, text))
                        continue
                    row += _flat_cells(verdict, target, text)
                    if kind:
                        row.append(_share_text(verdict))
                rows.append(row)
        return Grid(columns, rows)

    def panels(size: int, *, flat: bool = False) -> RenderableType:
        groups = [ids[start : start + size] for start in range(0, len(ids), size)]
        verdicts = [verdict for target in shown for verdict in by_target[target.id].values()]
        legend = _legend(verdicts, text, flat=flat)
        return blocks([*(panel(group, flat=flat) for group in groups), legend])

    sizes = range(len(ids), 0, -1)
    layouts = [partial(panels, len(ids), flat=True), *(partial(panels, size) for size in sizes)]
    return FirstFitting(layouts)


def _status(verdict: Verdict, text: Text) -> Prose:
    word = f"{MARKS[verdict.status]} {text.word('status', verdict.status)}"
    return Prose(word, STYLES[verdict.status])


def _stacked_cell(verdict: Verdict, target: Target, text: Text) -> RenderableType:
    """One cell: status and value, below it the margin or the bases, and the year of breach."""
    if verdict.value is None:
        return _status(verdict, text)
    bases = bases_of(verdict, target, text)
    value = "" if bases else value_text(target, verdict.value)
    parts = [edges(_status(verdict, text), value), *(edges(*base) for base in bases)]
    share = _share_text(verdict)
    if not bases:
        margin = f"{margin_text(verdict, target)} ({percent(verdict.margin_pct)})"
        parts.append(edges(share, margin))
    for basis, value in others_of(verdict, target, text):
        parts.append(edges(Prose(basis, Style.FAINT), value))
    later = text("verdicts.breach", year=verdict.first_breach) if breaks_later(verdict) else ""
    if (bases and share) or later:
        parts.append(edges(share if bases else "", later))
    return lines(parts)


def _share_text(verdict: Verdict) -> str:
    """Return in how many of 100 plausible models the target is met; empty if that is unknown.

    None and all are said only where it is so.
    """
    if verdict.share is None or verdict.share.share is None:
        return ""
    share = verdict.share.share
    return f"{round(100 * share) if share in (0, 1) else min(max(round(100 * share), 1), 99)}/100"


def _kind(verdicts: Iterable[Verdict], text: Text) -> str:
    """Return the kind of ensemble of which shares are shown; empty if there are none."""
    kinds = (verdict.share.ensemble for verdict in verdicts if verdict.share)
    return next((text.word("ensemble", kind) for kind in kinds), "")


def _flat_cells(verdict: Verdict, target: Target, text: Text) -> Row:
    """Four cells: status, value, margin, margin in per cent; the year of breach below that."""
    if verdict.value is None:
        return _status(verdict, text), "", "", ""
    decided = verdict.status is not Status.UNDECIDED
    bases = bases_of(verdict, target, text) or others_of(verdict, target, text)
    value = value_text(target, verdict.value) if decided else ""
    margin = margin_text(verdict, target) if decided else ""
    share = percent(verdict.margin_pct) if decided else ""
    breach = text("verdicts.breach", year=verdict.first_breach) if breaks_later(verdict) else ""
    return (
        lines([_status(verdict, text), *(f"  {basis}" for basis, _ in bases)]),
        "\n".join([value, *(value for _, value in bases)]),
        margin,
        f"{share}\n{breach}".strip(),
    )


def _legend(verdicts: Sequence[Verdict], text: Text, *, flat: bool) -> RenderableType:
    """Return the legend of the marks that the table uses."""
    statuses = {verdict.status for verdict in verdicts}
    used = {
        "verdicts.legend_margin_wide" if flat else "verdicts.legend_margin": True,
        "verdicts.legend_breach": any(map(breaks_later, verdicts)),
        "verdicts.legend_undecided": Status.UNDECIDED in statuses,
        "verdicts.legend_assumed": Status.ASSUMED in statuses,
    }
    legend = [text(key) for key, is_used in used.items() if is_used]
    shares = [(verdict, verdict.share) for verdict in verdicts if verdict.share]
    if example := next(filter(None, (_share_text(verdict) for verdict, _ in shares)), ""):
        count = max(share.members + share.unsound for _, share in shares)
        kind = _kind(verdicts, text)
        legend.append(text("verdicts.legend_share", example=example, count=count, kind=kind))
    if unsound := max((share.unsound for _, share in shares), default=0):
        legend.append(text("verdicts.legend_unsound", count=unsound))
    return lines(legend)


# --- what is not judged ---------------------------------------------------------------------------


def _gaps(verdicts: ByScenario) -> dict[str, Verdict]:
    """Return the verdicts that have a gap and so are untestable, by scenario."""
    return {scenario: verdict for scenario, verdict in verdicts.items() if verdict.gap is not None}


def _reasons(unjudged: Unjudged, text: Text) -> Grid:
    """List the targets that are not judged, each with why."""
    rows = [
        (target.id, text.pick(target.name_en, target.name_zh)
                    + text("list_sep.colon") + _reason(verdicts, text))
        for target, verdicts in unjudged
    ]  # fmt: skip
    return Grid([Column(), text_column()], rows, title=text("verdicts.untestable_title"))


def _reason(verdicts: ByScenario, text: Text) -> str:
    """Return why a target is not judged, and under which scenarios if not under all."""
    gaps = {scenario: gap_text(gap, text) for scenario, gap in _gaps(verdicts).items()}
    if len(set(gaps.values())) == 1 and len(gaps) == len(verdicts):
        return next(iter(gaps.values()))
    under = (
        text("verdicts.gap_under", scenario=scenario, reason=reason)
        for scenario, reason in gaps.items()
    )
    return text("list_sep.sentence").join(under)


def _counted(unjudged: Unjudged, text: Text) -> str:
    """Count the targets that are not judged: for want of a variable, else by scenario and why."""
    wanting = [
        target
        for target, verdicts in unjudged
        if any(verdict.gap is Gap.NOT_MODELLED for verdict in verdicts.values())
    ]
    sentences = list(_not_modelled(wanting, text)) if wanting else []
    others = Counter(
        (scenario, gap_text(gap, text))
        for target, verdicts in unjudged
        if target not in wanting
        for scenario, gap in _gaps(verdicts).items()
    )
    sentences += [
        text("verdicts.gap_count", scenario=scenario, count=count, reason=reason)
        for (scenario, reason), count in others.items()
    ]
    sentences.append(text("verdicts.untestable_hint"))
    return text("list_sep.sentence").join(sentences)


def _not_modelled(targets: Sequence[Target], text: Text) -> Iterator[str]:
    """Count the targets for which the model has no variable."""
    count = Counter(target.attribute for target in targets)
    parts = [
        text(
            "verdicts.untestable_part",
            count=count[attribute],
            attribute=text.word("attribute", attribute),
        )
        for attribute in Attribute
        if count[attribute]
    ]
    yield text("verdicts.untestable", parts=text.join(parts))
    binding = [target.id for target in targets if target.attribute is Attribute.BINDING]
    if binding:
        yield text("verdicts.untestable_binding", ids=text.join(binding))


# --- how many -------------------------------------------------------------------------------------


def _summary(verdicts: Sequence[Verdict], text: Text) -> Grid:
    """Count the verdicts of each scenario, and those on binding targets among them."""
    rows: list[Row] = []
    for scenario in dict.fromkeys(verdict.scenario for verdict in verdicts):
        own = [verdict for verdict in verdicts if verdict.scenario == scenario]
        binding = [verdict for verdict in own if verdict.attribute is Attribute.BINDING]
        rows.append((Prose(scenario, Style.STRONG), *_counts(own)))
        if binding:
            rows.append((text("verdicts.binding"), *_counts(binding)))
    return Grid(
        [Column(), *(figure_column(text.word("status", status)) for status in Status)], rows
    )


def _counts(verdicts: Iterable[Verdict]) -> Iterator[str]:
    count = Counter(verdict.status for verdict in verdicts)
    return (str(count[status]) for status in Status)
