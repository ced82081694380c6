"""Q18 to Q20: what drives each binding target, how likely it is, and which scenario does better."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.sensitivity.ranking import FRAGILE
from plansim.analysis.sensitivity.study import ENOUGH, MAIN, Drivers, Sensitivity, sensitivity
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.result import Case, Finding, Number, Said, found, not_applicable

__all__ = ["DOUBTS", "FEWEST_FACTORS", "SAMPLES", "doubts"]

DOUBTS = ("Q18", "Q19", "Q20")
"""The tests that one study answers."""
SAMPLES = 1024
"""Rows of each of the study's two matrices: the fewest whose chances are as sure as Q19 asks."""
FEWEST_FACTORS = 20


def doubts(dossier: Dossier) -> Mapping[str, Finding]:
    """Make the study of uncertainty that the checks name, and say what it found."""
    name = dossier.checks.scenarios.uncertainty
    path = dossier.baseline.path
    if name is None or path is None:
        return {test: not_applicable(test, "uncertainty") for test in DOUBTS}
    design = read_design(path.parent / name, dossier.model, samples=SAMPLES)
    study = sensitivity(dossier.model, design, dossier.targets)
    return {"Q18": _drivers(study), "Q19": _chances(study), "Q20": _ranking(study)}


def _drivers(study: Sensitivity) -> Finding:
    cases = [_driver_case(each) for each in study.drivers]
    if len(study.chosen) < FEWEST_FACTORS:
        few: dict[str, Number] = {"count": len(study.chosen), "fewest": FEWEST_FACTORS}
        cases.append(Case("factors", False, Said.TOO_FEW, few))
    figures: dict[str, Number] = {
        "factors": len(study.design.factors),
        "chosen": len(study.chosen),
        "targets": len(study.drivers),
        "runs": study.runs,
        "broken": study.broken,
    }
    return found("Q18", cases, figures, {"fewest": FEWEST_FACTORS, "main": MAIN})


def _driver_case(drivers: Drivers) -> Case:
    """Name the main drivers of a target; it holds where all their indices are known."""
    indices = [number for each in drivers.main for number in (each.total, each.total_low)]
    known = len(drivers.main) == MAIN and all(map(math.isfinite, indices))
    named = "; ".join(
        f"{each.factor} {each.total:.2f} ({each.total_low:.2f}–{each.total_high:.2f})"
        for each in drivers.main
    )
    rest = 0.0 if drivers.rest is None else drivers.rest.total
    target = drivers.target
    values: dict[str, Number] = {"drivers": named, "rest": rest}
    values |= {"spread": drivers.spread, "unit": target.unit}
    still = drivers.spread == 0
    return Case(target.id, known or still, Said.DRIVEN, values, target.name_en, target.name_zh)


def _chances(study: Sensitivity) -> Finding:
    first = study.design.scenarios[0].id
    cases = []
    for each in study.chances:
        if each.scenario != first or math.isnan(each.met):
            continue
        if each.target is not None and each.target not in study.binding:
            continue
        values: dict[str, Number] = {"met": each.met, "error": each.error}
        names = ("", "") if each.target is None else (each.target.name_en, each.target.name_zh)
        subject = "all binding" if each.target is None else each.target.id
        cases.append(Case(subject, each.error <= ENOUGH, Said.CHANCE, values, *names))
    worst = max((each.error for each in study.chances if math.isfinite(each.error)), default=1.0)
    if not worst <= ENOUGH:
        cases.append(Case("other scenarios", False, Said.UNSURE, {"error": worst}))
    if study.broken:
        cases.append(Case("runs", False, Said.BROKEN, {"count": study.broken}))
    figures: dict[str, Number] = {
        "targets": len(study.binding),
        "scenarios": len(study.design.scenarios),
        "draws": study.draws,
        "worst": worst,
    }
    return found("Q19", cases, figures, {"points": ENOUGH * 100})


def _ranking(study: Sensitivity) -> Finding:
    """See that every two neighbours in the order of scenarios are told stable or fragile."""
    cases = list(_neighbours(study))
    fragile = sum(case.said is Said.FRAGILE for case in cases)
    order = [] if study.ranking is None else [each.scenario for each in study.ranking.places]
    figures: dict[str, Number] = {
        "order": " > ".join(order) or "–",
        "pairs": len(cases),
        "fragile": fragile,
        "draws": 0 if study.ranking is None else study.ranking.draws,
    }
    return found("Q20", cases, figures, {"most": FRAGILE})


def _neighbours(study: Sensitivity) -> Iterator[Case]:
    if study.ranking is None:
        return
    order = [each.scenario for each in study.ranking.places]
    for ahead, behind in pairwise(order):
        for each in study.ranking.pairings:
            if (each.ahead, each.behind) == (ahead, behind):
                said = Said.STABLE if each.stable else Said.FRAGILE
                values: dict[str, Number] = {"other": behind, "turned": each.fewer}
                values |= {"more": each.more, "equal": each.equal}
                known = math.isfinite(each.fewer) and study.ranking.draws > 0
                yield Case(ahead, known, said, values)
