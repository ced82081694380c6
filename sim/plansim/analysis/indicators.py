"""What is measured of a run as a target is, without the plan asking for it: growth, an outlay.

A gauge is a target of at least nothing: its value is what is asked for, its verdict means nothing.
"""

from __future__ import annotations

from dataclasses import replace

from plansim.analysis.runs import variable_of
from plansim.model.records import Model
from plansim.targets.catalogue import Attribute, Direction, Kind, Target
from plansim.targets.indicator import Measure, measured_unit, trailing_base

__all__ = ["gauge", "later"]


def gauge(model: Model, reference: str, measure: Measure, since: int, year: int) -> Target:
    """Make a gauge of a series, ``name`` or ``name[element]``, in the unit that it comes in."""
    variable = variable_of(model, reference)
    return Target(
        id=f"{measure} of {reference} {since}-{year}",
        kind=Kind.TARGET,
        name_en=variable.name,
        name_zh=variable.name_zh,
        unit=measured_unit(measure, variable.unit),
        attribute=Attribute.UNLABELLED,
        base_period=None,
        base_value=None,
        base_unit=measured_unit(measure, variable.unit),
        year=year,
        value=0.0,
        direction=Direction.AT_LEAST,
        tolerance=None,
        parts=(),
        measure=measure,
        since=since,
        horizon=year,
        basis=(),
        variables={None: reference},
        planned={},
        reason_en="",
        reason_zh="",
        place_en="",
        place_zh="",
        wording="",
        note_en="",
        note_zh="",
        file=str(model.path),
        line=variable.line,
    )


def later(target: Target, year: int) -> Target:
    """Give a target as it is followed at a year after its own."""
    assert target.year is not None
    since = trailing_base(target.measure, target.since, target.year, year)
    return replace(target, id=f"{target.id} in {year}", year=year, since=since)
