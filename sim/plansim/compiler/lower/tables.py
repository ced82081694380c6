"""Lookup tables, data and the calendar, where they are called."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from plansim.compiler.functions.plain import SMALL, stepped
from plansim.compiler.functions.vectors import total
from plansim.compiler.ir import Op, PiecewiseLinear
from plansim.compiler.lower.context import Context
from plansim.compiler.lower.scope import RefusedError, Scope
from plansim.errors import Message
from plansim.model.reading.expression import MISSING, Call, Name, Node, Number, Table
from plansim.model.records import VariableKind

__all__ = ["DATA", "beyond", "checked", "data", "raw", "table_value", "time_value"]

DATA = frozenset(
    {"get_data_at_time", "get_data_between_times", "get_data_first_time", "get_data_last_time"}
)
"""Functions of the points of a data variable, by `name_key`."""
_JUMP = 1e-12
"""How long a jump of a table takes, relative to its place."""


def table_value(low: Context, tree: Call, scope: Scope) -> int:
    """Give the value of a named lookup table."""
    if scope.frame is not None and tree.key in scope.frame.macro.equations:
        points = scope.frame.macro.equations[tree.key][0].tree
        if not isinstance(points, Table):
            raise RefusedError(
                Message("'{name}' is neither a function nor a lookup", name=tree.key)
            )
        return low.graph.lookup(checked(points), low.node(tree.arguments[0], scope))
    variable = low.variables[tree.key]
    if variable.kind is not VariableKind.LOOKUP:
        raise RefusedError(
            Message("'{name}' is neither a function nor a lookup", name=variable.name), tree.key
        )
    cell = tuple(low.subscripts.element(subscript, scope.bound) for subscript in tree.subscripts)
    place = low.places(tree.key).get(cell)
    if place is None:
        name = low.label(variable, cell)
        raise RefusedError(Message("'{name}' has no equation", name=name), tree.key)
    if not isinstance(place.equation.tree, Table):
        raise RefusedError(Message("tables from other files are not supported"), tree.key)
    table = checked(place.equation.tree)
    at = low.node(tree.arguments[0], scope)
    label = low.label(variable, cell)
    if not low.varies(label):
        return low.graph.lookup(table, at)
    y = [low.input(f"{label}({x!r})", y) for x, y in zip(table.x, table.y, strict=True)]
    return _between(low, table.x, y, at)


def _between(low: Context, x: Sequence[float], y: Sequence[int], at: int) -> int:
    """Give the value of a table whose heights are nodes."""
    g = low.graph
    ends = g.number(x[0]), g.number(x[-1])
    inside = g.make(Op.MAXIMUM, ends[0], g.make(Op.MINIMUM, ends[1], at))
    found = y[0]
    for i in range(len(x) - 1):
        width = g.number(x[i + 1] - x[i])
        slope = g.divide(g.subtract(y[i + 1], y[i]), width)
        part = g.add(y[i], g.multiply(slope, g.subtract(inside, g.number(x[i]))))
        found = g.select(g.make(Op.LESS, inside, g.number(x[i])), found, part) if i else part
    return found


def beyond(low: Context, tree: Call, scope: Scope) -> int:
    """Give a table that goes on beyond its ends, or jumps from point to point."""
    g, (named, at) = low.graph, tree.arguments
    points = _tree_of(low, named, scope)
    if not isinstance(points, Table):
        raise RefusedError(Message("its first argument is not a lookup table"), tree.key)
    table, x = checked(points), low.number(at, scope)
    if tree.key == "lookup_extrapolate":
        found = low.graph.lookup(table, x)
        for end, near in ((0, 1), (-1, -2)):
            run, rise = table.x[near] - table.x[end], table.y[near] - table.y[end]
            past = g.subtract(x, g.number(table.x[end]))
            op = Op.MINIMUM if end == 0 else Op.MAXIMUM
            past = g.make(op, past, g.number(0.0))
            found = g.add(found, g.multiply(past, g.number(rise / run)))
        return found
    return stepped(g, table, x, forward=tree.key == "lookup_forward")


def _tree_of(low: Context, named: Node, scope: Scope) -> Node | None:
    """Give the right-hand side of the variable's element that a name stands for."""
    while scope.frame is not None and isinstance(named, Name):
        if named.key not in scope.frame.arguments:
            break
        named, scope = scope.frame.arguments[named.key], scope.frame.caller
    if not isinstance(named, Name) or named.key not in low.equations:
        return None
    cell = tuple(low.subscripts.element(one, scope.bound) for one in named.subscripts)
    place = low.places(named.key).get(cell)
    return place.equation.tree if place else None


