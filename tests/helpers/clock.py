"""Scenarios by another integration method or step."""

from __future__ import annotations

from dataclasses import replace

from plansim.model.records import Integration
from plansim.scenario.reader import Scenario


def by(scenario: Scenario, method: Integration, step: float | None = None) -> Scenario:
    """Return a scenario that is integrated by a method, at a step of its own if one is given."""
    time = replace(scenario.time, integration=method, step=step or scenario.time.step)
    return replace(scenario, time=time)
