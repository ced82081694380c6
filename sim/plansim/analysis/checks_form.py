"""What a model is tested by: ``checks.yaml``, ``reality.yaml`` and ``effects.yaml`` beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from plansim.errors import Fault, InputError, Message, nearest
from plansim.files.forms import (
    LAX,
    Entries,
    Form,
    Items,
    Resolved,
    Words,
    form_of,
    listed,
    noting,
    or_text,
)
from plansim.files.yaml_document import Location, read_document
from plansim.model.reading.expression import EquationSyntaxError, Node
from plansim.model.reading.syntax import read_expression
from plansim.model.records import Model, VariableKind, check_model
from plansim.model.rewrite import AddedEquation
from plansim.scenario.references import constant_cells, one_series, reference_of
from plansim.scenario.scenario_file import Scenario, read_scenario, split_overlays
from plansim.scenario.values import Setting, SettingOrigin, assigned
from plansim.targets.target import Basis, Target, binding_targets

__all__ = [
    "CHECKS",
    "EFFECTS",
    "REALITY",
    "SIDES",
    "Check",
    "Checks",
    "ConstantChange",
    "ConstantName",
    "ConstantSettings",
    "Effects",
    "Expected",
    "Extreme",
    "Identity",
    "Margins",
    "Question",
    "RealityCheck",
    "Relation",
    "SeriesName",
    "Sign",
    "VariableName",
    "VariableNames",
    "check_equations",
    "load_checks",
    "load_effects",
    "load_reality_checks",
    "side_name",
]

CHECKS = "checks.yaml"
REALITY = "reality.yaml"
EFFECTS = "effects.yaml"
SIDES = ("left", "right")


class Relation(StrEnum):
    """How the left side of an expectation compares with the right one."""

    EQUAL = "equal"
    AT_MOST = "at most"
    AT_LEAST = "at least"


class Sign(StrEnum):
    """Direction of a change; a run that breaks down has none."""

    RISES = "rises"
    FALLS = "falls"
    STAYS = "stays"
    BREAKS = "breaks"


# --- names in the model ---------------------------------------------------------------------------


def _model(context: Any) -> Model:
    """Return the model that a form is validated against, alone or as a part of its context."""
    return context if isinstance(context, Model) else context.model


def _variable(name: str, context: Any) -> str:
    return _model(context).find(name).name


def _series(name: str, context: Any) -> str:
    return one_series(_model(context), name)


def _constant(name: str, context: Any) -> str:
    constant_cells(_model(context), name)
    return reference_of(_model(context), name)


def _whole_constant(name: str, context: Any) -> str:
    constant_cells(_model(context), name)  # refuses what is no constant
    return _variable(name, context)


def _of_variable(name: str, words: Any, context: Any) -> Any:
    """Return words on a variable, once the model has it."""
    _variable(name, context)
    return words


def _of_constant(name: str, words: Any, context: Any) -> Any:
    """Return words on a constant, once the model has it."""
    _constant(name, context)
    return words


def _tree(text: str, _: Any) -> Node:
    try:
        return read_expression(text)
    except EquationSyntaxError as error:
        raise InputError(error.message, expected=error.expected, found=error.found) from None


def _pattern(text: str, _: Any) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error:
        raise InputError("'{text}' is not a pattern", text=text) from None


def _settings(entries: Mapping[str, Setting], context: Any) -> dict[str, float]:
    origin, faults = SettingOrigin(_model(context)), list[Fault]()
    values: dict[str, float] = {}
    for name, setting in entries.items():
        with noting(faults, name):
            values |= {one.key: one.number for one in assigned(name, setting, origin)}
    if faults:
        raise InputError(faults)
    return values


VariableName = Annotated[str, Resolved(str, _variable)]
"""A variable of the model, with all its elements."""
VariableNames = Annotated[tuple[str, ...], listed(list[str], _variable)]
SeriesName = Annotated[str, Resolved(str, _series)]
"""One series of a run: ``name`` or ``name[element]``."""
ConstantName = Annotated[str, Resolved(str, _constant)]
"""``name`` or ``name[elements]`` of a constant."""
ConstantSettings = Annotated[Mapping[str, float], Resolved(dict[str, Setting], _settings)]
"""What constants are set to, written as in a scenario: by ``name`` or ``name[e1,e2]``."""


# --- checks.yaml ----------------------------------------------------------------------------------


class Check(Form):
    """Something that is asked of the model, with its name."""

    id: str
    en: str
    zh: str

    @property
    def name(self) -> tuple[str, str, str]:
        """Its id, and its name in English and Chinese."""
        return self.id, self.en, self.zh


class Parts(Form):
    """Which scenario plays which part."""

    baseline: str
    equilibrium: str | None = None
    history: str | None = None
    uncertainty: str | None = None
    """The design of the uncertainty study, from the folder of the scenarios."""


class MainTable(Form):
    """The rows of the catalogue that the base year is compared with."""

    rows: Annotated[re.Pattern[str], Resolved(str, _pattern)]
    """A pattern of ids."""
    except_basis: Annotated[Basis | None, LAX] = Field(None, alias="except basis")


class Identity(Check):
    """Two sides, one of which equals or bounds the other."""

    left: str
    right: str


_Identities = Annotated[tuple[Identity, ...], listed(list[Identity], unique="id")]


class Expected(Form):
    """What has to hold under extreme conditions."""

    left: str
    comparison: Annotated[Relation, LAX] = Field(alias="is")
    right: str
    over: Items[str] = ()
    first: float = Field(-math.inf, alias="from")
    last: float = Field(math.inf, alias="to")


class Extreme(Check):
    """Extreme conditions."""

    test: Literal["Q09", "Q10", "Q11"]
    """The test that they belong to."""
    set: ConstantSettings
    expect: Items[Expected]


class Resting(Form):
    """What a constant has to be for stocks to stand still."""

    constant: Annotated[str, Resolved(str, _whole_constant)]
    right: str = Field(alias="is")
    over: Items[str] = ()


class Checks(Form):
    """What must hold in every run."""

    scenarios: Parts
    years: Items[int]
    main_table: MainTable = Field(alias="main table")
    plain: Annotated[tuple[Node, ...], listed(list[str], _tree)] = ()
    """What an equation may hold though it has a number in it."""
    size: int
    comparisons: int = 25
    """Minimum number of reality checks."""
    outputs: Annotated[
        Mapping[str, Words],
        Entries(dict[str, Words], _of_variable),
    ] = Field(default={})
    conservation: _Identities = ()
    bounds: _Identities = ()
    signed: VariableNames = ()
    non_negative: VariableNames = ()
    on_edge: Annotated[
        Mapping[str, Words],
        Entries(dict[str, Words], _of_constant),
    ] = Field(default={})
    shares: VariableNames = ()
    rest: Items[Resting] = ()
    extremes: Annotated[tuple[Extreme, ...], listed(list[Extreme], unique="id")] = ()
    reasons: dict[str, Words] = Field(default={})
    """Why a test fails and what would be needed, by its id."""

    def _misfits(self, model: Model) -> Iterator[Fault]:
        for index, name in enumerate(self.signed):
            if model.variables[name].kind is not VariableKind.STOCK:
                yield Fault("'{name}' is not a stock", at=("signed", index), name=name)
        for index, name in enumerate(self.shares):
            if (unit := model.variables[name].unit) not in ("Dmnl", ""):
                found = Message("the unit {unit}", unit=unit)
                yield Fault("'{name}' is not a share", at=("shares", index), found=found, name=name)


def load_checks(model: Model) -> Checks:
    """Read what a model is tested by.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    check_model(model)
    return form_of(Checks, read_document(model.path.with_name(CHECKS)), model)


