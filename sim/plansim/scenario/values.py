"""Assignments of a scenario: from the entries of a file to values of the model's constants.

Names and elements may be English or Chinese, a range means all of its elements, and values
with a unit are converted to the unit of the constant.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Discriminator, Field, Tag

from plansim.errors import Fault, InputError, Message, Option, ScenarioError
from plansim.files.forms import Form, noting, shown
from plansim.files.yaml_document import Location, YamlDocument
from plansim.model.records import Model, Variable, cell_name
from plansim.scenario.cells import (
    Cell,
    ColumnForm,
    Scalar,
    column_of,
    entry_shape,
    number_in,
    outside,
    range_text,
)
from plansim.scenario.levers import PARTS, PULSE, SERIES, SWITCH, added_constant, lever_constants
from plansim.scenario.references import constant_ranges, elements_meant, split_name

__all__ = [
    "Assignment",
    "LeverEntry",
    "Setting",
    "SettingOrigin",
    "assigned",
    "doubly_assigned",
    "implausible",
    "lever_assigned",
    "overrides_assigned",
]


# --- forms of values ---------------------------------------------------------------


Row: TypeAlias = Annotated[
    Scalar | Annotated[list[Cell], Tag("<list>")] | Annotated[dict[str, Cell], Tag("<mapping>")],
    Discriminator(entry_shape),
]
Setting: TypeAlias = Annotated[
    Scalar | Annotated[list[Row], Tag("<list>")] | Annotated[dict[str, Row], Tag("<mapping>")],
    Discriminator(entry_shape),
]


class LeverForm(Form):
    """A lever that changes, acts for some time, or follows a series.

    It has one value before a year and another from it on; with ``to`` it changes evenly up to that
    year; from ``until`` on the first value is back. Or it has a size, a start and a length.
    """

    before: Cell | None = None
    after: Cell | None = None
    from_: Cell | None = Field(default=None, alias="from")
    to: Cell | None = None
    until: Cell | None = None
    size: Cell | None = None
    start: Cell | None = None
    length: Cell | None = None
    series: (
        Annotated[
            Annotated[dict[str, Cell], Tag("<mapping>")] | Annotated[ColumnForm, Tag("<file>")],
            Discriminator(
                lambda value: (
                    "<file>"
                    if isinstance(value, dict) and {"file", "column"} & value.keys()
                    else "<mapping>"
                )
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Values of years in place of a lever or a constant, linear between them.",
    )


LeverEntry: TypeAlias = Annotated[
    Scalar | Annotated[LeverForm, Tag("<mapping>")],
    Discriminator(lambda value: entry_shape(value).replace("<list>", "<number>")),
]


# --- assignments -----------------------------------------------------------------------------


@dataclass(frozen=True)
class SettingOrigin:
    """The location of an entry that sets constants of a model."""

    model: Model
    document: YamlDocument | None = None
    """None for an override."""
    at: Location = ()

    def below(self, *at: str | int) -> SettingOrigin:
        """Return the origin of an entry inside this one."""
        return replace(self, at=(*self.at, *at))


@dataclass(frozen=True)
class Assignment:
    """A number for one constant or element, with its origin."""

    variable: Variable
    element: str
    """``"e1,e2"``, or empty for a scalar."""
    number: float
    """In the variable's unit."""
    file: str
    line: int | None

    @property
    def key(self) -> str:
        """``name`` or ``name[e1,e2]``."""
        return cell_name(self.variable.name, [self.element] if self.element else [])


def assigned(name: str, setting: Setting, origin: SettingOrigin) -> tuple[Assignment, ...]:
    """Return the numbers that one entry sets.

    Raises:
        ScenarioError: with every fault of the entry.
    """
    model, document = origin.model, origin.document
    variable, ranges = constant_ranges(model, name)
    numbers: list[Assignment] = []
    faults: list[Fault] = []
    for elements, cell, at in _cells(model, name, setting, variable.subscripts, ranges):
        with noting(faults, *at):
            number = _admissible(name, cell, variable)
            file = Option.SET if document is None else document.file
            line = None if document is None else document.line((*origin.at, *at))
            numbers.append(Assignment(variable, ",".join(elements), number, file, line))
    if faults:
        raise ScenarioError(dict.fromkeys(faults))
    return tuple(numbers)


