"""Factors that differ from run to run, and the constants of the model that they act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from plansim.errors import Fault, InputError, Message
from plansim.model.records import Model, Variable, VariableKind, cell_name
from plansim.scenario.references import constant_cells

__all__ = [
    "Apply",
    "Distribution",
    "Factor",
    "FloatArray",
    "applied",
    "clashing",
    "constants_meant",
    "constants_of",
    "default_of",
    "neutral_value",
    "unit_of",
]

FloatArray: TypeAlias = npt.NDArray[np.float64]
Number = TypeVar("Number", float, npt.NDArray[np.float64])


class Apply(StrEnum):
    """How a factor or lever f acts on a constant x; the comments give the result."""

    SET = "set"  # f
    ADD = "add"  # x + f
    MULTIPLY = "multiply"  # x · f


class Distribution(Protocol):
    """The distribution of a factor's values."""

    @property
    def low(self) -> float:
        """The smallest value, or minus infinity."""

    @property
    def high(self) -> float:
        """The largest value, or infinity."""

    def quantile(self, u: FloatArray) -> FloatArray:
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


def constants_meant(model: Model, references: Iterable[str]) -> dict[str, Variable]:
    """Return the constants that references mean, ``name`` or ``name[e1,e2]``, element by element.

    Each comes with its variable.

    Raises:
        InputError: the model has no such constant, or it belongs to the clock.
    """
    variables: dict[str, Variable] = {}
    for reference in references:
        variable, elements = constant_cells(model, reference)
        if variable.kind is not VariableKind.CONSTANT:
            raise InputError("only a constant can vary from run to run", found=Message("the clock"))
        for element in elements:
            variables[cell_name(variable.name, [element] if element else [])] = variable
    return variables


def unit_of(name: str, apply: Apply, variables: Iterable[Variable]) -> str:
    """Return the unit of a factor that acts on constants.

    Raises:
        InputError: it sets or adds to constants of different units.
    """
    if apply is Apply.MULTIPLY:
        return "Dmnl"
    units = dict.fromkeys(variable.unit for variable in variables)
    if len(units) > 1:
        found = Message("{names}", names=tuple(units))
        raise InputError("the constants of '{name}' have different units", found=found, name=name)
    return next(iter(units))


def clashing(key: str, factors: Sequence[Factor], outputs: Iterable[str] = ()) -> Iterator[Fault]:
    """Yield a fault for two factors that act on one constant, and for two columns of one name.

    ``key`` is that of the file under which factors stand.
    """
    owners: dict[str, str] = {}
    names = set(outputs)
    for factor in factors:
        if factor.name in names:
            yield Fault("two things are called '{name}'", at=(key, factor.name), name=factor.name)
        names.add(factor.name)
        for reference in factor.constants:
            if owner := owners.get(reference):
                yield Fault(
                    "'{first}' and '{second}' act on one constant",
                    at=(key, factor.name),
                    found=reference,
                    first=factor.name,
                    second=owner,
                )
            owners[reference] = factor.name


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

    A lever that sets has one constant.
    """
    match apply:
        case Apply.ADD:
            return 0.0
        case Apply.MULTIPLY:
            return 1.0
        case Apply.SET:
            return default_of(model, values, constants[0])


def applied(apply: Apply, constant: Number, value: Number) -> Number:
    """Return a constant, or an array, after a factor or lever has acted on it with a value."""
    match apply:
        case Apply.SET:
            return value
        case Apply.ADD:
            return constant + value
        case Apply.MULTIPLY:
            return constant * value


def constants_of(
    model: Model, base: Mapping[str, float], factors: Sequence[Factor], values: FloatArray
) -> FloatArray:
    """Return the constants under values of factors: ``(run, factor)`` → ``(run, constant)``.

    The constants come in the order of the factors, and of each one's ``constants``. Factors that
    add or multiply act on the constants of ``base``, which are a scenario's, or else the model's.
    """
    if all(factor.apply is Apply.SET and len(factor.constants) == 1 for factor in factors):
        return values
    columns = [
        values[:, column]
        if factor.apply is Apply.SET
        else applied(factor.apply, np.asarray(default_of(model, base, name)), values[:, column])
        for column, factor in enumerate(factors)
        for name in factor.constants
    ]
    return np.stack(columns, axis=1)
