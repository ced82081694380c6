"""Q05: what must add up adds up, at every step of every scenario; nothing is negative."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from plansim.analysis.validation.checks import Identity, identities_of
from plansim.analysis.validation.context import Dossier, by_clock
from plansim.analysis.validation.probe import Runs, every_step, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found
from plansim.analysis.validation.soundness import EXACT, breaches
from plansim.targets.indicator import Floats

__all__ = ["conservation"]


def conservation(dossier: Dossier) -> Finding:
    """Run every scenario, saved at every step, with both sides of every identity and bound."""
    checks = dossier.checks
    probe = probe_of(dossier.model, tuple(identities_of(dossier.model, checks)))
    worst: dict[str, Case] = {}
    unsound: list[Case] = []
    for scenarios in by_clock(dossier.scenarios).values():
        runs = probe.run([each.values for each in scenarios], every_step(scenarios[0]))
        ids = [each.id for each in scenarios]
        for case in (
            *_compared(runs, ids, checks.conservation, bound=False),
            *_compared(runs, ids, checks.bounds, bound=True),
        ):
            worst[case.subject] = max(worst.get(case.subject, case), case, key=_size)
        unsound += breaches(runs, dossier.model, checks, ids)
    identities = {each.id for each in checks.conservation}
    errors = [_size(worst[each]) for each in identities]
    figures = {
        "largest": max(errors, default=0.0),
        "identities": len(checks.conservation),
        "bounds": len(checks.bounds),
        "scenarios": len(dossier.scenarios),
        "unsound": len(unsound),
    }
    return found("Q05", [*worst.values(), *unsound], figures, {"most": EXACT})


def _size(case: Case) -> float:
    return float(case.values["error"])


def _compared(
    runs: Runs, ids: Sequence[str], group: Sequence[Identity], *, bound: bool
) -> Iterator[Case]:
    """Give the worst of all runs for each identity or bound."""
    for each in group:
        left, right = (runs.series(f"{side} {each.id}") for side in ("left", "right"))
        error = _error(left, right, bound=bound)
        run, step = np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), error.shape)
        worst = float(error[run, step])
        worst = math.inf if math.isnan(worst) else worst
        values: dict[str, Number] = {"scenario": ids[int(run)], "error": worst}
        values |= {"left": float(left[run, step]), "right": float(right[run, step])}
        values |= {"time": float(runs.time[step])}
        said = Said.BOUNDED if bound else Said.BALANCED
        yield Case(each.id, worst <= EXACT, said, values, name_en=each.en, name_zh=each.zh)


def _error(left: Floats, right: Floats, *, bound: bool) -> Floats:
    """Give what an identity is off, or a bound passed by, as a part of the larger side of a run."""
    largest = np.abs(right) if bound else np.maximum(np.abs(left), np.abs(right))
    size = np.maximum(largest.max(axis=1, keepdims=True), 1e-300)
    off = np.maximum(left - right, 0) if bound else np.abs(left - right)
    part: Floats = off / size
    return part
