"""What people are shown of a model: its charts by theme, and the levers that they may move.

The records alone; `targets.views_file` reads them from ``views.yaml`` beside the model, and
`targets.views_default` derives them for a model that has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plansim.model.records import folded
from plansim.scenario.values import Apply

__all__ = ["Chart", "Lever", "LeverGroup", "Line", "Theme", "Views"]


@dataclass(frozen=True)
class Line:
    """One series on a chart."""

    reference: str
    """``name`` or ``name[e1,e2]``, as the model has it."""
    name_en: str
    name_zh: str
    """As ``name_en`` where the model gives no Chinese name."""
    factor: float
    """From the model's unit to the chart's."""


@dataclass(frozen=True)
class Chart:
    """What is drawn on one pair of axes over years."""

    id: str
    """What it shows first, as the file names it; unique."""
    name_en: str
    name_zh: str
    lines: tuple[Line, ...]
    unit: str
    key: bool
    """Whether it is among those that are looked at first."""


@dataclass(frozen=True)
class Theme:
    """Charts that belong together."""

    id: str
    name_en: str
    name_zh: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Lever:
    """Something that a user may move."""

    id: str
    """The reference of the first constant as the file has it, unique."""
    name_en: str
    name_zh: str
    help_en: str
    help_zh: str
    constants: tuple[str, ...]
    """What it acts on, element by element; one constant if it sets."""
    apply: Apply
    low: float
    high: float
    """The ends of its range: the constant's value, what is added to it, or what it is multiplied
    by; in `unit`."""
    unit: str
    """The model's; Dmnl where it multiplies."""
    shown_unit: str
    shown_factor: float
    """From `unit` to `shown_unit`."""
    outside: bool = False
    """Whether it is out of the hands of those who make the plan, as the weather is."""


@dataclass(frozen=True)
class LeverGroup:
    """Levers that belong together."""

    id: str
    name_en: str
    name_zh: str
    levers: tuple[Lever, ...]


@dataclass(frozen=True)
class Views:
    """All that people are shown of a model."""

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

    def lever(self, name: str) -> Lever | None:
        """Return the lever with an id, or a label in either language; None if there is none."""
        wanted = folded(name)
        names = {
            folded(key): lever
            for lever in self.levers
            for key in (lever.name_zh, lever.name_en, lever.id)
        }
        return names.get(wanted)
