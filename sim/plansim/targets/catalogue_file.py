"""The form of a catalogue's file, and the way from it to the records of `target`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field

from plansim.errors import Fault, nearest
from plansim.forms import Document, read_document
from plansim.forms import Location as Place
from plansim.scenario.records import Text
from plansim.scenario.schema import shown
from plansim.targets.form import Form, Words, fault_at, form_of
from plansim.targets.indicator import Measure
from plansim.targets.target import Attribute, Basis, Direction, Kind, Part, Period, Target

__all__ = ["read_catalogue", "read_region", "read_title"]


def _named_alone(value: object) -> object:
    return {"key": value} if isinstance(value, str) else value


def _variable_alone(value: object) -> object:
    return {"": value} if isinstance(value, str) else value


class _Reason(Form):
    """A key of the list of reasons, or a text of its own."""

    key: str | None = None
    en: str = ""
    zh: str = ""


class _Part(Words):
    value: float
    unit: str | None = None


class _Base(Form):
    year: Annotated[str, BeforeValidator(lambda value: str(value))]
    value: float | None = None
    unit: str | None = None
    parts: list[_Part] = Field(default=[])


class _Goal(Form):
    year: int
    at_least: float | None = Field(default=None, alias="at least")
    at_most: float | None = Field(default=None, alias="at most")
    about: float | None = None
    within: float | None = None
    parts: list[_Part] = Field(default=[])


class _Row(Form):
    id: str
    en: str
    zh: str
    unit: str
    place: list[str]
    base: _Base | None = None
    target: _Goal | None = None
    attribute: Annotated[Attribute, Field(strict=False)] = Attribute.UNLABELLED
    basis: list[Annotated[Basis, Field(strict=False)]] = Field(default=[])
    measure: Annotated[Measure, Field(strict=False)] = Measure.LEVEL
    variable: str | None = None
    variables: dict[str, str] = Field(default={})
    planned: Annotated[dict[str, str], BeforeValidator(_variable_alone)] = Field(default={})
    not_modelled: Annotated[_Reason | None, BeforeValidator(_named_alone)] = None
    wording: str = ""
    note: Words = Words(en="", zh="")


class _Catalogue(Form):
    title: Words
    region: Words | None = None
    base_year: int
    horizon: int
    places: dict[str, Words]
    reasons: dict[str, Words]
    targets: list[_Row]
    figures: list[_Row] = Field(default=[])
    past: list[_Row] = Field(default=[])


# --- from the form to the record ----------------------------------------------------------------


def read_catalogue(file: Path) -> tuple[tuple[Target, ...], list[Fault]]:
    """Read the rows of a catalogue, in the order of the file, and what does not fit together.

    Raises:
        CatalogueError: with every fault of the form, each with its line.
    """
    document = read_document(file)
    catalogue = form_of(_Catalogue, document)
    faults: list[Fault] = []
    return tuple(_targets(catalogue, document, faults)), faults


def read_title(file: Path) -> Text:
    """Read the title of the plan that a catalogue is about.

    Raises:
        CatalogueError: with every fault of the form, each with its line.
    """
    title = form_of(_Catalogue, read_document(file)).title
    return Text(title.en, title.zh)


def read_region(file: Path) -> Text | None:
    """Read the name of the place that the plan is for, if the catalogue gives it.

    Raises:
        CatalogueError: with every fault of the form, each with its line.
    """
    region = form_of(_Catalogue, read_document(file)).region
    return None if region is None else Text(region.en, region.zh)


def _targets(catalogue: _Catalogue, document: Document, faults: list[Fault]) -> Iterator[Target]:
    """Give the rows in the order of the file; what is wrong with them goes to ``faults``."""
    lists = {
        "targets": (Kind.TARGET, catalogue.targets),
        "figures": (Kind.FIGURE, catalogue.figures),
        "past": (Kind.PAST, catalogue.past),
    }
    seen: set[str] = set()
    for key, (kind, rows) in lists.items():
        for index, row in enumerate(rows):
            reader = _RowReader(row, kind, catalogue, document, (key, index), faults)
            if row.id in seen:
                reader.fault(f"the id {row.id} stands twice", "id")
            seen.add(row.id)
            yield reader.target()


@dataclass(frozen=True)
class _RowReader:
    """Turns one row into a `Target`, noting what does not fit together."""

    row: _Row
    kind: Kind
    catalogue: _Catalogue
    document: Document
    place: Place
    faults: list[Fault]

    def fault(
        self,
        message: str,
        *keys: str | int,
        expected: str | None = None,
        found: str | None = None,
        nearest: str | None = None,
    ) -> None:
        place = (*self.place, *keys)
        self.faults.append(fault_at(self.document, place, message, expected, found, nearest))

    def target(self) -> Target:
        row = self.row
        direction, value = self._goal()
        variables = self._by_basis("variables", row.variables)
        if row.variable is not None:
            variables = MappingProxyType({None: row.variable})
        planned = self._by_basis("planned", row.planned)
        reason = self._reason()
        places = [self._words("place", key, self.catalogue.places) for key in row.place]
        goal = row.target
        parts = [*(row.base.parts if row.base else ()), *(goal.parts if goal else ())]
        self._check_answer()
        return Target(
            id=row.id,
            kind=self.kind,
            name_en=row.en,
            name_zh=row.zh,
            unit=row.unit,
            attribute=row.attribute,
            base_period=self._period(),
            base_value=row.base.value if row.base else None,
            base_unit=(row.base and row.base.unit) or row.unit,
            year=goal.year if goal else None,
            value=value,
            direction=direction,
            tolerance=goal.within if goal else None,
            parts=tuple(
                Part(part.en, part.zh, part.value, part.unit or row.unit) for part in parts
            ),
            measure=row.measure,
            since=self.catalogue.base_year,
            horizon=self.catalogue.horizon,
            basis=tuple(row.basis),
            variables=variables,
            planned=planned,
            reason_en=reason.en,
            reason_zh=reason.zh,
            place_en="; ".join(place.en for place in places),
            place_zh="；".join(place.zh for place in places),
            wording=row.wording,
            note_en=row.note.en,
            note_zh=row.note.zh,
            file=self.document.file,
            line=self.document.line(self.place),
        )

    def _goal(self) -> tuple[Direction | None, float | None]:
        goal = self.row.target
        if goal is None:
            if self.kind is not Kind.FIGURE:
                self.fault(f"{self.row.id} has no target")
            return None, None
        if self.kind is Kind.FIGURE:
            self.fault(f"{self.row.id} is a figure and cannot have a target", "target")
        given = {
            direction: value
            for direction, value in (
                (Direction.AT_LEAST, goal.at_least),
                (Direction.AT_MOST, goal.at_most),
                (Direction.ABOUT, goal.about),
            )
            if value is not None
        }
        if len(given) > 1:
            self.fault(
                f"the target of {self.row.id} has more than one direction",
                "target",
                expected="one of " + ", ".join(Direction),
                found=" and ".join(given),
            )
        if not given and not goal.parts and self.kind is Kind.TARGET:
            self.fault(
                f"the target of {self.row.id} has no value",
                "target",
                expected="one of " + ", ".join(Direction),
            )
        if (Direction.ABOUT in given) != (goal.within is not None):
            self.fault(
                f"the target of {self.row.id} must say within what it is about its value",
                "target",
                expected="about and within, both or neither",
            )
        if goal.within is not None and goal.within <= 0:
            self.fault("a tolerance must be positive", "target", "within", found=f"{goal.within:g}")
        if self.kind is Kind.TARGET and not (
            self.catalogue.base_year < goal.year <= self.catalogue.horizon
        ):
            self.fault(
                f"the year of {self.row.id} lies outside the plan",
                "target",
                "year",
                expected=f"a year after {self.catalogue.base_year} and up to "
                f"{self.catalogue.horizon}",
                found=str(goal.year),
            )
        return next(iter(given.items()), (None, None))

    def _period(self) -> Period | None:
        if self.row.base is None:
            if self.kind is not Kind.TARGET:
                self.fault(f"{self.row.id} has no base")
            return None
        text = self.row.base.year
        found = re.fullmatch(r"(\d{4})(?:[-–](\d{2}|\d{4}))?", text)
        if found:
            first = int(found[1])
            last = int(text[: 4 - len(found[2])] + found[2]) if found[2] else first
            if first <= last:
                return Period(first, last)
        self.fault(
            f"the base of {self.row.id} has no year",
            "base",
            "year",
            expected="a year, or years as 2001–05",
            found=shown(text),
        )
        return None

    def _by_basis(self, key: str, references: Mapping[str, str]) -> Mapping[Basis | None, str]:
        if len(references) == 1 and key == "variables":
            self.fault(
                f"{self.row.id} has only one basis", key, expected="variable, or two bases or more"
            )
        found: dict[Basis | None, str] = {}
        for name, reference in references.items():
            if name and name not in list(Basis):
                self.fault(
                    f"unknown basis '{name}'",
                    key,
                    name,
                    expected="one of " + ", ".join(Basis),
                    nearest=nearest(name, Basis),
                )
            else:
                found[Basis(name) if name else None] = reference
        return MappingProxyType(found)

    def _check_answer(self) -> None:
        row = self.row
        answers = [
            key
            for key, given in (
                ("variable", row.variable),
                ("variables", row.variables),
                ("planned", row.planned),
                ("not_modelled", row.not_modelled),
            )
            if given
        ]
        if self.kind is Kind.TARGET and len(answers) != 1:
            self.fault(
                f"{row.id} must say in one way what judges it",
                expected="one of variable, variables, planned, not_modelled",
                found=" and ".join(answers) or "none",
            )
        if row.variable or row.variables:
            if row.target is not None and row.target.parts:
                self.fault(f"{row.id} has parts and cannot be judged as a whole", "target", "parts")
            if self.kind is not Kind.TARGET:
                self.fault(f"{row.id} is no target and cannot be judged")

    def _reason(self) -> Words:
        if self.row.planned:
            return self._words("planned", "planned", self.catalogue.reasons)
        reason = self.row.not_modelled
        if reason is None:
            return Words(en="", zh="")
        if reason.key is not None:
            return self._words("not_modelled", reason.key, self.catalogue.reasons)
        if not (reason.en and reason.zh):
            self.fault(
                "a reason must stand in both languages", "not_modelled", expected="en and zh"
            )
        return Words(en=reason.en, zh=reason.zh)

    def _words(self, key: str, name: str, listed: Mapping[str, Words]) -> Words:
        if name not in listed:
            self.fault(f"unknown {key} '{name}'", key, nearest=nearest(name, listed))
            return Words(en="", zh="")
        return listed[name]
