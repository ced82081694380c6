"""Target seeking: the values of levers at which targets are just met, at the least cost.

With one lever the margin is evaluated over a grid of its range, then by bisection where it turns
positive nearest to the present value; an interval of good values between two points of the grid is
not seen. With several levers the search space is sampled, and the local solver (`slp`) starts from
the cheapest points that meet the targets.
The plausible ranges are searched first, then the admissible ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from plansim.analysis.evaluator import Evaluation
from plansim.analysis.optimization.evolution import Points, best_of, evolve, sample
from plansim.analysis.optimization.lever_scan import nearest_crossings, scan
from plansim.analysis.optimization.levers import lever_named
from plansim.analysis.optimization.problem import DecisionProblem, decision_problem
from plansim.analysis.optimization.slp import (
    FAILED,
    Point,
    TermCost,
    maximise,
    minimise,
    move_cost,
    worst_of,
)
from plansim.errors import Fault, InputError, Message, Option, nearest
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model, Timing, several
from plansim.scenario.cells import outside
from plansim.scenario.factors import FloatArray
from plansim.scenario.references import one_series
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import Measure
from plansim.targets.labels import reference_named
from plansim.targets.target import (
    Status,
    Target,
    indicator_of,
    judged_targets,
    target_named,
    variable_of,
)
from plansim.targets.views import Lever

__all__ = ["GRID", "SearchRange", "Searched", "Solution", "changed_verdicts", "solve"]

GRID = 129
"""Number of points of the grid over a single lever's range, to which its present value is added."""
STARTS = 5
"""Number of starts: the cheapest points that meet the targets, or else the nearest ones."""
POPULATION, GENERATIONS = 96, 60
"""Size of the evolution where no point meets the targets."""


class SearchRange(StrEnum):
    """The range over which a lever may be moved."""

    PLAUSIBLE = "plausible"
    ADMISSIBLE = "admissible"


@dataclass(frozen=True)
class Searched:
    """Ranges of the levers that were searched."""

    range: SearchRange
    ends: tuple[tuple[float, float], ...]
    """By lever; they hold the present values."""
    points: int
    best: Mapping[str, float]
    """By target, its margin at the point where the smallest scaled margin is largest; NaN if every
    run breaks down."""


@dataclass(frozen=True)
class Solution(Tabular):
    """The values of levers that meet targets, and their cost.

    As a table: a row for each lever, its ``value`` NaN if nothing meets the targets.
    """

    scenario: str
    targets: tuple[Target, ...]
    levers: tuple[Lever, ...]
    present: tuple[float, ...]
    """Present values, by lever."""
    prices: Mapping[str, float]
    """By lever that has one, what a change by one of its units costs. One without costs 1 for the
    whole of its plausible range (of the range searched, if it has none)."""
    outlay: str
    """The variable that counts the cost; empty for prices."""
    cost_unit: str
    """Unit of the outlay."""
    margins_present: Mapping[str, float]
    """By target, in its unit, the smallest of all bases."""
    cost_present: float
    """Cost of the present values; zero for prices."""
    searched: tuple[Searched, ...]
    """Ranges that were searched; none if the targets are met already."""
    values: tuple[float, ...] | None
    """By lever; None if nothing in the ranges meets the targets."""
    implausible: tuple[str, ...]
    """Ids of levers whose value is outside of the plausible range."""
    cost: float
    """Cost of `values`; NaN without values."""
    margins: Mapping[str, float]
    """Margins at `values`, by target; empty without values."""
    gained: tuple[str, ...]
    """Ids of the other targets that are newly met."""
    lost: tuple[str, ...]
    """Ids of the other targets that are no longer met."""

    def _table(self) -> Table:
        values = self.values or [math.nan] * len(self.levers)
        rows = [
            (lever.id, lever.name_en, lever.name_zh, present, value, lever.low, lever.high,
             lever.unit)
            for lever, present, value in zip(self.levers, self.present, values, strict=True)
        ]  # fmt: skip
        return ("lever", "name_en", "name_zh", "present", "value", "low", "high", "unit"), rows


