"""Writing a folder of pages atomically."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from plansim.errors import Fault, Message, OutputError, foreign
from plansim.files.writing import unfit_parent

__all__ = ["check_folder", "write_folder"]

FRONT = "index.html"
"""File at the top of a folder of pages; other folders are not replaced unless empty."""


def check_folder(path: Path, *, force: bool = False) -> None:
    """Check, before any work, that a folder can be written.

    Raises:
        OutputError: the path is a file, its parent is missing or not writable; or it exists, and
            ``force`` is not given or it does not look like pages.
    """
    if path.exists() and not path.is_dir():
        expected, found = Message("a folder"), Message("a file")
        fault = Fault("cannot write the output", path, expected=expected, found=found)
    elif unfit := unfit_parent(path):
        fault = unfit
    elif path.is_dir() and any(path.iterdir()) and not (path / FRONT).is_file():
        fault = Fault(
            "the folder holds something else and is not replaced",
            path,
            expected=Message("an empty folder, or one with {name}", name=FRONT),
        )
    elif path.is_dir() and any(path.iterdir()) and not force:
        fault = Fault("the output folder exists already; --force replaces it", path)
    else:
        return
    raise OutputError(fault)


def write_folder(files: Mapping[str, str | bytes], path: Path, *, force: bool = False) -> None:
    """Write files, by their paths in the folder, into a folder that appears when all are written.

    Raises:
        OutputError: as for `check_folder`; or the disk refuses.
    """
    check_folder(path, force=force)
    building = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for name, content in files.items():
            file = building / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        building.chmod(0o755)
        if path.is_dir():
            shutil.rmtree(path)
        building.replace(path)
    except OSError as error:
        why = foreign(error.strerror or error)
        raise OutputError(Fault("cannot write the output", path, found=why)) from error
    finally:
        if building.exists():
            shutil.rmtree(building, ignore_errors=True)
