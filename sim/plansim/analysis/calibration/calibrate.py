"""A calibration: constants fitted to observations, and how well these determine them.

A calibration does not change the model; the fitted values are written as a scenario.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plansim.analysis.calibration.calibration_file import Spec, read_calibration
from plansim.analysis.calibration.identifiability import Identifiability, identifiability
from plansim.analysis.calibration.least_squares import Fit, Interval, fit, profile
from plansim.analysis.calibration.observations import Observation, ObservationEvaluator
from plansim.engine.trajectory import version_of
from plansim.errors import Message, SimulationError
from plansim.files.writing import write_text
from plansim.model.records import Model
from plansim.scenario.factors import Factor, constants_of, neutral_value
from plansim.scenario.records import BilingualText
from plansim.scenario.scenario_file import scenario_text
from plansim.targets.indicator import Floats

__all__ = ["Calibration", "Estimate", "Residual", "calibrate", "overlay_text", "write_overlay"]

EDGE = 1e-4
"""A value nearer than this share of the range to an end lies on its edge."""


@dataclass(frozen=True)
class Estimate:
    """A fitted parameter, in its own unit."""

    parameter: Factor
    low: float
    high: float
    present: float
    """The value that leaves the scenario unchanged."""
    value: float
    interval: Interval
    """In the parameter's unit; an open end is that of the range."""
    on_edge: bool
    """Whether the value lies on an end of the range, so that the data call for a wider one."""

    @property
    def determined(self) -> bool:
        """Whether the data bound it on both sides."""
        return not (self.interval.open_low or self.interval.open_high)


@dataclass(frozen=True)
class Residual:
    """An observation and the model's values for it."""

    observation: Observation
    before: float
    """The scenario's value before the fit, in the observation's unit."""
    after: float
    """The value with the fitted parameters."""

    @property
    def miss(self) -> float:
        """The residual after the fit, in standard deviations; positive if the model is too high."""
        return (self.after - self.observation.value) / self.observation.error


@dataclass(frozen=True)
class Calibration:
    """The result of a calibration."""

    spec: Spec
    estimates: tuple[Estimate, ...]
    residuals: tuple[Residual, ...]
    best: Fit
    chi_squared_before: float
    known: Identifiability
    card: Mapping[str, Any]
    """All that the numbers depend on."""


class _Misfit:
    """The model's values for the observations, as a function of the parameters.

    A point gives each parameter as a share of its range, from 0 at the low end to 1.
    """

    def __init__(self, spec: Spec, model: Model) -> None:
        self._evaluator = ObservationEvaluator(
            model, spec.scenario, spec.parameters, spec.observations
        )
        ends = [
            (0.0, 1.0) if shape is None else (shape.low, shape.high)
            for shape in (factor.distribution for factor in spec.parameters)
        ]
        self.lows, self.highs = np.array(ends).reshape(-1, 2).T
        self._wanted = np.array([row.value for row in spec.observations])
        self._scale = np.array([math.sqrt(row.weight) / row.error for row in spec.observations])

    def values(self, points: Floats) -> Floats:
        """Return ``(run, observation)`` in the units of the observations; NaN for a failed run."""
        shares = np.atleast_2d(np.asarray(points, dtype=np.float64))
        return self._evaluator.evaluate(self.lows + shares * (self.highs - self.lows))

    def misses(self, points: Floats) -> Floats:
        """Return weighted misses in standard deviations, ``(run, observation)``."""
        misses: Floats = (self.values(points) - self._wanted) * self._scale
        return misses