Item = TypeVar("Item")


def solve(
    model: Model,
    scenario: Scenario | str | Path,
    levers: Sequence[Lever | str],
    targets: Sequence[Target | str],
    *,
    prices: Mapping[str, float] | None = None,
    outlay: str = "",
    plan: Sequence[Target] | None = None,
) -> Solution:
    """Return the least change of levers, or the cheapest mix of several, that just meets targets.

    Args:
        model: the model.
        scenario: under which levers are moved; a record, name or path.
        levers: constants that are moved; by name, or as `lever_named` gives them.
        targets: what must be met; by id, or records.
        prices: by lever, what a change by one of its units costs, either way; a lever that is not
            in it costs 1 for the whole of its plausible range.
        outlay: a variable of the model that counts the cost in place of prices: a flow, which is
            added up from the year after the scenario's first to the last year that a target is
            due, or a stock, which is read at the end of that year.
        plan: targets of which the result says whether they are gained or lost; by default those of
            the catalogue beside the model.

    Raises:
        InputError: the scenario assumes a target, a lever is given twice, or decides on the shape
            of the code; a run gives no figure for a target.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.

    >>> model = plansim.load_model("lake.mdl")
    >>> solution = plansim.solve(model, "boats.yaml", levers=["effort"], targets=["F1"])
    >>> solution.frame()[["lever", "present", "value", "unit"]].round(3)
        lever  present  value    unit
    0  effort      0.2  0.191  1/Year
    """
    scenario = scenario_of(model, scenario)
    plan = load_targets(model=model) if plan is None else plan
    faults = [] if several(levers) else [Fault("no lever is given that may be moved")]
    moved = _resolved(several(levers), partial(lever_named, model), faults)
    wanted = _resolved(several(targets), lambda name: target_named(name, plan), faults)
    priced = _resolved(list(prices or {}), partial(lever_named, model), faults)
    faults += _faults(scenario, moved, wanted, priced)
    if faults:
        raise InputError(faults)
    by_lever = dict(zip([lever.id for lever in priced], (prices or {}).values(), strict=True))
    counted = [_counted(model, scenario, outlay, wanted)] if outlay else []
    whole = decision_problem(
        model, scenario, moved, [*wanted, *judged_targets(plan)], indicators=counted
    )
    present = whole.runs(whole.start[None])
    margins = {target.id: float(present[target.id].least_margin[0]) for target in wanted}
    if missing := [key for key, margin in margins.items() if math.isnan(margin)]:
        names = ", ".join(missing)
        raise InputError(
            "a run of '{scenario}' gives no figure for {name}", scenario=scenario.id, name=names
        )
    # Sampling evaluates only these targets, since the code is smaller and faster.
    problem = whole if len(moved) == 1 else decision_problem(
        model, scenario, moved, wanted, indicators=counted
    )  # fmt: skip

    position: FloatArray | None = whole.start
    searched: list[Searched] = []
    if min(margins.values()) < 0:
        problem, position, searched = _search(model, problem, wanted, by_lever)
        whole = replace(whole, low=problem.low, high=problem.high)
    both = whole.runs(np.stack([whole.start, whole.start if position is None else position]))
    values = None if position is None else whole.values(position[None])[0]
    cost_present, cost = 0.0, math.nan
    if counted:
        cost_present, cost = both[counted[0].id].value.tolist()
    elif values is not None:
        cost = float(np.abs(values - whole.present) @ _unit_prices(whole, by_lever))
    gained, lost = changed_verdicts(both, [t.id for t in whole.targets if t.id not in margins])
    return Solution(
        scenario=scenario.id,
        targets=tuple(wanted),
        levers=whole.levers,
        present=tuple(whole.present.tolist()),
        prices=by_lever,
        outlay=outlay and one_series(model, outlay),
        cost_unit=counted[0].unit if counted else "",
        margins_present=margins,
        cost_present=cost_present,
        searched=tuple(searched),
        values=None if values is None else tuple(values.tolist()),
        implausible=() if values is None else tuple(
            lever.id
            for lever, value in zip(moved, values.tolist(), strict=True)
            if outside(value, lever.low, lever.high)
        ),
        cost=math.nan if values is None else cost,
        margins={} if values is None else {
            key: float(both[key].least_margin[1]) for key in margins
        },
        gained=gained,
        lost=lost,
    )  # fmt: skip


