"""The search for a frontier: the highest growth at which targets hold, alone and together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from plansim.analysis.optimization.ascent import ascend, best_of, evolve, worths
from plansim.analysis.optimization.frontier_field import Field
from plansim.analysis.optimization.frontier_records import Alone
from plansim.analysis.optimization.search_space import BROKEN, Evaluate, Found, Samples
from plansim.targets.indicator import Floats

__all__ = ["LEVELS", "SEARCHES", "alone", "along", "fastest", "highest", "settled", "together"]

SEARCHES = 2
"""Populations, each from other random places, for the highest growth: that they end at the same
growth is the first sign that there is no more."""
CLIMBS = 3
"""From the best of each."""
FEW = (96, 120)
"""Size and generations of the populations for lesser questions."""
LEVELS = 9
"""Growth rates along the frontier."""
NEAR = 1e-4
"""A target that holds so near to the highest growth of all does not stop it."""
STEP = 5e-4
"""Growth between two policies along the frontier, at least: where margins do not depend on growth,
many levels lead to one policy."""
SAME = 1e-9
"""Growth given up, at most, to leave a lever where it is."""


def _climbed(
    evaluate: Evaluate,
    samples: Samples,
    rows: Sequence[int],
    floors: Sequence[int],
    climbs: int,
    population: tuple[int, int] | None = None,
) -> Found:
    """Give the best of some climbs from the best samples, and from those of a population."""
    starts = best_of(samples, rows, floors, climbs).each()
    if population is not None:
        size, generations = population
        grown = evolve(evaluate, samples, rows, floors, size=size, generations=generations)
        starts += best_of(grown, rows, floors, climbs).each()
    return _best([ascend(evaluate, each, rows, floors) for each in starts], rows, floors)


def _best(found: Sequence[Found], rows: Sequence[int], floors: Sequence[int]) -> Found:
    worth = worths(np.stack([each.values for each in found]), rows, floors)
    return found[int(np.argmax(worth))]


def fastest(field: Field, samples: Samples) -> Found:
    """Find the highest growth of all, targets or none."""
    return _climbed(field.evaluate, samples, [len(field.targets)], [], CLIMBS)


def alone(field: Field, samples: Samples, row: int, top: float) -> tuple[Alone, list[Found]]:
    """Find what one target asks by itself, ``top`` being the highest growth of all."""
    growth = len(field.targets)
    best = _climbed(field.evaluate, samples, [row], [], 2)
    seen = [best]
    rate = math.nan
    if best.values[row] >= 0:
        known = samples.also(seen)
        holding = known.values[known.values[:, row] >= 0, growth]
        rate = float(holding.max())
        if rate < top - NEAR:
            seen.append(_climbed(field.evaluate, known, [growth], [row], CLIMBS, FEW))
            rate = max(rate, float(seen[-1].values[growth]))
    spread = float(field.spreads[row])
    here = field.evaluate(field.here[None])[0, row]
    margin = float(best.values[row]) * spread if best.values[row] > BROKEN else math.nan
    return Alone(field.targets[row], spread, float(here) * spread, margin, rate), seen


def together(
    field: Field, samples: Samples, kept: list[int]
) -> tuple[list[int], list[int], Samples]:
    """Leave out one target after the other until the others hold together."""
    clashing: list[int] = []
    while kept:
        top = _climbed(field.evaluate, samples, kept, [], 2, FEW)
        samples = samples.also([top])
        if top.values[kept].min() >= 0:
            break
        worst = min(kept, key=lambda row: float(top.values[row]))
        kept = [row for row in kept if row != worst]
        clashing.append(worst)
    return kept, clashing, samples


def highest(field: Field, samples: Samples, kept: Sequence[int]) -> list[Found]:
    """Find the highest growth at which some targets hold: by each search, the best it saw."""
    growth = len(field.targets)
    ends = []
    for seed in range(SEARCHES):
        grown = evolve(field.evaluate, samples, [growth], kept, seed=seed)
        starts = best_of(grown, [growth], kept, CLIMBS).each()
        tops = [ascend(field.evaluate, each, [growth], kept) for each in starts]
        ends.append(_best(tops, [growth], kept))
    return ends


def settled(field: Field, found: Found, kept: Sequence[int]) -> Found:
    """Leave each lever where it is if that costs no growth and breaks no target.

    Many levers have nothing to do with growth, and where a population left them means nothing.
    """
    rows, growth = list(kept), len(field.targets)
    best = found
    for lever in range(len(field.here)):
        place = best.place.copy()
        place[lever] = field.here[lever]
        values = field.evaluate(place[None])[0]
        if (values[rows] >= 0).all() and values[growth] >= found.values[growth] - SAME:
            best = Found(place, values)
    return best


@dataclass(frozen=True)
class _Floored:
    """A field with one more part: growth above a level, so that it may be a floor."""

    field: Field
    level: float

    def __call__(self, places: Floats) -> Floats:
        return self.add(self.field.evaluate(places))

    def add(self, values: Floats) -> Floats:
        # In tenths of a point, so that it compares with margins in spreads.
        return np.column_stack([values, (values[:, len(self.field.targets)] - self.level) * 1000])


def _best_at(field: Field, samples: Samples, kept: Sequence[int], level: float) -> Found:
    """Find the policy with at least some growth whose smallest margin is largest."""
    floored = _Floored(field, level)
    known = Samples(samples.places, floored.add(samples.values))
    found = _climbed(floored, known, kept, [len(field.targets) + 1], 2, FEW)
    return Found(found.place, found.values[:-1])


def along(
    field: Field,
    samples: Samples,
    kept: Sequence[int],
    top: Found | None,
    reach: float,
    count: int,
    tell: Callable[[int], None],
) -> list[Found]:
    """Give the policies whose smallest margin is largest, at so many rates of growth, rising.

    Sought from above: a policy with more growth is one with at least so much, so that margins
    cannot rise with growth.
    """
    growth = len(field.targets)
    slow = _climbed(field.evaluate, samples, kept, [], 2, FEW)
    first = float(slow.values[growth])
    last = reach if top is None else float(top.values[growth])
    beyond = last + (reach - last) / 3  # where margins have gone
    found: list[Found] = []
    known = samples
    if beyond > first:
        inside = np.linspace(first, last, count)[1:] if last > first else np.array([])
        levels = [*inside, *([beyond] if beyond > last else [])]
        for number, level in enumerate(reversed(levels)):
            found.append(_best_at(field, known, kept, float(level)))
            known = known.also(found[-1:])
            tell(number + 1)
    kept_apart: list[Found] = []
    for each in [*found, slow]:
        if not kept_apart or each.values[growth] < kept_apart[-1].values[growth] - STEP:
            kept_apart.append(each)
    return kept_apart[::-1]
