"""Verdicts: which targets a run meets, by what margin, and until when.

`judge` works on arrays, so that one run and a sweep of many are judged by the same rules;
`check_targets` makes records of what it finds for one run.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.errors import CatalogueError, Fault, Message
from plansim.targets.annual import Annual, AnnualVariable, annual_of
from plansim.targets.catalogue import (
    Attribute,
    Basis,
    Direction,
    Gap,
    Kind,
    Shape,
    Status,
    Target,
    misfits,
    split_reference,
    unit_factor,
)
from plansim.targets.indicator import (
    Floats,
    Yearly,
    annual_series,
    measured,
    trailing_base,
    yearly,
    years_needed,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "Answer",
    "Findings",
    "Judgement",
    "Verdict",
    "check_targets",
    "findings",
    "judge",
    "margin_of",
    "measured_at",
    "percent_of",
    "status_codes",
    "verdicts_of",
]

_ROUNDING = 1e-9
"""A margin below this share of the target comes from binary fractions and units: it is none."""

_CODES = {status: np.int8(status.code) for status in Status}


@dataclass(frozen=True)
class Answer:
    """The annual series that a target is judged by, on one basis."""

    at: Yearly
    factor: float
    """From the unit of the series' measure to the target's: `unit_factor`."""


@dataclass(frozen=True)
class Findings:
    """What becomes of one target, as plain arrays over runs: shape ``(run, …)``.

    The fields are those of `Judgement`; a target that nothing answers has scalars.
    """

    value: Floats
    margin: Floats
    least_margin: Floats
    """The smallest margin of all bases: the target is met where it is not below zero."""
    status: npt.NDArray[np.int8]
    first_breach: Floats
    bases: Mapping[Basis, Floats]


@dataclass(frozen=True)
class Judgement:
    """What becomes of one target, as arrays over the runs of a dataset: shape ``(run, …)``.

    NaN where there is no such number.
    """

    value: xr.DataArray
    """What the target is held against, in its unit; of several bases the first."""
    margin: xr.DataArray
    """The distance to the target on the good side, in its unit."""
    margin_pct: xr.DataArray
    """The same in per cent of the target."""
    status: xr.DataArray
    """`Status.code`, int8."""
    first_breach: xr.DataArray
    """The first year, from the target's on, in which a binding target does not hold; float."""
    bases: Mapping[Basis, xr.DataArray]
    """The value on each basis, where the plan leaves the basis open."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of one target in one run."""

    scenario: str
    id: str
    name_en: str
    name_zh: str
    attribute: Attribute
    year: int | None
    value: float | None
    """In ``unit``; None if nothing in the run answers."""
    target: float | None
    direction: Direction | None
    unit: str
    status: Status
    margin: float | None
    """In ``unit``; positive is good."""
    margin_pct: float | None
    """In per cent of the target."""
    first_breach: int | None
    bases: Mapping[str, float]
    """The value on each basis, where the plan leaves the basis open; else empty."""
    tolerance: float | None = None
    """How far from an *about* target still counts, in ``unit``."""
    followed_to: int | None = None
    """The last year in which a binding cap or floor was looked at; None for other targets."""
    gap: Gap | None = None
    """Why nothing answers, if the status is untestable."""
    gap_year: int | None = None
    """The first year that is needed and that the run does not have."""
    reason_en: str = ""
    """What the catalogue says of a target that is not modelled."""
    reason_zh: str = ""


def check_targets(dataset: xr.Dataset, targets: Iterable[Target]) -> tuple[Verdict, ...]:
    """Judge one run by the targets of a plan, in their order; figures of the past are left out.

    ``dataset`` comes from a simulation (over ``time``) or is its annual view (over ``year``). Its
    attributes name the scenario, and the targets that this assumes.

    Raises:
        CatalogueError: a target is judged by a variable that the dataset does not hold.
        ValueError: the dataset holds more than one run.
    """
    wanted = list(targets)
    names = {split_reference(each)[0] for target in wanted for each in target.variables.values()}
    return verdicts_of(annual_of(dataset, sorted(names)), wanted, map(str, dataset))


def verdicts_of(
    run: Annual, targets: Iterable[Target], names: Iterable[str] | None = None
) -> tuple[Verdict, ...]:
    """Do as `check_targets` on a run that is given by years.

    ``names`` are all variables that there are, for messages, if the run holds only some.
    """
    wanted = [target for target in targets if target.kind is Kind.TARGET]
    shapes = {
        name: Shape({each.name: each.elements for each in variable.ranges}, variable.unit)
        for name, variable in run.variables.items()
    }
    known = list(run.variables if names is None else names)
    holder = Message("the run")
    faults = [fault for target in wanted for fault in misfits(target, holder, shapes, known)]
    if faults:
        raise CatalogueError(faults)
    index = {year: place for place, year in enumerate(run.years)}
    return tuple(_verdict(run, index, target) for target in wanted)


