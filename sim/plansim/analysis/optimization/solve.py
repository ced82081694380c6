"""The least change of a lever that just meets a target.

The target's margin is looked at over a grid of the lever's range, all at once. Where it turns good
nearest to the lever's present value, the place is closed in on by Brent's method (Brent 1973). What
lies between two points of the grid and ends before the second is not seen; the result says over
which range, and how finely, was looked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.optimize import brentq

from plansim.analysis.evaluator import Engine, Evaluator, Request, compiled
from plansim.errors import Fault, InputError, Message
from plansim.model.records import Model, Variable, VariableKind
from plansim.scenario.factors import default_of
from plansim.scenario.reader import Scenario
from plansim.scenario.values import Entry, meant, outside
from plansim.targets.catalogue import Status, Target, judged_targets
from plansim.targets.indicator import Floats

__all__ = [
    "POINTS",
    "Lever",
    "Range",
    "Solution",
    "Sought",
    "brackets",
    "lever_named",
    "ranges_of",
    "solve",
]

POINTS = 129
"""Of the grid over a range."""
CLOSE = 1e-9
"""The place is found to within this part of the range."""


class Range(StrEnum):
    """Where a lever may be moved to."""

    PLAUSIBLE = "plausible"
    ADMISSIBLE = "admissible"


@dataclass(frozen=True)
class Lever:
    """A constant that is moved."""

    reference: str
    """``name`` or ``name[e1,e2]``."""
    variable: Variable
    present: float
    """In the scenario, in the variable's unit."""


@dataclass(frozen=True)
class Sought:
    """A range that was looked over, the present value with it."""

    range: Range
    low: float
    high: float
    points: int
    best: float
    """The largest margin there, in the target's unit; NaN if every run breaks down."""
    best_at: float
    """Where it is."""


@dataclass(frozen=True)
class Solution:
    """What it takes to meet a target by one lever."""

    scenario: str
    target: Target
    lever: Lever
    margin_present: float
    """In the target's unit, the smallest of all bases, as all margins here."""
    sought: tuple[Sought, ...]
    """The ranges that were looked over; none if the target is met as things are."""
    value: float | None
    """What the lever must be; None if nothing in the ranges meets the target."""
    margin: float
    """There; NaN without a value."""
    gained: tuple[str, ...]
    """Ids of the other targets that are met there and were not."""
    lost: tuple[str, ...]
    """Ids of the other targets that were met and are not there."""

    @property
    def plausible(self) -> bool:
        """Whether the value lies in the range that the lever's evidence gives, if it gives one."""
        given = self.lever.variable.plausible
        return self.value is None or given is None or not outside(self.value, *given)


def lever_named(model: Model, scenario: Scenario, name: str) -> Lever:
    """Find what a lever's name means: one constant, or what a lever is set to after its change.

    Raises:
        InputError: there is no such constant or element, or the name means several.
    """
    bare, bracket, inside = name.partition("[")
    try:
        variable, elements = meant(model, Entry(name, 0.0))
    except InputError as error:
        try:
            variable, elements = meant(model, Entry(f"{bare.strip()} after{bracket}{inside}", 0.0))
        except InputError:
            raise InputError(replace(each, file="--lever") for each in error.faults) from None
    return _lever(model, scenario, variable, elements)


def _lever(model: Model, scenario: Scenario, variable: Variable, elements: Sequence[str]) -> Lever:
    if variable.kind is VariableKind.CONTROL:
        raise InputError(Fault("'{name}' belongs to the clock and is no lever", name=variable.name))
    references = [f"{variable.name}[{each}]" if each else variable.name for each in elements]
    if len(references) > 1:
        raise InputError(
            Fault(
                "'{name}' has several elements, and one is moved at a time",
                model.path,
                variable.line,
                expected=Message("one of {names}", names=tuple(references)),
                name=variable.name,
            )
        )
    return Lever(references[0], variable, default_of(model, scenario.values, references[0]))


