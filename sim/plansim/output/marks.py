"""The level of a target on the chart of the variable by which it is judged.

A target judges a measure of a series: its level, growth, sum, mean or fall. On a chart of the
series itself each of them is a level, which depends only on the series' own base:
a fall by a fifth to four fifths of the base, a sum over five years to a fifth of it in each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import xarray as xr

from plansim.errors import Fault, Message, UnknownNameError, nearest
from plansim.output.series import Series, as_judged, series_of
from plansim.output.words.text import Text, target_figure
from plansim.output.words.verdicts import SIGNS
from plansim.targets.indicator import Measure, annual_series
from plansim.targets.target import Attribute, Direction, Kind, Target, split_reference, unit_factor

__all__ = [
    "Mark",
    "judged_references",
    "mark_label",
    "mark_of",
    "marks_on",
    "scaled_mark",
    "series_in",
    "unplaced",
]

NOISE = 1e-9
"""A series below this is zero except for rounding errors."""


@dataclass(frozen=True)
class Mark:
    """A target as a level on the chart of a series, in the unit of the chart."""

    target: Target
    first: int
    """The first year that it covers: its own, or the first of those summed or averaged."""
    year: int
    low: float | None
    """The level from which on it is met; None if any is low enough."""
    high: float | None
    """The level up to which it is met; None if any is high enough."""
    until: int
    """The last year to which the level holds: the horizon, if the target is binding."""


def series_in(dataset: xr.Dataset, reference: str, targets: Iterable[Target] = ()) -> Series:
    """Return the annual figures of ``name`` or ``name[element]``, in the unit of its target.

    ``dataset`` is a run over ``time`` or ``year``. A series that never leaves `NOISE` is zero: a
    difference of two equal sums is not quite that, and would fill a chart.

    Raises:
        UnknownNameError: the dataset holds no such series.
    """
    (shown,) = as_judged([_raw(dataset, reference)], targets)
    if all(abs(value) < NOISE for value in shown.values.values() if math.isfinite(value)):
        still = {year: value * 0.0 for year, value in shown.values.items()}
        return replace(shown, values=still)
    return shown


def _raw(dataset: xr.Dataset, reference: str) -> Series:
    name, elements = split_reference(reference)
    if name not in dataset:
        known = [str(variable) for variable in dataset]
        message = Message("the run holds no variable '{name}'", name=name)
        raise UnknownNameError(Fault(message, nearest=nearest(name, known)))
    array = dataset[name]
    yearly = annual_series(array) if "time" in array.dims else array
    if "year" not in yearly.dims:  # a constant holds in all years
        years = annual_series(xr.zeros_like(dataset["time"])) if "time" in dataset else dataset
        yearly = yearly.expand_dims(year=years["year"].to_numpy())
    by_reference = {
        split_reference(series.name): series for series in series_of(xr.Dataset({name: yearly}))
    }
    if (name, elements) not in by_reference:
        known = [series.name for series in by_reference.values()]
        message = Message("'{name}' is not one series", name=reference)
        raise UnknownNameError(
            Fault(
                message,
                expected=Message("an element, as {example}", example=known[0]),
                nearest=nearest(reference, known),
            )
        )
    return by_reference[name, elements]


def judged_references(
    targets: Iterable[Target], attribute: Attribute = Attribute.BINDING
) -> list[str]:
    """Return the series that targets of an attribute are judged by, each once, in their order."""
    wanted = [
        reference
        for target in targets
        if target.kind is Kind.TARGET and target.attribute is attribute and target.value is not None
        for reference in target.variables.values()
    ]
    return list(dict.fromkeys(wanted))


def marks_on(dataset: xr.Dataset, reference: str, targets: Iterable[Target]) -> list[Mark]:
    """Return the marks of the targets that a series is judged by on its chart.

    The level of a growth or a fall is counted from the base value of this very run.
    """
    listed = list(targets)
    if not (judging := _judging(reference, listed)):
        return []
    raw = _raw(dataset, reference)
    marks = (mark_of(raw, target, listed) for target in judging)
    return [mark for mark in marks if mark is not None]


def unplaced(dataset: xr.Dataset, reference: str, targets: Iterable[Target]) -> list[Target]:
    """Return the targets that a series is judged by and that have no mark, for lack of a base."""
    raw = _raw(dataset, reference)
    return [target for target in _judging(reference, targets) if mark_of(raw, target) is None]


def _judging(reference: str, targets: Iterable[Target]) -> list[Target]:
    return [
        target
        for target in targets
        if target.kind is Kind.TARGET and target.value is not None and target.year is not None
        if split_reference(reference) in map(split_reference, target.variables.values())
    ]


def scaled_mark(mark: Mark, factor: float) -> Mark:
    """Return a mark in another unit, by a positive factor."""
    low, high = (None if end is None else end * factor for end in (mark.low, mark.high))
    return replace(mark, low=low, high=high)


def mark_of(raw: Series, target: Target, targets: Iterable[Target] = ()) -> Mark | None:
    """Return the mark of a target on the chart of a series that judges it, in the model's unit.

    Of ``raw`` only the value of the base year is used, for the levels of a growth or a fall; the
    result is None without it. ``targets`` are those in whose units series are shown; without any
    the mark is in the series' own unit.
    """
    assert target.value is not None
    assert target.year is not None
    base = raw.values.get(target.since)
    if base is None and target.measure in (Measure.GROWTH, Measure.REDUCTION):
        return None
    slack = target.tolerance or 0.0
    at = [_level(raw, target, target.value + side, base or 0.0) for side in (-slack, slack)]
    shown = replace(raw, values=dict(enumerate(at)))
    low, high = sorted(next(iter(as_judged([shown], targets))).values.values())
    upward = target.direction is Direction.AT_LEAST
    if target.measure is Measure.REDUCTION:
        upward = not upward
    spans = target.measure in (Measure.SUM, Measure.MEAN)
    lasts = target.attribute is Attribute.BINDING and target.measure is not Measure.GROWTH
    about = target.direction is Direction.ABOUT
    return Mark(
        target,
        first=target.since + 1 if spans else target.year,
        year=target.year,
        low=low if upward or about else None,
        high=high if not upward or about else None,
        until=target.horizon if lasts and not about else target.year,
    )


def _level(raw: Series, target: Target, value: float, base: float) -> float:
    """Return the level of the series, in its own unit, at which the measure has a value."""
    assert target.year is not None
    years = target.year - target.since
    size = value / unit_factor(raw.unit, target)
    match target.measure:
        case Measure.LEVEL | Measure.MEAN:
            return size
        case Measure.SUM:
            return size / years
        case Measure.GROWTH:
            return base * (1 + size) ** years
        case Measure.REDUCTION:
            return base * (1 - size)


def mark_label(target: Target, text: Text) -> str:
    """Return a short text of a target: its id, measure, figure and unit as in the plan."""
    assert target.value is not None
    assert target.direction is not None
    what = text.word("mark", target.measure)
    return text(
        "mark.label",
        id=target.id,
        what=f"{what} " if what else "",
        sign=SIGNS[target.direction],
        value=target_figure(target.value),
        unit=text.unit(target.unit),
    )
