"""A frontier of growth as JSON."""

from __future__ import annotations

import json
import math

from plansim.analysis.optimization.frontier_records import Check, Frontier, Policy

__all__ = ["frontier_json"]


def frontier_json(found: Frontier) -> str:
    """Write a frontier as JSON: growth a fraction a year; null where there is no number."""
    names = [each.id for each in found.quest.levers]

    def policy(one: Policy | None) -> object:
        return one and {
            "growth": _number(one.growth),
            "tight": one.tight,
            "worst_margin_in_spreads": _number(one.worst_margin),
            "margins": {key: _number(each) for key, each in one.margins.items()},
            "levers": dict(zip(names, one.values, strict=True)),
        }

    content = {
        "growth_of": found.quest.growth,
        "scenario": found.quest.scenario.id,
        "push": [each.id for each in found.quest.push],
        "mend": [each.id for each in found.quest.mend],
        "uncertainty": found.quest.uncertainty and found.quest.uncertainty.id,
        "levers": [
            {"id": each.id, "unit": each.unit, "apply": each.apply, "low": each.low,
             "high": each.high, "present": present}
            for each, present in zip(found.quest.levers, found.present, strict=True)
        ],
        "draws": found.draws,
        "runs": found.runs,
        "horizons": [
            {
                "year": each.year,
                "growth_present": _number(each.growth_present),
                "growth_reach": [_number(end) for end in each.growth_reach],
                "targets": {
                    one.target.id: {
                        "unit": one.target.unit,
                        "spread": _number(one.spread),
                        "present": _number(one.present),
                        "best": _number(one.best),
                        "alone_holds_to_growth": _number(one.growth),
                    }
                    for one in each.alone
                },
                "never": each.never,
                "clashing": each.clashing,
                "kept": each.kept,
                "highest": policy(each.highest),
                "binding": each.binding,
                "search": {"ends": each.search.ends, "resumed": each.search.resumed},
                "check": each.check and _check_json(each.check),
                "along": [policy(one) for one in each.along],
                "chances": [_number(one) for one in each.chances],
                "medians": [_number(one) for one in each.medians],
                "sure": [
                    {
                        "share": one.share,
                        "met": one.met,
                        "error": one.error,
                        "growth": _number(one.growth) if one.policy else None,
                        "policy": policy(one.policy),
                    }
                    for one in each.sure
                ],
                "surest": each.surest and {
                    "met": each.surest.met,
                    "error": each.surest.error,
                    "growth": _number(each.surest.growth),
                    "single": each.surest.single,
                    "product": each.surest.product,
                    "without": [
                        {"targets": ids, "met": met} for ids, met in each.surest.without
                    ],
                    "policy": policy(each.surest.policy),
                },
            }
            for each in found.horizons
        ],
    }  # fmt: skip
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def _check_json(check: Check) -> object:
    return {
        "settings": check.settings,
        "tolerance": check.tolerance,
        "beaten": check.beaten,
        "by": _number(check.by),
        "radii": check.radii,
        "looks": [
            {
                "way": each.way,
                "settings": each.settings,
                "feasible": each.feasible,
                "highest": _number(each.best),
                "levers": each.levers,
                "points_a_lever": each.side,
            }
            for each in check.looks
        ],
        "targets": {
            key: {"alone_holds_to_growth": _number(rate), "best": _number(check.best[key])}
            for key, rate in check.alone.items()
        },
        "alone_beaten": check.alone_beaten,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
