"""One run of a model, by either engine, as a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from plansim.engine.compiled import run_compiled
from plansim.engine.trajectory import Engine, Trajectory, named, to_years
from plansim.model.records import Model
from plansim.scenario.reader import Scenario, as_written

if TYPE_CHECKING:
    import xarray as xr

    from plansim.targets.annual import Annual

__all__ = ["EngineChoice", "simulate", "simulate_years"]


class EngineChoice(StrEnum):
    """The engine that computes a run."""

    COMPILED = "compiled"
    PYSD = "pysd"


def simulate(
    model: Model,
    scenario: Scenario | None = None,
    variables: Sequence[str] | None = None,
    *,
    engine: EngineChoice | str = EngineChoice.COMPILED,
    cache: bool = True,
) -> xr.Dataset:
    """Run a model under a scenario (None: as the model is written), by Euler's method.

    Return a dataset over ``time`` (see `to_dataset`) with all variables, or those named in English
    or Chinese. Equal inputs give bit-identical numbers, whatever ran before. ``engine`` is
    ``compiled``, or ``pysd`` for the reference, which takes a thousand times as long and agrees to
    within 1e-9. ``cache`` allows machine code (of PySD: translations) and results on disk.

    Raises:
        UnknownNameError: no variable bears one of the names.
        InputError: a name is that of a lookup table, which has no value over time.
        ModelError: the engine cannot compute the model; with each variable and line.
        SimulationError: the run breaks down, or a value is not a finite number.
        ValueError: the engine is unknown.
        TypeError: the model is no `Model`, or the scenario no `Scenario`.
    """
    from plansim.engine.dataset import to_dataset

    _check_types(model, scenario)
    choice = EngineChoice(engine)
    scenario = as_written(model) if scenario is None else scenario
    wanted = named(model, variables)
    run, what = _computed(model, scenario, choice, cache=cache)
    dataset = to_dataset(model, scenario, run, what)
    return dataset if wanted is None else dataset[wanted]


def simulate_years(
    model: Model,
    scenario: Scenario | None = None,
    *,
    engine: EngineChoice | str = EngineChoice.COMPILED,
    cache: bool = True,
) -> Annual:
    """Run a model as `simulate` does; return its annual figures as plain arrays.

    The figures equal those of `annual` of the dataset; xarray is not imported for them.

    Raises:
        SimulationError: as for `simulate`, as are all other errors.
    """
    _check_types(model, scenario)
    scenario = as_written(model) if scenario is None else scenario
    run, what = _computed(model, scenario, EngineChoice(engine), cache=cache)
    return to_years(model, scenario, run, what)


def _check_types(model: object, scenario: object) -> None:
    if not isinstance(model, Model):
        raise TypeError(f"expected a Model, as load_model gives it, found {type(model).__name__}")
    if scenario is not None and not isinstance(scenario, Scenario):
        raise TypeError(
            f"expected a Scenario, found {type(scenario).__name__}; "
            "read_scenario(NAME, model) gives one"
        )


def _computed(
    model: Model, scenario: Scenario, engine: EngineChoice, *, cache: bool
) -> tuple[Trajectory, Engine]:
    match engine:
        case EngineChoice.PYSD:
            from plansim.engine.pysd import run_reference

            return run_reference(model, scenario, cache=cache)
        case EngineChoice.COMPILED:
            return run_compiled(model, scenario, cache=cache)
