"""The result of a sweep on disk: a Zarr store that is filled block by block.

What a user sees, through ``xarray.open_zarr``: one array for each factor and each kept output,
with units and names; verdicts, margins and first breaches by target; and how each run ended. A
block of runs is one chunk of each array. In the folder of the array ``status`` (elsewhere Zarr
would take it for a member) stands the file ``blocks.done``, to which the number of a block is added
once all of its chunks are written: so a process may be killed at any moment, and what is listed is
whole. Values of blocks that are not listed mean nothing.

The group ``summary`` is written at the end.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr

from plansim.analysis.evaluator import Request, RunStatus
from plansim.analysis.experiments.design import Design
from plansim.errors import DesignError, Fault, InputError, Message, OutputError, foreign
from plansim.model.records import Model
from plansim.targets.indicator import Floats
from plansim.targets.target import Status, variable_of

__all__ = [
    "NEVER",
    "NO_BREACH",
    "SUMMARY",
    "RunBlock",
    "Store",
    "StoreWriter",
    "array_of",
    "check_same",
    "create_store",
    "empty_block",
    "open_store",
    "open_sweep",
    "remove_store",
    "write_summary",
]

Codes: TypeAlias = npt.NDArray[np.int16]

NEVER = -1
"""Value in integer arrays of a run that was never run."""

NO_BREACH = 0
"""First breach of a target that holds to its horizon."""

DONE = Path("status", "blocks.done")
SUMMARY = "summary"
CARD = "plansim"
"""The attribute that holds the run card; its presence says that a store is ours."""


@dataclass(frozen=True)
class Store:
    """A store of a sweep's results: its path, card and dimensions."""

    path: Path
    card: Mapping[str, Any]
    """The run card: all that must be equal for a sweep to be resumed, and its environment."""
    runs: int
    block: int
    """Number of runs in a block."""
    factors: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def blocks(self) -> int:
        """Number of blocks in the whole sweep; the last may be shorter."""
        return -(-self.runs // self.block)

    def span(self, number: int) -> tuple[int, int]:
        """Return the first run of a block, and the one after its last."""
        return number * self.block, min((number + 1) * self.block, self.runs)

    def done(self) -> frozenset[int]:
        """Return the numbers of the blocks that are completely written."""
        try:
            text = (self.path / DONE).read_text("ascii")
        except FileNotFoundError:
            return frozenset()
        # The last line may have been cut off; without its end it does not count.
        return frozenset(int(line) for line in text.split("\n")[:-1] if line.isdecimal())

    def mark(self, number: int) -> None:
        """Record that a block is completely written. Only one process may do so."""
        with _writing(self.path), (self.path / DONE).open("a", encoding="ascii") as file:
            file.write(f"{number}\n")

    def repair(self) -> None:
        """Drop an incomplete last line of the list of blocks, before more are added."""
        done = sorted(self.done())
        part = (self.path / DONE).with_suffix(".part")
        with _writing(self.path):
            part.write_text("".join(f"{number}\n" for number in done), "ascii")
            part.replace(self.path / DONE)

    def writer(self) -> StoreWriter:
        """Open the arrays for writing; any number of processes may, each its own blocks."""
        with _writing(self.path):
            return StoreWriter(self, zarr.open_group(self.path, mode="r+"))

    def group(self) -> zarr.Group:
        """Open the arrays for reading."""
        return zarr.open_group(self.path, mode="r")


RunBlock: TypeAlias = "dict[str, npt.NDArray[Any]]"
"""Some runs by the name of the array in the store; the run is the first dimension of each."""


def empty_block(store: Store, request: Request, inputs: Floats, scenario: Codes) -> RunBlock:
    """Return a block whose results are still to be written.

    ``inputs`` are ``(run, factor)``, ``scenario`` the index of each run's scenario in the design.
    """
    count, targets = len(inputs), len(request.targets)
    block: RunBlock = dict(zip(store.factors, inputs.T, strict=True))
    block |= {name: np.empty((count, len(request.years))) for name in store.outputs}
    return block | {
        "verdict": np.empty((count, targets), np.int8),
        "margin": np.empty((count, targets), np.float32),
        "first_breach": np.empty((count, len(request.binding)), np.int16),
        "status": np.empty(count, np.int8),
        "bad_variable": np.empty(count, np.int32),
        "bad_time": np.empty(count),
        "scenario": scenario,
    }


_PER_RUN = frozenset(
    ["bad_time", "bad_variable", "first_breach", "margin", "scenario", "status", "verdict"]
)
"""The arrays beside those of factors and outputs."""


class StoreWriter:
    """Writes blocks into the arrays of a store."""

    def __init__(self, store: Store, group: zarr.Group) -> None:
        self._store = store
        names = [*store.factors, *store.outputs, *_PER_RUN]
        self._arrays = {name: array_of(group, name) for name in names}

    def write(self, number: int, block: RunBlock) -> None:
        """Write a block.

        Raises:
            OutputError: the system refuses to write.
        """
        start, stop = self._store.span(number)
        with _writing(self._store.path):
            for name, array in self._arrays.items():
                array[start:stop] = block[name]


def array_of(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """Return an array of a store."""
    array = group[name]
    assert isinstance(array, zarr.Array), name
    return array


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raise errors of the operating system as `OutputError`."""
    try:
        yield
    except OSError as error:
        why = foreign(error.strerror or error)
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        message = Message("cannot write the result")
        if full:
            message = Message(
                "the disk is full; what is written so far stays valid, --resume goes on from there"
            )
        raise OutputError(Fault(message, path, found=why)) from error


def create_store(
    path: Path,
    model: Model,
    design: Design,
    request: Request,
    card: Mapping[str, Any],
    block: int,
) -> Store:
    """Create a store for a sweep; ``path`` must not exist.

    Raises:
        OutputError: ``path`` exists, or the system refuses to write.
    """
    if path.exists():
        raise OutputError(Fault("the result exists already", path))
    if not path.absolute().parent.is_dir():
        raise OutputError(
            Fault("cannot write the result", path, expected=Message("an existing folder around it"))
        )
    taken = {*_PER_RUN, *_COORDINATES, "binding_target", "run", "target", "year", SUMMARY}
    names = [factor.name for factor in design.factors] + list(request.outputs)
    if wrong := [name for name in names if name in taken or "/" in name or names.count(name) > 1]:
        raise DesignError(
            Fault(
                "a factor or output cannot be called '{name}' in a result", design.path, name=name
            )
            for name in dict.fromkeys(wrong)
        )
    store = Store(
        path,
        card,
        design.runs,
        min(block, design.runs),
        tuple(factor.name for factor in design.factors),
        request.outputs,
    )
    with _writing(path), _quiet():
        # Under another name first, so that a store that exists has all of its arrays.
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            group = zarr.create_group(part, attributes=_attributes(model, design, store))
            _lay_out(group, model, design, request, store)
            zarr.consolidate_metadata(part)
            part.rename(path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return store


def open_store(path: Path) -> Store:
    """Open a store that a sweep has written, completely or in part.

    Raises:
        InputError: ``path`` holds no store.
    """
    try:
        group = zarr.open_group(path, mode="r")
        card = group.attrs[CARD]
    except (OSError, KeyError, ValueError, TypeError):
        made = Message("a RESULT.zarr that 'plansim sweep' has made")
        message = (
            Message("not the result of a sweep") if path.exists() else Message("no such folder")
        )
        raise InputError(Fault(message, path, expected=made)) from None
    assert isinstance(card, dict)
    layout = group.attrs["layout"]
    assert isinstance(layout, dict)
    return Store(
        path,
        card,
        int(layout["runs"]),
        int(layout["block"]),
        tuple(layout["factors"]),
        tuple(layout["outputs"]),
    )


def open_sweep(path: str | Path) -> xr.Dataset:
    """Open the runs of a sweep as a dataset; figures are read when they are used.

    Raises:
        InputError: there is no sweep at ``path``.
    """
    sweep: xr.Dataset = xr.open_zarr(open_store(Path(path)).path, consolidated=False, chunks=None)
    return sweep


def write_summary(store: Store, summary: xr.Dataset) -> None:
    """Write the result of `summarise` into a group of its own, which is replaced.

    Raises:
        OutputError: the system refuses to write.
    """
    with _writing(store.path), _quiet():
        summary.to_zarr(store.path, group=SUMMARY, mode="w", zarr_format=3, consolidated=False)
        zarr.consolidate_metadata(store.path)


def remove_store(path: Path) -> None:
    """Remove the result of a sweep, and nothing else.

    Raises:
        InputError: what stands at ``path`` is not the result of a sweep.
        OutputError: the system refuses.
    """
    open_store(path)
    with _writing(path):
        shutil.rmtree(path)


def _differences(store: Store, card: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Return a fault for each item in which a card differs from that of a store."""
    old, new = _leaves(store.card), _leaves(card)
    return tuple(
        Fault(
            "the result was begun with another {part}",
            store.path,
            expected=old.get(key, Message("nothing")),
            found=new.get(key, Message("nothing")),
            part=foreign(key),
        )
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    )


def _leaves(node: Any, path: str = "") -> dict[str, str]:
    """Return the leaves of nested mappings by the path of their keys."""
    if not isinstance(node, Mapping):
        return {path: json.dumps(node, ensure_ascii=False)}
    leaves: dict[str, str] = {}
    for key, child in node.items():
        leaves |= _leaves(child, f"{path}, {key}" if path else str(key))
    return leaves


def check_same(store: Store, card: Mapping[str, Any]) -> None:
    """Check that design, model and versions are those with which a store was begun.

    Raises:
        DesignError: with a fault for each difference.
    """
    if faults := _differences(store, card):
        raise DesignError(faults)


# --- layout ---------------------------------------------------------------------------------------


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


def _attributes(model: Model, design: Design, store: Store) -> dict[str, Any]:
    return {
        "title": design.title_en,
        "title_zh": design.title_zh,
        "model": model.name,
        "scenarios": [scenario.id for scenario in design.scenarios],
        CARD: json.loads(json.dumps(store.card)),
        "coordinates": " ".join(_COORDINATES),
        "layout": {
            "runs": store.runs,
            "block": store.block,
            "factors": list(store.factors),
            "outputs": list(store.outputs),
        },
        "design_text": "" if design.path is None else design.path.read_text("utf-8"),
    }


def _lay_out(
    group: zarr.Group, model: Model, design: Design, request: Request, store: Store
) -> None:
    def per_run(
        name: str, dtype: str, fill: float, attributes: Mapping[str, Any], **dims: int
    ) -> None:
        shape = tuple(dims.values())
        group.create_array(
            name,
            shape=(store.runs, *shape),
            chunks=(store.block, *(max(size, 1) for size in shape)),
            dtype=dtype,
            fill_value=fill,
            compressors=None,  # as fast as the disk; noise does not shrink anyway
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
        names = {"long_name": name, "long_name_zh": variable.name_zh}
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
            name, shape=(len(values),), dtype=dtype, dimension_names=(dim,), attributes={}
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence zarr's warning on consolidated metadata, which xarray looks for in every store."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        yield
