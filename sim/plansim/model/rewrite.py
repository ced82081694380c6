"""Variants of a model, as text in Vensim's language: with further equations, or without arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce

from plansim.errors import Fault, Message, ModelError
from plansim.model.reader import parse_model
from plansim.model.reading.entries import SKETCH
from plansim.model.reading.equations import Equation, spliced
from plansim.model.reading.expression import (
    MISSING,
    Call,
    Name,
    Node,
    Number,
    Numbers,
    Operation,
    QuotedText,
    Table,
    name_key,
)
from plansim.model.reading.function_names import OF_VECTORS, OVER_ELEMENTS
from plansim.model.reading.ranges import Subscripts, free_marks
from plansim.model.records import Model, TimeSpec, Variable, VariableKind, cell_name, cells_of

__all__ = [
    "AddedEquation",
    "Scalars",
    "replaced",
    "unparse",
    "with_constants",
    "with_equations",
    "with_formulas",
    "without_arrays",
]


# --- expressions --------------------------------------------------------------------------------


def unparse(node: Node) -> str:
    """Return a text that reads as the same tree.

    >>> from plansim.model.reading.syntax import read_expression
    >>> unparse(read_expression("A[x!] - b*MAX(c, -2)^d"))
    '(A[x!]-(b*(MAX(c,(-2.0))^d)))'
    """
    match node:
        case Number(value):
            if value == MISSING:
                return ":NA:"
            return f"({value!r})" if value < 0 else repr(value)
        case Name():
            return _written(node)
        case Call(arguments=arguments, outputs=outputs):
            behind = f":{','.join(map(unparse, outputs))}" if outputs else ""
            return f"{_written(node)}({','.join(map(unparse, arguments))}{behind})"
        case Operation(operator, (operand,)):
            return f"({'-' if operator == 'negative' else operator}{unparse(operand)})"
        case Operation(operator, (left, right)):
            return f"({unparse(left)}{operator}{unparse(right)})"
        case QuotedText(value):
            return value
        case Table(x, y):
            return "(" + ",".join(f"({a!r},{b!r})" for a, b in zip(x, y, strict=True)) + ")"
        case Numbers(values):
            return ",".join(map(repr, values))
    raise AssertionError(node)


def _written(node: Name | Call) -> str:
    """Return a name as its text has it; of a node that was made anew, the key."""
    key = node.key.replace("_", " ") if isinstance(node, Call) else node.key
    name, *subscripts = node.written or (key, *node.subscripts)
    return f"{name}[{','.join(subscripts)}]" if subscripts else name


def replaced(tree: Node, change: Callable[[Node], Node | None]) -> Node:
    """Return a tree with other nodes in the place of some.

    Args:
        tree: the tree; a node comes before those below it.
        change: gives what to put in the place of a node, which is not looked into again; None to
            keep the node, and to look into it.
    """
    new = change(tree)
    if new is not None:
        return new
    match tree:
        case Operation(operands=below):
            return replace(tree, operands=tuple(replaced(operand, change) for operand in below))
        case Call(arguments=below):
            return replace(tree, arguments=tuple(replaced(argument, change) for argument in below))
        case _:
            return tree


# --- with further equations ---------------------------------------------------------------------


@dataclass(frozen=True)
class AddedEquation:
    """An equation beside the model's own."""

    name: str
    text: str
    """The right-hand side, in Vensim's language."""
    subscripts: tuple[str, ...] = ()
    file: str = ""
    """Where it stands, for messages."""
    line: int | None = None
    constant: bool = False
    """Whether it is a number that can be set from run to run, rather than an output."""
    exceptions: tuple[tuple[str, ...], ...] = ()
    unit: str = ""
    """The unit, with the admissible range behind it, as Vensim writes it."""
    comment: str = ""

    @property
    def left(self) -> str:
        """Return its left-hand side."""
        left = cell_name(self.name, self.subscripts)
        excepted = ",".join(cell_name("", cell) for cell in self.exceptions)
        return f"{left} :EXCEPT: {excepted}" if excepted else left


