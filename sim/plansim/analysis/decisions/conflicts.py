"""Which binding targets cannot be had together: smallest sets that no setting of levers holds.

::

    for conflict in conflicts(model, "baseline").conflicts:
        print(conflict.targets, conflict.share, conflict.relaxations)

A set is in conflict if no setting of the levers was found under which all of its targets are met in
one half of the members; a member in which one is undecided, and none missed, counts as half. Sets
are tried by size, those alone that hold no smaller conflict. What was not found may exist: the
result says how many runs were spent, and the best share that was found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plansim.analysis.decisions.member_states import states_of
from plansim.analysis.ensemble import study_key
from plansim.analysis.evaluator import Progress, processors
from plansim.analysis.optimization.decision_form import read_frontier_spec
from plansim.analysis.optimization.levers import lever_of
from plansim.analysis.optimization.problem import DecisionProblem, decision_problem
from plansim.cache import keep, recall
from plansim.errors import check_counts
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model, several
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import binding_targets_of
from plansim.targets.target import Target
from plansim.targets.views import Lever
from plansim.targets.views_file import load_views

__all__ = ["Conflict", "Conflicts", "Relaxation", "conflicts"]

HALF = 0.5
"""Share of members in which a set of targets must hold."""
POINTS = 256
"""Settings that are tried before any set is looked at; a power of two."""
CANDIDATES = 48
"""Settings that a step of a search tries."""
STEPS = 40
"""Maximum number of steps of the search for one set."""
PATIENCE = 6
"""Steps without a better setting after which a search ends."""
WIDTH = 0.05
"""Width of the smooth verdict, as a part of a target's value."""
PART = 4
"""Settings are tried over one in this number of members first."""
FEW = 25
"""Minimum number of these."""
TOPS = 3
"""Settings of those tried so that are tried over all members, before a search and after."""
SAVED = 16
"""Searches for a set after which it is written to the cache how far all are."""
FOLDER = "conflicts"
"""Folder of the cache."""
EXTENTS = (0.3, 0.1, 0.03)
"""Standard deviations of the moves of candidates, as parts of a lever's range."""


@dataclass(frozen=True)
class Relaxation:
    """The least relaxation of one target that dissolves a conflict."""

    target: str
    amount: float | None
    """In the target's unit; None if no relaxation of it alone does."""
    unit: str


@dataclass(frozen=True)
class Conflict:
    """Targets that no setting of the levers was found to hold together."""

    targets: tuple[str, ...]
    share: float
    """The largest share of members found in which all of them are met."""
    values: Mapping[str, float] = field(repr=False)
    """The setting at which it is, by the id of a lever, in its unit."""
    relaxations: tuple[Relaxation, ...]


@dataclass(frozen=True)
class Conflicts(Tabular):
    """The smallest conflicts, by size.

    As a table: a row for each ``target`` of a conflict, with the ``amount`` by which to relax it,
    in ``unit``; ``share`` is that of members in which all of its ``targets`` were found to hold.
    """

    scenario: str
    conflicts: tuple[Conflict, ...]
    largest: int
    """The size up to which sets were looked at."""
    sets: int
    """Number of sets that were looked at."""
    members: int
    runs: int

    def _table(self) -> Table:
        rows = [
            (number, ", ".join(one.targets), one.share, *astuple(relaxed))
            for number, one in enumerate(self.conflicts, 1)
            for relaxed in one.relaxations
        ]
        return ("conflict", "targets", "share", "target", "amount", "unit"), rows


