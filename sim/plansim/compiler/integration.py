"""The stages of a step, for each method of integration.

At a stage the equations are evaluated at the time ``t + offset·h`` and with the levels of the stage
before (at the first with those of the step's start). The levels of the next stage, and after the
last one those of the next step, are ``base + length·h·(net flow)``. The base is the step's start;
for the last stage of more than two it is that plus the sum of ``weight·(level - start)`` over the
levels that the stages before gave: of the fourth-order Runge-Kutta method this is the usual sum of
slopes, without a need to keep them.

Reference: Butcher, Numerical Methods for Ordinary Differential Equations (2016), sections 232-235.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from plansim.model.records import Integration

__all__ = ["STAGES", "Stage"]


class Stage(NamedTuple):
    """A stage of a step of length ``h``."""

    offset: float
    """Of its time from the step's start, in ``h``."""
    length: float
    """Of the way from the base to the next levels, in ``h``."""
    weight: float
    """Of the levels that it gives, in the base of the last stage."""


STAGES: Mapping[Integration, tuple[Stage, ...]] = MappingProxyType(
    {
        Integration.EULER: (Stage(0, 1, 0),),
        Integration.MIDPOINT: (Stage(0, 1 / 2, 0), Stage(1 / 2, 1, 0)),
        Integration.RK4: (
            Stage(0, 1 / 2, 1 / 3),
            Stage(1 / 2, 1 / 2, 2 / 3),
            Stage(1 / 2, 1, 1 / 3),
            Stage(1, 1 / 6, 0),
        ),
    }
)
"""By method: Euler's, the midpoint rule, and the classical Runge-Kutta method of order four."""
