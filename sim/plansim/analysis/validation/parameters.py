"""Q02 to Q04: units agree, numbers have sources and ranges, and everything is explained."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.result import (
    Case,
    Finding,
    Number,
    Said,
    found,
    not_applicable,
)
from plansim.analysis.validation.settings import limits, numbers_of
from plansim.engine.simlin import check_units, has_simlin
from plansim.model.comment import read_source
from plansim.model.evidence import load_evidence
from plansim.model.records import Model, Variable, VariableKind
from plansim.targets.audit import FILE_NAME as AUDIT
from plansim.targets.audit import audit_plan

__all__ = ["documentation", "parameters", "units"]

_CHINESE = re.compile(r"[一-鿿]")
_FORBIDDEN = re.compile(r"[%‰³²]")
"""Signs that a unit may not have: one checker or the other does not know them."""
_FEWEST_WORDS = 3
_FEWEST_CHARACTERS = 4
_ASSUMED, _DERIVED = "A", "D"


# --- Q02 ------------------------------------------------------------------------------------------


def units(dossier: Dossier) -> Finding:
    """See that no unit is missing, and let pysimlin see whether they agree."""
    model = dossier.model
    cases = [
        Case(each.name, False, Said.NO_UNIT, {"unit": each.unit})
        for each in model.variables.values()
        if not each.unit.strip() or _FORBIDDEN.search(each.unit)
    ]
    if not has_simlin():
        return found("Q02", cases) if cases else not_applicable("Q02", "pysimlin")
    issues = check_units(model.path)
    cases += [Case(model.name, False, Said.UNIT, {"what": issue}) for issue in issues]
    figures: dict[str, Number] = {"issues": len(issues), "blank": len(cases) - len(issues)}
    figures["variables"] = len(model.variables)
    return found("Q02", cases or [Case(model.name, True, Said.SOUND_MODEL)], figures)


# --- Q03 ------------------------------------------------------------------------------------------


def parameters(dossier: Dossier) -> Finding:
    """See that each constant has a source and ranges that hold it, and stands on no edge."""
    model = dossier.model
    constants = [v for v in model.variables.values() if v.kind is VariableKind.CONSTANT]
    known = _known_sources(dossier)
    edges = dossier.checks.on_edge
    cases = [case for each in constants for case in _constant_cases(each, edges)]
    cases += [
        Case(each.name, False, Said.UNKNOWN_SOURCE, {"what": source})
        for each in model.variables.values()
        for source in each.source_ids
        if source not in known
    ]
    figures: dict[str, Number] = {
        "constants": len(constants),
        "numbers": sum(len(numbers_of(each)) for each in constants),
        "edges": len(edges),
        "ranged": sum(each.plausible is not None for each in constants),
    }
    return found("Q03", cases or [Case(model.name, True, Said.SOUND_MODEL)], figures)


def _constant_cases(each: Variable, on_edge: Collection[str]) -> Iterator[Case]:
    if not each.sources:
        yield Case(each.name, False, Said.UNDOCUMENTED, {"lacking": "source"})
    if None in each.admissible:
        yield Case(each.name, False, Said.NO_RANGE, {"lacking": "admissible"})
    if each.plausible is None and _ASSUMED in each.source_ids:
        yield Case(each.name, False, Said.NO_RANGE, {"lacking": "plausible"})
    least, most = limits(each)
    ends: dict[str, Number]
    if each.plausible is not None and not least <= each.plausible[0] < each.plausible[1] <= most:
        ends = {"low": each.plausible[0], "high": each.plausible[1]}
        yield Case(each.name, False, Said.ODD_RANGE, ends)
    for reference, number in numbers_of(each).items():
        low, high = each.plausible or (least, most)
        inside = low < number < high or (each.plausible is None and low <= number <= high)
        # Where the edge is the end of what is admissible (a share of 0 or 1), it is no edge.
        natural = number in each.admissible and low <= number <= high
        excused = reference in on_edge and number in (low, high)
        if reference in on_edge and not excused:
            yield Case(reference, False, Said.NO_EDGE, {"value": number})
        if not (inside or natural or excused) or not least <= number <= most:
            ends = {"value": number, "low": low, "high": high}
            yield Case(reference, False, Said.OUTSIDE, ends)


def _known_sources(dossier: Dossier) -> set[str]:
    folder = dossier.model.path.parent
    known = {*(each.id for each in dossier.targets), *load_evidence(folder)}
    if (folder / AUDIT).is_file():
        known |= {clash.id for clash in audit_plan(folder)}
    # M09 and the like stand for all of their rows.
    whole = {re.sub(r"[a-z]$", "", each) for each in known}
    return known | whole | {_ASSUMED, _DERIVED}


# --- Q04 ------------------------------------------------------------------------------------------


def documentation(dossier: Dossier) -> Finding:
    """See that everything has a Chinese name and, in both languages, a sentence of its own."""
    model = dossier.model
    # The language fixes the comments of the clock.
    explained = [v for v in model.variables.values() if v.kind is not VariableKind.CONTROL]
    cases = [
        Case(each.name, False, Said.UNDOCUMENTED, {"lacking": what})
        for each in explained
        for what in _lacking(each)
    ]
    cases += _shared(explained, "name_zh")
    cases += _shared(explained, "meaning_en")
    cases += _shared(explained, "meaning_zh")
    cases += _ranges(model)
    figures: dict[str, Number] = {"variables": len(explained)}
    return found("Q04", cases or [Case(model.name, True, Said.SOUND_MODEL)], figures)


def _lacking(each: Variable) -> Iterator[str]:
    if not _CHINESE.search(each.name_zh):
        yield "name_zh"
    if (
        len(each.meaning_en.split()) < _FEWEST_WORDS
        or not each.meaning_en.endswith(".")
        or re.match(r"The same\b", each.meaning_en)
    ):
        yield "meaning_en"
    if (
        len(_CHINESE.findall(each.meaning_zh)) < _FEWEST_CHARACTERS
        or not each.meaning_zh.endswith("。")
        or re.match("同上|同前", each.meaning_zh)
        or each.meaning_zh.rstrip("。") == each.name_zh
    ):
        yield "meaning_zh"
    for source in map(read_source, each.sources):
        if bool(source.reason_en) != bool(source.reason_zh):
            yield "reason_en" if source.reason_zh else "reason_zh"
    if not each.sources:
        yield "source"


def _shared(variables: Iterable[Variable], attribute: str) -> Iterator[Case]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for each in variables:
        names[getattr(each, attribute)].append(each.name)
    for shared, owners in names.items():
        if shared and len(owners) > 1:
            values: dict[str, Number] = {"what": shared, "others": ", ".join(owners[1:])}
            yield Case(owners[0], False, Said.DOUBLED, values)


def _ranges(model: Model) -> Iterator[Case]:
    for each in model.subscripts.values():
        named = all(_CHINESE.search(name) for name in (each.name_zh, *each.elements_zh))
        if not named or len(each.elements_zh) != len(each.elements):
            yield Case(each.name, False, Said.UNDOCUMENTED, {"lacking": "name_zh"})
