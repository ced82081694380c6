"""Judging targets: margins, answers and first breaches, of one run or of many at once."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.errors import CatalogueError, Message
from plansim.scenario.factors import FloatArray
from plansim.targets.annual import MANY, Annual, AnnualVariable, annual_of
from plansim.targets.catalogue import misfits
from plansim.targets.indicator import Yearly, measured, trailing_base
from plansim.targets.target import (
    Attribute,
    Basis,
    Direction,
    Status,
    Target,
    answering_series,
    is_percentage,
    judged_targets,
    split_reference,
    unit_factor,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "Answer",
    "Verdicts",
    "answers_of",
    "check_fit",
    "judge",
    "judge_many",
    "margin_of",
    "measured_at",
    "percent_of",
]

_ROUNDING = 1e-9
"""A margin below this share of the target comes from binary fractions and units: it is none."""


@dataclass(frozen=True)
class Answer:
    """The annual series that a target is judged by, on one basis."""

    at: Yearly
    factor: float
    """Converts from the unit of the series' measure to the target's: `unit_factor`."""


@dataclass(frozen=True)
class Verdicts:
    """What becomes of one target in many runs, as plain arrays: shape ``(run, …)``.

    NaN where there is no such number; a target that nothing answers has scalars.
    """

    value: FloatArray
    """What the target is compared with, in its unit; of several bases the first."""
    margin: FloatArray
    """The distance to the target on the good side, in its unit."""
    least_margin: FloatArray
    """The smallest margin of all bases: the target is met where it is not below zero."""
    status: npt.NDArray[np.int8]
    """`Status.code`."""
    first_breach: FloatArray
    """The first year, from the target's on, in which a binding target does not hold."""
    bases: Mapping[Basis, FloatArray]
    """The value on each basis, where the plan leaves the basis open."""

    def status_of(self, run: int = 0) -> Status:
        """Return the status in one run."""
        return Status.of(self.status.reshape(-1)[run])


def judge_many(runs: xr.Dataset, targets: Iterable[Target]) -> Iterator[tuple[Target, Verdicts]]:
    """Yield the targets with the verdicts on many runs of one scenario, over ``member`` or ``run``.

    Targets that the model does not answer are left out.

    Raises:
        CatalogueError: as for `check_targets`.
    """
    judged = judged_targets(targets)
    names = sorted({split_reference(name)[0] for name in answering_series(judged)})
    figures = annual_of(runs, names, many=True)
    check_fit(figures, judged, list(map(str, runs)))
    index = {year: row for row, year in enumerate(figures.years)}
    for target in judged:
        answers = answers_of(figures.variables, index, target)
        yield target, judge(answers, target, assumed=target.id in figures.assumed)


def check_fit(run: Annual, targets: Iterable[Target], names: Iterable[str] | None) -> None:
    """Check that a run has the variables of targets, in units that fit.

    ``names`` are what a variable that it lacks may be a slip for; of None, all that it has.

    Raises:
        CatalogueError: with each target that does not fit.
    """
    shapes = {
        name: ({r.name: r.elements for r in variable.ranges if r.name not in MANY}, variable.unit)
        for name, variable in run.variables.items()
    }
    known = list(run.variables if names is None else names)
    faults = [
        fault for target in targets for fault in misfits(target, Message("the run"), shapes, known)
    ]
    if faults:
        raise CatalogueError(faults)


def judge(
    answers: Mapping[Basis | None, Answer], target: Target, *, assumed: bool = False
) -> Verdicts:
    """Judge runs by one target, in plain arrays.

    Equality meets a target. On several bases it is met or missed if all agree, else undecided; a
    number that is not finite on any of them makes it untestable. A breach on any basis is one.
    """
    if not answers or target.value is None or target.year is None:
        nothing = np.array(math.nan)
        status = Status.ASSUMED if assumed else Status.UNTESTABLE
        code = np.array(status.code, np.int8)
        return Verdicts(nothing, nothing, nothing, code, nothing, {})
    values = {basis: measured_at(one, target, target.year) for basis, one in answers.items()}
    margins = [margin_of(value, target) for value in values.values()]
    return Verdicts(
        value=next(iter(values.values())),
        margin=margins[0],
        least_margin=reduce(np.minimum, margins),
        status=_status_codes(margins, assumed=assumed),
        first_breach=_first_breach(answers.values(), target, margins[0]),
        bases={basis: value for basis, value in values.items() if basis},
    )


