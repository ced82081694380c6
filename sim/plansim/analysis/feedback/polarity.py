"""The sign of each causal link: whether an effect moves with its cause or against it.

Beside a variable stand, for the length of a run, copies of its equations that each see one cause a
little raised. What a copy is above or below the variable is the partial derivative at the states
that the run goes through. A stock answers by its rate, and what holds its input back by what it is
given.

Reference: G. P. Richardson (1986), Problems with causal-loop diagrams, System Dynamics Review 2(2):
a link's sign is that of the partial derivative, or of what a flow adds to its stock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.evaluator import Trajectories, compile_whole
from plansim.model.reading.expression import Call, Name, Node, Number, Operation, name_key
from plansim.model.records import Model, TimeSpec
from plansim.model.rewrite import AddedEquation, replaced, unparse
from plansim.scenario.scenario_file import Scenario, scenario_of

__all__ = ["LinkEnds", "link_signs", "measured_signs"]

NUDGE = 1e-4
"""Rise of a cause, as a part of its value..."""
LEAST = 1e-6
"""...and at least, as a part of its largest value, so that zero is moved, too."""
ROUNDING = 1e-12
"""Answer, as a part of the largest value of the effect, below which it is due to rounding."""
FELT = 1e-6
"""Answer, as a part of the largest answer, below which it does not count."""

_LATER = ("integ", "sinteg", "smooth", "delay", "trend", "forecast")
"""How the functions begin that answer later: their first argument stands for them."""
_OF_POINTS = ("get_data", "time_shift")
"""How the functions begin whose first argument is data at their points, which cannot be raised."""

LinkEnds: TypeAlias = tuple[str, str]
"""A link, by the names of its cause and its effect."""


def link_signs(
    model: Model, scenario: Scenario | str | Path | None = None
) -> Mapping[LinkEnds, int]:
    """Find the sign of each causal link between variables that may move, over one run.

    The scenario is a record, a name, a path, or None for the model as written.

    Returns:
        By cause and effect: 1 if the effect moves with its cause at all saved times and in all
        elements, -1 if against it, 0 if now one and now the other. A link that does nothing in the
        run is left out, and so is one into a variable whose equations cannot be copied.

    Raises:
        ModelError: the compiler does not support something in the model.

    >>> model = plansim.load_model("lake.mdl")
    >>> plansim.link_signs(model)
    {('growth', 'fish'): 1, ('catch', 'fish'): -1, ('fish', 'growth'): -1, ('fish', 'catch'): 1}
    """
    scenario = scenario_of(model, scenario)
    moving = {v.name: v for v in model.variables.values() if v.kind.moves}
    pairs = [(cause, v.name) for v in moving.values() for cause in v.felt if cause in moving]
    by_link = {
        pair: np.unique(signs[signs != 0]).tolist()
        for pair, signs in measured_signs(model, pairs, scenario.values, scenario.time).items()
    }
    return {pair: signs[0] if len(signs) == 1 else 0 for pair, signs in by_link.items() if signs}


def measured_signs(
    model: Model, pairs: Iterable[LinkEnds], values: Mapping[str, float], clock: TimeSpec
) -> Mapping[LinkEnds, npt.NDArray[np.int8]]:
    """Measure the signs of some links in a run; of those whose effect cannot be copied, none.

    Returns:
        By cause and effect ``(time, *elements)``: 1 where an element of the effect moves with the
        cause, of which all elements are raised, -1 where against it, 0 where it does not move.

    Raises:
        ModelError: the compiler does not support something in the model.
    """
    pairs = [pair for pair in dict.fromkeys(pairs) if _can_copy(model, pair[1])]
    if not pairs:
        return {}
    causes, effects = (dict.fromkeys(pair[end] for pair in pairs) for end in (0, 1))
    least = {cause: f"least raise {i}" for i, cause in enumerate(causes)}
    plain = {effect: f"as it is {i}" for i, effect in enumerate(effects)}
    raised = {pair: f"raised {i}" for i, pair in enumerate(pairs)}
    added = [AddedEquation(constant, "0", constant=True) for constant in least.values()]
    for effect, copy in plain.items():
        added += _copies(model, effect, copy)
    for (cause, effect), copy in raised.items():
        added += _copies(model, effect, copy, cause, least[cause])
    compiled = compile_whole(model, added, [*plain.values(), *raised.values(), *least])
    first = compiled.run([values], clock)
    # What is zero throughout is raised as if it reached 1: its link is no less there.
    raises = {
        constant: LEAST * (float(np.abs(first.series(cause)).max()) or 1.0)
        for cause, constant in least.items()
    }
    run = compiled.run([{**values, **raises}], clock)
    return {pair: _signs(run, plain[pair[1]], copy) for pair, copy in raised.items()}


def _signs(run: Trajectories, plain: str, raised: str) -> npt.NDArray[np.int8]:
    before, after = run.series(plain)[0], run.series(raised)[0]
    change = after - before
    size = np.abs(change)
    floor = max(ROUNDING * float(np.abs(before).max()), FELT * float(size.max()))
    return np.where(size > floor, np.sign(change), 0).astype(np.int8)


def _can_copy(model: Model, name: str) -> bool:
    """Return whether each equation of a variable is an expression, or one number."""
    return all(
        len(equation.numbers) == 1
        if equation.numbers is not None
        else equation.formula is not None and not equation.is_table
        for equation in model.scan.equations[name_key(name)]
    )


def _copies(
    model: Model, effect: str, copy: str, cause: str = "", least: str = ""
) -> Iterator[AddedEquation]:
    """Yield the equations of a variable under another name, with a cause raised if one is named."""

    def change(node: Node) -> Node | None:
        if isinstance(node, Call) and node.key.startswith(_LATER):
            return replaced(node.arguments[0], change)
        if isinstance(node, Call) and node.key.startswith(_OF_POINTS):
            points, *others = node.arguments
            return replace(node, arguments=(points, *(replaced(one, change) for one in others)))
        if isinstance(node, Name) and node.key == name_key(cause):
            part = Operation("*", (Number(NUDGE), Call("abs", (), (node,))))
            return Operation("+", (Operation("+", (node, part)), Name(least)))
        return None

    for equation in model.scan.equations[name_key(effect)]:
        assert equation.tree is not None
        text = unparse(replaced(equation.tree, change))
        yield AddedEquation(copy, text, equation.subscripts, exceptions=equation.exceptions)
