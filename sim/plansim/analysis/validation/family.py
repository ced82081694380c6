"""Q21: the same structure, given the data of another place, finds what came out there."""

from __future__ import annotations

from plansim.analysis.family import compare, load_family
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.result import Case, Finding, Number, Said, found, not_applicable

__all__ = ["MOST", "family"]

MOST = 0.15
"""Of what came out."""


def family(dossier: Dossier) -> Finding:
    """Run the scenario that is another place, and hold it to what came out there.

    The file beside the model may ask for less than `MOST`, never for more.
    """
    limits: dict[str, Number] = {"most": MOST}
    other = load_family(dossier.model)
    if other is None or other.scenario not in dossier.scenarios:
        return not_applicable("Q21", "family", limits)
    cases = []
    for each in compare(other, dossier.model, dossier.scenarios[other.scenario]):
        values: dict[str, Number] = {
            "year": each.figure.year,
            "simulated": each.simulated,
            "observed": each.figure.value,
            "unit": each.figure.unit,
            "error": each.error,
        }
        holds = each.holds and abs(each.error) <= MOST
        names = (each.figure.name_en, each.figure.name_zh)
        cases.append(Case(each.figure.id, holds, Said.FAMILY, values, *names))
    figures: dict[str, Number] = {
        "held": sum(case.holds for case in cases),
        "figures": len(cases),
        "worst": max(abs(float(case.values["error"])) for case in cases),
    }
    return found("Q21", cases, figures, limits)
