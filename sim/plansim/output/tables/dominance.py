"""When which loop dominates, for a reader: phases of each indicator, and loop scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from plansim.analysis.feedback.dominance import WEAK, Dominance, Lead, Phase, Year
from plansim.analysis.feedback.dominance import Row as Answer
from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import Loop
from plansim.output.tables.layout import (
    Band,
    Column,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    lines,
    section,
    text_column,
)
from plansim.output.text import Text

__all__ = ["answer_word", "dominance_json", "dominance_table", "held_for", "span"]

SMALL = 0.05
"""A loop whose share of scores is below this in every year is only named."""


def dominance_table(
    found: Dominance, scores: LoopScores | None, loops: Sequence[Loop], text: Text
) -> RenderableType:
    """Lay out phases for each indicator; below them the scores, or that there are none."""
    names = {loop.id: text.pick(loop.name_en, loop.name_zh) for loop in loops}
    other = 1 if found.window > 1 else 5
    legend = [
        text("dominance.legend", span=held_for(found, text), weak=f"{WEAK * 100:g}", other=other)
    ]
    if found.unheld:
        legend.append(text("dominance.unheld", ids=text.join(list(found.unheld))))
    return blocks(
        [
            text("dominance.title", scenario=found.scenario.id),
            Grid(_phase_columns(text), _rows(found.rows, names, text)),
            lines(legend),
            *(_scores(scores, names, text) if scores else [text("dominance.no_scores")]),
        ]
    )


def held_for(found: Dominance, text: Text) -> str:
    """Say for how many years loops were held; one is the twelve months."""
    key = "dominance.span_one" if found.window == 1 else "dominance.span"
    return text(key, window=found.window)


def span(phase: Phase) -> str:
    """Write the years of a phase.

    >>> year = Year(2005, 1.0, 1.0, {"R1": 0.5})
    >>> span(Phase((year,))), span(Phase((year, Year(2006, 1.0, 1.0, {"R1": 0.5}))))
    ('2005', '2005–2006')
    """
    return f"{phase.first}" if phase.first == phase.last else f"{phase.first}–{phase.last}"


def answer_word(phase: Phase, text: Text, marks: tuple[str, str] = ("↑", "↓")) -> str:
    """Say which loop dominates in a phase, and which way; or why none does."""
    if not phase.leaders:
        return text.word("dominance", phase.lead)
    up, down = marks
    return " ≈ ".join(f"{id_} {up if phase.pushes_up(id_) else down}" for id_ in phase.leaders)


def _phase_columns(text: Text) -> list[Column]:
    return [
        Column(text("dominance.years")),
        text_column(text("dominance.loop")),
        figure_column(text("dominance.share")),
    ]


def _rows(answers: Sequence[Answer], names: Mapping[str, str], text: Text) -> Iterator[Row | Band]:
    for answer in answers:
        indicator = answer.indicator
        name = text.pick(indicator.name_en, indicator.name_zh)
        ids = text.join(list(indicator.targets))
        yield Band(f"{ids}  {name[:1].upper()}{name[1:]}".strip(), style=None)
        yield from _phases(answer.phases, names, text)


def _phases(
    phases: Sequence[Phase],
    names: Mapping[str, str],
    text: Text,
    marks: tuple[str, str] = ("↑", "↓"),
) -> Iterator[Row]:
    """Give a row a phase: years, loop and share."""
    for phase in phases:
        word = answer_word(phase, text, marks)
        if phase.lead is Lead.CLEAR:
            word += f" {names[phase.leaders[0]]}"
        style = "" if phase.leaders else Style.FAINT
        yield "  " + span(phase), Prose(word, style), _shares(phase)


def _shares(phase: Phase) -> str:
    low, high = phase.shares
    if math.isnan(low):
        return ""
    ends = dict.fromkeys(f"{each * 100:.0f}" for each in (low, high))
    return "–".join(ends) + " %"


def _scores(scores: LoopScores, names: Mapping[str, str], text: Text) -> list[RenderableType]:
    rows: list[Row | Band] = []
    small = []
    for partition in scores.partitions:
        rows += [section(), *_phases(partition.phases, names, text, ("+", "−"))]
        for id_ in partition.loops:
            shares = [year.share(id_) for year in partition.years]
            if not any(each >= SMALL for each in shares):
                small.append(id_)
    legend = [text("dominance.score_legend")]
    if small:
        legend.append(text("dominance.small", share=f"{SMALL * 100:g}", ids=text.join(small)))
    return [
        text("dominance.scores", scenario=scores.scenario.id),
        Grid(_phase_columns(text), rows),
        lines(legend),
    ]


def dominance_json(found: Dominance, scores: LoopScores | None) -> dict[str, object]:
    """Give both as what JSON can hold; a value that is no number is None.

    Contributions are in the model's unit of the indicator; without pysimlin ``scores`` is None.
    """
    return {
        "dominance": {
            "window": found.window,
            "runs": found.runs,
            "not_held": list(found.unheld),
            "indicators": [_answer(each) for each in found.rows],
        },
        "scores": scores
        and {
            "source": "pysimlin",
            "partitions": [
                {
                    "loops": list(each.loops),
                    "phases": [_phase(phase) for phase in each.phases],
                    "years": {
                        year.year: {id_: _number(share) for id_, share in year.parts.items()}
                        for year in each.years
                    },
                }
                for each in scores.partitions
            ],
        },
    }


def _answer(answer: Answer) -> dict[str, object]:
    return {
        "series": answer.indicator.reference,
        "name_en": answer.indicator.name_en,
        "name_zh": answer.indicator.name_zh,
        "targets": list(answer.indicator.targets),
        "unit": answer.unit,
        "phases": [_phase(each) for each in answer.phases],
        "years": {each.year: _year(each) for each in answer.years},
    }


def _phase(phase: Phase) -> dict[str, object]:
    return {
        "first": phase.first,
        "last": phase.last,
        "lead": phase.lead,
        "loops": {id_: 1 if phase.pushes_up(id_) else -1 for id_ in phase.leaders},
        "share": [_number(each) for each in phase.shares],
    }


def _year(year: Year) -> dict[str, object]:
    return {
        "value": _number(year.value),
        "lead": year.lead,
        "contributions": {id_: _number(each) for id_, each in year.parts.items()},
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
