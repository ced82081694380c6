"""Q15 to Q17, Q21: behaviour reproduction from 2000 on, and another member of the family.

Reference: J. D. Sterman (1984), Appropriate summary statistics for evaluating the historical fit
of system dynamics models, Dynamica 10(2); (2000), Business Dynamics, chapter 21: the tests of
behaviour reproduction and of family members.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from plansim.analysis.calibration.family import Family, Past
from plansim.analysis.calibration.observations import fit
from plansim.analysis.calibration.observed import (
    FreeFigure,
    HeldSeries,
    Observed,
    SeamItem,
    StartSource,
)
from plansim.analysis.evaluator import Trajectories
from plansim.analysis.validation.conservation import figure_case
from plansim.analysis.validation.context import Settings, ValidationContext, cells
from plansim.analysis.validation.result import Case, Number, Result, case, result
from plansim.scenario.factors import FloatArray, default_of
from plansim.targets.indicator import measured
from plansim.targets.target import reported_factor

__all__ = [
    "HistorySeries",
    "family_cases",
    "family_member",
    "free_history",
    "history",
    "history_series",
    "past_cases",
    "seam",
]

FAMILY_ERROR = 0.15
"""Maximum relative error of a figure of a family member."""


# --- Q15 ------------------------------------------------------------------------------------------


def history(context: ValidationContext) -> Result:
    """Q15: run the scenario of the past at each level of capital, measure every observed series.

    A series passes if its error does at every level.
    """
    runs = _runs(context)
    if runs is None or context.history is None:
        return result("Q15", [], lacking=["history"])
    cases = [_series_case(runs, series) for series in context.history.series]
    judged = [case for case in cases if case.message == "series"]
    capital = context.history.capital
    return result(
        "Q15",
        cases,
        {
            "low": capital.low if capital else math.nan,
            "high": capital.high if capital else math.nan,
        },
        series=len(judged),
        fit=sum(case.holds for case in judged),
        worst=max((case["mape"] for case in judged), default=0.0),
        widest=max((case["mape_high"] for case in judged), default=0.0),
        sums=len(runs.values) - 1,
    )


def _runs(context: ValidationContext) -> Trajectories | None:
    """Run the scenario of the past: with its own capital first, then over the capital's range."""
    name = context.checks.scenarios.history
    if context.history is None or name is None:
        return None
    scenario, capital = context.scenarios[name], context.history.capital
    settings: list[Settings] = [scenario.values]
    if capital is not None:
        names = cells(context.model, capital.constant)
        own = {cell: default_of(context.model, scenario.values, cell) for cell in names}
        for factor in np.linspace(capital.low, capital.high, capital.points).tolist():
            scaled = {cell: value * factor for cell, value in own.items()}
            settings.append({**scenario.values, **scaled})
    return context.compiled.run(settings, scenario.time)


def _simulated(runs: Trajectories, series: Observed) -> FloatArray:
    """Return the model's values at the points of an observed series: ``(run, point)``."""
    at = runs.yearly(series.variable)
    with np.errstate(all="ignore"):
        columns = [
            measured(at, point.measure, point.base, point.year) for point in series.observations
        ]
    return np.stack(columns, axis=1)


def _series_case(runs: Trajectories, series: Observed) -> Case:
    observed = np.array([point.value for point in series.observations]) * series.scale
    simulated = _simulated(runs, series)
    fits = [fit(row, observed) for row in simulated]
    own, mapes = fits[0], [fit.mape if math.isfinite(fit.mape) else math.inf for fit in fits]
    numbers: dict[str, Number] = {
        "mape": own.mape,
        "mape_low": min(mapes),
        "mape_high": max(mapes),
        "rmse": own.rmse / series.scale,
        "r2": own.r2,
        "um": own.um,
        "us": own.us,
        "uc": own.uc,
        "points": own.points,
        "years": ", ".join(str(point.year) for point in series.observations),
        "simulated": _listed(simulated[0] / series.scale),
        "observed": _listed(observed / series.scale),
        "unit": series.unit,
    }
    if series.most is None:
        return case(series.name, True, "series_shown", **numbers)
    return case(series.name, own.mape <= series.most, "series", most=series.most, **numbers)


