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
import stat
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

__all__ = [
    "code_of",
    "digest",
    "file_sha256",
    "keep",
    "kept",
    "load_sealed",
    "recall",
    "save_sealed",
    "workspace",
]

KEEP = 200
"""So many files of a folder are kept, the latest used; each takes some hundred kilobytes."""

Entry = TypeVar("Entry")
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
        raw = part.encode() if isinstance(part, str) else part
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
    """Return whether a file or folder is this user's, and nobody else may write to it."""
    if not hasattr(os, "getuid"):  # a system whose folders of users are private
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def load_sealed(path: Path, read: Callable[[bytes], Entry]) -> Entry | None:
    """Return the result of ``read`` for the content that `save_sealed` wrote to a file.

    None if the file is missing, altered or renamed, if others may write to it or to its folder, or
    if its content has another form: ``read`` raises a `LookupError`, `TypeError` or `ValueError`.
    """
    try:
        with open(path, "rb", opener=_open_no_link) as stream:
            if not (_is_ours(os.fstat(stream.fileno())) and _is_ours(path.parent.stat())):
                return None
            seal, _, content = stream.read().partition(b"\n")
    except OSError:
        return None
    if seal != _seal(path, content):
        return None
    with contextlib.suppress(OSError):
        path.touch()
    try:
        return read(content)
    except (LookupError, TypeError, ValueError):
        return None


def save_sealed(path: Path, content: bytes) -> None:
    """Write a file atomically; of a folder's files only the latest are kept.

    Of two writers the later wins. Errors of writing are ignored: the next run computes it again.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(path.parent.stat()):
            return
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            temporary = Path(folder) / path.name
            temporary.write_bytes(_seal(path, content) + b"\n" + content)
            temporary.chmod(0o600)
            temporary.replace(path)
    _forget_old(path.parent, f"*{path.suffix}")


def _seal(path: Path, content: bytes) -> bytes:
    """Return the first line of a file, which shows whether it is complete and not renamed."""
    return f"# sha256 {digest(path.stem, content)}".encode()


def _open_no_link(path: str, flags: int) -> int:
    """Open a file unless it is a symbolic link, without blocking on a pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def kept(folder: str, key: str, make: Callable[[], Record]) -> Record:
    """Return the record that is cached under a key, or make and cache it.

    ``key`` is a digest of everything that the record depends on, code included. If the file is
    missing or altered, ``make`` is called; its errors propagate.
    """
    record: Record | None = recall(folder, key)
    if record is None:
        record = make()
        keep(folder, key, record)
    return record


def recall(folder: str, key: str) -> Any:
    """Return the record that `keep` wrote under a key; None if it is missing or altered.

    Reading a pickle may run code, as machine code of the cache is run: both are read only from a
    file and folder that nobody else may write to.
    """
    with workspace() as root:
        return load_sealed(root / folder / f"{key}.pickle", _unpickled)


def _unpickled(body: bytes) -> Any:
    try:
        return pickle.loads(body)
    except (AttributeError, EOFError, ImportError, pickle.UnpicklingError) as error:
        raise ValueError from error


def keep(folder: str, key: str, record: object) -> None:
    """Write a record for `recall`."""
    with workspace() as root:
        save_sealed(root / folder / f"{key}.pickle", pickle.dumps(record))


def _forget_old(folder: Path, pattern: str) -> None:
    """Delete the files that were used least recently."""
    with contextlib.suppress(OSError):  # another process may be doing the same
        runs = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
        for path in runs[:-KEEP]:
            path.unlink(missing_ok=True)
