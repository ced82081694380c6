"""PRIM, the patient rule induction method: boxes in which cases of interest are dense.

::

    boxes = find_boxes(points, cases)
    boxes[0].coverage, boxes[0].density

A box is peeled: again and again the slice at one end of one factor goes whose loss raises the
density most for each point lost. Of the boxes on the way that are as dense as asked for, the one is
chosen whose coverage and density have the largest harmonic mean. Limits that chance might have set
go (quasi-p), then those that matter least, until as few are left as asked for. In these factors
alone the box is peeled anew and pasted, and its limits are moved to where density falls to half way
between inside and outside.

References: J. H. Friedman, N. I. Fisher, Bump hunting in high-dimensional data, Statistics and
Computing 9 (1999) 123-143; B. P. Bryant, R. J. Lempert, Thinking inside the box, Technological
Forecasting and Social Change 77 (2010) 34-49 (quasi-p, resampling); J. H. Kwakkel, M. Jaxa-Rozen,
Improving scenario discovery for handling heterogeneous uncertainties and multinomial classified
outcomes, Environmental Modelling & Software 79 (2016) 311-321 (the gain of a peel).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from plansim.scenario.factors import FloatArray

__all__ = ["Box", "Peeling", "Rule", "find_boxes", "paste", "peel", "restriction_frequencies"]

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """How boxes are found and chosen."""

    peel: float = 0.05
    """Share of a box's points that a peel takes away."""
    paste: float = 0.05
    """Share of the points beyond a limit that a paste adds."""
    smallest: float = 0.05
    """Minimum share of all points in a box."""
    density: float = 0.8
    """Density that a box should have; where most points are cases, half way from them to all."""
    conditions: int = 3
    """Maximum number of factors that a box restricts."""
    significance: float = 0.05
    """Quasi-p above which a limit goes."""
    boxes: int = 3
    """Maximum number of boxes."""


@dataclass(frozen=True)
class Peeling:
    """The boxes on the way of a peeling, the whole space first."""

    low: FloatArray
    """``(step, factor)``: -inf where the box is open."""
    high: FloatArray
    """``(step, factor)``: inf where the box is open."""
    coverage: FloatArray
    """``(step,)``: share of all cases that are inside."""
    density: FloatArray
    """``(step,)``: share of the points inside that are cases."""
    mass: FloatArray
    """``(step,)``: share of all points that are inside."""

    @property
    def restricted(self) -> npt.NDArray[np.intp]:
        """``(step,)``: number of factors that are restricted."""
        limited = np.isfinite(self.low) | np.isfinite(self.high)
        return np.asarray(limited.sum(axis=1), np.intp)


@dataclass(frozen=True)
class Box:
    """A box in the space of factors."""

    low: FloatArray
    """``(factor,)``: -inf where it is open."""
    high: FloatArray
    """``(factor,)``: inf where it is open."""
    coverage: float
    """Share of all cases of the sample that are inside."""
    density: float
    """Share of the points inside that are cases."""
    mass: float
    """Share of all points of the sample that are inside."""
    quasi_p: FloatArray = field(repr=False)
    """``(end, factor)``, of lower and upper limits: the probability that so dense a box comes about
    by chance where the limit does not matter; NaN where there is no limit."""
    peeling: Peeling = field(repr=False)
    """In the factors that the box restricts."""

    @property
    def restricted(self) -> tuple[int, ...]:
        """The factors with a limit."""
        return tuple(np.flatnonzero(np.isfinite(self.low) | np.isfinite(self.high)).tolist())

    def contains(self, points: FloatArray) -> Flags:
        """Return whether points are inside: ``(point, factor)`` → ``(point,)``."""
        return _inside(points, self.low, self.high)


def _inside(points: FloatArray, low: FloatArray, high: FloatArray) -> Flags:
    inside = np.ones(len(points), bool)
    for column in np.flatnonzero(np.isfinite(low) | np.isfinite(high)).tolist():
        inside &= (points[:, column] >= low[column]) & (points[:, column] <= high[column])
    return inside


