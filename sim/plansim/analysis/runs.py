"""The runs of a sweep as an engine makes them: what is asked of it, and the compiled engine."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.compiler.lower import StructuralError
from plansim.engine.batch import saved_times, simulate_ensemble, simulate_readings
from plansim.engine.kernel import Kernel, compile_model
from plansim.errors import Fault, InputError
from plansim.model.records import Model, Variable
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = [
    "Engine",
    "Members",
    "Outcome",
    "Reading",
    "Simulate",
    "compiled",
    "variable_of",
]


class Outcome(IntEnum):
    """How a run ended."""

    OK = 0
    OVERFLOW = 1  # a value is infinite
    NAN = 2  # a value is not a number


class Reading(NamedTuple):
    """A value of a run that a sweep needs."""

    series: str
    """``name`` or ``name[element]``."""
    time: float


@dataclass(frozen=True)
class Members:
    """What an engine gives for some runs."""

    values: Floats
    """``(reading, run)``, in the order of the readings asked for; NaN where the run saves none."""
    outcome: npt.NDArray[np.int8]
    """``(run,)``: `Outcome`."""
    culprit: npt.NDArray[np.int32]
    """``(run,)``: of a bad run the variable that was at fault first, by its place in the model's
    order; -1 for the others."""
    when: Floats
    """``(run,)``: the time at which it was; NaN for the others."""


Simulate: TypeAlias = Callable[[Floats], Members]
"""Simulates runs that differ in some constants: ``(run, constant)``. Threads may share it."""

Engine: TypeAlias = Callable[[Model, Scenario, Sequence[str], Sequence[Reading]], Simulate]
"""Prepares a model under a scenario for runs that differ in the constants named (element by
element) and of which the readings are wanted."""


def compiled(
    model: Model, scenario: Scenario, constants: Sequence[str], readings: Sequence[Reading]
) -> Simulate:
    """Prepare runs by compiling the model for the constants that vary.

    Raises:
        InputError: a constant that the shape of the code depends on cannot vary.
        ModelError: what the compiler does not support, each with its variable and line.
    """
    names = dict.fromkeys(variable_of(model, each.series).name for each in readings)
    try:
        kernel = compile_model(model, vary=constants, outputs=names, values=scenario.values)
    except StructuralError as error:
        raise InputError(
            Fault(f"'{name}' cannot vary from run to run: the order of a delay depends on it")
            for name in sorted(error.names)
        ) from None
    return _Compiled(model, scenario, tuple(constants), tuple(readings), kernel)


def variable_of(model: Model, reference: str) -> Variable:
    """Give the variable of ``name`` or ``name[element]``."""
    return model.variables.get(reference) or model.variables[split_reference(reference)[0]]


@dataclass
class _Compiled:
    """Runs members by machine code."""

    model: Model
    scenario: Scenario
    constants: tuple[str, ...]
    readings: tuple[Reading, ...]
    kernel: Kernel
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _whole: Kernel | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        saved = saved_times(self.scenario.time)
        kept = {each.time for each in self.readings if np.isclose(saved, each.time).any()}
        known = [place for place, each in enumerate(self.readings) if each.time in kept]
        self._known = np.array(known, dtype=np.intp)
        # The kernel may order its inputs in its own way.
        self._order = [self.constants.index(name) for name in self.kernel.inputs]

    def __call__(self, constants: Floats) -> Members:
        """Run members: ``(run, constant)``."""
        found = simulate_readings(
            self.kernel,
            constants[:, self._order],
            self.scenario.time,
            [self.readings[place] for place in self._known],
        )
        count, values = len(constants), found.values
        if len(self._known) < len(self.readings):
            values = np.full((len(self.readings), count), np.nan)
            values[self._known] = found.values
        outcome = np.zeros(count, np.int8)
        culprit = np.full(count, -1, np.int32)
        when = np.full(count, np.nan)
        for run in np.flatnonzero(found.bad):
            outcome[run], culprit[run], when[run] = self._diagnosed(constants[run])
        return Members(values, outcome, culprit, when)

    def _diagnosed(self, constants: Floats) -> tuple[Outcome, int, float]:
        """Run a bad member again, all of it, and find what was at fault first."""
        with self._lock:
            if self._whole is None:
                self._whole = compile_model(
                    self.model, vary=self.constants, values=self.scenario.values, effort=0
                )
        kernel, time = self._whole, self.scenario.time
        inputs = {name: constants[self.constants.index(name)] for name in kernel.inputs}
        steps = round((time.final - time.initial) / time.step)
        every = np.asarray(time.initial + np.arange(steps + 1) * time.step, np.float64)
        found = simulate_ensemble(
            kernel, np.array([list(inputs.values())]).reshape(1, -1), time, keep=every
        )
        fine = np.isfinite(found.values[0])
        if fine.all():  # what broke is a stock, after the last step
            return Outcome.NAN, -1, time.final
        step = int((~fine).any(axis=0).argmax())
        at_fault = {
            split_reference(kernel.outputs[row])[0]: found.values[0, row, step]
            for row in np.flatnonzero(~fine[:, step])
        }
        sources = [
            name for name in at_fault if not set(self.model.variables[name].causes) & set(at_fault)
        ]
        name = (sources or list(at_fault))[0]
        outcome = Outcome.NAN if math.isnan(at_fault[name]) else Outcome.OVERFLOW
        return outcome, list(self.model.variables).index(name), float(every[step])
