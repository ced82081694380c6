"""The two programs inside a page: the model, and the rules by which its runs are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from plansim.compiler.ir import Program
from plansim.compiler.javascript import emit_javascript
from plansim.compiler.lower import StructuralError, lower
from plansim.compiler.schedule import schedule
from plansim.compiler.tracing import Trace
from plansim.errors import Fault, InputError
from plansim.model.records import Model, VariableKind
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import Yearly
from plansim.targets.judging import Answer, judge, percent_of
from plansim.targets.target import Basis, Target, split_reference, unit_factor
from plansim.targets.views import Views

__all__ = ["javascript", "model_program", "plain_reference", "verdict_program"]


def javascript(program: Program) -> str:
    """Return the text of a program."""
    return emit_javascript(program, schedule(program))


def model_program(
    model: Model,
    scenarios: Iterable[Scenario],
    views: Views,
    targets: Iterable[Target],
    varied: Iterable[str] = (),
) -> Program:
    """Lower the model for a page, with all constants as inputs that levers or scenarios set.

    ``varied`` are further ones, those that the members of an ensemble change.

    Raises:
        ModelError: the model uses what the compiler does not support; with variables and lines.
        InputError: scenarios set a constant on which the shape of the program depends.
    """
    set_by = {
        name: scenario
        for scenario in scenarios
        for name in scenario.values
        if model.variables[split_reference(name)[0]].kind is VariableKind.CONSTANT
    }
    moved = [constant for lever in views.levers for constant in lever.constants]
    moved += [*varied]
    shown = [line.reference for chart in views.charts for line in chart.lines]
    shown += [variable for target in targets for variable in target.variables.values()]
    outputs = list(dict.fromkeys(split_reference(reference)[0] for reference in shown))
    try:
        return lower(model, [*moved, *set_by], outputs)
    except StructuralError as error:
        names = sorted(error.names)
        if asked := {split_reference(reference)[0] for reference in set_by} & error.names:
            raise InputError(
                Fault(
                    "'{name}' decides on the shape of the model and cannot change within a page",
                    next(s.path for key, s in set_by.items() if split_reference(key)[0] == name),
                    name=name,
                )
                for name in sorted(asked)
            ) from None
        return lower(model, [e for e in moved if split_reference(e)[0] not in names], outputs)


def plain_reference(reference: str) -> str:
    """Write a reference as a program names it: ``name[e1,e2]``."""
    name, elements = split_reference(reference)
    return f"{name}[{','.join(elements)}]" if elements else name


def verdict_program(model: Model, targets: Sequence[Target]) -> Program:
    """Trace `targets.verdict`, from annual figures to verdicts, as a program.

    Inputs are ``reference@year``. For each target with variables in the model, outputs are
    ``id.value``, ``id.margin``, ``id.percent``, ``id.breach``, ``id.status`` (`Status.code`),
    ``id.assumed`` (the same where a scenario assumes the target) and ``id.basis`` for each basis.
    """
    trace = Trace()
    for target in targets:
        answers = {
            basis: Answer(
                _figures(trace, reference),
                unit_factor(model.variables[split_reference(reference)[0]].unit, target),
            )
            for basis, reference in target.variables.items()
        }
        verdict = judge(cast("Mapping[Basis | None, Answer]", answers), target)
        given = judge(cast("Mapping[Basis | None, Answer]", answers), target, assumed=True)
        trace.output(f"{target.id}.value", verdict.value)
        trace.output(f"{target.id}.margin", verdict.margin)
        trace.output(f"{target.id}.percent", percent_of(verdict.margin, target))
        trace.output(f"{target.id}.breach", verdict.first_breach)
        trace.output(f"{target.id}.status", verdict.status)
        trace.output(f"{target.id}.assumed", given.status)
        for basis, value in verdict.bases.items():
            trace.output(f"{target.id}.{basis}", value)
    return trace.program()


def _figures(trace: Trace, reference: str) -> Yearly:
    name = plain_reference(reference)

    def at(year: int) -> object:
        return trace.input(f"{name}@{year}")

    return cast("Callable[[int], FloatArray]", at)
