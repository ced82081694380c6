"""What is known of the years before the runs begin, as dots on the charts of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plansim.analysis.calibration.observed import PointKind, load_history
from plansim.errors import UnitError
from plansim.model.records import Model
from plansim.targets.indicator import Measure
from plansim.targets.target import Kind, Target, split_reference, unit_factor, variable_of

__all__ = ["Dots", "observed_dots"]

_Key = tuple[str, tuple[str, ...]]
Dot = tuple[float, bool]
Dots = Mapping[_Key, Mapping[int, Dot]]
"""By name and elements of a series its values by year, in the model's unit, each with whether it
was observed, or else led back from a later year."""


def observed_dots(model: Model, targets: Sequence[Target]) -> Dots:
    """Return what is known of the past of series of the model.

    From ``history.yaml`` beside the model: series that are just a variable, of which levels are
    known, but not what was measured otherwise. From the plan: the base figures of levels by which a
    target is judged, which give way to the former.
    """
    dots: dict[_Key, dict[int, Dot]] = {}
    for key, year, dot in (*_base_figures(model, targets), *_history(model, targets)):
        dots.setdefault(key, {})[year] = dot
    return {key: dict(sorted(values.items())) for key, values in dots.items()}


def _history(model: Model, targets: Sequence[Target]) -> Iterator[tuple[_Key, int, Dot]]:
    history = load_history(model, targets)
    for series in history.series if history else ():
        key = split_reference(series.of)
        elements = {one for range_ in model.subscripts.values() for one in range_.elements}
        if key[0] not in model.variables or not elements.issuperset(key[1]):
            continue  # an expression over several
        for point in series.observations:
            if point.since is None and point.kind is not PointKind.OTHERWISE:
                is_observed = point.kind is PointKind.OBSERVED
                yield key, point.year, (point.value * series.scale, is_observed)


def _base_figures(model: Model, targets: Sequence[Target]) -> Iterator[tuple[_Key, int, Dot]]:
    """Yield the plan's figures of one year, where a target judges the level of a series."""
    for target in targets:
        period = target.base_period
        is_level = target.kind is Kind.TARGET and target.measure is Measure.LEVEL
        if not is_level or period is None or period.first != period.last:
            continue
        if target.base_value is None or target.base_unit != target.unit:
            continue
        for reference in target.variables.values():
            try:
                factor = unit_factor(variable_of(model, reference).unit, target)
            except UnitError:
                continue
            yield split_reference(reference), period.last, (target.base_value / factor, True)