def check_equations(model: Model, checks: Checks) -> Iterator[AddedEquation]:
    """Return the expressions of the checks, as equations to be computed beside the model's own.

    The sides of an identity are named ``left ID``, those of an expectation by `side_name`, what a
    constant has to be at rest ``rest NAME``.
    """
    document = read_document(model.path.with_name(CHECKS))

    def equation(name: str, text: str, over: tuple[str, ...], *at: str | int) -> AddedEquation:
        return AddedEquation(name, text, over, document.file, document.line(at))

    for key in ("conservation", "bounds"):
        for index, identity in enumerate(getattr(checks, key)):
            for side in SIDES:
                text = getattr(identity, side)
                yield equation(f"{side} {identity.id}", text, (), key, index, side)
    for index, extreme in enumerate(checks.extremes):
        for number, expected in enumerate(extreme.expect):
            at: Location = ("extremes", index, "expect", number)
            for side in SIDES:
                name, text = side_name(side, extreme.id, number), getattr(expected, side)
                yield equation(name, text, expected.over, *at, side)
    for index, resting in enumerate(checks.rest):
        name = f"rest {resting.constant}"
        yield equation(name, resting.right, resting.over, "rest", index, "is")


def side_name(side: str, extreme: str, number: int) -> str:
    """Return the name of the equation of a side of what is expected under extreme conditions.

    >>> side_name("left", "no water", 0)
    'left no water 0'
    """
    return f"{side} {extreme} {number}"


