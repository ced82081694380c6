"""Q07 and Q08: the step is short enough, and what should stand still does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from plansim.analysis.validation.checks import Resting, resting_of
from plansim.analysis.validation.context import Dossier, by_clock, indicators
from plansim.analysis.validation.probe import Runs, halved, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found, not_applicable
from plansim.analysis.validation.settings import cells
from plansim.model.records import Model, VariableKind
from plansim.scenario.factors import default_of
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import Status, Target, split_reference, unit_factor
from plansim.targets.indicator import Floats, Measure, Yearly, measured
from plansim.targets.verdict import Answer, Findings, findings

__all__ = ["DRIFT", "MOVED", "REST", "equilibrium", "half_the_step", "judged"]

MOVED = 0.01
"""Of an indicator: more than this may not come from the step."""
DRIFT = 1e-4
"""A year, of a stock: more than this is no standstill."""
REST = 15
"""For so many years."""


# --- Q07 ------------------------------------------------------------------------------------------


def half_the_step(dossier: Dossier) -> Finding:
    """Run every scenario again with half the step."""
    probe = probe_of(dossier.model, outputs=_names(dossier))
    cases: list[Case] = []
    largest, flips = 0.0, 0
    for clock, group in by_clock(dossier.scenarios).items():
        settings = [scenario.values for scenario in group]
        whole, half = (probe.run(settings, each) for each in (clock, halved(clock)))
        for run, scenario in enumerate(group):
            moves = list(_moves(dossier, scenario, whole, half, run))
            turned = list(_turned(dossier, scenario, whole, half, run))
            worst = max((float(each.values["part"]) for each in moves), default=0.0)
            largest, flips = max(largest, worst), flips + len(turned)
            failing = [each for each in moves if not each.holds]
            cases += failing or moves[:1]
            cases += turned
    figures = {"largest": largest, "flips": flips, "scenarios": len(dossier.scenarios)}
    return found("Q07", cases, figures, {"most": MOVED})


def _names(dossier: Dossier) -> list[str]:
    return list(dict.fromkeys(split_reference(each)[0] for each in indicators(dossier)))


def _moves(
    dossier: Dossier, scenario: Scenario, whole: Runs, half: Runs, run: int
) -> Iterator[Case]:
    """Give what each indicator moves by, the largest move first."""
    cases = []
    for reference in indicators(dossier):
        span = _span(dossier, reference)
        for year in dossier.checks.years:
            before, after = (
                float(_figure(each.yearly(reference), span, year)[run]) for each in (whole, half)
            )
            if np.isnan(before) and np.isnan(after):
                continue  # a run that is over by then
            change = abs(after - before)
            part = change / abs(before) if before else np.inf if change else 0.0
            values: dict[str, Number] = {"what": reference, "year": year}
            values |= {"before": before, "after": after, "part": part}
            holds = bool(change <= MOVED * abs(before))
            cases.append(Case(scenario.id, holds, Said.MOVED, values))
    yield from sorted(cases, key=lambda case: -float(case.values["part"]))


def _span(dossier: Dossier, reference: str) -> int:
    """Give over how many years targets add an indicator up; 1 if one looks at a year's figure.

    A flow that is only ever judged as a sum may pass through nil in a single year, where a part of
    itself says nothing.
    """
    judging = [each for each in dossier.judged if reference in each.variables.values()]
    added = (Measure.SUM, Measure.MEAN)
    return min(
        (each.year or each.since + 1) - each.since if each.measure in added else 1
        for each in judging
    )


def _figure(at: Yearly, span: int, year: int) -> Floats:
    """Give an indicator's figure: that of the year, or the sum of the years up to it."""
    return at(year) if span == 1 else measured(at, Measure.SUM, year - span, year)


def _turned(
    dossier: Dossier, scenario: Scenario, whole: Runs, half: Runs, run: int
) -> Iterator[Case]:
    """Give the verdicts that half the step turns."""
    for target in dossier.judged:
        first, second = (judged(runs, target, scenario) for runs in (whole, half))
        before, after = (list(Status)[int(each.status[run])] for each in (first, second))
        if before is not after:
            values = {
                "what": target.id,
                "before": before.value,
                "after": after.value,
                "value_before": float(first.value[run]),
                "value_after": float(second.value[run]),
                "unit": target.unit,
            }
            yield Case(scenario.id, False, Said.FLIPPED, values)


def judged(runs: Runs, target: Target, scenario: Scenario) -> Findings:
    """Judge runs of a scenario by a target: arrays ``(run,)``."""
    variables = runs.probe.model.variables
    answers = {
        basis: Answer(
            runs.yearly(name), unit_factor(variables[split_reference(name)[0]].unit, target)
        )
        for basis, name in target.variables.items()
    }
    return findings(answers, target, assumed=target.id in scenario.assumed)


# --- Q08 ------------------------------------------------------------------------------------------


def equilibrium(dossier: Dossier) -> Finding:
    """Run the scenario in which all should stand still, and push it once.

    Smoothed variables are stocks too; one that starts at nil stays there.
    """
    limits = {"most": DRIFT, "years": REST}
    if dossier.checks.scenarios.equilibrium is None:
        return not_applicable("Q08", "equilibrium", limits)
    scenario = dossier.scenarios[dossier.checks.scenarios.equilibrium]
    states = [
        each.name
        for each in dossier.model.variables.values()
        if each.kind is VariableKind.STOCK or "SMOOTH" in each.equation
    ]
    equations = tuple(resting_of(dossier.model, dossier.checks))
    outputs = [*states, *(each.name for each in equations)]
    probe = probe_of(dossier.model, equations, outputs)
    clock = replace(scenario.time, saveper=1.0)
    runs = probe.run([scenario.values], clock)
    cases = []
    for name in states:
        values = runs.series(name)[0, : REST + 1].reshape(min(REST + 1, runs.time.size), -1)
        size = np.where(values[0] == 0, 1, np.abs(values[:-1]))
        drift = float(np.max(np.abs(np.diff(values, axis=0)) / size))
        cases.append(Case(name, drift <= DRIFT, Said.DRIFTED, {"part": drift}))
    cases.sort(key=lambda case: -float(case.values["part"]))
    largest = float(cases[0].values["part"]) if cases else 0.0
    cases += [_at_rest(dossier.model, scenario, runs, each) for each in dossier.checks.rest]
    figures = {"largest": largest, "stocks": len(states)}
    short = runs.time[-1] - runs.time[0] < REST
    kept = [Case("clock", False, Said.NOTHING)] if short else []
    return found("Q08", [*kept, *cases], figures, limits)


def _at_rest(model: Model, scenario: Scenario, runs: Runs, resting: Resting) -> Case:
    """Compare a constant of the equilibrium with what stocks need to stand still."""
    needed = runs.series(f"rest {resting.constant}")[0, 0].reshape(-1)
    names = cells(model, resting.constant)
    own = np.array([default_of(model, scenario.values, name) for name in names])
    part = float(np.max(np.abs(own - needed) / np.maximum(np.abs(needed), 1e-300)))
    values: dict[str, Number] = {"what": ", ".join(f"{each:.16g}" for each in needed), "part": part}
    return Case(resting.constant, part <= DRIFT, Said.AT_REST, values)
