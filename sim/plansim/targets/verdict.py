"""Verdicts: which targets a run meets, by what margin, and until when.

`judge` works on arrays, so that one run and a sweep of many are judged by the same rules;
`check_targets` makes a `Verdict` of each one-run entry.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.errors import CatalogueError, Message
from plansim.targets.annual import MANY, Annual, AnnualVariable, annual_of, separate
from plansim.targets.catalogue import VariableShape, misfits
from plansim.targets.indicator import Floats, Yearly, measured, trailing_base, years_needed
from plansim.targets.target import (
    Attribute,
    Basis,
    Direction,
    Gap,
    Kind,
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
    "PART_MET",
    "SURE",
    "Answer",
    "Certainty",
    "Share",
    "Verdict",
    "Verdicts",
    "certainty_of",
    "check_targets",
    "judge",
    "judge_many",
    "margin_of",
    "measured_at",
    "of_hundred",
    "percent_of",
    "verdicts_of",
]

_ROUNDING = 1e-9
"""A margin below this share of the target comes from binary fractions and units: it is none."""
_MOST_LACKING = 5
"""Targets whose variables a run lacks that are named one by one."""

SURE = 80
"""Of 100 plausible models, how many have to give one answer for it to stand by itself."""

PART_MET = np.full(len(Status), np.nan)
"""How much of a target met each status counts for, by its code: undecided as half."""
PART_MET[[Status.MET.code, Status.UNDECIDED.code, Status.MISSED.code]] = 1.0, 0.5, 0.0

_CODES = {status: np.int8(status.code) for status in Status}


@dataclass(frozen=True)
class Answer:
    """The annual series that a target is judged by, on one basis."""

    at: Yearly
    factor: float
    """From the unit of the series' measure to the target's: `unit_factor`."""


@dataclass(frozen=True)
class Verdicts:
    """What becomes of one target in many runs, as plain arrays: shape ``(run, …)``.

    NaN where there is no such number; a target that nothing answers has scalars.
    """

    value: Floats
    """What the target is compared with, in its unit; of several bases the first."""
    margin: Floats
    """The distance to the target on the good side, in its unit."""
    least_margin: Floats
    """The smallest margin of all bases: the target is met where it is not below zero."""
    status: npt.NDArray[np.int8]
    """`Status.code`."""
    first_breach: Floats
    """The first year, from the target's on, in which a binding target does not hold."""
    bases: Mapping[Basis, Floats]
    """The value on each basis, where the plan leaves the basis open."""

    def status_of(self, run: int = 0) -> Status:
        """Return the status in one run."""
        return Status.of(self.status.reshape(-1)[run])


@dataclass(frozen=True)
class Share:
    """The share of an ensemble's members that meet a target."""

    ensemble: str
    """Kind of the ensemble."""
    share: float | None
    """Members whose bases disagree count as half; None if no member decides, as where the scenario
    assumes the target."""
    share_low: float | None
    share_high: float | None
    """Ends of Wilson's 95 % interval, of sampling alone."""
    members: int
    """Number of members that are counted."""
    unsound: int
    """Number of members that break down, and are left out."""

    @property
    def of_hundred(self) -> int | None:
        """Of 100 plausible models, how many meet the target (`of_hundred`)."""
        return None if self.share is None else of_hundred(self.share)


def of_hundred(share: float) -> int:
    """Return a share in whole members of 100; 0 and 100 only for none and all.

    >>> [of_hundred(share) for share in (0.0, 0.001, 0.436, 1.0)]
    [0, 1, 44, 100]
    """
    return round(100 * share) if share in (0, 1) else min(max(round(100 * share), 1), 99)


class Certainty(StrEnum):
    """How far plausible models agree with the central run, that of the model's own values."""

    FULL = "full"  # `SURE` of 100 give its answer, or there are none to ask
    OPEN = "open"  # fewer do, or the central run is undecided
    AGAINST = "against"  # `SURE` of 100 give the other answer


