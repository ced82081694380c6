"""The result of a sweep on disk: a Zarr store that is filled block by block.

What a user sees, through ``xarray.open_zarr``: one array for each factor and each kept output,
with units and names; verdicts, margins and first breaches by target; and how each run ended. A
block of runs is one chunk of each array, with a checksum. In the folder of the array ``status``
(elsewhere Zarr would take them for members) stand

- the journal ``blocks.done``, to which the number of a block is added once all of its chunks are on
  the disk: so a process may be killed at any moment, and what is listed is whole. Values of blocks
  that are not listed mean nothing;
- ``manifest.json``, the digests of what is written only once: metadata and coordinates;
- ``writer.lock``, which one writer at a time has locked.

The group ``summary`` is written at the end, with a manifest of its own. See `layout` for how a
store comes into being.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import shutil
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import google_crc32c
import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from zarr.abc.store import ByteRequest
from zarr.codecs import Crc32cCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from plansim.analysis.evaluator import Request
from plansim.analysis.experiments.design import MOST_RUNS
from plansim.errors import DesignError, Fault, InputError, Message, OutputError, foreign
from plansim.files.writing import locked, part_of, sync, writing_whole
from plansim.targets.indicator import Floats

__all__ = [
    "CARD",
    "CHECKSUM",
    "DONE",
    "LOCK",
    "NEVER",
    "NO_BREACH",
    "PER_RUN",
    "SUMMARY",
    "RunBlock",
    "Store",
    "StoreWriter",
    "alone",
    "array_of",
    "check_same",
    "consolidate",
    "empty_block",
    "folder_beside",
    "key_of",
    "open_store",
    "open_summary",
    "open_sweep",
    "verify",
    "write_manifest",
    "write_summary",
    "writing",
]

Codes: TypeAlias = npt.NDArray[np.int16]

NEVER = -1
"""Value in integer arrays of a run that was never run."""

NO_BREACH = 0
"""First breach of a target that holds to its horizon."""

DONE = Path("status", "blocks.done")
LOCK = Path("status", "writer.lock")
TRIES = 100
"""Maximum number of folders that are begun beside a store until one can be locked."""
MANIFEST = "manifest.json"
SUMMARY = "summary"
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
    checked: bool = True
    """Whether chunks have checksums: results of earlier versions have none."""

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

    def chunk(self, name: str, number: int) -> str:
        """Return the key of the chunk of an array that holds a block."""
        return f"{key_of(name)}/c/{number}" + "/0" * (name in self.outputs or name in _BY_TARGET)

    def done(self) -> frozenset[int]:
        """Return the numbers of the blocks that are completely written.

        Raises:
            InputError: the journal is damaged.
        """
        numbers, fault = self._journal()
        if fault:
            raise InputError(fault)
        return numbers

    def _journal(self) -> tuple[frozenset[int], Fault | None]:
        file = self.path / DONE
        try:
            # The last line may have been cut off; without its end it does not count.
            lines = file.read_bytes().split(b"\n")[:-1]
        except OSError as error:
            lost = Fault(_DAMAGED, file, found=foreign(error.strerror or error))
            return frozenset(), lost if self.checked else None
        numbers = [int(line) if line.isdigit() and len(line) < 10 else -1 for line in lines]
        wrong = [line for line, number in enumerate(numbers, 1) if not 0 <= number < self.blocks]
        expected = Message("the number of a block, below {count}", count=self.blocks)
        fault = Fault(_DAMAGED, file, wrong[0], expected) if wrong else None
        return frozenset(number for number in numbers if 0 <= number < self.blocks), fault

    def mark(self, number: int) -> None:
        """Record that a block is completely written. Only one process may do so."""
        with writing(self.path), (self.path / DONE).open("a", encoding="ascii") as file:
            file.write(f"{number}\n")
            sync(file)

    def repair(self) -> None:
        """Drop from the journal what is no block, or is not whole, before more are added."""
        numbers, fault = self._journal()
        known = range(self.blocks) if fault else sorted(numbers)
        whole = [number for number in known if not list(self._damaged(number))]
        with writing_whole(self.path / DONE) as part:
            part.write_text("".join(f"{number}\n" for number in whole), "ascii")

    def faults(self) -> tuple[Fault, ...]:
        """Return all that is missing or damaged in what is said to be written."""
        numbers, fault = self._journal()
        if (self.path / SUMMARY).exists() and len(numbers) < self.blocks and not fault:
            fault = Fault(_DAMAGED, self.path / DONE)  # all was written before the summary
        faults = [*self.altered(), *([fault] if fault else [])]
        for number in sorted(numbers):
            faults += self._damaged(number)
        summary = self.path / SUMMARY
        return (*faults, *(_altered(summary) if summary.exists() and self.checked else ()))

    def altered(self) -> tuple[Fault, ...]:
        """Return what is damaged of metadata and coordinates."""
        return tuple(_altered(self.path)) if self.checked else ()

    def _damaged(self, number: int) -> Iterator[Fault]:
        for name in self.per_run if self.checked else ():
            file = self.path / self.chunk(name, number)
            try:
                raw = file.read_bytes()
            except OSError:
                yield Fault(_GONE, file)
            else:
                if not _is_whole(raw):
                    yield Fault(_FLIPPED, file)

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
        if not self.checked:
            return LocalStore(self.path, read_only=True)
        whole = frozenset(self.chunk(name, n) for name in self.per_run for n in self.done())
        return _CheckedFiles(self.path, listed=whole)

    def group(self) -> zarr.Group:
        """Open the arrays for reading; see `files`."""
        return zarr.open_group(self.files(), mode="r", use_consolidated=False)


class _CheckedFiles(LocalStore):
    """Files of which a chunk that is listed and gone is no chunk of fill values, but a fault."""

    def __init__(
        self, root: Path | str, *, read_only: bool = True, listed: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(root, read_only=read_only)
        self._listed = listed

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        value = await super().get(key, prototype, byte_range)
        if value is None and key in self._listed:
            raise InputError(Fault(_GONE, self.root / key))
        if value is not None and "/c/" in key and not _is_whole(value.to_bytes()):
            raise InputError(Fault(_FLIPPED, self.root / key))
        return value


_GONE = Message("a chunk of the result is missing; plansim sweep --resume repairs it")
_FLIPPED = Message("a chunk of the result is damaged; plansim sweep --resume repairs it")
_CHANGED = Message("the metadata of the result are damaged; plansim sweep --resume repairs them")
_DAMAGED = Message("the journal of the result is damaged; plansim sweep --resume repairs it")


def _is_whole(chunk: bytes) -> bool:
    """Return whether the checksum at the end of a chunk is that of what stands before it."""
    checksum: int = google_crc32c.value(chunk[:-4])
    return checksum.to_bytes(4, "little") == chunk[-4:]


def write_manifest(folder: Path, others: Collection[str] = ()) -> None:
    """Write the digests of what is written once in a group: all but its arrays ``others``."""
    files = [folder / "zarr.json"]
    for member in sorted(path for path in folder.iterdir() if path.is_dir()):
        files.append(member / "zarr.json")
        chunks = (member / "c").rglob("*") if member.name not in others else ()
        files += sorted(path for path in chunks if path.is_file())
    digests = {file.relative_to(folder).as_posix(): _digest(file) for file in files}
    _manifest(folder).write_text(json.dumps(digests, indent=0, ensure_ascii=False), "utf-8")


def _manifest(folder: Path) -> Path:
    return folder / ("runs" if folder.name == SUMMARY else "status") / MANIFEST


def _digest(file: Path) -> str:
    """Return the digest of a file; of a group's metadata without the copies of its members'."""
    raw = file.read_bytes()
    if b'"consolidated_metadata"' in raw:
        metadata = json.loads(raw)
        metadata.pop("consolidated_metadata", None)
        raw = json.dumps(metadata, sort_keys=True).encode()
    return hashlib.sha256(raw).hexdigest()


def _altered(folder: Path) -> Iterator[Fault]:
    """Yield a fault for each file of a manifest that is not as it was written."""
    manifest = _manifest(folder)
    try:
        digests = dict(json.loads(manifest.read_bytes()))
        if "zarr.json" not in digests:
            raise ValueError("the manifest is none")
    except (OSError, ValueError, TypeError):
        yield Fault(_CHANGED, manifest)
        return
    for name, digest in digests.items():
        with suppress(OSError, ValueError, AttributeError, RecursionError):
            if _digest(folder / name) == digest:
                continue
        if name == "zarr.json" and folder.name != SUMMARY:  # by which --resume goes
            yield Fault(_CHANGED_ROOT, folder / name, expected=_AGAIN)
        else:
            yield Fault(_CHANGED, folder / name)


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


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise errors of the operating system as `OutputError`."""
    try:
        yield
    except OSError as error:
        why = foreign(error.strerror or error)
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        message = Message("the disk is full") if full else Message("cannot write the result")
        if full and (path / DONE).exists():
            message = Message(
                "the disk is full; what is written so far stays valid, --resume goes on from there"
            )
        raise OutputError(Fault(message, path, found=why)) from error


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Write to a store alone; a process that ends, however it does, lets others in.

    Raises:
        OutputError: another process writes to it.
    """
    with locked(path / LOCK, Fault("another process is writing the result", path)):
        yield


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Yield a new folder that is to be renamed into a store, to which nobody else may write.

    Folders that dead writers have left are removed.
    """
    for left in path.parent.glob(glob.escape(part_of(path, "")) + "*"):
        with suppress(OutputError), alone(left):
            shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as stack:
        yield _own_folder(path, stack)


