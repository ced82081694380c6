"""The files of a sweep's result: whether they are as they were written, and who may write them.

Each chunk ends in its checksum, which the journal of the result has too; what is written only once
has its digest in a manifest. See `store` for what stands where.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import google_crc32c
import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from plansim.errors import Fault, InputError, Message, Option, OutputError, foreign
from plansim.files.writing import locked, part_of, sync

__all__ = [
    "DAMAGED",
    "DONE",
    "LOCK",
    "SUMMARY",
    "OwnFiles",
    "alone",
    "altered",
    "checksum_of",
    "chunk_fault",
    "consolidate",
    "content_of",
    "digests_of",
    "making",
    "write_manifest",
    "writing",
]

DONE = Path("status", "blocks.done")
LOCK = Path("status", "writer.lock")
MANIFEST = Path("target", "manifest.json")
SUMMARY = "summary"
DAMAGED = Message("the journal of the result is damaged; plansim sweep --resume repairs it")
_GONE = Message("a chunk of the result is missing; plansim sweep --resume repairs it")
_FLIPPED = Message("a chunk of the result is damaged; plansim sweep --resume repairs it")
_CHANGED = Message("the metadata of the result are damaged; plansim sweep --resume repairs them")
_BUSY = Message("another process is writing the result")
_NO_CHUNK = bytes(4)
_RESULT = "result"
"""The entry of a manifest that says of which result it is."""


# --- reading --------------------------------------------------------------------------------------


class OwnFiles(LocalStore):
    """The files of a result as Zarr reads them: a chunk that is missing or damaged is a fault.

    Of blocks that the journal does not list there are no chunks, and what is no part of the result
    is not seen.
    """

    def __init__(
        self,
        root: Path | str,
        members: Collection[str],
        arrays: Collection[str],
        checksums: Mapping[str, bytes],
    ) -> None:
        """Show ``members`` of a folder; ``checksums`` are those of chunks of ``arrays``, by key."""
        super().__init__(root, read_only=True)
        self._members, self._arrays, self._checksums = members, arrays, checksums

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names in a folder; of the result itself only its members."""
        async for name in super().list_dir(prefix):
            if prefix.strip("/") or name in self._members:
                yield name

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return what stands in a file; a damaged chunk raises an `InputError`."""
        array, is_chunk, _ = key.partition("/c/")
        if not is_chunk or array not in self._arrays:
            return await super().get(key, prototype, byte_range)
        if key not in self._checksums:
            return None
        is_file = (self.root / key).is_file()  # a pipe is none
        value = await super().get(key, prototype, byte_range) if is_file else None
        chunk = None if value is None else value.to_bytes()
        if fault := chunk_fault(self.root / key, chunk, self._checksums[key]):
            raise InputError(fault)
        return value


def content_of(file: Path) -> bytes | None:
    """Return what stands in a file; None if it cannot be read.

    A pipe, for which a reader would wait for ever, is no file.
    """
    try:
        return file.read_bytes() if file.is_file() else None
    except OSError:
        return None


def checksum_of(file: Path) -> bytes:
    """Return the checksum at the end of a chunk; an array without columns has no chunks."""
    if not file.exists():
        return _NO_CHUNK
    with file.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        return stream.read()


def chunk_fault(file: Path, chunk: bytes | None, checksum: bytes) -> Fault | None:
    """Return what is wrong with the content of a chunk's file, whose checksum is to be as given."""
    if chunk is None:
        return None if checksum == _NO_CHUNK else Fault(_GONE, file)
    value: int = google_crc32c.value(chunk[:-4])
    is_whole = value.to_bytes(4, "little") == chunk[-4:] == checksum
    return None if is_whole else Fault(_FLIPPED, file)


def digests_of(folder: Path, result: str) -> dict[str, str]:
    """Return the digests of what is written once in a group, by its path; none if damaged.

    ``result`` is the identity of the result.
    """
    with suppress(RecursionError, TypeError, ValueError):
        digests = dict(json.loads(content_of(folder / MANIFEST) or b""))
        if digests.pop(_RESULT, None) == result:
            return digests
    return {}


def altered(folder: Path, result: str) -> tuple[Fault, ...]:
    """Return a fault for each file of a manifest that is not as it was written."""
    digests = digests_of(folder, result)
    if not digests:
        return (Fault(_CHANGED, folder / MANIFEST),)
    wrong = (name for name, digest in digests.items() if _digest(folder / name) != digest)
    return tuple(Fault(_CHANGED, folder / name) for name in wrong)


def _digest(file: Path) -> str:
    """Return the digest of a file; of a group's metadata without the copies of its members'."""
    raw = content_of(file) or b""
    if b'"consolidated_metadata"' in raw:
        with suppress(AttributeError, RecursionError, ValueError):
            metadata = json.loads(raw)
            metadata.pop("consolidated_metadata", None)
            raw = json.dumps(metadata, sort_keys=True).encode()
    return hashlib.sha256(raw).hexdigest()


# --- writing --------------------------------------------------------------------------------------


def write_manifest(folder: Path, result: str, others: Collection[str] = ()) -> None:
    """Write the digests of what is written once in a group: all but chunks of arrays ``others``."""
    files = [folder / "zarr.json"]
    for member in sorted(path for path in folder.iterdir() if path.is_dir()):
        files.append(member / "zarr.json")
        chunks = (member / "c").rglob("*") if member.name not in others else ()
        files += sorted(path for path in chunks if path.is_file())
    digests = {file.relative_to(folder).as_posix(): _digest(file) for file in files}
    text = json.dumps({_RESULT: result, **digests}, indent=0, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, "utf-8")


def consolidate(path: Path) -> None:
    """Copy the metadata of all arrays to where xarray looks for them first."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        warnings.filterwarnings("ignore", "Object at .* is not recognized")
        zarr.consolidate_metadata(path)
    sync(path / "zarr.json")


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
                "the disk is full; what is written so far stays valid, {resume} goes on from there",
                resume=Option.RESUME,
            )
        raise OutputError(message, path, found=why) from error


def alone(path: Path) -> AbstractContextManager[None]:
    """Write to a store alone; a process that ends, however it does, lets others in.

    Raises:
        OutputError: another process writes to it.
    """
    return locked(path / LOCK, Fault(_BUSY, path))


@contextmanager
def making(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside a store, where one process at a time makes what replaces it.

    Raises:
        OutputError: another process does so, or the system refuses to write.
    """
    token = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]  # a long name is cut
    beside = path.with_name(part_of(path, token))
    with writing(path):
        beside.mkdir(exist_ok=True)
    with locked(beside / "lock", Fault(_BUSY, path)):
        try:
            for left in beside.glob("*/"):  # by a writer that died
                shutil.rmtree(left, ignore_errors=True)
            yield beside
        finally:
            shutil.rmtree(beside, ignore_errors=True)