def solve(
    model: Model,
    scenario: Scenario,
    lever: Lever,
    target: Target,
    others: Sequence[Target] = (),
    engine: Engine = compiled,
) -> Solution:
    """Find the value of a lever nearest to its present one that meets a target.

    The plausible range is looked over first, then the admissible one. ``others`` are the targets
    of which is said whether that gains or loses them.

    Raises:
        InputError: the scenario assumes the target, or the lever decides on the code's shape.
        ModelError: the engine cannot compute the model.
        SimulationError: the scenario itself breaks down.
    """
    if target.id in scenario.assumed:
        raise InputError(
            Fault(
                "'{name}' itself sets what {target} asks: meeting it proves nothing",
                name=scenario.id,
                target=target.id,
            )
        )
    everything = tuple({each.id: each for each in (target, *judged_targets(others))}.values())
    evaluator = Evaluator(model, scenario, [lever.reference], Request(everything), engine)
    margin = _Margin(evaluator, target)
    evaluator.evaluate(np.array([[lever.present]])).require_ok()
    present = margin.at(lever.present)
    if math.isinf(present):
        raise InputError(
            Fault(
                "a run of '{scenario}' gives no figure for {name}",
                scenario=scenario.id,
                name=target.id,
            )
        )
    sought: list[Sought] = []
    value = lever.present if present >= 0 else None
    for kind, low, high in [] if value is not None else ranges_of(lever):
        ends = min(low, lever.present), max(high, lever.present)
        grid = np.unique(np.append(np.linspace(*ends, POINTS), lever.present))
        margins = margin(grid)
        best = int(np.argmax(margins))
        worth = float(margins[best]) if math.isfinite(margins[best]) else math.nan
        sought.append(Sought(kind, float(grid[0]), float(grid[-1]), len(grid), worth,
                             float(grid[best])))  # fmt: skip
        value = _nearest_good(margin, grid, margins, lever.present)
        if value is not None:
            break
    at = math.nan if value is None else margin.at(value)
    gained, lost = ((), ()) if value is None else _turned(evaluator, lever.present, value, target)
    return Solution(scenario.id, target, lever, present, tuple(sought), value, at, gained, lost)


@dataclass(frozen=True)
class _Margin:
    """The margin of a target over values of a lever; minus infinity where there is none."""

    evaluator: Evaluator
    target: Target

    def __call__(self, values: Floats) -> Floats:
        least = self.evaluator.evaluate(values.reshape(-1, 1))[self.target.id].least_margin
        return np.where(np.isnan(least), -np.inf, least)

    def at(self, value: float) -> float:
        """Give the margin at one value."""
        return float(self(np.array([value]))[0])


def ranges_of(lever: Lever) -> list[tuple[Range, float, float]]:
    """Give the ranges to look over; one that is open ends with what is known to be in it."""
    plausible, (low, high) = lever.variable.plausible, lever.variable.admissible
    known = [lever.present, *(plausible or ())]
    found = [] if plausible is None else [(Range.PLAUSIBLE, *plausible)]
    whole = (
        Range.ADMISSIBLE,
        min(known) if low is None else low,
        max(known) if high is None else high,
    )
    return [*found, whole]


def _nearest_good(margin: _Margin, grid: Floats, margins: Floats, present: float) -> float | None:
    """Give the value nearest to the present one that meets the target; None if no point does."""
    width = float(grid[-1] - grid[0])
    found = [_edge(margin, bad, fine, width) for bad, fine in brackets(grid, margins, present)]
    return min(found, key=lambda each: abs(each - present), default=None)


def brackets(grid: Floats, margins: Floats, present: float) -> list[tuple[float, float]]:
    """Give where a margin turns good nearest to the present value, on either side of it.

    Of each side the first point of the grid with a margin not below zero, after the one before it.

    >>> brackets(np.arange(5.0), np.array([1.0, -1.0, -1.0, -1.0, 2.0]), 2.0)
    [(3.0, 4.0), (1.0, 0.0)]
    """
    good = np.flatnonzero(margins >= 0)
    here = int(np.searchsorted(grid, present))
    found = []
    if len(right := good[good > here]):
        found.append((float(grid[right[0] - 1]), float(grid[right[0]])))
    if len(left := good[good < here]):
        found.append((float(grid[left[-1] + 1]), float(grid[left[-1]])))
    return found


def _edge(margin: _Margin, bad: float, good: float, width: float) -> float:
    """Close in on where a margin turns good, and give a value on the good side."""
    close = CLOSE * width
    if math.isfinite(margin.at(bad)):
        middle = float(brentq(margin.at, bad, good, xtol=close))
        if margin.at(middle) >= 0:
            return middle
        # The root lies a hair's breadth further on: what is left is halved.
        bad, step = middle, math.copysign(2 * close, good - bad)
        if abs(step) < abs(good - bad) and margin.at(bad + step) >= 0:
            good = bad + step
    while abs(good - bad) > close:
        middle = (bad + good) / 2
        bad, good = (bad, middle) if margin.at(middle) >= 0 else (middle, good)
    return good


def _turned(
    evaluator: Evaluator, present: float, value: float, target: Target
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the other targets that a move of the lever gains, and those that it loses."""
    standings = evaluator.evaluate(np.array([[present], [value]]))
    met = {
        key: [int(code) == Status.MET.code for code in each.status]
        for key, each in standings.findings.items()
        if key != target.id
    }
    return (
        tuple(key for key, (before, after) in met.items() if after and not before),
        tuple(key for key, (before, after) in met.items() if before and not after),
    )
