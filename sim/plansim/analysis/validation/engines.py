"""Q24 and Q25: the engines agree, and every result says where it comes from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plansim.analysis.experiments.design import Design, Kind
from plansim.analysis.experiments.factors import Apply, Factor, Uniform
from plansim.analysis.experiments.store import open_store
from plansim.analysis.experiments.sweep import sweep
from plansim.analysis.validation.context import Dossier, indicators
from plansim.analysis.validation.probe import Probe, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found, unfinished
from plansim.analysis.validation.settings import uncertain
from plansim.compiler.lower import cells_of
from plansim.engine.simlin import AGREE as SIMLIN_AGREES
from plansim.engine.simlin import has_simlin, run_simlin
from plansim.engine.simulate import EngineChoice, simulate
from plansim.engine.trajectory import largest_difference, recorded
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.indicator import Floats

__all__ = ["AGREE", "disagreement", "engines", "run_cards"]

AGREE: Mapping[str, float] = {"PySD": 1e-9, "pysimlin": SIMLIN_AGREES}
"""By the other engine: of the larger of a value and the largest of its series."""

_EMPTY = (None, "", "unknown")
_CARD = (
    "model_sha256",
    "scenario_sha256",
    "plansim_version",
    "engine",
    "engine_version",
    "python",
    "method",
    "time_step",
)
"""What the attributes of a run have to hold."""
_SWEEP_CARD = ("sha256", "plansim", "engine", "time", "method", "seed")
"""What the card of a sweep has to hold, at whatever depth."""


# --- Q24 ------------------------------------------------------------------------------------------


def engines(dossier: Dossier, *, reference: bool = False) -> Finding:
    """Compare all series of every scenario with those of pysimlin; with ``reference``, of PySD."""
    limits = {name.lower(): most for name, most in AGREE.items()}
    others = ["pysimlin"] * has_simlin() + ["PySD"] * reference
    probe = probe_of(dossier.model)
    ours = {each.id: _ours(probe, each) for each in dossier.scenarios.values()}
    cases = [
        disagreement(other, each.id, ours[each.id], _theirs(other, dossier.model, each))
        for each in dossier.scenarios.values()
        for other in others
    ]
    figures: dict[str, Number] = {
        "engines": " + ".join(others),
        "largest": max((float(case.values["error"]) for case in cases), default=0.0),
        "scenarios": len(dossier.scenarios),
        "series": len(probe.kernel.outputs),
    }
    lacking = [] if has_simlin() else ["pysimlin"]
    lacking += [] if reference else ["reference"]
    if lacking:
        return unfinished("Q24", cases, figures, limits, lacking)
    return found("Q24", cases, figures, limits)


def disagreement(
    other: str,
    scenario: str,
    ours: Mapping[str, Floats],
    theirs: Mapping[str, Floats],
) -> Case:
    """Give the largest difference of two engines' series, ``(time,)`` by their names.

    It counts against the largest value of the series.
    """
    worst = largest_difference(ours, theirs)
    values: dict[str, Number] = {
        "engine": other,
        "error": worst.error,
        "what": worst.series,
        "scale": worst.scale,
    }
    return Case(scenario, worst.error <= AGREE[other], Said.AGREES, values)


def _ours(probe: Probe, scenario: Scenario) -> dict[str, Floats]:
    runs = probe.run([scenario.values], scenario.time)
    return {name: runs.values[0, row] for name, row in probe.rows.items()}


def _theirs(other: str, model: Model, scenario: Scenario) -> Mapping[str, Floats]:
    if other == "pysimlin":
        return run_simlin(model, scenario)
    dataset = simulate(model, scenario, engine=EngineChoice.PYSD)
    over_time, _ = recorded(model)
    series: dict[str, Floats] = {}
    for variable in over_time:
        values = dataset[variable.name].to_numpy().reshape(dataset.sizes["time"], -1)
        series |= dict(zip(cells_of(model, variable), values.T, strict=True))
    return series


# --- Q25 ------------------------------------------------------------------------------------------


def run_cards(dossier: Dossier) -> Finding:
    """See that a run and a sweep carry what they depend on, and that a run comes out again."""
    model, scenario = dossier.model, dossier.baseline
    first, second = (simulate(model, scenario, cache=each) for each in (True, False))
    attributes: Mapping[str, object] = {str(key): value for key, value in first.attrs.items()}
    cases = [
        Case(
            scenario.id, attributes.get(key) not in (None, "", "unknown"), Said.CARD, {"what": key}
        )
        for key in _CARD
    ]
    same = all(
        first[name].to_numpy().tobytes() == second[name].to_numpy().tobytes() for name in first
    )
    cases.append(Case(scenario.id, same, Said.AGAIN))
    names = set(_names(_sweep_card(dossier)))
    cases += [Case("sweep", key in names, Said.CARD, {"what": key}) for key in _SWEEP_CARD]
    figures: dict[str, Number] = {"entries": len(_CARD) + len(_SWEEP_CARD)}
    return found("Q25", cases, figures)


def _sweep_card(dossier: Dossier) -> Mapping[str, Any]:
    scalar = next(each for each in uncertain(dossier.model) if not each.subscripts)
    assert scalar.plausible is not None
    factor = Factor(scalar.name, (scalar.name,), Apply.SET, Uniform(*scalar.plausible), scalar.unit)
    design = Design(
        id="card",
        title_en="",
        title_zh="",
        kind=Kind.SOBOL,
        scenarios=(dossier.baseline,),
        factors=(factor,),
        points=8,
        seed=1,
        levels=0,
        outputs=indicators(dossier)[:1],
        years=tuple(dossier.checks.years[:1]),
    )
    with tempfile.TemporaryDirectory(prefix="plansim-") as folder:
        path = Path(folder, "card.zarr")
        sweep(design, dossier.model, dossier.targets, path, threads=1)
        return open_store(path).card


def _names(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if value not in _EMPTY:
                yield str(key)
            yield from _names(value)