def find_boxes(points: FloatArray, cases: FloatArray, rule: Rule | None = None) -> tuple[Box, ...]:
    """Find boxes one after another, each among the points outside of those before it.

    Args:
        points: ``(point, factor)``.
        cases: ``(point,)``: 1 for a case of interest, 0 for none, 0.5 for what is undecided.
        rule: how they are found and chosen.

    Returns:
        As many as are denser than the sample, at most `Rule.boxes`, the first one first.
    """
    rule = rule or Rule()
    left = np.ones(len(points), bool)
    boxes: list[Box] = []
    while len(boxes) < rule.boxes and cases[left].any():
        box = _find(points, cases, left, rule)
        if box is None:
            break
        boxes.append(box)
        left &= ~box.contains(points)
    return tuple(boxes)


def _find(points: FloatArray, cases: FloatArray, left: Flags, rule: Rule) -> Box | None:
    """Find one box among the points that are left; None if none is denser than all points are."""
    # Columns side by side, since they are looked at one by one.
    sample = _Sample(np.asfortranarray(points[left]), cases[left], float(cases.sum()))
    low, high = sample.chosen(peel(points, cases, rule, left=left), rule)
    columns = sample.important(low, high, rule)
    if not columns:
        return None
    finer = Rule(
        rule.peel / 2, rule.paste / 5, rule.smallest, rule.density, rule.conditions,
        rule.significance, rule.boxes,
    )  # fmt: skip
    peeling = peel(points, cases, finer, columns=columns, left=left)
    low, high = sample.chosen(peeling, rule)
    low, high = paste(sample.points, sample.cases, low, high, finer)
    low, high = sample.sharpened(low, high, rule)
    low, high = sample.significant(low, high, rule)
    count, hits = sample.counts(low, high)
    if not count or hits / count <= cases.mean():
        return None
    return Box(
        low,
        high,
        hits / sample.all_cases,
        hits / count,
        count / len(points),
        sample.quasi_p(low, high),
        peeling,
    )