def _source_of(low: Context, named: Node, scope: Scope) -> Node | None:
    """Give the right-hand side that gives the data of a variable, by name of others or not."""
    found = _tree_of(low, named, scope)
    while isinstance(found, Name):
        found = _tree_of(low, found, replace(scope, frame=None))
    return found


def raw(low: Context, tree: Node, scope: Scope) -> int:
    """Give data at their points, and what is missing between them."""
    match _source_of(low, tree, scope):
        case Call("with_lookup", (), (Name("time"), Table())):
            time = Name("time")
            return data(low, Call("get_data_at_time", (), (tree, time)), scope)
        case Number() | Call("if_then_else"):  # missing, or read as raw already
            return low.node(tree, scope)
    raise RefusedError(Message("only data can be :RAW:, by the name of another variable"))


def data(low: Context, tree: Call, scope: Scope) -> int:
    """Give what GET DATA … makes of a data variable, whose points are a table over Time."""
    g, (named, *others) = low.graph, tree.arguments
    points: Node | None = _source_of(low, named, scope)
    missing = g.number(MISSING)
    if points == Number(MISSING):
        return missing
    match points:
        case Call("with_lookup", (), (Name("time"), Table() as points)):
            table = checked(points)
        case _:
            raise RefusedError(Message("its first argument has no data"), tree.key)
    if not others:
        return g.number(table.x[0 if tree.key == "get_data_first_time" else -1])
    x = low.number(others[0], scope)
    value = low.graph.lookup(table, x)
    if tree.key == "get_data_at_time":
        near = [g.make(Op.ABSOLUTE, g.subtract(x, g.number(point))) for point in points.x]
        nearest = total(g, near, Op.MINIMUM)
        return g.select(g.make(Op.LESS, nearest, g.number(SMALL)), value, missing)
    way = low.node(others[1], scope)
    ahead, behind = (stepped(g, table, x, forward=forward) for forward in (True, False))
    back = g.select(g.make(Op.LESS_EQUAL, way, g.number(-1.0)), behind, value)
    return g.select(g.make(Op.LESS_EQUAL, g.number(1.0), way), ahead, back)


def time_value(low: Context, tree: Call, scope: Scope) -> int:
    """Give GET TIME VALUE: the time itself, or parts of a date where Time counts years."""
    g = low.graph
    relative, offset, measure = (low.node(argument, scope) for argument in tree.arguments)
    which, what = (
        int(low.structural(node, tree.key, "what is asked for")) for node in (relative, measure)
    )
    is_initial = which == 1 or scope.initial
    time = g.add(g.leaf(Op.INITIAL_TIME if is_initial else Op.TIME), offset)
    unit = low.variables["initial_time"].unit.lower()
    year = g.make(Op.TRUNCATE, time)
    since = g.add(g.subtract(time, year), g.number(1e-9))
    if what == 0 and which in (0, 1):
        return time
    parts = {2: 4, 3: 12, 4: 360}
    if which not in (0, 1) or what not in (1, *parts) or not unit.startswith("year"):
        message = Message("only the time, or the year, quarter, month or day of a time in years")
        raise RefusedError(message, tree.key)
    if what == 1:
        return year
    count = g.make(Op.TRUNCATE, g.multiply(since, g.number(parts[what])))
    if what == 4:
        count = g.make(Op.REMAINDER, count, g.number(30.0))
    return g.add(count, g.number(1.0))


def checked(table: Table) -> PiecewiseLinear:
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
