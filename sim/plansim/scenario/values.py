"""What a scenario assigns: from the entries of a file to numbers on the model's constants.

Names and elements may be English or Chinese, a range stands for all of its elements, and values
with a unit are converted to the unit of the constant.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from plansim.errors import Fault, InputError, Message, ScenarioError, UnknownNameError, nearest
from plansim.forms import Document
from plansim.forms import Location as Place
from plansim.model.records import Model, Variable, VariableKind, folded
from plansim.model.units import NO_UNIT, convert
from plansim.scenario.records import OVERRIDE
from plansim.scenario.schema import (
    Cell,
    Pulse,
    Quantity,
    Row,
    ScenarioFile,
    Setting,
    Switch,
    shown,
)

__all__ = [
    "Apply",
    "Assignment",
    "Entry",
    "assignments",
    "cells_meant",
    "file_entries",
    "implausible",
    "lever_of",
    "meant",
    "number_in",
    "outside",
    "override_entries",
    "range_text",
]


class Apply(StrEnum):
    """What becomes of a constant x under a factor or lever f."""

    SET = "set"  # f
    ADD = "add"  # x + f
    MULTIPLY = "multiply"  # x · f


@dataclass(frozen=True)
class Entry:
    """One name that a file or an override sets, before the model is asked."""

    name: str
    setting: Setting
    document: Document | None = None
    """None for an override."""
    place: Place = ()

    @property
    def file(self) -> str:
        """What messages name as the place of origin."""
        return OVERRIDE if self.document is None else self.document.file

    def line(self, below: Place = ()) -> int | None:
        """Give the line of the entry, or of a part of it."""
        return None if self.document is None else self.document.line((*self.place, *below))

    def fault(
        self,
        message: Message,
        below: Place = (),
        *,
        expected: str | Message | None = None,
        found: str | Message | None = None,
        nearest: str | None = None,
    ) -> ScenarioError:
        """Make the error that one fault of this entry is."""
        return ScenarioError(Fault(message, self.file, self.line(below), expected, found, nearest))

    def relay(self, error: InputError, below: Place = ()) -> ScenarioError:
        """Make the error that puts somebody else's faults where this entry stands."""
        line = self.line(below)
        return ScenarioError(replace(fault, file=self.file, line=line) for fault in error.faults)


@dataclass(frozen=True)
class Assignment:
    """One number for one constant or element, with its origin."""

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
        return f"{self.variable.name}[{self.element}]" if self.element else self.variable.name


def file_entries(
    model: Model, document: Document, file: ScenarioFile, faults: list[Fault]
) -> Iterator[Entry]:
    """Give all that a file sets, levers resolved to the constants that they stand for."""
    for name, setting in file.values.items():
        yield Entry(name, setting, document, ("values", name))
    for name, lever in file.levers.items():
        if isinstance(lever, Switch | Pulse):
            try:
                yield from _lever_entries(model, name, lever, document)
            except ScenarioError as error:
                faults.extend(error.faults)
        else:
            yield Entry(name, lever, document, ("levers", name))


def override_entries(overrides: Iterable[str], faults: list[Fault]) -> Iterator[Entry]:
    """Give what texts ``NAME=VALUE`` set."""
    for text in overrides:
        name, _, value = (part.strip() for part in text.partition("="))
        if name and value:
            yield Entry(name, value)
        else:
            # What the shell cut off after a blank is somewhere among the scenarios by now.
            cut = name == text.strip() and " " not in name
            expected = Message("NAME=VALUE")
            if cut:
                expected = Message("NAME=VALUE, in quotes if there is a blank in it")
            faults.append(
                Fault(
                    "not a setting",
                    OVERRIDE,
                    expected=expected,
                    found=Message("'{text}'", text=text),
                )
            )


