"""Q06: the model's base year is that of the plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.probe import probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found
from plansim.targets.catalogue import Target, split_reference, unit_factor
from plansim.targets.indicator import Measure

__all__ = ["CLOSE", "base_year", "stated"]

CLOSE = 0.005
"""Of the plan's figure."""


def stated(dossier: Dossier) -> Iterator[Target]:
    """Give the rows of the main table that state a figure of the base year itself."""
    for target in dossier.judged:
        of_base = target.base_period is not None and (
            target.base_period.first == target.base_period.last == target.since
        )
        in_table = re.fullmatch(dossier.checks.main_table.rows, target.id)
        if of_base and in_table and target.base_value is not None:
            yield target


def base_year(dossier: Dossier) -> Finding:
    """Read the baseline in the base year, on every basis but the one that the plan leaves out."""
    rows = list(stated(dossier))
    names = {split_reference(each)[0] for row in rows for each in row.variables.values()}
    probe = probe_of(dossier.model, outputs=sorted(names))
    runs = probe.run([dossier.baseline.values], dossier.baseline.time)
    cases = []
    for row in rows:
        as_stated = replace(row, measure=Measure.LEVEL, unit=row.base_unit)
        for basis, reference in row.variables.items():
            if basis is not None and basis is dossier.checks.main_table.except_basis:
                continue
            unit = dossier.model.variables[split_reference(reference)[0]].unit
            value = float(runs.yearly(reference)(row.since)[0]) * unit_factor(unit, as_stated)
            assert row.base_value is not None
            part = abs(value - row.base_value) / abs(row.base_value)
            values: dict[str, Number] = {"what": reference, "year": row.since, "value": value}
            values |= {"stated": row.base_value, "unit": row.base_unit, "part": part}
            cases.append(Case(row.id, part <= CLOSE, Said.STATED, values))
    figures = {
        "rows": len(rows),
        "largest": max((float(c.values["part"]) for c in cases), default=0.0),
    }
    return found("Q06", cases, figures, {"most": CLOSE})
