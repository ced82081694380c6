"""Conditioning: what members of an ensemble have to fit, and the members that do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from plansim.analysis.calibration.observed_past import HISTORY, OBSERVATIONS
from plansim.analysis.experiments.design import Design
from plansim.model.records import Model
from plansim.model.rewrite import AddedEquation
from plansim.scenario.factors import Factor, FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import Measure

__all__ = ["Conditioned", "ConditioningSpec", "HistoryRun", "Observation", "Wave"]


@dataclass(frozen=True)
class Observation:
    """A figure of the past, and the series of the model that is compared with it."""

    id: str
    name_en: str
    name_zh: str
    series: str
    """Name of the equation that answers for it."""
    measure: Measure
    since: int
    """Base year of the measure; of a level its own year."""
    year: int
    value: float
    unit: str
    factor: float
    """Factor from the measure of the series, in the model's unit, to `unit`."""
    error: float
    """Standard deviation of the figure, in `unit`."""
    discrepancy: float
    """Standard deviation of what even the best run misses, in `unit`."""
    stated: bool
    """Whether a base constant of the model states the figure."""

    @property
    def deviation(self) -> float:
        """Standard deviation of the difference to a run, in `unit`."""
        return math.hypot(self.error, self.discrepancy)


@dataclass(frozen=True)
class HistoryRun:
    """A run of the past with its observations."""

    scenario: Scenario
    without: tuple[str, ...]
    """Factors of the design that stay out of this run."""
    factors: tuple[Factor, ...]
    """What is unknown of this run alone."""
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class ConditioningSpec:
    """A validated ``conditioning.yaml``."""

    path: Path
    design: Design
    """Of the prior: what members change."""
    runs: tuple[HistoryRun, ...]
    equations: tuple[AddedEquation, ...]
    """What answers for the observations."""
    members: int
    seed: int
    waves: int
    draws: int
    limit: float
    matched: int
    structures: tuple[str, ...]
    hold_out: int | None
    prior_files: tuple[Path, ...]
    """The files that say what members change."""
    until: float = math.inf
    """Figures from this year on are not fitted."""

    def files(self, model: Model) -> tuple[Path, ...]:
        """Return the files that decide which members are plausible, but the model itself."""
        beside = (model.path.with_name(name) for name in (HISTORY, OBSERVATIONS))
        past = (
            run.scenario.path.with_name(f"{name}.yaml")
            for run in self.runs
            if run.scenario.path is not None
            for name in run.scenario.lineage
        )
        return (*self.prior_files, *beside, *past)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Those of all runs."""
        return tuple(one for run in self.runs for one in run.observations)


@dataclass(frozen=True)
class Wave:
    """One wave of draws."""

    draws: int
    accepted: int
    broken: int
    """Draws of which a figure is not finite."""
    volume: float
    """The part of the prior inside the box that it was drawn from."""


@dataclass(frozen=True)
class Conditioned:
    """Accepted members, with what shows what conditioning did."""

    spec: ConditioningSpec
    members: Members
    prior: Members
    """As many draws, accepted or not: those of `draw_prior`."""
    waves: tuple[Wave, ...]
    matched: tuple[str, ...]
    """The factors that waves narrowed, those first that matter most."""
    factors: tuple[Factor, ...]
    """Of the prior, then of single runs."""
    shares: FloatArray
    """``(draw, factor)``: accepted draws of the last wave, as parts of the prior's probability."""
    points: FloatArray
    """``(member, factor)`` in the factors' units."""
    simulated: FloatArray
    """``(member, observation)`` in the observations' units."""
    prior_simulated: FloatArray
    """``(draw, observation)``: of the first wave."""
