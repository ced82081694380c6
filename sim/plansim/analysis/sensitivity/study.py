"""What the uncertainty of the verdicts under a scenario is due to.

Everything that a design leaves open is drawn at once. The factors are screened by Morris' method,
and the variance of each binding target's margin is shared out among the strongest ones by Sobol's,
all others together being one group, whose index says what screening left out. Both methods need
factors that are independent, as a design's are and members of an ensemble are not; how sure a
verdict is, and which scenario does better, plausible models say (`ensemble`,
`decisions.robustness`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plansim.analysis.evaluator import Evaluation, Evaluator, Progress, Request, processors
from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.sensitivity.morris import (
    ElementaryEffects,
    elementary_effects,
    leading,
    screening_design,
)
from plansim.analysis.sensitivity.sobol import Estimates, MatrixPair, draw_pair, estimate_indices
from plansim.errors import DesignError, Message
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model
from plansim.scenario.factors import Factor, FloatArray
from plansim.targets.catalogue import targets_of
from plansim.targets.target import Target, binding_targets

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MAIN_DRIVERS", "Drivers", "Index", "Sensitivity", "morris", "sobol"]

TRAJECTORIES = 50
"""Of Morris, where nobody says how many."""
FACTORS_PER_TARGET = 10
"""So many factors of every binding target go from the screening into the indices..."""
FEWEST_CHOSEN = 24
"""...and so many in all, at least."""
MAIN_DRIVERS = 5
"""Drivers of a target that are named."""


# --- results -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Index:
    """What part of the variance of a margin one factor answers for."""

    factor: str
    factor_zh: str
    first: float
    """Alone: the part that would go if it were known."""
    first_low: float
    """The 95 % interval."""
    first_high: float
    total: float
    """With all that it does together with others: the part that stays if it alone is unknown."""
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
    """From the largest total index to the smallest; empty if the margin does not vary."""
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
    """Of everything at once."""
    screening: ElementaryEffects
    """``(binding target, factor)``, in the design's order."""
    chosen: tuple[str, ...]
    """The factors that have indices of their own."""
    drivers: tuple[Drivers, ...]
    """Of each binding target."""
    runs: int
    """In all."""
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
    each: int = FACTORS_PER_TARGET,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Return what the uncertainty of the verdicts under a design is due to, by new runs.

    Morris' method chooses the factors that get indices of their own; the others are one group.

    Args:
        model: the model.
        design: a sample, or the name or path of one; its ``points``, rounded up to a power of two,
            are the rows of each of two matrices, which together are the draws. All is under its
            first scenario.
        targets: the plan's; by default those of the catalogue beside the model.
        trajectories: of Morris, each of which takes a run more than there are factors.
        each: factors of every binding target that get indices of their own.
        seed: of the random numbers; by default that of the design.
        threads: None for as many as there are processors.
        progress: is told how many runs are done, of how many.

    Raises:
        DesignError: the design is no sample of distributions.
        InputError: a constant that the shape of the code depends on cannot vary.
        ModelError: the model cannot be compiled.

    >>> model = plansim.load_model("lake.mdl")
    >>> study = plansim.sobol(model, "design.yaml", trajectories=4)
    >>> study.frame()[["target", "factor", "S1"]].round(1).head(1)
      target factor   S1
    0     F1   room  0.7
    """
    design = _seeded(design, model, seed)
    targets = targets_of(model, targets)
    if not design.kind.is_sample:
        raise DesignError(
            "only a sample says how likely something is",
            design.path,
            expected=Message("kind: sobol or latin hypercube"),
            found=design.kind,
        )
    threads = processors() if threads is None else threads
    binding = binding_targets(targets)
    scenario = design.scenarios[0]
    pair = draw_pair(design.factors, design.points, design.seed)
    report = _Report(progress)
    report.ahead(2 * len(pair.a) + trajectories * (len(design.factors) + 1))
    evaluator = Evaluator(model, scenario, design.factors, Request(binding))
    drawn = evaluator.evaluate(np.concatenate([pair.a, pair.b]), threads)
    report.done(drawn)
    margins = drawn.least_margins(binding).T
    screening = _screened(evaluator, design, trajectories, threads, report)
    chosen = leading(screening.strength, each, FEWEST_CHOSEN)
    estimates, groups = _indices(evaluator, pair, margins, chosen, threads, report)
    drivers = [
        _drivers(target, index, design.factors, groups, estimates, screening, drawn)
        for index, target in enumerate(binding)
    ]
    return Sensitivity(
        design=design,
        draws=len(drawn.status),
        screening=screening,
        chosen=tuple(design.factors[index].name for index in chosen),
        drivers=tuple(drivers),
        runs=report.runs,
        broken=report.failed,
    )


def morris(
    model: Model,
    design: Design | str | Path,
    targets: Sequence[Target | str] | None = None,
    *,
    trajectories: int = TRAJECTORIES,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
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

    design = _seeded(design, model, seed)
    catalogue = targets_of(model, targets)
    binding = binding_targets(catalogue) if targets is None else catalogue
    evaluator = Evaluator(model, design.scenarios[0], design.factors, Request(binding))
    report = _Report(progress)
    report.ahead(trajectories * (len(design.factors) + 1))
    threads = processors() if threads is None else threads
    effects = _screened(evaluator, design, trajectories, threads, report)
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


def _seeded(design: Design | str | Path, model: Model, seed: int | None) -> Design:
    """Return a design, read if need be, with the seed that is asked for."""
    if not isinstance(design, Design):
        return read_design(design, model, seed=seed)
    return design if seed is None else replace(design, seed=seed)


def _screened(
    evaluator: Evaluator, design: Design, trajectories: int, threads: int, report: _Report
) -> ElementaryEffects:
    """Run Morris trajectories, and return the effects on the targets of an evaluator."""
    trajectory = screening_design(design, trajectories)
    points = Sampler(trajectory).draw(0, trajectory.points)
    screened = evaluator.evaluate(points, threads)
    report.done(screened)
    margins = screened.least_margins(evaluator.request.targets).T
    return elementary_effects(points, margins, design.seed)


class _Report:
    """Counts runs, and says how far a study is."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._all = 0
        self.runs = 0
        self.failed = 0

    def ahead(self, runs: int) -> None:
        self._all += runs

    def done(self, evaluation: Evaluation) -> None:
        self.runs += len(evaluation.status)
        self.failed += int(evaluation.failed.sum())
        if self._progress is not None:
            self._progress(self.runs, self._all)


