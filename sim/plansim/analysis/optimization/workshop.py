"""A scenario whose levers may be moved, by many runs at once: what a remedy is looked for with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from plansim.analysis.evaluator import Engine, Evaluation, Evaluator, Request
from plansim.analysis.optimization.search_space import Evaluate
from plansim.model.records import Model
from plansim.scenario.factors import default_of
from plansim.scenario.reader import Scenario
from plansim.scenario.values import Apply
from plansim.targets.catalogue import Status, Target
from plansim.targets.indicator import Floats
from plansim.targets.views import Lever

__all__ = ["POINTS", "Move", "Remedy", "Setting", "Workshop", "scale_of", "workshop_of"]

POINTS = 33
"""Of the grid over a lever's range, where it stands beside."""
NEARLY = 0.01
STILL = 1e-9
"""A move by less of the range is none."""


@dataclass(frozen=True)
class Move:
    """A lever and where it is moved to; its present place and the new one in its own unit."""

    lever: Lever
    present: float
    """The constant's value; 0 of a lever that adds, 1 of one that multiplies."""
    value: float

    @property
    def effort(self) -> float:
        """The part of the lever's range that the move takes."""
        return abs(self.value - self.present) / (self.lever.high - self.lever.low)

    @property
    def at_end(self) -> bool:
        """Whether the lever is moved as far as it goes, but for what nobody would see."""
        width = self.lever.high - self.lever.low
        return min(abs(self.value - end) for end in (self.lever.low, self.lever.high)) < (
            NEARLY * width
        )


@dataclass(frozen=True)
class Remedy:
    """Moves that just meet one target, or several."""

    moves: tuple[Move, ...]
    """Those by the largest part of their range first."""
    margin: float
    """Of the target there, in its unit, the smallest of all bases, as all margins here; of several
    targets the smallest, in parts of a target."""
    gained: tuple[str, ...]
    """Ids of the other targets that are met there and were not."""
    lost: tuple[str, ...]
    """Ids of the other targets that were met and are not there."""

    @property
    def effort(self) -> float:
        """What the moves take of their levers' ranges, added up."""
        return sum(each.effort for each in self.moves)


Setting: TypeAlias = Sequence[tuple[int, float]]
"""Levers by place, each with its value."""


