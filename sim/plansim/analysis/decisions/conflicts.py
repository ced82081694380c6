"""Which binding targets cannot be had together: smallest sets that no setting of levers holds.

::

    for conflict in conflicts(model, "baseline").conflicts:
        print(conflict.targets, conflict.share, conflict.relaxations)

A set is in conflict if no setting of the levers was found under which all of its targets are met in
one half of the members. Sets are tried by size, those alone that hold no smaller conflict. What was
not found may exist: the result says how many runs were spent, and the best share that was found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import qmc

from plansim.analysis.decisions.policy_space import Judged, PolicySpace, policy_space
from plansim.analysis.decisions.sample import states_of
from plansim.analysis.evaluator import Progress
from plansim.analysis.optimization.problem import read_frontier_spec, scale_of
from plansim.errors import Fault, InputError, Message
from plansim.model.records import Model
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import Floats
from plansim.targets.target import Target, binding_targets
from plansim.targets.views import Lever
from plansim.targets.views_file import load_views

__all__ = ["Conflict", "Conflicts", "Relaxation", "conflicts"]

HALF = 0.5
"""Share of members in which a set of targets must hold."""
POINTS = 256
"""Settings that are tried before any set is looked at; a power of two."""
CANDIDATES = 48
"""Settings that a step of a search tries."""
STEPS = 16
"""Maximum number of steps of the search for one set."""
PATIENCE = 4
"""Steps without a better setting after which a search ends."""
WIDTH = 0.05
"""Width of the smooth verdict, as a part of a target's value."""
EXTENTS = (0.3, 0.1, 0.03)
"""By how much of a lever's range candidates are moved."""


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
class Conflicts:
    """The smallest conflicts, by size."""

    scenario: str
    conflicts: tuple[Conflict, ...]
    largest: int
    """The size up to which sets were looked at."""
    sets: int
    """Number of sets that were looked at."""
    members: int
    runs: int


