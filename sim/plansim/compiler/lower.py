"""From a model to scalar operations: arrays, delays and phases are resolved here.

Every variable has a value in two phases. In the *initial* one a stock is its initial value and the
time is the initial time; in the *running* one a stock is a state. Initial values, INITIAL and
ACTIVE INITIAL ask for values of the initial phase, so that nothing but what runs need is lowered,
and a circle is found in the phase in which it stands.

A variable is lowered an element at a time, with the subscripts of its left-hand side bound to that
element. The states of SMOOTH, DELAY, TREND and the like are those of PySD's `statefuls.py`. What
keeps its value through the stages of a step is frozen; see `integration`.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter

from plansim.compiler.functions.plain import PLAIN, VECTOR, Clock, stages, zidz
from plansim.compiler.functions.random import RANDOM
from plansim.compiler.functions.vectors import (
    PROFILES,
    allocated,
    inverse,
    ranks,
    reordered,
    selected,
    sort_order,
    total,
)
from plansim.compiler.integration import LEVELS, levels_with, moved_by_stocks, reads_stock
from plansim.compiler.ir import Depends, Graph, Op, PiecewiseLinear, Pipe, Program, State
from plansim.errors import Fault, Message, ModelError
from plansim.model.arrays import Subscripts, UnboundError, free_marks
from plansim.model.expression import (
    COMPARISONS,
    Call,
    Name,
    Node,
    Number,
    Numbers,
    Operation,
    Table,
    walk,
)
from plansim.model.functions import OF_VECTORS
from plansim.model.records import NOISE_SEED, Model, Variable, VariableKind, cell_name, cells_of
from plansim.model.scan import Equation, EquationForm, Macro
from plansim.model.syntax import name_key

__all__ = ["StructuralError", "lower"]

MAX_INSTRUCTIONS = 2_000_000
MAX_STAGES = 1000
_MAX_FRAMES = 200_000
_JUMP = 1e-12
"""How long a jump of a table takes, relative to its place."""
_WITHIN = "\N{RIGHTWARDS ARROW}"
"""Between the key of a variable and what stands in macros that it calls; no name holds it."""

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
_INITIALLY_INPUT = frozenset({"smooth", "smooth3", "delay1", "delay3"})
_STATEFUL = LEVELS | {"delay_fixed", "sample_if_true"}

Cell = tuple[str, ...]
Bound = Mapping[str, str]


class StructuralError(Exception):
    """Constants cannot vary, since the shape of the program depends on them.

    To be answered by folding them to their values.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        super().__init__(", ".join(sorted(self.names)))


def lower(
    model: Model,
    vary: Iterable[str],
    outputs: Iterable[str],
    values: Mapping[str, float] | None = None,
) -> Program:
    """Lower what some outputs need.

    Args:
        model: a model that `load_model` accepted.
        vary: names of constants, of stocks (their initial values) and of lookup tables (their
            values at each point) that are inputs of a run; of arrays, or of elements as
            ``name[e1,e2]``. All else is folded.
        outputs: names of variables; all elements of arrays are given.
        values: what constants are instead of what the model says, by ``name`` or ``name[e1,e2]``.

    Raises:
        ModelError: with a fault for each equation that cannot be lowered.
        StructuralError: the program's shape depends on a constant of ``vary``.
    """
    lowering = _Lowering(model, frozenset(vary), values or {})
    with _deep():
        return lowering.program(list(outputs))


@contextlib.contextmanager
def _deep() -> Iterator[None]:
    """Let Python call deeper: a value is lowered by lowering its causes.

    These are Python's own frames, which take memory from the heap.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _MAX_FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class _RefusedError(Exception):
    """Why an equation cannot be lowered."""

    def __init__(self, message: Message, function: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.function = function


class _FoundError(Exception):
    """A fault is in the log already; what depends on it cannot be lowered either."""


@dataclass(frozen=True)
class _Place:
    """An element of a variable with its equation."""

    equation: Equation
    bound: Bound
    position: int
    """Row by row among the elements of the equation's left-hand side."""


@dataclass(frozen=True, eq=False)
class _LoweringFrame:
    """A macro where it is called."""

    macro: Macro
    label: str
    """Tells calls apart."""
    arguments: Mapping[str, Node]
    """By input, in the scope of the call."""
    caller: _Scope
    moved: frozenset[str]
    """The names within that a stock moves."""


@dataclass(frozen=True)
class _Scope:
    """Where an expression stands."""

    key: str
    cell: Cell
    bound: Bound
    initial: bool
    frame: _LoweringFrame | None = None


