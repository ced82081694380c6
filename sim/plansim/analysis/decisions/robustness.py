"""How robust policies are: what they meet over plausible models, and what they forgo.

::

    result = robustness(model, ["baseline", "green-transition"])
    result.policies[0].named_share

A policy is a scenario; states of the world are members of an ensemble, the same for all policies,
so that differences between policies are taken member by member.

References: J. D. Herman, P. M. Reed, H. B. Zeff, G. W. Characklis, How should robustness be defined
for water systems planning under change? Journal of Water Resources Planning and Management 141
(2015) 04015012 (satisficing and regret); L. J. Savage, The theory of statistical decision, Journal
of the American Statistical Association 46 (1951) 55-67 (regret).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plansim.analysis.decisions.member_states import states_of
from plansim.analysis.ensemble import NORMAL, evaluate_members, wilson
from plansim.analysis.evaluator import Progress
from plansim.analysis.optimization.problem import parts_met, scale_of
from plansim.errors import InputError, Message
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model, several
from plansim.scenario.factors import Apply, FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, scenario_of, with_shipped
from plansim.targets.catalogue import binding_targets_of
from plansim.targets.target import Target

__all__ = [
    "PolicyPair",
    "PolicyRobustness",
    "Regret",
    "Robustness",
    "columns_of",
    "named_targets",
    "robustness",
    "standard_error",
]

REACHABLE = 0.05
"""Minimum share of members in which some shipped scenario meets a target of the named set."""
UPPER = 0.9
"""The upper quantile of regret."""


@dataclass(frozen=True)
class Regret:
    """What is forgone against the best of the compared policies in each member."""

    mean: float
    upper: float
    """The 90th percentile over members."""
    largest: float


@dataclass(frozen=True)
class PolicyRobustness:
    """What a policy comes to over members."""

    policy: str
    """The id of the scenario."""
    title_en: str
    title_zh: str
    mean_met: float
    """Mean number of the binding targets that are met; undecided ones count as half."""
    mean_met_error: float
    """Its standard error."""
    met: Mapping[str, float]
    """By binding target the share of members that meet it."""
    named_share: float
    """Share of members in which every target of the named set is met; one in which none is missed
    and some are undecided counts as half."""
    named_low: float
    named_high: float
    """Ends of Wilson's 95 % interval of it."""
    all_share: float
    """The same of all binding targets."""
    distance: float | None
    """Of the nearest member that misses a target of the named set, from the model as it is: the
    root of the mean square of its changes, each in standard deviations over the members. None if
    no member does."""
    regret_targets: Regret
    """In binding targets met."""
    forgone: Mapping[str, float]
    """By binding target the mean regret in it alone: the share of members in which another of the
    policies meets the target and this one does not."""
    beaten_by: Mapping[str, float]
    """By other policy the share of members in which it meets more targets; the most often first."""
    regret_margin: Regret
    """In the mean margin of the named set, each target's as a part of its value, and none above
    zero: what one target has to spare does not make up for what another lacks."""


@dataclass(frozen=True)
class PolicyPair:
    """Two policies compared member by member."""

    first: str
    second: str
    difference: float
    """By how many binding targets more the second meets, in the mean over members."""
    error: float
    """Its standard error."""
    share_difference: float
    """By how much its share of members is larger in which the named set holds."""
    share_error: float

    @property
    def is_tie(self) -> bool:
        """Whether neither difference is beyond what sampling explains, at 95 %."""
        return (
            abs(self.difference) <= NORMAL * self.error
            and abs(self.share_difference) <= NORMAL * self.share_error
        )


@dataclass(frozen=True)
class Robustness(Tabular):
    """Policies compared over members.

    As a table: a row for each policy; distances are in standard deviations, regrets those of the
    90th percentile, in targets and as a part of their values; a column for each binding target has
    the share of members that meet it.
    """

    policies: tuple[PolicyRobustness, ...]
    pairs: tuple[PolicyPair, ...]
    """Each pair of policies, in the order given."""
    named: tuple[str, ...]
    """The targets of the named set."""
    binding: tuple[str, ...]
    members: int
    """Number of members that are sound under every policy."""
    unsound: int

    def _table(self) -> Table:
        columns = ("policy", "title_en", "title_zh", "mean_met", "mean_met_error", "named_share",
                   "named_low", "named_high", "all_share", "distance")  # fmt: skip
        rows = [
            (*(getattr(policy, name) for name in columns), policy.regret_targets.upper,
             policy.regret_margin.upper, *policy.met.values())
            for policy in self.policies
        ]  # fmt: skip
        return (*columns, "regret_targets", "regret_margin", *self.binding), rows


