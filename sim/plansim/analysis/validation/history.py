"""Q15 to Q17, Q21: behaviour reproduction from 2000 on, and another member of the family.

Reference: J. D. Sterman (1984), Appropriate summary statistics for evaluating the historical fit
of system dynamics models, Dynamica 10(2); (2000), Business Dynamics, chapter 21: the tests of
behaviour reproduction and of family members.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from plansim.analysis.calibration.family import Family, Past
from plansim.analysis.calibration.observed_past import Observed, SeamItem, StartSource
from plansim.analysis.evaluator import Trajectories
from plansim.analysis.validation.conservation import figure_case
from plansim.analysis.validation.context import Settings, ValidationContext, cells
from plansim.analysis.validation.result import Case, Number, Result, case, result
from plansim.scenario.factors import FloatArray, default_of
from plansim.targets.indicator import measured
from plansim.targets.target import reported_factor, variable_of

__all__ = [
    "GoodnessOfFit",
    "HistorySeries",
    "family_cases",
    "family_member",
    "fit",
    "free_history",
    "history",
    "history_series",
    "past_cases",
    "seam",
]

FAMILY_ERROR = 0.15
"""Maximum relative error of a figure of a family member."""
FEWEST_POINTS = 3
"""Two observations lie on a line whatever they are."""


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
    low, high = (capital.low, capital.high) if capital else (math.nan, math.nan)
    return result(
        "Q15",
        cases,
        {"low": low, "high": high},
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


def _series_case(runs: Trajectories, series: Observed) -> Case:
    at = runs.yearly(series.variable)
    observed = np.array([point.value for point in series.points])
    with np.errstate(all="ignore"):
        columns = [measured(at, point.measure, point.base, point.year) for point in series.points]
    simulated, scale = np.stack(columns, axis=1), series.scale  # (run, point)
    fits = [fit(row, observed * scale) for row in simulated]
    own, mapes = fits[0], [fit.mape if math.isfinite(fit.mape) else math.inf for fit in fits]
    limit = {} if series.most is None else {"most": series.most}
    return case(
        series.name,
        series.most is None or own.mape <= series.most,
        "series_shown" if series.most is None else "series",
        **vars(replace(own, rmse=own.rmse / scale)),
        mape_low=min(mapes),
        mape_high=max(mapes),
        years=", ".join(str(point.year) for point in series.points),
        simulated=_listed(simulated[0] / scale),
        observed=_listed(observed),
        unit=series.unit,
        **limit,
    )


def _listed(values: FloatArray) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


@dataclass(frozen=True)
class GoodnessOfFit:
    """The measures of one series.

    Of less than three observations a correlation, and what parts the error by it, say nothing: NaN.
    """

    points: int
    mape: float
    """The mean absolute error as a part of the observations."""
    rmse: float
    """The root of the mean square error, in the unit of the series."""
    r2: float
    """The square of the correlation."""
    um: float
    us: float
    uc: float


def fit(simulated: FloatArray, observed: FloatArray) -> GoodnessOfFit:
    """Measure how well a series fits its observations, both ``(point,)``.

    An observation of 0 has no relative error. The shares of an error of 0 are NaN.

    >>> measures = fit(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    >>> measures.rmse, round(measures.r2, 12), measures.um, measures.us, measures.uc
    (1.0, 1.0, 1.0, 0.0, 0.0)
    """
    error = simulated - observed
    mse = float(np.mean(error**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        mape = float(np.mean(np.abs(error / observed)))
    spread_s, spread_o = float(np.std(simulated)), float(np.std(observed))
    together = float(np.mean((simulated - simulated.mean()) * (observed - observed.mean())))
    enough = observed.size >= FEWEST_POINTS
    moves = enough and spread_s > 0 and spread_o > 0
    r2 = (together / (spread_s * spread_o)) ** 2 if moves else math.nan
    if not enough or mse == 0 or not math.isfinite(mse):
        um = us = uc = math.nan
    else:
        um = float(np.mean(error)) ** 2 / mse
        us = (spread_s - spread_o) ** 2 / mse
        # 2 (1 - r) s_s s_o, written without r, which is none where a series stands still.
        uc = 2 * (spread_s * spread_o - together) / mse
    return GoodnessOfFit(observed.size, mape, math.sqrt(mse), r2, um, us, uc)


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
    last = max(point.year for series in context.history.series for point in series.points)
    years = tuple(range(math.ceil(runs.time[0]), last + 1))
    for series in context.history.series:
        if all(point.since is None for point in series.points):
            values = runs.in_years(series.variable, years) / series.scale
            made.append(HistorySeries(series, years, values))
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
    settings = [scenario.values]
    for series in free.held:
        # A series stands in the place of a constant as one constant a year.
        years = {name: value for name in scenario.values for constant, value in series.set.items()
                 if name.startswith(f"{constant} in ")}  # fmt: skip
        settings.append({**scenario.values, **series.set, **years})
    runs = context.compiled.run(settings, scenario.time)
    cases, errors = [], []
    for figure in free.figures:
        # Of its year, or the sum over the years since another.
        at, point, stated = runs.yearly(figure.of), figure.observed, figure.observed.value
        first = point.year if point.since is None else point.since + 1
        factor = reported_factor(variable_of(context.model, figure.of).unit, figure.unit)
        values = factor * np.sum([at(year) for year in range(first, point.year + 1)], axis=0)
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
    enough = [
        case("Q17", len(items) >= limit, message, count=len(items), limit=limit,
             items=len(counted), most=table.most)
        for message, items, limit in (
            ("seam_count", near, table.least), ("seam_known", known, table.known)
        )
    ]  # fmt: skip
    return result(
        "Q17",
        [*enough, *cases],
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
        variants = ({}, *(variant.set for variant in past.variants))
        settings = [{**scenario.values, **setting} for setting in variants]
        cases += past_cases(past, context.compiled.run(settings, scenario.time))
    judged = [case for case in cases if case.message != "change_shown"]
    held = sum(case.holds for case in judged)
    return result("Q21", cases, limits, held=held, figures=len(judged), worst=worst)


def family_cases(family: Family, runs: Trajectories) -> list[Case]:
    """Compare the run of a family member with its figures."""
    cases = []
    for figure in family.figures:
        unit = variable_of(runs.compiled.model, figure.of).unit
        factor = reported_factor(unit, figure.unit) * family.size
        simulated = float(runs.yearly(figure.of)(figure.year)[0]) * factor
        most = min(family.most, FAMILY_ERROR)
        values = (simulated, figure.value, figure.unit)
        cases.append(figure_case(figure.name, values, most, what=figure.of, year=figure.year))
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
            own, *changes = (100 * (ratio ** (1 / years) - 1)).tolist()
        told: dict[str, Number] = {
            "what": window.of, "first": window.first, "last": window.last, "stated": window.change,
        }  # fmt: skip
        holds = abs(own - window.change) <= window.within  # false of NaN
        cases.append(case(window.name, holds, "change", value=own, within=window.within, **told))
        for variant, change in zip(past.variants, changes, strict=True):
            of, en, zh = map("; ".join, zip(window.name, variant.name, strict=True))
            same, message = change * window.change > 0, "change_sign"
            if not variant.signs:
                same, message = True, "change_shown"
            cases.append(case((of, en, zh), same, message, value=change, **told))
    return cases
