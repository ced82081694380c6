"""Many runs at once: a model compiled for what varies, and simulated in blocks.

::

    kernel = compile_model(model, vary=["birth rate"], outputs=["population"])
    ensemble = simulate_ensemble(kernel, {"birth rate": np.linspace(0.01, 0.02, 1000)}, model.time)
    ensemble.values  # (run, output, time)

Machine code is kept on disk under all that it depends on, with a digest of its bytes. What was
altered, cut off, moved from another place or written by another user is not run but made anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import hmac
import json
import os
import stat
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import plansim.compiler
from plansim.compiler.emit_llvm import LANES, emit
from plansim.compiler.lower import lower
from plansim.compiler.machine import Library, Target, assemble, host_target, versions
from plansim.compiler.order import schedule
from plansim.engine.cache import digest, load_bytes, save_bytes, workspace
from plansim.errors import Fault, InputError, SimulationError
from plansim.model.records import Model, TimeSpec, Variable, VariableKind

__all__ = [
    "Ensemble",
    "Kernel",
    "aligned",
    "compile_model",
    "saved_times",
    "simulate_ensemble",
]

FloatArray = NDArray[np.float64]
Times = Sequence[float] | NDArray[np.floating[Any]]
_ALIGNMENT = 64


_LOADING = threading.Lock()  # since Python 3.12 `cached_property` has none of its own


@dataclass(frozen=True)
class Kernel:
    """A model as machine code, for the constants that vary and the outputs that are wanted."""

    model_sha256: str
    inputs: tuple[str, ...]
    """What is given for each run, as ``name`` or ``name[e1,e2]``."""
    defaults: tuple[float, ...]
    """What the model says for each input."""
    outputs: tuple[str, ...]
    """What comes out, as ``name`` or ``name[e1,e2]``."""
    equations: int
    """Elements of variables that are computed at each step, for rates of work."""
    columns: int
    memory: int
    delays: tuple[int, ...]
    target: Target
    code: bytes = field(repr=False)

    @property
    def library(self) -> Library:
        """The code in memory, loaded when it is first used, by whichever thread comes first.

        Were it loaded twice, the one that is not kept would go while its code still runs.
        """
        with _LOADING:
            return self._library

    @cached_property
    def _library(self) -> Library:
        return Library(self.code)


@dataclass(frozen=True)
class Ensemble:
    """What came out of many runs."""

    values: FloatArray
    """``(run, output, time)``, in the model's units."""
    time: FloatArray
    """``(time,)``: the times that were kept."""
    bad: NDArray[np.bool_]
    """``(run,)``: whether a stock or an output was not a finite number at some time."""


def compile_model(
    model: Model,
    *,
    vary: Iterable[str] = (),
    outputs: Iterable[str] = (),
    values: Mapping[str, float] | None = None,
    target: Target | None = None,
    effort: int = 2,
    cache: bool = True,
) -> Kernel:
    """Compile a model, or take what was compiled before.

    Args:
        model: the model.
        vary: what is given for each run: constants, stocks (their initial values), lookup tables
            (their heights), by name, arrays whole or by element as ``name[e1,e2]``. All other
            constants are folded into the code, which makes it quick.
        outputs: the variables that are wanted; without any, all that change over time.
        values: what constants are instead of what the model says, as in `Scenario.values`.
        target: the kind of processor; this machine's if None.
        effort: of LLVM, 0 to 3.
        cache: whether to look for machine code on disk, and leave it there.

    Raises:
        UnknownNameError: a name that the model does not know.
        InputError: a name of ``vary`` or ``outputs`` that cannot be used so.
        ModelError: what is not supported, each with its variable and line.
        StructuralError: the code's shape depends on a constant of ``vary``.
    """
    target = host_target() if target is None else target
    varied = tuple(dict.fromkeys(_varied(model, name) for name in vary))
    wanted = _wanted(model, outputs)
    controls = {each.name for each in model.variables.values() if each.kind is VariableKind.CONTROL}
    given = {name: value for name, value in (values or {}).items() if name not in controls}
    if not cache:
        return _compiled(model, varied, wanted, given, target, effort)
    key = digest(
        model.text,
        json.dumps([varied, wanted, {k: v.hex() for k, v in sorted(given.items())}, effort]),
        f"{target.triple} {target.processor}",
        versions(),
        *_sources(),
    )
    with workspace() as folder:
        path = folder / "kernels" / f"{key}.kernel"
        kernel = _load(path, key, target)
        if kernel is None:
            kernel = _compiled(model, varied, wanted, given, target, effort)
            _save(path, key, kernel)
    return kernel


