"""Which comparisons switch at the start of a step: those on time, in which no stock takes part.

A method of integration with several stages evaluates the equations within a step too. What
switches with time alone then keeps the value that it has at the start of the step: a policy that
begins in 2006 is in force in all stages of a step or in none. A comparison with a stock is taken at
the stage. See docs/integration.md.

Stocks are here what moves from stage to stage: INTEG, SMOOTH, DELAY, TREND and FORECAST. SAMPLE IF
TRUE and DELAY FIXED keep their value through a step, so they count as time does, and so does an
initial value. The answer rests on the equations as they are written, for a variable as a whole, so
that it is the same whichever constants are folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plansim.model.expression import Call, Name, Node, Operation
from plansim.model.scan import Equation

__all__ = ["LEVELS", "moved_by_stocks", "reads_stock"]

LEVELS = frozenset(
    {"delay1", "delay1i", "delay3", "delay3i", "delay_n", "forecast", "integ", "trend"}
    | {"smooth", "smooth3", "smooth3i", "smooth_n", "smoothi"}
)
"""Functions that hold stocks, which are integrated."""


def moved_by_stocks(equations: Mapping[str, tuple[Equation, ...]]) -> frozenset[str]:
    """Return the keys of the variables whose value within a step depends on a stock.

    ``equations`` are those of a `Scan`, by `name_key`.
    """
    effects: dict[str, set[str]] = {}
    waiting: list[str] = []
    for key, parts in equations.items():
        for node in (node for part in parts if part.tree for node in _within_step(part.tree)):
            if isinstance(node, Call) and node.key in LEVELS:
                waiting.append(key)
            elif isinstance(node, Name):
                effects.setdefault(node.key, set()).add(key)
    moved: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key not in moved:
            moved.add(key)
            waiting += effects.get(key, ())
    return frozenset(moved)


def reads_stock(tree: Node, moved: frozenset[str]) -> bool:
    """Say whether the value of an expression within a step depends on a stock.

    ``moved`` is what `moved_by_stocks` gives.
    """
    return any(
        node.key in LEVELS if isinstance(node, Call) else node.key in moved
        for node in _within_step(tree)
    )


def _within_step(tree: Node) -> Iterator[Name | Call]:
    """Yield the names and calls of an expression that its value at a stage depends on."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case Name():
                yield node
            case Operation(operands=below):
                waiting += below
            case Call(key="active_initial", arguments=(now, *_)):
                waiting.append(now)
            case Call(key=key, arguments=below):
                yield node
                if key not in {"delay_fixed", "initial", "sample_if_true"}:
                    waiting += below
