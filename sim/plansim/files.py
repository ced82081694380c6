"""The files that come with plansim, and writing a file whole or not at all.

The model, the plan's targets and the scenarios are in the package, under ``_data``, in a wheel;
at the root of the repository in a checkout (an editable install, or ``sim`` on the import path).
Nothing else needs to know which.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from plansim.errors import Fault, InputError, Message, OutputError, foreign

__all__ = ["is_shipped", "shipped", "shipped_model", "writing_whole"]


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
