"""The result of a sweep on disk: a Zarr store that is filled block by block.

What a user sees, through ``xarray.open_zarr``: one array for each factor and each kept output,
with units and names; verdicts, margins and first breaches by target; and how each run ended. A
block of runs is one chunk of each array, with a checksum. In the folder of the array ``status``
(elsewhere Zarr would take them for members) stand

- the journal ``blocks.done``, to which a block is added once all of its chunks are on the disk: so
  a process may be killed at any moment, and what is listed is whole. A line has the block's number,
  the checksums of its chunks in the order of `Store.per_run`, and a digest that binds both to this
  result: a chunk or a line that comes from elsewhere does not fit. Blocks that are not listed are
  not read;
- ``writer.lock``, which one writer at a time has locked.

In that of ``target`` stands ``manifest.json``, the digests of what is written only once: metadata
and coordinates. The group ``summary`` is written at the end, with a manifest of its own. See
`layout` for how a store comes into being.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec

from plansim.analysis.experiments.design import CARD
from plansim.analysis.experiments.integrity import (
    DAMAGED,
    DONE,
    SUMMARY,
    OwnFiles,
    altered,
    checksum_of,
    chunk_fault,
    content_of,
    digests_of,
    writing,
)
from plansim.analysis.experiments.sampling import MOST_RUNS
from plansim.errors import Fault, InputError, Message
from plansim.files.writing import sync, writing_whole

__all__ = [
    "CHECKSUM",
    "NEVER",
    "NO_BREACH",
    "PER_RUN",
    "RunBlock",
    "Store",
    "array_of",
    "key_of",
    "open_store",
    "open_summary",
    "open_sweep",
    "verify",
]

NEVER = -1
"""Value in integer arrays of a run that was never run."""

NO_BREACH = 0
"""First breach of a target that holds to its horizon."""

CHECKSUM = (Crc32cCodec(),)
_BY_TARGET = frozenset(["first_breach", "margin", "verdict"])
PER_RUN = frozenset(["bad_time", "bad_variable", "scenario", "status"]) | _BY_TARGET
"""The arrays beside those of factors and outputs."""

RunBlock: TypeAlias = "dict[str, npt.NDArray[Any]]"
"""Some runs by the name of the array in the store; the run is the first dimension of each."""


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

    @property
    def per_run(self) -> tuple[str, ...]:
        """The arrays over the runs."""
        return (*self.factors, *self.outputs, *sorted(PER_RUN))

    def span(self, number: int) -> slice:
        """Return the runs of a block."""
        return slice(number * self.block, number * self.block + self.size(number))

    def size(self, number: int) -> int:
        """Return the number of runs in a block."""
        return min(self.block, self.runs - number * self.block)

    def made(self) -> int:
        """Return the number of runs that are written.

        Raises:
            InputError: the journal is damaged.
        """
        return sum(map(self.size, self.done()))

    def chunk(self, name: str, number: int) -> str:
        """Return the key of the chunk of an array that holds a block."""
        return f"{key_of(name)}/c/{number}" + "/0" * (name in self.outputs or name in _BY_TARGET)

    @cached_property
    def identity(self) -> str:
        """A digest of all that says which result this is."""
        layout = [self.runs, self.block, self.factors, self.outputs]
        text = json.dumps([dict(self.card), layout], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    # --- the journal ------------------------------------------------------------------------------

    def done(self) -> frozenset[int]:
        """Return the numbers of the blocks that are completely written.

        Raises:
            InputError: the journal is damaged.
        """
        listed, faults = self._journal()
        if faults:
            raise InputError(faults)
        return frozenset(listed)

    def mark(self, number: int) -> None:
        """Record that a block is completely written. Only one process may do so."""
        with writing(self.path), (self.path / DONE).open("a", encoding="ascii") as file:
            chunks = (self.path / self.chunk(name, number) for name in self.per_run)
            file.write(self._line(number, b"".join(map(checksum_of, chunks)).hex()))
            sync(file)

    def keep_whole_blocks(self) -> None:
        """Drop from the journal what is no block, or is not whole."""
        lines = [
            self._line(number, b"".join(checksums.values()).hex())
            for number, checksums in sorted(self._journal()[0].items())
            if not any(self._damage(checksums))
        ]
        with writing_whole(self.path / DONE) as part:
            part.write_text("".join(lines), "ascii")

    def _line(self, number: int | str, checksums: str) -> str:
        """Return a line of the journal: it ends with what binds it to this result."""
        seal = hashlib.sha256(f"{self.identity} {number} {checksums}".encode()).hexdigest()
        return f"{number} {checksums} {seal[:16]}\n"

    def _journal(self) -> tuple[dict[int, dict[str, bytes]], tuple[Fault, ...]]:
        """Return the checksums of the chunks of each block that is listed, and what is damaged."""
        content = content_of(self.path / DONE)
        if content is None:
            return {}, (Fault(DAMAGED, self.path / DONE),)
        listed, wrong = {}, []
        # The last line may have been cut off; without its end it does not count.
        lines = content.decode("ascii", "replace").split("\n")[:-1]
        for place, line in enumerate(lines, 1):
            number, checksums, *_ = [*line.split(" "), "", ""]
            if f"{line}\n" == self._line(number, checksums):
                raw = bytes.fromhex(checksums)
                listed[int(number)] = {
                    self.chunk(name, int(number)): raw[4 * index : 4 * index + 4]
                    for index, name in enumerate(self.per_run)
                }
            else:
                wrong.append(Fault(DAMAGED, self.path / DONE, place))
        return listed, tuple(wrong[:1])

    # --- damage -----------------------------------------------------------------------------------

    def _damage(self, checksums: Mapping[str, bytes]) -> Iterator[Fault]:
        """Yield what is missing or damaged of the chunks of a block."""
        for key, checksum in checksums.items():
            file = self.path / key
            if fault := chunk_fault(file, content_of(file), checksum):
                yield fault

    def faults(self) -> Iterator[Fault]:
        """Yield all that is missing or damaged in what is said to be written."""
        listed, wrong = self._journal()
        yield from altered(self.path, self.identity)
        yield from wrong
        for _, checksums in sorted(listed.items()):
            yield from self._damage(checksums)
        if (self.path / SUMMARY).exists():
            yield from altered(self.path / SUMMARY, self.identity)
            if len(listed) < self.blocks and not wrong:  # all was written before the summary
                yield Fault(DAMAGED, self.path / DONE)

    # --- runs -------------------------------------------------------------------------------------

    def files(self) -> OwnFiles:
        """Return the store as Zarr reads it; a chunk that is not whole raises an `InputError`.

        Raises:
            InputError: metadata or the journal are damaged.
        """
        listed, wrong = self._journal()
        if faults := (*altered(self.path, self.identity), *wrong):
            raise InputError(faults)
        names = {name.partition("/")[0] for name in digests_of(self.path, self.identity)}
        checksums = {key: value for block in listed.values() for key, value in block.items()}
        return OwnFiles(self.path, names, [key_of(name) for name in self.per_run], checksums)

    def group(self) -> zarr.Group:
        """Open the arrays for reading; see `files`."""
        return zarr.open_group(self.files(), mode="r", use_consolidated=False)

    @cached_property
    def _arrays(self) -> Mapping[str, zarr.Array[Any]]:
        """The arrays for writing, also what equals the fill value: what is not there is a fault."""
        group = zarr.open_group(self.path, mode="r+", use_consolidated=False)
        return {
            name: array_of(group, name).with_config({"write_empty_chunks": True})
            for name in self.per_run
        }

    def empty_block(self, number: int) -> RunBlock:
        """Return memory for the runs of a block, whose content is still to be written."""
        return {
            name: np.empty((self.size(number), *array.shape[1:]), array.dtype)
            for name, array in self._arrays.items()
        }

    def write(self, number: int, block: RunBlock) -> None:
        """Write a block, to the disk itself. Any number of processes may, each its own blocks.

        Raises:
            OutputError: the system refuses to write.
        """
        with writing(self.path):
            for name, array in self._arrays.items():
                array[self.span(number)] = block[name]
            for name in self._arrays:
                sync(self.path / self.chunk(name, number))


def key_of(name: str) -> str:
    """Return the name of an array in the store: a slash would part groups.

    >>> key_of("GDP/head")
    'GDP∕head'
    """
    return name.replace("/", "\u2215")


def array_of(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """Return an array of a store."""
    array = group[key_of(name)]
    assert isinstance(array, zarr.Array), name
    return array


def open_store(path: str | Path) -> Store:
    """Open a store that a sweep has written, completely or in part.

    Raises:
        InputError: ``path`` holds no store, or what describes it is damaged.
    """
    path = Path(path)
    try:
        attributes = json.loads(content_of(path / "zarr.json") or b"")["attributes"]
        card, layout = dict(attributes[CARD]), attributes["layout"]
        runs, block = int(layout["runs"]), int(layout["block"])
        factors, outputs = tuple(map(str, layout["factors"])), tuple(map(str, layout["outputs"]))
        if 1 <= block <= runs <= MOST_RUNS and {"design", "model"} <= card.keys():
            return Store(path, card, runs, block, factors, outputs)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        pass
    if (path / DONE).exists():
        again = Message("plansim sweep --force, which begins anew")
        raise InputError("what describes the result is damaged", path / "zarr.json", expected=again)
    made = Message("a RESULT.zarr that 'plansim sweep' has made")
    message = Message("not the result of a sweep") if path.exists() else Message("no such folder")
    raise InputError(message, path, expected=made)


def verify(path: str | Path) -> Store:
    """Return the store of a sweep, if all that it says is written is there as it was written.

    Raises:
        InputError: there is no sweep at ``path``, or with each file that is missing or damaged.
    """
    store = open_store(path)
    if faults := tuple(store.faults()):
        raise InputError(faults)
    return store


def open_sweep(path: str | Path) -> xr.Dataset:
    """Open the runs of a sweep as a dataset; figures are read when they are used.

    Its coordinate ``run`` has the numbers by which `replay` knows them. Attributes that are
    records, such as the run card ``plansim``, are JSON, which every format can hold.

    Raises:
        InputError: there is no sweep at ``path``, or it is damaged; so does reading figures.

    >>> model = plansim.load_model("lake.mdl")
    >>> _ = plansim.sweep(model, "design.yaml", "opened.zarr", force=True, threads=1)
    >>> plansim.open_sweep("opened.zarr").sizes["run"]
    64
    """
    store = open_store(path)
    files = store.files()
    sweep: xr.Dataset = xr.open_zarr(files, consolidated=False, chunks=None)
    names = {key_of(name): name for name in (*store.factors, *store.outputs)}
    renamed = sweep.rename({key: name for key, name in names.items() if key != name})
    for about in (renamed.attrs, *(renamed[name].attrs for name in store.factors)):
        about |= {key: json.dumps(it) for key, it in about.items() if isinstance(it, dict)}
    return renamed.assign_coords(run=pd.RangeIndex(store.runs, name="run"))


def open_summary(path: str | Path) -> xr.Dataset:
    """Open the summary of a sweep, as `summary.Summary.dataset` describes it.

    Raises:
        InputError: there is no sweep at ``path``, or its summary is missing or damaged.
    """
    store = open_store(path)
    if faults := altered(store.path / SUMMARY, store.identity):
        raise InputError(faults)
    summary: xr.Dataset = xr.open_zarr(store.path, group=SUMMARY, consolidated=False, chunks=None)
    return summary.load()
