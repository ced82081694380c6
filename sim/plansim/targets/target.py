"""A row of a plan's catalogue, and the series and unit by which it is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from plansim.errors import InputError, Message, UnitError, UnknownNameError, nearest
from plansim.model.records import Model, Variable, folded, several
from plansim.model.units import convert
from plansim.scenario.references import split_name
from plansim.targets.indicator import Measure, in_a_year, measured_unit, trailing_base

__all__ = [
    "Attribute",
    "Basis",
    "Direction",
    "Gap",
    "Kind",
    "Period",
    "Status",
    "Target",
    "TargetPart",
    "answering_series",
    "binding_targets",
    "in_year",
    "indicator_of",
    "is_percentage",
    "judged_targets",
    "reported_factor",
    "scale_of",
    "split_reference",
    "target_named",
    "unit_factor",
    "variable_of",
]


class Attribute(StrEnum):
    """How the plan labels a target."""

    BINDING = "binding"  # 约束性
    EXPECTED = "expected"  # 预期性
    UNLABELLED = "unlabelled"


class Direction(StrEnum):
    """The side of its value on which a target is met. The value itself always meets it."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    ABOUT = "about"  # within the tolerance


class Kind(StrEnum):
    """The kind of a row of the catalogue; only targets are judged."""

    TARGET = "target"
    FIGURE = "figure"  # a figure of the past that the plan reports
    PAST = "past"  # a goal of the previous plan, with its result


class Basis(StrEnum):
    """The prices that a value is in, or the people whom it counts or is divided by."""

    CONSTANT = "constant"  # prices of the base year
    CURRENT = "current"  # prices of the year itself
    REGISTERED = "registered"  # 户籍
    RESIDENT = "resident"  # 常住
    ENROLLED = "enrolled"  # 参加者
    TERRITORY = "territory"  # 已开展地区的居民


class Status(StrEnum):
    """The status of a target in a run. Arrays hold the position in this order."""

    MET = "met"
    MISSED = "missed"
    UNDECIDED = "undecided"  # its bases disagree
    ASSUMED = "assumed"  # the scenario sets it, so that meeting it proves nothing
    UNTESTABLE = "untestable"  # no variable of the run gives its value

    @cached_property  # asked for by every verdict on many runs
    def code(self) -> int:
        """The position in the order above."""
        return list(Status).index(self)

    @classmethod
    def of(cls, code: float) -> Status:
        """Return the status of a code."""
        return list(cls)[int(code)]

    @property
    def judged(self) -> bool:
        """Whether the run decides the target: it is neither assumed nor untestable."""
        return self not in (Status.ASSUMED, Status.UNTESTABLE)


class Gap(StrEnum):
    """Why a run gives no value for a target."""

    NOT_MODELLED = "not modelled"  # no variable of the model gives it
    NO_YEAR = "no year"  # the run has no value of a year that is needed
    NO_NUMBER = "no number"  # growth from a base that is not positive, for example


@dataclass(frozen=True)
class Period:
    """The years that a figure covers, both ends included; one year if they are equal."""

    first: int
    last: int

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.last)
        return f"{self.first}–{self.last % 100:02d}"


@dataclass(frozen=True)
class TargetPart:
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
    """Unit of `value`, `tolerance` and the indicator."""
    base_unit: str
    """`unit`, unless the plan states the base in another one."""
    measure: Measure
    since: int
    """The base year of the measure."""
    horizon: int
    """The last year for which a binding target is followed."""
    file: str = field(compare=False)
    line: int | None = field(compare=False)
    attribute: Attribute = Attribute.UNLABELLED
    base_period: Period | None = None
    base_value: float | None = None
    year: int | None = None
    value: float | None = None
    """None for a figure, for a goal in words, and where `parts` hold the numbers."""
    direction: Direction | None = None
    tolerance: float | None = None
    """How far from `value` still counts; only with `Direction.ABOUT`."""
    parts: tuple[TargetPart, ...] = ()
    basis: tuple[Basis, ...] = ()
    """The basis or bases that the plan states."""
    variables: Mapping[Basis | None, str] = field(default_factory=dict)
    """The variables by which it is judged, on each basis that the plan leaves open; one entry under
    None if it leaves none open, no entry if it is not modelled. A reference is ``name`` or
    ``name[element]``."""
    reason_en: str = ""
    reason_zh: str = ""
    """Why it is not modelled; empty if it is."""
    place_en: str = ""
    place_zh: str = ""
    wording: str = ""
    """The plan's wording; empty if it equals the name."""
    note_en: str = ""
    note_zh: str = ""


