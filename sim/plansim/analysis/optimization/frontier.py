"""The frontier of growth: the highest growth at which all binding targets hold.

Growth is the mean rate of a series from the first year to a year Y; to hold to Y, a target must be
met in every year from its own to Y. Margins are scaled by their standard deviation over what is
uncertain, so that they compare, and so that the policy whose smallest margin is largest is near to
the one that is surest to hold them all.

Where no policy in the levers' ranges holds all targets, the result says which never hold and which
conflict with the others; the frontier is then that of the others. Policies on the Pareto front of
growth and smallest margin are judged again over draws of everything uncertain (`chances`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.optimization.chances import Chance, Doubts, fewest_left_out, judge_front
from plansim.analysis.optimization.evolution import Points, best_of, evolve, fitness, sample
from plansim.analysis.optimization.problem import (
    DecisionProblem,
    FrontierSpec,
    decision_problem,
    read_frontier_spec,
    scale_of,
)
from plansim.analysis.optimization.slp import FAILED, Evaluate, Point, finite, maximise
from plansim.analysis.workers import processors
from plansim.errors import Fault, InputError
from plansim.model.records import Model
from plansim.scenario.factors import Factor
from plansim.scenario.reader import Scenario
from plansim.scenario.values import Apply
from plansim.targets.catalogue import Attribute, Target, indicator_of, judged_targets, load_targets
from plansim.targets.indicator import Floats, Measure
from plansim.targets.views_file import load_views

__all__ = [
    "DRAWS",
    "SHARES",
    "Alone",
    "Frontier",
    "Horizon",
    "Policy",
    "frontier",
    "growth_problem",
]

DRAWS = 1024
SHARES = (0.5, 0.8, 0.95)
"""Probabilities that all targets hold for which the highest growth is given."""
OTHER_DRAWS = 128
"""Over which the surest policy is chosen."""
SEARCHES = 2
"""Populations, each from other random points, for the highest growth: that they end at the same
growth is the first sign that there is no more."""
CLIMBS = 3
"""From the best points of each."""
POPULATION, GENERATIONS = 96, 120
"""Of the evolutions for lesser questions."""
LEVELS = 9
"""Growth rates on the Pareto front."""
LEVEL_STEP = 5e-4
"""Growth between two policies on the front, at least: where margins do not depend on growth, many
levels lead to one policy."""
LEVEL_WEIGHT = 1000.0
"""Growth as a constraint counts in tenths of a point, so that it compares with scaled margins."""
BEYOND = 1 / 3
"""Of the way from the frontier to the highest growth of all, where margins are negative."""
UNLIMITED = 1e-5
"""A target that holds so near to the highest growth of all does not limit it."""
JUST_MET = 1e-3
"""Scaled margins below this are just met."""
AS_TIGHT = 0.01
"""Scaled margins that differ by no more are equally tight."""
SAME_GROWTH = 1e-9
"""Growth given up, at most, to leave a lever where it is."""
SMALLEST_SPREAD = 1e-3
"""Margins are scaled by no less than this part of the target."""
PLAIN_SPREAD = 0.05
"""The same part where nothing is uncertain."""


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
    """Scaled."""
    chance: float = math.nan
    """P(all kept hold), the share of the draws; NaN if nothing is uncertain."""
    median: float = math.nan
    """Of growth over the draws."""


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
    sure: Mapping[float, Policy | None]
    """By each of `SHARES` the policy of the highest median growth that is as sure to hold all;
    None if none is, empty if nothing is uncertain."""
    surest: Policy | None
    """The one that is surest to hold all; None if nothing is uncertain."""
    single: Mapping[str, float]
    """By target, P(it holds), of the surest policy."""
    without: tuple[tuple[tuple[str, ...], float], ...]
    """The one target that it would help most to leave out, the two, and so on, and P(all others
    hold) then, of the surest policy."""


@dataclass(frozen=True)
class Frontier:
    """How far growth may go."""

    spec: FrontierSpec
    targets: tuple[Target, ...]
    present: tuple[float, ...]
    """By lever, in its unit: no change, for one that adds or multiplies."""
    horizons: tuple[Horizon, ...]
    draws: int
    """0 if nothing is uncertain."""


def frontier(
    model: Model,
    spec: FrontierSpec | None = None,
    targets: Sequence[Target] | None = None,
    *,
    draws: int = DRAWS,
    levels: int = LEVELS,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Frontier:
    """Return the highest growth at which all binding targets hold, to each year asked for.

    Args:
        model: the model.
        spec: the series, the years, the levers, and what is uncertain; by default what
            ``decision.yaml`` beside the model states.
        targets: the plan's, by default those of the catalogue beside the model; those that are
            binding, and that the scenario does not assume, must hold.
        draws: of what is uncertain.
        levels: growth rates on the Pareto front.
        threads: by default as many as there are processors.
        progress: is told how many steps of how many are done.

    Raises:
        InputError: no binding target is judged, or a lever decides on the shape of the code.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.
    """
    targets = load_targets(model=model) if targets is None else targets
    if spec is None:
        spec = read_frontier_spec(model, load_views(model, targets))
    wanted = tuple(
        target
        for target in judged_targets(targets)
        if target.attribute is Attribute.BINDING and target.id not in spec.scenario.assumed
    )
    if not wanted:
        raise InputError(Fault("there is no binding target that growth could break"))
    threads = processors() if threads is None else threads
    design = None
    if spec.uncertainty is not None:
        design = read_design(spec.uncertainty, model, samples=draws, scenarios=[spec.scenario])
    horizons = []
    steps = len(wanted) + levels + 3
    for index, year in enumerate(sorted(set(spec.years))):

        def tell(done: int, index: int = index) -> None:
            if progress is not None:
                progress(index * steps + done, len(spec.years) * steps)

        def problem_with(uncertain: Sequence[Factor], year: int = year) -> DecisionProblem:
            return growth_problem(model, spec, wanted, year, uncertain=uncertain, threads=threads)

        # Searching varies levers alone, for which the code is smaller and quicker.
        problem, doubts = _scaled(problem_with(()), design, draws, problem_with)
        horizons.append(_horizon(problem, doubts, year, levels, tell))
    return Frontier(
        spec,
        wanted,
        tuple(problem.present.tolist()),
        tuple(horizons),
        0 if doubts is None else len(doubts.draws),
    )


def growth_problem(
    model: Model,
    spec: FrontierSpec,
    targets: Sequence[Target],
    year: int,
    *,
    uncertain: Sequence[Factor] = (),
    threads: int = 1,
) -> DecisionProblem:
    """Return the problem of which growth to one year is the objective."""
    last = max(year, *(target.year or year for target in targets))
    scenario = _shortened(model, spec.scenario, last)
    first = math.floor(scenario.time.initial)
    return decision_problem(
        model,
        scenario,
        spec.levers,
        targets,
        objective=indicator_of(model, spec.growth, Measure.GROWTH, first, year),
        until=year,
        uncertain=uncertain,
        threads=threads,
    )


def _scaled(
    problem: DecisionProblem,
    design: Design | None,
    draws: int,
    with_uncertain: Callable[[Sequence[Factor]], DecisionProblem],
) -> tuple[DecisionProblem, Doubts | None]:
    """Scale margins by their standard deviation over what is uncertain beside the levers."""
    sizes = np.array([scale_of(target) for target in problem.targets])
    moved = {constant for lever in problem.levers for constant in lever.constants}
    # What is added to a lever's constant, or multiplies it, remains uncertain.
    uncertain = [
        factor
        for factor in (design.factors if design else ())
        if factor.apply is not Apply.SET or not moved & set(factor.constants)
    ]
    if design is None or not uncertain:
        return replace(problem, scales=PLAIN_SPREAD * sizes), None
    columns = [design.factors.index(factor) for factor in uncertain]
    drawn = Sampler(design).draw(0, draws)[:, columns]
    anew = Sampler(replace(design, seed=design.seed + 1)).draw(0, min(OTHER_DRAWS, draws))
    doubts = Doubts(with_uncertain(uncertain), drawn, anew[:, columns])
    with np.errstate(all="ignore"):
        spreads = np.nanstd(doubts.margins(problem.start)[0], axis=0)
    scales = np.maximum(np.nan_to_num(spreads), SMALLEST_SPREAD * sizes)
    scaled = replace(doubts.problem, scales=scales)
    return replace(problem, scales=scales), replace(doubts, problem=scaled)


def _shortened(model: Model, scenario: Scenario, last: int) -> Scenario:
    """Let runs end where nothing more is asked of them, unless the model asks for its end."""
    time = scenario.time
    if model.uses("FINAL TIME") or time.final <= last + 0.5:
        return scenario
    return replace(scenario, time=replace(time, final=last + 0.5))


def _horizon(
    problem: DecisionProblem,
    doubts: Doubts | None,
    year: int,
    levels: int,
    tell: Callable[[int], None],
) -> Horizon:
    rows = list(range(len(problem.targets)))
    growth = len(rows)
    points = sample(problem.evaluate, len(problem.levers), problem.start[None])
    fast = _search(problem.evaluate, points, [growth], [], CLIMBS)
    points = points.with_points([fast])
    for row in rows:
        points = points.with_points(_alone(problem, points, row, float(fast.values[growth])))
        tell(row + 1)
    attainable = [row for row in rows if (points.values[:, row] >= 0).any()]
    kept, conflicting, points = _together(problem, points, attainable)
    tell(len(rows) + 1)
    ends = _highest(problem, points, kept) if kept else []
    points = points.with_points(ends)
    top = _top(points, kept)
    if top is not None:
        # What limits growth for all may, by itself, allow a little more.
        tight = [row for row in kept if top.values[row] < JUST_MET]
        further = [maximise(problem.evaluate, top, [growth], [row]) for row in tight]
        points = points.with_points(further)
        top = _settled(problem, top, kept)
    tell(len(rows) + 2)
    front = _front(problem, points, kept, top, levels, lambda n: tell(len(rows) + 2 + n))
    positions = [point.position for point in front]
    if doubts is not None and front:
        judged = judge_front(doubts, positions, kept, None if top is None else top.position)
        surest = max(judged, key=lambda chance: chance.share)
        holds = doubts.holds(surest.position, kept)
    else:
        judged, surest = [Chance(position) for position in positions], None
        holds = np.empty((0, 0), bool)
    tell(len(rows) + levels + 3)

    def policy(chance: Chance | None) -> Policy | None:
        return None if chance is None else _policy(problem, chance, kept)

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
        highest=policy(None if top is None else Chance(top.position)),
        binding=named(row for row in kept if top is not None and top.values[row] < JUST_MET),
        searches=tuple(float(end.values[growth]) for end in ends),
        front=tuple(_policy(problem, chance, kept) for chance in judged[: len(front)]),
        sure={share: policy(_as_sure(judged, share)) for share in SHARES if surest},
        surest=policy(surest),
        single=dict(zip(named(kept), holds.mean(axis=0).tolist(), strict=True)) if surest else {},
        without=tuple(
            (named(kept[column] for column in columns), share)
            for columns, share in (fewest_left_out(holds) if surest else ())
        ),
    )


def _policy(problem: DecisionProblem, chance: Chance, kept: Sequence[int]) -> Policy:
    position = chance.position[None]
    values = finite(problem.evaluate(position))[0]
    margins = values[:-1]
    worst = float(margins[list(kept)].min()) if kept else math.nan
    tight = [row for row in kept if margins[row] <= worst + AS_TIGHT]
    return Policy(
        tuple(problem.values(position)[0].tolist()),
        float(values[-1]),
        {
            target.id: math.nan if margin <= FAILED else float(margin * scale)
            for target, margin, scale in zip(problem.targets, margins, problem.scales, strict=True)
        },
        tuple(problem.targets[row].id for row in sorted(tight, key=lambda row: margins[row])),
        worst,
        chance.share,
        chance.median,
    )


def _as_sure(judged: Sequence[Chance], share: float) -> Chance | None:
    """Return the policy of the highest median growth that is as sure to hold all targets."""
    sure = (chance for chance in judged if chance.share >= share)
    return max(sure, key=lambda chance: chance.median, default=None)


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


# --- searches -------------------------------------------------------------------------------------


def _search(
    evaluate: Evaluate,
    points: Points,
    columns: Sequence[int],
    margins: Sequence[int],
    climbs: int,
    *,
    evolved: bool = False,
) -> Point:
    """Return the best end of local searches from the best points, and from those evolved."""
    starts = list(best_of(points, columns, margins, climbs))
    if evolved:
        grown = evolve(
            evaluate, points, columns, margins, population=POPULATION, generations=GENERATIONS
        )
        starts += best_of(grown, columns, margins, climbs)
    return _best_end(evaluate, starts, columns, margins)


def _best_end(
    evaluate: Evaluate, starts: Sequence[Point], columns: Sequence[int], margins: Sequence[int]
) -> Point:
    ends = [maximise(evaluate, start, columns, margins) for start in starts]
    fit = fitness(np.stack([end.values for end in ends]), columns, margins)
    return ends[int(np.argmax(fit))]


def _alone(problem: DecisionProblem, points: Points, row: int, fastest: float) -> list[Point]:
    """Return where the margin of one target is largest, and where growth is while it holds."""
    growth = len(problem.targets)
    best = _search(problem.evaluate, points, [row], [], 2)
    known = points.with_points([best])
    rates = known.values[known.values[:, row] >= 0, growth]
    if not len(rates) or rates.max() >= fastest - UNLIMITED:
        return [best]
    return [best, _search(problem.evaluate, known, [growth], [row], CLIMBS, evolved=True)]


def _together(
    problem: DecisionProblem, points: Points, kept: list[int]
) -> tuple[list[int], list[int], Points]:
    """Leave out one target after the other, the worst, until the others hold together."""
    conflicting: list[int] = []
    while kept:
        best = _search(problem.evaluate, points, kept, [], 2, evolved=True)
        points = points.with_points([best])
        if best.values[kept].min() >= 0:
            break
        worst = min(kept, key=lambda row: float(best.values[row]))
        kept = [row for row in kept if row != worst]
        conflicting.append(worst)
    return kept, conflicting, points


def _highest(problem: DecisionProblem, points: Points, kept: Sequence[int]) -> list[Point]:
    """Return the highest growth at which targets hold: by each search, the best it ended at."""
    growth = [len(problem.targets)]
    ends = []
    for seed in range(SEARCHES):
        grown = evolve(problem.evaluate, points, growth, kept, seed=seed)
        starts = list(best_of(grown, growth, kept, CLIMBS))
        ends.append(_best_end(problem.evaluate, starts, growth, kept))
    return ends


def _top(points: Points, kept: Sequence[int]) -> Point | None:
    """Return the point of the highest growth at which targets hold."""
    good = points[np.asarray((points.values[:, list(kept)] >= 0).all(axis=1))]
    if not kept or not len(good):
        return None
    best = int(np.argmax(good.values[:, -1]))
    return Point(good.positions[best], good.values[best])


def _settled(problem: DecisionProblem, top: Point, kept: Sequence[int]) -> Point:
    """Put each lever back where it is if that costs no growth and breaks no target.

    Many levers have nothing to do with growth, and where an evolution left them means nothing.
    """
    rows, start = list(kept), problem.start
    best = top
    for lever in range(len(start)):
        position = best.position.copy()
        position[lever] = start[lever]
        values = finite(problem.evaluate(position[None]))[0]
        if (values[rows] >= 0).all() and values[-1] >= top.values[-1] - SAME_GROWTH:
            best = Point(position, values)
    return best


def _front(
    problem: DecisionProblem,
    points: Points,
    kept: Sequence[int],
    top: Point | None,
    levels: int,
    tell: Callable[[int], None],
) -> list[Point]:
    """Return the policies whose smallest margin is largest, at rates of growth, rising.

    Searched from above: a policy with more growth is one with at least so much, so that margins
    cannot rise with growth.
    """
    if not kept:
        return []
    growth = len(problem.targets)
    slow = _search(problem.evaluate, points, kept, [], 2, evolved=True)
    first, fastest = float(slow.values[growth]), float(points.values[:, growth].max())
    last = fastest if top is None else float(top.values[growth])
    beyond = last + BEYOND * (fastest - last)
    rates: list[float] = []
    if beyond > first:
        rates += np.linspace(first, last, levels)[1:].tolist() if last > first else []
        rates += [beyond] if beyond > last else []
    policies: list[Point] = []
    for number, rate in enumerate(reversed(rates)):
        policies.append(_best_at(problem, points.with_points(policies), kept, rate))
        tell(number + 1)
    front: list[Point] = []
    for point in [*policies, slow]:
        if not front or point.values[growth] < front[-1].values[growth] - LEVEL_STEP:
            front.append(point)
    return front[::-1]


def _best_at(problem: DecisionProblem, points: Points, kept: Sequence[int], rate: float) -> Point:
    """Return the policy with at least some growth whose smallest margin is largest."""
    growth = len(problem.targets)

    def with_surplus(values: Floats) -> Floats:
        return np.column_stack([values, (values[:, growth] - rate) * LEVEL_WEIGHT])

    def evaluate(positions: Floats) -> Floats:
        return with_surplus(problem.evaluate(positions))

    known = Points(points.positions, with_surplus(points.values))
    best = _search(evaluate, known, kept, [growth + 1], 2, evolved=True)
    return Point(best.position, best.values[:-1])