def margin_of(value: FloatArray, target: Target) -> FloatArray:
    """Return the distance to a target, in its unit, positive on the good side; the shape stays.

    What is smaller than rounding is zero.
    """
    margin = _distance(value, target)
    return np.where(abs(margin) <= _slack(target), 0.0, margin)


def _distance(value: FloatArray, target: Target) -> FloatArray:
    assert target.value is not None
    assert target.direction is not None
    match target.direction:
        case Direction.AT_LEAST:
            return value - target.value
        case Direction.AT_MOST:
            return target.value - value
        case Direction.ABOUT:
            assert target.tolerance is not None
            return target.tolerance - abs(value - target.value)


def _slack(target: Target) -> float:
    return _ROUNDING * abs(target.value or 0.0)


def percent_of(margin: FloatArray, target: Target) -> FloatArray:
    """Return a margin in per cent of its target; the shape stays.

    NaN where the target is zero, or itself a percentage: its margin is in points.
    """
    size = math.nan if is_percentage(target.unit) else abs(target.value or math.nan)
    return margin / size * 100


def _status_codes(margins: Sequence[FloatArray], *, assumed: bool) -> npt.NDArray[np.int8]:
    """Return the `Status.code` of runs, ``(run, …)``, by their margins on each basis."""
    if assumed:
        return np.full_like(margins[0], Status.ASSUMED.code, np.int8)
    good = [margin >= 0 for margin in margins]
    codes = np.full_like(margins[0], Status.UNDECIDED.code, np.int8)
    np.copyto(codes, Status.MET.code, where=reduce(np.logical_and, good))
    np.copyto(codes, Status.MISSED.code, where=~reduce(np.logical_or, good))
    for margin in margins:
        np.copyto(codes, Status.UNTESTABLE.code, where=~np.isfinite(margin))
    return codes


def _first_breach(answers: Collection[Answer], target: Target, like: FloatArray) -> FloatArray:
    """Return the first year in which a binding cap or floor does not hold; NaN if none.

    A year that the run does not reach is no breach. ``like`` has the shape of what is wanted.
    """
    first = np.full_like(like, np.nan)
    if target.attribute is not Attribute.BINDING or target.direction is Direction.ABOUT:
        return first
    assert target.year is not None
    for year in range(target.horizon, target.year - 1, -1):
        for answer in answers:
            short = _distance(measured_at(answer, target, year), target) < -_slack(target)
            np.copyto(first, float(year), where=short)
    return first


def measured_at(answer: Answer, target: Target, year: int) -> FloatArray:
    """Return what a target is compared with, in its unit, in its own year or a later one."""
    assert target.year is not None
    base = trailing_base(target.measure, target.since, target.year, year)
    return measured(answer.at, target.measure, base, year) * answer.factor


def answers_of(
    variables: Mapping[str, AnnualVariable], index: Mapping[int, int], target: Target
) -> dict[Basis | None, Answer]:
    """Return the series that judge a target, by basis; ``index`` has the row of each year."""

    def answer(reference: str) -> Answer:
        name, elements = split_reference(reference)
        variable, left = variables[name], iter(elements)
        cell = tuple(
            slice(None) if range_.name in MANY else range_.elements.index(next(left))
            for range_ in variable.ranges
        )
        series, missing = variable.row(cell), np.array(math.nan)

        def at(year: int) -> FloatArray:
            return series[index[year]] if year in index else missing

        return Answer(at, unit_factor(variable.unit, target))

    return {basis: answer(reference) for basis, reference in target.variables.items()}
