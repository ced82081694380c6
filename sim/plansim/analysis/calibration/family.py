"""Another place by the same model: ``family.yaml`` beside it.

A scenario gives the model the base year of the place, and what came out there is compared with the
run. Its figures are *context*: they are read here, and no calibration takes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from plansim.analysis.calibration.observed import ObservedContext, read_beside
from plansim.analysis.checks_file import Check, ConstantSettings, VariableName
from plansim.errors import InputError, Message, nearest
from plansim.files.forms import Form, Items, listed
from plansim.model.comment import Evidence
from plansim.model.records import Model
from plansim.targets.target import reported_factor

__all__ = ["FAMILY", "Family", "FamilyFigure", "Past", "Variant", "Window", "load_family"]

FAMILY = "family.yaml"


@dataclass(frozen=True)
class FamilyFigure:
    """What came out in another place."""

    name: tuple[str, str, str]
    """Its id, and its name in English and Chinese."""
    variable: str
    year: int
    value: float
    """Of the whole place, in ``unit``, deflated where a deflator is named."""
    unit: str
    sources: tuple[str, ...]
    """Ids of the rows that it is made of."""


class _FigureForm(Check):
    of: VariableName
    year: int
    evidence: Items[str] = Field(min_length=1)
    deflator: str | None = None


def _figure(form: _FigureForm, sources: ObservedContext) -> FamilyFigure:
    rows = [_evidence(name, sources) for name in form.evidence]
    deflators = [] if form.deflator is None else [_evidence(form.deflator, sources)]
    units = sorted({row.unit for row in rows})
    if len(units) > 1:
        raise InputError(
            "the rows have different units", found=Message("{units}", units=tuple(units))
        )
    reported_factor(sources.model.variables[form.of].unit, units[0])  # raises where they differ
    value = math.fsum(map(_number, rows)) / math.prod(map(_number, deflators))
    ids = tuple(row.id for row in (*rows, *deflators))
    return FamilyFigure(form.name, form.of, form.year, value, units[0], ids)


def _evidence(name: str, sources: ObservedContext) -> Evidence:
    if name not in sources.evidence:
        close = nearest(name, sources.evidence)
        raise InputError("no row of the evidence is '{id}'", nearest=close, id=name)
    return sources.evidence[name]


def _number(row: Evidence) -> float:
    try:
        return float(row.value)
    except ValueError:
        raise InputError("the row {id} has no number", found=row.value, id=row.id) from None


class Window(Check):
    """How much something changed in the place between two years of its past, in per cent."""

    of: VariableName
    first: int
    last: int
    yearly: bool = False
    """Whether it is the mean yearly growth."""
    change: float
    within: float = Field(gt=0)
    """The points by which the run may differ."""


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
    """Of so many parts of the place the scenario is one."""
    most: float = Field(gt=0)
    """The relative error that passes."""
    figures: Annotated[tuple[FamilyFigure, ...], listed(list[_FigureForm], _figure)] = Field(
        alias="compare", min_length=1
    )
    past: Past | None = None


def load_family(model: Model) -> Family | None:
    """Read ``family.yaml`` beside a model; None if there is no such file.

    Raises:
        InputError: with every fault of the file, each with its line.
    """
    return read_beside(FAMILY, Family, model, ())
