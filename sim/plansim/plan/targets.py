"""The catalogue of a plan: what it wants to reach, and how a run is judged against that.

The catalogue is a YAML file beside the model, ``targets.yaml``. It says itself how it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field

from plansim.errors import CatalogueError, Fault, UnitError, nearest
from plansim.model.document import Document, Place, read_document
from plansim.model.records import Model
from plansim.model.scenario_file import shown
from plansim.model.units import convert
from plansim.plan.form import Form, Words, fault_at, form_of
from plansim.plan.measure import Measure, in_a_year, measured_unit
from plansim.resources import shipped

__all__ = [
    "Attribute",
    "Basis",
    "Direction",
    "Kind",
    "Part",
    "Period",
    "Shape",
    "Status",
    "Target",
    "load_targets",
    "misfits",
    "plan_title",
    "reported_factor",
    "split_reference",
    "unit_factor",
]

FILE_NAME = "targets.yaml"


class Attribute(StrEnum):
    """How the plan labels a target."""

    BINDING = "binding"  # 约束性
    EXPECTED = "expected"  # 预期性
    UNLABELLED = "unlabelled"


class Direction(StrEnum):
    """On which side of its value a target is met. The value itself always meets it."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    ABOUT = "about"  # not further away than the tolerance


class Kind(StrEnum):
    """What a row of the catalogue is: only targets are judged."""

    TARGET = "target"
    FIGURE = "figure"  # what the plan reports of the past
    PAST = "past"  # a goal of the plan before, with what became of it


class Basis(StrEnum):
    """The prices that a value is in, or the population that it is divided by."""

    CONSTANT = "constant"  # prices of the base year
    CURRENT = "current"  # prices of the year itself
    REGISTERED = "registered"  # 户籍
    RESIDENT = "resident"  # 常住


class Status(StrEnum):
    """What becomes of a target in a run. Arrays hold the position in this order."""

    MET = "met"
    MISSED = "missed"
    UNDECIDED = "undecided"  # its bases disagree
    ASSUMED = "assumed"  # the scenario sets it, so that meeting it proves nothing
    UNTESTABLE = "untestable"  # nothing in the run answers

    @property
    def code(self) -> int:
        """The position in the order above."""
        return list(Status).index(self)


@dataclass(frozen=True)
class Period:
    """The years that a figure covers, both ends counted; one year if they are the same."""

    first: int
    last: int

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.last)
        return f"{self.first}–{self.last % 100:02d}"


@dataclass(frozen=True)
class Part:
    """One of several figures that the plan gives under one head."""

    name_en: str
    name_zh: str
    value: float
    unit: str


@dataclass(frozen=True)
class Target:
    """A row of the catalogue."""

    id: str
    kind: Kind
    name_en: str
    name_zh: str
    unit: str
    """Of `value`, of `tolerance`, and of what a run is measured in."""
    attribute: Attribute
    base_period: Period | None
    base_value: float | None
    base_unit: str
    """`unit`, unless the plan states the base in another one."""
    year: int | None
    value: float | None
    """None for a figure, for a goal in words, and where `parts` hold the numbers."""
    direction: Direction | None
    tolerance: float | None
    """How far from `value` still counts; only with `Direction.ABOUT`."""
    parts: tuple[Part, ...]
    measure: Measure
    since: int
    """The base year of the measure."""
    horizon: int
    """The last year for which a binding target is followed."""
    basis: tuple[Basis, ...]
    """What the plan itself states."""
    variables: Mapping[Basis | None, str]
    """What in the model answers, by the reading that the plan leaves open; one entry under None
    if it leaves none open, no entry if nothing answers. A reference is ``name`` or
    ``name[element]``."""
    planned: Mapping[Basis | None, str]
    """The same for variables that the model does not have yet."""
    reason_en: str
    reason_zh: str
    """Why nothing answers; empty if something does."""
    place_en: str
    place_zh: str
    wording: str
    """The plan's own words; empty if they are those of the name."""
    note_en: str
    note_zh: str
    file: str = field(compare=False)
    line: int | None = field(compare=False)


