"""Verdicts: which targets a run meets, by what margin, and until when.

`judging.judge` works on arrays, so that one run and a sweep of many are judged by the same rules;
`check_targets` makes a `Verdict` of each one-run entry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from plansim.files.notebook import Table, Tabular
from plansim.scenario.factors import FloatArray
from plansim.targets.annual import Annual, annual_of, check_runs, separate
from plansim.targets.indicator import years_needed
from plansim.targets.judging import Answer, answers_of, check_fit, judge, percent_of
from plansim.targets.target import (
    Attribute,
    Basis,
    Direction,
    Gap,
    Kind,
    Status,
    Target,
    answering_series,
    records_of,
    split_reference,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "PART_MET",
    "SURE",
    "Certainty",
    "CheckedTargets",
    "Share",
    "Verdict",
    "certainty_of",
    "check_targets",
    "of_hundred",
    "verdicts_of",
]

SURE = 80
"""Minimum number of 100 plausible models that give one answer for it to stand by itself."""

PART_MET = np.full(len(Status), np.nan)
"""How much of a target met each status counts for, by its code: undecided as half."""
PART_MET[[Status.MET.code, Status.UNDECIDED.code, Status.MISSED.code]] = 1.0, 0.5, 0.0


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

    >>> def of(share):
    ...     return Share("prior", share, None, None, 500, 0)
    >>> [certainty_of(Status.MET, of(share)).value for share in (1, 0.796, 0.794, 0.206, 0.204)]
    ['full', 'full', 'open', 'open', 'against']
    >>> [certainty_of(Status.MISSED, of(share)).value for share in (0, 0.204, 0.206, 0.796)]
    ['full', 'full', 'open', 'against']
    >>> [certainty_of(Status.UNDECIDED, of(1.0)).value, certainty_of(Status.MISSED).value]
    ['open', 'full']
    >>> certainty_of(Status.MET, of(None)).value, certainty_of(Status.ASSUMED, of(None))
    ('full', None)
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


class CheckedTargets(Tabular, tuple[Verdict, ...]):
    """Verdicts, scenario by scenario; as a table a row each, in the units of the targets."""

    def _table(self) -> Table:
        columns = ("scenario", "target", "name_en", "name_zh", "year", "value", "asked", "unit",
                   "status", "margin", "first_breach", "certainty", "share")  # fmt: skip
        rows = [
            (one.scenario, one.id, one.name_en, one.name_zh, one.year, one.value, one.target,
             one.unit, one.status.value, one.margin, one.first_breach, one.certainty,
             one.share and one.share.share)
            for one in self
        ]  # fmt: skip
        return columns, rows


def check_targets(dataset: xr.Dataset, targets: Iterable[Target]) -> CheckedTargets:
    """Judge runs by the targets of a plan, in their order; figures of the past are left out.

    ``dataset`` comes from a simulation (over ``time``) or is its annual view (over ``year``). Its
    attributes name the scenario, and the targets that this assumes. Of a dataset over ``scenario``
    the verdicts of one scenario follow on those of another.

    Raises:
        CatalogueError: a target is judged by a variable that the dataset does not hold.
        ValueError: the dataset holds more than one run.
        TypeError: a target is no record: `.plansim.verdicts` takes ids, too.

    >>> model = plansim.load_model("lake.mdl")
    >>> runs = plansim.simulate(model, "boats.yaml")
    >>> (fish, catch) = plansim.check_targets(runs, plansim.load_targets(model=model))
    >>> fish.status.value, round(fish.margin, 1), catch.status.value
    ('missed', -15.7, 'met')
    """
    check_runs(dataset)
    wanted = records_of(targets)
    names = {split_reference(name)[0] for name in answering_series(wanted)}
    return CheckedTargets(
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
    check_fit(run, wanted, names)
    index = {year: row for row, year in enumerate(run.years)}
    return tuple(_verdict(run, index, target) for target in wanted)


def _verdict(run: Annual, index: Mapping[int, int], target: Target) -> Verdict:
    answers = answers_of(run.variables, index, target)
    judged = judge(answers, target, assumed=target.id in run.assumed)
    margin, breach = _number(judged.margin), _number(judged.first_breach)
    status = judged.status_of()
    gap, year = None, None
    if status is Status.UNTESTABLE:
        gap, year = _gap(answers, target)
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
        gap=gap,
        gap_year=year,
        reason_en=target.reason_en,
        reason_zh=target.reason_zh,
    )


def _gap(answers: Mapping[Basis | None, Answer], target: Target) -> tuple[Gap, int | None]:
    """Return why nothing answers for a target, and the first year that is wanting."""
    if not answers or target.year is None or target.value is None:
        return Gap.NOT_MODELLED, None
    needed = years_needed(target.measure, target.since, target.year)
    for answer in answers.values():
        for year in needed:
            if not math.isfinite(answer.at(year)):
                return Gap.NO_YEAR, year
    return Gap.NO_NUMBER, None


def _number(value: FloatArray) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
