"""A study of uncertainty for other programs: CSV with one row a figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from plansim.analysis.sensitivity.study import QUANTILES, Sensitivity

__all__ = ["sensitivity_csv"]

_COLUMNS = ("kind", "scenario", "target", "unit", "factor", "year", "what", "value")
_PARTS = ("first", "first_low", "first_high", "total", "total_low", "total_high", "effect")


def sensitivity_csv(result: Sensitivity) -> str:
    """Write a study as one row a figure; a number that there is none of is empty.

    Columns: kind (chance, margin, ranking, pairing, index, fan), scenario, target, unit, factor,
    year, what, value. Of a ``pairing`` the scenario behind stands in ``factor``, of a ``fan`` the
    series in ``target``; the group of all factors that were screened out has an empty ``factor``.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in _rows(result):
        *words, value = row
        assert isinstance(value, float)
        writer.writerow([*words, repr(value) if math.isfinite(value) else ""])
    return stream.getvalue()


def _rows(result: Sensitivity) -> Iterator[tuple[object, ...]]:
    for chance in result.chances:
        id_, unit = (chance.target.id, chance.target.unit) if chance.target else ("", "")
        yield "chance", chance.scenario, id_, "", "", "", "met", chance.met
        yield "chance", chance.scenario, id_, "", "", "", "error", chance.error
        for share, margin in zip(QUANTILES, chance.margins, strict=False):
            yield "margin", chance.scenario, id_, unit, "", "", f"quantile {share:g}", margin
    if result.ranking is not None:
        for number in result.ranking.places:
            for what in ("met", "low", "high"):
                value = float(getattr(number, what))
                yield "ranking", number.scenario, "", "", "", "", what, value
        for pair in result.ranking.pairings:
            for what in ("more", "equal", "fewer"):
                yield "pairing", pair.ahead, "", "", pair.behind, "", what, getattr(pair, what)
            for id_, share in pair.margins.items():
                yield "pairing", pair.ahead, id_, "", pair.behind, "", "larger margin", share
    first = result.design.scenarios[0].id
    for drivers in result.drivers:
        target = drivers.target
        for index in [*drivers.indices, *([drivers.rest] if drivers.rest else [])]:
            for part in _PARTS:
                unit = target.unit if part == "effect" else ""
                value = getattr(index, part)
                yield "index", first, target.id, unit, index.factor, "", part, value
    for fan in result.fans:
        for share, line in zip(QUANTILES, fan.quantiles, strict=True):
            for year, value in zip(fan.years, line, strict=True):
                what = f"quantile {share:g}"
                yield "fan", fan.scenario, fan.series, fan.unit, "", year, what, value
