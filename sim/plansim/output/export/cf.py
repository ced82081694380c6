"""Annual figures of scenarios as NetCDF by the CF conventions (cfconventions.org, version 1.11).

A figure of a year lies on ``time``, the middle of the year, with the year as its bounds; a stock on
``time_end``, the end of the year. Units are written as UDUNITS reads them; what that library does
not know (money, people, things, coal equivalent) counts as 1, and the model's own unit stands
beside, in ``unit_of_model``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from plansim.errors import UnitError
from plansim.model.records import Timing
from plansim.model.units import base_powers
from plansim.scenario.records import BilingualText

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CONVENTIONS", "cf_dataset", "udunits"]

CONVENTIONS = "CF-1.11"
EPOCH = "2000-01-01"
_UDUNITS: Mapping[str, tuple[float, str]] = {
    "Year": (1.0, "common_year"),
    "t": (1e3, "kg"),
    "m": (1.0, "m"),
    "kW": (1e3, "W"),
    "degree": (1.0, "degree"),
}
"""What UDUNITS calls the base units that it knows, and how many of it make one; a common year has
365 days, as the model's has."""


def udunits(unit: str) -> str:
    """Write a unit of the model as UDUNITS reads it.

    >>> udunits("亿元/Year"), udunits("万t/Year"), udunits("亿m3"), udunits("%"), udunits("Dmnl")
    ('1e8 common_year-1', '1e7 kg common_year-1', '1e8 m3', '0.01', '1')
    """
    try:
        factor, powers = base_powers(unit or "Dmnl")
    except UnitError:
        return "1"  # a unit of another model's own
    parts = []
    for name, power in powers.items():
        if name in _UDUNITS:
            size, known = _UDUNITS[name]
            factor *= size**power
            parts.append(known if power == 1 else f"{known}{power}")
    number = re.sub(r"e([+-])0*", lambda e: "e" + e[1].strip("+"), f"{factor:.12g}")
    if factor >= 1e4 and "e" not in number:
        number = re.sub(r"e\+0*", "e", f"{factor:.11e}").replace(".00000000000", "")
    return " ".join(([number] if factor != 1 or not parts else []) + parts)


def cf_dataset(runs: Sequence[xr.Dataset], region: BilingualText) -> xr.Dataset:
    """Return runs, by years as `annual` gives them, as one dataset by the CF conventions.

    Dimensions: ``scenario``, ``time`` or ``time_end``, and the ranges. Names are made of letters,
    digits and ``_``; the model's are in ``long_name`` and ``long_name_zh``.
    """
    import xarray as xr

    years = sorted({int(year) for run in runs for year in run["year"].to_numpy()})
    first = runs[0]
    names = _plain_names([*map(str, first.data_vars), *map(str, first.dims)])
    data = {}
    for key in first.data_vars:
        array = first[key]
        timing = Timing(array.attrs.get("timing", Timing.YEAR))
        ranges = [str(dim) for dim in array.dims if dim != "year"]
        dims = [*ranges, "year"] if "year" in array.dims else ranges
        values = np.stack(
            [
                (run[key].reindex(year=years) if "year" in dims else run[key])
                .transpose(*dims)
                .to_numpy()
                for run in runs
            ]
        )
        axis = "time_end" if timing is Timing.YEAR_END else "time"
        shown = ["scenario", *(axis if dim == "year" else names[dim] for dim in dims)]
        data[names[str(key)]] = (shown, values, _attributes(array, axis if "year" in dims else ""))
    ranges = [str(coord) for coord in first.coords if coord != "year"]
    coordinates = {names[dim]: _labels(first[dim], names[dim]) for dim in ranges}
    scenarios = [str(run.attrs.get("scenario", index)) for index, run in enumerate(runs)]
    result = xr.Dataset(
        {**data, "time_bounds": _bounds(years)},
        {
            "scenario": ("scenario", np.array(scenarios, dtype=object), _TITLES),
            "time": _time(years, 0.5),
            "time_end": _time(years, 1.0),
            **coordinates,
        },
        _card(runs, region),
    )
    for name in ("time", "time_end", "time_bounds"):
        result[name].encoding["_FillValue"] = None  # a coordinate lacks no value
    return result


