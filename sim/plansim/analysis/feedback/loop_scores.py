"""The scores of declared loops by *Loops That Matter*: how much each bears on the model as a whole.

A link's score is the part of its effect's change that is due to its cause; a loop's is the product
of the scores of its links. A declared way round that runs through arrays is as many loops as there
are ways through their elements, and its score is their sum. What is compared is a loop's share of
all declared loops that hang together, that is, each of which can be reached from each other one.

Unlike `dominance` this asks about no indicator: it says what drives the stocks of the loops.
The scores of links come from pysimlin (`engine.simlin.link_scores`).

Reference: Schoenberg, Davidsen, Eberlein (2020), System Dynamics Review 36:158-190.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plansim.analysis.feedback.dominance import Phase, Year, phases_of
from plansim.analysis.feedback.loops import Link, Loop
from plansim.compiler.lower import cells_of
from plansim.engine.simlin import LinkScores, has_simlin, link_scores
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = [
    "PER_YEAR",
    "LoopScores",
    "Partition",
    "partitions_of",
    "score_loops",
    "score_loops_if_installed",
    "way_round",
]

PER_YEAR = 4
"""Times a year at which scores are taken; those of a year are averaged."""


@dataclass(frozen=True)
class Partition:
    """Declared loops that hang together, and which of them does most."""

    loops: tuple[str, ...]
    """Their ids."""
    years: tuple[Year, ...]
    """Each part is a loop's share: positive where it reinforces then, negative where it balances.
    Without their signs they add up to at most 1; 0 where no loop is at work."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Years on end in which the same loop does most."""
        return phases_of(self.years)


@dataclass(frozen=True)
class LoopScores:
    """How much each declared loop bears on the model under a scenario."""

    scenario: Scenario
    partitions: tuple[Partition, ...]


def score_loops(model: Model, scenario: Scenario, loops: Sequence[Loop]) -> LoopScores:
    """Score declared loops by pysimlin, which must be installed.

    Raises:
        ModelError: the model cannot be written without arrays.
    """
    links = link_scores(model, scenario, 1 / PER_YEAR)
    scores = {
        loop.id: np.sum([way_round(model, path, links) for path in loop.paths], axis=0)
        for loop in loops
    }
    first = math.ceil(scenario.time.initial)
    # The scores of a year are those of the steps in the twelve months from its middle on.
    places = first + np.ceil(links.time - first - 1e-6).astype(int) - 1
    years = [int(each) for each in np.unique(places) if (places == each).sum() == PER_YEAR]
    found = []
    for ids in partitions_of(model, loops):
        total = np.sum([np.abs(scores[each]) for each in ids], axis=0)
        total = np.where(total > 0, total, 1.0)  # no loop is at work then
        shares = {each: scores[each] / total for each in ids}
        yearly = [
            Year(year, math.nan, 1.0, {i: float(shares[i][places == year].mean()) for i in ids})
            for year in years
        ]
        found.append(Partition(ids, tuple(yearly)))
    return LoopScores(scenario, tuple(found))


def score_loops_if_installed(
    model: Model, scenario: Scenario, loops: Sequence[Loop]
) -> LoopScores | None:
    """Do as `score_loops`; None where pysimlin is not installed."""
    return score_loops(model, scenario, loops) if has_simlin() else None


def way_round(model: Model, path: Sequence[Link], links: LinkScores) -> Floats:
    """Give the score of a declared way round: ``(time,)``, summed over all ways through elements.

    ``path`` leads back to where it begins. Each variable is passed at one element, so that every
    way is a loop of its own.
    """
    time = len(links.time)
    stations = [_cells(model, link.cause) for link in path]
    product = np.broadcast_to(np.eye(len(stations[0])), (time, len(stations[0]), len(stations[0])))
    for causes, effects in zip(stations, [*stations[1:], stations[0]], strict=True):
        step = np.zeros((time, len(causes), len(effects)))
        for row, cause in enumerate(causes):
            for column, effect in enumerate(effects):
                score = links.scores.get((cause, effect))
                if score is not None:
                    step[:, row, column] = score
        product = product @ step
    return np.asarray(np.trace(product, axis1=1, axis2=2))


def _cells(model: Model, reference: str) -> list[str]:
    """Give the elements that a station of a path stands for; a range in it means all of its own."""
    name, inside = split_reference(reference)
    variable = model.variables[name]
    found = []
    for cell in cells_of(model, variable):
        elements = split_reference(cell)[1]
        wanted = [
            not inside
            or inside[place] == element
            or element in getattr(model.subscripts.get(inside[place]), "elements", ())
            for place, element in enumerate(elements)
        ]
        if all(wanted):
            found.append(cell)
    return found


def partitions_of(model: Model, loops: Sequence[Loop]) -> tuple[tuple[str, ...], ...]:
    """Give loops that hang together: each can be reached from each other one of its group."""
    effects: dict[str, list[str]] = {}
    for variable in model.variables.values():
        for cause in set(variable.causes) - set(variable.initial_causes):
            effects.setdefault(cause, []).append(variable.name)

    def reached(start: str) -> set[str]:
        seen, waiting = {start}, [start]
        while waiting:
            fresh = [each for each in effects.get(waiting.pop(), ()) if each not in seen]
            seen.update(fresh)
            waiting += fresh
        return seen

    starts = {loop.id: split_reference(loop.paths[0][0].cause)[0] for loop in loops}
    reach = {id_: reached(start) for id_, start in starts.items()}
    groups: list[list[str]] = []
    for id_, start in starts.items():
        for group in groups:
            if start in reach[group[0]] and starts[group[0]] in reach[id_]:
                group.append(id_)
                break
        else:
            groups.append([id_])
    return tuple(map(tuple, groups))
