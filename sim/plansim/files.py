"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from plansim.errors import Fault, OutputError

__all__ = ["writing_whole"]


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
        why = error.strerror or str(error)
        raise OutputError(Fault("cannot write the output", path, found=why)) from error
    finally:
        part.unlink(missing_ok=True)
