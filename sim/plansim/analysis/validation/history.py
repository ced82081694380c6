"""Q15: started in the past with the investment of history, the model finds what followed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plansim.analysis.calibration.goodness_of_fit import Fit, fit
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.observed import History, Observed, Point
from plansim.analysis.validation.probe import Runs, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found, not_applicable
from plansim.analysis.validation.settings import Settings, cells
from plansim.model.records import Timing
from plansim.scenario.factors import default_of
from plansim.scenario.reader import Scenario
from plansim.targets.indicator import Floats, moment

__all__ = ["PastCourse", "capitals", "past", "past_courses", "simulated"]


def past(dossier: Dossier) -> Finding:
    """Run the scenario of the past at each sum of capital, and measure every observed series.

    A series passes if its error does at every sum.
    """
    if dossier.history is None or dossier.checks.scenarios.history is None:
        return not_applicable("Q15", "history")
    history, scenario = dossier.history, dossier.scenarios[dossier.checks.scenarios.history]
    sums = capitals(dossier, history, scenario)
    probe = probe_of(dossier.model, [each.equation for each in history.series])
    runs = probe.run([values for _, values in sums], scenario.time)
    cases: list[Case] = []
    for each in history.series:
        observed = np.array([point.value for point in each.points])
        fits = [fit(row, observed) for row in simulated(runs, each)]
        cases += _cases(each, fits, simulated(runs, each)[0], observed)
    judged = [case for case in cases if case.said is Said.FITS]
    figures: dict[str, Number] = {
        "series": len(judged),
        "fit": sum(case.holds for case in judged),
        "worst": max((float(case.values["mape"]) for case in judged), default=0.0),
        "widest": max((float(case.values["mape_high"]) for case in judged), default=0.0),
        "sums": len(sums) - 1,
    }
    stock = history.capital
    limits: dict[str, Number] = {"low": stock.low, "high": stock.high} if stock else {}
    return found("Q15", cases, figures, {"low": math.nan, "high": math.nan, **limits})


@dataclass(frozen=True)
class PastCourse:
    """An observed series beside the model's, in the unit of the observations."""

    name_en: str
    name_zh: str
    unit: str
    years: tuple[int, ...]
    own: tuple[float, ...]
    """With the scenario's own capital, by year."""
    low: tuple[float, ...]
    """The least over the range of capital."""
    high: tuple[float, ...]
    observed: Mapping[int, float]


def past_courses(dossier: Dossier) -> tuple[PastCourse, ...]:
    """Give the courses of all observed series that are levels; none where no past is known."""
    if dossier.history is None or dossier.checks.scenarios.history is None:
        return ()
    history, scenario = dossier.history, dossier.scenarios[dossier.checks.scenarios.history]
    levels = [each for each in history.series if all(p.since is None for p in each.points)]
    probe = probe_of(dossier.model, [each.equation for each in levels])
    sums = capitals(dossier, history, scenario)
    runs = probe.run([values for _, values in sums], scenario.time)
    found_ones = []
    for each in levels:
        last = max(point.year for point in each.points)
        years = tuple(range(math.ceil(scenario.time.initial), last + 1))
        values = simulated(runs, replace(each, points=tuple(Point(y, None, 0, "") for y in years)))
        shown = values / each.scale
        found_ones.append(
            PastCourse(
                each.name_en,
                each.name_zh,
                each.unit,
                years,
                tuple(shown[0].tolist()),
                tuple(shown.min(axis=0).tolist()),
                tuple(shown.max(axis=0).tolist()),
                {point.year: point.value / each.scale for point in each.points},
            )
        )
    return tuple(found_ones)


def capitals(
    dossier: Dossier, history: History, scenario: Scenario
) -> list[tuple[float, Settings]]:
    """Give the scenario's own sum of capital first, then those over its range, with all values."""
    if history.capital is None:
        return [(math.nan, scenario.values)]
    names = cells(dossier.model, history.capital.constant)
    own = {name: default_of(dossier.model, scenario.values, name) for name in names}
    total = sum(own.values())
    sums = np.linspace(history.capital.low, history.capital.high, history.capital.points).tolist()
    return [
        (each, {**scenario.values, **{name: own[name] * each / total for name in names}})
        for each in (total, *sums)
    ]


def simulated(runs: Runs, series: Observed) -> Floats:
    """Give what the model says at the points of an observed series: ``(run, point)``."""
    values = runs.series(series.equation.name)
    timing = Timing.YEAR_END if series.end_of_year else Timing.YEAR

    def at(year: int) -> Floats:
        near = np.flatnonzero(np.abs(runs.time - moment(timing, year)) < 1e-6)
        return values[:, near[0]] if near.size else np.full(len(values), np.nan)

    columns = []
    for point in series.points:
        if point.since is None:
            columns.append(at(point.year))
        else:
            with np.errstate(all="ignore"):
                ratio = at(point.year) / at(point.since)
                columns.append(ratio ** (1 / (point.year - point.since)) - 1)
    return np.stack(columns, axis=1)


def _cases(each: Observed, fits: Sequence[Fit], values: Floats, observed: Floats) -> list[Case]:
    own = fits[0]
    mapes = [one.mape if math.isfinite(one.mape) else math.inf for one in fits]
    numbers: dict[str, Number] = {
        "mape": own.mape,
        "mape_low": min(mapes),
        "mape_high": max(mapes),
        "rmse": own.rmse / each.scale,
        "r2": own.r2,
        "um": own.um,
        "us": own.us,
        "uc": own.uc,
        "points": own.points,
        "years": ", ".join(str(point.year) for point in each.points),
        "simulated": ", ".join(f"{value:.4g}" for value in values / each.scale),
        "observed": ", ".join(f"{value:.4g}" for value in observed / each.scale),
        "unit": each.unit,
    }
    if each.most is None:
        return [Case(each.id, True, Said.SHOWN, numbers, each.name_en, each.name_zh)]
    holds = max(mapes) <= each.most
    values_said: dict[str, Number] = {**numbers, "most": each.most}
    return [Case(each.id, holds, Said.FITS, values_said, each.name_en, each.name_zh)]
