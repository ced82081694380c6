"""One run by the reference engine, and where two engines differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from plansim.engine import simulate as engine
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario

__all__ = ["disagreements", "simulate"]

TOLERANCE = 1e-9
"""Of the largest value of a series."""
NOISE = 1e-3
"""A series that stays below this is the difference of equal numbers; TOLERANCE then is absolute
in a thousandth of the unit."""


def simulate(
    model: Model,
    scenario: Scenario | None = None,
    variables: Sequence[str] | None = None,
    cache: bool = True,
) -> xr.Dataset:
    """Run a model under a scenario by PySD."""
    return engine.simulate(model, scenario, variables, engine="pysd", cache=cache)


def disagreements(ours: Mapping[str, FloatArray], theirs: Mapping[str, FloatArray]) -> list[str]:
    """Name the series, by ``name`` or ``name[e1,e2]``, that two engines compute otherwise."""
    assert ours.keys() == theirs.keys()
    errors = {name: float(np.abs(ours[name] - theirs[name]).max()) for name in ours}
    sizes = {name: max(float(np.abs(theirs[name]).max()), NOISE) for name in ours}
    return [
        f"{name}: {error / sizes[name]:.1e}"
        for name, error in errors.items()
        if not error <= TOLERANCE * sizes[name]
    ]