def conflicts(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    *,
    levers: Sequence[Lever | str] | None = None,
    targets: Sequence[Target | str] | None = None,
    members: Members | int | None = None,
    largest: int = 2,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Conflicts:
    """Find the smallest sets of binding targets that no setting of levers was found to hold.

    Args:
        model: the model.
        scenario: about which levers are moved; by default that of ``decision.yaml``.
        levers: records or names; by default those of ``decision.yaml`` beside the model.
        targets: records or ids; by default the binding ones of the catalogue beside the model.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        largest: maximum number of targets in a set.
        seed: of the search.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many draws of members are made, then how many sets looked at.

    Raises:
        InputError: the ensemble or the decision problem is at fault.
        ModelError: the compiler does not support the model.

    >>> result = plansim.conflicts(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> result.sets, result.conflicts
    (1, ())
    >>> list(result.frame().columns)
    ['conflict', 'targets', 'share', 'target', 'amount', 'unit']
    """
    check_counts(largest=largest)
    spec = read_frontier_spec(model, load_views(model))
    base = spec.scenario if scenario is None else scenario_of(model, scenario)
    wanted = binding_targets_of(model, targets)
    states = states_of(model, members, threads=threads, progress=progress)
    moved = [lever_of(model, one) for one in several(levers or spec.levers)]
    space = decision_problem(
        model, base, moved, wanted, members=states, threads=threads or processors()
    )
    key = study_key(model, base, space.levers, wanted, states.head, largest, seed)
    search = _search(space, largest, seed, key, progress)
    made = [search.conflict(columns) for columns in search.found]
    left = tuple(conflict for conflict in made if conflict.share < HALF)
    return Conflicts(base.id, left, largest, search.looked, len(states), search.runs)


def _search(
    space: DecisionProblem, largest: int, seed: int, key: str, report: Progress
) -> _Settings:
    """Look at all sets up to a size, from where an earlier search of this key was interrupted."""
    sets = [
        columns
        for size in range(1, largest + 1)
        for columns in itertools.combinations(range(len(space.targets)), size)
    ]
    search: _Settings = recall(FOLDER, key, _Settings) or _Settings(space, seed)
    search.space = space
    while search.looked < len(sets):
        report(search.looked, len(sets))
        columns = sets[search.looked]
        has_climbed = search.look(columns)
        if search.looked == len(sets) or len(sets[search.looked]) > len(columns):
            # What was tried for other sets may hold one that was not held before.
            search.found = [one for one in search.found if search.best(one)[0] < HALF]
        if has_climbed and search.climbs % SAVED == 0:
            keep(FOLDER, key, search)
    report(len(sets), len(sets))
    return search


class _Settings:
    """Settings that were tried, and what they came to.

    All are tried over a part of the members, and those that do best there over all of them.
    """

    def __init__(self, space: DecisionProblem, seed: int) -> None:
        from scipy.stats import qmc

        self.space = space
        self.found: list[tuple[int, ...]] = []
        self.rng = np.random.default_rng(seed)
        self.looked = self.climbs = self.runs = 0
        members, count = len(space.states), len(space.levers)
        self.few = np.sort(self.rng.permutation(members)[: max(FEW, members // PART)])
        single = np.tile(space.start, (2 * count, 1))
        single[np.arange(2 * count), np.repeat(np.arange(count), 2)] = np.tile([0.0, 1.0], count)
        spread = qmc.Sobol(count, rng=self.rng).random(POINTS)
        self.tried = self._tried(np.vstack([space.start, single, spread]), self.few)
        # Each target's best end of each lever, and all of them together.
        margins = self.tried.margins[1 : 2 * count + 1]
        slopes = np.nanmean(margins, axis=1).reshape(count, 2, -1)
        ends = (slopes[:, 1] > slopes[:, 0]).astype(np.float64)  # (lever, target)
        common = (np.sign(slopes[:, 1] - slopes[:, 0]).sum(axis=1) > 0).astype(np.float64)
        self.tried += self._tried(np.vstack([ends.T, common]), self.few)
        self.whole = self._tried(np.vstack([space.start, common]), slice(None))

    def _tried(self, positions: FloatArray, rows: npt.NDArray[np.intp] | slice) -> _Tried:
        judged = self.space.judge(positions, rows)
        self.runs += judged.met[..., 0].size
        halves = (2 * np.nan_to_num(judged.met)).astype(np.int8)
        return _Tried(positions, halves, judged.margins.astype(np.float32))

    def best(self, columns: Sequence[int]) -> tuple[float, int]:
        """Return the largest share of members in which targets are met together, and where."""
        shares = self.whole.shares(columns)
        row = int(np.argmax(shares))
        return float(shares[row]), row

    def __getstate__(self) -> dict[str, object]:
        """Return what the cache keeps: all but the space, whose code is compiled."""
        return {name: value for name, value in vars(self).items() if name != "space"}

    def look(self, columns: tuple[int, ...]) -> bool:
        """Look at the next set; return whether settings were searched for it."""
        self.looked += 1
        is_known = any(set(columns) >= set(smaller) for smaller in self.found)
        if is_known or self.best(columns)[0] >= HALF:
            return False
        self.climb(columns)
        self.climbs += 1
        if self.best(columns)[0] < HALF:
            self.found.append(columns)
        return True

    def climb(self, columns: Sequence[int]) -> None:
        """Search settings under which targets hold together in more members."""
        heights = self.tried.heights(columns)
        tops = np.argsort(-heights, kind="stable")[:TOPS]
        position, height = self.tried.positions[tops[0]], heights[tops[0]]
        self._try_whole(tops)
        steps: list[_Tried] = []
        failed = 0
        while failed < PATIENCE and len(steps) < STEPS and self.best(columns)[0] < HALF:
            step = self._tried(self._near(position), self.few)
            steps.append(step)
            heights = step.heights(columns)
            failed += 1
            if heights.max() > height:
                position, height, failed = step.positions[heights.argmax()], heights.max(), 0
                self.whole += self._tried(position[None], slice(None))
        for step in steps:
            self.tried += step

    def _try_whole(self, rows: npt.NDArray[np.intp]) -> None:
        """Try settings of those tried over all members."""
        self.whole += self._tried(self.tried.positions[rows], slice(None))

    def _near(self, position: FloatArray) -> FloatArray:
        """Return candidates: a few levers moved, or mixed with settings that were tried."""
        count = len(position)
        extents = self.rng.choice(EXTENTS, size=(CANDIDATES, 1))
        moved = self.rng.random((CANDIDATES, count)) < 3 / count
        steps = self.rng.normal(size=(CANDIDATES, count)) * extents
        candidates = np.where(moved, position + steps, position)
        tried = self.tried.positions
        others = tried[self.rng.integers(len(tried), size=CANDIDATES // 3)]
        mixed = self.rng.random((len(others), count)) < 0.3
        candidates[: len(others)] = np.where(mixed, others, position)
        return np.clip(candidates, 0.0, 1.0)

    def conflict(self, columns: Sequence[int]) -> Conflict:
        """Return what is known of targets that were not held together."""
        targets = [self.space.targets[column] for column in columns]
        relaxations = tuple(
            Relaxation(target.id, self._relaxation(columns, column), target.unit)
            for target, column in zip(targets, columns, strict=True)
        )
        share, row = self.best(columns)  # of all that was tried by now
        values = self.space.values(self.whole.positions[row][None])[0].tolist()
        settings = {lever.id: value for lever, value in zip(self.space.levers, values, strict=True)}
        return Conflict(tuple(target.id for target in targets), share, settings, relaxations)

    def _relaxation(self, columns: Sequence[int], relaxed: int) -> float | None:
        """Return the least relaxation of one target with which a setting holds all in one half."""
        others = [column for column in columns if column != relaxed]
        self._try_whole(np.argsort(self.tried.lacking(others, relaxed), kind="stable")[:TOPS])
        least = float(self.whole.lacking(others, relaxed).min())
        return least * float(self.space.scales[relaxed]) if math.isfinite(least) else None


@dataclass(frozen=True)
class _Tried:
    """What settings came to, member by member."""

    positions: FloatArray
    """``(setting, lever)``"""
    halves: npt.NDArray[np.int8]
    """``(setting, member, target)``: 2 if it is met, 1 if it is undecided, 0 if it is missed."""
    margins: npt.NDArray[np.float32]
    """Likewise, as parts of the targets' values."""

    def __add__(self, other: _Tried) -> _Tried:
        return _Tried(
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.halves, other.halves]),
            np.concatenate([self.margins, other.margins]),
        )

    def parts(self, columns: Sequence[int]) -> FloatArray:
        """Return how far all of some targets are met: ``(setting, member)``, 0, a half or 1."""
        return np.asarray(self.halves[:, :, list(columns)].min(axis=2, initial=2) / 2)

    def shares(self, columns: Sequence[int]) -> FloatArray:
        """Return the share of members in which all of some targets are met: ``(setting,)``."""
        return np.asarray(self.parts(columns).mean(axis=1))

    def heights(self, columns: Sequence[int]) -> FloatArray:
        """Return the same with a smooth verdict, which tells what is near: ``(setting,)``."""
        from scipy.special import expit

        worst = np.nan_to_num(self.margins[:, :, list(columns)].min(axis=2), nan=-np.inf)
        return np.asarray(expit(worst / WIDTH).mean(axis=1))

    def lacking(self, others: Sequence[int], relaxed: int) -> FloatArray:
        """Return what a target lacks where others hold, in one half of the members: ``(setting,)``.

        As a part of the target's value; infinite where the others do not hold in one half.
        """
        lacking = -np.nan_to_num(self.margins[:, :, relaxed], nan=-np.inf)
        order = np.argsort(lacking, axis=1)
        held = np.cumsum(np.take_along_axis(self.parts(others), order, axis=1), axis=1)
        is_enough = held >= HALF * held.shape[1]
        last = np.take_along_axis(order, is_enough.argmax(axis=1)[:, None], axis=1)
        least = np.take_along_axis(lacking, last, axis=1)[:, 0]
        return np.where(is_enough.any(axis=1), least.astype(np.float64), np.inf)