@dataclass
class _Lowering:
    """Lowers one model once."""

    model: Model
    vary: frozenset[str]
    given: Mapping[str, float]
    graph: Graph = field(default_factory=Graph)
    faults: dict[Fault, None] = field(default_factory=dict)
    states: list[State | None] = field(default_factory=list)
    pipes: list[Pipe | None] = field(default_factory=list)
    inputs: dict[str, float] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)
    _indices: dict[str, int] = field(default_factory=dict)
    _values: dict[tuple[str, Cell, bool], int | None] = field(default_factory=dict)
    _memory: dict[object, int] = field(default_factory=dict)
    _later: list[tuple[Call, _Scope, int, int]] = field(default_factory=list)
    _cells: dict[str, dict[Cell, _Place]] = field(default_factory=dict)
    _open: list[tuple[str, Cell, bool]] = field(default_factory=list)
    _frames: dict[str, _LoweringFrame] = field(default_factory=dict)
    _vectors: dict[object, list[int]] = field(default_factory=dict)

    # The whole

    def program(self, outputs: list[str]) -> Program:
        found = {}
        for name in self._in_order(outputs):
            variable = self.model.variables[name]
            for cell in self._elements(variable):
                keys = tuple(map(name_key, cell))
                if keys and keys not in self._places(name_key(name)):
                    continue  # it has no equation, and no value
                try:
                    place = self.value(name_key(name), keys, initial=False)
                except _FoundError:
                    continue
                found[cell_name(name, cell)] = self.graph._as_number(place)
            self._finish_states()
        if self.faults:
            raise ModelError(self.faults)
        if self.pinned:
            raise StructuralError(self.pinned)
        return Program(
            instructions=tuple(self.graph.instructions),
            depends=tuple(self.graph.depends),
            states=tuple(state for state in self.states if state is not None),
            pipes=tuple(pipe for pipe in self.pipes if pipe is not None),
            tables=tuple(self.graph.tables),
            inputs=tuple(self.inputs),
            defaults=tuple(self.inputs.values()),
            outputs={
                label: found[label]
                for name in outputs
                for label in cells_of(self.model, self.model.variables[name])
                if label in found
            },
            equations=self._count_moving(),
        )

    def _count_moving(self) -> int:
        moving = Depends.TIME | Depends.STATE
        return sum(
            1
            for (key, _, initial), place in self._values.items()
            if not initial
            and key != "time"
            and place is not None
            and self.graph.depends[place] & moving
        )

    def _elements(self, variable: Variable) -> Iterator[Cell]:
        ranges = [self.model.subscripts[subscript].elements for subscript in variable.subscripts]
        return itertools.product(*ranges)

    def _in_order(self, outputs: Iterable[str]) -> Iterator[str]:
        """Give names so that causes mostly come first: then recursion stays shallow."""
        done: set[str] = set()
        wanted = dict.fromkeys(outputs)
        for name in wanted:
            if name in done:
                continue
            done.add(name)
            stack: list[tuple[str, Iterator[str]]] = [(name, iter(self._causes(name)))]
            while stack:
                top, causes = stack[-1]
                cause = next((cause for cause in causes if cause not in done), None)
                if cause is None:
                    stack.pop()
                    if top in wanted:
                        yield top
                else:
                    done.add(cause)
                    stack.append((cause, iter(self._causes(cause))))

    def _causes(self, name: str) -> tuple[str, ...]:
        return self.model.variables[name].causes

    # The equations, by keys

    @cached_property
    def equations(self) -> Mapping[str, tuple[Equation, ...]]:
        return self.model.scan.equations

    @cached_property
    def subscripts(self) -> Subscripts:
        return Subscripts.of(self.model.scan)

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        return {name_key(name): variable for name, variable in self.model.variables.items()}

    @cached_property
    def macros(self) -> Mapping[str, Macro]:
        return self.model.scan.macros

    @cached_property
    def levels(self) -> frozenset[str]:
        return levels_with(self.macros)

    @cached_property
    def moved_by_stocks(self) -> frozenset[str]:
        return moved_by_stocks(self.equations, self.levels)

    def _reads_stock(self, tree: Node, scope: _Scope) -> bool:
        moved = scope.frame.moved if scope.frame else self.moved_by_stocks
        return reads_stock(tree, moved, self.levels)

    def _places(self, key: str) -> dict[Cell, _Place]:
        """Give the elements of a variable, each with its equation."""
        if key in self._cells:
            return self._cells[key]
        found: dict[Cell, _Place] = {}
        for equation in self.equations[key]:
            left = tuple(map(name_key, equation.subscripts))
            ranges = [i for i, key in enumerate(left) if self.subscripts.is_range(key)]
            for position, names in enumerate(self.model.scan.covered(equation)):
                cell = tuple(map(name_key, names))
                bound = {left[i]: cell[i] for i in ranges}
                found[cell] = _Place(equation, bound, position)
        self._cells[key] = found
        return found

    # Values

    def value(self, key: str, cell: Cell, initial: bool) -> int:
        """Give the node of a variable's element in a phase."""
        if key in _CONTROLS:
            return self.graph.leaf(_CONTROLS[key])
        if key == "time":
            return self.graph.leaf(Op.INITIAL_TIME if initial else Op.TIME)
        return self._kept((key, cell, initial), lambda: self._lowered(key, cell, initial))

    def _kept(self, memo: tuple[str, Cell, bool], make: Callable[[], int]) -> int:
        """Give a node that is made once, and find circles."""
        if memo in self._values:
            known = self._values[memo]
            if known is None:
                raise _FoundError
            return known
        if memo in self._open:
            raise self._circle(memo)
        self._open.append(memo)
        try:
            place = make()
        except _FoundError:
            self._values[memo] = None
            raise
        except (_RefusedError, UnboundError) as error:
            self._values[memo] = None
            self._note(*memo[:2], error)
            raise _FoundError from error
        finally:
            self._open.pop()
        self._values[memo] = place
        return place

    def _lowered(self, key: str, cell: Cell, initial: bool) -> int:
        variable = self.variables[key]
        place = self._places(key).get(cell)
        assert place is not None
        equation = place.equation
        if equation.form is EquationForm.DATA:
            raise _RefusedError(Message("data from outside of the model are not supported"))
        if variable.kind is VariableKind.LOOKUP:
            raise _RefusedError(Message("a lookup table has no value of its own"))
        if isinstance(equation.tree, Numbers):
            numbers = equation.tree.values
            number = numbers[place.position if len(numbers) > 1 else 0]
            label = self._label(variable, cell)
            number = self.given.get(label, number)
            return self._input(label, number) if self._varies(label) else self.graph.number(number)
        assert equation.tree is not None
        return self._node(equation.tree, _Scope(key, cell, place.bound, initial))

    def _label(self, variable: Variable, cell: Cell) -> str:
        return cell_name(variable.name, [self.subscripts.written(element) for element in cell])

    def _varies(self, label: str) -> bool:
        return label in self.vary or label.partition("[")[0] in self.vary

    def _input(self, name: str, default: float) -> int:
        index = self._indices.setdefault(name, len(self._indices))
        self.inputs.setdefault(name, default)
        return self.graph.leaf(Op.INPUT, index)

    def _circle(self, memo: tuple[str, Cell, bool]) -> _RefusedError:
        names = [self._spoken(key, cell) for key, cell, _ in self._open[self._open.index(memo) :]]
        shown = names if len(names) <= 6 else [*names[:5], "…"]
        circle = " <- ".join([*shown, names[0]])
        return _RefusedError(
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

    def _spoken(self, key: str, cell: Cell) -> str:
        key = key.partition(_WITHIN)[0]
        return self._label(self.variables[key], cell)

    def _note(self, key: str, cell: Cell, error: _RefusedError | UnboundError) -> None:
        key, _, within = key.partition(_WITHIN)
        variable = self.variables[key]
        place = self._places(key).get(cell)
        line = variable.line
        if within:
            macro = self._frames[within.rpartition(_WITHIN)[0]].macro
            line = macro.equations[within.rpartition(_WITHIN)[2]][0].line
        elif place is not None:
            equation = place.equation
            line = equation.line
            for ref, _ in equation.references:
                if isinstance(error, _RefusedError) and ref.key == error.function:
                    line = equation.line_of(ref)
                    break
        message = Message(
            "'{name}' cannot be compiled: {reason}", name=variable.name, reason=error.message
        )
        self.faults[Fault(message, self.model.path, line)] = None

    # Expressions

    def _node(self, tree: Node, scope: _Scope) -> int:
        g = self.graph
        if len(g.instructions) > MAX_INSTRUCTIONS:
            raise _RefusedError(Message("the model takes too many operations"))
        match tree:
            case Number(value):
                return g.number(value)
            case Name():
                return self._name(tree, scope)
            case Operation(operator, operands):
                places = [self._node(operand, scope) for operand in operands]
                if operator in (">", ">="):
                    places.reverse()
                    operator = operator.replace(">", "<")
                made = g.make(_OPERATORS[operator], *places)
                if operator in COMPARISONS and not self._reads_stock(tree, scope):
                    return g.freeze(made)
                return made
            case Call():
                return self._call(tree, scope)
            case _:
                raise _RefusedError(Message("a lookup table stands where a number is expected"))

    def _name(self, tree: Name, scope: _Scope) -> int:
        key = tree.key
        if (frame := scope.frame) is not None:
            if key in frame.arguments:
                argument = replace(frame.caller, initial=scope.initial)
                return self._node(frame.arguments[key], argument)
            if key in frame.macro.equations:
                return self._local(frame, key, scope.initial)
            key = key.removesuffix("$")
        if key == "time" or key in self.equations:
            if key in self.equations and self.variables[key].kind is VariableKind.LOOKUP:
                raise _RefusedError(
                    Message(
                        "'{name}' is a lookup without an argument", name=self.variables[key].name
                    )
                )
            cell = tuple(
                self.subscripts.element(subscript, scope.bound) for subscript in tree.subscripts
            )
            if cell and cell not in self._places(key):
                name = self._label(self.variables[key], cell)
                raise _RefusedError(Message("'{name}' has no equation", name=name), tree.key)
            return self.value(key, cell, scope.initial)
        position = self.subscripts.position(key, scope.bound)
        return self.graph.number(position)

    def _call(self, tree: Call, scope: _Scope) -> int:
        key, arguments = tree.key, tree.arguments
        if key in VECTOR:
            return self._reduced(VECTOR[key], arguments[0], scope)
        if key in _STATEFUL:
            return self._stateful(tree, scope)
        if key in RANDOM:
            return self._random(tree, scope)
        if key in self.macros:
            return self._local(self._frame(tree, scope), key, scope.initial)
        if key in OF_VECTORS:
            return self._of_vectors(tree, scope)
        match key:
            case "vector_elm_map":
                return self._mapped(tree, scope)
            case "lookup_backward" | "lookup_extrapolate" | "lookup_forward":
                return self._beyond(tree, scope)
            case "get_time_value":
                return self._time_value(tree, scope)
            case "initial":
                return self._node(arguments[0], _initial(scope))
            case "active_initial":
                return self._node(arguments[1 if scope.initial else 0], scope)
            case "with_lookup":
                points = arguments[1]
                assert isinstance(points, Table)
                return self._looked_up(_checked(points), self._node(arguments[0], scope))
            case "elmcount":
                if isinstance(arguments[0], Name) and self.subscripts.is_range(arguments[0].key):
                    return self.graph.number(len(self.subscripts.elements(arguments[0].key)))
                raise _RefusedError(Message("ELMCOUNT takes the name of a subscript range"), key)
        local = scope.frame is not None and key in scope.frame.macro.equations
        if key not in PLAIN and (local or key in self.equations):
            return self._table_value(tree, scope)
        if key not in PLAIN:
            shown = key.replace("_", " ").upper()
            raise _RefusedError(Message("the function {name} is not supported", name=shown), key)
        time = self.graph.leaf(Op.INITIAL_TIME if scope.initial else Op.TIME)
        clock = Clock(time, self.graph.leaf(Op.TIME_STEP))
        return PLAIN[key](
            self.graph, clock, *[self._node(argument, scope) for argument in arguments]
        )

    def _reduced(self, op: Op, argument: Node, scope: _Scope) -> int:
        """Give SUM, PROD, VMIN or VMAX: a tree of operations, which is short and exact."""
        marks = list(dict.fromkeys(free_marks(argument)))
        if not marks:
            raise _RefusedError(Message("a sum over elements needs a subscript with '!'"), "sum")
        choices = [self.subscripts.elements(mark.removesuffix("!")) for mark in marks]
        parts = [
            self._node(
                argument,
                replace(scope, bound={**scope.bound, **dict(zip(marks, elements, strict=True))}),
            )
            for elements in itertools.product(*choices)
        ]
        return total(self.graph, parts, op)

    # Vectors and matrices

    def _of_vectors(self, tree: Call, scope: _Scope) -> int:
        """Give an element of what a function makes of whole vectors."""
        first, *others = tree.arguments
        if tree.key == "vector_select":
            return self._selected(tree, scope)
        along = self._last_range(first, scope, tree.key)
        here = self.subscripts.elements(along).index(self.subscripts.element(along, scope.bound))
        if tree.key == "invert_matrix":
            return self._inverted(first, along, here, scope)
        rest = sorted((range_, e) for range_, e in scope.bound.items() if range_ != along)
        memo = (tree.start, scope.frame and scope.frame.label, *rest, scope.initial)
        if memo not in self._vectors:
            self._vectors[memo] = self._vector_result(tree.key, first, others, along, scope)
        return self._vectors[memo][here]

    def _vector_result(
        self, key: str, first: Node, others: Sequence[Node], along: str, scope: _Scope
    ) -> list[int]:
        g, vector = self.graph, self._vector(first, along, scope)
        match key:
            case "vector_sort_order":
                return sort_order(g, vector, self._node(others[0], scope))
            case "vector_rank":
                found = ranks(g, vector, self._node(others[0], scope))
                return [g.add(rank, g.number(1.0)) for rank in found]
            case "vector_reorder":
                return reordered(g, vector, self._vector(others[0], along, scope))
            case "allocate_by_priority":
                priorities = self._vector(others[0], along, scope)
                width, supply = (self._node(node, scope) for node in others[2:])
                size = len(vector)
                return allocated(g, vector, [1] * size, priorities, [width] * size, supply)
            case _:
                return self._allocated(vector, others, along, scope)

    def _allocated(
        self, requests: list[int], others: Sequence[Node], along: str, scope: _Scope
    ) -> list[int]:
        """Give what ALLOCATE AVAILABLE does; profiles stand one after another in a subscript."""
        profile, available = others
        if not isinstance(profile, Name) or not profile.subscripts:
            raise _RefusedError(Message("the priority is no array"), "allocate_available")
        first = self.subscripts.elements(profile.subscripts[-1])[0]
        parts = self.subscripts.following(first, 4)
        if not parts:
            message = Message("the priority has not the elements ptype, ppriority, pwidth, pextra")
            raise _RefusedError(message, "allocate_available")
        kinds, priorities, widths = (
            self._vector(
                replace(profile, subscripts=(*profile.subscripts[:-1], part)), along, scope
            )
            for part in parts[:3]
        )
        numbers = [
            int(self._structural(kind, "allocate_available", "the kind of priority"))
            for kind in kinds
        ]
        if self.pinned:
            numbers = [1] * len(numbers)
        if unknown := {*numbers} - PROFILES.keys():
            message = Message("priorities of the kind {kind} are not supported", kind=min(unknown))
            raise _RefusedError(message, "allocate_available")
        supply = self._node(available, scope)
        return allocated(self.graph, requests, numbers, priorities, widths, supply)

    def _vector(self, argument: Node, along: str, scope: _Scope) -> list[int]:
        """Give an expression for all elements of a range."""
        return [
            self._number(argument, replace(scope, bound={**scope.bound, along: element}))
            for element in self.subscripts.elements(along)
        ]

    def _last_range(self, argument: Node, scope: _Scope, key: str) -> str:
        """Give the range along which a function takes its vector: the last one of the argument."""
        for node in walk(argument):
            if isinstance(node, Name | Call) and node.subscripts:
                if self.subscripts.is_range(last := node.subscripts[-1]):
                    return last
                break
        raise _RefusedError(Message("the last subscript of its vector is no range"), key)

    def _inverted(self, matrix: Node, column: str, here: int, scope: _Scope) -> int:
        """Give an element of INVERT MATRIX."""
        assert isinstance(matrix, Name)
        if len(matrix.subscripts) < 2 or not self.subscripts.is_range(matrix.subscripts[-2]):
            raise _RefusedError(Message("it takes a matrix over two ranges"), "invert_matrix")
        row = matrix.subscripts[-2]
        rows = self.subscripts.elements(row)
        if len(rows) != len(self.subscripts.elements(column)):
            raise _RefusedError(Message("the matrix is not square"), "invert_matrix")
        rest = sorted((r, e) for r, e in scope.bound.items() if r not in (row, column))
        memo = ("inverse", matrix.start, *rest, scope.initial)
        if memo not in self._vectors:
            table = [
                self._vector(matrix, column, replace(scope, bound={**scope.bound, row: element}))
                for element in rows
            ]
            self._vectors[memo] = [value for line in inverse(self.graph, table) for value in line]
        at = rows.index(self.subscripts.element(row, scope.bound))
        return self._vectors[memo][at * len(rows) + here]

    def _selected(self, tree: Call, scope: _Scope) -> int:
        selection, expression, missing, *codes = tree.arguments
        marks = list(dict.fromkeys([*free_marks(selection), *free_marks(expression)]))
        if not marks:
            raise _RefusedError(Message("a sum over elements needs a subscript with '!'"), tree.key)
        choices = [self.subscripts.elements(mark.removesuffix("!")) for mark in marks]
        scopes = [
            replace(scope, bound={**scope.bound, **dict(zip(marks, elements, strict=True))})
            for elements in itertools.product(*choices)
        ]
        chosen, values = (
            [self._number(node, one) for one in scopes] for node in (selection, expression)
        )
        action, error = (
            int(self._structural(self._node(code, scope), tree.key, "the action")) for code in codes
        )
        if not 0 <= action <= 10:
            raise _RefusedError(Message("there is no action {action}", action=action), tree.key)
        return selected(self.graph, chosen, values, self._node(missing, scope), action, error)

    def _mapped(self, tree: Call, scope: _Scope) -> int:
        """Give VECTOR ELM MAP: the element so many places behind another; NaN beyond the range."""
        start, offset = tree.arguments
        if not isinstance(start, Name) or not start.subscripts or start.key not in self.variables:
            raise _RefusedError(Message("it takes an element of an array"), tree.key)
        own = self.variables[start.key].subscripts[-1]
        elements = self.subscripts.elements(name_key(own))
        element = self.subscripts.element(start.subscripts[-1], scope.bound)
        if element not in elements:
            raise _RefusedError(Message("it takes an element of an array"), tree.key)
        g = self.graph
        asked = g.add(g.number(elements.index(element)), self._node(offset, scope))
        known = g.value(asked)
        chosen = range(len(elements))
        if known is not None:  # others may rest on this one
            chosen = range(int(known), int(known) + 1) if 0 <= known < len(elements) else range(0)
        vector = [g.number(math.nan)] * len(elements)
        for index in chosen:
            named = replace(start, subscripts=(*start.subscripts[:-1], elements[index]))
            vector[index] = self._number(named, scope)
        return reordered(g, vector, [asked])[0]

    def _beyond(self, tree: Call, scope: _Scope) -> int:
        """Give a table that goes on beyond its ends, or jumps from point to point."""
        g, (named, at) = self.graph, tree.arguments
        group = self.equations.get(named.key, ()) if isinstance(named, Name) else ()
        if not group or not isinstance(named, Name):
            raise _RefusedError(Message("its first argument is no lookup table"), tree.key)
        cell = tuple(self.subscripts.element(one, scope.bound) for one in named.subscripts)
        place = self._places(named.key).get(cell)
        if place is None or not isinstance(place.equation.tree, Table):
            raise _RefusedError(Message("its first argument is no lookup table"), tree.key)
        table, x = _checked(place.equation.tree), self._number(at, scope)
        if tree.key == "lookup_extrapolate":
            found = self._looked_up(table, x)
            for end, near in ((0, 1), (-1, -2)):
                run, rise = table.x[near] - table.x[end], table.y[near] - table.y[end]
                past = g.subtract(x, g.number(table.x[end]))
                op = Op.MINIMUM if end == 0 else Op.MAXIMUM
                past = g.make(op, past, g.number(0.0))
                found = g.add(found, g.multiply(past, g.number(rise / run)))
            return found
        forward = tree.key == "lookup_forward"
        found = g.number(table.y[-1] if forward else table.y[0])
        points = list(zip(table.x, table.y, strict=True))
        for point, height in reversed(points) if forward else points:
            here = (x, g.number(point)) if forward else (g.number(point), x)
            found = g.select(g.make(Op.LESS_EQUAL, *here), g.number(height), found)
        return found

    def _time_value(self, tree: Call, scope: _Scope) -> int:
        """Give GET TIME VALUE: the time itself, or parts of a date where Time counts years."""
        g = self.graph
        relative, offset, measure = (self._node(argument, scope) for argument in tree.arguments)
        which, what = (
            int(self._structural(node, tree.key, "what is asked for"))
            for node in (relative, measure)
        )
        is_initial = which == 1 or scope.initial
        time = g.add(g.leaf(Op.INITIAL_TIME if is_initial else Op.TIME), offset)
        unit = self.variables["initial_time"].unit.lower()
        year = g.make(Op.TRUNCATE, time)
        since = g.add(g.subtract(time, year), g.number(1e-9))
        if what == 0 and which in (0, 1):
            return time
        parts = {2: 4, 3: 12, 4: 360}
        if which not in (0, 1) or what not in (1, *parts) or not unit.startswith("year"):
            message = Message(
                "only the time, or the year, quarter, month or day of a time in years"
            )
            raise _RefusedError(message, tree.key)
        if what == 1:
            return year
        count = g.make(Op.TRUNCATE, g.multiply(since, g.number(parts[what])))
        if what == 4:
            count = g.make(Op.REMAINDER, count, g.number(30.0))
        return g.add(count, g.number(1.0))

    # Macros

    def _frame(self, tree: Call, scope: _Scope) -> _LoweringFrame:
        """Give the frame of a call: one for all phases."""
        label = repr((scope.key, scope.cell, sorted(scope.bound.items()), tree.start))
        if label not in self._frames:
            macro = self.macros[tree.key]
            arguments = dict(zip(macro.inputs, tree.arguments, strict=True))
            given = {key for key, node in arguments.items() if self._reads_stock(node, scope)}
            given |= {f"{key}$" for key in self.moved_by_stocks}
            moved = moved_by_stocks(macro.equations, self.levels, given)
            self._frames[label] = _LoweringFrame(macro, label, arguments, _running(scope), moved)
        return self._frames[label]

    def _local(self, frame: _LoweringFrame, key: str, initial: bool) -> int:
        """Give the node of a variable within a macro."""
        cell = frame.caller.cell
        outer = frame.caller.key.partition(_WITHIN)[0]
        scope = _Scope(f"{outer}{_WITHIN}{frame.label}{_WITHIN}{key}", cell, {}, initial, frame)
        equation = frame.macro.equations[key][0]
        assert equation.tree is not None

        def make() -> int:
            assert equation.tree is not None
            if isinstance(equation.tree, Numbers):
                return self.graph.number(equation.tree.values[0])
            return self._node(equation.tree, scope)

        return self._kept((scope.key, cell, initial), make)

    # Random functions

    def _random(self, tree: Call, scope: _Scope) -> int:
        """Give the value of a random function; in the initial phase that of the first step."""
        g = self.graph
        *arguments, stream = [self._node(argument, scope) for argument in tree.arguments] or [
            g.number(0.0)
        ]
        step = g.number(0.0)
        if not scope.initial:
            since = g.subtract(g.leaf(Op.TIME), g.leaf(Op.INITIAL_TIME))
            step = g.make(Op.TRUNCATE, g.add(g.divide(since, g.leaf(Op.TIME_STEP)), g.number(0.5)))
        tree_around = self._equation(scope).tree
        assert tree_around is not None
        calls = [node for node in walk(tree_around) if isinstance(node, Call)]
        number = [call.start for call in calls if call.key in RANDOM].index(tree.start)
        place = repr((scope.key, scope.cell, sorted(scope.bound.items()), number))
        drawn = g.random(self._seed(), stream, step, zlib.crc32(place.encode()))
        return RANDOM[tree.key](g, drawn, *arguments)

    def _equation(self, scope: _Scope) -> Equation:
        """Give the equation in which an expression stands."""
        if scope.frame is not None:
            return scope.frame.macro.equations[scope.key.rpartition(_WITHIN)[2]][0]
        return self._places(scope.key)[scope.cell].equation

    def _seed(self) -> int:
        """Give the seed of a run, which is an input even where all other constants are folded."""
        variable = self.variables.get(name_key(NOISE_SEED))
        if variable is None:
            return self._input(NOISE_SEED, self.given.get(NOISE_SEED, 0.0))
        if variable.kind is not VariableKind.CONSTANT:
            return self.value(name_key(NOISE_SEED), (), initial=True)
        assert isinstance(variable.value, float)
        return self._input(variable.name, self.given.get(variable.name, variable.value))

    # Lookup tables

    def _table_value(self, tree: Call, scope: _Scope) -> int:
        if scope.frame is not None and tree.key in scope.frame.macro.equations:
            points = scope.frame.macro.equations[tree.key][0].tree
            if not isinstance(points, Table):
                raise _RefusedError(
                    Message("'{name}' is neither a function nor a lookup", name=tree.key)
                )
            return self._looked_up(_checked(points), self._node(tree.arguments[0], scope))
        variable = self.variables[tree.key]
        if variable.kind is not VariableKind.LOOKUP:
            raise _RefusedError(
                Message("'{name}' is neither a function nor a lookup", name=variable.name), tree.key
            )
        cell = tuple(
            self.subscripts.element(subscript, scope.bound) for subscript in tree.subscripts
        )
        place = self._places(tree.key).get(cell)
        if place is None:
            name = self._label(variable, cell)
            raise _RefusedError(Message("'{name}' has no equation", name=name), tree.key)
        if not isinstance(place.equation.tree, Table):
            raise _RefusedError(Message("tables from other files are not supported"), tree.key)
        table = _checked(place.equation.tree)
        at = self._node(tree.arguments[0], scope)
        label = self._label(variable, cell)
        if not self._varies(label):
            return self._looked_up(table, at)
        y = [self._input(f"{label}({x!r})", y) for x, y in zip(table.x, table.y, strict=True)]
        return self._between(table.x, y, at)

    def _looked_up(self, table: PiecewiseLinear, at: int) -> int:
        return self.graph.lookup(table, at)

    def _between(self, x: Sequence[float], y: Sequence[int], at: int) -> int:
        """Give the value of a table whose heights are nodes."""
        g = self.graph
        ends = g.number(x[0]), g.number(x[-1])
        inside = g.make(Op.MAXIMUM, ends[0], g.make(Op.MINIMUM, ends[1], at))
        found = y[0]
        for i in range(len(x) - 1):
            width = g.number(x[i + 1] - x[i])
            slope = g.divide(g.subtract(y[i + 1], y[i]), width)
            part = g.add(y[i], g.multiply(slope, g.subtract(inside, g.number(x[i]))))
            found = g.select(g.make(Op.LESS, inside, g.number(x[i])), found, part) if i else part
        return found

    # What has a memory

    def _stateful(self, tree: Call, scope: _Scope) -> int:
        """Give the value of a function with a memory; its states are finished later."""
        if scope.initial:
            return self._initially(tree, scope)
        key, arguments = tree.key, tree.arguments
        g = self.graph
        match key:
            case "integ":
                return self._state(tree, scope, 0)
            case "delay_fixed":
                return self._pipe(tree, scope)
            case "sample_if_true":
                return self._sampled(tree, scope)
            case "trend" | "forecast":
                return self._trend(tree, scope, self._state(tree, scope, 0))
        count = self._stages(tree, scope)
        if key.startswith("smooth"):
            return self._state(tree, scope, count - 1)
        order, last = self._order(tree, scope, count), self._state(tree, scope, 0)
        for stage in range(1, count):
            reached = g.make(Op.LESS, g.number(stage), order)
            last = g.select(reached, self._state(tree, scope, stage), last)
        if key == "delay_n" and not self._steady(arguments[1], scope):
            return g.divide(last, self._state(tree, scope, count))
        return g.divide(last, self._node(arguments[1], scope))

    def _sampled(self, tree: Call, scope: _Scope) -> int:
        """Give the value of SAMPLE IF TRUE, which is what it remembers for the next step."""
        condition, actual = [self._node(argument, scope) for argument in tree.arguments[:2]]
        return self.graph.freeze(self.graph.select(condition, actual, self._state(tree, scope, 0)))

    def _initially(self, tree: Call, scope: _Scope) -> int:
        key, arguments = tree.key, tree.arguments
        g = self.graph
        match key:
            case "integ":
                return self._node(arguments[1], scope)
            case "trend" | "forecast":
                return self._trend(tree, scope, self._first_mean(tree, scope))
            case "sample_if_true":
                return g.select(*[self._node(argument, scope) for argument in arguments])
        initial = arguments[0 if key in _INITIALLY_INPUT else 2]
        return self._node(initial, scope)

    def _trend(self, tree: Call, scope: _Scope, mean: int) -> int:
        g = self.graph
        now, time = [self._node(argument, scope) for argument in tree.arguments[:2]]
        gap = g.subtract(now, mean)
        if tree.key == "trend":
            return zidz(g, gap, g.multiply(time, g.make(Op.ABSOLUTE, mean)))
        growth = g.multiply(
            zidz(g, gap, g.multiply(time, mean)), self._node(tree.arguments[2], scope)
        )
        return g.multiply(now, g.add(g.number(1.0), growth))

    def _first_mean(self, tree: Call, scope: _Scope) -> int:
        g = self.graph
        start = _initial(scope)
        now = self._node(tree.arguments[0], start)
        if tree.key == "forecast":
            return now
        time, trend = [self._node(argument, start) for argument in tree.arguments[1:3]]
        return g.divide(now, g.add(g.number(1.0), g.multiply(trend, time)))

    def _steady(self, tree: Node, scope: _Scope) -> bool:
        moving = Depends.TIME | Depends.STATE
        return not self.graph.depends[self._node(tree, scope)] & moving

    def _stages(self, tree: Call, scope: _Scope) -> int:
        count = stages(tree.key)
        if count is not None:
            return count
        place = self._node(tree.arguments[3], _initial(scope))
        number = self._structural(place, tree.key, "the order")
        if not 1 <= int(number) <= MAX_STAGES:
            raise _RefusedError(
                Message("the order is {number:g}: it has to be 1 or more", number=number), tree.key
            )
        return int(number)

    def _order(self, tree: Call, scope: _Scope, count: int) -> int:
        """Give the order of a delay: of DELAY N it is lowered until each stage lasts a step."""
        g = self.graph
        if tree.key != "delay_n":
            return g.number(count)
        lasts = self._node(tree.arguments[1], _initial(scope))
        steps = g.make(Op.TRUNCATE, g.divide(lasts, g.leaf(Op.TIME_STEP)))
        within = g.make(Op.MINIMUM, g.number(count), steps)
        return g.make(Op.MAXIMUM, g.number(1.0), within)

    def _structural(self, place: int, key: str, what: str) -> float:
        """Give the number that a node is; constants that it depends on must not vary."""
        number = self.graph.value(place)
        if number is not None:
            return number
        if self.graph.depends[place] == Depends.INPUTS:
            names = list(self.inputs)
            used = {names[index].partition("[")[0] for index in self._inputs_of(place)}
            self.pinned |= used
            return 1.0
        raise _RefusedError(Message("{what} is not known before the run", what=what), key)

    def _inputs_of(self, place: int) -> set[int]:
        found: set[int] = set()
        waiting = [place]
        while waiting:
            instruction = self.graph.instructions[waiting.pop()]
            if instruction.op is Op.INPUT:
                found.add(instruction.index)
            waiting += instruction.operands
        return found

    def _state(self, tree: Call, scope: _Scope, stage: int) -> int:
        """Give the node of a state; note that it is to be finished."""
        memo = (scope.key, tree.start, scope.cell, tuple(scope.bound.items()), stage)
        if memo not in self._memory:
            self._memory[memo] = len(self.states)
            self.states.append(None)
            self._later.append((tree, _running(scope), stage, len(self.states) - 1))
        return self.graph.leaf(Op.STATE, self._memory[memo])

    def _pipe(self, tree: Call, scope: _Scope) -> int:
        memo = (scope.key, tree.start, scope.cell, tuple(scope.bound.items()), "pipe")
        if memo not in self._memory:
            self._memory[memo] = len(self.pipes)
            self.pipes.append(None)
            self._later.append((tree, _running(scope), -1, len(self.pipes) - 1))
        return self.graph.leaf(Op.PIPE, self._memory[memo])

    def _finish_states(self) -> None:
        """Lower first and following values; more states may come up on the way."""
        while self._later:
            tree, scope, stage, index = self._later.pop()
            self._open.clear()
            try:
                if stage < 0:
                    self.pipes[index] = self._finished_pipe(tree, scope)
                else:
                    self.states[index] = self._finished(tree, scope, stage)
            except _FoundError:
                continue
            except (_RefusedError, UnboundError) as error:
                self._note(scope.key, scope.cell, error)

    def _finished_pipe(self, tree: Call, scope: _Scope) -> Pipe:
        start = _initial(scope)
        delay = self._node(tree.arguments[1], start)
        if self.graph.depends[delay] & Depends.INPUTS:
            self._structural(delay, tree.key, "the delay of DELAY FIXED")
        return Pipe(
            self._spoken(scope.key, scope.cell),
            initial=self._number(tree.arguments[2], start),
            entering=self.graph.freeze(self._number(tree.arguments[0], scope)),
            delay=delay,
        )

    def _number(self, tree: Node, scope: _Scope) -> int:
        return self.graph._as_number(self._node(tree, scope))

    def _finished(self, tree: Call, scope: _Scope, stage: int) -> State:
        g = self.graph
        name = self._spoken(scope.key, scope.cell)
        start = _initial(scope)
        arguments = tree.arguments
        me = self._state(tree, scope, stage)
        match tree.key:
            case "integ":
                initial = self._initial_stock(scope, self._number(arguments[1], start))
                return State(name, initial, self._number(arguments[0], scope), True)
            case "sample_if_true":
                initial = self._number(arguments[2], start)
                return State(name, initial, self._sampled(tree, scope), False)
            case "trend" | "forecast":
                now, time = [self._node(argument, scope) for argument in arguments[:2]]
                change = g.divide(g.subtract(now, me), time)
                return State(name, self._first_mean(tree, start), change, True)
        count = self._stages(tree, scope)
        order = self._order(tree, scope, count)
        first = self._node(arguments[0 if tree.key in _INITIALLY_INPUT else 2], start)
        time = self._node(arguments[1], scope)
        if tree.key.startswith("smooth"):
            before = (
                self._node(arguments[0], scope)
                if stage == 0
                else self._state(tree, scope, stage - 1)
            )
            change = g.divide(g.multiply(g.subtract(before, me), order), time)
            return State(name, g._as_number(first), change, True)
        if stage >= count:  # of DELAY N: the delay time that went into a stage
            following = time if stage == count else self._state(tree, scope, stage - 1)
            return State(name, self._node(arguments[1], start), g.freeze(following), False)
        steady = tree.key != "delay_n" or self._steady(arguments[1], scope)

        def outflow(number: int) -> int:
            lasts = time if steady or not number else self._state(tree, scope, count + number - 1)
            return g.divide(self._state(tree, scope, number), lasts)

        entering = self._node(arguments[0], scope) if stage == 0 else outflow(stage - 1)
        change = g.multiply(g.subtract(entering, outflow(stage)), order)
        change = g.select(g.make(Op.LESS, g.number(stage), order), change, g.number(0.0))
        initial = g.multiply(first, self._node(arguments[1], start))
        return State(name, initial, change, True)

    def _initial_stock(self, scope: _Scope, initial: int) -> int:
        """Give a stock's initial value, which may be an input in its own name."""
        label = "" if scope.frame else self._label(self.variables[scope.key], scope.cell)
        if not self._varies(label):
            return initial
        default = self.graph.value(initial)
        return self._input(label, math.nan if default is None else default)


def _initial(scope: _Scope) -> _Scope:
    return scope if scope.initial else replace(scope, initial=True)


def _running(scope: _Scope) -> _Scope:
    return replace(scope, initial=False) if scope.initial else scope


def _checked(table: Table) -> PiecewiseLinear:
    """Give a table that a value can be read from."""
    points: list[tuple[float, float]] = []
    for x, same in itertools.groupby(zip(table.x, table.y, strict=True), key=itemgetter(0)):
        first, *more = (y for _, y in same)
        if more:  # it jumps there: at the point itself the last value holds
            points.append((x - _JUMP * max(1.0, abs(x)), first))
        points.append((x, more[-1] if more else first))
    if len(points) == 1:  # the same everywhere
        points.append((points[0][0] + 1.0, points[0][1]))
    x, y = zip(*points, strict=True)
    return PiecewiseLinear(x, y)