def assignments(
    model: Model, entries: Iterable[Entry], faults: list[Fault]
) -> dict[str, Assignment]:
    """Give the numbers that one layer sets, by key; what is wrong with it goes to ``faults``."""
    layer: dict[str, Assignment] = {}
    for entry in entries:
        try:
            for assignment in _assign(model, entry):
                first = layer.setdefault(assignment.key, assignment)
                if first is not assignment:
                    where = (
                        None
                        if first.line is None
                        else Message("a first time on line {number}", number=first.line)
                    )
                    raise entry.fault(
                        Message("'{name}' is set twice", name=assignment.key), found=where
                    )
        except InputError as error:
            faults.extend(error.faults)
    return layer


def meant(model: Model, entry: Entry) -> tuple[Variable, tuple[str, ...]]:
    """Give the constant that an entry means, and its elements, ``"e1,e2"``; of a scalar, one empty.

    Raises:
        InputError: there is no such constant or element.
    """
    variable, ranges = _target(model, entry)
    return variable, tuple(",".join(elements) for elements in itertools.product(*ranges))


def cells_meant(
    model: Model, name: str, origin: str | None = None
) -> tuple[Variable, tuple[str, ...]]:
    """Give any variable of ``NAME`` or ``NAME[elements]``, and the elements, as `meant` does.

    ``origin`` is what messages name as the place.

    Raises:
        InputError: there is no such variable or element.
    """
    entry = Entry(name, 0.0)
    try:
        variable = _named(model, entry)
        ranges = _ranges(model, entry, variable)
    except InputError as error:
        raise InputError(replace(fault, file=origin) for fault in error.faults) from None
    return variable, tuple(",".join(elements) for elements in itertools.product(*ranges))


def implausible(found: Iterable[Assignment]) -> Iterator[Fault]:
    """Warn of numbers outside the range that their evidence gives.

    Elements that an override sets to one number are one warning, as they were one wish.
    """
    alike: dict[tuple[str, float | None], list[Assignment]] = {}
    for each in found:
        if each.variable.plausible and outside(each.number, *each.variable.plausible):
            wish = (each.variable.name, each.number) if each.file == OVERRIDE else (each.key, None)
            alike.setdefault(wish, []).append(each)
    for first, *others in alike.values():
        assert first.variable.plausible is not None
        message = Message("'{key}' is outside its plausible range", key=first.key)
        if others:
            name, count = first.variable.name, len(others) + 1
            message = Message(
                "'{name}' is outside its plausible range in {count} elements",
                name=name,
                count=count,
            )
        yield Fault(
            message,
            first.file,
            first.line,
            expected=range_text(*first.variable.plausible, first.variable.unit),
            found=f"{first.number:g}",
        )


# A lever of three constants: what an entry may say of it, and how the model calls each.
_SWITCH = {"before": "before", "after": "after", "from": "from year"}
_PULSE = {"size": "pulse size", "start": "pulse start", "length": "pulse length"}


def lever_of(model: Model, name: str) -> str | None:
    """Give the lever that a constant is a part of, if the model has all parts of it."""
    for parts in (_SWITCH, _PULSE):
        for part in parts.values():
            stem = name.removesuffix(f" {part}")
            if stem != name and all(f"{stem} {each}" in model.variables for each in parts.values()):
                return stem
    return None


def _lever_entries(
    model: Model, name: str, lever: Switch | Pulse, document: Document
) -> Iterator[Entry]:
    """Give the entries of a lever's constants.

    The lever may be named by the variable that it drives, in Chinese too. Elements go with each
    constant that has any: the year of a change may be one for all.
    """
    parts = _SWITCH if isinstance(lever, Switch) else _PULSE
    whole = Entry(name, name, document, ("levers", name))
    given = lever.model_dump(by_alias=True, exclude_none=True).keys()
    if not given:
        raise whole.fault(
            Message("the lever '{name}' is empty", name=name),
            expected=Message("{parts}", parts=tuple(parts)),
        )
    base, inside = _split(name)
    for stem in (base, _english(model, base)):
        try:
            constants = {key: model.find(f"{stem} {part}") for key, part in parts.items()}
            break
        except UnknownNameError:
            continue
    else:
        last = " " + list(parts.values())[-1]
        known = [other.removesuffix(last) for other in model.variables if other.endswith(last)]
        raise whole.fault(
            Message("the model has no lever '{name}' with {parts}", name=name, parts=tuple(parts)),
            expected=Message("one of {names}", names=tuple(known)) if known else None,
            nearest=nearest(base, known),
        )
    for key in given:
        constant = constants[key]
        elements = f"[{inside}]" if inside is not None and constant.subscripts else ""
        setting: Cell = getattr(lever, "from_" if key == "from" else key)
        yield Entry(constant.name + elements, setting, document, (*whole.place, key))


