"""The check of a frontier by brute force: many settings, none of which may grow faster.

It shares with the search only the model and what it is judged by. Five ways of looking: evenly over
the whole box; the same with many levers at an end, where answers mostly stand; every combination of
the few levers that matter most; each lever and each pair moved from the answer; and all levers or
some at random, at several distances from it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from plansim.analysis.optimization.ascent import STRETCH
from plansim.analysis.optimization.frontier_field import Field
from plansim.analysis.optimization.frontier_records import Alone, Check, Look, Way
from plansim.analysis.optimization.search_space import BROKEN, Found, slopes_at, sound
from plansim.targets.indicator import Floats

__all__ = ["SETTINGS", "TOLERANCE", "check", "grid_of"]

SETTINGS = 2**16
"""Of each look over all levers, and of the grid at most."""
TOLERANCE = 1e-5
"""Of growth, a thousandth of a point a year: less is no other answer."""
RADII = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
GRIDS = ((4, 16), (3, 30), (2, 30), (1, 2))
"""Levers of a grid, and the points a lever that it takes at least."""
BLOCK = 2**14
"""Settings that are looked at together, so that memory does not grow with their number."""
SEED = 20060101
"""Other than the search's."""


@dataclass
class _Tally:
    """What blocks of settings came to: for each question the best setting of all so far.

    Questions are the highest growth at which all targets hold that are kept, then for each target
    the highest growth at which it holds, then its largest margin.
    """

    field: Field
    kept: list[int]

    def __post_init__(self) -> None:
        self.growth = len(self.field.targets)
        self.best = np.full(1 + 2 * self.growth, -np.inf)
        self.found: list[Found | None] = [None] * len(self.best)

    def look(self, way: Way, blocks: Iterator[Floats], **more: object) -> Look:
        """Look at all settings of one way."""
        settings = feasible = 0
        best = -np.inf
        for places in blocks:
            values = sound(self.field.evaluate(places))
            margins, rates = values[:, : self.growth], values[:, self.growth]
            holds = (margins >= 0) & (rates > BROKEN)[:, None]
            good = holds[:, self.kept].all(axis=1)
            settings += len(places)
            feasible += int(good.sum())
            scores = np.column_stack(
                [
                    np.where(good, rates, -np.inf),
                    np.where(holds, rates[:, None], -np.inf),
                    np.where(margins > BROKEN, margins, -np.inf),
                ]
            )
            tops = scores.argmax(axis=0)
            best = max(best, float(scores[tops[0], 0]))
            for question, row in enumerate(tops):
                if scores[row, question] > self.best[question]:
                    self.best[question] = scores[row, question]
                    self.found[question] = Found(places[row], values[row])
        return Look(way, settings, feasible, _number(best), **more)  # type: ignore[arg-type]


def _number(value: float) -> float:
    return float(value) if math.isfinite(value) else math.nan


def check(
    field: Field,
    kept: Sequence[int],
    answer: Found,
    alone: Sequence[Alone],
    settings: int = SETTINGS,
) -> tuple[Check, list[Found]]:
    """Look by brute force for more growth than an answer has.

    Args:
        field: all policies.
        kept: the targets, by their rows, that hold together in the answer.
        answer: the policy that is said to have the highest growth at which they do.
        alone: for each target of the field what was said of it alone.
        settings: of each look over all levers; a power of two is taken that is no smaller.

    Gives also the settings that beat something that was said.
    """
    tally = _Tally(field, list(kept))
    count = 1 << (settings - 1).bit_length()
    grid, side = grid_of(field, kept, answer, alone, count)
    ids = tuple(field.names[lever] for lever in grid)
    looks = (
        tally.look(Way.SWEEP, _swept(len(answer.place), count, SEED, 1.0)),
        tally.look(Way.ENDS, _swept(len(answer.place), count, SEED + 1, STRETCH)),
        tally.look(Way.GRID, _grid(answer.place, grid, side), levers=ids, side=side),
        tally.look(Way.NEIGHBOURS, _blocks(_neighbours(answer.place))),
        tally.look(Way.DIRECTIONS, _directions(answer.place, count)),
    )
    growth = len(field.targets)
    by = float(tally.best[0]) - float(answer.values[growth])
    faster = {each.target.id: tally.best[1 + row] for row, each in enumerate(alone)}
    beaten = [
        row
        for row, each in enumerate(alone)
        if tally.best[1 + row] > (-np.inf if math.isnan(each.growth) else each.growth + TOLERANCE)
    ]
    better = [tally.found[1 + row] for row in beaten]
    if by > TOLERANCE:
        better.append(tally.found[0])
    return (
        Check(
            looks=looks,
            radii=RADII,
            tolerance=TOLERANCE,
            beaten=by > TOLERANCE,
            by=_number(by),
            alone={id_: _number(rate) for id_, rate in faster.items()},
            best={
                each.target.id: _number(tally.best[1 + growth + row] * each.spread)
                for row, each in enumerate(alone)
            },
            alone_beaten=tuple(alone[row].target.id for row in beaten),
        ),
        [each for each in better if each is not None],
    )


