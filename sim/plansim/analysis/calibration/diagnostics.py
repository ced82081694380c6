"""What conditioning did: what rejects draws, what it says of factors, verdicts and forecasts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plansim.analysis.calibration.conditioning import ConditioningSpec, Observation
from plansim.analysis.calibration.history_matching import (
    Conditioned,
    Wave,
    condition,
    implausibility,
)
from plansim.analysis.ensemble import NORMAL, verdict_shares
from plansim.analysis.experiments.distributions import Discrete
from plansim.model.records import Model
from plansim.scenario.factors import Factor, FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target

__all__ = [
    "CorrelatedPair",
    "Diagnostics",
    "FactorWidth",
    "Forecast",
    "ObservationFit",
    "StructureShare",
    "TargetShift",
    "diagnose",
    "forecast_held_out",
]

BAND = (0.05, 0.5, 0.95)
"""Quantiles that are shown: the ends and the middle of a 90 % band."""
PAIRS = 12
MOST = 4096
"""Accepted draws that rank correlations take."""


@dataclass(frozen=True)
class ObservationFit:
    """One observation: how many draws it rejects, and what draws made of it."""

    observation: Observation
    scenario: str
    rejects: float
    """The part of the draws of the prior that it rejects."""
    alone: float
    """The part that it rejects and no other does."""
    least: float
    """The least implausibility of any draw of the prior."""
    prior: tuple[float, ...]
    """Quantiles `BAND` of the draws of the prior."""
    conditioned: tuple[float, ...]
    """Those of the members."""


@dataclass(frozen=True)
class FactorWidth:
    """How far the range of a factor shrank, and where to, in parts of the prior's probability."""

    factor: Factor
    width: float
    """The width of its 90 % range among accepted draws over that of the prior; 1 is unchanged."""
    middle: float
    """Its median among accepted draws; 0.5 in the prior."""
    matched: bool
    """Whether waves narrowed it."""


@dataclass(frozen=True)
class CorrelatedPair:
    """Two factors of which one makes up for the other: their rank correlation once accepted."""

    first: Factor
    second: Factor
    correlation: float


@dataclass(frozen=True)
class StructureShare:
    """One structure: how often it is drawn, and how often it is among the members."""

    factor: Factor
    value: float
    prior: float
    conditioned: float


@dataclass(frozen=True)
class TargetShift:
    """In what share of draws of the prior, and of the members, a target is met."""

    scenario: str
    target: Target
    prior: float
    conditioned: float
    moved: bool
    """Whether they differ by more than drawing explains; if not, nothing observed says more."""
    structures: tuple[float, ...]
    """The share among the members of each structure, in the order of `Diagnostics.structures`."""


@dataclass(frozen=True)
class Diagnostics:
    """What conditioning did."""

    members: int
    waves: tuple[Wave, ...]
    observations: tuple[ObservationFit, ...]
    factors: tuple[FactorWidth, ...]
    """The most shrunk first."""
    pairs: tuple[CorrelatedPair, ...]
    structures: tuple[StructureShare, ...]
    targets: tuple[TargetShift, ...]


def diagnose(
    model: Model, conditioned: Conditioned, scenarios: Sequence[Scenario] = ()
) -> Diagnostics:
    """Return what conditioning did, with the verdicts under some scenarios before and after.

    >>> model = plansim.load_model("lake.mdl")
    >>> told = plansim.diagnose(model, plansim.condition(model))
    >>> [(one.observation.id, round(one.conditioned[1])) for one in told.observations]
    [('fish 2002', 791), ('fish 2004', 735)]
    """
    structures = tuple(_structures(conditioned))
    return Diagnostics(
        len(conditioned.members),
        conditioned.waves,
        tuple(_observations(conditioned)),
        tuple(sorted(_widths(conditioned), key=lambda one: one.width)),
        tuple(_pairs(conditioned)),
        structures,
        tuple(_targets(model, conditioned, scenarios, structures)) if scenarios else (),
    )


def _observations(conditioned: Conditioned) -> Iterator[ObservationFit]:
    spec, prior = conditioned.spec, conditioned.prior_simulated
    distances = implausibility(prior, spec.observations)
    beyond = distances > spec.limit
    alone = beyond & (beyond.sum(axis=1, keepdims=True) == 1)
    scenarios = [run.scenario.id for run in spec.runs for _ in run.observations]
    for column, one in enumerate(spec.observations):
        yield ObservationFit(
            one,
            scenarios[column],
            float(beyond[:, column].mean()),
            float(alone[:, column].mean()),
            float(distances[:, column].min()),
            _band(prior[:, column]),
            _band(conditioned.simulated[:, column]),
        )


def _band(values: FloatArray) -> tuple[float, ...]:
    finite = values[np.isfinite(values)]
    return tuple(np.quantile(finite, BAND).tolist()) if finite.size else (math.nan,) * len(BAND)


