"""One run by years, as plain arrays, from which verdicts and tables are made.

Reading the same from a dataset with labels takes a thousand times as long.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from plansim.errors import InputError, Message, SimulationError, UnknownNameError, nearest
from plansim.model.records import SubscriptRange, Timing, VariableKind, folded, several
from plansim.scenario.factors import FloatArray
from plansim.targets.indicator import year_indices
from plansim.targets.target import split_reference

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "COLUMNS",
    "Annual",
    "AnnualVariable",
    "annual",
    "annual_of",
    "by_year",
    "check_name",
    "check_no_year",
    "check_runs",
    "frame",
    "joined",
    "named",
    "separate",
]

COLUMNS = ("scenario", "variable", "element", "year", "value", "unit")
"""Columns of a tidy table of annual figures."""
MANY = ("member", "run")
"""Dimensions over which a dataset holds many runs of a scenario."""
_OVER = ("time", "year")
"""Dimensions over which series are; a dataset has one of them."""
CARD = "run_card_"
"""Begins the coordinate over ``scenario`` that holds an attribute in which runs differ."""


@dataclass(frozen=True)
class AnnualVariable:
    """The values of a variable by year."""

    name: str
    name_zh: str
    unit: str
    timing: str
    """`Timing`; empty for a constant or if the run does not have it."""
    ranges: tuple[SubscriptRange, ...]
    values: FloatArray
    """``(year, *elements)``; NaN where the run saved none. A constant is repeated every year."""
    moves: bool
    """Whether it is a series over time."""

    def row(self, index: tuple[int | slice, ...]) -> FloatArray:
        """Return the series of one element, by its index in each range: ``(year, …)``."""
        whole: tuple[slice | int, ...] = (slice(None), *index)
        return self.values[whole]


@dataclass(frozen=True)
class Annual:
    """The annual figures of one run."""

    years: tuple[int, ...]
    variables: Mapping[str, AnnualVariable]
    """By the model's names, in the model's order."""
    card: Mapping[str, str]
    """The run card: everything that must be equal for equal numbers."""

    @property
    def scenario(self) -> str:
        """The id of the scenario that was run."""
        return self.card.get("scenario", "")

    @property
    def assumed(self) -> frozenset[str]:
        """The ids of the targets that the scenario assumes."""
        return frozenset(json.loads(self.card.get("assumed", "[]")))


def by_year(
    values: FloatArray, time: FloatArray, timing: Timing, years: Iterable[int]
) -> FloatArray:
    """Read a trajectory by years: ``(time, …)`` → ``(year, …)``, NaN where none was saved."""
    indices = year_indices(time, timing)
    index = np.array([indices.get(year, -1) for year in years], dtype=np.int64)
    answer = values[index] if len(values) else np.empty((len(index), *values.shape[1:]))
    answer[index < 0] = np.nan
    return answer


def joined(runs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return runs of different scenarios as one dataset over ``scenario``.

    What their run cards share stays in the attributes; the rest becomes coordinates, from which
    `separate` restores each run.

    Raises:
        InputError: the runs are not saved at the same times.
    """
    import xarray as xr

    cards = [run.attrs for run in runs]
    names = [str(card["scenario"]) for card in cards]
    times = [run.indexes["time"] for run in runs]
    if not all(time.equals(times[0]) for time in times):
        raise InputError("the scenarios run on different clocks: simulate them one by one")
    shared = {
        key: value
        for key, value in cards[0].items()
        if key != "scenario" and all(card.get(key) == value for card in cards)
    }
    whole = xr.concat(
        [run.drop_attrs(deep=False) for run in runs],
        dim=xr.Variable("scenario", names),
        data_vars="all",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )
    apart = [key for key in cards[0] if key not in shared and key != "scenario"]
    columns = {CARD + key: ("scenario", [card[key] for card in cards]) for key in apart}
    return whole.assign_coords(columns).assign_attrs(shared)


