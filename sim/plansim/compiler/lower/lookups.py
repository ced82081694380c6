"""Lookup tables, data and the calendar, where they are called."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from statistics import fmean
from types import MappingProxyType

from plansim.compiler.functions import points as lines
from plansim.compiler.functions.numbers import SMALL
from plansim.compiler.functions.vectors import total
from plansim.compiler.ir import Op, PiecewiseLinear
from plansim.compiler.lower.context import Context
from plansim.compiler.lower.scope import RefusedError, Scope
from plansim.errors import Message
from plansim.model.reading.expression import MISSING, Call, Name, Node, Number, Table
from plansim.model.reading.outside import JUST

__all__ = ["DATA", "beyond", "checked", "data", "raw", "table_value", "time_value"]

_OF_ALL: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {"get_data_max": max, "get_data_mean": fmean, "get_data_min": min}
)
DATA = frozenset(_OF_ALL) | {
    "time_shift",
    *(f"get_data_{what}" for what in ("at_time", "between_times", "first_time", "last_time")),
}
"""Functions of the points of a data variable, by `name_key`."""
_JUMP = 1e-12
"""How long a jump of a table takes, relative to its place."""


def table_value(low: Context, tree: Call, scope: Scope) -> int:
    """Return the value of a named lookup table."""
    table, label = _table_of(low, Name(tree.key, tree.subscripts), scope)
    at = low.node(tree.arguments[0], scope)
    if not low.varies(label):
        return low.graph.lookup(checked(table), at)
    return lines.between(low.graph, *_points(low, checked(table), label), at)


def _table_of(low: Context, named: Node, scope: Scope) -> tuple[Table, str]:
    """Return the lookup table that a name stands for, and the name of its element in the model."""
    if not isinstance(named, Name):
        raise RefusedError(Message("its first argument is not a lookup table"))
    key = named.key
    if scope.frame is not None and key in scope.frame.arguments:
        return _table_of(low, scope.frame.arguments[key], scope.frame.caller)
    if scope.frame is not None and key in scope.frame.macro.equations:
        points, name, label = scope.frame.macro.equations[key][0].tree, key, ""
    elif key not in low.model.scan.equations:
        raise RefusedError(Message("'{name}' is neither a function nor a lookup", name=key), key)
    else:
        variable = low.variables[key]
        cell = tuple(low.subscripts.element(one, scope.bound) for one in named.subscripts)
        name, label = variable.name, low.label(variable, cell)
        place = low.places(key).get(cell)
        if place is None:
            raise RefusedError(Message("'{name}' has no equation", name=label), key)
        points = place.equation.tree
    if not isinstance(points, Table):
        raise RefusedError(Message("'{name}' is neither a function nor a lookup", name=name), key)
    return points, label


def beyond(low: Context, tree: Call, scope: Scope) -> int:
    """Return what LOOKUP EXTRAPOLATE and its like make of a table."""
    g, (named, *others) = low.graph, tree.arguments
    table, label = _table_of(low, named, scope)
    at, *more = (low.number(node, scope) for node in others)
    x, y = _points(low, table if len(table.x) > 1 else checked(table), label)
    match tree.key:
        case "lookup_area":
            start, end = (lines.area(g, x, y, to) for to in (at, *more))
            return g.subtract(end, start)
        case "lookup_slope":
            way = int(low.structural(more[0], tree.key, "what holds beyond the ends"))
            return lines.slope(g, x, y, at, min(1, max(-1, way)))
        case "lookup_invert":
            return lines.inverse(g, x, y, at)
        case "lookup_extrapolate":
            return lines.between(g, *_points(low, checked(table), label), at, onward=True)
        case _:
            x, y = _points(low, checked(table), label)
            return lines.stepped(g, x, y, at, forward=tree.key == "lookup_forward")


def _points(
    low: Context, table: Table | PiecewiseLinear, label: str
) -> tuple[list[int], list[int]]:
    """Return the places and heights of a table as nodes; heights may be inputs."""
    x = [low.graph.number(place) for place in table.x]
    if not low.varies(label):
        return x, [low.graph.number(height) for height in table.y]
    pairs = zip(table.x, table.y, strict=True)
    return x, [low.input(f"{label}({place!r})", height) for place, height in pairs]


def _tree_of(low: Context, named: Node, scope: Scope) -> Node | None:
    """Return the right-hand side of the variable's element that a name stands for."""
    while scope.frame is not None and isinstance(named, Name):
        if named.key not in scope.frame.arguments:
            break
        named, scope = scope.frame.arguments[named.key], scope.frame.caller
    if not isinstance(named, Name) or named.key not in low.model.scan.equations:
        return None
    cell = tuple(low.subscripts.element(one, scope.bound) for one in named.subscripts)
    place = low.places(named.key).get(cell)
    return place.equation.tree if place else None


