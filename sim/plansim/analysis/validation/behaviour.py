"""Q09 to Q14: extreme conditions, reality checks and loop cuts.

References: Y. Barlas (1996), Formal aspects of model validity and validation in system dynamics,
System Dynamics Review 12(3): the direct and the indirect extreme-condition test, the
modified-behaviour test; D. W. Peterson and R. L. Eberlein (1994),
Reality check: a bridge between systems thinking and system dynamics, ibid. 10(2-3).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.checks_form import (
    SIDES,
    ConstantChange,
    RealityCheck,
    Sign,
    side_name,
)
from plansim.analysis.evaluator import (
    Evaluation,
    Evaluator,
    Request,
    Trajectories,
    compile_whole,
    every_step,
)
from plansim.analysis.feedback.loops import MOVES, Loop, target_shifts, years_to_horizon
from plansim.analysis.validation.conservation import EXACT, compared, first_not_finite, unsound
from plansim.analysis.validation.context import (
    ValidationContext,
    cells,
    drawn,
    frozen_name,
    limits,
    model_constants,
    scaled,
    uncertain,
)
from plansim.analysis.validation.result import Case, Number, Result, case, result
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray, default_of
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import split_reference

__all__ = [
    "DRAWS",
    "extreme_conditions",
    "loop_cuts",
    "parameter_extremes",
    "reality_checks",
    "signs_of",
]

DRAWS = 500
"""Number of draws of all uncertain constants."""
SEED = 20_060_101
MOST = 0.95
"""Share of the draws in which a check has to hold."""
STAYS = 1e-9
"""Relative change below which a value counts as unchanged."""
FROZEN = 1e-6
"""Change, as a part of what a switch freezes, above which it is not due to rounding."""
FACTORS = (0.1, 10.0)
"""Factors by which each constant is multiplied, one at a time."""
EXTREMES = 200
"""Number of random combinations of ends of the plausible ranges."""
EXTREMES_SEED = 20_051_231
AT_ONCE = 64
"""Number of runs whose values are in memory at a time."""

Values: TypeAlias = "dict[str, FloatArray]"
"""``(run,)`` by constant, ``name`` or ``name[e1,e2]``: first the baseline, then the draws."""


# --- Q13 ------------------------------------------------------------------------------------------


def reality_checks(context: ValidationContext) -> Result:
    """Q13: compare runs before and after each change, in the baseline and in draws.

    A draw gives every constant that has a plausible range a value from it, all equally likely; an
    array moves as a whole.
    """
    model, base, tests = context.model, context.baseline, context.reality_checks
    values = _values(model, base, tests)
    outputs = tuple(dict.fromkeys(test.variable for test in tests))
    years = tuple(sorted({test.year for test in tests}))
    evaluator = Evaluator(model, base, list(values), Request(outputs=outputs, years=years))
    before: dict[str, Evaluation] = {}
    cases: list[Case] = []
    for test in tests:
        set_anew = {name: np.full_like(values[name], one) for name, one in test.given.items()}
        given = {**values, **set_anew}
        key = json.dumps(dict(test.given))
        if key not in before:
            before[key] = evaluator.evaluate(np.column_stack([*given.values()]))
        changed = _changed(model, test.change, given)
        after = evaluator.evaluate(np.column_stack([*changed.values()]))
        year = years.index(test.year)
        cases += _cases(
            test, *(runs.output(test.variable)[:, year] for runs in (before[key], after))
        )
    fewest = context.checks.comparisons
    shares = [case for case in cases if case.message == "sign_share"]
    held = sum(case.holds for case in cases if case.message == "sign")
    if len(tests) < fewest:
        cases.append(case("tests", False, "too_few", count=len(tests), limit=fewest))
    return result(
        "Q13",
        cases,
        {"most": MOST, "draws": DRAWS, "fewest": fewest},
        tests=len(tests),
        baseline=held,
        drawn=sum(case.holds for case in shares),
        draws=DRAWS,
        least=min((case["share"] for case in shares), default=0.0),
    )


def signs_of(before: FloatArray, after: FloatArray) -> npt.NDArray[np.str_]:
    """Return the direction of change of each run: ``(run,)`` of `Sign`.

    >>> signs_of(np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 0.5, 1.0, np.nan])).tolist()
    ['rises', 'falls', 'stays', 'breaks']
    """
    with np.errstate(invalid="ignore"):
        known = np.isfinite(before) & np.isfinite(after)
        still = np.abs(after - before) <= STAYS * np.maximum(np.abs(before), np.abs(after))
        return np.select(
            [~known, still, after > before],
            [Sign.BREAKS.value, Sign.STAYS.value, Sign.RISES.value],
            Sign.FALLS.value,
        )


def _cases(test: RealityCheck, before: FloatArray, after: FloatArray) -> Iterator[Case]:
    """Return the cases of a check in the baseline, the first run, and in the draws."""
    name, wanted = test.name, test.sign.value
    place: dict[str, Number] = {"what": test.variable, "year": test.year}
    first, *ways = signs_of(before, after).tolist()
    ends = {"before": float(before[0]), "after": float(after[0])}
    yield case(name, first == wanted, "sign", wanted=wanted, way=first, **place, **ends)
    if test.by:
        part, (low, high) = float(after[0] / before[0] - 1), test.by
        yield case(name, low <= part <= high, "sign_size", **place, part=part, low=low, high=high)
    if ways:
        share = ways.count(wanted) / len(ways)
        tally = ", ".join(f"{way} {ways.count(way)}" for way in sorted(set(ways)))
        told = {"wanted": wanted, "share": share, "draws": len(ways), "tally": tally}
        yield case(name, share >= MOST, "sign_share", **told)


def _values(model: Model, base: Scenario, tests: Sequence[RealityCheck]) -> Values:
    """Return all constants that draws or checks set, in the baseline and then in the draws."""
    positions = np.random.default_rng(SEED).random((DRAWS, len(uncertain(model))))
    draws = drawn(model, positions.T)
    set_ones = (name for test in tests for name in (*test.given, *test.change))
    names = dict.fromkeys([*draws, *(cell for name in set_ones for cell in cells(model, name))])
    own = {name: default_of(model, base.values, name) for name in names}
    return {
        name: np.concatenate([[own[name]], draws.get(name, np.full(DRAWS, own[name]))])
        for name in names
    }


def _changed(model: Model, changes: Mapping[str, ConstantChange], values: Values) -> Values:
    """Return the constants of runs after a change, clipped to what is admissible."""
    changed = dict(values)
    for reference, change in changes.items():
        variable = model.variables[split_reference(reference)[0]]
        for name in cells(model, reference):
            old = values[name] if change.to is None else np.full_like(values[name], change.to)
            changed[name] = np.clip(old * change.times + change.plus, *limits(variable))
    return changed


# --- Q14 ------------------------------------------------------------------------------------------


def loop_cuts(context: ValidationContext) -> Result:
    """Q14: cut every loop in every scenario; each moves a binding indicator, or is listed as weak.

    A cut sets the loop's switch to 0, which freezes what is felt at its value in the base year.
    """
    loops = context.loops
    largest = {loop.id: (0.0, "", "") for loop in loops}
    faults: list[Case] = []
    for scenario in context.scenarios.values():
        settings = [{**scenario.values, loop.switch: 0.0} for loop in loops]
        runs = context.compiled.run([scenario.values, *settings], scenario.time)
        years = years_to_horizon(scenario, context.binding)
        shifts = target_shifts(context.binding, partial(runs.in_years, years=years))
        # A run that starts elsewhere starts from other values than those of the base year.
        whole = scenario.time.initial == context.baseline.time.initial
        for run, loop in enumerate(loops, start=1):
            if broken := first_not_finite(context.model, runs, run):
                what = f"{broken[0]} ({scenario.id})"
                faults.append(case(loop, False, "not_finite", what=what, time=broken[1]))
            else:
                moved = (
                    (float(np.nan_to_num(by_run[run])), target, scenario.id)
                    for target, by_run in shifts.items()
                )
                largest[loop.id] = max([largest[loop.id], *moved])
            faults += _not_frozen(loop, scenario, runs, run, 0 if whole else run)
    cases = []
    for loop in loops:
        shift, target, where = largest[loop.id]
        expected = "weak" if loop.weak.en else "strong"
        holds = (shift > MOVES) == (expected == "strong")
        told = {"what": target, "scenario": where, "expected": expected}
        cases.append(case(loop, holds, "loop_effect", shift=shift, **told))
    return result(
        "Q14",
        [*cases, *faults],
        {"most": MOVES},
        lacking=[] if loops else ["loops"],
        loops=len(loops),
        strong=sum(shift > MOVES for shift, _, _ in largest.values()),
        weak=", ".join(loop.id for loop in loops if loop.weak.en) or "–",
        scenarios=len(context.scenarios),
    )


def _not_frozen(
    loop: Loop, scenario: Scenario, runs: Trajectories, run: int, start: int
) -> Iterator[Case]:
    """Return what a cut does not freeze at its value at the start of the whole or the cut run."""
    for number, text in enumerate(loop.felt):
        series = runs.series(frozen_name(loop, number))
        initial = series[start, 0]
        size = max(float(np.abs(initial).max()), EXACT)
        change = float(np.abs(series[run] - initial).max())
        if not change <= FROZEN * size + EXACT:
            values = {"what": text, "scenario": scenario.id}
            yield case(loop, False, "not_frozen", part=change / size, **values)


# --- Q09 to Q11 -----------------------------------------------------------------------------------


def extreme_conditions(context: ValidationContext, test: str) -> Result:
    """Q09 to Q11: run the extreme conditions of a test and compare their expectations.

    A condition whose expectations all hold with equal sides in the baseline tests nothing and
    fails.
    """
    conditions = [extreme for extreme in context.checks.extremes if extreme.test == test]
    base, ids = context.baseline, [condition.id for condition in conditions]
    settings = [base.values, *({**base.values, **condition.set} for condition in conditions)]
    runs = context.compiled.run(settings, every_step(base.time))
    cases: list[Case] = []
    for run, condition in enumerate(conditions, start=1):
        differs = False
        for number, expected in enumerate(condition.expect):
            texts = (expected.left, expected.comparison, expected.right)
            within = (runs.time >= expected.first) & (runs.time <= expected.last)
            left, right = (
                runs.series(side_name(side, condition.id, number))[:, within] for side in SIDES
            )
            sides, time = (left[run], right[run]), runs.time[within]
            cases.append(compared(condition.name, texts, sides, time, base.id))
            differs |= not np.allclose(left[0], right[0], rtol=1e-6, atol=1e-9)
        if not differs:
            cases.append(case(condition.name, False, "ineffective"))
    cases += unsound(context, runs, [base.id, *ids])
    return result(
        test,
        cases,
        conditions=len(conditions),
        expected=sum(len(condition.expect) for condition in conditions),
        held=sum(case.holds for case in cases),
        names=", ".join(ids),
    )


# --- Q12 ------------------------------------------------------------------------------------------


def parameter_extremes(context: ValidationContext) -> Result:
    """Q12: run the baseline with each constant at a tenth and tenfold, then at random extremes.

    One constant at a time, an array as a whole, clipped to the admissible range; at the random
    extremes every constant is at one end or the other of its plausible range.
    """
    model = context.model
    settings = {
        f"{name} × {factor:g}": values
        for factor in FACTORS
        for name, values in scaled(model, factor)
    }
    single = len(settings)
    ends = np.random.default_rng(EXTREMES_SEED).integers(2, size=(EXTREMES, len(uncertain(model))))
    values = drawn(model, ends.T.astype(float))
    for draw in range(EXTREMES):
        settings[f"corner {draw}"] = {name: float(column[draw]) for name, column in values.items()}
    base, compiled, cases = context.baseline, compile_whole(model, effort=1), list[Case]()
    for first in range(0, len(settings), AT_ONCE):
        subjects = [*settings][first : first + AT_ONCE]
        changed = [{**base.values, **settings[subject]} for subject in subjects]
        runs = compiled.run(changed, every_step(base.time))
        cases += unsound(context, runs, subjects)
    return result(
        "Q12",
        cases,
        {"low": FACTORS[0], "high": FACTORS[1]},
        sound=base.id,
        constants=len(model_constants(model)),
        scaled=single,
        corners=EXTREMES,
        broken=len({case.subject for case in cases}),
    )
