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
- ``manifest.json``, the digests of what is written only once: metadata and coordinates;
- ``writer.lock``, which one writer at a time has locked.

The group ``summary`` is written at the end, with a manifest of its own that is bound to the
journal. See `layout` for how a store comes into being.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt
import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec
from zarr.storage import LocalStore

from plansim.analysis.experiments.design import MOST_RUNS
from plansim.analysis.experiments.integrity import (
    AGAIN,
    CHANGED_ROOT,
    DAMAGED,
    DONE,
    RUNS,
    SUMMARY,
    OwnFiles,
    altered,
    checksum_in,
    checksum_of,
    damage,
    manifest_of,
    members_of,
    read_bytes,
    strangers,
    writing,
)
from plansim.errors import Fault, InputError, Message, foreign
from plansim.files.writing import sync, writing_whole

__all__ = [
    "CARD",
    "CHECKSUM",
    "NEVER",
    "NO_BREACH",
    "PER_RUN",
    "RunBlock",
    "Store",
    "StoreWriter",
    "array_of",
    "key_of",
    "open_store",
    "open_sweep",
    "verify",
]

NEVER = -1
"""Value in integer arrays of a run that was never run."""

NO_BREACH = 0
"""First breach of a target that holds to its horizon."""

CARD = "plansim"
"""The attribute that holds the run card; its presence says that a store is ours."""
CHECKSUM = (Crc32cCodec(),)
_BY_TARGET = frozenset(["first_breach", "margin", "verdict"])
PER_RUN = frozenset(["bad_time", "bad_variable", "scenario", "status"]) | _BY_TARGET
"""The arrays beside those of factors and outputs."""


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

    def span(self, number: int) -> tuple[int, int]:
        """Return the first run of a block, and the one after its last."""
        return number * self.block, min((number + 1) * self.block, self.runs)

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

    @property
    def identity(self) -> str:
        """A digest of all that says which result this is."""
        layout = [self.runs, self.block, self.factors, self.outputs]
        text = json.dumps([dict(self.card), layout], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def done(self) -> frozenset[int]:
        """Return the numbers of the blocks that are completely written.

        Raises:
            InputError: the journal is damaged.
        """
        return frozenset(self._listed())

    def contents(self) -> str:
        """Return a digest of all runs that are written.

        Raises:
            InputError: the journal is damaged.
        """
        listed = sorted(self._listed().items())
        text = repr([self.identity, *((number, raw.hex()) for number, raw in listed)])
        return hashlib.sha256(text.encode()).hexdigest()

    def _listed(self) -> Mapping[int, bytes]:
        """Return the checksums of each block that is completely written."""
        listed, fault = self._journal()
        if fault:
            raise InputError(fault)
        return listed

    def _journal(self) -> tuple[dict[int, bytes], Fault | None]:
        file, identity = self.path / DONE, self.identity
        try:
            # The last line may have been cut off; without its end it does not count.
            lines = read_bytes(file).split(b"\n")[:-1]
        except OSError as error:
            return {}, Fault(DAMAGED, file, found=foreign(error.strerror or error))
        entries = [self._entry(line, identity) for line in lines]
        expected, wrong = Message("a line that was written for this result"), None
        if None in entries:
            wrong = Fault(DAMAGED, file, entries.index(None) + 1, expected)
        return dict(entry for entry in entries if entry is not None), wrong

    def _entry(self, line: bytes, identity: str) -> tuple[int, bytes] | None:
        """Return the number of a block and the checksums of its chunks; None if damaged."""
        digits, _, rest = line.partition(b" ")
        if not (digits.isdigit() and len(digits) < 10 and int(digits) < self.blocks):
            return None
        number, checksums = int(digits), b""
        with suppress(ValueError):
            checksums = bytes.fromhex(rest.partition(b" ")[0].decode("ascii"))
        whole = len(checksums) == 4 * len(self.per_run)
        fits = line == self._line(number, checksums, identity)
        return (number, checksums) if whole and fits else None

    def _line(self, number: int, checksums: bytes, identity: str) -> bytes:
        text = f"{number} {checksums.hex()}"
        return f"{text} {hashlib.sha256(f'{identity} {text}'.encode()).hexdigest()[:16]}".encode()

    def mark(self, number: int) -> None:
        """Record that a block is completely written. Only one process may do so."""
        with writing(self.path), (self.path / DONE).open("ab") as file:
            chunks = [self.path / self.chunk(name, number) for name in self.per_run]
            file.write(
                self._line(number, b"".join(map(checksum_of, chunks)), self.identity) + b"\n"
            )
            sync(file)

    def check_links(self) -> None:
        """Check that nothing would be written elsewhere, through a link in the result.

        Raises:
            InputError: with the links.
        """
        if links := [path for path in self.path.rglob("*") if path.is_symlink()]:
            raise InputError(Fault(_LINK, path) for path in sorted(links))

    def repair(self) -> None:
        """Drop from the journal what is no block, or is not whole, before more are added."""
        listed, _ = self._journal()
        whole = [entry for entry in sorted(listed.items()) if not list(self._damaged(*entry))]
        identity = self.identity
        with writing_whole(self.path / DONE) as part:
            part.write_bytes(b"".join(self._line(*entry, identity) + b"\n" for entry in whole))
        for left in self.path.rglob("*.partial"):  # by a writer that died
            left.unlink(missing_ok=True)

    def faults(self) -> tuple[Fault, ...]:
        """Return all that is missing, damaged or strange in what is said to be written."""
        listed, fault = self._journal()
        summary = self.path / SUMMARY
        if summary.exists() and len(listed) < self.blocks and not fault:
            fault = Fault(DAMAGED, self.path / DONE)  # all was written before the summary
        faults = [*self.altered(), *([fault] if fault else [])]
        for number, checksums in sorted(listed.items()):
            faults += self._damaged(number, checksums)
        if summary.exists():
            faults += self.altered_summary() if not fault else altered(summary)
        for folder in (self.path, summary):
            faults += strangers(folder)
        return tuple(faults)

    def altered(self) -> tuple[Fault, ...]:
        """Return what is damaged of metadata and coordinates."""
        return tuple(altered(self.path))

    def altered_summary(self) -> Iterator[Fault]:
        """Yield what is damaged of the summary, or a fault if it is one of other runs."""
        faults = list(altered(self.path / SUMMARY))
        if not faults and manifest_of(self.path / SUMMARY)[RUNS] != self.contents():
            faults = [Fault(_OTHER_RUNS, self.path / SUMMARY)]
        yield from faults

    def _damaged(self, number: int, checksums: bytes) -> Iterator[Fault]:
        for index, name in enumerate(self.per_run):
            file = self.path / self.chunk(name, number)
            yield from damage(file, checksum_in(checksums, index))

    def writer(self) -> StoreWriter:
        """Open the arrays for writing; any number of processes may, each its own blocks."""
        with writing(self.path):
            return StoreWriter(self, zarr.open_group(self.path, mode="r+", use_consolidated=False))

    def files(self) -> LocalStore:
        """Return the store as Zarr reads it; a chunk that is not whole raises an `InputError`.

        Raises:
            InputError: metadata or the journal are damaged.
        """
        if faults := self.altered():
            raise InputError(faults)
        blocks = self._listed().items()
        listed = {
            key_of(name): {
                self.chunk(name, number): checksum_in(raw, index) for number, raw in blocks
            }
            for index, name in enumerate(self.per_run)
        }
        return OwnFiles(self.path, members=members_of(self.path), listed=listed)

    def group(self) -> zarr.Group:
        """Open the arrays for reading; see `files`."""
        return zarr.open_group(self.files(), mode="r", use_consolidated=False)


_OTHER_RUNS = Message("the summary is that of other runs; plansim sweep --resume repairs it")
_LINK = Message("a link in a result is not written through; put in its place what it leads to")
RunBlock: TypeAlias = "dict[str, npt.NDArray[Any]]"
"""Some runs by the name of the array in the store; the run is the first dimension of each."""


class StoreWriter:
    """Writes blocks into the arrays of a store."""

    def __init__(self, store: Store, group: zarr.Group) -> None:
        self._store = store
        # What equals the fill value is written, too: what is not there is a fault.
        self._arrays = {
            name: array_of(group, name).with_config({"write_empty_chunks": True})
            for name in store.per_run
        }

    def write(self, number: int, block: RunBlock) -> None:
        """Write a block, to the disk itself.

        Raises:
            OutputError: the system refuses to write.
        """
        start, stop = self._store.span(number)
        with writing(self._store.path):
            for name, array in self._arrays.items():
                array[start:stop] = block[name]
            for name in self._arrays:
                sync(self._store.path / self._store.chunk(name, number))


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


def open_store(path: Path) -> Store:
    """Open a store that a sweep has written, completely or in part.

    Raises:
        InputError: ``path`` holds no store, or what describes it is damaged.
    """
    try:
        attributes = json.loads(read_bytes(path / "zarr.json"))["attributes"]
        return _described(path, attributes)
    except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError):
        if (path / DONE).exists():
            raise InputError(CHANGED_ROOT, path / "zarr.json", expected=AGAIN) from None
    made = Message("a RESULT.zarr that 'plansim sweep' has made")
    message = Message("not the result of a sweep") if path.exists() else Message("no such folder")
    raise InputError(message, path, expected=made)


