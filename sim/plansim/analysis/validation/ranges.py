"""What turns a verdict: each constant over its plausible range, one at a time.

This is no measure of what is likely, which the study of uncertainty gives, but of what a verdict
hangs on: a reader who doubts one number sees what becomes of the target if it is at either end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.integration import judged
from plansim.analysis.validation.loop_cuts import binding
from plansim.analysis.validation.probe import probe_of
from plansim.analysis.validation.settings import drawn, numbers_of, uncertain
from plansim.targets.catalogue import Status, Target, split_reference

__all__ = ["Move", "Reach", "ranges"]


@dataclass(frozen=True)
class Move:
    """What one constant does to a target over its plausible range."""

    constant: str
    constant_zh: str
    low: float
    """The target's value with the constant at its low end, in the target's unit."""
    high: float
    turns: bool
    """Whether the verdict is another at either end."""

    @property
    def span(self) -> float:
        """How far the value goes."""
        return abs(self.high - self.low)


@dataclass(frozen=True)
class Reach:
    """A target, and how far each constant moves it."""

    target: Target
    value: float
    status: Status
    moves: tuple[Move, ...]
    """The farthest first."""

    @property
    def turning(self) -> tuple[Move, ...]:
        """Give the constants that turn the verdict."""
        return tuple(each for each in self.moves if each.turns)


def ranges(dossier: Dossier) -> tuple[Reach, ...]:
    """Run the baseline with each uncertain constant at both ends; an array moves by one factor."""
    model, base = dossier.model, dossier.baseline
    targets = binding(dossier)
    constants = uncertain(model)
    settings = [dict(base.values)]
    ends = [drawn(model, [end] * len(constants)) for end in (0.0, 1.0)]
    for variable in constants:
        for moved in ends:
            own = {name: moved[name] for name in numbers_of(variable)}
            settings.append({**base.values, **own})
    names = sorted({split_reference(each)[0] for t in targets for each in t.variables.values()})
    probe = probe_of(model, outputs=names)
    runs = probe.run(settings, base.time)
    found = []
    for target in targets:
        verdicts = judged(runs, target, base)
        values, status = np.asarray(verdicts.value), np.asarray(verdicts.status)
        moves = [
            Move(
                variable.name,
                variable.name_zh,
                float(values[1 + 2 * place]),
                float(values[2 + 2 * place]),
                bool((status[1 + 2 * place : 3 + 2 * place] != status[0]).any()),
            )
            for place, variable in enumerate(constants)
        ]
        moves.sort(key=lambda move: -move.span)
        found.append(Reach(target, float(values[0]), list(Status)[int(status[0])], tuple(moves)))
    return tuple(found)
