"""Q05, Q06 and Q08: conservation in every scenario, the base year of the plan, equilibrium.

The requirements of Q05 on every value, to be finite and physically possible, apply to the runs of
other tests too (`unsound`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from plansim.analysis.checks_form import SIDES, Relation
from plansim.analysis.evaluator import Trajectories, every_step
from plansim.analysis.validation.context import ValidationContext, cells
from plansim.analysis.validation.result import Case, Named, Number, Result, case, result
from plansim.engine.trajectory import first_cause
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray, default_of
from plansim.targets.indicator import Measure
from plansim.targets.target import Target, split_reference, unit_factor

__all__ = [
    "EXACT",
    "base_year",
    "compared",
    "conservation",
    "equilibrium",
    "first_not_finite",
    "stated_figures",
    "unsound",
]

EXACT = 1e-9
"""Largest relative error that rounding explains."""
BASE_YEAR_ERROR = 0.005
"""Largest relative error of a figure of the base year."""
DRIFT = 1e-4
"""Largest relative change of a stock in a year of equilibrium."""
REST = 15
"""Years that an equilibrium has to last."""
_LEAST_SIZE = 1e-6
"""Minimum size of compared values: smaller ones count as if they had this size."""


# --- Q05 ------------------------------------------------------------------------------------------


def conservation(context: ValidationContext) -> Result:
    """Q05: compare both sides of every identity and bound at every step of every scenario."""
    checks = context.checks
    sides = [
        *((law, Relation.EQUAL) for law in checks.conservation),
        *((bound, Relation.AT_MOST) for bound in checks.bounds),
    ]
    worst: dict[str, Case] = {}
    bad: list[Case] = []
    for scenario in context.scenarios.values():
        runs = context.compiled.run([scenario.values], every_step(scenario.time))
        for identity, comparison in sides:
            left, right = (runs.series(f"{side} {identity.id}")[0] for side in SIDES)
            texts = (identity.left, comparison, identity.right)
            made = compared(identity.name, texts, (left, right), runs.time, scenario.id)
            largest = worst.setdefault(identity.id, made)
            worst[identity.id] = max(largest, made, key=lambda case: case["error"])
        bad += unsound(context, runs, [scenario.id])
    return result(
        "Q05",
        [*worst.values(), *bad],
        {"most": EXACT},
        largest=max((worst[law.id]["error"] for law in checks.conservation), default=0.0),
        identities=len(checks.conservation),
        bounds=len(checks.bounds),
        scenarios=len(context.scenarios),
        unsound=len(bad),
    )


def compared(
    name: Named,
    texts: tuple[str, Relation, str],
    sides: tuple[FloatArray, FloatArray],
    time: FloatArray,
    scenario: str,
) -> Case:
    """Compare two sides, ``(time, *elements)``, at the time and element of the largest error.

    The error counts relative to the largest value of either side; it is negative where a bound is
    not reached.
    """
    left, right = sides
    if not left.size:
        return case(name, False, "nothing")
    over = {
        Relation.EQUAL: np.abs(left - right),
        Relation.AT_MOST: left - right,
        Relation.AT_LEAST: right - left,
    }[texts[1]]
    error = over / np.nanmax(np.abs(sides), initial=_LEAST_SIZE)
    error = np.where(np.isnan(error), np.inf, error)
    worst = np.unravel_index(int(np.argmax(error)), error.shape)
    return case(
        name,
        error[worst] <= EXACT,
        "compared",
        what=" ".join(texts[0].split()),
        comparison=texts[1].value,
        than=" ".join(texts[2].split()),
        left=float(left[worst]),
        right=float(right[worst]),
        error=float(error[worst]),
        time=float(time[worst[0]]),
        scenario=scenario,
    )


def unsound(
    context: ValidationContext, runs: Trajectories, subjects: Sequence[str]
) -> Iterator[Case]:
    """Return the faults of the model's own variables in runs, each run named by a subject.

    Every value has to be finite, stocks that are not signed and variables listed for that at least
    zero, shares between 0 and 1.
    """
    checks = context.checks
    for run in range(len(subjects)):
        if broken := first_not_finite(context.model, runs, run):
            yield case(subjects[run], False, "not_finite", what=broken[0], time=broken[1])
    not_negative = [name for name in context.stocks if name not in checks.signed]
    for name in (*not_negative, *checks.non_negative, *checks.shares):
        highest = 1.0 if name in checks.shares else np.inf
        values = runs.series(name).reshape(len(subjects), -1)
        known = np.isfinite(values)
        least = np.where(known, values, np.inf).min(axis=1)
        most = np.where(known, values, -np.inf).max(axis=1)
        with np.errstate(all="ignore"):  # nothing finite: infinite ends
            slack = EXACT * np.maximum(np.maximum(abs(least), abs(most)), _LEAST_SIZE)
            slack = EXACT if name in checks.shares else slack
            outside = (least < -slack) | (most > highest + slack)
        for run in np.flatnonzero(outside).tolist():
            ends = {"least": float(least[run]), "most": float(most[run])}
            yield case(subjects[run], False, "out_of_bounds", what=name, **ends, high=highest)


def first_not_finite(model: Model, runs: Trajectories, run: int) -> tuple[str, float] | None:
    """Return the variable of a run that is not finite first, and the time; None if all are."""
    bad = ~np.isfinite(runs.values[run])  # (output, time)
    first: dict[str, int] = {}
    for row in np.flatnonzero(bad.any(axis=1)):
        name, step = runs.compiled.kernel.outputs[row].partition("[")[0], int(np.argmax(bad[row]))
        if name in model.variables:
            first[name] = min(first.get(name, step), step)
    if not first:
        return None
    step = min(first.values())
    failed = [name for name, start in first.items() if start == step]
    return first_cause(model, failed), float(runs.time[step])


# --- Q06 ------------------------------------------------------------------------------------------


def base_year(context: ValidationContext) -> Result:
    """Q06: compare the baseline with the plan's figures of the base year.

    Every basis is read but the one on which the plan states no figures.
    """
    rows = list(stated_figures(context))
    model, runs = context.model, context.runs[context.baseline.id]
    cases = []
    for row in rows:
        assert row.base_value is not None
        as_stated = replace(row, measure=Measure.LEVEL, unit=row.base_unit)
        for basis, reference in row.variables.items():
            if basis is not None and basis is context.checks.main_table.except_basis:
                continue
            factor = unit_factor(model.variables[split_reference(reference)[0]].unit, as_stated)
            value = float(runs.yearly(reference)(row.since)[0]) * factor
            figure, place = (value, row.base_value, row.base_unit), {"year": row.since}
            cases.append(figure_case(row, figure, BASE_YEAR_ERROR, what=reference, **place))
    largest = max((abs(case["error"]) for case in cases), default=0.0)
    return result("Q06", cases, {"most": BASE_YEAR_ERROR}, rows=len(rows), largest=largest)


def figure_case(
    name: Named, figure: tuple[float, float, str], most: float, **place: Number
) -> Case:
    """Compare a simulated with a stated figure, both in the unit that is given third."""
    simulated, stated, unit = figure
    error = (simulated - stated) / abs(stated)
    holds = abs(error) <= most  # false of NaN
    return case(
        name, holds, "figure", **place, value=simulated, stated=stated, unit=unit, error=error
    )


def stated_figures(context: ValidationContext) -> Iterator[Target]:
    """Return the rows of the main table that state a figure of the base year itself."""
    for target in context.judged:
        of_base = target.base_period is not None and (
            target.base_period.first == target.base_period.last == target.since
        )
        in_table = context.checks.main_table.rows.fullmatch(target.id)
        if of_base and in_table and target.base_value is not None:
            yield target


# --- Q08 ------------------------------------------------------------------------------------------


def equilibrium(context: ValidationContext) -> Result:
    """Q08: run the scenario in which no stock should change.

    Smoothed variables are stocks too; one that starts at zero stays there.
    """
    limits = {"most": DRIFT, "years": REST}
    if context.checks.scenarios.equilibrium is None:
        return result("Q08", [], limits, lacking=["equilibrium"])
    scenario = context.scenarios[context.checks.scenarios.equilibrium]
    clock = replace(scenario.time, saveper=1.0)
    runs = context.compiled.run([scenario.values], clock)
    smoothed = [v.name for v in context.model.variables.values() if "SMOOTH" in v.equation]
    states = list(dict.fromkeys([*context.stocks, *smoothed]))
    drifts = {}
    for name in states:
        # The largest relative change in a year; of what starts at zero the change itself.
        values = runs.series(name)[0, : REST + 1].reshape(min(REST + 1, runs.time.size), -1)
        size = np.where(values[0] == 0, 1, np.abs(values[:-1]))
        drifts[name] = float(np.max(np.abs(np.diff(values, axis=0)) / size))
    cases = [
        case(name, drift <= DRIFT, "drift", part=drift)
        for name, drift in sorted(drifts.items(), key=lambda item: -item[1])
    ]
    for resting in context.checks.rest:
        needed = runs.series(f"rest {resting.constant}")[0, 0].reshape(-1)
        names = cells(context.model, resting.constant)
        own = np.array([default_of(context.model, scenario.values, name) for name in names])
        part = float(np.max(np.abs(own - needed) / np.maximum(np.abs(needed), 1e-300)))
        what = ", ".join(f"{number:.16g}" for number in needed)
        cases.append(case(resting.constant, part <= DRIFT, "at_rest", what=what, part=part))
    if runs.time[-1] - runs.time[0] < REST:
        cases.append(case("clock", False, "nothing"))
    largest = max(drifts.values(), default=0.0)
    return result("Q08", cases, limits, largest=largest, stocks=len(states))
