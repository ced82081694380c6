"""Q01, Q22 and Q23: the structure of the equations, and that no target drives the model.

Reference: Y. Barlas (1996), Formal aspects of model validity and validation in system dynamics,
System Dynamics Review 12(3): structure verification.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plansim.analysis.evaluator import compile_whole, every_step
from plansim.analysis.feedback.loops import Loop, LoopLink, polarity_of
from plansim.analysis.feedback.polarity import measured_signs
from plansim.analysis.validation.context import ValidationContext, verdicts
from plansim.analysis.validation.result import Case, Result, case, result
from plansim.model.reader import load_model
from plansim.model.reading.expression import Node, Number, QuotedText, Table, walk
from plansim.model.records import Model, VariableKind
from plansim.model.rewrite import replaced
from plansim.scenario.scenario_file import read_scenario
from plansim.scenario.variant import for_scenarios
from plansim.targets.catalogue import FILE_NAME as CATALOGUE
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Kind, Status, Target, split_reference

__all__ = [
    "all_causes",
    "assumed_targets",
    "structure",
    "target_independence",
]

_FIGURE = re.compile(r"((?:at least|at most|about|value): )(-?\d+(?:\.\d+)?)")
_SCALE = 1.7


# --- Q01 ------------------------------------------------------------------------------------------


def structure(context: ValidationContext) -> Result:
    """Q01: look for unused variables and hidden numbers, and for the loops as declared."""
    model, loops, limit = context.model, context.loops, context.checks.size
    equations = sum(  # after expansion of the subscripts
        math.prod(len(model.subscripts[name].elements) for name in variable.subscripts)
        for variable in model.variables.values()
        if variable.kind.moves
    )
    loose = list(_loose(context))
    if equations > limit:
        loose.append(case(model.name, False, "too_many", count=equations, limit=limit))
    faults = [fault for loop in loops for fault in _declaration_faults(model, loop)]
    faults += _sign_faults(context)
    broken = {fault.subject for fault in faults}
    whole = [loop for loop in loops if loop.id not in broken]
    return result(
        "Q01",
        [
            *(loose or [case(model.name, True, "sound")]),
            *(case(e, True, "loop_found", paths=len(e.paths)) for e in whole),
            *faults,
        ],
        {"size": limit},
        variables=len(model.variables),
        equations=equations,
        loose=len(loose),
        loops=len(loops),
        links=sum(len(path) for loop in loops for path in loop.paths),
        whole=len(whole),
    )


def _loose(context: ValidationContext) -> Iterator[Case]:
    model, reported = context.model, set(context.checks.outputs)
    judged = {split_reference(name)[0] for name in context.indicators}
    for warning in model.warnings:
        yield case(model.name, False, "reported", what=str(warning))
    used = {cause for variable in model.variables.values() for cause in variable.causes}
    bearing = all_causes(model, judged | reported)
    for variable in model.variables.values():
        name = variable.name
        if variable.kind is not VariableKind.CONTROL and name not in bearing:
            yield case(name, False, "unused")
        elif name in reported and name in used | judged:
            yield case(name, False, "no_exception")
    for name, numbers in _hidden_numbers(model, context.checks.plain):
        yield case(name, False, "hidden_number", what=", ".join(numbers))
    for target in context.targets:
        if context.checks.main_table.rows.fullmatch(target.id) and not target.variables:
            yield case(target, False, "lacks", lacking="variable")


def all_causes(model: Model, names: Iterable[str]) -> set[str]:
    """Return some variables with all that they depend on, directly or not."""
    seen = set(names) & set(model.variables)
    ahead = list(seen)
    while ahead:
        causes = set(model.variables[ahead.pop()].causes) - seen
        seen |= causes
        ahead += causes
    return seen


def _hidden_numbers(model: Model, plain: Collection[Node]) -> Iterator[tuple[str, list[str]]]:
    """Yield numbers in equations, and in tables in them, that are no constants.

    0, 1 and -1 are no assumptions.
    """

    def bare(node: Node) -> Node | None:
        return QuotedText("") if node in plain else None

    for equations in model.scan.equations.values():
        numbers: list[str] = []
        formulas = [replaced(one.formula, bare) for one in equations if one.formula is not None]
        for node in (node for formula in formulas for node in walk(formula)):
            match node:
                case Number(value, start, end) if value not in (0, 1) and not math.isnan(value):
                    numbers.append(model.text[start:end])
                case Table(x, y):
                    numbers += [f"{number:g}" for number in (*x, *y) if abs(number) not in (0, 1)]
        if numbers and model.find(equations[0].name).kind is not VariableKind.LOOKUP:
            yield equations[0].name, numbers


def _declaration_faults(model: Model, loop: Loop) -> Iterator[Case]:
    switch = model.variables[loop.switch]
    if (switch.value, switch.admissible) != (1.0, (0, 1)):
        yield case(loop, False, "no_switch", what=loop.switch)
    frozen = {name for name in model.variables if loop.switch in model.variables[name].causes}
    for path in loop.paths:
        if polarity_of(path) is not loop.polarity:
            yield case(loop, False, "wrong_polarity", what=path[0].cause,
                       declared=loop.polarity.value)  # fmt: skip
        if not frozen & {split_reference(link.cause)[0] for link in path}:
            yield case(loop, False, "no_switch", what=loop.switch)
        for link in path:
            if not link.stands:
                yield case(loop, False, "no_link", cause=link.cause, effect=link.effect)


def _sign_faults(context: ValidationContext) -> Iterator[Case]:
    """Yield which links have another sign than declared, and which paths are never at work.

    At any step of the baseline no element of an effect may move in the other way; at one of them
    all links of a path have to move something.
    """
    paths = [(loop, path) for loop in context.loops for path in loop.paths]
    pairs = [_names(link) for _, path in paths for link in path]
    base, clock = context.baseline, every_step(context.baseline.time)
    signs = measured_signs(context.model, pairs, base.values, clock)
    for loop, path in paths:
        moves = []
        for link in path:
            if (way := signs.get(_names(link))) is None:
                moves.append(np.zeros(1, bool))
                continue
            way = _of_elements(context.model, way, link.effect).reshape(len(way), -1)
            moves.append((way != 0).any(axis=1))
            wrong = np.flatnonzero((way == -link.sign).any(axis=1))
            if wrong.size:
                time = clock.initial + float(wrong[0]) * clock.saveper
                yield case(loop, False, "wrong_sign", cause=link.cause, effect=link.effect,
                           time=time)  # fmt: skip
        if not np.logical_and.reduce(np.broadcast_arrays(*moves)).any():
            idle = [link for link, move in zip(path, moves, strict=True) if not move.all()]
            what = ", ".join(f"{link.cause} → {link.effect}" for link in idle[:3])
            yield case(loop, False, "inactive", what=what)


def _names(link: LoopLink) -> tuple[str, str]:
    return split_reference(link.cause)[0], split_reference(link.effect)[0]


def _of_elements(model: Model, signs: npt.NDArray[np.int8], reference: str) -> npt.NDArray[np.int8]:
    """Return the part of ``(time, *elements)`` that a reference with elements or ranges means."""
    name, chosen = split_reference(reference)
    subscripts = model.variables[name].subscripts
    for axis, (subscript, wanted) in enumerate(zip(subscripts, chosen, strict=False), start=1):
        elements = model.subscripts[subscript].elements
        kept = model.subscripts[wanted].elements if wanted in model.subscripts else (wanted,)
        signs = np.take(signs, [elements.index(element) for element in kept], axis=axis)
    return signs


# --- Q22 ------------------------------------------------------------------------------------------


def target_independence(context: ValidationContext) -> Result:
    """Q22: scale every figure of the catalogue and run every scenario from copies of all files."""
    cases, changed, path = list(_trends(context)), 0, context.baseline.path
    assert path is not None
    with tempfile.TemporaryDirectory(prefix="plansim-") as folder:
        copy, targets = _scaled_catalogue(context.model, Path(folder))
        copies = shutil.copytree(path.parent, Path(folder, "scenarios"))
        compiled = compile_whole(for_scenarios(copy, context.scenarios.values()))
        for name, before in context.runs.items():
            scenario = read_scenario(copies / f"{name}.yaml", copy)
            after = compiled.run([scenario.values], scenario.time)
            theirs = context.series_of(after)
            for label, ours in context.series_of(before).items():
                if ours.tobytes() != theirs[label].tobytes():
                    cases.append(case(name, False, "depends", what=label))
            changed += sum(
                verdicts(before, target, scenario).status_of()
                is not verdicts(before, targets[target.id], scenario).status_of()
                for target in context.judged
            )
    if not changed:
        cases.append(case(CATALOGUE, False, "ineffective"))
    scenarios = len(context.scenarios)
    series = scenarios * len(context.series)
    return result("Q22", cases, sound=CATALOGUE, scenarios=scenarios, series=series, turned=changed)


def _scaled_catalogue(model: Model, folder: Path) -> tuple[Model, dict[str, Target]]:
    """Copy what lies beside a model to a folder, with every figure of the catalogue scaled.

    Returns:
        The model read from there, and its targets by their ids.
    """
    shutil.copytree(model.path.parent, folder / "model")
    catalogue = folder / "model" / CATALOGUE
    text = catalogue.read_text("utf-8")
    scaled = _FIGURE.sub(lambda match: f"{match[1]}{float(match[2]) * _SCALE}", text)
    catalogue.write_text(scaled, "utf-8")
    copy = load_model(folder / "model" / model.path.name)
    return copy, {target.id: target for target in load_targets(catalogue, copy)}


def _trends(context: ValidationContext) -> Iterator[Case]:
    """Return indicators that depend on no stock but trends, and those that are constants.

    The former may be targets in disguise; the latter could be met by setting them.
    """
    model, stocks = context.model, set(context.stocks)
    # A stock that depends on no other one grows by itself, as a trend does.
    trends = {name for name in stocks if not (all_causes(model, [name]) - {name}) & stocks}
    for reference in context.indicators:
        name = split_reference(reference)[0]
        if not all_causes(model, [name]) & (stocks - trends):
            yield case(reference, False, "trend")


# --- Q23 ------------------------------------------------------------------------------------------


def assumed_targets(context: ValidationContext) -> Result:
    """Q23: require that the targets a scenario assumes, and no others, are reported as assumed."""
    ids = {target.id for target in context.targets if target.kind is Kind.TARGET}
    cases, count = [], 0
    for scenario in context.scenarios.values():
        for unknown in set(scenario.assumed) - ids:
            cases.append(case(scenario.id, False, "unknown", what=unknown))
        for target in context.judged:
            status = verdicts(context.runs[scenario.id], target, scenario).status_of()
            expected = target.id in scenario.assumed
            count += expected
            if (status is Status.ASSUMED) != expected:
                told = {"what": target.id, "status": status.value}
                cases.append(case(scenario.id, False, "wrong_status", **told))
    if not count:
        cases.append(case("scenarios", False, "nothing"))
    scenarios = len(context.scenarios)
    return result("Q23", cases, sound="scenarios", scenarios=scenarios, assumed=count)
