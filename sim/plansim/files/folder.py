"""Writing a folder whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from plansim.errors import Fault, Message, OutputError, foreign
from plansim.files.writing import unfit_parent

__all__ = ["check_folder", "write_folder"]

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
        expected, found = Message("a folder"), Message("a file")
        fault = Fault("cannot write the output", path, expected=expected, found=found)
    elif unfit := unfit_parent(path):
        fault = unfit
    elif not path.is_dir() or not any(path.iterdir()):
        return
    elif front is None or not (path / front).is_file():
        expected = Message("an empty folder")
        if front is not None:
            expected = Message("an empty folder, or one with {name}", name=front)
        fault = Fault(
            "the folder holds something else and is not replaced", path, expected=expected
        )
    elif not force:
        fault = Fault("the output folder exists already; --force replaces it", path)
    else:
        return
    raise OutputError(fault)


def write_folder(
    files: Mapping[str, str | bytes],
    path: Path,
    *,
    force: bool = False,
    front: str | None = FRONT,
) -> None:
    """Write files, by their paths in the folder, into a folder that appears when all are written.

    A folder that is there stays the same one, so that whoever works in it still does.

    Raises:
        OutputError: as for `check_folder`; or the disk refuses.
    """
    check_folder(path, force=force, front=front)
    whole = path.resolve()
    building = Path(tempfile.mkdtemp(prefix=f".{whole.name}-", dir=whole.parent))
    try:
        for name, content in files.items():
            file = building / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        building.chmod(0o755)
        if whole.is_dir():
            for old in whole.iterdir():
                shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
            for new in building.iterdir():
                new.replace(whole / new.name)
        else:
            building.replace(whole)
    except OSError as error:
        why = foreign(error.strerror or error)
        raise OutputError("cannot write the output", path, found=why) from error
    finally:
        if building.exists():
            shutil.rmtree(building, ignore_errors=True)
