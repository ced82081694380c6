"""The reference engine: one run by PySD, from fresh state.

PySD gives the derivatives, and its elements hold the stocks; the steps are taken here, by the rule
of docs/topics/integration.md. PySD keeps parameters and state from one run to the next, and cannot
change the initial time once stocks are initialised; so its model is loaded anew for every run, from
a cached translation. The numbers of a run are cached too.
"""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from plansim.cache import kept
from plansim.engine.compiled import constant_of
from plansim.engine.pysd_source import SWITCH, SWITCHES, quiet_pysd, translated
from plansim.engine.trajectory import Trajectory, checked, recorded, run_key
from plansim.errors import Message, SimulationError
from plansim.model.records import (
    NOISE_SEED,
    Integration,
    Model,
    TimeSpec,
    Variable,
    VariableKind,
    folded,
)
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario

__all__ = ["run_reference"]

_MAX_FRAMES = 20_000
"""Recursion limit: PySD computes a variable by calling its causes, and a chain may be long."""


def run_reference(model: Model, scenario: Scenario, *, cache: bool = True) -> Trajectory:
    """Run a model under a scenario by PySD; return its trajectory.

    Raises:
        ModelError: PySD cannot translate the model.
        SimulationError: the run breaks down, or a value is not a finite number.
    """
    make = partial(_run, model, scenario)
    return kept("runs", run_key(model, scenario, "PySD"), Trajectory, make) if cache else make()


# --- Running --------------------------------------------------------------------------------------


def _run(model: Model, scenario: Scenario) -> Trajectory:
    source = translated(model)
    pysd_model: Any = None
    try:
        with _isolated(scenario), quiet_pysd():
            pysd_model = _loaded(source)
            run = _integrated(model, scenario, pysd_model)
    except Exception as error:  # PySD raises whatever Python, numpy or xarray does
        raise _explained(model, scenario, error, pysd_model) from error
    return checked(model, scenario, run)


@contextlib.contextmanager
def _isolated(scenario: Scenario) -> Iterator[None]:
    """Set the interpreter's state that a run needs, and restore it.

    Random functions of Vensim draw from numpy's global generator, which starts by the scenario's
    seed. Division by zero and the like are detected in the results. xarray must raise if labels do
    not match, which it would silently drop; that also halves the time of a run. Labels as
    Python's strings, not as Arrow's, save another quarter.
    """
    frames, random = sys.getrecursionlimit(), np.random.get_state()
    sys.setrecursionlimit(max(frames, _MAX_FRAMES))
    np.random.seed(int(scenario.values.get(NOISE_SEED, 0)) % 2**32)
    try:
        with (
            np.errstate(all="ignore"),
            pd.option_context("mode.string_storage", "python"),
            xr.set_options(arithmetic_join="exact"),  # type: ignore[no-untyped-call]
        ):
            yield
    finally:
        np.random.set_state(random)
        sys.setrecursionlimit(frames)


def _loaded(source: str) -> Any:
    """Return PySD's model, not yet initialised, from its source."""
    import pysd

    with tempfile.TemporaryDirectory(prefix="plansim-") as folder:
        path = Path(folder) / "model.py"
        path.write_text(source, "utf-8")
        return pysd.load(path, initialize=False)


