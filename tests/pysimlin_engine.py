"""pysimlin as a fast engine for tests of the model: a run takes a few milliseconds.

It is independent of the reference engine, which stays the judge. Beside the model's own equations
it can compute further ones, written in Vensim's language, in the same run: so that the identities
that a test holds the model to are evaluated by an engine, and need no interpreter here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import simlin
import xarray as xr
from numpy.typing import NDArray

from plansim.engine.dataset import Engine, Trajectory, recorded, to_dataset, version_of
from plansim.model.document import read_document
from plansim.model.records import Model, TimeSpec, Timing, Variable, VariableKind
from plansim.model.scenario import Scenario, as_written
from plansim.plan.measure import annual_series
from plansim.plan.targets import split_reference
from plansim.resources import shipped

FloatArray = NDArray[np.float64]

_SKETCH = "\\\\\\---///"
"""Where Vensim's drawings begin: no equation may follow."""

MOST_FACTOR = 1.5
"""An array whose range spans unlike elements moves by no more than this as a whole."""


@dataclass(frozen=True)
class Equation:
    """An equation that is computed beside the model's own."""

    name: str
    text: str
    """The right-hand side, in Vensim's language."""
    subscripts: tuple[str, ...] = ()


@dataclass(frozen=True)
class FastEngine:
    """Runs a model under scenarios, with further equations and with constants set anew."""

    model: Model
    folder: Path
    """Where it may write files."""
    equations: tuple[Equation, ...] = ()
    text: str | None = None
    """A variant of the model's text, with the same variables; None for the model's own."""
    _loaded: dict[TimeSpec, Any] = field(default_factory=dict, repr=False)
    _places: dict[TimeSpec, dict[Timing, dict[int, int]]] = field(default_factory=dict, repr=False)

    def run(
        self,
        scenario: Scenario | None = None,
        values: Mapping[str, float] | None = None,
        clock: TimeSpec | None = None,
    ) -> Run:
        """Run a scenario (None: the model as written); ``values`` go over what it sets.

        Keys are ``name`` or ``name[element,element]``. ``clock`` replaces the scenario's.
        """
        scenario = as_written(self.model) if scenario is None else scenario
        clock = scenario.time if clock is None else clock
        overrides = {
            key: value
            for key, value in {**scenario.values, **(values or {})}.items()
            if self._settable(key)
        }
        simulation = self._at(clock).simulate(overrides=overrides)
        simulation.run_to_end()
        return Run(self, scenario, clock, simulation)

    def places_of_years(self, clock: TimeSpec, time: FloatArray) -> dict[Timing, dict[int, int]]:
        """Give, for each timing, the place of a year among the saved times of a clock."""
        if clock not in self._places:
            self._places[clock] = {}
            for timing in Timing:
                attributes = {"timing": timing.value}
                place = xr.DataArray(np.arange(time.size), {"time": time}, "time", attrs=attributes)
                by_year = annual_series(place)
                years = by_year["year"].values.tolist()
                self._places[clock][timing] = dict(zip(years, by_year.values, strict=True))
        return self._places[clock]

    def _settable(self, key: str) -> bool:
        """Leave out the clock, which pysimlin keeps apart from the variables."""
        name = split_reference(key)[0]
        variable = self.model.variables.get(name)
        return variable is None or variable.kind is not VariableKind.CONTROL

    def _at(self, clock: TimeSpec) -> Any:
        """Give pysimlin's model for a clock, read once."""
        if clock not in self._loaded:
            path = self.folder / f"{id(self)}.mdl"
            path.write_text(self._whole_text(), "utf-8")
            loaded: Any = simlin.load(path)
            loaded.project.set_sim_specs(
                start=clock.initial, stop=clock.final, dt=clock.step, save_step=clock.saveper
            )
            self._loaded[clock] = loaded
        return self._loaded[clock]

    def _whole_text(self) -> str:
        body, mark, sketch = (self.text or self.model.text).partition(_SKETCH)
        added = "".join(f"{_left(each)}= {each.text} ~~|\n\n" for each in self.equations)
        return body + added + mark + sketch


