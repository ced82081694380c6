"""Q09 to Q12: extreme conditions and parameter extremes.

Reference: Y. Barlas (1996), Formal aspects of model validity and validation in system dynamics,
System Dynamics Review 12(3): the direct and the indirect extreme-condition test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plansim.analysis.evaluator import Trajectories, compile_whole, every_step
from plansim.analysis.validation.checks import SIDES, Extreme, side_name
from plansim.analysis.validation.conservation import compared, unsound
from plansim.analysis.validation.context import (
    Settings,
    ValidationContext,
    assigned,
    drawn,
    scaled,
    uncertain,
)
from plansim.analysis.validation.result import Case, CaseTemplate, Result, case, result
from plansim.targets.indicator import Floats

__all__ = ["extreme_conditions", "parameter_extremes"]

FACTORS = (0.1, 10.0)
"""Factors by which each constant is multiplied, one at a time."""
EXTREMES = 200
"""Number of random combinations of ends of the plausible ranges."""
SEED = 20_051_231
AT_ONCE = 64
"""Number of runs whose values are held at a time."""


# --- Q09 to Q11 -----------------------------------------------------------------------------------


def extreme_conditions(context: ValidationContext, test: str) -> Result:
    """Q09 to Q11: run the extreme conditions of a test and compare their expectations.

    A condition whose expectations all hold with equal sides in the baseline tests nothing and
    fails.
    """
    conditions = [extreme for extreme in context.checks.extremes if extreme.test == test]
    base = context.baseline
    settings = [
        {**base.values, **assigned(context.model, condition.set)} for condition in conditions
    ]
    runs = context.compiled.run([base.values, *settings], every_step(base.time))
    cases: list[Case] = []
    for run, condition in enumerate(conditions, start=1):
        differs = False
        for number, expected in enumerate(condition.expect):
            texts = (expected.left, expected.comparison, expected.right)
            time, sides = _sides(runs, run, condition, number)
            cases.append(compared(condition.name, texts, sides, time, base.id))
            _, plain = _sides(runs, 0, condition, number)
            differs |= not np.allclose(*plain, rtol=1e-6, atol=1e-9)
        if not differs:
            cases.append(case(condition.name, False, CaseTemplate.INEFFECTIVE))
    cases += unsound(context, runs, [base.id, *(condition.id for condition in conditions)])
    return result(
        test,
        cases,
        conditions=len(conditions),
        expected=sum(len(condition.expect) for condition in conditions),
        held=sum(case.holds for case in cases),
        names=", ".join(condition.id for condition in conditions),
    )


def _sides(
    runs: Trajectories, run: int, condition: Extreme, number: int
) -> tuple[Floats, tuple[Floats, Floats]]:
    """Return the times of an expectation and its left and right side, ``(time, *elements)``."""
    expected = condition.expect[number]
    within = (runs.time >= expected.first) & (runs.time <= expected.last)
    left, right = (
        runs.series(side_name(side, condition.id, number))[run][within] for side in SIDES
    )
    return runs.time[within], (left, right)


# --- Q12 ------------------------------------------------------------------------------------------


def parameter_extremes(context: ValidationContext) -> Result:
    """Q12: run the baseline with each constant at a tenth and tenfold, then at random extremes.

    One constant at a time, an array as a whole, clipped to the admissible range; at the random
    extremes every constant is at one end or the other of its plausible range.
    """
    model = context.model
    single = [
        (f"{name} × {factor:g}", values)
        for factor in FACTORS
        for name, values in scaled(model, factor)
    ]
    ends = np.random.default_rng(SEED).integers(2, size=(EXTREMES, len(uncertain(model))))
    values = drawn(model, ends.T.astype(float))
    extremes = [
        (f"corner {draw}", {name: float(column[draw]) for name, column in values.items()})
        for draw in range(EXTREMES)
    ]
    cases = list(_unsound_runs(context, [*single, *extremes]))
    return result(
        "Q12",
        cases,
        {"low": FACTORS[0], "high": FACTORS[1]},
        sound=context.baseline.id,
        constants=len(context.constants),
        scaled=len(single),
        corners=EXTREMES,
        broken=len({case.subject for case in cases}),
    )


def _unsound_runs(
    context: ValidationContext, named: Sequence[tuple[str, Settings]]
) -> Iterator[Case]:
    base, compiled = context.baseline, compile_whole(context.model, effort=1)
    for first in range(0, len(named), AT_ONCE):
        subjects, settings = zip(*named[first : first + AT_ONCE], strict=True)
        runs = compiled.run(
            [{**base.values, **values} for values in settings], every_step(base.time)
        )
        yield from unsound(context, runs, subjects)