def _widths(conditioned: Conditioned) -> Iterator[FactorWidth]:
    low, middle, high = np.quantile(conditioned.shares, BAND, axis=0)
    widths = (high - low) / (BAND[2] - BAND[0])
    for factor, width, median in zip(conditioned.factors, widths, middle, strict=True):
        matched = factor.name in conditioned.matched
        yield FactorWidth(factor, float(width), float(median), matched)


def _pairs(conditioned: Conditioned) -> Iterator[CorrelatedPair]:
    """Yield the largest rank correlations that chance does not explain."""
    shares, factors = conditioned.shares[:MOST], conditioned.factors
    if len(shares) < 3:
        return
    ranks = np.argsort(np.argsort(shares, axis=0), axis=0)
    upper = np.triu(np.atleast_2d(np.corrcoef(ranks, rowvar=False)), 1)
    for at in np.argsort(-np.abs(upper), axis=None)[:PAIRS]:
        row, column = np.unravel_index(at, upper.shape)
        correlation = float(upper[row, column])
        if abs(correlation) < 5 / math.sqrt(len(shares)):  # of so many pairs the largest
            return
        yield CorrelatedPair(factors[row], factors[column], correlation)


def _structures(conditioned: Conditioned) -> Iterator[StructureShare]:
    for column, factor in enumerate(conditioned.factors):
        distribution = factor.distribution
        if factor.name in conditioned.spec.structures and isinstance(distribution, Discrete):
            values = distribution.quantile(conditioned.shares[:, column])
            drawn = distribution.quantile((np.arange(1000) + 0.5) / 1000)
            for value in np.unique(drawn).tolist():
                prior, after = (float((some == value).mean()) for some in (drawn, values))
                yield StructureShare(factor, value, prior, after)


def _targets(
    model: Model,
    conditioned: Conditioned,
    scenarios: Sequence[Scenario],
    structures: Sequence[StructureShare],
) -> Iterator[TargetShift]:
    """Compare the shares of the prior, of all members, and of the members of each structure."""
    targets = {target.id: target for target in load_targets(model=model)}
    members = conditioned.members
    parts = [conditioned.prior, members]
    for part in structures:
        rows = np.flatnonzero(
            conditioned.points[:, conditioned.factors.index(part.factor)] == part.value
        )
        parts.append(replace(members, ids=tuple(rows.tolist()), values=members.values[rows]))
    frames = [verdict_shares(model, scenarios, some) if some.ids else None for some in parts]
    before, after = frames[:2]
    assert before is not None
    assert after is not None
    for row in range(len(before)):
        one, other = before.iloc[row], after.iloc[row]
        if math.isnan(one.share):
            continue
        spread = math.hypot(*(math.sqrt(some.share * (1 - some.share) / max(some.members, 1))
                              for some in (one, other)))  # fmt: skip
        yield TargetShift(
            one.scenario,
            targets[one.target],
            float(one.share),
            float(other.share),
            bool(abs(other.share - one.share) > NORMAL * spread),
            tuple(math.nan if some is None else float(some["share"][row]) for some in frames[2:]),
        )


# --- forecasts of figures that were held out ------------------------------------------------------


@dataclass(frozen=True)
class Forecast:
    """A figure that was held out, and what members say of it, errors included."""

    observation: Observation
    position: float
    """The probability of a smaller figure: in the 90 % band between 0.05 and 0.95."""
    band: tuple[float, ...]
    """Quantiles `BAND` of the members alone."""
    score: float
    """The logarithm of the forecast's density at the figure."""
    prior_score: float
    """That of the prior."""

    @property
    def inside(self) -> bool:
        """Whether the figure is inside of the 90 % band."""
        return BAND[0] <= self.position <= BAND[2]


def forecast_held_out(
    model: Model, spec: ConditioningSpec, year: int
) -> tuple[Wave, tuple[Forecast, ...]]:
    """Condition on figures before a year, and forecast those from it on.

    Forecasts come with the last wave. A figure that a base constant states is neither fitted nor
    forecast. A forecast is the mixture of normal distributions about the members, with the
    observation's error and discrepancy.

    Raises:
        InputError: no draw or too few are accepted.
    """
    from scipy.special import logsumexp, ndtr

    def score(distances: FloatArray, deviation: float) -> float:
        density = logsumexp(-(distances**2) / 2) - math.log(len(distances))
        return float(density - math.log(deviation * math.sqrt(2 * math.pi)))

    conditioned = condition(model, replace(spec, until=year))
    forecasts = []
    for column, one in enumerate(spec.observations):
        if one.year < year or one.stated:
            continue
        values, prior = conditioned.simulated[:, column], conditioned.prior_simulated[:, column]
        after, before = (
            (one.value - some) / one.deviation for some in (values, prior[np.isfinite(prior)])
        )
        scores = score(after, one.deviation), score(before, one.deviation)
        forecasts.append(Forecast(one, float(ndtr(after).mean()), _band(values), *scores))
    return conditioned.waves[-1], tuple(forecasts)
