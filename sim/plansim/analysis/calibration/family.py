"""Another place by the same model: ``family.yaml`` beside it.

A scenario gives the model the base year of the place, and what came out there is compared with the
run. Its figures are *context*: they are read here, and no calibration takes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from plansim.analysis.calibration.observed_past import ObservedContext, not_rising, read_beside
from plansim.analysis.checks_form import Check, ConstantSettings, SeriesName
from plansim.errors import Fault, InputError, Message, nearest
from plansim.files.forms import Form, Items, Resolved, listed
from plansim.model.comment import Evidence
from plansim.model.records import Model
from plansim.targets.target import reported_factor, variable_of

__all__ = ["FAMILY", "Family", "FamilyFigure", "Past", "Variant", "Window", "load_family"]

FAMILY = "family.yaml"


def _row(name: str, sources: ObservedContext) -> Evidence:
    """Return a row of the evidence that is a number."""
    if name not in sources.evidence:
        close = nearest(name, sources.evidence)
        raise InputError("no row of the evidence is '{id}'", nearest=close, id=name)
    row = sources.evidence[name]
    try:
        float(row.value)
    except ValueError:
        raise InputError("the row {id} has no number", found=row.value, id=row.id) from None
    return row


class FamilyFigure(Check):
    """What came out in another place."""

    of: SeriesName
    year: int
    evidence: Annotated[tuple[Evidence, ...], listed(list[str], _row), Field(min_length=1)]
    """Rows that are added up."""
    deflator: Annotated[Evidence | None, Resolved(str, _row)] = None

    def _misfits(self, sources: ObservedContext) -> Iterator[Fault]:
        units = sorted({row.unit for row in self.evidence})
        if len(units) > 1:
            found = Message("{units}", units=tuple(units))
            yield Fault("the rows have different units", found=found)
            return
        # Raises where the units do not convert.
        reported_factor(variable_of(sources.model, self.of).unit, units[0])

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return self.evidence[0].unit

    @property
    def value(self) -> float:
        """Figure of the whole place, deflated where a deflator is named."""
        deflator = 1.0 if self.deflator is None else float(self.deflator.value)
        return math.fsum(float(row.value) for row in self.evidence) / deflator


class Window(Check):
    """How much something changed in the place between two years of its past, in per cent."""

    of: SeriesName
    first: int
    last: int
    yearly: bool = False
    """Whether it is the mean yearly growth."""
    change: float
    within: float = Field(gt=0)
    """The points by which the run may differ."""

    def _misfits(self, _: object) -> Iterator[Fault]:
        if self.first >= self.last:
            yield not_rising(self.first, self.last, "first")


class Variant(Check):
    """The run of the past once more, with constants set anew."""

    set: ConstantSettings
    signs: bool = False
    """Whether the sign of every change has to stay that of the place; else it is only shown."""


class Past(Form):
    """A scenario that starts the place in an earlier year, and what happened there since."""

    scenario: str
    windows: Items[Window] = Field(min_length=1)
    variants: Items[Variant] = ()


class Family(Form):
    """A scenario that is another place, and the figures of that place."""

    scenario: str
    size: float = Field(default=1, gt=0)
    """Number of parts like the scenario that make up the place."""
    most: float = Field(gt=0)
    """The relative error that passes."""
    figures: Annotated[
        tuple[FamilyFigure, ...], listed(list[FamilyFigure]), Field(min_length=1)
    ] = Field(alias="compare")
    past: Past | None = None


def load_family(model: Model) -> Family | None:
    """Read ``family.yaml`` beside a model; None if there is no such file.

    Raises:
        InputError: with every fault of the file, each with its line.
    """
    return read_beside(FAMILY, Family, model, ())
