"""The contents of a report on scenarios: its sections, in their order.

The first is the decision; the others are what is behind it.
"""

from __future__ import annotations

from plansim.analysis.comparison import Comparison
from plansim.output.report.document import Document
from plansim.output.report.sections.assumptions import assumption_section
from plansim.output.report.sections.causes import cause_section
from plansim.output.report.sections.decision import LETTERS, decision_section
from plansim.output.report.sections.method import method_section
from plansim.output.report.sections.remedies import remedies_section, robust_section
from plansim.output.report.sections.verdicts import chart_section, verdict_section
from plansim.output.series import titles as run_titles
from plansim.output.words.text import Text
from plansim.output.words.wrapping import shortened

__all__ = ["comparison_report"]

MOST_NAMED = 40
"""Columns of a scenario's title where it heads a table; the report's own title has it in full."""


def comparison_report(comparison: Comparison, text: Text) -> Document:
    """Build the report in the language of ``text``."""
    titles = run_titles(comparison.runs, text)
    names = [
        f"{letter}  {shortened(title, MOST_NAMED)}"
        for letter, title in zip(LETTERS, titles, strict=False)
    ]
    sections = [
        decision_section(comparison, titles, names, text),
        verdict_section(comparison, names, text),
        remedies_section(comparison, names, text),
        robust_section(comparison, titles, names, text),
        assumption_section(comparison, names, text),
        cause_section(comparison, names, text),
        chart_section(comparison, names, text),
        method_section(comparison, names, text),
    ]
    plan = comparison.plan
    return Document(
        text.lang,
        text("report.title", scenarios=text.join_and(titles)),
        text.pick(plan.en, plan.zh),
        tuple(section for section in sections if section.blocks),
    )
