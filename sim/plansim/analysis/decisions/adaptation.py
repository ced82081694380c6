"""What an adaptive policy gains over the same policy without its rules.

::

    gain = adaptation(model, "baseline")
    gain.pair.share_difference, [(one.of, one.difference) for one in gain.effort]

A rule of the model adds to what is done where something published falls behind its goal. The
overlay that `decision.yaml` names under ``responses`` takes the rules out of any scenario; both run
under the same members.

Reference: W. E. Walker, S. A. Rahman, J. Cave, Adaptive policies, policy analysis, and
policy-making, European Journal of Operational Research 128 (2001) 282-289.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from plansim.analysis.decisions.robustness import PolicyPair, PolicyRobustness, robustness
from plansim.analysis.decisions.sample import states_of
from plansim.analysis.decisions.signposts import Signpost, signposts
from plansim.analysis.evaluator import Evaluator, Progress, Request, processors
from plansim.analysis.optimization.problem import FILE_NAME, Responses, read_frontier_spec
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import LIMIT, Members
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target, binding_targets, split_reference
from plansim.targets.views import names_of
from plansim.targets.views_file import load_views

__all__ = ["Adaptation", "EffortOfRules", "MidtermReview", "adaptation", "midterm_review"]


@dataclass(frozen=True)
class EffortOfRules:
    """How much more is done by the rules, in the mean over members and years."""

    of: str
    """The series."""
    name_en: str
    name_zh: str
    unit: str
    without: float
    within: float
    """With the rules."""
    error: float
    """The standard error of the difference, member by member."""

    @property
    def difference(self) -> float:
        """By how much more is done with the rules."""
        return self.within - self.without


@dataclass(frozen=True)
class Adaptation:
    """An adaptive policy against the same without its rules."""

    without: PolicyRobustness
    within: PolicyRobustness
    """With the rules."""
    pair: PolicyPair
    """The difference of the two, member by member."""
    named: tuple[str, ...]
    """Targets of the named set."""
    effort: tuple[EffortOfRules, ...]
    members: int


@dataclass(frozen=True)
class MidtermReview:
    """What a mid-term review would have to look at, and what it is worth to answer to it."""

    signposts: tuple[Signpost, ...]
    adaptation: Adaptation | None
    """None where the model has no rules by which the policy adapts."""


def midterm_review(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    targets: Sequence[Target] | None = None,
    *,
    named: Sequence[str] | None = None,
    by: int | None = None,
    members: Members | int | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> MidtermReview:
    """Return what statistics foretell, and what rules that answer to them gain.

    Args:
        model: the model.
        scenario: the policy with its rules.
        targets: by default the catalogue beside the model.
        named: ids of the only targets that are asked about; by default the binding ones, and for
            what the rules gain as for `robustness`.
        by: the last year of the statistics, as for `signposts`.
        members: states of the world, as for `robustness`.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many steps are done, of how many.

    Raises:
        InputError: as for `signposts`.
        ModelError: the compiler does not support the model.

    >>> review = plansim.midterm_review(plansim.load_model("lake.mdl"), "boats.yaml", members=64)
    >>> review.signposts[0].statistic, review.adaptation
    ('catch', None)
    """
    chosen = scenario_of(model, scenario)
    every = load_targets(model=model) if targets is None else targets
    states = states_of(model, members, threads=threads, progress=progress)
    asked = every if named is None else [target for target in every if target.id in named]
    return MidtermReview(
        signposts(model, chosen, asked, by=by, members=states, threads=threads),
        adaptation(
            model,
            chosen,
            every,
            named=named,
            members=states,
            threads=threads,
            progress=progress,
        ),
    )


def adaptation(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    targets: Sequence[Target] | None = None,
    *,
    named: Sequence[str] | None = None,
    members: Members | int | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Adaptation | None:
    """Return what the rules of an adaptive policy gain in targets met, and take in effort.

    Args:
        model: the model; ``responses`` of ``decision.yaml`` beside it takes the rules out.
        scenario: the policy with its rules.
        targets: by default the catalogue beside the model.
        named: ids of the targets that a policy should hold; by default as for `robustness`.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many steps are done, of how many: draws, then scenarios run.

    Returns:
        None where no rule is declared, or the scenario has them out already.

    Raises:
        InputError: a file is at fault.
        ModelError: the compiler does not support the model.

    >>> plansim.adaptation(plansim.load_model("lake.mdl"), "boats.yaml") is None
    True
    """
    chosen = scenario_of(model, scenario)
    responses = _responses(model, chosen)
    if responses is None:
        return None
    values = {**chosen.values, **responses.overlay.values}
    if values == chosen.values:
        return None
    rigid = replace(chosen, id=f"{chosen.id}+{responses.overlay.id}", values=values)
    wanted = binding_targets(load_targets(model=model) if targets is None else targets)
    states = states_of(model, members, threads=threads, progress=progress)
    result = robustness(
        model,
        [rigid, chosen],
        named=named,
        members=states,
        targets=wanted,
        threads=threads,
        progress=progress,
    )
    first = math.floor(chosen.time.initial)
    last = max((target.year for target in wanted if target.year), default=first + 1)
    years = tuple(range(first + 1, last + 1))
    series = tuple(responses.effort)
    done = [_done(model, one, series, years, states, threads) for one in (rigid, chosen)]
    without, within = result.policies
    (pair,) = result.pairs
    return Adaptation(
        without,
        within,
        pair,
        result.named,
        tuple(_effort(model, of, *(one[:, at] for one in done)) for at, of in enumerate(series)),
        result.members,
    )


def _responses(model: Model, scenario: Scenario) -> Responses | None:
    """Return what takes the rules out, if a file beside the model says so."""
    if not model.path.with_name(FILE_NAME).is_file():
        return None
    return read_frontier_spec(model, load_views(model), scenario=scenario).responses


def _done(
    model: Model,
    scenario: Scenario,
    series: tuple[str, ...],
    years: tuple[int, ...],
    members: Members,
    threads: int | None,
) -> FloatArray:
    """Return the mean of each series over years: ``(member, series)``; NaN in a failed run."""
    names, constants = members.constants_under(model, scenario)
    request = Request(outputs=series, years=years)
    evaluator = Evaluator(model, scenario, names, request, shared=True, limit=LIMIT)
    seeds = np.arange(len(members), dtype=np.float64)
    outputs = evaluator.evaluate(constants, threads or processors(), seeds).outputs
    return np.asarray(outputs.mean(axis=2))


def _effort(model: Model, of: str, without: FloatArray, within: FloatArray) -> EffortOfRules:
    sound = np.isfinite(without) & np.isfinite(within)
    more = (within - without)[sound]
    name, elements = split_reference(of)
    variable = model.variables[name]
    english, chinese = names_of(model, variable, elements)
    return EffortOfRules(
        of,
        english,
        chinese,
        variable.unit,
        float(without[sound].mean()),
        float(within[sound].mean()),
        float(more.std(ddof=1) / math.sqrt(len(more))) if len(more) > 1 else math.nan,
    )
