"""Q01 and Q14: the structure of the equations, and the feedback loops that they form.

Reference: Y. Barlas (1996), Formal aspects of model validity and validation in system dynamics,
System Dynamics Review 12(3): structure verification and modified-behaviour tests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from plansim.analysis.feedback.loops import MOVES, Loop, LoopLink, largest_shifts, polarity_of
from plansim.analysis.feedback.polarity import MeasuredLinks, measured_links
from plansim.analysis.validation.conservation import EXACT, first_not_finite
from plansim.analysis.validation.context import ValidationContext, frozen_name
from plansim.analysis.validation.probe import Runs, every_step
from plansim.analysis.validation.result import Case, CaseTemplate, Result, case, result
from plansim.analysis.validation.settings import assigned
from plansim.model.expression import Node, Number, Table, Text, walk
from plansim.model.records import Model, TimeSpec, VariableKind
from plansim.model.rewrite import replaced
from plansim.model.syntax import read_expression
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = ["all_causes", "loop_cuts", "scalar_equations", "structure"]

_TIMES = (1.0, 3.5, 7.5, 12.0)
"""Years after the start of the run at which a link's sign is looked at."""
_FROZEN = 1e-6
"""Of the size of what a switch freezes: a larger change is none of rounding."""


# --- Q01 ------------------------------------------------------------------------------------------


def structure(context: ValidationContext) -> Result:
    """Q01: look for unused variables and hidden numbers, and for the loops as declared."""
    model, loops = context.model, context.loops
    loose = list(_loose(context))
    faults = [fault for loop in loops for fault in _declaration_faults(model, loop)]
    faults += _sign_faults(context)
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
    allowed = [read_expression(text) for text in plain]

    def bare(node: Node) -> Node | None:
        return Text("") if node in allowed else None

    for equations in model.scan.equations.values():
        formulas = [replaced(each.formula, bare) for each in equations if each.formula is not None]
        numbers = [text for formula in formulas for text in _assumed(model, formula)]
        if numbers and model.find(equations[0].name).kind is not VariableKind.LOOKUP:
            yield equations[0].name, numbers


def _assumed(model: Model, formula: Node) -> Iterator[str]:
    """Yield the numbers of a formula, of a table in it too, that are neither 0 nor 1 nor -1."""
    for node in walk(formula):
        match node:
            case Number(value, start, end) if value not in (0, 1) and not math.isnan(value):
                yield model.text[start:end]
            case Table(x, y):
                yield from (f"{number:g}" for number in (*x, *y) if abs(number) not in (0, 1))


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


def _sign_faults(context: ValidationContext) -> list[Case]:
    """Return which links have another sign than declared, and which loops are never at work."""
    if not context.loops:
        return []
    links = measured_links(
        context.model,
        (_names(link) for loop in context.loops for path in loop.paths for link in path),
    )
    return [fault for loop in context.loops for fault in _loop_faults(context, links, loop)]


def _names(link: LoopLink) -> tuple[str, str]:
    return split_reference(link.cause)[0], split_reference(link.effect)[0]


def _loop_faults(context: ValidationContext, links: MeasuredLinks, loop: Loop) -> Iterator[Case]:
    story = context.scenarios.get(loop.alive_in or "", context.baseline)
    settings = {**story.values, **assigned(context.model, loop.alive_with)}
    clock = every_step(story)
    signs = links.signs(settings, clock)
    times = [clock.initial + after for after in _TIMES if clock.initial + after < clock.final]
    answers = {
        (link, when): _answer(context.model, signs.get(_names(link)), clock, link, when)
        for path in loop.paths
        for link in path
        for when in times
    }
    name = _name(loop)
    for path in loop.paths:
        for link in path:
            wrong = [when for when in times if not answers[link, when] <= {link.sign}]
            if wrong:
                ends = {"cause": link.cause, "effect": link.effect}
                yield case(name, False, CaseTemplate.WRONG_SIGN, time=wrong[0], **ends)
        idle = {when: [link for link in path if not answers[link, when]] for when in times}
        if all(idle.values()):
            fewest = min(idle.values(), key=len)
            what = ", ".join(f"{link.cause} → {link.effect}" for link in fewest[:3])
            yield case(name, False, CaseTemplate.INACTIVE, what=what)


def _answer(
    model: Model, signs: npt.NDArray[np.int8] | None, clock: TimeSpec, link: LoopLink, when: float
) -> set[int]:
    """Return the signs in which the elements of an effect answer at a time, or a step later."""
    if signs is None:
        return set()
    name, chosen = split_reference(link.effect)
    subscripts = model.variables[name].subscripts
    for axis, (subscript, wanted) in enumerate(zip(subscripts, chosen, strict=False), start=1):
        elements = model.subscripts[subscript].elements
        kept = model.subscripts[wanted].elements if wanted in model.subscripts else (wanted,)
        signs = np.take(signs, [elements.index(element) for element in kept], axis=axis)
    step = round((when - clock.initial) / clock.saveper)
    for at_once in signs[step : step + 2]:
        if at_once.any():
            return set(np.unique(at_once[at_once != 0]).tolist())
    return set()


# --- Q14 ------------------------------------------------------------------------------------------


def loop_cuts(context: ValidationContext) -> Result:
    """Q14: cut every loop in every scenario; each moves a binding indicator, or is listed as weak.

    A cut sets the loop's switch to 0, which freezes what is felt at its initial value.
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
    """Return what a cut does not freeze at its value at the start of the whole run."""
    for number, text in enumerate(loop.felt):
        series = runs.series(frozen_name(loop, number))
        initial = series[0, 0]
        size = max(float(np.abs(initial).max()), EXACT)
        change = float(np.abs(series[run] - initial).max())
        if not change <= _FROZEN * size + EXACT:
            values = {"what": text, "scenario": scenario.id}
            yield case(_name(loop), False, CaseTemplate.NOT_FROZEN, part=change / size, **values)
