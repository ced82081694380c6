"""Screening: which of many factors move an output at all, by Morris' elementary effects.

Reference: M. D. Morris, Technometrics 33 (1991) 161-174; F. Campolongo and others, Environmental
Modelling & Software 22 (2007) 1509-1518 for the mean of absolute effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plansim.analysis.experiments.design import Design, DesignKind
from plansim.scenario.factors import FloatArray

__all__ = ["LEVELS", "ElementaryEffects", "elementary_effects", "leading", "screening_design"]

LEVELS = 4
"""Number of levels of each factor on a trajectory."""


@dataclass(frozen=True)
class ElementaryEffects:
    """Elementary effects of every factor on every output; each array is ``(output, factor)``.

    An effect is the change of the output, in its unit, over the factor's whole range, extrapolated
    from a step of two thirds of it. NaN for an output without one whole trajectory.
    """

    mean: FloatArray
    strength: FloatArray
    """mu_star, the mean of the absolute effects."""
    strength_error: FloatArray
    """Half the width of its 95 % interval."""
    spread: FloatArray
    """sigma, the standard deviation of the effects: large against mu_star where a factor acts
    nonlinearly or in interaction with others."""
    trajectories: int
    """Number of whole trajectories, in which no run broke down."""


def screening_design(design: Design, trajectories: int) -> Design:
    """Return the design of the same factors on Morris trajectories."""
    points = trajectories * (len(design.factors) + 1)
    return replace(design, kind=DesignKind.MORRIS, points=points, levels=LEVELS)


def elementary_effects(inputs: FloatArray, outputs: FloatArray, seed: int = 0) -> ElementaryEffects:
    """Compute the elementary effects on whole trajectories.

    Args:
        inputs: ``(point, factor)``, the points of one trajectory after those of the other.
        outputs: ``(output, point)``; a trajectory on which any is NaN is left out.
        seed: seed of the resamples for the error.
    """
    from SALib.analyze import morris

    count = inputs.shape[1]
    whole = np.isfinite(outputs).all(axis=0).reshape(-1, count + 1).all(axis=1)
    rows = np.repeat(whole, count + 1)
    if whole.sum() < 2:
        nothing = np.full((len(outputs), count), np.nan)
        return ElementaryEffects(nothing, nothing, nothing, nothing, int(whole.sum()))
    problem = {
        "num_vars": count,
        "names": [str(column) for column in range(count)],
        "bounds": [[0.0, 1.0]] * count,
    }
    parts = [
        morris.analyze(dict(problem), inputs[rows], output[rows], num_levels=LEVELS, seed=seed)
        for output in outputs
    ]
    measures = {
        key: np.array([np.asarray(part[key], dtype=np.float64) for part in parts])
        for key in ("mu", "mu_star", "mu_star_conf", "sigma")
    }
    return ElementaryEffects(
        measures["mu"],
        measures["mu_star"],
        measures["mu_star_conf"],
        measures["sigma"],
        int(whole.sum()),
    )


def leading(strength: FloatArray, each: int, least: int) -> Sequence[int]:
    """Return the columns of the factors that lead, in order: ``(output, factor)`` → columns.

    For every output its ``each`` strongest, and, if these are fewer than ``least`` together, others
    by their largest strength relative to the strongest factor of an output.

    >>> leading(np.array([[9.0, 1.0, 3.0, 0.0], [1.0, 0.0, 8.0, 2.0]]), each=1, least=3)
    [0, 2, 3]
    """
    strength = np.nan_to_num(strength)
    top = strength.max(axis=1, keepdims=True)
    part = np.divide(strength, top, out=np.zeros_like(strength), where=top > 0).max(axis=0)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :each]
    chosen = {int(column) for row, columns in enumerate(order) for column in columns
              if strength[row, column] > 0}  # fmt: skip
    for column in np.argsort(-part, kind="stable"):
        if len(chosen) >= least or part[column] == 0:
            break
        chosen.add(int(column))
    return sorted(chosen)
