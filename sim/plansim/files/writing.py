"""Writing a file or a folder whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from plansim.errors import Fault, Message, Option, OutputError, foreign, nearest

__all__ = [
    "check_destination",
    "check_folder",
    "locked",
    "part_of",
    "sync",
    "unfit_parent",
    "write_folder",
    "write_text",
    "writing_whole",
]


def check_destination(path: Path, *, force: bool = False, formats: Sequence[str] = ()) -> None:
    """See, before any work, that its result can be written to ``path``.

    ``formats`` are the suffixes of which the name must end with one, in lower case; none for any. A
    link is followed.

    Raises:
        OutputError: unknown suffix, no such folder, folder not writable, the file exists and
            ``force`` is not given, or it is no file that can be replaced.
    """
    whole = _followed(path)
    if what := _no_file(whole):
        expected = Message("a file")
        raise OutputError("cannot write the output", path, expected=expected, found=what)
    if formats and path.suffix.lower() not in formats:
        raise OutputError(
            "unknown kind of output file",
            path,
            expected=Message("a name that ends with {suffixes}", suffixes=tuple(formats)),
            found=path.suffix or Message("no suffix"),
            nearest=nearest(path.suffix, formats) if path.suffix else None,
        )
    if unfit := unfit_parent(whole):
        raise OutputError(unfit)
    if whole.exists() and not force:
        raise OutputError(
            "the output file exists already; {force} replaces it", path, force=Option.FORCE
        )


def _followed(path: Path) -> Path:
    """Return where a link leads: to itself where links lead in a circle."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _no_file(path: Path) -> Message | None:
    """Return what stands at a path if it is no file, which to replace would be wrong."""
    if path.is_dir():
        return Message("a folder")
    if path.is_symlink():
        return Message("a link that leads in a circle")
    return Message("a device or a pipe") if path.exists() and not path.is_file() else None


def unfit_parent(path: Path) -> Fault | None:
    """Return why nothing can be written at ``path``, whatever it is to be; None if it can."""
    if not path.parent.is_dir():
        expected = Message("an existing folder")
        found = Message("no folder {folder}", folder=path.parent)
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        expected = Message("a folder that you may write to")
        found = Message("no right to write to {folder}", folder=path.parent)
    else:
        return None
    return Fault("cannot write the output", path, expected=expected, found=found)


def write_text(text: str, path: Path, *, force: bool = False) -> None:
    """Write a text to ``path`` as UTF-8, whole or not at all.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force)
    with writing_whole(path) as part:
        part.write_text(text, "utf-8", "replace")  # half a character has no bytes


def part_of(path: Path, token: str | None = None) -> str:
    """Return a name for what is to become ``path``, short enough where that is as long as can be.

    It ends with a random ``token``, of which no two are the same.
    """
    return f".{path.name[:40]}.part-{secrets.token_hex(4) if token is None else token}"


def sync(file: IO[Any] | Path) -> None:
    """Wait until a file is on the disk."""
    if isinstance(file, Path):
        if file.is_file():
            with file.open("r+b") as stream:  # Windows syncs what may be written only
                os.fsync(stream.fileno())
        return
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def locked(path: Path, held: Fault) -> Iterator[None]:
    """Hold a lock on a file, which the system takes from a process that ends, however it does.

    Raises:
        OutputError: ``held``: another process has it; or the system refuses to write.
    """
    with contextlib.ExitStack() as stack:
        with _telling(path):
            file = stack.enter_context(path.open("ab"))
            try:
                _lock(file.fileno())
                if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    raise BlockingIOError  # it was replaced meanwhile, by one who holds the new one
            except (BlockingIOError, FileNotFoundError, PermissionError):
                raise OutputError(held) from None
        yield


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Say in an error of ours why the system does not write a file."""
    try:
        yield
    except OSError as error:
        # Libraries wrap the system's words in their own.
        number = error.errno or 0
        why = foreign(os.strerror(number) if number > 0 else error.strerror or error)
        raise OutputError("cannot write the output", path, found=why) from error


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Return a temporary name beside ``path``; what is written there becomes ``path`` at the end.

    If anything is raised meanwhile, nothing is left behind and a file at ``path`` stays as it was.
    A link stays, and the file that it leads to is written.
    HDF5 ends the process, and zipfile shows a traceback, on a full disk: let them write to memory.

    Raises:
        OutputError: the system refuses to write.
    """
    whole = _followed(path)
    part = whole.with_name(part_of(whole) + path.suffix.lower())
    try:
        with _telling(path):
            yield part
            sync(part)
            part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


FRONT = "index.html"
"""File at the top of a folder of pages."""


def check_folder(path: Path, *, force: bool = False, front: str | None = FRONT) -> None:
    """Check, before any work, that a folder can be written.

    A folder that is not empty is replaced only if it holds the file ``front``; of None, never.

    Raises:
        OutputError: the path is a file, or a link that leads nowhere or in a circle; its parent is
            missing or not writable; or it is a folder that is not empty, and ``force`` is not given
            or it does not hold ``front``.
    """
    if (path.exists() or path.is_symlink()) and not path.is_dir():
        found = Message("a file") if path.exists() else Message("a link that leads nowhere")
        raise OutputError(
            "cannot write the output", path, expected=Message("a folder"), found=found
        )
    if unfit := unfit_parent(path):
        raise OutputError(unfit)
    if not path.is_dir() or not any(path.iterdir()):
        return
    if front is None or not (path / front).is_file():
        expected = Message("an empty folder")
        if front is not None:
            expected = Message("an empty folder, or one with {name}", name=front)
        raise OutputError(
            "the folder holds something else and is not replaced", path, expected=expected
        )
    if not force:
        raise OutputError(
            "the output folder exists already; {force} replaces it", path, force=Option.FORCE
        )


def write_folder(
    files: Mapping[str, str | bytes], path: Path, *, force: bool = False, front: str | None = FRONT
) -> None:
    """Write files, by their paths in the folder, into a folder that appears when all are written.

    A folder that is there stays the same one, so that programs that work in it still do; its files
    are replaced one by one.

    Raises:
        OutputError: as for `check_folder`; or the disk refuses.
    """
    check_folder(path, force=force, front=front)
    whole = path.resolve()
    with _telling(path):
        building = Path(tempfile.mkdtemp(prefix=f".{whole.name}-", dir=whole.parent))
    try:
        with _telling(path):
            for name, content in files.items():
                file = building / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.encode() if isinstance(content, str) else content)
            building.chmod(0o755)
            if not whole.is_dir():
                building.replace(whole)
                return
            # By its front the folder is known as one that may be replaced: that is always there.
            for old in (file for file in whole.iterdir() if file.name != front):
                shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
            for new in sorted(building.iterdir(), key=lambda file: file.name == front):
                new.replace(whole / new.name)
    finally:
        shutil.rmtree(building, ignore_errors=True)
