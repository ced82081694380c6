"""What a model is held to, as the files beside it say: ``checks.yaml`` and ``reality.yaml``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from plansim.analysis.validation.probe import Equation
from plansim.errors import CatalogueError, Fault, InputError, Message, nearest
from plansim.forms import Document, read_document
from plansim.forms import Location as Place
from plansim.model.records import Model, VariableKind
from plansim.targets.catalogue import Basis, split_reference
from plansim.targets.form import Form, Words, fault_at, form_of

__all__ = [
    "CHECKS",
    "SIGNS",
    "Change",
    "Checks",
    "Comparison",
    "Expected",
    "Extreme",
    "Identity",
    "MainTable",
    "Parts",
    "Resting",
    "Sign",
    "SignTest",
    "expectations_of",
    "identities_of",
    "load_checks",
    "load_signs",
    "resting_of",
    "side_name",
]

CHECKS = "checks.yaml"
"""Beside the model."""
SIGNS = "reality.yaml"


class Comparison(StrEnum):
    """How the left side of what is expected compares with the right one."""

    EQUAL = "equal"
    AT_MOST = "at most"
    AT_LEAST = "at least"


class Sign(StrEnum):
    """Which way something goes; a run that breaks down goes none."""

    RISES = "rises"
    FALLS = "falls"
    STAYS = "stays"
    BREAKS = "breaks"


def _enum(kind: type[StrEnum]) -> BeforeValidator:
    return BeforeValidator(lambda word: kind(word) if word in list(kind) else word)


class Parts(Form):
    """Which scenario plays which part."""

    baseline: str
    equilibrium: str | None = None
    history: str | None = None
    family: str | None = None
    uncertainty: str | None = None
    """The design of the study of what is not known, from the folder of the scenarios."""


class MainTable(Form):
    """The rows of the catalogue that the base year is held to."""

    rows: str
    """A pattern of ids."""
    except_basis: Annotated[Basis | None, _enum(Basis)] = Field(None, alias="except basis")


class Identity(Form):
    """Two sides, one of which equals or bounds the other."""

    id: str
    en: str
    zh: str
    left: str
    right: str


class Expected(Form):
    """What has to be true in an extreme world."""

    left: str
    comparison: Annotated[Comparison, _enum(Comparison)] = Field(alias="is")
    right: str
    over: list[str] = Field([])
    first: float | int = Field(-math.inf, alias="from")
    last: float | int = Field(math.inf, alias="to")


class Extreme(Form):
    """A world that never was."""

    id: str
    test: str
    """The test that it belongs to."""
    en: str
    zh: str
    set: dict[str, float | int | list[float | int]]
    expect: list[Expected]


class Resting(Form):
    """What a constant has to be for stocks to stand still."""

    constant: str
    right: str = Field(alias="is")
    over: list[str] = Field([])


class Checks(Form):
    """What must hold in every run."""

    scenarios: Parts
    years: list[int]
    main_table: MainTable = Field(alias="main table")
    plain: list[str] = Field([])
    size: int
    outputs: dict[str, Words] = Field({})
    conservation: list[Identity] = Field([])
    bounds: list[Identity] = Field([])
    signed: list[str] = Field([])
    non_negative: list[str] = Field([])
    on_edge: dict[str, Words] = Field({})
    shares: list[str] = Field([])
    rest: list[Resting] = Field([])
    extremes: list[Extreme] = Field([])


class Change(Form):
    """What is done to a constant, in this order; then it is clipped to what is admissible."""

    to: float | int | None = None
    times: float | int = 1
    plus: float | int = 0


class SignTest(Form):
    """A comparison of two runs."""

    id: str
    en: str
    zh: str
    given: dict[str, float | int] = Field({})
    change: dict[str, Change]
    variable: str
    year: int
    sign: Annotated[Sign, _enum(Sign)]


class _SignFile(Form):
    tests: list[SignTest]


def load_checks(model: Model) -> Checks:
    """Read what a model is held to.

    Raises:
        InputError: no file says.
        CatalogueError: with every fault of the file, each with its line.
    """
    document = _document(model, CHECKS)
    checks = form_of(Checks, document)
    faults = list(_check_faults(model, document, checks))
    if faults:
        raise CatalogueError(faults)
    return checks


def load_signs(model: Model) -> tuple[SignTest, ...]:
    """Read the comparisons of runs that a model is held to; none if no file says any.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    if not model.path.with_name(SIGNS).is_file():
        return ()
    document = _document(model, SIGNS)
    file = form_of(_SignFile, document)
    faults = list(_sign_faults(model, document, file))
    if faults:
        raise CatalogueError(faults)
    return tuple(file.tests)


def identities_of(model: Model, checks: Checks) -> Iterator[Equation]:
    """Give both sides of all that is conserved or bounded, as equations to be computed."""
    document = _document(model, CHECKS)
    for key, group in (("conservation", checks.conservation), ("bounds", checks.bounds)):
        for place, each in enumerate(group):
            for side, text in (("left", each.left), ("right", each.right)):
                line = document.line((key, place, side))
                yield Equation(f"{side} {each.id}", text, (), document.file, line)


