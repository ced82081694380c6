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

from dataclasses import replace
from pathlib import Path

import numpy as np

from plansim.analysis.calibration.conditioning_file import (
    ConditioningSpec,
    HistoryRun,
    read_conditioning,
)
from plansim.analysis.calibration.observations import ObservationEvaluator
from plansim.analysis.calibration.prior import changes_of, draw_prior, values_of
from plansim.analysis.calibration.waves import (
    BLOCK,
    Conditioned,
    Draws,
    Narrowed,
    Ranges,
    Rows,
    Wave,
    around,
    implausibility,
    screened,
)
from plansim.analysis.ensemble import study_key
from plansim.analysis.evaluator import Progress, processors
from plansim.analysis.experiments.design import quantiles
from plansim.cache import kept
from plansim.errors import InputError, Message
from plansim.model.records import Model
from plansim.model.rewrite import with_equations
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import FILE_NAME, EnsembleKind, Members, MembersHead, digests_of
from plansim.scenario.members_file import rounded
from plansim.scenario.scenario_file import as_written
from plansim.targets.views_file import load_views

__all__ = ["condition", "draw_members"]

ENOUGH = 500
"""The box is around at least as many draws, the least implausible ones, accepted or not."""
PATIENCE = 16
"""The last wave is drawn at most so many times over; if that would not be enough, it stops."""


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
    return _Matching(model, spec, threads or processors(), progress).made(spec.seed)


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
    narrowing = replace(spec, runs=(), members=0)
    runs = [(run.scenario, sorted(run.without), run.factors, run.observations) for run in spec.runs]
    key = study_key(model, as_written(model), narrowing, runs, files)
    box = kept("boxes", key, Ranges, lambda: matching.narrowed().box)
    return matching.drawn(box, seed)


def _read(
    model: Model, spec: ConditioningSpec | str | Path | None, members: int | None, seed: int | None
) -> ConditioningSpec:
    if not isinstance(spec, ConditioningSpec):
        spec = read_conditioning(model, Path(spec) if spec else None)
    return replace(
        spec,
        members=spec.members if members is None else members,
        seed=spec.seed if seed is None else seed,
    )


