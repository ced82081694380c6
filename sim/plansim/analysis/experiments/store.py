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

import errno
import glob
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
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
NO_CHUNK = bytes(4)
TRIES = 100
"""Maximum number of folders that are begun beside a store until one can be locked."""
MANIFEST = "manifest.json"
RUNS = "of the runs"
"""The entry of a manifest that is a digest of runs, not of a file."""
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
            lines = _read(file).split(b"\n")[:-1]
        except OSError as error:
            return {}, Fault(_DAMAGED, file, found=foreign(error.strerror or error))
        entries = [self._entry(line, identity) for line in lines]
        expected, wrong = Message("a line that was written for this result"), None
        if None in entries:
            wrong = Fault(_DAMAGED, file, entries.index(None) + 1, expected)
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
            file.write(self._line(number, b"".join(map(_checksum, chunks)), self.identity) + b"\n")
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
            fault = Fault(_DAMAGED, self.path / DONE)  # all was written before the summary
        faults = [*self.altered(), *([fault] if fault else [])]
        for number, checksums in sorted(listed.items()):
            faults += self._damaged(number, checksums)
        if summary.exists():
            faults += self.altered_summary() if not fault else _altered(summary)
        for folder in (self.path, summary):
            faults += _strangers(folder)
        return tuple(faults)

    def altered(self) -> tuple[Fault, ...]:
        """Return what is damaged of metadata and coordinates."""
        return tuple(_altered(self.path))

    def altered_summary(self) -> Iterator[Fault]:
        """Yield what is damaged of the summary, or a fault if it is one of other runs."""
        faults = list(_altered(self.path / SUMMARY))
        if not faults and _manifest_of(self.path / SUMMARY)[RUNS] != self.contents():
            faults = [Fault(_OTHER_RUNS, self.path / SUMMARY)]
        yield from faults

    def _damaged(self, number: int, checksums: bytes) -> Iterator[Fault]:
        for index, name in enumerate(self.per_run):
            file = self.path / self.chunk(name, number)
            try:
                raw = _read(file)
            except OSError:
                if _part(checksums, index) != NO_CHUNK:
                    yield Fault(_GONE, file)
            else:
                if message := _fault_of(raw, _part(checksums, index)):
                    yield Fault(message, file)

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
            key_of(name): {self.chunk(name, number): _part(raw, index) for number, raw in blocks}
            for index, name in enumerate(self.per_run)
        }
        return _OwnFiles(self.path, members=_members(self.path), listed=listed)

    def group(self) -> zarr.Group:
        """Open the arrays for reading; see `files`."""
        return zarr.open_group(self.files(), mode="r", use_consolidated=False)


