"""The frontier of growth: how far it may be pushed while all binding targets hold.

Growth is the mean rate of a series from the first year to a year Y; to hold to Y, a target must be
met in every year from its own to Y. Margins are counted in standard deviations of their own doubt,
so that they compare, and so that the policy whose smallest margin is largest is also the one that
is surest to hold them all.

Where no policy in the levers' ranges holds all targets, it is said which never hold, and which hold
only one without the other; the frontier is then that of the others. Policies on it are judged again
over draws of everything uncertain: P(all hold) at a growth is the share of these draws, and the
growth that goes with it their median. That is what such a policy does; another may do more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from plansim.errors import Fault, InputError
from plansim.model.assignment import Apply
from plansim.model.records import Model
from plansim.plan.check import margin_of
from plansim.plan.measure import Floats, Measure
from plansim.plan.targets import Attribute, Target
from plansim.study.block import judged_targets
from plansim.study.design import Sampler
from plansim.study.factor import Factor, applied, default_of, reach
from plansim.study.frontier_file import Quest
from plansim.study.gauge import gauge, later
from plansim.study.members import Engine, compiled
from plansim.study.search import BROKEN, Evaluate, Found, Samples, best_worst, cheapest, look_over
from plansim.study.sweep import processors
from plansim.study.trials import Bench, Question, Standing, bench_of

__all__ = ["SURE", "Alone", "Frontier", "Horizon", "Policy", "Sure", "frontier"]

SURE = (0.5, 0.8, 0.95)
"""How sure it is to be that all targets hold."""
LEVELS = 9
"""Growth rates along the frontier."""
BETWEEN = 8
"""Policies between two of them, mixed of both, that are judged over the draws."""
FURTHER = (0.25, 0.1, 0.03)
"""How far beyond the highest growth found is looked again, as parts of what the levers leave."""
DRAWS = 1024
LEAST_SPREAD = 1e-3
"""A margin is counted in no less than this part of its target."""
TILE = 2048


@dataclass(frozen=True)
class Policy:
    """Settings of all levers, and what they lead to where nothing is in doubt."""

    values: tuple[float, ...]
    """By lever, in its unit."""
    growth: float
    """Mean rate, a fraction a year."""
    margins: Mapping[str, float]
    """By target, the smallest of the years in which it must hold, in its unit."""
    worst: str
    """The target with the smallest margin, in standard deviations, of those that are to hold."""
    worst_margin: float
    """In standard deviations of its doubt."""


@dataclass(frozen=True)
class Alone:
    """What one target asks of growth, all others left aside."""

    target: Target
    spread: float
    """The standard deviation of its margin as things are, in its unit."""
    present: float
    """Its margin as things are."""
    best: float
    """The largest margin that was found at any growth."""
    growth: float
    """The highest growth at which it was found to hold; NaN if it never was."""


@dataclass(frozen=True)
class Sure:
    """A policy that is as sure as is asked."""

    share: float
    """What is asked: P(all hold)."""
    policy: Policy | None
    """None if no policy that was judged is as sure."""
    met: float
    """P(all hold), of the surest policy if none is as sure."""
    error: float
    growth: float
    """The median over the draws."""


@dataclass(frozen=True)
class Horizon:
    """The frontier to one year."""

    year: int
    growth_present: float
    growth_reach: tuple[float, float]
    """The lowest growth of the sweep, and the highest that the levers were found to lead to."""
    alone: tuple[Alone, ...]
    never: tuple[str, ...]
    """Ids of targets that no policy found holds, whatever the growth."""
    clashing: tuple[str, ...]
    """Ids of targets left out since they and the others were not found to hold together."""
    kept: tuple[str, ...]
    """Ids of the targets whose frontier this is."""
    highest: Policy | None
    """The highest growth at which all of these hold; None if there are none."""
    binding: tuple[str, ...]
    """Ids of the targets that are just met there, and so stop growth."""
    swept: float
    """The highest growth of all points of a plain sweep at which they hold; NaN if none is."""
    points: int
    """Of that sweep."""
    along: tuple[Policy, ...]
    """At rising growth, the policy whose smallest margin is largest: below zero beyond the
    frontier."""
    chances: tuple[float, ...]
    """Of these policies, P(all kept hold)."""
    medians: tuple[float, ...]
    """Of these policies, the median growth over the draws."""
    sure: tuple[Sure, ...]
    """At each of `SURE`."""


@dataclass(frozen=True)
class Frontier:
    """How far growth may go."""

    quest: Quest
    targets: tuple[Target, ...]
    present: tuple[float, ...]
    """By lever, in its unit: no change, for one that adds or multiplies."""
    horizons: tuple[Horizon, ...]
    draws: int
    """None if nothing is in doubt."""
    runs: int


def frontier(
    model: Model,
    quest: Quest,
    targets: Sequence[Target],
    *,
    draws: int = DRAWS,
    threads: int | None = None,
    engine: Engine = compiled,
    progress: Callable[[int, int], None] | None = None,
) -> Frontier:
    """Find how far growth may go while all binding targets hold, to each year asked for.

    Args:
        model: the model.
        quest: the series, the years, the levers, and what is uncertain.
        targets: the plan's; those that bind, and that the scenario does not assume, must hold.
        draws: of what is uncertain.
        threads: None for as many as there are processors.
        engine: what runs the model.
        progress: is told how many steps of how many are done.

    Raises:
        InputError: no binding target is judged, or a lever decides on the code's shape.
        ModelError: the engine cannot compute the model.
        SimulationError: the scenario itself breaks down.
    """
    wanted = tuple(
        each
        for each in judged_targets(targets)
        if each.attribute is Attribute.BINDING and each.id not in quest.scenario.assumed
    )
    if not wanted:
        raise InputError(Fault("there is no binding target that growth could break"))
    threads = processors() if threads is None else threads
    found = []
    runs = 0
    drawn = 0
    levers = quest.factors
    for place, year in enumerate(quest.years):
        field = _Field(model, quest, wanted, year, draws, threads, engine)
        drawn = len(field.drawn)
        steps = 2 * len(wanted) + LEVELS

        def tell(done: int, place: int = place, steps: int = steps) -> None:
            if progress is not None:
                progress(place * steps + done, len(quest.years) * steps)

        found.append(_horizon(field, tell))
        runs += field.runs
    present = tuple(_present(factor, model, quest) for factor in levers)
    return Frontier(quest, wanted, present, tuple(found), drawn, runs)


def _present(factor: Factor, model: Model, quest: Quest) -> float:
    match factor.apply:
        case Apply.SET:
            return default_of(model, quest.scenario.values, factor.constants[0])
        case Apply.ADD:
            return 0.0
        case Apply.MULTIPLY:
            return 1.0


class _Field:
    """All policies, as places of a box, judged to one year."""

    def __init__(
        self,
        model: Model,
        quest: Quest,
        targets: Sequence[Target],
        year: int,
        draws: int,
        threads: int,
        engine: Engine,
    ) -> None:
        self.targets = tuple(targets)
        self.year = year
        self.runs = 0
        self._threads = threads
        self._levers = quest.factors
        moved = [each for factor in self._levers for each in factor.constants]
        self._doubts = _apart_from(quest, set(moved))
        vague = [each for factor in self._doubts for each in factor.constants]
        self._constants = tuple(dict.fromkeys([*moved, *vague]))
        since = math.floor(quest.scenario.time.initial)
        self._growth = gauge(model, quest.growth, Measure.GROWTH, since, year)
        years = range(min(each.year or year for each in self.targets) + 1, year + 1)
        # Later years are quick for a target on one basis; on several, each year is one of its own.
        self._followed = {
            each.id: [later(each, y) for y in years if y > (each.year or year)]
            for each in self.targets
            if len(each.variables) > 1
        }
        clones = [each for many in self._followed.values() for each in many]
        question = Question((*self.targets, *clones, self._growth), later=tuple(years))
        self._defaults = {
            each: default_of(model, quest.scenario.values, each) for each in self._constants
        }
        self._bench: Bench = bench_of(model, quest.scenario, self._constants, question, engine)
        # Searching varies levers alone, for which the code is smaller and quicker.
        self._narrow: Bench = bench_of(model, quest.scenario, moved, question, engine)
        self._ends = np.array([_ends(each) for each in self._levers])
        here = np.array([_present(each, model, quest) for each in self._levers])
        low, high = self._ends.T
        # A scenario may stand outside of the range of a lever.
        self._ends = np.stack([np.minimum(low, here), np.maximum(high, here)], axis=1)
        low, high = self._ends.T
        self.here = (here - low) / np.where(high > low, high - low, 1.0)
        design = quest.uncertainty
        self.drawn = np.empty((0, len(self._doubts)))
        if design is not None and self._doubts:
            columns = [design.factors.index(each) for each in self._doubts]
            self.drawn = Sampler(design).draw(0, draws)[:, columns]
        sizes = np.array([abs(each.value or 0.0) or 1.0 for each in self.targets])
        self.spreads = LEAST_SPREAD * sizes
        self._narrow.run(self._settings(here[None], len(moved))).require_sound()
        if len(self.drawn):
            margins, _ = self.over_draws(self.here)
            with np.errstate(all="ignore"):
                spreads = np.nanstd(margins, axis=0)
            self.spreads = np.maximum(np.nan_to_num(spreads), self.spreads)
        else:
            self.spreads = 0.05 * sizes

    def settings(self, places: Floats) -> Floats:
        """Give the levers' values, in their units, at places of the box."""
        low, high = self._ends.T
        return np.asarray(low + places * (high - low))

    def _settings(self, values: Floats, count: int) -> Floats:
        """Give constants: ``(run, lever)`` → ``(run, constant)``, the first ``count`` of them."""
        moved = applied(self._levers, values, self._defaults)
        rest = [self._defaults[each] for each in self._constants[moved.shape[1] : count]]
        return np.hstack([moved, np.broadcast_to(rest, (len(values), len(rest)))])

    def evaluate(self, places: Floats) -> Floats:
        """Judge policies: margins of the targets in their spreads, then the growth."""
        count = sum(len(each.constants) for each in self._levers)
        margins, growth = self._judged(self._narrow, self._settings(self.settings(places), count))
        return np.column_stack([margins / self.spreads, growth])

    def over_draws(self, place: Floats) -> tuple[Floats, Floats]:
        """Judge one policy over the draws: margins ``(draw, target)``, growth ``(draw,)``."""
        one = self._settings(self.settings(place[None]), len(self._constants))
        settings = np.repeat(one, len(self.drawn), axis=0)
        defaults = dict(zip(self._constants, one[0].tolist(), strict=True))
        moved = applied(self._doubts, self.drawn, defaults)
        names = [each for factor in self._doubts for each in factor.constants]
        settings[:, [self._constants.index(each) for each in names]] = moved
        return self._judged(self._bench, settings)

    def _judged(self, bench: Bench, settings: Floats) -> tuple[Floats, Floats]:
        self.runs += len(settings)

        def tile(start: int) -> tuple[Floats, Floats]:
            standings = bench.run(settings[start : start + TILE]).standings
            margins = [self._least(each, standings) for each in self.targets]
            return np.stack(margins, axis=1), standings[self._growth.id].value

        starts = range(0, len(settings), TILE)
        if len(starts) == 1:
            return tile(0)
        with ThreadPoolExecutor(self._threads) as pool:
            parts = list(pool.map(tile, starts))
        return (
            np.concatenate([margins for margins, _ in parts]),
            np.concatenate([growth for _, growth in parts]),
        )

    def _least(self, target: Target, standings: Mapping[str, Standing]) -> Floats:
        """Give the smallest margin of a target, from its own year to the one looked at."""
        own = standings[target.id]
        if target.id in self._followed:
            after = [standings[each.id].least for each in self._followed[target.id]]
        else:
            after = [
                margin_of(value, target)
                for year, value in own.later.items()
                if year > (target.year or year)
            ]
        return np.asarray(np.min([own.least, *after], axis=0))

    def policy(self, found: Found, kept: Sequence[int]) -> Policy:
        """Make a record of a place."""
        values = found.values[:-1]
        worst = min(kept, key=lambda row: values[row]) if kept else 0
        return Policy(
            tuple(map(float, self.settings(found.place[None])[0])),
            float(found.values[-1]),
            {
                each.id: math.nan if value <= BROKEN else float(value * spread)
                for each, value, spread in zip(self.targets, values, self.spreads, strict=True)
            },
            self.targets[worst].id if kept else "",
            float(values[worst]) if kept else math.nan,
        )


