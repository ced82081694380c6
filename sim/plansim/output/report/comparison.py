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
    assumption_section,
    cause_section,
    target_cell,
    tone_of,
    verdict_section,
)
from plansim.output.report.themes import theme_section
from plansim.output.words.answer import answer
from plansim.output.words.text import Text
from plansim.output.words.verdicts import (
    limit_of,
    margin_words,
    mark_of,
    outcome_words,
    share_text,
    value_words,
)
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
    said = answer(
        [verdict for verdicts in comparison.verdicts for verdict in verdicts.values()],
        text,
        {one.id: title for one, title in zip(comparison.scenarios, titles, strict=True)},
    )
    blocks: list[Block] = [Paragraph(said, lead=True)]
    if comparison.unsure:
        blocks.append(_unsure_table(comparison, names, text))
    words = []
    if comparison.breached:
        parts = [
            text("report.later_one", name=text.pick(target.name_en, target.name_zh),
                 when=text.join(_breaches(comparison, target, text)))
            for target in comparison.breached
        ]  # fmt: skip
        words.append(text("report.later", targets=text("list_sep.semicolon").join(parts)))
    unjudged = [
        text.pick(target.name_en, target.name_zh)
        for target in comparison.targets
        if target.attribute is Attribute.BINDING
        and all(v[target.id].status is Status.UNTESTABLE for v in comparison.verdicts)
    ]
    if unjudged:
        words.append(text("report.unjudged", count=len(unjudged), names=text.join(unjudged)))
    if words:
        blocks.append(Bullets(tuple(words)))
    return Section(text("report.decision"), text("report.decision_tab"), tuple(blocks))


def _unsure_table(comparison: Comparison, names: list[str], text: Text) -> ReportTable:
    columns = [TableColumn(text("verdicts.name"), text("verdicts.target"), width=3.2)]
    columns += [TableColumn(name, width=1.7) for name in names]
    sought = any(comparison.remedies)
    if sought:
        columns.append(TableColumn(text("report.remedy"), width=4.6))
    rows = []
    for target in comparison.unsure:
        cells = [target_cell(target, f"{limit_of(target, text)} {text.unit(target.unit)}", text)]
        cells += [_decision_cell(comparison, index, target, text) for index in range(len(names))]
        if sought:
            cells.append(_remedy_cell(comparison, target, text))
        rows.append(Row(tuple(cells)))
    note = [text("report.unsure_note")]
    if sought:
        note.append(text("report.remedy_note"))
    if comparison.spread is not None:
        note.append(text("report.spread_note", sweep=comparison.spread.name))
        if not comparison.spread.same_model:
            note.append(text("report.other_model"))
    return ReportTable(text("report.unsure"), tuple(columns), tuple(rows),
                 text("list_sep.sentence").join(note))  # fmt: skip


def _decision_cell(comparison: Comparison, index: int, target: Target, text: Text) -> Cell:
    verdict = comparison.verdicts[index][target.id]
    mark, tone = mark_of(verdict), tone_of(verdict)
    if verdict.value is None:
        return Cell(outcome_words(verdict, text), tone=tone)
    below = [margin_words(verdict, target, text)]
    if verdict.first_breach not in (None, target.year):
        below.append(text("report.fails_first", year=verdict.first_breach))
    if models := share_text(verdict):
        below.append(text("report.models", share=models))
    share = _share(comparison, index, target)
    if share is not None:
        below.append(text("report.share", share=f"{share * 100:.0f}"))
    return Cell(
        f"{mark} {value_words(target, verdict.value, text)} {text.unit(target.unit)}",
        tuple(below),
        tone,
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
    words = [remedy_in_words(of_target, text) for _, of_target in result] or ["–"]
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
