"""Scenarios by another method or step, and where two engines differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from plansim.model.records import Integration
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario

TOLERANCE = 1e-9
"""Of the largest value of a series."""
NOISE = 1e-3
"""A series that stays below this is the difference of equal numbers; TOLERANCE then is absolute
in a thousandth of the unit."""


def by(
    scenario: Scenario, method: Integration | None = None, step: float | None = None
) -> Scenario:
    """Return a scenario that is integrated by another method, with another step, or both."""
    old = scenario.time
    time = replace(old, integration=method or old.integration, step=step or old.step)
    return replace(scenario, time=time)


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
