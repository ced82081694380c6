"""History matching: members are draws whose runs of the past fit every observation.

::

    conditioned = condition(model)
    conditioned.members  # what `write_members` writes
    draw_members(model, 200, seed=7)  # others, by the same rule

The implausibility of a draw is its distance from an observation in standard deviations, those of
the observation's error and of the model's discrepancy taken together; it is accepted if that of no
observation is beyond the limit. Draws come in waves. The first is of the whole prior, and says
which factors tell accepted draws from others. Each further one is of the prior inside a box around
the plausible draws of the wave before, in these factors alone, so that it wastes fewer runs. The
prior inside the box is the prior's own, so that accepted draws are a sample of the prior given
that it is accepted, as far as the box holds all that would be.

References: P. S. Craig et al., Pressure matching for hydrocarbon reservoirs, in Case Studies in
Bayesian Statistics III (1997); I. Vernon, M. Goldstein, R. G. Bower, Galaxy formation: a Bayesian
uncertainty analysis, Bayesian Analysis 5 (2010) 619-669. Screening: G. M. Hornberger, R. C. Spear,
An approach to the preliminary analysis of environmental systems, Journal of Environmental
Management 12 (1981) 7-18.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.calibration.conditioning import (
    ConditioningSpec,
    HistoryRun,
    Observation,
    read_conditioning,
)
from plansim.analysis.calibration.prior import changes_of, draw_prior, values_of
from plansim.analysis.ensemble import study_key
from plansim.analysis.evaluator import Evaluator, Progress, Request, processors
from plansim.analysis.experiments.distributions import quantiles
from plansim.cache import kept
from plansim.errors import InputError, Message, check_counts
from plansim.model.records import Model
from plansim.model.rewrite import with_equations
from plansim.scenario.factors import Factor, FloatArray
from plansim.scenario.members import FILE_NAME, EnsembleKind, Members, MembersHead, digests_of
from plansim.scenario.members_file import rounded
from plansim.scenario.scenario_file import as_written
from plansim.targets.target import indicator_of
from plansim.targets.views_file import load_views

__all__ = ["Conditioned", "Wave", "condition", "draw_members", "implausibility"]

BLOCK = 16_384
"""Draws that are in memory at once."""
MARGIN = 0.05
"""The box is wider on each side by this part of the extent of what it is around."""
ENOUGH = 500
"""The box is around at least as many draws, the least implausible ones, accepted or not."""
PATIENCE = 16
"""The last wave is drawn at most so many times over; if that would not be enough, it stops."""

Rows: TypeAlias = npt.NDArray[np.intp]
_Run: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]
"""Returns ``(draw, observation)`` in the observations' units, by what draws change and all their
points; NaN for a run that fails."""


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


def condition(
    model: Model,
    spec: ConditioningSpec | str | Path | None = None,
    *,
    members: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Conditioned:
    """Draw members of a model that fit what was observed.

    Args:
        model: the model.
        spec: what they have to fit, or the path of the file; else ``conditioning.yaml`` beside the
            model.
        members: how many; else as the file says.
        seed: of all waves; else as the file says.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many draws are made, of how many.

    Raises:
        DesignError: the file is at fault.
        InputError: no draw or too few are accepted; it names the observation that rejects most.
        ModelError: the compiler does not support the model.

    >>> conditioned = plansim.condition(plansim.load_model("lake.mdl"))
    >>> len(conditioned.members), [wave.accepted for wave in conditioned.waves]
    (8, [932, 925])
    """
    spec = _read(model, spec, members, seed)
    matching = _Matching(model, spec, threads or processors(), progress)
    box, waves, matched, first = matching.narrowed()
    shares, last = matching.last(box, spec.seed, spec.draws)
    made, points, simulated = matching.members(shares, last)
    prior = draw_prior(model, spec.members, seed=spec.seed, design=spec.design)
    whole = (*waves, last)
    return Conditioned(
        spec, made, prior, whole, matched, matching.factors, shares, points, simulated, first
    )


def draw_members(
    model: Model,
    members: int,
    seed: int,
    *,
    spec: ConditioningSpec | str | Path | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Members:
    """Draw fresh members by the rule of acceptance of the ensemble beside a model.

    The waves that narrow the ranges are those of the file, so that members of all seeds are draws
    from one distribution; only the last wave is drawn anew. ``head.draws`` of the result says how
    many draws it took.

    Args:
        model: the model.
        members: how many.
        seed: of the last wave; another than that of the file, or the members are the same.
        spec: what they have to fit, or the path of the file; else ``conditioning.yaml`` beside the
            model.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many draws are made, of how many.

    Raises:
        DesignError: the file is at fault.
        InputError: no draw or too few are accepted.

    >>> members = plansim.draw_members(plansim.load_model("lake.mdl"), 4, seed=2)
    >>> len(members)
    4
    """
    spec = _read(model, spec, members, None)
    matching = _Matching(model, spec, threads or processors(), progress)
    files = digests_of(spec.files(model), model.path.parent)
    key = study_key(model, as_written(model), replace(spec, members=0), files)
    box = kept("boxes", key, PriorBox, lambda: matching.narrowed()[0])
    matching.steps = spec.draws
    return matching.members(*matching.last(box, seed, BLOCK))[0]


def _read(
    model: Model, spec: ConditioningSpec | str | Path | None, members: int | None, seed: int | None
) -> ConditioningSpec:
    check_counts(members=members)
    check_counts(0, seed=seed)
    if not isinstance(spec, ConditioningSpec):
        spec = read_conditioning(model, Path(spec) if spec else None)
    return replace(
        spec,
        members=spec.members if members is None else members,
        seed=spec.seed if seed is None else seed,
    )


def implausibility(simulated: FloatArray, observations: Sequence[Observation]) -> FloatArray:
    """Return distances in standard deviations, ``(draw, observation)``; infinite if not finite."""
    value = np.array([one.value for one in observations])
    deviation = np.array([one.deviation for one in observations])
    with np.errstate(invalid="ignore"):
        distance: FloatArray = np.abs(simulated - value) / deviation
    return np.where(np.isfinite(distance), distance, np.inf)


@dataclass(frozen=True)
class PriorBox:
    """The part of the prior that draws are from."""

    low: FloatArray
    """``(factor,)``: its ends, as parts of the prior's probability."""
    high: FloatArray

    @property
    def volume(self) -> float:
        """The part of the prior's probability inside."""
        return float(np.prod(self.high - self.low))

    def shares(self, seed: tuple[int, int], rows: Rows) -> FloatArray:
        """Return some draws of a wave as parts of the prior's probability, ``(row, factor)``.

        The same at each call. ``seed`` ends with the number of the wave; rows rise.

        Draws are independent: in so many dimensions Sobol's sequence is even only as a whole, and
        factors of the draws that are accepted would be correlated by it.
        """
        numbers = rows // BLOCK
        blocks = [np.empty((0, len(self.low)))]
        for number in np.unique(numbers).tolist():
            drawn = np.random.default_rng([*seed, number]).random((BLOCK, len(self.low)))
            block = self.low + (self.high - self.low) * drawn
            blocks.append(block[rows[numbers == number] - number * BLOCK])
        return np.concatenate(blocks)

    def around(self, shares: FloatArray, chosen: Rows) -> PriorBox:
        """Return the part of the box around draws in the chosen factors."""
        low, high = self.low.copy(), self.high.copy()
        least, most = shares[:, chosen].min(axis=0), shares[:, chosen].max(axis=0)
        more = MARGIN * (most - least)
        low[chosen] = np.maximum(low[chosen], least - more)
        high[chosen] = np.minimum(high[chosen], most + more)
        return PriorBox(low, high)


