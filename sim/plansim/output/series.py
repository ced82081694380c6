"""The annual figures of a run as rows, one for each variable or element of an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from plansim.errors import UnitError
from plansim.model.records import SubscriptRange
from plansim.targets.annual import Annual, annual_of
from plansim.targets.indicator import Measure
from plansim.targets.target import Target, reported_factor, split_reference, unit_factor

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Series", "as_judged", "judged_series", "rows_of", "series_of"]


@dataclass(frozen=True)
class Series:
    """One variable, or one element of an array, year by year; a missing figure is NaN."""

    name: str
    """English, with elements as in Vensim: ``value added[services]``."""
    name_zh: str
    unit: str
    timing: str
    values: Mapping[int, float]


def series_of(annual: xr.Dataset) -> Iterator[Series]:
    """Yield the series of an annual dataset, in the order of its variables.

    ``annual`` holds variables over ``year`` and the subscript ranges. One without ``year`` (a
    constant) has its value in every year. The Chinese names of elements are read from the
    attribute ``elements_zh`` of a range, a JSON list; if it is empty they are the English ones.
    """
    return rows_of(annual_of(annual))


def rows_of(run: Annual, names: Iterable[str] | None = None) -> Iterator[Series]:
    """Yield the rows of a run, in the order of its variables, or of ``names``."""
    for name in run.variables if names is None else names:
        variable = run.variables[name]
        ranges = [_elements(subscript) for subscript in variable.ranges]
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


def _elements(range_: SubscriptRange) -> list[tuple[str, str]]:
    """Return the elements of a range in English and Chinese."""
    return list(zip(range_.elements, range_.elements_zh or range_.elements, strict=True))


def _labelled(name: str, elements: Sequence[str]) -> str:
    return f"{name}[{','.join(elements)}]" if elements else name


def as_judged(series: Iterable[Series], targets: Iterable[Target]) -> Iterator[Series]:
    """Yield each series in the unit in which the plan states its level; others as is.

    That is the unit of the target that judges its level or mean, or in which a target that judges
    its fall or growth states the base: a share that the model holds as 0.4 and the plan states as
    40 % is shown in per cent, and energy per output as its base, whatever a fall is measured in.
    """
    listed = list(targets)
    bases = _by_series(listed, (Measure.REDUCTION, Measure.GROWTH))
    levels = _by_series(listed, (Measure.LEVEL, Measure.MEAN))
    for figures in series:
        key = split_reference(figures.name)
        if key in levels:
            target = levels[key]
            unit, factor = target.unit, unit_factor(figures.unit, target)
        elif key in bases and (base_factor := _base_factor(figures.unit, bases[key])):
            unit, factor = bases[key].base_unit, base_factor
        else:
            yield figures
            continue
        values = {year: value * factor for year, value in figures.values.items()}
        yield replace(figures, unit=unit, values=values)


def _by_series(
    targets: Sequence[Target], measures: Sequence[Measure]
) -> dict[tuple[str, tuple[str, ...]], Target]:
    """Return the first target of some measures by the series that it judges."""
    return {
        split_reference(reference): target
        for target in reversed(targets)
        for reference in target.variables.values()
        if target.measure in measures
    }


def _base_factor(unit: str, target: Target) -> float | None:
    """Return the factor from a unit to that of a target's base; None if it is of something else."""
    if target.base_unit == target.unit:  # a base of the rate itself has no bearing on the level
        return None
    try:
        return reported_factor(unit, target.base_unit)
    except UnitError:
        return None


def judged_series(series: Iterable[Series], targets: Iterable[Target]) -> list[Series]:
    """Return the series that targets judge, in the order of the targets and in their units."""
    listed = list(targets)
    by_name = {split_reference(figures.name): figures for figures in as_judged(series, listed)}
    wanted = dict.fromkeys(
        split_reference(reference) for target in listed for reference in target.variables.values()
    )
    return [by_name[name] for name in wanted if name in by_name]
