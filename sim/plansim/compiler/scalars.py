"""A model without arrays, in Vensim's language: each element of a variable is one of its own.

For programs that take arrays apart less well than plain variables. Names are ``v0``, ``v1``, …, so
that none means anything to whoever reads them; constants have the values that are given.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

from plansim.compiler.arrays import Subscripts
from plansim.compiler.expression_tree import (
    Call,
    Name,
    Node,
    Number,
    Operation,
    read_right_side,
    read_table,
)
from plansim.compiler.functions import VECTOR
from plansim.compiler.lower import cells_of
from plansim.compiler.unparse import unparse
from plansim.errors import Fault, FaultLog, ModelError
from plansim.model.records import Model, TimeSpec, Variable, VariableKind
from plansim.model.scan import Equation, Form, Scan, scan_text
from plansim.model.syntax import name_key

__all__ = ["Scalars", "without_arrays"]

_SIGNS = {"sum": "+", "prod": "*"}
_FUNCTIONS = {"vmin": "min", "vmax": "max"}
"""What functions over elements come to, two at a time."""


@dataclass(frozen=True)
class Scalars:
    """The text of a model without arrays, and what its names stand for."""

    text: str
    names: Mapping[str, str]
    """By ``name`` or ``name[e1,e2]`` of the model, the name in the text."""


def without_arrays(model: Model, values: Mapping[str, float], time: TimeSpec) -> Scalars:
    """Write a model out element by element, with constants and a clock as given.

    Raises:
        ModelError: an equation takes its values from outside of the model.
    """
    return _Writer(model, values, time).scalars()


@dataclass(frozen=True)
class _Writer:
    model: Model
    values: Mapping[str, float]
    time: TimeSpec

    def scalars(self) -> Scalars:
        lines = ["{UTF-8}"]
        for key, equations in self._scan.equations.items():
            variable = self._variables.get(key)
            if variable is not None and variable.kind is not VariableKind.CONTROL:
                for equation in equations:
                    lines += self._lines(variable, equation)
        clock = {
            "INITIAL TIME": self.time.initial,
            "FINAL TIME": self.time.final,
            "TIME STEP": self.time.step,
            "SAVEPER": self.time.saveper,
        }
        lines += [f"{name}= {value!r} ~~|" for name, value in clock.items()]
        return Scalars("\n".join(lines) + "\n", self._names)

    @cached_property
    def _names(self) -> dict[str, str]:
        labels = [
            label
            for variable in self.model.variables.values()
            if variable.kind is not VariableKind.CONTROL
            for label in cells_of(self.model, variable)
        ]
        return {label: f"v{place}" for place, label in enumerate(labels)}

    @cached_property
    def _scan(self) -> Scan:
        return scan_text(self.model.text, FaultLog(self.model.path))

    @cached_property
    def _subscripts(self) -> Subscripts:
        return Subscripts.of(self._scan, self.model.text)

    @cached_property
    def _variables(self) -> Mapping[str, Variable]:
        return {name_key(name): each for name, each in self.model.variables.items()}

    def _label(self, variable: Variable, cell: tuple[str, ...]) -> str:
        inside = ",".join(self._subscripts.written(each) for each in cell)
        return f"{variable.name}[{inside}]" if inside else variable.name

    def _lines(self, variable: Variable, equation: Equation) -> Iterator[str]:
        left = tuple(map(name_key, equation.subscripts))
        numbers = equation.expression.numbers
        for position, names in enumerate(self._scan.covered(equation)):
            cell = tuple(map(name_key, names))
            label = self._label(variable, cell)
            name = self._names[label]
            if variable.kind is VariableKind.LOOKUP:
                table = read_table(equation)
                yield f"{name}{unparse(table)} ~~|"
                continue
            if numbers is not None:
                value = numbers[position if len(numbers) > 1 else 0]
                yield f"{name}= {self.values.get(label, value)!r} ~~|"
                continue
            if equation.form not in (Form.EQUATION, Form.UNCHANGEABLE):
                raise ModelError(
                    Fault(
                        "'{name}' is read from outside",
                        self.model.path,
                        equation.line,
                        name=variable.name,
                    )
                )
            bound = {
                each: cell[place]
                for place, each in enumerate(left)
                if self._subscripts.is_range(each)
            }
            tree = self._bound(read_right_side(equation), bound)
            yield f"{name}= {unparse(tree)} ~~|"

    def _bound(self, tree: Node, bound: Mapping[str, str]) -> Node:
        match tree:
            case Name(key, subscripts):
                return self._name(key, subscripts, bound)
            case Operation(operator, operands):
                return Operation(operator, tuple(self._bound(each, bound) for each in operands))
            case Call(key, _, (argument, *_)) if key in VECTOR:
                return self._reduced(key, argument, bound)
            case Call(key, subscripts, arguments):
                written = tuple(self._bound(each, bound) for each in arguments)
                if key in self._scan.equations:  # a lookup table
                    head = self._name(key, subscripts, bound)
                    assert isinstance(head, Name)
                    key = head.key
                return Call(key, (), written)
            case _:
                return tree

    def _name(self, key: str, subscripts: tuple[str, ...], bound: Mapping[str, str]) -> Node:
        variable = self._variables.get(key)
        if variable is None:
            if key == "time":
                return Name("Time")
            return Number(float(self._subscripts.position(key, bound)))
        if variable.kind is VariableKind.CONTROL:
            return Name(key)
        cell = tuple(self._subscripts.element(each, bound) for each in subscripts)
        return Name(self._names[self._label(variable, cell)])

    def _reduced(self, key: str, argument: Node, bound: Mapping[str, str]) -> Node:
        marks = dict.fromkeys(each for each in _marks(argument) if each not in bound)
        choices = [self._subscripts.elements(mark.removesuffix("!")) for mark in marks]
        parts = [
            self._bound(argument, {**bound, **dict(zip(marks, cell, strict=True))})
            for cell in itertools.product(*choices)
        ]
        if key in _SIGNS:
            return reduce(lambda a, b: Operation(_SIGNS[key], (a, b)), parts)
        return reduce(lambda a, b: Call(_FUNCTIONS[key], (), (a, b)), parts)


def _marks(tree: Node) -> Iterator[str]:
    """Give the subscripts with ``!`` that no function within the expression binds."""
    match tree:
        case Name(subscripts=names):
            yield from (each for each in names if each.endswith("!"))
        case Call(key=key, subscripts=names, arguments=below):
            yield from (each for each in names if each.endswith("!"))
            for each in below if key not in VECTOR else ():
                yield from _marks(each)
        case Operation(operands=below):
            for each in below:
                yield from _marks(each)
        case _:
            return
