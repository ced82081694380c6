"""Factors that differ from run to run, and the constants of the model that they act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.model.records import Model
from plansim.scenario.values import Apply

__all__ = [
    "Apply",
    "Distribution",
    "Factor",
    "Floats",
    "constants_of",
    "default_of",
    "neutral_value",
]

Floats: TypeAlias = npt.NDArray[np.float64]


class Distribution(Protocol):
    """The distribution of a factor's values."""

    @property
    def low(self) -> float:
        """The smallest value, or minus infinity."""

    @property
    def high(self) -> float:
        """The largest value, or infinity."""

    def quantile(self, u: Floats) -> Floats:
        """Return the quantiles of the probabilities ``u``, in the same shape."""


@dataclass(frozen=True)
class Factor:
    """A quantity that varies from run to run."""

    name: str
    constants: tuple[str, ...]
    """The constants that it acts on, element by element: ``name`` or ``name[e1,e2]``."""
    apply: Apply
    distribution: Distribution | None
    """None if a table gives the values."""
    unit: str
    """Unit of the factor: ``Dmnl`` if it multiplies."""
    name_zh: str = ""
    levels: int | None = None
    """Number of levels in a grid; None for the design's."""


def default_of(model: Model, values: Mapping[str, float], reference: str) -> float:
    """Return the value of a constant, ``name`` or ``name[element]``, where no factor acts.

    It is that of ``values``, which are a scenario's, or else the model's.
    """
    if reference in values:
        return values[reference]
    if reference in model.variables:
        value = model.variables[reference].value
        assert isinstance(value, float), f"{reference} is not one constant"
        return value
    name, _, element = reference.removesuffix("]").partition("[")
    array = model.variables[name].value
    assert isinstance(array, Mapping), f"{name} is not an array of constants"
    return float(array[element])


def neutral_value(
    model: Model, values: Mapping[str, float], apply: Apply, constants: Sequence[str]
) -> float:
    """Return the value at which a factor or lever changes nothing under a scenario's ``values``.

    Of several constants that are set it is their mean.
    """
    match apply:
        case Apply.ADD:
            return 0.0
        case Apply.MULTIPLY:
            return 1.0
        case Apply.SET:
            return float(np.mean([default_of(model, values, name) for name in constants]))


def constants_of(
    model: Model, base: Mapping[str, float], factors: Sequence[Factor], values: Floats
) -> Floats:
    """Return the constants under values of factors: ``(run, factor)`` → ``(run, constant)``.

    The constants come in the order of the factors, and of each one's ``constants``. Factors that
    add or multiply act on the constants of ``base``, which are a scenario's, or else the model's.
    """
    if all(factor.apply is Apply.SET and len(factor.constants) == 1 for factor in factors):
        return values
    columns = []
    for column, factor in enumerate(factors):
        for name in factor.constants:
            match factor.apply:
                case Apply.SET:
                    columns.append(values[:, column])
                case Apply.ADD:
                    columns.append(default_of(model, base, name) + values[:, column])
                case Apply.MULTIPLY:
                    columns.append(default_of(model, base, name) * values[:, column])
    return np.stack(columns, axis=1)