def with_equations(model: Model, equations: Sequence[AddedEquation]) -> Model:
    """Return a model with further equations.

    Raises:
        ModelError: an equation is at fault, by the place where it stands.
    """
    body, mark, sketch = model.text.partition(SKETCH)
    first = body.count("\n") + 2
    # One line an equation: a fault's line says which it is.
    added = "".join(
        f"{one.left}= {_on_one_line(one)} ~{one.unit}~{one.comment}|\n" for one in equations
    )
    try:
        return parse_model(f"{body}\n{added}{mark}{sketch}", model.path)
    except ModelError as error:
        raise ModelError(_placed(fault, equations, first) for fault in error.faults) from None


def with_formulas(
    model: Model, change: Callable[[Node], Node | None], equations: Sequence[AddedEquation]
) -> Model:
    """Return a model with other nodes in its formulas, as in `replaced`, and further equations.

    Raises:
        ModelError: the new model has faults.
    """
    changes = []
    for equation in (one for group in model.scan.equations.values() for one in group):
        if equation.formula and (new := replaced(equation.formula, change)) != equation.formula:
            names = equation.name, "", equation.subscripts
            left = AddedEquation(*names, exceptions=equation.exceptions).left
            # As many lines as before: messages name the lines of the file.
            lines = "\n" * equation.text.count("\n")
            text = f"{left}{equation.form.value} {unparse(new)}{lines}"
            changes.append((equation.start, equation.end, text))
    return with_equations(replace(model, text=spliced(model.text, changes)), equations)


def with_constants(model: Model, values: Mapping[str, float]) -> Model:
    """Return a model in which constants have other values, and the text as it was but for them.

    ``values`` are by ``name`` or ``name[e1,e2]``. An array of which an element has another value is
    written element by element. Names that the model does not have are passed over.
    """
    changes = []
    for name in {label.partition("[")[0] for label in values}:
        for equation in model.scan.equations.get(name_key(name), ()):
            variable = model.variables[equation.name]
            own = variable.value if isinstance(variable.value, Mapping) else {"": variable.value}
            lines = []
            for cell in itertools.product(*map(model.scan.dimension, equation.subscripts)):
                label = cell_name(variable.name, cell)
                lines.append(f"{label}= {values.get(label, own.get(','.join(cell)))!r}")
            changes.append((equation.start, equation.end, " ~~|\n".join(lines)))
    return parse_model(spliced(model.text, changes), model.path)


def _on_one_line(equation: AddedEquation) -> str:
    """Return a right-hand side; a bare number would be a constant, not an output."""
    flowing = " ".join(equation.text.split())
    if equation.constant:
        return flowing
    try:
        float(flowing)
    except ValueError:
        return flowing
    return f"{flowing} + 0*Time"


def _placed(fault: Fault, equations: Sequence[AddedEquation], first: int) -> Fault:
    index = -1 if fault.line is None else fault.line - first
    if not 0 <= index < len(equations):
        return fault
    return replace(fault, file=equations[index].file or fault.file, line=equations[index].line)


# --- without arrays -----------------------------------------------------------------------------

_JOINED: Mapping[str, Callable[[Node, Node], Node]] = {
    "sum": lambda a, b: Operation("+", (a, b)),
    "prod": lambda a, b: Operation("*", (a, b)),
    "vmin": lambda a, b: Call("min", (), (a, b)),
    "vmax": lambda a, b: Call("max", (), (a, b)),
}
"""Expression of two elements that each function over elements puts in their place."""


@dataclass(frozen=True)
class Scalars:
    """The text of a model without arrays, and what its names stand for."""

    text: str
    names: Mapping[str, str]
    """By ``name`` or ``name[e1,e2]`` of the model, the name in the text."""


def without_arrays(model: Model, values: Mapping[str, float], time: TimeSpec) -> Scalars:
    """Write a model out element by element, with constants and a clock as given.

    For programs that take arrays apart less well than plain variables. Names are ``v0``, ``v1``, …,
    so that none means anything to a reader.

    Raises:
        ModelError: an equation takes its values from outside of the model, or has a macro or a
            function of a whole vector.
    """
    return _Flat(model, values, time).scalars()


