"""One run of a sweep as a scenario that can be run, read, written and varied by itself."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from plansim.analysis.evaluator import RunStatus
from plansim.analysis.experiments.store import NEVER, Store, array_of, open_store
from plansim.engine.simulate import EngineChoice, simulate
from plansim.errors import DesignError, InputError, Message, UnknownNameError
from plansim.model.records import NOISE_SEED, Integration, Model, TimeSpec, VariableKind
from plansim.scenario.factors import Apply, Factor, constants_of, default_of
from plansim.scenario.levers import constant_named
from plansim.scenario.scenario_file import (
    BilingualText,
    Change,
    Scenario,
    as_written,
    scenario_text,
)
from plansim.scenario.variant import for_scenarios
from plansim.targets.annual import annual
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Status, Target, split_reference, variable_of
from plansim.targets.verdict import Verdict, check_targets

__all__ = [
    "Replay",
    "StoredRun",
    "deviation",
    "replay",
    "run_scenario",
    "run_scenario_text",
    "stored_run",
    "stored_run_scenario",
]


@dataclass(frozen=True)
class StoredRun:
    """The stored results of one run."""

    index: int
    scenario: str
    """The id of the scenario that the factors act on."""
    factors: Mapping[str, float]
    status: RunStatus
    failed_variable: str
    """The variable that failed first in a failed run; else empty."""
    failed_time: float | None
    outputs: Mapping[str, Mapping[int, float]]
    """By series and year."""
    verdicts: Mapping[str, Status]
    """By target."""


@dataclass(frozen=True)
class Replay:
    """A run of a sweep that was made again, beside what is stored of it."""

    stored: StoredRun
    scenario: Scenario
    dataset: xr.Dataset
    verdicts: tuple[Verdict, ...]
    deviation: float
    """By how much the figures differ at most, relative; see `deviation`."""
    same: int
    """How many of the stored verdicts are the same again."""


def stored_run_scenario(path: str | Path, index: int, model: Model) -> tuple[StoredRun, Scenario]:
    """Return what a sweep holds of a run, and the run as a scenario.

    Raises:
        InputError: there is no sweep at ``path``, or it has no such run.
        DesignError: the model is not the one that the sweep ran.
    """
    store = open_store(Path(path))
    stored = stored_run(store, index)
    return stored, run_scenario(store, stored, model)


def replay(
    path: str | Path,
    index: int,
    model: Model,
    targets: Sequence[Target] | None = None,
    *,
    engine: EngineChoice | str = EngineChoice.COMPILED,
) -> Replay:
    """Repeat run ``index`` of a sweep and compare it with the stored result.

    ``targets`` are by default those of the catalogue beside the model.

    Raises:
        InputError: there is no sweep at ``path``, or it has no such run.
        DesignError: the model is not the one that the sweep ran.
        SimulationError: the run breaks down.

    >>> model = plansim.load_model("lake.mdl")
    >>> _ = plansim.sweep(model, "design.yaml", "again.zarr", force=True, threads=1)
    >>> plansim.replay("again.zarr", 3, model).deviation
    0.0
    """
    stored, scenario = stored_run_scenario(path, index, model)
    dataset = simulate(model, scenario, engine=engine)
    targets = load_targets(model=model) if targets is None else targets
    verdicts = check_targets(dataset, targets)
    same = sum(stored.verdicts.get(verdict.id) is verdict.status for verdict in verdicts)
    return Replay(stored, scenario, dataset, verdicts, deviation(dataset, stored), same)


def stored_run(store: Store, index: int) -> StoredRun:
    """Read one run.

    Raises:
        InputError: the sweep has no such run, or has not run it yet.
    """
    if not 0 <= index < store.runs:
        raise InputError(
            "the sweep has no such run",
            store.path,
            expected=Message("0 to {last}", last=store.runs - 1),
            found=str(index),
        )
    group = store.group()

    def read(name: str) -> Any:
        return np.asarray(array_of(group, name)[index])

    if index // store.block not in store.done() or int(read("status")) == NEVER:
        raise InputError("run {index} was never made", store.path, expected="--resume", index=index)
    years: Any = group["year"]
    targets: Any = group["target"]
    names = list(group["bad_variable"].attrs["names"])  # type: ignore[arg-type]
    failed_variable, when = int(read("bad_variable")), float(read("bad_time"))
    return StoredRun(
        index=index,
        scenario=list(store.card["design"]["scenarios"])[int(read("scenario"))],
        factors={name: float(read(name)) for name in store.factors},
        status=RunStatus(int(read("status"))),
        failed_variable="" if failed_variable < 0 else str(names[failed_variable]),
        failed_time=None if math.isnan(when) else when,
        outputs={
            name: dict(zip(years[:].tolist(), read(name).tolist(), strict=True))
            for name in store.outputs
        },
        verdicts={
            str(target): Status.of(code)
            for target, code in zip(targets[:], read("verdict").tolist(), strict=True)
        },
    )


def run_scenario(store: Store, run: StoredRun, model: Model) -> Scenario:
    """Return a run as a scenario: that of the design, with the values of the run's factors.

    Raises:
        DesignError: the model is not the one that the sweep ran.
    """
    stored_sha256 = store.card["model"]["sha256"]
    if stored_sha256 != model.sha256:
        raise DesignError(
            "the result was made with another model",
            store.path,
            expected=stored_sha256,
            found=model.sha256,
        )
    design = store.card["design"]
    parent = design["scenarios"][run.scenario]
    factors = [
        Factor(name, tuple(about["constants"]), Apply(about["apply"]), None, about["unit"])
        for name, about in design["factors"].items()
    ]
    references = [name for factor in factors for name in factor.constants]
    model = for_scenarios(model, [], [*parent["values"], *references])
    row = np.array([[run.factors[factor.name] for factor in factors]])
    constants = constants_of(model, parent["values"], factors, row)[0].tolist()
    values = dict(zip(references, constants, strict=True))
    merged = parent["values"] | values
    with suppress(UnknownNameError):  # the model has no random functions
        seed = constant_named(model, NOISE_SEED)
        if seed.kind is VariableKind.CONSTANT and isinstance(seed.value, float):
            point = run.index // len(design["scenarios"])
            merged[seed.name] = merged.get(seed.name, seed.value) + point
    name, titles = f"{store.path.stem}-{run.index}", store.group().attrs
    reason = BilingualText(en=f"as in {run.scenario}", zh=f"同{run.scenario}")
    return replace(
        as_written(model),
        id=name,
        title_en=f"{titles['title']}, run {run.index}",
        title_zh=f"{titles['title_zh']}，第{run.index}次",
        description_en=f"Run {run.index} of a sweep over the scenario {run.scenario}.",
        description_zh=f"对情景{run.scenario}作抽样的第{run.index}次运行。",
        parent=run.scenario,
        lineage=(run.scenario, name),
        values=merged,
        time=replace(TimeSpec(*parent["time"]), integration=Integration(parent["integration"])),
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


def deviation(dataset: xr.Dataset, run: StoredRun) -> float:
    """Return the largest difference between a repeated run and the stored one.

    It is relative to the larger of the value and the largest of its series, and infinite where only
    one of the two is a number.
    """
    by_year = annual(dataset)
    worst = 0.0
    for name, stored in run.outputs.items():
        again = _series(by_year, name)
        scale = max((abs(value) for value in again.values() if math.isfinite(value)), default=0.0)
        worst = max(worst, *_differences(again, stored, scale))
    return worst


def _differences(
    again: Mapping[int, float], stored: Mapping[int, float], scale: float
) -> Iterator[float]:
    yield 0.0
    for year, value in stored.items():
        new = again.get(year, math.nan)
        if math.isfinite(new) != math.isfinite(value):
            yield math.inf
        elif math.isfinite(value) and new != value:
            yield abs(new - value) / max(scale, abs(value))


def _series(by_year: xr.Dataset, reference: str) -> dict[int, float]:
    if reference in by_year:
        series = by_year[reference]
    else:
        name, elements = split_reference(reference)
        dims = [dim for dim in by_year[name].dims if dim != "year"]
        series = by_year[name].sel(dict(zip(dims, elements, strict=True)))
    return dict(zip(by_year["year"].values.tolist(), series.values.tolist(), strict=True))
