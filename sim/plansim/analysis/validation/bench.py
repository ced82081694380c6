"""A probe as the engine of studies that change constants: one compilation for all scenarios."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plansim.analysis.evaluator import Engine, Reading, RunStatus, Simulate, SimulatedRuns, compiled
from plansim.analysis.validation.probe import Probe
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.indicator import Floats

__all__ = ["engine_of"]

_AT_ONCE = 256


def engine_of(probe: Probe) -> Engine:
    """Give an engine that runs a probe, whose outputs have to hold all that is read."""

    def engine(
        model: Model, scenario: Scenario, constants: Sequence[str], readings: Sequence[Reading]
    ) -> Simulate:
        def simulate(table: Floats) -> SimulatedRuns:
            parts = [
                _values(probe, scenario, constants, readings, table[first : first + _AT_ONCE])
                for first in range(0, len(table), _AT_ONCE)
            ]
            values = np.concatenate([part for part, _ in parts], axis=1)
            bad = np.concatenate([each for _, each in parts])
            if bad.any():  # rare, and the other engine can say what broke
                return compiled(model, scenario, constants, readings)(table)
            count = len(table)
            nobody, never = np.full(count, -1, np.int32), np.full(count, np.nan)
            return SimulatedRuns(values, np.full(count, RunStatus.OK, np.int8), nobody, never)

        return simulate

    return engine


def _values(
    probe: Probe,
    scenario: Scenario,
    constants: Sequence[str],
    readings: Sequence[Reading],
    table: Floats,
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Give ``(reading, run)``, NaN where nothing is saved, and which runs are bad."""
    rows = np.tile(probe.row(scenario.values), (len(table), 1))
    for column, name in enumerate(constants):
        if name in probe.columns:
            rows[:, probe.columns[name]] = table[:, column]
    runs = probe.run_table(rows, scenario.time)
    values = np.full((len(readings), len(table)), np.nan)
    for place, reading in enumerate(readings):
        near = np.flatnonzero(np.abs(runs.time - reading.time) < 1e-6)
        if near.size:
            values[place] = runs.values[:, probe.rows[reading.series], near[0]]
    return values, runs.bad
