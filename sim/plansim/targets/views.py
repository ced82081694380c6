"""The views of a model: its charts by theme, and the levers that users may move.

`targets.views_file` reads them from ``views.yaml`` beside the model, or derives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from plansim.model.records import Model, Variable, folded
from plansim.scenario.factors import Apply
from plansim.targets.indicator import Measure
from plansim.targets.target import Target, split_reference

__all__ = [
    "Chart",
    "ChartSeries",
    "Cost",
    "Lever",
    "LeverGroup",
    "Theme",
    "Views",
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


# --- names and units ------------------------------------------------------------------------------


def names_of(model: Model, variable: Variable, elements: Sequence[str]) -> tuple[str, str]:
    """Return the English and the Chinese name of a series; of no elements, of all of them."""
    english = f"{variable.name}, {', '.join(elements)}" if elements else variable.name
    chinese = "，".join(model.elements_zh.get(one, one) for one in elements)
    name_zh = variable.name_zh or variable.name
    return english, f"{name_zh}（{chinese}）" if chinese else name_zh


def unit_of(targets: Iterable[Target], references: Iterable[str]) -> str | None:
    """Return the unit of the first target that judges the level or mean of one of some series."""
    wanted = {split_reference(reference) for reference in references}
    for target in targets:
        judging = {split_reference(variable) for variable in target.variables.values()}
        if target.measure in (Measure.LEVEL, Measure.MEAN) and judging & wanted:
            return target.unit
    return None