class _Matching:
    """The waves of one conditioning."""

    def __init__(
        self, model: Model, spec: ConditioningSpec, threads: int, progress: Progress
    ) -> None:
        self.model, self.spec, self.threads, self.progress = model, spec, threads, progress
        self.steps, self.done = spec.draws * spec.waves, 0
        own = [factor for run in spec.runs for factor in run.factors]
        self.factors = (*spec.design.factors, *own)
        self.changes = tuple(changes_of(model, spec.design.factors))
        self.count = len(spec.design.factors)
        fitted = [column for column, one in enumerate(spec.observations) if not one.held_out]
        self.fitted = np.array(fitted, np.intp)
        self.whole = with_equations(model, spec.equations)
        bare = Members(self._head(0, 0), (), (), np.empty((1, 0)), load_views(model).policy)
        self.runs = []
        first = self.count
        for run in spec.runs:
            self.runs.append(_Run(self, run, bare, first))
            first += len(run.factors)

    def narrowed(self) -> Narrowed:
        """Make all waves but the last."""
        spec, count = self.spec, len(self.factors)
        low, high = np.zeros(count), np.ones(count)
        waves, chosen = [], np.empty(0, np.intp)
        first = np.empty((0, 0))
        for number in range(spec.waves - 1):
            draws = Draws((spec.seed, number), low, high)
            simulated = self._simulated(draws, 0, spec.draws)
            waves.append(self._wave(simulated, draws))
            shares = draws.shares(self._least(simulated))
            if number == 0:
                first = simulated
                chosen = screened(shares, spec.matched)
            low, high = around(shares, low, high, chosen)
        return Narrowed(Ranges(low, high), tuple(waves), chosen, first)

    def drawn(self, box: Ranges, seed: int) -> Members:
        """Draw members from a box, as many draws as it takes."""
        last = Draws((seed, self.spec.waves - 1), box.low, box.high)
        self.steps = self.spec.draws
        taken, made = self._last(last, BLOCK)
        return self._members(last.shares(taken), made)[0]

    def made(self, seed: int) -> Conditioned:
        """Make all waves, the last of them with a seed."""
        spec, narrowed = self.spec, self.narrowed()
        last = Draws((seed, spec.waves - 1), narrowed.box.low, narrowed.box.high)
        taken, made = self._last(last, spec.draws)
        shares = last.shares(taken)
        members, points, fitted = self._members(shares, made)
        return Conditioned(
            spec,
            members,
            draw_prior(self.model, spec.members, seed=spec.seed, design=spec.design),
            (*narrowed.waves, made),
            tuple(self.factors[column].name for column in narrowed.chosen),
            self.factors,
            shares,
            points,
            fitted,
            narrowed.first,
        )

    def _changes(self, points: FloatArray) -> FloatArray:
        return values_of(self.changes, points[:, : self.count])

    # --- waves ------------------------------------------------------------------------------------

    def _simulated(self, draws: Draws, start: int, count: int) -> FloatArray:
        """Simulate so many draws, from one on: ``(draw, observation)``."""
        parts = []
        stop = start + count
        for begin in range(start, stop, BLOCK):
            rows = np.arange(begin, min(begin + BLOCK, stop))
            points = quantiles(self.factors, draws.shares(rows))
            parts.append(self._simulate(self._changes(points), points))
            self.done += len(rows)
            self.progress(self.done, max(self.steps, self.done))
        return np.concatenate(parts)

    def _wave(self, simulated: FloatArray, draws: Draws) -> Wave:
        """Return what became of the draws of a wave, none of which may be all that is left."""
        accepted = self._worst(simulated) <= self.spec.limit
        broken = ~np.isfinite(simulated).all(axis=1)
        if not accepted.any():
            self._require_reachable(simulated)
        return Wave(len(simulated), int(accepted.sum()), int(broken.sum()), draws.volume)

    def _simulate(self, changes: FloatArray, points: FloatArray) -> FloatArray:
        """Return what runs of the past give for the observations: ``(draw, observation)``."""
        return np.concatenate([run.simulate(changes, points) for run in self.runs], axis=1)

    def _worst(self, simulated: FloatArray) -> FloatArray:
        """Return the largest implausibility of each draw."""
        worst: FloatArray = self._distances(simulated).max(axis=1)
        return worst

    def _distances(self, simulated: FloatArray) -> FloatArray:
        """Return the implausibility of observations that are fitted."""
        return implausibility(simulated, self.spec.observations)[:, self.fitted]

    def _least(self, simulated: FloatArray) -> Rows:
        """Return the accepted draws, or if they are few the least implausible ones, rising."""
        worst = self._worst(simulated)
        accepted = np.flatnonzero(worst <= self.spec.limit)
        if len(accepted) >= ENOUGH:
            return accepted
        rows = np.argsort(worst, kind="stable")[:ENOUGH]
        return np.sort(rows[np.isfinite(worst[rows])])

    def _last(self, draws: Draws, count: int) -> tuple[Rows, Wave]:
        """Draw the last wave, so many at a time, until enough is accepted; return these rows."""
        taken: list[Rows] = []
        made = Wave(0, 0, 0, draws.volume)
        while made.accepted < self._wanted:
            simulated = self._simulated(draws, made.draws, count)
            more = self._wave(simulated, draws)
            taken.append(np.flatnonzero(self._worst(simulated) <= self.spec.limit) + made.draws)
            made = replace(
                made,
                draws=made.draws + more.draws,
                accepted=made.accepted + more.accepted,
                broken=made.broken + more.broken,
            )
            tried = made.draws // self.spec.draws
            if made.accepted < self._wanted * tried / PATIENCE:
                self._refuse(simulated, made)
        return np.concatenate(taken), made

    @property
    def _wanted(self) -> int:
        """Some more than members, since rounding them may take a few away."""
        return self.spec.members + self.spec.members // 50

    def _require_reachable(self, simulated: FloatArray) -> None:
        """Raise an error if a single observation rejects a whole wave."""
        least = self._distances(simulated).min(axis=0)
        for column in self.fitted[least > self.spec.limit]:
            one = self.spec.observations[column]
            near = simulated[:, column][np.isfinite(simulated[:, column])]
            ends = (near.min(), near.max()) if near.size else (np.nan, np.nan)
            expected = Message(
                "{low:.4g} to {high:.4g} {unit}",
                low=one.value - self.spec.limit * one.deviation,
                high=one.value + self.spec.limit * one.deviation,
                unit=one.unit,
            )
            found = Message("{low:.4g} to {high:.4g} {unit}", low=ends[0], high=ends[1],
                            unit=one.unit)  # fmt: skip
            message = Message("'{name}' rejects every draw of a wave", name=one.id)
            raise InputError(message, self.spec.path, None, expected, found)

    def _refuse(self, simulated: FloatArray, wave: Wave) -> None:
        """Raise an error that names the observation without which most draws would be left."""
        beyond = self._distances(simulated) > self.spec.limit
        alone = beyond & (beyond.sum(axis=1, keepdims=True) == 1)
        counts = alone.sum(axis=0) if alone.any() else beyond.sum(axis=0)
        one = self.spec.observations[self.fitted[int(counts.argmax())]]
        raise InputError(
            "only {count} of {draws} draws are accepted; '{name}' rejects most",
            self.spec.path,
            expected=Message("{count} members", count=self.spec.members),
            count=wave.accepted,
            draws=wave.draws,
            name=one.id,
        )

    def _members(self, shares: FloatArray, wave: Wave) -> tuple[Members, FloatArray, FloatArray]:
        """Return members as their file holds them, all of which are accepted as they stand.

        With them the points they are of, and what they give for the observations.
        """
        points = quantiles(
            self.factors, shares[: 2 * self.spec.members + ENOUGH]
        )  # all would take long
        values = rounded(self._changes(points))
        _, firsts = np.unique(values, axis=0, return_index=True)
        rows = np.sort(firsts)
        simulated = self._simulate(values[rows], points[rows])
        keep = self._worst(simulated) <= self.spec.limit
        rows, simulated = rows[keep][: self.spec.members], simulated[keep][: self.spec.members]
        if len(rows) < self.spec.members:
            message = Message("the factors have too few values for {count} members",
                              count=self.spec.members)  # fmt: skip
            raise InputError(message, self.spec.path)
        members = Members(
            self._head(wave.draws, wave.accepted),
            tuple(change.factor for change in self.changes),
            tuple(range(len(rows))),
            values[rows],
            load_views(self.model).policy,
        )
        return members, points[rows], simulated

    def _head(self, draws: int, accepted: int) -> MembersHead:
        spec = self.spec
        drawn = (
            f"{spec.members} of {accepted} accepted of {draws} draws in wave {spec.waves}, "
            f"{len(spec.observations)} observations, implausibility up to {spec.limit:g}"
        )
        path = self.model.path.with_name(FILE_NAME)
        sha256 = self.model.equations_sha256
        files = digests_of(spec.files(self.model), path.parent)
        return MembersHead(
            EnsembleKind.CONDITIONED, sha256, spec.seed, drawn, path, 2, draws, files
        )


class _Run:
    """A run of the past, for many draws."""

    def __init__(self, matching: _Matching, run: HistoryRun, bare: Members, first: int) -> None:
        """``first`` is the column of the first factor of this run alone."""
        self._model, self._run, self._threads = matching.model, run, matching.threads
        design = matching.spec.design.factors
        self._acting = [
            column
            for column, change in enumerate(matching.changes)
            if design[change.column].name not in run.without
        ]
        self._own = list(range(first, first + len(run.factors)))
        factors = (*(matching.changes[column].factor for column in self._acting), *run.factors)
        self._bare = replace(bare, factors=factors, values=np.zeros((1, len(factors))))
        names, _ = self._bare.constants_under(matching.model, run.scenario)
        self._evaluator = ObservationEvaluator(
            matching.whole, run.scenario, names, run.observations
        )

    def simulate(self, changes: FloatArray, points: FloatArray) -> FloatArray:
        """Return ``(draw, observation)`` in the observations' units, by changes and all points."""
        values = np.concatenate([changes[:, self._acting], points[:, self._own]], axis=1)
        members = replace(self._bare, ids=tuple(range(len(values))), values=values)
        _, constants = members.constants_under(self._model, self._run.scenario)
        return self._evaluator.evaluate(constants, self._threads)