def grid_of(
    field: Field, kept: Sequence[int], answer: Found, alone: Sequence[Alone], most: int
) -> tuple[list[int], int]:
    """Choose the levers of a grid of at most so many settings, and the points a lever.

    Levers come in turn from those that move growth most at the answer and those that move most the
    target that stops it: of the tight ones, that which alone holds to the least growth.
    """
    growth = len(field.targets)
    slopes = np.abs(slopes_at(field.evaluate, answer.place))
    tight = min(kept, key=lambda row: (round(float(answer.values[row]), 3), _rate(alone[row])))
    orders = [np.argsort(-slopes[part], kind="stable").tolist() for part in (growth, tight)]
    turn = list(dict.fromkeys(itertools.chain.from_iterable(zip(*orders, strict=True))))
    for levers, least in GRIDS:
        side = math.floor(most ** (1 / levers) + 1e-9)
        if side >= least and len(turn) >= levers:
            return turn[:levers], side
    return turn[:1], 2


def _rate(alone: Alone) -> float:
    return math.inf if math.isnan(alone.growth) else alone.growth


def _swept(levers: int, count: int, seed: int, stretch: float) -> Iterator[Floats]:
    """Spread settings evenly; a wider box is put back to the edge of the levers' own."""
    sequence = qmc.Sobol(levers, scramble=True, bits=32, rng=np.random.default_rng(seed))
    for start in range(0, count, BLOCK):
        drawn = sequence.random(min(BLOCK, count - start))
        yield np.clip(stretch * (drawn - 0.5) + 0.5, 0.0, 1.0)


def _grid(place: Floats, levers: Sequence[int], side: int) -> Iterator[Floats]:
    """Give all combinations of even points of some levers, the nearest to the answer put on it."""
    axes = []
    for lever in levers:
        axis = np.linspace(0.0, 1.0, side)
        axis[np.argmin(np.abs(axis - place[lever]))] = place[lever]
        axes.append(axis)
    total = side ** len(levers)
    for start in range(0, total, BLOCK):
        where = np.unravel_index(np.arange(start, min(start + BLOCK, total)), [side] * len(levers))
        places = np.repeat(place[None], len(where[0]), axis=0)
        for lever, axis, at in zip(levers, axes, where, strict=True):
            places[:, lever] = axis[at]
        yield places


def _neighbours(place: Floats) -> Iterator[Floats]:
    """Move each lever, and each pair of levers, up and down by every radius."""
    count = len(place)
    units = np.concatenate([np.eye(count), -np.eye(count)])
    first, second = np.triu_indices(2 * count, 1)
    moves = np.concatenate([units, units[first] + units[second]])
    for radius in RADII:
        yield np.clip(place + radius * moves, 0.0, 1.0)


def _directions(place: Floats, count: int) -> Iterator[Floats]:
    """Move at random by each radius: half of the times all levers, half some of them."""
    rng = np.random.default_rng(SEED + 2)
    levers = len(place)
    for radius in RADII:
        left = count // len(RADII)
        while left:
            size = min(BLOCK, left)
            left -= size
            moves = rng.uniform(-1.0, 1.0, (size, levers))
            part = np.where(np.arange(size) % 2, 1.0, min(1.0, 4 / levers))
            moves *= rng.random((size, levers)) < part[:, None]
            yield np.clip(place + radius * moves, 0.0, 1.0)


def _blocks(parts: Iterator[Floats]) -> Iterator[Floats]:
    for part in parts:
        for start in range(0, len(part), BLOCK):
            yield part[start : start + BLOCK]
