"""The files that come with plansim, and writing a file whole or not at all.

The model, the plan's targets and the scenarios are in the package, under ``_data``, in a wheel;
at the root of the repository in a checkout (an editable install, or ``sim`` on the import path).
Nothing else needs to know which.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from plansim.errors import Fault, InputError, Message, OutputError, foreign, nearest

__all__ = [
    "check_destination",
    "is_shipped",
    "shipped",
    "shipped_model",
    "vendored",
    "write_text",
    "writing_whole",
]


def shipped(*parts: str) -> Path:
    """Return the path of a file or folder that comes with plansim.

    ``parts`` are joined under the folder that holds ``model`` and ``scenarios``. Raises
    InputError if there is no such file or folder.

    >>> shipped("model").is_dir()
    True
    """
    package = Path(__file__).parent
    inside = package / "_data"
    path = (inside if inside.is_dir() else package.parents[1]).joinpath(*parts)
    if not path.exists():
        raise InputError(Fault("a file that comes with plansim is missing", file=path))
    return path


def is_shipped(path: Path) -> bool:
    """Return whether a file is one of the scenarios and designs that come with plansim.

    Its author has weighed what it sets; commands do not warn of a value in it that lies outside a
    plausible range.

    >>> is_shipped(shipped("scenarios", "baseline.yaml")), is_shipped(Path("baseline.yaml"))
    (True, False)
    """
    return path.resolve().is_relative_to(shipped("scenarios").resolve())


def shipped_model() -> Path:
    """Return the path of the shipped model: the only ``.mdl`` file in the folder ``model``.

    Raises InputError if there is none, or more than one.

    >>> shipped_model().suffix
    '.mdl'
    """
    folder = shipped("model")
    models = sorted(folder.glob("*.mdl"))
    if len(models) != 1:
        names = tuple(path.name for path in models)
        found = Message("{names}", names=names) if names else Message("none")
        raise InputError(
            Fault(
                "there is not one shipped model",
                folder,
                expected=Message("one .mdl file"),
                found=found,
            )
        )
    return models[0]


@cache
def vendored(package: str, path: str, sha256: str) -> Path:
    """Return the path of a file that is used out of another package, which is not imported.

    The package is pinned for the sake of this one file; its hash says that it is the file that
    plansim was written for.

    Raises:
        InputError: the file is missing, or is another one.
    """
    spec = find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else Path(package)
    file = folder / path
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise InputError(
            Fault(
                "the package '{package}' does not have the file that plansim was written for, "
                "of SHA-256 {sha256}",
                file=file,
                package=package,
                sha256=sha256,
            )
        )
    return file


def check_destination(path: Path, *, force: bool = False, formats: Sequence[str] = ()) -> None:
    """See, before any work, that its result can be written to ``path``.

    ``formats`` are the suffixes of which the name must end with one, in lower case; none for any.

    Raises:
        OutputError: unknown suffix, no such folder, folder not writable, or the file exists and
            ``force`` is not given.
    """
    if path.is_dir():
        fault = Fault(
            "cannot write the output",
            file=path,
            expected=Message("a file"),
            found=Message("a folder"),
        )
    elif formats and path.suffix.lower() not in formats:
        fault = Fault(
            "unknown kind of output file",
            file=path,
            expected=Message("a name that ends with {suffixes}", suffixes=tuple(formats)),
            found=path.suffix or Message("no suffix"),
            nearest=nearest(path.suffix, formats) if path.suffix else None,
        )
    elif not path.parent.is_dir():
        fault = Fault(
            "cannot write the output", file=path, expected=Message("an existing folder"),
            found=Message("no folder {folder}", folder=path.parent),
        )  # fmt: skip
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        fault = Fault(
            "cannot write the output", file=path,
            expected=Message("a folder that you may write to"),
            found=Message("no right to write to {folder}", folder=path.parent),
        )  # fmt: skip
    elif path.exists() and not force:
        fault = Fault("the output file exists already; --force replaces it", file=path)
    else:
        return
    raise OutputError(fault)


def write_text(text: str, path: Path, *, force: bool = False) -> None:
    """Write a text to ``path`` as UTF-8, whole or not at all.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force)
    with writing_whole(path) as part:
        part.write_text(text, "utf-8")


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Return a temporary name beside ``path``; what is written there becomes ``path`` at the end.

    If anything is raised meanwhile, nothing is left behind and a file at ``path`` stays as it was.
    HDF5 ends the process, and zipfile shows a traceback, on a full disk: let them write to memory.

    Raises:
        OutputError: the system refuses to write.
    """
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix.lower()}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        why = foreign(error.strerror or error)
        raise OutputError(Fault("cannot write the output", path, found=why)) from error
    finally:
        part.unlink(missing_ok=True)
