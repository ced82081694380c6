"""A comparison of scenarios on one page: verdicts, why some turn, the smallest remedies."""

from __future__ import annotations

from collections.abc import Iterator

from plansim.analysis.comparison import Comparison
from plansim.output.report.remedies import order_in_words
from plansim.output.report.tables import cause_in_short
from plansim.output.tables.layout import (
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    lines,
    text_column,
)
from plansim.output.tables.verdicts import letter_of, verdict_table
from plansim.output.words.answer import gained, lost
from plansim.output.words.text import Text
from plansim.targets.target import Attribute
from plansim.targets.verdict import SURE

__all__ = ["comparison_table"]


def comparison_table(comparison: Comparison, text: Text) -> RenderableType:
    """Lay out what a comparison comes to: what `check` shows, then causes and remedies in short."""
    titles = {
        scenario.id: text.pick(scenario.title_en, scenario.title_zh)
        for scenario in comparison.scenarios
    }
    verdicts = [one for by_id in comparison.verdicts for one in by_id.values()]
    parts: list[RenderableType] = [verdict_table(verdicts, comparison.targets, text, titles=titles)]
    if causes := list(_causes(comparison, text)):
        head = Prose(text("report.why_turned"), Style.STRONG)
        parts.append(lines([head, Grid([text_column(), text_column()], causes)]))
    if any(found.targets for found in comparison.remedies):
        parts.append(_remedies(comparison, text))
    return blocks(parts)


def _causes(comparison: Comparison, text: Text) -> Iterator[Row]:
    """Yield the binding targets that turn from the first scenario to another, and why."""
    first, *others = (
        {key: one for key, one in own.items() if one.attribute is Attribute.BINDING}
        for own in comparison.verdicts
    )
    for place, (other, attribution) in enumerate(
        zip(others, comparison.attributions, strict=True), 1
    ):
        turned = [*lost(first, other), *gained(first, other)]
        if attribution is None or not turned:
            continue
        labelled = attribution.labelled(comparison.views.levers)
        for shares in labelled.targets:
            if shares.target.id in turned:
                name = text.pick(shares.target.name_en, shares.target.name_zh)
                yield (
                    f"{letter_of(place)}  {name}",
                    cause_in_short(labelled, shares, text),
                )


def _remedies(comparison: Comparison, text: Text) -> RenderableType:
    """Lay out what would help each target that is not sure, a scenario a column."""
    by_id = [{one.target.id: one for one in found.targets} for found in comparison.remedies]
    columns = [text_column(text("report.help"), least=24)]
    columns += [text_column(letter_of(place), least=24) for place in range(len(by_id))]
    rows: list[Row] = []
    for target in comparison.unsure:
        found = [own.get(target.id) for own in by_id]
        words = ["–" if one is None else order_in_words(one, text) for one in found]
        rows.append([text.pick(target.name_en, target.name_zh), *words])
    return lines([Grid(columns, rows), text("report.help_note", sure=SURE)])
