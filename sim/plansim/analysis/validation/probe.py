"""Runs of a model with further equations beside its own, and with any of its constants set anew.

What a test holds a model to is written in the model's own language and computed by the engine in
the same run, so that INTEG keeps a second set of books and nothing interprets equations here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from plansim.analysis.validation.settings import Settings
from plansim.engine.batch import simulate_ensemble
from plansim.engine.compiled import whole_kernel
from plansim.engine.kernel import Kernel
from plansim.engine.trajectory import shape_of
from plansim.model.records import Model, TimeSpec, Timing, cells_of
from plansim.model.rewrite import AddedEquation, with_equations
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats, Yearly, moment

__all__ = [
    "Probe",
    "Runs",
    "every_step",
    "halved",
    "probe_of",
]


@dataclass(frozen=True)
class Probe:
    """A model as machine code in which every constant can be set."""

    model: Model
    kernel: Kernel

    def run(self, settings: Sequence[Settings], clock: TimeSpec) -> Runs:
        """Run once for each of some settings; what they leave out is as the model has it."""
        columns = {name: column for column, name in enumerate(self.kernel.inputs)}
        table = np.tile(self.kernel.defaults, (len(settings), 1))
        for row, values in zip(table, settings, strict=True):
            for name in values.keys() & columns:
                row[columns[name]] = values[name]
        ensemble = simulate_ensemble(self.kernel, table, clock)
        return Runs(self, ensemble.time, ensemble.values, ensemble.bad)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The place of each ``name`` or ``name[e1,e2]`` among the outputs."""
        return {name: place for place, name in enumerate(self.kernel.outputs)}


@dataclass(frozen=True)
class Runs:
    """What came out of some runs on one clock."""

    probe: Probe
    time: Floats
    """``(time,)``: the saved times."""
    values: Floats
    """``(run, output, time)``."""
    bad: npt.NDArray[np.bool_]
    """``(run,)``: whether a stock or an output was no finite number."""

    def series(self, name: str) -> Floats:
        """Give a variable over time: ``(run, time, *elements)``."""
        variable = self.probe.model.variables[name]
        places = [self.probe.rows[label] for label in cells_of(self.probe.model, variable)]
        found = self.values[:, places].swapaxes(1, 2)
        return found.reshape(*found.shape[:2], *shape_of(self.probe.model, variable))

    def yearly(self, reference: str, timing: Timing | None = None) -> Yearly:
        """Return a function from a year to ``name`` or ``name[element]`` at it: ``(run,)``.

        ``timing`` is when in the year, by default as the variable's kind has it. NaN where the runs
        save nothing.
        """
        row = self.values[:, self.probe.rows[reference]]
        when = timing or self.probe.model.variables[split_reference(reference)[0]].timing

        def at(year: int) -> Floats:
            near = np.flatnonzero(np.abs(self.time - moment(when, year)) < 1e-6)
            return row[:, near[0]] if near.size else np.full(len(row), np.nan)

        return at


def probe_of(
    model: Model,
    equations: Sequence[AddedEquation] = (),
    outputs: Iterable[str] = (),
    *,
    effort: int = 0,
) -> Probe:
    """Compile a model with further equations.

    Without ``outputs`` all that changes over time can be looked at.

    Raises:
        ModelError: an equation is at fault, or what the compiler does not support.
    """
    whole = with_equations(model, equations) if equations else model
    return Probe(whole, whole_kernel(whole, {}, outputs, effort=effort))


def every_step(scenario: Scenario) -> TimeSpec:
    """Give a scenario's clock, saving at every step."""
    return replace(scenario.time, saveper=scenario.time.step)


def halved(clock: TimeSpec) -> TimeSpec:
    """Give a clock with half the step, saving at the same times."""
    return replace(clock, step=clock.step / 2)
