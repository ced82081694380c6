"""Scenario discovery: in which corner of what is uncertain a target fails.

::

    for found in discover(model, "baseline"):
        print(found.target, found.share, [box.density for box in found.boxes])

References: R. J. Lempert, D. G. Groves, S. W. Popper, S. C. Bankes, A general, analytic method for
generating robust strategies and narrative scenarios, Management Science 52 (2006) 514-528; the
boxes are those of `prim`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
import xarray as xr

from plansim.analysis.decisions.member_states import Purpose, sample_of_members, states_of
from plansim.analysis.decisions.prim import (
    CONDITIONS,
    Box,
    find_boxes,
    restriction_frequencies,
)
from plansim.analysis.ensemble import wilson
from plansim.analysis.evaluator import Progress
from plansim.analysis.experiments.states import (
    Sample,
    check_study,
    drawn_runs,
    sample_of_study,
)
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model
from plansim.scenario.factors import Factor, FloatArray, applied, default_of
from plansim.scenario.members import Members
from plansim.scenario.references import split_name
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import studied_targets
from plansim.targets.target import Target
from plansim.targets.verdict import SURE

__all__ = [
    "Discoveries",
    "Discovery",
    "FailureBox",
    "FreshTest",
    "Limit",
    "Outcome",
    "discover",
]

FEW = 10
"""Minimum number of cases of each kind that a box is looked for with."""


class Outcome(StrEnum):
    """What boxes are dense in."""

    FAILS = "fails"
    HOLDS = "holds"


@dataclass(frozen=True)
class Limit:
    """What a box asks of one factor: of the constant that it moves, if it moves one."""

    factor: Factor
    low: float | None
    """None where it is open."""
    high: float | None
    unit: str
    """The unit of its ends: that of the constant, or else of the factor."""
    is_value: bool
    """Whether the ends are values of the constant, and no changes."""
    plausible: tuple[float | None, float | None] | None
    """The range that evidence leaves to the constant; None for several constants."""
    sampled: tuple[float, float]
    """The smallest and the largest value in the sample."""
    sources: tuple[str, ...]
    """The sources of the constants."""
    quasi_p: float
    """The smaller of its two limits; see `prim.Box`."""
    frequency: float
    """Share of resamples in which the box restricts the factor."""


@dataclass(frozen=True)
class FreshTest:
    """How dense a box is among runs that it was not found with."""

    members: int
    """Number of these inside, and outside of the boxes before it."""
    coverage: float
    density: float
    low: float
    high: float
    """Ends of Wilson's 95 % interval of the density; NaN if no member is inside."""


@dataclass(frozen=True)
class FailureBox(Box):
    """A corner of what is uncertain, and how dense the outcome is in it."""

    asked: tuple[Limit, ...]
    """The limit that is found most often in resamples first."""
    test: FreshTest | None = None
    """Its density among fresh members, or other runs of a sweep than those drawn; else None."""


@dataclass(frozen=True)
class Discovery:
    """Where a target fails under a scenario, or in a sweep."""

    source: str
    """Id of the scenario, or title of the sweep."""
    title_en: str
    title_zh: str
    target: str
    name_en: str
    name_zh: str
    outcome: Outcome
    """What the boxes are dense in: where it holds, if it fails nearly everywhere."""
    failing: float
    """Share of the sample that misses the target."""
    runs: int
    """Number of runs that judge the target."""
    boxes: tuple[FailureBox, ...]
    """Empty if it always holds or always fails, or if no corner differs from the whole."""

    @property
    def is_rare(self) -> bool:
        """Whether too few runs fail, or hold, to look for a box."""
        return min(self.failing, 1 - self.failing) * self.runs < FEW


class Discoveries(Tabular, tuple[Discovery, ...]):
    """Corners, target by target.

    As a table: a row for each limit of each box, ``low`` to ``high`` in ``unit``; for a target
    without a box one row without it.
    """

    def _table(self) -> Table:
        columns = ("target", "name_en", "name_zh", "outcome", "failing", "box", "density",
                   "coverage", "mass", "factor", "factor_zh", "low", "high", "unit",
                   "frequency")  # fmt: skip
        rows: list[Sequence[object]] = []
        for one in self:
            names = (one.target, one.name_en, one.name_zh, one.outcome.value, one.failing)
            rows += [
                (*names, number, box.density, box.coverage, box.mass,
                 limit.factor.name, limit.factor.name_zh, limit.low, limit.high, limit.unit,
                 limit.frequency)
                for number, box in enumerate(one.boxes, 1)
                for limit in box.asked
            ] or [(*names, *[None] * (len(columns) - len(names)))]  # fmt: skip
        return columns, rows


