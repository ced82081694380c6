"""Orders: what somebody would order so that a target is met, and how many models confirm it.

All levers are treated alike, over the range in which people may move them (`views`): first one by
one (`lever_scan`). Where no single lever suffices, the mix with the least sum of moves, as shares
of the levers' ranges, is computed (`slp.minimise`): no prices needed. These remedies just meet a
target in the model's own run, to any number of digits. An order is rounded outward to few digits,
and counted over the ensemble: in how many of its members the target is then met. Where fewer than
`SURE` of 100 confirm it, a larger order is sought.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from plansim.analysis.ensemble import evaluate_members, share_of, study_key
from plansim.analysis.optimization.lever_scan import Scan, nearest_crossings, scan
from plansim.analysis.optimization.problem import DecisionProblem, Move, decision_problem
from plansim.analysis.optimization.slp import minimise, move_cost
from plansim.analysis.optimization.target_seeking import changed_verdicts
from plansim.cache import kept
from plansim.model.records import Model
from plansim.model.units import NO_UNIT
from plansim.scenario.factors import Apply, FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Attribute, Status, Target
from plansim.targets.verdict import SURE, Share
from plansim.targets.views import Lever

__all__ = [
    "FIRST_YEAR",
    "Order",
    "OrderSearch",
    "Package",
    "ScenarioOrders",
    "TargetOrders",
    "order_search",
    "orderable",
    "seek_orders",
]

FIRST_YEAR = 1500
"""A value in years from here on is a calendar year, not a duration."""
MOST_TRIED, MOST_LEVERS = 8, 4
"""Number of levers that are tried for a larger order, and of those that it moves."""
WORTH = 0.05
"""Smallest rise of the share of members for which one more lever is moved."""
EVERY = 4
"""While an order is sized, one in this number of members is run; then all of them."""


@dataclass(frozen=True)
class Order:
    """Moves of levers in round figures, and what comes of them."""

    moves: tuple[Move, ...]
    margin: float
    """The target's margin in the model's own run, in its unit, the smallest of all bases."""
    gained: tuple[str, ...]
    """Ids of the other targets that are newly met in the model's own run."""
    lost: tuple[str, ...]
    share: Share | None
    """In what share of the plausible models the target is met; None without an ensemble."""

    @property
    def part(self) -> float:
        """The share of the plausible models in which it meets its target; 0 if none was asked."""
        return (self.share and self.share.share) or 0.0

    @property
    def sure(self) -> bool:
        """Whether `SURE` of 100 plausible models confirm it."""
        return self.share is not None and (self.share.of_hundred or 0) >= SURE


@dataclass(frozen=True)
class TargetOrders:
    """Orders for one target under one scenario."""

    target: Target
    margin: float
    """The margin as things are, in the model's own run."""
    enough: tuple[Order, ...]
    """What just meets it in the model's own run: one lever each, else one mix of several."""
    best: Order | None
    """One that `SURE` of 100 plausible models confirm, of few levers and no larger than it must be;
    where none is found, the one that most of them confirm. None where no lever helps."""
    nearest: float | None
    """The largest margin of all mixes that were tried, where the model's own run is not brought to
    meet the target; None elsewhere."""


@dataclass(frozen=True)
class Package:
    """The orders for all targets at once."""

    moves: tuple[Move, ...]
    met: tuple[Target, ...]
    """Binding targets that the model's own run then meets."""
    missed: tuple[Target, ...]
    """Binding targets that it does not meet."""
    share: Share | None
    """In what share of the plausible models all that are met there are met at once."""


@dataclass(frozen=True)
class ScenarioOrders:
    """Orders under one scenario."""

    targets: tuple[TargetOrders, ...] = ()
    package: Package | None = None
    """None where fewer than two targets have an order that meets them."""


