"""One run of a sweep as a scenario that can be run, read, written and varied by itself."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from plansim.analysis.experiments.design import CARD, nested
from plansim.analysis.experiments.store import open_store, open_sweep
from plansim.engine.simulate import EngineChoice, simulate
from plansim.errors import DesignError, InputError, Message, Option, UnknownNameError, nearest
from plansim.files.notebook import Table, Tabular
from plansim.model.records import NOISE_SEED, Integration, Model, TimeSpec, VariableKind
from plansim.scenario.factors import Apply, Factor, constants_of, default_of
from plansim.scenario.levers import RAMP, constant_named, misdated
from plansim.scenario.scenario_file import (
    BilingualText,
    Change,
    Scenario,
    as_written,
    scenario_text,
)
from plansim.scenario.variant import for_scenarios
from plansim.targets.annual import MANY, annual
from plansim.targets.catalogue import targets_of
from plansim.targets.target import Status, Target, split_reference, variable_of
from plansim.targets.verdict import CheckedTargets, check_targets

__all__ = ["Replay", "deviation", "element_of", "replay", "run_scenario_text", "stored_run"]


@dataclass(frozen=True)
class Replay(Tabular):
    """A run of a sweep that was made again, beside what is stored of it.

    As a table it holds the verdicts (`CheckedTargets`).
    """

    stored: xr.Dataset
    """The run as `open_sweep` has it."""
    scenario: Scenario
    dataset: xr.Dataset
    verdicts: CheckedTargets
    deviation: float
    """By how much the figures differ at most, relative; see `deviation`."""
    same: int
    """How many of the stored verdicts are the same again."""

    def _table(self) -> Table:
        return self.verdicts._table()


def replay(
    path: str | Path,
    index: int,
    model: Model,
    targets: Sequence[Target | str] | None = None,
    *,
    engine: EngineChoice | str = EngineChoice.COMPILED,
) -> Replay:
    """Repeat run ``index`` of a sweep and compare it with the stored result.

    ``targets``, records or ids, are by default those of the catalogue beside the model.

    Raises:
        InputError: there is no sweep at ``path``, or it has no such run.
        DesignError: the model is not the one that the sweep ran.
        SimulationError: the run breaks down.

    >>> model = plansim.load_model("lake.mdl")
    >>> _ = plansim.sweep(model, "design.yaml", "again.zarr", force=True, threads=1)
    >>> plansim.replay("again.zarr", 3, model).deviation
    0.0
    """
    stored, scenario = stored_run(path, index, model)
    dataset = simulate(model, scenario, engine=engine)
    targets = targets_of(model, targets)
    verdicts = check_targets(dataset, targets)
    codes = dict(zip(stored["target"].to_numpy(), stored["verdict"].to_numpy(), strict=True))
    same = sum(
        verdict.id in codes and Status.of(codes[verdict.id]) is verdict.status
        for verdict in verdicts
    )
    return Replay(stored, scenario, dataset, verdicts, deviation(dataset, stored), same)


def stored_run(path: str | Path, index: int, model: Model) -> tuple[xr.Dataset, Scenario]:
    """Return what a sweep holds of a run, as `open_sweep` has it, and the run as a scenario.

    The scenario is that of the design, with the values of the run's factors.

    Raises:
        InputError: there is no sweep at ``path``, it has no such run, or has not run it yet.
        DesignError: the model is not the one that the sweep ran.
    """
    store = open_store(path)
    if not 0 <= index < store.runs:
        raise InputError(
            "the sweep has no such run",
            store.path,
            expected=Message("0 to {last}", last=store.runs - 1),
            found=str(index),
        )
    if index // store.block not in store.done():
        raise InputError(
            "run {index} was never made; {resume} makes it",
            store.path,
            index=index,
            resume=Option.RESUME,
        )
    ours, theirs = model.sha256, store.card["model"]["sha256"]
    if theirs != ours:
        raise DesignError(
            "the result was made with another model", store.path, expected=theirs, found=ours
        )
    run = open_sweep(path).isel(run=index).load()
    return run, _scenario(run, index, model, f"{store.path.stem}-{index}")


def _scenario(run: xr.Dataset, index: int, model: Model, name: str) -> Scenario:
    design = nested(run.attrs, CARD)["design"]
    base = run.attrs["scenarios"][int(run["scenario"])]
    parent, clock = design["scenarios"][base], design["scenarios"][base]["time"]
    factors = [
        Factor(key, tuple(about["constants"]), Apply(about["apply"]), None, about["unit"])
        for key, about in design["factors"].items()
    ]
    references = [constant for factor in factors for constant in factor.constants]
    model = for_scenarios(model, [], [*parent["values"], *references])
    row = np.array([[float(run[factor.name]) for factor in factors]])
    constants = constants_of(model, parent["values"], factors, row)[0].tolist()
    merged = parent["values"] | dict(zip(references, constants, strict=True))
    # A file may not hold parts of levers that change nothing, such as an end before the change.
    at_once = {key: value for key, value in merged.items() if RAMP["to"] not in key}
    for key in references:
        if misdated(model, at_once | {key: merged[key]}, key):
            del merged[key]
    values = {key: merged[key] for key in references if key in merged}
    with suppress(UnknownNameError):  # the model has no random functions
        seed = constant_named(model, NOISE_SEED)
        if seed.kind is VariableKind.CONSTANT and isinstance(seed.value, float):
            point = index // len(design["scenarios"])
            merged[seed.name] = merged.get(seed.name, seed.value) + point
    reason = BilingualText(en=f"as in {base}", zh=f"同{base}")
    return replace(
        as_written(model),
        id=name,
        title_en=f"{run.attrs['title']}, run {index}",
        title_zh=f"{run.attrs['title_zh']}，第{index}次",
        description_en=f"Run {index} of a sweep over the scenario {base}.",
        description_zh=f"对情景{base}作抽样的第{index}次运行。",
        parent=base,
        lineage=(base, name),
        values=merged,
        time=replace(TimeSpec(**clock), integration=Integration(clock["integration"])),
        assumed=dict.fromkeys(parent["assumed"], reason),
        changes=tuple(
            Change(constant, before, value, variable_of(model, constant).unit)
            for constant, value in values.items()
            if value != (before := default_of(model, parent["values"], constant))
        ),
        sha256=hashlib.sha256(json.dumps(merged, sort_keys=True).encode()).hexdigest(),
    )


def run_scenario_text(scenario: Scenario) -> str:
    """Return a run of a sweep as a scenario file that needs no other."""
    return scenario_text(
        BilingualText(scenario.title_en, scenario.title_zh),
        BilingualText(scenario.description_en, scenario.description_zh),
        scenario.values,
        integration=scenario.time.integration,
        assumes=scenario.assumed,
    )


def deviation(dataset: xr.Dataset, run: xr.Dataset) -> float:
    """Return the largest difference between a repeated run and the stored one.

    It is relative to the larger of the value and the largest of its series, and infinite where only
    one of the two is a number.
    """
    by_year = annual(dataset)
    worst = 0.0
    for name in nested(run.attrs, "layout")["outputs"]:
        stored = run[name].to_numpy()
        whole = element_of(by_year, name)
        again = whole.reindex(year=run["year"]).to_numpy()
        is_number = np.isfinite(stored)
        if (is_number != np.isfinite(again)).any():
            return math.inf
        largest = np.abs(whole.to_numpy()[np.isfinite(whole)]).max(initial=0.0)
        scale = np.maximum(largest, np.abs(stored[is_number]))
        apart = np.abs(again - stored)[is_number]
        worst = max(worst, (apart[apart > 0] / scale[apart > 0]).max(initial=0.0))
    return float(worst)


def element_of(runs: xr.Dataset, reference: str) -> xr.DataArray:
    """Return a variable of runs, ``name``, or an element of it, ``name[element]``.

    Raises:
        UnknownNameError: the variable has no such element, or has other ranges.
        KeyError: the runs hold no such variable.
    """
    name, elements = (reference, ()) if reference in runs else split_reference(reference)
    variable = runs[name]
    if not elements:
        return variable
    ranges = [dim for dim in variable.dims if dim not in ("scenario", "time", "year", *MANY)]
    known = [[*map(str, variable[dim].to_numpy())] for dim in ranges]
    if len(elements) != len(ranges):
        form = f"{name}[{','.join(map(str, ranges))}]" if ranges else name
        raise UnknownNameError("'{name}' is not one series", expected=form, name=reference)
    for element, within in zip(elements, known, strict=True):
        if element not in within:
            message = Message("'{name}' has no element '{element}'", name=name, element=element)
            raise UnknownNameError(message, nearest=nearest(element, within))
    return variable.sel(dict(zip(ranges, elements, strict=True)))