class _OwnFiles(LocalStore):
    """The files of a result as Zarr sees them: what is damaged is a fault, what is strange unseen.

    A chunk that is listed and gone is no chunk of fill values, but a fault; of blocks that are not
    listed there are no chunks.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        read_only: bool = True,
        members: Collection[str] = (),
        listed: Mapping[str, Mapping[str, bytes]] = MappingProxyType({}),
    ) -> None:
        """Show ``members`` of a folder; ``listed`` are checksums of chunks by array and key."""
        super().__init__(root, read_only=read_only)
        self._own, self._listed = frozenset(members), listed

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        async for name in super().list_dir(prefix):
            if prefix.strip("/") or name in self._own:
                yield name

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        array, chunk, _ = key.partition("/c/")
        checksum = None
        if chunk and array in self._listed:
            checksum = self._listed[array].get(key)
            if checksum is None:
                return None
        is_file = await self.exists(key)  # a pipe is none
        value = await super().get(key, prototype, byte_range) if is_file else None
        if value is None and checksum is not None:
            raise InputError(_GONE, self.root / key)
        if value is not None and chunk and (message := _fault_of(value.to_bytes(), checksum)):
            raise InputError(message, self.root / key)
        return value


_GONE = Message("a chunk of the result is missing; plansim sweep --resume repairs it")
_FLIPPED = Message("a chunk of the result is damaged; plansim sweep --resume repairs it")
_ELSEWHERE = Message(
    "a chunk of the result comes from another place or result; plansim sweep --resume repairs it"
)
_CHANGED = Message("the metadata of the result are damaged; plansim sweep --resume repairs them")
_DAMAGED = Message("the journal of the result is damaged; plansim sweep --resume repairs it")
_OTHER_RUNS = Message("the summary is that of other runs; plansim sweep --resume repairs it")
_LINK = Message("a link in a result is not written through; put in its place what it leads to")
_STRANGE = Message("no part of the result; commands pass over it")


def _read(file: Path) -> bytes:
    """Read a file; a pipe, for which a reader would wait for ever, is none."""
    if not file.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
    return file.read_bytes()


def _part(checksums: bytes, index: int) -> bytes:
    return checksums[4 * index : 4 * index + 4]


def _checksum(file: Path) -> bytes:
    """Return the checksum at the end of a chunk; an array without columns has no chunks."""
    if not file.exists():
        return NO_CHUNK
    with file.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        return stream.read()


def _fault_of(chunk: bytes, checksum: bytes | None) -> Message | None:
    """Return what is wrong with a chunk, whose checksum is at its end, and is to be as given."""
    value: int = google_crc32c.value(chunk[:-4])
    if value.to_bytes(4, "little") != chunk[-4:]:
        return _FLIPPED
    return None if checksum in (None, chunk[-4:]) else _ELSEWHERE


def write_manifest(folder: Path, others: Collection[str] = (), runs: str = "") -> None:
    """Write the digests of what is written once in a group: all but its arrays ``others``.

    ``runs`` is a digest of the runs that it is about.
    """
    files = [folder / "zarr.json"]
    for member in sorted(path for path in folder.iterdir() if path.is_dir()):
        files.append(member / "zarr.json")
        chunks = (member / "c").rglob("*") if member.name not in others else ()
        files += sorted(path for path in chunks if path.is_file())
    digests = {file.relative_to(folder).as_posix(): _digest(file) for file in files}
    text = json.dumps({RUNS: runs, **digests}, indent=0, ensure_ascii=False)
    _manifest(folder).write_text(text, "utf-8")


def _manifest(folder: Path) -> Path:
    return folder / ("runs" if folder.name == SUMMARY else "status") / MANIFEST


def _manifest_of(folder: Path) -> dict[str, str]:
    """Read the digests by the name of the file; raise an `OSError`, `TypeError` or `ValueError`."""
    digests = dict(json.loads(_read(_manifest(folder))))
    if not {"zarr.json", RUNS} <= digests.keys():
        raise ValueError("the manifest is none")
    return digests


def _members(folder: Path) -> frozenset[str]:
    """Return the names of what a result, or its summary, is made of."""
    names = {name.partition("/")[0] for name in _manifest_of(folder)}
    return frozenset((names | {SUMMARY}) - {RUNS})


def _strangers(folder: Path) -> Iterator[Fault]:
    """Yield a fault for each thing in a result that is no part of it, and not hidden."""
    with suppress(OSError, TypeError, ValueError):
        known = _members(folder)
        for path in sorted(folder.iterdir()):
            left = path.suffix == ".partial"  # by a writer that died
            hidden = path.name.startswith(".")  # as systems leave them in any folder
            if not (path.name in known or hidden or left):
                yield Fault(_STRANGE, path)


def _digest(file: Path) -> str:
    """Return the digest of a file; of a group's metadata without the copies of its members'."""
    raw = _read(file)
    if b'"consolidated_metadata"' in raw:
        metadata = json.loads(raw)
        metadata.pop("consolidated_metadata", None)
        raw = json.dumps(metadata, sort_keys=True).encode()
    return hashlib.sha256(raw).hexdigest()


def _altered(folder: Path) -> Iterator[Fault]:
    """Yield a fault for each file of a manifest that is not as it was written."""
    try:
        digests = _manifest_of(folder)
    except (OSError, RecursionError, TypeError, ValueError):
        yield Fault(_CHANGED, _manifest(folder))
        return
    for name, digest in digests.items():
        if name == RUNS:
            continue
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
        raise OutputError(message, path, found=why) from error


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
        with suppress(OSError, OutputError):
            (left / LOCK).parent.mkdir(exist_ok=True)  # gone where a removal was interrupted
            with alone(left):
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
        stack.callback(shutil.rmtree, part, ignore_errors=True)
        try:
            with writing(path):
                (part / LOCK).parent.mkdir(parents=True, exist_ok=True)
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
        attributes = json.loads(_read(path / "zarr.json"))["attributes"]
        return _described(path, attributes)
    except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError):
        if (path / DONE).exists():
            raise InputError(_CHANGED_ROOT, path / "zarr.json", expected=_AGAIN) from None
    made = Message("a RESULT.zarr that 'plansim sweep' has made")
    message = Message("not the result of a sweep") if path.exists() else Message("no such folder")
    raise InputError(message, path, expected=made)


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


def open_summary(store: Store) -> xr.Dataset:
    """Read what `write_summary` wrote.

    Raises:
        InputError: the sweep is not finished, or its summary is damaged.
    """
    if not (store.path / SUMMARY).is_dir():
        raise InputError("the sweep is not finished; plansim sweep --resume goes on", store.path)
    if faults := list(store.altered_summary()):
        raise InputError(faults)
    folder = store.path / SUMMARY
    files = _OwnFiles(folder, members=_members(folder))
    with xr.open_zarr(files, consolidated=False, chunks=None) as summary:
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
        write_manifest(new, runs=store.contents())
        for file in new.rglob("*"):
            sync(file)
        if old.exists():
            old.rename(part / "old")
        new.rename(old)
        consolidate(store.path, _members(store.path))


def consolidate(path: Path, members: Collection[str]) -> None:
    """Copy the metadata of all arrays to where xarray looks for them first."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        zarr.consolidate_metadata(_OwnFiles(path, read_only=False, members=members))
    sync(path / "zarr.json")


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