def seek_orders(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    sought: Sequence[Target],
    judged: Sequence[Target],
    members: Members | None = None,
) -> ScenarioOrders:
    """Return orders for each of the targets by itself, and for all at once; from the cache.

    Args:
        model: the model.
        scenario: the scenario.
        levers: what may be moved, over their own ranges.
        sought: the targets that are to be met.
        judged: all targets, which an order may gain or lose.
        members: plausible models; without them no order has a share.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.
    """
    if not sought or not levers:
        return ScenarioOrders(tuple(TargetOrders(one, math.nan, (), None, None) for one in sought))

    def make() -> ScenarioOrders:
        search = order_search(model, scenario, levers, sought, judged, members)
        found = tuple(map(search.orders, sought))
        return ScenarioOrders(found, search.package(found))

    asked = (tuple(levers), tuple(sought), tuple(judged), members and members.head.model_sha256)
    return kept("orders", study_key(model, scenario, *asked), ScenarioOrders, make)


# --- rounding -------------------------------------------------------------------------------------


def orderable(move: Move, fineness: int = 1) -> Move:
    """Return a move as one would order it: rounded outward, within the range of its lever.

    A year goes to the half, the change of an index to whole steps of its per cent, all else to
    multiples of 1 or 5, of 10 or 50 and so on, in the unit in which the lever is shown. No step is
    more than a third of the move, or of that part that ``fineness`` says.
    """
    lever, factor = move.lever, move.lever.shown_factor
    present, value = move.present * factor, move.value * factor
    if lever.shown_unit == "Year" and value >= FIRST_YEAR:
        rounded = _outward(value, 0.5 / fineness, value > present)
    elif lever.shown_unit == NO_UNIT and present and lever.apply is not Apply.ADD:
        change = 100 * (value / present - 1)
        rounded = present * (1 + _outward(change, _step(change, fineness), change > 0) / 100)
    else:
        rounded = _outward(value, _step(value - present, fineness), value > present)
    if abs(rounded - value) < 1e-9 * abs(value):
        rounded = value
    return replace(move, value=min(max(rounded / factor, lever.low), lever.high))


def _step(size: float, fineness: int) -> float:
    """Return the largest of 1, 5, 10, 50, … and 0.5, 0.1, … that is no more than a third of a size.

    >>> [_step(size, 1) for size in (4.1, 27.0, 0.6)], _step(4.1, 3)
    ([1.0, 5.0, 0.1], 0.1)
    """
    part = abs(size) / 3 / fineness
    if not part:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(part) + 1e-9)
    return 5 * unit if part >= 5 * unit else unit


def _outward(value: float, step: float, forward: bool) -> float:
    """Return the next multiple of a step, up or down, that is not before a value.

    >>> _outward(87.7, 0.5, True), _outward(-2.1, 0.5, False), _outward(0.3, 0.1, True)
    (88.0, -2.5, 0.3)
    """
    count = round(value / step, 6)
    return round((math.ceil(count) if forward else math.floor(count)) * step, 9)


# --- the search -----------------------------------------------------------------------------------


def order_search(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    sought: Sequence[Target],
    judged: Sequence[Target] = (),
    members: Members | None = None,
) -> OrderSearch:
    """Prepare the search for orders; arguments and errors are those of `seek_orders`."""
    whole = decision_problem(model, scenario, levers, [*sought, *judged], shared=True)
    problem = decision_problem(model, scenario, levers, sought, shared=True)
    return OrderSearch(model, members, whole, problem, scan(problem, 33))