def _ends(factor: Factor) -> tuple[float, float]:
    assert factor.distribution is not None
    return reach(factor.distribution)


def _apart_from(quest: Quest, moved: set[str]) -> tuple[Factor, ...]:
    """Give what is uncertain beside the levers; what adds to a lever's constant stays."""
    design = quest.uncertainty
    if design is None:
        return ()
    return tuple(
        each
        for each in design.factors
        if each.apply is not Apply.SET or not moved & set(each.constants)
    )


# --- to one year ----------------------------------------------------------------------------------


def _horizon(field: _Field, tell: Callable[[int], None]) -> Horizon:
    rows = list(range(len(field.targets)))
    growth = len(rows)
    samples = look_over(field.evaluate, len(field.here), more=field.here[None])
    plain = len(samples.places)
    fast = cheapest(_less(field.evaluate, growth), _priced(samples, growth), [], field.here, None,
                    growth + 1)  # fmt: skip
    assert fast is not None
    samples = _with(samples, [Found(fast.place, fast.values[:-1])])
    reach_of = float(samples.values[:, growth].min()), float(samples.values[:, growth].max())
    alone: list[Alone] = []
    tops: list[Found] = []
    for row in rows:
        one, seen = _alone(field, samples, row)
        alone.append(one)
        tops += seen
        tell(len(alone))
    samples = _with(samples, tops)
    present = next(iter(field.evaluate(field.here[None])))
    never = [row for row in rows if math.isnan(alone[row].growth)]
    kept, clashing, samples = _together(field, samples, [row for row in rows if row not in never])
    highest = _highest(field, samples, kept) if kept else None
    binding: tuple[str, ...] = ()
    if highest is not None:
        highest, samples = _further(field, samples, kept, highest, reach_of[1])
        binding = tuple(field.targets[row].id for row in kept if highest.values[row] < 1e-3)
    sweep = samples.values[:plain]
    good = np.flatnonzero((sweep[:, kept] >= 0).all(axis=1) & (sweep[:, growth] > BROKEN))
    swept = float(sweep[good, growth].max()) if len(good) else math.nan
    tell(2 * len(rows))
    along = list(_along(field, samples, kept, highest, reach_of, tell)) if kept else []
    chances, medians, sure = _surely(field, along, kept)
    return Horizon(
        year=field.year,
        growth_present=float(present[growth]),
        growth_reach=reach_of,
        alone=tuple(_at_least(one, samples, row, growth) for row, one in enumerate(alone)),
        never=tuple(field.targets[row].id for row in never),
        clashing=tuple(field.targets[row].id for row in clashing),
        kept=tuple(field.targets[row].id for row in kept),
        highest=None if highest is None else field.policy(highest, kept),
        binding=binding,
        swept=swept,
        points=plain,
        along=tuple(field.policy(each, kept) for each in along),
        chances=tuple(chances),
        medians=tuple(medians),
        sure=tuple(sure),
    )


