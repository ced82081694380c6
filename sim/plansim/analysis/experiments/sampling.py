"""How points of a design are drawn: Sobol's sequence, Latin hypercube, grid, Morris trajectories.

The point of run i depends only on the design, its seed and i, not on the number of threads, the
blocks or their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.analysis.experiments.design import Design, DesignKind
from plansim.analysis.experiments.distributions import levels_of, quantiles
from plansim.scenario.factors import Factor, FloatArray

if TYPE_CHECKING:
    from scipy.stats import qmc

__all__ = ["MOST_HYPERCUBE", "MOST_RUNS", "Sampler", "grid_axes"]


MOST_RUNS = 2**32
"""Length of a 32-bit Sobol sequence."""
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
