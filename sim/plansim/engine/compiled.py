"""The engine for runs of all that a model has: compiled once for all scenarios, as machine code.

All constants are inputs of the run, so that every scenario finds the same code. Where the shape of
the code depends on a constant (the order of a delay), that one is folded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from plansim.cache import kept
from plansim.engine.trajectory import (
    Trajectory,
    checked,
    recorded,
    run_key,
    series_of,
    shape_of,
    shown,
)
from plansim.errors import Fault, InputError, Message
from plansim.model.records import Model, VariableKind, cells_of, folded
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import LIMIT
from plansim.scenario.scenario_file import Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plansim.engine.batch import Ensemble
    from plansim.engine.kernel import Kernel
    from plansim.scenario.members import Members

__all__ = [
    "cannot_vary",
    "constant_of",
    "inputs_under",
    "run_compiled",
    "run_members",
    "shared_kernel",
    "whole_kernel",
]


def run_compiled(model: Model, scenario: Scenario, *, cache: bool = True) -> Trajectory:
    """Run a model under a scenario; give all that is recorded.

    With ``cache``, a run that was made before is read: its numbers cost less than its machine
    code and the library that loads that.

    Raises:
        ModelError: what the compiler does not support, with each variable and line.
        SimulationError: a value is not a finite number.
    """
    make = partial(_run, model, scenario, cache=cache)
    return kept("runs", run_key(model, scenario), Trajectory, make) if cache else make()


def _run(model: Model, scenario: Scenario, *, cache: bool) -> Trajectory:
    """Run a model by machine code."""
    from plansim.engine.batch import simulate_ensemble

    # As computed: `checked` tells what is missing from what fails.
    kernel = replace(whole_kernel(model, scenario.values, cache=cache), absurd=math.inf)
    ensemble = simulate_ensemble(kernel, inputs_under(kernel, scenario.values), scenario.time)
    runs = _trajectory(model, scenario, kernel, ensemble)
    run = replace(runs, series={name: values[0] for name, values in runs.series.items()})
    return checked(model, scenario, run)


def run_members(
    model: Model, scenario: Scenario, members: Members
) -> tuple[Trajectory, NDArray[np.bool_]]:
    """Run every member of an ensemble under a scenario, by the code that single runs use.

    Series are ``(member, time, *elements)``, and a constant that members change is over members
    too. Random functions of member i draw by NOISE SEED + i. The array says of each member whether
    all values at all saved times are finite and not beyond `LIMIT`.

    Raises:
        InputError: members change a constant that the shape of the code depends on.
        ModelError: what the compiler does not support, with each variable and line.
    """
    from plansim.engine.batch import simulate_ensemble

    names, constants = members.constants_under(model, scenario)
    kernel = shared_kernel(model, scenario.values, names)
    seeds = np.arange(len(members), dtype=np.float64)
    inputs = inputs_under(kernel, scenario.values, names, constants, seeds)
    ensemble = simulate_ensemble(kernel, inputs, scenario.time)
    runs = _trajectory(model, scenario, kernel, ensemble)
    changed = dict(zip(names, constants.T, strict=True))
    varied = {
        name: shown(_varied(model, name, one, changed), kernel.absurd)
        for name, one in runs.constants.items()
    }
    largest = np.fmax.reduce(np.abs(ensemble.values), axis=(1, 2), initial=0.0)
    return replace(runs, constants=varied), ~ensemble.bad & (largest <= LIMIT)


def _trajectory(model: Model, scenario: Scenario, kernel: Kernel, runs: Ensemble) -> Trajectory:
    """Return all that is recorded of runs; series are over the runs first."""
    over_time, once = recorded(model)
    rows = kernel.rows_of
    return Trajectory(
        runs.time,
        {variable.name: series_of(model, variable, rows, runs.values) for variable in over_time},
        {variable.name: constant_of(model, scenario, variable.name) for variable in once},
    )


def _varied(
    model: Model, name: str, fixed: FloatArray, changed: Mapping[str, FloatArray]
) -> FloatArray:
    """Return a constant, ``(*elements)``, or ``(member, *elements)`` if members change it."""
    cells = cells_of(model, model.variables[name])
    if not changed.keys() & set(cells):
        return fixed
    columns = [
        changed.get(cell, number) for cell, number in zip(cells, fixed.reshape(-1), strict=True)
    ]
    table = np.stack(np.broadcast_arrays(*columns), axis=-1)
    return table.reshape(len(table), *fixed.shape)


def inputs_under(
    kernel: Kernel,
    values: Mapping[str, float],
    names: Sequence[str] = (),
    constants: FloatArray | None = None,
    seeds: FloatArray | None = None,
) -> FloatArray:
    """Return the inputs of runs: ``(run, input)``, in the order of ``kernel.inputs``.

    Args:
        kernel: the compiled model.
        values: constants that all runs share, as in `Scenario.values`; else the model's.
        names: constants that differ between runs; a kernel has none of those as inputs that its
            outputs do not depend on.
        constants: ``(run, name)``: their values. None for a single run.
        seeds: ``(run,)``: what is added to the seed of random functions.
    """
    columns = kernel.columns_of
    shared = np.array(kernel.defaults, dtype=np.float64)
    for name in values.keys() & columns.keys():
        shared[columns[name]] = values[name]
    own = {columns[name]: of for of, name in enumerate(names) if name in columns}
    if constants is None:
        table = shared[None]
    elif len(own) == len(columns):
        table = np.take(constants, [own[column] for column in range(len(own))], axis=1)
    else:
        table = np.tile(shared, (len(constants), 1))
        table[:, list(own)] = constants[:, list(own.values())]
    if seeds is not None and kernel.noise is not None:
        table[:, kernel.noise] += seeds
    return table


def whole_kernel(
    model: Model,
    values: Mapping[str, float],
    outputs: Iterable[str] = (),
    *,
    effort: int = 0,
    cache: bool = True,
) -> Kernel:
    """Compile for all constants, without those that decide on the shape of the code.

    ``values`` are what these are instead of what the model says; the other arguments are those of
    `compile_model`.

    Raises:
        ModelError: what the compiler does not support, with each variable and line.
    """
    from plansim.compiler.lower import StructuralError
    from plansim.engine.kernel import compile_model

    outputs = tuple(outputs)
    vary = [v.name for v in model.variables.values() if v.kind is VariableKind.CONSTANT]
    folded: Mapping[str, float] = {}
    while True:
        try:
            return compile_model(
                model, vary=vary, outputs=outputs, values=folded, effort=effort, cache=cache
            )
        except StructuralError as error:
            vary = [name for name in vary if name not in error.names]
            folded = {
                label: value
                for label, value in values.items()
                if label.partition("[")[0] not in vary
            }


def shared_kernel(
    model: Model, values: Mapping[str, float], varied: Iterable[str], kernel: Kernel | None = None
) -> Kernel:
    """Return the code that single runs share, for runs that differ in some constants.

    ``kernel`` is this code, where somebody has it: to look it up takes as long as fifty runs.

    Raises:
        InputError: a constant that the shape of the code depends on cannot vary.
        ModelError: what the compiler does not support, with each variable and line.
    """
    kernel = kernel or whole_kernel(model, values)
    if folded := set(varied) - set(kernel.inputs):
        raise cannot_vary(folded)
    return kernel


def cannot_vary(names: Iterable[str]) -> InputError:
    """Return the error of constants that differ between runs of one code, and cannot."""
    return InputError(
        Fault(
            "'{name}' cannot vary from run to run: the order or length of a delay depends on it",
            name=name,
            expected=Message("a range after its unit, as [1, 8]"),
        )
        for name in sorted(names)
    )


def constant_of(model: Model, scenario: Scenario, name: str) -> FloatArray:
    """Return the value of a constant or control in a run, ``(*elements)``."""
    variable = model.variables[name]
    if variable.kind is VariableKind.CONTROL:
        return np.array(scenario.time.controls[folded(name).upper()])
    written = variable.value
    values = []
    for label in cells_of(model, variable):
        cell = label[len(name) + 1 : -1] if label != name else ""
        default = written.get(cell, np.nan) if isinstance(written, Mapping) else written
        values.append(scenario.values.get(label, default))
    return np.array(values, dtype=np.float64).reshape(shape_of(model, variable))
