"""A sample of states of the world, as the runs of a stored sweep are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import xarray as xr

from plansim.analysis.experiments.design import CARD, nested
from plansim.errors import InputError, Message, nearest
from plansim.model.records import Model, several
from plansim.scenario.factors import Apply, Factor, FloatArray
from plansim.targets.annual import check_dataset
from plansim.targets.target import Target
from plansim.targets.verdict import PART_MET

__all__ = ["Sample", "check_study", "drawn_runs", "ids_in", "sample_of_study"]

DRAWN = 2**13
"""Maximum number of runs of a sweep that are looked at factor by factor: more would hardly move
what is found, and do not fit into memory."""


@dataclass(frozen=True)
class Sample:
    """States of the world, and which targets are met in each."""

    factors: tuple[Factor, ...]
    points: FloatArray = field(repr=False)
    """``(run, factor)`` in the factors' units."""
    met: FloatArray = field(repr=False)
    """``(run, target)``: 1 if it is met, 0 if it is missed, 0.5 if it is undecided; NaN where
    nothing judges it, as in a run that breaks down."""


def check_study(study: xr.Dataset, model: Model, drawn: object) -> None:
    """Check that a sweep is one of a model, and that no members are drawn beside its runs.

    Raises:
        InputError: it is not, or they are.
    """
    if drawn:
        raise InputError("a sweep has runs of its own; members are drawn for scenarios")
    ids_in(study, None)
    made = nested(study.attrs, CARD)["model"]
    if made["sha256"] != model.sha256:
        raise InputError(
            "the result was made with another model",
            expected=f"{model.name} ({model.sha256[:12]})",
            found=f"{made['name']} ({made['sha256'][:12]})",
        )


def ids_in(study: xr.Dataset, targets: Target | str | Iterable[Target | str] | None) -> list[str]:
    """Return the ids of targets, records or ids, that a sweep judges; of None those of all.

    A record that it does not judge is left out.

    Raises:
        InputError: the dataset is no sweep's, or the sweep judges no target of an id.
    """
    if "verdict" not in check_dataset(study):
        expected = Message("what sweep or open_sweep returns")
        raise InputError("the dataset does not hold the runs of a sweep", expected=expected)
    judged = [str(name) for name in study["target"].values]
    if targets is None:
        return judged
    for one in (given := several(targets)):
        if not isinstance(one, Target) and one not in judged:
            near = nearest(str(one), judged)
            raise InputError("the sweep does not judge '{name}'", nearest=near, name=str(one))
    ids = [one.id if isinstance(one, Target) else str(one) for one in given]
    return [name for name in ids if name in judged]


def sample_of_study(study: xr.Dataset, targets: Sequence[str]) -> Sample:
    """Return what runs of a stored sweep hold, of all of its scenarios together.

    Args:
        study: as `open_sweep` returns it, or some runs of that.
        targets: ids of those that are wanted.

    Raises:
        InputError: the sweep has no factors, or does not judge a target.
    """
    ids_in(study, targets)
    # In the order of the design: that of variables in a store is the file system's.
    arrays = [study[name] for name in nested(study.attrs, "layout")["factors"]]
    if not arrays:
        raise InputError("no factor varies in the sweep")
    facts = [nested(array.attrs, "factor") for array in arrays]
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
    codes = study["verdict"].sel(target=list(targets)).transpose("run", ...).values
    met = np.where(codes >= 0, PART_MET[np.maximum(codes, 0)], np.nan)  # below 0: never run
    return Sample(factors, points, met)


def drawn_runs(study: xr.Dataset, *, together: int = 1) -> npt.NDArray[np.intp]:
    """Return the numbers of runs of a sweep, in order: all, or of many some drawn at random.

    ``together`` says how many runs side by side are drawn as one: those of a point under each
    scenario, or each by itself.
    """
    runs = study.sizes["run"]
    if runs <= DRAWN:
        return np.arange(runs, dtype=np.intp)
    rng = np.random.default_rng(0)
    drawn = rng.choice(runs // together, DRAWN // together, replace=False, shuffle=False)
    return (np.sort(drawn)[:, None] * together + np.arange(together)).reshape(-1)
