"""Many runs at once, by a model that was compiled.

::

    kernel = compile_model(model, vary=["birth rate"], outputs=["population"])
    ensemble = simulate_ensemble(kernel, {"birth rate": np.linspace(0.01, 0.02, 1000)}, model.time)
    ensemble.values  # (run, output, time)

Threads share the work: machine code runs without Python's lock, and each thread reuses memory of
its own, since allocation is slow.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plansim.compiler.integration import tableau as tableau_of
from plansim.compiler.llvm.writer import LANES
from plansim.engine.kernel import Kernel
from plansim.errors import Fault, InputError, Message, SimulationError
from plansim.model.records import TimeSpec
from plansim.scenario.factors import FloatArray

__all__ = [
    "Ensemble",
    "aligned",
    "saved_times",
    "simulate_ensemble",
    "simulate_readings",
]

Times = Sequence[float] | NDArray[np.floating[Any]]
_ALIGNMENT = 64
_MOST_BLOCKS = 64
"""Maximum number of blocks in a call."""
_CACHE = 2**20
"""Maximum number of bytes that a call writes, so that they stay in the processor's cache."""
_AT_ONCE = 8
"""Maximum number of blocks that take a part of a step before they take the next part: the code of a
part stays in the processor's cache meanwhile, and so does their memory."""
_MAX_PIPE = 1_000_000


@dataclass(frozen=True)
class Ensemble:
    """Outputs of many runs."""

    values: FloatArray
    """``(run, output, time)``, in the model's units."""
    time: FloatArray
    """``(time,)``: the times that were kept."""
    bad: NDArray[np.bool_]
    """``(run,)``: whether a stock or an output was not a finite number at some time."""


def saved_times(time: TimeSpec) -> FloatArray:
    """Return the times that a clock saves: steps on the grid of SAVEPER, as PySD takes them.

    >>> saved_times(TimeSpec(initial=2000, final=2001, step=0.25, saveper=0.5))
    array([2000. , 2000.5, 2001. ])
    """
    return _at(time, _saved_steps(time))


def _at(time: TimeSpec, steps: NDArray[np.int64]) -> FloatArray:
    """Return the times of steps; never by adding step after step, which would drift."""
    return np.asarray(time.initial + steps * time.step, dtype=np.float64)


def _steps(time: TimeSpec) -> int:
    return int(np.ceil((time.final - time.initial) / time.step - 1e-6))


def _saved_steps(time: TimeSpec) -> NDArray[np.int64]:
    """Return the numbers of the steps at which a clock saves."""
    steps = np.arange(_steps(time) + 1)
    since, slack = steps * time.step, time.step * 1e-6
    hit = (since % time.saveper < slack) | (-since % time.saveper < slack)
    return steps[hit]


def _kept_steps(time: TimeSpec, keep: Times | None) -> NDArray[np.int64]:
    if keep is None:
        return _saved_steps(time)
    asked = (np.asarray(keep, dtype=np.float64) - time.initial) / time.step
    steps = np.rint(asked).astype(np.int64)
    off = (np.abs(asked - steps) > 1e-6) | (steps < 0) | (steps > _steps(time))
    if off.any() or (np.diff(steps) <= 0).any():
        raise SimulationError(
            "times to keep are rising multiples of the step from {first:g} to "
            "{last:g}; found {times}",
            first=time.initial,
            last=time.final,
            times=tuple(f"{time:g}" for time in np.asarray(keep)[:8]),
        )
    return steps


