"""The design of a sweep: which runs there are, and what each of them sets.

A run is a point of the design under one of its scenarios. Which point run i is depends on the
design, its seed and i alone: not on how many threads draw, in which blocks or order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from plansim.analysis.experiments.distributions import Uniform
from plansim.errors import Fault
from plansim.model.records import Model, VariableKind
from plansim.scenario.factors import Apply, Factor
from plansim.scenario.reader import Scenario
from plansim.scenario.references import lever_of
from plansim.targets.indicator import Floats

__all__ = ["MOST_RUNS", "Design", "Kind", "describe", "remaining_factors"]

MOST_RUNS = 2**32
"""A Sobol sequence of 32 bits has as many points."""


class Kind(StrEnum):
    """How the points of a design are laid."""

    SOBOL = "sobol"  # scrambled; fills the space evenly at every length
    LATIN_HYPERCUBE = "latin hypercube"
    GRID = "grid"  # every combination of levels
    MORRIS = "morris"  # trajectories that change one factor at a time
    TABLE = "table"  # the user's own

    @property
    def is_sample(self) -> bool:
        """Whether the points stand for a distribution, so that shares of them are probabilities."""
        return self in (Kind.SOBOL, Kind.LATIN_HYPERCUBE)


@dataclass(frozen=True)
class Design:
    """What a sweep runs."""

    id: str
    title_en: str
    title_zh: str
    kind: Kind
    scenarios: tuple[Scenario, ...]
    factors: tuple[Factor, ...]
    points: int
    seed: int
    levels: int
    """Of a grid, where a factor has none of its own, and of Morris trajectories."""
    outputs: tuple[str, ...]
    """References to series, ``name`` or ``name[element]``, that are kept for every run."""
    years: tuple[int, ...]
    """At which they are kept."""
    table: Floats | None = field(default=None, compare=False, repr=False)
    """``(point, factor)`` of a table."""
    table_sha256: str = ""
    path: Path | None = None
    """None where no file holds the design."""
    sha256: str = ""
    """Of that file's bytes."""
    warnings: tuple[Fault, ...] = ()

    @property
    def runs(self) -> int:
        """Each point is run under each scenario: run i is point i // s under scenario i % s."""
        return self.points * len(self.scenarios)


def describe(design: Design) -> dict[str, Any]:
    """Say, in JSON's terms, all of a design that its runs depend on."""
    return {
        "kind": design.kind.value,
        "points": design.points,
        "seed": design.seed,
        "levels": design.levels,
        "table": design.table_sha256,
        "scenarios": {
            scenario.id: {
                "values": dict(sorted(scenario.values.items())),
                "time": [
                    scenario.time.initial,
                    scenario.time.final,
                    scenario.time.step,
                    scenario.time.saveper,
                ],
                "assumed": sorted(scenario.assumed),
            }
            for scenario in design.scenarios
        },
        "factors": {factor.name: _factor(factor) for factor in design.factors},
        "outputs": list(design.outputs),
        "years": list(design.years),
    }


def _factor(factor: Factor) -> dict[str, Any]:
    distribution = factor.distribution
    shape: Mapping[str, Any] = {} if distribution is None else vars(distribution)
    return {
        "constants": list(factor.constants),
        "apply": factor.apply.value,
        "unit": factor.unit,
        "levels": factor.levels,
        "distribution": "table" if distribution is None else type(distribution).__name__.lower(),
        # JSON has no infinity: an open end is left out.
        **{
            key: list(value) if isinstance(value, tuple) else value
            for key, value in shape.items()
            if isinstance(value, tuple) or np.isfinite(value)
        },
    }


def remaining_factors(
    model: Model, taken: Collection[str], scenarios: Iterable[Scenario], without: Collection[str]
) -> Iterator[Factor]:
    """Return a factor, uniform over its plausible range, for each constant that remains.

    A study of uncertainty is to leave out nothing by oversight. What remains when the named factors
    are taken away is every single constant with a plausible range, apart from levers, which are
    chosen and not uncertain, and from what the scenarios themselves set.

    Args:
        model: the model.
        taken: constants that other factors act on, ``name`` or ``name[e1,e2]``.
        scenarios: what any of these sets is its assumption, and stays.
        without: names of constants that stay as well.

    Arrays remain fixed: their range is that of all elements together, not of one.
    """
    fixed = {*taken, *without}
    for scenario in scenarios:
        fixed |= scenario.values.keys()
    for variable in model.variables.values():
        if (
            variable.kind is VariableKind.CONSTANT
            and isinstance(variable.value, float)
            and variable.plausible is not None
            and variable.plausible[0] < variable.plausible[1]
            and variable.name not in fixed
            and lever_of(model, variable.name) is None
        ):
            yield Factor(
                name=variable.name,
                constants=(variable.name,),
                apply=Apply.SET,
                distribution=Uniform(*variable.plausible),
                unit=variable.unit,
                name_zh=variable.name_zh,
            )
