"""The views of a model: its charts by theme, and the levers that users may move.

`targets.views_file` reads them from ``views.yaml`` beside the model. A model without that file has
default views. Charts: for each module its stocks and the variables by which targets are judged, at
most `MOST` lines on one, binding targets first. Levers: every scalar constant with a plausible
range; in a model without such ranges every constant, over its finite bounds or from 0.5 to 1.5 of
its value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from plansim.model.records import Model, Variable, VariableKind, cell_name, folded
from plansim.scenario.factors import Apply
from plansim.targets.indicator import Measure
from plansim.targets.target import Attribute, Kind, Target, reported_factor, split_reference

__all__ = [
    "Chart",
    "ChartSeries",
    "Cost",
    "Lever",
    "LeverGroup",
    "Theme",
    "Views",
    "default_views",
    "names_of",
    "unit_of",
]

MOST = 6
"""Maximum number of lines on one chart."""

KEY = 12
"""Number of key charts, which are shown first."""


class Cost(StrEnum):
    """When a chart shows what a change costs the city."""

    MORE = "more"  # as debt does
    LESS = "less"  # as output and jobs do


@dataclass(frozen=True)
class ChartSeries:
    """One series on a chart."""

    reference: str
    """``name`` or ``name[e1,e2]``, as the model has it."""
    name_en: str
    name_zh: str
    """Equal to ``name_en`` if the model gives no Chinese name."""
    factor: float
    """Factor from the model's unit to the chart's."""


@dataclass(frozen=True)
class Chart:
    """Series that are drawn over years on one pair of axes."""

    id: str
    """The first series as the file names it; unique."""
    name_en: str
    name_zh: str
    lines: tuple[ChartSeries, ...]
    unit: str
    key: bool
    """Whether it is one of the key charts, which are shown first."""
    cost: Cost | None = None
    """Whether more or less of it is a cost; None if neither is."""


@dataclass(frozen=True)
class Theme:
    """Charts that belong together."""

    id: str
    name_en: str
    name_zh: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Lever:
    """A lever that a user may move."""

    id: str
    """The reference of the first constant as the file has it, unique."""
    name_en: str
    name_zh: str
    help_en: str
    help_zh: str
    constants: tuple[str, ...]
    """The constants that it acts on, element by element; one if it sets."""
    apply: Apply
    low: float
    high: float
    """The ends of its range: the constant's value, what is added to it, or what it is multiplied
    by; in `unit`."""
    unit: str
    """The model's unit; Dmnl if it multiplies."""
    shown_unit: str
    shown_factor: float
    """Factor from `unit` to `shown_unit`."""
    outside: bool = False
    """Whether it is outside of the planners' control, as the weather is."""
    policy: bool = False
    """Whether policy moves it: members of an ensemble leave it as a scenario sets it."""


@dataclass(frozen=True)
class LeverGroup:
    """Levers that belong together."""

    id: str
    name_en: str
    name_zh: str
    levers: tuple[Lever, ...]


@dataclass(frozen=True)
class Views:
    """The themes of charts and the groups of levers of a model."""

    themes: tuple[Theme, ...]
    groups: tuple[LeverGroup, ...]

    @property
    def charts(self) -> Iterator[Chart]:
        """All charts, in the order of the themes."""
        return (chart for theme in self.themes for chart in theme.charts)

    @property
    def levers(self) -> Iterator[Lever]:
        """All levers, in the order of the groups."""
        return (lever for group in self.groups for lever in group.levers)

    @property
    def policy(self) -> frozenset[str]:
        """The constants that policy moves, ``name`` or ``name[e1,e2]``."""
        return frozenset(c for lever in self.levers if lever.policy for c in lever.constants)

    def lever(self, name: str) -> Lever | None:
        """Return the lever with an id, or a label in either language; None if there is none."""
        wanted = folded(name)
        names = {
            folded(key): lever
            for lever in self.levers
            for key in (lever.name_zh, lever.name_en, lever.id)
        }
        return names.get(wanted)


# --- default views --------------------------------------------------------------------------------