def _described(path: Path, attributes: Mapping[str, Any]) -> Store:
    """Return a store by its attributes; raise a `KeyError`, `TypeError` or `ValueError`."""
    card, layout = dict(attributes[CARD]), attributes["layout"]
    runs, block = int(layout["runs"]), int(layout["block"])
    names = [*layout["factors"], *layout["outputs"]]
    if not (1 <= block <= runs <= MOST_RUNS and all(isinstance(name, str) for name in names)):
        raise ValueError("the layout of a store is none")
    for part in ("design", "model"):
        dict(card[part])
    factors, outputs = tuple(layout["factors"]), tuple(layout["outputs"])
    return Store(path, card, runs, block, factors, outputs)


def verify(path: str | Path) -> Store:
    """Return the store of a sweep, if all that it says is written is there as it was written.

    Raises:
        InputError: there is no sweep at ``path``, or with each file that is missing or damaged.
    """
    store = open_store(Path(path))
    if faults := store.faults():
        raise InputError(faults)
    return store


def open_sweep(path: str | Path) -> xr.Dataset:
    """Open the runs of a sweep as a dataset; figures are read when they are used.

    Raises:
        InputError: there is no sweep at ``path``, or it is damaged; so does reading figures.

    >>> model = plansim.load_model("lake.mdl")
    >>> _ = plansim.sweep(model, "design.yaml", "opened.zarr", force=True, threads=1)
    >>> plansim.open_sweep("opened.zarr").sizes["run"]
    64
    """
    store = open_store(Path(path))
    files = store.files()
    sweep: xr.Dataset = xr.open_zarr(files, consolidated=False, chunks=None)
    names = {key_of(name): name for name in (*store.factors, *store.outputs)}
    return sweep.rename({key: name for key, name in names.items() if key != name})