def _own_folder(path: Path, stack: ExitStack) -> Path:
    """Make a folder that nobody else may write to until a stack is closed, which removes it.

    Until its lock is taken another writer may take it for one that a dead writer has left.
    """
    tries = 0
    while True:
        tries += 1
        part = path.with_name(part_of(path))
        with writing(path):
            (part / LOCK).parent.mkdir(parents=True)
        stack.callback(shutil.rmtree, part, ignore_errors=True)
        try:
            stack.enter_context(alone(part))
        except OutputError:
            if tries == TRIES:
                raise
        else:
            return part


def open_store(path: Path) -> Store:
    """Open a store that a sweep has written, completely or in part.

    Raises:
        InputError: ``path`` holds no store, or what describes it is damaged.
    """
    try:
        attributes = json.loads((path / "zarr.json").read_bytes())["attributes"]
        return _described(path, attributes)
    except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError):
        if (path / DONE).exists():
            raise InputError(Fault(_CHANGED_ROOT, path / "zarr.json", expected=_AGAIN)) from None
    made = Message("a RESULT.zarr that 'plansim sweep' has made")
    message = Message("not the result of a sweep") if path.exists() else Message("no such folder")
    raise InputError(Fault(message, path, expected=made))


_CHANGED_ROOT = Message("what describes the result is damaged")
_AGAIN = Message("plansim sweep --force, which begins anew")


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
    return Store(path, card, runs, block, factors, outputs, layout.get("checked") is True)


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