def certainty_of(status: Status, share: Share | None = None) -> Certainty | None:
    """Return how certain the answer of a central run is; None if it gives none.

    The share counts as it is shown, in whole members of 100.
    """
    if not status.judged:
        return None
    if status is Status.UNDECIDED:
        return Certainty.OPEN
    met = share.of_hundred if share else None
    if met is None:
        return Certainty.FULL
    same = met if status is Status.MET else 100 - met
    if same >= SURE:
        return Certainty.FULL
    return Certainty.AGAINST if 100 - same >= SURE else Certainty.OPEN


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
    """In per cent of the target; None where that is a percentage, whose margin is in points."""
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
    share: Share | None = None
    """The share of plausible models that meet the target, if the model has an ensemble."""

    @property
    def certainty(self) -> Certainty | None:
        """How certain the status is (`certainty_of`); None if the run does not judge the target."""
        return certainty_of(self.status, self.share)

    @property
    def stands(self) -> bool:
        """Whether the target is met or missed with full certainty."""
        return self.certainty is Certainty.FULL

    @property
    def is_open(self) -> bool:
        """Whether the run judges the target, and plausible models do not agree with it."""
        return self.certainty in (Certainty.OPEN, Certainty.AGAINST)


def check_targets(dataset: xr.Dataset, targets: Iterable[Target]) -> tuple[Verdict, ...]:
    """Judge runs by the targets of a plan, in their order; figures of the past are left out.

    ``dataset`` comes from a simulation (over ``time``) or is its annual view (over ``year``). Its
    attributes name the scenario, and the targets that this assumes. Of a dataset over ``scenario``
    the verdicts of one scenario follow on those of another.

    Raises:
        CatalogueError: a target is judged by a variable that the dataset does not hold.
        ValueError: the dataset holds more than one run.

    >>> model = plansim.load_model("lake.mdl")
    >>> runs = plansim.simulate(model, "boats.yaml")
    >>> (fish, catch) = plansim.check_targets(runs, plansim.load_targets(model=model))
    >>> fish.status.value, round(fish.margin, 1), catch.status.value
    ('missed', -15.7, 'met')
    """
    wanted = list(targets)
    names = {split_reference(name)[0] for name in answering_series(wanted)}
    return tuple(
        verdict
        for run in separate(dataset)
        for verdict in verdicts_of(annual_of(run, sorted(names)), wanted, list(map(str, run)))
    )


def verdicts_of(
    run: Annual, targets: Iterable[Target], names: Iterable[str] | None = None
) -> tuple[Verdict, ...]:
    """Do as `check_targets` on a run that is given by years.

    ``names`` are all variables that there are, for messages, if the run holds only some.
    """
    wanted = [target for target in targets if target.kind is Kind.TARGET]
    _check_fit(run, wanted, names)
    index = {year: row for row, year in enumerate(run.years)}
    return tuple(_verdict(run, index, target) for target in wanted)


def judge_many(runs: xr.Dataset, targets: Iterable[Target]) -> Iterator[tuple[Target, Verdicts]]:
    """Yield the targets with the verdicts on many runs of one scenario, over ``member`` or ``run``.

    Targets that the model does not answer are left out.

    Raises:
        CatalogueError: as for `check_targets`.
    """
    judged = judged_targets(targets)
    names = sorted({split_reference(name)[0] for name in answering_series(judged)})
    figures = annual_of(runs, names, many=True)
    _check_fit(figures, judged, list(map(str, runs)))
    index = {year: row for row, year in enumerate(figures.years)}
    for target in judged:
        answers = {
            basis: _answer_of(figures.variables, index, reference, target)
            for basis, reference in target.variables.items()
        }
        yield target, judge(answers, target, assumed=target.id in figures.assumed)


