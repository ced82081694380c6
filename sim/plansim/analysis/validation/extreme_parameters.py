"""Q12: no constant, and no corner of the plausible, breaks the model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.probe import every_step, probe_of
from plansim.analysis.validation.result import Case, Finding, Said, found
from plansim.analysis.validation.settings import Settings, drawn, scaled, uncertain
from plansim.analysis.validation.soundness import breaches
from plansim.model.records import VariableKind

__all__ = ["CORNERS", "FACTORS", "corners"]

FACTORS = (0.1, 10.0)
CORNERS = 200
SEED = 20_051_231


def corners(dossier: Dossier, count: int = CORNERS) -> Finding:
    """Run the baseline with each constant at a tenth and at the tenfold, then in random corners.

    One constant at a time, an array as a whole, clipped to what is admissible; in a corner all
    constants are at one end or the other of their plausible ranges.
    """
    model, base = dossier.model, dossier.baseline
    named: list[tuple[str, Settings]] = [
        (f"{name} × {factor:g}", values)
        for factor in FACTORS
        for name, values in scaled(model, factor)
    ]
    scaled_runs = len(named)
    random = np.random.default_rng(SEED)
    places = random.integers(2, size=(count, len(uncertain(model)))).astype(float)
    named += [(f"corner {n}", drawn(model, each.tolist())) for n, each in enumerate(places)]
    probe = probe_of(model, effort=1)
    subjects = [name for name, _ in named]
    settings: Iterable[Settings] = ({**base.values, **values} for _, values in named)
    cases: list[Case] = []
    for first, runs in probe.each(settings, every_step(base)):
        cases += breaches(runs, model, dossier.checks, subjects[first : first + len(runs.bad)])
    broken = len({case.subject for case in cases})
    figures = {
        "constants": sum(each.kind is VariableKind.CONSTANT for each in model.variables.values()),
        "scaled": scaled_runs,
        "corners": count,
        "broken": broken,
    }
    if not cases and named:
        cases = [Case(base.id, True, Said.SOUND, {"runs": len(named)})]
    return found("Q12", cases, figures, {"low": FACTORS[0], "high": FACTORS[1]})