def _compiled(
    model: Model,
    vary: Sequence[str],
    outputs: Sequence[str],
    values: Mapping[str, float],
    target: Target,
    effort: int,
) -> Kernel:
    program = lower(model, vary, outputs, values)
    module = emit(program, schedule(program))
    return Kernel(
        model_sha256=model.sha256,
        inputs=program.inputs,
        defaults=program.defaults,
        outputs=tuple(program.outputs),
        equations=program.equations,
        columns=module.columns,
        memory=module.memory,
        delays=module.delays,
        target=target,
        code=assemble(module.text, target, effort),
    )


def _varied(model: Model, name: str) -> str:
    """Give the model's own spelling of ``name`` or ``name[e1,e2]``."""
    bare, bracket, inside = name.partition("[")
    variable = model.find(bare)
    usable = {VariableKind.CONSTANT, VariableKind.STOCK, VariableKind.LOOKUP}
    if variable.kind not in usable:
        raise InputError(
            Fault(
                f"'{variable.name}' cannot vary",
                model.path,
                variable.line,
                expected="a constant, a stock (its initial value) or a lookup table",
                found=variable.kind.value,
            )
        )
    return variable.name + bracket + inside


def _wanted(model: Model, names: Iterable[str]) -> tuple[str, ...]:
    found: list[Variable] = [model.find(name) for name in names]
    if not found:
        still = {VariableKind.CONSTANT, VariableKind.CONTROL, VariableKind.LOOKUP}
        found = [each for each in model.variables.values() if each.kind not in still]
    if tables := [each for each in found if each.kind is VariableKind.LOOKUP]:
        raise InputError(
            Fault(f"'{each.name}' is a lookup table and has no value", model.path, each.line)
            for each in tables
        )
    return tuple(dict.fromkeys(each.name for each in found))


# --- On disk --------------------------------------------------------------------------------------

_MARK = b"plansim kernel 1\n"


def _sources() -> list[bytes]:
    """Give the code that makes kernels: what it makes changes with it."""
    folders = (Path(plansim.compiler.__file__).parent, Path(__file__).parents[1] / "model")
    paths = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    return [path.read_bytes() for path in (*paths, Path(__file__))]


def _save(path: Path, key: str, kernel: Kernel) -> None:
    head = {
        name: getattr(kernel, name)
        for name in ("model_sha256", "inputs", "outputs", "equations", "columns", "memory")
    }
    head |= {"delays": kernel.delays, "defaults": [each.hex() for each in kernel.defaults]}
    content = json.dumps(head, ensure_ascii=False).encode() + b"\n" + kernel.code
    seal = digest(key, content).encode() + b"\n"
    save_bytes(path, _MARK + seal + content)


def _load(path: Path, key: str, target: Target) -> Kernel | None:
    """Give a kernel that `_save` wrote here, or None if there is none that is whole and ours."""
    raw = load_bytes(path) if _is_ours(path) else None
    if raw is None or not raw.startswith(_MARK):
        return None
    seal, _, content = raw[len(_MARK) :].partition(b"\n")
    if not hmac.compare_digest(seal, digest(key, content).encode()):
        return None
    with contextlib.suppress(OSError):
        path.touch()
    line, _, code = content.partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    return Kernel(
        model_sha256=head["model_sha256"],
        inputs=tuple(head["inputs"]),
        defaults=tuple(map(float.fromhex, head["defaults"])),
        outputs=tuple(head["outputs"]),
        equations=head["equations"],
        columns=head["columns"],
        memory=head["memory"],
        delays=tuple(head["delays"]),
        target=target,
        code=code,
    )