def calibrate(
    model: Model,
    spec: Spec | str | Path,
    *,
    progress: Callable[[int, int], None] = lambda done, steps: None,
) -> Calibration:
    """Fit a calibration's parameters to its observations.

    ``spec`` is a record, the path of a calibration file, or the name of a shipped one.
    ``progress`` is told how many of the starts and intervals are done, of how many.

    Raises:
        InputError: a constant that the shape of the code depends on cannot be fitted.
        ModelError: the model cannot be compiled.
        SimulationError: the scenario itself breaks down.

    >>> fit = plansim.calibrate(plansim.load_model("lake.mdl"), "fit.yaml")
    >>> [(one.parameter.name, one.low <= one.value <= one.high) for one in fit.estimates]
    [('growth rate', True), ('room', True)]
    """
    spec = spec if isinstance(spec, Spec) else read_calibration(spec, model)
    misfit = _Misfit(spec, model)
    values = spec.scenario.values
    present = np.array(
        [neutral_value(model, values, one.apply, one.constants) for one in spec.parameters]
    )
    width = misfit.highs - misfit.lows
    start = (present - misfit.lows) / width
    as_is = misfit.values(start)[0]
    if not np.isfinite(as_is).all():
        raise SimulationError(
            Message(
                "a run of '{scenario}' gives no figure for an observation",
                scenario=spec.scenario.id,
            )
        )
    steps = spec.starts + len(spec.parameters)
    best = fit(
        misfit.misses,
        np.clip(start, 0, 1),
        starts=spec.starts,
        seed=spec.seed,
        progress=lambda done: progress(done, steps),
    )
    fitted = misfit.values(best.point)[0]
    estimates = []
    for index, factor in enumerate(spec.parameters):
        interval = profile(misfit.misses, best, index)
        progress(spec.starts + index + 1, steps)
        low, high = misfit.lows[index], misfit.highs[index]
        estimates.append(
            Estimate(
                parameter=factor,
                low=float(low),
                high=float(high),
                present=float(present[index]),
                value=float(low + best.point[index] * width[index]),
                # An open end is that of the range, to the last digit.
                interval=replace(
                    interval,
                    low=max(float(low + interval.low * width[index]), float(low)),
                    high=min(float(low + interval.high * width[index]), float(high)),
                ),
                on_edge=bool(min(best.point[index], 1 - best.point[index]) < EDGE),
            )
        )
    before = misfit.misses(start)[0]
    return Calibration(
        spec=spec,
        estimates=tuple(estimates),
        residuals=tuple(
            Residual(row, float(was), float(now))
            for row, was, now in zip(spec.observations, as_is, fitted, strict=True)
        ),
        best=best,
        chi_squared_before=float(before @ before),
        known=identifiability(best),
        card=_card(spec, model),
    )


def _card(spec: Spec, model: Model) -> dict[str, Any]:
    clock = spec.scenario.time
    return {
        "calibration": {"id": spec.id, "sha256": spec.sha256},
        "model": {"name": model.name, "sha256": model.sha256},
        "scenario": {"id": spec.scenario.id, "sha256": spec.scenario.sha256},
        "data": dict(spec.tables),
        "rows": [f"{row.file.name}:{row.line}" for one in spec.observations if (row := one.row)],
        "starts": spec.starts,
        "seed": spec.seed,
        "time": [clock.initial, clock.final, clock.step, clock.saveper],
        "integration": clock.integration.value,
        "versions": {name: version_of(name) for name in ("plansim", "numpy", "scipy")},
    }


def write_overlay(
    calibration: Calibration, model: Model, path: str | Path, *, force: bool = False
) -> None:
    """Write what a calibration would set as a scenario file.

    Raises:
        OutputError: the file exists and ``force`` is not given, or the system refuses to write.

    >>> model = plansim.load_model("lake.mdl")
    >>> fit = plansim.calibrate(model, "fit.yaml")
    >>> plansim.write_overlay(fit, model, "fitted.yaml", force=True)
    >>> sorted(plansim.read_scenario("fitted.yaml", model).values)
    ['FINAL TIME', 'INITIAL TIME', 'growth rate', 'room']
    """
    parent, path = calibration.spec.parent, Path(path)
    file = calibration.spec.path.parent / parent
    if file.suffix in {".yaml", ".yml"}:
        parent = Path(os.path.relpath(file.resolve(), path.resolve().parent)).as_posix()
    write_text(overlay_text(calibration, parent, model), path, force=force)


def overlay_text(calibration: Calibration, parent: str, model: Model) -> str:
    """Write the fitted values as a scenario, a child of the one under which they were fitted.

    ``parent`` is the name of that scenario in the file.
    """
    spec = calibration.spec
    own = np.array([[estimate.value for estimate in calibration.estimates]])
    references = [name for factor in spec.parameters for name in factor.constants]
    fitted = constants_of(model, spec.scenario.values, spec.parameters, own)[0]
    values = dict(zip(references, fitted.tolist(), strict=True))

    return scenario_text(
        BilingualText(f"{spec.title_en}: fitted", f"{spec.title_zh}（拟合值）"),
        BilingualText(
            f"Constants of {spec.scenario.id} as the calibration {spec.id} would have them: "
            "a fit to the past, not a part of the model.",
            f"按校准 {spec.id} 拟合的 {spec.scenario.id} 常数：仅对历史的拟合，不属于模型。",
        ),
        values,
        parent=parent,
        sources=[f"run card: {json.dumps(calibration.card, ensure_ascii=False)}"],
    )