def peel(
    points: FloatArray,
    cases: FloatArray,
    rule: Rule,
    *,
    columns: Sequence[int] | None = None,
    left: Flags | None = None,
) -> Peeling:
    """Peel the whole space until the box is as small as it may be, or no peel makes it denser.

    A peel cuts half way between two neighbouring values; values that are equal go together. The
    gain of a peel is the rise of density for each point lost. Of equal gains the one is taken that
    restricts no further factor.

    Args:
        points: ``(point, factor)``.
        cases: ``(point,)``, from 0 to 1.
        rule: how much a peel takes, and how small a box may be.
        columns: the factors that may be restricted; by default all.
        left: ``(point,)``: the points that count; by default all.
    """
    chosen = np.arange(points.shape[1]) if columns is None else np.asarray(columns, np.intp)
    low, high = np.full(points.shape[1], -np.inf), np.full(points.shape[1], np.inf)
    rows = slice(None) if left is None else left
    inside, hits = np.ascontiguousarray(points.T[chosen][:, rows]), cases[rows]  # (factor, point)
    steps = [(low, high, len(hits), float(hits.sum()))]
    while len(hits):
        cuts = _cuts(inside, rule.peel)
        kept = np.stack([inside <= cuts[0][:, None], inside >= cuts[1][:, None]])
        counts = kept.sum(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            gains = (np.einsum("efp,p->ef", kept, hits) / counts - hits.mean()) / (
                len(hits) - counts
            )
        gains[(counts == len(hits)) | (counts < rule.smallest * len(points))] = -np.inf
        gain = gains.max(initial=-np.inf)
        if not gain > 0:
            break
        is_open = ~(np.isfinite(low) | np.isfinite(high))[chosen]
        best = sorted(
            map(tuple, np.argwhere(gains == gain).tolist()),
            key=lambda cut: (is_open[cut[1]], cut[1], cut[0]),
        )[0]
        low, high = low.copy(), high.copy()
        (high, low)[best[0]][chosen[best[1]]] = cuts[best]
        inside, hits = inside[:, kept[best]], hits[kept[best]]
        steps.append((low, high, len(hits), float(hits.sum())))
    count = np.array([step[2] for step in steps], np.float64)
    hit = np.array([step[3] for step in steps])
    return Peeling(
        np.stack([step[0] for step in steps]),
        np.stack([step[1] for step in steps]),
        hit / (cases.sum() or 1.0),
        hit / np.maximum(count, 1.0),
        count / len(points),
    )


def _cuts(inside: FloatArray, share: float) -> FloatArray:
    """Return where upper and lower ends of points, ``(factor, point)``, are cut: ``(end, factor)``.

    Where all is equal, there.
    """
    last = inside.shape[1] - 1
    below, above = math.floor(last * share), math.ceil(last * (1 - share))
    nearby = [below, min(below + 1, last), max(above - 1, 0), above]
    ordered = np.partition(inside, sorted(set(nearby)), axis=1)
    first, second, third, fourth = ordered[:, nearby].T
    # Of equal values none is kept alone: the cut moves inward to the next one that differs.
    if (tied := np.flatnonzero(first == second)).size:
        ends = first[tied, None]
        beyond = np.where(inside[tied] > ends, inside[tied], np.inf).min(axis=1)
        second[tied] = np.where(np.isfinite(beyond), beyond, first[tied])
    if (tied := np.flatnonzero(third == fourth)).size:
        ends = fourth[tied, None]
        beyond = np.where(inside[tied] < ends, inside[tied], -np.inf).max(axis=1)
        third[tied] = np.where(np.isfinite(beyond), beyond, fourth[tied])
    return np.stack([(third + fourth) / 2, (first + second) / 2])


def paste(
    points: FloatArray, cases: FloatArray, low: FloatArray, high: FloatArray, rule: Rule
) -> tuple[FloatArray, FloatArray]:
    """Widen a box as long as it becomes denser by it, and return its limits.

    Args:
        points: ``(point, factor)``.
        cases: ``(point,)``, from 0 to 1.
        low: ``(factor,)``: the lower limits, -inf where there is none.
        high: ``(factor,)``: the upper limits, inf where there is none.
        rule: what share of the points beyond a limit a paste adds.
    """
    while True:
        inside = _inside(points, low, high)
        count, density = inside.sum(), cases[inside].mean() if inside.any() else 0.0
        best, gain = None, 0.0
        for column, end in _limits(low, high):
            wider = _widened(points, low, high, column, end, rule.paste)
            within = _inside(points, *wider)
            if within.sum() > count:
                rise = (cases[within].mean() - density) / (within.sum() - count)
                if rise > gain:
                    best, gain = wider, rise
        if best is None:
            return low, high
        low, high = best


def _limits(low: FloatArray, high: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield the limits of a box: the factor, and 0 for the lower and 1 for the upper one."""
    for end, limits in enumerate((low, high)):
        for column in np.flatnonzero(np.isfinite(limits)).tolist():
            yield column, end


def _opened(
    low: FloatArray, high: FloatArray, column: int, end: int
) -> tuple[FloatArray, FloatArray]:
    """Return a box without one of its limits."""
    low, high = low.copy(), high.copy()
    if end == 0:
        low[column] = -np.inf
    else:
        high[column] = np.inf
    return low, high


def _widened(
    points: FloatArray, low: FloatArray, high: FloatArray, column: int, end: int, share: float
) -> tuple[FloatArray, FloatArray]:
    """Return a box with a limit moved outward, past a share of the points beyond it."""
    opened = _opened(low, high, column, end)
    values = points[_inside(points, *opened), column]
    outer = np.sort(values[values < low[column]] if end == 0 else -values[values > high[column]])
    count = max(1, math.ceil(share * len(outer)))
    if len(outer) <= count:
        return opened
    limit = (outer[-count] + outer[-count - 1]) / 2
    opened[end][column] = limit if end == 0 else -limit
    return opened


@dataclass(frozen=True)
class _Sample:
    """The points among which a box is looked for."""

    points: FloatArray
    cases: FloatArray
    all_cases: float

    def counts(self, low: FloatArray, high: FloatArray) -> tuple[int, float]:
        """Return the number of points inside, and of cases."""
        inside = _inside(self.points, low, high)
        return int(inside.sum()), float(self.cases[inside].sum())

    def score(self, low: FloatArray, high: FloatArray, rule: Rule) -> tuple[bool, float]:
        """Return what boxes are compared by: whether it is dense, then coverage and density.

        Of these two the harmonic mean counts: a box that is much wider than what it is to describe
        has a high coverage, one that is much narrower a high density.
        """
        count, hits = self.counts(low, high)
        if not count or not hits:
            return False, 0.0
        density, coverage = hits / count, hits / self.all_cases
        half_way = (1 + float(self.cases.mean())) / 2  # where cases are frequent everywhere
        is_dense = density >= max(rule.density, half_way)
        return is_dense, 2 * density * coverage / (density + coverage)

    def chosen(self, peeling: Peeling, rule: Rule) -> tuple[FloatArray, FloatArray]:
        """Return the limits of the best box on the way of a peeling."""
        boxes = list(zip(peeling.low, peeling.high, strict=True))
        return max(boxes, key=lambda box: self.score(box[0], box[1], rule))

    def quasi_p(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Return the quasi-p of each limit: ``(end, factor)``."""
        result = np.full((2, len(low)), np.nan)
        count, hits = self.counts(low, high)
        for column, end in _limits(low, high):
            more, more_hits = self.counts(*_opened(low, high, column, end))
            result[end, column] = binom.sf(math.ceil(hits) - 1, count, more_hits / more)
        return result

    def significant(
        self, low: FloatArray, high: FloatArray, rule: Rule
    ) -> tuple[FloatArray, FloatArray]:
        """Return a box without the limits that chance might have set, the likeliest first."""
        while True:
            quasi_p = self.quasi_p(low, high)
            if not np.nanmax(quasi_p, initial=0.0) > rule.significance:
                return low, high
            end, column = np.unravel_index(int(np.nanargmax(quasi_p)), quasi_p.shape)
            low, high = _opened(low, high, int(column), int(end))

    def important(self, low: FloatArray, high: FloatArray, rule: Rule) -> list[int]:
        """Return the factors that a box needs most, at most as many as asked for."""
        low, high = self.significant(low, high, rule)
        while True:
            restricted = np.flatnonzero(np.isfinite(low) | np.isfinite(high)).tolist()
            if len(restricted) <= rule.conditions:
                return [int(column) for column in restricted]
            without = [_opened(*_opened(low, high, c, 0), c, 1) for c in restricted]
            low, high = max(without, key=lambda box: self._contrast(*box))

    def _contrast(self, low: FloatArray, high: FloatArray) -> float:
        """Return how many more cases are inside than if cases were spread evenly."""
        count, hits = self.counts(low, high)
        return hits - count * float(self.cases.mean())

    def sharpened(
        self, low: FloatArray, high: FloatArray, rule: Rule
    ) -> tuple[FloatArray, FloatArray]:
        """Return a box with each limit where density falls to half way, if the box is no worse.

        The limit is where the number of cases inside exceeds that of a box of the half-way density
        by most, which a single cut of a peel is too coarse to find.
        """
        best = low, high
        for _ in range(len(low)):
            count, hits = self.counts(low, high)
            if not count:
                break
            half_way = (hits / count + float(self.cases.mean())) / 2
            before = low, high
            for column, end in list(_limits(low, high)):
                low, high = self._moved(low, high, column, end, half_way)
            if self.score(low, high, rule) >= self.score(*best, rule):
                best = low, high
            if np.array_equal(before[0], low) and np.array_equal(before[1], high):
                break
        return best

    def _moved(
        self, low: FloatArray, high: FloatArray, column: int, end: int, half_way: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return a box with one limit where the sum of cases above ``half_way`` is largest."""
        opened = _opened(low, high, column, end)
        inside = _inside(self.points, *opened)
        sign = 1.0 if end else -1.0  # from the limit that stays outward
        values = sign * self.points[inside, column]
        order = np.argsort(values, kind="stable")
        values, gains = values[order], (self.cases[inside] - half_way)[order]
        sums = np.cumsum(gains)
        ends = np.flatnonzero(np.append(values[1:] > values[:-1], True))
        if not ends.size:
            return low, high
        last = int(ends[np.argmax(sums[ends])])
        if last + 1 == len(values):
            return opened
        opened[end][column] = sign * (values[last] + values[last + 1]) / 2
        return opened


def restriction_frequencies(
    points: FloatArray,
    cases: FloatArray,
    rule: Rule | None = None,
    *,
    resamples: int = 20,
    seed: int = 0,
) -> FloatArray:
    """Return in what share of resamples the first box restricts each factor: ``(factor,)``.

    A resample is a random half of the points, without replacement.
    """
    rule = rule or Rule()
    rng = np.random.default_rng(seed)
    counts = np.zeros(points.shape[1])
    for _ in range(resamples):
        left = np.zeros(len(points), bool)
        left[rng.choice(len(points), len(points) // 2, replace=False)] = True
        box = _find(points[left], cases[left], np.ones(int(left.sum()), bool), rule)
        if box is not None:
            counts[list(box.restricted)] += 1
    return counts / resamples
