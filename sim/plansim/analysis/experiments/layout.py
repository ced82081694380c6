"""How a store of a sweep is laid out, and how one comes into being, complete or not at all."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from plansim.analysis.evaluator import Request, RunStatus
from plansim.analysis.experiments.design import CARD, Design
from plansim.analysis.experiments.integrity import (
    DONE,
    SUMMARY,
    alone,
    consolidate,
    making,
    write_manifest,
    writing,
)
from plansim.analysis.experiments.store import (
    CHECKSUM,
    NEVER,
    NO_BREACH,
    PER_RUN,
    Store,
    key_of,
    open_store,
)
from plansim.engine.trajectory import version_of
from plansim.errors import DesignError, Fault, InputError, Message, Option, OutputError, foreign
from plansim.files.writing import unfit_parent
from plansim.model.records import Model
from plansim.scenario.references import chinese_of
from plansim.targets.target import Status, variable_of

__all__ = ["SweepJob", "lay_out", "new_store", "old_store", "open_same"]


@dataclass(frozen=True)
class SweepJob:
    """A sweep: all that its stored values depend on. It is sent to the processes that run it."""

    model: Model
    design: Design
    request: Request
    path: Path
    """Path of the store."""

    def card(self) -> dict[str, Any]:
        """Return everything that the stored values depend on, for JSON."""
        return {
            "design": _described(self.design),
            "model": {"name": self.model.name, "sha256": self.model.sha256},
            "targets": {
                target.id: [
                    *(getattr(target, field) for field in _JUDGED_BY),
                    {str(basis or ""): name for basis, name in target.variables.items()},
                ]
                for target in self.request.targets
            },
            "versions": {name: version_of(name) for name in ("plansim", "numpy", "scipy")},
        }


_JUDGED_BY = ("value", "direction", "tolerance", "unit", "measure", "since", "year", "horizon",
              "attribute")  # fmt: skip
"""Fields of a target that a verdict depends on, beside its variables."""


def _described(design: Design) -> dict[str, Any]:
    """Return everything in a design that its runs depend on."""
    return {
        "kind": design.kind,
        "points": design.points,
        "seed": design.seed,
        "levels": design.levels,
        "scenarios": {
            scenario.id: {
                "values": dict(sorted(scenario.values.items())),
                "time": asdict(scenario.time),
                "assumed": sorted(scenario.assumed),
            }
            for scenario in design.scenarios
        },
        "factors": {
            factor.name: {
                "constants": factor.constants,
                "apply": factor.apply,
                "unit": factor.unit,
                "levels": factor.levels,
                "distribution": type(factor.distribution).__name__.lower(),
                # JSON has no infinity: an open end is left out.
                **{
                    key: value
                    for key, value in vars(factor.distribution).items()
                    if value not in (-math.inf, math.inf)
                },
            }
            for factor in design.factors
        },
        "outputs": design.outputs,
        "years": design.years,
    }


@contextmanager
def new_store(job: SweepJob, block: int, *, force: bool = False) -> Iterator[Store]:
    """Create a store for a sweep; nobody else may write to it while the context lasts.

    With ``force``, it replaces the result of another sweep at ``path``, and nothing else.

    Raises:
        InputError: what stands at ``path`` is not the result of a sweep.
        OutputError: ``path`` exists, another process is writing it, or the system refuses to write.
    """
    path = job.path
    if unfit := unfit_parent(path):
        raise OutputError(unfit)
    with ExitStack() as stack:
        with making(path) as beside, writing(path):
            if path.exists() and not force:
                raise OutputError(
                    "the result exists already; {resume} goes on with it, {force} replaces it",
                    path,
                    resume=Option.RESUME,
                    force=Option.FORCE,
                )
            if path.exists() and not (path / DONE).exists():
                open_store(path)
            store = lay_out(replace(job, path=beside / "result"), block)
            stack.enter_context(alone(store.path))
            if path.exists():
                with alone(path):
                    path.rename(beside / "old")
            store.path.rename(path)
        yield replace(store, path=path)


@contextmanager
def old_store(job: SweepJob) -> Iterator[Store]:
    """Repair the store of a sweep that was begun; nobody else may write to it meanwhile.

    Raises:
        DesignError: the store was begun with another design, model or version.
        InputError: there is no store, or there are links in it.
        OutputError: another process is writing it, or the system refuses to write.
    """
    store = open_same(job)
    with alone(store.path):
        _repair(store, job)
        yield store


def _repair(store: Store, job: SweepJob) -> None:
    """Write anew what is written once, and keep of the blocks those that are whole."""
    if links := sorted(path for path in store.path.rglob("*") if path.is_symlink()):
        raise InputError(
            Fault(
                "a link in a result is not written through; put in its place what it leads to", path
            )
            for path in links
        )
    with making(store.path) as beside, writing(store.path):
        for left in store.path.rglob("*.partial"):  # by a writer that died
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        fresh = lay_out(replace(job, path=beside / "fresh"), store.block).path
        (fresh / DONE).unlink()
        for file in [path for path in fresh.rglob("*") if path.is_file()]:
            place = store.path / file.relative_to(fresh)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
    store.keep_whole_blocks()


def lay_out(job: SweepJob, block: int) -> Store:
    """Write the arrays of a store whose runs were never run.

    Raises:
        DesignError: a factor or output has a name that no array can have.
    """
    path, design, request = job.path, job.design, job.request
    taken = {*PER_RUN, *_COORDINATES, "binding_target", "run", "target", "year", SUMMARY}
    names = [factor.name for factor in design.factors] + list(request.outputs)
    if wrong := [name for name in names if name in taken or names.count(name) > 1]:
        raise DesignError(
            Fault(
                "a factor or output cannot be called '{name}' in a result", design.path, name=name
            )
            for name in dict.fromkeys(wrong)
        )
    store = Store(
        path,
        json.loads(json.dumps(job.card())),
        design.runs,
        min(block, design.runs),
        tuple(factor.name for factor in design.factors),
        request.outputs,
    )
    group = zarr.create_group(path, attributes=_attributes(job, store))
    _write_arrays(group, job, store)
    (path / DONE).touch()
    consolidate(path)
    write_manifest(path, store.identity, [key_of(name) for name in store.per_run])
    return store


_COORDINATES: Mapping[str, tuple[str, Any]] = {
    "target_name": ("name_en", str),
    "target_name_zh": ("name_zh", str),
    "target_attribute": ("attribute", str),
    "target_direction": ("direction", str),
    "target_unit": ("unit", str),
    "target_value": ("value", "f8"),
    "target_year": ("year", "i8"),
}
"""Coordinates of the targets: the field of the record, and the type."""


def _attributes(job: SweepJob, store: Store) -> dict[str, Any]:
    design = job.design
    return {
        "title": design.title_en,
        "title_zh": design.title_zh,
        "model": job.model.name,
        "scenarios": [scenario.id for scenario in design.scenarios],
        CARD: dict(store.card),
        "coordinates": " ".join(_COORDINATES),
        "layout": {
            "runs": store.runs,
            "block": store.block,
            "factors": list(store.factors),
            "outputs": list(store.outputs),
        },
        "design_text": "" if design.path is None else design.path.read_text("utf-8"),
    }


def _write_arrays(group: zarr.Group, job: SweepJob, store: Store) -> None:
    model, design, request = job.model, job.design, job.request

    def per_run(
        name: str, dtype: str, fill: float, attributes: Mapping[str, Any], **dims: int
    ) -> None:
        shape = tuple(dims.values())
        group.create_array(
            key_of(name),
            shape=(store.runs, *shape),
            chunks=(store.block, *(max(size, 1) for size in shape)),
            dtype=dtype,
            fill_value=fill,
            compressors=CHECKSUM,  # noise does not shrink anyway
            dimension_names=("run", *dims),
            attributes=dict(attributes),
        )

    years, targets = {"year": len(request.years)}, {"target": len(request.targets)}
    binding = [target.id for target in request.binding]
    described = store.card["design"]["factors"]
    for factor in design.factors:
        names = {"long_name": factor.name, "long_name_zh": factor.name_zh}
        about = {"role": "factor", "factor": described[factor.name]}
        per_run(factor.name, "f8", np.nan, {"units": factor.unit, **names, **about})
    for name in request.outputs:
        variable = variable_of(model, name)
        names = {"long_name": name, "long_name_zh": chinese_of(model, variable, name)}
        about = {"role": "output", "timing": variable.timing.value}
        per_run(name, "f8", np.nan, {"units": variable.unit, **names, **about}, **years)
    per_run("verdict", "i1", NEVER, _flags(Status, "What becomes of each target."), **targets)
    text = "Distance to the target in its unit; + is good."
    per_run("margin", "f4", np.nan, {"long_name": "margin", "description": text}, **targets)
    text = (
        f"First year in which a binding target does not hold; {NO_BREACH}: none to the horizon; "
        f"{NEVER}: never run."
    )
    about = {"units": "Year", "description": text}
    per_run("first_breach", "i2", NEVER, about, binding_target=len(binding))
    per_run("status", "i1", NEVER, _flags(RunStatus, "How the run ended."))
    text = (
        "Of a bad run, the variable that was at fault first, by its place in `names`; "
        f"{NEVER}: the run is sound, or never run."
    )
    about = {"description": text, "names": list(model.variables)}
    per_run("bad_variable", "i4", NEVER, about)
    per_run("bad_time", "f8", np.nan, {"units": "Year", "description": "When it was at fault."})
    ids = [scenario.id for scenario in design.scenarios]
    flags = {"flag_values": [NEVER, *range(len(ids))]}
    per_run("scenario", "i2", NEVER, {**flags, "flag_meanings": " ".join(["never_run", *ids])})

    def coordinate(name: str, dim: str, values: Sequence[Any], dtype: Any) -> None:
        array = group.create_array(
            name,
            shape=(len(values),),
            dtype=dtype,
            compressors=CHECKSUM,
            config={"write_empty_chunks": True},
            dimension_names=(dim,),
            attributes={},
        )
        if len(values):
            array[:] = np.array(values, dtype=object if dtype is str else dtype)

    coordinate("year", "year", request.years, "i8")
    coordinate("target", "target", [target.id for target in request.targets], str)
    coordinate("binding_target", "binding_target", binding, str)
    for name, (field, dtype) in _COORDINATES.items():
        coordinate(name, "target", [getattr(target, field) for target in request.targets], dtype)


def _flags(kinds: type[Enum], description: str) -> dict[str, Any]:
    """Return attributes with the meaning of an array's codes, by the CF conventions."""
    words = [kind.name.lower() for kind in kinds]
    return {
        "description": description,
        "flag_values": [NEVER, *range(len(words))],
        "flag_meanings": " ".join(["never_run", *words]),
    }


def open_same(job: SweepJob) -> Store:
    """Open the store of a sweep, if it was begun with this design, model and versions.

    Raises:
        DesignError: with a fault for each difference.
        InputError: there is no store.
    """
    store = open_store(job.path)
    faults = [
        Fault(
            "the result was begun with another {part}",
            store.path,
            expected=old or Message("nothing"),
            found=new or Message("nothing"),
            part=foreign(part),
        )
        for part, old, new in _differences(store.card, json.loads(json.dumps(job.card())))
    ]
    if faults:
        raise DesignError(faults)
    return store


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield where two trees differ, and what each has there: names that one alone has, or leaves.

    >>> list(_differences({"a": {"x": {"deep": 1}}, "n": 4}, {"a": {"y": 2}, "n": 8}))
    [('a', 'x', 'y'), ('n', '4', '8')]
    """
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if old != new:
            before, after = (json.dumps(one, ensure_ascii=False) for one in (old, new))
            yield path, before, after
        return
    gone, come = (", ".join(k for k in a if k not in b) for a, b in ((old, new), (new, old)))
    if gone or come:
        yield path, gone, come
    for key in (key for key in old if key in new):
        yield from _differences(old[key], new[key], f"{path}, {key}" if path else str(key))
