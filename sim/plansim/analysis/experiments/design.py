"""The design of a sweep: which runs there are, and what each of them sets.

A run is a point of the design under one of its scenarios. Which point run i is depends on the
design, its seed and i alone: not on how many threads draw, in which blocks or order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

from plansim.analysis.experiments.factors import Factor, levels_of
from plansim.errors import Fault
from plansim.scenario.reader import Scenario
from plansim.targets.indicator import Floats

__all__ = ["MOST_HYPERCUBE", "MOST_RUNS", "Design", "Kind", "Sampler", "describe", "grid_axes"]

MOST_RUNS = 2**32
"""A Sobol sequence of 32 bits has as many points."""

MOST_HYPERCUBE = 1_000_000
"""A Latin hypercube has to be drawn whole: more points than this are left to Sobol's sequence."""


class Kind(StrEnum):
    """How the points of a design are laid."""

    SOBOL = "sobol"  # scrambled; fills the space evenly at every length
    LATIN_HYPERCUBE = "latin hypercube"
    GRID = "grid"  # every combination of levels
    MORRIS = "morris"  # trajectories that change one factor at a time
    TABLE = "table"  # the user's own

    @property
    def is_sample(self) -> bool:
        """Whether the points stand for a distribution, so that shares of them are probabilities."""
        return self in (Kind.SOBOL, Kind.LATIN_HYPERCUBE)


@dataclass(frozen=True)
class Design:
    """What a sweep runs."""

    id: str
    title_en: str
    title_zh: str
    kind: Kind
    scenarios: tuple[Scenario, ...]
    factors: tuple[Factor, ...]
    points: int
    seed: int
    levels: int
    """Of a grid, where a factor has none of its own, and of Morris trajectories."""
    outputs: tuple[str, ...]
    """References to series, ``name`` or ``name[element]``, that are kept for every run."""
    years: tuple[int, ...]
    """At which they are kept."""
    table: Floats | None = field(default=None, compare=False, repr=False)
    """``(point, factor)`` of a table."""
    table_sha256: str = ""
    path: Path | None = None
    """None where no file holds the design."""
    sha256: str = ""
    """Of that file's bytes."""
    warnings: tuple[Fault, ...] = ()

    @property
    def runs(self) -> int:
        """Each point is run under each scenario: run i is point i // s under scenario i % s."""
        return self.points * len(self.scenarios)


def describe(design: Design) -> dict[str, Any]:
    """Say, in JSON's terms, all of a design that its runs depend on."""
    return {
        "kind": design.kind.value,
        "points": design.points,
        "seed": design.seed,
        "levels": design.levels,
        "table": design.table_sha256,
        "scenarios": {
            each.id: {
                "values": dict(sorted(each.values.items())),
                "time": [each.time.initial, each.time.final, each.time.step, each.time.saveper],
                "assumed": sorted(each.assumed),
            }
            for each in design.scenarios
        },
        "factors": {each.name: _factor(each) for each in design.factors},
        "outputs": list(design.outputs),
        "years": list(design.years),
    }


def _factor(factor: Factor) -> dict[str, Any]:
    distribution = factor.distribution
    shape: Mapping[str, Any] = {} if distribution is None else vars(distribution)
    return {
        "constants": list(factor.constants),
        "apply": factor.apply.value,
        "unit": factor.unit,
        "levels": factor.levels,
        "distribution": "table" if distribution is None else type(distribution).__name__.lower(),
        # JSON has no infinity: an open end is left out.
        **{
            key: list(value) if isinstance(value, tuple) else value
            for key, value in shape.items()
            if isinstance(value, tuple) or np.isfinite(value)
        },
    }