@dataclass(frozen=True)
class Run:
    """What pysimlin computed."""

    engine: FastEngine
    scenario: Scenario
    clock: TimeSpec
    simulation: Any

    @cached_property
    def time(self) -> FloatArray:
        """Give the saved times: ``(time,)``."""
        time: FloatArray = self.simulation.get_series("time")
        return time

    def series(self, name: str) -> FloatArray:
        """Give a variable or a further equation over time: ``(time, *elements)``."""
        ranges = [self._elements(each) for each in self._subscripts(name)]
        if not ranges:
            return self._scalar(name)
        cells = [self._scalar(f"{name}[{','.join(cell)}]") for cell in product(*ranges)]
        return np.stack(cells, axis=-1).reshape(-1, *map(len, ranges))

    def annual(self, reference: str) -> dict[int, float]:
        """Give ``name`` or ``name[element,…]`` by year, by the variable's timing."""
        timing = self.engine.model.variables[split_reference(reference)[0]].timing
        places = self.engine.places_of_years(self.clock, self.time)[timing]
        values = self._scalar(reference)
        return {year: float(values[place]) for year, place in places.items()}

    def dataset(self, names: Iterable[str] | None = None) -> xr.Dataset:
        """Give the run as the reference engine would: some variables, or all but the clock."""
        everything = self.engine.model.variables
        kept = {
            name: everything[name]
            for name in (everything if names is None else names)
            if everything[name].kind is not VariableKind.CONTROL
        }
        model = replace(self.engine.model, variables=kept)
        over_time, once = recorded(model)
        trajectory = Trajectory(
            self.time,
            {each.name: self.series(each.name) for each in over_time},
            {each.name: self.series(each.name)[0] for each in once},
        )
        engine = Engine("pysimlin", version_of("pysimlin"), "Euler")
        return to_dataset(model, self.scenario, trajectory, engine)

    def _scalar(self, reference: str) -> FloatArray:
        values: FloatArray = self.simulation.get_series(reference)
        return values

    def _subscripts(self, name: str) -> tuple[str, ...]:
        for equation in self.engine.equations:
            if equation.name == name:
                return equation.subscripts
        return self.engine.model.variables[name].subscripts

    def _elements(self, name: str) -> tuple[str, ...]:
        return self.engine.model.subscripts[name].elements


def assigned(model: Model, settings: Mapping[str, Any]) -> dict[str, float]:
    """Give settings of constants by element, as `FastEngine.run` takes them.

    A key is ``name`` or ``name[element,…]``. A value is a number, for an array that of all its
    elements, or a list of numbers, row by row. Each has to be admissible.
    """
    values: dict[str, float] = {}
    for reference, setting in settings.items():
        variable = model.variables[split_reference(reference)[0]]
        assert variable.kind is VariableKind.CONSTANT, f"{variable.name} is no constant"
        keys = cells(model, reference)
        numbers = setting if isinstance(setting, list) else [setting] * len(keys)
        values |= {key: float(number) for key, number in zip(keys, numbers, strict=True)}
        low, high = limits(variable)
        for number in numbers:
            assert low <= number <= high, f"{reference} = {number} is not admissible"
    return values


def cells(model: Model, reference: str) -> list[str]:
    """Give the elements that a reference means, each as a reference of its own."""
    name, elements = split_reference(reference)
    if elements or not model.variables[name].subscripts:
        return [reference]
    ranges = [model.subscripts[each].elements for each in model.variables[name].subscripts]
    return [f"{name}[{','.join(cell)}]" for cell in product(*ranges)]


def numbers_of(variable: Variable) -> dict[str, float]:
    """Give the numbers of a constant by reference: ``name`` or ``name[element,…]``."""
    if isinstance(variable.value, Mapping):
        return {f"{variable.name}[{key}]": value for key, value in variable.value.items()}
    assert variable.value is not None
    return {variable.name: variable.value}


def limits(variable: Variable) -> tuple[float, float]:
    """Give the admissible range of a variable; an end that is open is infinite."""
    low, high = variable.admissible
    return (-np.inf if low is None else low, np.inf if high is None else high)


def _left(equation: Equation) -> str:
    if not equation.subscripts:
        return equation.name
    return f"{equation.name}[{','.join(equation.subscripts)}]"


def shipped_yaml(name: str) -> dict[str, Any]:
    """Give what a YAML file beside the model says."""
    document = read_document(shipped("model", name))
    assert not document.faults, "\n".join(map(str, document.faults))
    assert isinstance(document.data, dict)
    return document.data


def draw(model: Model, random: np.random.Generator) -> dict[str, float]:
    """Give every constant that has a plausible range a random value in it, as an ensemble would.

    An array moves as a whole, by one factor, so that its pattern stays.
    """
    return {
        key: value
        for variable in uncertain(model)
        for key, value in _placed(variable, float(random.random())).items()
    }


def draw_corner(model: Model, random: np.random.Generator) -> dict[str, float]:
    """Put every constant that has a plausible range at one of its ends."""
    return {
        key: value
        for variable in uncertain(model)
        for key, value in _placed(variable, float(random.integers(2))).items()
    }


def uncertain(model: Model) -> list[Variable]:
    """Give the constants that have a plausible range."""
    return [
        each
        for each in model.variables.values()
        if each.kind is VariableKind.CONSTANT and each.plausible is not None
    ]


def _placed(variable: Variable, place: float) -> dict[str, float]:
    """Give a constant at a place in its plausible range: 0 is the low end, 1 the high one."""
    assert variable.plausible is not None
    low, high = variable.plausible
    numbers = numbers_of(variable)
    if not variable.subscripts:
        return {variable.name: low + place * (high - low)}
    sizes = [number for number in numbers.values() if number > 0]
    least = max(low / min(sizes), 1 / MOST_FACTOR)
    most = min(high / max(sizes), MOST_FACTOR)
    factor = least + place * (most - least)
    return {
        key: float(np.clip(number * factor, *limits(variable))) for key, number in numbers.items()
    }