def discover(
    model: Model,
    source: Scenario | str | Path | xr.Dataset | None = None,
    targets: Sequence[Target | str] | None = None,
    *,
    members: Members | int | None = None,
    only_open: bool = False,
    conditions: int = CONDITIONS,
    fresh: int = 0,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Discoveries:
    """Find the corners of what is uncertain in which targets fail.

    Args:
        model: the model.
        source: a scenario, under which members are run; or a sweep, as `open_sweep` returns it. Of
            one with many runs, boxes are found among some that are drawn at random, and their
            density is measured among as many others.
        targets: records or ids; by default the binding ones of the catalogue beside the model.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        only_open: leave out targets that are met or missed nearly everywhere, unless all are.
        conditions: maximum number of factors that a box restricts.
        fresh: so many members are drawn anew, and the density of each box is measured among them.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many steps are done, of how many: draws, then targets.

    Raises:
        InputError: the ensemble is at fault, or the scenario, or the sweep.
        ModelError: the compiler does not support the model.

    >>> corners = plansim.discover(plansim.load_model("lake.mdl"), "boats.yaml", members=64)
    >>> corners[0].target, corners[0].runs, 0 < corners[0].failing < 1
    ('F1', 64, True)
    >>> corners.frame()[["target", "outcome", "factor"]].head(1)
      target outcome factor
    0     F1   fails   room
    """
    wanted = studied_targets(model, targets)
    present: Mapping[str, float] = {}
    anew: Sample | None = None
    if isinstance(source, xr.Dataset):
        check_study(source, model, members or fresh)
        ids, runs = [target.id for target in wanted], drawn_runs(source)
        title = str(source.attrs.get("title", "sweep"))
        about = title, title, str(source.attrs.get("title_zh", title))
        sample = sample_of_study(source.isel(run=runs), ids)
        others = np.setdiff1d(np.arange(source.sizes["run"]), runs)
        if len(others):
            rng = np.random.default_rng(1)  # others than `drawn_runs`
            tested = np.sort(rng.choice(others, min(len(others), len(runs)), replace=False))
            anew = sample_of_study(source.isel(run=tested), ids)
    else:
        scenario = scenario_of(model, source)
        about = scenario.id, scenario.title_en, scenario.title_zh
        states = states_of(model, members, threads=threads, progress=progress)
        sample = sample_of_members(model, scenario, wanted, states, threads)
        present = {k: v for k, v in scenario.values.items() if k not in states.policy}
        if fresh:
            purpose = Purpose.TEST_OF_BOXES
            drawn = states_of(model, fresh, purpose=purpose, threads=threads, progress=progress)
            anew = sample_of_members(model, scenario, wanted, drawn, threads)
    counts = np.isfinite(sample.met).sum(axis=0)
    with np.errstate(invalid="ignore"):
        failing = 1 - np.nansum(sample.met, axis=0) / counts
    is_open = np.abs(failing - 0.5) <= SURE / 100 - 0.5
    chosen = np.flatnonzero(is_open) if only_open and is_open.any() else np.arange(len(wanted))
    found = []
    for done, column in enumerate(map(int, chosen)):
        progress(done, len(chosen))
        is_most = failing[column] >= SURE / 100
        outcome = Outcome.HOLDS if is_most else Outcome.FAILS
        boxes = _boxes(model, present, sample, column, outcome, conditions)
        if anew is not None:
            boxes = _tested(boxes, anew.points, _cases(anew.met[:, column], outcome))
        target = wanted[column]
        named = target.id, target.name_en, target.name_zh
        share = float(failing[column])
        found.append(Discovery(*about, *named, outcome, share, int(counts[column]), boxes))
    return Discoveries(found)


def _cases(met: FloatArray, outcome: Outcome) -> FloatArray:
    """Return what a box is to be dense in, from how far a target is met: ``(run,)``."""
    return met if outcome is Outcome.HOLDS else 1 - met


def _boxes(
    model: Model,
    present: Mapping[str, float],
    sample: Sample,
    column: int,
    outcome: Outcome,
    conditions: int,
) -> tuple[FailureBox, ...]:
    """Find the boxes of one target, unless too few of its runs differ in the outcome."""
    judged = np.isfinite(sample.met[:, column])
    points, cases = sample.points[judged], _cases(sample.met[judged, column], outcome)
    if min(cases.sum(), (1 - cases).sum()) < FEW:
        return ()
    often = restriction_frequencies(points, cases, conditions)
    return tuple(
        FailureBox(**vars(box), asked=_limits(model, present, sample, box, often))
        for box in find_boxes(points, cases, conditions)
    )


def _tested(
    boxes: Sequence[FailureBox], points: FloatArray, cases: FloatArray
) -> tuple[FailureBox, ...]:
    """Return boxes with how dense they are among other runs; NaN is no case of either kind."""
    left = np.isfinite(cases)
    every, tested = cases[left].sum(), []
    for box in boxes:
        inside = box.contains(points) & left
        left &= ~inside
        count, dense = inside.sum(), cases[inside].sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            figures = dense / every, dense / count, *wilson(np.array(dense), np.array(float(count)))
        tested.append(replace(box, test=FreshTest(int(count), *map(float, figures))))
    return tuple(tested)


def _limits(
    model: Model, present: Mapping[str, float], sample: Sample, box: Box, often: FloatArray
) -> tuple[Limit, ...]:
    """Return what a box asks, given how often resamples restrict each factor."""
    limits = []
    for column in box.restricted:
        factor, drawn = sample.factors[column], sample.points[:, column]
        ends: Sequence[float] = (*box.limits[:, column], drawn.min(), drawn.max())
        known = [name for name in factor.constants if split_name(name)[0] in model.variables]
        variables = [model.variables[split_name(name)[0]] for name in known]
        is_value = len(known) == 1
        if is_value:
            now = default_of(model, present, known[0])
            ends = [applied(factor.apply, now, end) for end in ends]
            ends = [*sorted(ends[:2]), *sorted(ends[2:])]  # a value below zero turns them
        low, high, *sampled = map(float, ends)
        limits.append(
            Limit(
                factor,
                low if math.isfinite(low) else None,
                high if math.isfinite(high) else None,
                variables[0].unit if is_value else factor.unit,
                is_value,
                variables[0].plausible if is_value else None,
                (sampled[0], sampled[1]),
                tuple(dict.fromkeys(source for one in variables for source in one.sources)),
                float(np.nanmin(box.quasi_p[:, column])),
                float(often[column]),
            )
        )
    return tuple(sorted(limits, key=lambda limit: -limit.frequency))
