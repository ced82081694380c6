"""What scenarios assume."""

from __future__ import annotations

from collections.abc import Sequence

from plansim.analysis.comparison import Assumption, Comparison
from plansim.analysis.optimization.orders import FIRST_YEAR
from plansim.model.units import NO_UNIT, shown_in
from plansim.output.report.document import (
    Cell,
    Paragraph,
    ReportTable,
    Section,
    TableColumn,
    Tone,
)
from plansim.output.report.sections.verdicts import number_cell
from plansim.output.words.text import Text
from plansim.scenario.factors import Apply
from plansim.targets.views import Lever

__all__ = ["assumption_section"]


def assumption_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the assumptions that differ, with their values; and what scenarios take as given."""
    columns = (
        TableColumn(text("report.assumption"), width=4.0),
        TableColumn(text("run.unit"), width=1.4),
        *(TableColumn(name, right=True, width=1.6) for name in names),
    )
    levers = {frozenset(lever.constants): lever for lever in comparison.views.levers}
    rows = []
    for assumption in comparison.assumptions:
        lever = levers.get(frozenset([assumption.reference]))
        called: Assumption | Lever = assumption
        shown, factor = shown_in(assumption.unit)
        # A lever that adds or multiplies is no name for the value that results.
        if lever is not None and lever.apply is Apply.SET:
            called, shown, factor = lever, lever.shown_unit, lever.shown_factor
        name = text.name(called)
        given = [value for value in assumption.values if value is not None]
        is_date = shown == "Year" and min(given) >= FIRST_YEAR
        unit = "" if shown == NO_UNIT or is_date else text.unit(shown)
        cells = []
        for value in assumption.values:
            tone = Tone.PLAIN if value == assumption.values[0] else Tone.STRONG
            if value is None:
                cells.append(Cell("–", tone=tone))
            elif is_date:
                cells.append(Cell(text.month(value), tone=tone))
            else:
                cells.append(number_cell(value * factor, f"{value * factor:.6g}", tone))
        rows.append((Cell(name[:1].upper() + name[1:]), Cell(unit), *cells))
    title, tab = text("report.assumptions"), text("report.assumptions_tab")
    if not rows:
        return Section(title, tab, (Paragraph(text("report.no_assumptions")),))
    note = [
        text(
            "report.premises",
            scenario=name,
            names=text.join(
                text.name(one) for one in comparison.targets if one.id in scenario.assumed
            ),
        )
        for name, scenario in zip(names, comparison.scenarios, strict=True)
        if scenario.assumed
    ]
    table = ReportTable(text("report.assumptions_table"), columns, tuple(rows),
                  text("list_sep.sentence").join(note))  # fmt: skip
    return Section(title, tab, (table,))