def simulate_ensemble(
    kernel: Kernel,
    inputs: Mapping[str, FloatArray] | FloatArray,
    time: TimeSpec,
    *,
    keep: Times | None = None,
    threads: int = 1,
) -> Ensemble:
    """Simulate one run for each row of inputs, by the clock's method of integration.

    Args:
        kernel: the compiled model.
        inputs: ``(run, input)`` in the order of ``kernel.inputs``, or ``(run,)`` by name; an
            input that is not named has the model's value.
        time: the clock of the runs.
        keep: the times that are kept, in rising order, each on a step; those of SAVEPER if None.
        threads: number of threads. The results do not depend on it.

    Returns:
        The kept values of all outputs; what is missing in Vensim's sense (``:NA:``) is NaN. A run
        that breaks down is marked, never an exception.

    Raises:
        InputError: an input is not the kernel's, or arrays do not fit.
        SimulationError: a time to keep is not on a step.

    >>> model = plansim.load_model("lake.mdl")
    >>> kernel = plansim.compile_model(model, vary=["effort"], outputs=["fish"])
    >>> runs = plansim.simulate_ensemble(kernel, {"effort": [0.1, 0.2]}, model.time)
    >>> runs.values.shape
    (2, 1, 32)
    """
    table = _input_table(kernel, inputs)
    kept = _kept_steps(time, keep)
    values = np.empty((len(table), len(kernel.outputs), len(kept)))
    bad = np.empty(len(table), dtype=bool)

    def take(runs: slice, written: FloatArray, flags: FloatArray) -> None:
        portion = values[runs]
        for lane in range(LANES):
            own = portion[lane::LANES]
            own[:] = written[: len(own), :, :, lane].swapaxes(1, 2)
        bad[runs] = np.isnan(flags).reshape(-1)[: len(portion)]

    _simulated(kernel, table, time, kept, threads, take)
    return Ensemble(values, _at(time, kept), bad)