def open_summary(store: Store) -> xr.Dataset:
    """Read what `write_summary` wrote.

    Raises:
        InputError: the sweep is not finished, or its summary is damaged.
    """
    if not (store.path / SUMMARY).is_dir():
        raise InputError(
            Fault("the sweep is not finished; plansim sweep --resume goes on", store.path)
        )
    if store.checked and (faults := list(_altered(store.path / SUMMARY))):
        raise InputError(faults)
    with xr.open_zarr(store.path, group=SUMMARY, consolidated=False, chunks=None) as summary:
        read: xr.Dataset = summary.load()
    return read


def write_summary(store: Store, summary: xr.Dataset) -> None:
    """Write the result of `summarise` into a group of its own, which is replaced as a whole.

    Raises:
        OutputError: the system refuses to write.
    """
    with folder_beside(store.path) as part, writing(store.path):
        new, old = part / SUMMARY, store.path / SUMMARY
        summary.to_zarr(
            new,
            mode="w",
            zarr_format=3,
            consolidated=False,
            write_empty_chunks=True,
            encoding={name: {"compressors": CHECKSUM} for name in summary.variables},
        )
        write_manifest(new)
        for file in new.rglob("*"):
            sync(file)
        if old.exists():
            old.rename(part / "old")
        new.rename(old)
        consolidate(store.path)


def consolidate(path: Path) -> None:
    """Copy the metadata of all arrays to where xarray looks for them first."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        zarr.consolidate_metadata(path)


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
