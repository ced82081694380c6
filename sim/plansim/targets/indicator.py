"""Indicators: from a trajectory to the number that a target judges."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from plansim.model.records import Timing
from plansim.scenario.factors import FloatArray

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "Measure",
    "Yearly",
    "annual_series",
    "in_a_year",
    "measured",
    "measured_unit",
    "moment",
    "trailing_base",
    "year_indices",
    "years_needed",
]

Yearly: TypeAlias = Callable[[int], FloatArray]
"""Returns the values of an annual series in a year, ``(run, …)``; NaN if the year is missing."""

_SAME_TIME = 1e-6
"""Times that differ by less, in years, are equal."""


class Measure(StrEnum):
    """How a target measures an annual series x, b being its base year and y its year."""

    LEVEL = "level"  # x(y)
    GROWTH = "growth"  # (x(y) / x(b)) ** (1 / (y - b)) - 1: compound, a fraction per year
    SUM = "sum"  # x(b + 1) + … + x(y)
    MEAN = "mean"  # the same, over y - b
    REDUCTION = "reduction"  # 1 - x(y) / x(b), a fraction


def annual_series(series: xr.DataArray) -> xr.DataArray:
    """Read a trajectory by years: ``(…, time)`` → ``(…, year)``.

    TIME = y is the middle of year y. The value *of* year y is that at y, the value *at the end of*
    year y that at y + 0.5, depending on the attribute ``timing`` of the variable (`Timing`; of the
    year by default). Years without a saved value are left out. Unit and attributes are kept.
    """
    timing = Timing(series.attrs.get("timing", Timing.YEAR))
    indices = year_indices(series["time"].to_numpy(), timing)
    picked = series.isel(time=list(indices.values()))
    return picked.assign_coords(time=np.array(list(indices), np.int64)).rename(time="year")


def year_indices(time: FloatArray, timing: Timing) -> dict[int, int]:
    """Return for each year the index in ``time`` of its value, where one was saved.

    >>> year_indices(np.array([2005.0, 2005.5, 2006.0]), Timing.YEAR_END)
    {2005: 1}
    """
    shifted = np.asarray(time, dtype=np.float64) - moment(timing, 0)
    years = np.rint(shifted)
    saved = np.flatnonzero(np.abs(shifted - years) < _SAME_TIME)
    return {int(years[index]): int(index) for index in saved}


def moment(timing: Timing, year: int) -> float:
    """Return the TIME of a year's value.

    >>> moment(Timing.YEAR, 2010), moment(Timing.YEAR_END, 2010)
    (2010.0, 2010.5)
    """
    return year + (0.5 if timing is Timing.YEAR_END else 0.0)


def measured(at: Yearly, kind: Measure, base_year: int, year: int) -> FloatArray:
    """Measure an annual series of one run or many at ``year``: ``(run, …)``.

    The unit is that of `measured_unit`. The result is NaN where a needed year is missing, or for
    growth or a reduction from a base that is not positive or to a negative value.

    >>> gdp = {2005: np.array(100.0), 2006: np.array(110.0), 2007: np.array(121.0)}
    >>> round(float(measured(gdp.__getitem__, Measure.GROWTH, 2005, 2007)), 6)
    0.1
    >>> float(measured(gdp.__getitem__, Measure.SUM, 2005, 2007))
    231.0
    """
    if kind is not Measure.LEVEL and base_year >= year:
        raise ValueError(f"a {kind} needs a base year before {year}, not {base_year}")
    match kind:
        case Measure.LEVEL:
            return at(year)
        case Measure.SUM | Measure.MEAN:
            total = at(base_year + 1)
            for later in range(base_year + 2, year + 1):
                total = total + at(later)
            return total if kind is Measure.SUM else total / (year - base_year)
        case Measure.GROWTH:
            return _ratio(at(year), at(base_year)) ** (1 / (year - base_year)) - 1
        case Measure.REDUCTION:
            return 1 - _ratio(at(year), at(base_year))


def years_needed(kind: Measure, base_year: int, year: int) -> tuple[int, ...]:
    """Return the years whose values a measure needs.

    >>> years_needed(Measure.SUM, 2005, 2008), years_needed(Measure.GROWTH, 2005, 2008)
    ((2006, 2007, 2008), (2005, 2008))
    """
    match kind:
        case Measure.LEVEL:
            return (year,)
        case Measure.SUM | Measure.MEAN:
            return tuple(range(base_year + 1, year + 1))
        case Measure.GROWTH | Measure.REDUCTION:
            return (base_year, year)


def trailing_base(kind: Measure, base_year: int, year: int, later: int) -> int:
    """Return the base year of a measure that is evaluated at a later year than its own.

    A reduction keeps its base year. Growth, sum and mean cover as many years as before.

    >>> trailing_base(Measure.MEAN, 2005, 2010, 2012)
    2007
    >>> trailing_base(Measure.REDUCTION, 2005, 2010, 2012)
    2005
    """
    fixed = kind in (Measure.LEVEL, Measure.REDUCTION)
    return base_year if fixed else base_year + later - year


def measured_unit(kind: Measure, unit: str) -> str:
    """Return the unit of a measure of a series in ``unit``.

    >>> measured_unit(Measure.GROWTH, "亿元/Year"), measured_unit(Measure.SUM, "万人/Year")
    ('1/Year', '万人')
    """
    match kind:
        case Measure.LEVEL | Measure.MEAN:
            return unit
        case Measure.SUM:
            return in_a_year(unit)
        case Measure.GROWTH:
            return "1/Year"
        case Measure.REDUCTION:
            return "Dmnl"


def in_a_year(unit: str) -> str:
    """Return the unit of a rate in ``unit`` summed over a year.

    >>> in_a_year("亿元/Year"), in_a_year("1/Year"), in_a_year("元/(人*Year)")
    ('亿元', 'Dmnl', '(元/(人*Year))*Year')
    """
    if unit == "1/Year":
        return "Dmnl"
    return unit.removesuffix("/Year") if unit.endswith("/Year") else f"({unit})*Year"


def _ratio(end: FloatArray, base: FloatArray) -> FloatArray:
    """Return end / base; NaN unless end ≥ 0 and base > 0."""
    return np.where(end >= 0, end, np.nan) / np.where(base > 0, base, np.nan)
