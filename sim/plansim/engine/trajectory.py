"""The trajectory of one run and its run card, before they become a dataset."""

from __future__ import annotations

import itertools
import json
import math
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from plansim.cache import code_of, digest
from plansim.errors import Fault, InputError, Message, SimulationError
from plansim.model.reading.expression import MISSING, Number, absurd_size, name_key
from plansim.model.records import Model, Timing, Variable, VariableKind, cells_of, several
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.targets.annual import Annual, AnnualVariable, by_year, check_no_year
from plansim.targets.indicator import year_indices

__all__ = [
    "EngineDifference",
    "Trajectory",
    "as_json",
    "cells",
    "checked",
    "first_cause",
    "largest_difference",
    "named",
    "recorded",
    "run_card",
    "run_key",
    "series_of",
    "shape_of",
    "shown",
    "to_years",
    "version_of",
]


@dataclass(frozen=True)
class Trajectory:
    """The numbers of one run, by the model's names."""

    time: FloatArray
    """``(time,)``: the saved times."""
    series: Mapping[str, FloatArray]
    """``(time, *elements)`` of every stock, flow and auxiliary."""
    constants: Mapping[str, FloatArray]
    """``(*elements)`` of every constant and control variable, as the engine used them."""


@dataclass(frozen=True)
class EngineDifference:
    """The largest difference between the runs of two engines."""

    error: float
    """Relative to the series' largest value; infinite where one run has no finite value."""
    series: str
    scale: float
    """The largest value of the series, in the model's unit."""


def largest_difference(
    ours: Mapping[str, FloatArray], theirs: Mapping[str, FloatArray]
) -> EngineDifference:
    """Return the largest difference of two engines' series, ``(time,)`` by their names.

    Series that stay below 1e-9 with both engines are rounding errors and do not count.
    """
    worst = EngineDifference(0.0, "", 0.0)
    for name, series in ours.items():
        scale = float(np.abs(series).max())
        if max(scale, float(np.abs(theirs[name]).max())) < _ROUNDING:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 in one run only: infinite
            error = np.abs(series - theirs[name]) / scale
        largest = float(np.max(np.where(np.isfinite(error), error, np.inf)))
        if largest >= worst.error:
            worst = EngineDifference(largest, name, scale)
    return worst


_ROUNDING = 1e-9


def cells(model: Model, run: Trajectory) -> dict[str, FloatArray]:
    """Return the series of a run, ``(time,)``, by ``name`` or ``name[e1,e2]``."""
    series: dict[str, FloatArray] = {}
    for name, values in run.series.items():
        columns = values.reshape(len(run.time), -1).T
        series |= zip(cells_of(model, model.variables[name]), columns, strict=True)
    return series


def recorded(model: Model) -> tuple[tuple[Variable, ...], tuple[Variable, ...]]:
    """Return the variables that a run records over time, and those that it records once.

    A lookup table is a function and has no value.
    """
    once = {VariableKind.CONSTANT}
    if not model.moving_clock:
        once.add(VariableKind.CONTROL)
    everything = [v for v in model.variables.values() if v.kind is not VariableKind.LOOKUP]
    return (
        tuple(variable for variable in everything if variable.kind not in once),
        tuple(variable for variable in everything if variable.kind in once),
    )


def shape_of(model: Model, variable: Variable) -> tuple[int, ...]:
    """Return the length of each subscript of a variable; ``()`` for a scalar."""
    return tuple(len(model.subscripts[name].elements) for name in variable.subscripts)


def series_of(
    model: Model, variable: Variable, rows: Mapping[str, int], values: FloatArray
) -> FloatArray:
    """Return a variable over time: ``(run, output, time)`` → ``(run, time, *elements)``.

    ``rows`` are those of the outputs. Elements that have no equation have no value.
    """
    cells = [rows.get(label, -1) for label in cells_of(model, variable)]
    table = values[:, cells].swapaxes(1, 2)
    table[..., np.array(cells) < 0] = np.nan
    return table.reshape(*table.shape[:2], *shape_of(model, variable))


