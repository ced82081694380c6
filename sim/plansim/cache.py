"""The cache: parsed files, translated models, machine code, finished runs.

Files are written under a temporary name and renamed, so that processes may write at the same time,
and carry a digest of their key and content, so that damaged or foreign ones are recognised. Since
code in the cache is run, folder and files must be writable by this user only; others are neither
read nor written. The cache can be deleted at any time, and is not used if it cannot be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import platformdirs

__all__ = [
    "code_of",
    "digest",
    "file_sha256",
    "keep",
    "kept",
    "load_sealed",
    "recall",
    "save_report",
    "save_sealed",
    "workspace",
]

KEEP = 200
"""Number of files that a folder keeps, those used last; each takes some hundred kilobytes."""
PART = ".part"
"""Suffix of a file that is being written."""

Record = TypeVar("Record")


@cache
def code_of(*folders: str) -> str:
    """Return the digest of plansim's own sources in some folders.

    ``""`` stands for the package itself and the folder ``files``.

    What they make of an input changes with them, so it stands in every key.
    """
    package = Path(__file__).parent
    patterns = [f"{folder}/**/*.py" for folder in folders if folder]
    patterns += ["*.py", "files/*.py"] if "" in folders else []
    paths = (path for pattern in patterns for path in sorted(package.glob(pattern)))
    return digest(*(path.read_bytes() for path in paths))


def digest(*parts: str | bytes) -> str:
    """Return one SHA-256 of several parts, which depends on where each part ends."""
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        total.update(f"{len(raw)}:".encode() + raw)
    return total.hexdigest()


def file_sha256(path: Path, most: int = 5_000_000) -> str:
    """Return the SHA-256 of a file's bytes, of the first ``most`` if there are more.

    Empty if there is no such file: a folder or a device is none.
    """
    try:
        if path.is_file():
            with path.open("rb") as stream:
                return hashlib.sha256(stream.read(most + 1)).hexdigest()
    except OSError:
        pass
    return ""


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Yield the cache folder: ``$PLANSIM_CACHE``, or plansim's folder in the user's cache.

    If it cannot be written, or others may write to it, a temporary one that lasts as long as the
    context.
    """
    asked = os.environ.get("PLANSIM_CACHE")
    folder = Path(asked) if asked else platformdirs.user_cache_path("plansim", appauthor=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = _is_ours(folder.stat())
        if usable:
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError:
        usable = False
    if usable:
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="plansim-") as temporary:
            yield Path(temporary)


def _is_ours(status: os.stat_result) -> bool:
    """Return whether a file or folder belongs to this user, who alone may write to it."""
    if not hasattr(os, "getuid"):  # a system whose folders of users are private
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def load_sealed(path: Path) -> bytes | None:
    """Return the content that `save_sealed` wrote to a file.

    None if the file is missing, altered or renamed, or if others may write to it or to its folder.
    """
    with (
        contextlib.suppress(OSError),
        _folder(path.parent) as folder,
        folder.open(path.name, os.O_RDONLY) as stream,
    ):
        status = os.fstat(stream.fileno())
        if _is_ours(status) and stat.S_ISREG(status.st_mode):
            seal, _, content = stream.read().partition(b"\n")
            if seal == _seal(path, content):
                with contextlib.suppress(OSError):
                    os.utime(stream.fileno())
                return content
    return None


def save_sealed(path: Path, content: bytes) -> None:
    """Write a file atomically; of a folder's files only the latest are kept.

    Of two writers the later wins. Errors of writing are ignored: the next run computes it again.
    """
    with contextlib.suppress(OSError):
        _save(path, _seal(path, content) + b"\n" + content)


def _save(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _folder(path.parent) as folder:
        part = secrets.token_hex(8) + PART
        try:
            with folder.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as stream:
                stream.write(content)
            folder.rename(part, path.name)
        except OSError:
            folder.remove(part)
            raise
        folder.forget_old(path.suffix)


def save_report(content: bytes) -> Path | None:
    """Write the report on an internal error; return its path, None if it cannot be written."""
    path: Path | None = None
    with contextlib.suppress(OSError), workspace() as folder:
        path = folder / "reports" / f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(4)}.txt"
        _save(path, content)
    return path if path is not None and path.is_file() else None


@dataclass(frozen=True)
class _OpenFolder:
    """A folder that was opened once: what is checked is what is used, wherever its path leads."""

    path: Path
    descriptor: int | None
    """None on a system that has no descriptors of folders."""

    def open(self, name: str, flags: int) -> BinaryIO:
        """Open a file unless it is a symbolic link, without blocking on a pipe."""
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        opened = os.open(self._at(name), flags, 0o600, dir_fd=self.descriptor)
        return os.fdopen(opened, "wb" if flags & os.O_WRONLY else "rb")

    def rename(self, name: str, new: str) -> None:
        here = self.descriptor
        os.replace(self._at(name), self._at(new), src_dir_fd=here, dst_dir_fd=here)

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):  # another process may be doing the same
            os.unlink(self._at(name), dir_fd=self.descriptor)

    def forget_old(self, suffix: str) -> None:
        """Delete the files that were used least recently, and what dead writers began."""
        with os.scandir(self.path if self.descriptor is None else self.descriptor) as entries:
            used = {entry.name: entry.stat().st_mtime for entry in entries}
        latest = sorted((name for name in used if name.endswith(suffix)), key=used.__getitem__)
        parts = [name for name in used if name.endswith(PART) and used[name] < time.time() - 3600]
        for name in latest[:-KEEP] + parts:
            self.remove(name)

    def _at(self, name: str) -> str | Path:
        return self.path / name if self.descriptor is None else name


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[_OpenFolder]:
    """Open a folder.

    Raises:
        OSError: there is no such folder, it is a link, or others may write to it.
    """
    if os.open not in os.supports_dir_fd:
        if not _is_ours(path.stat()):
            raise PermissionError(path)
        yield _OpenFolder(path, None)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not _is_ours(os.fstat(descriptor)):
            raise PermissionError(path)
        yield _OpenFolder(path, descriptor)
    finally:
        os.close(descriptor)


def _seal(path: Path, content: bytes) -> bytes:
    """Return the first line of a file, which shows whether it is complete and not renamed."""
    return f"# sha256 {digest(path.stem, content)}".encode()


def kept(folder: str, key: str, kind: type, make: Callable[[], Record]) -> Record:
    """Return the record that is cached under a key, or make and cache it.

    ``key`` is a digest of everything that the record depends on, code included; ``kind`` is its
    type. If the file is missing or altered, ``make`` is called; its errors propagate.
    """
    record: Record | None = recall(folder, key, kind)
    if record is None:
        record = make()
        keep(folder, key, record)
    return record


def recall(folder: str, key: str, kind: type) -> Any:
    """Return the record that `keep` wrote under a key; None if it is missing or no ``kind``.

    Reading a pickle may run code, as machine code of the cache is run: both are read only from a
    file and folder that nobody else may write to.
    """
    with workspace() as root:
        content = load_sealed(root / folder / f"{key}.pickle")
    try:
        record = None if content is None else pickle.loads(content)
    except Exception:  # a pickle may fail in any way; the record is made anew
        return None
    return record if isinstance(record, kind) else None


def keep(folder: str, key: str, record: object) -> None:
    """Write a record for `recall`."""
    with workspace() as root:
        save_sealed(root / folder / f"{key}.pickle", pickle.dumps(record))