# --- reality.yaml ---------------------------------------------------------------------------------


class ConstantChange(Form):
    """What is done to a constant, in this order; then it is clipped to what is admissible."""

    to: float | None = None
    times: float = 1
    plus: float = 0


class RealityCheck(Check):
    """A comparison of two runs."""

    given: ConstantSettings = Field(default={})
    change: Annotated[
        Mapping[str, ConstantChange],
        Entries(
            dict[str, ConstantChange],
            lambda name, given, model: _constant(name, model) and given,
        ),
    ]
    variable: SeriesName
    year: int
    sign: Annotated[Sign, LAX]
    by: Items[float] = ()
    """The least and the most that the baseline has to change by, as a part of it."""

    def _misfits(self, _: object) -> Iterator[Fault]:
        if self.by and not (len(self.by) == 2 and self.by[0] < self.by[1]):
            yield Fault(
                "'{name}' has no proper {key} range",
                at=("by",),
                expected=Message("{count} rising numbers", count=2),
                name=self.id,
                key="by",
            )


class _RealityForm(Form):
    tests: Annotated[tuple[RealityCheck, ...], listed(list[RealityCheck], unique="id")]


def load_reality_checks(model: Model) -> tuple[RealityCheck, ...]:
    """Read the comparisons of runs that test a model; none if no file says any.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    path = model.path.with_name(REALITY)
    return form_of(_RealityForm, read_document(path), model).tests if path.is_file() else ()


# --- effects.yaml ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _EffectsContext:
    model: Model
    scenarios: Mapping[str, Scenario]
    binding: tuple[str, ...]
    """Ids of the binding targets."""


class _SideForm(Form):
    scenario: str
    set: ConstantSettings


def _side(form: str | _SideForm, context: _EffectsContext) -> Scenario:
    """Return the scenario of one side of a question, ``SCENARIO+OVERLAY``, with what it sets."""
    text, settings = (form, {}) if isinstance(form, str) else (form.scenario, form.set)
    name, overlays = split_overlays(text)
    known = context.scenarios.get(name)
    if known is None or known.path is None:
        close = nearest(name, context.scenarios)
        raise InputError("no scenario is called '{name}'", nearest=close, name=name)
    overrides = [f"{key}={value!r}" for key, value in settings.items()]
    return read_scenario(known.path, context.model, overrides, overlays=overlays)


def _binding(name: str, entry: object, context: _EffectsContext) -> object:
    if name not in context.binding:
        close = nearest(name, context.binding)
        raise InputError("no binding target has the id '{id}'", nearest=close, id=name)
    return entry


class Question(Check):
    """Two scenarios, the second of which differs from the first in what is asked about."""

    first: Annotated[Scenario, Resolved(or_text(_SideForm), _side)] = Field(alias="from")
    last: Annotated[Scenario, Resolved(or_text(_SideForm), _side)] = Field(alias="to")


class Margins(Form):
    """What a question has to move."""

    question: str
    least: int
    """So many margins."""
    part: float = Field(gt=0)
    """A margin moves if its indicator does by this part of its level."""
    deviations: float = Field(gt=0)
    """Or by so many of its standard deviations over the members."""
    ledgers: Annotated[Mapping[str, Words], Entries(dict[str, Words], _binding)] = Field(default={})
    """Why other targets do not move."""


class Effects(Form):
    """Questions, and what they have to change."""

    questions: Annotated[
        tuple[Question, ...], listed(list[Question], unique="id"), Field(min_length=1)
    ]
    least: Annotated[Mapping[str, float], Entries(dict[str, float], _binding)]
    """The part of its level by which a binding target's indicator moves under some question."""
    margins: Margins
    beside: Annotated[tuple[str, ...], listed(list[str], _series)] = ()
    """Variables that are shown beside the targets, in the year of the first of these."""

    def _misfits(self, _: _EffectsContext) -> Iterator[Fault]:
        ids = [question.id for question in self.questions]
        if (name := self.margins.question) not in ids:
            at, close = ("margins", "question"), nearest(name, ids)
            yield Fault("no question has the id '{id}'", at=at, nearest=close, id=name)


def load_effects(
    model: Model, scenarios: Mapping[str, Scenario], targets: Sequence[Target]
) -> Effects | None:
    """Read the questions that are put to a model; None if no file asks any.

    Raises:
        InputError: with every fault of the file, each with its line.
    """
    path = model.path.with_name(EFFECTS)
    if not path.is_file():
        return None
    names = tuple(target.id for target in binding_targets(targets))
    return form_of(Effects, read_document(path), _EffectsContext(model, scenarios, names))
