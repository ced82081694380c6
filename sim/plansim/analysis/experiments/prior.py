"""Members drawn from the ranges of a model's constants, as a study of uncertainty draws them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from plansim.analysis.experiments.design import Design, DesignKind, remaining_factors
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.validation.checks import CHECKS, load_checks
from plansim.errors import DesignError, Fault, InputError, Message
from plansim.files.shipped import shipped
from plansim.model.records import Model
from plansim.scenario.factors import Apply, Factor, Floats, default_of
from plansim.scenario.members import FILE_NAME, EnsembleKind, Members, MembersHead
from plansim.scenario.members_file import rounded
from plansim.scenario.scenario_file import as_written
from plansim.targets.views_file import load_views

__all__ = ["MEMBERS", "draw_prior"]

MEMBERS = 500
"""Default number of members."""
NARROW = 0.1
"""A range that is narrower than this part of the model's value is added to it: as a factor about 1
it would have less than a hundred steps at four digits, and years would be whole ones at best."""


def draw_prior(
    model: Model,
    members: int = MEMBERS,
    *,
    seed: int | None = None,
    design: Design | str | Path | None = None,
) -> Members:
    """Draw members from what evidence leaves open before any run is compared with observations.

    They are the points of a design, by default of that of uncertainty which ``checks.yaml`` beside
    the model names, else of a Sobol sequence over the plausible ranges of all single constants but
    levers. What the design sets becomes a change of the model's own value: a part of it, or an
    addition where its range is narrow or has another sign.

    Args:
        model: the model.
        members: number of members.
        seed: seed of the sequence; else that of the design.
        design: what varies: a design, its name or its path.

    Raises:
        InputError: no constant may vary, or the draws are not all different.
        DesignError: the design is at fault.
    """
    if isinstance(design, str | Path):
        design = read_design(design, model)
    design = design or _uncertainty_design(model) or _remaining_design(model)
    if not design.kind.is_sample:
        expected = Message("{names}", names=(DesignKind.SOBOL, DesignKind.LATIN_HYPERCUBE))
        raise DesignError(
            Fault("members are points of a sample", design.path, None, expected, design.kind.value)
        )
    design = replace(design, points=members, seed=design.seed if seed is None else seed)
    if not design.factors:
        raise InputError(Fault("no constant of the model has a plausible range", model.path))
    changes = list(_changes(model, design.factors, Sampler(design).draw(0, members)))
    values = rounded(np.stack([column for _, column in changes], axis=1))
    if len(np.unique(values, axis=0)) < members:
        message = Message("the factors have too few values for {count} members", count=members)
        raise InputError(Fault(message, design.path or model.path))
    name = f" of {design.path.name}" if design.path else ""
    drawn = f"{members} points, {design.kind}, over the {len(changes)} factors{name}"
    path = model.path.with_name(FILE_NAME)
    head = MembersHead(EnsembleKind.PRIOR, model.equations_sha256, design.seed, drawn, path, 2)
    factors = tuple(factor for factor, _ in changes)
    return Members(head, factors, tuple(range(members)), values, load_views(model).policy)


def _uncertainty_design(model: Model) -> Design | None:
    """Return the design of uncertainty that ``checks.yaml`` beside a model names; None if none."""
    if not model.path.with_name(CHECKS).is_file():
        return None
    name = load_checks(model).scenarios.uncertainty
    return None if name is None else read_design(shipped("scenarios") / name, model)


def _remaining_design(model: Model) -> Design:
    """Return a design over the plausible ranges of all single constants but levers of policy."""
    scenario = as_written(model)
    factors = tuple(remaining_factors(model, (), [scenario], load_views(model).policy))
    return Design("", "", "", DesignKind.SOBOL, (scenario,), factors, 1, 0, 0, (), ())


def _changes(
    model: Model, factors: tuple[Factor, ...], points: Floats
) -> Iterator[tuple[Factor, Floats]]:
    """Yield factors that change the model's own values, each with its value in every member."""
    for factor, column in zip(factors, points.T, strict=True):
        if factor.apply is not Apply.SET:
            yield replace(factor, distribution=None, name_zh="", levels=None), column
            continue
        for constant in factor.constants:
            own = default_of(model, {}, constant)
            name = factor.name if len(factor.constants) == 1 else constant
            change = Factor(name, (constant,), Apply.ADD, None, factor.unit)
            low, high = column.min(), column.max()
            if low * own > 0 and high * own > 0 and high - low >= NARROW * abs(own):
                yield replace(change, apply=Apply.MULTIPLY, unit="Dmnl"), column / own
            else:
                yield change, column - own