def _less(evaluate: Evaluate, growth: int) -> Evaluate:
    """Add a part that is less the more growth there is: a cost."""

    def run(places: Floats) -> Floats:
        values = evaluate(places)
        rate = values[:, growth]
        return np.column_stack([values, -np.where(np.isfinite(rate), rate, BROKEN)])

    return run


def _priced(samples: Samples, growth: int) -> Samples:
    cost = np.where(samples.values[:, growth] <= BROKEN, -BROKEN, -samples.values[:, growth])
    return Samples(samples.places, np.column_stack([samples.values, cost]))


def _with(samples: Samples, found: Sequence[Found]) -> Samples:
    return Samples(
        np.vstack([samples.places, *(each.place for each in found)]),
        np.vstack([samples.values, *(each.values for each in found)]),
    )


def _alone(field: _Field, samples: Samples, row: int) -> tuple[Alone, list[Found]]:
    """Find what one target asks by itself."""
    target, growth = field.targets[row], len(field.targets)
    top = best_worst(field.evaluate, samples, [row], starts=1)
    seen = [top]
    fastest = math.nan
    if top.values[row] >= 0:
        found = _highest(field, _with(samples, [top]), [row], starts=1)
        if found is not None:
            seen.append(found)
            fastest = float(found.values[growth])
    spread = float(field.spreads[row])
    here = field.evaluate(field.here[None])[0]
    best = float(top.values[row]) * spread if top.values[row] > BROKEN else math.nan
    return Alone(target, spread, float(here[row]) * spread, best, fastest), seen