def separate(dataset: xr.Dataset) -> list[xr.Dataset]:
    """Return the runs that a dataset over ``scenario`` holds; one of a single run as it is.

    Raises:
        TypeError: it is no dataset.
    """
    check_dataset(dataset)
    if "scenario" not in dataset.coords or "scenario" in dataset.attrs:
        return [dataset]
    if "scenario" not in dataset.dims:  # one of several that was selected
        dataset = dataset.expand_dims("scenario")
    apart = [str(key) for key in dataset.coords if str(key).startswith(CARD)]
    runs = []
    for index, name in enumerate(dataset["scenario"].to_numpy()):
        run = dataset.isel(scenario=index)
        own = {key.removeprefix(CARD): run[key].to_numpy().item() for key in apart}
        run = run.drop_vars(["scenario", *apart])
        runs.append(run.assign_attrs({"scenario": str(name), **own}))
    return runs


def annual_of(
    dataset: xr.Dataset, names: Iterable[str] | None = None, *, many: bool = False
) -> Annual:
    """Return the annual figures of a run's dataset over ``time`` or ``year``; of ``names`` only.

    A name that the dataset does not hold is left out. With ``many``, members or runs of one
    scenario count as a range of the variables that are over them.

    Raises:
        ValueError: a wanted variable holds more than one run.
    """
    dataset = check_runs(dataset)
    wanted = dataset.data_vars if names is None else [name for name in names if name in dataset]
    arrays = {str(name): dataset[name] for name in wanted}
    used = {dim for array in arrays.values() for dim in array.dims}  # a model has dozens of others
    if "year" in dataset.coords:
        years = tuple(int(year) for year in dataset["year"].to_numpy())
        time = np.array(years, dtype=np.float64)
    else:
        time = np.asarray(dataset["time"].to_numpy(), dtype=np.float64)
        years = tuple(sorted({year for timing in Timing for year in year_indices(time, timing)}))
    ranges = {
        str(dim): _range(dataset[dim])
        for dim in used.intersection(dataset.coords).difference(_OVER)
        if "long_name" in dataset[dim].attrs
    }
    for dim in MANY if many else ():
        if dim in dataset.dims:
            ranges[dim] = SubscriptRange(dim, tuple(map(str, dataset[dim].to_numpy())), "", ())
    answers = {}
    for name, array in arrays.items():
        over = next((dim for dim in _OVER if dim in array.dims), None)
        if others := [str(dim) for dim in array.dims if dim != over and dim not in ranges]:
            how = "select one of them"
            if "scenario" in others:  # the run cards of all but the first are lost
                how = "join them by simulate(model, [...]), which keeps what each assumes"
            raise ValueError(f"the dataset holds more than one run ({', '.join(others)}): {how}")
        dims = [str(dim) for dim in array.dims if dim != over]
        timing = str(array.attrs.get("timing", ""))
        values = np.asarray(array.transpose(*((over,) if over else ()), *dims), dtype=np.float64)
        if over == "time":
            values = by_year(values, time, Timing(timing or Timing.YEAR), years)
        elif over is None:
            values = np.broadcast_to(values, (len(years), *values.shape))
        answers[name] = AnnualVariable(
            name=name,
            name_zh=str(array.attrs.get("long_name_zh", "")),
            unit=str(array.attrs.get("units", "")),
            timing=timing,
            ranges=tuple(ranges[dim] for dim in dims),
            values=values,
            moves=over is not None,
        )
    return Annual(years, answers, {str(key): str(text) for key, text in dataset.attrs.items()})


def check_dataset(dataset: object) -> xr.Dataset:
    """Return a dataset, and refuse anything else.

    Raises:
        TypeError: it is no dataset.
    """
    import xarray as xr

    if not isinstance(dataset, xr.Dataset):
        kind = type(dataset).__name__
        raise TypeError(f"expected a dataset of runs, as simulate returns it, found {kind}")
    return dataset


