"""The report on a comparison: which binding targets fail, when, their remedies, and why.

The first section is the decision; it is made to fit one page. The others are what stands behind it.
"""

from __future__ import annotations

import json

from plansim.analysis.comparison import Comparison
from plansim.output.report.document import (
    Block,
    Bullets,
    Cell,
    Document,
    Paragraph,
    ReportTable,
    Row,
    Section,
    TableColumn,
)
from plansim.output.report.remedies import remedies_section, remedy_in_words
from plansim.output.report.tables import (
    TONES,
    assumption_section,
    cause_section,
    target_cell,
    verdict_section,
)
from plansim.output.report.themes import theme_section
from plansim.output.words.text import Text, percent
from plansim.output.words.verdicts import MARKS, limit_of, margin_text, value_text
from plansim.targets.target import Attribute, Status, Target
from plansim.targets.verdict import Verdict

__all__ = ["comparison_report"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Stand for scenarios where their names would not fit."""


def comparison_report(comparison: Comparison, text: Text) -> Document:
    """Build the report in the language of ``text``."""
    titles = _names(comparison, text)
    names = _heads(titles)
    themes = [theme_section(comparison, theme, names, text) for theme in comparison.views.themes]
    if themes:
        first = themes[0]
        themes[0] = Section(first.title, first.short, first.blocks, new_page=True)
    sections = [
        _decision(comparison, titles, names, text),
        verdict_section(comparison, names, text),
        remedies_section(comparison, names, text),
        assumption_section(comparison, names, text),
        *cause_section(comparison, names, text),
        *themes,
        _method(comparison, names, text),
    ]
    plan = comparison.plan
    return Document(
        text.lang,
        text("report.title", scenarios=_all_of(titles, text)),
        text.pick(plan.en, plan.zh),
        tuple(section for section in sections if section.blocks),
    )


def _names(comparison: Comparison, text: Text) -> list[str]:
    """Return the titles of the scenarios with their ids where two are the same."""
    result = [
        text.pick(scenario.title_en, scenario.title_zh) or scenario.id
        for scenario in comparison.scenarios
    ]
    return [
        f"{name} ({scenario.id})" if result.count(name) > 1 else name
        for name, scenario in zip(result, comparison.scenarios, strict=True)
    ]


def _all_of(titles: list[str], text: Text) -> str:
    """Write ``A, B and C``."""
    *first, last = titles
    return text("report.versus").join([text.join(first), last])


def _heads(names: list[str]) -> list[str]:
    """Return the letters and names of the scenarios, as the heads of their columns."""
    return [f"{letter}  {name}" for letter, name in zip(LETTERS, names, strict=False)]


# --- page one -------------------------------------------------------------------------------------


def _decision(comparison: Comparison, titles: list[str], names: list[str], text: Text) -> Section:
    failing = comparison.failing
    blocks: list[Block] = [Paragraph(_head(comparison, titles, text), lead=True)]
    if failing:
        blocks.append(_failing_table(comparison, names, text))
    words = []
    if comparison.breached:
        parts = [
            text("report.later_one", id=target.id, name=text.pick(target.name_en, target.name_zh),
                 when=text.join(_breaches(comparison, target, text)))
            for target in comparison.breached
        ]  # fmt: skip
        words.append(text("report.later", targets=text("list_sep.semicolon").join(parts)))
    unjudged = [
        target.id
        for target in comparison.targets
        if target.attribute is Attribute.BINDING
        and all(v[target.id].status is Status.UNTESTABLE for v in comparison.verdicts)
    ]
    if unjudged:
        words.append(text("report.unjudged", count=len(unjudged), ids=text.join(unjudged)))
    if words:
        blocks.append(Bullets(tuple(words)))
    return Section(text("report.decision"), text("report.decision_tab"), tuple(blocks))


def _head(comparison: Comparison, names: list[str], text: Text) -> str:
    """Say in a few sentences how many binding targets fail, and whether they are the same ones."""
    words = []
    fails = []
    for name, verdicts in zip(names, comparison.verdicts, strict=True):
        binding = [
            verdict for verdict in verdicts.values() if verdict.attribute is Attribute.BINDING
        ]
        judged = [verdict for verdict in binding if verdict.status is not Status.UNTESTABLE]
        failed = [e.id for e in judged if e.status in (Status.MISSED, Status.UNDECIDED)]
        fails.append(set(failed))
        words.append(
            text("report.fails", scenario=name, failed=len(failed), judged=len(judged))
            if failed
            else text("report.holds", scenario=name, judged=len(judged))
        )
    everywhere = set.intersection(*fails)
    listed = [target.id for target in comparison.failing]
    if everywhere:
        same = [id_ for id_ in listed if id_ in everywhere]
        words.append(text("report.same", ids=text.join(same)))
    for name, mine, others in zip(names, fails, _others(fails), strict=True):
        if only := [id_ for id_ in listed if id_ in mine and id_ not in others]:
            words.append(text("report.only", scenario=name, ids=text.join(only)))
    return text("list_sep.sentence").join(words)


def _others(sets: list[set[str]]) -> list[set[str]]:
    return [set().union(*(sets[:index] + sets[index + 1 :])) for index in range(len(sets))]


def _failing_table(comparison: Comparison, names: list[str], text: Text) -> ReportTable:
    columns = [TableColumn(text("verdicts.name"), text("verdicts.target"), width=3.2)]
    columns += [TableColumn(name, width=1.7) for name in names]
    sought = any(comparison.remedies)
    if sought:
        columns.append(TableColumn(text("report.remedy"), width=4.6))
    rows = []
    for target in comparison.failing:
        cells = [target_cell(target, f"{limit_of(target, text)} {text.unit(target.unit)}", text)]
        cells += [_decision_cell(comparison, index, target, text) for index in range(len(names))]
        if sought:
            cells.append(_remedy_cell(comparison, target, text))
        rows.append(Row(tuple(cells)))
    note = [text("report.failing_note")]
    if sought:
        note.append(text("report.remedy_note"))
    if comparison.spread is not None:
        note.append(text("report.spread_note", sweep=comparison.spread.name))
        if not comparison.spread.same_model:
            note.append(text("report.other_model"))
    return ReportTable(text("report.failing"), tuple(columns), tuple(rows),
                 text("list_sep.sentence").join(note))  # fmt: skip


def _decision_cell(comparison: Comparison, index: int, target: Target, text: Text) -> Cell:
    verdict = comparison.verdicts[index][target.id]
    mark = MARKS[verdict.status]
    if verdict.value is None:
        return Cell(f"{mark} {text.word('status', verdict.status)}", tone=TONES[verdict.status])
    below = [f"{margin_text(verdict, target)} ({percent(verdict.margin_pct)})"]
    if verdict.first_breach not in (None, target.year):
        below.append(text("report.fails_first", year=verdict.first_breach))
    share = _share(comparison, index, target)
    if share is not None:
        below.append(text("report.share", share=f"{share * 100:.0f}"))
    return Cell(
        f"{mark} {value_text(target, verdict.value)} {text.unit(target.unit)}",
        tuple(below),
        TONES[verdict.status],
        verdict.value,
        6,
    )


def _share(comparison: Comparison, index: int, target: Target) -> float | None:
    """Return the share of the runs of the sweep that meet a target, if it ran the scenario."""
    scenario = comparison.scenarios[index].id
    if comparison.spread is None:
        return None
    shares = comparison.spread.summary["p_met"]
    if scenario not in shares["scenario"] or target.id not in shares["target"]:
        return None
    share = float(shares.sel(scenario=scenario, target=target.id))
    return share if share == share else None  # NaN where the scenario assumes it


def _remedy_cell(comparison: Comparison, target: Target, text: Text) -> Cell:
    result = [
        (letter, of_target)
        for letter, remedies in zip(LETTERS, comparison.remedies, strict=False)
        for of_target in remedies
        if of_target.target.id == target.id
    ]
    words = [remedy_in_words(of_target, text) for _, of_target in result]
    if len(set(words)) == 1:
        return Cell(words[0])
    lines = [
        letter + text("list_sep.colon") + parts
        for (letter, _), parts in zip(result, words, strict=True)
    ]
    return Cell("\n".join(lines))


def _breaches(comparison: Comparison, target: Target, text: Text) -> list[str]:
    return [
        text("report.when", scenario=letter, year=result.first_breach)
        for letter, verdicts in zip(LETTERS, comparison.verdicts, strict=False)
        if (result := verdicts[target.id]).first_breach is not None
    ]


# --- the last page --------------------------------------------------------------------------------


def _method(comparison: Comparison, names: list[str], text: Text) -> Section:
    points = [text("report.method_model", variables=f"{len(comparison.model.variables):,}",
                   count=sum(_judged(verdict) for verdict in comparison.verdicts[0].values())),
              text("report.method_verdicts"), text("report.method_causes")]  # fmt: skip
    if any(comparison.remedies):
        points.append(text("report.method_remedies"))
    points += [text("report.method_units"), text("report.method_trust")]
    cards = [{str(k): str(v) for k, v in run.attrs.items()} for run in comparison.runs]
    keys = [key for key in cards[0] if not key.startswith("scenario_title")]
    rows = []
    for key in keys:
        values = [_readable(card.get(key, "")) for card in cards]
        if any(values):
            label = text.word("run_card", key)
            rows.append(Row((Cell(label), *(Cell(value) for value in values))))
    table = ReportTable(
        text("report.card"),
        (
            TableColumn(text("report.entry"), width=1.5),
            *(TableColumn(name, width=3.0) for name in names),
        ),
        tuple(rows),
    )
    return Section(text("report.method"), text("report.method_tab"),
                   (Bullets(tuple(points)), table), new_page=True)  # fmt: skip


def _judged(verdict: Verdict) -> bool:
    return verdict.status is not Status.UNTESTABLE


def _readable(value: str) -> str:
    """Write a list without its brackets, a check sum by its first digits.

    >>> _readable('["a", "b"]'), _readable("0" * 64), _readable("0.125")
    ('a, b', '000000000000…', '0.125')
    """
    if value.startswith("["):
        return ", ".join(map(str, json.loads(value)))
    return f"{value[:12]}…" if len(value) == 64 else value
