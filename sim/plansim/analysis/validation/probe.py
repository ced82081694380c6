"""Runs of a model with further equations beside its own, and with any of its constants set.

The expressions of tests are written in the model's own language and computed by the engine in the
same run, so that INTEG can keep independent accounts and no second interpreter is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from plansim.analysis.validation.settings import Settings
from plansim.compiler.lower import cells_of
from plansim.engine.batch import simulate_ensemble
from plansim.engine.compiled import whole_kernel
from plansim.engine.kernel import Kernel
from plansim.engine.trajectory import shape_of
from plansim.errors import Fault, ModelError
from plansim.model.reader import parse_model
from plansim.model.records import Model, TimeSpec, Timing
from plansim.model.syntax import NAME, read_subscripts
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats, Yearly, moment

__all__ = [
    "AddedEquation",
    "Probe",
    "Runs",
    "end_of_reference",
    "every_step",
    "halved",
    "probe_of",
    "with_equations",
]

_SKETCH = "\\\\\\---///"
"""Where Vensim's drawings begin: no equation may follow."""


@dataclass(frozen=True)
class AddedEquation:
    """An equation that is computed beside the model's own."""

    name: str
    text: str
    """The right-hand side, in Vensim's language."""
    subscripts: tuple[str, ...] = ()
    file: str = ""
    """File in which it is written, for messages."""
    line: int | None = None
    constant: bool = False
    """Whether it is a number that can be set from run to run, rather than an output."""

    @property
    def left(self) -> str:
        """Return the left-hand side of the equation."""
        return f"{self.name}[{','.join(self.subscripts)}]" if self.subscripts else self.name


def with_equations(
    model: Model, equations: Sequence[AddedEquation], text: str | None = None
) -> Model:
    """Return a model, or a variant of its ``text``, with further equations.

    Raises:
        ModelError: an equation is at fault, by the place where it stands.
    """
    body, mark, sketch = (model.text if text is None else text).partition(_SKETCH)
    first = body.count("\n") + 1
    # One line an equation: a fault's line says which it is.
    added = "".join(f"{equation.left}= {_right(equation)} ~~|\n" for equation in equations)
    try:
        return parse_model(body + "\n" + added + mark + sketch, model.path)
    except ModelError as error:
        raise ModelError(_placed(fault, equations, first) for fault in error.faults) from None


def _right(equation: AddedEquation) -> str:
    """Write a right-hand side on one line; a bare number would be a constant, not an output."""
    flowing = " ".join(equation.text.split())
    if equation.constant:
        return flowing
    try:
        float(flowing)
    except ValueError:
        return flowing
    return f"{flowing} + 0*Time"


def _placed(fault: Fault, equations: Sequence[AddedEquation], first: int) -> Fault:
    index = -1 if fault.line is None else fault.line - first - 1
    if not 0 <= index < len(equations):
        return fault
    return replace(fault, file=equations[index].file or fault.file, line=equations[index].line)


@dataclass(frozen=True)
class Probe:
    """A model as machine code in which every constant can be set."""

    model: Model
    kernel: Kernel

    def run(self, settings: Sequence[Settings], clock: TimeSpec) -> Runs:
        """Run once for each of some settings; constants left out keep the model's values."""
        columns = {name: column for column, name in enumerate(self.kernel.inputs)}
        table = np.tile(self.kernel.defaults, (len(settings), 1))
        for row, values in zip(table, settings, strict=True):
            for name in values.keys() & columns:
                row[columns[name]] = values[name]
        ensemble = simulate_ensemble(self.kernel, table, clock)
        return Runs(self, ensemble.time, ensemble.values, ensemble.bad)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each ``name`` or ``name[e1,e2]`` among the outputs."""
        return {name: row for row, name in enumerate(self.kernel.outputs)}


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
        """Return a variable over time: ``(run, time, *elements)``."""
        variable = self.probe.model.variables[name]
        rows = [self.probe.rows[label] for label in cells_of(self.probe.model, variable)]
        series = self.values[:, rows].swapaxes(1, 2)
        return series.reshape(*series.shape[:2], *shape_of(self.probe.model, variable))

    def yearly(self, reference: str, timing: Timing | None = None) -> Yearly:
        """Return a function from a year to ``name`` or ``name[element]`` at it: ``(run,)``.

        ``timing`` is the instant of the year, by default that of the variable's kind. NaN in years
        that the runs do not save.
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
    text: str | None = None,
    effort: int = 0,
) -> Probe:
    """Compile a model, or a variant of its text, with further equations.

    Without ``outputs`` all that changes over time can be looked at.

    Raises:
        ModelError: an equation is at fault, or what the compiler does not support.
    """
    whole = with_equations(model, equations, text) if equations or text else model
    return Probe(whole, whole_kernel(whole, {}, outputs, effort=effort))


def end_of_reference(text: str, start: int) -> int:
    """Return the offset at which the name (with subscripts) that starts at ``start`` ends."""
    match = re.compile(NAME).match(text, start)
    assert match is not None
    if text.startswith("[", match.end()):
        return read_subscripts(text, match.end(), len(text))[1]
    return match.end()


def every_step(scenario: Scenario) -> TimeSpec:
    """Return a scenario's clock, saving at every step."""
    return replace(scenario.time, saveper=scenario.time.step)


def halved(clock: TimeSpec) -> TimeSpec:
    """Return a clock with half the step, saving at the same times."""
    return replace(clock, step=clock.step / 2)
