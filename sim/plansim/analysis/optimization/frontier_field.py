"""All policies of a frontier, as places of a box, judged to one year.

Places count each lever from 0 to 1 across its range. Margins are the smallest from the target's own
year to the one looked at, in standard deviations of their own doubt, so that they compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from plansim.analysis.evaluator import Engine, Evaluation, Evaluator, Request
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.optimization.frontier_file import Quest
from plansim.analysis.optimization.frontier_records import Policy
from plansim.analysis.optimization.search_space import BROKEN, Found
from plansim.model.records import Model
from plansim.scenario.factors import Factor, applied, default_of
from plansim.scenario.reader import Scenario
from plansim.scenario.values import Apply
from plansim.targets.catalogue import Target, in_year, indicator_of
from plansim.targets.indicator import Floats, Measure
from plansim.targets.verdict import margin_of

__all__ = ["Field", "present_of"]

LEAST_SPREAD = 1e-3
"""A margin is counted in no less than this part of its target."""
TILE = 2048
LEAST_TILE = 64
OTHER_DRAWS = 128
EVEN = 0.01
"""Margins that differ by no more, in spreads, are alike tight."""


def present_of(factor: Factor, model: Model, scenario: Scenario) -> float:
    """Give where a lever stands: no change, for one that adds or multiplies."""
    match factor.apply:
        case Apply.SET:
            return default_of(model, scenario.values, factor.constants[0])
        case Apply.ADD:
            return 0.0
        case Apply.MULTIPLY:
            return 1.0


def _short(model: Model, scenario: Scenario, last: int) -> Scenario:
    """Let runs end where nothing more is asked of them, unless the model asks for its end."""
    time = scenario.time
    if model.uses("FINAL TIME") or time.final <= last + 0.5:
        return scenario
    return replace(scenario, time=replace(time, final=last + 0.5))


class Field:
    """All policies, as places of a box, judged to one year."""

    def __init__(
        self,
        model: Model,
        quest: Quest,
        targets: Sequence[Target],
        year: int,
        draws: int,
        threads: int,
        engine: Engine,
    ) -> None:
        scenario = _short(
            model, quest.scenario, max(year, *(each.year or year for each in targets))
        )
        self.targets = tuple(targets)
        self.names = tuple(each.id for each in quest.levers)
        self.year = year
        self.runs = 0
        self._threads = threads
        self._levers = quest.factors
        moved = [each for factor in self._levers for each in factor.constants]
        self._doubts = _apart_from(quest, set(moved))
        vague = [each for factor in self._doubts for each in factor.constants]
        self._constants = tuple(dict.fromkeys([*moved, *vague]))
        since = math.floor(scenario.time.initial)
        self._growth = indicator_of(model, quest.growth, Measure.GROWTH, since, year)
        years = range(min(each.year or year for each in self.targets) + 1, year + 1)
        # Later years are quick for a target on one basis; on several, each year is one of its own.
        self._followed = {
            each.id: [in_year(each, y) for y in years if y > (each.year or year)]
            for each in self.targets
            if len(each.variables) > 1
        }
        clones = [each for many in self._followed.values() for each in many]
        request = Request((*self.targets, *clones, self._growth), later=tuple(years))
        self._defaults = {
            each: default_of(model, scenario.values, each) for each in self._constants
        }
        self._evaluator: Evaluator = Evaluator(model, scenario, self._constants, request, engine)
        # Searching varies levers alone, for which the code is smaller and quicker.
        self._narrow: Evaluator = Evaluator(model, scenario, moved, request, engine)
        self._ends = np.array([_ends(each) for each in self._levers])
        here = np.array([present_of(each, model, scenario) for each in self._levers])
        low, high = self._ends.T
        # A scenario may stand outside of the range of a lever.
        self._ends = np.stack([np.minimum(low, here), np.maximum(high, here)], axis=1)
        low, high = self._ends.T
        self.here = (here - low) / np.where(high > low, high - low, 1.0)
        design = quest.uncertainty
        self.drawn = self.other = np.empty((0, len(self._doubts)))
        if design is not None and self._doubts:
            columns = [design.factors.index(each) for each in self._doubts]
            self.drawn = Sampler(design).draw(0, draws)[:, columns]
            # A policy is not judged over the draws that it was chosen by.
            anew = Sampler(replace(design, seed=design.seed + 1))
            self.other = anew.draw(0, min(OTHER_DRAWS, draws))[:, columns]
        sizes = np.array([abs(each.value or 0.0) or 1.0 for each in self.targets])
        self.spreads = LEAST_SPREAD * sizes
        self._narrow.evaluate(self._settings(here[None], len(moved))).require_ok()
        if len(self.drawn):
            margins, _ = self.over_draws(self.here[None])
            with np.errstate(all="ignore"):
                spreads = np.nanstd(margins[0], axis=0)
            self.spreads = np.maximum(np.nan_to_num(spreads), self.spreads)
        else:
            self.spreads = 0.05 * sizes

    def settings(self, places: Floats) -> Floats:
        """Give the levers' values, in their units, at places of the box."""
        low, high = self._ends.T
        return np.asarray(low + places * (high - low))

    def _settings(self, values: Floats, count: int) -> Floats:
        """Give constants: ``(run, lever)`` → ``(run, constant)``, the first ``count`` of them."""
        moved = applied(self._levers, values, self._defaults)
        rest = [self._defaults[each] for each in self._constants[moved.shape[1] : count]]
        return np.hstack([moved, np.broadcast_to(rest, (len(values), len(rest)))])

    def evaluate(self, places: Floats) -> Floats:
        """Judge policies: margins of the targets in their spreads, then the growth."""
        count = sum(len(each.constants) for each in self._levers)
        margins, growth = self._judged(self._narrow, self._settings(self.settings(places), count))
        return np.column_stack([margins / self.spreads, growth])

    def over_draws(self, places: Floats, draws: Floats | None = None) -> tuple[Floats, Floats]:
        """Judge policies over draws of what is uncertain, by default `drawn`.

        Margins ``(policy, draw, target)`` in the targets' units, growth ``(policy, draw)``; NaN
        where a run breaks down.
        """
        draws = self.drawn if draws is None else draws
        names = [each for factor in self._doubts for each in factor.constants]
        columns = [self._constants.index(each) for each in names]
        ones = self._settings(self.settings(places), len(self._constants))
        settings = np.repeat(ones, len(draws), axis=0)
        for start, one in zip(range(0, len(settings), len(draws)), ones, strict=True):
            defaults = dict(zip(self._constants, one.tolist(), strict=True))
            settings[start : start + len(draws), columns] = applied(self._doubts, draws, defaults)
        margins, growth = self._judged(self._evaluator, settings)
        shape = len(places), len(draws)
        return margins.reshape(*shape, -1), growth.reshape(shape)

    def _judged(self, evaluator: Evaluator, settings: Floats) -> tuple[Floats, Floats]:
        self.runs += len(settings)

        size = min(TILE, max(LEAST_TILE, -(-len(settings) // self._threads)))

        def tile(start: int) -> tuple[Floats, Floats]:
            standings = evaluator.evaluate(settings[start : start + size])
            margins = [self._least(each, standings) for each in self.targets]
            return np.stack(margins, axis=1), standings[self._growth.id].value

        starts = range(0, len(settings), size)
        if len(starts) == 1:
            return tile(0)
        with ThreadPoolExecutor(self._threads) as pool:
            parts = list(pool.map(tile, starts))
        return (
            np.concatenate([margins for margins, _ in parts]),
            np.concatenate([growth for _, growth in parts]),
        )

    def _least(self, target: Target, evaluation: Evaluation) -> Floats:
        """Give the smallest margin of a target, from its own year to the one looked at."""
        own = evaluation[target.id]
        if target.id in self._followed:
            after = [evaluation[each.id].least_margin for each in self._followed[target.id]]
        else:
            after = [
                margin_of(value, target)
                for year, value in evaluation.later[target.id].items()
                if year > (target.year or year)
            ]
        return np.asarray(np.min([own.least_margin, *after], axis=0))

    def policy(self, found: Found, kept: Sequence[int]) -> Policy:
        """Make a record of a place."""
        values = found.values[:-1]
        worst = float(values[list(kept)].min()) if kept else math.nan
        tight = sorted(
            (row for row in kept if values[row] <= worst + EVEN), key=lambda row: values[row]
        )
        return Policy(
            tuple(map(float, self.settings(found.place[None])[0])),
            float(found.values[-1]),
            {
                each.id: math.nan if value <= BROKEN else float(value * spread)
                for each, value, spread in zip(self.targets, values, self.spreads, strict=True)
            },
            tuple(self.targets[row].id for row in tight),
            worst,
        )


def _ends(factor: Factor) -> tuple[float, float]:
    assert factor.distribution is not None
    return factor.distribution.low, factor.distribution.high


def _apart_from(quest: Quest, moved: set[str]) -> tuple[Factor, ...]:
    """Give what is uncertain beside the levers; what adds to a lever's constant stays."""
    design = quest.uncertainty
    if design is None:
        return ()
    return tuple(
        each
        for each in design.factors
        if each.apply is not Apply.SET or not moved & set(each.constants)
    )
