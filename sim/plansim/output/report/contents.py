"""The contents of a report: its sections in their order, and what the first and last of them say.

The first section is the decision; it is made to fit one page. The others are what is behind it.
"""

from __future__ import annotations

import json

from plansim.analysis.comparison import Comparison
from plansim.output.report import document as doc
from plansim.output.report.sections.assumptions import assumption_section
from plansim.output.report.sections.causes import cause_section
from plansim.output.report.sections.remedies import (
    order_in_words,
    package_in_words,
    remedies_section,
    robust_section,
)
from plansim.output.report.sections.verdicts import (
    chart_section,
    target_cell,
    target_column,
    verdict_cells,
    verdict_columns,
    verdict_section,
)
from plansim.output.series import titles as run_titles
from plansim.output.words import verdicts as wording
from plansim.output.words.answer import answer_sentences, open_means
from plansim.output.words.text import Text
from plansim.targets.target import Attribute, Status, Target
from plansim.targets.verdict import SURE, Verdict

__all__ = ["comparison_report"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Stand for scenarios where their names would not fit."""


def comparison_report(comparison: Comparison, text: Text) -> doc.Document:
    """Build the report in the language of ``text``."""
    titles = run_titles(comparison.runs, text)
    names = [f"{letter}  {title}" for letter, title in zip(LETTERS, titles, strict=False)]
    sections = [
        _decision(comparison, titles, names, text),
        verdict_section(comparison, names, text),
        remedies_section(comparison, names, text),
        robust_section(comparison, titles, names, text),
        assumption_section(comparison, names, text),
        cause_section(comparison, names, text),
        chart_section(comparison, names, text),
        _method(comparison, names, text),
    ]
    plan = comparison.plan
    return doc.Document(
        text.lang,
        text("report.title", scenarios=text.join_and(titles)),
        text.pick(plan.en, plan.zh),
        tuple(section for section in sections if section.blocks),
    )


# --- page one -------------------------------------------------------------------------------------


def _decision(
    comparison: Comparison, titles: list[str], names: list[str], text: Text
) -> doc.Section:
    verdicts = [verdict for own in comparison.verdicts for verdict in own.values()]
    by_id = {one.id: title for one, title in zip(comparison.scenarios, titles, strict=True)}
    said = [*answer_sentences(verdicts, text, by_id), *open_means(verdicts, text)]
    blocks: list[doc.Block] = [doc.Paragraph("\n".join(said), lead=True)]
    if comparison.binding:
        blocks.append(_decision_table(comparison, names, text))
    packages = [
        package_in_words(found.package, letter, text)
        for letter, found in zip(LETTERS, comparison.remedies, strict=False)
        if found.package is not None
    ]
    parts = text("list_sep.semicolon").join(packages)
    points = [text("report.packages", parts=parts)] if packages else []
    unjudged = [
        target
        for target in comparison.targets
        if target.attribute is Attribute.BINDING
        and all(v[target.id].status is Status.UNTESTABLE for v in comparison.verdicts)
    ]
    if unjudged:
        points.append(text("report.unjudged", names=text.join(map(text.name, unjudged))))
    if points:
        blocks.append(doc.Bullets(tuple(points)))
    return doc.Section(text("report.decision"), text("report.decision_tab"), tuple(blocks))


def _decision_table(comparison: Comparison, names: list[str], text: Text) -> doc.ReportTable:
    """Return the binding targets: those that hold under the first scenario, are open, and fail."""
    sought = any(found.targets for found in comparison.remedies)
    columns = [target_column(text, 3.0), *verdict_columns(names, text, 1.55)]
    if sought:
        parts = (
            doc.TableColumn(text("report.help_under", scenario=name[0]), width=3.0)
            for name in names
        )
        columns.append(doc.TableColumn(text("report.help"), width=5.7, parts=tuple(parts)))
    rows: list[doc.Row | doc.GroupRow] = []
    first = comparison.verdicts[0]
    for state in ("holds", "open", "fails", "given"):
        group = [one for one in comparison.binding if _state(first[one.id]) == state]
        if group:
            title = text.word("state", state).format(count=len(group), scenario=LETTERS[0])
            rows.append(doc.GroupRow(title))
        for target in group:
            cells = [target_cell(target, text), *verdict_cells(comparison, target, text)]
            rows.append((*cells, *[_help_cell(comparison, target, text)] * sought))
    verdicts = [own[one.id] for one in comparison.binding for own in comparison.verdicts]
    note = [text("report.decision_note"), *wording.bases_words(verdicts, text),
            *wording.units_words(comparison.binding, text)]  # fmt: skip
    if sought:
        note.append(text("report.help_note", sure=SURE))
    shares = [verdict.share for verdict in verdicts]
    if share := max(filter(None, shares), key=lambda share: share.members, default=None):
        kind = text.word("ensemble", share.ensemble)
        note.append(text("report.models_note", count=share.members, kind=kind))
    said, state = text("list_sep.sentence").join(note), text("report.state", scenario=LETTERS[0])
    sections = [section for section, _ in wording.by_section(comparison.binding, text)]
    title = text("report.binding", title=text.join(sections))
    return doc.ReportTable(title, tuple(columns), tuple(rows), said, state)


def _state(verdict: Verdict) -> str:
    if not verdict.status.judged:
        return "given"
    if verdict.is_open:
        return "open"
    return "holds" if verdict.status is Status.MET else "fails"


def _help_cell(comparison: Comparison, target: Target, text: Text) -> doc.Cell:
    """Return what would help a target under each scenario, once where that is the same."""
    orders = [{one.target.id: one for one in found.targets} for found in comparison.remedies]
    helps = [order_in_words(own[target.id], text) if target.id in own else "" for own in orders]
    told = [
        letter + text("list_sep.colon") + words
        for letter, words in zip(LETTERS, helps, strict=False)
        if words
    ]
    if told and len(set(helps)) == 1:
        told = helps[:1]
    return doc.Cell("\n".join(told) or "–", parts=tuple(doc.Cell(one or "–") for one in helps))


# --- the last page --------------------------------------------------------------------------------


def _method(comparison: Comparison, names: list[str], text: Text) -> doc.Section:
    judged = sum(one.status is not Status.UNTESTABLE for one in comparison.verdicts[0].values())
    count = f"{len(comparison.model.variables):,}"
    points = [
        text("report.method_model", variables=count, count=judged),
        text("report.method_verdicts"),
        text("report.method_causes"),
    ]
    if any(found.targets for found in comparison.remedies):
        points.append(text("report.method_remedies"))
    points += [text("report.method_units"), text("report.method_trust")]
    cards = [{str(k): str(v) for k, v in run.attrs.items()} for run in comparison.runs]
    keys = [key for key in cards[0] if not key.startswith("scenario_title")]
    rows = []
    for key in keys:
        values = [_readable(card.get(key, "")) for card in cards]
        if any(values):
            label = text.word("run_card", key)
            rows.append((doc.Cell(label), *map(doc.Cell, values)))
    table = doc.ReportTable(
        text("report.card"),
        (
            doc.TableColumn(text("report.entry"), width=1.5),
            *(doc.TableColumn(name, width=3.0) for name in names),
        ),
        tuple(rows),
    )
    return doc.Section(text("report.method"), text("report.method_tab"),
                   (doc.Bullets(tuple(points)), table), new_page=True)  # fmt: skip


def _readable(value: str) -> str:
    """Write a list without its brackets, a check sum by its first digits.

    >>> _readable('["a", "b"]'), _readable("0" * 64), _readable("0.125")
    ('a, b', '000000000000…', '0.125')
    """
    if value.startswith("["):
        return ", ".join(map(str, json.loads(value)))
    return f"{value[:12]}…" if len(value) == 64 else value
