"""From a model to scalar operations: arrays, delays and phases are resolved here.

Lowering begins at the outputs. A circle is found in the phase in which it stands.
"""

from __future__ import annotations

import contextlib
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from plansim.compiler.functions.numbers import PLAIN, VECTOR, Clock
from plansim.compiler.functions.random import RANDOM
from plansim.compiler.ir import Depends, Op, Program
from plansim.compiler.lower.context import RAW, Context
from plansim.compiler.lower.lookups import (
    DATA,
    beyond,
    checked,
    data,
    raw,
    table_value,
    time_value,
)
from plansim.compiler.lower.memory import STATEFUL, finish_states, stateful
from plansim.compiler.lower.scope import KnownError, RefusedError, Scope, StructuralError, at_start
from plansim.compiler.lower.vectors import looked_up, mapped, of_vectors, priced, reduced
from plansim.errors import Fault, Message, ModelError
from plansim.model.reading.expression import Call, Name, Table, name_key, walk
from plansim.model.reading.function_names import FUNCTIONS, OF_VECTORS
from plansim.model.records import NOISE_SEED, Model, VariableKind, cell_name, cells_of

__all__ = ["lower"]

_MAX_FRAMES = 200_000


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
    if model.moving_clock:
        message = Message("only PySD runs a model whose clock depends on the time")
        raise ModelError(Fault(message, model.path, model.find("TIME STEP").line))
    context = Context(model, frozenset(vary), values or {}, _call)
    with _deep():
        return _program(context, list(outputs))


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


def _program(low: Context, outputs: list[str]) -> Program:
    found = {}
    for name in _in_order(low, outputs):
        variable = low.model.variables[name]
        for cell in low.elements(variable):
            keys = tuple(map(name_key, cell))
            if keys and keys not in low.places(name_key(name)):
                continue  # it has no equation, and no value
            try:
                place = low.value(name_key(name), keys, initial=False)
            except KnownError:
                continue
            found[cell_name(name, cell)] = low.graph._as_number(place)
        finish_states(low)
    if low.faults:
        raise ModelError(low.faults)
    if low.pinned:
        raise StructuralError(low.pinned)
    labels = [label for name in outputs for label in cells_of(low.model, low.model.variables[name])]
    return low.graph.program(
        low.inputs,
        {label: found[label] for label in labels if label in found},
        (state for state in low.states if state is not None),
        (pipe for pipe in low.pipes if pipe is not None),
        _count_moving(low),
    )


def _count_moving(low: Context) -> int:
    moves, depends = Depends.TIME | Depends.STATE, low.graph.depends
    return sum(
        not initial and key != "time" and place is not None and depends[place] & moves > 0
        for (key, _, initial), place in low.values.items()
    )


def _in_order(low: Context, outputs: Iterable[str]) -> Iterator[str]:
    """Return names so that causes mostly come first: then recursion stays shallow."""
    done: set[str] = set()
    wanted = dict.fromkeys(outputs)
    for name in wanted:
        if name in done:
            continue
        done.add(name)
        stack: list[tuple[str, Iterator[str]]] = [(name, iter(_causes(low, name)))]
        while stack:
            top, causes = stack[-1]
            cause = next((cause for cause in causes if cause not in done), None)
            if cause is None:
                stack.pop()
                if top in wanted:
                    yield top
            else:
                done.add(cause)
                stack.append((cause, iter(_causes(low, cause))))


def _causes(low: Context, name: str) -> tuple[str, ...]:
    return low.model.variables[name].causes


