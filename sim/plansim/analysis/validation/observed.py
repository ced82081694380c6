"""What is known of a model's past, as the file ``history.yaml`` beside it says."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.analysis.validation.probe import Equation
from plansim.errors import CatalogueError, Fault, Message, nearest
from plansim.forms import Document, read_document
from plansim.model.records import Model, VariableKind
from plansim.targets.catalogue import Target
from plansim.targets.form import Form, fault_at, form_of

__all__ = ["FILE_NAME", "History", "Observed", "Point", "Stock", "load_history"]

FILE_NAME = "history.yaml"
OBSERVATIONS = "observations.csv"
"""Both beside the model."""


class Stock(Form):
    """An array whose sum at the start is not well known."""

    constant: str
    low: float | int
    high: float | int
    points: int


class _PointForm(Form):
    year: int
    since: int | None = None
    target: str | None = None
    observation: list[str] | None = None


class _Path(Form):
    target: str
    rate: str
    first: int


class _Series(Form):
    id: str
    en: str
    zh: str
    of: str
    unit: str
    scale: float | int = 1
    end_of_year: bool = False
    most: float | int | None = None
    points: list[_PointForm] | None = None
    path: _Path | None = None


class _File(Form):
    capital: Stock | None = None
    place: str
    series: list[_Series]


@dataclass(frozen=True)
class Point:
    """One observation."""

    year: int
    since: int | None
    """If not None, `value` is the mean yearly growth from that year."""
    value: float
    """In the model's unit; of growth, a fraction a year."""
    source: str


@dataclass(frozen=True)
class Observed:
    """One observed series, and what in the model answers for it."""

    id: str
    name_en: str
    name_zh: str
    equation: Equation
    unit: str
    """As the figures are observed."""
    scale: float
    """What makes a figure in `unit` one of the model's."""
    end_of_year: bool
    most: float | None
    """The mean absolute relative error that passes; None where it is not judged."""
    points: tuple[Point, ...]


@dataclass(frozen=True)
class History:
    """All that is known."""

    capital: Stock | None
    series: tuple[Observed, ...]


def load_history(model: Model, targets: Sequence[Target]) -> History | None:
    """Read what is known of a model's past; None if no file says.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    path = model.path.with_name(FILE_NAME)
    if not path.is_file():
        return None
    document = read_document(path)
    file = form_of(_File, document)
    reader = _Reader(
        document,
        {each.id: each for each in targets},
        _observations(path.with_name(OBSERVATIONS), file.place),
    )
    series = tuple(reader.observed(place, each) for place, each in enumerate(file.series))
    faults = [*reader.faults, *_capital_faults(model, document, file.capital)]
    if faults:
        raise CatalogueError(faults)
    return History(file.capital, series)


def _observations(path: Path, place: str) -> Mapping[tuple[str, str, int], float]:
    """Give the figures of a place by quantity, part and year."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {
            (row["quantity"], row["part"], int(row["year"])): float(row["value"])
            for row in csv.DictReader(file)
            if row["place"] == place and row["value"]
        }


def _capital_faults(model: Model, document: Document, capital: Stock | None) -> Iterator[Fault]:
    if capital is None:
        return
    variable = model.variables.get(capital.constant)
    if variable is None or variable.kind is not VariableKind.CONSTANT:
        why = Message("the model has no constant '{name}'", name=capital.constant)
        yield fault_at(
            document,
            ("capital", "constant"),
            why,
            nearest=nearest(capital.constant, model.variables),
        )


class _Reader:
    """Finds the figures that a file names, and notes what there is not."""

    def __init__(
        self,
        document: Document,
        targets: Mapping[str, Target],
        figures: Mapping[tuple[str, str, int], float],
    ) -> None:
        self.document = document
        self.targets = targets
        self.figures = figures
        self.faults: list[Fault] = []

    def observed(self, place: int, row: _Series) -> Observed:
        here = ("series", place)
        if (row.points is None) == (row.path is None):
            why = Message("'{id}' says in one way what was observed", id=row.id)
            self.faults.append(
                fault_at(self.document, here, why, expected=Message("points, or a path"))
            )
        points = [
            self._point((*here, "points", number), each, row.scale)
            for number, each in enumerate(row.points or [])
        ]
        if row.path is not None:
            points = list(self._along((*here, "path"), row.path, row.scale))
        line = self.document.line((*here, "of"))
        equation = Equation(f"observed {row.id}", row.of, (), self.document.file, line)
        return Observed(
            row.id,
            row.en,
            row.zh,
            equation,
            row.unit,
            row.scale,
            row.end_of_year,
            row.most,
            tuple(points),
        )

    def _point(self, here: tuple[str | int, ...], form: _PointForm, scale: float) -> Point:
        value, source = float("nan"), ""
        if form.target is not None:
            value, source = self._base(here, form.target), form.target
        elif form.observation is not None and len(form.observation) == 2:
            quantity, part = form.observation
            found = self.figures.get((quantity, part, form.year))
            source = OBSERVATIONS
            if found is None:
                why = Message(
                    "{table} has no '{quantity}' ({part}) of {year}",
                    table=OBSERVATIONS,
                    quantity=quantity,
                    part=part,
                    year=form.year,
                )
                self.faults.append(fault_at(self.document, here, why))
            else:
                value = found
        else:
            why = Message("an observation has one source")
            expected = Message("target: ID, or observation: [quantity, part]")
            self.faults.append(fault_at(self.document, here, why, expected=expected))
        return Point(form.year, form.since, value * scale, source)

    def _along(self, here: tuple[str | int, ...], form: _Path, scale: float) -> Iterator[Point]:
        last, rate = self._base(here, form.target), self._base(here, form.rate) / 100
        target = self.targets.get(form.target)
        if target is None or target.base_period is None:
            return
        end = target.base_period.last
        for year in range(form.first, end + 1):
            source = form.target if year == end else f"{form.target}, {form.rate}"
            yield Point(year, None, last * scale / (1 + rate) ** (end - year), source)

    def _base(self, here: tuple[str | int, ...], name: str) -> float:
        target = self.targets.get(name)
        if target is None or target.base_value is None:
            why = Message("the catalogue has no base figure '{name}'", name=name)
            fault = fault_at(self.document, here, why, nearest=nearest(name, self.targets))
            self.faults.append(fault)
            return float("nan")
        return target.base_value
