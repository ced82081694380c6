"""States of the world: members of an ensemble, and which targets are met in each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plansim.analysis.ensemble import evaluate_members, load_ensemble, study_key
from plansim.analysis.evaluator import Progress
from plansim.analysis.experiments.states import Sample
from plansim.analysis.optimization.problem import parts_met
from plansim.cache import kept
from plansim.model.records import Model
from plansim.scenario.members import EnsembleKind, Members
from plansim.scenario.scenario_file import Scenario, as_written
from plansim.targets.target import Target

__all__ = [
    "sample_of_members",
    "states_of",
]

FRESH = 1
"""Offset of the seed, so that fresh members differ from those in the file."""


def states_of(
    model: Model,
    members: Members | int | None,
    *,
    other: int = 0,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Members:
    """Return members: those given, those of the ensemble beside the model, or so many drawn anew.

    What is drawn is kept in the cache, since several studies ask for the same.

    Args:
        model: the model.
        members: themselves; how many are drawn by the rule of the ensemble; None for its file.
        other: draws that differ in it are independent of one another.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many draws are made, of how many.

    Raises:
        InputError: there is no ensemble, it is at fault, or no draw or too few are accepted.
    """
    if isinstance(members, Members):
        return members
    ensemble = load_ensemble(model)
    if members is None:
        return ensemble
    from plansim.analysis.calibration.history_matching import draw_members
    from plansim.analysis.calibration.prior import draw_prior

    seed = ensemble.head.seed + FRESH + other
    if ensemble.head.kind is EnsembleKind.PRIOR:
        return draw_prior(model, members, seed=seed)

    def draw() -> Members:
        return draw_members(model, members, seed, threads=threads, progress=progress)

    return kept("members", study_key(model, as_written(model), members, seed), Members, draw)


def sample_of_members(
    model: Model,
    scenario: Scenario,
    targets: Sequence[Target],
    members: Members,
    threads: int | None = None,
) -> Sample:
    """Run members under a scenario.

    Raises:
        InputError: members change a constant that the shape of the code depends on.
        ModelError: the compiler does not support the model.
    """
    evaluation = evaluate_members(model, scenario, targets, members, threads)
    met = parts_met(evaluation, targets, assumed=math.nan)
    return Sample(members.factors, members.values, met)
