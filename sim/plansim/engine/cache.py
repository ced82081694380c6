"""What is kept between runs: translated models and the numbers of finished runs.

Everything is written to a name of its own and then renamed, so that two processes may do so at
once, and everything carries a digest of its content, so that a damaged or foreign file is never
taken for ours. Nothing here is worth keeping: a folder that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import platformdirs

from plansim.engine.dataset import FloatArray, Trajectory, recorded, shape_of
from plansim.model.records import Model, Variable

__all__ = [
    "digest",
    "load_bytes",
    "load_run",
    "load_sealed",
    "save_bytes",
    "save_run",
    "save_sealed",
    "workspace",
]

KEEP_RUNS = 200
"""So many runs, and so many kernels, are kept, the latest used; each takes some hundred
kilobytes."""

_SEAL = "\n# sha256 of the above: "


def digest(*parts: str | bytes) -> str:
    """Give one SHA-256 of several parts; where one ends and the next begins matters."""
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        total.update(f"{len(raw)}:".encode() + raw)
    return total.hexdigest()


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


def load_run(path: Path, model: Model) -> Trajectory | None:
    """Give a run that `save_run` wrote for a model, or None if it is missing or altered."""
    import h5netcdf  # kept out of `plansim --help`

    try:
        with h5netcdf.File(path, "r") as file:
            time, series, constants = (
                np.asarray(file[name][...], dtype=np.float64)
                for name in ("saved_time", "series", "constants")
            )
            notes, found = str(file.attrs["notes"]), str(file.attrs["sha256"])
    except (OSError, KeyError, ValueError, TypeError, RuntimeError):
        return None
    if found != _digest_of(time, series, constants, notes):
        return None
    with contextlib.suppress(OSError):
        path.touch()
    over_time, once = recorded(model)
    return Trajectory(
        time,
        _split(model, over_time, series),
        _split(model, once, constants),
        tuple(json.loads(notes)),
    )


def save_run(path: Path, model: Model, run: Trajectory) -> None:
    """Write the numbers of a run as NetCDF: two tables, which reads faster than a table each."""
    import h5netcdf

    over_time, once = recorded(model)
    series = _joined([run.series[v.name] for v in over_time], (len(run.time),))
    constants = _joined([run.constants[v.name] for v in once], ())
    notes = json.dumps(run.notes, ensure_ascii=False)

    def write(temporary: Path) -> None:
        with h5netcdf.File(temporary, "w") as file:
            file.dimensions = {"time": len(run.time), "s": series.shape[1], "c": len(constants)}
            file.create_variable("saved_time", ("time",), data=run.time)
            file.create_variable("series", ("time", "s"), data=series)
            file.create_variable("constants", ("c",), data=constants)
            file.attrs["notes"] = notes
            file.attrs["sha256"] = _digest_of(run.time, series, constants, notes)

    _in_one_step(path, write)
    _forget_old(path.parent, "*.nc")


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
        for path in runs[:-KEEP_RUNS]:
            path.unlink(missing_ok=True)


def _digest_of(time: FloatArray, series: FloatArray, constants: FloatArray, notes: str) -> str:
    shapes = json.dumps([time.shape, series.shape, constants.shape])
    return digest(shapes, time.tobytes(), series.tobytes(), constants.tobytes(), notes)


def _joined(arrays: list[FloatArray], lead: tuple[int, ...]) -> FloatArray:
    """Join arrays ``(*lead, …)`` to one ``(*lead, columns)``."""
    flat = [array.reshape(*lead, -1) for array in arrays]
    return np.concatenate([*flat, np.empty((*lead, 0))], axis=-1)


def _split(
    model: Model, variables: tuple[Variable, ...], table: FloatArray
) -> dict[str, FloatArray]:
    """Undo `_joined`, and name the parts."""
    shapes = [shape_of(model, variable) for variable in variables]
    ends = np.cumsum([math.prod(shape) for shape in shapes], dtype=int)
    parts = np.split(table, ends, axis=-1)[:-1]
    return {
        variable.name: part.reshape((*table.shape[:-1], *shape))
        for variable, part, shape in zip(variables, parts, shapes, strict=True)
    }