@dataclass(frozen=True)
class _Flat:
    model: Model
    values: Mapping[str, float]
    time: TimeSpec

    def scalars(self) -> Scalars:
        lines = ["{UTF-8}"]
        for key, equations in self.model.scan.equations.items():
            variable = self._variables[key]
            if variable.kind is not VariableKind.CONTROL:
                for equation in equations:
                    lines += self._lines(variable, equation)
        lines += [f"{name}= {value!r} ~~|" for name, value in self.time.controls.items()]
        return Scalars("\n".join(lines) + "\n", self._names)

    @cached_property
    def _names(self) -> dict[str, str]:
        labels = [
            label
            for variable in self.model.variables.values()
            if variable.kind is not VariableKind.CONTROL
            for label in cells_of(self.model, variable)
        ]
        return {label: f"v{index}" for index, label in enumerate(labels)}

    @cached_property
    def _subscripts(self) -> Subscripts:
        return Subscripts.of(self.model.scan)

    @cached_property
    def _variables(self) -> Mapping[str, Variable]:
        return {name_key(name): variable for name, variable in self.model.variables.items()}

    def _label(self, variable: Variable, cell: Sequence[str]) -> str:
        return cell_name(variable.name, [self._subscripts.written(element) for element in cell])

    def _lines(self, variable: Variable, equation: Equation) -> Iterator[str]:
        whole = equation.called & (OF_VECTORS | self.model.scan.macros.keys())
        if whole:
            raise ModelError(
                "'{name}' cannot be written out element by element",
                self.model.path,
                equation.line,
                found=Message("the function {name}", name=min(whole).replace("_", " ").upper()),
                name=variable.name,
            )
        left = tuple(map(name_key, equation.subscripts))
        for position, names in enumerate(self.model.scan.covered(equation)):
            cell = tuple(map(name_key, names))
            label = self._label(variable, cell)
            name = self._names[label]
            if isinstance(equation.tree, Table):
                yield f"{name}{unparse(equation.tree)} ~~|"
            elif isinstance(equation.tree, Numbers):
                numbers = equation.tree.values
                value = numbers[position if len(numbers) > 1 else 0]
                yield f"{name}= {self.values.get(label, value)!r} ~~|"
            elif equation.formula is None:
                raise ModelError(
                    "'{name}' is read from outside",
                    self.model.path,
                    equation.line,
                    name=variable.name,
                )
            else:
                pairs = zip(left, cell, strict=True)
                bound = {key: element for key, element in pairs if self._subscripts.is_range(key)}
                yield f"{name}= {unparse(self._bound(equation.formula, bound))} ~~|"

    def _bound(self, tree: Node, bound: Mapping[str, str]) -> Node:
        """Return an expression for the elements that ranges are bound to."""

        def change(node: Node) -> Node | None:
            match node:
                case Name():
                    return self._name(node, bound)
                case Call(key, _, (argument, *_)) if key in OVER_ELEMENTS:
                    return self._joined(key, argument, bound)
                case Call(key, arguments=arguments):
                    if key in self._variables:  # a lookup table
                        key = self._scalar(node, bound)
                    return Call(key, (), tuple(self._bound(below, bound) for below in arguments))
            return None

        return replaced(tree, change)

    def _name(self, node: Name, bound: Mapping[str, str]) -> Node:
        variable = self._variables.get(node.key)
        if variable is None and node.key != "time":  # a subscript
            return Number(float(self._subscripts.position(node.key, bound)))
        if variable is None or variable.kind is VariableKind.CONTROL:
            return node
        return Name(self._scalar(node, bound))

    def _scalar(self, node: Name | Call, bound: Mapping[str, str]) -> str:
        """Return the name in the text of the element that a name stands for."""
        cell = [self._subscripts.element(subscript, bound) for subscript in node.subscripts]
        return self._names[self._label(self._variables[node.key], cell)]

    def _joined(self, key: str, argument: Node, bound: Mapping[str, str]) -> Node:
        marks = dict.fromkeys(mark for mark in free_marks(argument) if mark not in bound)
        choices = [self._subscripts.elements(mark.removesuffix("!")) for mark in marks]
        parts = [
            self._bound(argument, {**bound, **dict(zip(marks, cell, strict=True))})
            for cell in itertools.product(*choices)
        ]
        return reduce(_JOINED[key], parts)
