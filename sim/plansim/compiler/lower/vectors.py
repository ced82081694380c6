"""Functions of whole vectors and matrices, and sums over elements, where they are called."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

from plansim.compiler.functions import points as lines
from plansim.compiler.functions.numbers import PLAIN, VECTOR
from plansim.compiler.functions.vectors import (
    ACTIONS,
    PROFILES,
    Curve,
    allocated,
    inverse,
    market_price,
    ranks,
    reordered,
    selected,
    sort_order,
    supplied,
    total,
)
from plansim.compiler.ir import Depends, Op
from plansim.compiler.lower.context import Context
from plansim.compiler.lower.scope import RefusedError, Scope
from plansim.errors import Message
from plansim.model.reading.expression import Call, Name, Node, name_key, walk
from plansim.model.reading.ranges import free_marks

__all__ = ["looked_up", "mapped", "of_vectors", "priced", "reduced"]


def reduced(low: Context, tree: Call, scope: Scope) -> int:
    """Give SUM, PROD, VMIN or VMAX: a tree of operations, which is short and exact."""
    (part,) = tree.arguments
    memo = _rests_on(low, tree, scope)
    if memo is None or memo not in low.vectors:
        parts = [low.node(part, at) for at in _marked(low, scope, part)]
        found = total(low.graph, parts, VECTOR[tree.key])
        if memo is None:
            return found
        low.vectors[memo] = [found]
    return low.vectors[memo][0]


def _rests_on(low: Context, tree: Call, scope: Scope) -> object:
    """Return what a sum over elements is the same for, as of ``a[i!]`` for each ``b[j]``.

    None if each of its calls is another, as those of random functions are.
    """
    nodes = [node for node in walk(tree) if isinstance(node, Name | Call)]
    calls = {node.key for node in nodes if isinstance(node, Call)}
    plain = (PLAIN.keys() | VECTOR.keys()) - low.model.scan.macros.keys()
    if scope.itself is not None or not calls <= plain:
        return None
    names = {one for node in nodes for one in (node.key, *node.subscripts)}
    ranges = {one for one in names if low.subscripts.is_range(one)}
    is_mapped = not ranges <= scope.bound.keys()
    rest = sorted(pair for pair in scope.bound.items() if is_mapped or pair[0] in ranges)
    return tree.start, scope.frame and scope.frame.label, scope.initial, *rest


def _marked(low: Context, scope: Scope, *arguments: Node) -> list[Scope]:
    """Return the scopes in which the subscripts with ``!`` stand for one element each."""
    marks = list(dict.fromkeys(mark for one in arguments for mark in free_marks(one)))
    if not marks:
        raise RefusedError(Message("a sum over elements needs a subscript with '!'"))
    choices = [low.subscripts.elements(mark.removesuffix("!")) for mark in marks]
    return [
        replace(scope, bound={**scope.bound, **dict(zip(marks, elements, strict=True))})
        for elements in itertools.product(*choices)
    ]


def of_vectors(low: Context, tree: Call, scope: Scope) -> int:
    """Return an element of what a function makes of whole vectors."""
    first, *others = tree.arguments
    if tree.key == "vector_select":
        return _selected(low, tree, scope)
    along = _last_range(low, first, scope, tree.key)
    here = low.subscripts.elements(along).index(low.subscripts.element(along, scope.bound))
    if tree.key == "invert_matrix":
        return _inverted(low, first, along, here, scope)
    rest = sorted((range_, e) for range_, e in scope.bound.items() if range_ != along)
    memo = (tree.start, scope.frame and scope.frame.label, *rest, scope.initial)
    if memo not in low.vectors:
        low.vectors[memo] = _vector_result(low, tree.key, first, others, along, scope)
    return low.vectors[memo][here]


def _vector_result(
    low: Context, key: str, first: Node, others: Sequence[Node], along: str, scope: Scope
) -> list[int]:
    g, vector = low.graph, _vector(low, first, along, scope)
    match key:
        case "vector_sort_order":
            return sort_order(g, vector, low.node(others[0], scope))
        case "vector_rank":
            found = ranks(g, vector, low.node(others[0], scope))
            return [g.add(rank, g.number(1.0)) for rank in found]
        case "vector_reorder":
            return reordered(g, vector, _vector(low, others[0], along, scope))
        case "allocate_by_priority":
            priorities = _vector(low, others[0], along, scope)
            width, supply = (low.number(node, scope) for node in others[2:])
            pairs = zip(vector, priorities, strict=True)
            return allocated(g, [Curve(q, g.number(1), p, width) for q, p in pairs], supply)
        case _:
            profile, available = others
            each = zip(vector, _along(low, along, scope), strict=True)
            curves = [_curve(low, request, profile, at) for request, at in each]
            return allocated(g, curves, low.number(available, scope))


def _curve(low: Context, quantity: int, profile: Node, scope: Scope) -> Curve:
    """Return a curve, whose kind, priority and width follow one another in a subscript."""
    if not isinstance(profile, Name) or not profile.subscripts:
        raise RefusedError(Message("the priority is not an array"))
    first = low.subscripts.elements(profile.subscripts[-1])[0]
    parts = low.subscripts.following(first, 4)
    if not parts:
        message = Message("the priority has not the elements ptype, ppriority, pwidth, pextra")
        raise RefusedError(message)
    kind, priority, width = (
        low.number(replace(profile, subscripts=(*profile.subscripts[:-1], part)), scope)
        for part in parts[:3]
    )
    if low.graph.depends[kind] == Depends.INPUTS:
        low.pin(kind)
    known = low.graph.value(kind)
    if known is not None and known not in PROFILES:
        raise RefusedError(Message("priorities of the kind {kind} are not supported", kind=known))
    return Curve(quantity, kind, priority, width)


def priced(low: Context, tree: Call, scope: Scope) -> int:
    """Give FIND MARKET PRICE, or what is supplied or demanded at a price."""
    g, (quantity, profile, *others) = low.graph, tree.arguments
    if tree.key == "find_market_price":
        demand = _curves(low, tree.key, quantity, profile, scope)
        return market_price(g, demand, _curves(low, tree.key, others[0], others[1], scope))
    curve = _curve(low, low.number(quantity, scope), profile, scope)
    price = low.number(others[0], scope)
    return supplied(g, curve, price) if tree.key == "supply_at_price" else curve.at(g, price)


def _curves(low: Context, key: str, quantity: Node, profile: Node, scope: Scope) -> list[Curve]:
    """Return the curves of all elements from the one on that a quantity names."""
    if not isinstance(profile, Name) or len(profile.subscripts) < 2:
        raise RefusedError(Message("the priority is not an array"), key)
    *rest, _, part = profile.subscripts
    return [
        _curve(
            low,
            low.number(name, scope),
            replace(profile, subscripts=(*rest, name.subscripts[-1], part)),
            scope,
        )
        for name in _row(low, quantity, scope, key)
    ]


def _vector(low: Context, argument: Node, along: str, scope: Scope) -> list[int]:
    """Return an expression for all elements of a range."""
    return [low.number(argument, at) for at in _along(low, along, scope)]


def _along(low: Context, along: str, scope: Scope) -> list[Scope]:
    """Return the scopes in which a range stands for each of its elements."""
    elements = low.subscripts.elements(along)
    return [replace(scope, bound={**scope.bound, along: element}) for element in elements]


def _last_range(low: Context, argument: Node, scope: Scope, key: str) -> str:
    """Return the range along which a function takes its vector: the last one of the argument."""
    for node in walk(argument):
        if isinstance(node, Name | Call) and node.subscripts:
            if low.subscripts.is_range(last := node.subscripts[-1]):
                return last
            break
    raise RefusedError(Message("the last subscript of its vector is not a range"), key)


def _inverted(low: Context, matrix: Node, column: str, here: int, scope: Scope) -> int:
    """Return an element of INVERT MATRIX."""
    row = matrix.subscripts[-2] if isinstance(matrix, Name) and matrix.subscripts[1:] else ""
    if not isinstance(matrix, Name) or not low.subscripts.is_range(row):
        raise RefusedError(Message("it takes a matrix over two ranges"), "invert_matrix")
    rows = low.subscripts.elements(row)
    if len(rows) != len(low.subscripts.elements(column)):
        raise RefusedError(Message("the matrix is not square"), "invert_matrix")
    rest = sorted((r, e) for r, e in scope.bound.items() if r not in (row, column))
    memo = ("inverse", matrix.start, *rest, scope.initial)
    if memo not in low.vectors:
        table = [_vector(low, matrix, column, at) for at in _along(low, row, scope)]
        low.vectors[memo] = [value for line in inverse(low.graph, table) for value in line]
    at = rows.index(low.subscripts.element(row, scope.bound))
    return low.vectors[memo][at * len(rows) + here]


def _selected(low: Context, tree: Call, scope: Scope) -> int:
    selection, expression, missing, *codes = tree.arguments
    scopes = _marked(low, scope, selection, expression)
    chosen, values = ([low.number(node, one) for one in scopes] for node in (selection, expression))
    g, none = low.graph, low.node(missing, scope)
    which, on_error = (low.node(code, scope) for code in codes)
    error = int(low.structural(on_error, tree.key, "the action on errors"))
    if g.depends[which] & (Depends.TIME | Depends.STATE):  # it changes during a run
        found = g.number(float("nan"))
        for action in ACTIONS:
            is_it = g.make(Op.EQUAL, which, g.number(float(action)))
            own = selected(g, chosen, values, none, action, error)
            found = g.select(is_it, own, found)
        return found
    action = int(low.structural(which, tree.key, "the action"))
    if action not in ACTIONS:
        raise RefusedError(Message("there is no action {action}", action=action), tree.key)
    return selected(g, chosen, values, none, action, error)


def mapped(low: Context, tree: Call, scope: Scope) -> int:
    """Give VECTOR ELM MAP: the element so many places behind another, row by row, or NaN."""
    start, offset = tree.arguments
    names, here = _array(low, start, scope, tree.key)
    g = low.graph
    asked = g.add(g.number(here), low.node(offset, scope))
    known = g.value(asked)
    chosen = range(len(names))
    if known is not None:  # others may rest on this one
        chosen = range(int(known), int(known) + 1) if 0 <= known < len(names) else range(0)
    vector = [g.number(math.nan)] * len(names)
    for index in chosen:
        vector[index] = low.number(names[index], scope)
    return reordered(g, vector, [asked])[0]


def looked_up(low: Context, tree: Call, scope: Scope) -> int:
    """Give VECTOR LOOKUP: a line whose heights are the elements of an array."""
    first, *others = tree.arguments
    y = [low.number(name, scope) for name in _row(low, first, scope, tree.key)]
    if len(y) < 2:
        raise RefusedError(Message("its vector has a single element"), tree.key)
    at, start, end, mode = (low.number(node, scope) for node in others)
    way = int(low.structural(mode, tree.key, "the mode"))
    g, last = low.graph, len(y) - 1
    width = g.subtract(end, start)
    x = [g.add(start, g.multiply(width, g.number(i / last))) for i in range(last)] + [end]
    match way:
        case 0 | 3:
            return lines.between(g, x, y, at, onward=way == 3)
        case 1 | 7:
            return lines.area(g, x, y, at, onward=way == 7)
        case 2 | 4:
            return lines.stepped(g, x, y, at, forward=way == 4)
        case 5 | 8:
            return lines.inverse(g, x, y, at, onward=way == 8)
        case 6 | 9:
            return lines.slope(g, x, y, at, int(way == 9))
    raise RefusedError(Message("there is no mode {mode}", mode=way), tree.key)


def _row(low: Context, start: Node, scope: Scope, key: str) -> list[Name]:
    """Return the elements of an array from the one that is named on, along its last subscript."""
    names, here = _array(low, start, scope, key)
    others = names[here].subscripts[:-1]
    return [name for name in names[here:] if name.subscripts[:-1] == others]


def _array(low: Context, start: Node, scope: Scope, key: str) -> tuple[list[Name], int]:
    """Return the elements of an array, row by row, and which of them is named."""
    if isinstance(start, Name) and start.subscripts and start.key in low.variables:
        ranges = map(name_key, low.variables[start.key].subscripts)
        cells = list(itertools.product(*map(low.subscripts.elements, ranges)))
        here = tuple(low.subscripts.element(one, scope.bound) for one in start.subscripts)
        if here in cells:
            return [replace(start, subscripts=cell) for cell in cells], cells.index(here)
    raise RefusedError(Message("it takes an element of an array"), key)
