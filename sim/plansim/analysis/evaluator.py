"""From parameter values to runs, indicators and verdicts: the one way there is.

::

    evaluator = Evaluator(model, scenario, ["birth rate"], Request(targets))
    evaluation = evaluator.evaluate(np.array([[0.011], [0.012]]))
    evaluation["M28"].margin  # (run,)

    values (run, factor) → constants of each run → readings → indicators and verdicts

Runs are made in tiles that stay in the processor's cache, and on as many threads as asked for. A
run that breaks down is a status with the variable that failed and the time, never an exception.

`compile_whole` is for the tests of a model and the signs of links, which look at every variable
over time and hold the model to further equations in its own language: these are computed in the
same run, so that nothing interprets equations here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.engine.batch import simulate_ensemble
from plansim.engine.compiled import inputs_under, whole_kernel
from plansim.engine.kernel import Kernel
from plansim.engine.readings import CompiledRuns, Reading, RunStatus, SimulatedRuns
from plansim.engine.trajectory import series_of
from plansim.errors import Message, SimulationError
from plansim.model.records import Model, TimeSpec
from plansim.model.rewrite import AddedEquation, with_equations
from plansim.scenario.factors import Apply, Factor, FloatArray, constants_of
from plansim.scenario.scenario_file import Scenario
from plansim.scenario.variant import for_scenarios
from plansim.targets.indicator import Yearly, moment
from plansim.targets.judging import Answer, Verdicts, judge
from plansim.targets.target import Attribute, Status, Target, unit_factor, variable_of

__all__ = [
    "TILE",
    "CompiledModel",
    "Evaluation",
    "Evaluator",
    "Progress",
    "Request",
    "RunStatus",
    "Trajectories",
    "compile_whole",
    "every_step",
    "processors",
]

Progress: TypeAlias = Callable[[int, int], None]
"""What long work is given to call: with the number of steps that are done, and of all."""

TILE = 4096
"""Maximum number of runs that are simulated and judged at once: they stay in the cache."""

MIN_TILE = 256
"""Minimum number of runs that are worth a thread."""


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Request:
    """What to evaluate of each run."""

    targets: tuple[Target, ...] = ()
    """Targets to judge, each with a variable, a value and a year: `judged_targets`, and indicators
    of `indicator_of`."""
    outputs: tuple[str, ...] = ()
    """Series whose values are wanted, ``name`` or ``name[element]``."""
    years: tuple[int, ...] = ()
    """Years in which the outputs are wanted."""

    @property
    def binding(self) -> tuple[Target, ...]:
        """The targets that are followed to their horizon."""
        return tuple(one for one in self.targets if one.attribute is Attribute.BINDING)


@dataclass(frozen=True, kw_only=True)
class Evaluation(SimulatedRuns):
    """Verdicts, outputs and status of some runs."""

    request: Request
    verdicts: Mapping[str, Verdicts]
    """By the id of a target, arrays ``(run,)``. A failed run has NaN and is untestable."""
    output_rows: npt.NDArray[np.intp]
    """``(output, year)``: the rows of `values` that hold the requested outputs."""
    variables: tuple[str, ...] = field(repr=False)
    """The names of the model's variables."""

    def __getitem__(self, target: str) -> Verdicts:
        """Return the verdicts on a target, by its id."""
        return self.verdicts[target]

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """``(run,)``: whether a value of the run is no finite number."""
        return np.asarray(self.status != RunStatus.OK)

    @property
    def outputs(self) -> FloatArray:
        """``(run, output, year)`` in the model's units; NaN in failed runs and unsaved years."""
        values: FloatArray = np.moveaxis(self.values[self.output_rows], -1, 0)
        values[self.failed] = np.nan
        return values

    def output(self, name: str) -> FloatArray:
        """Return a requested series: ``(run, year)``, as in `outputs`."""
        return self.outputs[:, self.request.outputs.index(name)]

    def least_margins(self, targets: Sequence[Target]) -> FloatArray:
        """Return the smallest margin of all bases of each target: ``(run, target)``."""
        columns = [self.verdicts[target.id].least_margin for target in targets]
        return np.stack(columns, axis=1) if columns else np.empty((len(self.status), 0))

    def met(self, targets: Sequence[Target]) -> npt.NDArray[np.bool_]:
        """Return whether each run meets each target: ``(run, target)``."""
        columns = [self.verdicts[one.id].status == Status.MET.code for one in targets]
        return np.stack(columns, axis=1) if columns else np.empty((len(self.status), 0), bool)

    def failure(self, run: int) -> Message:
        """Return the variable that failed in a run, and when."""
        name = [*self.variables, "?"][self.failed_variable[run]]
        return Message("'{name}', at {time:g}", name=name, time=float(self.failed_time[run]))

    def require_ok(self) -> None:
        """Raise an error if a run failed.

        Raises:
            SimulationError: a run failed.
        """
        if self.failed.any():
            run = int(self.failed.argmax())
            raise SimulationError(
                "{count} of {total} runs break down; run {run} first at {location}",
                count=int(self.failed.sum()),
                total=len(self.status),
                run=run,
                location=self.failure(run),
            )