@cache  # a report asks a hundred times, a millisecond each
def version_of(package: str) -> str:
    """Return the version of an installed package, or ``unknown`` if it runs from its source."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def run_key(model: Model, scenario: Scenario, engine: str = "plansim") -> str:
    """Return the digest of all that the numbers of a run by an engine depend on."""
    libraries = ("plansim", "numpy", "llvmlite", "pysd", "xarray", "scipy")
    return digest(
        engine,
        model.text,
        scenario.settings,
        platform.machine(),
        sys.version,
        *map(version_of, libraries),
        code_of("", "model", "scenario", "compiler", "engine"),
    )


def to_years(model: Model, scenario: Scenario, run: Trajectory, engine: str) -> Annual:
    """Read a run by years: figures of year y and stocks at its end.

    Raises:
        SimulationError: a variable of the model is called ``year``.
    """
    check_no_year((*run.series, *run.constants))
    years = tuple(sorted({year for timing in Timing for year in year_indices(run.time, timing)}))
    variables = {}
    for name, variable in model.variables.items():
        if name in run.series:
            values = by_year(run.series[name], run.time, variable.timing, years)
        elif name in run.constants:
            fixed = run.constants[name]
            values = np.broadcast_to(fixed, (len(years), *fixed.shape))
        else:
            continue
        variables[name] = AnnualVariable(
            name=name,
            name_zh=variable.name_zh,
            unit=variable.unit,
            timing=variable.timing.value,
            ranges=tuple(model.subscripts[subscript] for subscript in variable.subscripts),
            values=values,
            moves=name in run.series,
        )
    card = run_card(model, scenario, engine)
    return Annual(years, variables, {key: str(text) for key, text in card.items()})


def run_card(model: Model, scenario: Scenario, engine: str) -> dict[str, str | float]:
    """Return the run card: everything that must be equal for equal numbers.

    ``engine`` is the name of the package that computed the run.
    """
    added = {"lever_constants": as_json(model.added)} if model.added else {}
    return {
        "scenario": scenario.id,
        "scenario_title_en": scenario.title_en,
        "scenario_title_zh": scenario.title_zh,
        "scenario_sha256": scenario.sha256,
        "overrides": as_json(scenario.overrides),
        "assumed": as_json(sorted(scenario.assumed)),
        "model": model.name,
        "model_sha256": model.sha256,
        **added,
        "engine": engine,
        "engine_version": version_of(engine),
        "method": scenario.time.integration.value,  # NetCDF has no room for an enum
        "time_step": scenario.time.step,
        "plansim_version": version_of("plansim"),
        "python": platform.python_version(),
    }


def as_json(items: Iterable[str]) -> str:
    """Write texts as a JSON list, so that an attribute of a dataset can hold them."""
    return json.dumps(list(items), ensure_ascii=False)


def named(model: Model, variables: Sequence[str] | None) -> list[str] | None:
    """Return the model's names of the variables that a caller wants; None for all.

    Raises:
        UnknownNameError: no variable bears one of the names.
        InputError: a name is that of a lookup table, which has no value over time.
    """
    if variables is None:
        return None
    chosen = [model.find(name) for name in several(variables)]
    tables = [variable for variable in chosen if variable.kind is VariableKind.LOOKUP]
    if tables:
        raise InputError(
            Fault(
                "'{name}' is a lookup table: it has no value over time",
                model.path,
                table.line,
                name=table.name,
            )
            for table in tables
        )
    return list(dict.fromkeys(variable.name for variable in chosen))


def _defined(model: Model, name: str) -> list[bool]:
    """Return which of a variable's elements, in the order of `cells_of`, have an equation."""
    equations = model.scan.equations[name_key(name)]
    covered = {tuple(map(name_key, c)) for one in equations for c in model.scan.covered(one)}
    ranges = [model.subscripts[one].elements for one in model.variables[name].subscripts]
    return [tuple(map(name_key, cell)) in covered for cell in itertools.product(*ranges)]


def _without_data(model: Model) -> set[str]:
    """Return the variables whose equation is ``:NA:``, and all that rests on them."""
    found = {
        name
        for name in model.variables
        for equation in model.scan.equations[name_key(name)]
        if equation.tree == Number(MISSING)
    }
    users: dict[str, list[str]] = {}
    for variable in model.variables.values():
        for cause in variable.causes:
            users.setdefault(cause, []).append(variable.name)
    waiting = list(found)
    while waiting:
        new = set(users.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def first_cause(model: Model, failed: Sequence[str]) -> str:
    """Return the first of variables that failed at once of which no cause failed with it.

    If each has one, as in a loop, that is the first of all.
    """
    failing = set(failed)
    return next(
        (name for name in failed if not failing & {*model.variables[name].causes}), failed[0]
    )


def shown(values: FloatArray, absurd: float) -> FloatArray:
    """Return values with NaN where they are as large as what is missing."""
    return np.where(np.abs(values) < absurd, values, np.nan)


def checked(model: Model, scenario: Scenario, run: Trajectory) -> Trajectory:
    """Return a run with NaN where a value is missing, which is a huge number in Vensim.

    What is computed from it is as huge, and missing too.

    Raises:
        SimulationError: a value is not a finite number, and does not follow from missing data. It
            names the first time, and a variable that fails then although none of its causes does.
    """
    numbers = {**run.constants, **run.series}
    bad = [name for name, values in numbers.items() if not np.isfinite(values).all()]
    excused = _without_data(model) if bad else set()
    first: dict[str, tuple[int, str, float]] = {}
    for name in (name for name in bad if name not in excused):
        table = numbers[name].reshape(len(run.time) if name in run.series else 1, -1)
        steps, columns = np.nonzero(~np.isfinite(table) & _defined(model, name))
        if len(steps):
            label = cells_of(model, model.variables[name])[columns[0]]
            first[name] = int(steps[0]), label, float(table[steps[0], columns[0]])
    if first:
        step = min(when for when, *_ in first.values())
        at_once = [name for name, (when, *_) in first.items() if when == step]
        name = first_cause(model, at_once)
        _, label, value = first[name]
        broken = Message(
            "scenario '{id}': '{name}' is not a finite number at time {time:g}",
            id=scenario.id,
            name=label,
            time=float(run.time[step]),
        )
        if others := len(at_once) - 1:
            broken = Message("{broken}, nor are {count} others", broken=broken, count=others)
        line = model.variables[name].line
        raise SimulationError(broken, file=model.path, line=line, found=f"{value}")
    if (absurd := absurd_size(model.text)) == math.inf:
        return run
    series, constants = (
        {name: shown(values, absurd) for name, values in part.items()}
        for part in (run.series, run.constants)
    )
    return replace(run, series=series, constants=constants)