def _listed(values: FloatArray) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


@dataclass(frozen=True)
class HistorySeries:
    """An observed series with the model's values."""

    series: Observed
    years: tuple[int, ...]
    simulated: FloatArray
    """``(run, year)`` in the unit of the observations: with the scenario's own capital, then over
    the capital's range."""


def history_series(context: ValidationContext) -> tuple[HistorySeries, ...]:
    """Return all observed series that are levels; empty without a history."""
    runs = _runs(context)
    if runs is None or context.history is None:
        return ()
    made = []
    last = max(point.year for series in context.history.series for point in series.observations)
    years = tuple(range(math.ceil(runs.time[0]), last + 1))
    for series in context.history.series:
        if all(point.since is None for point in series.observations):
            values = np.stack([*map(runs.yearly(series.variable), years)], axis=1)
            made.append(HistorySeries(series, years, values / series.scale))
    return tuple(made)


# --- Q16 ------------------------------------------------------------------------------------------


def free_history(context: ValidationContext) -> Result:
    """Q16: leave to the model what the run of the past was given, and compare what it makes of it.

    Every series of history that is left is shown held at its value of the base year.
    """
    free = context.history.free if context.history else None
    if free is None or free.scenario not in context.scenarios:
        return result("Q16", [], lacking=["history"])
    scenario = context.scenarios[free.scenario]
    settings = [scenario.values, *(_held(scenario.values, series) for series in free.held)]
    runs = context.compiled.run(settings, scenario.time)
    cases, errors = [], []
    for figure in free.figures:
        values, stated = _measured(runs, figure), figure.observed.value
        errors.append(values / stated - 1)
        numbers = (float(values[0]), stated, figure.unit)
        place: dict[str, Number] = {"what": figure.of, "year": figure.observed.year}
        cases.append(figure_case(figure.name, numbers, figure.most, **place))
    for run, series in enumerate(free.held, start=1):
        told = ", ".join(f"{error[run]:+.1%}" for error in errors)
        cases.append(case(series.name, True, "held_series", errors=told))
    return result(
        "Q16",
        cases,
        held=sum(case.holds for case in cases[: len(errors)]),
        figures=len(errors),
        worst=max(abs(float(error[0])) for error in errors),
    )


def _held(values: Settings, series: HeldSeries) -> Settings:
    """Return settings with constants, and the years of series in their place, at one value."""
    years = {
        name: value
        for name in values
        for constant, value in series.set.items()
        if name.startswith(f"{constant} in ")
    }
    return {**values, **series.set, **years}


def _measured(runs: Trajectories, figure: FreeFigure) -> FloatArray:
    """Return a figure in each run: of its year, or the sum over the years since another."""
    at, point = runs.yearly(figure.of), figure.observed
    first = point.year if point.since is None else point.since + 1
    factor = reported_factor(runs.compiled.model.variables[figure.of].unit, figure.unit)
    values: FloatArray = np.sum([at(year) for year in range(first, point.year + 1)], axis=0)
    return values * factor


# --- Q17 ------------------------------------------------------------------------------------------


def seam(context: ValidationContext) -> Result:
    """Q17: compare where the run from the past arrives with where the baseline starts.

    What is led back or left unchanged is shown and not counted: it arrives by construction.
    """
    table, name = context.seam, context.checks.scenarios.history
    if table is None or name is None:
        return result("Q17", [], lacking=["seam"])
    past, base = context.runs[name], context.runs[context.baseline.id]
    cases = [_seam_case(item, past, base) for item in table.items]
    counted = [
        (item, made)
        for item, made in zip(table.items, cases, strict=True)
        if item.mark not in (StartSource.LED_BACK, StartSource.UNCHANGED)
    ]
    near = [item for item, made in counted if abs(made["arrives"] - 1) <= table.most]
    known = [item for item in near if item.known]
    shared: dict[str, Number] = {"items": len(counted), "most": table.most}
    within = case(
        "Q17", len(near) >= table.least, "seam_count", count=len(near), limit=table.least, **shared
    )
    independent = case(
        "Q17",
        len(known) >= table.known,
        "seam_known",
        count=len(known),
        limit=table.known,
        **shared,
    )
    return result(
        "Q17",
        [within, independent, *cases],
        {"most": table.most, "least": table.least, "known": table.known},
        within=len(near),
        counted=len(counted),
        known=len(known),
        left=len(cases) - len(counted),
        wide=sum(
            max(1 - made["lowest"], made["highest"] - 1) > table.element for _, made in counted
        ),
        element=table.element,
    )