class Evaluator:
    """Evaluates runs of a scenario that differ in the values of some factors.

    Threads may share it.
    """

    def __init__(
        self,
        model: Model,
        scenario: Scenario,
        factors: Sequence[Factor | str],
        request: Request,
        *,
        shared: bool | Kernel = False,
        limit: float = math.inf,
        stop_early: bool = False,
    ) -> None:
        """Prepare runs.

        Args:
            model: the model.
            scenario: gives what no factor acts on, and the clock.
            factors: what differs between runs: a factor, or a constant that is set, ``name`` or
                ``name[e1,e2]``.
            request: what is wanted of each run.
            shared: whether to reuse the compiled code of single runs, or that code itself; it runs
                half as fast.
            limit: magnitude beyond which a value of a variable makes a run fail.
            stop_early: whether runs end with the last figure that is wanted, and targets are not
                followed beyond their own year.

        Raises:
            InputError: a constant that the shape of the code depends on cannot vary.
            ModelError: the model uses what the compiler does not support; with variables and lines.
        """
        self.factors = tuple(
            factor if isinstance(factor, Factor) else Factor(factor, (factor,), Apply.SET, None, "")
            for factor in factors
        )
        constants = [name for factor in self.factors for name in factor.constants]
        self.model = model = for_scenarios(model, [scenario], constants)
        self.scenario = scenario
        if stop_early:
            ended = (replace(one, horizon=one.year or one.horizon) for one in request.targets)
            request = replace(request, targets=tuple(ended))
        self.request = request
        self._scales = {
            (target.id, name): unit_factor(variable_of(model, name).unit, target)
            for target in request.targets
            for name in target.variables.values()
        }
        self._rows = self._needed()
        self.readings = tuple(self._rows)
        self._output_rows = np.array(
            [[self._rows[self._reading(name, year)] for year in request.years]
             for name in request.outputs], np.intp,
        ).reshape(len(request.outputs), len(request.years))  # fmt: skip
        self._runs = CompiledRuns(
            model,
            scenario,
            constants,
            self.readings,
            shared=shared,
            limit=limit,
            stop_early=stop_early,
        )
        self.kernel = self._runs.kernel

    def evaluate(
        self, values: npt.ArrayLike, threads: int = 1, seeds: FloatArray | None = None
    ) -> Evaluation:
        """Simulate and judge runs.

        Args:
            values: the factors' values, ``(run, factor)``, in their units.
            threads: number of threads. The results do not depend on it.
            seeds: ``(run,)``: what is added to the seed of random functions. By default all runs
                draw the same numbers, so that they differ by the factors alone.
        """
        table = np.asarray(values, dtype=np.float64)
        rounds = -(-len(table) // (TILE * threads))  # all threads have as much to do
        size = max(MIN_TILE, -(-len(table) // max(rounds * threads, 1)))
        seeds = np.zeros(len(table)) if seeds is None else seeds
        tiles = [slice(start, start + size) for start in range(0, len(table), size)]
        if len(tiles) <= 1:
            return self._evaluated(table, seeds)
        with ThreadPoolExecutor(threads) as pool:
            parts = pool.map(lambda rows: self._evaluated(table[rows], seeds[rows]), tiles)
            return _joined(list(parts))

    def _evaluated(self, values: FloatArray, seeds: FloatArray) -> Evaluation:
        base = self.scenario.values
        runs = self._runs.simulate(constants_of(self.model, base, self.factors, values), seeds)

        def series(reference: str) -> Yearly:
            return lambda year: np.asarray(
                runs.values[self._rows[self._reading(reference, year)]], np.float64
            )

        with np.errstate(all="ignore"):  # failed runs are known by their status
            judged = self._judged(series)
        if (failed := np.flatnonzero(runs.status != RunStatus.OK)).size:
            for verdicts in judged.values():
                _mark_failed(verdicts, failed)
        return Evaluation(
            **vars(runs),
            request=self.request,
            verdicts=judged,
            output_rows=self._output_rows,
            variables=tuple(self.model.variables),
        )

    def _judged(self, series: Callable[[str], Yearly]) -> dict[str, Verdicts]:
        """Judge runs that are given by their annual series."""
        judged = {}
        for target in self.request.targets:
            answers = {
                basis: Answer(series(name), self._scales[target.id, name])
                for basis, name in target.variables.items()
            }
            judged[target.id] = judge(answers, target, assumed=target.id in self.scenario.assumed)
        return judged

    def _needed(self) -> dict[Reading, int]:
        """Return what has to be read of each run, each with its row.

        Nothing else knows which years a verdict takes: judging itself asks for them.
        """
        needed: dict[Reading, int] = {}

        def series(reference: str) -> Yearly:
            def at(year: int) -> FloatArray:
                needed.setdefault(self._reading(reference, year), len(needed))
                return np.ones(1)

            return at

        self._judged(series)
        for name in self.request.outputs:
            for year in self.request.years:
                series(name)(year)
        return needed

    def _reading(self, reference: str, year: int) -> Reading:
        timing = variable_of(self.model, reference).timing
        return Reading(reference, moment(timing, year))


def _mark_failed(judged: Verdicts, failed: npt.NDArray[np.intp]) -> None:
    """Mark the verdicts of failed runs as untestable, with NaN for numbers."""
    numbers = (judged.value, judged.margin, judged.least_margin, judged.first_breach)
    for array in (*numbers, *judged.bases.values()):
        array[failed] = np.nan
    judged.status[failed] = Status.UNTESTABLE.code


def _joined(parts: Sequence[Evaluation]) -> Evaluation:
    """Return the evaluations of tiles as one."""
    names = ("verdicts", "values", "status", "failed_variable", "failed_time")
    joined = {name: _concatenated([getattr(part, name) for part in parts]) for name in names}
    return replace(parts[0], **joined)


def _concatenated(parts: Sequence[Any]) -> Any:
    """Concatenate arrays, or mappings and records of arrays, along the runs."""
    match parts[0]:
        case Mapping() as first:
            return {key: _concatenated([part[key] for part in parts]) for key in first}
        case Verdicts() as first:
            return Verdicts(**_concatenated([vars(part) for part in parts]))
        case _:
            return np.concatenate(parts, axis=-1)


# --- whole trajectories ---------------------------------------------------------------------------


@dataclass(frozen=True)
class CompiledModel:
    """A model as machine code in which every constant can be set."""

    model: Model
    kernel: Kernel

    def run(self, settings: Sequence[Mapping[str, float]], clock: TimeSpec) -> Trajectories:
        """Run once for each of some settings; what they leave out is as the model has it.

        Settings are values by ``name`` or ``name[e1,e2]``, in the model's units. Those of the clock
        and of constants that no equation reads change nothing.

        Raises:
            UnknownNameError: a name is no variable's, as that of a ramp in the plain model is not.
        """
        for name in {name.partition("[")[0] for values in settings for name in values}:
            self.model.find(name)
        table = np.concatenate([inputs_under(self.kernel, values) for values in settings])
        ensemble = simulate_ensemble(self.kernel, table, clock)
        return Trajectories(self, ensemble.time, ensemble.values)


@dataclass(frozen=True)
class Trajectories:
    """All outputs of some runs on one clock."""

    compiled: CompiledModel
    time: FloatArray
    """``(time,)``: the saved times."""
    values: FloatArray
    """``(run, output, time)``."""

    def series(self, name: str) -> FloatArray:
        """Return a variable over time: ``(run, time, *elements)``."""
        model = self.compiled.model
        return series_of(model, model.variables[name], self.compiled.kernel.rows_of, self.values)

    def yearly(self, reference: str) -> Yearly:
        """Return a function from a year to ``name`` or ``name[element]`` at it: ``(run,)``.

        NaN where the runs save nothing.
        """
        row = self.values[:, self.compiled.kernel.rows_of[reference]]
        when = variable_of(self.compiled.model, reference).timing

        def at(year: int) -> FloatArray:
            near = np.flatnonzero(np.abs(self.time - moment(when, year)) < 1e-6)
            return row[:, near[0]] if near.size else np.full(len(row), np.nan)

        return at

    def in_years(self, reference: str, years: Iterable[int]) -> FloatArray:
        """Return the same in some years: ``(run, year)``."""
        return np.stack([*map(self.yearly(reference), years)], axis=1)


def compile_whole(
    model: Model,
    equations: Sequence[AddedEquation] = (),
    outputs: Iterable[str] = (),
    *,
    effort: int = 0,
) -> CompiledModel:
    """Compile a model with further equations, all constants free.

    Without ``outputs`` all that changes over time is kept.

    Raises:
        ModelError: an equation is at fault, or the compiler does not support something.
    """
    whole = with_equations(model, equations) if equations else model
    return CompiledModel(whole, whole_kernel(whole, {}, outputs, effort=effort))


def every_step(clock: TimeSpec) -> TimeSpec:
    """Return a clock that saves at every step."""
    return replace(clock, saveper=clock.step)
