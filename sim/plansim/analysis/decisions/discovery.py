"""Scenario discovery: in which corner of what is uncertain a target fails.

::

    for found in discover(model, "baseline"):
        print(found.target, found.share, [box.density for box in found.boxes])

References: R. J. Lempert, D. G. Groves, S. W. Popper, S. C. Bankes, A general, analytic method for
generating robust strategies and narrative scenarios, Management Science 52 (2006) 514-528; the
boxes are those of `prim`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from plansim.analysis.decisions.prim import Box, Rule, find_boxes, restriction_frequencies
from plansim.analysis.decisions.sample import (
    Sample,
    check_study,
    sample_of_members,
    sample_of_study,
    samples_beside,
    states_of,
)
from plansim.analysis.ensemble import wilson
from plansim.analysis.evaluator import Progress
from plansim.analysis.experiments.sampling import drawn_runs
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model
from plansim.scenario.factors import Factor, FloatArray, acted, default_of
from plansim.scenario.members import Members
from plansim.scenario.references import split_name
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import targets_of
from plansim.targets.target import Target, binding_targets, judged_targets

__all__ = [
    "Discoveries",
    "Discovery",
    "FailureBox",
    "FreshTest",
    "Limit",
    "Outcome",
    "discover",
]

SURE = 0.8
"""Share of the sample from which on a target fails nearly everywhere: there it is asked where it
holds."""
FEW = 10
"""Minimum number of cases of each kind that a box is looked for with."""
TESTING = 1
"""Of `states_of`: members that test boxes are others than those that boxes are found with."""


class Outcome(StrEnum):
    """What boxes are dense in."""

    FAILS = "fails"
    HOLDS = "holds"


@dataclass(frozen=True)
class Limit:
    """What a box asks of one factor."""

    factor: Factor
    low: float | None
    """In the factor's unit; None where it is open."""
    high: float | None
    value_low: float | None
    """The same as a value of the constant that the factor moves, in the constant's unit; None where
    it is open, or where the factor moves several constants."""
    value_high: float | None
    unit: str
    """Of the constant."""
    plausible: tuple[float | None, float | None] | None
    """The range that evidence leaves to the constant; None for several constants."""
    sampled: tuple[float, float]
    """The smallest and the largest value in the sample, in the factor's unit."""
    sources: tuple[str, ...]
    """Of the constants."""
    quasi_p: float
    """The smaller of its two limits; see `prim.Box`."""
    frequency: float
    """Share of resamples in which the box restricts the factor."""

    @property
    def shown(self) -> tuple[float | None, float | None, str]:
        """Its ends and their unit: values of the constant if it moves one, else of the factor."""
        if self.value_low is None and self.value_high is None:
            return self.low, self.high, self.factor.unit
        return self.value_low, self.value_high, self.unit


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
class FailureBox:
    """A corner of what is uncertain, and how dense the outcome is in it."""

    limits: tuple[Limit, ...]
    """The one that is found most often in resamples first."""
    coverage: float
    """Share of the runs with the outcome that are inside."""
    density: float
    """Share of the runs inside that have the outcome."""
    mass: float
    """Share of all runs that are inside."""
    test: FreshTest | None
    """Among fresh members, or the runs of a sweep beyond those that were drawn; else None."""
    box: Box = field(repr=False)


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
                 limit.factor.name, limit.factor.name_zh, *limit.shown, limit.frequency)
                for number, box in enumerate(one.boxes, 1)
                for limit in box.limits
            ] or [(*names, *[None] * (len(columns) - len(names)))]  # fmt: skip
        return columns, rows


