"""One run of a model, by either engine, as a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from plansim.engine import reference
from plansim.engine.dataset import Engine, to_dataset
from plansim.model.records import Model
from plansim.model.scenario import Scenario, as_written

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["EngineChoice", "simulate"]


class EngineChoice(StrEnum):
    """What computes a run."""

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

    Gives a dataset over ``time`` (see `to_dataset`) with all variables, or those that are named,
    in English or Chinese. The same inputs give bit-identical numbers, whatever ran before.
    ``engine`` is ``compiled``, or ``pysd`` for the reference, which takes a thousand times as long
    and agrees to within 1e-9. ``cache`` lets machine code (of PySD: translations and runs) be kept
    on disk.

    Raises:
        UnknownNameError: no variable bears one of the names.
        InputError: a name is that of a lookup table, which has no value over time.
        ModelError: the engine cannot compute the model; with each variable and line.
        SimulationError: the run breaks down, or a value is not a finite number.
        ValueError: there is no such engine.
        TypeError: the model is no `Model`, or the scenario no `Scenario`.
    """
    if not isinstance(model, Model):
        raise TypeError(f"expected a Model, as load_model gives it, found {type(model).__name__}")
    if scenario is not None and not isinstance(scenario, Scenario):
        raise TypeError(
            f"expected a Scenario, found {type(scenario).__name__}; "
            "read_scenario(NAME, model) gives one"
        )
    match EngineChoice(engine):
        case EngineChoice.PYSD:
            return reference.simulate(model, scenario, variables, cache)
        case EngineChoice.COMPILED:
            from plansim.engine.compiled import run_compiled, version

            scenario = as_written(model) if scenario is None else scenario
            wanted = reference.named(model, variables)
            run = run_compiled(model, scenario, cache=cache)
            reference.check_finite(model, scenario, run)
            dataset = to_dataset(model, scenario, run, Engine("plansim", version(), "Euler"))
            return dataset if wanted is None else dataset[wanted]
