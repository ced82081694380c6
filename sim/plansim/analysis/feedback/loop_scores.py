"""Loop scores by *Loops That Matter*: how much each declared loop bears on the model as a whole.

The score of a link is the part of its effect's change that is due to its cause; that of a loop is
the product of the scores of its links. A declared path that runs through arrays is as many loops as
there are ways through their elements, and its score is their sum. The relative score of a loop is
its part of the scores of all declared loops that can be reached from one another, without their
signs: positive where the loop reinforces, negative where it balances.

The scores of links come from pysimlin (`engine.simlin.link_scores`).

Reference: Schoenberg, Davidsen, Eberlein (2020), System Dynamics Review 36:158-190.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from plansim.analysis.feedback.loops import Loop, LoopLink, loops_of
from plansim.engine.compiled import run_compiled
from plansim.engine.simlin import LinkScores, link_scores
from plansim.errors import Fault, InputError, SimulationError
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Integration, Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.references import variable_cells
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.scenario.variant import for_scenarios
from plansim.targets.target import split_reference

__all__ = ["LoopScores", "partitions_of", "path_score", "score_loops"]


@dataclass(frozen=True)
class LoopScores(Tabular):
    """How much each declared loop bears on the model under a scenario.

    As a table: the relative scores, a row for each loop and year.
    """

    _parts = ("share",)

    scenario: Scenario
    loops: tuple[Loop, ...]
    """In the order of the file."""
    partitions: tuple[tuple[str, ...], ...]
    """The ids of loops that can be reached from one another, and are compared."""
    time: FloatArray
    """``(time,)``: every step of the run but the first."""
    scores: Mapping[str, FloatArray]
    """By the id of the loop, ``(time,)``."""
    missing: Fault | None = None
    """Why there are no scores; None if there are. Without them there are no times."""

    @cached_property
    def relative(self) -> Mapping[str, FloatArray]:
        """The relative scores, ``(time,)``: without signs they add up to 1 in each partition.

        All are 0 while no loop of the partition is at work.
        """
        relative: dict[str, FloatArray] = {}
        for ids in self.partitions if self.missing is None else ():
            total = np.sum([np.abs(self.scores[id_]) for id_ in ids], axis=0)
            total = np.where(total > 0, total, 1.0)
            relative |= {id_: self.scores[id_] / total for id_ in ids}
        return relative

    @cached_property
    def years(self) -> tuple[int, ...]:
        """The calendar years of which the run holds every step."""
        years, steps = np.unique(self._year_of_step, return_counts=True)
        step = self.scenario.time.step
        return tuple(int(year) for year in years[np.abs(steps * step - 1) < step - 1e-9])

    @cached_property
    def yearly(self) -> Mapping[str, FloatArray]:
        """The mean of the relative scores in each year, ``(year,)``, by the id of the loop."""
        return {
            id_: np.array([series[self._year_of_step == year].mean() for year in self.years])
            for id_, series in self.relative.items()
        }

    def years_led(self, loop: str) -> tuple[int, ...]:
        """Return the years in which no other loop of its partition has a larger relative score."""
        ids = next((group for group in self.partitions if loop in group), ())
        if loop not in self.yearly:
            return ()
        sizes = {id_: np.abs(self.yearly[id_]) for id_ in ids}
        leads = (sizes[loop] > 0) & (sizes[loop] >= np.max(list(sizes.values()), axis=0))
        return tuple(year for year, led in zip(self.years, leads, strict=True) if led)

    def _table(self) -> Table:
        rows = (
            (loop.id, loop.name_en, loop.name_zh, loop.polarity.value, year, float(share))
            for loop in self.loops
            for year, share in zip(self.years, self.yearly.get(loop.id, ()), strict=True)
        )
        return ("loop", "name", "name_zh", "polarity", "year", "share"), rows

    @property
    def _year_of_step(self) -> np.ndarray:
        """The year in which each step ends: TIME is its middle, and a half later its end."""
        return np.ceil(self.time - 0.5 - 1e-6).astype(int)


def score_loops(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    loops: Loop | str | Iterable[Loop | str] | None = None,
) -> LoopScores:
    """Score declared loops by pysimlin, at every step of the run.

    The scenario is a record, a name, a path, or None for the model as written; loops are records,
    ids or names, by default all that are declared beside the model.

    Where pysimlin is not installed, cannot compute the model, or computes another run than ours,
    there are no scores, and ``missing`` says why. The scores are those of a run by Euler's method,
    by which pysimlin computes them, whatever the scenario's own method is.

    Raises:
        UnknownNameError: no loop has one of the names.
        SimulationError: the scenario breaks down.
        ModelError: the compiler does not support something in the model.

    >>> plansim.score_loops(plansim.load_model("lake.mdl"), "boats.yaml").missing is None
    True
    """
    scenario = scenario_of(model, scenario)
    model = for_scenarios(model, [scenario])
    loops = loops_of(model, loops)
    time = scenario.time
    time = replace(time, saveper=time.step, integration=Integration.EULER)
    stepwise = replace(scenario, time=time)
    run = run_compiled(model, stepwise)
    partitions = partitions_of(model, loops)
    try:
        links = link_scores(model, stepwise, run)
    except (InputError, SimulationError) as error:
        return LoopScores(scenario, loops, partitions, np.empty(0), {}, error.faults[0])
    scores = {
        loop.id: np.sum([path_score(model, path, links) for path in loop.paths], axis=0)
        for loop in loops
    }
    return LoopScores(scenario, loops, partitions, links.time, scores)


def path_score(model: Model, path: Sequence[LoopLink], links: LinkScores) -> FloatArray:
    """Return the score of a declared path, ``(time,)``, summed over all ways through elements.

    ``path`` leads back to where it begins. Each variable is passed at one element, so that every
    way is a loop of its own: the sum is the trace of the product of the scores as matrices.
    """
    stations = []
    for link in path:
        variable, cells = variable_cells(model, link.cause)  # of a range all of its elements
        stations.append([f"{variable.name}[{one}]" if one else variable.name for one in cells])
    product = np.eye(len(stations[0]))
    nil = np.zeros(len(links.time))
    for causes, effects in zip(stations, [*stations[1:], stations[0]], strict=True):
        step = np.array([[links.scores.get((a, b), nil) for b in effects] for a in causes])
        product = product @ np.moveaxis(step, -1, 0)  # (time, cause, effect)
    return np.asarray(np.trace(product, axis1=1, axis2=2))


def partitions_of(model: Model, loops: Sequence[Loop]) -> tuple[tuple[str, ...], ...]:
    """Return the ids of loops in groups in which each can be reached from each other one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    index = {name: number for number, name in enumerate(model.variables)}
    links = [
        (index[cause], index[variable.name])
        for variable in model.variables.values()
        for cause in variable.felt
        if cause in index
    ]
    size = (len(index), len(index))
    causes, effects = zip(*links, strict=True) if links else ((), ())
    graph = coo_array((np.ones(len(links)), (causes, effects)), shape=size)
    _, component = connected_components(graph.tocsr(), connection="strong")
    groups: dict[int, list[str]] = {}
    for loop in loops:
        start = split_reference(loop.paths[0][0].cause)[0]
        groups.setdefault(int(component[index[start]]), []).append(loop.id)
    return tuple(map(tuple, groups.values()))