def judge(dataset: xr.Dataset, target: Target, *, assumed: bool = False) -> Judgement:
    """Judge every run of a dataset by one target: ``(run, …, time)`` → ``(run, …)``.

    A target that no variable answers gives scalars. Equality meets a target. On several bases it
    is met or missed if all agree, else undecided; a number that is not finite on any of them makes
    it untestable. A breach on any basis is one.

    Raises:
        CatalogueError: the target is judged by a variable that the dataset does not hold.
    """
    if faults := _misfits(dataset, target):
        raise CatalogueError(faults)
    return _judged(dataset, target, assumed=assumed)


def _judged(dataset: xr.Dataset, target: Target, *, assumed: bool) -> Judgement:
    import xarray as xr

    series = {basis: _answer(dataset, name) for basis, name in target.variables.items()}
    answers = {
        basis: Answer(yearly(each), unit_factor(_unit(each), target))
        for basis, each in series.items()
    }
    found = findings(answers, target, assumed=assumed)
    judged = bool(series) and target.value is not None and target.year is not None
    runs = _runs(next(iter(series.values()))) if judged else xr.DataArray(math.nan)
    return Judgement(
        value=runs.copy(data=found.value),
        margin=runs.copy(data=found.margin),
        margin_pct=runs.copy(data=percent_of(found.margin, target)),
        status=runs.copy(data=found.status),
        first_breach=runs.copy(data=found.first_breach),
        bases=MappingProxyType({key: runs.copy(data=each) for key, each in found.bases.items()}),
    )


def findings(
    answers: Mapping[Basis | None, Answer], target: Target, *, assumed: bool = False
) -> Findings:
    """Judge runs by one target, as `judge` does, in plain arrays: what a sweep works on."""
    if not answers or target.value is None or target.year is None:
        nothing = np.array(math.nan)
        status = Status.ASSUMED if assumed else Status.UNTESTABLE
        code = np.array(status.code, np.int8)
        return Findings(nothing, nothing, nothing, code, nothing, {})
    values = {basis: measured_at(each, target, target.year) for basis, each in answers.items()}
    margins = [margin_of(each, target) for each in values.values()]
    return Findings(
        value=next(iter(values.values())),
        margin=margins[0],
        least_margin=reduce(np.minimum, margins),
        status=_codes(margins, assumed=assumed),
        first_breach=_first_breach(answers.values(), target, margins[0]),
        bases={basis: each for basis, each in values.items() if basis},
    )


def margin_of(value: Floats, target: Target) -> Floats:
    """Give the distance to a target, in its unit, positive on the good side; the shape stays.

    What is smaller than rounding is zero.
    """
    margin = _distance(value, target)
    return np.where(abs(margin) <= _slack(target), 0.0, margin)


def _distance(value: Floats, target: Target) -> Floats:
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


def percent_of(margin: Floats, target: Target) -> Floats:
    """Give a margin in per cent of its target; the shape stays, NaN where the target is nil."""
    return margin / abs(target.value or math.nan) * 100


def status_codes(margins: Floats, *, assumed: bool = False) -> npt.NDArray[np.int8]:
    """Give the `Status.code` of margins on one or more bases: ``(…, basis)`` → ``(…)``."""
    return _codes(list(np.moveaxis(margins, -1, 0)), assumed=assumed)


def _codes(margins: Sequence[Floats], *, assumed: bool) -> npt.NDArray[np.int8]:
    """Do as `status_codes` with the margins on each basis."""
    if assumed:
        return np.full_like(margins[0], Status.ASSUMED.code, np.int8)
    good = [margin >= 0 for margin in margins]
    codes = np.full_like(margins[0], _CODES[Status.UNDECIDED], np.int8)
    np.copyto(codes, _CODES[Status.MET], where=reduce(np.logical_and, good))
    np.copyto(codes, _CODES[Status.MISSED], where=~reduce(np.logical_or, good))
    for margin in margins:
        np.copyto(codes, _CODES[Status.UNTESTABLE], where=~np.isfinite(margin))
    return codes


def _first_breach(answers: Collection[Answer], target: Target, like: Floats) -> Floats:
    """Give the first year in which a binding cap or floor does not hold; NaN if none.

    A year that the run does not reach is no breach. ``like`` has the shape of what is wanted.
    """
    first = np.full_like(like, np.nan)
    if target.attribute is not Attribute.BINDING or target.direction is Direction.ABOUT:
        return first
    assert target.year is not None
    for year in range(target.horizon, target.year - 1, -1):
        for each in answers:
            short = _distance(measured_at(each, target, year), target) < -_slack(target)
            np.copyto(first, float(year), where=short)
    return first


def measured_at(answer: Answer, target: Target, year: int) -> Floats:
    """Return what a target is held against, in its unit, in its own year or a later one."""
    assert target.year is not None
    base = trailing_base(target.measure, target.since, target.year, year)
    return measured(answer.at, target.measure, base, year) * answer.factor


