"""What is wrong in runs of any world: no number, negative though it cannot be, no share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from plansim.analysis.validation.checks import Checks
from plansim.analysis.validation.probe import Runs
from plansim.analysis.validation.result import Case, Number, Said
from plansim.model.records import Model, VariableKind
from plansim.targets.indicator import Floats

__all__ = ["EXACT", "breaches", "not_negative"]

Wrong: TypeAlias = npt.NDArray[np.bool_]
"""``(run,)``."""

EXACT = 1e-9
"""Of the largest value of a series: what rounding may leave."""
_MOST_NAMED = 3


def not_negative(model: Model, checks: Checks) -> list[str]:
    """Give what may never fall below zero: stocks that are not signed, and what is listed."""
    stocks = [each.name for each in model.variables.values() if each.kind is VariableKind.STOCK]
    return [*(name for name in stocks if name not in checks.signed), *checks.non_negative]


def breaches(runs: Runs, model: Model, checks: Checks, subjects: Sequence[str]) -> list[Case]:
    """Give what is wrong with a model's own variables in runs, each named by its ``subject``."""
    cases = [_not_finite(runs, model, run, subjects[run]) for run in _where(_broken(runs, model))]
    with np.errstate(all="ignore"):  # runs that are broken are known as such
        for name in not_negative(model, checks):
            least, most = _ends(runs.series(name))
            size = np.maximum(np.maximum(abs(least), abs(most)), 1e-6)
            for run in _where(least < -EXACT * size):
                values: dict[str, Number] = {"what": name, "least": float(least[run])}
                cases.append(Case(subjects[run], False, Said.NEGATIVE, values))
        for name in checks.shares:
            least, most = _ends(runs.series(name))
            for run in _where((least < -EXACT) | (most > 1 + EXACT)):
                values = {"what": name, "least": float(least[run]), "most": float(most[run])}
                cases.append(Case(subjects[run], False, Said.NO_SHARE, values))
    return cases


def _where(wrong: Wrong) -> list[int]:
    return [int(run) for run in np.flatnonzero(wrong)]


def _ends(values: Floats) -> tuple[Floats, Floats]:
    """Give the least and the largest number of each run, over time and elements."""
    flat = values.reshape(len(values), -1)
    known = np.isfinite(flat)
    least = np.where(known, flat, np.inf).min(axis=1)
    most = np.where(known, flat, -np.inf).max(axis=1)
    return least, most


def _broken(runs: Runs, model: Model) -> Wrong:
    names = [label.partition("[")[0] for label in runs.probe.kernel.outputs]
    own = [place for place, name in enumerate(names) if name in model.variables]
    found: Wrong = np.array(~np.isfinite(runs.values[:, own]).all(axis=(1, 2)))
    return found


def _not_finite(runs: Runs, model: Model, run: int, subject: str) -> Case:
    """Name what is not finite first, what has no such causes before the rest."""
    first: dict[str, int] = {}
    for name in dict.fromkeys(label.partition("[")[0] for label in runs.probe.kernel.outputs):
        values = runs.series(name)[run].reshape(len(runs.time), -1)
        broken = ~np.isfinite(values).all(axis=1)
        if name in model.variables and broken.any():
            first[name] = int(np.argmax(broken))
    when = min(first.values())
    names = [name for name, place in first.items() if place == when]
    names.sort(key=lambda name: len(set(model.variables[name].causes) & set(names) - {name}))
    values_said: dict[str, Number] = {"what": ", ".join(names[:_MOST_NAMED])}
    return Case(subject, False, Said.NOT_FINITE, {**values_said, "time": float(runs.time[when])})
