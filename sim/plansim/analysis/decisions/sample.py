"""A sample of states of the world: what differs from run to run, and what becomes of targets.

It comes of the members of an ensemble under one scenario, or of the runs of a sweep that is stored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from plansim.analysis.ensemble import evaluate_members, load_ensemble, study_key
from plansim.analysis.evaluator import Progress
from plansim.analysis.experiments.store import CARD
from plansim.analysis.optimization.problem import parts_met
from plansim.cache import kept
from plansim.errors import InputError, Message
from plansim.model.records import Model
from plansim.scenario.factors import Apply, Factor, FloatArray
from plansim.scenario.members import EnsembleKind, Members
from plansim.scenario.scenario_file import Scenario, as_written
from plansim.targets.target import Target
from plansim.targets.verdict import PART_MET

__all__ = [
    "Sample",
    "check_study",
    "sample_of_members",
    "sample_of_study",
    "states_of",
]

FRESH = 1
"""Offset of the seed, so that fresh members differ from those in the file."""


@dataclass(frozen=True)
class Sample:
    """States of the world, and which targets are met in each."""

    source: str
    """The scenario, or the title of the sweep."""
    title_en: str
    title_zh: str
    factors: tuple[Factor, ...]
    points: FloatArray = field(repr=False)
    """``(run, factor)`` in the factors' units."""
    met: FloatArray = field(repr=False)
    """``(run, target)``: 1 if it is met, 0 if it is missed, 0.5 if it is undecided; NaN where
    nothing judges it, as in a run that breaks down."""


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
    titles = (scenario.title_en, scenario.title_zh)
    return Sample(scenario.id, *titles, members.factors, members.values, met)


def check_study(study: xr.Dataset, model: Model, drawn: int | Members | None) -> None:
    """Check that a sweep is one of a model, and that no members are drawn beside its runs.

    Raises:
        InputError: it is not, or they are.
    """
    if drawn:
        raise InputError("a sweep has runs of its own; members are drawn for scenarios")
    made = study.attrs[CARD]["model"]
    if made["sha256"] != model.sha256:
        raise InputError(
            "the result was made with another model",
            expected=f"{model.name} ({model.sha256[:12]})",
            found=f"{made['name']} ({made['sha256'][:12]})",
        )


def sample_of_study(study: xr.Dataset, source: str, targets: Sequence[Target]) -> Sample:
    """Return what runs of a stored sweep hold, of all of its scenarios together.

    Args:
        study: as `open_sweep` returns it, or some runs of that.
        source: what it is called.
        targets: which of its targets are wanted.

    Raises:
        InputError: the sweep has no factors, or does not judge a target.
    """
    arrays = [array for array in study.data_vars.values() if array.attrs.get("role") == "factor"]
    if not arrays:
        raise InputError("no factor varies in the sweep", found=source)
    judged = [str(name) for name in study["target"].values]
    if missing := [target.id for target in targets if target.id not in judged]:
        expected = Message("one of {names}", names=tuple(judged))
        message = Message("the sweep does not judge '{name}'", name=missing[0])
        raise InputError(message, expected=expected)
    facts = [array.attrs["factor"] for array in arrays]
    factors = tuple(
        Factor(
            str(array.attrs["long_name"]),
            tuple(fact["constants"]),
            Apply(fact["apply"]),
            None,
            str(fact["unit"]),
            str(array.attrs.get("long_name_zh", "")),
        )
        for array, fact in zip(arrays, facts, strict=True)
    )
    points = np.stack([array.values for array in arrays], axis=1)
    codes = study["verdict"].values[:, [judged.index(target.id) for target in targets]]
    sound = (study["status"].values == 0)[:, None] & (codes >= 0)
    met = np.where(sound, PART_MET[np.maximum(codes, 0)], np.nan)
    english, chinese = (str(study.attrs.get(key, source)) for key in ("title", "title_zh"))
    return Sample(source, english, chinese, factors, points, met)
