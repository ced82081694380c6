"""The design of a sweep: its runs, its factors, and the values that are kept of each run.

A run is a point of the design under one of its scenarios.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from plansim.analysis.experiments.distributions import Uniform
from plansim.errors import Fault
from plansim.model.records import Model, VariableKind
from plansim.scenario.factors import Apply, Factor
from plansim.scenario.levers import lever_of
from plansim.scenario.scenario_file import Scenario

__all__ = ["CARD", "Design", "DesignKind", "nested", "remaining_factors"]

CARD = "plansim"
"""Attribute of the dataset of a sweep that holds its run card."""


def nested(about: Mapping[str, Any], key: str) -> Any:
    """Return an attribute of a sweep that is a record: JSON in a dataset, as NetCDF can hold it.

    >>> nested({"layout": '{"factors": ["growth"]}'}, "layout")
    {'factors': ['growth']}
    """
    return json.loads(value) if isinstance(value := about[key], str) else value


class DesignKind(StrEnum):
    """Sampling method of a design."""

    SOBOL = "sobol"  # scrambled; fills the space evenly at every length
    LATIN_HYPERCUBE = "latin hypercube"
    GRID = "grid"  # every combination of levels
    MORRIS = "morris"  # trajectories that change one factor at a time

    @property
    def is_sample(self) -> bool:
        """Whether the points sample a distribution, so that shares of them are probabilities."""
        return self in (DesignKind.SOBOL, DesignKind.LATIN_HYPERCUBE)


@dataclass(frozen=True)
class Design:
    """The design of a sweep: its factors, scenarios, sampling and outputs."""

    id: str
    title_en: str
    title_zh: str
    kind: DesignKind
    scenarios: tuple[Scenario, ...]
    factors: tuple[Factor, ...]
    points: int
    seed: int
    levels: int
    """Levels of a grid, for factors without their own number, and of Morris trajectories."""
    outputs: tuple[str, ...]
    """References to series, ``name`` or ``name[element]``, that are kept for every run."""
    years: tuple[int, ...]
    """Years of which the outputs are kept."""
    path: Path | None = None
    """The design's file; None if it has none."""
    sha256: str = ""
    """SHA-256 of that file's bytes."""
    warnings: tuple[Fault, ...] = ()

    @property
    def runs(self) -> int:
        """Number of runs: run i is point i // s under scenario i % s, of s scenarios."""
        return self.points * len(self.scenarios)


def remaining_factors(
    model: Model, taken: Collection[str], scenarios: Iterable[Scenario], without: Collection[str]
) -> Iterator[Factor]:
    """Return a factor, uniform over its plausible range, for each constant that remains.

    So that a study of uncertainty omits nothing by oversight, these are all scalar constants with a
    plausible range that no other factor acts on, except levers, which are chosen and not uncertain,
    and constants that the scenarios set.

    Args:
        model: the model.
        taken: constants that other factors act on, ``name`` or ``name[e1,e2]``.
        scenarios: constants that any of these sets are assumptions and stay fixed.
        without: names of further constants that stay fixed.

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
