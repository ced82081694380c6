"""The form of a catalogue's file, and its conversion to the records of `target`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plansim.errors import Fault, InputError, Message, nearest
from plansim.files.forms import LAX, Form, Items, Resolved, Words, doubled, form_of, or_text, shown
from plansim.files.yaml_document import Location, read_document
from plansim.targets.indicator import Measure
from plansim.targets.target import Attribute, Basis, Direction, Kind, Period, Target, TargetPart

__all__ = ["CatalogueForm", "read_catalogue"]


def _period(year: int | str, _: object) -> Period:
    match = re.fullmatch(r"(\d{4})(?:[-–](\d{2}|\d{4}))?", text := str(year))
    if match:
        first = int(match[1])
        last = int(text[: 4 - len(match[2])] + match[2]) if match[2] else first
        if first <= last:
            return Period(first, last)
    raise InputError(
        "there is no such year", expected=Message("a year, or years as 2001–05"), found=shown(year)
    )


class _Part(Words):
    value: float
    unit: str | None = None


class _Base(Form):
    year: Annotated[Period, Resolved(int | str, _period)]
    value: float | None = None
    unit: str | None = None
    parts: Items[_Part] = ()


class _Goal(Form):
    year: int
    at_least: float | None = Field(default=None, alias="at least")
    at_most: float | None = Field(default=None, alias="at most")
    about: float | None = None
    within: float | None = Field(default=None, gt=0)
    parts: Items[_Part] = ()

    @property
    def given(self) -> list[tuple[Direction, float]]:
        """The directions that have a value: one, unless the goal is in words or parts."""
        values = zip(Direction, (self.at_least, self.at_most, self.about), strict=True)
        return [(direction, value) for direction, value in values if value is not None]

    def _misfits(self, context: object) -> Iterator[Fault]:
        if len(self.given) > 1:
            yield Fault(
                "a target has more than one direction",
                expected=Message("one of {names}", names=tuple(Direction)),
                found=Message("{names}", names=tuple(direction for direction, _ in self.given)),
            )
        if (self.about is None) != (self.within is None):
            yield Fault(
                "a target must say within what it is about its value",
                expected=Message("about and within, both or neither"),
            )


class _CatalogueRow(Form):
    """The entries that all rows have."""

    id: str
    en: str
    zh: str
    unit: str
    place: Items[str]
    attribute: Annotated[Attribute, LAX] = Attribute.UNLABELLED
    basis: Items[Annotated[Basis, LAX]] = ()
    measure: Annotated[Measure, LAX] = Measure.LEVEL
    wording: str = ""
    note: Words = Words(en="", zh="")


class _FigureRow(_CatalogueRow):
    base: _Base


class _PastRow(_FigureRow):
    target: _Goal


class _TargetRow(_CatalogueRow):
    base: _Base | None = None
    target: _Goal
    variable: str | None = None
    variables: dict[Annotated[Basis, LAX], str] = Field(default={})
    not_modelled: Annotated[str | Words, Resolved(or_text(Words), lambda given, _: given)] = ""

    def _misfits(self, context: object) -> Iterator[Fault]:
        ways = ("variable", "variables", "not_modelled")
        answers = [key for key in ways if getattr(self, key)]
        if len(answers) != 1:
            yield Fault(
                "{id} must say in one way what judges it",
                expected=Message("one of {names}", names=ways),
                found=Message("{names}", names=tuple(answers)) if answers else Message("none"),
                id=self.id,
            )
        if len(self.variables) == 1:
            yield Fault(
                "{id} has only one basis",
                at=("variables",),
                expected=Message("variable, or two bases or more"),
                id=self.id,
            )
        if self.target.parts and (self.variable or self.variables):
            yield Fault(
                "{id} has parts and cannot be judged as a whole", at=("target", "parts"), id=self.id
            )
        if not self.target.given and not self.target.parts:
            yield Fault(
                "the target of {id} has no value",
                at=("target",),
                expected=Message("one of {names}", names=tuple(Direction)),
                id=self.id,
            )


class CatalogueForm(Form):
    """The form of a catalogue."""

    title: Words
    base_year: int
    horizon: int
    places: dict[str, Words]
    reasons: dict[str, Words]
    targets: Items[_TargetRow]
    figures: Items[_FigureRow] = ()
    past: Items[_PastRow] = ()

    @property
    def rows(self) -> Iterator[tuple[Kind, Location, _FigureRow | _TargetRow]]:
        """All rows in the order of the file, each with its kind and location."""
        yield from ((Kind.TARGET, ("targets", i), row) for i, row in enumerate(self.targets))
        yield from ((Kind.FIGURE, ("figures", i), row) for i, row in enumerate(self.figures))
        yield from ((Kind.PAST, ("past", i), row) for i, row in enumerate(self.past))

    def _misfits(self, context: object) -> Iterator[Fault]:
        first, last = self.base_year, self.horizon
        for _, at, row in self.rows:
            for name in row.place:
                yield from _unlisted(name, self.places, (*at, "place"))
            if isinstance(row, _TargetRow):
                if isinstance(reason := row.not_modelled, str) and reason:
                    yield from _unlisted(reason, self.reasons, (*at, "not_modelled"))
                if not first < row.target.year <= last:
                    yield Fault(
                        "the year of {id} lies outside the plan",
                        at=(*at, "target", "year"),
                        expected=Message(
                            "a year after {first} and up to {last}", first=first, last=last
                        ),
                        found=str(row.target.year),
                        id=row.id,
                    )
        yield from doubled([((*at, "id"), row.id) for _, at, row in self.rows])


def _unlisted(name: str, listed: Iterable[str], at: Location) -> Iterator[Fault]:
    if name not in listed:
        close = nearest(name, listed)
        yield Fault("unknown {key} '{name}'", at=at, nearest=close, key=str(at[-1]), name=name)


def read_catalogue(file: Path) -> tuple[CatalogueForm, tuple[Target, ...]]:
    """Read a catalogue, and its rows in the order of the file.

    Raises:
        CatalogueError: with every fault of the form, each with its line.
    """
    document = read_document(file)
    catalogue = form_of(CatalogueForm, document)
    targets = (
        _target(row, kind, catalogue, document.file, document.line(at))
        for kind, at, row in catalogue.rows
    )
    return catalogue, tuple(targets)


def _target(
    row: _FigureRow | _TargetRow, kind: Kind, catalogue: CatalogueForm, file: str, line: int | None
) -> Target:
    judged = row if isinstance(row, _TargetRow) else None
    goal = row.target if isinstance(row, _TargetRow | _PastRow) else None
    base = row.base
    direction, value = next(iter(goal.given if goal else ()), (None, None))
    parts = (*(base.parts if base else ()), *(goal.parts if goal else ()))
    places = [catalogue.places[name] for name in row.place]
    reason = judged.not_modelled if judged else ""
    if isinstance(reason, str):
        reason = catalogue.reasons[reason] if reason else Words(en="", zh="")
    variables: dict[Basis | None, str] = {}
    if judged is not None:
        variables = {None: judged.variable} if judged.variable else dict(judged.variables.items())
    return Target(
        id=row.id,
        kind=kind,
        name_en=row.en,
        name_zh=row.zh,
        unit=row.unit,
        attribute=row.attribute,
        base_period=base.year if base else None,
        base_value=base.value if base else None,
        base_unit=(base and base.unit) or row.unit,
        year=goal.year if goal else None,
        value=value,
        direction=direction,
        tolerance=goal.within if goal else None,
        parts=tuple(
            TargetPart(part.en, part.zh, part.value, part.unit or row.unit) for part in parts
        ),
        measure=row.measure,
        since=catalogue.base_year,
        horizon=catalogue.horizon,
        basis=row.basis,
        variables=variables,
        reason_en=reason.en,
        reason_zh=reason.zh,
        place_en="; ".join(place.en for place in places),
        place_zh="；".join(place.zh for place in places),
        wording=row.wording,
        note_en=row.note.en,
        note_zh=row.note.zh,
        file=file,
        line=line,
    )