def lever_assigned(name: str, lever: LeverEntry, origin: SettingOrigin) -> tuple[Assignment, ...]:
    """Return the numbers that an entry of a lever sets on the constants of the lever.

    Elements apply to each constant with subscripts: the year of a change may be a scalar.

    Raises:
        ScenarioError: with every fault of the entry.
    """
    if not isinstance(lever, LeverForm):
        return assigned(name, lever, origin)
    entries = {
        info.alias or key: getattr(lever, key) for key, info in LeverForm.model_fields.items()
    }
    given = {key: entry for key, entry in entries.items() if entry is not None}
    forms = [form for form in (PARTS, PULSE, {"series": ""}) if given.keys() & form.keys()]
    if len(forms) != 1:
        expected = Message("{change}; or {pulse}; or series", change=(*PARTS,), pulse=(*PULSE,))
        found = Message("{names}", names=(*given,)) if given else Message("none")
        raise ScenarioError(
            "the lever '{name}' must have one form", expected=expected, found=found, name=name
        )
    if lever.series is not None:
        return _series_assigned(name, lever.series, origin.below("series"))
    numbers: list[Assignment] = []
    faults: list[Fault] = []
    base, inside = split_name(name)
    constants = lever_constants(origin.model, base, forms[0])
    for key, setting in given.items():
        with noting(faults, key):
            if (constant := constants.get(key)) is None:
                expected = Message("one of {names}", names=tuple(constants))
                raise InputError("'{name}' has no '{key}'", expected=expected, name=name, key=key)
            elements = f"[{inside}]" if inside is not None and constant.subscripts else ""
            numbers += assigned(constant.name + elements, setting, origin.below(key))
    if faults:
        raise ScenarioError(faults)
    return tuple(numbers)


def _series_assigned(
    name: str, series: Mapping[str, Cell] | ColumnForm, origin: SettingOrigin
) -> tuple[Assignment, ...]:
    """Return the numbers of a series, and its first and last year."""
    base, inside = split_name(name)
    elements = "" if inside is None else f"[{inside}]"
    if added_constant(origin.model, f"{base} {SERIES[0]}") is None:
        constant_ranges(origin.model, name)  # an unknown name, and what cannot be set
        expected = Message("a lever with {parts}, or a constant", parts=tuple(SWITCH))
        raise InputError("'{name}' cannot follow a series", expected=expected, name=name)
    document = origin.document
    assert document is not None, "an override sets no series"
    cells: list[tuple[str | int, str, Cell]]
    if isinstance(series, ColumnForm):
        document, cells = column_of(series, Path(document.file).parent)
        origin = SettingOrigin(origin.model, document)
    else:
        cells = [(year, year, cell) for year, cell in series.items()]
    numbers: list[Assignment] = []
    faults: list[Fault] = []
    years: list[int] = []
    for at, text, cell in cells:
        with noting(faults, *origin.at, at):
            years.append(_year(text, years))
            numbers += assigned(f"{base} in {text}{elements}", cell, origin.below(at))
    if not cells:
        faults.append(Fault("the series of '{name}' is empty", at=origin.at, name=name))
    if faults:
        raise ScenarioError(map(document.placed, faults))
    for part, end in zip(SERIES, (0, -1), strict=True):
        entry = origin.below(cells[end][0])
        numbers += assigned(f"{base} {part}{elements}", float(years[end]), entry)
    return tuple(numbers)


def _year(text: str, before: Sequence[int]) -> int:
    """Return the year of a series that a text names; it must follow those before it."""
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise InputError("'{text}' is not a year", expected=Message("a whole number"), text=text)
    year = int(text)
    if before and year != before[-1] + 1:
        raise InputError(
            "the series has a gap",
            expected=Message("the year {year}", year=before[-1] + 1),
            found=text,
        )
    return year


