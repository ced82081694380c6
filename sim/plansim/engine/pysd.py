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
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from plansim.cache import kept
from plansim.engine.trajectory import (
    Engine,
    Trajectory,
    checked,
    recorded,
    run_key,
    version_of,
)
from plansim.engine.translate import SWITCH, SWITCHES, quiet_pysd, translated
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


def run_reference(
    model: Model, scenario: Scenario, *, cache: bool = True
) -> tuple[Trajectory, Engine]:
    """Run a model under a scenario by PySD; return its trajectory, and the engine.

    Raises:
        ModelError: PySD cannot translate the model.
        SimulationError: the run breaks down, or a value is not a finite number.
    """
    engine = Engine("PySD", version_of("pysd"), scenario.time.integration)
    make = partial(_run, model, scenario)
    key = run_key(model, scenario, engine.name)
    return kept("runs", key, Trajectory, make) if cache else make(), engine


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
    # The initial time must be set before stocks take their initial values.
    if not model.moving_clock:
        pysd_model.components._control_vars["initial_time"] = lambda: time.initial
    python_names = {folded(name): python for name, python in pysd_model.namespace.items()}
    readers = {
        v.name: _VariableReader(model, v, python_names[folded(v.name)], pysd_model)
        for v in (*over_time, *once)
    }
    stepper = _Stepper(pysd_model, time.integration)
    recorder = _Recorder([readers[v.name] for v in over_time])
    pysd_model.set_stepper(
        recorder,
        params=_parameters(scenario, pysd_model, readers),
        return_columns=[reader.python_name for reader in recorder.readers],
        **(
            {}
            if model.moving_clock
            else {"final_time": time.final, "time_step": time.step, "saveper": time.saveper}
        ),
    )
    for start, end in _steps(model, time, pysd_model.time):
        stepper.step(start, end)
        if pysd_model.time.in_return():
            recorder.update(pysd_model)
    series = zip(over_time, recorder.values, strict=True)
    return Trajectory(
        time=np.array(recorder.times),
        series={variable.name: np.stack(values) for variable, values in series},
        constants={variable.name: readers[variable.name].read(pysd_model) for variable in once},
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
"""By method, how much the derivatives of the stages count on the way to the next stage, and from
all of them to the next step."""


class _FrozenSwitches:
    """Give what switches at the start of a step, to all stages of the step."""

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


def _parameters(
    scenario: Scenario, pysd_model: Any, readers: Mapping[str, _VariableReader]
) -> dict[str, Any]:
    """Return the scenario's values as parameters of PySD: whole arrays, without the clock."""
    parameters: dict[str, Any] = {}
    for key, value in scenario.values.items():
        name, _, element = (key, "", "") if key in readers else key[:-1].partition("[")
        reader = readers[name]
        if reader.variable.kind is VariableKind.CONTROL:
            continue
        if not element:
            parameters[reader.python_name] = value
            continue
        array = parameters.get(reader.python_name)
        if array is None:
            default = getattr(pysd_model.components, reader.python_name)()
            array = parameters[reader.python_name] = default.astype(float).copy()
        array[reader.index(element.split(","))] = value
    return parameters


class _VariableReader:
    """Reads one variable off PySD's model, in the order of the model's elements."""

    def __init__(self, model: Model, variable: Variable, python_name: str, pysd_model: Any) -> None:
        self.variable = variable
        self.python_name = python_name
        self.dims: list[str] = getattr(pysd_model.components, python_name).subscripts or []
        if len(self.dims) != len(variable.subscripts):
            raise ValueError(f"{variable.name} is an array of another shape than declared")
        # PySD may have another name of a range, and its elements in another case and order.
        theirs = [
            [folded(subscript) for subscript in pysd_model.subscripts[dim]] for dim in self.dims
        ]
        ours = [model.subscripts[name].elements for name in variable.subscripts]
        self.shape = tuple(len(labels) for labels in theirs)
        self.places = [
            {element: labels.index(folded(element)) for element in elements}
            for elements, labels in zip(ours, theirs, strict=True)
        ]
        order = [list(indices.values()) for indices in self.places]
        as_it_is = [list(range(length)) for length in self.shape]
        self.order = None if order == as_it_is else np.ix_(*order)

    def index(self, elements: Sequence[str]) -> tuple[int, ...]:
        """Return the index of an element in PySD's array."""
        return tuple(
            indices[element] for indices, element in zip(self.places, elements, strict=True)
        )

    def read(self, pysd_model: Any) -> FloatArray:
        """Return the present value, ``(*elements)``; a complex one as NaN."""
        value = getattr(pysd_model.components, self.python_name)()
        if isinstance(value, xr.DataArray):
            value = value.transpose(*self.dims).to_numpy()
        numbers = np.asarray(value)
        if np.iscomplexobj(numbers):
            numbers = np.where(numbers.imag == 0, numbers.real, math.nan)
        numbers = np.array(numbers, dtype=np.float64).reshape(self.shape)
        return numbers if self.order is None else numbers[self.order]


class _Recorder:
    """Collects the values of a run, with the interface that PySD's stepper expects."""

    def __init__(self, readers: Sequence[_VariableReader]) -> None:
        self.readers = readers
        self.times: list[float] = []
        self.values: list[list[FloatArray]] = [[] for _ in readers]

    def set_capture_elements(self, elements: object) -> None:
        """Ignore which variables change, since all are read."""

    def initialize(self, pysd_model: object) -> None:
        """Do nothing."""

    def update(self, pysd_model: Any) -> None:
        """Record the values of the present time."""
        self.times.append(float(pysd_model.time()))
        for reader, values in zip(self.readers, self.values, strict=True):
            values.append(reader.read(pysd_model))


# --- failures ------------------------------------------------------------------------------


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