def _check_fit(run: Annual, targets: Iterable[Target], names: Iterable[str] | None) -> None:
    shapes = {
        name: VariableShape(
            {r.name: r.elements for r in variable.ranges if r.name not in MANY}, variable.unit
        )
        for name, variable in run.variables.items()
    }
    known = list(run.variables if names is None else names)
    lacking = [
        target
        for target in targets
        if any(split_reference(name)[0] not in shapes for name in target.variables.values())
    ]
    if len(lacking) > _MOST_LACKING:  # a run of chosen variables, not a catalogue with a slip
        raise CatalogueError(
            "the run lacks variables to judge {count} targets by, such as {target}",
            expected=Message("all variables, or targets that are judged by those it has"),
            count=len(lacking),
            target=lacking[0].id,
        )
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
        status=_codes(margins, assumed=assumed),
        first_breach=_first_breach(answers.values(), target, margins[0]),
        bases={basis: value for basis, value in values.items() if basis},
    )


def margin_of(value: Floats, target: Target) -> Floats:
    """Return the distance to a target, in its unit, positive on the good side; the shape stays.

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
    """Return a margin in per cent of its target; the shape stays.

    NaN where the target is zero, or itself a percentage: its margin is in points.
    """
    size = math.nan if is_percentage(target.unit) else abs(target.value or math.nan)
    return margin / size * 100


def _codes(margins: Sequence[Floats], *, assumed: bool) -> npt.NDArray[np.int8]:
    """Return the `Status.code` of runs, ``(run, …)``, by their margins on each basis."""
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


def measured_at(answer: Answer, target: Target, year: int) -> Floats:
    """Return what a target is compared with, in its unit, in its own year or a later one."""
    assert target.year is not None
    base = trailing_base(target.measure, target.since, target.year, year)
    return measured(answer.at, target.measure, base, year) * answer.factor


def _verdict(run: Annual, index: Mapping[int, int], target: Target) -> Verdict:
    answers = {
        basis: _answer_of(run.variables, index, reference, target)
        for basis, reference in target.variables.items()
    }
    judged = judge(answers, target, assumed=target.id in run.assumed)
    margin, breach = _number(judged.margin), _number(judged.first_breach)
    status = judged.status_of()
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
        value=_number(judged.value),
        target=target.value,
        direction=target.direction,
        unit=target.unit,
        status=status,
        margin=margin,
        margin_pct=_number(percent_of(judged.margin, target)),
        first_breach=None if breach is None else int(breach),
        bases={basis: float(value) for basis, value in judged.bases.items()},
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
    """Return why nothing answers for a target, and the first year that is wanting."""
    if not answers or target.year is None or target.value is None:
        return Gap.NOT_MODELLED, None
    for answer in answers.values():
        for year in years_needed(target.measure, target.since, target.year):
            if math.isfinite(answer.at(year)):
                continue
            saved = [other for other in years if math.isfinite(answer.at(other))]
            if not saved or year > saved[-1]:
                return Gap.ENDS, target.year  # which is later than what is wanting first
            return (Gap.BEGINS if year < saved[0] else Gap.NOT_SAVED), year
    return Gap.NO_NUMBER, None


def _followed_to(answers: Collection[Answer], target: Target) -> int | None:
    """Return the last year, up to the horizon, in which a binding cap or floor can be looked at."""
    if target.attribute is not Attribute.BINDING or target.direction is Direction.ABOUT:
        return None
    if not answers or target.year is None:
        return None
    reached = (
        year
        for year in range(target.horizon, target.year - 1, -1)
        if all(math.isfinite(measured_at(answer, target, year)) for answer in answers)
    )
    return next(reached, None)


def _answer_of(
    variables: Mapping[str, AnnualVariable],
    index: Mapping[int, int],
    reference: str,
    target: Target,
) -> Answer:
    """Return the series of a reference, year by year."""
    name, elements = split_reference(reference)
    variable, left = variables[name], iter(elements)
    cell = tuple(
        slice(None) if range_.name in MANY else range_.elements.index(next(left))
        for range_ in variable.ranges
    )
    series = variable.row(cell)

    def at(year: int) -> Floats:
        return series[index[year]] if year in index else np.array(math.nan)

    return Answer(at, unit_factor(variable.unit, target))


def _number(value: Floats) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
