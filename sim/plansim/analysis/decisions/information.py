"""What is worth knowing: which unknown, if it were known, would change the choice of a policy.

::

    result = information(model, ["baseline", "green-transition"])
    result.unknowns[0].value

The expected value of partial perfect information of an unknown is how much more the best policy for
each of its values comes to, in the mean, than the policy that is best without knowing it. It is
estimated by regression: what a policy comes to is fitted on the unknown, and the best fit is taken
value by value. The estimate is biased upward by chance; its mean over shuffled copies of the
unknown is subtracted.

References: M. Strong, J. E. Oakley, A. Brennan, Estimating multiparameter partial expected value of
perfect information from a probabilistic sensitivity analysis sample, Medical Decision Making 34
(2014) 311-326.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from plansim.analysis.decisions.member_states import sample_of_members, states_of
from plansim.analysis.evaluator import Progress
from plansim.analysis.experiments.states import check_study, drawn_runs, sample_of_study
from plansim.analysis.sensitivity.given_data import pawn
from plansim.errors import InputError, Message
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model, several
from plansim.scenario.factors import Factor, FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, scenarios_of
from plansim.targets.catalogue import binding_targets_of
from plansim.targets.target import Target

__all__ = ["Information", "KnownUnknown", "information", "value_of_information"]

DEGREE = 3
"""Degree of the polynomial in the rank of an unknown that is fitted."""
RESAMPLES = 50
"""Number of resamples of the members, for standard errors, and of shuffles, for what is due to
chance."""
SHUFFLED = 200
"""Number of unknowns without influence that PAWN's distance is taken of."""
ROUNDING = 1e-9
"""Value of information that is taken for a rounding error of zero."""
FEW = 50
"""Minimum number of members."""


@dataclass(frozen=True)
class KnownUnknown:
    """What it would be worth to know one unknown."""

    factor: Factor
    value: float
    """In targets met; what chance brings about is taken off."""
    error: float
    """Its standard error."""
    pawn: float
    """Median distance of Kolmogorov and Smirnov between what the best policy comes to in all
    members and in tenths of them by the unknown (PAWN); of some members above 0 by chance alone."""


@dataclass(frozen=True)
class Information(Tabular):
    """What knowledge would be worth to the choice among policies.

    As a table: a row for each unknown, its ``value`` and that value's ``error`` in targets met.
    """

    policies: tuple[str, ...]
    means: tuple[float, ...]
    """Mean number of targets that each policy meets."""
    best: str
    """The policy that is best without further knowledge."""
    perfect: float
    """Value of knowing everything, in targets met."""
    members: int
    by_chance: float
    """Below it lie 95 of 100 unknowns without influence, of PAWN's distances."""
    unknowns: tuple[KnownUnknown, ...]
    """The one of the largest value first."""

    def _table(self) -> Table:
        rows = [
            (one.factor.name, one.factor.name_zh, one.value, one.error, one.pawn)
            for one in self.unknowns
        ]
        return ("factor", "factor_zh", "value", "error", "PAWN"), rows


def information(
    model: Model,
    source: Sequence[Scenario | str | Path] | xr.Dataset,
    *,
    targets: Sequence[Target | str] | None = None,
    members: Members | int | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Information:
    """Return what it is worth to the choice among policies to know each unknown.

    Args:
        model: the model.
        source: two scenarios or more, which are run over members; or a sweep, as `open_sweep`
            returns it, of two scenarios or more over the same points, of which some are drawn at
            random where there are many.
        targets: records or ids; by default the binding ones of the catalogue beside the model.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        seed: of the resamples.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many steps are done, of how many: draws, then unknowns.

    Raises:
        InputError: there are less than two policies or too few members, the sweep's scenarios have
            other points, or no target is judged.
        ModelError: the compiler does not support the model.

    >>> model = plansim.load_model("lake.mdl")
    >>> known = plansim.information(model, [plansim.as_written(model), "boats.yaml"], members=64)
    >>> known.best, {unknown.factor.name for unknown in known.unknowns} == {'growth rate', 'room'}
    ('as-written', True)
    >>> list(known.frame().columns)
    ['factor', 'factor_zh', 'value', 'error', 'PAWN']
    """
    wanted = binding_targets_of(model, targets)
    if isinstance(source, xr.Dataset):
        check_study(source, model, members)
        policies, factors, points, met = _stored(source, wanted)
    else:
        chosen = scenarios_of(model, source)
        states = states_of(model, members, threads=threads, progress=progress)
        samples = [sample_of_members(model, one, wanted, states, threads) for one in chosen]
        policies = tuple(one.id for one in chosen)
        factors, points = states.factors, states.values
        met = np.stack([_count(sample.met) for sample in samples])
    if len(policies) < 2:
        expected = Message("two policies or more")
        raise InputError("knowledge changes no choice", expected=expected)
    sound = np.isfinite(met).all(axis=0)
    if sound.sum() < FEW:
        expected = Message("{count} members", count=FEW)
        raise InputError("too few members", expected=expected, found=str(int(sound.sum())))
    met, points = met[:, sound], points[sound]
    values, errors = value_of_information(met, points, seed=seed, progress=progress)
    means = met.mean(axis=1)
    best = int(np.argmax(means))
    distances = pawn(points, met[best], seed)
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.tile(np.arange(len(points)) + 0.0, (SHUFFLED, 1)), axis=1).T
    by_chance = float(np.quantile(pawn(shuffled, met[best], seed), 0.95))
    order = np.argsort(-values, kind="stable")
    return Information(
        tuple(policies),
        tuple(map(float, means)),
        policies[best],
        float(met.max(axis=0).mean() - means[best]),
        int(sound.sum()),
        by_chance,
        tuple(
            KnownUnknown(
                factors[row], float(values[row]), float(errors[row]), float(distances[row])
            )
            for row in order
        ),
    )


