"""Q01 and Q14: the structure of the equations, and the feedback loops that they form.

Reference: Y. Barlas (1996), Formal aspects of model validity and validation in system dynamics,
System Dynamics Review 12(3): structure verification and modified-behaviour tests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

import numpy as np

from plansim.analysis.feedback.loops import MOVES, Loop, largest_shifts, polarity_of
from plansim.analysis.validation.conservation import EXACT, first_not_finite
from plansim.analysis.validation.context import ValidationContext, frozen_name
from plansim.analysis.validation.link_signs import link_cases
from plansim.analysis.validation.probe import Runs
from plansim.analysis.validation.result import Case, CaseTemplate, Result, case, result
from plansim.errors import FaultLog
from plansim.model.records import Model, VariableKind
from plansim.model.scan import scan_text
from plansim.model.syntax import NAME
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = ["all_causes", "loop_cuts", "scalar_equations", "structure"]

_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+")
_FROZEN = 1e-6
"""Changes above this share of a frozen variable's size are no rounding errors."""


# --- Q01 ------------------------------------------------------------------------------------------


def structure(context: ValidationContext) -> Result:
    """Q01: find unused variables and hidden numbers, and check the loops as declared."""
    model, loops = context.model, context.loops
    loose = list(_loose(context))
    faults = [fault for loop in loops for fault in _declaration_faults(model, loop)]
    faults += link_cases(context)
    broken = {fault.subject for fault in faults}
    whole = [loop for loop in loops if loop.id not in broken]
    return result(
        "Q01",
        [
            *(loose or [case(model.name, True, CaseTemplate.SOUND)]),
            *(case(_name(e), True, CaseTemplate.LOOP_FOUND, paths=len(e.paths)) for e in whole),
            *faults,
        ],
        {"size": context.checks.size},
        variables=len(model.variables),
        equations=scalar_equations(model),
        loose=len(loose),
        loops=len(loops),
        links=sum(len(path) for loop in loops for path in loop.paths),
        whole=len(whole),
    )


def _name(loop: Loop) -> tuple[str, str, str]:
    return loop.id, loop.name_en, loop.name_zh


def _loose(context: ValidationContext) -> Iterator[Case]:
    model, reported = context.model, set(context.checks.outputs)
    judged = {split_reference(name)[0] for name in context.indicators}
    for warning in model.warnings:
        yield case(model.name, False, CaseTemplate.REPORTED, what=str(warning))
    used = {cause for variable in model.variables.values() for cause in variable.causes}
    bearing = all_causes(model, judged | reported)
    for variable in model.variables.values():
        name = variable.name
        if variable.kind is not VariableKind.CONTROL and name not in bearing:
            yield case(name, False, CaseTemplate.UNUSED)
        elif name in reported and name in used | judged:
            yield case(name, False, CaseTemplate.NO_EXCEPTION)
    if (size := scalar_equations(model)) > context.checks.size:
        limit = context.checks.size
        yield case(model.name, False, CaseTemplate.TOO_MANY, count=size, limit=limit)
    for name, numbers in _hidden_numbers(model, context.checks.plain):
        yield case(name, False, CaseTemplate.HIDDEN_NUMBER, what=", ".join(numbers))
    for target in context.targets:
        if re.fullmatch(context.checks.main_table.rows, target.id) and not target.variables:
            subject = (target.id, target.name_en, target.name_zh)
            yield case(subject, False, CaseTemplate.LACKS, lacking="variable")


def all_causes(model: Model, names: Iterable[str]) -> set[str]:
    """Return some variables with all that they depend on, directly or not."""
    seen = set(names) & set(model.variables)
    ahead = list(seen)
    while ahead:
        causes = set(model.variables[ahead.pop()].causes) - seen
        seen |= causes
        ahead += causes
    return seen


def scalar_equations(model: Model) -> int:
    """Return the number of equations beside constants, after expansion of the subscripts."""
    flat = (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY)
    return sum(
        math.prod(len(model.subscripts[name].elements) for name in variable.subscripts)
        for variable in model.variables.values()
        if variable.kind in flat
    )


