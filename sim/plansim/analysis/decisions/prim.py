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
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from plansim.scenario.factors import FloatArray

__all__ = ["Box", "Peeling", "find_boxes", "peel", "restriction_frequencies"]

Flags = npt.NDArray[np.bool_]

RESAMPLES = 20
"""Random halves of the points, for how often a factor is restricted."""
PEEL = 0.05
"""Share of a box's points that a peel takes away; half of it in the factors that a box is left."""
PASTE = 0.01
"""Share of the points beyond a limit that a paste adds."""
SMALLEST = 0.05
"""Minimum share of all points in a box."""
DENSE = 0.8
"""Density that a box should have; where most points are cases, half way from them to all."""
SIGNIFICANCE = 0.05
"""Quasi-p above which a limit goes."""
BOXES = 3
"""Maximum number of boxes."""
CONDITIONS = 2
"""Maximum number of factors that a box restricts, unless it is said."""


@dataclass(frozen=True)
class Peeling:
    """The boxes on the way of a peeling, the whole space first."""

    limits: FloatArray
    """``(step, end, factor)``: lower and upper ends, -inf and inf where the box is open."""
    coverage: FloatArray
    """``(step,)``: share of all cases that are inside."""
    density: FloatArray
    """``(step,)``: share of the points inside that are cases."""
    mass: FloatArray
    """``(step,)``: share of all points that are inside."""

    @property
    def restricted(self) -> npt.NDArray[np.intp]:
        """``(step,)``: number of factors that are restricted."""
        return np.asarray(np.isfinite(self.limits).any(axis=1).sum(axis=1), np.intp)


@dataclass(frozen=True)
class Box:
    """A box in the space of factors."""

    limits: FloatArray
    """``(end, factor)``: lower and upper ends, -inf and inf where it is open."""
    coverage: float
    """Share of all cases of the sample that are inside."""
    density: float
    """Share of the points inside that are cases."""
    mass: float
    """Share of all points of the sample that are inside."""
    quasi_p: FloatArray = field(repr=False)
    """``(end, factor)``: the probability that so dense a box comes about by chance where the limit
    does not matter; NaN where there is no limit."""
    peeling: Peeling = field(repr=False)
    """In the factors that the box restricts."""

    @property
    def restricted(self) -> tuple[int, ...]:
        """The factors with a limit."""
        return tuple(_restricted(self.limits))

    def contains(self, points: FloatArray) -> Flags:
        """Return whether points are inside: ``(point, factor)`` → ``(point,)``."""
        return _inside(points, self.limits)


def _restricted(limits: FloatArray) -> list[int]:
    return [int(column) for column in np.flatnonzero(np.isfinite(limits).any(axis=0))]


def _inside(points: FloatArray, limits: FloatArray) -> Flags:
    inside = np.ones(len(points), bool)
    for column in _restricted(limits):
        low, high = limits[:, column]
        inside &= (points[:, column] >= low) & (points[:, column] <= high)
    return inside


def find_boxes(
    points: FloatArray, cases: FloatArray, conditions: int = CONDITIONS
) -> tuple[Box, ...]:
    """Find boxes one after another, each among the points outside of those before it.

    Args:
        points: ``(point, factor)``.
        cases: ``(point,)``: 1 for a case of interest, 0 for none, 0.5 for what is undecided.
        conditions: maximum number of factors that a box restricts.

    Returns:
        As many as are denser than the sample, at most `BOXES`, the first one first.
    """
    left = np.ones(len(points), bool)
    boxes: list[Box] = []
    while len(boxes) < BOXES and cases[left].any():
        box = _find(points, cases, left, conditions)
        if box is None:
            break
        boxes.append(box)
        left &= ~box.contains(points)
    return tuple(boxes)


def _find(points: FloatArray, cases: FloatArray, left: Flags, conditions: int) -> Box | None:
    """Find one box among the points that are left; None if none is denser than all points are."""
    # Columns side by side, since they are looked at one by one.
    search = _Search(np.asfortranarray(points[left]), cases[left], float(cases.sum()))
    columns = search.important(search.densest(peel(points, cases, left=left)), conditions)
    if not columns:
        return None
    peeling = peel(points, cases, columns=columns, left=left, share=PEEL / 2)
    limits = search.significant(search.sharpened(search.pasted(search.densest(peeling))))
    count, hits = search.counts(limits)
    if not count or hits / count <= cases.mean():
        return None
    return Box(
        limits,
        hits / search.all_cases,
        hits / count,
        count / len(points),
        search.quasi_p(limits),
        peeling,
    )