def _count(met: FloatArray) -> FloatArray:
    """Return the number of targets met, one that is assumed as none; NaN in failed runs."""
    return np.where(np.isnan(met).all(axis=1), np.nan, np.nansum(met, axis=1))


def _stored(
    study: xr.Dataset, targets: Sequence[Target]
) -> tuple[tuple[str, ...], tuple[Factor, ...], FloatArray, FloatArray]:
    """Return the policies, factors, points and numbers of targets met of a stored sweep."""
    names: list[str] = list(several(study.attrs["scenarios"]))
    study = study.isel(run=drawn_runs(study, together=len(names)))
    sample = sample_of_study(study, [target.id for target in targets])
    owner = np.asarray(study["scenario"].values)
    rows = [np.flatnonzero(owner == index) for index in range(len(names))]
    first = sample.points[rows[0]]
    for name, own in zip(names, rows, strict=True):
        if len(own) != len(first) or not np.array_equal(sample.points[own], first):
            raise InputError("'{name}' is not run over the points of the others", name=name)
    counts = _count(sample.met)
    return tuple(names), sample.factors, first, np.stack([counts[own] for own in rows])


def value_of_information(
    utilities: FloatArray,
    points: FloatArray,
    *,
    seed: int = 0,
    progress: Progress = lambda done, steps: None,
) -> tuple[FloatArray, FloatArray]:
    """Return the expected value of partial perfect information of each unknown, and its error.

    Args:
        utilities: what each policy comes to, ``(policy, member)``.
        points: ``(member, factor)``.
        seed: of resamples and shuffles.
        progress: is told how many unknowns are done, of how many.

    Returns:
        ``(factor,)`` each, in the unit of the utilities; what chance brings about is taken off.
    """
    rng = np.random.default_rng(seed)
    count, width = points.shape
    values, errors = np.zeros(width), np.zeros(width)
    draws = rng.integers(count, size=(RESAMPLES, count))
    shuffles = np.stack([rng.permutation(count) for _ in range(RESAMPLES)])
    for column in range(width):
        progress(column, width)
        basis = _basis(points[:, column])
        by_chance = np.mean([_value(utilities, basis[shuffle]) for shuffle in shuffles])
        resampled = [_value(utilities[:, draw], basis[draw]) for draw in draws]
        value = float(_value(utilities, basis) - by_chance)
        values[column] = value if value > ROUNDING else 0.0
        errors[column] = np.std(resampled)
    return values, errors


def _basis(values: FloatArray) -> FloatArray:
    """Return orthonormal polynomials in the ranks of an unknown: ``(member, degree + 1)``.

    Of a switch with few values the degree is less: it takes no more to pass through each.
    """
    ranks = rankdata(values) / len(values) - 0.5
    degree = min(DEGREE, len(np.unique(values)) - 1)
    return np.asarray(np.linalg.qr(np.vander(ranks, degree + 1))[0])


def _value(utilities: FloatArray, basis: FloatArray) -> float:
    """Return by how much the mean of the best fit, value by value, exceeds the best mean."""
    fits = np.linalg.lstsq(basis, utilities.T, rcond=None)[0]
    fitted = (basis @ fits).T
    return float(fitted.max(axis=0).mean() - fitted.mean(axis=1).max())
