"""The design of a sweep: its runs, the values that each of them sets, and how they are drawn.

A run is a point of the design under one of its scenarios. The point of run i depends only on the
design, its seed and i, not on the number of threads, the blocks or their order. It gives each
factor a number u between 0 and 1; the distribution's quantile of u is the factor's value, so that
one design serves all distributions.

`scipy.stats` would draw the same values: norm and lognorm to 2 ulp, triang to 2 ulp away from zero,
truncnorm to 3e-16 of the standard deviation. But triang takes 6 times and truncnorm 20 times as
long (210 ns a value where a whole run takes 20 µs), so a design of many truncated normals would be
slower by more than a tenth.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.errors import Fault
from plansim.model.records import Model, VariableKind
from plansim.scenario.factors import Apply, Distribution, Factor, FloatArray
from plansim.scenario.levers import lever_of
from plansim.scenario.scenario_file import Scenario

if TYPE_CHECKING:
    from scipy.stats import qmc

__all__ = [
    "MOST_HYPERCUBE",
    "MOST_RUNS",
    "Design",
    "DesignKind",
    "Discrete",
    "Lognormal",
    "Normal",
    "Sampler",
    "Triangular",
    "Uniform",
    "grid_axes",
    "levels_of",
    "quantiles",
    "remaining_factors",
]


class Between(ABC):
    """A continuous distribution between two ends."""

    low: float
    high: float

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the quantiles of the probabilities ``u``, in the same shape."""
        return np.clip(self._inverse(u), self.low, self.high)

    @abstractmethod
    def _inverse(self, u: FloatArray) -> FloatArray: ...


@dataclass(frozen=True)
class Uniform(Between):
    """The uniform distribution from ``low`` to ``high``."""

    low: float
    high: float

    def _inverse(self, u: FloatArray) -> FloatArray:
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Triangular(Between):
    """The triangular distribution from ``low`` to ``high`` with its mode."""

    low: float
    mode: float
    high: float

    def _inverse(self, u: FloatArray) -> FloatArray:
        width = self.high - self.low
        left, right = self.mode - self.low, self.high - self.mode
        return np.where(
            u * width < left,
            self.low + np.sqrt(u * width * left),
            self.high - np.sqrt((1 - u) * width * right),
        )


@dataclass(frozen=True)
class Normal(Between):
    """A normal distribution, cut off at ``low`` and ``high``."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    def _inverse(self, u: FloatArray) -> FloatArray:
        from scipy.special import ndtr, ndtri  # slow to load, and other distributions do without

        ends = ndtr((np.array([self.low, self.high]) - self.mean) / self.sd)
        return np.asarray(self.mean + self.sd * ndtri(ends[0] + (ends[1] - ends[0]) * u))


@dataclass(frozen=True)
class Lognormal(Between):
    """A normal distribution of the logarithm, cut off at ``low`` and ``high``."""

    median: float
    spread: float
    """The standard deviation of the natural logarithm."""
    low: float = 0.0
    high: float = math.inf

    def _inverse(self, u: FloatArray) -> FloatArray:
        ends = [math.log(end) if end > 0 else -math.inf for end in (self.low, self.high)]
        return np.exp(Normal(math.log(self.median), self.spread, *ends).quantile(u))


@dataclass(frozen=True)
class Discrete:
    """One of ``values``, with probabilities in proportion to ``weights``."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the first value whose summed probability exceeds ``u``; the shape stays."""
        ends = np.cumsum(self.weights) / np.sum(self.weights)
        index = np.searchsorted(ends, u, side="right")
        return np.array(self.values)[np.minimum(index, len(self.values) - 1)]


def quantiles(factors: Sequence[Factor], shares: FloatArray) -> FloatArray:
    """Return the values of factors at probabilities, both ``(point, factor)``.

    Without those of factors that have no distribution.
    """
    columns = [
        factor.distribution.quantile(shares[:, column])
        for column, factor in enumerate(factors)
        if factor.distribution is not None
    ]
    return np.stack(columns, axis=1)