def _input_table(kernel: Kernel, inputs: Mapping[str, FloatArray] | FloatArray) -> FloatArray:
    """Return ``(run, input)`` in the kernel's order."""
    if not isinstance(inputs, Mapping):
        table = np.asarray(inputs, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(kernel.inputs):
            wanted = Message("(run, {columns})", columns=len(kernel.inputs))
            raise InputError(
                "inputs do not fit the kernel", expected=wanted, found=str(table.shape)
            )
        return table
    if unknown := [name for name in inputs if name not in kernel.inputs]:
        raise InputError(Fault("the kernel has no input '{name}'", name=name) for name in unknown)
    columns = {name: np.atleast_1d(np.asarray(input_, float)) for name, input_ in inputs.items()}
    runs = max((len(column) for column in columns.values()), default=1)
    table = np.empty((runs, len(kernel.inputs)))
    table[:] = kernel.defaults
    for name, column in columns.items():
        if column.shape not in ((runs,), (1,)):
            raise InputError(
                "'{name}' does not have as many runs",
                expected=f"{runs}",
                found=str(column.shape),
                name=name,
            )
        table[:, kernel.columns_of[name]] = column
    return table


def simulate_readings(
    kernel: Kernel,
    inputs: FloatArray,
    time: TimeSpec,
    readings: Sequence[tuple[str, float]],
    limit: float = math.inf,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Simulate as `simulate_ensemble` does, and return readings: single values at single times.

    ``inputs`` is ``(run, input)``; readings are ``(reading, run)``. Faster where few values of each
    run are wanted. The array says of each run whether it breaks down, or an output is beyond
    ``limit``, above or below zero, at a time that is saved.

    Raises:
        InputError: an output is not the kernel's, or inputs do not fit.
        SimulationError: a time is not on a step.
    """
    table = _input_table(kernel, inputs)
    rows = kernel.rows_of
    if unknown := dict.fromkeys(name for name, _ in readings if name not in rows):
        raise InputError(Fault("the kernel has no output '{name}'", name=name) for name in unknown)
    times = sorted({at for _, at in readings})
    asked = _kept_steps(time, times)
    kept = asked if limit == math.inf else np.union1d(asked, _saved_steps(time))
    columns = dict(zip(times, np.searchsorted(kept, asked), strict=True))
    indices = np.array([columns[at] * len(rows) + rows[name] for name, at in readings], np.intp)
    values = np.empty((len(readings), len(table)))
    bad = np.empty(len(table), dtype=bool)

    def take(runs: slice, written: FloatArray, flags: FloatArray) -> None:
        picked = written.reshape(len(written), -1, LANES)[:, indices].swapaxes(0, 1)
        portion = values[:, runs]
        portion[:] = picked.reshape(len(indices), len(written) * LANES)[:, : portion.shape[1]]
        bad[runs] = np.isnan(flags).reshape(-1)[: portion.shape[1]]
        # Hardly any run is: first all are looked at together, which is faster.
        if limit < math.inf and not (-limit <= written.min() and written.max() <= limit):
            beyond = (np.abs(written) > limit).any(axis=(1, 2))
            bad[runs] |= beyond.reshape(-1)[: portion.shape[1]]

    _simulated(kernel, table, time, kept, 1, take)
    return values, bad


_Take = Callable[[slice, FloatArray, FloatArray], None]
"""Called with runs, their results ``(block, kept, output, lane)`` and flags ``(block, lane)``, both
to be copied, since the memory is reused."""


def _simulated(
    kernel: Kernel,
    inputs: FloatArray,
    time: TimeSpec,
    kept: NDArray[np.int64],
    threads: int,
    take: _Take,
) -> None:
    """Simulate runs in portions, which the threads take in turn."""
    steps, tableau = _steps(time), np.array(tableau_of(time.integration, time.step))
    stages = len(tableau)
    table = _clock_table(kernel, time, tableau)
    rings, memory = _rings(kernel, table)
    places = np.full(steps + 1, -1, dtype=np.int64)
    places[kept] = np.arange(len(kept))
    runs, columns, outputs = len(inputs), len(kernel.inputs), len(kernel.outputs)
    blocks = -(-runs // LANES)
    size = max(1, len(kept) * outputs) * LANES * 8
    at_once = max(1, min(_MOST_BLOCKS, _CACHE // size, -(-blocks // (4 * threads))))
    workers = max(1, min(threads, -(-blocks // at_once)))

    def work(worker: int) -> None:
        packed = aligned((at_once, columns, LANES))
        written = aligned((at_once, len(kept), outputs, LANES))
        flags = aligned((at_once, LANES))
        own = aligned((min(at_once, _AT_ONCE) * memory, LANES))
        arrays = (table, tableau, packed, written, flags, own, places, rings)
        addresses = [array.ctypes.data for array in arrays]
        run = kernel.library.function("run", *[ctypes.c_void_p] * 8, *[ctypes.c_int64] * 6)
        for first in range(worker * at_once, blocks, workers * at_once):
            portion = slice(first * LANES, min((first + at_once) * LANES, runs))
            given = inputs[portion]
            count = -(-len(given) // LANES)
            if len(given) < count * LANES:  # the last run is repeated in unused lanes
                given = given[np.minimum(np.arange(count * LANES), len(given) - 1)]
            packed[:count] = given.reshape(count, LANES, columns).swapaxes(1, 2)
            run(*addresses, count, steps, stages, len(kept), memory, _AT_ONCE)
            if kernel.absurd < math.inf:
                written[np.abs(written) >= kernel.absurd] = np.nan
            take(portion, written[:count], flags[:count])

    if workers == 1:
        work(0)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))


def _clock_table(kernel: Kernel, time: TimeSpec, tableau: FloatArray) -> FloatArray:
    """Return what depends on the time alone: ``(step · stage, column)``."""
    steps, stages = _steps(time), len(tableau)
    table = aligned(((steps + 1) * stages, max(1, kernel.columns)))
    double, whole, pointer = ctypes.c_double, ctypes.c_int64, ctypes.c_void_p
    clock = kernel.library.function("clock", *[pointer] * 2, *[double] * 4, *[whole] * 2)
    addresses = table.ctypes.data, tableau.ctypes.data
    clock(*addresses, time.initial, time.final, time.step, time.saveper, steps, stages)
    return table


def _rings(kernel: Kernel, table: FloatArray) -> tuple[NDArray[np.int64], int]:
    """Return where each fixed delay keeps its values, and how many; and all memory of a block."""
    rings = np.zeros((len(kernel.delays), 2), dtype=np.int64)
    memory = kernel.memory
    for ring, column in zip(rings, kernel.delays, strict=True):
        length = table[0, column]
        if not length <= _MAX_PIPE:
            raise SimulationError(Message("a fixed delay takes {delay:g} steps", delay=length))
        ring[:] = memory, length
        memory += int(length)
    # Of an odd number of vectors, lest several compete for the same part of the processor's cache.
    return rings, memory | 1


def aligned(shape: tuple[int, ...]) -> FloatArray:
    """Return an array aligned for vector loads."""
    size = int(np.prod(shape)) * 8
    raw = np.empty(size + _ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(np.float64).reshape(shape)