@dataclass(frozen=True)
class OrderSearch:
    """The search for orders for some targets under a scenario."""

    model: Model
    members: Members | None
    whole: DecisionProblem
    """Judges all targets."""
    problem: DecisionProblem
    """Judges the targets in question only, which is faster."""
    scanned: Scan

    def orders(self, target: Target) -> TargetOrders:
        """Return the orders for one target."""
        margin = float(self.whole.runs(self.whole.start[None])[target.id].least_margin[0])
        enough: tuple[Order, ...] = ()
        nearest = None
        if margin < 0:
            remedies, nearest = self.remedies(target)
            enough = tuple(self._order(target, moves) for moves in remedies[:3])
        first = next(iter(enough), None)
        if self.members is None or (first is not None and first.sure):
            return TargetOrders(target, margin, enough, first, nearest)
        larger = self._enlarged(target)
        few = [one for one in (first, larger) if one is not None and len(one.moves) <= MOST_LEVERS]
        best = max(few, key=lambda order: order.part, default=first)
        if first is not None and best is not None and not best.sure:
            best = max(best, first, key=lambda order: order.part)
        return TargetOrders(target, margin, enough, best, nearest)

    def package(self, found: Iterable[TargetOrders]) -> Package | None:
        """Return what becomes of all binding targets if the best orders are made at once.

        Of two orders for one lever the longer counts.
        """
        orders = [one.best for one in found if one.best is not None and one.best.margin >= 0]
        if len(orders) < 2:
            return None
        longest: dict[str, Move] = {}
        for move in sorted((m for one in orders for m in one.moves), key=lambda move: move.effort):
            longest[move.lever.id] = move
        moves = tuple(sorted(longest.values(), key=lambda move: -move.effort))
        evaluation = self.whole.runs(self.whole.position_of(moves)[None])
        binding = [one for one in self.whole.targets if one.attribute is Attribute.BINDING]
        holds = evaluation.met(binding)[0]
        met, missed = (tuple(compress(binding, flags)) for flags in (holds, ~holds))
        return Package(moves, met, missed, self._share(met, moves) if met else None)

    # --- what just meets a target ---

    def remedies(self, target: Target) -> tuple[list[tuple[Move, ...]], float | None]:
        """Return the smallest moves that meet a target, and the nearest margin where none do.

        Those of one lever each: first what loses no other target, then by the effort. Where no
        single lever suffices, the smallest mix of levers. The margin, in the target's unit, is that
        of the mix that comes nearest; None where nothing improves it.
        """
        column, start = self.problem.targets.index(target), self.problem.start
        if crossings := nearest_crossings(self.problem, self.scanned, [column]):
            found = []
            others = [other.id for other in self.whole.targets if other.id != target.id]
            for lever, at in crossings.items():
                moves = self.whole.moves(np.where(np.arange(len(start)) == lever, at, start))
                positions = np.stack([self.whole.start, self.whole.position_of(moves)])
                _, lost = changed_verdicts(self.whole.runs(positions), others)
                found.append((bool(lost), sum(move.effort for move in moves), moves))
            return [moves for *_, moves in sorted(found, key=lambda one: one[:2])], None
        # From all that would suffice if gains added up, and from each lever where it helps most.
        greedy, every = start.copy(), start.copy()
        margin = present = self._present(column)
        gains = self._gains(column)
        gains.sort(key=lambda one: (one[0] / one[1], one[0], one[2]), reverse=True)
        for gain, _, lever, at in gains:
            every[lever] = at
            if margin < 0:
                greedy[lever], margin = at, margin + gain
        cost = move_cost(np.ones(len(start)), start)

        def evaluate(positions: FloatArray) -> FloatArray:
            return self.problem.evaluate(positions)[:, [column]]

        starts = [start, greedy, every]
        best = minimise(evaluate, starts, cost, [0], start, worth=0.02)
        nearest = float(best.values[0])
        if nearest >= 0:
            return [self.whole.moves(best.position)], None
        scale = float(self.problem.scales[column])
        return [], nearest * scale if nearest > present else None

    def _present(self, column: int) -> float:
        """Return the scaled margin of a target as things are."""
        grid, values = self.scanned[0]
        return float(values[np.searchsorted(grid, self.problem.start[0]), column])

    def _gains(self, column: int) -> list[tuple[float, float, int, float]]:
        """Return the levers that by themselves improve a margin, each where it helps most.

        The gain, the move as a share of the range, the lever, and its position.
        """
        present, start, gains = self._present(column), self.problem.start, []
        for lever, (grid, values) in enumerate(self.scanned):
            best = int(np.argmax(values[:, column]))
            gain, at = float(values[best, column]) - present, float(grid[best])
            if gain > 0 and at != start[lever]:
                gains.append((gain, abs(at - float(start[lever])), lever, at))
        return gains

    # --- what enough members confirm ---

    def _enlarged(self, target: Target) -> Order | None:
        """Return an order that enough members confirm, else the one that most of them do.

        The levers that help most are moved to where they help most, one more as long as that helps;
        then all of them back by the same part, as far as enough members still confirm it.
        """
        # Somewhat more than `SURE`, as only some of the members are asked.
        position, enough = self.whole.start, SURE / 100 + 0.02
        share, moved = self._part(target, ()), 0
        gains = self._gains(self.problem.targets.index(target))
        helpful = sorted(((gain, lever, at) for gain, _, lever, at in gains), reverse=True)
        for _, lever, at in helpful[:MOST_TRIED]:
            tried = position.copy()
            tried[lever] = at
            more = self._part(target, self.whole.moves(tried))
            if more < share + WORTH:
                continue
            position, share, moved = tried, more, moved + 1
            if share >= enough or moved == MOST_LEVERS:
                break
        if not moved:
            return None

        def moves_by(part: float) -> tuple[Move, ...]:
            return self.whole.moves(self.whole.start + part * (position - self.whole.start))

        low, high = (0.0, 1.0) if share >= enough else (1.0, 1.0)
        for _ in range(5 if low < high else 0):
            part = (low + high) / 2
            held = self._part(target, moves_by(part)) >= enough
            low, high = (low, part) if held else (part, high)
        order = self._order(target, moves_by(high))
        while share >= enough and not order.sure and high < 1:
            high = min(high * (1 + WORTH), 1.0)
            order = self._order(target, moves_by(high))
        return order

    def _order(self, target: Target, moves: Sequence[Move]) -> Order:
        """Return moves as an order: rounded, as far as a target that they meet stays met."""
        options = [tuple(orderable(move, part) for move in moves) for part in (1, 3, 10)]
        options.append(tuple(moves))
        positions = [self.whole.start, *map(self.whole.position_of, options)]
        evaluation = self.whole.runs(np.stack(positions))
        margins = evaluation[target.id].least_margin[1:]
        # Where nothing meets the target, the coarsest will do.
        chosen = int(np.argmax(margins >= 0))
        others = [one.id for one in self.whole.targets if one.id != target.id]
        gained, lost = changed_verdicts(evaluation, others, after=1 + chosen)
        share = self._share([target], options[chosen])
        return Order(options[chosen], float(margins[chosen]), gained, lost, share)

    def _part(self, target: Target, moves: Sequence[Move]) -> float:
        """Return in what share of some members the target is met after the moves."""
        share = self._share([target], moves, EVERY)
        return (share and share.share) or 0.0

    def _share(
        self, targets: Sequence[Target], moves: Sequence[Move], every: int = 1
    ) -> Share | None:
        """Return in what share of members, one in ``every``, the targets are met after the moves.

        One target alone that a member leaves undecided counts as half; of several all are met.
        """
        if self.members is None:
            return None
        some = replace(
            self.members, ids=self.members.ids[::every], values=self.members.values[::every]
        )
        scenario = self.whole.scenario_at(self.whole.position_of(moves))
        kernel = self.problem.evaluator.kernel
        evaluation = evaluate_members(
            self.model, scenario, targets, some, stop_early=True, kernel=kernel
        )
        status = evaluation[targets[0].id].status
        if len(targets) > 1:
            met = np.where(evaluation.met(targets).all(axis=1), Status.MET.code, Status.MISSED.code)
            status = np.where(evaluation.failed, Status.UNTESTABLE.code, met)
        return share_of(status, self.members.head.kind.value, int(evaluation.failed.sum()))
