"""From the trajectory of a run to a dataset with units, names and a run card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from plansim.engine.trajectory import Engine, Trajectory, as_json, recorded, run_card
from plansim.errors import Message, SimulationError
from plansim.model.records import Model, Timing, Variable, VariableKind
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import year_indices

__all__ = ["Origin", "annual", "origin_of", "to_dataset", "with_origin"]

_ORIGIN = "plansim"
"""The key of `Origin` in the encoding of a dataset, which no file keeps."""


@dataclass(frozen=True)
class Origin:
    """The model and the scenarios that a dataset of runs comes from."""

    model: Model
    scenarios: tuple[Scenario, ...]

    def __deepcopy__(self, memo: object) -> Origin:
        return self  # frozen through and through


def with_origin(dataset: xr.Dataset, origin: Origin) -> xr.Dataset:
    """Note in a dataset where it comes from, and return it."""
    dataset.encoding[_ORIGIN] = origin
    return dataset


def origin_of(dataset: xr.Dataset) -> Origin | None:
    """Return where a dataset comes from; None if it was read from a file, or computed since.

    Selections of variables, scenarios and times keep it.
    """
    origin = dataset.encoding.get(_ORIGIN)
    return origin if isinstance(origin, Origin) else None


def to_dataset(
    model: Model,
    scenario: Scenario,
    trajectory: Trajectory,
    engine: Engine,
    members: Sequence[int] = (),
) -> xr.Dataset:
    """Return the run as a dataset over ``time`` and the subscript ranges.

    ``members`` are the numbers of the members of an ensemble, whose runs a trajectory may hold as
    well: series are over ``member`` first then, and so are constants that have that dimension.

    Every variable keeps its Vensim name; a constant has no ``time``. Each has the attributes
    ``units``, ``long_name`` (the Vensim name), ``long_name_zh``, ``kind``, ``timing`` and
    ``module``. Ranges are dimensions with the element names as coordinates. The attributes of
    the dataset are the run card, without the date, so that equal inputs give equal datasets.
    """
    over_time, once = recorded(model)
    data = {v.name: (("time", *v.subscripts), trajectory.series[v.name]) for v in over_time}
    data |= {v.name: (v.subscripts, trajectory.constants[v.name]) for v in once}
    ranges = dict.fromkeys(name for v in (*over_time, *once) for name in v.subscripts)
    variables = {}
    for name, (dims, values) in data.items():
        over = dims if values.ndim == len(dims) else ("member", *dims)
        variables[name] = xr.Variable(over, values, _attributes(model.variables[name]))
    time_unit = next((v.unit for v in once if v.kind is VariableKind.CONTROL), "Year")
    time = {"units": time_unit, "long_name": "time", "long_name_zh": "时间"}
    coordinates = {"time": xr.Variable("time", trajectory.time, time)}
    coordinates |= {name: _coordinate(model, name) for name in ranges}
    if members:
        coordinates["member"] = xr.Variable("member", np.array(members))
    card = run_card(model, scenario, engine) | {"notes": as_json(trajectory.notes)}
    return xr.Dataset(
        {name: variables[name] for name in model.variables if name in variables},
        coordinates,
        card,
    )


def annual(dataset: xr.Dataset) -> xr.Dataset:
    """Read a run by years: figures of year y and stocks at its end, over ``year``.

    A variable is NaN in years of which only others have a saved value. Constants are unchanged.

    Raises:
        SimulationError: a variable of the model is called ``year``.

    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"))
    >>> plansim.annual(runs)["fish"].sel(year=[2005, 2020]).round(1).values.tolist()
    [875.0, 751.1]
    """
    if "year" in dataset.variables:
        raise SimulationError(Message("a variable called 'year' cannot be shown over years"))
    time = dataset["time"].to_numpy()
    # The time index of each year is looked up once for each timing, not for each variable.
    indices = {timing: year_indices(time, timing) for timing in Timing}
    years = sorted({year for by_year in indices.values() for year in by_year})
    at = {
        timing: np.array([by_year.get(year, -1) for year in years], dtype=np.int64)
        for timing, by_year in indices.items()
    }
    series = {name: _picked(dataset.variables[name], at) for name in dataset.data_vars}
    coordinates = {name: dataset.variables[name] for name in dataset.coords if name != "time"}
    by_year = xr.Dataset(series, {"year": years, **coordinates}, dataset.attrs)
    by_year.encoding = dict(dataset.encoding)
    return by_year


def _picked(variable: xr.Variable, at: Mapping[Timing, NDArray[np.int64]]) -> xr.Variable:
    """Return the values at the time indices of the years; NaN where the index is -1."""
    if "time" not in variable.dims:
        return variable
    indices = at[Timing(variable.attrs.get("timing", Timing.YEAR))]
    axis = variable.dims.index("time")
    values = np.take(variable.to_numpy(), indices, axis)
    if (indices < 0).any():
        np.moveaxis(values, axis, 0)[indices < 0] = np.nan
    dims = ["year" if dim == "time" else dim for dim in variable.dims]
    return xr.Variable(dims, values, variable.attrs)


def _attributes(variable: Variable) -> dict[str, str]:
    return {
        "units": variable.unit,
        "long_name": variable.name,
        "long_name_zh": variable.name_zh,
        "kind": variable.kind.value,
        "timing": variable.timing.value,
        "module": variable.module,
    }


def _coordinate(model: Model, name: str) -> xr.Variable:
    subscript = model.subscripts[name]
    attributes = {
        "long_name": name,
        "long_name_zh": subscript.name_zh,
        "elements_zh": as_json(subscript.elements_zh),
    }
    return xr.Variable(name, np.array(subscript.elements), attributes)
