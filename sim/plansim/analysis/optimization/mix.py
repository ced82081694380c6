"""The cheapest mix of several levers that just meets targets, by a cost that the user states.

The cost is a price for a unit of each lever's change, or what a variable of the model adds up to.
The plausible ranges of the levers are looked over first, then the admissible ones: at many places
at once, so that a region that meets the targets is found wherever it lies; from the cheapest places
there linear programmes descend to corners (`analysis.optimization.descent`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plansim.analysis.evaluator import Engine, Evaluator, Request, compiled
from plansim.analysis.optimization.ascent import ascend, best_of, evolve
from plansim.analysis.optimization.descent import Part, Weights, cheapest
from plansim.analysis.optimization.search_space import BROKEN, Evaluate, Found, Samples, look_over
from plansim.analysis.optimization.solve import Lever, Range, ranges_of
from plansim.analysis.optimization.workshop import scale_of
from plansim.errors import Fault, InputError
from plansim.model.records import Model, Timing
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import Status, Target, indicator_of, variable_of
from plansim.targets.indicator import Floats, Measure

__all__ = ["Looked", "Mix", "Outlay", "Prices", "cheapest_mix"]

STARTS = 5
"""The cheapest places that meet the targets, or else those that come nearest."""
POPULATION = (96, 60)
"""Size and generations, where no place meets them."""
APART = 0.1
"""Starts differ by so much of a range."""


@dataclass(frozen=True)
class Prices:
    """A cost for moving levers."""

    each: Mapping[str, float]
    """By lever: what a change by one of its units costs, either way. A lever that is not here
    costs one for the whole width of its plausible range (the one looked over, if it has none)."""


@dataclass(frozen=True)
class Outlay:
    """A cost that the model itself counts."""

    variable: str
    """A flow, which is added up from the year after the scenario's first to the last year that a
    target is due, or a stock, which is read at the end of that year."""


@dataclass(frozen=True)
class Looked:
    """Ranges of the levers that were looked over."""

    range: Range
    ends: tuple[tuple[float, float], ...]
    """By lever, the present value with them."""
    points: int
    best: Mapping[str, float]
    """By target, its margin where the worst of them (in parts of the targets) is best."""
    best_at: tuple[float, ...]
    """Where that is, by lever."""


@dataclass(frozen=True)
class Mix:
    """What it takes to meet targets by several levers."""

    scenario: str
    targets: tuple[Target, ...]
    levers: tuple[Lever, ...]
    cost_of: Prices | Outlay
    unit: str
    """Of the cost; empty for prices."""
    margins_present: Mapping[str, float]
    """By target, in its unit, the smallest of all bases."""
    cost_present: float
    """Nothing, for prices."""
    looked: tuple[Looked, ...]
    """None if the targets are met as things are."""
    values: tuple[float, ...] | None
    """What the levers must be; None if nothing in the ranges meets the targets."""
    cost: float
    """There; NaN without values."""
    margins: Mapping[str, float]
    """There; empty without values."""
    gained: tuple[str, ...]
    """Ids of the other targets that are met there and were not."""
    lost: tuple[str, ...]
    """Ids of the other targets that were met and are not there."""


def cheapest_mix(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    cost_of: Prices | Outlay,
    others: Sequence[Target] = (),
    engine: Engine = compiled,
) -> Mix:
    """Find the cheapest values of levers that meet targets.

    Raises:
        InputError: the scenario assumes a target, a lever stands twice, or a lever decides on the
            code's shape.
        ModelError: the engine cannot compute the model.
        SimulationError: the scenario itself breaks down.
    """
    _check(scenario, levers, targets)
    year = max(each.year for each in targets if each.year is not None)
    counted = _counted(model, scenario, cost_of, year)
    everything = {each.id: each for each in (*targets, *others)}
    request = Request((*everything.values(), *([counted] if counted else [])))
    evaluator = Evaluator(model, scenario, [each.reference for each in levers], request, engine)
    present = np.array([each.present for each in levers])
    evaluation = evaluator.evaluate(present[None])
    evaluation.require_ok()
    margins = {each.id: float(evaluation[each.id].least_margin[0]) for each in targets}
    for key, margin in margins.items():
        if math.isnan(margin):
            raise InputError(
                Fault(
                    "a run of '{scenario}' gives no figure for {name}",
                    scenario=scenario.id,
                    name=key,
                )
            )
    base = float(evaluation[counted.id].value[0]) if counted else 0.0
    narrow = Request((*targets, *([counted] if counted else [])))
    seeker = Evaluator(model, scenario, [each.reference for each in levers], narrow, engine)
    looked: list[Looked] = []
    values: Floats | None = present if min(margins.values()) >= 0 else None
    for kind in [] if values is not None else Range:
        ends = _ends(levers, kind)
        if looked and ends == looked[-1].ends:
            break
        values, one = _sought(seeker, levers, targets, cost_of, counted, kind, ends)
        looked.append(one)
        if values is not None:
            break
    cost, there = math.nan, {}
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    if values is not None:
        both = evaluator.evaluate(np.stack([present, values]))
        there = {each.id: float(both[each.id].least_margin[1]) for each in targets}
        cost = (
            float(both[counted.id].value[1])
            if counted
            else float(np.abs(values - present) @ _unit_prices(levers, cost_of, _ends(
                levers, looked[-1].range if looked else Range.PLAUSIBLE)))
        )  # fmt: skip
        met = {
            key: [int(code) == Status.MET.code for code in both[key].status]
            for key in everything.keys() - there.keys()
        }
        order = [key for key in everything if key in met]
        gained = tuple(key for key in order if met[key] == [False, True])
        lost = tuple(key for key in order if met[key] == [True, False])
    return Mix(
        scenario.id,
        tuple(targets),
        tuple(levers),
        cost_of,
        counted.unit if counted else "",
        margins,
        base,
        tuple(looked),
        None if values is None else tuple(map(float, values)),
        cost,
        there,
        gained,
        lost,
    )


def _check(scenario: Scenario, levers: Sequence[Lever], targets: Sequence[Target]) -> None:
    faults = [
        Fault(
            "'{name}' itself sets what {target} asks: meeting it proves nothing",
            name=scenario.id,
            target=each.id,
        )
        for each in targets
        if each.id in scenario.assumed
    ]
    names = [each.reference for each in levers]
    faults += [
        Fault("the lever '{name}' is given twice", "--lever", name=name)
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if faults:
        raise InputError(faults)


def _counted(
    model: Model, scenario: Scenario, cost_of: Prices | Outlay, year: int
) -> Target | None:
    if isinstance(cost_of, Prices):
        return None
    variable = variable_of(model, cost_of.variable)
    is_stock = variable.timing is Timing.YEAR_END
    measure = Measure.LEVEL if is_stock else Measure.SUM
    return indicator_of(model, cost_of.variable, measure, math.floor(scenario.time.initial), year)


def _ends(levers: Sequence[Lever], kind: Range) -> tuple[tuple[float, float], ...]:
    found = []
    for lever in levers:
        known = {each: (low, high) for each, low, high in ranges_of(lever)}
        low, high = known.get(kind, known[Range.ADMISSIBLE])
        found.append((min(low, lever.present), max(high, lever.present)))
    return tuple(found)


def _unit_prices(
    levers: Sequence[Lever], cost_of: Prices | Outlay, ends: Sequence[tuple[float, float]]
) -> Floats:
    assert isinstance(cost_of, Prices)
    prices = []
    for lever, (low, high) in zip(levers, ends, strict=True):
        low, high = lever.variable.plausible or (low, high)
        width = high - low
        prices.append(cost_of.each.get(lever.reference, 1 / width if width else 0.0))
    return np.array(prices)


def _sought(
    evaluator: Evaluator,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    cost_of: Prices | Outlay,
    counted: Target | None,
    kind: Range,
    ends: tuple[tuple[float, float], ...],
) -> tuple[Floats | None, Looked]:
    low, high = np.array(ends).T
    width = np.where(high > low, high - low, 1.0)
    rows = list(range(len(targets)))
    evaluate = _evaluate(evaluator, targets, counted, low, high)
    present = np.array([each.present for each in levers])
    here = (present - low) / width
    samples = look_over(evaluate, len(levers), more=np.stack([here, *_corners(len(levers))]))
    worst = samples.values[:, rows].min(axis=1)
    if worst.max() < 0:
        # A region that all points missed may still be climbed into.
        size, generations = POPULATION
        grown = evolve(evaluate, samples, rows, [], size=size, generations=generations)
        tops = [*best_of(grown, rows, []).each(), *_apart(samples, -worst)]
        samples = samples.also(ascend(evaluate, each, rows, []) for each in tops)
        worst = samples.values[:, rows].min(axis=1)
    best = samples.each()[int(np.argmax(worst))]
    margins = {
        each.id: math.nan if value <= BROKEN else float(value * scale_of(each))
        for each, value in zip(targets, best.values[rows], strict=True)
    }
    at = low + best.place * (high - low)
    looked = Looked(kind, ends, len(samples.places), margins, tuple(map(float, at)))
    good = Samples(samples.places[worst >= 0], samples.values[worst >= 0])
    if not len(good.places):
        return None, looked
    cost: Weights | Part
    if counted is None:
        weights = _unit_prices(levers, cost_of, ends) * (high - low)
        cost = Weights(weights / (weights.max() or 1.0))
    else:
        paid = samples.values[samples.values[:, -1] > BROKEN, -1]
        cost = Part(len(rows), float(np.ptp(paid)) or 1.0)
    starts = _apart(good, cost.of(good.places, good.values, here))
    found = cheapest(evaluate, [here, *(each.place for each in starts)], rows, here, cost)
    if found.values[rows].min() < 0:
        return None, looked
    return np.where(found.place == here, present, low + found.place * (high - low)), looked


def _apart(samples: Samples, costs: Floats) -> list[Found]:
    """Give the cheapest places that are not close to one another."""
    chosen: list[Found] = []
    for row in np.argsort(costs, kind="stable"):
        place = samples.places[row]
        if all(np.abs(place - each.place).max() > APART for each in chosen):
            chosen.append(Found(place, samples.values[row]))
        if len(chosen) == STARTS:
            break
    return chosen


def _corners(count: int) -> list[Floats]:
    """Give places with one lever at an end and all others there too: where a box often decides."""
    if count > 8:
        return [np.zeros(count), np.ones(count)]
    return [np.array(each, np.float64) for each in np.ndindex(*(2,) * count)]


def _evaluate(
    evaluator: Evaluator,
    targets: Sequence[Target],
    counted: Target | None,
    low: Floats,
    high: Floats,
) -> Evaluate:
    def run(places: Floats) -> Floats:
        standings = evaluator.evaluate(low + places * (high - low))
        parts = [standings[each.id].least_margin / scale_of(each) for each in targets]
        if counted is not None:
            parts.append(standings[counted.id].value)
        return np.stack(parts, axis=1)

    return run