def load_targets(path: str | Path | None = None, model: Model | None = None) -> tuple[Target, ...]:
    """Read a catalogue: the one at ``path``, else the one beside the model, else the shipped one.

    With a model, each variable that judges a target must be in it, with a unit that converts to
    the target's. The shipped catalogue, read for a model that has none of its own, asks less: what
    that model cannot answer becomes untestable.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    own = Path(path) if path is not None else _beside(model)
    document = read_document(own or shipped("model", FILE_NAME))
    catalogue = form_of(_Catalogue, document)
    faults: list[Fault] = []
    targets = tuple(_targets(catalogue, document, faults))
    if model is not None:
        holder, shapes = f"the model {model.name}", _shapes(model)
        if own is None:
            targets = tuple(_as_answered(target, holder, shapes) for target in targets)
        else:
            faults += [
                fault for target in targets for fault in misfits(target, holder, shapes, shapes)
            ]
    if faults:
        raise CatalogueError(sorted(faults, key=lambda fault: fault.line or 0))
    return targets


def plan_title(model: Model) -> Words | None:
    """Give the title of the plan whose catalogue stands beside a model; None if there is none.

    Raises:
        CatalogueError: with every fault of the form of the file.
    """
    path = _beside(model)
    return None if path is None else form_of(_Catalogue, read_document(path)).title


def _beside(model: Model | None) -> Path | None:
    if model is None:
        return None
    path = model.path.with_name(FILE_NAME)
    return path if path.is_file() else None


# --- the form of the file -----------------------------------------------------------------------


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
    base_year: int
    horizon: int
    places: dict[str, Words]
    reasons: dict[str, Words]
    targets: list[_Row]
    figures: list[_Row] = Field(default=[])
    past: list[_Row] = Field(default=[])


# --- from the form to the record ----------------------------------------------------------------


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


# --- against a model ----------------------------------------------------------------------------


def split_reference(reference: str) -> tuple[str, tuple[str, ...]]:
    """Split ``name[element,element]`` into the name and the elements.

    >>> split_reference("output[farming]"), split_reference("output")
    (('output', ('farming',)), ('output', ()))
    """
    name, bracket, inside = reference.partition("[")
    if not bracket:
        return reference.strip(), ()
    return name.strip(), tuple(part.strip() for part in inside.removesuffix("]").split(","))


def unit_factor(unit: str, target: Target) -> float:
    """Give the factor from a series in ``unit`` to the target's unit, through its measure.

    Raises:
        UnitError: the units do not measure the same thing.
    """
    return reported_factor(measured_unit(target.measure, unit), target.unit)


def reported_factor(unit: str, reported: str) -> float:
    """Give the factor from a unit of the model to the one in which a figure is reported.

    Statistics state a yearly rate as what it adds up to in the year: 亿元 for 亿元/Year. Where
    the units differ by just that, the figure of a year is meant.

    Raises:
        UnitError: the units do not measure the same thing.
    """
    try:
        return convert(1.0, unit, reported)
    except UnitError as error:
        try:
            return convert(1.0, in_a_year(unit), reported)
        except UnitError:
            raise error from None


@dataclass(frozen=True)
class Shape:
    """What a reference to a variable must fit."""

    subscripts: Mapping[str, Sequence[str]]
    """The elements of each dimension, in order."""
    unit: str


def misfits(
    target: Target, holder: str, shapes: Mapping[str, Shape], names: Iterable[str]
) -> Iterator[Fault]:
    """Say what keeps a model or a run, the ``holder``, from answering for a target.

    ``shapes`` holds at least the variables that the target refers to, as far as they exist;
    ``names`` are all there are.
    """
    for reference in target.variables.values():
        name, elements = split_reference(reference)
        if name not in shapes:
            yield Fault(
                f"{holder} has no variable '{name}' to judge {target.id} by",
                target.file,
                target.line,
                nearest=nearest(name, names),
            )
            continue
        ranges = list(shapes[name].subscripts.values())
        strange = [
            (element, nearest(element, within))
            for element, within in zip(elements, ranges, strict=False)
            if element not in within
        ]
        if strange or len(elements) != len(ranges):
            yield Fault(
                f"'{reference}' is not one series of {holder}",
                target.file,
                target.line,
                expected=name + "".join(f"[{each}]" for each in shapes[name].subscripts),
                found=reference,
                nearest=strange[0][1] if strange else None,
            )
            continue
        try:
            unit_factor(shapes[name].unit, target)
        except UnitError:
            yield Fault(
                f"the {target.measure} of '{name}' does not have the unit of {target.id}",
                target.file,
                target.line,
                expected=f"a unit that converts to {target.unit}",
                found=measured_unit(target.measure, shapes[name].unit) or "no unit",
            )


def _shapes(model: Model) -> Mapping[str, Shape]:
    return {
        name: Shape(
            {each: model.subscripts[each].elements for each in variable.subscripts}, variable.unit
        )
        for name, variable in model.variables.items()
    }


def _as_answered(target: Target, holder: str, shapes: Mapping[str, Shape]) -> Target:
    """Make a target untestable if the model cannot answer for it."""
    if not any(misfits(target, holder, shapes, ())):
        return target
    names = ", ".join(target.variables.values())
    return replace(
        target,
        variables=MappingProxyType({}),
        reason_en=f"This model has no such variable: {names}.",
        reason_zh=f"该模型没有对应变量：{names}。",
    )