def _hidden_numbers(model: Model, plain: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Return numbers in equations that are no constants; zero and one are no assumptions."""
    scan = scan_text(model.text, FaultLog(model.path))
    for equations in scan.equations.values():
        numbers: list[str] = []
        for equation in equations:
            if equation.expression.numbers is None:
                right = re.sub(r"\[[^\]]*\]", " ", equation.text.partition("=")[2])
                for allowed in plain:
                    right = right.replace(allowed, " ")
                bare = re.sub(rf"(?!\d)(?:{NAME})", " ", right)
                numbers += [text for text in _NUMBER.findall(bare) if float(text) not in (0, 1)]
        if numbers and model.find(equations[0].name).kind is not VariableKind.LOOKUP:
            yield equations[0].name, numbers


def _declaration_faults(model: Model, loop: Loop) -> Iterator[Case]:
    switch = model.variables[loop.switch]
    if (switch.value, switch.admissible) != (1.0, (0, 1)):
        yield case(_name(loop), False, CaseTemplate.NO_SWITCH, what=loop.switch)
    frozen = {name for name in model.variables if loop.switch in model.variables[name].causes}
    for path in loop.paths:
        if polarity_of(path) is not loop.polarity:
            declared = loop.polarity.value
            start = path[0].cause
            yield case(
                _name(loop), False, CaseTemplate.WRONG_POLARITY, what=start, declared=declared
            )
        if not frozen & {split_reference(link.cause)[0] for link in path}:
            yield case(_name(loop), False, CaseTemplate.NO_SWITCH, what=loop.switch)
        for link in path:
            if not link.stands:
                ends = {"cause": link.cause, "effect": link.effect}
                yield case(_name(loop), False, CaseTemplate.NO_LINK, **ends)


# --- Q14 ------------------------------------------------------------------------------------------


def loop_cuts(context: ValidationContext) -> Result:
    """Q14: cut every loop in every scenario; each moves a binding indicator, or is listed as weak.

    A cut sets the loop's switch to 0, which freezes its variable at the initial value.
    """
    loops = context.loops
    largest = {loop.id: (0.0, "", "") for loop in loops}
    faults: list[Case] = []
    for scenario in context.scenarios.values():
        settings = [{**scenario.values, loop.switch: 0.0} for loop in loops]
        runs = context.probe.run([scenario.values, *settings], scenario.time)
        shifts = _shifts(context, scenario, runs)
        for run, loop in enumerate(loops, start=1):
            if broken := first_not_finite(context.model, runs, run):
                what = f"{broken[0]} ({scenario.id})"
                fault = case(_name(loop), False, CaseTemplate.NOT_FINITE, what=what, time=broken[1])
                faults.append(fault)
            else:
                moved = ((float(s[run]), target, scenario.id) for target, s in shifts.items())
                largest[loop.id] = max([largest[loop.id], *moved])
            faults += _not_frozen(loop, scenario, runs, run)
    cases = []
    for loop in loops:
        shift, target, where = largest[loop.id]
        expected = "weak" if loop.weak_en else "strong"
        holds = (shift > MOVES) == (expected == "strong")
        values = {"what": target, "scenario": where, "expected": expected}
        cases.append(case(_name(loop), holds, CaseTemplate.LOOP_EFFECT, shift=shift, **values))
    return result(
        "Q14",
        [*cases, *faults],
        {"most": MOVES},
        lacking=[] if loops else ["loops"],
        loops=len(loops),
        strong=sum(shift > MOVES for shift, _, _ in largest.values()),
        weak=", ".join(loop.id for loop in loops if loop.weak_en) or "–",
        scenarios=len(context.scenarios),
    )


def _shifts(context: ValidationContext, scenario: Scenario, runs: Runs) -> dict[str, Floats]:
    """Return the largest shift of each binding target's variables up to the horizon: ``(run,)``.

    Zero where there is none.
    """
    horizon = max((target.horizon for target in context.binding), default=0)
    years = range(math.ceil(scenario.time.initial), horizon + 1)
    shifts = {}
    for target in context.binding:
        series = [
            np.stack([runs.yearly(name)(year) for year in years], axis=1)
            for name in target.variables.values()
        ]
        moved = largest_shifts(np.stack(series, axis=1)).max(axis=1)
        shifts[target.id] = np.where(np.isfinite(moved), moved, 0.0)
    return shifts


def _not_frozen(loop: Loop, scenario: Scenario, runs: Runs, run: int) -> Iterator[Case]:
    """Return the variables that a cut should freeze at their initial values and does not."""
    for number, text in enumerate(loop.felt):
        series = runs.series(frozen_name(loop, number))
        initial = series[0, 0]
        size = max(float(np.abs(initial).max()), EXACT)
        change = float(np.abs(series[run] - initial).max())
        if not change <= _FROZEN * size + EXACT:
            values = {"what": text, "scenario": scenario.id}
            yield case(_name(loop), False, CaseTemplate.NOT_FROZEN, part=change / size, **values)