def _english(model: Model, name: str) -> str:
    try:
        return model.find(name).name
    except UnknownNameError:
        return name


def _assign(model: Model, entry: Entry) -> list[Assignment]:
    """Give the numbers that one entry sets, or raise InputError with all of its faults."""
    variable, ranges = _target(model, entry)
    found: list[Assignment] = []
    faults: list[Fault] = []
    for elements, cell, below in _cells(model, entry, entry.setting, variable.subscripts, ranges):
        try:
            number = _number(entry, cell, variable, below)
        except InputError as error:
            faults.extend(fault for fault in error.faults if fault not in faults)
        else:
            element, line = ",".join(elements), entry.line(below)
            found.append(Assignment(variable, element, number, entry.file, line))
    if faults:
        raise ScenarioError(faults)
    return found


def _split(name: str) -> tuple[str, str | None]:
    """Split ``NAME[elements]``; Vensim's quoted names are taken whole.

    >>> _split("share[services]"), _split("share"), _split('"a [b]"')
    (('share', 'services'), ('share', None), ('"a [b]"', None))
    """
    if name.startswith('"'):
        return name, None
    match = re.fullmatch(r"\s*(.*?)\s*\[(.*)\]\s*", name, re.DOTALL)
    return (match[1], match[2]) if match else (name, None)


def _target(model: Model, entry: Entry) -> tuple[Variable, list[tuple[str, ...]]]:
    """Find the constant that an entry means, and the elements of each of its subscripts."""
    variable = _named(model, entry)
    if variable.kind not in {VariableKind.CONSTANT, VariableKind.CONTROL}:
        if parts := _parts_of(model, variable):
            raise entry.fault(_is_lever(entry, variable, parts))
        raise entry.fault(
            Message("'{name}' cannot be set: its equation gives its value", name=variable.name),
            expected=Message("a constant"),
            found=Message("a variable of kind {kind}", kind=variable.kind),
            nearest=next(_constants_of(model, variable), None),
        )
    return variable, _ranges(model, entry, variable)


def _parts_of(model: Model, variable: Variable) -> list[Variable]:
    """Give the constants that make a variable a lever; none if it is not one."""
    for parts in (_SWITCH, _PULSE):
        names = [f"{variable.name} {part}" for part in parts.values()]
        if all(name in model.variables for name in names):
            return [model.variables[name] for name in names]
    return []


def _is_lever(entry: Entry, lever: Variable, parts: Sequence[Variable]) -> Message:
    """Say which constants set a lever, in the language in which the entry names it."""
    base, inside = _split(entry.name)
    chinese = folded(base) == folded(lever.name_zh) != folded(lever.name)
    chinese = chinese and all(part.name_zh for part in parts)
    first, second, last = (
        (part.name_zh if chinese else part.name)
        + (f"[{inside}]" if inside is not None and part.subscripts else "")
        for part in parts
    )
    name = lever.name_zh if chinese else lever.name
    return Message(
        "'{name}' is a lever; set '{first}', '{second}' or '{third}'",
        name=name,
        first=first,
        second=second,
        third=last,
    )


