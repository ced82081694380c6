"""The first page of a report: the answer, the binding targets, and what would help."""

from __future__ import annotations

from dataclasses import replace

from plansim.analysis.comparison import Comparison
from plansim.model.records import Model
from plansim.output.describe import lever_of
from plansim.output.report.document import (
    Block,
    Bullets,
    Cell,
    GroupRow,
    Paragraph,
    ReportTable,
    Row,
    Section,
    TableColumn,
)
from plansim.output.report.sections.remedies import order_in_words, packages_in_words
from plansim.output.report.sections.verdicts import (
    target_cell,
    target_column,
    verdict_cells,
    verdict_columns,
)
from plansim.output.words import verdicts as wording
from plansim.output.words.answer import answer_sentences, open_means
from plansim.output.words.text import Text
from plansim.scenario.records import Scenario
from plansim.targets.target import Attribute, Status, Target
from plansim.targets.verdict import SURE, Verdict

__all__ = ["LETTERS", "decision_section"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Stand for scenarios where their names would not fit."""
MOST_HELPED = 2
"""Maximum number of scenarios of which the first page says what would help each."""


def decision_section(
    comparison: Comparison, titles: list[str], names: list[str], text: Text
) -> Section:
    """Return the answer, the binding targets with what would help, and what is left to say of them.

    It is made to fit one page.
    """
    verdicts = [verdict for own in comparison.verdicts for verdict in own.values()]
    by_id = {one.id: title for one, title in zip(comparison.scenarios, titles, strict=True)}
    said = [*answer_sentences(verdicts, text, by_id), *open_means(verdicts, text)]
    blocks: list[Block] = [Paragraph("\n".join(said), lead=True)]
    changed = [
        text("list_sep.comma").join(_set_in_words(one, scenario, comparison.model, text)
                                    for one in scenario.overrides)
        for scenario in comparison.scenarios
    ]  # fmt: skip
    if any(changed):
        lettered = (f"{letter} {one or '–'}" for letter, one in zip(LETTERS, changed, strict=False))
        values = changed[0] if len(set(changed)) == 1 else text("list_sep.semicolon").join(lettered)
        blocks.append(Paragraph(text("report.set_by_call", values=values)))
    if comparison.binding:
        blocks.append(_decision_table(comparison, names, text))
    points = packages_in_words(comparison.remedies[: helped(comparison)], LETTERS, text)
    unjudged = [
        target
        for target in comparison.targets
        if target.attribute is Attribute.BINDING
        and all(v[target.id].status is Status.UNTESTABLE for v in comparison.verdicts)
    ]
    if unjudged:
        points.append(text("report.unjudged", names=text.join(map(text.name, unjudged))))
    if points:
        blocks.append(Bullets(tuple(points)))
    return Section(text("report.decision"), text("report.decision_tab"), tuple(blocks))


def helped(comparison: Comparison) -> int:
    """Return for how many scenarios, from the first on, the page has room to say what would help.

    Section `remedies_section` has all.
    """
    return len(comparison.scenarios) if len(comparison.scenarios) <= MOST_HELPED else 1


def _set_in_words(setting: str, scenario: Scenario, model: Model, text: Text) -> str:
    """Write what a call sets by the label of its lever and in its unit; without one, as given."""
    name = setting.partition("=")[0].strip()
    number, lever = scenario.values.get(name), lever_of([name], model)
    if number is None or lever is None:
        return setting
    value = text.amount(f"{number * lever.shown_factor:.6g}", lever.shown_unit)
    return f"{text.name(lever)} = {value}"


def _decision_table(comparison: Comparison, names: list[str], text: Text) -> ReportTable:
    """Return the binding targets: those that hold under the first scenario, are open, and fail."""
    sought = any(found.targets for found in comparison.remedies)
    several = helped(comparison) > 1
    columns = [target_column(text, 3.0 if several else 3.5), *verdict_columns(names, text, 1.6)]
    if sought:
        parts = tuple(
            TableColumn(text("report.help_under", scenario=name[0]), width=3.0) for name in names
        )
        if several:
            columns.append(TableColumn(text("report.help"), width=5.9, parts=parts))
        else:
            columns.append(replace(parts[0], width=3.9, parts=parts))
    rows: list[Row | GroupRow] = []
    first = comparison.verdicts[0]
    for state in ("holds", "open", "fails", "given"):
        group = [one for one in comparison.binding if _state(first[one.id]) == state]
        if group:
            title = text.word("state", state).format(count=len(group), scenario=LETTERS[0])
            rows.append(GroupRow(title))
        for target in group:
            cells = [target_cell(target, text), *verdict_cells(comparison, target, text)]
            rows.append((*cells, *[_help_cell(comparison, target, text)] * sought))
    verdicts = [own[one.id] for one in comparison.binding for own in comparison.verdicts]
    note = [text("report.decision_note"), *wording.bases_words(verdicts, text),
            *wording.units_words(comparison.binding, text)]  # fmt: skip
    if sought:
        note.append(text("report.help_note", sure=SURE))
        if helped(comparison) < len(names):
            note.append(text("report.help_others", section=text("report.remedies")))
    shares = [verdict.share for verdict in verdicts]
    if share := max(filter(None, shares), key=lambda share: share.members, default=None):
        kind = text.word("ensemble", share.ensemble)
        note.append(text("report.models_note", count=share.members, kind=kind))
    said, state = text("list_sep.sentence").join(note), text("report.state", scenario=LETTERS[0])
    sections = [section for section, _ in wording.by_section(comparison.binding, text)]
    title = text("report.binding", title=text.join(sections))
    return ReportTable(title, tuple(columns), tuple(rows), said, state)


def _state(verdict: Verdict) -> str:
    if not verdict.status.judged:
        return "given"
    if verdict.is_open:
        return "open"
    return "holds" if verdict.status is Status.MET else "fails"


def _help_cell(comparison: Comparison, target: Target, text: Text) -> Cell:
    """Return what would help a target under each scenario, once where that is the same."""
    orders = [{one.target.id: one for one in found.targets} for found in comparison.remedies]
    helps = [order_in_words(own[target.id], text) if target.id in own else "" for own in orders]
    told = [
        letter + text("list_sep.colon") + words
        for letter, words in zip(LETTERS, helps, strict=False)
        if words
    ]
    if told and (helped(comparison) == 1 or len(set(helps)) == 1):
        told = helps[:1]
    return Cell("\n".join(told) or "–", parts=tuple(Cell(one or "–") for one in helps))
