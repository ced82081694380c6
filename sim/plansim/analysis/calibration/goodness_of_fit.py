"""Goodness of fit of simulated series: error measures and Theil's inequality statistics.

Theil's statistics are the shares of the mean square error due to unequal means (UM), unequal
variation (US) and unequal covariation (UC); they add up to one. An error that is all UC is noise
around the right path, one that is all UM a bias (Sterman 1984; Theil 1966).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from plansim.targets.indicator import Floats

__all__ = ["GoodnessOfFit", "fit"]


@dataclass(frozen=True)
class GoodnessOfFit:
    """The measures of one series; NaN where its observations are too few to say."""

    points: int
    mape: float
    """The mean absolute error as a part of the observations."""
    rmse: float
    """The root of the mean square error, in the unit of the series."""
    r2: float
    """The square of the correlation."""
    um: float
    us: float
    uc: float


def fit(simulated: Floats, observed: Floats) -> GoodnessOfFit:
    """Measure how well a series fits its observations, both ``(point,)``.

    An observation of 0 has no relative error. The shares of an error of 0 are NaN.

    >>> measures = fit(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    >>> measures.rmse, round(measures.r2, 12), measures.um, measures.us, measures.uc
    (1.0, 1.0, 1.0, 0.0, 0.0)
    """
    error = simulated - observed
    mse = float(np.mean(error**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        mape = float(np.mean(np.abs(error / observed)))
    spread_s, spread_o = float(np.std(simulated)), float(np.std(observed))
    together = float(np.mean((simulated - simulated.mean()) * (observed - observed.mean())))
    moves = spread_s > 0 and spread_o > 0
    r2 = (together / (spread_s * spread_o)) ** 2 if moves else math.nan
    if mse == 0 or not math.isfinite(mse):
        um = us = uc = math.nan
    else:
        um = float(np.mean(error)) ** 2 / mse
        us = (spread_s - spread_o) ** 2 / mse
        # 2 (1 - r) s_s s_o, written without r, which is none where a series stands still.
        uc = 2 * (spread_s * spread_o - together) / mse
    return GoodnessOfFit(observed.size, mape, math.sqrt(mse), r2, um, us, uc)