def _named(model: Model, entry: Entry) -> Variable:
    """Find the variable of ``NAME`` or ``NAME[elements]``."""
    try:
        return model.find(_split(entry.name)[0])
    except UnknownNameError as error:
        raise entry.relay(error) from None


def _ranges(model: Model, entry: Entry, variable: Variable) -> list[tuple[str, ...]]:
    """Give the elements that are meant of each subscript of a variable; all, if none is named."""
    inside = _split(entry.name)[1]
    whole = [model.subscripts[range_name].elements for range_name in variable.subscripts]
    if inside is None:
        return whole
    parts = [part.strip() for part in inside.split(",")]
    if len(parts) != len(whole):
        raise entry.fault(
            Message("'{name}' has the wrong number of subscripts", name=entry.name),
            expected=f"{variable.name}[{', '.join(variable.subscripts)}]"
            if whole
            else Message("none"),
            found=str(len(parts)),
        )
    pairs = zip(parts, variable.subscripts, strict=True)
    return [_elements(model, entry, part, range_name) for part, range_name in pairs]


def _constants_of(model: Model, variable: Variable) -> Iterator[str]:
    """Give the constants that a user may have meant by naming what they drive."""
    for other in model.variables.values():
        if other.kind is VariableKind.CONSTANT and other.name.startswith(variable.name + " "):
            yield other.name


def _elements(
    model: Model, entry: Entry, text: str, range_name: str, below: Place = ()
) -> tuple[str, ...]:
    """Give the elements that a text means: one by its name, or all of a range within."""
    whole = model.subscripts[range_name]
    chinese = zip(whole.elements_zh, whole.elements, strict=False)
    by_name: dict[str, tuple[str, ...]] = {folded(zh): (element,) for zh, element in chinese}
    by_name |= {folded(element): (element,) for element in whole.elements}
    for part in model.subscripts.values():
        if set(part.elements) <= set(whole.elements):
            by_name.setdefault(folded(part.name), part.elements)
            by_name.setdefault(folded(part.name_zh), part.elements)
    if text.strip() and folded(text) in by_name:
        return by_name[folded(text)]
    raise entry.fault(
        Message("'{name}' has no element '{element}'", name=range_name, element=text),
        below,
        expected=Message("one of {names}", names=tuple(whole.elements)),
        nearest=nearest(text, [*whole.elements, *whole.elements_zh, *by_name]),
    )


_Settings: TypeAlias = "Setting | list[Cell] | dict[str, Cell]"


def _cells(
    model: Model,
    entry: Entry,
    setting: _Settings,
    subscripts: Sequence[str],
    ranges: Sequence[tuple[str, ...]],
    below: Place = (),
) -> Iterator[tuple[tuple[str, ...], Cell, Place]]:
    """Spread a setting over the elements of an array: (elements, one number, place).

    One number goes to all elements; a list has one entry for each element of the first
    subscript; a mapping names elements, or ranges of them, and may leave some out.
    """
    if isinstance(setting, float | str | Quantity):
        for elements in itertools.product(*ranges):
            yield elements, setting, below
        return
    is_list = isinstance(setting, list)
    if not ranges:
        raise entry.fault(
            Message("'{name}' takes one number", name=entry.name),
            below,
            expected=Message("a number"),
            found=Message("a list") if is_list else Message("a mapping"),
        )
    parts: Iterable[tuple[tuple[str, ...], Row, Place]]
    if isinstance(setting, list):
        if len(setting) != len(ranges[0]):
            raise entry.fault(
                Message("'{name}' has the wrong length", name=entry.name),
                below,
                expected=Message(
                    "{count} values ({ranges})", count=len(ranges[0]), ranges=tuple(ranges[0])
                ),
                found=str(len(setting)),
            )
        parts = [
            ((element,), inner, (*below, i))
            for i, (element, inner) in enumerate(zip(ranges[0], setting, strict=True))
        ]
    else:
        parts = [
            (_elements(model, entry, key, subscripts[0], (*below, key)), inner, (*below, key))
            for key, inner in setting.items()
        ]
    for chosen, inner, place in parts:
        for first in chosen:
            for rest, cell, way in _cells(model, entry, inner, subscripts[1:], ranges[1:], place):
                yield (first, *rest), cell, way


