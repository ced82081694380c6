"""One run by the reference engine."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from plansim.engine import simulate as engine
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario

__all__ = ["simulate"]


def simulate(
    model: Model,
    scenario: Scenario | None = None,
    variables: Sequence[str] | None = None,
    cache: bool = True,
) -> xr.Dataset:
    """Run a model under a scenario by PySD."""
    return engine.simulate(model, scenario, variables, engine="pysd", cache=cache)
