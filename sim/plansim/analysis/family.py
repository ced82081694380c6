"""Another member of the family: the same structure under another place's base year.

A scenario gives the model the base year of another place; what came out there is held to its run.
The figures are *context*: they are read here, and no fit takes them (see `observations`).
``family.yaml`` beside a model says which scenario and which figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from plansim.analysis.evaluator import Engine, Evaluator, Request, compiled
from plansim.errors import (
    CatalogueError,
    Fault,
    InputError,
    Message,
    UnitError,
    UnknownNameError,
    nearest,
)
from plansim.forms import Document, read_document
from plansim.model.evidence import Evidence, load_evidence
from plansim.model.records import Model
from plansim.scenario.reader import Scenario
from plansim.targets.catalogue import reported_factor
from plansim.targets.form import Form, fault_at, form_of

__all__ = ["FILE_NAME", "Comparison", "Family", "Figure", "compare", "load_family"]

FILE_NAME = "family.yaml"


class _Figure(Form):
    id: str
    en: str
    zh: str
    of: str
    year: int
    evidence: list[str] = Field(min_length=1)
    deflator: str | None = None


class _File(Form):
    scenario: str
    size: float | int = Field(default=1, gt=0)
    most: float | int = Field(gt=0)
    compare: list[_Figure] = Field(min_length=1)


@dataclass(frozen=True)
class Figure:
    """What came out in the place."""

    id: str
    name_en: str
    name_zh: str
    variable: str
    year: int
    value: float
    """Of the whole place, in ``unit``, deflated where a deflator is named."""
    unit: str
    sources: tuple[str, ...]
    """Ids of the rows that it is made of."""


@dataclass(frozen=True)
class Family:
    """A scenario that is another place, and what it is held to."""

    scenario: str
    size: float
    """Of so many parts of the place the scenario is one."""
    most: float
    """The relative error that passes."""
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Comparison:
    """A figure beside the run's."""

    figure: Figure
    simulated: float
    """Of the whole place, in the figure's unit."""
    holds: bool

    @property
    def error(self) -> float:
        """Relative to the figure: positive where the run is too high."""
        return self.simulated / self.figure.value - 1


def load_family(model: Model) -> Family | None:
    """Read ``family.yaml`` beside a model; None if there is no such file.

    Raises:
        CatalogueError: with every fault of the file.
    """
    path = model.path.with_name(FILE_NAME)
    if not path.is_file():
        return None
    document = read_document(path)
    form = form_of(_File, document)
    evidence = load_evidence(model.path.parent)
    faults: list[Fault] = []
    figures = tuple(_figures(form, model, evidence, document, faults))
    if faults:
        raise CatalogueError(faults)
    return Family(form.scenario, float(form.size), float(form.most), figures)


def _figures(
    form: _File,
    model: Model,
    evidence: Mapping[str, Evidence],
    document: Document,
    faults: list[Fault],
) -> Iterator[Figure]:
    for index, each in enumerate(form.compare):
        place = ("compare", index)
        try:
            variable = model.find(each.of)
            rows = [_row(name, evidence) for name in each.evidence]
            deflator = 1.0 if each.deflator is None else _number(_row(each.deflator, evidence))
            units = {row.unit for row in rows}
            if len(units) > 1:
                raise InputError(
                    Fault(
                        "the rows have different units",
                        found=Message("{units}", units=tuple(units)),
                    )
                )
            reported_factor(variable.unit, rows[0].unit)
        except UnknownNameError as error:
            faults += [fault_at(document, (*place, "of"), f.message, nearest=f.nearest)
                       for f in error.faults]  # fmt: skip
        except (UnitError, InputError) as error:
            faults += [
                fault_at(document, place, f.message, f.expected, f.found, f.nearest)
                for f in error.faults
            ]
        else:
            sources = (*each.evidence, *([each.deflator] if each.deflator else []))
            value = math.fsum(map(_number, rows)) / deflator
            yield Figure(each.id, each.en, each.zh, variable.name, each.year, value,
                         rows[0].unit, sources)  # fmt: skip


def _row(name: str, evidence: Mapping[str, Evidence]) -> Evidence:
    if name not in evidence:
        raise InputError(Fault("no row of the evidence is '{id}'",
                               nearest=nearest(name, list(evidence)), id=name))  # fmt: skip
    _number(evidence[name])
    return evidence[name]


def _number(row: Evidence) -> float:
    try:
        return float(row.value)
    except ValueError:
        raise InputError(Fault("the row {id} has no number", found=row.value, id=row.id)) from None


def compare(
    family: Family, model: Model, scenario: Scenario, engine: Engine = compiled
) -> tuple[Comparison, ...]:
    """Run the scenario and hold it to the figures.

    Raises:
        ModelError: the engine cannot compute the model.
    """
    names = tuple(dict.fromkeys(figure.variable for figure in family.figures))
    years = tuple(sorted({figure.year for figure in family.figures}))
    evaluator = Evaluator(model, scenario, (), Request(outputs=names, years=years), engine)
    (run,) = evaluator.evaluate([[]]).outputs
    comparisons = []
    for figure in family.figures:
        factor = reported_factor(model.variables[figure.variable].unit, figure.unit)
        simulated = run[names.index(figure.variable), years.index(figure.year)]
        value = float(simulated) * factor * family.size
        holds = abs(value / figure.value - 1) <= family.most  # false of NaN
        comparisons.append(Comparison(figure, value, holds))
    return tuple(comparisons)
