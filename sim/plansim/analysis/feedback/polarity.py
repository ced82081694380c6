"""The sign of each causal link: whether an effect moves with its cause or against it.

One run computes, beside each variable, copies of its equation that each have one cause slightly
raised. The difference between a copy and the variable has the sign of the partial derivative at the
states of the run; where it is the same at all of them, it is the sign of the link. For a stock the
rate is compared, for a smoothing or delay its input.

Reference: G. P. Richardson (1986), Problems with causal-loop diagrams, System Dynamics Review 2(2):
a link's sign is that of the partial derivative, or of what a flow adds to its stock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plansim.analysis.validation.probe import AddedEquation, Runs, end_of_reference, probe_of
from plansim.errors import FaultLog
from plansim.model.records import Model, Variable, VariableKind
from plansim.model.scan import Equation as Written
from plansim.model.scan import Form, scan_text
from plansim.model.syntax import Role, name_key
from plansim.scenario.reader import Scenario
from plansim.targets.indicator import Floats

__all__ = ["link_signs"]

NUDGE = 1e-4
"""Relative change by which a cause is raised."""
LEAST = 1e-6
"""Minimum change as a share of the cause's largest value, so that a value of 0 moves too."""
ROUNDING = 1e-12
"""Changes below this share of the effect's largest value are rounding errors."""
SMALLEST_CHANGE = 1e-6
"""Changes below this share of the largest one do not count."""

_MOVING = frozenset({VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY})
_DELAYS = re.compile(r"\b(?:integ|smooth\w*|delay\w*|trend|forecast)\s*\(", re.IGNORECASE)
"""Functions that respond later; they are replaced by their first argument."""


@dataclass(frozen=True)
class _Copy:
    """The equations of a link's effect, with the cause raised."""

    cause: str
    effect: str
    name: str
    equations: tuple[AddedEquation, ...]


def link_signs(model: Model, scenario: Scenario) -> Mapping[tuple[str, str], int]:
    """Find the sign of each causal link between variables that may move, over one run.

    Returns:
        By cause and effect: 1 if the effect moves with its cause at all saved times and in all
        elements, -1 if against it, 0 if now one and now the other. A link that does nothing in the
        run is left out, and so is one into a variable whose equations cannot be copied.

    Raises:
        ModelError: the compiler does not support something in the model.
    """
    drawn = {v.name: v for v in model.variables.values() if v.kind in _MOVING}
    reading = _EquationCopier(model)
    causes = list(
        dict.fromkeys(cause for v in drawn.values() for cause in _felt(v) if cause in drawn)
    )
    least = {cause: f"least raise {number}" for number, cause in enumerate(causes)}
    plain: dict[str, _Copy] = {}
    copies: list[_Copy] = []
    for variable in drawn.values():
        wanted = [cause for cause in _felt(variable) if cause in drawn]
        if not wanted or not reading.can_copy(variable):
            continue
        base = reading.copy(variable, f"as it is {len(plain)}")
        plain[variable.name] = base
        for cause in wanted:
            name = f"raised {len(copies)}"
            copies.append(reading.copy(variable, name, cause, least[cause]))
    if not copies:
        return {}
    knobs = [AddedEquation(name, "0", constant=True) for name in least.values()]
    added = [equation for copy in (*plain.values(), *copies) for equation in copy.equations]
    outputs = [*(copy.name for copy in (*plain.values(), *copies)), *causes]
    probe = probe_of(model, [*knobs, *added], outputs)
    first = probe.run([scenario.values], scenario.time)
    # A cause that is always 0 is raised as if it reached 1: its link exists all the same.
    raises = {
        name: LEAST * (float(np.abs(first.series(cause)).max()) or 1.0)
        for cause, name in least.items()
    }
    run = probe.run([{**scenario.values, **raises}], scenario.time)
    signs = {(copy.cause, copy.effect): _sign(run, plain[copy.effect], copy) for copy in copies}
    return {link: sign for link, sign in signs.items() if sign is not None}


def _felt(variable: Variable) -> Iterator[str]:
    initial = set(variable.initial_causes)
    return (name for name in variable.causes if name not in initial)


def _sign(run: Runs, plain: _Copy, raised: _Copy) -> int | None:
    before, after = run.series(plain.name)[0], run.series(raised.name)[0]
    change: Floats = after - before
    size = np.abs(change)
    floor = max(ROUNDING * float(np.abs(before).max()), SMALLEST_CHANGE * float(size.max()))
    signs = set(np.sign(change[size > floor]).astype(int).tolist())
    return None if not signs else signs.pop() if len(signs) == 1 else 0


class _EquationCopier:
    """Writes equations anew."""

    def __init__(self, model: Model) -> None:
        self.text = model.text
        self.equations = scan_text(model.text, FaultLog(model.path)).equations

    def can_copy(self, variable: Variable) -> bool:
        """Whether each equation is an expression with a left side of its own."""
        return all(
            equation.form in (Form.EQUATION, Form.UNCHANGEABLE)
            and not equation.exceptions
            and not equation.expression.reads_lookup
            and (equation.expression.numbers is None or len(equation.expression.numbers) == 1)
            for equation in self.equations[name_key(variable.name)]
        )

    def copy(self, variable: Variable, name: str, cause: str = "", least: str = "") -> _Copy:
        """Write a variable's equations under another name, with a cause raised if one is named."""
        written = tuple(
            AddedEquation(name, _instant(self._right(equation, cause, least)), equation.subscripts)
            for equation in self.equations[name_key(variable.name)]
        )
        return _Copy(cause, variable.name, name, written)

    def _right(self, equation: Written, cause: str, least: str) -> str:
        """Return a right-hand side with the cause raised in every reference to it."""
        text = equation.text
        starts = [
            reference.offset
            for reference in equation.expression.references
            if name_key(reference.name) == name_key(cause) and reference.role is not Role.INITIAL
        ]
        if starts:
            base = self.text.rindex(text, 0, starts[0] + len(text))
            for start in sorted(starts, reverse=True):
                end = end_of_reference(self.text, start)
                seen = self.text[start:end].rstrip()
                raised = f"({seen} + {NUDGE}*ABS({seen}) + {least})"
                text = text[: start - base] + raised + text[end - base :]
        return text.replace("\\\n", " ").partition("=")[2].lstrip("=")


def _instant(text: str) -> str:
    """Replace each function that responds later by its first argument."""
    while match := _DELAYS.search(text):
        depth, comma, at = 1, 0, match.end()
        while depth:
            sign = text[at]
            if sign == '"':
                at = text.index('"', at + 1)
            depth += (sign in "([{") - (sign in ")]}")
            if sign == "," and depth == 1 and not comma:
                comma = at
            at += 1
        inner = text[match.end() : comma or at - 1]
        text = f"{text[: match.start()]}({inner}){text[at:]}"
    return text