def _runs(series: xr.DataArray) -> xr.DataArray:
    """Give an array over the runs of an annual series, whatever is in it: ``(run, …)``."""
    return series.isel(year=0, drop=True) if series.sizes["year"] else series.sum("year")


def _answer(dataset: xr.Dataset, reference: str) -> xr.DataArray:
    """Give the annual series of a reference: ``(run, …, year)``, with its attributes."""
    name, elements = split_reference(reference)
    series = dataset[name]
    for dim, element in zip(_subscripts(series), elements, strict=True):
        series = series.isel({dim: series[dim].to_numpy().tolist().index(element)}, drop=True)
    return series if "year" in series.dims else annual_series(series)


def _subscripts(series: xr.DataArray) -> list[Hashable]:
    """Give the dimensions whose coordinate holds the names of elements."""
    return [dim for dim in series.dims if series[dim].dtype.kind in "UO"]


def _unit(series: xr.DataArray) -> str:
    return str(series.attrs.get("units", ""))


def _misfits(dataset: xr.Dataset, target: Target) -> tuple[Fault, ...]:
    """Say what a dataset lacks to answer for a target."""
    wanted = {split_reference(reference)[0] for reference in target.variables.values()}
    shapes = {name: _shape(dataset[name]) for name in wanted if name in dataset}
    return tuple(misfits(target, Message("the run"), shapes, map(str, dataset)))


def _shape(series: xr.DataArray) -> Shape:
    subscripts = {str(dim): series[dim].to_numpy().tolist() for dim in _subscripts(series)}
    return Shape(subscripts, _unit(series))


def _verdict(run: Annual, index: Mapping[int, int], target: Target) -> Verdict:
    answers = {
        basis: _answer_of(run.variables, index, reference, target)
        for basis, reference in target.variables.items()
    }
    found = findings(answers, target, assumed=target.id in run.assumed)
    margin, breach = _number(found.margin), _number(found.first_breach)
    status = list(Status)[int(found.status)]
    gap, year = None, None
    if status is Status.UNTESTABLE:
        gap, year = _gap(answers, target, run.years)
    return Verdict(
        scenario=run.scenario,
        id=target.id,
        name_en=target.name_en,
        name_zh=target.name_zh,
        attribute=target.attribute,
        year=target.year,
        value=_number(found.value),
        target=target.value,
        direction=target.direction,
        unit=target.unit,
        status=status,
        margin=margin,
        margin_pct=_share(margin, target),
        first_breach=None if breach is None else int(breach),
        bases={basis: float(each) for basis, each in found.bases.items()},
        tolerance=target.tolerance,
        followed_to=_followed_to(answers.values(), target),
        gap=gap,
        gap_year=year,
        reason_en=target.reason_en,
        reason_zh=target.reason_zh,
    )


def _gap(
    answers: Mapping[Basis | None, Answer], target: Target, years: Sequence[int]
) -> tuple[Gap, int | None]:
    """Say why nothing answers for a target, and the first year that is wanting."""
    if not answers or target.year is None or target.value is None:
        return Gap.NOT_MODELLED, None
    for each in answers.values():
        for year in years_needed(target.measure, target.since, target.year):
            if math.isfinite(each.at(year)):
                continue
            saved = [other for other in years if math.isfinite(each.at(other))]
            if not saved or year > saved[-1]:
                return Gap.ENDS, target.year  # which is later than what is wanting first
            return (Gap.BEGINS if year < saved[0] else Gap.NOT_SAVED), year
    return Gap.NO_NUMBER, None


def _followed_to(answers: Collection[Answer], target: Target) -> int | None:
    """Give the last year, up to the horizon, in which a binding cap or floor can be looked at."""
    if target.attribute is not Attribute.BINDING or target.direction is Direction.ABOUT:
        return None
    if not answers or target.year is None:
        return None
    reached = (
        year
        for year in range(target.horizon, target.year - 1, -1)
        if all(math.isfinite(measured_at(each, target, year)) for each in answers)
    )
    return next(reached, None)


def _answer_of(
    variables: Mapping[str, AnnualVariable],
    index: Mapping[int, int],
    reference: str,
    target: Target,
) -> Answer:
    """Give the series of a reference, year by year."""
    name, elements = split_reference(reference)
    variable = variables[name]
    cell = tuple(
        range_.elements.index(element)
        for range_, element in zip(variable.ranges, elements, strict=True)
    )
    series = variable.row(cell)

    def at(year: int) -> Floats:
        return series[index[year]] if year in index else np.array(math.nan)

    return Answer(at, unit_factor(variable.unit, target))


def _share(margin: float | None, target: Target) -> float | None:
    if margin is None or not target.value:
        return None
    return margin / abs(target.value) * 100


def _number(value: Floats) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
