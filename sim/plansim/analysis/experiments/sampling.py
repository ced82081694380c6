"""Drawing the points of a design, and some of the runs of a sweep that is stored.

Point i depends only on the design, its seed and i, not on the number of threads, the blocks or
their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.analysis.experiments.design import Design, DesignKind, levels_of, quantiles
from plansim.scenario.factors import Factor, FloatArray

if TYPE_CHECKING:
    import xarray as xr
    from scipy.stats import qmc

__all__ = ["MOST_HYPERCUBE", "Sampler", "drawn_runs", "grid_axes"]

MOST_HYPERCUBE = 1_000_000
"""Maximum number of points of a Latin hypercube, which has to be drawn as a whole."""
DRAWN = 2**13
"""Maximum number of runs of a sweep that are looked at factor by factor: more would hardly move
what is found, and do not fit into memory."""


class Sampler:
    """Draws the points of a design, block by block.

    It keeps its position in Sobol's sequence, so that drawing block after block costs no more than
    drawing all at once; a jump costs some nanoseconds a point. It is not safe for threads.
    """

    def __init__(self, design: Design) -> None:
        self._design = design
        self._sequence: qmc.Sobol | None = None
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

        sequence = self._sequence
        if sequence is None or sequence.num_generated > start:
            rng = np.random.default_rng(self._design.seed)
            sequence = qmc.Sobol(len(self._design.factors), scramble=True, bits=32, rng=rng)
            # scipy warns unless the first draw is of a power of two of points; so draw one.
            first: FloatArray = sequence.random(1)
        else:
            first = np.empty((0, len(self._design.factors)))
        if start and len(first):
            first = first[:0]
        ahead = start + len(first) - sequence.num_generated
        if ahead:
            sequence.fast_forward(ahead)
        rest: FloatArray = sequence.random(stop - start - len(first))
        self._sequence = sequence
        # The middle of each of 2^32 cells: neither 0 nor 1, whose quantiles may be infinite.
        return np.concatenate([first, rest]) + 2.0**-33

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


def drawn_runs(study: xr.Dataset, *, together: int = 1, most: int = DRAWN) -> npt.NDArray[np.intp]:
    """Return the numbers of runs of a sweep, in order: all, or of many some drawn at random.

    ``together`` says how many runs side by side are drawn as one: those of a point under each
    scenario, or each by itself.
    """
    runs = study.sizes["run"]
    if runs <= most:
        return np.arange(runs, dtype=np.intp)
    rng = np.random.default_rng(0)
    drawn = rng.choice(runs // together, most // together, replace=False, shuffle=False)
    return (np.sort(drawn)[:, None] * together + np.arange(together)).reshape(-1)