def levels_of(distribution: Distribution, count: int) -> FloatArray:
    """Return the values of a grid's axis: all of a discrete distribution, else ``count`` of them.

    They are the quantiles of evenly spaced shares, both ends included; where the distribution has
    no ends, the middles of as many equal shares.
    """
    match distribution:
        case Discrete():
            return np.array(distribution.values)
        case _ if count == 1:
            return distribution.quantile(np.array([0.5]))
        case _ if math.isfinite(distribution.low) and math.isfinite(distribution.high):
            return distribution.quantile(np.linspace(0, 1, count))
        case _:
            return distribution.quantile((np.arange(count) + 0.5) / count)


# --- designs -------------------------------------------------------------------------------------


MOST_RUNS = 2**32
"""Length of a 32-bit Sobol sequence."""


class DesignKind(StrEnum):
    """Sampling method of a design."""

    SOBOL = "sobol"  # scrambled; fills the space evenly at every length
    LATIN_HYPERCUBE = "latin hypercube"
    GRID = "grid"  # every combination of levels
    MORRIS = "morris"  # trajectories that change one factor at a time

    @property
    def is_sample(self) -> bool:
        """Whether the points sample a distribution, so that shares of them are probabilities."""
        return self in (DesignKind.SOBOL, DesignKind.LATIN_HYPERCUBE)


@dataclass(frozen=True)
class Design:
    """The design of a sweep: its factors, scenarios, sampling and outputs."""

    id: str
    title_en: str
    title_zh: str
    kind: DesignKind
    scenarios: tuple[Scenario, ...]
    factors: tuple[Factor, ...]
    points: int
    seed: int
    levels: int
    """Levels of a grid, for factors without their own number, and of Morris trajectories."""
    outputs: tuple[str, ...]
    """References to series, ``name`` or ``name[element]``, that are kept for every run."""
    years: tuple[int, ...]
    """Years of which the outputs are kept."""
    path: Path | None = None
    """The design's file; None if it has none."""
    sha256: str = ""
    """SHA-256 of that file's bytes."""
    warnings: tuple[Fault, ...] = ()

    @property
    def runs(self) -> int:
        """Number of runs: run i is point i // s under scenario i % s, of s scenarios."""
        return self.points * len(self.scenarios)


def remaining_factors(
    model: Model, taken: Collection[str], scenarios: Iterable[Scenario], without: Collection[str]
) -> Iterator[Factor]:
    """Return a factor, uniform over its plausible range, for each constant that remains.

    So that a study of uncertainty omits nothing by oversight, these are all scalar constants with a
    plausible range that no other factor acts on, except levers, which are chosen and not uncertain,
    and constants that the scenarios set.

    Args:
        model: the model.
        taken: constants that other factors act on, ``name`` or ``name[e1,e2]``.
        scenarios: constants that any of these sets are assumptions and stay fixed.
        without: names of further constants that stay fixed.

    Arrays remain fixed: their range is that of all elements together, not of one.
    """
    fixed = {*taken, *without}
    for scenario in scenarios:
        fixed |= scenario.values.keys()
    for variable in model.variables.values():
        if (
            variable.kind is VariableKind.CONSTANT
            and isinstance(variable.value, float)
            and variable.plausible is not None
            and variable.plausible[0] < variable.plausible[1]
            and variable.name not in fixed
            and lever_of(model, variable.name) is None
        ):
            yield Factor(
                name=variable.name,
                constants=(variable.name,),
                apply=Apply.SET,
                distribution=Uniform(*variable.plausible),
                unit=variable.unit,
                name_zh=variable.name_zh,
            )


# --- points ---------------------------------------------------------------------------------------


MOST_HYPERCUBE = 1_000_000
"""Maximum number of points of a Latin hypercube, which has to be drawn as a whole."""


