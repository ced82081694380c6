"""Sensitivity on runs that are there: how far each target depends on each factor of a sweep.

PAWN compares the distribution of an output in slices of a factor with that in all runs, by the
distance of Kolmogorov and Smirnov; it needs no design of its own, and no assumption of variance.

Reference: F. Pianosi, T. Wagener, A simple and efficient method for global sensitivity analysis
based on cumulative distribution functions, Environmental Modelling & Software 67 (2015) 1-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from plansim.analysis.experiments.states import drawn_runs, ids_in, sample_of_study
from plansim.model.records import several
from plansim.scenario.factors import Factor, FloatArray
from plansim.targets.target import Target

__all__ = ["pawn", "sensitivity"]

SLICES = 10
"""Number of intervals of a factor in PAWN."""


def sensitivity(
    study: xr.Dataset, targets: Iterable[Target | str] | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Return how far targets depend on the factors of a sweep, without a new run.

    Columns: ``scenario``, ``target`` and ``factor``; ``factor_zh``; ``pawn``, the median of PAWN's
    distances between the target's margin in tenths of the runs by the factor and in all of them,
    up to 1; ``by_chance``, the same of a factor that is shuffled: what is near
    it may be no influence; ``correlation``, of the ranks, whose sign says which way it acts. The
    strongest factor of a target comes first. A target whose margin does not vary has no rows.

    Args:
        study: a sweep, as `open_sweep` returns it, of a sample; of many runs some are drawn.
        targets: records or ids; by default all that the sweep judges.
        seed: of the shuffled factor.

    Raises:
        InputError: the dataset is no sweep's, nothing varies in it, or it does not judge a target.

    >>> model = plansim.load_model("lake.mdl")
    >>> study = plansim.sweep(model, "design.yaml", "sensed.zarr", force=True, threads=1)
    >>> frame = plansim.sensitivity(study, ["F1"])
    >>> frame[["target", "factor", "pawn"]].round(1).head(1)
      target factor  pawn
    0     F1   room   0.4
    """
    wanted = ids_in(study, targets)
    study = study.isel(run=drawn_runs(study))
    sample = sample_of_study(study, wanted)
    margins = np.asarray(study["margin"].sel(target=wanted).transpose("run", ...), np.float64)
    owner = np.asarray(study["scenario"])
    columns, rows = ["scenario", "target", *_COLUMNS], []
    for index, scenario in enumerate(several(study.attrs["scenarios"])):
        for column, target in enumerate(wanted):
            own = (owner == index) & np.isfinite(margins[:, column])
            margin = margins[own, column]
            if len(margin) >= SLICES and np.ptp(margin) > 0:
                indices = _indices(sample.factors, sample.points[own], margin, seed)
                rows.append(indices.assign(scenario=scenario, target=target)[columns])
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


_COLUMNS = ("factor", "factor_zh", "pawn", "by_chance", "correlation")


def _indices(
    factors: Sequence[Factor], points: FloatArray, margin: FloatArray, seed: int
) -> pd.DataFrame:
    """Return what a margin depends on, a row a factor, the strongest first."""
    from scipy.stats import rankdata, spearmanr

    # In place of values their places, which differ also where a switch has few values.
    places = rankdata(points[:, :1], "ordinal", axis=0)
    shuffled = np.random.default_rng(seed).permutation(places)
    distances = pawn(np.hstack([points, shuffled]), margin, seed)
    table = {
        "factor": [factor.name for factor in factors],
        "factor_zh": [factor.name_zh for factor in factors],
        "pawn": distances[:-1],
        "by_chance": distances[-1],
        "correlation": [float(spearmanr(column, margin).statistic) for column in points.T],
    }
    return pd.DataFrame(table).sort_values("pawn", ascending=False, kind="stable")


def pawn(points: FloatArray, values: FloatArray, seed: int = 0) -> FloatArray:
    """Return the median of PAWN's distances of each factor, 0 of one that is still: ``(factor,)``.

    Slices are of equal numbers of runs; runs of equal value, as of a switch, are parted by chance.

    Args:
        points: ``(run, factor)``.
        values: ``(run,)``.
        seed: any whole number.
    """
    from SALib.analyze import pawn as salib
    from scipy.stats import rankdata

    order = np.random.default_rng(seed).permutation(len(points))
    places = rankdata(points[order], "ordinal", axis=0)
    names = [str(column) for column in range(points.shape[1])]
    problem = {"num_vars": len(names), "names": names, "bounds": [[1, len(points)]] * len(names)}
    with np.errstate(invalid="ignore", divide="ignore"):
        found = salib.analyze(problem, places, values[order], S=SLICES)
    return np.where(np.ptp(points, axis=0) > 0, np.asarray(found["median"], np.float64), 0.0)
