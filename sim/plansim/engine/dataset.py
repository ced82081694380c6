"""From the trajectory of a run to a dataset with units, names and a run card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from plansim.engine.trajectory import Trajectory, as_json, run_card
from plansim.model.records import Model, Variable, VariableKind
from plansim.scenario.scenario_file import Scenario
from plansim.targets.annual import MANY

__all__ = ["Origin", "origin_of", "to_dataset", "with_origin"]

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
    engine: str,
    members: Sequence[int] = (),
) -> xr.Dataset:
    """Return the run as a dataset over ``time`` and the subscript ranges.

    ``members`` are the numbers of the members of an ensemble, whose runs a trajectory may hold as
    well: series are over ``member`` first then, and so are constants that have that dimension.

    Every variable keeps its Vensim name; a constant has no ``time``. Each has the attributes
    ``units``, ``long_name`` (the Vensim name), ``long_name_zh``, ``kind``, ``timing`` and
    ``module``. Ranges are dimensions with the element names as coordinates. The attributes of
    the dataset are the run card, without the date, so that equal inputs give equal datasets. A
    range that comes twice in a variable, or is called as another dimension, is numbered.
    """
    variables, ranges, time_unit = {}, dict[str, str](), "Year"
    for name, v in model.variables.items():
        moves = name in trajectory.series
        values = (trajectory.series if moves else trajectory.constants).get(name)
        if values is None:  # a lookup table is a function
            continue
        found = _dimensions(v.subscripts)
        dims = ("time", *found) if moves else tuple(found)
        over = dims if values.ndim == len(dims) else ("member", *dims)
        variables[name] = xr.Variable(over, values, _attributes(v))
        ranges |= found
        time_unit = v.unit if v.kind is VariableKind.CONTROL else time_unit
    time = {"units": time_unit, "long_name": "time", "long_name_zh": "时间"}
    coordinates = {"time": xr.Variable("time", trajectory.time, time)}
    coordinates |= {dim: _coordinate(model, dim, name) for dim, name in ranges.items()}
    if members:
        coordinates["member"] = xr.Variable("member", np.array(members))
    return xr.Dataset(variables, coordinates, run_card(model, scenario, engine))


def _attributes(variable: Variable) -> dict[str, str]:
    return {
        "units": variable.unit,
        "long_name": variable.name,
        "long_name_zh": variable.name_zh,
        "kind": variable.kind.value,
        "timing": variable.timing.value,
        "module": variable.module,
    }


def _dimensions(ranges: Sequence[str]) -> dict[str, str]:
    """Return the dimensions of an array over ranges, each with its range."""
    found: dict[str, str] = {}
    for name in ranges:
        dim, number = name, 1
        while dim in found or dim in ("time", "year", "scenario", *MANY):
            dim, number = f"{name} {number + 1}", number + 1
        found[dim] = name
    return found


def _coordinate(model: Model, dim: str, name: str) -> xr.Variable:
    subscript = model.subscripts[name]
    attributes = {
        "long_name": name,
        "long_name_zh": subscript.name_zh,
        "elements_zh": as_json(subscript.elements_zh),
    }
    return xr.Variable(dim, np.array(subscript.elements), attributes)
