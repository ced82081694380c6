"""Screening: which of many factors move an output at all, by Morris' elementary effects.

Reference: M. D. Morris, Technometrics 33 (1991) 161-174; F. Campolongo and others, Environmental
Modelling & Software 22 (2007) 1509-1518 for the mean of absolute effects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from plansim.analysis.evaluator import Evaluator, Progress, Request, processors
from plansim.analysis.experiments.design import Design, DesignKind
from plansim.analysis.experiments.design_file import LEVELS, TRAJECTORIES, read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.errors import check_counts
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.targets.catalogue import targets_of
from plansim.targets.target import Target, binding_targets

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ElementaryEffects",
    "Margins",
    "elementary_effects",
    "leading",
    "margins_of",
    "morris",
    "screening_points",
    "seeded",
]


Margins: TypeAlias = Callable[[FloatArray], FloatArray]
"""From points to margins, ``(run, factor)`` → ``(target, run)``; NaN in runs that fail."""


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


def morris(
    model: Model,
    design: Design | str | Path,
    targets: Sequence[Target | str] | None = None,
    *,
    trajectories: int = TRAJECTORIES,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> pd.DataFrame:
    """Return the elementary effects of a design's factors on margins of targets, by new runs.

    Columns: ``target``, ``factor``, ``factor_zh``; ``mu``, the mean of the effects, in the target's
    unit over the factor's whole range; ``mu_star``, the mean of their sizes, with
    ``mu_star_conf``, half the width of its 95 % interval; ``sigma``, their standard deviation. The
    largest ``mu_star`` of a target comes first. All is under the design's first scenario.

    Args:
        model: the model.
        design: a design, or the name or path of one.
        targets: records or ids; by default the binding ones of the catalogue beside the model.
        trajectories: each takes a run more than there are factors.
        seed: of the random numbers; by default that of the design.
        threads: None for as many as there are processors.
        progress: is told how many runs are done, of how many.

    Raises:
        InputError: a constant that the shape of the code depends on cannot vary.
        ModelError: the model cannot be compiled.

    >>> model = plansim.load_model("lake.mdl")
    >>> frame = plansim.morris(model, "design.yaml", trajectories=8)
    >>> frame[["target", "factor", "mu_star"]].round().head(1)
      target factor  mu_star
    0     F1   room    187.0
    """
    import pandas as pd

    design = seeded(design, model, seed)
    catalogue = targets_of(model, targets)
    binding = binding_targets(catalogue) if targets is None else catalogue
    points = screening_points(design, trajectories)
    progress(0, len(points))
    margins = margins_of(model, design, binding, threads)(points)
    effects = elementary_effects(points, margins, design.seed)
    progress(len(points), len(points))
    parts = [
        pd.DataFrame(
            {
                "target": target.id,
                "factor": [factor.name for factor in design.factors],
                "factor_zh": [factor.name_zh for factor in design.factors],
                "mu": effects.mean[row],
                "mu_star": effects.strength[row],
                "mu_star_conf": effects.strength_error[row],
                "sigma": effects.spread[row],
            }
        ).sort_values("mu_star", ascending=False, kind="stable")
        for row, target in enumerate(binding)
    ]
    return pd.concat(parts, ignore_index=True)


def seeded(design: Design | str | Path, model: Model, seed: int | None) -> Design:
    """Return a design, read if need be, with the seed that is asked for."""
    if not isinstance(design, Design):
        return read_design(design, model, seed=seed)
    return design if seed is None else replace(design, seed=seed)


def margins_of(
    model: Model, design: Design, targets: Sequence[Target], threads: int | None
) -> Margins:
    """Return what runs a design's first scenario at points, and gives the margins of targets.

    Raises:
        InputError: a constant that the shape of the code depends on cannot vary.
        ModelError: the model cannot be compiled.
    """
    evaluator = Evaluator(model, design.scenarios[0], design.factors, Request((*targets,)))
    many = threads or processors()
    return lambda points: evaluator.evaluate(points, many).least_margins(targets).T


def screening_points(design: Design, trajectories: int) -> FloatArray:
    """Return points of a design's factors on Morris trajectories: ``(point, factor)``."""
    check_counts(trajectories=trajectories)
    count = trajectories * (len(design.factors) + 1)
    screening = replace(design, kind=DesignKind.MORRIS, points=count, levels=LEVELS)
    return Sampler(screening).draw(0, count)


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
    names = [str(column) for column in range(count)]
    problem = {"num_vars": count, "names": names, "bounds": [[0.0, 1.0]] * count}
    parts = [
        morris.analyze(dict(problem), inputs[rows], output[rows], num_levels=LEVELS, seed=seed)
        for output in outputs
    ]
    measures = [
        np.array([np.asarray(part[key], dtype=np.float64) for part in parts])
        for key in ("mu", "mu_star", "mu_star_conf", "sigma")
    ]
    mean, strength, error, spread = measures
    return ElementaryEffects(mean, strength, error, spread, int(whole.sum()))


def leading(strength: FloatArray, each: int, least: int) -> Sequence[int]:
    """Return the columns of the factors that lead, in order: ``(output, factor)`` → columns.

    For every output its ``each`` strongest, and, if these are fewer than ``least`` together, others
    by their largest strength relative to the strongest factor of an output.

    >>> leading(np.array([[90.0, 10.0, 30.0, 0.0], [1.0, 0.0, 8.0, 2.0]]), each=1, least=3)
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