def _is_ours(path: Path) -> bool:
    """Whether only this user could have written a file."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


# --- Running --------------------------------------------------------------------------------------


def saved_times(time: TimeSpec) -> FloatArray:
    """Give the times that a clock saves: steps on the grid of SAVEPER, as PySD takes them.

    >>> saved_times(TimeSpec(initial=2000, final=2001, step=0.25, saveper=0.5))
    array([2000. , 2000.5, 2001. ])
    """
    return _at(time, _saved_steps(time))


def _at(time: TimeSpec, steps: NDArray[np.int64]) -> FloatArray:
    """Give the times of steps; never by adding step after step, which would drift."""
    return np.asarray(time.initial + steps * time.step, dtype=np.float64)


def _steps(time: TimeSpec) -> int:
    return int(np.ceil((time.final - time.initial) / time.step - 1e-6))


def _saved_steps(time: TimeSpec) -> NDArray[np.int64]:
    """Give the numbers of the steps at which a clock saves."""
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
            f"times to keep are rising multiples of the step from {time.initial:g} to "
            f"{time.final:g}; found {', '.join(f'{each:g}' for each in np.asarray(keep)[:8])}"
        )
    return steps


def simulate_ensemble(
    kernel: Kernel,
    inputs: Mapping[str, FloatArray] | FloatArray,
    time: TimeSpec | Sequence[TimeSpec],
    *,
    keep: Times | None = None,
    threads: int = 1,
) -> Ensemble:
    """Simulate one run for each row of inputs, by Euler's method.

    Args:
        kernel: the compiled model.
        inputs: ``(run, input)`` in the order of ``kernel.inputs``, or ``(run,)`` by name; an
            input that is not named is as the model says.
        time: the clock of all runs, or one for each; all must keep the same number of times.
        keep: the times that are kept, in rising order, each on a step; those of SAVEPER if None.
        threads: how many work at once. The results do not depend on it.

    Returns:
        The kept values of all outputs. A run that breaks down is marked, never an exception. With
        several clocks ``time`` is ``(run, time)``.

    Raises:
        InputError: an input that the kernel does not have, or arrays that do not fit.
        SimulationError: a time to keep that is not on a step.
    """
    table = _input_table(kernel, inputs)
    if isinstance(time, TimeSpec):
        return _same_clock(kernel, table, time, keep, threads)
    if len(time) != len(table):
        raise InputError(Fault(f"{len(time)} clocks for {len(table)} runs"))
    groups: dict[TimeSpec, list[int]] = {}
    for run, clock in enumerate(time):
        groups.setdefault(clock, []).append(run)
    parts = {c: _same_clock(kernel, table[i], c, keep, threads) for c, i in groups.items()}
    lengths = {len(part.time) for part in parts.values()}
    if len(lengths) > 1:
        raise InputError(Fault("the clocks of an ensemble keep different numbers of times"))
    kept = lengths.pop() if lengths else 0
    values = np.empty((len(table), len(kernel.outputs), kept))
    bad = np.empty(len(table), dtype=bool)
    times = np.empty((len(table), kept))
    for clock, part in parts.items():
        runs = groups[clock]
        values[runs], bad[runs], times[runs] = part.values, part.bad, part.time
    return Ensemble(values, times, bad)


def _input_table(kernel: Kernel, inputs: Mapping[str, FloatArray] | FloatArray) -> FloatArray:
    """Give ``(run, input)`` in the kernel's order."""
    if not isinstance(inputs, Mapping):
        table = np.asarray(inputs, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(kernel.inputs):
            wanted = f"(run, {len(kernel.inputs)})"
            raise InputError(
                Fault("inputs do not fit the kernel", expected=wanted, found=str(table.shape))
            )
        return table
    if unknown := [name for name in inputs if name not in kernel.inputs]:
        raise InputError(Fault(f"the kernel has no input '{name}'") for name in unknown)
    columns = {name: np.atleast_1d(np.asarray(each, float)) for name, each in inputs.items()}
    runs = max((len(column) for column in columns.values()), default=1)
    table = np.empty((runs, len(kernel.inputs)))
    table[:] = kernel.defaults
    places = {name: i for i, name in enumerate(kernel.inputs)}
    for name, column in columns.items():
        if column.shape not in ((runs,), (1,)):
            raise InputError(
                Fault(
                    f"'{name}' does not have as many runs",
                    expected=f"{runs}",
                    found=str(column.shape),
                )
            )
        table[:, places[name]] = column
    return table


@dataclass(frozen=True)
class _Prepared:
    """What all blocks of an ensemble share."""

    table: FloatArray
    places: NDArray[np.int64]
    rings: NDArray[np.int64]
    memory: int
    steps: int
    kept: int


def _prepared(kernel: Kernel, time: TimeSpec, kept: NDArray[np.int64]) -> _Prepared:
    steps = _steps(time)
    table = aligned(((steps + 1), max(1, kernel.columns)))
    double, whole, pointer = ctypes.c_double, ctypes.c_int64, ctypes.c_void_p
    clock = kernel.library.function("clock", pointer, double, double, double, double, whole)
    clock(table.ctypes.data, time.initial, time.final, time.step, time.saveper, steps)
    places = np.full(steps + 1, -1, dtype=np.int64)
    places[kept] = np.arange(len(kept))
    rings = np.zeros((len(kernel.delays), 2), dtype=np.int64)
    memory = kernel.memory
    for i, column in enumerate(kernel.delays):
        delay = table[0, column] / time.step
        if not delay <= _MAX_PIPE:
            raise SimulationError(f"a fixed delay takes {delay:g} steps")
        rings[i] = memory, round(max(delay, 1.0) + 1e-6)
        memory += int(rings[i, 1])
    return _Prepared(table, places, rings, memory, steps, len(kept))


_MAX_PIPE = 1_000_000


def _same_clock(
    kernel: Kernel,
    inputs: FloatArray,
    time: TimeSpec,
    keep: Times | None,
    threads: int,
) -> Ensemble:
    kept = _kept_steps(time, keep)
    prepared = _prepared(kernel, time, kept)
    runs = len(inputs)
    blocks = -(-runs // LANES)
    shares = [share for share in np.array_split(np.arange(blocks), threads) if len(share)]
    values = np.empty((runs, len(kernel.outputs), len(kept)))
    bad = np.empty(runs, dtype=bool)

    def work(share: NDArray[np.int64]) -> None:
        for first in range(int(share[0]), int(share[-1]) + 1, _AT_ONCE):
            last = min(first + _AT_ONCE, int(share[-1]) + 1)
            here = slice(first * LANES, min(last * LANES, runs))
            _run_blocks(kernel, prepared, inputs[here], values[here], bad[here])

    if len(shares) > 1:
        with ThreadPoolExecutor(len(shares)) as pool:
            list(pool.map(work, shares))
    else:
        for share in shares:
            work(share)
    return Ensemble(values, _at(time, kept), bad)


_AT_ONCE = 64
"""Blocks a call: few enough that what they write stays in the processor's cache."""


def _run_blocks(
    kernel: Kernel,
    prepared: _Prepared,
    inputs: FloatArray,
    values: FloatArray,
    bad: NDArray[np.bool_],
) -> None:
    """Simulate some runs, the last of them again in lanes that are left over."""
    runs, count = inputs.shape
    blocks = -(-runs // LANES)
    packed = aligned((blocks, count, LANES))
    lanes = np.minimum(np.arange(blocks * LANES), runs - 1)
    packed[:] = inputs[lanes].reshape(blocks, LANES, count).swapaxes(1, 2)
    written = aligned((blocks, prepared.kept, len(kernel.outputs), LANES))
    flags = aligned((blocks, LANES))
    memory = aligned((prepared.memory, LANES))
    pointers = (prepared.table, packed, written, flags, memory, prepared.places, prepared.rings)
    run = kernel.library.function("run", *[ctypes.c_void_p] * 7, *[ctypes.c_int64] * 3)
    run(*(each.ctypes.data for each in pointers), blocks, prepared.steps, prepared.kept)
    for lane in range(LANES):
        own = values[lane::LANES]
        own[:] = written[: len(own), :, :, lane].swapaxes(1, 2)
    bad[:] = np.isnan(flags).reshape(-1)[:runs]


def aligned(shape: tuple[int, ...]) -> FloatArray:
    """Give memory that vectors can be loaded from."""
    size = int(np.prod(shape)) * 8
    raw = np.empty(size + _ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(np.float64).reshape(shape)
