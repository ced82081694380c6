"""Q07, Q24 and Q25: what computes the runs: the time step, other engines, run cards.

Reference: J. D. Sterman (2000), Business Dynamics, chapter 21: the integration-error test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from plansim.analysis.evaluator import Trajectories
from plansim.analysis.validation.context import ValidationContext, verdicts
from plansim.analysis.validation.result import Case, Result, case, result
from plansim.engine.simlin import AGREE as SIMLIN_AGREES
from plansim.engine.simlin import has_simlin, run_simlin
from plansim.engine.simulate import EngineChoice, simulate
from plansim.engine.trajectory import largest_difference, recorded
from plansim.model.records import Integration, Model, cells_of
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import Measure, measured

__all__ = ["disagreement", "engines", "run_cards", "time_step"]

MOVED = 0.002
"""Largest relative change of an indicator by half the time step."""
AGREE: Mapping[str, float] = {"PySD": 1e-9, "pysimlin": SIMLIN_AGREES}
"""Largest difference to another engine, relative to the largest value of a series."""


# --- Q07 ------------------------------------------------------------------------------------------


def time_step(context: ValidationContext) -> Result:
    """Q07: run every scenario again with half the time step."""
    cases: list[Case] = []
    largest, changed = 0.0, 0
    for scenario in context.scenarios.values():
        whole = context.runs[scenario.id]
        clock = replace(scenario.time, step=scenario.time.step / 2)
        half = context.compiled.run([scenario.values], clock)
        moves = sorted(_moves(context, scenario, whole, half), key=lambda move: -move["part"])
        largest = max([largest, *(move["part"] for move in moves[:1])])
        cases += [move for move in moves if not move.holds] or moves[:1]
        for target in context.judged:
            first, second = (verdicts(runs, target, scenario) for runs in (whole, half))
            before, after = first.status_of(), second.status_of()
            if before is not after:
                changed += 1
                cases.append(case(
                    scenario.id, False, "verdict_changed", what=target.id, before=before.value,
                    after=after.value, value_before=float(first.value[0]),
                    value_after=float(second.value[0]), unit=target.unit,
                ))  # fmt: skip
    scenarios = len(context.scenarios)
    return result(
        "Q07", cases, {"most": MOVED}, largest=largest, flips=changed, scenarios=scenarios
    )


def _moves(
    context: ValidationContext, scenario: Scenario, whole: Trajectories, half: Trajectories
) -> Iterator[Case]:
    """Return the change of each indicator by half the step, in each year of the checks.

    One that passes through zero in the run is held to the largest level that it has there.
    """
    for reference in context.indicators:
        span = _span(context, reference)
        path = whole.values[0, whole.compiled.kernel.rows_of[reference]]
        turns = np.nanmin(path) < 0 < np.nanmax(path)
        for year in context.checks.years:
            figures = []
            for runs in (whole, half):
                at = runs.yearly(reference)
                value = at(year) if span == 1 else measured(at, Measure.SUM, year - span, year)
                figures.append(float(value[0]))
            before, after = figures
            if np.isnan(before) and np.isnan(after):
                continue  # the run ends before
            change = abs(after - before)
            level = max(abs(before), float(np.nanmax(np.abs(path))) if turns else 0.0)
            part = change / level if level else np.inf if change else 0.0
            yield case(scenario.id, change <= MOVED * level, "moved", what=reference, year=year,
                       before=before, after=after, part=part)  # fmt: skip


def _span(context: ValidationContext, reference: str) -> int:
    """Return the number of years over which targets sum an indicator; 1 if one judges single years.

    A flow that is judged only as a sum may pass through zero in a single year, where its relative
    change is meaningless.
    """
    judging = [target for target in context.judged if reference in target.variables.values()]
    return min(
        (target.year or target.since + 1) - target.since
        if target.measure in (Measure.SUM, Measure.MEAN)
        else 1
        for target in judging
    )


# --- Q24 ------------------------------------------------------------------------------------------


def engines(context: ValidationContext) -> Result:
    """Q24: compare all series of every scenario with pysimlin and, if asked for, with PySD."""
    others = ["pysimlin"] * has_simlin() + ["PySD"] * context.reference
    cases = []
    for scenario in context.scenarios.values():
        for other in others:
            runs = context.runs[scenario.id]
            if other == "pysimlin":  # which integrates by Euler's method
                clock = replace(scenario.time, integration=Integration.EULER)
                runs = context.compiled.run([scenario.values], clock)
            theirs = _series_of(other, context.model, scenario)
            cases.append(disagreement(other, scenario.id, context.series_of(runs), theirs))
    return result(
        "Q24",
        cases,
        {name.lower(): most for name, most in AGREE.items()},
        lacking=["pysimlin"] * (not has_simlin()) + ["reference"] * (not context.reference),
        engines=" + ".join(others),
        largest=max((case["error"] for case in cases), default=0.0),
        scenarios=len(context.scenarios),
        series=len(context.series),
    )


def disagreement(
    other: str, scenario: str, ours: Mapping[str, FloatArray], theirs: Mapping[str, FloatArray]
) -> Case:
    """Return the largest difference of two engines' series, ``(time,)`` by their names."""
    worst = largest_difference(ours, theirs)
    return case(
        scenario,
        worst.error <= AGREE[other],
        "engines",
        engine=other,
        error=worst.error,
        what=worst.series,
        scale=worst.scale,
    )


def _series_of(engine: str, model: Model, scenario: Scenario) -> Mapping[str, FloatArray]:
    if engine == "pysimlin":
        return run_simlin(model, scenario)
    dataset = simulate(model, scenario, engine=EngineChoice.PYSD)
    over_time, _ = recorded(model)
    series: dict[str, FloatArray] = {}
    for variable in over_time:
        values = dataset[variable.name].to_numpy().reshape(dataset.sizes["time"], -1)
        series |= dict(zip(cells_of(model, variable), values.T, strict=True))
    return series


# --- Q25 ------------------------------------------------------------------------------------------

_EMPTY = (None, "", "unknown")
_RUN_CARD = (
    "model_sha256",
    "scenario_sha256",
    "plansim_version",
    "engine",
    "engine_version",
    "python",
    "method",
    "time_step",
)
"""Attributes that a run has to have."""


def run_cards(context: ValidationContext) -> Result:
    """Q25: require the run card of a run, and the same bits of the same run."""
    scenario = context.baseline
    first, second = (simulate(context.model, scenario, cache=cache) for cache in (True, False))
    kept = {key for key in _RUN_CARD if first.attrs.get(key) not in _EMPTY}
    same = all(
        first[name].to_numpy().tobytes() == second[name].to_numpy().tobytes() for name in first
    )
    cases = [
        *(case(scenario.id, key in kept, "run_card", what=key) for key in _RUN_CARD),
        case(scenario.id, same, "reproduced"),
    ]
    return result("Q25", cases, entries=len(_RUN_CARD))
