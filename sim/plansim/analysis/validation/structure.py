"""Q01: nothing in the model is loose, and each declared loop stands in its equations."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from plansim.analysis.feedback.loops import Loop, polarity_of
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.link_signs import link_cases
from plansim.analysis.validation.result import Case, Finding, Number, Said, found
from plansim.errors import FaultLog
from plansim.model.records import Model, VariableKind
from plansim.model.scan import scan_text
from plansim.model.syntax import NAME
from plansim.targets.catalogue import split_reference

__all__ = ["all_causes", "scalar_equations", "structure"]

_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+")


def structure(dossier: Dossier) -> Finding:
    """Look for orphans, hidden numbers and the declared loops, whose signs are measured in runs."""
    loose = list(_loose(dossier))
    loops = [case for loop in dossier.loops for case in _declared(dossier.model, loop)]
    loops += link_cases(dossier)
    broken = {case.subject for case in loops if not case.holds}
    links = sum(len(path) for loop in dossier.loops for path in loop.paths)
    whole = [
        Case(loop.id, True, Said.LOOP, {"paths": len(loop.paths)}, loop.name_en, loop.name_zh)
        for loop in dossier.loops
        if loop.id not in broken
    ]
    figures: dict[str, Number] = {
        "variables": len(dossier.model.variables),
        "equations": scalar_equations(dossier.model),
        "loose": len(loose),
        "loops": len(dossier.loops),
        "links": links,
        "whole": len(whole),
    }
    sound = [] if loose else [Case(dossier.model.name, True, Said.SOUND_MODEL)]
    cases = [*sound, *loose, *whole, *(case for case in loops if not case.holds)]
    return found("Q01", cases, figures, {"size": dossier.checks.size})


# --- what is loose --------------------------------------------------------------------------------


def _loose(dossier: Dossier) -> Iterator[Case]:
    model, reported = dossier.model, set(dossier.checks.outputs)
    judged = {split_reference(each)[0] for t in dossier.judged for each in t.variables.values()}
    for warning in model.warnings:
        yield Case(model.name, False, Said.WARNED, {"what": str(warning)})
    explained = [v.name for v in model.variables.values() if v.kind is not VariableKind.CONTROL]
    used = {cause for variable in model.variables.values() for cause in variable.causes}
    bearing = all_causes(model, judged | reported)
    for name in explained:
        if name not in used | judged | reported:
            yield Case(name, False, Said.ORPHAN)
        elif name not in bearing:  # a circle of variables that only use each other
            yield Case(name, False, Said.IDLE_VARIABLE)
        elif name in reported and name in used | judged:
            yield Case(name, False, Said.NO_ORPHAN)
    if (size := scalar_equations(model)) > dossier.checks.size:
        yield Case(model.name, False, Said.LARGE, {"equations": size})
    for name, numbers in _hidden(model, dossier.checks.plain):
        yield Case(name, False, Said.HIDDEN, {"what": ", ".join(numbers)})
    for target in dossier.targets:
        if re.fullmatch(dossier.checks.main_table.rows, target.id) and not target.variables:
            yield Case(target.id, False, Said.UNANSWERED, {}, target.name_en, target.name_zh)


def all_causes(model: Model, names: Iterable[str]) -> set[str]:
    """Give some variables with all that bears on them."""
    seen = set(names) & set(model.variables)
    ahead = list(seen)
    while ahead:
        causes = set(model.variables[ahead.pop()].causes) - seen
        seen |= causes
        ahead += causes
    return seen


def scalar_equations(model: Model) -> int:
    """Count equations beside constants, after expansion of the subscripts."""
    flat = (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY)
    return sum(
        math.prod(len(model.subscripts[name].elements) for name in variable.subscripts)
        for variable in model.variables.values()
        if variable.kind in flat
    )


def _hidden(model: Model, plain: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Find numbers in equations that are no constants: zero and one are no assumptions."""
    scan = scan_text(model.text, FaultLog(model.path))
    for equations in scan.equations.values():
        numbers: list[str] = []
        for equation in equations:
            if equation.expression.numbers is None:
                right = re.sub(r"\[[^\]]*\]", " ", equation.text.partition("=")[2])
                for allowed in plain:
                    right = right.replace(allowed, " ")
                bare = re.sub(rf"(?!\d)(?:{NAME})", " ", right)
                numbers += [each for each in _NUMBER.findall(bare) if float(each) not in (0, 1)]
        if numbers and model.find(equations[0].name).kind is not VariableKind.LOOKUP:
            yield equations[0].name, numbers


# --- loops as declared ----------------------------------------------------------------------------


def _declared(model: Model, loop: Loop) -> Iterator[Case]:
    names = (loop.name_en, loop.name_zh)
    switch = model.variables[loop.switch]
    if (switch.value, switch.admissible) != (1.0, (0, 1)):
        yield Case(loop.id, False, Said.NO_SWITCH, {"what": loop.switch}, *names)
    frozen = {name for name in model.variables if loop.switch in model.variables[name].causes}
    for path in loop.paths:
        around = {split_reference(link.cause)[0] for link in path}
        if polarity_of(path) is not loop.polarity:
            values: dict[str, Number] = {"what": path[0].cause, "declared": loop.polarity.value}
            yield Case(loop.id, False, Said.POLARITY, values, *names)
        if not around & frozen:
            yield Case(loop.id, False, Said.NO_SWITCH, {"what": loop.switch}, *names)
        for link in path:
            if not link.stands:
                values = {"cause": link.cause, "effect": link.effect}
                yield Case(loop.id, False, Said.NO_LINK, values, *names)