def check_runs(dataset: object) -> xr.Dataset:
    """Return a dataset of runs, over one time where one was selected, and refuse anything else.

    Raises:
        InputError: the dataset is over neither ``time`` nor ``year``.
        TypeError: it is no dataset.
    """
    dataset = check_dataset(dataset)
    if (over := next((dim for dim in _OVER if dim in dataset.coords), None)) is None:
        dims = ", ".join(map(str, dataset.dims))
        expected = Message("a dataset over time or year, as simulate returns it")
        raise InputError("the dataset holds no runs", expected=expected, found=dims or None)
    if over in dataset.dims:
        return dataset

    def lengthened(array: xr.DataArray) -> xr.DataArray:
        moves = VariableKind(array.attrs.get("kind", VariableKind.AUXILIARY)).moves
        return array.expand_dims(over) if moves else array

    longer = dataset.map(lengthened, keep_attrs=True)
    longer.encoding = dict(dataset.encoding)
    return longer


def check_name(name: object) -> None:
    """Refuse what is no name, such as a list of them.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise TypeError(f"expected the name of a variable, found {kind}; give several as *names")


def check_no_year(names: Iterable[str]) -> None:
    """Refuse names of variables of which one is that of the dimension ``year``.

    Raises:
        SimulationError: a variable is called ``year``.
    """
    if "year" in names:
        raise SimulationError("a variable called 'year' cannot be shown over years")


def annual(dataset: xr.Dataset) -> xr.Dataset:
    """Read a run by years: figures of year y and stocks at its end, over ``year``.

    A variable is NaN in years of which only others have a saved value. Constants are unchanged,
    and so is a dataset over years.

    Raises:
        InputError: the dataset holds no runs.
        SimulationError: a variable of the model is called ``year``.

    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"))
    >>> plansim.annual(runs)["fish"].sel(year=[2005, 2020]).round(1).values.tolist()
    [875.0, 751.1]
    """
    import xarray as xr

    dataset = check_runs(dataset)
    if "year" in dataset.dims:
        return dataset
    check_no_year(map(str, dataset.variables))
    time = dataset["time"].to_numpy()
    years = sorted({year for timing in Timing for year in year_indices(time, timing)})

    def read(variable: xr.Variable) -> xr.Variable:
        if "time" not in variable.dims:
            return variable
        timing = Timing(variable.attrs.get("timing", Timing.YEAR))
        axis = variable.dims.index("time")
        values = by_year(np.moveaxis(variable.to_numpy(), axis, 0), time, timing, years)
        dims = ["year" if dim == "time" else dim for dim in variable.dims]
        return xr.Variable(dims, np.moveaxis(values, 0, axis), variable.attrs)

    series = {name: read(dataset.variables[name]) for name in dataset.data_vars}
    coordinates = {name: dataset.variables[name] for name in dataset.coords if name != "time"}
    result = xr.Dataset(series, {"year": years, **coordinates}, dataset.attrs)
    result.encoding = dict(dataset.encoding)
    return result


def frame(runs: xr.Dataset | Sequence[xr.Dataset], *variables: str) -> pd.DataFrame:
    """Return annual figures of one run or several as a tidy table: one row per figure.

    Columns: ``scenario`` (id), ``variable`` (the model's name), ``element`` (as in ``urban,age
    5 to 9``; empty where the variable is not an array), ``year``, ``value``, ``unit`` (the
    model's). Flows are those of the year, stocks those at its end; NaN where the run saved
    none. Of many runs ``member`` or ``run`` comes after ``scenario``.

    Args:
        runs: what `simulate`, `plansim.annual` or `open_sweep` returns.
        variables: English or Chinese names, whatever their letter case, or elements of arrays,
            ``name[element]``; none for all that change over time. A constant has its value in every
            year.

    Raises:
        UnknownNameError: a run holds no such variable or element, or several of that name.
        ValueError: a variable is over a dimension that is not a range of the model.

    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"))
    >>> plansim.frame(runs, "fish").query("year in (2005, 2020)").round(1)
          scenario variable element  year  value unit
    0   as-written     fish          2005  875.0    t
    15  as-written     fish          2020  751.1    t
    """
    import pandas as pd

    listed = several(runs)
    parts = [p for one in listed for run in separate(one) for p in _frames(run, variables)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _frames(run: xr.Dataset, variables: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of each variable of a run, or of many, element by element."""
    import pandas as pd

    wanted = [_element_in(run, name) for name in variables]
    names = [name for name, _ in wanted]
    over = next((dim for dim in MANY if dim in run.dims), None)
    counted = run[over].to_numpy() if over else np.arange(0)
    figures = annual_of(run, dict.fromkeys(names) if variables else None, many=True)
    for variable in figures.variables.values():
        if not variables and not variable.moves:
            continue
        values, ranges = np.moveaxis(variable.values, 0, -1), list(variable.ranges)
        axis = next((i for i, range_ in enumerate(ranges) if range_.name == over), None)
        if over and axis is None:
            values = np.broadcast_to(values, (len(counted), *values.shape))
        elif axis is not None:
            values = np.moveaxis(values, axis, 0)
            ranges.pop(axis)
        elements = [",".join(key) for key in product(*(range_.elements for range_ in ranges))]
        if not ranges:  # a sweep keeps elements by their own
            elements = [",".join(split_reference(variable.name)[1])]
        asked = [element for name, element in wanted if name == variable.name]
        if asked and "" not in asked:
            if strange := [element for element in asked if element not in elements]:
                raise UnknownNameError(
                    "'{name}' has no element '{element}'",
                    nearest=nearest(strange[0], elements),
                    name=variable.name,
                    element=strange[0],
                )
            kept = [elements.index(element) for element in dict.fromkeys(asked)]
            shape = (*values.shape[: 1 if over else 0], len(elements), len(figures.years))
            values = values.reshape(shape)[..., kept, :]
            elements = [elements[index] for index in kept]
        count, size = max(len(counted), 1), len(elements) * len(figures.years)
        yield pd.DataFrame(
            {
                "scenario": figures.scenario,
                **({over: np.repeat(counted, size)} if over else {}),
                "variable": split_reference(variable.name)[0],
                "element": np.tile(np.repeat(elements, len(figures.years)), count),
                "year": np.tile(figures.years, len(elements) * count),
                "value": values.ravel(),
                "unit": variable.unit,
            }
        )


def _element_in(run: xr.Dataset, name: str) -> tuple[str, str]:
    """Return a run's variable and the element of it, ``"e1,e2"``, that a name means."""
    check_name(name)
    if name in run.data_vars:
        return name, ""
    base, elements = split_reference(name)
    return named(run, base if elements else name), ",".join(elements)


def named(run: xr.Dataset, name: str) -> str:
    """Return the variable of a run that bears an English or Chinese name, in any letter case.

    Raises:
        UnknownNameError: the run holds no such variable, or several of that name.
    """
    check_name(name)
    if name in run.data_vars:
        return name
    names = {str(key): str(run.variables[key].attrs.get("long_name_zh", "")) for key in run}
    matches = [key for key, chinese in names.items() if folded(name) in map(folded, (key, chinese))]
    if len(matches) == 1:
        return matches[0]
    if matches:
        fault = Message("more than one variable is called '{name}'", name=name)
        raise UnknownNameError(fault, expected=Message("one of {names}", names=tuple(matches)))
    near = nearest(name, [*names, *filter(None, names.values())])
    raise UnknownNameError("the run holds no variable '{name}'", nearest=near, name=name)


def _range(coordinate: xr.DataArray) -> SubscriptRange:
    return SubscriptRange(
        name=str(coordinate.name),
        elements=tuple(str(element) for element in coordinate.to_numpy()),
        name_zh=str(coordinate.attrs.get("long_name_zh", "")),
        elements_zh=tuple(json.loads(coordinate.attrs.get("elements_zh", "[]"))),
    )
