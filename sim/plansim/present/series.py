"""The annual figures of a run as rows: one a variable, or one an element of an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from plansim.model.records import SubscriptRange
from plansim.plan.annual import Annual, annual_of
from plansim.plan.measure import Measure
from plansim.plan.targets import Target, split_reference, unit_factor

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
    """Take an annual dataset apart, in the order of its variables.

    ``annual`` holds variables over ``year`` and the subscript ranges. One without ``year`` (a
    constant) has its value in every year. The Chinese names of elements are read from the
    attribute ``elements_zh`` of a range, a JSON list; where it is empty the English ones stand.
    """
    return rows_of(annual_of(annual))


def rows_of(run: Annual, names: Iterable[str] | None = None) -> Iterator[Series]:
    """Give the rows of a run, in the order of its variables, or of ``names``."""
    for name in run.variables if names is None else names:
        variable = run.variables[name]
        ranges = [_elements(each) for each in variable.ranges]
        for place in product(*(range(len(elements)) for elements in ranges)):
            values = variable.row(place)
            both = [elements[index] for elements, index in zip(ranges, place, strict=True)]
            name_zh = variable.name_zh
            yield Series(
                name=_labelled(name, [english for english, _ in both]),
                name_zh=_labelled(name_zh, [chinese for _, chinese in both]) if name_zh else "",
                unit=variable.unit,
                timing=variable.timing,
                values=dict(zip(run.years, values.tolist(), strict=True)),
            )


def _elements(range_: SubscriptRange) -> list[tuple[str, str]]:
    """Give the elements of a range in English and Chinese."""
    return list(zip(range_.elements, range_.elements_zh or range_.elements, strict=True))


def _labelled(name: str, elements: Sequence[str]) -> str:
    return f"{name}[{','.join(elements)}]" if elements else name


def as_judged(series: Iterable[Series], targets: Iterable[Target]) -> Iterator[Series]:
    """Give each series in the unit of the target that judges its level or mean; others as is.

    A share that the model holds as 0.4 and the plan states as 40 % is shown in per cent.
    """
    levels = {
        split_reference(reference): target
        for target in reversed(list(targets))
        for reference in target.variables.values()
        if target.measure in (Measure.LEVEL, Measure.MEAN)
    }
    for each in series:
        target = levels.get(split_reference(each.name))
        if target is None:
            yield each
            continue
        factor = unit_factor(each.unit, target)
        values = {year: value * factor for year, value in each.values.items()}
        yield replace(each, unit=target.unit, values=values)


def judged_series(series: Iterable[Series], targets: Iterable[Target]) -> list[Series]:
    """Give the series that targets judge, in the order of the targets and in their units."""
    listed = list(targets)
    by_name = {split_reference(each.name): each for each in as_judged(series, listed)}
    wanted = dict.fromkeys(
        split_reference(reference) for target in listed for reference in target.variables.values()
    )
    return [by_name[name] for name in wanted if name in by_name]
