"""The annual figures of a run as rows, and the levels of targets on their charts.

A row is a variable or an element of an array. A target judges a measure of a series: its level,
growth, sum, mean or fall. On a chart of the series itself each of them is a level, which depends
only on the series' own base: a fall by a fifth to four fifths of the base, a sum over five years to
a fifth of it in each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from plansim.errors import Message, UnitError, UnknownNameError, nearest
from plansim.output.words.text import Text, target_figure
from plansim.output.words.verdicts import SIGNS
from plansim.targets.annual import Annual, annual_of
from plansim.targets.indicator import Measure
from plansim.targets.target import (
    Attribute,
    Direction,
    Target,
    answering_series,
    judged_targets,
    reported_factor,
    split_reference,
    unit_factor,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "Mark",
    "Series",
    "as_judged",
    "is_named",
    "judged_series",
    "mark_label",
    "mark_of",
    "marks_on",
    "rows_of",
    "series_in",
    "titles",
    "unplaced",
]


@dataclass(frozen=True)
class Series:
    """One variable, or one element of an array, year by year; a missing figure is NaN."""

    name: str
    """English, with elements as in Vensim: ``value added[services]``."""
    name_zh: str
    unit: str
    timing: str
    values: Mapping[int, float]


def rows_of(run: Annual, names: Iterable[str] | None = None) -> Iterator[Series]:
    """Yield the rows of a run, in the order of its variables, or of ``names``.

    A constant has its value in every year.
    """
    for name in run.variables if names is None else names:
        variable = run.variables[name]
        ranges = [subscript.pairs for subscript in variable.ranges]
        for position in product(*(range(len(elements)) for elements in ranges)):
            values = variable.row(position)
            both = [elements[index] for elements, index in zip(ranges, position, strict=True)]
            name_zh = variable.name_zh
            yield Series(
                name=_labelled(name, [english for english, _ in both]),
                name_zh=_labelled(name_zh, [chinese for _, chinese in both]) if name_zh else "",
                unit=variable.unit,
                timing=variable.timing,
                values=dict(zip(run.years, values.tolist(), strict=True)),
            )


def _labelled(name: str, elements: Sequence[str]) -> str:
    return f"{name}[{','.join(elements)}]" if elements else name


def is_named(name: str, elements: Sequence[str], names: Iterable[str]) -> bool:
    """Return whether names have a series, by its variable or by ``name[element]``.

    >>> is_named("output", ["farming"], ["output[mining]"]), is_named("output", ["x"], ["output"])
    (False, True)
    """
    return not {name, _labelled(name, elements)}.isdisjoint(names)


def as_judged(series: Iterable[Series], targets: Iterable[Target]) -> Iterator[Series]:
    """Yield each series in the unit in which the plan states its level; others as is.

    That is the unit of the target that judges its level or mean, or in which a target that judges
    its fall or growth states the base: a share that the model holds as 0.4 and the plan states as
    40 % is shown in per cent, and energy per output as its base, whatever a fall is measured in.
    """
    stating = _stating(targets)
    for figures in series:
        unit, factor = _stated(figures.unit, stating.get(split_reference(figures.name)))
        values = {year: value * factor for year, value in figures.values.items()}
        yield replace(figures, unit=unit, values=values)


def _stating(targets: Iterable[Target]) -> dict[tuple[str, tuple[str, ...]], Target]:
    """Return by series the target that states its level: the first, those of levels before all."""
    found: dict[tuple[str, tuple[str, ...]], Target] = {}
    for target in sorted(targets, key=lambda target: target.measure not in _LEVELS):
        for reference in target.variables.values() if target.measure is not Measure.SUM else ():
            found.setdefault(split_reference(reference), target)
    return found


_LEVELS = (Measure.LEVEL, Measure.MEAN)


def _stated(unit: str, target: Target | None) -> tuple[str, float]:
    """Return the unit in which a target states the level of a series, and the factor to it."""
    if target is None or (target.base_unit == target.unit and target.measure not in _LEVELS):
        return unit, 1.0  # a base of the rate itself has no bearing on the level
    if target.measure in _LEVELS:
        return target.unit, unit_factor(unit, target)
    try:
        return target.base_unit, reported_factor(unit, target.base_unit)
    except UnitError:  # a base of something else
        return unit, 1.0


def judged_series(series: Iterable[Series], targets: Iterable[Target]) -> list[Series]:
    """Return the series that targets judge, in the order of the targets and in their units."""
    listed = list(targets)
    by_name = {split_reference(figures.name): figures for figures in as_judged(series, listed)}
    wanted = map(split_reference, answering_series(listed))
    return [by_name[name] for name in wanted if name in by_name]


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
    name = (
        reference if reference in dataset else split_reference(reference)[0]
    )  # a sweep keeps elements by their own
    if name not in dataset:
        near = nearest(name, map(str, dataset))
        raise UnknownNameError("the run holds no variable '{name}'", nearest=near, name=name)
    rows = {split_reference(row.name): row for row in rows_of(annual_of(dataset, [name]))}
    if (found := rows.get(split_reference(reference))) is None:
        known = [row.name for row in rows.values()]
        raise UnknownNameError(
            "'{name}' is not one series",
            expected=Message("an element, as {example}", example=known[0]),
            nearest=nearest(reference, known),
            name=reference,
        )
    saved = {year: value for year, value in found.values.items() if not math.isnan(value)}
    return replace(found, values=saved)


def titles(runs: Sequence[xr.Dataset], text: Text) -> list[str]:
    """Return the titles of runs; where two are the same, with the ids of their scenarios."""
    names = [
        text.pick(run.attrs.get("scenario_title_en"), run.attrs.get("scenario_title_zh"))
        or str(run.attrs.get("scenario", ""))
        for run in runs
    ]
    return [
        f"{name} ({run.attrs.get('scenario', '')})" if names.count(name) > 1 else name
        for name, run in zip(names, runs, strict=True)
    ]


def marks_on(dataset: xr.Dataset, reference: str, targets: Iterable[Target]) -> list[Mark]:
    """Return the marks of the targets that a series is judged by on its chart.

    The level of a growth or a fall is counted from the base value of this very run.
    """
    listed = list(targets)
    if not (judging := _judging(reference, listed)):
        return []
    raw = _raw(dataset, reference)
    _, factor = _stated(raw.unit, _stating(listed).get(split_reference(reference)))
    marks = (mark_of(one, raw.unit, raw.values.get(one.since), factor) for one in judging)
    return [mark for mark in marks if mark is not None]


def unplaced(dataset: xr.Dataset, reference: str, targets: Iterable[Target]) -> list[Target]:
    """Return the targets that a series is judged by and that have no mark, for lack of a base."""
    judging = _judging(reference, targets)
    placed = [mark.target for mark in marks_on(dataset, reference, judging)]
    return [target for target in judging if target not in placed]


def _judging(reference: str, targets: Iterable[Target]) -> list[Target]:
    key = split_reference(reference)
    return [
        target
        for target in judged_targets(targets)
        if key in map(split_reference, target.variables.values())
    ]


def mark_of(target: Target, unit: str, base: float | None, factor: float = 1.0) -> Mark | None:
    """Return the mark of a target on the chart of a series that judges it.

    Args:
        target: with a value and a year.
        unit: the model's, of the series.
        base: the value of the series in the target's base year; a growth or a fall has no mark
            without it.
        factor: from the model's unit to that of the chart.
    """
    assert target.value is not None
    assert target.year is not None
    if base is None and target.measure in (Measure.GROWTH, Measure.REDUCTION):
        return None
    slack = target.tolerance or 0.0
    ends = (target.value - slack, target.value + slack)
    low, high = sorted(factor * _level(target, unit, end, base or 0.0) for end in ends)
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


def _level(target: Target, unit: str, value: float, base: float) -> float:
    """Return the level of a series, in its own unit, at which the measure has a value."""
    assert target.year is not None
    years = target.year - target.since
    size = value / unit_factor(unit, target)
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
