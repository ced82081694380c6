"""pysimlin, where it is installed: a check of units, and an engine that shares no code of ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plansim.engine.trajectory import FloatArray
from plansim.model.records import Model, VariableKind
from plansim.model.scenario import Scenario

__all__ = ["check_units", "has_simlin", "run_simlin"]


def has_simlin() -> bool:
    """Say whether pysimlin is installed; it runs on Linux and macOS alone."""
    return importlib.util.find_spec("simlin") is not None


def check_units(path: Path) -> tuple[str, ...]:
    """Give what pysimlin finds wrong with a model, units before all. It skips blank ones."""
    import simlin

    return tuple(str(issue) for issue in simlin.load(path).check())


def run_simlin(model: Model, scenario: Scenario) -> Mapping[str, FloatArray]:
    """Run a model by pysimlin: ``(time,)`` of what changes, by ``name`` or ``name[e1,e2]``.

    Times are those that the scenario saves; constants are left out.
    """
    import simlin

    from plansim.compiler.lower import cells_of

    loaded: Any = simlin.load(model.path)
    time = scenario.time
    loaded.project.set_sim_specs(
        start=time.initial, stop=time.final, dt=time.step, save_step=time.saveper
    )
    overrides = {
        name: value
        for name, value in scenario.values.items()
        if model.variables.get(name) is None
        or model.variables[name].kind is not VariableKind.CONTROL
    }
    simulation = loaded.simulate(overrides=overrides)
    simulation.run_to_end()
    kinds = (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY)
    return {
        label: np.asarray(simulation.get_series(label), dtype=np.float64)
        for variable in model.variables.values()
        if variable.kind in kinds
        for label in cells_of(model, variable)
    }
