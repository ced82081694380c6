"""The cache of finished runs on disk; see `plansim.cache`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from plansim.cache import load_sealed, save_sealed
from plansim.engine.trajectory import FloatArray, Trajectory, recorded, shape_of
from plansim.model.records import Model

__all__ = ["load_run", "save_run"]


def load_run(path: Path, model: Model) -> Trajectory | None:
    """Return a run that `save_run` wrote for a model, or None if it is missing or altered."""
    return load_sealed(path, lambda content: _thawed(content, model))


def _thawed(content: bytes, model: Model) -> Trajectory:
    """Return the run of a file; raise a `ValueError` if its numbers do not fit the model."""
    head, _, numbers = content.partition(b"\n")
    header = json.loads(head)
    over_time, once = recorded(model)
    shapes = [(v.name, shape_of(model, v)) for v in over_time]
    constant_shapes = [(v.name, shape_of(model, v)) for v in once]
    length = int(header["times"])
    if not all(isinstance(note, str) for note in header["notes"]):
        raise ValueError("the notes of a run are no texts")
    values = np.frombuffer(numbers, dtype="<f8").astype(np.float64)
    sizes = [length, length * _cells(shapes), _cells(constant_shapes)]
    if len(values) != sum(sizes):
        raise ValueError("the numbers of a run do not fit its model")
    time, series, constants = np.split(values, np.cumsum(sizes)[:-1])
    return Trajectory(
        time,
        _split(shapes, series.reshape(length, -1)),
        _split(constant_shapes, constants),
        tuple(header["notes"]),
    )


def save_run(path: Path, model: Model, run: Trajectory) -> None:
    """Write the numbers of a run as raw bytes, for which no library has to be loaded."""
    over_time, once = recorded(model)
    length = len(run.time)
    series = [run.series[v.name].reshape(length, -1) for v in over_time]
    constants = [run.constants[v.name].reshape(-1) for v in once]
    parts = [
        run.time,
        np.concatenate([*series, np.empty((length, 0))], axis=1).reshape(-1),
        np.concatenate([*constants, np.empty(0)]),
    ]
    head = json.dumps({"times": length, "notes": run.notes}, ensure_ascii=False).encode()
    content = head + b"\n" + np.concatenate(parts).astype("<f8").tobytes()
    save_sealed(path, content)


_Shapes = list[tuple[str, tuple[int, ...]]]


def _cells(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> int:
    return sum(math.prod(shape) for _, shape in shapes)


def _split(shapes: _Shapes, table: FloatArray) -> dict[str, FloatArray]:
    """Return the columns of each variable: ``(…, columns)`` → ``(…, *elements)``."""
    by_name, column = {}, 0
    for name, shape in shapes:
        size = math.prod(shape)
        by_name[name] = table[..., column : column + size].reshape((*table.shape[:-1], *shape))
        column += size
    return by_name