def _resolved(
    items: Sequence[Item | str], resolve: Callable[[str], Item], faults: list[Fault]
) -> list[Item]:
    """Return the records that names mean, and log the faults of unknown names."""
    resolved = []
    for item in items:
        try:
            resolved.append(resolve(item) if isinstance(item, str) else item)
        except InputError as error:
            faults += error.faults
    return resolved


def _faults(
    scenario: Scenario,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    priced: Sequence[Lever],
) -> Iterator[Fault]:
    ids = [lever.id for lever in levers]
    for lever in priced:
        if lever.id not in ids:
            message = Message("'{name}' has a price but is not moved", name=lever.id)
            expected = Message("one of {names}", names=tuple(ids))
            near = nearest(lever.id, ids)
            yield Fault(message, Option.PRICE, expected=expected, nearest=near)
    for target in targets:
        if target.id in scenario.assumed:
            yield Fault(
                "'{name}' itself sets what {target} asks: meeting it proves nothing",
                name=scenario.id,
                target=target.id,
            )
    for name in dict.fromkeys(ids):
        if ids.count(name) > 1:
            yield Fault("the lever '{name}' is given twice", Option.LEVER, name=name)


def _counted(model: Model, scenario: Scenario, outlay: str, targets: Sequence[Target]) -> Target:
    """Return the outlay as an indicator."""
    try:
        series = one_series(model, reference_named(model, outlay))
    except InputError as error:
        raise InputError(replace(fault, file=Option.COST) for fault in error.faults) from None
    is_stock = variable_of(model, series).timing is Timing.YEAR_END
    measure = Measure.LEVEL if is_stock else Measure.SUM
    year = max(target.year for target in targets if target.year is not None)
    return indicator_of(model, series, measure, math.floor(scenario.time.initial), year)


def _admissible(model: Model, problem: DecisionProblem) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the admissible ranges; those of the problem where a range is open."""
    ends = [variable_of(model, lever.id).admissible for lever in problem.levers]
    low, high = np.array(ends, dtype=np.float64).T  # None becomes NaN
    return np.fmin(low, problem.low), np.fmax(high, problem.high)


def _search(
    model: Model, problem: DecisionProblem, targets: Sequence[Target], prices: Mapping[str, float]
) -> tuple[DecisionProblem, FloatArray | None, list[Searched]]:
    """Search the plausible ranges, then the admissible ones, until targets are met.

    Returns the problem over the ranges that were searched last, the position found there, and what
    was searched.
    """
    own, widest = (problem.low, problem.high), _admissible(model, problem)
    ranges = {SearchRange.PLAUSIBLE: own, SearchRange.ADMISSIBLE: widest}
    if np.array_equal(own, widest):
        del ranges[SearchRange.PLAUSIBLE]
    position: FloatArray | None = None
    searched: list[Searched] = []
    for kind, (low, high) in ranges.items():
        problem = replace(problem, low=low, high=high)
        if len(problem.levers) == 1 and not problem.indicators:
            position, points = _move_one(problem, len(targets))
        else:
            position, points = _mix(problem, len(targets), _unit_prices(problem, prices))
        searched.append(_searched(problem, targets, kind, points))
        if position is not None:
            break
    return problem, position, searched


def _searched(
    problem: DecisionProblem, targets: Sequence[Target], kind: SearchRange, points: Points
) -> Searched:
    """Return the record of a search; the targets are the first columns of its points."""
    margins = points.values[:, : len(targets)]
    best = margins[np.argmax(margins.min(axis=1))]
    return Searched(
        kind,
        tuple(zip(problem.low.tolist(), problem.high.tolist(), strict=True)),
        len(points),
        {
            target.id: math.nan if margin <= FAILED else float(margin * scale)
            for target, margin, scale in zip(targets, best, problem.scales, strict=False)
        },
    )


def changed_verdicts(
    evaluation: Evaluation, ids: Sequence[str], after: int = 1
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the targets that run ``after`` meets and the first run not, and the reverse."""
    met = {id_: evaluation[id_].status[[0, after]] == Status.MET.code for id_ in ids}
    gained = tuple(id_ for id_, (first, then) in met.items() if then and not first)
    lost = tuple(id_ for id_, (first, then) in met.items() if first and not then)
    return gained, lost


