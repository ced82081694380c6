"""Orders: remedies as somebody would order them, each with how many plausible models confirm it.

What `remedies` computes just meets a target in the model's own run, to any number of digits. An
order is rounded outward to few digits, and counted over the ensemble: in how many of its members
the target is then met. Where fewer than `SURE` of 100 confirm it, a larger order is sought.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from plansim.analysis.ensemble import share_of, study_key
from plansim.analysis.evaluator import Evaluation, Evaluator, Request
from plansim.analysis.optimization.problem import Move
from plansim.analysis.optimization.remedies import RemedySearch, remedy_search
from plansim.analysis.optimization.target_seeking import changed_verdicts
from plansim.cache import kept
from plansim.model.records import Model
from plansim.model.units import NO_UNIT
from plansim.scenario.factors import Apply, FloatArray, default_of
from plansim.scenario.members import LIMIT, Members
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Attribute, Status, Target
from plansim.targets.verdict import SURE, Share
from plansim.targets.views import Lever

__all__ = [
    "FIRST_YEAR",
    "Order",
    "Package",
    "ScenarioOrders",
    "TargetOrders",
    "orderable",
    "seek_orders",
]

FIRST_YEAR = 1500
"""A value in years from here on is a calendar year, not a duration."""
FINENESS = (1, 3, 10)
"""Orders are rounded to steps of a third of a move, or finer where that fails the target."""
MOST_ENOUGH = 3
"""Number of orders that are just enough."""
MOST_TRIED, MOST_LEVERS = 8, 4
"""Number of levers that are tried for a larger order, and of those that it moves."""
WORTH = 0.05
"""Smallest rise of the share of members for which one more lever is moved."""
BISECTIONS = 5
EVERY = 4
"""While an order is sized, every so many members are asked; then all of them."""
SPARE = 0.02
"""By this share of members more than `SURE` an order is sized, as only some of them are asked."""


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
    def effort(self) -> float:
        """The sum of the moves, as shares of the levers' ranges."""
        return sum(move.effort for move in self.moves)

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
    """As things are, in the model's own run."""
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
        search = remedy_search(model, scenario, levers, sought, judged)
        counts = None if members is None else _Counts(model, search, members)
        seeker = _Seeker(search, counts)
        found = tuple(map(seeker.orders, sought))
        return ScenarioOrders(found, seeker.package(found))

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


# --- members --------------------------------------------------------------------------------------


class _Counts:
    """Counts how many members meet targets after moves under a scenario."""

    def __init__(self, model: Model, search: RemedySearch, members: Members) -> None:
        self._model, self._problem, self._members = model, search.whole, members
        settable = [*self._problem.scenario.values, *self._problem.columns]
        self._changes = members.changes(model, settable)
        changed = [one.constant for one in self._changes.moved]
        # All that members or scenarios may change: then one machine code serves them all.
        factors = [name for factor in members.factors for name in factor.constants]
        still = self._problem.scenario.values
        names = dict.fromkeys([*factors, *changed, *self._problem.columns, *still])
        self._columns = {name: column for column, name in enumerate(names)}
        self._defaults = np.array([default_of(model, still, name) for name in names])
        binding = [one for one in search.whole.targets if one.attribute is Attribute.BINDING]
        targets = {one.id: one for one in (*search.problem.targets, *binding)}.values()
        # Nothing here asks when a limit is broken after its year: runs can end with the targets.
        request = Request(tuple(replace(one, horizon=one.year or one.horizon) for one in targets))
        self._evaluator = Evaluator(
            model, self._problem.scenario, list(names), request, limit=LIMIT, stop_early=True
        )

    def after(self, moves: Sequence[Move], every: int = 1) -> Evaluation:
        """Run every so many members after the moves: ``(run,)`` is the member.

        As under any scenario, what policy sets stays, and the rest of a member moves about it.
        """
        position = self._problem.position_of(moves)
        scenario = self._problem.scenario_at(position)
        names, values = self._changes.constants_under(
            self._model, scenario.values, self._members.values[::every]
        )
        table = np.tile(self._defaults, (len(values), 1))
        for name in scenario.values.keys() & self._columns.keys():
            table[:, self._columns[name]] = scenario.values[name]
        table[:, [self._columns[name] for name in names]] = values
        seeds = np.arange(0, len(self._members), every, dtype=np.float64)
        return self._evaluator.evaluate(table, seeds=seeds)

    def part(self, target: Target, moves: Sequence[Move]) -> float:
        """Return in what share of some members the target is met after the moves."""
        evaluation = self.after(moves, EVERY)
        sound = ~evaluation.failed
        met = evaluation[target.id].status[sound] == Status.MET.code
        return float(met.mean()) if met.size else 0.0

    def share(self, targets: Sequence[Target], moves: Sequence[Move]) -> Share:
        """Return in what share of all members the targets are met at once after the moves."""
        evaluation = self.after(moves)
        if len(targets) == 1:
            status = evaluation[targets[0].id].status
        else:
            met = np.where(evaluation.met(targets).all(axis=1), Status.MET.code, Status.MISSED.code)
            status = np.where(evaluation.failed, Status.UNTESTABLE.code, met)
        return share_of(status, self._members.head.kind.value, int(evaluation.failed.sum()))