def discover(
    model: Model,
    source: Scenario | str | Path | xr.Dataset | None = None,
    targets: Sequence[Target | str] | None = None,
    *,
    members: Members | int | None = None,
    only_open: bool = False,
    rule: Rule | None = None,
    fresh: int = 0,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Discoveries:
    """Find the corners of what is uncertain in which targets fail.

    Args:
        model: the model.
        source: a scenario, under which members are run; or a sweep, as `open_sweep` returns it. Of
            one with many runs, boxes are found among some that are drawn at random, and their
            density is measured among all others.
        targets: records or ids; by default the binding ones of the catalogue beside the model.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        only_open: leave out targets that are met or missed nearly everywhere, unless all are.
        rule: how boxes are found and chosen.
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
    catalogue = targets_of(model, targets)
    wanted = judged_targets(binding_targets(catalogue) if targets is None else catalogue)
    rule = rule or Rule()
    values: Mapping[str, float] = {}
    others: _Others = partial(_given, ())
    if isinstance(source, xr.Dataset):
        check_study(source, model, members or fresh)
        runs = drawn_runs(source)
        title = str(source.attrs.get("title", "sweep"))
        sample = sample_of_study(source.isel(run=runs), title, wanted)
        if len(runs) < source.sizes["run"]:
            others = partial(samples_beside, source, wanted, runs)
    else:
        scenario = scenario_of(model, source)
        chosen = states_of(model, members, threads=threads, progress=progress)
        sample = sample_of_members(model, scenario, wanted, chosen, threads)
        values = {k: v for k, v in scenario.values.items() if k not in chosen.policy}
        if fresh:
            drawn = states_of(model, fresh, other=TESTING, threads=threads, progress=progress)
            anew = sample_of_members(model, scenario, wanted, drawn, threads)
            others = partial(_given, (anew,))
    if only_open:
        still = {one: _failing(met) for one, met in sample.met.items()}
        wanted = tuple(one for one in wanted if 1 - SURE <= still[one.id] <= SURE) or wanted
    found = []
    for done, target in enumerate(wanted):
        progress(done, len(wanted))
        found.append(_discovered(model, values, sample, target, rule))
    return _tested(found, others)


_Others = Callable[[Sequence[int]], Iterable[Sample]]
"""Gives runs that no box was found with, of which the values of some factors are wanted."""


def _given(samples: Sequence[Sample], columns: Sequence[int]) -> Sequence[Sample]:
    return samples


def _failing(met: FloatArray) -> float:
    """Return the share of the runs that miss a target, of those that judge it."""
    judged = met[np.isfinite(met)]
    return float(1 - judged.mean()) if judged.size else np.nan


def _discovered(
    model: Model,
    base: Mapping[str, float],
    sample: Sample,
    target: Target,
    rule: Rule,
) -> Discovery:
    judged = np.isfinite(sample.met[target.id])
    points, met = sample.points[judged], sample.met[target.id][judged]
    failing = _failing(met)
    outcome = Outcome.HOLDS if failing >= SURE else Outcome.FAILS
    cases = met if outcome is Outcome.HOLDS else 1 - met
    boxes: tuple[Box, ...] = ()
    frequencies = np.zeros(points.shape[1])
    if min(cases.sum(), (1 - cases).sum()) >= FEW:
        boxes = find_boxes(points, cases, rule)
        frequencies = restriction_frequencies(points, cases, rule)
    return Discovery(
        source=sample.source,
        title_en=sample.title_en,
        title_zh=sample.title_zh,
        target=target.id,
        name_en=target.name_en,
        name_zh=target.name_zh,
        outcome=outcome,
        failing=failing,
        runs=len(met),
        boxes=tuple(_failure_box(model, base, sample, box, frequencies) for box in boxes),
    )


def _tested(found: Sequence[Discovery], others: _Others) -> Discoveries:
    """Return boxes with how dense they are among other runs, if there are any."""
    columns = sorted({c for one in found for box in one.boxes for c in box.box.restricted})
    counts = [np.zeros((len(one.boxes), 2)) for one in found]  # runs inside, and cases of these
    cases = np.zeros(len(found))
    tested = 0
    for sample in others(columns) if columns else ():
        tested += len(sample)
        for row, one in enumerate(found):
            met = sample.met[one.target]
            left = np.isfinite(met)
            hits = met if one.outcome is Outcome.HOLDS else 1 - met
            cases[row] += hits[left].sum()
            for number, box in enumerate(one.boxes):
                inside = box.box.contains(sample.points) & left
                left &= ~inside
                counts[row][number] += inside.sum(), hits[inside].sum()
    if not tested:
        return Discoveries(found)
    return Discoveries(
        replace(
            one,
            boxes=tuple(
                replace(box, test=_test(inside, hits, float(cases[row])))
                for box, (inside, hits) in zip(one.boxes, counts[row].tolist(), strict=True)
            ),
        )
        for row, one in enumerate(found)
    )


def _test(inside: float, hits: float, cases: float) -> FreshTest:
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = wilson(np.array(hits), np.array(inside))
        coverage, density = np.divide(hits, cases), np.divide(hits, inside)
    return FreshTest(int(inside), float(coverage), float(density), float(low), float(high))


def _failure_box(
    model: Model,
    base: Mapping[str, float],
    sample: Sample,
    box: Box,
    frequencies: FloatArray,
) -> FailureBox:
    limits = [
        _limit(model, base, sample, column, box, float(frequencies[column]))
        for column in box.restricted
    ]
    limits.sort(key=lambda limit: -limit.frequency)
    return FailureBox(tuple(limits), box.coverage, box.density, box.mass, None, box)


def _limit(
    model: Model,
    base: Mapping[str, float],
    sample: Sample,
    column: int,
    box: Box,
    frequency: float,
) -> Limit:
    factor, drawn = sample.factors[column], sample.points[:, column]
    ends = [end if np.isfinite(end) else None for end in _ends(box, column)]
    known = [name for name in factor.constants if split_name(name)[0] in model.variables]
    variables = [model.variables[split_name(name)[0]] for name in known]
    values: list[float | None] = [None, None]
    unit, plausible = factor.unit, None
    if len(known) == 1:
        unit = variables[0].unit
        plausible = variables[0].plausible
        present = default_of(model, base, known[0])
        values = [None if end is None else acted(factor.apply, present, end) for end in ends]
    return Limit(
        factor,
        ends[0],
        ends[1],
        values[0],
        values[1],
        unit,
        plausible,
        (float(drawn.min()), float(drawn.max())),
        tuple(dict.fromkeys(source for variable in variables for source in variable.sources)),
        float(np.nanmin(box.quasi_p[:, column])),
        frequency,
    )


def _ends(box: Box, column: int) -> Iterator[float]:
    yield float(box.low[column])
    yield float(box.high[column])
