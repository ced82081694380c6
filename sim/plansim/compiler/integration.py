"""How a step is made of stages, and which comparisons switch at its start.

At a stage the equations are evaluated at the time ``t + offset·h`` and with the levels of the stage
before (at the first with those of the step's start). The levels of the next stage, and after the
last one those of the next step, are ``base + length·h·(net flow)``. The base is the step's start
plus the sum of ``weight·(level - start)`` over the levels that the stages before gave: of a
Runge-Kutta method this is the usual sum of slopes, without a need to keep them.

Of the methods of order four with four stages, a family of two parameters, ``rk4`` is one that errs
half as much as the classical one where flows have kinks: its stages are spread evenly over the step
(docs/decisions/0078). It moves by 1/3 of the first slope, by 5/9 of the second, by 14/25, -1 and
36/25 of the three, and in the end by 3/20, 3/16, 81/160 and 5/32 of the four.

What switches with time alone keeps the value that it has at the start of the step: a policy that
begins in 2006 is in force in all stages of a step or in none. A comparison with a stock is taken at
the stage. Stocks are here what moves from stage to stage: INTEG, SMOOTH, DELAY, TREND and FORECAST.
SAMPLE IF TRUE and DELAY FIXED keep their value through a step, so they count as time does, and so
does an initial value. The answer rests on the equations as they are written, for a variable as a
whole, so that it is the same whichever constants are folded. See docs/topics/integration.md.

Reference: Butcher, Numerical Methods for Ordinary Differential Equations (2016), sections 232-235
(322 on the family).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from plansim.model.reading.equations import Equation, Macro
from plansim.model.reading.expression import Call, Name, Node, Operation
from plansim.model.records import Integration

__all__ = [
    "DISCRETE",
    "GIVEN_LEVELS",
    "LEVELS",
    "STAGES",
    "Stage",
    "levels_with",
    "moved_by_stocks",
    "reads_stock",
    "tableau",
]


class Stage(NamedTuple):
    """A stage of a step of length ``h``."""

    offset: float
    """Its time after the step's start, in ``h``."""
    length: float
    """The way from the base to the next levels, in ``h``."""
    weights: tuple[float, ...] = ()
    """Weights of the levels that the stages before gave, in its base; empty if that is the step's
    start."""


STAGES: Mapping[Integration, tuple[Stage, ...]] = MappingProxyType(
    {
        Integration.EULER: (Stage(0, 1),),
        Integration.MIDPOINT: (Stage(0, 1 / 2), Stage(1 / 2, 1)),
        Integration.RK4: (
            Stage(0, 1 / 3),
            Stage(1 / 3, 5 / 9),
            Stage(5 / 9, 36 / 25, (42 / 25, -9 / 5)),
            Stage(1, 5 / 32, (-9 / 64, 621 / 640, 45 / 128)),
        ),
    }
)
"""Stages by method: Euler's, the midpoint rule, and a Runge-Kutta method of order four."""

GIVEN_LEVELS = sorted({len(stage.weights) for stages in STAGES.values() for stage in stages} - {0})
"""How many levels the bases of stages are made of."""

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


def tableau(method: Integration, step: float) -> list[list[float]]:
    """Return the stages of a method as numbers for machine code: a row for each.

    It holds the offset, the length times the step, the number of weights, and these.
    """
    most = max(GIVEN_LEVELS)
    return [
        [offset, length * step, len(weights), *weights, *[0.0] * (most - len(weights))]
        for offset, length, weights in STAGES[method]
    ]


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
    """Return whether the value of an expression within a step depends on a stock.

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