def _seam_case(item: SeamItem, past: Trajectories, base: Trajectories) -> Case:
    """Compare a run with the base year: at its start, and where it reaches that year."""
    at = int(np.argmin(np.abs(past.time - base.time[0])))
    runs, wanted = past.series(item.of)[0], base.series(item.of)[0][0]
    with np.errstate(all="ignore"):
        elements = np.ravel(runs[at] / wanted)
        start, arrives = runs[0].sum() / wanted.sum(), runs[at].sum() / wanted.sum()
    return case(
        item.of,
        True,
        "seam",
        start=float(start),
        arrives=float(arrives),
        lowest=float(np.nanmin(elements, initial=np.inf)),
        highest=float(np.nanmax(elements, initial=-np.inf)),
        mark=item.mark.value,
        source_en=item.source.en,
        source_zh=item.source.zh,
        known=", ".join(item.known),
    )


# --- Q21 ------------------------------------------------------------------------------------------


def family_member(context: ValidationContext) -> Result:
    """Q21: run the same model with the data of a family member and compare the outcome.

    The file beside the model may ask for less than `FAMILY_ERROR`, never for more.
    """
    family, limits = context.family, {"most": FAMILY_ERROR}
    if family is None or family.scenario not in context.scenarios:
        return result("Q21", [], limits, lacking=["family"])
    cases = family_cases(family, context.runs[family.scenario])
    worst = max(abs(case["error"]) for case in cases)
    if (past := family.past) is not None:
        if past.scenario not in context.scenarios:
            return result("Q21", cases, limits, lacking=[past.scenario])
        scenario = context.scenarios[past.scenario]
        settings = [{}, *(variant.set for variant in past.variants)]
        runs = context.compiled.run(
            [{**scenario.values, **setting} for setting in settings], scenario.time
        )
        cases += past_cases(past, runs)
    judged = [case for case in cases if case.message != "change_shown"]
    return result(
        "Q21",
        cases,
        limits,
        held=sum(case.holds for case in judged),
        figures=len(judged),
        worst=worst,
    )


def family_cases(family: Family, runs: Trajectories) -> list[Case]:
    """Compare the run of a family member with its figures."""
    cases = []
    for figure in family.figures:
        unit = runs.compiled.model.variables[figure.variable].unit
        factor = reported_factor(unit, figure.unit) * family.size
        simulated = float(runs.yearly(figure.variable)(figure.year)[0]) * factor
        most = min(family.most, FAMILY_ERROR)
        values = (simulated, figure.value, figure.unit)
        cases.append(figure_case(figure.name, values, most, what=figure.variable, year=figure.year))
    return cases


def past_cases(past: Past, runs: Trajectories) -> list[Case]:
    """Compare how much things changed in the runs of the past: its own, then those of variants.

    The own run has to find the size of each change; a variant its sign, or nothing.
    """
    cases = []
    for window in past.windows:
        values = runs.yearly(window.of)
        years = window.last - window.first if window.yearly else 1
        with np.errstate(all="ignore"):
            ratio = values(window.last) / values(window.first)
            changes = 100 * (ratio ** (1 / years) - 1)
        for variant, change in zip([None, *past.variants], changes.tolist(), strict=True):
            numbers: dict[str, Number] = {
                "what": window.of,
                "first": window.first,
                "last": window.last,
                "value": change,
                "stated": window.change,
            }
            if variant is None:
                holds = abs(change - window.change) <= window.within  # false of NaN
                template, numbers = "change", {**numbers, "within": window.within}
                cases.append(case(window.name, holds, template, **numbers))
                continue
            parts = zip(window.name, variant.name, strict=True)
            of, en, zh = (f"{left}; {right}" for left, right in parts)
            same = change * window.change > 0
            template = "change_sign" if variant.signs else "change_shown"
            cases.append(case((of, en, zh), same or not variant.signs, template, **numbers))
    return cases