def robustness(
    model: Model,
    policies: Sequence[Scenario | str | Path],
    *,
    named: Sequence[str] | None = None,
    members: Members | int | None = None,
    targets: Sequence[Target | str] | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Robustness:
    """Compare policies over the members of an ensemble.

    Args:
        model: the model.
        policies: scenarios, at least one.
        named: ids of the targets that a policy should hold; by default `named_targets`.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        targets: records or ids; by default the catalogue beside the model.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many steps are done, of how many: draws, then scenarios run.

    Raises:
        InputError: a scenario or the ensemble is at fault, a policy is given twice, a named target
            is not binding, or no member is sound.
        ModelError: the compiler does not support the model.

    >>> model = plansim.load_model("lake.mdl")
    >>> result = plansim.robustness(model, [plansim.as_written(model), "boats.yaml"])
    >>> [(policy.policy, policy.mean_met) for policy in result.policies]
    [('as-written', 1.0), ('boats', 0.6)]
    >>> result.frame()[["policy", "mean_met", "F1"]]
           policy  mean_met   F1
    0  as-written       1.0  1.0
    1       boats       0.6  0.6
    """
    chosen = [scenario_of(model, policy) for policy in several(policies)]
    ids = [one.id for one in chosen]
    if twice := [name for name in ids if ids.count(name) > 1]:
        raise InputError("the policy '{name}' is given twice", name=twice[0])
    wanted = binding_targets_of(model, targets)
    states = states_of(model, members, threads=threads, progress=progress)
    if named is None:
        named = named_targets(model, states, wanted, threads, progress)
    columns = columns_of(named, wanted)
    met, margins = _judged(model, chosen, wanted, states, threads, progress)
    sound = np.isfinite(met).all(axis=(0, 2))
    if not sound.any():
        raise InputError("no member is sound under every policy")
    met = met[:, sound]
    counts, holds = met.sum(axis=2), met[:, :, columns].min(axis=2, initial=1.0)
    short = np.minimum(margins[:, sound][:, :, columns], 0.0)
    short = short.mean(axis=2) if columns else np.zeros(counts.shape)
    distances = _distances(states)[sound]
    low, high = wilson(holds.sum(axis=1), np.full(len(ids), holds.shape[1], np.float64))
    return Robustness(
        tuple(
            PolicyRobustness(
                scenario.id,
                scenario.title_en,
                scenario.title_zh,
                float(counts[row].mean()),
                standard_error(counts[row]),
                _by_target(wanted, met[row]),
                float(holds[row].mean()),
                float(low[row]),
                float(high[row]),
                float(met[row].min(axis=1).mean()),
                min(distances[holds[row] == 0].tolist(), default=None),
                _regret(counts.max(axis=0) - counts[row]),
                _by_target(wanted, met.max(axis=0) - met[row]),
                _beaten_by(ids, counts, row),
                _regret(short.max(axis=0) - short[row]),
            )
            for row, scenario in enumerate(chosen)
        ),
        tuple(
            PolicyPair(
                ids[first],
                ids[second],
                float((counts[second] - counts[first]).mean()),
                standard_error(counts[second] - counts[first]),
                float((holds[second] - holds[first]).mean()),
                standard_error(holds[second] - holds[first]),
            )
            for first, second in itertools.combinations(range(len(ids)), 2)
        ),
        tuple(named),
        tuple(target.id for target in wanted),
        int(sound.sum()),
        int((~sound).sum()),
    )


def _by_target(targets: Sequence[Target], parts: FloatArray) -> dict[str, float]:
    """Return means over members of what is given by ``(member, target)``."""
    return {target.id: float(parts[:, column].mean()) for column, target in enumerate(targets)}


def _beaten_by(ids: Sequence[str], counts: FloatArray, row: int) -> dict[str, float]:
    more = dict(zip(ids, (counts > counts[row]).mean(axis=1).tolist(), strict=True))
    del more[ids[row]]
    return dict(sorted(more.items(), key=lambda item: -item[1]))


def _regret(values: FloatArray) -> Regret:
    return Regret(float(values.mean()), float(np.quantile(values, UPPER)), float(values.max()))


def standard_error(values: FloatArray) -> float:
    """Return the standard error of a mean; NaN of a single value."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan


def columns_of(named: Sequence[str], targets: Sequence[Target]) -> list[int]:
    """Return the positions of the targets of a named set among all.

    Raises:
        InputError: one is not among them.
    """
    ids = [target.id for target in targets]
    if unknown := [name for name in several(named) if name not in ids]:
        expected = Message("one of {names}", names=tuple(ids))
        raise InputError("'{name}' is not a binding target", expected=expected, name=unknown[0])
    return [ids.index(name) for name in several(named)]


def named_targets(
    model: Model,
    members: Members,
    targets: Sequence[Target],
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> tuple[str, ...]:
    """Return the targets that some shipped scenario meets in at least 5 of 100 members.

    Of a model that no scenario is shipped with, all.
    """
    stories = with_shipped([], model)
    if not stories:
        return tuple(target.id for target in targets)
    met, _ = _judged(model, stories, targets, members, threads, progress)
    shares = np.nanmean(met, axis=1).max(axis=0, initial=0.0)
    return tuple(t.id for t, share in zip(targets, shares, strict=True) if share >= REACHABLE)


def _judged(
    model: Model,
    policies: Sequence[Scenario],
    targets: Sequence[Target],
    members: Members,
    threads: int | None,
    progress: Progress,
) -> tuple[FloatArray, FloatArray]:
    """Return how far targets are met, and their margins as parts of their values.

    Both ``(policy, member, target)``, NaN where a run breaks down.
    """
    met, margins = [], []
    scales = [scale_of(target) for target in targets]
    for done, policy in enumerate(policies):
        progress(done, len(policies))
        evaluation = evaluate_members(model, policy, targets, members, threads, stop_early=True)
        met.append(parts_met(evaluation, targets))
        margins.append(evaluation.least_margins(targets) / scales)
    return np.stack(met), np.stack(margins)


def _distances(members: Members) -> FloatArray:
    """Return how far members are from the model as it is, in standard deviations: ``(member,)``."""
    neutral = [1.0 if factor.apply is Apply.MULTIPLY else 0.0 for factor in members.factors]
    spread = members.values.std(axis=0)
    moved = spread > 0
    if not moved.any():
        return np.zeros(len(members))
    changes = (members.values - neutral)[:, moved] / spread[moved]
    return np.asarray(np.sqrt((changes**2).mean(axis=1)))