def expectations_of(model: Model, checks: Checks) -> Iterator[Equation]:
    """Give both sides of what is expected of extremes, as equations to be computed."""
    document = _document(model, CHECKS)
    for place, extreme in enumerate(checks.extremes):
        for number, expected in enumerate(extreme.expect):
            for side, text in (("left", expected.left), ("right", expected.right)):
                line = document.line(("extremes", place, "expect", number, side))
                name = side_name(side, extreme.id, number)
                yield Equation(name, text, tuple(expected.over), document.file, line)


def resting_of(model: Model, checks: Checks) -> Iterator[Equation]:
    """Give what constants have to be at rest, as equations under ``rest NAME``."""
    document = _document(model, CHECKS)
    for place, each in enumerate(checks.rest):
        line = document.line(("rest", place, "is"))
        name = f"rest {each.constant}"
        yield Equation(name, each.right, tuple(each.over), document.file, line)


def side_name(side: str, extreme: str, number: int) -> str:
    """Name the equation of a side of what is expected of an extreme.

    >>> side_name("left", "no water", 0)
    'left no water 0'
    """
    return f"{side} {extreme} {number}"


def _document(model: Model, name: str) -> Document:
    path = model.path.with_name(name)
    if not path.is_file():
        raise InputError(
            Fault("nothing says what the model is held to", path, found=Message("no file"))
        )
    return read_document(path)


def _check_faults(model: Model, document: Document, checks: Checks) -> Iterator[Fault]:
    stocks = {each.name for each in model.variables.values() if each.kind is VariableKind.STOCK}
    for key, names in (
        ("outputs", list(checks.outputs)),
        ("signed", checks.signed),
        ("non_negative", checks.non_negative),
        ("shares", checks.shares),
    ):
        for place, name in enumerate(names):
            here: Place = (key, name if key == "outputs" else place)
            yield from _unknown(model, document, here, name)
            if name in names[:place]:
                yield fault_at(document, here, Message("'{name}' is listed twice", name=name))
            if key == "signed" and name in set(model.variables) - stocks:
                yield fault_at(document, here, Message("'{name}' is no stock", name=name))
            if key == "non_negative" and name in stocks:
                yield fault_at(
                    document,
                    here,
                    Message("'{name}' is a stock", name=name),
                    expected=Message("it under 'signed' or nowhere"),
                )
            unit = model.variables[name].unit if name in model.variables else "Dmnl"
            if key == "shares" and unit not in ("Dmnl", ""):
                yield fault_at(
                    document,
                    here,
                    Message("'{name}' is no share", name=name),
                    found=Message("the unit {unit}", unit=unit),
                )
    for place, extreme in enumerate(checks.extremes):
        for name, value in extreme.set.items():
            here = ("extremes", place, "set", name)
            yield from _unfit(model, document, here, name, value)
    for place, each in enumerate(checks.rest):
        yield from _unfit(model, document, ("rest", place, "constant"), each.constant, [])
    for key, ids in (
        ("conservation", [each.id for each in checks.conservation]),
        ("bounds", [each.id for each in checks.bounds]),
        ("extremes", [each.id for each in checks.extremes]),
    ):
        yield from _doubled(document, key, ids)


def _sign_faults(model: Model, document: Document, file: _SignFile) -> Iterator[Fault]:
    yield from _doubled(document, "tests", [each.id for each in file.tests])
    for place, test in enumerate(file.tests):
        for name, value in test.given.items():
            yield from _unfit(model, document, ("tests", place, "given", name), name, value)
        for name in test.change:
            yield from _unfit(model, document, ("tests", place, "change", name), name, [])
        yield from _unknown(model, document, ("tests", place, "variable"), test.variable)


def _doubled(document: Document, key: str, ids: Sequence[str]) -> Iterator[Fault]:
    for place, each in enumerate(ids):
        if each in ids[:place]:
            yield fault_at(
                document, (key, place, "id"), Message("two of these have the id '{id}'", id=each)
            )


def _unknown(model: Model, document: Document, place: Place, reference: str) -> Iterator[Fault]:
    name = split_reference(reference)[0]
    if name not in model.variables:
        why = Message("the model has no variable '{name}'", name=name)
        yield fault_at(document, place, why, nearest=nearest(name, model.variables))


def _unfit(
    model: Model,
    document: Document,
    place: Place,
    reference: str,
    value: float | Sequence[float],
) -> Iterator[Fault]:
    """Find what is no constant, or a number that it cannot be."""
    variable = model.variables.get(split_reference(reference)[0])
    if variable is None or variable.kind is not VariableKind.CONSTANT:
        constants = (
            each.name for each in model.variables.values() if each.kind is VariableKind.CONSTANT
        )
        why = Message("the model has no constant '{name}'", name=reference)
        yield fault_at(document, place, why, nearest=nearest(reference, constants))
        return
    low, high = variable.admissible
    for number in _numbers(value):
        if (low is not None and number < low) or (high is not None and number > high):
            ends = ["" if end is None else f"{end:g}" for end in (low, high)]
            why = Message("'{name}' cannot be {value:g}", name=reference, value=number)
            yield fault_at(
                document, place, why, expected=Message("a value in [{ends}]", ends=",".join(ends))
            )


def _numbers(value: float | Iterable[float]) -> Iterator[float]:
    if isinstance(value, Iterable):
        yield from value
    else:
        yield value
