"""Settings of constants: assigned, scaled, or drawn from the plausible ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from plansim.model.records import Model, Variable, VariableKind, cells_of
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = [
    "MOST_FACTOR",
    "Settings",
    "assigned",
    "cells",
    "drawn",
    "limits",
    "numbers_of",
    "scaled",
    "uncertain",
]

Settings: TypeAlias = Mapping[str, float]
"""By ``name`` or ``name[e1,e2]``, in the model's units."""

MOST_FACTOR = 1.5
"""Maximum factor for an array as a whole, since its range may span different elements."""


def assigned(model: Model, settings: Mapping[str, float | Sequence[float]]) -> dict[str, float]:
    """Return settings of constants by element.

    A key is ``name`` or ``name[e1,e2]``. A value is a number, for an array that of all its
    elements, or a list of numbers, row by row.
    """
    values: dict[str, float] = {}
    for reference, setting in settings.items():
        keys = cells(model, reference)
        numbers = setting if isinstance(setting, Sequence) else [setting] * len(keys)
        values |= {key: float(number) for key, number in zip(keys, numbers, strict=True)}
    return values


def cells(model: Model, reference: str) -> list[str]:
    """Return the elements that a reference means, each as a reference of its own."""
    name, elements = split_reference(reference)
    return [reference] if elements else list(cells_of(model, model.variables[name]))


def numbers_of(variable: Variable) -> dict[str, float]:
    """Return the numbers of a constant by reference, as the model's file has them."""
    if isinstance(variable.value, Mapping):
        return {f"{variable.name}[{key}]": value for key, value in variable.value.items()}
    return {} if variable.value is None else {variable.name: variable.value}


def limits(variable: Variable) -> tuple[float, float]:
    """Return the admissible range of a variable; an open end is infinite."""
    low, high = variable.admissible
    return (-np.inf if low is None else low, np.inf if high is None else high)


def scaled(model: Model, factor: float) -> Iterator[tuple[str, dict[str, float]]]:
    """Return each constant that a factor changes, with its numbers times the factor.

    An array changes as a whole; what is not admissible is clipped.
    """
    for variable in _constants(model):
        old = numbers_of(variable)
        new = {key: float(np.clip(x * factor, *limits(variable))) for key, x in old.items()}
        if new != old:
            yield variable.name, new


def uncertain(model: Model) -> list[Variable]:
    """Return the constants that have a plausible range."""
    return [constant for constant in _constants(model) if constant.plausible is not None]


def drawn(model: Model, positions: Floats) -> dict[str, Floats]:
    """Return the values of the constants of `uncertain` in draws: ``(draw,)`` by element.

    ``positions`` is ``(constant, draw)``, from 0 to 1 across the plausible range. An array moves as
    a whole, by one factor, so that its pattern stays.
    """
    return {
        name: values
        for variable, position in zip(uncertain(model), positions, strict=True)
        for name, values in _values_at(variable, position).items()
    }


def _constants(model: Model) -> list[Variable]:
    return [
        variable for variable in model.variables.values() if variable.kind is VariableKind.CONSTANT
    ]


def _values_at(variable: Variable, position: Floats) -> dict[str, Floats]:
    assert variable.plausible is not None
    low, high = variable.plausible
    numbers = numbers_of(variable)
    if not variable.subscripts:
        return {variable.name: low + position * (high - low)}
    sizes = [number for number in numbers.values() if number > 0]
    factor = np.ones_like(position)
    if sizes:
        least = max(low / min(sizes), 1 / MOST_FACTOR)
        most = min(high / max(sizes), MOST_FACTOR)
        factor = least + position * (most - least)
    return {name: np.clip(number * factor, *limits(variable)) for name, number in numbers.items()}