def _highest(field: _Field, samples: Samples, kept: Sequence[int], starts: int = 4) -> Found | None:
    """Find the highest growth at which some targets hold."""
    growth = len(field.targets)
    found = cheapest(
        _less(field.evaluate, growth), _priced(samples, growth), kept, field.here, None,
        growth + 1, starts=starts,
    )  # fmt: skip
    return None if found is None else Found(found.place, found.values[:-1])


def _together(
    field: _Field, samples: Samples, kept: list[int]
) -> tuple[list[int], list[int], Samples]:
    """Leave out one target after the other until the others hold together."""
    clashing: list[int] = []
    while kept:
        top = best_worst(field.evaluate, samples, kept)
        samples = _with(samples, [top])
        if top.values[kept].min() >= 0:
            break
        worst = min(kept, key=lambda row: top.values[row])
        kept = [row for row in kept if row != worst]
        clashing.append(worst)
    return kept, clashing, samples


def _further(
    field: _Field, samples: Samples, kept: Sequence[int], highest: Found, top: float
) -> tuple[Found, Samples]:
    """Look for places with more growth where all hold, which a climb from below may have missed."""
    growth = len(field.targets)
    samples = _with(samples, [highest])
    for part in FURTHER:
        level = highest.values[growth] + part * (top - highest.values[growth])
        found = _best_at(field, samples, kept, float(level))
        samples = _with(samples, [found])
        if found.values[list(kept)].min() < 0 or found.values[growth] <= highest.values[growth]:
            continue
        again = _highest(field, samples, kept)
        if again is not None and again.values[growth] > highest.values[growth]:
            highest = again
            samples = _with(samples, [highest])
    return highest, samples