def _call(low: Context, tree: Call, scope: Scope) -> int:
    key, arguments = tree.key, tree.arguments
    if key in _LOWERED:
        return _LOWERED[key](low, tree, scope)
    if key in low.model.scan.macros:
        return low.local(low.frame(tree, scope), tree.part or key, scope.initial)
    if key in PLAIN:
        time = low.graph.leaf(Op.INITIAL_TIME if scope.initial else Op.TIME)
        clock = Clock(time, low.graph.leaf(Op.TIME_STEP))
        return PLAIN[key](low.graph, clock, *[low.node(argument, scope) for argument in arguments])
    frame = scope.frame
    local = {**frame.macro.equations, **frame.arguments} if frame else {}
    if key in local or key in low.model.scan.equations:
        return table_value(low, tree, scope)
    shown = key.replace("_", " ").upper()
    raise RefusedError(Message("the function {name} is not supported", name=shown), key)


def _at_start(low: Context, tree: Call, scope: Scope) -> int:
    return low.node(tree.arguments[0], at_start(scope))


def _active_initial(low: Context, tree: Call, scope: Scope) -> int:
    return low.node(tree.arguments[1 if scope.initial else 0], scope)


def _with_lookup(low: Context, tree: Call, scope: Scope) -> int:
    at, points = tree.arguments
    assert isinstance(points, Table)
    return low.graph.lookup(checked(points), low.node(at, scope))


def _counted(low: Context, tree: Call, scope: Scope) -> int:
    (named,) = tree.arguments
    if isinstance(named, Name) and low.subscripts.is_range(named.key):
        return low.graph.number(len(low.subscripts.elements(named.key)))
    raise RefusedError(Message("ELMCOUNT takes the name of a subscript range"), tree.key)


def _random(low: Context, tree: Call, scope: Scope) -> int:
    """Return the value of a random function; in the initial phase that of the first step."""
    g = low.graph
    *arguments, stream = [low.node(argument, scope) for argument in tree.arguments] or [
        g.number(0.0)
    ]
    step = g.number(0.0)
    if not scope.initial:
        since = g.subtract(g.leaf(Op.TIME), g.leaf(Op.INITIAL_TIME))
        step = g.make(Op.TRUNCATE, g.add(g.divide(since, g.leaf(Op.TIME_STEP)), g.number(0.5)))
    tree_around = low.equation_of(scope).tree
    assert tree_around is not None
    calls = [node for node in walk(tree_around) if isinstance(node, Call)]
    number = [call.start for call in calls if call.key in RANDOM].index(tree.start)
    place = repr((scope.key, scope.cell, sorted(scope.bound.items()), number))
    drawn = g.random(_seed(low), stream, step, zlib.crc32(place.encode()))
    return RANDOM[tree.key](g, drawn, *arguments)


def _seed(low: Context) -> int:
    """Return the seed of a run, which is an input even where all other constants are folded."""
    variable = low.variables.get(name_key(NOISE_SEED))
    if variable is None:
        return low.input(NOISE_SEED, low.given.get(NOISE_SEED, 0.0))
    if variable.kind is not VariableKind.CONSTANT:
        return low.value(name_key(NOISE_SEED), (), initial=True)
    assert isinstance(variable.value, float)
    return low.input(variable.name, low.given.get(variable.name, variable.value))


_LOWERED: Mapping[str, Callable[[Context, Call, Scope], int]] = {
    RAW: raw,
    **dict.fromkeys(VECTOR, reduced),
    **dict.fromkeys(STATEFUL, stateful),
    **dict.fromkeys(RANDOM, _random),
    **dict.fromkeys(OF_VECTORS, of_vectors),
    **dict.fromkeys(DATA, data),
    **dict.fromkeys(("demand_at_price", "find_market_price", "supply_at_price"), priced),
    **dict.fromkeys((key for key in FUNCTIONS if key.startswith("lookup_")), beyond),
    "active_initial": _active_initial,
    "elmcount": _counted,
    "get_time_value": time_value,
    "initial": _at_start,
    "reinitial": _at_start,
    "vector_elm_map": mapped,
    "vector_lookup": looked_up,
    "with_lookup": _with_lookup,
}
"""Functions with a memory, tables, subscripts or phases of their own."""