def _integrated(model: Model, scenario: Scenario, pysd_model: Any) -> Trajectory:
    time = scenario.time
    over_time, once = recorded(model)
    clock = {"final_time": time.final, "time_step": time.step, "saveper": time.saveper}
    # The initial time must be set before stocks take their initial values.
    if not model.moving_clock:
        pysd_model.components._control_vars["initial_time"] = lambda: time.initial
    python_names = {folded(name): python for name, python in pysd_model.namespace.items()}
    variables = {
        v.name: _PysdVariable(model, v, python_names[folded(v.name)], pysd_model)
        for v in (*over_time, *once)
    }
    changed = {
        key if key in variables else key.partition("[")[0]
        for key in scenario.values
        if key not in model.variables or model.variables[key].kind is not VariableKind.CONTROL
    }
    times: list[float] = []
    series: dict[str, list[FloatArray]] = {variable.name: [] for variable in over_time}

    def record(_: object) -> None:
        times.append(float(pysd_model.time()))
        for name, values in series.items():
            values.append(variables[name].read())

    stepper = _Stepper(pysd_model, time.integration)
    pysd_model.set_stepper(
        SimpleNamespace(set_capture_elements=len, initialize=id, update=record),
        params={
            variables[name].python_name: variables[name].given(constant_of(model, scenario, name))
            for name in changed
        },
        return_columns=[variables[name].python_name for name in series],
        **({} if model.moving_clock else clock),
    )
    for start, end in _steps(model, time, pysd_model.time):
        stepper.step(start, end)
        if pysd_model.time.in_return():
            record(pysd_model)
    return Trajectory(
        time=np.array(times),
        series={name: np.stack(values) for name, values in series.items()},
        constants={variable.name: variables[variable.name].read() for variable in once},
    )


def _steps(model: Model, time: TimeSpec, clock: Any) -> Iterator[tuple[float, float]]:
    """Yield where each step begins and ends; each is to be taken before the next one is asked for.

    Where the clock moves, PySD says what it is.
    """
    if model.moving_clock:
        while clock.in_bounds():
            yield clock(), clock() + clock.time_step()
        return
    for number in range(math.ceil((time.final - time.initial) / time.step - 1e-6)):
        yield time.initial + number * time.step, time.initial + (number + 1) * time.step


_METHODS: Mapping[Integration, tuple[tuple[float, ...], ...]] = {
    Integration.EULER: ((1.0,),),
    Integration.MIDPOINT: ((1 / 2,), (0.0, 1.0)),
    Integration.RK4: (
        (1 / 3,),
        (0.0, 5 / 9),
        (14 / 25, -1.0, 36 / 25),
        (3 / 20, 3 / 16, 81 / 160, 5 / 32),
    ),
}
"""By method: the weights of the stages' derivatives on the way to the next stage, and those of all
of them on the way to the next step."""


class _FrozenSwitches:
    """Return, for all stages of a step, what switches at its start."""

    def __init__(self, functions: Sequence[Callable[[], Any]]) -> None:
        self.functions = functions
        self.values: dict[int, Any] = {}
        self.frozen = False

    def __call__(self, index: int) -> Any:
        if not self.frozen or index not in self.values:
            self.values[index] = self.functions[index]()
        return self.values[index]

    def freeze(self) -> None:
        """End the first stage; what it did not need is computed, since later stages may need it."""
        for index in range(len(self.functions)):
            if index not in self.values:
                with contextlib.suppress(ZeroDivisionError):  # in a branch that is not taken
                    self(index)
        self.frozen = True

    def release(self) -> None:
        """End the step."""
        self.values.clear()
        self.frozen = False