# --- the search -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seeker:
    search: RemedySearch
    counts: _Counts | None

    def orders(self, target: Target) -> TargetOrders:
        """Return the orders for one target."""
        whole = self.search.whole
        margin = float(whole.runs(whole.start[None])[target.id].least_margin[0])
        enough: tuple[Order, ...] = ()
        nearest = None
        if margin < 0:
            remedies, nearest = self.search.remedies(target)
            enough = tuple(self._order(target, moves) for moves in remedies[:MOST_ENOUGH])
        first = next(iter(enough), None)
        if self.counts is None or (first is not None and first.sure):
            return TargetOrders(target, margin, enough, first, nearest)
        larger = self._enlarged(target, self.counts)
        few = [one for one in (first, larger) if one is not None and len(one.moves) <= MOST_LEVERS]
        best = max(few, key=lambda order: order.part, default=first)
        return TargetOrders(target, margin, enough, best, nearest)

    def _enlarged(self, target: Target, counts: _Counts) -> Order | None:
        """Return an order that enough members confirm, else the one that most of them do.

        The levers that help most are moved to where they help most, one more as long as that helps;
        then all of them back by the same part, as far as enough members still confirm it.
        """
        whole = self.search.whole
        position, enough = whole.start, SURE / 100 + SPARE
        share, moved = counts.part(target, ()), 0
        for lever, at in self.search.helpful(target)[:MOST_TRIED]:
            tried = position.copy()
            tried[lever] = at
            more = counts.part(target, whole.moves(tried))
            if more < share + WORTH:
                continue
            position, share, moved = tried, more, moved + 1
            if share >= enough or moved == MOST_LEVERS:
                break
        if not moved:
            return None
        low, high = (0.0, 1.0) if share >= enough else (1.0, 1.0)
        for _ in range(BISECTIONS if low < high else 0):
            part = (low + high) / 2
            held = counts.part(target, self._part(position, part)) >= enough
            low, high = (low, part) if held else (part, high)
        order = self._order(target, self._part(position, high))
        while share >= enough and not order.sure and high < 1:
            high = min(high * (1 + WORTH), 1.0)
            order = self._order(target, self._part(position, high))
        return order

    def _part(self, position: FloatArray, part: float) -> tuple[Move, ...]:
        start = self.search.whole.start
        return self.search.whole.moves(start + part * (position - start))

    def _order(self, target: Target, moves: Sequence[Move]) -> Order:
        """Return moves as an order: rounded, as far as a target that they meet stays met."""
        whole = self.search.whole
        options = [tuple(orderable(move, part) for move in moves) for part in FINENESS]
        options.append(tuple(moves))
        positions = [whole.start, *map(whole.position_of, options)]
        evaluation = whole.runs(np.stack(positions))
        margins = evaluation[target.id].least_margin[1:]
        # Where nothing meets the target, the coarsest will do.
        chosen = int(np.argmax(margins >= 0))
        others = [one.id for one in whole.targets if one.id != target.id]
        gained, lost = changed_verdicts(evaluation, others, after=1 + chosen)
        share = self.counts.share([target], options[chosen]) if self.counts else None
        return Order(options[chosen], float(margins[chosen]), gained, lost, share)

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
        whole = self.search.whole
        evaluation = whole.runs(whole.position_of(moves)[None])
        binding = [one for one in whole.targets if one.attribute is Attribute.BINDING]
        holds = evaluation.met(binding)[0]
        met, missed = (tuple(compress(binding, flags)) for flags in (holds, ~holds))
        share = self.counts.share(met, moves) if self.counts and met else None
        return Package(moves, met, missed, share)