def screened(shares: FloatArray, count: int) -> Rows:
    """Return the factors in which plausible draws differ most from all, those first.

    ``shares`` is ``(draw, factor)``, of all draws even between 0 and 1. The measure is the largest
    difference of the distribution functions, as in the test of Kolmogorov and Smirnov.
    """
    ordered = np.sort(shares, axis=0)
    ranks = np.arange(1, len(shares) + 1)[:, np.newaxis] / len(shares)
    above = (ranks - ordered).max(axis=0)
    below = (ordered - (ranks - 1 / len(shares))).max(axis=0)
    return np.argsort(-np.maximum(above, below), kind="stable")[:count]


class _Matching:
    """The waves of one conditioning."""

    def __init__(
        self, model: Model, spec: ConditioningSpec, threads: int, progress: Progress
    ) -> None:
        self.model, self.spec, self.threads, self.progress = model, spec, threads, progress
        self.steps, self.done = spec.draws * spec.waves, 0
        self.count = len(spec.design.factors)
        self.factors = (*spec.design.factors, *(one for run in spec.runs for one in run.factors))
        self.changes = tuple(changes_of(model, spec.design.factors))
        self.fitted = [i for i, one in enumerate(spec.observations) if one.year < spec.until]
        self.policy = load_views(model).policy
        ends = np.cumsum([self.count, *(len(run.factors) for run in spec.runs)])
        whole = with_equations(model, spec.equations)
        self.runs = [
            self._run(whole, run, slice(*columns))
            for run, *columns in zip(spec.runs, ends, ends[1:], strict=False)
        ]

    # --- waves ------------------------------------------------------------------------------------

    def narrowed(self) -> tuple[PriorBox, tuple[Wave, ...], tuple[str, ...], FloatArray]:
        """Make all waves but the last.

        Returns:
            The box that is left, the waves, the factors that they narrowed, and what the first
            wave gives for the observations, ``(draw, observation)``.
        """
        spec, count = self.spec, len(self.factors)
        box = PriorBox(np.zeros(count), np.ones(count))
        waves, chosen, first = [], np.empty(0, np.intp), np.empty((0, 0))
        for number in range(spec.waves - 1):
            seed = (spec.seed, number)
            simulated = self._simulated(box, seed, 0, spec.draws)
            waves.append(self._wave(simulated, box.volume))
            worst = self._distances(simulated).max(axis=1)
            near = np.flatnonzero(worst <= spec.limit)
            if len(near) < ENOUGH:
                near = np.argsort(worst, kind="stable")[:ENOUGH]
                near = np.sort(near[np.isfinite(worst[near])])
            shares = box.shares(seed, near)
            if number == 0:
                first, chosen = simulated, screened(shares, spec.matched)
            box = box.around(shares, chosen)
        return box, tuple(waves), tuple(self.factors[column].name for column in chosen), first

    def last(self, box: PriorBox, seed: int, count: int) -> tuple[FloatArray, Wave]:
        """Draw the last wave, so many at a time, until enough is accepted; return these draws."""
        spec, key = self.spec, (seed, self.spec.waves - 1)
        wanted = spec.members + spec.members // 50  # since rounding may take a few away
        simulated = np.empty((0, len(spec.observations)))
        while True:
            more = self._simulated(box, key, len(simulated), count)
            simulated = np.concatenate([simulated, more])
            wave = self._wave(simulated, box.volume)
            if wave.accepted >= wanted:
                return box.shares(key, np.flatnonzero(self._accepted(simulated))), wave
            if wave.accepted < wanted * (wave.draws // spec.draws) / PATIENCE:
                self._refuse(simulated)

    def members(self, shares: FloatArray, wave: Wave) -> tuple[Members, FloatArray, FloatArray]:
        """Return members as their file holds them, all of which are accepted as they stand.

        With them the points they are of, and what they give for the observations.
        """
        count = self.spec.members
        points = quantiles(self.factors, shares[: 2 * count + ENOUGH])  # all would take long
        values = rounded(values_of(self.changes, points[:, : self.count]))
        _, firsts = np.unique(values, axis=0, return_index=True)
        rows = np.sort(firsts)
        simulated = self._simulate(values[rows], points[rows])
        keep = self._accepted(simulated)
        rows, simulated = rows[keep][:count], simulated[keep][:count]
        if len(rows) < count:
            message = Message("the factors have too few values for {count} members", count=count)
            raise InputError(message, self.spec.path)
        factors = tuple(change.factor for change in self.changes)
        head = self._head(wave.draws, wave.accepted)
        members = Members(head, factors, tuple(range(count)), values[rows], self.policy)
        return members, points[rows], simulated

    def _head(self, draws: int = 0, accepted: int = 0) -> MembersHead:
        """Return what the file says of members before their values."""
        spec = self.spec
        drawn = (
            f"{spec.members} of {accepted} accepted of {draws} draws in wave {spec.waves}, "
            f"{len(spec.observations)} observations, implausibility up to {spec.limit:g}"
        )
        path, sha256 = self.model.path.with_name(FILE_NAME), self.model.equations_sha256
        files, kind = digests_of(spec.files(self.model), path.parent), EnsembleKind.CONDITIONED
        return MembersHead(kind, sha256, spec.seed, drawn, path, 2, draws, files)

    # --- runs of the past -------------------------------------------------------------------------

    def _simulated(
        self, box: PriorBox, seed: tuple[int, int], start: int, count: int
    ) -> FloatArray:
        """Simulate so many draws of a wave, from one on: ``(draw, observation)``."""
        parts = []
        for begin in range(start, start + count, BLOCK):
            rows = np.arange(begin, min(begin + BLOCK, start + count))
            points = quantiles(self.factors, box.shares(seed, rows))
            parts.append(self._simulate(values_of(self.changes, points[:, : self.count]), points))
            self.done += len(rows)
            self.progress(self.done, max(self.steps, self.done))
        return np.concatenate(parts)

    def _simulate(self, changed: FloatArray, points: FloatArray) -> FloatArray:
        """Return what runs of the past give for the observations: ``(draw, observation)``."""
        return np.concatenate([run(changed, points) for run in self.runs], axis=1)

    def _run(self, whole: Model, run: HistoryRun, own: slice) -> _Run:
        """Prepare a run of the past.

        ``whole`` answers for the observations; ``own`` are the factors of this run alone.
        """
        model, scenario = self.model, run.scenario
        names = [factor.name for factor in self.spec.design.factors]
        acting = [i for i, one in enumerate(self.changes) if names[one.column] not in run.without]
        factors = (*(self.changes[i].factor for i in acting), *run.factors)
        still = np.zeros((1, len(factors)))
        members = Members(self._head(), factors, (0,), still, self.policy)
        indicators = [
            indicator_of(whole, one.series, one.measure, one.since, one.year)
            for one in run.observations
        ]
        units = np.array([one.factor for one in run.observations])
        constants, _ = members.constants_under(model, scenario)
        wanted = Request(tuple({one.id: one for one in indicators}.values()))
        evaluator = Evaluator(whole, scenario, constants, wanted, stop_early=True)

        def simulate(changed: FloatArray, points: FloatArray) -> FloatArray:
            values = np.concatenate([changed[:, acting], points[:, own]], axis=1)
            _, table = members.constants_under(model, scenario, values)
            evaluation = evaluator.evaluate(table, self.threads)
            measured = np.stack([evaluation[one.id].value for one in indicators], axis=1)
            return np.asarray(measured * units)

        return simulate

    # --- acceptance -------------------------------------------------------------------------------

    def _distances(self, simulated: FloatArray) -> FloatArray:
        """Return the implausibility of observations that are fitted."""
        return implausibility(simulated, self.spec.observations)[:, self.fitted]

    def _accepted(self, simulated: FloatArray) -> npt.NDArray[np.bool_]:
        return np.asarray(self._distances(simulated).max(axis=1) <= self.spec.limit)

    def _wave(self, simulated: FloatArray, volume: float) -> Wave:
        """Return what became of some draws, which no single observation may all reject."""
        if (self._distances(simulated).min(axis=0) > self.spec.limit).any():
            self._refuse(simulated)
        accepted = int(self._accepted(simulated).sum())
        broken = int((~np.isfinite(simulated).all(axis=1)).sum())
        return Wave(len(simulated), accepted, broken, volume)

    def _refuse(self, simulated: FloatArray) -> NoReturn:
        """Raise an error that names the observation without which most draws would be left."""
        beyond = self._distances(simulated) > self.spec.limit
        alone = beyond & (beyond.sum(axis=1, keepdims=True) == 1)
        counts = alone.sum(axis=0) if alone.any() else beyond.sum(axis=0)
        column = self.fitted[int(counts.argmax())]
        one, runs = self.spec.observations[column], simulated[:, column]
        runs, most = runs[np.isfinite(runs)], self.spec.limit * one.deviation
        asked = (one.value - most, one.value + most)
        given = (float(runs.min()), float(runs.max())) if runs.size else (np.nan, np.nan)
        expected, found = (
            Message("{low:.4g} to {high:.4g} {unit}", low=low, high=high, unit=one.unit)
            for low, high in (asked, given)
        )
        raise InputError(
            "only {count} of {draws} draws are accepted; '{name}' rejects most",
            self.spec.path,
            expected=expected,
            found=found,
            count=int((~beyond.any(axis=1)).sum()),
            draws=len(simulated),
            name=one.id,
        )
