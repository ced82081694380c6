"""Shapley values: what each member of a game adds, on the mean over all orders of joining.

References: L. S. Shapley, A value for n-person games, in: Contributions to the Theory of Games II
(1953) 307-317; J. Castro, D. Gómez, J. Tejada, Polynomial calculation of the Shapley value based on
sampling, Computers & Operations Research 36 (2009) 1726-1730.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from plansim.errors import check_counts
from plansim.scenario.factors import FloatArray

__all__ = [
    "MOST_EXACT",
    "ORDERS",
    "Game",
    "Masks",
    "game_of",
    "shapley",
    "subsets",
]

MOST_EXACT = 12
"""Maximum number of members of which every subset is run (4096 runs)."""
ORDERS = 1000
"""Number of orders drawn where there are more members, in pairs of one and its reverse."""

Masks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Game:
    """Which subsets of its members have to be run, and by which orders their worth is shared."""

    subsets: Masks
    """``(run, member)``: each different subset once, that of none first, that of all last."""
    rows: npt.NDArray[np.intp]
    """The run of each subset that is asked for: of every one, or of those passed by the orders."""
    paths: npt.NDArray[np.intp] | None
    """``(order, member)``: the orders that were drawn; None where every subset is run."""

    @property
    def orders(self) -> int:
        """Number of orders drawn; 0 where every subset is run."""
        return 0 if self.paths is None else len(self.paths)

    def without(self, runs: Masks) -> Game:
        """Return the game by those orders that, as their reverse, pass only subsets that run."""
        if self.paths is None:
            return self
        is_whole = runs[self.rows].reshape(len(self.paths), -1).all(axis=1)
        kept = is_whole.reshape(-1, 2).all(axis=1).repeat(2)
        length = self.paths.shape[1] + 1
        return replace(self, rows=self.rows[kept.repeat(length)], paths=self.paths[kept])

    def shares(
        self, worth: FloatArray, runs: Masks | None = None
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return what each member adds to the worth of the runs, ``(run,)``, and standard errors.

        ``runs`` says which of them are sound. NaN where too few orders pass only those.
        """
        count = self.subsets.shape[1]
        if self.paths is None:
            shares = shapley(worth[self.rows], None if runs is None else runs[self.rows])
            return tuple(shares.tolist()), (0.0,) * count
        game = self if runs is None else self.without(runs)
        assert game.paths is not None
        orders = len(game.paths)
        if orders <= 2:  # one pair has no standard error
            return (math.nan,) * count, (math.nan,) * count
        # The gains of each order add up to the whole, and so do their means.
        gains = np.diff(worth[game.rows].reshape(orders, count + 1), axis=1)
        by_member = np.empty_like(gains)
        np.put_along_axis(by_member, game.paths, gains, axis=1)
        # An order and its reverse are not independent; the means of such pairs are.
        pairs = by_member.reshape(-1, 2, count).mean(axis=1)
        errors = pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs))
        return tuple(pairs.mean(axis=0).tolist()), tuple(errors.tolist())


def game_of(count: int, orders: int | None, seed: int = 0) -> Game:
    """Return the game of so many members, by ``orders`` orders that are drawn; of None by all."""
    check_counts(orders=orders)
    if orders is None:
        paths, passed = None, subsets(count)
    else:
        paths = _joined_orders(count, orders, seed)
        turns = np.argsort(paths, axis=1)
        passed = turns[:, None, :] < np.arange(count + 1)[None, :, None]  # none to all
        passed = passed.reshape(-1, count)
    wanted, rows = np.unique(passed, axis=0, return_inverse=True)
    return Game(wanted, rows.reshape(-1), paths)


# --- every subset ---------------------------------------------------------------------------------


def subsets(count: int) -> Masks:
    """Return every subset of groups, ``(2 ** group, group)``, the last group changing fastest."""
    rows = np.arange(count)[::-1]
    return (np.arange(2**count)[:, None] >> rows & 1).astype(bool)


def shapley(worth: FloatArray, runs: Masks | None = None) -> FloatArray:
    """Return the Shapley value of each member of a game.

    ``worth`` holds what every subset is worth, ``(2 ** member,)``; bit i of the index, counted
    from the highest, says whether member i is in it. Where ``runs`` says that some subsets cannot
    be, the mean is over the orders that pass none of them; NaN if there is no such order.

    >>> shapley(np.array([0.0, 1.0, 2.0, 7.0]))  # the second alone 1, the first alone 2, both 7
    array([4., 3.])
    >>> shapley(np.array([0.0, np.nan, 2.0, 7.0]), np.array([True, False, True, True]))
    array([2., 5.])
    """
    count = round(math.log2(len(worth)))
    can_be = np.ones(len(worth), bool) if runs is None else runs
    to, back = _orders_to(can_be), _orders_to(can_be[::-1])[::-1]
    index = np.arange(len(worth))
    results = np.empty(count)
    for member in range(count):
        bit = 1 << (count - 1 - member)
        without = index[index & bit == 0]
        orders = to[without] * back[without | bit]
        passed = orders > 0
        gains = (worth[without | bit] - worth[without])[passed]
        weights = orders[passed] / to[-1] if to[-1] else orders[passed]
        results[member] = math.fsum((weights * gains).tolist()) if to[-1] else math.nan
    return results


def _orders_to(runs: Masks) -> FloatArray:
    """Return in how many orders each subset is reached by subsets that can be: ``(subset,)``."""
    index = np.arange(len(runs))
    size = np.bitwise_count(index)
    orders = np.zeros(len(runs))
    orders[0] = runs[0]
    for members in range(1, int(size[-1]) + 1):
        these = index[(size == members) & runs]
        for bit in 1 << np.arange(int(size[-1])):
            orders[these] += np.where(these & bit, orders[these ^ bit * (these & bit > 0)], 0.0)
    return orders


# --- some orders ----------------------------------------------------------------------------------


def _joined_orders(count: int, orders: int, seed: int) -> npt.NDArray[np.intp]:
    """Draw orders of groups, ``(order, group)``; of each two one is the other's reverse.

    A longer list begins with the shorter one. The page draws the same (page/attribution.js).
    """
    numbers = _mulberry32(seed)
    drawn = []
    for _ in range(max(2, -(-orders // 2))):
        order = list(range(count))
        for last in range(count - 1, 0, -1):  # Fisher & Yates
            other = next(numbers) * (last + 1) >> 32
            order[last], order[other] = order[other], order[last]
        drawn.append(order)
    return np.array([pair for one in drawn for pair in (one, one[::-1])], dtype=np.intp)


def _mulberry32(seed: int) -> Iterator[int]:
    """Return random whole numbers below 2 ** 32.

    NumPy's generators would be slow and long in JavaScript; this one (T. Ettinger, 2017) takes four
    lines in either language and suffices to shuffle some dozens of groups.
    """
    state, all_bits = seed, 0xFFFFFFFF
    while True:
        state = state + 0x6D2B79F5 & all_bits
        mixed = (state ^ state >> 15) * (state | 1) & all_bits
        mixed ^= mixed + ((mixed ^ mixed >> 7) * (mixed | 61) & all_bits) & all_bits
        yield mixed ^ mixed >> 14