def conflicts(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    *,
    levers: Sequence[Lever] | None = None,
    targets: Sequence[Target] | None = None,
    members: Members | int | None = None,
    largest: int = 3,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Conflicts:
    """Find the smallest sets of binding targets that no setting of levers was found to hold.

    Args:
        model: the model.
        scenario: about which levers are moved; by default that of ``decision.yaml``.
        levers: by default those of ``decision.yaml`` beside the model.
        targets: by default the binding ones of the catalogue beside the model.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        largest: maximum number of targets in a set.
        seed: of the search.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many sets were looked at, of how many.

    Raises:
        InputError: the ensemble or the decision problem is at fault.
        ModelError: the compiler does not support the model.

    >>> result = plansim.conflicts(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> result.sets, result.conflicts
    (1, ())
    """
    spec = read_frontier_spec(model, load_views(model))
    base = spec.scenario if scenario is None else scenario_of(model, scenario)
    wanted = binding_targets(load_targets(model=model) if targets is None else targets)
    if largest < 1 or not wanted:
        expected = Message("a size from 1 on, and a binding target")
        raise InputError(Fault("no set of targets to look at", expected=expected))
    states = states_of(model, members, threads=threads)
    space = policy_space(
        model, base, spec.levers if levers is None else levers, wanted, states, threads=threads
    )
    search = _Settings(space, np.random.default_rng(seed))
    found: list[Conflict] = []
    looked = 0
    total = sum(math.comb(len(wanted), size) for size in range(1, largest + 1))
    for size in range(1, largest + 1):
        for columns in itertools.combinations(range(len(wanted)), size):
            looked += 1
            progress(looked, total)
            ids = {wanted[column].id for column in columns}
            if any(ids >= set(conflict.targets) for conflict in found):
                continue
            if search.best(columns)[0] < HALF:
                search.climb(columns)
            share, row = search.best(columns)
            if share < HALF:
                found.append(search.conflict(columns, share, row))
    return Conflicts(base.id, tuple(found), largest, looked, len(states), search.runs)


class _Settings:
    """Settings that were tried, and what they came to."""

    def __init__(self, space: PolicySpace, rng: np.random.Generator) -> None:
        self.space, self.rng, self.runs = space, rng, 0
        count = len(space.levers)
        start = space.start
        single = np.tile(start, (2 * count, 1))
        single[np.arange(2 * count), np.repeat(np.arange(count), 2)] = np.tile([0.0, 1.0], count)
        spread = qmc.Sobol(count, rng=rng).random(POINTS)
        self.positions = np.empty((0, count))
        shape = (0, len(space.members), len(space.targets))
        # There are many: a bit and half a number each will do.
        self.met = np.empty(shape, np.bool_)
        self.margins = np.empty(shape, np.float32)
        self._try(np.vstack([start, single, spread]))
        # Each target's best end of each lever, and all of them together.
        slopes = np.nanmean(self.margins[1 : 2 * count + 1], axis=1).reshape(count, 2, -1)
        ends = (slopes[:, 1] > slopes[:, 0]).astype(np.float64)  # (lever, target)
        common = (np.sign(slopes[:, 1] - slopes[:, 0]).sum(axis=1) > 0).astype(np.float64)
        self._try(np.vstack([ends.T, common]))

    def _try(self, positions: Floats) -> Judged:
        judged = self.space.judge(positions)
        self.runs += judged.met[..., 0].size
        self.positions = np.vstack([self.positions, positions])
        self.met = np.vstack([self.met, judged.met == 1])
        self.margins = np.vstack([self.margins, judged.margins.astype(np.float32)])
        return judged

    def best(self, columns: Sequence[int]) -> tuple[float, int]:
        """Return the largest share of members in which targets are met together, and where."""
        shares = self.met[:, :, list(columns)].all(axis=2).mean(axis=1)
        row = int(np.argmax(shares))
        return float(shares[row]), row

    def climb(self, columns: Sequence[int]) -> None:
        """Search settings under which targets hold together in more members."""
        chosen = list(columns)
        heights = _smooth(self.margins, chosen)
        row, failed = int(np.argmax(heights)), 0
        position, height = self.positions[row], float(heights[row])
        for _ in range(STEPS):
            if failed == PATIENCE or self.best(columns)[0] >= HALF:
                return
            candidates = self._near(position)
            tried = _smooth(self._try(candidates).margins, chosen)
            top = int(np.argmax(tried))
            failed = 0 if tried[top] > height else failed + 1
            if tried[top] > height:
                position, height = candidates[top], float(tried[top])

    def _near(self, position: Floats) -> Floats:
        """Return candidates: a few levers moved, or mixed with settings that were tried."""
        count = len(position)
        extents = self.rng.choice(EXTENTS, size=(CANDIDATES, 1))
        moved = self.rng.random((CANDIDATES, count)) < 3 / count
        steps = self.rng.normal(size=(CANDIDATES, count)) * extents
        candidates = np.where(moved, position + steps, position)
        others = self.positions[self.rng.integers(len(self.positions), size=CANDIDATES // 3)]
        mixed = self.rng.random((len(others), count)) < 0.3
        candidates[: len(others)] = np.where(mixed, others, position)
        return np.clip(candidates, 0.0, 1.0)

    def conflict(self, columns: Sequence[int], share: float, row: int) -> Conflict:
        """Return what is known of targets that were not held together."""
        values = self.space.values(self.positions[row][None])[0]
        targets = [self.space.targets[column] for column in columns]
        return Conflict(
            tuple(target.id for target in targets),
            share,
            {
                lever.id: float(value)
                for lever, value in zip(self.space.levers, values, strict=True)
            },
            tuple(
                Relaxation(target.id, self._relaxation(columns, column), target.unit)
                for target, column in zip(targets, columns, strict=True)
            ),
        )

    def _relaxation(self, columns: Sequence[int], relaxed: int) -> float | None:
        """Return the least relaxation of one target with which a setting holds all in one half."""
        others = [column for column in columns if column != relaxed]
        hold = self.met[:, :, others].all(axis=2)
        margins = np.where(hold, self.margins[:, :, relaxed], -np.inf)
        needed = math.ceil(HALF * margins.shape[1])
        lacking = -np.sort(margins, axis=1)[:, -needed]
        least = float(lacking.min())
        return least * scale_of(self.space.targets[relaxed]) if math.isfinite(least) else None


def _smooth(margins: npt.NDArray[np.floating], columns: list[int]) -> Floats:
    """Return the share of members in which targets hold, each verdict smooth: ``(setting,)``."""
    worst = np.nan_to_num(margins[:, :, columns].min(axis=2), nan=-np.inf)
    return np.asarray(expit(worst / WIDTH).mean(axis=1))
