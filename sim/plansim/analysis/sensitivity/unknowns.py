"""The unknowns that decide whether a target is met: what its members differ in that matters most.

::

    for decided in deciding_unknowns(model, ["baseline"]):
        print(decided.target, [unknown.name for unknown in decided.unknowns])

By forward selection on ranks (R. L. Iman and W. J. Conover, Technometrics 21 (1979) 499-509): first
the factor whose rank correlation with the target's margin over the members is largest, then the one
of the largest partial correlation beside it. One that chance might bring about is not named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from plansim.analysis.ensemble import evaluate_members, load_ensemble
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, scenarios_of
from plansim.targets.catalogue import studied_targets
from plansim.targets.target import Target
from plansim.targets.verdict import PART_MET

__all__ = ["DecidedTarget", "DecidedTargets", "DecidingUnknown", "deciding_unknowns"]

MOST = 2
"""Number of unknowns that are named for a target."""
SMALLEST = 0.01
"""Share of the variance below which an unknown decides nothing."""
CHANCE = 0.05
"""Probability with which any factor of no effect at all would be named."""


@dataclass(frozen=True)
class DecidingUnknown:
    """A factor that members differ in, and what depends on it."""

    name: str
    """The name of the factor."""
    constants: tuple[str, ...]
    correlation: float
    """Rank correlation with the margin; of a second one the partial one beside the first."""
    explained: float
    """Share of the variance of the margin's ranks that it explains, beside those before it."""
    share_low: float
    """Share of the members that meet the target, in the half in which the factor is lower."""
    share_high: float
    """The same in the other half."""


@dataclass(frozen=True)
class DecidedTarget:
    """What decides a target under a scenario."""

    scenario: str
    target: str
    name_en: str
    name_zh: str
    share: float
    """Share of the members that meet it."""
    unknowns: tuple[DecidingUnknown, ...]
    """At most `MOST`, the one that matters most first."""


class DecidedTargets(Tabular, tuple[DecidedTarget, ...]):
    """What decides targets; as a table a row a factor, or one without it where none decides."""

    def _table(self) -> Table:
        columns = ("scenario", "target", "name_en", "name_zh", "share", "factor", "correlation",
                   "explained", "share_low", "share_high")  # fmt: skip
        rows: list[Sequence[object]] = []
        for one in self:
            names = (one.scenario, one.target, one.name_en, one.name_zh, one.share)
            rows += [
                (*names, by.name, by.correlation, by.explained, by.share_low, by.share_high)
                for by in one.unknowns
            ] or [(*names, *[None] * (len(columns) - len(names)))]
        return columns, rows


def deciding_unknowns(
    model: Model,
    scenarios: Scenario | str | Path | Sequence[Scenario | str | Path] | None = None,
    ensemble: Members | None = None,
    targets: Iterable[Target | str] | None = None,
    *,
    threads: int | None = None,
) -> DecidedTargets:
    """Return what decides targets over the members of an ensemble, under each scenario.

    Args:
        model: the model.
        scenarios: one or several, as for `simulate`.
        ensemble: by default that beside the model.
        targets: records or ids; by default the binding ones of the catalogue beside the model.
        threads: number of threads, by default one a processor. The result does not depend on it.

    Raises:
        InputError: the ensemble is at fault, or a scenario.
        ModelError: the compiler does not support the model.

    >>> model = plansim.load_model("lake.mdl")
    >>> (decided,) = plansim.deciding_unknowns(model, "boats.yaml")
    >>> decided.target, decided.share
    ('F1', 0.6)
    """
    members = load_ensemble(model) if ensemble is None else ensemble
    judged = studied_targets(model, targets)
    found = []
    for scenario in scenarios_of(model, scenarios):
        evaluation = evaluate_members(model, scenario, judged, members, threads)
        for target in judged:
            verdicts = evaluation[target.id]
            margins, met = verdicts.least_margin, PART_MET[verdicts.status]
            sound = np.isfinite(met) & np.isfinite(margins)
            if sound.any():
                unknowns = tuple(_unknowns(members, sound, margins[sound], met[sound]))
                about = scenario.id, target.id, target.name_en, target.name_zh
                found.append(DecidedTarget(*about, float(met[sound].mean()), unknowns))
    return DecidedTargets(found)


def _unknowns(
    members: Members, sound: np.ndarray, margins: FloatArray, met: FloatArray
) -> Iterator[DecidingUnknown]:
    """Yield the factors that decide a target, from its margins and verdicts: ``(member,)``."""
    from scipy.stats import rankdata

    values = members.values[sound]
    left, ranks = _standard(rankdata(margins)), _standard(rankdata(values, axis=0))
    least = _largest_by_chance(*values.shape)
    unexplained = 1.0
    for _ in range(MOST):
        correlations = np.nan_to_num(left @ ranks / len(left))
        largest = float(np.abs(correlations).max(initial=0.0))
        if largest < least or unexplained * largest**2 < SMALLEST:
            return
        place = int(np.abs(correlations).argmax())
        correlation = float(correlations[place])
        factor = members.factors[place]
        high = _upper_half(values[:, place])
        yield DecidingUnknown(
            factor.name,
            factor.constants,
            correlation,
            unexplained * correlation**2,
            float(met[~high].mean()),
            float(met[high].mean()),
        )
        unexplained *= 1 - correlation**2
        column = ranks[:, place].copy()
        left = _standard(left - correlation * column)
        ranks = _standard(ranks - np.outer(column, column @ ranks / len(column)))
        ranks[:, place] = 0.0


def _upper_half(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which of the values are in the upper half, equal ones on one side: ``(member,)``.

    Dates take few values, so that one half may be smaller than the other; neither is empty.

    >>> _upper_half(np.array([2007.0, 2007.0, 2006.5, 2007.0, 2006.0]))
    array([ True,  True, False,  True, False])
    """
    distinct, sizes = np.unique(values, return_counts=True)
    below = np.cumsum(sizes)[:-1]
    return np.asarray(values > distinct[np.abs(below - len(values) / 2).argmin()])


def _largest_by_chance(members: int, factors: int) -> float:
    """Return the correlation that no factor, if none has an effect, is likely to exceed."""
    if members < 3 or not factors:
        return math.inf
    return NormalDist().inv_cdf(1 - CHANCE / (2 * factors)) / math.sqrt(members - 1)


def _standard(table: FloatArray) -> FloatArray:
    """Return columns with a mean of 0 and a variance of 1; zeros where nothing varies."""
    table = table - table.mean(axis=0)
    size = table.std(axis=0)
    return np.asarray(table / np.where(size > 1e-9, size, np.inf), np.float64)