class _Stepper:
    """Takes the steps of a run of PySD's model."""

    def __init__(self, pysd_model: Any, integration: Integration) -> None:
        from pysd.py_backend.statefuls import DelayFixed, SampleIfTrue

        self.model = pysd_model
        *self.ways, self.whole = _METHODS[integration]
        self.switches = _FrozenSwitches(getattr(pysd_model.components, SWITCHES))
        pysd_model.components._set_component(SWITCH, self.switches)
        elements = pysd_model._dynamicstateful_elements
        for element in elements:  # of delays; in the source each number is a float
            if order := getattr(element, "order_func", None):
                element.order_func = lambda order=order: int(order())
        self.pipes = [e for e in elements if isinstance(e, DelayFixed)]
        self.samples = [e for e in elements if isinstance(e, SampleIfTrue)]
        self.stocks = [e for e in elements if not isinstance(e, DelayFixed | SampleIfTrue)]

    def step(self, start: float, end: float) -> None:
        """Take one step.

        What has a memory and is not a stock moves once, by what the first stage gives it; PySD
        moves each by what the elements before it have become already.
        """
        length = self.model.time.time_step()
        states = [stock.state for stock in self.stocks]
        entering = [pipe.input_func() for pipe in self.pipes]
        sampled = [sample() for sample in self.samples]
        rates, ages = self._derivatives()
        stages = [rates]
        if self.ways:
            self.switches.freeze()
        for parts in self.ways:
            self._move(start + sum(parts) * length, states, _summed(stages, parts), length)
            stages.append(self._derivatives()[0])
        self._move(end, states, _summed(stages, self.whole), length)
        self.switches.release()
        for stock, times in ages.items():
            stock.times = times
        for pipe, value in zip(self.pipes, entering, strict=True):
            pipe.input_func, source = lambda value=value: value, pipe.input_func
            pipe.update(None)
            pipe.input_func = source
        for sample, value in zip(self.samples, sampled, strict=True):
            sample.state = sample.state * 0 + value

    def _derivatives(self) -> tuple[list[Any], dict[Any, Any]]:
        """Return the derivatives of the stocks, and the delay times that each DELAY N is to keep.

        PySD would keep them at once, and give another outflow from then on.
        """
        rates, ages = [], {}
        for stock in self.stocks:
            times = getattr(stock, "times", None)
            rates.append(stock.ddt())
            if times is not None:
                ages[stock], stock.times = stock.times, times
        return rates, ages

    def _move(
        self, time: float, states: Sequence[Any], rates: Sequence[Any], length: float
    ) -> None:
        for stock, state, rate in zip(self.stocks, states, rates, strict=True):
            stock.update(state + rate * length)
        self.model.time.update(time)
        self.model.clean_caches()


def _summed(stages: Sequence[Sequence[Any]], parts: Sequence[float]) -> list[Any]:
    """Return the sums of derivatives, ``(stage, stock)``, each times the part of its stage."""
    return [
        sum(part * rate for part, rate in zip(parts, rates, strict=True) if part)
        for rates in zip(*stages, strict=True)
    ]


class _PysdVariable:
    """A variable of PySD's model, whose elements may be in another order than the model's."""

    def __init__(self, model: Model, variable: Variable, python_name: str, pysd_model: Any) -> None:
        self.components, self.python_name = pysd_model.components, python_name
        self.dims: list[str] = getattr(self.components, python_name).subscripts or []
        if len(self.dims) != len(variable.subscripts):
            raise ValueError(f"{variable.name} is an array of another shape than declared")
        # PySD may have another name of a range, and its elements in another case.
        labels = [[folded(one) for one in pysd_model.subscripts[dim]] for dim in self.dims]
        self.shape = tuple(map(len, labels))
        ranges = [model.subscripts[name].elements for name in variable.subscripts]
        self.order = np.ix_(
            *([own.index(folded(one)) for one in elements]
              for elements, own in zip(ranges, labels, strict=True))
        )  # fmt: skip

    def read(self) -> FloatArray:
        """Return the present value, ``(*elements)`` in the model's order; a complex one as NaN."""
        value = getattr(self.components, self.python_name)()
        if isinstance(value, xr.DataArray):
            value = value.transpose(*self.dims)
        numbers = np.asarray(value)
        if np.iscomplexobj(numbers):
            numbers = np.where(numbers.imag == 0, numbers.real, math.nan)
        numbers = np.array(numbers, dtype=np.float64).reshape(self.shape)
        return numbers[self.order] if self.dims else numbers

    def given(self, values: FloatArray) -> Any:
        """Return values as PySD takes them."""
        if not self.dims:
            return float(values)
        array = getattr(self.components, self.python_name)().astype(float)
        array.transpose(*self.dims).to_numpy()[self.order] = values
        return array


def _explained(
    model: Model, scenario: Scenario, error: Exception, pysd_model: Any
) -> SimulationError:
    """Return the error of a run that broke down, with the time if it is known."""
    found: Message | str = " ".join(str(error).split()) or type(error).__name__
    match error:
        case RecursionError():
            found = Message("equations that refer to each other in a circle without a stock")
        case ZeroDivisionError():
            found = Message("division by zero")
    broken = Message("scenario '{id}': the run breaks down", id=scenario.id)
    if pysd_model is not None:
        time = pysd_model.time()
        broken = Message("{broken} at time {time:g}", broken=broken, time=time)
    return SimulationError(broken, file=model.path, found=found)