def _at_least(alone: Alone, samples: Samples, row: int, growth: int) -> Alone:
    """See that a target alone goes as far as at any place that was seen."""
    seen = samples.values[samples.values[:, row] >= 0, growth]
    if not len(seen):
        return alone
    return replace(alone, growth=float(np.nanmax([alone.growth, seen.max()])))


def _best_at(field: _Field, samples: Samples, kept: Sequence[int], level: float) -> Found:
    """Find the policy with at least some growth whose smallest margin is largest."""
    growth = len(field.targets)

    def floored(places: Floats) -> Floats:
        values = field.evaluate(places)
        # In tenths of a point, so that it compares with margins in spreads.
        return np.column_stack([values, (values[:, growth] - level) * 1000])

    known = np.column_stack([samples.values, (samples.values[:, growth] - level) * 1000])
    found = best_worst(floored, Samples(samples.places, known), kept, [growth + 1], starts=2)
    return Found(found.place, found.values[:-1])


def _along(
    field: _Field,
    samples: Samples,
    kept: Sequence[int],
    highest: Found | None,
    reach_of: tuple[float, float],
    tell: Callable[[int], None],
) -> Iterator[Found]:
    """Give the policies whose smallest margin is largest, at rising growth."""
    growth = len(field.targets)
    slow = best_worst(field.evaluate, samples, kept, starts=3)
    first = float(slow.values[growth])
    last = reach_of[1] if highest is None else float(highest.values[growth])
    beyond = last + (reach_of[1] - last) / 3  # where margins have gone
    yield slow
    if beyond <= first:
        return
    inside = np.linspace(first, last, LEVELS)[1:] if last > first else np.array([])
    known = _with(samples, [slow])
    for number, level in enumerate([*inside, *([beyond] if beyond > last else [])]):
        place = _best_at(field, known, kept, float(level))
        known = _with(known, [place])
        tell(2 * len(field.targets) + number + 1)
        yield place


def _surely(
    field: _Field, along: Sequence[Found], kept: Sequence[int]
) -> tuple[list[float], list[float], list[Sure]]:
    """Judge policies on the frontier, and mixtures of neighbours, over the draws."""
    if not along or not len(field.drawn):
        return [], [], []
    rows = list(kept)
    tried: list[tuple[float, float, Floats]] = []
    chances, medians = [], []
    for place, found in enumerate(along):
        chance, median = _chance(field, found.place, rows)
        chances.append(chance)
        medians.append(median)
        tried.append((chance, median, found.place))
        if place + 1 < len(along):
            for share in np.arange(1, BETWEEN) / BETWEEN:
                mixed = found.place + share * (along[place + 1].place - found.place)
                tried.append((*_chance(field, mixed, rows), mixed))
    sure = []
    for share in SURE:
        enough = [each for each in tried if each[0] >= share]
        best = max(enough, key=lambda each: each[1]) if enough else max(tried, key=lambda e: e[0])
        chance, median, spot = best
        policy = field.policy(Found(spot, field.evaluate(spot[None])[0]), rows) if enough else None
        error = math.sqrt(chance * (1 - chance) / len(field.drawn))
        sure.append(Sure(share, policy, chance, error, median))
    return chances, medians, sure


def _chance(field: _Field, place: Floats, rows: Sequence[int]) -> tuple[float, float]:
    """Give P(all hold) and the median growth of a policy; a broken draw holds nothing."""
    margins, growth = field.over_draws(place)
    with np.errstate(invalid="ignore"):
        holds = (margins[:, rows] >= 0).all(axis=1)
    sound = growth[np.isfinite(growth)]
    return float(holds.mean()), float(np.median(sound)) if sound.size else math.nan
