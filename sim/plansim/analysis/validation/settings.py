"""Constants set anew: what a test sets, draws from the plausible, tenths and tenfolds, corners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TypeAlias

import numpy as np

from plansim.model.records import Model, Variable, VariableKind
from plansim.targets.catalogue import split_reference

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
"""An array whose range spans unlike elements moves by no more than this as a whole."""


def assigned(model: Model, settings: Mapping[str, float | Sequence[float]]) -> dict[str, float]:
    """Give settings of constants by element.

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
    """Give the elements that a reference means, each as a reference of its own."""
    name, elements = split_reference(reference)
    if elements or not model.variables[name].subscripts:
        return [reference]
    ranges = [model.subscripts[each].elements for each in model.variables[name].subscripts]
    return [f"{name}[{','.join(cell)}]" for cell in product(*ranges)]


def numbers_of(variable: Variable) -> dict[str, float]:
    """Give the numbers of a constant by reference, as the model's file has them."""
    if isinstance(variable.value, Mapping):
        return {f"{variable.name}[{key}]": value for key, value in variable.value.items()}
    return {} if variable.value is None else {variable.name: variable.value}


def limits(variable: Variable) -> tuple[float, float]:
    """Give the admissible range of a variable; an end that is open is infinite."""
    low, high = variable.admissible
    return (-np.inf if low is None else low, np.inf if high is None else high)


def scaled(model: Model, factor: float) -> Iterator[tuple[str, dict[str, float]]]:
    """Give each constant that a factor changes, with its numbers times the factor.

    An array changes as a whole; what is not admissible is clipped.
    """
    for variable in _constants(model):
        old = numbers_of(variable)
        new = {key: float(np.clip(x * factor, *limits(variable))) for key, x in old.items()}
        if new != old:
            yield variable.name, new


def uncertain(model: Model) -> list[Variable]:
    """Give the constants that have a plausible range."""
    return [each for each in _constants(model) if each.plausible is not None]


def drawn(model: Model, places: Sequence[float]) -> dict[str, float]:
    """Put each constant of `uncertain` at a place of its plausible range: 0 is the low end.

    An array moves as a whole, by one factor, so that its pattern stays.
    """
    return {
        key: value
        for variable, place in zip(uncertain(model), places, strict=True)
        for key, value in _placed(variable, place).items()
    }


def _constants(model: Model) -> list[Variable]:
    return [each for each in model.variables.values() if each.kind is VariableKind.CONSTANT]


def _placed(variable: Variable, place: float) -> dict[str, float]:
    assert variable.plausible is not None
    low, high = variable.plausible
    numbers = numbers_of(variable)
    if not variable.subscripts:
        return {variable.name: low + place * (high - low)}
    sizes = [number for number in numbers.values() if number > 0]
    if not sizes:
        return numbers
    least = max(low / min(sizes), 1 / MOST_FACTOR)
    most = min(high / max(sizes), MOST_FACTOR)
    factor = least + place * (most - least)
    return {
        key: float(np.clip(number * factor, *limits(variable))) for key, number in numbers.items()
    }
