"""One run of a model, by either engine, as a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from plansim.engine.compiled import run_compiled, run_members
from plansim.engine.trajectory import Trajectory, named, to_years
from plansim.errors import InputError
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario, scenario_of, scenarios_of
from plansim.scenario.variant import for_scenarios
from plansim.targets.annual import joined

if TYPE_CHECKING:
    import xarray as xr

    from plansim.scenario.members import Members
    from plansim.targets.annual import Annual

__all__ = ["EngineChoice", "simulate", "simulate_years"]


class EngineChoice(StrEnum):
    """What computes a run."""

    COMPILED = "compiled"
    PYSD = "pysd"


def simulate(
    model: Model,
    scenario: Scenario | str | Path | Sequence[Scenario | str | Path] | None = None,
    variables: Sequence[str] | None = None,
    *,
    engine: EngineChoice | str = EngineChoice.COMPILED,
    cache: bool = True,
    ensemble: Members | None = None,
) -> xr.Dataset:
    """Run a model under scenarios (None: as the model is written).

    A scenario is a record, a name or a path; its clock says by which method stocks are integrated
    (see docs/topics/integration.md). Gives a dataset over ``time`` (see `to_dataset`), of a
    list of scenarios over ``scenario`` too, with all variables, or those that are named, in English
    or Chinese. The same inputs give bit-identical numbers, whatever ran before.
    ``engine`` is ``compiled``, or ``pysd`` for the reference, which takes a thousand times as long
    and agrees to within 1e-9. ``cache`` lets machine code (of PySD: translations) be kept
    on disk, and the numbers of finished runs.

    With ``ensemble``, which `plansim.load_ensemble` reads, every member is run under every
    scenario: the dataset is over ``scenario``, ``member`` and ``time``, in the order of the
    arguments, and its coordinate ``sound`` is False where a member breaks down or has a value
    beyond 1e12. All variables of 500 members take some 200 MB a scenario.

    Raises:
        UnknownNameError: no variable bears one of the names.
        InputError: a name is that of a lookup table, which has no value over time.
        ModelError: the engine cannot compute the model; with each variable and line.
        SimulationError: the run breaks down, or a value is not a finite number.
        ScenarioError: a scenario that is named has faults.
        ValueError: there is no such engine.
        TypeError: the model is no `Model`, or a scenario nothing of the kind.

    >>> model = plansim.load_model("lake.mdl")
    >>> runs = plansim.simulate(model, [plansim.as_written(model), "boats.yaml"])
    >>> dict(runs.sizes)
    {'scenario': 2, 'time': 32}
    >>> runs["fish"].sel(time=2010).round(1).values.tolist()
    [777.9, 595.0]
    """
    from plansim.engine.dataset import Origin, to_dataset, with_origin

    _check_model(model)
    choice = EngineChoice(engine)
    if ensemble is not None and choice is not EngineChoice.COMPILED:
        raise InputError("only the compiled engine runs the members of an ensemble")
    chosen = scenarios_of(model, scenario)
    origin, model = Origin(model, tuple(chosen)), for_scenarios(model, chosen)
    wanted = named(model, variables)
    parts = []
    for one in chosen:
        if ensemble is None:
            dataset = to_dataset(model, one, *_computed(model, one, choice, cache=cache))
            parts.append(dataset if wanted is None else dataset[wanted])
            continue
        runs, sound = run_members(model, one, ensemble)
        dataset = to_dataset(model, one, runs, "plansim", ensemble.ids)
        dataset.attrs |= {"ensemble": ensemble.head.kind.value, "drawn": ensemble.head.drawn}
        dataset["sound"] = ("member", sound)
        parts.append(dataset if wanted is None else dataset[[*wanted, "sound"]])
    if ensemble is not None:
        return with_origin(joined(parts).set_coords("sound"), origin)
    is_one = isinstance(scenario, str) or not isinstance(scenario, Sequence)
    return with_origin(parts[0] if is_one else joined(parts), origin)


def simulate_years(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    *,
    engine: EngineChoice | str = EngineChoice.COMPILED,
    cache: bool = True,
) -> Annual:
    """Run a model as `simulate` does, and give its annual figures as plain arrays.

    The figures are those of `annual` of the dataset; no array library is loaded for them.

    Raises:
        SimulationError: as for `simulate`, as are all other errors.
    """
    _check_model(model)
    scenario = scenario_of(model, scenario)
    model = for_scenarios(model, [scenario])
    run, computed_by = _computed(model, scenario, EngineChoice(engine), cache=cache)
    return to_years(model, scenario, run, computed_by)


def _check_model(model: object) -> None:
    if not isinstance(model, Model):
        raise TypeError(f"expected a Model, as load_model gives it, found {type(model).__name__}")


def _computed(
    model: Model, scenario: Scenario, engine: EngineChoice, *, cache: bool
) -> tuple[Trajectory, str]:
    """Return a run, and the package that computed it."""
    # PySD alone takes steps that the run itself decides.
    if engine is EngineChoice.PYSD or model.moving_clock:
        from plansim.engine.pysd import run_reference

        return run_reference(model, scenario, cache=cache), "PySD"
    return run_compiled(model, scenario, cache=cache), "plansim"
