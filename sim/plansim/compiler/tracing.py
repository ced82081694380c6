"""Rules that are written for NumPy, taken down as a program instead of computed.

A rule that works on arrays over runs also works on a `Traced` number, which notes what is done to
it. So one text of a rule serves the command line, sweeps and the page: there is no second one in
JavaScript. Only what rules need is understood; anything else is a TypeError, never a wrong program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plansim.compiler.graph import Graph
from plansim.compiler.ir import Op, Program

__all__ = ["Trace", "Traced"]


@dataclass
class Trace:
    """A program in the making: inputs as they are asked for, outputs as they are given."""

    graph: Graph = field(default_factory=Graph)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)

    def input(self, name: str) -> Traced:
        """Return the number of an input, the same for the same name."""
        index = self.inputs.setdefault(name, len(self.inputs))
        return Traced(self.graph, self.graph.leaf(Op.INPUT, index))

    def output(self, name: str, value: object) -> None:
        """Say that a number, traced or known, is an output."""
        self.outputs[name] = _place(self.graph, value)

    def program(self) -> Program:
        """Return what was taken down; without a value, an input is not a number."""
        return self.graph.program(dict.fromkeys(self.inputs, np.nan), dict(self.outputs))


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """One number of every run, as yet unknown."""

    def __init__(self, graph: Graph, place: int) -> None:
        self.graph = graph
        self.place = place

    def __bool__(self) -> bool:
        """Refuse: what a rule does must not hang on a number that is not known yet."""
        raise TypeError("a traced number has no value; a rule must use numpy.where")

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any
    ) -> Traced:
        rule = _UFUNCS.get(ufunc)
        if rule is None or method != "__call__" or options:
            raise TypeError(f"a traced number does not know {ufunc.__name__}")
        return _made(self.graph, rule, *operands)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: object,
        operands: tuple[Any, ...],
        options: Mapping[str, Any],
    ) -> Traced | None:
        rule = _FUNCTIONS.get(function)
        if rule is None:
            raise TypeError(f"a traced number does not know {function.__name__}")
        return rule(self.graph, *operands, **options)


def _place(graph: Graph, value: object) -> int:
    if isinstance(value, Traced):
        return value.place
    return graph.number(float(np.asarray(value, dtype=np.float64)))


def _made(graph: Graph, rule: Callable[..., int], *operands: object) -> Traced:
    return Traced(graph, rule(graph, *(_place(graph, operand) for operand in operands)))


def _plain(op: Op) -> Callable[..., int]:
    return lambda graph, *operands: graph.make(op, *operands)


def _finite(graph: Graph, value: int) -> int:
    """Whether a number less itself is zero, which infinity and NaN are not."""
    return graph.make(Op.EQUAL, graph.subtract(value, value), graph.number(0.0))


_UFUNCS: Mapping[np.ufunc, Callable[..., int]] = {
    np.add: _plain(Op.ADD),
    np.subtract: _plain(Op.SUBTRACT),
    np.multiply: _plain(Op.MULTIPLY),
    np.divide: _plain(Op.DIVIDE),
    np.power: _plain(Op.POWER),
    np.negative: _plain(Op.NEGATE),
    np.minimum: _plain(Op.MINIMUM),
    np.absolute: _plain(Op.ABSOLUTE),
    np.less: _plain(Op.LESS),
    np.less_equal: _plain(Op.LESS_EQUAL),
    np.greater: lambda graph, a, b: graph.make(Op.LESS, b, a),
    np.greater_equal: lambda graph, a, b: graph.make(Op.LESS_EQUAL, b, a),
    np.invert: _plain(Op.NOT),
    np.logical_and: _plain(Op.AND),
    np.logical_or: _plain(Op.OR),
    np.isfinite: _finite,
}


def _where(graph: Graph, condition: object, then: object, otherwise: object) -> Traced:
    return _made(graph, _plain(Op.SELECT), condition, then, otherwise)


def _copyto(graph: Graph, target: Traced, source: object, *, where: object) -> None:
    """Write where a condition holds: what stood there stays elsewhere."""
    target.place = _where(graph, where, source, target).place


def _full_like(graph: Graph, like: Traced, value: object, kind: object = None) -> Traced:
    return Traced(graph, _place(graph, value))


_FUNCTIONS: Mapping[Callable[..., Any], Callable[..., Traced | None]] = {
    np.copyto: _copyto,
    np.full_like: _full_like,
    np.where: _where,
}
