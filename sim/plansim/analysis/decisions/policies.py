"""Policies of which none is better than another in every aim, found inside the uncertainty.

::

    result = policies(model, "baseline", aims=["growth", "met", "effort"])
    result.points[0].values

Every candidate is judged over the same members, which are replaced by others every few generations,
so that no policy is chosen for the members that it was judged by. Candidates that differ by less
than a step (epsilon) in every aim count as one. In the end all are judged again over members that
were never used, and the result says how much worse they are there. Searches are kept in the cache:
one that was interrupted goes on when the same is asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from plansim.analysis.decisions.member_states import Purpose, states_of
from plansim.analysis.decisions.policy_search import (
    RENEWAL,
    STEPS,
    Aim,
    PolicyProblem,
    PolicySearch,
    hypervolume,
    nondominated,
    thinned,
)
from plansim.analysis.decisions.robustness import columns_of, named_targets
from plansim.analysis.ensemble import study_key
from plansim.analysis.evaluator import Progress, processors
from plansim.analysis.optimization.decision_form import read_frontier_spec
from plansim.analysis.optimization.levers import lever_of
from plansim.analysis.optimization.problem import DecisionProblem, decision_problem
from plansim.errors import InputError, Message, Option, check_counts
from plansim.files.notebook import Table, Tabular
from plansim.files.shipped import is_shipped
from plansim.model.records import Model, several
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import (
    BilingualText,
    Scenario,
    ScenarioKind,
    scenario_of,
    scenario_text,
    with_shipped,
)
from plansim.targets.catalogue import binding_targets_of
from plansim.targets.indicator import Measure
from plansim.targets.target import indicator_of
from plansim.targets.views import Lever
from plansim.targets.views_file import load_views

__all__ = ["PolicyPoint", "PolicySet", "at_equal_growth", "policies", "policy_text"]


@dataclass(frozen=True)
class PolicyPoint:
    """A policy of the set, or one that it is compared with."""

    name: str
    """The id of a scenario; empty for a policy that was found."""
    values: Mapping[str, float]
    """By the id of a lever, in its unit."""
    constants: Mapping[str, float]
    """The constants that it sets, ``name`` or ``name[e1,e2]``; of levers that are moved alone."""
    aims: Mapping[str, float]
    """Means over members that were not used in the search."""
    met: Mapping[str, float]
    """By binding target, the share of members that meet it, of those not used in the search."""


@dataclass(frozen=True)
class PolicySet(Tabular):
    """Policies of which none is better than another in every aim.

    As a table: a row for each policy by its number, then the scenario as it is and those shipped;
    columns for the aims, the settings of the levers, and the share of members that meet each
    target.
    """

    scenario: Scenario
    levers: tuple[Lever, ...]
    aims: tuple[Aim, ...]
    named: tuple[str, ...]
    points: tuple[PolicyPoint, ...]
    """By the first aim, the best first."""
    start: PolicyPoint
    """The scenario as it is."""
    shipped: tuple[PolicyPoint, ...]
    """The shipped scenarios over the same members; their effort is that of the levers alone."""
    hypervolumes: FloatArray = field(repr=False)
    """``(seed, generation)``: what the set dominates, as a part of the box between the worst and
    the best that any candidate reached."""
    members: int
    """Number of members that candidates were judged by at a time."""
    fresh: int
    """Number of members that were not used in the search."""
    runs: int
    drop: Mapping[str, float]
    """By aim, how much worse what the searches found is in the mean over members not used there."""

    def _table(self) -> Table:
        ids = [lever.id for lever in self.levers]
        numbered = [(str(number), point) for number, point in enumerate(self.points, 1)]
        given = {point.name or self.scenario.id: point for point in (self.start, *self.shipped)}
        rows = [
            (
                name,
                *(point.aims[aim] for aim in self.aims),
                *(point.values.get(id_) for id_ in ids),
                *point.met.values(),
            )
            for name, point in (*numbered, *given.items())
        ]
        return ("policy", *(aim.value for aim in self.aims), *ids, *self.start.met), rows

    def _named(self) -> Mapping[str, tuple[str, str]]:
        return {lever.id: (lever.name_zh, lever.unit) for lever in self.levers}


def policies(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    aims: Sequence[Aim | str] = (Aim.GROWTH, Aim.MET, Aim.EFFORT),
    *,
    levers: Sequence[str | Lever] | None = None,
    without: Sequence[str] = (),
    named: Sequence[str] | None = None,
    cost: str = "",
    seeds: int = 5,
    generations: int = 60,
    members: int = 100,
    fresh: int = 500,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> PolicySet:
    """Find the policies of which none is better than another in every aim.

    Args:
        model: the model.
        scenario: about which levers are moved; by default that of ``decision.yaml``.
        aims: two or more.
        levers: by default those of ``decision.yaml`` beside the model, of growth and of targets.
        without: levers that are not moved, of those.
        named: ids of the targets of `Aim.SHARE`; by default `robustness.named_targets`.
        cost: the series of `Aim.COST`.
        seeds: number of searches, whose sets are joined.
        generations: of each search.
        members: number of members that candidates are judged by at a time.
        fresh: number of members, never used, that the set is judged by in the end.
        seed: of the random numbers of the first search.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many draws of members are made, then how many generations.

    Raises:
        InputError: an aim or a lever is unknown, or no candidate runs.
        ModelError: the compiler does not support the model.

    >>> model = plansim.load_model("lake.mdl")
    >>> few = {"seeds": 1, "generations": 4, "members": 16, "fresh": 32}
    >>> result = plansim.policies(model, aims=["growth", "met"], **few)
    >>> len(result.points) > 0, [lever.id for lever in result.levers]
    (True, ['effort', 'growth rate'])
    >>> list(result.frame().columns)
    ['policy', 'growth', 'met', 'effort', 'growth rate', 'F1']
    """
    check_counts(seeds=seeds, generations=generations, members=members, fresh=fresh)
    check_counts(0, seed=seed)
    chosen = _aims(aims, cost)
    views = load_views(model)
    spec = read_frontier_spec(model, views)
    base = spec.scenario if scenario is None else scenario_of(model, scenario)
    resolved = partial(lever_of, model)
    moved = _left(
        [resolved(one) for one in several(levers or spec.levers)], map(resolved, several(without))
    )
    wanted = binding_targets_of(model, None)
    year = max((target.year or 0) for target in wanted)
    first = int(base.time.initial)
    indicators = [indicator_of(model, spec.growth, Measure.GROWTH, first, year)]
    if cost:
        indicators.append(indicator_of(model, cost, Measure.SUM, first, year))
    count = members * (1 + generations // RENEWAL)
    purpose = Purpose.SEARCH_FOR_POLICIES
    pool = states_of(model, count, purpose=purpose, threads=threads, progress=progress)
    if named is None:
        ensemble = states_of(model, None)
        named = named_targets(model, ensemble, wanted, threads)
    problem_of = partial(
        decision_problem,
        model,
        levers=moved,
        targets=wanted,
        indicators=indicators,
        threads=threads or processors(),
    )
    space = problem_of(base, members=pool, coarse=True)
    problem = PolicyProblem(space, chosen, columns_of(named, wanted), members)
    asked = chosen, moved, wanted, named, indicators, members, generations, pool.head
    searches = []
    for number in range(seeds):

        def tell(done: int, _: int, first: int = number * generations) -> None:
            progress(first + done, seeds * generations)

        key = study_key(model, base, *asked, seed + number)
        searches.append(problem.search(seed + number, generations, key, tell))
    never_used = states_of(model, fresh, purpose=Purpose.TEST_OF_POLICIES, threads=threads)
    again = replace(problem, space=problem_of(base, members=never_used))
    others = {
        one.id: problem_of(one, members=never_used, shared=True)
        for one in with_shipped([], model)
        if one.id != base.id
    }
    return _joined(again, problem, searches, others, named)


def at_equal_growth(
    result: PolicySet,
) -> Iterator[tuple[PolicyPoint, PolicyPoint | None]]:
    """Yield scenarios, each with the policy that grows no more slowly and is best in targets.

    That is the one with the largest share, or number of targets met where share is no aim; None
    where no policy grows as fast. Without an aim of growth, or of targets, none is yielded.
    """
    aim = next((aim for aim in (Aim.SHARE, Aim.MET) if aim in result.aims), None)
    if aim is None or Aim.GROWTH not in result.aims:
        return
    for scenario in (result.start, *result.shipped):
        least = scenario.aims[Aim.GROWTH] - STEPS[Aim.GROWTH]
        fast = [point for point in result.points if point.aims[Aim.GROWTH] >= least]
        yield scenario, max(fast, key=lambda point: point.aims[aim], default=None)


def policy_text(result: PolicySet, number: int) -> str:
    """Return a policy of a set as a scenario file, whose parent is the scenario of the set.

    Its title says what it comes to in each aim.

    Args:
        result: the set.
        number: which of `PolicySet.points`.

    >>> model = plansim.load_model("lake.mdl")
    >>> few = {"seeds": 1, "generations": 4, "members": 16, "fresh": 32}
    >>> text = plansim.policy_text(plansim.policies(model, aims=["growth", "met"], **few), 0)
    >>> "effort" in text
    True
    """
    point, scenario = result.points[number], result.scenario
    figures = ", ".join(f"{aim} {value:.3g}" for aim, value in point.aims.items())
    title = BilingualText(f"Policy {number + 1}: {figures}", f"政策{number + 1}：{figures}")
    description = BilingualText(
        f"Found by a search over the levers of “{scenario.title_en}”; what it comes to is over "
        "plausible models that the search never used, with all levers as set in each of them.",
        f"以“{scenario.title_zh}”为基础，由决策变量搜索得出；数值取自未用于搜索的合理模型，"
        "各变量在其中均取设定值。",
    )
    path = scenario.path
    parent = "" if path is None else path.stem if is_shipped(path) else str(path.resolve())
    return scenario_text(
        title, description, point.constants, kind=ScenarioKind.POLICY, parent=parent
    )


def _aims(aims: Sequence[Aim | str], cost: str) -> tuple[Aim, ...]:
    chosen = tuple(dict.fromkeys(Aim(aim) for aim in several(aims)))
    if len(chosen) < 2:
        raise InputError("a set of policies needs two aims or more")
    if (Aim.COST in chosen) != bool(cost):
        raise InputError("the aim 'cost' and the series that counts it go together")
    return chosen


def _left(levers: Sequence[Lever], without: Iterable[Lever]) -> tuple[Lever, ...]:
    """Return the levers that may be moved without some of them."""
    left = {lever.id: lever for lever in levers}
    for dropped in without:
        if left.pop(dropped.id, None) is None:
            message = Message("'{name}' is not moved anyway", name=dropped.id)
            expected = Message("one of {names}", names=tuple(left))
            raise InputError(message, Option.WITHOUT, expected=expected)
    if not left:
        raise InputError("no lever is left that may be moved")
    return tuple(left.values())


# --- result ---


def _joined(
    again: PolicyProblem,
    problem: PolicyProblem,
    searches: Sequence[PolicySearch],
    others: Mapping[str, DecisionProblem],
    named: Sequence[str],
) -> PolicySet:
    """Join the sets of all searches, and judge them and other scenarios ``again``."""
    space = again.space
    positions = np.vstack([search.positions for search in searches])
    aims = np.vstack([search.aims for search in searches])
    kept = thinned(aims, problem.steps)
    positions, aims = np.vstack([space.start, positions[kept]]), aims[kept]
    judged = space.judge(positions)
    anew = again.aims_of(positions, judged)
    start, *points = map(partial(_point, again), positions, anew, judged.met)
    # Over other members some may be worse than another in every aim.
    left = np.flatnonzero(nondominated(anew[1:]))
    left = left[np.argsort(-anew[1 + left, 0], kind="stable")]
    shipped = []
    for name, other in others.items():
        position = space.positions(other.present)
        as_it_is = other.judge(other.start[None])
        point = _point(again, position, again.aims_of(position[None], as_it_is)[0], as_it_is.met[0])
        shipped.append(replace(point, name=name, constants={}))
    return PolicySet(
        space.scenario,
        space.levers,
        again.aims,
        tuple(named),
        tuple(points[row] for row in left),
        replace(start, name=space.scenario.id),
        tuple(shipped),
        _hypervolumes(searches),
        again.members,
        len(space.states),
        sum(search.runs for search in searches),
        dict(zip(again.aims, (aims - anew[1:]).mean(axis=0).tolist(), strict=True)),
    )


def _point(
    problem: PolicyProblem, position: FloatArray, aims: FloatArray, met: FloatArray
) -> PolicyPoint:
    space = problem.space
    values = space.values(position[None])[0].tolist()
    shares = np.nanmean(met, axis=0).tolist()
    return PolicyPoint(
        "",
        {lever.id: value for lever, value in zip(space.levers, values, strict=True)},
        space.moved(position),
        {aim.value: float(aim.sign * value) for aim, value in zip(problem.aims, aims, strict=True)},
        {target.id: share for target, share in zip(space.targets, shares, strict=True)},
    )


def _hypervolumes(searches: Sequence[PolicySearch]) -> FloatArray:
    """Return the hypervolume of each search by generation: ``(seed, generation)``."""
    everything = np.vstack([front for search in searches for front in search.fronts])
    worst, best = everything.min(axis=0), everything.max(axis=0)
    width = np.where(best > worst, best - worst, 1.0)
    return np.array(
        [
            [hypervolume((front - worst) / width, np.full(len(worst), -1e-9)) for front in s.fronts]
            for s in searches
        ]
    )
