"""Readings, single values of many runs, and the status of each run.

A run that breaks down is a status, with the variable that failed first and the time, never an
exception.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plansim.compiler.lower import StructuralError
from plansim.engine.batch import saved_times, simulate_ensemble, simulate_readings
from plansim.engine.compiled import cannot_vary, inputs_under, shared_kernel
from plansim.engine.kernel import Kernel, compile_model
from plansim.engine.trajectory import first_cause
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import split_reference, variable_of

__all__ = ["CompiledRuns", "Reading", "RunStatus", "SimulatedRuns"]


class RunStatus(IntEnum):
    """How a run ended."""

    OK = 0
    OVERFLOW = 1  # a value is infinite
    NAN = 2  # a value is not a number
    EXCESSIVE = 3  # a value is beyond the limit that was asked for


class Reading(NamedTuple):
    """A series and the time at which it is read of each run."""

    series: str
    """``name`` or ``name[element]``."""
    time: float


@dataclass(frozen=True)
class SimulatedRuns:
    """Readings of some runs, and how each ended."""

    values: FloatArray
    """``(reading, run)``, in the order of the readings and the model's units; NaN where the run
    saves no value."""
    status: npt.NDArray[np.int8]
    """``(run,)``: `RunStatus`."""
    failed_variable: npt.NDArray[np.int32]
    """``(run,)``: the variable that failed first, by its place in the model; -1 if unknown or if
    the run did not fail."""
    failed_time: FloatArray
    """``(run,)``: the time at which it failed; NaN if the run did not fail."""


class CompiledRuns:
    """Runs of a model under a scenario that differ in some constants. Threads may share it."""

    def __init__(
        self,
        model: Model,
        scenario: Scenario,
        constants: Sequence[str],
        readings: Sequence[Reading],
        *,
        shared: bool | Kernel = False,
        limit: float = math.inf,
        stop_early: bool = False,
    ) -> None:
        """Compile the model with the constants that differ, ``name`` or ``name[e1,e2]``, as inputs.

        Runs with a variable beyond ``limit``, of those that are computed, are failures. With
        ``shared`` they take the machine code of single runs, which computes all variables: it takes
        twice as long, and nothing has to be compiled; who has that code may give it. With
        ``stop_early`` runs end with the last reading, so that what fails later is no failure.

        Raises:
            InputError: a constant that the shape of the code depends on cannot vary.
            ModelError: the model uses what the compiler does not support; with variables and lines.
        """
        self._model, self._scenario = model, scenario
        self._constants, self._readings = tuple(constants), tuple(readings)
        names = sorted({variable_of(model, reading.series).name for reading in readings})
        self._limit = limit
        self._whole: Kernel | None = None
        # Scenarios that differ in nothing else have the same code.
        self._folded = {k: v for k, v in scenario.values.items() if k not in self._constants}
        if shared:
            given = None if shared is True else shared
            self.kernel = self._whole = shared_kernel(model, scenario.values, constants, given)
        else:
            try:
                self.kernel = compile_model(
                    model, vary=constants, outputs=names, values=self._folded
                )
            except StructuralError as error:
                raise cannot_vary(error.names) from None
        saved = saved_times(scenario.time)
        kept = {time for _, time in readings if np.isclose(saved, time).any()}
        known = [row for row, reading in enumerate(readings) if reading.time in kept]
        self._known = np.array(known, dtype=np.intp)
        self._time = scenario.time
        # Equations that look at the end of the run would see another one.
        if (
            stop_early
            and kept
            and not any("FINAL TIME" in v.causes for v in model.variables.values())
        ):
            self._time = replace(scenario.time, final=max(kept))
        self._lock = threading.Lock()

    def simulate(self, constants: FloatArray, seeds: FloatArray | None = None) -> SimulatedRuns:
        """Simulate runs: ``(run, constant)``.

        ``seeds``, ``(run,)``, are added to the seed of random functions; by default all runs draw
        the same numbers.
        """
        seeds = np.zeros(len(constants)) if seeds is None else seeds
        read, bad = simulate_readings(
            self.kernel,
            self._inputs(self.kernel, constants, seeds),
            self._time,
            [self._readings[row] for row in self._known],
            limit=self._limit,
        )
        count, values = len(constants), read
        if len(self._known) < len(self._readings):
            values = np.full((len(self._readings), count), np.nan)
            values[self._known] = read
        status = np.zeros(count, np.int8)
        variable = np.full(count, -1, np.int32)
        time = np.full(count, np.nan)
        for run in np.flatnonzero(bad):
            status[run], variable[run], time[run] = self._diagnosis(
                constants[run : run + 1], seeds[run : run + 1]
            )
        return SimulatedRuns(values, status, variable, time)

    def _inputs(self, kernel: Kernel, constants: FloatArray, seeds: FloatArray) -> FloatArray:
        return inputs_under(kernel, self._scenario.values, self._constants, constants, seeds)

    def _diagnosis(self, constants: FloatArray, seeds: FloatArray) -> tuple[RunStatus, int, float]:
        """Simulate a failed run with all variables recorded, and find which failed first."""
        with self._lock:
            if self._whole is None:
                self._whole = compile_model(
                    self._model, vary=self._constants, values=self._folded, effort=0
                )
        kernel, time = self._whole, self._time
        steps = round((time.final - time.initial) / time.step)
        every = np.asarray(time.initial + np.arange(steps + 1) * time.step, np.float64)
        raw = replace(kernel, absurd=math.inf)  # what is missing is no failure
        whole = simulate_ensemble(raw, self._inputs(kernel, constants, seeds), time, keep=every)
        values, size = whole.values[0], np.abs(whole.values[0])
        sound = np.isfinite(values) & ((size <= self._limit) | (size >= kernel.absurd))
        if sound.all():  # a stock failed, after the last step
            return RunStatus.NAN, -1, time.final
        step = int((~sound).any(axis=0).argmax())
        failed = {
            split_reference(kernel.outputs[row])[0]: values[row, step]
            for row in np.flatnonzero(~sound[:, step])
        }
        name = first_cause(self._model, list(failed))
        status = RunStatus.EXCESSIVE if math.isfinite(failed[name]) else RunStatus.OVERFLOW
        status = RunStatus.NAN if math.isnan(failed[name]) else status
        return status, list(self._model.variables).index(name), float(every[step])
