"""A model compiled for the constants that vary, and cached on disk.

Machine code is cached under a key of everything that it depends on. A file that was altered,
truncated, moved or written by another user is not run but compiled anew (see `plansim.cache`).
"""

from __future__ import annotations

import gc
import json
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from plansim.cache import code_of, digest, kept
from plansim.compiler.ir import Program
from plansim.compiler.llvm.module import emit
from plansim.compiler.lower import lower
from plansim.compiler.native import Library, Platform, assemble, host_platform, versions
from plansim.compiler.schedule import schedule
from plansim.engine.trajectory import named
from plansim.errors import InputError, Message
from plansim.model.reading.expression import absurd_size, name_key
from plansim.model.records import NOISE_SEED, Model, VariableKind, check_model

__all__ = ["Kernel", "compile_model", "kernel_of"]

_LOADING = threading.Lock()  # since Python 3.12 `cached_property` has none of its own


@dataclass(frozen=True)
class Kernel:
    """A model as machine code, for some inputs and outputs."""

    model_sha256: str
    inputs: tuple[str, ...]
    """Inputs of each run, ``name`` or ``name[e1,e2]``."""
    defaults: tuple[float, ...]
    """The model's value of each input."""
    outputs: tuple[str, ...]
    """Outputs of each run, ``name`` or ``name[e1,e2]``."""
    equations: int
    """Number of elements of variables computed at each step, for benchmarks."""
    columns: int
    memory: int
    delays: tuple[int, ...]
    absurd: float
    """From this size on a number was made of a missing value (`absurd_size`)."""
    target: Platform
    code: bytes = field(repr=False)

    @cached_property
    def columns_of(self) -> Mapping[str, int]:
        """The column of each input in a table of inputs."""
        return {name: column for column, name in enumerate(self.inputs)}

    @cached_property
    def rows_of(self) -> Mapping[str, int]:
        """The row of each output in what runs write."""
        return {name: row for row, name in enumerate(self.outputs)}

    @cached_property
    def noise(self) -> int | None:
        """The input that is the seed of a run's random functions; None if it has none."""
        keys = [name_key(name) for name in self.inputs]
        return keys.index(key) if (key := name_key(NOISE_SEED)) in keys else None

    @property
    def library(self) -> Library:
        """The code in memory, loaded once, when it is first used.

        If two threads loaded it, the library that is not kept might be freed while its code runs.
        """
        with _LOADING:
            return self._library

    @cached_property
    def _library(self) -> Library:
        return Library(self.code, ("run", "clock"))


def compile_model(
    model: Model,
    *,
    vary: Iterable[str] = (),
    outputs: Iterable[str] = (),
    values: Mapping[str, float] | None = None,
    target: Platform | None = None,
    effort: int = 2,
    cache: bool = True,
) -> Kernel:
    """Compile a model, or load it from the cache.

    Args:
        model: the model.
        vary: the inputs of each run: constants, stocks (their initial values) and lookup tables
            (their y values), by name, or an element of an array as ``name[e1,e2]``. All other
            constants are folded into the code, which makes it fast.
        outputs: the variables to compute; by default all that change over time.
        values: values of constants in place of the model's, as in `Scenario.values`.
        target: the kind of processor; this machine's if None.
        effort: optimisation level of LLVM, 0 to 3.
        cache: whether to read machine code from disk, and write it there.

    Raises:
        UnknownNameError: the model does not have a name.
        InputError: a name cannot be an input or an output.
        ModelError: the model uses what is not supported; with variables and lines.
        StructuralError: the shape of the code depends on a constant of ``vary``.

    >>> model = plansim.load_model("lake.mdl")
    >>> kernel = plansim.compile_model(model, vary=["effort"], outputs=["fish"])
    >>> kernel.inputs, kernel.outputs
    (('effort',), ('fish',))
    """
    check_model(model)
    target = host_platform() if target is None else target
    varied = tuple(sorted({_varied(model, name) for name in vary}))
    wanted = _wanted(model, outputs)
    controls = {v.name for v in model.variables.values() if v.kind is VariableKind.CONTROL}
    given = {name: value for name, value in (values or {}).items() if name not in controls}
    make = partial(_compiled, model, varied, wanted, given, target, effort)
    if not cache:
        return make()
    key = digest(
        model.text,
        json.dumps([varied, wanted, {k: v.hex() for k, v in sorted(given.items())}, effort]),
        f"{target.triple} {target.processor}",
        versions(),
        code_of("model", "compiler", "engine"),
    )
    return kept("kernels", key, Kernel, make)


def _compiled(
    model: Model,
    vary: Sequence[str],
    outputs: Sequence[str],
    values: Mapping[str, float],
    target: Platform,
    effort: int,
) -> Kernel:
    collects = gc.isenabled()
    gc.disable()  # to look for what could be freed takes a fifth of the time, and finds nothing
    try:
        program = lower(model, vary, outputs, values)
        return kernel_of(program, model.sha256, target, effort, absurd_size(model.text))
    finally:
        if collects:
            gc.enable()


def kernel_of(
    program: Program,
    model_sha256: str,
    target: Platform,
    effort: int = 2,
    absurd: float = math.inf,
) -> Kernel:
    """Assemble a program for a target."""
    module = emit(program, schedule(program), target.processor)
    return Kernel(
        model_sha256=model_sha256,
        inputs=program.inputs,
        defaults=program.defaults,
        outputs=tuple(program.outputs),
        equations=program.equations,
        columns=module.columns,
        memory=module.memory,
        delays=module.delays,
        absurd=absurd,
        target=target,
        code=assemble(module.text, target, effort),
    )


def _varied(model: Model, name: str) -> str:
    """Return the model's own spelling of ``name`` or ``name[e1,e2]``."""
    bare, bracket, inside = name.partition("[")
    variable = model.find(bare)
    usable = {VariableKind.CONSTANT, VariableKind.STOCK, VariableKind.LOOKUP}
    if variable.kind not in usable:
        raise InputError(
            "'{name}' cannot vary",
            model.path,
            variable.line,
            expected=Message("a constant, a stock (its initial value) or a lookup table"),
            found=variable.kind.value,
            name=variable.name,
        )
    return variable.name + bracket + inside


def _wanted(model: Model, names: Iterable[str]) -> tuple[str, ...]:
    if wanted := named(model, tuple(names)):
        return tuple(wanted)
    return tuple(name for name, variable in model.variables.items() if variable.kind.moves)