class Sampler:
    """Draws the points of a design, block by block.

    It keeps its place in Sobol's sequence, so that to draw one block after the other costs no
    more than to draw all at once; to jump costs some nanoseconds a point. One thread at a time
    may draw.
    """

    def __init__(self, design: Design) -> None:
        self._design = design
        self._sequence: qmc.Sobol | None = None
        self._hypercube: Floats | None = None

    def draw(self, start: int, stop: int) -> Floats:
        """Give the factors' values at the points from ``start`` to before ``stop``.

        Shape ``(point, factor)``, in the factors' units.
        """
        design = self._design
        match design.kind:
            case Kind.TABLE:
                assert design.table is not None
                return design.table[start:stop]
            case Kind.GRID:
                return _grid(design, np.arange(start, stop))
            case Kind.SOBOL:
                shares = self._sobol(start, stop)
            case Kind.LATIN_HYPERCUBE:
                shares = self._latin_hypercube()[start:stop]
            case Kind.MORRIS:
                shares = _morris(design, start, stop)
        columns = [
            factor.distribution.quantile(shares[:, place])
            for place, factor in enumerate(design.factors)
            if factor.distribution is not None
        ]
        return np.stack(columns, axis=1)

    def _sobol(self, start: int, stop: int) -> Floats:
        sequence = self._sequence
        if sequence is None or sequence.num_generated > start:
            rng = np.random.default_rng(self._design.seed)
            sequence = qmc.Sobol(len(self._design.factors), scramble=True, bits=32, rng=rng)
            # scipy warns if what is drawn first is no power of two; so draw one point.
            first: Floats = sequence.random(1)
        else:
            first = np.empty((0, len(self._design.factors)))
        if start and len(first):
            first = first[:0]
        ahead = start + len(first) - sequence.num_generated
        if ahead:
            sequence.fast_forward(ahead)
        rest: Floats = sequence.random(stop - start - len(first))
        self._sequence = sequence
        # The middle of each of 2^32 cells: neither 0 nor 1, whose quantiles may be infinite.
        return np.concatenate([first, rest]) + 2.0**-33

    def _latin_hypercube(self) -> Floats:
        if self._hypercube is None:
            rng = np.random.default_rng(self._design.seed)
            sampler = qmc.LatinHypercube(len(self._design.factors), rng=rng)
            self._hypercube = sampler.random(self._design.points)
        return self._hypercube


def _grid(design: Design, points: npt.NDArray[np.int64]) -> Floats:
    """Give combinations of levels, the last factor changing fastest."""
    axes = grid_axes(design)
    places = np.unravel_index(points, [len(axis) for axis in axes])
    return np.stack([axis[place] for axis, place in zip(axes, places, strict=True)], axis=1)


def grid_axes(design: Design) -> list[Floats]:
    """Give the values of each factor that a grid combines."""
    return [
        levels_of(factor.distribution, factor.levels or design.levels)
        for factor in design.factors
        if factor.distribution is not None
    ]


def _morris(design: Design, start: int, stop: int) -> Floats:
    """Give points of Morris trajectories, as shares between 0 and 1.

    With k factors a trajectory has k + 1 points. It begins at a random point of a grid of p
    levels; from each point to the next one factor moves by p/2 levels, up or down. The order of
    the factors is random.

    Reference: M. D. Morris, Factorial sampling plans for preliminary computational experiments,
    Technometrics 33 (1991) 161-174.
    """
    count, levels = len(design.factors), design.levels
    length = count + 1
    trajectories = range(start // length, -(-stop // length))
    found = np.empty((len(trajectories), length, count))
    for place, trajectory in enumerate(trajectories):
        rng = np.random.default_rng([design.seed, trajectory])
        low = rng.integers(0, levels // 2, count)
        rises = rng.integers(0, 2, count, dtype=bool)
        turn = rng.permutation(count)  # when each factor moves
        moved = np.arange(length)[:, np.newaxis] > turn
        found[place] = low + np.where(moved == rises, levels // 2, 0)
    first = trajectories.start * length
    return found.reshape(-1, count)[start - first : stop - first] / (levels - 1)
