"""From the numbers of a run to a dataset that says what they are and where they come from."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from plansim.errors import SimulationError
from plansim.model.records import Model, Timing, Variable, VariableKind
from plansim.model.scenario import Scenario
from plansim.plan.measure import annual_series

__all__ = ["Engine", "Trajectory", "annual", "recorded", "shape_of", "to_dataset", "version_of"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Engine:
    """What computed a run."""

    name: str
    version: str
    method: str
    """Of integration."""


@dataclass(frozen=True)
class Trajectory:
    """The numbers of one run, by the model's names."""

    time: FloatArray
    """``(time,)``: the saved times."""
    series: Mapping[str, FloatArray]
    """``(time, *elements)`` of every stock, flow and auxiliary."""
    constants: Mapping[str, FloatArray]
    """``(*elements)`` of every constant and control variable, as the engine used them."""
    notes: tuple[str, ...] = ()
    """What the engine remarked, sorted: tables read beyond their ends, for example."""


def recorded(model: Model) -> tuple[tuple[Variable, ...], tuple[Variable, ...]]:
    """Give the variables that a run records over time, and those that it records once.

    A lookup table is a function and has no value.
    """
    once = {VariableKind.CONSTANT, VariableKind.CONTROL}
    everything = [v for v in model.variables.values() if v.kind is not VariableKind.LOOKUP]
    return (
        tuple(variable for variable in everything if variable.kind not in once),
        tuple(variable for variable in everything if variable.kind in once),
    )


def shape_of(model: Model, variable: Variable) -> tuple[int, ...]:
    """Give the length of each subscript of a variable; ``()`` for a scalar."""
    return tuple(len(model.subscripts[name].elements) for name in variable.subscripts)


def version_of(package: str) -> str:
    """Give the version of an installed package, or ``unknown`` if it runs from its source."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def to_dataset(
    model: Model, scenario: Scenario, trajectory: Trajectory, engine: Engine
) -> xr.Dataset:
    """Give the run as a dataset over ``time`` and the subscript ranges.

    Every variable keeps its Vensim name; a constant has no ``time``. Each has the attributes
    ``units``, ``long_name`` (the Vensim name), ``long_name_zh``, ``kind``, ``timing`` and
    ``module``. Ranges are dimensions with the element names as coordinates. The attributes of
    the dataset are the run card. There is no clock time in it: the same inputs give the same
    dataset.
    """
    over_time, once = recorded(model)
    data = {v.name: (("time", *v.subscripts), trajectory.series[v.name]) for v in over_time}
    data |= {v.name: (v.subscripts, trajectory.constants[v.name]) for v in once}
    ranges = dict.fromkeys(name for v in (*over_time, *once) for name in v.subscripts)
    variables = {
        name: xr.Variable(dims, values, _attributes(model.variables[name]))
        for name, (dims, values) in data.items()
    }
    time_unit = next((v.unit for v in once if v.kind is VariableKind.CONTROL), "Year")
    time = {"units": time_unit, "long_name": "time", "long_name_zh": "时间"}
    coordinates = {"time": xr.Variable("time", trajectory.time, time)}
    coordinates |= {name: _coordinate(model, name) for name in ranges}
    card = _run_card(model, scenario, engine) | {"notes": _json(trajectory.notes)}
    return xr.Dataset(
        {name: variables[name] for name in model.variables if name in variables},
        coordinates,
        card,
    )


def annual(dataset: xr.Dataset) -> xr.Dataset:
    """Read a run by years: figures of year y and stocks at its end, over ``year``.

    A year in which one variable has no saved value and another has is NaN there. Constants stay
    as they are.

    Raises:
        SimulationError: a variable of the model is called ``year``.
    """
    if "year" in dataset.variables:
        raise SimulationError("a variable called 'year' cannot be shown over years")
    # Where in time a year stands is asked once for each timing, not for each of all variables.
    place = xr.DataArray(np.arange(dataset.sizes["time"]), {"time": dataset["time"]})
    places = {timing: annual_series(place.assign_attrs(timing=timing)) for timing in Timing}
    years = sorted({int(year) for each in places.values() for year in each["year"]})
    at = {
        timing: each.reindex(year=years, fill_value=-1).to_numpy()
        for timing, each in places.items()
    }
    series = {name: _picked(dataset.variables[name], at) for name in dataset.data_vars}
    coordinates = {name: dataset.variables[name] for name in dataset.coords if name != "time"}
    return xr.Dataset(series, {"year": years, **coordinates}, dataset.attrs)


def _picked(variable: xr.Variable, at: Mapping[Timing, NDArray[np.int64]]) -> xr.Variable:
    """Give the values at the places in time where the years stand; NaN where that is -1."""
    if "time" not in variable.dims:
        return variable
    places = at[Timing(variable.attrs.get("timing", Timing.YEAR))]
    axis = variable.dims.index("time")
    values = np.take(variable.to_numpy(), places, axis)
    if (places < 0).any():
        np.moveaxis(values, axis, 0)[places < 0] = np.nan
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
        "elements_zh": _json(subscript.elements_zh),
    }
    return xr.Variable(name, np.array(subscript.elements), attributes)


def _run_card(model: Model, scenario: Scenario, engine: Engine) -> dict[str, str | float]:
    """Say what has to be the same for the same numbers to come out."""
    return {
        "scenario": scenario.id,
        "scenario_title_en": scenario.title_en,
        "scenario_title_zh": scenario.title_zh,
        "scenario_sha256": scenario.sha256,
        "overrides": _json(scenario.overrides),
        "assumed": _json(sorted(scenario.assumed)),
        "model": model.name,
        "model_sha256": model.sha256,
        "engine": engine.name,
        "engine_version": engine.version,
        "method": engine.method,
        "time_step": scenario.time.step,
        "plansim_version": version_of("plansim"),
        "python": platform.python_version(),
    }


def _json(items: Iterable[str]) -> str:
    return json.dumps(list(items), ensure_ascii=False)
