"""The files of a sweep's result: who may write them, and whether they are as they were written.

Each chunk ends in its checksum, which the journal of the result has too; what is written only once
has its digest in a manifest. See `store` for what stands where.
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
from pathlib import Path
from types import MappingProxyType

import google_crc32c
import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from plansim.errors import Fault, InputError, Message, OutputError, foreign
from plansim.files.writing import locked, part_of, sync

__all__ = [
    "AGAIN",
    "CHANGED_ROOT",
    "DAMAGED",
    "DONE",
    "LOCK",
    "RUNS",
    "SUMMARY",
    "OwnFiles",
    "alone",
    "altered",
    "checksum_in",
    "checksum_of",
    "consolidate",
    "damage",
    "folder_beside",
    "manifest_of",
    "members_of",
    "read_bytes",
    "strangers",
    "write_manifest",
    "writing",
]

DONE = Path("status", "blocks.done")
LOCK = Path("status", "writer.lock")
_NO_CHUNK = bytes(4)
TRIES = 100
"""Maximum number of folders that are begun beside a store until one can be locked."""
MANIFEST = "manifest.json"
RUNS = "of the runs"
"""The entry of a manifest that is a digest of runs, not of a file."""
SUMMARY = "summary"


class OwnFiles(LocalStore):
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
        """Yield the names in a folder; of the result itself only its members."""
        async for name in super().list_dir(prefix):
            if prefix.strip("/") or name in self._own:
                yield name

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return what stands in a file; a damaged chunk raises an `InputError`."""
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
        if value is not None and chunk and (message := _chunk_fault(value.to_bytes(), checksum)):
            raise InputError(message, self.root / key)
        return value


_GONE = Message("a chunk of the result is missing; plansim sweep --resume repairs it")
_FLIPPED = Message("a chunk of the result is damaged; plansim sweep --resume repairs it")
_ELSEWHERE = Message(
    "a chunk of the result comes from another place or result; plansim sweep --resume repairs it"
)
_CHANGED = Message("the metadata of the result are damaged; plansim sweep --resume repairs them")
DAMAGED = Message("the journal of the result is damaged; plansim sweep --resume repairs it")
_STRANGE = Message("no part of the result; commands pass over it")


def read_bytes(file: Path) -> bytes:
    """Read a file; a pipe, for which a reader would wait for ever, is none."""
    if not file.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
    return file.read_bytes()


def checksum_in(checksums: bytes, index: int) -> bytes:
    """Return the checksum of one of the chunks of a block."""
    return checksums[4 * index : 4 * index + 4]


def checksum_of(file: Path) -> bytes:
    """Return the checksum at the end of a chunk; an array without columns has no chunks."""
    if not file.exists():
        return _NO_CHUNK
    with file.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        return stream.read()


def _chunk_fault(chunk: bytes, checksum: bytes | None) -> Message | None:
    """Return what is wrong with a chunk, whose checksum is at its end, and is to be as given."""
    value: int = google_crc32c.value(chunk[:-4])
    if value.to_bytes(4, "little") != chunk[-4:]:
        return _FLIPPED
    return None if checksum in (None, chunk[-4:]) else _ELSEWHERE


def damage(file: Path, checksum: bytes) -> Iterator[Fault]:
    """Yield a fault if a chunk is missing, or not as it was written."""
    try:
        raw = read_bytes(file)
    except OSError:
        if checksum != _NO_CHUNK:
            yield Fault(_GONE, file)
    else:
        if message := _chunk_fault(raw, checksum):
            yield Fault(message, file)


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


def manifest_of(folder: Path) -> dict[str, str]:
    """Read the digests by the name of the file; raise an `OSError`, `TypeError` or `ValueError`."""
    digests = dict(json.loads(read_bytes(_manifest(folder))))
    if not {"zarr.json", RUNS} <= digests.keys():
        raise ValueError("the manifest is none")
    return digests


def members_of(folder: Path) -> frozenset[str]:
    """Return the names of what a result, or its summary, is made of."""
    names = {name.partition("/")[0] for name in manifest_of(folder)}
    return frozenset((names | {SUMMARY}) - {RUNS})


def strangers(folder: Path) -> Iterator[Fault]:
    """Yield a fault for each thing in a result that is no part of it, and not hidden."""
    with suppress(OSError, TypeError, ValueError):
        known = members_of(folder)
        for path in sorted(folder.iterdir()):
            left = path.suffix == ".partial"  # by a writer that died
            hidden = path.name.startswith(".")  # as systems leave them in any folder
            if not (path.name in known or hidden or left):
                yield Fault(_STRANGE, path)


def _digest(file: Path) -> str:
    """Return the digest of a file; of a group's metadata without the copies of its members'."""
    raw = read_bytes(file)
    if b'"consolidated_metadata"' in raw:
        metadata = json.loads(raw)
        metadata.pop("consolidated_metadata", None)
        raw = json.dumps(metadata, sort_keys=True).encode()
    return hashlib.sha256(raw).hexdigest()


def altered(folder: Path) -> Iterator[Fault]:
    """Yield a fault for each file of a manifest that is not as it was written."""
    try:
        digests = manifest_of(folder)
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
            yield Fault(CHANGED_ROOT, folder / name, expected=AGAIN)
        else:
            yield Fault(_CHANGED, folder / name)


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


CHANGED_ROOT = Message("what describes the result is damaged")
AGAIN = Message("plansim sweep --force, which begins anew")


def consolidate(path: Path, members: Collection[str]) -> None:
    """Copy the metadata of all arrays to where xarray looks for them first."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        zarr.consolidate_metadata(OwnFiles(path, read_only=False, members=members))
    sync(path / "zarr.json")