def overrides_assigned(
    model: Model, overrides: Iterable[str], faults: list[Fault]
) -> dict[str, Assignment]:
    """Return the assignments of texts ``NAME=VALUE``, by key; faults are added to ``faults``."""
    entries: dict[Location, tuple[Assignment, ...]] = {}
    wrong: list[Fault] = []
    for text in overrides:
        name, _, value = (part.strip() for part in text.partition("="))
        with noting(wrong):
            if not (name and value):
                expected = Message("NAME=VALUE, in quotes if there is a blank in it")
                found = Message("'{text}'", text=text)
                raise InputError("not a setting", expected=expected, found=found)
            entries[text,] = assigned(name, value, SettingOrigin(model))
    wrong += doubly_assigned(entries)
    faults += (replace(fault, file=Option.SET, line=None, at=()) for fault in wrong)
    return {number.key: number for numbers in entries.values() for number in numbers}


def doubly_assigned(entries: Mapping[Location, Sequence[Assignment]]) -> Iterator[Fault]:
    """Yield a fault for each entry that sets what an earlier entry sets too."""
    first: dict[str, Assignment] = {}
    for at, numbers in entries.items():
        for number in numbers:
            other = first.setdefault(number.key, number)
            if other is not number:
                line = other.line
                known = None if line is None else Message("a first time on line {line}", line=line)
                yield Fault("'{name}' is set twice", at=at, found=known, name=number.key)
                break


def implausible(numbers: Iterable[Assignment]) -> Iterator[Fault]:
    """Yield warnings of numbers outside their plausible range, one for each entry and number."""
    alike: dict[object, list[Assignment]] = {}
    for number in numbers:
        plausible = number.variable.plausible
        if plausible and outside(number.number, *plausible):
            entry = number.variable.name, number.number, number.file, number.line
            alike.setdefault(entry, []).append(number)
    for first, *others in alike.values():
        assert first.variable.plausible is not None
        name = first.variable.name if others else first.key
        yield Fault(
            "'{name}' is outside its plausible range",
            first.file,
            first.line,
            expected=range_text(*first.variable.plausible, first.variable.unit),
            found=f"{first.number:g}",
            name=name,
        )


_Settings: TypeAlias = "Setting | list[Cell] | dict[str, Cell]"


def _cells(
    model: Model,
    name: str,
    setting: _Settings,
    subscripts: Sequence[str],
    ranges: Sequence[tuple[str, ...]],
    at: Location = (),
) -> Iterator[tuple[tuple[str, ...], Cell, Location]]:
    """Yield the elements of an array with their numbers and locations in the file.

    One number goes to all elements; a list has one entry for each element of the first
    subscript; a mapping names elements, or ranges of them, and may leave some out.
    """
    if isinstance(setting, float | str):
        for elements in itertools.product(*ranges):
            yield elements, setting, at
        return
    if not ranges:
        raise InputError(
            "'{name}' takes one number",
            at=at,
            expected=Message("a number"),
            found=shown(setting),
            name=name,
        )
    parts: Iterable[tuple[tuple[str, ...], Row, Location]]
    if isinstance(setting, list):
        if len(setting) != len(ranges[0]):
            raise InputError(
                "'{name}' has the wrong length",
                at=at,
                expected=Message("{count} values ({names})", count=len(ranges[0]), names=ranges[0]),
                found=str(len(setting)),
                name=name,
            )
        pairs = enumerate(zip(ranges[0], setting, strict=True))
        parts = [((element,), inner, (*at, i)) for i, (element, inner) in pairs]
    else:
        parts = [
            (elements_meant(model, key, subscripts[0], (*at, key)), inner, (*at, key))
            for key, inner in setting.items()
        ]
    for chosen, inner, below in parts:
        for first in chosen:
            for rest, cell, way in _cells(model, name, inner, subscripts[1:], ranges[1:], below):
                yield (first, *rest), cell, way


def _admissible(name: str, cell: Cell, variable: Variable) -> float:
    """Return a number in the unit of its variable, within its admissible range."""
    number = number_in(variable.unit, name, cell)
    if outside(number, *variable.admissible):
        raise InputError(
            "'{name}' is outside its admissible range",
            expected=range_text(*variable.admissible, variable.unit),
            found=f"{number:g}",
            name=name,
        )
    return number
