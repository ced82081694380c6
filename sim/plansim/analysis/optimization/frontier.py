"""The frontier of growth: the highest growth at which all binding targets hold.

Growth is the mean rate of a series from the first year to a year Y; to hold to Y, a target must be
met in every year from its own to Y. Margins are scaled by their standard deviation over what is
uncertain, so that they compare, and so that the policy whose smallest margin is largest is near to
the one that is surest to hold them all.

Where no policy in the levers' ranges holds all targets, the result says which never hold and which
conflict with the others; the frontier is then that of the others. Policies on the Pareto front of
growth and smallest margin are judged again over draws of everything uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plansim.analysis.ensemble import load_ensemble, read_ensemble_head
from plansim.analysis.evaluator import Progress, processors
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.optimization.decision_form import FrontierSpec, read_frontier_spec
from plansim.analysis.optimization.evolution import Points, sample
from plansim.analysis.optimization.frontier_search import JUST_MET, FrontierSearch
from plansim.analysis.optimization.problem import DecisionProblem, decision_problem
from plansim.analysis.optimization.slp import FAILED, finite
from plansim.errors import InputError
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model
from plansim.scenario.factors import Apply, Factor, FloatArray
from plansim.scenario.members import EnsembleKind
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import targets_of
from plansim.targets.indicator import Measure
from plansim.targets.target import Target, binding_targets, indicator_of
from plansim.targets.views_file import load_views

__all__ = ["DRAWS", "Alone", "Frontier", "Horizon", "Policy", "frontier", "growth_problem"]

DRAWS = 1024
LEVELS = 9
"""Growth rates on the Pareto front."""
AS_TIGHT = 0.01
"""Scaled margins that differ by no more are equally tight."""


@dataclass(frozen=True)
class Policy:
    """Values of all levers, and what they lead to where nothing is uncertain."""

    values: tuple[float, ...]
    """By lever, in its unit."""
    growth: float
    """Mean rate, a fraction a year."""
    margins: Mapping[str, float]
    """By target, the smallest of the years in which it must hold, in its unit."""
    tight: tuple[str, ...]
    """Ids of the targets with the smallest scaled margin, of those that are to hold: several where
    the policy balances them."""
    worst_margin: float
    """The smallest scaled margin."""
    chance: float = math.nan
    """P(all kept hold), the share of the draws; NaN if nothing is uncertain."""
    median: float = math.nan
    """Median growth over the draws."""


@dataclass(frozen=True)
class Alone:
    """What one target asks of growth, all others left aside."""

    target: Target
    spread: float
    """The standard deviation of its margin as things are, in its unit."""
    present: float
    """Its margin as things are."""
    best: float
    """The largest margin of all policies evaluated, at any growth; NaN if all break down."""
    growth: float
    """The highest growth of the policies evaluated at which it holds; NaN if it never does."""


@dataclass(frozen=True)
class Horizon:
    """The frontier to one year."""

    year: int
    growth_present: float
    growth_range: tuple[float, float]
    """The lowest and the highest growth of all policies evaluated."""
    alone: tuple[Alone, ...]
    never: tuple[str, ...]
    """Ids of targets that no policy evaluated holds, whatever the growth."""
    conflicting: tuple[str, ...]
    """Ids of targets left out since they and the others were not found to hold together."""
    kept: tuple[str, ...]
    """Ids of the targets whose frontier this is."""
    highest: Policy | None
    """The highest growth at which all of these hold; None if there are none."""
    binding: tuple[str, ...]
    """Ids of the targets that are just met there, and so limit growth."""
    searches: tuple[float, ...]
    """The growth at which each search, from other random points, ended."""
    front: tuple[Policy, ...]
    """At rising growth, the policies whose smallest margin is largest: negative beyond the
    frontier."""


@dataclass(frozen=True)
class Frontier(Tabular):
    """How far growth may go.

    As a table: a row for each policy on the front to a year; ``growth`` a fraction a year,
    ``tight`` the targets that limit it, columns for the settings of the levers.
    """

    spec: FrontierSpec
    targets: tuple[Target, ...]
    present: tuple[float, ...]
    """By lever, in its unit: no change, for one that adds or multiplies."""
    horizons: tuple[Horizon, ...]
    draws: int
    """0 if nothing is uncertain."""

    def _table(self) -> Table:
        rows = [
            (horizon.year, one.growth, ", ".join(one.tight), one.worst_margin, one.chance,
             one.median, *one.values)
            for horizon in self.horizons
            for one in horizon.front
        ]  # fmt: skip
        columns = ("year", "growth", "tight", "worst_margin", "chance", "median")
        return (*columns, *self._named()), rows

    def _named(self) -> Mapping[str, tuple[str, str]]:
        return {lever.id: (lever.name_zh, lever.unit) for lever in self.spec.levers}


def frontier(
    model: Model,
    spec: FrontierSpec | str | Path | None = None,
    targets: Sequence[Target | str] | None = None,
    *,
    scenario: Scenario | str | Path | None = None,
    draws: int = DRAWS,
    levels: int = LEVELS,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Frontier:
    """Return the highest growth at which all binding targets hold, to each year asked for.

    Args:
        model: the model.
        spec: the series, the years, the levers, and what is uncertain; or the path of a file that
            states them, by default ``decision.yaml`` beside the model.
        targets: records or ids, by default those of the catalogue beside the model; those that are
            binding, and that the scenario does not assume, must hold.
        scenario: takes the place of the one that the file names.
        draws: of what is uncertain, at most; conditioned members beside the model go before.
        levels: growth rates on the Pareto front.
        threads: by default as many as there are processors.
        progress: is told how many steps of how many are done.

    Raises:
        InputError: no binding target is judged, or a lever decides on the shape of the code.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.

    >>> reached = plansim.frontier(plansim.load_model("lake.mdl"), draws=64, levels=2)
    >>> reached.spec.growth, [horizon.year for horizon in reached.horizons]
    ('catch', [2010])
    >>> set(reached.frame()["year"])
    {2010}
    """
    targets = targets_of(model, targets)
    if not isinstance(spec, FrontierSpec):
        chosen = None if scenario is None else scenario_of(model, scenario)
        path = None if spec is None else Path(spec)
        spec = read_frontier_spec(model, load_views(model, targets), path=path, scenario=chosen)
    binding = binding_targets(targets)
    wanted = tuple(target for target in binding if target.id not in spec.scenario.assumed)
    if not wanted:
        raise InputError("there is no binding target that growth could break")
    problem_to = partial(growth_problem, model, spec, wanted, threads=threads or processors())
    drawn = _drawn(model, spec, draws)
    horizons, present, used = [], np.empty(0), 0
    steps = len(wanted) + levels + 3
    for index, year in enumerate(sorted(set(spec.years))):

        def tell(done: int, index: int = index) -> None:
            progress(index * steps + done, len(spec.years) * steps)

        # Searching varies levers alone, for which the code is smaller and quicker.
        problem, uncertain = problem_to(year), None
        scales = 0.05 * problem.scales  # a part of each target, where nothing is uncertain
        if drawn is not None:
            factors, values = drawn
            uncertain = problem_to(year, uncertain=factors, draws=values)
            uncertain = replace(uncertain, scales=np.ones(len(wanted)))
            used = len(values)
            with np.errstate(all="ignore"):
                spreads = np.nanstd(uncertain.judge(problem.start[None]).margins[0], axis=0)
            scales = np.maximum(np.nan_to_num(spreads), 1e-3 * problem.scales)
        problem = replace(problem, scales=scales)
        horizons.append(_horizon(problem, uncertain, year, levels, tell))
        present = problem.present
    return Frontier(spec, wanted, tuple(present.tolist()), tuple(horizons), used)


def _drawn(model: Model, spec: FrontierSpec, count: int) -> tuple[list[Factor], FloatArray] | None:
    """Draw what is uncertain beside the levers: conditioned members, or else by the design.

    What is added to a lever's constant, or multiplies it, remains uncertain, unless it is what a
    policy makes it.
    """
    if spec.uncertainty is None:
        return None
    factors: Sequence[Factor]
    chosen: frozenset[str] = frozenset()
    head = read_ensemble_head(model)
    if head is not None and head.kind is EnsembleKind.CONDITIONED and not head.misfit(model):
        members = load_ensemble(model)
        factors, values, chosen = members.factors, members.values[:count], members.policy
    else:
        design = read_design(spec.uncertainty, model, samples=count, scenarios=[spec.scenario])
        factors, values = design.factors, Sampler(design).draw(0, count)
    moved = {constant for lever in spec.levers for constant in lever.constants}
    left = [
        column
        for column, factor in enumerate(factors)
        if not moved & set(factor.constants) & (chosen if factor.apply is not Apply.SET else moved)
    ]
    return ([factors[column] for column in left], values[:, left]) if left else None


def growth_problem(
    model: Model, spec: FrontierSpec, targets: Sequence[Target], year: int, **options: Any
) -> DecisionProblem:
    """Return the problem of which growth to one year is the indicator.

    ``options`` are those of `decision_problem`.
    """
    first = math.floor(spec.scenario.time.initial)
    growth = indicator_of(model, spec.growth, Measure.GROWTH, first, year)
    return decision_problem(
        model, spec.scenario, spec.levers, targets, indicators=[growth], until=year, **options
    )


def _horizon(
    problem: DecisionProblem,
    uncertain: DecisionProblem | None,
    year: int,
    levels: int,
    tell: Callable[[int], None],
) -> Horizon:
    rows = list(range(len(problem.targets)))
    growth = len(rows)
    sampled = sample(problem.evaluate, len(problem.levers), problem.start[None])
    search = FrontierSearch(problem.evaluate, problem.start, growth, sampled)
    fastest = search.fastest()
    for row in rows:
        search.alone(row, fastest)
        tell(row + 1)
    attainable = [row for row in rows if (search.points.values[:, row] >= 0).any()]
    kept, conflicting = search.hold_together(attainable)
    tell(len(rows) + 1)
    top, ends = search.highest(kept)
    tell(len(rows) + 2)
    points = search.points
    front = search.front(kept, top, levels, lambda number: tell(len(rows) + 2 + number))
    policies = tuple(_policy(problem, uncertain, point.position, kept) for point in front)
    tell(len(rows) + levels + 3)

    def named(chosen: Iterable[int]) -> tuple[str, ...]:
        return tuple(problem.targets[row].id for row in chosen)

    rates = points.values[points.values[:, growth] > FAILED, growth]
    present = finite(problem.evaluate(problem.start[None]))[0]
    return Horizon(
        year=year,
        growth_present=float(present[growth]),
        growth_range=(float(rates.min()), float(rates.max())),
        alone=tuple(_limit(problem, points, row, float(present[row])) for row in rows),
        never=named(row for row in rows if row not in attainable),
        conflicting=named(conflicting),
        kept=named(kept),
        highest=None if top is None else _policy(problem, uncertain, top.position, kept),
        binding=named(row for row in kept if top is not None and top.values[row] < JUST_MET),
        searches=tuple(float(end.values[growth]) for end in ends),
        front=policies,
    )


def _policy(
    problem: DecisionProblem,
    uncertain: DecisionProblem | None,
    position: FloatArray,
    kept: Sequence[int],
) -> Policy:
    values = finite(problem.evaluate(position[None]))[0]
    margins = values[:-1]
    worst = float(margins[list(kept)].min()) if kept else math.nan
    tight = [row for row in kept if margins[row] <= worst + AS_TIGHT]
    chance = median = math.nan
    if uncertain is not None:
        judged = uncertain.judge(position[None])
        growth = judged.indicators[np.isfinite(judged.indicators)]
        median = float(np.median(growth)) if growth.size else math.nan
        with np.errstate(invalid="ignore"):
            chance = float((judged.margins[0][:, list(kept)] >= 0).all(axis=1).mean())
    return Policy(
        tuple(problem.values(position[None])[0].tolist()),
        float(values[-1]),
        {
            target.id: math.nan if margin <= FAILED else float(margin * scale)
            for target, margin, scale in zip(problem.targets, margins, problem.scales, strict=True)
        },
        tuple(problem.targets[row].id for row in sorted(tight, key=lambda row: margins[row])),
        worst,
        chance,
        median,
    )


def _limit(problem: DecisionProblem, points: Points, row: int, present: float) -> Alone:
    """Return what one target asks of growth, by all points evaluated."""
    margins, spread = points.values[:, row], float(problem.scales[row])
    rates = points.values[margins >= 0, -1]
    return Alone(
        problem.targets[row],
        spread,
        present * spread,
        float(margins.max()) * spread if margins.max() > FAILED else math.nan,
        float(rates.max()) if len(rates) else math.nan,
    )
