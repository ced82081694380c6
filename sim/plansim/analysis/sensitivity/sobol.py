"""What the uncertainty of the verdicts under a scenario is due to, by Sobol's indices.

Everything that a design leaves open is drawn at once. The factors are screened by Morris' method,
and the variance of each binding target's margin is shared out among the strongest ones by Sobol's,
all others together being one group, whose index says what screening left out. Both methods need
factors that are independent, as a design's are and members of an ensemble are not; how sure a
verdict is, and which scenario does better, plausible models say (`ensemble`,
`decisions.robustness`).

There are two independent samples A and B of all inputs; for each group, A again with that group's
columns taken from B. The first-order index (S1) is the share of the variance that goes when the
group alone is known (estimator of Saltelli and others 2010), the total index (ST) the share that
stays when all else is known (Jansen 1999). Intervals are those of a bootstrap over the rows.

`scipy.stats.sobol_indices` has the same estimators (a test holds these to it), but no groups, and
its bootstrap corrects for bias by a jackknife, which takes minutes for as many indices as here.

References: A. Saltelli and others, Variance based sensitivity analysis of model output, Computer
Physics Communications 181 (2010) 259-270; M. Jansen, ibid. 117 (1999) 35-43.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from plansim.analysis.evaluator import Progress
from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import TRAJECTORIES
from plansim.analysis.experiments.distributions import quantiles
from plansim.analysis.sensitivity.morris import (
    ElementaryEffects,
    elementary_effects,
    leading,
    margins_of,
    screening_points,
    seeded,
)
from plansim.errors import DesignError, Message
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model
from plansim.scenario.factors import Factor, FloatArray
from plansim.targets.catalogue import binding_targets_of
from plansim.targets.target import Target

__all__ = [
    "MAIN_DRIVERS",
    "Drivers",
    "Index",
    "Sensitivity",
    "draw_pair",
    "estimate_indices",
    "sobol",
    "with_group",
]

LEVEL = 0.95
"""Confidence level of the intervals of indices."""
RESAMPLES = 500
FACTORS_PER_TARGET = 10
"""Number of factors of every binding target that screening keeps for indices..."""
FEWEST_CHOSEN = 24
"""...and minimum number in all."""
MAIN_DRIVERS = 5
"""Maximum number of drivers of a target that are named."""


# --- results -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Index:
    """What part of the variance of a margin one factor answers for."""

    factor: str
    factor_zh: str
    first: float
    """Share that the factor explains alone: what would go if it were known."""
    first_low: float
    """The ends of its 95 % interval."""
    first_high: float
    total: float
    """Share that it explains together with others: what stays if it alone is unknown."""
    total_low: float
    total_high: float
    effect: float
    """The mean elementary effect: by how much the margin moves over the factor's whole reach, in
    the target's unit; NaN for the rest."""


@dataclass(frozen=True)
class Drivers:
    """Main drivers of the uncertainty of one target."""

    target: Target
    spread: float
    """The standard deviation of its margin, in its unit."""
    indices: tuple[Index, ...]
    """Those of the largest total index first; empty if the margin does not vary."""
    rest: Index | None
    """All factors that screening left out, as one group; None if it left out none."""

    @property
    def main(self) -> tuple[Index, ...]:
        """The main drivers."""
        return self.indices[:MAIN_DRIVERS]


@dataclass(frozen=True)
class Sensitivity(Tabular):
    """What the uncertainty of the verdicts under a design's first scenario is due to.

    As a table: a row for each binding target and ``factor``, which is empty for all that screening
    left out; ``S1`` and ``ST`` with the ends of their 95 % intervals; ``effect``, in the target's
    unit over the factor's range.
    """

    design: Design
    draws: int
    """Number of draws of all factors at once."""
    screening: ElementaryEffects
    """``(binding target, factor)``, in the design's order."""
    chosen: tuple[str, ...]
    """The factors that have indices of their own."""
    drivers: tuple[Drivers, ...]
    """One record for each binding target."""
    runs: int
    """Number of runs in all."""
    broken: int
    """Runs that failed; they count nowhere."""

    def _table(self) -> Table:
        columns = ("target", "factor", "factor_zh", "S1", "S1_low", "S1_high",
                   "ST", "ST_low", "ST_high", "effect")  # fmt: skip
        rows = (
            (drivers.target.id, *astuple(index))
            for drivers in self.drivers
            for index in (*drivers.indices, *filter(None, [drivers.rest]))
        )
        return columns, rows


# --- the study ------------------------------------------------------------------------------------


