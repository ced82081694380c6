"""What is being lowered: a model's equations, and the nodes that they have become so far.

Every variable has a value in two phases. In the *initial* one a stock is its initial value and the
time is the initial time; in the *running* one a stock is a state. A variable is lowered an element
at a time, with the subscripts of its left-hand side bound to that element.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from plansim.compiler.graph import Graph
from plansim.compiler.integration import levels_with, moved_by_stocks, reads_stock
from plansim.compiler.ir import CONTROLS, Depends, Op, Pipe, State
from plansim.compiler.lower.scope import (
    Cell,
    Frame,
    KnownError,
    Place,
    RefusedError,
    Scope,
    running,
)
from plansim.errors import Fault, Message
from plansim.model.reading.equations import Equation, EquationForm
from plansim.model.reading.expression import (
    COMPARISONS,
    Call,
    Name,
    Node,
    Number,
    Numbers,
    Operation,
    name_key,
)
from plansim.model.reading.ranges import Subscripts, UnboundError
from plansim.model.records import Model, Variable, VariableKind, cell_name

__all__ = ["RAW", "WITHIN", "Context"]

MAX_INSTRUCTIONS = 2_000_000
RAW = "raw data"
"""Key of the function that stands for ``:RAW:``: data at their points, missing between them. No key
of a name has a space."""
WITHIN = "\N{RIGHTWARDS ARROW}"
"""Stands between the key of a variable and the names in macros that it calls; no name holds it."""

_OPERATORS = {
    "+": Op.ADD,
    "-": Op.SUBTRACT,
    "*": Op.MULTIPLY,
    "/": Op.DIVIDE,
    "^": Op.POWER,
    "negative": Op.NEGATE,
    "<": Op.LESS,
    "<=": Op.LESS_EQUAL,
    "=": Op.EQUAL,
    "<>": Op.NOT_EQUAL,
    ":AND:": Op.AND,
    ":OR:": Op.OR,
    ":NOT:": Op.NOT,
}
_CONTROLS = {
    "initial_time": Op.INITIAL_TIME,
    "final_time": Op.FINAL_TIME,
    "time_step": Op.TIME_STEP,
    "saveper": Op.SAVEPER,
}


@dataclass
class Context:
    """Lowers one model once."""

    model: Model
    vary: frozenset[str]
    given: Mapping[str, float]
    call: Callable[[Context, Call, Scope], int]
    """Gives the node of a function's or table's value."""
    graph: Graph = field(default_factory=Graph)
    faults: dict[Fault, None] = field(default_factory=dict)
    states: list[State | None] = field(default_factory=list)
    pipes: list[Pipe | None] = field(default_factory=list)
    inputs: dict[str, float] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)
    values: dict[tuple[str, Cell, bool], int | None] = field(default_factory=dict)
    memory: dict[object, int] = field(default_factory=dict)
    later: list[tuple[Call, Scope, int, int]] = field(default_factory=list)
    """States that have a node, but no first and following value yet."""
    vectors: dict[object, list[int]] = field(default_factory=dict)
    open: list[tuple[str, Cell, bool]] = field(default_factory=list)
    """The values that are being lowered, each within the one before."""
    _indices: dict[str, int] = field(default_factory=dict)
    _cells: dict[str, dict[Cell, Place]] = field(default_factory=dict)
    _frames: dict[str, Frame] = field(default_factory=dict)

    @cached_property
    def subscripts(self) -> Subscripts:
        """Return the subscript ranges."""
        return Subscripts.of(self.model.scan)

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """Return the variables by `name_key`."""
        return {name_key(name): variable for name, variable in self.model.variables.items()}

    @cached_property
    def levels(self) -> frozenset[str]:
        """Return the functions and macros that hold stocks."""
        return levels_with(self.model.scan.macros)

    @cached_property
    def moved_by_stocks(self) -> frozenset[str]:
        """Return the variables that a stock moves within a step."""
        return moved_by_stocks(self.model.scan.equations, self.levels)

    def _reads_stock(self, tree: Node, scope: Scope) -> bool:
        moved = scope.frame.moved if scope.frame else self.moved_by_stocks
        return reads_stock(tree, moved, self.levels)

    def places(self, key: str) -> dict[Cell, Place]:
        """Return the elements of a variable, each with its equation."""
        if key in self._cells:
            return self._cells[key]
        found: dict[Cell, Place] = {}
        for equation in self.model.scan.equations[key]:
            left = tuple(map(name_key, equation.subscripts))
            ranges = [i for i, key in enumerate(left) if self.subscripts.is_range(key)]
            for position, names in enumerate(self.model.scan.covered(equation)):
                cell = tuple(map(name_key, names))
                bound = {left[i]: cell[i] for i in ranges}
                found[cell] = Place(equation, bound, position)
        self._cells[key] = found
        return found

    def elements(self, variable: Variable) -> Iterator[Cell]:
        """Yield the elements of a variable, row by row."""
        ranges = [self.model.subscripts[subscript].elements for subscript in variable.subscripts]
        return itertools.product(*ranges)

    def value(self, key: str, cell: Cell, initial: bool) -> int:
        """Return the node of a variable's element in a phase."""
        if key in _CONTROLS:
            return self.graph.leaf(_CONTROLS[key])
        if key == "time":
            return self.graph.leaf(Op.INITIAL_TIME if initial else Op.TIME)
        return self._kept((key, cell, initial), lambda: self._lowered(key, cell, initial))

    def _kept(self, memo: tuple[str, Cell, bool], make: Callable[[], int]) -> int:
        """Return a node that is made once, and find circles."""
        if memo in self.values:
            known = self.values[memo]
            if known is None:
                raise KnownError
            return known
        if memo in self.open:
            raise self._circle(memo)
        self.open.append(memo)
        try:
            place = make()
        except KnownError:
            self.values[memo] = None
            raise
        except (RefusedError, UnboundError) as error:
            self.values[memo] = None
            self.note(*memo[:2], error)
            raise KnownError from error
        finally:
            self.open.pop()
        self.values[memo] = place
        return place

    def _lowered(self, key: str, cell: Cell, initial: bool) -> int:
        variable = self.variables[key]
        place = self.places(key).get(cell)
        assert place is not None
        equation = place.equation
        if equation.form is EquationForm.DATA:
            raise RefusedError(Message("data from outside of the model are not supported"))
        if variable.kind is VariableKind.LOOKUP:
            raise RefusedError(Message("a lookup table has no value of its own"))
        if isinstance(equation.tree, Numbers):
            numbers = equation.tree.values
            number = numbers[place.position if len(numbers) > 1 else 0]
            label = self.label(variable, cell)
            number = self.given.get(label, number)
            return self.input(label, number) if self.varies(label) else self.graph.number(number)
        assert equation.tree is not None
        return self.node(equation.tree, Scope(key, cell, place.bound, initial))

    def label(self, variable: Variable, cell: Cell) -> str:
        """Return ``name[e1,e2]`` of an element, as the model writes it."""
        return cell_name(variable.name, [self.subscripts.written(element) for element in cell])

    def varies(self, label: str) -> bool:
        """Return whether an element is an input of a run."""
        return label in self.vary or label.partition("[")[0] in self.vary

    def input(self, name: str, default: float) -> int:
        """Return the node of an input of a run."""
        index = self._indices.setdefault(name, len(self._indices))
        self.inputs.setdefault(name, default)
        return self.graph.leaf(Op.INPUT, index)

    def _circle(self, memo: tuple[str, Cell, bool]) -> RefusedError:
        names = [self.spoken(key, cell) for key, cell, _ in self.open[self.open.index(memo) :]]
        shown = names if len(names) <= 6 else [*names[:5], "…"]
        circle = " <- ".join([*shown, names[0]])
        return RefusedError(
            Message(
                "initial values that refer to each other in a circle without a stock: {circle}",
                circle=circle,
            )
            if memo[2]
            else Message(
                "equations that refer to each other in a circle without a stock: {circle}",
                circle=circle,
            )
        )

    def spoken(self, key: str, cell: Cell) -> str:
        """Return what a message calls an element; within a macro, that of its call."""
        key = key.partition(WITHIN)[0]
        return self.label(self.variables[key], cell)

    def note(self, key: str, cell: Cell, error: RefusedError | UnboundError) -> None:
        """Note why an element cannot be lowered, with its line."""
        key, _, within = key.partition(WITHIN)
        variable = self.variables[key]
        place = self.places(key).get(cell)
        line = variable.line
        if within:
            macro = self._frames[within.rpartition(WITHIN)[0]].macro
            line = macro.equations[within.rpartition(WITHIN)[2]][0].line
        elif place is not None:
            equation = place.equation
            line = equation.line
            for ref, _ in equation.references:
                if isinstance(error, RefusedError) and ref.key == error.function:
                    line = equation.line_of(ref)
                    break
        message = Message(
            "'{name}' cannot be compiled: {reason}", name=variable.name, reason=error.message
        )
        self.faults[Fault(message, self.model.path, line)] = None

    def node(self, tree: Node, scope: Scope) -> int:
        """Return the node of an expression."""
        g = self.graph
        if len(g.instructions) > MAX_INSTRUCTIONS:
            raise RefusedError(Message("the model takes too many operations"))
        match tree:
            case Number(value):
                return g.number(value)
            case Name():
                return self._name(tree, scope)
            case Operation(operator, operands):
                places = [self.node(operand, scope) for operand in operands]
                if operator in (">", ">="):
                    places.reverse()
                    operator = operator.replace(">", "<")
                made = g.make(_OPERATORS[operator], *places)
                if operator in COMPARISONS and not self._reads_stock(tree, scope):
                    return g.freeze(made)
                return made
            case Call():
                return self.call(self, tree, scope)
            case _:
                raise RefusedError(Message("a lookup table is used where a number is expected"))

    def _name(self, tree: Name, scope: Scope) -> int:
        key = tree.key
        if (frame := scope.frame) is not None:
            if scope.itself is not None and key == scope.key.rpartition(WITHIN)[2]:
                return scope.itself
            if key in frame.arguments:
                argument = replace(frame.caller, initial=scope.initial)
                return self.node(frame.arguments[key], argument)
            if key in frame.macro.equations:
                return self.local(frame, key, scope.initial)
            key = key.removesuffix("$")
        if key == "time" or key in self.model.scan.equations:
            if key in self.model.scan.equations and self.variables[key].kind is VariableKind.LOOKUP:
                raise RefusedError(
                    Message(
                        "'{name}' is a lookup without an argument", name=self.variables[key].name
                    )
                )
            cell = tuple(
                self.subscripts.element(subscript, scope.bound) for subscript in tree.subscripts
            )
            if scope.itself is not None and (key, cell) == (scope.key, scope.cell):
                return scope.itself
            if cell and cell not in self.places(key):
                name = self.label(self.variables[key], cell)
                raise RefusedError(Message("'{name}' has no equation", name=name), tree.key)
            return self.value(key, cell, scope.initial)
        position = self.subscripts.position(key, scope.bound)
        return self.graph.number(position)

    def number(self, tree: Node, scope: Scope) -> int:
        """Return the node of an expression, a truth value as 1 or 0."""
        return self.graph._as_number(self.node(tree, scope))

    def frame(self, tree: Call, scope: Scope) -> Frame:
        """Return the frame of a call: one for all phases."""
        # A call is told by where it stands: equations of its outputs share it.
        within = scope.key if scope.frame else ""
        label = repr((within, scope.cell, sorted(scope.bound.items()), tree.start))
        if label not in self._frames:
            macro = self.model.scan.macros[tree.key]
            arguments = dict(zip(macro.inputs, tree.arguments, strict=True))
            given = {key for key, node in arguments.items() if self._reads_stock(node, scope)}
            given |= {f"{key}$" for key in self.moved_by_stocks}
            moved = moved_by_stocks(macro.equations, self.levels, given)
            self._frames[label] = Frame(macro, label, arguments, running(scope), moved)
        return self._frames[label]

    def local(self, frame: Frame, key: str, initial: bool) -> int:
        """Return the node of a variable within a macro."""
        cell = frame.caller.cell
        outer = frame.caller.key.partition(WITHIN)[0]
        scope = Scope(f"{outer}{WITHIN}{frame.label}{WITHIN}{key}", cell, {}, initial, frame)
        equation = frame.macro.equations[key][0]
        assert equation.tree is not None

        def make() -> int:
            assert equation.tree is not None
            if isinstance(equation.tree, Numbers):
                return self.graph.number(equation.tree.values[0])
            if equation.is_raw:
                return self.call(self, Call(RAW, (), (equation.tree,)), scope)
            return self.node(equation.tree, scope)

        return self._kept((scope.key, cell, initial), make)

    def equation_of(self, scope: Scope) -> Equation:
        """Return the equation in which an expression stands."""
        if scope.frame is not None:
            return scope.frame.macro.equations[scope.key.rpartition(WITHIN)[2]][0]
        return self.places(scope.key)[scope.cell].equation

    def structural(self, place: int, key: str, what: Message) -> float:
        """Return the number that a node is; constants that it depends on must not vary."""
        number = self.graph.value(place)
        if number is not None:
            return number
        if self.graph.depends[place] == Depends.INPUTS:
            self.pin(place)
            return 1.0
        raise RefusedError(Message("{what} is not known before the run", what=what), key)

    def highest(self, place: int) -> float | None:
        """Return what a node is at the model's own clock, with inputs at the end of their ranges.

        None if it moves within a run, or an input has no range (``[1, 8]`` after its unit).
        """
        found = self._at_most(place, self.model.time.controls)
        return None if found is None else self.graph.value(found)

    def longest(self, place: int) -> int | None:
        """Return the node of the same at any clock; None as in `highest`."""
        return self._at_most(place, {})

    def _at_most(self, place: int, clock: Mapping[str, float]) -> int | None:
        instruction = self.graph.instructions[place]
        op = instruction.op
        if op is Op.NUMBER:
            return place
        if op in CONTROLS:
            known = clock.get(op.value.upper())
            return place if known is None else self.graph.number(known)
        if op is Op.INPUT:
            name = [*self.inputs][instruction.index].partition("[")[0]
            limit = self.variables[name_key(name)].admissible[1]
            return None if limit is None else self.graph.number(limit)
        below = [self._at_most(operand, clock) for operand in instruction.operands]
        there = [operand for operand in below if operand is not None]
        if len(there) < len(below) or not below or op in (Op.FROZEN, Op.LOOKUP, Op.RANDOM):
            return None
        return self.graph.make(op, *there)

    def pin(self, place: int) -> None:
        """Note that the constants that a node depends on must not vary."""
        names, waiting = list(self.inputs), {place}
        while waiting:
            instruction = self.graph.instructions[waiting.pop()]
            if instruction.op is Op.INPUT:
                self.pinned.add(names[instruction.index].partition("[")[0])
            waiting.update(instruction.operands)