def _indices(
    evaluator: Evaluator,
    pair: MatrixPair,
    margins: FloatArray,
    chosen: Sequence[int],
    threads: int,
    report: _Report,
) -> tuple[Estimates, list[int | None]]:
    """Estimate the indices of the chosen factors and of all others together, which is None.

    ``margins`` are those on A and then on B, ``(target, 2 · point)``.
    """
    count = pair.a.shape[1]
    groups: list[tuple[int | None, list[int]]] = [(index, [index]) for index in chosen]
    if rest := [index for index in range(count) if index not in set(chosen)]:
        groups.append((None, rest))
    report.ahead(len(pair.a) * len(groups))
    mixed = []
    for _, columns in groups:
        evaluation = evaluator.evaluate(pair.mixed(columns), threads)
        report.done(evaluation)
        mixed.append(evaluation.least_margins(evaluator.request.targets).T)
    every = np.stack(mixed) if mixed else np.empty((0, len(margins), len(pair.a)))
    a, b = np.split(margins, 2, axis=1)
    # A row counts only if it is sound everywhere: else the samples would differ from one another.
    sound = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0)
    sound &= np.isfinite(every).all(axis=(0, 1))
    estimates = estimate_indices(a[:, sound], b[:, sound], every[:, :, sound])
    return estimates, [name for name, _ in groups]


def _drivers(
    target: Target,
    row: int,
    factors: Sequence[Factor],
    names: Sequence[int | None],
    estimates: Estimates,
    screening: ElementaryEffects,
    drawn: Evaluation,
) -> Drivers:
    margins = drawn[target.id].least_margin
    sound = np.isfinite(margins)
    spread = float(margins[sound].std()) if sound.any() else math.nan
    indices: list[Index] = []
    rest = None
    for column, index in enumerate(names):
        driver = Index(
            factor="" if index is None else factors[index].name,
            factor_zh="" if index is None else factors[index].name_zh,
            first=float(estimates.first[row, column]),
            first_low=float(estimates.first_low[row, column]),
            first_high=float(estimates.first_high[row, column]),
            total=float(estimates.total[row, column]),
            total_low=float(estimates.total_low[row, column]),
            total_high=float(estimates.total_high[row, column]),
            effect=math.nan if index is None else float(screening.mean[row, index]),
        )
        if math.isnan(driver.total):
            continue
        if index is None:
            rest = driver
        else:
            indices.append(driver)
    indices.sort(key=lambda driver: -driver.total)
    return Drivers(target, spread, tuple(indices), rest)