def _source_of(low: Context, named: Node, scope: Scope) -> Node | None:
    """Return the right-hand side that gives the data of a variable, by name of others or not."""
    found = _tree_of(low, named, scope)
    while isinstance(found, Name):
        found = _tree_of(low, found, replace(scope, frame=None))
    return found


def raw(low: Context, tree: Call, scope: Scope) -> int:
    """Return data at their points, and what is missing between them."""
    (named,) = tree.arguments
    match _source_of(low, named, scope):
        case Call("with_lookup", (), (Name("time"), Table())):
            return data(low, Call("get_data_at_time", (), (named, Name("time"))), scope)
        case Number() | Call("if_then_else"):  # missing, or read as raw already
            return low.node(named, scope)
    about = Message("only data can be {keyword}, by the name of another variable", keyword=":RAW:")
    raise RefusedError(about)


def data(low: Context, tree: Call, scope: Scope) -> int:
    """Return what GET DATA … or TIME SHIFT makes of data, whose points are a table over Time."""
    g, (named, *others) = low.graph, tree.arguments
    points: Node | None = _source_of(low, named, scope)
    missing = g.number(MISSING)
    if points == Number(MISSING):
        return missing
    match points:
        case Call("if_then_else", (), (_, within, missed)) if missed == Number(MISSING):
            points = within  # raw data
    match points:
        case Call("with_lookup", (), (Name("time"), Table() as points)):
            seen = _seen(points)
        case _:
            raise RefusedError(Message("its first argument has no data"), tree.key)
    if not others:
        return g.number(seen.x[0 if tree.key == "get_data_first_time" else -1])
    if tree.key in _OF_ALL:
        from_, to = (
            low.structural(low.node(one, scope), tree.key, "from when to when") for one in others
        )
        found = [y for x, y in zip(seen.x, seen.y, strict=True) if from_ <= x <= to]
        return g.number(_OF_ALL[tree.key](found)) if found else missing
    x, table = low.number(others[0], scope), checked(seen)
    if tree.key == "time_shift":
        time = g.leaf(Op.INITIAL_TIME if scope.initial else Op.TIME)
        return g.lookup(table, g.add(time, x))
    value = low.graph.lookup(table, x)
    if tree.key == "get_data_at_time":
        near = [g.make(Op.ABSOLUTE, g.subtract(x, g.number(point))) for point in seen.x]
        nearest = total(g, near, Op.MINIMUM)
        return g.select(g.make(Op.LESS, nearest, g.number(SMALL)), value, missing)
    way = low.node(others[1], scope)
    places, heights = _points(low, table, "")
    x = g.add(x, g.number(SMALL))  # Vensim takes the whole number below, and what is before it
    x = g.subtract(x, g.make(Op.REMAINDER, x, g.number(1.0)))
    ahead = lines.stepped(g, places, heights, x, forward=True)
    before = g.subtract(x, g.number(SMALL))
    behind = lines.stepped(g, places, heights, before, forward=False)
    back = g.select(g.make(Op.LESS_EQUAL, way, g.number(-1.0)), behind, value)
    return g.select(g.make(Op.LESS_EQUAL, g.number(1.0), way), ahead, back)


def _seen(points: Table) -> Table:
    """Return the points of data, without those that stand close to them and make steps of them."""
    gaps = ((b - a) / max(1.0, abs(a), abs(b)) for a, b in itertools.pairwise(points.x))
    if not any(JUST / 2 < gap < JUST * 2 for gap in gaps):
        return points
    return replace(points, x=points.x[::2], y=points.y[::2])


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
    """Return a table that a value can be read from."""
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
