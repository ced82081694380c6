"""Members drawn from the ranges of a model's constants, as a study of uncertainty draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from plansim.analysis.calibration.conditioning import (
    CONDITIONING,
    read_conditioning,
    uncertainty_design,
)
from plansim.analysis.experiments.design import Design, DesignKind, remaining_factors
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.errors import DesignError, InputError, Message, check_counts
from plansim.model.records import Model
from plansim.scenario.factors import Apply, Factor, FloatArray, default_of
from plansim.scenario.members import FILE_NAME, EnsembleKind, Members, MembersHead, digests_of
from plansim.scenario.members_file import rounded
from plansim.scenario.scenario_file import as_written
from plansim.targets.views_file import load_views

__all__ = ["MEMBERS", "MemberChange", "changes_of", "draw_prior", "values_of"]

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

    They are the points of a design, by default of that which ``conditioning.yaml`` beside the
    model makes, else of that of uncertainty which ``checks.yaml`` names, else of a Sobol sequence
    over the plausible ranges of all single constants but levers. What the design sets becomes a
    change of the model's own value: a part of it, or an addition where its range is narrow or has
    another sign.

    Args:
        model: the model.
        members: number of members.
        seed: seed of the sequence; else that of the design.
        design: what varies: a design, its name or its path.

    Raises:
        InputError: no constant may vary, or the draws are not all different.
        DesignError: the design is at fault.

    >>> len(plansim.draw_prior(plansim.load_model("lake.mdl"), members=4, seed=1))
    4
    """
    files: tuple[Path, ...] = ()
    if isinstance(design, str | Path):
        design = read_design(design, model)
    elif design is None and model.path.with_name(CONDITIONING).is_file():
        spec = read_conditioning(model)
        design, files = spec.design, spec.prior_files
    check_counts(members=members)
    check_counts(0, seed=seed)
    policy = load_views(model).policy
    if (design := design or uncertainty_design(model)) is None:  # all single constants but levers
        written = as_written(model)
        free = tuple(remaining_factors(model, (), [written], policy))
        design = Design("", "", "", DesignKind.SOBOL, (written,), free, 1, 0, 0, (), ())
    files = files or ((design.path,) if design.path else ())
    if not design.kind.is_sample:
        kinds = Message("{names}", names=(DesignKind.SOBOL, DesignKind.LATIN_HYPERCUBE))
        found = design.kind.value
        raise DesignError("members are points of a sample", design.path, None, kinds, found)
    design = replace(design, points=members, seed=design.seed if seed is None else seed)
    if not design.factors:
        raise InputError("no constant of the model has a plausible range", model.path)
    changes = tuple(changes_of(model, design.factors))
    values = rounded(values_of(changes, Sampler(design).draw(0, members)))
    if len(np.unique(values, axis=0)) < members:
        message = Message("the factors have too few values for {count} members", count=members)
        raise InputError(message, design.path or model.path)
    name = f" of {design.path.name}" if design.path else ""
    drawn = f"{members} points, {design.kind}, over the {len(changes)} factors{name}"
    path = model.path.with_name(FILE_NAME)
    sha256, known = model.equations_sha256, digests_of(files, path.parent)
    head = MembersHead(EnsembleKind.PRIOR, sha256, design.seed, drawn, path, 2, files=known)
    factors = tuple(change.factor for change in changes)
    return Members(head, factors, tuple(range(members)), values, policy)


@dataclass(frozen=True)
class MemberChange:
    """What a factor of a design becomes in a member: a change of the model's own value."""

    factor: Factor
    column: int
    """Of the factor of the design that it is made of."""
    shift: float = 0.0
    divisor: float = 1.0
    """A value x of that factor becomes the change (x - shift) / divisor."""


def changes_of(model: Model, factors: Sequence[Factor]) -> Iterator[MemberChange]:
    """Yield what factors of a design become in members.

    What is set becomes a factor of the model's own value, or an addition to it; each of several
    constants that are set a change of its own.
    """
    for column, factor in enumerate(factors):
        assert factor.distribution is not None
        if factor.apply is not Apply.SET:
            plain = replace(factor, distribution=None, name_zh="", levels=None)
            yield MemberChange(plain, column)
            continue
        for constant in factor.constants:
            own = default_of(model, {}, constant)
            name = factor.name if len(factor.constants) == 1 else constant
            added = Factor(name, (constant,), Apply.ADD, None, factor.unit)
            low, high = factor.distribution.low, factor.distribution.high
            if own and low * own >= 0 and high * own > 0 and high - low >= NARROW * abs(own):
                yield MemberChange(
                    replace(added, apply=Apply.MULTIPLY, unit="Dmnl"), column, 0.0, own
                )
            else:
                yield MemberChange(added, column, own)


def values_of(changes: Sequence[MemberChange], points: FloatArray) -> FloatArray:
    """Return changes at points of the design: ``(point, factor)`` → ``(point, change)``."""
    columns = [change.column for change in changes]
    shift = np.array([change.shift for change in changes])
    divisor = np.array([change.divisor for change in changes])
    values: FloatArray = (points[:, columns] - shift) / divisor
    return values