def sobol(
    model: Model,
    design: Design | str | Path,
    targets: Sequence[Target | str] | None = None,
    *,
    trajectories: int = TRAJECTORIES,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Sensitivity:
    """Return what the uncertainty of the verdicts under a design is due to, by new runs.

    Morris' method chooses the factors that get indices of their own; the others are one group.

    Args:
        model: the model.
        design: a sample, or the name or path of one; its ``points``, rounded up to a power of two,
            are the rows of each of two matrices, which together are the draws. All is under its
            first scenario.
        targets: records or ids, of which the binding ones count; by default the catalogue beside
            the model.
        trajectories: of Morris, each of which takes a run more than there are factors.
        seed: of the random numbers; by default that of the design.
        threads: None for as many as there are processors.
        progress: is told how many groups of factors are done, of how many.

    Raises:
        DesignError: the design is no sample of distributions.
        InputError: a constant that the shape of the code depends on cannot vary, or no binding
            target is judged.
        ModelError: the model cannot be compiled.

    >>> model = plansim.load_model("lake.mdl")
    >>> study = plansim.sobol(model, "design.yaml", trajectories=4)
    >>> study.frame()[["target", "factor", "S1"]].round(1).head(1)
      target factor   S1
    0     F1   room  0.7
    """
    design = seeded(design, model, seed)
    binding = binding_targets_of(model, targets)
    if not design.kind.is_sample:
        raise DesignError(
            "only a sample says how likely something is",
            design.path,
            expected=Message("kind: sobol or latin hypercube"),
            found=design.kind,
        )
    factors = design.factors
    points = screening_points(design, trajectories)
    first, second = draw_pair(factors, design.points, design.seed)
    margins = margins_of(model, design, binding, threads)
    drawn = margins(np.concatenate([first, second]))
    moved = margins(points)
    screening = elementary_effects(points, moved, design.seed)
    chosen = leading(screening.strength, FACTORS_PER_TARGET, FEWEST_CHOSEN)
    groups = [[one] for one in chosen]
    if rest := sorted(set(range(len(factors))) - set(chosen)):
        groups.append(rest)
    mixed = []
    for done, columns in enumerate(groups):
        progress(done, len(groups))
        mixed.append(margins(with_group(first, second, columns)))
    every = np.stack(mixed) if mixed else np.empty((0, len(binding), len(first)))
    a, b = np.split(drawn, 2, axis=1)
    # A row counts only if it is sound everywhere: else the samples would differ from one another.
    sound = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0)
    sound &= np.isfinite(every).all(axis=(0, 1))
    estimates = estimate_indices(a[:, sound], b[:, sound], every[:, :, sound])
    drivers = []
    for row, target in enumerate(binding):
        values = drawn[row][np.isfinite(drawn[row])]
        spread = float(values.std()) if values.size else math.nan
        found = [tuple(map(float, estimates[:, row, column])) for column in range(len(groups))]
        own = [
            Index(
                factors[one].name,
                factors[one].name_zh,
                *(*index, float(screening.mean[row, one])),
            )
            for one, index in zip(chosen, found, strict=False)
            if not math.isnan(index[3])
        ]
        own.sort(key=lambda index: -index.total)
        is_left = rest and not math.isnan(found[-1][3])
        left = Index("", "", *(*found[-1], math.nan)) if is_left else None
        drivers.append(Drivers(target, spread, tuple(own), left))
    return Sensitivity(
        design=design,
        draws=drawn.shape[1],
        screening=screening,
        chosen=tuple(factors[index].name for index in chosen),
        drivers=tuple(drivers),
        runs=sum(part.shape[1] for part in (drawn, moved, *mixed)),
        broken=sum(int(np.isnan(part).any(axis=0).sum()) for part in (drawn, moved, *mixed)),
    )


# --- the estimates --------------------------------------------------------------------------------


def draw_pair(factors: Sequence[Factor], points: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Draw two independent samples, ``(point, factor)``, from one scrambled Sobol sequence.

    ``points`` is rounded up to a power of two, for which the sequence is made.
    """
    from scipy.stats import qmc

    count = len(factors)
    rng = np.random.default_rng(seed)
    sequence = qmc.Sobol(2 * count, scramble=True, bits=32, rng=rng)
    shares = sequence.random_base2(max(1, math.ceil(math.log2(points)))) + 2.0**-33
    return quantiles(factors, shares[:, :count]), quantiles(factors, shares[:, count:])


def with_group(first: FloatArray, second: FloatArray, group: Sequence[int]) -> FloatArray:
    """Return a sample with the columns of a group taken from another."""
    mixed = first.copy()
    mixed[:, list(group)] = second[:, list(group)]
    return mixed


def estimate_indices(
    a: FloatArray, b: FloatArray, mixed: FloatArray, *, seed: int = 0
) -> FloatArray:
    """Estimate first and total indices, with intervals of `LEVEL` by `RESAMPLES` of the rows.

    The result is ``(6, output, group)``: the first-order index and the ends of its interval, then
    the total index and the ends of its. NaN for an output that does not vary.

    Args:
        a: the outputs on A, ``(output, point)``.
        b: the outputs on B.
        mixed: the outputs on A with a group from B, ``(group, output, point)``.
        seed: of the resamples; any whole number.
    """
    middle = (a.mean(axis=1) + b.mean(axis=1))[:, None] / 2
    a, b, mixed = a - middle, b - middle, mixed - middle
    groups, outputs, points = mixed.shape
    rng = np.random.default_rng(seed)
    # How often each row is drawn; the first line is the sample itself.
    weights = np.vstack(
        [np.ones(points), rng.multinomial(points, np.full(points, 1 / points), RESAMPLES)]
    )
    weights /= points
    mean = weights @ ((a + b) / 2).T  # (resample, output)
    spread = weights @ ((a**2 + b**2) / 2).T - mean**2
    shape = (len(weights), groups, outputs)
    first = (weights @ (b * (mixed - a)).reshape(-1, points).T).reshape(shape)
    total = (weights @ ((a - mixed) ** 2 / 2).reshape(-1, points).T).reshape(shape)
    constant = np.ptp(np.concatenate([a, b], axis=1), axis=1) == 0
    spread[:, constant] = math.nan
    with np.errstate(all="ignore"):
        first, total = (part / spread[:, None, :] for part in (first, total))
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    parts = [np.stack([part[0], *np.quantile(part[1:], tails, axis=0)]) for part in (first, total)]
    return np.concatenate(parts).swapaxes(1, 2)
