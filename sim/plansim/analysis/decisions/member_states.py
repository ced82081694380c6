"""States of the world: members of an ensemble, and which targets are met in each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum

from plansim.analysis.ensemble import evaluate_members, load_ensemble, study_key
from plansim.analysis.evaluator import Progress
from plansim.analysis.experiments.states import Sample
from plansim.analysis.optimization.problem import parts_met
from plansim.cache import kept
from plansim.model.records import Model
from plansim.scenario.members import EnsembleKind, Members
from plansim.scenario.scenario_file import Scenario, as_written
from plansim.targets.target import Target

__all__ = ["Purpose", "sample_of_members", "states_of"]


class Purpose(IntEnum):
    """What members are drawn for, added to the seed of the file: other purposes, other members."""

    STUDY = 1
    TEST_OF_BOXES = 2
    SEARCH_FOR_POLICIES = 3
    TEST_OF_POLICIES = 4


def states_of(
    model: Model,
    members: Members | int | None,
    *,
    purpose: Purpose = Purpose.STUDY,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Members:
    """Return members: those given, those of the ensemble beside the model, or so many drawn anew.

    What is drawn is kept in the cache, since several studies ask for the same.

    Args:
        model: the model.
        members: themselves; how many are drawn by the rule of the ensemble; None for its file.
        purpose: what they are drawn for.
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

    seed = ensemble.head.seed + purpose
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
