"""The frontier of growth: how far it may be pushed while all binding targets hold.

Growth is the mean rate of a series from the first year to a year Y; to hold to Y, a target must be
met in every year from its own to Y. Margins are counted in standard deviations of their own doubt,
so that they compare, and so that the policy whose smallest margin is largest is near to the one
that is surest to hold them all.

Where no policy in the levers' ranges holds all targets, it is said which never hold, and which hold
only one without the other; the frontier is then that of the others. The answer is checked by brute
force, and where that beats it, the search goes on from there. Policies on the frontier are judged
again over draws of everything uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from plansim.analysis.evaluator import Engine, compiled
from plansim.analysis.optimization.ascent import ascend
from plansim.analysis.optimization.frontier_chance import surely
from plansim.analysis.optimization.frontier_check import SETTINGS, check
from plansim.analysis.optimization.frontier_climb import (
    LEVELS,
    alone,
    along,
    fastest,
    highest,
    settled,
    together,
)
from plansim.analysis.optimization.frontier_field import Field, present_of
from plansim.analysis.optimization.frontier_file import Quest
from plansim.analysis.optimization.frontier_records import Alone, Check, Frontier, Horizon, Search
from plansim.analysis.optimization.search_space import Found, Samples, look_over
from plansim.analysis.workers import processors
from plansim.errors import Fault, InputError
from plansim.model.records import Model
from plansim.targets.catalogue import Attribute, Target, judged_targets

__all__ = ["DRAWS", "frontier"]

DRAWS = 1024
ROUNDS = 4
"""So often a search that brute force has beaten is resumed and checked again, at most."""
JUST = 1e-3
"""Margins below this, in spreads, are just met."""


def frontier(
    model: Model,
    quest: Quest,
    targets: Sequence[Target],
    *,
    draws: int = DRAWS,
    settings: int = SETTINGS,
    levels: int = LEVELS,
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
        settings: of each look of the check by brute force; 0 for no check.
        levels: growth rates for which a policy along the frontier is sought.
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
    steps = len(wanted) + levels + 4
    for place, year in enumerate(quest.years):
        field = Field(model, quest, wanted, year, draws, threads, engine)
        drawn = len(field.drawn)

        def tell(done: int, place: int = place) -> None:
            if progress is not None:
                progress(place * steps + done, len(quest.years) * steps)

        found.append(_horizon(field, settings, levels, tell))
        runs += field.runs
    present = tuple(present_of(each, model, quest.scenario) for each in quest.factors)
    return Frontier(quest, wanted, present, tuple(found), drawn, runs)


def _horizon(field: Field, settings: int, levels: int, tell: Callable[[int], None]) -> Horizon:
    rows = list(range(len(field.targets)))
    growth = len(rows)
    samples = look_over(field.evaluate, len(field.here), more=field.here[None])
    fast = fastest(field, samples)
    samples = samples.also([fast])
    asked: list[Alone] = []
    for row in rows:
        one, seen = alone(field, samples, row, float(fast.values[growth]))
        asked.append(one)
        samples = samples.also(seen)
        tell(len(asked))
    never = [row for row in rows if math.isnan(asked[row].growth)]
    kept, clashing, samples = together(field, samples, [row for row in rows if row not in never])
    tell(len(rows) + 1)
    ends = highest(field, samples, kept) if kept else []
    samples = samples.also(ends)
    if (first := _top(samples, kept, growth)) is not None:
        # What stops growth for all may, by itself, allow a little more.
        tight = [row for row in kept if first.values[row] < JUST]
        further = [ascend(field.evaluate, first, [growth], [row]) for row in tight]
        samples = samples.also(further)
    tell(len(rows) + 2)
    asked = [_at_least(each, samples, row) for row, each in enumerate(asked)]
    top, result, resumed, samples = _checked(field, samples, kept, asked, settings)
    asked = [_at_least(each, samples, row) for row, each in enumerate(asked)]
    tell(len(rows) + 3)
    reach = float(samples.values[:, growth].max())
    path = (
        along(field, samples, kept, top, reach, levels, lambda done: tell(len(rows) + 3 + done))
        if kept
        else []
    )
    chances = surely(field, path, kept, top)
    tell(len(rows) + levels + 4)
    present = field.evaluate(field.here[None])[0]
    sound = samples.values[samples.values[:, growth] > -1, growth]
    return Horizon(
        year=field.year,
        growth_present=float(present[growth]),
        growth_reach=(float(sound.min()), reach),
        alone=tuple(asked),
        never=tuple(field.targets[row].id for row in never),
        clashing=tuple(field.targets[row].id for row in clashing),
        kept=tuple(field.targets[row].id for row in kept),
        highest=None if top is None else field.policy(top, kept),
        binding=()
        if top is None
        else tuple(field.targets[row].id for row in kept if top.values[row] < JUST),
        search=Search(tuple(float(each.values[growth]) for each in ends), resumed),
        check=result,
        along=tuple(field.policy(each, kept) for each in path),
        chances=chances.chances,
        medians=chances.medians,
        sure=chances.sure,
        surest=chances.surest,
    )


def _top(samples: Samples, kept: Sequence[int], growth: int) -> Found | None:
    good = np.flatnonzero((samples.values[:, list(kept)] >= 0).all(axis=1))
    if not kept or not len(good):
        return None
    best = good[int(np.argmax(samples.values[good, growth]))]
    return Found(samples.places[best], samples.values[best])


def _checked(
    field: Field, samples: Samples, kept: Sequence[int], asked: Sequence[Alone], settings: int
) -> tuple[Found | None, Check | None, int, Samples]:
    """Take the best answer, have it checked, and go on from what beats it."""
    growth = len(field.targets)
    resumed = 0
    while True:
        top = _top(samples, kept, growth)
        if top is None:
            return None, None, resumed, samples
        top = settled(field, top, kept)
        if not settings:
            return top, None, resumed, samples
        said = [_at_least(each, samples, row) for row, each in enumerate(asked)]
        result, better = check(field, kept, top, said, settings)
        if not better or resumed == ROUNDS:
            return top, result, resumed, samples
        resumed += 1
        samples = samples.also(better)
        if result.beaten:
            samples = samples.also([ascend(field.evaluate, better[-1], [growth], kept)])
        for row, each in enumerate(said):
            if each.target.id in result.alone_beaten:
                start = better[result.alone_beaten.index(each.target.id)]
                samples = samples.also([ascend(field.evaluate, start, [growth], [row])])


def _at_least(alone: Alone, samples: Samples, row: int) -> Alone:
    """See that a target alone goes as far, and holds as well, as at any place that was seen."""
    growth = samples.values.shape[1] - 1
    seen = samples.values[samples.values[:, row] >= 0, growth]
    best = float(samples.values[:, row].max()) * alone.spread
    if not len(seen):
        return replace(alone, best=max(alone.best, best))
    rate = float(np.nanmax([alone.growth, seen.max()]))
    return replace(alone, best=max(alone.best, best), growth=rate)