class Sampler:
    """Draws the points of a design, block by block.

    It keeps its position in Sobol's sequence, so that drawing block after block costs no more than
    drawing all at once; a jump costs some nanoseconds a point. It is not safe for threads.
    """

    def __init__(self, design: Design) -> None:
        self._design = design
        self._sequence: qmc.Sobol | None = None
        self._first: FloatArray = np.empty((0, 0))
        self._hypercube: FloatArray | None = None

    def draw(self, start: int, stop: int) -> FloatArray:
        """Return the factors' values at the points from ``start`` to before ``stop``.

        The result is ``(point, factor)``, in the factors' units.
        """
        design = self._design
        match design.kind:
            case DesignKind.GRID:
                return _grid(design, np.arange(start, stop))
            case DesignKind.SOBOL:
                shares = self._sobol(start, stop)
            case DesignKind.LATIN_HYPERCUBE:
                shares = self._latin_hypercube()[start:stop]
            case DesignKind.MORRIS:
                shares = _morris(design, start, stop)
        return quantiles(design.factors, shares)

    def _sobol(self, start: int, stop: int) -> FloatArray:
        from scipy.stats import qmc  # slow to load

        if self._sequence is None or self._sequence.num_generated > max(start, 1):
            rng = np.random.default_rng(self._design.seed)
            self._sequence = qmc.Sobol(len(self._design.factors), scramble=True, bits=32, rng=rng)
            # scipy warns unless the first draw is of a power of two of points; so draw one.
            self._first = self._sequence.random(1)
        begin = max(start, 1)
        self._sequence.fast_forward(begin - self._sequence.num_generated)
        points: FloatArray = self._sequence.random(stop - begin)
        # The middle of each of 2^32 cells: neither 0 nor 1, whose quantiles may be infinite.
        return (points if start else np.concatenate([self._first, points])) + 2.0**-33

    def _latin_hypercube(self) -> FloatArray:
        if self._hypercube is None:
            from scipy.stats import qmc

            rng = np.random.default_rng(self._design.seed)
            sampler = qmc.LatinHypercube(len(self._design.factors), rng=rng)
            self._hypercube = sampler.random(self._design.points)
        return self._hypercube


def _grid(design: Design, points: npt.NDArray[np.int64]) -> FloatArray:
    """Return combinations of levels, the last factor changing fastest."""
    axes = grid_axes(design.factors, design.levels)
    indices = np.unravel_index(points, [len(axis) for axis in axes])
    return np.stack([axis[column] for axis, column in zip(axes, indices, strict=True)], axis=1)


def grid_axes(factors: Sequence[Factor], levels: int) -> list[FloatArray]:
    """Return the values of each factor that a grid combines."""
    return [
        levels_of(factor.distribution, factor.levels or levels)
        for factor in factors
        if factor.distribution is not None
    ]


def _morris(design: Design, start: int, stop: int) -> FloatArray:
    """Return points of Morris trajectories, as shares between 0 and 1.

    With k factors a trajectory has k + 1 points. It begins at a random point of a grid of p
    levels; from each point to the next one factor moves by p/2 levels, up or down. The order of
    the factors is random.

    Reference: M. D. Morris, Factorial sampling plans for preliminary computational experiments,
    Technometrics 33 (1991) 161-174.
    """
    count, levels = len(design.factors), design.levels
    length = count + 1
    trajectories = range(start // length, -(-stop // length))
    shares = np.empty((len(trajectories), length, count))
    for column, trajectory in enumerate(trajectories):
        rng = np.random.default_rng([design.seed, trajectory])
        low = rng.integers(0, levels // 2, count)
        rises = rng.integers(0, 2, count, dtype=bool)
        turn = rng.permutation(count)  # when each factor moves
        moved = np.arange(length)[:, np.newaxis] > turn
        shares[column] = low + np.where(moved == rises, levels // 2, 0)
    first = trajectories.start * length
    return shares.reshape(-1, count)[start - first : stop - first] / (levels - 1)