def peel(
    points: FloatArray,
    cases: FloatArray,
    *,
    columns: Sequence[int] | None = None,
    left: Flags | None = None,
    share: float = PEEL,
) -> Peeling:
    """Peel the whole space until the box is as small as it may be, or no peel makes it denser.

    A peel cuts half way between two neighbouring values; values that are equal go together. The
    gain of a peel is the rise of density for each point lost. Of equal gains the one is taken that
    restricts no further factor.

    Args:
        points: ``(point, factor)``.
        cases: ``(point,)``, from 0 to 1.
        columns: the factors that may be restricted; by default all.
        left: ``(point,)``: the points that count; by default all.
        share: of the points of a box, what a peel takes away.
    """
    chosen = np.arange(points.shape[1]) if columns is None else np.asarray(columns, np.intp)
    limits = np.repeat([[-np.inf], [np.inf]], points.shape[1], axis=1)
    rows = slice(None) if left is None else left
    inside, hits = np.ascontiguousarray(points.T[chosen][:, rows]), cases[rows]  # (factor, point)
    steps = [(limits, len(hits), hits.sum())]
    while len(hits):
        cuts = _cuts(inside, share)
        kept = np.stack([inside <= cuts[0][:, None], inside >= cuts[1][:, None]])
        counts = kept.sum(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            gains = (np.einsum("efp,p->ef", kept, hits) / counts - hits.mean()) / (
                len(hits) - counts
            )
        gains[(counts == len(hits)) | (counts < SMALLEST * len(points))] = -np.inf
        gain = gains.max(initial=-np.inf)
        if not gain > 0:
            break
        is_open = ~np.isfinite(limits).any(axis=0)[chosen]
        best = min(
            map(tuple, np.argwhere(gains == gain).tolist()),
            key=lambda cut: (is_open[cut[1]], cut[1], cut[0]),
        )
        limits = limits.copy()
        limits[1 - best[0], chosen[best[1]]] = cuts[best]
        inside, hits = inside[:, kept[best]], hits[kept[best]]
        steps.append((limits, len(hits), hits.sum()))
    boxes, count, hit = (np.array(part, np.float64) for part in zip(*steps, strict=True))
    return Peeling(
        boxes, hit / (cases.sum() or 1.0), hit / np.maximum(count, 1.0), count / len(points)
    )


def _cuts(inside: FloatArray, share: float) -> FloatArray:
    """Return where upper and lower ends of points, ``(factor, point)``, are cut: ``(end, factor)``.

    Where all is equal, there.
    """
    last = inside.shape[1] - 1
    below, above = math.floor(last * share), math.ceil(last * (1 - share))
    nearby = (above, max(above - 1, 0), below, min(below + 1, last))
    ordered = np.partition(inside, sorted(set(nearby)), axis=1)[:, nearby].T
    cuts = []
    for (first, second), sign in zip(ordered.reshape(2, 2, -1), (-1.0, 1.0), strict=True):
        # Of equal values none is kept alone: the cut moves inward to the next one that differs.
        if (tied := np.flatnonzero(first == second)).size:
            values, ends = sign * inside[tied], sign * first[tied, None]
            beyond = sign * np.where(values > ends, values, np.inf).min(axis=1)
            second[tied] = np.where(np.isfinite(beyond), beyond, first[tied])
        cuts.append((first + second) / 2)
    return np.stack(cuts)


def _limits(limits: FloatArray) -> list[tuple[int, int]]:
    """Return the end and the factor of each limit of a box, the lower ones first."""
    return [(end, column) for end, column in np.argwhere(np.isfinite(limits)).tolist()]


def _opened(limits: FloatArray, end: int | slice, column: int) -> FloatArray:
    """Return a box without one of its limits, or both limits of a factor."""
    opened = limits.copy()
    opened[end, column] = np.array([-np.inf, np.inf])[end]
    return opened


@dataclass(frozen=True)
class _Search:
    """The points among which a box is looked for, and how it is chosen."""

    points: FloatArray
    cases: FloatArray
    all_cases: float

    @property
    def mean(self) -> float:
        """Share of the points that are cases."""
        return float(self.cases.mean())

    def counts(self, limits: FloatArray) -> tuple[int, float]:
        """Return the number of points inside, and of cases."""
        inside = _inside(self.points, limits)
        return int(inside.sum()), float(self.cases[inside].sum())

    def score(self, limits: FloatArray) -> tuple[bool, float]:
        """Return what boxes are compared by: whether it is dense, then coverage and density.

        Of these two the harmonic mean counts: a box that is much wider than what it is to describe
        has a high coverage, one that is much narrower a high density.
        """
        count, hits = self.counts(limits)
        if not count or not hits:
            return False, 0.0
        density, coverage = hits / count, hits / self.all_cases
        half_way = (1 + self.mean) / 2  # where cases are frequent everywhere
        is_dense = density >= max(DENSE, half_way)
        return is_dense, 2 * density * coverage / (density + coverage)

    def densest(self, peeling: Peeling) -> FloatArray:
        """Return the limits of the best box on the way of a peeling."""
        return max(peeling.limits, key=self.score)

    def quasi_p(self, limits: FloatArray) -> FloatArray:
        """Return the quasi-p of each limit: ``(end, factor)``."""
        from scipy.stats import binom

        result = np.full(limits.shape, np.nan)
        count, hits = self.counts(limits)
        for end, column in _limits(limits):
            more, more_hits = self.counts(_opened(limits, end, column))
            result[end, column] = binom.sf(math.ceil(hits) - 1, count, more_hits / more)
        return result

    def significant(self, limits: FloatArray) -> FloatArray:
        """Return a box without the limits that chance might have set, the likeliest first."""
        while True:
            quasi_p = self.quasi_p(limits)
            if not np.nanmax(quasi_p, initial=0.0) > SIGNIFICANCE:
                return limits
            end, column = np.unravel_index(int(np.nanargmax(quasi_p)), quasi_p.shape)
            limits = _opened(limits, int(end), int(column))

    def important(self, limits: FloatArray, most: int) -> list[int]:
        """Return the factors that a box needs most, no more than ``most``."""

        def contrast(box: FloatArray) -> float:  # cases inside beyond those of an even spread
            count, hits = self.counts(box)
            return hits - count * self.mean

        limits = self.significant(limits)
        while len(columns := _restricted(limits)) > most:
            limits = max((_opened(limits, slice(None), c) for c in columns), key=contrast)
        return columns

    def pasted(self, limits: FloatArray) -> FloatArray:
        """Return a box widened as long as it becomes denser by it.

        A paste adds a part of the points beyond a limit, at least one.
        """
        while True:
            count, hits = self.counts(limits)
            density = hits / count if count else 0.0
            best, gain = limits, 0.0
            for end, column in _limits(limits):
                wider = self._widened(limits, end, column)
                more, more_hits = self.counts(wider)
                rise = (more_hits / more - density) / (more - count) if more > count else 0.0
                if rise > gain:
                    best, gain = wider, rise
            if not gain:
                return limits
            limits = best

    def _widened(self, limits: FloatArray, end: int, column: int) -> FloatArray:
        """Return a box with a limit moved outward, past a share of the points beyond it."""
        opened, sign = _opened(limits, end, column), -1.0 if end else 1.0
        values = sign * self.points[_inside(self.points, opened), column]
        outer = np.sort(values[values < sign * limits[end, column]])
        count = max(1, math.ceil(PASTE * len(outer)))
        if len(outer) > count:
            opened[end, column] = sign * (outer[-count] + outer[-count - 1]) / 2
        return opened

    def sharpened(self, limits: FloatArray) -> FloatArray:
        """Return a box with each limit where density falls to half way, if the box is no worse.

        The limit is where the number of cases inside exceeds that of a box of the half-way density
        by most, which a single cut of a peel is too coarse to find.
        """
        best = limits
        for _ in range(limits.shape[1]):
            count, hits = self.counts(limits)
            if not count:
                break
            half_way = (hits / count + self.mean) / 2
            before = limits
            for end, column in _limits(before):
                limits = self._moved(limits, end, column, half_way)
            if self.score(limits) >= self.score(best):
                best = limits
            if np.array_equal(before, limits):
                break
        return best

    def _moved(self, limits: FloatArray, end: int, column: int, half_way: float) -> FloatArray:
        """Return a box with one limit where the sum of cases above ``half_way`` is largest."""
        opened = _opened(limits, end, column)
        inside = _inside(self.points, opened)
        sign = 1.0 if end else -1.0  # from the limit that stays outward
        values = sign * self.points[inside, column]
        order = np.argsort(values, kind="stable")
        values, sums = values[order], np.cumsum((self.cases[inside] - half_way)[order])
        ends = np.flatnonzero(np.append(values[1:] > values[:-1], True))
        if not ends.size:
            return limits
        last = int(ends[np.argmax(sums[ends])])
        if last + 1 < len(values):
            opened[end, column] = sign * (values[last] + values[last + 1]) / 2
        return opened


def restriction_frequencies(
    points: FloatArray, cases: FloatArray, conditions: int = CONDITIONS
) -> FloatArray:
    """Return in what share of resamples the first box restricts each factor: ``(factor,)``.

    A resample is a random half of the points, without replacement.
    """
    rng = np.random.default_rng(0)
    counts = np.zeros(points.shape[1])
    for _ in range(RESAMPLES):
        half = np.sort(rng.choice(len(points), len(points) // 2, replace=False))
        box = _find(points[half], cases[half], np.ones(len(half), bool), conditions)
        if box is not None:
            counts[list(box.restricted)] += 1
    return counts / RESAMPLES
