"""Runs of all members of an ensemble under a scenario, as one dataset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from plansim.engine.batch import simulate_ensemble
from plansim.engine.compiled import constant_of, inputs_under, shared_kernel
from plansim.engine.dataset import to_dataset
from plansim.engine.trajectory import (
    Engine,
    FloatArray,
    Trajectory,
    recorded,
    series_of,
    version_of,
)
from plansim.model.records import Model, Variable, cells_of
from plansim.scenario.members import LIMIT, Members
from plansim.scenario.scenario_file import Scenario

__all__ = ["SOUND", "simulate_members"]

SOUND = "sound"
"""What a dataset calls the array that says which members are sound."""


def simulate_members(model: Model, scenario: Scenario, members: Members) -> xr.Dataset:
    """Run every member of an ensemble under a scenario, by the code that single runs use.

    The dataset is that of `to_dataset`, with ``member`` before ``time``; a constant that members
    change is over ``member`` too. Random functions of member i draw by NOISE SEED + i. `SOUND` says
    of each member whether all values at all saved times are finite and not beyond `LIMIT`.

    Raises:
        InputError: members change a constant that the shape of the code depends on.
        ModelError: what the compiler does not support, with each variable and line.
    """
    names, constants = members.constants_under(model, scenario)
    kernel = shared_kernel(model, scenario.values, names)
    seeds = np.arange(len(members), dtype=np.float64)
    inputs = inputs_under(kernel, scenario.values, names, constants, seeds)
    runs = simulate_ensemble(kernel, inputs, scenario.time)
    over_time, once = recorded(model)
    rows = {name: row for row, name in enumerate(kernel.outputs)}
    series = {v.name: series_of(model, v, rows, runs.values) for v in over_time}
    changed = dict(zip(names, constants.T, strict=True))
    fixed = {v.name: constant_of(model, scenario, v.name) for v in once}
    varied = {v.name: _varied(model, v, fixed[v.name], changed) for v in once}
    engine = Engine("plansim", version_of("plansim"), scenario.time.integration)
    trajectory = Trajectory(runs.time, series, varied)
    dataset = to_dataset(model, scenario, trajectory, engine, members.ids)
    largest = np.abs(runs.values).max(axis=(1, 2), initial=0.0)
    dataset[SOUND] = ("member", ~runs.bad & (largest <= LIMIT))
    return dataset.assign_attrs(ensemble=members.head.kind.value, drawn=members.head.drawn)


def _varied(
    model: Model, variable: Variable, fixed: FloatArray, changed: Mapping[str, FloatArray]
) -> FloatArray:
    """Return a constant, ``(*elements)``, or ``(member, *elements)`` if members change it."""
    cells = cells_of(model, variable)
    columns = [
        changed.get(cell, number) for cell, number in zip(cells, fixed.reshape(-1), strict=True)
    ]
    if not changed.keys() & set(cells):
        return fixed
    table = np.stack(np.broadcast_arrays(*columns), axis=-1)
    return table.reshape(len(table), *fixed.shape)
