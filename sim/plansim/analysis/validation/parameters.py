"""Q02 to Q04: units, sources and ranges of parameters, documentation.

Reference: J. D. Sterman (2000), Business Dynamics, chapter 21: dimensional consistency and
parameter assessment.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from plansim.analysis.validation.context import (
    ValidationContext,
    elements_of,
    limits,
    model_constants,
    uncertain,
)
from plansim.analysis.validation.result import Case, Result, case, result
from plansim.engine.simlin import check_units, has_simlin
from plansim.model.comment import load_evidence, read_source
from plansim.model.records import Variable, VariableKind
from plansim.targets.audit import FILE_NAME as AUDIT
from plansim.targets.audit import audit

__all__ = ["documentation", "parameters", "units"]

_CHINESE = re.compile(r"[一-鿿]")
_FORBIDDEN = re.compile(r"[%‰³²]")
"""Characters that a unit may not have, since pysimlin or PySD does not read them."""
_FEWEST_WORDS = 3
_FEWEST_CHARACTERS = 4
_ASSUMED, _DERIVED = "A", "D"


# --- Q02 ------------------------------------------------------------------------------------------


def units(context: ValidationContext) -> Result:
    """Q02: require a unit of every variable, and let pysimlin check that all agree."""
    model = context.model
    cases = [
        case(variable.name, False, "lacks", lacking="unit")
        for variable in model.variables.values()
        if not variable.unit.strip() or _FORBIDDEN.search(variable.unit)
    ]
    blank = len(cases)
    issues = check_units(model.path) if has_simlin() else []
    cases += [case(model.name, False, "reported", what=issue) for issue in issues]
    return result(
        "Q02",
        cases,
        sound=model.name,
        lacking=[] if has_simlin() else ["pysimlin"],
        issues=len(issues),
        blank=blank,
        variables=len(model.variables),
    )


# --- Q03 ------------------------------------------------------------------------------------------


def parameters(context: ValidationContext) -> Result:
    """Q03: require of each constant a source and ranges that hold it, away from their ends."""
    model, on_edge = context.model, context.checks.on_edge
    constants = model_constants(model)
    known = _known_sources(context)
    cases = [
        case(variable.name, False, "unknown", what=source)
        for variable in model.variables.values()
        for source in variable.source_ids
        if source not in known
    ]
    for unexplained in constants:
        cases += _range_cases(unexplained)
        for reference, number in elements_of(unexplained).items():
            cases += _number_cases(unexplained, reference, number, excepted=reference in on_edge)
    return result(
        "Q03",
        cases,
        sound=model.name,
        constants=len(constants),
        numbers=sum(len(elements_of(constant)) for constant in constants),
        edges=len(on_edge),
        ranged=len(uncertain(model)),
    )


def _range_cases(constant: Variable) -> Iterator[Case]:
    lacking = {
        "source": not constant.sources,
        "admissible": None in constant.admissible,
        "plausible": constant.plausible is None and _ASSUMED in constant.source_ids,
    }
    for what in (what for what, lacks in lacking.items() if lacks):
        yield case(constant.name, False, "lacks", lacking=what)
    if constant.plausible is not None:
        (least, most), (low, high) = limits(constant), constant.plausible
        if not least <= low < high <= most:
            yield case(constant.name, False, "bad_range", low=low, high=high)


def _number_cases(
    constant: Variable, reference: str, number: float, *, excepted: bool
) -> Iterator[Case]:
    low, high = constant.plausible or limits(constant)
    on_edge, inside = number in (low, high), low <= number <= high
    # An end of the admissible range itself (a share of 0 or 1) is no edge.
    natural = constant.plausible is None or number in constant.admissible
    if excepted and not on_edge:
        yield case(reference, False, "no_exception")
    if not inside or (on_edge and not natural and not excepted):
        yield case(reference, False, "out_of_range", value=number, low=low, high=high)


def _known_sources(context: ValidationContext) -> set[str]:
    folder = context.model.path.parent
    known = {*(target.id for target in context.targets), *load_evidence(folder)}
    if (folder / AUDIT).is_file():
        known |= {clash.id for clash in audit(folder)}
    # M09 and the like stand for all of their rows.
    whole = {re.sub(r"[a-z]$", "", name) for name in known}
    return known | whole | {_ASSUMED, _DERIVED}


# --- Q04 ------------------------------------------------------------------------------------------


def documentation(context: ValidationContext) -> Result:
    """Q04: require of everything a Chinese name, a meaning in both languages, and a source."""
    model = context.model
    # The language fixes the comments of the clock.
    explained = [v for v in model.variables.values() if v.kind is not VariableKind.CONTROL]
    cases = [
        case(constant.name, False, "lacks", lacking=what)
        for constant in explained
        for what in _lacking(constant)
    ]
    for attribute in ("name_zh", "meaning_en", "meaning_zh"):
        cases += _shared(explained, attribute)
    for subscript in model.subscripts.values():
        named = all(_CHINESE.search(name) for name in (subscript.name_zh, *subscript.elements_zh))
        if not named or len(subscript.elements_zh) != len(subscript.elements):
            cases.append(case(subscript.name, False, "lacks", lacking="name_zh"))
    return result("Q04", cases, sound=model.name, variables=len(explained))


def _lacking(variable: Variable) -> Iterator[str]:
    if not _CHINESE.search(variable.name_zh):
        yield "name_zh"
    if (
        len(variable.meaning_en.split()) < _FEWEST_WORDS
        or not variable.meaning_en.endswith(".")
        or re.match(r"The same\b", variable.meaning_en)
    ):
        yield "meaning_en"
    if (
        len(_CHINESE.findall(variable.meaning_zh)) < _FEWEST_CHARACTERS
        or not variable.meaning_zh.endswith("。")
        or re.match("同上|同前", variable.meaning_zh)
        or variable.meaning_zh.rstrip("。") == variable.name_zh
    ):
        yield "meaning_zh"
    for source in map(read_source, variable.sources):
        if bool(source.reason_en) != bool(source.reason_zh):
            yield "reason_en" if source.reason_zh else "reason_zh"
    if not variable.sources:
        yield "source"


def _shared(variables: Iterable[Variable], attribute: str) -> Iterator[Case]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for variable in variables:
        names[getattr(variable, attribute)].append(variable.name)
    for shared, (first, *others) in names.items():
        if shared and others:
            yield case(first, False, "duplicate", what=shared, others=", ".join(others))