def default_views(model: Model, targets: Sequence[Target] = ()) -> Views:
    """Derive the views of a model from its variables and the targets of its plan."""
    judged = _judged(targets)
    wanted = [
        variable
        for variable in model.variables.values()
        if variable.kind is VariableKind.STOCK or variable.name in judged
    ] or [variable for variable in model.variables.values() if variable.kind.moves]
    drawn = [variable for variable in wanted if math.prod(_lengths(model, variable)) <= MOST]
    first = sorted(drawn, key=lambda variable: judged.get(variable.name, len(judged) + 1))[:KEY]
    modules = dict.fromkeys(variable.module for variable in drawn)
    themes = tuple(
        Theme(
            id=module or model.name,
            name_en=_title(module or model.name),
            name_zh=_title(module or model.name),
            charts=tuple(
                _chart(model, targets, variable, key=variable in first)
                for variable in drawn
                if variable.module == module
            ),
        )
        for module in modules
    )
    return Views(themes, tuple(_groups(model)))


def _judged(targets: Iterable[Target]) -> dict[str, int]:
    """Return the variables that targets judge, each with its rank of importance."""
    judging = [target for target in targets if target.kind is Kind.TARGET]
    ordered = sorted(judging, key=lambda target: target.attribute is not Attribute.BINDING)
    names = (
        split_reference(variable)[0] for target in ordered for variable in target.variables.values()
    )
    return {name: position for position, name in enumerate(dict.fromkeys(names))}


def _lengths(model: Model, variable: Variable) -> Iterator[int]:
    return (len(model.subscripts[name].elements) for name in variable.subscripts)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _chart(model: Model, targets: Sequence[Target], variable: Variable, *, key: bool) -> Chart:
    elements = list(product(*(model.subscripts[name].elements for name in variable.subscripts)))
    references = [cell_name(variable.name, cell) for cell in elements]
    unit = unit_of(targets, references)
    unit = variable.unit if unit is None else unit
    factor = reported_factor(variable.unit, unit)
    lines = [
        ChartSeries(reference, *names_of(model, variable, cell), factor)
        for reference, cell in zip(references, elements, strict=True)
    ]
    name_zh = variable.name_zh or variable.name
    return Chart(variable.name, variable.name, name_zh, tuple(lines), unit, key)


def _groups(model: Model) -> Iterator[LeverGroup]:
    constants = [
        variable
        for variable in model.variables.values()
        if variable.kind is VariableKind.CONSTANT and not variable.subscripts
    ]
    documented = any(variable.plausible for variable in constants)
    ends = {
        variable.name: variable.plausible if documented else _around(variable)
        for variable in constants
    }
    for module in dict.fromkeys(constant.module for constant in constants if ends[constant.name]):
        levers = [
            _lever(variable, *end)
            for variable in constants
            if variable.module == module and (end := ends[variable.name])
        ]
        title = _title(module or model.name)
        yield LeverGroup(module or model.name, title, title, tuple(levers))


def _around(variable: Variable) -> tuple[float, float] | None:
    low, high = variable.admissible
    if low is not None and high is not None:
        return (low, high) if low < high else None
    value = variable.value
    if not isinstance(value, float) or not value or not math.isfinite(value):
        return None
    lower, upper = sorted((0.5 * value, 1.5 * value))
    return (
        lower if low is None else max(lower, low),
        upper if high is None else min(upper, high),
    )


def _lever(variable: Variable, low: float, high: float) -> Lever:
    return Lever(
        id=variable.name,
        name_en=variable.name,
        name_zh=variable.name_zh or variable.name,
        help_en=variable.meaning_en or variable.meaning_zh,
        help_zh=variable.meaning_zh or variable.meaning_en,
        constants=(variable.name,),
        apply=Apply.SET,
        low=low,
        high=high,
        unit=variable.unit,
        shown_unit=variable.unit,
        shown_factor=1.0,
    )


# --- names and units, for the file too ------------------------------------------------------------


def names_of(model: Model, variable: Variable, elements: Sequence[str]) -> tuple[str, str]:
    """Return the English and the Chinese name of a series."""
    english = f"{variable.name}, {', '.join(elements)}" if elements else variable.name
    chinese = [
        dict(zip(within.elements, within.elements_zh, strict=False)).get(element, element)
        for element, within in zip(
            elements, (model.subscripts[name] for name in variable.subscripts), strict=True
        )
    ]
    name_zh = variable.name_zh or variable.name
    return english, f"{name_zh}（{'，'.join(chinese)}）" if chinese else name_zh


def unit_of(targets: Iterable[Target], references: Iterable[str]) -> str | None:
    """Return the unit of the first target that judges the level or mean of one of some series."""
    wanted = {split_reference(reference) for reference in references}
    for target in targets:
        judging = {split_reference(variable) for variable in target.variables.values()}
        if target.measure in (Measure.LEVEL, Measure.MEAN) and judging & wanted:
            return target.unit
    return None