# --- one lever ------------------------------------------------------------------------------------


def _move_one(problem: DecisionProblem, count: int) -> tuple[FloatArray | None, Points]:
    """Return the nearest position of the lever at which the first columns are not negative."""
    scanned = scan(problem, GRID)
    ((grid, values),) = scanned
    at = nearest_crossings(problem, scanned, range(count)).get(0)
    return None if at is None else np.array([at]), Points(grid[:, None], values)


# --- a mix of levers ------------------------------------------------------------------------------


def _mix(
    problem: DecisionProblem, count: int, unit_prices: FloatArray
) -> tuple[FloatArray | None, Points]:
    """Return the cheapest position at which the first ``count`` columns are not negative."""
    columns, levers = list(range(count)), len(problem.levers)
    points = sample(problem.evaluate, levers, np.stack([problem.start, *_vertices(levers)]))
    worst = points.values[:, columns].min(axis=1)
    if worst.max() < 0:
        # A feasible region that all points missed may still be reached.
        grown = evolve(
            problem.evaluate, points, columns, [], population=POPULATION, generations=GENERATIONS
        )
        tops = [*best_of(grown, columns, [], 1), *_distant(points, -worst)]
        points = points.with_points(maximise(problem.evaluate, top, columns, []) for top in tops)
        worst = points.values[:, columns].min(axis=1)
    good = points[worst >= 0]
    if not len(good):
        return None, points
    cost = _cost(problem, unit_prices, points)
    starts = [problem.start]
    starts += [one.position for one in _distant(good, cost.of(good.positions, good.values))]
    cheapest = minimise(problem.evaluate, starts, cost, columns, problem.start)
    return None if cheapest.values[columns].min() < 0 else cheapest.position, points


def _cost(problem: DecisionProblem, unit_prices: FloatArray, points: Points) -> TermCost:
    if not problem.indicators:
        weights = unit_prices * (problem.high - problem.low)
        return move_cost(weights / (weights.max() or 1.0), problem.start)
    column = points.values.shape[1] - 1
    paid = points.values[points.values[:, column] > FAILED, column]
    return worst_of([column], 1 / (float(np.ptp(paid)) or 1.0))


def _unit_prices(problem: DecisionProblem, prices: Mapping[str, float]) -> FloatArray:
    by_lever = []
    for lever, width in zip(problem.levers, problem.high - problem.low, strict=True):
        own = lever.high - lever.low
        width = own if math.isfinite(own) else width
        by_lever.append(prices.get(lever.id, 1 / width if width > 0 else 0.0))
    return np.array(by_lever)


def _distant(points: Points, costs: FloatArray) -> list[Point]:
    """Return the cheapest points that are not close to one another."""
    chosen: list[Point] = []
    for row in np.argsort(costs, kind="stable"):
        position = points.positions[row]
        if all(np.abs(position - one.position).max() > 0.1 for one in chosen):
            chosen.append(Point(position, points.values[row]))
        if len(chosen) == STARTS:
            break
    return chosen


def _vertices(levers: int) -> list[FloatArray]:
    """Return the vertices of the search space; of a large one those with all at the same end."""
    if levers > 8:
        return [np.zeros(levers), np.ones(levers)]
    return [np.array(corner, np.float64) for corner in np.ndindex(*(2,) * levers)]
