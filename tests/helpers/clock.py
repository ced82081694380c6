"""Scenarios by another integration method or step."""

from __future__ import annotations

from dataclasses import replace

from plansim.model.records import Integration
from plansim.scenario.scenario_file import Scenario


def by(
    scenario: Scenario, method: Integration | None = None, step: float | None = None
) -> Scenario:
    """Return a scenario that is integrated by another method, with another step, or both."""
    old = scenario.time
    time = replace(old, integration=method or old.integration, step=step or old.step)
    return replace(scenario, time=time)