_TITLES = {"long_name": "scenario", "long_name_zh": "情景"}


def _plain_names(names: Sequence[str]) -> dict[str, str]:
    """Make of each name one of letters, digits and ``_``, no two the same.

    >>> list(_plain_names(["GDP per head", "GDP_per_head", "2005 price", "time"]).values())
    ['GDP_per_head', 'GDP_per_head_2', 'v_2005_price', 'time_2']
    """
    taken = {"scenario", "time", "time_end", "time_bounds", "bounds"}
    result = {}
    for name in dict.fromkeys(names):
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "v"
        plain = plain if plain[0].isalpha() else f"v_{plain}"
        shown, count = plain, 1
        while shown in taken:
            count += 1
            shown = f"{plain}_{count}"
        taken.add(shown)
        result[name] = shown
    return result


def _attributes(array: xr.DataArray, axis: str) -> dict[str, str]:
    unit = str(array.attrs.get("units", ""))
    result = {
        "units": udunits(unit),
        "unit_of_model": unit,
        "long_name": str(array.attrs.get("long_name", array.name)),
        "long_name_zh": str(array.attrs.get("long_name_zh", "")),
    }
    if axis:
        result["cell_methods"] = "time_end: point" if axis == "time_end" else "time: mean"
    return result


def _days(years: Sequence[int], part: float) -> list[float]:
    """Return a place in each year in days since `EPOCH`, by the Gregorian calendar."""
    starts = [
        [(np.datetime64(f"{year + more:04d}-01-01") - np.datetime64(EPOCH)).astype(int)
         for more in (0, 1)]
        for year in years
    ]  # fmt: skip
    return [float(begin + part * (end - begin)) for begin, end in starts]


def _time(years: Sequence[int], part: float) -> tuple[str, list[float], dict[str, str]]:
    attributes = {
        "standard_name": "time",
        "long_name": "middle of the year" if part < 1 else "end of the year",
        "units": f"days since {EPOCH}",
        "calendar": "standard",
        "axis": "T",
    }
    if part < 1:
        return "time", _days(years, part), {**attributes, "bounds": "time_bounds"}
    return "time_end", _days(years, part), attributes


def _bounds(years: Sequence[int]) -> tuple[list[str], list[tuple[float, float]]]:
    ends = zip(_days(years, 0.0), _days(years, 1.0), strict=True)
    return ["time", "bounds"], list(ends)


def _labels(coordinate: xr.DataArray, name: str) -> tuple[str, object, dict[str, str]]:
    values = np.array([str(element) for element in coordinate.to_numpy()], dtype=object)
    kept = {key: str(attr) for key, attr in coordinate.attrs.items() if attr}
    return name, values, kept


def _card(runs: Sequence[xr.Dataset], region: BilingualText) -> dict[str, str]:
    """Return the attributes of the file; there is no clock time in it."""
    card = runs[0].attrs
    model = f"plansim {card.get('plansim_version', '')}, model {card.get('model', '')}"
    return {
        "Conventions": CONVENTIONS,
        "title": f"{region.en}: annual figures under "
        + ", ".join(str(run.attrs.get("scenario", "")) for run in runs),
        "source": f"{model}, sha256 {card.get('model_sha256', '')}, {card.get('method', '')} with "
        f"step {card.get('time_step', '')} year",
        "comment": "Units are those of UDUNITS; money, people, things and coal equivalent count as "
        "1, and the attribute unit_of_model has the model's own unit. A year has 365 days.",
        "region": region.en,
        "region_zh": region.zh,
        "scenario_sha256": ", ".join(str(run.attrs.get("scenario_sha256", "")) for run in runs),
    }