def records_of(targets: Iterable[Target]) -> list[Target]:
    """Return targets as a list, where ids would not do since no catalogue is given.

    Raises:
        TypeError: something else is among them.
    """
    listed = several(targets)
    for one in listed:
        if not isinstance(one, Target):
            kind = type(one).__name__
            raise TypeError(f"expected Targets, as load_targets gives them, found {kind}")
    return [*listed]


def split_reference(reference: str) -> tuple[str, tuple[str, ...]]:
    """Split ``name[element,element]`` into the name and the elements.

    >>> split_reference("output[farming]"), split_reference("output")
    (('output', ('farming',)), ('output', ()))
    """
    name, inside = split_name(reference)
    elements = () if inside is None else tuple(part.strip() for part in inside.split(","))
    return name.strip(), elements


def variable_of(model: Model, reference: str) -> Variable:
    """Return the variable of a reference, ``name`` or ``name[element]``."""
    return model.variables[split_reference(reference)[0]]


def judged_targets(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets with a variable in the model, a value and a year."""
    return tuple(
        target
        for target in targets
        if target.kind is Kind.TARGET
        and target.variables
        and None not in (target.value, target.year)
    )


def binding_targets(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return those of `judged_targets` that are binding."""
    return tuple(one for one in judged_targets(targets) if one.attribute is Attribute.BINDING)


def scale_of(target: Target) -> float:
    """Return what the margins of a target are divided by, so that they compare."""
    return abs(target.value or 0.0) or 1.0


def target_named(name: str, targets: Sequence[Target]) -> Target:
    """Return the judged target of an id, or of a name in either language, in any letter case.

    Raises:
        UnknownNameError: no target has it.
        InputError: the target has no variable in the model.
    """
    wanted, judged = folded(name), judged_targets(targets)
    for key in ("id", "name_en", "name_zh"):
        for target in judged:
            if folded(getattr(target, key)) == wanted:
                return target
    if any(wanted in map(folded, (one.id, one.name_en, one.name_zh)) for one in targets):
        raise InputError("nothing in the model answers for '{name}'", name=name)
    known = [known for one in judged for known in (one.id, one.name_en, one.name_zh)]
    raise UnknownNameError(
        "no target has the id or name '{id}'",
        expected=Message("a name of 'plansim list targets'"),
        nearest=nearest(name, known),
        id=name,
    )


def answering_series(targets: Iterable[Target]) -> tuple[str, ...]:
    """Return the references of the series that targets are judged by, each once."""
    return tuple(dict.fromkeys(name for target in targets for name in target.variables.values()))


def indicator_of(
    model: Model, reference: str, measure: Measure, base_year: int, year: int
) -> Target:
    """Return an indicator that the evaluator computes although the plan sets no target for it.

    It has the form of a target of at least 0, in the unit of the measured series, so that its value
    is computed as a target's is. Its verdict is meaningless.

    Args:
        model: the model.
        reference: the series, ``name`` or ``name[element]``.
        measure: the measure of the series.
        base_year: base year of growth, a sum, a mean or a reduction.
        year: last year of the measure.
    """
    variable = variable_of(model, reference)
    unit = measured_unit(measure, variable.unit)
    return Target(
        id=f"{measure} of {reference} {base_year}-{year}",
        kind=Kind.TARGET,
        name_en=variable.name,
        name_zh=variable.name_zh,
        unit=unit,
        base_unit=unit,
        year=year,
        value=0.0,
        direction=Direction.AT_LEAST,
        measure=measure,
        since=base_year,
        horizon=year,
        variables={None: reference},
        file=str(model.path),
        line=variable.line,
    )


def in_year(target: Target, year: int) -> Target:
    """Return a target as it applies in a year after its own."""
    assert target.year is not None
    base_year = trailing_base(target.measure, target.since, target.year, year)
    return replace(target, id=f"{target.id} in {year}", year=year, since=base_year)


def is_percentage(unit: str) -> bool:
    """Return whether a figure in a unit is a percentage, so that differences of it are points.

    >>> is_percentage("%"), is_percentage("%/year"), is_percentage("‰"), is_percentage("万人")
    (True, True, True, False)
    """
    return unit.partition("/")[0] in ("%", "‰")


def unit_factor(unit: str, target: Target) -> float:
    """Return the factor from a series in ``unit`` to the target's unit, through its measure.

    Raises:
        UnitError: the units do not measure the same thing.
    """
    return reported_factor(measured_unit(target.measure, unit), target.unit)


def reported_factor(unit: str, reported: str) -> float:
    """Return the factor from a unit of the model to the one in which a figure is reported.

    Statistics state a yearly rate as its sum over the year: 亿元 for 亿元/Year. If the units differ
    by just that, the figure of a year is meant.

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
