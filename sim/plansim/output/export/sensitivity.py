"""A study of uncertainty for other programs: JSON in full, CSV with one row a figure."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict

from plansim.analysis.sensitivity.study import QUANTILES, Index, Sensitivity

__all__ = ["sensitivity_csv", "sensitivity_json"]

_COLUMNS = ("kind", "scenario", "target", "unit", "factor", "year", "what", "value")
_PARTS = ("first", "first_low", "first_high", "total", "total_low", "total_high", "effect")


def sensitivity_json(found: Sensitivity) -> str:
    """Write a study as JSON; a number that there is none of is null."""
    design = found.design
    first = design.scenarios[0].id
    content = {
        "design": design.id,
        "sha256": design.sha256,
        "seed": design.seed,
        "scenarios": [each.id for each in design.scenarios],
        "titles": {
            each.id: {"en": each.title_en, "zh": each.title_zh} for each in design.scenarios
        },
        "factors": [each.name for each in design.factors],
        "draws": found.draws,
        "runs": found.runs,
        "broken": found.broken,
        "chances": [
            {
                "scenario": each.scenario,
                "target": each.target and each.target.id,
                "unit": each.target and each.target.unit,
                "met": _number(each.met),
                "error": _number(each.error),
                "margins": dict(zip(map(str, QUANTILES), map(_number, each.margins), strict=False)),
            }
            for each in found.chances
        ],
        "ranking": found.ranking
        and {
            "stable": found.ranking.stable,
            "draws": found.ranking.draws,
            "places": [asdict(each) for each in found.ranking.places],
            "pairings": [asdict(each) | {"stable": each.stable} for each in found.ranking.pairings],
        },
        "screening": {
            "scenario": first,
            "trajectories": found.screening.trajectories,
            "effects": {
                target.id: {
                    factor.name: {
                        "mean": _number(found.screening.mean[row, place]),
                        "strength": _number(found.screening.strength[row, place]),
                        "strength_error": _number(found.screening.strength_error[row, place]),
                        "spread": _number(found.screening.spread[row, place]),
                    }
                    for place, factor in enumerate(design.factors)
                }
                for row, target in enumerate(found.binding)
            },
        },
        "drivers": [
            {
                "target": each.target.id,
                "unit": each.target.unit,
                "scenario": first,
                "spread": _number(each.spread),
                "indices": [_index(index) for index in each.indices],
                "rest": each.rest and _index(each.rest),
            }
            for each in found.drivers
        ],
        "fans": [
            {
                "scenario": each.scenario,
                "series": each.series,
                "unit": each.unit,
                "years": each.years,
                "quantiles": {
                    str(share): [_number(value) for value in row]
                    for share, row in zip(QUANTILES, each.quantiles, strict=True)
                },
            }
            for each in found.fans
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def _index(index: Index) -> dict[str, str | float | None]:
    return {
        "factor": index.factor,
        "factor_zh": index.factor_zh,
        **{part: _number(getattr(index, part)) for part in _PARTS},
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def sensitivity_csv(found: Sensitivity) -> str:
    """Write a study as one row a figure; a number that there is none of is empty.

    Columns: kind (chance, margin, ranking, pairing, index, fan), scenario, target, unit, factor,
    year, what, value. Of a ``pairing`` the scenario behind stands in ``factor``, of a ``fan`` the
    series in ``target``; the group of all factors that were screened out has an empty ``factor``.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in _rows(found):
        *words, value = row
        assert isinstance(value, float)
        writer.writerow([*words, repr(value) if math.isfinite(value) else ""])
    return stream.getvalue()


def _rows(found: Sensitivity) -> Iterator[tuple[object, ...]]:
    for chance in found.chances:
        id_, unit = (chance.target.id, chance.target.unit) if chance.target else ("", "")
        yield "chance", chance.scenario, id_, "", "", "", "met", chance.met
        yield "chance", chance.scenario, id_, "", "", "", "error", chance.error
        for share, margin in zip(QUANTILES, chance.margins, strict=False):
            yield "margin", chance.scenario, id_, unit, "", "", f"quantile {share:g}", margin
    if found.ranking is not None:
        for place in found.ranking.places:
            for what in ("met", "low", "high"):
                value = float(getattr(place, what))
                yield "ranking", place.scenario, "", "", "", "", what, value
        for pair in found.ranking.pairings:
            for what in ("more", "equal", "fewer"):
                yield "pairing", pair.ahead, "", "", pair.behind, "", what, getattr(pair, what)
            for id_, share in pair.margins.items():
                yield "pairing", pair.ahead, id_, "", pair.behind, "", "larger margin", share
    first = found.design.scenarios[0].id
    for drivers in found.drivers:
        target = drivers.target
        for index in [*drivers.indices, *([drivers.rest] if drivers.rest else [])]:
            for part in _PARTS:
                unit = target.unit if part == "effect" else ""
                value = getattr(index, part)
                yield "index", first, target.id, unit, index.factor, "", part, value
    for fan in found.fans:
        for share, line in zip(QUANTILES, fan.quantiles, strict=True):
            for year, value in zip(fan.years, line, strict=True):
                what = f"quantile {share:g}"
                yield "fan", fan.scenario, fan.series, fan.unit, "", year, what, value