@dataclass(frozen=True)
class Workshop:
    """A scenario whose levers may be moved."""

    scenario: Scenario
    levers: tuple[Lever, ...]
    targets: tuple[Target, ...]
    evaluator: Evaluator
    columns: Mapping[str, int]
    """Of the constants in a row of settings."""
    defaults: Floats
    """``(constant,)``: as the scenario has them."""

    def present(self, place: int) -> float:
        """Give where a lever stands."""
        lever = self.levers[place]
        match lever.apply:
            case Apply.SET:
                return float(self.defaults[self.columns[lever.constants[0]]])
            case Apply.ADD:
                return 0.0
            case Apply.MULTIPLY:
                return 1.0

    def grid(self, place: int) -> Floats:
        """Give the places at which a lever is tried: its range, and where it stands."""
        lever, present = self.levers[place], self.present(place)
        ends = min(lever.low, present), max(lever.high, present)
        return np.unique(np.append(np.linspace(*ends, POINTS), present))

    def run(self, settings: Sequence[Setting]) -> Evaluation:
        """Run the scenario once for each setting of some levers."""
        rows = np.tile(self.defaults, (len(settings), 1))
        for row, setting in zip(rows, settings, strict=True):
            for place, value in setting:
                self._move(row, self.levers[place], value)
        return self.evaluator.evaluate(rows)

    def margins(self, target: Target, settings: Sequence[Setting]) -> Floats:
        """Give the margins of a target; minus infinity where there is none."""
        least = self.run(settings)[target.id].least_margin
        return np.where(np.isnan(least), -np.inf, least)

    def remedy(self, targets: Sequence[Target], setting: Setting) -> Remedy:
        """Say what a setting that meets some targets does."""
        evaluation = self.run([(), setting])
        sought = {each.id for each in targets}
        met = {
            each.id: evaluation[each.id].status == Status.MET.code
            for each in self.targets
            if each.id not in sought
        }
        margins = {each.id: float(evaluation[each.id].least_margin[1]) for each in targets}
        (only, *others) = targets
        return Remedy(
            self.moves(setting),
            min(margins[each.id] / scale_of(each) for each in targets)
            if others
            else margins[only.id],
            tuple(key for key, (before, after) in met.items() if after and not before),
            tuple(key for key, (before, after) in met.items() if before and not after),
        )

    def moves(self, setting: Setting) -> tuple[Move, ...]:
        """Give a setting as records, the longest way first."""
        found = [Move(self.levers[place], self.present(place), value) for place, value in setting]
        return tuple(sorted(found, key=lambda each: -each.effort))

    # Places: levers counted from 0 to 1 across their ranges.

    @property
    def ends(self) -> Floats:
        """``(lever, 2)``: the ranges; a scenario may stand outside of one."""
        here = [self.present(place) for place in range(len(self.levers))]
        return np.array(
            [
                (min(each.low, at), max(each.high, at))
                for each, at in zip(self.levers, here, strict=True)
            ]
        )

    @property
    def here(self) -> Floats:
        """``(lever,)``: where all levers stand."""
        return self.place([])

    def place(self, setting: Setting) -> Floats:
        """Give the place of a setting."""
        at = np.array([self.present(each) for each in range(len(self.levers))])
        for lever, value in setting:
            at[lever] = value
        low, high = self.ends.T
        return np.asarray((at - low) / np.where(high > low, high - low, 1.0), np.float64)

    def setting(self, place: Floats) -> list[tuple[int, float]]:
        """Give the levers that are moved at a place, with their values."""
        low, high = self.ends.T
        values = low + place * (high - low)
        moved = np.flatnonzero(np.abs(place - self.here) > STILL)
        return [(int(each), float(values[each])) for each in moved]

    def evaluate(self, targets: Sequence[Target], weights: Floats | None = None) -> Evaluate:
        """Give what judges places: the margins of targets, in parts of each."""
        scales = np.array([scale_of(each) for each in targets])
        if weights is not None:
            scales = scales / weights
        low, high = self.ends.T
        here = np.array([self.present(each) for each in range(len(self.levers))])
        still = self.here

        def run(places: Floats) -> Floats:
            # Where a lever stands is no rounding error away from there.
            values = np.where(places == still, here, low + places * (high - low))
            rows = np.tile(self.defaults, (len(places), 1))
            for place, lever in enumerate(self.levers):
                self._move(rows, lever, values[:, place : place + 1])
            standings = self.evaluator.evaluate(rows)
            least = np.stack([standings[each.id].least_margin for each in targets], axis=1)
            return np.asarray(least / scales, np.float64)

        return run

    def _move(self, rows: Floats, lever: Lever, values: Floats | float) -> None:
        """Set a lever in rows of constants."""
        columns = [self.columns[each] for each in lever.constants]
        match lever.apply:
            case Apply.SET:
                rows[..., columns] = values
            case Apply.ADD:
                rows[..., columns] += values
            case Apply.MULTIPLY:
                rows[..., columns] *= values


def scale_of(target: Target) -> float:
    """Give what the margins of a target are counted in, so that they compare."""
    return abs(target.value or 0.0) or 1.0


def workshop_of(
    model: Model,
    scenario: Scenario,
    levers: Sequence[Lever],
    targets: Sequence[Target],
    engine: Engine,
) -> Workshop:
    """Make a workshop in which runs are judged by some targets.

    Raises:
        InputError: the shape of the code depends on a lever.
        ModelError: the engine cannot compute the model.
    """
    constants = list(dict.fromkeys(each for lever in levers for each in lever.constants))
    listed = tuple({each.id: each for each in targets}.values())
    return Workshop(
        scenario,
        tuple(levers),
        listed,
        Evaluator(model, scenario, constants, Request(listed), engine),
        {name: column for column, name in enumerate(constants)},
        np.array([default_of(model, scenario.values, name) for name in constants]),
    )
