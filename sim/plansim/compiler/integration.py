"""How a step is made of stages, and which comparisons switch at its start.

At a stage the equations are evaluated at the time ``t + offset·h`` and with the levels of the stage
before (at the first with those of the step's start). The levels of the next stage, and after the
last one those of the next step, are ``base + length·h·(net flow)``. The base is the step's start;
for the last stage of more than two it is that plus the sum of ``weight·(level - start)`` over the
levels that the stages before gave: of the fourth-order Runge-Kutta method this is the usual sum of
slopes, without a need to keep them.

What switches with time alone keeps the value that it has at the start of the step: a policy that
begins in 2006 is in force in all stages of a step or in none. A comparison with a stock is taken at
the stage. Stocks are here what moves from stage to stage: INTEG, SMOOTH, DELAY, TREND and FORECAST.
SAMPLE IF TRUE and DELAY FIXED keep their value through a step, so they count as time does, and so
does an initial value. The answer rests on the equations as they are written, for a variable as a
whole, so that it is the same whichever constants are folded. See docs/topics/integration.md.

Reference: Butcher, Numerical Methods for Ordinary Differential Equations (2016), sections 232-235.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from plansim.model.reading.equations import Equation, Macro
from plansim.model.reading.expression import Call, Name, Node, Operation
from plansim.model.records import Integration

__all__ = ["DISCRETE", "LEVELS", "STAGES", "Stage", "levels_with", "moved_by_stocks", "reads_stock"]


class Stage(NamedTuple):
    """A stage of a step of length ``h``."""

    offset: float
    """Of its time from the step's start, in ``h``."""
    length: float
    """Of the way from the base to the next levels, in ``h``."""
    weight: float
    """Of the levels that it gives, in the base of the last stage."""


STAGES: Mapping[Integration, tuple[Stage, ...]] = MappingProxyType(
    {
        Integration.EULER: (Stage(0, 1, 0),),
        Integration.MIDPOINT: (Stage(0, 1 / 2, 0), Stage(1 / 2, 1, 0)),
        Integration.RK4: (
            Stage(0, 1 / 2, 1 / 3),
            Stage(1 / 2, 1 / 2, 2 / 3),
            Stage(1 / 2, 1, 1 / 3),
            Stage(1, 1 / 6, 0),
        ),
    }
)
"""By method: Euler's, the midpoint rule, and the classical Runge-Kutta method of order four."""

LEVELS = frozenset(
    {"delay1", "delay1i", "delay3", "delay3i", "delay_n", "forecast", "integ", "trend"}
    | {"npv", "npve", "smooth", "smooth3", "smooth3i", "smooth_n", "smoothi"}
)
"""Functions that hold stocks, which are integrated."""
DISCRETE = frozenset(
    {"delay_fixed", "delay_information", "delay_material", "depreciate_straightline"}
    | {"sample_if_true", "sinteg"}
)
"""Functions with a memory that changes from step to step, and not within one."""


def moved_by_stocks(
    equations: Mapping[str, tuple[Equation, ...]],
    levels: frozenset[str] = LEVELS,
    given: Iterable[str] = (),
) -> frozenset[str]:
    """Return the keys of the variables whose value within a step depends on a stock.

    Args:
        equations: those of a `Scan` or a macro, by `name_key`.
        levels: the functions that hold stocks.
        given: names that depend on a stock although no equation says so.
    """
    effects: dict[str, set[str]] = {}
    waiting = [*given]
    for key, parts in equations.items():
        for node in (node for part in parts if part.tree for node in _within_step(part.tree)):
            if isinstance(node, Call) and node.key in levels:
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


def levels_with(macros: Mapping[str, Macro]) -> frozenset[str]:
    """Return the functions that hold stocks, and the macros that do."""
    levels = LEVELS
    for _ in macros:  # a macro may call others
        levels |= {
            key
            for key, macro in macros.items()
            if any(part.called & levels for parts in macro.equations.values() for part in parts)
        }
    return levels


def reads_stock(tree: Node, moved: frozenset[str], levels: frozenset[str] = LEVELS) -> bool:
    """Say whether the value of an expression within a step depends on a stock.

    ``moved`` is what `moved_by_stocks` gives, with the same ``levels``.
    """
    return any(
        node.key in levels if isinstance(node, Call) else node.key in moved
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
                if key not in {*DISCRETE, "initial", "reinitial"}:
                    waiting += below