_NUMBER_AND_UNIT = re.compile(
    r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", re.DOTALL
)


_DECIMAL_COMMA = re.compile(r"\s*([-+]?\d+)\s*[,，]\s*(\d+)")


def _number(entry: Entry, cell: Cell, variable: Variable, below: Place) -> float:
    """Give a number in the unit of its variable, within its admissible range."""
    number = number_in(variable.unit, entry, cell, below)
    if outside(number, *variable.admissible):
        raise entry.fault(
            Message("'{name}' is outside its admissible range", name=entry.name),
            below,
            expected=range_text(*variable.admissible, variable.unit),
            found=f"{number:g}",
        )
    return number


def number_in(unit_wanted: str, entry: Entry, cell: Cell, below: Place = ()) -> float:
    """Give the number that a cell of an entry holds, in the unit that is wanted.

    Raises:
        InputError: it is no finite number, or its unit does not convert.
    """
    match cell:
        case str():
            plain = unicodedata.normalize("NFKC", cell).replace("\N{MINUS SIGN}", "-")
            match = _NUMBER_AND_UNIT.fullmatch(plain)
            if match is None or _DECIMAL_COMMA.match(plain):
                raise entry.fault(
                    Message("'{name}' is not a number", name=entry.name),
                    below,
                    expected=_number_expected(plain, unit_wanted),
                    found=shown(cell),
                )
            number, unit = float(match[1]), match[2]
        case Quantity():
            number, unit = cell.value, cell.unit
        case _:
            number, unit = cell, ""
    if unit and unit != unit_wanted:
        try:
            number = convert(number, unit, unit_wanted)
        except InputError as error:
            named = []
            for fault in error.faults:
                about = Message("'{name}': {message}", name=entry.name, message=fault.message)
                named.append(replace(fault, message=about))
            raise entry.relay(InputError(named), below) from None
    if not math.isfinite(number):
        raise entry.fault(Message("'{name}' is not a finite number", name=entry.name), below)
    return number


def _number_expected(text: str, unit_wanted: str) -> Message:
    """Say how a number is written, to whoever wrote it with a comma above all."""
    comma = _DECIMAL_COMMA.match(text)
    if comma is None:
        if unit_wanted in ("", NO_UNIT):
            return Message("a number")
        return Message("a number, or one with its unit, as '1 {unit}'", unit=unit_wanted)
    whole, rest = comma.groups()
    if len(rest) != 3 or whole.lstrip("+-").startswith("0"):
        return Message("a decimal point: '{whole}.{rest}'", whole=whole, rest=rest)
    return Message(
        "a decimal point: '{whole}.{rest}', or '{whole}{rest}' if that is meant",
        whole=whole,
        rest=rest,
    )


def outside(number: float, low: float | None, high: float | None) -> bool:
    """Tell whether a number lies beyond a bound, rounding errors apart."""
    # A bound that was reached by way of a unit conversion may miss it by a rounding error.
    slack = 1e-12 * abs(number)
    return (low is not None and number < low - slack) or (
        high is not None and number > high + slack
    )


def range_text(low: float | None, high: float | None, unit: str) -> Message:
    """Say a range in words.

    >>> print(range_text(0.0, None, "Year"), range_text(0.5, 2.0, ""), sep=", ")
    at least 0 Year, 0.5 to 2
    """
    if low is None:
        ends = Message("at most {number:g}", number=high or 0.0)
    elif high is None:
        ends = Message("at least {number:g}", number=low)
    else:
        ends = Message("{low:g} to {high:g}", low=low, high=high)
    return Message("{range} {unit}", range=ends, unit=unit) if unit not in ("", NO_UNIT) else ends
