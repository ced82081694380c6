"""A frontier of growth as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from plansim.analysis.optimization.frontier import Frontier, Policy

__all__ = ["frontier_json"]


def frontier_json(found: Frontier) -> str:
    """Write a frontier as JSON: growth a fraction a year; null where there is no number."""
    spec = found.spec
    names = [lever.id for lever in spec.levers]

    def policy(one: Policy | None) -> object:
        return one and {
            "growth": _number(one.growth),
            "tight": one.tight,
            "worst_margin_scaled": _number(one.worst_margin),
            "margins": _numbers(one.margins),
            "chance": _number(one.chance),
            "median_growth": _number(one.median),
            "levers": dict(zip(names, one.values, strict=True)),
        }

    content = {
        "growth_of": spec.growth,
        "scenario": spec.scenario.id,
        "growth_levers": [lever.id for lever in spec.growth_levers],
        "target_levers": [lever.id for lever in spec.target_levers],
        "uncertainty": spec.uncertainty and spec.uncertainty.stem,
        "levers": [
            {"id": lever.id, "unit": lever.unit, "apply": lever.apply, "low": lever.low,
             "high": lever.high, "present": present}
            for lever, present in zip(spec.levers, found.present, strict=True)
        ],
        "draws": found.draws,
        "horizons": [
            {
                "year": horizon.year,
                "growth_present": _number(horizon.growth_present),
                "growth_range": [_number(end) for end in horizon.growth_range],
                "targets": {
                    alone.target.id: {
                        "unit": alone.target.unit,
                        "spread": _number(alone.spread),
                        "present": _number(alone.present),
                        "best": _number(alone.best),
                        "alone_holds_to_growth": _number(alone.growth),
                    }
                    for alone in horizon.alone
                },
                "never": horizon.never,
                "conflicting": horizon.conflicting,
                "kept": horizon.kept,
                "highest": policy(horizon.highest),
                "binding": horizon.binding,
                "searches": horizon.searches,
                "front": [policy(one) for one in horizon.front],
                "sure": [
                    {"share": share, "policy": policy(one)} for share, one in horizon.sure.items()
                ],
                "surest": policy(horizon.surest),
                "surest_single": _numbers(horizon.single),
                "surest_without": [
                    {"targets": ids, "chance": chance} for ids, chance in horizon.without
                ],
            }
            for horizon in found.horizons
        ],
    }  # fmt: skip
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def _numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    return {key: _number(value) for key, value in values.items()}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
