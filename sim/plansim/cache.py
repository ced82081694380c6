"""What is kept between calls: parsed files, translated models, machine code, finished runs.

Everything is written to a name of its own and then renamed, so that two processes may do so at
once, and everything carries a digest of its content, so that a damaged or foreign file is never
taken for ours. Nothing here is worth keeping: a folder that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import platformdirs

from plansim.frozen import freeze, thaw

__all__ = [
    "code_of",
    "digest",
    "file_sha256",
    "keep",
    "kept",
    "load_bytes",
    "load_sealed",
    "recall",
    "save_bytes",
    "save_sealed",
    "workspace",
]

KEEP = 200
"""So many files of a folder are kept, the latest used; each takes some hundred kilobytes."""

Record = TypeVar("Record")

_SEAL = "\n# sha256 of the above: "


@cache
def code_of(*folders: str) -> str:
    """Give the digest of plansim's own sources in some folders, ``""`` being the package itself.

    What they make of an input changes with them, so it stands in every key.
    """
    package = Path(__file__).parent
    paths = (path for folder in folders for path in sorted((package / folder).glob("*.py")))
    return digest(*(path.read_bytes() for path in paths))


def digest(*parts: str | bytes) -> str:
    """Give one SHA-256 of several parts; where one ends and the next begins matters."""
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        total.update(f"{len(raw)}:".encode() + raw)
    return total.hexdigest()


def file_sha256(path: Path, most: int = 5_000_000) -> str:
    """Give the SHA-256 of a file's bytes, of the first ``most`` if there are more.

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
    """Give a folder to keep files in: ``$PLANSIM_CACHE``, or the user's cache folder.

    If it cannot be written, a temporary one that lasts as long as the context.
    """
    asked = os.environ.get("PLANSIM_CACHE")
    folder = Path(asked) if asked else platformdirs.user_cache_path("plansim", appauthor=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        with tempfile.TemporaryDirectory(prefix="plansim-") as temporary:
            yield Path(temporary)
    else:
        yield folder


def load_sealed(path: Path) -> str | None:
    """Give the text of a file that `save_sealed` wrote, or None if it is missing or altered."""
    try:
        text, seal, found = path.read_text("utf-8").rpartition(_SEAL)
    except (OSError, UnicodeDecodeError):
        return None
    return text if seal and found.strip() == digest(text) else None


def save_sealed(path: Path, text: str) -> None:
    """Write Python source with its digest in a comment at the end."""
    sealed = f"{text}{_SEAL}{digest(text)}\n"
    _in_one_step(path, lambda temporary: temporary.write_bytes(sealed.encode()))


def kept(folder: str, key: str, kind: type[Record], make: Callable[[], Record]) -> Record:
    """Give the record that was kept under a key, or make it and keep it.

    ``key`` is a digest of all that the record depends on. A file that is missing or altered is
    made anew; what ``make`` raises is not kept.
    """
    found = recall(folder, key, kind)
    if found is None:
        found = make()
        keep(folder, key, found)
    return found


def recall(folder: str, key: str, kind: type[Record]) -> Record | None:
    """Give the record that `keep` wrote under a key; None if it is missing or altered."""
    with workspace() as place:
        path = place / folder / f"{key}.json"
        raw = load_bytes(path)
        if raw is None:
            return None
        seal, _, body = raw.partition(b"\n")
        if seal.decode("ascii", "replace") != digest(key, body):
            return None
        with contextlib.suppress(OSError):
            path.touch()
    return thaw(kind, json.loads(body))


def keep(folder: str, key: str, record: object) -> None:
    """Write a record, as text that is data and nothing else, for `recall`."""
    body = json.dumps(freeze(record), ensure_ascii=False).encode()
    with workspace() as place:
        save_bytes(place / folder / f"{key}.json", digest(key, body).encode() + b"\n" + body)


def load_bytes(path: Path) -> bytes | None:
    """Give what is in a file, or None if it cannot be read; to be checked by who asked."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def save_bytes(path: Path, content: bytes) -> None:
    """Write a file that nobody ever sees half of; of a folder's files the latest are kept."""
    _in_one_step(path, lambda temporary: temporary.write_bytes(content))
    _forget_old(path.parent, f"*{path.suffix}")


def _in_one_step(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file that then takes the place of ``path``.

    Nobody ever sees half a file, and of two writers the later wins. What cannot be written is
    not: the next run then computes it again.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            temporary = Path(folder) / path.name
            write(temporary)
            temporary.replace(path)


def _forget_old(folder: Path, pattern: str) -> None:
    """Delete the files that were not used for longest."""
    with contextlib.suppress(OSError):  # another process may be doing the same
        runs = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
        for path in runs[:-KEEP]:
            path.unlink(missing_ok=True)
